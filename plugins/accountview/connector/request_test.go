package connector

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"

	sdk "github.com/pomost/pomost/sdk/connector"
	"github.com/pomost/pomost/sdk/record"
)

// Whatever is read names its fields: a "*" would bring secrets of the company along; and nothing is ever asked by the free Filter, in
// which a value could become an expression.
func TestFieldsAreAlwaysNamed(t *testing.T) {
	t.Parallel()
	b := openBed(t, "order_history,so_rich,code_tables", nil)
	for _, name := range listNames {
		listOf(t, b, name)
	}
	checkOf(t, b)
	r := newOrder(b, "WEB-1", "2026-01-05")
	if got := b.write(sdk.WriteRequest{Object: Orders, Action: sdk.Create, Records: []record.Record{r}}); got.Outcome != sdk.OutcomeCreated {
		t.Fatalf("%+v", got)
	}
	b.find(Orders, "COMMENT1", "WEB-1", day("2026-01-05"))
	for _, o := range objects() {
		if o.Read != sdk.ReadNone {
			if err := b.conn.Read(t.Context(), sdk.ReadRequest{Object: o.Name}, func(sdk.Batch) error { return nil }); err != nil {
				t.Fatal(err)
			}
		}
	}
	reads := 0
	for _, c := range b.Sandbox.Log() {
		u, err := url.Parse(c.Path)
		if err != nil {
			t.Fatal(err)
		}
		q := u.Query()
		if c.Method != http.MethodGet || q.Get("BusinessObject") == "" {
			continue
		}
		reads++
		if q.Has("Filter") || q.Get("Fields") == "" || strings.Contains(q.Get("Fields"), "*") {
			t.Errorf("%s", c.Path)
		}
		if strings.EqualFold(u.Path, "/api/v3/accountviewdata") && q.Get("BookDate") == "" {
			t.Errorf("no date chooses the year: %s", c.Path)
		}
	}
	if reads < 30 {
		t.Errorf("only %d reads were looked at", reads)
	}
}

// The headers are those that clients send; the list of companies is asked for without a company.
func TestHeaders(t *testing.T) {
	t.Parallel()
	b := openBed(t, "default", nil)
	var mu sync.Mutex
	var seen []http.Header
	b.conn.http.Client.Transport = &through{next: b.conn.http.Client.Transport, look: func(r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		h := r.Header.Clone()
		h.Set("Path", r.URL.Path)
		seen = append(seen, h)
	}}
	b.find(Debtors, "SUB_NR", "10001", 0)
	debtor(b.Env, "10001")
	r := page(b.schema(Pages), "1", "10001")
	b.write(sdk.WriteRequest{Object: Pages, Action: sdk.Create, Records: []record.Record{r}})
	var paths []string
	for _, h := range seen {
		paths = append(paths, h.Get("Path"))
		company := h.Get("X-Company")
		if !strings.HasPrefix(h.Get("Authorization"), "Bearer ") || h.Get("Accept") != "application/json" || (h.Get("Path") == "/api/v3/companies") != (company == "") {
			t.Errorf("%v", h)
		}
	}
	if !slices.Contains(paths, "/api/v3/companies") || !slices.Contains(paths, "/api/v3/accountviewdata") || seen[len(seen)-1].Get("Content-Type") != "application/json; charset=utf-8" {
		t.Errorf("%v, the last %v", paths, seen[len(seen)-1])
	}
}

// through looks at each request on its way.
type through struct {
	look func(*http.Request)
	next http.RoundTripper
}

func (t *through) RoundTrip(r *http.Request) (*http.Response, error) {
	t.look(r)
	return t.next.RoundTrip(r)
}

func (t *through) CloseIdleConnections() {
	if c, ok := t.next.(interface{ CloseIdleConnections() }); ok {
		c.CloseIdleConnections()
	}
}
