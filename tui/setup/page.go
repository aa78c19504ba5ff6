// Package setup is the way from nothing to flows that are alive, and a flow's settings: both ask the questions of the control API's
// question-and-answer machine, one page at a time. The consent of a connection stands here too.
package setup

import (
	"context"
	"errors"
	"strings"
	"time"

	tea "charm.land/bubbletea/v2"

	"github.com/pomost/pomost/host/control"
	"github.com/pomost/pomost/tui/form"
	"github.com/pomost/pomost/tui/ui"
)

// The states of the page.
const (
	busy    = iota // something is asked of the service
	asking         // a question is to be answered
	review         // everything is answered, and to be looked at
	applied        // it is in force
	failed         // the service answered with an error
)

// Page asks the questions.
type Page struct {
	env   ui.Env
	walk  control.Walk
	state int
	// begun: the first question has come.
	begun bool

	form    *form.Form
	consent *consent
	text    scroller // of what is only read: checks, a plan, the review, the result

	// What is under way: what it is, since when, how it is ended. number tells answers that come too late.
	doing   string
	since   time.Time
	cancel  context.CancelFunc
	number  int
	applies bool // it is the configuration that is being put into force, or a run: going back does not undo it

	err      error
	revision int64
	daemon   bool
	// scheduled: what came into force runs by itself.
	scheduled bool
	flows     []string // that were put into force
	results   []string // of the first run
}

var (
	_ ui.Page   = (*Page)(nil)
	_ ui.Closer = (*Page)(nil)
	_ ui.Themed = (*Page)(nil)
)

// New makes the way from nothing to flows that are alive.
func New(env ui.Env) *Page { return &Page{env: env} }

// NewSettings makes the form of a flow's settings.
func NewSettings(env ui.Env, flow string) *Page {
	return &Page{env: env, walk: control.Walk{Flow: flow}}
}

func (p *Page) t(text string, args ...any) string { return p.env.Words.T(text, args...) }

// SetStyles implements ui.Themed.
func (p *Page) SetStyles(s ui.Styles) {
	p.env.Styles = s
	if p.form != nil {
		p.form.SetStyles(s)
	}
	if p.consent != nil {
		p.consent.env.Styles = s
	}
}

// Title implements ui.Page.
func (p *Page) Title() string {
	if p.walk.Flow != "" {
		return p.t("settings of %s", ui.Clean(p.walk.Flow))
	}
	return p.t("set up")
}

// Typing implements ui.Page.
func (p *Page) Typing() bool {
	switch {
	case p.state != asking:
		return false
	case p.form != nil:
		return p.form.Typing()
	}
	return p.consent != nil
}

// Leave implements ui.Page.
func (p *Page) Leave() string {
	dirty := p.form != nil && p.form.Dirty()
	switch n := len(p.walk.Answers().Values); {
	case p.state == applied:
		return ""
	case p.walk.Flow != "" && (dirty || n > 0):
		return p.t("What you changed is not in force yet, and will be lost.")
	case n > 0 && !p.walk.Step.Kept:
		return p.t("%d questions are answered, and the answers will be lost. Connections that are described already stay.", n)
	case dirty:
		return p.t("What you typed will be lost.")
	}
	return ""
}

// Close implements ui.Closer: nothing goes on without the page.
func (p *Page) Close() {
	p.end()
	if p.consent != nil {
		p.consent.close()
	}
}

// end ends what is under way.
func (p *Page) end() {
	if p.cancel != nil {
		p.cancel()
	}
}

// Init implements ui.Page.
func (p *Page) Init() tea.Cmd {
	if p.walk.Step.Question == nil && p.state == busy && p.cancel == nil {
		return p.ask()
	}
	return nil
}

// answered brings the next step.
type answered struct {
	number   int
	step     control.Step
	revision int64
	err      error
}

// start begins something that the person can stop.
func (p *Page) start(doing string) (context.Context, int) {
	p.end()
	ctx, cancel := context.WithCancel(p.env.Ctx)
	p.number++
	p.state, p.doing, p.since, p.cancel, p.err, p.applies = busy, doing, p.env.Now(), cancel, nil, false
	return ctx, p.number
}

