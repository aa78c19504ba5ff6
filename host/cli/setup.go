package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/pomost/pomost/host/control"
	"github.com/pomost/pomost/host/flow"
)

func (a *app) setupCommand() *cobra.Command {
	var answers string
	cmd := &cobra.Command{
		Use: "setup [FLOW]", Short: "From nothing to flows that are alive, by questions; or a flow's settings",
		Long: "Asks line by line what the screens ask on pages: which systems, their credentials, what should travel and how; then shows what would\n" +
			"change, and puts it into force. With the name of a flow it asks for the settings of that one.\n\n" +
			"An empty answer takes what is proposed. `<` goes one question back, `-` leaves something out, `?` explains.\n" +
			"With --answers nobody is asked: what the file does not answer is as proposed.",
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) > 1 {
				return usage("`pomost setup` takes one flow at most", "as in: pomost setup orders")
			}
			q := &questions{app: a, in: newLineReader(cmd.InOrStdin())}
			if answers != "" {
				given, err := readAnswers(answers)
				if err != nil {
					return err
				}
				q.walk.Load(given)
				q.headless = true
			}
			if len(args) == 1 {
				q.walk.Flow = args[0]
			}
			api, err := a.api()
			if err != nil {
				return err
			}
			q.api = api
			r, err := q.run()
			if r.Changes == nil {
				r.Changes = []flow.Difference{}
			}
			return a.finish(r, err, control.ExitDone, func(w io.Writer) {
				if err == nil {
					q.result(w, r)
				}
			})
		},
	}
	cmd.Flags().StringVar(&answers, "answers", "", "take the answers from `FILE` (YAML or JSON) and ask nothing")
	return cmd
}

// The ways out of a question that are no answer.
var (
	errBack  = errors.New("one question back")
	errSkip  = errors.New("the question is left out")
	errAgain = errors.New("the question is asked again")
)

// questions asks line by line what the control API's question-and-answer machine wants to know. What it shows goes to stderr: stdout is
// for what comes of it.
type questions struct {
	app      *app
	api      control.API
	in       *lineReader
	walk     control.Walk
	headless bool
	revision int64
}

func (q *questions) say(format string, args ...any) { fmt.Fprintf(q.app.errs, format+"\n", args...) }

// run asks until everything is answered and in force.
func (q *questions) run() (control.ApplyResult, error) {
	for begins := true; ; begins = false {
		step, err := q.next()
		if err != nil {
			return control.ApplyResult{}, err
		}
		if _, person := q.in.terminal(); step.Draft != nil && begins && person && !q.headless && q.walk.Flow == "" {
			q.walk.Load(*step.Draft)
			q.say("Going on where the set-up was left; < goes back through the answers.")
			continue
		}
		if !q.walk.Arrive(step) {
			continue
		}
		if step.Question == nil {
			done, r, err := q.finish(step)
			if done || err != nil {
				return r, err
			}
			continue
		}
		if err := q.answer(step); err != nil {
			return control.ApplyResult{}, err
		}
	}
}

// next asks the service what comes next. The revision is the one that a finished step was made on: an answer can put a connection into
// force, which makes a new one.
func (q *questions) next() (step control.Step, err error) {
	for range 2 {
		var status control.StatusResult
		if status, err = q.api.Status(q.app.ctx); err != nil {
			return step, err
		}
		before := status.Revision
		step, err = q.api.Question(q.app.ctx, q.walk.Answers())
		q.app.progress.clear()
		if err != nil || !step.Done {
			return step, err
		}
		q.revision = before
		if status, err = q.api.Status(q.app.ctx); err != nil || status.Revision == before {
			return step, err
		}
	}
	return step, nil
}

// answer asks one question, and puts what comes of it into the walk.
func (q *questions) answer(step control.Step) error {
	question := step.Question
	if q.headless {
		return q.propose(step)
	}
	q.say("\n[%d/%d] %s", step.Number, max(step.Total, step.Number), cell(question.Title))
	if question.Text != "" {
		q.say("%s", wrapped(cell(question.Text), q.app.stderr))
	}
	for _, l := range question.Example {
		q.say("  %s", cell(l))
	}
	checksText(q.app.errs, question.Checks)
	for _, p := range step.Problems {
		q.say("! %s", cell(p.String()))
	}
	var (
		fields map[string]any
		err    error
	)
	switch {
	case question.Kind == control.QuestionConsent:
		err = q.consent(question)
	case len(question.Fields) > 0:
		fields, err = q.form(question)
	default:
		err = q.read(question)
	}
	switch {
	case errors.Is(err, errBack):
		if !q.walk.Back(fields) {
			q.say("this is the first question; ctrl+c leaves")
		}
	case errors.Is(err, errSkip):
		q.walk.Skip()
	case errors.Is(err, errAgain):
		q.walk.Stay()
	case err != nil:
		return fmt.Errorf("the question %q: %w", question.Title, err)
	default:
		q.walk.Answer(fields)
	}
	return nil
}

