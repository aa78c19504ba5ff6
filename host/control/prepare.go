package control

import (
	"context"
	"errors"
	"fmt"
	"sort"
	"sync"
	"time"

	"github.com/pomost/pomost/host/activity"
	"github.com/pomost/pomost/host/engine"
	"github.com/pomost/pomost/host/engine/decide"
	"github.com/pomost/pomost/host/flow"
	"github.com/pomost/pomost/host/home"
	"github.com/pomost/pomost/host/store"
	"github.com/pomost/pomost/host/token"
	"github.com/pomost/pomost/sdk/connector"
	"github.com/pomost/pomost/sdk/record"
)

// lookBack is how far before its cursor a flow reads, so that records with late or equal stamps are not lost. What was carried over
// already costs a comparison and no write.
const lookBack = 10 * time.Minute

// workshop makes flows ready to run: it opens their connections once and discovers both accounts.
type workshop struct {
	service  *Service
	state    *home.State
	plugins  Plugins
	config   flow.Config
	revision int64
	tokens   *token.Keeper
	calls    *callables

	mu   sync.Mutex // while a connection is being opened
	open map[string]opened
}

type opened struct {
	name        string
	connection  connector.Connection
	description connector.Description
	settings    connector.Settings
}

func (s *Service) workshop(ctx context.Context, st *home.State, m Plugins) (*workshop, error) {
	rev, err := st.Store.Revision(ctx)
	if err != nil {
		return nil, notApplied(err)
	}
	config, err := flow.ParseCanonical(rev.Config)
	if err != nil {
		return nil, fmt.Errorf("read revision %d of the configuration: %w", rev.Number, err)
	}
	return s.workshopOf(st, m, config, rev.Number), nil
}

// workshopOf is a workshop for any configuration.
func (s *Service) workshopOf(st *home.State, m Plugins, config flow.Config, revision int64) *workshop {
	w := &workshop{service: s, state: st, plugins: m, config: config, revision: revision, open: map[string]opened{}, calls: &callables{open: s.functions}}
	w.tokens = token.NewKeeper(st.Store, w.describe, s.tokenOptions(st))
	return w
}

// tokenOptions let one keeper of tokens work at a time where several may live beside each other: in a daemon, an old configuration's
// runs may still be ending while the new one is used.
func (s *Service) tokenOptions(st *home.State) token.Options {
	if k, leave := s.holding(); k != nil {
		leave()
		return token.Options{Lease: token.StoreLease(st.Store, holder(), s.opts.Clock.Now)}
	}
	return token.Options{}
}

func notApplied(err error) error {
	if isNotFound(err) {
		return usage("nothing was applied yet", "run `pomost apply -f FILE` first")
	}
	return err
}

// close ends the connections that were opened.
func (w *workshop) close() {
	for _, o := range w.open {
		_ = o.connection.Close() // the manager ends the process in any case
	}
	_ = w.calls.close()  // workers end with their pool in any case
	_ = w.tokens.Close() // what it could not store was told to whoever asked
}

// connect opens a connection of the configuration by its name, once.
func (w *workshop) connect(ctx context.Context, name string) (opened, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if o, ok := w.open[name]; ok {
		return o, nil
	}
	conf, ok := w.config.Connections[name]
	if !ok {
		return opened{}, usage("there is no connection %s", "apply a file that has it", name)
	}
	d, settings, err := w.describe(ctx, name)
	if err != nil {
		return opened{}, at(name, err)
	}
	o := opened{name: name, description: d, settings: settings}
	scrub, err := scrubberOf(ctx, w.state, name)
	if err != nil {
		return opened{}, err
	}
	host := &callbacks{service: w.service, tokens: w.tokens, connection: name, scrub: scrub}
	conn, problems, err := w.plugins.Connection(ctx, name, conf.Connector, o.settings, host)
	if err != nil {
		return opened{}, at(name, err)
	}
	if len(problems) > 0 {
		return opened{}, settingProblems(name, problems)
	}
	o.connection = conn
	w.open[name] = o
	return o, nil
}

