package control

import (
	"context"
	"slices"

	"github.com/pomost/pomost/host/home"
	"github.com/pomost/pomost/host/token"
	"github.com/pomost/pomost/sdk/connector"
)

// Check implements API. What is wrong with one connection does not keep the others from being checked.
func (s *Service) Check(ctx context.Context, connections []string) (CheckResult, error) {
	res := CheckResult{Connections: []ConnectionCheck{}}
	err := s.within(ctx, func(_ *home.State, w *workshop) error {
		names := sortedKeys(w.config.Connections)
		for _, n := range connections {
			if !slices.Contains(names, n) {
				return unknownConnection(n, names)
			}
		}
		if len(connections) > 0 {
			names = connections
		}
		for _, n := range names {
			c, err := s.checkOne(ctx, w, n)
			if err != nil {
				return err
			}
			res.Connections = append(res.Connections, c)
		}
		return nil
	})
	return res, err
}

// checkOne checks one connection. A failure of the connection is a line of the check; an error is returned only when ctx ended.
func (s *Service) checkOne(ctx context.Context, w *workshop, name string) (ConnectionCheck, error) {
	out := ConnectionCheck{Name: name, OK: true, Checks: []CheckItem{}}
	o, err := w.connect(ctx, name)
	var results []connector.CheckResult
	if err == nil {
		results, err = o.connection.Check(ctx)
	}
	if ctx.Err() != nil {
		return out, ctx.Err()
	}
	for _, r := range results {
		item := CheckItem{Name: r.Name, Title: r.Title, OK: r.OK, Warning: r.Warning, Cause: string(r.Cause), Message: r.Message, Remedy: r.Remedy}
		if item.Title == "" {
			item.Title = r.Name
		}
		out.Checks = append(out.Checks, item)
		out.OK = out.OK && r.OK
	}
	if err != nil {
		f := AsFailure(at(name, err))
		out.OK = false
		out.Checks = append(out.Checks, CheckItem{Name: "connection", Title: "the connection", Cause: f.Cause, Message: f.Message, Remedy: f.Remedy})
		if f.Cause == string(connector.CauseCredentials) {
			s.known.refuse(name, f)
		}
	} else {
		if out.OK {
			s.known.refuse(name, nil)
		}
		if out.Checks, err = w.checkConsent(ctx, name, o.description, out.Checks); err != nil {
			return out, err
		}
	}
	s.works.change()
	return out, nil
}

// checkConsent adds how long the connection goes on without a person. The tokens are read afterwards: a check may have renewed them.
func (w *workshop) checkConsent(ctx context.Context, name string, d connector.Description, checks []CheckItem) ([]CheckItem, error) {
	if slices.ContainsFunc(checks, func(i CheckItem) bool { return !i.OK && i.Cause == string(connector.CauseCredentials) }) {
		return checks, nil // it does not go on
	}
	have, err := w.state.Store.Secrets(ctx, name)
	if err != nil {
		return checks, err
	}
	c, ok := token.ConsentOf(d.OAuth, have)
	if !ok || d.OAuth == nil {
		return checks, nil
	}
	item := CheckItem{Name: "consent", Title: "The consent goes on", OK: true, Message: c.Words(w.service.opts.Clock.Now())}
	if c.Soon(w.service.opts.Clock.Now()) {
		item.Warning, item.Remedy = true, "consent again with `pomost connection authorize "+name+"`"
	}
	return append(checks, item), nil
}

// Exit is the exit code of a check.
func (r CheckResult) Exit() int {
	code := ExitDone
	for _, c := range r.Connections {
		code = worse(code, exitOf(c.Checks))
	}
	return code
}

// exitOf is the exit code that checks deserve: a system that cannot be reached or refuses the credentials is told apart from other faults.
func exitOf(checks []CheckItem) int {
	code := ExitDone
	for _, c := range checks {
		if c.OK {
			continue
		}
		switch connector.Cause(c.Cause) {
		case connector.CauseUnavailable, connector.CauseCredentials, connector.CauseRateLimited:
			code = worse(code, ExitUnreachable)
		case "usage":
			code = worse(code, ExitUsage)
		default:
			code = worse(code, ExitFailed)
		}
	}
	return code
}

// Exit is the exit code of a preflight.
func (r DoctorResult) Exit() int {
	code := ExitDone
	for _, g := range r.Sections {
		code = worse(code, exitOf(g.Checks))
	}
	return code
}
