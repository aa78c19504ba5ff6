package decide

import (
	"fmt"
	"slices"

	"github.com/pomost/pomost/host/flow"
	"github.com/pomost/pomost/sdk/connector"
	"github.com/pomost/pomost/sdk/decimal"
	"github.com/pomost/pomost/sdk/record"
)

// Levels is the MasterKind of stock: what decisions about it depend on beside the record, as the run found it at its start.
type Levels struct {
	Settings flow.StockSettings
	// Decimals are those that the destination's quantities keep.
	Decimals int32
	// Counts: the destination counts its stock itself and takes no quantity from outside.
	Counts bool
	// Reserved are the quantities reserved for sales orders by article, where they were counted from the orders; nil where a field of the source
	// has them. Waiting are those that the destination has sold in orders that the source does not have.
	Reserved, Waiting map[string]decimal.Decimal
	// Whole: the orders do not tell what of a line has left, so that whole lines count as reserved.
	Whole bool
}

// ArticleKey is the form of an article's number under which quantities are added up.
func ArticleKey(number string) string { return Fold(number) }

// Words implements MasterKind.
func (*Levels) Words() Words {
	return Words{Kind: "product", Target: "article", Missing: string(connector.CauseProductMissing),
		Taken: "article %s belongs to another product already: %s", TakenRemedy: "give each product a number of its own",
		None: "there is no article for it in the destination"}
}

// Label is the product's code.
func (*Levels) Label(canon record.Record) string { return canon.Get("code").String() }

// Wanted takes all.
func (*Levels) Wanted(_, _ record.Record) string { return "" }

// Keys are the number; what a flow of products recognised by something else is linked already.
func (*Levels) Keys(canon record.Record) ([]MatchKey, *flow.Hold) {
	return []MatchKey{codeKey(canon.Get("code").String(), false)}, nil
}

// Identity is the number.
func (*Levels) Identity(canon record.Record) string {
	return "article:" + Fold(canon.Get("code").String())
}

// Surrounded implements Surrounded: what is reserved and under way is found beside the record.
func (k *Levels) Surrounded(canon record.Record) record.Record {
	code := ArticleKey(canon.Get("code").String())
	out := record.Record{Schema: canon.Schema, Values: slices.Clone(canon.Values)}
	more := k.Reserved[code].Add(k.Waiting[code])
	if own, ok := canon.Get("reserved").AsDecimal(); ok {
		more = more.Add(own)
	}
	out.MustSet("reserved", record.Decimal(more))
	return out
}

// quantity works out what the destination should show.
func (k *Levels) quantity(canon, source record.Record) (decimal.Decimal, []string, *flow.Hold) {
	code := ArticleKey(canon.Get("code").String())
	q, missing, err := k.Settings.Formula.Eval(func(word string) (decimal.Decimal, bool) {
		if word == "reserved" && k.Reserved != nil {
			return k.Reserved[code], true
		}
		v := canon.Get(word)
		if _, ok := canon.Schema.Index(word); !ok {
			v = source.Get(word)
		}
		return v.AsDecimal()
	})
	switch {
	case err != nil:
		return q, nil, &flow.Hold{Cause: string(connector.CauseInvalidValue), Field: "formula", Message: err.Error(), Remedy: "correct the setting formula"}
	case missing != "":
		// Promise 6: what is not told is not nothing.
		return q, nil, &flow.Hold{Cause: string(connector.CauseInvalidValue), Field: missing, Message: "the source does not tell its quantity " + missing + ", which the formula needs",
			Remedy: "choose another formula, or look at the article in the source"}
	}
	q = q.Sub(k.Settings.Buffer)
	var warnings []string
	if r := k.Reserved[code]; !r.IsZero() {
		said := fmt.Sprintf("%s reserved by the source's sales orders", r)
		if k.Whole {
			said += ", whole lines, since no field tells what of them has left"
		}
		warnings = append(warnings, said)
	}
	if w := k.Waiting[code]; !w.IsZero() {
		q = q.Sub(w)
		warnings = append(warnings, fmt.Sprintf("%s taken off for orders that the source does not have yet", w))
	}
	q = q.Floor(k.Decimals)
	if q.Sign() < 0 {
		switch k.Settings.Negative {
		case flow.NegativeZero:
			warnings = append(warnings, fmt.Sprintf("it comes to %s, zero is sent", q))
			q = decimal.Zero
		case flow.NegativeHold:
			return q, nil, &flow.Hold{Cause: string(connector.CauseInvalidValue), Field: "quantity", Message: fmt.Sprintf("its quantity comes to %s", q), Remedy: "correct the stock in the source, or set negative to zero"}
		}
	}
	return q, warnings, nil
}

// Context works out the quantity.
func (k *Levels) Context(_ *Ask, canon, source record.Record) (flow.Context, []string, *flow.Hold) {
	q, warnings, held := k.quantity(canon, source)
	if held != nil {
		return nil, nil, held
	}
	out := record.New(flow.LevelSendingSchema)
	if !k.Counts {
		out.MustSet("quantity", record.Decimal(q))
	}
	switch {
	case k.Settings.ManageStock == flow.ManageYes && !k.Counts:
		warnings = append(warnings, "manage_stock has no effect: the destination's stock module is not active")
	case k.Settings.ManageStock != flow.ManageKeep && k.Counts:
		out.MustSet("managed", record.Bool(k.Settings.ManageStock == flow.ManageYes))
	}
	return flow.Context{"level": canon, "sending": out}, warnings, nil
}

// Check passes over articles of which no stock is kept.
func (*Levels) Check(_, there record.Record) (string, *flow.Hold) {
	if there.Get("service").AsBool() {
		return "it is a service there, of which no stock is kept", nil
	}
	return "", nil
}

// Report implements Reporter: an article that the destination counts itself takes no quantity; where both sides differ, it is told.
func (k *Levels) Report(canon, source, there record.Record) (string, *flow.Hold) {
	managed := there.Get("managed").AsBool()
	if !k.Counts && !managed {
		return "", nil
	}
	shown, _ := there.Get("stock").AsDecimal()
	if want := k.Settings.ManageStock; k.Counts && want != flow.ManageKeep && managed != (want == flow.ManageYes) {
		if want == flow.ManageNo && !shown.IsZero() {
			return "", &flow.Hold{Cause: string(connector.CauseRefused), Field: "managed",
				Message: fmt.Sprintf("its stock there is %s: only at zero can it stop being counted", shown), Remedy: "bring it to zero in the destination, or set manage_stock to keep"}
		}
		return "", nil
	}
	q, _, held := k.quantity(canon, source)
	if held != nil || q.Equal(shown) {
		return "", held
	}
	return fmt.Sprintf("the destination counts its stock itself, so nothing is written: it shows %s, the source comes to %s", shown, q), nil
}
