package storetest

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/pomost/pomost/host/store"
	"github.com/pomost/pomost/sdk/record"
)

func remember(t *testing.T, s store.Store, r ...store.Record) {
	t.Helper()
	ok(t, s.Commit(t.Context(), store.Change{Records: r}))
}

func records(t *testing.T, s store.Store) {
	r := store.Record{Flow: "orders", Key: "1", Status: store.RecordFailed, Cause: "unavailable", Reason: "the books do not answer", Remedy: "wait",
		Since: at(1), Updated: at(1), Label: "1001", Date: record.NewDate(2026, 2, 28),
		Source: record.FingerprintOfValue(record.Text("as it was")), Revision: 3}
	get := func() store.Record {
		t.Helper()
		list := must(s.Records(t.Context(), store.RecordFilter{Flow: r.Flow, Keys: []string{r.Key}}))(t)
		if len(list) != 1 {
			t.Fatalf("%d records, want 1", len(list))
		}
		return list[0]
	}
	remember(t, s, r)
	want := r
	want.Attempts = 1
	same(t, "record", get(), want)

	again := r
	again.Since, again.Updated, again.Reason, again.Attempts = at(5), at(5), "still no answer", 99
	remember(t, s, again)
	want = again
	want.Since, want.Attempts = at(1), 2
	same(t, "the same status and cause again", get(), want)

	other := again
	other.Cause, other.Since, other.Updated, other.Source, other.Revision = "blocked", at(7), at(7), record.Fingerprint{}, 4
	remember(t, s, other)
	want = other
	want.Attempts = 1
	same(t, "another cause", get(), want)

	held := other
	held.Status, held.Since, held.Updated = store.RecordHeld, at(8), at(8)
	remember(t, s, held, held)
	want = held
	want.Attempts = 2
	same(t, "another status, twice in one change", get(), want)

	ok(t, s.Commit(t.Context(), store.Change{Forget: []store.Record{{Flow: "stock", Key: "1"}, {Flow: "orders", Key: "unknown"}}}))
	same(t, "after forgetting others", get(), want)
	ok(t, s.Commit(t.Context(), store.Change{Forget: []store.Record{{Flow: "orders", Key: "1"}}}))
	same(t, "after forgetting", must(s.Records(t.Context(), store.RecordFilter{}))(t), []store.Record(nil))
	remember(t, s, r)
	want = r
	want.Attempts = 1
	same(t, "remembered anew", get(), want)
}

func recordFilters(t *testing.T, s store.Store) {
	rec := func(flow, key string, status store.RecordStatus, cause string, since int) store.Record {
		return store.Record{Flow: flow, Key: key, Status: status, Cause: cause, Since: at(since), Updated: at(since)}
	}
	remember(t, s, rec("orders", "3", store.RecordHeld, "blocked", 3), rec("orders", "1", store.RecordFailed, "unavailable", 1),
		rec("orders", "2", store.RecordWatched, "", 2), rec("stock", "1", store.RecordFailed, "blocked", 4), rec("orders", "5", store.RecordPending, "unknown_outcome", 5))
	for _, tt := range []struct {
		name   string
		filter store.RecordFilter
		want   string
	}{
		{"all, oldest first", store.RecordFilter{}, "orders/1 orders/2 orders/3 stock/1 orders/5"},
		{"flow", store.RecordFilter{Flow: "orders"}, "orders/1 orders/2 orders/3 orders/5"},
		{"status", store.RecordFilter{Statuses: []store.RecordStatus{store.RecordFailed}}, "orders/1 stock/1"},
		{"statuses", store.RecordFilter{Statuses: []store.RecordStatus{store.RecordFailed, store.RecordHeld}}, "orders/1 orders/3 stock/1"},
		{"keys", store.RecordFilter{Keys: []string{"1", "3", "9"}}, "orders/1 orders/3 stock/1"},
		{"cause", store.RecordFilter{Cause: "blocked"}, "orders/3 stock/1"},
		{"all together", store.RecordFilter{Flow: "stock", Statuses: []store.RecordStatus{store.RecordFailed}, Keys: []string{"1"}, Cause: "blocked"}, "stock/1"},
		{"nothing", store.RecordFilter{Flow: "orders", Cause: "never seen"}, ""},
		{"unknown status", store.RecordFilter{Statuses: []store.RecordStatus{"odd"}}, ""},
		{"unknown flow", store.RecordFilter{Flow: "none"}, ""},
	} {
		var got []string
		for _, r := range must(s.Records(t.Context(), tt.filter))(t) {
			got = append(got, r.Flow+"/"+r.Key)
		}
		same(t, tt.name, strings.Join(got, " "), tt.want)
	}
}

func intent(key, identity string) store.Intent {
	return store.Intent{Flow: "orders", Run: "r1", Key: key, Connection: "books", Object: "AR1", Action: "create", Step: "debtor", Identity: identity,
		Fingerprint: fingerprintOf(key), Reference: "W" + key, Expect: map[string]string{"total": "12.10", "date": "2026-11-03"},
		State: store.IntentOpen, Opened: at(1), NotAfter: at(2), Source: record.Fingerprint{4, 5}}
}

