package archtest

import (
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
)

// settingsPage tells where each setting and field acts, and which test shows it.
const settingsPage = "docs/settings.md"

// shippedSetting is what a recipe says of a setting, as far as the page repeats it.
type shippedSetting struct {
	Default       any      `yaml:"default"`
	Planned       bool     `yaml:"planned"`
	PlannedValues []string `yaml:"planned_values"`
}

// written is a default as the page writes it.
func (s shippedSetting) written() string {
	switch d := s.Default.(type) {
	case nil:
		return "–"
	case []any:
		list := make([]string, len(d))
		for i, v := range d {
			list[i] = fmt.Sprint(v)
		}
		return strings.Join(list, ", ")
	default:
		return fmt.Sprint(d)
	}
}

// table is one table of a page: its section's title, its head and its rows, cell by cell.
type table struct {
	section string
	head    []string
	rows    [][]string
}

func tables(page string) []table {
	var list []table
	section, inside := "", false
	for line := range strings.Lines(page) {
		line = strings.TrimSpace(line)
		if title, ok := strings.CutPrefix(line, "## "); ok {
			section = title
		}
		if !strings.HasPrefix(line, "|") {
			inside = false
			continue
		}
		cells := strings.Split(strings.Trim(line, "|"), "|")
		for i := range cells {
			cells[i] = strings.TrimSpace(cells[i])
		}
		switch {
		case !inside:
			list = append(list, table{section: section, head: cells})
		case cells[0] != "---":
			last := &list[len(list)-1]
			last.rows = append(last.rows, cells)
		}
		inside = true
	}
	return list
}

// settingProblems compares the page with the settings of one recipe.
func settingProblems(list []table, section string, settings map[string]shippedSetting) []string {
	var problems []string
	i := slices.IndexFunc(list, func(t table) bool { return t.section == section && t.head[0] == "setting" })
	if i < 0 {
		return []string{"there is no table of settings under " + section}
	}
	told := map[string]bool{}
	for _, row := range list[i].rows {
		key, ok := leadingKey(row[0])
		if !ok {
			continue
		}
		s, ok := settings[key]
		if !ok {
			problems = append(problems, section+": no such setting: "+key)
			continue
		}
		if first := !told[key]; first && row[1] != s.written() {
			problems = append(problems, fmt.Sprintf("%s: the default of %s is %s, not %s", section, key, s.written(), row[1]))
		}
		told[key] = true
		if where := row[3]; s.Planned != strings.HasPrefix(where, "not yet") {
			problems = append(problems, fmt.Sprintf("%s: %s begins with \"not yet\" if, and only if, the recipe plans it", section, key))
		} else if i := slices.IndexFunc(s.PlannedValues, func(v string) bool { return !strings.Contains(where, "`"+v+"`") }); i >= 0 {
			problems = append(problems, fmt.Sprintf("%s: %s does not say that %s is not there yet", section, key, s.PlannedValues[i]))
		}
	}
	for key := range settings {
		if !told[key] {
			problems = append(problems, section+": not told: "+key)
		}
	}
	return problems
}

// leadingKey is the key that a row is about: what stands first, between backquotes.
func leadingKey(cell string) (string, bool) {
	rest, ok := strings.CutPrefix(cell, "`")
	if !ok {
		return "", false
	}
	key, _, ok := strings.Cut(rest, "`")
	return key, ok
}

var testFunc = regexp.MustCompile(`(?m)^func (Test\w+)\(t \*testing\.T\)`)

