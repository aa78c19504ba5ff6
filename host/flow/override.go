package flow

import (
	"encoding/json"
	"slices"
	"strings"
)

// sourceKeys are the keys of a rule that say where the value comes from.
var sourceKeys = []string{"from", "join", "any", "expression", "function", "const", "record", "rows", "rest_of"}

// Override puts a flow's own rules in the place of the recipe's, by target and field: {order: {COMMENT2: {const: "web"}}}. A field in rows or
// in a nested record is named by its path, SO_LINE.ART_DESC1. A rule that does not say where the value comes from changes the recipe's own
// rule: {order: {COMMENT2: {mark: never}}} switches it off. Paths of the problems begin with the target.
func (r *Recipe) Override(mapping map[string]any) []Problem {
	d := &decoder{}
	var out []Problem
	for _, which := range keys(mapping) {
		t := r.Write[which]
		if t == nil {
			out = append(out, Problem{which, "the recipe writes no " + clip(which), suggest(which, keys(r.Write))})
			continue
		}
		fields, ok := mapping[which].(map[string]any)
		if !ok {
			out = append(out, Problem{which, "is " + typeName(mapping[which]) + ", want a map of fields", "write {FIELD: {from: PATH}}"})
			continue
		}
		for _, field := range keys(fields) {
			if field == t.Key {
				out = append(out, Problem{join(which, field), "the destination gives this key itself", "leave it out"})
				continue
			}
			t.override(d, field, nodeOf(fields[field]), join(which, field))
		}
		t.bind("", nil)
	}
	for _, e := range d.errs {
		out = append(out, Problem{e.Path, e.Message, e.Remedy})
	}
	return out
}

// Adopt makes a flow's own rules the recipe's and checks them as far as that needs no account.
func (r *Recipe) Adopt(f Flow) []Problem {
	if len(f.Mapping) == 0 {
		return nil
	}
	out := r.Override(f.Mapping)
	if len(out) == 0 {
		for _, p := range r.Validate(nil, nil) {
			p.Path = strings.TrimPrefix(p.Path, "write.")
			out = append(out, p)
		}
	}
	return out
}

// override sets one rule. The path of the field leads through rows and records.
func (m *Mapping) override(d *decoder, field string, n *node, path string) {
	head, rest, nested := strings.Cut(field, ".")
	at := slices.IndexFunc(m.rules, func(r Rule) bool { return r.Field == head })
	if nested {
		var inner *Mapping
		if at >= 0 && m.rules[at].Rows != nil {
			inner = m.rules[at].Rows.Mapping
		} else if at >= 0 {
			inner = m.rules[at].Record
		}
		if inner == nil {
			d.fail(n.place, path, "the recipe makes no rows or record "+head, "")
			return
		}
		inner.override(d, rest, n, path)
		return
	}
	if n.kind == nodeMap && !slices.ContainsFunc(n.entries, func(e entry) bool { return slices.Contains(sourceKeys, e.key) }) {
		if at < 0 {
			d.fail(n.place, path, "does not say where the value comes from, and the recipe has no rule for it", "add from, const, expression or function")
			return
		}
		m.rules[at].amend(d, n, path)
		return
	}
	r := d.rule(n, path)
	r.Field, r.Overridden = head, true
	if at < 0 {
		m.rules = append(m.rules, r)
		return
	}
	if n.get("mark") == nil {
		r.Mark = m.rules[at].Mark // whether a field may be changed later is another question than what is in it
	}
	m.rules[at] = r
}

// amend changes what stands beside the source of a recipe's rule.
func (r *Rule) amend(d *decoder, n *node, path string) {
	// With a source of its own it is a whole rule, and is read as one.
	whole := &node{place: n.place, kind: nodeMap, entries: append(slices.Clone(n.entries), entry{key: "const", value: &node{kind: nodeText, text: "x"}})}
	given := d.rule(whole, path)
	r.Overridden = true
	for _, e := range n.entries {
		switch e.key {
		case "mark":
			r.Mark = given.Mark
		case "length":
			r.Length = given.Length
		case "required":
			r.Required = given.Required
		case "optional":
			r.Optional = given.Optional
		case "default":
			r.Default, r.HasDefault = given.Default, given.HasDefault
		case "table":
			r.Table = given.Table
		case "do":
			r.Do = given.Do
		case "when":
			r.When = given.When
		case "not_equal":
			r.NotEqual = given.NotEqual
		case "separator":
			r.Separator = given.Separator
		case "differs":
			r.Differs = given.Differs
		default:
			d.fail(e.place, join(path, e.key), "cannot be changed without saying where the value comes from", "add from, const, expression or function")
		}
	}
}

// nodeOf makes a node of a value as a revision keeps it.
func nodeOf(v any) *node {
	switch x := v.(type) {
	case string:
		return &node{kind: nodeText, text: x}
	case json.Number:
		return &node{kind: nodeNumber, text: x.String()}
	case bool:
		n := &node{kind: nodeBool, text: "false"}
		if x {
			n.text = "true"
		}
		return n
	case []any:
		n := &node{kind: nodeList}
		for _, e := range x {
			n.list = append(n.list, nodeOf(e))
		}
		return n
	case map[string]any:
		n := &node{kind: nodeMap}
		for _, k := range keys(x) {
			n.entries = append(n.entries, entry{key: k, value: nodeOf(x[k])})
		}
		return n
	}
	return &node{kind: nodeNull}
}
