package flow

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/pomost/pomost/sdk/connector"
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

// Map makes a record of the schema out: a canonical schema, or the destination's as discovered. lines are the outgoing rows
// for rules with rows from "lines"; known are results of functions. It is pure, and reports everything that is wrong at once.
func (m *Mapping) Map(ctx Context, lines []record.Record, out *record.Schema, known ...Results) Mapped {
	e := evaluation{ctx: ctx, lines: lines, refs: m.root == "", known: known, rest: map[string]string{}}
	e.result.Record = e.record(m, out, "")
	return e.result
}

// evaluation is one run of a mapping.
type evaluation struct {
	ctx    Context
	lines  []record.Record
	refs   bool // only what is written refers to earlier steps
	known  []Results
	result Mapped
	rest   map[string]string // by field: what it had no room for
}

func (e *evaluation) hold(cause connector.Cause, field, message, remedy string) {
	e.result.Holds = append(e.result.Holds, Hold{Cause: string(cause), Field: field, Message: message, Remedy: remedy})
}

func (e *evaluation) warn(field, message string) {
	e.result.Warnings = append(e.result.Warnings, Warning{field, message})
}

func (e *evaluation) record(m *Mapping, out *record.Schema, prefix string) record.Record {
	rec := record.New(out)
	for i := range m.rules {
		r := &m.rules[i]
		at, ok := out.Index(r.Field)
		if !ok || r.Mark == MarkNever {
			if !ok && !r.Optional {
				e.hold(connector.CauseInvalidValue, prefix+r.Field, prefix+r.Field+" does not exist in this account", "run apply again: it shows what the recipe needs")
			}
			continue
		}
		if r.When != "" && !e.applies(r) {
			continue
		}
		rec.Values[at] = e.rule(r, out.Fields[at], prefix+r.Field)
	}
	return rec
}

// applies tests a rule's condition.
func (e *evaluation) applies(r *Rule) bool {
	v := r.when.get(e.ctx)
	negated := strings.HasPrefix(r.When, "!")
	if v.Kind() == record.KindBool {
		return v.AsBool() != negated
	}
	if v.IsEmpty() {
		// Not to know is not the same as no: what a private person must not send is not sent when we cannot tell either.
		return negated && !e.isBool(r.when)
	}
	return !negated
}

func (e *evaluation) isBool(s source) bool {
	f, ok := e.ctx[s.context].Schema.Field(s.path)
	return ok && f.Type.Kind == record.KindBool
}

// rule makes one field's value.
func (e *evaluation) rule(r *Rule, f record.Field, name string) record.Value {
	switch {
	case r.Record != nil:
		if f.Type.Kind != record.KindRecord {
			e.hold(connector.CauseInvalidValue, name, fmt.Sprintf("%s is %s, not a record", name, f.Type.Kind), "correct the recipe")
			return record.Absent()
		}
		rec := e.record(r.Record, f.Type.Record, name+".")
		if !slices.ContainsFunc(rec.Values, func(v record.Value) bool { return !v.IsEmpty() }) {
			return e.empty(r, name)
		}
		return record.Nested(rec)
	case r.Rows != nil:
		return e.rows(r, f, name)
	case r.RestOf != "":
		return e.remainder(r, f, name)
	}
	v, assumed, err := e.value(r)
	if err == nil && !v.IsEmpty() {
		for _, s := range r.Do {
			if v, err = s.apply(v, e.ctx); err != nil || v.IsEmpty() {
				break
			}
		}
	}
	if err != nil {
		e.invalid(name, err)
		return record.Absent()
	}
	if e.refs && name == r.Field {
		for _, p := range r.From {
			e.result.Refs = append(e.result.Refs, Ref{name, p})
		}
	}
	if v.IsEmpty() {
		if r.Function != "" && v.Kind() == record.KindNull && !r.HasDefault && !r.Required {
			return v
		}
		if !r.HasDefault {
			return e.empty(r, name)
		}
		v, assumed = record.Text(r.Default), true
	} else if r.Table != nil {
		to, ok := r.Table[v.String()]
		if !ok {
			e.hold("value_unmapped", name, fmt.Sprintf("%s: there is no translation of %q", name, clip(v.String())), "complete the translation, or change the value in the source")
			return record.Absent()
		}
		v = record.Text(to)
	}
	if r.NotEqual != "" {
		other := r.notEqual.get(e.ctx)
		if other.IsEmpty() || strings.EqualFold(strings.TrimSpace(other.String()), strings.TrimSpace(v.String())) {
			return record.Absent()
		}
	}
	if assumed {
		e.result.Assumed = append(e.result.Assumed, name)
	}
	return e.fit(r, v, f, name)
}

