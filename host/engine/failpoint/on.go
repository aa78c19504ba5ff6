//go:build failpoint

package failpoint

import (
	"os"
	"strconv"
	"strings"
	"sync"
	"syscall"
)

var (
	mu     sync.Mutex
	counts = map[string]int{}
)

// Hit counts the point in the file POMOST_FAILPOINT_LOG and kills the process when POMOST_FAILPOINT is "name" or "name:n" and
// this is the n-th hit.
func Hit(name string) {
	mu.Lock()
	defer mu.Unlock()
	counts[name]++
	want, nth, _ := strings.Cut(os.Getenv("POMOST_FAILPOINT"), ":")
	kill := want == name
	if n, err := strconv.Atoi(nth); err == nil {
		kill = kill && counts[name] == n
	}
	if file := os.Getenv("POMOST_FAILPOINT_LOG"); file != "" {
		f, err := os.OpenFile(file, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
		if err != nil {
			panic(err)
		}
		line := name
		if kill {
			line += " killed"
		}
		_, _ = f.WriteString(line + "\n")
		_ = f.Close()
	}
	if kill {
		_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
		select {}
	}
}
