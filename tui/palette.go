package tui

import (
	"cmp"
	"slices"
	"strings"

	tea "charm.land/bubbletea/v2"

	"github.com/pomost/pomost/host/control"
	"github.com/pomost/pomost/tui/page"
	"github.com/pomost/pomost/tui/ui"
)

// entry is one line of the help or of the palette.
type entry struct {
	title, keys, why string
	do               func() tea.Cmd
}

// finder is a list that what is typed narrows down: the help and the palette.
type finder struct {
	title   string
	entries []entry
	query   ui.Input
	at, top int
	rank    bool // by how well it matches, and runs what is chosen
	height  int
}

func newHelp(m *model) *finder {
	f := &finder{title: m.t("What can be done here")}
	for _, b := range slices.Concat(m.top().Bindings(), m.globals()) {
		var names []string
		for _, k := range b.Keys {
			names = append(names, ui.KeyName(k))
		}
		text := b.Help
		if text == "" {
			text = b.Label
		}
		e := entry{title: m.t(text), keys: strings.Join(names, " ")}
		if b.Disabled != nil {
			e.why = b.Disabled()
		}
		f.entries = append(f.entries, e)
	}
	return f
}

// newPalette lists everything that can be done: here, everywhere, with each flow and each connection.
func newPalette(m *model) *finder {
	f := &finder{title: m.t("Find and do"), rank: true}
	add := func(title, keys string, do func() tea.Cmd) {
		f.entries = append(f.entries, entry{title: title, keys: keys, do: do})
	}
	for _, b := range m.top().Bindings() {
		if b.Label == "" || len(b.Keys) == 0 || b.Disabled != nil && b.Disabled() != "" {
			continue
		}
		text := b.Help
		if text == "" {
			text = b.Label
		}
		add(m.t(text), ui.KeyName(b.Keys[0]), b.Do)
	}
	k := m.kit
	open := func(p func() ui.Page) func() tea.Cmd {
		return func() tea.Cmd { return func() tea.Msg { return ui.Push{Page: p()} } }
	}
	add(m.t("Open the records that wait for you"), "", open(func() ui.Page { return page.NewRecords(k, "", "") }))
	add(m.t("Open the log of everything"), "", func() tea.Cmd { return k.Logs(control.LogsRequest{}) })
	add(m.t("Open the connections"), "", open(func() ui.Page { return page.NewConnections(k) }))
	add(m.t("Check everything"), "", open(func() ui.Page { return page.NewDoctor(k) }))
	changes := !m.opts.ReadOnly
	if changes {
		add(m.t("Set something up"), "", k.Setup)
	}
	for _, fl := range m.status.Flows {
		n := ui.Clean(fl.Name)
		add(m.t("Flow %s: open", n), "", open(func() ui.Page { return page.NewFlow(k, fl.Name) }))
		add(m.t("Flow %s: records", n), "", open(func() ui.Page { return page.NewRecords(k, fl.Name, "") }))
		add(m.t("Flow %s: log", n), "", func() tea.Cmd { return k.Logs(control.LogsRequest{Flow: fl.Name}) })
		add(m.t("Flow %s: plan", n), "", open(func() ui.Page { return page.NewPlan(k, fl.Name) }))
		if changes { // stands before the word that begins like it
			add(m.t("Flow %s: run now", n), "", func() tea.Cmd { return k.RunFlow(fl.Name) })
		}
		add(m.t("Flow %s: runs", n), "", open(func() ui.Page { return page.NewRuns(k, fl.Name) }))
		if !changes {
			continue
		}
		text := m.t("Flow %s: pause", n)
		if fl.Paused {
			text = m.t("Flow %s: resume", n)
		}
		add(text, "", func() tea.Cmd { return k.Pause(fl.Name, fl.Paused) })
		add(m.t("Flow %s: settings", n), "", func() tea.Cmd { return k.Settings(fl.Name) })
	}
	for _, c := range m.status.Connections {
		if changes {
			add(m.t("Connection %s: authorize", ui.Clean(c.Name)), "", func() tea.Cmd { return k.Authorize(c.Name) })
		}
	}
	add(m.t("Quit"), ui.KeyName(k.Keys.Of("global", "quit")[0]), func() tea.Cmd { return m.quit("") })
	return f
}

