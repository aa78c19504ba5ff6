package sandbox

import (
	"errors"
	"fmt"
	"math/big"
	"slices"
	"strings"
	"time"

	"github.com/pomost/pomost/sdk/sandbox/shop"
)

// demoSeed makes every demo company the same one.
const demoSeed = 1

// fillShop puts a shop's year into the company: the demo's, or that of a folder. It goes through the same code as calls
// do, with the clock set to the day of each order, so that stamps, numbers and amounts are what they would have become.
func (c *company) fillShop() error {
	var data *shop.Shop
	switch c.env.Data {
	case "none":
		return nil
	case "demo":
		data = shop.Generate(shop.Options{Seed: demoSeed, PricesInclVAT: c.env.Set["prices_incl_vat"] == "on"})
	default:
		var err error
		if data, err = shop.Load(c.env.Data); err != nil {
			return err
		}
	}
	now := c.env.Now
	defer func() { c.env.Now = now }()
	at := func(day time.Time) {
		noon := day.Add(12 * time.Hour)
		c.env.Now = func() time.Time {
			if today := now(); noon.After(today) {
				return today // what is dated ahead was entered by today
			}
			return noon
		}
	}
	at(time.Date(data.Year, 1, 1, 0, 0, 0, 0, time.UTC))
	c.lastStamp = time.Time{}
	s := shopSeed{c: c, customers: map[string]*record{}, articles: map[string]*record{}, rates: map[string]*big.Rat{}}
	for i := range data.Groups {
		c.add("articlelabels", data.Groups[i].Code, "Name", cut(data.Groups[i].Name, 50))
		s.groups = append(s.groups, data.Groups[i].Code)
	}
	for i := range data.Articles {
		if err := s.article(&data.Articles[i]); err != nil {
			return fmt.Errorf("article %s: %w", data.Articles[i].Number, err)
		}
	}
	for i := range data.Customers {
		if err := s.customer(&data.Customers[i]); err != nil {
			return fmt.Errorf("customer %s: %w", data.Customers[i].Key, err)
		}
	}
	c.live = &s
	for i := range data.Orders {
		o := &data.Orders[i]
		if len(o.Rows) > 0 && o.Status != shop.Draft && !s.collective(data, o.Customer) {
			s.likely = append(s.likely, *o)
		}
		day, ok := parseTime(o.Date)
		if !ok {
			return fmt.Errorf("order %s: date %q cannot be read", o.Key, o.Date)
		}
		at(day)
		if err := s.order(o, day); err != nil {
			return fmt.Errorf("order %s: %w", o.Key, err)
		}
	}
	return nil
}

// shopSeed is what is known while a shop goes in.
type shopSeed struct {
	c         *company
	groups    []string
	customers map[string]*record
	articles  map[string]*record
	rates     map[string]*big.Rat // of the articles, as charged at home
	// likely are the orders that later ones are made after.
	likely []shop.Order
}

// collective tells whether a customer stands for many buyers: what the next one buys is not to be told from the last one's order.
func (*shopSeed) collective(data *shop.Shop, key string) bool {
	return slices.ContainsFunc(data.Customers, func(c shop.Customer) bool { return c.Key == key && c.Collective })
}

// shipAfter is after how many new orders one is shipped.
const shipAfter = 3

// Live lets a buyer order again what somebody ordered before, and now and then ships what was ordered. It implements sandbox.Lively; it counts
// by itself, since its orders outlive a restart.
func (c *company) Live(int) error {
	s := c.live
	if s == nil || len(s.likely) == 0 {
		return errors.New("nobody ever ordered anything")
	}
	c.lived++
	n, orders := c.lived, c.table("orders")
	if n%shipAfter == 0 && len(c.fresh) > 0 {
		if first := orders.byID[c.fresh[0]]; first != nil && first.integer("Status") == statusOngoing { // else somebody was faster
			c.ship(first)
			first.set("ModifiedUtc", c.stamp())
		}
		c.fresh = c.fresh[1:]
	}
	o := s.likely[n*7919%len(s.likely)] // a prime: all of them come up, in no plain order
	o.Key, o.Reference = fmt.Sprintf("L%06d", n), fmt.Sprintf("L%d-%05d", c.env.Now().Year()%100, n)
	o.Status, o.DeliveryDate = shop.Ongoing, ""
	if err := s.order(&o, c.today()); err != nil {
		return err
	}
	c.fresh = append(c.fresh, orders.order[len(orders.order)-1].str("Id"))
	return nil
}

