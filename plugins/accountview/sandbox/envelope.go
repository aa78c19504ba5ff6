package sandbox

import (
	"bytes"
	"encoding/json"
	"io"
	"strings"
)

// envelope is the body of a POST or PUT (facts section 5).
type envelope struct {
	bookDate string
	object   string
	id       string // PUT only: the key of the record [C PAS]
	hasID    bool
	header   section
	details  []section
}

// section is a table's definition with its rows.
type section struct {
	table  string
	fields []column
	rows   [][]any
}

// column is a field that the client announces, with the type in which it writes values.
type column struct {
	name string
	typ  byte // 0: none given
}

const (
	maxRows    = 10_000
	maxColumns = 500
)

// node is a JSON object whose members are found without case.
type node map[string]any

func asNode(v any) (node, bool) {
	m, ok := v.(map[string]any)
	if !ok {
		return nil, false
	}
	n := make(node, len(m))
	for k, v := range m {
		n[strings.ToLower(k)] = v
	}
	return n, true
}

// object returns a member that must be an object.
func (n node) object(name string) (node, *fault) {
	if m, ok := asNode(n[strings.ToLower(name)]); ok {
		return m, nil
	}
	return nil, refuse("De aanvraag heeft geen (geldig) onderdeel %s.", name)
}

// list returns a member that must be an array; a missing one is empty where it may be.
func (n node) list(name string, required bool) ([]any, *fault) {
	v, present := n[strings.ToLower(name)]
	if l, ok := v.([]any); ok {
		return l, nil
	}
	if !required && (!present || v == nil) {
		return nil, nil
	}
	return nil, refuse("De aanvraag heeft geen (geldige) lijst %s.", name)
}

func (n node) text(name string) (string, *fault) {
	switch v := n[strings.ToLower(name)].(type) {
	case nil:
		return "", nil
	case string:
		return v, nil
	case json.Number:
		return v.String(), nil
	}
	return "", refuse("%s is geen tekst.", name)
}

func parseEnvelope(body []byte) (*envelope, *fault) {
	dec := json.NewDecoder(bytes.NewReader(body))
	dec.UseNumber()
	var root any
	if err := dec.Decode(&root); err != nil {
		return nil, refuse("De aanvraag is geen geldige JSON.")
	}
	if _, err := dec.Token(); err != io.EOF {
		return nil, refuse("Na de JSON van de aanvraag staat nog iets.")
	}
	top, ok := asNode(root)
	if !ok {
		return nil, refuse("De aanvraag is geen JSON-object.")
	}
	e := &envelope{}
	var err *fault
	if e.bookDate, err = top.text("BookDate"); err != nil {
		return nil, err
	}
	if e.object, err = top.text("BusinessObject"); err != nil {
		return nil, err
	}
	if e.id, err = top.text("id"); err != nil {
		return nil, err
	}
	e.hasID = strings.TrimSpace(e.id) != ""
	def, err := top.object("Table")
	if err != nil {
		return nil, err
	}
	data, err := top.object("TableData")
	if err != nil {
		return nil, err
	}
	headDef, err := def.object("Definition")
	if err != nil {
		return nil, err
	}
	headData, err := data.object("Data")
	if err != nil {
		return nil, err
	}
	if e.header, err = parseSection(headDef, headData); err != nil {
		return nil, err
	}
	return e, e.parseDetails(def, data)
}

// parseDetails pairs DetailDefinitions[i] with DetailData[i].
func (e *envelope) parseDetails(def, data node) *fault {
	defs, err := def.list("DetailDefinitions", false)
	if err != nil {
		return err
	}
	datas, err := data.list("DetailData", false)
	if err != nil {
		return err
	}
	if len(defs) != len(datas) {
		return refuse("DetailDefinitions (%d) en DetailData (%d) horen bij elkaar.", len(defs), len(datas))
	}
	for i := range defs {
		d, ok := asNode(defs[i])
		rows, ok2 := asNode(datas[i])
		if !ok || !ok2 {
			return refuse("DetailDefinitions of DetailData %d is geen object.", i+1)
		}
		s, err := parseSection(d, rows)
		if err != nil {
			return err
		}
		e.details = append(e.details, s)
	}
	return nil
}

func parseSection(def, data node) (section, *fault) {
	var s section
	var err *fault
	if s.table, err = def.text("Name"); err != nil {
		return s, err
	}
	s.table = strings.ToUpper(strings.TrimSpace(s.table))
	fields, err := def.list("Fields", true)
	if err != nil {
		return s, err
	}
	if len(fields) == 0 || len(fields) > maxColumns {
		return s, refuse("%s: het aantal velden (%d) is niet toegestaan.", s.table, len(fields))
	}
	for _, v := range fields {
		col, err := parseColumn(s.table, v)
		if err != nil {
			return s, err
		}
		for _, other := range s.fields {
			if other.name == col.name {
				return s, refuse("%s: veld %s komt twee keer voor.", s.table, quote(col.name))
			}
		}
		s.fields = append(s.fields, col)
	}
	rows, err := data.list("Rows", true)
	if err != nil {
		return s, err
	}
	if len(rows) > maxRows {
		return s, refuse("%s: er zijn te veel rijen (%d, maximaal %d).", s.table, len(rows), maxRows)
	}
	for i, v := range rows {
		r, ok := asNode(v)
		if !ok {
			return s, refuse("%s: rij %d is geen object.", s.table, i+1)
		}
		values, err := r.list("Values", true)
		if err != nil {
			return s, err
		}
		if len(values) != len(s.fields) {
			return s, refuse("%s: rij %d heeft %d waarden voor %d velden.", s.table, i+1, len(values), len(s.fields))
		}
		s.rows = append(s.rows, values)
	}
	return s, nil
}

func parseColumn(table string, v any) (column, *fault) {
	n, ok := asNode(v)
	if !ok {
		return column{}, refuse("%s: een veld is geen object.", table)
	}
	name, err := n.text("Name")
	if err != nil {
		return column{}, err
	}
	typ, err := n.text("FieldType")
	if err != nil {
		return column{}, err
	}
	col := column{name: strings.ToUpper(strings.TrimSpace(name))}
	switch typ = strings.ToUpper(strings.TrimSpace(typ)); {
	case typ == "":
	case len(typ) == 1 && kind(typ[0]) != 0:
		col.typ = typ[0]
	default:
		return column{}, refuse("%s: FieldType %s van veld %s is onbekend.", table, quote(typ), quote(name))
	}
	return col, nil
}
