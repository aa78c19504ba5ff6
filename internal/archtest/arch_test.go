// Package archtest holds the tests that keep the shape of the project: which room may import which, what pure rooms do not
// touch, that generated code is fresh, and that the map of rooms in CONTRIBUTING.md is complete. They need nothing but the
// go command, so they run with the unit tests; `make lint` says the same in an editor's words (.golangci.yml, depguard).
package archtest

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/pomost/pomost"

// root is the project's folder, seen from this package.
const root = "../.."

// pkg is what `go list` says of a package; paths are relative to the module, "." is the main package.
type pkg struct {
	ImportPath   string
	Name         string
	Dir          string
	GoFiles      []string
	Imports      []string
	TestImports  []string
	XTestImports []string
}

func (p pkg) path() string { return short(p.ImportPath) }

// short turns an import path of this module into a path from its root, and leaves others alone.
func short(importPath string) string {
	if importPath == module {
		return "."
	}
	return strings.TrimPrefix(importPath, module+"/")
}

func ours(importPath string) bool {
	return importPath == module || strings.HasPrefix(importPath, module+"/")
}

// buildTags are all tags of the project: a file behind a tag has imports too.
var buildTags = []string{"", "failpoint"}

// packages lists the project's packages under every tag. A package that does not compile is listed as well: its imports
// are what counts here.
func packages(t *testing.T) []pkg {
	t.Helper()
	var list []pkg
	for _, tag := range buildTags {
		cmd := exec.CommandContext(t.Context(), "go", "list", "-e", "-json=ImportPath,Name,Dir,GoFiles,Imports,TestImports,XTestImports", "-tags="+tag, "./...")
		cmd.Dir = root
		var stderr bytes.Buffer
		cmd.Stderr = &stderr
		out, err := cmd.Output()
		if err != nil {
			t.Fatalf("go list: %v\n%s", err, stderr.String())
		}
		for dec := json.NewDecoder(bytes.NewReader(out)); ; {
			var p pkg
			if err := dec.Decode(&p); errors.Is(err, io.EOF) {
				break
			} else if err != nil {
				t.Fatalf("go list: %v", err)
			}
			list = append(list, p)
		}
	}
	if len(list) < 10 {
		t.Fatalf("go list names only %d packages", len(list))
	}
	return list
}

func within(p, room string) bool {
	return room == "*" || p == room || strings.HasPrefix(p, room+"/")
}

// rule says what a room may import of this project. Where an import is under a path of both lists, the longer one wins.
type rule struct {
	room    string   // path.Match pattern of the room's folder; the rule covers what is below it too
	may     []string // besides itself
	not     []string
	testMay []string // what its tests may import on top
	why     string
}

