package wire

import (
	"encoding/binary"
	"errors"
	"fmt"
	"time"
	"unicode/utf8"

	"github.com/tinylib/msgp/msgp"

	"github.com/pomost/pomost/sdk/decimal"
	"github.com/pomost/pomost/sdk/record"
)

// ReadRecord reads one record packed by s and returns what follows it.
func ReadRecord(b []byte, s *record.Schema) (r record.Record, rest []byte, err error) {
	if s == nil {
		return record.Record{}, b, mismatch("no schema to read a record by")
	}
	d := decoder{b: b, budget: MaxValues}
	out, fail := d.root(s)
	if fail != nil {
		return record.Record{}, b, fail
	}
	return out, d.b, nil
}

// Unpack reads a frame of n records packed by s, to its last byte.
func Unpack(b []byte, s *record.Schema, n int) ([]record.Record, error) {
	switch {
	case n < 0 || n > MaxBatch:
		return nil, overLimit("%d records in a frame, at most %d", n, MaxBatch)
	case n > len(b):
		return nil, malformed("%d records in %d bytes", n, len(b))
	case n > 0 && s == nil:
		return nil, malformed("records without a schema")
	}
	// All texts of a frame share one copy of its bytes: one allocation instead of one per text.
	d := decoder{b: b, text: string(b), slab: make([]record.Value, 0, min(slabSize, len(b))), shared: true, budget: maxFrameValues}
	out := make([]record.Record, 0, n)
	for i := range n {
		before := d.budget
		d.budget = min(before, MaxValues)
		limit := d.budget
		r, err := d.root(s)
		if err != nil {
			return nil, fmt.Errorf("record %d of the frame: %w", i+1, err)
		}
		d.budget = before - (limit - d.budget)
		out = append(out, r)
	}
	if len(d.b) > 0 {
		return nil, malformed("%d bytes after the last record", len(d.b))
	}
	return out, nil
}

// ReadValue reads a scalar that AppendValue wrote; nothing may follow it.
func ReadValue(b []byte) (record.Value, error) {
	k, rest, err := msgp.ReadUint8Bytes(b)
	if err != nil {
		return record.Value{}, malformed("the kind of a value: %v", err)
	}
	d := decoder{b: rest, budget: 1}
	kind := record.Kind(k)
	if kind >= record.KindList {
		return record.Value{}, malformed("%s is not the kind of a scalar", kind)
	}
	v, fail := d.value(record.Type{Kind: kind}, 0)
	switch {
	case fail != nil:
		return record.Value{}, fail
	case v.Kind() != kind:
		return record.Value{}, malformed("is %s, announced as %s", v.Kind(), kind)
	case len(d.b) > 0:
		return record.Value{}, malformed("%d bytes after a value", len(d.b))
	}
	return v, nil
}

const slabSize = 1024

type decoder struct {
	b      []byte
	text   string         // shared: the same bytes as b had at the beginning
	slab   []record.Value // shared: room for the values of many records
	shared bool
	budget int // values that may still be read
}

func (d *decoder) root(s *record.Schema) (record.Record, *Error) {
	size := len(d.b)
	r, err := d.record(s, 0)
	if err == nil && size-len(d.b) > MaxRecord {
		return r, overLimit("a record of %d bytes, at most %d", size-len(d.b), MaxRecord)
	}
	return r, err
}

func short(format string, args ...any) *Error {
	return malformed("%s ends too early", fmt.Sprintf(format, args...))
}

func (d *decoder) fail(what string, err error) *Error {
	if errors.Is(err, msgp.ErrShortBytes) {
		return short("%s", what)
	}
	return malformed("%s: %v", what, err)
}

// take returns room for n values: n is a length that is backed by at least as many bytes.
func (d *decoder) take(n int) []record.Value {
	if !d.shared || n > slabSize/4 {
		return make([]record.Value, n)
	}
	if cap(d.slab)-len(d.slab) < n {
		d.slab = make([]record.Value, 0, slabSize)
	}
	at := len(d.slab)
	d.slab = d.slab[:at+n]
	return d.slab[at : at+n : at+n]
}

