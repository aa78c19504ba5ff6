package setup

import (
	"slices"
	"strings"

	tea "charm.land/bubbletea/v2"

	"github.com/pomost/pomost/host/control"
	"github.com/pomost/pomost/tui/ui"
)

// inForce tells what came of putting the configuration into force.
type inForce struct {
	number int
	result control.ApplyResult
	status control.StatusResult
	err    error
}

// ran tells what came of the first run.
type ran struct {
	number int
	result control.RunResult
}

// confirm asks before anything comes into force.
func (p *Page) confirm() tea.Cmd {
	step := p.walk.Step
	if len(step.Changes) == 0 {
		return func() tea.Msg { return ui.Toast{Text: p.t("Nothing changes: there is nothing to put into force.")} }
	}
	text := p.t("%d changes come into force.", len(step.Changes))
	if flows := changed(step); len(flows) > 0 {
		text += " " + p.t("It is about the flows %s. Where they have a schedule, a running daemon begins with them at once.", strings.Join(flows, ", "))
	}
	return func() tea.Msg {
		return ui.Ask{Title: p.t("Go live?"), Text: text, Yes: p.t("go live"), YesKey: "y", Do: p.apply}
	}
}

// changed are the flows that the step changes.
func changed(step control.Step) []string {
	var out []string
	for _, c := range step.Changes {
		rest, ok := strings.CutPrefix(c.Path, "flows.")
		name, _, _ := strings.Cut(rest, ".")
		if ok && name != "" && !slices.Contains(out, name) {
			out = append(out, name)
		}
	}
	slices.Sort(out)
	return out
}

// apply puts the configuration into force, unless somebody else changed it meanwhile.
func (p *Page) apply() tea.Cmd {
	step := p.walk.Step
	p.flows = changed(step)
	ctx, number := p.start(p.t("putting it into force"))
	p.applies = true
	api := p.env.API
	req := control.ConfigRequest{Config: step.Config, File: "setup", Secrets: step.Secrets, Revision: p.revision}
	return func() tea.Msg {
		m := inForce{number: number}
		if m.result, m.err = api.ApplyConfig(ctx, req); m.err == nil {
			m.status, _ = api.Status(ctx) // only for what is said next
		}
		return m
	}
}

func (p *Page) applied(m inForce) tea.Cmd {
	if m.number != p.number {
		return nil
	}
	p.end()
	p.text.top = 0
	if m.err != nil {
		p.state, p.err = failed, m.err
		return nil
	}
	p.state, p.revision, p.daemon = applied, m.result.Revision, m.status.Daemon || p.daemon
	p.scheduled = false
	for _, f := range m.status.Flows {
		if slices.Contains(p.flows, f.Name) && f.Schedule != "" && (p.daemon || p.env.Hosted) {
			p.scheduled = true
		}
	}
	return nil
}

// run runs the new flows once.
func (p *Page) run() tea.Cmd {
	ctx, number := p.start(p.t("running %s", strings.Join(p.flows, ", ")))
	p.applies = true
	api, flows := p.env.API, p.flows
	return func() tea.Msg { return ran{number, api.Run(ctx, flows, nil)} }
}

func (p *Page) ran(m ran) {
	if m.number != p.number {
		return
	}
	p.end()
	p.state, p.results = applied, nil
	for _, f := range m.result.Flows {
		p.results = append(p.results, ui.Clean(f.Name)+": "+p.t("%d read", f.Read)+", "+p.t("%d created", f.Created)+", "+p.t("%d updated", f.Updated)+", "+
			p.t("%d held", f.Held)+", "+p.t("%d failed", f.Failed))
	}
	if m.result.Error != nil {
		p.results = append(p.results, errorText(p.env, m.result.Error)...)
	}
}

// scroller is text that is read, and may be longer than the window.
type scroller struct{ top, last, height int }

func (s *scroller) scroll(n int) { s.top = min(max(s.top+n, 0), s.last) }

// cut takes the window out of the lines; the last one tells of what stands below it.
func (s *scroller) cut(env ui.Env, lines []string, height int) []string {
	s.height = height
	s.last = max(len(lines)-height, 0)
	s.top = min(s.top, s.last)
	out := slices.Clone(lines[s.top:min(s.top+height, len(lines))])
	if s.top < s.last && height > 3 {
		out[height-1] = env.Styles.Muted.Render(env.Words.T("↓ %d more", s.last-s.top+1))
	}
	return out
}

func (s *scroller) bindings(env ui.Env) []ui.Binding {
	move := func(action, help string, n int) ui.Binding {
		b := env.Bind("list", action, "", help, func() tea.Cmd { s.scroll(n); return nil })
		b.Hidden = true
		return b
	}
	return []ui.Binding{move("up", "One line up", -1), move("down", "One line down", 1), move("page_up", "One page up", -max(s.height-1, 1)),
		move("page_down", "One page down", max(s.height-1, 1)), move("top", "To the first line", -s.last), move("bottom", "To the last line", s.last)}
}
