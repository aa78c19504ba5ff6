package connector

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"

	emulator "github.com/pomost/pomost/plugins/eaccounting/sandbox"
	"github.com/pomost/pomost/sdk/conformance"
	sdk "github.com/pomost/pomost/sdk/connector"
	"github.com/pomost/pomost/sdk/sandbox"
)

// withScopes starts a sandbox whose first consent has only these scopes.
func withScopes(t *testing.T, set map[string]string, scopes ...string) sandbox.Info {
	t.Helper()
	sys := judged(t, emulator.System(), set["dialect"])
	sys.Scopes = scopes
	run, err := sandbox.Start(t.Context(), sys, sandbox.Options{Set: set})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { run.Close() })
	return run.Info
}

func checks(t *testing.T, c sdk.Connection) map[string]sdk.CheckResult {
	t.Helper()
	results, err := c.Check(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]sdk.CheckResult{}
	for _, r := range results {
		out[r.Name] = r
	}
	return out
}

func TestCheckMissingScopes(t *testing.T) {
	c, _ := connect(t, withScopes(t, nil, "ea:api", "ea:sales", "offline_access"))
	defer c.Close()
	got := checks(t, c)
	if r := got["bank_accounts"]; !r.Warning || r.Cause != sdk.CauseRights || r.Remedy == "" {
		t.Errorf("bank accounts without ea:purchase: %+v, want a warning about the right", r)
	}
	if r := got["orders"]; !r.OK || r.Warning {
		t.Errorf("orders: %+v", r)
	}
	if _, err := c.List(t.Context(), "bank_accounts"); sdk.AsError(err) == nil || sdk.AsError(err).Cause != sdk.CauseRights {
		t.Errorf("the list says %v, want rights", err)
	}
	c, _ = connect(t, withScopes(t, nil, "ea:api", "ea:accounting", "offline_access"))
	defer c.Close()
	if r := checks(t, c)["company"]; r.OK || r.Cause != sdk.CauseRights || r.Remedy == "" {
		t.Errorf("company without ea:sales: %+v, want a failure about the right", r)
	}
}

func TestCheckVariantWithoutOrders(t *testing.T) {
	c, _ := connect(t, withScopes(t, map[string]string{"variant": "solo"}, "ea:api", "ea:sales", "ea:purchase", "ea:accounting", "offline_access"))
	defer c.Close()
	if r := checks(t, c)["orders"]; r.OK || r.Remedy == "" {
		t.Errorf("orders in Solo: %+v, want a failure with a remedy", r)
	}
	if r := checks(t, c)["customers"]; !r.OK {
		t.Errorf("customers in Solo: %+v", r)
	}
}

func TestLists(t *testing.T) {
	info := withScopes(t, map[string]string{"country": "SE", "currency": "SEK", "rounding": "1"}, "ea:api", "ea:sales", "ea:purchase", "ea:accounting", "offline_access")
	c, _ := connect(t, info)
	defer c.Close()
	want := map[string][]string{
		"units": {"abbreviation"}, "terms_of_payment": {"days", "type"}, "article_codings": {"rate", "type"}, "currencies": nil, "countries": {"eu"},
		"fiscal_years": {"from", "to"}, "bank_accounts": {"type"}, "company": {"country", "currency", "vat_number", "modules", "variant", "rounding", "status"},
	}
	for name, attributes := range want {
		items, err := c.List(t.Context(), name)
		if err != nil || len(items) == 0 {
			t.Errorf("%s: %d items, %v", name, len(items), err)
			continue
		}
		for _, a := range attributes {
			if items[0].Attributes[a] == "" {
				t.Errorf("%s: %+v has no %s", name, items[0], a)
			}
		}
	}
	items, err := c.List(t.Context(), "company")
	if err != nil || items[0].Attributes["country"] != "SE" || items[0].Attributes["currency"] != "SEK" || items[0].Attributes["rounding"] != "1" || items[0].ID != info.Company {
		t.Errorf("company: %+v, %v", items, err)
	}
	rates := map[string]bool{}
	codings, err := c.List(t.Context(), "article_codings")
	if err != nil {
		t.Fatal(err)
	}
	for _, it := range codings {
		rates[it.Attributes["rate"]] = true
	}
	for _, r := range []string{"25", "12", "6", "0"} {
		if !rates[r] {
			t.Errorf("no coding of %s %% in %v", r, rates)
		}
	}
}

// A list that never stands still ends with an error instead of a gap, and an answer that is no list is not an empty one.
func TestReadRestless(t *testing.T) {
	n := 0
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.URL.Path == "/connect/token":
			fmt.Fprint(w, `{"access_token":"a","refresh_token":"b"}`)
		case r.URL.Path == "/v2/articles":
			fmt.Fprint(w, `{"Data":[]}`)
		case r.URL.Query().Has("$filter"):
			w.WriteHeader(http.StatusBadRequest)
			fmt.Fprint(w, `{"ErrorCode":6000,"DeveloperErrorMessage":"no"}`)
		default:
			n++
			fmt.Fprintf(w, `{"Meta":{"CurrentPage":1,"PageSize":1,"TotalNumberOfPages":2,"TotalNumberOfResults":%d,"ServerTimeUtc":"2026-01-01T00:00:00Z"},`+
				`"Data":[{"Id":"x%d","ModifiedUtc":"2026-01-01T00:00:00Z"}]}`, n+100, n)
		}
	}))
	defer s.Close()
	host := conformance.NewHost(t, sandbox.Info{BaseURL: s.URL + "/v2", TokenURL: s.URL + "/connect/token"})
	c, problems := New().Open(t.Context(), sdk.Settings{"base_url": s.URL + "/v2"}, host)
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	defer c.Close()
	for _, object := range []string{"orders", "articles"} {
		var cursors int
		err := c.Read(t.Context(), sdk.ReadRequest{Object: object}, func(b sdk.Batch) error {
			if b.Cursor != nil {
				cursors++
			}
			return nil
		})
		if e := sdk.AsError(err); e == nil || e.Cause != sdk.CauseUnavailable || !e.Retryable || e.Remedy == "" || cursors > 0 {
			t.Errorf("%s: %v with %d cursors, want unavailable and none", object, err, cursors)
		}
	}
}
