// Package decide is the pure half of the engine: Decide(record, facts, links, settings) → look-ups it needs, or what to do. It
// does no I/O, reads no clock and keeps nothing, so that preview, rehearsal, replay and the live run can never disagree.
package decide

import (
	"fmt"
	"slices"
	"strings"

	"github.com/pomost/pomost/host/flow"
	"github.com/pomost/pomost/sdk/connector"
	"github.com/pomost/pomost/sdk/record"
)

// Side is one side of a flow.
type Side uint8

// The sides of a flow.
const (
	Source Side = iota + 1
	Destination
)

// Lookup asks one side for the records of an object that match a key.
type Lookup struct {
	Side   Side
	Object string
	Fields []Field
	// Around is the document's date where the object is kept by year; 0 where it is not.
	Around record.Date
}

// Field is a key field of a Lookup; values are compared as text.
type Field struct{ Name, Value string }

// ID identifies a look-up: equal questions have equal IDs.
func (l Lookup) ID() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%d|%s|%d", l.Side, l.Object, l.Around)
	for _, f := range l.Fields {
		fmt.Fprintf(&b, "|%s=%q", f.Name, f.Value)
	}
	return b.String()
}

// Answer is what a look-up found.
type Answer struct {
	Status  connector.FindStatus
	Records []record.Record
	Scopes  []string
	Reason  string
	// Cause of CannotTell, where the connector knows it.
	Cause connector.Cause
}

// Link is what is remembered of a source record's counterpart in the destination.
type Link struct {
	Key    string
	Source record.Fingerprint
	// Sent and Observed are hashes by Memory, shared by all flows of the pair.
	Sent, Observed map[string]string
	Verified       string
}

// LinkNeed asks for the link of a source record.
type LinkNeed struct{ Object, Key string }

// Facts are the answers known so far. The zero value knows nothing.
type Facts struct {
	Answers map[string]Answer
	Links   map[LinkNeed]Link // a known absence is a Link without Key
	Calls   flow.Results      // of functions
}

// Verdict is the kind of a decision.
type Verdict uint8

// The verdicts. NeedMore asks for look-ups; the others are final.
const (
	NeedMore  Verdict = iota
	Skip              // not wanted, for good
	Watch             // not wanted yet: a later change may make it wanted
	Hold              // a person must decide; nothing at all is written
	Unchanged         // already there
	Adopt             // exists in the destination without a link: bind it, write nothing
	Remember          // linked and in step, but the link is to remember more: Sent and Observed
	Act               // carry Actions out
)

// Decision is what is to become of one record.
type Decision struct {
	Verdict Verdict
	// Lookups and Links are what is needed before more can be said.
	Lookups []Lookup
	Links   []LinkNeed
	Calls   []flow.Call
	// Reason tells why in one sentence without personal data; Cause and Remedy go with Hold.
	Reason, Cause, Remedy string
	Actions               []Action
	// Recheck: a hold that rests on answers which contradict each other where something was written between the two questions. It is decided
	// afresh before it is kept.
	Recheck bool
	// Found is the destination's key for Adopt, Verified what is known of it there, for its link.
	Found    string
	Verified string
	// Sent and Observed are what the link is to remember, for Adopt and Remember.
	Sent, Observed map[string]string
	Warnings       []string
	// Source is the fingerprint of the fields that matter; Label what people call the record; Date the document's date.
	Source record.Fingerprint
	Label  string
	Date   record.Date
	Proof  *Proof
	// Relied names the destination's records that the actions rest on, by their keys ("new" for one to be made), and Main is the
	// fingerprint of what is to be sent without those keys: both are what a plan holds a later run to.
	Relied []Relied
	Main   record.Fingerprint
}

// Relied is a record of the destination on which actions rest: its key, and the step that would make it.
type Relied struct{ Step, Key string }

