package function

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"sync"
	"time"

	"github.com/pomost/pomost/host/child"
)

// Options set a Pool up.
type Options struct {
	Shipped string // folder of the modules that come with Pomost; may be missing
	Own     string // folder of the user's modules; may be missing
	Cache   string // folder for compiled code and descriptions, of this user alone; "" keeps none

	Timeout      time.Duration // for a batch of at most 1,000 rows; 0 is 10 s
	StartTimeout time.Duration // for compiling and starting a module; 0 is a minute
	Memory       int64         // bytes that a module may have; 0 is 128 MiB
	Workers      int           // workers of one module beside each other; 0 is one
	Idle         time.Duration // after which a worker without work is ended; 0 is a minute
	Queue        int           // calls that may wait for a worker of one module; 0 is 64
	Command      []string      // that starts a worker; nil is this binary with WorkerCommand
}

// Pool calls functions and keeps their workers. Safe for concurrent use.
type Pool struct {
	opts  Options
	spawn *child.Spawner
	ctx   context.Context // ends with Close
	stop  context.CancelCauseFunc
	busy  sync.WaitGroup

	mu      sync.Mutex
	closed  bool
	modules []*module
	broken  error // modules that cannot be used
}

var errClosed = errors.New("the functions are closed")

// New finds the installed modules; it starts none. A module that cannot be used makes no error here: Broken tells of it.
func New(opts Options) (*Pool, error) {
	if os.Getenv(workerMark) != "" {
		return nil, errors.New("a function worker calls no functions: its program does not give way to function.Serve")
	}
	if opts.Timeout == 0 {
		opts.Timeout = 10 * time.Second
	}
	if opts.StartTimeout == 0 {
		opts.StartTimeout = time.Minute
	}
	if opts.Memory == 0 {
		opts.Memory = 128 << 20
	}
	if opts.Workers == 0 {
		opts.Workers = 1
	}
	if opts.Idle == 0 {
		opts.Idle = time.Minute
	}
	if opts.Queue == 0 {
		opts.Queue = 64
	}
	if opts.Cache != "" {
		if abs, err := filepath.Abs(opts.Cache); err == nil {
			opts.Cache = abs
		}
	}
	if len(opts.Command) == 0 {
		exe, err := ownBinary()
		if err != nil {
			return nil, fmt.Errorf("finding this program to start function workers: %w", err)
		}
		opts.Command = []string{exe, WorkerCommand}
	}
	p := &Pool{opts: opts, spawn: child.NewSpawner()}
	p.ctx, p.stop = context.WithCancelCause(context.Background())
	p.Refresh()
	return p, nil
}

// ownBinary is this very program, even when its file was replaced meanwhile.
func ownBinary() (string, error) {
	if runtime.GOOS == "linux" {
		if _, err := os.Stat("/proc/self/exe"); err == nil {
			return "/proc/self/exe", nil
		}
	}
	return os.Executable()
}

// Refresh looks again which modules are installed. Workers of modules that are no longer there, or were replaced, end when they are
// done. Do it between runs, never within one.
func (p *Pool) Refresh() {
	own, errOwn := find(p.opts.Own, Own)
	shipped, errShipped := find(p.opts.Shipped, Shipped)
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return
	}
	p.broken = errors.Join(errOwn, errShipped)
	var modules []*module
	var hashes []string
	// The user's own come first: a function of theirs goes before one that is shipped.
	for _, f := range append(own, shipped...) {
		i := slices.IndexFunc(p.modules, func(m *module) bool { return m.file == f })
		if i >= 0 {
			modules = append(modules, p.modules[i])
		} else {
			modules = append(modules, newModule(p, f))
		}
		hashes = append(hashes, f.hash)
	}
	for _, m := range p.modules {
		if !slices.Contains(modules, m) {
			m.retire()
		}
	}
	p.modules = modules
	sweepCache(p.opts.Cache, hashes)
}

// Broken tells of modules that were found and cannot be used; nil when there is none.
func (p *Pool) Broken() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.broken
}

