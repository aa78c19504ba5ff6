package flow

import (
	"fmt"
	"strings"

	"github.com/pomost/pomost/sdk/decimal"
	"github.com/pomost/pomost/sdk/record"
)

// builtin is a function of the expression language. It is called with values that are all there; one of the last optional ones may be left out.
type builtin struct {
	takes    []record.Kind // anyKind: any
	optional int
	gives    record.Kind // anyKind: that of the first argument
	// empty: it is called although an argument has no value.
	empty bool
	call  func(args []record.Value) (record.Value, error)
}

const (
	kText    = record.KindText
	kDecimal = record.KindDecimal
	kDate    = record.KindDate
	kBool    = record.KindBool
)

func textOf(f func(string) string) builtin {
	return builtin{takes: []record.Kind{kText}, gives: kText, call: func(a []record.Value) (record.Value, error) { return boundedText(f(a[0].AsText())) }}
}

func numberOf(n int, f func(d []decimal.Decimal) (decimal.Decimal, error)) builtin {
	takes := make([]record.Kind, n)
	for i := range takes {
		takes[i] = kDecimal
	}
	return builtin{takes: takes, gives: kDecimal, call: func(a []record.Value) (record.Value, error) {
		ds := make([]decimal.Decimal, len(a))
		for i := range a {
			ds[i], _ = a[i].AsDecimal()
		}
		r, err := f(ds)
		if err != nil {
			return record.Absent(), err
		}
		return boundedNumber(r)
	}}
}

func places(d decimal.Decimal) (int32, error) {
	for n := range int32(13) {
		if d.Equal(decimal.New(int64(n), 0)) {
			return n, nil
		}
	}
	return 0, fmt.Errorf("the number of decimals is %s, want 0 to 12", d)
}

// count reads a number of characters or days.
func count(v record.Value) (int, error) {
	d, _ := v.AsDecimal()
	if d.Places() == 0 && d.Abs().Cmp(decimal.New(100_000, 0)) <= 0 {
		n := 0
		if _, err := fmt.Sscan(d.String(), &n); err == nil {
			return n, nil
		}
	}
	return 0, fmt.Errorf("%s is no whole number from -100000 to 100000", d)
}

