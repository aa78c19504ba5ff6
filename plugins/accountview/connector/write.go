package connector

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"time"

	sdk "github.com/pomost/pomost/sdk/connector"
	"github.com/pomost/pomost/sdk/record"
)

// Write implements sdk.Connection: one record a request, in order.
func (c *connection) Write(ctx context.Context, req sdk.WriteRequest, yield func(sdk.WriteResult) error) error {
	o, err := c.object(req.Object)
	if err != nil {
		return err
	}
	if req.Action == sdk.Create && !o.Create || req.Action == sdk.Update && !o.Update || req.Action != sdk.Create && req.Action != sdk.Update {
		return &sdk.Error{Cause: sdk.CausePluginFailed, Message: fmt.Sprintf("%s cannot be written in that way", o.Title), Remedy: "see what the connector's description says of " + o.Name}
	}
	for _, rec := range req.Records {
		if err := yield(c.writeOne(ctx, req, rec)); err != nil {
			return err
		}
	}
	return nil
}

func refusedBy(err error) sdk.WriteResult {
	e := sdk.AsError(err)
	if e.Cause == sdk.CauseUnknownOutcome {
		return sdk.WriteResult{Outcome: sdk.OutcomeUnknown, Err: e}
	}
	return sdk.WriteResult{Outcome: sdk.OutcomeRefused, Err: e}
}

func (c *connection) writeOne(ctx context.Context, req sdk.WriteRequest, rec record.Record) sdk.WriteResult {
	if c.expired(req.NotAfter) {
		return refusedBy(&sdk.Error{Cause: sdk.CauseUnavailable, Retryable: true, Message: "nothing was sent: the time for it was up", Remedy: "the next run tries again"})
	}
	s, err := c.shape(ctx, req.Object)
	if err != nil {
		return refusedBy(err)
	}
	if req.Action == sdk.Update {
		return c.update(ctx, s, req, rec)
	}
	if name, yes := s.missing(rec); yes {
		return refusedBy(problem(sdk.CauseInvalidValue, name, fmt.Sprintf("%s needs %s", s.name(rec), name), "fill the field by the mapping or the settings"))
	}
	if s.Name == Pages {
		if e := checkPage(s, rec); e != nil {
			e.Message = s.name(rec) + ": " + e.Message
			return refusedBy(e)
		}
	}
	return c.send(ctx, s, http.MethodPost, rec, c.bookDate(s, rec, req.Around), "", req.NotAfter)
}

// name names a record in messages, which are kept: never by something personal such as an e-mail address.
func (s *shape) name(rec record.Record) string {
	for _, field := range []string{s.Reference, s.Key} {
		i, ok := s.schema.Index(field)
		if v := rec.Get(field); ok && !s.schema.Fields[i].Personal && !v.IsEmpty() {
			return fmt.Sprintf("%s %s %s", s.code, field, quote(v.String()))
		}
	}
	return "the record for " + s.code
}

// send writes one record and reads what became of it. id is the key of an update.
func (c *connection) send(ctx context.Context, s *shape, method string, rec record.Record, at record.Date, id string, notAfter time.Time) sdk.WriteResult {
	what := s.name(rec)
	key := ""
	if id != "" {
		key = s.Key
	}
	body, refused := c.body(s, rec, at, key, id)
	if refused != nil {
		refused.Message = what + ": " + refused.Message
		return refusedBy(refused)
	}
	co, err := c.theCompany(ctx)
	if err != nil {
		return refusedBy(err)
	}
	resp, err := c.request(ctx, sdk.Request{Method: method, URL: c.cfg.base + "/accountviewdata", Body: body, Write: true, NotAfter: notAfter}, co.ID)
	if err != nil {
		return refusedBy(err)
	}
	answerBody, result := judgeWrite(resp, what, s.tables()...)
	if result != nil {
		if result.Err.Cause == sdk.CauseRights && companyWords.MatchString(result.Err.Message) {
			c.forgetCompany()
		}
		return *result
	}
	out := sdk.WriteResult{Outcome: sdk.OutcomeCreated, Record: record.New(s.schema)}
	if id != "" {
		out.Outcome = sdk.OutcomeUpdated
		out.Record.MustSet(s.Key, rec.Get(s.Key))
	}
	if answerBody == nil {
		return out
	}
	a, err := parseAnswer(answerBody)
	if err != nil {
		// JSON, but no object: nothing says that this is AccountView's yes.
		return sdk.WriteResult{Outcome: sdk.OutcomeUnknown, Err: &sdk.Error{Cause: sdk.CauseUnknownOutcome, Message: what + " was sent, but the answer cannot be read", Err: err,
			Remedy: "none now: after the settle time it is looked up"}}
	}
	// The answer repeats the created rows with the keys that AccountView gave [C PHP, PAS]; one that does not is a success
	// with an empty key, which the host looks up by the reference.
	if echo := s.records(a, c.cfg.zone); len(echo) > 0 {
		if id == "" || !echo[0].Get(s.Key).IsEmpty() {
			out.Record = echo[0]
		}
	}
	return out
}

