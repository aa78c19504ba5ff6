// Package cli is the command line: each command asks the service of host/control and shows what it answers, as text for people
// or as one JSON value for scripts. It decides nothing itself.
package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"golang.org/x/term"

	"github.com/pomost/pomost/host/control"
	"github.com/pomost/pomost/host/flow"
	"github.com/pomost/pomost/host/home"
)

// Version is the program's version.
const Version = "0.1.0"

// The values of --output.
const (
	outputText = "text"
	outputJSON = "json"
)

// app is one call of the program.
type app struct {
	ctx    context.Context
	stdout io.Writer // as given: JSON and what a sandbox prints
	stderr io.Writer
	out    io.Writer // text for people: nothing in it can steer a terminal
	errs   io.Writer
	args   []string

	home, output, connectors string

	progress *progress
	local    *control.Service
	client   *control.Client
}

// exitError ends a command that has already shown what there is to show.
type exitError int

func (e exitError) Error() string { return fmt.Sprintf("exit code %d", int(e)) }

// Main runs the program with the arguments behind its name and returns the exit code. It stops gracefully when ctx ends. stdin is
// for commands that ask.
func Main(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	a := &app{ctx: ctx, stdout: stdout, stderr: stderr, out: cleanWriter{stdout}, errs: cleanWriter{stderr}, args: args, output: outputText}
	root := a.root()
	root.SetArgs(args)
	root.SetIn(stdin)
	root.SetOut(a.out)
	root.SetErr(a.errs)
	a.guessOutput(args)
	err := root.ExecuteContext(ctx)
	a.progress.end()
	if a.client != nil {
		_ = a.client.Close() // what it was asked is answered
	}
	var exit exitError
	switch {
	case err == nil:
		return control.ExitDone
	case errors.As(err, &exit):
		return int(exit)
	}
	err = a.finish(nil, err, control.ExitDone, nil)
	_ = errors.As(err, &exit)
	return int(exit)
}

// guessOutput finds --output before anything is parsed, so that a wrong flag beside it is told in the form that was asked for.
func (a *app) guessOutput(args []string) {
	for i, arg := range args {
		value, ok := strings.CutPrefix(arg, "--output=")
		if !ok && arg == "--output" && i+1 < len(args) {
			value = args[i+1]
		}
		if value == outputJSON {
			a.output = outputJSON
		}
	}
}

func (a *app) root() *cobra.Command {
	var version bool
	var look screens
	root := &cobra.Command{
		Use:   "pomost",
		Short: "Pomost carries orders between business systems, exactly and accountably.",
		Long: "Pomost carries orders between business systems, exactly and accountably.\n\n" +
			"Begin with `pomost demo`: it shows a year of orders travelling between two sandboxes.\n" +
			"Then write down what should travel, and `pomost apply -f FILE`, `pomost plan FLOW`, `pomost run FLOW`.\n" +
			"`pomost` alone opens the screens: they do all that the commands do, and ask what they need.",
		SilenceErrors: true, SilenceUsage: true,
		Args: cobra.ArbitraryArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			switch {
			case len(args) > 0:
				return unknownCommand(cmd, args[0])
			case version:
				return a.version()
			}
			return a.show(look, cmd.InOrStdin())
		},
		PersistentPreRunE: func(*cobra.Command, []string) error { return a.checkGlobals() },
	}
	root.Flags().BoolVar(&version, "version", false, "show the version of this program")
	look.flags(root.Flags())
	root.CompletionOptions.DisableDefaultCmd = true
	root.SetFlagErrorFunc(flagError)
	root.SetHelpCommand(a.helpCommand())
	root.SetHelpFunc(func(cmd *cobra.Command, _ []string) { _ = a.help(cmd) })
	f := root.PersistentFlags()
	f.StringVar(&a.home, "home", "", "keep the state in `DIR` (default POMOST_HOME, else the XDG state folder)")
	f.StringVar(&a.output, "output", a.output, "answer in this `FORM`: text or json")
	f.StringVar(&a.connectors, "connectors", "", "take the connectors' binaries from `DIR` (default: beside this program)")
	_ = f.MarkHidden("connectors")
	root.AddCommand(a.demoCommand(), a.sandboxCommand(), a.applyCommand(), a.planCommand(), a.runCommand(), a.recordsCommand(),
		a.retryCommand(), a.decideCommand(), a.connectionCommand(), a.doctorCommand(), a.exportCommand(), a.serveCommand(), a.pauseCommand(), a.resumeCommand(), a.logsCommand(), a.whyCommand(), a.pluginCommand(), a.functionCommand(), a.setupCommand(), a.versionCommand())
	root.InitDefaultHelpFlag()
	return root
}

