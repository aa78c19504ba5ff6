package storetest

import (
	"cmp"
	"slices"
	"testing"
	"time"

	"github.com/pomost/pomost/host/store"
)

func recordCounts(t *testing.T, s store.Store) {
	same(t, "of nothing", must(s.RecordCounts(t.Context()))(t), []store.RecordCount(nil))
	remember(t, s,
		store.Record{Flow: "orders", Key: "1", Status: store.RecordHeld, Cause: "product_missing", Updated: at(1)},
		store.Record{Flow: "orders", Key: "2", Status: store.RecordHeld, Cause: "product_missing", Updated: at(1)},
		store.Record{Flow: "orders", Key: "3", Status: store.RecordHeld, Cause: "currency", Updated: at(1)},
		store.Record{Flow: "orders", Key: "4", Status: store.RecordWatched, Updated: at(1)},
		store.Record{Flow: "stock", Key: "1", Status: store.RecordFailed, Cause: "refused", Updated: at(1)},
		store.Record{Flow: "stock", Key: "2", Status: store.RecordFailed, Cause: "refused", Updated: at(1)})
	ok(t, s.Commit(t.Context(), store.Change{Forget: []store.Record{{Flow: "stock", Key: "2"}}}))
	got := must(s.RecordCounts(t.Context()))(t)
	slices.SortFunc(got, func(a, b store.RecordCount) int {
		return cmp.Or(cmp.Compare(a.Flow, b.Flow), cmp.Compare(a.Status, b.Status), cmp.Compare(a.Cause, b.Cause))
	})
	same(t, "counts", got, []store.RecordCount{
		{Flow: "orders", Status: store.RecordHeld, Cause: "currency", Count: 1},
		{Flow: "orders", Status: store.RecordHeld, Cause: "product_missing", Count: 2},
		{Flow: "orders", Status: store.RecordWatched, Count: 1},
		{Flow: "stock", Status: store.RecordFailed, Cause: "refused", Count: 1},
	})
}

func pausedFlows(t *testing.T, s store.Store) {
	paused := func() map[string]time.Time {
		t.Helper()
		return must(s.Paused(t.Context()))(t)
	}
	same(t, "at first", paused(), map[string]time.Time{})
	ok(t, s.Pause(t.Context(), "orders", at(1)))
	ok(t, s.Pause(t.Context(), "stock", at(2)))
	ok(t, s.Pause(t.Context(), "orders", at(3)))
	same(t, "a flow paused twice is paused since the first time", paused(), map[string]time.Time{"orders": at(1), "stock": at(2)})
	ok(t, s.Pause(t.Context(), "orders", time.Time{}))
	ok(t, s.Pause(t.Context(), "unknown", time.Time{}))
	same(t, "after it was resumed", paused(), map[string]time.Time{"stock": at(2)})
}
