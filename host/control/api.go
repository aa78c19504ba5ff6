package control

import (
	"context"
	"time"

	"github.com/pomost/pomost/host/activity"
	"github.com/pomost/pomost/host/flow"
	"github.com/pomost/pomost/host/store"
)

// API is all that a user can do. *Service keeps it in this process, *Client by asking a running daemon (proto/control/v1): the
// commands and the terminal UI do not know which of the two they have. Every method obeys its context. Results are the documented JSON
// shapes, the same ones that the commands print and that the protocol carries. Errors are *Failure (AsFailure makes any error one).
type API interface {
	// Status tells what there is and how it fares. Watch calls yield at once and whenever something changed, at most four times a
	// second, until the context or yield ends it.
	Status(ctx context.Context) (StatusResult, error)
	Watch(ctx context.Context, yield func(StatusResult) error) error

	// Run, RunPlan and Retry wait until the runs are over; progress may be nil. A flow that is just running is waited for.
	Run(ctx context.Context, flows []string, progress func(Event)) RunResult
	RunPlan(ctx context.Context, id string, progress func(Event)) RunResult
	Retry(ctx context.Context, req RetryRequest, progress func(Event)) RunResult
	// Start runs what is named too, but the runs belong to the daemon: when ctx ends before they do, it returns at once with the cause
	// left_alone, and they go on until they are done, stopped by Stop, or the daemon ends. What is asked for is begun even where ctx ends
	// meanwhile. Where no daemon is behind the API, the runs end with ctx as those of Run do.
	Start(ctx context.Context, req StartRequest, progress func(Event)) RunResult
	// Stop ends the run of a flow gracefully, as soon as what is under way is answered, and those that wait for their turn behind it. Where
	// none runs, nothing happens.
	Stop(ctx context.Context, flow string) error
	// Pause keeps a flow from being run by its schedule until Resume; `run` by hand still works. It is remembered.
	Pause(ctx context.Context, flow string) error
	Resume(ctx context.Context, flow string) error

	Plan(ctx context.Context, flow string, progress func(Event)) (PlanResult, error)
	// Runs tells of the newest runs of a flow, newest first, the one under way included.
	Runs(ctx context.Context, req RunsRequest) (RunsResult, error)
	Records(ctx context.Context, req RecordsRequest) (RecordsResult, error)
	// Decide settles a held record by a person's word.
	Decide(ctx context.Context, req DecideRequest) (DecideResult, error)
	Why(ctx context.Context, flow, key string) (activity.Story, error)
	// Logs calls yield with the lines that match, oldest first; with Follow it goes on with new ones until the context ends.
	Logs(ctx context.Context, req LogsRequest, yield func(LogEntry) error) error

	// ApplyConfig puts a configuration into force, or only shows what would change. Secret references were resolved by the caller.
	ApplyConfig(ctx context.Context, req ConfigRequest) (ApplyResult, error)
	// Export returns the configuration in force as a file, without secrets.
	Export(ctx context.Context) (ExportResult, error)

	// Check is the preflight of connections (all, when none is named); Doctor that of everything.
	Check(ctx context.Context, connections []string) (CheckResult, error)
	Doctor(ctx context.Context) (DoctorResult, error)
	// Authorize begins a consent and returns the address at which a person gives it. Consent ends it with the address that the system's
	// page led back to, or with the code alone.
	Authorize(ctx context.Context, req AuthorizeRequest) (AuthorizeResult, error)
	Consent(ctx context.Context, req ConsentRequest) (ConsentResult, error)

	// Catalog tells which connectors and recipes there are, with their settings.
	Catalog(ctx context.Context) (CatalogResult, error)
	// Question returns what is to be asked next, given the answers so far: the one question-and-answer machine behind `setup`, the
	// wizard and a flow's settings. What is asked depends on nothing else; of a set-up the answers are kept, to be gone on with (Step.Draft).
	Question(ctx context.Context, a Answers) (Step, error)
}

// Event is one piece of progress of a run.
type Event struct {
	Flow    string        `json:"flow,omitempty"`
	Run     string        `json:"run,omitempty"`
	Counts  store.Counts  `json:"counts"`
	Message string        `json:"message,omitempty"`
	Wait    time.Duration `json:"wait,omitempty"` // nanoseconds; > 0: waiting that long
}

