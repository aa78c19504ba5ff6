// Package decide is the pure half of the engine: Decide(record, facts, links, settings) → look-ups it needs, or what to do. It
// does no I/O, reads no clock and keeps nothing, so that preview, rehearsal, replay and the live run can never disagree.
package decide

import (
	"fmt"
	"slices"
	"strings"

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
	Key      string
	Source   record.Fingerprint
	Sent     map[string]string
	Verified string
}

// LinkNeed asks for the link of a source record.
type LinkNeed struct{ Object, Key string }

// Facts are the answers known so far. The zero value knows nothing.
type Facts struct {
	Answers map[string]Answer
	Links   map[LinkNeed]Link // a known absence is a Link without Key
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
	Act               // carry Actions out
)

// Decision is what is to become of one record.
type Decision struct {
	Verdict Verdict
	// Lookups and Links are what is needed before more can be said.
	Lookups []Lookup
	Links   []LinkNeed
	// Reason tells why in one sentence without personal data; Cause and Remedy go with Hold.
	Reason, Cause, Remedy string
	Actions               []Action
	// Found is the destination's key for Adopt, Verified what is known of it there, for its link.
	Found    string
	Verified string
	Warnings []string
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
	// Expect must agree with what Lookup finds before it is adopted. Values that an earlier step returns stand as "@step".
	Expect map[string]string
	// Link is the source record that the effect's key is linked to, Kind the link's kind; no link when Object is "".
	Link LinkNeed
	Kind string
	// Key is the destination's key of an update.
	Key string
	// Sent holds per field the hash of what the source says, for the link.
	Sent    map[string]string
	Changes []Change
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

func (a *asker) pending() bool { return len(a.lookups) > 0 || len(a.links) > 0 }

func (a *asker) need(d Decision) Decision {
	d.Verdict, d.Lookups, d.Links = NeedMore, a.lookups, a.links
	return d
}

// Touches reports whether writing a record may change the answer to a look-up: it may unless a stated field says
// otherwise.
func Touches(l Lookup, object string, written record.Record) bool {
	if l.Side != Destination || l.Object != object {
		return false
	}
	for _, f := range l.Fields {
		v := written.Get(f.Name)
		if !v.IsAbsent() && Fold(v.String()) != Fold(f.Value) {
			return false
		}
	}
	return true
}

// Fold is the normalisation under which keys, e-mails and names of two systems are compared: surrounding spaces cut, inner runs
// of spaces one space, letter case ignored. Nothing else makes two values the same.
func Fold(s string) string { return strings.ToLower(strings.Join(strings.Fields(s), " ")) }