// array reads an array's header and checks that the claimed elements can be there at all.
func (d *decoder) array(what string, most int) (int, *Error) {
	n, rest, err := msgp.ReadArrayHeaderBytes(d.b)
	if err != nil {
		return 0, d.fail(what, err)
	}
	switch {
	case int64(n) > int64(most):
		return 0, overLimit("%s of %d, at most %d", what, n, most)
	case int(n) > len(rest):
		return 0, short("%s of %d in %d bytes", what, n, len(rest))
	case int(n) > d.budget:
		return 0, overLimit("more than %d values", MaxValues)
	}
	d.b = rest
	d.budget -= int(n)
	return int(n), nil
}

func (d *decoder) record(s *record.Schema, depth int) (record.Record, *Error) {
	if depth > record.MaxDepth {
		return record.Record{}, overLimit("nested deeper than %d", record.MaxDepth)
	}
	n, err := d.array("a record", len(s.Fields))
	if err != nil {
		return record.Record{}, err
	}
	values := d.take(n)
	for i := range values {
		values[i], err = d.value(s.Fields[i].Type, depth)
		if err != nil {
			return record.Record{}, err.in(s.Fields[i].Name)
		}
	}
	return record.Record{Schema: s, Values: values}, nil
}

func (d *decoder) value(t record.Type, depth int) (record.Value, *Error) {
	if len(d.b) == 0 {
		return record.Value{}, short("a record")
	}
	if d.b[0] == codeNil {
		d.b = d.b[1:]
		return record.Null(), nil
	}
	if d.b[0] >= codeExt8 && d.b[0] <= codeExt32 || d.b[0] >= codeFixExt1 && d.b[0] <= codeFixExt16 {
		return d.extension(t)
	}
	switch t.Kind {
	case record.KindText:
		return d.string()
	case record.KindInteger:
		i, rest, err := msgp.ReadInt64Bytes(d.b)
		if err != nil {
			return record.Value{}, d.fail("an integer", err)
		}
		d.b = rest
		return record.Integer(i), nil
	case record.KindBool:
		v, rest, err := msgp.ReadBoolBytes(d.b)
		if err != nil {
			return record.Value{}, d.fail("a bool", err)
		}
		d.b = rest
		return record.Bool(v), nil
	case record.KindDate:
		i, rest, err := msgp.ReadInt64Bytes(d.b)
		if err != nil {
			return record.Value{}, d.fail("a date", err)
		}
		if i < minDay || i > maxDay {
			return record.Value{}, malformed("a date outside the years 1 to 9999")
		}
		d.b = rest
		return record.OfDate(record.Date(i)), nil
	case record.KindBytes:
		raw, rest, err := msgp.ReadBytesZC(d.b)
		if err != nil {
			return record.Value{}, d.fail("bytes", err)
		}
		if len(raw) > MaxText {
			return record.Value{}, overLimit("%d bytes, at most %d", len(raw), MaxText)
		}
		d.b = rest
		return record.Bytes(raw), nil
	case record.KindList:
		return d.list(t, depth)
	case record.KindRecord:
		n, err := d.record(t.Record, depth+1)
		if err != nil {
			return record.Value{}, err
		}
		return record.Nested(n), nil
	}
	return record.Value{}, malformed("not %s", article(t.Kind))
}

func (d *decoder) string() (record.Value, *Error) {
	raw, rest, err := msgp.ReadStringZC(d.b)
	if err != nil {
		return record.Value{}, d.fail("a text", err)
	}
	if len(raw) > MaxText {
		return record.Value{}, overLimit("a text of %d bytes, at most %d", len(raw), MaxText)
	}
	if !utf8.Valid(raw) {
		return record.Value{}, malformed("a text that is not valid UTF-8")
	}
	d.b = rest
	if d.shared {
		end := len(d.text) - len(rest)
		return record.Text(d.text[end-len(raw) : end]), nil
	}
	return record.Text(string(raw)), nil
}

func (d *decoder) list(t record.Type, depth int) (record.Value, *Error) {
	if depth+1 > record.MaxDepth {
		return record.Value{}, overLimit("nested deeper than %d", record.MaxDepth)
	}
	n, err := d.array("a list", MaxList)
	if err != nil {
		return record.Value{}, err
	}
	values := d.take(n)
	for i := range values {
		values[i], err = d.value(*t.Elem, depth+1)
		if err != nil {
			return record.Value{}, err.in(fmt.Sprintf("[%d]", i))
		}
	}
	return record.List(values...), nil
}

