package child

import (
	"os/exec"
	"syscall"

	"golang.org/x/sys/unix"
)

// Isolate makes the child leader of its own process group, and lets the kernel kill it when the thread that starts it ends: that is
// why a Spawner starts it.
func Isolate(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}

// AwaitExit returns when the process has ended and leaves it to be reaped: until then its id, and with it the group's, is
// not given to another.
func AwaitExit(pid int) {
	var info unix.Siginfo
	for {
		if err := unix.Waitid(unix.P_PID, pid, &info, unix.WEXITED|unix.WNOWAIT, nil); err != unix.EINTR {
			return
		}
	}
}
