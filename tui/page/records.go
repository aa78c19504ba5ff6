package page

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	tea "charm.land/bubbletea/v2"

	"github.com/pomost/pomost/host/control"
	"github.com/pomost/pomost/tui/ui"
)

// Records is the inbox: what waits for a person, a system or a status, grouped by cause.
type Records struct {
	*Kit
	flow   string // "" is all
	cause  string // stands first
	tab    int
	lists  [3][]control.RecordInfo
	loaded bool
	asked  int // the newest load; older answers are let go
	err    error
	search search
	table  *ui.Table
	seen   string // counts of the status at the last load
}

var recordTabs = []string{"held", "failed", "watched"}

// NewRecords opens the inbox of a flow, or of all; records with the cause, when one is given, stand first.
func NewRecords(k *Kit, flow, cause string) *Records {
	r := &Records{Kit: k, flow: flow, cause: cause}
	columns := []ui.Column{{Title: k.t("record"), Width: 8, Order: ui.Up}, {Title: k.t("why"), Width: 26, Grow: 1, Order: ui.Up}, {Title: k.t("since"), Width: 11, Priority: 1, Order: ui.Up},
		{Title: k.t("tries"), Width: 5, Right: true, Priority: 3, Order: ui.Down}}
	if flow == "" {
		columns = slices.Insert(columns, 1, ui.Column{Title: k.t("flow"), Width: 8, Priority: 2, Order: ui.Up})
	}
	r.table = ui.NewTable(columns...)
	return r
}

type recordsLoaded struct {
	number int
	lists  [3][]control.RecordInfo
	err    error
}

// Init implements ui.Page.
func (r *Records) Init() tea.Cmd {
	r.asked++
	number := r.asked
	return func() tea.Msg {
		msg := recordsLoaded{number: number}
		for i, status := range recordTabs {
			res, err := r.API.Records(r.Ctx, control.RecordsRequest{Flow: r.flow, Status: status})
			if err != nil {
				msg.err = err
				break
			}
			msg.lists[i] = res.Records
		}
		return msg
	}
}

// List implements ui.Listed.
func (r *Records) List() *ui.Table { return r.table }

// Title implements ui.Page.
func (r *Records) Title() string {
	if r.flow == "" {
		return r.t("records of all flows")
	}
	return r.t("records")
}

// Typing implements ui.Page.
func (r *Records) Typing() bool { return r.search.typing }

// Leave implements ui.Page.
func (r *Records) Leave() string { return "" }

// Update implements ui.Page.
func (r *Records) Update(msg tea.Msg) tea.Cmd {
	switch msg := msg.(type) {
	case ui.Status:
		// What waits changes with the counts: only then is it read again.
		seen := ""
		for _, f := range msg.Flows {
			if r.flow == "" || r.flow == f.Name {
				seen += fmt.Sprint(f.Name, f.Held, f.Failed, f.Watched, f.Waiting, f.Causes, " ")
			}
		}
		changed := r.seen != "" && seen != r.seen
		r.seen = seen
		if changed {
			return r.Init()
		}
	case recordsLoaded:
		if msg.number != r.asked {
			return nil
		}
		if r.err = msg.err; msg.err == nil {
			first := !r.loaded
			r.lists, r.loaded = msg.lists, true
			if first {
				r.chooseTab()
			}
			r.fill()
		}
	case retried:
		r.table.Marked = map[string]bool{}
		return r.Init()
	case tea.KeyPressMsg:
		if r.search.key(msg) {
			r.fill()
		}
	case tea.PasteMsg:
		if r.search.paste(msg.Content) {
			r.fill()
		}
	}
	return nil
}

// chooseTab opens the tab that has what was asked for, or anything at all.
func (r *Records) chooseTab() {
	for i, list := range r.lists {
		if slices.ContainsFunc(list, func(rec control.RecordInfo) bool { return r.cause == "" || rec.Cause == r.cause }) {
			r.tab = i
			return
		}
	}
}

func id(rec control.RecordInfo) string { return rec.Flow + "\x00" + rec.Key }

// shown are the records of the tab that the filter lets through.
func (r *Records) shown() []control.RecordInfo {
	filter := r.search.filter("flow", "cause", "key")
	return slices.DeleteFunc(slices.Clone(r.lists[r.tab]), func(rec control.RecordInfo) bool {
		return !filter.Match(fold(rec.Label, rec.Key, rec.Flow, rec.Cause, r.Cause(rec.Cause), rec.Reason), func(name string) string {
			return map[string]string{"flow": rec.Flow, "cause": rec.Cause, "key": rec.Key + " " + rec.Label}[name]
		})
	})
}

