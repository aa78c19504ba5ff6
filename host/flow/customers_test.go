package flow

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pomost/pomost/recipes"
	"github.com/pomost/pomost/sdk/decimal"
	"github.com/pomost/pomost/sdk/record"
)

const customersRecipe = "accountview-eaccounting/customers"

func customers(t testing.TB) *Recipe {
	t.Helper()
	r, err := LoadRecipe(recipes.FS, customersRecipe)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestCustomerSettings(t *testing.T) {
	r := customers(t)
	s, problems := r.ParseSettings(nil)
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	want := &CustomerSettings{Create: true, Update: true, Match: []string{"email"}, Conflict: "source", Marks: map[string]Mark{}}
	if diff := cmp.Diff(want, s.Customers); diff != "" {
		t.Error(diff)
	}
	s, problems = r.ParseSettings(map[string]any{
		"direction": "both", "create": false, "match": []any{"number", "email"}, "collective_account": json.Number("1210"), "conflict": "newest",
		"fields":           map[string]any{"CITY": "never", "InvoiceCity": "create"},
		"tax_codes":        []any{map[string]any{"country": "DE", "party": "private", "rate": json.Number("19"), "code": json.Number("5")}},
		"revenue_accounts": map[string]any{"account": "8020"},
		"payment_terms":    map[string]any{"30 dagen netto": json.Number("30")},
	})
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	rate := decimal.MustParse("19")
	want = &CustomerSettings{Direction: "both", Update: true, Match: []string{"number", "email"}, CollectiveAccount: "1210", Conflict: "newest",
		// Who is recognised by a number is made with it, on both sides.
		Marks:    map[string]Mark{"CITY": MarkNever, "InvoiceCity": MarkCreate, "SUB_NR": MarkCreate, "CustomerNumber": MarkCreate},
		TaxCodes: []PartyRule{{Country: "DE", Party: "private", Rate: &rate, Value: "5"}}, RevenueAccounts: []PartyRule{{Value: "8020"}},
		PaymentTerms: map[string]string{"30 dagen netto": "30"}}
	if diff := cmp.Diff(want, s.Customers, cmp.Comparer(func(a, b *decimal.Decimal) bool { return a == b || a != nil && b != nil && a.Equal(*b) })); diff != "" {
		t.Error(diff)
	}
	for key, bad := range map[string]any{
		"fields.ACCT_NR":          map[string]any{"fields": map[string]any{"ACCT_NR": "update"}},
		"fields.TermsOfPaymentId": map[string]any{"fields": map[string]any{"TermsOfPaymentId": "never"}},
		"fields.CITY":             map[string]any{"fields": map[string]any{"CITY": "Always"}},
		"tax_codes[0].code":       map[string]any{"tax_codes": []any{map[string]any{"country": "DE"}}},
		"tax_codes[1]":            map[string]any{"tax_codes": []any{map[string]any{"code": "1"}, "DE"}},
		"revenue_accounts[0].vat": map[string]any{"revenue_accounts": []any{map[string]any{"account": "8000", "vat": "1"}}},
		"update":                  map[string]any{"create": false, "update": false},
	} {
		_, problems := r.ParseSettings(bad.(map[string]any))
		if len(problems) != 1 || problems[0].Path != key || problems[0].Remedy == "" {
			t.Errorf("%s: %+v", key, problems)
		}
	}
}

func TestMarked(t *testing.T) {
	r := customers(t)
	out := r.Marked(map[string]Mark{"InvoiceAddress1": MarkCreate, "Name": MarkWhenEmpty})
	marks := func(r *Recipe) map[string]Mark {
		m := map[string]Mark{}
		for _, rule := range r.Write["customer"].Rules() {
			m[rule.Field] = rule.Mark
		}
		return m
	}
	before, after := marks(r), marks(out)
	// What the first line has no room for goes its way.
	for field, want := range map[string]Mark{"InvoiceAddress1": MarkCreate, "InvoiceAddress2": MarkCreate, "Name": MarkWhenEmpty, "InvoiceCity": MarkUpdate} {
		if after[field] != want {
			t.Errorf("%s: %s, want %s", field, after[field], want)
		}
		if before[field] != MarkUpdate {
			t.Errorf("%s: the recipe itself was changed", field)
		}
	}
}

// What the two lanes write of a customer, and what the orders flow writes of the same debtor, must be one thing: their hashes are shared.
func TestDebtorIsOneThing(t *testing.T) {
	inOrders := map[string]Rule{}
	for _, r := range mustLoad(t).Write["debtor"].Rules() {
		inOrders[r.Field] = r
	}
	unbound := func(r Rule) Rule {
		r.from, r.when, r.notEqual = nil, source{}, source{}
		for i := range r.Do {
			r.Do[i].arg = source{}
		}
		r.Fixed = false
		return r
	}
	for _, r := range customers(t).Write["debtor"].Rules() {
		other, ok := inOrders[r.Field]
		if !ok {
			continue
		}
		if diff := cmp.Diff(unbound(other), unbound(r), cmp.AllowUnexported(Rule{}, source{}, Step{})); diff != "" {
			t.Errorf("%s differs between the recipes of orders and customers:\n%s", r.Field, diff)
		}
	}
}

func TestDivide(t *testing.T) {
	for _, c := range []struct{ in, line, rest string }{
		{"Kade 1", "Kade 1", ""},
		{"exactly ten", "exactly", "ten"},
		{"0123456789", "0123456789", ""},
		{"0123456789 ", "0123456789", ""},
		{"Kade 1, loods, hal 3 b", "Kade 1", "loods, hal 3 b"},
		{"Straat 12a te Utrecht", "Straat 12a", "te Utrecht"},
		{"Donaudampfschifffahrt", "Donaudampfschifffahrt", ""},
		{"Łódź ÅÄÖ ßéñ ü", "Łódź ÅÄÖ", "ßéñ ü"},
		{"", "", ""},
	} {
		if line, rest := Divide(c.in, 10); line != c.line || rest != c.rest {
			t.Errorf("%q: %q, %q; want %q, %q", c.in, line, rest, c.line, c.rest)
		}
	}
}

func TestRestOf(t *testing.T) {
	target := record.MustSchema("t", record.Field{Name: "A1", Type: record.Scalar(record.KindText), Length: 10}, record.Field{Name: "A2", Type: record.Scalar(record.KindText), Length: 10})
	m := &Mapping{rules: []Rule{{Field: "A1", From: []string{"c.name"}}, {Field: "A2", RestOf: "A1"}}}
	m.bind("", nil)
	in := record.MustSchema("c", text("name"))
	for _, c := range []struct{ name, a1, a2, cause string }{
		{"Kade 1", "Kade 1", "null", ""},
		{"Kade 1, hal 3", "Kade 1", "hal 3", ""},
		{"", "absent", "absent", ""},
		{"Donaudampfschifffahrt", "absent", "null", "length"},
		{"Kade 1, een hele lange hal", "Kade 1", "absent", "length"},
	} {
		rec := record.New(in)
		rec.MustSet("name", record.Text(c.name))
		got := m.Map(Context{"c": rec}, nil, target)
		show := func(v record.Value) string {
			switch v.Kind() {
			case record.KindAbsent:
				return "absent"
			case record.KindNull:
				return "null"
			}
			return v.AsText()
		}
		if a1, a2 := show(got.Record.Get("A1")), show(got.Record.Get("A2")); a1 != c.a1 || a2 != c.a2 {
			t.Errorf("%q: %s, %s", c.name, a1, a2)
		}
		if c.cause == "" && len(got.Holds) > 0 || c.cause != "" && (len(got.Holds) != 1 || got.Holds[0].Cause != c.cause) {
			t.Errorf("%q: %+v", c.name, got.Holds)
		}
	}
	bad := &Mapping{rules: []Rule{{Field: "A2", RestOf: "A1"}, {Field: "A1", From: []string{"c.name"}}}}
	bad.bind("", nil)
	if problems := bad.Validate(map[string]*record.Schema{"c": in}, target, nil); len(problems) != 1 {
		t.Errorf("a rest before its field: %+v", problems)
	}
}

// What nobody stated is known as such: the country of the company in place of the customer's own.
func TestAssumed(t *testing.T) {
	r := customers(t)
	schema := record.MustSchema("CONTACT", record.Field{Name: "CNT_CODE", Type: record.Scalar(record.KindText), Length: 2})
	set := record.New(CustomerSendingSchema)
	set.MustSet("country", record.Text("NL"))
	address := record.New(AddressSchema)
	target := Target{Mapping: Mapping{rules: []Rule{*r.Write["debtor"].rule("CNT_CODE")}}}
	for _, country := range []string{"", "SE"} {
		address.MustSet("country", record.Text(country))
		c := record.New(CustomerSchema)
		c.MustSet("address", record.Nested(address))
		got := target.Map(Context{"customer": c, SettingsContext: set}, nil, schema)
		if assumed := len(got.Assumed) == 1; assumed != (country == "") || got.Record.Get("CNT_CODE").AsText() == "" {
			t.Errorf("%q: %v, assumed %v", country, got.Record.Get("CNT_CODE"), got.Assumed)
		}
	}
}
