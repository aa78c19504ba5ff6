package ui

import (
	"fmt"
	"strings"
	"time"
	"unicode"

	"github.com/charmbracelet/x/ansi"
)

// Clean makes text from elsewhere safe to draw: nothing in it steers the terminal, runs backwards, or has a width that terminals do not
// agree on. Line ends and tabs become blanks.
func Clean(s string) string {
	plain := true
	for i := range len(s) {
		if s[i] < 0x20 || s[i] >= 0x7f {
			plain = false
			break
		}
	}
	if plain {
		return s
	}
	s = ansi.Strip(strings.ToValidUTF8(s, "\uFFFD"))
	alone := true // nothing stands before that a mark could join
	return strings.Map(func(r rune) (kept rune) {
		defer func() {
			if kept >= 0 {
				alone = kept == ' '
			}
		}()
		switch {
		case alone && unicode.Is(unicode.M, r):
			return -1
		case r == '\t' || r == '\n' || r == '\r' || r == '\u2028' || r == '\u2029':
			return ' '
		case unicode.IsControl(r) || unicode.Is(unicode.Cf, r): // bidirectional marks, joiners of emoji, soft hyphens
			return -1
		case r >= 0xFE00 && r <= 0xFE0F || r >= 0xE0100 && r <= 0xE01EF: // variation selectors widen a character here and not there
			return -1
		case r >= 0x1F3FB && r <= 0x1F3FF: // skin tones
			return -1
		case r >= 0x1F1E6 && r <= 0x1F1FF: // halves of flags
			return 'A' + r - 0x1F1E6
		case unicode.Is(unicode.Co, r):
			return '\uFFFD'
		}
		return r
	}, s)
}

// Width is how many cells a text takes, styles left out.
func Width(s string) int { return ansi.StringWidth(s) }

// Cut shortens a text to at most width cells and shows that it did.
func Cut(s string, width int) string {
	if width <= 0 {
		return ""
	}
	if Width(s) <= width {
		return s
	}
	return ansi.Truncate(s, width, "…")
}

// Pad makes a text exactly width cells wide.
func Pad(s string, width int) string {
	s = Cut(s, width)
	if n := width - Width(s); n > 0 {
		return s + strings.Repeat(" ", n)
	}
	return s
}

// PadLeft is Pad for numbers: they stand at the right.
func PadLeft(s string, width int) string {
	s = Cut(s, width)
	if n := width - Width(s); n > 0 {
		s = strings.Repeat(" ", n) + s
	}
	for Width(s) < width { // a blank and what stood first have become one
		s = " " + s
	}
	return s
}

// Wrap breaks a text into lines of at most width cells, between words where it can.
func Wrap(s string, width int) []string {
	if width <= 0 {
		return nil
	}
	var out []string
	for l := range strings.SplitSeq(ansi.Wrap(s, width, ""), "\n") {
		if Width(l) <= width {
			out = append(out, l)
			continue
		}
		// Blanks at the beginning can make a line too long.
		out = append(out, strings.Split(ansi.Hardwrap(l, width, true), "\n")...)
	}
	return out
}

// Fit makes a text exactly height lines of exactly width cells.
func Fit(s string, width, height int) string {
	if width <= 0 || height <= 0 {
		return ""
	}
	lines := strings.Split(s, "\n")
	out := make([]string, height)
	for i := range out {
		if i < len(lines) {
			out[i] = Pad(lines[i], width)
		} else {
			out[i] = strings.Repeat(" ", width)
		}
	}
	return strings.Join(out, "\n")
}

// Sides puts one text at the left and one at the right of a line; where both do not fit, the left one is shortened.
func Sides(left, right string, width int) string {
	r := Width(right)
	if r+2 > width {
		return Pad(left, width)
	}
	return Pad(left, width-r-1) + " " + right
}

// Ago says how long ago something was, in the largest unit that tells it.
func Ago(w Words, now, t time.Time) string {
	if t.IsZero() {
		return w.T("never")
	}
	d := now.Sub(t)
	switch {
	case d < time.Minute:
		return w.T("just now")
	case d < time.Hour:
		return w.T("%d min ago", int(d/time.Minute))
	case d < 48*time.Hour:
		return w.T("%d h ago", int(d/time.Hour))
	}
	return w.T("%d days ago", int(d/(24*time.Hour)))
}

// In says in how long something will be.
func In(w Words, now, t time.Time) string {
	d := t.Sub(now)
	switch {
	case t.IsZero():
		return ""
	case d <= 0:
		return w.T("now")
	case d < time.Minute:
		return w.T("in %d s", int((d+time.Second-1)/time.Second))
	case d < time.Hour:
		return w.T("in %d min", int((d+time.Minute-1)/time.Minute))
	case d < 48*time.Hour:
		return w.T("in %d h", int(d/time.Hour))
	}
	return w.T("in %d days", int(d/(24*time.Hour)))
}

// Took says how long something lasted: 0:41, 12:05, 1:02:03.
func Took(d time.Duration) string {
	s := int(d.Round(time.Second) / time.Second)
	if s < 3600 {
		return fmt.Sprintf("%d:%02d", s/60, s%60)
	}
	return fmt.Sprintf("%d:%02d:%02d", s/3600, s/60%60, s%60)
}

// Moment is a point in time as people write it: the time alone on the day itself.
func Moment(now, t time.Time) string {
	if t.IsZero() {
		return ""
	}
	t = t.In(now.Location())
	if t.Year() == now.Year() && t.YearDay() == now.YearDay() {
		return t.Format("15:04:05")
	}
	return t.Format("2006-01-02 15:04")
}

// Thousands writes a count with a mark between thousands: 12,345.
func Thousands(n int) string {
	s := fmt.Sprint(n)
	for i := len(s) - 3; i > 0 && s[i-1] != '-'; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// Compact tells that the space is too small for what is nice to have.
func Compact(width, height int) bool { return width < 100 || height < 24 }
