package cli

import (
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"github.com/pomost/pomost/host/control"
)

func (a *app) serveCommand() *cobra.Command {
	var listen string
	cmd := &cobra.Command{
		Use: "serve", Short: "Run flows by their schedules, until interrupted",
		Long: "Runs flows by their schedules and answers the other commands, which then work through it. It goes on until it is interrupted; what is\n" +
			"under way then comes to its end first. A line is printed when it is ready, and one for each run that did something.\n\n" +
			"Health and metrics are answered on this machine alone: /healthz, /readyz and /metrics.",
		Args: noArgs,
		RunE: func(*cobra.Command, []string) error {
			s := a.service()
			err := s.Serve(a.ctx, control.ServeOptions{Listen: listen,
				Log: func(line string) {
					fmt.Fprintf(a.errs, "%s %s\n", time.Now().Format(time.DateTime), cell(line))
				},
				Ready: func(r control.Serving) {
					if a.output == outputJSON {
						_ = a.jsonLine(r) // a reader that has gone does not end a daemon
						return
					}
					at := ""
					if r.Listen != "" {
						at = ", health and metrics at http://" + r.Listen
					}
					fmt.Fprintf(a.out, "ready: %s by schedule in %s, process %d%s\n", control.Several(r.Flows, "flow"), r.Home, r.PID, at)
				}})
			if err != nil {
				return a.finish(nil, err, control.ExitDone, nil)
			}
			return nil
		},
	}
	cmd.Flags().StringVar(&listen, "listen", "127.0.0.1:9464", "answer health and metrics at this `ADDRESS` of this machine; \"\" for none")
	return cmd
}

func (a *app) pauseCommand() *cobra.Command {
	return a.pausing("pause FLOW...", "Keep flows from being run by their schedules",
		"Keeps flows from being run by their schedules until `pomost resume`. `pomost run` still works.", "paused",
		func(api control.API, flow string) error { return api.Pause(a.ctx, flow) })
}

func (a *app) resumeCommand() *cobra.Command {
	return a.pausing("resume FLOW...", "Let paused flows be run by their schedules again", "Lets paused flows be run by their schedules again, the first time soon.", "resumed",
		func(api control.API, flow string) error { return api.Resume(a.ctx, flow) })
}

// pausing is pause or resume.
func (a *app) pausing(use, short, long, word string, do func(control.API, string) error) *cobra.Command {
	return &cobra.Command{
		Use: use, Short: short, Long: long,
		RunE: func(_ *cobra.Command, args []string) error {
			api, err := a.api()
			if err != nil {
				return err
			}
			done := map[string][]string{"flows": {}}
			if len(args) == 0 {
				return a.nameFlows(api, done)
			}
			for _, flow := range unique(args) {
				if err := do(api, flow); err != nil {
					return a.finish(done, err, control.ExitDone, nil)
				}
				done["flows"] = append(done["flows"], flow)
			}
			return a.finish(done, nil, control.ExitDone, func(w io.Writer) {
				for _, flow := range done["flows"] {
					fmt.Fprintf(w, "%s is %s.\n", cell(flow), word)
				}
			})
		},
	}
}
