package sandbox

import (
	"encoding/json"
	"fmt"
	"testing"
)

func draftBody(customer, article obj, changes ...obj) obj {
	return merged(obj{"CustomerId": customer["Id"], "EuThirdParty": false, "RotReducedInvoicingType": 0, "Rows": []obj{
		{"IsTextRow": false, "ReversedConstructionServicesVatFree": false, "ArticleId": article["Id"], "Quantity": 3, "UnitPrice": json.Number("10.10"), "DiscountPercentage": json.Number("0.1")},
		{"IsTextRow": true, "ReversedConstructionServicesVatFree": false, "Text": "Bedankt"},
	}}, changes...)
}

// A draft has the totals of its invoice and no number; booking it makes the invoice and ends the draft.
func TestInvoiceDrafts(t *testing.T) {
	w := newWorld(t)
	customer, article := w.customer(), w.article("A1", "21")
	d := w.ok(201, "POST", "/customerinvoicedrafts", draftBody(customer, article))
	w.want(d, "TotalAmount", "33", "TotalVatAmount", "5.73", "InvoiceCurrencyCode", "EUR", "CustomerName", "Jansen")
	w.want(firstRow(d), "ArticleNumber", "A1", "VatRate", "21", "LineNumber", "0", "Amount", "27.27")
	path := "/customerinvoicedrafts/" + fmt.Sprint(d["Id"])
	d = w.ok(200, "PUT", path, draftBody(customer, article, obj{"YourReference": "me"}))
	w.want(d, "YourReference", "me", "TotalAmount", "33")
	if got := w.refused(400, codeValidation, "POST", path+"/convert", obj{"TotalAmountInvoiceCurrency": 34}); got != "TotalAmountInvoiceCurrency" {
		t.Errorf("field %q", got)
	}
	w.refused(400, codeValidation, "POST", path+"/convert", obj{"Rows": []obj{{"LineNumber": 0, "TotalAmountNoVatInvoiceCurrency": 1}}})
	inv := w.ok(201, "POST", path+"/convert", obj{"TotalAmountInvoiceCurrency": 33, "TotalVatAmountInvoiceCurrency": json.Number("5.73"),
		"Rows": []obj{{"LineNumber": 0, "TotalAmountNoVatInvoiceCurrency": json.Number("27.27")}}})
	w.want(inv, "TotalAmountInvoiceCurrency", "33", "CreatedFromDraftId", fmt.Sprint(d["Id"]), "InvoiceNumber", "1")
	w.refused(404, codeNotFound, "GET", path, nil)
	d = w.ok(201, "POST", "/customerinvoicedrafts", draftBody(customer, article))
	inv = w.ok(201, "POST", "/customerinvoices", obj{"CustomerId": customer["Id"], "CreatedFromDraftId": d["Id"], "Rows": []obj{}})
	w.want(inv, "TotalAmountInvoiceCurrency", "33", "CreatedFromDraftId", fmt.Sprint(d["Id"]))
	if n := len(w.list("/customerinvoicedrafts")); n != 0 {
		t.Errorf("%d drafts are left", n)
	}
	w.refused(400, codeNotFound, "POST", "/customerinvoicedrafts", draftBody(obj{"Id": companyID}, article))
	d = w.ok(201, "POST", "/customerinvoicedrafts", draftBody(customer, article))
	w.ok(200, "DELETE", "/customerinvoicedrafts/"+fmt.Sprint(d["Id"]), nil)
}

