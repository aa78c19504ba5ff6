package page

import (
	"slices"
	"strings"

	tea "charm.land/bubbletea/v2"

	"github.com/pomost/pomost/host/control"
	"github.com/pomost/pomost/tui/ui"
)

// Connections are the systems: whether they answer, and whether somebody has consented.
type Connections struct {
	plain
	*Kit
	status   []control.ConnectionStatus
	known    bool
	table    *ui.Table
	checking *task
	checks   map[string]control.ConnectionCheck
	err      error
}

// NewConnections opens the connections.
func NewConnections(k *Kit) *Connections {
	return &Connections{Kit: k, checks: map[string]control.ConnectionCheck{}, table: ui.NewTable(
		ui.Column{Title: k.t("state"), Width: 13, Order: ui.Up}, ui.Column{Title: k.t("connection"), Width: 12, Grow: 1, Order: ui.Up}, ui.Column{Title: k.t("system"), Width: 18, Grow: 1, Priority: 1, Order: ui.Up}, ui.Column{Title: k.t("what to know"), Width: 20, Grow: 3, Priority: 2})}
}

type checked struct {
	task *task
	res  control.CheckResult
	err  error
}

// Init implements ui.Page.
func (c *Connections) Init() tea.Cmd { return nil }

// Close ends a check that nobody waits for any more.
func (c *Connections) Close() {
	if c.checking != nil {
		c.checking.cancel()
	}
}

// List implements ui.Listed.
func (c *Connections) List() *ui.Table { return c.table }

// Title implements ui.Page.
func (c *Connections) Title() string { return c.t("connections") }

// Update implements ui.Page.
func (c *Connections) Update(msg tea.Msg) tea.Cmd {
	switch msg := msg.(type) {
	case ui.Status:
		c.status, c.known = msg.Connections, true
		c.fill()
	case checked:
		if msg.task != c.checking {
			return nil
		}
		c.checking.cancel()
		c.checking, c.err = nil, msg.err
		for _, r := range msg.res.Connections {
			c.checks[r.Name] = r
		}
		c.fill()
	}
	return nil
}

func (c *Connections) fill() {
	var rows []ui.Row
	for _, s := range c.status {
		state, style := c.connectionState(s.State)
		know := s.Message
		if check, ok := c.checks[s.Name]; ok {
			know = c.t("checked: all right")
			if !check.OK {
				know = c.t("checked: something is wrong")
			}
		}
		rows = append(rows, ui.Row{ID: s.Name, Cells: []ui.Cell{{Text: state, Style: style, Rank: worst(s.State, "revoked", "unauthorized", "unknown")}, {Text: ui.Clean(s.Name), Style: c.Styles.Bold}, {Text: ui.Clean(s.Title)}, {Text: ui.Clean(know), Style: c.Styles.Muted}}})
	}
	c.table.SetRows(rows)
}

func (c *Connections) check(names ...string) tea.Cmd {
	c.Close()
	t, ctx := c.begin()
	c.checking = t
	return func() tea.Msg {
		res, err := c.API.Check(ctx, names)
		return checked{t, res, err}
	}
}

// Bindings implements ui.Page.
func (c *Connections) Bindings() []ui.Binding {
	chosen := c.table.Selected()
	on := func(b ui.Binding) ui.Binding {
		if chosen == "" {
			b.Disabled = func() string { return c.t("there is no connection yet") }
		}
		return b
	}
	return append([]ui.Binding{
		on(c.Bind("connections", "check", "check", "Ask the system whether everything needed is allowed", func() tea.Cmd { return c.check(chosen) })),
		on(c.Bind("connections", "check_all", "check all", "Check every connection", func() tea.Cmd { return c.check() })),
		on(c.Changing(c.Bind("connections", "authorize", "authorize", "Give consent at the system's own page", func() tea.Cmd { return c.Authorize(chosen) }))),
	}, c.ListBindings(c.table)...)
}

// View implements ui.Page.
func (c *Connections) View(width, height int) string {
	st := c.Styles
	switch {
	case !c.known:
		return " " + st.Muted.Render(c.t("asking the daemon…"))
	case len(c.status) == 0:
		return " " + c.t("There is no connection yet.")
	}
	rows := min(c.table.Len()+1, max(height/2, 3))
	out := []string{ui.Fit(c.table.View(st, width, rows), width, rows), ""}
	inner := max(width-2, 1)
	i := slices.IndexFunc(c.status, func(s control.ConnectionStatus) bool { return s.Name == c.table.Selected() })
	if c.checking != nil {
		out = append(out, " "+c.checking.view(c.Kit, c.t("asking the system")))
	}
	if c.err != nil {
		out = append(out, indent(ui.Wrap(c.ErrorText(c.err), inner)))
	}
	if i >= 0 {
		s := c.status[i]
		out = append(out, " "+st.Bold.Render(ui.Clean(s.Name))+st.Muted.Render("  "+ui.Clean(s.Title)+" ("+ui.Clean(s.Connector)+")"))
		if s.Message != "" {
			out = append(out, indent(ui.Wrap(ui.Clean(s.Message), inner)))
		}
		if s.Remedy != "" {
			out = append(out, indent(ui.Wrap(c.t("What to do: %s", ui.Clean(c.Remedy(s.Remedy))), inner)))
		}
		if check, ok := c.checks[s.Name]; ok {
			out = append(out, "", strings.Join(c.checkLines(check.Checks, width), "\n"))
		}
	}
	return strings.Join(out, "\n")
}

// checkLines are the results of a check, a line or two each.
func (k *Kit) checkLines(items []control.CheckItem, width int) []string {
	st := k.Styles
	var out []string
	for _, i := range items {
		mark := st.Good.Render(ui.SymbolGood)
		switch {
		case !i.OK:
			mark = st.Error.Render(ui.SymbolError)
		case i.Warning:
			mark = st.Warning.Render(ui.SymbolWarning)
		}
		line := " " + mark + " " + ui.Clean(i.Title)
		if i.Message != "" {
			line += st.Muted.Render("  " + ui.Clean(i.Message))
		}
		out = append(out, ui.Cut(line, width))
		if i.Remedy != "" && (!i.OK || i.Warning) {
			for _, l := range ui.Wrap(ui.SymbolArrow+" "+ui.Clean(k.Remedy(i.Remedy)), max(width-4, 1)) {
				out = append(out, "   "+st.Key.Render(l))
			}
		}
	}
	return out
}
