package engine

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/pomost/pomost/host/store"
	"github.com/pomost/pomost/sdk/connector"
)

// obedient is a system whose connector ends a write as soon as its context does. With each write the run is stopped.
type obedient struct {
	*fake
	stop context.CancelFunc
	// first, when set, is what the connector says of the first write, which never left.
	first *connector.Error
}

func (o *obedient) Write(ctx context.Context, req connector.WriteRequest, yield func(connector.WriteResult) error) error {
	o.stop()
	if e := o.first; e != nil {
		o.first = nil
		return yield(connector.WriteResult{Outcome: connector.OutcomeRefused, Err: e})
	}
	select {
	case <-ctx.Done():
		return ctx.Err() // the answer is lost
	case <-time.After(30 * time.Millisecond):
	}
	return o.fake.Write(ctx, req, yield)
}

// stopped runs the flow with a system at which each write is the moment that somebody stops the run.
func (r *rig) stopped(first *connector.Error) (store.Run, error) {
	ctx, cancel := context.WithCancel(r.t.Context())
	defer cancel()
	r.f.Destination.Connection = &obedient{fake: r.far, stop: cancel, first: first}
	return r.e.Run(ctx, r.f, RunOptions{Trigger: "test"})
}

// TestStopWaitsForTheAnswer: a run that is stopped while a record is on its way gets the answer, remembers it, and sends no other.
func TestStopWaitsForTheAnswer(t *testing.T) {
	r := newRig(t, "a", "b", "c")
	for n, want := range []string{"a", "ab", "abc"} {
		run, err := r.stopped(nil)
		if n < 2 && (!errors.Is(err, context.Canceled) || run.Status != "stopped") {
			t.Errorf("run %d: %s, %v", n, run.Status, err)
		}
		if run.Counts.Created != 1 || len(r.intents()) != 0 || r.records() != "" {
			t.Errorf("run %d: %+v, intents %+v, records %s", n, run.Counts, r.intents(), r.records())
		}
		var got string
		for _, ref := range r.far.booked {
			got += ref
		}
		if got != want {
			t.Errorf("run %d: booked %s, want %s", n, got, want)
		}
	}
}

// TestStopBeforeSending: a record that was not sent because the run was stopped has not failed. The next run sends it.
func TestStopBeforeSending(t *testing.T) {
	for name, e := range map[string]*connector.Error{
		"the connector's own words": connector.AsError(context.Canceled),
		"too late":                  {Cause: connector.CauseUnavailable, Message: "Stopped before this record was sent.", Retryable: true},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, "a")
			run, err := r.stopped(e)
			if !errors.Is(err, context.Canceled) {
				t.Errorf("error %v", err)
			}
			r.want(run, "stopped", store.Counts{})
			if len(r.intents()) != 0 || r.records() != "" || r.cursor() != "" {
				t.Errorf("intents %+v, records %s, cursor %q", r.intents(), r.records(), r.cursor())
			}
			r.f.Destination.Connection = r.far
			if run, err = r.run(); err != nil {
				t.Fatal(err)
			}
			r.want(run, "done", store.Counts{Read: 1, Created: 1})
		})
	}
}

// TestFinishing: a lost lease leaves no time for anything.
func TestFinishing(t *testing.T) {
	lost := errors.New("the lease is lost")
	run, cancel := context.WithCancelCause(t.Context())
	ctx, done := finishing(run)
	defer done()
	cancel(lost)
	select {
	case <-ctx.Done():
	case <-time.After(finishTime / 2):
		t.Error("the work goes on without the lease")
	}
}
