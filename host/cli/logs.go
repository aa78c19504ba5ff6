package cli

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/pomost/pomost/host/control"
)

func (a *app) logsCommand() *cobra.Command {
	var (
		req          control.LogsRequest
		since, until string
	)
	cmd := &cobra.Command{
		Use: "logs", Short: "Show every attempt, oldest first",
		Long: "Shows a line for each attempt at a record, and for each look at what became of it. With --output json one object a line.\n" +
			"With --payload also what came in, what was sent and what was answered, as far as it is still kept.",
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			now := time.Now()
			for _, bound := range []struct {
				flag, text string
				into       *time.Time
			}{{"since", since, &req.Since}, {"until", until, &req.Until}} {
				if !cmd.Flags().Changed(bound.flag) {
					continue
				}
				t, err := parseTime(bound.flag, bound.text, now)
				if err != nil {
					return err
				}
				*bound.into = t
			}
			if req.Last < 0 {
				return usage(fmt.Sprintf("--last %d is no number of lines", req.Last), "give a number from 1 on")
			}
			api, err := a.api()
			if err != nil {
				return err
			}
			return a.logs(api, req)
		},
	}
	f := cmd.Flags()
	f.BoolVarP(&req.Follow, "follow", "f", false, "go on with new lines until interrupted")
	f.StringVar(&req.Flow, "flow", "", "only of this `FLOW`")
	f.StringVar(&req.Record, "record", "", "only of the record with this `KEY`, or with this number as people know it")
	f.StringVar(&req.Cause, "cause", "", "only with this cause, `CODE`")
	f.StringVar(&req.Outcome, "outcome", "", "only with this outcome, `WORD`: created, held, refused, verified …")
	f.StringVar(&since, "since", "", "only since `T`: a time ago (90m, 2h, 7d), a date, or a moment (2026-11-23T08:00:00Z)")
	f.StringVar(&until, "until", "", "only before `T`, written like --since")
	f.IntVar(&req.Last, "last", 0, "only the last `N` lines")
	f.BoolVar(&req.Payloads, "payload", false, "show what came in, what was sent and what was answered beside each line")
	return cmd
}

// errNobodyReads ends a log whose reader has gone.
var errNobodyReads = errors.New("nobody reads any more")

// logReader is what logs asks.
type logReader interface {
	Logs(ctx context.Context, req control.LogsRequest, yield func(control.LogEntry) error) error
}

func (a *app) logs(s logReader, req control.LogsRequest) error {
	shown := false
	err := s.Logs(a.ctx, req, func(e control.LogEntry) (err error) {
		shown = true
		if a.output == outputJSON {
			err = a.jsonLine(e)
		} else {
			_, err = fmt.Fprint(a.out, logText(e))
		}
		if err != nil {
			return errNobodyReads
		}
		return nil
	})
	switch {
	case errors.Is(err, errNobodyReads):
		return exitError(control.ExitFailed)
	case err != nil && req.Follow && a.ctx.Err() != nil: // an interrupt is how following ends
		return nil //nolint:nilerr // as said
	case err != nil:
		return a.finish(nil, err, control.ExitDone, nil)
	}
	if !shown && req.Record != "" && !req.Follow && a.output == outputText {
		fmt.Fprintf(a.errs, "nothing is known of a record %s; `pomost records` shows the keys\n", req.Record)
	}
	return nil
}

// logText is a log line for people, with what is kept beside it.
func logText(e control.LogEntry) string {
	parts := []string{e.Time.Local().Format("2006-01-02 15:04:05"), e.Flow}
	switch {
	case e.Label != "" && e.Label != e.Key:
		parts = append(parts, e.Label+" ("+e.Key+")")
	case e.Key != "":
		parts = append(parts, e.Key)
	}
	parts = append(parts, attemptWords(e.Step, e.Action, e.Object, e.Outcome, e.Result, e.Cause, e.Message, e.Millis)...)
	var b strings.Builder
	b.WriteString(cell(strings.Join(parts, "  ")) + "\n")
	for _, p := range e.Payloads {
		cut := ""
		if p.Cut {
			cut = " … it was longer"
		}
		b.WriteString("    " + cell(p.Kind+" "+p.Object) + "  " + cell(string(p.Body)) + cut + "\n")
	}
	return b.String()
}

// attemptWords say what was done and what became of it.
func attemptWords(step, action, object, outcome, result, cause, message string, millis int64) []string {
	var parts []string
	if what := strings.Join(strings.Fields(action+" "+object), " "); what != "" {
		parts = append(parts, what)
	} else if step != "" {
		parts = append(parts, step)
	}
	if result != "" {
		outcome += " " + result
	}
	parts = append(parts, outcome)
	for _, more := range []string{cause, message} {
		if more != "" {
			parts = append(parts, more)
		}
	}
	if millis > 0 {
		parts = append(parts, fmt.Sprintf("%d ms", millis))
	}
	return parts
}

// parseTime reads the moment of a flag: a time ago, a date (from midnight here), or a moment with its zone.
func parseTime(flag, s string, now time.Time) (time.Time, error) {
	if days, ok := strings.CutSuffix(s, "d"); ok {
		if d, err := time.ParseDuration(days + "h"); err == nil && d >= 0 && d < 1_000_000*time.Hour {
			return now.Add(-24 * d), nil
		}
	}
	if d, err := time.ParseDuration(s); err == nil && d >= 0 {
		return now.Add(-d), nil
	}
	if t, err := time.ParseInLocation(time.DateOnly, s, now.Location()); err == nil {
		return t, nil
	}
	for _, form := range []string{time.RFC3339Nano, "2006-01-02T15:04:05", "2006-01-02 15:04:05", "2006-01-02 15:04"} {
		if t, err := time.ParseInLocation(form, s, now.Location()); err == nil {
			return t, nil
		}
	}
	return time.Time{}, usage("--"+flag+" "+s+" is no time", "write it as 90m, 7d, 2026-11-23 or 2026-11-23T08:00:00Z")
}
