// Package kill kills the real host at every failpoint, with real connectors and real sandboxes, and shows that nothing is lost and
// nothing doubled.
package kill

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"sort"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/pomost/pomost/host/engine/failpoint"
)

// binaries is the folder of binaries built with the tag failpoint.
func binaries(t *testing.T) string {
	dir := os.Getenv("POMOST_FAILPOINT_BIN")
	if dir == "" {
		t.Skip("POMOST_FAILPOINT_BIN names no folder of binaries; `make binary` builds them")
	}
	return dir
}

type info struct {
	BaseURL      string `json:"base_url"`
	TokenURL     string `json:"token_url"`
	ClientID     string `json:"client_id"`
	ClientSecret string `json:"client_secret"`
	RefreshToken string `json:"refresh_token"`
	Company      string `json:"company"`
}

// sandbox starts a connector's sandbox as a process of its own.
func sandbox(t *testing.T, name string, args ...string) info {
	t.Helper()
	cmd := exec.Command(filepath.Join(binaries(t), "pomost-connector-"+name), append([]string{"sandbox"}, args...)...)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		_ = cmd.Wait()
	})
	line, err := bufio.NewReader(out).ReadBytes('\n')
	if err != nil {
		t.Fatalf("%s sandbox: %v", name, err)
	}
	var i info
	if err := json.Unmarshal(line, &i); err != nil {
		t.Fatalf("%s sandbox: %v in %s", name, err, line)
	}
	return i
}

// consent gives a chain of tokens of its own, so that several homes and this test live beside each other.
func consent(t *testing.T, i info, authorize, scope string) (access, refresh string) {
	t.Helper()
	const redirect = "http://127.0.0.1:1/callback"
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	resp, err := client.Get(authorize + "?" + url.Values{"response_type": {"code"}, "client_id": {i.ClientID}, "redirect_uri": {redirect}, "state": {"s"},
		"scope": {scope}}.Encode())
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	back, err := url.Parse(resp.Header.Get("Location"))
	if err != nil || back.Query().Get("code") == "" {
		t.Fatalf("no consent: %v %s", err, resp.Header.Get("Location"))
	}
	resp, err = http.PostForm(i.TokenURL, url.Values{"grant_type": {"authorization_code"}, "code": {back.Query().Get("code")}, "redirect_uri": {redirect},
		"client_id": {i.ClientID}, "client_secret": {i.ClientSecret}})
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	var tok struct {
		Access  string `json:"access_token"`
		Refresh string `json:"refresh_token"`
	}
	if err := json.NewDecoder(resp.Body).Decode(&tok); err != nil || tok.Access == "" {
		t.Fatalf("no token: %v", err)
	}
	return tok.Access, tok.Refresh
}

// books reads, raw, what AccountView holds: references of orders, and how many debtors have each e-mail.
func books(t *testing.T, av info) (orders []string, debtors map[string]int) {
	t.Helper()
	token, _ := consent(t, av, strings.Replace(av.BaseURL, "/api/v3", "/ams/authorize.aspx", 1), "readaccountviewdata")
	get := func(object, table, field string) []string {
		var values []string
		for _, year := range []string{"2025", "2026", "2027"} {
			if object != "SO1" && year != "2026" {
				continue
			}
			req, _ := http.NewRequest("GET", av.BaseURL+"/accountviewdata?"+url.Values{"BusinessObject": {object}, "PageSize": {"10000"}, "BookDate": {year + "-06-01"}}.Encode(), nil)
			req.Header.Set("Authorization", "Bearer "+token)
			req.Header.Set("x-company", av.Company)
			resp, err := http.DefaultClient.Do(req)
			if err != nil {
				t.Fatal(err)
			}
			body, _ := io.ReadAll(resp.Body)
			resp.Body.Close()
			var tables map[string]json.RawMessage
			if err := json.Unmarshal(body, &tables); err != nil {
				t.Fatalf("%s: %v in %.200s", object, err, body)
			}
			var rows []map[string]any
			if raw, ok := tables[table]; ok {
				if err := json.Unmarshal(raw, &rows); err != nil {
					t.Fatal(err)
				}
			}
			for _, r := range rows {
				values = append(values, strings.TrimSpace(fmt.Sprint(r[field])))
			}
		}
		return values
	}
	orders = get("SO1", "SO_HDR", "COMMENT1")
	sort.Strings(orders)
	debtors = map[string]int{}
	for _, m := range get("AR1", "CONTACT", "MAIL_BUS") {
		if m != "" {
			debtors[strings.ToLower(m)]++
		}
	}
	return orders, debtors
}

