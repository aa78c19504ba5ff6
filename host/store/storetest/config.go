package storetest

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/pomost/pomost/host/store"
)

func revisions(t *testing.T, s store.Store) {
	ctx := t.Context()
	_, err := s.Revision(ctx)
	is(t, err, store.ErrNotFound)
	for n := int64(1); n <= 3; n++ {
		r := store.Revision{Time: at(int(n)), Config: []byte(`{"n":` + strings.Repeat("1", int(n)) + `}`)}
		same(t, "number", must(s.SaveRevision(ctx, r))(t), n)
		r.Number = n
		same(t, "newest revision", must(s.Revision(ctx))(t), r)
	}
}

func secrets(t *testing.T, s store.Store) {
	ctx := t.Context()
	got := must(s.Secrets(ctx, "shop"))(t)
	if got == nil || len(got) != 0 {
		t.Errorf("no secrets are %v, want an empty map", got)
	}
	ok(t, s.PutSecrets(ctx, "shop", map[string]string{"client_id": "id", "client_secret": "s3cret", "refresh_token": strings.Repeat("x", 5000)}))
	ok(t, s.PutSecrets(ctx, "books", map[string]string{"client_id": "other"}))
	same(t, "secrets", must(s.Secrets(ctx, "shop"))(t),
		map[string]string{"client_id": "id", "client_secret": "s3cret", "refresh_token": strings.Repeat("x", 5000)})
	ok(t, s.PutSecrets(ctx, "shop", map[string]string{"client_id": "", "refresh_token": "next", "never": ""}))
	same(t, "secrets after a change", must(s.Secrets(ctx, "shop"))(t), map[string]string{"client_secret": "s3cret", "refresh_token": "next"})
	same(t, "secrets of another connection", must(s.Secrets(ctx, "books"))(t), map[string]string{"client_id": "other"})
	ok(t, s.PutSecrets(ctx, "shop", nil))
}

func leases(t *testing.T, s store.Store) {
	ctx := t.Context()
	first := must(s.Acquire(ctx, "flow:orders", "host-a", at(0), at(5)))(t)
	same(t, "lease", first, store.Lease{Name: "flow:orders", Holder: "host-a", Term: first.Term, Until: at(5)})

	for _, holder := range []string{"host-b", "host-a"} { // not even its holder gets a lease twice
		var held *store.HeldError
		if _, err := s.Acquire(ctx, "flow:orders", holder, at(4), at(9)); !errors.As(err, &held) {
			t.Fatalf("taking a held lease: %v, want a HeldError", err)
		}
		same(t, "who holds it", *held, store.HeldError{Name: "flow:orders", Holder: "host-a", Until: at(5)})
	}
	other := must(s.Acquire(ctx, "flow:stock", "host-b", at(0), at(5)))(t) // leases stand beside each other
	ok(t, s.Release(ctx, other))

	ok(t, s.Renew(ctx, first, at(10)))
	if _, err := s.Acquire(ctx, "flow:orders", "host-b", at(6), at(9)); err == nil {
		t.Fatal("a renewed lease was taken")
	}
	second := must(s.Acquire(ctx, "flow:orders", "host-b", at(10), at(15)))(t)
	if second.Term <= first.Term {
		t.Errorf("term %d after term %d, want a higher one", second.Term, first.Term)
	}
	is(t, s.Renew(ctx, first, at(20)), store.ErrLost)
	ok(t, s.Release(ctx, first)) // lost: no error, and no effect on the one who has it
	ok(t, s.Renew(ctx, second, at(20)))

	ok(t, s.Release(ctx, second))
	is(t, s.Renew(ctx, second, at(30)), store.ErrLost)
	third := must(s.Acquire(ctx, "flow:orders", "host-b", at(11), at(15)))(t)
	if third.Term <= second.Term {
		t.Errorf("term %d after a release of term %d, want a higher one", third.Term, second.Term)
	}
	is(t, s.Renew(ctx, store.Lease{Name: "never", Holder: "x", Term: 1}, at(1)), store.ErrLost)
	// A forged term or holder is worth nothing.
	is(t, s.Renew(ctx, store.Lease{Name: third.Name, Holder: "host-a", Term: third.Term}, at(99)), store.ErrLost)
	is(t, s.Renew(ctx, store.Lease{Name: third.Name, Holder: third.Holder, Term: third.Term + 1}, at(99)), store.ErrLost)
}

