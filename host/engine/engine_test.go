package engine

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/pomost/pomost/host/engine/decide"
	"github.com/pomost/pomost/host/flow"
	"github.com/pomost/pomost/host/store"
	"github.com/pomost/pomost/host/store/sqlite"
	"github.com/pomost/pomost/host/vault"
	"github.com/pomost/pomost/sdk/connector"
	"github.com/pomost/pomost/sdk/record"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var (
	orderSchema = record.MustSchema("orders", record.Field{Name: "id", Type: record.Scalar(record.KindText)})
	bookSchema  = record.MustSchema("books", record.Field{Name: "nr", Type: record.Scalar(record.KindText)}, record.Field{Name: "ref", Type: record.Scalar(record.KindText)})
)

// fakeClock spends time without waiting. A heartbeat waits for beat instead.
type fakeClock struct {
	mu   sync.Mutex
	now  time.Time
	beat chan struct{}
}

func (c *fakeClock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *fakeClock) add(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

func (c *fakeClock) Sleep(ctx context.Context, d time.Duration) error {
	if d == leaseBeat {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-c.beat:
		}
	}
	c.add(d)
	return ctx.Err()
}

// fake is a connection that reads orders and keeps books.
type fake struct {
	connector.Connection // what is not needed is not there

	orders []string
	write  func(n int, ref string) connector.WriteResult // nil: it is booked; a result without outcome is not yielded
	find   func(ref string) connector.FindStatus         // nil: what is booked

	mu     sync.Mutex
	booked []string
	writes int
	finds  int
	limits []time.Time // not_after of each write
}

func (f *fake) Read(ctx context.Context, req connector.ReadRequest, yield func(connector.Batch) error) error {
	for i, id := range f.orders {
		if err := yield(connector.Batch{Records: []record.Record{order(id)}, Cursor: fmt.Appendf(nil, "%d", i+1)}); err != nil {
			return err
		}
	}
	return ctx.Err()
}

func order(id string) record.Record {
	r := record.New(orderSchema)
	r.MustSet("id", record.Text(id))
	return r
}

func book(nr, ref string) record.Record {
	r := record.New(bookSchema)
	r.MustSet("nr", record.Text(nr))
	r.MustSet("ref", record.Text(ref))
	return r
}

func (f *fake) Find(_ context.Context, req connector.FindRequest) ([]connector.FindResult, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	var out []connector.FindResult
	for _, k := range req.Keys {
		v := k.Fields[0].Value.String()
		if req.Object == "orders" {
			out = append(out, connector.FindResult{Status: connector.Found, Records: []record.Record{order(v)}})
			continue
		}
		f.finds++
		res := connector.FindResult{Status: connector.AbsentEverywhere}
		for i, ref := range f.booked {
			if ref == v {
				res.Status, res.Records = connector.Found, append(res.Records, book(fmt.Sprint(i+1), ref))
			}
		}
		if f.find != nil {
			res = connector.FindResult{Status: f.find(v)}
		}
		out = append(out, res)
	}
	return out, nil
}

func (f *fake) Write(_ context.Context, req connector.WriteRequest, yield func(connector.WriteResult) error) error {
	ref := req.Records[0].Get("ref").String()
	f.mu.Lock()
	f.writes++
	n := f.writes
	f.limits = append(f.limits, req.NotAfter)
	f.mu.Unlock()
	if f.write != nil {
		if res := f.write(n, ref); res.Outcome != connector.OutcomeCreated {
			if res.Outcome == 0 {
				return nil
			}
			return yield(res)
		}
	}
	f.mu.Lock()
	f.booked = append(f.booked, ref)
	nr := len(f.booked)
	f.mu.Unlock()
	return yield(connector.WriteResult{Outcome: connector.OutcomeCreated, Record: book(fmt.Sprint(nr), ref)})
}

// decider books each order under its id. identity, if set, is what all orders make.
type decider struct {
	identity string
	endless  bool
}

