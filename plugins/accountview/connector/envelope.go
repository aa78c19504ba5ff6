package connector

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	sdk "github.com/pomost/pomost/sdk/connector"
	"github.com/pomost/pomost/sdk/record"
)

// The body of POST and PUT (facts section 5).
type (
	envelope struct {
		BookDate       string
		BusinessObject string
		ID             string `json:"id,omitempty"` // PUT: the key of the record [C PAS]
		Table          definition
		TableData      data
	}
	definition struct {
		Definition        tableDefinition
		DetailDefinitions []tableDefinition `json:",omitempty"` // left out without lines [C PHP]
	}
	tableDefinition struct {
		Name   string
		Fields []fieldDefinition
	}
	fieldDefinition struct{ Name, FieldType string }
	data            struct {
		Data       rowsOf
		DetailData []rowsOf `json:",omitempty"`
	}
	rowsOf   struct{ Rows []valuesOf }
	valuesOf struct{ Values []any }
)

// fieldType is the letter that clients send for a column's type: they write memos as C, all numbers as N, dates as T.
func fieldType(typ byte) string {
	switch kindOf(typ) {
	case record.KindDecimal, record.KindInteger:
		return "N"
	case record.KindBool:
		return "L"
	case record.KindDate, record.KindInstant:
		return "T"
	}
	return "C"
}

// problem is a reason not to send a record.
func problem(cause sdk.Cause, field, message, remedy string) *sdk.Error {
	return &sdk.Error{Cause: cause, Field: field, Message: message, Remedy: remedy}
}

// valueOf writes a value for an envelope, or tells why it must not be sent.
func (c *connection) valueOf(t *table, col column, v record.Value) (any, *sdk.Error) {
	if err := record.Conforms(v, col.Type); err != nil {
		return nil, problem(sdk.CauseInvalidValue, col.Name, fmt.Sprintf("%s.%s %v", t.name, col.Name, err), "correct the mapping")
	}
	switch v.Kind() {
	case record.KindText:
		s := v.AsText()
		if col.Upper {
			s = strings.ToUpper(strings.TrimSpace(s))
		}
		if n := utf8.RuneCountInString(s); col.Length > 0 && n > col.Length {
			return nil, problem(sdk.CauseLength, col.Name, fmt.Sprintf("it has %d characters, and %s of AccountView holds %d", n, col.Name, col.Length),
				"shorten the value at its source or map it otherwise")
		}
		if !utf8.ValidString(s) || strings.ContainsFunc(s, func(r rune) bool {
			return r == 0x7f || r < 0x20 && (kindOf(col.typ) != record.KindText || col.typ != 'M' || r != '\n' && r != '\r' && r != '\t')
		}) {
			return nil, problem(sdk.CauseInvalidValue, col.Name, fmt.Sprintf("it holds characters that %s of AccountView cannot hold", col.Name), "correct the value at its source")
		}
		return s, nil
	case record.KindDecimal:
		d, _ := v.AsDecimal()
		if col.Decimals >= 0 && d.Places() > int32(col.Decimals) {
			return nil, problem(sdk.CauseInvalidValue, col.Name, fmt.Sprintf("%s has more than the %d decimals that %s of AccountView keeps", d, col.Decimals, col.Name), "round the value by the mapping")
		}
		return json.Number(d.String()), nil
	case record.KindInteger:
		n, _ := v.AsInteger()
		return json.Number(strconv.FormatInt(n, 10)), nil
	case record.KindBool:
		if c.cfg.jsonLogicals {
			return v.AsBool(), nil
		}
		if v.AsBool() {
			return "True", nil // [C PAS]
		}
		return "False", nil
	case record.KindDate:
		d, _ := v.AsDate()
		return isoMidnight(d), nil
	case record.KindInstant:
		t, _ := v.AsInstant()
		return t.In(c.cfg.zone).Format("2006-01-02T15:04:05"), nil
	}
	// Null: stated to be empty. Texts and dates are emptied by an empty text; null means "not set" [C GO].
	switch kindOf(col.typ) {
	case record.KindText, record.KindDate, record.KindInstant:
		return "", nil
	}
	return nil, nil
}