// update changes a record: nothing is sent where nothing differs, and what is not stated stays.
//
// Whether AccountView empties what a PUT leaves out is not known (DOMAIN A0). In the mode auto the first change of a
// connection carries the stated fields only and is compared afterwards: what it emptied goes back at once, and from then
// on changes carry all filled fields.
func (c *connection) update(ctx context.Context, s *shape, req sdk.WriteRequest, rec record.Record) sdk.WriteResult {
	key := rec.Get(s.Key)
	if key.IsEmpty() {
		return refusedBy(problem(sdk.CauseInvalidValue, s.Key, "an update without the record's key", "link the record first"))
	}
	u := &change{c: c, s: s, rec: rec, key: key, at: c.bookDate(s, rec, req.Around), notAfter: req.NotAfter}
	before, refused := c.fetch(ctx, s, key, u.at)
	if refused != nil {
		return refusedBy(refused)
	}
	u.before = before
	c.mu.Lock()
	proven := c.mergePut
	earlier, lost := c.lostPuts[s.Name+" "+key.String()]
	delete(c.lostPuts, s.Name+" "+key.String())
	c.mu.Unlock()
	if lost && proven == nil {
		// An earlier change of this record was not answered: now it shows what it did to the rest.
		emptied := c.emptied(s, earlier, before, rec)
		c.learnPut(emptied)
		if emptied {
			u.before = earlier
			return u.putBack(ctx)
		}
	}
	if same(s, before, rec) {
		return sdk.WriteResult{Outcome: sdk.OutcomeUnchanged, Record: before}
	}
	switch {
	case c.cfg.updateMode == "merge", c.cfg.updateMode == "auto" && proven != nil && *proven:
		return u.send(ctx, merged(s, before, rec))
	case c.cfg.updateMode == "stated", proven != nil:
		return u.send(ctx, rec)
	}
	return u.first(ctx)
}

// change is one update under way.
type change struct {
	c        *connection
	s        *shape
	rec      record.Record // what is stated
	before   record.Record
	key      record.Value
	at       record.Date
	notAfter time.Time
}

func (u *change) send(ctx context.Context, rec record.Record) sdk.WriteResult {
	return u.c.send(ctx, u.s, http.MethodPut, rec, u.at, u.key.String(), u.notAfter)
}

// first sends the stated fields alone and finds out what that does to the others.
func (u *change) first(ctx context.Context) sdk.WriteResult {
	result := u.send(ctx, u.rec)
	switch e := result.Err; {
	case result.Outcome == sdk.OutcomeUnknown:
		u.c.mu.Lock()
		if len(u.c.lostPuts) < maxLostPuts {
			u.c.lostPuts[u.s.Name+" "+u.key.String()] = u.before
		}
		u.c.mu.Unlock()
		return result
	case result.Outcome == sdk.OutcomeRefused && e.Field != "" && u.rec.Get(e.Field).IsAbsent() && !u.before.Get(e.Field).IsEmpty():
		// AccountView misses a field that is filled and was not stated: it takes what a PUT leaves out for empty.
		u.c.learnPut(true)
		return u.send(ctx, merged(u.s, u.before, u.rec))
	case result.Outcome != sdk.OutcomeUpdated:
		return result
	}
	after, refused := u.c.fetch(ctx, u.s, u.key, u.at)
	if refused != nil {
		return result // not found out now; the next change tries again
	}
	emptied := u.c.emptied(u.s, u.before, after, u.rec)
	u.c.learnPut(emptied)
	if !emptied {
		return result
	}
	return u.putBack(ctx)
}

