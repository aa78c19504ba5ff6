package storetest

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/pomost/pomost/host/store"
	"github.com/pomost/pomost/sdk/record"
)

func slice(line int, day record.Date, text string) store.Slice {
	return store.Slice{Line: line, Day: day, Body: []byte(text)}
}

// lineSlices lets slices come and go with their lines and days.
func lineSlices(t *testing.T, s store.Store) {
	ctx := t.Context()
	one, two := record.NewDate(2026, 11, 3), record.NewDate(2026, 11, 4)
	ch := store.Change{
		Log:    []store.LogLine{{Time: at(0), Flow: "orders", Key: "1", Outcome: "created"}, {Time: at(1), Flow: "orders", Key: "2", Outcome: "held"}, {Time: at(2), Flow: "orders", Outcome: "run done"}},
		Slices: []store.Slice{slice(1, one, "second"), slice(0, one, "first"), slice(1, two, "second too")},
	}
	ok(t, s.Commit(ctx, ch))
	ids := []int64{ch.Log[0].ID, ch.Log[1].ID, ch.Log[2].ID}
	lines := must(s.Log(ctx, store.LogFilter{}))(t)
	for i, l := range lines {
		if l.ID != ids[i] || l.ID == 0 {
			t.Errorf("line %d has ID %d, Commit said %d", i, l.ID, ids[i])
		}
	}
	ask := func(what string, ids []int64, want ...store.Slice) {
		t.Helper()
		got := must(s.Slices(ctx, ids))(t)
		if d := cmp.Diff(want, got, cmpopts.EquateEmpty(), cmpopts.IgnoreFields(store.Slice{}, "Line")); d != "" {
			t.Errorf("%s (-want +got):\n%s", what, d)
		}
	}
	kept := func(log int64, day record.Date, text string) store.Slice {
		return store.Slice{Log: log, Day: day, Body: []byte(text)}
	}
	ask("all", ids, kept(ids[0], one, "first"), kept(ids[1], one, "second"), kept(ids[1], two, "second too"))
	ask("one line", ids[1:2], kept(ids[1], one, "second"), kept(ids[1], two, "second too"))
	ask("a line without", ids[2:])
	ask("none", nil)
	ask("an unknown line", []int64{4711})

	late := store.Slice{Log: ids[1], Day: two, Body: []byte("late")}
	ok(t, s.Commit(ctx, store.Change{Log: []store.LogLine{{Time: at(3), Flow: "orders", Outcome: "x"}}, Slices: []store.Slice{late, {Log: 4711, Day: one, Body: []byte("of no line")}}}))
	ask("with a late one", ids, kept(ids[0], one, "first"), kept(ids[1], one, "second"), kept(ids[1], two, "second too"), kept(ids[1], two, "late"))
	ask("of no line", []int64{4711})

	if n := must(s.DropSlices(ctx, two, 1))(t); n != 1 {
		t.Errorf("dropped %d, want 1 of 2", n)
	}
	if n := must(s.DropSlices(ctx, two, 10))(t); n != 1 {
		t.Errorf("dropped %d, want the other one", n)
	}
	if n := must(s.DropSlices(ctx, two, 10))(t); n != 0 {
		t.Errorf("dropped %d more", n)
	}
	ask("after the day is over", ids, kept(ids[1], two, "second too"), kept(ids[1], two, "late"))
	if n := len(must(s.Log(ctx, store.LogFilter{}))(t)); n != 4 {
		t.Errorf("%d lines are left, want all 4", n)
	}

	// A change that is refused leaves no slice behind.
	bad := store.Change{Log: []store.LogLine{{Time: at(4), Outcome: "y"}}, Slices: []store.Slice{slice(0, one, "refused"), {Log: ids[2], Day: one, Body: []byte("refused")}},
		Settle: []store.Settlement{{ID: 99999, State: store.IntentDone}}}
	is(t, s.Commit(ctx, bad), store.ErrNotFound)
	ask("of what was refused", ids[2:])
	lease := store.Change{Lease: store.Lease{Name: "flow:x", Holder: "nobody", Term: 7}, Log: []store.LogLine{{Time: at(4), Outcome: "y"}}, Slices: []store.Slice{{Log: ids[2], Day: one, Body: []byte("late")}}}
	if err := s.Commit(ctx, lease); err == nil {
		t.Error("a lost lease commits")
	}
	ask("of what a lost lease tried", ids[2:])
}

