//go:build unix && !linux

package child

import (
	"os/exec"
	"syscall"
)

// Isolate makes the child leader of its own process group. There is no death signal here: the child must leave by itself when
// nobody talks to it any more.
func Isolate(cmd *exec.Cmd) { cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} }

// AwaitExit does not wait here: the process is reaped first, and its group is not killed afterwards, since the id may belong to
// another by then.
func AwaitExit(int) {}
