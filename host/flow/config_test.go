package flow

import (
	"errors"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/pomost/pomost/recipes"
)

// good is the configuration of DESIGN section 7.
const good = `version: 1
connections:
  shop:
    connector: eaccounting
    settings: {base_url: "http://127.0.0.1:9001/v2", token_url: "http://127.0.0.1:9001/connect/token"}
    secrets: {client_id: "env:EA_ID", client_secret: "env:EA_SECRET", refresh_token: "file:ea.token"}
  books:
    connector: accountview
    settings: {base_url: "http://127.0.0.1:9002/api/v3", company: "DEMO", time_zone: Europe/Amsterdam, requests_per_minute: 060}
    secrets: {client_id: "env:AV_ID", client_secret: "env:AV_SECRET", refresh_token: "file:av.token"}
flows:
  orders:
    recipe: accountview-eaccounting/orders
    source: shop
    destination: books
    settings: {order_status: [ongoing, shipped, invoiced]}
    schedule: 5m
`

func mustParse(t *testing.T, text string) Config {
	t.Helper()
	c, err := ParseConfig([]byte(text), "pomost.yaml")
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestParseConfig(t *testing.T) {
	c := mustParse(t, good)
	if err := c.Check(recipes.FS); err != nil {
		t.Fatal(err)
	}
	if got := c.Connections["books"].Settings["requests_per_minute"]; got != "060" {
		t.Errorf("a number must stay as it is written: %q", got)
	}
	if got := c.Flows["orders"].Every(); got != 5*time.Minute {
		t.Errorf("schedule %v", got)
	}
	if got := c.Connections["shop"].Secrets["refresh_token"]; got != "file:ea.token" {
		t.Errorf("reference %q", got)
	}
}

var update = flag.Bool("update", false, "write what the tests get into their files")

// TestConfigErrors: each file holds a configuration, a line of dashes and the errors that it must give.
func TestConfigErrors(t *testing.T) {
	files, err := filepath.Glob("testdata/config/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatal("no cases", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) {
			data, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			input, want, ok := strings.Cut(string(data), "\n----------")
			if !ok {
				t.Fatal("no line of dashes")
			}
			c, err := ParseConfig([]byte(input), "pomost.yaml")
			if err == nil {
				err = c.Check(recipes.FS)
			}
			if err == nil {
				t.Fatal("no error")
			}
			var one *UsageError
			if !errors.As(err, &one) {
				t.Fatalf("%T does not hold a *UsageError", err)
			}
			if *update {
				if err := os.WriteFile(file, []byte(input+"\n----------\n"+err.Error()+"\n"), 0o644); err != nil {
					t.Fatal(err)
				}
			} else if diff := cmp.Diff(strings.TrimSpace(want), err.Error()); diff != "" {
				t.Error(diff)
			}
			if strings.Contains(err.Error(), "s3cret") {
				t.Error("the error shows a secret")
			}
		})
	}
}

func TestCanonical(t *testing.T) {
	c := mustParse(t, good)
	text := c.Canonical()
	for _, hidden := range []string{"EA_ID", "ea.token", "secret"} {
		if strings.Contains(string(text), hidden) {
			t.Errorf("a revision holds %s:\n%s", hidden, text)
		}
	}
	back, err := ParseCanonical(text)
	if err != nil {
		t.Fatal(err)
	}
	if string(back.Canonical()) != string(text) {
		t.Errorf("not the same again:\n%s\n%s", text, back.Canonical())
	}
	if diff := Diff(c, back); len(diff) != 0 {
		t.Errorf("differs from itself: %v", diff)
	}
	if err := back.Check(recipes.FS); err != nil {
		t.Error(err)
	}
	for _, bad := range []string{"", "{", `{"version":2}`, `{"version":1,"x":1}`, `{"version":1} {}`} {
		if _, err := ParseCanonical([]byte(bad)); err == nil {
			t.Errorf("%q was read", bad)
		}
	}
}

func TestMergeAndDiff(t *testing.T) {
	old := mustParse(t, good)
	next := mustParse(t, `version: 1
connections:
  shop: {connector: eaccounting, settings: {base_url: "http://127.0.0.1:9009/v2"}}
flows:
  orders2: {recipe: accountview-eaccounting/orders, source: shop, destination: books, settings: {reference_prefix: W2-, only_paid: true}}
`)
	merged := Merge(old, next, false)
	if len(merged.Connections) != 2 || len(merged.Flows) != 2 {
		t.Fatalf("nothing may be removed without prune: %s", merged.Canonical())
	}
	if err := merged.Check(recipes.FS); err != nil {
		t.Error(err)
	}
	want := []Difference{
		{"connections.shop.settings.base_url", `"http://127.0.0.1:9001/v2"`, `"http://127.0.0.1:9009/v2"`},
		{"connections.shop.settings.token_url", `"http://127.0.0.1:9001/connect/token"`, ""},
		{"flows.orders2.destination", "", `"books"`},
		{"flows.orders2.recipe", "", `"accountview-eaccounting/orders"`},
		{"flows.orders2.settings.only_paid", "", "true"},
		{"flows.orders2.settings.reference_prefix", "", `"W2-"`},
		{"flows.orders2.source", "", `"shop"`},
	}
	if diff := cmp.Diff(want, Diff(old, merged)); diff != "" {
		t.Error(diff)
	}
	pruned := Merge(old, next, true)
	if len(pruned.Connections) != 1 || len(pruned.Flows) != 1 {
		t.Errorf("prune must remove: %s", pruned.Canonical())
	}
	err := pruned.Check(recipes.FS)
	if err == nil || !strings.Contains(err.Error(), "pomost.yaml:5:") || !strings.Contains(err.Error(), "there is no connection books") {
		t.Errorf("a flow without its connection: %v", err)
	}
}