// cut shortens text to what the field takes, as someone who types it in would.
func cut(s string, length int) string {
	if r := []rune(s); len(r) > length {
		return strings.TrimSpace(string(r[:length]))
	}
	return s
}

// text is nil for "", as a caller who has nothing sends nothing.
func text(s string, length int) any {
	if s == "" {
		return nil
	}
	return cut(s, length)
}

func (s *shopSeed) article(a *shop.Article) error {
	c := s.c
	r := newRecord(schemas["ArticleApi"])
	r.given = make([]bool, len(r.vals))
	for _, f := range []string{"NetPrice", "GrossPrice"} {
		r.given[r.schema.at(f)] = true
	}
	coding := c.codingFor(a.VATPercent, a.Service)
	r.with("Id", c.fixedUUID("article", a.Number), "IsActive", true, "Number", cut(a.Number, 40), "Name", cut(a.Name, 50),
		"NetPrice", decimal(a.NetPrice, 2), "GrossPrice", decimal(a.GrossPrice, 2), "CodingId", coding.str("Id"), "UnitId", c.unitFor(a.Unit).str("Id"))
	if slices.Contains(s.groups, a.Group) {
		label := newRecord(schemas["ArticleLabelApi"]).with("Id", c.fixedUUID("articlelabels", a.Group))
		r.set("ArticleLabels", []*record{label})
	}
	if a.EAN != "" {
		r.set("Barcodes", []*record{newRecord(schemas["ArticleBarcodeApi"]).with("Barcode", a.EAN)})
	}
	r.set("StockBalance", decimal(a.Stock, 2))
	r.set("IsStock", c.stockModule() && !a.Service)
	if err := c.prepareArticle(r, nil); err != nil {
		return err
	}
	if r.boolean("IsStock") {
		// With the module on, the balance came from a stock-taking in the program, which the API does not have.
		r.set("StockBalance", decimal(a.Stock, 2))
		refreshStock(r)
	}
	c.table("articles").add(r)
	s.articles[a.Number] = r
	s.rates[a.Number] = coding.number("VatRatePercent")
	return nil
}

// codingFor finds the coding of a rate; in another country's company the rate of the same place: standard, reduced, zero.
func (c *company) codingFor(rate string, service bool) *record {
	want, place := mustRatOr(rate), 0
	switch {
	case want.Sign() == 0:
		place = len(c.country.rates) - 1
	case want.Cmp(big.NewRat(12, 1)) <= 0 && len(c.country.rates) > 2:
		place = 1
	}
	for _, r := range c.country.rates {
		if mustRat(r).Cmp(want) == 0 {
			place = slices.Index(c.country.rates, r)
		}
	}
	kind := map[bool]string{true: "Service", false: "Goods"}[service]
	return c.table("articleaccountcodings").byID[c.fixedUUID("articleaccountcodings", kind+c.country.rates[place])]
}

func (c *company) unitFor(name string) *record {
	t := c.table("units")
	u := t.find(func(u *record) bool {
		for _, f := range []string{"Name", "Code", "Abbreviation", "AbbreviationEnglish"} {
			if strings.EqualFold(u.str(f), name) {
				return true
			}
		}
		return false
	})
	if u == nil {
		return t.order[0]
	}
	return u
}

func mustRatOr(s string) *big.Rat {
	if r, ok := parseNum(s); ok {
		return r
	}
	return new(big.Rat)
}

func decimal(s string, places int) *num { return numOf(mustRatOr(s), places) }

func (s *shopSeed) customer(cu *shop.Customer) error {
	c := s.c
	r := newRecord(schemas["CustomerApi"])
	r.with("Id", c.fixedUUID("customer", cu.Key), "Name", cut(cu.Name, 50), "IsActive", true, "IsPrivatePerson", !cu.Company,
		"InvoiceAddress1", text(cu.Address1, 50), "InvoiceAddress2", text(cu.Address2, 50), "InvoicePostalCode", cut(cu.PostCode, 10),
		"InvoiceCity", cut(cu.City, 50), "InvoiceCountryCode", cu.Country, "EmailAddress", text(cu.Email, 255), "Telephone", text(cu.Phone, 50),
		"MobilePhone", text(cu.Mobile, 50), "VatNumber", vatNumber(cu.VATNumber), "CorporateIdentityNumber", text(cu.ChamberNumber, 20),
		"TermsOfPaymentId", c.termsFor(cu.TermsDays).str("Id"))
	if cu.Company {
		r.set("ContactPersonName", text(cu.Contact, 100))
	}
	setDelivery(r, cu.Delivery)
	if err := c.prepareCustomer(r, nil); err != nil {
		return err
	}
	c.table("customers").add(r)
	s.customers[cu.Key] = r
	return nil
}

