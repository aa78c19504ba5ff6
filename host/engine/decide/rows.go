package decide

import (
	"fmt"
	"slices"

	"github.com/pomost/pomost/host/flow"
	"github.com/pomost/pomost/sdk/decimal"
	"github.com/pomost/pomost/sdk/record"
)

func (s *order) rows() []record.Record {
	var rows []record.Record
	for _, v := range s.doc.Get("rows").AsList() {
		if r, ok := v.AsRecord(); ok {
			rows = append(rows, r)
		}
	}
	slices.SortStableFunc(rows, func(a, b record.Record) int {
		x, _ := a.Get("line").AsInteger()
		y, _ := b.Get("line").AsInteger()
		return int(x - y)
	})
	return rows
}

// price runs the price rule and makes the outgoing rows.
func (s *order) price(goods map[int64]product) (PriceOutput, []record.Record, *Decision) {
	in := PriceInput{
		IncludesVAT: s.flag("includes_vat"), Gross: s.Gross, Decimals: s.PriceDecimals,
		DiscountLines: s.Settings.Discounts == "line", DiscountField: s.Settings.Discounts == "field", CanSplit: s.Settings.DiscountArticle != "", CanRound: s.Settings.RoundingArticle != "",
		Total: number(s.doc, "total"), VAT: number(s.doc, "total_vat"), Roundings: number(s.doc, "roundings"),
	}
	fail := func(cause, reason, remedy string) (PriceOutput, []record.Record, *Decision) {
		d := hold(s.d, cause, reason, remedy)
		return PriceOutput{}, nil, &d
	}
	var rows []record.Record
	for _, r := range s.rows() {
		line, _ := r.Get("line").AsInteger()
		if r.Get("is_text").AsBool() {
			s.d.Warnings = append(s.d.Warnings, fmt.Sprintf("row %d is a text row and is not sent", line))
			continue
		}
		qty, price := number(r, "quantity"), number(r, "unit_price")
		if qty == nil || price == nil {
			return fail("invalid_value", fmt.Sprintf("row %d has no quantity or no price", line), "complete the order in the source")
		}
		if qty.Places() > s.QuantityDecimals {
			return fail("invalid_value", fmt.Sprintf("row %d: the destination keeps %d decimals of a quantity, this one is %s", line, s.QuantityDecimals, qty),
				"change the quantity or the unit in the source")
		}
		row := PriceRow{Line: line, Quantity: *qty, UnitPrice: *price, Fixed: r.Get("fixed_discount").AsBool(), Amount: number(r, "amount")}
		if d := number(r, "discount"); d != nil {
			row.Discount = *d
		}
		rate := number(r, "vat_rate")
		if rate == nil {
			return fail("invalid_value", fmt.Sprintf("row %d states no VAT rate, so what the destination will charge cannot be foretold", line), "enter this order by hand")
		}
		row.Rate = *rate
		in.Rows = append(in.Rows, row)
		rows = append(rows, r)
	}
	if len(rows) == 0 {
		return fail("invalid_value", "it has no rows with an amount", "complete the order in the source")
	}
	out, err := Price(in)
	if err != nil {
		return fail("amounts_differ", err.Error(), "set a discount_article or a rounding_article for the flow, or correct the order in the source")
	}
	var lines []record.Record
	for i, r := range rows {
		line := record.New(flow.OutgoingRowSchema)
		line.MustSet("line", record.Integer(in.Rows[i].Line))
		line.MustSet("article", record.Text(goods[in.Rows[i].Line].code))
		line.MustSet("article_name", record.Text(goods[in.Rows[i].Line].name))
		line.MustSet("text", record.Text(r.Get("text").String()))
		line.MustSet("quantity", record.Decimal(in.Rows[i].Quantity))
		line.MustSet("price", record.Decimal(out.Prices[i]))
		line.MustSet("vat_rate", record.Decimal(in.Rows[i].Rate))
		if !out.Percents[i].IsZero() {
			line.MustSet("discount_percent", record.Decimal(out.Percents[i]))
		}
		lines = append(lines, line)
	}
	next := in.Rows[len(in.Rows)-1].Line
	extra := func(article string, price decimal.Decimal, rate *decimal.Decimal) {
		next++
		line := record.New(flow.OutgoingRowSchema)
		line.MustSet("line", record.Integer(next))
		line.MustSet("article", record.Text(article))
		line.MustSet("quantity", record.Decimal(decimal.New(1, 0)))
		line.MustSet("price", record.Decimal(price))
		if rate != nil {
			line.MustSet("vat_rate", record.Decimal(*rate))
		}
		lines = append(lines, line)
	}
	for _, d := range out.Discounts {
		extra(s.productCode(s.Settings.DiscountArticle), d.Price, &d.Rate)
	}
	if out.Rounding != nil {
		extra(s.productCode(s.Settings.RoundingArticle), *out.Rounding, nil)
	}
	return out, lines, nil
}

func number(r record.Record, field string) *decimal.Decimal {
	if d, ok := r.Get(field).AsDecimal(); ok {
		return &d
	}
	return nil
}
