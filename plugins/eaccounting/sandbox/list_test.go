package sandbox

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"
)

// values are those of a field over a list, joined.
func values(list []obj, field string) string {
	var out []string
	for _, r := range list {
		out = append(out, fmt.Sprint(r[field]))
	}
	return strings.Join(out, " ")
}

func someCustomers(t *testing.T, settings ...string) *world {
	w := newWorld(t, settings...)
	w.customer(obj{"Name": "O'Brien", "EmailAddress": "Info@Example.com", "IsPrivatePerson": true})
	w.now = w.now.Add(time.Hour)
	w.customer(obj{"Name": "Zoë", "Telephone": "+31 6", "DiscountPercentage": json.Number("0.1")})
	w.customer(obj{"Name": "abc", "EmailAddress": "x@example.com", "IsActive": false})
	return w
}

func TestFilter(t *testing.T) {
	w := someCustomers(t)
	for filter, want := range map[string]string{
		"Name eq 'O''Brien'":                                                           "1001",
		"Name eq 'o''brien'":                                                           "1001",
		"Name ne 'O''Brien'":                                                           "1002 1003",
		"contains(EmailAddress,'EXAMPLE')":                                             "1001 1003",
		"contains(tolower(EmailAddress), 'info@')":                                     "1001",
		"startswith(Name,'Zo') or endswith(Name,'bc')":                                 "1002 1003",
		"EmailAddress eq null":                                                         "1002",
		"EmailAddress ne null and IsPrivatePerson eq true":                             "1001",
		"not IsActive":                                                                 "1003",
		"not (IsActive eq true or IsPrivatePerson)":                                    "1003",
		"DiscountPercentage gt 0.05":                                                   "1002",
		"DiscountPercentage le 1e-1 and DiscountPercentage ge 0.1":                     "1002",
		"ChangedUtc gt 2026-06-15T10:00:00.5Z":                                         "1002 1003",
		"ChangedUtc le 2026-06-15T12:30:00+02:00":                                      "1001",
		"ChangedUtc lt 2026-06-16":                                                     "1001 1002 1003",
		"TermsOfPayment/NumberOfDays eq 30":                                            "1001 1002 1003",
		"TermsOfPaymentId eq " + w.c.table("termsofpayments").order[1].str("Id"):       "",
		"CustomerNumber eq '1001' or CustomerNumber eq '1003' and IsActive eq true":    "1001",
		"(CustomerNumber eq '1001' or CustomerNumber eq '1003') and IsActive eq false": "1003",
		"'abc' eq Name":                                                                "1003",
		"CustomerLabels/any()":                                                         "",
		"not CustomerLabels/any(l:l/Name eq 'x')":                                      "1001 1002 1003",
		"Telephone eq '+31 6'":                                                         "1002",
		"LastInvoiceDate gt 2020-01-01":                                                "",
	} {
		if got := values(w.filtered("/customers", filter), "CustomerNumber"); got != want {
			t.Errorf("%s: %s, want %s", filter, got, want)
		}
	}
	for _, bad := range []string{
		"", "Name", "Name eq", "Name eq 'x", "Nam eq 'x'", "name eq 'x'", "Name eq 5", "Name eq x", "IsActive gt true", "Name like 'x'", "Name eq 'x' and",
		"(Name eq 'x'", "Name eq 'x')", "contains(Name)", "contains(Name,5)", "contains(Name,'x'", "TermsOfPaymentId eq 'x'", "ChangedUtc gt 'x'",
		"CustomerLabels eq null", "CustomerLabels/any(l: Name eq 'x')", "CustomerLabels/all(l: l/Name eq 'x')", "TermsOfPayment eq null", "Name eq 'a' xor 1",
		"Name;", "Name EQ 'x'", "tolower(IsActive) eq 'x'", "1_0 eq 10", strings.Repeat("(", 100) + "IsActive" + strings.Repeat(")", 100), strings.Repeat("x", maxFilter+1),
	} {
		w.refused(400, codeQuery, "GET", "/customers?$filter="+url.QueryEscape(bad), nil)
	}
	for _, bad := range []string{"ChangedUtc gt 2026-13-45", "ChangedUtc gt 2026-02-30T00:00:00Z", "ChangedUtc gt 2026-01-01T99:00"} {
		w.refused(400, codeInput, "GET", "/customers?$filter="+url.QueryEscape(bad), nil)
	}
	w = someCustomers(t, "dialect=case_sensitive")
	if got := w.filtered("/customers", "Name eq 'ABC' or contains(EmailAddress,'EXAMPLE')"); len(got) != 0 {
		t.Errorf("case-sensitive: %v", got)
	}
}

