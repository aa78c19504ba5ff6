package function

import (
	"bytes"
	"fmt"
	"os"
	"strconv"
)

// residentMemory is how many bytes of a process are in memory; 0 where that cannot be told.
func residentMemory(pid int) int64 {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/statm", pid))
	if err != nil {
		return 0
	}
	parts := bytes.Fields(text)
	if len(parts) < 2 {
		return 0
	}
	pages, err := strconv.ParseInt(string(parts[1]), 10, 64)
	if err != nil {
		return 0
	}
	return pages * int64(os.Getpagesize())
}
