package setup

import (
	"context"
	"strings"
	"sync"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/ansi"

	"github.com/pomost/pomost/host/control"
	"github.com/pomost/pomost/tui/ui"
)

// consent leads a person to the system's own page and takes what that page leads back to.
type consent struct {
	env        ui.Env
	connection string
	done       func() tea.Cmd

	begun    control.AuthorizeResult
	input    ui.Input
	working  string // what is under way, "" for nothing
	err      error
	accepted bool

	// stop ends the listening for the browser; listening tells that it may be heard of.
	stop      context.CancelFunc
	listening bool
}

type begun struct {
	from   *consent
	result control.AuthorizeResult
	err    error
}

type consented struct {
	from   *consent
	result control.ConsentResult
	err    error
	heard  bool // the browser brought it, and nobody listens any more
}

func newConsent(env ui.Env, connection string, done func() tea.Cmd) *consent {
	return &consent{env: env, connection: connection, done: done}
}

func (c *consent) t(text string, args ...any) string { return c.env.Words.T(text, args...) }

// begin asks for the address at which the person consents.
func (c *consent) begin() tea.Cmd {
	c.close()
	c.working, c.err = c.t("asking for the address"), nil
	api, ctx, req := c.env.API, c.env.Ctx, control.AuthorizeRequest{Connection: c.connection}
	return func() tea.Msg {
		m := begun{from: c}
		m.result, m.err = api.Authorize(ctx, req)
		return m
	}
}

// close ends the listening. It may be called at any time.
func (c *consent) close() {
	if c.stop != nil {
		c.stop()
	}
	c.stop, c.listening = nil, false
}

// listen waits for the browser at the address that the system's page leads back to, where it is one of this machine, until close.
func (c *consent) listen() tea.Cmd {
	c.close()
	if !control.Local(c.begun.RedirectURL) {
		return nil
	}
	ctx, cancel := context.WithCancel(c.env.Ctx)
	c.stop, c.listening = cancel, true
	api, address, req := c.env.API, c.begun.RedirectURL, control.ConsentRequest{Connection: c.connection, State: c.begun.State}
	return func() tea.Msg {
		defer cancel()
		back, end, err := control.ListenBack(ctx, address)
		if err != nil { // another program has the port: it is pasted then
			return nil
		}
		defer end()
		select {
		case got := <-back:
			m := consented{from: c, heard: true}
			req.Answer = got.Address
			m.result, m.err = api.Consent(ctx, req)
			got.Reply <- m.err
			return m
		case <-ctx.Done():
			return nil
		}
	}
}

// finish hands over what the person pasted.
func (c *consent) finish() tea.Cmd {
	answer := strings.TrimSpace(c.input.Value())
	if c.working != "" || c.begun.URL == "" || answer == "" {
		return nil
	}
	c.working, c.err = c.t("trading it for access"), nil
	api, ctx := c.env.API, c.env.Ctx
	req := control.ConsentRequest{Connection: c.connection, State: c.begun.State, Answer: answer}
	return func() tea.Msg {
		m := consented{from: c}
		m.result, m.err = api.Consent(ctx, req)
		return m
	}
}

func (c *consent) update(msg tea.Msg) tea.Cmd {
	switch msg := msg.(type) {
	case begun:
		if msg.from == c {
			c.working, c.begun, c.err = "", msg.result, msg.err
			if msg.err == nil {
				return c.listen()
			}
		}
	case consented:
		if msg.from != c {
			return nil
		}
		c.working, c.err = "", msg.err
		if c.accepted {
			return nil // pasted, and brought by the browser too
		}
		if msg.err != nil {
			if msg.heard {
				return c.listen()
			}
			return nil
		}
		c.accepted = true
		c.close()
		text := msg.result.Message
		if text == "" {
			text = c.t("the consent is given")
		}
		return tea.Batch(func() tea.Msg { return ui.Toast{Text: ui.Clean(text)} }, c.done())
	case tea.PasteMsg:
		c.input.Insert(strings.Join(strings.Fields(msg.Content), "")) // a terminal may break a long address
		c.err = nil
	case tea.KeyPressMsg:
		if c.input.Key(msg) {
			c.err = nil
		}
	}
	return nil
}

