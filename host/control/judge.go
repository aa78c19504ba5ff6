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

// judge checks the rules that flows have of their own against what both accounts have: their fields and types, and the functions. A system
// that cannot be asked keeps nothing from being put into force: the notes name its flows, whose plans and runs check the same.
func (a *applying) judge(ctx context.Context, st *home.State) (notes []string, err error) {
	var names []string
	for _, name := range sortedKeys(a.file.Flows) {
		if len(a.file.Flows[name].Mapping) > 0 && a.readsAnew(name) && (!a.req.Check || a.inForce(name)) {
			names = append(names, name)
		}
	}
	if len(names) == 0 {
		return nil, nil
	}
	asking, cancel := context.WithTimeout(ctx, judgeTime)
	defer cancel()
	err = a.service.plugins(func(m Plugins) error {
		w := a.service.workshopOf(st, m, a.next, a.revision)
		defer w.close()
		for _, name := range names {
			var found []flow.Problem
			err := a.judged(name)
			if err == nil {
				found, err = w.judge(asking, name)
			}
			if ctx.Err() != nil {
				return context.Cause(ctx)
			}
			if err != nil {
				notes = append(notes, fmt.Sprintf("the mapping of the flow %s was not checked against the accounts: %s", name, AsFailure(err).Message))
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

// judged tells why the accounts of a flow are not asked: where a name stands for another system from now on, the tokens of the old one would have
// to be given up for a look.
func (a *applying) judged(name string) error {
	for _, c := range []string{a.next.Flows[name].Source, a.next.Flows[name].Destination} {
		if _, given := a.file.Connections[c]; given && a.replaced(c) {
			return fmt.Errorf("the connection %s was one of another system", c)
		}
	}
	return nil
}

// inForce tells whether the connections of a flow are in force just as they will be.
func (a *applying) inForce(name string) bool {
	for _, c := range []string{a.next.Flows[name].Source, a.next.Flows[name].Destination} {
		if _, known := a.old.Connections[c]; !known {
			return false
		}
		one := func(f flow.Config) flow.Config {
			return flow.Config{Connections: map[string]flow.Connection{c: f.Connections[c]}}
		}
		if len(flow.Diff(one(a.old), one(a.next))) > 0 || slices.ContainsFunc(a.changes(), func(d flow.Difference) bool {
			return strings.HasPrefix(d.Path, "connections."+c+".")
		}) {
			return false
		}
	}
	return true
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
	if a.revision == 0 {
		return nil, nil
	}
	var notes []string
	err := a.service.within(ctx, func(st *home.State, _ *workshop) (err error) {
		notes, err = a.judge(ctx, st)
		return err
	})
	var wrong flow.UsageErrors
	if err != nil && !errors.As(err, &wrong) && ctx.Err() == nil {
		return []string{"the mapping was not checked against the accounts: " + AsFailure(err).Message}, nil
	}
	return notes, err
}
