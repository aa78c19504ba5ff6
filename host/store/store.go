// Package store is what Pomost remembers between runs: configuration, secrets, links, intents, cursors, leases, records that wait
// for somebody, plans and the line-per-attempt log. Payloads are stored nowhere but in slices of that log, which come here sealed with
// their day's key; all else is keys, hashes, codes and amounts.
//
// The interface is small so that SQLite (the default) and PostgreSQL keep the same promises; storetest holds the suite that
// every implementation passes.
package store

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/pomost/pomost/sdk/record"
)

// Store keeps the state of one home. Safe for concurrent use. Every method that changes something returns after the change
// is durable (synchronous FULL); each change is all or nothing.
type Store interface {
	// SaveRevision keeps a new revision of the configuration and returns its number, which grows by one.
	SaveRevision(ctx context.Context, r Revision) (int64, error)
	// Revision returns the newest revision; ErrNotFound when nothing was applied yet.
	Revision(ctx context.Context) (Revision, error)

	// Secrets returns all secrets of a connection by name, decrypted; an empty map when there are none.
	Secrets(ctx context.Context, connection string) (map[string]string, error)
	// PutSecrets sets the given secrets of a connection (encrypted at rest) and deletes those whose value is "".
	PutSecrets(ctx context.Context, connection string, secrets map[string]string) error

	// Acquire takes a lease or fails with *HeldError. Whoever gets it gets a new, higher term.
	Acquire(ctx context.Context, name, holder string, now, until time.Time) (Lease, error)
	// Renew prolongs a lease that is still held under its term, else ErrLost.
	Renew(ctx context.Context, l Lease, until time.Time) error
	// Release gives a lease back; a lease already lost is no error.
	Release(ctx context.Context, l Lease) error
	// ReleaseAll frees every lease: only the owner of the home lock may call it, at its start.
	ReleaseAll(ctx context.Context) error

	// SaveRun inserts or replaces a run by its ID. Runs returns the newest runs of a flow ("" all flows), newest first.
	SaveRun(ctx context.Context, r Run) error
	Runs(ctx context.Context, flow string, limit int) ([]Run, error)

	// Cursor returns the cursor of a flow's object, nil when there is none.
	Cursor(ctx context.Context, flow, object string) ([]byte, error)
	// Links returns the links of the given ends, in their order; a missing one has ID 0.
	Links(ctx context.Context, ends []End, other string) ([]Link, error)
	// Records returns the remembered records that match, oldest first.
	Records(ctx context.Context, f RecordFilter) ([]Record, error)
	// RecordCounts counts the remembered records by flow, status and cause.
	RecordCounts(ctx context.Context) ([]RecordCount, error)
	// Pause remembers since when a flow is not run by its schedule; the zero time ends that. Paused returns the flows that are paused.
	Pause(ctx context.Context, flow string, since time.Time) error
	Paused(ctx context.Context) (map[string]time.Time, error)
	// Intents returns the intents that have no final state yet, oldest first; flow "" is all flows.
	Intents(ctx context.Context, flow string) ([]Intent, error)
	// OpenIntent makes an intent durable and returns its ID. It fails with *BusyError when another open intent has the same
	// destination connection, object and identity: works on one identity are serialised.
	OpenIntent(ctx context.Context, i Intent) (int64, error)
	// Commit applies a change in one transaction. A change whose lease is no longer held under its term is refused with
	// ErrLost and nothing of it is done. It sets the ID of each line in c.Log.
	Commit(ctx context.Context, c Change) error

	// SavePlan and Plan keep plans; ErrNotFound for an unknown id.
	SavePlan(ctx context.Context, p Plan) error
	Plan(ctx context.Context, id string) (Plan, error)

	// Log returns log lines that match, oldest first.
	Log(ctx context.Context, f LogFilter) ([]LogLine, error)
	// Slices returns the slices of log lines, by line and in the order in which they came; Log is set in each.
	Slices(ctx context.Context, logs []int64) ([]Slice, error)
	// DropSlices removes at most limit slices of days before the given one and returns how many it removed: fewer than limit means
	// that none is left.
	DropSlices(ctx context.Context, before record.Date, limit int) (int, error)

	Close() error
}

