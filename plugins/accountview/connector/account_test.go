package connector

import (
	"encoding/json"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	sdk "github.com/pomost/pomost/sdk/connector"
)

func checkOf(t *testing.T, b *bed) map[string]sdk.CheckResult {
	t.Helper()
	list, err := b.conn.Check(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]sdk.CheckResult{}
	for _, r := range list {
		out[r.Name] = r
	}
	return out
}

func TestCheckTellsWhatIsMissing(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		dialect  string
		settings sdk.Settings
		set      []string
		check    string
		ok, warn bool
		cause    sdk.Cause
		says     string
	}{
		"orders unreadable": {"so1_unreadable", nil, nil, "so1", true, true, "", "read back"},
		"no order module":   {"default", nil, []string{"module.orders", "off"}, "so1", false, false, sdk.CauseRights, "Verkooporders"},
		"gross":             {"default", nil, []string{"entry", "gross"}, "daybook", true, false, "", "with VAT (gross)"},
		"net":               {"default", nil, nil, "daybook", true, false, "", "without VAT (net)"},
		"company":           {"default", sdk.Settings{"company": "NONE"}, nil, "company", false, false, sdk.CauseRights, "NONE"},
		"no year":           {"default", nil, []string{"years", "2020,2021"}, "years", false, false, sdk.CauseNoAdministration, "no administration"},
		"uncertain fields":  {"so_rich", nil, nil, "dictionary", true, false, "", "SO_LINE.VAT_CODE"},
		"no debtors":        {"default", nil, []string{"no_right", "AR1"}, "ar1", false, false, sdk.CauseRights, "customers travel neither way"},
		"no new addresses":  {"default", nil, []string{"no_right", "ADDR:write"}, "write_addr", false, false, sdk.CauseRights, "another address"},
		"no articles":       {"http_errors", nil, []string{"no_right", "AK1"}, "ak1", false, false, sdk.CauseRights, "products and stock do not travel"},
		"no new orders":     {"default", nil, []string{"no_right", "SO1:write"}, "write_so1", false, false, sdk.CauseRights, "orders do not travel as sales orders"},
		"no pages":          {"default", nil, []string{"no_right", "DJ2"}, "write_dj2", false, false, sdk.CauseRights, "invoices do not travel"},
		"no VAT codes":      {"default", nil, []string{"no_right", "VA1"}, "vat_codes", false, false, sdk.CauseRights, "invoices do not travel"},
		"no accounts":       {"http_errors", nil, []string{"no_right", "GL1"}, "ledger_accounts", false, false, sdk.CauseRights, "typed by hand"},
		"no daybooks":       {"default", nil, []string{"no_right", "DJ1"}, "daybook", false, false, sdk.CauseRights, "price_basis set by hand"},
		"no dictionary":     {"default", nil, []string{"no_right", "FLD"}, "dictionary", true, true, "", "only fields that are certain"},
		"lists by label":    {"default", nil, []string{"no_right", "DBF"}, "lists", true, false, "", "not found: open items"},
		"object code":       {"default", sdk.Settings{"object_articles": "ZZ9/ARTICLE"}, nil, "ak1", false, false, sdk.CauseRights, "ZZ9"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := checkOf(t, openBed(t, c.dialect, c.settings, c.set...))[c.check]
			if got.OK != c.ok || got.Warning != c.warn || got.Cause != c.cause || !strings.Contains(got.Message, c.says) {
				t.Errorf("%+v", got)
			}
		})
	}
}

// A daybook that gives out numbers itself may take the invoice's own number away.
func TestCheckWarnsOfNumbers(t *testing.T) {
	t.Parallel()
	b := openBed(t, "default", nil)
	if got := checkOf(t, b)["invoice_numbers"]; !got.OK || got.Warning {
		t.Errorf("%+v", got)
	}
	post(b.Env, "DJ1", "DAILY", []string{"DJ_CODE:C", "DJ_NAME:C", "DJ_TYPEV:C", "NUM_AUTO:L"}, "701", "Webshop", "Verkoop", "True")
	if got := checkOf(t, b)["invoice_numbers"]; !got.Warning || !strings.Contains(got.Message, "701 Webshop") {
		t.Errorf("%+v", got)
	}
}

func TestCheckFindsCaseOfMail(t *testing.T) {
	t.Parallel()
	for dialect, folds := range map[string]bool{"default": true, "case_sensitive_mail": false} {
		b := openBed(t, dialect, nil)
		post(b.Env, "AR1", "CONTACT", []string{"SUB_NR:C", "ACCT_NR:C", "SRC_CODE:C", "ACCT_NAME:C", "MAIL_BUS:C"}, "10001", "1210", "-", "Jansen", "Info@example.nl")
		if got := checkOf(t, b)["mail_case"]; got.Warning == folds {
			t.Errorf("%s: %+v", dialect, got)
		}
		if got := b.find(Debtors, "MAIL_BUS", "info@example.nl", 0); got.Status != sdk.Found {
			t.Errorf("%s: %+v", dialect, got)
		}
	}
}

