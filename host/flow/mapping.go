package flow

import (
	"slices"
	"strings"

	"github.com/pomost/pomost/sdk/record"
)

// Context holds the records that rules read from, by the first word of a path: "customer" in "customer.address.city".
type Context map[string]record.Record

// Warning is something that a person should know about a mapped record; it stops nothing.
type Warning struct{ Field, Message string }

// Hold is a reason why a record cannot be written as it is.
type Hold struct {
	Cause, Field, Message, Remedy string
	// Missing: the field is needed and the source has nothing for it. Where the destination has, nothing is wrong.
	Missing bool
}

// Ref tells that a field is filled from a path, whether or not there was a value in it: a value that an earlier step is yet
// to return goes into the fields that refer to it.
type Ref struct{ Field, Path string }

// Mapped is the outcome of mapping one record.
type Mapped struct {
	Record   record.Record
	Warnings []Warning
	Holds    []Hold
	Refs     []Ref
	// Calls are the functions whose results were not among those given: the record is whole once they are.
	Calls []Call
	// Assumed are the fields whose value the record itself does not state: a default, or what the settings say. Such a value never replaces
	// one that is there.
	Assumed []string
}

// Call is one use of a function for one record. Equal calls give equal results.
type Call struct {
	Function string
	Args     []record.Value
}

// ID identifies a call.
func (c Call) ID() string {
	return c.Function + ":" + record.FingerprintOfValue(record.List(c.Args...)).String()
}

// Result is what a function gave: its version and its outputs by name, or why it gave none.
type Result struct {
	Version string
	Outputs map[string]record.Value
	// Failure is why there is no answer, with its remedy.
	Failure, Remedy string
}

// Results are known results by the ID of their call.
type Results map[string]Result

// Signature is what a function takes, in order, and gives by name.
type Signature struct {
	Inputs  []record.Kind
	Outputs map[string]record.Kind
}

// Mark says when a field is written to a record that exists already.
type Mark string

// The marks. A field without one has MarkUpdate.
const (
	MarkUpdate    Mark = "update"     // always
	MarkCreate    Mark = "create"     // only when the record is created
	MarkWhenEmpty Mark = "when_empty" // only when the destination's field is empty
	MarkNever     Mark = "never"      // not even then: the rule is switched off
)

// Length says what becomes of a text that is longer than the field.
type Length string

// The policies for lengths. A field without one has LengthHold.
const (
	LengthHold Length = "hold"
	LengthCut  Length = "cut"  // at the end of a word, with a warning
	LengthDrop Length = "drop" // the field is left out, with a warning
)

// Rule makes one field. Exactly one of From, Join, Any, Expression, Function, Const, Record, Rows and RestOf says where the value comes from.
type Rule struct {
	Field string
	// From are paths; the first that is not empty is taken.
	From []string
	// Join are paths whose texts are put together with Separator; empty ones and repetitions are left out.
	Join      []string
	Separator string
	// Any are paths; the value is true when one of them is true, not zero or not empty.
	Any []string
	// Expression computes the value.
	Expression *Expression
	// Function is called with the values at the paths Takes; its output Gives is the value. The field is emptied where the output Needs is empty:
	// the function was not sure.
	Function     string
	Takes        []string
	Gives, Needs string
	// Follows names a field before this one: to a record that exists this one is written when, and only when, that one is.
	Follows string
	// Const and Default are literals; Default stands where nothing else gave a value.
	Const, Default string
	HasDefault     bool
	// Record makes a nested record, Rows a list of records, each out of one element of a list.
	Record *Mapping
	Rows   *Rows
	// RestOf names a field before this one whose text is divided between the two: what it has no room for goes here. Where nothing is left over,
	// this field is emptied: the two are one text and are written together.
	RestOf string
	// Table translates the value's text. A value that is not in it holds the record.
	Table map[string]string
	// Do are transforms, applied in order.
	Do []Step
	// When is a path: the rule applies where it is true or not empty. "!path" negates; a bool that is not stated satisfies neither.
	When string
	// NotEqual is a path: the field is left out where its value is the same, and where there is nothing to compare with.
	NotEqual string
	Length   Length
	// Optional: the rule is left out where the account's schemas do not have its field or paths.
	Optional bool
	// Required: an empty value holds the record.
	Required bool
	Mark     Mark
	// Fixed: a record keeps the value that it was made with, whatever mark a flow's settings give the field.
	Fixed bool
	// Overridden: the flow says so, and not the recipe.
	Overridden bool
	// Differs is "hold" where a value of ours that differs from a filled field of the destination holds the record.
	Differs string

	when, notEqual source
	from           []source
	divided        bool // another rule takes what this field has no room for
}

