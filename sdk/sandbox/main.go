package sandbox

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"
)

// The exit codes of Main.
const (
	exitOK     = 0
	exitFailed = 1
	exitUsage  = 2
)

// Main runs a connector's sandbox command; args are those after the word "sandbox". It prints Info as the first line of
// stdout and serves until SIGTERM or SIGINT comes, ctx ends or the parent process is gone; then it saves --state. It
// returns the exit code: 0 done, 2 wrong usage, 1 anything else.
func Main(ctx context.Context, sys System, args []string, stdout, stderr io.Writer) int {
	opts, err := parseFlags(sys, args, stderr)
	if errors.Is(err, flag.ErrHelp) {
		return exitOK
	}
	if err == nil {
		err = serve(ctx, sys, opts, stdout)
	}
	if err == nil {
		return exitOK
	}
	fmt.Fprintf(stderr, "%s sandbox: %v\n", sys.Name, err)
	var usage *UsageError
	if errors.As(err, &usage) {
		return exitUsage
	}
	return exitFailed
}

func serve(ctx context.Context, sys System, opts Options, stdout io.Writer) error {
	ctx, cancel := signal.NotifyContext(ctx, syscall.SIGTERM, os.Interrupt)
	defer cancel()
	run, err := Start(ctx, sys, opts)
	if err != nil {
		return err
	}
	line, err := json.Marshal(run.Info)
	if err == nil {
		_, err = stdout.Write(append(line, '\n'))
	}
	if err != nil {
		return errors.Join(fmt.Errorf("first line: %w", err), run.Close())
	}
	waitForEnd(ctx, os.Getppid)
	return run.Close()
}

// leastLive keeps a lively company from doing nothing else.
const leastLive = 100 * time.Millisecond

// parentPoll is how often it is looked whether the parent is still there.
const parentPoll = 500 * time.Millisecond

// waitForEnd returns when ctx ends or the parent process is another one than at the start: a sandbox must not outlive
// whoever started it, even if that was killed. One started by init has no parent to lose.
func waitForEnd(ctx context.Context, parent func() int) {
	first := parent()
	tick := time.NewTicker(parentPoll)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			if first > 1 && parent() != first {
				return
			}
		}
	}
}

func parseFlags(sys System, args []string, stderr io.Writer) (Options, error) {
	opts := Options{Set: map[string]string{}}
	var faultFile string
	fs := flag.NewFlagSet(sys.Name+" sandbox", flag.ContinueOnError)
	fs.SetOutput(io.Discard)
	fs.StringVar(&opts.Listen, "listen", "127.0.0.1:0", "`ADDR` to listen on")
	fs.StringVar(&opts.Data, "data", "none", "what the company holds: none, demo or `DIR`")
	fs.StringVar(&faultFile, "faults", "", "`FILE` with a JSON list of faults")
	fs.IntVar(&opts.Rate, "rate", 0, "calls a minute to one endpoint, `N`; 0 is the system's own limit, -1 none")
	fs.Func("set", "`KEY=VALUE` of the company, may be repeated", func(s string) error {
		k, v, ok := strings.Cut(s, "=")
		if !ok {
			return errors.New("must be KEY=VALUE")
		}
		opts.Set[strings.TrimSpace(k)] = strings.TrimSpace(v)
		return nil
	})
	fs.Func("redirect", "`URL` to which a consent may return, exactly; may be repeated; none: any loopback address", func(s string) error {
		opts.Redirects = append(opts.Redirects, s)
		return nil
	})
	fs.DurationVar(&opts.Live, "live", 0, "something new happens in the company every `DURATION`; 0 never")
	fs.StringVar(&opts.LogFile, "log", "", "`FILE` that gets one JSON object a call")
	fs.StringVar(&opts.StateFile, "state", "", "`FILE` that keeps the company and its tokens over restarts")
	err := fs.Parse(args)
	switch {
	case errors.Is(err, flag.ErrHelp):
		printHelp(stderr, sys, fs)
		return opts, err
	case err != nil:
		return opts, usagef("%s%s", err, flagHint(fs, args, err))
	case fs.NArg() > 0:
		return opts, usagef("unexpected argument %q", fs.Arg(0))
	}
	if opts.Live < 0 || opts.Live > 0 && opts.Live < leastLive {
		return opts, usagef("--live %s: must be at least %s", opts.Live, leastLive)
	}
	if opts.Data != "none" && opts.Data != "demo" {
		if st, err := os.Stat(opts.Data); err != nil || !st.IsDir() {
			return opts, usagef("--data %s: must be none, demo or a folder that exists", opts.Data)
		}
	}
	if faultFile != "" {
		if opts.Faults, err = readFaultFile(faultFile); err != nil {
			return opts, err
		}
	}
	return opts, nil
}

// flagHint names the flag that was probably meant.
func flagHint(fs *flag.FlagSet, args []string, err error) string {
	if !strings.Contains(err.Error(), "not defined") {
		return ""
	}
	var names []string
	fs.VisitAll(func(f *flag.Flag) { names = append(names, f.Name) })
	for _, a := range args {
		name, _, _ := strings.Cut(strings.TrimLeft(a, "-"), "=")
		if strings.HasPrefix(a, "-") && fs.Lookup(name) == nil {
			return fmt.Sprintf("; did you mean --%s?", nearest(name, names))
		}
	}
	return ""
}

func printHelp(w io.Writer, sys System, fs *flag.FlagSet) {
	fmt.Fprintf(w, "Runs the %s sandbox: an emulator of the system's API, on this machine.\n\nFlags:\n", sys.Name)
	fs.SetOutput(w)
	fs.PrintDefaults()
	fmt.Fprintln(w, "\nKeys of --set:")
	for _, s := range sys.Settings {
		fmt.Fprintf(w, "  %-18s %s (default %q", s.Key, s.Help, s.Default)
		if len(s.Values) > 0 {
			fmt.Fprintf(w, "; %s", strings.Join(s.Values, ", "))
		}
		fmt.Fprintln(w, ")")
	}
}
