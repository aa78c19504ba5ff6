package connector

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf16"

	sdk "github.com/pomost/pomost/sdk/connector"
	"github.com/pomost/pomost/sdk/decimal"
	"github.com/pomost/pomost/sdk/record"
)

// decodeObject reads one JSON object with its numbers as text: an amount never passes through a float.
func decodeObject(raw []byte) (map[string]any, error) {
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.UseNumber()
	var m map[string]any
	if err := dec.Decode(&m); err != nil {
		return nil, err
	}
	if m == nil {
		return nil, fmt.Errorf("null instead of an object")
	}
	if _, err := dec.Token(); err != io.EOF {
		return nil, fmt.Errorf("more than one JSON value")
	}
	return m, nil
}

// fromJSON reads what the schema knows; unknown members are ignored, members that are missing or are not what the
// specification says stay absent: nothing is guessed.
func fromJSON(s *record.Schema, m map[string]any) record.Record {
	r := record.New(s)
	for i, f := range s.Fields {
		if v, ok := m[f.Name]; ok {
			r.Values[i] = valueFromJSON(f.Type, v)
		}
	}
	return r
}

func valueFromJSON(t record.Type, v any) record.Value {
	if v == nil {
		return record.Null()
	}
	switch t.Kind {
	case record.KindText:
		switch s := v.(type) {
		case string:
			if s == noID {
				return record.Null()
			}
			return record.Text(strings.ToValidUTF8(s, "\uFFFD"))
		case json.Number:
			return record.Text(s.String())
		}
	case record.KindInteger:
		if d, ok := number(v); ok && d.Places() == 0 {
			if n, err := strconv.ParseInt(d.String(), 10, 64); err == nil {
				return record.Integer(n)
			}
		}
	case record.KindDecimal:
		if d, ok := number(v); ok {
			return record.Decimal(d)
		}
	case record.KindBool:
		if b, ok := v.(bool); ok {
			return record.Bool(b)
		}
	case record.KindDate:
		return dateFromJSON(v)
	case record.KindInstant:
		if s, ok := v.(string); ok {
			if at, ok := parseInstant(s); ok {
				return record.Instant(at)
			}
			if strings.HasPrefix(s, "0001-01-01") {
				return record.Null()
			}
		}
	case record.KindList:
		list, ok := v.([]any)
		if !ok {
			return record.Absent()
		}
		out := make([]record.Value, 0, len(list))
		for _, e := range list {
			out = append(out, valueFromJSON(*t.Elem, e))
		}
		sortLines(out)
		return record.List(out...)
	case record.KindRecord:
		if m, ok := v.(map[string]any); ok {
			return record.Nested(fromJSON(t.Record, m))
		}
	}
	return record.Absent()
}

// sortLines puts the rows of a document into their order: the system does not promise to [SBX]. Rows that do not all have a number stay.
func sortLines(rows []record.Value) {
	line := func(v record.Value) (int64, bool) {
		r, ok := v.AsRecord()
		if !ok {
			return 0, false
		}
		if _, has := r.Schema.Field("LineNumber"); !has {
			return 0, false
		}
		return r.Get("LineNumber").AsInteger()
	}
	for _, v := range rows {
		if _, ok := line(v); !ok {
			return
		}
	}
	slices.SortStableFunc(rows, func(a, b record.Value) int {
		x, _ := line(a)
		y, _ := line(b)
		return cmp.Compare(x, y)
	})
}

// noID is the platform's id of nothing, where a field cannot be null.
const noID = "00000000-0000-0000-0000-000000000000"

// number reads a JSON number; one in quotes is taken too.
func number(v any) (decimal.Decimal, bool) {
	var text string
	switch n := v.(type) {
	case json.Number:
		text = n.String()
	case string:
		text = n
	default:
		return decimal.Zero, false
	}
	d, err := decimal.Parse(text)
	return d, err == nil
}

// dateFromJSON takes the calendar date as written, with or without a time [SBX]; the platform's zero date is null.
func dateFromJSON(v any) record.Value {
	s, ok := v.(string)
	if !ok {
		return record.Absent()
	}
	if s == "" || strings.HasPrefix(s, "0001-01-01") {
		return record.Null()
	}
	d, err := record.ParseDate(s)
	if err != nil {
		return record.Absent()
	}
	return record.OfDate(d)
}

