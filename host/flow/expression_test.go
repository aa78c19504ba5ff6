package flow

import (
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/pomost/pomost/sdk/decimal"
	"github.com/pomost/pomost/sdk/record"
)

// world is what the expressions of these tests read.
var world = map[string]record.Value{
	"order.total": record.Decimal(decimal.MustParse("100.10")), "order.count": record.Integer(3), "order.name": record.Text("Jansen & Zn"),
	"order.private": record.Bool(true), "order.date": record.OfDate(mustDate("2026-12-31")), "order.none": record.Absent(), "order.null": record.Null(),
	"order.rate": record.Decimal(decimal.MustParse("0.21")), "order.number": record.Text(" 12.5 "),
}

func mustDate(s string) record.Date {
	d, err := record.ParseDate(s)
	if err != nil {
		panic(err)
	}
	return d
}

func worldKind(path string) (record.Kind, bool) {
	v, ok := world[path]
	if !ok || v.IsEmpty() {
		return 0, false
	}
	return v.Kind(), true
}

func TestExpressions(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{"order.total * 1.21", "121.121"},
		{"round(order.total * 1.21, 2)", "121.12"},
		{"round(2.5)", "3"}, {"round(-2.5)", "-3"}, {"floor(-2.5)", "-3"}, {"floor(2.999, 2)", "2.99"},
		// Long literals are exact to the last digit.
		{"0.1 + 0.2 == 0.3", "true"}, {"12345678901.12345678 + 0.00000001", "12345678901.12345679"},
		{"1 / 3", "0.3333333333"}, {"10 / 4", "2.5"},
		{"1 + 2 * 3 - 4 / 2", "5"}, {"(1 + 2) * 3", "9"}, {"-order.count + 5", "2"}, {"7 - 3 - 2", "2"},
		{"order.count * 2", "6"}, {"min(order.count, 2)", "2"}, {"max(1, 2) + abs(-3)", "5"},
		{"order.private ? 'B2C' : 'B2B'", "B2C"}, {"order.none ? 'a' : 'b'", "b"}, {"not order.private ? 1 : 2", "2"},
		{"order.none ?? 'x'", "x"}, {"order.null ?? order.none ?? order.name", "Jansen & Zn"},
		{"'A' + \"B\"", "AB"}, {"upper(left(order.name, 3)) + '-' + text(order.count)", "JAN-3"}, {"right('abc', 9)", "abc"},
		{"replace(order.name, '&', 'en')", "Jansen en Zn"}, {"replace(order.name, ' & Zn', '')", "Jansen"}, {"length('łódź')", "4"},
		{"number(order.number) * 2", "25"}, {"digits('NL 12-3')", "123"}, {"contains(order.name, 'Zn') and starts('abc', 'ab')", "true"},
		{"days(order.date, 1)", "2027-01-01"}, {"year(order.date) * 100 + month(order.date)", "202612"}, {"order.date < days(order.date, 1)", "true"},
		{"date('2026-02-03')", "2026-02-03"},
		{"order.total > 100 and order.count <= 3 or false", "true"}, {"order.name != 'x'", "true"}, {"'a' < 'b'", "true"},
		{"has(order.none) or has(order.name)", "true"}, {"order.none == null", "true"}, {"order.name == null", "false"},
		// What needs a value that is not there has none.
		{"order.none * 2", ""}, {"upper(order.none)", ""}, {"order.none < 1", ""}, {"1 < 2 == true", "true"},
	} {
		e, err := ParseExpression(c.text)
		if err != nil {
			t.Errorf("%s: %v", c.text, err)
			continue
		}
		v, err := e.Eval(func(p string) record.Value { return world[p] })
		if err != nil || v.String() != c.want {
			t.Errorf("%s = %q, %v, want %q", c.text, v, err, c.want)
		}
		k, err := e.Kind(worldKind)
		if err != nil || k != anyKind && !v.IsEmpty() && k != v.Kind() {
			t.Errorf("%s is said to be %s, %v; it is %s", c.text, k, err, v.Kind())
		}
	}
}

