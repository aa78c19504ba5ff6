package logview

import (
	"fmt"
	"strings"
	"time"

	"charm.land/lipgloss/v2"

	"github.com/pomost/pomost/host/control"
	"github.com/pomost/pomost/tui/ui"
)

// View implements ui.Page. Its cost depends on the height alone, not on how many lines there are.
func (p *Page) View(width, height int) string {
	if width <= 0 || height <= 0 {
		return ""
	}
	var foot []string
	switch {
	case p.asking != 0:
		foot = append(foot, p.prompt(width)...)
	case p.note != "":
		foot = append(foot, p.env.Styles.Warning.Render(ui.Cut(p.note, width)))
	}
	head := []string{p.indicator(width)}
	if height < 4 && len(foot) > 1 {
		foot = foot[1:]
	}
	body := height - len(head) - len(foot)
	if body < 1 {
		return ui.Fit(strings.Join(append(head, foot...), "\n"), width, height)
	}
	out := append(head, p.body(width, body)...)
	return ui.Fit(strings.Join(append(out, foot...), "\n"), width, height)
}

// body draws the lines, with the details beside them where it is wide, else below.
func (p *Page) body(width, height int) []string {
	if p.details == nil {
		return p.window(width, height)
	}
	border := p.env.Styles.Border
	if width >= 110 {
		left := width * 11 / 20
		lines, pane := p.window(left, height), p.details.view(p, width-left-1, height)
		for i := range lines {
			lines[i] = ui.Pad(lines[i], left) + border.Render("│") + pane[i]
		}
		return lines
	}
	upper := height * 2 / 5
	if height < 8 {
		return p.details.view(p, width, height)
	}
	out := p.window(width, upper)
	out = append(out, border.Render(strings.Repeat("─", width)))
	return append(out, p.details.view(p, width, height-upper-1)...)
}

// window draws the lines around the one that one stands on, which stays on its row of the screen.
func (p *Page) window(width, height int) []string {
	b := p.buffer
	if b.follow {
		p.row = height - 1
	} else if p.height != height { // the screen changed: the same place in proportion
		p.row = p.row * height / p.height
	}
	p.height = height
	p.row = min(max(p.row, 0), height-1)
	here := b.here()
	if here < 0 {
		return p.nothing(width, height)
	}
	var rows []string
	for i := here; i < b.count() && len(rows) < height; i++ {
		rows = append(rows, p.rows(i, i == here, width)...)
	}
	at := len(p.rows(here, true, width)) - 1 // the row that ends the line that one stands on
	var above []string
	for i := here - 1; i >= 0 && len(above) < height; i-- {
		above = append(p.rows(i, false, width), above...)
		if i == 0 {
			above = append(p.top(width), above...)
		}
	}
	if here == 0 {
		above = p.top(width)
		p.row = min(max(p.row, len(above)), height-1) // what stands above the first line is to be seen
	}
	rows, at = append(above, rows...), at+len(above)
	from := min(max(at-p.row, 0), max(len(rows)-height, 0))
	p.row = at - from
	out := rows[from:min(from+height, len(rows))]
	for len(out) < height {
		out = append(out, "")
	}
	return out
}

// top stands above the first line: what was before it.
func (p *Page) top(width int) []string {
	var text string
	switch dropped := p.buffer.dropped; {
	case p.loading:
		text = p.t("… loading earlier lines")
	case dropped > 0:
		text = p.t("… %s earlier lines dropped; L loads from the store", ui.Thousands(dropped))
	case !p.all && p.buffer.len() >= begin:
		text = p.t("… earlier lines are in the store; L loads them")
	default:
		return nil
	}
	return []string{p.env.Styles.Muted.Render(ui.Cut(text, width))}
}

// nothing says why there is nothing to see.
func (p *Page) nothing(width, height int) []string {
	text := p.t("No lines yet. New ones appear here as the flows run.")
	switch {
	case p.buffer.len() > 0:
		text = p.t("None of %s lines matches the filter; esc takes it away.", ui.Thousands(p.buffer.len()))
	case p.period > 0:
		text = p.t("No lines in this time; 0 shows all.")
	}
	out := append([]string{""}, ui.Wrap(text, max(width-4, 1))...)
	for i := range out {
		out[i] = "  " + p.env.Styles.Muted.Render(out[i])
	}
	for len(out) < height {
		out = append(out, "")
	}
	return out[:height]
}