// parseInstant reads a moment; one without a zone is UTC, as its name says.
func parseInstant(s string) (time.Time, bool) {
	for _, layout := range []string{time.RFC3339Nano, "2006-01-02T15:04:05.9999999", "2006-01-02 15:04:05.9999999", "2006-01-02"} {
		if t, err := time.Parse(layout, s); err == nil && t.Year() > 1 {
			return t.UTC(), true
		}
	}
	return time.Time{}, false
}

// instantText writes a moment for a filter, to the platform's seven places at most.
func instantText(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.9999999Z") }

// dateText writes a calendar date as documents take it [SBX].
func dateText(d record.Date) string { return d.String() }

// toJSON writes the stated, writable fields of a record; create adds the harmless defaults of required ones. The error names
// the field at fault by its path.
func toJSON(r record.Record, schemaName, path string, create bool) (map[string]any, *sdk.Error) {
	out := map[string]any{}
	for _, f := range facts[schemaName] {
		// A label inside a customer or an article is named by its Id, though the specification marks that read-only [?].
		label := f.name == "Id" && path != "" && strings.HasSuffix(schemaName, "LabelApi")
		if f.readOnly && !label {
			continue
		}
		v := r.Get(f.name)
		at := path + f.name
		if v.IsAbsent() {
			if d, ok := assumed[f.name]; ok && create && f.required && d != nil {
				out[f.name] = d
			} else if create && f.needed() {
				return nil, invalid(at, "must be given")
			}
			continue
		}
		j, err := valueToJSON(v, f, at, create)
		if err != nil {
			return nil, err
		}
		out[f.name] = j
	}
	return out, nil
}

func valueToJSON(v record.Value, f fact, at string, create bool) (any, *sdk.Error) {
	switch v.Kind() {
	case record.KindNull:
		if f.needed() {
			return nil, invalid(at, "must not be empty")
		}
		return nil, nil
	case record.KindText:
		s := v.AsText()
		if f.needed() && strings.TrimSpace(s) == "" {
			return nil, invalid(at, "must not be empty")
		}
		// The platform counts UTF-16 units.
		if n := len(utf16.Encode([]rune(s))); f.length > 0 && n > f.length {
			return nil, &sdk.Error{Cause: sdk.CauseLength, Field: at, Message: fmt.Sprintf("%s has %d characters, eAccounting takes %d", at, n, f.length),
				Remedy: "shorten the value at its source or cut it in the mapping"}
		}
		return s, nil
	case record.KindBool:
		return v.AsBool(), nil
	case record.KindInteger, record.KindDecimal:
		return json.Number(v.String()), nil
	case record.KindDate:
		d, _ := v.AsDate()
		return dateText(d), nil
	case record.KindInstant:
		t, _ := v.AsInstant()
		return instantText(t), nil
	case record.KindList:
		elem := fact{name: f.name, typ: strings.TrimSuffix(f.typ, "[]")}
		out := make([]any, 0, len(v.AsList()))
		for i, e := range v.AsList() {
			j, err := valueToJSON(e, elem, fmt.Sprintf("%s[%d]", at, i), create)
			if err != nil {
				return nil, err
			}
			if m, ok := j.(map[string]any); ok && writable(elem.typ, "LineNumber") && m["LineNumber"] == nil {
				m["LineNumber"] = i
			}
			out = append(out, j)
		}
		return out, nil
	case record.KindRecord:
		n, _ := v.AsRecord()
		return nestedToJSON(n, f.typ, at+".")
	}
	return nil, invalid(at, "cannot be sent as "+v.Kind().String())
}

// nestedToJSON writes a part of a record. Parts have no update of their own: a stated list replaces the old one.
func nestedToJSON(r record.Record, schemaName, path string) (any, *sdk.Error) {
	m, err := toJSON(r, schemaName, path, true)
	if err != nil {
		return nil, err
	}
	return m, nil
}

func writable(schemaName, field string) bool {
	for _, f := range facts[schemaName] {
		if f.name == field {
			return !f.readOnly
		}
	}
	return false
}

func invalid(field, what string) *sdk.Error {
	return &sdk.Error{Cause: sdk.CauseInvalidValue, Field: field, Message: field + " " + what, Remedy: "correct the value at its source or in the mapping"}
}