// value fetches what a rule starts from, and tells whether the settings say it in place of the record.
func (e *evaluation) value(r *Rule) (v record.Value, assumed bool, err error) {
	switch {
	case len(r.From) > 0:
		for _, s := range r.from {
			if v := s.get(e.ctx); !v.IsEmpty() {
				return v, s.context == SettingsContext, nil
			}
		}
		return record.Absent(), false, nil
	case len(r.Join) > 0:
		var parts []string
		for _, s := range r.from {
			v := s.get(e.ctx)
			if v.Kind() == record.KindList || v.Kind() == record.KindRecord {
				return v, false, fmt.Errorf("a %s cannot be joined", v.Kind())
			}
			t := strings.TrimSpace(v.String())
			if t != "" && !slices.Contains(parts, t) {
				parts = append(parts, t)
			}
		}
		return record.Text(strings.Join(parts, r.Separator)), false, nil
	case len(r.Any) > 0:
		stated := false
		for _, s := range r.from {
			v := s.get(e.ctx)
			if truthy(v) {
				return record.Bool(true), false, nil
			}
			stated = stated || !v.IsAbsent()
		}
		if !stated {
			return record.Absent(), false, nil
		}
		return record.Bool(false), false, nil
	}
	if r.Expression != nil {
		v, err := r.Expression.Eval(func(path string) record.Value {
			return r.from[slices.Index(r.Expression.paths, path)].get(e.ctx)
		})
		return v, false, err
	}
	if r.Function != "" {
		v, err := e.call(r)
		return v, false, err
	}
	return record.Text(r.Const), false, nil
}

// call takes a function's result, or notes that it is wanted.
func (e *evaluation) call(r *Rule) (record.Value, error) {
	c := Call{Function: r.Function}
	stated := false
	for _, s := range r.from {
		v := s.get(e.ctx)
		c.Args, stated = append(c.Args, v), stated || !v.IsEmpty()
	}
	if !stated {
		return record.Absent(), nil
	}
	id := c.ID()
	for _, known := range e.known {
		res, ok := known[id]
		switch {
		case !ok:
			continue
		case res.Failure != "":
			e.hold("function_failed", r.Field, r.Field+": "+res.Failure, res.Remedy)
			return record.Absent(), nil
		case r.Needs != "" && res.Outputs[r.Needs].IsEmpty():
			return record.Null(), nil // not sure: what was said before is not true any more
		}
		return res.Outputs[r.Gives], nil
	}
	if !slices.ContainsFunc(e.result.Calls, func(o Call) bool { return o.ID() == id }) {
		e.result.Calls = append(e.result.Calls, c)
	}
	return record.Absent(), nil
}

// truthy is what any asks: true, not zero, not empty.
func truthy(v record.Value) bool {
	switch v.Kind() {
	case record.KindBool:
		return v.AsBool()
	case record.KindList:
		return len(v.AsList()) > 0
	}
	if d, ok := v.AsDecimal(); ok {
		return !d.IsZero()
	}
	return !v.IsEmpty()
}

func (e *evaluation) empty(r *Rule, name string) record.Value {
	if r.Required {
		e.result.Holds = append(e.result.Holds, Hold{Cause: string(connector.CauseInvalidValue), Field: name, Missing: true,
			Message: name + " is needed, but the source has no value for it", Remedy: "complete the record in the source"})
	}
	return record.Absent()
}

func (e *evaluation) invalid(name string, err error) {
	e.hold(connector.CauseInvalidValue, name, name+": "+err.Error(), "correct the value in the source")
}

