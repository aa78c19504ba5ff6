package control

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"sync"

	"github.com/pomost/pomost/host/flow"
	"github.com/pomost/pomost/host/function"
	"github.com/pomost/pomost/host/home"
	"github.com/pomost/pomost/sdk/record"
)

// Functions are custom functions by name; the Pool of host/function, which runs WebAssembly in workers, is the one in use.
type Functions interface {
	// Describe returns a function's signature; *function.UnknownError when there is none.
	Describe(ctx context.Context, name string) (function.Signature, error)
	// Call gives columns to a function and returns the columns of its outputs, and per row an error or nil.
	Call(ctx context.Context, name string, columns []function.Column) ([]function.Column, []error, error)
	Close() error
}

// The folders of functions: those of the program lie beside it, the user's own and the compiled code in the home.
const (
	functionsFolder = "functions"
	functionsCache  = "cache"
)

// callables are the functions of a workshop: they are opened at their first use, and described once. Safe for concurrent use.
type callables struct {
	open func() (Functions, error)

	mu    sync.Mutex
	fs    Functions
	known map[string]function.Signature
}

// functions opens the functions that the flows of a home may call.
func (s *Service) functions() (Functions, error) {
	if s.opts.Functions != nil {
		return s.opts.Functions()
	}
	return s.functionPool()
}

// functionPool finds the functions that are installed, for this home.
func (s *Service) functionPool() (*function.Pool, error) {
	dir, err := s.binaries()
	if err != nil {
		return nil, err
	}
	h, err := home.Open(s.opts.Home, home.Options{Getenv: s.opts.Getenv, ReadOnly: true})
	if err != nil {
		return nil, err
	}
	return function.New(function.Options{Shipped: filepath.Join(dir, functionsFolder), Own: filepath.Join(h.Dir(), functionsFolder),
		Cache: filepath.Join(h.Dir(), functionsCache, functionsFolder)})
}

// describe returns the signature of a function, and whether there is one of that name.
func (c *callables) describe(ctx context.Context, name string) (sig function.Signature, ok bool, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if sig, ok = c.known[name]; ok {
		return sig, true, nil
	}
	if c.fs == nil {
		if c.fs, err = c.open(); err != nil {
			return sig, false, fmt.Errorf("open the functions: %w", err)
		}
	}
	sig, err = c.fs.Describe(ctx, name)
	var unknown *function.UnknownError
	switch {
	case errors.As(err, &unknown) && unknown.Broken == nil: // else a module that cannot be looked into may have it
		return sig, false, nil
	case err != nil:
		return sig, false, fmt.Errorf("function %s: %w", name, err)
	}
	if c.known == nil {
		c.known = map[string]function.Signature{}
	}
	c.known[name] = sig
	return sig, true, nil
}

func (c *callables) close() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.fs == nil {
		return nil
	}
	return c.fs.Close()
}

// signatures describes the functions that a recipe's rules call. One that there is not is left out: the check names it.
func (c *callables) signatures(ctx context.Context, r *flow.Recipe) (map[string]flow.Signature, error) {
	out := map[string]flow.Signature{}
	for _, name := range r.Called() {
		sig, ok, err := c.describe(ctx, name)
		if err != nil {
			return nil, err
		}
		if !ok {
			continue
		}
		kinds := flow.Signature{Outputs: map[string]record.Kind{}}
		for _, p := range sig.Inputs {
			kinds.Inputs = append(kinds.Inputs, p.Kind)
		}
		for _, p := range sig.Outputs {
			kinds.Outputs[p.Name] = p.Kind
		}
		out[name] = kinds
	}
	return out, nil
}

// call calls functions, each once for all of its calls. A function that fails holds the records that need it, and no others.
func (c *callables) call(ctx context.Context, calls []flow.Call) ([]flow.Result, error) {
	out := make([]flow.Result, len(calls))
	by := map[string][]int{}
	for i, one := range calls {
		by[one.Function] = append(by[one.Function], i)
	}
	for _, name := range sortedKeys(by) {
		sig, ok, err := c.describe(ctx, name)
		if err == nil && !ok {
			err = &function.UnknownError{Function: name}
		}
		var given []function.Column
		var rows []error
		if err == nil {
			columns := make([]function.Column, len(sig.Inputs))
			for n, p := range sig.Inputs {
				columns[n].Name = p.Name
				for _, i := range by[name] {
					columns[n].Values = append(columns[n].Values, calls[i].Args[n])
				}
			}
			given, rows, err = c.fs.Call(ctx, name, columns)
		}
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		for row, i := range by[name] {
			out[i] = result(sig, given, rows, row, err)
		}
	}
	return out, nil
}

// result is what a function gave for one row, or why it gave nothing.
func result(sig function.Signature, given []function.Column, rows []error, row int, err error) flow.Result {
	if err == nil {
		err = rows[row]
	}
	if err != nil {
		r := flow.Result{Failure: err.Error(), Remedy: "correct the record or the function, then retry"}
		var told interface{ Remedy() string }
		if errors.As(err, &told) {
			r.Remedy = told.Remedy()
		}
		return r
	}
	r := flow.Result{Version: sig.Version, Outputs: map[string]record.Value{}}
	for _, c := range given {
		r.Outputs[c.Name] = c.Values[row]
	}
	return r
}
