package tui

import (
	"reflect"
	"slices"
	"strings"
	"time"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/colorprofile"

	"github.com/pomost/pomost/tui/page"
	"github.com/pomost/pomost/tui/ui"
)

// How long a toast stays, how long a failure stays at least (then a key takes it away: nobody misses it by looking elsewhere), and the smallest window that shows anything.
const (
	toastTime   = 5 * time.Second
	failureTime = 3 * time.Second
	leastWidth  = 40
	leastHeight = 10
)

// model is the router.
type model struct {
	opts  Options
	theme ui.Theme
	kit   *page.Kit

	stack   []ui.Page
	overlay overlay
	status  ui.Status
	known   bool // a status has come

	toast   ui.Toast
	toasted time.Time // when it goes

	lastKey time.Time // when the last key came
	pressed string    // which one it was
	recent  []string  // titles of commands that the palette ran, newest first

	width, height int
	mouse         bool // ours; else the terminal's

	// beat comes every second; tests have no time that passes.
	beat func() tea.Cmd
}

// addressed is the message of a page's own command, on its way back to that page.
type addressed struct {
	page ui.Page
	msg  tea.Msg
}

// byKey is a question that a key asked for.
type byKey struct {
	ui.Ask
	key string
}

type tick time.Time

func (m *model) env() *ui.Env { return &m.kit.Env }

func (m *model) t(text string, args ...any) string { return m.kit.Words.T(text, args...) }

// Init opens the first page.
func (m *model) Init() tea.Cmd {
	cmds := []tea.Cmd{tea.RequestBackgroundColor, m.beat(), m.push(page.NewDashboard(m.kit))}
	if m.opts.Start != "" {
		cmds = append(cmds, m.push(page.NewFlow(m.kit, m.opts.Start)))
	}
	return tea.Batch(cmds...)
}

// everySecond keeps "3 min ago" true.
func everySecond() tea.Cmd {
	return tea.Tick(time.Second, func(t time.Time) tea.Msg { return tick(t) })
}

func (m *model) top() ui.Page {
	if len(m.stack) == 0 {
		return nil
	}
	return m.stack[len(m.stack)-1]
}

// close ends what pages own.
func (m *model) close() {
	for _, p := range m.stack {
		closePage(p)
	}
	m.stack = nil
}

func closePage(p ui.Page) {
	if c, ok := p.(ui.Closer); ok {
		c.Close()
	}
}

// show begins the page at the top, or takes it up again.
func (m *model) show(p ui.Page) tea.Cmd {
	cmd := p.Init()
	if m.known {
		cmd = tea.Batch(cmd, p.Update(m.status))
	}
	return route(p, cmd)
}

func (m *model) push(p ui.Page) tea.Cmd {
	m.stack = append(m.stack, p)
	return m.show(p)
}

func (m *model) pop() tea.Cmd {
	if len(m.stack) < 2 {
		return nil
	}
	closePage(m.top())
	m.stack = m.stack[:len(m.stack)-1]
	return m.show(m.top())
}

// Update handles what belongs to all pages, and hands the rest to where it belongs.
func (m *model) Update(msg tea.Msg) (tea.Model, tea.Cmd) { return m, m.update(msg) }

