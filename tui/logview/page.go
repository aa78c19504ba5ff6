// Package logview is the live log: it follows what the flows do, stands a flood, and finds the line that matters.
package logview

import (
	"context"
	"strings"
	"sync"
	"time"

	tea "charm.land/bubbletea/v2"

	"github.com/pomost/pomost/host/control"
	"github.com/pomost/pomost/tui/ui"
)

const (
	keep  = 10_000 // lines that the page keeps
	begin = 2_000  // newest lines that it begins with
	older = 5_000  // lines that one look into the store brings
)

// periods are how far back the log can be asked for, by the action's name; 0 is all there is.
var periods = []struct {
	action, Label, Help string
	length              time.Duration
}{
	{action: "since_all", Label: "all times", Help: "Show the log without a bound in time"},
	{action: "since_1m", Label: "last minute", Help: "Show the log of the last minute", length: time.Minute},
	{action: "since_5m", Label: "last 5 minutes", Help: "Show the log of the last 5 minutes", length: 5 * time.Minute},
	{action: "since_15m", Label: "last 15 minutes", Help: "Show the log of the last 15 minutes", length: 15 * time.Minute},
	{action: "since_1h", Label: "last hour", Help: "Show the log of the last hour", length: time.Hour},
}

// The ways to write a line's time.
const (
	timeLocal = iota
	timeAgo
	timeUTC
	timeForms
)

// Page is the live log.
type Page struct {
	// Story makes the page of a record's story; nil leaves the action out.
	Story func(flow, key string) ui.Page

	env  ui.Env
	req  control.LogsRequest
	pace pace

	buffer  *buffer
	stream  *stream
	readers sync.WaitGroup     // of this stream and those before it
	waits   context.CancelFunc // ends the command that waits for the stream
	// frozen takes nothing in; left is that newer lines had to go for older ones, so that following begins afresh.
	frozen, left bool
	period       int // index into periods
	form         int // of times
	wrap         bool

	// row is where the line that one stands on is drawn, counted from the top of the body; height is the body's.
	row, height int

	// input is what is being typed for asking: '/' or '&', 0 for nothing.
	input  ui.Input
	asking rune
	before ui.Filter // what held before typing began
	wrong  string    // why what is typed is no search

	details *details
	loading bool // older lines are on their way
	all     bool // the store has no earlier ones
	note    string
}

var (
	_ ui.Page   = (*Page)(nil)
	_ ui.Closer = (*Page)(nil)
	_ ui.Themed = (*Page)(nil)
)

// New makes the log of what the request selects.
func New(env ui.Env, req control.LogsRequest) *Page {
	if req.Last == 0 && req.Since.IsZero() {
		req.Last = begin
	}
	req.Follow, req.Payloads = true, false
	return &Page{env: env, req: req, pace: pace{frame, retryFirst, retryMost}, buffer: newBuffer(keep), height: 1}
}

func (p *Page) t(text string, args ...any) string { return p.env.Words.T(text, args...) }

// SetStyles implements ui.Themed.
func (p *Page) SetStyles(s ui.Styles) { p.env.Styles = s }

// Title implements ui.Page.
func (p *Page) Title() string {
	switch {
	case p.req.Record != "":
		return p.t("log of %s", ui.Clean(p.req.Record))
	case p.req.Flow != "":
		return p.t("log of %s", ui.Clean(p.req.Flow))
	}
	return p.t("log")
}

// Typing implements ui.Page.
func (p *Page) Typing() bool { return p.asking != 0 }

// Leave implements ui.Page: nothing is lost.
func (p *Page) Leave() string { return "" }

// Close implements ui.Closer: it ends the stream.
func (p *Page) Close() {
	p.stop()
	p.readers.Wait()
}

func (p *Page) stop() {
	if p.waits != nil {
		p.waits()
	}
	if p.stream != nil {
		p.stream.cancel()
	}
}

// Init implements ui.Page. The stream goes on while another page is in front; what came meanwhile is taken now.
func (p *Page) Init() tea.Cmd {
	if p.stream == nil {
		p.stream = open(p.env.Ctx, &p.readers, p.env.API, p.req, p.buffer.size, p.pace)
	}
	return p.wait()
}

