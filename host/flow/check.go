package flow

import (
	"fmt"
	"slices"
	"strings"

	"github.com/pomost/pomost/sdk/record"
)

// Validate checks every path and field of the mapping: in are the schemas of the context, out is the schema of what is made. A nil
// schema is one that is not known yet, and is not checked.
func (m *Mapping) Validate(in map[string]*record.Schema, out *record.Schema, functions map[string]Signature) []Problem {
	c := checker{in: in, functions: functions}
	c.mapping(m, out, "", false)
	return c.problems
}

// Validate checks the whole recipe against the schemas of both systems as discovered, by object. Objects without a schema
// there are not checked.
func (r *Recipe) Validate(source, destination map[string]*record.Schema) []Problem {
	var out []Problem
	add := func(at string, ps []Problem) {
		for _, p := range ps {
			p.Path = join(at, p.Path)
			out = append(out, p)
		}
	}
	k := kinds[r.Kind]
	system := func(name string) map[string]*record.Schema {
		if name == r.Source {
			return source
		}
		return destination
	}
	for _, s := range []struct {
		name    string
		objects map[string]*Object
		canon   map[string]*record.Schema
	}{{"read", r.Read, k.read}, {"back", r.Back, k.back}} {
		for _, which := range keys(s.objects) {
			o := s.objects[which]
			schema := system(o.System)[o.Object]
			at := s.name + "." + which
			add(at, o.Validate(map[string]*record.Schema{rootContext: schema}, s.canon[which], r.Functions))
			add(at, missing(schema, o.Key))
			add(at, missing(schema, o.Changed))
			for _, by := range keys(o.Find) {
				if !o.lacks(by) { // what an account need not have, it need not be found by
					add(at, missing(schema, o.Find[by]))
				}
			}
		}
	}
	for _, which := range keys(r.Write) {
		t := r.Write[which]
		schema := system(t.System)[t.Object]
		add("write."+which, t.Validate(r.contexts(which, system), schema, r.Functions))
		add("write."+which, missing(schema, t.Key))
	}
	return out
}

func missing(s *record.Schema, field string) []Problem {
	if s == nil || field == "" {
		return nil
	}
	if _, ok := s.Field(field); ok {
		return nil
	}
	return []Problem{{field, s.Name + " has no such field in this account", suggest(field, names(s))}}
}

// checkStatic checks what does not depend on an account: the canonical side of each mapping, and that nothing is missing.
func (r *Recipe) checkStatic() []Problem {
	k, ok := kinds[r.Kind]
	if !ok {
		return []Problem{{"kind", "unknown kind " + clip(r.Kind), suggest(r.Kind, keys(kinds))}}
	}
	want := k.need
	var out []Problem
	lack := func(section, which, what string) {
		out = append(out, Problem{join(section, which), "has no " + what, ""})
	}
	for _, s := range []struct {
		name    string
		want    []string
		objects map[string]*Object
	}{{"read", want.read, r.Read}, {"back", want.back, r.Back}} {
		for _, which := range s.want {
			switch o := s.objects[which]; {
			case o == nil:
				lack(s.name, which, "mapping")
			case o.Object == "" || o.Key == "":
				lack(s.name, which, "object or key")
			}
		}
	}
	for _, which := range want.write {
		switch t := r.Write[which]; {
		case t == nil:
			lack("write", which, "mapping")
		case t.Object == "" || t.Key == "":
			lack("write", which, "object or key")
		}
	}
	for _, l := range r.Lanes {
		out = append(out, r.checkLane(l)...)
	}
	out = append(out, r.Validate(nil, nil)...)
	_, problems := r.ParseSettings(nil) // the defaults must be valid
	for _, p := range problems {
		out = append(out, Problem{join("settings", p.Path), p.Message, p.Remedy})
	}
	return out
}

// checker walks a mapping with the schemas of its context.
type checker struct {
	in        map[string]*record.Schema
	functions map[string]Signature
	problems  []Problem
}

func (c *checker) fail(path, message, remedy string) {
	c.problems = append(c.problems, Problem{path, message, remedy})
}

