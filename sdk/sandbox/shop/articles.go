package shop

import (
	"fmt"
	"strconv"
)

// Articles with a part of their own in the year.
const (
	Freight        = "VERZENDKOSTEN"   // freight within the Netherlands
	FreightAbroad  = "VERZEND-BUITENL" // freight to other countries; exactly 15 characters
	DiscountRow    = "KORTING"         // what a bookkeeper books discounts on
	RoundingRow    = "AFRONDING"       // what a bookkeeper books rounding cents on
	voucher        = "CADEAUBON-25"
	workshop       = "WORKSHOP"
	sample         = "MONSTER"
	bySize         = "TUIN-LOS-M"              // sold by the meter
	byWeight       = "ZAAD-LOS-KG"             // sold by weight
	lowerCase      = "kf-2210b"                // a code that the books hold in capitals
	longNumber     = "TUIN-SNOEISCHAAR-RVS-XL" // longer than an ERP's 15 characters
	longNumberTwo  = "KERSTPAKKET-DELUXE-2026"
	missingArticle = "NIEUW-2201" // not in the books yet
	missingTwo     = "POT-9001"
)

// castArticle is an article that every year has.
type castArticle struct {
	number, name, group string
	gross, vat          int64
	unit                string
	service, missing    bool
}

var castArticles = []castArticle{
	{number: Freight, name: "Verzendkosten", group: "DIENST", gross: 695, vat: 21, unit: "st", service: true},
	{number: FreightAbroad, name: "Verzendkosten buitenland", group: "DIENST", gross: 1450, vat: 21, unit: "st", service: true},
	{number: DiscountRow, name: "Korting", group: "DIENST", vat: 21, unit: "st", service: true},
	{number: RoundingRow, name: "Afrondingsverschil", group: "DIENST", unit: "st", service: true},
	{number: voucher, name: "Cadeaubon € 25,-", group: "CAD", gross: 2500, unit: "st", service: true},
	{number: workshop, name: "Workshop bloemschikken (p.p., incl. koffie)", group: "DIENST", gross: 4750, vat: 21, unit: "uur", service: true},
	{number: sample, name: "Monster gratis", group: "ZAAD", vat: 9, unit: "zak"},
	{number: bySize, name: "Tuinslang los, 1/2\" per meter", group: "TUIN", gross: 189, vat: 21, unit: "m"},
	{number: byWeight, name: "Graszaad los per kg", group: "ZAAD", gross: 849, vat: 9, unit: "kg"},
	{number: lowerCase, name: "Koffie  'Kade-melange'  250 g", group: "KOF", gross: 699, vat: 9, unit: "zak"},
	{number: longNumber, name: "Snoeischaar RVS XL", group: "TUIN", gross: 8995, vat: 21, unit: "st", missing: true},
	{number: longNumberTwo, name: "Kerstpakket Deluxe 🎄", group: "CAD", gross: 5499, vat: 21, unit: "doos", missing: true},
	{number: missingArticle, name: "Regenton 200 l \"Zwaan\"", group: "TUIN", gross: 11900, vat: 21, unit: "st", missing: true},
	{number: missingTwo, name: "Bloempot Ø 55 cm, gefabriceerd in Lübeck, glazuurd", group: "POT", gross: 7499, vat: 21, unit: "st", missing: true},
}

func (g *generator) articles() {
	r := g.rand(1)
	next := map[string]int{}
	for _, c := range castArticles {
		a := Article{
			Number: c.number, Name: c.name, Group: c.group, Unit: c.unit, Service: c.service, InBooks: !c.missing,
			NetPrice: cents(divRound(c.gross*100, 100+c.vat)), GrossPrice: cents(c.gross), VATPercent: strconv.FormatInt(c.vat, 10),
		}
		if !c.service {
			a.EAN = ean(r)
			a.Stock = fixed(int64(r.IntN(400)), 0)
			if c.unit == "m" || c.unit == "kg" {
				a.Stock = fixed(int64(r.IntN(90_000)), 2)
			}
		}
		g.shop.Articles = append(g.shop.Articles, a)
	}
	cast := len(g.shop.Articles)
	for i := 0; len(g.shop.Articles) < g.opts.Articles; i++ {
		l := lines[i%len(lines)]
		round := i / len(lines)
		name := l.name + " " + l.variants[round%len(l.variants)]
		if serie := round / len(l.variants); serie > 0 {
			name = fmt.Sprintf("%s, serie %d", name, serie+1)
		}
		step := (l.to - l.from) / int64(len(l.variants))
		gross := priceOnSite(l.from + step*int64(round%len(l.variants)) + r.Int64N(step+1))
		next[l.group]++
		a := Article{
			Number: fmt.Sprintf("%s-%d", l.group, 1000+next[l.group]), Name: name, EAN: ean(r), Group: l.group, Unit: l.unit,
			NetPrice: cents(divRound(gross*100, 100+l.vat)), GrossPrice: cents(gross), VATPercent: strconv.FormatInt(l.vat, 10),
			Stock: fixed(int64(r.IntN(250)), 0), InBooks: true,
		}
		if chance(r, 4) {
			a.Stock = fixed(-int64(1+r.IntN(6)), 0) // sold before it was counted in
		}
		g.shop.Articles = append(g.shop.Articles, a)
		for range 1 + r.IntN(6) {
			g.sold = append(g.sold, len(g.shop.Articles)-1)
		}
	}
	g.byNum = make(map[string]*Article, len(g.shop.Articles))
	for i := range g.shop.Articles {
		g.byNum[g.shop.Articles[i].Number] = &g.shop.Articles[i]
	}
	for i := range g.shop.Articles[:cast] {
		switch g.shop.Articles[i].Number {
		case voucher, workshop, lowerCase, bySize, byWeight:
			g.sold = append(g.sold, i)
		}
	}
}

// priceOnSite turns cents into what shops like to write: 12.95, 7.50, 0.19.
func priceOnSite(n int64) int64 {
	switch {
	case n < 200:
		return n
	case n%3 == 0:
		return n - n%50 + 49
	case n%3 == 1:
		return n - n%100 + 95
	default:
		return n - n%50
	}
}

// parseCents reads what cents wrote.
func parseCents(s string) int64 {
	var n, sign int64 = 0, 1
	for _, c := range s {
		switch {
		case c == '-':
			sign = -1
		case c != '.':
			n = n*10 + int64(c-'0')
		}
	}
	return sign * n
}
