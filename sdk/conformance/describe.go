package conformance

import (
	"maps"
	"net/url"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/pomost/pomost/sdk/connector"
	"github.com/pomost/pomost/sdk/record"
	"github.com/pomost/pomost/sdk/sandbox"
)

func testDescribe(t *testing.T, o Options) {
	d := o.Connector.Describe()
	if !reflect.DeepEqual(d, o.Connector.Describe()) {
		t.Error("Describe answers differently the second time")
	}
	if d.Name == "" || d.Title == "" || d.Version == "" {
		t.Errorf("name %q, title %q and version %q must all be given", d.Name, d.Title, d.Version)
	}
	if d.SettleTime <= 0 {
		t.Error("a settle time is needed: how long can a request without an answer still land?")
	}
	if len(d.Objects) == 0 {
		t.Error("no objects")
	}
	testSettings(t, d)
	seen := map[string]bool{}
	for _, obj := range d.Objects {
		if obj.Name == "" || obj.Title == "" || obj.Key == "" || seen[obj.Name] {
			t.Errorf("object %+v: name (unique), title and key must be given", obj)
		}
		seen[obj.Name] = true
		switch obj.Read {
		case connector.ReadNone, connector.ReadCursor, connector.ReadCursorAndSweep, connector.ReadScan:
		default:
			t.Errorf("object %s: change reading %q is unknown", obj.Name, obj.Read)
		}
		if (obj.Create || obj.Update) && obj.BatchWrite < 1 {
			t.Errorf("object %s: it can be written, but BatchWrite is %d", obj.Name, obj.BatchWrite)
		}
		if obj.Update && !slices.Contains(obj.Find, obj.Key) {
			t.Errorf("object %s: it can be updated, but not found by its key %s", obj.Name, obj.Key)
		}
		if !obj.Create {
			continue
		}
		switch obj.Idempotence {
		case connector.IdempotenceReference:
			if !slices.Contains(obj.Find, obj.Reference) {
				t.Errorf("object %s: a lost create is to be looked up by %q, which is not among Find %v", obj.Name, obj.Reference, obj.Find)
			}
		case connector.IdempotenceUniqueKey:
			if !slices.Contains(obj.Find, lostKey(obj)) {
				t.Errorf("object %s: its unique key %q is not among Find %v", obj.Name, lostKey(obj), obj.Find)
			}
		case connector.IdempotenceNone:
		default:
			t.Errorf("object %s: idempotence %q is unknown", obj.Name, obj.Idempotence)
		}
	}
}

func testSettings(t *testing.T, d connector.Description) {
	names := map[string]connector.Setting{}
	for _, s := range slices.Concat(d.Settings, d.Secrets) {
		if _, dup := names[s.Key]; dup || s.Key == "" {
			t.Errorf("setting %q stands twice or has no key", s.Key)
		}
		names[s.Key] = s
		if s.Label == "" || s.Help == "" {
			t.Errorf("setting %s lacks a label or help", s.Key)
		}
		if (s.Type == connector.SettingChoice || s.Type == connector.SettingChoices) && len(s.Values) == 0 {
			t.Errorf("setting %s is a choice without values", s.Key)
		}
		if s.Type == connector.SettingChoice && s.Default != "" && !slices.Contains(s.Values, s.Default) {
			t.Errorf("setting %s: its default %q is none of its values", s.Key, s.Default)
		}
		if s.DependsOn != "" {
			if _, ok := names[s.DependsOn]; !ok {
				t.Errorf("setting %s depends on %s, which does not stand before it", s.Key, s.DependsOn)
			}
		}
	}
	for _, s := range d.Secrets {
		if !s.Secret {
			t.Errorf("secret %s is not marked so", s.Key)
		}
	}
	for _, k := range append(slices.Clone(d.HostSettings), "settle_time") {
		if _, ok := names[k]; !ok {
			t.Errorf("setting %s is missing", k)
		}
	}
	if d.OAuth == nil {
		return
	}
	for _, k := range []string{d.OAuth.BaseSetting, d.OAuth.AuthorizeSetting, d.OAuth.TokenSetting, "redirect_url", "client_id", "client_secret", "refresh_token"} {
		if _, ok := names[k]; !ok {
			t.Errorf("OAuth: setting or secret %q is missing", k)
		}
	}
	if d.OAuth.Style != "header" && d.OAuth.Style != "body" {
		t.Errorf("OAuth: style %q is neither header nor body", d.OAuth.Style)
	}
	for _, a := range []string{d.OAuth.VendorBase, d.OAuth.VendorAuthorizeURL, d.OAuth.VendorTokenURL} {
		if u, err := url.Parse(a); err != nil || u.Scheme != "https" || u.Host == "" {
			t.Errorf("OAuth: the vendor's address %q is no https address", a)
		}
	}
}

