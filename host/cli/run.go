package cli

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/pomost/pomost/host/control"
	"github.com/pomost/pomost/host/engine"
)

func (a *app) runCommand() *cobra.Command {
	var plan string
	cmd := &cobra.Command{
		Use: "run FLOW... | run --plan ID", Short: "Run flows once, until now",
		Long: "Runs flows once, one after the other, until now, and waits for them.\n\n" +
			"With --plan exactly what a plan says is done; a record that is no longer as planned is refused.",
		RunE: func(cmd *cobra.Command, args []string) error {
			s, err := a.api()
			if err != nil {
				return err
			}
			switch {
			case plan != "" && len(args) > 0:
				return usage("--plan runs the flow of the plan, beside it no flow can be named", "leave out "+strings.Join(args, " "))
			case plan != "":
				return a.showRun(s.RunPlan(a.ctx, plan, a.progress.event))
			case cmd.Flags().Changed("plan"):
				return usage("--plan needs the ID of a plan", "`pomost plan FLOW` makes one and tells its ID")
			case len(args) == 0:
				return a.nameFlows(s, control.RunResult{Flows: []control.FlowResult{}})
			}
			return a.showRun(s.Run(a.ctx, unique(args), a.progress.event))
		},
	}
	cmd.Flags().StringVar(&plan, "plan", "", "perform exactly the plan with this `ID`")
	return cmd
}

// nameFlows says which flows there are to someone who named none; answer is the command's empty one.
func (a *app) nameFlows(s control.API, answer any) error {
	st, err := s.Status(a.ctx)
	if err != nil {
		return a.finish(answer, err, control.ExitUsage, nil)
	}
	var names []string
	for _, f := range st.Flows {
		names = append(names, f.Name)
	}
	remedy := "there is none yet: apply a file that has one"
	if len(names) > 0 {
		remedy = "flows are: " + strings.Join(names, ", ")
	}
	return a.finish(answer, usage("no flow is named", remedy), control.ExitUsage, nil)
}

func unique(args []string) []string {
	seen := map[string]bool{}
	var out []string
	for _, s := range args {
		if !seen[s] {
			out = append(out, s)
		}
		seen[s] = true
	}
	return out
}

func (a *app) retryCommand() *cobra.Command {
	var req control.RetryRequest
	cmd := &cobra.Command{
		Use: "retry [FLOW...]", Short: "Take held and failed records up again",
		Long: "Reads held and failed records afresh and takes them up again: all of them, those of some flows, or chosen ones.",
		RunE: func(_ *cobra.Command, args []string) error {
			req.Flows = unique(args)
			api, err := a.api()
			if err != nil {
				return err
			}
			return a.showRun(api.Retry(a.ctx, req, a.progress.event))
		},
	}
	cmd.Flags().StringArrayVar(&req.Keys, "record", nil, "only the record with this `KEY`; may be repeated")
	cmd.Flags().StringVar(&req.Cause, "cause", "", "only with this cause, `CODE`")
	return cmd
}

// showRun shows what runs did.
func (a *app) showRun(r control.RunResult) error {
	var err error
	if r.Error != nil {
		err = r.Error
	}
	v := r
	v.Error = nil // finish puts it beside the flows
	return a.finish(v, err, r.Exit(), func(w io.Writer) { a.runText(w, r) })
}

func (a *app) runText(w io.Writer, r control.RunResult) {
	shown := 0
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, f := range r.Flows {
		if f.Run == "" && f.Read == 0 { // it did not begin; the error says why
			continue
		}
		if shown++; shown == 1 {
			fmt.Fprintln(tw, "FLOW\tSTATUS\tREAD\tCREATED\tUPDATED\tUNCHANGED\tSKIPPED\tHELD\tFAILED\tSECONDS")
		}
		fmt.Fprintf(tw, "%s\t%s\t%d\t%d\t%d\t%d\t%d\t%d\t%d\t%.1f\n", cell(f.Name), f.Status, f.Read, f.Created, f.Updated, f.Unchanged, f.Skipped, f.Held, f.Failed, f.Seconds)
	}
	_ = tw.Flush()
	held, failed := 0, 0
	for _, f := range r.Flows {
		held, failed = held+f.Held, failed+f.Failed
	}
	if held > 0 {
		fmt.Fprintf(w, "\n%s held, each for a person to decide\n  → %s\n", verb(held), a.hint("records --status held"))
	}
	if failed > 0 {
		fmt.Fprintf(w, "\n%s failed\n  → %s\n", control.Several(failed, "record"), a.hint("records --status failed"))
	}
}

func verb(n int) string {
	if n == 1 {
		return "1 record is"
	}
	return fmt.Sprintf("%d records are", n)
}

func (a *app) planCommand() *cobra.Command {
	return &cobra.Command{
		Use: "plan FLOW", Short: "Show what a run would do, record by record, and write nothing",
		RunE: func(_ *cobra.Command, args []string) error {
			s, err := a.api()
			if err != nil {
				return err
			}
			switch {
			case len(args) == 0:
				return a.nameFlows(s, control.PlanResult{Actions: []engine.Planned{}})
			case len(args) > 1:
				return usage("a plan is of one flow", "make one plan after the other")
			}
			p, err := s.Plan(a.ctx, args[0], a.progress.event)
			if p.Actions == nil {
				p.Actions = []engine.Planned{}
			}
			return a.finish(p, err, control.ExitDone, func(w io.Writer) {
				if err == nil {
					a.planText(w, p)
				}
			})
		},
	}
}

// planText shows a plan: what is created by its name, what is updated field by field, what is held with the reason.
func (a *app) planText(w io.Writer, p control.PlanResult) {
	counts := map[string]int{}
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, act := range p.Actions {
		counts[act.Action]++
		name := act.Label
		if name == "" {
			name = act.Key
		}
		reason := act.Reason
		if act.Cause != "" {
			reason = act.Cause + ": " + reason
		}
		fmt.Fprintf(tw, "%s\t%s\t%s\t%s\n", act.Action, cell(name), act.Object, cell(reason))
		if act.Action == "update" {
			for _, c := range act.Changes {
				fmt.Fprintf(tw, "\t\t%s\t%s → %s\n", cell(c.Field), cell(orNothing(c.From)), cell(orNothing(c.To)))
			}
		}
		for _, warning := range act.Warnings {
			fmt.Fprintf(tw, "\t\t\tnote: %s\n", cell(warning))
		}
	}
	_ = tw.Flush()
	var parts []string
	for _, word := range []string{"create", "update", "link", "skip", "hold"} {
		if counts[word] > 0 {
			parts = append(parts, fmt.Sprintf("%s %d", word, counts[word]))
		}
	}
	if len(parts) == 0 {
		fmt.Fprintf(w, "There is nothing to do for %s.\n", cell(p.Flow))
		return
	}
	fmt.Fprintf(w, "\nPlan %s for %s: %s. Nothing was written.\n  → %s\n", p.ID, cell(p.Flow), strings.Join(parts, ", "), a.hint("run --plan "+p.ID))
}

func orNothing(s string) string {
	if s == "" {
		return "(nothing)"
	}
	return s
}
