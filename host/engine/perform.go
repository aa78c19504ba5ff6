package engine

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/pomost/pomost/host/engine/decide"
	"github.com/pomost/pomost/host/engine/failpoint"
	"github.com/pomost/pomost/host/store"
	"github.com/pomost/pomost/sdk/connector"
	"github.com/pomost/pomost/sdk/record"
)

// batch decides and carries over a group of records, then compares what was booked.
func (r *run) batch(ctx context.Context, recs []record.Record) error {
	if len(recs) == 0 {
		return nil
	}
	r.know.forget()
	r.trail.next()
	// Decided together first, so that what all of them need is asked for in few calls; each is decided again in its turn, since
	// what the one before it wrote may change the answer.
	if _, err := r.know.decide(ctx, recs); err != nil {
		return err
	}
	known, err := r.remembered(ctx, recs)
	if err != nil {
		return err
	}
	var booked []written
	for _, rec := range recs {
		w, err := r.one(ctx, rec, known[r.flow.Decider.Key(rec)], 0)
		if err != nil {
			if store.CodeOf(err) != "" { // nothing more can be remembered
				return err
			}
			return errors.Join(err, r.verify(ctx, booked))
		}
		if w != nil {
			booked = append(booked, *w)
		}
	}
	return r.verify(ctx, booked)
}

// remembered returns what is remembered of the records at hand, by key.
func (r *run) remembered(ctx context.Context, recs []record.Record) (map[string]*store.Record, error) {
	keys := make([]string, len(recs))
	for i, rec := range recs {
		keys[i] = r.flow.Decider.Key(rec)
	}
	found, err := r.Store.Records(ctx, store.RecordFilter{Flow: r.flow.Name, Keys: keys})
	if err != nil {
		return nil, fmt.Errorf("read remembered records: %w", err)
	}
	out := map[string]*store.Record{}
	for i := range found {
		out[found[i].Key] = &found[i]
	}
	return out, nil
}

// written is an effect that is to be compared with what was booked.
type written struct {
	key    string
	source record.Record
	action decide.Action
	link   store.Link
	label  string
	date   record.Date
}

// one decides one record and carries the decision out. It returns what is to be verified.
func (r *run) one(ctx context.Context, rec record.Record, known *store.Record, tries int) (*written, error) {
	ds, err := r.know.decide(ctx, []record.Record{rec})
	if err != nil {
		return nil, err
	}
	d, key := ds[0], r.flow.Decider.Key(rec)
	if d.Verdict == decide.Hold && d.Recheck && (known == nil || known.Cause != d.Cause) {
		fresh := newKnowledge(r.flow, r.Store)
		if ds, err = fresh.decide(ctx, []record.Record{rec}); err != nil {
			return nil, err
		}
		if d = ds[0]; d.Verdict != decide.Hold {
			r.know.forget() // what it knew of the destination is out of date
		}
	}
	failpoint.Hit("decided")
	r.trail.saw(key, rec, d.Label)
	// What stands already, made by this very plan in an interrupted run or by a request whose answer was lost, refuses nothing.
	stands := d.Verdict == decide.Unchanged || d.Verdict == decide.Adopt && r.made[d.Found] != ""
	if r.plan != nil && !stands {
		if changed := r.asPlanned(key, d); changed != "" {
			d.Verdict, d.Cause = decide.Hold, "conflict"
			d.Reason, d.Remedy = "it is no longer as planned: "+changed, "make a new plan"
			d.Source = record.Fingerprint{} // nothing is wrong with the record: the next plain run may carry it over
		}
	}
	if r.opts.Only == nil && r.plan == nil && leftOut(known, d) {
		r.count(func(c *store.Counts) { c.Read++; c.Skipped++ })
		return nil, nil
	}
	if r.opts.Only == nil && r.plan == nil && forPerson(known, d, r.flow.Revision) {
		r.count(func(c *store.Counts) {
			c.Read++
			if known.Status == store.RecordHeld {
				c.Held++
			} else {
				c.Failed++
			}
		})
		return nil, nil
	}
	switch d.Verdict {
	case decide.Act:
		if d.Found != "" { // recognised, and not linked by us: it may be another record's
			other, err := linkedTo(ctx, r.Store, r.flow, d.Found, key)
			if err != nil {
				return nil, err
			}
			if other != "" {
				r.count(func(c *store.Counts) { c.Read++; c.Held++ })
				return nil, r.wait(ctx, known, key, taken(r.flow, d, other), store.RecordHeld)
			}
		}
		if why := r.toWait(d); why != "" {
			r.count(func(c *store.Counts) { c.Read++; c.Held++ })
			return nil, r.remember(ctx, r.waiting(key, d, why))
		}
		return r.perform(ctx, key, rec, d, tries)
	case decide.Adopt, decide.Remember:
		other, err := linkedTo(ctx, r.Store, r.flow, d.Found, key)
		if err != nil {
			return nil, err
		}
		if other != "" && d.Verdict == decide.Adopt {
			d = taken(r.flow, d, other)
			r.count(func(c *store.Counts) { c.Read++; c.Held++ })
			return nil, r.wait(ctx, known, key, d, store.RecordHeld)
		}
		ch := r.forget(known, key)
		link := r.link(r.mainNeed(key), r.flow.Decider.Words().Kind, r.flow.Decider.Target(), d.Found, d, d.Sent)
		link.Verified, link.Observed = d.Verified, d.Observed
		ch.Links = []store.Link{link}
		if d.Verdict == decide.Adopt { // to remember more of what agrees already is not an attempt
			ch.Log = []store.LogLine{r.line(key, "link", "linked", d.Found, "", d.Reason)}
		}
		r.note(&ch, 0)
		if err := r.Store.Commit(ctx, ch); err != nil {
			return nil, fmt.Errorf("link record %s: %w", key, err)
		}
		failpoint.Hit("record-durable")
		r.know.linked(r.mainNeed(key), decide.Link{Key: d.Found, Sent: d.Sent, Observed: d.Observed, Source: d.Source, Verified: d.Verified})
		r.stands(key)
	case decide.Unchanged:
		r.stands(key)
		return nil, r.finished(ctx, known, key)
	case decide.Skip:
		r.count(func(c *store.Counts) { c.Read++; c.Skipped++ })
		return nil, r.finished(ctx, known, key)
	case decide.Watch:
		if len(r.flow.Decider.Triggers()) > 0 {
			r.watched[key] = true
		}
		r.count(func(c *store.Counts) { c.Read++; c.Skipped++ })
		return nil, r.wait(ctx, known, key, d, store.RecordWatched)
	case decide.Hold:
		r.count(func(c *store.Counts) { c.Read++; c.Held++ })
		return nil, r.wait(ctx, known, key, d, store.RecordHeld)
	}
	return nil, nil
}

