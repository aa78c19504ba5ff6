package connector

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"

	sdk "github.com/pomost/pomost/sdk/connector"
	"github.com/pomost/pomost/sdk/record"
)

// Read implements sdk.Connection.
//
// The list is asked for by change stamp, oldest first, and continued by stamp instead of by page number, so that records
// which change while the read goes on move to its end and are never skipped. Which properties can be filtered and sorted
// is not documented [?]; where this account refuses or ignores it, the list is read by page number, again and again until
// it stood still, and at last without any filter. Records without a stamp are asked for on their own, first: one that
// gets its stamp meanwhile is then read with the others.
func (c *connection) Read(ctx context.Context, req sdk.ReadRequest, yield func(sdk.Batch) error) error {
	o, err := objectByName(req.Object)
	if err != nil {
		return err
	}
	from, err := decodeCursor(req.Cursor)
	if err != nil {
		return err
	}
	if !from.Since.IsZero() {
		from.Since = from.Since.Add(-max(req.LookBack, 0))
	}
	size := req.BatchSize
	if size <= 0 {
		size = c.pageSize
	}
	r := &reading{
		c: c, o: o, since: from.Since, where: c.where(o, req.Where),
		out: &emitter{schema: o.schema, size: size, yield: yield, nulls: from.Nulls}, seen: map[string]time.Time{},
	}
	if o.stamp == "" { // nothing tells what changed: all of it, each time, and no point to go on from
		r.since, r.out.whole = time.Time{}, true
		if err := r.numbered(ctx, url.Values{}, func(row) bool { return true }); err != nil {
			return err
		}
		return r.out.finish()
	}
	if err := r.run(ctx, from.Nulls); err != nil {
		return err
	}
	return r.out.finish()
}

// reading is one read in progress.
type reading struct {
	c     *connection
	o     *object
	since time.Time // zero: everything
	where string
	out   *emitter
	pages int
	// seen are the stamps of records emitted that may come again.
	seen map[string]time.Time
}

// errUnordered says that the system did not sort or filter as asked.
var errUnordered = errors.New("the answer is not in the order asked for")

// errShrunk says that there were fewer results than can be: a record was deleted, or the order was a chance. It is an
// errUnordered of which nothing is learned.
var errShrunk = fmt.Errorf("%w: records are missing", errUnordered)

// earliest is before every stamp. A null stamp is not greater than it, so it separates those.
var earliest = time.Date(1900, 1, 1, 0, 0, 0, 0, time.UTC)

func (r *reading) run(ctx context.Context, nullsKnown bool) error {
	scan := r.o.Name + " cannot be filtered by stamp"
	if !r.c.knows(scan) {
		err := r.filtered(ctx, nullsKnown)
		if !refusedQuery(err) {
			return err
		}
		if r.where != "" {
			// Perhaps only the extra conditions are not understood; the host tests them again anyway.
			r.c.learn(r.o.Name + " takes no conditions")
			r.where = ""
			if err = r.filtered(ctx, nullsKnown); !refusedQuery(err) {
				return err
			}
		}
		r.c.learn(scan)
	}
	return r.scan(ctx)
}

// filtered reads records without a stamp, then those with one.
func (r *reading) filtered(ctx context.Context, nullsKnown bool) error {
	if r.o.nullable || nullsKnown || r.since.IsZero() {
		if err := r.nulls(ctx); err != nil {
			return err
		}
	}
	unsorted := r.o.Name + " cannot be sorted by stamp"
	if !r.c.knows(unsorted) {
		err := r.byStamp(ctx)
		if !refusedQuery(err) && !errors.Is(err, errUnordered) {
			return err
		}
		if !errors.Is(err, errShrunk) {
			r.c.learn(unsorted)
		}
	}
	return r.numbered(ctx, r.query(r.lower(), time.Time{}, false), func(row row) bool { return !row.stamp.Before(r.since) || row.stamp.IsZero() })
}

