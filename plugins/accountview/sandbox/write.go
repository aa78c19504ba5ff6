package sandbox

import (
	"bytes"
	"encoding/json"
	"slices"
	"strconv"
	"strings"
)

// draft is a row on its way in: checked, but not stored.
type draft struct {
	def   *tableDef
	row   *row
	given []*field // what the client set, in its order
	rowID string
	owner string // HeaderId of a line
	has   bool   // HeaderId was sent
	lines []*draft
	was   *row // PUT: the row it replaces
}

func (d *draft) get(name string) string { return d.row.get(d.def.f(name)) }

func (d *draft) set(name, text string) { d.row.set(d.def.f(name), text) }

func (d *draft) gave(f *field) bool { return slices.Contains(d.given, f) }

// require refuses an empty field.
func (d *draft) require(name, label string) *fault {
	if d.get(name) == "" {
		return refuse("%s moet worden ingevoerd.", label)
	}
	return nil
}

// transaction is one POST or PUT: everything is checked before anything is stored.
type transaction struct {
	c       *company
	obj     *object
	year    int
	heads   []*draft
	pending map[string]bool // keys that this transaction makes
}

func (c *company) write(out *bytes.Buffer, body []byte, put bool) *fault {
	e, err := parseEnvelope(body)
	if err != nil {
		return err
	}
	tx, err := c.begin(e, put)
	if err != nil {
		return err
	}
	if put {
		err = tx.prepareUpdate(e.id)
	}
	if err != nil {
		return err
	}
	for _, d := range tx.heads {
		if err := tx.check(d); err != nil {
			return err
		}
	}
	for _, d := range tx.heads {
		tx.store(d)
	}
	tx.echo(out)
	return nil
}

// denied says whether the user may not write an object.
func (c *company) denied(obj *object) bool {
	_, not := c.noRight[obj.code]
	return not
}

// begin understands the envelope against the dictionary.
func (c *company) begin(e *envelope, put bool) (*transaction, *fault) {
	obj := c.object(e.object)
	switch {
	case strings.TrimSpace(e.object) == "":
		return nil, refuse("De aanvraag heeft geen BusinessObject.")
	case obj == nil:
		return nil, missing("Het business-object %s bestaat niet.", quote(e.object))
	case obj.orders && !c.orders:
		return nil, forbidden("De module Verkooporders is niet actief: business-object %s is niet beschikbaar.", obj.code)
	case c.denied(obj):
		return nil, forbidden("U hebt geen recht om %s (%s) te wijzigen.", obj.desc, obj.code)
	case put && !obj.update:
		return nil, refuse("Wijzigen van business-object %s is niet mogelijk.", obj.code)
	case !obj.insert:
		return nil, refuse("Toevoegen aan business-object %s is niet mogelijk.", obj.code)
	case put && !e.hasID:
		return nil, refuse("Bij wijzigen is id verplicht.")
	case put && len(e.header.rows) != 1:
		return nil, refuse("Bij wijzigen is precies één rij verplicht.")
	case len(e.header.rows) == 0:
		return nil, refuse("De aanvraag heeft geen rijen.")
	}
	def := c.defs[obj.table]
	if e.header.table != def.name {
		return nil, refuse("Tabel %s hoort niet bij business-object %s; verwacht is %s.", quote(e.header.table), obj.code, def.name)
	}
	tx := &transaction{c: c, obj: obj, pending: map[string]bool{}}
	var err *fault
	if tx.year, err = c.bookYear(e.bookDate); err != nil {
		return nil, err
	}
	if def.scope == yearly && c.yearClosed(tx.year) {
		return nil, refuse("De administratie van boekjaar %d is afgesloten.", tx.year)
	}
	if tx.heads, err = c.drafts(def, e.header); err != nil {
		return nil, err
	}
	for _, s := range e.details {
		child := c.defs[def.child]
		if child == nil || s.table != child.name {
			return nil, refuse("Regeltabel %s hoort niet bij business-object %s.", quote(s.table), obj.code)
		}
		lines, err := c.drafts(child, s)
		if err != nil {
			return nil, err
		}
		if err := tx.attach(lines); err != nil {
			return nil, err
		}
	}
	return tx, nil
}

