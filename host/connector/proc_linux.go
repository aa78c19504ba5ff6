package connector

import (
	"fmt"
	"os"
)

// execByDescriptor gives the path by which the child executes exactly this open file, whatever happens to its name. A
// script is opened once more by its interpreter, so it needs the descriptor to stay open; a binary does not.
//
// What remains: who may write to the binary itself can change it in place in the instant between hash and exec. Such a
// user can replace the host as well.
func execByDescriptor(f *os.File, script bool) (path string, pass []*os.File, ok bool) {
	path = fmt.Sprintf("/proc/self/fd/%d", f.Fd())
	if _, err := os.Stat(path); err != nil {
		return "", nil, false // no /proc here
	}
	if script {
		return "/proc/self/fd/3", []*os.File{f}, true // the first of ExtraFiles
	}
	return path, nil, true
}
