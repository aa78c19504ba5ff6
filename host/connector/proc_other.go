//go:build !unix

package connector

import "os"

// execByDescriptor is not possible here: a private copy is executed.
func execByDescriptor(*os.File, bool) (string, []*os.File, bool) { return "", nil, false }

// lockFile has no lock to offer; a folder of another host is never taken for stale.
func lockFile(*os.File) bool { return false }