// rules are the directions of the design: tui, host/cli → host/control → host/engine → host/flow; sdk and proto know
// nothing of the host; plugins know only sdk; the host knows no plugin. For a package, the most specific rule holds.
var rules = []rule{
	{room: ".", may: []string{"host/cli", "host/function", "tui"}, why: "the command only wires the commands and the screens"},
	{room: "e2e", may: []string{"*"}, why: "tests of the built binaries see everything"},
	{room: "internal", may: []string{"*"}, why: "tests and benchmarks of the whole see everything"},
	{room: "internal/archtest", why: "it looks at the project from outside"},
	{room: "internal/harness", may: []string{"host", "plugins", "sdk", "recipes"}, why: "it puts host, connectors and sandboxes together for tests"},
	{room: "internal/scenario", may: []string{"*"}, why: "scenarios see everything"},
	{room: "internal/realdata", may: []string{"*"}, why: "the run of real data sees everything"},
	{room: "internal/bench", may: []string{"*"}, why: "measurements see everything"},
	{room: "examples", may: []string{"sdk"}, why: "examples are what a third party could write"},

	{room: "proto", why: "the protocol is language-neutral and stands below everything"},
	{room: "recipes", why: "recipes are data"},
	{room: "functions", may: []string{"sdk/function"}, why: "functions are guests"},
	{room: "registry", may: []string{"sdk", "proto"}, why: "artifacts are files, whoever runs them"},

	{room: "sdk", may: []string{"sdk", "proto"}, not: []string{"sdk/sandbox", "sdk/conformance"}, why: "third parties import it: nothing of the host, and no test kit in production code"},
	{room: "sdk/decimal", why: "the number below all others"},
	{room: "sdk/record", may: []string{"sdk/decimal"}, why: "records stand on decimals alone"},
	{room: "sdk/wire", may: []string{"sdk/decimal", "sdk/record"}, why: "the wire form carries records and knows no calls"},
	{room: "sdk/function", why: "it is compiled into guests"},
	{room: "sdk/conformance", may: []string{"sdk"}, why: "it sees a connector and a running sandbox from outside"},
	{room: "sdk/sandbox", why: "a sandbox must not share code with the connector that it checks"},

	{room: "plugins/*", may: []string{"sdk"}, why: "a connector is what a third party could write"},
	{room: "plugins/*/connector", may: []string{"sdk"}, not: []string{"sdk/sandbox", "sdk/conformance"}, testMay: []string{"sdk/sandbox", "sdk/conformance", "plugins"}, why: "a connector knows one system and no emulator of it"},
	{room: "plugins/*/spec", may: []string{"sdk/sandbox"}, why: "what the vendor's specification says, for the tests of both sides"},
	{room: "plugins/*/sandbox", may: []string{"sdk/sandbox"}, testMay: []string{"plugins/*/spec"}, why: "a sandbox computes by its own route, so that the two cannot merely agree"},

	{room: "host", may: []string{"host", "host/engine/failpoint", "sdk", "proto", "registry", "recipes"}, not: []string{"host/cli", "host/control", "host/engine", "sdk/sandbox", "sdk/conformance"}, why: "rooms of the host serve the engine and do not know it"},
	{room: "host/child", why: "whoever has children: connectors, functions"},
	{room: "host/function", may: []string{"host/child", "sdk/decimal", "sdk/function", "sdk/record"}, why: "functions are columns in and columns out; what for is the engine's matter"},
	{room: "host/flow", may: []string{"sdk/connector", "sdk/decimal", "sdk/record", "recipes"}, testMay: []string{"sdk"}, why: "flows are pure: no engine, no store, no connector process"},
	{room: "host/store", may: []string{"sdk/decimal", "sdk/record"}, testMay: []string{"host/store"}, why: "the contract of the store knows no store"},
	{room: "host/store/*", may: []string{"host/store", "host/vault", "host/engine/failpoint", "sdk"}, not: []string{"sdk/sandbox", "sdk/conformance"}, why: "a store keeps what it is given"},
	{room: "host/engine", may: []string{"host/activity", "host/engine/decide", "host/engine/failpoint", "host/flow", "host/store", "sdk"}, not: []string{"host/store/*", "sdk/sandbox", "sdk/conformance"}, testMay: []string{"host/store/sqlite", "host/vault", "recipes"}, why: "clock, plugins and store come in through interfaces"},
	{room: "host/activity", may: []string{"host/store", "sdk"}, not: []string{"host/store/*", "sdk/sandbox", "sdk/conformance"}, testMay: []string{"host/store/sqlite", "host/vault"}, why: "the activity log makes, seals and opens payloads; keys and store come in through interfaces"},
	{room: "host/engine/decide", may: []string{"host/flow", "host/store", "sdk/connector", "sdk/decimal", "sdk/record"}, not: []string{"host/store/*"}, testMay: []string{"sdk", "recipes"}, why: "decisions are pure; of the store they know the words only"},
	{room: "host/engine/failpoint", why: "it is called from everywhere"},
	{room: "host/schedule", may: []string{"host", "sdk", "proto"}, not: []string{"host/cli", "host/control"}, why: "it starts runs of the engine"},
	{room: "host/control", may: []string{"host", "sdk", "proto", "registry", "recipes"}, not: []string{"host/cli"}, why: "all that a user can do, whoever asks"},
	{room: "host/cli", may: []string{"host", "sdk", "proto", "registry", "recipes", "tui"}, not: []string{"sdk/sandbox", "sdk/conformance"}, why: "commands are clients of the service"},
	{room: "tui", may: []string{"host/control", "host/activity", "host/store", "proto", "sdk"}, not: []string{"host/store/*", "sdk/sandbox", "sdk/conformance"}, testMay: []string{"tui/tuitest"}, why: "a client of the control API only, and of the shapes that it answers in"},
	{room: "tui/tuitest", may: []string{"tui", "host/control", "host/activity", "host/store", "host/engine", "host/flow"}, not: []string{"host/store/*", "host/engine/*"}, why: "a control API in memory, for tests of the screens"},
}

