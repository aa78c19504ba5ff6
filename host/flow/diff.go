package flow

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"
)

// Difference is one value that differs between two configurations, as JSON; "" where there is none.
type Difference struct {
	Path string `json:"path"`
	From string `json:"from"`
	To   string `json:"to"`
}

// Diff lists the differences between two configurations, sorted by path. Secrets are no part of it.
func Diff(old, next Config) []Difference {
	from, to := flatConfig(old), flatConfig(next)
	var out []Difference
	for _, path := range keys(from) {
		if from[path] != to[path] {
			out = append(out, Difference{path, from[path], to[path]})
		}
	}
	for _, path := range keys(to) {
		if _, known := from[path]; !known {
			out = append(out, Difference{path, "", to[path]})
		}
	}
	slices.SortFunc(out, func(a, b Difference) int { return strings.Compare(a.Path, b.Path) })
	return out
}

// flatConfig is every value of a configuration by its path; lists count as one value.
func flatConfig(c Config) map[string]string {
	out := map[string]string{}
	if c.KeepDays > 0 {
		out["keep_days"] = jsonText(c.KeepDays)
	}
	for name, conn := range c.Connections {
		at := join("connections", name)
		out[at+".connector"] = jsonText(conn.Connector)
		for k, v := range conn.Settings {
			out[join(at+".settings", k)] = jsonText(v)
		}
	}
	for name, f := range c.Flows {
		at := join("flows", name)
		out[at+".recipe"], out[at+".source"], out[at+".destination"] = jsonText(f.Recipe), jsonText(f.Source), jsonText(f.Destination)
		if f.Schedule != "" {
			out[at+".schedule"] = jsonText(f.Schedule)
		}
		for k, v := range f.Settings {
			flatValue(out, join(at+".settings", k), v)
		}
		for k, v := range f.Mapping {
			flatValue(out, join(at+".mapping", k), v)
		}
	}
	return out
}

func flatValue(out map[string]string, path string, v any) {
	m, ok := v.(map[string]any)
	if !ok || len(m) == 0 {
		out[path] = jsonText(v)
		return
	}
	for k, e := range m {
		flatValue(out, join(path, k), e)
	}
}

func jsonText(v any) string {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		panic("flow: value cannot be encoded: " + err.Error()) // it is one of JSON's own types
	}
	return strings.TrimSpace(b.String())
}
