package connector

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pomost/pomost/sdk/connector"
	"github.com/pomost/pomost/sdk/decimal"
	"github.com/pomost/pomost/sdk/record"
)

// testHost is the host's side of callbacks; it keeps what it is told.
type testHost struct {
	mu        sync.Mutex
	exchanges []connector.Exchange
	callers   []any // who made the call that an exchange is about
	progress  []connector.Progress
	token     func(rejected string) (string, error)
}

func (h *testHost) Token(_ context.Context, rejected string) (string, error) {
	return h.token(rejected)
}

// callerKey finds in a call's context who made it.
type callerKey struct{}

func (h *testHost) Exchange(ctx context.Context, x connector.Exchange) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.callers = append(h.callers, ctx.Value(callerKey{}))
	h.exchanges = append(h.exchanges, x)
}

func (h *testHost) Progress(_ context.Context, p connector.Progress) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.progress = append(h.progress, p)
}

// plugins makes a folder in which the test binary stands under the names of plugins.
func plugins(t testing.TB, names ...string) string {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	for _, n := range names {
		if err := os.Symlink(self, filepath.Join(dir, binaryPrefix+n)); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func shortDir(t testing.TB) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "p") //nolint:usetesting // t.TempDir is too long for a socket
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}

func manager(t testing.TB, change func(*Options), names ...string) *Manager {
	t.Helper()
	o := Options{RuntimeDir: shortDir(t), BackoffMin: 10 * time.Millisecond, BackoffMax: 100 * time.Millisecond}
	if len(names) == 0 {
		names = []string{"good"}
	}
	o.Dir = plugins(t, names...)
	if change != nil {
		change(&o)
	}
	m, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := m.Close(); err != nil {
			t.Error(err)
		}
		if left, _ := os.ReadDir(o.RuntimeDir); len(left) > 0 {
			t.Errorf("left in the runtime folder: %v", left)
		}
	})
	return m
}

func open(t testing.TB, m *Manager, settings connector.Settings) connector.Connection {
	t.Helper()
	c, problems, err := m.Connection(t.Context(), "shop", "good", settings, &testHost{})
	if err != nil || len(problems) > 0 {
		t.Fatalf("%v %v", problems, err)
	}
	return c
}

func typed(t testing.TB, err error) *connector.Error {
	t.Helper()
	var e *connector.Error
	if !errors.As(err, &e) {
		t.Fatalf("%v is no *connector.Error", err)
	}
	return e
}

func pid(t testing.TB, m *Manager) int {
	t.Helper()
	for _, s := range m.Status() {
		if s.PID != 0 {
			return s.PID
		}
	}
	t.Fatal("no process runs")
	return 0
}

func TestDescribeAndAuthorize(t *testing.T) {
	m := manager(t, nil)
	c, err := m.Connector(t.Context(), "good")
	if err != nil {
		t.Fatal(err)
	}
	got, _ := json.Marshal(c.Describe())
	want, _ := json.Marshal((&fake{name: "good"}).Describe())
	if string(got) != string(want) {
		t.Errorf("described as\n%s\nwant\n%s", got, want)
	}
	a, err := c.Authorize(t.Context(), connector.AuthorizeRequest{ClientID: "id", State: "s", Challenge: "c", RedirectURL: "r"})
	if err != nil || a.URL != "https://x/?state=s&c=c&r=r" {
		t.Errorf("%v %v", a, err)
	}
	if _, err := c.Authorize(t.Context(), connector.AuthorizeRequest{}); typed(t, err).Field != "client_id" {
		t.Error(err)
	}
	// The process that described itself is used for the first connection, not a second one.
	conn, problems := c.Open(t.Context(), connector.Settings{"do": "a"}, &testHost{})
	if len(problems) > 0 || len(m.Status()) != 1 {
		t.Errorf("%v, %d processes", problems, len(m.Status()))
	}
	if _, ok := conn.(connector.Undoer); !ok {
		t.Error("no Undo")
	}
	if _, problems := c.Open(t.Context(), connector.Settings{"do": "wrong"}, &testHost{}); len(problems) != 2 || problems[0] != (connector.Problem{Setting: "do", Message: "is wrong", Remedy: "set it right"}) {
		t.Errorf("%v", problems)
	}
	if _, problems := c.Open(t.Context(), connector.Settings{"do": "panic-open"}, &testHost{}); len(problems) != 1 || !strings.Contains(problems[0].Message, "panicked in Open") {
		t.Errorf("%v", problems)
	}
}

