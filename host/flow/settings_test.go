package flow

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/pomost/pomost/recipes"
	"github.com/pomost/pomost/sdk/connector"
	"github.com/pomost/pomost/sdk/record"
)

const ordersRecipe = "accountview-eaccounting/orders"

func mustLoad(t testing.TB) *Recipe {
	t.Helper()
	r, err := LoadRecipe(recipes.FS, ordersRecipe)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestOrderSettingsDefaults(t *testing.T) {
	s, problems := mustLoad(t).ParseSettings(nil)
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	want := &OrderSettings{Statuses: []string{"ongoing", "shipped", "invoiced"}, Reference: "number", DefaultDebtorFor: "guests", Discounts: "price",
		PriceBasis: "auto", Edited: "ignore"}
	if diff := cmp.Diff(want, s.Orders); diff != "" {
		t.Error(diff)
	}
}

func TestOrderSettings(t *testing.T) {
	date := record.NewDate(2026, time.October, 1)
	s, problems := mustLoad(t).ParseSettings(map[string]any{
		"order_status": []any{"draft", "draft", "invoiced"}, "only_paid": true, "card_counts_as_paid": true, "start_date": "2026-10-01",
		"reference": "id", "reference_prefix": "WEB1-", "default_debtor": json.Number("10001"), "default_debtor_for": "all",
		"collective_customers": []any{json.Number("99"), "GUEST"}, "collective_account": json.Number("1210"),
		"shipping": map[string]any{"articles": "FREIGHT", "article": "VRACHT"}, "discounts": "line", "discount_article": "KORTING",
		"rounding_article": "AFR", "price_basis": "gross", "constants": map[string]any{"EMP_NR": json.Number("12"), "A8_FLAG": true, "X": "007"}, "edited": "hold",
		"document": "order",
	})
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	want := &OrderSettings{
		Statuses: []string{"draft", "invoiced"}, OnlyPaid: true, CardCountsAsPaid: true, StartDate: &date, Reference: "id", ReferencePrefix: "WEB1-",
		DefaultDebtor: "10001", DefaultDebtorFor: "all", CollectiveCustomers: []string{"99", "GUEST"}, CollectiveAccount: "1210",
		ShippingArticles: []string{"FREIGHT"}, ShippingArticle: "VRACHT", Discounts: "line", DiscountArticle: "KORTING", RoundingArticle: "AFR",
		PriceBasis: "gross", Constants: map[string]string{"EMP_NR": "12", "A8_FLAG": "true", "X": "007"}, Edited: "hold",
	}
	if diff := cmp.Diff(want, s.Orders); diff != "" {
		t.Error(diff)
	}
}

func TestBadOrderSettings(t *testing.T) {
	r := mustLoad(t)
	cases := []struct {
		key   string
		value any
		want  string // in the problem
	}{
		{"order_status", []any{"paid"}, "order_status[0]: unknown value paid; known are"},
		{"order_status", []any{"shiped"}, "did you mean shipped?"},
		{"order_status", []any{}, "has 0 elements"},
		{"order_status", map[string]any{}, "is a map, want text"},
		{"only_paid", "true", "is text, want true or false"},
		{"only_paid", json.Number("1"), "is a number, want true or false"},
		{"start_date", "2026-02-30", "is not a date"},
		{"start_date", "2026-01-31T00:00:00", "is not a date"},
		{"start_date", "0206-01-31", "cannot be right"},
		{"start_date", nil, "has no value"},
		{"reference", "nummer", "did you mean number?"},
		{"reference_prefix", strings.Repeat("x", 21), "has 21 characters, at most 20"},
		{"reference_prefix", "WEB ", "begins or ends with a space"},
		{"reference_prefix", "WEB\nX", "control character"},
		{"reference_prefix", "", "is empty"},
		{"reference_prefix", true, "is true or false, want text"},
		{"default_debtor", "12345678901", "at most 10"},
		{"default_debtor_for", "all", "has no effect without default_debtor"},
		{"default_debtor_for", "none", "unknown value none"},
		{"collective_customers", []any{nil}, "collective_customers[0]: is empty, want text"},
		{"shipping", "FREIGHT", "is text, want a map"},
		{"shipping", map[string]any{"article": "V"}, "shipping.article: has no effect without shipping.articles"},
		{"shipping", map[string]any{"articles": []any{"F"}, "account": "8050"}, "shipping.account does not work yet"},
		{"discounts", "article", "unknown value article"},
		{"tax_codes", []any{map[string]any{"country": "DE"}}, "tax_codes[0].code"},
		{"revenue_accounts", []any{map[string]any{"party": "person", "account": "8000"}}, "unknown value person"},
		{"payment_terms", []any{"30"}, "is a list, want a map"},
		{"price_basis", "brutto", "unknown value brutto"},
		{"constants", []any{"x"}, "is a list, want a map"},
		{"constants", map[string]any{"EMP_NR": []any{}}, "constants.EMP_NR: is a list, want text"},
		{"constants", map[string]any{"COMMENT1": "x"}, "constants.COMMENT1: the recipe fills this field itself"},
		{"constants", map[string]any{"ORD_NR": "x"}, "constants.ORD_NR: the destination numbers its orders itself"},
		{"edited", "credit", "the value credit does not work yet; use ignore or hold"},
		{"document", "invoice", "does not work yet"},
		{"order-status", []any{"draft"}, "did you mean order_status?"},
		{"daybok", "700", "did you mean daybook?"},
		{"banana", 1, "unknown setting banana; known are"},
	}
	for _, c := range cases {
		_, problems := r.ParseSettings(map[string]any{c.key: c.value})
		if len(problems) != 1 || !strings.Contains(problems[0].String(), c.want) {
			t.Errorf("%s = %v: %v, want %q", c.key, c.value, problems, c.want)
		}
	}
	all := map[string]any{}
	for _, c := range cases {
		all[c.key] = c.value
	}
	if _, problems := r.ParseSettings(all); len(problems) < 12 {
		t.Errorf("all problems must come at once: %v", problems)
	}
}

// TestSettingsOfTheContract: the keys of DESIGN section 7 are all there, and those that do not work yet are refused.
func TestSettingsOfTheContract(t *testing.T) {
	r := mustLoad(t)
	var have, planned []string
	for _, s := range r.Settings {
		have = append(have, s.Key)
		if s.Planned {
			planned = append(planned, s.Key)
			_, problems := r.ParseSettings(map[string]any{s.Key: "x"})
			if len(problems) != 1 || problems[0].Message != "the setting "+s.Key+" does not work yet" || problems[0].Remedy != "leave it out" {
				t.Errorf("%s: %v", s.Key, problems)
			}
		}
		if s.Help == "" {
			t.Errorf("%s has no help", s.Key)
		}
	}
	slices.Sort(have)
	slices.Sort(planned)
	want := strings.Fields(`card_counts_as_paid collective_account collective_customers constants daybook default_debtor default_debtor_for discount_article
		discounts document draft edited only_paid order_status payment_methods payment_terms price_basis reference reference_prefix revenue_accounts
		rounding_account rounding_article shipping shipping_methods start_date tax_codes`)
	if diff := cmp.Diff(want, have); diff != "" {
		t.Error(diff)
	}
	want = strings.Fields(`daybook draft rounding_account`)
	if diff := cmp.Diff(want, planned); diff != "" {
		t.Error(diff)
	}
}

func TestFacts(t *testing.T) {
	r := mustLoad(t)
	item := func(a ...string) connector.ListItem {
		m := map[string]string{}
		for i := 0; i < len(a); i += 2 {
			m[a[i]] = a[i+1]
		}
		return connector.ListItem{Attributes: m}
	}
	for _, c := range []struct {
		items []connector.ListItem
		want  string
		ok    bool
	}{
		{nil, "", false},
		{[]connector.ListItem{item("type", "1", "gross", "true"), item("sales", "true", "gross", "false")}, "false", true},
		{[]connector.ListItem{item("sales", "true", "gross", "true"), item("sales", "true", "gross", "false")}, "", false},
		{[]connector.ListItem{item("sales", "true")}, "", false},
	} {
		if got, ok := r.Facts.PriceBasis.From(c.items); got != c.want || ok != c.ok {
			t.Errorf("%v: %q %v", c.items, got, ok)
		}
	}
	if !r.Terms.Card(item("type", "3")) || r.Terms.Card(item("type", "0")) || r.Terms.Card(item()) {
		t.Error("card terms")
	}
	if got := r.Facts.PriceDecimals.In(soSchema(2)); got != 2 {
		t.Errorf("price decimals %d", got)
	}
	if got := r.Facts.PriceDecimals.In(soSchema(-1)); got != 4 {
		t.Errorf("price decimals where the schema does not tell: %d", got)
	}
}
