package home

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/pomost/pomost/host/store"
	"github.com/pomost/pomost/host/vault"
)

// TestMain is also the child of TestLockDiesWithItsProcess: it takes the lock, says so and waits to be killed.
func TestMain(m *testing.M) {
	if dir := os.Getenv("POMOST_TEST_LOCK"); dir != "" {
		h, err := Open(dir, Options{})
		if err == nil {
			_, err = h.Lock(context.Background(), time.Minute, "pomost   run\norders")
		}
		fmt.Println("locked", err)
		time.Sleep(time.Minute)
		return
	}
	goleak.VerifyTestMain(m)
}

func open(t *testing.T) *Home {
	t.Helper()
	h, err := Open(filepath.Join(t.TempDir(), "home"), Options{})
	if err != nil {
		t.Fatal(err)
	}
	return h
}

func lock(t *testing.T, h *Home) *Lock {
	t.Helper()
	l, err := h.Lock(t.Context(), time.Minute, "pomost apply")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Release() })
	return l
}

func TestWhere(t *testing.T) {
	base := t.TempDir()
	in := func(parts ...string) string { return filepath.Join(append([]string{base}, parts...)...) }
	for _, tt := range []struct {
		dir  string
		env  map[string]string
		want string
	}{
		{in("given"), map[string]string{"POMOST_HOME": in("env")}, in("given")},
		{"", map[string]string{"POMOST_HOME": in("env"), "XDG_STATE_HOME": in("xdg")}, in("env")},
		{"", map[string]string{"XDG_STATE_HOME": in("xdg"), "HOME": in("user")}, in("xdg", "pomost")},
		{"", map[string]string{"HOME": in("user")}, in("user", ".local", "state", "pomost")},
		{"", map[string]string{"XDG_STATE_HOME": "relative", "HOME": in("user2")}, in("user2", ".local", "state", "pomost")},
	} {
		h, err := Open(tt.dir, Options{Getenv: func(k string) string { return tt.env[k] }})
		if err != nil || h.Dir() != tt.want {
			t.Errorf("%q %v: %v, %v; want %s", tt.dir, tt.env, h, err, tt.want)
			continue
		}
		for _, d := range []string{h.Dir(), filepath.Dir(h.Database()), h.Run()} {
			if info, err := os.Stat(d); err != nil || info.Mode().Perm() != 0o700 {
				t.Errorf("%s: %v, %v", d, info, err)
			}
		}
	}
	if _, err := Open("", Options{Getenv: func(string) string { return "" }}); err == nil {
		t.Error("a home from nowhere")
	}
	file := in("file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(filepath.Join(file, "home"), Options{}); store.CodeOf(err) != store.CodeDenied {
		t.Errorf("a home below a file: %v", err)
	}
}

func TestReadOnlyMakesNothing(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "home")
	h, err := Open(dir, Options{ReadOnly: true})
	if err != nil {
		t.Fatal(err)
	}
	_, err = h.OpenReadOnly(t.Context())
	if store.CodeOf(err) != store.CodeNotApplied || !strings.Contains(err.Error(), "nothing was applied yet") {
		t.Errorf("got %v", err)
	}
	if _, err := os.Stat(dir); err == nil {
		t.Error("reading made the home")
	}
}

