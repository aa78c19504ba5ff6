package flow

import (
	"fmt"

	"github.com/pomost/pomost/sdk/decimal"
	"github.com/pomost/pomost/sdk/record"
)

// Formula is an expression of words that stand for numbers, and comes to a number.
type Formula struct{ expression *Expression }

// ParseFormula reads an expression such as "available - 2 * reserved".
func ParseFormula(s string) (*Formula, error) {
	e, err := ParseExpression(s)
	if err != nil {
		return nil, err
	}
	k, err := e.Kind(func(string) (record.Kind, bool) { return record.KindDecimal, true })
	if err == nil && k != record.KindDecimal {
		err = fmt.Errorf("%s comes to a %s, not to a number", clip(s), k)
	}
	if err != nil {
		return nil, err
	}
	return &Formula{e}, nil
}

// Words are the words that the formula uses, each once, in their order.
func (f *Formula) Words() []string { return f.expression.Paths() }

// Eval works the formula out; missing names the first word without a value.
func (f *Formula) Eval(value func(word string) (decimal.Decimal, bool)) (result decimal.Decimal, missing string, err error) {
	v, err := f.expression.Eval(func(word string) record.Value {
		d, ok := value(word)
		if !ok {
			if missing == "" {
				missing = word
			}
			return record.Absent()
		}
		return record.Decimal(d)
	})
	if err != nil || missing != "" {
		return decimal.Zero, missing, err
	}
	result, ok := v.AsDecimal()
	if !ok {
		return decimal.Zero, "", fmt.Errorf("the formula comes to nothing")
	}
	return result, "", nil
}
