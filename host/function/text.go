package function

import (
	"strings"
	"unicode/utf8"

	"github.com/pomost/pomost/host/child"
)

// cut shortens a text to at most n bytes at the end of a character.
func cut(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n]
}

// clean makes a module's text harmless for a terminal and a log.
func clean(s string, n int) string { return strings.TrimSpace(child.Sanitise(cut(s, n))) }
