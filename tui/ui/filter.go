package ui

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Filter is what a person types to search or to hide. Blank-separated words must all hold; "quotes" keep blanks together. A word is
//
//	plain        the text contains it
//	~plain       the text contains its letters in this order
//	re:pattern   the text matches the regular expression
//	field:value  the field contains the value, where it is one of the known fields
//	!…           the word behind it does not hold
//
// Case does not matter. The zero value matches everything.
type Filter struct {
	Text  string // as typed
	terms []term
}

// term is one word of a filter.
type term struct {
	not, fuzzy bool
	field      string // "" is the whole text
	word       string // in lower case
	re         *regexp.Regexp
}

// ParseFilter reads what was typed. fields are the names that may stand before a colon; a word with another name is plain text.
func ParseFilter(text string, fields ...string) (Filter, error) {
	f := Filter{Text: text}
	for _, w := range splitWords(text) {
		var t term
		if rest, ok := strings.CutPrefix(w, "!"); ok && rest != "" {
			t.not, w = true, rest
		}
		if rest, ok := strings.CutPrefix(w, "~"); ok && rest != "" {
			t.fuzzy, t.word = true, strings.ToLower(rest)
		} else if pattern, ok := strings.CutPrefix(w, "re:"); ok {
			re, err := regexp.Compile("(?i)" + pattern)
			if err != nil {
				return Filter{Text: text}, fmt.Errorf("re:%s is no regular expression: %w", pattern, err)
			}
			t.re = re
		} else {
			t.word = strings.ToLower(w)
			if name, value, ok := strings.Cut(t.word, ":"); ok && slices.Contains(fields, name) {
				t.field, t.word = name, value
			}
		}
		f.terms = append(f.terms, t)
	}
	return f, nil
}

// splitWords cuts at blanks outside of quotes; a quote that is not closed reaches to the end, as it does while a person types.
func splitWords(s string) []string {
	var (
		words  []string
		word   strings.Builder
		quoted bool
	)
	end := func() {
		if word.Len() > 0 {
			words = append(words, word.String())
			word.Reset()
		}
	}
	for _, r := range s {
		switch {
		case r == '"':
			quoted = !quoted
		case r == ' ' && !quoted:
			end()
		default:
			word.WriteRune(r)
		}
	}
	end()
	return words
}

// Empty tells that everything matches.
func (f Filter) Empty() bool { return len(f.terms) == 0 }

// Match tells whether a thing matches. text is all of it in lower case; field returns one of its fields, and may be nil.
func (f Filter) Match(text string, field func(name string) string) bool {
	for _, t := range f.terms {
		if t.holds(text, field) == t.not {
			return false
		}
	}
	return true
}

func (t term) holds(text string, field func(string) string) bool {
	switch {
	case t.field != "":
		return field != nil && strings.Contains(strings.ToLower(field(t.field)), t.word)
	case t.re != nil:
		return t.re.MatchString(text)
	case t.fuzzy:
		return Fuzzy(text, t.word)
	}
	return strings.Contains(text, t.word)
}

// Fuzzy tells whether the letters of word stand in text in their order.
func Fuzzy(text, word string) bool {
	for _, r := range word {
		i := strings.IndexRune(text, r)
		if i < 0 {
			return false
		}
		text = text[i+len(string(r)):]
	}
	return true
}

// Spans returns where the words of the filter stand in a shown text, as byte offsets, ascending and without overlap.
func (f Filter) Spans(shown string) [][2]int {
	var out [][2]int
	low := strings.Map(func(r rune) rune {
		if l := unicode.ToLower(r); utf8.RuneLen(l) == utf8.RuneLen(r) { // offsets must stay right
			return l
		}
		return r
	}, shown)
	for _, t := range f.terms {
		switch {
		case t.not || t.fuzzy || t.re == nil && t.word == "":
		case t.re != nil:
			for _, m := range t.re.FindAllStringIndex(shown, -1) {
				if m[1] > m[0] {
					out = append(out, [2]int{m[0], m[1]})
				}
			}
		default:
			for from := 0; ; {
				i := strings.Index(low[from:], t.word)
				if i < 0 {
					break
				}
				out = append(out, [2]int{from + i, from + i + len(t.word)})
				from += i + len(t.word)
			}
		}
	}
	slices.SortFunc(out, func(a, b [2]int) int { return a[0] - b[0] })
	kept := out[:0]
	for _, s := range out {
		if n := len(kept); n > 0 && s[0] < kept[n-1][1] {
			kept[n-1][1] = max(kept[n-1][1], s[1])
			continue
		}
		kept = append(kept, s)
	}
	return kept
}
