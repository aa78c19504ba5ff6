package token

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/pomost/pomost/sdk/connector"
)

func TestConsent(t *testing.T) {
	for name, tc := range map[string]struct {
		status int
		answer string
		cause  connector.Cause
		words  string
	}{
		"tokens":           {200, `{"access_token":"a","refresh_token":"r","expires_in":3600}`, "", ""},
		"no refresh token": {200, `{"access_token":"a","expires_in":3600}`, connector.CauseCredentials, "offline"},
		"an expired code":  {400, `{"error":"invalid_grant"}`, connector.CauseCredentials, "expired"},
		"a wrong password": {401, `{"error":"invalid_client"}`, connector.CauseCredentials, "client_id and client_secret"},
		"no answer":        {502, `<html>`, connector.CauseUnavailable, "does not answer"},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t)
			var form url.Values
			var user, password string
			system := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				user, password, _ = r.BasicAuth()
				if err := r.ParseForm(); err != nil {
					t.Error(err)
				}
				form = r.PostForm
				w.Header().Set("Content-Type", "application/json")
				w.WriteHeader(tc.status)
				_, _ = w.Write([]byte(tc.answer))
			}))
			defer system.Close()
			b.settings = connector.Settings{"base_url": system.URL + "/v2", "token_url": system.URL + "/token"}
			before := map[string]string{}
			for k, v := range b.memory.secrets {
				before[k] = v
			}
			err := b.Consent(t.Context(), "shop", Code{Code: "c0de-4711", Verifier: "the verifier", RedirectURL: "http://127.0.0.1/back", ClientSecret: "new secret"})
			if form.Get("code") != "c0de-4711" || form.Get("code_verifier") != "the verifier" || form.Get("redirect_uri") != "http://127.0.0.1/back" ||
				form.Get("grant_type") != "authorization_code" || password != "new secret" && form.Get("client_secret") != "new secret" || user == "" && form.Get("client_id") == "" {
				t.Errorf("%v %s", form, user)
			}
			if tc.cause == "" {
				if err != nil {
					t.Fatal(err)
				}
				for k, want := range map[string]string{RefreshToken: "r", AccessToken: "a", PreviousRefresh: "", ClientSecret: "new secret", SeedHash: before[SeedHash]} {
					if got := b.memory.get(k); got != want {
						t.Errorf("%s is %q, want %q", k, got, want)
					}
				}
				if token, err := b.Token(t.Context(), "shop", ""); err != nil || token != "a" {
					t.Errorf("%s, %v", token, err)
				}
				return
			}
			var known *connector.Error
			if !errors.As(err, &known) || known.Cause != tc.cause || !strings.Contains(known.Error()+known.Remedy, tc.words) {
				t.Errorf("%v, want %s with %q", err, tc.cause, tc.words)
			}
			if strings.Contains(known.Error()+known.Remedy, "c0de-4711") || strings.Contains(known.Error(), "new secret") {
				t.Errorf("a secret is told: %v", err)
			}
			for k, want := range before { // nothing is half stored
				if got := b.memory.get(k); got != want {
					t.Errorf("%s is %q, was %q", k, got, want)
				}
			}
		})
	}
}

// TestConsentIsStoredThoughItsCallerLeaves: whatever the caller does, a trade that began is stored.
func TestConsentIsStoredThoughItsCallerLeaves(t *testing.T) {
	b := newBench(t)
	started := make(chan struct{})
	system := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		close(started)
		time.Sleep(50 * time.Millisecond)
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write([]byte(`{"access_token":"a","refresh_token":"r","expires_in":3600}`))
	}))
	defer system.Close()
	b.settings = connector.Settings{"base_url": system.URL + "/v2", "token_url": system.URL + "/token"}
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		<-started
		cancel()
	}()
	if err := b.Consent(ctx, "shop", Code{Code: "c"}); err != nil {
		t.Fatal(err)
	}
	if got := b.memory.get(RefreshToken); got != "r" {
		t.Errorf("the refresh token is %q", got)
	}
}