func TestFilterRowsOfOrders(t *testing.T) {
	w := newWorld(t)
	cu, a := w.customer(), w.article("A-1", "21")
	w.ok(201, "POST", "/orders", orderBody(cu, []obj{row(a, "1", "1"), {"IsTextRow": true, "Text": "it's"}}))
	w.ok(201, "POST", "/orders", orderBody(cu, []obj{row(a, "7", "1")}))
	for filter, want := range map[string]string{
		"Rows/any(c: contains(c/Text,'it''s'))":                    "1",
		"Rows/any(c:c/Quantity gt 5 and c/ArticleNumber eq 'A-1')": "2",
		"Rows/any(r: r/ArticleId eq null)":                         "1",
		"Status eq 2 and Number ge 2":                              "2",
		"OrderDate eq 2026-06-10":                                  "1 2",
		"CustomerId eq " + cu["Id"].(string):                       "1 2",
	} {
		if got := values(w.filtered("/orders", filter), "Number"); got != want {
			t.Errorf("%s: %s, want %s", filter, got, want)
		}
	}
}

func TestPagingOrderAndSelection(t *testing.T) {
	w := someCustomers(t)
	get := func(query string) (obj, string) {
		r := w.ok(200, "GET", "/customers?"+query, nil)
		var names []string
		for _, e := range r["Data"].([]any) {
			names = append(names, fmt.Sprint(e.(obj)["CustomerNumber"]))
		}
		return r["Meta"].(obj), strings.Join(names, " ")
	}
	for query, want := range map[string]string{
		"":                                   "1001 1002 1003",
		"$pagesize=2":                        "1001 1002",
		"$pagesize=2&$page=2":                "1003",
		"$pagesize=1000":                     "1001 1002 1003",
		"$PageSize=2&$Page=3":                "",
		"$top=1&$skip=1":                     "1002",
		"$orderby=Name":                      "1003 1001 1002",
		"$orderby=Name%20desc":               "1002 1001 1003",
		"$orderby=IsActive,Name%20desc":      "1003 1002 1001",
		"$orderby=EmailAddress%20asc":        "1002 1001 1003",
		"$orderby=ChangedUtc%20desc":         "1003 1002 1001",
		"$orderby=DiscountPercentage%20desc": "1002 1001 1003",
		"unknown=1":                          "1001 1002 1003",
	} {
		if _, got := get(query); got != want {
			t.Errorf("%s: %s, want %s", query, got, want)
		}
	}
	meta, _ := get("$pagesize=2")
	w.want(meta, "CurrentPage", "1", "PageSize", "2", "TotalNumberOfPages", "2", "TotalNumberOfResults", "3", "ServerTimeUtc", "2026-06-15T11:00:00Z")
	meta, _ = get("")
	w.want(meta, "PageSize", "50", "TotalNumberOfPages", "1")
	for _, bad := range []string{"$page=0", "$page=x", "$pagesize=0", "$pagesize=1001", "$top=-1", "$orderby=Nam", "$orderby=Name%20up", "$orderby=", "$select=Nam", "$orderby=CustomerLabels", "$filter=%zz"} {
		w.refused(400, codeQuery, "GET", "/customers?"+bad, nil)
	}
	one := w.list("/customers?$select=Name,%20CustomerNumber,Name")[0]
	if len(one) != 2 || one["Name"] != "O'Brien" {
		t.Errorf("selected %v", one)
	}
}

func TestDialectsOfStamps(t *testing.T) {
	w := someCustomers(t, "dialect=null_stamps")
	w.article("A", "21")
	w.want(w.list("/customers")[0], "ChangedUtc", "<nil>")
	if w.list("/articles")[0]["ChangedUtc"] == nil {
		t.Error("Article.ChangedUtc is not nullable and must stay")
	}
	w = someCustomers(t, "dialect=stamp_seconds")
	list := w.list("/customers")
	w.want(list[0], "ChangedUtc", "2026-06-15T10:00:00Z")
	if list[1]["ChangedUtc"] != list[2]["ChangedUtc"] {
		t.Error("changes within a second must share a stamp")
	}
}

