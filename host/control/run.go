package control

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"

	"github.com/pomost/pomost/host/activity"
	"github.com/pomost/pomost/host/engine"
	"github.com/pomost/pomost/host/flow"
	"github.com/pomost/pomost/host/home"
	"github.com/pomost/pomost/host/store"
	"github.com/pomost/pomost/sdk/connector"
)

func (s *Service) engine(st *home.State, w *work) *engine.Engine {
	return &engine.Engine{Store: st.Store, Clock: s.opts.Clock, Holder: holder(), HashKey: st.Vault.HashKey, Progress: s.works.engineEvent(w), NewID: newID,
		Recorder: activity.Log{Keys: st.Vault}}
}

// Run implements API: it runs flows once, one after the other. The result is whole even when it fails, and one flow's failure does not
// keep the next from running.
func (s *Service) Run(ctx context.Context, flows []string, progress func(Event)) RunResult {
	return s.run(ctx, progress, func(*home.State, *workshop) ([]job, error) {
		var jobs []job
		for _, f := range flows {
			jobs = append(jobs, job{flow: f, trigger: "command"})
		}
		return jobs, nil
	})
}

// RunPlan implements API: it performs exactly a plan; each record that is no longer as planned is refused.
func (s *Service) RunPlan(ctx context.Context, id string, progress func(Event)) RunResult {
	return s.run(ctx, progress, func(st *home.State, w *workshop) ([]job, error) {
		var jobs []job
		for part := range strings.SplitSeq(id, planSeparator) {
			p, err := st.Store.Plan(ctx, part)
			switch {
			case errors.Is(err, store.ErrNotFound):
				return nil, usage("there is no plan %s", "make one with `pomost plan FLOW`", id)
			case err != nil:
				return nil, err
			case p.Revision != w.revision:
				return nil, usage("plan %s was made for revision %d of the configuration, now it is %d", "make a new plan", id, p.Revision, w.revision)
			}
			jobs = append(jobs, job{flow: p.Flow, trigger: "plan", plan: &p})
		}
		return jobs, nil
	})
}

// planSeparator stands in the ID of a plan between those of its lanes' plans.
const planSeparator = "+"

// RetryRequest selects remembered records; empty fields match all.
type RetryRequest struct {
	Flows []string `json:"flows,omitempty"`
	Keys  []string `json:"keys,omitempty"`
	Cause string   `json:"cause,omitempty"`
}

// waiting are the statuses of records that wait for somebody.
var waiting = []store.RecordStatus{store.RecordHeld, store.RecordFailed, store.RecordPending}

