package connector

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	sdk "github.com/pomost/pomost/sdk/connector"
	"github.com/pomost/pomost/sdk/record"
)

// cursor is where a reading stands. Stamps are AccountView's own, local and without a zone; our clock is not in it.
//
// A pass reads all records changed since Since, in the order of their key, since only keys give pages that do not shift
// while somebody works. Top is the newest stamp there was before the pass began: what changes during the pass has a later
// one, so the next pass begins there. Last is the last key done, "" once the pass is complete.
type cursor struct {
	Since string `json:"since,omitempty"`
	Top   string `json:"top,omitempty"`
	Last  string `json:"last,omitempty"`
}

const stampForm = "2006-01-02T15:04:05"

func parseCursor(b []byte) (*cursor, error) {
	if len(b) == 0 {
		return nil, nil
	}
	var c cursor
	if err := json.Unmarshal(b, &c); err != nil {
		return nil, &sdk.Error{Cause: sdk.CausePluginFailed, Message: "the stored cursor of AccountView cannot be read", Err: err, Remedy: "set the cursor back to the beginning"}
	}
	for _, s := range []string{c.Since, c.Top} {
		if _, err := time.Parse(stampForm, s); s != "" && err != nil {
			return nil, &sdk.Error{Cause: sdk.CausePluginFailed, Message: "the stored cursor of AccountView cannot be read", Err: err, Remedy: "set the cursor back to the beginning"}
		}
	}
	return &c, nil
}

func (c cursor) bytes() []byte {
	b, err := json.Marshal(c)
	if err != nil { // three texts always marshal
		return nil
	}
	return b
}

// Read implements sdk.Connection.
func (c *connection) Read(ctx context.Context, req sdk.ReadRequest, yield func(sdk.Batch) error) error {
	s, err := c.shape(ctx, req.Object)
	if err != nil {
		return err
	}
	if s.Read == sdk.ReadNone {
		return &sdk.Error{Cause: sdk.CausePluginFailed, Message: fmt.Sprintf("%s are not read by change", s.Title), Remedy: "look them up by key"}
	}
	if s.Read == sdk.ReadScan {
		return c.scan(ctx, s, req, yield)
	}
	at, err := parseCursor(req.Cursor)
	if err != nil {
		return err
	}
	_, stamped := s.head.column(s.changed)
	switch {
	case at == nil:
		at = &cursor{}
	case at.Last != "":
		return c.pass(ctx, s, c.today(), *at, req, yield)
	}
	if stamped {
		top, err := c.newest(ctx, s)
		if err != nil {
			return err
		}
		// Never backwards: where the sorting is not obeyed, the stamp is that of any record.
		at.Top = max(top, at.Since)
		at.Since = c.lookBack(at.Since, req.LookBack)
	} else {
		*at = cursor{}
	}
	return c.pass(ctx, s, c.today(), *at, req, yield)
}

