package control

import (
	"embed"
	"fmt"
	"io/fs"

	"github.com/goccy/go-yaml"

	"github.com/pomost/pomost/host/flow"
	"github.com/pomost/pomost/recipes"
)

// What this package asks, in other languages: words/LANGUAGE.yaml, by the English text.
//
//go:embed words/*.yaml
var wordFiles embed.FS

// speech says texts in a person's language, by the English text, which is said where it has no other: the words of this package, and those
// of the recipes, which know their systems' words too.
type speech map[string]string

// speech gathers the words of a language; none for English. What this package says comes first, then what the shipped recipes say: a recipe
// from elsewhere brings words for its own texts, and changes none of theirs.
func (s *Service) speech(language string) (speech, error) {
	out := speech{}
	if language == "" || language == "en" {
		return out, nil
	}
	if text, err := fs.ReadFile(wordFiles, "words/"+language+".yaml"); err == nil { // a language that is not there is spoken in English
		if err := yaml.Unmarshal(text, &out); err != nil {
			return nil, fmt.Errorf("read the words of %s: %w", language, err)
		}
	}
	for _, from := range []fs.FS{recipes.FS, s.recipes} {
		for _, name := range flow.RecipeNames(from) {
			r, err := flow.LoadRecipe(from, name)
			if err != nil {
				return nil, err
			}
			for text, said := range r.Words[language] {
				if out[text] == "" {
					out[text] = said
				}
			}
		}
	}
	return out, nil
}

// t says a text.
func (s speech) t(text string, args ...any) string {
	if said := s[text]; said != "" {
		text = said
	}
	if len(args) == 0 {
		return text
	}
	return fmt.Sprintf(text, args...)
}

// t says a text in the person's language.
func (q *questionnaire) t(text string, args ...any) string { return q.speech.t(text, args...) }

// step says whatever stands in a question as a whole text. What is said already stays.
func (s speech) step(step *Step) {
	if q := step.Question; q != nil {
		q.Title, q.Text = s.t(q.Title), s.t(q.Text)
		s.fields(q.Fields)
	}
}

func (s speech) fields(fields []Field) {
	for i := range fields {
		f := &fields[i]
		f.Label, f.Help, f.Why = s.t(f.Label), s.t(f.Help), s.t(f.Why)
		for j := range f.Options {
			o := &f.Options[j]
			o.Label, o.Help = s.t(o.Label), s.t(o.Help)
		}
		s.fields(f.Columns)
	}
}
