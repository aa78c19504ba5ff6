package flow

import (
	"slices"

	"github.com/pomost/pomost/sdk/decimal"
	"github.com/pomost/pomost/sdk/record"
)

// DirectionBoth is the direction of a flow whose records travel both ways.
const DirectionBoth = "both"

// The ways in which a customer is recognised.
const (
	MatchNumber        = "number"
	MatchVATNumber     = "vat_number"
	MatchChamberNumber = "chamber_number"
	MatchEmail         = "email"
	MatchNamePostcode  = "name_postcode"
)

// The answers to a field that was changed on both sides.
const (
	ConflictSource = "source"
	ConflictNewest = "newest"
	ConflictHold   = "hold"
)

// CustomerSettings are the settings of a flow of customers (DESIGN section 7).
type CustomerSettings struct {
	// Direction is the name of the lane that is used, or both; "" is the lane that reads the flow's source.
	Direction      string
	Create, Update bool
	// Marks say per field of either system when it is written; they override the recipe's.
	Marks map[string]Mark
	// Match is what customers are recognised by, in this order.
	Match             []string
	CollectiveAccount string
	// TaxCodes and RevenueAccounts give new debtors theirs; the first row whose conditions hold wins.
	TaxCodes, RevenueAccounts []PartyRule
	// PaymentTerms pairs terms of both systems by their names or keys, whichever of them stands first.
	PaymentTerms map[string]string
	// Conflict is what becomes of a field that was changed on both sides: source, newest or hold.
	Conflict string
}

// The parties of a PartyRule.
const (
	PartyCompany      = "company"        // with a VAT number
	PartyCompanyNoVAT = "company_no_vat" // without
	PartyPrivate      = "private"
)

// PartyRule is one row of a table by country, party and rate; an omitted condition matches all.
type PartyRule struct {
	Country, Party string
	// Rate is in percent; nil matches all.
	Rate *decimal.Decimal
	// Value is the code or the account.
	Value string
}

// CustomerSendingSchema is the context "settings" of a target in a flow of customers: what is found out of the companies and set for the flow.
var CustomerSendingSchema = record.MustSchema("customer_settings",
	text("collective_account"),
	text("country"),                     // of the company in the system that is read: a customer without a country is from there
	text("currency"),                    // of the company in the system that is written
	text("payment_terms"),               // the destination's key: of the customer's own terms by the table, else the default one
	text("delivery_method"),             // the destination's code, by the table
	text("tax_code"),                    // by the table
	text("revenue_account"),             // by the table
	scalar("domestic", record.KindBool), // the customer is of the country of the company that is written
	text("country_of_customer"),         // the customer's own, else that of the company in the system that is read
)

// customersKind: customers become debtors, or the other way, or both.
var customersKind = &kind{
	read: map[string]*record.Schema{"customer": CustomerSchema},
	back: map[string]*record.Schema{"debtor": CustomerSchema},
	write: map[string]map[string]*record.Schema{
		"debtor":   {"customer": CustomerSchema, SettingsContext: CustomerSendingSchema},
		"customer": {"customer": CustomerSchema, SettingsContext: CustomerSendingSchema},
	},
	need: need{[]string{"customer"}, []string{"debtor", "customer"}, []string{"debtor"}},
	lane: Lane{Read: "customer", Back: "debtor", Write: "debtor"},
	settings: func(r *Recipe, values map[string]any, out *Settings) []Problem {
		s, problems := r.customerSettings(values)
		out.Customers = s
		return problems
	},
}

func (r *Recipe) customerSettings(v map[string]any) (*CustomerSettings, []Problem) {
	s := &CustomerSettings{}
	s.Direction, _ = v["direction"].(string)
	s.Create, _ = v["create"].(bool)
	s.Update, _ = v["update"].(bool)
	s.Match, _ = v["match"].([]string)
	s.CollectiveAccount, _ = v["collective_account"].(string)
	s.PaymentTerms, _ = v["payment_terms"].(map[string]string)
	s.Conflict, _ = v["conflict"].(string)
	s.TaxCodes = partyRules(v["tax_codes"], "code")
	s.RevenueAccounts = partyRules(v["revenue_accounts"], "account")
	var problems []Problem
	if s.Direction != "" && s.Direction != DirectionBoth && !slices.ContainsFunc(r.Lanes, func(l Lane) bool { return l.Name == s.Direction }) {
		problems = append(problems, Problem{"direction", "the recipe has no such direction", suggest(s.Direction, []string{DirectionBoth})})
	}
	if !s.Create && !s.Update {
		problems = append(problems, Problem{"update", "a flow that neither creates nor updates does nothing", "leave create or update switched on"})
	}
	var more []Problem
	s.Marks, more = r.marks(v)
	if slices.Contains(s.Match, MatchNumber) {
		// Who is recognised by a number is made with it.
		for _, t := range r.Write {
			for _, rule := range t.Rules() {
				if _, given := s.Marks[rule.Field]; !given && rule.Fixed && slices.Contains(rule.From, "customer.number") {
					s.Marks[rule.Field] = MarkCreate
				}
			}
		}
	}
	return s, append(problems, more...)
}

// partyRules reads a table by country, party and rate; value names the column of what is chosen.
func partyRules(v any, value string) []PartyRule {
	rows, _ := v.([]map[string]any)
	var out []PartyRule
	for _, row := range rows {
		var p PartyRule
		p.Country, _ = row["country"].(string)
		p.Party, _ = row["party"].(string)
		p.Value, _ = row[value].(string)
		if d, ok := row["rate"].(decimal.Decimal); ok {
			p.Rate = &d
		}
		out = append(out, p)
	}
	return out
}
