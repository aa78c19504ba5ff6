// Package function is what a custom function of Pomost is written with. A function takes some columns of a record and gives others;
// it is compiled to WebAssembly and runs apart from the host, without network, files, clock or randomness, so that the same
// input gives the same output everywhere. docs/functions.md describes the whole, for other languages too.
//
//	package main
//
//	import "github.com/pomost/pomost/sdk/function"
//
//	type in struct{ Street, Country string }
//	type out struct{ Name, Number string }
//
//	func init() {
//		function.Module("my_addresses", "1.0.0")
//		function.Register("split", "Splits a street line.", split,
//			function.Case(in{Street: "Main St 1", Country: "US"}, out{Name: "Main St", Number: "1"}))
//	}
//
//	func split(i in) (out, error) { … }
//
//	func main() {}
//
// It is built by `pomost function build`, or by GOOS=wasip1 GOARCH=wasm go build -buildmode=c-shared. Natively the package works
// as well, so that functions are tested with `go test`; CheckExamples runs their examples there.
package function

import (
	"reflect"
)

// ABI is the version of the binary interface that this package speaks.
const ABI = 1

// Decimal is an exact number as text, for a field of a function's input or output: "12.5", "-3". What comes in is canonical, what
// goes out is made so; text that is no decimal number fails its row. There is no arithmetic here: math/big has it.
type Decimal string

// Date is a calendar date without a zone.
type Date struct{ Year, Month, Day int }

// State tells whether a value is there.
type State uint8

// The states of a value. Null is "stated to be empty", absent is "not stated: leave it alone".
const (
	Absent State = iota
	Null
	Present
)

// Scalar is what a field can be made of.
type Scalar interface {
	~string | ~int | ~int64 | ~bool | Date
}

// Maybe is a field that may be null or absent. A row in which a field without Maybe is null or absent is not given to the
// function: its outputs are null then, or absent where nothing but absence was in the way.
type Maybe[T Scalar] struct {
	State State
	Value T
}

// Some is a value that is there.
func Some[T Scalar](v T) Maybe[T] { return Maybe[T]{Present, v} }

// Empty is the value that is stated to be empty: null.
func Empty[T Scalar]() Maybe[T] { return Maybe[T]{State: Null} }

func (Maybe[T]) isMaybe() {}

// Example is a call with the answer it must get. Examples are part of the module: they explain it, and the host runs them before
// it accepts the module.
type Example[In, Out any] struct {
	In  In
	Out Out
	Err string // the error it must give instead
}

// Case is an example with an answer.
func Case[In, Out any](in In, out Out) Example[In, Out] { return Example[In, Out]{In: in, Out: out} }

// column is one input or output, and the field of the author's struct that holds it.
type column struct {
	name  string
	kind  byte
	field int
	maybe bool
}

// sample is an example, its values as the batch form holds them.
type sample struct {
	in, out []value
	err     string
}

// registered is a function without its types.
type registered struct {
	name, description string
	inputs, outputs   []column
	samples           []sample
	run               func(b *batch, out *writer)
}

// module is what this program offers. It is filled while the program starts, by one goroutine.
var module struct {
	name, version string
	functions     []*registered
}

// Module names this module and its version, for instance "1.2.0". The name, like those of functions and columns, is made of small
// letters, digits and underscores. Call it once, from init.
func Module(name, version string) {
	mustBeName("module", name)
	if version == "" || len(version) > 32 {
		panic("function: module " + name + " needs a version of at most 32 characters, for instance 1.0.0")
	}
	if module.name != "" {
		panic("function: Module is called twice: " + module.name + ", " + name)
	}
	module.name, module.version = name, version
}

