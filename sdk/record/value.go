// Package record holds the typed trees that connectors and the host exchange: values, schemas and records.
//
// A value is text, integer, decimal (never a float), bool, date (no zone), instant (UTC), bytes, list, record, null or
// absent. Absent differs from null: absent means "not stated, leave alone", null means "stated to be empty".
package record

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/pomost/pomost/sdk/decimal"
)

// Kind is the type of a value or of a field.
type Kind uint8

// The kinds. Absent is the zero kind, so the zero Value is absent.
const (
	KindAbsent Kind = iota
	KindNull
	KindText
	KindInteger
	KindDecimal
	KindBool
	KindDate
	KindInstant
	KindBytes
	KindList
	KindRecord
)

var kindNames = [...]string{"absent", "null", "text", "integer", "decimal", "bool", "date", "instant", "bytes", "list", "record"}

// String is the kind's word as documents and errors use it.
func (k Kind) String() string {
	if int(k) < len(kindNames) {
		return kindNames[k]
	}
	return "kind " + strconv.Itoa(int(k))
}

// ParseKind is the reverse of String.
func ParseKind(s string) (Kind, bool) {
	for i, n := range kindNames {
		if n == s {
			return Kind(i), true
		}
	}
	return KindAbsent, false
}

// Value is one typed value; immutable. The zero Value is absent.
type Value struct {
	kind Kind
	num  int64  // integer; bool as 0 or 1; date as days since 1970-01-01
	str  string // text; bytes
	ref  any    // decimal.Decimal, time.Time, []Value or Record
}

// Null is the value that is stated to be empty.
func Null() Value { return Value{kind: KindNull} }

// Absent is the value that is not stated.
func Absent() Value { return Value{} }

// Text returns a text value.
func Text(s string) Value { return Value{kind: KindText, str: s} }

// Integer returns an integer value.
func Integer(i int64) Value { return Value{kind: KindInteger, num: i} }

// Decimal returns a decimal value.
func Decimal(d decimal.Decimal) Value { return Value{kind: KindDecimal, ref: d} }

// Bool returns a truth value.
func Bool(b bool) Value {
	if b {
		return Value{kind: KindBool, num: 1}
	}
	return Value{kind: KindBool}
}

// OfDate returns a calendar date.
func OfDate(d Date) Value { return Value{kind: KindDate, num: int64(d)} }

// Instant returns a point in time; it is kept in UTC.
func Instant(t time.Time) Value { return Value{kind: KindInstant, ref: t.UTC()} }

// Bytes returns a byte string; b is copied.
func Bytes(b []byte) Value { return Value{kind: KindBytes, str: string(b)} }

// List returns a list; the slice must not be changed afterwards.
func List(vs ...Value) Value { return Value{kind: KindList, ref: vs} }

// Nested returns a record as a value; it must not be changed afterwards.
func Nested(r Record) Value { return Value{kind: KindRecord, ref: r} }

// Kind tells the type of v.
func (v Value) Kind() Kind { return v.kind }

// IsAbsent reports whether v is not stated.
func (v Value) IsAbsent() bool { return v.kind == KindAbsent }

// IsEmpty reports whether v is absent, null or a text of nothing but spaces.
func (v Value) IsEmpty() bool {
	return v.kind == KindAbsent || v.kind == KindNull || v.kind == KindText && strings.TrimSpace(v.str) == ""
}

// AsText returns the text of a text value, "" of any other.
func (v Value) AsText() string {
	if v.kind == KindText {
		return v.str
	}
	return ""
}

// AsInteger returns the integer of an integer value.
func (v Value) AsInteger() (int64, bool) { return v.num, v.kind == KindInteger }

// AsDecimal returns the number of a decimal or integer value.
func (v Value) AsDecimal() (decimal.Decimal, bool) {
	switch v.kind {
	case KindDecimal:
		return v.ref.(decimal.Decimal), true
	case KindInteger:
		return decimal.New(v.num, 0), true
	}
	return decimal.Zero, false
}