func TestStateIsWrittenUnderTheLockOnly(t *testing.T) {
	h, other := open(t), open(t)
	for name, l := range map[string]*Lock{"none": nil, "another home's": lock(t, other)} {
		if _, err := h.OpenState(t.Context(), l); err == nil {
			t.Errorf("state opened with %s lock", name)
		}
	}
	l := lock(t, h)
	s, err := h.OpenState(t.Context(), l)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Store.PutSecrets(t.Context(), "shop", map[string]string{"refresh_token": "seed"}); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Store.Acquire(t.Context(), "flow:orders", "a process that dies", time.Now(), time.Now().Add(time.Hour)); err != nil {
		t.Fatal(err)
	}

	// A reader works beside the writer, without the lock, and sees what is committed.
	r, err := h.OpenReadOnly(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if secrets, err := r.Store.Secrets(t.Context(), "shop"); err != nil || secrets["refresh_token"] != "seed" {
		t.Errorf("the reader sees %d secrets, %v", len(secrets), err)
	}
	if err := r.Store.PutSecrets(t.Context(), "shop", map[string]string{"x": "y"}); err == nil {
		t.Error("the reader wrote")
	}
	if err := errors.Join(r.Close(), s.Close(), l.Release(), l.Release()); err != nil {
		t.Fatal(err)
	}
	if _, err := h.OpenState(t.Context(), l); err == nil {
		t.Error("state opened with a lock that was given back")
	}

	// Who has the lock next owns the leases of the one before.
	s, err = h.OpenState(t.Context(), lock(t, h))
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if _, err := s.Store.Acquire(t.Context(), "flow:orders", "the next one", time.Now(), time.Now().Add(time.Hour)); err != nil {
		t.Errorf("a dead process still holds its lease: %v", err)
	}
}

func TestKeyIsGone(t *testing.T) {
	h := open(t)
	l := lock(t, h)
	s, err := h.OpenState(t.Context(), l)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if err := os.RemoveAll(h.Keys()); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		_, err = h.OpenState(t.Context(), l)
		var p *vault.Problem
		if !errors.As(err, &p) || !p.Missing {
			t.Fatalf("got %v", err)
		}
	}
	if _, err := h.OpenReadOnly(t.Context()); err == nil {
		t.Error("read without the key")
	}
	if _, err := os.Stat(filepath.Join(h.Keys(), vault.KeyFile)); err == nil {
		t.Error("a new key was made beside old data")
	}
}

func TestLockNamesItsHolder(t *testing.T) {
	h := open(t)
	l, err := h.Lock(t.Context(), 0, "pomost  run\n orders "+strings.Repeat("x", 1000))
	if err != nil {
		t.Fatal(err)
	}
	_, err = h.Lock(t.Context(), 80*time.Millisecond, "pomost apply")
	var locked *LockedError
	if !errors.As(err, &locked) || locked.Holder.PID != os.Getpid() || !strings.HasPrefix(locked.Holder.Command, "pomost run orders xxx") ||
		len(locked.Holder.Command) > 600 || time.Since(locked.Holder.Started) > time.Minute {
		t.Fatalf("got %+v (%v)", locked, err)
	}
	for _, word := range []string{fmt.Sprint(os.Getpid()), "pomost run orders", h.Dir()} {
		if !strings.Contains(err.Error(), word) {
			t.Errorf("%q does not name %s", err, word)
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Millisecond)
	defer cancel()
	if _, err := h.Lock(ctx, time.Minute, "x"); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("waiting did not obey its context: %v", err)
	}
	got := make(chan error)
	go func() {
		next, err := h.Lock(t.Context(), time.Minute, "next")
		if err == nil {
			err = next.Release()
		}
		got <- err
	}()
	time.Sleep(20 * time.Millisecond)
	if err := l.Release(); err != nil {
		t.Fatal(err)
	}
	if err := <-got; err != nil {
		t.Errorf("the waiting one: %v", err)
	}
}

func TestLockDiesWithItsProcess(t *testing.T) {
	h := open(t)
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), "POMOST_TEST_LOCK="+h.Dir())
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil || !strings.HasPrefix(line, "locked <nil>") {
		t.Fatalf("the child says %q, %v", line, err)
	}
	_, err = h.Lock(t.Context(), 0, "pomost apply")
	var locked *LockedError
	if !errors.As(err, &locked) || locked.Holder.PID != cmd.Process.Pid || locked.Holder.Command != "pomost run orders" {
		t.Errorf("got %v", err)
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait()
	lock(t, h)
}
