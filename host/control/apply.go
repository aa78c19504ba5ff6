package control

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/pomost/pomost/host/flow"
	"github.com/pomost/pomost/host/home"
	"github.com/pomost/pomost/host/store"
	"github.com/pomost/pomost/host/token"
	"github.com/pomost/pomost/sdk/connector"
)

// ApplyConfig implements API. Everything that needs no network is checked before anything is stored; rules of a flow's own are checked against
// the accounts as well, where those can be asked: it works while the systems are down.
// Where nothing has changed there is no new revision.
func (s *Service) ApplyConfig(ctx context.Context, req ConfigRequest) (ApplyResult, error) {
	file, err := flow.ParseConfig([]byte(req.Config), req.File)
	if err != nil {
		return ApplyResult{Changes: []flow.Difference{}}, err
	}
	res, err := s.apply(ctx, file, req)
	if res.Changes == nil {
		res.Changes = []flow.Difference{}
	}
	if err == nil && res.Applied && len(res.Changes) > 0 {
		s.refresh() // secrets count too, though they make no revision
		s.changed()
	}
	return res, err
}

// applying is one apply under way.
type applying struct {
	service   *Service
	req       ConfigRequest
	file      flow.Config // as the file states it
	old, next flow.Config
	revision  int64
	stored    map[string]map[string]string // secrets that the home has, by connection
	described map[string]connector.Description
	secrets   map[string]map[string]string // resolved, by connection
	problems  flow.UsageErrors
	tokens    token.Options
}

func (s *Service) apply(ctx context.Context, file flow.Config, req ConfigRequest) (ApplyResult, error) {
	a := &applying{service: s, req: req, file: file, described: map[string]connector.Description{}}
	// First without the lock: a file that is wrong says so at once, and makes no home.
	if err := a.glance(ctx); err != nil {
		return ApplyResult{}, err
	}
	if err := a.check(ctx); err != nil {
		return ApplyResult{}, err
	}
	if req.Check {
		notes, err := a.preview(ctx)
		return ApplyResult{Revision: a.revision, Changes: a.changes(), Flows: sortedKeys(a.next.Flows), Notes: notes}, err
	}
	var res ApplyResult
	err := s.writing(ctx, func(st *home.State) error {
		s.applying.Lock()
		defer s.applying.Unlock()
		// Somebody else may have applied while we waited for the lock: what lies between the parts is checked again.
		if err := a.load(ctx, st.Store); err != nil {
			return err
		}
		if a.between(); len(a.problems) > 0 {
			return a.wrong()
		}
		// A run of before would put its cursor where this one has set it back.
		still, err := a.still(ctx)
		if err != nil {
			return err
		}
		defer still()
		a.tokens = s.tokenOptions(st)
		changes := a.changes()
		names, notes := a.judged()
		if len(names) > 0 {
			more, err := a.judgeFirst(ctx, st, names)
			if err != nil {
				return err
			}
			notes = append(notes, more...)
		}
		// Secrets and tokens first: after a crash in between, no token of an old address can be sent to a new one.
		if err := a.keepSecrets(ctx, st.Store, sortedKeys(a.secrets)); err != nil {
			return err
		}
		res, err = a.store(ctx, st.Store, changes)
		res.Notes = notes
		return err
	})
	return res, err
}

// glance loads what is in force from a home that may not be there yet.
func (a *applying) glance(ctx context.Context) error {
	look := func() error {
		return a.service.reading(ctx, func(st *home.State) error { return a.load(ctx, st.Store) })
	}
	err := look()
	if store.CodeOf(err) == store.CodeOlder && !a.req.Check {
		// Opening it for writing brings it up to date.
		if err := a.service.writing(ctx, func(*home.State) error { return nil }); err != nil {
			return err
		}
		err = look()
	}
	if store.CodeOf(err) == store.CodeNotApplied {
		return a.load(ctx, nil)
	}
	return err
}

// load reads what is in force and puts the file over it; st may be nil for a home that has nothing yet.
func (a *applying) load(ctx context.Context, st store.Store) error {
	a.old, a.revision = flow.Config{Connections: map[string]flow.Connection{}, Flows: map[string]flow.Flow{}}, 0
	a.stored = map[string]map[string]string{}
	if st != nil {
		rev, err := st.Revision(ctx)
		switch {
		case isNotFound(err):
		case err != nil:
			return err
		default:
			if a.old, err = flow.ParseCanonical(rev.Config); err != nil {
				return err
			}
			a.revision = rev.Number
		}
		for name := range a.file.Connections {
			if a.stored[name], err = st.Secrets(ctx, name); err != nil {
				return err
			}
		}
	}
	a.next = flow.Merge(a.old, a.file, a.req.Prune)
	if want := a.req.Revision; want != 0 && want != a.revision {
		return &Failure{Cause: "conflict", Message: fmt.Sprintf("the configuration was changed meanwhile: revision %d is in force, and the change was made on %d", a.revision, want),
			Remedy: "look at what is in force now and make the change again", exit: ExitFailed}
	}
	return nil
}

