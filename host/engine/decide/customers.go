package decide

import (
	"fmt"
	"slices"
	"strings"

	"github.com/pomost/pomost/host/flow"
	"github.com/pomost/pomost/sdk/connector"
	"github.com/pomost/pomost/sdk/record"
)

// Customers is the MasterKind of customers on their way through one lane.
type Customers struct {
	Recipe   *flow.Recipe
	Lane     flow.Lane
	Settings flow.CustomerSettings
	// From and To are the companies that are read and written.
	From, To Company
	// Terms are the destination's terms of payment by the source's, DefaultTerms those for customers without others.
	Terms        map[string]string
	DefaultTerms string
	// Collective are the numbers of records in the source under which guests buy, CollectiveThere those in the destination: neither is
	// a customer.
	Collective, CollectiveThere []string
	// Useless are settings that do nothing in the system that is written.
	Useless []string
}

// Company is what decisions about customers depend on of a company.
type Company struct{ Country, Currency string }

// Words implements MasterKind.
func (c *Customers) Words() Words {
	w := Words{Kind: "customer", Target: c.Lane.Write, Missing: string(connector.CauseCustomerMissing),
		TakenRemedy: "leave what they are recognised by with one of them, or recognise them by something else (setting match)"}
	w.Taken = "it would be " + w.Target + " %s, who is linked with another record: %s"
	return w
}

// Label implements MasterKind: a number, since a name is personal.
func (c *Customers) Label(canon record.Record) string { return canon.Get("number").String() }

// Wanted implements MasterKind.
func (c *Customers) Wanted(canon, _ record.Record) string {
	if holdsFold(c.Collective, canon.Get("number").String()) {
		return "guests buy under it: it is no customer"
	}
	return ""
}

// Keys implements MasterKind: the settings' ways to recognise a customer, as far as this one has them.
func (c *Customers) Keys(canon record.Record) ([]MatchKey, *flow.Hold) {
	var out []MatchKey
	back := c.Recipe.LaneBack(c.Lane)
	for _, by := range c.Settings.Match {
		if back.Find[by] == "" {
			continue
		}
		switch by {
		case flow.MatchEmail:
			if email := strings.TrimSpace(canon.Get("email").String()); email != "" {
				k := MatchKey{By: by, Values: spellings(email), Same: sameText("email", Fold, email)}
				c.sole(&k, canon, email)
				out = append(out, k)
			}
		case flow.MatchNamePostcode:
			a, _ := canon.Get("address").AsRecord()
			name, code := canon.Get("name").String(), a.Get("post_code").String()
			if bare(name) == "" || bare(code) == "" {
				continue
			}
			same := sameText("name", Fold, name)
			out = append(out, MatchKey{By: by, Values: spellings(name), Same: func(there record.Record) bool {
				b, _ := there.Get("address").AsRecord()
				return same(there) && bare(b.Get("post_code").String()) == bare(code)
			}})
		default: // number, vat_number, chamber_number
			normal := Fold
			if by != flow.MatchNumber {
				normal = bare
			}
			value := strings.TrimSpace(canon.Get(by).String())
			if normal(value) == "" {
				continue
			}
			values := []string{value}
			if v := strings.ToUpper(bare(value)); by != flow.MatchNumber && v != value {
				values = append(values, v)
			}
			out = append(out, MatchKey{By: by, Values: values, Same: sameText(by, normal, value)})
		}
	}
	if len(out) == 0 && !c.guest(canon) {
		return nil, &flow.Hold{Cause: "match_none", Message: "it has nothing to be recognised by: " + strings.ReplaceAll(strings.Join(c.Settings.Match, ", "), "_", " "),
			Remedy: "complete it in the source, or recognise customers by something else too (setting match)"}
	}
	return out, nil
}

// sole has the source asked who else uses an e-mail address.
func (c *Customers) sole(k *MatchKey, canon record.Record, email string) {
	read := c.Recipe.LaneRead(c.Lane)
	key := canon.Get("key").String()
	k.Sole = &Lookup{Side: Source, Object: read.Object, Fields: []Field{{read.Find[k.By], email}}}
	k.Others = func(found []record.Record) []string {
		var out []string
		for _, r := range found {
			other, holds := c.Recipe.Canon(c.Lane.Read, r)
			if len(holds) == 0 && other.Get("key").String() != key && Fold(other.Get(k.By).String()) == Fold(email) && c.Wanted(other, r) == "" {
				out = append(out, c.Label(other))
			}
		}
		slices.Sort(out)
		return out
	}
}

// guest tells a private person without an e-mail address: in a shop, somebody who bought once.
func (c *Customers) guest(canon record.Record) bool {
	return canon.Get("private").AsBool() && canon.Get("email").IsEmpty()
}

func sameText(field string, normal func(string) string, value string) func(record.Record) bool {
	return func(there record.Record) bool { return normal(there.Get(field).String()) == normal(value) }
}

// bare is the normalisation of numbers and codes: letters and digits alone, letter case ignored.
func bare(s string) string {
	return strings.Map(func(r rune) rune {
		if strings.ContainsRune(" .-/\u00a0", r) {
			return -1
		}
		return r
	}, strings.ToLower(s))
}

func holdsFold(list []string, value string) bool {
	return slices.ContainsFunc(list, func(s string) bool { return Fold(s) == Fold(value) })
}

