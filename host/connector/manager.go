package connector

import (
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/pomost/pomost/host/child"
	connectorv1 "github.com/pomost/pomost/proto/connector/v1"
	"github.com/pomost/pomost/registry"
	"github.com/pomost/pomost/sdk/connector"
)

// Options set up a Manager. The zero value works.
type Options struct {
	// Dir holds the binaries pomost-connector-NAME; "" is the folder of this executable.
	Dir string
	// Installed are the plugins from elsewhere; nil is none. A connector beside Dir's wins over one of that name here.
	Installed *registry.Store
	// Checksums are the SHA-256 that binaries must have, in hexadecimal, by connector. A connector without one must keep
	// that of its first start.
	Checksums map[string]string
	// RuntimeDir is where the private folder for sockets is made; "" is XDG_RUNTIME_DIR, else the temporary folder.
	RuntimeDir string
	// Env is the whole environment of plugins beside the handshake; nil is empty.
	Env []string
	// StartTimeout bounds a start, from the fork to the first answer. Default 10 s.
	StartTimeout time.Duration
	// CallTimeout bounds a call's silence: nothing received, no progress reported. Default 150 s: longer than the one
	// request that a connector may be waiting for.
	CallTimeout time.Duration
	// StopGrace is how long a cancelled Write may go on to say what became of its records. Default 5 s.
	StopGrace time.Duration
	// Heartbeat and HeartbeatTimeout are those of the protocol unless set.
	Heartbeat, HeartbeatTimeout time.Duration
	// BackoffMin and BackoffMax bound the pause before a restart. Default 1 s and 30 s.
	BackoffMin, BackoffMax time.Duration
	// After CrashLimit deaths within CrashWindow a plugin is not started again until Release. Default 5 in 60 s.
	CrashLimit  int
	CrashWindow time.Duration
	// Log gets starts, deaths and quarantines; nil is none.
	Log *slog.Logger
}

func (o *Options) defaults() error {
	if o.Dir == "" {
		exe, err := os.Executable()
		if err != nil {
			return fmt.Errorf("find the folder of the connectors: %w", err)
		}
		if exe, err = filepath.EvalSymlinks(exe); err != nil {
			return fmt.Errorf("find the folder of the connectors: %w", err)
		}
		o.Dir = filepath.Dir(exe)
	}
	dir, err := filepath.Abs(o.Dir)
	if err != nil {
		return fmt.Errorf("find the folder of the connectors: %w", err)
	}
	o.Dir = dir
	for _, d := range []struct {
		field *time.Duration
		value time.Duration
	}{
		{&o.StartTimeout, 10 * time.Second},
		{&o.CallTimeout, 150 * time.Second},
		{&o.StopGrace, 5 * time.Second},
		{&o.Heartbeat, connectorv1.Heartbeat},
		{&o.HeartbeatTimeout, connectorv1.HeartbeatTimeout},
		{&o.BackoffMin, time.Second},
		{&o.BackoffMax, 30 * time.Second},
		{&o.CrashWindow, time.Minute},
	} {
		if *d.field == 0 {
			*d.field = d.value
		}
	}
	if o.CrashLimit == 0 {
		o.CrashLimit = 5
	}
	if o.Log == nil {
		o.Log = slog.New(slog.NewTextHandler(io.Discard, nil))
	}
	return nil
}

// Manager owns all plugin processes of a host. Safe for concurrent use.
type Manager struct {
	opts  Options
	dir   *runtimeDir
	spawn *child.Spawner

	mu        sync.Mutex
	trusted   map[string][sha256.Size]byte
	described map[string]connector.Description
	slots     []*slot
	closed    bool
	calls     uint64
	anonymous int
}

// New returns a Manager; it starts no plugin yet. Close it.
func New(opts Options) (*Manager, error) {
	if err := opts.defaults(); err != nil {
		return nil, err
	}
	trusted, err := parseChecksums(opts.Checksums)
	if err != nil {
		return nil, err
	}
	dir, err := newRuntimeDir(opts.RuntimeDir)
	if err != nil {
		return nil, err
	}
	return &Manager{opts: opts, dir: dir, spawn: child.NewSpawner(), trusted: trusted, described: map[string]connector.Description{}}, nil
}