// section writes the rows of one table. The definition lists what at least one row states; what a row then leaves out is
// null. lead are the values of RowId and, for lines, HeaderId.
func (c *connection) section(t *table, rows []record.Record, lead []string, leadOf func(i int) []any, key string) (tableDefinition, rowsOf, *sdk.Error) {
	def := tableDefinition{Name: t.name}
	for _, name := range lead {
		def.Fields = append(def.Fields, fieldDefinition{name, "C"})
	}
	var cols []column
	for i, r := range rows {
		for n, f := range r.Schema.Fields {
			if n >= len(r.Values) || r.Values[n].IsAbsent() || f.Type.Kind == record.KindList {
				continue
			}
			col, ok := t.column(f.Name)
			if !ok {
				return def, rowsOf{}, problem(sdk.CauseInvalidValue, f.Name, fmt.Sprintf("%s has no field %s that can be written", t.name, f.Name),
					"take the field out of the mapping, or name it in the setting extra_fields")
			}
			if col.ReadOnly && f.Name != key {
				return def, rowsOf{}, problem(sdk.CauseInvalidValue, f.Name, fmt.Sprintf("AccountView writes %s.%s itself", t.name, f.Name), "take the field out of the mapping")
			}
			if i == 0 || !hasColumn(cols, col.Name) {
				cols = append(cols, col)
			}
		}
	}
	for _, col := range cols {
		def.Fields = append(def.Fields, fieldDefinition{col.Name, fieldType(col.typ)})
	}
	var out rowsOf
	for i, r := range rows {
		values := leadOf(i)
		for _, col := range cols {
			v := r.Get(col.Name)
			if v.IsAbsent() {
				values = append(values, nil)
				continue
			}
			x, err := c.valueOf(t, col, v)
			if err != nil {
				if len(rows) > 1 {
					err.Message = fmt.Sprintf("line %d: %s", i+1, err.Message)
				}
				return def, rowsOf{}, err
			}
			values = append(values, x)
		}
		out.Rows = append(out.Rows, valuesOf{values})
	}
	return def, out, nil
}

func hasColumn(cols []column, name string) bool {
	for _, c := range cols {
		if c.Name == name {
			return true
		}
	}
	return false
}

// body writes the envelope of one record. key is the key field's name for an update, id its value.
func (c *connection) body(s *shape, rec record.Record, bookDate record.Date, key, id string) ([]byte, *sdk.Error) {
	e := envelope{BookDate: isoMidnight(bookDate), BusinessObject: s.code, ID: id}
	def, rows, err := c.section(s.head, []record.Record{rec}, []string{"RowId"}, func(int) []any { return []any{"1"} }, key)
	if err != nil {
		return nil, err
	}
	e.Table.Definition, e.TableData.Data = def, rows
	if s.detail != nil {
		var lines []record.Record
		for _, v := range rec.Get(s.within).AsList() {
			if l, ok := v.AsRecord(); ok {
				lines = append(lines, l)
			}
		}
		if len(lines) == 0 {
			return nil, problem(sdk.CauseInvalidValue, s.within, "it has no lines", "leave out documents without lines by the filter")
		}
		def, rows, err := c.section(s.detail, lines, []string{"RowId", "HeaderId"}, func(i int) []any { return []any{strconv.Itoa(i + 1), "1"} }, "")
		if err != nil {
			return nil, err
		}
		e.Table.DetailDefinitions, e.TableData.DetailData = []tableDefinition{def}, []rowsOf{rows}
	}
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(e); err != nil {
		return nil, &sdk.Error{Cause: sdk.CausePluginFailed, Message: "the request cannot be written", Err: err}
	}
	return b.Bytes(), nil
}

// missing names the first field without which AccountView refuses a create. Only what clients' code shows to be needed
// counts, not INP_MAND.
func (s *shape) missing(rec record.Record) (string, bool) {
	for _, col := range s.head.cols {
		if col.Required && rec.Get(col.Name).IsEmpty() {
			return col.Name, true
		}
	}
	if s.detail == nil {
		return "", false
	}
	for _, v := range rec.Get(s.within).AsList() {
		l, _ := v.AsRecord()
		for _, col := range s.detail.cols {
			if col.Required && l.Get(col.Name).IsEmpty() {
				return col.Name, true
			}
		}
	}
	return "", false
}

// bookDate chooses the administration: the document's own date, else that on whose behalf it is written, else today.
func (c *connection) bookDate(s *shape, rec record.Record, around record.Date) record.Date {
	if s.date != "" {
		if d, ok := rec.Get(s.date).AsDate(); ok {
			return d
		}
	}
	if around != 0 {
		return around
	}
	return c.today()
}

// expired tells whether the time for starting requests is up.
func (c *connection) expired(notAfter time.Time) bool {
	return !notAfter.IsZero() && !c.now().Before(notAfter)
}
