package cli

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/pflag"
	"golang.org/x/term"

	"github.com/pomost/pomost/host/control"
	"github.com/pomost/pomost/host/home"
	"github.com/pomost/pomost/tui"
)

// screens are the flags of the terminal UI.
type screens struct {
	ascii, readOnly, mouse bool
	lang, start            string
}

func (s *screens) flags(f *pflag.FlagSet) {
	f.BoolVar(&s.ascii, "ascii", false, "draw with plain characters only")
	f.BoolVar(&s.readOnly, "read-only", false, "look only: refuse whatever would change something")
	f.BoolVar(&s.mouse, "mouse", false, "let the mouse scroll and choose; the terminal then selects text with Shift held")
	f.StringVar(&s.lang, "lang", "", "speak this `LANGUAGE`: en, pl or nl (default: that of LC_ALL or LANG)")
}

// show opens the screens on the home's daemon. Where none runs, this process is one for as long as they are open.
func (a *app) show(s screens, stdin io.Reader) error {
	if a.output == outputJSON || !onTerminal(stdin) || !onTerminal(a.stdout) {
		return usage("the screens need a terminal", "run `pomost` at one; `pomost help` names the commands that work everywhere")
	}
	h, err := home.Open(a.home, home.Options{})
	if err != nil {
		return err
	}
	// This service reports no progress of its own: the screens show it, and nothing else may write to the terminal.
	a.local = control.New(control.Options{Home: a.home, Connectors: a.connectors, Command: strings.Join(append([]string{"pomost"}, a.args...), " "), Version: Version})
	api, err := a.api()
	if err != nil {
		return err
	}
	opts := tui.Options{Lang: s.lang, ASCII: s.ascii, ReadOnly: s.readOnly, Mouse: s.mouse, Start: s.start, KeysFile: filepath.Join(h.Dir(), "keys.yaml"), Input: stdin, Output: a.stdout, Ending: a.ending}
	if a.client == nil && !s.readOnly { // whoever only looks starts nothing either
		end, err := a.host()
		if err != nil {
			return err
		}
		defer end()
		opts.Hosted = true
	}
	return tui.Run(a.ctx, api, opts)
}

// ending says which runs end with the screens, and are waited for.
func (a *app) ending(flows []string) {
	fmt.Fprintf(a.errs, "waiting for what is under way: %s\n", cell(strings.Join(flows, ", ")))
}

// host is a daemon in this process. It is ready when host returns; end stops it and waits for that.
func (a *app) host() (end func(), err error) {
	ctx, cancel := context.WithCancel(a.ctx)
	ready, done := make(chan struct{}), make(chan error, 1)
	go func() {
		done <- a.local.Serve(ctx, control.ServeOptions{Ready: func(control.Serving) { close(ready) }})
	}()
	select {
	case <-ready:
		return func() {
			cancel()
			if err := <-done; err != nil { // the screens are gone, and nothing else would tell it
				fmt.Fprintln(a.errs, "pomost: "+cell(err.Error()))
			}
		}, nil
	case err := <-done:
		cancel()
		if err == nil {
			err = ctx.Err()
		}
		return nil, err
	}
}

// onTerminal tells whether a stream is a terminal, however plain.
func onTerminal(stream any) bool {
	f, ok := stream.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}