// Close ends all connections and kills all plugins with what they started. When it returns, no process, goroutine or file
// of the Manager is left.
func (m *Manager) Close() error {
	m.mu.Lock()
	if m.closed {
		m.mu.Unlock()
		return nil
	}
	m.closed = true
	slots := m.slots
	m.mu.Unlock()
	var wg sync.WaitGroup
	for _, s := range slots {
		wg.Go(s.close)
	}
	wg.Wait()
	m.spawn.Close()
	return m.dir.Close()
}

// Connector returns a connector by its name, described by itself. It starts the plugin if none of that name runs.
func (m *Manager) Connector(ctx context.Context, name string) (connector.Connector, error) {
	d, err := m.describe(ctx, name)
	if err != nil {
		return nil, err
	}
	return &remoteConnector{m: m, name: name, description: d}, nil
}

// Connection opens a connection of a connector in a process of its own. It stays usable over deaths of that process:
// it is opened again, with the same settings, at the next call. Problems with the settings come all at once, and the
// connection is nil then.
func (m *Manager) Connection(ctx context.Context, id, name string, settings connector.Settings, host connector.Host) (connector.Connection, []connector.Problem, error) {
	s, err := m.take(name)
	if err != nil {
		return nil, nil, err
	}
	c := newConnection(s, id, settings, host)
	s.setUser(c)
	problems, err := c.open(ctx)
	if err != nil || len(problems) > 0 {
		s.setUser(nil)
		return nil, problems, err
	}
	return c, nil, nil
}

// Release lets a quarantined connector start again.
func (m *Manager) Release(name string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, s := range m.slots {
		if s.name == name {
			s.release()
		}
	}
}

// Status tells how a plugin process is.
type Status struct {
	Connector, Connection string
	PID                   int // 0: not running
	Deaths                int
	Quarantined           bool
	LastError             string
	LastWords             []string // of the running process, or of the last that died
}

// Status returns the state of all processes.
func (m *Manager) Status() []Status {
	m.mu.Lock()
	slots := append([]*slot(nil), m.slots...)
	m.mu.Unlock()
	var out []Status
	for _, s := range slots {
		out = append(out, s.status())
	}
	return out
}

// take returns a slot that no connection uses: a plugin that was started to describe itself, or a new one.
func (m *Manager) take(name string) (*slot, error) {
	if _, err := m.find(name); err != nil {
		return nil, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.closed {
		return nil, errClosed
	}
	for _, s := range m.slots {
		if s.name == name && s.claim() {
			return s, nil
		}
	}
	s := newSlot(m, name)
	s.claim()
	m.slots = append(m.slots, s)
	return s, nil
}

var errClosed = pluginFailed("Pomost is stopping", "", true, nil)

// any returns a slot of a connector for a call that needs no connection.
func (m *Manager) any(name string) (*slot, error) {
	if _, err := m.find(name); err != nil {
		return nil, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.closed {
		return nil, errClosed
	}
	for _, s := range m.slots {
		if s.name == name {
			return s, nil
		}
	}
	s := newSlot(m, name)
	m.slots = append(m.slots, s)
	return s, nil
}

// describe returns the description that a process of the connector gave when it started.
func (m *Manager) describe(ctx context.Context, name string) (connector.Description, error) {
	m.mu.Lock()
	d, ok := m.described[name]
	m.mu.Unlock()
	if ok {
		return d, nil
	}
	s, err := m.any(name)
	if err != nil {
		return connector.Description{}, err
	}
	inst, err := s.instance(ctx)
	if err != nil {
		return connector.Description{}, err
	}
	return inst.description, nil
}

func (m *Manager) setDescribed(name string, d connector.Description) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.described[name] = d
}

func (m *Manager) callID() uint64 {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.calls++
	return m.calls
}

func (m *Manager) anonymousID() string {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.anonymous++
	return fmt.Sprintf("connection-%d", m.anonymous)
}
