package cli

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/pomost/pomost/host/control"
	"github.com/pomost/pomost/host/flow"
	"github.com/pomost/pomost/host/store"
)

// recordStatuses are the words of records --status.
var recordStatuses = []string{"held", "failed", "watched"}

func (a *app) recordsCommand() *cobra.Command {
	var req control.RecordsRequest
	cmd := &cobra.Command{
		Use: "records", Short: "Show the records that wait for a person, and why",
		Long: "Shows the records that are held or failed, with cause and remedy. Those that merely wait for a later status or a payment are\n" +
			"shown with --status watched.",
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if cmd.Flags().Changed("status") && !slices.Contains(recordStatuses, req.Status) {
				remedy := "statuses are: " + strings.Join(recordStatuses, ", ")
				if near := flow.Nearest(req.Status, recordStatuses); near != "" {
					remedy = "did you mean " + near + "?"
				}
				return usage("there is no status "+req.Status, remedy)
			}
			r, err := a.service().Records(a.ctx, req)
			if r.Records == nil {
				r.Records = []control.RecordInfo{}
			}
			return a.finish(r, err, control.ExitDone, func(w io.Writer) {
				if err == nil {
					a.recordsText(w, r.Records, req.Status)
				}
			})
		},
	}
	cmd.Flags().StringVar(&req.Status, "status", "", "only with this `STATUS`: held, failed or watched")
	cmd.Flags().StringVar(&req.Flow, "flow", "", "only of this `FLOW`")
	cmd.Flags().StringVar(&req.Cause, "cause", "", "only with this cause, `CODE`")
	cmd.Flags().StringArrayVar(&req.Keys, "record", nil, "only the record with this `KEY`; may be repeated")
	return cmd
}

// recordsText shows records by cause, each remedy once where it is the same for all.
func (a *app) recordsText(w io.Writer, records []control.RecordInfo, status string) {
	if len(records) == 0 {
		switch status {
		case "":
			fmt.Fprintln(w, "No record waits for anybody.")
		default:
			fmt.Fprintf(w, "No record is %s.\n", status)
		}
		return
	}
	type group struct{ flow, status, cause string }
	var order []group
	groups := map[group][]control.RecordInfo{}
	for _, r := range records {
		g := group{r.Flow, r.Status, r.Cause}
		if groups[g] == nil {
			order = append(order, g)
		}
		groups[g] = append(groups[g], r)
	}
	for i, g := range order {
		if i > 0 {
			fmt.Fprintln(w)
		}
		head := []string{cell(g.flow), g.status}
		if g.cause != "" {
			head = append(head, g.cause)
		}
		fmt.Fprintf(w, "%s · %s\n", strings.Join(head, " · "), plural(len(groups[g]), "record"))
		same := true
		for _, r := range groups[g] {
			same = same && r.Remedy == groups[g][0].Remedy
		}
		for _, r := range groups[g] {
			name, key := r.Label, "  ("+cell(r.Key)+")"
			if name == "" || name == r.Key {
				name, key = r.Key, ""
			}
			tries := ""
			if r.Attempts > 1 {
				tries = fmt.Sprintf(", %d attempts", r.Attempts)
			}
			fmt.Fprintf(w, "  %s%s  since %s%s\n    %s\n", cell(name), key, r.Since.Local().Format("2006-01-02 15:04"), tries, cell(r.Reason))
			if !same && r.Remedy != "" {
				fmt.Fprintf(w, "    → %s\n", cell(r.Remedy))
			}
		}
		if remedy := groups[g][0].Remedy; same && remedy != "" {
			fmt.Fprintf(w, "  → %s\n", cell(remedy))
		}
	}
	if status != "watched" {
		fmt.Fprintf(w, "\nAfter you did it: %s\n", a.hint("retry"))
	}
}

// logPage is how many log lines are read at a time, logPoll how often a follower looks for new ones.
const (
	logPage = 1000
	logPoll = 300 * time.Millisecond
)

func (a *app) logsCommand() *cobra.Command {
	var (
		filter store.LogFilter
		follow bool
		since  string
	)
	cmd := &cobra.Command{
		Use: "logs", Short: "Show every attempt, oldest first",
		Long: "Shows a line for each attempt at a record, and for each look at what became of it. With --output json one object a line.",
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if cmd.Flags().Changed("since") {
				t, err := parseSince(since, time.Now())
				if err != nil {
					return err
				}
				filter.Since = t
			}
			return a.logs(a.service(), filter, follow)
		},
	}
	cmd.Flags().BoolVarP(&follow, "follow", "f", false, "go on with new lines until interrupted")
	cmd.Flags().StringVar(&filter.Flow, "flow", "", "only of this `FLOW`")
	cmd.Flags().StringVar(&filter.Key, "record", "", "only of the record with this `KEY`")
	cmd.Flags().StringVar(&since, "since", "", "only since `T`: a time ago (90m, 2h, 7d), a date, or a moment (2026-11-23T08:00:00Z)")
	return cmd
}

func (a *app) logs(s *control.Service, f store.LogFilter, follow bool) error {
	f.Limit = logPage
	shown := false
	for {
		lines, err := s.Logs(a.ctx, f)
		if err != nil && (!follow || a.ctx.Err() == nil) { // an interrupt is how following ends
			return a.finish(nil, err, control.ExitDone, nil)
		}
		for _, l := range lines {
			f.After, shown = l.ID, true
			if a.output == outputJSON {
				err = a.jsonLine(l)
			} else {
				_, err = fmt.Fprintln(a.out, logText(l))
			}
			if err != nil { // nobody reads any more
				return exitError(control.ExitFailed)
			}
		}
		if len(lines) == logPage {
			continue
		}
		if !follow {
			if !shown && f.Key != "" && a.output == outputText {
				fmt.Fprintf(a.stderr, "nothing is known of a record with the key %s; `pomost records` shows the keys\n", f.Key)
			}
			return nil
		}
		timer := time.NewTimer(logPoll)
		select {
		case <-a.ctx.Done():
			timer.Stop()
			return nil
		case <-timer.C:
		}
	}
}

// logText is a log line for people.
func logText(l store.LogLine) string {
	parts := []string{l.Time.Local().Format("2006-01-02 15:04:05"), l.Flow}
	if l.Key != "" {
		parts = append(parts, l.Key)
	}
	what := strings.Join(strings.Fields(l.Action+" "+l.Object), " ")
	if what != "" {
		parts = append(parts, what)
	} else if l.Step != "" {
		parts = append(parts, l.Step)
	}
	outcome := l.Outcome
	if l.Result != "" {
		outcome += " " + l.Result
	}
	parts = append(parts, outcome)
	if l.Cause != "" {
		parts = append(parts, l.Cause)
	}
	if l.Message != "" {
		parts = append(parts, l.Message)
	}
	if l.Millis > 0 {
		parts = append(parts, fmt.Sprintf("%d ms", l.Millis))
	}
	return cell(strings.Join(parts, "  "))
}

// parseSince reads a moment: a time ago, a date (from midnight here), or a moment with its zone.
func parseSince(s string, now time.Time) (time.Time, error) {
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
	return time.Time{}, usage("--since "+s+" is no time", "write it as 90m, 7d, 2026-11-23 or 2026-11-23T08:00:00Z")
}
