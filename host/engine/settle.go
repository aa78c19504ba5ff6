package engine

import (
	"context"
	"fmt"
	"slices"

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
		if ds[0].Verdict != decide.Act || slices.ContainsFunc(ds[0].Actions, func(a decide.Action) bool { return a.Step == i.Step && a.Action == connector.Create }) {
			state = store.IntentAbsent
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
				"look for "+i.Reference+" in the destination, and enter it by hand if it is not there: it is never sent again by itself")
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
	return false, r.close(ctx, i, store.Settlement{ID: i.ID, State: store.IntentAdopted, ResultKey: key}, &link, nil)
}

func (r *run) giveUp(ctx context.Context, i store.Intent, reason, remedy string) error {
	r.count(func(c *store.Counts) { c.Read++; c.Held++ })
	return r.close(ctx, i, store.Settlement{ID: i.ID, State: store.IntentGivenUp, Cause: string(connector.CauseUnknownOutcome)}, nil,
		&store.Record{Flow: r.flow.Name, Key: i.Key, Status: store.RecordHeld, Cause: string(connector.CauseUnknownOutcome), Reason: reason, Remedy: remedy,
			Updated: r.Clock.Now(), Label: i.Reference})
}

func (r *run) close(ctx context.Context, i store.Intent, s store.Settlement, link *store.Link, rec *store.Record) error {
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
		r.know.drop(w.action.Lookup)
		lookups = append(lookups, w.action.Lookup)
	}
	if err := r.know.find(ctx, lookups); err != nil {
		return err
	}
	ch := store.Change{Lease: r.held()}
	for _, w := range booked {
		state, diff := r.compare(w)
		link := w.link
		link.Verified, link.Updated = state, r.Clock.Now()
		ch.Links = append(ch.Links, link)
		line := r.line(w.key, w.action.Step, state, link.B.Key, "", diff)
		if state == decide.VerifiedDiffers {
			line.Cause = "amounts_differ"
			ch.Records = append(ch.Records, store.Record{Flow: r.flow.Name, Key: w.key, Status: store.RecordHeld, Cause: "amounts_differ",
				Reason: "it was written as " + link.B.Key + ", but " + diff, Remedy: "correct " + link.B.Key + " in the destination, then retry", Updated: r.Clock.Now(), Label: w.label, Date: w.date})
			r.count(func(c *store.Counts) { c.Created--; c.Held++ })
		}
		ch.Log = append(ch.Log, line)
	}
	if err := r.Store.Commit(ctx, ch); err != nil {
		return fmt.Errorf("remember what was booked: %w", err)
	}
	failpoint.Hit("verify-durable")
	return nil
}

func (r *run) compare(w written) (state, diff string) {
	ans := r.know.facts.Answers[w.action.Lookup.ID()]
	if ans.Status == connector.CannotTell {
		return decide.VerifiedUnverifiable, ans.Reason
	}
	for _, rec := range ans.Records {
		key, facts := r.flow.Decider.Found(w.action.Step, rec)
		if key == w.link.B.Key {
			if diff = decide.Compare(w.action.Expect, facts); diff != "" {
				return decide.VerifiedDiffers, diff
			}
			return decide.Verified, ""
		}
	}
	return decide.VerifiedDiffers, "it cannot be found there by its reference"
}
