package connector

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"golang.org/x/text/encoding/charmap"

	sdk "github.com/pomost/pomost/sdk/connector"
	"github.com/pomost/pomost/sdk/record"
)

// sampleRows are read where one record that has its key is wanted to try something with.
const sampleRows = 20

// maxRows bounds the rows read for one look-up; more means that a filter is not obeyed or that a key fits everything.
const maxRows = 5000

// wanted is one key to find, understood.
type wanted struct {
	columns []column
	values  []string
	normal  []string
}

func (w *wanted) matches(r row) bool {
	for i, col := range w.columns {
		if normal(col, r.text(col.Name)) != w.normal[i] {
			return false
		}
	}
	return true
}

// Find implements sdk.Connection. Documents are looked for in the administration of the date around and in those of the
// year before and after; master data in that of the date alone, since what only another year has cannot be used.
func (c *connection) Find(ctx context.Context, req sdk.FindRequest) ([]sdk.FindResult, error) {
	s, err := c.shape(ctx, req.Object)
	if err != nil {
		return nil, err
	}
	results := make([]sdk.FindResult, len(req.Keys))
	byDate := map[record.Date][]int{}
	var dates []record.Date
	keys := make([]*wanted, len(req.Keys))
	for i, k := range req.Keys {
		for _, f := range k.Fields {
			if !slices.Contains(s.Find, f.Name) {
				return nil, &sdk.Error{Cause: sdk.CausePluginFailed, Field: f.Name, Message: fmt.Sprintf("%s cannot be found by %s", s.Title, quote(f.Name)),
					Remedy: "use one of " + strings.Join(s.Find, ", ")}
			}
		}
		w, why := s.want(k)
		if why != "" {
			results[i].Reason, results[i].Cause = why, sdk.CauseInvalidValue
			continue
		}
		keys[i] = w
		d := k.Around
		if d == 0 {
			d = c.today()
		}
		if byDate[d] == nil {
			dates = append(dates, d)
		}
		byDate[d] = append(byDate[d], i)
	}
	groups, err := c.byAdministration(ctx, dates)
	if err != nil {
		return nil, err
	}
	for _, g := range groups {
		var group []*wanted
		var at []int
		for _, d := range g {
			for _, i := range byDate[d] {
				group, at = append(group, keys[i]), append(at, i)
			}
		}
		if len(group) == 0 {
			continue
		}
		found, err := c.findAround(ctx, s, g[0], group)
		if err != nil {
			return nil, err
		}
		for n, i := range at {
			results[i] = found[n]
		}
	}
	return results, nil
}

// want understands a key, or tells why it cannot be asked for.
func (s *shape) want(k sdk.Key) (*wanted, string) {
	w := &wanted{}
	if len(k.Fields) == 0 {
		return nil, "the key has no field"
	}
	for _, f := range k.Fields {
		col, ok := s.head.column(f.Name)
		if !ok {
			return nil, fmt.Sprintf("this account's data dictionary shows no %s in %s", f.Name, s.head.name)
		}
		v := strings.TrimRight(f.Value.String(), " ")
		if f.Value.Kind() != record.KindText && f.Value.Kind() != record.KindInteger {
			return nil, fmt.Sprintf("the value for %s is %s, not a text", f.Name, f.Value.Kind())
		}
		if why := checkKey(v); why != "" {
			return nil, fmt.Sprintf("the value for %s cannot be looked for: %s", f.Name, why)
		}
		w.columns, w.values, w.normal = append(w.columns, col), append(w.values, v), append(w.normal, normal(col, v))
	}
	return w, ""
}

// tooLong tells whether a value cannot stand in its column, so that no record has it.
func (w *wanted) tooLong() (column, bool) {
	for i, col := range w.columns {
		if col.Length > 0 && utf8.RuneCountInString(w.values[i]) > col.Length {
			return col, true
		}
	}
	return column{}, false
}

// unstorable tells whether a value has letters outside the code page of western Windows, in which AccountView's tables may
// be kept: what was written with them then comes back with question marks (whether it does is not known).
func (w *wanted) unstorable() (column, bool) {
	for i, col := range w.columns {
		for _, r := range w.values[i] {
			if _, ok := charmap.Windows1252.EncodeRune(r); !ok {
				return col, true
			}
		}
	}
	return column{}, false
}

// neighbours are the dates whose administrations a look-up reaches into: the date's own first. A year before and after
// the date lies in the neighbouring administration whenever the fiscal year begins.
func (s *shape) neighbours(d record.Date) []record.Date {
	if !s.document {
		return []record.Date{d}
	}
	return []record.Date{d, shiftYear(d, -1), shiftYear(d, 1)}
}

