package plugins

import (
	"bufio"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// shop is a running sandbox of eAccounting.
type shop struct {
	t     *testing.T
	info  map[string]string
	log   string
	token string
}

var client = &http.Client{Timeout: 20 * time.Second, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}

func (w *world) sandbox() *shop {
	w.t.Helper()
	s := &shop{t: w.t, log: filepath.Join(w.dir, "calls.log")}
	cmd := exec.Command(filepath.Join(bin, "pomost"), "sandbox", "eaccounting", "--log", s.log)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		w.t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		_ = cmd.Wait()
	})
	line, err := bufio.NewReader(out).ReadBytes('\n')
	if err != nil {
		w.t.Fatal(err)
	}
	if err := json.Unmarshal(line, &s.info); err != nil {
		w.t.Fatal(err)
	}
	w.env = append(w.env, "EA_ID="+s.info["client_id"], "EA_SECRET="+s.info["client_secret"], "EA_TOKEN="+s.info["refresh_token"])
	s.consent()
	return s
}

// consent gets a token of the test's own: the host's chain is left alone.
func (s *shop) consent() {
	s.t.Helper()
	const redirect = "http://127.0.0.1/back"
	resp, err := client.Get(s.info["authorize_url"] + "?" + url.Values{"response_type": {"code"}, "client_id": {s.info["client_id"]}, "redirect_uri": {redirect}}.Encode())
	if err != nil {
		s.t.Fatal(err)
	}
	resp.Body.Close()
	target, err := resp.Location()
	if err != nil {
		s.t.Fatal(err)
	}
	resp, err = client.PostForm(s.info["token_url"], url.Values{"grant_type": {"authorization_code"}, "code": {target.Query().Get("code")}, "redirect_uri": {redirect},
		"client_id": {s.info["client_id"]}, "client_secret": {s.info["client_secret"]}})
	if err != nil {
		s.t.Fatal(err)
	}
	defer resp.Body.Close()
	var answer struct {
		AccessToken string `json:"access_token"`
	}
	if err := json.NewDecoder(resp.Body).Decode(&answer); err != nil {
		s.t.Fatal(err)
	}
	s.token = answer.AccessToken
}

// articles are what the API answers, by number; numbers keep their text.
func (s *shop) articles() map[string]map[string]any {
	s.t.Helper()
	req, err := http.NewRequestWithContext(s.t.Context(), http.MethodGet, s.info["base_url"]+"/articles?$pagesize=1000", nil)
	if err != nil {
		s.t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+s.token)
	resp, err := client.Do(req)
	if err != nil {
		s.t.Fatal(err)
	}
	defer resp.Body.Close()
	var page struct{ Data []map[string]any }
	dec := json.NewDecoder(resp.Body)
	dec.UseNumber()
	if err := dec.Decode(&page); err != nil || resp.StatusCode != http.StatusOK {
		s.t.Fatalf("status %d, %v", resp.StatusCode, err)
	}
	out := map[string]map[string]any{}
	for _, a := range page.Data {
		out[fmt.Sprint(a["Number"])] = a
	}
	return out
}

// writes counts the calls that changed something.
func (s *shop) writes() int {
	s.t.Helper()
	data, err := os.ReadFile(s.log)
	if err != nil {
		s.t.Fatal(err)
	}
	n := 0
	for line := range strings.Lines(string(data)) {
		var call struct{ Method, Path string }
		if err := json.Unmarshal([]byte(line), &call); err != nil {
			s.t.Fatal(err)
		}
		if call.Method != http.MethodGet && strings.HasPrefix(call.Path, "/v2/") {
			n++
		}
	}
	return n
}

const wholeConfig = `version: 1
connections:
  files:
    connector: csv
    settings: {folder: %q, delimiter: semicolon, decimal: comma, encoding: windows-1252}
  shop:
    connector: eaccounting
    settings: {base_url: %q, settle_time: 1s}
    secrets: {client_id: "env:EA_ID", client_secret: "env:EA_SECRET", refresh_token: "env:EA_TOKEN"}
flows:
  products:
    recipe: csv-eaccounting/products
    source: files
    destination: shop
`

