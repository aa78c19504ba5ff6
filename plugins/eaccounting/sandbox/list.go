package sandbox

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

const (
	defaultPageSize = 50
	maxPageSize     = 1000
)

func readBody(r *http.Request) ([]byte, error) {
	if r.Body == nil {
		return nil, nil
	}
	return io.ReadAll(r.Body)
}

// list answers a list call: filter, order, page, selection (facts section 3).
func (c *company) list(k *call, s *schema, all []*record) error {
	q, err := url.ParseQuery(k.r.URL.RawQuery)
	if err != nil {
		return badQuery("the query string cannot be read")
	}
	found := all
	if filter, ok := param(q, "$filter"); ok {
		if c.dialect.noListFilters && strings.Contains(filter, "/any(") {
			return badQuery("the property cannot be used in the $filter query option")
		}
		keep, err := compileFilter(s, filter, c.dialect.caseSensitive, c.dialect.swagger2020)
		if err != nil {
			return err
		}
		found = make([]*record, 0, len(all))
		for _, r := range all {
			if keep(r) {
				found = append(found, r)
			}
		}
	}
	if order, ok := param(q, "$orderby"); ok {
		if found, err = c.sorted(s, found, order); err != nil {
			return err
		}
	}
	var only []int
	if names, ok := param(q, "$select"); ok {
		if only, err = c.selection(s, names); err != nil {
			return err
		}
	}
	if date, ok := param(q, "vatRateDate"); ok {
		if _, valid := parseTime(date); !valid {
			return badDate("'%s' is not a valid date", date)
		}
	}
	page, err := pageOf(q, len(found))
	if err != nil {
		return err
	}
	b := append([]byte(nil), `{"Meta":{"CurrentPage":`...)
	b = strconv.AppendInt(b, int64(page.number), 10)
	b = append(b, `,"PageSize":`...)
	b = strconv.AppendInt(b, int64(page.size), 10)
	b = append(b, `,"TotalNumberOfPages":`...)
	b = strconv.AppendInt(b, int64((len(found)+page.size-1)/page.size), 10)
	b = append(b, `,"TotalNumberOfResults":`...)
	b = strconv.AppendInt(b, int64(len(found)), 10)
	b = append(b, `,"ServerTimeUtc":"`...)
	// Whole seconds, cut off: never later than a change that this answer does not show.
	b = c.env.Now().UTC().Truncate(time.Second).AppendFormat(b, instantLayout)
	b = append(b, `"},"Data":[`...)
	for i, r := range found[page.from:page.to] {
		if i > 0 {
			b = append(b, ',')
		}
		b = c.form.append(b, r, only)
	}
	writeBody(k.w, http.StatusOK, append(b, "]}"...))
	return nil
}

// param finds a query parameter without case.
func param(q url.Values, name string) (string, bool) {
	if v, ok := q[name]; ok {
		return v[0], true
	}
	for k, v := range q {
		if strings.EqualFold(k, name) {
			return v[0], true
		}
	}
	return "", false
}

type page struct{ number, size, from, to int }

// pageOf reads $page and $pagesize, or $top and $skip, which some clients use instead. What a page number beyond the
// last one does is not documented: here it is an empty page.
func pageOf(q url.Values, total int) (page, error) {
	p := page{number: 1, size: defaultPageSize}
	skip := 0
	for _, n := range []struct {
		name   string
		to     *int
		lo, hi int
	}{{"$page", &p.number, 1, 1 << 30}, {"$pagesize", &p.size, 1, maxPageSize}, {"$top", &p.size, 1, maxPageSize}, {"$skip", &skip, 0, 1 << 30}} {
		text, ok := param(q, n.name)
		if !ok {
			continue
		}
		v, err := strconv.Atoi(text)
		if err != nil || v < n.lo || v > n.hi {
			return p, badQuery("%s must be a number from %d to %d, not '%s'", n.name, n.lo, n.hi, text)
		}
		*n.to = v
	}
	p.from = min(total, skip+min(p.number-1, total)*p.size)
	p.to = min(total, p.from+p.size)
	return p, nil
}

