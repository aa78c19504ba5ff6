package cli

import (
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"github.com/pomost/pomost/host/control"
)

// How often progress is shown: a line that changes on a terminal, few lines elsewhere.
const (
	terminalEvery = 100 * time.Millisecond
	plainEvery    = 10 * time.Second
)

// progress tells on stderr what is going on. A nil progress tells nothing. Safe for concurrent use.
type progress struct {
	raw      io.Writer
	text     io.Writer
	terminal bool

	mu      sync.Mutex
	last    time.Time
	message string
	shown   bool // a line of ours stands on the terminal
	done    bool
}

func newProgress(w io.Writer) *progress {
	return &progress{raw: w, text: cleanWriter{w}, terminal: isTerminal(w), last: time.Now()}
}

// event shows one piece of progress, if it is new or time for it.
func (p *progress) event(e control.Event) {
	if p == nil {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.done {
		return
	}
	// Away from a terminal only what is waited for is worth a line at once.
	news, every := e.Wait > 0 && e.Message != p.message, plainEvery
	if p.terminal {
		news, every = e.Message != "" && e.Message != p.message, terminalEvery
	}
	if !news && time.Since(p.last) < every {
		return
	}
	p.last = time.Now()
	if e.Message != "" {
		p.message = e.Message
	}
	line := p.line(e)
	if !p.terminal {
		fmt.Fprintln(p.text, line)
		return
	}
	// The line is ours to rewrite; what stands in it goes through the cleaning writer.
	_, _ = io.WriteString(p.raw, "\r\x1b[K")
	fmt.Fprint(p.text, line)
	p.shown = true
}

func (p *progress) line(e control.Event) string {
	var parts []string
	if e.Flow != "" {
		parts = append(parts, fmt.Sprintf("%s: %d read, %d created", e.Flow, e.Counts.Read, e.Counts.Created))
		if n := e.Counts.Held + e.Counts.Failed; n > 0 {
			parts[0] += fmt.Sprintf(", %d held or failed", n)
		}
	}
	if e.Message != "" {
		m := e.Message
		if e.Wait > 0 {
			m += fmt.Sprintf(" (%s)", e.Wait.Round(100*time.Millisecond))
		}
		parts = append(parts, m)
	}
	line := cell(strings.Join(parts, " · "))
	if r := []rune(line); p.terminal && len(r) > 78 { // one that breaks could not be rewritten
		line = string(r[:77]) + "…"
	}
	return line
}

// end takes our line off the terminal; nothing is shown after it.
func (p *progress) end() {
	if p == nil {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.shown {
		_, _ = io.WriteString(p.raw, "\r\x1b[K")
	}
	p.shown, p.done = false, true
}

// clear takes our line off the terminal; it may come back.
func (p *progress) clear() {
	if p == nil {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.shown {
		_, _ = io.WriteString(p.raw, "\r\x1b[K")
	}
	p.shown = false
}
