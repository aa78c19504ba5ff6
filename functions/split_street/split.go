package main

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// split takes a street line apart. The number is its digits, or a range where ranges are usual ("12-14"); all that follows is the
// addition. A line is split only if exactly one of its numbers can be the house's: something that can be a name stands before it,
// and all behind it is known as an addition. Everything else is left whole, for a wrong split is worse than none. No letter and no
// digit is ever lost, and none changes its place.
func split(street, country string) parts {
	s := strings.TrimSpace(street)
	whole := parts{Name: s}
	h := habitOf(strings.TrimSpace(country))
	if h == nil || len(s) > 250 {
		return whole
	}
	var room [24]token
	ts, ok := tokens(room[:0], s)
	if !ok {
		return whole
	}
	low := lower(s)
	if len(ts) < 2 || noStreet(s, low, ts, h) {
		return whole
	}
	if p, ok := square(s, low, ts, h); ok {
		return p
	}
	found := whole
	n := 0
	for i := 1; i < len(ts); i++ {
		if ts[i].kind != digit || !ts[i].spaced {
			continue
		}
		if p, ok := h.at(s, low, ts, i); ok {
			found = p
			n++
		}
	}
	if n != 1 {
		return whole
	}
	return found
}

// token is a run of digits, a run of letters, or one other character.
type token struct {
	from, to   int
	runes      int
	kind       byte // one of those below
	char       byte // of a separator; 0 is something that is none
	spaced     bool // white space, or the beginning, is before it
	spaceAfter bool
	capitals   bool // of a word: nothing but A to Z
}

const (
	digit   = 'd'
	word    = 'w'
	sign    = 's'
	space   = ' '
	newline = 0 // the end of a line: two lines are no street line
)

// ascii sorts the characters of ASCII. Most are such, and in WebAssembly calls are dear.
var ascii = func() (kinds [utf8.RuneSelf]byte) {
	for c := range kinds {
		switch {
		case c >= '0' && c <= '9':
			kinds[c] = digit
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z':
			kinds[c] = word
		case c == ' ', c == '\t':
			kinds[c] = space
		case c == '\n', c == '\r', c == 0:
			kinds[c] = newline
		default:
			kinds[c] = sign
		}
	}
	return kinds
}()

// kindOf sorts other runes. Other digits than 0 to 9 and marks above letters count as letters: nothing is known of them.
func kindOf(r rune) byte {
	switch {
	case r >= 0xc0 && r <= 0x24f && r != '×' && r != '÷': // Latin letters, most of what comes here
		return word
	case unicode.IsSpace(r):
		return space
	case unicode.IsLetter(r), unicode.IsNumber(r), unicode.IsMark(r):
		return word
	}
	return sign
}

// tokens cuts a line; not one that has several lines in it.
func tokens(ts []token, s string) ([]token, bool) {
	spaced := true
	last := byte(space)
	for i := 0; i < len(s); {
		var kind, char byte
		n := 1
		if c := s[i]; c < utf8.RuneSelf {
			kind, char = ascii[c], c
		} else {
			var r rune
			r, n = utf8.DecodeRuneInString(s[i:])
			kind = kindOf(r)
			switch r {
			case '–', '‐', '‑', '−':
				char = '-'
			case '’':
				char = '\''
			}
		}
		switch {
		case kind == newline:
			return nil, false
		case kind == space:
			if len(ts) > 0 {
				ts[len(ts)-1].spaceAfter = true
			}
			spaced = true
		case kind == last && kind != sign:
			t := &ts[len(ts)-1]
			t.to = i + n
			t.runes++
			t.capitals = t.capitals && char >= 'A' && char <= 'Z'
		case kind == sign:
			ts = append(ts, token{kind: kind, char: char, from: i, to: i + n, runes: 1, spaced: spaced})
			spaced = false
		default:
			t := token{kind: kind, from: i, to: i + n, runes: 1, spaced: spaced, capitals: char >= 'A' && char <= 'Z'}
			for t.to < len(s) && s[t.to] < utf8.RuneSelf && ascii[s[t.to]] == kind {
				t.capitals = t.capitals && s[t.to] <= 'Z'
				t.to++
			}
			t.runes = max(1, t.to-i-n+1)
			n = t.to - i
			ts = append(ts, t)
			spaced = false
		}
		last = kind
		i += n
	}
	return ts, true
}

