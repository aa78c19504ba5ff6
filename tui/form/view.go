package form

import (
	"strings"

	"github.com/pomost/pomost/host/control"
	"github.com/pomost/pomost/tui/ui"
)

// View draws the form in exactly height lines of width cells; the field with the cursor is always to be seen.
func (f *Form) View(width, height int) string {
	if width <= 0 || height <= 0 {
		return ""
	}
	st := f.env.Styles
	var lines []string
	for _, p := range f.problems {
		lines = append(lines, f.sentence(st.Error.Render, ui.SymbolError+" ", p, 1, width)...)
	}
	from, to := 0, 0
	for _, pl := range f.places() {
		begin := len(lines)
		here := pl == f.focus
		switch pl.what {
		case onItem:
			lines = append(lines, f.field(pl.item, here, width)...)
		case onFold:
			lines = append(lines, f.foldLine(here, width))
		case onButton:
			if f.single() {
				break
			}
			text := "[ " + f.Done + " ]"
			if here {
				text = st.Selected.Render(text)
			} else {
				text = st.Key.Render(text)
			}
			lines = append(lines, "", gutter(here)+text)
		}
		if here {
			from, to = begin, len(lines)
		}
	}
	// All of the field if there is room, else its beginning.
	f.top = max(min(f.top, from, max(len(lines)-height, 0)), min(to-height, from), 0)
	end := min(f.top+height, len(lines))
	shown := append([]string(nil), lines[f.top:end]...)
	if f.top > 0 && len(shown) > 0 && from > f.top {
		shown[0] = st.Muted.Render(" ↑ " + f.t("more above"))
	}
	if end < len(lines) && len(shown) > 0 && to < end {
		shown[len(shown)-1] = st.Muted.Render(" ↓ " + f.t("more below"))
	}
	return ui.Fit(strings.Join(shown, "\n"), width, height)
}

func gutter(here bool) string {
	if here {
		return ui.SymbolHere
	}
	return " "
}

func (f *Form) foldLine(here bool, width int) string {
	n := 0
	for _, it := range f.asked() {
		if it.Advanced {
			n++
		}
	}
	text := "▸ " + f.t("%d fields that are rarely needed", n)
	if !f.folded {
		text = "▾ " + f.t("Rarely needed:")
	}
	style := f.env.Styles.Muted
	if here {
		style = f.env.Styles.Bold
	}
	return gutter(here) + style.Render(ui.Cut(text, width-1))
}

// narrow tells that labels stand above their fields.
func narrow(width int) bool { return width < 72 }

// field draws one field: its label, what stands in it, and below what helps.
func (f *Form) field(it *item, here bool, width int) []string {
	st := f.env.Styles
	label := ui.Clean(it.Label)
	if label == "" {
		label = it.Key
	}
	if it.Required {
		label += " *"
	}
	style := st.Muted
	if here {
		style = st.Bold
	}
	var lines []string
	indent := 3
	switch {
	case f.single() && (f.table != nil || f.open != nil): // the question says what it is
		return f.alone(it, width)
	case narrow(width):
		lines = append(lines, gutter(here)+style.Render(ui.Cut(label, width-1)))
	default:
		indent = min(30, f.labelWidth()+3)
	}
	room := max(width-indent-1, 1)
	value := f.value(it, here, room)
	if narrow(width) {
		lines = append(lines, gutter(here)+strings.Repeat(" ", indent-1)+value)
	} else {
		lines = append(lines, gutter(here)+style.Render(ui.Pad(label, indent-1))+value)
	}
	below := func(render func(...string) string, sign, text string) {
		for _, l := range f.sentence(render, sign, text, indent, width) {
			lines = append(lines, gutter(here)+strings.TrimPrefix(l, " "))
		}
	}
	if it.wrong != "" {
		below(st.Error.Render, ui.SymbolError+" ", it.wrong)
	}
	if here {
		below(st.Muted.Render, "", it.Help)
	}
	if it.Proposed && !it.changed() {
		below(st.Good.Render, "≈ ", f.proposal(it))
	}
	if here {
		var inner []string
		switch {
		case f.table != nil:
			inner = f.table.view(width - 4)
		case f.open != nil:
			inner = f.open.view(f, max(room-1, 8))
			for _, l := range inner {
				lines = append(lines, gutter(here)+strings.Repeat(" ", indent-1)+l)
			}
			inner = nil
		}
		for _, l := range inner {
			lines = append(lines, gutter(here)+"  "+l)
		}
	}
	return lines
}

