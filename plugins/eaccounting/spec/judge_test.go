package spec

import (
	"net/http"
	"strings"
	"testing"
)

const (
	someID = "1c296026-489d-434c-b7e9-70401278a086"
	// customer is what a new customer must state [OA26]; the sample of the vendor's own client lacks nothing.
	customer = `"Name":"TestCustomer AB","InvoiceCity":"Helsingborg","InvoicePostalCode":"25234","TermsOfPaymentId":"` + someID + `","IsPrivatePerson":false,"IsActive":true`
	label    = `{"Id":"` + someID + `","Name":"a","Description":null}`
	meta     = `{"CurrentPage":1,"PageSize":50,"TotalNumberOfPages":1,"TotalNumberOfResults":1,"ServerTimeUtc":"2017-07-21T17:32:28Z"}`
)

// Each broken request is found out, and the right one passes.
func TestRequestsAreJudged(t *testing.T) {
	for name, c := range map[string]struct{ method, path, query, body, want string }{
		"right":                {"POST", "/customers", "", "{" + customer + "}", ""},
		"a label by its id":    {"POST", "/customers", "", "{" + customer + `,"CustomerLabels":[` + label + "]}", ""},
		"unknown path":         {"GET", "/offers", "", "", "no such call"},
		"unknown method":       {"DELETE", "/articles/" + someID, "", "", "no such call"},
		"unknown field":        {"POST", "/customers", "", "{" + customer + `,"Nmae":"x"}`, "Nmae is no field of CustomerApi"},
		"field in other case":  {"POST", "/customers", "", "{" + customer + `,"note":"x"}`, "note is no field of CustomerApi"},
		"read-only field":      {"PUT", "/customers/" + someID, "", "{" + customer + `,"ChangedUtc":"2026-01-01T00:00:00Z"}`, "ChangedUtc is read-only"},
		"missing field":        {"POST", "/customers", "", "{" + strings.Replace(customer, `"IsActive"`, `"Note":null,"IsNorthernIreland"`, 1) + "}", "IsActive is required"},
		"empty field":          {"POST", "/customers", "", "{" + strings.Replace(customer, "Helsingborg", " ", 1) + "}", "InvoiceCity is required and empty"},
		"too long":             {"POST", "/customers", "", "{" + strings.Replace(customer, "25234", "12345678901", 1) + "}", "InvoicePostalCode has 11 characters"},
		"wrong type":           {"POST", "/customers", "", "{" + customer + `,"DiscountPercentage":"0.1"}`, "DiscountPercentage is text"},
		"no integer":           {"POST", "/customers", "", "{" + customer + `,"WebshopCustomerNumber":1.0}`, "specification wants int32"},
		"no id":                {"POST", "/customers", "", "{" + strings.Replace(customer, someID, "x", 1) + "}", "wants a uuid"},
		"no date":              {"POST", "/customerinvoices/" + someID + "/payments", "", `{"CompanyBankAccountId":"` + someID + `","PaymentDate":"1 May","PaymentAmount":1,"PaymentCurrency":"EUR","PaymentType":1}`, "wants a date"},
		"null":                 {"POST", "/customers", "", "{" + strings.Replace(customer, "false", "null", 1) + "}", "IsPrivatePerson is null"},
		"nested field":         {"POST", "/orders", "", `{"Rows":[{"UnitPrise":1}]}`, "Rows[].UnitPrise is no field of OrderRowApi"},
		"no JSON":              {"POST", "/customers", "", "Name=x", "is no JSON"},
		"no body":              {"POST", "/customers", "", "", "body is missing"},
		"a body too many":      {"POST", "/orders/" + someID + "/completed", "", "{}", "takes none"},
		"parameters":           {"GET", "/articles", "$page=2&$pagesize=1000&$orderby=ChangedUtc&customerId=" + someID, "", ""},
		"unknown parameter":    {"GET", "/articles", "page=2", "", "page is no parameter"},
		"parameter of a list":  {"GET", "/articles/" + someID, "$page=2", "", "$page is no parameter"},
		"page too large":       {"GET", "/articles", "$pagesize=1001", "", "at most 1000"},
		"page from zero":       {"GET", "/articles", "$page=0", "", "from 1 on"},
		"unknown order":        {"GET", "/articles", "$orderby=Changed", "", "Changed is no field of ArticleApi"},
		"unknown selection":    {"GET", "/articles", "$select=Id,Nme", "", "Nme is no field of ArticleApi"},
		"filter":               {"GET", "/articles", "$filter=ChangedUtc%20ge%202026-01-01T00:00:00.5Z%20and%20(Number%20eq%20'O''B'%20or%20Barcodes/any(x:%20x/Barcode%20eq%20'1'))", "", ""},
		"filter, null and id":  {"GET", "/orders", "$filter=ModifiedUtc%20eq%20null%20or%20Id%20eq%20" + someID, "", ""},
		"filter, unknown":      {"GET", "/articles", "$filter=Sku%20eq%20'1'", "", "Sku is no field of ArticleApi"},
		"filter, nested":       {"GET", "/articles", "$filter=Barcodes/any(x:%20x/Gtin%20eq%20'1')", "", "Gtin is no field of ArticleBarcodeApi"},
		"filter, wrong type":   {"GET", "/orders", "$filter=Number%20eq%20'12'", "", "compares Number, a int32, with '12'"},
		"filter, quoted id":    {"GET", "/orders", "$filter=CustomerId%20eq%20'" + someID + "'", "", "compares CustomerId"},
		"filter, bare text":    {"GET", "/articles", "$filter=Number%20eq%2012", "", "compares Number, a string, with 12"},
		"filter, no moment":    {"GET", "/orders", "$filter=ModifiedUtc%20ge%20'2026-01-01'", "", "compares ModifiedUtc"},
		"filter, loose quote":  {"GET", "/articles", "$filter=Number%20eq%20'O'B'", "", "$filter"},
		"conversion, no body":  {"POST", "/orders/" + someID + "/convert", "", "", ""},
		"conversion, 2026":     {"POST", "/orders/" + someID + "/convert", "", `{"WorkHouseOtherCosts":null}`, ""},
		"of 2020 only":         {"GET", "/vouchers", "", "", ""},
		"of 2020, wrong query": {"GET", "/vouchers", "x=1", "", "x is no parameter"},
	} {
		j := &Judge{Played: G2026}
		j.Request(c.method, c.path, c.query, []byte(c.body))
		wantFinding(t, name, j, c.want)
	}
}

