package cli

import (
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/pomost/pomost/host/control"
)

func (a *app) doctorCommand() *cobra.Command {
	return &cobra.Command{
		Use: "doctor", Short: "Check everything, and say what to do about what is not well",
		Long: "Checks this machine, the home, the daemon, the connectors, every connection and every flow. Nothing is written to any system.",
		Args: noArgs,
		RunE: func(*cobra.Command, []string) error {
			api, err := a.api()
			if err != nil {
				return err
			}
			r, err := api.Doctor(a.ctx)
			return a.finish(r, err, r.Exit(), func(w io.Writer) {
				for i, g := range r.Sections {
					if i > 0 {
						fmt.Fprintln(w)
					}
					fmt.Fprintln(w, cell(g.Title))
					checksText(w, g.Checks)
				}
				if err == nil && r.OK {
					fmt.Fprintln(w, "\nEverything is well.")
				}
			})
		},
	}
}

// checksText shows checks, a line each, with cause and remedy below those that failed.
func checksText(w io.Writer, checks []control.CheckItem) {
	for _, c := range checks {
		mark := "ok  "
		switch {
		case !c.OK:
			mark = "FAIL"
		case c.Warning:
			mark = "note"
		}
		line := fmt.Sprintf("  %s  %s", mark, cell(c.Title))
		if c.Message != "" {
			line += ": " + cell(c.Message)
		}
		if !c.OK && c.Cause != "" {
			line += " (" + cell(c.Cause) + ")"
		}
		fmt.Fprintln(w, line)
		if c.Remedy != "" && (!c.OK || c.Warning) {
			fmt.Fprintf(w, "        → %s\n", cell(c.Remedy))
		}
	}
}
