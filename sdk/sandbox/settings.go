package sandbox

import (
	"fmt"
	"slices"
	"strings"
)

// UsageError is a wrong flag, setting or file of the caller: exit code 2.
type UsageError struct{ Message string }

func (e *UsageError) Error() string { return e.Message }

func usagef(format string, args ...any) error {
	return &UsageError{Message: fmt.Sprintf(format, args...)}
}

// fillSettings checks the given values against the system's settings and adds the defaults.
func fillSettings(settings []Setting, given map[string]string) (map[string]string, error) {
	out := make(map[string]string, len(settings))
	keys := make([]string, 0, len(settings))
	for _, s := range settings {
		out[s.Key] = s.Default
		keys = append(keys, s.Key)
	}
	names := make([]string, 0, len(given))
	for k := range given {
		names = append(names, k)
	}
	slices.Sort(names)
	for _, k := range names {
		i := slices.Index(keys, k)
		if i < 0 {
			return nil, usagef("--set %s=%s: no such key; did you mean %q? Keys: %s", k, given[k], nearest(k, keys), strings.Join(keys, ", "))
		}
		s := settings[i]
		if err := s.check(given[k]); err != nil {
			return nil, usagef("--set %s=%s: %v", k, given[k], err)
		}
		out[k] = given[k]
	}
	return out, nil
}

func (s Setting) check(value string) error {
	if len(s.Values) > 0 {
		parts := []string{value}
		if s.List {
			parts = splitList(value)
		}
		for _, p := range parts {
			if !slices.Contains(s.Values, p) {
				return fmt.Errorf("%q is not one of %s; did you mean %q?", p, strings.Join(s.Values, ", "), nearest(p, s.Values))
			}
		}
	}
	if s.Check != nil {
		return s.Check(value)
	}
	return nil
}

func splitList(s string) []string {
	var out []string
	for p := range strings.SplitSeq(s, ",") {
		if p = strings.TrimSpace(p); p != "" {
			out = append(out, p)
		}
	}
	return out
}

// nearest returns the candidate with the fewest letters to change; the first one wins a tie.
func nearest(word string, candidates []string) string {
	best, bestD := "", -1
	for _, c := range candidates {
		if d := distance(strings.ToLower(word), strings.ToLower(c)); bestD < 0 || d < bestD {
			best, bestD = c, d
		}
	}
	return best
}

// distance is the Levenshtein distance in bytes; the words compared are short ASCII keys.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := 1; i <= len(a); i++ {
		diagonal := row[0]
		row[0] = i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			next := min(row[j]+1, row[j-1]+1, diagonal+cost)
			diagonal, row[j] = row[j], next
		}
	}
	return row[len(b)]
}