// describe tells what a connection of the configuration is.
func (w *workshop) describe(ctx context.Context, name string) (connector.Description, connector.Settings, error) {
	conf, ok := w.config.Connections[name]
	if !ok {
		return connector.Description{}, nil, usage("there is no connection %s", "apply a file that has it", name)
	}
	c, err := w.plugins.Connector(ctx, conf.Connector)
	if err != nil {
		return connector.Description{}, nil, err
	}
	d := c.Describe()
	w.service.known.keep(d)
	return d, withDefaults(d, conf.Settings), nil
}

// at puts the connection's name on an error of it.
func at(name string, err error) error {
	f := *AsFailure(err)
	f.Connection = name
	return &f
}

func settingProblems(name string, problems []connector.Problem) error {
	var es flow.UsageErrors
	for _, p := range problems {
		es = append(es, &flow.UsageError{Path: "connections." + name + ".settings." + p.Setting, Message: p.Message, Remedy: p.Remedy})
	}
	return es
}

func withDefaults(d connector.Description, given map[string]string) connector.Settings {
	out := connector.Settings{}
	for _, s := range d.Settings {
		if s.Default != "" {
			out[s.Key] = s.Default
		}
	}
	for k, v := range given {
		out[k] = v
	}
	return out
}

// lanes makes a flow of the configuration ready to run: one engine flow, or two where records travel both ways.
func (w *workshop) lanes(ctx context.Context, name string) ([]*engine.Flow, error) {
	p, err := w.preparation(ctx, flowOf(name))
	if err != nil {
		return nil, err
	}
	prepare, ok := preparers[p.recipe.Kind]
	if !ok {
		return nil, usage("flows of the kind %s cannot be run", "name another recipe", p.recipe.Kind)
	}
	flows, err := prepare(ctx, p)
	if err != nil {
		return nil, err
	}
	if len(p.problems) > 0 {
		return nil, flowProblems(p.name, "", p.problems)
	}
	return flows, nil
}

// preparation begins to make a flow ready: its recipe with its settings and rules, and both connections.
func (w *workshop) preparation(ctx context.Context, name string) (*preparation, error) {
	conf, ok := w.config.Flows[name]
	if !ok {
		names := make([]string, 0, len(w.config.Flows))
		for n := range w.config.Flows {
			names = append(names, n)
		}
		sort.Strings(names)
		if near := flow.Nearest(name, names); near != "" {
			return nil, usage("there is no flow %s; did you mean %s?", "name one of the flows that were applied", name, near)
		}
		return nil, usage("there is no flow %s", "name one of the flows that were applied", name)
	}
	recipe, err := flow.LoadRecipe(w.service.recipes, conf.Recipe)
	if err != nil {
		return nil, err
	}
	settings, problems := recipe.ParseSettings(conf.Settings)
	if len(problems) > 0 {
		return nil, flowProblems(name, "settings.", problems)
	}
	if problems := recipe.Adopt(conf); len(problems) > 0 {
		return nil, flowProblems(name, "mapping.", problems)
	}
	p := &preparation{workshop: w, name: name, config: conf, recipe: recipe, settings: settings}
	if p.source, err = w.connect(ctx, conf.Source); err != nil {
		return nil, err
	}
	if p.destination, err = w.connect(ctx, conf.Destination); err != nil {
		return nil, err
	}
	return p, nil
}

// preparation is a flow on its way to be made ready.
type preparation struct {
	*workshop
	name                string
	config              flow.Flow
	recipe              *flow.Recipe
	settings            flow.Settings
	source, destination opened
	problems            []flow.Problem
}

// preparers make flows ready, by the kind of their recipe.
var preparers = map[string]func(context.Context, *preparation) ([]*engine.Flow, error){
	"orders":    prepareOrders,
	"customers": prepareCustomers,
	"products":  prepareProducts,
	"stock":     prepareStock,
}

// end returns the flow's connection to a system, by its connector.
func (p *preparation) end(system string) opened {
	if p.config.Destination != "" && p.workshop.config.Connections[p.config.Destination].Connector == system {
		return p.destination
	}
	return p.source
}

