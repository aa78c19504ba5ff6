package flow

import (
	"fmt"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/pomost/pomost/sdk/decimal"
	"github.com/pomost/pomost/sdk/record"
)

// Convert gives a value the kind of a field, where that is exact: numbers and dates from and to their text, whole decimals to
// integers, truth values from "true" and "false". Everything else is an error.
func Convert(v record.Value, to record.Kind) (record.Value, error) {
	from := v.Kind()
	if from == to || v.IsAbsent() || from == record.KindNull {
		return v, nil
	}
	if !convertible(from, to) {
		return record.Absent(), fmt.Errorf("a %s cannot become a %s", from, to)
	}
	t := strings.TrimSpace(v.String())
	switch to {
	case record.KindText:
		return record.Text(v.String()), nil
	case record.KindInteger, record.KindDecimal:
		d, ok := v.AsDecimal()
		if !ok {
			var err error
			if d, err = decimal.Parse(t); err != nil {
				return record.Absent(), fmt.Errorf("%q is no number", clip(t))
			}
		}
		if to == record.KindDecimal {
			return record.Decimal(d), nil
		}
		i, err := strconv.ParseInt(d.String(), 10, 64)
		if err != nil {
			return record.Absent(), fmt.Errorf("%s is no whole number", d)
		}
		return record.Integer(i), nil
	case record.KindDate:
		d, err := record.ParseDate(t)
		if err != nil {
			return record.Absent(), err
		}
		return record.OfDate(d), nil
	case record.KindBool:
		switch strings.ToLower(t) {
		case "true":
			return record.Bool(true), nil
		case "false":
			return record.Bool(false), nil
		}
		return record.Absent(), fmt.Errorf("%q is neither true nor false", clip(t))
	}
	return record.Absent(), fmt.Errorf("a %s cannot become a %s", from, to)
}

// convertible tells whether some values of one kind have an exact counterpart of the other.
func convertible(from, to record.Kind) bool {
	if from == to {
		return true
	}
	switch to {
	case record.KindText:
		return from == record.KindInteger || from == record.KindDecimal || from == record.KindDate
	case record.KindInteger:
		return from == record.KindText || from == record.KindDecimal
	case record.KindDecimal:
		return from == record.KindText || from == record.KindInteger
	case record.KindDate, record.KindBool:
		return from == record.KindText
	}
	return false
}

// ConvertText gives a text from a setting the kind of a schema's own field and checks that it fits.
func ConvertText(text string, s *record.Schema, field string) (record.Value, error) {
	i, ok := s.Index(field)
	if !ok {
		return record.Absent(), fmt.Errorf("%s has no field %s%s", s.Name, clip(field), didYouMean(field, names(s)))
	}
	f := s.Fields[i]
	if f.ReadOnly {
		return record.Absent(), fmt.Errorf("the field %s cannot be written", field)
	}
	v, err := Convert(record.Text(text), f.Type.Kind)
	if err != nil {
		return record.Absent(), err
	}
	if v.Kind() == record.KindText && f.Upper {
		v = record.Text(strings.ToUpper(v.AsText()))
	}
	if n := runes(v.AsText()); f.Length > 0 && n > f.Length {
		return record.Absent(), fmt.Errorf("it has %d characters, the field takes %d", n, f.Length)
	}
	if d, ok := v.AsDecimal(); ok && v.Kind() == record.KindDecimal && f.Decimals >= 0 && int(d.Places()) > f.Decimals {
		return record.Absent(), fmt.Errorf("the field keeps %d decimals", f.Decimals)
	}
	return v, nil
}

func runes(s string) int { return utf8.RuneCountInString(s) }

// Cut shortens a text to at most n characters, at the end of a word where that keeps at least half of them. A letter is never
// parted from the marks that combine with it.
func Cut(s string, n int) string {
	s = strings.TrimSpace(s)
	if n <= 0 {
		return ""
	}
	rs := []rune(s)
	if len(rs) <= n {
		return s
	}
	end := n
	if !unicode.IsSpace(rs[n]) {
		for i := n; i > n/2; i-- {
			if unicode.IsSpace(rs[i-1]) {
				end = i - 1
				break
			}
		}
	}
	for end > 0 && unicode.Is(unicode.M, rs[end]) {
		end--
	}
	return strings.TrimRightFunc(string(rs[:end]), func(r rune) bool { return unicode.IsSpace(r) || strings.ContainsRune(",;:/&-–(", r) })
}

// Divide parts a text in two: a first line of at most n characters, which ends at the last comma or, without one, at the last space that
// fits, and the rest. A text without either stays whole.
func Divide(s string, n int) (line, rest string) {
	s = strings.TrimSpace(s)
	rs := []rune(s)
	if n <= 0 || len(rs) <= n {
		return s, ""
	}
	for _, at := range []func(rune) bool{func(r rune) bool { return r == ',' }, unicode.IsSpace} {
		for i := n; i > 0; i-- {
			if at(rs[i]) {
				return strings.TrimRightFunc(string(rs[:i]), func(r rune) bool { return unicode.IsSpace(r) || r == ',' }),
					strings.TrimLeftFunc(string(rs[i:]), func(r rune) bool { return unicode.IsSpace(r) || r == ',' })
			}
		}
	}
	return s, ""
}