// Retry implements API: it takes held and failed records up again, read afresh.
func (s *Service) Retry(ctx context.Context, req RetryRequest, progress func(Event)) RunResult {
	if err := knownCause(req.Cause); err != nil {
		return RunResult{Flows: []FlowResult{}, Error: err}
	}
	return s.run(ctx, progress, func(st *home.State, w *workshop) ([]job, error) {
		flows := req.Flows
		if len(flows) == 0 {
			flows = sortedKeys(w.config.Flows)
		}
		statuses := waiting
		if len(req.Keys) > 0 { // what was left out is taken up again when it is named
			statuses = append(slices.Clone(waiting), store.RecordSkipped)
		}
		recs, err := st.Store.Records(ctx, store.RecordFilter{Cause: req.Cause, Statuses: statuses})
		if err != nil {
			return nil, err
		}
		var jobs []job
		missing := map[string]bool{}
		for _, k := range req.Keys {
			missing[k] = true
		}
		for _, f := range flows {
			only := map[string][]string{}
			for _, r := range chosen(recs, req.Keys) {
				if r.Flow == f || flowOf(r.Flow) == f {
					only[r.Flow] = append(only[r.Flow], r.Key)
					delete(missing, r.Key)
					delete(missing, r.Label)
				}
			}
			if len(only) > 0 || len(req.Keys) == 0 {
				jobs = append(jobs, job{flow: f, trigger: "retry", only: only})
			}
		}
		for _, k := range req.Keys {
			if missing[k] {
				return nil, usage("no record %s is held or failed", "`pomost records` shows those that are", k)
			}
		}
		return jobs, nil
	})
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

// flowOf is the flow whose lane has this name in the store (customers:to_eaccounting); a flow of one lane has its own name.
func flowOf(name string) string {
	base, _, _ := strings.Cut(name, ":")
	return base
}

// laneOf is the lane in a name that the store knows, "" for a flow with one lane.
func laneOf(name string) string {
	_, lane, _ := strings.Cut(name, ":")
	return lane
}

// job is one flow to be run.
type job struct {
	flow, trigger string
	only          map[string][]string // by lane, for a retry; nil reads what is new
	plan          *store.Plan
}

// options are what one lane is run with; ok is false where a job has nothing for it.
func (j job) options(lane string) (opts engine.RunOptions, ok bool) {
	opts = engine.RunOptions{Trigger: j.trigger, Plan: j.plan}
	switch {
	case j.plan != nil:
		return opts, j.plan.Flow == lane || j.plan.Flow == flowOf(lane)
	case j.only != nil:
		if opts.Only = j.only[lane]; opts.Only == nil {
			opts.Only = []string{}
		}
		return opts, len(opts.Only) > 0 || len(j.only) == 0
	}
	return opts, true
}

func (s *Service) run(ctx context.Context, progress func(Event), list func(*home.State, *workshop) ([]job, error)) RunResult {
	res := RunResult{Flows: []FlowResult{}}
	err := s.within(ctx, func(st *home.State, w *workshop) error {
		jobs, err := list(st, w)
		if err != nil {
			return err
		}
		for _, j := range jobs {
			s.runJob(ctx, st, w, j, progress, &res)
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

// runJob runs one flow, in its turn.
func (s *Service) runJob(ctx context.Context, st *home.State, w *workshop, j job, progress func(Event), res *RunResult) {
	name := flowOf(j.flow)
	told := false
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	wk := &work{flow: name, run: true, waits: true, progress: progress, cancel: cancel, ends: map[string]bool{}, info: RunInfo{Trigger: j.trigger, Status: "running"}}
	end := sync.OnceFunc(s.works.begin(wk))
	defer end()
	leave, err := s.works.enter(ctx, name, s.writes(w.config, name), func() {
		if progress != nil && !told {
			progress(Event{Flow: name, Message: name + ": waiting for a run that is under way"})
		}
		told = true
	})
	if err != nil {
		res.add(FlowResult{Name: j.flow, Status: "stopped"}, stoppedRun(j.flow, err))
		return
	}
	defer leave()
	defer end()                           // first: it is over before the next one has its turn
	if k, done := s.holding(); k != nil { // while it waited, the configuration may have changed
		defer done()
		fresh, give, err := k.workshop(ctx, s)
		if err != nil {
			res.add(FlowResult{Name: j.flow, Status: "failed"}, err)
			return
		}
		defer give()
		if j.plan == nil || fresh.revision == w.revision {
			w = fresh
		}
		if conf, ok := w.config.Flows[name]; ok {
			k.anew(w.config.Connections[conf.Source].Connector, w.config.Connections[conf.Destination].Connector)
		}
	}
	s.works.turnCame(wk, s.opts.Clock.Now())
	s.works.uses(wk, w.endsOf(name)...)
	flows, err := w.lanes(ctx, j.flow)
	if err != nil {
		s.add(res, j, wk, FlowResult{Name: j.flow, Status: "failed"}, stoppedOr(ctx, j.flow, err))
		return
	}
	e := s.engine(st, wk)
	for _, f := range flows {
		opts, ok := j.options(f.Name)
		if !ok || j.flow != name && j.flow != f.Name {
			continue
		}
		r, err := e.Run(ctx, f, opts)
		if err != nil && r.Status == "stopped" {
			err = stoppedRun(f.Name, err)
		}
		s.add(res, j, wk, FlowResult{Name: f.Name, Run: r.ID, Status: r.Status, Counts: r.Counts, Seconds: r.Ended.Sub(r.Started).Seconds()}, err)
		if err != nil { // where one direction broke off, the other one would take for news what is only old
			break
		}
	}
	// What is too old goes; it is tried again after the next run, so that its failure is no reason to call this one failed.
	_ = activity.Prune(context.WithoutCancel(ctx), st.Store, st.Vault, s.opts.Clock.Now(), w.config.KeepDays)
}

// add takes a flow's result in and tells those who watch over runs.
func (s *Service) add(res *RunResult, j job, w *work, f FlowResult, err error) {
	if f.Status == "failed" && isStopped(err) {
		f.Status = "stopped"
	}
	res.add(f, err)
	if failure := AsFailure(err); failure != nil && failure.Cause == string(connector.CauseCredentials) {
		s.known.refuse(failure.Connection, failure)
	} else if f.Status == "done" {
		for c := range w.ends {
			s.known.refuse(c, nil)
		}
	}
	s.works.over(Ended{Flow: flowOf(j.flow), Trigger: j.trigger, Result: f, Started: w.info.Started, Ended: s.opts.Clock.Now(), Err: err})
}

// add takes a flow's result in, and keeps the error that decides the exit code.
// The lanes of a flow are one result.
func (r *RunResult) add(f FlowResult, err error) {
	name, last := flowOf(f.Name), len(r.Flows)-1
	switch {
	case f.Name == name:
		r.Flows = append(r.Flows, f)
	case last >= 0 && r.Flows[last].Name == name:
		r.Flows[last].join(f)
	default:
		whole := f
		whole.Name, whole.Lanes = name, []FlowResult{f}
		r.Flows = append(r.Flows, whole)
	}
	if err != nil && (r.Error == nil || worse(r.Error.Exit(), AsFailure(err).Exit()) != r.Error.Exit()) {
		r.Error = AsFailure(err)
	}
}

// stoppedRun is the failure of a run that was ended.
func stoppedRun(flow string, err error) error {
	return &Failure{Cause: "stopped", Message: "flow " + flow + " was stopped", Remedy: "nothing is lost: the next run goes on", exit: ExitFailed, err: err}
}

// stoppedOr is err, unless the run was ended: then whatever was being asked is not at fault.
func stoppedOr(ctx context.Context, flow string, err error) error {
	if ctx.Err() != nil {
		return stoppedRun(flow, err)
	}
	return err
}

func isStopped(err error) bool {
	var f *Failure
	return errors.As(err, &f) && f.Cause == "stopped"
}

// writes are the connections that a flow writes to: one, or both where its records travel both ways.
func (s *Service) writes(c flow.Config, name string) []string {
	conf := c.Flows[name]
	r, err := s.recipe(conf.Recipe)
	if err != nil {
		return []string{conf.Source, conf.Destination} // whoever makes it ready says what is wrong
	}
	var out []string
	for _, l := range r.Lanes {
		to := conf.Destination
		if c.Connections[to].Connector == l.From {
			to = conf.Source
		}
		out = append(out, to)
	}
	return out
}

// endsOf are the connections of a flow.
func (w *workshop) endsOf(name string) []string {
	f := w.config.Flows[name]
	return []string{f.Source, f.Destination}
}

// Stop implements API.
func (s *Service) Stop(ctx context.Context, name string) error {
	if err := s.knownFlow(ctx, name); err != nil {
		return err
	}
	s.works.stop(flowOf(name), true)
	return nil
}

// Plan implements API: it decides what a run of a flow would do and keeps it under an ID.
func (s *Service) Plan(ctx context.Context, name string, progress func(Event)) (PlanResult, error) {
	res := PlanResult{Flow: name, Actions: []engine.Planned{}}
	err := s.within(ctx, func(st *home.State, w *workshop) error {
		ctx, cancel := context.WithCancel(ctx)
		defer cancel()
		wk := &work{flow: name, progress: progress, cancel: cancel, ends: map[string]bool{}}
		defer s.works.begin(wk)()
		s.works.uses(wk, w.endsOf(flowOf(name))...)
		flows, err := w.lanes(ctx, name)
		if err != nil {
			return err
		}
		e := s.engine(st, wk)
		var ids []string
		for _, f := range flows {
			p, err := e.PlanFlow(ctx, f, func(a engine.Planned) error {
				res.Actions = append(res.Actions, a)
				return nil
			})
			if err != nil {
				return err
			}
			ids = append(ids, p.ID)
		}
		res.ID = strings.Join(ids, planSeparator)
		return nil
	})
	return res, err
}

// RecordsRequest selects remembered records; empty fields match all but the watch list and what was left out, which are shown when asked for.
type RecordsRequest struct {
	Flow   string   `json:"flow,omitempty"`
	Status string   `json:"status,omitempty"`
	Keys   []string `json:"keys,omitempty"`
	Cause  string   `json:"cause,omitempty"`
}

// RecordStatuses are the words of RecordsRequest.Status.
var RecordStatuses = []string{"held", "failed", "watched", "skipped"}

// Records implements API: the inbox, which is what is held, failed, or waits for an outcome; and what is watched, when asked for.
func (s *Service) Records(ctx context.Context, req RecordsRequest) (RecordsResult, error) {
	res := RecordsResult{Records: []RecordInfo{}}
	if err := knownCause(req.Cause); err != nil {
		return res, err
	}
	f := store.RecordFilter{Cause: req.Cause, Statuses: waiting}
	if req.Status != "" {
		if !slices.Contains(RecordStatuses, req.Status) {
			return res, unknownWord("status", req.Status, RecordStatuses)
		}
		f.Statuses = []store.RecordStatus{store.RecordStatus(req.Status)}
		if req.Status == "held" { // an outcome that is still open is held for the person who looks
			f.Statuses = append(f.Statuses, store.RecordPending)
		}
	}
	err := s.reading(ctx, func(st *home.State) error {
		recs, err := st.Store.Records(ctx, f)
		if err != nil {
			return err
		}
		for _, r := range chosen(recs, req.Keys) {
			if req.Flow != "" && req.Flow != r.Flow && req.Flow != flowOf(r.Flow) {
				continue
			}
			status := string(r.Status)
			if r.Status == store.RecordPending {
				status = string(store.RecordHeld)
			}
			res.Records = append(res.Records, RecordInfo{Flow: flowOf(r.Flow), Lane: laneOf(r.Flow), Key: r.Key, Status: status, Cause: r.Cause, Reason: r.Reason, Remedy: r.Remedy,
				Attempts: r.Attempts, Since: r.Since, Label: r.Label})
		}
		if req.Flow == "" || len(res.Records) > 0 {
			return nil
		}
		return s.flowIn(ctx, st, req.Flow)
	})
	return res, err
}

// knownCause refuses a cause that there is none of; the empty one matches all.
func knownCause(cause string) *Failure {
	if cause == "" || slices.Contains(activity.Causes, cause) {
		return nil
	}
	return unknownWord("cause", cause, activity.Causes)
}

// unknownWord refuses a word, with the nearest known one.
func unknownWord(what, word string, known []string) *Failure {
	remedy := "known are " + strings.Join(known, ", ")
	if near := flow.Nearest(word, known); near != "" {
		remedy = "did you mean " + near + "?"
	}
	return usage("there is no %s %s", remedy, what, word)
}

// knownFlow refuses a flow that is not in force.
func (s *Service) knownFlow(ctx context.Context, name string) error {
	return s.reading(ctx, func(st *home.State) error { return s.flowIn(ctx, st, name) })
}

// flowIn refuses a flow that is not in force. Records of one that was removed are still its own.
func (s *Service) flowIn(ctx context.Context, st *home.State, name string) error {
	c, _, err := configIn(ctx, st)
	if err != nil {
		return err
	}
	if _, ok := c.Flows[flowOf(name)]; ok {
		return nil
	}
	names := sortedKeys(c.Flows)
	if len(names) == 0 {
		return usage("there is no flow %s", "apply a file that has it", name)
	}
	return unknownWord("flow", name, names)
}

// configIn returns the configuration in force and its revision; an empty one where nothing was applied yet.
func configIn(ctx context.Context, st *home.State) (flow.Config, int64, error) {
	rev, err := st.Store.Revision(ctx)
	if isNotFound(err) {
		return flow.Config{Version: flow.Version, Connections: map[string]flow.Connection{}, Flows: map[string]flow.Flow{}}, 0, nil
	}
	if err != nil {
		return flow.Config{}, 0, err
	}
	c, err := flow.ParseCanonical(rev.Config)
	return c, rev.Number, err
}

// scheduled is a run by the schedule.
func scheduled(flow string) func(*home.State, *workshop) ([]job, error) {
	return func(*home.State, *workshop) ([]job, error) { return []job{{flow: flow, trigger: "schedule"}}, nil }
}
