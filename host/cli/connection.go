package cli

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/pomost/pomost/host/control"
)

// consentWait is how long a person may take at the system's page.
const consentWait = 15 * time.Minute

// maxPaste bounds the line that a person pastes.
const maxPaste = 16 << 10

func (a *app) connectionCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use: "connection", Short: "List, authorise and check connections",
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) > 0 {
				return unknownCommand(cmd, args[0])
			}
			return a.help(cmd)
		},
	}
	cmd.AddCommand(a.connectionsCommand(), a.authorizeCommand(), a.checkCommand())
	return cmd
}

// connectionList is what `connection ls` prints.
type connectionList struct {
	Connections []control.ConnectionStatus `json:"connections"`
}

func (a *app) connectionsCommand() *cobra.Command {
	return &cobra.Command{
		Use: "ls", Short: "List the connections and how long their consents go on",
		Long: "Lists the connections: whether somebody has consented, and until about when that holds if nobody uses it. No system is asked.",
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) > 0 {
				return usage("`pomost connection ls` takes no names", "as in: pomost connection ls")
			}
			api, err := a.api()
			if err != nil {
				return err
			}
			st, err := api.Status(a.ctx)
			res := connectionList{Connections: st.Connections}
			if res.Connections == nil {
				res.Connections = []control.ConnectionStatus{}
			}
			return a.finish(res, err, control.ExitDone, func(w io.Writer) {
				for _, c := range res.Connections {
					line := fmt.Sprintf("%s  %s  %s", cell(c.Name), cell(c.Title), c.State)
					if c.Message != "" {
						line += "  " + cell(c.Message)
					}
					fmt.Fprintln(w, line)
					if c.Remedy != "" {
						fmt.Fprintln(w, "  → "+cell(c.Remedy))
					}
				}
			})
		},
	}
}

func (a *app) checkCommand() *cobra.Command {
	return &cobra.Command{
		Use: "check [NAME...]", Short: "Check that a connection can do what flows need",
		Long: "Asks the system for every right and function that flows need, a line each, with cause and remedy for what is missing. Nothing is written.",
		RunE: func(_ *cobra.Command, args []string) error {
			api, err := a.api()
			if err != nil {
				return err
			}
			r, err := api.Check(a.ctx, unique(args))
			if r.Connections == nil {
				r.Connections = []control.ConnectionCheck{}
			}
			code := r.Exit()
			if err != nil {
				code = control.ExitDone // the error's own
			}
			return a.finish(r, err, code, func(w io.Writer) {
				for i, c := range r.Connections {
					if i > 0 {
						fmt.Fprintln(w)
					}
					fmt.Fprintln(w, cell(c.Name))
					checksText(w, c.Checks)
				}
			})
		},
	}
}

func (a *app) authorizeCommand() *cobra.Command {
	var redirect string
	cmd := &cobra.Command{
		Use: "authorize NAME", Short: "Let a person consent at the system's own page",
		Long: "Shows the address of the system's own page, at which a person allows Pomost to work with it. It then leads back to an address on this\n" +
			"machine; where nothing can listen there, paste that address here, or the code in it. The browser is yours to open.",
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) != 1 {
				return usage("`pomost connection authorize` takes one connection", "as in: pomost connection authorize shop")
			}
			api, err := a.api()
			if err != nil {
				return err
			}
			ctx, cancel := context.WithTimeout(a.ctx, consentWait)
			defer cancel()
			r, err := a.authorize(ctx, api, control.AuthorizeRequest{Connection: args[0], RedirectURL: redirect}, lines(ctx, cmd.InOrStdin()))
			if err != nil {
				return a.finish(nil, err, control.ExitDone, nil)
			}
			return a.finish(r, nil, control.ExitDone, func(w io.Writer) {
				fmt.Fprintf(w, "Connection %s is authorised.\n", cell(r.Connection))
				if company := companyOf(a.ctx, api, r.Connection); company != "" {
					fmt.Fprintf(w, "Its company is %s.\n", cell(company))
				}
				fmt.Fprintf(w, "  → %s\n", a.hint("connection check "+quoteArg(r.Connection)))
			})
		},
	}
	cmd.Flags().StringVar(&redirect, "redirect-url", "", "lead back to this `ADDRESS` instead of the connection's redirect_url; the system must know it")
	return cmd
}

// companyCheck is the name of the check that tells which company a connection speaks to, where a system has several.
const companyCheck = "company"

// companyOf asks which company was consented for: at the system's page it is easy to choose another one. It is "" where nobody says.
func companyOf(ctx context.Context, api control.API, connection string) string {
	res, err := api.Check(ctx, []string{connection})
	if err != nil || len(res.Connections) != 1 {
		return "" // the consent stands in any case, and `connection check` tells what is wrong
	}
	for _, c := range res.Connections[0].Checks {
		if c.Name == companyCheck && c.OK {
			return c.Message
		}
	}
	return ""
}

// authorize walks a person through a consent until ctx ends. A wrong answer that was pasted may be corrected.
func (a *app) authorize(ctx context.Context, api control.API, req control.AuthorizeRequest, pasted <-chan string) (control.ConsentResult, error) {
	begun, err := api.Authorize(ctx, req)
	if err != nil {
		return control.ConsentResult{}, err
	}
	back, stop, err := control.ListenBack(ctx, begun.RedirectURL)
	if err != nil {
		fmt.Fprintf(a.errs, "nothing can listen at %s (%v): paste the address that the page leads back to\n", begun.RedirectURL, err)
	}
	defer stop()
	fmt.Fprintf(a.errs, "Open this address in a browser, and allow it there:\n\n  %s\n\n", cell(begun.URL))
	fmt.Fprintln(a.errs, "Then paste here the address that the page leads back to, or the code in it. Where this machine hears of it by itself, that is not needed.")
	var last error
	for {
		var answer string
		var reply chan<- error
		select {
		case <-ctx.Done():
			if a.ctx.Err() != nil {
				return control.ConsentResult{}, a.ctx.Err()
			}
			return control.ConsentResult{}, usage("nobody consented for "+consentWait.String(), "begin again with `pomost connection authorize "+req.Connection+"`")
		case got := <-back:
			answer, reply = got.Address, got.Reply
		case line, ok := <-pasted:
			if !ok {
				if last != nil {
					return control.ConsentResult{}, last
				}
				if pasted = nil; back == nil {
					return control.ConsentResult{}, usage("no answer was given", "paste the address that the page leads back to")
				}
				continue
			}
			if strings.TrimSpace(line) == "" {
				continue
			}
			answer = line
		}
		r, err := api.Consent(ctx, control.ConsentRequest{Connection: req.Connection, State: begun.State, Answer: answer})
		if reply != nil {
			reply <- err
		}
		if err == nil || reply != nil || ctx.Err() != nil {
			return r, err
		}
		last = err
		f := control.AsFailure(err)
		a.errorLines(f.Error(), f.Remedy)
	}
}

// lines reads lines until the input or ctx ends. The goroutine ends with the input: a read from a terminal cannot be broken off, and the
// program ends soon after.
func lines(ctx context.Context, r io.Reader) <-chan string {
	out := make(chan string)
	go func() {
		defer close(out)
		in := bufio.NewScanner(r)
		in.Buffer(make([]byte, 0, 4096), maxPaste)
		for in.Scan() {
			select {
			case out <- in.Text():
			case <-ctx.Done():
				return
			}
		}
	}()
	return out
}
