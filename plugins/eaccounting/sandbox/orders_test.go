package sandbox

import (
	"encoding/json"
	"fmt"
	"testing"
)

func TestOrderTakesDefaults(t *testing.T) {
	w := newWorld(t)
	method := w.id("/deliverymethods", "Code", "POST")
	cu := w.customer(obj{"InvoiceAddress1": "Street 1", "DeliveryAddress1": "Dock 2", "DeliveryCity": "Delft", "DeliveryMethodId": method})
	a := w.article("A-1", "21")
	o := w.ok(201, "POST", "/orders", orderBody(cu, []obj{row(a, "2", ""), {"IsTextRow": true, "Text": "hello"}},
		obj{"InvoiceCity": "Gouda", "BuyersOrderReference": "W-1", "Amount": 999, "Number": 77}))
	w.want(o, "Number", "1", "Status", "2", "InvoiceAddress1", "Street 1", "InvoiceCity", "Gouda", "InvoiceCustomerName", "Jansen",
		"DeliveryAddress1", "Dock 2", "DeliveryCity", "Delft", "DeliveryMethodCode", "POST", "DeliveryMethodId", method, "CustomerNumber", "1001",
		"BuyersOrderReference", "W-1", "TermsOfPaymentId", cu["TermsOfPaymentId"].(string), "OrderDate", "2026-06-10", "DeliveryDate", "<nil>",
		"Amount", "24.2", "VatAmount", "4.2", "RoundingsAmount", "0", "IncludesVat", "false", "DeliveredAmount", "0", "ShippedDateTime", "<nil>")
	w.want(firstRow(o), "UnitPrice", "10", "Amount", "20", "Text", "Thing A-1", "ArticleNumber", "A-1", "VatRate", "21", "LineNumber", "0", "DeliveredQuantity", "0")
	w.want(o["Rows"].([]any)[1].(obj), "ArticleId", "<nil>", "VatRate", "<nil>", "Text", "hello", "LineNumber", "1", "Amount", "0")
	w.want(w.ok(201, "POST", "/orders", orderBody(cu, []obj{row(a, "2", "0")})), "Amount", "0")
}

func TestOrderValidation(t *testing.T) {
	w := newWorld(t)
	cu, a := w.customer(), w.article("A-1", "21")
	nobody := "00000000-0000-0000-0000-000000000001"
	for _, tc := range []struct {
		body   obj
		code   int
		fields string
	}{
		{orderBody(cu, nil, obj{"CustomerId": nobody}), codeNotFound, ""},
		{orderBody(cu, nil, obj{"CurrencyCode": "XXX"}), codeValidation, "CurrencyCode"},
		{orderBody(cu, nil, obj{"CurrencyCode": "EURO"}), codeValidation, "CurrencyCode"},
		{orderBody(cu, nil, obj{"OrderDate": nil}), codeValidation, "OrderDate"},
		{orderBody(cu, nil, obj{"OrderDate": "10-06-2026"}), codeValidation, "OrderDate"},
		{orderBody(cu, nil, obj{"Status": 0}), codeValidation, "Status"},
		{orderBody(cu, nil, obj{"Status": 5}), codeValidation, "Status"},
		{orderBody(cu, nil, obj{"Status": 4}), codeCannotChange, ""},
		{orderBody(cu, nil, obj{"BuyersOrderReference": "123456789012345678901234567890123456"}), codeValidation, "BuyersOrderReference"},
		{orderBody(cu, []obj{row(obj{"Id": nobody}, "1", "1")}), codeNotFound, ""},
		{orderBody(cu, []obj{row(a, "1", "1"), row(obj{}, "1", "1")}), codeValidation, "Rows[1].ArticleId"},
		{orderBody(cu, []obj{{"IsTextRow": true}}), codeValidation, "Rows[0].Text"},
		{orderBody(cu, []obj{row(a, "1", "1", obj{"LineNumber": 1001})}), codeValidation, "Rows[0].LineNumber"},
		{orderBody(cu, []obj{row(a, "1", "1", obj{"DiscountPercentage": json.Number("1.5")})}), codeValidation, "Rows[0].DiscountPercentage"},
		{orderBody(cu, []obj{row(a, "1", `1`, obj{"Quantity": "1"})}), codeValidation, "Rows[0].Quantity"},
	} {
		if fields := w.refused(400, tc.code, "POST", "/orders", tc.body); fields != tc.fields {
			t.Errorf("%v: fields %q, want %q", tc.body, fields, tc.fields)
		}
	}
	if n := len(w.list("/orders")); n != 0 {
		t.Errorf("%d orders were made by refused calls", n)
	}
}

