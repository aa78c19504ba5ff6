package engine

import (
	"context"
	"errors"
	"fmt"
	"sort"
	"strings"
	"time"

	"github.com/pomost/pomost/host/engine/decide"
	"github.com/pomost/pomost/host/engine/failpoint"
	"github.com/pomost/pomost/host/store"
	"github.com/pomost/pomost/sdk/connector"
	"github.com/pomost/pomost/sdk/record"
)

// resolve puts the keys that earlier steps returned in their places.
func resolve(a *decide.Action, results map[string]string) {
	rec := record.Record{Schema: a.Record.Schema, Values: append([]record.Value(nil), a.Record.Values...)}
	for _, ref := range a.Refs {
		rec.MustSet(ref.Field, record.Text(results[ref.Step]))
	}
	a.Record = rec
	expect := map[string]string{}
	for k, v := range a.Expect {
		if step, ok := strings.CutPrefix(v, "@"); ok {
			v = results[step]
		}
		expect[k] = v
	}
	a.Expect = expect
	fields := append([]decide.Field(nil), a.Lookup.Fields...)
	for i, f := range fields {
		if step, ok := strings.CutPrefix(f.Value, "@"); ok {
			fields[i].Value = results[step]
		}
	}
	a.Lookup.Fields = fields
}

// effect makes the intent durable and attempts the write. An effect that certainly was not done is tried again a few times, unless the run
// is being stopped.
func (r *run) effect(ctx, run context.Context, key string, d decide.Decision, a decide.Action) (connector.WriteResult, store.Intent, error) {
	now := r.Clock.Now()
	identity := ""
	if a.Identity != "" {
		identity = r.HashKey("identity", a.Identity)
	}
	intent := store.Intent{Flow: r.flow.Name, Run: r.rec.ID, Key: key, Connection: r.flow.Destination.Name, Object: a.Object, Action: actionWord(a.Action),
		Step: a.Step, Identity: identity, Fingerprint: record.FingerprintOf(a.Record), Source: d.Source, State: store.IntentOpen, Opened: now, NotAfter: r.held().Until}
	if a.Document { // a document's reference, dates and amounts are no personal data; a debtor's e-mail is
		intent.Expect = a.Expect
		intent.Reference = a.Lookup.Fields[0].Value
	}
	// Promise 1: durable before anything is sent. Promise 4: one open intent per destination identity.
	id, err := r.Store.OpenIntent(ctx, intent)
	if err != nil {
		var busy *store.BusyError
		if errors.As(err, &busy) {
			return connector.WriteResult{}, intent, busy
		}
		return connector.WriteResult{}, intent, fmt.Errorf("record %s: the intent could not be written, nothing was sent: %w", key, err)
	}
	intent.ID = id
	failpoint.Hit("intent-durable")
	ctx = r.trail.watch(ctx)
	for try := 1; ; try++ {
		res := r.send(ctx, a)
		failpoint.Hit("answered")
		again := res.Outcome == connector.OutcomeRefused && res.Err.Retryable && (res.Err.Cause == connector.CauseUnavailable || res.Err.Cause == connector.CauseRateLimited)
		if !again || try == maxRetries || run.Err() != nil {
			return res, intent, nil //nolint:nilerr // the refusal is the answer; that the run is being stopped is seen by its next step
		}
		wait := max(res.Err.After, time.Duration(try)*time.Second)
		r.tell(fmt.Sprintf("record %s: %s", key, res.Err.Message), wait)
		if r.Clock.Sleep(run, wait) != nil {
			return res, intent, nil //nolint:nilerr // as above
		}
	}
}

// send is one Write of one record. Whatever goes wrong without a word about the record is an unknown outcome.
func (r *run) send(ctx context.Context, a decide.Action) connector.WriteResult {
	var res connector.WriteResult
	answered := false
	err := r.flow.Destination.Connection.Write(ctx, connector.WriteRequest{Object: a.Object, Action: a.Action, Records: []record.Record{a.Record},
		NotAfter: r.held().Until, Around: a.Lookup.Around}, func(w connector.WriteResult) error {
		res, answered = w, true
		return nil
	})
	if !answered {
		res = connector.WriteResult{Outcome: connector.OutcomeUnknown, Err: connector.AsError(err)}
	}
	if res.Outcome == connector.OutcomeRefused && res.Err == nil {
		res.Err = &connector.Error{Cause: connector.CauseRefused, Message: "the system refused it without a reason"}
	}
	return res
}

// resultKey is the key of what was written. A system that does not tell it is asked.
func (r *run) resultKey(ctx context.Context, a decide.Action, res connector.WriteResult) (string, error) {
	if a.Action == connector.Update {
		return a.Key, nil
	}
	if k := strings.TrimSpace(res.Record.Get(a.KeyField).String()); k != "" {
		return k, nil
	}
	r.know.drop(a.Lookup)
	if err := r.know.find(ctx, []decide.Lookup{a.Lookup}); err != nil {
		return "", err
	}
	for _, rec := range r.know.facts.Answers[a.Lookup.ID()].Records {
		k, facts := r.flow.Decider.Found(a.Step, rec)
		if decide.Compare(a.Expect, facts) == "" {
			return k, nil
		}
	}
	if !a.Document {
		return "", &Error{Flow: r.flow.Name, Connection: r.flow.Destination.Name, Err: &connector.Error{Cause: connector.CauseConflict,
			Message: "the new " + a.Object + " was accepted, but its key was not told and it cannot be found", Remedy: "look for it in the destination"}}
	}
	return "reference " + a.Lookup.Fields[0].Value, nil
}

