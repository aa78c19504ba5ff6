package connector

import (
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write the generated part of docs/facts-eaccounting.md")

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
