package logview

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	tea "charm.land/bubbletea/v2"

	"github.com/pomost/pomost/host/control"
	"github.com/pomost/pomost/tui/ui"
)

// details is the pane with everything about one line.
type details struct {
	entry   control.LogEntry
	loading bool
	err     error
	top     int // first line that is drawn
	last    int // the last one that may be
}

// detailed brings the payloads of a line.
type detailed struct {
	id    int64
	entry control.LogEntry
	err   error
}

var (
	errFound = errors.New("found")
	errGone  = errors.New("the line is no longer in the store")
)

func (p *Page) openDetails() tea.Cmd {
	if _, ok := p.here(); !ok {
		return nil
	}
	if p.details != nil {
		p.details = nil
		return nil
	}
	p.buffer.pause() // else the line would run away
	return p.look()
}

// look asks for the payloads of the line that one stands on, unless they are there.
func (p *Page) look() tea.Cmd {
	e, ok := p.here()
	if !ok || p.details != nil && p.details.entry.ID == e.ID {
		return nil
	}
	p.details = &details{entry: e, loading: true}
	ctx, api := p.env.Ctx, p.env.API
	req := control.LogsRequest{Flow: e.Flow, Record: e.Key, After: e.ID - 1, Payloads: true, Since: e.Time, Until: e.Time.Add(1e9)}
	return func() tea.Msg {
		m := detailed{id: e.ID, err: errGone}
		err := api.Logs(ctx, req, func(full control.LogEntry) error {
			if full.ID == e.ID {
				m.entry, m.err = full, nil
			}
			return errFound // the first one is it, or it is gone
		})
		if err != nil && !errors.Is(err, errFound) {
			m.err = err
		}
		return m
	}
}

// take puts the payloads in; those of another line come too late.
func (d *details) take(m detailed) {
	if d == nil || d.entry.ID != m.id {
		return
	}
	d.loading, d.err = false, m.err
	if m.err == nil {
		d.entry = m.entry
	}
}

func (d *details) scroll(n int) { d.top = min(max(d.top+n, 0), d.last) }

// view draws the pane in exactly height lines of width cells.
func (d *details) view(p *Page, width, height int) []string {
	if height <= 0 {
		return nil
	}
	lines := d.lines(p, max(width-1, 1))
	d.last = max(len(lines)-(height-1), 0)
	d.top = min(d.top, d.last)
	head := p.t("line %d", int(d.entry.ID))
	if d.last > 0 {
		head += " · " + p.t("lines %d to %d of %d", d.top+1, min(d.top+height-1, len(lines)), len(lines))
	}
	out := make([]string, 0, height)
	out = append(out, p.env.Styles.Title.Render(ui.Pad(" "+head, width)))
	for _, l := range lines[d.top:min(d.top+height-1, len(lines))] {
		out = append(out, ui.Pad(" "+l, width))
	}
	for len(out) < height {
		out = append(out, strings.Repeat(" ", width))
	}
	return out
}

// payloadKind is what a kind of payload is called.
func (p *Page) payloadKind(kind string) string {
	switch kind {
	case "in":
		return p.t("what came in")
	case "out":
		return p.t("what was sent")
	case "answer":
		return p.t("what was answered")
	case "exchange":
		return p.t("the call and its answer")
	}
	return kind
}

func (d *details) lines(p *Page, width int) []string {
	e, st := &d.entry, p.env.Styles
	var out []string
	add := func(label, value string) {
		if value == "" {
			return
		}
		const column = 10
		label = ui.Pad(label, column)
		for i, l := range ui.Wrap(ui.Clean(value), max(width-column, 8)) {
			if i > 0 {
				label = strings.Repeat(" ", column)
			}
			out = append(out, st.Muted.Render(label)+l)
		}
	}
	add(p.t("time"), e.Time.In(p.env.Now().Location()).Format("2006-01-02 15:04:05.000 MST"))
	add(p.t("flow"), e.Flow)
	add(p.t("run"), e.Run)
	add(p.t("record"), strings.TrimSpace(e.Label+" "+inBrackets(e.Key, e.Label)))
	add(p.t("step"), strings.TrimSpace(e.Step+" "+e.Action+" "+e.Object))
	add(p.t("outcome"), strings.TrimSpace(e.Outcome+" "+e.Result))
	add(p.t("cause"), e.Cause)
	add(p.t("message"), e.Message)
	if e.Millis > 0 {
		add(p.t("took"), fmt.Sprintf("%d ms", e.Millis))
	}
	switch {
	case d.loading:
		out = append(out, "", p.t("asking for what was sent and answered …"))
	case d.err != nil:
		out = append(out, "")
		for _, l := range ui.Wrap(ui.Clean(control.AsFailure(d.err).Error()), width) {
			out = append(out, st.Error.Render(l))
		}
	case len(e.Payloads) == 0:
		out = append(out, "", st.Muted.Render(p.t("nothing is kept of what was sent and answered")))
	}
	for _, load := range e.Payloads {
		name := p.payloadKind(load.Kind)
		if load.Object != "" {
			name += " · " + load.Object
		}
		out = append(out, "", st.Bold.Render(ui.Cut(ui.Clean(name), width)))
		for _, l := range pretty(load.Body) {
			out = append(out, ui.Wrap(ui.Clean(l), width)...)
		}
		if load.Cut {
			out = append(out, st.Warning.Render(ui.Cut(p.t("… it was longer; no more is kept"), width)))
		}
	}
	return out
}

func inBrackets(key, label string) string {
	if key == "" || key == label {
		return ""
	}
	if label == "" {
		return key
	}
	return "(" + key + ")"
}

// pretty writes JSON on several lines; what is none stays as it is.
func pretty(body []byte) []string {
	var b bytes.Buffer
	if json.Indent(&b, body, "", "  ") != nil {
		b.Reset()
		b.Write(body)
	}
	return strings.Split(b.String(), "\n")
}
