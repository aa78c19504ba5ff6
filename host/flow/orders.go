package flow

import (
	"slices"

	"github.com/pomost/pomost/sdk/record"
)

// OrderSettings are the settings of a flow of orders (DESIGN section 7).
type OrderSettings struct {
	// Statuses are those in which an order is wanted: draft, ongoing, shipped, invoiced.
	Statuses                   []string
	OnlyPaid, CardCountsAsPaid bool
	// StartDate bounds the document's date; nil is no bound.
	StartDate *record.Date
	// Reference is what an order is found by: number, buyers_reference or id; ReferencePrefix stands before it.
	Reference, ReferencePrefix string
	// DefaultDebtor takes the orders of guests, or of all, as DefaultDebtorFor says.
	DefaultDebtor, DefaultDebtorFor string
	// CollectiveCustomers are the source's customer numbers under which guests buy.
	CollectiveCustomers []string
	CollectiveAccount   string
	// ShippingArticles are the source's articles for freight; ShippingArticle is ours, "" for the same code.
	ShippingArticles []string
	ShippingArticle  string
	// TaxCodes and RevenueAccounts choose by country, party and rate; the first row whose conditions hold wins.
	TaxCodes, RevenueAccounts []PartyRule
	// PaymentTerms, PaymentMethods and ShippingMethods give the destination's codes for what the source calls by these names, codes or keys.
	PaymentTerms, PaymentMethods, ShippingMethods map[string]string
	// Discounts is price, line or field.
	Discounts, DiscountArticle, RoundingArticle string
	// PriceBasis is auto, net or gross.
	PriceBasis string
	// Constants are values for fields of the destination's order, by field.
	Constants map[string]string
	// Edited is what becomes of an order that changes after it was sent: ignore or hold.
	Edited string
}

func orderSettings(v map[string]any) *OrderSettings {
	text := func(key string) string { t, _ := v[key].(string); return t }
	flag := func(key string) bool { b, _ := v[key].(bool); return b }
	list := func(key string) []string { l, _ := v[key].([]string); return l }
	s := &OrderSettings{
		Statuses: list("order_status"), OnlyPaid: flag("only_paid"), CardCountsAsPaid: flag("card_counts_as_paid"),
		Reference: text("reference"), ReferencePrefix: text("reference_prefix"),
		DefaultDebtor: text("default_debtor"), DefaultDebtorFor: text("default_debtor_for"),
		CollectiveCustomers: list("collective_customers"), CollectiveAccount: text("collective_account"),
		Discounts: text("discounts"), DiscountArticle: text("discount_article"), RoundingArticle: text("rounding_article"),
		PriceBasis: text("price_basis"), Edited: text("edited"),
	}
	if d, ok := v["start_date"].(record.Date); ok {
		s.StartDate = &d
	}
	if shipping, ok := v["shipping"].(map[string]any); ok {
		s.ShippingArticles, _ = shipping["articles"].([]string)
		s.ShippingArticle, _ = shipping["article"].(string)
	}
	table := func(key string) map[string]string { m, _ := v[key].(map[string]string); return m }
	s.Constants, s.PaymentTerms, s.PaymentMethods, s.ShippingMethods = table("constants"), table("payment_terms"), table("payment_methods"), table("shipping_methods")
	s.TaxCodes, s.RevenueAccounts = partyRules(v["tax_codes"], "code"), partyRules(v["revenue_accounts"], "account")
	return s
}

// silent tells that a rule fills its field from a table that is not set.
func (s *OrderSettings) silent(r Rule) bool {
	switch {
	case slices.Equal(r.From, []string{"sending.payment_terms"}):
		return len(s.PaymentTerms)+len(s.PaymentMethods) == 0
	case slices.Equal(r.From, []string{"sending.delivery_method"}):
		return len(s.ShippingMethods) == 0
	}
	return false
}

// checkOrderSettings finds settings that contradict one another or the recipe.
func (r *Recipe) checkOrderSettings(s *OrderSettings, v map[string]any) []Problem {
	var out []Problem
	if target := r.Write["order"]; target != nil {
		for _, rule := range target.Rules() {
			if _, both := s.Constants[rule.Field]; both && !s.silent(rule) {
				out = append(out, Problem{"constants." + rule.Field, "the recipe fills this field itself", "leave it out"})
			}
		}
		if _, both := s.Constants[target.Key]; both {
			out = append(out, Problem{"constants." + target.Key, "the destination numbers its orders itself", "leave it out"})
		}
	}
	if s.DefaultDebtorFor == "all" && s.DefaultDebtor == "" {
		out = append(out, Problem{"default_debtor_for", "has no effect without default_debtor", "set default_debtor, or leave it out"})
	}
	if shipping, ok := v["shipping"].(map[string]any); ok && shipping["article"] != nil && shipping["articles"] == nil {
		out = append(out, Problem{"shipping.article", "has no effect without shipping.articles", "name the source's articles that are freight in shipping.articles"})
	}
	return out
}
