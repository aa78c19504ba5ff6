package harness

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/pomost/pomost/host/control"
	"github.com/pomost/pomost/host/home"
	"github.com/pomost/pomost/host/token"
	eaconnector "github.com/pomost/pomost/plugins/eaccounting/connector"
	"github.com/pomost/pomost/sdk/connector"
	kit "github.com/pomost/pomost/sdk/sandbox"
)

// registered is the address that the client has at the vendor, and no other.
const registered = "https://localhost:44300/callback"

// consenting is a world whose eAccounting knows one address, as the real one does.
type consenting struct {
	*World
	t *testing.T
}

func newConsenting(t *testing.T, settings map[string]string, flows map[string]FlowSetup) *consenting {
	t.Helper()
	w, err := New(t.Context(), Options{Dir: t.TempDir(), EA: kit.Options{Redirects: []string{registered, "http://127.0.0.1:1/callback"}}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := w.Close(); err != nil {
			t.Error(err)
		}
	})
	for k, v := range settings {
		w.EASettings[k] = v
	}
	w.Flows = flows
	c := &consenting{World: w, t: t}
	if err := w.Apply(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	return c
}

// begin begins a consent and tells what the system's page would be asked.
func (c *consenting) begin(redirect string) (control.AuthorizeResult, url.Values) {
	c.t.Helper()
	res, err := c.Service.Authorize(c.t.Context(), control.AuthorizeRequest{Connection: "shop", RedirectURL: redirect})
	if err != nil {
		c.t.Fatal(err)
	}
	u, err := url.Parse(res.URL)
	if err != nil {
		c.t.Fatal(err)
	}
	return res, u.Query()
}

// visit opens the system's page: where it leads to, "" where it stays, and what it says.
func (c *consenting) visit(address string) (to, said string) {
	c.t.Helper()
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	defer client.CloseIdleConnections()
	req, err := http.NewRequestWithContext(c.t.Context(), http.MethodGet, address, nil)
	if err != nil {
		c.t.Fatal(err)
	}
	resp, err := client.Do(req)
	if err != nil {
		c.t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		c.t.Fatal(err)
	}
	return resp.Header.Get("Location"), string(body)
}

func (c *consenting) answer(state, text string) error {
	_, err := c.Service.Consent(c.t.Context(), control.ConsentRequest{Connection: "shop", State: state, Answer: text})
	return err
}

// consent walks through it to the end.
func (c *consenting) consent() {
	c.t.Helper()
	begun, _ := c.begin("")
	to, said := c.visit(begun.URL)
	if to == "" {
		c.t.Fatalf("the page stays: %s", said)
	}
	if err := c.answer(begun.State, to); err != nil {
		c.t.Fatal(err)
	}
}

func refusedWith(t *testing.T, err error, cause string, words ...string) {
	t.Helper()
	f := control.AsFailure(err)
	if f == nil || f.Cause != cause {
		t.Errorf("%v, want %s", err, cause)
		return
	}
	for _, word := range words {
		if !strings.Contains(f.Message+" → "+f.Remedy, word) {
			t.Errorf("%s → %s: want %q in it", f.Message, f.Remedy, word)
		}
	}
}

func TestAuthorizeEAccounting(t *testing.T) {
	c := newConsenting(t, nil, nil)

	// What the page is asked: the company must be chosen anew, the scopes are those of the flows, and no other.
	begun, q := c.begin("")
	for key, want := range map[string]string{
		"redirect_uri": registered, "scope": "ea:api ea:sales offline_access", "response_type": "code", "state": begun.State, "code_challenge_method": "S256",
		"acr_values": "service:44643EB1-3F76-4C1C-A672-402AE8085934+forceselectcompany:true", "prompt": "select_account",
	} {
		if got := q.Get(key); got != want {
			t.Errorf("%s is %q, want %q", key, got, want)
		}
	}
	if len(q.Get("code_challenge")) != 43 || len(begun.State) < 32 {
		t.Errorf("challenge %q, state %q", q.Get("code_challenge"), begun.State)
	}

	// Addresses are exact: one that is nearly the registered one is not asked back to.
	for _, near := range []string{registered + "/", strings.ToUpper(registered), "https://localhost:44300/Callback", "http://localhost:44300/callback", registered + "?x=1"} {
		wrong, _ := c.begin(near)
		if to, said := c.visit(wrong.URL); to != "" || !strings.Contains(said, "redirect_uri") {
			t.Errorf("%s: led back to %q: %s", near, to, said)
		}
	}

	// A code is good for the consent that it belongs to: not for another state, verifier or address.
	to, _ := c.visit(begun.URL)
	other, _ := c.begin("")
	refusedWith(t, c.answer(other.State, to), "credentials", "another consent")
	back, err := url.Parse(to)
	if err != nil {
		t.Fatal(err)
	}
	twisted := back.Query()
	twisted.Set("state", strings.ToUpper(begun.State))
	refusedWith(t, c.answer(begun.State, registered+"?"+twisted.Encode()), "credentials", "another consent")
	twisted.Del("state")
	refusedWith(t, c.answer(begun.State, registered+"?"+twisted.Encode()), "credentials", "another consent")
	refusedWith(t, c.answer(other.State, back.Query().Get("code")), "credentials", "another consent") // its verifier is another one, and spends the code
	refusedWith(t, c.answer(begun.State, to), "credentials", "no longer accepts the code")

	begun, _ = c.begin("")
	to, _ = c.visit(begun.URL)
	moved, _ := c.begin("http://127.0.0.1:1/callback")
	back, err = url.Parse(to)
	if err != nil {
		t.Fatal(err)
	}
	refusedWith(t, c.answer(moved.State, back.Query().Get("code")), "credentials", "no longer accepts the code")

	// The code alone, pasted, is enough, and a consent ends with it.
	begun, _ = c.begin("")
	if to, _ = c.visit(begun.URL); to == "" {
		t.Fatal("the page stays")
	}
	back, err = url.Parse(to)
	if err != nil {
		t.Fatal(err)
	}
	if err := c.answer(begun.State, "  "+back.Query().Get("code")+"\n"); err != nil {
		t.Error(err)
	}
	refusedWith(t, c.answer(begun.State, to), "credentials", "no consent of it was begun")
}

// A consent that was taken back, or whose user has another password, looks the same from outside: it says so, without inventing which; a
// token that lay too long is told apart.
func TestConsentThatEnded(t *testing.T) {
	c := newConsenting(t, nil, nil)
	c.consent()
	ctx := t.Context()
	check := func() control.CheckItem {
		t.Helper()
		res, err := c.Service.Check(ctx, []string{"shop"})
		if err != nil {
			t.Fatal(err)
		}
		items := res.Connections[0].Checks
		return items[len(items)-1]
	}
	if item := check(); item.Name != "consent" || item.Warning || !strings.Contains(item.Message, "good until about "+time.Now().UTC().AddDate(0, 0, 729).Format("2006-")) ||
		!strings.Contains(item.Message, "changes the password") {
		t.Errorf("%+v", item)
	}
	for _, f := range []kit.Fault{{Match: "GET /v2/companysettings", Times: 1, Do: "revoke-refresh"}, {Match: "GET /v2/companysettings", Skip: 1, Times: 1, Do: "expire-token"}} {
		if err := c.EA.AddFault(f); err != nil {
			t.Fatal(err)
		}
	}
	check() // the call during which it is taken back still works
	if item := check(); item.OK || item.Cause != "credentials" || !strings.Contains(item.Message, "does not say why") || !strings.Contains(item.Message, "changes the password") ||
		!strings.Contains(item.Remedy, "connection authorize shop") {
		t.Errorf("%+v", item)
	}
	st, err := c.Service.Status(ctx)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range st.Connections {
		if s.Name == "shop" && (s.State != "revoked" || s.Remedy == "") {
			t.Errorf("%+v", s)
		}
	}
	c.consent()
	if item := check(); !item.OK {
		t.Errorf("after a new consent: %+v", item)
	}
}

// TestVendorsAddresses: for each environment of Visma's, the consent and the tokens are asked for at its own identity server.
func TestVendorsAddresses(t *testing.T) {
	c := eaconnector.New()
	for base, identity := range map[string]string{
		"": "https://identity.vismaonline.com", "https://eaccountingapi.vismaonline.com/v2": "https://identity.vismaonline.com",
		"https://eaccountingapi-sandbox.test.vismaonline.com/v2/": "https://identity-sandbox.test.vismaonline.com",
		"http://127.0.0.1:9/v2":                                   "http://127.0.0.1:9",
	} {
		settings := connector.Settings{"base_url": base}
		e, err := token.EndpointsOf(c.Describe(), settings)
		if err != nil || e.Token != identity+"/connect/token" || e.Authorize != identity+"/connect/authorize" {
			t.Errorf("%q: %+v, %v", base, e, err)
		}
		page, err := c.Authorize(t.Context(), connector.AuthorizeRequest{Settings: settings})
		if err != nil || !strings.HasPrefix(page.URL, e.Authorize+"?") {
			t.Errorf("%q: the consent is at %s, %v", base, page.URL, err)
		}
	}
}

// TestAuthorizeWithoutClient: before anybody goes to the system's page, it is told what is missing and how to get it.
func TestAuthorizeWithoutClient(t *testing.T) {
	c := newConsenting(t, nil, nil)
	_, err := c.Service.ApplyConfig(t.Context(), control.ConfigRequest{File: "new.yaml", Config: "version: 1\nconnections:\n  fresh: {connector: eaccounting}\nflows: {}\n"})
	refusedWith(t, err, "usage")
	if !strings.Contains(fmt.Sprint(err), "client_id is missing; add client_id: env:NAME, or file:PATH. There is none yet? Ask for an application on") {
		t.Errorf("apply does not tell how to get one: %v", err)
	}
	for _, name := range []string{"client_secret", "client_id"} { // one after the other, lost from the store
		if err := c.locked(t.Context(), func(st *home.State) error {
			return st.Store.PutSecrets(t.Context(), "shop", map[string]string{name: ""})
		}); err != nil {
			t.Fatal(err)
		}
		_, err := c.Service.Authorize(t.Context(), control.AuthorizeRequest{Connection: "shop"})
		refusedWith(t, err, "usage", "no "+name+" yet", "developer.vismaonline.com", "pomost apply")
	}
}

// TestScopesOfFlows: each flow works with the scopes that its page names, and one that writes says which one it lacks.
func TestScopesOfFlows(t *testing.T) {
	const read = "ea:api ea:sales_readonly offline_access"
	books := func(recipe string, settings map[string]any) map[string]FlowSetup {
		return map[string]FlowSetup{recipe: {Recipe: recipe, Source: "books", Settings: settings}}
	}
	for _, tc := range []struct {
		name, scopes string
		flows        map[string]FlowSetup
		lacks        bool
	}{
		{"orders reads only", read, map[string]FlowSetup{Flow: {Recipe: Flow, Source: "shop", Settings: map[string]any{"collective_account": "1210"}}}, false},
		{"products writes", "ea:api ea:sales offline_access", books("products", nil), false},
		{"products reads only", read, books("products", nil), true},
	} {
		t.Run(tc.name, func(t *testing.T) {
			c := newConsenting(t, map[string]string{"scopes": tc.scopes}, tc.flows)
			c.consent()
			c.fill(t.Context())
			res := c.Service.Run(t.Context(), c.Names(), nil)
			if res.Error != nil || len(res.Flows) != 1 || res.Flows[0].Read == 0 {
				t.Fatalf("%+v", res)
			}
			f := res.Flows[0]
			if done := f.Created > 0; done == tc.lacks {
				t.Errorf("%+v", f)
			}
			recs, err := c.Service.Records(t.Context(), control.RecordsRequest{})
			if err != nil {
				t.Fatal(err)
			}
			for _, r := range recs.Records {
				if !tc.lacks || r.Cause != "rights" || !strings.Contains(r.Reason+r.Remedy, "scope") {
					t.Errorf("%+v", r)
				}
			}
			if tc.lacks && len(recs.Records) == 0 {
				t.Error("nothing waits for the right")
			}
		})
	}
}

// fill puts an article into both systems' shops, an order of it into eAccounting, and another article into the books.
func (c *consenting) fill(ctx context.Context) {
	c.t.Helper()
	s := &story{T: c.t, World: c.World, api: c.Service}
	if _, reads := c.Flows[Flow]; reads {
		s.order("A1", true)
		return
	}
	if _, err := c.AV.Insert(ctx, "AK1", "", Object{"ART_CODE": "B1", "ART_DESC1": "Beker", "PX_SELL": "10.00"}); err != nil {
		c.t.Fatal(err)
	}
}