// ask asks what comes next.
func (p *Page) ask() tea.Cmd {
	ctx, number := p.start(p.t("looking for the next question; the systems may be asked for it"))
	api, answers := p.env.API, p.walk.Answers()
	answers.Language = p.env.Words.Language()
	return func() tea.Msg {
		m := answered{number: number}
		for range 2 { // an answer can put a connection into force, which makes a new revision: then what results is made on that one
			var status control.StatusResult
			if status, m.err = api.Status(ctx); m.err != nil {
				return m
			}
			before := status.Revision
			if m.step, m.err = api.Question(ctx, answers); m.err != nil || !m.step.Done {
				return m
			}
			m.revision = before
			if status, m.err = api.Status(ctx); m.err != nil || status.Revision == before {
				return m
			}
		}
		return m
	}
}

func (p *Page) arrived(m answered) tea.Cmd {
	if m.number != p.number {
		return nil
	}
	p.end()
	if m.err != nil {
		p.state, p.err = failed, m.err
		return nil
	}
	begins := !p.begun
	p.begun = true
	if d := m.step.Draft; d != nil && begins && p.walk.Flow == "" { // and not when somebody has gone back to the first question
		p.walk.Load(*d)
		return tea.Batch(p.ask(), func() tea.Msg {
			return ui.Toast{Text: p.t("Going on where the set-up was left; going back leads through the answers.")}
		})
	}
	if !p.walk.Arrive(m.step) {
		return p.ask()
	}
	p.text.top = 0
	p.revision = m.revision
	return p.show()
}

// show shows the present step.
func (p *Page) show() tea.Cmd {
	if p.consent != nil {
		p.consent.close()
	}
	p.form, p.consent, p.state = nil, nil, asking
	step := p.walk.Step
	q := step.Question
	if q == nil {
		p.state = review
		return nil
	}
	switch q.Kind {
	case control.QuestionConsent:
		p.consent = newConsent(p.env, q.Connection, p.next)
		return p.consent.begin()
	case control.QuestionCheck, control.QuestionPlan, control.QuestionReview:
		if len(q.Fields) == 0 {
			return nil
		}
	}
	p.form = form.New(p.env, p.walk.Fill())
	p.form.Submit = p.next
	var problems []form.Problem
	for _, pr := range step.Problems {
		text := pr.Message
		if pr.Remedy != "" {
			text += ": " + p.env.Remedy(pr.Remedy)
		}
		problems = append(problems, form.Problem{Path: pr.Path, Text: text})
	}
	if len(problems) > 0 {
		p.form.SetProblems(problems)
	}
	return nil
}

// next answers the present question with what stands there.
func (p *Page) next() tea.Cmd {
	var fields map[string]any
	if p.form != nil {
		fields = p.form.Values()
	}
	p.walk.Answer(fields)
	return p.ask()
}

func (p *Page) skip() tea.Cmd {
	p.walk.Skip()
	return p.ask()
}

// again asks the present question once more: a check or a plan is made afresh.
func (p *Page) again() tea.Cmd {
	p.walk.Stay()
	return p.ask()
}

func (p *Page) back() tea.Cmd {
	var draft map[string]any
	if p.form != nil && p.form.Dirty() {
		draft = p.form.Values()
	}
	if !p.walk.Back(draft) {
		return nil
	}
	return p.ask()
}

// stop ends what is under way, and goes back to the question that it came from.
func (p *Page) stop() tea.Cmd {
	p.end()
	p.number++
	return p.stay()
}

// stay shows the question again that did not lead on.
func (p *Page) stay() tea.Cmd {
	p.err = nil
	switch {
	case p.walk.Step.Done:
		p.state = review
	case p.walk.Step.Question == nil:
		p.state, p.err = failed, context.Canceled
	case p.consent != nil:
		p.state = asking
		p.walk.Stay()
	default:
		p.state = asking
		p.walk.Stay()
	}
	return nil
}