func TestStampsNeverRepeat(t *testing.T) {
	w := newWorld(t)
	last := w.c.stamp()
	for range 100 {
		next := w.c.stamp()
		if !next.After(last) {
			t.Fatalf("%v after %v", next, last)
		}
		last = next
	}
	w.now = w.now.Add(-time.Hour)
	if !w.c.stamp().After(last) {
		t.Error("a clock that went back made an older stamp")
	}
}

func TestSwagger2020(t *testing.T) {
	w := newWorld(t, "dialect=swagger2020")
	cu := w.ok(200, "POST", "/customers", w.customerBody())
	a := w.ok(200, "POST", "/articles", w.articleBody("A", "21", obj{"Note": "n"}))
	o := w.ok(200, "POST", "/orders", orderBody(cu, []obj{row(a, "1", "5")}, obj{"BuyersOrderReference": "W"}))
	for _, gone := range []string{"BuyersOrderReference", "IncludesVat", "CustomerName"} {
		if _, ok := o[gone]; ok {
			t.Errorf("order shows %s", gone)
		}
	}
	if _, ok := firstRow(o)["Amount"]; ok {
		t.Error("row shows Amount")
	}
	w.want(o, "Amount", "6.05")
	inv := w.ok(200, "POST", "/orders/"+o["Id"].(string)+"/convert", nil)
	if _, ok := inv["PaymentStatus"]; ok {
		t.Error("invoice shows PaymentStatus")
	}
	w.want(inv, "RemainingAmount", "6.05")
	if r := w.call("PUT", "/customers/"+cu["Id"].(string), w.customerBody(obj{"Name": "New"})); r.status != 200 || r.raw != "" {
		t.Errorf("PUT: %d %q", r.status, r.raw)
	}
	w.want(w.ok(200, "GET", "/customers/"+cu["Id"].(string), nil), "Name", "New")
	r := w.call("GET", "/customers?$filter=DeliveryBasedVat%20eq%20true", nil)
	if _, ok := r.body["Errors"]; ok || r.status != 400 {
		t.Errorf("error body %s", r.raw)
	}
}

func TestBasicsOfEachCountry(t *testing.T) {
	for country, rates := range map[string]string{"NL": "21 21 9 9 0 0", "SE": "25 25 12 12 6 6 0 0", "NO": "25 25 15 15 12 12 0 0", "AT": "20 20 0 0"} {
		w := newWorld(t, "country="+country)
		if got := values(w.list("/articleaccountcodings"), "VatRatePercent"); got != rates {
			t.Errorf("%s: codings %s", country, got)
		}
	}
	w := newWorld(t, "currency=SEK", "rounding=1", "module.stock=on")
	for path, least := range map[string]int{
		"/units": 3, "/termsofpayments": 6, "/currencies": 20, "/countries": 50, "/fiscalyears": 5, "/bankaccounts": 1, "/deliverymethods": 1,
		"/deliveryterms": 1, "/vatcodes": 3, "/accounts": 20, "/articleaccountcodings?vatRateDate=2026-01-01": 6,
	} {
		if list := w.list(path); len(list) < least {
			t.Errorf("%s: %d", path, len(list))
		}
	}
	for _, path := range []string{"/units", "/termsofpayments", "/articleaccountcodings", "/vatcodes", "/fiscalyears", "/bankaccounts"} {
		first := w.list(path)[0]
		w.want(w.ok(200, "GET", path+"/"+first["Id"].(string), nil), "Id", first["Id"].(string))
		w.refused(404, codeNotFound, "GET", path+"/00000000-0000-0000-0000-000000000001", nil)
	}
	w.want(w.ok(200, "GET", "/countries/se", nil), "Name", "Sweden", "IsEuMember", "true")
	w.want(w.ok(200, "GET", "/countries/NO", nil), "IsEuMember", "false")
	year := w.list("/fiscalyears")[0]["Id"].(string)
	if n := len(w.list("/accounts/" + year)); n == 0 {
		t.Error("no accounts in a fiscal year")
	}
	w.refused(400, codeInput, "GET", "/articleaccountcodings?vatRateDate=soon", nil)
	s := w.ok(200, "GET", "/companysettings", nil)
	w.want(s, "CurrencyCode", "SEK", "DomesticCurrencyRounding", "1", "CompanyIdentifier", companyID, "ProductVariant", "5", "CompanyStatus", "1",
		"ActivatedModules", "[api_standard sales_standard order_standard stock_standard]", "NextOrderNumber", "1")
	s = w.ok(200, "PUT", "/companysettings", merged(s, obj{"Name": "Other", "CurrencyCode": "EUR", "UsesMoss": true}))
	w.want(s, "Name", "Other", "CurrencyCode", "SEK", "UsesMoss", "true")
	w.refused(400, codeValidation, "PUT", "/companysettings", obj{"Name": "x"})
	if again := newWorld(t, "country=NL"); again.list("/units")[0]["Id"] != w.list("/units")[0]["Id"] {
		t.Error("the basics must have the same ids at every start")
	}
}