// putBack sends all that was filled before with what is stated.
func (u *change) putBack(ctx context.Context) sdk.WriteResult {
	result := u.send(ctx, merged(u.s, u.before, u.rec))
	if result.Outcome == sdk.OutcomeRefused {
		return sdk.WriteResult{Outcome: sdk.OutcomeUnknown, Err: &sdk.Error{Cause: sdk.CauseUnknownOutcome, Err: result.Err,
			Message: fmt.Sprintf("AccountView emptied fields of %s that were not sent, and they could not be put back", u.s.name(u.rec)),
			Remedy:  "look at the record in AccountView and fill it again; further changes will carry all fields"}}
	}
	return result
}

// maxLostPuts bounds the records remembered after changes without an answer.
const maxLostPuts = 100

func (c *connection) learnPut(empties bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.mergePut = &empties
}

// fetch reads the record of a key as it is now.
func (c *connection) fetch(ctx context.Context, s *shape, key record.Value, at record.Date) (record.Record, *sdk.Error) {
	find := func(d record.Date) (sdk.FindResult, error) {
		r, err := c.Find(ctx, sdk.FindRequest{Object: s.Name, Keys: []sdk.Key{{Fields: []sdk.KeyField{{Name: s.Key, Value: key}}, Around: d}}})
		if err != nil {
			return sdk.FindResult{}, err
		}
		return r[0], nil
	}
	r, err := find(at)
	switch {
	case err != nil:
		return record.Record{}, sdk.AsError(err)
	case r.Status == sdk.Found:
		return r.Records[0], nil
	case r.Status == sdk.CannotTell:
		cause := r.Cause
		if cause == "" {
			cause = sdk.CauseRefused
		}
		return record.Record{}, problem(cause, "", fmt.Sprintf("%s %s cannot be changed: %s", s.code, quote(key.String()), r.Reason), "see what AccountView says")
	}
	if today := c.today(); month(today) != month(at) {
		if other, err := find(today); err == nil && other.Status == sdk.Found {
			return record.Record{}, problem(sdk.CauseMissingInYear, s.Key, fmt.Sprintf("%s %s exists in today's administration, not in that of %s", s.code, quote(key.String()), at),
				"exchange master data (Stamgegevens uitwisselen) in AccountView, then retry")
		}
	}
	return record.Record{}, problem(sdk.CauseConflict, s.Key, fmt.Sprintf("%s %s does not exist in AccountView any more", s.code, quote(key.String())), "link the record anew")
}

// same reports whether everything that rec states is so already.
func same(s *shape, before, rec record.Record) bool {
	for i, f := range rec.Schema.Fields {
		if i >= len(rec.Values) || rec.Values[i].IsAbsent() || f.Type.Kind == record.KindList {
			continue
		}
		col, ok := s.head.column(f.Name)
		if !ok {
			return false // refused when it is sent
		}
		was, is := before.Get(col.Name), rec.Values[i]
		if was.IsEmpty() && is.IsEmpty() && !was.IsAbsent() {
			continue
		}
		if was.Kind() == record.KindText && is.Kind() == record.KindText {
			text := func(v record.Value) string {
				if col.Upper {
					return normal(col, v.AsText())
				}
				return trimRight(v.AsText())
			}
			if text(was) == text(is) {
				continue
			}
			return false
		}
		if !was.Equal(is) {
			return false
		}
	}
	return true
}

// merged is everything filled before that can be written, with what rec states over it.
func merged(s *shape, before, rec record.Record) record.Record {
	out := record.New(s.schema)
	for i, f := range s.schema.Fields {
		stated := rec.Get(f.Name)
		switch {
		case !stated.IsAbsent():
			out.Values[i] = stated
		case !f.ReadOnly && f.Type.Kind != record.KindList && !before.Get(f.Name).IsEmpty():
			out.Values[i] = before.Get(f.Name)
		}
	}
	return out
}

// emptied reports whether a field that was filled and not stated has become empty.
func (c *connection) emptied(s *shape, before, after, rec record.Record) bool {
	return slices.ContainsFunc(s.head.cols, func(col column) bool {
		was := before.Get(col.Name)
		return !col.ReadOnly && kindOf(col.typ) == record.KindText && rec.Get(col.Name).IsAbsent() && !was.IsEmpty() && after.Get(col.Name).IsEmpty()
	})
}
