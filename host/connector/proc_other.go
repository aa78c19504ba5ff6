//go:build !unix

package connector

import (
	"os"
	"os/exec"
)

// isolate does nothing here: there are no process groups and no death signal. A plugin leaves by itself when the Host
// stream ends.
func isolate(*exec.Cmd) {}

// execByDescriptor is not possible here: a private copy is executed.
func execByDescriptor(*os.File, bool) (string, []*os.File, bool) { return "", nil, false }

func awaitExit(int) {}

// killGroup kills the process only.
func killGroup(cmd *exec.Cmd) { _ = cmd.Process.Kill() }

// baseEnv is what every plugin gets: Windows opens no socket without it.
func baseEnv() []string { return []string{"SYSTEMROOT=" + os.Getenv("SYSTEMROOT")} }

// lockFile has no lock to offer; a folder of another host is never taken for stale.
func lockFile(*os.File) bool { return false }
