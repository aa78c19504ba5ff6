package connector

import (
	"context"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	sdk "github.com/pomost/pomost/sdk/connector"
	"github.com/pomost/pomost/sdk/record"
)

// StockBalance can be written only where the stock module is off [OA26]; where it is on the system counts by its own documents and a quantity
// that is sent does nothing. The module's name among the activated ones is not documented [?], so there are three signs: its name, an
// article with IsStock (which only the module allows [OA26]), and a quantity that did not stay.

// signLife is how long a sign of the module is believed: it can be switched off while a connection is open.
const signLife = 15 * time.Minute

// sawStock remembers a sign of the module.
func (c *connection) sawStock() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.stockSeen = time.Now()
}

// stockSign reports whether a sign of the module was seen lately.
func (c *connection) stockSign() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return !c.stockSeen.IsZero() && time.Since(c.stockSeen) < signLife
}

// noteStock learns from articles as they are read.
func (c *connection) noteStock(o *object, rows []row) {
	if o.Name == "articles" && slices.ContainsFunc(rows, func(r row) bool { return r.rec.Get("IsStock").AsBool() }) {
		c.sawStock()
	}
}

// checkStock says whether quantities can be written. It looks for an article that the system counts; it writes nothing.
func (c *connection) checkStock(ctx context.Context, s company) (sdk.CheckResult, error) {
	r := sdk.CheckResult{Name: "stock_quantities", Title: "Stock quantities can be written", OK: true}
	on := s.countsStock()
	if !on {
		e, err := c.rawPage(ctx, "articles", url.Values{"$filter": {"IsStock eq true"}}, 1, 1)
		switch p := sdk.AsError(err); {
		case err == nil && len(e.Data) > 0:
			m, err := decodeObject(e.Data[0]) // a filter that is not obeyed must prove nothing
			if err != nil {
				return r, unreadable("the list of articles", err)
			}
			on, _ = m["IsStock"].(bool)
		case err == nil:
		case refusedQuery(err) || p.Cause == sdk.CauseRights || p.Cause == sdk.CauseRefused:
			r.Message = "nobody can say yet: articles cannot be asked for it; the first quantity that is written shows it"
		default:
			return r, err
		}
	}
	if on {
		c.sawStock()
		r.Warning, r.Cause = true, sdk.CauseRights
		r.Message = "the stock module is on: eAccounting counts its stock by its own documents and takes no quantities"
		r.Remedy = "leave the flow of stock out, or switch the stock module off in eAccounting"
	}
	return r, nil
}

// stockCounted refuses a new quantity for an article that the system counts itself, before anything is sent.
func (c *connection) stockCounted(o *object, now, stated record.Record) *sdk.Error {
	if o.Name != "articles" || stated.Get("StockBalance").IsEmpty() || stated.Get("StockBalance").Equal(now.Get("StockBalance")) || !now.Get("IsStock").AsBool() {
		return nil
	}
	if v := stated.Get("IsStock"); !v.IsAbsent() && !v.AsBool() {
		return nil // it stops being counted with this very change
	}
	c.sawStock()
	return stockRefused(now)
}

// stockIgnored finds out that a quantity was taken for read-only: the answer still has the old one.
func (c *connection) stockIgnored(o *object, before, stated, after record.Record) *sdk.Error {
	want := stated.Get("StockBalance")
	if o.Name != "articles" || want.IsEmpty() || want.Equal(before.Get("StockBalance")) || !after.Get("StockBalance").Equal(before.Get("StockBalance")) {
		return nil
	}
	c.sawStock()
	if statesMore(o, before, stated) {
		return nil // the rest was written; the answer's record says what was not
	}
	return stockRefused(after)
}

// statesMore tells that a change has more in it than a quantity.
func statesMore(o *object, before, stated record.Record) bool {
	for _, f := range facts[o.schema.Name] {
		if v := stated.Get(f.name); !v.IsAbsent() && !f.readOnly && f.name != "StockBalance" && !holds(f, before.Get(f.name), v) {
			return true
		}
	}
	return false
}

func stockRefused(now record.Record) *sdk.Error {
	return &sdk.Error{Cause: sdk.CauseRefused, Field: "StockBalance",
		Message: fmt.Sprintf("eAccounting counts the stock of article %s itself and takes no quantity (StockBalance stays %s)",
			strings.TrimSpace(now.Get("Number").AsText()), now.Get("StockBalance")),
		Remedy: "leave the article out of the flow of stock, or switch the stock module off in eAccounting"}
}

// readBack reads a record after a write that answered nothing; ok is false when it cannot be.
func (c *connection) readBack(ctx context.Context, o *object, id string) (record.Record, bool) {
	raw, err := c.one(ctx, o, id, time.Time{})
	if err != nil || raw == nil {
		return record.Record{}, false
	}
	r, err := o.row(raw)
	return r.rec, err == nil
}