// lower is the lower bound of the stamps.
func (r *reading) lower() time.Time {
	if r.since.After(earliest) {
		return r.since
	}
	return earliest
}

// query asks for stamps from a moment on, up to another one if that is given.
func (r *reading) query(from, to time.Time, sorted bool) url.Values {
	f := r.o.stamp + " ge " + instantText(from)
	if !to.IsZero() {
		f += " and " + r.o.stamp + " lt " + instantText(to)
	}
	q := url.Values{"$filter": {f + r.where}}
	if sorted {
		q.Set("$orderby", r.o.stamp)
	}
	return q
}

// nulls reads the records that have no change stamp: by their creation where that is told, else all of them each time.
func (r *reading) nulls(ctx context.Context) error {
	subject := r.o.Name + " cannot be filtered by null"
	if r.c.knows(subject) {
		return &sdk.Error{Cause: sdk.CauseRefused, Code: "6000", Message: "null is not understood", Remedy: "none: the list is read whole"}
	}
	f := r.o.stamp + " eq null"
	if r.o.created != "" && !r.since.IsZero() {
		f += " and " + r.o.created + " ge " + instantText(r.since)
	}
	err := r.numbered(ctx, url.Values{"$filter": {f + r.where}}, func(row row) bool {
		if !row.stamp.IsZero() {
			return false // it got its stamp meanwhile, or the filter was ignored: it comes with the others
		}
		r.out.nulls = true
		return true
	})
	if refusedQuery(err) {
		r.c.learn(subject)
	}
	return err
}

// byStamp reads records in the order of their stamps, continuing from the last one of each page.
//
// A page can look sorted by chance. Then records before its last stamp would be passed over, so each step counts: of the
// results from one moment on, those passed may be gone at the next, and no others. Only what was so confirmed is a safe
// point; until the first step is, the records are remembered, so that another way of reading does not bring them again.
func (r *reading) byStamp(ctx context.Context) error {
	from := r.lower()
	at := map[string]time.Time{} // emitted with a stamp of from or later
	least := 0
	for first := true; ; first = false {
		p, err := r.page(ctx, r.query(from, time.Time{}, true), 1)
		if err != nil {
			return err
		}
		if p.total < least {
			return errShrunk
		}
		last := from
		for _, row := range p.rows {
			if row.stamp.Before(last) { // a null stamp as well
				return errUnordered
			}
			last = row.stamp
		}
		if !first {
			clear(r.seen)
		}
		sortRows(p.rows)
		for _, row := range p.rows {
			if old, ok := at[row.id]; ok && old.Equal(row.stamp) {
				continue
			}
			if first {
				r.seen[row.id] = row.stamp
			}
			if err := r.out.add(row, confirmed(from)); err != nil {
				return err
			}
		}
		if len(p.rows) < r.c.pageSize {
			return nil
		}
		passed := 0
		next := map[string]time.Time{}
		if last.After(from) {
			for _, row := range p.rows {
				if row.stamp.Equal(last) {
					next[row.id] = row.stamp
				} else {
					passed++
				}
			}
			from = last
		} else {
			// A whole page of one stamp: that moment is read to its end, then the next one.
			to := from.Truncate(time.Second).Add(time.Second)
			if passed, err = r.moment(ctx, from, to, at, p.rows); err != nil {
				return err
			}
			from = to
		}
		at, least = next, p.total-passed
	}
}

// confirmed is the safe point at a moment; before the first stamp there is none.
func confirmed(from time.Time) time.Time {
	if from.Equal(earliest) {
		return time.Time{}
	}
	return from
}