// read waits until what a question shows was read.
func (q *questions) read(question *control.Question) error {
	for {
		line, err := q.prompt("Enter goes on, r looks again: ")
		if err != nil {
			return err
		}
		switch strings.ToLower(line) {
		case "":
			return nil
		case "r":
			return errAgain
		case "<":
			return errBack
		case "-":
			if question.Skippable {
				return errSkip
			}
		}
		q.say("  press enter to go on; r looks again, < goes back")
	}
}

// consent leads a person to the system's own page.
func (q *questions) consent(question *control.Question) error {
	ctx, cancel := context.WithTimeout(q.app.ctx, consentWait)
	turn := inTurn{q.api, make(chan struct{}, 1)}
	pasted, word, wait := q.in.pasted(ctx, cancel, turn.turns)
	_, err := q.app.authorize(ctx, turn, control.AuthorizeRequest{Connection: question.Connection}, pasted)
	cancel()
	wait()
	if w := *word; w != nil {
		if errors.Is(w, errSkip) && !question.Skippable {
			q.say("  this question cannot be left out")
			return errAgain
		}
		return w
	}
	if err != nil && q.app.ctx.Err() == nil {
		f := control.AsFailure(err)
		q.app.errorLines(f.Error(), f.Remedy)
		line, err := q.prompt("Enter begins the consent again, < goes back: ")
		if err == nil && line == "<" {
			err = errBack
		}
		if err != nil {
			return err
		}
		return errAgain
	}
	return err
}

// finish shows what would change, and puts it into force when that is wanted. It is not done where the person goes back.
func (q *questions) finish(step control.Step) (done bool, r control.ApplyResult, err error) {
	if len(step.Changes) == 0 {
		return true, control.ApplyResult{Revision: q.revision, Changes: step.Changes}, nil
	}
	if !q.headless {
		q.say("\nThis would change:")
		changesText(q.app.errs, step.Changes)
		q.say("\nThe file that results:")
		for l := range strings.SplitSeq(strings.TrimRight(step.Config, "\n"), "\n") {
			q.say("  %s", l)
		}
		if step.Command != "" {
			q.say("\nThe same by command: %s", cell(step.Command))
		}
		yes, err := q.sure("\nPut this into force? (yes or no): ")
		if errors.Is(err, errBack) {
			q.walk.Back(nil)
			return false, r, nil
		}
		if err != nil {
			return true, r, fmt.Errorf("the last question: %w", err)
		}
		if !yes {
			return true, r, &control.Failure{Cause: "stopped", Message: "nothing of this was put into force", Remedy: q.app.hint("setup") + " begins again; connections that were described stay"}
		}
	}
	r, err = q.api.ApplyConfig(q.app.ctx, control.ConfigRequest{Config: step.Config, File: "setup", Secrets: step.Secrets, Revision: q.revision})
	return true, r, err
}

func (q *questions) sure(text string) (bool, error) {
	for {
		line, err := q.prompt(text)
		if err != nil {
			return false, err
		}
		switch strings.ToLower(line) {
		case "y", "yes":
			return true, nil
		case "n", "no":
			return false, nil
		case "<":
			return false, errBack
		}
		q.say("  answer yes or no; < goes back")
	}
}

// result tells what is in force, and what comes next.
func (q *questions) result(w io.Writer, r control.ApplyResult) {
	if len(r.Changes) == 0 {
		fmt.Fprintln(w, "Nothing changes.")
		return
	}
	fmt.Fprintf(w, "Applied, revision %d.\n  → %s\n  → %s\n", r.Revision, q.app.hint("run"), q.app.hint("serve"))
}

// changesText lists differences of the configuration.
func changesText(w io.Writer, changes []flow.Difference) {
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, c := range changes {
		switch {
		case c.From == "":
			fmt.Fprintf(tw, "  + %s\t%s\n", cell(c.Path), cell(c.To))
		case c.To == "":
			fmt.Fprintf(tw, "  - %s\t%s\n", cell(c.Path), cell(c.From))
		default:
			fmt.Fprintf(tw, "  ~ %s\t%s → %s\n", cell(c.Path), cell(c.From), cell(c.To))
		}
	}
	_ = tw.Flush()
}
