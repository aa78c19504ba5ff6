package flow

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pomost/pomost/recipes"
	"github.com/pomost/pomost/sdk/decimal"
	"github.com/pomost/pomost/sdk/record"
)

func shipped(t *testing.T, name string) *Recipe {
	t.Helper()
	r, err := LoadRecipe(recipes.FS, "accountview-eaccounting/"+name)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestEAN(t *testing.T) {
	for _, c := range []struct {
		in, out string
		ok      bool
	}{
		{"8712345678906", "8712345678906", true}, {" 8 712345-678906 ", "8712345678906", true}, {"4006381333931", "4006381333931", true},
		{"96385074", "96385074", true}, {"036000291452", "036000291452", true}, {"10012345678902", "10012345678902", true},
		{"8712345678905", "8712345678905", false}, {"123", "", false}, {"", "", false}, {"0000000000000", "", false}, {"871234567890X", "", false}, {"ART-96385074", "", false},
	} {
		got, ok := EAN(c.in)
		if ok != c.ok || ok && got != c.out {
			t.Errorf("%q: %q %t", c.in, got, ok)
		}
	}
	if !SameEAN("036000291452", "0036000291452") || SameEAN("", "") || SameEAN("96385074", "8712345678906") {
		t.Error("SameEAN")
	}
}

func TestHTMLText(t *testing.T) {
	for in, want := range map[string]string{
		"plain  text\nsecond line":                          "plain text\nsecond line",
		"<p>Een <b>mok</b> &amp; schotel.</p><p>Tweede</p>": "Een mok & schotel.\nTweede",
		"a<br>b<br/>c": "a\nb\nc",
		"<ul>\n<li>een</li>\n<li class='x'>twee</li></ul>":  "- een\n- twee",
		"gewicht < 5 kg, > 3 kg":                            "gewicht < 5 kg, > 3 kg",
		"<style>p{color:red}</style><!-- x --><p>tekst</p>": "tekst",
		"<script>alert(1)</script>":                         "",
		"&euro; 5 &lt;b&gt;":                                "€ 5 <b>",
		"<div>a</div>\r\n\r\n\r\n<div>b</div>":              "a\nb",
		"":                                                  "",
	} {
		if got := htmlText(in); got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
}

func TestProductSettings(t *testing.T) {
	r := shipped(t, "products")
	s, problems := r.ParseSettings(map[string]any{
		"key": "both", "filter": map[string]any{"AG_CODE": []any{"TUIN", "HUIS"}, "K1_WEB": true, "X": "1"}, "fields": map[string]any{"Name": "update"},
		"codings": []any{map[string]any{"group": "A", "type": "service"}, map[string]any{"vat_code": "2", "rate": "9", "coding": "Goederen 9%"}},
		"units":   map[string]any{"ST": "stuk", "*": "stuk"}, "attributes": map[string]any{"NameEnglish": "K1_ENG"}, "price_basis": "gross",
	})
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	nine := decimal.New(9, 0)
	want := &ProductSettings{Key: KeyBoth, Marks: map[string]Mark{"Name": MarkUpdate}, Attributes: map[string]string{"NameEnglish": "K1_ENG"},
		Filter:  map[string][]string{"AG_CODE": {"TUIN", "HUIS"}, "K1_WEB": {"true"}, "X": {"1"}},
		Codings: []CodingRule{{Group: "A", Type: "service"}, {VATCode: "2", Rate: &nine, Coding: "Goederen 9%"}}, Units: map[string]string{"ST": "stuk", "*": "stuk"}, PriceBasis: "gross"}
	if diff := cmp.Diff(want, s.Products); diff != "" {
		t.Error(diff)
	}
	s, problems = r.ParseSettings(nil)
	if len(problems) > 0 || s.Products.Key != KeySKU || s.Products.PriceBasis != "auto" {
		t.Errorf("defaults: %+v %v", s.Products, problems)
	}
	for path, raw := range map[string]map[string]any{
		"key":                     {"key": "number"},
		"codings[0]":              {"codings": "x"},
		"codings[1]":              {"codings": []any{map[string]any{"rate": "9"}, map[string]any{"group": "A"}}},
		"codings[0].colour":       {"codings": []any{map[string]any{"colour": "A", "rate": "9"}}},
		"codings[0].rate":         {"codings": []any{map[string]any{"rate": "nine"}}},
		"attributes.StockBalance": {"attributes": map[string]any{"StockBalance": "QTY_AVAIL"}},
		"attributes.Id":           {"attributes": map[string]any{"Id": "X"}},
		"attributes.Number":       {"attributes": map[string]any{"Number": "X"}},
		"attributes.CodingId":     {"attributes": map[string]any{"CodingId": "X"}},
		"attributes.Barcodes":     {"attributes": map[string]any{"Barcodes": "X"}},
		"fields.Nmae":             {"fields": map[string]any{"Nmae": "update"}},
		"fields.Name":             {"fields": map[string]any{"Name": "sometimes"}},
	} {
		if _, problems := r.ParseSettings(raw); !slices.ContainsFunc(problems, func(p Problem) bool { return p.Path == path }) {
			t.Errorf("%v: %v, want a problem at %s", raw, problems, path)
		}
	}
}

// A field by hand takes over the recipe's rule with its transforms, its length and its mark; another one is added.
func TestTargetWith(t *testing.T) {
	r := shipped(t, "products")
	target := r.Write["article"].With(map[string]string{"Note": "K1_WEB", "NameEnglish": "@short"})
	source := record.MustSchema("AK1", text("K1_WEB"), record.Field{Name: "K1_S", Type: record.Scalar(record.KindText), Role: "short"})
	out := record.MustSchema("ArticleApi", record.Field{Name: "Note", Type: record.Scalar(record.KindText), Length: 4000}, record.Field{Name: "NameEnglish", Type: record.Scalar(record.KindText), Length: 10})
	src := rec(t, source, "K1_WEB", "<p>web</p>", "K1_S", "a text")
	m := target.Map(Context{SourceContext: src, "item": record.New(ItemSchema), "sending": record.New(ItemSendingSchema)}, nil, out)
	if m.Record.Get("Note").AsText() != "web" || m.Record.Get("NameEnglish").AsText() != "a text" {
		t.Errorf("%s", m.Record)
	}
	src.MustSet("K1_S", record.Text("a code that is too long"))
	if m = target.Map(Context{SourceContext: src, "item": record.New(ItemSchema), "sending": record.New(ItemSendingSchema)}, nil, out); !slices.ContainsFunc(m.Holds, func(h Hold) bool { return h.Field == "NameEnglish" && h.Cause == "length" }) {
		t.Errorf("a code is cut: %s %v", m.Record, m.Holds)
	}
	if rule := target.rule("Note"); rule.Mark != MarkCreate {
		t.Errorf("%+v", rule)
	}
	if r.Write["article"].rule("NameEnglish") != nil || r.Write["article"].rule("Note").From[0] != "item.description" {
		t.Error("the recipe itself was changed")
	}
	problems := r.ValidateTarget("article", r.Write["article"].With(map[string]string{"NameEnglish": "K1_NONE"}), map[string]*record.Schema{"AK1": source}, nil)
	if !slices.ContainsFunc(problems, func(p Problem) bool { return p.Path == "NameEnglish" }) {
		t.Errorf("%v", problems)
	}
}

func TestFormula(t *testing.T) {
	words := map[string]string{"available": "20", "reserved": "2", "ordered": "7.5", "K1_X": "0.1"}
	value := func(w string) (decimal.Decimal, bool) {
		s, ok := words[w]
		if !ok {
			return decimal.Zero, false
		}
		return decimal.MustParse(s), true
	}
	for in, want := range map[string]string{
		"available": "20", "available - reserved": "18", "available-reserved-1": "17", "available + ordered / 2": "23.75", "(available + 1) * 2": "42",
		"-reserved + available": "18", "2 * -reserved": "-4", "available * K1_X * K1_X": "0.2", "10 / 4": "2.5", "1 / 3": "0.3333333333", "((3))": "3", "available - (reserved - 1)": "19",
	} {
		f, err := ParseFormula(in)
		if err != nil {
			t.Errorf("%q: %v", in, err)
			continue
		}
		got, missing, err := f.Eval(value)
		if err != nil || missing != "" || got.String() != want {
			t.Errorf("%q: %s %q %v, want %s", in, got, missing, err, want)
		}
	}
	for _, bad := range []string{"", "available -", "(available", "available)", "1 2", "a b", "1..2", "3x", "a $ b", "*2", strings.Repeat("(", 200), strings.Repeat("-", 200) + "1", strings.Repeat("1+", 600) + "1"} {
		if _, err := ParseFormula(bad); err == nil {
			t.Errorf("%q is taken", bad)
		}
	}
	f, _ := ParseFormula("available - free")
	if _, missing, _ := f.Eval(value); missing != "free" {
		t.Errorf("missing %q", missing)
	}
	f, _ = ParseFormula("available / (reserved - 2)")
	if _, _, err := f.Eval(value); err == nil {
		t.Error("divides by zero")
	}
	f, _ = ParseFormula("9999999999 * 9999999999 * 9999999999")
	if _, _, err := f.Eval(value); err == nil {
		t.Error("a number without bounds")
	}
}

func TestStockSettings(t *testing.T) {
	r := shipped(t, "stock")
	s, problems := r.ParseSettings(nil)
	if len(problems) > 0 || !s.Stock.Needs("reserved") || !s.Stock.InFlight || s.Stock.Negative != NegativeZero || s.Stock.ManageStock != ManageKeep || s.Stock.FormulaName != "available_minus_reserved" {
		t.Errorf("defaults: %+v %v", s.Stock, problems)
	}
	s, problems = r.ParseSettings(map[string]any{"formula": "technical - K1_SHOW", "buffer": "2.5", "in_flight": false, "manage_stock": "no", "negative": "send"})
	if len(problems) > 0 || !slices.Equal(s.Stock.Own(), []string{"K1_SHOW"}) || s.Stock.Buffer.String() != "2.5" || s.Stock.InFlight || s.Stock.ManageStock != ManageNo {
		t.Errorf("%+v %v", s.Stock, problems)
	}
	for _, raw := range []map[string]any{{"formula": "avail"}, {"formula": "available -"}, {"buffer": "-1"}, {"buffer": "x"}, {"negative": "nil"}, {"manage_stock": "maybe"}} {
		if _, problems := r.ParseSettings(raw); len(problems) == 0 {
			t.Errorf("%v is taken", raw)
		}
	}
}