// Register adds a function. In and Out are structs whose exported fields are its columns, in their order: a string is a text, int
// and int64 are integers, and then there are Decimal, bool, Date, and Maybe of each. A column's name is the field's in small letters
// with underscores (VatNumber is vat_number), or what a tag says: `pomost:"vat_no"`. An error of call, or a panic, fails that row
// alone. Call it from init; what cannot be registered panics with the reason.
func Register[In, Out any](name, description string, call func(In) (Out, error), examples ...Example[In, Out]) {
	mustBeName("function", name)
	for _, f := range module.functions {
		if f.name == name {
			panic("function: " + name + " is registered twice")
		}
	}
	f := &registered{name: name, description: description}
	f.inputs = columnsOf(name, "input", reflect.TypeFor[In]())
	f.outputs = columnsOf(name, "output", reflect.TypeFor[Out]())
	for _, e := range examples {
		s := sample{in: valuesOf(f.inputs, reflect.ValueOf(&e.In).Elem()), err: e.Err}
		if e.Err == "" {
			s.out = valuesOf(f.outputs, reflect.ValueOf(&e.Out).Elem())
		}
		f.samples = append(f.samples, s)
	}
	f.run = func(b *batch, w *writer) {
		var in In
		var out Out
		from, to := fields(f.inputs, reflect.ValueOf(&in).Elem()), fields(f.outputs, reflect.ValueOf(&out).Elem())
		for row := range b.rows {
			if missing := load(b, row, f.inputs, from); missing != Present {
				w.nothing(missing)
				continue
			}
			var err error
			if out, err = guarded(call, in); err != nil {
				w.fail(err.Error())
				continue
			}
			w.row(f.outputs, to)
		}
	}
	module.functions = append(module.functions, f)
}

// guarded calls a function of the author's. A panic is that row's error: one bad record stops only itself.
func guarded[In, Out any](call func(In) (Out, error), in In) (out Out, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = panicked{p}
		}
	}()
	return call(in)
}

// panicked is a panic of the author's function as an error.
type panicked struct{ value any }

func (p panicked) Error() string {
	switch v := p.value.(type) {
	case error:
		return "panic: " + v.Error()
	case string:
		return "panic: " + v
	}
	return "panic"
}

func columnsOf(function, what string, t reflect.Type) []column {
	if t.Kind() != reflect.Struct {
		panic("function: the " + what + " of " + function + " must be a struct")
	}
	var out []column
	for i := range t.NumField() {
		f := t.Field(i)
		if !f.IsExported() {
			continue
		}
		c := column{name: f.Tag.Get("pomost"), field: i}
		if c.name == "" {
			c.name = snake(f.Name)
		}
		mustBeName(what+" of "+function, c.name)
		for _, other := range out {
			if other.name == c.name {
				panic("function: " + function + " has two " + what + "s named " + c.name)
			}
		}
		ft := f.Type
		if ft.Implements(reflect.TypeFor[interface{ isMaybe() }]()) {
			c.maybe = true
			ft = ft.Field(1).Type
		}
		switch {
		case ft == reflect.TypeFor[Decimal]():
			c.kind = kindDecimal
		case ft == reflect.TypeFor[Date]():
			c.kind = kindDate
		case ft.Kind() == reflect.String:
			c.kind = kindText
		case ft.Kind() == reflect.Int64, ft.Kind() == reflect.Int:
			c.kind = kindInteger
		case ft.Kind() == reflect.Bool:
			c.kind = kindBool
		default:
			panic("function: the " + what + " " + c.name + " of " + function + " cannot be of type " + f.Type.String() +
				": use string, int64, function.Decimal, bool, function.Date or function.Maybe of one of them")
		}
		out = append(out, c)
	}
	if len(out) == 0 || len(out) > maxColumns {
		panic("function: " + function + " needs 1 to 32 exported fields in its " + what)
	}
	return out
}

func mustBeName(what, name string) {
	ok := name != "" && len(name) <= 63 && name[0] >= 'a' && name[0] <= 'z'
	for i := range len(name) {
		c := name[i]
		ok = ok && (c >= 'a' && c <= 'z' || c >= '0' && c <= '9' || c == '_')
	}
	if !ok {
		panic("function: " + what + ": the name " + name + " must be small letters, digits and underscores, a letter first, 63 at most")
	}
}

// snake is a Go name as a column is called: VatNumber is vat_number, VATNumber too.
func snake(s string) string {
	var b []byte
	upper := func(i int) bool { return i < len(s) && s[i] >= 'A' && s[i] <= 'Z' }
	for i := range len(s) {
		if !upper(i) {
			b = append(b, s[i])
			continue
		}
		if i > 0 && (!upper(i-1) || i+1 < len(s) && !upper(i+1)) && s[i-1] != '_' {
			b = append(b, '_')
		}
		b = append(b, s[i]+'a'-'A')
	}
	return string(b)
}