func (m *model) update(msg tea.Msg) tea.Cmd {
	switch msg := msg.(type) {
	case tea.WindowSizeMsg:
		m.width, m.height = msg.Width, msg.Height
		return nil
	case tea.BackgroundColorMsg:
		m.theme.Light = !msg.IsDark()
		return m.restyle()
	case tea.ColorProfileMsg:
		m.theme.Plain = m.theme.Plain || msg.Profile < colorprofile.ANSI
		m.theme.Basic = msg.Profile == colorprofile.ANSI
		return m.restyle()
	case tick:
		if m.toast.Text != "" && !m.toast.Failure && !m.kit.Now().Before(m.toasted) {
			m.toast = ui.Toast{}
		}
		return m.beat()
	case tea.KeyPressMsg:
		return m.key(msg)
	case tea.MouseWheelMsg:
		return m.wheel(msg.Button)
	case tea.MouseClickMsg:
		m.click(msg.Mouse())
		return nil
	case tea.PasteMsg:
		if m.overlay != nil {
			m.overlay.paste(msg.Content)
			return nil
		}
		return m.give(m.top(), msg)
	case ui.Status:
		m.status, m.known = msg, true
		return m.tell(msg)
	case lostMsg:
		m.status.Lost = msg.since
		return m.tell(m.status)
	case ui.Push:
		m.overlay = nil
		return m.push(msg.Page)
	case ui.Replace:
		if len(m.stack) > 0 {
			closePage(m.top())
			m.stack = m.stack[:len(m.stack)-1]
		}
		m.overlay = nil
		return m.push(msg.Page)
	case ui.Back:
		return m.pop()
	case ui.QuitAsked:
		return m.quit(m.pressed)
	case ui.Toast:
		m.toast = msg
		m.toasted = m.kit.Now().Add(toastTime)
		if msg.Failure {
			m.toasted = m.kit.Now().Add(failureTime)
		}
		return nil
	case byKey:
		q := newQuestion(m, msg.Ask, msg.key)
		// A question that was long in coming, or that other keys overtook, opens by itself as far as the person can tell.
		q.wait = q.wait || m.pressed != msg.key || m.kit.Now().Sub(m.lastKey) > grace
		m.overlay = q
		return nil
	case ui.Ask:
		m.overlay = newQuestion(m, msg, "")
		return nil
	case addressed:
		if !slices.Contains(m.stack, msg.page) {
			return nil // it was left meanwhile
		}
		return m.give(msg.page, msg.msg)
	}
	return m.give(m.top(), msg)
}

func (m *model) give(p ui.Page, msg tea.Msg) tea.Cmd {
	if p == nil || msg == nil {
		return nil
	}
	return route(p, p.Update(msg))
}

// tell gives a message to every page, also to those that are covered.
func (m *model) tell(msg tea.Msg) tea.Cmd {
	var cmds []tea.Cmd
	for _, p := range m.stack {
		cmds = append(cmds, m.give(p, msg))
	}
	return tea.Batch(cmds...)
}

func (m *model) restyle() tea.Cmd {
	m.kit.Styles = ui.NewStyles(m.theme)
	for _, p := range m.stack {
		if themed, ok := p.(ui.Themed); ok {
			themed.SetStyles(m.kit.Styles)
		}
	}
	return nil
}

// route makes sure that what a page's command answers comes back to that page, whichever page is in front by then. Messages of the
// program and of the router go their own way.
func route(p ui.Page, cmd tea.Cmd) tea.Cmd { return wrap(cmd, p, "") }

// wrap routes the messages of a command; key is the key that caused it, if one did.
func wrap(cmd tea.Cmd, p ui.Page, key string) tea.Cmd {
	if cmd == nil {
		return nil
	}
	return func() tea.Msg {
		msg := cmd()
		switch msg := msg.(type) {
		case nil:
			return nil
		case ui.Ask:
			return byKey{Ask: msg, key: key}
		case ui.Push, ui.Replace, ui.Back, ui.Toast, ui.QuitAsked, addressed, byKey:
			return msg
		}
		v := reflect.ValueOf(msg)
		if v.Kind() == reflect.Slice && v.Type().ConvertibleTo(commands) { // several at once, or one after the other
			out := reflect.MakeSlice(v.Type(), v.Len(), v.Len())
			for i := range v.Len() {
				if c, ok := v.Index(i).Interface().(tea.Cmd); ok {
					out.Index(i).Set(reflect.ValueOf(wrap(c, p, key)))
				}
			}
			return out.Interface()
		}
		if strings.HasPrefix(v.Type().PkgPath(), "charm.land/bubbletea") || p == nil {
			return msg
		}
		return addressed{page: p, msg: msg}
	}
}

var commands = reflect.TypeFor[[]tea.Cmd]()

