package control

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pomost/pomost/host/home"
	"github.com/pomost/pomost/host/store"
	"github.com/pomost/pomost/host/token"
	"github.com/pomost/pomost/sdk/connector"
)

// shelf gives connectors of any name that only describe themselves.
type shelf struct{}

func (shelf) Connector(_ context.Context, name string) (connector.Connector, error) {
	return plain{name: name}, nil
}
func (shelf) Connection(ctx context.Context, _, name string, s connector.Settings, h connector.Host) (connector.Connection, []connector.Problem, error) {
	_, problems := plain{name: name}.Open(ctx, s, h)
	return nil, problems, nil
}
func (shelf) Close() error { return nil }

type plain struct {
	connector.Connector
	name string
}

func (p plain) Describe() connector.Description {
	return connector.Description{Name: p.name,
		Secrets:      []connector.Setting{{Key: "client_id", Required: true}, {Key: "client_secret", Required: true}, {Key: "refresh_token"}},
		OAuth:        &connector.OAuth{BaseSetting: "base_url", TokenSetting: "token_url", AuthorizeSetting: "authorize_url", DefaultTokenPath: "/token", DefaultAuthorizePath: "/authorize"},
		HostSettings: []string{"base_url"}}
}

func (plain) Open(_ context.Context, s connector.Settings, _ connector.Host) (connector.Connection, []connector.Problem) {
	if s["company"] == "wrong" {
		return nil, []connector.Problem{{Setting: "company", Message: "is wrong", Remedy: "mend it"}}
	}
	return nil, nil
}

const applied = `version: 1
connections:
  shop:
    connector: eaccounting
    settings: {base_url: "https://shop.example/v2"}
    secrets: {client_id: "env:ID", client_secret: "env:SECRET", refresh_token: "env:SEED"}
  books:
    connector: accountview
    settings: {base_url: "https://books.example/api", company: DEMO}
    secrets: {client_id: "env:ID", client_secret: "env:SECRET"}
flows:
  orders:
    recipe: accountview-eaccounting/orders
    source: shop
    destination: books
    settings: {order_status: [shipped]}
    schedule: 5m
`

// desk applies changed texts to one home.
type desk struct {
	t   *testing.T
	dir string
	env map[string]string
	s   *Service
}

func newDesk(t *testing.T) *desk {
	d := &desk{t: t, dir: t.TempDir(), env: map[string]string{"ID": "the-id", "SECRET": "the-secret", "SEED": "seed-1"}}
	d.s = New(Options{Home: filepath.Join(d.dir, "home"), Getenv: func(k string) string { return d.env[k] }, Plugins: func() (Plugins, error) { return shelf{}, nil }})
	return d
}

// apply applies the text with replacements in pairs.
func (d *desk) apply(req ApplyRequest, pairs ...string) (ApplyResult, error) {
	d.t.Helper()
	req.File = filepath.Join(d.dir, "pomost.yaml")
	if err := os.WriteFile(req.File, []byte(strings.NewReplacer(pairs...).Replace(applied)), 0o600); err != nil {
		d.t.Fatal(err)
	}
	return d.s.Apply(context.Background(), req)
}

func (d *desk) must(req ApplyRequest, pairs ...string) ApplyResult {
	d.t.Helper()
	res, err := d.apply(req, pairs...)
	if err != nil {
		d.t.Fatal(err)
	}
	return res
}

func (d *desk) state(f func(store.Store) error) {
	d.t.Helper()
	if err := d.s.writing(context.Background(), func(st *home.State) error { return f(st.Store) }); err != nil {
		d.t.Fatal(err)
	}
}

func (d *desk) secrets(name string) (out map[string]string) {
	d.state(func(st store.Store) (err error) {
		out, err = st.Secrets(context.Background(), name)
		return err
	})
	return out
}

func TestApplyKeepsSecretsApart(t *testing.T) {
	d := newDesk(t)
	if res := d.must(ApplyRequest{}); res.Revision != 1 || !res.Applied {
		t.Fatalf("%+v", res)
	}
	if got := d.secrets("shop"); got["client_secret"] != "the-secret" || got[token.RefreshToken] != "seed-1" {
		t.Errorf("%v", got)
	}
	d.state(func(st store.Store) error {
		rev, err := st.Revision(context.Background())
		for _, s := range d.env {
			if strings.Contains(string(rev.Config), s) {
				t.Errorf("the revision holds %s", s)
			}
		}
		return err
	})
	// The seed was traded: its successor is what is good now.
	d.state(func(st store.Store) error {
		return st.PutSecrets(context.Background(), "shop", map[string]string{token.RefreshToken: "successor"})
	})
	if res := d.must(ApplyRequest{}); res.Revision != 1 || len(res.Changes) != 0 {
		t.Errorf("the same file changes %+v", res)
	}
	if got := d.secrets("shop"); got[token.RefreshToken] != "successor" {
		t.Errorf("the same seed came back: %v", got)
	}
	d.env["SEED"], d.env["SECRET"] = "seed-2", "new-secret"
	res := d.must(ApplyRequest{})
	if res.Revision != 1 || len(res.Changes) != 3 {
		t.Errorf("%+v", res)
	}
	for _, c := range res.Changes {
		if strings.Contains(c.From+c.To, "seed-") || strings.Contains(c.From+c.To, "-secret") {
			t.Errorf("a secret is shown: %+v", c)
		}
	}
	if got := d.secrets("shop"); got[token.RefreshToken] != "seed-2" || got["client_secret"] != "new-secret" {
		t.Errorf("%v", got)
	}
}

