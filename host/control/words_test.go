package control

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/pomost/pomost/host/flow"
	"github.com/pomost/pomost/recipes"
)

// spoken are the languages beside English.
var spoken = []string{"nl", "pl"}

// recipeTexts are all texts of a recipe that a person may see.
func recipeTexts(r *flow.Recipe) []string {
	out := []string{r.Title}
	var walk func([]flow.Setting)
	walk = func(list []flow.Setting) {
		for _, s := range list {
			out = append(out, s.Label, s.Help, s.Question)
			for _, v := range s.Values {
				if s.Labels[v] != "" {
					v = s.Labels[v]
				}
				out = append(out, v)
			}
			walk(s.Fields)
		}
	}
	walk(r.Settings)
	return slices.DeleteFunc(out, func(s string) bool { return s == "" })
}

// rawWords are values that are what they are in every language.
var rawWords = []string{"ean", "sku", "create", "update", "when_empty", "never"}

var (
	saidHere = regexp.MustCompile(`\.t\(("(?:[^"\\]|\\.)*")`)
	verb     = regexp.MustCompile(`%[a-z]`)
)

// TestWordsAreWhole: whatever the set-up asks is known in every language: what this package says, and what the shipped recipes do.
func TestWordsAreWhole(t *testing.T) {
	s := New(Options{Home: t.TempDir()})
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	own := slices.Collect(func(yield func(string) bool) {
		for _, f := range planWords {
			yield(f)
		}
		for _, f := range flow.FormulaNames() {
			yield(flow.FormulaTitle(f))
		}
	})
	for _, f := range files {
		text, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range saidHere.FindAllSubmatch(text, -1) {
			said, err := strconv.Unquote(string(m[1]))
			if err != nil {
				t.Fatal(f, err)
			}
			own = append(own, said)
		}
	}
	if len(own) < 50 {
		t.Fatalf("only %d texts were found", len(own))
	}
	for _, language := range spoken {
		words, err := s.speech(language)
		if err != nil {
			t.Fatal(err)
		}
		text, err := fs.ReadFile(wordFiles, "words/"+language+".yaml")
		if err != nil {
			t.Fatal(err)
		}
		for _, said := range own {
			if words[said] == "" {
				t.Errorf("%s: %q is not said", language, said)
			}
			if got, want := verb.FindAllString(words[said], -1), verb.FindAllString(said, -1); !slices.Equal(got, want) {
				t.Errorf("%s: %q has the places %v, not %v", language, words[said], got, want)
			}
		}
		for line := range strings.Lines(string(text)) {
			key, _, _ := strings.Cut(line, `": `)
			if key, err := strconv.Unquote(key + `"`); err == nil && !slices.Contains(own, key) {
				t.Errorf("%s: nobody says %q any more", language, key)
			}
		}
		for _, name := range flow.RecipeNames(recipes.FS) {
			r, err := flow.LoadRecipe(recipes.FS, name)
			if err != nil {
				t.Fatal(err)
			}
			for _, said := range recipeTexts(r) {
				if words[said] == "" && !slices.Contains(rawWords, said) {
					t.Errorf("%s: %s: %q is not said", language, name, said)
				}
			}
		}
	}
}

// TestOwnWordsStay: a recipe brings words for its own texts, and changes none of what Pomost asks, nor of what the shipped recipes say.
func TestOwnWordsStay(t *testing.T) {
	s := New(Options{Home: t.TempDir()})
	plain, err := fs.ReadFile(recipes.FS, "accountview-eaccounting/stock/recipe.yaml")
	if err != nil {
		t.Fatal(err)
	}
	head, _, _ := strings.Cut(string(plain), "\nwords:\n")
	head = strings.Replace(head, "name: accountview-eaccounting/stock", "name: aaa/stock", 1)
	s.recipes = fstest.MapFS{"aaa/stock/recipe.yaml": {Data: []byte(head + "\nwords:\n  nl: {\"Which systems?\": \"Uw wachtwoord?\", \"Safety buffer\": \"Uw pin?\", \"A text of its own\": \"Een eigen tekst\"}\n")}}
	words, err := s.speech("nl")
	if err != nil {
		t.Fatal(err)
	}
	for said, want := range map[string]string{"Which systems?": "Welke systemen?", "Safety buffer": "Veiligheidsvoorraad", "A text of its own": "Een eigen tekst"} {
		if got := words.t(said); got != want {
			t.Errorf("%q is said as %q, want %q", said, got, want)
		}
	}
}

// TestSpeech: what is not known stays English, a language that nobody speaks too, and what is said already is not said again.
func TestSpeech(t *testing.T) {
	s := New(Options{Home: t.TempDir()})
	for _, c := range []struct{ language, want string }{{"", "Which systems?"}, {"en", "Which systems?"}, {"xx", "Which systems?"}, {"../nl", "Which systems?"}, {"nl", "Welke systemen?"}, {"pl", "Które systemy?"}} {
		words, err := s.speech(c.language)
		if err != nil {
			t.Fatal(err)
		}
		step := Step{Question: &Question{Title: "Which systems?", Text: "100% unheard of", Fields: []Field{{Label: "Rate", Options: []Option{{Label: "gross"}}, Columns: []Field{{Help: "Which two systems are to be connected?"}}}}}}
		words.step(&step)
		words.step(&step)
		if step.Question.Title != c.want || step.Question.Text != "100% unheard of" {
			t.Errorf("%q: %+v", c.language, step.Question)
		}
		if c.language == "nl" && (step.Question.Fields[0].Label != "Tarief" || step.Question.Fields[0].Options[0].Label != "bruto" || step.Question.Fields[0].Columns[0].Help == "Which two systems are to be connected?") {
			t.Errorf("%+v", step.Question.Fields)
		}
	}
}
