package function

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	guest "github.com/pomost/pomost/sdk/function"
)

// The files of a new function. The SDK travels with it, so that it builds without a network.
const (
	newModuleFile = `module %[1]s

go 1.24

require github.com/pomost/pomost v0.0.0

// A copy of the SDK, so that this builds without a network.
replace github.com/pomost/pomost => ./pomost
`
	newSDKFile = `module github.com/pomost/pomost

go 1.24
`
	newMain = `// Command %[1]s is a module of functions for Pomost. Build it with: pomost function build .
package main

import (
	"strings"

	"github.com/pomost/pomost/sdk/function"
)

// input is what the function takes: a column for each field.
type input struct{ Text string }

// output is what it gives.
type output struct{ Text string }

func init() {
	function.Module("%[1]s", "0.1.0")
	function.Register("%[1]s", "Says what it does, in a sentence.", call,
		function.Case(input{" Hello "}, output{"Hello"}))
}

// call is asked for every record. The same input must always give the same output.
func call(in input) (output, error) {
	return output{strings.TrimSpace(in.Text)}, nil
}

func main() {}
`
	newTest = `package main

import (
	"testing"

	"github.com/pomost/pomost/sdk/function"
)

func TestExamples(t *testing.T) {
	if err := function.CheckExamples(); err != nil {
		t.Error(err)
	}
}
`
)

// ErrName means that a name cannot be that of a function.
var ErrName = errors.New("a function's name is of small letters, digits and underscores, a letter first, 63 at most")

// ErrExists means that something is there already, and is left alone.
var ErrExists = errors.New("it exists already")

// Skeleton writes the beginnings of a function of the user's own in Go into the new folder dir, and returns the files' paths below it.
func Skeleton(dir, name string) ([]string, error) {
	if !nameForm.MatchString(name) {
		return nil, ErrName
	}
	if exists(dir) {
		return nil, fmt.Errorf("%s: %w", dir, ErrExists)
	}
	files := [][2]string{
		{"go.mod", fmt.Sprintf(newModuleFile, name)}, {"main.go", fmt.Sprintf(newMain, name)}, {"main_test.go", newTest},
		{"pomost/go.mod", newSDKFile},
	}
	entries, err := guest.Source.ReadDir(".")
	if err != nil {
		return nil, err
	}
	for _, e := range entries {
		// Source itself embeds the folder; in the copy there is nothing to embed it for.
		if strings.HasSuffix(e.Name(), "_test.go") || e.Name() == "source.go" {
			continue
		}
		text, err := guest.Source.ReadFile(e.Name())
		if err != nil {
			return nil, err
		}
		files = append(files, [2]string{"pomost/sdk/function/" + e.Name(), string(text)})
	}
	var written []string
	for _, f := range files {
		path := filepath.Join(dir, filepath.FromSlash(f[0]))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil { //nolint:gosec // source code, for whoever may read the folder above
			return written, err
		}
		if err := os.WriteFile(path, []byte(f[1]), 0o644); err != nil { //nolint:gosec // the same
			return written, err
		}
		written = append(written, f[0])
	}
	return written, nil
}

// BuildError is what the Go toolchain said.
type BuildError struct{ Output string }

// Error is the toolchain's answer.
func (e *BuildError) Error() string { return "the function does not build:\n" + e.Output }

// ErrNoGo means that there is no Go toolchain.
var ErrNoGo = errors.New("the Go toolchain is not installed")

// Build compiles the function in dir with the Go toolchain and returns the path of the module, which is named like the folder and lies
// in it.
func Build(ctx context.Context, dir string) (string, error) {
	abs, err := filepath.Abs(dir)
	if err != nil {
		return "", err
	}
	tool, err := exec.LookPath("go")
	if err != nil {
		return "", ErrNoGo
	}
	path := filepath.Join(abs, filepath.Base(abs)+suffix)
	cmd := exec.CommandContext(ctx, tool, "build", "-buildmode=c-shared", "-trimpath", "-ldflags=-s -w", "-o", path, ".")
	cmd.Dir = abs
	cmd.Env = append(os.Environ(), "GOOS=wasip1", "GOARCH=wasm", "CGO_ENABLED=0", "GOWORK=off")
	var said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &said, &said
	if err := cmd.Run(); err != nil {
		if ctx.Err() != nil {
			return "", ctx.Err()
		}
		text := strings.TrimSpace(cut(said.String(), 8000))
		if text == "" {
			text = err.Error()
		}
		return "", &BuildError{Output: text}
	}
	return path, nil
}