func shiftYear(d record.Date, by int) record.Date {
	year, month, day := d.Time().Date()
	if month == time.February && day == 29 {
		day = 28
	}
	return record.NewDate(year+by, month, day)
}

func (s *shape) scope(d record.Date) string {
	return fmt.Sprintf("%s (%s) in the administration of %s", strings.ToLower(s.Title), s.code, d)
}

// findAround finds keys of one date.
func (c *connection) findAround(ctx context.Context, s *shape, d record.Date, keys []*wanted) ([]sdk.FindResult, error) {
	results := make([]sdk.FindResult, len(keys))
	var ask []int
	for i, k := range keys {
		results[i].Status = sdk.AbsentEverywhere
		if col, long := k.tooLong(); long {
			results[i].Scopes = []string{fmt.Sprintf("%s %s, which holds at most %d characters", s.head.name, col.Name, col.Length)}
			continue
		}
		ask = append(ask, i)
	}
	if len(ask) == 0 {
		return results, nil
	}
	delivered, err := c.history(ctx, s)
	if err != nil {
		return nil, err
	}
	for n, at := range s.neighbours(d) {
		rows, failed, err := c.lookUp(ctx, s, at, pick(keys, ask))
		if causeOf(err) == sdk.CauseNoAdministration {
			if n > 0 {
				continue // a scope that does not exist has nothing in it
			}
			// Its own year is missing: nothing can be said of the document but that it cannot be booked.
			for _, i := range ask {
				results[i] = sdk.FindResult{Status: sdk.CannotTell, Cause: sdk.CauseNoAdministration, Reason: noAdministration(at).Message}
			}
			return results, nil
		}
		if err != nil {
			return nil, err
		}
		for m, i := range ask {
			collect(&results[i], rows[m], failed[m], s.scope(at))
		}
		if delivered == nil {
			continue
		}
		gone, searched, failed, err := c.inHistory(ctx, s, delivered, at, pick(keys, ask))
		if err != nil {
			return nil, err
		}
		for m, i := range ask {
			if searched[m] {
				collect(&results[i], gone[m], failed[m], fmt.Sprintf("delivered orders (%s) in the administration of %s", c.cfg.history.code, at))
			}
		}
	}
	for _, i := range ask {
		// What was found was found, even where another scope cannot be read.
		if len(results[i].Records) > 0 {
			results[i].Status = sdk.Found
		} else if col, not := keys[i].unstorable(); not && results[i].Status == sdk.AbsentEverywhere {
			results[i].Status, results[i].Scopes = sdk.CannotTell, nil
			results[i].Reason = fmt.Sprintf("the value for %s has letters for which AccountView may have stored others, so that a record which has it would not be found", col.Name)
		}
	}
	return results, nil
}

// collect adds what was found in one scope to a result, or why that scope could not be read.
func collect(r *sdk.FindResult, found []record.Record, failed error, scope string) {
	if failed != nil {
		var e *sdk.Error
		if errors.As(failed, &e) {
			r.Cause = e.Cause
		}
		if r.Status != sdk.CannotTell { // the first reason is that of the date's own year
			r.Status, r.Reason = sdk.CannotTell, fmt.Sprintf("%s cannot be read: %v", scope, failed)
		}
		return
	}
	r.Scopes = append(r.Scopes, scope)
	for _, rec := range found {
		if len(r.Records) < sdk.MaxFound && !slices.ContainsFunc(r.Records, func(x record.Record) bool {
			return record.FingerprintOf(x) == record.FingerprintOf(rec) // answered for every year alike
		}) {
			r.Records = append(r.Records, rec)
		}
	}
}

func pick(keys []*wanted, which []int) []*wanted {
	out := make([]*wanted, len(which))
	for n, i := range which {
		out[n] = keys[i]
	}
	return out
}

