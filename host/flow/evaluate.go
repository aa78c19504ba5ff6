package flow

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/pomost/pomost/sdk/connector"
	"github.com/pomost/pomost/sdk/record"
)

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