// alone draws the one list or table that the form consists of.
func (f *Form) alone(it *item, width int) []string {
	st := f.env.Styles
	var lines []string
	if it.wrong != "" {
		lines = append(lines, f.sentence(st.Error.Render, ui.SymbolError+" ", it.wrong, 1, width)...)
	}
	if f.table != nil {
		for _, l := range f.table.view(width - 2) {
			lines = append(lines, " "+l)
		}
	} else {
		for _, l := range f.open.view(f, width-2) {
			lines = append(lines, " "+l)
		}
	}
	lines = append(lines, "")
	lines = append(lines, f.sentence(st.Muted.Render, "", it.Help, 1, width)...)
	if it.Proposed && !it.changed() {
		lines = append(lines, f.sentence(st.Good.Render, "≈ ", f.proposal(it), 1, width)...)
	}
	return lines
}

func (f *Form) proposal(it *item) string {
	if it.Why == "" {
		return f.t("proposed")
	}
	return f.t("proposed: %s", it.Why)
}

func (f *Form) labelWidth() int {
	w := 0
	for _, it := range f.asked() {
		label := ui.Clean(it.Label)
		if it.Required {
			label += " *"
		}
		w = max(w, ui.Width(label))
	}
	return w
}

// sentence wraps a text below a field.
func (f *Form) sentence(render func(...string) string, sign, text string, indent, width int) []string {
	if text == "" {
		return nil
	}
	var out []string
	for i, l := range ui.Wrap(ui.Clean(text), max(width-indent-ui.Width(sign)-1, 8)) {
		if i > 0 {
			sign = strings.Repeat(" ", ui.Width(sign))
		}
		out = append(out, strings.Repeat(" ", indent)+render(sign+l))
	}
	return out
}

// value draws what stands in a field.
func (f *Form) value(it *item, here bool, room int) string {
	st := f.env.Styles
	switch it.Type {
	case control.FieldBool:
		text := "[ ] " + f.t("no")
		if it.on {
			text = "[x] " + f.t("yes")
		}
		if here {
			return st.Selected.Render(ui.Cut(text, room))
		}
		return ui.Cut(text, room)
	case control.FieldChoice, control.FieldChoices:
		var labels []string
		for _, o := range it.Options {
			if it.chosen[o.Value] {
				labels = append(labels, it.OptionLabel(o.Value))
			}
		}
		if v, _ := it.value().(string); len(labels) == 0 && v != "" {
			labels = append(labels, v)
		}
		text := strings.Join(labels, ", ")
		if text == "" {
			text = f.t("nothing chosen")
		}
		return f.button(ui.Clean(text), here && f.open == nil, room)
	case control.FieldTexts, control.FieldTable:
		return f.button(f.tableText(it), here && f.table == nil, room)
	}
	width := min(room, 48)
	if it.Max > 0 {
		width = min(room, max(min(it.Max+1, 48), 12))
	}
	left, right := "", ""
	if st.ASCII { // a field is to be seen where nothing can be underlined
		left, right, width = "[", "]", max(width-2, 1)
	}
	if it.Secret && !it.reveal {
		var masked ui.Input
		masked.Set(strings.Repeat("•", min(len([]rune(it.input.Value())), 24)))
		return left + masked.View(st, width, here) + right
	}
	return left + it.input.View(st, width, here) + right
}

// button draws what enter opens.
func (f *Form) button(text string, here bool, room int) string {
	text = ui.Cut(text, max(room-2, 1)) + " ▾"
	if here {
		return f.env.Styles.Selected.Render(text)
	}
	return text
}

func (f *Form) tableText(it *item) string {
	if len(it.rows) == 0 {
		return f.t("none")
	}
	var parts []string
	for _, r := range it.rows {
		between := " "
		if len(it.Columns) == 0 {
			between = " " + ui.SymbolArrow + " "
		}
		parts = append(parts, strings.TrimSpace(strings.Join(r, between)))
	}
	text := ui.Clean(strings.Join(parts, ", "))
	if len(it.rows) > 1 {
		text = f.t("%d rows", len(it.rows)) + ": " + text
	}
	return text
}
