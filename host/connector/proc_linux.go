package connector

import (
	"fmt"
	"os"
	"os/exec"
	"syscall"

	"golang.org/x/sys/unix"
)

// isolate makes the child leader of its own process group, and lets the kernel kill it when the thread that starts it
// ends: that is why one locked thread starts all plugins.
func isolate(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}

// execByDescriptor gives the path by which the child executes exactly this open file, whatever happens to its name. A
// script is opened once more by its interpreter, so it needs the descriptor to stay open; a binary does not.
//
// What remains: who may write to the binary itself can change it in place in the instant between hash and exec. Such a
// user can replace the host as well.
func execByDescriptor(f *os.File, script bool) (path string, pass []*os.File, ok bool) {
	path = fmt.Sprintf("/proc/self/fd/%d", f.Fd())
	if _, err := os.Stat(path); err != nil {
		return "", nil, false // no /proc here
	}
	if script {
		return "/proc/self/fd/3", []*os.File{f}, true // the first of ExtraFiles
	}
	return path, nil, true
}

// awaitExit returns when the process has ended and leaves it to be reaped: until then its id, and with it the group's, is
// not given to another.
func awaitExit(pid int) {
	var info unix.Siginfo
	for {
		if err := unix.Waitid(unix.P_PID, pid, &info, unix.WEXITED|unix.WNOWAIT, nil); err != unix.EINTR {
			return
		}
	}
}