// Quotes go their way: draft, sent, accepted, order, invoice.
func TestQuotes(t *testing.T) {
	w := newWorld(t)
	customer, article := w.customer(), w.article("A1", "21")
	body := obj{"CustomerId": customer["Id"], "Rows": []obj{{"ArticleId": article["Id"], "Quantity": 2, "UnitPrice": 10}}}
	d := w.ok(201, "POST", "/quotedrafts", body)
	w.want(d, "Status", "0", "Number", "<nil>", "TotalAmount", "24.2", "VatAmount", "4.2")
	id := fmt.Sprint(d["Id"])
	w.refused(404, codeNotFound, "GET", "/quotes/"+id, nil)
	w.want(w.ok(200, "PUT", "/quotedrafts/"+id+"/convert", nil), "Status", "1", "Number", "1")
	w.refused(404, codeNotFound, "GET", "/quotedrafts/"+id, nil)
	if len(w.list("/quotedrafts")) != 0 || len(w.list("/quotes")) != 1 {
		t.Error("a sent quote is in the list of quotes, and not in that of drafts")
	}
	w.want(w.ok(200, "PUT", "/quotes/"+id, obj{"CustomerId": customer["Id"], "Rows": []obj{{"ArticleId": article["Id"], "Quantity": 3, "UnitPrice": 10}}}), "TotalAmount", "36.3", "Number", "1")
	w.ok(200, "PUT", "/quotes/"+id+"/accept", nil)
	w.refused(400, codeCannotChange, "PUT", "/quotes/"+id, body)
	order := w.ok(200, "POST", "/quotes/"+id+"/converttoorder", obj{"Type": 1})
	w.want(order, "Status", "2", "CreatedFromQuoteId", id, "Amount", "36.3")
	w.want(w.ok(200, "POST", "/quotes/"+id+"/converttoorder", obj{"Type": 0}), "Status", "1", "Number", "<nil>")
	w.want(w.ok(200, "POST", "/quotes/"+id+"/converttocustomerinvoice", nil), "CreatedFromQuoteId", id, "TotalAmountInvoiceCurrency", "36.3")
	w.want(w.ok(200, "GET", "/quotes/"+id, nil), "Status", "3")
	w.refused(400, codeCannotDelete, "DELETE", "/quotes/"+id, nil)
	other := w.ok(201, "POST", "/quotes", body)
	w.ok(200, "DELETE", "/quotes/"+fmt.Sprint(other["Id"]), nil)
	newWorld(t, "variant=solo").refused(403, codeWrongVariant, "GET", "/quotes", nil)
}

// Price lists have net prices; gross ones follow the coding, and a customer on the list sees them.
func TestPriceLists(t *testing.T) {
	w := newWorld(t)
	a, b := w.article("A1", "21"), w.article("A2", "9")
	l := w.ok(201, "POST", "/salespricelists", obj{"Name": "B2B"})
	w.want(l, "CurrencyCode", "EUR", "Number", "2", "IsStandard", "false", "IsActive", "true")
	id := fmt.Sprint(l["Id"])
	w.ok(200, "PUT", "/salespricelists/"+id+"/prices", []obj{{"ArticleId": a["Id"], "NetPrice": 8}, {"ArticleId": b["Id"], "NetPrice": 5}})
	w.ok(200, "PUT", "/salespricelists/"+id+"/prices", []obj{{"ArticleId": a["Id"], "NetPrice": 7}})
	if n := len(w.list("/salespricelists/prices/" + id)); n != 2 {
		t.Errorf("%d prices, want 2", n)
	}
	w.want(w.ok(200, "GET", "/salespricelists/prices/"+id+"/"+fmt.Sprint(a["Id"]), nil), "NetPrice", "7", "GrossPrice", "8.47")
	w.refused(400, codeNotFound, "PUT", "/salespricelists/"+id+"/prices", []obj{{"ArticleId": companyID, "NetPrice": 1}})
	many := make([]obj, 1000) // the most [OA26]
	for i := range many {
		many[i] = obj{"ArticleId": a["Id"], "NetPrice": 7}
	}
	w.ok(200, "PUT", "/salespricelists/"+id+"/prices", many)
	many = append([]obj{many[0]}, many...)
	w.refused(400, codeValidation, "PUT", "/salespricelists/"+id+"/prices", many)
	customer := w.customer(obj{"SalesPriceListId": id, "DiscountPercentage": json.Number("0.1")})
	seen := w.ok(200, "GET", "/articles/"+fmt.Sprint(a["Id"])+"?customerId="+fmt.Sprint(customer["Id"]), nil)
	w.want(seen, "NetPrice", "7", "GrossPrice", "8.47", "NetPriceWithDiscount", "6.3")
	w.want(w.ok(200, "GET", "/articles/"+fmt.Sprint(a["Id"]), nil), "NetPrice", "10")
	w.refused(400, codeNotFound, "GET", "/articles?customerId="+companyID, nil)
	w.refused(400, codeCannotDelete, "DELETE", "/salespricelists/"+id, nil)
	w.ok(200, "PUT", "/salespricelists/"+id, obj{"Name": "Wholesale", "IsActive": false})
	if n := len(w.list("/discountagreements")); n != 1 {
		t.Errorf("%d discount agreements", n)
	}
	standard := newWorld(t, "variant=standard")
	standard.refused(403, codeWrongVariant, "GET", "/salespricelists", nil)
	standard.refused(403, codeWrongVariant, "GET", "/discountagreements", nil)

	saved, err := w.c.Snapshot()
	if err != nil {
		t.Fatal(err)
	}
	again := newWorld(t)
	if err := again.c.Restore(saved); err != nil {
		t.Fatal(err)
	}
	again.want(again.ok(200, "GET", "/salespricelists/prices/"+id+"/"+fmt.Sprint(a["Id"]), nil), "NetPrice", "7")
}