// at tries the number at i, which is not the first token, as the house number.
func (h *habit) at(s, low string, ts []token, i int) (parts, bool) {
	t := &ts[i]
	if t.to-t.from > 5 || s[t.from] == '0' || !h.name(low, ts[:i]) {
		return parts{}, false
	}
	before := i - 1
	for before > 0 && ts[before].char == ',' {
		before--
	}
	p := parts{Name: s[:ts[before].to], Number: s[t.from:t.to]}
	next := i + 1
	// 12-14: a range where the second number is the larger one.
	if next+1 < len(ts) && ts[next].char == '-' && ts[next+1].kind == digit {
		second := s[ts[next+1].from:ts[next+1].to]
		if year(p.Number) && (year(second) || len(second) == 2) {
			return parts{}, false // the name of a street: Laan 1940-1945
		}
		if h.ranges && larger(second, p.Number) && ts[next].spaced == ts[next].spaceAfter {
			p.Number += "-" + second
			next += 2
		}
	}
	if next == len(ts) && year(p.Number) && h.generic(low, ts[:i]) {
		return parts{}, false // Plein 1944
	}
	if !h.addition(low, ts[next:]) {
		return parts{}, false
	}
	p.Addition = between(s, ts[next:])
	return p, true
}

// between is the text of tokens without the signs around it; the dot behind an abbreviation stays.
func between(s string, ts []token) string {
	for len(ts) > 0 && ts[0].kind == sign {
		ts = ts[1:]
	}
	for len(ts) > 0 && (ts[len(ts)-1].char == ',' || ts[len(ts)-1].char == '-' || ts[len(ts)-1].char == '/') {
		ts = ts[:len(ts)-1]
	}
	if len(ts) == 0 {
		return ""
	}
	return s[ts[0].from:ts[len(ts)-1].to]
}

// name tells whether tokens can be a street's name with nothing of the address behind it but the number.
func (h *habit) name(s string, ts []token) bool {
	for len(ts) > 0 && ts[len(ts)-1].char == ',' {
		ts = ts[:len(ts)-1]
	}
	letters := false
	for i := range ts {
		t := &ts[i]
		letters = letters || t.kind == word && t.runes >= 2
	}
	if !letters {
		return false
	}
	last := len(ts) - 1
	if ts[last].kind == digit {
		return h.endsInYear(s, ts)
	}
	dotted := ts[last].char == '.' || ts[last].char == ':'
	if dotted && last > 0 {
		last--
	}
	if ts[last].kind == digit {
		return false // an ordinal without what it counts
	}
	if ts[last].kind == sign {
		return ts[last].char == '\'' || strings.HasSuffix(s[:ts[last].to], ")")
	}
	w := s[ts[last].from:ts[last].to]
	if w == "r" && dotted && last > 0 && ts[last-1].kind == digit {
		return year(s[ts[last-1].from:ts[last-1].to]) // 28 Czerwca 1956 r.
	}
	if len(ts) == 1 && numbered(w) {
		return false // Straße 45
	}
	if ts[last].runes == 1 {
		return dotted && last > 0 && ts[last-1].char == '.' // Kanaaldijk N.W., and not 12 A or B 9
	}
	if h.words(w) != 0 {
		// Am Tor 5, and not 12 Tor 5 or 12 B Tor 5
		return h.nameToo(w) && last > 0 && ts[last-1].kind == word && ts[last-1].runes > 1
	}
	return !counted(w)
}

// endsInYear tells whether a name ends in a number that is part of it: Plein 1944, Laan 1940-1945, Plein '40-'45.
func (h *habit) endsInYear(s string, ts []token) bool {
	last := len(ts) - 1
	n := s[ts[last].from:ts[last].to]
	if year(n) {
		return true
	}
	if len(n) != 2 {
		return false
	}
	for last--; last >= 0 && ts[last].kind == sign && (ts[last].char == '\'' || ts[last].char == '-'); last-- {
	}
	return last >= 0 && ts[last].kind == digit && (s[ts[last].from:ts[last].to] == "40" || year(s[ts[last].from:ts[last].to]))
}

// generic tells whether a name is one word that alone is no name: Plein, Laan, Straße.
func (h *habit) generic(s string, ts []token) bool {
	return len(ts) == 1 && generics(s[ts[0].from:ts[0].to])
}

