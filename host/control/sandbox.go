package control

import (
	"context"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/pomost/pomost/host/flow"
)

// connectorPrefix begins the names of connectors' binaries.
const connectorPrefix = "pomost-connector-"

// sandboxGrace is how long a sandbox may go on after it was asked to end: it saves its state then.
const sandboxGrace = 10 * time.Second

// binaries is the folder of the connectors' binaries.
func (s *Service) binaries() (string, error) {
	if s.opts.Connectors != "" {
		return filepath.Abs(s.opts.Connectors)
	}
	exe, err := os.Executable()
	if err != nil {
		return "", err
	}
	if exe, err = filepath.EvalSymlinks(exe); err != nil {
		return "", err
	}
	return filepath.Dir(exe), nil
}

// Connectors returns the names of the connectors that are there, shipped and installed, in order.
func (s *Service) Connectors() []string {
	names := s.shipped()
	if s.installed != nil {
		plugins, _ := s.installed.List() // a damaged lock file is told when one of its plugins is wanted
		for _, p := range plugins {
			if !slices.Contains(names, p.Name) {
				names = append(names, p.Name)
			}
		}
	}
	slices.Sort(names)
	return names
}

// shipped returns the names of the connectors that come with the program.
func (s *Service) shipped() []string {
	dir, err := s.binaries()
	if err != nil {
		return nil
	}
	paths, err := filepath.Glob(filepath.Join(dir, connectorPrefix+"*"))
	if err != nil {
		return nil
	}
	var names []string
	for _, p := range paths {
		names = append(names, strings.TrimSuffix(strings.TrimPrefix(filepath.Base(p), connectorPrefix), ".exe"))
	}
	return names
}

// notInstalled says that there is no such connector, and which one was probably meant; nil where there is one.
func (s *Service) notInstalled(name string) *Failure {
	known := s.Connectors()
	for _, k := range known {
		if k == name {
			return nil
		}
	}
	remedy := "put the connectors' binaries beside pomost, or install the plugin that has it with `pomost plugin install FILE`"
	if near := flow.Nearest(name, known); near != "" {
		remedy = "did you mean " + near + "?"
	} else if len(known) > 0 {
		remedy = "installed are " + strings.Join(known, ", ")
	}
	return usage("the connector %s is not installed", remedy, name)
}

// binaryName is the name of a connector's binary.
func binaryName(name string) string {
	if runtime.GOOS == "windows" {
		return connectorPrefix + name + ".exe"
	}
	return connectorPrefix + name
}

// Sandbox runs a connector's sandbox until it ends or ctx does, and returns its exit code. ctx's end is passed on as SIGTERM. The home is
// not touched.
func (s *Service) Sandbox(ctx context.Context, name string, args []string, stdout, stderr io.Writer) (int, error) {
	cmd, err := s.sandboxCommand(ctx, name, args)
	if err != nil {
		return ExitUsage, err
	}
	cmd.Stdout, cmd.Stderr = stdout, stderr
	err = runTied(cmd)
	var exit *exec.ExitError
	switch {
	case err == nil, errors.Is(err, context.Canceled) && cmd.ProcessState != nil && cmd.ProcessState.Success():
		return ExitDone, nil
	case errors.As(err, &exit) && exit.ExitCode() >= 0:
		return exit.ExitCode(), nil
	case errors.As(err, &exit):
		return ExitFailed, &Failure{Cause: "failed", Message: "the sandbox of " + name + " was ended: " + exit.String(), exit: ExitFailed, err: err}
	}
	return ExitFailed, &Failure{Cause: "failed", Message: "the sandbox of " + name + " cannot be run: " + err.Error(), Remedy: "check its binary", exit: ExitFailed, err: err}
}

// sandboxCommand is a connector's binary, about to play its system.
func (s *Service) sandboxCommand(ctx context.Context, name string, args []string) (*exec.Cmd, error) {
	if missing := s.notInstalled(name); missing != nil {
		return nil, missing
	}
	dir, err := s.binaries()
	if err != nil {
		return nil, err
	}
	path := filepath.Join(dir, binaryName(name))
	if !slices.Contains(s.shipped(), name) {
		if path, err = s.pluginBinary(ctx, name); err != nil {
			return nil, err
		}
	}
	cmd := exec.CommandContext(ctx, path, append([]string{"sandbox"}, args...)...)
	// Our environment may hold secrets of real systems, which are no business of an emulator.
	for _, key := range []string{"PATH", "HOME", "TMPDIR", "TZ", "LANG", "SYSTEMROOT", "GOCOVERDIR"} {
		if v, ok := os.LookupEnv(key); ok {
			cmd.Env = append(cmd.Env, key+"="+v)
		}
	}
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = sandboxGrace
	return cmd, nil
}

// runTied runs a child that ends when we do, however we end: on Linux the kernel ends it with the thread that started it, so
// that thread is kept.
func runTied(cmd *exec.Cmd) error {
	tie(cmd)
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	if err := cmd.Start(); err != nil {
		return err
	}
	return cmd.Wait()
}