// rows makes a list of records.
func (e *evaluation) rows(r *Rule, f record.Field, name string) record.Value {
	if f.Type.Kind != record.KindList || f.Type.Elem.Kind != record.KindRecord {
		e.hold(connector.CauseInvalidValue, name, fmt.Sprintf("%s is %s, not a list of records", name, f.Type.Kind), "correct the recipe")
		return record.Absent()
	}
	var elements []record.Record
	if r.Rows.From == linesPath {
		elements = e.lines
	} else {
		v := r.Rows.from.get(e.ctx)
		if v.IsAbsent() || v.Kind() == record.KindNull {
			return e.empty(r, name)
		}
		for _, el := range v.AsList() {
			if rec, ok := el.AsRecord(); ok {
				elements = append(elements, rec)
			}
		}
	}
	if len(elements) == 0 && r.Required {
		return e.empty(r, name)
	}
	outer := e.ctx
	e.ctx = make(Context, len(outer)+1)
	for k, v := range outer {
		e.ctx[k] = v
	}
	out := make([]record.Value, 0, len(elements))
	for i, el := range elements {
		e.ctx[r.Rows.As] = el
		out = append(out, record.Nested(e.record(r.Rows.Mapping, f.Type.Elem.Record, fmt.Sprintf("%s[%d].", name, i+1))))
	}
	e.ctx = outer
	return record.List(out...)
}

// fit converts a value to its field's kind and applies the field's limits.
func (e *evaluation) fit(r *Rule, v record.Value, f record.Field, name string) record.Value {
	v, err := Convert(v, f.Type.Kind)
	if err != nil {
		e.invalid(name, err)
		return record.Absent()
	}
	switch v.Kind() {
	case record.KindText:
		return e.fitText(r, v.AsText(), f, name)
	case record.KindDecimal:
		if d, _ := v.AsDecimal(); f.Decimals >= 0 && int(d.Places()) > f.Decimals {
			e.hold(connector.CauseInvalidValue, name, fmt.Sprintf("%s: the destination keeps %d decimals, the value is %s", name, f.Decimals, d), "change the value or its unit in the source")
			return record.Absent()
		}
	}
	return v
}

func (e *evaluation) fitText(r *Rule, t string, f record.Field, name string) record.Value {
	if f.Upper {
		t = strings.ToUpper(t)
	}
	// No system keeps these: an order that has them is better held as a whole than refused half done.
	if !utf8.ValidString(t) || strings.ContainsFunc(t, func(c rune) bool { return unprintable(c, f.Length > 0 && f.Length <= longLine) }) {
		e.hold(connector.CauseInvalidValue, name, name+" holds control characters", "correct the value in the source")
		return record.Absent()
	}
	n := runes(t)
	if r.divided {
		e.rest[name] = ""
	}
	if f.Length <= 0 || n <= f.Length {
		return record.Text(t)
	}
	if r.divided {
		line, rest := Divide(t, f.Length)
		e.rest[name] = rest
		t, n = line, runes(line)
		if n <= f.Length {
			return record.Text(t)
		}
	}
	switch r.Length {
	case LengthCut:
		cut := Cut(t, f.Length)
		e.warn(name, fmt.Sprintf("cut from %d to %d characters; the field takes %d", n, runes(cut), f.Length))
		return record.Text(cut)
	case LengthDrop:
		e.warn(name, fmt.Sprintf("left out: it has %d characters, the field takes %d", n, f.Length))
	default:
		e.hold(connector.CauseLength, name, fmt.Sprintf("%s has %d characters, the field takes %d", name, n, f.Length), "shorten the value in the source")
	}
	return record.Absent()
}

// remainder is what the field before had no room for.
func (e *evaluation) remainder(r *Rule, f record.Field, name string) record.Value {
	lead := strings.TrimSuffix(name, r.Field) + r.RestOf
	rest, stated := e.rest[lead]
	switch {
	case !stated:
		return record.Absent()
	case rest == "":
		return record.Null()
	}
	return e.fitText(r, rest, f, name)
}

// longLine is the most characters of a field that holds one line; longer ones are notes.
const longLine = 255

// unprintable reports whether c is a control character; those that end or divide lines may stand in a text of many lines.
func unprintable(c rune, oneLine bool) bool {
	if c == '\n' || c == '\r' || c == '\t' {
		return oneLine
	}
	return c < 0x20 || c == 0x7f
}

// clip shortens a value for a message.
func clip(s string) string {
	if runes(s) > 40 {
		return string([]rune(s)[:40]) + "…"
	}
	return s
}
