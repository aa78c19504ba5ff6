package tui

import (
	"slices"
	"strings"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/ansi"

	"github.com/pomost/pomost/tui/ui"
)

// View draws the whole window.
func (m *model) View() tea.View {
	v := tea.NewView(m.frame())
	v.AltScreen = true
	v.WindowTitle = m.windowTitle()
	if m.mouse {
		v.MouseMode = tea.MouseModeCellMotion
	}
	return v
}

func (m *model) windowTitle() string {
	title := "Pomost"
	if p := m.top(); p != nil && len(m.stack) > 1 {
		title += " – " + ui.Clean(p.Title())
	}
	return title
}

// frame is exactly as large as the window.
func (m *model) frame() string {
	w, h := m.width, m.height
	if w <= 0 || h <= 0 {
		return ""
	}
	if w < leastWidth || h < leastHeight {
		text := m.t("this window is too small: %d×%d are needed, it has %d×%d", leastWidth, leastHeight, w, h)
		return m.ascii(ui.Fit(strings.Join(ui.Wrap(text, w), "\n"), w, h))
	}
	head := append([]string{m.head(w)}, make([]string, m.headLines()-1)...)
	foot := []string{m.bar(w)}
	if line := m.message(w); line != "" {
		foot = append([]string{line}, foot...)
	} else if h >= 24 {
		foot = append([]string{""}, foot...)
	}
	rest := h - len(head) - len(foot)
	content := ""
	if p := m.top(); p != nil {
		content = p.View(w, rest)
	}
	frame := strings.Join(append(append(head, ui.Fit(content, w, rest)), foot...), "\n")
	frame = ui.Fit(frame, w, h)
	if m.overlay != nil {
		frame = m.cover(frame, m.overlay.view(m, w, h))
	}
	return m.ascii(frame)
}

// headLines is how many lines stand above the page.
func (m *model) headLines() int {
	if m.height >= 24 {
		return 2
	}
	return 1
}

func (m *model) ascii(frame string) string {
	if m.theme.ASCII {
		return ui.ToASCII(frame)
	}
	return frame
}

// head is the trail of pages at the left, and at the right whether the daemon answers.
func (m *model) head(width int) string {
	st := m.kit.Styles
	var right string
	switch {
	case !m.status.Lost.IsZero():
		right = st.Error.Render(ui.SymbolError + " " + m.t("daemon unreachable since %s", m.status.Lost.In(m.kit.Now().Location()).Format("15:04:05")))
	case !m.known:
		right = st.Muted.Render(m.t("asking the daemon…"))
	case m.opts.Hosted:
		right = st.Running.Render(ui.SymbolRunning + " " + m.hosted(width))
	case !m.status.Daemon:
		right = st.Warning.Render(ui.SymbolWarning + " " + m.t("no daemon"))
	default:
		right = st.Good.Render(ui.SymbolGood + " " + m.t("daemon"))
	}
	if m.opts.ReadOnly {
		right = st.Muted.Render(m.t("looking only")+" · ") + right
	}
	trail := []string{"Pomost"}
	for i, p := range m.stack {
		if i > 0 {
			trail = append(trail, ui.Cut(ui.Clean(p.Title()), max(width/3, 12)))
		}
	}
	room := max(width-ui.Width(right)-3, 8)
	text := strings.Join(trail, " "+ui.SymbolCrumb+" ")
	for i := 2; ui.Width(text) > room && i < len(trail); i++ { // the end of the trail is where we are
		text = strings.Join(append([]string{trail[0], "…"}, trail[i:]...), " "+ui.SymbolCrumb+" ")
	}
	return ui.Sides(" "+st.Title.Render(text), right+" ", width)
}

// hosted says who runs the flows where this program does; on the first page there is room for what that means.
func (m *model) hosted(width int) string {
	switch {
	case len(m.stack) > 1 || width < 60:
		return m.t("flows run in this window")
	case m.opts.Demo:
		return m.t("a demonstration: it ends when you quit")
	}
	return m.t("flows run in this window, until you quit")
}

// message is the line above the bar: a toast, while there is one.
func (m *model) message(width int) string {
	if m.toast.Text == "" {
		return ""
	}
	st := m.kit.Styles
	text := ui.Clean(m.toast.Text)
	if m.toast.Failure {
		return st.Error.Render(ui.Cut(" "+ui.SymbolError+" "+text, width))
	}
	return st.Bold.Render(ui.Cut(" "+text, width))
}

// bar shows the keys that work here and now; help is always among them.
func (m *model) bar(width int) string {
	st := m.kit.Styles
	p := m.top()
	if p == nil {
		return ""
	}
	item := func(b ui.Binding) string {
		return st.Key.Render(ui.KeyName(b.Keys[0])) + " " + st.Muted.Render(m.t(b.Label))
	}
	var last, items []string
	typing := p.Typing()
	taken := map[string]bool{} // by the page: it does something else there
	for _, b := range p.Bindings() {
		for _, k := range b.Keys {
			taken[k] = true
		}
	}
	for _, b := range m.globals() {
		if b.Hidden || len(b.Keys) == 0 || taken[b.Keys[0]] || typing && !command(b.Keys[0]) {
			continue
		}
		last = append(last, item(b))
	}
	for _, b := range p.Bindings() {
		if b.Hidden || b.Label == "" || len(b.Keys) == 0 || typing && !command(b.Keys[0]) && b.Keys[0] != "space" || b.Disabled != nil && b.Disabled() != "" {
			continue
		}
		items = append(items, item(b))
	}
	line := func(n int) string {
		parts := slices.Clone(items[:n])
		if n < len(items) {
			parts = append(parts, "…")
		}
		return " " + strings.Join(append(parts, last...), "  ")
	}
	n := len(items)
	for n > 0 && ui.Width(line(n)) > width {
		n--
	}
	if n == 0 && len(items) > 0 && len(last) > 1 { // a key of the page is worth more than the palette's
		last = slices.Delete(last, 1, 2)
		if n = 1; ui.Width(line(n)) > width {
			n = 0
		}
	}
	return ui.Cut(line(n), width)
}

// cover draws a box over the middle of a frame.
func (m *model) cover(frame, box string) string {
	rows, over := strings.Split(frame, "\n"), strings.Split(box, "\n")
	w := ui.Width(over[0])
	x, y := max((m.width-w)/2, 0), max((len(rows)-len(over))/2, 0)
	for i, line := range over {
		if y+i >= len(rows) {
			break
		}
		row := rows[y+i]
		left := ui.Pad(ansi.Truncate(row, x, ""), x)
		right := ansi.TruncateLeft(row, x+w, "")
		// A wide character may be cut in two on either side: the rest is filled up.
		if n := m.width - x - w - ui.Width(right); n > 0 {
			right = strings.Repeat(" ", n) + right
		}
		rows[y+i] = ui.Pad(left+line+right, m.width)
	}
	return strings.Join(rows, "\n")
}

// box draws a border with a title around lines.
func (m *model) box(title string, lines []string, width int) string {
	st := m.kit.Styles
	inner := max(width-4, 1)
	title = ui.Cut(title, max(inner-2, 1))
	top := st.Border.Render("╭─ ") + st.Title.Render(title) + st.Border.Render(" "+strings.Repeat("─", max(width-ui.Width(title)-5, 0))+"╮")
	out := []string{top}
	for _, l := range lines {
		out = append(out, st.Border.Render("│")+" "+ui.Pad(l, inner)+" "+st.Border.Render("│"))
	}
	out = append(out, st.Border.Render("╰"+strings.Repeat("─", max(width-2, 0))+"╯"))
	return strings.Join(out, "\n")
}
