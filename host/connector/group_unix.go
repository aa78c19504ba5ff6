//go:build unix

package connector

import (
	"os"
	"os/exec"
	"syscall"
)

// killGroup kills the process and all that it started.
func killGroup(cmd *exec.Cmd) {
	_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) // it fails only when all are gone
}

// baseEnv is what every plugin gets.
func baseEnv() []string { return nil }

// lockFile takes a lock that ends with this process; false when another holds it.
func lockFile(f *os.File) bool {
	return syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB) == nil
}