// drafts turns a section's rows into typed values.
func (c *company) drafts(def *tableDef, s section) ([]*draft, *fault) {
	fields := make([]*field, len(s.fields))
	for i, col := range s.fields {
		switch col.name {
		case "ROWID", "ROWACTION":
			continue
		case "HEADERID":
			if def.parent == "" {
				return nil, refuse("%s: HeaderId hoort bij regels.", def.name)
			}
			continue
		}
		f := def.field(col.name)
		if f == nil {
			return nil, refuse("Veld %s komt niet voor in %s.", quote(col.name), def.name)
		}
		if col.typ != 0 && kind(col.typ) != kind(f.typ) {
			return nil, refuse("%s: FieldType %c past niet bij dit veld (%s).", f.name, col.typ, typeWords[kind(f.typ)])
		}
		fields[i] = f
	}
	out := make([]*draft, 0, len(s.rows))
	for _, values := range s.rows {
		d := &draft{def: def, row: &row{}}
		for i, raw := range values {
			if err := c.take(d, s.fields[i].name, fields[i], raw); err != nil {
				return nil, err
			}
		}
		out = append(out, d)
	}
	return out, nil
}

// take puts one value of a row where it belongs.
func (c *company) take(d *draft, name string, f *field, raw any) *fault {
	if f == nil {
		text, err := scalar(name, raw)
		if err != nil {
			return err
		}
		switch name {
		case "ROWID":
			d.rowID = text
		case "HEADERID":
			d.owner, d.has = text, true
		default: // RowAction: seen once as a member (facts 5), its values are unknown
			if text != "" && text != "0" {
				return refuse("RowAction %s wordt niet ondersteund.", quote(text))
			}
		}
		return nil
	}
	text, set, err := convert(f, raw, c.cp1252)
	if err != nil || !set || f.sysOnly {
		return err
	}
	if d.def.name == "CONTACT" && c.dialect["contact_tidied"] {
		text = tidied(f.name, text)
	}
	d.row.set(f, text)
	d.given = append(d.given, f)
	return nil
}

// tidied is what the dialect contact_tidied makes of a debtor's field.
func tidied(name, text string) string {
	switch name {
	case "ACCT_NAME", "CITY":
		return strings.ToUpper(text)
	case "ADDRESS1":
		if r := []rune(text); len(r) > 30 {
			return strings.TrimRight(string(r[:30]), " ")
		}
	case "TEL_BUS", "TEL_MOB":
		return strings.ReplaceAll(text, " ", "")
	}
	return text
}

func scalar(name string, raw any) (string, *fault) {
	switch v := raw.(type) {
	case nil:
		return "", nil
	case string:
		return strings.TrimSpace(v), nil
	case json.Number:
		return v.String(), nil
	}
	return "", refuse("%s is geen tekst of getal.", name)
}

// attach hangs lines under the header whose RowId is their HeaderId.
func (tx *transaction) attach(lines []*draft) *fault {
	byID := make(map[string]*draft, len(tx.heads))
	for i, h := range tx.heads {
		if h.rowID == "" { // a client leaves it out and counts from 1 in its lines [C GO]
			h.rowID = strconv.Itoa(i + 1)
		}
		if byID[h.rowID] != nil {
			return refuse("RowId %s komt twee keer voor.", quote(h.rowID))
		}
		byID[h.rowID] = h
	}
	for _, l := range lines {
		h := byID[l.owner]
		switch {
		case h != nil:
		case !l.has && len(tx.heads) == 1:
			h = tx.heads[0]
		default:
			return refuse("%s: HeaderId %s verwijst naar geen rij van %s.", l.def.name, quote(l.owner), tx.heads[0].def.name)
		}
		h.lines = append(h.lines, l)
	}
	return nil
}

// prepareUpdate lays what was given over the present row; the dialect put_clears forgets the rest first.
func (tx *transaction) prepareUpdate(id string) *fault {
	d := tx.heads[0]
	key := d.def.key
	was := tx.c.find(d.def.name, id, tx.year)
	if was == nil {
		return missing("%s %s bestaat niet.", key.desc, quote(strings.TrimSpace(id)))
	}
	if d.gave(key) && fold(d.row.get(key)) != fold(was.get(key)) {
		return refuse("%s kan niet worden gewijzigd.", key.desc)
	}
	with := was.clone()
	if tx.c.dialect["put_clears"] {
		for _, f := range d.def.fields {
			if f != key && !f.sysOnly {
				with.set(f, "")
			}
		}
	}
	for _, f := range d.given {
		with.set(f, d.row.get(f))
	}
	with.set(key, was.get(key))
	d.row, d.was = with, was
	return nil
}