func (p *Page) wait() tea.Cmd {
	if p.waits != nil {
		p.waits()
	}
	ctx, cancel := context.WithCancel(p.env.Ctx)
	p.waits = cancel
	return p.stream.wait(ctx)
}

// restart empties the page and reads the chosen period afresh.
func (p *Page) restart() tea.Cmd {
	p.stop()
	fresh := newBuffer(p.buffer.size)
	fresh.filter, fresh.search = p.buffer.filter, p.buffer.search
	p.buffer, p.frozen, p.left, p.loading, p.all, p.details = fresh, false, false, false, false, nil
	req := p.req
	if length := periods[p.period].length; length > 0 {
		req.Since, req.Last = p.env.Now().Add(-length), p.buffer.size
	}
	p.stream = open(p.env.Ctx, &p.readers, p.env.API, req, p.buffer.size, p.pace)
	return p.wait()
}

// taken moves what the stream has into the buffer.
func (p *Page) taken() {
	if p.frozen || p.left {
		return
	}
	entries, dropped := p.stream.take()
	p.buffer.dropped += dropped
	for _, e := range entries {
		p.buffer.push(e)
	}
}

// Update implements ui.Page.
func (p *Page) Update(msg tea.Msg) tea.Cmd {
	switch msg := msg.(type) {
	case arrived:
		if msg.from != p.stream {
			return nil
		}
		p.taken()
		return p.wait()
	case earlier:
		return p.loaded(msg)
	case detailed:
		p.details.take(msg)
	case tea.MouseWheelMsg:
		switch msg.Button {
		case tea.MouseWheelUp:
			return p.move(-3)
		case tea.MouseWheelDown:
			return p.move(3)
		}
	case tea.PasteMsg: // text for the search, and never keys
		if p.asking != 0 {
			p.input.Insert(msg.Content)
			p.typed()
		}
	case tea.KeyPressMsg:
		if p.asking != 0 && p.input.Key(msg) {
			p.typed()
		}
	}
	return nil
}

// move goes n lines down or up. The line stays on the screen's row as long as there is room to walk.
func (p *Page) move(n int) tea.Cmd {
	before := p.buffer.here()
	p.buffer.move(n)
	p.row += p.buffer.here() - before
	return p.moved()
}

// moved keeps the details with the line that one stands on.
func (p *Page) moved() tea.Cmd {
	p.note = ""
	p.row = min(max(p.row, 0), p.height-1)
	if p.details == nil {
		return nil
	}
	return p.look()
}

func (p *Page) end() tea.Cmd {
	if p.left {
		return p.restart()
	}
	p.frozen = false
	p.taken()
	p.buffer.toEnd()
	p.row = p.height - 1
	return p.moved()
}

func (p *Page) freeze() tea.Cmd {
	if p.left {
		return p.restart()
	}
	p.frozen = !p.frozen
	p.taken()
	return nil
}

// ask begins to type a search or a filter.
func (p *Page) ask(kind rune) tea.Cmd {
	p.asking, p.wrong, p.note = kind, "", ""
	p.before = p.buffer.search
	if kind == '&' {
		p.before = p.buffer.filter
	}
	p.input.Set(p.before.Text)
	return nil
}

// typed applies what is typed so far.
func (p *Page) typed() { p.apply(p.input.Value()) }

func (p *Page) apply(text string) {
	f, err := ui.ParseFilter(text, fields...)
	if err != nil {
		p.wrong = p.t("this is no regular expression yet")
		return
	}
	p.wrong = ""
	if p.asking == '&' {
		p.buffer.setFilter(f)
		return
	}
	p.buffer.setSearch(f)
}

// accept ends typing; a search goes to the nearest line above, as one looks back in a log.
func (p *Page) accept() tea.Cmd {
	kind := p.asking
	p.asking = 0
	if p.wrong != "" {
		p.restore(kind)
		return nil
	}
	if kind == '/' && len(p.buffer.found) > 0 && p.buffer.foundAt() == 0 {
		return p.next(-1)
	}
	return p.moved()
}

