package sandbox

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"math/big"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// record is a value of a schema: one slot per field.
type record struct {
	schema *schema
	vals   []any
	// given marks the fields that the caller sent, so that "absent" can take a default that an explicit zero must not.
	given []bool
	// extra is what the API never shows of this record.
	extra any
}

func newRecord(s *schema) *record {
	r := &record{schema: s, vals: make([]any, len(s.fields))}
	for i := range s.fields {
		r.vals[i] = s.fields[i].zeroValue()
	}
	return r
}

func (r *record) get(name string) any    { return r.vals[r.schema.at(name)] }
func (r *record) set(name string, v any) { r.vals[r.schema.at(name)] = v }
func (r *record) wasGiven(name string) bool {
	return r.given != nil && r.given[r.schema.at(name)]
}

// with sets several fields: name, value, name, value …
func (r *record) with(pairs ...any) *record {
	for i := 0; i < len(pairs); i += 2 {
		r.set(pairs[i].(string), pairs[i+1])
	}
	return r
}

func (r *record) str(name string) string {
	s, _ := r.get(name).(string)
	return s
}

func (r *record) boolean(name string) bool {
	b, _ := r.get(name).(bool)
	return b
}

func (r *record) integer(name string) int64 {
	n, _ := r.get(name).(int64)
	return n
}

func (r *record) number(name string) *big.Rat {
	if n, ok := r.get(name).(*num); ok {
		return n.r
	}
	return zero.r
}

func (r *record) time(name string) (time.Time, bool) {
	t, ok := r.get(name).(time.Time)
	return t, ok
}

func (r *record) list(name string) []*record {
	l, _ := r.get(name).([]*record)
	return l
}

// copyFields copies the named fields from another record.
func (r *record) copyFields(from *record, names ...string) {
	for _, n := range names {
		r.set(n, from.get(n))
	}
}

func (r *record) clone() *record {
	c := &record{schema: r.schema, vals: append([]any(nil), r.vals...), extra: r.extra}
	for i, v := range c.vals {
		switch v := v.(type) {
		case *record:
			c.vals[i] = v.clone()
		case []*record:
			l := make([]*record, len(v))
			for j, e := range v {
				l[j] = e.clone()
			}
			c.vals[i] = l
		}
	}
	return c
}

// form is how records are written as JSON.
type form struct {
	// old leaves out the fields that came after 2020.
	old bool
	// nullStamps shows nullable change stamps as null.
	nullStamps bool
	// timed shows document dates with a time of midnight UTC.
	timed bool
	// unsorted shows the rows of documents backwards.
	unsorted bool
	// exact is for the state file: everything as it is held.
	exact bool
}

const (
	dateLayout    = "2006-01-02"
	instantLayout = "2006-01-02T15:04:05.9999999Z" // .NET's: up to seven places, no trailing zeros
)

// changeStamps are the fields that a dialect shows as null; only nullable ones can be ([OA26]).
var changeStamps = map[string]bool{"ChangedUtc": true, "ModifiedUtc": true}

func (f form) append(b []byte, r *record, only []int) []byte {
	b = append(b, '{')
	first := true
	emit := func(i int) {
		fd := &r.schema.fields[i]
		if fd.hidden(f.old) && !f.exact {
			return
		}
		if !first {
			b = append(b, ',')
		}
		first = false
		b = append(b, fd.key...)
		v := r.vals[i]
		if f.nullStamps && fd.nullable && changeStamps[fd.name] {
			v = nil
		}
		b = f.appendValue(b, fd, v)
	}
	if only != nil {
		for _, i := range only {
			emit(i)
		}
	} else {
		for i := range r.vals {
			emit(i)
		}
	}
	return append(b, '}')
}

func (f form) appendValue(b []byte, fd *field, v any) []byte {
	switch v := v.(type) {
	case nil:
		return append(b, f.nothing(fd)...)
	case bool:
		return strconv.AppendBool(b, v)
	case int64:
		return strconv.AppendInt(b, v, 10)
	case *num:
		return append(b, v.text...)
	case string:
		return appendString(b, v)
	case time.Time:
		b = append(b, '"')
		switch {
		case fd.kind == kindInstant || f.exact:
			b = v.AppendFormat(b, instantLayout)
		case f.timed && fd.name != "DueDate": // DueDate came without a time even there [SBX]
			b = v.AppendFormat(b, instantLayout)
		default:
			b = v.AppendFormat(b, dateLayout)
		}
		return append(b, '"')
	case *record:
		return f.append(b, v, nil)
	case []*record:
		if f.unsorted && !f.exact && fd.name == "Rows" {
			v = slices.Clone(v)
			slices.Reverse(v)
		}
		b = append(b, '[')
		for i, e := range v {
			if i > 0 {
				b = append(b, ',')
			}
			b = f.append(b, e, nil)
		}
		return append(b, ']')
	case []string:
		b = append(b, '[')
		for i, e := range v {
			if i > 0 {
				b = append(b, ',')
			}
			b = appendString(b, e)
		}
		return append(b, ']')
	default:
		panic(fmt.Sprintf("field %s holds a %T", fd.name, v))
	}
}

