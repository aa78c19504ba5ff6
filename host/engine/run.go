package engine

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/pomost/pomost/host/engine/decide"
	"github.com/pomost/pomost/host/engine/failpoint"
	"github.com/pomost/pomost/host/store"
	"github.com/pomost/pomost/sdk/connector"
	"github.com/pomost/pomost/sdk/record"
)

// RunOptions say what a run takes up.
type RunOptions struct {
	Trigger string
	// Only limits the run to these remembered records (retry); nil reads what is new.
	Only []string
	// Plan limits the run to a plan's records and refuses each that is no longer as planned.
	Plan *store.Plan
}

// run is one execution of a flow.
type run struct {
	*Engine
	flow  *Flow
	opts  RunOptions
	lease store.Lease
	rec   store.Run
	know  *knowledge
	// queue holds records to be taken up again once an outcome can be looked up.
	queue []deferred
	// done are the keys that this run took up by itself, so that reading them again does not count them twice.
	done    map[string]bool
	plan    map[string]store.PlanItem
	watched map[string]bool   // records that this run put on the watch list
	made    map[string]string // destination key → what a plan calls it, for what this run itself created
	adopted map[string]bool   // records whose lost effect was found in this run
	down    int               // writes in a row that found the destination unavailable
	lost    int               // writes in a row without an answer
	mu      sync.Mutex        // lease, which the heartbeat renews
	trail   *trail            // what the activity log keeps
	// crossing are the keys of destination records that the lane the other way was just carrying to the source when its run ended, behind
	// those that it has not carried over for another reason.
	crossing, behind map[string]bool
}

// deferred is a record that waits for an outcome.
type deferred struct {
	key   string
	at    time.Time
	tries int
}

// Run executes a flow once and returns when everything that can be done now is done. The run is returned with every error.
func (e *Engine) Run(ctx context.Context, f *Flow, opts RunOptions) (store.Run, error) {
	now := e.Clock.Now()
	r := &run{Engine: e, flow: f, opts: opts, know: newKnowledge(f, e.Store), trail: newTrail(), done: map[string]bool{}, watched: map[string]bool{}, made: map[string]string{}, adopted: map[string]bool{},
		rec: store.Run{ID: e.NewID(), Flow: f.Name, Trigger: opts.Trigger, Status: "running", Started: now}}
	// Promise 7: two runs of one flow never overlap.
	lease, err := e.Store.Acquire(ctx, f.Lease(), e.Holder, now, now.Add(leaseTerm))
	if err != nil {
		r.rec.Status, r.rec.Error, r.rec.Ended = "failed", err.Error(), now
		return r.rec, fmt.Errorf("flow %s: %w", f.Name, err)
	}
	r.lease = lease
	failpoint.Hit("run-leased")
	if err := e.Store.SaveRun(ctx, r.rec); err != nil {
		return r.rec, err
	}
	r.tell("", 0) // who watches knows which run it is, though nothing is read yet
	work, cancel := context.WithCancelCause(context.WithValue(ctx, exchangesKey{}, r.trail.failures))
	beat := make(chan struct{})
	go func() {
		defer close(beat)
		r.heartbeat(work, cancel)
	}()
	err = r.all(work)
	if cause := context.Cause(work); err != nil && cause != nil && !errors.Is(cause, context.Canceled) {
		err = cause
	}
	cancel(nil)
	<-beat
	failpoint.Hit("run-done-before")
	// The run is closed even when its context has ended.
	end, stop := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer stop()
	r.rec.Status, r.rec.Ended = "done", e.Clock.Now()
	if err != nil {
		r.rec.Status, r.rec.Error = "failed", err.Error()
		if ctx.Err() != nil {
			r.rec.Status = "stopped"
		}
	}
	line := store.LogLine{Time: r.rec.Ended, Flow: f.Name, Run: r.rec.ID, Outcome: "run " + r.rec.Status, Message: r.rec.Error,
		Millis: r.rec.Ended.Sub(r.rec.Started).Milliseconds()}
	var typed *Error
	if errors.As(err, &typed) {
		line.Cause = string(typed.Err.Cause)
	}
	ch := store.Change{Log: []store.LogLine{line}}
	r.note(&ch, 0, r.trail.failures.take()...)
	closing := errors.Join(e.Store.Commit(end, ch), e.Store.SaveRun(end, r.rec), e.Store.Release(end, r.held()))
	if store.CodeOf(err) == "" { // a state that failed is told of once
		err = errors.Join(err, closing)
	}
	return r.rec, err
}

