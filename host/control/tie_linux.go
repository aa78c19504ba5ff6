package control

import (
	"os/exec"
	"syscall"
)

// tie lets the kernel ask the child to end when the thread that started it is gone. The child leads its own process group, so
// that an interrupt at the terminal reaches it through us, once.
func tie(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGTERM, Setpgid: true}
}