// TestKeepDays: for how long payloads are kept is part of the file, of a revision, of what is shown as changed and of what is exported.
func TestKeepDays(t *testing.T) {
	old, next := mustParse(t, "version: 1\nkeep_days: 30\n"), mustParse(t, "version: 1\n")
	if got := Merge(old, next, false).KeepDays; got != 30 {
		t.Errorf("a file that does not name it leaves %d", got)
	}
	if got := Merge(old, next, true).KeepDays; got != 0 {
		t.Errorf("pruned, it is %d", got)
	}
	if got := Merge(old, mustParse(t, "version: 1\nkeep_days: 7\n"), false).KeepDays; got != 7 {
		t.Errorf("named, it is %d", got)
	}
	if diff := cmp.Diff([]Difference{{"keep_days", "30", ""}}, Diff(old, next)); diff != "" {
		t.Error(diff)
	}
	text, err := old.YAML()
	if err != nil {
		t.Fatal(err)
	}
	if back := mustParse(t, string(text)); back.KeepDays != 30 {
		t.Errorf("exported and read back it is %d:\n%s", back.KeepDays, text)
	}
	for _, bad := range []string{"0", "-1", "3661", "1.5", "90d", "'90'", "[90]", "99999999999999999999"} {
		_, err := ParseConfig([]byte("version: 1\nkeep_days: "+bad+"\n"), "pomost.yaml")
		if err == nil || !strings.Contains(err.Error(), "pomost.yaml:2:12") || !strings.Contains(err.Error(), "keep_days: 90") {
			t.Errorf("%s: %v", bad, err)
		}
	}
}

func TestResolveSecret(t *testing.T) {
	env := func(n string) (string, bool) {
		v, ok := map[string]string{"ID": "value\n", "EMPTY": ""}[n]
		return v, ok
	}
	dir := t.TempDir()
	for name, text := range map[string]string{"a.token": "token\r\n", "two": "token\n\n", "blank": "\n", "big": strings.Repeat("s3cret", 20000)} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for ref, want := range map[string]string{
		"env:ID": "value", "file:a.token": "token", "file:two": "token\n", "file:" + filepath.Join(dir, "a.token"): "token",
	} {
		if got, err := ResolveSecret(ref, dir, env, os.ReadFile); err != nil || got != want {
			t.Errorf("%s: %q, %v; want %q", ref, got, err, want)
		}
	}
	for _, ref := range []string{"env:NONE", "env:EMPTY", "env:", "env:A B", "file:none", "file:blank", "file:big", "file:", "file: x", "s3cret", "", "http:x"} {
		_, err := ResolveSecret(ref, dir, env, os.ReadFile)
		var usage *UsageError
		if !errors.As(err, &usage) {
			t.Errorf("%q: %v is no *UsageError", ref, err)
		} else if strings.Contains(err.Error(), "s3cret") {
			t.Errorf("%q: the error shows the secret: %v", ref, err)
		}
	}
}

func TestNearest(t *testing.T) {
	known := []string{"order_status", "only_paid", "reference", "reference_prefix", "discounts"}
	for word, want := range map[string]string{
		"order_statuss": "order_status", "orderstatus": "order_status", "order-status": "order_status", "Only_Paid": "only_paid", "refrence": "reference",
		"discuonts": "discounts", "banana": "", "": "",
	} {
		if got := Nearest(word, known); got != want {
			t.Errorf("%q: %q, want %q", word, got, want)
		}
	}
}

func TestHostileFiles(t *testing.T) {
	for name, text := range map[string]string{
		"brackets": strings.Repeat("[", 100000), "braces": "a: " + strings.Repeat("{a: ", 50000), "dashes": strings.Repeat("- ", 50000),
		"questions": strings.Repeat("? ", 50000), "large": strings.Repeat("a", maxFile+1), "keys": strings.Repeat("k: 1\n", 40000), "binary": "\xff\xfe\x00",
		"indent": indented(400), "tags": strings.Repeat("!a ", 50000), "anchors": "a: &a [*a]", "bomb": "a: &a [1,1]\nb: &b [*a,*a]\nc: [*b,*b]",
	} {
		t.Run(name, func(t *testing.T) {
			start := time.Now()
			if _, err := ParseConfig([]byte(text), "x"); err == nil {
				t.Error("no error")
			}
			if took := time.Since(start); took > 10*time.Second {
				t.Errorf("took %v", took)
			}
		})
	}
}

func indented(n int) string {
	var b strings.Builder
	for i := range n {
		b.WriteString(strings.Repeat(" ", i) + "a:\n")
	}
	return b.String()
}

func FuzzParseConfig(f *testing.F) {
	f.Add([]byte(good))
	files, _ := filepath.Glob("testdata/config/*.txt")
	for _, file := range files {
		if data, err := os.ReadFile(file); err == nil {
			input, _, _ := strings.Cut(string(data), "\n----------\n")
			f.Add([]byte(input))
		}
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		c, err := ParseConfig(data, "x")
		if err != nil {
			var all UsageErrors
			if !errors.As(err, &all) || len(all) == 0 {
				t.Fatalf("%T", err)
			}
			_ = err.Error()
			return
		}
		text := c.Canonical()
		back, err := ParseCanonical(text)
		if err != nil {
			t.Fatalf("%v\n%s", err, text)
		}
		if string(back.Canonical()) != string(text) {
			t.Fatalf("not the same again:\n%s\n%s", text, back.Canonical())
		}
		_ = Diff(Config{}, c)
	})
}