// Action is one effect on the destination.
type Action struct {
	Step   string // name within the record's graph: "debtor", "address", "order"
	Action connector.Action
	Object string
	Record record.Record
	// Refs are fields whose value is the key that an earlier step returns.
	Refs []Ref
	// Identity names what this effect brings into being, so that two records never make the same thing twice; "" for updates.
	// It is personal data: it is stored only as a keyed hash.
	Identity string
	// Lookup finds the effect again after a lost answer; KeyField is the object's own key in what is found.
	Lookup   Lookup
	KeyField string
	// VerifyBy is the field by whose value, the key that was returned, what was written is read back; "" reads it back by Lookup.
	VerifyBy string
	// Document: its reference, dates and amounts are no personal data and are kept with its intent.
	Document bool
	// Expect must agree with what Lookup finds before it is adopted. Values that an earlier step returns stand as "@step".
	Expect map[string]string
	// Link is the source record that the effect's key is linked to, Kind the link's kind; no link when Object is "".
	Link LinkNeed
	Kind string
	// Key is the destination's key of an update.
	Key string
	// Sent holds per field the hash of what the source says, for the link.
	Sent map[string]string
	// Seen holds per field that the other lane writes the hash of what the source has there, for the link.
	Seen map[string]string
	// Pending are paths whose fields were changed in the destination and left alone: the other lane is yet to carry them over.
	Pending []string
	Changes []Change
	// Origins tell what made each field of Record; it is called when somebody keeps them.
	Origins func() []flow.Origin
}

// Ref says that a field takes the key that a step returned.
type Ref struct{ Field, Step string }

// Change is one field of an action, for the plan.
type Change struct{ Field, From, To string }

// hold builds a decision to hold.
func hold(d Decision, cause, reason, remedy string) Decision {
	d.Verdict, d.Cause, d.Reason, d.Remedy = Hold, cause, reason, remedy
	d.Actions = nil
	return d
}

// asker gathers what is missing, so that everything that can be asked at once is.
type asker struct {
	facts   *Facts
	lookups []Lookup
	links   []LinkNeed
	calls   []flow.Call
}

// find returns the answer, or notes the question.
func (a *asker) find(l Lookup) (Answer, bool) {
	ans, ok := a.facts.Answers[l.ID()]
	if !ok && !slices.ContainsFunc(a.lookups, func(o Lookup) bool { return o.ID() == l.ID() }) {
		a.lookups = append(a.lookups, l)
	}
	return ans, ok
}

func (a *asker) link(n LinkNeed) (Link, bool) {
	l, ok := a.facts.Links[n]
	if !ok && !slices.Contains(a.links, n) {
		a.links = append(a.links, n)
	}
	return l, ok
}

// mapped makes a record with the results of functions that are known, and asks for those that are not.
func (a *asker) mapped(t *flow.Target, ctx flow.Context, lines []record.Record, schema *record.Schema) flow.Mapped {
	m := t.Map(ctx, lines, schema, a.facts.Calls)
	a.calls = append(a.calls, m.Calls...)
	return m
}

// origins tells later what made the fields of a record. The results of functions are those known now.
func (a *asker) origins(t *flow.Target, ctx flow.Context, lines []record.Record, made record.Record) func() []flow.Origin {
	known := a.facts.Calls
	return func() []flow.Origin { return t.Origins(ctx, lines, made, known) }
}

func (a *asker) pending() bool { return len(a.lookups) > 0 || len(a.links) > 0 || len(a.calls) > 0 }

func (a *asker) need(d Decision) Decision {
	d.Verdict, d.Lookups, d.Links, d.Calls = NeedMore, a.lookups, a.links, a.calls
	return d
}

// Touches reports whether writing a record may change the answer to a look-up: it may unless a stated field says
// otherwise.
func Touches(l Lookup, object string, written record.Record) bool {
	if l.Side != Destination || l.Object != object {
		return false
	}
	for _, f := range l.Fields {
		head, _, _ := strings.Cut(f.Name, ".")
		if !written.Get(head).IsAbsent() && !slices.ContainsFunc(Leaves(written, f.Name), func(v record.Value) bool { return Fold(v.String()) == Fold(f.Value) }) {
			return false
		}
	}
	return true
}

// Fold is the normalisation under which keys, e-mails and names of two systems are compared: surrounding spaces cut, inner runs
// of spaces one space, letter case ignored. Nothing else makes two values the same.
func Fold(s string) string { return strings.ToLower(strings.Join(strings.Fields(s), " ")) }

// Leaves are the values at a path; unlike Record.Path it enters lists: "Rows.ArticleNumber" is one value for each row. What is absent is not
// among them.
func Leaves(r record.Record, path string) []record.Value {
	head, rest, more := strings.Cut(path, ".")
	v := r.Get(head)
	if !more {
		if v.IsAbsent() {
			return nil
		}
		return []record.Value{v}
	}
	var out []record.Value
	list := v.AsList()
	if v.Kind() == record.KindRecord {
		list = []record.Value{v}
	}
	for _, e := range list {
		if n, ok := e.AsRecord(); ok {
			out = append(out, Leaves(n, rest)...)
		}
	}
	return out
}