func (d *decider) Words() decide.Words          { return (&decide.Orders{}).Words() }
func (d *decider) Object() string               { return "orders" }
func (d *decider) Target() string               { return "books" }
func (d *decider) Where() []connector.Condition { return nil }
func (d *decider) Key(r record.Record) string   { return r.Get("id").String() }
func (d *decider) Triggers() []decide.Trigger   { return nil }
func (d *decider) look(ref string) decide.Lookup {
	return lookup(decide.Destination, "books", "ref", ref)
}
func (d *decider) ByKey(key string) decide.Lookup             { return lookup(decide.Source, "orders", "id", key) }
func (d *decider) Again(i store.Intent) (decide.Lookup, bool) { return d.look(i.Reference), true }

func (d *decider) Observed(_, _ record.Record, _ []string, _ flow.Results) decide.Observed {
	return decide.Observed{}
}

func (d *decider) Found(_ string, r record.Record) (string, map[string]string) {
	return r.Get("nr").String(), map[string]string{"ref": r.Get("ref").String()}
}

func lookup(side decide.Side, object, field, value string) decide.Lookup {
	return decide.Lookup{Side: side, Object: object, Fields: []decide.Field{{Name: field, Value: value}}}
}

func (d *decider) Decide(r record.Record, facts *decide.Facts) decide.Decision {
	id := d.Key(r)
	if d.endless {
		return decide.Decision{Lookups: []decide.Lookup{d.look(fmt.Sprint(id, len(facts.Answers)))}}
	}
	need := decide.LinkNeed{Object: "orders", Key: id}
	l, known := facts.Links[need]
	if !known {
		return decide.Decision{Links: []decide.LinkNeed{need}}
	}
	if l.Key != "" {
		return decide.Decision{Verdict: decide.Unchanged}
	}
	ans, known := facts.Answers[d.look(id).ID()]
	if !known {
		return decide.Decision{Lookups: []decide.Lookup{d.look(id)}}
	}
	if ans.Status == connector.Found {
		return decide.Decision{Verdict: decide.Adopt, Found: ans.Records[0].Get("nr").String()}
	}
	identity := d.identity
	if identity == "" {
		identity = id
	}
	return decide.Decision{Verdict: decide.Act, Label: id, Source: record.FingerprintOf(r), Actions: []decide.Action{{Step: "order", Action: connector.Create,
		Object: "books", Record: book("", id), Identity: identity, Lookup: d.look(id), KeyField: "nr", Document: true, Expect: map[string]string{"ref": id}, Link: need, Kind: "order"}}}
}

// rig is an engine on a real store with fake systems.
type rig struct {
	t     *testing.T
	store *sqlite.Store
	clock *fakeClock
	e     *Engine
	f     *Flow
	far   *fake
	d     *decider
}

func newRig(t *testing.T, orders ...string) *rig {
	t.Helper()
	v, err := vault.Open(filepath.Join(t.TempDir(), "keys"), true)
	if err != nil {
		t.Fatal(err)
	}
	s, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "pomost.db"), v)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	r := &rig{t: t, store: s, clock: &fakeClock{now: time.Date(2026, 6, 1, 12, 0, 0, 0, time.UTC), beat: make(chan struct{})}, far: &fake{}, d: &decider{}}
	runs := 0
	r.e = &Engine{Store: s, Clock: r.clock, Holder: "me", HashKey: v.HashKey, NewID: func() string { runs++; return fmt.Sprint("run", runs) }}
	r.f = &Flow{Name: "f", Decider: r.d, Source: End{Name: "shop", Connection: &fake{orders: orders}}, Destination: End{Name: "books", Connection: r.far, Settle: time.Minute}}
	return r
}

func (r *rig) run() (store.Run, error) {
	ctx, cancel := context.WithTimeout(r.t.Context(), 20*time.Second) // promise 7: a run always ends
	defer cancel()
	return r.e.Run(ctx, r.f, RunOptions{Trigger: "test"})
}

