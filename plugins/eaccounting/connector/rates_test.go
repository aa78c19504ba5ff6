package connector

import (
	"testing"

	sdk "github.com/pomost/pomost/sdk/connector"
	"github.com/pomost/pomost/sdk/record"
)

// The rows of an order of 2020 have no VatRate: it comes from the article's coding, whether the order is read or looked up. A text row has
// none, and what an order of 2026 states is left alone.
func TestRatesOf2020(t *testing.T) {
	t.Parallel()
	for _, dialect := range []string{"swagger2020", "default"} {
		t.Run(dialect, func(t *testing.T) {
			t.Parallel()
			e, run, article := shelf(t, map[string]string{"dialect": dialect})
			e.Refs["article"], e.Refs["customer"] = article, post(e, "/customers", map[string]any{"Name": "Bezoeker BV", "InvoiceCity": "Delft", "InvoicePostalCode": "2611 AB",
				"TermsOfPaymentId": listItem(e, "terms_of_payment"), "IsPrivatePerson": false, "IsActive": true})
			id := post(e, "/orders", map[string]any{"CustomerId": e.Refs["customer"], "CurrencyCode": "EUR", "OrderDate": "2026-11-20", "Status": 2, "EuThirdParty": false,
				"ReverseChargeOnConstructionServices": false, "RotReducedInvoicingType": 0, "Rows": []any{
					map[string]any{"ArticleId": article, "Quantity": 1, "UnitPrice": 10, "LineNumber": 0},
					map[string]any{"IsTextRow": true, "Text": "Bedankt", "LineNumber": 1},
				}})
			codings, err := e.Conn.List(t.Context(), "article_codings")
			if err != nil {
				t.Fatal(err)
			}
			want := codings[0].Attributes["rate"]
			var read []record.Record
			if err := e.Conn.Read(t.Context(), sdk.ReadRequest{Object: "orders"}, func(b sdk.Batch) error { read = append(read, b.Records...); return nil }); err != nil {
				t.Fatal(err)
			}
			found, err := e.Conn.Find(t.Context(), sdk.FindRequest{Object: "orders", Keys: []sdk.Key{{Fields: []sdk.KeyField{{Name: "Id", Value: record.Text(id)}}}}})
			if err != nil || len(found[0].Records) != 1 || len(read) != 1 {
				t.Fatal(found, read, err)
			}
			for _, r := range []record.Record{read[0], found[0].Records[0]} {
				rows := r.Get("Rows").AsList()
				first, _ := rows[0].AsRecord()
				second, _ := rows[1].AsRecord()
				if got := first.Get("VatRate").String(); got != want {
					t.Errorf("the row's rate is %q, want %s", got, want)
				}
				if v := second.Get("VatRate"); !v.IsEmpty() {
					t.Errorf("a text row has the rate %s", v)
				}
			}
			asked := 0
			for _, c := range run.Log() {
				if c.Path == "/v2/articleaccountcodings?$page=1&$pagesize=1000&vatRateDate=2026-11-20" {
					asked++
				}
			}
			if once := map[string]int{"swagger2020": 1}[dialect]; asked != once {
				t.Errorf("the codings of that day were asked for %d times, want %d", asked, once)
			}
		})
	}
}
