package archtest

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestFactsOfEAccounting: every test that the page of facts names is there, and where the facts themselves stand beside the checkout, each of
// their sections and error codes is on the page.
func TestFactsOfEAccounting(t *testing.T) {
	const name = "docs/facts-eaccounting.md"
	page, err := os.ReadFile(filepath.Join(root, name))
	if err != nil {
		t.Fatal(err)
	}
	cases, tests := showing(t)
	for _, p := range nameProblems(tables(string(page)), cases, tests) {
		t.Errorf("%s: %s", name, p)
	}
	facts, err := os.ReadFile(filepath.Join(root, "../shared/facts/eaccounting.md"))
	if errors.Is(err, fs.ErrNotExist) {
		return
	}
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range factsMissing(string(facts), string(page)) {
		t.Errorf("%s: %s", name, p)
	}
}

var (
	factsSection = regexp.MustCompile(`(?m)^###? (\d+(?:\.\d+)?)`)
	factsCodes   = regexp.MustCompile(`(?m)^\| ([0-9][0-9 /–]+) \|`)
	oneCode      = regexp.MustCompile(`\d{4}`)
)

// factsMissing are the numbered sections and the error codes of the facts that the page does not have.
func factsMissing(facts, page string) []string {
	var out []string
	have := map[string]bool{}
	for _, m := range factsSection.FindAllStringSubmatch(page, -1) {
		have[m[1]] = true
	}
	for _, m := range factsSection.FindAllStringSubmatch(facts, -1) {
		if !have[m[1]] {
			out = append(out, "section "+m[1]+" of the facts is not covered")
		}
	}
	for _, m := range factsCodes.FindAllStringSubmatch(facts, -1) {
		for _, code := range oneCode.FindAllString(m[1], -1) {
			if !strings.Contains(page, "| "+code+" |") {
				out = append(out, "error code "+code+" of the facts is not covered")
			}
		}
	}
	return out
}

func TestFactsMissing(t *testing.T) {
	const facts = "## 1. A\n### 6.1 B\n| 4026 / 4038 | x |\n| 4014–4017 | y |\n"
	got := strings.Join(factsMissing(facts, "## 1. A\n| 4026 | a |\n| 4014 | b |\n| 4017 | c |\n"), "; ")
	if want := "section 6.1 of the facts is not covered; error code 4038 of the facts is not covered"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	if got := factsMissing(facts, facts+"| 4026 |\n| 4038 |\n| 4014 |\n| 4017 |\n"); len(got) > 0 {
		t.Errorf("%q", got)
	}
}
