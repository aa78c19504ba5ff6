package cli

import (
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/pomost/pomost/host/control"
)

func (a *app) decideCommand() *cobra.Command {
	var sent, link, note string
	var absent, skip bool
	cmd := &cobra.Command{
		Use: "decide FLOW RECORD --sent KEY | --absent | --link KEY | --skip", Short: "Settle a record that waits for a person's word",
		Long: "Settles a record that is held because only a person can tell. RECORD is its key or its number.\n\n" +
			"  --sent KEY  you looked, and it is in the destination as KEY: it is linked, and never sent\n" +
			"  --absent    you looked, and it is not there: it may be sent again, by the next run\n" +
			"  --link KEY  it belongs to KEY of the destination: they are bound, and nothing is written\n" +
			"  --skip      it is not to be carried over, until it changes\n\n" +
			"Who decided is kept in the log, with the note.",
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) != 2 {
				return usage("`pomost decide` takes a flow and a record", "as in: pomost decide orders 1001 --absent")
			}
			req := control.DecideRequest{Flow: args[0], Key: args[1], Note: note}
			given := 0
			for _, d := range []struct{ flag, result string }{{"sent", sent}, {"absent", ""}, {"link", link}, {"skip", ""}} {
				if f := cmd.Flags().Lookup(d.flag); f.Changed && f.Value.String() != "false" {
					req.Decision, req.Result = d.flag, d.result
					given++
				}
			}
			if given != 1 {
				return usage("one decision is needed", "give one of --sent KEY, --absent, --link KEY and --skip")
			}
			api, err := a.api()
			if err != nil {
				return err
			}
			r, err := api.Decide(a.ctx, req)
			if err != nil {
				return a.finish(nil, err, control.ExitDone, nil)
			}
			return a.finish(r, nil, control.ExitDone, func(w io.Writer) {
				fmt.Fprintf(w, "%s: %s.\n", cell(args[1]), cell(r.Message))
				if r.Decision == control.DecideAbsent {
					fmt.Fprintf(w, "  → %s\n", a.hint("retry "+quoteArg(args[0])+" --record "+quoteArg(args[1])))
				}
			})
		},
	}
	f := cmd.Flags()
	f.StringVar(&sent, "sent", "", "it is in the destination as `KEY`")
	f.BoolVar(&absent, "absent", false, "it is not in the destination")
	f.StringVar(&link, "link", "", "it belongs to `KEY` of the destination")
	f.BoolVar(&skip, "skip", false, "it is not to be carried over")
	f.StringVar(&note, "note", "", "keep this `TEXT` in the log")
	return cmd
}
