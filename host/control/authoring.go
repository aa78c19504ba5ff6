package control

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/pomost/pomost/host/function"
)

// ParameterInfo is an input or output of a function.
type ParameterInfo struct {
	Name string `json:"name"`
	Type string `json:"type"` // text, integer, decimal, bool or date
}

// FunctionInfo is one function, as function ls prints it.
type FunctionInfo struct {
	Name        string          `json:"name"`
	Module      string          `json:"module"`
	Version     string          `json:"version"`
	From        string          `json:"from"` // shipped or own
	Signature   string          `json:"signature"`
	Inputs      []ParameterInfo `json:"inputs"`
	Outputs     []ParameterInfo `json:"outputs"`
	Description string          `json:"description"`
	SHA256      string          `json:"sha256"` // of the module
	// Hidden functions are not called: one of the user's own has the same name.
	Hidden bool `json:"hidden"`
}

// FunctionsResult is what function ls prints.
type FunctionsResult struct {
	Functions []FunctionInfo `json:"functions"`
}

// ExampleInfo is what became of one example.
type ExampleInfo struct {
	Function string `json:"function"`
	Number   int    `json:"number"`
	Call     string `json:"call"`
	Want     string `json:"want"`
	Got      string `json:"got"`
	Passed   bool   `json:"passed"`
}

// FunctionTestResult is what function test prints.
type FunctionTestResult struct {
	Module   string        `json:"module"`
	Version  string        `json:"version"`
	Passed   int           `json:"passed"`
	Failed   int           `json:"failed"`
	Examples []ExampleInfo `json:"examples"`
}

// FunctionFilesResult is what function new prints: the folder, and the files in it.
type FunctionFilesResult struct {
	Dir   string   `json:"dir"`
	Files []string `json:"files"`
}

// FunctionBuildResult is what function build prints.
type FunctionBuildResult struct {
	File  string `json:"file"`
	Bytes int64  `json:"bytes"`
}

// withPool gives f the installed functions and ends their workers afterwards.
func (s *Service) withPool(f func(*function.Pool) error) (err error) {
	p, err := s.functionPool()
	if err != nil {
		return err
	}
	defer func() {
		if e := p.Close(); err == nil {
			err = e
		}
	}()
	return f(p)
}

// ListFunctions lists the installed functions, those of the user's own first. What cannot be used is told by the error, beside the
// others.
func (s *Service) ListFunctions(ctx context.Context) (FunctionsResult, error) {
	out := FunctionsResult{Functions: []FunctionInfo{}}
	err := s.withPool(func(p *function.Pool) error {
		modules, err := p.Modules(ctx)
		seen := map[string]bool{}
		for _, m := range modules {
			infos := describeModule(m)
			for i := range infos {
				infos[i].Hidden = seen[infos[i].Name]
				seen[infos[i].Name] = true
			}
			out.Functions = append(out.Functions, infos...)
		}
		return functionFailure(err)
	})
	return out, err
}

func describeModule(m function.Module) []FunctionInfo {
	var out []FunctionInfo
	list := func(ps []function.Parameter) []ParameterInfo {
		infos := make([]ParameterInfo, 0, len(ps))
		for _, p := range ps {
			infos = append(infos, ParameterInfo{p.Name, p.Kind.String()})
		}
		return infos
	}
	for _, sig := range m.Signatures() {
		out = append(out, FunctionInfo{Name: sig.Name, Module: m.Name, Version: m.Version, From: m.From, Signature: sig.String(),
			Inputs: list(sig.Inputs), Outputs: list(sig.Outputs), Description: sig.Description, SHA256: m.Hash})
	}
	return out
}