func article(k record.Kind) string {
	if k == record.KindInteger || k == record.KindInstant {
		return "an " + k.String()
	}
	return "a " + k.String()
}

// extension reads absent, which may stand anywhere, and decimals and instants where the schema has them.
func (d *decoder) extension(t record.Type) (record.Value, *Error) {
	typ, payload, rest, fail := readExt(d.b)
	if fail != nil {
		return record.Value{}, fail
	}
	var v record.Value
	switch {
	case typ == extAbsent:
		if len(payload) != 0 {
			return record.Value{}, malformed("absent with a payload")
		}
	case typ == extDecimal && t.Kind == record.KindDecimal:
		n, err := parseDecimal(payload)
		if err != nil {
			return record.Value{}, err
		}
		v = record.Decimal(n)
	case typ == extTimestamp && t.Kind == record.KindInstant:
		at, err := parseInstant(payload)
		if err != nil {
			return record.Value{}, err
		}
		v = record.Instant(at)
	default:
		return record.Value{}, malformed("extension type %d where %s is wanted", typ, article(t.Kind))
	}
	d.b = rest
	return v, nil
}

func readExt(b []byte) (typ int8, payload, rest []byte, fail *Error) {
	head, size := 2, 0
	switch b[0] {
	case codeFixExt1, codeFixExt2, codeFixExt4, codeFixExt8, codeFixExt16:
		size = 1 << (b[0] - codeFixExt1)
	case codeExt8:
		if head = 3; len(b) >= head {
			size = int(b[1])
		}
	case codeExt16:
		if head = 4; len(b) >= head {
			size = int(binary.BigEndian.Uint16(b[1:]))
		}
	case codeExt32:
		if head = 6; len(b) >= head {
			n := binary.BigEndian.Uint32(b[1:])
			if n > MaxText {
				return 0, nil, nil, overLimit("an extension of %d bytes", n)
			}
			size = int(n)
		}
	}
	if len(b) < head+size {
		return 0, nil, nil, short("an extension")
	}
	return int8(b[head-1]), b[head : head+size], b[head+size:], nil
}

// parseDecimal takes canonical text only: no exponent, no plus sign, no zero that says nothing, no negative zero.
func parseDecimal(b []byte) (decimal.Decimal, *Error) {
	bad := func() (decimal.Decimal, *Error) {
		return decimal.Zero, malformed("not a canonical decimal: %.40q", b)
	}
	digits, negative := b, false
	if len(digits) > 0 && digits[0] == '-' {
		digits, negative = digits[1:], true
	}
	point := -1
	for i, c := range digits {
		switch {
		case c >= '0' && c <= '9':
		case c == '.' && point < 0 && i > 0:
			point = i
		default:
			return bad()
		}
	}
	whole := len(digits)
	if point >= 0 {
		whole = point
		if last := digits[len(digits)-1]; last == '0' || last == '.' {
			return bad()
		}
	}
	switch {
	case whole == 0,
		whole > 1 && digits[0] == '0',
		negative && len(digits) == 1 && digits[0] == '0':
		return bad()
	}
	if len(digits) > 18 {
		d, err := decimal.Parse(string(b))
		if err != nil {
			return bad()
		}
		return d, nil
	}
	var n int64
	for i, c := range digits {
		if i != point {
			n = n*10 + int64(c-'0')
		}
	}
	if negative {
		n = -n
	}
	scale := int32(0)
	if point >= 0 {
		scale = int32(len(digits) - point - 1)
	}
	return decimal.New(n, scale), nil
}

func parseInstant(b []byte) (time.Time, *Error) {
	var sec int64
	var nsec uint32
	switch len(b) {
	case 4:
		sec = int64(binary.BigEndian.Uint32(b))
	case 8:
		n := binary.BigEndian.Uint64(b)
		sec, nsec = int64(n&(1<<34-1)), uint32(n>>34)
	case 12:
		nsec, sec = binary.BigEndian.Uint32(b), int64(binary.BigEndian.Uint64(b[4:]))
	default:
		return time.Time{}, malformed("a timestamp of %d bytes", len(b))
	}
	if nsec > 999_999_999 || sec < minSecond || sec > maxSecond {
		return time.Time{}, malformed("an instant outside the years 1 to 9999")
	}
	return time.Unix(sec, int64(nsec)).UTC(), nil
}
