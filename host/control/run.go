package control

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/pomost/pomost/host/engine"
	"github.com/pomost/pomost/host/home"
	"github.com/pomost/pomost/host/store"
)

func (s *Service) engine(st *home.State) *engine.Engine {
	return &engine.Engine{Store: st.Store, Clock: s.opts.Clock, Holder: holder(), HashKey: st.Vault.HashKey, Progress: s.opts.Progress, NewID: newID}
}

// within opens state and plugins for work on flows.
func (s *Service) within(ctx context.Context, f func(*home.State, *workshop) error) error {
	// A home without a configuration has nothing to run, and looking at it must not make it.
	if err := s.reading(ctx, func(*home.State) error { return nil }); store.CodeOf(err) == store.CodeNotApplied {
		return err
	}
	return s.writing(ctx, func(st *home.State) error {
		return s.plugins(func(m Plugins) error {
			w, err := s.workshop(ctx, st, m)
			if err != nil {
				return err
			}
			defer w.close()
			return f(st, w)
		})
	})
}

// Run runs flows once, one after the other, and returns what each did; the result is whole even when it fails. One flow's
// failure does not keep the next from running.
func (s *Service) Run(ctx context.Context, flows []string) RunResult {
	return s.run(ctx, func(st *home.State, w *workshop) []job {
		var jobs []job
		for _, f := range flows {
			jobs = append(jobs, job{flow: f, opts: engine.RunOptions{Trigger: "command"}})
		}
		return jobs
	})
}

// RunPlan performs exactly a plan: each record that is no longer as planned is refused.
func (s *Service) RunPlan(ctx context.Context, id string) RunResult {
	var failed error
	res := s.run(ctx, func(st *home.State, w *workshop) []job {
		p, err := st.Store.Plan(ctx, id)
		if err != nil {
			failed = err
			if errors.Is(err, store.ErrNotFound) {
				failed = usage("there is no plan %s", "make one with `pomost plan FLOW`", id)
			}
			return nil
		}
		if p.Revision != w.revision {
			failed = usage("plan %s was made for revision %d of the configuration, now it is %d", "make a new plan", id, p.Revision, w.revision)
			return nil
		}
		return []job{{flow: p.Flow, opts: engine.RunOptions{Trigger: "plan", Plan: &p}}}
	})
	if failed != nil && res.Error == nil {
		res.Error = AsFailure(failed)
	}
	return res
}

// RetryRequest selects remembered records; empty fields match all.
type RetryRequest struct {
	Flows, Keys []string
	Cause       string
}

// Retry takes held and failed records up again, read afresh.
func (s *Service) Retry(ctx context.Context, req RetryRequest) RunResult {
	var failed error
	res := s.run(ctx, func(st *home.State, w *workshop) []job {
		flows := req.Flows
		if len(flows) == 0 {
			flows = sortedKeys(w.config.Flows)
		}
		var jobs []job
		missing := map[string]bool{}
		for _, k := range req.Keys {
			missing[k] = true
		}
		for _, f := range flows {
			recs, err := st.Store.Records(ctx, store.RecordFilter{Flow: f, Cause: req.Cause,
				Statuses: []store.RecordStatus{store.RecordHeld, store.RecordFailed, store.RecordPending}})
			if err != nil {
				failed = err
				return nil
			}
			keys := []string{}
			for _, r := range chosen(recs, req.Keys) {
				keys = append(keys, r.Key)
				delete(missing, r.Key)
				delete(missing, r.Label)
			}
			if len(keys) > 0 || len(req.Keys) == 0 {
				jobs = append(jobs, job{flow: f, opts: engine.RunOptions{Trigger: "retry", Only: keys}})
			}
		}
		for _, k := range req.Keys {
			if missing[k] {
				failed = usage("no record %s is held or failed", "`pomost records` shows those that are", k)
				return nil
			}
		}
		return jobs
	})
	if failed != nil && res.Error == nil {
		res.Error = AsFailure(failed)
	}
	return res
}

// chosen are the records whose key or label (the number that people know) is among the given ones; all where none is given.
func chosen(recs []store.Record, names []string) []store.Record {
	if len(names) == 0 {
		return recs
	}
	var out []store.Record
	for _, r := range recs {
		if slices.Contains(names, r.Key) || r.Label != "" && slices.Contains(names, r.Label) {
			out = append(out, r)
		}
	}
	return out
}

type job struct {
	flow string
	opts engine.RunOptions
}