func (a *applying) problem(path, message, remedy string) {
	a.problems = append(a.problems, a.file.Problem(path, message, remedy))
}

// wrong is all that is wrong, in the order of the file; what follows from it for things that do not stand there comes last.
func (a *applying) wrong() error {
	slices.SortStableFunc(a.problems, func(x, y *flow.UsageError) int {
		switch {
		case x.Line == y.Line:
			return x.Column - y.Column
		case x.Line == 0:
			return 1
		case y.Line == 0:
			return -1
		}
		return x.Line - y.Line
	})
	return a.problems
}

// check finds everything that is wrong with the file.
func (a *applying) check(ctx context.Context) error {
	a.between()
	a.take()
	err := a.service.plugins(func(m Plugins) error {
		var failed error
		for _, name := range sortedKeys(a.file.Connections) {
			if err := a.connection(ctx, m, name); err != nil && failed == nil {
				failed = err
			}
		}
		return failed
	})
	if len(a.problems) > 0 {
		return a.wrong() // what the person can mend in the file comes before a connector's failure
	}
	return err
}

// between checks what lies between the parts of the configuration as it will be.
func (a *applying) between() {
	err := a.next.Check(a.service.recipes)
	var found flow.UsageErrors
	if err == nil || !errors.As(err, &found) {
		return
	}
	for _, p := range found {
		// The file leaves out a connection that is in force: pruning would take it away from its flow.
		name := strings.TrimPrefix(p.Message, "there is no connection ")
		if _, pruned := a.old.Connections[name]; pruned && a.req.Prune && name != p.Message {
			p.Message, p.Remedy = "--prune would remove the connection "+name+", which this flow uses", "keep the connection in the file, or remove the flow too"
		}
		a.problems = append(a.problems, p)
	}
}

// take takes the secrets that the caller resolved, with what it found wrong meanwhile.
func (a *applying) take() {
	told := map[string]bool{}
	for i := range a.req.Problems {
		p := a.req.Problems[i]
		a.problems, told[p.Path] = append(a.problems, &p), true
	}
	a.secrets = map[string]map[string]string{}
	for _, name := range sortedKeys(a.file.Connections) {
		a.secrets[name] = map[string]string{}
		maps.Copy(a.secrets[name], a.req.Secrets[name])
		for _, key := range sortedKeys(a.file.Connections[name].Secrets) {
			path := "connections." + name + ".secrets." + key
			if _, given := a.secrets[name][key]; !given && !told[path] {
				a.problem(path, "its value was not given", "apply the file with `pomost apply -f FILE`, which reads it where the file says")
			}
		}
	}
	for _, name := range sortedKeys(a.req.Secrets) {
		if _, ok := a.file.Connections[name]; !ok {
			a.problem("connections", "secrets are given for a connection "+name+" that the file does not have", "give them with the connection")
		}
	}
}

// connection checks one connection with its connector: that it is there, takes the settings and knows the secrets. An error is the
// connector's failure; what is wrong with the file is gathered.
func (a *applying) connection(ctx context.Context, m Plugins, name string) error {
	conf, path := a.file.Connections[name], "connections."+name
	c, err := m.Connector(ctx, conf.Connector)
	if err != nil {
		return a.noConnector(name, err)
	}
	d := c.Describe()
	a.described[name] = d
	conn, problems, err := m.Connection(ctx, name, conf.Connector, withDefaults(d, conf.Settings), nobody{})
	if err != nil {
		return at(name, err)
	}
	if conn != nil {
		_ = conn.Close() // the manager ends the process in any case
	}
	for _, p := range problems {
		a.problem(path+".settings."+p.Setting, p.Message, p.Remedy)
	}
	a.checkSecrets(name, d)
	return nil
}

// noConnector tells a connector that is not installed, which is the file's fault, from one that fails.
func (a *applying) noConnector(name string, err error) error {
	missing := a.service.notInstalled(a.file.Connections[name].Connector)
	if missing == nil {
		return at(name, err)
	}
	a.problem("connections."+name+".connector", missing.Message, missing.Remedy)
	return nil
}

