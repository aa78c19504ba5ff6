package child

import (
	"strings"
	"sync"
	"unicode"
)

// Bounds of what is kept of a child's output.
const (
	KeptLines  = 64
	KeptLine   = 400 // bytes of one line
	shownLines = 4   // in an error message
)

// LastWords keeps the last lines that a child wrote, stripped of everything that a terminal would obey. It is an
// io.Writer for several streams at once and never fails.
type LastWords struct {
	mu      sync.Mutex
	lines   []string // at most KeptLines, oldest first
	panic   string   // the first line of a Go panic or fatal error: the stack behind it would push it out
	partial []byte
	skip    bool // the rest of an overlong line is dropped
	secrets []string
}

// Write implements io.Writer.
func (w *LastWords) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, c := range p {
		switch {
		case c == '\n':
			w.line()
		case w.skip:
		default:
			w.partial = append(w.partial, c)
			w.skip = len(w.partial) >= KeptLine
		}
	}
	return len(p), nil
}

func (w *LastWords) line() {
	s := Sanitise(string(w.partial))
	w.partial, w.skip = w.partial[:0], false
	if s == "" {
		return
	}
	if w.panic == "" && (strings.HasPrefix(s, "panic: ") || strings.HasPrefix(s, "fatal error: ")) {
		w.panic = s
	}
	if len(w.lines) == KeptLines {
		w.lines = append(w.lines[:0], w.lines[1:]...)
	}
	w.lines = append(w.lines, s)
}

// Hide keeps a secret out of what is shown. Only the latest are remembered: tokens rotate.
func (w *LastWords) Hide(secret string) {
	if len(secret) < 4 { // shorter ones would blank out ordinary words
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, s := range w.secrets {
		if s == secret {
			return
		}
	}
	if len(w.secrets) == KeptLines {
		w.secrets = append(w.secrets[:0], w.secrets[1:]...)
	}
	w.secrets = append(w.secrets, secret)
}

// All returns the kept lines.
func (w *LastWords) All() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.partial) > 0 {
		w.line()
	}
	out := make([]string, len(w.lines))
	for i, s := range w.lines {
		out[i] = w.redact(s)
	}
	return out
}

func (w *LastWords) redact(s string) string {
	for _, secret := range w.secrets {
		s = strings.ReplaceAll(s, secret, "•••")
	}
	return s
}

// String is the end of what the child said, for an error message: the panic if there was one.
func (w *LastWords) String() string {
	lines := w.All()
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.panic != "" {
		return w.redact(w.panic)
	}
	return strings.Join(lines[max(0, len(lines)-shownLines):], " / ")
}

// Sanitise drops control characters, escape sequences and invisible marks, so that a child's output can be shown in a
// terminal or a log without doing anything there.
func Sanitise(s string) string {
	var b strings.Builder
	runes := []rune(strings.ToValidUTF8(s, ""))
	for i := 0; i < len(runes); i++ {
		r := runes[i]
		if r == 0x1b && i+1 < len(runes) {
			i = skipEscape(runes, i+1)
			continue
		}
		switch {
		case r == '\t':
			b.WriteByte(' ')
		case unicode.IsPrint(r):
			b.WriteRune(r)
		}
	}
	return strings.TrimSpace(b.String())
}

// skipEscape returns the index of the last rune of the escape sequence whose second rune is at i (ECMA-48: a CSI ends at
// 0x40–0x7e, a string such as OSC at BEL or ESC \).
func skipEscape(runes []rune, i int) int {
	switch runes[i] {
	case '[':
		for i++; i < len(runes) && (runes[i] < 0x40 || runes[i] > 0x7e); i++ {
		}
	case ']', 'P', 'X', '^', '_':
		for i++; i < len(runes) && runes[i] != 0x07; i++ {
			if runes[i] == 0x1b {
				return i + 1
			}
		}
	}
	return i
}
