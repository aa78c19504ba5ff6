package scenario

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/goccy/go-yaml"

	"github.com/pomost/pomost/host/control"
	"github.com/pomost/pomost/host/home"
	"github.com/pomost/pomost/host/store"
	avconnector "github.com/pomost/pomost/plugins/accountview/connector"
	avsandbox "github.com/pomost/pomost/plugins/accountview/sandbox"
	eaconnector "github.com/pomost/pomost/plugins/eaccounting/connector"
	easandbox "github.com/pomost/pomost/plugins/eaccounting/sandbox"
	"github.com/pomost/pomost/sdk/connector"
)

const flowName = "orders"

// world is one case's two systems and the Pomost between them.
type world struct {
	t        *testing.T
	out      bytes.Buffer
	dir      string
	settle   string
	books    string // further settings of the connection books
	settings map[string]any
	ea, av   *system
	service  *control.Service
	planID   string
	vars     map[string]string
	recIDs   map[string]string // record numbers as they first appear
	today    func() time.Time
	later    atomic.Int64 // what the systems' clocks are ahead
}

func newWorld(t *testing.T, part map[string]string) *world {
	w := &world{t: t, dir: t.TempDir(), settle: "1s", settings: map[string]any{"collective_account": "1210"}, vars: map[string]string{}, recIDs: map[string]string{}}
	if part["settings"] != "" {
		w.settings = nil
		if err := yaml.Unmarshal([]byte(part["settings"]), &w.settings); err != nil {
			t.Fatal("settings: ", err)
		}
	}
	// The systems live in the year of the cases' documents.
	start := time.Now()
	w.today = func() time.Time {
		return time.Date(2026, 6, 15, 10, 0, 0, 0, time.UTC).Add(time.Since(start) + time.Duration(w.later.Load()))
	}
	sets := map[string]map[string]string{"ea": {}, "av": {}}
	for _, line := range lines(part["setup"]) {
		words := strings.Fields(line)
		switch {
		case words[0] == "settle" && len(words) == 2:
			w.settle = words[1]
		case sets[words[0]] != nil:
			for _, kv := range words[1:] {
				k, v, _ := strings.Cut(kv, "=")
				sets[words[0]][k] = v
			}
		default:
			t.Fatalf("setup: %q is not understood", line)
		}
	}
	data := "none"
	if part["shop.json"] != "" {
		data = filepath.Join(w.dir, "shop")
		if err := errors.Join(os.Mkdir(data, 0o700), os.WriteFile(filepath.Join(data, "shop.json"), []byte(part["shop.json"]), 0o600)); err != nil {
			t.Fatal(err)
		}
	}
	w.ea = newSystem(w, easandbox.System(), data, sets["ea"])
	w.av = newSystem(w, avsandbox.System(), data, sets["av"])
	secrets := map[string]string{}
	for name, s := range map[string]*system{"EA": w.ea, "AV": w.av} {
		secrets[name+"_ID"], secrets[name+"_SECRET"], secrets[name+"_TOKEN"] = s.Info.ClientID, s.Info.ClientSecret, s.Info.RefreshToken
	}
	w.service = control.New(control.Options{Home: filepath.Join(w.dir, "home"), Command: "scenario", Getenv: func(name string) string { return secrets[name] },
		Plugins: func() (control.Plugins, error) { return inProcess{}, nil }})
	if err := w.apply(""); err != nil {
		t.Fatal(err)
	}
	return w
}

