package sandbox

import (
	_ "embed"
	"fmt"
	"math/big"
	"slices"
	"strconv"
	"strings"
)

//go:embed schema.tsv
var schemaTable string

// kind is the type of a field's value. The Go values are: kindBool bool; kindInt int64; kindDouble *num; kindString and
// kindUUID string; kindDate and kindInstant time.Time in UTC; kindObject *record; kindObjects []*record; kindStrings
// []string; and nil for null.
type kind uint8

const (
	kindBool kind = iota + 1
	kindInt
	kindDouble
	kindString
	kindUUID
	kindDate
	kindInstant
	kindObject
	kindObjects
	kindStrings
	// kindOpaque is a structure that the facts name without its fields: always null.
	kindOpaque
)

// field is one property of a schema.
type field struct {
	name     string
	key      []byte // `"Name":`
	kind     kind
	bits     int // of an integer
	of       *schema
	required bool
	nullable bool
	readOnly bool
	new      bool // not yet there in 2020
	gone     bool // there in 2020 only
	maxLen   int
	scale    int
	min, max *big.Rat
}

// hidden tells a field that this generation of the API does not have.
func (f *field) hidden(old bool) bool { return old && f.new || !old && f.gone }

// schema is one type of the API.
type schema struct {
	name   string
	fields []field
	index  map[string]int
	// folded finds a property without case, as the vendor's JSON reader does for input.
	folded map[string]int
}

var schemas = loadSchemas(schemaTable)

func loadSchemas(table string) map[string]*schema {
	out := map[string]*schema{}
	type pending struct {
		schema *schema
		field  int
		of     string
		list   bool
	}
	var refs []pending
	for line := range strings.Lines(table) {
		line = strings.TrimRight(line, "\n")
		if line == "" || line[0] == '#' {
			continue
		}
		col := append(strings.Split(line, "\t"), make([]string, 7)...)
		s := out[col[0]]
		if s == nil {
			s = &schema{name: col[0], index: map[string]int{}, folded: map[string]int{}}
			out[col[0]] = s
		}
		f := field{
			name: col[1], key: []byte(strconv.Quote(col[1]) + ":"), required: strings.Contains(col[3], "R"),
			nullable: strings.Contains(col[3], "N"), readOnly: strings.Contains(col[3], "O"), new: strings.Contains(col[3], "+"), gone: strings.Contains(col[3], "-"),
		}
		f.maxLen, _ = strconv.Atoi(col[4])
		f.scale, _ = strconv.Atoi(col[5])
		if lo, hi, ok := strings.Cut(col[6], ".."); ok {
			f.min, f.max = mustRat(lo), mustRat(hi)
		}
		switch col[2] {
		case "bool":
			f.kind = kindBool
		case "int32":
			f.kind, f.bits = kindInt, 32
		case "int64":
			f.kind, f.bits = kindInt, 64
		case "double":
			f.kind = kindDouble
		case "string":
			f.kind = kindString
		case "uuid":
			f.kind = kindUUID
		case "date":
			f.kind = kindDate
		case "date-time":
			f.kind = kindInstant
		case "string[]", "uuid[]":
			f.kind = kindStrings
		default:
			of, list := strings.CutSuffix(col[2], "[]")
			refs = append(refs, pending{s, len(s.fields), of, list})
		}
		s.index[f.name] = len(s.fields)
		s.folded[strings.ToLower(f.name)] = len(s.fields)
		s.fields = append(s.fields, f)
	}
	for _, p := range refs {
		f := &p.schema.fields[p.field]
		f.of = out[p.of]
		switch {
		case f.of == nil:
			f.kind = kindOpaque
		case p.list:
			f.kind = kindObjects
		default:
			f.kind = kindObject
		}
	}
	for _, s := range out {
		// A stable order of the properties in every answer, Id first.
		if i, ok := s.index["Id"]; ok && i != 0 {
			id := s.fields[i]
			s.fields = slices.Insert(slices.Delete(s.fields, i, i+1), 0, id)
			for j := range s.fields {
				s.index[s.fields[j].name], s.folded[strings.ToLower(s.fields[j].name)] = j, j
			}
		}
	}
	return out
}

// at finds a field by name; a wrong name is a mistake of this package.
func (s *schema) at(name string) int {
	i, ok := s.index[name]
	if !ok {
		panic(fmt.Sprintf("schema %s has no field %s", s.name, name))
	}
	return i
}

// zeroValue is what a field holds that was never given: the default of its type in the vendor's language.
func (f *field) zeroValue() any {
	if f.nullable {
		return nil
	}
	switch f.kind {
	case kindBool:
		return false
	case kindInt:
		return int64(0)
	case kindDouble:
		return zero
	default:
		return nil
	}
}
