//go:build !unix

package connector

import "os"

var stopSignal = os.Kill

func pgid() int { return 0 }

func alive(pid int) bool { p, err := os.FindProcess(pid); return err == nil && p != nil }