// Rows makes a list: each element of the list at From, named As in paths, becomes a record by the mapping.
type Rows struct {
	From, As string
	Mapping  *Mapping
	from     source
}

// Step is one named transform with the path of its argument, if it takes one.
type Step struct {
	Name, Arg string
	arg       source
}

// Mapping is a list of rules that make a record.
type Mapping struct {
	rules []Rule
	root  string
}

// linesPath is the list of outgoing rows that the engine passes beside the context.
const linesPath = "lines"

// Rules are the rules in order. They must not be changed.
func (m *Mapping) Rules() []Rule { return m.rules }

// source is a path made ready: its context and the names below it.
type source struct {
	context string
	path    string
}

// parsePath splits a path; in a mapping with a root, what does not begin with a row's name is a path in the root's record.
func parsePath(p, root string, as []string) source {
	head, rest, _ := strings.Cut(p, ".")
	if root != "" && !slices.Contains(as, head) {
		return source{root, p}
	}
	return source{head, rest}
}

func (s source) get(ctx Context) record.Value {
	rec, ok := ctx[s.context]
	if !ok {
		return record.Absent()
	}
	if s.path == "" {
		return record.Nested(rec)
	}
	return rec.Path(s.path)
}

// bind resolves the paths of all rules; as are the names of the rows that the mapping stands in.
func (m *Mapping) bind(root string, as []string) {
	m.root = root
	for i := range m.rules {
		r := &m.rules[i]
		r.from = nil // bound again after an override
		for _, p := range r.paths() {
			r.from = append(r.from, parsePath(p, root, as))
		}
		if r.When != "" {
			r.when = parsePath(strings.TrimPrefix(r.When, "!"), root, as)
		}
		if r.NotEqual != "" {
			r.notEqual = parsePath(r.NotEqual, root, as)
		}
		for j := range r.Do {
			if r.Do[j].Arg != "" {
				r.Do[j].arg = parsePath(r.Do[j].Arg, root, as)
			}
		}
		if lead := m.rule(r.RestOf); lead != nil {
			lead.divided = true
			r.From, r.Join, r.Any = lead.From, lead.Join, lead.Any // for those who ask where the value comes from
			r.from = lead.from
		}
		if r.Record != nil {
			r.Record.bind(root, as)
		}
		if r.Rows != nil {
			r.Rows.from = parsePath(r.Rows.From, root, as)
			r.Rows.Mapping.bind(root, append(slices.Clone(as), r.Rows.As))
		}
	}
}

// rule finds the rule of a field, nil where there is none.
func (m *Mapping) rule(field string) *Rule {
	for i := range m.rules {
		if field != "" && m.rules[i].Field == field {
			return &m.rules[i]
		}
	}
	return nil
}

// Paths are the paths that the value comes from, those of a nested record or of rows included.
func (r *Rule) Paths() []string {
	out := slices.Clone(r.paths())
	switch {
	case r.Record != nil:
		for i := range r.Record.rules {
			out = append(out, r.Record.rules[i].Paths()...)
		}
	case r.Rows != nil:
		out = append(out, r.Rows.From)
	}
	return out
}

// paths are the paths that a rule's value comes from.
func (r *Rule) paths() []string {
	switch {
	case len(r.From) > 0:
		return r.From
	case len(r.Join) > 0:
		return r.Join
	case r.Expression != nil:
		return r.Expression.paths
	case r.Function != "":
		return r.Takes
	}
	return r.Any
}