// The files as an older program on Windows writes them: semicolons, decimal commas, windows-1252, CRLF.
const (
	mug  = "MUG-1;\"Mok \"\"caf\xe9\"\"; blauw\";12,50;4006381333931;Past in de vaatwasser\r\n"
	bowl = "BOWL-2;Kom \x80;0,99;;\r\n"
	head = "number;name;price:decimal;ean;description\r\n"
)

func TestProductsTravelFromAFile(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s := w.sandbox()
	articles := filepath.Join("files", "articles.csv")
	w.file(articles, head+mug+bowl)
	config := w.file("config.yaml", fmt.Sprintf(wholeConfig, w.folder, s.info["base_url"]))
	in := w.pomost(0, "plugin", "install", artifact)
	if len(in.Recipes) != 1 || in.Recipes[0] != "csv-eaccounting/products" {
		t.Fatalf("%+v", in)
	}
	w.pomost(0, "apply", "-f", config)
	run := func(created, updated, unchanged int) {
		t.Helper()
		var got []struct{ Created, Updated, Unchanged, Held, Failed int }
		a := w.pomost(0, "run", "products")
		if err := json.Unmarshal(a.Flows, &got); err != nil {
			t.Fatal(err)
		}
		if len(got) != 1 || got[0].Created != created || got[0].Updated != updated || got[0].Unchanged != unchanged || got[0].Held+got[0].Failed > 0 {
			t.Fatalf("%+v, want %d created, %d updated, %d unchanged", got, created, updated, unchanged)
		}
	}
	want := func(number, field, value string) {
		t.Helper()
		if got := fmt.Sprint(s.articles()[number][field]); got != value {
			t.Errorf("%s of %s is %q, want %q", field, number, got, value)
		}
	}
	run(2, 0, 0)
	want("MUG-1", "Name", `Mok "café"; blauw`)
	want("MUG-1", "NetPrice", "12.5")
	want("MUG-1", "Note", "Past in de vaatwasser")
	want("BOWL-2", "Name", "Kom €")
	want("BOWL-2", "NetPrice", "0.99")
	if n := len(s.articles()); n != 2 {
		t.Errorf("%d articles", n)
	}

	writes := s.writes()
	run(0, 0, 2)
	if n := s.writes(); n != writes {
		t.Errorf("%d writes, and nothing had changed", n-writes)
	}
	w.file(articles, head+mug+strings.Replace(bowl, "0,99", "1,05", 1))
	run(0, 1, 1)
	want("BOWL-2", "NetPrice", "1.05")
	want("BOWL-2", "Name", "Kom €")

	// The recipe, then the binary, is changed after it was pinned: nothing runs, and nothing is written.
	writes = s.writes()
	w.file(articles, head+mug+strings.Replace(bowl, "0,99", "666,00", 1))
	recipe := filepath.Join(filepath.Dir(in.Path), "recipes", "csv-eaccounting", "products", "recipe.yaml")
	if err := os.Chmod(recipe, 0o600); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(recipe)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(recipe, append(text, "# \n"...), 0o600); err != nil {
		t.Fatal(err)
	}
	w.says(w.pomost(1, "run", "products"), "csv-eaccounting/products", "was changed since", "plugin install")
	w.pomost(0, "plugin", "install", artifact)
	w.tamper(in.Path)
	a := w.pomost(1, "run", "products")
	if a.Error.Cause != "plugin_failed" {
		t.Errorf("%+v", a.Error)
	}
	w.says(a, in.Path, "is not run", "plugin install")
	if n := s.writes(); n != writes {
		t.Errorf("%d writes by a changed plugin", n-writes)
	}
	w.pomost(0, "plugin", "install", artifact)
	run(0, 1, 1)
	want("BOWL-2", "NetPrice", "666")

	// A line that cannot be understood stops the flow before anything is written.
	writes = s.writes()
	w.file(articles, head+mug+strings.Replace(bowl, "0,99", "goedkoop", 1))
	a = w.pomost(1, "run", "products")
	w.says(a, "articles.csv", "line 3", "goedkoop", "correct the value")
	if n := s.writes(); n != writes {
		t.Errorf("%d writes of a broken file", n-writes)
	}
}