// stands counts a record that is there already.
func (r *run) stands(key string) {
	r.count(func(c *store.Counts) {
		c.Read++
		if r.adopted[key] { // found to have been made by a request whose answer was lost
			c.Created++
		} else {
			c.Unchanged++
		}
	})
}

// leftOut tells whether a person decided that a record is not to be carried over, and it has not changed since.
func leftOut(known *store.Record, d decide.Decision) bool {
	return known != nil && known.Status == store.RecordSkipped && known.Source != (record.Fingerprint{}) && known.Source == d.Source
}

// forPerson tells whether a record that was read again is held or failed and is as it was, under the same configuration: carrying it
// over after all is for a person to ask (retry), however often the look-back reads it. What failed for a passing reason is
// taken up again by itself.
func forPerson(known *store.Record, d decide.Decision, revision int64) bool {
	return known != nil && (known.Status == store.RecordFailed || known.Status == store.RecordHeld) && (d.Verdict == decide.Act || d.Verdict == decide.Adopt) &&
		known.Cause != string(connector.CauseUnavailable) && known.Cause != string(connector.CauseRateLimited) &&
		known.Source != (record.Fingerprint{}) && known.Source == d.Source && known.Revision == revision
}

// linkedTo returns the source record that a destination record was made from, "" when that is the one at hand or none.
func linkedTo(ctx context.Context, s store.Store, f *Flow, dest, key string) (string, error) {
	object := f.Decider.Target()
	links, err := s.Links(ctx, []store.End{{Connection: f.Destination.Name, Object: object, Key: dest}}, f.Source.Name)
	if err != nil {
		return "", fmt.Errorf("read links: %w", err)
	}
	for _, l := range links {
		from := l.A
		if from.Connection == f.Destination.Name && from.Object == object && from.Key == dest {
			from = l.B
		}
		if l.ID != 0 && from.Key != key {
			return from.Key, nil
		}
	}
	return "", nil
}

// taken holds a record whose counterpart is another record's.
func taken(f *Flow, d decide.Decision, other string) decide.Decision {
	w := f.Decider.Words()
	d.Verdict, d.Cause, d.Reason, d.Remedy = decide.Hold, "conflict", fmt.Sprintf(w.Taken, d.Found, other), w.TakenRemedy
	d.Actions = nil
	return d
}

func (r *run) mainNeed(key string) decide.LinkNeed {
	return decide.LinkNeed{Object: r.flow.Decider.Object(), Key: key}
}

