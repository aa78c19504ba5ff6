package decide

import (
	"fmt"
	"slices"
	"strings"

	"github.com/pomost/pomost/host/flow"
	"github.com/pomost/pomost/sdk/decimal"
	"github.com/pomost/pomost/sdk/record"
)

// Codes is a translation table of a flow, with what the source's reference list says of its words: codes of the destination by the source's
// keys, codes and names.
type Codes struct {
	// Setting is where it is set, What what it translates, for people.
	Setting, What string
	// By has the codes by the source's words as Fold writes them, Names how the source calls its keys.
	By, Names map[string]string
}

// code translates the first of some words that is filled and in the table. It is "" where the record has no such word, or there is no table.
func (c *Codes) code(words ...string) (code string, held *flow.Hold) {
	if c == nil {
		return "", nil
	}
	said := ""
	for _, w := range words {
		if w = strings.TrimSpace(w); w == "" {
			continue
		}
		if code := c.By[Fold(w)]; code != "" {
			return code, nil
		}
		if name := c.Names[Fold(w)]; name != "" {
			w = name
		}
		if said == "" {
			said = w
		}
	}
	if said == "" {
		return "", nil
	}
	return "", &flow.Hold{Cause: "value_unmapped", Field: c.Setting, Message: fmt.Sprintf("the %s %q are not in the flow's table", c.What, said),
		Remedy: fmt.Sprintf("add %q to the setting %s", said, c.Setting)}
}

// Shows tells whether an account has a field that a target fills from a path; the path stands in the target's own rules or in those of its rows.
func Shows(m *flow.Mapping, schema *record.Schema, path string) bool {
	return slices.ContainsFunc(m.Rules(), func(r flow.Rule) bool {
		f, ok := schema.Field(r.Field)
		switch {
		case !ok:
			return false
		case r.Rows != nil:
			return f.Type.Kind == record.KindList && f.Type.Elem.Kind == record.KindRecord && Shows(r.Rows.Mapping, f.Type.Elem.Record, path)
		}
		return slices.Contains(r.From, path)
	})
}

// sending is what an order's head takes from the tables. A code that the account's orders have no field for is the debtor's own matter.
func (s *order) sending(customer record.Record) (record.Record, *flow.Hold) {
	out := record.New(flow.SendingSchema)
	out.MustSet("reference", record.Text(s.reference()))
	out.MustSet("currency", record.Text(s.Currency))
	target := s.Recipe.Write["order"]
	for _, t := range []struct {
		field string
		codes *Codes
		words []string
	}{
		{"payment_terms", s.Terms, []string{s.text("payment_terms")}},
		{"delivery_method", s.Deliveries, []string{s.text("delivery_method"), s.text("delivery_method_name")}},
	} {
		if t.codes == nil {
			continue
		}
		if !Shows(&target.Mapping, s.Schemas[target.Object], "sending."+t.field) {
			s.d.Warnings = append(s.d.Warnings, t.codes.Setting+" acts on new debtors alone: this account's orders do not show such a field")
			continue
		}
		code, held := t.codes.code(t.words...)
		if held != nil {
			return out, held
		}
		out.MustSet(t.field, record.Text(code))
	}
	return out, nil
}

// taxCountry is the country whose VAT an order is charged: where the goods go, or where the invoice goes, as the customer's card says.
func (s *order) taxCountry(customer record.Record) string {
	at := []record.Record{s.sub("billing")}
	if customer.Get("delivery_based_vat").AsBool() {
		at = append([]record.Record{s.sub("delivery")}, at...)
	}
	home, _ := customer.Get("address").AsRecord()
	for _, a := range append(at, home) {
		if c := strings.ToUpper(strings.TrimSpace(a.Get("country").String())); c != "" {
			return c
		}
	}
	return s.Country
}

// taxCodes gives each row its VAT code by the table and the rate that was charged. Where the account's orders have no VAT code by row, the debtor
// has one for all of them: rows that need several hold the order.
func (s *order) taxCodes(p *party, lines []record.Record, exempt bool) *flow.Hold {
	if len(s.Settings.TaxCodes) == 0 {
		return nil
	}
	country, who, own := s.taxCountry(p.customer), partyOf(p.customer), s.CountryThere
	target := s.Recipe.Write["order"]
	byRow := Shows(&target.Mapping, s.Schemas[target.Object], "line.vat_code")
	var codes []string
	for _, line := range lines {
		rate := number(line, "vat_rate")
		if rate == nil {
			continue // a rounding carries no tax
		}
		if exempt {
			rate = &decimal.Zero
		}
		code, ok := codeAt(s.Settings.TaxCodes, country, who, *rate)
		if !ok && country != own {
			return &flow.Hold{Cause: "vat_code_missing", Field: "tax_codes", Message: fmt.Sprintf("no VAT code is set for %s, %s, %s %%", country, spoken(who), rate),
				Remedy: fmt.Sprintf("add {country: %s, party: %s, rate: %s, code: …} to the setting tax_codes", country, who, rate)}
		}
		if byRow {
			line.MustSet("vat_code", record.Text(code))
		}
		if !slices.Contains(codes, code) {
			codes = append(codes, code)
		}
	}
	if byRow || len(codes) == 1 && codes[0] == "" {
		return nil
	}
	if len(codes) > 1 {
		return &flow.Hold{Cause: "vat_code_missing", Field: "tax_codes",
			Message: "its rows need different VAT codes (" + strings.Join(codes, ", ") + "), and orders in this account have none by row: the debtor has one for all",
			Remedy:  "enter this order by hand, or send the invoice instead"}
	}
	if len(codes) == 1 {
		p.taxCode = codes[0]
		// Sales at home follow the article where the debtor has no code of its own.
		if p.key != "" && !strings.EqualFold(p.vatCode, p.taxCode) && (p.vatCode != "" || country != own) {
			return &flow.Hold{Cause: "vat_code_missing", Field: "tax_codes",
				Message: fmt.Sprintf("debtor %s has the VAT code %q, this order needs %s, and orders in this account have none by row", p.key, p.vatCode, p.taxCode),
				Remedy:  "correct the VAT code of debtor " + p.key + ", or enter this order by hand"}
		}
	}
	return nil
}

// codeAt takes the code of the first row of a table that fits.
func codeAt(rules []flow.PartyRule, country, party string, rate decimal.Decimal) (string, bool) {
	for _, r := range rules {
		if (r.Country == "" || strings.EqualFold(r.Country, country)) && (r.Party == "" || r.Party == party) && (r.Rate == nil || r.Rate.Equal(rate)) {
			return r.Value, true
		}
	}
	return "", false
}

func spoken(party string) string {
	switch party {
	case flow.PartyCompany:
		return "company with a VAT number"
	case flow.PartyCompanyNoVAT:
		return "company without a VAT number"
	}
	return "private person"
}

// choose takes the value of the first row that fits a customer. A customer has no rate: where rows that fit say different things for different
// rates, none of them can serve, and many is true. A row without a country leaves out the country except.
func choose(rules []flow.PartyRule, country, party, except string) (value string, many bool) {
	rated := false
	for _, r := range rules {
		if r.Country != "" && !strings.EqualFold(r.Country, country) || r.Party != "" && r.Party != party || r.Country == "" && except != "" && country == except {
			continue
		}
		switch {
		case value == "":
			value, rated = r.Value, r.Rate != nil
		case rated && r.Rate != nil && r.Value != value:
			return "", true
		}
		if !rated {
			break // the first one wins
		}
	}
	return value, false
}
