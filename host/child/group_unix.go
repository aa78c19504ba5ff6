//go:build unix

package child

import (
	"os/exec"
	"syscall"
)

// KillGroup kills the process and all that it started.
func KillGroup(cmd *exec.Cmd) {
	_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) // it fails only when all are gone
}

// Environment is what every child gets.
func Environment() []string { return nil }