func leaseGuardsCommit(t *testing.T, s store.Store) {
	ctx := t.Context()
	old := must(s.Acquire(ctx, "flow:orders", "host-a", at(0), at(5)))(t)
	ok(t, s.Commit(ctx, store.Change{Lease: old, Cursors: []store.Cursor{{Flow: "orders", Object: "order", Value: []byte("1")}}}))
	now := must(s.Acquire(ctx, "flow:orders", "host-b", at(6), at(11)))(t)
	id := must(s.OpenIntent(ctx, store.Intent{Flow: "orders", Key: "1"}))(t)

	change := everything(id)
	change.Lease = old
	is(t, s.Commit(ctx, change), store.ErrLost)
	nothing(t, s, id, []byte("1"))

	ok(t, s.Release(ctx, now))
	change.Lease = now
	is(t, s.Commit(ctx, change), store.ErrLost) // given back is not held either
	nothing(t, s, id, []byte("1"))
}

func releaseAll(t *testing.T, s store.Store) {
	ctx := t.Context()
	a := must(s.Acquire(ctx, "a", "dead host", at(0), at(60)))(t)
	b := must(s.Acquire(ctx, "b", "dead host", at(0), at(60)))(t)
	ok(t, s.ReleaseAll(ctx))
	for _, l := range []store.Lease{a, b} {
		is(t, s.Renew(ctx, l, at(90)), store.ErrLost)
		next := must(s.Acquire(ctx, l.Name, "next host", at(1), at(60)))(t)
		if next.Term <= l.Term {
			t.Errorf("lease %s: term %d after term %d", l.Name, next.Term, l.Term)
		}
	}
}

func runs(t *testing.T, s store.Store) {
	ctx := t.Context()
	same(t, "no runs", must(s.Runs(ctx, "", 10))(t), []store.Run(nil))
	one := store.Run{ID: "r1", Flow: "orders", Trigger: "command", Status: "running", Started: at(1)}
	two := store.Run{ID: "r2", Flow: "stock", Trigger: "schedule", Status: "failed", Started: at(2), Ended: at(3), Error: "the shop does not answer"}
	three := store.Run{ID: "r3", Flow: "orders", Trigger: "retry", Status: "done", Started: at(4), Ended: at(5),
		Counts: store.Counts{Read: 21, Created: 1, Updated: 2, Unchanged: 3, Skipped: 4, Held: 5, Failed: 6}}
	for _, r := range []store.Run{one, two, three} {
		ok(t, s.SaveRun(ctx, r))
	}
	one.Status, one.Ended, one.Counts.Read = "done", at(6), 7
	ok(t, s.SaveRun(ctx, one))
	same(t, "all runs", must(s.Runs(ctx, "", 0))(t), []store.Run{three, two, one})
	same(t, "runs of a flow", must(s.Runs(ctx, "orders", 10))(t), []store.Run{three, one})
	same(t, "the newest run", must(s.Runs(ctx, "orders", 1))(t), []store.Run{three})
	same(t, "runs of an unknown flow", must(s.Runs(ctx, "nobody", 1))(t), []store.Run(nil))
}

