package logview

import (
	"slices"
	"strings"

	"github.com/pomost/pomost/host/control"
	"github.com/pomost/pomost/tui/ui"
)

// fields are the names that may stand before a colon in a filter or a search.
var fields = []string{"flow", "cause", "outcome", "key", "object", "action", "run", "step"}

// line is an entry with what it is searched by.
type line struct {
	control.LogEntry
	text string // all of it, in lower case
}

func newLine(e control.LogEntry) line {
	return line{e, strings.ToLower(strings.Join([]string{e.Flow, e.Label, e.Key, e.Action, e.Object, e.Step, e.Outcome, e.Result, e.Cause, e.Message}, " "))}
}

func (l *line) field(name string) string {
	switch name {
	case "flow":
		return l.Flow
	case "cause":
		return l.Cause
	case "outcome":
		return l.Outcome
	case "key":
		return l.Key + " " + l.Label
	case "object":
		return l.Object
	case "action":
		return l.Action
	case "run":
		return l.Run
	case "step":
		return l.Step
	}
	return ""
}

func (l *line) matches(f ui.Filter) bool { return f.Match(l.text, l.field) }

// bad tells that a person should look at the line.
func (l *line) bad() bool {
	switch l.Outcome {
	case "failed", "held", "refused", "unknown":
		return true
	}
	return false
}

// buffer is a window on the log that keeps the newest lines: a ring, with the lines that the filter lets through and those of them that
// the search finds. A line has a number of its own that never changes while it is here, so a place is a number and not an index. The zero
// value is not ready; newBuffer makes one. Its work for a new line does not depend on how many there are.
type buffer struct {
	size        int // how many lines it keeps at most
	ring        []line
	first, next int // numbers: the oldest line, and one past the newest
	dropped     int // lines that had to go to make room

	filter ui.Filter
	shown  []int // numbers of the lines that pass the filter; unused while it is empty
	search ui.Filter
	found  []int // numbers of the shown lines that the search finds
	marks  map[int]bool

	// at is the line that a person chose to stand on; what is filtered out has its nearest neighbour stand for it. follow keeps to the end.
	at     int
	follow bool
	// seen is one past the newest line when following ended: what is beyond it is news.
	seen int
}

func newBuffer(size int) *buffer {
	return &buffer{size: size, marks: map[int]bool{}, follow: true}
}

func (b *buffer) line(n int) *line { return &b.ring[((n%b.size)+b.size)%b.size] }

func (b *buffer) len() int { return b.next - b.first }

// push adds a newer line.
func (b *buffer) push(e control.LogEntry) {
	if b.len() == b.size {
		b.forget(b.first)
		b.first++
		b.dropped++
	}
	b.at = max(b.at, b.first) // a place that went must not come back with older lines
	if len(b.ring) < b.size {
		b.ring = append(b.ring, line{})
	}
	n := b.next
	*b.line(n) = newLine(e)
	b.next++
	last := len(b.shown) - 1
	if !b.enter(n) {
		return
	}
	if last >= 0 && b.shown[last] < b.at { // it stood for a hidden line below it, and must go on to
		b.at = b.shown[last]
	}
	if b.follow {
		b.at, b.seen = n, b.next
	}
}

// enter puts a line into the lists that it belongs to, and tells whether it is shown. It is the newest.
func (b *buffer) enter(n int) bool {
	l := b.line(n)
	if !b.filter.Empty() {
		if !l.matches(b.filter) {
			return false
		}
		b.shown = append(b.shown, n)
	}
	if !b.search.Empty() && l.matches(b.search) {
		b.found = append(b.found, n)
	}
	return true
}

// forget takes the oldest line out of the lists.
func (b *buffer) forget(n int) {
	if len(b.shown) > 0 && b.shown[0] == n {
		b.shown = b.shown[1:]
	}
	if len(b.found) > 0 && b.found[0] == n {
		b.found = b.found[1:]
	}
	delete(b.marks, n)
}

// prepend puts older lines, oldest first, before the others. Where there is no room for all, the newest lines go: the person is going
// back. It tells how many went.
func (b *buffer) prepend(older []control.LogEntry) (gone int) {
	older = older[max(len(older)-b.size, 0):]
	all := make([]line, 0, b.size)
	for _, e := range older {
		all = append(all, newLine(e))
	}
	keep := min(b.len(), b.size-len(older))
	gone = b.len() - keep
	for n := b.first; n < b.first+keep; n++ {
		all = append(all, *b.line(n))
	}
	for n := range b.marks {
		if n >= b.first+keep {
			delete(b.marks, n)
		}
	}
	b.first -= len(older)
	b.next = b.first + len(all)
	b.ring = make([]line, b.size)
	for i, l := range all {
		*b.line(b.first + i) = l
	}
	b.dropped = 0
	b.follow, b.seen = false, b.next
	b.at = min(b.at, b.next-1)
	b.refilter()
	return gone
}

