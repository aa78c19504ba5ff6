package sandbox

import (
	"strings"
	"time"
)

// tokenKind is the kind of a token of a $filter.
type tokenKind uint8

const (
	tokEnd tokenKind = iota
	tokWord
	tokString
	tokNumber
	tokUUID
	tokTime
	tokOpen
	tokClose
	tokComma
	tokColon
	tokSlash
)

type token struct {
	kind tokenKind
	text string
	time time.Time
	pos  int
}

// lexFilter cuts a $filter into tokens. Strings are in single quotes with quotes doubled; GUIDs and times stand bare.
func lexFilter(s string) ([]token, error) {
	var out []token
	for i := 0; i < len(s); {
		c := s[i]
		single := map[byte]tokenKind{'(': tokOpen, ')': tokClose, ',': tokComma, ':': tokColon, '/': tokSlash}[c]
		switch {
		case c == ' ' || c == '\t':
			i++
		case single != 0:
			out = append(out, token{kind: single, text: string(c), pos: i})
			i++
		case c == '\'':
			text, end, ok := quoted(s, i)
			if !ok {
				return nil, badQuery("unterminated string literal at position %d in '%s'", i, s)
			}
			out = append(out, token{kind: tokString, text: text, pos: i})
			i = end
		case isBare(c):
			end := i
			// A colon belongs to a time, but parts a lambda's variable from its body: "x:x/Text" is not one word.
			for end < len(s) && (isBare(s[end]) || (s[end] == ':' && c >= '0' && c <= '9')) {
				end++
			}
			t, err := bareToken(s[i:end], i)
			if err != nil {
				return nil, err
			}
			out = append(out, t)
			i = end
		default:
			return nil, badQuery("syntax error: character '%c' is not valid at position %d", c, i)
		}
	}
	return append(out, token{kind: tokEnd, pos: len(s)}), nil
}

func isBare(c byte) bool {
	return c == '_' || c == '-' || c == '+' || c == '.' || (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z')
}

func quoted(s string, start int) (text string, end int, ok bool) {
	var b strings.Builder
	for i := start + 1; i < len(s); i++ {
		if s[i] != '\'' {
			b.WriteByte(s[i])
			continue
		}
		if i+1 < len(s) && s[i+1] == '\'' {
			b.WriteByte('\'')
			i++
			continue
		}
		return b.String(), i + 1, true
	}
	return "", 0, false
}

func bareToken(s string, pos int) (token, error) {
	if id, ok := parseUUID(s); ok {
		return token{kind: tokUUID, text: id, pos: pos}, nil
	}
	if looksLikeTime(s) {
		t, ok := parseTime(s)
		if !ok {
			return token{}, badDate("'%s' is not a valid date", s)
		}
		return token{kind: tokTime, text: s, time: t.UTC(), pos: pos}, nil
	}
	if c := s[0]; (c >= '0' && c <= '9') || c == '-' || c == '+' || c == '.' {
		if _, ok := parseNum(s); !ok || strings.ContainsAny(s, "_") {
			return token{}, badQuery("syntax error at position %d: '%s'", pos, s)
		}
		return token{kind: tokNumber, text: s, pos: pos}, nil
	}
	return token{kind: tokWord, text: s, pos: pos}, nil
}

// looksLikeTime is whether text starts as a year and a month do; a number or GUID never has this shape.
func looksLikeTime(s string) bool {
	if len(s) < 6 || s[4] != '-' {
		return false
	}
	for i := range 4 {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return s[5] >= '0' && s[5] <= '9'
}
