package sandbox

import (
	"slices"
	"strings"
	"time"

	"github.com/pomost/pomost/sdk/sandbox"
)

// table holds the records of one resource in the order in which they came.
type table struct {
	schema *schema
	byID   map[string]*record
	order  []*record
	// number is the field that is unique without case, "" for none, and byNumber its index: a company has 100,000 customers.
	number   string
	byNumber map[string]*record
}

// numbers are the fields that are unique, by table.
var numbers = map[string]string{"customers": "CustomerNumber", "articles": "Number", "projects": "Number"}

func newTable(name, schemaName string) *table {
	return &table{schema: schemas[schemaName], byID: map[string]*record{}, number: numbers[name], byNumber: map[string]*record{}}
}

func (t *table) add(r *record) {
	t.byID[r.str("Id")] = r
	t.order = append(t.order, r)
	if t.number != "" {
		t.byNumber[strings.ToLower(r.str(t.number))] = r
	}
}

// numbered finds the record with a number, nil where there is none.
func (t *table) numbered(number string) *record { return t.byNumber[strings.ToLower(number)] }

// put replaces the record with the same id.
func (t *table) put(old, r *record) {
	t.forget(old)
	t.byID[r.str("Id")] = r
	t.order[slices.Index(t.order, old)] = r
	if t.number != "" {
		t.byNumber[strings.ToLower(r.str(t.number))] = r
	}
}

func (t *table) forget(r *record) {
	delete(t.byID, r.str("Id"))
	if t.number != "" {
		delete(t.byNumber, strings.ToLower(r.str(t.number)))
	}
}

func (t *table) remove(r *record) {
	t.forget(r)
	i := slices.Index(t.order, r)
	t.order = slices.Delete(t.order, i, i+1)
}

// find returns the first record for which ok holds.
func (t *table) find(ok func(*record) bool) *record {
	for _, r := range t.order {
		if ok(r) {
			return r
		}
	}
	return nil
}

// company is one company at the vendor. The kit calls it from one goroutine at a time.
type company struct {
	env    sandbox.Env
	form   form
	tables map[string]*table
	// settings is the one CompanySettingsApi.
	settings *record
	// codes are the tables that have no Id of their own, by code: currencies and countries.
	currencies, countries []*record
	// prices are the rows of all price lists; they have no Id either.
	prices  []*record
	priceOf map[[2]string]*record // list and article
	// numbers are the next number of each series.
	numbers map[string]int64
	ids     ids
	// lastStamp is the newest change stamp; the next one is later.
	lastStamp time.Time
	country   country
	routes    []route
	// dialects
	dialect dialect
	// live is the shop that goes on, nil where there was none; lived is how often it did, and fresh are the orders, by their ids, that it
	// has not shipped yet.
	live  *shopSeed
	lived int
	fresh []string
}

func newCompany(env sandbox.Env) (sandbox.Company, error) {
	c := &company{
		env: env, tables: map[string]*table{}, numbers: map[string]int64{}, ids: newIDs(),
		dialect: dialectOf(env),
		country: countryRules(env.Set["country"]),
	}
	c.form = form{old: c.dialect.swagger2020, nullStamps: c.dialect.nullStamps, timed: c.dialect.datesWithTime, unsorted: c.dialect.rowsUnsorted}
	for name, schemaName := range tableSchemas {
		c.tables[name] = newTable(name, schemaName)
	}
	c.routes = c.makeRoutes()
	if err := c.fillBasics(); err != nil {
		return nil, err
	}
	if err := c.fillShop(); err != nil {
		return nil, err
	}
	return c, nil
}

// tableSchemas are the resources with an Id.
var tableSchemas = map[string]string{
	"customers": "CustomerApi", "articles": "ArticleApi", "orders": "OrderApi", "customerinvoices": "CustomerInvoiceApi",
	"articleaccountcodings": "ArticleAccountCodingApi", "units": "UnitApi", "termsofpayments": "TermsOfPaymentApi",
	"bankaccounts": "BankAccountApi", "fiscalyears": "FiscalYearApi", "deliverymethods": "DeliveryMethodApi",
	"deliveryterms": "DeliveryTermApi", "customerlabels": "CustomerLabelApi", "articlelabels": "ArticleLabelApi",
	"vatcodes": "VatCode", "quotes": "QuoteApi", "customerinvoicedrafts": "CustomerInvoiceDraftApi", "salespricelists": "SalesPriceListApi",
	"discountagreements": "DiscountAgreementApi", "projects": "ProjectApi", "costcenters": "CostCenterApi",
}

func (c *company) table(name string) *table { return c.tables[name] }

// today is the company's calendar date.
func (c *company) today() time.Time {
	t := c.env.Now().In(c.country.zone)
	return time.Date(t.Year(), t.Month(), t.Day(), 0, 0, 0, 0, time.UTC)
}

// stamp is the time of a change: later than every one before, so that no two changes share a stamp (but in the dialect
// of whole seconds).
func (c *company) stamp() time.Time {
	if c.dialect.stampSeconds {
		t := c.env.Now().UTC().Truncate(time.Second)
		if t.Before(c.lastStamp) {
			t = c.lastStamp
		}
		c.lastStamp = t
		return t
	}
	t := c.env.Now().UTC().Truncate(time.Microsecond)
	if !t.After(c.lastStamp) {
		t = c.lastStamp.Add(time.Microsecond)
	}
	c.lastStamp = t
	return t
}

// number takes the next number of a series.
func (c *company) number(series string) int64 {
	n := c.numbers[series]
	c.numbers[series] = n + 1
	return n
}
