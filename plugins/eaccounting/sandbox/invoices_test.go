package sandbox

import (
	"encoding/json"
	"fmt"
	"testing"
	"time"
)

func invoiceBody(customer obj, rows []obj, changes ...obj) obj {
	return merged(obj{"CustomerId": customer["Id"], "InvoiceDate": "2026-06-01", "Rows": rows}, changes...)
}

func vatSpecification(inv obj) string {
	out := ""
	for _, e := range inv["VatSpecification"].([]any) {
		v := e.(obj)
		out += fmt.Sprintf("%v%%:%v+%v ", v["VatPercent"], v["AmountInvoiceCurrency"], v["VatAmountInvoiceCurrency"])
	}
	return out
}

func TestInvoiceIsBookedAtOnce(t *testing.T) {
	w := newWorld(t)
	cu := w.customer(obj{"EmailAddress": "a@x.example"})
	a, b := w.article("A", "21"), w.article("B", "9")
	inv := w.ok(201, "POST", "/customerinvoices", invoiceBody(cu, []obj{row(a, "3", "1.11"), row(a, "3", "1.11"), row(b, "1", "2.25"), {"Text": "thanks"}}))
	w.want(inv, "InvoiceNumber", "1", "TotalAmount", "10.51", "TotalVatAmount", "1.6", "TotalAmountInvoiceCurrency", "10.51", "RemainingAmount", "10.51",
		"PaymentStatus", "1", "InvoiceDate", "2026-06-01", "DueDate", "2026-07-01", "IsCreditInvoice", "false", "CurrencyRate", "1", "CustomerEmail", "a@x.example")
	if got := vatSpecification(inv); got != "21%:6.66+1.4 9%:2.25+0.2 " {
		t.Errorf("VatSpecification %s", got)
	}
	w.want(inv["Rows"].([]any)[3].(obj), "IsTextRow", "true", "ArticleId", "<nil>")
	path := "/customerinvoices/" + inv["Id"].(string)
	for _, method := range []string{"PUT", "DELETE"} {
		if r := w.call(method, path, inv); r.status != 405 {
			t.Errorf("%s: %d", method, r.status)
		}
	}
	w.want(w.ok(200, "GET", "/customers/"+cu["Id"].(string), nil), "LastInvoiceDate", "2026-06-01", "UnpaidInvoicesAmount", "10.51")
	w.now = w.now.AddDate(0, 1, 0)
	w.want(w.ok(200, "GET", path, nil), "PaymentStatus", "2", "ModifiedUtc", inv["ModifiedUtc"].(string))
	w.refused(400, codeNoFiscalYear, "POST", "/customerinvoices", invoiceBody(cu, []obj{row(a, "1", "1")}, obj{"InvoiceDate": "1999-01-01"}))
	w.refused(400, codeValidation, "POST", "/customerinvoices", invoiceBody(cu, nil))
	w.refused(400, codeValidation, "POST", "/customerinvoices", obj{"CustomerId": cu["Id"]})
}

func TestWhoPaysWhichVat(t *testing.T) {
	w := newWorld(t)
	settings := w.ok(200, "GET", "/companysettings", nil)
	w.ok(200, "PUT", "/companysettings", merged(settings, obj{"UsesMoss": true}))
	goods, oss := w.article("A", "21"), w.article("B", "9", obj{"UsesMoss": true})
	for _, tc := range []struct {
		name   string
		change obj
		want   string
	}{
		{"domestic", obj{}, "21%:100+21 9%:100+9 "},
		{"EU business", obj{"InvoiceCountryCode": "SE", "VatNumber": "SE556677889901"}, "0%:200+0 "},
		{"EU business without number", obj{"InvoiceCountryCode": "SE"}, "21%:100+21 9%:100+9 "},
		{"outside the Union", obj{"InvoiceCountryCode": "NO"}, "0%:200+0 "},
		{"private abroad: OSS where the article says so", obj{"InvoiceCountryCode": "SE", "IsPrivatePerson": true}, "25%:100+25 21%:100+21 "},
		{"delivery decides", obj{"DeliveryBasedVat": true, "IsPrivatePerson": true, "DeliveryCity": "x", "DeliveryPostalCode": "1", "DeliveryCountryCode": "DE"}, "21%:100+21 19%:100+19 "},
	} {
		inv := w.ok(201, "POST", "/customerinvoices", invoiceBody(w.customer(tc.change), []obj{row(goods, "1", "100"), row(oss, "1", "100")}))
		if got := vatSpecification(inv); got != tc.want {
			t.Errorf("%s: %s, want %s", tc.name, got, tc.want)
		}
		w.want(firstRow(inv), "VatRate", "21")
	}
	no := newWorld(t, "country=NO", "currency=NOK")
	inv := no.ok(201, "POST", "/customerinvoices", invoiceBody(no.customer(obj{"InvoiceCountryCode": "SE"}), []obj{row(no.article("A", "25"), "1", "100")}))
	if got := vatSpecification(inv); got != "0%:100+0 " {
		t.Errorf("from Norway: %s", got)
	}
}