// home writes a configuration for a pair of sandboxes and applies it.
func home(t *testing.T, ea, av info) string {
	t.Helper()
	dir := t.TempDir()
	write := func(name, text string) {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("ea.id", ea.ClientID)
	write("ea.secret", ea.ClientSecret)
	_, refresh := consent(t, ea, strings.Replace(ea.BaseURL, "/v2", "/connect/authorize", 1), "ea:api ea:sales offline_access")
	write("ea.token", refresh)
	write("av.id", av.ClientID)
	write("av.secret", av.ClientSecret)
	write("av.token", av.RefreshToken)
	write("pomost.yaml", fmt.Sprintf(`version: 1
connections:
  shop:
    connector: eaccounting
    settings: {base_url: %q, token_url: %q}
    secrets: {client_id: "file:ea.id", client_secret: "file:ea.secret", refresh_token: "file:ea.token"}
  books:
    connector: accountview
    settings: {base_url: %q, token_url: %q, company: %q, settle_time: 1500ms}
    secrets: {client_id: "file:av.id", client_secret: "file:av.secret", refresh_token: "file:av.token"}
flows:
  orders:
    recipe: accountview-eaccounting/orders
    source: shop
    destination: books
    settings: {collective_account: "1210"}
`, ea.BaseURL, ea.TokenURL, av.BaseURL, av.TokenURL, av.Company))
	if out, code := pomost(t, dir, nil, "apply", "-f", filepath.Join(dir, "pomost.yaml")); code != 0 {
		t.Fatalf("apply: exit %d: %s", code, out)
	}
	return dir
}

// pomost runs the built command; the code is −1 when it was killed.
func pomost(t *testing.T, dir string, env []string, args ...string) (string, int) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, filepath.Join(binaries(t), "pomost"), append(args, "--home", filepath.Join(dir, "home"), "--output", "json")...)
	cmd.Env = append(os.Environ(), env...)
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatalf("pomost %v: %v", args, err)
	}
	if ctx.Err() != nil {
		t.Fatalf("pomost %v did not end: %s", args, errs.String())
	}
	return out.String() + errs.String(), cmd.ProcessState.ExitCode()
}

// lost is a fault for each failpoint that only a lost answer reaches.
const lost = `[{"match":"POST /api/v3/accountviewdata","object":"SO1","skip":2,"times":2,"do":"lost-reply"},
 {"match":"POST /api/v3/accountviewdata","object":"AR1","skip":1,"times":1,"do":"lost-reply"}]`

func TestKillAtEveryFailpoint(t *testing.T) {
	ea := sandbox(t, "eaccounting", "--data", "demo", "--rate", "100000")
	faults := filepath.Join(t.TempDir(), "faults.json")
	if err := os.WriteFile(faults, []byte(lost), 0o600); err != nil {
		t.Fatal(err)
	}
	// What a run that nobody disturbs makes of the same orders.
	calm := sandbox(t, "accountview", "--data", "demo")
	dir := home(t, ea, calm)
	if out, code := pomost(t, dir, nil, "run", "orders"); code != 4 && code != 0 {
		t.Fatalf("the calm run: exit %d: %s", code, out)
	}
	wantOrders, wantDebtors := books(t, calm)
	if len(wantOrders) < 50 {
		t.Fatalf("the calm run made %d orders, which is too few to prove anything", len(wantOrders))
	}
	for _, name := range failpoint.Names {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			av := sandbox(t, "accountview", "--data", "demo", "--faults", faults)
			dir := home(t, ea, av)
			counts := filepath.Join(dir, "hits")
			// Once at the first time the point is passed, once later, then to the end.
			kills := 0
			for _, at := range []string{name, name + ":7", ""} {
				out, code := pomost(t, dir, []string{"POMOST_FAILPOINT=" + at, "POMOST_FAILPOINT_LOG=" + counts}, "run", "orders")
				switch {
				case code == -1:
					kills++
				case code != 0 && code != 4:
					t.Fatalf("run with failpoint %q: exit %d: %s", at, code, out)
				}
			}
			text, err := os.ReadFile(counts)
			if err != nil {
				t.Fatal(err)
			}
			if got := strings.Count(string(text), name+" killed\n"); got == 0 || got != kills {
				t.Fatalf("the host was to be killed at %s, the counter says %d times, the exit codes %d", name, got, kills)
			}
			if name == "verify-before" {
				// What the killed run could not compare any more, a later one did.
				if log, _ := pomost(t, dir, nil, "logs"); !strings.Contains(log, "agrees") {
					t.Error("what was booked before the kill was never compared")
				}
			}
			gotOrders, gotDebtors := books(t, av)
			compare(t, wantOrders, gotOrders)
			for mail, n := range gotDebtors {
				if n != wantDebtors[mail] {
					t.Errorf("%d debtors have the e-mail %s, the calm run made %d", n, mail, wantDebtors[mail])
				}
			}
		})
	}
}

// compare tells which orders are lost and which are doubled.
func compare(t *testing.T, want, got []string) {
	t.Helper()
	count := map[string]int{}
	for _, w := range want {
		count[w]++
	}
	for _, g := range got {
		count[g]--
	}
	for ref, n := range count {
		switch {
		case n > 0:
			t.Errorf("order %s was lost", ref)
		case n < 0:
			t.Errorf("order %s was doubled", ref)
		}
	}
}
