package connector

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/pomost/pomost/registry"
	"github.com/pomost/pomost/sdk/connector"
)

// installSelf installs this test's own binary, which can play a connector, as a plugin called good.
func installSelf(t *testing.T) (*registry.Store, registry.Installed) {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(self)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	for name, text := range map[string][]byte{binaryPrefix + "good": data, registry.ManifestFile: []byte("format: 1\nname: good\nversion: 1.0.0\nprotocol: [1]\n")} {
		if err := os.WriteFile(filepath.Join(dir, name), text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	p, err := registry.Pack(t.Context(), registry.PackOptions{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	store := registry.Open(filepath.Join(t.TempDir(), "plugins"))
	in, _, err := store.Install(t.Context(), registry.InstallOptions{From: p.File, Now: time.Now()})
	if err != nil {
		t.Fatal(err)
	}
	return store, in
}

// replace puts other bytes where an installed file was, as somebody with the user's rights could.
func replace(t *testing.T, path string, change func([]byte) []byte) {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path+".new", change(data), 0o500); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(path+".new", path); err != nil {
		t.Fatal(err)
	}
}

func TestOnlyThePinnedBinaryRuns(t *testing.T) {
	t.Parallel()
	store, in := installSelf(t)
	m := manager(t, func(o *Options) { o.Dir, o.Installed = t.TempDir(), store })
	c := open(t, m, connector.Settings{"do": "die"})
	if _, err := c.List(t.Context(), "x"); err != nil {
		t.Fatal(err)
	}
	replace(t, in.Path, func(b []byte) []byte { return append(b, 0) })
	// The process that runs is the pinned one; it goes on. The next start is refused.
	if _, err := c.Check(t.Context()); err == nil || !strings.Contains(err.Error(), "ended unexpectedly") {
		t.Fatal(err)
	}
	for range 2 {
		_, err := c.List(t.Context(), "x")
		e := typed(t, err)
		if e.Retryable || e.Cause != connector.CausePluginFailed || !strings.Contains(e.Message, in.Path) || !strings.Contains(e.Remedy, "pomost plugin install") {
			t.Fatalf("%+v", e)
		}
	}
	// A fresh host refuses it from the first start: nothing is trusted for being there first.
	fresh := manager(t, func(o *Options) { o.Dir, o.Installed = t.TempDir(), store })
	if _, err := fresh.Connector(t.Context(), "good"); !strings.Contains(typed(t, err).Message, "is not run") {
		t.Fatal(err)
	}
	replace(t, in.Path, func(b []byte) []byte { return b[:len(b)-1] })
	if _, err := c.List(t.Context(), "x"); err != nil {
		t.Errorf("the pinned binary is back and refused: %v", err)
	}
	if err := os.Remove(in.Path); err != nil {
		t.Fatal(err)
	}
	gone := manager(t, func(o *Options) { o.Dir, o.Installed = t.TempDir(), store })
	if _, err := gone.Connector(t.Context(), "good"); !strings.Contains(typed(t, err).Message, "is gone") {
		t.Fatal(err)
	}
}

func TestAShippedConnectorIsNotShadowed(t *testing.T) {
	t.Parallel()
	store, in := installSelf(t)
	replace(t, in.Path, func([]byte) []byte { return []byte("#!/bin/sh\nexit 1\n") })
	m := manager(t, func(o *Options) { o.Installed = store }) // Dir has a connector good as well
	if _, err := m.Connector(t.Context(), "good"); err != nil {
		t.Errorf("the plugin was taken instead of what is shipped: %v", err)
	}
	if _, err := m.Connector(t.Context(), "other"); !strings.Contains(typed(t, err).Message, "is not installed") {
		t.Error(err)
	}
}

func TestADamagedLockFileIsTold(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	file := filepath.Join(dir, registry.LockFile)
	if err := os.WriteFile(file, []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	m := manager(t, func(o *Options) { o.Installed = registry.Open(dir) })
	if _, err := m.Connector(t.Context(), "good"); err != nil {
		t.Errorf("what is shipped needs no lock file: %v", err)
	}
	_, err := m.Connector(t.Context(), "other")
	if e := typed(t, err); !strings.Contains(fmt.Sprint(e.Message), file) || e.Remedy == "" {
		t.Errorf("%+v", e)
	}
}
