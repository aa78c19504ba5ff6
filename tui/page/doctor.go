package page

import (
	"strings"

	tea "charm.land/bubbletea/v2"

	"github.com/pomost/pomost/host/control"
	"github.com/pomost/pomost/tui/ui"
)

// Doctor checks everything: this machine, the home, the daemon, each connection, each flow.
type Doctor struct {
	plain
	*Kit
	checking *task
	res      control.DoctorResult
	done     bool
	err      error
	top      int
	height   int
	length   int
}

// NewDoctor opens the check of everything and begins it.
func NewDoctor(k *Kit) *Doctor { return &Doctor{Kit: k} }

type diagnosed struct {
	task *task
	res  control.DoctorResult
	err  error
}

// Init implements ui.Page.
func (d *Doctor) Init() tea.Cmd {
	if d.done || d.checking != nil {
		return nil
	}
	return d.check()
}

func (d *Doctor) check() tea.Cmd {
	d.Close()
	t, ctx := d.begin()
	d.checking = t
	return func() tea.Msg {
		res, err := d.API.Doctor(ctx)
		return diagnosed{t, res, err}
	}
}

// Close ends a check that nobody waits for any more.
func (d *Doctor) Close() {
	if d.checking != nil {
		d.checking.cancel()
	}
}

// Title implements ui.Page.
func (d *Doctor) Title() string { return d.t("doctor") }

// Update implements ui.Page.
func (d *Doctor) Update(msg tea.Msg) tea.Cmd {
	if msg, ok := msg.(diagnosed); ok && msg.task == d.checking {
		d.checking.cancel()
		d.checking, d.done, d.res, d.err, d.top = nil, true, msg.res, msg.err, 0
	}
	return nil
}

// Bindings implements ui.Page.
func (d *Doctor) Bindings() []ui.Binding {
	move := func(action, help string, by func() int) ui.Binding {
		b := d.Bind("list", action, "", help, func() tea.Cmd {
			d.top = max(min(d.top+by(), d.length-d.height), 0)
			return nil
		})
		b.Hidden = true
		return b
	}
	return []ui.Binding{
		d.Bind("doctor", "again", "check again", "Check everything again", d.check),
		move("up", "One line up", func() int { return -1 }), move("down", "One line down", func() int { return 1 }),
		move("page_up", "One page up", func() int { return -d.height }), move("page_down", "One page down", func() int { return d.height }),
		move("top", "To the first line", func() int { return -d.length }), move("bottom", "To the last line", func() int { return d.length }),
	}
}

// View implements ui.Page.
func (d *Doctor) View(width, height int) string {
	st := d.Styles
	if d.checking != nil {
		return " " + d.checking.view(d.Kit, d.t("Everything is being checked."))
	}
	if d.err != nil {
		return " " + st.Error.Render(ui.SymbolError+" "+d.t("The check could not be finished.")) + "\n\n" + indent(ui.Wrap(d.ErrorText(d.err), max(width-2, 1)))
	}
	wrong, warnings := 0, 0
	for _, s := range d.res.Sections {
		for _, c := range s.Checks {
			switch {
			case !c.OK:
				wrong++
			case c.Warning:
				warnings++
			}
		}
	}
	head := st.Good.Render(ui.SymbolGood + " " + d.t("Everything is all right"))
	switch {
	case wrong > 0:
		head = st.Error.Render(ui.SymbolError + " " + d.t("%d things are wrong", wrong))
	case warnings > 0:
		head = st.Warning.Render(ui.SymbolWarning + " " + d.t("%d things to know", warnings))
	}
	out := []string{" " + head}
	for _, s := range d.res.Sections {
		out = append(out, "", " "+st.Bold.Render(ui.Clean(s.Title)))
		out = append(out, d.checkLines(s.Checks, width)...)
	}
	d.height, d.length = height, len(out)
	d.top = max(min(d.top, d.length-height), 0)
	out = out[d.top:min(d.top+height, len(out))]
	if more := d.length - d.top - height; more > 0 && height > 3 {
		out[height-1] = " " + st.Muted.Render("↓ "+d.t("%d more lines", more+1))
	}
	return strings.Join(out, "\n")
}
