package page

import (
	"cmp"
	"math"
	"slices"
	"strings"
	"time"

	tea "charm.land/bubbletea/v2"

	"github.com/pomost/pomost/host/control"
	"github.com/pomost/pomost/tui/ui"
)

// Dashboard answers the first question: is everything all right? Flows stand worst first.
type Dashboard struct {
	plain
	*Kit
	status ui.Status
	known  bool
	table  *ui.Table

	latest []control.LogEntry // what happened last, oldest first
	room   int                // lines that are free for it, when last drawn
	asking bool
	asked  time.Time
}

// Of what happened last, at most so many lines are shown, and they are asked for once in a while.
const (
	latestMost  = 20
	latestEvery = time.Second
)

type latestLoaded []control.LogEntry

// NewDashboard makes the first page.
func NewDashboard(k *Kit) *Dashboard {
	d := &Dashboard{Kit: k}
	d.table = ui.NewTable(
		ui.Column{Title: k.t("state"), Width: 11, Order: ui.Up},
		ui.Column{Title: k.t("flow"), Width: 12, Order: ui.Up},
		ui.Column{Title: k.t("from → to"), Width: 18, Priority: 4, Order: ui.Up},
		ui.Column{Title: k.t("what to know"), Width: 16, Grow: 1, Priority: 1},
		ui.Column{Title: k.t("last success"), Width: 12, Priority: 2, Order: ui.Up},
		ui.Column{Title: k.t("next run"), Width: 9, Priority: 3, Order: ui.Up},
	)
	return d
}

// Init implements ui.Page.
func (d *Dashboard) Init() tea.Cmd { return nil }

// List implements ui.Listed.
func (d *Dashboard) List() *ui.Table { return d.table }

// Title implements ui.Page.
func (d *Dashboard) Title() string { return "Pomost" }

// Update implements ui.Page.
func (d *Dashboard) Update(msg tea.Msg) tea.Cmd {
	switch msg := msg.(type) {
	case latestLoaded:
		d.asking, d.latest = false, msg
	case ui.Status:
		d.status, d.known = msg, true
		d.status.Flows = slices.Clone(msg.Flows)
		slices.SortStableFunc(d.status.Flows, func(a, b control.FlowStatus) int {
			_, _, x := d.state(a.State)
			_, _, y := d.state(b.State)
			return cmp.Or(cmp.Compare(x, y), cmp.Compare(b.Held+b.Failed, a.Held+a.Failed), strings.Compare(a.Name, b.Name))
		})
		d.fill()
		return d.ask()
	}
	return nil
}

// ask reads what happened last.
func (d *Dashboard) ask() tea.Cmd {
	now := d.Now()
	if d.asking || !d.status.Lost.IsZero() || now.Sub(d.asked) < latestEvery {
		return nil
	}
	d.asking, d.asked = true, now
	return func() tea.Msg {
		var list latestLoaded
		err := d.API.Logs(d.Ctx, control.LogsRequest{Last: latestMost}, func(e control.LogEntry) error { list = append(list, e); return nil })
		if err != nil {
			return latestLoaded(nil) // the log's own page tells why it cannot be read
		}
		return list
	}
}

// flow is the selected one, nil where there is none.
func (d *Dashboard) flow() *control.FlowStatus {
	i := slices.IndexFunc(d.status.Flows, func(f control.FlowStatus) bool { return f.Name == d.table.Selected() })
	if i < 0 {
		return nil
	}
	return &d.status.Flows[i]
}

