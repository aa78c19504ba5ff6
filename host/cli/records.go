package cli

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/pomost/pomost/host/control"
	"github.com/pomost/pomost/host/flow"
)

// recordStatuses are the words of records --status.
var recordStatuses = control.RecordStatuses

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
			api, err := a.api()
			if err != nil {
				return err
			}
			r, err := api.Records(a.ctx, req)
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
	cmd.Flags().StringVar(&req.Status, "status", "", "only with this `STATUS`: held, failed, watched or skipped")
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
		fmt.Fprintf(w, "%s · %s\n", strings.Join(head, " · "), control.Several(len(groups[g]), "record"))
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