func (r *rig) want(run store.Run, status string, c store.Counts) {
	r.t.Helper()
	if run.Status != status || run.Counts != c {
		r.t.Errorf("run %s %+v, want %s %+v", run.Status, run.Counts, status, c)
	}
}

func (r *rig) cursor() string {
	r.t.Helper()
	c, err := r.store.Cursor(r.t.Context(), "f", "orders")
	if err != nil {
		r.t.Fatal(err)
	}
	return string(c)
}

func (r *rig) intents() []store.Intent {
	r.t.Helper()
	i, err := r.store.Intents(r.t.Context(), "f")
	if err != nil {
		r.t.Fatal(err)
	}
	return i
}

func (r *rig) records() string {
	r.t.Helper()
	all, err := r.store.Records(r.t.Context(), store.RecordFilter{Flow: "f"})
	if err != nil {
		r.t.Fatal(err)
	}
	var out []string
	for _, rec := range all {
		out = append(out, fmt.Sprint(rec.Key, " ", rec.Status, " ", rec.Cause))
	}
	return strings.Join(out, ", ")
}

// TestLeaseLost: whoever lost the lease writes nothing more and remembers nothing: what it did last stays open for its heir.
func TestLeaseLost(t *testing.T) {
	r := newRig(t, "a", "b", "c")
	r.far.write = func(n int, _ string) connector.WriteResult {
		if n == 1 {
			late := r.clock.Now().Add(2 * leaseTerm)
			if _, err := r.store.Acquire(t.Context(), "flow:f", "other", late, late.Add(leaseTerm)); err != nil {
				t.Error(err)
			}
		}
		return connector.WriteResult{Outcome: connector.OutcomeCreated}
	}
	run, err := r.run()
	if !errors.Is(err, store.ErrLost) {
		t.Errorf("error %v", err)
	}
	r.want(run, "failed", store.Counts{})
	if r.far.writes != 1 || r.cursor() != "" {
		t.Errorf("%d writes, cursor %q", r.far.writes, r.cursor())
	}
	if i := r.intents(); len(i) != 1 || i[0].State != store.IntentOpen {
		t.Errorf("intents %+v", i)
	}
	// The heir waits until that request cannot land any more, finds it and goes on.
	r.far.write = nil
	r.clock.add(10 * leaseTerm)
	run, err = r.run()
	if err != nil {
		t.Fatal(err)
	}
	r.want(run, "done", store.Counts{Read: 3, Created: 3})
	if got := strings.Join(r.far.booked, ""); got != "bca" && got != "abc" {
		t.Errorf("booked %s", got)
	}
}

// TestHeartbeat: the lease is renewed while a run goes on, writes carry its new end, and a run that cannot renew stops.
func TestHeartbeat(t *testing.T) {
	r := newRig(t, "a", "b", "c")
	started := r.clock.Now()
	renewed := func(lost bool) {
		before, err := r.store.Acquire(t.Context(), "probe", "x", r.clock.Now(), r.clock.Now())
		if err != nil {
			t.Error(err)
		}
		_ = before
		if lost {
			late := r.clock.Now().Add(3 * leaseTerm)
			if _, err := r.store.Acquire(t.Context(), "flow:f", "other", late, late.Add(leaseTerm)); err != nil {
				t.Error(err)
			}
		}
		select {
		case r.clock.beat <- struct{}{}: // taken: the beat before is done
		case <-time.After(time.Second): // the beat before was still on its way, found the lease lost and was the last
			if !lost {
				t.Error("there is no heartbeat")
				return
			}
		}
		if !lost {
			r.clock.beat <- struct{}{}
		}
	}
	r.far.write = func(n int, _ string) connector.WriteResult {
		if n < 3 {
			renewed(n == 2)
		}
		return connector.WriteResult{Outcome: connector.OutcomeCreated}
	}
	run, err := r.run()
	if !errors.Is(err, store.ErrLost) || run.Status != "failed" {
		t.Errorf("run %s, error %v", run.Status, err)
	}
	if len(r.far.limits) != 2 || !r.far.limits[0].Equal(started.Add(leaseTerm)) || !r.far.limits[1].After(r.far.limits[0]) {
		t.Errorf("started %s, writes not after %s", started, r.far.limits)
	}
}

