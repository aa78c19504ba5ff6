package connector

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/pomost/pomost/sdk/decimal"
	"github.com/pomost/pomost/sdk/record"
)

// maxValue bounds the values that are looked up: an address has an end.
const maxValue = 400

// literal writes a value as $filter takes it [DOC filtering]: text in single quotes with quotes doubled, ids and moments
// bare. ok is false for what cannot be asked.
func literal(f record.Field, v record.Value) (string, bool) {
	switch f.Type.Kind {
	case record.KindText:
		s := v.AsText()
		if v.Kind() == record.KindInteger {
			s = v.String()
		}
		if isID(f) {
			return strings.ToLower(s), isUUID(s)
		}
		if s == "" || !askable(s) {
			return "", false
		}
		return "'" + strings.ReplaceAll(s, "'", "''") + "'", true
	case record.KindInteger:
		n, ok := asInteger(v)
		return n, ok
	case record.KindDecimal:
		d, ok := v.AsDecimal()
		return d.String(), ok
	case record.KindBool:
		return v.String(), v.Kind() == record.KindBool
	case record.KindDate:
		d, ok := v.AsDate()
		return d.String() + "T00:00:00Z", ok
	case record.KindInstant:
		t, ok := v.AsInstant()
		return instantText(t), ok
	}
	return "", false
}

// askable tells whether a text can be put into an address that every part of the way takes.
func askable(s string) bool {
	if !utf8.ValidString(s) || utf8.RuneCountInString(s) > maxValue {
		return false
	}
	return strings.IndexFunc(s, unicode.IsControl) < 0
}

// isID tells a field that holds an id of the system.
func isID(f record.Field) bool {
	return f.Type.Kind == record.KindText && f.Length == 36 && strings.HasSuffix(f.Name, "Id")
}

func isUUID(s string) bool {
	if len(s) != 36 {
		return false
	}
	for i := range len(s) {
		c := s[i]
		switch i {
		case 8, 13, 18, 23:
			if c != '-' {
				return false
			}
		default:
			if (c < '0' || c > '9') && (c < 'a' || c > 'f') && (c < 'A' || c > 'F') {
				return false
			}
		}
	}
	return true
}

// asInteger is the digits of a whole number, given as a number or as text.
func asInteger(v record.Value) (string, bool) {
	d, ok := v.AsDecimal()
	if v.Kind() == record.KindText {
		var err error
		d, err = decimal.Parse(strings.TrimSpace(v.AsText()))
		ok = err == nil
	}
	limit := decimal.New(1<<31-1, 0)
	if !ok || d.Places() != 0 || d.Abs().Cmp(limit) > 0 {
		return "", false
	}
	return d.String(), true
}

// matches compares a record's field with the value looked up. The system compares text without case; the host compares
// once more, exactly.
func matches(f record.Field, have, want record.Value) bool {
	switch f.Type.Kind {
	case record.KindText:
		w := want.AsText()
		if want.Kind() == record.KindInteger {
			w = want.String()
		}
		return !have.IsEmpty() && strings.EqualFold(strings.TrimSpace(have.AsText()), strings.TrimSpace(w))
	case record.KindInteger:
		n, ok := asInteger(want)
		return ok && have.Kind() == record.KindInteger && have.String() == n
	}
	return have.Equal(want)
}
