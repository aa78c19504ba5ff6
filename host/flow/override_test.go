package flow

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/pomost/pomost/sdk/decimal"
	"github.com/pomost/pomost/sdk/record"
)

// overridden is a recipe with rules of a flow's own.
func overridden(t *testing.T, mapping string) (*Recipe, []Problem) {
	t.Helper()
	r := mustLoad(t)
	dec := json.NewDecoder(strings.NewReader(mapping))
	dec.UseNumber()
	var m map[string]any
	if err := dec.Decode(&m); err != nil {
		t.Fatal(err)
	}
	return r, r.Adopt(Flow{Mapping: m})
}

var debtorOut = record.MustSchema("AR1", text("ACCT_NAME"), text("CITY"), text("ST_STREET"), text("ST_NR"), scalar("CRED_LIM", record.KindDecimal), text("TEL_BUS"), text("X"))

func TestOverride(t *testing.T) {
	r, problems := overridden(t, `{"debtor": {
		"CITY": {"expression": "upper(customer.address.city) + ' (' + customer.address.country + ')'"},
		"ACCT_NAME": {"mark": "never"},
		"CRED_LIM": {"const": 2500.50},
		"TEL_BUS": {"from": "customer.mobile", "do": "digits"},
		"ST_STREET": {"function": "split", "takes": ["customer.address.address1", "customer.address.country"], "gives": "name", "needs": "number"},
		"ST_NR": {"function": "split", "takes": ["customer.address.address1", "customer.address.country"], "gives": "number"},
		"X": {"from": "customer.number", "table": {"a": "A"}}},
		"order": {"COMMENT2": {"from": "source.Custom"}}}`)
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	home := rec(t, AddressSchema, "address1", "Dam 1", "city", "Amsterdam", "country", "NL")
	cust := rec(t, CustomerSchema, "name", "Jansen", "mobile", "06-12", "phone", "020-1", "number", "a")
	cust.MustSet("address", record.Nested(home))
	own := record.New(record.MustSchema("customers", text("Custom")))
	own.MustSet("Custom", record.Text("a"))
	ctx := Context{"customer": cust, "settings": record.New(CustomerSendingSchema), SourceContext: own}
	if m := r.Write["order"].Map(ctx, nil, soSchema(4)); m.Record.Get("COMMENT2").String() != "a" {
		t.Errorf("COMMENT2 = %s", m.Record.Get("COMMENT2"))
	}
	m := r.Write["debtor"].Map(ctx, nil, debtorOut)
	if len(m.Calls) != 1 || m.Calls[0].Function != "split" || fmt.Sprint(m.Calls[0].Args) != "[Dam 1 NL]" {
		t.Fatalf("calls %v", m.Calls)
	}
	known := Results{m.Calls[0].ID(): {Outputs: map[string]record.Value{"name": record.Text("Dam"), "number": record.Text("1")}}}
	m = r.Write["debtor"].Map(ctx, nil, debtorOut, known)
	for field, want := range map[string]string{"CITY": "AMSTERDAM (NL)", "ACCT_NAME": "", "CRED_LIM": "2500.5", "TEL_BUS": "0612", "ST_STREET": "Dam", "ST_NR": "1", "X": "A"} {
		if got := m.Record.Get(field).String(); got != want {
			t.Errorf("%s = %q, want %q", field, got, want)
		}
	}
	// What the function is not sure of is emptied; what it fails at holds the record.
	known[m.key(ctx)] = Result{Outputs: map[string]record.Value{"name": record.Text("Dam 1"), "number": record.Absent()}}
	if m = r.Write["debtor"].Map(ctx, nil, debtorOut, known); m.Record.Get("ST_STREET").Kind() != record.KindNull {
		t.Errorf("ST_STREET = %s", m.Record.Get("ST_STREET"))
	}
	known[m.key(ctx)] = Result{Failure: "it was killed", Remedy: "retry"}
	m = r.Write["debtor"].Map(ctx, nil, debtorOut, known)
	if !slices.ContainsFunc(m.Holds, func(h Hold) bool {
		return h.Cause == "function_failed" && h.Field == "ST_STREET" && h.Remedy == "retry"
	}) {
		t.Errorf("holds %v", m.Holds)
	}
}

// key is the ID of the one call that these tests make.
func (Mapped) key(ctx Context) string {
	a, _ := ctx["customer"].Get("address").AsRecord()
	return Call{"split", []record.Value{a.Get("address1"), a.Get("country")}}.ID()
}