func TestCalls(t *testing.T) {
	m := manager(t, nil)
	c := open(t, m, connector.Settings{"do": "plain", "message": "hé"})
	defer c.Close()
	ctx := t.Context()

	checks, err := c.Check(ctx)
	if err != nil || len(checks) != 1 || checks[0] != (connector.CheckResult{Name: "a", Title: "A", OK: true, Warning: true, Cause: connector.CauseRights, Message: "hé", Remedy: "r"}) {
		t.Errorf("Check: %v %v", checks, err)
	}
	s, err := c.Discover(ctx, "order")
	if err != nil || len(s.Fields) != len(fakeOrder.Fields) || s.Fields[1].Label != "Naam" || !s.Fields[1].Personal {
		t.Errorf("Discover: %v %v", s, err)
	}
	if _, err := c.Discover(ctx, "nothing"); typed(t, err).Cause != connector.CauseRefused {
		t.Errorf("Discover: %v", err)
	}
	items, err := c.List(ctx, "vat")
	if err != nil || len(items) != 2 || items[0].Name != "vat" || items[0].Attributes["rate"] != "21" {
		t.Errorf("List: %v %v", items, err)
	}

	var cursors []string
	n := 1
	err = c.Read(ctx, connector.ReadRequest{Object: "order", Cursor: []byte("1"), LookBack: time.Minute, BatchSize: 7,
		Where: []connector.Condition{{Field: "Total", Op: "ge", Value: record.Decimal(decimal.MustParse("1.50"))}}},
		func(b connector.Batch) error {
			if len(b.Records) > 0 {
				if got, want := record.Nested(b.Records[0]), record.Nested(fakeRecord(n)); !got.Equal(want) {
					t.Errorf("Read %s, want %s", got, want)
				}
				n++
			}
			cursors = append(cursors, fmt.Sprint(b.Cursor == nil, string(b.Cursor)))
			return nil
		})
	if want := "[false2 true false4 false5 falseorder 1m0s 7 [{Total ge 1.5}]]"; err != nil || fmt.Sprint(cursors) != want {
		t.Errorf("Read: %v %v, want %v", cursors, err, want)
	}
	enough := errors.New("enough")
	if err := c.Read(ctx, connector.ReadRequest{}, func(connector.Batch) error { return enough }); !errors.Is(err, enough) {
		t.Errorf("Read with a yield that fails: %v", err)
	}

	around := record.NewDate(2025, 1, 2)
	var keys []connector.Key
	for i := range 450 { // several messages
		v := record.Integer(int64(i))
		switch i % 3 {
		case 1:
			v = record.Text("absent")
		case 2:
			v = record.Bool(true)
		}
		keys = append(keys, connector.Key{Around: around, Fields: []connector.KeyField{{Name: "Number", Value: v}}})
	}
	found, err := c.Find(ctx, connector.FindRequest{Object: "order", Keys: keys})
	if err != nil || len(found) != len(keys) {
		t.Fatalf("Find: %d %v", len(found), err)
	}
	for i, f := range found {
		switch i % 3 {
		case 0:
			if f.Status != connector.Found || !record.Nested(f.Records[0]).Equal(record.Nested(fakeRecord(i))) || f.Scopes[0] != "2025-01-02" {
				t.Fatalf("key %d: %+v", i, f)
			}
		case 1:
			if f.Status != connector.AbsentEverywhere || len(f.Scopes) != 2 {
				t.Fatalf("key %d: %+v", i, f)
			}
		case 2:
			if f.Status != connector.CannotTell || f.Reason != "cannot ask for true" || f.Cause != connector.CauseNoAdministration {
				t.Fatalf("key %d: %+v", i, f)
			}
		}
	}

	results := write(t, ctx, c, 3)
	for i, r := range results {
		if r.Outcome != connector.OutcomeCreated || !record.Nested(r.Record).Equal(record.Nested(fakeRecord(i))) {
			t.Errorf("Write %d: %+v", i, r)
		}
	}
	u, err := c.(connector.Undoer).Undo(ctx, connector.UndoRequest{Object: "order", Key: "7"})
	if err != nil || u.Outcome != connector.OutcomeRefused || u.Err.Message != "order 7" || u.Err.Cause != connector.CausePeriodLocked {
		t.Errorf("Undo: %+v %v", u, err)
	}
	if err := c.Close(); err != nil {
		t.Error(err)
	}
	if _, err := c.Check(ctx); err == nil {
		t.Error("a closed connection still works")
	}
}