// setFilter hides what does not match; the place stays.
func (b *buffer) setFilter(f ui.Filter) {
	b.filter = f
	b.refilter()
}

// setSearch marks what matches and hides nothing.
func (b *buffer) setSearch(f ui.Filter) {
	b.search = f
	b.refilter()
}

func (b *buffer) refilter() {
	b.shown, b.found = nil, nil
	for n := b.first; n < b.next; n++ {
		b.enter(n)
	}
	if b.follow {
		b.toEnd()
	}
}

// count is how many lines are shown.
func (b *buffer) count() int {
	if b.filter.Empty() {
		return b.len()
	}
	return len(b.shown)
}

// number is the number of the i-th shown line.
func (b *buffer) number(i int) int {
	if b.filter.Empty() {
		return b.first + i
	}
	return b.shown[i]
}

// here is the index among the shown lines of the line that one stands on: the chosen one, else the next one after it, else the last.
// It is -1 where nothing is shown.
func (b *buffer) here() int {
	c := b.count()
	if c == 0 {
		return -1
	}
	if b.filter.Empty() {
		return min(max(b.at-b.first, 0), c-1)
	}
	i, _ := slices.BinarySearch(b.shown, b.at)
	return min(i, c-1)
}

// current is the number of the line that one stands on; numbers of older lines that were loaded are negative.
func (b *buffer) current() (n int, ok bool) {
	if i := b.here(); i >= 0 {
		return b.number(i), true
	}
	return 0, false
}

// move goes n shown lines down, or up for less than 0. Going up ends following; reaching the end begins it again.
func (b *buffer) move(n int) {
	i := b.here()
	if i < 0 {
		return
	}
	b.stand(min(max(i+n, 0), b.count()-1))
	if n > 0 && b.here() == b.count()-1 {
		b.toEnd()
	}
}

// stand stands on the i-th shown line, and follows no more unless it is the newest and it was followed.
func (b *buffer) stand(i int) {
	b.at = b.number(i)
	if i < b.count()-1 {
		b.pause()
	}
}

// pause ends following where one stands.
func (b *buffer) pause() {
	if b.follow {
		b.follow, b.seen = false, b.next
	}
}

// toEnd stands on the newest line and follows.
func (b *buffer) toEnd() {
	b.follow, b.seen = true, b.next
	b.at = b.next - 1
	if c := b.count(); c > 0 {
		b.at = b.number(c - 1)
	}
}

// news is how many shown lines came since following ended.
func (b *buffer) news() int {
	switch {
	case b.follow:
		return 0
	case b.filter.Empty():
		return b.next - max(b.seen, b.first)
	}
	i, _ := slices.BinarySearch(b.shown, b.seen)
	return len(b.shown) - i
}

// nextFound goes to the next line that the search finds, upwards for a negative direction, round the ends.
func (b *buffer) nextFound(direction int) bool {
	return b.jump(b.found, direction, true)
}

// nextBad goes to the next line in which something went wrong; it stays where there is none.
func (b *buffer) nextBad(direction int) bool {
	i := b.here()
	if i < 0 {
		return false
	}
	for j := i + direction; j >= 0 && j < b.count(); j += direction {
		if b.line(b.number(j)).bad() {
			b.stand(j)
			return true
		}
	}
	return false
}

func (b *buffer) jump(numbers []int, direction int, round bool) bool {
	here, ok := b.current()
	if !ok || len(numbers) == 0 {
		return false
	}
	i, exact := slices.BinarySearch(numbers, here)
	switch {
	case direction < 0:
		i--
	case exact:
		i++
	}
	if !round && (i < 0 || i >= len(numbers)) {
		return false
	}
	i = (i + len(numbers)) % len(numbers)
	b.pause()
	b.at = numbers[i]
	return true
}

// foundAt tells which of the found lines one stands on, from 1; 0 where it is none of them.
func (b *buffer) foundAt() int {
	here, ok := b.current()
	if i, exact := slices.BinarySearch(b.found, here); ok && exact {
		return i + 1
	}
	return 0
}

// toggleMark marks the line that one stands on, or takes the mark away.
func (b *buffer) toggleMark() {
	if n, ok := b.current(); ok {
		if b.marks[n] {
			delete(b.marks, n)
		} else {
			b.marks[n] = true
		}
	}
}
