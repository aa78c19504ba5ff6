package shop

import (
	"fmt"
	"math/rand/v2"
	"strings"
)

// firstDebtor is the number of the first debtor; AccountView's own numbering starts here as well.
const firstDebtor = 10001

// books enters the debtors that exist before anything travels: the default debtor, the shop's customers with InBooks, one
// of them twice, one blocked, and a few that never bought in the shop.
func (g *generator) books() {
	r := g.rand(3)
	b := &g.shop.Books
	add := func(d Debtor) {
		d.Number = fmt.Sprint(firstDebtor + len(b.Debtors))
		b.Debtors = append(b.Debtors, d)
	}
	add(Debtor{Name: "Internetverkopen particulieren", Country: "NL", City: "Utrecht", Address1: "Havenkade 1", PostCode: "3511 AB"})
	b.DefaultDebtor = b.Debtors[0].Number
	for i := range g.shop.Customers {
		c := &g.shop.Customers[i]
		if !c.InBooks {
			continue
		}
		d := debtorOf(r, c, i >= len(castCustomers))
		d.Blocked = i == g.keys["blocked"]
		add(d)
		if i == g.keys["twice"] {
			d.Name, d.Contact = "Oosterhof Hoveniers (oud)", ""
			d.Email = strings.ToUpper(d.Email[:1]) + d.Email[1:]
			add(d)
		}
		if chance(r, 8) { // a debtor of the counter, not of the shop
			add(debtorOf(r, ptr(makeCustomer(r, 0, castCustomer{company: true, noVAT: true, email: fmt.Sprintf("balie%d@klant.example", i)}, map[string]bool{})), false).stranger())
		}
	}
}

func ptr[T any](v T) *T { return &v }

// stranger unties a debtor from the customer it was made from.
func (d Debtor) stranger() Debtor {
	d.Customer = ""
	return d
}

// debtorOf enters a customer in the books, now and then as an older hand had it.
func debtorOf(r *rand.Rand, c *Customer, drift bool) Debtor {
	d := Debtor{
		Customer: c.Key, Name: strings.TrimSpace(c.Name), Company: c.Company, Contact: c.Contact, Email: c.Email, Phone: c.Phone,
		VATNumber: strings.ReplaceAll(c.VATNumber, " ", ""), ChamberNumber: c.ChamberNumber,
		Address1: c.Address1, PostCode: c.PostCode, City: c.City, Country: c.Country, TermsDays: c.TermsDays,
	}
	if !drift {
		return d
	}
	switch r.IntN(10) {
	case 0: // moved since
		a := makeAddress(r, landOf(c.Country))
		d.Address1, d.PostCode, d.City = a.Address1, a.PostCode, a.City
	case 1, 2:
		d.Email = strings.ToLower(d.Email)
	case 3:
		d.Name = strings.ToUpper(d.Name)
	case 4:
		d.Phone, d.Contact = "", ""
	}
	return d
}
