package wire

import (
	"fmt"
	"unicode/utf8"

	"github.com/tinylib/msgp/msgp"

	"github.com/pomost/pomost/sdk/record"
)

// The bits of a field's properties.
const (
	flagRequired = 1 << iota
	flagReadOnly
	flagPersonal
	flagCustom
	flagUpper
)

// What a field and a schema are made of, in this order. Decoders take more and ignore it, so that later versions can add.
const (
	schemaParts = 2 // name, fields
	fieldParts  = 6 // name, type, label, length, decimals, flags; then the role, where there is one
	maxExtra    = 16
)

// AppendSchema appends a schema tree.
func AppendSchema(b []byte, s *record.Schema) ([]byte, error) {
	if s == nil {
		return b, mismatch("no schema")
	}
	fields := 0
	out, err := appendSchema(b, s, 0, &fields)
	if err != nil {
		return b, err
	}
	if len(out)-len(b) > MaxSchema {
		return b, overLimit("a schema of %d bytes, at most %d", len(out)-len(b), MaxSchema)
	}
	return out, nil
}

func appendSchema(b []byte, s *record.Schema, depth int, fields *int) ([]byte, *Error) {
	if *fields += len(s.Fields); *fields > MaxFields {
		return b, overLimit("more than %d fields", MaxFields)
	}
	b = msgp.AppendArrayHeader(b, schemaParts)
	b, err := appendName(b, s.Name)
	if err != nil {
		return b, err
	}
	b = msgp.AppendArrayHeader(b, uint32(len(s.Fields)))
	for i := range s.Fields {
		if b, err = appendField(b, &s.Fields[i], depth, fields); err != nil {
			return b, err.in(s.Fields[i].Name)
		}
	}
	return b, nil
}

func appendName(b []byte, s string) ([]byte, *Error) {
	if !utf8.ValidString(s) {
		return b, mismatch("a name that is not valid UTF-8")
	}
	return msgp.AppendString(b, s), nil
}

func appendField(b []byte, f *record.Field, depth int, fields *int) ([]byte, *Error) {
	parts := uint32(fieldParts)
	if f.Role != "" {
		parts++
	}
	b = msgp.AppendArrayHeader(b, parts)
	b, err := appendName(b, f.Name)
	if err != nil {
		return b, err
	}
	if b, err = appendType(b, f.Type, depth, fields); err != nil {
		return b, err
	}
	if b, err = appendName(b, f.Label); err != nil {
		return b, err
	}
	b = appendInt(b, int64(f.Length))
	b = appendInt(b, int64(f.Decimals))
	flags := uint64(0)
	for _, p := range [...]struct {
		set bool
		bit uint64
	}{{f.Required, flagRequired}, {f.ReadOnly, flagReadOnly}, {f.Personal, flagPersonal}, {f.Custom, flagCustom}, {f.Upper, flagUpper}} {
		if p.set {
			flags |= p.bit
		}
	}
	b = msgp.AppendUint64(b, flags)
	if f.Role != "" {
		return appendName(b, f.Role)
	}
	return b, nil
}

func appendType(b []byte, t record.Type, depth int, fields *int) ([]byte, *Error) {
	if depth > record.MaxDepth {
		return b, overLimit("nested deeper than %d", record.MaxDepth)
	}
	switch t.Kind {
	case record.KindText, record.KindInteger, record.KindDecimal, record.KindBool, record.KindDate, record.KindInstant, record.KindBytes:
		return msgp.AppendUint8(msgp.AppendArrayHeader(b, 1), uint8(t.Kind)), nil
	case record.KindList:
		if t.Elem == nil {
			return b, mismatch("a list without an element type")
		}
		b = msgp.AppendUint8(msgp.AppendArrayHeader(b, 2), uint8(t.Kind))
		return appendType(b, *t.Elem, depth+1, fields)
	case record.KindRecord:
		if t.Record == nil {
			return b, mismatch("a record without a schema")
		}
		b = msgp.AppendUint8(msgp.AppendArrayHeader(b, 2), uint8(t.Kind))
		return appendSchema(b, t.Record, depth+1, fields)
	}
	return b, mismatch("a field cannot be of kind %s", t.Kind)
}

// ReadSchema reads one schema tree and returns what follows it.
func ReadSchema(b []byte) (s *record.Schema, rest []byte, err error) {
	d := schemaDecoder{b: b}
	if len(d.b) > MaxSchema {
		d.b = d.b[:MaxSchema]
	}
	size := len(d.b)
	s, fail := d.schema(0)
	if fail != nil {
		return nil, b, fail
	}
	return s, b[size-len(d.b):], nil
}

// DecodeSchema reads a schema tree after which nothing may follow.
func DecodeSchema(b []byte) (*record.Schema, error) {
	s, rest, err := ReadSchema(b)
	if err != nil {
		return nil, err
	}
	if len(rest) > 0 {
		return nil, malformed("%d bytes after a schema", len(rest))
	}
	return s, nil
}