// Errors that stores return.
var (
	ErrNotFound = errors.New("not found")
	ErrLost     = errors.New("the lease was lost to another host")
)

// HeldError says who holds a lease.
type HeldError struct {
	Name, Holder string
	Until        time.Time
}

func (e *HeldError) Error() string {
	return fmt.Sprintf("%s is held by %s until %s", e.Name, e.Holder, e.Until.UTC().Format(time.RFC3339))
}

// BusyError says which open intent stands in the way.
type BusyError struct{ Intent Intent }

func (e *BusyError) Error() string {
	return fmt.Sprintf("record %s of flow %s has an open intent on the same %s", e.Intent.Key, e.Intent.Flow, e.Intent.Object)
}

// Revision is one state of the configuration, without secrets.
type Revision struct {
	Number int64
	Time   time.Time
	Config []byte // canonical JSON of flow.Config
}

// Lease is a right with a term.
type Lease struct {
	Name, Holder string
	Term         int64
	Until        time.Time
}

// Run is one execution of a flow.
type Run struct {
	ID, Flow       string
	Trigger        string // command, plan, schedule, retry
	Status         string // running, done, failed, stopped
	Started, Ended time.Time
	Counts         Counts
	Error          string
}

// Counts are of source records of one run: Read = Created + Updated + Unchanged + Skipped + Held + Failed.
type Counts struct {
	Read      int `json:"read"`
	Created   int `json:"created"`
	Updated   int `json:"updated"`
	Unchanged int `json:"unchanged"`
	Skipped   int `json:"skipped"`
	Held      int `json:"held"`
	Failed    int `json:"failed"`
}

// End is one end of a link: a record in a connection.
type End struct {
	Connection, Object, Key string
}

// Link is the remembered identity of a record on both sides of a pair of connections. It is found from either end.
type Link struct {
	ID   int64
	A, B End // A is the end that was the source when the link was made
	// Kind is the word of the flow's subject: order, customer, address, product.
	Kind string
	// Source is the fingerprint of the source record's relevant fields when it was last carried over.
	Source record.Fingerprint
	// Sent and Observed hold per field of B the short hash of what was sent and of what was then seen there.
	Sent, Observed map[string]string
	// Verified is "verified", "differs", "unverifiable", "not yet" (written, not yet compared) or "" (not written by us).
	Verified         string
	Created, Updated time.Time
}

// IntentState is where an intent stands.
type IntentState string

// States of an intent. Open, Unknown and GivenUp are not final: nothing else may be attempted on the same identity.
const (
	IntentOpen    IntentState = "open"     // about to be attempted, or attempted and not answered
	IntentUnknown IntentState = "unknown"  // attempted, the outcome is not known
	IntentDone    IntentState = "done"     // answered: done
	IntentAdopted IntentState = "adopted"  // found to be done
	IntentRefused IntentState = "refused"  // answered: nothing was done
	IntentAbsent  IntentState = "absent"   // looked up everywhere: nothing was done
	IntentGivenUp IntentState = "given_up" // a person must decide
)

// Intent is the durable word that an effect is about to be attempted.
type Intent struct {
	ID   int64
	Flow string
	Run  string
	Key  string // of the source record
	// Connection, Object and Action tell the effect; Step is the action's name in the record's graph ("debtor", "order").
	Connection, Object, Action, Step string
	// Identity is the keyed hash of the destination identity (the e-mail of a debtor, the reference of an order).
	Identity string
	// Fingerprint is of the outgoing record, Source of the source record's relevant fields.
	Fingerprint, Source record.Fingerprint
	// Reference is what the effect can be looked up by; Expect what must agree before it is adopted (keys, dates, amounts).
	Reference string
	Expect    map[string]string
	State     IntentState
	Opened    time.Time
	NotAfter  time.Time // no request of it starts later
	Settled   time.Time // when a request of it can no longer land
	ResultKey string    // the destination's key, when done or adopted
	Cause     string
}

// RecordStatus is why a record is remembered.
type RecordStatus string