// Rows name projects and cost centre items; one that has ended or is inactive is refused with its own code.
func TestDimensions(t *testing.T) {
	w := newWorld(t)
	customer, article := w.customer(), w.article("A1", "21")
	p := w.ok(201, "POST", "/projects", obj{"Number": "P1", "Name": "Fair", "StartDate": "2026-01-01", "CustomerId": customer["Id"]})
	w.want(p, "Status", "1", "CustomerName", "Jansen")
	w.refused(400, codeConflict, "POST", "/projects", obj{"Number": "p1", "Name": "Fair", "StartDate": "2026-01-01"})
	centers := w.list("/costcenters")
	item := w.ok(201, "POST", "/costcenteritems", obj{"CostCenterId": centers[0]["Id"], "Name": "Shop", "ShortName": "S", "IsActive": true})
	order := orderBody(customer, []obj{row(article, "1", "10", obj{"ProjectId": p["Id"], "CostCenterItemId1": item["Id"]})})
	w.ok(201, "POST", "/orders", order)
	w.ok(200, "PUT", "/costcenteritems/"+fmt.Sprint(item["Id"]), obj{"CostCenterId": centers[0]["Id"], "Name": "Shop", "ShortName": "S", "IsActive": false})
	w.refused(400, codeInactiveCenter, "POST", "/orders", order)
	w.ok(200, "PUT", "/projects/"+fmt.Sprint(p["Id"]), obj{"Number": "P1", "Name": "Fair", "StartDate": "2026-01-01", "Status": projectFinished})
	w.refused(400, codeProjectEnded, "POST", "/orders", order)
	w.refused(400, codeNotFound, "POST", "/orders", orderBody(customer, []obj{row(article, "1", "10", obj{"ProjectId": companyID})}))
	w.want(w.ok(200, "PUT", "/costcenters/"+fmt.Sprint(centers[1]["Id"]), obj{"Name": "Channel", "IsActive": true}), "Name", "Channel")
	w.want(w.ok(200, "GET", "/costcenteritems/"+fmt.Sprint(item["Id"]), nil), "IsActive", "false")
}

func TestExchangeRate(t *testing.T) {
	w := newWorld(t)
	w.want(w.ok(200, "GET", "/currencies/exchangerate?sourceCurrencyCode=SEK&targetCurrencyCode=EUR&date=2026-06-01", nil), "Rate", "0.0875", "Date", "2026-06-01")
	w.refused(400, codeInput, "GET", "/currencies/exchangerate?sourceCurrencyCode=QQQ&targetCurrencyCode=EUR", nil)
}

