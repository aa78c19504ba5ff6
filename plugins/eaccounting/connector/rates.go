package connector

import (
	"context"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	sdk "github.com/pomost/pomost/sdk/connector"
	"github.com/pomost/pomost/sdk/decimal"
	"github.com/pomost/pomost/sdk/record"
)

// The rows of an order of 2020 have no VatRate [SW20]. A row has no account and no rate of its own either: both follow from its article's
// coding (facts 6.3), and a coding's rate is told for any day. So the rate of such a row is looked up, for the order's date.

const (
	// rateBookLife is how long what was looked up is believed: an article can get another coding.
	rateBookLife = 5 * time.Minute
	// rateBookSize bounds what is remembered: articles, and days.
	rateBookSize = 20_000
)

// rateBook remembers codings of articles and rates of codings.
type rateBook struct {
	mu     sync.Mutex
	since  time.Time
	coding map[string]string                     // article → coding; "" where there is no such article
	rate   map[string]map[string]decimal.Decimal // day → coding → percent
}

// open forgets what is too old or too much. The caller holds the lock.
func (b *rateBook) open(now time.Time) {
	if b.coding == nil || now.Sub(b.since) > rateBookLife || len(b.coding)+len(b.rate) > rateBookSize {
		b.since, b.coding, b.rate = now, map[string]string{}, map[string]map[string]decimal.Decimal{}
	}
}

// fillRates gives the rows of orders that come without a VatRate that of their article's coding. A row whose article is gone stays as it is,
// and so do all where articles or codings may not be read: the order is then held by its own fault.
func (c *connection) fillRates(ctx context.Context, o *object, rows []row) error {
	err := c.lookUpRates(ctx, o, rows)
	if e := sdk.AsError(err); e != nil && (e.Cause == sdk.CauseRights || e.Cause == sdk.CauseRefused) {
		return nil
	}
	return err
}

func (c *connection) lookUpRates(ctx context.Context, o *object, rows []row) error {
	if o.Name != "orders" {
		return nil
	}
	var lacking []int
	for i, r := range rows {
		if slices.ContainsFunc(r.rec.Get("Rows").AsList(), lacksRate) {
			lacking = append(lacking, i)
		}
	}
	if len(lacking) == 0 {
		return nil
	}
	b := &c.rates
	b.mu.Lock() // held while asking: two readers would only ask the same
	defer b.mu.Unlock()
	b.open(time.Now())
	if err := c.learnCodings(ctx, b, rows, lacking); err != nil {
		return err
	}
	for _, i := range lacking {
		d, _ := rows[i].rec.Get("OrderDate").AsDate()
		percents, err := c.ratesOn(ctx, b, d)
		if err != nil {
			return err
		}
		list := slices.Clone(rows[i].rec.Get("Rows").AsList())
		for j, v := range list {
			if !lacksRate(v) {
				continue
			}
			r, _ := v.AsRecord()
			percent, known := percents[b.coding[articleOf(r)]]
			if !known {
				continue
			}
			r.Values = slices.Clone(r.Values)
			r.MustSet("VatRate", record.Decimal(percent))
			list[j] = record.Nested(r)
		}
		rows[i].rec.MustSet("Rows", record.List(list...))
	}
	return nil
}

// lacksRate tells a row of an article without a rate: absent, not null, which is what a text row has.
func lacksRate(v record.Value) bool {
	r, ok := v.AsRecord()
	return ok && r.Get("VatRate").IsAbsent() && articleOf(r) != "" && !r.Get("IsTextRow").AsBool()
}

func articleOf(r record.Record) string { return strings.ToLower(r.Get("ArticleId").AsText()) }

// learnCodings looks up the codings of the articles that are not known yet, many at a time.
func (c *connection) learnCodings(ctx context.Context, b *rateBook, rows []row, lacking []int) error {
	var keys []sdk.Key
	for _, i := range lacking {
		for _, v := range rows[i].rec.Get("Rows").AsList() {
			r, _ := v.AsRecord()
			id := articleOf(r)
			if _, known := b.coding[id]; known || !lacksRate(v) {
				continue
			}
			b.coding[id] = ""
			keys = append(keys, sdk.Key{Fields: []sdk.KeyField{{Name: "Id", Value: record.Text(id)}}})
		}
	}
	if len(keys) == 0 {
		return nil
	}
	found, err := c.Find(ctx, sdk.FindRequest{Object: "articles", Keys: keys})
	if err != nil {
		b.coding = nil // nothing is known of those that were not answered
		return err
	}
	for i, f := range found {
		id := keys[i].Fields[0].Value.AsText()
		switch f.Status {
		case sdk.Found:
			b.coding[id] = strings.ToLower(f.Records[0].Get("CodingId").AsText())
		case sdk.AbsentEverywhere: // remembered as none
		case sdk.CannotTell:
			delete(b.coding, id)
		}
	}
	return nil
}

// ratesOn are the rates of all codings on a day [OA26 vatRateDate]; 0 is today.
func (c *connection) ratesOn(ctx context.Context, b *rateBook, day record.Date) (map[string]decimal.Decimal, error) {
	q, name := url.Values{}, ""
	if day != 0 {
		name = day.String()
		q.Set("vatRateDate", name)
	}
	if known, ok := b.rate[name]; ok {
		return known, nil
	}
	percents := map[string]decimal.Decimal{}
	for n := 1; n <= maxListPages; n++ {
		e, err := c.rawPage(ctx, "articleaccountcodings", q, n, maxPageSize)
		if err != nil {
			return nil, err
		}
		for _, raw := range e.Data {
			m, err := decodeObject(raw)
			if err != nil {
				return nil, unreadable("the list of articleaccountcodings", err)
			}
			id := strings.ToLower(plain(m["Id"]))
			percent, ok := number(m["VatRatePercent"])
			if id == "" || !ok {
				return nil, unreadable("the list of articleaccountcodings", fmt.Errorf("a coding without an id or a rate"))
			}
			percents[id] = percent
		}
		if len(e.Data) == 0 || n >= e.Meta.TotalNumberOfPages {
			break
		}
	}
	b.rate[name] = percents
	return percents, nil
}