// TestEndlessDecider: a decision that never comes ends the run with the record's name instead of hanging.
func TestEndlessDecider(t *testing.T) {
	r := newRig(t, "a")
	r.d.endless = true
	run, err := r.run()
	if err == nil || !strings.Contains(err.Error(), "record a: no decision") {
		t.Errorf("error %v", err)
	}
	r.want(run, "failed", store.Counts{})
	if r.far.finds > maxRounds || r.cursor() != "" {
		t.Errorf("%d look-ups, cursor %q", r.far.finds, r.cursor())
	}
}

// TestNoAnswer: a write that yields nothing has an unknown outcome: looked up twice after the settle time, then sent again.
func TestNoAnswer(t *testing.T) {
	r := newRig(t, "a", "b")
	var sent time.Time
	r.far.write = func(n int, _ string) connector.WriteResult {
		switch n {
		case 1:
			sent = r.clock.Now()
			return connector.WriteResult{}
		case 3:
			if wait := r.clock.Now().Sub(sent); wait < time.Minute {
				t.Errorf("sent again after %s", wait)
			}
		}
		return connector.WriteResult{Outcome: connector.OutcomeCreated}
	}
	run, err := r.run()
	if err != nil {
		t.Fatal(err)
	}
	r.want(run, "done", store.Counts{Read: 2, Created: 2})
	if got := strings.Join(r.far.booked, ""); got != "ba" {
		t.Errorf("booked %s", got)
	}
	if len(r.intents()) != 0 || r.records() != "" || r.cursor() != "2" {
		t.Errorf("intents %v, records %s, cursor %s", r.intents(), r.records(), r.cursor())
	}
}

// TestNoAnswerCannotTell: where the destination cannot tell, it is held and never sent again, by the next run neither.
func TestNoAnswerCannotTell(t *testing.T) {
	r := newRig(t, "a")
	r.far.find = func(string) connector.FindStatus { return connector.CannotTell }
	r.far.write = func(int, string) connector.WriteResult { return connector.WriteResult{} }
	run, err := r.run()
	if err != nil {
		t.Fatal(err)
	}
	r.want(run, "done", store.Counts{Read: 1, Held: 1})
	for range 2 {
		if _, err = r.run(); err != nil {
			t.Fatal(err)
		}
	}
	if _, err = r.e.Run(t.Context(), r.f, RunOptions{Only: []string{"a"}}); err != nil {
		t.Fatal(err)
	}
	if r.far.writes != 1 || r.records() != "a held unknown_outcome" {
		t.Errorf("%d writes, records %s", r.far.writes, r.records())
	}
}

// TestBusy: what another flow is just making waits for its outcome, and the run ends although that never comes.
func TestBusy(t *testing.T) {
	r := newRig(t, "a", "b")
	r.d.identity = "same"
	now := r.clock.Now()
	other := store.Intent{Flow: "other", Run: "x", Key: "z", Connection: "books", Object: "books", Action: "create", Step: "order",
		Identity: r.e.HashKey("identity", "same"), State: store.IntentOpen, Opened: now, NotAfter: now.Add(leaseTerm)}
	id, err := r.store.OpenIntent(t.Context(), other)
	if err != nil {
		t.Fatal(err)
	}
	run, err := r.run()
	if err != nil {
		t.Fatal(err)
	}
	r.want(run, "done", store.Counts{Read: 2, Held: 2})
	if r.far.writes != 0 || r.records() != "a pending unknown_outcome, b pending unknown_outcome" || r.cursor() != "2" {
		t.Errorf("%d writes, records %s, cursor %s", r.far.writes, r.records(), r.cursor())
	}
	if r.clock.Now().Before(now.Add(leaseTerm + time.Minute)) {
		t.Error("it did not wait until the other's request can no longer land")
	}
	// Once the other knows, both go by themselves.
	if err := r.store.Commit(t.Context(), store.Change{Settle: []store.Settlement{{ID: id, State: store.IntentAbsent}}}); err != nil {
		t.Fatal(err)
	}
	if run, err = r.run(); err != nil {
		t.Fatal(err)
	}
	r.want(run, "done", store.Counts{Read: 2, Created: 2})
}