// forget is a change that ends the remembrance of a record, if there is any.
func (r *run) forget(known *store.Record, key string) store.Change {
	ch := store.Change{Lease: r.held()}
	if known != nil {
		ch.Forget = []store.Record{{Flow: r.flow.Name, Key: key}}
	}
	return ch
}

func (r *run) finished(ctx context.Context, known *store.Record, key string) error {
	if known == nil {
		return nil
	}
	if err := r.Store.Commit(ctx, r.forget(known, key)); err != nil {
		return fmt.Errorf("forget record %s: %w", key, err)
	}
	failpoint.Hit("record-durable")
	return nil
}

// wait remembers why a record is not carried over, unless just that is remembered already and nobody asked again.
func (r *run) wait(ctx context.Context, known *store.Record, key string, d decide.Decision, status store.RecordStatus) error {
	rec := store.Record{Flow: r.flow.Name, Key: key, Status: status, Cause: d.Cause, Reason: d.Reason, Remedy: d.Remedy,
		Updated: r.Clock.Now(), Label: d.Label, Date: d.Date}
	if status == store.RecordHeld {
		rec.Source, rec.Revision = d.Source, r.flow.Revision
	}
	if known != nil && known.Status == status && known.Cause == d.Cause && known.Reason == d.Reason && known.Source == rec.Source &&
		known.Revision == rec.Revision && r.opts.Only == nil {
		return nil
	}
	return r.remember(ctx, rec)
}

// perform carries the graph of actions out, one intent per effect. A run that is stopped lets the record at hand come to its end for a while:
// an answer that is waited for spares looking up what became of it.
func (r *run) perform(run context.Context, key string, rec record.Record, d decide.Decision, tries int) (*written, error) {
	ctx, done := finishing(run)
	defer done()
	results := map[string]string{}
	var last *written
	updated, unchanged := false, false
	for n, a := range d.Actions {
		final := n == len(d.Actions)-1
		resolve(&a, results)
		if a.Action == connector.Update && len(a.Changes) == 0 {
			// Nothing to write: the match itself is remembered.
			results[a.Step] = a.Key
			if err := r.Store.Commit(ctx, store.Change{Lease: r.held(), Links: []store.Link{r.link(a.Link, a.Kind, a.Object, a.Key, d, a.Sent)}}); err != nil {
				return nil, fmt.Errorf("link record %s: %w", key, err)
			}
			r.know.linked(a.Link, decide.Link{Key: a.Key, Sent: a.Sent})
			continue
		}
		res, intent, err := r.effect(ctx, run, key, d, a)
		var busy *store.BusyError
		switch {
		case errors.As(err, &busy) && busy.Intent.State == store.IntentGivenUp:
			return nil, r.reopen(ctx, key, d, a, busy.Intent, tries)
		case errors.As(err, &busy):
			return nil, r.postpone(ctx, key, d, r.landed(busy.Intent).Add(lookGap), tries, "another record is just creating the same "+busy.Intent.Object)
		case err != nil:
			return nil, err
		}
		took := r.Clock.Now()
		line := r.line(key, a.Step, outcomeWord(res.Outcome), "", "", "")
		line.Object, line.Action, line.Millis = a.Object, actionWord(a.Action), took.Sub(intent.Opened).Milliseconds()
		switch res.Outcome {
		case connector.OutcomeRefused:
			if run.Err() != nil && passing(res.Err) {
				return nil, r.undone(ctx, run, a, intent, res, line)
			}
			return nil, r.refused(ctx, key, d, a, intent, res, line, results)
		case connector.OutcomeUnknown:
			return nil, r.unknown(ctx, key, d, a, intent, res, line, tries)
		}
		r.lost, r.down = 0, 0
		dest, err := r.resultKey(ctx, a, res)
		if err != nil {
			return nil, err
		}
		results[a.Step] = dest
		r.made[dest] = "new"
		line.Result = dest
		ch := store.Change{Lease: r.held(), Log: []store.LogLine{line},
			Settle: []store.Settlement{{ID: intent.ID, State: store.IntentDone, ResultKey: dest}}}
		if a.Link.Object != "" {
			sent := a.Sent
			link := r.link(a.Link, a.Kind, a.Object, dest, d, sent)
			link.Observed = merged(decide.Unseen(a), a.Seen)
			if final {
				link.Verified = decide.VerifiedNotYet
			}
			ch.Links = []store.Link{link}
			if final {
				last = &written{key: key, source: rec, action: a, link: link, label: d.Label, date: d.Date}
			}
		}
		if final {
			ch.Forget = []store.Record{{Flow: r.flow.Name, Key: key}}
		}
		r.note(&ch, 0, r.sent(a, res)...)
		if err := r.keep(ctx, ch); err != nil {
			return nil, fmt.Errorf("record %s: %s was written as %s, but that could not be remembered: %w", key, a.Object, dest, err)
		}
		failpoint.Hit("answer-durable")
		if a.Link.Object != "" {
			r.know.linked(a.Link, decide.Link{Key: dest, Sent: a.Sent, Source: d.Source})
		}
		r.know.written(a, dest)
		updated = updated || a.Action == connector.Update && final
		unchanged = final && res.Outcome == connector.OutcomeUnchanged
	}
	r.count(func(c *store.Counts) {
		c.Read++
		switch {
		case unchanged:
			c.Unchanged++
		case updated:
			c.Updated++
		default:
			c.Created++
		}
	})
	return last, nil
}