// Years, locked books, the company's state and the user's rights are settings.
func TestYearsLocksAndRights(t *testing.T) {
	w := newWorld(t, "years=2026", "locked_to=2026-03-31")
	if n := len(w.list("/fiscalyears")); n != 1 {
		t.Errorf("%d years", n)
	}
	invoice := func(w *world, day string) obj {
		return obj{"CustomerId": w.customer()["Id"], "InvoiceDate": day, "Rows": []obj{row(w.article("A"+day, "21"), "1", "10")}}
	}
	w.refused(400, codeNoFiscalYear, "POST", "/customerinvoices", invoice(w, "2027-01-01"))
	w.refused(400, codeLockedPeriod, "POST", "/customerinvoices", invoice(w, "2026-03-31"))
	w.ok(201, "POST", "/customerinvoices", invoice(w, "2026-04-01"))
	w.want(w.ok(200, "GET", "/companysettings", nil), "AccountingLockedTo", "2026-03-31")

	w = newWorld(t, "status=inactive")
	w.refused(403, codeNotActive, "GET", "/customers", nil)
	w.want(w.ok(200, "GET", "/companysettings", nil), "CompanyStatus", "0")
	w = newWorld(t, "status=read_only")
	w.ok(200, "GET", "/customers", nil)
	w.refused(403, codeDenied, "POST", "/customers", w.customerBody())
	w = newWorld(t, "user=read_only")
	w.refused(403, codeReadOnlyUser, "POST", "/customers", w.customerBody())
	for _, s := range System().Settings {
		for value, fine := range map[string]bool{"": true, "2025, 2026": s.Key == "years", "2026-13-01": false, "x": false} {
			if s.Check != nil && (s.Check(value) == nil) != fine {
				t.Errorf("%s=%q: %v", s.Key, value, s.Check(value))
			}
		}
	}
}

// A document with a household deduction names its persons; reverse charge is for customers who are set up for it.
func TestDeductionAndConstruction(t *testing.T) {
	w := newWorld(t, "country=SE", "currency=SEK")
	article := w.article("A1", "25")
	customer := w.customer()
	order := func(persons ...obj) obj {
		return orderBody(customer, []obj{row(article, "1", "100")}, obj{"CurrencyCode": "SEK", "RotReducedInvoicingType": 1, "Persons": persons})
	}
	if got := w.refused(400, codeValidation, "POST", "/orders", order()); got != "Persons" {
		t.Errorf("field %q", got)
	}
	w.refused(400, codeSSN, "POST", "/orders", order(obj{"Ssn": "12345", "Amount": 10}))
	o := w.ok(201, "POST", "/orders", order(obj{"Ssn": "19800101-1234", "Amount": 10}))
	inv := w.ok(200, "POST", "/orders/"+fmt.Sprint(o["Id"])+"/convert", nil)
	if persons, _ := inv["Persons"].([]any); len(persons) != 1 {
		t.Errorf("the invoice has the persons %v", inv["Persons"])
	}
	reversed := func(c obj) obj {
		return draftBody(c, article, obj{"Rows": []obj{{"IsTextRow": false, "ReversedConstructionServicesVatFree": true, "ArticleId": article["Id"], "Quantity": 1, "UnitPrice": 10}}})
	}
	if got := w.refused(400, codeValidation, "POST", "/customerinvoicedrafts", reversed(customer)); got != "Rows[0].ReversedConstructionServicesVatFree" {
		t.Errorf("field %q", got)
	}
	builder := w.customer(obj{"ReverseChargeOnConstructionServices": true, "VatNumber": "SE556677889901"})
	w.want(w.ok(201, "POST", "/customerinvoicedrafts", reversed(builder)), "ReverseChargeOnConstructionServices", "true")
}
