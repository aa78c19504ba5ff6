package cli

import (
	"fmt"
	"io"
	"strings"
	"sync"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/pomost/pomost/host/control"
	"github.com/pomost/pomost/tui"
)

func (a *app) demoCommand() *cobra.Command {
	headless := false
	cmd := &cobra.Command{
		Use: "demo", Short: "See a year of a webshop travel between two sandboxes",
		Long: "Starts both sandboxes with sample data on this machine, carries a year of a webshop's orders, customers, products and stock\n" +
			"between them, counts through both APIs what is there now, and stops all it started. Nothing leaves your machine.\n\n" +
			"At a terminal it then opens the screens on a live daemon, while new orders arrive in the shop, until you quit.",
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			s := a.service()
			var r control.DemoResult
			if stdin := cmd.InOrStdin(); headless || a.output == outputJSON || !onTerminal(stdin) || !onTerminal(a.stdout) {
				r = s.Demo(a.ctx)
			} else {
				r = s.DemoLive(a.ctx, func(_ control.DemoResult, played *control.Service) error { return a.watch(played, stdin) })
			}
			var err error
			if r.Error != nil {
				err = r.Error
			}
			v := r
			v.Error = nil // finish puts it beside the rest
			return a.finish(v, err, r.Exit(), func(w io.Writer) { a.demoText(w, r) })
		},
	}
	cmd.Flags().BoolVar(&headless, "headless", false, "show the result and stop, also on a terminal")
	return cmd
}

// watch opens the screens on a daemon that goes on with a demonstration, in this process.
func (a *app) watch(s *control.Service, stdin io.Reader) error {
	a.progress.end()
	a.local = s
	end, err := a.host()
	if err != nil {
		return err
	}
	defer end()
	return tui.Run(a.ctx, s, tui.Options{Hosted: true, Demo: true, Input: stdin, Output: a.stdout, Ending: a.ending})
}

// demoText shows what travelled, what did not and why, and what both systems say of it.
func (a *app) demoText(w io.Writer, r control.DemoResult) {
	a.demoRuns(w, r)
	if len(r.Held) > 0 {
		fmt.Fprintln(w, "\nHeld, each with the reason and what to do. One example for each cause:")
		for _, h := range r.Held {
			name := h.Example.Label
			if name == "" {
				name = h.Example.Key
			}
			fmt.Fprintf(w, "\n  %s · %s\n    %s: %s\n", h.Cause, control.Several(h.Count, "record"), cell(name), cell(h.Example.Reason))
			if h.Example.Remedy != "" {
				fmt.Fprintf(w, "    → %s\n", cell(h.Example.Remedy))
			}
		}
	}
	if len(r.Counts) == 0 {
		return
	}
	fmt.Fprintln(w, "\nWhat both systems now answer through their APIs:")
	fmt.Fprintln(w)
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, c := range r.Counts {
		var says []string
		if c.Expected != nil {
			says = append(says, "as the run says")
			switch {
			case c.Since > 0:
				says = append(says, fmt.Sprintf("%d came since", c.Since))
			case *c.Expected != c.Count:
				says[0] = fmt.Sprintf("the run says %d", *c.Expected)
			}
		}
		if c.Twice > 0 {
			says = append(says, fmt.Sprintf("%d of them twice", c.Twice))
		} else {
			says = append(says, "none twice")
		}
		fmt.Fprintf(tw, "  %s\t%d\t%s\t%s\n", c.System, c.Count, c.Title, strings.Join(says, ", "))
	}
	_ = tw.Flush()
	if r.Agree {
		fmt.Fprintln(w, "\nThe counts agree. All that was started is stopped again.")
	} else {
		fmt.Fprintln(w, "\nThe counts do not agree.")
	}
}

func (a *app) demoRuns(w io.Writer, r control.DemoResult) {
	for _, f := range r.Flows {
		if f.Run == "" {
			continue
		}
		fmt.Fprintf(w, "%s, %s in %.1f s\n\n", cell(f.Name), f.Status, f.Seconds)
		tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
		row := func(n int, what string) {
			if n > 0 {
				fmt.Fprintf(tw, "  %d\t %s\n", n, what)
			}
		}
		row(f.Read, "read")
		row(f.Created, "created")
		row(f.Updated, "updated")
		row(f.Unchanged, "unchanged")
		row(f.Skipped, "skipped: not wanted yet, and watched")
		row(f.Held, "held: a person must decide")
		row(f.Failed, "failed")
		_ = tw.Flush()
	}
}