func wantFinding(t *testing.T, name string, j *Judge, want string) {
	t.Helper()
	found := strings.Join(j.Findings(), "\n")
	if want == "" && found != "" || !strings.Contains(found, want) {
		t.Errorf("%s: %q, want %q", name, found, want)
	}
}

// Each broken answer is found out.
func TestAnswersAreJudged(t *testing.T) {
	list := func(rows string) string { return `{"Meta":` + meta + `,"Data":[` + rows + `]}` }
	const refused = `{"ErrorCode":2000,"DeveloperErrorMessage":"x","ErrorId":"` + someID + `","Errors":[{"Field":"F","ErrorCode":"Required","Message":"m","Key":null}]}`
	for name, c := range map[string]struct {
		g                         Generation
		method, path, query, body string
		status                    int
		want                      string
	}{
		"right":              {G2026, "GET", "/customerlabels", "", list(label), 200, ""},
		"created":            {G2026, "POST", "/articles", "$select=x", "", 201, ""},
		"created, 2020":      {G2020, "POST", "/articles", "", "", 200, ""},
		"created as 200":     {G2026, "POST", "/articles", "", "", 200, "status is 200"},
		"created as 201":     {G2020, "POST", "/articles", "", "", 201, "status is 201"},
		"field of 2026":      {G2020, "GET", "/units", "", list(`{"Id":"` + someID + `","Name":"a","Code":"b","Abbreviation":"c","AbbreviationEnglish":"d"}`), 200, "AbbreviationEnglish is no field"},
		"field missing":      {G2026, "GET", "/customerlabels", "", list(`{"Id":"` + someID + `","Name":"a"}`), 200, "Description of CustomerLabelApi is missing"},
		"selection":          {G2026, "GET", "/customerlabels", "$select=Name", list(`{"Name":"a"}`), 200, ""},
		"wrong type":         {G2026, "GET", "/customerlabels", "", list(strings.Replace(label, `"a"`, "1", 1)), 200, "Data[].Name is a number"},
		"null":               {G2026, "GET", "/customerlabels", "", list(strings.Replace(label, `"a"`, "null", 1)), 200, "Data[].Name is null"},
		"too long":           {G2026, "GET", "/customerlabels", "", list(strings.Replace(label, `"a"`, `"`+strings.Repeat("a", 51)+`"`, 1)), 200, "has 51 characters"},
		"no envelope":        {G2026, "GET", "/customerlabels", "", label, 200, "a list has Meta and Data"},
		"envelope, no time":  {G2026, "GET", "/customerlabels", "", strings.Replace(list(label), `,"ServerTimeUtc":"2017-07-21T17:32:28Z"`, "", 1), 200, "ServerTimeUtc of CommonPaginationMetadata is missing"},
		"no body":            {G2026, "GET", "/customerlabels", "", "", 200, "body is empty"},
		"refusal":            {G2026, "POST", "/articles", "", refused, 400, ""},
		"refusal, strange":   {G2026, "POST", "/articles", "", `{"error":"x"}`, 400, "has no ErrorCode"},
		"refusal, text code": {G2026, "POST", "/articles", "", strings.Replace(refused, "2000", `"2000"`, 1), 400, "ErrorCode is text"},
		"refusal, no body":   {G2026, "POST", "/articles", "", "", 400, "error body"},
		"no such call":       {G2020, "POST", "/orders/" + someID + "/completed", "", "{}", 200, "no such call"},
		"no such call, 404":  {G2020, "POST", "/orders/" + someID + "/completed", "", "", 404, ""},
		"decimals":           {G2020, "GET", "/orders/" + someID, "$select=Amount", `{"Amount":1.234}`, 200, "2 decimals at most"},
		"enumeration":        {G2020, "GET", "/orders/" + someID, "$select=Status", `{"Status":7}`, 200, "the specification knows 1, 2, 3, 4"},
		"range":              {G2020, "GET", "/articles/" + someID, "$select=NetPrice", `{"NetPrice":99999999}`, 200, "wants 0 to"},
	} {
		j := &Judge{Played: c.g}
		j.Answer(c.method, c.path, c.query, c.status, []byte(c.body))
		wantFinding(t, name, j, c.want)
	}
}

