// Package spec holds what the vendor's own specifications say of the API, as tables, and judges calls by them. It is for tests only: what a
// connector asks and what a sandbox answers is held against a document that neither of their authors wrote.
//
// There are two generations: 2026 (OpenAPI 3.0.4) [OA26] and 2020 (swagger 2.0) [SW20]. The fields of both and the calls of 2020 are
// generated from the published documents, the calls of 2026 are transcribed.
package spec

import (
	_ "embed"
	"fmt"
	"math/big"
	"strconv"
	"strings"
)

var (
	//go:embed fields.tsv
	fieldsTable string
	//go:embed calls-2020.tsv
	calls2020 string
	//go:embed calls-2026.tsv
	calls2026 string
)

// Generation is one of the two published states of the API.
type Generation string

// The generations.
const (
	G2020 Generation = "2020"
	G2026 Generation = "2026"
)

// Field is one field of a schema.
type Field struct {
	Name string
	// Type is uuid, string, bool, int32, int64, double, date-time, a schema's name, or one of these followed by [].
	Type                         string
	Required, ReadOnly, Nullable bool
	// Length is the most characters, 0 where none is stated. Places are the most decimals, -1 where none are stated.
	Length, Places int
	// Min and Max bound a number where Min is not nil; Values are those of an enumeration.
	Min, Max *big.Rat
	Values   []string
}

// Call is one operation.
type Call struct {
	Method, Path string
	// Statuses are those of success.
	Statuses []int
	// Scopes are the rights of which any one is needed, Query the declared parameters.
	Scopes, Query []string
	// Body and Answer name schemas; Answer "X[]" is the envelope of a list, "" says nothing of it.
	Body, Answer string

	segments []string
}

// IsList tells a call that answers the envelope of a list.
func (c Call) IsList() bool { return strings.HasSuffix(c.Answer, "[]") }

// Tables are all facts of one generation.
type Tables struct {
	Generation Generation
	// Schemas are the fields by schema and name. Those of 2026 that were not transcribed are the ones of 2020.
	Schemas map[string]map[string]Field
	Calls   []Call
	// Own are the schemas that this generation states itself.
	Own map[string]bool
}

var tables = map[Generation]*Tables{G2020: load(G2020), G2026: load(G2026)}

// Of are the tables of a generation.
func Of(g Generation) *Tables { return tables[g] }

func load(g Generation) *Tables {
	t := &Tables{Generation: g, Schemas: map[string]map[string]Field{}, Own: map[string]bool{}}
	for _, col := range rows(fieldsTable, 8) {
		if col[0] != string(g) {
			continue
		}
		if t.Schemas[col[1]] == nil {
			t.Schemas[col[1]], t.Own[col[1]] = map[string]Field{}, true
		}
		t.Schemas[col[1]][col[2]] = fieldOf(col)
	}
	text := calls2026
	if g == G2020 {
		text = calls2020
	} else {
		for _, col := range rows(fieldsTable, 8) {
			if col[0] == string(G2026) || t.Own[col[1]] {
				continue
			}
			if t.Schemas[col[1]] == nil {
				t.Schemas[col[1]] = map[string]Field{}
			}
			t.Schemas[col[1]][col[2]] = fieldOf(col)
		}
	}
	for _, col := range rows(text, 7) {
		c := Call{Method: col[0], Path: col[1], Scopes: split(col[3]), Query: split(col[4]), Body: col[5], Answer: col[6], segments: strings.Split(col[1], "/")}
		for _, s := range split(col[2]) {
			n, err := strconv.Atoi(s)
			must(err)
			if n < 300 {
				c.Statuses = append(c.Statuses, n)
			}
		}
		t.Calls = append(t.Calls, c)
	}
	return t
}

func rows(text string, columns int) [][]string {
	var out [][]string
	for line := range strings.Lines(text) {
		if line = strings.TrimRight(line, "\n"); line == "" || line[0] == '#' {
			continue
		}
		col := strings.Split(line, "\t")
		if len(col) != columns {
			panic(fmt.Sprintf("spec: %q has %d columns, want %d", line, len(col), columns))
		}
		out = append(out, col)
	}
	return out
}

func fieldOf(col []string) Field {
	f := Field{Name: col[2], Type: col[3], Places: -1, Required: strings.Contains(col[4], "R"), ReadOnly: strings.Contains(col[4], "O")}
	// The specification of 2020 does not tell what may be null; anything but what is required may.
	f.Nullable = strings.Contains(col[4], "N") || col[0] == string(G2020) && !f.Required
	var err error
	f.Length, err = strconv.Atoi(col[5])
	must(err)
	if col[6] != "" {
		f.Places, err = strconv.Atoi(col[6])
		must(err)
	}
	if lo, hi, ok := strings.Cut(col[7], ".."); ok {
		f.Min, f.Max = rat(lo), rat(hi)
	} else {
		f.Values = split(col[7])
	}
	return f
}

func split(s string) []string {
	if s == "" {
		return nil
	}
	return strings.Split(s, ",")
}

func rat(s string) *big.Rat {
	r, ok := new(big.Rat).SetString(s)
	if !ok {
		panic("spec: no number: " + s)
	}
	return r
}

func must(err error) {
	if err != nil {
		panic(err) // the tables are part of this package
	}
}

// Find is the operation behind a method and a path relative to the base address; ok is false where there is none. A literal segment
// goes before a parameter.
func (t *Tables) Find(method, path string) (c Call, ok bool) {
	segments := strings.Split(path, "/")
	best := -1
	for i, k := range t.Calls {
		if k.Method != method || len(k.segments) != len(segments) {
			continue
		}
		literal := 0
		fits := true
		for j, s := range k.segments {
			switch {
			case strings.EqualFold(s, segments[j]):
				literal++
			case !strings.HasPrefix(s, "{"):
				fits = false
			}
		}
		if fits && literal > best {
			best, c, ok = literal, t.Calls[i], true
		}
	}
	return c, ok
}
