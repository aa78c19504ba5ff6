// Command generate writes the tables of the vendor's specification from its two published generations: the fields of 2026
// (schemas-2026.json), the fields and calls of 2020 (swagger-2020.json). Run it where a new transcription is at hand:
//
//	go run ./plugins/eaccounting/spec/generate FOLDER-OF-THE-DATA plugins/eaccounting/spec
package main

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

func main() {
	if len(os.Args) != 3 {
		fmt.Fprintln(os.Stderr, "usage: generate FOLDER-OF-THE-DATA FOLDER-OF-THE-TABLES")
		os.Exit(2)
	}
	tables, err := generate(os.Args[1])
	if err == nil {
		for name, text := range tables {
			if err = os.WriteFile(filepath.Join(os.Args[2], name), []byte(text), 0o644); err != nil { //nolint:gosec // tables are source, read by everybody
				break
			}
		}
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// swagger is what is read of the specification of 2020.
type swagger struct {
	Paths       map[string]map[string]operation
	Definitions map[string]definition
}

type operation struct {
	Description string
	Parameters  []struct {
		Name, In string
		Required bool
		Schema   *property
	}
	Responses map[string]struct{ Schema *property }
}

type definition struct {
	Required   []string
	Properties map[string]property
}

type property struct {
	Type, Format, Pattern string
	Ref                   string `json:"$ref"`
	ReadOnly              bool
	MaxLength             int
	Minimum, Maximum      *json.Number
	Enum                  []json.RawMessage
	Items                 *property
}

// field is one field of the transcription of 2026.
type field struct {
	Type                         string
	Required, ReadOnly, Nullable bool
	MaxLength                    int
}

const fieldsHead = `# The fields of the vendor's specification: 2026 is the OpenAPI 3.0.4 [OA26], 2020 the swagger 2.0 [SW20]. Generated: see generate.
# Flags: R required, O read-only, N may be null (2020 does not say). Length: most characters. Places: decimals of the pattern. Range: bounds, or the values of an enumeration.
# generation	schema	field	type	flags	length	places	range
`

const callsHead = `# The calls of the swagger of 2020 [SW20]. Generated: see generate. "[]" after the answer's schema is the envelope of a list.
# method	path	statuses	scopes	query	body	answer
`

// generate makes the tables by their file names.
func generate(folder string) (map[string]string, error) {
	var new26 map[string]map[string]field
	var old swagger
	for name, to := range map[string]any{"schemas-2026.json": &new26, "swagger-2020.json": &old} {
		data, err := os.ReadFile(filepath.Join(folder, name))
		if err != nil {
			return nil, err
		}
		if err := json.Unmarshal(data, to); err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
	}
	calls, used := old.calls()
	return map[string]string{"fields.tsv": fieldsHead + fields2026(new26) + old.fields(used), "calls-2020.tsv": callsHead + calls}, nil
}

func fields2026(schemas map[string]map[string]field) string {
	var b strings.Builder
	for _, schema := range slices.Sorted(maps.Keys(schemas)) {
		for _, name := range slices.Sorted(maps.Keys(schemas[schema])) {
			f := schemas[schema][name]
			fmt.Fprintf(&b, "2026\t%s\t%s\t%s\t%s\t%d\t\t\n", schema, name, f.Type, flags(f.Required, f.ReadOnly, f.Nullable), f.MaxLength)
		}
	}
	return b.String()
}

func flags(required, readOnly, nullable bool) string {
	s := ""
	for _, f := range []struct {
		is   bool
		mark string
	}{{required, "R"}, {readOnly, "O"}, {nullable, "N"}} {
		if f.is {
			s += f.mark
		}
	}
	if s == "" {
		return "-"
	}
	return s
}

// places finds the decimals in a pattern such as "[-]?\d+(.\d{1,2})?".
var places = regexp.MustCompile(`\{1,(\d)\}\)\?$`)

// fields are those of the schemas that a call leads to.
func (s *swagger) fields(used map[string]bool) string {
	var b strings.Builder
	for _, schema := range slices.Sorted(maps.Keys(used)) {
		d := s.Definitions[schema]
		for _, name := range slices.Sorted(maps.Keys(d.Properties)) {
			p := d.Properties[name]
			digits, span := "", ""
			if m := places.FindStringSubmatch(p.Pattern); m != nil && p.Type == "number" {
				digits = m[1]
			}
			if p.Minimum != nil && p.Maximum != nil {
				span = p.Minimum.String() + ".." + p.Maximum.String()
			}
			var values []string
			for _, v := range p.Enum {
				values = append(values, strings.Trim(string(v), `"`))
			}
			if len(values) > 0 {
				span = strings.Join(values, ",")
			}
			fmt.Fprintf(&b, "2020\t%s\t%s\t%s\t%s\t%d\t%s\t%s\n", current(schema), name, p.kind(), flags(slices.Contains(d.Required, name), p.ReadOnly, false), p.MaxLength, digits, span)
		}
	}
	return b.String()
}

// current is a schema's name as it is spelled in 2026.
func current(schema string) string {
	if stem, ok := strings.CutSuffix(schema, "API"); ok {
		return stem + "Api"
	}
	return schema
}

func (p property) kind() string {
	switch {
	case p.Ref != "":
		return current(strings.TrimPrefix(p.Ref, "#/definitions/"))
	case p.Type == "array" && p.Items != nil:
		return p.Items.kind() + "[]"
	case p.Type == "boolean":
		return "bool"
	case p.Type == "string" && p.Format != "" && p.Format != "byte":
		return p.Format
	case p.Type == "integer" || p.Type == "number":
		return p.Format
	}
	return p.Type
}

var scopes = regexp.MustCompile(`scopes: <br><b>([^<]*)</b>`)

// calls are all operations, with the schemas that they lead to.
func (s *swagger) calls() (text string, used map[string]bool) {
	var b strings.Builder
	used = map[string]bool{}
	s.use(used, property{Ref: "#/definitions/VatCode"}) // its calls name no schema
	for _, path := range slices.Sorted(maps.Keys(s.Paths)) {
		for _, method := range slices.Sorted(maps.Keys(s.Paths[path])) {
			op := s.Paths[path][method]
			var query []string
			body := ""
			for _, p := range op.Parameters {
				switch {
				case p.In == "query":
					query = append(query, p.Name)
				case p.In == "body" && p.Schema != nil:
					body = p.Schema.kind()
					s.use(used, *p.Schema)
				}
			}
			scope := ""
			if m := scopes.FindStringSubmatch(op.Description); m != nil {
				scope = strings.ReplaceAll(m[1], " ", "")
			}
			answer, statuses := "", []string{}
			for _, status := range slices.Sorted(maps.Keys(op.Responses)) {
				statuses = append(statuses, status)
				if schema := op.Responses[status].Schema; schema != nil && strings.HasPrefix(status, "2") {
					answer = schema.kind()
					if element, ok := strings.CutPrefix(answer, "PaginatedResponse["); ok {
						answer = current(strings.TrimSuffix(element, "]")) + "[]"
					}
					if answer == "object" { // no more than "something"
						answer = ""
					}
					s.use(used, *schema)
				}
			}
			fmt.Fprintf(&b, "%s\t%s\t%s\t%s\t%s\t%s\t%s\n", strings.ToUpper(method), strings.TrimPrefix(path, "/v2"), strings.Join(statuses, ","), scope,
				strings.Join(query, ","), body, answer)
		}
	}
	return b.String(), used
}

// use marks a schema and all below it; envelopes are not marked, what they hold is.
func (s *swagger) use(used map[string]bool, p property) {
	if p.Items != nil {
		s.use(used, *p.Items)
	}
	name := strings.TrimPrefix(p.Ref, "#/definitions/")
	if name == "" || used[name] {
		return
	}
	if !strings.HasPrefix(name, "PaginatedResponse[") {
		used[name] = true
	}
	for _, below := range s.Definitions[name].Properties {
		s.use(used, below)
	}
}