// heartbeat renews the lease until the run is over; a lost lease stops the run.
func (r *run) heartbeat(ctx context.Context, cancel context.CancelCauseFunc) {
	for {
		if r.Clock.Sleep(ctx, leaseBeat) != nil {
			return
		}
		until := r.Clock.Now().Add(leaseTerm)
		if err := r.Store.Renew(ctx, r.held(), until); err != nil {
			if ctx.Err() == nil {
				cancel(fmt.Errorf("flow %s: renew the lease: %w", r.flow.Name, err))
			}
			return
		}
		r.mu.Lock()
		r.lease.Until = until
		r.mu.Unlock()
	}
}

func (r *run) held() store.Lease {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.lease
}

func (r *run) all(ctx context.Context) error {
	if r.flow.Prepare != nil {
		if err := r.flow.Prepare(ctx); err != nil {
			return err
		}
	}
	if r.opts.Plan != nil {
		r.plan = map[string]store.PlanItem{}
		for _, it := range r.opts.Plan.Items {
			if it.Action != "skip" {
				r.plan[it.Key] = it
			}
		}
	}
	pending, err := r.pending(ctx)
	if err != nil {
		return err
	}
	switch {
	case r.opts.Plan != nil:
		var keys []string
		for _, it := range r.opts.Plan.Items {
			queued := slices.ContainsFunc(r.queue, func(d deferred) bool { return d.key == it.Key })
			if _, planned := r.plan[it.Key]; planned && !queued {
				keys = append(keys, it.Key)
			}
		}
		if err = r.recallMade(ctx, r.opts.Plan.Created); err == nil {
			err = r.keys(ctx, keys)
		}
	case r.opts.Only != nil:
		err = r.keys(ctx, r.opts.Only)
	default:
		err = r.fresh(ctx, pending)
	}
	if err != nil {
		return err
	}
	return r.finishDeferred(ctx)
}

// pending queues the records whose effects have no known outcome: what a crash or a lost answer left behind. A plan's run takes up
// its own of them, a retry those that it is told to. It returns the keys that nothing else may take up.
func (r *run) pending(ctx context.Context) (map[string]bool, error) {
	intents, err := r.Store.Intents(ctx, r.flow.Name)
	if err != nil {
		return nil, fmt.Errorf("read intents: %w", err)
	}
	mine := func(key string) bool {
		_, planned := r.plan[key]
		return r.opts.Only == nil && (r.opts.Plan == nil || planned)
	}
	if err := r.crossings(ctx); err != nil {
		return nil, err
	}
	keys := map[string]bool{}
	for _, i := range intents {
		// One that was given up waits for a person, not for time.
		if mine(i.Key) && !keys[i.Key] && i.State != store.IntentGivenUp {
			r.enqueue(i.Key, r.landed(i), 0)
		}
		keys[i.Key] = true
	}
	// A record whose outcome was found out, but which was not taken up again before the end, waits without an intent.
	waiting, err := r.Store.Records(ctx, store.RecordFilter{Flow: r.flow.Name, Statuses: []store.RecordStatus{store.RecordPending}})
	if err != nil {
		return nil, fmt.Errorf("read waiting records: %w", err)
	}
	for _, w := range waiting {
		if mine(w.Key) && !keys[w.Key] {
			r.enqueue(w.Key, r.Clock.Now(), 0)
		}
		keys[w.Key] = true
	}
	return keys, nil
}

// crossings notes what the lane the other way has under way. The lanes of a flow never run at the same time, so that it stays so for this run.
func (r *run) crossings(ctx context.Context) error {
	r.crossing, r.behind = map[string]bool{}, map[string]bool{}
	if r.flow.Crosses == "" {
		return nil
	}
	intents, err := r.Store.Intents(ctx, r.flow.Crosses)
	if err != nil {
		return fmt.Errorf("read intents: %w", err)
	}
	for _, i := range intents {
		r.crossing[i.Key] = r.crossing[i.Key] || i.State != store.IntentGivenUp
	}
	if !r.flow.Second {
		return nil
	}
	records, err := r.Store.Records(ctx, store.RecordFilter{Flow: r.flow.Crosses, Statuses: []store.RecordStatus{store.RecordFailed, store.RecordHeld}})
	if err != nil {
		return fmt.Errorf("read remembered records: %w", err)
	}
	for _, rec := range records {
		r.behind[rec.Key] = true
	}
	return nil
}

// toWait tells why an update must wait for the lane the other way; "" when it need not.
func (r *run) toWait(d decide.Decision) string {
	switch dest := d.Actions[len(d.Actions)-1].Key; {
	case dest == "":
		return ""
	case r.crossing[dest]: // Promise 5: what the source has may be what that lane wrote there, as the system stored it. It finds out first.
		return "the other direction was just writing it, and its answer was lost"
	case d.Found != "" && r.behind[dest]: // at first contact the side that comes first has the word, also where it could not say it yet
		return "the other direction comes first, and has not carried over " + dest + " yet"
	}
	return ""
}

