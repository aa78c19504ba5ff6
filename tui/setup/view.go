package setup

import (
	"strings"

	"github.com/pomost/pomost/host/control"
	"github.com/pomost/pomost/tui/ui"
)

// View implements ui.Page.
func (p *Page) View(width, height int) string {
	if width <= 0 || height <= 0 {
		return ""
	}
	st := p.env.Styles
	var lines []string
	switch p.state {
	case busy:
		lines = append(p.head(p.present(), "", width), st.Running.Render(ui.SymbolRunning+" ")+ui.Cut(p.doing+" … "+ui.Took(p.env.Now().Sub(p.since)), width-2))
	case failed:
		lines = p.head(p.t("This did not work"), "", width)
		for i, text := range errorText(p.env, p.err) {
			for _, l := range ui.Wrap(text, width-2) {
				if i == 0 {
					l = st.Error.Render(l)
				}
				lines = append(lines, l)
			}
		}
		if p.walk.Step.Done {
			lines = append(lines, "")
			lines = append(lines, ui.Wrap(p.t("Your answers are kept. Trying again looks at what is in force now, and shows what would change."), width-2)...)
		}
	case review:
		lines = append(p.head(p.t("Look it over"), p.t("Nothing of this is in force yet."), width), p.review(width)...)
	case applied:
		lines = p.result(width)
	default:
		return p.question(width, height)
	}
	return ui.Fit(strings.Join(p.text.cut(p.env, lines, height), "\n"), width, height)
}

func (p *Page) present() string {
	if q := p.walk.Step.Question; q != nil {
		return q.Title
	}
	return p.Title()
}

// head is the title with how far this is, and the text below it.
func (p *Page) head(title, text string, width int) []string {
	st := p.env.Styles
	far := ""
	if s := p.walk.Step; s.Total > 1 {
		far = p.t("%d of %d", s.Number, s.Total)
	}
	out := []string{st.Title.Render(ui.Sides(ui.Clean(title), far, width))}
	if text != "" {
		for _, l := range ui.Wrap(ui.Clean(text), max(width-1, 1)) {
			out = append(out, st.Muted.Render(l))
		}
	}
	return append(out, "")
}

// question draws the present question: its text and its form, or what is to be read.
func (p *Page) question(width, height int) string {
	q := p.walk.Step.Question
	st := p.env.Styles
	text := q.Text
	if p.consent != nil {
		text = "" // its three steps say more
	}
	head := p.head(q.Title, text, width)
	if height < 12 { // no room for airs
		head = head[:len(head)-1]
	}
	var body []string
	if p.form == nil {
		for _, c := range q.Checks {
			body = append(body, p.check(c, width)...)
		}
		if len(q.Checks) > 0 && len(q.Example) > 0 {
			body = append(body, "")
		}
	}
	for _, l := range q.Example {
		body = append(body, ui.Cut("  "+ui.Clean(l), width))
	}
	switch {
	case p.form != nil:
		if len(body) > 0 {
			body = append(body, "")
		}
		head = append(head, body[:min(len(body), max(height-len(head)-8, 0))]...)
		head = head[:min(len(head), max(height-5, 0))]
		return ui.Fit(strings.Join(head, "\n")+"\n"+p.form.View(width, height-len(head)), width, height)
	case p.consent != nil:
		body = append(body, p.consent.view(width)...)
	}
	if q.Kind == control.QuestionReview {
		body = append(body, p.review(width)...)
	}
	for _, pr := range p.walk.Step.Problems {
		body = append(body, st.Error.Render(ui.Cut(ui.SymbolError+" "+ui.Clean(pr.String()), width)))
	}
	return ui.Fit(strings.Join(p.text.cut(p.env, append(head, body...), height), "\n"), width, height)
}

// check draws one result of a check.
func (p *Page) check(c control.CheckItem, width int) []string {
	st := p.env.Styles
	sign, style := ui.SymbolGood, st.Good
	switch {
	case !c.OK:
		sign, style = ui.SymbolError, st.Error
	case c.Warning:
		sign, style = ui.SymbolWarning, st.Warning
	}
	title := c.Title
	if title == "" {
		title = c.Name
	}
	out := []string{style.Render(sign+" ") + ui.Cut(ui.Clean(title), width-2)}
	add := func(text string) {
		for _, l := range ui.Wrap(ui.Clean(text), max(width-5, 8)) {
			out = append(out, "    "+l)
		}
	}
	if c.Message != "" && (!c.OK || c.Warning) {
		add(c.Message)
	}
	if c.Remedy != "" {
		add(ui.SymbolArrow + " " + p.env.Remedy(c.Remedy))
	}
	return out
}

// review draws what would change, the file that results, and the command that does the same.
func (p *Page) review(width int) []string {
	st, step := p.env.Styles, p.walk.Step
	var out []string
	heading := func(text string) {
		if len(out) > 0 {
			out = append(out, "")
		}
		out = append(out, st.Bold.Render(ui.Cut(text, width)))
	}
	heading(p.t("What changes"))
	if len(step.Changes) == 0 {
		out = append(out, "  "+p.t("nothing"))
	}
	for _, c := range step.Changes {
		path, from, to := ui.Clean(c.Path), ui.Clean(c.From), ui.Clean(c.To)
		var text string
		style := st.Good
		switch {
		case from == "":
			text = "+ " + path + "  " + to
		case to == "":
			text, style = "- "+path+"  "+from, st.Error
		default:
			text, style = "~ "+path+"  "+from+" "+ui.SymbolArrow+" "+to, st.Warning
		}
		out = append(out, "  "+style.Render(ui.Cut(text, max(width-2, 1))))
	}
	if step.Config != "" {
		heading(p.t("The file that results"))
		for l := range strings.SplitSeq(strings.TrimRight(step.Config, "\n"), "\n") {
			out = append(out, st.Muted.Render("│ ")+ui.Cut(cleanLine(l), max(width-2, 1)))
		}
	}
	if step.Command != "" {
		heading(p.t("The same by command"))
		out = append(out, "  "+ui.Cut(ui.Clean(step.Command), max(width-2, 1)))
	}
	return out
}

// cleanLine cleans a line of a file, and keeps how far it is indented.
func cleanLine(l string) string {
	return ui.Clean(strings.ReplaceAll(l, "\t", "  "))
}

// result says what is in force now, and what comes next.
func (p *Page) result(width int) []string {
	st := p.env.Styles
	out := []string{st.Title.Render(ui.Pad(p.t("It is in force"), width)), ""}
	say := func(text string) { out = append(out, ui.Wrap(text, max(width-2, 8))...) }
	say(st.Good.Render(ui.SymbolGood) + " " + p.t("revision %d of the configuration", int(p.revision)))
	if len(p.flows) > 0 {
		say(st.Good.Render(ui.SymbolGood) + " " + p.t("flows: %s", ui.Clean(strings.Join(p.flows, ", "))))
	}
	out = append(out, "")
	switch {
	case p.env.Hosted && p.scheduled:
		say(p.t("This window runs the flows by their schedule while it is open, and begins now: the first page shows how it goes. `pomost serve` runs them without it."))
	case p.daemon && p.scheduled:
		say(p.t("The daemon runs the flows by their schedule, and begins now: the first page shows how it goes."))
	default:
		say(p.t("The flows run when you say so. With a schedule, `pomost serve` keeps them running."))
	}
	if len(p.results) > 0 {
		out = append(out, "", st.Bold.Render(p.t("The first run")))
		for _, r := range p.results {
			say("  " + r)
		}
	}
	return out
}
