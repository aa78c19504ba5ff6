package connector

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
)

const (
	runtimePrefix = "pomost-"
	lockName      = "lock"
	// maxSocketPath is the longest path that can be bound, less what comes below the runtime folder: "/123456/plugin" and
	// ten digits. macOS has the shortest, 103.
	maxRuntimePath = 103 - 25
)

// runtimeDir is this host's private folder for sockets and working folders. A lock in it tells whether its host lives.
type runtimeDir struct {
	path string
	lock *os.File
	next atomic.Int64
}

// newRuntimeDir makes the folder below base and removes those that dead hosts left there.
func newRuntimeDir(base string) (*runtimeDir, error) {
	candidates := []string{base}
	if base == "" {
		candidates = []string{os.Getenv("XDG_RUNTIME_DIR"), os.TempDir(), "/tmp"}
	}
	var failed error
	for _, base := range candidates {
		if base == "" {
			continue
		}
		d, err := makeRuntimeDir(base)
		if err == nil {
			return d, nil
		}
		failed = errors.Join(failed, err)
	}
	return nil, fmt.Errorf("no folder for the sockets of connectors: %w", failed)
}

func makeRuntimeDir(base string) (*runtimeDir, error) {
	base, err := filepath.Abs(base)
	if err != nil {
		return nil, err
	}
	sweep(base)
	// It gets its name only when it is locked, so that another host's sweep cannot take it for a dead one's.
	fresh, err := os.MkdirTemp(base, "."+runtimePrefix)
	if err != nil {
		return nil, err
	}
	d := &runtimeDir{path: filepath.Join(base, strings.TrimPrefix(filepath.Base(fresh), "."))}
	if len(d.path) > maxRuntimePath {
		os.Remove(fresh)
		return nil, fmt.Errorf("%s is too long for a socket's path (%d bytes, at most %d)", d.path, len(d.path), maxRuntimePath)
	}
	if d.lock, err = os.OpenFile(filepath.Join(fresh, lockName), os.O_CREATE|os.O_RDWR|os.O_EXCL, 0o600); err == nil {
		lockFile(d.lock)
		err = os.Rename(fresh, d.path)
	}
	if err != nil {
		os.RemoveAll(fresh)
		return nil, err
	}
	return d, nil
}

// sweep removes folders whose lock nobody holds. It is best effort: what cannot be removed now is tried by the next host.
func sweep(base string) {
	old, err := filepath.Glob(filepath.Join(base, runtimePrefix+"*", lockName))
	if err != nil {
		return
	}
	for _, name := range old {
		f, err := os.OpenFile(name, os.O_RDWR, 0)
		if err != nil {
			continue
		}
		if lockFile(f) {
			os.RemoveAll(filepath.Dir(name))
		}
		f.Close()
	}
}

// sub makes the folder of one process.
func (d *runtimeDir) sub() (string, error) {
	path := filepath.Join(d.path, strconv.FormatInt(d.next.Add(1), 36))
	return path, os.Mkdir(path, 0o700)
}

// Close removes the folder.
func (d *runtimeDir) Close() error {
	err := os.RemoveAll(d.path)
	return errors.Join(err, d.lock.Close())
}
