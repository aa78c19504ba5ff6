package connector

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/pomost/pomost/sdk/connector"
)

func TestWriteThatDoesNotAnswerAll(t *testing.T) {
	for _, c := range []struct {
		do, says string
		deaths   int
	}{
		{"die", "ended unexpectedly", 1},
		{"hang", "hung in Write", 1},
		{"panic", "panicked in Write", 0},
		{"short", "without an answer", 0},
	} {
		t.Run(c.do, func(t *testing.T) {
			m := manager(t, func(o *Options) { o.CallTimeout = 300 * time.Millisecond })
			conn := open(t, m, connector.Settings{"do": c.do})
			r := write(t, t.Context(), conn, 5)
			for i := range r {
				if i < 2 && r[i].Outcome != connector.OutcomeCreated {
					t.Errorf("%d: %+v", i, r[i])
				}
				if i >= 2 && (r[i].Outcome != connector.OutcomeUnknown || r[i].Err.Cause != connector.CauseUnknownOutcome || !strings.Contains(r[i].Err.Message, c.says)) {
					t.Errorf("%d: %+v %v", i, r[i], r[i].Err)
				}
			}
			if s := m.Status()[0]; s.Deaths != c.deaths {
				t.Errorf("%+v", s)
			}
			// The same connection goes on, in a new process where the old one died.
			if _, err := conn.List(t.Context(), "x"); err != nil {
				t.Error(err)
			}
		})
	}
	m := manager(t, nil)
	conn := open(t, m, connector.Settings{"do": "error"})
	r, err := tryWrite(t.Context(), conn, 5)
	if len(r) != 2 || typed(t, err).Cause != connector.CauseCredentials {
		t.Errorf("%v %v", r, err)
	}
	conn.Close()
	conn = open(t, m, connector.Settings{"do": "many"})
	if r := write(t, t.Context(), conn, 5); r[4].Outcome != connector.OutcomeCreated {
		t.Errorf("%+v", r)
	}
}

func TestCancelledWriteSaysWhatBecameOfRecords(t *testing.T) {
	t.Parallel()
	m := manager(t, func(o *Options) { o.StopGrace = 300 * time.Millisecond })
	for do, want := range map[string][]connector.Outcome{
		"obey": {connector.OutcomeCreated, connector.OutcomeCreated, connector.OutcomeCreated, connector.OutcomeRefused, connector.OutcomeRefused},
		"hang": {connector.OutcomeCreated, connector.OutcomeCreated, connector.OutcomeUnknown, connector.OutcomeUnknown, connector.OutcomeUnknown},
	} {
		c := open(t, m, connector.Settings{"do": do})
		ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
		r, err := tryWrite(ctx, c, 5)
		cancel()
		if err != nil || len(r) != 5 {
			t.Fatalf("%s: %d results, %v", do, len(r), err)
		}
		for i := range r {
			if r[i].Outcome != want[i] {
				t.Errorf("%s %d: %+v", do, i, r[i])
			}
		}
	}
}

func TestDeadPluginComesBack(t *testing.T) {
	m := manager(t, nil)
	c := open(t, m, connector.Settings{"do": "die", "message": "kept", "pin": "s3cret-pin"})
	_, err := c.Check(t.Context())
	e := typed(t, err)
	if e.Cause != connector.CausePluginFailed || !e.Retryable || !strings.Contains(e.Message, "good ended unexpectedly (signal: killed)") ||
		!strings.Contains(e.Message, "the end is near, pin •••") {
		t.Errorf("%+v", e)
	}
	n := 0
	err = c.Read(t.Context(), connector.ReadRequest{}, func(connector.Batch) error { n++; return nil })
	if e := typed(t, err); n > 3 || !e.Retryable {
		t.Errorf("%d batches, %+v", n, e)
	}
	u, err := c.(connector.Undoer).Undo(t.Context(), connector.UndoRequest{})
	if err != nil || u.Outcome != connector.OutcomeUnknown {
		t.Errorf("%+v %v", u, err)
	}
	if items, err := c.List(t.Context(), "vat"); err != nil || len(items) != 2 {
		t.Errorf("%v %v", items, err)
	}
	// Killed from outside while idle: the next call or the one after it finds a new process.
	p := pid(t, m)
	if err := kill(p); err != nil {
		t.Fatal(err)
	}
	deadline := time.Now().Add(5 * time.Second)
	for {
		if _, err := c.List(t.Context(), "vat"); err == nil {
			break
		} else if time.Now().After(deadline) {
			t.Fatal(err)
		}
	}
	if pid(t, m) == p {
		t.Error("the same process")
	}
}

func kill(pid int) error {
	p, err := os.FindProcess(pid)
	if err != nil {
		return err
	}
	return p.Kill()
}

func TestGoPanicIsTheLastWord(t *testing.T) {
	m := manager(t, nil)
	c := open(t, m, connector.Settings{"do": "go-panic"})
	_, err := c.Check(t.Context())
	if e := typed(t, err); !strings.Contains(e.Message, "exit status 2") || !strings.Contains(e.Message, "panic: in the background") {
		t.Errorf("%+v", e)
	}
}

func TestCrashLoopIsQuarantined(t *testing.T) {
	m := manager(t, func(o *Options) { o.CrashLimit = 3 })
	c := open(t, m, connector.Settings{"do": "die"})
	for range 3 {
		_, _ = c.Check(t.Context())
	}
	for range 2 {
		_, err := c.Check(t.Context())
		if e := typed(t, err); e.Retryable || !strings.Contains(e.Message, "died 3 times") || !strings.Contains(e.Message, "the end is near") {
			t.Errorf("%+v", e)
		}
	}
	if s := m.Status()[0]; !s.Quarantined || s.PID != 0 || s.Deaths != 3 || !strings.Contains(strings.Join(s.LastWords, " "), "the end is near") {
		t.Errorf("%+v", s)
	}
	m.Release("good")
	if _, err := c.List(t.Context(), "x"); err != nil {
		t.Error(err)
	}
}

