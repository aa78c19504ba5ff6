package function

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strconv"

	"github.com/pomost/pomost/sdk/decimal"
	"github.com/pomost/pomost/sdk/record"
)

// Description is what a module says of itself.
type Description struct {
	Name      string
	Version   string
	Functions []Function
}

// Function is one function of a module.
type Function struct {
	Name        string
	Description string
	Inputs      []Parameter
	Outputs     []Parameter
	Examples    []Example
}

// Example is a call with the answer it must get.
type Example struct {
	In    []record.Value // by position
	Out   []record.Value
	Error string // that it must give instead of an answer
}

var nameForm = regexp.MustCompile(`^[a-z][a-z0-9_]{0,62}$`)

// kinds are those that columns can have.
var kinds = map[string]record.Kind{"text": record.KindText, "integer": record.KindInteger, "decimal": record.KindDecimal,
	"bool": record.KindBool, "date": record.KindDate}

// rawParameter is an input or output as a description has it.
type rawParameter struct{ Name, Type string }

// parseDescription reads a module's description. Nothing in it is believed.
func parseDescription(text []byte) (Description, error) {
	var raw struct {
		Name, Version string
		Functions     []struct {
			Name, Description string
			Inputs, Outputs   []rawParameter
			Examples          []struct {
				In, Out map[string]json.RawMessage
				Error   string
			}
		}
	}
	if len(text) > maxDescription {
		return Description{}, fmt.Errorf("its description has %d bytes, at most %d are allowed", len(text), maxDescription)
	}
	dec := json.NewDecoder(bytes.NewReader(text))
	if err := dec.Decode(&raw); err != nil {
		return Description{}, fmt.Errorf("its description is not of the documented form: %w", err)
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return Description{}, errors.New("its description is followed by something else")
	}
	d := Description{Name: raw.Name, Version: raw.Version}
	switch {
	case !nameForm.MatchString(d.Name):
		return d, fmt.Errorf("its name %q is not of small letters, digits and underscores", cut(d.Name, 80))
	case d.Version == "" || len(d.Version) > 32 || clean(d.Version, 32) != d.Version:
		return d, errors.New("it has no version of at most 32 characters")
	case len(raw.Functions) == 0 || len(raw.Functions) > maxFunctions:
		return d, fmt.Errorf("it has %d functions; 1 to %d are possible", len(raw.Functions), maxFunctions)
	}
	seen := map[string]bool{}
	for _, rf := range raw.Functions {
		f := Function{Name: rf.Name, Description: clean(rf.Description, 1000)}
		if !nameForm.MatchString(f.Name) || seen[f.Name] {
			return d, fmt.Errorf("the name of its function %q is no name, or used twice", cut(f.Name, 80))
		}
		seen[f.Name] = true
		for what, list := range map[string][]rawParameter{"inputs": rf.Inputs, "outputs": rf.Outputs} {
			ps, err := parameters(list)
			if err != nil {
				return d, fmt.Errorf("the %s of its function %s: %w", what, f.Name, err)
			}
			if what == "inputs" {
				f.Inputs = ps
			} else {
				f.Outputs = ps
			}
		}
		if len(rf.Examples) > maxExamples {
			return d, fmt.Errorf("its function %s has %d examples; %d are possible", f.Name, len(rf.Examples), maxExamples)
		}
		for i, re := range rf.Examples {
			e := Example{Error: cut(re.Error, maxRowError)}
			var err error
			if e.In, err = exampleValues(f.Inputs, re.In); err == nil && e.Error == "" {
				e.Out, err = exampleValues(f.Outputs, re.Out)
			}
			if err != nil {
				return d, fmt.Errorf("example %d of its function %s: %w", i+1, f.Name, err)
			}
			f.Examples = append(f.Examples, e)
		}
		d.Functions = append(d.Functions, f)
	}
	return d, nil
}

func parameters(list []rawParameter) ([]Parameter, error) {
	if len(list) == 0 || len(list) > maxColumns {
		return nil, fmt.Errorf("there are %d; 1 to %d are possible", len(list), maxColumns)
	}
	seen := map[string]bool{}
	out := make([]Parameter, 0, len(list))
	for _, p := range list {
		kind, ok := kinds[p.Type]
		if !nameForm.MatchString(p.Name) || seen[p.Name] || !ok {
			return nil, fmt.Errorf("%q of type %q: the name is no name or used twice, or the type is none of text, integer, decimal, bool, date", cut(p.Name, 80), cut(p.Type, 80))
		}
		seen[p.Name] = true
		out = append(out, Parameter{p.Name, kind})
	}
	return out, nil
}

func exampleValues(ps []Parameter, given map[string]json.RawMessage) ([]record.Value, error) {
	out := make([]record.Value, len(ps))
	known := 0
	for i, p := range ps {
		raw, ok := given[p.Name]
		if !ok {
			continue
		}
		known++
		v, err := exampleValue(p.Kind, raw)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", p.Name, err)
		}
		out[i] = v
	}
	if known != len(given) {
		return nil, errors.New("it names a column that there is not")
	}
	return out, nil
}

func exampleValue(kind record.Kind, raw json.RawMessage) (record.Value, error) {
	if string(raw) == "null" {
		return record.Null(), nil
	}
	if kind == record.KindBool {
		var b bool
		err := json.Unmarshal(raw, &b)
		return record.Bool(b), err
	}
	var s string
	if err := json.Unmarshal(raw, &s); err != nil {
		return record.Value{}, err
	}
	switch kind {
	case record.KindInteger:
		n, err := strconv.ParseInt(s, 10, 64)
		return record.Integer(n), err
	case record.KindDecimal:
		n, err := decimal.Parse(s)
		return record.Decimal(n), err
	case record.KindDate:
		d, err := record.ParseDate(s)
		return record.OfDate(d), err
	}
	return record.Text(s), nil
}

// signature is the function as the engine knows it.
func (f Function) signature(d Description, hash string) Signature {
	return Signature{Module: d.Name, Version: d.Version, Hash: hash, Name: f.Name, Description: f.Description, Inputs: f.Inputs, Outputs: f.Outputs}
}
