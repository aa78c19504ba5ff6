package sandbox

import (
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// query is one GET of AccountViewData, understood. Facts section 3.
type query struct {
	obj      *object
	head     *tableDef
	detail   *tableDef // nil where the object has no lines
	year     int
	size     int // 0: all
	page     int
	lastKey  string
	cols     []*field
	lineCols []*field // nil: the detail table was not asked for
	filters  []*condition
	any      bool         // MatchAnyFilter: filters are alternatives
	expr     []*condition // of the free Filter, always all of them
	sort     []*field
	descend  bool
}

// params are query parameters by lower-case name.
type params map[string]string

func parseParams(raw string) (params, *fault) {
	values, err := url.ParseQuery(raw)
	if err != nil {
		return nil, refuse("De parameters van de aanvraag kunnen niet worden gelezen.")
	}
	p := make(params, len(values))
	for k, v := range values {
		p[strings.ToLower(k)] = v[len(v)-1]
	}
	return p, nil
}

func (p params) number(name, label string) (int, *fault) {
	s := strings.TrimSpace(p[name])
	if s == "" {
		return 0, nil
	}
	n, err := strconv.Atoi(s)
	if err != nil || n < 1 || n > 1_000_000_000 {
		return 0, refuse("%s: %s is geen geldig aantal.", label, quote(s))
	}
	return n, nil
}

func (c *company) parseQuery(obj *object, p params) (*query, *fault) {
	q := &query{obj: obj, head: c.defs[obj.table], lastKey: p["lastkey"]}
	q.detail = c.defs[q.head.child]
	if c.dialect["no_last_key"] {
		q.lastKey = ""
	}
	var err *fault
	if q.year, err = c.bookYear(p["bookdate"]); err != nil {
		return nil, err
	}
	if q.size, err = p.number("pagesize", "PageSize"); err != nil {
		return nil, err
	}
	if q.page, err = p.number("pagenumber", "PageNumber"); err != nil {
		return nil, err
	}
	if q.page > 1 && q.size == 0 {
		return nil, refuse("PageNumber kan niet zonder PageSize.")
	}
	if err = q.parseFields(p["fields"], c.dialect["strict_fields"]); err != nil {
		return nil, err
	}
	if err = c.parseFilters(q, p); err != nil {
		return nil, err
	}
	if q.expr, err = c.parseExpression(q, p["filter"]); err != nil {
		return nil, err
	}
	return q, q.parseSort(p)
}

// own are the table's columns without those of a joined one.
func (d *tableDef) own() []*field {
	i := slices.IndexFunc(d.fields, func(f *field) bool { return f.joined })
	if i < 0 {
		return d.fields
	}
	return d.fields[:i]
}

// shows says whether the object is about the row: debtors and creditors lie in one table.
func (q *query) shows(r *row) bool {
	return q.obj.only == "" || r.get(q.head.f(q.obj.only)) != ""
}

// resolve finds a column by `table.field` or bare `field`, the header's before the lines'. inLine tells which it was.
func (q *query) resolve(name string) (f *field, inLine bool, err *fault) {
	name = strings.TrimSpace(name)
	if table, bare, ok := strings.Cut(name, "."); ok {
		switch {
		case strings.EqualFold(table, q.head.name):
			f = q.head.field(bare)
		case q.detail != nil && strings.EqualFold(table, q.detail.name):
			f, inLine = q.detail.field(bare), true
		default:
			f = q.head.field(name) // of the joined table
		}
	} else if f = q.head.field(name); f == nil && q.detail != nil {
		f, inLine = q.detail.field(name), true
	}
	if f == nil {
		return nil, false, refuse("Veld %s komt niet voor in %s.", quote(name), q.obj.code)
	}
	return f, inLine, nil
}

// parseFields reads the column list; none given means all columns of the header and of the lines. Lines that are not
// asked for by any of their columns do not come along.
//
// A column that does not exist is left out: a client that is in use asks for some (project.pro_stat, art_line.art_line_id, and names
// with a blank in them [C RB]). In the dialect strict_fields it is refused.
func (q *query) parseFields(list string, strict bool) *fault {
	all := func() {
		q.cols = q.head.own()
		if q.detail != nil {
			q.lineCols = q.detail.fields
		}
	}
	if strings.TrimSpace(list) == "" {
		all()
		return nil
	}
	for name := range strings.SplitSeq(list, ",") {
		name = strings.TrimSpace(name)
		table, isAll := strings.CutSuffix(name, ".*")
		switch {
		case name == "*":
			all()
			continue
		case isAll && strings.EqualFold(table, q.head.name):
			q.cols = q.head.own()
			continue
		case isAll && q.detail != nil && strings.EqualFold(table, q.detail.name):
			q.lineCols = q.detail.fields
			continue
		}
		f, inLine, err := q.resolve(name)
		if err != nil && !strict {
			continue
		}
		if err != nil {
			return err
		}
		cols := &q.cols
		if inLine {
			cols = &q.lineCols
		}
		if !slices.Contains(*cols, f) {
			*cols = append(slices.Clip(*cols), f)
		}
	}
	return nil
}

func (q *query) parseSort(p params) *fault {
	for name := range strings.SplitSeq(p["sortfields"], ",") {
		if strings.TrimSpace(name) == "" {
			continue
		}
		f, inLine, err := q.resolve(name)
		if err != nil {
			return err
		}
		if inLine {
			return refuse("Op regelveld %s kan niet worden gesorteerd.", quote(name))
		}
		q.sort = append(q.sort, f)
	}
	switch strings.ToLower(strings.TrimSpace(p["sortorder"])) {
	case "", "ascending":
	case "descending":
		q.descend = true
	default:
		return refuse("SortOrder %s is onbekend; gebruik Ascending of Descending.", quote(p["sortorder"]))
	}
	return nil
}

// run returns the rows of the asked page. first is the position of its first row in the whole result.
func (c *company) run(q *query) (rows []*row, first int) {
	t := c.tables[q.head.name]
	candidates, sorted := t.rows, true
	if page, first, ok := c.nextPage(q, t); ok {
		return page, first
	}
	if hits, ok := q.fromIndex(t); ok {
		candidates, sorted = hits, false
	}
	for _, r := range candidates {
		if c.visible(q.head, r, q.year) && q.shows(r) && q.matches(r) {
			rows = append(rows, r)
		}
	}
	if !sorted {
		slices.SortStableFunc(rows, t.compareRows)
	}
	if len(q.sort) > 0 || q.descend {
		slices.SortStableFunc(rows, func(a, b *row) int {
			n := 0
			for _, f := range q.sort {
				if n = compareValues(f, a.get(f), b.get(f)); n != 0 {
					break
				}
			}
			if len(q.sort) == 0 {
				n = t.compareRows(a, b)
			}
			if q.descend {
				n = -n
			}
			return n
		})
	}
	first = t.afterKey(rows, q.lastKey, len(q.sort) > 0 || q.descend)
	if q.page > 1 {
		first += (q.page - 1) * q.size
	}
	first = min(first, len(rows))
	rows = rows[first:]
	if q.size > 0 && len(rows) > q.size {
		rows = rows[:q.size]
	}
	return rows, first
}

// nextPage reads the page after LastKey from the key's own order: what lies before need not be looked at, so that reading a large
// table page by page costs what its rows cost. ok is false where another order is asked for, or no key.
func (c *company) nextPage(q *query, t *table) (rows []*row, first int, ok bool) {
	if t.def.key == nil || q.size == 0 || q.page > 1 || len(q.sort) > 0 || q.descend || strings.TrimSpace(q.lastKey) == "" {
		return nil, 0, false
	}
	if _, indexed := q.fromIndex(t); indexed {
		return nil, 0, false
	}
	from, _ := slices.BinarySearchFunc(t.rows, q.lastKey, func(r *row, key string) int {
		if t.compareKeys(r.get(t.def.key), key) <= 0 {
			return -1
		}
		return 1
	})
	for _, r := range t.rows[from:] {
		if len(rows) == q.size {
			break
		}
		if c.visible(q.head, r, q.year) && q.shows(r) && q.matches(r) {
			rows = append(rows, r)
		}
	}
	return rows, from, true
}

// afterKey returns how many rows lie at or before LastKey. The dictionary's key is the row's number (DCT_FLD_Id); in an
// order other than the key's, the key's own row is looked for.
func (t *table) afterKey(rows []*row, lastKey string, resorted bool) int {
	if strings.TrimSpace(lastKey) == "" {
		return 0
	}
	if t.def.key == nil {
		n, err := strconv.Atoi(strings.TrimSpace(lastKey))
		if err != nil || n < 0 || n >= len(rows) {
			return len(rows)
		}
		return n + 1
	}
	for i, r := range rows {
		n := t.compareKeys(r.get(t.def.key), lastKey)
		switch {
		case resorted && n == 0:
			return i + 1
		case !resorted && n > 0:
			return i
		}
	}
	return len(rows)
}

func compareValues(f *field, a, b string) int {
	switch kind(f.typ) {
	case 'N':
		return rat(a).Cmp(rat(b))
	case 'C':
		return strings.Compare(fold(a), fold(b))
	}
	return strings.Compare(a, b)
}