func (c *consent) bindings() []ui.Binding {
	done := c.env.Changing(c.env.Bind("form", "enter", "done", "Hand over the address that the page led back to", c.finish))
	copied := c.env.Bind("setup", "copy", "copy address", "Copy the address to open", func() tea.Cmd {
		return tea.Batch(tea.SetClipboard(c.begun.URL), func() tea.Msg { return ui.Toast{Text: c.t("the address is copied: paste it into a browser")} })
	})
	copied.Disabled = func() string {
		if c.begun.URL == "" {
			return c.t("there is no address yet")
		}
		return ""
	}
	return []ui.Binding{done, copied, c.env.Bind("setup", "again", "new address", "Begin the consent afresh, with a new address", c.begin)}
}

// view draws the three steps of a consent.
func (c *consent) view(width int) []string {
	st := c.env.Styles
	room := max(width-3, 10)
	var out []string
	step := func(sign, text string) {
		for i, l := range ui.Wrap(text, room) {
			if i > 0 {
				sign = strings.Repeat(" ", ui.Width(sign))
			}
			out = append(out, st.Bold.Render(sign)+l)
		}
	}
	step("1  ", c.t("Open this address in a browser, on any machine:"))
	if c.begun.URL != "" {
		url := ui.Clean(c.begun.URL)
		for _, l := range strings.Split(ansi.Hardwrap(url, room, true), "\n") {
			out = append(out, "   "+ansi.SetHyperlink(url)+st.Key.Render(l)+ansi.ResetHyperlink())
		}
	}
	out = append(out, "")
	step("2  ", c.t("Sign in there, and allow Pomost to work for you."))
	out = append(out, "")
	if c.listening {
		step("3  ", c.t("The browser then comes back here by itself. Where it cannot, copy the address of the page that came last, and paste it here:"))
	} else {
		step("3  ", c.t("The browser then shows a page that may not load. Copy the address of that page, and paste it here:"))
	}
	out = append(out, "   "+c.input.View(st, room, true), "")
	switch {
	case c.working != "":
		out = append(out, "   "+st.Running.Render(ui.SymbolRunning+" "+c.working+" …"))
	case c.err != nil:
		for i, text := range errorText(c.env, c.err) {
			sign := ui.SymbolError + " "
			if i > 0 {
				sign = "  "
			}
			for _, l := range ui.Wrap(text, max(room-2, 8)) {
				out = append(out, "   "+st.Error.Render(sign)+l)
				sign = "  "
			}
		}
	case c.accepted:
		out = append(out, "   "+st.Good.Render(ui.SymbolGood+" "+c.t("the consent is given")))
	}
	return out
}

// ConsentPage authorises one connection.
type ConsentPage struct {
	consent *consent
	cancel  context.CancelFunc
	once    sync.Once
	text    scroller
}

var (
	_ ui.Page   = (*ConsentPage)(nil)
	_ ui.Closer = (*ConsentPage)(nil)
	_ ui.Themed = (*ConsentPage)(nil)
)

// NewConsent makes the page on which a person consents to a connection.
func NewConsent(env ui.Env, connection string) *ConsentPage {
	p := &ConsentPage{}
	env.Ctx, p.cancel = context.WithCancel(env.Ctx)
	p.consent = newConsent(env, connection, func() tea.Cmd { return func() tea.Msg { return ui.Back{} } })
	return p
}

// Init implements ui.Page.
func (p *ConsentPage) Init() (cmd tea.Cmd) {
	p.once.Do(func() { cmd = p.consent.begin() })
	return cmd
}

// Update implements ui.Page.
func (p *ConsentPage) Update(msg tea.Msg) tea.Cmd { return p.consent.update(msg) }

// View implements ui.Page.
func (p *ConsentPage) View(width, height int) string {
	lines := append([]string{p.consent.env.Styles.Title.Render(ui.Cut(p.consent.t("Consent for %s", ui.Clean(p.consent.connection)), width)), ""}, p.consent.view(width)...)
	return ui.Fit(strings.Join(p.text.cut(p.consent.env, lines, height), "\n"), width, height)
}

// Title implements ui.Page.
func (p *ConsentPage) Title() string {
	return p.consent.t("consent for %s", ui.Clean(p.consent.connection))
}

// Bindings implements ui.Page.
func (p *ConsentPage) Bindings() []ui.Binding { return p.consent.bindings() }

// Typing implements ui.Page.
func (p *ConsentPage) Typing() bool { return true }

// Leave implements ui.Page: the consent can be begun afresh at any time.
func (p *ConsentPage) Leave() string { return "" }

// Close implements ui.Closer.
func (p *ConsentPage) Close() {
	p.consent.close()
	p.cancel()
}

// SetStyles implements ui.Themed.
func (p *ConsentPage) SetStyles(s ui.Styles) { p.consent.env.Styles = s }
