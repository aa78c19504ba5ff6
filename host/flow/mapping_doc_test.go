package flow

import (
	"os"
	"regexp"
	"strings"
	"testing"
)

// TestMappingPage keeps docs/mapping.md true: its example can be applied, and it names every key, transform and function of the language and every
// word that paths begin with.
func TestMappingPage(t *testing.T) {
	data, err := os.ReadFile("../../docs/mapping.md")
	if err != nil {
		t.Fatal(err)
	}
	page := string(data)
	_, rest, _ := strings.Cut(page, "```yaml\n")
	example, _, _ := strings.Cut(rest, "```")
	c, err := ParseConfig([]byte(example), "mapping.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range mustLoad(t).Adopt(c.Flows["orders"]) {
		t.Errorf("the example: %s: %s", p.Path, p.Message)
	}
	words := map[string]bool{}
	for _, w := range regexp.MustCompile(`[a-z_]+`).FindAllString(page, -1) {
		words[w] = true
	}
	named := append(append([]string{}, ruleKeys...), transformNames()...)
	named = append(named, keys(builtins)...)
	for _, k := range kinds {
		for which, contexts := range k.write {
			named = append(append(named, which), keys(contexts)...)
		}
	}
	for _, w := range named {
		if !words[w] {
			t.Errorf("docs/mapping.md does not name %s", w)
		}
	}
}