// Statuses of remembered records. A record that is done is not remembered here: its link is.
const (
	RecordHeld    RecordStatus = "held"
	RecordFailed  RecordStatus = "failed"
	RecordWatched RecordStatus = "watched"
	RecordPending RecordStatus = "pending" // an effect's outcome is still open
	// RecordSkipped is one that a person decided to leave out: it stays so until it changes in the source.
	RecordSkipped RecordStatus = "skipped"
)

// Record is a source record that waits: for a person, for a system, for a status, or for an outcome.
type Record struct {
	Flow, Key string
	Status    RecordStatus
	Cause     string // stable code (DESIGN section 7); empty for watched
	Reason    string // one sentence, without personal data
	Remedy    string
	Attempts  int
	Since     time.Time // when it first got this status and cause
	Updated   time.Time
	// Label is what people call the record (an order number); Date the document's date, for ending a watch.
	Label string
	Date  record.Date
	// Source and Revision are what a failed record was attempted with: its own fingerprint and the configuration. While both stay,
	// reading it again is no reason to attempt it again.
	Source   record.Fingerprint
	Revision int64
}

// RecordFilter selects remembered records; empty fields match all. As everywhere, the name of a flow means its lanes (NAME:LANE) too.
type RecordFilter struct {
	Flow     string
	Statuses []RecordStatus
	Keys     []string
	Cause    string
}

// RecordCount is how many records of a flow wait in one status for one cause.
type RecordCount struct {
	Flow   string
	Status RecordStatus
	Cause  string
	Count  int
}

// Change is what one step alters, applied in one transaction.
type Change struct {
	Lease   Lease    // zero: no lease needed (a person's command under the home lock)
	Links   []Link   // Sent and Observed are added to what the link of the same two records remembers: all flows of a pair share it
	Records []Record // set; Attempts is counted up and Since kept by the store while status and cause stay
	Forget  []Record // remove by Flow and Key: the record is done
	Settle  []Settlement
	Cursors []Cursor
	Log     []LogLine
	Slices  []Slice // durable with the lines that they belong to
}

// Settlement moves an intent to a new state.
type Settlement struct {
	ID        int64
	State     IntentState
	ResultKey string
	Cause     string
	Settled   time.Time // for IntentUnknown: when to look
}

// Cursor is how far a flow has read an object.
type Cursor struct {
	Flow, Object string
	Value        []byte // nil removes it
}

// Plan is what a run would do, by keys and hashes.
type Plan struct {
	ID, Flow string
	Created  time.Time
	Revision int64
	Items    []PlanItem
}

// PlanItem is the decision for one record. The hashes are of the source record, of the destination records looked at, and of
// the outgoing records.
type PlanItem struct {
	Key, Action                   string
	Source, Destination, Outgoing string
}

// LogLine is one attempt at one record, or one event of a run. It holds no payload: its slices do.
type LogLine struct {
	ID int64 `json:"-"`
	// Label is what people call the record, sealed with the day's key; LabelHash the keyed hash that it is found by, 0 for none.
	Label     []byte `json:"-"`
	LabelHash int64  `json:"-"`

	Time    time.Time `json:"time"`
	Flow    string    `json:"flow"`
	Run     string    `json:"run,omitempty"`
	Key     string    `json:"key,omitempty"`
	Step    string    `json:"step,omitempty"`
	Action  string    `json:"action,omitempty"`
	Object  string    `json:"object,omitempty"`
	Outcome string    `json:"outcome"`
	Result  string    `json:"result,omitempty"` // the destination's key
	Cause   string    `json:"cause,omitempty"`
	Message string    `json:"message,omitempty"`
	Millis  int64     `json:"millis"`
}

// LogFilter selects log lines; empty fields match all.
type LogFilter struct {
	Flow string
	// Key and LabelHash select lines that have the one or the other, where both are given.
	Key            string
	LabelHash      int64
	Cause, Outcome string
	Since, Until   time.Time // Until is not included
	After          int64     // the ID of the last line already seen
	// Limit is the most lines to return; Newest takes the last ones of those that match instead of the first.
	Limit  int
	Newest bool
}
