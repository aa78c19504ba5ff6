package engine

import (
	"strings"
	"testing"

	"github.com/pomost/pomost/host/engine/decide"
	"github.com/pomost/pomost/host/store"
	"github.com/pomost/pomost/sdk/connector"
	"github.com/pomost/pomost/sdk/record"
)

// updater changes the record 9 of the books for every order.
type updater struct {
	decider
	found string // recognised and not linked
}

func (u *updater) Decide(r record.Record, facts *decide.Facts) decide.Decision {
	d := u.decider.Decide(r, facts)
	d.Found = u.found
	for i := range d.Actions {
		d.Actions[i].Action, d.Actions[i].Key, d.Actions[i].Identity, d.Actions[i].Changes = connector.Update, "9", "", []decide.Change{{Field: "ref"}}
	}
	return d
}

// TestCrossing: what the lane the other way was just writing into the source, its answer lost, does not come back; that lane finds out first.
func TestCrossing(t *testing.T) {
	r := newRig(t, "a")
	r.f.Name, r.f.Crosses, r.f.Decider = "f:there", "f:back", &updater{}
	now := r.clock.Now()
	id, err := r.store.OpenIntent(t.Context(), store.Intent{Flow: "f:back", Run: "x", Key: "9", Connection: "shop", Object: "orders", Action: "create", Step: "order",
		State: store.IntentUnknown, Opened: now, NotAfter: now, Settled: now})
	if err != nil {
		t.Fatal(err)
	}
	run, err := r.run()
	if err != nil {
		t.Fatal(err)
	}
	r.want(run, "done", store.Counts{Read: 1, Held: 1})
	if r.far.writes != 0 || r.records() != "a pending unknown_outcome" {
		t.Errorf("%d writes, records %s", r.far.writes, r.records())
	}
	if err := r.store.Commit(t.Context(), store.Change{Settle: []store.Settlement{{ID: id, State: store.IntentAdopted}}}); err != nil {
		t.Fatal(err)
	}
	if _, err = r.run(); err != nil {
		t.Fatal(err)
	}
	if r.far.writes != 1 {
		t.Errorf("%d writes once the other lane knew, records %s", r.far.writes, r.records())
	}
}

// TestFirstContactInTurn: at first contact the lane that comes first has the word, also where it could not say it yet.
func TestFirstContactInTurn(t *testing.T) {
	for _, second := range []bool{true, false} {
		r := newRig(t, "a")
		r.f.Name, r.f.Crosses, r.f.Second, r.f.Decider = "f:there", "f:back", second, &updater{found: "9"}
		if err := r.store.Commit(t.Context(), store.Change{Records: []store.Record{{Flow: "f:back", Key: "9", Status: store.RecordFailed, Cause: "function_failed"}}}); err != nil {
			t.Fatal(err)
		}
		if _, err := r.run(); err != nil {
			t.Fatal(err)
		}
		if (r.far.writes == 0) != second {
			t.Errorf("second %v: %d writes, records %s", second, r.far.writes, r.records())
		}
	}
}

// overtaken holds what it finds in one look-up and not in the other.
type overtaken struct{ decider }

func (o *overtaken) Decide(r record.Record, facts *decide.Facts) decide.Decision {
	before, first := facts.Answers[o.look("before").ID()]
	after, second := facts.Answers[o.look("after").ID()]
	switch {
	case !first:
		return decide.Decision{Lookups: []decide.Lookup{o.look("before")}}
	case !second:
		return decide.Decision{Lookups: []decide.Lookup{o.look("after")}}
	case before.Status != after.Status:
		return decide.Decision{Verdict: decide.Hold, Cause: "missing_in_year", Recheck: true}
	}
	return o.decider.Decide(r, facts)
}

// TestRecheck: what lands between two look-ups holds nothing; what is so holds.
func TestRecheck(t *testing.T) {
	for _, landed := range []bool{true, false} {
		r := newRig(t, "a")
		r.f.Decider = &overtaken{}
		asked := 0
		r.far.find = func(ref string) connector.FindStatus {
			asked++
			if ref == "after" || landed && asked > 2 && ref == "before" {
				return connector.Found
			}
			return connector.AbsentEverywhere
		}
		if _, err := r.run(); err != nil {
			t.Fatal(err)
		}
		if held := strings.Contains(r.records(), "missing_in_year"); held == landed || (r.far.writes == 0) == landed {
			t.Errorf("landed %v: %d writes, records %s", landed, r.far.writes, r.records())
		}
	}
}
