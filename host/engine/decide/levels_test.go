package decide

import (
	"strings"
	"testing"

	"github.com/pomost/pomost/host/flow"
	"github.com/pomost/pomost/sdk/decimal"
	"github.com/pomost/pomost/sdk/record"
)

func level(pairs ...string) record.Record {
	r := record.New(flow.LevelSchema)
	for i := 0; i < len(pairs); i += 2 {
		f, _ := flow.LevelSchema.Field(pairs[i])
		v, err := flow.Convert(record.Text(pairs[i+1]), f.Type.Kind)
		if err != nil {
			panic(err)
		}
		r.MustSet(pairs[i], v)
	}
	return r
}

func formula(t *testing.T, s string) *flow.Formula {
	t.Helper()
	f, err := flow.ParseFormula(s)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func TestLevelQuantity(t *testing.T) {
	full := level("code", " mug", "available", "20", "technical", "25", "free", "19.999", "ordered", "10", "reserved", "2")
	own := record.New(record.MustSchema("AK1", record.Field{Name: "K1_SHOW", Type: record.Scalar(record.KindDecimal)}))
	own.MustSet("K1_SHOW", record.Decimal(decimal.New(3, 0)))
	for name, c := range map[string]struct {
		formula string
		change  func(*Levels)
		level   record.Record
		want    string
		warns   string
		field   string // held for
	}{
		"available less reserved": {"available - reserved", nil, full, "18", "", ""},
		"available":               {"available", nil, full, "20", "", ""},
		"technical":               {"technical", nil, full, "25", "", ""},
		"free, rounded down":      {"free", nil, full, "19.99", "", ""},
		"technical and ordered":   {"technical + ordered", nil, full, "35", "", ""},
		"a field of its own":      {"available - K1_SHOW", nil, full, "17", "", ""},
		"reserved by orders":      {"available - reserved", func(k *Levels) { k.Reserved = map[string]decimal.Decimal{"mug": decimal.New(5, 0)} }, full, "15", "5 reserved", ""},
		"whole order lines":       {"available - reserved", func(k *Levels) { k.Reserved, k.Whole = map[string]decimal.Decimal{"mug": decimal.New(5, 0)}, true }, full, "15", "no field tells", ""},
		"no order reserves it":    {"available - reserved", func(k *Levels) { k.Reserved = map[string]decimal.Decimal{} }, full, "20", "", ""},
		"buffer":                  {"available", func(k *Levels) { k.Settings.Buffer = decimal.MustParse("0.5") }, full, "19.5", "", ""},
		"under way":               {"available", func(k *Levels) { k.Waiting = map[string]decimal.Decimal{"mug": decimal.New(4, 0)} }, full, "16", "4 taken off", ""},
		"below zero is zero":      {"available - 25", nil, full, "0", "comes to -5", ""},
		"below zero is sent":      {"available - 25.001", func(k *Levels) { k.Settings.Negative = flow.NegativeSend }, full, "-5.01", "", ""},
		"below zero is held":      {"available - 25", func(k *Levels) { k.Settings.Negative = flow.NegativeHold }, full, "", "", "quantity"},
		"not told":                {"available - reserved", nil, level("code", "mug", "available", "20"), "", "", "reserved"},
		"nothing told":            {"available", nil, level("code", "mug"), "", "", "available"},
		"by zero":                 {"available / (reserved - 2)", nil, full, "", "", "formula"},
	} {
		t.Run(name, func(t *testing.T) {
			k := &Levels{Settings: flow.StockSettings{Formula: formula(t, c.formula), Negative: flow.NegativeZero, ManageStock: flow.ManageKeep}, Decimals: 2}
			if c.change != nil {
				c.change(k)
			}
			ctx, warnings, held := k.Context(nil, c.level, own)
			if held != nil || c.field != "" {
				if held == nil || held.Field != c.field || held.Remedy == "" {
					t.Errorf("%+v", held)
				}
				return
			}
			if got := ctx["sending"].Get("quantity").String(); got != c.want || !strings.Contains(strings.Join(warnings, ";"), c.warns) || c.warns == "" && len(warnings) > 0 {
				t.Errorf("%s %q", got, warnings)
			}
		})
	}
}

func TestLevelReport(t *testing.T) {
	article := func(stock string, managed, service bool) record.Record {
		r := record.New(flow.ArticleSchema)
		r.MustSet("stock", record.Decimal(decimal.MustParse(stock)))
		r.MustSet("managed", record.Bool(managed))
		r.MustSet("service", record.Bool(service))
		return r
	}
	for name, c := range map[string]struct {
		counts       bool
		manage       string
		there        record.Record
		skip         string
		held         bool
		sent         string
		managed      string
		managedTells string
	}{
		"module off":                       {false, "keep", article("1", false, false), "", false, "20", "", ""},
		"module on, differs":               {true, "keep", article("1", true, false), "it shows 1, the source comes to 20", false, "", "", ""},
		"module on, agrees":                {true, "keep", article("20", true, false), "", false, "", "", ""},
		"module not told, article counted": {false, "keep", article("1", true, false), "it shows 1", false, "20", "", ""},
		"a service":                        {false, "keep", article("1", false, true), "a service", false, "20", "", ""},
		"manage yes":                       {true, "yes", article("0", false, false), "", false, "", "true", ""},
		"manage yes already":               {true, "yes", article("0", true, false), "it shows 0", false, "", "true", ""},
		"manage no":                        {true, "no", article("0", true, false), "", false, "", "false", ""},
		"manage no, balance":               {true, "no", article("3", true, false), "", true, "", "false", ""},
		"manage yes, module off":           {false, "yes", article("0", false, false), "", false, "20", "", "no effect"},
	} {
		t.Run(name, func(t *testing.T) {
			k := &Levels{Settings: flow.StockSettings{Formula: formula(t, "available"), Negative: flow.NegativeZero, ManageStock: c.manage}, Decimals: 2, Counts: c.counts}
			canon := level("code", "mug", "available", "20")
			ctx, warnings, _ := k.Context(nil, canon, record.Record{})
			if s := ctx["sending"]; s.Get("quantity").String() != c.sent || s.Get("managed").String() != c.managed || !strings.Contains(strings.Join(warnings, ";"), c.managedTells) {
				t.Errorf("sends %s, warns %q", s, warnings)
			}
			skip, held := k.Check(canon, c.there)
			if skip == "" && held == nil {
				skip, held = k.Report(canon, record.Record{}, c.there)
			}
			if !strings.Contains(skip, c.skip) || c.skip == "" && skip != "" || (held != nil) != c.held {
				t.Errorf("skip %q, held %+v", skip, held)
			}
		})
	}
}

// A record that waits is looked at again when what surrounds it changes.
func TestLevelSurrounded(t *testing.T) {
	seen := map[record.Fingerprint]bool{}
	canon := level("code", "mug", "available", "20")
	for _, k := range []*Levels{{}, {Waiting: map[string]decimal.Decimal{"mug": decimal.New(1, 0)}}, {Reserved: map[string]decimal.Decimal{"mug": decimal.New(2, 0)}},
		{Reserved: map[string]decimal.Decimal{"mug": decimal.New(2, 0)}, Waiting: map[string]decimal.Decimal{"mug": decimal.New(1, 0)}}} {
		seen[unstamped(k.Surrounded(canon))] = true
	}
	other := &Levels{Waiting: map[string]decimal.Decimal{"cup": decimal.New(1, 0)}}
	if len(seen) != 4 || !seen[unstamped(other.Surrounded(canon))] {
		t.Errorf("%d fingerprints of four surroundings", len(seen))
	}
}

// A path may lead into a list: each row has a value there.
func TestLeaves(t *testing.T) {
	row := record.MustSchema("row", record.Field{Name: "code", Type: record.Scalar(record.KindText)})
	s := record.MustSchema("t", record.Field{Name: "a", Type: record.Scalar(record.KindText)}, record.Field{Name: "rows", Type: record.ListOf(row)})
	of := func(code string) record.Value {
		r := record.New(row)
		r.MustSet("code", record.Text(code))
		return record.Nested(r)
	}
	r := record.New(s)
	r.MustSet("a", record.Text("x"))
	r.MustSet("rows", record.List(of("1"), of("2")))
	if got := Leaves(r, "rows.code"); len(got) != 2 || got[1].AsText() != "2" {
		t.Errorf("%v", got)
	}
	if got := Leaves(r, "a"); len(got) != 1 || len(Leaves(r, "a.b")) != 0 || len(Leaves(r, "none")) != 0 || len(Leaves(record.New(s), "rows.code")) != 0 {
		t.Errorf("%v", got)
	}
	look := func(v string) Lookup {
		return Lookup{Side: Destination, Object: "t", Fields: []Field{{"rows.code", v}}}
	}
	if !Touches(look("2"), "t", r) || Touches(look("3"), "t", r) || !Touches(look("3"), "t", record.New(s)) {
		t.Error("Touches")
	}
}
