package sandbox

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	kit "github.com/pomost/pomost/sdk/sandbox"
	"github.com/pomost/pomost/sdk/sandbox/shop"
)

// wire speaks to a sandbox over HTTP, as a connector does.
type wire struct {
	t     *testing.T
	info  kit.Info
	token string
}

func (w *wire) form(values url.Values) (status int, answer map[string]any) {
	w.t.Helper()
	values.Set("client_id", w.info.ClientID)
	values.Set("client_secret", w.info.ClientSecret)
	resp, err := http.PostForm(w.info.TokenURL, values)
	if err != nil {
		w.t.Fatal(err)
	}
	defer resp.Body.Close()
	if err := json.NewDecoder(resp.Body).Decode(&answer); err != nil {
		w.t.Fatal(err)
	}
	return resp.StatusCode, answer
}

func (w *wire) do(method, path, body string) (int, string, string) {
	w.t.Helper()
	req, err := http.NewRequest(method, w.info.BaseURL+path, strings.NewReader(body))
	if err != nil {
		w.t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+w.token)
	req.Header.Set("x-company", w.info.Company)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		w.t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		w.t.Fatal(err)
	}
	return resp.StatusCode, resp.Header.Get("Content-Type"), string(b)
}

func start(t *testing.T, opts kit.Options) (*kit.Running, *wire) {
	t.Helper()
	run, err := kit.Start(context.Background(), System(), opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := run.Close(); err != nil {
			t.Error(err)
		}
		http.DefaultClient.CloseIdleConnections()
	})
	w := &wire{t: t, info: run.Info}
	status, tok := w.form(url.Values{"grant_type": {"refresh_token"}, "refresh_token": {run.Info.RefreshToken}})
	if status != http.StatusOK {
		t.Fatalf("token: %d %v", status, tok)
	}
	w.token = tok["access_token"].(string)
	return run, w
}

func TestOverHTTP(t *testing.T) {
	run, w := start(t, kit.Options{})
	if !strings.HasSuffix(run.Info.TokenURL, "/api/v3/token") || !strings.HasSuffix(run.Info.AuthorizeURL, "/ams/authorize.aspx") {
		t.Fatalf("addresses: %+v", run.Info)
	}
	status, typ, body := w.do("GET", "/Companies", "")
	if status != http.StatusOK || !strings.HasPrefix(typ, "application/json") || !strings.Contains(body, `"Code":"DEMO"`) {
		t.Fatalf("companies: %d %s %s", status, typ, body)
	}
	e := encode(t, envelopeOf("2026-02-01", "AR1", part{"CONTACT", debtorFields, [][]any{{"1", "1210", "-", "Jansen", "", "NL"}}}))
	if _, _, body = w.do("POST", "/AccountViewData", e); !strings.Contains(body, `"SUB_NR":"10001     "`) {
		t.Fatal(body)
	}
	good := w.token
	w.token = "nobody"
	if status, _, _ = w.do("GET", "/accountviewdata?BusinessObject=AR1", ""); status != http.StatusUnauthorized {
		t.Fatalf("a bad token gets %d", status)
	}
	w.token = good
	if err := run.SetFaults([]kit.Fault{{Match: "POST /api/v3/accountviewdata", Object: "AR1", Do: "garbage"}}); err != nil {
		t.Fatal(err)
	}
	if status, typ, body = w.do("POST", "/AccountViewData", e); status != http.StatusBadGateway || typ != "text/html" || !strings.Contains(body, "Gateway") {
		t.Fatalf("garbage: %d %s %s", status, typ, body)
	}
	if err := run.SetFaults([]kit.Fault{{Match: "GET /api/v3/accountviewdata", Do: "status:503"}}); err != nil {
		t.Fatal(err)
	}
	if status, _, body = w.do("GET", "/accountviewdata?BusinessObject=AR1", ""); status != 503 || message(body) == "" {
		t.Fatalf("503: %d %s", status, body)
	}
	var objects []string
	for _, call := range run.Log() {
		if call.Object != "" {
			objects = append(objects, call.Method+" "+call.Object)
		}
	}
	same(t, objects, "POST AR1", "GET AR1", "POST AR1", "GET AR1")
}

