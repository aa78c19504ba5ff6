// Package tuitest is a world for tests of the terminal UI: a control.API in memory with flows in every state, records, stories and a
// log. It has no clock and no goroutines of its own, so the same calls give the same answers.
package tuitest

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/pomost/pomost/host/activity"
	"github.com/pomost/pomost/host/control"
	"github.com/pomost/pomost/host/store"
)

// Secret stands wherever the API hands a secret to the screens. No frame may show it.
const Secret = "s3cr3t-9f27-never-on-screen" //nolint:gosec // it is made up, to be looked for

// Nasty is text as careless data has it: wide characters, an emoji of several runes, combining marks, control bytes, a colour and a title.
const Nasty = "Żółć \x1b[31m株式会社\x1b[0m 👩‍👩‍👧 e\u0301\t\x07\x1b]0;owned\x07\u202etxt"

// World is a control.API. Its exported fields may be set before the screens use it; afterwards through Change only.
type World struct {
	mu      sync.Mutex
	changed chan struct{}

	Time      time.Time
	State     control.StatusResult
	Remember  []control.RecordInfo
	Stories   map[string]activity.Story // by key
	Lines     []control.LogEntry
	Plans     map[string]control.PlanResult // by flow
	History   map[string][]control.RunInfo  // by flow, newest first
	Diagnosis control.DoctorResult
	Checks    map[string]control.ConnectionCheck
	Systems   control.CatalogResult
	// Ask answers Question; nil says that everything is answered.
	Ask func(control.Answers) (control.Step, error)
	// Redirect is where a consent leads back to; "" is an address that nobody can listen at.
	Redirect string
	// Consented answers Consent; nil accepts everything.
	Consented func(control.ConsentRequest) (control.ConsentResult, error)
	// Applied answers ApplyConfig; nil accepts everything.
	Applied func(control.ConfigRequest) (control.ApplyResult, error)
	// Down, when set, is what every call fails with.
	Down error
	// Hold, when set, keeps Run, RunPlan, Retry and Plan waiting until it is closed or their context ends.
	Hold chan struct{}

	calls []string
}

var _ control.API = (*World)(nil)

// Now is the world's clock.
func (w *World) Now() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.Time
}

// Change alters the world and tells whoever watches.
func (w *World) Change(f func(*World)) {
	w.mu.Lock()
	defer w.mu.Unlock()
	f(w)
	w.tell()
}

func (w *World) tell() {
	close(w.changed)
	w.changed = make(chan struct{})
}

// Flow is the named flow, for Change; it panics where there is none.
func (w *World) Flow(name string) *control.FlowStatus {
	i := slices.IndexFunc(w.State.Flows, func(f control.FlowStatus) bool { return f.Name == name })
	return &w.State.Flows[i]
}

// Calls are the calls that alter something, in order, as "Run orders".
func (w *World) Calls() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.calls)
}

// call notes a call and returns what it fails with.
func (w *World) call(note string) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.Down == nil && note != "" {
		w.calls = append(w.calls, note)
	}
	return w.Down
}

// Flood adds n lines to the log.
func (w *World) Flood(n int) {
	w.Change(func(w *World) {
		for range n {
			w.Lines = append(w.Lines, line(w.Time, int64(len(w.Lines))+1))
		}
	})
}

// Status implements control.API.
func (w *World) Status(context.Context) (control.StatusResult, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.status(), w.Down
}

func (w *World) status() control.StatusResult {
	s := w.State
	s.Time = w.Time
	s.Flows, s.Connections = slices.Clone(s.Flows), slices.Clone(s.Connections)
	return s
}

// Watch implements control.API.
func (w *World) Watch(ctx context.Context, yield func(control.StatusResult) error) error {
	for {
		w.mu.Lock()
		s, down, changed := w.status(), w.Down, w.changed
		w.mu.Unlock()
		if down != nil {
			return down
		}
		if err := yield(s); err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-changed:
		}
	}
}

// wait keeps a long call under way while Hold stands.
func (w *World) wait(ctx context.Context) error {
	w.mu.Lock()
	hold := w.Hold
	w.mu.Unlock()
	if hold == nil {
		return nil
	}
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-hold:
		return nil
	}
}

// run is what Run, RunPlan and Retry answer.
func (w *World) run(ctx context.Context, note string, flows []string, counts store.Counts, progress func(control.Event)) control.RunResult {
	res := control.RunResult{Flows: []control.FlowResult{}}
	err := w.call(note)
	if err == nil {
		for _, f := range flows {
			if progress != nil {
				progress(control.Event{Flow: f, Run: "20261123-140500-0000", Counts: counts, Message: "reading orders"})
			}
			res.Flows = append(res.Flows, control.FlowResult{Name: f, Run: "20261123-140500-0000", Status: "done", Counts: counts, Seconds: 1.5})
		}
		err = w.wait(ctx)
	}
	if err != nil {
		res.Error = control.AsFailure(err)
	}
	return res
}

