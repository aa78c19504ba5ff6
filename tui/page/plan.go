package page

import (
	"fmt"
	"slices"
	"strings"

	tea "charm.land/bubbletea/v2"
	"charm.land/lipgloss/v2"

	"github.com/pomost/pomost/host/control"
	"github.com/pomost/pomost/tui/ui"
)

// Plan is what a run would do, record by record.
type Plan struct {
	*Kit
	flow    string
	making  *task // while the plan is being made
	plan    control.PlanResult
	made    bool
	err     error
	action  int // of planActions
	search  search
	table   *ui.Table
	details bool // of the selected action alone, on the whole page
	scroll  int
}

// planActions are what can be shown; "" is all.
var planActions = []string{"", "create", "update", "link", "skip", "hold"}

// NewPlan makes a page that makes a plan.
func NewPlan(k *Kit, flow string) *Plan {
	return &Plan{Kit: k, flow: flow, table: ui.NewTable(
		ui.Column{Title: k.t("action"), Width: 10, Order: ui.Up},
		ui.Column{Title: k.t("record"), Width: 12, Grow: 1, Order: ui.Up},
		ui.Column{Title: k.t("why"), Width: 20, Grow: 3, Order: ui.Up},
		ui.Column{Title: k.t("fields"), Width: 6, Right: true, Priority: 1, Order: ui.Down})}
}

type planned struct {
	task *task
	plan control.PlanResult
	err  error
}

// Init implements ui.Page.
func (p *Plan) Init() tea.Cmd {
	if p.made || p.making != nil {
		return nil
	}
	return p.make()
}

func (p *Plan) make() tea.Cmd {
	t, ctx := p.begin()
	p.making, p.made, p.err = t, false, nil
	return func() tea.Msg {
		plan, err := p.API.Plan(ctx, p.flow, t.progress)
		return planned{t, plan, err}
	}
}

// Close ends the making of a plan that nobody waits for any more.
func (p *Plan) Close() {
	if p.making != nil {
		p.making.cancel()
	}
}

// List implements ui.Listed.
func (p *Plan) List() *ui.Table { return p.table }

// Title implements ui.Page.
func (p *Plan) Title() string { return p.t("plan") }

// Typing implements ui.Page.
func (p *Plan) Typing() bool { return p.search.typing }

// Leave implements ui.Page.
func (p *Plan) Leave() string { return "" }

// Update implements ui.Page.
func (p *Plan) Update(msg tea.Msg) tea.Cmd {
	switch msg := msg.(type) {
	case planned:
		if msg.task != p.making {
			return nil
		}
		p.making.cancel()
		p.making, p.made, p.plan, p.err = nil, true, msg.plan, msg.err
		p.fill()
	case tea.KeyPressMsg:
		if p.search.key(msg) {
			p.fill()
		}
	case tea.PasteMsg:
		if p.search.paste(msg.Content) {
			p.fill()
		}
	}
	return nil
}

// counts are of the plan's actions.
func (p *Plan) counts() map[string]int {
	n := map[string]int{"": len(p.plan.Actions)}
	for _, a := range p.plan.Actions {
		n[a.Action]++
	}
	return n
}

func (p *Plan) actionStyle(action string) (string, lipgloss.Style) {
	st := p.Styles
	switch action {
	case "":
		return p.t("all"), st.Bold
	case "create":
		return p.t("create"), st.Good
	case "update":
		return p.t("update"), st.Running
	case "link":
		return p.t("link"), st.Running
	case "skip":
		return p.t("skip"), st.Muted
	case "hold":
		return p.t("hold"), st.Warning
	}
	return ui.Clean(action), st.Muted
}

