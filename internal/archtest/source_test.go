package archtest

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"slices"
	"testing"
)

// pureRooms decide without effects: the same input gives the same output on every machine and at any time.
var pureRooms = []string{"host/flow", "host/engine/decide", "sdk/decimal", "sdk/record", "sdk/sandbox/shop"}

// impure are packages of the standard library that a pure room has no use for.
var impure = []string{"crypto/rand", "database/sql", "log", "log/slog", "math/rand", "net", "net/http", "os/exec", "os/signal", "sync/atomic", "syscall"}

// clockCalls are functions of package time that ask the machine.
var clockCalls = []string{"Now", "Since", "Until", "Sleep", "After", "AfterFunc", "NewTimer", "NewTicker", "Tick"}

// floatFiles may use binary floating point; the value says why. Money, quantities and rates never do.
var floatFiles = map[string]string{
	"host/control/results.go": "the seconds that a run took are no amount",
	"host/control/metrics.go": "Prometheus has no other numbers; they count records and seconds",
}

// skipFloat are rooms whose code is generated or never carries money.
var skipFloat = []string{"proto", "internal/archtest", "tui"}

func TestPureRooms(t *testing.T) {
	for _, p := range packages(t) {
		room := ""
		for _, r := range pureRooms {
			if within(p.path(), r) {
				room = r
			}
		}
		if room == "" {
			continue
		}
		for _, i := range p.Imports {
			if slices.Contains(impure, i) {
				t.Errorf("%s imports %s, but %s is pure", p.path(), i, room)
			}
		}
		for name, file := range parse(t, p) {
			ast.Inspect(file, func(n ast.Node) bool {
				sel, ok := n.(*ast.SelectorExpr)
				if !ok {
					return true
				}
				if id, ok := sel.X.(*ast.Ident); ok && id.Name == "time" && slices.Contains(clockCalls, sel.Sel.Name) {
					t.Errorf("%s/%s calls time.%s, but %s is pure: take the time as an argument", p.path(), name, sel.Sel.Name, room)
				}
				return true
			})
		}
	}
}

// TestNoFloats: a binary floating point number cannot hold 0.10, so no code that may meet money mentions one.
func TestNoFloats(t *testing.T) {
	for _, p := range packages(t) {
		if slices.ContainsFunc(skipFloat, func(room string) bool { return within(p.path(), room) }) {
			continue
		}
		for name, file := range parse(t, p) {
			if _, ok := floatFiles[p.path()+"/"+name]; ok {
				continue
			}
			ast.Inspect(file, func(n ast.Node) bool {
				if id, ok := n.(*ast.Ident); ok && (id.Name == "float64" || id.Name == "float32") {
					t.Errorf("%s/%s uses %s: use decimals, or add the file to floatFiles with the reason", p.path(), name, id.Name)
				}
				return true
			})
		}
	}
}

// parse reads the files of a package that are not tests. A file that does not parse is the compiler's business.
func parse(t *testing.T, p pkg) map[string]*ast.File {
	t.Helper()
	files := map[string]*ast.File{}
	for _, name := range p.GoFiles {
		if f, err := parser.ParseFile(token.NewFileSet(), filepath.Join(p.Dir, name), nil, parser.SkipObjectResolution); err == nil {
			files[name] = f
		}
	}
	return files
}
