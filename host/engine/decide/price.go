package decide

import (
	"fmt"
	"sort"
	"strings"

	"github.com/pomost/pomost/sdk/decimal"
)

// cents is the number of decimals of an amount of money.
const cents = 2

// PriceRow is one row of a document as the price rule sees it (DOMAIN.md A1).
type PriceRow struct {
	Line      int64
	Quantity  decimal.Decimal
	UnitPrice decimal.Decimal
	Discount  decimal.Decimal // fraction
	Fixed     bool            // the discount is an amount: Amount counts
	Amount    *decimal.Decimal
	Rate      decimal.Decimal // percent
}

// PriceInput is a document as the price rule sees it.
type PriceInput struct {
	Rows        []PriceRow
	IncludesVAT bool // the source's row prices include VAT
	Gross       bool // the destination's prices include VAT
	Decimals    int32
	// Total, VAT and Roundings are what the source states; nil where it states nothing.
	Total, VAT, Roundings *decimal.Decimal
	// DiscountLines: always put discounts in lines of their own; CanSplit: a discount article is there, so that it can be done
	// where a price cannot carry the discount exactly. CanRound: a rounding article is there.
	DiscountLines, CanSplit, CanRound bool
	// DiscountField: a discount in percent goes into a field of the row beside the full price, where that keeps it exactly.
	DiscountField bool
}

// PriceOutput is what is to be sent, row by row, with the proof that it is the same money.
type PriceOutput struct {
	Prices []decimal.Decimal // per row of the input
	// Percents are the discounts per row that go into a field, in percent; zero where there is none.
	Percents []decimal.Decimal
	// Exempt: the source charged no VAT although the rows show a rate.
	Exempt bool
	// Discounts are extra rows with the discount article, one per rate; Rounding one with the rounding article.
	Discounts []DiscountLine
	Rounding  *decimal.Decimal
	Proof     Proof
	Warnings  []string
}

// DiscountLine is a negative row that carries the discount of one VAT rate.
type DiscountLine struct{ Rate, Price decimal.Decimal }

// Proof is the arithmetic that shows both sides to be the same, in the source's currency.
type Proof struct {
	SourceTotal, Predicted decimal.Decimal // including VAT
	Rates                  []RateProof
}

// RateProof is the proof of one VAT rate.
type RateProof struct{ Rate, Net, VAT decimal.Decimal }

// String writes the proof in one line.
func (p Proof) String() string {
	var parts []string
	for _, r := range p.Rates {
		parts = append(parts, fmt.Sprintf("%s%%: net %s VAT %s", r.Rate, r.Net.StringFixed(cents), r.VAT.StringFixed(cents)))
	}
	return fmt.Sprintf("source %s, predicted %s (%s)", p.SourceTotal.StringFixed(cents), p.Predicted.StringFixed(cents), strings.Join(parts, "; "))
}

