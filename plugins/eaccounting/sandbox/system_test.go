package sandbox

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	kit "github.com/pomost/pomost/sdk/sandbox"
	"github.com/pomost/pomost/sdk/sandbox/shop"
)

// TestOverHTTP goes the way a client goes: token, call, wrong token, limit, gateway.
func TestOverHTTP(t *testing.T) {
	run, err := kit.Start(t.Context(), System(), kit.Options{Rate: 3, Faults: []kit.Fault{{Match: "GET /v2/units", Do: "garbage"}, {Match: "GET /v2/currencies", Do: "status:429"}, {Match: "GET /v2/countries", Do: "status:503"}}})
	if err != nil {
		t.Fatal(err)
	}
	defer run.Close()
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	form := url.Values{"grant_type": {"refresh_token"}, "refresh_token": {run.Info.RefreshToken}, "client_id": {run.Info.ClientID}, "client_secret": {run.Info.ClientSecret}}
	resp, err := client.PostForm(run.Info.TokenURL, form)
	if err != nil {
		t.Fatal(err)
	}
	var token struct {
		AccessToken string `json:"access_token"`
	}
	json.NewDecoder(resp.Body).Decode(&token)
	resp.Body.Close()
	get := func(path, token string) (int, string, http.Header) {
		req, _ := http.NewRequest("GET", run.Info.BaseURL+path, nil)
		req.Header.Set("Authorization", "Bearer "+token)
		resp, err := client.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		body, _ := io.ReadAll(resp.Body)
		return resp.StatusCode, string(body), resp.Header
	}
	if status, body, _ := get("/customers", "wrong"); status != 401 || !strings.Contains(body, `"ErrorCode":4005,"DeveloperErrorMessage":"AuthorizationException - Authorization has been denied for this request."`) || strings.Contains(body, "Errors") {
		t.Errorf("401: %d %s", status, body)
	}
	for range 3 {
		if status, body, _ := get("/customers", token.AccessToken); status != 200 || !strings.HasPrefix(body, `{"Meta":{`) {
			t.Fatalf("list: %d %s", status, body)
		}
	}
	status, body, header := get("/customers?$page=2", token.AccessToken)
	if status != 429 || !strings.Contains(body, `"ErrorCode":4010`) || !strings.Contains(body, "maximum admitted 3 per Minute. Try again in ") || header.Get("Retry-After") != "" {
		t.Errorf("429: %d %s %v", status, body, header)
	}
	if status, body, _ := get("/currencies", token.AccessToken); status != 429 || !strings.Contains(body, "maximum admitted 600 per Minute. Try again in 1 seconds.") {
		t.Errorf("forced 429: %d %s", status, body)
	}
	if status, body, header := get("/units", token.AccessToken); status != 502 || !strings.Contains(body, "<html>") || header.Get("Content-Type") != "text/html" {
		t.Errorf("502: %d %s", status, body)
	}
	if status, body, _ := get("/countries", token.AccessToken); status != 503 || !strings.Contains(body, `"ErrorCode":5000`) {
		t.Errorf("503: %d %s", status, body)
	}
	if !strings.HasSuffix(run.Info.BaseURL, "/v2") || !strings.HasSuffix(run.Info.AuthorizeURL, "/connect/authorize") || run.Info.Company != companyID {
		t.Errorf("info %+v", run.Info)
	}
}

// TestDemo fills the demo into companies of every kind, and holds some sums against the shop's own.
func TestDemo(t *testing.T) {
	for _, settings := range [][]string{
		{}, {"prices_incl_vat=on"}, {"country=SE", "currency=SEK", "rounding=1"}, {"module.stock=on"}, {"dialect=swagger2020,vat_per_line"}, {"variant=solo"},
	} {
		w := newWorld(t, append(settings, "data=demo")...)
		data := shop.Generate(shop.Options{Seed: demoSeed, PricesInclVAT: len(settings) > 0 && settings[0] == "prices_incl_vat=on"})
		orders := w.c.table("orders").order
		if len(orders) != len(data.Orders) || len(w.c.table("customers").order) != len(data.Customers) || len(w.c.table("articles").order) != len(data.Articles) {
			t.Fatalf("%v: %d orders of %d", settings, len(orders), len(data.Orders))
		}
		want := map[string]int64{shop.Draft: statusDraft, shop.Ongoing: statusOngoing, shop.Shipped: statusShipped, shop.Invoiced: statusInvoiced}
		invoiced := 0
		for i, o := range data.Orders {
			if orders[i].integer("Status") != want[o.Status] || orders[i].str("BuyersOrderReference") != o.Reference || (orders[i].get("Number") == nil) != (o.Status == shop.Draft) {
				t.Errorf("%v: order %s: status %d", settings, o.Key, orders[i].integer("Status"))
			}
			if stamp, _ := orders[i].time("ModifiedUtc"); stamp.After(w.now.Add(time.Second)) {
				t.Errorf("%v: order %s changes in the future: %v", settings, o.Key, stamp)
			}
			invoiced += boolInt(o.Status == shop.Invoiced)
		}
		if n := len(w.c.table("customerinvoices").order); n != invoiced {
			t.Errorf("%v: %d invoices, want %d", settings, n, invoiced)
		}
	}
}

