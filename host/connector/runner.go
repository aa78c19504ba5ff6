package connector

import (
	"context"
	"errors"
	"io"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/hashicorp/go-plugin/runner"

	"github.com/pomost/pomost/host/child"
)

// process runs a plugin's binary for go-plugin: in a group of its own, with nothing inherited.
type process struct {
	cmd     *exec.Cmd
	spawn   *child.Spawner
	binary  *executable
	stdout  io.ReadCloser
	stderr  io.ReadCloser
	firstly firstLine

	mu       sync.Mutex
	startErr error // the binary could not be executed
	started  bool
	reaped   bool
	state    string        // "exit status 3", once reaped
	exited   chan struct{} // closed when reaped
}

// newProcess takes the command that go-plugin has prepared; its environment holds what the handshake needs.
func newProcess(spawn *child.Spawner, binary *executable, prepared *exec.Cmd, dir string, extra []string) (*process, error) {
	env := append(child.Environment(), extra...)
	for _, e := range prepared.Env {
		if strings.HasPrefix(e, "PLUGIN_UNIX_SOCKET_DIR=") {
			e = "PLUGIN_UNIX_SOCKET_DIR=" + dir // go-plugin's own folder has a longer name
		}
		env = append(env, e)
	}
	cmd := &exec.Cmd{Path: binary.path, Args: []string{binary.name}, Env: env, Dir: dir, ExtraFiles: binary.pass}
	child.Isolate(cmd)
	p := &process{cmd: cmd, spawn: spawn, binary: binary, exited: make(chan struct{})}
	var err error
	if p.stdout, err = cmd.StdoutPipe(); err != nil {
		return nil, err
	}
	p.firstly.ReadCloser = p.stdout
	if p.stderr, err = cmd.StderrPipe(); err != nil {
		return nil, err
	}
	return p, nil
}

// Start implements runner.Runner.
func (p *process) Start(context.Context) error {
	var err error
	// A fork elsewhere in the host can hold a just written binary open for writing for a moment.
	for range 10 {
		p.spawn.Do(func() { err = p.cmd.Start() })
		if !errors.Is(err, syscall.ETXTBSY) {
			break
		}
		time.Sleep(20 * time.Millisecond)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.startErr, p.started = err, err == nil
	return err
}

// Wait implements runner.AttachedRunner; go-plugin calls it once, when the output has ended.
func (p *process) Wait(context.Context) error {
	child.AwaitExit(p.cmd.Process.Pid)
	p.mu.Lock()
	defer p.mu.Unlock()
	if runtime.GOOS == "linux" {
		child.KillGroup(p.cmd) // what the plugin started and left behind
	}
	err := p.cmd.Wait()
	p.reaped, p.state = true, p.cmd.ProcessState.String()
	close(p.exited)
	return err
}

// Kill implements runner.AttachedRunner.
func (p *process) Kill(context.Context) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.started && !p.reaped {
		child.KillGroup(p.cmd)
	}
	return nil
}

// Stdout implements runner.Runner.
func (p *process) Stdout() io.ReadCloser { return &p.firstly }

// Stderr implements runner.Runner.
func (p *process) Stderr() io.ReadCloser { return p.stderr }

// Name implements runner.Runner.
func (p *process) Name() string { return p.binary.name }

// ID implements runner.AttachedRunner.
func (p *process) ID() string {
	if pid := p.pid(); pid != 0 {
		return strconv.Itoa(pid)
	}
	return ""
}

func (p *process) pid() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.started {
		return 0
	}
	return p.cmd.Process.Pid
}

// Diagnose implements runner.Runner; explain in start.go knows more.
func (p *process) Diagnose(context.Context) string { return "" }

// PluginToHost implements runner.AttachedRunner.
func (p *process) PluginToHost(network, addr string) (string, string, error) {
	return network, addr, nil
}

// HostToPlugin implements runner.AttachedRunner.
func (p *process) HostToPlugin(network, addr string) (string, string, error) {
	return network, addr, nil
}

var _ runner.Runner = (*process)(nil)

// firstLine remembers the beginning of what a plugin prints: its handshake, or what it prints instead.
type firstLine struct {
	io.ReadCloser
	mu   sync.Mutex
	line []byte
	full bool
}

// Read implements io.Reader.
func (f *firstLine) Read(p []byte) (int, error) {
	n, err := f.ReadCloser.Read(p)
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, c := range p[:n] {
		if f.full {
			break
		}
		if c == '\n' || len(f.line) >= 4*child.KeptLine {
			f.full = true
			break
		}
		f.line = append(f.line, c)
	}
	return n, err
}

func (f *firstLine) String() string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return string(f.line)
}
