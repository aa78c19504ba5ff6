package page

import (
	"slices"
	"strings"

	tea "charm.land/bubbletea/v2"

	"github.com/pomost/pomost/host/control"
	"github.com/pomost/pomost/tui/ui"
)

// Decide asks a person what is to become of a held record, and says what each answer leads to.
type Decide struct {
	*Kit
	record  control.RecordInfo
	choices []choice
	at      int // of choices
	focus   int // 0 the choices, 1 the number, 2 the note
	result  ui.Input
	note    ui.Input
}

// choice is one answer. asks is the question for the number that it needs, "" for none.
type choice struct{ decision, text, asks string }

// Decidable tells whether a record with this cause is for a person to decide; the others are put right elsewhere and retried.
func Decidable(cause string) bool {
	return cause == "unknown_outcome" || cause == "match_ambiguous"
}

// NewDecide opens the question of one record.
func NewDecide(k *Kit, rec control.RecordInfo) *Decide {
	d := &Decide{Kit: k, record: rec}
	skip := choice{"skip", k.t("Leave it out"), ""}
	if rec.Cause == "match_ambiguous" {
		d.choices = []choice{{"link", k.t("It belongs to a record that I name"), k.t("The number of that record in the destination")}, skip}
	} else {
		d.choices = []choice{
			{"sent", k.t("I looked: it is there"), k.t("Its number in the destination")},
			{"absent", k.t("I looked: it is not there"), ""},
			skip,
		}
	}
	return d
}

// Init implements ui.Page.
func (d *Decide) Init() tea.Cmd { return nil }

// Title implements ui.Page.
func (d *Decide) Title() string {
	return d.t("decide on %s", ui.Clean(name(d.record.Key, d.record.Label)))
}

// Typing implements ui.Page.
func (d *Decide) Typing() bool { return d.focus > 0 }

// Leave implements ui.Page.
func (d *Decide) Leave() string { return "" }

// Update implements ui.Page.
func (d *Decide) Update(msg tea.Msg) tea.Cmd {
	switch msg := msg.(type) {
	case tea.KeyPressMsg:
		switch {
		case d.focus == 1 && msg.String() != "up" && msg.String() != "down":
			d.result.Key(msg)
		case d.focus == 2 && msg.String() != "up" && msg.String() != "down":
			d.note.Key(msg)
		case msg.String() == "up":
			d.next(-1)
		case msg.String() == "down":
			d.next(1)
		}
	case tea.PasteMsg:
		switch d.focus {
		case 1:
			d.result.Insert(msg.Content)
		case 2:
			d.note.Insert(msg.Content)
		}
	}
	return nil
}

// next goes to the next field.
func (d *Decide) next(by int) tea.Cmd {
	fields := []int{0, 2}
	if d.choices[d.at].asks != "" {
		fields = []int{0, 1, 2}
	}
	i := slices.Index(fields, d.focus)
	d.focus = fields[(i+by+len(fields))%len(fields)]
	return nil
}

// Bindings implements ui.Page.
func (d *Decide) Bindings() []ui.Binding {
	list := []ui.Binding{
		d.Changing(d.Bind("decide", "perform", "decide", "Do what is chosen here", d.ask)),
		{Keys: []string{"tab"}, Label: "next field", Help: "To the next field", Do: func() tea.Cmd { return d.next(1) }},
		{Keys: []string{"shift+tab"}, Help: "To the field before", Hidden: true, Do: func() tea.Cmd { return d.next(-1) }},
	}
	if d.focus > 0 {
		return list
	}
	move := func(action, help string, by int) ui.Binding {
		b := d.Bind("list", action, "", help, func() tea.Cmd {
			d.at = min(max(d.at+by, 0), len(d.choices)-1)
			return nil
		})
		b.Hidden = true
		return b
	}
	return append(list, move("up", "One line up", -1), move("down", "One line down", 1))
}

// ask says once more what follows, and decides.
func (d *Decide) ask() tea.Cmd {
	c := d.choices[d.at]
	result := strings.TrimSpace(d.result.Value())
	if c.asks != "" && result == "" {
		d.focus = 1
		return d.toast(d.t("Say which one: type its number first."))
	}
	if c.asks == "" {
		result = ""
	}
	req := control.DecideRequest{Flow: d.record.Flow, Key: d.record.Key, Decision: c.decision, Result: result, Note: strings.TrimSpace(d.note.Value())}
	return func() tea.Msg {
		text := d.consequence(c.decision)
		if result != "" {
			text = result + ": " + text
		}
		return ui.Ask{Title: c.text + "?", Text: text, Yes: d.t("yes, that is so"), YesKey: "y", Do: func() tea.Cmd {
			return func() tea.Msg {
				res, err := d.API.Decide(d.Ctx, req)
				if err != nil {
					return ui.Toast{Text: d.ErrorText(err), Failure: true}
				}
				return tea.Sequence(func() tea.Msg { return ui.Toast{Text: ui.Clean(res.Message)} }, func() tea.Msg { return ui.Back{} })()
			}
		}}
	}
}

// View implements ui.Page.
func (d *Decide) View(width, height int) string {
	st := d.Styles
	inner := max(width-2, 1)
	var out []string
	here, until := 0, 0 // the lines that must be seen
	for _, l := range ui.Wrap(ui.Clean(d.record.Reason), inner) {
		out = append(out, st.Bold.Render(l))
	}
	if d.record.Remedy != "" {
		out = append(out, ui.Wrap(ui.Clean(d.Remedy(d.record.Remedy)), inner)...)
	}
	out = append(out, "")
	for i, c := range d.choices {
		mark := "( ) "
		if i == d.at {
			mark = "(" + ui.SymbolMarked + ") "
		}
		line := mark + c.text
		if i == d.at {
			here = len(out)
		}
		if i == d.at && d.focus == 0 {
			line = st.Selected.Render(ui.Pad(line, inner))
		}
		out = append(out, line)
		for _, l := range ui.Wrap(d.consequence(c.decision), max(inner-4, 1)) {
			out = append(out, "    "+st.Muted.Render(l))
		}
		if i == d.at {
			until = len(out)
		}
	}
	field := func(focus int, label string, input *ui.Input, width int) {
		out = append(out, "", label, st.Key.Render(ui.SymbolCrumb)+" "+input.View(st, max(min(inner-2, width), 1), d.focus == focus))
		if d.focus == focus {
			here, until = len(out)-2, len(out)
		}
	}
	if asks := d.choices[d.at].asks; asks != "" {
		field(1, asks, &d.result, 40)
	}
	field(2, d.t("A note for whoever reads this later (may stay empty)"), &d.note, 60)
	top := min(max(until-height, 0), here)
	return indent(out[top:])
}
