package control

import (
	"testing"
	"time"

	"github.com/pomost/pomost/host/home"
	"github.com/pomost/pomost/host/token"
	"github.com/pomost/pomost/sdk/connector"
)

// TestScrubberLeavesTimes: what the keeper of tokens notes beside them is no secret. A time of it may stand in a record, and must be read there.
func TestScrubberLeavesTimes(t *testing.T) {
	h, err := home.Open(t.TempDir(), home.Options{})
	if err != nil {
		t.Fatal(err)
	}
	lock, err := h.Lock(t.Context(), time.Second, "test")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = lock.Release() }()
	st, err := h.OpenState(t.Context(), lock)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = st.Close() }()
	const since, until, expiry = "2026-11-24T10:00:00Z", "2028-11-24T10:00:00Z", "2026-11-24T11:00:00Z"
	if err := st.Store.PutSecrets(t.Context(), "shop", map[string]string{token.RefreshToken: "r3fresh-t0ken", token.AccessToken: "acc3ss-t0ken", token.ClientSecret: "cli3nt-s3cret",
		"password": "passw0rd-1", token.RefreshSince: since, token.RefreshUntil: until, token.AccessExpiry: expiry}); err != nil {
		t.Fatal(err)
	}
	s, err := scrubberOf(t.Context(), st, "shop")
	if err != nil {
		t.Fatal(err)
	}
	got := string(s.Clean(connector.Exchange{Response: []byte(since + " " + until + " " + expiry + " r3fresh-t0ken acc3ss-t0ken cli3nt-s3cret passw0rd-1")}).Response)
	if want := since + " " + until + " " + expiry + " [secret] [secret] [secret] [secret]"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}