// lane makes one lane ready to run.
func (p *preparation) lane(l flow.Lane, d engine.Decider) *engine.Flow {
	from, to := p.end(l.From), p.destination
	if from.name == p.destination.name {
		to = p.source
	}
	name := p.name
	if l.Name != "" {
		name += ":" + l.Name
	}
	return &engine.Flow{Name: name, Decider: d, Revision: p.revision, Call: p.calls.call,
		Source:      engine.End{Name: from.name, Connection: from.connection, Settle: settle(from), LookBack: lookBack},
		Destination: engine.End{Name: to.name, Connection: to.connection, Settle: settle(to)}}
}

// schemas discovers what a lane reads and writes, and checks the recipe against both accounts.
func (p *preparation) schemas(ctx context.Context) (bySystem map[string]map[string]*record.Schema, err error) {
	objects := map[string][]string{}
	for _, o := range p.recipe.Read {
		objects[o.System] = append(objects[o.System], o.Object)
	}
	for _, o := range p.recipe.Back {
		objects[o.System] = append(objects[o.System], o.Object)
	}
	for _, t := range p.recipe.Write {
		objects[t.System] = append(objects[t.System], t.Object)
	}
	bySystem = map[string]map[string]*record.Schema{}
	for system, names := range objects {
		sort.Strings(names)
		if bySystem[system], err = discover(ctx, p.end(system), names); err != nil {
			return nil, err
		}
	}
	if p.recipe.Functions, err = p.calls.signatures(ctx, p.recipe); err != nil {
		return nil, err
	}
	// Only now is it known what these accounts have: a field that the flow needs and they lack is the configuration's fault.
	for _, problem := range p.recipe.Validate(bySystem[p.recipe.Source], bySystem[p.recipe.Destination]) {
		p.problems = append(p.problems, placed(problem, p.config.Mapping))
	}
	return bySystem, nil
}

// prepareOrders makes a flow of orders ready.
func prepareOrders(ctx context.Context, p *preparation) ([]*engine.Flow, error) {
	d, err := p.orders(ctx, p.recipe, *p.settings.Orders, p.source, p.destination)
	if err != nil {
		return nil, err
	}
	return []*engine.Flow{p.lane(p.recipe.Lanes[0], d)}, nil
}

func flowProblems(name, below string, problems []flow.Problem) error {
	var es flow.UsageErrors
	for _, p := range problems {
		es = append(es, &flow.UsageError{Path: "flows." + name + "." + below + p.Path, Message: p.Message, Remedy: p.Remedy})
	}
	return es
}

// settle is the connection's settle_time: its setting, else the connector's default.
func settle(o opened) time.Duration {
	if d, err := time.ParseDuration(o.settings["settle_time"]); err == nil && d > 0 {
		return d
	}
	return o.description.SettleTime
}

// orders gathers what decisions about orders depend on.
func (p *preparation) orders(ctx context.Context, r *flow.Recipe, s flow.OrderSettings, src, dst opened) (*decide.Orders, error) {
	o := &decide.Orders{Recipe: r, Settings: s, CardTerms: map[string]bool{}, Hash: p.hash}
	schemas, err := p.schemas(ctx)
	if err != nil {
		return nil, err
	}
	o.Schemas = schemas[r.Destination]
	for _, name := range sortedKeys(s.Constants) {
		if _, err := flow.ConvertText(s.Constants[name], o.Schemas[r.Write["order"].Object], name); err != nil {
			p.problems = append(p.problems, flow.Problem{Path: "settings.constants." + name, Message: err.Error(), Remedy: "correct the constant, or leave it out"})
		}
	}
	if o.Country, _, err = fact(ctx, src, r.Facts.SourceCountry); err != nil {
		return nil, err
	}
	if o.CountryThere, _, err = fact(ctx, dst, r.Facts.Country); err != nil {
		return nil, err
	}
	if o.CountryThere == "" {
		o.CountryThere = o.Country
	}
	if err := p.orderTables(ctx, o); err != nil {
		return nil, err
	}
	var known bool
	if o.Currency, known, err = fact(ctx, dst, r.Facts.Currency); err != nil {
		return nil, err
	}
	if !known {
		// Two companies of one business keep one currency; a document in another one than the source's own is foreign in any case.
		o.CurrencyAssumed = true
		if o.Currency, _, err = fact(ctx, src, r.Facts.SourceCurrency); err != nil {
			return nil, err
		}
	}
	o.Gross = s.PriceBasis == "gross"
	if s.PriceBasis == "auto" {
		basis, known, err := fact(ctx, dst, r.Facts.PriceBasis)
		if err != nil {
			return nil, err
		}
		o.Gross, o.BasisAssumed = basis == "true", !known
	}
	o.PriceDecimals = r.Facts.PriceDecimals.In(o.Schemas[r.Facts.PriceDecimals.Object])
	o.QuantityDecimals = r.Facts.QuantityDecimals.In(o.Schemas[r.Facts.QuantityDecimals.Object])
	if s.OnlyPaid && s.CardCountsAsPaid {
		items, err := src.connection.List(ctx, r.Terms.List)
		if err != nil {
			return nil, at(src.name, fmt.Errorf("list %s: %w", r.Terms.List, err))
		}
		for _, it := range items {
			o.CardTerms[it.ID] = r.Terms.Card(it)
		}
	}
	return o, nil
}