func (a *app) sandboxCommand() *cobra.Command {
	return &cobra.Command{
		Use: "sandbox CONNECTOR [FLAGS...]", Short: "Run an emulator of a connector's system on this machine",
		Long: "Runs the sandbox that a connector ships with: its system's API, on this machine. The first line it prints is JSON and says\n" +
			"where it listens and which credentials it takes; it then serves until it is interrupted.\n\n" +
			"All flags behind the connector's name are the sandbox's: `pomost sandbox CONNECTOR --help` lists them.",
		DisableFlagParsing: true,
		RunE: func(cmd *cobra.Command, args []string) error {
			name, rest, help, err := a.sandboxArgs(args)
			if err != nil {
				return err
			}
			if err := a.checkGlobals(); err != nil {
				return err
			}
			if name == "" && help {
				return a.help(cmd)
			}
			s := a.service()
			if name == "" {
				remedy := "none is installed beside pomost"
				if known := s.Connectors(); len(known) > 0 {
					remedy = "connectors are: " + strings.Join(known, ", ")
				}
				return usage("no connector is named", remedy)
			}
			return a.sandbox(s, name, rest)
		},
	}
}

// sandboxArgs takes our own flags out of the arguments, wherever they stand; all others are the sandbox's.
func (a *app) sandboxArgs(args []string) (name string, rest []string, help bool, err error) {
	own := map[string]*string{"--home": &a.home, "--output": &a.output, "--connectors": &a.connectors}
	waiting := "" // the flag of ours whose value comes next
	for _, arg := range args {
		if waiting != "" {
			*own[waiting], waiting = arg, ""
			continue
		}
		flag, value, joined := strings.Cut(arg, "=")
		switch {
		case own[flag] != nil && joined:
			*own[flag] = value
		case own[flag] != nil:
			waiting = flag
		case name == "" && (arg == "--help" || arg == "-h"):
			help = true
		case name == "" && strings.HasPrefix(arg, "-"):
			return "", nil, false, usage("the connector's name comes before its flags", "pomost sandbox CONNECTOR "+arg+" …")
		case name == "":
			name = arg
		default:
			rest = append(rest, arg)
		}
	}
	if waiting != "" {
		return "", nil, false, usage("flag needs an argument: "+waiting, "`pomost sandbox --help` shows how it is used")
	}
	return name, rest, help, nil
}

func (a *app) sandbox(s *control.Service, name string, args []string) error {
	if a.output != outputJSON {
		code, err := s.Sandbox(a.ctx, name, args, a.stdout, a.stderr)
		return a.finish(nil, err, code, nil)
	}
	// Its first line is the one JSON value; where it ends before that, the error is.
	out, words := &countingWriter{w: a.stdout}, &tail{w: a.stderr}
	code, err := s.Sandbox(a.ctx, name, args, out, words)
	if err == nil && code != control.ExitDone {
		err = &control.Failure{Cause: "failed", Message: words.last()}
		if code == control.ExitUsage {
			err = usage(words.last(), "`pomost sandbox "+name+" --help` lists the flags")
		}
	}
	if out.n > 0 || err == nil {
		if code == control.ExitDone {
			return nil
		}
		return exitError(code)
	}
	return a.finish(nil, err, code, nil)
}

// countingWriter counts what goes through it. Each is used by one goroutine, and read after that has ended.
type countingWriter struct {
	w io.Writer
	n int
}

func (c *countingWriter) Write(p []byte) (int, error) {
	n, err := c.w.Write(p)
	c.n += n
	return n, err
}

// tail keeps the end of what goes through it.
type tail struct {
	w   io.Writer
	mu  sync.Mutex
	buf []byte
}

const tailBytes = 4 << 10

func (t *tail) Write(p []byte) (int, error) {
	t.mu.Lock()
	t.buf = append(t.buf, p...)
	if over := len(t.buf) - tailBytes; over > 0 {
		t.buf = append([]byte(nil), t.buf[over:]...)
	}
	t.mu.Unlock()
	return t.w.Write(p)
}

func (t *tail) last() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	lines := strings.Split(strings.TrimSpace(string(t.buf)), "\n")
	return lines[len(lines)-1]
}
