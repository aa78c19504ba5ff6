package engine

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/pomost/pomost/host/activity"
	"github.com/pomost/pomost/host/engine/decide"
	"github.com/pomost/pomost/host/engine/failpoint"
	"github.com/pomost/pomost/host/store"
	"github.com/pomost/pomost/sdk/connector"
	"github.com/pomost/pomost/sdk/record"
)

// resume takes a record up again after the settle time: first what became of its open effects is found out, by looking twice,
// then it is decided afresh.
func (r *run) resume(ctx context.Context, d deferred) error {
	failpoint.Hit("settle-before")
	r.trail.next()
	intents, err := r.Store.Intents(ctx, r.flow.Name)
	if err != nil {
		return fmt.Errorf("read intents: %w", err)
	}
	var minor []store.Intent
	for _, i := range intents {
		if i.Key != d.key || i.State == store.IntentGivenUp {
			continue
		}
		if at := r.landed(i); at.After(r.Clock.Now()) {
			r.enqueue(d.key, at, d.tries)
			return nil
		}
		look, main := r.flow.Decider.Again(i)
		if !main {
			minor = append(minor, i)
			continue
		}
		ended, err := r.settle(ctx, i, look)
		if err != nil || ended {
			return err
		}
	}
	r.know.forget()
	recs, err := r.reread(ctx, []string{d.key})
	if err != nil || len(recs) == 0 {
		return err
	}
	if err := r.settleMinor(ctx, recs[0], minor); err != nil {
		return err
	}
	known, err := r.remembered(ctx, recs)
	if err != nil {
		return err
	}
	w, err := r.one(ctx, recs[0], known[d.key], d.tries)
	if err != nil || w == nil {
		return err
	}
	return r.verify(ctx, []written{*w})
}

// settleMinor ends the intents of a record's lesser effects (its debtor, its address). Whatever makes one of these looks it up afresh by
// its identity first, and after the settle time nothing of the old request can land any more: so the decision itself is the
// look-up, made twice. The second time is the one that is carried out.
func (r *run) settleMinor(ctx context.Context, rec record.Record, intents []store.Intent) error {
	if len(intents) == 0 {
		return nil
	}
	ds, err := r.know.decide(ctx, []record.Record{rec})
	if err != nil {
		return err
	}
	if err := r.Clock.Sleep(ctx, lookGap); err != nil {
		return err
	}
	r.know.forget()
	for _, i := range intents {
		state := store.IntentAdopted
		// A record whose own main effect is there needs no action, or other ones.
		there := i.Step == r.flow.Decider.Words().Kind && slices.Contains([]decide.Verdict{decide.Adopt, decide.Remember, decide.Unchanged}, ds[0].Verdict)
		if ds[0].Verdict != decide.Act && !there || slices.ContainsFunc(ds[0].Actions, func(a decide.Action) bool { return a.Step == i.Step && a.Action == connector.Create }) {
			state = store.IntentAbsent
		}
		if state == store.IntentAdopted && i.Step == r.flow.Decider.Words().Kind && i.Action == actionWord(connector.Create) {
			r.adopted[i.Key] = true
		}
		if state == store.IntentAdopted { // a plan could only call it new
			if n := slices.IndexFunc(ds[0].Relied, func(on decide.Relied) bool { return on.Step == i.Step }); n >= 0 {
				r.made[ds[0].Relied[n].Key] = "new"
			}
		}
		if err := r.close(ctx, i, store.Settlement{ID: i.ID, State: state}, nil, nil); err != nil {
			return err
		}
	}
	return nil
}

// settle finds out what became of a document without an answer. ended means that the record must wait for a person.
func (r *run) settle(ctx context.Context, i store.Intent, look decide.Lookup) (ended bool, err error) {
	for range 2 { // Promise 1: looked up twice, in all scopes
		r.know.drop(look)
		if err := r.know.find(ctx, []decide.Lookup{look}); err != nil {
			return false, err
		}
		ans := r.know.facts.Answers[look.ID()]
		switch {
		case ans.Status == connector.CannotTell:
			return true, r.giveUp(ctx, i, "its outcome is unknown and the destination's orders cannot be read back: "+ans.Reason,
				"look for "+i.Reference+" in the destination, then say with `pomost decide` whether it is there (--sent KEY) or not (--absent): it is never sent again by itself")
		case len(ans.Records) > 1:
			return true, r.giveUp(ctx, i, "several orders have its reference "+i.Reference, "delete the superfluous ones in the destination, then retry")
		case len(ans.Records) == 1:
			return r.adopt(ctx, i, ans.Records[0])
		}
		if err := r.Clock.Sleep(ctx, lookGap); err != nil {
			return false, err
		}
	}
	return false, r.close(ctx, i, store.Settlement{ID: i.ID, State: store.IntentAbsent}, nil, nil)
}

// adopt takes what was found for ours only when debtor, date and rows agree.
func (r *run) adopt(ctx context.Context, i store.Intent, rec record.Record) (ended bool, err error) {
	key, facts := r.flow.Decider.Found(i.Step, rec)
	if diff := decide.Compare(i.Expect, facts); diff != "" {
		return true, r.giveUp(ctx, i, "an order with its reference exists as "+key+", but "+diff, "compare "+key+" with the source and correct it by hand: it is never sent again by itself")
	}
	r.made[key], r.adopted[i.Key] = "new", true
	link := store.Link{A: store.End{Connection: r.flow.Source.Name, Object: r.flow.Decider.Object(), Key: i.Key},
		B: store.End{Connection: r.flow.Destination.Name, Object: i.Object, Key: key}, Kind: i.Step, Source: i.Source, Verified: decide.Verified,
		Created: r.Clock.Now(), Updated: r.Clock.Now()}
	return false, r.close(ctx, i, store.Settlement{ID: i.ID, State: store.IntentAdopted, ResultKey: key}, &link, nil, activity.RecordPayload(activity.KindAnswer, i.Object, rec))
}