type schemaDecoder struct {
	b      []byte
	fields int
}

// array reads an array's header: at least least elements, and no more than the bytes can hold.
func (d *schemaDecoder) array(what string, least, most int) (int, *Error) {
	n, rest, err := msgp.ReadArrayHeaderBytes(d.b)
	if err != nil {
		return 0, malformed("%s: %v", what, err)
	}
	if int64(n) < int64(least) || int64(n) > int64(most) || int(n) > len(rest) {
		return 0, malformed("%s of %d parts", what, n)
	}
	d.b = rest
	return int(n), nil
}

func (d *schemaDecoder) text(what string) (string, *Error) {
	raw, rest, err := msgp.ReadStringZC(d.b)
	if err != nil {
		return "", malformed("%s: %v", what, err)
	}
	if !utf8.Valid(raw) {
		return "", malformed("%s that is not valid UTF-8", what)
	}
	d.b = rest
	return string(raw), nil
}

func (d *schemaDecoder) int(what string, least, most int64) (int64, *Error) {
	i, rest, err := msgp.ReadInt64Bytes(d.b)
	if err != nil {
		return 0, malformed("%s: %v", what, err)
	}
	if i < least || i > most {
		return 0, malformed("%s of %d", what, i)
	}
	d.b = rest
	return i, nil
}

// skip passes over parts of later versions; msgp bounds its own recursion.
func (d *schemaDecoder) skip(n int) *Error {
	for range n {
		rest, err := msgp.Skip(d.b)
		if err != nil {
			return malformed("a part of a later version: %v", err)
		}
		d.b = rest
	}
	return nil
}

func (d *schemaDecoder) schema(depth int) (*record.Schema, *Error) {
	parts, err := d.array("a schema", schemaParts, schemaParts+maxExtra)
	if err != nil {
		return nil, err
	}
	name, err := d.text("a schema's name")
	if err != nil {
		return nil, err
	}
	n, err := d.array("the fields of a schema", 0, MaxFields)
	if err != nil {
		return nil, err
	}
	if d.fields += n; d.fields > MaxFields {
		return nil, overLimit("more than %d fields", MaxFields)
	}
	fields := make([]record.Field, n)
	for i := range fields {
		if fields[i], err = d.field(depth); err != nil {
			return nil, err.in(fmt.Sprintf("field %d", i+1))
		}
	}
	if err := d.skip(parts - schemaParts); err != nil {
		return nil, err
	}
	s, bad := record.NewSchema(name, fields...)
	if bad != nil {
		return nil, malformed("%v", bad)
	}
	return s, nil
}

func (d *schemaDecoder) field(depth int) (record.Field, *Error) {
	var f record.Field
	parts, err := d.array("a field", fieldParts, fieldParts+maxExtra)
	if err != nil {
		return f, err
	}
	if f.Name, err = d.text("a field's name"); err != nil {
		return f, err
	}
	if f.Type, err = d.fieldType(depth); err != nil {
		return f, err
	}
	if f.Label, err = d.text("a field's label"); err != nil {
		return f, err
	}
	length, err := d.int("a length", 0, 1<<31-1)
	if err != nil {
		return f, err
	}
	decimals, err := d.int("a number of decimals", -1, 1<<15)
	if err != nil {
		return f, err
	}
	flags, err := d.int("flags", 0, 1<<62)
	if err != nil {
		return f, err
	}
	f.Length, f.Decimals = int(length), int(decimals)
	f.Required = flags&flagRequired != 0
	f.ReadOnly = flags&flagReadOnly != 0
	f.Personal = flags&flagPersonal != 0
	f.Custom = flags&flagCustom != 0
	f.Upper = flags&flagUpper != 0
	if parts > fieldParts {
		if f.Role, err = d.text("a field's role"); err != nil {
			return f, err
		}
		parts--
	}
	return f, d.skip(parts - fieldParts)
}

func (d *schemaDecoder) fieldType(depth int) (record.Type, *Error) {
	var t record.Type
	if depth > record.MaxDepth {
		return t, overLimit("nested deeper than %d", record.MaxDepth)
	}
	parts, err := d.array("a type", 1, 2)
	if err != nil {
		return t, err
	}
	k, err := d.int("a kind", int64(record.KindText), int64(record.KindRecord))
	if err != nil {
		return t, err
	}
	t.Kind = record.Kind(k)
	nested := t.Kind == record.KindList || t.Kind == record.KindRecord
	if nested != (parts == 2) {
		return t, malformed("the type %s in %d parts", t.Kind, parts)
	}
	switch t.Kind {
	case record.KindList:
		elem, err := d.fieldType(depth + 1)
		if err != nil {
			return t, err
		}
		t.Elem = &elem
	case record.KindRecord:
		if t.Record, err = d.schema(depth + 1); err != nil {
			return t, err
		}
	}
	return t, nil
}
