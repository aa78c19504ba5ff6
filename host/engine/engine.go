// Package engine carries records from one connection to another: read → decide → perform. Decisions are pure and live in
// package decide; this package asks what they need, carries their actions out, and keeps the promises of the design.
//
// The promises, cited by number at the lines that keep them:
//
//  1. Never twice: an intent is durable before a write; an outcome that is not known is looked up after the settle time, twice.
//  2. Never lost: a cursor moves only past records that are done, held, watched or failed and remembered.
//  3. One bad record stops only itself.
//  4. In order per record and per destination identity.
//  5. No echo: links keep hashes of what was sent.
//  6. Nothing is deleted or zeroed from absence.
//  7. A run always ends; two runs of one flow never overlap.
package engine

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/pomost/pomost/host/engine/decide"
	"github.com/pomost/pomost/host/flow"
	"github.com/pomost/pomost/host/store"
	"github.com/pomost/pomost/sdk/connector"
	"github.com/pomost/pomost/sdk/record"
)

// Clock tells and spends time, so that simulations need none.
type Clock interface {
	Now() time.Time
	// Sleep returns after d, or earlier with the context's error.
	Sleep(ctx context.Context, d time.Duration) error
}

// Engine runs flows. Safe for concurrent use; the lease keeps two runs of one flow apart.
type Engine struct {
	Store  store.Store
	Clock  Clock
	Holder string // who we are, for leases
	// HashKey gives the keyed hash of a personal natural key.
	HashKey func(domain, text string) string
	// Progress is told what is going on; may be nil.
	Progress func(Event)
	// Recorder seals what the activity log keeps beside its lines; nil keeps none.
	Recorder Recorder
	// NewID makes the ID of a run or plan.
	NewID func() string
}

// Event is one piece of progress.
type Event struct {
	Flow, Run string
	Counts    store.Counts
	Message   string
	Wait      time.Duration
}

// End is one side of a flow: a named, open connection.
type End struct {
	Name       string
	Connection connector.Connection
	// Settle is how long a request without an answer can still land.
	Settle time.Duration
	// LookBack is how far before its cursor reading begins.
	LookBack time.Duration
}

// Flow is a flow made ready to run.
type Flow struct {
	// Name is the flow's, with the lane's behind it where it has two: customers:to_eaccounting.
	Name                string
	Source, Destination End
	Decider             Decider
	// Crosses is the name of the lane the other way where records travel both ways; Second: that one comes first, and has the word at first
	// contact.
	Crosses  string
	Second   bool
	Revision int64
	// Scan: each run reads all records from the beginning, since the source's stamps do not tell what changed.
	Scan bool
	// Prepare, when not nil, finds out afresh at the start of each run and plan what decisions depend on beside records and look-ups.
	Prepare func(ctx context.Context) error
	// Call calls functions and returns one result per call, in order. nil: the flow calls none.
	Call func(ctx context.Context, calls []flow.Call) ([]flow.Result, error)
}

// Lease is the name of the lease on a flow: its lanes share it.
func (f *Flow) Lease() string {
	name, _, _ := strings.Cut(f.Name, ":")
	return "flow:" + name
}

// Decider decides about the records of one flow. It is pure.
type Decider interface {
	// Words are how its records are called.
	Words() decide.Words
	// Object is the source's object that is read; Where may narrow what is read.
	Object() string
	// Target is the destination's object that a record becomes.
	Target() string
	Where() []connector.Condition
	// Key is a source record's key.
	Key(record.Record) string
	// ByKey is the look-up of a source record by its key.
	ByKey(key string) decide.Lookup
	// Decide says what is to become of a record, or what it needs to know.
	Decide(record.Record, *decide.Facts) decide.Decision
	// Triggers are further objects of the source whose changes give watched records another look.
	Triggers() []decide.Trigger
	// Found reads what a look-up of a step's effect found: its key and what must agree with what was sent.
	Found(step string, rec record.Record) (key string, facts map[string]string)
	// Observed is what a link is to remember of a source record and of what was read back in the destination after it was written there.
	Observed(source, destination record.Record, pending []string, known flow.Results) decide.Observed
	// Again is the look-up of the main effect by its stored reference, for an intent whose record cannot be decided again.
	Again(intent store.Intent) (decide.Lookup, bool)
}

// Bounds of a run.
const (
	leaseTerm    = 60 * time.Second
	leaseBeat    = 15 * time.Second
	batchSize    = 100    // records decided together; small enough that facts stay fresh
	findSize     = 100    // keys a Find call
	maxRounds    = 12     // rounds of look-ups a decision may need
	maxQueue     = 10_000 // records that wait for an outcome within a run
	maxDeferrals = 5      // times a record is taken up again within one run
	maxRetries   = 3      // times an effect that certainly was not done is tried again at once
	lostInARow   = 3      // writes without an answer after which it is looked whether the destination is there at all
	lookGap      = 500 * time.Millisecond
	finishTime   = 5 * time.Second  // for the record at hand when the run is being stopped
	keepTime     = 10 * time.Second // for remembering what became of an effect when the run is being stopped
)

// Error is a run's failure: which connection, which record, why, what to do.
type Error struct {
	Flow, Connection, Record string
	Err                      *connector.Error
}

func (e *Error) Error() string {
	s := e.Err.Error()
	if e.Record != "" {
		s = fmt.Sprintf("record %s: %s", e.Record, s)
	}
	if e.Connection != "" {
		s = fmt.Sprintf("connection %s: %s", e.Connection, s)
	}
	return s
}

// Unwrap returns the typed cause.
func (e *Error) Unwrap() error { return e.Err }

// on names the connection that an error came from.
func on(flow string, end End, err error) error {
	if err == nil {
		return nil
	}
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) && errors.Is(err, errStopped) {
		return err
	}
	var e *Error
	if errors.As(err, &e) || store.CodeOf(err) != "" { // our own state in the middle of a read is none of the system's
		return err
	}
	return &Error{Flow: flow, Connection: end.Name, Err: connector.AsError(err)}
}

var errStopped = errors.New("stopped")
