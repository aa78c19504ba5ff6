package ui

import (
	"slices"
	"strings"

	"charm.land/lipgloss/v2"
)

// Column is one column of a Table.
type Column struct {
	Title string
	// Width is what it needs; Grow is its share of what is left over, 0 for none.
	Width, Grow int
	// Priority hides columns where there is no room: the highest goes first, 0 always stays.
	Priority int
	// Right puts numbers under each other.
	Right bool
	// Order is how the rows stand when they are first sorted by this column; the zero value offers no sorting by it.
	Order Order
}

// Cell is a text with a style of its own; the zero style is plain.
type Cell struct {
	Text  string
	Style lipgloss.Style
	// Rank sorts cells whose text does not say which comes first: a time, a state.
	Rank int64
}

// Row is one line. A heading has one cell over the whole width and cannot be selected.
type Row struct {
	ID      string
	Cells   []Cell
	Heading bool
}

// Table is a list with columns. What is selected is remembered by the row's ID: new rows never move the selection to another thing.
type Table struct {
	Columns []Column
	// Still is a table in which nothing is selected.
	Still bool
	// Above is how many lines of the page stand above the table when it is drawn, for whoever points at a line.
	Above int
	// Marked are the IDs that are chosen beside the selected one.
	Marked map[string]bool

	given    []Row // in the page's own order
	rows     []Row // as they are sorted
	sorting  sorting
	drawn    []int // widths of the columns, when last drawn
	selected string
	index    int // of the selected row, for when its ID is gone
	top      int
	height   int // of the rows, when last drawn
	heads    int // lines above the rows, when last drawn
}

// NewTable makes a table with nothing in it.
func NewTable(columns ...Column) *Table {
	return &Table{Columns: columns, sorting: sorting{column: -1}, Marked: map[string]bool{}}
}

// SetRows puts new rows in, in the page's own order. The selection stays with its ID, and goes to the row in the same place where that is
// gone.
func (t *Table) SetRows(rows []Row) {
	t.given, t.rows = rows, t.sorted(rows)
	rows = t.rows
	for id := range t.Marked {
		if !slices.ContainsFunc(rows, func(r Row) bool { return r.ID == id && !r.Heading }) {
			delete(t.Marked, id)
		}
	}
	if i := slices.IndexFunc(rows, func(r Row) bool { return r.ID == t.selected && !r.Heading }); i >= 0 {
		t.index = i
		return
	}
	t.selectNear(t.index, 1)
}

// selectNear selects the row at i, or the nearest one that can be, first in the given direction.
func (t *Table) selectNear(i, direction int) {
	t.selected = ""
	if len(t.rows) == 0 || t.Still {
		t.index = 0
		return
	}
	i = min(max(i, 0), len(t.rows)-1)
	for _, step := range []int{direction, -direction} {
		for j := i; j >= 0 && j < len(t.rows); j += step {
			if !t.rows[j].Heading {
				t.index, t.selected = j, t.rows[j].ID
				return
			}
		}
	}
}

// Select puts the selection on the row with this ID, if there is one.
func (t *Table) Select(id string) {
	if i := slices.IndexFunc(t.rows, func(r Row) bool { return r.ID == id && !r.Heading }); i >= 0 {
		t.index, t.selected = i, id
	}
}

// Selected is the ID of the selected row, "" where there is none.
func (t *Table) Selected() string { return t.selected }

// Len is the number of rows, headings included.
func (t *Table) Len() int { return len(t.rows) }

// Move moves the selection by n rows.
func (t *Table) Move(n int) {
	direction := 1
	if n < 0 {
		direction = -1
	}
	t.selectNear(t.index+n, direction)
}

// Click selects the row on a line of the page, if there is one.
func (t *Table) Click(y int) {
	i := y - t.Above - t.heads
	if i < 0 || i >= t.height {
		return
	}
	if i += t.top; i < len(t.rows) && !t.rows[i].Heading && !t.Still {
		t.index, t.selected = i, t.rows[i].ID
	}
}

func (t *Table) page() int { return max(t.height-1, 1) }

// Mark marks the selected row, or takes the mark away, and goes on to the next one.
func (t *Table) Mark() {
	if t.selected == "" {
		return
	}
	if t.Marked[t.selected] {
		delete(t.Marked, t.selected)
	} else {
		t.Marked[t.selected] = true
	}
	t.Move(1)
}