func TestScopes(t *testing.T) {
	w := newWorld(t)
	for _, tc := range []struct {
		scopes, method, path string
		ok                   bool
	}{
		{"ea:api ea:sales_readonly", "GET", "/orders", true},
		{"ea:api ea:sales_readonly", "POST", "/orders", false},
		{"ea:api ea:sales", "GET", "/bankaccounts", false},
		{"ea:api ea:sales", "GET", "/termsofpayments", true},
		{"ea:api ea:purchase_readonly", "GET", "/bankaccounts", true},
		{"ea:api ea:sales", "GET", "/accounts", false},
		{"ea:api ea:accounting_readonly", "GET", "/fiscalyears", true},
		{"ea:sales", "GET", "/orders", false},
	} {
		w.scopes = strings.Fields(tc.scopes)
		if tc.ok {
			w.ok(200, tc.method, tc.path, nil)
		} else {
			w.refused(403, codeNoScope, tc.method, tc.path, obj{})
		}
	}
	w.scopes = System().Scopes
	if r := w.call("GET", "/offers", nil); r.status != 404 {
		t.Errorf("unknown path: %d", r.status)
	}
	if r := w.call("PATCH", "/orders", nil); r.status != 405 {
		t.Errorf("unknown method: %d", r.status)
	}
}

func TestSnapshotIsWhole(t *testing.T) {
	w := newWorld(t, "data=demo")
	data, err := w.c.Snapshot()
	if err != nil {
		t.Fatal(err)
	}
	other := newWorld(t)
	if err := other.c.Restore(data); err != nil {
		t.Fatal(err)
	}
	again, err := other.c.Snapshot()
	if err != nil {
		t.Fatal(err)
	}
	if string(again) != string(data) {
		t.Error("a restored company gives another snapshot")
	}
	for _, path := range []string{"/orders", "/customerinvoices", "/customers", "/articles", "/companysettings"} {
		a, b := w.call("GET", path, nil), other.call("GET", path, nil)
		if a.raw != b.raw {
			t.Errorf("%s differs after a restore", path)
		}
	}
	if err := other.c.Restore([]byte(`{"tables":{"orders":["x"]}}`)); err == nil {
		t.Error("a broken snapshot was taken")
	}
	if n := len(other.list("/orders")); n == 0 {
		t.Error("a refused snapshot left the company empty")
	}
}

func FuzzFilter(f *testing.F) {
	for _, s := range []string{
		"Name eq 'O''Brien'", "ChangedUtc gt 2026-01-01T00:00:00.00Z", "Rows/any(c: contains(c/Text,'x'))", "not (IsActive) or 1 eq 1.0", "null eq null",
		"tolower(tolower('A')) eq 'a'", "Number eq -1", "TermsOfPayment/Name eq 'x'", "Id eq 8f9a8f7b-5ea9-44c6-9725-9b8a1addb036", "((", "any(", "x/y/z",
	} {
		f.Add(s)
	}
	w := newWorld(f)
	cu := w.customer()
	w.ok(201, "POST", "/orders", orderBody(cu, []obj{row(w.article("A", "21"), "1", "2"), {"IsTextRow": true, "Text": "x"}}))
	f.Fuzz(func(t *testing.T, filter string) {
		for _, name := range []string{"customers", "orders"} {
			table := w.c.table(name)
			keep, err := compileFilter(table.schema, filter, false, false)
			if err == nil {
				keep(table.order[0])
				continue
			}
			var p *problem
			if !errors.As(err, &p) || p.status != 400 || (p.code != codeQuery && p.code != codeInput) {
				t.Errorf("%q: %v", filter, err)
			}
		}
	})
}
