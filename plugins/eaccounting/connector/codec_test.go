package connector

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	sdk "github.com/pomost/pomost/sdk/connector"
	"github.com/pomost/pomost/sdk/record"
)

func TestFromJSON(t *testing.T) {
	m, err := decodeObject([]byte(`{"Id":"a","Amount":0.30000000000000004,"VatAmount":1E-2,"RoundingsAmount":"12.50","DeliveredAmount":null,
		"OrderDate":"2027-01-01T00:00:00+01:00","DeliveryDate":"2026-12-31","ShippedDateTime":"0001-01-01T00:00:00","ModifiedUtc":"2026-11-23T10:00:00.1234567",
		"CreatedUtc":"2026-11-23T11:00:00+01:00","Status":2.0,"Number":"x","EuThirdParty":"yes","NoSuchField":{"a":1},
		"Rows":[{"UnitPrice":99999999999999.9999,"Text":"é"},{"Text":null}],"Notes":["n1"]}`))
	if err != nil {
		t.Fatal(err)
	}
	r := fromJSON(schemaOf("OrderApi"), m)
	for field, want := range map[string]string{
		"Amount": "0.30000000000000004", "VatAmount": "0.01", "RoundingsAmount": "12.5", "OrderDate": "2027-01-01", "DeliveryDate": "2026-12-31",
		"ModifiedUtc": "2026-11-23T10:00:00.1234567Z", "CreatedUtc": "2026-11-23T10:00:00Z", "Status": "2", "Notes": "[n1]",
		"Rows": "[{Text=é UnitPrice=99999999999999.9999}, {Text=null}]",
	} {
		got := r.Get(field).String()
		if got != want {
			t.Errorf("%s is %s, want %s", field, got, want)
		}
	}
	for _, field := range []string{"DeliveredAmount", "ShippedDateTime"} {
		if r.Get(field).Kind() != record.KindNull {
			t.Errorf("%s is %s, want null", field, r.Get(field).Kind())
		}
	}
	for _, field := range []string{"Number", "EuThirdParty", "CustomerId"} {
		if !r.Get(field).IsAbsent() {
			t.Errorf("%s is %s, want absent: nothing is guessed", field, r.Get(field).Kind())
		}
	}
}

func TestDecodeObjectRefuses(t *testing.T) {
	for _, s := range []string{"", "null", "[]", `"x"`, "{} {}", "{", `<html>`} {
		if _, err := decodeObject([]byte(s)); err == nil {
			t.Errorf("%q is taken for an object", s)
		}
	}
}

func order(t *testing.T, pairs ...any) record.Record {
	t.Helper()
	base := []any{"CustomerId", text("00000000-1111-4222-8333-444444444444"), "CurrencyCode", text("EUR"), "OrderDate", day("2027-01-01"), "Status", record.Integer(2)}
	return build(schemaOf("OrderApi"), append(base, pairs...)...)
}

func TestToJSON(t *testing.T) {
	rows := schemaOf("OrderRowApi")
	r := order(t, "YourReference", record.Null(), "Number", record.Integer(7), "Rows", record.List(
		record.Nested(build(rows, "UnitPrice", dec("0.10"), "Quantity", dec("-1"))), record.Nested(build(rows, "LineNumber", record.Integer(9)))))
	m, problem := toJSON(r, "OrderApi", "", true)
	if problem != nil {
		t.Fatal(problem)
	}
	b, err := json.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	want := `{"CurrencyCode":"EUR","CustomerId":"00000000-1111-4222-8333-444444444444","EuThirdParty":false,"OrderDate":"2027-01-01",` +
		`"ReverseChargeOnConstructionServices":false,"RotReducedInvoicingType":0,"Rows":[` +
		`{"EligibleForReverseChargeOnVat":false,"IsTextRow":false,"IsWorkCost":false,"LineNumber":0,"Quantity":-1,"UnitPrice":0.1},` +
		`{"EligibleForReverseChargeOnVat":false,"IsTextRow":false,"IsWorkCost":false,"LineNumber":9}],"Status":2,"YourReference":null}`
	if string(b) != want {
		t.Errorf("got  %s\nwant %s", b, want)
	}
	stated, problem := toJSON(build(schemaOf("OrderApi"), "YourReference", text("x")), "OrderApi", "", false)
	if problem != nil || len(stated) != 1 {
		t.Errorf("an update states %v, %v, want one field only", stated, problem)
	}
}

