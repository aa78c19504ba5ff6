package decide

import (
	"math/big"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/pomost/pomost/sdk/decimal"
)

func dec(s string) decimal.Decimal { return decimal.MustParse(s) }
func ptr(s string) *decimal.Decimal {
	d := dec(s)
	return &d
}

func TestPrice(t *testing.T) {
	row := func(qty, price, discount, rate string) PriceRow {
		return PriceRow{Line: 1, Quantity: dec(qty), UnitPrice: dec(price), Discount: dec(discount), Rate: dec(rate)}
	}
	for name, c := range map[string]struct {
		in        PriceInput
		prices    string
		discounts string
		rounding  string
		err       string
	}{
		"same basis": {
			in:     PriceInput{Rows: []PriceRow{row("2", "12.5", "0", "21")}, Decimals: 4, Total: ptr("30.25"), VAT: ptr("5.25")},
			prices: "12.5",
		},
		"prices with VAT to a net destination": {
			in:     PriceInput{Rows: []PriceRow{row("3", "9.99", "0", "21")}, IncludesVAT: true, Decimals: 4, Total: ptr("29.97"), VAT: ptr("5.20")},
			prices: "8.2562",
		},
		"net to gross": {
			in:     PriceInput{Rows: []PriceRow{row("1", "10", "0", "21")}, Gross: true, Decimals: 4, Total: ptr("12.10"), VAT: ptr("2.10")},
			prices: "12.1",
		},
		"a discount in the price": {
			in:     PriceInput{Rows: []PriceRow{row("4", "25", "0.1", "21")}, Decimals: 4, Total: ptr("108.90"), VAT: ptr("18.90")},
			prices: "22.5",
		},
		"a discount that the price cannot carry, without a discount article": {
			in:  PriceInput{Rows: []PriceRow{row("700", "0.99", "0.05", "21")}, Decimals: 2, Total: ptr("796.60"), VAT: ptr("138.25")},
			err: "a unit price of 0.94 makes 658.00",
		},
		"the same with one": {
			in:        PriceInput{Rows: []PriceRow{row("700", "0.99", "0.05", "21")}, Decimals: 2, CanSplit: true, Total: ptr("796.60"), VAT: ptr("138.25")},
			prices:    "0.99",
			discounts: "21:-34.65",
		},
		"discounts as lines": {
			in: PriceInput{Rows: []PriceRow{row("4", "25", "0.1", "21"), row("1", "10", "0.5", "9"), row("1", "3", "0", "9")}, Decimals: 4, CanSplit: true, DiscountLines: true,
				Total: ptr("117.62"), VAT: ptr("19.62")},
			prices:    "25 10 3",
			discounts: "21:-10 9:-5",
		},
		"a discount as an amount": {
			in:     PriceInput{Rows: []PriceRow{{Line: 1, Quantity: dec("2"), UnitPrice: dec("50"), Fixed: true, Amount: ptr("90"), Rate: dec("21")}}, Decimals: 4, Total: ptr("108.90"), VAT: ptr("18.90")},
			prices: "45",
		},
		"a stated amount that contradicts its row": {
			in:  PriceInput{Rows: []PriceRow{{Line: 7, Quantity: dec("2"), UnitPrice: dec("50"), Amount: ptr("90"), Rate: dec("21")}}, Decimals: 4},
			err: "row 7: the source states 90.00, its price, quantity and discount make 100.00",
		},
		"a discount as an amount that is not stated": {
			in:  PriceInput{Rows: []PriceRow{{Line: 2, Quantity: dec("2"), UnitPrice: dec("50"), Fixed: true, Rate: dec("21")}}, Decimals: 4},
			err: "row 2 has a discount as an amount",
		},
		"the amount may be stated without VAT": {
			in:     PriceInput{Rows: []PriceRow{row("2", "12.5", "0", "21")}, Decimals: 4, Total: ptr("25"), VAT: ptr("5.25")},
			prices: "12.5",
		},
		"a total that nothing explains": {
			in:  PriceInput{Rows: []PriceRow{row("2", "12.5", "0", "21")}, Decimals: 4, Total: ptr("31"), VAT: ptr("5.25")},
			err: "states a total of 31.00, its rows make 30.25 with and 25.00 without VAT",
		},
		"VAT per line against VAT per rate, held": {
			in:  PriceInput{Rows: []PriceRow{row("1", "0.12", "0", "21"), row("1", "0.12", "0", "21")}, Decimals: 4, Total: ptr("0.30"), VAT: ptr("0.06")},
			err: "a difference of 0.01",
		},
		"the same with a rounding article": {
			in:       PriceInput{Rows: []PriceRow{row("1", "0.12", "0", "21"), row("1", "0.12", "0", "21")}, Decimals: 4, CanRound: true, Total: ptr("0.30"), VAT: ptr("0.06")},
			prices:   "0.12 0.12",
			rounding: "0.01",
		},
		"a rounded total": {
			in:       PriceInput{Rows: []PriceRow{row("1", "99.50", "0", "25")}, Decimals: 4, CanRound: true, Total: ptr("124"), VAT: ptr("24.88"), Roundings: ptr("-0.38")},
			prices:   "99.5",
			rounding: "-0.38",
		},
		"a rounding article hides no mistake": {
			in:  PriceInput{Rows: []PriceRow{row("1", "99.50", "0", "25")}, Decimals: 4, CanRound: true, VAT: ptr("20.00")},
			err: "more than rounding explains",
		},
		"an exempt sale whose rows show a rate": {
			in:     PriceInput{Rows: []PriceRow{row("2", "100", "0", "21")}, Decimals: 4, Total: ptr("200"), VAT: ptr("0")},
			prices: "100",
		},
		"a credit row": {
			in:     PriceInput{Rows: []PriceRow{row("2", "10", "0", "21"), row("-1", "10", "0", "21")}, Decimals: 4, Total: ptr("12.10"), VAT: ptr("2.10")},
			prices: "10 10",
		},
		"a free row": {
			in:     PriceInput{Rows: []PriceRow{row("1", "0", "0", "21"), row("1", "10", "0", "9")}, Decimals: 4, Total: ptr("10.90"), VAT: ptr("0.90")},
			prices: "0 10",
		},
	} {
		t.Run(name, func(t *testing.T) {
			out, err := Price(c.in)
			if c.err != "" {
				if err == nil || !strings.Contains(err.Error(), c.err) {
					t.Fatalf("error %v, want %q", err, c.err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			var prices, discounts []string
			for _, p := range out.Prices {
				prices = append(prices, p.String())
			}
			for _, d := range out.Discounts {
				discounts = append(discounts, d.Rate.String()+":"+d.Price.String())
			}
			rounding := ""
			if out.Rounding != nil {
				rounding = out.Rounding.String()
			}
			if got := strings.Join(prices, " "); got != c.prices {
				t.Errorf("prices %s, want %s", got, c.prices)
			}
			if got := strings.Join(discounts, " "); got != c.discounts {
				t.Errorf("discounts %s, want %s", got, c.discounts)
			}
			if rounding != c.rounding {
				t.Errorf("rounding %s, want %s", rounding, c.rounding)
			}
		})
	}
}

// TestEveryCent takes random documents as a source would compute them, and recomputes what the destination makes of what is sent
// by another route: whatever is not held is the same money.
func TestEveryCent(t *testing.T) {
	sent := 0
	rapid.Check(t, func(t *rapid.T) {
		in := PriceInput{IncludesVAT: rapid.Bool().Draw(t, "includes"), Gross: rapid.Bool().Draw(t, "gross"), Decimals: rapid.SampledFrom([]int32{2, 4}).Draw(t, "decimals"),
			CanSplit: rapid.Bool().Draw(t, "split"), CanRound: rapid.Bool().Draw(t, "round"), DiscountLines: rapid.Bool().Draw(t, "lines"),
			DiscountField: rapid.Bool().Draw(t, "field")}
		n := rapid.IntRange(1, 6).Draw(t, "rows")
		vat, sum := decimal.Zero, decimal.Zero
		byRate := map[string]decimal.Decimal{}
		for i := range n {
			r := PriceRow{Line: int64(i), Quantity: decimal.New(rapid.Int64Range(-50, 3000).Draw(t, "qty"), rapid.Int32Range(0, 2).Draw(t, "qs")),
				UnitPrice: decimal.New(rapid.Int64Range(0, 100000).Draw(t, "price"), 2), Discount: decimal.New(rapid.Int64Range(0, 100).Draw(t, "discount"), 2),
				Rate: dec(rapid.SampledFrom([]string{"21", "9", "0", "25", "5.5"}).Draw(t, "rate"))}
			a := r.UnitPrice.Mul(r.Quantity).Mul(decimal.New(1, 0).Sub(r.Discount)).Round(2)
			r.Amount = &a
			in.Rows = append(in.Rows, r)
			sum = sum.Add(a)
			byRate[r.Rate.String()] = byRate[r.Rate.String()].Add(a)
		}
		for rate, a := range byRate {
			if in.IncludesVAT {
				net, _ := a.Quo(factor(dec(rate)), 2)
				vat = vat.Add(a.Sub(net))
			} else {
				vat = vat.Add(a.Mul(dec(rate)).Mul(decimal.New(1, 2)).Round(2))
			}
		}
		total := sum
		if !in.IncludesVAT {
			total = sum.Add(vat)
		}
		in.Total, in.VAT = &total, &vat
		out, err := Price(in)
		if err != nil {
			return
		}
		sent++
		// The destination's own arithmetic, in fractions: price × quantity per line, tax per rate.
		lines := map[string]*big.Rat{}
		add := func(rate decimal.Decimal, price, qty decimal.Decimal) {
			amount := rat(rat(price).Mul(rat(price), rat(qty)).FloatString(2))
			if lines[rate.String()] == nil {
				lines[rate.String()] = new(big.Rat)
			}
			lines[rate.String()].Add(lines[rate.String()], amount)
		}
		for i, p := range out.Prices {
			// A discount in a field of its own comes off before the row's amount is rounded.
			add(in.Rows[i].Rate, p.Mul(decimal.New(1, 0).Sub(out.Percents[i].Mul(decimal.New(1, 2)))), in.Rows[i].Quantity)
		}
		for _, d := range out.Discounts {
			add(d.Rate, d.Price, decimal.New(1, 0))
		}
		made := new(big.Rat)
		for rate, a := range lines {
			made.Add(made, a)
			if !in.Gross {
				tax := new(big.Rat).Mul(a, rat(rate))
				made.Add(made, rat(tax.Quo(tax, big.NewRat(100, 1)).FloatString(2)))
			}
		}
		if out.Rounding != nil {
			made.Add(made, rat(*out.Rounding))
		}
		if made.Cmp(rat(total)) != 0 {
			t.Fatalf("the source has %s, the destination makes %s of %+v", total, made.FloatString(4), out)
		}
	})
	if sent < 20 {
		t.Fatalf("only %d documents were sent: the test proves nothing", sent)
	}
}

func rat(v any) *big.Rat {
	s, ok := v.(string)
	if !ok {
		s = v.(decimal.Decimal).String()
	}
	r, _ := new(big.Rat).SetString(s)
	return r
}

func FuzzPrice(f *testing.F) {
	f.Add("1", "10", "0.1", "21", "10.89", "1.89", true, false)
	f.Fuzz(func(t *testing.T, qty, price, discount, rate, total, vat string, includes, gross bool) {
		var ds []decimal.Decimal
		for _, s := range []string{qty, price, discount, rate, total, vat} {
			d, err := decimal.Parse(s)
			if err != nil || d.Abs().Cmp(decimal.New(1e15, 0)) > 0 {
				return
			}
			ds = append(ds, d)
		}
		_, _ = Price(PriceInput{Rows: []PriceRow{{Quantity: ds[0], UnitPrice: ds[1], Discount: ds[2], Rate: ds[3]}}, Total: &ds[4], VAT: &ds[5],
			IncludesVAT: includes, Gross: gross, Decimals: 4, CanSplit: true, CanRound: true})
	})
}