// indicator says in one line how the log is shown: each toggle in words, the least important one goes first where there is no room.
func (p *Page) indicator(width int) string {
	st, b := p.env.Styles, p.buffer
	var parts []string
	add := func(style lipgloss.Style, text string) { parts = append(parts, style.Render(text)) }
	waiting, broken := 0, error(nil)
	if p.stream != nil {
		waiting, broken = p.stream.waiting()
	}
	switch {
	case p.left:
		add(st.Warning, p.t("looking back — G follows again"))
	case p.frozen:
		add(st.Warning, p.t("frozen — %s new ↓", ui.Thousands(waiting)))
	case b.follow:
		add(st.Good, p.t("following"))
	case b.news() > 0:
		add(st.Warning, p.t("paused — %s new ↓", ui.Thousands(b.news())))
	default:
		add(st.Warning, p.t("paused"))
	}
	if broken != nil {
		add(st.Error, p.t("stream ended — reconnecting"))
	}
	if !b.filter.Empty() {
		text := b.filter.Text
		if p.asking == '&' {
			text = ""
		}
		add(st.Bold, strings.TrimSpace(p.t("filter %s", ui.Cut(ui.Clean(text), 24))+fmt.Sprintf(" %s/%s", ui.Thousands(b.count()), ui.Thousands(b.len()))))
	}
	if !b.search.Empty() {
		text := b.search.Text
		if p.asking == '/' {
			text = ""
		}
		add(st.Bold, strings.TrimSpace(p.t("search %s", ui.Cut(ui.Clean(text), 24))+fmt.Sprintf(" %d/%d", b.foundAt(), len(b.found))))
	}
	add(st.Muted, p.t(periods[p.period].Label))
	switch p.form {
	case timeLocal:
		add(st.Muted, p.t("local time"))
	case timeAgo:
		add(st.Muted, p.t("time ago"))
	case timeUTC:
		add(st.Muted, "UTC")
	}
	if p.wrap {
		add(st.Muted, p.t("wrapped"))
	} else {
		add(st.Muted, p.t("lines cut"))
	}
	if b.filter.Empty() {
		add(st.Muted, p.t("%s lines", ui.Thousands(b.len())))
	}
	if b.dropped > 0 {
		add(st.Muted, p.t("%s dropped", ui.Thousands(b.dropped)))
	}
	line := strings.Join(parts, " · ")
	for len(parts) > 1 && ui.Width(line) > width {
		parts = parts[:len(parts)-1]
		line = strings.Join(parts, " · ")
	}
	return ui.Pad(line, width)
}

// prompt is where a search or a filter is typed, below what may be typed.
func (p *Page) prompt(width int) []string {
	st := p.env.Styles
	label := p.t("Search:") + " "
	if p.asking == '&' {
		label = p.t("Filter:") + " "
	}
	hint, style := p.t("word  !not  ~fuzzy  re:regex  flow: cause: outcome: key:"), st.Muted
	if p.wrong != "" {
		hint, style = p.wrong, st.Error
	}
	return []string{style.Render(ui.Cut(hint, width)), st.Bold.Render(label) + p.input.View(st, max(width-ui.Width(label), 1), true)}
}

// lead is what a line says behind its outcome: the style of the outcome, and the text.
func (p *Page) lead(e *control.LogEntry) (lipgloss.Style, string) {
	st := p.env.Styles
	style := lipgloss.NewStyle()
	switch e.Outcome {
	case "failed", "refused":
		style = st.Error
	case "held", "unknown", "pending":
		style = st.Warning
	case "created", "updated", "linked", "run done":
		style = st.Good
	case "unchanged", "skipped", "watched":
		style = st.Muted
	}
	var parts []string
	add := func(text string) {
		if text != "" {
			parts = append(parts, text)
		}
	}
	what := strings.Join(strings.Fields(e.Action+" "+e.Object), " ")
	if what == "" {
		what = e.Step
	}
	if e.Result != "" {
		what += " " + ui.SymbolArrow + " " + e.Result
	}
	add(e.Message) // what a person reads comes first: the rest may be cut
	if e.Message == "" {
		add(what)
	}
	add(e.Cause)
	if e.Message != "" {
		add(what)
	}
	if e.Millis > 0 {
		parts = append(parts, fmt.Sprintf("%d ms", e.Millis))
	}
	return style, ui.Clean(strings.Join(parts, " · "))
}

