package page

import (
	"fmt"
	"slices"
	"strings"

	tea "charm.land/bubbletea/v2"
	"github.com/goccy/go-yaml"

	"github.com/pomost/pomost/host/control"
	"github.com/pomost/pomost/tui/ui"
)

// Flow is everything about one flow.
type Flow struct {
	plain
	*Kit
	name     string
	status   *control.FlowStatus
	gone     bool
	table    *ui.Table // causes, with counts
	settings []string
	history  history
	runs     *ui.Table
}

// NewFlow opens a flow.
func NewFlow(k *Kit, flow string) *Flow {
	runs := k.runTable()
	runs.Still = true
	return &Flow{Kit: k, name: flow, runs: runs, history: history{Kit: k, flow: flow, most: runsFew}, table: ui.NewTable(ui.Column{Width: 6, Right: true}, ui.Column{Width: 20, Grow: 1}, ui.Column{Width: 16, Priority: 1})}
}

type exported struct {
	lines []string
	err   error
}

// Init implements ui.Page.
func (f *Flow) Init() tea.Cmd {
	return tea.Batch(f.history.load(), func() tea.Msg {
		res, err := f.API.Export(f.Ctx)
		if err != nil {
			return exported{err: err}
		}
		lines, err := settingsOf(res.Config, f.name)
		return exported{lines, err}
	})
}

// settingsOf are a flow's own settings as the configuration states them, a line each.
func settingsOf(config, flow string) ([]string, error) {
	var file struct {
		Flows map[string]struct {
			Settings yaml.MapSlice `yaml:"settings"`
		} `yaml:"flows"`
	}
	if err := yaml.Unmarshal([]byte(config), &file); err != nil {
		return nil, fmt.Errorf("read the settings of flow %s: %w", flow, err)
	}
	var out []string
	for _, s := range file.Flows[flow].Settings {
		value, err := yaml.MarshalWithOptions(s.Value, yaml.Flow(true))
		if err != nil {
			return nil, fmt.Errorf("read the setting %v of flow %s: %w", s.Key, flow, err)
		}
		out = append(out, ui.Clean(fmt.Sprint(s.Key))+": "+strings.TrimSpace(ui.Clean(string(value))))
	}
	return out, nil
}

// List implements ui.Listed.
func (f *Flow) List() *ui.Table { return f.table }

// Title implements ui.Page.
func (f *Flow) Title() string { return f.name }

// Update implements ui.Page.
func (f *Flow) Update(msg tea.Msg) tea.Cmd {
	switch msg := msg.(type) {
	case ui.Status:
		i := slices.IndexFunc(msg.Flows, func(s control.FlowStatus) bool { return s.Name == f.name })
		if f.gone = i < 0; f.gone {
			f.status = nil
			break
		}
		f.status = &msg.Flows[i]
		var rows []ui.Row
		for _, c := range byCount(f.status.Causes) {
			rows = append(rows, ui.Row{ID: c, Cells: []ui.Cell{{Text: f.num(f.status.Causes[c]), Style: f.Styles.Warning}, {Text: f.Cause(c)}, {Text: ui.Clean(c), Style: f.Styles.Muted}}})
		}
		f.table.SetRows(rows)
		return f.history.status(f.status)
	case runsLoaded:
		f.history.take(msg) // where they cannot be read, the page of the runs says why
	case exported:
		f.settings = msg.lines
		return f.failed(msg.err)
	}
	return nil
}

// Bindings implements ui.Page.
func (f *Flow) Bindings() []ui.Binding {
	if f.status == nil {
		return nil
	}
	pause := f.Bind("flow", "pause", "pause", "Keep the flow from running by its schedule", nil)
	if f.status.Paused {
		pause = f.Bind("flow", "pause", "resume", "Let the flow run by its schedule again", nil)
	}
	paused := f.status.Paused
	pause.Do = func() tea.Cmd { return f.Pause(f.name, paused) }
	stop := f.Changing(f.Bind("flow", "stop", "stop", "End the run under way, as soon as what is sent is answered", func() tea.Cmd {
		return func() tea.Msg {
			return ui.Ask{Title: f.t("Stop the run of %s?", f.name), Text: f.t("It ends as soon as what is under way is answered. Nothing is lost: the next run goes on from there."), Yes: f.t("stop it"), YesKey: "y",
				Do: func() tea.Cmd { return f.Stop(f.name) }}
		}
	}))
	if f.status.Running == nil {
		stop.Disabled = func() string { return f.t("%s does not run now", f.name) }
	}
	return append([]ui.Binding{
		f.Changing(f.Bind("flow", "run", "run", "Run this flow once, now", func() tea.Cmd { return f.RunFlow(f.name) })),
		stop,
		f.Bind("flow", "plan", "plan", "What a run would do now, record by record; nothing is written", func() tea.Cmd { return push(NewPlan(f.Kit, f.name)) }),
		f.Changing(pause),
		f.Bind("flow", "records", "records", "The records of this flow that wait, with the chosen cause first", func() tea.Cmd { return push(NewRecords(f.Kit, f.name, f.table.Selected())) }),
		f.Bind("flow", "logs", "log", "What this flow did and does, line by line", func() tea.Cmd { return f.Logs(control.LogsRequest{Flow: f.name}) }),
		f.Bind("flow", "runs", "runs", "The runs of this flow: when, what they did, and why they did not", func() tea.Cmd { return push(NewRuns(f.Kit, f.name)) }),
		f.Changing(f.Bind("flow", "settings", "settings", "Change what this flow does", func() tea.Cmd { return f.Settings(f.name) })),
	}, f.ListBindings(f.table)...)
}

