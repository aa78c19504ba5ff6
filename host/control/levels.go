package control

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/pomost/pomost/host/engine/decide"
	"github.com/pomost/pomost/host/flow"
	"github.com/pomost/pomost/host/home"
	"github.com/pomost/pomost/sdk/connector"
	"github.com/pomost/pomost/sdk/decimal"
	"github.com/pomost/pomost/sdk/record"
)

// Bounds of what is read to show real articles beside the question for the quantity.
const (
	levelTime    = 15 * time.Second
	maxLevels    = 5
	levelsLooked = 500
	levelsWide   = 76 // columns of text
	labelsWide   = 30
)

// The setting for the quantity, and the field for an expression beside the formulas that have names.
const (
	formulaKey = "formula"
	formulaOwn = "formula_own"
	ownFormula = "own"
	stockKind  = "stock"
)

// levels are real articles of a source with all their quantities.
type levels struct {
	codes, names []string
	rows         []levelRow
	// formulas are what the named formulas come to, a text an article; reserved says where reservations come from, "" where nobody can tell.
	formulas map[string][]string
	reserved string
	// lacking are the formulas that need a quantity which the source does not have.
	lacking map[string]bool
	// why says why there is nothing to show, or what is missing.
	why string
}

// levelRow is a quantity under its name in the system.
type levelRow struct {
	label  string
	values []string
}

// errEnough ends a read that has seen enough.
var errEnough = errors.New("enough was read")

// levels reads some articles of the source, those whose quantities differ most. What cannot be read is told in why.
func (q *questionnaire) levels(ctx context.Context, name string, conf flow.Flow, recipe *flow.Recipe) levels {
	ctx, cancel := context.WithTimeout(ctx, levelTime)
	defer cancel()
	var out levels
	err := q.service.within(ctx, func(st *home.State, w *workshop) (err error) {
		out, err = q.readLevels(ctx, w, name, conf, recipe)
		return err
	})
	switch {
	case errors.Is(ctx.Err(), context.DeadlineExceeded):
		out.why = q.t("%s did not show its articles within %s", conf.Source, levelTime)
	case err != nil:
		out.why = AsFailure(err).Error()
	}
	return out
}

func (q *questionnaire) readLevels(ctx context.Context, w *workshop, name string, conf flow.Flow, recipe *flow.Recipe) (levels, error) {
	var out levels
	src, err := w.connect(ctx, conf.Source)
	if err != nil {
		return out, err
	}
	read := recipe.LaneRead(recipe.Lanes[0])
	schema, err := src.connection.Discover(ctx, read.Object)
	if err != nil {
		return out, at(src.name, err)
	}
	var reserved map[string]decimal.Decimal
	switch orders := recipe.Read["reserving"]; {
	case offers(read, "reserved", schema):
		out.reserved = q.t("the reservations are in %s", labelOf(read, "reserved", schema))
	case orders == nil || !readable(src, orders.Object):
		out.why = q.t("no field tells what is reserved for sales orders")
	default:
		facts := &stockFacts{preparation: &preparation{workshop: w, name: name, config: conf, recipe: recipe}, source: src, reserving: orders}
		if reserved, err = facts.reserved(ctx); err != nil {
			out.why = q.t("what is reserved for sales orders cannot be read: %s", AsFailure(err).Error())
			if ctx.Err() != nil {
				return out, ctx.Err()
			}
			break
		}
		out.reserved = q.t("the reservations are counted from the open sales orders")
	}
	found, err := someLevels(ctx, src, read, recipe, reserved)
	if err != nil {
		return out, at(src.name, err)
	}
	if len(found) == 0 {
		out.why = q.t("%s has no articles yet", src.name)
	}
	for _, quantity := range flow.Quantities() {
		row := levelRow{label: labelOf(read, quantity, schema)}
		if quantity == "reserved" && reserved != nil {
			row.label = q.t("reserved (open sales orders)")
		}
		if row.label == "" {
			continue
		}
		for _, rec := range found {
			row.values = append(row.values, quantityText(rec.Get(quantity).AsDecimal()))
		}
		out.rows = append(out.rows, row)
	}
	out.formulas = map[string][]string{}
	out.lacking = map[string]bool{}
	for _, f := range flow.FormulaNames() {
		for _, word := range flow.NamedFormula(f).Words() {
			if !offers(read, word, schema) && (word != "reserved" || reserved == nil) {
				out.lacking[f] = true
			}
		}
		for _, rec := range found {
			v, missing, err := flow.NamedFormula(f).Eval(func(word string) (decimal.Decimal, bool) { return rec.Get(word).AsDecimal() })
			out.formulas[f] = append(out.formulas[f], quantityText(v, missing == "" && err == nil))
		}
	}
	for _, rec := range found {
		out.codes, out.names = append(out.codes, rec.Get("code").String()), append(out.names, rec.Get("name").String())
	}
	return out, nil
}