func TestToJSONRefuses(t *testing.T) {
	rows := schemaOf("OrderRowApi")
	customer := schemaOf("CustomerApi")
	for name, c := range map[string]struct {
		r      record.Record
		schema string
		cause  sdk.Cause
		field  string
	}{
		"missing":    {build(schemaOf("OrderApi"), "CurrencyCode", text("EUR")), "OrderApi", sdk.CauseInvalidValue, "CustomerId"},
		"null":       {order(t, "CurrencyCode", record.Null()), "OrderApi", sdk.CauseInvalidValue, "CurrencyCode"},
		"blank":      {build(customer, "Name", text(" ")), "CustomerApi", sdk.CauseInvalidValue, "InvoiceCity"},
		"long":       {order(t, "BuyersOrderReference", text("%s", strings.Repeat("x", 36))), "OrderApi", sdk.CauseLength, "BuyersOrderReference"},
		"long emoji": {order(t, "BuyersOrderReference", text("%s", strings.Repeat("😀", 18))), "OrderApi", sdk.CauseLength, "BuyersOrderReference"},
		"long in row": {order(t, "Rows", record.List(record.Nested(build(rows)), record.Nested(build(rows, "Text", text("%s", strings.Repeat("x", 2001)))))), "OrderApi",
			sdk.CauseLength, "Rows[1].Text"},
	} {
		_, problem := toJSON(c.r, c.schema, "", true)
		if problem == nil || problem.Cause != c.cause || problem.Field != c.field || problem.Remedy == "" {
			t.Errorf("%s: %+v, want %s of %s", name, problem, c.cause, c.field)
		}
	}
	if _, problem := toJSON(order(t, "BuyersOrderReference", text("%s", strings.Repeat("😀", 17)+"x")), "OrderApi", "", true); problem != nil {
		t.Errorf("35 UTF-16 units: %v", problem)
	}
	o, _ := objectByName("orders")
	if problem := o.checkEnums(map[string]any{"Status": json.Number("5")}); problem == nil || problem.Field != "Status" {
		t.Errorf("status 5: %v", problem)
	}
}

// A PUT replaces: what this connector does not know must travel back as it came, what the system computes must not.
func TestMerge(t *testing.T) {
	o, _ := objectByName("customers")
	got, err := o.merge([]byte(`{"Id":"x","Name":"A","DiscountPercentage":0.10000000000000000001,"ChangedUtc":"y","TermsOfPaymentId":"t1","TermsOfPayment":{"Id":"t1"},
		"DirectDebitCustomerSettings":{"Mandate":"m"},"NewSince2026":[1,2]}`), map[string]any{"Name": "B & C", "TermsOfPaymentId": "t2"})
	if err != nil {
		t.Fatal(err)
	}
	want := `{"DirectDebitCustomerSettings":{"Mandate":"m"},"DiscountPercentage":0.10000000000000000001,"Name":"B \u0026 C","NewSince2026":[1,2],"TermsOfPaymentId":"t2"}`
	if string(got) != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestCursor(t *testing.T) {
	at := time.Date(2026, 11, 23, 10, 0, 0, 123456700, time.UTC)
	c, err := decodeCursor(cursor{Since: at, Nulls: true}.encode())
	if err != nil || !c.Since.Equal(at) || !c.Nulls {
		t.Errorf("%+v, %v", c, err)
	}
	if c, err := decodeCursor(nil); err != nil || !c.Since.IsZero() {
		t.Errorf("no cursor: %+v, %v", c, err)
	}
	for _, s := range []string{"x", "{}", `{"v":2,"since":"2026-01-01T00:00:00Z"}`, `{"v":1,"since":"2026-01-01T00:00:00Z","more":1}`} {
		if _, err := decodeCursor([]byte(s)); err == nil {
			t.Errorf("cursor %s is taken", s)
		}
	}
}