// Bindings implements ui.Page.
func (d *Dashboard) Bindings() []ui.Binding {
	f := d.flow()
	onFlow := func(b ui.Binding, do func(f control.FlowStatus) tea.Cmd) ui.Binding {
		if f == nil {
			b.Disabled = func() string { return d.t("there is no flow yet: set one up first") }
			return b
		}
		chosen := *f
		b.Do = func() tea.Cmd { return do(chosen) }
		return b
	}
	pause := d.Bind("dashboard", "pause", "pause", "Keep the flow from running by its schedule", nil)
	if f != nil && f.Paused {
		pause = d.Bind("dashboard", "pause", "resume", "Let the flow run by its schedule again", nil)
	}
	setup := d.Changing(d.Bind("dashboard", "setup", "set up", "Connect systems and make flows, by questions", d.Setup))
	list := []ui.Binding{
		onFlow(d.Bind("dashboard", "open", "open", "Everything about this flow", nil), func(f control.FlowStatus) tea.Cmd { return push(NewFlow(d.Kit, f.Name)) }),
		d.Changing(onFlow(d.Bind("dashboard", "run", "run", "Run this flow once, now", nil), func(f control.FlowStatus) tea.Cmd { return d.RunFlow(f.Name) })),
		d.Changing(onFlow(pause, func(f control.FlowStatus) tea.Cmd { return d.Pause(f.Name, f.Paused) })),
		d.Bind("dashboard", "inbox", "inbox", "The records that wait for a person, of all flows", func() tea.Cmd { return push(NewRecords(d.Kit, "", "")) }),
		onFlow(d.Bind("dashboard", "logs", "log", "What this flow did and does, line by line", nil), func(f control.FlowStatus) tea.Cmd { return d.Logs(control.LogsRequest{Flow: f.Name}) }),
		d.Changing(onFlow(d.Bind("dashboard", "settings", "settings", "Change what this flow does", nil), func(f control.FlowStatus) tea.Cmd { return d.Settings(f.Name) })),
		setup,
		d.Bind("dashboard", "connections", "connections", "The systems, whether they answer, and their consent", func() tea.Cmd { return push(NewConnections(d.Kit)) }),
		d.Bind("dashboard", "doctor", "doctor", "Check this machine, the daemon, each connection and each flow", func() tea.Cmd { return push(NewDoctor(d.Kit)) }),
	}
	quit := func() tea.Cmd { return func() tea.Msg { return ui.QuitAsked{} } }
	if d.Hosted {
		list = append(list, d.Bind("dashboard", "quit", "quit", "Close this window; the flows that run in it stop", quit))
	} else {
		list = append(list, d.Bind("dashboard", "quit", "quit", "Close this window; the daemon goes on", quit))
	}
	if d.known && len(d.status.Flows) == 0 { // what to do first stands first
		list = append([]ui.Binding{setup}, slices.Delete(list, 6, 7)...)
	}
	return append(list, d.ListBindings(d.table)...)
}

// View implements ui.Page.
func (d *Dashboard) View(width, height int) string {
	st := d.Styles
	switch {
	case !d.known:
		return " " + st.Muted.Render(d.t("asking the daemon…"))
	case len(d.status.Flows) == 0:
		return " " + st.Bold.Render(d.t("Nothing travels yet.")) + "\n\n" +
			indent(ui.Wrap(d.t("Press %s to connect two systems and choose what goes from one to the other. You are asked question by question; nothing is written anywhere before you have seen a plan.", d.Keys.Of("dashboard", "setup")[0]), max(width-2, 1)))
	}
	d.fill()
	connections := d.connections(width)
	detail := d.detail(width)
	head := []string{" " + d.headline(), ""}
	if height < 16 {
		head = head[:1]
	}
	rows := len(d.status.Flows) + 1
	room := height - len(head) - 1 - len(connections)
	if len(detail) > 0 && room-len(detail)-1 >= min(rows, 8) {
		room -= len(detail) + 1
	} else {
		detail = nil
	}
	if height < 12 {
		connections, room = nil, height-len(head)
	}
	d.table.Above = len(head)
	out := append(head, strings.Split(ui.Fit(d.table.View(st, width, min(rows, room)), width, min(rows, room)), "\n")...)
	if len(connections) > 0 {
		out = append(append(out, ""), connections...)
	}
	if len(detail) > 0 {
		out = append(append(out, ""), detail...)
	}
	if d.room = height - len(strings.Split(strings.Join(out, "\n"), "\n")) - 2; d.room >= 4 && len(d.latest) > 0 {
		out = append(append(out, ""), d.last(width)...)
	}
	return strings.Join(out, "\n")
}

