package record

import (
	"fmt"
	"strings"
)

// Type is the type of a field: a kind, and for lists the element's type, for records the nested schema.
type Type struct {
	Kind   Kind
	Elem   *Type
	Record *Schema
}

// Field describes one field of an object as one account has it.
type Field struct {
	Name  string
	Type  Type
	Label string // in the system's own words
	// Length is the most characters of a text (0: unknown or unbounded); Decimals the decimals a number keeps
	// (−1: unknown).
	Length   int
	Decimals int
	Required bool // a create without it is refused
	ReadOnly bool // never written
	Personal bool // personal data: masked in logs, erased on request
	Custom   bool // of this account only
	Upper    bool // the system stores it in upper case and compares it so
	// Role is what the field is for, where its name differs from account to account and the connector recognised it otherwise, by its
	// label for instance: "ean". Wherever a field's name is taken, "@ean" stands for the field with that role. "" for most fields.
	Role string
}

// Schema describes a record: its fields in their order on the wire.
type Schema struct {
	Name   string
	Fields []Field
	index  map[string]int
}

// NewSchema builds a schema; field names must be unique and not empty.
func NewSchema(name string, fields ...Field) (*Schema, error) {
	s := &Schema{Name: name, Fields: fields, index: make(map[string]int, len(fields))}
	for i, f := range fields {
		if f.Name == "" || f.Name[0] == '@' {
			return nil, fmt.Errorf("schema %s: field %d has no name, or one that begins with @", name, i)
		}
		if _, dup := s.index[f.Name]; dup {
			return nil, fmt.Errorf("schema %s: field %s stands twice", name, f.Name)
		}
		if err := f.Type.check(0); err != nil {
			return nil, fmt.Errorf("schema %s: field %s: %w", name, f.Name, err)
		}
		s.index[f.Name] = i
		if f.Role == "" {
			continue
		}
		if _, dup := s.index["@"+f.Role]; dup {
			return nil, fmt.Errorf("schema %s: two fields have the role %s", name, f.Role)
		}
		s.index["@"+f.Role] = i
	}
	return s, nil
}

// MustSchema is NewSchema for schemas written in code; it panics on a mistake.
func MustSchema(name string, fields ...Field) *Schema {
	s, err := NewSchema(name, fields...)
	if err != nil {
		panic(err)
	}
	return s
}

// MaxDepth bounds the nesting of schemas and records.
const MaxDepth = 16

func (t Type) check(depth int) error {
	if depth > MaxDepth {
		return fmt.Errorf("nested deeper than %d", MaxDepth)
	}
	switch t.Kind {
	case KindText, KindInteger, KindDecimal, KindBool, KindDate, KindInstant, KindBytes:
		return nil
	case KindList:
		if t.Elem == nil {
			return fmt.Errorf("a list without an element type")
		}
		return t.Elem.check(depth + 1)
	case KindRecord:
		if t.Record == nil {
			return fmt.Errorf("a record without a schema")
		}
		for _, f := range t.Record.Fields {
			if err := f.Type.check(depth + 1); err != nil {
				return fmt.Errorf("%s: %w", f.Name, err)
			}
		}
		return nil
	default:
		return fmt.Errorf("a field cannot be of kind %s", t.Kind)
	}
}

// Index returns the position of a field by its exact name, or by its role as "@role".
func (s *Schema) Index(name string) (int, bool) {
	if s == nil {
		return 0, false
	}
	if s.index == nil { // built as a literal
		for i, f := range s.Fields {
			if f.Name == name || f.Role != "" && "@"+f.Role == name {
				return i, true
			}
		}
		return 0, false
	}
	i, ok := s.index[name]
	return i, ok
}

// Field returns a field by its path: "Rows.ArticleNumber" looks into the element record of the list Rows.
func (s *Schema) Field(path string) (Field, bool) {
	head, rest, more := strings.Cut(path, ".")
	i, ok := s.Index(head)
	if !ok {
		return Field{}, false
	}
	f := s.Fields[i]
	if !more {
		return f, true
	}
	t := f.Type
	for t.Kind == KindList && t.Elem != nil {
		t = *t.Elem
	}
	if t.Kind != KindRecord {
		return Field{}, false
	}
	return t.Record.Field(rest)
}

// Scalar returns the type of a kind that needs no more.
func Scalar(k Kind) Type { return Type{Kind: k} }

// ListOf returns the type of a list of records.
func ListOf(s *Schema) Type {
	return Type{Kind: KindList, Elem: &Type{Kind: KindRecord, Record: s}}
}