// addition tells whether tokens behind the number are known as an addition, to the last of them.
func (h *habit) addition(s string, ts []token) bool {
	count := 0
	for i := 0; i < len(ts); {
		if count++; count > 5 {
			return false
		}
		n := h.unit(s, ts, i)
		if n == 0 {
			return false
		}
		i += n
	}
	return true
}

// unit returns how many tokens at i are one part of an addition; 0 means that they are not known.
func (h *habit) unit(s string, ts []token, i int) int {
	t := ts[i]
	at := func(j int) (token, string) {
		if j < len(ts) {
			return ts[j], s[ts[j].from:ts[j].to]
		}
		return token{}, ""
	}
	switch t.kind {
	case sign:
		next, text := at(i + 1)
		switch t.char {
		case '-', '/':
			if next.kind == digit && len(text) <= 4 {
				n := 2 + h.letters(s, ts, i+2)
				if decimal, _ := at(i + n + 1); decimal.kind == digit && ts[i+n].char == '.' && !decimal.spaced {
					n += 2 // 12/0.1
				}
				return n
			}
			if next.kind == word {
				return 1 + nonZero(h.unit(s, ts, i+1), -1)
			}
		case ',':
			if next.kind == word || next.kind == digit && h.floor(s, ts, i+1) > 0 {
				return 1 + nonZero(h.unit(s, ts, i+1), -1)
			}
			if i+1 == len(ts) {
				return 1
			}
		case '.':
			if i+1 == len(ts) {
				return 1
			}
		}
		return 0
	case digit:
		return h.floor(s, ts, i)
	}
	text := s[t.from:t.to]
	if class := h.words(text); class != 0 {
		return h.withValue(s, ts, i, class)
	}
	if t.runes > 2 || t.runes == 2 && (t.spaced || h.strict) {
		if !h.roman || !t.capitals || !roman(text) {
			return 0
		}
		if next, floor := at(i + 1); next.kind == word && h.floors(floor) {
			if dot, _ := at(i + 2); dot.char == '.' {
				return 3 // III p.
			}
			return 2
		}
		return 1
	}
	if next, digits := at(i + 1); next.kind == digit {
		if next.spaced && h.floor(s, ts, i+1) > 0 {
			return 1 // B 2 tr
		}
		if len(digits) > 4 || next.spaced && (!h.spacedLetter || joins(text)) {
			return 0
		}
		return 2 + h.letters(s, ts, i+2)
	}
	return 1
}

// nonZero makes what is not known unknown as a whole: 1 + -1 is 0.
func nonZero(n, otherwise int) int {
	if n == 0 {
		return otherwise
	}
	return n
}

// withValue is a word such as bus, lgh or app., with the number or letter that it needs or may have.
func (h *habit) withValue(s string, ts []token, i int, class byte) int {
	n := 1
	if i+n < len(ts) && ts[i+n].char == '.' {
		n++
	}
	j := i + n
	switch {
	case class == alone:
		return n
	case j < len(ts) && ts[j].kind == digit && ts[j].to-ts[j].from <= 5:
		n += 1 + h.letters(s, ts, j+1)
		// 3.1, 3/4, 3-B: one value.
		for k := i + n; k+1 < len(ts) && (ts[k].char == '.' || ts[k].char == '/' || ts[k].char == '-') && ts[k+1].kind == digit && !ts[k].spaced && !ts[k+1].spaced; k = i + n {
			n += 2
		}
		return n
	case j < len(ts) && ts[j].kind == word && ts[j].to-ts[j].from == 1:
		n++
		if i+n < len(ts) && ts[i+n].kind == digit && !ts[i+n].spaced {
			n++
		}
		return n
	case j < len(ts) && ts[j].kind == word && h.words(s[ts[j].from:ts[j].to]) == alone:
		return n + 1
	case class == either:
		return n
	}
	return 0
}

// letters counts the token of one or two letters that hangs at a number.
func (h *habit) letters(s string, ts []token, i int) int {
	if i < len(ts) && ts[i].kind == word && !ts[i].spaced && ts[i].to-ts[i].from <= 2 {
		return 1
	}
	return 0
}