// vatNumber is the number as the program takes it; one that it refuses was never entered.
func vatNumber(s string) any {
	s = strings.ToUpper(strings.NewReplacer(" ", "", ".", "", "-", "").Replace(s))
	if !validVATNumber(s) {
		return nil
	}
	return s
}

func setDelivery(r *record, a *shop.Address) {
	if a == nil {
		return
	}
	r.with("DeliveryCustomerName", text(a.Name, 100), "DeliveryAddress1", text(a.Address1, 50), "DeliveryAddress2", text(a.Address2, 50),
		"DeliveryPostalCode", text(a.PostCode, 10), "DeliveryCity", text(a.City, 50), "DeliveryCountryCode", text(a.Country, 2))
}

// termsFor finds the terms of so many days, or the next shorter ones.
func (c *company) termsFor(days int) *record {
	var best *record
	for _, t := range c.table("termsofpayments").order {
		n := t.integer("NumberOfDays")
		if t.integer("TermsOfPaymentTypeId") == 0 && n <= int64(days) && (best == nil || n > best.integer("NumberOfDays")) {
			best = t
		}
	}
	if best == nil {
		return c.table("termsofpayments").order[0]
	}
	return best
}

func (s *shopSeed) order(o *shop.Order, day time.Time) error {
	c := s.c
	customer := s.customers[o.Customer]
	r := newRecord(schemas["OrderApi"])
	r.with("Id", c.fixedUUID("order", o.Key), "CustomerId", customer.str("Id"), "CurrencyCode", o.Currency, "OrderDate", day, "Status", int64(statusOngoing),
		"BuyersOrderReference", text(o.Reference, 35), "YourReference", text(o.YourReference, 100))
	if o.Status == shop.Draft {
		r.set("Status", int64(statusDraft))
	}
	if d, ok := parseTime(o.DeliveryDate); ok {
		r.set("DeliveryDate", d)
	}
	setDelivery(r, o.Delivery)
	var rows []*record
	for i := range o.Rows {
		rows = append(rows, s.row(o, &o.Rows[i], c.includesVat(customer)))
	}
	r.set("Rows", rows)
	if err := c.prepareOrder(r, nil); err != nil {
		return err
	}
	c.enterOrder(r)
	c.table("orders").add(r)
	switch o.Status {
	case shop.Shipped:
		c.ship(r)
		r.set("ModifiedUtc", c.stamp())
	case shop.Invoiced:
		inv, err := c.invoiceOrder(r)
		if err != nil {
			return err
		}
		if o.Paid && inv.number("RemainingAmountInvoiceCurrency").Sign() != 0 {
			c.setRemaining(inv, new(big.Rat))
			inv.with("PaymentDate", c.today(), "ModifiedUtc", c.stamp())
			inv.extra = invoiceExtra{paid: true}
		}
	}
	return nil
}

// row converts a row; where the shop's prices have another basis than the company's documents, its prices are turned.
func (s *shopSeed) row(o *shop.Order, row *shop.Row, inclVat bool) *record {
	r := newRecord(schemas["OrderRowApi"])
	r.given = make([]bool, len(r.vals))
	r.with("Text", text(row.Text, 2000), "IsTextRow", row.TextRow)
	if row.TextRow {
		return r
	}
	turn := func(amount string) *big.Rat {
		v, factor := mustRatOr(amount), add(one, percent(s.rates[row.Article]))
		switch {
		case o.IncludesVAT && !inclVat:
			return round(quo(v, factor), 2)
		case !o.IncludesVAT && inclVat:
			return round(mul(v, factor), 2)
		}
		return v
	}
	if row.UnitPrice != "" {
		r.given[r.schema.at("UnitPrice")] = true
		r.set("UnitPrice", newNum(turn(row.UnitPrice)))
	}
	r.with("ArticleId", s.articles[row.Article].str("Id"), "Quantity", decimal(row.Quantity, 4),
		"DiscountPercentage", numOf(percent(mustRatOr(row.DiscountPercent)), 4))
	if row.FixedDiscount != "" {
		r.with("IsDiscountInFixedAmount", true, "DiscountFixedAmount", newNum(turn(row.FixedDiscount)), "DiscountPercentage", zero)
	}
	return r
}
