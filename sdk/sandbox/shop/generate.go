package shop

import (
	"math/rand/v2"
	"strconv"
)

// Options says how large a year and how it is told. A number that is 0 takes the default; one that leaves no room for the
// fixed cast (the customers, articles and orders that every year has) is raised to it.
type Options struct {
	Seed      uint64
	Customers int // default 120
	Articles  int // default 80
	Orders    int // default 300
	Year      int // default 2026

	// PricesInclVAT: orders of private persons carry prices with VAT (eAccounting's setting prices_incl_vat).
	PricesInclVAT bool
}

// The smallest year that holds the fixed cast.
const (
	minCustomers = 40
	minArticles  = 40
	minOrders    = 60
)

// Generate makes a year of a webshop for garden, gifts and coffee. The same options always give the same shop.
func Generate(o Options) *Shop {
	g := &generator{opts: Options{
		Seed:          o.Seed,
		Customers:     max(orDefault(o.Customers, 120), minCustomers),
		Articles:      max(orDefault(o.Articles, 80), minArticles),
		Orders:        max(orDefault(o.Orders, 300), minOrders),
		Year:          orDefault(o.Year, 2026),
		PricesInclVAT: o.PricesInclVAT,
	}}
	g.shop = &Shop{Name: "De Groene Kade", Country: "NL", Currency: "EUR", Year: g.opts.Year, Groups: groups}
	g.articles()
	g.customers()
	g.books()
	g.orders()
	return g.shop
}

func orDefault(n, def int) int {
	if n <= 0 {
		return def
	}
	return n
}

// generator holds what the parts of a year share.
type generator struct {
	opts Options
	shop *Shop

	sold  []int // indexes of articles that ordinary orders sell, the popular ones several times
	byNum map[string]*Article
	keys  map[string]int // indexes of customers of the fixed cast, by role
}

// rand gives each part its own stream, so that more customers do not change the articles.
func (g *generator) rand(part uint64) *rand.Rand {
	return rand.New(rand.NewPCG(g.opts.Seed, 0x706f6d6f7374_0000+part))
}

func pick[T any](r *rand.Rand, list []T) T { return list[r.IntN(len(list))] }

// chance is true in percent of a hundred calls.
func chance(r *rand.Rand, percent int) bool { return r.IntN(100) < percent }

// cents writes an amount of cents as decimal text with two places.
func cents(n int64) string { return fixed(n, 2) }

// fixed writes n / 10^places as decimal text.
func fixed(n int64, places int) string {
	sign := ""
	if n < 0 {
		sign, n = "-", -n
	}
	s := strconv.FormatInt(n, 10)
	if places == 0 {
		return sign + s
	}
	for len(s) <= places {
		s = "0" + s
	}
	return sign + s[:len(s)-places] + "." + s[len(s)-places:]
}

// divRound is a / b for positive b, half away from zero.
func divRound(a, b int64) int64 {
	if a < 0 {
		return -divRound(-a, b)
	}
	return (a + b/2) / b
}