// builtins are all functions of the language.
var builtins = map[string]builtin{
	"round": optional(numberOf(2, func(d []decimal.Decimal) (decimal.Decimal, error) { return rounded(d, decimal.Decimal.Round) })),
	"floor": optional(numberOf(2, func(d []decimal.Decimal) (decimal.Decimal, error) { return rounded(d, decimal.Decimal.Floor) })),
	"abs":   numberOf(1, func(d []decimal.Decimal) (decimal.Decimal, error) { return d[0].Abs(), nil }),
	"min": numberOf(2, func(d []decimal.Decimal) (decimal.Decimal, error) {
		if d[0].Cmp(d[1]) < 0 {
			return d[0], nil
		}
		return d[1], nil
	}),
	"max": numberOf(2, func(d []decimal.Decimal) (decimal.Decimal, error) {
		if d[0].Cmp(d[1]) > 0 {
			return d[0], nil
		}
		return d[1], nil
	}),
	"upper": textOf(strings.ToUpper), "lower": textOf(strings.ToLower), "trim": textOf(strings.TrimSpace), "spaces": textOf(spaces), "digits": textOf(digits),
	"length": {takes: []record.Kind{kText}, gives: kDecimal, call: func(a []record.Value) (record.Value, error) {
		return record.Decimal(decimal.New(int64(runes(a[0].AsText())), 0)), nil
	}},
	"left": {takes: []record.Kind{kText, kDecimal}, gives: kText, call: func(a []record.Value) (record.Value, error) {
		n, err := count(a[1])
		r := []rune(a[0].AsText())
		return record.Text(string(r[:min(max(n, 0), len(r))])), err
	}},
	"right": {takes: []record.Kind{kText, kDecimal}, gives: kText, call: func(a []record.Value) (record.Value, error) {
		n, err := count(a[1])
		r := []rune(a[0].AsText())
		return record.Text(string(r[len(r)-min(max(n, 0), len(r)):])), err
	}},
	"replace": {takes: []record.Kind{kText, kText, kText}, gives: kText, call: func(a []record.Value) (record.Value, error) {
		if a[1].AsText() == "" {
			return a[0], nil
		}
		return boundedText(strings.ReplaceAll(a[0].AsText(), a[1].AsText(), a[2].AsText()))
	}, empty: true},
	"contains": {takes: []record.Kind{kText, kText}, gives: kBool, call: func(a []record.Value) (record.Value, error) {
		return record.Bool(strings.Contains(a[0].AsText(), a[1].AsText())), nil
	}},
	"starts": {takes: []record.Kind{kText, kText}, gives: kBool, call: func(a []record.Value) (record.Value, error) {
		return record.Bool(strings.HasPrefix(a[0].AsText(), a[1].AsText())), nil
	}},
	"text": {takes: []record.Kind{anyKind}, gives: kText, call: func(a []record.Value) (record.Value, error) { return boundedText(a[0].String()) }},
	"number": {takes: []record.Kind{kText}, gives: kDecimal, call: func(a []record.Value) (record.Value, error) {
		return Convert(record.Text(strings.TrimSpace(a[0].AsText())), kDecimal)
	}},
	"date": {takes: []record.Kind{anyKind}, gives: kDate, call: func(a []record.Value) (record.Value, error) { return toDate(a[0]) }},
	"year": {takes: []record.Kind{kDate}, gives: kDecimal, call: func(a []record.Value) (record.Value, error) {
		d, _ := a[0].AsDate()
		return record.Decimal(decimal.New(int64(d.Year()), 0)), nil
	}},
	"month": {takes: []record.Kind{kDate}, gives: kDecimal, call: func(a []record.Value) (record.Value, error) {
		d, _ := a[0].AsDate()
		return record.Decimal(decimal.New(int64(d.Time().Month()), 0)), nil
	}},
	"days": {takes: []record.Kind{kDate, kDecimal}, gives: kDate, call: func(a []record.Value) (record.Value, error) {
		d, _ := a[0].AsDate()
		n, err := count(a[1])
		return record.OfDate(d + record.Date(n)), err
	}},
	"has": {takes: []record.Kind{anyKind}, gives: kBool, empty: true, call: func(a []record.Value) (record.Value, error) { return record.Bool(!a[0].IsEmpty()), nil }},
}

// optional lets the last argument be left out.
func optional(b builtin) builtin {
	b.optional = 1
	return b
}

// rounded rounds to the decimals of the second argument, to none where there is none.
func rounded(d []decimal.Decimal, round func(decimal.Decimal, int32) decimal.Decimal) (decimal.Decimal, error) {
	var n int32
	if len(d) > 1 {
		var err error
		if n, err = places(d[1]); err != nil {
			return d[0], err
		}
	}
	return round(d[0], n), nil
}

// callExpr is a builtin with its arguments.
type callExpr struct {
	name string
	builtin
	args []expr
}

func (c callExpr) eval(get getter) (record.Value, error) {
	values := make([]record.Value, len(c.args))
	for i, a := range c.args {
		v, err := a.eval(get)
		if err != nil {
			return v, err
		}
		if v.IsEmpty() && (!c.empty || i == 0 && c.name == "replace") {
			return record.Absent(), nil
		}
		if k := c.takes[i]; !v.IsEmpty() && k != anyKind && v.Kind() != k {
			return v, fmt.Errorf("%s wants a %s, it is a %s", c.name, k, v.Kind())
		}
		values[i] = v
	}
	v, err := c.call(values)
	if err != nil {
		return record.Absent(), fmt.Errorf("%s: %w", c.name, err)
	}
	return asNumber(v), nil
}

func (c callExpr) kind(of kinder) (record.Kind, error) {
	for i, a := range c.args {
		k, err := a.kind(of)
		if err != nil {
			return k, err
		}
		if want := c.takes[i]; want != anyKind && k != anyKind && k != want {
			return k, fmt.Errorf("%s wants a %s, not a %s", c.name, want, k)
		}
	}
	return c.gives, nil
}
