package flow

import (
	"fmt"
	"slices"
	"strings"

	"github.com/pomost/pomost/sdk/decimal"
	"github.com/pomost/pomost/sdk/record"
)

// Expression computes a value out of values: exact decimals, texts, dates and truth values. It has no loops, no state and no clock, and ends
// after as many steps as it is long. Where something that it needs has no value, it has none either.
//
//	order.total * 1.21
//	round(item.price / 1.09, 2)
//	order.private ? 'B2C' : 'B2B'
//	customer.mobile ?? customer.phone
//	days(order.date, 14)
type Expression struct {
	text  string
	root  expr
	paths []string
}

// Bounds of an expression.
const (
	maxExpression      = 1000
	maxExpressionDepth = 50
	// quotientPlaces are kept of a division that does not come out even.
	quotientPlaces   = 10
	expressionPlaces = 20
	maxExpressionOut = 4000 // characters of a text
)

// expressionBound is above every amount and quantity.
var expressionBound = decimal.MustParse("1000000000000000")

// String is the expression as it was written.
func (e *Expression) String() string { return e.text }

// Paths are the paths that it reads, each once, in their order.
func (e *Expression) Paths() []string { return slices.Clone(e.paths) }

// Eval computes the value; get returns that of a path.
func (e *Expression) Eval(get func(path string) record.Value) (record.Value, error) {
	v, err := e.root.eval(get)
	if err != nil {
		return record.Absent(), fmt.Errorf("%s: %w", clip(e.text), err)
	}
	return v, nil
}

// Kind is what the expression computes; kind tells the kind at a path, or false where it is not known. An operator that does not do with
// what it is given is an error.
func (e *Expression) Kind(kind func(path string) (record.Kind, bool)) (record.Kind, error) {
	k, err := e.root.kind(kind)
	if err != nil {
		return anyKind, fmt.Errorf("%s: %w", clip(e.text), err)
	}
	return k, nil
}

// anyKind stands for a kind that is not known.
const anyKind = record.KindAbsent

type (
	getter = func(path string) record.Value
	kinder = func(path string) (record.Kind, bool)
)

// expr is one part of an expression.
type expr interface {
	eval(get getter) (record.Value, error)
	kind(of kinder) (record.Kind, error)
}

// literal is a value as written.
type literal struct{ v record.Value }

func (l literal) eval(getter) (record.Value, error) { return l.v, nil }
func (l literal) kind(kinder) (record.Kind, error)  { return l.v.Kind(), nil }

// pathExpr is the value at a path. Integers are decimals here: there is one kind of number.
type pathExpr struct{ path string }

func (p pathExpr) eval(get getter) (record.Value, error) { return asNumber(get(p.path)), nil }

func (p pathExpr) kind(of kinder) (record.Kind, error) {
	k, ok := of(p.path)
	switch {
	case !ok:
		return anyKind, nil
	case k == record.KindInteger:
		return record.KindDecimal, nil
	case k == record.KindList || k == record.KindRecord:
		return anyKind, fmt.Errorf("%s is a %s", p.path, k)
	}
	return k, nil
}

func asNumber(v record.Value) record.Value {
	if d, ok := v.AsDecimal(); ok {
		return record.Decimal(d)
	}
	return v
}

// operation is an operator between two values.
type operation struct {
	op   string
	a, b expr
}

func (o operation) eval(get getter) (record.Value, error) {
	a, err := o.a.eval(get)
	if err != nil {
		return a, err
	}
	switch o.op { // the other side is looked at only where it matters
	case "??":
		if !a.IsEmpty() {
			return a, nil
		}
		return o.b.eval(get)
	case "and", "or":
		if a.Kind() == record.KindBool && a.AsBool() == (o.op == "or") {
			return a, nil
		}
	}
	b, err := o.b.eval(get)
	if err != nil {
		return b, err
	}
	switch o.op {
	case "==", "!=":
		return record.Bool(equalValues(a, b) == (o.op == "==")), nil
	case "and", "or":
		if a.IsEmpty() && b.Kind() == record.KindBool && b.AsBool() == (o.op == "or") {
			return b, nil
		}
		if a.IsEmpty() || b.IsEmpty() {
			return record.Absent(), nil
		}
		if a.Kind() != record.KindBool || b.Kind() != record.KindBool {
			return a, fmt.Errorf("%s wants true or false on both sides", o.op)
		}
		return b, nil
	}
	if a.IsEmpty() || b.IsEmpty() {
		return record.Absent(), nil
	}
	if strings.ContainsAny(o.op, "<>") {
		return compareValues(o.op, a, b)
	}
	return arithmetic(o.op, a, b)
}

func equalValues(a, b record.Value) bool {
	if a.IsEmpty() || b.IsEmpty() {
		return a.IsEmpty() && b.IsEmpty()
	}
	if x, ok := a.AsDecimal(); ok {
		y, ok := b.AsDecimal()
		return ok && x.Equal(y)
	}
	return a.Kind() == b.Kind() && a.Equal(b)
}

func compareValues(op string, a, b record.Value) (record.Value, error) {
	var c int
	x, number := a.AsDecimal()
	y, number2 := b.AsDecimal()
	switch {
	case number && number2:
		c = x.Cmp(y)
	case a.Kind() != b.Kind():
		return a, fmt.Errorf("a %s cannot be compared with a %s", a.Kind(), b.Kind())
	case a.Kind() == record.KindText:
		c = strings.Compare(a.AsText(), b.AsText())
	case a.Kind() == record.KindDate:
		d, _ := a.AsDate()
		e, _ := b.AsDate()
		c = int(d - e)
	case a.Kind() == record.KindInstant:
		s, _ := a.AsInstant()
		t, _ := b.AsInstant()
		c = s.Compare(t)
	default:
		return a, fmt.Errorf("%s has no order", a.Kind())
	}
	return record.Bool(map[string]bool{"<": c < 0, "<=": c <= 0, ">": c > 0, ">=": c >= 0}[op]), nil
}