func cursors(t *testing.T, s store.Store) {
	ctx := t.Context()
	put := func(flow, object string, value []byte) {
		t.Helper()
		ok(t, s.Commit(ctx, store.Change{Cursors: []store.Cursor{{Flow: flow, Object: object, Value: value}}}))
	}
	get := func(flow, object string) []byte {
		t.Helper()
		return must(s.Cursor(ctx, flow, object))(t)
	}
	if get("orders", "order") != nil {
		t.Error("a cursor from nowhere")
	}
	put("orders", "order", []byte{0, 1, 255})
	put("orders", "invoice", []byte("i"))
	put("stock", "order", []byte("s"))
	put("orders", "order", []byte{0, 2, 255})
	same(t, "cursor", get("orders", "order"), []byte{0, 2, 255})
	same(t, "cursor of another object", get("orders", "invoice"), []byte("i"))
	same(t, "cursor of another flow", get("stock", "order"), []byte("s"))
	put("orders", "order", nil)
	if get("orders", "order") != nil {
		t.Error("a removed cursor is still there")
	}
	put("orders", "order", []byte{})
	if v := get("orders", "order"); v == nil || len(v) != 0 {
		t.Errorf("an empty cursor came back as %v", v)
	}
}

func plans(t *testing.T, s store.Store) {
	ctx := t.Context()
	_, err := s.Plan(ctx, "none")
	is(t, err, store.ErrNotFound)
	p := store.Plan{ID: "p1", Flow: "orders", Created: at(1), Revision: 4, Items: []store.PlanItem{
		{Key: "1", Action: "create", Source: "aa", Destination: "bb", Outgoing: "cc"}, {Key: "2", Action: "hold", Source: "dd"}}}
	ok(t, s.SavePlan(ctx, p))
	ok(t, s.SavePlan(ctx, store.Plan{ID: "p2", Flow: "stock", Created: at(2)}))
	same(t, "plan", must(s.Plan(ctx, "p1"))(t), p)
	p.Items = p.Items[:1]
	ok(t, s.SavePlan(ctx, p))
	same(t, "plan saved again", must(s.Plan(ctx, "p1"))(t), p)
}

func logLines(t *testing.T, s store.Store) {
	ctx := t.Context()
	lines := []store.LogLine{
		{Time: at(1), Flow: "orders", Run: "r1", Outcome: "started"},
		{Time: at(2), Flow: "orders", Run: "r1", Key: "A", Step: "debtor", Action: "create", Object: "AR1", Outcome: "created", Result: "10001", Millis: 42},
		{Time: at(3), Flow: "orders", Run: "r1", Key: "B", Step: "order", Action: "create", Object: "SO1", Outcome: "refused", Cause: "blocked", Message: "the debtor is blocked"},
		{Time: at(4), Flow: "stock", Run: "r2", Key: "A", Outcome: "unchanged"},
	}
	ok(t, s.Commit(ctx, store.Change{Log: lines[:2]}))
	ok(t, s.Commit(ctx, store.Change{Log: lines[2:]}))
	all := must(s.Log(ctx, store.LogFilter{}))(t)
	if len(all) != len(lines) {
		t.Fatalf("%d lines, want %d", len(all), len(lines))
	}
	for i := range all {
		if i > 0 && all[i].ID <= all[i-1].ID {
			t.Errorf("line %d has ID %d after %d", i, all[i].ID, all[i-1].ID)
		}
		lines[i].ID = all[i].ID
	}
	same(t, "all lines", all, lines)
	for _, tt := range []struct {
		name   string
		filter store.LogFilter
		want   []store.LogLine
	}{
		{"flow", store.LogFilter{Flow: "orders"}, lines[:3]},
		{"key", store.LogFilter{Key: "A"}, []store.LogLine{lines[1], lines[3]}},
		{"flow and key", store.LogFilter{Flow: "stock", Key: "A"}, lines[3:]},
		{"since", store.LogFilter{Since: at(3)}, lines[2:]},
		{"after", store.LogFilter{After: lines[1].ID}, lines[2:]},
		{"limit", store.LogFilter{Limit: 2}, lines[:2]},
		{"after and limit", store.LogFilter{After: lines[0].ID, Limit: 1}, lines[1:2]},
		{"unknown flow", store.LogFilter{Flow: "none"}, nil},
		{"unknown key", store.LogFilter{Key: "none"}, nil},
		{"later", store.LogFilter{Since: at(3).Add(time.Hour)}, nil},
	} {
		same(t, "lines by "+tt.name, must(s.Log(ctx, tt.filter))(t), tt.want)
	}
}
