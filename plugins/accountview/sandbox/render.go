package sandbox

import (
	"bytes"
	"encoding/json"
	"strconv"
	"strings"
)

// pad fills a value to the width of its column.
func pad(s string, width int) string {
	if n := len([]rune(s)); n < width {
		return s + strings.Repeat(" ", width-n)
	}
	return s
}

func writeString(out *bytes.Buffer, s string) {
	plain := true
	for i := 0; i < len(s); i++ {
		if s[i] < 0x20 || s[i] == '"' || s[i] == '\\' || s[i] >= 0x7f {
			plain = false
			break
		}
	}
	if plain {
		out.WriteByte('"')
		out.WriteString(s)
		out.WriteByte('"')
		return
	}
	b, err := json.Marshal(s)
	if err != nil { // a string always marshals
		b = []byte(`""`)
	}
	out.Write(b)
}

// writeValue writes a stored value as its type's JSON: numbers by their exact text, dates as 2006-01-02T15:04:05 or "".
func writeValue(out *bytes.Buffer, f *field, text string) {
	switch kind(f.typ) {
	case 'N':
		if text == "" {
			text = "0"
		}
		out.WriteString(text)
	case 'L':
		if text == "" {
			out.WriteString("false")
		} else {
			out.WriteString("true")
		}
	default:
		if f.short && len(text) > 10 {
			text = text[:10]
		}
		if f.padded && text != "" {
			text = pad(text, f.length)
		}
		writeString(out, text)
	}
}

// tableWriter writes {"TABLE":[rows], …} by the habits of the dialect.
type tableWriter struct {
	out  *bytes.Buffer
	d    dialects
	open bool
}

func (w *tableWriter) table(name string, n int, row func(i int)) {
	if n == 0 && w.d["missing_key"] {
		return
	}
	sep := byte(',')
	if !w.open {
		sep, w.open = '{', true
	}
	w.out.WriteByte(sep)
	writeString(w.out, name)
	w.out.WriteByte(':')
	if n == 1 && w.d["single_object"] {
		row(0)
		return
	}
	w.out.WriteByte('[')
	for i := range n {
		if i > 0 {
			w.out.WriteByte(',')
		}
		row(i)
	}
	w.out.WriteByte(']')
}

func (w *tableWriter) end() {
	if !w.open {
		w.out.WriteByte('{')
	}
	w.out.WriteByte('}')
}

// writeRow writes a row's columns, the ids that number rows and link lines to their header (as a .NET DataSet does, facts
// section 4) and what else belongs inside.
func writeRow(out *bytes.Buffer, cols []*field, r *row, ids []numbered, more func()) {
	sep := byte('{')
	for _, f := range cols {
		out.WriteByte(sep)
		writeString(out, f.answered)
		out.WriteByte(':')
		writeValue(out, f, r.get(f))
		sep = ','
	}
	for _, id := range ids {
		out.WriteByte(sep)
		writeString(out, id.name)
		out.WriteByte(':')
		out.WriteString(strconv.Itoa(id.n))
		sep = ','
	}
	if more != nil {
		more()
	}
	out.WriteByte('}')
}

// numbered says whether an object's rows carry <TABLE>_Id: only tables that others belong to have it, as in a .NET DataSet. VAT, LEDGER,
// DAILY, COST, ADM_LIST and the relations of CON come without [C GO: its types of those answers take nothing else].
func (o *object) numbered() bool {
	return len(o.extras) > 0 || o.table == "SO_HDR" || o.table == "DJ_PAGE" || o.table == "COMP_HDR"
}

type numbered struct {
	name string
	n    int
}

func (c *company) render(out *bytes.Buffer, q *query, rows []*row, first int) {
	w := &tableWriter{out: out, d: c.dialect}
	name := q.head.name
	nested := c.dialect["lines_nested"] && q.detail != nil && q.lineCols != nil
	offset := 0
	if q.head.key == nil { // the dictionary pages by its row number, which therefore counts through
		offset = first
	}
	w.table(name, len(rows), func(i int) {
		var ids []numbered
		if q.obj.numbered() {
			ids = append(ids, numbered{name + "_Id", offset + i})
		}
		if name != "DCT_FLD" && name != "DCT_FILE" {
			ids = append(ids, numbered{"EXT_KEY", i})
		}
		var more func()
		if name == "COMP_HDR" { // COMP_LN comes nested here, and of its columns a client's type knows none [C GO]
			more = func() { out.WriteString(`,"COMP_LN":[]`) }
		}
		if nested {
			more = func() {
				out.WriteByte(',')
				writeString(out, q.detail.name)
				out.WriteString(":[")
				for n, l := range rows[i].lines {
					if n > 0 {
						out.WriteByte(',')
					}
					writeRow(out, q.lineCols, l, []numbered{{name + "_Id", offset + i}, {"EXT_KEY", n}}, nil)
				}
				out.WriteByte(']')
			}
		}
		writeRow(out, q.cols, rows[i], ids, more)
	})
	if q.detail != nil && q.lineCols != nil && !nested {
		lines, owners := linesOf(rows)
		w.table(q.detail.name, len(lines), func(i int) {
			writeRow(out, q.lineCols, lines[i], []numbered{{name + "_Id", owners[i]}, {"EXT_KEY", i}}, nil)
		})
	}
	for _, extra := range q.obj.extras {
		w.table(extra, 0, nil)
	}
	w.end()
}

func linesOf(rows []*row) (lines []*row, owners []int) {
	for i, r := range rows {
		for _, l := range r.lines {
			lines, owners = append(lines, l), append(owners, i)
		}
	}
	return lines, owners
}

func (c *company) listCompanies(out *bytes.Buffer) *fault {
	return writeJSON(out, []any{struct{ Id, Description, Code string }{c.id, companyName, CompanyCode}})
}

func (c *company) listObjects(out *bytes.Buffer, system bool) *fault {
	type entry struct {
		Code, Description                           string
		InsertAllowed, UpdateAllowed, DeleteAllowed bool
	}
	list := []entry{}
	for _, o := range objects {
		if o.system == system && (c.orders || !o.orders) && c.defs[o.table] != nil {
			list = append(list, entry{Code: o.code, Description: o.desc, InsertAllowed: o.insert && !c.denied(&o), UpdateAllowed: o.update && !c.denied(&o)})
		}
	}
	return writeJSON(out, list)
}

func writeJSON(out *bytes.Buffer, v any) *fault {
	b, err := json.Marshal(v)
	if err != nil {
		return &fault{status: 500, msg: "Het antwoord kan niet worden gemaakt."}
	}
	out.Write(b)
	return nil
}