// check holds a record against the rules of its table. It must not change the company.
func (tx *transaction) check(d *draft) *fault {
	if d.was == nil && d.def.scope == master && tx.c.dialect["year_masters"] {
		d.row.year = tx.year
	}
	if d.def.scope == yearly {
		d.row.year = tx.year
	}
	var err *fault
	switch d.def.name {
	case "CONTACT":
		err = tx.checkDebtor(d)
	case "DEL_ADDR":
		err = tx.checkAddress(d)
	case "ARTICLE":
		err = tx.checkArticle(d)
	case "SO_HDR":
		err = tx.checkOrder(d)
	case "DJ_PAGE":
		err = tx.checkPage(d)
	case "ADM_PER":
		err = tx.checkPeriod(d)
	default:
		err = tx.checkMaster(d)
	}
	if err != nil {
		return err
	}
	return tx.checkKey(d)
}

// checkKey refuses a key that exists, among the stored rows or earlier in the same transaction.
func (tx *transaction) checkKey(d *draft) *fault {
	key := d.row.get(d.def.key)
	if d.was != nil || key == "" {
		return nil
	}
	if tx.pending[fold(key)] || tx.c.find(d.def.name, key, tx.year) != nil {
		return refuse("%s %s bestaat al.", d.def.key.desc, quote(key))
	}
	tx.pending[fold(key)] = true
	return nil
}

// store numbers a record and puts it into its table. Nothing can fail any more.
func (tx *transaction) store(d *draft) {
	c, now := tx.c, tx.c.stamp()
	if f := d.def.field("CNG_DATE"); f != nil {
		nr := d.def.f("CNG_NR")
		d.row.set(f, now)
		d.row.set(nr, decimalText(rat(d.row.get(nr)).Add(rat(d.row.get(nr)), rat("1")), 0))
		d.row.set(d.def.f("CNG_USR"), apiUser)
		if d.was == nil {
			d.row.set(d.def.f("INP_DATE"), now)
			d.row.set(d.def.f("INP_USR"), apiUser)
		}
	}
	t := c.tables[d.def.name]
	if d.was != nil {
		t.update(d.was, d.row)
		return
	}
	if d.row.get(d.def.key) == "" {
		d.row.set(d.def.key, tx.number(d.def))
	}
	for i, l := range d.lines {
		l.row.year = d.row.year
		l.row.set(l.def.key, c.nextRecord())
		tx.finishLine(d, l, i)
		d.row.lines = append(d.row.lines, l.row)
	}
	if d.def.name == "DJ_PAGE" {
		tx.post(d)
	}
	if later := c.laterTwin(t, d.row); later != nil {
		t.update(later, d.row)
		return
	}
	t.insert(d.row)
}

// laterTwin is the record with the same key that exists only from a later year on (dialect year_masters): making it in
// an earlier one joins the two, as exchanging master data does.
func (c *company) laterTwin(t *table, r *row) *row {
	if t.def.scope != master {
		return nil
	}
	for _, other := range t.lookup(t.def.key, r.get(t.def.key)) {
		if other.year > r.year {
			return other
		}
	}
	return nil
}

// echo answers with the rows as stored: key and what was given (facts 6 and 12), with the ids of section 4.
func (tx *transaction) echo(out *bytes.Buffer) {
	if tx.c.dialect["echo_none"] {
		out.WriteString("{}")
		return
	}
	w := &tableWriter{out: out, d: tx.c.dialect}
	def := tx.heads[0].def
	w.table(def.name, len(tx.heads), func(i int) {
		d := tx.heads[i]
		ids := []numbered{{"EXT_KEY", i}}
		if tx.obj.numbered() {
			ids = []numbered{{def.name + "_Id", i}, {"EXT_KEY", i}}
		}
		writeRow(out, echoed(d), d.row, ids, nil)
	})
	if def.child != "" {
		var lines []*draft
		var owners []int
		for i, d := range tx.heads {
			for _, l := range d.lines {
				lines, owners = append(lines, l), append(owners, i)
			}
		}
		w.table(def.child, len(lines), func(i int) {
			writeRow(out, echoed(lines[i]), lines[i].row, []numbered{{def.name + "_Id", owners[i]}, {"EXT_KEY", i}}, nil)
		})
	}
	for _, extra := range tx.obj.extras {
		w.table(extra, 0, nil)
	}
	w.end()
}

func echoed(d *draft) []*field {
	cols := []*field{d.def.key}
	for _, f := range d.given {
		if f != d.def.key {
			cols = append(cols, f)
		}
	}
	return cols
}