func testAuthorize(t *testing.T, o Options) {
	d := o.Connector.Describe()
	if d.OAuth == nil {
		t.Skip("no OAuth")
	}
	e := open(t, o, nil)
	info := e.Sandbox.Info
	const redirect = "http://127.0.0.1:9/callback?x=1"
	got, err := o.Connector.Authorize(callContext(t), connector.AuthorizeRequest{
		Settings: withDefaults(d, o.Settings(info)), ClientID: info.ClientID, RedirectURL: redirect, State: "a b&c=d", Challenge: "abc-_123",
	})
	if err != nil {
		t.Fatal(err)
	}
	u, err := url.Parse(got.URL)
	if err != nil {
		t.Fatal(err)
	}
	q := u.Query()
	u.RawQuery = ""
	if u.String() != info.AuthorizeURL {
		t.Errorf("consent at %s, want %s", u, info.AuthorizeURL)
	}
	want := map[string]string{"client_id": info.ClientID, "redirect_uri": redirect, "state": "a b&c=d", "response_type": "code", "code_challenge": "abc-_123", "code_challenge_method": "S256"}
	for k, v := range want {
		if q.Get(k) != v {
			t.Errorf("consent address: %s is %q, want %q", k, q.Get(k), v)
		}
	}
	for _, s := range d.OAuth.Scopes {
		if !slices.Contains(strings.Fields(q.Get("scope")), s) {
			t.Errorf("consent address does not ask for scope %s: %q", s, q.Get("scope"))
		}
	}
}

func testOpen(t *testing.T, o Options) {
	d := o.Connector.Describe()
	e := open(t, o, nil)
	bad := maps.Clone(e.settings)
	var wrong []string
	for _, s := range d.Settings {
		switch s.Type {
		case connector.SettingURL:
			bad[s.Key] = "not an address"
		case connector.SettingDuration:
			bad[s.Key] = "soon"
		case connector.SettingInteger, connector.SettingDecimal:
			bad[s.Key] = "many"
		case connector.SettingBool:
			bad[s.Key] = "perhaps"
		case connector.SettingChoice:
			bad[s.Key] = "no such choice"
		default:
			continue
		}
		wrong = append(wrong, s.Key)
	}
	first := d.Settings[0].Key
	typo := first + "x"
	bad[typo] = "1"
	wrong = append(wrong, typo)
	conn, problems := o.Connector.Open(callContext(t), bad, e.Host)
	if conn != nil {
		t.Error("a connection was opened in spite of wrong settings")
	}
	for _, k := range wrong {
		i := slices.IndexFunc(problems, func(p connector.Problem) bool { return p.Setting == k })
		if i < 0 {
			t.Errorf("setting %s=%q is wrong, and no problem says so: all problems must be answered at once", k, bad[k])
			continue
		}
		p := problems[i]
		if p.Message == "" || p.Remedy == "" {
			t.Errorf("problem %+v lacks a message or a remedy", p)
		}
		if k == typo && !strings.Contains(p.Message+p.Remedy, first) {
			t.Errorf("problem %+v does not name the nearest known setting %s", p, first)
		}
	}
	if len(e.calls()) > 0 {
		t.Error("Open made requests; Check does that")
	}
}

func testCheck(t *testing.T, o Options) {
	t.Run("passes", func(t *testing.T) {
		t.Parallel()
		e := open(t, o, nil)
		before := e.writes()
		results, err := e.Conn.Check(callContext(t))
		if err != nil {
			t.Fatal(err)
		}
		if len(results) == 0 {
			t.Error("no checks")
		}
		names := map[string]bool{}
		for _, r := range results {
			if r.Name == "" || r.Title == "" || names[r.Name] {
				t.Errorf("check %+v: name (unique) and title must be given", r)
			}
			names[r.Name] = true
			if !r.OK && !r.Warning && !slices.Contains(o.NoRight, r.Name) {
				t.Errorf("check %s failed: %s", r.Name, r.Message)
			}
			if (!r.OK || r.Warning) && (r.Message == "" || r.Remedy == "") {
				t.Errorf("check %+v lacks a message or a remedy", r)
			}
		}
		if e.writes() != before {
			t.Error("Check wrote something")
		}
	})
	t.Run("revoked", func(t *testing.T) {
		needsNetwork(t, o)
		t.Parallel()
		e := open(t, o, nil)
		e.revoke()
		results, err := e.Conn.Check(callContext(t))
		e.wantRefusedCheck(results, err, connector.CauseCredentials)
	})
	t.Run("unavailable", func(t *testing.T) {
		t.Parallel()
		e := open(t, o, nil)
		e.everything("garbage")
		results, err := e.Conn.Check(callContext(t))
		e.wantRefusedCheck(results, err, connector.CauseUnavailable)
	})
}

// wantRefusedCheck wants the cause, as the call's error or as that of a result, with a remedy.
func (e *Env) wantRefusedCheck(results []connector.CheckResult, err error, cause connector.Cause) {
	e.T.Helper()
	if err != nil {
		e.wantCause(err, cause)
		return
	}
	for _, r := range results {
		if !r.OK && r.Cause == cause {
			if r.Message == "" || r.Remedy == "" {
				e.T.Errorf("check %+v lacks a message or a remedy", r)
			}
			return
		}
	}
	e.T.Errorf("no check failed with %s: %+v", cause, results)
}

