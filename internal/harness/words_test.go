package harness_test

import (
	"strings"
	"testing"

	"github.com/pomost/pomost/host/control"
)

// TestSetupSpeaks: each question comes in the person's language, what the connectors call their settings too.
func TestSetupSpeaks(t *testing.T) {
	for _, language := range []string{"nl", "pl"} {
		t.Run(language, func(t *testing.T) {
			t.Parallel()
			z := newWizard(t, demoData(), demoData())
			z.answers.Language = language
			z.next()
			for z.step.Question != nil && !strings.HasPrefix(z.step.Question.ID, "plan:") {
				said, english := *z.step.Question, z.answers
				english.Language = ""
				plain, err := z.api.Question(t.Context(), english)
				if err != nil || plain.Question == nil || plain.Question.ID != said.ID {
					t.Fatalf("%v, %+v", err, plain)
				}
				differs(t, *plain.Question, said)
				switch id := said.ID; id {
				case "connection:accountview":
					z.system("books", z.w.AV, map[string]any{"company": "DEMO"})
					z.consent("books")
					z.next()
				case "connection:eaccounting":
					z.system("shop", z.w.EA, nil)
					z.consent("shop")
					z.next()
				case "flows":
					z.answer(id, map[string]any{"flows": []any{"orders", "stock", "products", "customers"}})
				default:
					fields := map[string]any{}
					for _, f := range said.Fields {
						if f.Value == nil && f.Required {
							f.Value = f.Options[0].Value
						}
						fields[f.Key] = f.Value
					}
					z.answer(id, fields)
				}
			}
		})
	}
}

// differs asserts that nothing of a question is said as in English, but for what is the same in both languages and what the systems say.
func differs(t *testing.T, english, said control.Question) {
	t.Helper()
	same := map[string]bool{"Document": true, "ean": true, "sku": true, "30s, 5m of 2h.": true}
	look := func(what, a, b string) {
		t.Helper()
		if a != "" && a == b && !same[a] {
			t.Errorf("%s: %s is said in English: %q", english.ID, what, a)
		}
	}
	look("its title", english.Title, said.Title)
	look("its text", english.Text, said.Text)
	for i, f := range english.Fields {
		if i >= len(said.Fields) || said.Fields[i].Key != f.Key {
			t.Fatalf("%s has other fields: %+v", english.ID, said.Fields)
		}
		other := said.Fields[i]
		if strings.HasPrefix(f.Label, "Object of") || strings.HasPrefix(f.Label, "List of") { // one for each object: experts set them
			continue
		}
		look("the label of "+f.Key, f.Label, other.Label)
		if f.Advanced {
			continue
		}
		look("the help of "+f.Key, f.Help, other.Help)
		look("why "+f.Key, f.Why, other.Why)
		for j, o := range f.Options {
			if strings.Contains(o.Label, o.Value+"  ") { // an item of a system's list
				continue
			}
			look("an option of "+f.Key, o.Label, other.Options[j].Label)
		}
	}
}
