package control

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/pomost/pomost/host/flow"
	"github.com/pomost/pomost/host/home"
)

// judgeTime bounds how long an apply asks the systems what their accounts have.
const judgeTime = 30 * time.Second

// judged are the flows whose own rules are to be checked against the accounts: those that come or change with the file. The notes name those whose
// accounts cannot be asked before the file is in force: a connection that changes would have to give up its tokens for a look.
func (a *applying) judged() (names, notes []string) {
	var changed map[string]bool
	for _, name := range sortedKeys(a.file.Flows) {
		if len(a.file.Flows[name].Mapping) == 0 || !a.readsAnew(name) {
			continue
		}
		if changed == nil {
			changed = a.changedConnections()
		}
		why := ""
		for _, c := range []string{a.next.Flows[name].Source, a.next.Flows[name].Destination} {
			if _, known := a.old.Connections[c]; changed[c] && (known || a.req.Check) {
				why = "the connection " + c + " comes or changes with this file"
			}
		}
		if why == "" {
			names = append(names, name)
		} else {
			notes = append(notes, unjudged(name, why))
		}
	}
	return names, notes
}

func unjudged(flow, why string) string {
	return fmt.Sprintf("the mapping of the flow %s was not checked against the accounts: %s", flow, why)
}

// changedConnections are those that come or change with the file, their secrets included.
func (a *applying) changedConnections() map[string]bool {
	out := map[string]bool{}
	for _, d := range a.changes() {
		if rest, ok := strings.CutPrefix(d.Path, "connections."); ok {
			name, _, _ := strings.Cut(rest, ".")
			out[name] = true
		}
	}
	return out
}

// judge checks the rules that flows have of their own against what both accounts have: their fields and types, and the functions. A system
// that cannot be asked keeps nothing from being put into force: the notes name its flows, whose plans and runs check the same.
func (a *applying) judge(ctx context.Context, st *home.State, names []string) (notes []string, err error) {
	asking, cancel := context.WithTimeout(ctx, judgeTime)
	defer cancel()
	err = a.service.plugins(func(m Plugins) error {
		w := a.service.workshopOf(st, m, a.next, a.revision)
		defer w.close()
		for _, name := range names {
			found, err := w.judge(asking, name)
			if ctx.Err() != nil {
				return context.Cause(ctx)
			}
			if err != nil {
				notes = append(notes, unjudged(name, AsFailure(err).Message))
			}
			for _, p := range found {
				a.problem("flows."+name+"."+p.Path, p.Message, p.Remedy)
			}
		}
		return nil
	})
	if err == nil && len(a.problems) > 0 {
		err = a.wrong()
	}
	return notes, err
}

// judge returns what is wrong with a flow's own rules in these accounts. What is wrong with the recipe itself is not the file's fault.
func (w *workshop) judge(ctx context.Context, name string) ([]flow.Problem, error) {
	p, err := w.preparation(ctx, name)
	if err != nil {
		return nil, err
	}
	if _, err := p.schemas(ctx); err != nil {
		return nil, err
	}
	return slices.DeleteFunc(p.problems, func(p flow.Problem) bool { return !strings.HasPrefix(p.Path, "mapping.") }), nil
}

// placed puts a problem of a recipe where the flow has a rule of its own for the field, else where the recipe has it.
func placed(p flow.Problem, own map[string]any) flow.Problem {
	if rest, ok := strings.CutPrefix(p.Path, "write."); ok {
		which, field, _ := strings.Cut(rest, ".")
		fields, _ := own[which].(map[string]any)
		for f := range fields {
			if field == f || strings.HasPrefix(field, f+".") {
				p.Path = "mapping." + rest
				return p
			}
		}
	}
	p.Path = "recipe." + p.Path
	return p
}

// preview asks the accounts that are in force about a file that is only looked at.
func (a *applying) preview(ctx context.Context) ([]string, error) {
	names, notes := a.judged()
	if len(names) == 0 {
		return notes, nil
	}
	err := a.service.writing(ctx, func(st *home.State) error { // a token that is traded is stored
		more, err := a.judge(ctx, st, names)
		notes = append(notes, more...)
		return err
	})
	var wrong flow.UsageErrors
	if err != nil && !errors.As(err, &wrong) && ctx.Err() == nil { // a home that is busy is no fault of the file
		return append(notes, "the mapping was not checked against the accounts: "+AsFailure(err).Message), nil
	}
	return notes, err
}