func (c *checker) mapping(m *Mapping, out *record.Schema, at string, optional bool) {
	for i := range m.rules {
		r := &m.rules[i]
		path, lax := join(at, r.Field), optional || r.Optional
		if r.Follows != "" && !slices.ContainsFunc(m.rules[:i], func(o Rule) bool { return o.Field == r.Follows }) {
			c.fail(path, "follows names no field that stands before it", "")
		}
		if r.RestOf != "" && !slices.ContainsFunc(m.rules[:i], func(o Rule) bool { return o.Field == r.RestOf }) {
			c.fail(path, "rest_of names no field that stands before it", "")
			continue
		}
		if r.Mark == MarkNever {
			continue
		}
		var f *record.Field
		if out != nil {
			i, ok := out.Index(r.Field)
			if !ok {
				if !lax {
					c.fail(path, out.Name+" has no such field", suggest(r.Field, names(out)))
				}
				continue
			}
			f = &out.Fields[i]
			if f.ReadOnly {
				c.fail(path, "the field cannot be written", "leave it out")
			}
		}
		c.rule(r, f, path, lax)
	}
}

func (c *checker) rule(r *Rule, f *record.Field, path string, lax bool) {
	if r.When != "" {
		c.path(r.when, strings.TrimPrefix(r.When, "!"), path, lax)
	}
	if r.NotEqual != "" {
		c.path(r.notEqual, r.NotEqual, path, lax)
	}
	switch {
	case r.Record != nil:
		var schema *record.Schema
		if f != nil {
			if f.Type.Kind != record.KindRecord {
				c.fail(path, "is "+f.Type.Kind.String()+", not a record", "")
				return
			}
			schema = f.Type.Record
		}
		c.mapping(r.Record, schema, path, lax)
		return
	case r.Rows != nil:
		c.rows(r, f, path, lax)
		return
	}
	kinds := c.kinds(r, path, lax)
	for _, s := range r.Do {
		if s.Arg != "" {
			c.path(s.arg, s.Arg, path, lax)
		}
		t := transforms[s.Name]
		for _, k := range kinds {
			if t.takes != record.KindAbsent && !t.fits(k) {
				c.fail(path, fmt.Sprintf("the transform %s takes %s, the value is %s", s.Name, t.takes, k), "")
			}
		}
		if len(kinds) > 0 {
			kinds = []record.Kind{t.gives}
		}
	}
	if f == nil {
		return
	}
	if r.Table != nil {
		kinds = nil
		for _, k := range keys(r.Table) {
			c.literal(r.Table[k], f, path)
		}
	}
	if r.HasDefault {
		c.literal(r.Default, f, path)
	}
	if len(r.paths()) == 0 {
		c.literal(r.Const, f, path)
		return
	}
	for _, k := range kinds {
		if k == record.KindList || k == record.KindRecord || !convertible(k, f.Type.Kind) {
			c.fail(path, fmt.Sprintf("a %s cannot become a %s", k, f.Type.Kind), "")
		}
	}
}

// literal checks that a text written in the recipe fits the field.
func (c *checker) literal(text string, f *record.Field, path string) {
	v, err := Convert(record.Text(text), f.Type.Kind)
	if err == nil && f.Length > 0 && runes(v.AsText()) > f.Length {
		err = fmt.Errorf("%q is longer than the %d characters of the field", clip(text), f.Length)
	}
	if err != nil {
		c.fail(path, err.Error(), "")
	}
}

// kinds are the kinds that a rule's value can have before its transforms, as far as the schemas tell.
func (c *checker) kinds(r *Rule, path string, lax bool) []record.Kind {
	var out []record.Kind
	for i, p := range r.paths() {
		k, ok := c.path(r.from[i], p, path, lax)
		switch {
		case !ok || len(r.Any) > 0:
		case len(r.Join) > 0:
			if k == record.KindList || k == record.KindRecord {
				c.fail(path, fmt.Sprintf("%s is a %s and cannot be joined", p, k), "")
			}
		case !slices.Contains(out, k):
			out = append(out, k)
		}
	}
	switch {
	case len(r.Any) > 0:
		out = []record.Kind{record.KindBool}
	case len(r.Join) > 0:
		out = []record.Kind{record.KindText}
	case r.Expression != nil:
		k, err := r.Expression.Kind(func(p string) (record.Kind, bool) {
			return c.path(r.from[slices.Index(r.Expression.paths, p)], p, path, true)
		})
		if err != nil {
			c.fail(path, err.Error(), "")
			return nil
		}
		if k == anyKind {
			return nil
		}
		return []record.Kind{k}
	case r.Function != "":
		return c.function(r, path)
	}
	return out
}

