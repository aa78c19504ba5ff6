package control

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/pomost/pomost/host/home"
)

// connectionAge is how long a held Service uses its connections before it opens them anew: what connectors remember of an account (its
// fields, its tables) gets no older than this.
const connectionAge = time.Hour

// errReleased is what a Service answers that was just given back.
var errReleased = &Failure{Cause: "stopped", Message: "Pomost is stopping", Remedy: "nothing is lost: start it again", exit: ExitFailed}

// kept is what a Service that holds its home keeps open: the lock, the state, the processes of the connectors.
type kept struct {
	lock    *home.Lock
	state   *home.State
	plugins Plugins
	users   sync.WaitGroup // calls under way; entered under Service.mu only

	mu      sync.Mutex
	current *shared
}

// shared is a workshop that several calls use at a time. One that is retired is closed by its last user.
type shared struct {
	w       *workshop
	users   int
	born    time.Time
	retired bool
}

// Hold takes the home's lock and keeps state and connectors open until release is called: what a daemon does for its whole life. Calls then
// share them, so that runs of several flows go side by side. release waits for the calls that are under way: end their contexts first.
func (s *Service) Hold(ctx context.Context) (release func() error, err error) {
	h, err := home.Open(s.opts.Home, home.Options{Getenv: s.opts.Getenv})
	if err != nil {
		return nil, err
	}
	lock, err := h.Lock(ctx, s.opts.LockWait, s.opts.Command)
	if err != nil {
		return nil, err
	}
	st, err := h.OpenState(ctx, lock)
	if err != nil {
		return nil, errors.Join(err, lock.Release())
	}
	k := &kept{lock: lock, state: st}
	if k.plugins, err = s.opts.Plugins(); err != nil {
		return nil, errors.Join(err, st.Close(), lock.Release())
	}
	if err := s.closeRuns(ctx, st); err != nil {
		return nil, errors.Join(err, k.close())
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.kept != nil {
		return nil, errors.Join(errors.New("the home is held already"), k.close())
	}
	s.kept = k
	return func() error {
		s.mu.Lock()
		s.kept = nil
		s.mu.Unlock()
		k.users.Wait()
		return k.close()
	}, nil
}

// closeRuns ends, in the books, the runs of a process that died: whoever holds the home knows that none is under way.
func (s *Service) closeRuns(ctx context.Context, st *home.State) error {
	runs, err := st.Store.Runs(ctx, "", 1000)
	if err != nil {
		return err
	}
	for _, r := range runs {
		if r.Status != "running" {
			continue
		}
		r.Status, r.Ended, r.Error = "failed", s.opts.Clock.Now(), diedText
		if err := st.Store.SaveRun(ctx, r); err != nil {
			return err
		}
	}
	return nil
}

// holding returns what is kept open, and what ends its use; nil where the home is not held.
func (s *Service) holding() (*kept, func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.kept == nil {
		return nil, nil
	}
	s.kept.users.Add(1)
	return s.kept, s.kept.users.Done
}

// close closes everything in the order in which one needs the other.
func (k *kept) close() error {
	k.retire()
	return errors.Join(k.plugins.Close(), k.state.Close(), k.lock.Release())
}

// retire lets the next call open its connections anew.
func (k *kept) retire() {
	k.mu.Lock()
	c := k.current
	k.current = nil
	last := false
	if c != nil {
		c.retired, last = true, c.users == 0
	}
	k.mu.Unlock()
	if last {
		c.w.close()
	}
}

// workshop returns the workshop of the configuration in force, and what ends its use.
func (k *kept) workshop(ctx context.Context, s *Service) (*workshop, func(), error) {
	rev, err := k.state.Store.Revision(ctx)
	if err != nil {
		return nil, nil, notApplied(err)
	}
	k.mu.Lock()
	old := k.current
	k.mu.Unlock()
	if old != nil && (old.w.revision != rev.Number || s.opts.Clock.Now().Sub(old.born) > connectionAge) {
		k.retire()
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.current == nil {
		w, err := s.workshop(ctx, k.state, k.plugins)
		if err != nil {
			return nil, nil, err
		}
		k.current = &shared{w: w, born: s.opts.Clock.Now()}
	}
	c := k.current
	c.users++
	return c.w, func() {
		k.mu.Lock()
		c.users--
		last := c.retired && c.users == 0
		k.mu.Unlock()
		if last {
			c.w.close()
		}
	}, nil
}

// refresh lets a held Service open its connections anew at the next call, after something of them changed beside the configuration.
func (s *Service) refresh() {
	if k, leave := s.holding(); k != nil {
		defer leave()
		k.retire()
	}
}

// within opens state and connections for work on flows.
func (s *Service) within(ctx context.Context, f func(*home.State, *workshop) error) error {
	if k, leave := s.holding(); k != nil {
		defer leave()
		w, done, err := k.workshop(ctx, s)
		if err != nil {
			return err
		}
		defer done()
		return f(k.state, w)
	}
	// A home without a configuration has nothing to run, and looking at it must not make it.
	if err := s.reading(ctx, func(*home.State) error { return nil }); isNotApplied(err) {
		return err
	}
	return s.writing(ctx, func(st *home.State) error {
		return s.plugins(func(m Plugins) error {
			w, err := s.workshop(ctx, st, m)
			if err != nil {
				return err
			}
			defer w.close()
			return f(st, w)
		})
	})
}

// anew opens connections anew for a connector that died too often, since somebody has asked for them once more.
func (k *kept) anew(connectors ...string) {
	if m, ok := k.plugins.(interface{ Release(string) }); ok {
		for _, name := range connectors {
			m.Release(name)
		}
	}
}