func (s *Service) run(ctx context.Context, jobs func(*home.State, *workshop) []job) RunResult {
	res := RunResult{Flows: []FlowResult{}}
	err := s.within(ctx, func(st *home.State, w *workshop) error {
		e := s.engine(st)
		for _, j := range jobs(st, w) {
			res.add(s.runOne(ctx, e, w, j))
			if ctx.Err() != nil {
				break
			}
		}
		return nil //nolint:nilerr // a run that was stopped has told so
	})
	if err != nil && res.Error == nil {
		res.Error = AsFailure(err)
	}
	return res
}

// add takes a flow's result in, and keeps the error that decides the exit code.
func (r *RunResult) add(f FlowResult, err error) {
	r.Flows = append(r.Flows, f)
	if err != nil && (r.Error == nil || worse(r.Error.Exit(), AsFailure(err).Exit()) != r.Error.Exit()) {
		r.Error = AsFailure(err)
	}
}

func (s *Service) runOne(ctx context.Context, e *engine.Engine, w *workshop, j job) (FlowResult, error) {
	stopped := &Failure{Cause: "stopped", Message: "flow " + j.flow + " was stopped", Remedy: "nothing is lost: the next run goes on", exit: ExitFailed}
	f, err := w.flow(ctx, j.flow)
	switch {
	case err != nil && ctx.Err() != nil: // whatever was being asked is not at fault
		return FlowResult{Name: j.flow, Status: "stopped"}, stopped
	case err != nil:
		return FlowResult{Name: j.flow, Status: "failed"}, err
	}
	r, err := e.Run(ctx, f, j.opts)
	out := FlowResult{Name: j.flow, Run: r.ID, Status: r.Status, Counts: r.Counts, Seconds: r.Ended.Sub(r.Started).Seconds()}
	if err != nil && r.Status == "stopped" {
		stopped.err = err
		err = stopped
	}
	return out, err
}

// Plan decides what a run of a flow would do and keeps it under an ID.
func (s *Service) Plan(ctx context.Context, name string) (PlanResult, error) {
	res := PlanResult{Flow: name, Actions: []engine.Planned{}}
	err := s.within(ctx, func(st *home.State, w *workshop) error {
		f, err := w.flow(ctx, name)
		if err != nil {
			return err
		}
		p, err := s.engine(st).PlanFlow(ctx, f, func(a engine.Planned) error {
			res.Actions = append(res.Actions, a)
			return nil
		})
		res.ID = p.ID
		return err
	})
	return res, err
}

// RecordsRequest selects remembered records; empty fields match all but the watch list, which is shown when asked for.
type RecordsRequest struct {
	Flow, Status string
	Keys         []string
	Cause        string
}

// Records returns the inbox: what is held, failed, or waits for an outcome; and what is watched, when asked for.
func (s *Service) Records(ctx context.Context, req RecordsRequest) (RecordsResult, error) {
	res := RecordsResult{Records: []RecordInfo{}}
	f := store.RecordFilter{Flow: req.Flow, Cause: req.Cause, Statuses: []store.RecordStatus{store.RecordHeld, store.RecordFailed, store.RecordPending}}
	if req.Status != "" {
		f.Statuses = []store.RecordStatus{store.RecordStatus(req.Status)}
		if req.Status == "held" { // an outcome that is still open is held for the person who looks
			f.Statuses = append(f.Statuses, store.RecordPending)
		}
	}
	err := s.reading(ctx, func(st *home.State) error {
		recs, err := st.Store.Records(ctx, f)
		for _, r := range chosen(recs, req.Keys) {
			status := string(r.Status)
			if r.Status == store.RecordPending {
				status = string(store.RecordHeld)
			}
			res.Records = append(res.Records, RecordInfo{Flow: r.Flow, Key: r.Key, Status: status, Cause: r.Cause, Reason: r.Reason, Remedy: r.Remedy,
				Attempts: r.Attempts, Since: r.Since, Label: r.Label})
		}
		return err
	})
	return res, err
}

// Logs returns log lines that match, oldest first; the last one's ID goes into the filter's After to go on.
func (s *Service) Logs(ctx context.Context, f store.LogFilter) (lines []store.LogLine, err error) {
	err = s.reading(ctx, func(st *home.State) error {
		lines, err = st.Store.Log(ctx, f)
		if err != nil {
			return fmt.Errorf("read the log: %w", err)
		}
		return nil
	})
	return lines, err
}