// StatusResult is what there is and how it fares.
type StatusResult struct {
	Version string `json:"version"`
	Home    string `json:"home"`
	// Daemon tells whether a daemon answers; PID and Started are its own.
	Daemon      bool               `json:"daemon"`
	PID         int                `json:"pid,omitempty"`
	Started     time.Time          `json:"started,omitzero"`
	Time        time.Time          `json:"time"` // of the answer
	Revision    int64              `json:"revision"`
	Flows       []FlowStatus       `json:"flows"` // by name; the UI sorts them worst first
	Connections []ConnectionStatus `json:"connections"`
}

// The states of a flow, worst first.
const (
	FlowFailing = "failing" // its last run failed
	FlowHeld    = "held"    // records of it wait for a person
	FlowWaiting = "waiting" // an outcome, a system or a limit is waited for
	FlowRunning = "running"
	FlowPaused  = "paused"
	FlowNew     = "new" // it never ran
	FlowOK      = "ok"
)

// FlowStatus is how one flow fares.
type FlowStatus struct {
	Name        string    `json:"name"`
	Recipe      string    `json:"recipe"`
	Title       string    `json:"title"` // of the recipe
	Kind        string    `json:"kind"`
	Source      string    `json:"source"`
	Destination string    `json:"destination"`
	Schedule    string    `json:"schedule,omitempty"`
	State       string    `json:"state"`
	Paused      bool      `json:"paused"`
	Held        int       `json:"held"`
	Failed      int       `json:"failed"`
	Watched     int       `json:"watched"`
	Waiting     int       `json:"waiting"` // records whose outcome is open
	LastSuccess time.Time `json:"last_success,omitzero"`
	NextRun     time.Time `json:"next_run,omitzero"`
	// LastRun is the newest run that ended; Running the one under way.
	LastRun *RunInfo `json:"last_run,omitempty"`
	Running *RunInfo `json:"running,omitempty"`
	// Causes counts what is held or failed by cause.
	Causes map[string]int `json:"causes,omitempty"`
}

// RunInfo is one run.
type RunInfo struct {
	ID      string       `json:"id"`
	Lane    string       `json:"lane,omitempty"` // where records travel both ways; told by Runs alone
	Trigger string       `json:"trigger"`        // command, plan, schedule, retry
	Status  string       `json:"status"`         // running, done, failed, stopped
	Started time.Time    `json:"started"`
	Ended   time.Time    `json:"ended,omitzero"`
	Counts  store.Counts `json:"counts"`
	Error   string       `json:"error,omitempty"`
	Message string       `json:"message,omitempty"` // what it is doing or waiting for
}

// ConnectionStatus is how one connection fares, as far as is known without asking its system.
type ConnectionStatus struct {
	Name      string `json:"name"`
	Connector string `json:"connector"`
	Title     string `json:"title"`
	// State is ok, unauthorized (it has no consent), revoked, or unknown (never used).
	State   string `json:"state"`
	Message string `json:"message,omitempty"`
	Remedy  string `json:"remedy,omitempty"`
	// ConsentSince is when the system renewed the consent last, ConsentUntil about when it is forgotten if nobody uses it; both only where known.
	ConsentSince *time.Time `json:"consent_since,omitempty"`
	ConsentUntil *time.Time `json:"consent_until,omitempty"`
}

// DecideRequest is a person's word on a held record.
type DecideRequest struct {
	Flow string `json:"flow"`
	Key  string `json:"key"` // or what people call it
	// Decision is one of:
	//   sent     it was found in the destination by hand, as Result: it is linked and never sent
	//   absent   it was looked for by hand and is not there: it may be sent again
	//   link     it belongs to Result (the destination's key): bind them, write nothing
	//   skip     it is not to be carried over: it is forgotten until it changes
	Decision string `json:"decision"`
	Result   string `json:"result,omitempty"`
	// Who and Note are kept in the log.
	Note string `json:"note,omitempty"`
}

// DecideResult is what became of it.
type DecideResult struct {
	Flow     string `json:"flow"`
	Key      string `json:"key"`
	Decision string `json:"decision"`
	Message  string `json:"message"`
}

