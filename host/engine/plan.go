package engine

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"
	"time"

	"github.com/pomost/pomost/host/engine/decide"
	"github.com/pomost/pomost/host/store"
	"github.com/pomost/pomost/sdk/connector"
	"github.com/pomost/pomost/sdk/record"
)

// Planned is one action that a run would take.
type Planned struct {
	Key     string          `json:"key"`
	Action  string          `json:"action"` // create, update, link, skip, hold
	Object  string          `json:"object"`
	Changes []PlannedChange `json:"changes"`
	Reason  string          `json:"reason"`
	// Label is what people call the record, Cause the code of a hold, Proof the arithmetic, Warnings what a person should know.
	Label    string   `json:"label,omitempty"`
	Cause    string   `json:"cause,omitempty"`
	Proof    string   `json:"proof,omitempty"`
	Warnings []string `json:"warnings,omitempty"`
}

// PlannedChange is one field of a planned action.
type PlannedChange struct {
	Field string `json:"field"`
	From  string `json:"from"`
	To    string `json:"to"`
}

// PlanFlow decides everything that a run would read now and performs nothing. The plan is kept under its ID; yield gets each
// action as it is known.
func (e *Engine) PlanFlow(ctx context.Context, f *Flow, yield func(Planned) error) (store.Plan, error) {
	plan := store.Plan{ID: e.NewID(), Flow: f.Name, Created: e.Clock.Now(), Revision: f.Revision}
	if f.Prepare != nil {
		if err := f.Prepare(ctx); err != nil {
			return plan, err
		}
	}
	cursor, err := e.cursor(ctx, f)
	if err != nil {
		return plan, err
	}
	remembered, err := e.Store.Records(ctx, store.RecordFilter{Flow: f.Name})
	if err != nil {
		return plan, fmt.Errorf("read remembered records: %w", err)
	}
	p := planner{engine: e, flow: f, plan: &plan, yield: yield, making: map[string]maker{}, seen: map[string]bool{}, known: map[string]*store.Record{}}
	// What a run would take up by itself comes first, as in a run.
	var again []decide.Lookup
	for i, r := range remembered {
		p.known[r.Key] = &remembered[i]
		if r.Status == store.RecordPending || r.Status == store.RecordFailed && (r.Cause == string(connector.CauseUnavailable) || r.Cause == string(connector.CauseRateLimited)) {
			again = append(again, f.Decider.ByKey(r.Key))
		}
	}
	know := newKnowledge(f, e.Store)
	if err := know.find(ctx, again); err != nil {
		return plan, err
	}
	var recs []record.Record
	for _, l := range again {
		recs = append(recs, know.facts.Answers[l.ID()].Records...)
	}
	if err := p.batch(ctx, recs); err != nil {
		return plan, err
	}
	req := connector.ReadRequest{Object: f.Decider.Object(), Cursor: cursor, LookBack: f.Source.LookBack, Where: f.Decider.Where(), BatchSize: batchSize}
	err = f.Source.Connection.Read(ctx, req, func(b connector.Batch) error { return p.batch(ctx, b.Records) })
	if err != nil {
		return plan, on(f.Name, f.Source, err)
	}
	if err := e.Store.SavePlan(ctx, plan); err != nil {
		return plan, fmt.Errorf("keep the plan: %w", err)
	}
	return plan, nil
}

type planner struct {
	engine *Engine
	flow   *Flow
	plan   *store.Plan
	yield  func(Planned) error
	making map[string]maker // by identity
	seen   map[string]bool
	known  map[string]*store.Record // what is remembered, by key
}

// maker is the record on whose way something is made.
type maker struct{ key, label string }

func (p *planner) batch(ctx context.Context, recs []record.Record) error {
	var fresh []record.Record
	for _, rec := range recs {
		if key := p.flow.Decider.Key(rec); !p.seen[key] {
			p.seen[key] = true
			fresh = append(fresh, rec)
		}
	}
	for len(fresh) > 0 {
		part := fresh[:min(batchSize, len(fresh))]
		fresh = fresh[len(part):]
		ds, err := newKnowledge(p.flow, p.engine.Store).decide(ctx, part)
		if err != nil {
			return err
		}
		for i, d := range ds {
			key := p.flow.Decider.Key(part[i])
			if d.Verdict == decide.Adopt || d.Verdict == decide.Act && d.Found != "" {
				other, err := linkedTo(ctx, p.engine.Store, p.flow, d.Found, key)
				if err != nil {
					return err
				}
				if other != "" {
					d = taken(p.flow, d, other)
				}
			}
			if known := p.known[key]; forPerson(known, d, p.flow.Revision) {
				// A run leaves it to a person, so the plan must not promise it.
				d.Verdict, d.Cause, d.Reason, d.Remedy = decide.Hold, known.Cause, known.Reason, known.Remedy
			}
			if err := p.add(key, d); err != nil {
				return err
			}
		}
	}
	return nil
}