// manySlices bounds those of one line.
func manySlices(t *testing.T, s store.Store) {
	ctx := t.Context()
	ch := store.Change{Log: []store.LogLine{{Time: at(0), Outcome: "a"}, {Time: at(0), Outcome: "b"}}, Slices: []store.Slice{slice(1, 1, "next")}}
	for i := range store.MaxSlices + 5 {
		ch.Slices = append(ch.Slices, slice(0, 1, fmt.Sprint(i)))
	}
	ok(t, s.Commit(ctx, ch))
	ok(t, s.Commit(ctx, store.Change{Slices: []store.Slice{{Log: ch.Log[0].ID, Day: 1, Body: []byte("too many")}}}))
	got := must(s.Slices(ctx, []int64{ch.Log[0].ID}))(t)
	if len(got) != store.MaxSlices || string(got[len(got)-1].Body) != fmt.Sprint(store.MaxSlices-1) {
		t.Errorf("%d slices, want %d", len(got), store.MaxSlices)
	}
	if got := must(s.Slices(ctx, []int64{ch.Log[1].ID}))(t); len(got) != 1 || string(got[0].Body) != "next" {
		t.Errorf("the line beside it has %v", got)
	}
}

// logSearch finds lines by each of the ways in which people ask.
func logSearch(t *testing.T, s store.Store) {
	ctx := t.Context()
	line := func(minute int, flow, key, outcome, cause string, label int64) store.LogLine {
		return store.LogLine{Time: at(minute), Flow: flow, Key: key, Outcome: outcome, Cause: cause, Label: []byte{byte(label)}, LabelHash: label}
	}
	ok(t, s.Commit(ctx, store.Change{Log: []store.LogLine{
		line(0, "orders", "a", "created", "", 7), line(1, "orders", "b", "held", "amounts_differ", 8), line(2, "orders", "a", "verified", "", 7),
		line(3, "stock", "a", "updated", "", 0), line(4, "orders", "c", "failed", "unavailable", -9), line(5, "orders", "c", "held", "amounts_differ", -9),
	}}))
	for _, tt := range []struct {
		name   string
		filter store.LogFilter
		want   []int // minutes
	}{
		{"all", store.LogFilter{}, []int{0, 1, 2, 3, 4, 5}},
		{"key", store.LogFilter{Key: "a"}, []int{0, 2, 3}},
		{"label", store.LogFilter{LabelHash: -9}, []int{4, 5}},
		{"key or label", store.LogFilter{Key: "a", LabelHash: 8}, []int{0, 1, 2, 3}},
		{"key or label of a flow", store.LogFilter{Flow: "orders", Key: "a", LabelHash: 8}, []int{0, 1, 2}},
		{"cause", store.LogFilter{Cause: "amounts_differ"}, []int{1, 5}},
		{"unknown cause", store.LogFilter{Cause: "no such"}, nil},
		{"outcome", store.LogFilter{Outcome: "held"}, []int{1, 5}},
		{"since", store.LogFilter{Since: at(4)}, []int{4, 5}},
		{"until", store.LogFilter{Until: at(2)}, []int{0, 1}},
		{"from to", store.LogFilter{Since: at(1), Until: at(3), Flow: "orders"}, []int{1, 2}},
		{"first", store.LogFilter{Limit: 2}, []int{0, 1}},
		{"newest", store.LogFilter{Limit: 2, Newest: true}, []int{4, 5}},
		{"newest of a key", store.LogFilter{Key: "a", Limit: 2, Newest: true}, []int{2, 3}},
	} {
		var got []int
		for _, l := range must(s.Log(ctx, tt.filter))(t) {
			got = append(got, int(l.Time.Sub(noon).Minutes()))
		}
		same(t, tt.name, got, tt.want)
	}
	found := must(s.Log(ctx, store.LogFilter{LabelHash: 8}))(t)
	if len(found) != 1 || found[0].LabelHash != 8 || string(found[0].Label) != "\x08" {
		t.Errorf("the label came back as %+v", found)
	}
}
