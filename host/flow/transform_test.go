package flow

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/pomost/pomost/recipes"
	"github.com/pomost/pomost/sdk/decimal"
	"github.com/pomost/pomost/sdk/record"
)

func recipesFile() (string, error) {
	data, err := recipes.FS.ReadFile(ordersRecipe + "/recipe.yaml")
	return string(data), err
}

func TestTransforms(t *testing.T) {
	for _, c := range []struct{ name, arg, in, want string }{
		{"trim", "", "  a b ", "a b"}, {"upper", "", "aé", "AÉ"}, {"lower", "", "AÉ", "aé"}, {"spaces", "", " a \t\n b\u00a0c ", "a b c"}, {"digits", "", "NL-12 3", "123"},
		{"postcode", "NL", "1234ab", "1234 AB"}, {"postcode", "nl", " 1234  AB ", "1234 AB"}, {"postcode", "NL", "NL-1234AB", "1234 AB"}, {"postcode", "NL", "0234AB", "0234AB"},
		{"postcode", "NL", "B-9000", "B-9000"}, {"postcode", "SE", "11122", "111 22"}, {"postcode", "SE", "SE-111 22", "111 22"}, {"postcode", "PL", "00950", "00-950"},
		{"postcode", "PL", "00-950", "00-950"}, {"postcode", "NO", "0150", "0150"}, {"postcode", "GB", "sw1a  1aa", "sw1a 1aa"}, {"postcode", "", "1234AB", "1234AB"},
		{"country", "", " el ", "GR"}, {"country", "", "nl", "NL"},
		{"search_code", "", "Jansen Houthandel", "JANSENHOUT"}, {"search_code", "", "Åsa Öberg", "ASAOBERG"}, {"search_code", "", "Łódź & Søn", "LODZSON"},
		{"search_code", "", "Weiß", "WEISS"}, {"search_code", "", "!?", "-"}, {"search_code", "", "3M", "3M"},
		{"email", "", " Jan@X.nl ", "Jan@X.nl"}, {"phone", "", "+31 30\u00a012 34", "+31301234"}, {"vat_number", "", "nl 1234.56.789.b-01", "NL123456789B01"},
		{"no_hyphens", "", "a-b-", "ab"}, {"date", "", "2026-12-31T23:00:00Z", "2026-12-31"}, {"text", "", "x", "x"},
	} {
		ctx := Context{"x": rec(t, AddressSchema, "country", c.arg)}
		got, err := Step{Name: c.name, arg: source{"x", "country"}}.apply(record.Text(c.in), ctx)
		if err != nil || got.String() != c.want {
			t.Errorf("%s(%q, %q) = %q, %v; want %q", c.name, c.in, c.arg, got, err, c.want)
		}
	}
	for in, want := range map[string]string{"0.21": "21", "21": "21", "0": "0", "0.055": "5.5", "1": "1", "-0.21": "-0.21"} {
		if got, err := percent(record.Decimal(decimal.MustParse(in))); err != nil || got.String() != want {
			t.Errorf("percent(%s) = %s, %v", in, got, err)
		}
	}
}

// TestTransformsNeverPanic: a value of a wrong kind is an error.
func TestTransformsNeverPanic(t *testing.T) {
	values := []record.Value{record.Absent(), record.Null(), record.Bool(true), record.List(), record.Nested(record.New(AddressSchema)), record.Integer(1),
		record.Bytes([]byte("x")), record.Text("\xff"), record.Text("")}
	for _, name := range transformNames() {
		for _, v := range values {
			got, err := Step{Name: name}.apply(v, nil)
			if err == nil && got.Kind() == record.KindList {
				t.Errorf("%s of %s: %s", name, v.Kind(), got)
			}
		}
	}
	for _, bad := range []string{"XI", "NLD", "N", "1A", "é"} {
		if _, err := country(bad, ""); err == nil {
			t.Errorf("%q is no country", bad)
		}
	}
	if _, err := (Step{Name: "nothing"}).apply(record.Text("x"), nil); err == nil {
		t.Error("an unknown transform must be an error")
	}
}

func TestConvert(t *testing.T) {
	dec := func(s string) record.Value { return record.Decimal(decimal.MustParse(s)) }
	for _, c := range []struct {
		in   record.Value
		to   record.Kind
		want string // "" is an error
	}{
		{record.Integer(1042), record.KindText, "1042"}, {record.Text("1042"), record.KindInteger, "1042"}, {record.Text(" 12.50 "), record.KindDecimal, "12.5"},
		{dec("3"), record.KindInteger, "3"}, {dec("3.5"), record.KindInteger, ""}, {record.Integer(3), record.KindDecimal, "3"}, {record.Text("1,5"), record.KindDecimal, ""},
		{record.OfDate(20000), record.KindText, "2024-10-04"}, {record.Text("2024-10-04"), record.KindDate, "2024-10-04"}, {record.Text("4.10.2024"), record.KindDate, ""},
		{record.Bool(true), record.KindText, ""}, {record.Text("True"), record.KindBool, "true"}, {record.Integer(1), record.KindBool, ""}, {record.List(), record.KindText, ""},
		{dec("12345678901234567890"), record.KindInteger, ""}, {record.Text("1e3"), record.KindInteger, "1000"},
	} {
		got, err := Convert(c.in, c.to)
		if (c.want == "") != (err != nil) || got.String() != c.want {
			t.Errorf("%s %s to %s: %q, %v; want %q", c.in.Kind(), c.in, c.to, got, err, c.want)
		}
	}
}

func TestCut(t *testing.T) {
	for _, c := range []struct {
		in   string
		n    int
		want string
	}{
		{"short", 10, "short"}, {"Jansen Houthandel Utrecht", 17, "Jansen Houthandel"}, {"Jansen Houthandel Utrecht", 20, "Jansen Houthandel"},
		{"Jansen Houthandel Utrecht", 18, "Jansen Houthandel"}, {"Firma, Zonen & Dochters", 14, "Firma, Zonen"}, {"Firma, Zonen & Dochters", 8, "Firma"},
		{"Hottentottententententoonstelling", 10, "Hottentott"}, {"Ab Hottentottententententoonstelling", 10, "Ab Hottent"},
		{"ŻółtaŁódź", 5, "Żółta"}, {"Smålandsskogens Träförädling", 16, "Smålandsskogens"}, {"e\u0301e\u0301e\u0301", 3, "e\u0301"}, {"e\u0301e\u0301", 1, ""},
		{"株式会社東京", 4, "株式会社"}, {"abc", 0, ""},
	} {
		if got := Cut(c.in, c.n); got != c.want {
			t.Errorf("Cut(%q, %d) = %q, want %q", c.in, c.n, got, c.want)
		}
	}
}

func FuzzCut(f *testing.F) {
	f.Add("Jansen Houthandel", 10)
	f.Add("e\u0301\u0301\u0301", 2)
	f.Fuzz(func(t *testing.T, s string, n int) {
		got := Cut(s, n)
		if utf8.ValidString(s) && !utf8.ValidString(got) || runes(got) > max(n, 0) {
			t.Errorf("Cut(%q, %d) = %q", s, n, got)
		}
		if utf8.ValidString(s) && !strings.HasPrefix(strings.TrimSpace(s), got) {
			t.Errorf("Cut(%q, %d) = %q is not its beginning", s, n, got)
		}
	})
}