// finishing is a context that ends with another one, but finishTime later where that was ended by whoever wants the run to stop.
func finishing(run context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(context.WithoutCancel(run))
	ended := make(chan struct{})
	unhook := context.AfterFunc(run, func() {
		defer close(ended)
		if errors.Is(context.Cause(run), context.Canceled) { // and not because the lease is lost
			select {
			case <-ctx.Done():
			case <-time.After(finishTime):
			}
		}
		cancel()
	})
	return ctx, func() {
		cancel()
		if !unhook() {
			<-ended
		}
	}
}

// keep remembers what became of the effect under way, whose line is the change's first, also when the run is being stopped: what is known now need not be looked up later.
func (r *run) keep(ctx context.Context, ch store.Change) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), keepTime)
	defer cancel()
	if err := r.Store.Commit(ctx, ch); err != nil {
		return err
	}
	r.trail.effect.kept(ch.Log[0])
	return nil
}

// reopen takes a record up whose outcome a person had to decide. Only when the destination can now tell that nothing is there may it
// be sent again; while it cannot tell, the record stays held.
func (r *run) reopen(ctx context.Context, key string, d decide.Decision, a decide.Action, i store.Intent, tries int) error {
	ans := r.know.facts.Answers[a.Lookup.ID()]
	if i.Key != key || ans.Status != connector.AbsentEverywhere || tries > 0 {
		d.Cause, d.Reason, d.Remedy = string(connector.CauseUnknownOutcome), "whether it was written is not known, and the destination cannot tell",
			"look for "+i.Reference+" in the destination, then say with `pomost decide` whether it is there (--sent KEY) or not (--absent): it is never sent again by itself"
		r.count(func(c *store.Counts) { c.Read++; c.Held++ })
		return r.wait(ctx, nil, key, d, store.RecordHeld)
	}
	if err := r.close(ctx, i, store.Settlement{ID: i.ID, State: store.IntentAbsent}, nil, nil); err != nil {
		return err
	}
	return r.postpone(ctx, key, d, r.Clock.Now(), tries, "nothing was found of it in the destination")
}

// postpone lets a record wait for another one's outcome.
func (r *run) postpone(ctx context.Context, key string, d decide.Decision, at time.Time, tries int, why string) error {
	if err := r.remember(ctx, r.waiting(key, d, why)); err != nil {
		return err
	}
	r.again(key, at, tries)
	return nil
}

func (r *run) waiting(key string, d decide.Decision, why string) store.Record {
	return store.Record{Flow: r.flow.Name, Key: key, Status: store.RecordPending, Cause: string(connector.CauseUnknownOutcome), Reason: why,
		Remedy: "none: it is looked up after the settle time", Updated: r.Clock.Now(), Label: d.Label, Date: d.Date}
}

// again queues a record for this run, unless it had its tries: then it stays remembered for the next one.
func (r *run) again(key string, at time.Time, tries int) {
	if tries >= maxDeferrals || !r.enqueue(key, at, tries+1) {
		r.count(func(c *store.Counts) { c.Read++; c.Held++ })
		return
	}
	r.done[key] = true
}

// link makes the link of a source record with its counterpart.
func (r *run) link(n decide.LinkNeed, kind, object, dest string, d decide.Decision, sent map[string]string) store.Link {
	now := r.Clock.Now()
	return store.Link{A: store.End{Connection: r.flow.Source.Name, Object: n.Object, Key: n.Key},
		B: store.End{Connection: r.flow.Destination.Name, Object: object, Key: dest}, Kind: kind, Source: d.Source, Sent: sent, Created: now, Updated: now}
}

func (r *run) line(key, step, outcome, result, cause, message string) store.LogLine {
	return store.LogLine{Time: r.Clock.Now(), Flow: r.flow.Name, Run: r.rec.ID, Key: key, Step: step, Outcome: outcome, Result: result, Cause: cause, Message: message}
}