func TestOrderLife(t *testing.T) {
	w := newWorld(t)
	cu, a := w.customer(), w.article("A-1", "21")
	o := w.ok(201, "POST", "/orders", orderBody(cu, []obj{row(a, "2", "5")}, obj{"Status": 1}))
	w.want(o, "Number", "<nil>", "Status", "1")
	path := "/orders/" + o["Id"].(string)
	before := o
	step := func(action string, pairs ...string) obj {
		t.Helper()
		got := w.ok(200, "POST", path+"/"+action, nil)
		w.want(got, pairs...)
		now := w.ok(200, "GET", path, nil)
		if !later(now, before, "ModifiedUtc") {
			t.Errorf("%s: ModifiedUtc %v after %v", action, now["ModifiedUtc"], before["ModifiedUtc"])
		}
		before = now
		return got
	}
	w.refused(400, codeCannotChange, "POST", path+"/completed", nil)
	w.refused(400, codeCannotChange, "POST", path+"/convert", obj{})
	step("converteddrafttoorder", "Status", "2", "Number", "1")
	w.refused(400, codeCannotChange, "POST", path+"/converteddrafttoorder", nil)
	w.refused(400, codeCannotChange, "POST", path+"/voided", nil)
	shipped := step("completed", "Status", "3", "DeliveredAmount", "12.1")
	w.want(firstRow(shipped), "DeliveredQuantity", "2")
	w.refused(400, codeCannotDelete, "DELETE", path, nil)
	step("voided", "Status", "2", "DeliveredAmount", "0", "ShippedDateTime", "<nil>")
	inv := step("convert", "CreatedFromOrderId", o["Id"].(string), "InvoiceNumber", "1", "TotalAmount", "12.1", "RemainingAmount", "12.1", "PaymentStatus", "1")
	w.want(w.ok(200, "GET", path, nil), "Status", "4")
	w.refused(400, codeCannotChange, "POST", path+"/convert", obj{})
	w.refused(400, codeCannotChange, "PUT", path, orderBody(cu, nil, obj{"Status": 4}))
	w.refused(400, codeCannotDelete, "DELETE", path, nil)
	if got := w.filtered("/customerinvoices", "CreatedFromOrderId eq "+o["Id"].(string)); len(got) != 1 || got[0]["Id"] != inv["Id"] {
		t.Errorf("invoices of the order: %v", got)
	}
	w.refused(404, codeNotFound, "POST", "/orders/00000000-0000-0000-0000-000000000001/completed", nil)
}

func TestOrderPutReplaces(t *testing.T) {
	w := newWorld(t)
	cu, a := w.customer(), w.article("A-1", "21")
	o := w.ok(201, "POST", "/orders", orderBody(cu, []obj{row(a, "1", "5"), row(a, "2", "6")}, obj{"YourReference": "me", "Status": 1}))
	path := "/orders/" + o["Id"].(string)
	kept := merged(firstRow(o), obj{"Quantity": 3})
	got := w.ok(200, "PUT", path, orderBody(cu, []obj{kept}))
	w.want(got, "YourReference", "<nil>", "Number", "1", "Status", "2", "Amount", "18.15", "CreatedUtc", o["CreatedUtc"].(string))
	w.want(firstRow(got), "Id", kept["Id"].(string))
	w.refused(400, codeCannotChange, "PUT", path, orderBody(cu, nil, obj{"Status": 1}))
	w.want(w.ok(200, "PUT", path, orderBody(cu, nil)), "Amount", "0", "Rows", "[]")
	w.want(w.ok(200, "PUT", path, orderBody(cu, nil, obj{"Status": 3})), "Status", "3")
	w.ok(201, "POST", "/orders", orderBody(cu, nil))
	w.ok(200, "DELETE", "/orders/"+w.filtered("/orders", "Number eq 2")[0]["Id"].(string), nil)
}

func TestBackOrder(t *testing.T) {
	w := newWorld(t)
	cu, a := w.customer(), w.article("A-1", "21")
	o := w.ok(201, "POST", "/orders", orderBody(cu, []obj{row(a, "5", "10", obj{"DeliveredQuantity": 2}), row(a, "1", "10")}, obj{"BuyersOrderReference": "W-1"}))
	path := "/orders/" + o["Id"].(string)
	rest := w.ok(200, "POST", path+"/backorder", nil)
	w.want(rest, "Status", "2", "Number", "2", "BuyersOrderReference", "W-1", "Amount", "48.4")
	if len(rest["Rows"].([]any)) != 2 {
		t.Errorf("rows of the back order: %v", rest["Rows"])
	}
	w.want(firstRow(rest), "Quantity", "3", "DeliveredQuantity", "0", "Amount", "30")
	first := w.ok(200, "GET", path, nil)
	w.want(first, "Status", "3", "Amount", "72.6", "DeliveredAmount", "24.2")
	w.refused(400, codeHasBackOrders, "POST", path+"/voided", nil)
	w.refused(400, codeCannotChange, "POST", path+"/backorder", nil)
	w.want(w.ok(200, "POST", path+"/convert", nil), "TotalAmount", "24.2")
	o = w.ok(201, "POST", "/orders", orderBody(cu, []obj{row(a, "5", "10")}))
	w.refused(400, codeCannotChange, "POST", "/orders/"+o["Id"].(string)+"/backorder", nil)
}

