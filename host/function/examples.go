package function

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/pomost/pomost/sdk/record"
)

// Outcome is what became of one example.
type Outcome struct {
	Function string
	Number   int    // from 1, within the function
	Call     string // split_street("Plein 1944 12", "NL")
	Want     string
	Got      string
	Passed   bool
}

// Test runs the examples of an installed module, named by its own name or by that of one of its functions, or of a module in a file
// that is not installed, when the name ends in .wasm. Each example runs twice, in another order and in another worker, for an answer
// must not depend on what came before.
func (p *Pool) Test(ctx context.Context, name string) (Module, []Outcome, error) {
	ctx, leave, err := p.enter(ctx)
	if err != nil {
		return Module{}, nil, err
	}
	defer leave()
	m, err := p.named(ctx, name)
	if err != nil {
		return Module{}, nil, err
	}
	return p.try(ctx, m.file)
}

// named finds a module by its name, by one of its functions, or as a file.
func (p *Pool) named(ctx context.Context, name string) (*module, error) {
	if strings.HasSuffix(name, suffix) {
		f, _, err := outside(name)
		return newModule(p, f), err
	}
	for _, m := range p.list() {
		if d, err := m.describe(ctx); err == nil && d.Name == name {
			return m, nil
		}
	}
	m, _, _, err := p.find(ctx, name)
	return m, err
}

// ErrNoFile means that there is no file of that name.
var ErrNoFile = errors.New("there is no file")

// outside reads a module that is not installed.
func outside(path string) (file, []byte, error) {
	content, err := readModule(path)
	if err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			return file{}, nil, fmt.Errorf("%w %s", ErrNoFile, path)
		}
		return file{}, nil, &Failed{Module: path, Reason: Start, Message: err.Error(), Err: err}
	}
	return file{name: strings.TrimSuffix(filepath.Base(path), suffix), path: path, hash: hashOf(content)}, content, nil
}

// try describes a module and runs its examples, in workers of their own.
func (p *Pool) try(ctx context.Context, f file) (Module, []Outcome, error) {
	forth, back := newModule(p, f), newModule(p, f)
	defer forth.retire()
	defer back.retire()
	d, err := forth.describe(ctx)
	if err != nil {
		return Module{}, nil, err
	}
	out := Module{Description: d, From: f.from, Path: f.path, Hash: f.hash}
	var outcomes []Outcome
	for n, fn := range d.Functions {
		found, err := forth.examples(ctx, d, n, false)
		if err != nil {
			return out, nil, err
		}
		again, err := back.examples(ctx, d, n, true)
		if err != nil {
			return out, nil, err
		}
		for i, e := range fn.Examples {
			o := Outcome{Function: fn.Name, Number: i + 1, Call: fn.Name + render(fn.Inputs, e.In), Want: wanted(fn, e), Got: found[i]}
			o.Passed = o.Got == o.Want
			if o.Passed && again[i] != found[i] {
				o.Passed = false
				o.Got = found[i] + ", and then " + again[i] + ": the answer depends on what came before"
			}
			outcomes = append(outcomes, o)
		}
	}
	return out, outcomes, nil
}

// examples runs the examples of function n and returns what came of each, in their order.
func (m *module) examples(ctx context.Context, d Description, n int, backwards bool) ([]string, error) {
	f := d.Functions[n]
	order := make([]int, len(f.Examples))
	for i := range order {
		order[i] = i
	}
	if backwards {
		slices.Reverse(order)
	}
	columns := make([]Column, len(f.Inputs))
	for i, p := range f.Inputs {
		columns[i].Name = p.Name
		for _, e := range order {
			columns[i].Values = append(columns[i].Values, f.Examples[e].In[i])
		}
	}
	out, errs, err := m.call(ctx, d, n, columns)
	if err != nil {
		return nil, err
	}
	found := make([]string, len(order))
	for row, e := range order {
		var failed *RowError
		if errors.As(errs[row], &failed) {
			found[e] = "error: " + failed.Message
			continue
		}
		values := make([]record.Value, 0, len(out))
		for _, c := range out {
			values = append(values, c.Values[row])
		}
		found[e] = render(f.Outputs, values)
	}
	return found, nil
}

func wanted(f Function, e Example) string {
	if e.Error != "" {
		return "error: " + clean(e.Error, maxRowError)
	}
	return render(f.Outputs, e.Out)
}

// render writes values as people read them: ("Plein 1944", "12", null).
func render(ps []Parameter, values []record.Value) string {
	parts := make([]string, 0, len(ps))
	for i := range ps {
		switch v := values[i]; v.Kind() {
		case record.KindAbsent:
			parts = append(parts, "absent")
		case record.KindNull:
			parts = append(parts, "null")
		case record.KindText:
			parts = append(parts, strconv.Quote(v.AsText()))
		default:
			parts = append(parts, v.String())
		}
	}
	return "(" + strings.Join(parts, ", ") + ")"
}

// RefusedError says why a module was not added.
type RefusedError struct {
	Path   string
	Why    string
	Remedy string
}

// Error says why.
func (e *RefusedError) Error() string { return e.Path + " is not added: " + e.Why }

// Add installs a module from a file into the user's folder, after it has described itself and passed its examples, of which every
// function needs one. A module of the user's own with the same name is replaced; the name of a function belongs to one module only.
func (p *Pool) Add(ctx context.Context, path string) (Module, error) {
	ctx, leave, err := p.enter(ctx)
	if err != nil {
		return Module{}, err
	}
	defer leave()
	if p.opts.Own == "" {
		return Module{}, errors.New("there is no folder for functions of your own")
	}
	f, content, err := outside(path)
	if err != nil {
		return Module{}, err
	}
	m, outcomes, err := p.try(ctx, f)
	if err != nil {
		return m, err
	}
	refused := func(remedy, why string, args ...any) (Module, error) {
		return m, &RefusedError{Path: path, Why: fmt.Sprintf(why, args...), Remedy: remedy}
	}
	for _, fn := range m.Functions {
		if len(fn.Examples) == 0 {
			return refused("give it an example, which explains it and is its test", "its function %s has no example", fn.Name)
		}
	}
	for _, o := range outcomes {
		if !o.Passed {
			return refused("`pomost function test "+path+"` shows all of them", "example %d fails: %s is %s, not %s", o.Number, o.Call, o.Got, o.Want)
		}
	}
	for _, other := range p.list() {
		d, err := other.describe(ctx)
		if err != nil || other.file.from == Own && d.Name == m.Name {
			continue
		}
		if d.Name == m.Name {
			return refused("give the module another name", "Pomost ships a module named %s", m.Name)
		}
		for _, fn := range m.Functions {
			if slices.ContainsFunc(d.Functions, func(o Function) bool { return o.Name == fn.Name }) {
				return refused("give the function another name", "there is a function %s already, in the module %s (%s)", fn.Name, d.Name, other.file.from)
			}
		}
	}
	// What was tried is what is installed, whatever became of the file meanwhile.
	if m.Path, err = install(p.opts.Own, m.Name, content); err != nil {
		return m, fmt.Errorf("the module %s cannot be kept in %s: %w", m.Name, p.opts.Own, err)
	}
	m.From = Own
	p.Refresh()
	return m, nil
}

// exists tells whether there is something at a path.
func exists(path string) bool {
	_, err := os.Lstat(path)
	return err == nil
}