func (a *applying) checkSecrets(name string, d connector.Description) {
	path := "connections." + name + ".secrets"
	known := make([]string, 0, len(d.Secrets))
	for _, s := range d.Secrets {
		known = append(known, s.Key)
	}
	given := map[string]bool{}
	for key := range a.file.Connections[name].Secrets {
		given[key] = true
	}
	for key := range a.secrets[name] {
		given[key] = true
	}
	for _, key := range sortedKeys(given) {
		if slices.Contains(known, key) {
			continue
		}
		remedy := "known are " + strings.Join(known, ", ")
		if near := flow.Nearest(key, known); near != "" {
			remedy = "did you mean " + near + "?"
		}
		a.problem(path+"."+key, "the connector "+d.Name+" knows no secret "+key, remedy)
	}
	for _, s := range d.Secrets {
		if s.Required && !given[s.Key] && a.stored[name][s.Key] == "" {
			remedy := "add " + s.Key + ": env:NAME, or file:PATH"
			if s.Key == token.ClientID && d.OAuth != nil && d.OAuth.Registration != "" {
				remedy += ". There is none yet? " + d.OAuth.Registration
			}
			a.problem(path, s.Key+" is missing", remedy)
		}
	}
}

// changes lists what the file changes. Of secrets only that they do.
func (a *applying) changes() []flow.Difference {
	out := flow.Diff(a.old, a.next)
	if out == nil {
		out = []flow.Difference{}
	}
	for name, secrets := range a.secrets {
		for key, value := range secrets {
			path, have := "connections."+name+".secrets."+key, a.stored[name]
			known := have[key]
			if key == token.RefreshToken { // its successors are kept: what counts is which seed was taken
				if known = have[token.SeedHash]; known == token.HashSeed(value) {
					continue
				}
			} else if known == value {
				continue
			}
			d := flow.Difference{Path: path, To: `"set"`}
			if known != "" {
				d = flow.Difference{Path: path, From: `"set"`, To: `"changed"`}
			}
			out = append(out, d)
		}
	}
	slices.SortStableFunc(out, func(x, y flow.Difference) int { return strings.Compare(x.Path, y.Path) })
	return out
}

// keepSecrets stores the secrets of connections of the file.
func (a *applying) keepSecrets(ctx context.Context, st store.Store, names []string) error {
	keeper := token.NewKeeper(st, a.describe, a.tokens)
	defer keeper.Close()
	for _, name := range names {
		if err := a.keep(ctx, st, keeper, name); err != nil {
			return err
		}
	}
	return nil
}

// store puts the configuration into force, under the home's lock.
func (a *applying) store(ctx context.Context, st store.Store, changes []flow.Difference) (ApplyResult, error) {
	res := ApplyResult{Revision: a.revision, Applied: true, Changes: changes, Flows: sortedKeys(a.next.Flows)}
	if len(flow.Diff(a.old, a.next)) == 0 && a.revision > 0 {
		return res, nil
	}
	// What changes how a flow decides, or where it reads, gives every record of the source another look. Links keep that from
	// writing anything twice.
	var cursors []store.Cursor
	for _, name := range sortedKeys(a.next.Flows) {
		if a.readsAnew(name) {
			objects, err := a.objects(a.next.Flows[name])
			if err != nil {
				return ApplyResult{}, err
			}
			for _, o := range objects {
				cursors = append(cursors, store.Cursor{Flow: name, Object: o})
			}
		}
	}
	if len(cursors) > 0 {
		if err := st.Commit(ctx, store.Change{Cursors: cursors}); err != nil {
			return ApplyResult{}, fmt.Errorf("set the cursors back: %w", err)
		}
	}
	n, err := st.SaveRevision(ctx, store.Revision{Time: a.service.opts.Clock.Now(), Config: a.next.Canonical()})
	if err != nil {
		return ApplyResult{}, fmt.Errorf("save the configuration: %w", err)
	}
	res.Revision = n
	a.service.dropDraft()
	for name := range a.old.Connections {
		if _, kept := a.next.Connections[name]; !kept {
			if err := forgetSecrets(ctx, st, name); err != nil {
				return ApplyResult{}, err
			}
		}
	}
	return res, nil
}

// keep stores the secrets of one connection. A refresh token is a seed.
func (a *applying) keep(ctx context.Context, st store.Store, keeper *token.Keeper, name string) error {
	if a.replaced(name) {
		// Another system under the same name: nothing of the old one's is good for it.
		if err := forgetSecrets(ctx, st, name); err != nil {
			return err
		}
	}
	put := map[string]string{}
	for key, value := range a.secrets[name] {
		if key != token.RefreshToken {
			put[key] = value
		}
	}
	if len(put) > 0 {
		if err := st.PutSecrets(ctx, name, put); err != nil {
			return fmt.Errorf("keep the secrets of connection %s: %w", name, err)
		}
	}
	if a.described[name].OAuth == nil {
		return nil
	}
	if _, err := keeper.Seed(ctx, name, a.secrets[name][token.RefreshToken]); err != nil {
		return fmt.Errorf("keep the refresh token of connection %s: %w", name, err)
	}
	return nil
}