// sorted orders a copy by "Name", "Name desc" or several of them; null comes first, as in the database below.
func (c *company) sorted(s *schema, list []*record, by string) ([]*record, error) {
	type term struct {
		field int
		desc  bool
		order func(a, b any) int
	}
	fold := strings.ToLower
	if c.dialect.caseSensitive {
		fold = func(s string) string { return s }
	}
	var terms []term
	for part := range strings.SplitSeq(by, ",") {
		words := strings.Fields(part)
		if len(words) == 0 || len(words) > 2 {
			return nil, badQuery("syntax error in $orderby '%s'", by)
		}
		i, ok := s.index[words[0]]
		if !ok || s.fields[i].kind >= kindObject || s.fields[i].hidden(c.form.old) {
			return nil, badQuery("could not find a property named '%s' on type '%s'", words[0], s.name)
		}
		t := term{field: i, order: orderOf(comparedAs(s.fields[i].kind), fold)}
		if s.fields[i].kind == kindBool {
			t.order = func(a, b any) int { return boolInt(a == true) - boolInt(b == true) }
		}
		if len(words) == 2 {
			switch words[1] {
			case "asc":
			case "desc":
				t.desc = true
			default:
				return nil, badQuery("syntax error in $orderby '%s'", by)
			}
		}
		terms = append(terms, t)
	}
	out := slices.Clone(list)
	slices.SortStableFunc(out, func(a, b *record) int {
		for _, t := range terms {
			x, y := plain(a.vals[t.field]), plain(b.vals[t.field])
			var o int
			if x == nil || y == nil {
				o = boolInt(x != nil) - boolInt(y != nil)
			} else {
				o = t.order(x, y)
			}
			if t.desc {
				o = -o
			}
			if o != 0 {
				return o
			}
		}
		return 0
	})
	return out, nil
}

func boolInt(b bool) int {
	if b {
		return 1
	}
	return 0
}

func (c *company) selection(s *schema, names string) ([]int, error) {
	only := []int{}
	for name := range strings.SplitSeq(names, ",") {
		name = strings.TrimSpace(name)
		i, ok := s.index[name]
		if !ok || s.fields[i].hidden(c.form.old) {
			return nil, badQuery("could not find a property named '%s' on type '%s'", name, s.name)
		}
		if !slices.Contains(only, i) {
			only = append(only, i)
		}
	}
	return only, nil
}

// one answers the record of the path.
func (c *company) one(k *call, tableName, what string) error {
	r, err := c.byPath(k, tableName, what)
	if err != nil {
		return err
	}
	c.reply(k, http.StatusOK, r)
	return nil
}

func (c *company) byPath(k *call, tableName, what string) (*record, error) {
	if r := c.table(tableName).byID[k.id]; r != nil {
		return r, nil
	}
	return nil, unknownPath(what, k.id)
}

func (c *company) reply(k *call, status int, r *record) {
	writeBody(k.w, status, c.form.append(nil, r, nil))
}

// created answers a POST: 201 with the object [OA26], or 200 as all calls were declared in 2020 [SW20].
func (c *company) created(k *call, r *record) {
	if c.dialect.emptyWrites {
		k.w.WriteHeader(http.StatusCreated)
		return
	}
	if c.dialect.swagger2020 {
		c.reply(k, http.StatusOK, r)
		return
	}
	c.reply(k, http.StatusCreated, r)
}

// updated answers a PUT: 200 with the object [OA26], or nothing at all, as some of the 2020 calls declare [SW20].
func (c *company) updated(k *call, r *record) {
	if c.dialect.swagger2020 || c.dialect.emptyWrites {
		k.w.WriteHeader(http.StatusOK)
		return
	}
	c.reply(k, http.StatusOK, r)
}

// read turns the body into a record of s and refuses it when something is wrong with its form.
func (c *company) read(k *call, s *schema) (*record, error) {
	m, err := decodeObject(k.body)
	if err != nil {
		if len(bytes.TrimSpace(k.body)) == 0 {
			err = io.ErrUnexpectedEOF
		}
		return nil, invalid("", "InvalidJson", "The request body is not a valid JSON object: %s", jsonCause(err))
	}
	rd := &reader{old: c.form.old, strict: c.dialect.strictFields}
	r := rd.object(s, m, "")
	if len(rd.problems) > 0 {
		return nil, invalidFields(rd.problems)
	}
	return r, nil
}

func jsonCause(err error) string {
	if errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF) {
		return "unexpected end of text"
	}
	var s *json.SyntaxError
	if errors.As(err, &s) {
		return s.Error() + " at position " + strconv.FormatInt(s.Offset, 10)
	}
	return err.Error()
}