// lookUp finds keys in one administration: the records of each key, or why it could not be asked. Its error is one of the
// way to AccountView, or CauseNoAdministration.
func (c *connection) lookUp(ctx context.Context, s *shape, d record.Date, keys []*wanted) ([][]record.Record, []error, error) {
	if c.yearMissing(d) {
		return nil, nil, noAdministration(d)
	}
	found, failed := make([][]record.Record, len(keys)), make([]error, len(keys))
	todo := make([]int, len(keys))
	mail := column{}
	for i, k := range keys {
		todo[i] = i
		if j := slices.IndexFunc(k.columns, func(col column) bool { return mailColumn(col.Name) }); j >= 0 {
			mail = k.columns[j]
		}
	}
	folds := false
	if mail.Name != "" {
		var err error
		if folds, err = c.foldsMail(ctx, s, d, mail); err != nil && transient(err) {
			return nil, nil, err
		}
	}
	for len(todo) > 0 {
		n := 1
		if c.mayMatchAny(s) {
			n = s.fitting(pick(keys, todo), c.cfg.padKeys, folds)
		}
		group := pick(keys, todo[:n])
		recs, err := c.ask(ctx, s, d, group, folds)
		if err == nil && n > 1 && !slices.ContainsFunc(recs, func(r []record.Record) bool { return len(r) > 0 }) {
			// Nothing found by alternatives is believed only once alternatives are known to work.
			var works bool
			if works, err = c.proveMatchAny(ctx, s, d, group[0].columns[0]); err == nil && !works {
				continue
			}
		} else if err == nil && n > 1 {
			c.learnMatchAny(s, true)
		}
		switch {
		case err == nil:
			for m, i := range todo[:n] {
				found[i] = recs[m]
			}
		case transient(err):
			return nil, nil, err
		case causeOf(err) == sdk.CauseNoAdministration:
			missing, err := c.confirmMissing(ctx, s, d)
			if err != nil {
				return nil, nil, err
			}
			if missing {
				c.learnYear(d, true)
				return nil, nil, noAdministration(d)
			}
			for _, i := range todo[:n] {
				failed[i] = errors.New("AccountView refuses the look-up")
			}
		case n > 1:
			c.learnMatchAny(s, false)
			continue
		default:
			failed[todo[0]] = err
		}
		todo = todo[n:]
	}
	return found, failed, nil
}

// confirmMissing asks for the administration without any value of ours in the request, whose echo in a message could read
// like "no administration".
func (c *connection) confirmMissing(ctx context.Context, s *shape, d record.Date) (bool, error) {
	_, err := c.get(ctx, &query{object: s.code, fields: []string{s.source(s.Key)}, bookDate: isoDay(d), pageSize: 1})
	switch {
	case err == nil:
		return false, nil
	case causeOf(err) == sdk.CauseNoAdministration:
		return true, nil
	case transient(err):
		return false, err
	}
	return false, nil
}

// mayMatchAny tells whether alternatives (MatchAnyFilter) may be tried on an object.
func (c *connection) mayMatchAny(s *shape) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	works, known := c.anyWorks[s.Name]
	return works || !known
}

func (c *connection) learnMatchAny(s *shape, works bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.anyWorks[s.Name] = works
}

// proveMatchAny finds out whether alternatives work: a record that exists must be found beside one that does not. Where
// nothing exists, nothing can be found either, and the answer stands.
func (c *connection) proveMatchAny(ctx context.Context, s *shape, d record.Date, by column) (bool, error) {
	c.mu.Lock()
	works, known := c.anyWorks[s.Name]
	c.mu.Unlock()
	if known {
		return works, nil
	}
	key, _ := s.head.column(s.Key)
	q := &query{object: s.code, fields: []string{s.source(s.Key)}, bookDate: isoDay(d), pageSize: sampleRows}
	a, err := c.get(ctx, q, s.head)
	if err != nil {
		return false, err
	}
	rows := a.rows(s.head.name)
	if len(rows) == 0 {
		return true, nil // empty now; nothing is learnt for later
	}
	i := slices.IndexFunc(rows, func(r row) bool { return r.text(s.Key) != "" })
	if i < 0 { // pages of other daybooks have no number of an invoice: one by one until there is one to try with
		c.learnMatchAny(s, false)
		return false, nil
	}
	have := rows[i].text(s.Key)
	q.any, q.pageSize = true, c.cfg.pageSize
	q.filters = []filter{c.equal(s, key, have), c.equal(s, key, "~")}
	a, err = c.get(ctx, q, s.head)
	if err != nil && transient(err) {
		return false, err
	}
	works = err == nil && slices.ContainsFunc(a.rows(s.head.name), func(r row) bool { return r.text(s.Key) == have })
	c.learnMatchAny(s, works)
	return works, nil
}