func (a *app) checkGlobals() error {
	if a.output != outputText && a.output != outputJSON {
		given := a.output
		a.output = outputText
		return usage("--output "+given+" is not possible", "give text or json")
	}
	return nil
}

// service is the service in this process, for commands that a daemon has no part in.
func (a *app) service() *control.Service {
	if a.local == nil {
		a.progress = newProgress(a.stderr)
		a.local = control.New(control.Options{Home: a.home, Connectors: a.connectors, Command: strings.Join(append([]string{"pomost"}, a.args...), " "),
			Version: Version, Progress: a.progress.event})
	}
	return a.local
}

// api is what a command works with: the home's daemon where one answers, else the service in this process. Both do the same.
func (a *app) api() (control.API, error) {
	s := a.service()
	h, err := home.Open(a.home, home.Options{ReadOnly: true})
	if err != nil {
		return nil, err
	}
	d, ok := h.Daemon()
	if !ok {
		return s, nil
	}
	c, err := control.Dial(a.ctx, d.Socket, Version)
	if errors.Is(err, control.ErrNoDaemon) { // it was killed
		return s, nil
	}
	if err != nil {
		return nil, err
	}
	a.client = c
	return c, nil
}

// usage is a failure of what was typed.
func usage(message, remedy string) error {
	return flow.UsageErrors{{Message: message, Remedy: remedy}}
}

func unknownCommand(root *cobra.Command, word string) error {
	var names []string
	for _, c := range root.Commands() {
		if c.IsAvailableCommand() {
			names = append(names, c.Name())
		}
	}
	names = append(names, "help")
	remedy := "`pomost help` names the commands"
	if near := flow.Nearest(word, names); near != "" {
		remedy = "did you mean `" + root.CommandPath() + " " + near + "`?"
	}
	return usage("there is no command "+word, remedy)
}

// flagError says what is wrong with a flag, and which one was probably meant.
func flagError(cmd *cobra.Command, err error) error {
	message, remedy := err.Error(), "`"+cmd.CommandPath()+" --help` lists the flags"
	var missing *pflag.NotExistError
	if errors.As(err, &missing) {
		name := missing.GetSpecifiedName()
		message = "unknown flag --" + name
		if len(name) == 1 {
			message = "unknown flag -" + name
		}
		var names []string
		add := func(f *pflag.Flag) {
			if !f.Hidden {
				names = append(names, f.Name)
			}
		}
		cmd.Flags().VisitAll(add)
		cmd.InheritedFlags().VisitAll(add)
		if near := flow.Nearest(name, names); near != "" {
			remedy = "did you mean --" + near + "?"
		}
	}
	return usage(message, remedy)
}

// noArgs refuses arguments by a plain word.
func noArgs(cmd *cobra.Command, args []string) error {
	if len(args) > 0 {
		return usage("`"+cmd.CommandPath()+"` takes no argument "+args[0], "`"+cmd.CommandPath()+" --help` shows how it is used")
	}
	return nil
}

// hint is a command to type next, for the same home.
func (a *app) hint(command string) string {
	if a.home != "" {
		command += " --home " + quoteArg(a.home)
	}
	return "pomost " + command
}

func quoteArg(s string) string {
	if strings.ContainsAny(s, " \t'\"$&|;<>()*?`\\") {
		return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
	}
	return s
}

// help shows how a command is used.
func (a *app) help(cmd *cobra.Command) error {
	text := cmd.Long
	if text == "" {
		text = cmd.Short
	}
	text += "\n\n" + cmd.UsageString()
	if a.output == outputJSON {
		return a.finish(map[string]string{"help": text}, nil, control.ExitDone, nil)
	}
	fmt.Fprint(a.out, text)
	return nil
}

func (a *app) helpCommand() *cobra.Command {
	return &cobra.Command{
		Use: "help [COMMAND]", Short: "Show how a command is used",
		RunE: func(cmd *cobra.Command, args []string) error {
			target, rest, err := cmd.Root().Find(args)
			if err != nil || len(rest) > 0 || target == nil {
				return unknownCommand(cmd.Root(), strings.Join(args, " "))
			}
			target.InitDefaultHelpFlag()
			return a.help(target)
		},
	}
}

func (a *app) versionCommand() *cobra.Command {
	return &cobra.Command{
		Use: "version", Short: "Show the version of this program", Args: noArgs,
		RunE: func(*cobra.Command, []string) error {
			return a.version()
		},
	}
}

// isTerminal tells whether a writer is a terminal on which a line can be rewritten.
func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	return ok && term.IsTerminal(int(f.Fd())) && os.Getenv("TERM") != "dumb"
}

func (a *app) version() error {
	return a.finish(map[string]string{"version": Version}, nil, control.ExitDone, func(w io.Writer) { fmt.Fprintln(w, "pomost "+Version) })
}
