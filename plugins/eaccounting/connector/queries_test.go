package connector

import (
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync"
	"testing"

	"github.com/pomost/pomost/sdk/conformance"
	sdk "github.com/pomost/pomost/sdk/connector"
	"github.com/pomost/pomost/sdk/sandbox"
)

// TestConformanceQueries runs the suite against accounts that understand less of $filter and $orderby than the sandbox:
// which properties take part is documented nowhere (facts section 3).
func TestConformanceQueries(t *testing.T) {
	t.Parallel()
	has := func(q url.Values, part string) bool { return strings.Contains(q.Get("$filter"), part) }
	for name, change := range map[string]func(q url.Values) (refuse bool){
		"orderby refused": func(q url.Values) bool { return q.Has("$orderby") },
		"orderby ignored": func(q url.Values) bool { q.Del("$orderby"); return false },
		"filter refused":  func(q url.Values) bool { return q.Has("$filter") },
		"filter ignored":  func(q url.Values) bool { q.Del("$filter"); return false },
		"null refused":    func(q url.Values) bool { return has(q, "null") },
		"or refused":      func(q url.Values) bool { return has(q, " or ") },
		"stamps refused":  func(q url.Values) bool { return has(q, "Utc") },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var mu sync.Mutex
			proxies := map[string]string{}
			conformance.Run(t, conformance.Options{
				Connector: New(),
				Start: func(t *testing.T) *sandbox.Running {
					run := startSandbox(t, nil)
					mu.Lock()
					defer mu.Unlock()
					proxies[run.Info.BaseURL] = proxy(t, run.Info.BaseURL, change)
					return run
				},
				Settings: func(info sandbox.Info) sdk.Settings {
					s := settingsFor(info)
					mu.Lock()
					defer mu.Unlock()
					s["base_url"] = proxies[info.BaseURL] + "/v2"
					return s
				},
				SmallPages: sdk.Settings{"page_size": "3"},
				Only:       []string{"Check", "Read", "Find"},
				Objects:    unsorted(samples("")),
			})
		})
	}
}

// unsorted takes the promise of order from the samples: these accounts do not sort.
func unsorted(all []conformance.Samples) []conformance.Samples {
	for i := range all {
		all[i].Volatile = append(all[i].Volatile, all[i].Stamp)
		all[i].Stamp = ""
	}
	return all
}

// proxy passes calls on to the sandbox, with their query changed, or refuses them as eAccounting refuses a query.
func proxy(t *testing.T, base string, change func(url.Values) bool) string {
	target, err := url.Parse(base)
	if err != nil {
		t.Fatal(err)
	}
	target.Path = ""
	p := &httputil.ReverseProxy{
		ErrorLog: log.New(io.Discard, "", 0), // faults cut answers on purpose
		Rewrite:  func(r *httputil.ProxyRequest) { r.SetURL(target) },
		ErrorHandler: func(w http.ResponseWriter, _ *http.Request, _ error) {
			w.WriteHeader(http.StatusBadGateway)
		},
	}
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		q := r.URL.Query()
		if change(q) {
			q.Set("$filter", "not a filter") // which the sandbox refuses with 6000
			r.Header.Set("User-Agent", "proxy")
		}
		r.URL.RawQuery = q.Encode()
		p.ServeHTTP(w, r)
	}))
	t.Cleanup(s.Close)
	return s.URL
}

// A record that is deleted while the list is read by page number moves all later ones forward; none is lost.
func TestDeletedWhileReadByNumber(t *testing.T) {
	t.Parallel()
	e, run, _ := shelf(t, nil)
	var ids []string
	for i := range 10 {
		ids = append(ids, post(e, "/customers", map[string]any{"Name": fmt.Sprintf("K %d", i), "InvoiceCity": "Delft", "InvoicePostalCode": "2611 AB",
			"TermsOfPaymentId": listItem(e, "terms_of_payment"), "IsPrivatePerson": false, "IsActive": true}))
	}
	s := settingsFor(run.Info)
	s["base_url"] = proxy(t, run.Info.BaseURL, func(q url.Values) bool { return q.Has("$filter") }) + "/v2"
	s["page_size"] = "3"
	c, problems := New().Open(t.Context(), s, e.Host)
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	defer c.Close()
	seen := map[string]bool{}
	err := c.Read(t.Context(), sdk.ReadRequest{Object: "customers", BatchSize: 1}, func(b sdk.Batch) error {
		for _, r := range b.Records {
			if len(seen) == 1 { // the first page is read
				e.Host.Call("DELETE", "/customers/"+ids[0], nil, nil)
			}
			seen[r.Get("Id").AsText()] = true
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, id := range ids[1:] {
		if !seen[id] {
			t.Errorf("%s was lost", id)
		}
	}
}
