package cli

import (
	"fmt"
	"io"
	"os"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/pomost/pomost/host/control"
	"github.com/pomost/pomost/host/flow"
)

func (a *app) applyCommand() *cobra.Command {
	var req control.ApplyRequest
	cmd := &cobra.Command{
		Use: "apply -f FILE", Short: "Put a configuration file into force",
		Long: "Checks a configuration file and puts it into force. It replaces what it names; what it does not name stays, unless --prune is\n" +
			"given. Secrets are read where the file says, once.",
		Args: noArgs,
		RunE: func(*cobra.Command, []string) error {
			if req.File == "" {
				return usage("no file is named", "name it: pomost apply -f FILE")
			}
			config, err := control.ReadConfig(req, os.Getenv)
			if err != nil {
				return a.finish(control.ApplyResult{Changes: []flow.Difference{}}, err, control.ExitDone, nil)
			}
			api, err := a.api()
			if err != nil {
				return err
			}
			r, err := api.ApplyConfig(a.ctx, config)
			if r.Changes == nil {
				r.Changes = []flow.Difference{}
			}
			return a.finish(r, err, control.ExitDone, func(w io.Writer) {
				if err == nil {
					a.applyText(w, r, req)
				}
			})
		},
	}
	cmd.Flags().StringVarP(&req.File, "file", "f", "", "apply this `FILE`")
	cmd.Flags().BoolVar(&req.Check, "check", false, "only show what would change")
	cmd.Flags().BoolVar(&req.Prune, "prune", false, "remove connections and flows that the file does not name")
	return cmd
}

func (a *app) applyText(w io.Writer, r control.ApplyResult, req control.ApplyRequest) {
	if len(r.Changes) == 0 {
		fmt.Fprintln(w, "Nothing changes.")
		return
	}
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, c := range r.Changes {
		switch {
		case c.From == "":
			fmt.Fprintf(tw, "+ %s\t%s\n", cell(c.Path), cell(c.To))
		case c.To == "":
			fmt.Fprintf(tw, "- %s\t%s\n", cell(c.Path), cell(c.From))
		default:
			fmt.Fprintf(tw, "~ %s\t%s → %s\n", cell(c.Path), cell(c.From), cell(c.To))
		}
	}
	_ = tw.Flush()
	for _, note := range r.Notes {
		fmt.Fprintf(w, "\n! %s\n", cell(note))
	}
	if req.Check {
		fmt.Fprintf(w, "\n%s. Nothing was stored.\n  → %s\n", control.Several(len(r.Changes), "change"), a.hint("apply -f "+quoteArg(req.File)))
		return
	}
	fmt.Fprintf(w, "\nApplied, revision %d.\n", r.Revision)
	if len(r.Flows) > 0 {
		fmt.Fprintf(w, "  → %s\n", a.hint("plan "+r.Flows[0]))
	}
}