func TestWrongExpressions(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{"", "ends too early"}, {"1 +", "ends too early"}, {"1 2", `"2" does not belong at character 3`}, {"(1", "ends too early"}, {"'abc", "does not end"},
		{"1 = 2", `"=" does not belong`}, {"rond(1)", "did you mean round?"}, {"round()", "takes 2 values, 0 are given"}, {"round(1,2,3)", "takes 2 values, 3"},
		{"1.2.3", "no number"}, {"order..x", "no path"}, {"x ? 1", "ends too early"}, {"a and", "ends too early"}, {"12ab", "no number"}, {"€", `"€" does not belong`},
		{strings.Repeat("(", 60) + "1" + strings.Repeat(")", 60), "nested too deeply"}, {strings.Repeat("-", 60) + "1", "nested too deeply"}, {strings.Repeat("1+", 600) + "1", "more than 1000"},
	} {
		if _, err := ParseExpression(c.text); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %s", clip(c.text), err, c.want)
		}
	}
	// Wrong kinds are found before anything is computed, and told again where a kind was not known.
	for _, c := range []struct{ text, kind, eval string }{
		{"order.name * 2", "* wants numbers, not a text", "* wants numbers"}, {"order.name + order.count", "cannot be added; text() makes", "+ wants numbers"},
		{"order.private + 1", "wants numbers", "wants numbers"}, {"not order.count", "a bool is wanted", "not wants true"}, {"-order.name", "a decimal is wanted", "- wants a number"},
		{"order.count ? 1 : 2", "wants true or false", "wants true or false"}, {"order.private ? 1 : 'a'", "one kind on both sides", ""}, {"order.date < 5", "cannot be compared", "cannot be compared"},
		{"order.private < true", "has no order", "has no order"}, {"upper(order.count)", "upper wants a text", "upper wants a text"}, {"order.name and true", "and wants true", "and wants true"},
		{"1 / 0", "", "divides by zero"}, {"999999999999999 * 999999999999999", "", "too large"}, {"round(1, 1.5)", "", "want 0 to 12"}, {"number('x')", "", "number"},
		{"days(order.date, 1000000)", "", "no whole number"},
	} {
		e, err := ParseExpression(c.text)
		if err != nil {
			t.Errorf("%s: %v", c.text, err)
			continue
		}
		if _, err := e.Kind(worldKind); (err == nil) != (c.kind == "") || err != nil && !strings.Contains(err.Error(), c.kind) {
			t.Errorf("%s: kind %v, want %s", c.text, err, c.kind)
		}
		if _, err := e.Eval(func(p string) record.Value { return world[p] }); (err == nil) != (c.eval == "") || err != nil && !strings.Contains(err.Error(), c.eval) {
			t.Errorf("%s: eval %v, want %s", c.text, err, c.eval)
		}
	}
}

// TestExpressionSums: what the expression computes is what the same operations on decimals give.
func TestExpressionSums(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b, c := rapid.Int64Range(-1e9, 1e9).Draw(t, "a"), rapid.Int64Range(-1e9, 1e9).Draw(t, "b"), rapid.Int64Range(1, 1e6).Draw(t, "c")
		x, y, z := decimal.New(a, 2), decimal.New(b, 4), decimal.New(c, 3)
		e, err := ParseExpression("x * y - (x + -" + z.String() + ") * 2")
		if err != nil {
			t.Fatal(err)
		}
		v, err := e.Eval(func(p string) record.Value {
			return record.Decimal(map[string]decimal.Decimal{"x": x, "y": y}[p])
		})
		want := x.Mul(y).Sub(x.Sub(z).Mul(decimal.New(2, 0)))
		if got, _ := v.AsDecimal(); err != nil || !got.Equal(want) {
			t.Fatalf("%s, %v, want %s", v, err, want)
		}
	})
}

func FuzzExpression(f *testing.F) {
	for _, s := range []string{"order.total * 1.21", "a ? b : c ?? 'x'", "round(1, 2)", "not -x and (1 < 2)", "'", "((", "1e5", "@ean"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		e, err := ParseExpression(s)
		if err != nil {
			return
		}
		k, kindErr := e.Kind(worldKind)
		v, err := e.Eval(func(p string) record.Value { return world[p] })
		if err == nil && kindErr == nil && k != anyKind && !v.IsEmpty() && v.Kind() != k {
			t.Errorf("%q is said to be %s and is %s", s, k, v.Kind())
		}
	})
}