// needsNetwork skips what cannot happen to a system without one.
func needsNetwork(t *testing.T, o Options) {
	t.Helper()
	if o.Local != nil {
		t.Skip("no network")
	}
}

// everything makes all API calls go wrong; a system without a network goes away.
func (e *Env) everything(do string) {
	if e.Sandbox == nil {
		e.Local.Break()
		return
	}
	u, err := url.Parse(e.Sandbox.Info.BaseURL)
	if err != nil {
		e.T.Fatal(err)
	}
	var fs []sandbox.Fault
	for _, m := range []string{"GET", "POST", "PUT", "PATCH", "DELETE"} {
		fs = append(fs, sandbox.Fault{Match: m + " " + u.Path, Times: -1, Do: do})
	}
	if err := e.Sandbox.SetFaults(fs); err != nil {
		e.T.Fatal(err)
	}
}

// revoke makes access and refresh token useless at the next API call.
func (e *Env) revoke() {
	u, err := url.Parse(e.Sandbox.Info.BaseURL)
	if err != nil {
		e.T.Fatal(err)
	}
	var fs []sandbox.Fault
	for _, m := range []string{"GET", "POST", "PUT"} {
		fs = append(fs, sandbox.Fault{Match: m + " " + u.Path, Times: -1, Do: "revoke-refresh"}, sandbox.Fault{Match: m + " " + u.Path, Times: -1, Do: "expire-token"})
	}
	if err := e.Sandbox.SetFaults(fs); err != nil {
		e.T.Fatal(err)
	}
}

func testLists(t *testing.T, o Options) {
	e := open(t, o, nil)
	for _, name := range o.Connector.Describe().Lists {
		t.Run(name, func(t *testing.T) {
			items, err := e.Conn.List(callContext(t), name)
			if slices.Contains(o.NoRight, name) {
				e.wantCause(err, connector.CauseRights)
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if len(items) == 0 && !slices.Contains(o.MayBeEmpty, name) {
				t.Error("the list is empty in a fresh company")
			}
			ids := map[string]bool{}
			for _, it := range items {
				if it.ID == "" || it.Name == "" || ids[it.ID] {
					t.Errorf("item %+v: ID (unique) and name must be given", it)
				}
				ids[it.ID] = true
			}
			again, err := e.Conn.List(callContext(t), name)
			if err != nil {
				t.Fatal(err)
			}
			if !reflect.DeepEqual(items, again) {
				t.Error("the list comes in another order the second time")
			}
		})
	}
	_, err := e.Conn.List(callContext(t), "no_such_list")
	if err == nil {
		t.Error("an unknown list has no error")
	}
}

func testDiscover(t *testing.T, o Options, obj connector.Object, s Samples) {
	e := openObject(t, o, obj, s, nil)
	var names []string
	for _, f := range e.Schema.Fields {
		names = append(names, f.Name)
	}
	if _, err := record.NewSchema(e.Schema.Name, e.Schema.Fields...); err != nil {
		t.Errorf("the schema is not valid: %v", err)
	}
	for _, f := range append([]string{obj.Key}, obj.Find...) {
		if _, ok := e.Schema.Field(f); !ok && !e.lacks(f) {
			t.Errorf("field %s is not in the schema %v", f, names)
		}
	}
	for _, f := range []string{obj.Reference, s.Stamp} {
		if _, ok := e.Schema.Field(f); f != "" && !ok {
			t.Errorf("field %s is not in the schema %v", f, names)
		}
	}
	again, err := e.Conn.Discover(callContext(t), obj.Name)
	if err != nil {
		t.Fatal(err)
	}
	if !sameSchema(e.Schema, again) {
		t.Error("Discover answers differently the second time")
	}
	if _, err := e.Conn.Discover(callContext(t), "no such object"); err == nil {
		t.Error("an unknown object has no error")
	}
}

// sameSchema compares what describes data; how a schema looks its fields up is its own business.
func sameSchema(a, b *record.Schema) bool {
	if a.Name != b.Name || len(a.Fields) != len(b.Fields) {
		return false
	}
	for i := range a.Fields {
		f, g := a.Fields[i], b.Fields[i]
		if !sameType(f.Type, g.Type) {
			return false
		}
		f.Type, g.Type = record.Type{}, record.Type{}
		if f != g {
			return false
		}
	}
	return true
}

func sameType(a, b record.Type) bool {
	switch {
	case a.Kind != b.Kind || (a.Elem == nil) != (b.Elem == nil) || (a.Record == nil) != (b.Record == nil):
		return false
	case a.Elem != nil:
		return sameType(*a.Elem, *b.Elem)
	case a.Record != nil:
		return sameSchema(a.Record, b.Record)
	}
	return true
}