// floor is a number with what it counts: 2 tr, 3. OG, 2-hoog.
func (h *habit) floor(s string, ts []token, i int) int {
	n := 1
	if i+n < len(ts) && (ts[i+n].char == '.' || ts[i+n].char == '-') {
		n++
	} else if i+n < len(ts) && ts[i+n].kind == word && !ts[i+n].spaced && ordinals(s[ts[i+n].from:ts[i+n].to]) {
		n++ // 4e verdieping
	}
	if i+n >= len(ts) || ts[i+n].kind != word || ts[i].to-ts[i].from > 2 {
		return 0
	}
	w := s[ts[i+n].from:ts[i+n].to]
	if !h.floors(w) {
		return 0
	}
	n++
	if i+n < len(ts) && ts[i+n].char == '.' {
		n++
	}
	return n
}

// square is a house in Mannheim's centre, where blocks have letters and numbers: Q 7, 24.
func square(s, low string, ts []token, h *habit) (parts, bool) {
	if !h.squares || len(ts) < 3 || ts[0].kind != word || ts[0].to-ts[0].from != 1 || strings.ToUpper(s[:1]) > "U" || ts[1].kind != digit || ts[1].to-ts[1].from > 2 {
		return parts{}, false
	}
	i := 2
	if ts[i].char == ',' {
		i++
	}
	if i >= len(ts) || ts[i].kind != digit || !ts[i].spaced && i == 2 {
		return parts{}, false
	}
	p := parts{Name: s[:ts[1].to], Number: s[ts[i].from:ts[i].to]}
	rest := ts[i+1:]
	if len(rest) >= 2 && rest[0].char == '-' && rest[1].kind == digit && larger(s[rest[1].from:rest[1].to], p.Number) {
		p.Number += "-" + s[rest[1].from:rest[1].to]
		rest = rest[2:]
	}
	if !h.addition(low, rest) {
		return parts{}, false
	}
	p.Addition = between(s, rest)
	return p, true
}

// noStreet tells of lines that are no street: post boxes, a person's care, a line that begins with the number.
func noStreet(s, low string, ts []token, h *habit) bool {
	for _, p := range boxesBy[low[0]] {
		if strings.HasPrefix(low, p) && (len(low) == len(p) || !isLetter(low[len(p):])) {
			return true
		}
	}
	if ts[0].kind == digit && len(ts) > 1 && (ts[1].char == ',' || h.numberFirst && ts[1].kind == word && ts[1].spaced && frenchWay(s[ts[1].from:ts[1].to])) {
		return true
	}
	return inCare(low)
}

// inCare tells of lines that name a person: c/o Jansen.
func inCare(low string) bool {
	slash, dot := strings.IndexByte(low, '/') >= 0, strings.IndexByte(low, '.') >= 0
	return slash && (strings.Contains(low, "c/o") || strings.Contains(low, "p/a") || strings.Contains(low, "v/")) ||
		dot && (strings.Contains(low, "t.a.v") || strings.Contains(low, "z.h") || strings.Contains(low, "z. h"))
}

func isLetter(s string) bool {
	r, _ := utf8.DecodeRuneInString(s)
	return unicode.IsLetter(r)
}

// year tells whether digits look like a year of a street's name.
func year(s string) bool {
	return len(s) == 4 && (s[0] == '1' && s[1] >= '3' || s[0] == '2' && s[1] == '0' && s[2] <= '3')
}

// larger compares numbers by their digits; what begins with 0 is none.
func larger(a, b string) bool {
	if a[0] == '0' || len(a) > 5 {
		return false
	}
	if len(a) != len(b) {
		return len(a) > len(b)
	}
	return a > b
}

// roman tells whether small letters are such a number.
func roman(s string) bool { return len(s) <= 4 && strings.Trim(s, "ivx") == "" }

// lower makes small letters of those whose small form is as long in UTF-8, so that places stay what they were.
func lower(s string) string {
	var room [256]byte
	b := append(room[:0], s...)
	for i := 0; i < len(b); {
		c := b[i]
		if c < utf8.RuneSelf {
			if c >= 'A' && c <= 'Z' {
				b[i] = c + 'a' - 'A'
			}
			i++
			continue
		}
		r, n := utf8.DecodeRune(b[i:])
		if small := unicode.ToLower(r); small != r && utf8.RuneLen(small) == n {
			utf8.EncodeRune(b[i:], small)
		}
		i += n
	}
	return string(b)
}
