package archtest

import (
	"flag"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

var updateFacts = flag.Bool("update-facts", false, "write the facts anew into docs/facts-*.md; what holds them stays")

// factsMark stands in a page that lists every fact of the notes that it is named after.
const factsMark = "<!-- every fact of the notes -->"

var (
	// testName is a test as the pages name it: connector.TestX is plugins/<system>/connector, one with a slash begins at the root.
	testName = regexp.MustCompile("`([a-z][a-z0-9_/]*)\\.((?:Test|Fuzz|Benchmark)[A-Z0-9]\\w*)`")
	factRow  = regexp.MustCompile(`^\| ([0-9B][0-9a-z]*\.[0-9]+) \| (.*) \| ([^|]*) \| ([^|]*) \|$`)
)

// fact is a line of the notes.
type fact struct{ id, text, certainty string }

// TestFacts keeps the coverage tables true: each test that they name exists, each fact is held by one or says why not, and where the
// notes are at hand, none is missing.
func TestFacts(t *testing.T) {
	root := filepath.Join("..", "..")
	pages, err := filepath.Glob(filepath.Join(root, "docs", "facts-*.md"))
	if err != nil || len(pages) == 0 {
		t.Fatalf("no coverage table in docs (%v)", err)
	}
	known := map[string]map[string]bool{}
	for _, page := range pages {
		raw, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		system := strings.TrimSuffix(strings.TrimPrefix(filepath.Base(page), "facts-"), ".md")
		for n, line := range strings.Split(string(raw), "\n") {
			for _, m := range testName.FindAllStringSubmatch(line, -1) {
				dir := m[1]
				if !strings.Contains(dir, "/") {
					dir = filepath.Join("plugins", system, dir)
				}
				if known[dir] == nil {
					known[dir] = testsIn(t, filepath.Join(root, dir))
				}
				if !known[dir][m[2]] {
					t.Errorf("%s:%d: there is no test %s in %s", page, n+1, m[2], dir)
				}
			}
		}
		if strings.Contains(string(raw), factsMark) {
			checkFacts(t, page, string(raw), filepath.Join(root, "..", "shared", "facts", system+".md"))
		}
	}
}

func checkFacts(t *testing.T, page, text, notes string) {
	held := map[string]string{}
	var have []fact
	for n, line := range strings.Split(text, "\n") {
		m := factRow.FindStringSubmatch(line)
		if m == nil {
			continue
		}
		f := fact{m[1], m[2], m[3]}
		have, held[f.text] = append(have, f), m[4]
		if !testName.MatchString(m[4]) && !strings.HasPrefix(m[4], "none: ") && !*updateFacts {
			t.Errorf("%s:%d: %s is held by no test; name one, or say why not after none:", page, n+1, f.id)
		}
	}
	raw, err := os.ReadFile(notes)
	if err != nil {
		t.Log("the notes are not here, so it was not checked whether a fact is missing")
		return
	}
	want := factsOf(string(raw))
	if *updateFacts {
		head, _, _ := strings.Cut(text, "\n| fact |")
		var b strings.Builder
		b.WriteString(head + "\n| fact | what it says | certainty | held by |\n|---|---|---|---|\n")
		for _, f := range want {
			fmt.Fprintf(&b, "| %s | %s | %s | %s |\n", f.id, f.text, f.certainty, held[f.text])
		}
		if err := os.WriteFile(page, []byte(b.String()), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	for _, f := range want {
		if !slices.Contains(have, f) {
			t.Errorf("%s lacks fact %s: %s (go test ./internal/archtest -run TestFacts -update-facts)", page, f.id, f.text)
		}
	}
	if len(have) != len(want) {
		t.Errorf("%s has %d facts, the notes have %d", page, len(have), len(want))
	}
}

var (
	factHeading = regexp.MustCompile(`^#+ (?:PART )?([0-9B]+[0-9]*[a-z]?)[. ]`)
	factMark    = regexp.MustCompile(`\[(D|C|U)(?:[-, (;][^\]]*)?\]`)
	spaces      = regexp.MustCompile(`\s+`)
)

// factsOf reads the notes: each item of a list, each row of a table and each paragraph is a fact, numbered within its section. The
// rows that head a table are none.
func factsOf(notes string) []fact {
	var out []fact
	section, n, inTable, whole := "", 0, false, ""
	for line := range strings.Lines(notes) {
		line = strings.TrimRight(line, "\n")
		if m := factHeading.FindStringSubmatch(line); m != nil {
			section, n, inTable, whole = m[1], 0, false, certaintyOf(line)
			continue
		}
		row := strings.HasPrefix(line, "|")
		switch {
		case section == "", strings.TrimSpace(line) == "", strings.HasPrefix(line, "#"):
			inTable = inTable && row
			continue
		case strings.HasPrefix(line, " "):
			continue // goes on with the one before
		case row && !inTable, strings.HasPrefix(line, "|--"):
			inTable = true
			continue
		}
		inTable = row
		n++
		certainty := certaintyOf(line)
		if certainty == "" && row {
			cells := strings.Split(strings.Trim(line, "| "), "|")
			certainty = certaintyOf("[" + strings.TrimSpace(cells[len(cells)-1]) + "]")
		}
		if certainty == "" {
			certainty = whole
		}
		if certainty == "" {
			certainty = "–"
		}
		out = append(out, fact{fmt.Sprintf("%s.%d", section, n), shortened(line), certainty})
	}
	return out
}

// certaintyOf collects the marks of a line.
func certaintyOf(line string) string {
	out := ""
	for _, mark := range []string{"D", "C", "U"} {
		for _, m := range factMark.FindAllStringSubmatch(line, -1) {
			if m[1] == mark && !strings.Contains(out, mark) {
				out += mark
			}
		}
	}
	return out
}

// shortened is the beginning of a fact, without what a table in a page cannot hold.
func shortened(line string) string {
	line = strings.Trim(strings.NewReplacer("|", " · ", "`", "", "**", "", "<", "&lt;").Replace(strings.Trim(line, "| -")), " ")
	line = spaces.ReplaceAllString(line, " ")
	if r := []rune(line); len(r) > 120 {
		line = strings.TrimSpace(string(r[:120])) + "…"
	}
	return line
}

// testsIn names the tests of a folder.
func testsIn(t *testing.T, dir string) map[string]bool {
	files, err := filepath.Glob(filepath.Join(dir, "*_test.go"))
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]bool{}
	for _, file := range files {
		f, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range f.Decls {
			if fn, ok := d.(*ast.FuncDecl); ok && fn.Recv == nil {
				out[fn.Name.Name] = true
			}
		}
	}
	return out
}
