package flow

import (
	"fmt"
	"slices"
	"strings"
)

// UsageError is one thing wrong with a configuration file or a recipe: where it is, what it is, and what to do.
type UsageError struct {
	File    string
	Line    int // from 1; 0 where the position is not known
	Column  int
	Path    string // "flows.orders.settings.order_status"
	Message string
	Remedy  string
}

// Error writes the position, the path, the message and the remedy in one line.
func (e *UsageError) Error() string {
	var b strings.Builder
	if e.File != "" {
		b.WriteString(e.File + ":")
	}
	if e.Line > 0 {
		fmt.Fprintf(&b, "%d:%d:", e.Line, e.Column)
	}
	if b.Len() > 0 {
		b.WriteString(" ")
	}
	if e.Path != "" {
		b.WriteString(e.Path + ": ")
	}
	b.WriteString(e.Message)
	if e.Remedy != "" {
		b.WriteString("; " + e.Remedy)
	}
	return b.String()
}

// UsageErrors are all that is wrong, in the order of the file.
type UsageErrors []*UsageError

// Error writes one problem a line.
func (es UsageErrors) Error() string {
	lines := make([]string, len(es))
	for i, e := range es {
		lines[i] = e.Error()
	}
	return strings.Join(lines, "\n")
}

// Unwrap lets errors.As find the single problems.
func (es UsageErrors) Unwrap() []error {
	out := make([]error, len(es))
	for i, e := range es {
		out[i] = e
	}
	return out
}

// err is es as an error in the file's order: nil where nothing is wrong.
func (es UsageErrors) err() error {
	if len(es) == 0 {
		return nil
	}
	slices.SortStableFunc(es, func(a, b *UsageError) int {
		if a.Line != b.Line {
			return a.Line - b.Line
		}
		return a.Column - b.Column
	})
	return es
}

// Problem is one thing wrong with settings or with a mapping, by its path within them.
type Problem struct{ Path, Message, Remedy string }

// String writes the problem in one line.
func (p Problem) String() string {
	e := UsageError{Path: p.Path, Message: p.Message, Remedy: p.Remedy}
	return e.Error()
}

// Nearest returns the known word that a mistyped one most likely stands for, "" where none is near.
func Nearest(word string, known []string) string {
	best, least := "", 1+max(2, len(word)/3)
	for _, k := range slices.Sorted(slices.Values(known)) {
		d := distance(strings.ToLower(word), strings.ToLower(k))
		if strings.ReplaceAll(strings.ToLower(word), "-", "_") == k || len(word) > 3 && strings.HasPrefix(k, strings.ToLower(word)) {
			d = min(d, 1)
		}
		if d < least {
			best, least = k, d
		}
	}
	return best
}

// didYouMean is the hint behind a message about an unknown word.
func didYouMean(word string, known []string) string {
	if k := Nearest(word, known); k != "" {
		return "; did you mean " + k + "?"
	}
	return ""
}

// suggest is the remedy for an unknown word: the nearest known one, or all of them, the nearest first.
func suggest(word string, known []string) string {
	if k := Nearest(word, known); k != "" {
		return "did you mean " + k + "?"
	}
	if len(known) == 0 {
		return "leave it out"
	}
	all := slices.Sorted(slices.Values(known))
	slices.SortStableFunc(all, func(a, b string) int { return distance(word, a) - distance(word, b) })
	if len(all) > 12 {
		all = append(all[:12], "…")
	}
	return "known are " + strings.Join(all, ", ")
}

// distance is the number of letters to change, add or leave out (Levenshtein), swaps of neighbours counting as one. Long words are
// compared by their beginning, so that hostile input costs little.
func distance(a, b string) int {
	x, y := []rune(a), []rune(b)
	x, y = x[:min(len(x), 64)], y[:min(len(y), 64)]
	before, last, row := make([]int, len(y)+1), make([]int, len(y)+1), make([]int, len(y)+1)
	for j := range last {
		last[j] = j
	}
	for i := 1; i <= len(x); i++ {
		row[0] = i
		for j := 1; j <= len(y); j++ {
			cost := 1
			if x[i-1] == y[j-1] {
				cost = 0
			}
			row[j] = min(last[j]+1, row[j-1]+1, last[j-1]+cost)
			if i > 1 && j > 1 && x[i-1] == y[j-2] && x[i-2] == y[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
		before, last, row = last, row, before
	}
	return last[len(y)]
}
