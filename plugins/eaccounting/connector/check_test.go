package connector

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	emulator "github.com/pomost/pomost/plugins/eaccounting/sandbox"
	"github.com/pomost/pomost/sdk/conformance"
	sdk "github.com/pomost/pomost/sdk/connector"
	"github.com/pomost/pomost/sdk/record"
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

// Check tells the state of the company and of its books, and what a consent without the right to write means.
func TestCheckStates(t *testing.T) {
	t.Parallel()
	every := emulator.System().Scopes
	for name, c := range map[string]struct {
		set     map[string]string
		scopes  string
		result  string
		ok      bool
		warning bool
		says    string
	}{
		"inactive":      {map[string]string{"status": "inactive"}, "", "company_status", false, false, "not active"},
		"read only":     {map[string]string{"status": "read_only"}, "", "company_status", true, true, "only be read"},
		"active":        {nil, "", "company_status", true, false, ""},
		"locked":        {map[string]string{"locked_to": "2026-03-31"}, "", "books_open", true, false, "2026-03-31"},
		"not locked":    {nil, "", "books_open", true, false, ""},
		"reading scope": {nil, "ea:api ea:sales_readonly offline_access", "write_scope", true, true, "ea:sales"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			info := withScopes(t, c.set, every...)
			s := settingsFor(info)
			if c.scopes != "" {
				s["scopes"] = c.scopes
			}
			conn, problems := New().Open(t.Context(), s, conformance.NewHost(t, info))
			if len(problems) > 0 {
				t.Fatal(problems)
			}
			defer conn.Close()
			got, there := checks(t, conn)[c.result]
			if !there || got.OK != c.ok || got.Warning != c.warning || !strings.Contains(got.Message, c.says) {
				t.Errorf("%v %+v", there, got)
			}
		})
	}
}

// Who may only read is refused at the first write, with the right as the cause.
func TestReadOnlyUserIsRefused(t *testing.T) {
	t.Parallel()
	for _, set := range []map[string]string{{"user": "read_only"}, {"status": "read_only"}} {
		c, _ := connect(t, withScopes(t, set, emulator.System().Scopes...))
		defer c.Close()
		o, err := objectByName("customers")
		if err != nil {
			t.Fatal(err)
		}
		terms, err := c.List(t.Context(), "terms_of_payment")
		if err != nil {
			t.Fatal(err)
		}
		r := build(o.schema, "Name", text("Jansen"), "InvoiceCity", text("Delft"), "InvoicePostalCode", text("2611 AB"),
			"TermsOfPaymentId", text("%s", terms[0].ID), "IsPrivatePerson", record.Bool(false))
		err = c.Write(t.Context(), sdk.WriteRequest{Object: "customers", Action: sdk.Create, Records: []record.Record{r}}, func(res sdk.WriteResult) error {
			if res.Outcome != sdk.OutcomeRefused || res.Err.Cause != sdk.CauseRights || res.Err.Retryable {
				t.Errorf("%v: %+v", set, res)
			}
			return nil
		})
		if err != nil {
			t.Error(err)
		}
	}
}