// key finds what a key does: in a dialog, on the page, or everywhere.
func (m *model) key(k tea.KeyPressMsg) tea.Cmd {
	if k.Code == tea.KeyEscape && k.Mod == tea.ModAlt { // two presses in quick succession look like this
		k.Mod = 0
		return tea.Sequence(m.key(k), func() tea.Msg { return k })
	}
	if m.toast.Failure && !m.kit.Now().Before(m.toasted) {
		m.toast = ui.Toast{}
	}
	pressed := k.String()
	m.lastKey, m.pressed = m.kit.Now(), pressed
	if slices.Contains(m.env().Keys.Of("global", "quit"), pressed) {
		if q, ok := m.overlay.(*question); ok && q.quits {
			return tea.Quit // asked twice
		}
		return m.quit(pressed)
	}
	if m.overlay != nil {
		return m.overlay.key(m, k)
	}
	p := m.top()
	if p == nil {
		return nil
	}
	if !p.Typing() || command(pressed) {
		for _, b := range slices.Concat(p.Bindings(), m.globals()) {
			if slices.Contains(b.Keys, pressed) {
				return m.do(b, pressed)
			}
		}
	}
	return m.give(p, k)
}

// command tells that a key is no text for a field.
func command(key string) bool {
	return strings.HasPrefix(key, "ctrl+") || slices.Contains([]string{"esc", "tab", "shift+tab", "enter"}, key)
}

// do carries a binding out, or says why not.
func (m *model) do(b ui.Binding, key string) tea.Cmd {
	if b.Disabled != nil {
		if why := b.Disabled(); why != "" {
			return func() tea.Msg { return ui.Toast{Text: why} }
		}
	}
	if b.Do == nil {
		return nil
	}
	return wrap(b.Do(), m.top(), key)
}

// globals are the keys that work on every page.
func (m *model) globals() []ui.Binding {
	e := m.env()
	list := []ui.Binding{
		e.Bind("global", "help", "help", "What can be done here, and with which key", func() tea.Cmd { m.overlay = newHelp(m); return nil }),
		e.Bind("global", "palette", "find", "Find and do anything: type what you want", func() tea.Cmd { m.overlay = newPalette(m); return nil }),
	}
	if len(m.stack) > 1 {
		list = append(list, e.Bind("global", "back", "back", "One step back", m.back))
	}
	suspend := e.Bind("global", "suspend", "", "Leave for the shell; `fg` comes back", func() tea.Cmd { return tea.Suspend })
	quit := e.Bind("global", "quit", "", "Quit", func() tea.Cmd { return m.quit("") })
	mouse := e.Bind("global", "mouse", "mouse", "Use the mouse here, or leave it to the terminal for selecting text", m.toggleMouse)
	suspend.Hidden, quit.Hidden, mouse.Hidden = true, true, true
	return append(list, mouse, suspend, quit)
}

// back leaves the page, after a question where something would be lost.
func (m *model) back() tea.Cmd {
	lost := m.top().Leave()
	if lost == "" {
		return m.pop()
	}
	return func() tea.Msg {
		return ui.Ask{Title: m.t("Leave this page?"), Text: lost, Yes: m.t("leave"), YesKey: "y", Do: func() tea.Cmd { return func() tea.Msg { return ui.Back{} } }}
	}
}

// ending are the flows whose runs end with this program: none where a daemon has them.
func (m *model) ending() []string {
	if !m.opts.Hosted {
		return nil
	}
	ends := m.kit.Begun() // the state may not have told of them yet
	for _, f := range m.status.Flows {
		if f.Running != nil && !slices.Contains(ends, f.Name) {
			ends = append(ends, f.Name)
		}
	}
	return ends
}

// quit ends the program. Flows belong to the daemon; where this program is it, the person is told what ends with this window.
func (m *model) quit(key string) tea.Cmd {
	if !m.opts.Hosted {
		return tea.Quit
	}
	text := m.t("No daemon runs, so flows run only while this window is open. `pomost serve` keeps them running without it.")
	if m.opts.Demo {
		text = m.t("The demonstration ends with this window: its flows and both sandboxes stop.")
	}
	if ends := m.ending(); len(ends) > 0 {
		text += " " + m.t("Under way now: %s. It stops as soon as what was sent is answered; nothing is lost.", strings.Join(ends, ", "))
	}
	q := newQuestion(m, ui.Ask{Title: m.t("Quit?"), Text: text, Yes: m.t("quit"), YesKey: "y", Do: func() tea.Cmd { return tea.Quit }}, key)
	q.quits = true
	m.overlay = q
	return nil
}
