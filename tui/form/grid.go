package form

import (
	"strings"

	tea "charm.land/bubbletea/v2"

	"github.com/pomost/pomost/host/control"
	"github.com/pomost/pomost/tui/ui"
)

const (
	gridRows = 10  // rows that an open table shows at once
	maxRows  = 500 // rows that can be added by hand
)

// grid is an open table: the cell with the cursor is always being edited. Below the last row stands an empty one that becomes real when
// something is typed into it.
type grid struct {
	form     *Form
	item     *item
	columns  []control.Field
	row, col int
	input    ui.Input
	top      int
}

func newGrid(f *Form, it *item) *grid {
	g := &grid{form: f, item: it, columns: it.columns()}
	g.enterCell()
	return g
}

func (g *grid) column() control.Field { return g.columns[g.col] }

// listed tells that the cell is chosen from a list.
func (g *grid) listed() bool {
	return g.column().Type == control.FieldChoice && len(g.column().Options) > 0
}

func (g *grid) cell() string {
	if g.row >= len(g.item.rows) {
		return ""
	}
	return g.item.rows[g.row][g.col]
}

func (g *grid) enterCell() { g.input.Set(g.cell()) }

// store puts what is typed into the cell; the empty row becomes a real one.
func (g *grid) store() {
	text := g.input.Value()
	if g.row >= len(g.item.rows) {
		if text == "" {
			return
		}
		g.grow()
	}
	g.item.rows[g.row][g.col] = text
}

func (g *grid) grow() {
	if len(g.item.rows) >= maxRows {
		return
	}
	g.item.rows = append(g.item.rows, make([]string, len(g.columns)))
	for len(g.item.listed) < len(g.item.rows) {
		g.item.listed = append(g.item.listed, false)
	}
	g.row = len(g.item.rows) - 1
}

// step goes n cells on, row by row.
func (g *grid) step(n int) {
	at := g.row*len(g.columns) + g.col + n
	g.to(at/len(g.columns), at%len(g.columns))
	if at < 0 {
		g.to(0, 0)
	}
}

func (g *grid) to(row, col int) {
	g.row, g.col = min(max(row, 0), len(g.item.rows), maxRows-1), min(max(col, 0), len(g.columns)-1)
	g.enterCell()
}

func (g *grid) enter() tea.Cmd {
	if g.listed() {
		if g.row >= len(g.item.rows) {
			g.grow()
		}
		cell := &g.item.rows[g.row][g.col]
		g.form.open = newPicker(g.column().Options, map[string]bool{*cell: true}, false)
		g.form.open.cell = cell
		return nil
	}
	g.step(1)
	return nil
}

func (g *grid) add() tea.Cmd {
	g.to(len(g.item.rows), 0)
	return nil
}

func (g *grid) delete() tea.Cmd {
	if g.row < len(g.item.rows) {
		g.item.rows = append(g.item.rows[:g.row:g.row], g.item.rows[g.row+1:]...)
		if g.row < len(g.item.listed) {
			g.item.listed = append(g.item.listed[:g.row:g.row], g.item.listed[g.row+1:]...)
		}
		g.to(g.row, g.col)
	}
	return nil
}

func (g *grid) key(k tea.KeyPressMsg) {
	switch k.String() {
	case "up":
		g.to(g.row-1, g.col)
	case "down":
		g.to(g.row+1, g.col)
	case "pgup":
		g.to(g.row-gridRows, g.col)
	case "pgdown":
		g.to(g.row+gridRows, g.col)
	case "space":
		if g.listed() {
			g.enter()
			return
		}
		fallthrough
	default:
		if !g.listed() && g.input.Key(k) {
			g.item.wrong = ""
			g.store()
		}
	}
}

// paste puts text into the cell. Several lines, as from a spreadsheet, go into as many rows, and tabs part the cells.
func (g *grid) paste(text string) {
	lines := strings.Split(strings.TrimRight(strings.ReplaceAll(text, "\r", ""), "\n"), "\n")
	if len(lines) == 1 && !strings.Contains(text, "\t") {
		if !g.listed() {
			g.input.Insert(text)
			g.store()
		}
		return
	}
	row, col := g.row, g.col
	for i, l := range lines[:min(len(lines), maxRows)] {
		for j, cell := range strings.Split(l, "\t") {
			if col+j < len(g.columns) && row+i < maxRows {
				g.to(row+i, col+j)
				g.input.Set(strings.TrimSpace(cell))
				g.store()
			}
		}
	}
}

// view draws the table with its header.
func (g *grid) view(width int) []string {
	f := g.form
	st := f.env.Styles
	const gap = 2
	widths := make([]int, len(g.columns))
	for i := range widths {
		widths[i] = max((width-5-gap*(len(widths)-1))/len(widths), 4)
	}
	line := func(mark string, cell func(i int) string) string {
		var b strings.Builder
		b.WriteString(mark)
		for i := range g.columns {
			if i > 0 {
				b.WriteString(strings.Repeat(" ", gap))
			}
			b.WriteString(cell(i))
		}
		return b.String()
	}
	var out []string
	if len(g.columns) > 1 {
		out = append(out, st.Muted.Render(line("     ", func(i int) string { return ui.Pad(ui.Clean(f.t(g.columns[i].Label)), widths[i]) })))
	}
	rows := len(g.item.rows)
	g.top = min(max(min(g.top, g.row), g.row-gridRows+1), max(rows+1-gridRows, 0))
	for r := g.top; r <= min(g.top+gridRows-1, rows); r++ {
		mark := gutter(r == g.row) + ui.PadLeft(ui.Thousands(r+1), 3) + " "
		if r == rows {
			mark = gutter(r == g.row) + "  + "
		}
		out = append(out, line(mark, func(i int) string {
			if r == g.row && i == g.col {
				if g.listed() {
					return st.Selected.Render(ui.Pad(g.shown(r, i)+" ▾", widths[i]))
				}
				return g.input.View(st, widths[i], true)
			}
			return ui.Pad(g.shown(r, i), widths[i])
		}))
		if r == g.row && f.open != nil {
			for _, l := range f.open.view(f, width-6) {
				out = append(out, "      "+l)
			}
		}
	}
	if help := g.column().Help; help != "" {
		for _, l := range ui.Wrap(ui.Clean(help), max(width-4, 8)) {
			out = append(out, st.Muted.Render("    "+l))
		}
	}
	if hidden := rows + 1 - min(rows+1, gridRows); hidden > 0 {
		out = append(out, st.Muted.Render("    "+f.t("%d rows", rows)))
	}
	return out
}

func (g *grid) shown(row, col int) string {
	if row >= len(g.item.rows) {
		return ""
	}
	return ui.Clean(g.columns[col].OptionLabel(g.item.rows[row][col]))
}
