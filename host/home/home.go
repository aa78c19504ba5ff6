// Package home is the folder in which one Pomost lives: its state, its key, its lock. One process at a time may write; commands
// that only read work beside it.
package home

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/pomost/pomost/host/store"
	"github.com/pomost/pomost/host/store/sqlite"
	"github.com/pomost/pomost/host/vault"
)

// Home is an opened home directory:
//
//	data/pomost.db   the state
//	keys/vault.key   the key, apart from the data
//	run/lock         the lock, with its holder
//	plugins/         the plugins from elsewhere, with the lock file that pins them
type Home struct{ dir string }

// Options change how a home is found.
type Options struct {
	// Getenv reads the environment; nil is os.Getenv.
	Getenv func(string) string
	// ReadOnly makes no folder.
	ReadOnly bool
}

// Open opens the home in dir; "" is POMOST_HOME, else the folder pomost in the XDG state folder. It is made if missing, for its owner
// alone; a folder that exists keeps its rights, those inside it are made for the owner alone.
func Open(dir string, opts Options) (*Home, error) {
	dir, err := locate(dir, opts.Getenv)
	if err != nil {
		return nil, err
	}
	h := &Home{dir: dir}
	if opts.ReadOnly {
		return h, nil
	}
	for _, d := range []string{dir, filepath.Join(dir, "data"), h.Run()} {
		if err := os.MkdirAll(d, 0o700); err != nil {
			return nil, &store.Error{Code: store.CodeDenied, Message: "the home " + dir + " cannot be made", Err: err,
				Remedy: "name a folder that you may write with --home or POMOST_HOME"}
		}
	}
	return h, nil
}

func locate(dir string, getenv func(string) string) (string, error) {
	if getenv == nil {
		getenv = os.Getenv
	}
	if dir == "" {
		dir = getenv("POMOST_HOME")
	}
	if dir == "" {
		// The XDG specification ignores a path that is not absolute.
		state := getenv("XDG_STATE_HOME")
		if !filepath.IsAbs(state) {
			user := getenv("HOME")
			if user == "" {
				return "", &store.Error{Code: store.CodeDenied, Message: "no home is given and the environment names no folder for it",
					Remedy: "name a folder with --home or POMOST_HOME"}
			}
			state = filepath.Join(user, ".local", "state")
		}
		dir = filepath.Join(state, "pomost")
	}
	abs, err := filepath.Abs(dir)
	if err != nil {
		return "", fmt.Errorf("finding the home %s: %w", dir, err)
	}
	return abs, nil
}

// Dir is the home's folder.
func (h *Home) Dir() string { return h.dir }

// Database is the path of the state.
func (h *Home) Database() string { return filepath.Join(h.dir, "data", "pomost.db") }

// Keys is the folder of the key.
func (h *Home) Keys() string { return filepath.Join(h.dir, "keys") }

// Run is the folder for what lives only while a process does.
func (h *Home) Run() string { return filepath.Join(h.dir, "run") }

// Plugins is the folder of the plugins from elsewhere. It is made when one is installed.
func (h *Home) Plugins() string { return filepath.Join(h.dir, "plugins") }

// State is an opened state with its key. Close it before the lock is given back.
type State struct {
	Store *sqlite.Store
	Vault *vault.Vault
}

// Close closes the state.
func (s *State) Close() error { return s.Store.Close() }

// OpenState opens the state for writing under the home's lock and makes state and key when there are none. Whoever has the lock owns
// every lease of the home, so those of a process that died are freed.
func (h *Home) OpenState(ctx context.Context, lock *Lock, opts ...sqlite.Option) (*State, error) {
	if lock == nil || lock.home != h.dir || !lock.held() {
		return nil, errors.New("the state may be written only under the lock of its home")
	}
	applied, err := h.applied()
	if err != nil {
		return nil, err
	}
	// Key before data: data without its key cannot come about by a crash between the two.
	v, err := vault.Open(h.Keys(), !applied)
	if err != nil {
		return nil, err
	}
	s, err := sqlite.Open(ctx, h.Database(), v, opts...)
	if err != nil {
		return nil, err
	}
	if err := s.ReleaseAll(ctx); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return &State{Store: s, Vault: v}, nil
}

// OpenReadOnly opens the state for reading, without the lock and beside whoever writes. It makes nothing: where nothing was
// applied yet it fails with store.CodeNotApplied.
func (h *Home) OpenReadOnly(ctx context.Context) (*State, error) {
	applied, err := h.applied()
	if err != nil {
		return nil, err
	}
	if !applied {
		return nil, &store.Error{Code: store.CodeNotApplied, Message: "nothing was applied yet in " + h.dir,
			Remedy: "run `pomost apply -f FILE` first, or name another home with --home"}
	}
	v, err := vault.Open(h.Keys(), false)
	if err != nil {
		return nil, err
	}
	s, err := sqlite.OpenReadOnly(ctx, h.Database(), v)
	if err != nil {
		return nil, err
	}
	return &State{Store: s, Vault: v}, nil
}

// applied tells whether there is a state.
func (h *Home) applied() (bool, error) {
	info, err := os.Stat(h.Database())
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return false, nil
	case err != nil:
		return false, &store.Error{Code: store.CodeDenied, Message: "the home " + h.dir + " cannot be looked at", Err: err,
			Remedy: "run Pomost as the user who owns the home"}
	}
	return info.Size() > 0, nil
}