// Run implements control.API.
func (w *World) Run(ctx context.Context, flows []string, progress func(control.Event)) control.RunResult {
	return w.run(ctx, fmt.Sprint("Run ", flows), flows, store.Counts{Read: 12, Created: 9, Updated: 2, Held: 1}, progress)
}

// RunPlan implements control.API.
func (w *World) RunPlan(ctx context.Context, id string, progress func(control.Event)) control.RunResult {
	return w.run(ctx, "RunPlan "+id, []string{"orders"}, store.Counts{Read: 5, Created: 3, Updated: 1, Unchanged: 1}, progress)
}

// Retry implements control.API.
func (w *World) Retry(ctx context.Context, req control.RetryRequest, progress func(control.Event)) control.RunResult {
	flows := req.Flows
	if len(flows) == 0 {
		flows = []string{"orders"}
	}
	n := max(len(req.Keys), 1)
	return w.run(ctx, fmt.Sprintf("Retry %v %v %s", req.Flows, req.Keys, req.Cause), flows, store.Counts{Read: n, Created: n}, progress)
}

// Start implements control.API. A run that is left alone goes on, which nobody sees here.
func (w *World) Start(ctx context.Context, req control.StartRequest, progress func(control.Event)) control.RunResult {
	switch {
	case req.Plan != "":
		return w.RunPlan(ctx, req.Plan, progress)
	case req.Retry != nil:
		return w.Retry(ctx, *req.Retry, progress)
	}
	return w.Run(ctx, req.Flows, progress)
}