// restore puts back what held before typing began.
func (p *Page) restore(kind rune) {
	p.wrong = ""
	if kind == '&' {
		p.buffer.setFilter(p.before)
		return
	}
	p.buffer.setSearch(p.before)
}

// next goes to the next found line, upwards for a negative direction.
func (p *Page) next(direction int) tea.Cmd {
	return p.jumped(p.buffer.nextFound(direction), p.t("nothing is found"))
}

// nextBad goes to the next line in which something went wrong.
func (p *Page) nextBad(direction int) tea.Cmd {
	text := p.t("nothing went wrong below here")
	if direction < 0 {
		text = p.t("nothing went wrong above here")
	}
	return p.jumped(p.buffer.nextBad(direction), text)
}

func (p *Page) jumped(ok bool, otherwise string) tea.Cmd {
	if !ok {
		p.note = otherwise
		return nil
	}
	p.row = p.height / 2
	return p.moved()
}

// clear takes away what esc takes away first; it is bound only while there is something.
func (p *Page) clear() tea.Cmd {
	switch {
	case p.asking != 0:
		p.restore(p.asking)
		p.asking = 0
	case p.details != nil:
		p.details = nil
	case !p.buffer.search.Empty():
		p.buffer.setSearch(ui.Filter{})
	default:
		p.buffer.setFilter(ui.Filter{})
	}
	return nil
}

func (p *Page) clearable() bool {
	return p.asking != 0 || p.details != nil || !p.buffer.search.Empty() || !p.buffer.filter.Empty()
}

func (p *Page) since(period int) tea.Cmd {
	p.period = period
	p.row = p.height - 1
	return p.restart()
}

// earlier are older lines from the store.
type earlier struct {
	from    *stream
	entries []control.LogEntry
	err     error
}

// load asks the store for the lines before the first one.
func (p *Page) load() tea.Cmd {
	if p.buffer.len() == 0 || p.loading {
		return nil
	}
	p.loading = true
	first := p.buffer.line(p.buffer.first).LogEntry
	req := p.req
	req.Follow, req.Last, req.Until = false, older, first.Time.Add(time.Millisecond) // others may have come at the same time
	req.Since, req.After = time.Time{}, 0
	ctx, api, from := p.env.Ctx, p.env.API, p.stream
	return func() tea.Msg {
		m := earlier{from: from}
		m.err = api.Logs(ctx, req, func(e control.LogEntry) error {
			if e.ID < first.ID {
				m.entries = append(m.entries, e)
			}
			return nil
		})
		return m
	}
}

func (p *Page) loaded(m earlier) tea.Cmd {
	if m.from != p.stream { // it was asked before the page began afresh
		return nil
	}
	p.loading = false
	switch {
	case m.err != nil:
		return p.failed(m.err)
	case len(m.entries) == 0:
		p.note = p.t("there are no earlier lines")
		p.all = true
		return nil
	}
	if p.buffer.prepend(m.entries) > 0 {
		p.left = true
	}
	return p.moved()
}

func (p *Page) failed(err error) tea.Cmd {
	f := control.AsFailure(err)
	text := f.Error()
	if f.Remedy != "" {
		text += " " + ui.SymbolArrow + " " + p.env.Remedy(f.Remedy)
	}
	return func() tea.Msg { return ui.Toast{Text: ui.Clean(strings.TrimSpace(text)), Failure: true} }
}

// here is the entry that one stands on.
func (p *Page) here() (control.LogEntry, bool) {
	n, ok := p.buffer.current()
	if !ok {
		return control.LogEntry{}, false
	}
	return p.buffer.line(n).LogEntry, true
}

func (p *Page) story() tea.Cmd {
	e, ok := p.here()
	if !ok || p.Story == nil {
		return nil
	}
	page := p.Story(e.Flow, e.Key)
	return func() tea.Msg { return ui.Push{Page: page} }
}

// noStory tells why the line has no record to look at.
func (p *Page) noStory() string {
	if e, ok := p.here(); !ok || e.Key == "" {
		return p.t("this line is of no record")
	}
	return ""
}