// Price applies the price rule. An error is a reason to hold the document: it gives both figures.
func Price(in PriceInput) (PriceOutput, error) {
	var out PriceOutput
	rates := make([]decimal.Decimal, len(in.Rows))
	amounts := make([]decimal.Decimal, len(in.Rows)) // L, in the source's basis
	sum := decimal.Zero
	for i, r := range in.Rows {
		rates[i] = r.Rate
		l, err := rowAmount(r)
		if err != nil {
			return out, err
		}
		amounts[i] = l
		sum = sum.Add(l)
	}
	total, exempt, err := sourceTotal(in, amounts, sum)
	if err != nil {
		return out, err
	}
	if out.Exempt = exempt; exempt {
		for i := range rates {
			rates[i] = decimal.Zero
		}
		out.Warnings = append(out.Warnings, "the source charged no VAT although its rows show a rate: the destination must know this customer as exempt")
	}
	lines := map[string]decimal.Decimal{} // Σ of the destination's row amounts by rate
	splits := map[string]decimal.Decimal{}
	for i, r := range in.Rows {
		want, err := convert(amounts[i], rates[i], in, cents)
		if err != nil {
			return out, err
		}
		price, percent, ok := fieldPrice(in, r, rates[i], want)
		split := decimal.Zero
		if !ok {
			if price, split, err = linePrice(in, r, rates[i], want); err != nil {
				return out, err
			}
		}
		out.Prices, out.Percents = append(out.Prices, price), append(out.Percents, percent)
		key := rates[i].String()
		lines[key] = lines[key].Add(want)
		splits[key] = splits[key].Add(split)
	}
	for _, key := range sortedKeys(lines) {
		rate := decimal.MustParse(key)
		if !splits[key].IsZero() {
			out.Discounts = append(out.Discounts, DiscountLine{Rate: rate, Price: splits[key].Neg()})
		}
		p := RateProof{Rate: rate, Net: lines[key]}
		if in.Gross {
			// The destination shows prices with VAT: the tax is inside.
			net, err := lines[key].Quo(factor(rate), cents)
			if err != nil {
				return out, err
			}
			p.VAT, p.Net = lines[key].Sub(net), net
		} else {
			p.VAT = lines[key].Mul(rate).Mul(decimal.New(1, 2)).Round(cents)
		}
		out.Proof.Rates = append(out.Proof.Rates, p)
		out.Proof.Predicted = out.Proof.Predicted.Add(p.Net).Add(p.VAT)
	}
	if len(out.Discounts) > 1 {
		out.Warnings = append(out.Warnings, "the discount lines have several VAT rates, but the discount article has one")
	}
	out.Proof.SourceTotal = total
	if rest := total.Sub(out.Proof.Predicted); !rest.IsZero() {
		if !in.CanRound {
			return out, fmt.Errorf("the source's total is %s, the destination would make it %s: a difference of %s", total.StringFixed(cents),
				out.Proof.Predicted.StringFixed(cents), rest.StringFixed(cents))
		}
		if !roundable(rest, len(in.Rows)) {
			return out, fmt.Errorf("the source's total is %s, the destination would make it %s: %s is more than rounding explains", total.StringFixed(cents),
				out.Proof.Predicted.StringFixed(cents), rest.StringFixed(cents))
		}
		out.Rounding = &rest
		out.Proof.Predicted = total
	}
	return out, nil
}

// roundable reports whether a remainder can come from rounding: half a cent for each row and rate, and half a unit for a total
// rounded to whole units (öresavrundning). A larger one is a mistake that a rounding line must not hide.
func roundable(rest decimal.Decimal, rows int) bool {
	return rest.Abs().Cmp(decimal.New(int64(rows)+50, cents)) <= 0
}

// rowAmount is L: the row's amount as the source computes it, in its own basis.
func rowAmount(r PriceRow) (decimal.Decimal, error) {
	if r.Fixed {
		if r.Amount == nil {
			return decimal.Zero, fmt.Errorf("row %d has a discount as an amount, but the source states no row amount", r.Line)
		}
		return *r.Amount, nil
	}
	l := r.UnitPrice.Mul(r.Quantity).Mul(decimal.New(1, 0).Sub(r.Discount)).Round(cents)
	if r.Amount != nil && !r.Amount.Equal(l) {
		return decimal.Zero, fmt.Errorf("row %d: the source states %s, its price, quantity and discount make %s", r.Line, r.Amount.StringFixed(cents), l.StringFixed(cents))
	}
	return l, nil
}