// Runs implements control.API.
func (w *World) Runs(_ context.Context, req control.RunsRequest) (control.RunsResult, error) {
	if err := w.call(""); err != nil {
		return control.RunsResult{}, err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	return control.RunsResult{Runs: slices.Clone(w.History[req.Flow])}, nil
}

// Stop implements control.API.
func (w *World) Stop(_ context.Context, flow string) error { return w.call("Stop " + flow) }

// Pause implements control.API.
func (w *World) Pause(_ context.Context, flow string) error { return w.pause("Pause", flow, true) }

// Resume implements control.API.
func (w *World) Resume(_ context.Context, flow string) error { return w.pause("Resume", flow, false) }

func (w *World) pause(note, flow string, paused bool) error {
	if err := w.call(note + " " + flow); err != nil {
		return err
	}
	w.Change(func(w *World) { w.Flow(flow).Paused = paused })
	return nil
}

// Plan implements control.API.
func (w *World) Plan(ctx context.Context, flow string, progress func(control.Event)) (control.PlanResult, error) {
	if err := w.call("Plan " + flow); err != nil {
		return control.PlanResult{}, err
	}
	if progress != nil {
		progress(control.Event{Flow: flow, Counts: store.Counts{Read: 3}})
	}
	if err := w.wait(ctx); err != nil {
		return control.PlanResult{}, err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.Plans[flow], nil
}

// Records implements control.API.
func (w *World) Records(_ context.Context, req control.RecordsRequest) (control.RecordsResult, error) {
	if err := w.call(""); err != nil {
		return control.RecordsResult{}, err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	res := control.RecordsResult{Records: []control.RecordInfo{}}
	for _, r := range w.Remember {
		status := req.Status == r.Status || req.Status == "" && r.Status != "watched"
		if status && (req.Flow == "" || req.Flow == r.Flow) && (req.Cause == "" || req.Cause == r.Cause) {
			res.Records = append(res.Records, r)
		}
	}
	return res, nil
}

// Decide implements control.API.
func (w *World) Decide(_ context.Context, req control.DecideRequest) (control.DecideResult, error) {
	if err := w.call(fmt.Sprintf("Decide %s %s %s %s", req.Flow, req.Key, req.Decision, req.Result)); err != nil {
		return control.DecideResult{}, err
	}
	w.Change(func(w *World) {
		w.Remember = slices.DeleteFunc(w.Remember, func(r control.RecordInfo) bool { return r.Flow == req.Flow && r.Key == req.Key })
	})
	return control.DecideResult{Flow: req.Flow, Key: req.Key, Decision: req.Decision, Message: "it is settled"}, nil
}

// Why implements control.API.
func (w *World) Why(_ context.Context, flow, key string) (activity.Story, error) {
	if err := w.call(""); err != nil {
		return activity.Story{}, err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if s, ok := w.Stories[key]; ok {
		return s, nil
	}
	return activity.Story{Flow: flow, Key: key, Status: "unknown", Links: []activity.StoryLink{}, Fields: []activity.FieldOrigin{}, Attempts: []activity.Attempt{}, Open: []activity.OpenEffect{}}, nil
}

// Logs implements control.API.
func (w *World) Logs(ctx context.Context, req control.LogsRequest, yield func(control.LogEntry) error) error {
	after, first := req.After, true
	for {
		w.mu.Lock()
		down, changed, over := w.Down, w.changed, !req.Until.IsZero() && w.Time.After(req.Until)
		var found []control.LogEntry
		for _, l := range w.Lines {
			if l.ID > after && matches(req, l) {
				found = append(found, l)
			}
		}
		w.mu.Unlock()
		if down != nil {
			return down
		}
		if first && req.Last > 0 && len(found) > req.Last {
			found = found[len(found)-req.Last:]
		}
		first = false
		for _, l := range found {
			after = l.ID
			if !req.Payloads {
				l.Payloads = nil
			}
			if err := yield(l); err != nil {
				return err
			}
		}
		if !req.Follow || over {
			return nil
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-changed:
		}
	}
}

func matches(req control.LogsRequest, l control.LogEntry) bool {
	return (req.Flow == "" || req.Flow == l.Flow) && (req.Record == "" || req.Record == l.Key || req.Record == l.Label) &&
		(req.Cause == "" || req.Cause == l.Cause) && (req.Outcome == "" || req.Outcome == l.Outcome) &&
		(req.Since.IsZero() || !l.Time.Before(req.Since)) && (req.Until.IsZero() || l.Time.Before(req.Until))
}

// ApplyConfig implements control.API.
func (w *World) ApplyConfig(_ context.Context, req control.ConfigRequest) (control.ApplyResult, error) {
	if err := w.call(fmt.Sprintf("ApplyConfig check=%v", req.Check)); err != nil {
		return control.ApplyResult{}, err
	}
	w.mu.Lock()
	f := w.Applied
	w.mu.Unlock()
	if f != nil {
		return f(req)
	}
	return control.ApplyResult{Revision: 8, Applied: !req.Check}, nil
}

// Export implements control.API.
func (w *World) Export(context.Context) (control.ExportResult, error) {
	return control.ExportResult{Revision: 7, Config: exported}, w.call("")
}

// Check implements control.API.
func (w *World) Check(_ context.Context, names []string) (control.CheckResult, error) {
	if err := w.call(fmt.Sprint("Check ", names)); err != nil {
		return control.CheckResult{}, err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	var res control.CheckResult
	for _, c := range w.State.Connections {
		if len(names) == 0 || slices.Contains(names, c.Name) {
			res.Connections = append(res.Connections, w.Checks[c.Name])
		}
	}
	return res, nil
}

// Doctor implements control.API.
func (w *World) Doctor(context.Context) (control.DoctorResult, error) {
	if err := w.call("Doctor"); err != nil {
		return control.DoctorResult{}, err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.Diagnosis, nil
}

// Authorize implements control.API.
func (w *World) Authorize(_ context.Context, req control.AuthorizeRequest) (control.AuthorizeResult, error) {
	return control.AuthorizeResult{URL: "https://identity.example/connect/authorize?client_id=pomost&scope=sales", State: Secret,
		RedirectURL: cmp.Or(w.Redirect, "https://localhost:44300/callback")}, w.call("Authorize " + req.Connection)
}

// Consent implements control.API.
func (w *World) Consent(_ context.Context, req control.ConsentRequest) (control.ConsentResult, error) {
	if err := w.call("Consent " + req.Connection); err != nil {
		return control.ConsentResult{}, err
	}
	w.mu.Lock()
	f := w.Consented
	w.mu.Unlock()
	if f != nil {
		return f(req)
	}
	return control.ConsentResult{Connection: req.Connection, Message: "the connection may read and write now"}, nil
}

// Catalog implements control.API.
func (w *World) Catalog(context.Context) (control.CatalogResult, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.Systems, w.Down
}

// Question implements control.API.
func (w *World) Question(_ context.Context, a control.Answers) (control.Step, error) {
	w.mu.Lock()
	f, down := w.Ask, w.Down
	w.mu.Unlock()
	if down != nil {
		return control.Step{}, down
	}
	if f == nil {
		return control.Step{Done: true, Number: 1, Total: 1, Config: exported, Command: "pomost apply -f pomost.yaml"}, nil
	}
	return f(a)
}

// ErrDown is what calls fail with where no daemon answers.
var ErrDown = errors.New("the daemon does not answer: dial unix /run/pomost.sock: connection refused")