// showing lists what a page may name as proof: golden cases by their names, and Go tests as FOLDER.Test.
func showing(t *testing.T) (cases map[string]bool, tests []string) {
	t.Helper()
	cases = map[string]bool{}
	golden, err := filepath.Glob(filepath.Join(root, "internal/scenario/testdata/*.txtar"))
	if err != nil {
		t.Fatal(err)
	}
	for _, g := range golden {
		cases[strings.TrimSuffix(filepath.Base(g), ".txtar")] = true
	}
	err = filepath.WalkDir(root, func(p string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(p, "_test.go") {
			return err
		}
		text, err := os.ReadFile(p)
		for _, m := range testFunc.FindAllSubmatch(text, -1) {
			tests = append(tests, filepath.ToSlash(filepath.Dir(p))+"."+string(m[1]))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return cases, tests
}

// nameProblems looks each name up that stands under "shown by".
func nameProblems(list []table, cases map[string]bool, tests []string) []string {
	var problems []string
	for _, t := range list {
		if t.head[len(t.head)-1] != "shown by" {
			problems = append(problems, fmt.Sprintf("the table under %s does not end with \"shown by\"", t.section))
			continue
		}
		for _, row := range t.rows {
			if len(row) != len(t.head) {
				problems = append(problems, fmt.Sprintf("%s: %s has %d cells, want %d", t.section, row[0], len(row), len(t.head)))
				continue
			}
			for name := range strings.SplitSeq(row[len(row)-1], ",") {
				name = strings.TrimSpace(name)
				found := cases[name] || name == "–"
				if strings.Contains(name, ".") {
					found = slices.ContainsFunc(tests, func(test string) bool { return strings.HasSuffix(test, "/"+name) })
				}
				if !found {
					problems = append(problems, fmt.Sprintf("%s: %s: there is no test %q", t.section, row[0], name))
				}
			}
		}
	}
	return problems
}

// TestSettingsPage: each setting of the shipped recipes stands on the page with its default, what is planned is said to be, and
// every test that the page names is there.
func TestSettingsPage(t *testing.T) {
	page, err := os.ReadFile(filepath.Join(root, settingsPage))
	if err != nil {
		t.Fatal(err)
	}
	list := tables(string(page))
	cases, tests := showing(t)
	for _, p := range nameProblems(list, cases, tests) {
		t.Errorf("%s: %s", settingsPage, p)
	}
	if t.Failed() {
		return
	}
	recipes, err := filepath.Glob(filepath.Join(root, "recipes/*/*/recipe.yaml"))
	if err != nil || len(recipes) < 4 {
		t.Fatalf("recipes: %v, %v", recipes, err)
	}
	for _, file := range recipes {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var recipe struct {
			Settings map[string]shippedSetting `yaml:"settings"`
		}
		if err := yaml.Unmarshal(text, &recipe); err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		kind := path.Base(filepath.ToSlash(filepath.Dir(file)))
		for _, p := range settingProblems(list, strings.ToUpper(kind[:1])+kind[1:]+": settings", recipe.Settings) {
			t.Errorf("%s: %s", settingsPage, p)
		}
	}
}

// TestSettingsPageNotices: a page that says something wrong is noticed.
func TestSettingsPageNotices(t *testing.T) {
	settings := map[string]shippedSetting{"a": {Default: "x"}, "b": {Planned: true}, "c": {Default: []any{"y", "z"}, PlannedValues: []string{"q"}}}
	const right = "## Orders: settings\n\n|setting|default|certainty|where it acts|shown by|\n|---|---|---|---|---|\n| `a` | x | C | here | simple, flow.TestA |\n" +
		"| `b` | – | C | not yet | – |\n| `c` | y, z | C | there, not `q` yet | simple |\n| a thing | | C | there | simple |\n"
	for _, c := range []struct{ old, new, want string }{
		{"", "", ""},
		{"| x |", "| y |", "Orders: settings: the default of a is x, not y"},
		{"`a`", "`d`", "Orders: settings: no such setting: d; Orders: settings: not told: a"},
		{"| not yet |", "| there |", `Orders: settings: b begins with "not yet" if, and only if, the recipe plans it`},
		{"not `q` yet", "everywhere", "Orders: settings: c does not say that q is not there yet"},
		{"flow.TestA", "flow.TestB", "Orders: settings: `a`: there is no test \"flow.TestB\""},
		{"there | simple", "there | simpel", "Orders: settings: a thing: there is no test \"simpel\""},
		{"shown by", "seen in", `the table under Orders: settings does not end with "shown by"`},
		{"| C | here", "| here", "Orders: settings: `a` has 4 cells, want 5"},
		{"Orders:", "Order:", "there is no table of settings under Orders: settings"},
	} {
		list := tables(strings.Replace(right, c.old, c.new, 1))
		problems := nameProblems(list, map[string]bool{"simple": true}, []string{"../../host/flow.TestA", "../../host/workflow.TestB"})
		if len(problems) == 0 {
			problems = settingProblems(list, "Orders: settings", settings)
		}
		if got := strings.Join(problems, "; "); got != c.want {
			t.Errorf("%q for %q: %s, want %s", c.new, c.old, got, c.want)
		}
	}
}