// apply applies the configuration; more, if given, goes over the flow's settings.
func (w *world) apply(more string) error {
	if more != "" {
		var over map[string]any
		if err := yaml.Unmarshal([]byte(w.quoted(more)), &over); err != nil {
			return err
		}
		maps.Copy(w.settings, over)
		maps.DeleteFunc(w.settings, func(_ string, v any) bool { return v == nil })
	}
	text := w.quoted(mustJSON(w.settings))
	config := fmt.Sprintf(`version: 1
connections:
  shop:
    connector: eaccounting
    settings: {base_url: %q, token_url: %q, settle_time: %s}
    secrets: {client_id: "env:EA_ID", client_secret: "env:EA_SECRET", refresh_token: "env:EA_TOKEN"}
  books:
    connector: accountview
    settings: {base_url: %q, token_url: %q, settle_time: %s, request_timeout: 10s, company: %q%s}
    secrets: {client_id: "env:AV_ID", client_secret: "env:AV_SECRET", refresh_token: "env:AV_TOKEN"}
flows:
  orders:
    recipe: accountview-eaccounting/orders
    source: shop
    destination: books
    settings: %s
`, w.ea.Info.BaseURL, w.ea.Info.TokenURL, w.settle, w.av.Info.BaseURL, w.av.Info.TokenURL, w.settle, avsandbox.CompanyCode, w.books, text)
	file := filepath.Join(w.dir, "pomost.yaml")
	if err := os.WriteFile(file, []byte(config), 0o600); err != nil {
		return err
	}
	_, err := w.service.Apply(w.t.Context(), control.ApplyRequest{File: file})
	if err != nil && more != "" {
		fmt.Fprintln(&w.out, "settings", more)
		w.failure(control.AsFailure(err))
		return nil
	}
	return err
}

// rewind forgets all cursors of the flow, as after a restored back-up of the source.
func (w *world) rewind() (err error) {
	h, err := home.Open(filepath.Join(w.dir, "home"), home.Options{})
	if err != nil {
		return err
	}
	lock, err := h.Lock(w.t.Context(), time.Second, "rewind")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, lock.Release()) }()
	st, err := h.OpenState(w.t.Context(), lock)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, st.Close()) }()
	return st.Store.Commit(w.t.Context(), store.Change{Cursors: []store.Cursor{{Flow: flowName, Object: "orders"}, {Flow: flowName, Object: "customerinvoices"}}})
}

// writes prints the calls that wrote since the call of that position, and how they ended where that was not simply done.
func (w *world) writes(since int) {
	count := map[string]int{}
	for _, c := range w.av.Log()[since:] {
		path, _, _ := strings.Cut(c.Path, "?")
		if c.Method == "GET" || strings.HasSuffix(strings.ToLower(path), "/token") {
			continue
		}
		word := c.Method + " " + c.Object
		if c.Fault != "" {
			word += " (" + c.Fault + ")"
		}
		count[word]++
	}
	var parts []string
	for _, word := range slices.Sorted(maps.Keys(count)) {
		parts = append(parts, fmt.Sprintf("%d %s", count[word], word))
	}
	if len(parts) > 0 {
		fmt.Fprintf(&w.out, "  wrote %s\n", strings.Join(parts, ", "))
	}
}

// show prints the records of an object in AccountView, of all its years, with all that is filled or with the given fields.
func (w *world) show(rest string) error {
	object, fields, _ := strings.Cut(rest, " ")
	fmt.Fprintf(&w.out, "show %s\n", object)
	seen := map[string]bool{}
	for _, year := range strings.Split(w.av.set("years", "2025,2026,2027"), ",") {
		year, _, _ = strings.Cut(year, ":")
		body, err := w.av.call("GET", "/accountviewdata?"+url.Values{"BusinessObject": {object}, "BookDate": {year + "-12-31"}}.Encode(), nil)
		if err != nil {
			return err
		}
		if msg, bad := body["ErrorMessage"]; bad && strings.Contains(fmt.Sprint(msg), "geen gegevens") {
			continue
		} else if bad {
			fmt.Fprintf(&w.out, "  %v\n", msg)
			return nil
		}
		table, details := tables(object)
		for _, r := range rows(body[table]) {
			var below []string
			for _, l := range rows(body[details]) {
				if mustJSON(l[table+"_Id"]) == mustJSON(r[table+"_Id"]) {
					below = append(below, "      "+filled(l, ""))
				}
			}
			if whole := mustJSON(r); !seen[whole] { // master data show in every year
				seen[whole] = true
				fmt.Fprintf(&w.out, "  %s\n", strings.Join(append([]string{filled(r, fields)}, below...), "\n"))
			}
		}
	}
	return nil
}