// last are the newest lines of the log, the newest at the bottom.
func (d *Dashboard) last(width int) []string {
	st := d.Styles
	out := []string{" " + st.Bold.Render(d.t("What happened last"))}
	for _, e := range d.latest[max(len(d.latest)-d.room, 0):] {
		text := ui.Clean(e.Message)
		if e.Cause != "" {
			text = d.Cause(e.Cause) + ": " + text
		}
		if e.Result != "" {
			text = ui.SymbolArrow + " " + ui.Clean(e.Result) + "  " + text
		}
		style := d.outcome(e.Outcome)
		out = append(out, ui.Cut(" "+st.Muted.Render(ui.Moment(d.Now(), e.Time))+"  "+ui.Pad(ui.Clean(e.Flow), d.table.Columns[1].Width)+"  "+style.Render(ui.Pad(ui.Clean(e.Outcome), 10))+"  "+ui.Pad(name(e.Key, e.Label), 10)+"  "+text, width))
	}
	return out
}

// headline is the answer in one line.
func (d *Dashboard) headline() string {
	st := d.Styles
	failing, records, dead := 0, 0, 0
	for _, f := range d.status.Flows {
		if f.State == control.FlowFailing {
			failing++
		}
		records += f.Held + f.Failed
	}
	for _, c := range d.status.Connections {
		if c.State == "revoked" || c.State == "unauthorized" {
			dead++
		}
	}
	var parts []string
	if failing > 0 {
		parts = append(parts, st.Error.Render(ui.SymbolError+" "+d.t("%d flows fail", failing)))
	}
	if records > 0 {
		parts = append(parts, st.Warning.Render(ui.SymbolWarning+" "+d.t("%d records wait for you", records)))
	}
	if dead > 0 {
		parts = append(parts, st.Warning.Render(ui.SymbolWarning+" "+d.t("%d connections without consent", dead)))
	}
	if len(parts) == 0 {
		return st.Good.Render(ui.SymbolGood+" "+d.t("Everything is all right")) + st.Muted.Render(" · "+d.t("%d flows", len(d.status.Flows)))
	}
	return strings.Join(parts, st.Muted.Render(" · "))
}

func (d *Dashboard) fill() {
	st := d.Styles
	now := d.Now()
	rows := make([]ui.Row, len(d.status.Flows))
	longest, way, states, nexts := 0, 0, 8, ui.Width(d.table.Columns[5].Title)
	last := ui.Width(d.table.Columns[4].Title)
	for i, f := range d.status.Flows {
		state, style, rank := d.state(f.State)
		next := ui.In(d.Words, now, f.NextRun)
		switch {
		case f.Running != nil:
			next = d.t("now")
		case f.Paused:
			next = d.t("paused")
		case next == "" && f.Schedule == "":
			next = d.t("by hand")
		}
		fromTo := ui.Clean(f.Source) + " " + ui.SymbolArrow + " " + ui.Clean(f.Destination)
		longest, way = max(longest, ui.Width(ui.Clean(f.Name))), max(way, ui.Width(fromTo))
		states, nexts = max(states, ui.Width(state)), max(nexts, ui.Width(next))
		last = max(last, ui.Width(ui.Ago(d.Words, now, f.LastSuccess)))
		rows[i] = ui.Row{ID: f.Name, Cells: []ui.Cell{
			{Text: state, Style: style, Rank: int64(rank)}, {Text: ui.Clean(f.Name), Style: st.Bold}, {Text: fromTo, Style: st.Muted},
			{Text: d.gist(f)}, {Text: ui.Ago(d.Words, now, f.LastSuccess), Style: st.Muted, Rank: f.LastSuccess.Unix()}, {Text: next, Style: st.Muted, Rank: nextRank(f)}}}
	}
	d.table.Columns[1].Width, d.table.Columns[2].Width = min(max(longest, 8), 24), min(max(way, 10), 36)
	d.table.Columns[0].Width, d.table.Columns[4].Width, d.table.Columns[5].Width = states, last, nexts
	d.table.SetRows(rows)
}