// landed is when a request of an intent can no longer land.
func (r *run) landed(i store.Intent) time.Time {
	if !i.Settled.IsZero() {
		return i.Settled
	}
	// Opened and never answered: a request of it may have started until NotAfter. One of an earlier run only until this one got
	// the lease: promise 7, whoever has that runs alone.
	start := i.NotAfter
	if i.Flow == r.flow.Name && i.Run != r.rec.ID && r.rec.Started.Before(start) {
		start = r.rec.Started
	}
	return start.Add(r.flow.Destination.Settle)
}

// enqueue queues a record, unless the queue is full: then it waits for the next run, remembered as it is.
func (r *run) enqueue(key string, at time.Time, tries int) bool {
	for _, d := range r.queue {
		if d.key == key {
			return true
		}
	}
	if len(r.queue) >= maxQueue {
		return false
	}
	r.queue = append(r.queue, deferred{key, at, tries})
	return true
}

// fresh takes up what failed for a passing reason, reads what changed, and looks at watched records again.
func (r *run) fresh(ctx context.Context, pending map[string]bool) error {
	failed, err := r.Store.Records(ctx, store.RecordFilter{Flow: r.flow.Name, Statuses: []store.RecordStatus{store.RecordFailed}})
	if err != nil {
		return fmt.Errorf("read failed records: %w", err)
	}
	var again []string
	for _, f := range failed {
		if f.Cause == string(connector.CauseUnavailable) || f.Cause == string(connector.CauseRateLimited) {
			again = append(again, f.Key)
		}
	}
	if err := r.keys(ctx, again); err != nil {
		return err
	}
	if err := r.read(ctx, pending); err != nil {
		return err
	}
	return r.triggers(ctx)
}

// cursor is where reading begins, nil for the beginning.
func (e *Engine) cursor(ctx context.Context, f *Flow) ([]byte, error) {
	if f.Scan {
		return nil, nil
	}
	cursor, err := e.Store.Cursor(ctx, f.Name, f.Decider.Object())
	if err != nil {
		return nil, fmt.Errorf("read the cursor: %w", err)
	}
	return cursor, nil
}

// read carries over what changed since the cursor.
func (r *run) read(ctx context.Context, pending map[string]bool) error {
	object := r.flow.Decider.Object()
	cursor, err := r.cursor(ctx, r.flow)
	if err != nil {
		return err
	}
	req := connector.ReadRequest{Object: object, Cursor: cursor, LookBack: r.flow.Source.LookBack, Where: r.flow.Decider.Where(), BatchSize: batchSize}
	err = r.flow.Source.Connection.Read(ctx, req, func(b connector.Batch) error {
		var recs []record.Record
		for _, rec := range b.Records {
			key := r.flow.Decider.Key(rec)
			if !r.done[key] && !pending[key] {
				recs = append(recs, rec)
			}
		}
		for len(recs) > 0 {
			part := recs[:min(batchSize, len(recs))]
			recs = recs[len(part):]
			if err := r.batch(ctx, part); err != nil {
				return err
			}
		}
		if b.Cursor == nil || r.flow.Scan {
			return nil
		}
		// Promise 2: every record up to here is done, held, watched, failed and remembered, or has a durable intent.
		if err := r.Store.Commit(ctx, store.Change{Lease: r.held(), Cursors: []store.Cursor{{Flow: r.flow.Name, Object: object, Value: b.Cursor}}}); err != nil {
			return fmt.Errorf("move the cursor: %w", err)
		}
		failpoint.Hit("cursor-durable")
		return nil
	})
	return on(r.flow.Name, r.flow.Source, err)
}

// triggers gives watched records another look when something beside them changed (an invoice was paid).
func (r *run) triggers(ctx context.Context) error {
	for _, t := range r.flow.Decider.Triggers() {
		cursor, err := r.Store.Cursor(ctx, r.flow.Name, t.Object)
		if err != nil {
			return fmt.Errorf("read the cursor: %w", err)
		}
		req := connector.ReadRequest{Object: t.Object, Cursor: cursor, LookBack: r.flow.Source.LookBack, BatchSize: batchSize}
		err = r.flow.Source.Connection.Read(ctx, req, func(b connector.Batch) error {
			var named []string
			for _, rec := range b.Records {
				if key := t.Key(rec); key != "" && !r.done[key] {
					named = append(named, key)
				}
			}
			if len(named) > 0 {
				watched, err := r.Store.Records(ctx, store.RecordFilter{Flow: r.flow.Name, Statuses: []store.RecordStatus{store.RecordWatched}, Keys: named})
				if err != nil {
					return fmt.Errorf("read the watch list: %w", err)
				}
				var keys []string
				for _, w := range watched {
					keys = append(keys, w.Key)
					if r.watched[w.Key] { // counted when it was read in this run; now it is counted by what becomes of it
						delete(r.watched, w.Key)
						r.count(func(c *store.Counts) { c.Read--; c.Skipped-- })
					}
				}
				if err := r.keys(ctx, keys); err != nil {
					return err
				}
			}
			if b.Cursor == nil {
				return nil
			}
			return r.Store.Commit(ctx, store.Change{Lease: r.held(), Cursors: []store.Cursor{{Flow: r.flow.Name, Object: t.Object, Value: b.Cursor}}})
		})
		if err := on(r.flow.Name, r.flow.Source, err); err != nil {
			return err
		}
	}
	return nil
}

