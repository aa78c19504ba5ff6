package engine

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/pomost/pomost/host/activity"
	"github.com/pomost/pomost/host/store"
	"github.com/pomost/pomost/sdk/connector"
	"github.com/pomost/pomost/sdk/record"
)

// plainKeys seal nothing, so that a test sees what is kept.
type plainKeys struct{ broken bool }

func (k plainKeys) SealDay(_ record.Date, plain, _ []byte) ([]byte, error) {
	if k.broken {
		return nil, errors.New("no room for a key")
	}
	return plain, nil
}
func (plainKeys) OpenDay(_ record.Date, sealed, _ []byte) ([]byte, error) { return sealed, nil }
func (plainKeys) Dropped(error) bool                                      { return false }
func (plainKeys) DropDays(record.Date) (int, error)                       { return 0, nil }
func (plainKeys) HashKey(_, text string) string                           { return fmt.Sprintf("%x%032d", text, 0)[:32] }

// wired is a connection that reports its raw exchanges as connectors do: some with the call, some later.
type wired struct {
	*fake
	late []context.Context
}

func asIs(x connector.Exchange) connector.Exchange { return x }

func (w *wired) Write(ctx context.Context, req connector.WriteRequest, yield func(connector.WriteResult) error) error {
	Observe(ctx, "books", connector.Exchange{Method: "POST", URL: "https://books/" + req.Records[0].Get("ref").String(), Status: 200}, asIs)
	w.late = append(w.late, ctx)
	return w.fake.Write(ctx, req, yield)
}

func (w *wired) Find(ctx context.Context, req connector.FindRequest) ([]connector.FindResult, error) {
	Observe(ctx, "books", connector.Exchange{Method: "GET", URL: "https://books/well", Status: 200}, asIs)
	Observe(ctx, "books", connector.Exchange{Method: "GET", URL: "https://books/slow", Error: "timed out"}, asIs)
	for _, ctx := range w.late { // a plugin's report that came behind its answer
		Observe(ctx, "books", connector.Exchange{Method: "POST", URL: "https://books/late", Status: 200}, asIs)
	}
	w.late = nil
	return w.fake.Find(ctx, req)
}

// kept returns what is kept beside the lines with an outcome, one text a payload.
func (r *rig) kept(outcome string) (out [][]string) {
	r.t.Helper()
	lines, err := r.store.Log(r.t.Context(), store.LogFilter{Outcome: outcome})
	if err != nil {
		r.t.Fatal(err)
	}
	log := activity.Log{Keys: plainKeys{}}
	kept, err := log.Payloads(r.t.Context(), r.store, lines)
	if err != nil {
		r.t.Fatal(err)
	}
	for _, l := range lines {
		var texts []string
		for _, p := range kept[l.ID] {
			texts = append(texts, p.Kind+" "+p.Object+" "+string(p.Body))
		}
		out = append(out, texts)
	}
	return out
}

func has(t *testing.T, what string, got []string, want ...string) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%s: %d payloads, want %d: %q", what, len(got), len(want), got)
	}
	for i := range want {
		parts := strings.Split(want[i], "…")
		rest := got[i]
		for _, p := range parts {
			_, after, ok := strings.Cut(rest, p)
			if !ok {
				t.Errorf("%s: %q lacks %q", what, got[i], p)
			}
			rest = after
		}
	}
}

// What came, what was sent, what was answered and how stand beside the line of the attempt, durable with it; what was reported late too.
func TestSlicesOfAnAttempt(t *testing.T) {
	r := newRig(t, "1001", "1002")
	r.e.Recorder = activity.Log{Keys: plainKeys{}}
	r.f.Destination.Connection = &wired{fake: r.far}
	r.far.write = func(_ int, ref string) connector.WriteResult {
		if ref == "1002" {
			return connector.WriteResult{Outcome: connector.OutcomeRefused, Err: &connector.Error{Cause: connector.CausePeriodLocked, Message: "period 11 is closed"}}
		}
		return connector.WriteResult{Outcome: connector.OutcomeCreated}
	}
	run, err := r.run()
	if err != nil {
		t.Fatal(err)
	}
	r.want(run, "done", store.Counts{Read: 2, Created: 1, Failed: 1})
	has(t, "created", r.kept("created")[0], `in orders {"id":"1001"}`, `out books {"nr":"","ref":"1001"}`, `answer books {"nr":"1","ref":"1001"}`,
		`exchange books …"url":"https://books/1001"`, `exchange books …/late`)
	has(t, "refused", r.kept("refused")[0], `in orders {"id":"1002"}`, `out books {"nr":"","ref":"1002"}`, `answer books {"cause":"period_locked"`,
		`exchange books …"url":"https://books/1002"`)
	// The record as it came stands beside its first line only, and what was found of it beside the line that compares.
	has(t, "verified", r.kept("verified")[0], `answer books {"nr":"1","ref":"1001"}`)
	// What failed on the way stands beside the run's own line; what went well is not kept.
	for _, p := range r.kept("run done")[0] {
		if !strings.Contains(p, "timed out") {
			t.Errorf("beside the run: %s", p)
		}
	}
	if len(r.kept("run done")[0]) == 0 {
		t.Error("nothing of the failures is kept")
	}
	lines, err := r.store.Log(t.Context(), store.LogFilter{LabelHash: activity.Log{Keys: plainKeys{}}.LabelHash("1001")})
	if err != nil || len(lines) != 2 {
		t.Errorf("%d lines under the label, %v", len(lines), err)
	}
}

// A day's key that cannot be made keeps no order from being carried over.
func TestNoOrderWaitsForItsLog(t *testing.T) {
	r := newRig(t, "1001")
	r.e.Recorder = activity.Log{Keys: plainKeys{broken: true}}
	told := 0
	r.e.Progress = func(e Event) {
		if strings.Contains(e.Message, "no room for a key") {
			told++
		}
	}
	run, err := r.run()
	if err != nil {
		t.Fatal(err)
	}
	r.want(run, "done", store.Counts{Read: 1, Created: 1})
	if told != 1 {
		t.Errorf("told %d times", told)
	}
	if n := len(r.kept("created")[0]); n != 0 {
		t.Errorf("%d payloads", n)
	}
}

func TestExchangesAreBounded(t *testing.T) {
	trail := newTrail()
	ctx := trail.watch(t.Context())
	for range 50 {
		Observe(ctx, "books", connector.Exchange{Status: 200}, asIs)
	}
	if n := len(trail.effect.take()); n != maxExchanges {
		t.Errorf("%d exchanges", n)
	}
	trail.effect.kept(store.LogLine{ID: 7})
	Observe(ctx, "books", connector.Exchange{Status: 200}, asIs)
	if len(trail.late) != 0 {
		t.Errorf("%d late ones over the bound", len(trail.late))
	}
	Observe(t.Context(), "books", connector.Exchange{Status: 500}, asIs) // of no run: nobody keeps it
}
