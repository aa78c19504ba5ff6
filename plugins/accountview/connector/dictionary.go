package connector

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	sdk "github.com/pomost/pomost/sdk/connector"
	"github.com/pomost/pomost/sdk/record"
)

const (
	// dictionaryLife bounds how old the dictionary may be: custom fields come and go with the user's hand.
	dictionaryLife = 30 * time.Minute
	// retryDictionary is when an unreadable dictionary is asked again.
	retryDictionary = 5 * time.Minute
	// dictionaryPage is one page for the widest table known (CONTACT, 189 columns) with room for custom ones [C GO].
	dictionaryPage = 1000
	maxColumns     = 5000
	// nameWidth is the width of DBF_NAME, to whose padding GO's filters are written.
	nameWidth = 8
)

// cached is a table with the moment at which it was learnt.
type cached struct {
	table *table
	at    time.Time
}

// table returns what is known of a table: the account's dictionary over the built-in columns, or these alone where the
// dictionary cannot be read. Errors are those of the way to AccountView.
func (c *connection) table(ctx context.Context, name string) (*table, error) {
	c.mu.Lock()
	known := c.tables[name]
	c.mu.Unlock()
	if known != nil {
		life := dictionaryLife
		if !known.table.dictionary {
			life = retryDictionary
		}
		if c.now().Sub(known.at) < life {
			return known.table, nil
		}
	}
	t, err := c.loadTable(ctx, name)
	if err != nil {
		return nil, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.tables[name] = &cached{t, c.now()}
	return t, nil
}

func (c *connection) loadTable(ctx context.Context, name string) (*table, error) {
	entries, err := c.entries(ctx, name)
	var t *table
	switch {
	case err != nil && transient(err):
		return nil, err
	case err != nil:
		t = fallback(name, fmt.Sprintf("the data dictionary cannot be read: %v", err))
	case len(entries) == 0:
		t = fallback(name, "the data dictionary shows no table "+name)
	default:
		t = merge(name, entries, c.cfg.extra, c.cfg.roles)
	}
	for i := range t.cols {
		switch col := &t.cols[i]; {
		case t.name == c.cfg.objects[Orders].lines && col.Name == "ART_PX":
			col.Decimals = c.cfg.priceScale
		case t.name == c.cfg.objects[Orders].lines && col.Name == "ORD_QTY" && c.cfg.qtyScale >= 0:
			col.Decimals = c.cfg.qtyScale
		}
	}
	if err := t.seal(); err != nil {
		return nil, fmt.Errorf("the data dictionary of %s: %w", name, err)
	}
	return t, nil
}

// entries reads the dictionary's rows of a table, first as system data [C GO], else as the company's [C RB].
func (c *connection) entries(ctx context.Context, name string) ([]entry, error) {
	list, err := c.entriesOf(ctx, name, true)
	if err == nil || transient(err) {
		return list, err
	}
	if other, err2 := c.entriesOf(ctx, name, false); err2 == nil {
		return other, nil
	}
	return nil, err
}

func (c *connection) entriesOf(ctx context.Context, name string, system bool) ([]entry, error) {
	q := &query{system: system, object: "FLD", pageSize: dictionaryPage,
		fields:  []string{"FIELD_NAME", "DBF_NAME", "FLD_DESC", "FIELD_TYPE", "FIELD_LEN", "FLD_FMT", "FLD_MASK", "REC_CUST"},
		filters: []filter{{"DBF_NAME", "Equal", 'C', name}}}
	var out []entry
	seen := map[string]bool{}
	for {
		a, err := c.get(ctx, q)
		if err != nil {
			return nil, err
		}
		rows := a.rows("DCT_FLD")
		fresh := 0
		for _, r := range rows {
			e, ok := readEntry(r)
			if !ok || r.text("DBF_NAME") != name || seen[e.name] {
				continue // never trusted that the filter was obeyed
			}
			seen[e.name] = true
			fresh++
			out = append(out, e)
		}
		switch {
		case len(out) > maxColumns:
			return nil, &sdk.Error{Cause: sdk.CauseRefused, Message: fmt.Sprintf("the data dictionary has more than %d fields of %s", maxColumns, name), Remedy: "see the connection's check"}
		case len(rows) == 0 && len(out) == 0 && len(q.filters[0].value) < nameWidth:
			// Some filters on keys only match with their padding (facts 14).
			q.filters[0].value = fmt.Sprintf("%-*s", nameWidth, name)
			continue
		case len(rows) < dictionaryPage || fresh == 0:
			return out, nil
		}
		q.page = max(q.page, 1) + 1
	}
}

func readEntry(r row) (entry, bool) {
	e := entry{name: strings.ToUpper(strings.TrimSpace(r.text("FIELD_NAME"))), label: strings.TrimSpace(r.text("FLD_DESC")),
		format: strings.TrimSpace(r.text("FLD_FMT")), mask: r.text("FLD_MASK"), custom: r.logical("REC_CUST")}
	if typ := strings.ToUpper(strings.TrimSpace(r.text("FIELD_TYPE"))); len(typ) == 1 {
		e.typ = typ[0]
	}
	n, err := strconv.Atoi(strings.TrimSuffix(strings.TrimSpace(r.text("FIELD_LEN")), ".0"))
	if err == nil && n > 0 {
		e.length = n
	}
	return e, e.name != "" && e.typ != 0
}

// shape is an object as this account has it.
type shape struct {
	*object
	head, detail *table // detail is nil without lines
	schema       *record.Schema
}

func (s *shape) tables() []*table { return []*table{s.head, s.detail} }

// columns lists what a read asks for: explicit, never "*" (facts B7.12), with the table's name where two come along.
func (s *shape) columns() []string {
	if s.detail == nil {
		return s.head.names()
	}
	var out []string
	for _, t := range s.tables() {
		for _, n := range t.names() {
			out = append(out, t.name+"."+n)
		}
	}
	return out
}

// source is a header column as filters name it.
func (s *shape) source(column string) string {
	if s.detail == nil {
		return column
	}
	return s.head.name + "." + column
}

func (c *connection) object(name string) (*object, error) {
	o, ok := c.cfg.objects[name]
	if !ok {
		return nil, &sdk.Error{Cause: sdk.CausePluginFailed, Message: fmt.Sprintf("the AccountView connector has no object %s", quote(name)),
			Remedy: "use one of AR1, ADDR, AK1, SO1, DJ2"}
	}
	return o, nil
}

// shape returns the object with its tables and schema. The schema stays the same value while the dictionary does.
func (c *connection) shape(ctx context.Context, name string) (*shape, error) {
	o, err := c.object(name)
	if err != nil {
		return nil, err
	}
	head, err := c.table(ctx, o.table)
	if err != nil {
		return nil, err
	}
	if len(head.cols) == 0 {
		return nil, &sdk.Error{Cause: sdk.CauseRights, Message: fmt.Sprintf("nothing is known of the table %s: %s", o.table, head.reason), Remedy: "check the setting " + o.setting}
	}
	var detail *table
	if o.lines != "" {
		if detail, err = c.table(ctx, o.lines); err != nil {
			return nil, err
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if s := c.shapes[name]; s != nil && s.head == head && s.detail == detail {
		return s, nil
	}
	s := &shape{object: o, head: head, detail: detail}
	fields := append([]record.Field(nil), head.schema.Fields...)
	if detail != nil && len(detail.cols) > 0 {
		fields = append(fields, record.Field{Name: o.within, Label: "Lines", Type: record.ListOf(detail.schema), Required: true})
	}
	if s.schema, err = record.NewSchema(o.Name, fields...); err != nil {
		return nil, fmt.Errorf("the data dictionary of %s: %w", o.Name, err)
	}
	if _, ok := s.schema.Index(o.Key); !ok {
		return nil, &sdk.Error{Cause: sdk.CauseRights, Field: o.Key, Message: fmt.Sprintf("the data dictionary shows no key %s in %s", o.Key, head.name), Remedy: "check the setting " + o.setting}
	}
	c.shapes[name] = s
	return s, nil
}

// Discover implements sdk.Connection.
func (c *connection) Discover(ctx context.Context, name string) (*record.Schema, error) {
	s, err := c.shape(ctx, name)
	if err != nil {
		return nil, err
	}
	return s.schema, nil
}

// record reads a row of the object, with its lines.
func (s *shape) record(r row, lines []row, hasLines bool, zone *time.Location) record.Record {
	rec := record.New(s.schema)
	for i, col := range s.head.cols {
		rec.Values[i] = r.value(col, zone)
	}
	if s.detail == nil || !hasLines {
		return rec
	}
	list := make([]record.Value, len(lines))
	for n, l := range lines {
		line := record.New(s.detail.schema)
		for i, col := range s.detail.cols {
			line.Values[i] = l.value(col, zone)
		}
		list[n] = record.Nested(line)
	}
	rec.MustSet(s.within, record.List(list...))
	return rec
}

// records reads all rows of an answer. Lines belong to the header whose <TABLE>_Id they carry; the id is the header's
// row number where the header itself has none (facts section 4). Lines that cannot be assigned leave the lines unsaid.
func (s *shape) records(a *answer, zone *time.Location) []record.Record {
	heads := a.rows(s.head.name)
	out := make([]record.Record, len(heads))
	if s.detail == nil {
		for i, h := range heads {
			out[i] = s.record(h, nil, false, zone)
		}
		return out
	}
	link := strings.ToUpper(s.head.name) + "_ID"
	all, told := a.tables[strings.ToUpper(s.detail.name)]
	byHead := map[string][]row{}
	assigned := true
	for _, l := range all {
		id := l.text(link)
		if id == "" && len(heads) > 1 {
			assigned = false
		}
		byHead[id] = append(byHead[id], l)
	}
	for i, h := range heads {
		if nested, ok := h.nested(s.detail.name); ok {
			out[i] = s.record(h, nested, true, zone)
			continue
		}
		id := h.text(link)
		if id == "" {
			id = strconv.Itoa(i)
		}
		lines := byHead[id]
		if len(heads) == 1 && len(lines) == 0 {
			lines = all
		}
		// An order has lines; none told means that they cannot be read, not that there are none.
		out[i] = s.record(h, lines, told && assigned && len(lines) > 0, zone)
	}
	return out
}
