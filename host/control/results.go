// Package control is all that a user can do. API says what that is; Service does it in this process, Client asks a daemon, and the
// commands and the terminal UI do not know which of the two they have. Results are the documented JSON shapes.
package control

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/pomost/pomost/host/engine"
	"github.com/pomost/pomost/host/flow"
	"github.com/pomost/pomost/host/home"
	"github.com/pomost/pomost/host/store"
	"github.com/pomost/pomost/host/vault"
	"github.com/pomost/pomost/registry"
	"github.com/pomost/pomost/sdk/connector"
)

// FlowResult is what one run of one flow did. Counts are of source records of this run.
type FlowResult struct {
	Name   string `json:"name"`
	Run    string `json:"run"`
	Status string `json:"status"` // done, failed, stopped
	store.Counts
	Seconds float64 `json:"seconds"`
	// Lanes are what each way did, where records travel both ways.
	Lanes []FlowResult `json:"lanes,omitempty"`
}

// join takes the result of a further lane in: the run is the first one's, and the flow is done when all of its lanes are.
func (f *FlowResult) join(lane FlowResult) {
	f.Lanes = append(f.Lanes, lane)
	f.Read += lane.Read
	f.Created += lane.Created
	f.Updated += lane.Updated
	f.Unchanged += lane.Unchanged
	f.Skipped += lane.Skipped
	f.Held += lane.Held
	f.Failed += lane.Failed
	f.Seconds += lane.Seconds
	if f.Status == "done" {
		f.Status = lane.Status
	}
}

// RunResult is what run, retry and demo print.
type RunResult struct {
	Flows []FlowResult `json:"flows"`
	Error *Failure     `json:"error,omitempty"`
}

// PlanResult is what plan prints.
type PlanResult struct {
	ID      string           `json:"id"`
	Flow    string           `json:"flow"`
	Actions []engine.Planned `json:"actions"`
}

// RecordInfo is one remembered record, as records prints it.
type RecordInfo struct {
	Flow     string    `json:"flow"`
	Lane     string    `json:"lane,omitempty"` // where its records travel both ways
	Key      string    `json:"key"`
	Status   string    `json:"status"`
	Cause    string    `json:"cause"`
	Reason   string    `json:"reason"`
	Remedy   string    `json:"remedy"`
	Attempts int       `json:"attempts"`
	Since    time.Time `json:"since"`
	Label    string    `json:"label,omitempty"`
}

// RecordsResult is what records prints.
type RecordsResult struct {
	Records []RecordInfo `json:"records"`
}

// ApplyResult is what apply prints: what changed, or with Check what would.
type ApplyResult struct {
	Revision int64             `json:"revision"`
	Applied  bool              `json:"applied"`
	Changes  []flow.Difference `json:"changes"`
	// Flows are those that are in force, for whoever says what to do next.
	Flows []string `json:"flows,omitempty"`
	// Notes tell what could not be checked, since a system could not be asked.
	Notes []string `json:"notes,omitempty"`
}

// Exit codes of the commands.
const (
	ExitDone        = 0
	ExitFailed      = 1
	ExitUsage       = 2 // wrong usage or configuration
	ExitUnreachable = 3 // a system cannot be reached or refuses the credentials
	ExitRecords     = 4 // finished, but records of this run failed or are held
)

// Failure is an error as every command shows it: what happened, to which record, why, what to do.
type Failure struct {
	Connection string `json:"connection"`
	Record     string `json:"record"`
	Cause      string `json:"cause"`
	Message    string `json:"message"`
	Remedy     string `json:"remedy"`

	exit int
	err  error
}

// Error is the message.
func (f *Failure) Error() string {
	s := f.Message
	if f.Record != "" {
		s = "record " + f.Record + ": " + s
	}
	if f.Connection != "" && !strings.HasPrefix(f.Message, "connection "+f.Connection+": ") {
		s = "connection " + f.Connection + ": " + s
	}
	return s
}