func rows(v any) []map[string]any {
	var out []map[string]any
	if one, ok := v.(map[string]any); ok {
		v = []any{one}
	}
	list, _ := v.([]any)
	for _, e := range list {
		if m, ok := e.(map[string]any); ok {
			out = append(out, m)
		}
	}
	return out
}

// hidden are fields that only the server fills, and that say nothing about what was sent.
var hidden = regexp.MustCompile(`^(CNG_|INP_|EXT_KEY|REC_ORD|.*_Id$|SO_LINE\.REC_ID)`)

// filled writes a row's fields that are not empty, or the given ones, by name.
func filled(r map[string]any, fields string) string {
	var parts []string
	names := slices.Sorted(maps.Keys(r))
	if fields != "" {
		names = strings.Split(fields, ",")
	}
	for _, name := range names {
		text := strings.TrimRight(fmt.Sprint(r[name]), " ")
		text = strings.TrimSuffix(text, "T00:00:00")
		if _, isLine := r["ORD_QTY"]; isLine && name == "REC_ID" {
			continue
		}
		zero := strings.Trim(text, "0.") == "" || text == "false" || text == "<nil>"
		if fields == "" && (hidden.MatchString(name) || zero) && name != "ART_PX" {
			continue
		}
		if strings.ContainsAny(text, " \n") {
			text = fmt.Sprintf("%q", text)
		}
		parts = append(parts, name+"="+text)
	}
	return strings.Join(parts, " ")
}

// clean replaces what differs from one time to the next by names.
func (w *world) clean(text string) string {
	for _, name := range slices.Sorted(maps.Keys(w.vars)) {
		if id := w.vars[name]; len(id) == 36 {
			text = strings.ReplaceAll(text, id, "$"+name)
			text = strings.ReplaceAll(text, strings.ReplaceAll(id, "-", ""), "$"+name)
		}
	}
	text = strings.NewReplacer(strings.TrimSuffix(w.ea.Info.BaseURL, "/v2"), "http://ea", strings.TrimSuffix(w.av.Info.BaseURL, "/api/v3"), "http://av").Replace(text)
	text = strings.NewReplacer(strings.TrimPrefix(w.ea.origin(), "http://"), "ea", strings.TrimPrefix(w.av.origin(), "http://"), "av").Replace(text)
	text = regexp.MustCompile(`\b0000\d{6}\b`).ReplaceAllStringFunc(text, func(id string) string {
		if w.recIDs[id] == "" {
			w.recIDs[id] = fmt.Sprintf("rec%d", len(w.recIDs)+1)
		}
		return w.recIDs[id]
	})
	return text
}

func mustJSON(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return string(b)
}

// inProcess opens the connectors without their processes.
type inProcess struct{}

func (inProcess) Connector(_ context.Context, name string) (connector.Connector, error) {
	switch name {
	case "eaccounting":
		return eaconnector.New(), nil
	case "accountview":
		return avconnector.New(), nil
	}
	return nil, fmt.Errorf("no connector %s", name)
}

func (p inProcess) Connection(ctx context.Context, _, name string, s connector.Settings, h connector.Host) (connector.Connection, []connector.Problem, error) {
	c, err := p.Connector(ctx, name)
	if err != nil {
		return nil, nil, err
	}
	conn, problems := c.Open(ctx, s, h)
	return conn, problems, nil
}

func (inProcess) Close() error { return nil }

// lines returns the commands of a part: comments and empty lines left out, continued lines joined.
func lines(text string) []string {
	var out []string
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, " \t\n")
		switch trimmed := strings.TrimSpace(line); {
		case trimmed == "" || strings.HasPrefix(trimmed, "#"):
		case trimmed != line && strings.TrimLeft(line, " \t") == trimmed && len(out) > 0:
			out[len(out)-1] += " " + trimmed
		default:
			out = append(out, trimmed)
		}
	}
	return out
}

func prefixed(before, text string) string {
	if text == "" {
		return ""
	}
	return before + text
}