// add puts a decision into the plan, and its actions in words.
func (p *planner) add(key string, d decide.Decision) error {
	if d.Verdict == decide.Act {
		// Whoever comes second with a reference finds the order that the first one made.
		if last := d.Actions[len(d.Actions)-1]; p.making[last.Identity].key != "" && last.Identity != "" && p.making[last.Identity].key != key {
			first := p.making[last.Identity]
			d.Found = "the " + p.flow.Decider.Words().Target + " of " + first.label
			d = taken(p.flow, d, first.key)
		}
	}
	item := item(key, d, nil)
	p.plan.Items = append(p.plan.Items, item)
	base := Planned{Key: key, Action: item.Action, Object: p.flow.Decider.Target(), Changes: []PlannedChange{}, Reason: d.Reason, Label: d.Label, Cause: d.Cause}
	if d.Verdict != decide.Act {
		return p.yield(base)
	}
	for n, a := range d.Actions {
		out := base
		out.Action, out.Object = actionWord(a.Action), a.Object
		if a.Action == connector.Update && len(a.Changes) == 0 {
			out.Action, out.Reason = "link", "recognised as "+a.Key
		}
		what, done := a.Identity, "made"
		if a.Action == connector.Update && len(a.Changes) > 0 {
			what, done = "update:"+a.Object+":"+a.Key, "updated"
		}
		if first, made := p.making[what]; made && what != "" && first.key != key {
			out.Action, out.Reason, a.Changes = "link", done+" on the way of "+first.label, nil
		} else if what != "" {
			p.making[what] = maker{key, d.Label}
		}
		for _, c := range a.Changes {
			out.Changes = append(out.Changes, PlannedChange(c))
		}
		if n == len(d.Actions)-1 {
			out.Warnings = d.Warnings
			if d.Proof != nil {
				out.Proof = d.Proof.String()
			}
		}
		if err := p.yield(out); err != nil {
			return err
		}
	}
	return nil
}

// item is what a plan keeps of a decision. made names the keys that the run itself made: a plan could only call them new.
func item(key string, d decide.Decision, made map[string]string) store.PlanItem {
	relied := make([]string, len(d.Relied))
	for i, on := range d.Relied {
		relied[i] = on.Key
		if made[on.Key] != "" {
			relied[i] = made[on.Key]
		}
	}
	return store.PlanItem{Key: key, Action: verdictWord(d), Source: d.Source.String(), Destination: hash(strings.Join(relied, "|")), Outgoing: d.Main.String()}
}

func hash(s string) string {
	h := sha256.Sum256([]byte(s))
	return hex.EncodeToString(h[:])
}

func verdictWord(d decide.Decision) string {
	switch d.Verdict {
	case decide.Act:
		return actionWord(d.Actions[len(d.Actions)-1].Action)
	case decide.Adopt:
		return "link"
	case decide.Hold:
		return "hold"
	default:
		return "skip"
	}
}

// asPlanned tells what is different from the plan, "" when nothing is.
func (r *run) asPlanned(key string, d decide.Decision) string {
	want, ok := r.plan[key]
	if !ok {
		return "it was not in the plan"
	}
	got := item(key, d, r.made)
	switch {
	case got.Action != want.Action:
		return "the plan says " + want.Action + ", now it would be " + got.Action
	case got.Source != want.Source:
		return "it changed in the source"
	case got.Destination != want.Destination:
		return "the destination changed"
	case got.Outgoing != want.Outgoing:
		return "what would be sent changed"
	}
	return ""
}

// recallMade recalls what the flow itself made since its plan was: a plan that was interrupted could only call these new.
func (r *run) recallMade(ctx context.Context, since time.Time) error {
	f := store.LogFilter{Flow: r.flow.Name, Since: since, Limit: 1000}
	for {
		lines, err := r.Store.Log(ctx, f)
		if err != nil {
			return fmt.Errorf("recall what was made since the plan: %w", err)
		}
		for _, l := range lines {
			if l.Outcome == outcomeWord(connector.OutcomeCreated) && l.Result != "" {
				r.made[l.Result] = "new"
			}
			f.After = l.ID
		}
		if len(lines) < f.Limit {
			return nil
		}
	}
}
