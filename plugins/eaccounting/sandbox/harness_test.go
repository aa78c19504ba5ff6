package sandbox

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/pomost/pomost/plugins/eaccounting/spec"
	kit "github.com/pomost/pomost/sdk/sandbox"
)

// obj is a JSON object in a test; numbers are json.Number.
type obj = map[string]any

// world is a company that tests call directly, with a clock of their own.
type world struct {
	t      testing.TB
	c      *company
	now    time.Time
	scopes []string
	// judge holds every answer against the vendor's specification; nil where time is measured.
	judge *spec.Judge
}

var today = time.Date(2026, 6, 15, 10, 0, 0, 0, time.UTC)

// newWorld makes a company from "key=value" settings; "data=…" is --data.
func newWorld(t testing.TB, settings ...string) *world {
	t.Helper()
	w := &world{t: t, now: today, scopes: System().Scopes}
	env := kit.Env{Set: map[string]string{}, Now: func() time.Time { return w.now }, Data: "none", CompanyID: companyID}
	for _, s := range System().Settings {
		env.Set[s.Key] = s.Default
	}
	for _, s := range settings {
		k, v, _ := strings.Cut(s, "=")
		if k == "data" {
			env.Data = v
			continue
		}
		if _, ok := env.Set[k]; !ok {
			t.Fatalf("no setting %s", k)
		}
		env.Set[k] = v
	}
	c, err := newCompany(env)
	if err != nil {
		t.Fatal(err)
	}
	w.c = c.(*company)
	judge := &spec.Judge{Played: spec.G2026}
	w.judge = judge
	if w.c.dialect.swagger2020 {
		w.judge.Played = spec.G2020
	}
	t.Cleanup(func() {
		for _, f := range judge.Findings() {
			t.Errorf("against the specification: %s", f)
		}
	})
	return w
}

type reply struct {
	status int
	raw    string
	body   obj
}

func (w *world) call(method, path string, body any) reply {
	w.t.Helper()
	var data []byte
	switch b := body.(type) {
	case nil:
	case string:
		data = []byte(b)
	default:
		var err error
		if data, err = json.Marshal(b); err != nil {
			w.t.Fatal(err)
		}
	}
	r := httptest.NewRequest(method, path, bytes.NewReader(data))
	r = r.WithContext(kit.WithGrant(r.Context(), kit.Grant{Scopes: w.scopes}))
	rec := httptest.NewRecorder()
	w.c.ServeHTTP(rec, r)
	if w.judge != nil {
		w.judge.Answer(method, r.URL.Path, r.URL.RawQuery, rec.Code, rec.Body.Bytes())
	}
	out := reply{status: rec.Code, raw: rec.Body.String()}
	if rec.Body.Len() > 0 {
		m, err := decodeObject(rec.Body.Bytes())
		if err != nil {
			w.t.Fatalf("%s %s: %v in %s", method, path, err, rec.Body)
		}
		out.body = m
	}
	return out
}

// ok calls and wants the status.
func (w *world) ok(status int, method, path string, body any) obj {
	w.t.Helper()
	r := w.call(method, path, body)
	if r.status != status {
		w.t.Fatalf("%s %s: %d, want %d: %s", method, path, r.status, status, r.raw)
	}
	return r.body
}

// refused calls and wants the error code with the status; it returns the fields of Errors.
func (w *world) refused(status, code int, method, path string, body any) string {
	w.t.Helper()
	r := w.call(method, path, body)
	if r.status != status || fmt.Sprint(r.body["ErrorCode"]) != fmt.Sprint(code) {
		w.t.Errorf("%s %s: %d %s; want %d with ErrorCode %d", method, path, r.status, r.raw, status, code)
		return ""
	}
	if id, _ := r.body["ErrorId"].(string); len(id) != 36 || r.body["DeveloperErrorMessage"] == "" {
		w.t.Errorf("error body %s", r.raw)
	}
	var names []string
	list, _ := r.body["Errors"].([]any)
	for _, e := range list {
		names = append(names, e.(obj)["Field"].(string))
	}
	return strings.Join(names, ",")
}

func (w *world) list(path string) []obj {
	w.t.Helper()
	var out []obj
	for _, e := range w.ok(200, "GET", path, nil)["Data"].([]any) {
		out = append(out, e.(obj))
	}
	return out
}

// filtered lists with a $filter.
func (w *world) filtered(path, filter string) []obj {
	w.t.Helper()
	return w.list(path + "?$filter=" + url.QueryEscape(filter))
}

func (w *world) id(path, field, value string) string {
	w.t.Helper()
	for _, r := range w.list(path + "?$pagesize=1000") {
		if fmt.Sprint(r[field]) == value {
			return r["Id"].(string)
		}
	}
	w.t.Fatalf("no %s with %s %s", path, field, value)
	return ""
}

func merged(base obj, changes ...obj) obj {
	out := obj{}
	for _, m := range append([]obj{base}, changes...) {
		for k, v := range m {
			out[k] = v
		}
	}
	return out
}

func (w *world) customerBody(changes ...obj) obj {
	return merged(obj{"Name": "Jansen", "InvoiceCity": "Utrecht", "InvoicePostalCode": "3511 AB", "IsPrivatePerson": false, "IsActive": true,
		"TermsOfPaymentId": w.c.table("termsofpayments").order[0].str("Id")}, changes...)
}

func (w *world) customer(changes ...obj) obj {
	w.t.Helper()
	return w.ok(201, "POST", "/customers", w.customerBody(changes...))
}

func (w *world) articleBody(number, rate string, changes ...obj) obj {
	return merged(obj{"Number": number, "Name": "Thing " + number, "IsActive": true, "CodingId": w.c.codingFor(rate, false).str("Id"),
		"UnitId": w.c.table("units").order[0].str("Id"), "NetPrice": json.Number("10.00")}, changes...)
}

func (w *world) article(number, rate string, changes ...obj) obj {
	w.t.Helper()
	return w.ok(201, "POST", "/articles", w.articleBody(number, rate, changes...))
}

func orderBody(customer obj, rows []obj, changes ...obj) obj {
	return merged(obj{"CustomerId": customer["Id"], "CurrencyCode": "EUR", "OrderDate": "2026-06-10", "Status": 2, "EuThirdParty": false,
		"ReverseChargeOnConstructionServices": false, "RotReducedInvoicingType": 0, "Rows": rows}, changes...)
}

// row is a row of an article: price "" lets the server choose.
func row(article obj, quantity, price string, changes ...obj) obj {
	r := obj{"IsTextRow": false, "IsWorkCost": false, "EligibleForReverseChargeOnVat": false, "ArticleId": article["Id"], "Quantity": json.Number(quantity)}
	if price != "" {
		r["UnitPrice"] = json.Number(price)
	}
	return merged(r, changes...)
}

// want compares fields of an answer with their text.
func (w *world) want(got obj, pairs ...string) {
	w.t.Helper()
	for i := 0; i < len(pairs); i += 2 {
		if text := fmt.Sprint(got[pairs[i]]); text != pairs[i+1] {
			w.t.Errorf("%s is %s, want %s", pairs[i], text, pairs[i+1])
		}
	}
}

func firstRow(doc obj) obj { return doc["Rows"].([]any)[0].(obj) }

// later compares a stamp as a time: as text it has no fixed length.
func later(a, b obj, field string) bool {
	x, ok1 := parseTime(fmt.Sprint(a[field]))
	y, ok2 := parseTime(fmt.Sprint(b[field]))
	return ok1 && ok2 && x.After(y)
}