func (r *run) giveUp(ctx context.Context, i store.Intent, reason, remedy string) error {
	r.count(func(c *store.Counts) { c.Read++; c.Held++ })
	return r.close(ctx, i, store.Settlement{ID: i.ID, State: store.IntentGivenUp, Cause: string(connector.CauseUnknownOutcome)}, nil,
		&store.Record{Flow: r.flow.Name, Key: i.Key, Status: store.RecordHeld, Cause: string(connector.CauseUnknownOutcome), Reason: reason, Remedy: remedy,
			Updated: r.Clock.Now(), Label: i.Reference})
}

func (r *run) close(ctx context.Context, i store.Intent, s store.Settlement, link *store.Link, rec *store.Record, found ...activity.Payload) error {
	line := r.line(i.Key, i.Step, string(s.State), s.ResultKey, s.Cause, "")
	line.Object = i.Object
	ch := store.Change{Lease: r.held(), Settle: []store.Settlement{s}}
	if link != nil {
		ch.Links = []store.Link{*link}
	}
	if rec != nil {
		ch.Records = []store.Record{*rec}
		line.Message = rec.Reason
	}
	ch.Log = []store.LogLine{line}
	r.note(&ch, 0, found...)
	if err := r.Store.Commit(ctx, ch); err != nil {
		return fmt.Errorf("record %s: remember what became of its %s: %w", i.Key, i.Object, err)
	}
	failpoint.Hit("settle-durable")
	return nil
}

// verify compares what was booked with what was sent, many at once.
func (r *run) verify(ctx context.Context, booked []written) error {
	if len(booked) == 0 || ctx.Err() != nil {
		return nil //nolint:nilerr // a stopped run compares nothing more; the next one does, since the link says so
	}
	failpoint.Hit("verify-before")
	var lookups []decide.Lookup
	for _, w := range booked {
		r.know.drop(w.readBack())
		lookups = append(lookups, w.readBack())
	}
	if err := r.know.find(ctx, lookups); err != nil {
		return err
	}
	ch := store.Change{Lease: r.held()}
	for _, w := range booked {
		state, diff, there := r.compare(w)
		link := w.link
		link.Verified, link.Updated = state, r.Clock.Now()
		var found []activity.Payload
		if there.Schema != nil {
			found = []activity.Payload{activity.RecordPayload(activity.KindAnswer, w.action.Object, there)}
			// Promise 5: what the system made of it (trimmed, cut, in capitals) is no news when it is read there.
			o := r.flow.Decider.Observed(w.source, there, w.action.Pending, r.know.facts.Calls)
			if len(o.Calls) > 0 {
				if err := r.know.call(ctx, o.Calls); err != nil {
					return err
				}
				o = r.flow.Decider.Observed(w.source, there, w.action.Pending, r.know.facts.Calls)
			}
			link.Sent, link.Observed = merged(link.Sent, o.Sent), o.Observed
		}
		ch.Links = append(ch.Links, link)
		line := r.line(w.key, w.action.Step, state, link.B.Key, "", diff)
		if state == decide.VerifiedDiffers {
			line.Cause = "amounts_differ"
			ch.Records = append(ch.Records, store.Record{Flow: r.flow.Name, Key: w.key, Status: store.RecordHeld, Cause: "amounts_differ",
				Reason: "it was written as " + link.B.Key + ", but " + diff, Remedy: "correct " + link.B.Key + " in the destination, then retry", Updated: r.Clock.Now(), Label: w.label, Date: w.date})
			r.count(func(c *store.Counts) {
				if w.action.Action == connector.Update {
					c.Updated--
				} else {
					c.Created--
				}
				c.Held++
			})
		}
		ch.Log = append(ch.Log, line)
		r.note(&ch, len(ch.Log)-1, found...)
	}
	if err := r.Store.Commit(ctx, ch); err != nil {
		return fmt.Errorf("remember what was booked: %w", err)
	}
	failpoint.Hit("verify-durable")
	return nil
}

// readBack is the look-up of what was written: by the key that was returned, where there is a field for it.
func (w written) readBack() decide.Lookup {
	l := w.action.Lookup
	if w.action.VerifyBy != "" {
		l.Fields = []decide.Field{{Name: w.action.VerifyBy, Value: w.link.B.Key}}
	}
	return l
}

// merged is a with what b says.
func merged(a, b map[string]string) map[string]string {
	out := make(map[string]string, len(a)+len(b))
	maps.Copy(out, a)
	maps.Copy(out, b)
	return out
}

// compare tells whether what was booked is what was sent, with what was found of it: a record without a schema where nothing was.
func (r *run) compare(w written) (state, diff string, there record.Record) {
	ans := r.know.facts.Answers[w.readBack().ID()]
	if ans.Status == connector.CannotTell {
		return decide.VerifiedUnverifiable, ans.Reason, there
	}
	for _, rec := range ans.Records {
		key, facts := r.flow.Decider.Found(w.action.Step, rec)
		if key != w.link.B.Key {
			continue
		}
		if diff = decide.Compare(w.action.Expect, facts); diff != "" {
			return decide.VerifiedDiffers, diff, rec
		}
		return decide.Verified, "", rec
	}
	return decide.VerifiedDiffers, "it cannot be found there by its reference", there
}