func (r *Records) fill() {
	st, now := r.Styles, r.Now()
	groups := map[string][]control.RecordInfo{}
	for _, rec := range r.shown() {
		g := rec.Cause
		if g == "" {
			g = rec.Reason // what is watched has a reason and no cause
		}
		groups[g] = append(groups[g], rec)
	}
	names := slices.SortedFunc(maps.Keys(groups), func(a, b string) int {
		if asked := r.cause != "" && a == r.cause; asked != (r.cause != "" && b == r.cause) { // what was asked for stands first
			return map[bool]int{true: -1, false: 1}[asked]
		}
		return cmp.Or(cmp.Compare(len(groups[b]), len(groups[a])), strings.Compare(a, b))
	})
	var rows []ui.Row
	longest, flow := 8, 8
	for _, g := range names {
		list := groups[g]
		slices.SortStableFunc(list, func(a, b control.RecordInfo) int { return b.Since.Compare(a.Since) })
		title := r.Cause(g)
		if list[0].Cause != "" && title != g {
			title += "  (" + g + ")"
		}
		rows = append(rows, ui.Row{ID: "\x00" + g, Heading: true, Cells: []ui.Cell{{Text: " " + r.num(len(list)) + "  " + ui.Clean(title), Style: st.Bold}}})
		for _, rec := range list {
			longest, flow = max(longest, ui.Width(name(rec.Key, rec.Label))), max(flow, ui.Width(ui.Clean(rec.Flow)))
			cells := []ui.Cell{{Text: name(rec.Key, rec.Label), Style: st.Bold}, {Text: ui.Clean(rec.Reason)}, {Text: ui.Ago(r.Words, now, rec.Since), Style: st.Muted, Rank: rec.Since.Unix()}, {Text: fmt.Sprint(rec.Attempts), Style: st.Muted, Rank: int64(rec.Attempts)}}
			if r.flow == "" {
				cells = slices.Insert(cells, 1, ui.Cell{Text: ui.Clean(rec.Flow), Style: st.Muted})
			}
			rows = append(rows, ui.Row{ID: id(rec), Cells: cells})
		}
	}
	r.table.Columns[0].Width = min(longest, 20)
	if r.flow == "" {
		r.table.Columns[1].Width = min(flow, 20)
	}
	r.table.SetRows(rows)
}

// selected is the chosen record.
func (r *Records) selected() (control.RecordInfo, bool) {
	i := slices.IndexFunc(r.lists[r.tab], func(rec control.RecordInfo) bool { return id(rec) == r.table.Selected() })
	if i < 0 {
		return control.RecordInfo{}, false
	}
	return r.lists[r.tab][i], true
}

// retried tells that a retry is over.
type retried struct{}

// Bindings implements ui.Page.
func (r *Records) Bindings() []ui.Binding {
	if b := r.search.bindings(r.Kit, "records", r.fill); b != nil {
		return b
	}
	rec, ok := r.selected()
	on := func(b ui.Binding) ui.Binding {
		if !ok {
			b.Disabled = func() string { return r.t("no record is chosen") }
		}
		return b
	}
	cycle := func(by int) func() tea.Cmd {
		return func() tea.Cmd { r.tab = (r.tab + by + len(recordTabs)) % len(recordTabs); r.fill(); return nil }
	}
	back := r.Bind("records", "tab_back", "", "The tab before", cycle(-1))
	all := r.Bind("records", "mark_all", "", "Choose all, or none", func() tea.Cmd { r.table.MarkAll(); return nil })
	back.Hidden, all.Hidden = true, true
	retry := r.Changing(on(r.Bind("records", "retry", "retry", "Take the chosen records up again, read afresh", func() tea.Cmd { return r.retry(rec) })))
	cause := r.Changing(on(r.Bind("records", "retry_cause", "retry cause", "Take all records with this cause up again", func() tea.Cmd { return r.retryCause(rec) })))
	decide := r.Changing(on(r.Bind("records", "decide", "decide", "Say yourself what is to become of this record", func() tea.Cmd { return push(NewDecide(r.Kit, rec)) })))
	if recordTabs[r.tab] == "watched" {
		why := func() string { return r.t("it waits for its status; nothing is wrong with it") }
		retry.Disabled, cause.Disabled, decide.Disabled = why, why, why
	} else if ok && !Decidable(rec.Cause) && decide.Disabled == nil {
		decide.Disabled = func() string {
			return r.t("there is nothing to decide: do what stands below the list, then retry")
		}
	}
	list := append(r.search.clear(r.Kit, r.fill),
		on(r.Bind("records", "story", "story", "Everything about this record: what came, what was done, what was answered", func() tea.Cmd { return push(NewStory(r.Kit, rec.Flow, rec.Key, rec.Label)) })),
		retry, decide, cause,
		on(r.Bind("records", "mark", "choose", "Choose this record for retry, or not", func() tea.Cmd { r.table.Mark(); return nil })),
		r.Bind("records", "tab", "tab", "Held, failed or watched records", cycle(1)),
		r.search.begin(r.Kit, "records"),
		on(r.Bind("records", "logs", "log", "What was done about this record, line by line", func() tea.Cmd { return r.Logs(control.LogsRequest{Flow: rec.Flow, Record: rec.Key}) })),
		back, all)
	return append(list, r.ListBindings(r.table)...)
}

