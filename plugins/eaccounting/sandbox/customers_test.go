package sandbox

import (
	"strings"
	"testing"
)

func TestCustomerLife(t *testing.T) {
	w := newWorld(t)
	a := w.customer(obj{"EmailAddress": "a@x.example", "Note": "n", "Unknown": 1, "ChangedUtc": "2001-01-01", "Id": "nonsense"})
	w.want(a, "CustomerNumber", "1001", "CurrencyCode", "EUR", "InvoiceCountryCode", "NL", "DiscountPercentage", "0", "LastInvoiceDate", "<nil>")
	if a["TermsOfPayment"].(obj)["Id"] != a["TermsOfPaymentId"] {
		t.Error("the terms are not embedded")
	}
	path := "/customers/" + a["Id"].(string)
	b := w.ok(200, "PUT", path, w.customerBody(obj{"Name": "Jansen BV"}))
	w.want(b, "Name", "Jansen BV", "EmailAddress", "<nil>", "Note", "<nil>", "CustomerNumber", "1001", "Id", a["Id"].(string))
	if !later(b, a, "ChangedUtc") {
		t.Errorf("ChangedUtc did not move: %v, %v", a["ChangedUtc"], b["ChangedUtc"])
	}
	w.ok(200, "GET", strings.ToUpper(path), nil)
	if r := w.call("DELETE", path, nil); r.status != 200 || r.raw != "" {
		t.Errorf("DELETE: %d %s", r.status, r.raw)
	}
	w.refused(404, codeNotFound, "GET", path, nil)
}

func TestCustomerValidation(t *testing.T) {
	w := newWorld(t)
	w.customer(obj{"CustomerNumber": "K1"})
	for _, tc := range []struct {
		name   string
		change obj
		code   int
		fields string
	}{
		{"name missing", obj{"Name": nil}, codeValidation, "Name"},
		{"name blank", obj{"Name": " "}, codeValidation, "Name"},
		{"two missing", obj{"InvoiceCity": "", "TermsOfPaymentId": nil}, codeValidation, "InvoiceCity,TermsOfPaymentId"},
		{"name too long", obj{"Name": strings.Repeat("é", 51)}, codeValidation, "Name"},
		{"postcode too long", obj{"InvoicePostalCode": "12345678901"}, codeValidation, "InvoicePostalCode"},
		{"null for a bool", obj{"IsActive": nil}, codeValidation, "IsActive"},
		{"text for a bool", obj{"IsActive": "true"}, codeValidation, "IsActive"},
		{"text for a number", obj{"DiscountPercentage": "0.1"}, codeValidation, "DiscountPercentage"},
		{"discount over 1", obj{"DiscountPercentage": 10}, codeValidation, "DiscountPercentage"},
		{"terms not a GUID", obj{"TermsOfPaymentId": "x"}, codeValidation, "TermsOfPaymentId"},
		{"terms unknown", obj{"TermsOfPaymentId": "00000000-0000-0000-0000-000000000001"}, codeNotFound, ""},
		{"number taken", obj{"CustomerNumber": "k1"}, codeConflict, ""},
		{"VAT number", obj{"VatNumber": "123"}, codeVatNumber, ""},
		{"country", obj{"InvoiceCountryCode": "QQ"}, codeValidation, "InvoiceCountryCode"},
		{"currency", obj{"CurrencyCode": "XXX"}, codeValidation, "CurrencyCode"},
		{"copies without address", obj{"EmailAddresses": []string{"a@x.example"}}, codeValidation, "EmailAddresses"},
		{"reverse charge without number", obj{"ReverseChargeOnConstructionServices": true}, codeValidation, "VatNumber"},
		{"delivery VAT without address", obj{"DeliveryBasedVat": true}, codeValidation, "DeliveryBasedVat"},
		{"forced VAT in the Union", obj{"ForceBookkeepVat": true, "InvoiceCountryCode": "SE"}, codeForceVatEU, ""},
	} {
		body := w.customerBody(tc.change)
		for k, v := range tc.change {
			if v == nil && k != "IsActive" {
				delete(body, k)
			}
		}
		if fields := w.refused(400, tc.code, "POST", "/customers", body); fields != tc.fields && !sameSet(fields, tc.fields) {
			t.Errorf("%s: fields %s, want %s", tc.name, fields, tc.fields)
		}
	}
	w.refused(400, codeValidation, "POST", "/customers", "not json")
	w.refused(400, codeValidation, "POST", "/customers", "")
	w.refused(400, codeValidation, "POST", "/customers", `{"Name":"a"} {}`)
	w.customer(obj{"Name": strings.Repeat("é", 50)})
	// Required values of value types take their default [SBX].
	body := w.customerBody()
	delete(body, "IsActive")
	delete(body, "IsPrivatePerson")
	w.want(w.ok(201, "POST", "/customers", body), "IsActive", "false", "IsPrivatePerson", "false")
}

func sameSet(a, b string) bool {
	x, y := strings.Split(a, ","), strings.Split(b, ",")
	for _, e := range x {
		if !strings.Contains(","+b+",", ","+e+",") {
			return false
		}
	}
	return len(x) == len(y)
}

func TestCustomerWithOrdersCannotBeDeleted(t *testing.T) {
	w := newWorld(t)
	cu := w.customer()
	w.ok(201, "POST", "/orders", orderBody(cu, nil))
	w.refused(400, codeCannotDelete, "DELETE", "/customers/"+cu["Id"].(string), nil)
}

func TestLabels(t *testing.T) {
	w := newWorld(t)
	l := w.ok(201, "POST", "/customerlabels", obj{"Name": "VIP", "Description": "d"})
	cu := w.customer(obj{"CustomerLabels": []obj{{"Id": l["Id"], "Name": "other text"}}})
	w.want(cu["CustomerLabels"].([]any)[0].(obj), "Name", "VIP", "Id", l["Id"].(string))
	w.refused(400, codeNotFound, "POST", "/customers", w.customerBody(obj{"CustomerLabels": []obj{{"Name": "none"}}}))
	path := "/customerlabels/" + l["Id"].(string)
	w.want(w.ok(200, "PUT", path, obj{"Name": "Key"}), "Name", "Key", "Description", "<nil>")
	if got := w.filtered("/customers", "CustomerLabels/any(l: l/Name eq 'VIP')"); len(got) != 1 {
		t.Errorf("%d customers with the label", len(got))
	}
	w.ok(200, "DELETE", path, nil)
	w.refused(404, codeNotFound, "PUT", path, obj{"Name": "x"})
	w.refused(400, codeValidation, "POST", "/articlelabels", obj{"Name": strings.Repeat("x", 51)})
}
