//go:build unix

package connector

import (
	"os"
	"syscall"
)

// lockFile takes a lock that ends with this process; false when another holds it.
func lockFile(f *os.File) bool {
	return syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB) == nil
}