// function checks a rule's function against its signature, where that is known, and returns what it gives.
func (c *checker) function(r *Rule, path string) []record.Kind {
	if c.functions == nil {
		return nil
	}
	sig, ok := c.functions[r.Function]
	if !ok {
		c.fail(path, "there is no function "+clip(r.Function), suggest(r.Function, keys(c.functions)))
		return nil
	}
	if len(sig.Inputs) != len(r.Takes) {
		c.fail(path, fmt.Sprintf("the function %s takes %d values, %d are given", r.Function, len(sig.Inputs), len(r.Takes)), "")
	} else {
		for i, s := range r.from {
			if k, ok := c.path(s, r.Takes[i], path, true); ok && k != sig.Inputs[i] && (k != record.KindInteger || sig.Inputs[i] != record.KindDecimal) {
				c.fail(path, fmt.Sprintf("the function %s takes a %s, %s is a %s", r.Function, sig.Inputs[i], r.Takes[i], k), "")
			}
		}
	}
	for _, name := range []string{r.Gives, r.Needs} {
		if _, ok := sig.Outputs[name]; !ok && name != "" {
			c.fail(path, "the function "+r.Function+" gives no "+clip(name), suggest(name, keys(sig.Outputs)))
			return nil
		}
	}
	return []record.Kind{sig.Outputs[r.Gives]}
}

// path returns the kind at a path; ok is false where it is not known or does not exist.
func (c *checker) path(s source, written, at string, lax bool) (record.Kind, bool) {
	schema, ok := c.in[s.context]
	if !ok {
		c.fail(at, "there is no "+s.context+" to take "+written+" from", suggest(s.context, keys(c.in)))
		return 0, false
	}
	if schema == nil {
		return 0, false
	}
	if s.path == "" {
		c.fail(at, written+" names no field", suggest("", names(schema)))
		return 0, false
	}
	f, ok := field(schema, s.path)
	if !ok {
		if !lax {
			head, _, _ := strings.Cut(s.path, ".")
			c.fail(at, schema.Name+" has no field "+s.path, suggest(head, names(schema)))
		}
		return 0, false
	}
	return f.Type.Kind, true
}

// field follows a path through records; unlike Schema.Field it does not enter lists, as Record.Path does not either.
func field(s *record.Schema, path string) (record.Field, bool) {
	head, rest, more := strings.Cut(path, ".")
	i, ok := s.Index(head)
	if !ok {
		return record.Field{}, false
	}
	f := s.Fields[i]
	if !more {
		return f, true
	}
	if f.Type.Kind != record.KindRecord {
		return record.Field{}, false
	}
	return field(f.Type.Record, rest)
}

func (c *checker) rows(r *Rule, f *record.Field, path string, lax bool) {
	var out *record.Schema
	if f != nil {
		if f.Type.Kind != record.KindList || f.Type.Elem.Kind != record.KindRecord {
			c.fail(path, "is "+f.Type.Kind.String()+", not a list of records", "")
			return
		}
		out = f.Type.Elem.Record
	}
	var element *record.Schema
	if r.Rows.From == linesPath {
		element = OutgoingRowSchema
	} else {
		s := r.Rows.from
		k, ok := c.path(s, r.Rows.From, path, lax)
		if ok {
			list, _ := field(c.in[s.context], s.path)
			if k != record.KindList || list.Type.Elem.Kind != record.KindRecord {
				c.fail(path, r.Rows.From+" is not a list of records", "")
				return
			}
			element = list.Type.Elem.Record
		}
	}
	if _, taken := c.in[r.Rows.As]; taken {
		c.fail(path, "the name "+r.Rows.As+" is taken", "give the rows another name")
		return
	}
	inner := checker{functions: c.functions, in: map[string]*record.Schema{r.Rows.As: element}}
	for k, v := range c.in {
		inner.in[k] = v
	}
	inner.mapping(r.Rows.Mapping, out, path, lax)
	c.problems = append(c.problems, inner.problems...)
}

func names(s *record.Schema) []string {
	out := make([]string, len(s.Fields))
	for i := range s.Fields {
		out[i] = s.Fields[i].Name
	}
	return out
}
