package connector

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/pomost/pomost/sdk/decimal"
	"github.com/pomost/pomost/sdk/record"
)

// row is one row of an answer by upper-case column: string, json.Number, bool, nil or something nested.
type row map[string]any

// answer is an object of tables, by upper-case name (facts section 4).
type answer struct {
	tables  map[string][]row
	message string // a text beside them, as a web server's own error object has
}

// rows of a table; a missing key is an empty table (facts B7.7).
func (a *answer) rows(name string) []row { return a.tables[strings.ToUpper(name)] }

// failure is the error object of facts B4; ASP.NET's own has Message instead.
type failure struct {
	ErrorType    string
	ErrorNumbers []json.Number
	ErrorMessage string
	Message      string
}

// parseFailure reads an error object, nil where the body is none. Member names are matched without case.
func parseFailure(body []byte) *failure {
	body = bytes.TrimSpace(trimBOM(body))
	if len(body) == 0 || body[0] != '{' {
		return nil
	}
	var f struct {
		ErrorType    any
		ErrorNumbers any
		ErrorMessage any
		Message      any
	}
	if err := decode(body, &f); err != nil {
		return nil
	}
	text := func(v any) string { s, _ := v.(string); return strings.TrimSpace(s) }
	out := &failure{ErrorType: text(f.ErrorType), ErrorMessage: text(f.ErrorMessage), Message: text(f.Message)}
	switch n := f.ErrorNumbers.(type) {
	case []any:
		for _, v := range n {
			out.ErrorNumbers = append(out.ErrorNumbers, json.Number(fmt.Sprint(v)))
		}
	case json.Number:
		out.ErrorNumbers = []json.Number{n}
	}
	if out.ErrorMessage == "" && out.Message == "" {
		return nil
	}
	return out
}

func trimBOM(b []byte) []byte { return bytes.TrimPrefix(b, []byte("\xef\xbb\xbf")) }

// decode reads exactly one JSON value; numbers keep their text.
func decode(body []byte, v any) error {
	d := json.NewDecoder(bytes.NewReader(trimBOM(body)))
	d.UseNumber()
	if err := d.Decode(v); err != nil {
		return err
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return errors.New("more follows after the JSON value")
	}
	return nil
}

// parseAnswer reads the tables of an answer. A lone row may come as an object instead of an array [C PHP]; lines may come
// nested in their header [C GO, COMP_LN] and are then lifted beside it with the link that they would have had.
func parseAnswer(body []byte) (*answer, error) {
	var root map[string]any
	if err := decode(body, &root); err != nil {
		return nil, fmt.Errorf("the answer is no JSON object: %w", err)
	}
	a := &answer{tables: map[string][]row{}}
	for name, v := range root {
		switch t := v.(type) {
		case []any:
			rows := make([]row, 0, len(t))
			for i, e := range t {
				m, ok := e.(map[string]any)
				if !ok {
					return nil, fmt.Errorf("row %d of %s is no object", i+1, quote(name))
				}
				rows = append(rows, upper(m))
			}
			a.tables[strings.ToUpper(name)] = append(a.tables[strings.ToUpper(name)], rows...)
		case map[string]any:
			a.tables[strings.ToUpper(name)] = append(a.tables[strings.ToUpper(name)], upper(t))
		case string:
			if strings.EqualFold(name, "Message") {
				a.message = t
			}
		}
	}
	return a, nil
}

func upper(m map[string]any) row {
	r := make(row, len(m))
	for k, v := range m {
		// A column of a joined table may come as TABLE.FIELD (facts section 3, uncertain); the bare name is what counts.
		if i := strings.LastIndexByte(k, '.'); i >= 0 {
			k = k[i+1:]
		}
		r[strings.ToUpper(k)] = v
	}
	return r
}

// text is a C column as it stands, its padding cut.
func (r row) text(name string) string {
	switch v := r[name].(type) {
	case string:
		return strings.TrimRight(v, " ")
	case json.Number:
		return v.String()
	}
	return ""
}