func TestLists(t *testing.T) {
	t.Parallel()
	b := openBed(t, "default", nil, "country", "SE", "currency", "SEK", "entry", "gross")
	for list, want := range map[string]string{
		ListVATCodes: "1:rate=25", ListLedgerAccounts: "8000:turnover=true", ListDaybooks: "700:gross=true", ListYears: "DEMO2026:year=2026", ListCompany: "3f0c2d6a-9a51-4e0e-8f63-2f5d7b1c9e10:currency=SEK",
		ListPeriods: "*:begin=", ListCompanies: "3f0c2d6a-9a51-4e0e-8f63-2f5d7b1c9e10:code=DEMO",
	} {
		items, err := b.conn.List(t.Context(), list)
		if err != nil {
			t.Fatal(err)
		}
		id, attr, _ := strings.Cut(want, ":")
		name, value, _ := strings.Cut(attr, "=")
		if !slices.ContainsFunc(items, func(i sdk.ListItem) bool {
			return (id == "*" || i.ID == id) && (i.Attributes[name] == value || value == "" && i.Attributes[name] != "")
		}) {
			t.Errorf("%s: no %s in %+v", list, want, items)
		}
	}
	items, err := b.conn.List(t.Context(), ListCompany)
	if err != nil || items[0].Attributes["country"] != "SE" {
		t.Errorf("%+v, %v", items, err)
	}
	// Secrets of the company lie in the same table: only named columns are asked for.
	for _, x := range b.Host.Exchanges() {
		if strings.Contains(string(x.Response), "sandbox-secret") {
			t.Error("an answer holds the company's secrets")
		}
	}
}

// The built-in columns are those of the dictionary dumps, where these are at hand.
func TestFieldsAgainstTheDumps(t *testing.T) {
	t.Parallel()
	dir := filepath.Join("..", "..", "..", "..", "shared", "data", "accountview", "fields")
	if _, err := os.Stat(dir); err != nil {
		if os.Getenv("POMOST_DATA") == "required" {
			t.Fatal(err)
		}
		t.Skip("the data folder is not here: ", err)
	}
	for _, name := range []string{"CONTACT", "VAT", "LEDGER", "DAILY", "COST", "ADM_LIST", "COMP_HDR", "DJ_PAGE", "DJ_LINE"} {
		raw, err := os.ReadFile(filepath.Join(dir, strings.ToLower(name)+".tsv"))
		if err != nil {
			t.Fatal(err)
		}
		dump := map[string][]string{}
		for line := range strings.Lines(string(raw)) {
			f := strings.Split(strings.TrimRight(line, "\n"), "\t")
			dump[f[0]] = f
		}
		for _, c := range builtin[name] {
			f := dump[c.Name]
			switch {
			case f == nil:
				t.Errorf("%s.%s is not in the dump", name, c.Name)
			case f[1] != string(rune(c.typ)), c.typ == 'C' && f[2] != strconv.Itoa(c.Length), (f[5] == "!") != c.Upper:
				t.Errorf("%s.%s: %c %d upper %t, the dump says %v", name, c.Name, c.typ, c.Length, c.Upper, f)
			}
		}
	}
}

// The address that Authorize builds leads through the consent page to tokens.
func TestConsent(t *testing.T) {
	t.Parallel()
	b := openBed(t, "default", nil)
	info := b.Sandbox.Info
	const redirect = "http://127.0.0.1:9/callback"
	a, err := New().Authorize(t.Context(), sdk.AuthorizeRequest{Settings: sdk.Settings{"base_url": info.BaseURL}, ClientID: info.ClientID, RedirectURL: redirect, State: "s 1"})
	if err != nil {
		t.Fatal(err)
	}
	client := &http.Client{Transport: &http.Transport{}, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	defer client.CloseIdleConnections()
	send := func(method, address, body string) *http.Response {
		req, err := http.NewRequestWithContext(t.Context(), method, address, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		resp, err := client.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = resp.Body.Close() })
		return resp
	}
	back, err := send("GET", a.URL, "").Location()
	if err != nil || back.Query().Get("state") != "s 1" {
		t.Fatalf("%v, %v", back, err)
	}
	form := url.Values{"grant_type": {"authorization_code"}, "code": {back.Query().Get("code")}, "redirect_uri": {redirect}, "client_id": {info.ClientID}, "client_secret": {info.ClientSecret}}
	var token struct {
		Refresh string `json:"refresh_token"`
		Scope   string `json:"scope"`
	}
	if err := json.NewDecoder(send("POST", info.TokenURL, form.Encode()).Body).Decode(&token); err != nil || token.Refresh == "" {
		t.Errorf("%+v, %v", token, err)
	}
	for _, s := range scopes {
		if !strings.Contains(token.Scope, s) {
			t.Errorf("scope %q lacks %s", token.Scope, s)
		}
	}
	// The vendor's own address needs no setting.
	if a, err = New().Authorize(t.Context(), sdk.AuthorizeRequest{}); err != nil || !strings.HasPrefix(a.URL, vendorAuthorize+"?") {
		t.Errorf("%s, %v", a.URL, err)
	}
}
