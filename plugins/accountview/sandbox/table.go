package sandbox

import (
	"slices"
	"strings"
)

// cell is one filled column of a row. Most of CONTACT's 189 columns are empty, so rows hold only what is filled.
type cell struct {
	pos  int
	text string
}

// row is a record. year is the administration it belongs to, for a master the first one it exists in (0: all).
type row struct {
	cells []cell // by pos
	year  int
	lines []*row // detail rows of a header
	since string // an open item's date, which its table does not show
	vat   string // an article's VAT code, which AccountView knows even where no known field shows it
}

func (r *row) get(f *field) string {
	for i := range r.cells {
		if r.cells[i].pos == f.pos {
			return r.cells[i].text
		}
	}
	return ""
}

func (r *row) set(f *field, text string) {
	i, found := slices.BinarySearchFunc(r.cells, f.pos, func(c cell, pos int) int { return c.pos - pos })
	switch {
	case found && text == "":
		r.cells = slices.Delete(r.cells, i, i+1)
	case found:
		r.cells[i].text = text
	case text != "":
		r.cells = slices.Insert(r.cells, i, cell{f.pos, text})
	}
}

func (r *row) clone() *row {
	c := *r
	c.cells = slices.Clone(r.cells)
	return &c
}

// table holds the rows in key order, with indexes for the look-ups that connectors do for every order.
type table struct {
	def   *tableDef
	rows  []*row
	index map[*field]map[string][]*row // by folded value; empty values are not in it
}

func newTable(def *tableDef) *table {
	t := &table{def: def, index: map[*field]map[string][]*row{}}
	if def.key != nil {
		t.index[def.key] = map[string][]*row{}
	}
	for _, name := range def.indexed {
		if f := def.field(name); f != nil {
			t.index[f] = map[string][]*row{}
		}
	}
	return t
}

func fold(s string) string { return strings.ToUpper(strings.TrimRight(s, " ")) }

// compareKeys orders keys as an index on the padded column does.
func (t *table) compareKeys(a, b string) int {
	a, b = fold(a), fold(b)
	if t.def.numKey && len(a) != len(b) {
		return len(a) - len(b)
	}
	return strings.Compare(a, b)
}

func (t *table) compareRows(a, b *row) int {
	if t.def.key != nil {
		if c := t.compareKeys(a.get(t.def.key), b.get(t.def.key)); c != 0 {
			return c
		}
	}
	return a.year - b.year
}

func (t *table) insert(r *row) {
	n := len(t.rows)
	if n == 0 || t.def.key == nil || t.compareRows(t.rows[n-1], r) <= 0 {
		t.rows = append(t.rows, r)
	} else {
		i, _ := slices.BinarySearchFunc(t.rows, r, t.compareRows)
		t.rows = slices.Insert(t.rows, i, r)
	}
	for f, ix := range t.index {
		if v := r.get(f); v != "" {
			ix[fold(v)] = append(ix[fold(v)], r)
		}
	}
}

// update replaces a row's content in place; its key stays.
func (t *table) update(r, with *row) {
	for f, ix := range t.index {
		was, is := fold(r.get(f)), fold(with.get(f))
		if was == is {
			continue
		}
		if was != "" {
			if rest := slices.DeleteFunc(ix[was], func(x *row) bool { return x == r }); len(rest) > 0 {
				ix[was] = rest
			} else {
				delete(ix, was)
			}
		}
		if is != "" {
			ix[is] = append(ix[is], r)
		}
	}
	r.cells, r.year = with.cells, with.year
}

// remove takes a row out.
func (t *table) remove(r *row) {
	for f, ix := range t.index {
		key := fold(r.get(f))
		if rest := slices.DeleteFunc(ix[key], func(x *row) bool { return x == r }); len(rest) > 0 {
			ix[key] = rest
		} else {
			delete(ix, key)
		}
	}
	t.rows = slices.DeleteFunc(t.rows, func(x *row) bool { return x == r })
}

// lookup returns the rows whose indexed field has this value, in no particular order.
func (t *table) lookup(f *field, value string) []*row { return t.index[f][fold(value)] }
