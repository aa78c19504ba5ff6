package home

import (
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// runtime is a getenv whose runtime folder is dir.
func runtimeIn(dir string) func(string) string {
	return func(name string) string {
		if name == "XDG_RUNTIME_DIR" {
			return dir
		}
		return ""
	}
}

func TestSocketIsShortAndPrivate(t *testing.T) {
	h, base := open(t), t.TempDir()
	path, err := h.Socket(runtimeIn(base))
	if err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(filepath.Dir(path)); err != nil || info.Mode().Perm() != 0o700 || !strings.HasPrefix(path, base) {
		t.Errorf("%s: %v", path, err)
	}
	other := open(t)
	if second, err := other.Socket(runtimeIn(base)); err != nil || second == path {
		t.Errorf("two homes have the socket %s (%v)", second, err)
	}
	// A folder that would make the path too long, or that others may look into, is not used.
	long := filepath.Join(base, strings.Repeat("long", 30))
	open := filepath.Join(base, "open")
	for _, dir := range []string{long, filepath.Join(open, filepath.Base(filepath.Dir(path)))} {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for _, dir := range []string{long, open, "relative", ""} {
		got, err := h.Socket(runtimeIn(dir))
		if err != nil || len(got) > maxSocketPath || dir != "" && strings.HasPrefix(got, dir) {
			t.Errorf("%s: %s, %v", dir, got, err)
		}
	}
}

func TestListenReplacesWhatAKilledDaemonLeft(t *testing.T) {
	h, base := open(t), t.TempDir()
	if _, ok := h.Daemon(); ok {
		t.Error("a new home has a daemon")
	}
	if _, _, err := h.Listen(t.Context(), nil, Daemon{}, runtimeIn(base)); err == nil {
		t.Error("without the lock")
	}
	l := lock(t, h)
	path, err := h.Socket(runtimeIn(base))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, nil, 0o600); err != nil { // as after a kill: a file that nobody listens at
		t.Fatal(err)
	}
	want := Daemon{PID: 4711, Version: "1", Started: time.Date(2026, 11, 3, 12, 0, 0, 0, time.UTC)}
	listener, end, err := h.Listen(t.Context(), l, want, runtimeIn(base))
	if err != nil {
		t.Fatal(err)
	}
	want.Socket = path
	if got, ok := h.Daemon(); !ok || got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v %v", info.Mode(), err)
	}
	done := make(chan error, 1)
	go func() {
		c, err := listener.Accept()
		if err == nil {
			c.Close()
		}
		done <- err
	}()
	c, err := net.Dial("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	c.Close()
	if err := <-done; err != nil {
		t.Error(err)
	}
	end()
	if _, ok := h.Daemon(); ok {
		t.Error("it is still written down")
	}
	if _, err := os.Stat(path); err == nil {
		t.Error("the socket is still there")
	}
}

func TestHolder(t *testing.T) {
	h := open(t)
	if who, held := h.Holder(); held {
		t.Errorf("%+v", who)
	}
	l := lock(t, h)
	if who, held := h.Holder(); !held || who.PID != os.Getpid() || who.Command != "pomost apply" {
		t.Errorf("%+v %v", who, held)
	}
	if err := l.Release(); err != nil {
		t.Fatal(err)
	}
	if who, held := h.Holder(); held {
		t.Errorf("%+v", who)
	}
	// Words of a process that is gone are not believed, nor is nonsense.
	for _, text := range []string{`{"pid":2147483647,"command":"x"}`, `{"pid":`, ""} {
		if err := os.WriteFile(filepath.Join(h.Run(), "lock"), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if who, held := h.Holder(); held {
			t.Errorf("%q: %+v", text, who)
		}
	}
}
