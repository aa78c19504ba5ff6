//go:build unix

package terminal

import (
	"context"
	"io"
	"net"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"
)

// TestSetUp goes from an empty home to orders that have been carried over, through the screens alone: a wrong secret is corrected on the way, one
// consent comes back by itself and the other is pasted.
func TestSetUp(t *testing.T) {
	p := newPlace(t)
	shop, books := p.sandbox("shop", "eaccounting"), p.sandbox("books", "accountview")
	w := p.open(100, 30)
	w.wait("Nothing travels yet", "n set up")
	w.keys("n")

	// AccountView: its redirect address is one of this machine. A test may not take the default one, which another may have just now.
	w.wait("Connection to AccountView", "1 of ")
	w.field("Company", books["company"])
	w.field("API key", books["client_id"])
	w.field("API secret", "wrong")
	w.keys("Down")
	w.wait("▌▸ ")
	w.keys("Enter")
	w.wait("Rarely needed")
	w.field("Address of the API", books["base_url"])
	w.field("Redirect address", "http://127.0.0.1:"+freePort(t)+"/callback")
	w.keys("C-s")
	address := w.consentAddress("Consent at AccountView")
	if said := browse(t, address); !strings.Contains(said, "refuses client_id and client_secret") {
		t.Errorf("the browser is told %q", said)
	}
	w.wait("refuses client_id and client_secret")
	w.keys("Escape")
	w.wait("It is there already")
	w.field("API secret", books["client_secret"])
	w.keys("C-s")
	if said := browse(t, w.consentAddress("Consent at AccountView")); !strings.Contains(said, "You can close this page") {
		t.Errorf("the browser is told %q", said)
	}
	w.wait("What AccountView allows", "✓ Sales orders (SO1) can be written")
	w.keys("Enter")

	// eAccounting: the browser ends at a page that does not load, and its address is pasted.
	w.wait("Connection to Visma eAccounting")
	w.field("Address of the API", shop["base_url"])
	w.field("Client id", shop["client_id"])
	w.field("Client secret", shop["client_secret"])
	w.keys("C-s")
	address = w.consentAddress("Consent at Visma eAccounting")
	w.tmux("send-keys", "-l", landing(t, address))
	w.keys("Enter")
	w.wait("What Visma eAccounting allows", "✓ Orders can be read")
	w.keys("Enter")

	w.wait("What should travel?", "▌[x] Orders from eAccounting become sales orders")
	w.keys("Enter")
	w.wait("Which orders?", "[x] invoiced")
	w.keys("Enter")
	w.wait("From which document date on?", "≈ proposed")
	w.keys("C-u")
	w.tmux("send-keys", "-l", "2026-01-01")
	w.keys("Enter")
	w.wait("Buyers without an e-mail address")
	w.keys("Enter")
	w.wait("On which ledger account", "1210  Debiteuren")
	w.keys("Enter")
	w.wait("What if an order changes")
	w.keys("Enter")
	w.wait("How often?")
	w.keys("Enter")
	w.wait("What would happen: orders", "× create: Sales order")
	w.keys("Enter")
	w.wait("Look it over", "+ flows.orders.schedule", "go live")
	w.keys("C-s")
	w.wait("Go live?")
	w.keys("y")
	w.wait("It is in force", "This window runs the flows")
	w.keys("Enter")
	w.wait("orders", "records wait for you")
	carried := 0 // the first run goes on while the window is open
	for end := time.Now().Add(patience); carried < 100; time.Sleep(100 * time.Millisecond) {
		out, code := p.pomost("logs", "--flow", "orders", "--since", "5m")
		if carried = strings.Count(out, "created"); code != 0 || time.Now().After(end) {
			t.Fatalf("the log of the first run: exit code %d, %d created\n%.2000s", code, carried, out)
		}
	}
	w.keys("q")
	w.wait("pomost serve")
	w.keys("y")
	w.wait("it ended with exit code 0")
}

// field goes down to a field of the form by its label, and types a text in place of what stands there.
func (t *terminal) field(label, text string) {
	t.p.t.Helper()
	for range 30 {
		here := t.focus()
		if strings.HasPrefix(here, label) {
			t.keys("C-u")
			t.tmux("send-keys", "-l", text)
			return
		}
		t.keys("Down")
		end := time.Now().Add(10 * time.Second)
		for t.focus() == here {
			if time.Now().After(end) {
				t.p.t.Fatalf("there is no field %s below:\n%s", label, t.screen())
			}
			time.Sleep(10 * time.Millisecond)
		}
	}
	t.p.t.Fatalf("there is no field %s:\n%s", label, t.screen())
}

// focus is the label of the field that has the cursor.
func (t *terminal) focus() string {
	for l := range strings.Lines(t.screen()) {
		if label, ok := strings.CutPrefix(l, "▌"); ok {
			label, _, _ = strings.Cut(label, "  ")
			return strings.TrimSpace(label)
		}
	}
	return ""
}

var consentText = regexp.MustCompile(`(?s)http://.*?\n\s*\n`)

// consentAddress is the address that a consent page shows, which may take several lines.
func (t *terminal) consentAddress(title string) string {
	t.p.t.Helper()
	text := consentText.FindString(t.wait(title, "state=", "2  Sign in there"))
	return strings.Join(strings.Fields(text), "")
}

// freePort is a port of this machine that nobody listens at.
func freePort(t *testing.T) string {
	t.Helper()
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	_, port, err := net.SplitHostPort(l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	return port
}

// browse opens an address and goes where it leads, as a browser does.
func browse(t *testing.T, address string) string {
	t.Helper()
	resp := get(t, http.DefaultClient, address)
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(body)
}

// landing is the address that a page leads to, where nothing listens.
func landing(t *testing.T, address string) string {
	t.Helper()
	resp := get(t, &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}, address)
	_ = resp.Body.Close()
	return resp.Header.Get("Location")
}

func get(t *testing.T, client *http.Client, address string) *http.Response {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	t.Cleanup(cancel)
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	return resp
}
