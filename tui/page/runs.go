package page

import (
	"fmt"
	"slices"
	"strings"
	"time"

	tea "charm.land/bubbletea/v2"
	"charm.land/lipgloss/v2"

	"github.com/pomost/pomost/host/control"
	"github.com/pomost/pomost/tui/ui"
)

// How many runs are asked for: on a flow's own page, and on that of its history.
const (
	runsFew  = 20
	runsMany = 500
)

// history is the newest runs of a flow. They are read again when one begins or ends.
type history struct {
	*Kit
	flow   string
	most   int
	asked  int // the newest load; older answers are let go
	seen   string
	runs   []control.RunInfo
	loaded bool
	err    error
}

type runsLoaded struct {
	number int
	runs   []control.RunInfo
	err    error
}

func (h *history) load() tea.Cmd {
	h.asked++
	number := h.asked
	return func() tea.Msg {
		res, err := h.API.Runs(h.Ctx, control.RunsRequest{Flow: h.flow, Last: h.most})
		return runsLoaded{number, res.Runs, err}
	}
}

// take takes an answer in.
func (h *history) take(msg runsLoaded) {
	if msg.number != h.asked {
		return
	}
	if h.err = msg.err; h.err == nil {
		h.runs, h.loaded = msg.runs, true
	}
}

// status looks at a flow's new state.
func (h *history) status(f *control.FlowStatus) tea.Cmd {
	seen := ""
	if f.LastRun != nil {
		seen = f.LastRun.ID + f.LastRun.Status
	}
	if r := f.Running; r != nil {
		seen += " " + r.ID
		if i := slices.IndexFunc(h.runs, func(old control.RunInfo) bool { return old.ID == r.ID && old.Status == "running" }); i >= 0 {
			h.runs[i].Counts, h.runs[i].Message = r.Counts, r.Message
		}
	}
	before := h.seen
	h.seen = seen
	if before == "" || before == seen { // the first state comes together with the first load
		return nil
	}
	return h.load()
}

// runTable is a table for runs.
func (k *Kit) runTable() *ui.Table {
	return ui.NewTable(
		ui.Column{Title: k.t("state"), Width: 11, Order: ui.Up},
		ui.Column{Title: k.t("began"), Width: 16, Order: ui.Down},
		ui.Column{Title: k.t("by"), Width: 10, Priority: 2, Order: ui.Up},
		ui.Column{Title: k.t("took"), Width: 7, Right: true, Priority: 1, Order: ui.Down},
		ui.Column{Title: k.t("what it did"), Width: 14, Grow: 1})
}

// fill puts the runs into a table.
func (h *history) fill(t *ui.Table) {
	rows := make([]ui.Row, len(h.runs))
	began := ui.Width(t.Columns[1].Title)
	state, by := 8, ui.Width(t.Columns[2].Title)
	for i, r := range h.runs {
		word, style := h.runState(r.Status)
		what, whatStyle := h.runText(r), lipgloss.NewStyle()
		if r.Status == "failed" {
			whatStyle = h.Styles.Error
		}
		when, trigger := ui.Moment(h.Now(), r.Started), h.trigger(r.Trigger)
		state, began, by = max(state, ui.Width(word)), max(began, ui.Width(when)), max(by, ui.Width(trigger))
		rows[i] = ui.Row{ID: r.ID, Cells: []ui.Cell{{Text: word, Style: style, Rank: worst(r.Status, "failed", "stopped", "running")}, {Text: when, Rank: r.Started.UnixMicro()}, {Text: trigger, Style: h.Styles.Muted},
			{Text: short(h.took(r)), Style: h.Styles.Muted, Rank: int64(h.took(r))}, {Text: what, Style: whatStyle}}}
	}
	t.Columns[0].Width, t.Columns[1].Width, t.Columns[2].Width = state, began, by
	t.SetRows(rows)
}

// took is how long a run lasted, or lasts.
func (h *history) took(r control.RunInfo) time.Duration {
	if r.Ended.IsZero() {
		return h.Now().Sub(r.Started)
	}
	return r.Ended.Sub(r.Started)
}

// short says how long a run lasted; most are over in less than a second.
func short(d time.Duration) string {
	if d < 10*time.Second {
		return fmt.Sprintf("%d.%d s", d/time.Second, d%time.Second/(time.Second/10))
	}
	return ui.Took(d)
}

// runText is what a run did, or why it did not.
func (k *Kit) runText(r control.RunInfo) string {
	text := k.Counts(r.Counts)
	switch {
	case r.Status == "failed" && r.Error != "":
		text = ui.Clean(r.Error)
	case r.Status == "running" && r.Message != "":
		text += " · " + ui.Clean(r.Message)
	}
	if r.Lane != "" {
		text = ui.Clean(r.Lane) + ": " + text
	}
	return text
}

