package words

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
)

// texts are all texts that the screens can say: what is passed to T or t, and the labels and helps of bindings. The places are where they
// stand.
func texts(t *testing.T) map[string]string {
	t.Helper()
	found := map[string]string{}
	files := token.NewFileSet()
	look := func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") || strings.Contains(path, "tuitest") {
			return err
		}
		file, err := parser.ParseFile(files, path, nil, 0)
		if err != nil {
			return err
		}
		add := func(e ast.Expr) {
			lit, ok := e.(*ast.BasicLit)
			if !ok || lit.Kind != token.STRING {
				return
			}
			if s, err := strconv.Unquote(lit.Value); err == nil && strings.ContainsFunc(verbs.ReplaceAllString(s, ""), isLetter) {
				found[s] = files.Position(lit.Pos()).String()
			}
		}
		ast.Inspect(file, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.CallExpr:
				switch called(n.Fun) {
				case "T", "t":
					if len(n.Args) > 0 {
						add(n.Args[0])
					}
				case "list", "enter", "back", "escape": // what pages call their bindings' makers: all their words are shown, but for an action's name
					first := 0
					if called(n.Fun) == "list" {
						first = 1
					}
					for _, a := range n.Args[min(len(n.Args), first):] {
						add(a)
					}
				case "bind":
					for _, a := range n.Args[min(len(n.Args), 1):] {
						add(a)
					}
				case "Bind", "move":
					for _, a := range n.Args[min(len(n.Args), 1):] {
						if lit, ok := a.(*ast.BasicLit); ok && !regexp.MustCompile(`^"[a-z_]+"$`).MatchString(lit.Value) || called(n.Fun) == "Bind" && slices.Index(n.Args, a) >= 2 {
							add(a)
						}
					}
				}
			case *ast.CompositeLit: // why a value has not the right form
				if called(n.Type) == "FieldError" && len(n.Elts) > 0 {
					e := n.Elts[0]
					if kv, ok := e.(*ast.KeyValueExpr); ok {
						e = kv.Value
					}
					add(e)
				}
			case *ast.KeyValueExpr:
				if id, ok := n.Key.(*ast.Ident); ok && (id.Name == "Label" || id.Name == "Help") {
					add(n.Value)
				}
			}
			return true
		})
		return nil
	}
	for _, root := range []string{"..", "../../host/control/fieldtext.go"} {
		if err := filepath.WalkDir(root, look); err != nil {
			t.Fatal(err)
		}
	}
	if len(found) < 100 {
		t.Fatalf("only %d texts were found in the screens", len(found))
	}
	return found
}

func called(e ast.Expr) string {
	switch e := e.(type) {
	case *ast.SelectorExpr:
		return e.Sel.Name
	case *ast.Ident:
		return e.Name
	}
	return ""
}

var verbs = regexp.MustCompile(`%[sdvq%]`)

func isLetter(r rune) bool { return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' }

// catalog reads a catalog as text by form; a text without forms has "other" only.
func catalog(t *testing.T, lang string) map[string]map[string]string {
	t.Helper()
	names, err := fs.Glob(catalogs, "*"+lang+".yaml")
	if err != nil {
		t.Fatal(err)
	}
	raw := map[string]any{}
	for _, name := range names {
		text, err := catalogs.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		var one map[string]any
		if err := yaml.Unmarshal(text, &one); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		for key, value := range one {
			if _, ok := raw[key]; ok {
				t.Errorf("%s says %q a second time", name, key)
			}
			raw[key] = value
		}
	}
	out := map[string]map[string]string{}
	for key, value := range raw {
		forms := map[string]string{}
		switch value := value.(type) {
		case string:
			forms["other"] = value
		case map[string]any:
			for form, s := range value {
				forms[form] = fmt.Sprint(s)
			}
		default:
			t.Errorf("%s: %q is %T", lang, key, value)
		}
		out[key] = forms
	}
	return out
}

// TestCatalogsAreWhole fails on a text that a language lacks, on one that no screen says, on other verbs, and on missing plural forms.
func TestCatalogsAreWhole(t *testing.T) {
	said := texts(t)
	english := catalog(t, "en")
	needed := map[string][]string{"en": {"one", "other"}, "nl": {"one", "other"}, "pl": {"one", "few", "many", "other"}}
	for _, lang := range Languages {
		entries := catalog(t, lang)
		for text, where := range said {
			if _, ok := entries[text]; !ok && lang != "en" {
				t.Errorf("%s.yaml lacks %q (%s)", lang, text, where)
			}
		}
		for text, forms := range entries {
			if _, ok := said[text]; !ok {
				t.Errorf("%s.yaml has %q, which no screen says", lang, text)
			}
			want := []string{"other"}
			if len(english[text]) > 1 {
				want = needed[lang]
			}
			for _, form := range want {
				if forms[form] == "" {
					t.Errorf("%s.yaml: %q lacks the form %q", lang, text, form)
				}
			}
			for form, s := range forms {
				if got, want := verbs.FindAllString(s, -1), verbs.FindAllString(text, -1); !slices.Equal(got, want) {
					t.Errorf("%s.yaml: %q (%s) has the verbs %v, the text has %v", lang, text, form, got, want)
				}
			}
		}
	}
}

func TestWords(t *testing.T) {
	for _, tc := range []struct {
		languages []string
		text      string
		args      []any
		want      string
	}{
		{nil, "%d tries", []any{1}, "1 try"},
		{[]string{"en"}, "%d tries", []any{1204}, "1,204 tries"},
		{[]string{"", "C", "pl_PL"}, "never", nil, "never"},
		{[]string{"pl_PL.UTF-8"}, "%d tries", []any{1}, "1 próba"},
		{[]string{"pl"}, "%d tries", []any{3}, "3 próby"},
		{[]string{"pl"}, "%d tries", []any{5}, "5 prób"},
		{[]string{"pl"}, "%d tries", []any{22}, "22 próby"},
		{[]string{"nl_NL@euro"}, "%d tries", []any{12345}, "12.345 pogingen"},
		{[]string{"de_DE", "nl"}, "never", nil, "nooit"},
		{[]string{"xx"}, "a text of nobody %s", []any{"x"}, "a text of nobody x"},
	} {
		c, err := New(tc.languages...)
		if err != nil {
			t.Fatal(err)
		}
		for range 2 { // what is said once is remembered
			if got := c.T(tc.text, tc.args...); got != tc.want {
				t.Errorf("%v says %q for %q %v, want %q", tc.languages, got, tc.text, tc.args, tc.want)
			}
		}
	}
}