// symbol says the outcome without colour.
func symbol(outcome string) string {
	switch outcome {
	case "failed", "refused", "run failed":
		return ui.SymbolError
	case "held", "unknown":
		return ui.SymbolWarning
	case "pending":
		return ui.SymbolWaiting
	case "created", "updated", "linked", "run done":
		return ui.SymbolGood
	}
	return " "
}

// stamp writes a line's time in cells that are always as many.
func (p *Page) stamp(t time.Time) string {
	now := p.env.Now()
	switch p.form {
	case timeAgo:
		return ui.PadLeft(ui.Ago(p.env.Words, now, t), 11)
	case timeUTC:
		return t.UTC().Format("01-02 15:04:05Z")
	}
	day := func(t time.Time) string { return t.In(now.Location()).Format(time.DateOnly) }
	if b := p.buffer; day(b.line(b.first).Time) == day(now) {
		return t.In(now.Location()).Format("15:04:05")
	}
	return t.In(now.Location()).Format("01-02 15:04:05")
}

// segment is a part of a line with a style.
type segment struct {
	text  string
	style lipgloss.Style
}

// rows draws the i-th shown line: one row, or several where lines are wrapped, and the mark below it.
func (p *Page) rows(i int, here bool, width int) []string {
	b := p.buffer
	n := b.number(i)
	e := &b.line(n).LogEntry
	st := p.env.Styles
	here = here && (!b.follow || p.details != nil)
	style, what := p.lead(e)
	segments := []segment{{p.stamp(e.Time) + " ", st.Muted}, {symbol(e.Outcome) + " " + ui.Pad(ui.Clean(e.Outcome), 10) + " ", style}}
	if p.req.Flow == "" && width >= 70 {
		segments = append(segments, segment{ui.Pad(ui.Clean(e.Flow), 10) + " ", lipgloss.NewStyle()})
	}
	name := e.Label
	if name == "" {
		name = e.Key
	}
	nameWidth := 12
	if width < 70 {
		nameWidth = 9
	}
	if p.req.Record == "" {
		segments = append(segments, segment{ui.Pad(ui.Clean(name), nameWidth) + " ", st.Bold})
	}
	head := 0
	for _, s := range segments {
		head += ui.Width(s.text)
	}
	room := max(width-1-head, 1)
	texts := []string{ui.Cut(what, room)}
	if p.wrap && room >= 12 {
		texts = ui.Wrap(what, room)
	}
	gutter := " "
	if here {
		gutter = ui.SymbolHere
	}
	var out []string
	for j, text := range texts {
		line := append(segments[:len(segments):len(segments)], segment{text: text})
		if j > 0 {
			line = []segment{{strings.Repeat(" ", head), lipgloss.NewStyle()}, {text: text}}
		}
		out = append(out, p.draw(gutter, line, here, width))
	}
	if b.marks[n] {
		text := p.t("mark %s", e.Time.In(p.env.Now().Location()).Format("15:04:05"))
		rule := "── " + text + " " + strings.Repeat("─", max(width-ui.Width(text)-4, 0))
		out = append(out, st.Running.Render(ui.Cut(rule, width)))
	}
	return out
}

// draw puts the segments of one row together; what the search finds, and the words of the filter, stand out.
func (p *Page) draw(gutter string, line []segment, here bool, width int) string {
	st := p.env.Styles
	var full strings.Builder
	for _, s := range line {
		full.WriteString(s.text)
	}
	text := full.String()
	spans := p.buffer.search.Spans(text)
	if len(spans) == 0 {
		spans = p.buffer.filter.Spans(text)
	}
	match := st.Match
	if here {
		match = st.MatchHere
		line = []segment{{ui.Pad(text, width-1), st.Selected}}
	}
	var out strings.Builder
	if here {
		out.WriteString(st.Selected.Render(gutter))
	} else {
		out.WriteString(gutter)
	}
	at := 0
	for _, s := range line {
		rest, style := s.text, s.style
		for rest != "" {
			n, drawn := len(rest), style
			for len(spans) > 0 && spans[0][1] <= at {
				spans = spans[1:]
			}
			if len(spans) > 0 {
				switch from := spans[0][0]; {
				case from <= at:
					n, drawn = min(n, spans[0][1]-at), match
				case from < at+n:
					n = from - at
				}
			}
			out.WriteString(drawn.Render(rest[:n]))
			rest, at = rest[n:], at+n
		}
	}
	return out.String()
}
