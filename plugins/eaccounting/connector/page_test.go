package connector

import (
	"flag"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/pomost/pomost/plugins/eaccounting/spec"
)

var update = flag.Bool("update", false, "write the generated parts of docs/facts-eaccounting.md and docs/eaccounting.md")

const factsPage = "../../../docs/facts-eaccounting.md"

// TestErrorsPage wants the table of error codes in the docs to be what the connector does.
func TestErrorsPage(t *testing.T) {
	page, err := os.ReadFile(factsPage)
	if err != nil {
		t.Fatal(err)
	}
	codes := slices.Clone(documented)
	slices.Sort(codes)
	var b strings.Builder
	b.WriteString("| code | cause | tried again by itself | what to do |\n|---|---|---|---|\n")
	for _, code := range codes {
		m := meanings[code]
		again := map[bool]string{true: "yes", false: "no"}[m.retryable]
		fmt.Fprintf(&b, "| %d | `%s` | %s | %s |\n", code, m.cause, again, m.remedy)
	}
	head, got, ok := strings.Cut(string(page), "TestErrorsPage -update`.\n\n")
	if !ok {
		t.Fatal("the page does not say how its table is made")
	}
	if got == b.String() {
		return
	}
	if !*update {
		t.Fatalf("%s does not tell what the connector does: run it with -update", factsPage)
	}
	if err := os.WriteFile(factsPage, []byte(head+"TestErrorsPage -update`.\n\n"+b.String()), 0o600); err != nil {
		t.Fatal(err)
	}
}

const connectorPage = "../../../docs/eaccounting.md"

// used are the calls that the connector makes, as its tables of objects, steps and lists have them.
func used() map[string]bool {
	out := map[string]bool{"GET /companysettings": true}
	for _, o := range objects {
		out["GET /"+o.path], out["GET /"+o.path+"/{id}"] = true, true
		out["POST /"+o.path], out["PUT /"+o.path+"/{id}"] = o.Create, o.Update
		if o.steps {
			for _, s := range orderSteps {
				out["POST /"+o.path+"/{id}/"+s.action] = true
			}
			out["POST /"+o.path+"/{id}/backorder"] = true
		}
	}
	for _, l := range lists {
		out["GET /"+l.path] = true
	}
	return out
}

// parameter is a part of a path that stands for a value; the generations name it differently.
var parameter = regexp.MustCompile(`\{[^}]*\}`)

// TestCallsPage wants the table of calls in the docs to be that of the specification and of what the connector does.
func TestCallsPage(t *testing.T) {
	made := used()
	var resources []string
	ours, others, has := map[string][]string{}, map[string][]string{}, map[string]map[string]bool{}
	known := map[string]bool{}
	for _, g := range []spec.Generation{spec.G2026, spec.G2020} { // what the table of 2026 leaves out of a resource is as it was
		for _, c := range spec.Of(g).Calls {
			name, rest, _ := strings.Cut(strings.TrimPrefix(c.Path, "/"), "/")
			call := c.Method + " " + parameter.ReplaceAllString(c.Path, "{id}")
			if known[call] || g == spec.G2020 && has[name] == nil && !made[call] {
				continue
			}
			known[call] = true
			rest = parameter.ReplaceAllString(rest, "{id}")
			if has[name] == nil {
				has[name] = map[string]bool{}
				resources = append(resources, name)
			}
			short := c.Method
			if rest != "" {
				short += " /" + rest
			}
			has[name][c.Method] = true
			if made[call] {
				ours[name] = append(ours[name], short)
			} else {
				others[name] = append(others[name], short)
			}
		}
	}
	for call, is := range made {
		if is && !known[call] {
			t.Errorf("the specification has no %s", call)
		}
	}
	var b strings.Builder
	b.WriteString("| resource | calls that are made | calls that are there and not made | the API has none |\n|---|---|---|---|\n")
	slices.Sort(resources)
	cell := func(list []string) string {
		if len(list) == 0 {
			return "–"
		}
		return "`" + strings.Join(list, "`, `") + "`"
	}
	for _, name := range resources {
		var none []string
		for _, m := range [][2]string{{"POST", "create"}, {"PUT", "change"}, {"DELETE", "delete"}} {
			if !has[name][m[0]] {
				none = append(none, m[1])
			}
		}
		missing := "–"
		if len(none) > 0 {
			missing = strings.Join(none, ", ")
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s |\n", name, cell(ours[name]), cell(others[name]), missing)
	}
	page, err := os.ReadFile(connectorPage)
	if err != nil {
		t.Fatal(err)
	}
	const begin, end = "<!-- calls -->\n", "<!-- /calls -->"
	head, rest, ok := strings.Cut(string(page), begin)
	got, tail, closed := strings.Cut(rest, end)
	if !ok || !closed {
		t.Fatal("the page has no place for the table of calls")
	}
	if got == b.String() {
		return
	}
	if !*update {
		t.Fatalf("%s does not tell which calls are made: run it with -update", connectorPage)
	}
	if err := os.WriteFile(connectorPage, []byte(head+begin+b.String()+end+tail), 0o600); err != nil {
		t.Fatal(err)
	}
}