// sourceTotal finds the total including VAT in what the source states. Whether its amount includes VAT is not documented, so
// the reading is taken that the document's own figures prove; none means that they contradict each other.
func sourceTotal(in PriceInput, amounts []decimal.Decimal, sum decimal.Decimal) (total decimal.Decimal, exempt bool, err error) {
	round := decimal.Zero
	if in.Roundings != nil {
		round = *in.Roundings
	}
	charged := decimal.Zero // VAT by the rows' rates
	byRate := map[string]decimal.Decimal{}
	for i, r := range in.Rows {
		byRate[r.Rate.String()] = byRate[r.Rate.String()].Add(amounts[i])
	}
	for key, a := range byRate {
		rate := decimal.MustParse(key)
		if in.IncludesVAT {
			net, err := a.Quo(factor(rate), cents)
			if err != nil {
				return total, false, err
			}
			charged = charged.Add(a.Sub(net))
		} else {
			charged = charged.Add(a.Mul(rate).Mul(decimal.New(1, 2)).Round(cents))
		}
	}
	vat := charged
	if in.VAT != nil {
		vat = *in.VAT
		exempt = vat.IsZero() && !charged.IsZero()
	}
	gross := sum
	if !in.IncludesVAT {
		gross = sum.Add(vat)
	}
	total = gross.Add(round)
	if in.Total == nil {
		return total, exempt, nil
	}
	stated := *in.Total
	for _, reading := range []decimal.Decimal{
		total,          // including VAT and roundings
		gross,          // including VAT, before rounding
		gross.Sub(vat), // the rows without VAT
		total.Sub(vat), // without VAT, rounded
	} {
		if stated.Equal(reading) {
			return total, exempt, nil
		}
	}
	return total, false, fmt.Errorf("the source states a total of %s, its rows make %s with and %s without VAT", stated.StringFixed(cents),
		gross.StringFixed(cents), gross.Sub(vat).StringFixed(cents))
}

func factor(rate decimal.Decimal) decimal.Decimal {
	return decimal.New(1, 0).Add(rate.Mul(decimal.New(1, 2)))
}

// convert brings an amount or a price from the source's basis to the destination's.
func convert(a, rate decimal.Decimal, in PriceInput, places int32) (decimal.Decimal, error) {
	switch {
	case in.IncludesVAT == in.Gross:
		return a.Round(places), nil
	case in.IncludesVAT:
		return a.Quo(factor(rate), places)
	default:
		return a.Mul(factor(rate)).Round(places), nil
	}
}

// fieldPrice is the full price with the discount in percent beside it, and whether the two make the row's amount to the cent.
func fieldPrice(in PriceInput, r PriceRow, rate, want decimal.Decimal) (price, percent decimal.Decimal, ok bool) {
	percent = r.Discount.Mul(decimal.New(100, 0))
	if !in.DiscountField || r.Fixed || r.Discount.IsZero() || !percent.Round(percentPlaces).Equal(percent) {
		return price, decimal.Zero, false
	}
	price, err := convert(r.UnitPrice, rate, in, in.Decimals)
	if err != nil || !price.Mul(r.Quantity).Mul(decimal.New(1, 0).Sub(r.Discount)).Round(cents).Equal(want) {
		return price, decimal.Zero, false
	}
	return price, percent, true
}

// percentPlaces are kept of a discount in percent: the destination's field has two.
const percentPlaces = 2

// linePrice finds the unit price to send: the price with the discount in it where price × quantity gives the row's amount
// exactly, else the undiscounted price and the difference (split) that a discount line must take off.
func linePrice(in PriceInput, r PriceRow, rate, want decimal.Decimal) (price, split decimal.Decimal, err error) {
	full, err := convert(r.UnitPrice, rate, in, in.Decimals)
	if err != nil {
		return price, split, err
	}
	discounted := r.Fixed || !r.Discount.IsZero()
	if r.Fixed && !r.Quantity.IsZero() {
		if price, err = want.Quo(r.Quantity, in.Decimals); err != nil {
			return price, split, err
		}
	} else if price, err = convert(r.UnitPrice.Mul(decimal.New(1, 0).Sub(r.Discount)), rate, in, in.Decimals); err != nil {
		return price, split, err
	}
	exact := price.Mul(r.Quantity).Round(cents).Equal(want)
	if exact && (!in.DiscountLines || !discounted) {
		return price, decimal.Zero, nil
	}
	split = full.Mul(r.Quantity).Round(cents).Sub(want)
	if in.CanSplit {
		return full, split, nil
	}
	if exact {
		return price, decimal.Zero, nil
	}
	return price, split, fmt.Errorf("row %d amounts to %s, but a unit price of %s makes %s", r.Line, want.StringFixed(cents), price,
		price.Mul(r.Quantity).Round(cents).StringFixed(cents))
}

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	sort.Slice(keys, func(i, j int) bool { return decimal.MustParse(keys[i]).Cmp(decimal.MustParse(keys[j])) > 0 })
	return keys
}
