package shop

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"time"
)

// monthWeight is how much of a year's sales falls in each month: spring planting, and presents in December.
var monthWeight = [12]int{5, 6, 9, 10, 10, 7, 5, 5, 7, 8, 12, 16}

// orders makes the orders of the fixed cast and fills the year with ordinary ones; then numbers them by date.
func (g *generator) orders() {
	r := g.rand(4)
	list := g.castOrders(r)
	buyers := g.buyers(r)
	for len(list) < g.opts.Orders {
		list = append(list, g.ordinary(r, pick(r, buyers)))
	}
	slices.SortStableFunc(list, func(a, b Order) int { return strings.Compare(a.Date, b.Date) })
	for i := range list {
		o := &list[i]
		o.Key = fmt.Sprintf("O%06d", i+1)
		o.Reference = fmt.Sprintf("W%d-%05d", g.opts.Year%100, 10001+i)
		g.settle(r, o, i, len(list))
	}
	g.shop.Orders = list
}

// buyers lists the customers of ordinary orders: a few buy often, most once or twice.
func (g *generator) buyers(r *rand.Rand) []int {
	var out []int
	for i, c := range g.shop.Customers {
		n := 1 + r.IntN(2)
		switch {
		case c.Collective:
			n = 5
		case i == g.keys["blocked"] || i == g.keys["twice"] || i == g.keys["longmail"]:
			n = 0 // their orders are held; the cast has them
		case chance(r, 12):
			n = 9
		}
		for range n {
			out = append(out, i)
		}
	}
	return out
}

// ordinary makes one order as most are.
func (g *generator) ordinary(r *rand.Rand, buyer int) Order {
	o := g.open(r, buyer, g.date(r, g.shop.Customers[buyer].Company))
	c := &g.shop.Customers[buyer]
	n := 1 + r.IntN(3)
	if c.Company {
		n = 1 + r.IntN(8)
	}
	used := map[int]bool{}
	for range n {
		i := pick(r, g.sold)
		if used[i] {
			continue
		}
		used[i] = true
		a := &g.shop.Articles[i]
		row := g.row(r, &o, a, quantity(r, a, c.Company))
		switch {
		case c.Company && chance(r, 18):
			row.DiscountPercent = pick(r, []string{"5", "10", "12.5", "7.5", "15"})
		case !c.Company && chance(r, 3):
			row.DiscountPercent = pick(r, []string{"10", "25", "33.33"})
		case chance(r, 1) && parseCents(a.NetPrice) > 500:
			row.FixedDiscount = "2.50"
		}
		o.Rows = append(o.Rows, row)
	}
	if chance(r, 2) { // something from an earlier order comes back
		a := &g.shop.Articles[pick(r, g.sold)]
		back := g.row(r, &o, a, "-1")
		back.Text = "Retour: " + a.Name
		o.Rows = append(o.Rows, back)
	}
	if chance(r, 5) {
		o.Rows = append(o.Rows, Row{TextRow: true, Text: pick(r, textRows)})
	}
	g.freight(r, &o, c)
	return o
}

// open starts an order without rows.
func (g *generator) open(r *rand.Rand, buyer int, date string) Order {
	c := &g.shop.Customers[buyer]
	o := Order{Customer: c.Key, Date: date, Currency: g.shop.Currency, IncludesVAT: g.opts.PricesInclVAT && !c.Company}
	l := landOf(c.Country)
	switch {
	case c.Collective:
		a := makeAddress(r, l)
		a.Name = pick(r, firstNames) + " " + pick(r, lastNames)
		o.Delivery = &a
	case chance(r, 8): // a present
		a := makeAddress(r, l)
		a.Name = pick(r, l.first) + " " + pick(r, l.last)
		o.Delivery = &a
	}
	if c.Company && chance(r, 55) {
		o.YourReference = fmt.Sprintf(pick(r, yourReferences), 1000+r.IntN(90000))
	}
	return o
}

// row sells an article at its price; a price abroad has four decimals, one to a good customer is a little lower.
func (g *generator) row(r *rand.Rand, o *Order, a *Article, qty string) Row {
	row := Row{Article: a.Number, Quantity: qty, UnitPrice: a.NetPrice}
	c := &g.shop.Customers[customerIndex(o.Customer)]
	switch {
	case o.IncludesVAT:
		row.UnitPrice = a.GrossPrice
	case c.Country != g.shop.Country && !a.Service:
		vat, _ := strconv.ParseInt(a.VATPercent, 10, 64)
		row.UnitPrice = fixed(divRound(parseCents(a.GrossPrice)*10_000, 100+vat), 4)
	case c.Company && !a.Service && chance(r, 10):
		row.UnitPrice = cents(divRound(parseCents(a.NetPrice)*95, 100))
	}
	return row
}

