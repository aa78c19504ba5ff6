package sandbox

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/pomost/pomost/sdk/sandbox/shop"
)

// demoSeed is the seed of the shop that the sandbox at the other end of a demo sells from; both must tell the same year.
const demoSeed = 1

// fill enters what the books hold before anything travels: article groups, articles and debtors, no orders.
func (c *company) fill(data string) error {
	var s *shop.Shop
	switch data {
	case "", "none":
		return nil
	case "demo":
		s = shop.Generate(shop.Options{Seed: demoSeed})
	default:
		var err error
		if s, err = shop.Load(data); err != nil {
			return err
		}
	}
	codes := map[string]string{} // VAT code by rate
	vat := c.defs["VAT"]
	for _, r := range c.tables["VAT"].rows {
		pct := decimalText(rat(r.get(vat.f("VAT_PCT"))), 2)
		if codes[pct] == "" {
			codes[pct] = r.get(vat.f("VAT_CODE"))
		}
	}
	seed := c.seeder()
	for _, g := range s.Groups {
		seed.add("ART_GRP", "AG_CODE", cut(g.Code, 5), "AG_DESC", cut(g.Name, 40))
	}
	for _, a := range s.Articles {
		if !a.InBooks {
			continue
		}
		if utf8.RuneCountInString(a.Number) > 15 || c.find("ARTICLE", a.Number, 1<<30) != nil {
			return fmt.Errorf("shop data: article %s cannot be in the books: AccountView's article codes have 15 characters and are unique without case", a.Number)
		}
		price := a.NetPrice
		if c.gross {
			price = a.GrossPrice
		}
		r := seed.add("ARTICLE", "ART_CODE", a.Number, "ART_DESC1", cut(a.Name, 40), "AG_CODE", cut(a.Group, 5), "PX_SELL", price,
			"QTY_TECH", a.Stock, "QTY_AVAIL", a.Stock, "QTY_FREE2", a.Stock, "K1_STREEPC", a.EAN, "K1_KORT", cut(a.Name, 80),
			"K1_EENH", cut(a.Unit, 10))
		r.vat = codes[decimalText(rat(a.VATPercent), 2)]
		if f := c.defs["ARTICLE"].field("K1_BTW"); f != nil {
			r.set(f, r.vat)
		}
	}
	for _, d := range s.Books.Debtors {
		if c.find("CONTACT", d.Number, 1<<30) != nil {
			return fmt.Errorf("shop data: debtor %s is in the books twice", d.Number)
		}
		blocked := ""
		if d.Blocked {
			blocked = "1"
		}
		contact := ""
		if d.Company {
			contact = cut(d.Contact, 40)
		}
		seed.add("CONTACT", "SUB_NR", d.Number, "ACCT_NR", "1210", "SRC_CODE", searchCode(d.Name), "ACCT_NAME", cut(d.Name, 40),
			"ADDRESS1", cut(d.Address1, 80), "POST_CODE", cut(d.PostCode, 10), "CITY", cut(d.City, 35), "BOX_CITY", cut(d.City, 35),
			"CNT_CODE", d.Country, "MAIL_BUS", cut(d.Email, 50), "TEL_BUS", cut(d.Phone, 20), "MAIN_CONT", contact,
			"VAT_NR", cut(d.VATNumber, 14), "COC_CODE", cut(d.ChamberNumber, 15), "REC_BLK", blocked)
	}
	return seed.err
}

// cut shortens as a bookkeeper does who types until the field is full.
func cut(s string, n int) string {
	s = strings.TrimSpace(s)
	if r := []rune(s); len(r) > n {
		s = strings.TrimSpace(string(r[:n]))
	}
	return s
}

// searchCode is the first letters and digits of a name.
func searchCode(name string) string {
	code := strings.Map(func(r rune) rune {
		if r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' {
			return r
		}
		return -1
	}, strings.ToUpper(name))
	if code == "" {
		return "-"
	}
	return cut(code, 10)
}