func (p *Plan) fill() {
	filter := p.search.filter()
	var rows []ui.Row
	for i, a := range p.plan.Actions {
		if want := planActions[p.action]; want != "" && a.Action != want {
			continue
		}
		text, style := p.actionStyle(a.Action)
		why := a.Reason
		if a.Cause != "" {
			why = p.Cause(a.Cause) + ": " + why
		}
		if len(a.Warnings) > 0 {
			why = ui.SymbolWarning + " " + why
		}
		if !filter.Match(fold(a.Label, a.Key, why), nil) {
			continue
		}
		fields := ""
		if len(a.Changes) > 0 {
			fields = fmt.Sprint(len(a.Changes))
		}
		rows = append(rows, ui.Row{ID: fmt.Sprint(i), Cells: []ui.Cell{{Text: text, Style: style, Rank: worst(a.Action, planActions...)}, {Text: name(a.Key, a.Label)}, {Text: ui.Clean(why)}, {Text: fields, Style: p.Styles.Muted, Rank: int64(len(a.Changes))}}})
	}
	p.table.SetRows(rows)
}

// Bindings implements ui.Page.
func (p *Plan) Bindings() []ui.Binding {
	if b := p.search.bindings(p.Kit, "plan", p.fill); b != nil {
		return b
	}
	again := p.Bind("plan", "again", "again", "Make the plan again", p.make)
	if p.making != nil || !p.made || p.err != nil {
		if p.making != nil {
			again.Disabled = func() string { return p.t("the plan is being made") }
		}
		return []ui.Binding{again}
	}
	cycle := func(by int) func() tea.Cmd {
		return func() tea.Cmd {
			n := p.counts()
			for range planActions {
				p.action = (p.action + by + len(planActions)) % len(planActions)
				if n[planActions[p.action]] > 0 {
					break
				}
			}
			p.fill()
			return nil
		}
	}
	back := p.Bind("plan", "filter_back", "", "Show the actions before", cycle(-1))
	back.Hidden = true
	perform := p.Changing(p.Bind("plan", "perform", "perform", "Do exactly what this plan says", p.perform))
	n := p.counts()
	if n["create"]+n["update"]+n["link"] == 0 && perform.Disabled == nil {
		perform.Disabled = func() string { return p.t("this plan would change nothing") }
	}
	list := append(p.search.clear(p.Kit, p.fill),
		p.Bind("plan", "filter", "kind", "Show only one kind of action: create, update …", cycle(1)),
		p.Bind("plan", "details", "details", "All fields of this record, and back", func() tea.Cmd { p.details, p.scroll = !p.details, 0; return nil }),
		perform,
		p.search.begin(p.Kit, "plan"),
		again,
		back)
	if p.details {
		return append(list, p.scrolling()...)
	}
	return append(list, p.ListBindings(p.table)...)
}

// scrolling are the list's keys for the details.
func (p *Plan) scrolling() []ui.Binding {
	move := func(action, help string, by int) ui.Binding {
		b := p.Bind("list", action, "", help, func() tea.Cmd { p.scroll = max(p.scroll+by, 0); return nil })
		b.Hidden = true
		return b
	}
	return []ui.Binding{move("up", "One line up", -1), move("down", "One line down", 1), move("page_up", "One page up", -10), move("page_down", "One page down", 10)}
}

// perform asks, with the counts, and carries the plan out.
func (p *Plan) perform() tea.Cmd {
	n := p.counts()
	id := p.plan.ID
	text := p.t("Created: %d. Updated: %d. Linked: %d. Left alone: %d. Waiting for a person: %d.", n["create"], n["update"], n["link"], n["skip"], n["hold"]) + " "
	text += p.t("What has changed since the plan was made is not touched, and told.")
	return func() tea.Msg {
		return ui.Ask{Title: p.t("Perform this plan of %s?", p.flow), Text: text, Yes: p.t("perform it"), YesKey: "y", Do: func() tea.Cmd {
			run := p.start([]string{p.flow}, control.StartRequest{Plan: id})
			return tea.Batch(p.toast(p.t("%s: the run has begun", p.flow)), func() tea.Msg { return ui.Back{} }, func() tea.Msg { return p.told(run()) })
		}}
	}
}