// customerIndex undoes the numbering of makeCustomer.
func customerIndex(key string) int {
	n, _ := strconv.Atoi(strings.TrimPrefix(key, "C"))
	return n - 1
}

func quantity(r *rand.Rand, a *Article, company bool) string {
	switch {
	case a.Unit == "m" || a.Unit == "kg":
		return trimZeros(fixed(int64(1+r.IntN(120))*25, 2))
	case company && parseCents(a.GrossPrice) < 500:
		return strconv.Itoa(pick(r, []int{10, 12, 24, 25, 50, 100, 144, 250}))
	case company:
		return strconv.Itoa(pick(r, []int{1, 2, 3, 4, 5, 6, 7, 10, 12, 20}))
	}
	return strconv.Itoa(pick(r, []int{1, 1, 1, 1, 2, 2, 3, 4}))
}

func trimZeros(s string) string { return strings.TrimSuffix(strings.TrimRight(s, "0"), ".") }

// freight adds a freight row as the shop's terms say: free above 75 euros within the country.
func (g *generator) freight(r *rand.Rand, o *Order, c *Customer) {
	article := Freight
	if c.Country != g.shop.Country {
		article = FreightAbroad
	} else if goods(o) >= 7500 || (c.Company && chance(r, 50)) {
		return
	}
	o.Rows = append(o.Rows, g.row(r, o, g.byNum[article], "1"))
}

// goods is roughly the worth of an order in cents, before discounts.
func goods(o *Order) int64 {
	var sum int64
	for _, row := range o.Rows {
		q, p := scaled(row.Quantity), scaled(row.UnitPrice)
		sum += divRound(q*(p/100), 10_000)
	}
	return sum
}

// scaled reads decimal text of at most four places as ten-thousandths.
func scaled(s string) int64 {
	whole, frac, _ := strings.Cut(s, ".")
	return parseCents(whole + "." + (frac + "0000")[:4])
}

// date draws a day: by season, and companies do not order at the weekend.
func (g *generator) date(r *rand.Rand, company bool) string {
	total := 0
	for _, w := range monthWeight {
		total += w
	}
	n, month := r.IntN(total), 0
	for n -= monthWeight[month]; n >= 0; n -= monthWeight[month] {
		month++
	}
	days := time.Date(g.opts.Year, time.Month(month+2), 0, 0, 0, 0, 0, time.UTC).Day()
	d := time.Date(g.opts.Year, time.Month(month+1), 1+r.IntN(days), 0, 0, 0, 0, time.UTC)
	if w := d.Weekday(); company && (w == time.Saturday || w == time.Sunday) {
		if d.Day() > 2 {
			d = d.AddDate(0, 0, -2)
		} else {
			d = d.AddDate(0, 0, 2)
		}
	}
	return d.Format(time.DateOnly)
}

// settle gives an order the status that its place in the year makes likely, unless the cast has set one.
func (g *generator) settle(r *rand.Rand, o *Order, i, n int) {
	at, draw := i*100/n, r.IntN(100)
	if o.Status == "" {
		switch {
		case at < 80 && draw < 88, at < 93 && draw < 50:
			o.Status = Invoiced
		case at < 80 && draw < 96, at < 93 && draw < 85, at >= 93 && draw < 30:
			o.Status = Shipped
		case at < 93 || draw < 75:
			o.Status = Ongoing
		default:
			o.Status = Draft
		}
	}
	company := g.shop.Customers[customerIndex(o.Customer)].Company
	paid := r.IntN(100)
	o.Paid = o.Status == Invoiced && (paid < 70 || !company && paid < 96)
	if o.Status != Draft && (o.Status != Ongoing || chance(r, 50)) {
		d, err := time.Parse(time.DateOnly, o.Date)
		if err != nil {
			panic("shop: an order was made with the date " + strconv.Quote(o.Date))
		}
		o.DeliveryDate = d.AddDate(0, 0, r.IntN(6)).Format(time.DateOnly)
	}
}
