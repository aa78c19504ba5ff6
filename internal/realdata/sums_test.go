package realdata

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/pomost/pomost/internal/harness"
)

// TestSumsFindDifferences: the script that compares the figures is worth nothing unless it finds a cent.
func TestSumsFindDifferences(t *testing.T) {
	t.Parallel()
	if python(t) == "" {
		t.Skip("there is no python3")
	}
	w := world(t, "2026", nil)
	tr := &trade{
		customers: []customer{{number: "1001", name: "Jan", email: "jan@example.nl", postCode: "1011 AB", city: "Amsterdam", country: "NL"}},
		articles:  []article{{number: "MUG", name: "Mug", price: "10", rate: "21", books: true}},
		debtors:   []harness.Object{{"ACCT_NAME": "Jan"}},
	}
	for range 5 {
		tr.orders = append(tr.orders, order{date: "2026-05-01", customer: "1001", currency: "EUR", status: 2,
			rows: []row{{article: "MUG", quantity: json.Number("3"), price: json.Number("10.05")}}})
	}
	tr.load(t, w)
	c := checker{t: t, w: w, trade: tr, years: []int{2026}}
	debtor := c.debtor("Jan")
	type line = harness.Object
	for _, b := range []struct {
		reference, date string
		line            line
	}{
		{"1", "2026-05-01", line{"ORD_QTY": 3, "ART_PX": "10.05"}}, // as it is
		{"2", "2026-05-01", line{"ORD_QTY": 3, "ART_PX": "10.0534"}},
		{"3", "2026-05-01", line{"ORD_QTY": 2, "ART_PX": "15.075"}},
		{"4", "2026-05-02", line{"ORD_QTY": 3, "ART_PX": "10.05"}},
		{"4", "2026-05-01", line{"ORD_QTY": 3, "ART_PX": "10.05"}},
		{"9", "2026-05-01", line{"ORD_QTY": 3, "ART_PX": "10.05"}},
	} {
		b.line["ART_CODE"] = "MUG"
		if _, err := w.AV.InsertWithLines(t.Context(), "SO1", b.date, harness.Object{"ORD_DATE": b.date, "RPL_INV": debtor, "COMMENT1": b.reference}, b.line); err != nil {
			t.Fatal(err)
		}
	}
	out, err := c.compare()
	if err == nil {
		t.Error("the script ends well")
	}
	for _, want := range []string{
		"order 2 (26000002): net of 21 %: 30.15 in eAccounting, 30.16 in AccountView", "order 2 (26000002): with VAT: 36.48 in eAccounting, 36.49 in AccountView",
		"order 3 (26000003): quantities differ: MUG: 3 and 2", "order 4 (26000004): dated 2026-05-01 in eAccounting, 2026-05-02 in AccountView",
		"order 4 is booked twice: 26000004 and 26000005", "26000006 has the reference 9, which no order has", "; 6 differences",
	} {
		if !strings.Contains(out, want) {
			t.Errorf("it does not say %q", want)
		}
	}
	if strings.Contains(out, "order 1 ") {
		t.Error("it finds a difference where there is none")
	}
	if t.Failed() {
		t.Log(out)
	}
}
