package decide

import (
	"strings"
	"testing"

	"github.com/pomost/pomost/host/flow"
	"github.com/pomost/pomost/sdk/connector"
	"github.com/pomost/pomost/sdk/decimal"
	"github.com/pomost/pomost/sdk/record"
)

func item(pairs ...string) record.Record {
	r := record.New(flow.ItemSchema)
	for i := 0; i < len(pairs); i += 2 {
		f, _ := flow.ItemSchema.Field(pairs[i])
		v, err := flow.Convert(record.Text(pairs[i+1]), f.Type.Kind)
		if err != nil {
			panic(err)
		}
		r.MustSet(pairs[i], v)
	}
	return r
}

func someItems() *Items {
	coding := func(key, name, rate string, service bool) Coding {
		return Coding{Key: key, Name: name, Rate: decimal.MustParse(rate), Service: service}
	}
	return &Items{
		Settings: flow.ProductSettings{Key: flow.KeySKU}, Currency: "EUR", SourceCurrency: "EUR", PriceDecimals: 2, OwnCoding: true,
		VATRates: map[string]decimal.Decimal{"1": decimal.New(21, 0), "2": decimal.New(9, 0), "7": decimal.New(6, 0)},
		Codings:  []Coding{coding("d21", "Diensten 21%", "21", true), coding("g0", "Goederen 0%", "0", false), coding("g21", "Goederen 21%", "21", false), coding("g21b", "Speciaal", "21", false), coding("g9", "Goederen 9%", "9", false)},
		Units: []connector.ListItem{{ID: "u1", Name: "doos", Attributes: map[string]string{"code": "BX", "abbreviation": "ds"}},
			{ID: "u2", Name: "stuk", Attributes: map[string]string{"code": "C62", "abbreviation": "st"}}},
		UnitList: flow.UnitList{Names: []string{"code", "abbreviation"}, Piece: []string{"C62"}},
	}
}

func rated(s string) *decimal.Decimal { d := decimal.MustParse(s); return &d }

func TestItemCoding(t *testing.T) {
	for name, c := range map[string]struct {
		rules []flow.CodingRule
		item  record.Record
		key   string
		cause string
		note  string
	}{
		"none given, no VAT code":       {nil, item("code", "A"), "g21", "", "is assumed"},
		"none given, a VAT code":        {nil, item("code", "A", "vat_code", "2"), "g9", "", ""},
		"none given, a code unknown":    {nil, item("code", "A", "vat_code", "99"), "", "vat_code_missing", ""},
		"none given, no coding of rate": {nil, item("code", "A", "vat_code", "7"), "", "vat_code_missing", ""},
		"several of a rate":             {nil, item("code", "A", "vat_code", "1"), "g21", "", "the first of 2"},
		"by name":                       {[]flow.CodingRule{{Coding: " speciaal "}}, item("code", "A"), "g21b", "", ""},
		"by key":                        {[]flow.CodingRule{{Coding: "G9"}}, item("code", "A"), "g9", "", ""},
		"first match":                   {[]flow.CodingRule{{Group: "x", Coding: "g0"}, {Group: "tuin", Coding: "g9"}, {Coding: "g21"}}, item("code", "A", "group", "TUIN"), "g9", "", ""},
		"by rate":                       {[]flow.CodingRule{{Rate: rated("9"), Coding: "g0"}}, item("code", "A", "vat_code", "2"), "g0", "", ""},
		"rate not told":                 {[]flow.CodingRule{{Rate: rated("9"), Coding: "g0"}}, item("code", "A"), "", "vat_code_missing", ""},
		"no row fits":                   {[]flow.CodingRule{{VATCode: "3", Coding: "g0"}}, item("code", "A", "vat_code", "2"), "", "vat_code_missing", ""},
		"a service":                     {[]flow.CodingRule{{Group: "d", Type: "service"}}, item("code", "A", "group", "D", "vat_code", "1"), "d21", "", ""},
		"goods only":                    {[]flow.CodingRule{{Type: "service", Coding: "g0"}, {Type: "goods", Coding: "g9"}}, item("code", "A"), "g9", "", ""},
		"a rate to choose by":           {[]flow.CodingRule{{Rate: rated("0")}}, item("code", "A"), "g0", "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			k := someItems()
			k.Settings.Codings = c.rules
			got, note, held := k.coding(c.item)
			cause := ""
			if held != nil {
				cause = held.Cause
			}
			if got.Key != c.key && c.cause == "" || cause != c.cause || !strings.Contains(note, c.note) || c.note == "" && note != "" {
				t.Errorf("%+v %q %+v", got, note, held)
			}
		})
	}
}

func TestItemUnit(t *testing.T) {
	for name, c := range map[string]struct {
		units         map[string]string
		unit          string
		id, cause     string
		said, noUnits bool
	}{
		"none given":        {nil, "", "u2", "", true, false},
		"its own name":      {nil, "DOOS", "u1", "", false, false},
		"its own code":      {nil, "ds", "u1", "", false, false},
		"unknown, no table": {nil, "ROL", "u2", "", true, false},
		"by the table":      {map[string]string{"ROL": "bx"}, "rol", "u1", "", false, false},
		"not in the table":  {map[string]string{"ROL": "bx"}, "kist", "", "value_unmapped", false, false},
		"all others":        {map[string]string{"ROL": "bx", "*": "stuk"}, "kist", "u2", "", false, false},
		"others, no unit":   {map[string]string{"*": "doos"}, "", "u1", "", false, false},
		"no units there":    {nil, "", "", "value_unmapped", false, true},
	} {
		t.Run(name, func(t *testing.T) {
			k := someItems()
			k.Settings.Units = c.units
			if c.noUnits {
				k.Units = nil
			}
			it, note, held := k.unit(item("code", "A", "unit", c.unit))
			cause := ""
			if held != nil {
				cause = held.Cause
			}
			if it.ID != c.id && c.cause == "" || cause != c.cause || (note != "") != c.said {
				t.Errorf("%+v %q %+v", it, note, held)
			}
		})
	}
}