// TestOverrideKeepsMark: another value is no word about when it may be written.
func TestOverrideKeepsMark(t *testing.T) {
	r, problems := overridden(t, `{"debtor": {"TEL_BUS": {"const": "1"}, "SRC_CODE": {"const": "X", "mark": "update"}}, "order": {"SO_LINE.ART_PX": {"expression": "line.price * 2"}}}`)
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	if m := r.Write["debtor"].rule("TEL_BUS").Mark; m != MarkWhenEmpty {
		t.Errorf("TEL_BUS has the mark %s", m)
	}
	if m := r.Write["debtor"].rule("SRC_CODE").Mark; m != MarkUpdate {
		t.Errorf("SRC_CODE has the mark %s", m)
	}
	line := record.New(OutgoingRowSchema)
	line.MustSet("article", record.Text("A"))
	line.MustSet("quantity", record.Decimal(decimal.New(1, 0)))
	line.MustSet("price", record.Decimal(decimal.MustParse("1.05")))
	m := r.Write["order"].Map(Context{}, []record.Record{line}, soSchema(4))
	row, _ := m.Record.Get("SO_LINE").AsList()[0].AsRecord()
	if row.Get("ART_PX").String() != "2.1" {
		t.Errorf("price %s", row.Get("ART_PX"))
	}
}

func TestWrongOverrides(t *testing.T) {
	for _, c := range []struct{ mapping, path, message string }{
		{`{"debtr": {}}`, "debtr", "writes no debtr"},
		{`{"debtor": []}`, "debtor", "want a map of fields"},
		{`{"debtor": {"SUB_NR": {"const": "1"}}}`, "debtor.SUB_NR", "gives this key itself"},
		{`{"debtor": {"CITY": {"from": "customer.adress.city"}}}`, "debtor.CITY", "has no field"},
		{`{"debtor": {"CITY": {"frm": "x", "const": "y"}}}`, "debtor.CITY", "frm"},
		{`{"debtor": {"CITY": {"expression": "customer.name * 2"}}}`, "debtor.CITY", "wants numbers"},
		{`{"debtor": {"CITY": {"expression": "1 +"}}}`, "debtor.CITY.expression", "ends too early"},
		{`{"debtor": {"CITY": {"from": "x", "const": "y"}}}`, "debtor.CITY", "exactly one"},
		{`{"debtor": {"NEW": {"mark": "never"}}}`, "debtor.NEW", "does not say where"},
		{`{"debtor": {"CITY": {"mark": "sometimes"}}}`, "debtor.CITY.mark", "unknown word"},
		{`{"debtor": {"CITY": {"needs": "x"}}}`, "debtor.CITY", "function"},
		{`{"debtor": {"A.B": {"const": "x"}}}`, "debtor.A.B", "makes no rows"},
		{`{"debtor": {"CITY": {"function": "split"}}}`, "debtor.CITY", "wants takes and gives"},
		{`{"order": {"SO_LINE.ART_PX": {"from": "lin.price"}}}`, "order.SO_LINE.ART_PX", "there is no lin"},
	} {
		_, problems := overridden(t, c.mapping)
		found := false
		for _, p := range problems {
			found = found || strings.HasPrefix(p.Path, c.path) && strings.Contains(p.Message, c.message)
		}
		if !found {
			t.Errorf("%s: %v, want %s: %s", c.mapping, problems, c.path, c.message)
		}
	}
}

// TestFunctionSignatures: a rule that calls a function wrongly is found before anything is called.
func TestFunctionSignatures(t *testing.T) {
	r, problems := overridden(t, `{"debtor": {"CITY": {"function": "split", "takes": ["customer.name", "customer.private"], "gives": "nam"},
		"ST_NR": {"function": "splt", "takes": ["customer.name"], "gives": "name"}, "CRED_LIM": {"function": "one", "takes": ["customer.name"], "gives": "yes"}}}`)
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	r.Functions = map[string]Signature{"split": {[]record.Kind{kText, kText}, map[string]record.Kind{"name": kText}}, "one": {[]record.Kind{kText}, map[string]record.Kind{"yes": kBool}}}
	got := fmt.Sprint(r.Validate(nil, map[string]*record.Schema{"AR1": debtorOut}))
	for _, want := range []string{"the function split takes a text, customer.private is a bool", "gives no nam; did you mean name?", "there is no function splt", "a bool cannot become a decimal"} {
		if !strings.Contains(got, want) {
			t.Errorf("%s is not found in %s", want, got)
		}
	}
}