// ruleOf finds the most specific rule whose room holds the package.
func ruleOf(p string) (rule, bool) {
	var best rule
	found := false
	for _, r := range rules {
		if matches(r.room, p) && (!found || depth(r.room) > depth(best.room)) {
			best, found = r, true
		}
	}
	return best, found
}

func depth(room string) int {
	if room == "." {
		return 0
	}
	return strings.Count(room, "/") + 1
}

// matches is within for a room with wildcards.
func matches(room, p string) bool {
	if room == "." || p == "." {
		return room == p
	}
	if room == "*" {
		return true
	}
	parts := strings.Split(p, "/")
	n := depth(room)
	if len(parts) < n {
		return false
	}
	ok, err := path.Match(room, strings.Join(parts[:n], "/"))
	return err == nil && ok
}

// sameRoom is true where both packages are under one folder that the rule's room names.
func sameRoom(r rule, from, to string) bool {
	if !matches(r.room, from) || !matches(r.room, to) {
		return false
	}
	n := depth(r.room)
	head := func(p string) string { return strings.Join(strings.Split(p, "/")[:n], "/") }
	if other, _ := ruleOf(to); other.room != r.room {
		// Below a general room lies one with a rule of its own: a plugin's command may wire its connector and sandbox, but
		// the contract of the store may not import a store.
		return strings.HasPrefix(r.room, "plugins/") && head(from) == head(to)
	}
	return head(from) == head(to)
}

// allowed says whether the rule lets from import to.
func allowed(r rule, from, to string, test bool) bool {
	if sameRoom(r, from, to) {
		return true
	}
	longest := func(list []string) int {
		best := -1
		for _, room := range list {
			if matches(room, to) {
				best = max(best, len(room))
			}
		}
		return best
	}
	if test && longest(r.testMay) >= 0 {
		return true
	}
	may, not := longest(r.may), longest(r.not)
	return may >= 0 && may >= not
}

func TestImportDirections(t *testing.T) {
	for _, p := range packages(t) {
		from := p.path()
		r, ok := ruleOf(from)
		if !ok {
			t.Errorf("%s is in no room with a rule: add the room to the rules here and to the map in CONTRIBUTING.md", from)
			continue
		}
		check := func(imports []string, test bool) {
			for _, i := range imports {
				if ours(i) && !allowed(r, from, short(i), test) {
					t.Errorf("%s imports %s: %s (rule of room %s; test: %v)", from, short(i), r.why, r.room, test)
				}
			}
		}
		check(p.Imports, false)
		check(p.TestImports, true)
		check(p.XTestImports, true)
	}
}