// raw is a column's text with its padding.
func (r row) raw(name string) string {
	if s, ok := r[name].(string); ok {
		return s
	}
	return r.text(name)
}

func (r row) logical(name string) bool {
	v, _ := logical(r[name])
	return v.AsBool()
}

// nested returns the rows of a table that come inside this row.
func (r row) nested(name string) ([]row, bool) {
	switch v := r[name].(type) {
	case []any:
		var out []row
		for _, e := range v {
			if m, ok := e.(map[string]any); ok {
				out = append(out, upper(m))
			}
		}
		return out, true
	case map[string]any:
		return []row{upper(v)}, true
	}
	return nil, false
}

// value reads a column by its type. Absent stands for what was not answered or cannot be read as that type, so that
// nobody acts on a guess.
func (r row) value(c column, zone *time.Location) record.Value {
	v, ok := r[c.Name]
	if !ok {
		return record.Absent()
	}
	if v == nil {
		return record.Null()
	}
	out, ok := readValue(v, c.typ, zone)
	if !ok {
		return record.Absent()
	}
	return out
}

func readValue(v any, typ byte, zone *time.Location) (record.Value, bool) {
	if kindOf(typ) == record.KindBool {
		return logical(v)
	}
	var s string
	switch t := v.(type) {
	case string:
		s = strings.TrimRight(t, " ")
	case json.Number:
		s = t.String()
	case bool:
		if kindOf(typ) != record.KindText {
			return record.Absent(), false
		}
		s = fmt.Sprint(t)
	default:
		return record.Absent(), false
	}
	if s == "" {
		return record.Null(), true
	}
	switch kindOf(typ) {
	case record.KindText:
		return record.Text(s), true
	case record.KindDecimal:
		d, err := decimal.Parse(strings.TrimSpace(s))
		return record.Decimal(d), err == nil
	case record.KindInteger:
		d, err := decimal.Parse(strings.TrimSpace(s))
		if err != nil || d.Places() > 0 {
			return record.Absent(), false
		}
		var n int64
		if _, err := fmt.Sscan(d.String(), &n); err != nil {
			return record.Absent(), false
		}
		return record.Integer(n), true
	case record.KindDate:
		if emptyDate(s) {
			return record.Null(), true
		}
		d, err := record.ParseDate(strings.TrimSpace(s))
		return record.OfDate(d), err == nil
	case record.KindInstant:
		if emptyDate(s) {
			return record.Null(), true
		}
		t, err := parseLocal(strings.TrimSpace(s), zone)
		return record.Instant(t), err == nil
	}
	return record.Absent(), false
}

// emptyDate knows the dates by which FoxPro and .NET write none.
func emptyDate(s string) bool {
	return strings.HasPrefix(s, "1899-12-30") || strings.HasPrefix(s, "0001-01-01")
}

// logical takes true, "True", ".T.", "T", "1" and their opposites: clients send and get text as well [C PAS].
func logical(v any) (record.Value, bool) {
	switch t := v.(type) {
	case bool:
		return record.Bool(t), true
	case json.Number:
		return record.Bool(t.String() != "0"), true
	case string:
		switch strings.ToLower(strings.Trim(t, " .")) {
		case "true", "t", "1", "y", "j", "yes", "ja":
			return record.Bool(true), true
		case "false", "f", "0", "n", "no", "nee", "":
			return record.Bool(false), true
		}
	}
	return record.Absent(), false
}

// The forms of date and time seen in answers [C GO json_types].
var timeForms = []string{"2006-01-02T15:04:05.999999999", "2006-01-02 15:04:05.999999999", "2006-01-02"}

// parseLocal reads a time of AccountView: local without a zone; one that states a zone keeps it.
func parseLocal(s string, zone *time.Location) (time.Time, error) {
	if t, err := time.Parse(time.RFC3339Nano, s); err == nil {
		return t, nil
	}
	for _, form := range timeForms {
		if t, err := time.ParseInLocation(form, s, zone); err == nil {
			return t, nil
		}
	}
	return time.Time{}, fmt.Errorf("not a date and time: %s", quote(s))
}
