package home

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/pomost/pomost/host/store"
)

// Daemon is what a daemon writes down about itself in its home, so that commands find it.
type Daemon struct {
	PID     int       `json:"pid"`
	Socket  string    `json:"socket"`
	Version string    `json:"version"`
	Started time.Time `json:"started"`
}

// maxSocketPath is the longest path that every system binds; Linux allows 107 bytes, macOS 103.
const maxSocketPath = 103

// maxDaemonFile bounds what is read of a daemon's own words.
const maxDaemonFile = 4096

func (h *Home) daemonFile() string { return filepath.Join(h.Run(), "daemon.json") }

// Socket is the path at which a daemon of this home listens: in the runtime folder, under a name made of the home's. Its folder is made
// for the owner alone; one that is somebody else's, or open to others, is refused.
func (h *Home) Socket(getenv func(string) string) (string, error) {
	if getenv == nil {
		getenv = os.Getenv
	}
	sum := sha256.Sum256([]byte(h.dir))
	name := hex.EncodeToString(sum[:6]) + ".sock"
	own := "pomost-daemon-" + strconv.Itoa(os.Getuid())
	var failed error
	for _, dir := range []string{getenv("XDG_RUNTIME_DIR"), os.TempDir(), "/tmp"} {
		path := filepath.Join(dir, own, name)
		switch {
		case dir == "" || !filepath.IsAbs(dir):
			continue
		case len(path) > maxSocketPath:
			failed = errors.Join(failed, fmt.Errorf("%s is too long for a socket's path (%d bytes, at most %d)", path, len(path), maxSocketPath))
			continue
		}
		if err := privateDir(filepath.Dir(path)); err != nil {
			failed = errors.Join(failed, err)
			continue
		}
		return path, nil
	}
	return "", &store.Error{Code: store.CodeDenied, Message: "there is no folder for the daemon's socket", Err: failed,
		Remedy: "name a short folder of your own with XDG_RUNTIME_DIR"}
}

// privateDir makes a folder for its owner alone. In a folder that all may write, somebody else may have been there before.
func privateDir(dir string) error {
	if err := os.Mkdir(dir, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	info, err := os.Lstat(dir)
	if err != nil {
		return err
	}
	if !info.IsDir() || !mine(info) || info.Mode().Perm()&0o077 != 0 {
		return fmt.Errorf("%s is not a folder for this user alone", dir)
	}
	return nil
}

// Listen opens the daemon's socket for this user alone, and writes down where it is; close removes both. Only the owner of the home's
// lock may call it: what a killed daemon left is replaced.
func (h *Home) Listen(ctx context.Context, lock *Lock, d Daemon, getenv func(string) string) (l net.Listener, end func(), err error) {
	if lock == nil || lock.home != h.dir || !lock.held() {
		return nil, nil, errors.New("a daemon may listen only under the lock of its home")
	}
	if d.Socket, err = h.Socket(getenv); err != nil {
		return nil, nil, err
	}
	if err := os.Remove(d.Socket); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, nil, fmt.Errorf("remove the socket that an earlier daemon left: %w", err)
	}
	l, err = (&net.ListenConfig{}).Listen(ctx, "unix", d.Socket)
	if err != nil {
		return nil, nil, &store.Error{Code: store.CodeDenied, Message: "the daemon's socket cannot be opened", Err: err,
			Remedy: "name a folder of your own with XDG_RUNTIME_DIR"}
	}
	if err := errors.Join(os.Chmod(d.Socket, 0o600), h.writeDaemon(d)); err != nil {
		return nil, nil, errors.Join(err, l.Close())
	}
	return l, func() {
		_ = os.Remove(h.daemonFile()) // gone or not: nobody answers there any more
		_ = l.Close()
	}, nil
}

func (h *Home) writeDaemon(d Daemon) error {
	text, err := json.Marshal(d)
	if err != nil {
		return err
	}
	return Replace(h.daemonFile(), append(text, '\n'))
}

// Replace writes a small file of the home, for its user alone, in place of the one that is there: whoever reads it finds the one or the other,
// and no half.
func Replace(path string, text []byte) error {
	fresh := path + ".new"
	if err := os.WriteFile(fresh, text, 0o600); err != nil {
		return err
	}
	return os.Rename(fresh, path)
}

// Daemon returns what a daemon of this home wrote down, and whether it did. One that was killed could not take it back: only its socket
// tells whether it answers.
func (h *Home) Daemon() (Daemon, bool) {
	f, err := os.Open(h.daemonFile())
	if err != nil {
		return Daemon{}, false
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, maxDaemonFile))
	var d Daemon
	if err != nil || json.Unmarshal(text, &d) != nil || d.Socket == "" {
		return Daemon{}, false
	}
	return d, true
}

// Holder tells who has the lock, as far as it can be seen without taking it, and whether anybody has.
func (h *Home) Holder() (Holder, bool) {
	f, err := os.Open(filepath.Join(h.Run(), "lock"))
	if err != nil {
		return Holder{}, false
	}
	defer f.Close()
	who := readHolder(f)
	return who, who.PID != 0 && alive(who.PID)
}