// TestTheRulesRefuse shows that the rules above say what the design says; a rule that allows everything would pass the test
// above on any project.
func TestTheRulesRefuse(t *testing.T) {
	for _, tc := range []struct {
		from, to string
		test     bool
		want     bool
	}{
		{"host/cli", "host/control", false, true},
		{"host/control", "host/engine", false, true},
		{"host/engine", "host/flow", false, true},
		{"host/engine", "host/engine/decide", false, true},
		{"host/engine", "host/engine/failpoint", false, true},
		{"host/store/sqlite", "host/store", false, true},
		{"plugins/eaccounting", "plugins/eaccounting/sandbox", false, true},
		{"plugins/eaccounting/connector", "plugins/eaccounting/sandbox", true, true},
		{"plugins/eaccounting/sandbox", "sdk/sandbox/shop", false, true},
		{"sdk/conformance", "sdk/sandbox", false, true},
		{"tui", "host/control", false, true},
		{"tui/page", "host/activity", false, true},
		{"tui/page", "tui/tuitest", true, true},
		{"e2e", "plugins/eaccounting/sandbox", false, true},
		{"e2e", "host/cli", true, true},

		{"host/engine", "host/cli", false, false},
		{"host/engine", "host/control", false, false},
		{"host/engine", "host/connector", false, false},
		{"host/engine", "host/store/sqlite", false, false},
		{"host/engine", "host/store/sqlite", true, true},
		{"host/engine/decide", "host/store", false, true},
		{"host/engine/decide", "host/store/sqlite", false, false},
		{"host/engine/decide", "host/engine", false, false},
		{"host/flow", "host/engine", false, false},
		{"host/flow", "host/store", false, false},
		{"host/flow", "host/connector", false, false},
		{"host/store", "host/store/sqlite", false, false},
		{"host/connector", "host/engine", false, false},
		{"host/connector", "host/engine/failpoint", false, true},
		{"host/connector", "plugins/eaccounting/connector", false, false},
		{"host/cli", "plugins/eaccounting", true, false},
		{"host/control", "host/cli", false, false},
		{"sdk/connector", "host/store", false, false},
		{"sdk/connector", "sdk/sandbox", false, false},
		{"sdk/sandbox", "sdk/connector", false, false},
		{"sdk/sandbox/shop", "sdk/decimal", false, false},
		{"proto/connector/v1", "sdk/record", false, false},
		{"plugins/eaccounting/connector", "plugins/eaccounting/sandbox", false, false},
		{"plugins/eaccounting/sandbox", "plugins/eaccounting/connector", true, false},
		{"plugins/eaccounting/sandbox", "sdk/connector", false, false},
		{"plugins/eaccounting", "plugins/accountview/connector", false, false},
		{"plugins/eaccounting", "proto/connector/v1", false, false},
		{"plugins/eaccounting", "host/flow", false, false},
		{"tui", "host/engine", false, false},
		{".", "host/engine", false, false},
	} {
		r, ok := ruleOf(tc.from)
		if !ok {
			t.Errorf("no rule for %s", tc.from)
			continue
		}
		if got := allowed(r, tc.from, tc.to, tc.test); got != tc.want {
			t.Errorf("%s imports %s (test: %v): allowed %v, want %v by rule %s", tc.from, tc.to, tc.test, got, tc.want, r.room)
		}
	}
}

// TestTheMapIsComplete: CONTRIBUTING.md names every room that holds code, so that a newcomer finds it.
func TestTheMapIsComplete(t *testing.T) {
	text, err := os.ReadFile(root + "/CONTRIBUTING.md")
	if err != nil {
		t.Fatal(err)
	}
	var missing []string
	for _, p := range packages(t) {
		if p.path() == "." {
			continue
		}
		parts := strings.Split(p.path(), "/")
		n := 1
		if slices.Contains([]string{"host", "sdk", "plugins", "internal"}, parts[0]) {
			n = 2
		}
		room := fmt.Sprintf("`%s/`", strings.Join(parts[:min(n, len(parts))], "/"))
		if !bytes.Contains(text, []byte(room)) && !slices.Contains(missing, room) {
			missing = append(missing, room)
		}
	}
	if len(missing) > 0 {
		t.Errorf("the map of rooms in CONTRIBUTING.md lacks %s", strings.Join(missing, ", "))
	}
}