// TestFunction runs the examples of a module: of an installed one, named by its name or a function's, or of a file that ends in .wasm.
func (s *Service) TestFunction(ctx context.Context, name string) (FunctionTestResult, error) {
	out := FunctionTestResult{Examples: []ExampleInfo{}}
	err := s.withPool(func(p *function.Pool) error {
		m, outcomes, err := p.Test(ctx, name)
		out.Module, out.Version = m.Name, m.Version
		for _, o := range outcomes {
			out.Examples = append(out.Examples, ExampleInfo{o.Function, o.Number, o.Call, o.Want, o.Got, o.Passed})
			if o.Passed {
				out.Passed++
			} else {
				out.Failed++
			}
		}
		if err == nil && out.Failed > 0 {
			err = &Failure{Cause: function.Cause, Message: fmt.Sprintf("%d of %d examples of %s fail", out.Failed, len(outcomes), m.Name),
				Remedy: "correct the function, or the example", exit: ExitFailed}
		}
		return functionFailure(err)
	})
	return out, err
}

// AddFunction installs a module of the user's own, when it describes itself and its examples pass.
func (s *Service) AddFunction(ctx context.Context, path string) (FunctionsResult, error) {
	out := FunctionsResult{Functions: []FunctionInfo{}}
	err := s.withPool(func(p *function.Pool) error {
		m, err := p.Add(ctx, path)
		if err == nil {
			out.Functions = describeModule(m)
		}
		return functionFailure(err)
	})
	return out, err
}

// NewFunction writes the beginnings of a function into a new folder of its name below dir.
func (s *Service) NewFunction(dir, name string) (FunctionFilesResult, error) {
	out := FunctionFilesResult{Dir: filepath.Join(dir, name), Files: []string{}}
	files, err := function.Skeleton(out.Dir, name)
	out.Files = append(out.Files, files...)
	switch {
	case errors.Is(err, function.ErrName):
		return out, usage("%s cannot be the name of a function", function.ErrName.Error(), name)
	case errors.Is(err, function.ErrExists):
		return out, usage("%s exists already", "take another name; nothing was changed", out.Dir)
	case err != nil:
		return out, &Failure{Cause: "failed", Message: "the files of " + name + " cannot be written: " + err.Error(), Remedy: "do it in a folder that you may write", exit: ExitFailed, err: err}
	}
	return out, nil
}

// BuildFunction compiles the function in a folder with the Go toolchain.
func (s *Service) BuildFunction(ctx context.Context, dir string) (FunctionBuildResult, error) {
	if info, err := os.Stat(dir); err != nil || !info.IsDir() {
		return FunctionBuildResult{}, usage("there is no folder %s", "name the folder of a function; `pomost function new NAME` makes one", dir)
	}
	path, err := function.Build(ctx, dir)
	var build *function.BuildError
	switch {
	case errors.Is(err, function.ErrNoGo):
		return FunctionBuildResult{}, &Failure{Cause: "failed", Message: err.Error(), Remedy: "install Go 1.24 or later (https://go.dev/dl) and see that `go version` works", exit: ExitFailed, err: err}
	case errors.As(err, &build):
		return FunctionBuildResult{}, &Failure{Cause: "failed", Message: err.Error(), Remedy: "correct it and build again", exit: ExitFailed, err: err}
	case err != nil:
		return FunctionBuildResult{}, err
	}
	info, err := os.Stat(path)
	if err != nil {
		return FunctionBuildResult{}, err
	}
	return FunctionBuildResult{File: path, Bytes: info.Size()}, nil
}

// functionFailure turns an error of functions into the one that is shown.
func functionFailure(err error) error {
	var unknown *function.UnknownError
	var refused *function.RefusedError
	var failed *function.Failed
	switch {
	case err == nil:
		return nil
	case errors.Is(err, function.ErrNoFile):
		return usage("%s", "`pomost function build DIR` makes one", err.Error())
	case errors.As(err, &unknown):
		return usage("%s", unknown.Remedy(), unknown.Error())
	case errors.As(err, &refused):
		return &Failure{Cause: function.Cause, Message: refused.Error(), Remedy: refused.Remedy, exit: ExitFailed, err: err}
	case errors.As(err, &failed):
		return &Failure{Cause: function.Cause, Message: err.Error(), Remedy: failed.Remedy(), exit: ExitFailed, err: err}
	}
	return err
}