// found are the entries that match what was typed. With nothing typed, what was used last stands first.
func (f *finder) found(recent []string) []entry {
	type scored struct {
		entry
		score int
	}
	var list []scored
	for _, e := range f.entries {
		score, ok := ui.Rank(e.title+" "+e.keys, f.query.Value())
		if !ok {
			continue
		}
		if f.query.Value() == "" {
			score = len(recent)
			if i := slices.Index(recent, e.title); i >= 0 {
				score = i
			}
		}
		list = append(list, scored{e, score})
	}
	if f.rank {
		slices.SortStableFunc(list, func(a, b scored) int { return cmp.Compare(a.score, b.score) })
	}
	out := make([]entry, len(list))
	for i, s := range list {
		out[i] = s.entry
	}
	return out
}

func (f *finder) key(m *model, k tea.KeyPressMsg) tea.Cmd {
	found := f.found(m.recent)
	switch k.String() {
	case "esc":
		if f.query.Value() != "" && !f.rank {
			f.query.Set("")
			break
		}
		m.overlay = nil
		return nil
	case "up", "ctrl+p":
		f.at--
	case "down", "ctrl+n":
		f.at++
	case "pgup":
		f.at -= max(f.height, 1)
	case "pgdown":
		f.at += max(f.height, 1)
	case "enter":
		if !f.rank || len(found) == 0 {
			return nil
		}
		chosen := found[min(max(f.at, 0), len(found)-1)]
		m.overlay = nil
		m.recent = slices.DeleteFunc(m.recent, func(s string) bool { return s == chosen.title })
		m.recent = append([]string{chosen.title}, m.recent[:min(len(m.recent), 9)]...)
		return wrap(chosen.do(), m.top(), "enter")
	default:
		if f.query.Key(k) {
			f.at = 0
		}
	}
	f.at = min(max(f.at, 0), max(len(f.found(m.recent))-1, 0))
	return nil
}

func (f *finder) paste(text string) {
	f.query.Insert(text)
	f.at = 0
}

func (f *finder) view(m *model, width, height int) string {
	st := m.kit.Styles
	w := min(76, width-4)
	inner := w - 4
	found := f.found(m.recent)
	f.height = min(max(len(f.entries), 3), max(height-8, 1), 20)
	if f.at < f.top {
		f.top = f.at
	}
	if f.at >= f.top+f.height {
		f.top = f.at - f.height + 1
	}
	f.top = min(f.top, max(len(found)-f.height, 0))
	body := []string{st.Key.Render(ui.SymbolCrumb) + " " + f.query.View(st, inner-2, true), ""}
	keys := 0
	for _, e := range f.entries {
		keys = max(keys, ui.Width(e.keys))
	}
	keys = min(keys, inner/3)
	for i := range f.height {
		if f.top+i >= len(found) {
			if len(found) == 0 && i == 0 {
				body = append(body, st.Muted.Render(m.t("nothing matches")))
				continue
			}
			body = append(body, "")
			continue
		}
		e := found[f.top+i]
		here := "  "
		if f.top+i == f.at {
			here = ui.SymbolHere + " "
		}
		text := e.title
		if e.why != "" {
			text += " (" + e.why + ")"
		}
		line := ui.Pad(ui.Sides(here+text, ui.PadLeft(e.keys, keys), inner), inner)
		switch {
		case f.top+i == f.at:
			line = st.Selected.Render(line)
		case e.why != "":
			line = st.Muted.Render(line)
		}
		body = append(body, line)
	}
	foot := st.Key.Render("↑↓") + " " + m.t("move") + "  "
	if f.rank {
		foot += st.Key.Render("enter") + " " + m.t("do it") + "  "
	}
	foot += st.Key.Render("esc") + " " + m.t("close")
	body = append(body, "", ui.Sides(foot, st.Muted.Render(m.t("%d of %d", len(found), len(f.entries))), inner))
	return m.box(f.title, body, w)
}