func TestDataFromFolder(t *testing.T) {
	dir := t.TempDir()
	data := shop.Generate(shop.Options{Seed: 7})
	if err := data.Save(dir); err != nil {
		t.Fatal(err)
	}
	w := newWorld(t, "data="+dir, "prices_incl_vat=on") // the shop's prices are without VAT: they are turned
	for _, o := range w.c.table("orders").order {
		if o.boolean("IncludesVat") != o.boolean("CustomerIsPrivatePerson") {
			t.Fatalf("order %v: IncludesVat %v", o.get("Number"), o.boolean("IncludesVat"))
		}
	}
	env := w.c.env
	env.Data = t.TempDir()
	if _, err := newCompany(env); err == nil || !strings.Contains(err.Error(), "shop.json") {
		t.Errorf("an empty folder: %v", err)
	}
}

// TestListIsFast keeps a poll of a large company cheap; the bound is far above what is measured.
func TestListIsFast(t *testing.T) {
	w := bigWorld(t)
	since := w.c.table("orders").order[9_500]
	stamp, _ := since.time("ModifiedUtc")
	begin := time.Now()
	list := w.filtered("/orders", "ModifiedUtc gt "+stamp.Format(instantLayout))
	if len(list) != 50 {
		t.Fatalf("%d orders", len(list))
	}
	if took := time.Since(begin); took > time.Second {
		t.Errorf("a filtered list took %v", took)
	}
}

func bigWorld(t testing.TB) *world {
	w := newWorld(t)
	customer := w.customer()
	a := w.article("A", "21")
	first := w.ok(201, "POST", "/orders", orderBody(customer, []obj{row(a, "1", "2"), row(a, "2", "3")}))
	original := w.c.table("orders").byID[first["Id"].(string)]
	for range 9_999 {
		r := original.clone()
		r.set("Id", w.c.newID())
		w.c.enterOrder(r)
		w.c.table("orders").add(r)
	}
	return w
}

func BenchmarkListOrders(b *testing.B) {
	w := bigWorld(b)
	stamp, _ := w.c.table("orders").order[5_000].time("ModifiedUtc")
	path := "/orders?$pagesize=1000&$filter=" + url.QueryEscape("ModifiedUtc gt "+stamp.Format(instantLayout)+" and Status ne 1")
	grant := kit.WithGrant(b.Context(), kit.Grant{Scopes: w.scopes})
	for b.Loop() {
		rec := httptest.NewRecorder()
		w.c.ServeHTTP(rec, httptest.NewRequest("GET", path, nil).WithContext(grant))
		if rec.Code != 200 {
			b.Fatal(rec.Body)
		}
	}
}

// FuzzBody sends anything as an order: the answer is an error of the API or a record, and never a panic.
func FuzzBody(f *testing.F) {
	w := newWorld(f)
	cu, a := w.customer(), w.article("A", "21")
	good, _ := json.Marshal(orderBody(cu, []obj{row(a, "1", "2"), {"IsTextRow": true, "Text": "x"}}))
	f.Add(good)
	for _, s := range []string{`{}`, `[]`, `null`, `{"Rows":[null]}`, `{"Rows":{}}`, `{"Persons":[{"Amount":1e99}]}`, `{"ContributionMargin":{"Amount":"x"}}`, `{"status":2}`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		for _, path := range []string{"/orders", "/customers", "/articles", "/customerinvoices"} {
			r := httptest.NewRequest("POST", path, strings.NewReader(string(body)))
			rec := httptest.NewRecorder()
			w.c.ServeHTTP(rec, r.WithContext(kit.WithGrant(r.Context(), kit.Grant{Scopes: w.scopes})))
			if rec.Code != 201 && (rec.Code != 400 || !strings.Contains(rec.Body.String(), "ErrorCode")) {
				t.Errorf("%s %s: %d %s", path, body, rec.Code, rec.Body)
			}
			if !json.Valid(rec.Body.Bytes()) {
				t.Errorf("%s %s: not JSON: %s", path, body, rec.Body)
			}
		}
	})
}
