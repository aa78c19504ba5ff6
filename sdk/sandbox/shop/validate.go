package shop

import (
	"errors"
	"fmt"
	"regexp"
	"time"
)

// maxProblems bounds what Validate reports of a file that is wrong everywhere.
const maxProblems = 20

var decimalText = regexp.MustCompile(`^-?[0-9]{1,15}(\.[0-9]{1,6})?$`)

// problems collects what is wrong, up to a bound.
type problems struct{ list []error }

func (p *problems) add(format string, args ...any) {
	if len(p.list) < maxProblems {
		p.list = append(p.list, fmt.Errorf(format, args...))
	}
}

func (p *problems) decimal(where, field, text string, required bool) {
	if text == "" && !required {
		return
	}
	if !decimalText.MatchString(text) {
		p.add("%s: %s: %q is not a decimal number", where, field, text)
	}
}

func (p *problems) date(where, field, text string, required bool) {
	if text == "" && !required {
		return
	}
	if _, err := time.Parse(time.DateOnly, text); err != nil {
		p.add("%s: %s: %q is not a date like 2026-01-31", where, field, text)
	}
}

// Validate reports, all at once, keys that occur twice, references to nothing, and values that are no numbers, dates or
// statuses. Names, addresses and e-mails may be as odd as people make them.
func (s *Shop) Validate() error {
	var p problems
	customers := map[string]bool{}
	for _, c := range s.Customers {
		if c.Key == "" || customers[c.Key] {
			p.add("customer %q: the key is empty or occurs twice", c.Key)
		}
		customers[c.Key] = true
	}
	groups := map[string]bool{}
	for _, g := range s.Groups {
		groups[g.Code] = true
	}
	articles := map[string]bool{}
	for _, a := range s.Articles {
		where := fmt.Sprintf("article %q", a.Number)
		if a.Number == "" || articles[a.Number] {
			p.add("%s: the number is empty or occurs twice", where)
		}
		articles[a.Number] = true
		if a.Group != "" && !groups[a.Group] {
			p.add("%s: there is no group %q", where, a.Group)
		}
		p.decimal(where, "net_price", a.NetPrice, true)
		p.decimal(where, "gross_price", a.GrossPrice, true)
		p.decimal(where, "vat_percent", a.VATPercent, true)
		p.decimal(where, "stock", a.Stock, false)
	}
	orders := map[string]bool{}
	for _, o := range s.Orders {
		where := fmt.Sprintf("order %q", o.Key)
		if o.Key == "" || orders[o.Key] {
			p.add("%s: the key is empty or occurs twice", where)
		}
		orders[o.Key] = true
		o.validate(&p, where, customers, articles)
	}
	s.Books.validate(&p, customers)
	return errors.Join(p.list...)
}

func (o *Order) validate(p *problems, where string, customers, articles map[string]bool) {
	if !customers[o.Customer] {
		p.add("%s: there is no customer %q", where, o.Customer)
	}
	p.date(where, "date", o.Date, true)
	p.date(where, "delivery_date", o.DeliveryDate, false)
	switch o.Status {
	case Draft, Ongoing, Shipped, Invoiced:
	default:
		p.add("%s: status: %q is none of %s, %s, %s, %s", where, o.Status, Draft, Ongoing, Shipped, Invoiced)
	}
	if o.Paid && o.Status != Invoiced {
		p.add("%s: it is paid but not invoiced", where)
	}
	for i, r := range o.Rows {
		at := fmt.Sprintf("%s, row %d", where, i+1)
		if r.TextRow {
			if r.Text == "" || r.Article != "" {
				p.add("%s: a text row has a text and no article", at)
			}
			continue
		}
		if !articles[r.Article] {
			p.add("%s: there is no article %q", at, r.Article)
		}
		p.decimal(at, "quantity", r.Quantity, true)
		p.decimal(at, "unit_price", r.UnitPrice, true)
		p.decimal(at, "discount_percent", r.DiscountPercent, false)
		p.decimal(at, "fixed_discount", r.FixedDiscount, false)
		if r.DiscountPercent != "" && r.FixedDiscount != "" {
			p.add("%s: a row has one kind of discount, not both", at)
		}
	}
}

func (b *Books) validate(p *problems, customers map[string]bool) {
	debtors := map[string]bool{}
	for _, d := range b.Debtors {
		if d.Number == "" || debtors[d.Number] {
			p.add("debtor %q: the number is empty or occurs twice", d.Number)
		}
		debtors[d.Number] = true
		if d.Customer != "" && !customers[d.Customer] {
			p.add("debtor %q: there is no customer %q", d.Number, d.Customer)
		}
	}
	if b.DefaultDebtor != "" && !debtors[b.DefaultDebtor] {
		p.add("books: there is no debtor %q to be the default", b.DefaultDebtor)
	}
}
