package form

import (
	"strings"

	"github.com/pomost/pomost/host/control"
	"github.com/pomost/pomost/tui/ui"
)

// pickerRows is how many options an open list shows at once.
const pickerRows = 8

// picker is an open list of options; what is typed filters it.
type picker struct {
	options []control.Option
	chosen  map[string]bool
	many    bool
	cell    *string // of a table, which the choice is for
	filter  ui.Input
	at      int
	top     int
}

func newPicker(options []control.Option, chosen map[string]bool, many bool) *picker {
	p := &picker{options: options, chosen: chosen, many: many}
	for i, o := range options {
		if chosen[o.Value] {
			p.at = i
			break
		}
	}
	return p
}

// shown are the options that match what is typed.
func (p *picker) shown() []control.Option {
	typed := strings.ToLower(strings.TrimSpace(p.filter.Value()))
	if typed == "" {
		return p.options
	}
	var out []control.Option
	for _, o := range p.options {
		if strings.Contains(strings.ToLower(o.Label+" "+o.Value+" "+o.Help), typed) {
			out = append(out, o)
		}
	}
	return out
}

func (p *picker) current() (string, bool) {
	shown := p.shown()
	if p.at < 0 || p.at >= len(shown) {
		return "", false
	}
	return shown[p.at].Value, true
}

func (p *picker) move(n int) { p.at = min(max(p.at+n, 0), max(len(p.shown())-1, 0)) }

func (p *picker) toggle() {
	if v, ok := p.current(); ok {
		if p.chosen[v] {
			delete(p.chosen, v)
		} else {
			p.chosen[v] = true
		}
	}
}

// view draws the list. The marked line's help stands below it.
func (p *picker) view(f *Form, width int) []string {
	st, shown := f.env.Styles, p.shown()
	var out []string
	if p.filter.Value() != "" {
		label := f.t("Filter:") + " "
		out = append(out, st.Muted.Render(label)+p.filter.View(st, max(min(width-ui.Width(label), 40), 1), true)+st.Muted.Render(" "+f.t("%d of %d", len(shown), len(p.options))))
	}
	if len(shown) == 0 {
		return append(out, st.Muted.Render(f.t("nothing matches")))
	}
	p.top = min(max(min(p.top, p.at), p.at-pickerRows+1), max(len(shown)-pickerRows, 0))
	if p.top > 0 {
		out = append(out, st.Muted.Render(f.t("↑ %d more", p.top)))
	}
	end := min(p.top+pickerRows, len(shown))
	for i, o := range shown[p.top:end] {
		mark := "( ) "
		if p.many {
			mark = "[ ] "
		}
		if p.chosen[o.Value] {
			mark = mark[:1] + "x" + mark[2:]
		}
		label := o.Label
		if label == "" {
			label = o.Value
		}
		line := ui.Cut(gutter(i+p.top == p.at)+mark+ui.Clean(label), width)
		if i+p.top == p.at {
			out = append(out, st.Selected.Render(ui.Pad(line, min(max(ui.Width(line)+1, 24), width))))
			for _, l := range ui.Wrap(ui.Clean(o.Help), max(width-5, 8)) {
				if l != "" {
					out = append(out, st.Muted.Render("     "+l))
				}
			}
			continue
		}
		out = append(out, line)
	}
	if end < len(shown) {
		out = append(out, st.Muted.Render(f.t("↓ %d more", len(shown)-end)))
	}
	return out
}
