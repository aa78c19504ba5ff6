//go:build !(linux || darwin || freebsd || netbsd || openbsd || dragonfly)

package home

import (
	"fmt"
	"os"
	"runtime"
)

// tryLock refuses: without a lock that dies with its process, two commands could send one order twice.
func tryLock(*os.File) error {
	return fmt.Errorf("Pomost cannot lock a home on %s yet; Linux is supported", runtime.GOOS)
}