// View implements ui.Page.
func (f *Flow) View(width, height int) string {
	st := f.Styles
	switch {
	case f.gone:
		return " " + f.t("There is no flow %s any more.", ui.Clean(f.name))
	case f.status == nil:
		return " " + st.Muted.Render(f.t("asking the daemon…"))
	}
	s := f.status
	state, style, _ := f.state(s.State)
	now := f.Now()
	inner := width - 2
	out := []string{style.Render(state) + st.Muted.Render("  "+ui.Clean(s.Title)+", "+ui.Clean(s.Source)+" "+ui.SymbolArrow+" "+ui.Clean(s.Destination)+f.every(s)), ""}
	if r := s.Running; r != nil {
		text := f.Counts(r.Counts)
		if r.Message != "" {
			text += " · " + ui.Clean(r.Message)
		}
		out = append(out, f.keyed(f.t("Running"), st.Running.Render(ui.SymbolRunning+" ")+text+" · "+ui.Took(now.Sub(r.Started)), inner))
	}
	switch {
	case s.Paused:
		out = append(out, f.keyed(f.t("Next run"), f.t("paused: it runs only when you say so"), inner))
	case !s.NextRun.IsZero():
		out = append(out, f.keyed(f.t("Next run"), ui.In(f.Words, now, s.NextRun)+st.Muted.Render("  "+ui.Moment(now, s.NextRun)), inner))
	}
	out = append(out, f.keyed(f.t("Last success"), ui.Ago(f.Words, now, s.LastSuccess)+st.Muted.Render("  "+ui.Moment(now, s.LastSuccess)), inner))
	if r := s.LastRun; r != nil {
		text := ui.Ago(f.Words, now, r.Ended) + st.Muted.Render("  "+f.t("it took %s", ui.Took(r.Ended.Sub(r.Started))))
		if r.Status == "failed" {
			text = st.Error.Render(ui.SymbolError+" "+f.t("failed")) + "  " + text
		}
		out = append(out, f.keyed(f.t("Last run"), text, inner))
		if r.Error != "" {
			for _, l := range ui.Wrap(ui.Clean(r.Error), max(inner-18, 1)) {
				out = append(out, f.keyed("", st.Error.Render(l), inner))
			}
		} else {
			out = append(out, f.keyed("", f.Counts(r.Counts), inner))
		}
	}
	var waits []string
	for _, w := range []struct {
		n    int
		text string
	}{{s.Held, f.t("%d held", s.Held)}, {s.Failed, f.t("%d failed", s.Failed)}, {s.Waiting, f.t("%d outcomes open", s.Waiting)}, {s.Watched, f.t("%d watched", s.Watched)}} {
		if w.n > 0 {
			waits = append(waits, w.text)
		}
	}
	if len(waits) == 0 {
		waits = append(waits, st.Good.Render(ui.SymbolGood+" "+f.t("nothing")))
	}
	out = append(out, f.keyed(f.t("Waiting for you"), strings.Join(waits, ", "), inner))
	f.table.Above = len(out) + 1
	return indent(append(out, f.parts(inner, height-len(out))...))
}

// runsLeast is how many runs a flow's page shows before it shows its settings.
const runsLeast = 3

// parts are what waits by cause, the newest runs and the settings, in the room that there is: what waits goes first, and a few runs go before
// the settings.
func (f *Flow) parts(width, room int) []string {
	st := f.Styles
	var causes, runs []string
	if n := f.table.Len(); n > 0 {
		causes = append([]string{""}, strings.Split(f.table.View(st, width, min(n, max(room-1, 1))), "\n")...)
	}
	room -= len(causes)
	settings := append([]string{""}, f.summary(width)...)
	n := min(len(f.history.runs), max(room-2, 0), max(room-2-len(settings), runsLeast))
	if n > 0 {
		f.history.fill(f.runs)
		runs = append([]string{""}, strings.Split(f.runs.View(st, width, n+1), "\n")...)
	}
	settings = settings[:max(min(len(settings), room-len(runs)), 0)]
	if len(settings) < 3 { // a heading of nothing
		settings = nil
	}
	return slices.Concat(causes, runs, settings)
}

// summary are the settings that are not the recipe's own.
func (f *Flow) summary(width int) []string {
	out := []string{f.Styles.Bold.Render(f.t("Settings")) + f.Styles.Muted.Render("  "+ui.Clean(f.status.Recipe))}
	for _, s := range f.settings {
		key, value, _ := strings.Cut(s, ": ")
		out = append(out, ui.Cut("  "+ui.Pad(key, 24)+" "+f.Styles.Muted.Render(value), width))
	}
	if len(f.settings) == 0 {
		out = append(out, f.Styles.Muted.Render("  "+f.t("all as the recipe has them")))
	}
	return out
}
