package sandbox

import (
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"
)

func codeForm(code string) url.Values {
	return url.Values{"grant_type": {"authorization_code"}, "code": {code}, "redirect_uri": {"http://localhost:9999/cb"}}
}

func TestConsentAndTrade(t *testing.T) {
	c := start(t, Options{})
	status, back := c.consent(url.Values{"scope": {"read write offline"}, "redirect_uri": {"http://localhost:9999/cb?keep=1"}})
	if status != http.StatusFound || back.Query().Get("state") != "s 1" || back.Query().Get("keep") != "1" {
		t.Fatalf("consent: %d %v", status, back)
	}
	form := codeForm(back.Query().Get("code"))
	form.Set("redirect_uri", "http://localhost:9999/cb?keep=1")
	a := c.token(form)
	if a.status != 200 || a.field("scope") != "read write offline" || a.field("token_type") != "Bearer" || !strings.Contains(a.body, `"expires_in":3600`) {
		t.Fatalf("token: %d %s", a.status, a.body)
	}
	if got := c.call("GET", "/things", a.field("access_token")); got.status != 200 || got.field("scopes") != "read write offline" {
		t.Errorf("call: %d %s", got.status, got.body)
	}
	if a := c.token(form); a.status != 400 || a.field("error") != "invalid_grant" {
		t.Errorf("a code used twice: %d %s", a.status, a.body)
	}
}

func TestConsentRefusals(t *testing.T) {
	c := start(t, Options{})
	for _, tc := range []struct {
		name   string
		query  url.Values
		status int
		err    string
	}{
		{"unknown client", url.Values{"client_id": {"x"}}, 400, ""},
		{"address elsewhere", url.Values{"redirect_uri": {"https://evil.example/cb"}}, 400, ""},
		{"looks like loopback", url.Values{"redirect_uri": {"http://127.0.0.1.evil.example/"}}, 400, ""},
		{"no address", url.Values{"redirect_uri": {""}}, 400, ""},
		{"fragment", url.Values{"redirect_uri": {"http://localhost/#x"}}, 400, ""},
		{"token flow", url.Values{"response_type": {"token"}}, 302, "unsupported_response_type"},
		{"unknown scope", url.Values{"scope": {"read everything"}}, 302, "invalid_scope"},
		{"plain PKCE", url.Values{"code_challenge": {"x"}, "code_challenge_method": {"plain"}}, 302, "invalid_request"},
		{"127.9.9.9", url.Values{"redirect_uri": {"http://127.9.9.9:1/"}}, 302, ""},
		{"::1 with https", url.Values{"redirect_uri": {"https://[::1]:44300/callback"}}, 302, ""},
	} {
		status, back := c.consent(tc.query)
		if status != tc.status || (tc.err != "" && back.Query().Get("error") != tc.err) || (tc.err == "" && status == 302 && back.Query().Get("code") == "") {
			t.Errorf("%s: %d %v", tc.name, status, back)
		}
	}
}

func TestRegisteredRedirectIsExact(t *testing.T) {
	c := start(t, Options{Redirects: []string{"https://localhost:44300/callback"}})
	for redirect, want := range map[string]int{
		"https://localhost:44300/callback": 302, "https://localhost:44300/callback/": 400, "http://localhost:44300/callback": 400, "http://127.0.0.1:1/": 400,
	} {
		if status, _ := c.consent(url.Values{"redirect_uri": {redirect}}); status != want {
			t.Errorf("%s: %d, want %d", redirect, status, want)
		}
	}
}

func TestPKCE(t *testing.T) {
	c := start(t, Options{})
	sum := sha256.Sum256([]byte("a-verifier"))
	query := url.Values{"code_challenge": {base64.RawURLEncoding.EncodeToString(sum[:])}, "code_challenge_method": {"S256"}}
	for verifier, want := range map[string]int{"a-verifier": 200, "another": 400, "": 400} {
		_, back := c.consent(query)
		form := codeForm(back.Query().Get("code"))
		if verifier != "" {
			form.Set("code_verifier", verifier)
		}
		if a := c.token(form); a.status != want {
			t.Errorf("verifier %q: %d %s", verifier, a.status, a.body)
		}
	}
}

func TestCodeExpiresAndIsBoundToItsAddress(t *testing.T) {
	ck := newClock()
	c := start(t, Options{Now: ck.now})
	_, back := c.consent(nil)
	form := codeForm(back.Query().Get("code"))
	form.Set("redirect_uri", "http://localhost:9999/other")
	if a := c.token(form); a.field("error") != "invalid_grant" {
		t.Errorf("another address: %d %s", a.status, a.body)
	}
	_, back = c.consent(nil)
	ck.advance(codeLife)
	if a := c.token(codeForm(back.Query().Get("code"))); a.field("error") != "invalid_grant" {
		t.Errorf("an old code: %d %s", a.status, a.body)
	}
}

