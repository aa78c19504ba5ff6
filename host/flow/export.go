package flow

import (
	"bytes"
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// exportOrder is the order in which keys stand where people expect one; others follow in the order of the alphabet.
var exportOrder = []string{"version", "keep_days", "connections", "flows", "connector", "recipe", "source", "destination", "settings", "mapping", "schedule"}

// YAML writes a configuration as a file that ParseConfig reads back as the same one. Secrets and references to them are no part of it.
func (c Config) YAML() ([]byte, error) {
	dec := json.NewDecoder(bytes.NewReader(c.Canonical()))
	dec.UseNumber()
	var tree map[string]any
	if err := dec.Decode(&tree); err != nil {
		return nil, fmt.Errorf("write the configuration: %w", err)
	}
	var b strings.Builder
	writeMap(&b, tree, "")
	return []byte(b.String()), nil
}

func writeMap(b *strings.Builder, m map[string]any, indent string) {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	place := func(k string) int {
		if i := slices.Index(exportOrder, k); i >= 0 {
			return i
		}
		return len(exportOrder)
	}
	slices.SortFunc(keys, func(x, y string) int {
		if d := place(x) - place(y); d != 0 {
			return d
		}
		return strings.Compare(x, y)
	})
	for _, k := range keys {
		b.WriteString(indent + scalarText(k) + ":")
		writeBelow(b, m[k], indent+"  ")
	}
}

// writeBelow writes a value behind its key or its dash, and ends the line.
func writeBelow(b *strings.Builder, v any, indent string) {
	switch t := v.(type) {
	case map[string]any:
		if len(t) == 0 {
			b.WriteString(" {}\n")
			return
		}
		b.WriteString("\n")
		writeMap(b, t, indent)
	case []any:
		if flat(t) {
			parts := make([]string, len(t))
			for i, e := range t {
				parts[i] = scalarText(e)
			}
			b.WriteString(" [" + strings.Join(parts, ", ") + "]\n")
			return
		}
		b.WriteString("\n")
		for _, e := range t {
			b.WriteString(indent + "-")
			writeBelow(b, e, indent+"  ")
		}
	default:
		b.WriteString(" " + scalarText(v) + "\n")
	}
}

// flat tells whether a list holds nothing but single values, few enough for one line.
func flat(list []any) bool {
	for _, e := range list {
		switch e.(type) {
		case map[string]any, []any:
			return false
		}
	}
	return len(list) <= 20
}

// bareWord is what needs no quotes, whatever reads it; words that mean something else in some YAML are quoted.
var (
	bareWord = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_./-]*$`)
	reserved = []string{"true", "false", "null", "yes", "no", "on", "off", "y", "n", "nan", "inf"}
)

func scalarText(v any) string {
	switch t := v.(type) {
	case nil:
		return "null"
	case bool:
		return fmt.Sprint(t)
	case json.Number:
		return t.String()
	case string:
		if bareWord.MatchString(t) && !slices.Contains(reserved, strings.ToLower(t)) {
			return t
		}
		var b bytes.Buffer
		enc := json.NewEncoder(&b) // JSON's quotes and escapes are YAML's too
		enc.SetEscapeHTML(false)
		if err := enc.Encode(t); err != nil {
			panic("flow: a text cannot be encoded: " + err.Error()) // texts always can
		}
		return strings.TrimSpace(b.String())
	}
	panic(fmt.Sprintf("flow: a configuration holds a %T", v)) // JSON has no other values
}