func TestLongBackoffIsAnErrorNotAWait(t *testing.T) {
	m := manager(t, func(o *Options) { o.BackoffMin, o.BackoffMax = time.Hour, time.Hour })
	c := open(t, m, connector.Settings{"do": "die"})
	if _, err := c.Check(t.Context()); err == nil {
		t.Fatal("no error")
	}
	_, err := c.Check(t.Context())
	if e := typed(t, err); !e.Retryable || e.After < 40*time.Minute {
		t.Errorf("%+v", e)
	}
}

func TestHungCallAndProgress(t *testing.T) {
	t.Parallel()
	m := manager(t, func(o *Options) { o.CallTimeout = 250 * time.Millisecond })
	c := open(t, m, connector.Settings{"do": "hang"})
	p := pid(t, m)
	start := time.Now()
	_, err := c.Check(t.Context())
	if e := typed(t, err); !strings.Contains(e.Message, "hung in Check") || time.Since(start) > 3*time.Second {
		t.Errorf("%+v after %s", e, time.Since(start))
	}
	awaitGone(t, p)
	err = c.Read(t.Context(), connector.ReadRequest{}, func(connector.Batch) error { return nil })
	if e := typed(t, err); !strings.Contains(e.Message, "hung in Read") {
		t.Errorf("%+v", e)
	}
	c.Close()
	for _, do := range []string{"slow", "wait"} {
		c := open(t, m, connector.Settings{"do": do})
		if _, err := c.Check(t.Context()); err != nil {
			t.Errorf("%s: %v", do, err)
		}
		c.Close()
	}
	// The host may take its time with a batch.
	c = open(t, m, connector.Settings{})
	if err := c.Read(t.Context(), connector.ReadRequest{Cursor: []byte("4")}, func(connector.Batch) error { time.Sleep(400 * time.Millisecond); return nil }); err != nil {
		t.Error(err)
	}
}

func awaitGone(t testing.TB, pid int) {
	t.Helper()
	deadline := time.Now().Add(2 * time.Second)
	for alive(pid) {
		if time.Now().After(deadline) {
			t.Fatalf("process %d lives on", pid)
		}
		time.Sleep(5 * time.Millisecond)
	}
}

func TestFrozenPluginIsKilled(t *testing.T) {
	t.Parallel()
	m := manager(t, func(o *Options) { o.Heartbeat, o.HeartbeatTimeout = 100*time.Millisecond, 4*time.Second })
	c := open(t, m, connector.Settings{"do": "freeze"})
	p := pid(t, m)
	_, err := c.Check(t.Context())
	if e := typed(t, err); !strings.Contains(e.Message, "no sign of life") || !e.Retryable {
		t.Errorf("%+v", e)
	}
	awaitGone(t, p)
}

func TestBadStarters(t *testing.T) {
	m := manager(t, func(o *Options) { o.StartTimeout, o.CrashLimit = 1500*time.Millisecond, 100 },
		"hang", "rubbish", "exit3", "silent", "protocol9", "liar", "deaf", "cookie")
	write := func(name, text string, mode os.FileMode) {
		if err := os.WriteFile(filepath.Join(m.opts.Dir, binaryPrefix+name), []byte(text), mode); err != nil {
			t.Fatal(err)
		}
	}
	write("not-executable", "\x7fELF", 0o600)
	write("wrong-arch", "\x7fELF\x02\x01\x01 of another world", 0o700)
	write("script", "#!/bin/sh\necho from a script\n", 0o700)
	for _, c := range []struct {
		name, says string
		retryable  bool
		atMost     time.Duration
	}{
		{"hang", "hung at its start", true, 3 * time.Second},
		{"rubbish", `printed something else than its handshake: "Hello, I am not a plugin"`, false, 2 * time.Second},
		{"exit3", "ended at its start (exit status 3). Its last words: licence file not found", true, 2 * time.Second},
		{"silent", "ended at its start (exit status 0)", true, 2 * time.Second},
		{"protocol9", "speaks version 9 of the protocol, Pomost speaks 1", false, 2 * time.Second},
		{"liar", "does not talk", true, 3 * time.Second},
		{"deaf", "hung at its start", true, 3 * time.Second},
		{"cookie", "wrong cookie; exit status 2", false, 2 * time.Second},
		{"not-executable", "is not executable", false, 2 * time.Second},
		{"wrong-arch", "is no program for this machine", false, 2 * time.Second},
		{"script", `printed something else than its handshake: "from a script"`, false, 2 * time.Second},
		{"missing", "is not installed", false, 2 * time.Second},
		{"../good", "is not a connector's name", false, 2 * time.Second},
	} {
		t.Run(c.name, func(t *testing.T) {
			start := time.Now()
			_, _, err := m.Connection(t.Context(), "shop", c.name, nil, &testHost{})
			took := time.Since(start)
			e := typed(t, err)
			if e.Cause != connector.CausePluginFailed || !strings.Contains(e.Error(), c.says) || e.Retryable != c.retryable || e.Remedy == "" {
				t.Errorf("%q, retryable %v, remedy %q", e.Error(), e.Retryable, e.Remedy)
			}
			if !strings.Contains(e.Message, c.name) {
				t.Errorf("%q does not name the connector", e.Message)
			}
			if took > c.atMost {
				t.Errorf("took %s", took)
			}
		})
	}
	subs, _ := os.ReadDir(m.dir.path)
	if len(subs) != 1 { // the lock
		t.Errorf("left behind: %v", subs)
	}
}
