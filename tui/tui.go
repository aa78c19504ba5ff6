// Package tui is the terminal UI: a client of the control API, whoever serves it. The router in this package owns the stack of pages, the
// keys that work everywhere, the dialogs and the watch of the daemon; each page is one file of package page.
package tui

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/colorprofile"

	"github.com/pomost/pomost/host/control"
	"github.com/pomost/pomost/tui/logview"
	"github.com/pomost/pomost/tui/page"
	"github.com/pomost/pomost/tui/setup"
	"github.com/pomost/pomost/tui/ui"
	"github.com/pomost/pomost/tui/words"
)

// Options say how the program looks and behaves.
type Options struct {
	// Lang is the language, as "pl" or as LANG has it; "" asks LC_ALL and LANG.
	Lang string
	// KeysFile holds keys of the person's own; "" and a file that is not there mean the ones that come with the program.
	KeysFile string
	// ASCII draws with plain characters only; TERM=dumb has the same effect.
	ASCII bool
	// ReadOnly refuses whatever would change something.
	ReadOnly bool
	// Mouse takes the mouse from the terminal from the beginning; a key does so later.
	Mouse bool
	// Hosted tells that no daemon runs and the flows run in this program: quitting ends what is under way, and says so.
	Hosted bool
	// Demo tells that what is seen is a demonstration, hosted by this program and gone with it.
	Demo bool
	// Start, when set, is a flow whose page is opened at once.
	Start string
	// Getenv reads the environment; nil is os.Getenv.
	Getenv func(string) string
	// Input and Output are the terminal; nil is the standard one.
	Input  io.Reader
	Output io.Writer
	// Ending, when set, is told which flows' runs end with a hosting program when the screens are gone.
	Ending func(flows []string)
	// Factory makes the pages of other packages.
	Factory page.Factory
}

// Run shows the screens until the person quits or ctx ends. It stops no flow.
func Run(ctx context.Context, api control.API, opts Options) error {
	if opts.Getenv == nil {
		opts.Getenv = os.Getenv
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	m, err := newModel(ctx, api, opts)
	if err != nil {
		return err
	}
	programOptions := []tea.ProgramOption{tea.WithContext(ctx), tea.WithFPS(30)}
	if opts.Input != nil {
		programOptions = append(programOptions, tea.WithInput(opts.Input))
	}
	if opts.Output != nil {
		programOptions = append(programOptions, tea.WithOutput(opts.Output))
	}
	if m.theme.Plain {
		programOptions = append(programOptions, tea.WithColorProfile(colorprofile.Ascii))
	}
	p := tea.NewProgram(m, programOptions...)
	watching := make(chan struct{})
	go func() {
		defer close(watching)
		watch(ctx, api, m.env().Now, p.Send)
	}()
	_, err = p.Run()
	ending := m.ending()
	cancel()
	m.close()
	<-watching
	if len(ending) > 0 && opts.Ending != nil {
		opts.Ending(ending)
	}
	m.kit.Wait()
	if errors.Is(err, tea.ErrInterrupted) || ctx.Err() != nil && errors.Is(err, tea.ErrProgramKilled) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("show the screens: %w", err)
	}
	return nil
}

func newModel(ctx context.Context, api control.API, opts Options) (*model, error) {
	said, err := words.New(opts.Lang, opts.Getenv("LC_ALL"), opts.Getenv("LC_MESSAGES"), opts.Getenv("LANG"))
	if err != nil {
		return nil, err
	}
	keys := ui.DefaultKeys()
	if opts.KeysFile != "" {
		if keys, err = ui.ReadKeys(opts.KeysFile); err != nil {
			return nil, err
		}
	}
	if opts.ReadOnly {
		api = ui.ReadOnlyAPI{API: api}
	}
	dumb := opts.Getenv("TERM") == "dumb"
	m := &model{opts: opts, mouse: opts.Mouse, beat: everySecond, theme: ui.Theme{Plain: opts.Getenv("NO_COLOR") != "" || dumb, ASCII: opts.ASCII || dumb}}
	m.kit = &page.Kit{Env: ui.Env{Ctx: ctx, API: api, Words: said, Keys: keys, ReadOnly: opts.ReadOnly, Hosted: opts.Hosted, Now: time.Now}, Factory: opts.Factory}
	m.kit.Styles = ui.NewStyles(m.theme)
	m.pages()
	return m, nil
}

// pages fills in the pages of other packages, where the options do not say otherwise.
func (m *model) pages() {
	f := &m.kit.Factory
	if f.Logs == nil {
		f.Logs = func(env ui.Env, req control.LogsRequest) ui.Page {
			p := logview.New(env, req)
			p.Story = func(flow, key string) ui.Page { return page.NewStory(m.kit, flow, key, "") }
			return p
		}
	}
	if f.Setup == nil {
		f.Setup = func(env ui.Env) ui.Page { return setup.New(env) }
	}
	if f.Settings == nil {
		f.Settings = func(env ui.Env, flow string) ui.Page { return setup.NewSettings(env, flow) }
	}
	if f.Consent == nil {
		f.Consent = func(env ui.Env, connection string) ui.Page { return setup.NewConsent(env, connection) }
	}
}

// The waits between attempts to reach the daemon again.
const (
	reconnectFirst = 250 * time.Millisecond
	reconnectMost  = 5 * time.Second
)

// watch sends the state of everything until ctx ends. While the daemon does not answer, it sends since when, and tries again.
func watch(ctx context.Context, api control.API, now func() time.Time, send func(tea.Msg)) {
	var lost time.Time
	wait := reconnectFirst
	for ctx.Err() == nil {
		err := api.Watch(ctx, func(s control.StatusResult) error {
			lost, wait = time.Time{}, reconnectFirst
			send(ui.Status{StatusResult: s})
			return nil
		})
		if ctx.Err() != nil {
			return
		}
		if lost.IsZero() {
			lost = now()
		}
		send(lostMsg{since: lost, err: err})
		timer := time.NewTimer(wait)
		select {
		case <-ctx.Done():
			timer.Stop()
			return
		case <-timer.C:
		}
		wait = min(2*wait, reconnectMost)
	}
}

// lostMsg tells that the daemon does not answer.
type lostMsg struct {
	since time.Time
	err   error
}