// AsBool returns the truth of a bool value, false of any other.
func (v Value) AsBool() bool { return v.kind == KindBool && v.num == 1 }

// AsDate returns the date of a date value.
func (v Value) AsDate() (Date, bool) { return Date(v.num), v.kind == KindDate }

// AsInstant returns the time of an instant value, in UTC.
func (v Value) AsInstant() (time.Time, bool) {
	if v.kind == KindInstant {
		return v.ref.(time.Time), true
	}
	return time.Time{}, false
}

// AsBytes returns a copy of the bytes of a bytes value.
func (v Value) AsBytes() []byte {
	if v.kind == KindBytes {
		return []byte(v.str)
	}
	return nil
}

// AsList returns the elements of a list value; they must not be changed.
func (v Value) AsList() []Value {
	if v.kind == KindList {
		return v.ref.([]Value)
	}
	return nil
}

// AsRecord returns the record of a record value.
func (v Value) AsRecord() (Record, bool) {
	if v.kind == KindRecord {
		return v.ref.(Record), true
	}
	return Record{}, false
}

// String writes v for people and for keys: text as it is, numbers canonically, dates as 2006-01-02, instants in RFC 3339,
// nothing for absent and null, lists and records in a compact form.
func (v Value) String() string {
	switch v.kind {
	case KindText:
		return v.str
	case KindInteger:
		return strconv.FormatInt(v.num, 10)
	case KindDecimal:
		return v.ref.(decimal.Decimal).String()
	case KindBool:
		return strconv.FormatBool(v.num == 1)
	case KindDate:
		return Date(v.num).String()
	case KindInstant:
		return v.ref.(time.Time).Format(time.RFC3339Nano)
	case KindBytes:
		return fmt.Sprintf("%x", v.str)
	case KindList:
		parts := make([]string, 0, len(v.AsList()))
		for _, e := range v.AsList() {
			parts = append(parts, e.String())
		}
		return "[" + strings.Join(parts, ", ") + "]"
	case KindRecord:
		r, _ := v.AsRecord()
		return r.String()
	default:
		return ""
	}
}

// Equal reports whether two values are the same: same kind and same content; numbers by value.
func (v Value) Equal(w Value) bool {
	if v.kind != w.kind {
		return false
	}
	var a, b bytes.Buffer
	appendCanonical(&a, v)
	appendCanonical(&b, w)
	return bytes.Equal(a.Bytes(), b.Bytes())
}

// Date is a calendar date without a zone: days since 1970-01-01.
type Date int32

// NewDate returns the date of a year, month and day.
func NewDate(year int, month time.Month, day int) Date {
	return Date(time.Date(year, month, day, 0, 0, 0, 0, time.UTC).Unix() / 86400)
}

// ParseDate takes the calendar date as written from "2006-01-02" or from any longer ISO 8601 form that starts so
// ("2006-01-02T15:04:05Z"): the time and the zone are dropped and never shift the date.
func ParseDate(s string) (Date, error) {
	day := s
	if len(s) > 10 && (s[10] == 'T' || s[10] == ' ') {
		day = s[:10]
	}
	t, err := time.Parse("2006-01-02", day)
	if err != nil {
		return 0, fmt.Errorf("not a date (YYYY-MM-DD): %q", clip(s))
	}
	return NewDate(t.Date()), nil
}

// Time is midnight UTC of the date; for calendar arithmetic only.
func (d Date) Time() time.Time { return time.Unix(int64(d)*86400, 0).UTC() }

// Year is the calendar year.
func (d Date) Year() int { return d.Time().Year() }

// String is the date as 2006-01-02.
func (d Date) String() string { return d.Time().Format("2006-01-02") }

func clip(s string) string {
	if len(s) > 60 {
		return s[:60] + "…"
	}
	return s
}
