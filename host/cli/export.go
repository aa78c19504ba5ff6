package cli

import (
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/pomost/pomost/host/control"
)

func (a *app) exportCommand() *cobra.Command {
	return &cobra.Command{
		Use: "export", Short: "Print the configuration in force as a file that apply takes",
		Long: "Prints the configuration in force as a file that `pomost apply` takes. Secrets are no part of it: those that are kept stay in force\n" +
			"when the file is applied to the same home.",
		Args: noArgs,
		RunE: func(*cobra.Command, []string) error {
			api, err := a.api()
			if err != nil {
				return err
			}
			r, err := api.Export(a.ctx)
			if err != nil {
				return a.finish(nil, err, control.ExitDone, nil)
			}
			return a.finish(r, nil, control.ExitDone, func(w io.Writer) { fmt.Fprint(w, r.Config) })
		},
	}
}
