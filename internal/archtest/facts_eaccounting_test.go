package archtest

import (
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

var updateEAFacts = flag.Bool("update-facts-eaccounting", false, "write the facts of eAccounting anew into docs; what holds them stays")

const (
	eaFactsPage = "docs/facts-eaccounting.md"
	eaFactsHead = "| fact | what it says | certainty | held by |\n|---|---|---|---|\n"
)

// eaFact is a line of the notes, and what holds it.
type eaFact struct{ id, text, certainty, held string }

func (f eaFact) row() string {
	return fmt.Sprintf("| %s | %s | %s | %s |\n", f.id, f.text, f.certainty, f.held)
}

// TestFactsOfEAccounting: each fact on the page is held by tests and golden cases that are there, or says why by none; and where the notes
// stand beside the checkout, the page has each of their facts and no other.
func TestFactsOfEAccounting(t *testing.T) {
	page, err := os.ReadFile(filepath.Join(root, eaFactsPage))
	if err != nil {
		t.Fatal(err)
	}
	head, rest, ok := strings.Cut(string(page), eaFactsHead)
	table, tail, ok2 := strings.Cut(rest, "\n\n")
	if !ok || !ok2 {
		t.Fatalf("%s has no table of facts with something after it", eaFactsPage)
	}
	have := eaRows(table)
	cases, tests := showing(t)
	for _, p := range eaHeldProblems(have, cases, tests) {
		t.Errorf("%s: %s", eaFactsPage, p)
	}
	notes, err := os.ReadFile(filepath.Join(root, "../shared/facts/eaccounting.md"))
	if errors.Is(err, fs.ErrNotExist) {
		t.Log("the notes are not here, so it was not checked whether a fact is missing")
		return
	}
	if err != nil {
		t.Fatal(err)
	}
	want := eaFactsOf(string(notes))
	for i, f := range want {
		j := slices.IndexFunc(have, func(h eaFact) bool { return h.text == f.text && h.id == f.id })
		if j < 0 {
			j = slices.IndexFunc(have, func(h eaFact) bool { return h.text == f.text })
		}
		if j >= 0 {
			want[i].held = have[j].held
		}
	}
	if slices.Equal(have, want) {
		return
	}
	if !*updateEAFacts {
		t.Fatalf("%s has %d facts and the notes %d, or they differ: go test ./internal/archtest -run TestFactsOfEAccounting -update-facts-eaccounting", eaFactsPage, len(have), len(want))
	}
	var b strings.Builder
	b.WriteString(head + eaFactsHead)
	for _, f := range want {
		b.WriteString(f.row())
	}
	if err := os.WriteFile(filepath.Join(root, eaFactsPage), []byte(b.String()+"\n"+tail), 0o600); err != nil {
		t.Fatal(err)
	}
}

var eaRow = regexp.MustCompile(`^\| (\d[\d.]*) \| (.*) \| ([^|]*) \| ([^|]*) \|$`)

func eaRows(table string) []eaFact {
	var out []eaFact
	for line := range strings.SplitSeq(strings.TrimRight(table, "\n"), "\n") {
		if m := eaRow.FindStringSubmatch(line); m != nil {
			out = append(out, eaFact{m[1], m[2], m[3], m[4]})
		} else {
			out = append(out, eaFact{text: line}) // equals no fact
		}
	}
	return out
}

var (
	eaHeld = regexp.MustCompile("`([a-z][a-z0-9_/]*)\\.(Test\\w+)`")
	eaCase = regexp.MustCompile(`\(([a-z0-9_, ]+)\)`)
)

// eaHeldProblems looks up what holds the facts. A name without a path is a test of plugins/eaccounting, golden cases are in brackets.
func eaHeldProblems(facts []eaFact, cases map[string]bool, tests []string) []string {
	var out []string
	for _, f := range facts {
		if strings.HasPrefix(f.held, "none: ") {
			continue
		}
		names := eaHeld.FindAllStringSubmatch(f.held, -1)
		if len(names) == 0 {
			out = append(out, fmt.Sprintf("%s (%s) is held by no test; name one, or say why not after none:", f.id, f.text))
		}
		for _, n := range names {
			folder := n[1]
			if !strings.Contains(folder, "/") {
				folder = "plugins/eaccounting/" + folder
			}
			if !slices.ContainsFunc(tests, func(test string) bool { return strings.HasSuffix(test, "/"+folder+"."+n[2]) }) {
				out = append(out, fmt.Sprintf("%s: there is no test %s in %s", f.id, n[2], folder))
			}
		}
		for _, m := range eaCase.FindAllStringSubmatch(f.held, -1) {
			for c := range strings.SplitSeq(m[1], ", ") {
				if !cases[c] {
					out = append(out, fmt.Sprintf("%s: there is no golden case %s", f.id, c))
				}
			}
		}
	}
	return out
}

var (
	eaHeading  = regexp.MustCompile(`^#+ (\d+(?:\.\d+)?)[. ]`)
	eaBrackets = regexp.MustCompile(`\[([^\]]*)\]`)
	eaMark     = regexp.MustCompile(`OA26|SW20|DOC|SBX|CLIENT|\?`)
	eaSpaces   = regexp.MustCompile(`\s+`)
	// eaSource is the certainty of a section's facts that bear no mark of their own.
	eaSource = map[string]string{"1": "DOC", "4": "DOC", "5": "OA26 SW20", "6": "OA26", "6.1": "OA26", "6.2": "OA26", "6.3": "OA26", "7": "SBX", "11": "SW20", "12": "OA26 SW20"}
)

// eaFactsOf reads the notes: each item of a list, each row of a table and each paragraph is a fact, numbered within its section.
func eaFactsOf(notes string) []eaFact {
	var out []eaFact
	section, n, inTable := "", 0, false
	for line := range strings.SplitSeq(notes, "\n") {
		if m := eaHeading.FindStringSubmatch(line); m != nil {
			section, n, inTable = m[1], 0, false
			continue
		}
		row := strings.HasPrefix(line, "|")
		switch {
		case section == "" || strings.TrimSpace(line) == "" || strings.HasPrefix(line, "#"):
			inTable = inTable && row
			continue
		case strings.HasPrefix(line, " "):
			continue // goes on with the one before
		case row && !inTable, strings.HasPrefix(line, "|-"):
			inTable = true // its head
			continue
		}
		inTable = row
		n++
		out = append(out, eaFact{id: fmt.Sprintf("%s.%d", section, n), text: eaShortened(line), certainty: eaCertainty(line, row, section)})
	}
	return out
}

func eaCertainty(line string, row bool, section string) string {
	var marks []string
	collect := func(text string) {
		for _, m := range eaMark.FindAllString(text, -1) {
			if !slices.Contains(marks, m) {
				marks = append(marks, m)
			}
		}
	}
	for _, m := range eaBrackets.FindAllStringSubmatch(line, -1) {
		collect(m[1])
	}
	if row && len(marks) == 0 {
		cells := strings.Split(strings.Trim(line, "| "), "|")
		collect(strings.ReplaceAll(cells[len(cells)-1], "?", ""))
	}
	switch {
	case len(marks) > 0:
		return strings.Join(marks, " ")
	case eaSource[section] != "":
		return eaSource[section]
	}
	return "–"
}

// eaShortened is the beginning of a fact, without what a table in a page cannot hold.
func eaShortened(line string) string {
	line = strings.NewReplacer("|", " · ", "`", "", "**", "", "<", "&lt;").Replace(strings.Trim(line, "| -"))
	line = strings.TrimSpace(eaSpaces.ReplaceAllString(line, " "))
	if r := []rune(line); len(r) > 120 {
		line = strings.TrimSpace(string(r[:120])) + "…"
	}
	return line
}

func TestEAFacts(t *testing.T) {
	notes := "# Notes\nbefore\n## 2. A\n- one [DOC x]\n  goes on\n\n| a | b |\n|---|---|\n| x | `y` [?] |\n| z | SW20 |\n### 6.1 B\n- two\n"
	var got []string
	for _, f := range eaFactsOf(notes) {
		got = append(got, f.row())
	}
	want := "| 2.1 | one [DOC x] | DOC |  |\n| 2.2 | x · y [?] | ? |  |\n| 2.3 | z · SW20 | SW20 |  |\n| 6.1.1 | two | OA26 |  |\n"
	if strings.Join(got, "") != want {
		t.Errorf("%q, want %q", got, want)
	}
	held := []eaFact{
		{id: "1", held: "`connector.TestA`, `sdk/x.TestB` (one, two)"}, {id: "2", held: "none: because"}, {id: "3"},
		{id: "4", held: "`connector.TestC`"}, {id: "5", held: "`sdk/x.TestB` (three)"},
	}
	problems := eaHeldProblems(held, map[string]bool{"one": true, "two": true}, []string{"../../plugins/eaccounting/connector.TestA", "../../sdk/x.TestB"})
	if got, want := strings.Join(problems, "; "), "3 () is held by no test; name one, or say why not after none:; 4: there is no test TestC in plugins/eaccounting/connector; "+
		"5: there is no golden case three"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}