func intents(t *testing.T, s store.Store) {
	ctx := t.Context()
	same(t, "no intents", must(s.Intents(ctx, ""))(t), []store.Intent(nil))
	one, two, three := intent("1", "id-1"), intent("2", ""), intent("3", "id-3")
	three.Flow, three.State, three.Settled = "customers", store.IntentUnknown, at(9)
	for _, i := range []*store.Intent{&one, &two, &three} {
		i.ID = must(s.OpenIntent(ctx, *i))(t)
		if i.ID <= 0 {
			t.Fatalf("ID %d", i.ID)
		}
	}
	if one.ID >= two.ID || two.ID >= three.ID {
		t.Errorf("IDs %d, %d, %d do not grow", one.ID, two.ID, three.ID)
	}
	same(t, "open intents", must(s.Intents(ctx, ""))(t), []store.Intent{one, two, three})
	same(t, "open intents of a flow", must(s.Intents(ctx, "customers"))(t), []store.Intent{three})
	same(t, "open intents of an unknown flow", must(s.Intents(ctx, "none"))(t), []store.Intent(nil))
	final := intent("4", "")
	final.State = store.IntentDone
	if _, err := s.OpenIntent(ctx, final); err == nil {
		t.Error("an intent was opened as done")
	}
}

func intentsAreSerialised(t *testing.T, s store.Store) {
	ctx := t.Context()
	first := intent("1", "same")
	first.ID = must(s.OpenIntent(ctx, first))(t)
	busy := func(i store.Intent) {
		t.Helper()
		var b *store.BusyError
		if _, err := s.OpenIntent(ctx, i); !errors.As(err, &b) {
			t.Fatalf("a second intent on one identity: %v, want a BusyError", err)
		}
		same(t, "who stands in the way", b.Intent, first)
	}
	other := intent("2", "same")
	other.Flow = "customers" // also across flows: the destination is what counts
	busy(other)
	busy(first)
	ok(t, s.Commit(ctx, store.Change{Settle: []store.Settlement{{ID: first.ID, State: store.IntentUnknown, Settled: at(30)}}}))
	first.State, first.Settled = store.IntentUnknown, at(30)
	busy(other) // an unknown outcome still stands in the way

	object, connection, none := other, other, other
	object.Object, connection.Connection, none.Identity = "SO1", "archive", ""
	for _, i := range []store.Intent{object, connection, none, none} { // without an identity there is nothing to serialise
		must(s.OpenIntent(ctx, i))(t)
	}
	ok(t, s.Commit(ctx, store.Change{Settle: []store.Settlement{{ID: first.ID, State: store.IntentDone, ResultKey: "10001"}}}))
	must(s.OpenIntent(ctx, other))(t)
}

func intentsSettle(t *testing.T, s store.Store) {
	ctx := t.Context()
	settle := func(c store.Settlement) error { return s.Commit(ctx, store.Change{Settle: []store.Settlement{c}}) }
	open := func() []store.Intent { t.Helper(); return must(s.Intents(ctx, ""))(t) }
	for _, final := range []store.IntentState{store.IntentDone, store.IntentAdopted, store.IntentRefused, store.IntentAbsent} {
		i := intent("1", "x")
		i.ID = must(s.OpenIntent(ctx, i))(t)
		ok(t, settle(store.Settlement{ID: i.ID, State: store.IntentUnknown, Cause: "unknown_outcome", Settled: at(30)}))
		i.State, i.Cause, i.Settled = store.IntentUnknown, "unknown_outcome", at(30)
		same(t, "unknown intent", open(), []store.Intent{i})
		ok(t, settle(store.Settlement{ID: i.ID, State: store.IntentOpen, Cause: "unknown_outcome"}))
		i.State = store.IntentOpen
		same(t, "time to look stays while none is given", open(), []store.Intent{i})
		ok(t, settle(store.Settlement{ID: i.ID, State: final, ResultKey: "7", Cause: "blocked"}))
		same(t, "after "+string(final), open(), []store.Intent(nil))
		ok(t, settle(store.Settlement{ID: i.ID, State: final, ResultKey: "7"})) // again: the same word changes nothing
		is(t, settle(store.Settlement{ID: i.ID, State: store.IntentOpen}), store.ErrSettled)
		err := settle(store.Settlement{ID: i.ID, State: store.IntentAdopted})
		if same := final == store.IntentAdopted; same != (err == nil) {
			t.Errorf("from %s to adopted: %v", final, err)
		}
	}
	// One that was given up waits for a person: it is still there and still in the way.
	given := intent("9", "given")
	given.ID = must(s.OpenIntent(ctx, given))(t)
	ok(t, settle(store.Settlement{ID: given.ID, State: store.IntentGivenUp, Cause: "unknown_outcome"}))
	given.State, given.Cause = store.IntentGivenUp, "unknown_outcome"
	same(t, "given up", open(), []store.Intent{given})
	var b *store.BusyError
	if _, err := s.OpenIntent(ctx, intent("9", "given")); !errors.As(err, &b) {
		t.Errorf("an intent that was given up stands in nobody's way: %v", err)
	}
	ok(t, settle(store.Settlement{ID: given.ID, State: store.IntentAbsent}))
	same(t, "decided", open(), []store.Intent(nil))
	is(t, settle(store.Settlement{ID: 99999, State: store.IntentDone}), store.ErrNotFound)
	id := must(s.OpenIntent(ctx, intent("1", "x")))(t)
	if settle(store.Settlement{ID: id, State: "odd"}) == nil {
		t.Error("an unknown state was taken")
	}
}