func TestConsent(t *testing.T) {
	_, w := start(t, kit.Options{})
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	back := "http://127.0.0.1:9/back"
	resp, err := client.Get(w.info.AuthorizeURL + "?" + url.Values{"response_type": {"code"}, "client_id": {w.info.ClientID}, "redirect_uri": {back},
		"scope": {scopeRead}, "state": {"s1"}}.Encode())
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	loc, err := resp.Location()
	if err != nil {
		t.Fatal(err)
	}
	status, tok := w.form(url.Values{"grant_type": {"authorization_code"}, "code": {loc.Query().Get("code")}, "redirect_uri": {back}})
	if status != http.StatusOK || loc.Query().Get("state") != "s1" {
		t.Fatalf("consent: %d %v", status, tok)
	}
	w.token = tok["access_token"].(string)
	if _, _, body := w.do("GET", "/accountviewdata?BusinessObject=VA1", ""); message(body) != "" {
		t.Fatal(body)
	}
	e := encode(t, envelopeOf("", "AG1", part{"ART_GRP", "AG_CODE:C", [][]any{{"X"}}}))
	if _, _, body := w.do("POST", "/accountviewdata", e); !strings.Contains(message(body), scopeUpdate) {
		t.Fatalf("written without the scope: %s", body)
	}
}

func TestSettings(t *testing.T) {
	for _, bad := range []map[string]string{
		{"country": "XX"}, {"years": "2026,abc"}, {"years": "2026,2026"}, {"years": "2026:open"}, {"dialect": "nope"}, {"currency": "euro"}, {"closed_periods": "jan"}, {"entry": "both"},
	} {
		if run, err := kit.Start(context.Background(), System(), kit.Options{Set: bad}); err == nil {
			_ = run.Close()
			t.Errorf("%v is taken", bad)
		}
	}
}

func TestState(t *testing.T) {
	s := open(t, "dialect=year_masters")
	n := s.debtor("Jansen", "a@b.example")
	s.article("A", "1.25")
	s.post("2026-01-02", "SO1", order(n, "2026-01-02", "R1"), line("A", 2, "1.25"))
	saved, err := s.c.Snapshot()
	if err != nil {
		t.Fatal(err)
	}
	again := open(t, "dialect=year_masters")
	if err := again.c.Restore(saved); err != nil {
		t.Fatal(err)
	}
	for _, object := range []string{"AR1", "AK1", "SO1", "PER", "VA1", "FLD"} {
		if object != "FLD" && s.raw(object) != again.raw(object) {
			t.Errorf("%s differs after Restore", object)
		}
	}
	if len(again.get("AR1", filter("1", "MAIL_BUS", "Equal", "C", "A@b.example")...)["CONTACT"]) != 1 || again.debtor("Twee", "") != "10002" {
		t.Fatal("indexes or counters are lost")
	}
	for _, bad := range []string{"", "{}", `{"count":{"order":{},"page":{}},"tables":{"NOPE":[]}}`, `{"count":{"order":{},"page":{}},"tables":{"VAT":[{"fields":{"NOPE":"x"}}]}}`} {
		if again.c.Restore([]byte(bad)) == nil {
			t.Errorf("%q is restored", bad)
		}
	}
	file := filepath.Join(t.TempDir(), "state.json")
	run, w := start(t, kit.Options{StateFile: file})
	w.do("POST", "/accountviewdata", encode(t, envelopeOf("", "AG1", part{"ART_GRP", "AG_CODE:C", [][]any{{"KEEP"}}})))
	if err := run.Close(); err != nil {
		t.Fatal(err)
	}
	_, w = start(t, kit.Options{StateFile: file})
	if _, _, body := w.do("GET", "/accountviewdata?BusinessObject=AG1", ""); !strings.Contains(body, "KEEP") {
		t.Fatalf("after a restart: %s", body)
	}
}