func arithmetic(op string, a, b record.Value) (record.Value, error) {
	if op == "+" && a.Kind() == record.KindText && b.Kind() == record.KindText {
		return boundedText(a.AsText() + b.AsText())
	}
	x, ok := a.AsDecimal()
	y, ok2 := b.AsDecimal()
	if !ok || !ok2 {
		return a, fmt.Errorf("%s wants numbers, they are %s and %s", op, a.Kind(), b.Kind())
	}
	var r decimal.Decimal
	switch op {
	case "+":
		r = x.Add(y)
	case "-":
		r = x.Sub(y)
	case "*":
		r = x.Mul(y)
	default:
		if y.IsZero() {
			return a, fmt.Errorf("it divides by zero")
		}
		q, err := x.Quo(y, quotientPlaces)
		if err != nil {
			return a, err
		}
		r = q
	}
	return boundedNumber(r)
}

// boundedNumber keeps numbers within what can be calculated with exactly, however long the expression is.
func boundedNumber(d decimal.Decimal) (record.Value, error) {
	d = d.Round(expressionPlaces)
	if d.Abs().Cmp(expressionBound) >= 0 {
		return record.Absent(), fmt.Errorf("it comes to a number that is too large")
	}
	return record.Decimal(d), nil
}

func boundedText(s string) (record.Value, error) {
	if len(s) > maxExpressionOut {
		return record.Absent(), fmt.Errorf("it comes to a text that is too long")
	}
	return record.Text(s), nil
}

func (o operation) kind(of kinder) (record.Kind, error) {
	a, err := o.a.kind(of)
	if err != nil {
		return a, err
	}
	b, err := o.b.kind(of)
	if err != nil {
		return b, err
	}
	known := a != anyKind && b != anyKind
	switch o.op {
	case "and", "or":
		for _, k := range []record.Kind{a, b} {
			if k != anyKind && k != record.KindBool {
				return k, fmt.Errorf("%s wants true or false, not a %s", o.op, k)
			}
		}
		return record.KindBool, nil
	case "??":
		if known && a != b {
			return a, fmt.Errorf("?? wants one kind on both sides, they are %s and %s", a, b)
		}
		if a == anyKind {
			return b, nil
		}
		return a, nil
	case "==", "!=", "<", "<=", ">", ">=":
		if known && a != b && a != record.KindNull && b != record.KindNull {
			return a, fmt.Errorf("a %s cannot be compared with a %s", a, b)
		}
		if a == record.KindBool && o.op != "==" && o.op != "!=" {
			return a, fmt.Errorf("a %s has no order", a)
		}
		return record.KindBool, nil
	case "+":
		if a == record.KindText || b == record.KindText {
			if known && a != b {
				return a, fmt.Errorf("a %s and a %s cannot be added; text() makes a text of a number", a, b)
			}
			return record.KindText, nil
		}
		if a == anyKind && b == anyKind {
			return anyKind, nil
		}
	}
	for _, k := range []record.Kind{a, b} {
		if k != anyKind && k != record.KindDecimal {
			return k, fmt.Errorf("%s wants numbers, not a %s", o.op, k)
		}
	}
	return record.KindDecimal, nil
}

// negation is - before a number, or not before a truth value.
type negation struct {
	not bool
	a   expr
}

func (n negation) eval(get getter) (record.Value, error) {
	v, err := n.a.eval(get)
	if err != nil || v.IsEmpty() {
		return v, err
	}
	if n.not {
		if v.Kind() != record.KindBool {
			return v, fmt.Errorf("not wants true or false, it is a %s", v.Kind())
		}
		return record.Bool(!v.AsBool()), nil
	}
	d, ok := v.AsDecimal()
	if !ok {
		return v, fmt.Errorf("- wants a number, it is a %s", v.Kind())
	}
	return record.Decimal(d.Neg()), nil
}

func (n negation) kind(of kinder) (record.Kind, error) {
	k, err := n.a.kind(of)
	want := record.KindDecimal
	if n.not {
		want = record.KindBool
	}
	if err == nil && k != anyKind && k != want {
		err = fmt.Errorf("a %s is wanted, not a %s", want, k)
	}
	return want, err
}

// choice is condition ? a : b. A condition without a value counts as false.
type choice struct{ when, a, b expr }

func (c choice) eval(get getter) (record.Value, error) {
	v, err := c.when.eval(get)
	switch {
	case err != nil:
		return v, err
	case !v.IsEmpty() && v.Kind() != record.KindBool:
		return v, fmt.Errorf("? wants true or false before it, it is a %s", v.Kind())
	case v.AsBool():
		return c.a.eval(get)
	}
	return c.b.eval(get)
}

func (c choice) kind(of kinder) (record.Kind, error) {
	w, err := c.when.kind(of)
	if err != nil {
		return w, err
	}
	if w != anyKind && w != record.KindBool {
		return w, fmt.Errorf("? wants true or false before it, not a %s", w)
	}
	return operation{op: "??", a: nullAsAny{c.a}, b: nullAsAny{c.b}}.kind(of)
}

// nullAsAny lets null stand beside any kind.
type nullAsAny struct{ expr }

func (n nullAsAny) kind(of kinder) (record.Kind, error) {
	k, err := n.expr.kind(of)
	if k == record.KindNull {
		k = anyKind
	}
	return k, err
}