// retry takes the marked records up again, or the selected one where none is marked.
func (r *Records) retry(rec control.RecordInfo) tea.Cmd {
	flows, keys := []string{rec.Flow}, []string{rec.Key}
	if len(r.table.Marked) > 0 {
		flows, keys = nil, nil
		for _, rec := range r.lists[r.tab] {
			if r.table.Marked[id(rec)] {
				keys = append(keys, rec.Key)
				if !slices.Contains(flows, rec.Flow) {
					flows = append(flows, rec.Flow)
				}
			}
		}
	}
	return r.Retry(control.RetryRequest{Flows: flows, Keys: keys}, func() tea.Msg { return retried{} })
}

func (r *Records) retryCause(rec control.RecordInfo) tea.Cmd {
	n := 0
	for _, other := range r.lists[r.tab] {
		if other.Cause == rec.Cause && other.Flow == rec.Flow {
			n++
		}
	}
	return func() tea.Msg {
		return ui.Ask{Title: r.t("Retry all of this cause?"), Text: r.t("%d records of %s are read afresh and tried again: %s.", n, rec.Flow, r.Cause(rec.Cause)), Yes: r.t("retry them"), YesKey: "y",
			Do: func() tea.Cmd {
				return r.Retry(control.RetryRequest{Flows: []string{rec.Flow}, Cause: rec.Cause}, func() tea.Msg { return retried{} })
			}}
	}
}

// View implements ui.Page.
func (r *Records) View(width, height int) string {
	st := r.Styles
	switch {
	case r.err != nil:
		return " " + st.Error.Render(ui.SymbolError+" "+r.t("The records could not be read.")) + "\n\n" + indent(ui.Wrap(r.ErrorText(r.err), max(width-2, 1)))
	case !r.loaded:
		return " " + st.Muted.Render(r.t("reading the records…"))
	}
	names := []string{r.t("held"), r.t("failed"), r.t("watched")}
	var tabs []string
	for i, n := range names {
		text := n + " " + r.num(len(r.lists[i]))
		if i == r.tab {
			tabs = append(tabs, st.Selected.Render("["+text+"]"))
		} else {
			tabs = append(tabs, st.Muted.Render(text))
		}
	}
	head := " " + strings.Join(tabs, "  ")
	if n := len(r.table.Marked); n > 0 {
		head = ui.Sides(head, st.Bold.Render(ui.SymbolMarked+" "+r.t("%d chosen", n))+" ", width)
	}
	if line := r.search.view(r.Kit, len(r.shown()), len(r.lists[r.tab]), width); line != "" {
		head += "\n" + line
	}
	r.table.Above = strings.Count(head, "\n") + 1
	rest := height - r.table.Above
	if r.table.Len() == 0 {
		text := r.t("Nothing waits here.")
		if r.search.input.Value() != "" {
			text = r.t("Nothing matches the filter.")
		}
		return head + "\n\n " + st.Good.Render(ui.SymbolGood) + " " + text
	}
	detail := r.detail(width - 2)
	room := min(len(detail), max(rest/3, 3))
	rows := min(r.table.Len()+1, max(rest-room-1, 1))
	out := head + "\n" + ui.Fit(r.table.View(st, width, rows), width, rows)
	if rest-rows-1 > 0 {
		out += "\n" + st.Border.Render(strings.Repeat("─", width)) + "\n" + indent(detail[:min(len(detail), rest-rows-1)])
	}
	return out
}

// detail is the whole reason of the selected record, and what to do.
func (r *Records) detail(width int) []string {
	rec, ok := r.selected()
	if !ok || width < 1 {
		return []string{""}
	}
	st := r.Styles
	out := ui.Wrap(ui.Clean(rec.Reason), width)
	if rec.Remedy != "" {
		for i, l := range ui.Wrap(r.t("What to do: %s", ui.Clean(r.Remedy(rec.Remedy))), width) {
			if i == 0 {
				l = st.Key.Render(l)
			}
			out = append(out, l)
		}
	}
	return append(out, st.Muted.Render(ui.Cut(r.t("key %s", ui.Clean(rec.Key))+" · "+r.t("since %s", ui.Moment(r.Now(), rec.Since))+" · "+r.t("%d tries", rec.Attempts), width)))
}
