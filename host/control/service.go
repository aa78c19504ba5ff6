package control

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"sync"
	"time"

	hostconnector "github.com/pomost/pomost/host/connector"
	"github.com/pomost/pomost/host/engine"
	"github.com/pomost/pomost/host/home"
	"github.com/pomost/pomost/registry"
	"github.com/pomost/pomost/sdk/connector"
)

// Plugins gives connectors and connections by name; the Manager of host/connector, which starts processes, is the one in use.
type Plugins interface {
	Connector(ctx context.Context, name string) (connector.Connector, error)
	Connection(ctx context.Context, id, name string, settings connector.Settings, host connector.Host) (connector.Connection, []connector.Problem, error)
	Close() error
}

// Options set a Service up.
type Options struct {
	Home string // "" is POMOST_HOME, else the XDG state folder
	// Connectors is the folder of the connectors' binaries; "" is that of this executable.
	Connectors string
	// Command is this command as a person knows it, for whoever waits for the home's lock.
	Command string
	// Progress is told what is going on in a demonstration; may be nil. Other methods take their own.
	Progress func(Event)
	// Getenv reads the environment for secret references; nil is os.Getenv.
	Getenv func(string) string
	// Plugins opens the source of connectors for one command; nil starts processes from Connectors.
	Plugins func() (Plugins, error)
	// Functions opens the source of custom functions; nil runs those beside this program and those of the home in workers.
	Functions func() (Functions, error)
	// Clock is the engine's; nil is the system's.
	Clock engine.Clock
	// Version is the program's, as Status tells it.
	Version string
	// LockWait is how long to wait for the home's lock; 0 is home.LockWait.
	LockWait time.Duration
}

// Service is all that a user can do with one home. Each call opens what it needs and closes it again, unless the home is held (Hold).
// Safe for concurrent use.
type Service struct {
	opts     Options
	recipes  fs.FS
	works    *works
	consents *consents
	known    *known
	// installed are the plugins from elsewhere; nil where no home can be named.
	installed *registry.Store

	applying sync.Mutex // one change of the configuration at a time

	mu     sync.Mutex
	kept   *kept   // while the home is held
	daemon *daemon // while this process is one
}

var _ API = (*Service)(nil)

// New returns a Service; it touches nothing yet.
func New(opts Options) *Service {
	if opts.Getenv == nil {
		opts.Getenv = os.Getenv
	}
	if opts.LockWait == 0 {
		opts.LockWait = home.LockWait
	}
	if opts.Clock == nil {
		opts.Clock = systemClock{}
	}
	plugins := installed(opts)
	if opts.Plugins == nil {
		opts.Plugins = func() (Plugins, error) {
			return hostconnector.New(hostconnector.Options{Dir: opts.Connectors, Installed: plugins})
		}
	}
	return &Service{opts: opts, recipes: withRecipes(plugins), installed: plugins, works: newWorks(), consents: newConsents(), known: newKnown()}
}

// reading gives f the state without the lock: for commands that only read.
func (s *Service) reading(ctx context.Context, f func(*home.State) error) error {
	if k, leave := s.holding(); k != nil {
		defer leave()
		return f(k.state)
	}
	h, err := home.Open(s.opts.Home, home.Options{Getenv: s.opts.Getenv, ReadOnly: true})
	if err != nil {
		return err
	}
	st, err := h.OpenReadOnly(ctx)
	if err != nil {
		return err
	}
	defer st.Close()
	return f(st)
}

// writing gives f the state under the home's lock.
func (s *Service) writing(ctx context.Context, f func(*home.State) error) (err error) {
	if k, leave := s.holding(); k != nil {
		defer leave()
		return f(k.state)
	}
	h, err := home.Open(s.opts.Home, home.Options{Getenv: s.opts.Getenv})
	if err != nil {
		return err
	}
	lock, err := h.Lock(ctx, s.opts.LockWait, s.opts.Command)
	if err != nil {
		return err
	}
	defer func() {
		if e := lock.Release(); err == nil {
			err = e
		}
	}()
	st, err := h.OpenState(ctx, lock)
	if err != nil {
		return err
	}
	defer func() {
		if e := st.Close(); err == nil {
			err = e
		}
	}()
	return f(st)
}

// plugins gives f the connectors, and ends their processes afterwards.
func (s *Service) plugins(f func(Plugins) error) (err error) {
	if k, leave := s.holding(); k != nil {
		defer leave()
		return f(k.plugins)
	}
	m, err := s.opts.Plugins()
	if err != nil {
		return err
	}
	defer func() {
		if e := m.Close(); err == nil {
			err = e
		}
	}()
	return f(m)
}

// newID makes an ID that sorts by time.
func newID() string {
	var b [4]byte
	_, _ = rand.Read(b[:])
	return time.Now().UTC().Format("20060102-150405-") + hex.EncodeToString(b[:])
}

// holder says who we are, for leases.
func holder() string {
	name, err := os.Hostname()
	if err != nil {
		name = "unknown host"
	}
	return fmt.Sprintf("%s/%d", strings.TrimSpace(name), os.Getpid())
}

// systemClock is the real time.
type systemClock struct{}

func (systemClock) Now() time.Time { return time.Now() }

func (systemClock) Sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}
