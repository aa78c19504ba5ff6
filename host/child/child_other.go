//go:build !unix

package child

import (
	"os"
	"os/exec"
)

// Isolate does nothing here: there are no process groups and no death signal. The child must leave by itself when nobody talks
// to it any more.
func Isolate(*exec.Cmd) {}

// AwaitExit does not wait here.
func AwaitExit(int) {}

// KillGroup kills the process only.
func KillGroup(cmd *exec.Cmd) { _ = cmd.Process.Kill() }

// Environment is what every child gets: Windows opens no socket without it.
func Environment() []string { return []string{"SYSTEMROOT=" + os.Getenv("SYSTEMROOT")} }
