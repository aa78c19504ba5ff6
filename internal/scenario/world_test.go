package scenario

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/goccy/go-yaml"

	"github.com/pomost/pomost/host/control"
	"github.com/pomost/pomost/internal/harness"
)

// world is one case: its two systems, the Pomost between them, and what is printed.
type world struct {
	*harness.World
	t        *testing.T
	out      bytes.Buffer
	settings map[string]any // of the flow of orders; nil where there is none
	years    string         // that AccountView has
	planID   string
	vars     map[string]string
	recIDs   map[string]string // record numbers as they first appear
}

func newWorld(t *testing.T, part map[string]string) *world {
	w := &world{t: t, settings: map[string]any{"collective_account": "1210"}, vars: map[string]string{}, recIDs: map[string]string{}}
	if part["settings"] != "" {
		w.settings = nil
		if err := yaml.Unmarshal([]byte(part["settings"]), &w.settings); err != nil {
			t.Fatal("settings: ", err)
		}
	}
	flows := map[string]harness.FlowSetup{}
	for _, name := range furtherFlows {
		if text, given := part[name]; given {
			f := harness.FlowSetup{Recipe: name, Source: "books"}
			if err := yaml.Unmarshal([]byte(text), &f.Settings); err != nil {
				t.Fatal(name, ": ", err)
			}
			if s, ok := f.Settings["source"].(string); ok {
				f.Source = s
				delete(f.Settings, "source")
			}
			flows[name] = f
		}
	}
	if _, orders := part["settings"]; len(flows) > 0 && !orders {
		w.settings = nil
	}
	settle, sets := "1s", map[string]map[string]string{"ea": {}, "av": {}}
	for _, line := range lines(part["setup"]) {
		words := strings.Fields(line)
		switch {
		case words[0] == "settle" && len(words) == 2:
			settle = words[1]
		case sets[words[0]] != nil:
			for _, kv := range words[1:] {
				k, v, _ := strings.Cut(kv, "=")
				sets[words[0]][k] = v
			}
		default:
			t.Fatalf("setup: %q is not understood", line)
		}
	}
	w.years = cmp.Or(sets["av"]["years"], "2025,2026,2027")
	// The systems live in the year of the cases' documents.
	opts := harness.Options{Dir: t.TempDir(), Judged: true, Today: time.Date(2026, 6, 15, 10, 0, 0, 0, time.UTC)}
	if part["shop.json"] != "" {
		if err := os.WriteFile(filepath.Join(opts.Dir, "shop.json"), []byte(part["shop.json"]), 0o600); err != nil {
			t.Fatal(err)
		}
		opts.EA.Data, opts.AV.Data = opts.Dir, opts.Dir
	}
	opts.EA.Set, opts.AV.Set = sets["ea"], sets["av"]
	var err error
	if w.World, err = harness.New(t.Context(), opts); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := w.Close(); err != nil {
			t.Error(err)
		}
	})
	w.Flows = flows
	w.EASettings["settle_time"], w.AVSettings["settle_time"], w.AVSettings["request_timeout"] = settle, settle, "10s"
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
	var settings map[string]any
	if w.settings != nil {
		if err := yaml.Unmarshal([]byte(w.quoted(mustJSON(w.settings))), &settings); err != nil {
			return err
		}
	}
	err := w.Apply(w.t.Context(), settings)
	if err != nil && more != "" {
		fmt.Fprintln(&w.out, "settings", more)
		w.failure(control.AsFailure(err))
		return nil
	}
	return err
}

// change changes the settings of one of the further flows and applies them.
func (w *world) change(name, more string) error {
	f := w.Flows[name]
	var over map[string]any
	if err := yaml.Unmarshal([]byte(w.quoted(more)), &over); err != nil {
		return err
	}
	f.Settings = maps.Clone(f.Settings)
	if f.Settings == nil {
		f.Settings = map[string]any{}
	}
	maps.Copy(f.Settings, over)
	if s, ok := f.Settings["source"].(string); ok {
		f.Source = s
		delete(f.Settings, "source")
	}
	maps.DeleteFunc(f.Settings, func(_ string, v any) bool { return v == nil })
	w.Flows[name] = f
	if err := w.Apply(w.t.Context(), w.settings); err != nil {
		fmt.Fprintln(&w.out, name, more)
		w.failure(control.AsFailure(err))
	}
	return nil
}

// writes prints the calls that wrote since the calls of those positions, and how they ended where that was not simply done.
func (w *world) writes(av, ea int) {
	count := map[string]int{}
	for _, c := range append(w.AV.Calls(av), w.EA.Calls(ea)...) {
		if c.Method == http.MethodGet {
			continue
		}
		word := c.Method + " " + harness.Subject(c)
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

// showShop prints the records of a list of eAccounting with the given fields, in the order of their numbers.
func (w *world) showShop(rest string) error {
	list, fields, _ := strings.Cut(rest, " ")
	fmt.Fprintf(&w.out, "show %s\n", list)
	all, err := w.EA.All(w.t.Context(), "/"+list)
	var out []string
	for _, r := range all {
		var parts []string
		for _, name := range strings.Split(fields, ",") {
			if v := r[name]; v != nil && v != "" {
				text := fmt.Sprint(v)
				if strings.Contains(text, " ") {
					text = fmt.Sprintf("%q", text)
				}
				parts = append(parts, name+"="+text)
			}
		}
		out = append(out, "  "+strings.Join(parts, " "))
	}
	slices.Sort(out)
	for _, line := range out {
		fmt.Fprintln(&w.out, line)
	}
	return err
}

// show prints the records of an object in AccountView, of all its years, with all that is filled or with the given fields.
func (w *world) show(rest string) error {
	object, fields, _ := strings.Cut(rest, " ")
	fmt.Fprintf(&w.out, "show %s\n", object)
	seen := map[string]bool{}
	for _, year := range strings.Split(w.years, ",") {
		year, _, _ = strings.Cut(year, ":")
		body, err := w.AV.Call(w.t.Context(), http.MethodGet, "/accountviewdata?"+url.Values{"BusinessObject": {object}, "BookDate": {year + "-12-31"}}.Encode(), nil)
		if msg, bad := body["ErrorMessage"]; bad && strings.Contains(fmt.Sprint(msg), "geen gegevens") {
			continue
		} else if bad {
			fmt.Fprintf(&w.out, "  %v\n", msg)
			return nil
		}
		if err != nil {
			return err
		}
		table, details := harness.Tables(object)
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
	text = strings.NewReplacer(w.EA.Host(), "ea", w.AV.Host(), "av", filepath.Dir(w.Home())+"/", "").Replace(text)
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