func TestPayments(t *testing.T) {
	w := newWorld(t)
	cu, a := w.customer(), w.article("A", "21")
	o := w.ok(201, "POST", "/orders", orderBody(cu, []obj{row(a, "1", "100")}))
	inv := w.ok(200, "POST", "/orders/"+o["Id"].(string)+"/convert", obj{})
	order := w.ok(200, "GET", "/orders/"+o["Id"].(string), nil)
	path := "/customerinvoices/" + inv["Id"].(string)
	bank := w.list("/bankaccounts")[0]["Id"]
	pay := func(amount string, changes ...obj) obj {
		return merged(obj{"CompanyBankAccountId": bank, "PaymentDate": "2026-06-15", "PaymentAmount": json.Number(amount), "PaymentCurrency": "EUR", "PaymentType": 1}, changes...)
	}
	for _, tc := range []struct {
		body   obj
		code   int
		fields string
	}{
		{pay("1", obj{"PaymentDate": "2026-06-16"}), codeFutureDate, ""},
		{pay("1", obj{"PaymentCurrency": "SEK"}), codeValidation, "PaymentCurrency"},
		{pay("1", obj{"PaymentType": 5}), codeValidation, "PaymentType"},
		{pay("1", obj{"CompanyBankAccountId": inv["Id"]}), codeNotFound, ""},
		{pay("1", obj{"CompanyBankAccountId": nil}), codeValidation, "CompanyBankAccountId"},
		{pay("121.01"), codeValidation, "PaymentAmount"},
		{pay("-1"), codeValidation, "PaymentAmount"},
		{pay("1", obj{"DomesticPaymentAmount": 1}), codeDomesticAmount, ""},
	} {
		if fields := w.refused(400, tc.code, "POST", path+"/payments", tc.body); fields != tc.fields {
			t.Errorf("%v: fields %s", tc.body, fields)
		}
	}
	w.ok(201, "POST", path+"/payments", pay("21"))
	part := w.ok(200, "GET", path, nil)
	w.want(part, "RemainingAmount", "100", "RemainingAmountInvoiceCurrency", "100", "PaymentStatus", "1", "PaymentDate", "2026-06-15")
	if !later(part, inv, "ModifiedUtc") {
		t.Error("a payment must move the invoice's ModifiedUtc")
	}
	w.refused(400, codeCannotChange, "POST", path+"/void", nil)
	w.ok(201, "POST", path+"/payments", pay("99.99", obj{"PaymentType": 2}))
	w.want(w.ok(200, "GET", path, nil), "RemainingAmount", "0", "PaymentStatus", "0")
	w.refused(400, codeCannotChange, "POST", path+"/payments", pay("1"))
	w.want(w.ok(200, "GET", "/orders/"+o["Id"].(string), nil), "ModifiedUtc", order["ModifiedUtc"].(string))
	w.want(w.ok(200, "GET", "/customers/"+cu["Id"].(string), nil), "UnpaidInvoicesAmount", "0")
	if got := w.list("/customerinvoices?modifiedSinceUtc=" + part["ModifiedUtc"].(string)); len(got) != 1 {
		t.Errorf("modifiedSinceUtc found %d", len(got))
	}
	if got := w.list("/customerinvoices?modifiedSinceUtc=2027-01-01"); len(got) != 0 {
		t.Errorf("modifiedSinceUtc found %d", len(got))
	}
	w.refused(400, codeInput, "GET", "/customerinvoices?modifiedSinceUtc=yesterday", nil)
}