func TestDemoData(t *testing.T) {
	s := openData(t, "demo", "dialect=article_rich,so_rich")
	books := shop.Generate(shop.Options{Seed: demoSeed})
	debtors := s.get("AR1")["CONTACT"]
	if len(debtors) != len(books.Books.Debtors) || len(s.get("SO1", "BookDate=2026-01-01")["SO_HDR"]) != 0 {
		t.Fatalf("%d debtors, want %d and no orders", len(debtors), len(books.Books.Debtors))
	}
	mails, blocked := map[string]int{}, 0
	for _, d := range debtors {
		if m := strings.ToUpper(d["MAIL_BUS"].(string)); m != "" {
			mails[m]++
		}
		if d["REC_BLK"] == true {
			blocked++
		}
	}
	twice := 0
	for _, n := range mails {
		if n > 1 {
			twice++
		}
	}
	if twice == 0 || blocked == 0 {
		t.Fatalf("%d e-mails twice, %d blocked: the sample lacks its trouble", twice, blocked)
	}
	in := 0
	for _, a := range books.Articles {
		if a.InBooks {
			in++
		}
	}
	articles := s.get("AK1", "Fields=ART_CODE,K1_BTW,PX_SELL")["ARTICLE"]
	if len(articles) != in {
		t.Fatalf("%d articles, want %d", len(articles), in)
	}
	i := slices.IndexFunc(articles, func(a map[string]any) bool { return a["ART_CODE"] == "KF-2210B       " })
	if i < 0 || articles[i]["K1_BTW"] != "2" {
		t.Fatalf("the coffee is missing or not at 9 %%: %v", articles)
	}
	if n := s.debtor("Nieuw", ""); n == "10001" {
		t.Fatal("a number is given out twice")
	}
	dir := t.TempDir()
	if err := books.Save(dir); err != nil {
		t.Fatal(err)
	}
	if got := openData(t, dir, "dialect=article_rich,so_rich").raw("AK1", "Fields=ART_CODE,PX_SELL"); got != openData(t, "demo").raw("AK1", "Fields=ART_CODE,PX_SELL") {
		t.Fatal("--data DIR differs from the demo it was saved from")
	}
}

// A year of 10,000 orders and debtors must stay fast: what a connector asks for every order answers by an index.
func TestManyRecords(t *testing.T) {
	s := openMany(t, 10_000)
	for _, q := range [][]string{
		append(filter("1", "MAIL_BUS", "Equal", "C", "KLANT7777@x.example"), "AR1"), append(filter("1", "SUB_NR", "Equal", "C", "17778"), "AR1"),
		append(filter("1", "COMMENT1", "Equal", "C", "R7777"), "SO1"),
	} {
		object := q[len(q)-1]
		p, _ := parseParams(queryOf(q[:len(q)-1]))
		query, err := s.c.parseQuery(findObject(object), p)
		if err != nil {
			t.Fatal(err)
		}
		hits, indexed := query.fromIndex(s.c.tables[query.head.name])
		if rows, _ := s.c.run(query); !indexed || len(hits) != 1 || len(rows) != 1 {
			t.Errorf("%s: indexed %v, %d candidates, %d rows", q[0], indexed, len(hits), len(rows))
		}
	}
}

func queryOf(kv []string) string {
	v := url.Values{}
	for _, s := range kv {
		k, val, _ := strings.Cut(s, "=")
		v.Set(k, val)
	}
	return v.Encode()
}

func openMany(t testing.TB, n int) *site {
	s := open(t)
	s.article("A", "1")
	for from := 0; from < n; from += 1000 {
		var debtors, orders, lines [][]any
		for i := from; i < min(n, from+1000); i++ {
			id := fmt.Sprint(i)
			debtors = append(debtors, []any{id, "1210", "-", "Klant " + id, "klant" + id + "@x.example", "NL"})
			orders = append(orders, []any{id, "2026-01-02", fmt.Sprint(10001 + i), "R" + id})
			lines = append(lines, []any{id, id, "A", 1, "1.00"})
		}
		s.post("2026-01-02", "AR1", part{"CONTACT", debtorFields, debtors})
		s.post("2026-01-02", "SO1", part{"SO_HDR", orderFields, orders}, part{"SO_LINE", lineFields, lines})
	}
	return s
}

func BenchmarkFindDebtorByMail(b *testing.B) {
	s := openMany(b, 10_000)
	for i := 0; b.Loop(); i++ {
		s.raw("AR1", append(filter("1", "MAIL_BUS", "Equal", "C", fmt.Sprintf("klant%d@x.example", i%10_000)), "Fields=SUB_NR,MAIL_BUS")...)
	}
}

func BenchmarkPageOfOrders(b *testing.B) {
	s := openMany(b, 10_000)
	for i := 0; b.Loop(); i++ {
		s.raw("SO1", "PageSize=1000", fmt.Sprintf("PageNumber=%d", 1+i%10), "BookDate=2026-01-01")
	}
}

func BenchmarkPostOrder(b *testing.B) {
	s := openMany(b, 1000)
	for i := 0; b.Loop(); i++ {
		s.post("2026-01-02", "SO1", order("10001", "2026-01-02", fmt.Sprint("B", i)), line("A", 2, "1.25"))
	}
}