// nextRank sorts flows by their next run: what runs now stands first, what runs by hand alone last.
func nextRank(f control.FlowStatus) int64 {
	switch {
	case f.Running != nil:
		return 0
	case f.NextRun.IsZero():
		return math.MaxInt64
	}
	return f.NextRun.Unix()
}

// gist is the one thing to know for a flow.
func (d *Dashboard) gist(f control.FlowStatus) string {
	var parts []string
	switch {
	case f.Running != nil:
		if f.Running.Counts.Read > 0 {
			parts = append(parts, d.t("%d read", f.Running.Counts.Read))
		}
		if f.Running.Message != "" {
			parts = append(parts, ui.Clean(f.Running.Message))
		}
	case f.State == control.FlowFailing && f.LastRun != nil:
		return ui.Clean(f.LastRun.Error)
	}
	if f.Held > 0 {
		parts = append(parts, d.t("%d held", f.Held))
	}
	if f.Failed > 0 {
		parts = append(parts, d.t("%d failed", f.Failed))
	}
	if f.Waiting > 0 {
		parts = append(parts, d.t("%d outcomes open", f.Waiting))
	}
	if len(parts) == 0 && f.LastRun != nil {
		return d.Counts(f.LastRun.Counts)
	}
	return strings.Join(parts, ", ")
}

// connections are the systems in as few lines as possible.
func (d *Dashboard) connections(width int) []string {
	st := d.Styles
	label := " " + d.t("Connections") + "  "
	var out []string
	line, used := st.Muted.Render(label), ui.Width(label)
	for _, c := range d.status.Connections {
		state, style := d.connectionState(c.State)
		text := ui.Clean(c.Name) + " " + state
		w := ui.Width(text) + 3
		if used+w > width && used > ui.Width(label) {
			out = append(out, line)
			line, used = strings.Repeat(" ", ui.Width(label)), ui.Width(label)
		}
		line += ui.Clean(c.Name) + " " + style.Render(state) + "   "
		used += w
	}
	return append(out, line)
}

// detail says more about the selected flow.
func (d *Dashboard) detail(width int) []string {
	f := d.flow()
	if f == nil {
		return nil
	}
	st := d.Styles
	title := ui.Clean(f.Name) + "  " + ui.Clean(f.Source) + " " + ui.SymbolArrow + " " + ui.Clean(f.Destination)
	out := []string{" " + st.Bold.Render(title) + st.Muted.Render(d.every(f))}
	if r := f.LastRun; r != nil {
		if r.Error != "" {
			for _, l := range ui.Wrap(ui.SymbolError+" "+ui.Clean(r.Error), width-3) {
				out = append(out, " "+st.Error.Render(l))
			}
		} else {
			out = append(out, " "+d.t("Last run %s: %s", ui.Ago(d.Words, d.Now(), r.Ended), d.Counts(r.Counts)))
		}
	}
	for i, c := range byCount(f.Causes) {
		if i == 4 {
			break
		}
		out = append(out, " "+st.Warning.Render(ui.PadLeft(d.num(f.Causes[c]), 5))+"  "+ui.Cut(d.Cause(c), width-9))
	}
	return out
}

// every is how often a flow runs, as words behind its name.
func (k *Kit) every(f *control.FlowStatus) string {
	switch {
	case f.Schedule == "":
		return "  " + k.t("by hand")
	case f.Paused:
		return "  " + k.t("every %s, paused", ui.Clean(f.Schedule))
	}
	return "  " + k.t("every %s", ui.Clean(f.Schedule))
}

func indent(lines []string) string { return " " + strings.Join(lines, "\n ") }