// The tables hold what they must: both generations, and 2026 falls back on 2020 for what was not transcribed.
func TestTables(t *testing.T) {
	for g, want := range map[Generation][2]int{G2026: {34, 80}, G2020: {90, 170}} {
		if got := Of(g); len(got.Own) < want[0] || len(got.Calls) < want[1] {
			t.Errorf("%s: %d schemas and %d calls", g, len(got.Own), len(got.Calls))
		}
		for _, c := range Of(g).Calls {
			schema := strings.TrimSuffix(c.Answer, "[]")
			for _, s := range []string{schema, strings.TrimSuffix(c.Body, "[]")} {
				if s != "" && s != "uuid" && s != "string" && Of(g).Schemas[s] == nil {
					t.Errorf("%s: %s %s names %s, which has no fields", g, c.Method, c.Path, s)
				}
			}
		}
	}
	if f := Of(G2026).Schemas["CountryApi"]["IsEuMember"]; f.Type != "bool" || Of(G2026).Own["CountryApi"] {
		t.Errorf("%+v", f)
	}
	c, ok := Of(G2026).Find(http.MethodGet, "/SalesPriceLists/prices")
	if !ok || c.Path != "/salespricelists/prices" {
		t.Errorf("a literal segment goes before a parameter: %+v", c)
	}
}