// Unwrap returns the cause.
func (f *Failure) Unwrap() error { return f.err }

// Exit is the exit code that the failure deserves.
func (f *Failure) Exit() int {
	if f.exit == 0 {
		return ExitFailed
	}
	return f.exit
}

// usage is a failure of the person's input.
func usage(message, remedy string, args ...any) *Failure {
	return &Failure{Cause: "usage", Message: fmt.Sprintf(message, args...), Remedy: remedy, exit: ExitUsage}
}

// AsFailure turns any error into the one that is shown. It is the one place where errors become exit codes.
func AsFailure(err error) *Failure {
	if err == nil {
		return nil
	}
	var f *Failure
	if errors.As(err, &f) {
		return f
	}
	out := &Failure{Cause: "failed", Message: err.Error(), err: err, exit: ExitFailed}
	var us flow.UsageErrors
	var u *flow.UsageError
	var run *engine.Error
	var ce *connector.Error
	var held *store.HeldError
	var se *store.Error
	var locked *home.LockedError
	var key *vault.Problem
	var plugin *registry.Error
	switch {
	case errors.Is(err, context.Canceled):
		out.Cause, out.Message, out.Remedy = "stopped", "it was stopped", "nothing is lost: the next run goes on"
	case errors.As(err, &us):
		out.Cause, out.exit, out.Message = "usage", ExitUsage, us.Error()
		if len(us) > 0 {
			out.Remedy = us[0].Remedy
		}
		if len(us) == 1 {
			out.Message = withoutRemedy(us[0])
		}
	case errors.As(err, &u):
		out.Cause, out.exit, out.Message, out.Remedy = "usage", ExitUsage, withoutRemedy(u), u.Remedy
	case errors.As(err, &run):
		out.Connection, out.Record = run.Connection, run.Record
		out.of(run.Err)
	case errors.As(err, &ce):
		out.of(ce)
	case errors.As(err, &held):
		out.Cause, out.Remedy = "conflict", "wait until it is done"
	case errors.As(err, &se):
		out.Cause, out.Remedy = string(se.Code), se.Remedy
		if se.Code == store.CodeNotApplied {
			out.exit = ExitUsage
		}
	case errors.As(err, &locked):
		out.Cause, out.Remedy = "locked", locked.Remedy()
	case errors.As(err, &key):
		out.Cause, out.Remedy = "secrets", key.Remedy
	case errors.As(err, &plugin):
		out.Cause, out.Remedy = string(connector.CausePluginFailed), plugin.Remedy
	}
	return out
}

// withoutRemedy is the message of a problem whose remedy is told apart.
func withoutRemedy(u *flow.UsageError) string {
	bare := *u
	bare.Remedy = ""
	return bare.Error()
}

func (f *Failure) of(e *connector.Error) {
	f.Cause, f.Message, f.Remedy = string(e.Cause), e.Error(), e.Remedy
	switch e.Cause {
	case connector.CauseUnavailable, connector.CauseCredentials, connector.CauseRateLimited:
		f.exit = ExitUnreachable
	case connector.CauseRights:
		if e.Field != "" && f.Record == "" { // of the connection as a whole: the field is its setting, such as the company
			f.exit = ExitUsage
		}
	}
}

// worse orders exit codes: if several apply, the first of 2, 3, 1, 4 counts.
func worse(a, b int) int {
	rank := map[int]int{ExitUsage: 4, ExitUnreachable: 3, ExitFailed: 2, ExitRecords: 1, ExitDone: 0}
	if rank[b] > rank[a] {
		return b
	}
	return a
}

// Exit is the exit code of a run's result.
func (r RunResult) Exit() int {
	code := ExitDone
	for _, f := range r.Flows {
		if f.Held+f.Failed > 0 {
			code = worse(code, ExitRecords)
		}
	}
	if r.Error != nil {
		code = worse(code, r.Error.Exit())
	}
	return code
}