// someLevels are a few articles, those with the most different quantities first: where all are alike, nobody sees what a formula does.
func someLevels(ctx context.Context, src opened, read *flow.Object, recipe *flow.Recipe, reserved map[string]decimal.Decimal) ([]record.Record, error) {
	type scored struct {
		level record.Record
		kinds int
	}
	var best []scored
	looked := 0
	err := src.connection.Read(ctx, connector.ReadRequest{Object: read.Object}, func(b connector.Batch) error {
		for _, rec := range b.Records {
			if looked++; looked > levelsLooked {
				return errEnough
			}
			level, holds := recipe.Canon(recipe.Lanes[0].Read, rec)
			if len(holds) > 0 {
				continue
			}
			if reserved != nil {
				level.MustSet("reserved", record.Decimal(reserved[decide.ArticleKey(level.Get("code").String())]))
			}
			seen := map[string]bool{"": true, "0": true}
			for _, q := range flow.Quantities() {
				seen[quantityText(level.Get(q).AsDecimal())] = true
			}
			best = append(best, scored{level, len(seen)})
		}
		slices.SortStableFunc(best, func(a, b scored) int { return b.kinds - a.kinds })
		best = best[:min(len(best), maxLevels)]
		return nil
	})
	if err != nil && !errors.Is(err, errEnough) {
		return nil, err
	}
	slices.SortStableFunc(best, func(a, b scored) int { return b.kinds - a.kinds })
	var out []record.Record
	for _, s := range best[:min(len(best), maxLevels)] {
		out = append(out, s.level)
	}
	return out, nil
}

// labelOf is how the source calls the field that a quantity is read from, "" where this account has none.
func labelOf(read *flow.Object, quantity string, schema *record.Schema) string {
	for _, rule := range read.Rules() {
		if rule.Field != quantity {
			continue
		}
		for _, path := range rule.From {
			if f, ok := schema.Field(path); ok {
				if f.Label == "" || strings.EqualFold(f.Label, f.Name) {
					return f.Name
				}
				return f.Label + " (" + f.Name + ")"
			}
		}
	}
	return ""
}

func quantityText(d decimal.Decimal, ok bool) string {
	if !ok {
		return "–"
	}
	return d.String()
}

// table lays texts out in columns, the first one for their names.
func (l levels) table() (names []string, cells func(values []string) string) {
	wide := 0
	for _, r := range l.rows {
		wide = max(wide, utf8.RuneCountInString(r.label))
	}
	wide = min(wide, labelsWide)
	column := 0
	for _, c := range l.codes {
		column = max(column, utf8.RuneCountInString(cutText(c, 10)))
	}
	for _, r := range l.rows {
		for _, v := range r.values {
			column = max(column, utf8.RuneCountInString(v))
		}
	}
	column += 2
	n := min(len(l.codes), max((levelsWide-wide)/column, 1))
	cells = func(values []string) string {
		var b strings.Builder
		for _, v := range values[:min(n, len(values))] {
			fmt.Fprintf(&b, "%*s", column, cutText(v, column-2))
		}
		return b.String()
	}
	line := func(label string, values []string) string {
		return fmt.Sprintf("%-*s%s", wide, cutText(label, wide), cells(values))
	}
	names = append(names, line("", l.codes))
	for _, r := range l.rows {
		names = append(names, line(r.label, r.values))
	}
	for i := range min(n, len(l.codes)) {
		if l.names[i] != "" {
			names = append(names, l.codes[i]+": "+l.names[i])
		}
	}
	return names, cells
}

func cutText(s string, most int) string {
	if r := []rune(s); len(r) > most {
		return string(r[:max(most-1, 0)]) + "…"
	}
	return s
}

// formulaQuestion puts real articles beside the question for the quantity, and what each formula would show of them.
func (q *questionnaire) formulaQuestion(l levels) {
	one := q.step.Question
	q.speech.fields(one.Fields)
	cells := func([]string) string { return "" }
	if len(l.codes) > 0 {
		one.Example, cells = l.table()
	}
	if l.why != "" {
		one.Example = append([]string{q.t("%s: choose by what the words say", l.why)}, one.Example...)
	}
	f := &one.Fields[0]
	wide := 0
	for _, o := range f.Options {
		wide = max(wide, utf8.RuneCountInString(o.Label))
	}
	f.Options = slices.DeleteFunc(f.Options, func(o Option) bool { return l.lacking[o.Value] && o.Value != f.Value })
	for i, o := range f.Options {
		if values := l.formulas[o.Value]; len(values) > 0 {
			f.Options[i].Label = fmt.Sprintf("%-*s%s", wide, o.Label, cells(values))
		}
	}
	if f.Value != flow.DefaultFormula {
		return
	}
	if f.Proposed, f.Why = l.reserved != "" && !l.lacking[flow.DefaultFormula], l.reserved; !f.Proposed { // to guess would count reservations twice, or not at all
		f.Value, f.Why, f.Required = nil, "", true
		f.Options = slices.DeleteFunc(f.Options, func(o Option) bool { return l.lacking[o.Value] })
	}
}

// formulaFields ask for the quantity by name, or by an expression.
func (q *questionnaire) formulaFields(f Field) []Field {
	own := f
	own.Key, own.Label, own.DependsOn, own.Equals, own.Value = formulaOwn, q.t("Expression"), f.Key, ownFormula, nil
	f.Type, f.Help, f.Required = FieldChoice, "", true
	written, _ := f.Value.(string)
	named := false
	for _, name := range flow.FormulaNames() {
		f.Options = append(f.Options, Option{Value: name, Label: flow.FormulaTitle(name)})
		named = named || name == written
	}
	f.Options = append(f.Options, Option{Value: ownFormula, Label: q.t("an expression of your own")})
	if written != "" && !named {
		f.Value, own.Value = ownFormula, written
	}
	return []Field{f, own}
}

// formulaAnswer makes the one setting of the two fields.
func formulaAnswer(fields map[string]any) map[string]any {
	out := maps.Clone(fields)
	if out[formulaKey] == ownFormula && !blank(out[formulaOwn]) {
		out[formulaKey] = out[formulaOwn] // left empty, it is no word that a formula knows, which is told at the field
	}
	delete(out, formulaOwn)
	return out
}