// runState is what became of a run, as a symbol with a word.
func (k *Kit) runState(status string) (string, lipgloss.Style) {
	st := k.Styles
	switch status {
	case "done":
		return ui.SymbolGood + " " + k.t("done"), st.Good
	case "failed":
		return ui.SymbolError + " " + k.t("failed"), st.Error
	case "stopped":
		return ui.SymbolPaused + " " + k.t("stopped"), st.Warning
	case "running":
		return ui.SymbolRunning + " " + k.t("running"), st.Running
	}
	return ui.Clean(status), st.Muted
}

// trigger is who wanted a run.
func (k *Kit) trigger(t string) string {
	switch t {
	case "schedule":
		return k.t("schedule")
	case "command":
		return k.t("hand")
	case "retry":
		return k.t("retrying")
	case "plan":
		return k.t("plan")
	}
	return ui.Clean(t)
}

// Runs is the history of a flow.
type Runs struct {
	plain
	history
	table *ui.Table
}

// NewRuns opens the history of a flow.
func NewRuns(k *Kit, flow string) *Runs {
	return &Runs{history: history{Kit: k, flow: flow, most: runsMany}, table: k.runTable()}
}

// Init implements ui.Page.
func (r *Runs) Init() tea.Cmd { return r.load() }

// List implements ui.Listed.
func (r *Runs) List() *ui.Table { return r.table }

// Title implements ui.Page.
func (r *Runs) Title() string { return r.t("runs") }

// Update implements ui.Page.
func (r *Runs) Update(msg tea.Msg) tea.Cmd {
	switch msg := msg.(type) {
	case ui.Status:
		if i := slices.IndexFunc(msg.Flows, func(s control.FlowStatus) bool { return s.Name == r.flow }); i >= 0 {
			return r.status(&msg.Flows[i])
		}
	case runsLoaded:
		r.take(msg)
		r.fill(r.table)
	}
	return nil
}

// selected is the chosen run.
func (r *Runs) selected() (control.RunInfo, bool) {
	i := slices.IndexFunc(r.runs, func(run control.RunInfo) bool { return run.ID == r.table.Selected() })
	if i < 0 {
		return control.RunInfo{}, false
	}
	return r.runs[i], true
}

// Bindings implements ui.Page.
func (r *Runs) Bindings() []ui.Binding {
	run, ok := r.selected()
	logs := r.Bind("runs", "logs", "log", "What this run did, line by line", func() tea.Cmd {
		req := control.LogsRequest{Flow: r.flow, Since: run.Started}
		if !run.Ended.IsZero() {
			req.Until = run.Ended.Add(time.Millisecond) // its last line is of that moment
		}
		return r.Logs(req)
	})
	if !ok {
		logs.Disabled = func() string { return r.t("no run is chosen") }
	}
	return append([]ui.Binding{logs}, r.ListBindings(r.table)...)
}

// View implements ui.Page.
func (r *Runs) View(width, height int) string {
	st := r.Styles
	switch {
	case r.err != nil:
		return " " + st.Error.Render(ui.SymbolError+" "+r.t("The runs could not be read.")) + "\n\n" + indent(ui.Wrap(r.ErrorText(r.err), max(width-2, 1)))
	case !r.loaded:
		return " " + st.Muted.Render(r.t("reading the runs…"))
	case len(r.runs) == 0:
		return " " + r.t("It never ran.")
	}
	r.fill(r.table)
	detail := r.detail(width - 2)
	room := min(len(detail), max(height/3, 3))
	rows := min(r.table.Len()+1, max(height-room-1, 1))
	out := ui.Fit(r.table.View(st, width, rows), width, rows)
	if height-rows-1 > 0 {
		out += "\n" + st.Border.Render(strings.Repeat("─", width)) + "\n" + indent(detail[:min(len(detail), height-rows-1)])
	}
	return out
}

// detail is all that is known of the selected run.
func (r *Runs) detail(width int) []string {
	run, ok := r.selected()
	if !ok || width < 1 {
		return []string{""}
	}
	st := r.Styles
	var out []string
	switch {
	case run.Status == "stopped":
		out = append(out, ui.Cut(r.t("It was stopped; nothing is lost, the next run goes on."), width))
	case run.Error != "":
		for _, l := range ui.Wrap(ui.Clean(run.Error), width) {
			out = append(out, st.Error.Render(l))
		}
	}
	when := ui.Moment(r.Now(), run.Started)
	if !run.Ended.IsZero() {
		when += "–" + ui.Moment(r.Now(), run.Ended)
	}
	return append(out, ui.Cut(r.Counts(run.Counts), width), st.Muted.Render(ui.Cut(r.t("run %s", ui.Clean(run.ID))+" · "+when, width)))
}