// everything is a change of every kind at once.
func everything(intent int64) store.Change {
	return store.Change{
		Links:   []store.Link{link(1)},
		Records: []store.Record{{Flow: "orders", Key: "new", Status: store.RecordHeld, Since: at(1)}},
		Settle:  []store.Settlement{{ID: intent, State: store.IntentDone}},
		Cursors: []store.Cursor{{Flow: "orders", Object: "order", Value: []byte("2")}},
		Log:     []store.LogLine{{Time: at(1), Flow: "a flow named here first", Outcome: "created"}},
	}
}

// nothing proves that nothing of everything was done.
func nothing(t *testing.T, s store.Store, intent int64, cursor []byte) {
	t.Helper()
	ctx := t.Context()
	same(t, "link", linkOf(t, s, link(1).A, "books"), store.Link{})
	same(t, "records", must(s.Records(ctx, store.RecordFilter{Keys: []string{"new"}}))(t), []store.Record(nil))
	same(t, "cursor", must(s.Cursor(ctx, "orders", "order"))(t), cursor)
	same(t, "log", must(s.Log(ctx, store.LogFilter{}))(t), []store.LogLine(nil))
	open := must(s.Intents(ctx, ""))(t)
	if len(open) != 1 || open[0].ID != intent {
		t.Errorf("open intents %v, want only %d", open, intent)
	}
}

func commitIsAllOrNothing(t *testing.T, s store.Store) {
	ctx := t.Context()
	id := must(s.OpenIntent(ctx, intent("1", "x")))(t)
	remember(t, s, store.Record{Flow: "orders", Key: "old", Status: store.RecordHeld, Since: at(1)})

	bad := everything(id)
	bad.Forget = []store.Record{{Flow: "orders", Key: "old"}}
	bad.Settle = append(bad.Settle, store.Settlement{ID: id + 1000, State: store.IntentDone})
	is(t, s.Commit(ctx, bad), store.ErrNotFound)
	nothing(t, s, id, nil)
	if n := len(must(s.Records(ctx, store.RecordFilter{Keys: []string{"old"}}))(t)); n != 1 {
		t.Errorf("the record to forget is there %d times, want once", n)
	}

	bad = everything(id)
	bad.Links = append(bad.Links, store.Link{ID: 4711})
	is(t, s.Commit(ctx, bad), store.ErrNotFound)
	nothing(t, s, id, nil)

	// What was refused leaves no words behind either: the same ones work afterwards.
	good := everything(id)
	good.Forget = []store.Record{{Flow: "orders", Key: "old"}}
	ok(t, s.Commit(ctx, good))
	log := must(s.Log(ctx, store.LogFilter{Flow: "a flow named here first"}))(t)
	if d := cmp.Diff(good.Log, log, cmpopts.IgnoreFields(store.LogLine{}, "ID")); d != "" {
		t.Errorf("log (-want +got):\n%s", d)
	}
	same(t, "cursor", must(s.Cursor(ctx, "orders", "order"))(t), []byte("2"))
	same(t, "open intents", must(s.Intents(ctx, ""))(t), []store.Intent(nil))
	if linkOf(t, s, link(1).A, "books").ID == 0 {
		t.Error("no link after a good commit")
	}
	ok(t, s.Commit(ctx, store.Change{}))
}

func hostileTexts(t *testing.T, s store.Store) {
	for _, key := range []string{`'; DROP TABLE link; --`, "a\x00b", "ünïcødé Ω 漢字 🚲", "line\nbreak", `{"json":[1]}`, strings.Repeat("k", 10_000), "%", "\xff\xfe invalid"} {
		l := link(1)
		l.A.Key, l.B.Key = key, "b "+key
		put(t, s, l)
		if got := linkOf(t, s, l.A, "books"); got.A.Key != key || got.B.Key != l.B.Key {
			t.Errorf("key %.20q came back as %.20q and %.20q", key, got.A.Key, got.B.Key)
		}
		remember(t, s, store.Record{Flow: key, Key: key, Status: store.RecordHeld, Since: at(1)})
		if key == "\xff\xfe invalid" {
			continue // a filter travels as JSON, which has valid texts only
		}
		if n := len(must(s.Records(t.Context(), store.RecordFilter{Flow: key, Keys: []string{key}}))(t)); n != 1 {
			t.Errorf("key %.20q: %d records", key, n)
		}
	}
}