// retry asks again after an error.
func (p *Page) retry() tea.Cmd { return p.ask() }

// Update implements ui.Page.
func (p *Page) Update(msg tea.Msg) tea.Cmd {
	switch msg := msg.(type) {
	case answered:
		return p.arrived(msg)
	case inForce:
		return p.applied(msg)
	case ran:
		p.ran(msg)
		return nil
	case begun, consented:
		if p.consent != nil {
			return p.consent.update(msg)
		}
		return nil
	case ui.Status:
		p.daemon = msg.Daemon && msg.Lost.IsZero()
		return nil
	case tea.MouseWheelMsg:
		switch msg.Button {
		case tea.MouseWheelUp:
			p.text.scroll(-3)
		case tea.MouseWheelDown:
			p.text.scroll(3)
		}
		return nil
	}
	switch {
	case p.state != asking:
	case p.form != nil:
		return p.form.Update(msg)
	case p.consent != nil:
		return p.consent.update(msg)
	}
	return nil
}

// Bindings implements ui.Page.
func (p *Page) Bindings() []ui.Binding {
	bind := func(action, label, help string, do func() tea.Cmd) ui.Binding {
		return p.env.Bind("setup", action, label, help, do)
	}
	enter := func(label, help string, do func() tea.Cmd) ui.Binding {
		return p.env.Bind("form", "enter", label, help, do)
	}
	back := func(label, help string, do func() tea.Cmd) ui.Binding {
		return ui.Binding{Keys: p.env.Keys.Of("global", "back"), Label: label, Help: help, Do: do}
	}
	var out []ui.Binding
	reads := true // the page is text to be scrolled
	switch p.state {
	case busy:
		if p.applies {
			break
		}
		out = append(out, back("stop", "Stop waiting, and go back to the question", p.stop))
	case failed:
		out = append(out, enter("try again", "Ask once more", p.retry))
		if p.walk.Step.Question != nil || p.walk.Step.Done {
			out = append(out, back("back", "Back to the question", p.stay))
		}
	case review:
		live := p.env.Bind("form", "submit", "go live", "Put this into force", p.confirm)
		if p.walk.Flow != "" {
			live = p.env.Bind("form", "submit", "put into force", "Put this into force", p.confirm)
		}
		out = append(out, p.env.Changing(live))
	case applied:
		out = append(out, enter("finish", "Leave the set-up", func() tea.Cmd { return func() tea.Msg { return ui.Back{} } }))
		if len(p.flows) > 0 && len(p.results) == 0 && !p.scheduled {
			out = append(out, p.env.Changing(p.env.Bind("flow", "run", "run now", "Run the flows once, now", p.run)))
		}
	case asking:
		q := p.walk.Step.Question
		switch {
		case p.form != nil:
			out, reads = append(out, p.form.Bindings()...), false
		case p.consent != nil:
			out, reads = append(out, p.consent.bindings()...), false
		default:
			out = append(out, enter("continue", "Go on", p.next))
			if q.Kind == control.QuestionCheck || q.Kind == control.QuestionPlan {
				out = append(out, bind("again", "again", "Look once more", p.again))
			}
		}
		if q.Skippable {
			out = append(out, bind("skip", "skip", "Leave the question out: the default holds, and what needs it is held", p.skip))
		}
	}
	if (p.state == asking || p.state == review) && p.walk.CanBack() {
		out = append(out, back("back", "Back to the question before; its answer is kept to be looked at", p.back))
	}
	if reads {
		out = append(out, p.text.bindings(p.env)...)
	}
	return out
}

// errorText is an error in lines: what happened, and what to do.
func errorText(env ui.Env, err error) []string {
	if errors.Is(err, context.Canceled) {
		return []string{env.Words.T("It was stopped.")}
	}
	f := control.AsFailure(err)
	out := []string{ui.Clean(f.Error())}
	if f.Remedy != "" {
		out = append(out, ui.SymbolArrow+" "+ui.Clean(strings.TrimSpace(env.Remedy(f.Remedy))))
	}
	return out
}
