package token

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/pomost/pomost/sdk/connector"
)

// consentOf is what the bench's connection tells of its consent.
func (b *bench) consentOf(t *testing.T) Consent {
	t.Helper()
	have, err := b.memory.Secrets(t.Context(), "shop")
	if err != nil {
		t.Fatal(err)
	}
	c, ok := ConsentOf(description().OAuth, have)
	if !ok {
		t.Fatal("there is no consent")
	}
	return c
}

func TestConsentLife(t *testing.T) {
	b := newBench(t)
	if c := b.consentOf(t); !c.Since.IsZero() || !c.Until.IsZero() || c.Soon(time.Now()) || !strings.Contains(c.String(), "a seed") {
		t.Errorf("a seed that was never traded: %+v, %s", c, c)
	}
	const day = 24 * 60 * 60
	b.want(t, "", "access-1")
	begin := time.Date(2026, 11, 3, 12, 0, 0, 0, time.UTC)
	c := b.consentOf(t)
	if !c.Since.Equal(begin) || !c.Until.Equal(begin.AddDate(0, 0, 100)) || c.Soon(begin.AddDate(0, 0, 69)) || !c.Soon(begin.AddDate(0, 0, 71)) {
		t.Errorf("%+v", c)
	}
	for _, want := range []string{"renewed on 2026-11-03", "until about 2027-02-11", "at once when the password changes"} {
		if !strings.Contains(c.String(), want) {
			t.Errorf("%q does not say %q", c, want)
		}
	}
	b.clock.Store(10 * day)
	b.want(t, "", "access-2")
	if c := b.consentOf(t); !c.Since.Equal(begin.AddDate(0, 0, 10)) {
		t.Errorf("a renewed consent is of %s", c.Since)
	}
	if err := b.Drop(t.Context(), "shop"); err != nil {
		t.Fatal(err)
	}
	if b.memory.get(RefreshSince) != "" {
		t.Error("the age of a dropped token is kept")
	}
	if _, ok := ConsentOf(nil, map[string]string{RefreshSince: "2026-11-03T12:00:00Z"}); ok {
		t.Error("a consent without a token")
	}
	if c, ok := ConsentOf(&connector.OAuth{}, map[string]string{RefreshToken: "r", RefreshSince: "2026-11-03T12:00:00Z"}); !ok || !c.Until.IsZero() || c.Short() != "" ||
		!strings.Contains(c.String(), "not known") {
		t.Errorf("a life that nobody knows: %+v, %s", c, c)
	}
}

// TestRefusedToken tells apart what can be told apart: the system says invalid_grant for all of them.
func TestRefusedToken(t *testing.T) {
	const day = 24 * 60 * 60
	refuse := func(i *identity) {
		i.before = func(w http.ResponseWriter, _ *http.Request) bool { // no more than RFC 6749 asks for
			w.Header().Set("Content-Type", "application/json")
			w.WriteHeader(http.StatusBadRequest)
			_, _ = w.Write([]byte(`{"error":"invalid_grant"}`))
			return true
		}
	}
	for name, tc := range map[string]struct {
		used bool
		days int64
		want string
	}{
		"a seed that was spent":    {false, 0, "was never used here"},
		"taken back":               {true, 5, "the system does not say why, and it has not expired: the password changes, or the token was used elsewhere"},
		"forgotten by the system":  {true, 101, "it has not been used since 2026-11-03"},
		"on the last day it lasts": {true, 99, "it has not expired"},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t)
			if tc.used {
				b.want(t, "", "access-1")
			}
			b.identity.change(refuse)
			b.clock.Store(tc.days * day)
			b.wantError(t, connector.CauseCredentials, tc.want)
		})
	}
}
