package storetest

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pomost/pomost/host/store"
)

func manyAtATime(t *testing.T, s store.Store) {
	const workers, rounds = 16, 8
	ctx := t.Context()
	var group sync.WaitGroup
	var refused atomic.Int64
	for w := range workers {
		group.Go(func() {
			flow := fmt.Sprint("flow-", w)
			for r := range rounds {
				n := w*1000 + r
				i := intent(fmt.Sprint(n), fmt.Sprint("id-", n))
				i.Flow = flow
				id, err := s.OpenIntent(ctx, i)
				if err != nil {
					t.Errorf("OpenIntent: %v", err)
					return
				}
				change := store.Change{
					Links:   []store.Link{link(n)},
					Settle:  []store.Settlement{{ID: id, State: store.IntentDone}},
					Cursors: []store.Cursor{{Flow: flow, Object: "order", Value: fmt.Append(nil, r)}},
					Log:     []store.LogLine{{Time: at(r), Flow: flow, Key: fmt.Sprint(n), Outcome: fmt.Sprint("outcome-", w)}},
				}
				if err := s.Commit(ctx, change); err != nil {
					t.Errorf("Commit: %v", err)
					return
				}
				// A refused change beside the others takes nothing of theirs with it, and leaves nothing of its own.
				change.Log[0].Flow = fmt.Sprint("refused ", n)
				change.Settle[0].ID += 1_000_000
				if err := s.Commit(ctx, change); errors.Is(err, store.ErrNotFound) {
					refused.Add(1)
				}
				if _, err := s.Links(ctx, []store.End{link(n).A}, "books"); err != nil {
					t.Errorf("Links: %v", err)
				}
			}
		})
	}
	group.Wait()
	same(t, "refused changes", refused.Load(), int64(workers*rounds))
	lines := must(s.Log(ctx, store.LogFilter{}))(t)
	same(t, "log lines", len(lines), workers*rounds)
	for _, l := range lines {
		if want := "outcome-" + l.Flow[len("flow-"):]; l.Outcome != want {
			t.Errorf("a line of %s says %s", l.Flow, l.Outcome)
		}
	}
	for w := range workers {
		same(t, "cursor", must(s.Cursor(ctx, fmt.Sprint("flow-", w), "order"))(t), fmt.Append(nil, rounds-1))
		for r := range rounds {
			if linkOf(t, s, link(w*1000+r).A, "books").ID == 0 {
				t.Errorf("link %d is missing", w*1000+r)
			}
		}
	}
	same(t, "open intents", len(must(s.Intents(ctx, ""))(t)), 0)
}

func oneLeaseForMany(t *testing.T, s store.Store) {
	var group sync.WaitGroup
	var won atomic.Int64
	for w := range 20 {
		group.Go(func() {
			_, err := s.Acquire(t.Context(), "flow:orders", fmt.Sprint("host-", w), at(0), at(5))
			var held *store.HeldError
			switch {
			case err == nil:
				won.Add(1)
			case !errors.As(err, &held):
				t.Errorf("Acquire: %v", err)
			}
		})
	}
	group.Wait()
	same(t, "winners", won.Load(), int64(1))
}

func oneIdentityForMany(t *testing.T, s store.Store) {
	var group sync.WaitGroup
	var won atomic.Int64
	for w := range 20 {
		group.Go(func() {
			_, err := s.OpenIntent(t.Context(), intent(fmt.Sprint(w), "the same new customer"))
			var busy *store.BusyError
			switch {
			case err == nil:
				won.Add(1)
			case !errors.As(err, &busy):
				t.Errorf("OpenIntent: %v", err)
			}
		})
	}
	group.Wait()
	same(t, "winners", won.Load(), int64(1))
	same(t, "open intents", len(must(s.Intents(t.Context(), ""))(t)), 1)
}

func endedContext(t *testing.T, s store.Store) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	is(t, s.Commit(ctx, everything(1)), context.Canceled)
	_, err := s.OpenIntent(ctx, intent("1", ""))
	is(t, err, context.Canceled)
	_, err = s.Records(ctx, store.RecordFilter{})
	is(t, err, context.Canceled)
	same(t, "intents", must(s.Intents(t.Context(), ""))(t), []store.Intent(nil))
	same(t, "log", must(s.Log(t.Context(), store.LogFilter{}))(t), []store.LogLine(nil))
}

func reopened(t *testing.T, open func(t *testing.T) store.Store) {
	ctx := t.Context()
	s := open(t)
	must(s.SaveRevision(ctx, store.Revision{Time: at(1), Config: []byte(`{}`)}))(t)
	ok(t, s.PutSecrets(ctx, "shop", map[string]string{"client_secret": "x"}))
	lease := must(s.Acquire(ctx, "flow:orders", "host", at(0), at(60)))(t)
	ok(t, s.SaveRun(ctx, store.Run{ID: "r1", Flow: "orders", Started: at(1), Counts: store.Counts{Read: 1}}))
	id := must(s.OpenIntent(ctx, intent("1", "x")))(t)
	change := everything(id)
	change.Lease = lease
	ok(t, s.Commit(ctx, change))
	must(s.OpenIntent(ctx, intent("2", "y")))(t)
	ok(t, s.SavePlan(ctx, store.Plan{ID: "p", Flow: "orders", Created: at(1), Items: []store.PlanItem{{Key: "1"}}}))

	before := snapshot(t, s)
	ok(t, s.Close())
	ok(t, s.Close()) // twice is once
	if err := s.Commit(ctx, store.Change{}); err == nil {
		t.Error("a closed store took a change")
	}
	if _, err := s.Records(ctx, store.RecordFilter{}); err == nil {
		t.Error("a closed store answered")
	}
	s = open(t)
	defer closeStore(t, s)
	if d := cmp.Diff(before, snapshot(t, s)); d != "" {
		t.Errorf("after opening again (-before +after):\n%s", d)
	}
	ok(t, s.Renew(ctx, lease, at(90)))
	same(t, "next revision", must(s.SaveRevision(ctx, store.Revision{Time: at(2)}))(t), int64(2))
	next := must(s.OpenIntent(ctx, intent("3", "z")))(t)
	if next <= id {
		t.Errorf("intent %d after %d", next, id)
	}
}

// snapshot is all that can be read of what reopened wrote.
func snapshot(t *testing.T, s store.Store) map[string]any {
	t.Helper()
	ctx := t.Context()
	return map[string]any{
		"revision": must(s.Revision(ctx))(t), "secrets": must(s.Secrets(ctx, "shop"))(t), "runs": must(s.Runs(ctx, "", 0))(t),
		"cursor": must(s.Cursor(ctx, "orders", "order"))(t), "link": linkOf(t, s, link(1).A, "books"),
		"records": must(s.Records(ctx, store.RecordFilter{}))(t), "intents": must(s.Intents(ctx, ""))(t),
		"plan": must(s.Plan(ctx, "p"))(t), "log": must(s.Log(ctx, store.LogFilter{}))(t),
	}
}
