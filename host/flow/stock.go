package flow

import (
	"slices"

	"github.com/pomost/pomost/sdk/decimal"
)

// StockSettings are the settings of a flow of stock (DESIGN section 7).
type StockSettings struct {
	// Formula works the quantity out of the source's quantities.
	Formula *Formula
	// FormulaName is how it was written: a name, or an expression.
	FormulaName string
	// Buffer is taken off every quantity.
	Buffer decimal.Decimal
	// Negative is what becomes of a quantity below zero: zero, send or hold.
	Negative string
	// InFlight takes off what the destination has sold and the source does not know yet.
	InFlight bool
	// ManageStock is keep, yes or no.
	ManageStock string
}

// The values of Negative and ManageStock.
const (
	NegativeZero = "zero"
	NegativeSend = "send"
	NegativeHold = "hold"
	ManageKeep   = "keep"
	ManageYes    = "yes"
	ManageNo     = "no"
)

// formulas are the named ones, by the quantities of a level.
var formulas = map[string]string{
	"available_minus_reserved": "available - reserved",
	"available":                "available",
	"technical":                "technical",
	"free":                     "free",
	"technical_plus_ordered":   "technical + ordered",
}

// DefaultFormula is the formula where nobody says another one.
const DefaultFormula = "available_minus_reserved"

// formulaTitles are the formulas in words, in the order in which a person is offered them.
var formulaTitles = [][2]string{
	{DefaultFormula, "available, less reserved"},
	{"available", "available"},
	{"technical", "on the shelf"},
	{"free", "free"},
	{"technical_plus_ordered", "on the shelf, and ordered"},
}

// FormulaNames are the names of the formulas, the default first.
func FormulaNames() []string {
	var out []string
	for _, t := range formulaTitles {
		out = append(out, t[0])
	}
	return out
}

// FormulaTitle is a named formula in words, "" for another text.
func FormulaTitle(name string) string {
	for _, t := range formulaTitles {
		if t[0] == name {
			return t[1]
		}
	}
	return ""
}

// NamedFormula is the formula with a name, nil where none has it.
func NamedFormula(name string) *Formula {
	f, _ := ParseFormula(formulas[name])
	return f
}

// quantities are the words of a level that a formula may use; a word in capitals is a field of the source's own record.
var quantities = []string{"available", "technical", "free", "ordered", "reserved"}

// Quantities are the words for the quantities of an article.
func Quantities() []string { return slices.Clone(quantities) }

// Formulas are the names of the formulas, sorted.
func Formulas() []string { return keys(formulas) }

func stockSettings(v map[string]any) (*StockSettings, []Problem) {
	s := &StockSettings{}
	s.FormulaName, _ = v["formula"].(string)
	s.Negative, _ = v["negative"].(string)
	s.InFlight, _ = v["in_flight"].(bool)
	s.ManageStock, _ = v["manage_stock"].(string)
	s.Buffer, _ = v["buffer"].(decimal.Decimal)
	var problems []Problem
	if s.Buffer.Sign() < 0 {
		problems = append(problems, Problem{"buffer", "is below zero: more would be offered than there is", "write how many to hold back, or leave it out"})
	}
	written, named := formulas[s.FormulaName]
	if !named {
		written = s.FormulaName
	}
	f, err := ParseFormula(written)
	if err != nil {
		remedy := "use a formula's name, or an expression of " + "available, technical, free, ordered and reserved"
		if near := Nearest(s.FormulaName, Formulas()); near != "" {
			remedy = "did you mean " + near + "?"
		}
		return s, append(problems, Problem{"formula", err.Error(), remedy})
	}
	for _, w := range f.Words() {
		if !slices.Contains(quantities, w) && !sourceWord(w) {
			problems = append(problems, Problem{"formula", "unknown word " + clip(w), suggest(w, formulaWords())})
		}
	}
	s.Formula = f
	return s, problems
}

// formulaWords are all words that the setting formula knows.
func formulaWords() []string {
	out := Formulas()
	for _, q := range quantities {
		if !slices.Contains(out, q) {
			out = append(out, q)
		}
	}
	return out
}

// sourceWord tells a field of the source's own record: names there are in capitals.
func sourceWord(w string) bool {
	for _, c := range w {
		if c >= 'a' && c <= 'z' {
			return false
		}
	}
	return true
}

// Own are the words of the formula that are fields of the source's own record.
func (s *StockSettings) Own() []string {
	return slices.DeleteFunc(s.Formula.Words(), func(w string) bool { return slices.Contains(quantities, w) })
}

// Needs tells whether the formula uses a quantity.
func (s *StockSettings) Needs(quantity string) bool {
	return slices.Contains(s.Formula.Words(), quantity)
}