// LogsRequest selects log lines; empty fields match all.
type LogsRequest struct {
	Flow string `json:"flow,omitempty"`
	// Record is a key, or what people call the record.
	Record  string    `json:"record,omitempty"`
	Cause   string    `json:"cause,omitempty"`
	Outcome string    `json:"outcome,omitempty"`
	Since   time.Time `json:"since,omitzero"`
	Until   time.Time `json:"until,omitzero"`
	// After is the ID of the last line already seen; Last takes only that many of the newest lines.
	After    int64 `json:"after,omitempty"`
	Last     int   `json:"last,omitempty"`
	Follow   bool  `json:"follow,omitempty"`
	Payloads bool  `json:"payloads,omitempty"`
}

// LogEntry is one line of the log with its ID, and its payloads where they were asked for.
type LogEntry struct {
	ID int64 `json:"id"`
	store.LogLine
	Lane     string             `json:"lane,omitempty"` // where the flow's records travel both ways
	Label    string             `json:"label,omitempty"`
	Payloads []activity.Payload `json:"payloads,omitempty"`
}

// ConfigRequest is a configuration to put into force.
type ConfigRequest struct {
	// Config is the file's text, File its name for messages.
	Config string `json:"config"`
	File   string `json:"file"`
	Check  bool   `json:"check,omitempty"`
	Prune  bool   `json:"prune,omitempty"`
	// Secrets are resolved secrets by connection and name; what the file refers to and is not here is a mistake of the caller.
	Secrets map[string]map[string]string `json:"secrets,omitempty"`
	// Problems are what the caller found wrong while it resolved the secrets: they are told together with everything else.
	Problems []flow.UsageError `json:"problems,omitempty"`
	// Revision, when not 0, is the revision that the change was made on: another one in force is refused.
	Revision int64 `json:"revision,omitempty"`
}

// ExportResult is the configuration in force.
type ExportResult struct {
	Revision int64  `json:"revision"`
	Config   string `json:"config"`
}

// CheckResult is the preflight of connections.
type CheckResult struct {
	Connections []ConnectionCheck `json:"connections"`
}

// ConnectionCheck is the preflight of one connection.
type ConnectionCheck struct {
	Name   string      `json:"name"`
	OK     bool        `json:"ok"`
	Checks []CheckItem `json:"checks"`
}

// CheckItem is one right, function or fact that was checked.
type CheckItem struct {
	Name    string `json:"name"`
	Title   string `json:"title"`
	OK      bool   `json:"ok"`
	Warning bool   `json:"warning,omitempty"` // it works, but a person should know the message
	Cause   string `json:"cause,omitempty"`
	Message string `json:"message,omitempty"`
	Remedy  string `json:"remedy,omitempty"`
}

// DoctorResult is the preflight of everything: this machine, the home, the daemon, each connection, each flow.
type DoctorResult struct {
	OK       bool          `json:"ok"`
	Sections []DoctorGroup `json:"sections"`
}

// DoctorGroup is one part of the preflight.
type DoctorGroup struct {
	Name   string      `json:"name"`
	Title  string      `json:"title"`
	Checks []CheckItem `json:"checks"`
}

// AuthorizeRequest begins a consent.
type AuthorizeRequest struct {
	Connection string `json:"connection"`
	// RedirectURL overrides the connection's redirect_url: the address of a listener on this machine.
	RedirectURL string `json:"redirect_url,omitempty"`
	// ClientID and ClientSecret, when given, replace those that are kept.
	ClientID     string `json:"client_id,omitempty"`
	ClientSecret string `json:"client_secret,omitempty"`
}

// AuthorizeResult is where a person consents.
type AuthorizeResult struct {
	URL         string `json:"url"`
	State       string `json:"state"`
	RedirectURL string `json:"redirect_url"`
}

// ConsentRequest ends a consent.
type ConsentRequest struct {
	Connection string `json:"connection"`
	State      string `json:"state"`
	// Answer is the address that the page led back to, or the code alone.
	Answer string `json:"answer"`
}

// ConsentResult tells what was consented to.
type ConsentResult struct {
	Connection string `json:"connection"`
	Message    string `json:"message"`
}