func TestANewAddressDropsTheTokens(t *testing.T) {
	d := newDesk(t)
	d.must(ApplyRequest{})
	d.must(ApplyRequest{}, "https://shop.example/v2", "https://evil.example/v2")
	if got := d.secrets("shop"); got[token.RefreshToken] != "" || got[token.AccessToken] != "" {
		t.Errorf("tokens of the old address are kept for the new one: %v", got)
	}
	d.env["SEED"] = "seed-of-new"
	d.must(ApplyRequest{}, "https://shop.example/v2", "https://evil.example/v2")
	if got := d.secrets("shop"); got[token.RefreshToken] != "seed-of-new" {
		t.Errorf("%v", got)
	}
}

func TestAnotherConnectorInheritsNoSecrets(t *testing.T) {
	d := newDesk(t)
	d.must(ApplyRequest{})
	d.env["SEED"] = "other"
	_, err := d.apply(ApplyRequest{}, "connector: eaccounting", "connector: accountview", "connector: accountview", "connector: eaccounting", "source: shop", "source: books", "destination: books", "destination: shop")
	if err != nil {
		t.Fatal(err)
	}
	if got := d.secrets("books"); got[token.SeedHash] != "" || got["client_id"] != "the-id" {
		t.Errorf("%v", got)
	}
}

// A flow that decides otherwise from now on, or reads elsewhere, must look at every record again: promise 2.
func TestWhatChangesDecisionsSetsTheCursorBack(t *testing.T) {
	for name, tc := range map[string]struct {
		pairs []string
		back  bool
	}{
		"nothing":  {nil, false},
		"schedule": {[]string{"5m", "6m"}, false},
		"settings": {[]string{"[shipped]", "[shipped, invoiced]"}, true},
		"address":  {[]string{"https://shop.example/v2", "https://other.example/v2"}, true},
		"company":  {[]string{"DEMO", "OTHER"}, true},
	} {
		t.Run(name, func(t *testing.T) {
			d := newDesk(t)
			d.must(ApplyRequest{})
			ctx := context.Background()
			d.state(func(st store.Store) error {
				return st.Commit(ctx, store.Change{Cursors: []store.Cursor{{Flow: "orders", Object: "orders", Value: []byte("c")}}})
			})
			check := d.must(ApplyRequest{Check: true}, tc.pairs...)
			res := d.must(ApplyRequest{}, tc.pairs...)
			if len(check.Changes) != len(res.Changes) || check.Applied || check.Revision != 1 {
				t.Errorf("check %+v, apply %+v", check, res)
			}
			d.state(func(st store.Store) error {
				c, err := st.Cursor(ctx, "orders", "orders")
				if (c == nil) != tc.back {
					t.Errorf("cursor %q", c)
				}
				return err
			})
		})
	}
}

func TestPruneForgetsSecrets(t *testing.T) {
	d := newDesk(t)
	d.must(ApplyRequest{}, "flows:", "  spare:\n    connector: accountview\n    secrets: {client_id: \"env:ID\", client_secret: \"env:SECRET\"}\nflows:")
	if len(d.secrets("spare")) == 0 {
		t.Fatal("no secrets were kept")
	}
	d.must(ApplyRequest{Prune: true})
	if got := d.secrets("spare"); len(got) != 0 {
		t.Errorf("%v", got)
	}
}

func TestAWrongFileMakesNoHome(t *testing.T) {
	d := newDesk(t)
	d.env["ID"] = ""
	_, err := d.apply(ApplyRequest{}, "DEMO", "wrong", "client_secret: \"env:SECRET\", refresh_token", "refresh_token")
	f := AsFailure(err)
	for _, part := range []string{
		"pomost.yaml:6:15: connections.shop.secrets.client_id: the environment variable ID is not set",
		"connections.shop.secrets: client_secret is missing",
		"connections.books.settings.company: is wrong",
	} {
		if !strings.Contains(f.Message, part) {
			t.Errorf("%q is not told in\n%s", part, f.Message)
		}
	}
	if f.Exit() != ExitUsage {
		t.Errorf("exit %d", f.Exit())
	}
	if _, err := os.Stat(d.s.opts.Home); err == nil {
		t.Error("the home was made")
	}
}
