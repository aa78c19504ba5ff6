package connector

import (
	"net/url"
	"testing"

	"github.com/pomost/pomost/sdk/conformance"
	sdk "github.com/pomost/pomost/sdk/connector"
	"github.com/pomost/pomost/sdk/sandbox"
)

// connect opens a connection to a sandbox.
func connect(t *testing.T, info sandbox.Info) (sdk.Connection, *conformance.Host) {
	t.Helper()
	host := conformance.NewHost(t, info)
	c, problems := New().Open(t.Context(), settingsFor(info), host)
	if len(problems) > 0 {
		t.Fatalf("%+v", problems)
	}
	return c, host
}

func TestAuthorizeURL(t *testing.T) {
	for base, want := range map[string]string{
		"":                                  vendorAuthorize,
		vendorBase:                          vendorAuthorize,
		"https://" + vendorTestHost + "/v2": vendorTestAuthorize,
		"http://127.0.0.1:9001/v2":          "http://127.0.0.1:9001/connect/authorize",
	} {
		got, err := New().Authorize(t.Context(), sdk.AuthorizeRequest{Settings: sdk.Settings{"base_url": base}, ClientID: "c", RedirectURL: "https://localhost:44300/callback", State: "s"})
		if err != nil {
			t.Fatal(err)
		}
		u, err := url.Parse(got.URL)
		if err != nil {
			t.Fatal(err)
		}
		q := u.Query()
		u.RawQuery = ""
		if u.String() != want {
			t.Errorf("base %q: consent at %s, want %s", base, u, want)
		}
		if q.Get("scope") != "ea:api ea:sales offline_access" || q.Get("prompt") != "select_account" || q.Get("acr_values") != companyPicker || q.Has("code_challenge") {
			t.Errorf("base %q: query %v", base, q)
		}
	}
	got, err := New().Authorize(t.Context(), sdk.AuthorizeRequest{Settings: sdk.Settings{"acr_values": "none"}})
	if err != nil {
		t.Fatal(err)
	}
	if u, err := url.Parse(got.URL); err != nil || u.Query().Has("acr_values") {
		t.Errorf("acr_values none: %s", got.URL)
	}
}

func TestParseSettings(t *testing.T) {
	c, problems := parse(sdk.Settings{"base_url": "http://127.0.0.1:1/v2/", "page_size": "10", "scan_since": "2026-01-01"})
	if len(problems) > 0 || c.base != "http://127.0.0.1:1/v2" || c.pageSize != 10 || c.scanSince.String() != "2026-01-01" {
		t.Errorf("%+v, %+v", c, problems)
	}
	for key, value := range map[string]string{"page_size": "1001", "scopes": "ea:sales", "base_url": "https://x.example/v2?a=b"} {
		_, problems := parse(sdk.Settings{key: value})
		if len(problems) == 0 || problems[0].Setting != key || problems[0].Remedy == "" {
			t.Errorf("%s=%s: %+v", key, value, problems)
		}
	}
}
