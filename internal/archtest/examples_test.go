package archtest

import (
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// examplesMay is what an example that is a module of its own may import of this project, and its tests on top.
var examplesMay = rule{room: "examples", may: []string{"sdk"}, not: []string{"sdk/conformance", "sdk/sandbox"}, testMay: []string{"sdk"},
	why: "an example is what a third party could write"}

// TestExamplesOfTheirOwnModule: the go command does not list modules below this one, so their imports are read from the files.
func TestExamplesOfTheirOwnModule(t *testing.T) {
	modules, err := filepath.Glob(filepath.Join(root, "examples", "*", "go.mod"))
	if err != nil {
		t.Fatal(err)
	}
	if len(modules) == 0 {
		t.Error("there is no example that is a module of its own")
	}
	for _, m := range modules {
		files := 0
		err := filepath.WalkDir(filepath.Dir(m), func(p string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() || !strings.HasSuffix(p, ".go") {
				return err
			}
			files++
			f, err := parser.ParseFile(token.NewFileSet(), p, nil, parser.ImportsOnly)
			if err != nil {
				return err
			}
			for _, i := range f.Imports {
				path, err := strconv.Unquote(i.Path.Value)
				if err != nil {
					return err
				}
				if ours(path) && !allowed(examplesMay, "examples/x", short(path), strings.HasSuffix(p, "_test.go")) {
					t.Errorf("%s imports %s: %s", p, short(path), examplesMay.why)
				}
			}
			return nil
		})
		if err != nil {
			t.Error(err)
		}
		if files == 0 {
			t.Errorf("%s has no Go file", filepath.Dir(m))
		}
	}
	for to, want := range map[string]bool{"sdk/connector": true, "sdk/record": true, "sdk/sandbox": false, "host/flow": false, "proto/connector/v1": false, "internal/harness": false} {
		if got := allowed(examplesMay, "examples/x", to, false); got != want {
			t.Errorf("an example imports %s: allowed %v, want %v", to, got, want)
		}
	}
}