// MarkAll marks every row, or none where all were marked.
func (t *Table) MarkAll() {
	all := map[string]bool{}
	for _, r := range t.rows {
		if !r.Heading {
			all[r.ID] = true
		}
	}
	if len(all) == len(t.Marked) {
		all = map[string]bool{}
	}
	t.Marked = all
}

// layout says how wide each column is drawn, 0 for one that is hidden.
func (t *Table) layout(width int) []int {
	widths := make([]int, len(t.Columns))
	need := 0
	for i, c := range t.Columns {
		widths[i] = c.Width
		if i == t.sorting.column {
			widths[i] = max(widths[i], Width(c.Title)+2) // the marker
		}
		need += widths[i] + 2
	}
	need -= 2
	for need > width {
		worst := -1
		for i, c := range t.Columns {
			if widths[i] > 0 && c.Priority > 0 && (worst < 0 || c.Priority > t.Columns[worst].Priority) {
				worst = i
			}
		}
		if worst < 0 {
			break
		}
		need -= widths[worst] + 2
		widths[worst] = 0
	}
	grow := 0
	for i, c := range t.Columns {
		if widths[i] > 0 {
			grow += c.Grow
		}
	}
	left := max(width-need, 0)
	for i, c := range t.Columns {
		if widths[i] > 0 && c.Grow > 0 {
			share := left * c.Grow / grow
			widths[i] += share
			left -= share
			grow -= c.Grow
		}
	}
	return widths
}

// View draws the head and as many rows as fit; the selected one is always among them. Only rows that are seen are drawn.
func (t *Table) View(st Styles, width, height int) string {
	if width <= 0 || height <= 0 {
		return ""
	}
	inner := max(width-2, 1) // the first two cells tell what is selected and marked
	widths := t.layout(inner)
	t.drawn = widths
	var lines []string
	t.height, t.heads = height, 0
	if (height > 4 || t.Still || height > len(t.rows)) && slices.ContainsFunc(t.Columns, func(c Column) bool { return c.Title != "" }) {
		var head []string
		for i, c := range t.Columns {
			head = append(head, c.Title+t.marker(i))
		}
		lines = append(lines, st.Muted.Render(Pad("  "+t.line(widths, inner, func(i int) string { return head[i] }, nil), width)))
		t.height--
		t.heads = 1
	}
	t.top = min(t.top, max(len(t.rows)-t.height, 0))
	if t.index < t.top {
		t.top = t.index
		if t.top > 0 && t.rows[t.top-1].Heading { // the heading of the first row is worth a line
			t.top--
		}
	}
	if t.index >= t.top+t.height {
		t.top = t.index - t.height + 1
	}
	for i := t.top; i < len(t.rows) && i < t.top+t.height; i++ {
		lines = append(lines, t.row(st, t.rows[i], widths, inner, width))
	}
	return strings.Join(lines, "\n")
}

func (t *Table) row(st Styles, r Row, widths []int, inner, width int) string {
	if r.Heading {
		text, style := "", st.Bold
		if len(r.Cells) > 0 {
			text, style = r.Cells[0].Text, r.Cells[0].Style
		}
		return style.Render(Pad(text, width))
	}
	here, marked := " ", " "
	if r.ID == t.selected && !t.Still {
		here = SymbolHere
	}
	if t.Marked[r.ID] {
		marked = SymbolMarked
	}
	text := func(i int) string {
		if i < len(r.Cells) {
			return r.Cells[i].Text
		}
		return ""
	}
	if r.ID == t.selected && !t.Still {
		return st.Selected.Render(Pad(here+marked+t.line(widths, inner, text, nil), width))
	}
	return Pad(here+marked+t.line(widths, inner, text, func(i int, s string) string {
		if i < len(r.Cells) {
			return r.Cells[i].Style.Render(s)
		}
		return s
	}), width)
}

// line puts cells beside each other.
func (t *Table) line(widths []int, inner int, text func(int) string, style func(int, string) string) string {
	var b strings.Builder
	used := 0
	for i, w := range widths {
		if w == 0 {
			continue
		}
		if used > 0 {
			b.WriteString("  ")
			used += 2
		}
		w = min(w, max(inner-used, 0))
		pad := Pad
		if t.Columns[i].Right {
			pad = PadLeft
		}
		s := pad(text(i), w)
		used += w
		if style != nil {
			s = style(i, s)
		}
		b.WriteString(s)
	}
	return b.String()
}