// Context implements MasterKind.
func (c *Customers) Context(_ *Ask, canon, _ record.Record) (flow.Context, []string, *flow.Hold) {
	set := record.New(flow.CustomerSendingSchema)
	put := func(field, value string) {
		if value != "" {
			set.MustSet(field, record.Text(value))
		}
	}
	country := c.country(canon)
	put("collective_account", c.Settings.CollectiveAccount)
	put("country", c.From.Country)
	put("currency", c.To.Currency)
	put("country_of_customer", country)
	put("payment_terms", c.terms(canon))
	code, _ := c.choose(c.Settings.TaxCodes, canon, true)
	account, _ := c.choose(c.Settings.RevenueAccounts, canon, false)
	put("tax_code", code)
	put("revenue_account", account)
	set.MustSet("domestic", record.Bool(country != "" && country == c.To.Country))
	return flow.Context{"customer": canon, flow.SettingsContext: set}, nil, nil
}

func (c *Customers) country(canon record.Record) string {
	a, _ := canon.Get("address").AsRecord()
	if v := strings.ToUpper(a.Get("country").String()); v != "" {
		return v
	}
	return c.From.Country
}

// terms are the destination's terms of payment of a new customer.
func (c *Customers) terms(canon record.Record) string {
	if own := Fold(canon.Get("payment_terms").String()); own != "" && c.Terms[own] != "" {
		return c.Terms[own]
	}
	return c.DefaultTerms
}

// choose takes a table's value for a customer. abroad leaves customers of the company's own country out, unless a row names it.
func (c *Customers) choose(rules []flow.PartyRule, canon record.Record, abroad bool) (value string, many bool) {
	except := ""
	if abroad {
		except = c.To.Country
	}
	return choose(rules, c.country(canon), partyOf(canon), except)
}

// partyOf tells what a customer is to the tables by party.
func partyOf(canon record.Record) string {
	private := canon.Get("private")
	switch {
	case private.Kind() == record.KindBool && private.AsBool(), private.IsAbsent() && !canon.Get("company").AsBool():
		return flow.PartyPrivate
	case canon.Get("vat_number").IsEmpty():
		return flow.PartyCompanyNoVAT
	}
	return flow.PartyCompany
}

// Make implements Maker.
func (c *Customers) Make(canon, out record.Record) (warnings []string, skip string, held *flow.Hold) {
	if c.guest(canon) {
		return nil, "it is a private person without an e-mail address: guests are not made customers", nil
	}
	if c.needs("settings.collective_account") && c.Settings.CollectiveAccount == "" {
		return nil, "", &flow.Hold{Cause: string(connector.CauseAccountMissing), Message: "a new debtor needs the collective account, which is not set",
			Remedy: "set collective_account for the flow"}
	}
	for _, t := range []struct {
		setting, path string
		rules         []flow.PartyRule
		abroad        bool
	}{{"tax_codes", "settings.tax_code", c.Settings.TaxCodes, true}, {"revenue_accounts", "settings.revenue_account", c.Settings.RevenueAccounts, false}} {
		value, many := c.choose(t.rules, canon, t.abroad)
		switch {
		case !c.needs(t.path):
		case many:
			warnings = append(warnings, fmt.Sprintf("%s: several rows fit by rate, and a debtor has one value for all: it gets none", t.setting))
		case value != "" && !c.carries(out, t.path):
			warnings = append(warnings, t.setting+" has no effect: this account does not show the field")
		}
	}
	if own := canon.Get("payment_terms").String(); own != "" && len(c.Settings.PaymentTerms) > 0 && c.Terms[Fold(own)] == "" && c.needs("settings.payment_terms") {
		with := "it gets none"
		if c.DefaultTerms != "" {
			with = "it gets the company's default ones"
		}
		warnings = append(warnings, "its terms of payment are not in payment_terms: "+with)
	}
	for _, s := range c.Useless {
		warnings = append(warnings, s+" has no effect in the system that is written")
	}
	return warnings, "", nil
}

// needs tells whether the lane's target takes something from a path.
func (c *Customers) needs(path string) bool {
	return slices.ContainsFunc(c.Recipe.Write[c.Lane.Write].Rules(), func(r flow.Rule) bool { return slices.Contains(r.From, path) })
}

// carries tells whether what would be sent has a field from a path.
func (c *Customers) carries(out record.Record, path string) bool {
	return slices.ContainsFunc(c.Recipe.Write[c.Lane.Write].Rules(), func(r flow.Rule) bool {
		return slices.Contains(r.From, path) && !out.Get(r.Field).IsEmpty()
	})
}

// Check implements MasterKind.
func (c *Customers) Check(_, existing record.Record) (skip string, held *flow.Hold) {
	if holdsFold(c.CollectiveThere, existing.Get("number").String()) {
		return "its counterpart takes the orders of guests: it is left alone", nil
	}
	return "", nil
}

// ofCompanies are the fields that only companies have. A private person's would be her own national number.
var ofCompanies = []string{"customer.vat_number", "customer.chamber_number", "customer.contact_name", "customer.contact_email"}

// Leaves implements Shy: what only companies have is not put on a private person, whatever the source takes her for.
func (c *Customers) Leaves(existing record.Record, rule flow.Rule) bool {
	return existing.Get("private").AsBool() && slices.ContainsFunc(rule.From, func(p string) bool { return slices.Contains(ofCompanies, p) })
}

// Identity implements MasterKind: an order that makes the same customer names it by the e-mail address too.
func (c *Customers) Identity(canon record.Record) string {
	keys, _ := c.Keys(canon)
	for _, k := range keys {
		if k.By == flow.MatchEmail {
			return "email:" + Fold(k.Values[0])
		}
	}
	if len(keys) > 0 {
		return keys[0].By + ":" + Fold(keys[0].Values[0])
	}
	return ""
}
