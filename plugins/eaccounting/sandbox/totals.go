package sandbox

import (
	"math/big"
	"slices"
)

// line is a row as far as totals go: its amount in the document's basis, and its VAT rate.
type line struct {
	amount *big.Rat
	rate   *big.Rat // percent, as charged
}

// vatGroup is one rate of a document.
type vatGroup struct {
	rate, net, vat *big.Rat
}

// totals are a document's sums.
type totals struct {
	net, vat, roundings *big.Rat
	// total is what the buyer pays: net + vat + roundings.
	total  *big.Rat
	groups []vatGroup
}

// rowAmount is what a row costs: price times quantity less its discount, to the cent.
func rowAmount(price, quantity, discount, fixed *big.Rat) *big.Rat {
	gross := mul(price, quantity)
	if fixed != nil {
		return round(sub(gross, fixed), 2)
	}
	return round(mul(gross, sub(one, discount)), 2)
}

// computeTotals adds rows up. VAT is rounded once per rate on the whole document, or on every row where perLine; with
// inclVat the rows' amounts contain it. roundTotal rounds what is to be paid to whole units.
func computeTotals(lines []line, inclVat, perLine, roundTotal bool) totals {
	t := totals{net: new(big.Rat), vat: new(big.Rat), roundings: new(big.Rat)}
	group := func(rate *big.Rat) *vatGroup {
		i := slices.IndexFunc(t.groups, func(g vatGroup) bool { return g.rate.Cmp(rate) == 0 })
		if i < 0 {
			t.groups = append(t.groups, vatGroup{rate, new(big.Rat), new(big.Rat)})
			i = len(t.groups) - 1
		}
		return &t.groups[i]
	}
	split := func(amount, rate *big.Rat) (net, vat *big.Rat) {
		if !inclVat {
			return amount, round(mul(amount, percent(rate)), 2)
		}
		net = round(quo(amount, add(one, percent(rate))), 2)
		return net, sub(amount, net)
	}
	for _, l := range lines {
		g := group(l.rate)
		if !perLine {
			g.net = add(g.net, l.amount) // the group's amount in the document's basis; split below
			continue
		}
		net, vat := split(l.amount, l.rate)
		g.net, g.vat = add(g.net, net), add(g.vat, vat)
	}
	for i := range t.groups {
		g := &t.groups[i]
		if !perLine {
			g.net, g.vat = split(g.net, g.rate)
		}
		t.net, t.vat = add(t.net, g.net), add(t.vat, g.vat)
	}
	slices.SortFunc(t.groups, func(a, b vatGroup) int { return b.rate.Cmp(a.rate) })
	t.total = add(t.net, t.vat)
	if roundTotal {
		t.roundings = sub(round(t.total, 0), t.total)
		t.total = add(t.total, t.roundings)
	}
	return t
}

// buyer is what decides about the VAT of a sale.
type buyer struct {
	country   string
	private   bool
	vatNumber string
	forceVat  bool
}

// buyerOf reads the buyer from the customer and, for the country, from the document: the delivery country where the
// customer's VAT goes by delivery, else the invoice country.
func buyerOf(customer, doc *record) buyer {
	b := buyer{
		country: doc.str("InvoiceCountryCode"), private: customer.boolean("IsPrivatePerson"),
		vatNumber: customer.str("VatNumber"), forceVat: customer.boolean("ForceBookkeepVat"),
	}
	if d := doc.str("DeliveryCountryCode"); customer.boolean("DeliveryBasedVat") && d != "" {
		b.country = d
	}
	return b
}

// chargedRate is the rate that a sale of the article to the buyer carries: the coding's at home; nothing outside the
// Union and for a business with a VAT number elsewhere in it; the buyer's country's standard rate under OSS; else, for a
// private buyer elsewhere in the Union, the coding's again.
func (c *company) chargedRate(b buyer, article, coding *record) *big.Rat {
	home := coding.number("VatRatePercent")
	switch {
	case b.country == "" || b.country == c.country.code || b.forceVat:
		return home
	case !inUnion(b.country) || !inUnion(c.country.code):
		return zero.r
	case !b.private && b.vatNumber != "":
		return zero.r
	case b.private && c.settings.boolean("UsesMoss") && article.boolean("UsesMoss"):
		return mustRat(standardRates[b.country])
	default:
		return home
	}
}

// roundsTotal is whether totals in this currency are rounded to whole units.
func (c *company) roundsTotal(currency string) bool {
	return c.settings.integer("DomesticCurrencyRounding") == 1 && currency == c.env.Set["currency"]
}

// includesVat is whether a new document of the customer has prices with VAT.
func (c *company) includesVat(customer *record) bool {
	return customer.boolean("IsPrivatePerson") && c.env.Set["prices_incl_vat"] == "on"
}

// pricePlaces is how many decimals a unit price keeps: 4 where the customer or the currency is foreign, else 2.
func (c *company) pricePlaces(customer *record, currency string) int {
	switch {
	case c.dialect.pricesTwoPlaces:
		return 2
	case c.dialect.pricesFourPlaces:
		return 4
	}
	if currency != c.env.Set["currency"] || customer.str("InvoiceCountryCode") != c.country.code {
		return 4
	}
	return 2
}