// keys reads records afresh by their keys and carries them over. A record that the source no longer has stays remembered,
// with that as its reason.
func (r *run) keys(ctx context.Context, keys []string) error {
	for len(keys) > 0 {
		part := keys[:min(batchSize, len(keys))]
		keys = keys[len(part):]
		recs, err := r.reread(ctx, part)
		if err != nil {
			return err
		}
		if err := r.batch(ctx, recs); err != nil {
			return err
		}
	}
	return nil
}

// reread reads records afresh by their keys; what the source no longer has is remembered as failed.
func (r *run) reread(ctx context.Context, keys []string) ([]record.Record, error) {
	var lookups []decide.Lookup
	for _, k := range keys {
		l := r.flow.Decider.ByKey(k)
		r.know.drop(l)
		lookups = append(lookups, l)
	}
	if err := r.know.find(ctx, lookups); err != nil {
		return nil, err
	}
	var recs []record.Record
	for _, key := range keys {
		r.done[key] = true
		ans := r.know.facts.Answers[r.flow.Decider.ByKey(key).ID()]
		if ans.Status == connector.Found && len(ans.Records) > 0 {
			recs = append(recs, ans.Records[0])
			continue
		}
		r.count(func(c *store.Counts) { c.Read++; c.Failed++ })
		known, err := r.Store.Records(ctx, store.RecordFilter{Flow: r.flow.Name, Keys: []string{key}})
		if err != nil {
			return nil, fmt.Errorf("read remembered records: %w", err)
		}
		gone := store.Record{Flow: r.flow.Name, Key: key, Status: store.RecordFailed, Cause: string(connector.CauseInvalidValue),
			Reason: "it is no longer in the source", Remedy: "nothing, if it was deleted there on purpose", Updated: r.Clock.Now()}
		if ans.Status == connector.CannotTell {
			gone.Cause, gone.Reason, gone.Remedy = string(connector.CauseRights), "it cannot be read: "+ans.Reason, "give the connection the right to read it"
		}
		for _, k := range known { // what people call it is not to be had from the source any more
			gone.Label, gone.Date = k.Label, k.Date
		}
		if err := r.remember(ctx, gone); err != nil {
			return nil, err
		}
	}
	return recs, nil
}

// finishDeferred takes up records again whose outcome can now be looked up, until none is left or each had its tries.
func (r *run) finishDeferred(ctx context.Context) error {
	for len(r.queue) > 0 {
		best := 0
		for i, d := range r.queue {
			if d.at.Before(r.queue[best].at) {
				best = i
			}
		}
		d := r.queue[best]
		r.queue = append(r.queue[:best], r.queue[best+1:]...)
		if wait := d.at.Sub(r.Clock.Now()); wait > 0 {
			r.tell(fmt.Sprintf("record %s: waiting until its outcome can be looked up", d.key), wait)
			if err := r.Clock.Sleep(ctx, wait); err != nil {
				return err
			}
		}
		if err := r.resume(ctx, d); err != nil {
			return err
		}
	}
	return nil
}

func (r *run) count(f func(*store.Counts)) {
	f(&r.rec.Counts)
	r.tell("", 0)
}

func (r *run) tell(message string, wait time.Duration) {
	if r.Progress != nil {
		r.Progress(Event{Flow: r.flow.Name, Run: r.rec.ID, Counts: r.rec.Counts, Message: message, Wait: wait})
	}
}

// remember writes why a record waits, with a log line.
func (r *run) remember(ctx context.Context, rec store.Record) error {
	line := store.LogLine{Time: rec.Updated, Flow: r.flow.Name, Run: r.rec.ID, Key: rec.Key, Outcome: string(rec.Status), Cause: rec.Cause, Message: rec.Reason}
	ch := store.Change{Lease: r.held(), Records: []store.Record{rec}}
	if rec.Status != store.RecordWatched { // a filter's word is not an attempt
		ch.Log = []store.LogLine{line}
		r.note(&ch, 0)
	}
	if err := r.Store.Commit(ctx, ch); err != nil {
		return fmt.Errorf("remember record %s: %w", rec.Key, err)
	}
	failpoint.Hit("record-durable")
	return nil
}
