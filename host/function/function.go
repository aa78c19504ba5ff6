// Package function calls custom functions that are compiled to WebAssembly. Each module runs in a function worker: a child process
// of this same binary, with nothing inherited, that is killed when it takes too long or too much memory. The host passes the
// columns that a function takes, a batch at a time; docs/functions.md describes the form, Serve is the worker's side.
package function

import (
	"fmt"
	"strings"

	"github.com/pomost/pomost/sdk/record"
)

// Bounds. Those of the batch stand in docs/functions.md as well.
const (
	abiVersion     = 1
	maxRows        = 10_000
	maxColumns     = 32
	maxBytes       = 16 << 20
	maxRowError    = 1000 // bytes of a row's error
	maxModule      = 32 << 20
	maxDescription = 256 << 10
	maxFunctions   = 64
	maxExamples    = 100
)

// batchRows is how many rows travel at a time: as many as fail together when a worker is killed.
const batchRows = 1000

// Parameter is one input or output of a function.
type Parameter struct {
	Name string      `json:"name"`
	Kind record.Kind `json:"-"`
}

// Signature is what a function takes and gives.
type Signature struct {
	Module      string // the module that it stands in
	Version     string // the module's
	Hash        string // SHA-256 of the module, in hexadecimal: the same hash gives the same answers
	Name        string
	Description string
	Inputs      []Parameter
	Outputs     []Parameter
}

// String is the signature as people write it: split_street(street text, country text) → (name text, number text).
func (s Signature) String() string {
	list := func(ps []Parameter) string {
		parts := make([]string, 0, len(ps))
		for _, p := range ps {
			parts = append(parts, p.Name+" "+p.Kind.String())
		}
		return "(" + strings.Join(parts, ", ") + ")"
	}
	return s.Name + list(s.Inputs) + " → " + list(s.Outputs)
}

// Column is one column of a batch: a value per record. Values are of the parameter's kind, null or absent; an integer is taken
// where a decimal is asked for.
type Column struct {
	Name   string
	Values []record.Value
}

// RowError says why a function gave no answer for one row; the other rows of its batch have theirs.
type RowError struct {
	Function string
	Version  string
	Message  string
}

// Error names the function.
func (e *RowError) Error() string {
	return fmt.Sprintf("the function %s (version %s) gives no answer: %s", e.Function, e.Version, e.Message)
}

// Cause is the stable code of this failure.
func (*RowError) Cause() string { return Cause }

// Remedy tells what to do.
func (*RowError) Remedy() string {
	return "correct the record, or the function, and retry"
}

// Cause is the stable code of a record that failed because a function did.
const Cause = "function_failed"

// Reason is why a worker could not answer for a whole batch.
type Reason string

// The reasons.
const (
	Deadline Reason = "deadline" // it took too long and was killed
	Memory   Reason = "memory"   // it took more memory than it may
	Trap     Reason = "trap"     // it ended by itself: a panic, an exit, a forbidden instruction
	Answer   Reason = "answer"   // what it answered is not of the documented form
	Start    Reason = "start"    // it could not be started: no module of ours, or none that runs
	TooLarge Reason = "too_large"
)

// Failed is the failure of a whole batch. The worker is gone then, and a fresh one takes the next batch.
type Failed struct {
	Module   string
	Version  string // "" where the module never described itself
	Function string // "" where the module itself failed
	Reason   Reason
	Message  string
	Err      error
}

// Error names function, version and reason.
func (e *Failed) Error() string {
	who := "the module " + e.Module
	if e.Function != "" {
		who = "the function " + e.Function
	}
	if e.Version != "" {
		who += " (version " + e.Version + ")"
	}
	return who + " failed: " + e.Message
}

// Unwrap returns what was underneath.
func (e *Failed) Unwrap() error { return e.Err }

// Cause is the stable code of this failure.
func (*Failed) Cause() string { return Cause }

// Remedy tells what to do.
func (e *Failed) Remedy() string {
	switch e.Reason {
	case Deadline, Memory:
		return "try the function on these records with its author; `pomost function test` runs its examples"
	case Start:
		return "build the function again with `pomost function build`, or take an intact copy"
	}
	return "tell the function's author; `pomost function test` runs its examples"
}

// UnknownError says that there is no such function.
type UnknownError struct {
	Function string
	Known    []string
	Broken   error // modules that cannot be used: one of them may have it
}

// Error names the function, and the modules that could not be looked into.
func (e *UnknownError) Error() string {
	if e.Broken != nil {
		return "there is no function " + e.Function + "; " + strings.ReplaceAll(e.Broken.Error(), "\n", "; ")
	}
	return "there is no function " + e.Function
}

// Unwrap returns what is wrong with other modules.
func (e *UnknownError) Unwrap() error { return e.Broken }

// Remedy names those that there are.
func (e *UnknownError) Remedy() string {
	if len(e.Known) == 0 {
		return "no function is installed: `pomost function add FILE` adds one"
	}
	return "functions are: " + strings.Join(e.Known, ", ")
}
