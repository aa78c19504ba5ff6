package cli

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"github.com/charmbracelet/x/ansi"
	"golang.org/x/term"

	"github.com/pomost/pomost/host/control"
	"github.com/pomost/pomost/host/flow"
)

// finish shows a command's answer and its error in the form that was asked for, and returns what ends the command. code is the
// exit code with the error already counted in, or ExitDone for the error's own. v may be nil where there is only an error to tell.
func (a *app) finish(v any, err error, code int, text func(io.Writer)) error {
	a.progress.end()
	f := control.AsFailure(err)
	if f != nil {
		if code == control.ExitDone {
			code = f.Exit()
		}
	}
	if a.output == outputJSON {
		if a.writeJSON(v, f, err) != nil { // nobody reads any more
			code = control.ExitFailed
		}
	} else {
		if text != nil {
			text(a.out)
		}
		if f != nil {
			a.showError(f, err)
		}
	}
	if code == control.ExitDone {
		return nil
	}
	return exitError(code)
}

// problem is one of several things wrong with the input.
type problem struct {
	File    string `json:"file,omitempty"`
	Line    int    `json:"line,omitempty"`
	Column  int    `json:"column,omitempty"`
	Path    string `json:"path"`
	Message string `json:"message"`
	Remedy  string `json:"remedy"`
}

func problems(err error) []problem {
	var us flow.UsageErrors
	if !errors.As(err, &us) {
		return nil
	}
	out := make([]problem, 0, len(us))
	for _, u := range us {
		out = append(out, problem{u.File, u.Line, u.Column, u.Path, u.Message, u.Remedy})
	}
	return out
}

// writeJSON writes v as the one JSON value of stdout, with the error and all problems beside what v has to tell.
func (a *app) writeJSON(v any, f *control.Failure, err error) error {
	body := []byte("{}")
	if v != nil {
		var merr error
		if body, merr = json.Marshal(v); merr != nil {
			return merr
		}
	}
	beside := func(key string, value any) {
		text, merr := json.Marshal(value)
		if merr != nil || bytes.HasPrefix(body, []byte(`{"`+key+`":`)) {
			return
		}
		comma := ","
		if len(body) == 2 {
			comma = ""
		}
		body = append(body[:len(body)-1], comma+`"`+key+`":`+string(text)+"}"...)
	}
	if ps := problems(err); len(ps) > 1 {
		beside("problems", ps)
	}
	if f != nil {
		beside("error", f)
	}
	_, werr := a.stdout.Write(append(safeJSON(body), '\n'))
	return werr
}

// jsonLine writes one value on a line of its own, for answers that are streams.
func (a *app) jsonLine(v any) error {
	body, err := json.Marshal(v)
	if err != nil {
		return err
	}
	_, err = a.stdout.Write(append(safeJSON(body), '\n'))
	return err
}

// showError tells an error to a person, once.
func (a *app) showError(f *control.Failure, err error) {
	if us := problems(err); len(us) > 0 {
		for _, u := range us {
			e := flow.UsageError{File: u.File, Line: u.Line, Column: u.Column, Path: u.Path, Message: u.Message}
			a.errorLines(e.Error(), u.Remedy)
		}
		return
	}
	a.errorLines(f.Error(), f.Remedy)
}

func (a *app) errorLines(message, remedy string) {
	fmt.Fprintln(a.errs, "pomost: "+strings.ReplaceAll(strings.TrimSpace(message), "\n", "\n  "))
	if remedy != "" {
		fmt.Fprintln(a.errs, "  → "+cell(remedy))
	}
}

// steers tells whether a rune could steer a terminal or reorder a line: control characters, those of ANSI escapes among them, and
// the marks of writing direction. What comes from a system is data and must stay that.
func steers(r rune) bool {
	switch {
	case r < 0x20, r >= 0x7f && r <= 0x9f:
		return true
	case r == 0x200e, r == 0x200f, r >= 0x202a && r <= 0x202e, r >= 0x2066 && r <= 0x2069, r == 0x2028, r == 0x2029, r == 0xfeff:
		return true
	}
	return false
}

// cell makes text fit for one line: line ends and tabs become blanks. Other characters are the cleanWriter's matter.
func cell(s string) string {
	return strings.Map(func(r rune) rune {
		switch r {
		case '\n', '\r', '\t', '\v', '\f', 0x85, 0x2028, 0x2029:
			return ' '
		}
		return r
	}, s)
}

// cleanWriter lets text through to a terminal, line ends included, and nothing that could steer it. All text for people goes
// through one.
type cleanWriter struct{ w io.Writer }

// Write implements io.Writer. Runes must not be split over two calls.
func (c cleanWriter) Write(p []byte) (int, error) {
	clean := make([]byte, 0, len(p))
	for rest := p; len(rest) > 0; {
		r, n := utf8.DecodeRune(rest)
		if r == utf8.RuneError && n == 1 || r != '\n' && steers(r) {
			clean = utf8.AppendRune(clean, utf8.RuneError)
		} else {
			clean = append(clean, rest[:n]...)
		}
		rest = rest[n:]
	}
	if _, err := c.w.Write(clean); err != nil {
		return 0, err
	}
	return len(p), nil
}

// safeJSON escapes what JSON allows raw and a terminal would obey; the value stays the same.
func safeJSON(body []byte) []byte {
	if bytes.IndexFunc(body, steers) < 0 {
		return body
	}
	out := make([]byte, 0, len(body)+16)
	for rest := body; len(rest) > 0; {
		r, n := utf8.DecodeRune(rest)
		if steers(r) {
			out = fmt.Appendf(out, `\u%04x`, r)
		} else {
			out = append(out, rest[:n]...)
		}
		rest = rest[n:]
	}
	return out
}

// wrapped breaks a text into lines between its words where it is shown at a terminal.
func wrapped(text string, w io.Writer) string {
	f, ok := w.(interface{ Fd() uintptr })
	if !ok {
		return text
	}
	width, _, err := term.GetSize(int(f.Fd()))
	if err != nil || width < 20 {
		return text
	}
	return ansi.Wordwrap(text, width-1, "")
}