// View implements ui.Page.
func (p *Plan) View(width, height int) string {
	st := p.Styles
	switch {
	case p.making != nil:
		return " " + p.making.view(p.Kit, p.t("The plan is being made; nothing is written.")) + "\n\n " + st.Muted.Render(p.t("%s stops it", "esc"))
	case p.err != nil:
		return " " + st.Error.Render(ui.SymbolError+" "+p.t("The plan could not be made.")) + "\n\n" + indent(ui.Wrap(p.ErrorText(p.err), max(width-2, 1)))
	case len(p.plan.Actions) == 0:
		return " " + st.Good.Render(ui.SymbolGood+" "+p.t("A run would do nothing now: both sides agree."))
	}
	n := p.counts()
	var tabs []string
	for i, a := range planActions {
		text, style := p.actionStyle(a)
		text += " " + p.num(n[a])
		switch {
		case i == p.action:
			tabs = append(tabs, st.Selected.Render("["+text+"]"))
		case n[a] > 0:
			tabs = append(tabs, style.Render(text))
		}
	}
	head := " " + strings.Join(tabs, "  ")
	if line := p.search.view(p.Kit, p.table.Len(), n[planActions[p.action]], width); line != "" {
		head += "\n" + line
	}
	p.table.Above = strings.Count(head, "\n") + 1
	rest := height - p.table.Above
	if p.details {
		d := p.detail(width - 2)
		p.scroll = min(p.scroll, max(len(d)-rest, 0))
		return head + "\n" + indent(d[p.scroll:])
	}
	if width >= 100 {
		left := width * 55 / 100
		table := strings.Split(ui.Fit(p.table.View(st, left, rest), left, rest), "\n")
		detail := strings.Split(ui.Fit(strings.Join(p.detail(width-left-3), "\n"), width-left-3, rest), "\n")
		for i := range table {
			table[i] += st.Border.Render(" │ ") + detail[i]
		}
		return head + "\n" + strings.Join(table, "\n")
	}
	detail := p.detail(width - 2)
	room := min(len(detail), rest/2)
	rows := min(p.table.Len()+1, rest-room-1)
	return head + "\n" + ui.Fit(p.table.View(st, width, rows), width, rows) + "\n" + st.Border.Render(strings.Repeat("─", width)) + "\n" + indent(detail[:min(len(detail), max(rest-rows-1, 0))])
}

// detail is all of the selected action.
func (p *Plan) detail(width int) []string {
	var i int
	if _, err := fmt.Sscan(p.table.Selected(), &i); err != nil || i >= len(p.plan.Actions) || width < 1 {
		return []string{""}
	}
	st := p.Styles
	a := p.plan.Actions[i]
	text, style := p.actionStyle(a.Action)
	out := []string{style.Render(text) + " " + st.Bold.Render(name(a.Key, a.Label)) + st.Muted.Render("  "+ui.Clean(a.Object))}
	para := func(style lipgloss.Style, s string) {
		for _, l := range ui.Wrap(ui.Clean(s), width) {
			out = append(out, style.Render(l))
		}
	}
	if a.Reason != "" {
		para(lipgloss.NewStyle(), a.Reason)
	}
	for _, w := range a.Warnings {
		para(st.Warning, ui.SymbolWarning+" "+w)
	}
	if a.Proof != "" {
		para(st.Muted, a.Proof)
	}
	if len(a.Changes) > 0 {
		out = append(out, "")
	}
	longest := 0
	for _, c := range a.Changes {
		longest = max(longest, ui.Width(ui.Clean(c.Field)))
	}
	longest = min(longest, width/2)
	for _, c := range a.Changes {
		value := ui.Clean(c.To)
		if c.From != "" {
			value = ui.Clean(c.From) + " " + ui.SymbolArrow + " " + value
		}
		out = append(out, st.Muted.Render(ui.Pad(ui.Clean(c.Field), longest))+"  "+ui.Cut(value, max(width-longest-2, 1)))
	}
	return slices.Clip(out)
}