// moment reads all records with a stamp within a second by page number and counts them. at and page were emitted before.
func (r *reading) moment(ctx context.Context, from, to time.Time, at map[string]time.Time, page []row) (int, error) {
	before := r.seen
	r.seen = map[string]time.Time{}
	defer func() { r.seen = before }()
	for id, stamp := range at {
		r.seen[id] = stamp
	}
	for _, row := range page {
		r.seen[row.id] = row.stamp
	}
	err := r.numberedTo(ctx, r.query(from, to, true), func(row row) (bool, time.Time) {
		return !row.stamp.Before(from) && row.stamp.Before(to), confirmed(from)
	})
	return len(r.seen), err
}

// scan reads the whole list and keeps what changed.
func (r *reading) scan(ctx context.Context) error {
	q := url.Values{}
	if r.o.since != "" && !r.since.IsZero() {
		// Whether the bound itself is included is not documented: a second more is asked for.
		q.Set(r.o.since, instantText(r.since.Add(-time.Second)))
	}
	return r.numbered(ctx, q, func(row row) bool {
		if row.stamp.IsZero() {
			r.out.nulls = true
			return r.o.created == "" || row.created.IsZero() || !row.created.Before(r.since)
		}
		return !row.stamp.Before(r.since)
	})
}

// numbered reads a list by page number and emits what keep wants, without a safe point before its end.
func (r *reading) numbered(ctx context.Context, q url.Values, keep func(row) bool) error {
	return r.numberedTo(ctx, q, func(row row) (bool, time.Time) { return keep(row), time.Time{} })
}

// steady is how often a list is read until it stands still.
const steady = 5

// numberedTo reads a list by page number. Records that come or go while it is read shift the pages, so it is read again
// until its length was the same at both ends and as many records were seen; what was emitted before is not again.
func (r *reading) numberedTo(ctx context.Context, q url.Values, keep func(row) (bool, time.Time)) error {
	for range steady {
		inPass := map[string]bool{}
		first := -1
		var last int
		for number := 1; ; number++ {
			p, err := r.page(ctx, q, number)
			if err != nil {
				return err
			}
			if first < 0 {
				first = p.total
			}
			last = p.total
			sortRows(p.rows)
			for _, row := range p.rows {
				inPass[row.id] = true
				ok, safe := keep(row)
				if old, done := r.seen[row.id]; !ok || done && old.Equal(row.stamp) {
					continue
				}
				r.seen[row.id] = row.stamp
				if err := r.out.add(row, safe); err != nil {
					return err
				}
			}
			if len(p.rows) == 0 || number >= p.pages {
				break
			}
		}
		if first == last && len(inPass) >= last {
			return nil
		}
	}
	return &sdk.Error{Cause: sdk.CauseUnavailable, Retryable: true, Message: "the list of " + r.o.path + " changed all the time while it was read",
		Remedy: "the next run tries again; run at a quieter hour"}
}

// page asks for a page and tells about it.
func (r *reading) page(ctx context.Context, q url.Values, number int) (page, error) {
	r.pages++
	if r.pages > 1 {
		r.c.host.Progress(ctx, sdk.Progress{What: fmt.Sprintf("reading %s, page %d", r.o.path, r.pages)})
	}
	p, err := r.c.page(ctx, r.o, q, number)
	if err == nil && r.out.high.IsZero() {
		r.out.high = p.serverTime
	}
	return p, err
}

// where turns conditions into a filter, as far as they can be.
func (c *connection) where(o *object, conditions []sdk.Condition) string {
	if c.knows(o.Name + " takes no conditions") {
		return ""
	}
	var b strings.Builder
	for _, w := range conditions {
		f, ok := o.schema.Field(w.Field)
		if !ok || strings.Contains(w.Field, ".") || (w.Op != "eq" && w.Op != "ge" && w.Op != "le") {
			continue
		}
		// A date with a time would lie behind its own midnight, so an upper bound is left to the host.
		if f.Type.Kind == record.KindDate && w.Op != "ge" {
			continue
		}
		if lit, ok := literal(f, w.Value); ok {
			b.WriteString(" and " + w.Field + " " + w.Op + " " + lit)
		}
	}
	return b.String()
}