// TestCredentialsInMidRun: nothing more can be done, so the cursor stays before the record and it comes again.
func TestCredentialsInMidRun(t *testing.T) {
	r := newRig(t, "a", "b", "c")
	r.far.write = func(n int, _ string) connector.WriteResult {
		if n == 2 {
			return connector.WriteResult{Outcome: connector.OutcomeRefused, Err: &connector.Error{Cause: connector.CauseCredentials, Message: "the consent was withdrawn"}}
		}
		return connector.WriteResult{Outcome: connector.OutcomeCreated}
	}
	run, err := r.run()
	var e *Error
	if !errors.As(err, &e) || e.Err.Cause != connector.CauseCredentials || e.Connection != "books" || e.Record != "b" {
		t.Errorf("error %v", err)
	}
	r.want(run, "failed", store.Counts{Read: 1, Created: 1})
	if r.cursor() != "1" || r.records() != "" || len(r.intents()) != 0 {
		t.Errorf("cursor %s, records %s, intents %v", r.cursor(), r.records(), r.intents())
	}
	r.far.write = nil
	if _, err = r.run(); err != nil {
		t.Fatal(err)
	}
	if r.far.writes != 4 || len(r.far.booked) != 3 { // the fake reads from the beginning each time
		t.Errorf("%d writes, booked %v", r.far.writes, r.far.booked)
	}
}

// TestGoneAway: after a few writes without an answer it is looked whether the destination is there, before all the rest is put in doubt.
func TestGoneAway(t *testing.T) {
	var orders []string
	for i := range 20 {
		orders = append(orders, fmt.Sprint("o", i))
	}
	r := newRig(t, orders...)
	away := &gone{fake: r.far}
	r.f.Destination.Connection = away
	r.far.write = func(int, string) connector.WriteResult { away.now = true; return connector.WriteResult{} }
	run, err := r.run()
	var e *Error
	if !errors.As(err, &e) || e.Err.Cause != connector.CauseUnavailable {
		t.Errorf("error %v", err)
	}
	if run.Status != "failed" || r.far.writes > lostInARow {
		t.Errorf("run %s after %d writes", run.Status, r.far.writes)
	}
}

type gone struct {
	*fake
	now bool
}

func (g *gone) Find(ctx context.Context, req connector.FindRequest) ([]connector.FindResult, error) {
	if g.now {
		return nil, &connector.Error{Cause: connector.CauseUnavailable, Message: "it does not answer"}
	}
	return g.fake.Find(ctx, req)
}

// TestQueueIsBounded: a run keeps only so many records for later; the rest stays remembered for the next one.
func TestQueueIsBounded(t *testing.T) {
	r := &run{Engine: &Engine{Clock: &fakeClock{}}, flow: &Flow{}, done: map[string]bool{}}
	r.queue = make([]deferred, maxQueue)
	r.again("one more", time.Time{}, 0)
	if len(r.queue) != maxQueue || r.rec.Counts != (store.Counts{Read: 1, Held: 1}) || r.done["one more"] {
		t.Errorf("%d in the queue, %+v", len(r.queue), r.rec.Counts)
	}
}