// nothing is what a field without a value shows: null, or the zero of its type in the vendor's language where null is not allowed.
func (f form) nothing(fd *field) string {
	switch {
	case fd.nullable || f.exact:
	case fd.kind == kindUUID:
		return `"00000000-0000-0000-0000-000000000000"`
	case fd.kind == kindDate || fd.kind == kindInstant:
		return `"0001-01-01T00:00:00"`
	}
	return "null"
}

func appendString(b []byte, s string) []byte {
	for i := range len(s) {
		if c := s[i]; c < 0x20 || c == '"' || c == '\\' || c >= utf8.RuneSelf {
			quoted, _ := json.Marshal(s) // a string always marshals
			return append(b, quoted...)
		}
	}
	b = append(b, '"')
	b = append(b, s...)
	return append(b, '"')
}

// decodeObject reads a body that must be one JSON object.
func decodeObject(data []byte) (map[string]any, error) {
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.UseNumber()
	var v any
	if err := dec.Decode(&v); err != nil {
		return nil, err
	}
	if _, err := dec.Token(); err != io.EOF {
		return nil, fmt.Errorf("more than one JSON value")
	}
	m, ok := v.(map[string]any)
	if !ok {
		return nil, fmt.Errorf("not a JSON object")
	}
	return m, nil
}

// reader turns decoded JSON into records and collects what is wrong with it. Read-only and unknown properties are
// ignored (facts section 10); a property that is missing gets its default, so a PUT replaces.
type reader struct {
	problems []fieldProblem
	// exact is for the state file: every field is taken, nothing is checked.
	exact bool
	// old ignores the fields that came after 2020.
	old bool
	// strict refuses unknown and read-only fields.
	strict bool
}

type fieldProblem struct {
	Field     string  `json:"Field"`
	ErrorCode string  `json:"ErrorCode"`
	Message   string  `json:"Message"`
	Key       *string `json:"Key"`
}

func (rd *reader) fail(path, code, format string, args ...any) {
	rd.problems = append(rd.problems, fieldProblem{Field: path, ErrorCode: code, Message: fmt.Sprintf(format, args...)})
}

// requiredEnforced is whether a missing value is refused: measured, a missing required bool or number takes the default
// of its type, a missing required string or reference is refused [SBX].
func (f *field) requiredEnforced() bool {
	switch f.kind {
	case kindString, kindUUID, kindDate, kindInstant, kindObjects:
		return f.required
	default:
		return false
	}
}

func (rd *reader) object(s *schema, m map[string]any, path string) *record {
	r := newRecord(s)
	r.given = make([]bool, len(s.fields))
	for _, k := range slices.Sorted(maps.Keys(m)) { // in one order, for a body may name a field twice, in other letters
		raw := m[k]
		i, ok := s.index[k]
		if !ok {
			if i, ok = s.folded[strings.ToLower(k)]; !ok {
				if rd.strict {
					rd.fail(path+k, "Unknown", "The field %s is not known.", k)
				}
				continue
			}
		}
		f := &s.fields[i]
		// The Id of a record inside another one is how a body refers to it (labels, rows).
		reference := f.name == "Id" && path != ""
		if !rd.exact && ((f.readOnly && !reference) || f.kind == kindOpaque || f.hidden(rd.old)) {
			if rd.strict && f.readOnly && !reference {
				rd.fail(path+f.name, "ReadOnly", "The field %s is read-only.", f.name)
			}
			continue
		}
		r.given[i] = true
		r.vals[i] = rd.value(f, raw, path+f.name)
	}
	if rd.exact {
		r.given = nil
		return r
	}
	for i := range s.fields {
		f := &s.fields[i]
		empty := r.vals[i] == nil || r.vals[i] == ""
		if empty && f.requiredEnforced() && !f.readOnly && (r.given[i] || !(rd.old && f.new)) && !rd.has(path+f.name) {
			rd.fail(path+f.name, "Required", "The %s field is required.", f.name)
		}
	}
	return r
}

func (rd *reader) has(path string) bool {
	for _, p := range rd.problems {
		if p.Field == path {
			return true
		}
	}
	return false
}

