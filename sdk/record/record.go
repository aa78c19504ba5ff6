package record

import (
	"fmt"
	"sort"
	"strings"
)

// Record is a row of values by its schema. Values may be shorter than the schema: what is missing is absent.
type Record struct {
	Schema *Schema
	Values []Value
}

// New returns an empty record of a schema: every field is absent.
func New(s *Schema) Record { return Record{Schema: s, Values: make([]Value, len(s.Fields))} }

// Get returns the value of a field, absent where the schema or the record has none.
func (r Record) Get(name string) Value {
	i, ok := r.Schema.Index(name)
	if !ok || i >= len(r.Values) {
		return Value{}
	}
	return r.Values[i]
}

// Set puts a value into a field of the schema. A kind other than the field's is an error, save null and absent.
func (r *Record) Set(name string, v Value) error {
	i, ok := r.Schema.Index(name)
	if !ok {
		return fmt.Errorf("%s has no field %s", r.Schema.Name, name)
	}
	if err := Conforms(v, r.Schema.Fields[i].Type); err != nil {
		return fmt.Errorf("%s.%s: %w", r.Schema.Name, name, err)
	}
	for len(r.Values) <= i {
		r.Values = append(r.Values, Value{})
	}
	r.Values[i] = v
	return nil
}

// MustSet is Set for fields and kinds known in code; it panics on a mistake.
func (r *Record) MustSet(name string, v Value) {
	if err := r.Set(name, v); err != nil {
		panic(err)
	}
}

// Conforms reports whether v may stand in a field of type t. Null and absent may stand anywhere.
func Conforms(v Value, t Type) error {
	if v.kind == KindAbsent || v.kind == KindNull {
		return nil
	}
	if v.kind != t.Kind {
		return fmt.Errorf("is %s, want %s", v.kind, t.Kind)
	}
	switch v.kind {
	case KindList:
		for i, e := range v.AsList() {
			if err := Conforms(e, *t.Elem); err != nil {
				return fmt.Errorf("[%d] %w", i, err)
			}
		}
	case KindRecord:
		n, _ := v.AsRecord()
		for i, e := range n.Values {
			if i >= len(t.Record.Fields) {
				return fmt.Errorf("has more values than %s has fields", t.Record.Name)
			}
			if err := Conforms(e, t.Record.Fields[i].Type); err != nil {
				return fmt.Errorf("%s: %w", t.Record.Fields[i].Name, err)
			}
		}
	}
	return nil
}

// Path returns the value at a path of field names through nested records: "Delivery.City". Lists are not entered.
func (r Record) Path(path string) Value {
	head, rest, more := strings.Cut(path, ".")
	v := r.Get(head)
	if !more {
		return v
	}
	n, ok := v.AsRecord()
	if !ok {
		return Value{}
	}
	return n.Path(rest)
}

// String writes the stated fields by name, for people and test failures.
func (r Record) String() string {
	var parts []string
	for i, v := range r.Values {
		if !v.IsAbsent() && i < len(r.Schema.Fields) {
			s := v.String()
			if v.kind == KindNull {
				s = "null"
			}
			parts = append(parts, r.Schema.Fields[i].Name+"="+s)
		}
	}
	return "{" + strings.Join(parts, " ") + "}"
}

// Names lists the stated fields in alphabetical order.
func (r Record) Names() []string {
	var names []string
	for i, v := range r.Values {
		if !v.IsAbsent() && i < len(r.Schema.Fields) {
			names = append(names, r.Schema.Fields[i].Name)
		}
	}
	sort.Strings(names)
	return names
}
