//go:build unix

package connector

import (
	"bytes"
	"fmt"
	"os"
	"syscall"
)

const stopSignal = syscall.SIGSTOP

func pgid() int { return syscall.Getpgrp() }

// alive tells a process from its remains, which stay until its parent, perhaps a slow init, has asked for them.
func alive(pid int) bool {
	if syscall.Kill(pid, 0) != nil {
		return false
	}
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	return err != nil || !bytes.Contains(stat, []byte(") Z "))
}