// hash is the short keyed hash of a value, as links keep it.
func (w *workshop) hash(v record.Value) string { return w.state.Vault.HashKey("value", v.String()) }

// discover returns the schemas of objects as an account has them.
func discover(ctx context.Context, o opened, objects []string) (map[string]*record.Schema, error) {
	out := map[string]*record.Schema{}
	for _, name := range objects {
		if out[name] != nil {
			continue
		}
		schema, err := o.connection.Discover(ctx, name)
		if err != nil {
			return nil, at(o.name, fmt.Errorf("discover %s: %w", name, err))
		}
		out[name] = schema
	}
	return out, nil
}

// fact reads a fact about a company, and whether the company tells it.
func fact(ctx context.Context, o opened, f flow.ListFact) (string, bool, error) {
	if f.List == "" {
		return "", false, nil
	}
	items, err := o.connection.List(ctx, f.List)
	if err != nil {
		return "", false, at(o.name, fmt.Errorf("list %s: %w", f.List, err))
	}
	v, ok := f.From(items)
	return v, ok, nil
}

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	sort.Strings(keys)
	return keys
}

// callbacks is what a connection may ask of us.
type callbacks struct {
	service    *Service
	tokens     *token.Keeper
	connection string
	scrub      *activity.Scrubber
}

// Token gives an access token; we alone trade and refresh.
func (c *callbacks) Token(ctx context.Context, rejected string) (string, error) {
	access, err := c.tokens.Token(ctx, c.connection, rejected)
	c.scrub.Hide(access)
	return access, err
}

// Exchange keeps a raw exchange for the activity log, without secrets, beside the record on whose way it was made.
func (c *callbacks) Exchange(ctx context.Context, x connector.Exchange) {
	engine.Observe(ctx, c.connection, x, c.scrub.Clean)
}

// Progress tells the person what a connection waits for.
func (c *callbacks) Progress(_ context.Context, p connector.Progress) {
	c.service.works.connectionEvent(c.connection, p.What, p.Wait)
}

func isNotFound(err error) bool { return errors.Is(err, store.ErrNotFound) }

// rehearse plans a flow of a configuration that is not in force.
func (s *Service) rehearse(ctx context.Context, c flow.Config, name string) (PlanResult, error) {
	res := PlanResult{Flow: name, Actions: []engine.Planned{}}
	err := s.within(ctx, func(st *home.State, in *workshop) error {
		w := s.workshopOf(st, in.plugins, c, in.revision)
		defer w.close()
		lanes, err := w.lanes(ctx, name)
		if err != nil {
			return err
		}
		for _, f := range lanes {
			if _, err := s.engine(st, &work{flow: name}).PlanFlow(ctx, f, func(a engine.Planned) error {
				res.Actions = append(res.Actions, a)
				return nil
			}); err != nil {
				return err
			}
		}
		return nil
	})
	return res, err
}

// isNotApplied tells that there is no state yet at all.
func isNotApplied(err error) bool { return store.CodeOf(err) == store.CodeNotApplied }