// replaced tells whether a connection in force is one of another system from now on.
func (a *applying) replaced(name string) bool {
	old, known := a.old.Connections[name]
	return known && old.Connector != a.file.Connections[name].Connector
}

// judgeFirst judges flows before anything of the file is in force. Nobody can look into the account of a new connection without its secrets, so those
// are kept for it, and given up again when the file is refused: all but the tokens, since a seed that was used leads to its successors alone.
func (a *applying) judgeFirst(ctx context.Context, st *home.State, names []string) ([]string, error) {
	var fresh []string
	for _, name := range sortedKeys(a.secrets) {
		if _, known := a.old.Connections[name]; !known {
			fresh = append(fresh, name)
		}
	}
	if err := a.keepSecrets(ctx, st.Store, fresh); err != nil {
		return nil, err
	}
	notes, err := a.judge(ctx, st, names)
	if err == nil {
		return notes, nil
	}
	for _, name := range fresh {
		put := map[string]string{}
		for key := range a.secrets[name] {
			if key != token.RefreshToken {
				put[key] = ""
			}
		}
		if e := st.Store.PutSecrets(context.WithoutCancel(ctx), name, put); e != nil {
			return nil, fmt.Errorf("give up the secrets of connection %s: %w", name, e)
		}
	}
	return nil, err
}

func forgetSecrets(ctx context.Context, st store.Store, name string) error {
	have, err := st.Secrets(ctx, name)
	if err != nil || len(have) == 0 {
		return err
	}
	for key := range have {
		have[key] = ""
	}
	if err := st.PutSecrets(ctx, name, have); err != nil {
		return fmt.Errorf("forget the secrets of connection %s: %w", name, err)
	}
	return nil
}

// describe is the keeper's source: the connection as the file has it.
func (a *applying) describe(_ context.Context, name string) (connector.Description, connector.Settings, error) {
	d := a.described[name]
	return d, withDefaults(d, a.file.Connections[name].Settings), nil
}

// still ends the runs of flows that read anew from now on, and keeps new ones from beginning until end is called.
func (a *applying) still(ctx context.Context) (end func(), err error) {
	var leave []func()
	end = func() {
		for _, l := range leave {
			l()
		}
	}
	for _, name := range sortedKeys(a.next.Flows) {
		if _, known := a.old.Flows[name]; !known || !a.readsAnew(name) {
			continue
		}
		a.service.works.stop(name, false)
		l, err := a.service.works.turn(ctx, name)
		if err != nil {
			end()
			return nil, err
		}
		leave = append(leave, l)
	}
	return end, nil
}

// readsAnew tells whether a flow that is in force decides otherwise from now on, or reads another system.
func (a *applying) readsAnew(name string) bool {
	was, known := a.old.Flows[name]
	if !known {
		return true
	}
	is := a.next.Flows[name]
	was.Schedule, is.Schedule = "", ""
	one := func(f flow.Flow) flow.Config {
		return flow.Config{Flows: map[string]flow.Flow{name: f}}
	}
	if len(flow.Diff(one(was), one(is))) > 0 {
		return true
	}
	connections := func(c flow.Config) flow.Config {
		return flow.Config{Connections: map[string]flow.Connection{is.Source: c.Connections[is.Source], is.Destination: c.Connections[is.Destination]}}
	}
	return len(flow.Diff(connections(a.old), connections(a.next))) > 0
}

// objects are the source's objects that a flow may have a cursor in.
func (a *applying) objects(f flow.Flow) ([]string, error) {
	r, err := flow.LoadRecipe(a.service.recipes, f.Recipe)
	if err != nil {
		return nil, err
	}
	set := map[string]bool{}
	for _, o := range r.Read {
		set[o.Object] = true
	}
	return sortedKeys(set), nil
}

// Flows returns the names of the flows that are in force, in order; none where nothing was applied yet.
func (s *Service) Flows(ctx context.Context) ([]string, error) {
	var names []string
	err := s.reading(ctx, func(st *home.State) error {
		rev, err := st.Store.Revision(ctx)
		if isNotFound(err) {
			return nil
		}
		if err != nil {
			return err
		}
		c, err := flow.ParseCanonical(rev.Config)
		names = sortedKeys(c.Flows)
		return err
	})
	if store.CodeOf(err) == store.CodeNotApplied {
		return nil, nil
	}
	return names, err
}

// nobody is the host of a connection that is only opened to check its settings.
type nobody struct{}

func (nobody) Token(context.Context, string) (string, error) {
	return "", &connector.Error{Cause: connector.CausePluginFailed, Message: "the connector asks for a token while its settings are checked",
		Remedy: "report it to the connector's author"}
}
func (nobody) Exchange(context.Context, connector.Exchange) {}
func (nobody) Progress(context.Context, connector.Progress) {}