// Close ends all workers and waits until they are gone. Calls that are under way fail.
func (p *Pool) Close() error {
	p.mu.Lock()
	if p.closed {
		p.mu.Unlock()
		return nil
	}
	p.closed = true
	modules := p.modules
	p.mu.Unlock()
	p.stop(errClosed)
	p.busy.Wait()
	for _, m := range modules {
		m.retire()
	}
	p.spawn.Close()
	return nil
}

// enter counts a call, so that Close can wait for it, and gives it a context that ends with the pool.
func (p *Pool) enter(ctx context.Context) (context.Context, func(), error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return nil, nil, errClosed
	}
	p.busy.Add(1)
	ctx, cancel := context.WithCancelCause(ctx)
	release := context.AfterFunc(p.ctx, func() { cancel(errClosed) })
	return ctx, func() { release(); cancel(nil); p.busy.Done() }, nil
}

func (p *Pool) list() []*module {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.modules)
}

// Module is an installed module.
type Module struct {
	Description
	From string // Shipped or Own
	Path string
	Hash string // SHA-256 in hexadecimal
}

// Signatures are the module's functions.
func (m Module) Signatures() []Signature {
	out := make([]Signature, 0, len(m.Functions))
	for _, f := range m.Functions {
		out = append(out, f.signature(m.Description, m.Hash))
	}
	return out
}

// Modules describes all installed modules, the user's own first. Modules that fail to describe themselves are told of beside the
// others, by a joined error of *Failed.
func (p *Pool) Modules(ctx context.Context) ([]Module, error) {
	ctx, leave, err := p.enter(ctx)
	if err != nil {
		return nil, err
	}
	defer leave()
	var out []Module
	wrong := []error{p.Broken()}
	for _, m := range p.list() {
		d, err := m.describe(ctx)
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		if err != nil {
			wrong = append(wrong, err)
			continue
		}
		out = append(out, Module{Description: d, From: m.file.from, Path: m.file.path, Hash: m.file.hash})
	}
	return out, errors.Join(wrong...)
}

// Describe returns a function's signature, or *UnknownError. Where two modules have a function of the same name, the user's own goes
// first.
func (p *Pool) Describe(ctx context.Context, function string) (Signature, error) {
	ctx, leave, err := p.enter(ctx)
	if err != nil {
		return Signature{}, err
	}
	defer leave()
	m, d, n, err := p.find(ctx, function)
	if err != nil {
		return Signature{}, err
	}
	return d.Functions[n].signature(d, m.file.hash), nil
}

// find looks a function up. A module that cannot describe itself hides nothing but itself, and is named where the function is found
// nowhere else.
func (p *Pool) find(ctx context.Context, function string) (*module, Description, int, error) {
	unknown := &UnknownError{Function: function}
	wrong := []error{p.Broken()}
	for _, m := range p.list() {
		d, err := m.describe(ctx)
		if ctx.Err() != nil {
			return nil, d, 0, context.Cause(ctx)
		}
		if err != nil {
			wrong = append(wrong, err)
			continue
		}
		for n, f := range d.Functions {
			if f.Name == function {
				return m, d, n, nil
			}
			unknown.Known = append(unknown.Known, f.Name)
		}
	}
	slices.Sort(unknown.Known)
	unknown.Known = slices.Compact(unknown.Known)
	unknown.Broken = errors.Join(wrong...)
	return nil, Description{}, 0, unknown
}

// Call gives columns of any number of rows to a function, a batch at a time, and returns the columns of its outputs, as the signature
// orders them, and per row a *RowError or nil. All inputs must be there, in any order and of one length. The error is *Failed when a
// worker could not answer, *UnknownError when there is no such function, and that of ctx when it ended.
func (p *Pool) Call(ctx context.Context, function string, columns []Column) ([]Column, []error, error) {
	ctx, leave, err := p.enter(ctx)
	if err != nil {
		return nil, nil, err
	}
	defer leave()
	m, d, n, err := p.find(ctx, function)
	if err != nil {
		return nil, nil, err
	}
	return m.call(ctx, d, n, columns)
}