func TestCreditAndVoid(t *testing.T) {
	w := newWorld(t)
	cu, a := w.customer(), w.article("A", "21")
	credit := w.ok(201, "POST", "/customerinvoices", invoiceBody(cu, []obj{row(a, "1", "100")}, obj{"IsCreditInvoice": true}))
	w.want(credit, "RemainingAmount", "-121", "TotalAmount", "-121", "TotalVatAmount", "-21", "IsCreditInvoice", "true")
	if got := vatSpecification(credit); got != "21%:-100+-21 " {
		t.Errorf("VatSpecification %s", got)
	}
	o := w.ok(201, "POST", "/orders", orderBody(cu, []obj{row(a, "-1", "100")}))
	w.want(w.ok(200, "POST", "/orders/"+o["Id"].(string)+"/convert", obj{}), "IsCreditInvoice", "true", "TotalAmount", "-121", "RemainingAmount", "-121")

	inv := w.ok(201, "POST", "/customerinvoices", invoiceBody(cu, []obj{row(a, "1", "100")}))
	path := "/customerinvoices/" + inv["Id"].(string) + "/void"
	voided := w.ok(200, "POST", path, nil)
	w.want(voided, "RemainingAmount", "0", "PaymentStatus", "0", "TotalAmount", "121")
	by := voided["CreditedBy"].([]any)[0].(obj)["CreditInvoiceId"].(string)
	w.want(w.ok(200, "GET", "/customerinvoices/"+by, nil), "ReferringInvoiceId", inv["Id"].(string), "TotalAmount", "-121", "IsCreditInvoice", "true")
	w.refused(400, codeCannotChange, "POST", path, nil)
}

func TestForeignCurrencyAndDueDates(t *testing.T) {
	w := newWorld(t)
	a := w.article("A", "21")
	cu := w.customer(obj{"CurrencyCode": "SEK", "InvoiceCountryCode": "SE"})
	inv := w.ok(201, "POST", "/customerinvoices", invoiceBody(cu, []obj{row(a, "1", "100.1234")}, obj{"CurrencyRate": json.Number("0.1")}))
	w.want(inv, "CurrencyCode", "SEK", "TotalAmountInvoiceCurrency", "121.15", "TotalAmount", "12.12", "CurrencyRate", "0.1")
	end := w.id("/termsofpayments", "TermsOfPaymentTypeId", "1")
	inv = w.ok(201, "POST", "/customerinvoices", invoiceBody(w.customer(obj{"TermsOfPaymentId": end}), []obj{row(a, "1", "1")}, obj{"InvoiceDate": "2026-02-03"}))
	w.want(inv, "DueDate", "2026-02-28")
}

func TestDatesKeepTheirDay(t *testing.T) {
	w := newWorld(t, "dialect=dates_with_time")
	w.now = time.Date(2026, 12, 31, 23, 30, 0, 0, time.UTC) // already 2027 in Amsterdam
	if got := w.c.today().Format(dateLayout); got != "2027-01-01" {
		t.Errorf("today is %s", got)
	}
	o := w.ok(201, "POST", "/orders", orderBody(w.customer(), nil, obj{"OrderDate": "2027-01-01T00:30:00+01:00", "DeliveryDate": "2027-01-02T00:00:00"}))
	w.want(o, "OrderDate", "2027-01-01T00:00:00Z", "DeliveryDate", "2027-01-02T00:00:00Z")
}

func TestFixedDiscountFromData(t *testing.T) {
	w := newWorld(t, "data=demo")
	for _, o := range w.c.table("orders").order {
		for _, r := range o.list("Rows") {
			if !r.boolean("IsDiscountInFixedAmount") {
				continue
			}
			want := round(sub(mul(r.number("UnitPrice"), r.number("Quantity")), r.number("DiscountFixedAmount")), 2)
			if want.Cmp(r.number("Amount")) != 0 || r.number("DiscountFixedAmount").Sign() == 0 {
				t.Errorf("row of %s: amount %s", o.str("BuyersOrderReference"), r.get("Amount").(*num).text)
			}
			return
		}
	}
	t.Error("the demo has no fixed discount")
}