// passing tells that a refusal says nothing about the record: what refused it, the stop of the run may have caused.
func passing(e *connector.Error) bool { return e.Retryable || e.Cause == connector.CausePluginFailed }

// undone ends a run that was stopped before an effect was done. The cursor stays, so the record comes again.
func (r *run) undone(ctx, run context.Context, a decide.Action, i store.Intent, res connector.WriteResult, line store.LogLine) error {
	line.Cause, line.Message = string(res.Err.Cause), about(a, res.Err)
	ch := store.Change{Lease: r.held(), Log: []store.LogLine{line}, Settle: []store.Settlement{{ID: i.ID, State: store.IntentRefused, Cause: line.Cause}}}
	r.note(&ch, 0, r.sent(a, res)...)
	if err := r.keep(ctx, ch); err != nil {
		return fmt.Errorf("remember that record %s was not written: %w", line.Key, err)
	}
	return run.Err()
}

func (r *run) refused(ctx context.Context, key string, d decide.Decision, a decide.Action, i store.Intent, res connector.WriteResult, line store.LogLine,
	before map[string]string) error {
	e := res.Err
	line.Cause, line.Message = string(e.Cause), about(a, e)
	ch := store.Change{Lease: r.held(), Log: []store.LogLine{line}, Settle: []store.Settlement{{ID: i.ID, State: store.IntentRefused, Cause: string(e.Cause)}}}
	r.note(&ch, 0, r.sent(a, res)...)
	stop := e.Cause == connector.CauseCredentials
	if !stop {
		ch.Records = []store.Record{{Flow: r.flow.Name, Key: key, Status: store.RecordFailed, Cause: string(e.Cause), Reason: line.Message + already(before),
			Remedy: e.Remedy, Updated: r.Clock.Now(), Label: d.Label, Date: d.Date, Source: d.Source, Revision: r.flow.Revision}}
	}
	if err := r.keep(ctx, ch); err != nil {
		return fmt.Errorf("remember record %s: %w", key, err)
	}
	failpoint.Hit("record-durable")
	if stop {
		// Nothing was done and nothing can be: the cursor stays, so the record comes again.
		return &Error{Flow: r.flow.Name, Connection: r.flow.Destination.Name, Record: key, Err: e}
	}
	r.count(func(c *store.Counts) { c.Read++; c.Failed++ })
	if e.Cause != connector.CauseUnavailable {
		r.down = 0
	} else if r.down++; r.down >= 3 {
		return &Error{Flow: r.flow.Name, Connection: r.flow.Destination.Name, Record: key, Err: e}
	}
	return nil
}

// about is what a system says of an effect, with the object's name where it does not say it itself and without the personal
// data that the effect carried: what is said is kept, what was sent is not.
func about(a decide.Action, e *connector.Error) string {
	said := e.Error()
	if !strings.Contains(said, a.Object) {
		said = a.Object + ": " + said
	}
	for _, v := range personal(a.Record) {
		said = strings.ReplaceAll(said, v, "…")
	}
	return said
}

// personal lists the texts of a record's personal fields, the longest first, so that none is cut by a part of it. Texts of one or
// two letters tell nothing and stand in every sentence.
func personal(r record.Record) []string {
	var out []string
	for i, v := range r.Values {
		f := r.Schema.Fields[i]
		if t := strings.TrimSpace(v.AsText()); f.Personal && len(t) > 2 {
			out = append(out, t)
		}
		for _, e := range v.AsList() {
			if n, ok := e.AsRecord(); ok {
				out = append(out, personal(n)...)
			}
		}
	}
	sort.Slice(out, func(i, j int) bool { return len(out[i]) > len(out[j]) })
	return out
}

// already names what was written for a record before it stopped.
func already(before map[string]string) string {
	var parts []string
	for step, key := range before {
		parts = append(parts, step+" "+key)
	}
	if len(parts) == 0 {
		return ""
	}
	sort.Strings(parts)
	return " (kept: " + strings.Join(parts, ", ") + ")"
}

func (r *run) unknown(ctx context.Context, key string, d decide.Decision, a decide.Action, i store.Intent, res connector.WriteResult, line store.LogLine, tries int) error {
	settled := r.Clock.Now().Add(r.flow.Destination.Settle)
	line.Cause = string(connector.CauseUnknownOutcome)
	if res.Err != nil {
		line.Message = about(a, res.Err)
	}
	ch := store.Change{Lease: r.held(), Log: []store.LogLine{line},
		Settle:  []store.Settlement{{ID: i.ID, State: store.IntentUnknown, Cause: string(connector.CauseUnknownOutcome), Settled: settled}},
		Records: []store.Record{r.waiting(key, d, "the answer to writing "+i.Object+" was lost")}}
	r.note(&ch, 0, r.sent(a, res)...)
	if err := r.keep(ctx, ch); err != nil {
		return fmt.Errorf("remember record %s: %w", key, err)
	}
	failpoint.Hit("unknown-durable")
	r.again(key, settled, tries)
	if r.lost++; r.lost%lostInARow != 0 {
		return nil
	}
	// Promise 7: a system that has gone away would cost every further record its time-out and leave it in doubt. A look-up tells.
	r.know.drop(a.Lookup)
	return r.know.find(ctx, []decide.Lookup{a.Lookup})
}

func actionWord(a connector.Action) string {
	if a == connector.Update {
		return "update"
	}
	return "create"
}

func outcomeWord(o connector.Outcome) string {
	switch o {
	case connector.OutcomeCreated:
		return "created"
	case connector.OutcomeUpdated:
		return "updated"
	case connector.OutcomeUnchanged:
		return "unchanged"
	case connector.OutcomeRefused:
		return "refused"
	default:
		return "unknown"
	}
}