// TestTotals holds every reading of the totals against figures made by hand.
func TestTotals(t *testing.T) {
	type figures struct{ amount, vat, roundings string }
	rows := func(w *world, a, b obj) []obj {
		return []obj{row(a, "3", "1.11"), row(a, "3", "1.11"), row(b, "1", "2.50", obj{"DiscountPercentage": json.Number("0.1")})}
	}
	for _, tc := range []struct {
		settings []string
		private  bool
		want     figures
		incl     string
	}{
		// 6.66 at 21 % is 1.3986; 2.25 at 9 % is 0.2025.
		{nil, false, figures{"10.51", "1.6", "0"}, "false"},
		// Twice 3.33 at 21 % is 0.6993 each: 0.70 + 0.70.
		{[]string{"dialect=vat_per_line"}, false, figures{"10.51", "1.6", "0"}, "false"},
		{[]string{"dialect=amount_excl_vat"}, false, figures{"8.91", "1.6", "0"}, "false"},
		{[]string{"rounding=1"}, false, figures{"11", "1.6", "0.49"}, "false"},
		// 6.66 contains 1.16 (net 5.50), 2.25 contains 0.19 (net 2.06).
		{[]string{"prices_incl_vat=on"}, true, figures{"8.91", "1.35", "0"}, "true"},
		{[]string{"prices_incl_vat=on"}, false, figures{"10.51", "1.6", "0"}, "false"},
		{[]string{"prices_incl_vat=on", "dialect=amount_excl_vat"}, true, figures{"8.91", "1.35", "0"}, "true"},
		{nil, true, figures{"10.51", "1.6", "0"}, "false"},
	} {
		w := newWorld(t, tc.settings...)
		cu := w.customer(obj{"IsPrivatePerson": tc.private})
		o := w.ok(201, "POST", "/orders", orderBody(cu, rows(w, w.article("A", "21"), w.article("B", "9"))))
		got := figures{fmt.Sprint(o["Amount"]), fmt.Sprint(o["VatAmount"]), fmt.Sprint(o["RoundingsAmount"])}
		if got != tc.want || fmt.Sprint(o["IncludesVat"]) != tc.incl {
			t.Errorf("%v private %v: %v incl %v, want %v", tc.settings, tc.private, got, o["IncludesVat"], tc.want)
		}
	}
}

func TestVatPerLineDiffers(t *testing.T) {
	// Three rows of 0.07 at 21 %: 0.0147 each rounds to 0.01, together 0.0441 rounds to 0.04.
	for dialect, want := range map[string]string{"default": "0.04", "vat_per_line": "0.03"} {
		w := newWorld(t, "dialect="+dialect)
		a := w.article("A", "21")
		o := w.ok(201, "POST", "/orders", orderBody(w.customer(), []obj{row(a, "1", "0.07"), row(a, "1", "0.07"), row(a, "1", "0.07")}))
		w.want(o, "VatAmount", want)
	}
}

func TestUnitPricePlaces(t *testing.T) {
	w := newWorld(t)
	a := w.article("A", "21")
	domestic, foreign := w.customer(), w.customer(obj{"InvoiceCountryCode": "SE"})
	o := w.ok(201, "POST", "/orders", orderBody(domestic, []obj{row(a, "1", "1.23456")}))
	w.want(firstRow(o), "UnitPrice", "1.23")
	o = w.ok(201, "POST", "/orders", orderBody(foreign, []obj{row(a, "1", "1.23456")}))
	w.want(firstRow(o), "UnitPrice", "1.2346")
	o = w.ok(201, "POST", "/orders", orderBody(domestic, []obj{row(a, "1", "1.23456")}, obj{"CurrencyCode": "SEK"}))
	w.want(firstRow(o), "UnitPrice", "1.2346")
}

func TestSettingsPolarity(t *testing.T) {
	for _, tc := range []struct{ set, dialect, want string }{
		{"off", "default", "true"}, {"on", "default", "false"}, {"off", "incl_vat_reversed", "false"}, {"on", "incl_vat_reversed", "true"},
	} {
		w := newWorld(t, "prices_incl_vat="+tc.set, "dialect="+tc.dialect)
		w.want(w.ok(200, "GET", "/companysettings", nil), "ShowPricesExclVatPC", tc.want)
		o := w.ok(201, "POST", "/orders", orderBody(w.customer(obj{"IsPrivatePerson": true}), nil))
		w.want(o, "IncludesVat", map[string]string{"on": "true", "off": "false"}[tc.set])
	}
}

func TestVariantWithoutOrders(t *testing.T) {
	w := newWorld(t, "variant=solo")
	w.refused(403, codeWrongVariant, "GET", "/orders", nil)
	w.ok(200, "GET", "/customers", nil)
}