func (rd *reader) value(f *field, raw any, path string) any {
	if raw == nil {
		if !rd.exact && (f.kind == kindBool || f.kind == kindInt || f.kind == kindDouble) && !f.nullable {
			rd.fail(path, "InvalidType", "The JSON value could not be converted: null is not allowed for %s.", f.name)
		}
		return f.zeroValue()
	}
	switch f.kind {
	case kindBool:
		if b, ok := raw.(bool); ok {
			return b
		}
	case kindInt:
		if n, ok := raw.(json.Number); ok {
			return rd.integer(f, n, path)
		}
	case kindDouble:
		if n, ok := raw.(json.Number); ok {
			return rd.double(f, n, path)
		}
	case kindString:
		if s, ok := raw.(string); ok {
			if f.maxLen > 0 && !rd.exact && utf8.RuneCountInString(s) > f.maxLen {
				rd.fail(path, "MaxLength", "The field %s must be a string with a maximum length of %d.", f.name, f.maxLen)
			}
			return s
		}
	case kindUUID:
		if s, ok := raw.(string); ok {
			if id, ok := parseUUID(s); ok {
				return id
			}
		}
	case kindDate, kindInstant:
		if s, ok := raw.(string); ok {
			if t, ok := parseTime(s); ok {
				if f.kind == kindDate {
					// The calendar date as written: a document's date has no zone.
					return time.Date(t.Year(), t.Month(), t.Day(), 0, 0, 0, 0, time.UTC)
				}
				return t.UTC()
			}
		}
	case kindObject:
		if m, ok := raw.(map[string]any); ok {
			return rd.object(f.of, m, path+".")
		}
	case kindObjects:
		if l, ok := raw.([]any); ok {
			return rd.objects(f, l, path)
		}
	case kindStrings:
		if l, ok := raw.([]any); ok {
			out := make([]string, 0, len(l))
			for _, e := range l {
				s, ok := e.(string)
				if !ok {
					rd.fail(path, "InvalidType", "The JSON value could not be converted to a list of text.")
					return nil
				}
				out = append(out, s)
			}
			return out
		}
	case kindOpaque:
		return nil
	}
	rd.fail(path, "InvalidType", "The JSON value could not be converted to the type of %s.", f.name)
	return f.zeroValue()
}

func (rd *reader) objects(f *field, l []any, path string) any {
	out := make([]*record, 0, len(l))
	for i, e := range l {
		m, ok := e.(map[string]any)
		at := fmt.Sprintf("%s[%d]", path, i)
		if !ok {
			rd.fail(at, "InvalidType", "The JSON value could not be converted to an object.")
			continue
		}
		out = append(out, rd.object(f.of, m, at+"."))
	}
	return out
}

func (rd *reader) integer(f *field, n json.Number, path string) any {
	v, err := strconv.ParseInt(n.String(), 10, f.bits)
	if err != nil {
		rd.fail(path, "InvalidType", "The JSON value could not be converted to the type of %s.", f.name)
		return f.zeroValue()
	}
	rd.inRange(f, new(big.Rat).SetInt64(v), path)
	return v
}

func (rd *reader) double(f *field, n json.Number, path string) any {
	v, ok := parseNum(n.String())
	if !ok {
		rd.fail(path, "InvalidType", "The JSON value could not be converted to the type of %s.", f.name)
		return f.zeroValue()
	}
	rd.inRange(f, v, path)
	if rd.exact {
		return newNum(v)
	}
	return numOf(v, f.scale)
}

func (rd *reader) inRange(f *field, v *big.Rat, path string) {
	if rd.exact || f.min == nil || (v.Cmp(f.min) >= 0 && v.Cmp(f.max) <= 0) {
		return
	}
	rd.fail(path, "Range", "The field %s must be between %s and %s.", f.name, f.min.RatString(), f.max.RatString())
}

// parseTime reads what .NET's reader takes: a date, or a date and time with or without a zone.
func parseTime(s string) (time.Time, bool) {
	for _, layout := range []string{dateLayout, time.RFC3339Nano, "2006-01-02T15:04:05.999999999", "2006-01-02T15:04", "2006-01-02T15:04Z07:00"} {
		if t, err := time.Parse(layout, s); err == nil {
			return t, true
		}
	}
	return time.Time{}, false
}

// parseUUID takes the form with hyphens and lowers it.
func parseUUID(s string) (string, bool) {
	if len(s) != 36 {
		return "", false
	}
	for i := range len(s) {
		c := s[i]
		if i == 8 || i == 13 || i == 18 || i == 23 {
			if c != '-' {
				return "", false
			}
			continue
		}
		if (c < '0' || c > '9') && (c < 'a' || c > 'f') && (c < 'A' || c > 'F') {
			return "", false
		}
	}
	return strings.ToLower(s), true
}