// scan reads all documents of last year's administration, of today's and of the next one, as far as there are such.
func (c *connection) scan(ctx context.Context, s *shape, req sdk.ReadRequest, yield func(sdk.Batch) error) error {
	seen := map[string]bool{}
	for by := -1; by <= 1; by++ {
		day := shiftYear(c.today(), by)
		missing, err := c.confirmMissing(ctx, s, day)
		if err != nil {
			return err
		}
		if missing && by != 0 {
			continue
		}
		err = c.pass(ctx, s, day, cursor{}, req, func(b sdk.Batch) error {
			b.Cursor = nil // nothing tells what changed
			b.Records = slices.DeleteFunc(b.Records, func(r record.Record) bool {
				key := r.Get(s.Key).String()
				again := seen[key] // where a date chooses no administration, each of them shows all
				seen[key] = true
				return again
			})
			if len(b.Records) == 0 {
				return nil
			}
			return yield(b)
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// newest returns the stamp of the record changed last, "" where there is no record.
func (c *connection) newest(ctx context.Context, s *shape) (string, error) {
	q := &query{object: s.code, fields: []string{s.Key, s.changed}, bookDate: isoDay(c.today()), pageSize: 1, sort: s.changed, descend: true}
	a, err := c.get(ctx, q, s.head)
	if err != nil {
		if transient(err) || causeOf(err) == sdk.CauseNoAdministration || causeOf(err) == sdk.CauseRights {
			return "", err
		}
		// No sorting here: our own clock, set back far enough for any clock there.
		return c.now().In(c.cfg.zone).Add(-time.Hour).Format(stampForm), nil
	}
	rows := a.rows(s.head.name)
	if len(rows) == 0 {
		return "", nil
	}
	stamp := rows[0].text(s.changed)
	if stamp == "" || emptyDate(stamp) {
		return "", nil // the next pass reads everything once more
	}
	t, err := parseLocal(stamp, c.cfg.zone)
	if err != nil {
		return "", unavailable(fmt.Sprintf("the stamp %s of %s cannot be read", s.changed, s.Title), err)
	}
	return t.In(c.cfg.zone).Format(stampForm), nil
}

// lookBack sets a stamp back: by what the host asks, by the setting, and by the hour that local clocks are put back in
// autumn if that happened since.
func (c *connection) lookBack(since string, asked time.Duration) string {
	if since == "" {
		return ""
	}
	t, err := time.ParseInLocation(stampForm, since, c.cfg.zone)
	if err != nil {
		return ""
	}
	wall, err := time.Parse(stampForm, since) // arithmetic on the wall clock
	if err != nil {
		return ""
	}
	back := max(asked, c.cfg.lookBack)
	_, before := t.Add(-3 * time.Hour).Zone()
	_, after := c.now().In(c.cfg.zone).Zone()
	if before > after {
		back += time.Duration(before-after) * time.Second
	}
	return wall.Add(-back).Format(stampForm)
}

// pass reads everything changed since at.Since in the administration of a day, page by page in key order.
func (c *connection) pass(ctx context.Context, s *shape, day record.Date, at cursor, req sdk.ReadRequest, yield func(sdk.Batch) error) error {
	size := c.cfg.pageSize
	batch := size
	if req.BatchSize > 0 {
		batch = req.BatchSize
		size = max(1, min(size, batch))
	}
	q := &query{object: s.code, fields: s.columns(), bookDate: isoDay(day), pageSize: size, lastKey: at.Last}
	if at.Since != "" {
		t, err := time.Parse(stampForm, at.Since)
		if err != nil {
			return err
		}
		q.filters = []filter{{s.source(s.changed), "DateOnOrAfterDate", 'T', dateTimeLiteral(t)}}
	}
	done, pages := 0, 0
	var first string // key of the first row of the page before
	byNumber := false
	for {
		c.host.Progress(ctx, sdk.Progress{What: fmt.Sprintf("reading %s, %d so far", s.Title, done)})
		a, err := c.get(ctx, q, s.tables()...)
		if err != nil && !byNumber && pages > 0 && !transient(err) {
			// Paging by key is not taken here: go on by number.
			byNumber, q.lastKey, q.page = true, "", pages+1
			continue
		}
		if err != nil {
			return err
		}
		rows := a.rows(s.head.name)
		if len(rows) > 0 && !byNumber && pages > 0 && rows[0].text(s.Key) == first {
			// The same page again: the key was ignored.
			byNumber, q.lastKey, q.page = true, "", pages+1
			continue
		}
		pages++
		full := len(rows) >= size
		records := s.records(a, c.cfg.zone)
		if len(rows) > 0 {
			first = rows[0].text(s.Key)
			if at.Last != "" && first == trimRight(at.Last) {
				rows, records = rows[1:], records[1:] // the key's own row came along
			}
		}
		for i, r := range rows {
			if r.text(s.Key) == "" {
				return unavailable(fmt.Sprintf("AccountView answers row %d of %s without its key %s", done+i+1, s.head.name, s.Key), nil)
			}
		}
		for from := 0; from < len(rows); from += batch {
			to := min(from+batch, len(rows))
			at.Last = rows[to-1].raw(s.Key)
			b := sdk.Batch{Schema: s.schema, Records: slices.Clip(records[from:to]), Cursor: at.bytes()}
			if byNumber {
				b.Cursor = nil // only a key says where to go on
			}
			if !full && to == len(rows) {
				b.Cursor = cursor{Since: at.Top}.bytes()
			}
			if err := yield(b); err != nil {
				return err
			}
			done += to - from
		}
		switch {
		case !full && len(rows) > 0:
			return nil
		case !full:
			// Nothing on the last page: the batch before carried a cursor in the middle of the pass.
			return yield(sdk.Batch{Schema: s.schema, Records: []record.Record{}, Cursor: cursor{Since: at.Top}.bytes()})
		case byNumber:
			q.page++
		case len(rows) == 0:
			byNumber, q.lastKey, q.page = true, "", pages+1
		default:
			q.lastKey = at.Last
		}
	}
}

func trimRight(s string) string {
	for len(s) > 0 && s[len(s)-1] == ' ' {
		s = s[:len(s)-1]
	}
	return s
}