func TestItemPrice(t *testing.T) {
	for name, c := range map[string]struct {
		change     func(*Items)
		price      string
		net, gross string
		warns      string
		held       bool
	}{
		"net":               {nil, "10", "10", "12.1", "", false},
		"net, half a cent":  {nil, "0.5", "0.5", "0.61", "", false}, // 0.605
		"net, four places":  {nil, "12.5075", "12.51", "15.13", "is rounded", false},
		"gross":             {func(k *Items) { k.Gross = true }, "12.1", "10", "12.1", "", false},
		"gross, half":       {func(k *Items) { k.Gross = true }, "0.06", "0.05", "0.06", "", false},
		"zero":              {nil, "0", "0", "0", "is zero", false},
		"below zero":        {nil, "-0.01", "", "", "", true},
		"other currency":    {func(k *Items) { k.SourceCurrency = "SEK" }, "10", "", "", "it is in SEK", false},
		"currency not told": {func(k *Items) { k.SourceCurrency = "" }, "10", "10", "12.1", "assumed", false},
		"basis not told":    {func(k *Items) { k.BasisAssumed = true }, "10", "10", "12.1", "without VAT is assumed", false},
	} {
		t.Run(name, func(t *testing.T) {
			k := someItems()
			if c.change != nil {
				c.change(k)
			}
			ctx, warnings, held := k.Context(nil, item("code", "A", "vat_code", "1", "price", c.price), record.Record{})
			if held != nil || c.held {
				if (held != nil) != c.held {
					t.Errorf("%+v", held)
				}
				return
			}
			s := ctx["sending"]
			if s.Get("net_price").String() != c.net || s.Get("gross_price").String() != c.gross {
				t.Errorf("%s", s)
			}
			if said := strings.Join(warnings, "; "); !strings.Contains(said, c.warns) || c.warns == "" && said != "" {
				t.Errorf("warns %q", said)
			}
		})
	}
	// No price in the source: none is sent, and no zero either.
	ctx, _, _ := someItems().Context(nil, item("code", "A", "vat_code", "1"), record.Record{})
	if s := ctx["sending"]; !s.Get("net_price").IsAbsent() || !s.Get("gross_price").IsAbsent() {
		t.Errorf("%s", s)
	}
}

// The prices of an article that exists follow the coding that it has there.
func TestItemAmend(t *testing.T) {
	there := func(coding string) record.Record {
		r := record.New(flow.ArticleSchema)
		r.MustSet("coding", record.Text(coding))
		return r
	}
	for name, c := range map[string]struct {
		vat, coding string
		own         bool
		gross       string
		warns       bool
	}{
		"the same":                 {"1", "G21", true, "12.1", false},
		"another rate":             {"1", "g9", true, "10.9", true},
		"another of the same rate": {"1", "g21b", true, "12.1", false},
		"nothing told":             {"", "g9", true, "10.9", false},
		"ours is written":          {"1", "g9", false, "12.1", false},
		"unknown there":            {"1", "other", true, "12.1", false},
		"rescued by its own":       {"7", "g9", true, "10.9", true},
		"nothing to go by":         {"7", "other", true, "", true},
	} {
		t.Run(name, func(t *testing.T) {
			k := someItems()
			k.OwnCoding = c.own
			canon := item("code", "A", "price", "10", "vat_code", c.vat)
			ctx, _, held := k.Context(nil, canon, record.Record{})
			if held != nil {
				t.Fatal(held)
			}
			warnings := k.Amend(ctx, canon, there(c.coding))
			if got := ctx["sending"].Get("gross_price").String(); got != c.gross || (len(warnings) > 0) != c.warns {
				t.Errorf("%s %q", got, warnings)
			}
		})
	}
}

func TestItemWanted(t *testing.T) {
	source := record.New(record.MustSchema("AK1", record.Field{Name: "AG", Type: record.Scalar(record.KindText)}, record.Field{Name: "PX", Type: record.Scalar(record.KindDecimal)},
		record.Field{Name: "WEB", Type: record.Scalar(record.KindBool)}))
	source.MustSet("AG", record.Text("TUIN "))
	source.MustSet("PX", record.Decimal(decimal.MustParse("1.5")))
	source.MustSet("WEB", record.Bool(true))
	for _, c := range []struct {
		filter map[string][]string
		want   bool
	}{
		{nil, true}, {map[string][]string{"AG": {"huis", "tuin"}}, true}, {map[string][]string{"AG": {"huis"}}, false}, {map[string][]string{"PX": {"1.50"}}, true},
		{map[string][]string{"WEB": {"true"}, "AG": {"tuin"}}, true}, {map[string][]string{"WEB": {"false"}, "AG": {"tuin"}}, false}, {map[string][]string{"NONE": {"x"}}, false},
	} {
		k := &Items{Settings: flow.ProductSettings{Filter: c.filter}}
		if why := k.Wanted(record.Record{}, source); (why == "") != c.want {
			t.Errorf("%v: %q", c.filter, why)
		}
	}
}
