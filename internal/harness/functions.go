package harness

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"

	"go.uber.org/goleak"

	"github.com/pomost/pomost/host/control"
	"github.com/pomost/pomost/host/function"
)

// Main runs the tests of a package that uses Worlds: their function workers are processes of the test's own binary. It looks for leaked
// goroutines at the end and does not return.
func Main(m goleak.TestingM, options ...goleak.Option) {
	Worker()
	goleak.VerifyTestMain(running{m}, options...)
}

// Worker makes this process a function worker where it was started as one; then it does not return. A TestMain that prepares something calls it
// first.
func Worker() {
	if len(os.Args) == 2 && os.Args[1] == function.WorkerCommand {
		os.Exit(function.Serve(os.Stdin, os.Stdout))
	}
}

type running struct{ goleak.TestingM }

// Run runs the tests and ends the workers.
func (r running) Run() int {
	code := r.TestingM.Run()
	if err := functions.close(); err != nil {
		fmt.Fprintln(os.Stderr, "close the functions:", err)
		return max(code, 1)
	}
	return code
}

// functions are the shipped ones, compiled and started once for all Worlds of a process.
var functions shared

// Functions opens the shipped functions, for a Service that is no World's. Closing them does nothing: Main does.
func Functions() (control.Functions, error) { return functions.open() }

type shared struct {
	mu   sync.Mutex
	pool *function.Pool
}

// open gives a World the shared functions. Its end does not close them.
func (s *shared) open() (control.Functions, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.pool == nil {
		dir, err := compiled()
		if err != nil {
			return nil, err
		}
		if s.pool, err = function.New(function.Options{Shipped: dir, Cache: filepath.Join(dir, "cache")}); err != nil {
			return nil, err
		}
	}
	return borrowed{s.pool}, nil
}

func (s *shared) close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.pool == nil {
		return nil
	}
	return s.pool.Close()
}

type borrowed struct{ *function.Pool }

func (borrowed) Close() error { return nil }

// compiled compiles the functions that are shipped into a folder that later test runs find warm.
func compiled() (string, error) {
	root, err := moduleRoot()
	if err != nil {
		return "", err
	}
	dir := filepath.Join(os.TempDir(), fmt.Sprintf("pomost-test-functions-%d", os.Getuid()))
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", err
	}
	names, err := filepath.Glob(filepath.Join(root, "functions", "*", "main.go"))
	if err != nil {
		return "", err
	}
	for _, name := range names {
		source := filepath.Dir(name)
		next := filepath.Join(dir, fmt.Sprintf(".%s.%d", filepath.Base(source), os.Getpid()))
		cmd := exec.CommandContext(context.Background(), "go", "build", "-trimpath", "-ldflags=-s -w", "-buildmode=c-shared", "-o", next, source)
		cmd.Dir = root
		cmd.Env = append(os.Environ(), "GOOS=wasip1", "GOARCH=wasm", "CGO_ENABLED=0")
		if out, err := cmd.CombinedOutput(); err != nil {
			return "", fmt.Errorf("compile %s: %w\n%s", source, err, out)
		}
		if err := os.Rename(next, filepath.Join(dir, filepath.Base(source)+".wasm")); err != nil {
			return "", err
		}
	}
	return dir, nil
}

// moduleRoot is the folder of go.mod above this package's tests.
func moduleRoot() (string, error) {
	dir, err := os.Getwd()
	for err == nil {
		if _, e := os.Stat(filepath.Join(dir, "functions")); e == nil {
			if _, e = os.Stat(filepath.Join(dir, "go.mod")); e == nil {
				return dir, nil
			}
		}
		up := filepath.Dir(dir)
		if up == dir {
			err = errors.New("the module's folder is not above " + dir)
		}
		dir = up
	}
	return "", err
}
