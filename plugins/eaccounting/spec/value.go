package spec

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"math/big"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode/utf16"
)

// decode reads one JSON value with its numbers as text.
func decode(data []byte) (any, error) {
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.UseNumber()
	var v any
	if err := dec.Decode(&v); err != nil {
		return nil, err
	}
	if _, err := dec.Token(); err != io.EOF {
		return nil, fmt.Errorf("more than one JSON value")
	}
	return v, nil
}

// way is how a value is judged: as a body that was sent, or as an answer.
type way struct {
	t       *Tables
	sent    bool
	partial bool // not all fields need be there ($select)
	report  func(at, format string, args ...any)
}

// object judges the members of one object by a schema.
func (w way) object(schema string, v any, at string) {
	m, ok := v.(map[string]any)
	if !ok {
		w.report(at, "is %s, the specification wants an object (%s)", kindOf(v), schema)
		return
	}
	fields := w.t.Schemas[schema]
	if fields == nil {
		return // named by the specification and described nowhere
	}
	if at != "" {
		at += "."
	}
	for name, member := range m {
		f, ok := fields[name]
		switch {
		case !ok:
			w.report(at+name, "is no field of %s", schema)
		case w.sent && f.ReadOnly && !reference(schema, name):
			w.report(at+name, "is read-only in %s and was sent", schema)
		default:
			w.value(f, member, at+name)
		}
	}
	for name, f := range fields {
		if _, ok := m[name]; ok {
			continue
		}
		switch {
		case w.sent && f.Required && !f.ReadOnly:
			w.report(at+name, "is required in %s and was not sent", schema)
		case !w.sent && !w.partial && w.t.Own[schema]:
			w.report(at+name, "of %s is missing in the answer", schema)
		}
	}
}

// reference tells the one read-only field that must be sent: the Id by which a body names a label that exists [?].
func reference(schema, name string) bool {
	return name == "Id" && strings.HasSuffix(schema, "LabelApi")
}

func (w way) value(f Field, v any, at string) {
	if v == nil {
		// A field that refers to a schema cannot say in OpenAPI 3.0 that it may be null.
		if !f.Nullable && !(strings.HasSuffix(f.Type, "Api") && !f.Required) {
			w.report(at, "is null, which the specification does not allow")
		}
		return
	}
	if element, ok := strings.CutSuffix(f.Type, "[]"); ok {
		list, ok := v.([]any)
		if !ok {
			w.report(at, "is %s, the specification wants a list", kindOf(v))
			return
		}
		for i, e := range list {
			w.value(Field{Name: f.Name, Type: element, Places: -1, Length: f.Length}, e, fmt.Sprintf("%s[%d]", at, i))
		}
		return
	}
	switch f.Type {
	case "uuid":
		if s, ok := v.(string); !ok || !uuid.MatchString(s) {
			w.report(at, "is %s, the specification wants a uuid", quoted(v))
		}
	case "string":
		s, ok := v.(string)
		if !ok {
			w.report(at, "is %s, the specification wants text", kindOf(v))
			return
		}
		if n := len(utf16.Encode([]rune(s))); f.Length > 0 && n > f.Length {
			w.report(at, "has %d characters, the specification allows %d", n, f.Length)
		}
		if w.sent && f.Required && strings.TrimSpace(s) == "" {
			w.report(at, "is required and empty")
		}
		w.listed(f, s, at)
	case "bool":
		if _, ok := v.(bool); !ok {
			w.report(at, "is %s, the specification wants a truth value", kindOf(v))
		}
	case "date-time":
		if s, ok := v.(string); !ok || !isTime(s) {
			w.report(at, "is %s, the specification wants a date", quoted(v))
		}
	case "int32", "int64", "double":
		w.number(f, v, at)
	default:
		w.object(f.Type, v, at)
	}
}

func (w way) number(f Field, v any, at string) {
	n, ok := v.(json.Number)
	if !ok {
		w.report(at, "is %s, the specification wants a number", kindOf(v))
		return
	}
	text := n.String()
	r, ok := new(big.Rat).SetString(text)
	if !ok {
		w.report(at, "is %s, which is no number", text)
		return
	}
	if f.Type != "double" {
		limit := new(big.Rat).SetInt(new(big.Int).Lsh(big.NewInt(1), map[string]uint{"int32": 31, "int64": 63}[f.Type]))
		if !r.IsInt() || strings.ContainsAny(text, ".eE") || new(big.Rat).Abs(r).Cmp(limit) >= 0 {
			w.report(at, "is %s, the specification wants %s", text, f.Type)
		}
	}
	if f.Min != nil && (r.Cmp(f.Min) < 0 || r.Cmp(f.Max) > 0) {
		w.report(at, "is %s, the specification wants %s to %s", text, f.Min.RatString(), f.Max.RatString())
	}
	if places := new(big.Rat).SetInt(new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(max(f.Places, 0))), nil)); f.Places >= 0 && !new(big.Rat).Mul(r, places).IsInt() {
		w.report(at, "is %s, the specification wants %d decimals at most", text, f.Places)
	}
	w.listed(f, text, at)
}

func (w way) listed(f Field, text, at string) {
	if len(f.Values) > 0 && !slices.Contains(f.Values, text) {
		w.report(at, "is %q, the specification knows %s", text, strings.Join(f.Values, ", "))
	}
}

var (
	anID     = regexp.MustCompile(`[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}`)
	position = regexp.MustCompile(`\[\d+\]`)
)

var uuid = regexp.MustCompile(`^[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}$`)

// isTime takes the forms that the platform writes and reads: a date [SBX], or one with a time, with or without a zone.
func isTime(s string) bool {
	for _, layout := range []string{time.RFC3339Nano, "2006-01-02T15:04:05.9999999", time.DateOnly} {
		if _, err := time.Parse(layout, s); err == nil {
			return true
		}
	}
	return false
}

func kindOf(v any) string {
	switch v.(type) {
	case nil:
		return "null"
	case string:
		return "text"
	case bool:
		return "a truth value"
	case json.Number:
		return "a number"
	case []any:
		return "a list"
	}
	return "an object"
}

func quoted(v any) string {
	if s, ok := v.(string); ok {
		return fmt.Sprintf("%.60q", s)
	}
	return kindOf(v)
}