func records(n int) []record.Record {
	out := make([]record.Record, n)
	for i := range out {
		out[i] = fakeRecord(i)
	}
	return out
}

func write(t testing.TB, ctx context.Context, c connector.Connection, n int) []connector.WriteResult {
	t.Helper()
	results, err := tryWrite(ctx, c, n)
	if err != nil {
		t.Fatal(err)
	}
	if len(results) != n {
		t.Fatalf("%d results for %d records", len(results), n)
	}
	return results
}

func tryWrite(ctx context.Context, c connector.Connection, n int) ([]connector.WriteResult, error) {
	var results []connector.WriteResult
	err := c.Write(ctx, connector.WriteRequest{Object: "order", Action: connector.Create, Records: records(n), NotAfter: time.Unix(1795464900, 7), Around: record.NewDate(2026, 12, 31)},
		func(r connector.WriteResult) error { results = append(results, r); return nil })
	return results, err
}

func TestWriteOutcomes(t *testing.T) {
	m := manager(t, nil)
	c := open(t, m, connector.Settings{"do": "outcomes"})
	r := write(t, t.Context(), c, 7)
	if r[0].Outcome != connector.OutcomeUpdated || r[0].Err != nil {
		t.Errorf("%+v", r[0])
	}
	if e := r[1].Err; r[1].Outcome != connector.OutcomeRefused || e.Cause != connector.CauseLength || e.Field != "Name" || e.Remedy != "cut" {
		t.Errorf("%+v", r[1])
	}
	if r[2].Outcome != connector.OutcomeUnknown || r[2].Err.Message != "no answer" {
		t.Errorf("%+v", r[2])
	}
	if r[3].Outcome != connector.OutcomeUnchanged || r[3].Record.Get("Article").AsText() != "2026-11-23T20:15:00.000000007Z 2026-12-31" {
		t.Errorf("%+v", r[3])
	}
	if r[4].Outcome != connector.OutcomeUnknown || !strings.Contains(r[4].Err.Message, "cannot be read") {
		t.Errorf("%+v", r[4])
	}
	if r[5].Outcome != connector.OutcomeCreated || !record.Nested(r[5].Record).Equal(record.Nested(fakeRecord(5))) {
		t.Errorf("%+v", r[5])
	}
	if r[6].Outcome != connector.OutcomeRefused || r[6].Err == nil {
		t.Errorf("%+v", r[6])
	}
	if got := write(t, t.Context(), c, 0); len(got) != 0 {
		t.Errorf("%v", got)
	}
	bad := fakeRecord(1)
	bad.Values[0] = record.Text("no integer")
	called := false
	err := c.Write(t.Context(), connector.WriteRequest{Object: "order", Action: connector.Create, Records: []record.Record{fakeRecord(0), bad}},
		func(connector.WriteResult) error { called = true; return nil })
	if err == nil || called || !strings.Contains(err.Error(), "record 2 of the batch: Number") {
		t.Errorf("%v, yielded %v", err, called)
	}
}

func TestLargeBatches(t *testing.T) {
	m := manager(t, nil)
	c := open(t, m, connector.Settings{"do": "large"})
	n, last := 0, ""
	if err := c.Read(t.Context(), connector.ReadRequest{}, func(b connector.Batch) error {
		n += len(b.Records)
		last = string(b.Cursor)
		return nil
	}); err != nil || n != 25_005 || last != "end" {
		t.Errorf("%d records, cursor %q, %v", n, last, err)
	}
	if got := write(t, t.Context(), c, 12_000); got[11_999].Outcome != connector.OutcomeCreated {
		t.Errorf("%+v", got[11_999])
	}
}

