package child

import (
	"fmt"
	"strings"
	"testing"
)

func TestLastWordsAreHarmless(t *testing.T) {
	w := &LastWords{}
	w.Hide("hunter22")
	fmt.Fprintf(w, "a\x1b[2Jb\x1b]0;title\x07c\x1b]8;;x\x1b\\d\u202ee\x00\r\t\u0085f\xff hunter22\n\n")
	for i := range 100 {
		fmt.Fprintf(w, "line %d %s\n", i, strings.Repeat("x", 1000))
	}
	fmt.Fprint(w, "no end")
	lines := w.All()
	if len(lines) != KeptLines || lines[KeptLines-1] != "no end" || len(lines[0]) > KeptLine {
		t.Errorf("%d lines, last %q", len(lines), lines[len(lines)-1])
	}
	w = &LastWords{}
	w.Hide("hunter22")
	fmt.Fprintf(w, "a\x1b[2Jb\x1b]0;title\x07c\x1b]8;;x\x1b\\d\u202ee\x00\r\t\u0085f\xff hunter22")
	if got := w.String(); got != "abcde f •••" {
		t.Errorf("%q", got)
	}
}