func TestRefreshTokensRotateInChains(t *testing.T) {
	c := start(t, Options{})
	_, back := c.consent(url.Values{"scope": {"read offline"}})
	other := c.token(codeForm(back.Query().Get("code")))

	first := c.refresh(c.run.Info.RefreshToken)
	second := c.refresh(first.field("refresh_token"))
	if first.status != 200 || second.status != 200 || first.field("refresh_token") == second.field("refresh_token") {
		t.Fatalf("rotation: %s %s", first.body, second.body)
	}
	if a := c.refresh(c.run.Info.RefreshToken); a.status != 400 || a.field("error") != "invalid_grant" {
		t.Errorf("reuse: %d %s", a.status, a.body)
	}
	if a := c.refresh(second.field("refresh_token")); a.status != 200 {
		t.Errorf("the chain broke: %d %s", a.status, a.body)
	}
	if a := c.refresh(other.field("refresh_token")); a.status != 200 {
		t.Errorf("the other chain broke: %d %s", a.status, a.body)
	}
	if a := c.call("GET", "/things", first.field("access_token")); a.status != 200 {
		t.Errorf("an access token must outlive a refresh: %d", a.status)
	}
}

// TestTokensAreGivenBack: a client that ends its consent; access tokens of the same consent end with it, those of others do not.
func TestTokensAreGivenBack(t *testing.T) {
	c := start(t, Options{})
	_, back := c.consent(url.Values{"scope": {"read offline"}})
	other := c.token(codeForm(back.Query().Get("code")))
	mine := c.refresh(c.run.Info.RefreshToken)
	giveBack := func(token, secret string) answer {
		form := url.Values{"token": {token}, "token_type_hint": {"refresh_token"}}
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, strings.TrimSuffix(c.run.Info.TokenURL, "token")+"revocation", strings.NewReader(form.Encode()))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		req.SetBasicAuth(c.run.Info.ClientID, secret)
		return c.do(req)
	}
	if a := giveBack(mine.field("refresh_token"), "wrong"); a.status != 401 || a.field("error") != "invalid_client" {
		t.Errorf("by a stranger: %d %s", a.status, a.body)
	}
	for _, token := range []string{mine.field("refresh_token"), "unknown"} {
		if a := giveBack(token, c.run.Info.ClientSecret); a.status != 200 || a.body != "" {
			t.Errorf("%d %s", a.status, a.body)
		}
	}
	if a := giveBack("", c.run.Info.ClientSecret); a.status != 400 {
		t.Errorf("no token: %d", a.status)
	}
	if a := c.refresh(mine.field("refresh_token")); a.field("error") != "invalid_grant" {
		t.Errorf("a token that was given back: %d %s", a.status, a.body)
	}
	if a := c.call("GET", "/things", mine.field("access_token")); a.status != 401 {
		t.Errorf("its access token: %d", a.status)
	}
	if a := c.call("GET", "/things", other.field("access_token")); a.status != 200 {
		t.Errorf("another consent's: %d", a.status)
	}
}

// TestRefreshTokensAreForgotten: each trade gives another whole life; one that nobody trades ends, and from outside that looks like any refusal.
func TestRefreshTokensAreForgotten(t *testing.T) {
	ck := newClock()
	c := start(t, Options{Now: ck.now})
	token := c.run.Info.RefreshToken
	for range 3 {
		ck.advance(testRefreshLife - time.Second)
		a := c.refresh(token)
		if token = a.field("refresh_token"); a.status != 200 || token == "" {
			t.Fatalf("a token in its life: %d %s", a.status, a.body)
		}
	}
	ck.advance(testRefreshLife)
	if a := c.refresh(token); a.status != 400 || a.body != `{"error":"invalid_grant"}` {
		t.Errorf("a token that nobody used: %d %s", a.status, a.body)
	}
}

func TestNoRefreshTokenWithoutOfflineScope(t *testing.T) {
	c := start(t, Options{})
	_, back := c.consent(url.Values{"scope": {"read"}})
	if a := c.token(codeForm(back.Query().Get("code"))); a.status != 200 || a.field("refresh_token") != "" {
		t.Errorf("%d %s", a.status, a.body)
	}
}

func TestAccessTokensExpire(t *testing.T) {
	ck := newClock()
	c := start(t, Options{Now: ck.now})
	tok := c.access()
	ck.advance(time.Hour - time.Second)
	if a := c.call("GET", "/things", tok); a.status != 200 {
		t.Errorf("too early: %d", a.status)
	}
	ck.advance(time.Second)
	if a := c.call("GET", "/things", tok); a.status != 401 {
		t.Errorf("after an hour: %d", a.status)
	}
}

func TestClientCredentials(t *testing.T) {
	c := start(t, Options{})
	form := url.Values{"grant_type": {"refresh_token"}, "refresh_token": {c.run.Info.RefreshToken}}
	wrong := cloneValues(form)
	wrong.Set("client_id", c.run.Info.ClientID)
	wrong.Set("client_secret", "wrong")
	if a := c.token(wrong); a.status != 401 || a.field("error") != "invalid_client" {
		t.Errorf("wrong secret: %d %s", a.status, a.body)
	}
	if a := c.token(url.Values{"grant_type": {"password"}}); a.field("error") != "unsupported_grant_type" {
		t.Errorf("password: %d %s", a.status, a.body)
	}
	req, _ := http.NewRequest(http.MethodPost, c.run.Info.TokenURL, strings.NewReader(form.Encode()))
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.SetBasicAuth(c.run.Info.ClientID, c.run.Info.ClientSecret)
	if a := c.do(req); a.status != 200 {
		t.Errorf("HTTP Basic: %d %s", a.status, a.body)
	}
	req, _ = http.NewRequest(http.MethodPost, c.run.Info.TokenURL, strings.NewReader(`{}`))
	req.Header.Set("Content-Type", "application/json")
	if a := c.do(req); a.field("error") != "invalid_request" {
		t.Errorf("JSON: %d %s", a.status, a.body)
	}
}
