//go:build unix && !linux

package connector

import (
	"os"
	"os/exec"
	"syscall"
)

// isolate makes the child leader of its own process group. There is no death signal here: a plugin leaves by itself when
// the Host stream ends.
func isolate(cmd *exec.Cmd) { cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} }

// execByDescriptor is not possible here: a private copy is executed.
func execByDescriptor(*os.File, bool) (string, []*os.File, bool) { return "", nil, false }

// awaitExit does not wait here: the process is reaped first, and its group is not killed afterwards, since the id may
// belong to another by then.
func awaitExit(int) {}