func TestErrorsOfCalls(t *testing.T) {
	m := manager(t, nil)
	for do, want := range map[string]*connector.Error{
		"error":       {Cause: connector.CauseRights, Code: "4006", Message: "no scope \uFFFD", Field: "F", Remedy: "ask", Retryable: true, After: 7 * time.Second},
		"plain-error": {Cause: connector.CausePluginFailed, Message: "just so"},
	} {
		c := open(t, m, connector.Settings{"do": do})
		_, err := c.Check(t.Context())
		if got := typed(t, err); *got != *want {
			t.Errorf("%s: %+v, want %+v", do, *got, *want)
		}
		c.Close()
	}
	c := open(t, m, connector.Settings{"do": "panic"})
	for range 3 { // a panic costs the call, not the process
		_, err := c.Check(t.Context())
		if e := typed(t, err); e.Cause != connector.CausePluginFailed || e.Message != "the connector panicked in Check: on purpose" {
			t.Errorf("%+v", e)
		}
	}
	if err := c.Read(t.Context(), connector.ReadRequest{}, func(connector.Batch) error { return nil }); !strings.Contains(err.Error(), "panicked in Read") {
		t.Error(err)
	}
	if s := m.Status(); len(s) != 1 || s[0].Deaths != 0 {
		t.Errorf("%+v", s)
	}
	c.Close()
	c = open(t, m, connector.Settings{"do": "context"})
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err := c.Check(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("%v", err)
	}
	c.Close()
	c = open(t, m, connector.Settings{"do": "short"})
	if _, err := c.Find(t.Context(), connector.FindRequest{Keys: []connector.Key{{Fields: []connector.KeyField{{Name: "a", Value: record.Text("b")}}}}}); !strings.Contains(err.Error(), "breaks the protocol: 0 results for 1 keys") {
		t.Errorf("%v", err)
	}
}

func TestCallbacks(t *testing.T) {
	m := manager(t, nil)
	h := &testHost{token: func(rejected string) (string, error) {
		if rejected == "dead" {
			return "", &connector.Error{Cause: connector.CauseCredentials, Message: "consent again", Remedy: "pomost connection authorize"}
		}
		return "token after " + rejected, nil
	}}
	c, _, err := m.Connection(t.Context(), "shop", "good", connector.Settings{"do": "callbacks"}, h)
	if err != nil {
		t.Fatal(err)
	}
	items, err := c.List(context.WithValue(t.Context(), callerKey{}, "who"), "callbacks")
	if err != nil || items[0].Name != "token after old" || items[1].Name != "credentials: consent again (pomost connection authorize)" {
		t.Errorf("%v %v", items, err)
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(h.exchanges) != 1 || h.exchanges[0].Status != 201 || h.exchanges[0].URL != "https://x/ä" || string(h.exchanges[0].Response) != "\xff" ||
		!h.exchanges[0].Start.Equal(time.Unix(5, 6)) || h.exchanges[0].Duration != time.Second {
		t.Errorf("%+v", h.exchanges)
	}
	if len(h.callers) != 1 || h.callers[0] != "who" {
		t.Errorf("the exchange is about the calls of %v", h.callers)
	}
	if len(h.progress) != 1 || h.progress[0] != (connector.Progress{What: "page 3", Wait: time.Second}) {
		t.Errorf("%+v", h.progress)
	}
}

func TestConcurrentCallsAndClose(t *testing.T) {
	m := manager(t, nil)
	a, b := open(t, m, connector.Settings{}), open(t, m, connector.Settings{})
	if len(m.Status()) != 2 {
		t.Error("two connections share a process")
	}
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			for range 10 {
				if got, err := tryWrite(t.Context(), []connector.Connection{a, b}[i%2], 20); err != nil || len(got) != 20 {
					t.Errorf("%d %v", len(got), err)
				}
			}
		})
	}
	wg.Wait()
	// A Manager that is closed in the middle of a call ends it.
	c := open(t, m, connector.Settings{"do": "context"})
	wg.Go(func() {
		if _, err := c.Check(context.Background()); err == nil {
			t.Error("no error")
		}
	})
	time.Sleep(50 * time.Millisecond)
	if err := m.Close(); err != nil {
		t.Error(err)
	}
	wg.Wait()
	if _, err := c.List(t.Context(), "x"); err == nil {
		t.Error("works after Close")
	}
	if _, err := m.Connector(t.Context(), "other"); err == nil {
		t.Error("starts after Close")
	}
}