// foldsMail finds out whether Equal minds the case of mail addresses (facts B7.9): an address that exists must be found
// when it is asked for in the other case. Until there is one to try, the case is taken to count.
func (c *connection) foldsMail(ctx context.Context, s *shape, d record.Date, col column) (bool, error) {
	c.mu.Lock()
	known := c.mailFolds
	c.mu.Unlock()
	if known != nil {
		return *known, nil
	}
	q := &query{object: s.code, fields: []string{s.source(s.Key), s.source(col.Name)}, bookDate: isoDay(d), pageSize: 1,
		filters: []filter{{s.source(col.Name), "Contains", 'C', "@"}}}
	a, err := c.get(ctx, q, s.head)
	if err != nil {
		return false, err
	}
	rows := a.rows(s.head.name)
	if len(rows) == 0 {
		return false, nil
	}
	have := rows[0].text(col.Name)
	other := strings.ToUpper(have)
	if other == have {
		other = strings.ToLower(have)
	}
	if other == have || checkKey(have) != "" {
		return false, nil
	}
	q.filters[0] = filter{s.source(col.Name), "Equal", 'C', other}
	if a, err = c.get(ctx, q, s.head); err != nil {
		return false, err
	}
	folds := slices.ContainsFunc(a.rows(s.head.name), func(r row) bool {
		return r.text(col.Name) != other && normal(col, r.text(col.Name)) == normal(col, other)
	})
	c.mu.Lock()
	defer c.mu.Unlock()
	c.mailFolds = &folds
	return folds, nil
}

func (c *connection) equal(s *shape, col column, value string) filter {
	return filter{s.source(col.Name), "Equal", 'C', padded(col, value, c.cfg.padKeys)}
}

func padded(col column, value string, pad bool) string {
	if pad && col.Upper && col.Length > 0 {
		return fmt.Sprintf("%-*s", col.Length, value)
	}
	return value
}

// fitting tells how many of the keys, all of one and the same field, fit into one request.
func (s *shape) fitting(keys []*wanted, pad, folds bool) int {
	q := &query{object: s.code, fields: s.columns(), bookDate: "2006-01-02", pageSize: maxPageSize, any: true, page: 99}
	n := 0
	for _, k := range keys {
		if len(k.columns) != 1 || k.columns[0].Name != keys[0].columns[0].Name {
			break
		}
		for _, v := range variants(k.columns[0], k.values[0], folds) {
			q.filters = append(q.filters, filter{s.source(k.columns[0].Name), "Equal", 'C', padded(k.columns[0], v, pad)})
		}
		if n > 0 && (len(q.filters) > maxFilters || len(q.encode()) > maxQuery) {
			break
		}
		n++
	}
	return max(n, 1)
}

// ask looks up a group of keys in one go: several keys of one field as alternatives, or one key. Rows are compared again,
// exactly: whether a filter is obeyed to the letter is not to be trusted.
func (c *connection) ask(ctx context.Context, s *shape, d record.Date, group []*wanted, folds bool) ([][]record.Record, error) {
	found := make([][]record.Record, len(group))
	var queries [][]filter // each is one request
	alternatives := len(group) > 1
	if alternatives {
		var fs []filter
		for _, k := range group {
			for _, v := range variants(k.columns[0], k.values[0], folds) {
				fs = append(fs, c.equal(s, k.columns[0], v))
			}
		}
		queries = [][]filter{fs}
	} else {
		queries = c.combinations(s, group[0], folds)
	}
	seen := map[string]bool{}
	for _, fs := range queries {
		q := &query{object: s.code, fields: s.columns(), bookDate: isoDay(d), pageSize: c.cfg.pageSize, filters: fs, any: alternatives}
		total := 0
		for {
			a, err := c.get(ctx, q, s.tables()...)
			if err != nil {
				return nil, err
			}
			rows := a.rows(s.head.name)
			var recs []record.Record
			for i, r := range rows {
				for g, k := range group {
					if !k.matches(r) {
						continue
					}
					if id := fmt.Sprint(g, " ", s.identity(r)); s.identity(r) == "" || !seen[id] {
						seen[id] = true
						if recs == nil {
							recs = s.records(a, c.cfg.zone)
						}
						found[g] = append(found[g], recs[i])
					}
				}
			}
			if total += len(rows); total > maxRows {
				return nil, &sdk.Error{Cause: sdk.CauseRefused, Message: fmt.Sprintf("more than %d %s answer a single look-up", maxRows, strings.ToLower(s.Title)),
					Remedy: "the filter may not be obeyed: see the connection's check"}
			}
			if len(rows) < q.pageSize {
				break
			}
			q.page = max(q.page, 1) + 1
		}
	}
	return found, nil
}

// combinations are the requests for one key: its fields together, in every form in which a value may be kept.
func (c *connection) combinations(s *shape, k *wanted, folds bool) [][]filter {
	out := [][]filter{nil}
	for i, col := range k.columns {
		var next [][]filter
		for _, v := range variants(col, k.values[i], folds) {
			for _, fs := range out {
				next = append(next, append(slices.Clip(fs), c.equal(s, col, v)))
			}
		}
		out = next
	}
	return out
}
