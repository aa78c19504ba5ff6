package shop

import (
	"fmt"
	"math/rand/v2"
)

// castOrder is an order that every year has, since something may go wrong with it.
type castOrder struct {
	role     string // of the customer
	day      string // "MM-DD"
	status   string // empty: as any
	currency string // empty: the shop's
	rows     []Row  // UnitPrice empty: the article's price
}

var castOrders = []castOrder{
	// The edges of the year: a zone shift would move them into another one.
	{role: "lower", day: "01-01", status: Invoiced, rows: []Row{{Article: bySize, Quantity: "12.5"}}},
	{role: "upper", day: "01-01", status: Invoiced, rows: []Row{{Article: workshop, Quantity: "3"}}},
	{role: "spaces", day: "12-31", status: Shipped, rows: []Row{{Article: voucher, Quantity: "2"}, {Article: Freight, Quantity: "1"}}},
	{role: "case", day: "12-31", status: Ongoing, rows: []Row{{Article: lowerCase, Quantity: "48", DiscountPercent: "12.5"}}},
	// Credits: a whole order, and one row among others.
	{role: "quotes", day: "03-09", status: Invoiced, rows: []Row{{Article: lowerCase, Quantity: "-6", Text: "Retour W-bestelling, doos beschadigd"}}},
	{role: "depot", day: "06-15", status: Invoiced, rows: []Row{{Article: workshop, Quantity: "8"}, {Article: bySize, Quantity: "-2.5"}}},
	// Discounts: an amount off the row, a third of a price that does not divide, everything off, several rates.
	{role: "emoji", day: "04-20", status: Invoiced, rows: []Row{{Article: workshop, Quantity: "1", FixedDiscount: "10.00"}}},
	{role: "mixed", day: "05-11", status: Shipped, rows: []Row{{Article: byWeight, Quantity: "0.75", FixedDiscount: "1.25"}, {Article: Freight, Quantity: "1"}}},
	{role: "trailing", day: "05-12", status: Invoiced, rows: []Row{{Article: lowerCase, Quantity: "7", DiscountPercent: "33.33"}, {Article: bySize, Quantity: "3", DiscountPercent: "33.33"}}},
	{role: "name50", day: "09-01", status: Ongoing, rows: []Row{{Article: workshop, Quantity: "2", DiscountPercent: "100"}, {Article: lowerCase, Quantity: "1"}}},
	// Quantities: four decimals, and a price of nothing.
	{role: "shared1", day: "03-21", status: Invoiced, rows: []Row{{Article: byWeight, Quantity: "0.3333"}, {Article: sample, Quantity: "1"}}},
	{role: "shared2", day: "03-22", status: Shipped, rows: []Row{{Article: byWeight, Quantity: "2.125"}, {Article: voucher, Quantity: "1"}}},
	// Rows of text only beside goods, and before them.
	{role: "case", day: "10-02", status: Shipped, rows: []Row{{TextRow: true, Text: "--- Actie boekenweek ---"}, {Article: lowerCase, Quantity: "10"}, {TextRow: true, Text: "Levering aan de achterdeur 🚚"}}},
	// Articles that the books cannot take or do not have.
	{role: "upper", day: "07-07", status: Shipped, rows: []Row{{Article: longNumber, Quantity: "2"}}},
	{role: "quotes", day: "11-30", status: Ongoing, rows: []Row{{Article: longNumberTwo, Quantity: "25", DiscountPercent: "10"}}},
	{role: "emoji", day: "08-18", status: Ongoing, rows: []Row{{Article: missingArticle, Quantity: "1"}, {Article: lowerCase, Quantity: "1"}}},
	{role: "lower", day: "10-10", status: Shipped, rows: []Row{{Article: missingTwo, Quantity: "1"}, {Article: Freight, Quantity: "1"}}},
	// Customers that the books cannot match, or must not.
	{role: "twice", day: "02-14", status: Invoiced, rows: []Row{{Article: workshop, Quantity: "4"}}},
	{role: "twice", day: "11-03", status: Shipped, rows: []Row{{Article: lowerCase, Quantity: "12"}}},
	{role: "blocked", day: "04-04", status: Ongoing, rows: []Row{{Article: lowerCase, Quantity: "24"}}},
	{role: "longmail", day: "05-29", status: Shipped, rows: []Row{{Article: workshop, Quantity: "20"}}},
	{role: "guest1", day: "06-06", status: Invoiced, rows: []Row{{Article: lowerCase, Quantity: "1"}, {Article: Freight, Quantity: "1"}}},
	{role: "collective", day: "12-05", status: Shipped, rows: []Row{{Article: lowerCase, Quantity: "2"}, {Article: Freight, Quantity: "1"}}},
	// Abroad: with and without a VAT number, inside and outside the EU, and one in another currency.
	{role: "be", day: "03-03", status: Invoiced, rows: []Row{{Article: bySize, Quantity: "250"}, {Article: FreightAbroad, Quantity: "1"}}},
	{role: "de", day: "09-19", status: Shipped, rows: []Row{{Article: lowerCase, Quantity: "36", DiscountPercent: "5"}, {Article: FreightAbroad, Quantity: "1"}}},
	{role: "frnovat", day: "10-23", status: Shipped, rows: []Row{{Article: lowerCase, Quantity: "6"}, {Article: FreightAbroad, Quantity: "1"}}},
	{role: "no", day: "02-28", status: Invoiced, rows: []Row{{Article: lowerCase, Quantity: "30"}, {Article: FreightAbroad, Quantity: "2"}}},
	{role: "plprivate", day: "07-01", status: Invoiced, rows: []Row{{Article: bySize, Quantity: "1"}, {Article: FreightAbroad, Quantity: "1"}}},
	{role: "se", day: "08-30", status: Shipped, currency: "SEK", rows: []Row{{Article: lowerCase, Quantity: "12", UnitPrice: "74.4950"}}},
	// Not yet an order.
	{role: "upper", day: "12-30", status: Draft, rows: []Row{{Article: workshop, Quantity: "6"}}},
	{role: "spaces", day: "12-29", status: Draft, rows: []Row{{Article: lowerCase, Quantity: "1"}}},
}

// manyRows is the number of rows of the longest order of a year.
const manyRows = 40

func (g *generator) castOrders(r *rand.Rand) []Order {
	var list []Order
	add := func(c castOrder) {
		o := g.open(r, g.keys[c.role], fmt.Sprintf("%04d-%s", g.opts.Year, c.day))
		o.Status = c.status
		if c.currency != "" {
			o.Currency = c.currency
		}
		for _, row := range c.rows {
			if !row.TextRow {
				price := row.UnitPrice
				filled := g.row(r, &o, g.byNum[row.Article], row.Quantity)
				filled.Text, filled.DiscountPercent, filled.FixedDiscount = row.Text, row.DiscountPercent, row.FixedDiscount
				if price != "" {
					filled.UnitPrice = price
				}
				row = filled
			}
			o.Rows = append(o.Rows, row)
		}
		list = append(list, o)
	}
	for _, c := range castOrders {
		add(c)
	}
	long := castOrder{role: "depot", day: "11-11", status: Shipped}
	for i := range manyRows {
		long.rows = append(long.rows, Row{Article: g.shop.Articles[g.sold[i*len(g.sold)/manyRows]].Number, Quantity: fmt.Sprint(1 + i%7)})
	}
	add(long)
	return list
}
