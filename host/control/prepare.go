package control

import (
	"context"
	"errors"
	"fmt"
	"sort"
	"time"

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
	open     map[string]opened
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
	w := &workshop{service: s, state: st, plugins: m, revision: rev.Number, open: map[string]opened{}}
	if w.config, err = flow.ParseCanonical(rev.Config); err != nil {
		return nil, fmt.Errorf("read revision %d of the configuration: %w", rev.Number, err)
	}
	w.tokens = token.NewKeeper(st.Store, w.describe, token.Options{})
	return w, nil
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
	_ = w.tokens.Close() // what it could not store was told to whoever asked
}

// connect opens a connection of the configuration by its name, once.
func (w *workshop) connect(ctx context.Context, name string) (opened, error) {
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
	host := &callbacks{service: w.service, tokens: w.tokens, connection: name}
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

// flow makes a flow of the configuration ready to run.
func (w *workshop) flow(ctx context.Context, name string) (*engine.Flow, error) {
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
	src, err := w.connect(ctx, conf.Source)
	if err != nil {
		return nil, err
	}
	dst, err := w.connect(ctx, conf.Destination)
	if err != nil {
		return nil, err
	}
	d, err := w.orders(ctx, recipe, *settings.Orders, src, dst)
	if err != nil {
		return nil, err
	}
	if len(d.problems) > 0 {
		return nil, flowProblems(name, "", d.problems)
	}
	return &engine.Flow{Name: name, Decider: &d.Orders, Revision: w.revision,
		Source:      engine.End{Name: conf.Source, Connection: src.connection, Settle: settle(src), LookBack: lookBack},
		Destination: engine.End{Name: conf.Destination, Connection: dst.connection, Settle: settle(dst)}}, nil
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

// account is what was found out of both accounts for a flow of orders, with what does not fit the flow.
type account struct {
	decide.Orders
	problems []flow.Problem
}

// orders gathers what decisions about orders depend on.
func (w *workshop) orders(ctx context.Context, r *flow.Recipe, s flow.OrderSettings, src, dst opened) (*account, error) {
	o := &account{Orders: decide.Orders{Recipe: r, Settings: s, CardTerms: map[string]bool{},
		Hash: func(v record.Value) string { return w.state.Vault.HashKey("value", v.String()) }}}
	var read, written []string
	for _, obj := range r.Read {
		read = append(read, obj.Object)
	}
	for _, t := range r.Write {
		written = append(written, t.Object)
	}
	for _, obj := range r.Back {
		written = append(written, obj.Object)
	}
	sources, err := discover(ctx, src, read)
	if err != nil {
		return nil, err
	}
	if o.Schemas, err = discover(ctx, dst, written); err != nil {
		return nil, err
	}
	// Only now is it known what these accounts have: a field that the flow needs and they lack is the configuration's fault.
	for _, p := range r.Validate(sources, o.Schemas) {
		p.Path = "recipe." + p.Path
		o.problems = append(o.problems, p)
	}
	for _, name := range sortedKeys(s.Constants) {
		if _, err := flow.ConvertText(s.Constants[name], o.Schemas[r.Write["order"].Object], name); err != nil {
			o.problems = append(o.problems, flow.Problem{Path: "settings.constants." + name, Message: err.Error(), Remedy: "correct the constant, or leave it out"})
		}
	}
	if o.Country, _, err = fact(ctx, src, r.Facts.SourceCountry); err != nil {
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
}

// Token gives an access token; we alone trade and refresh.
func (c *callbacks) Token(ctx context.Context, rejected string) (string, error) {
	return c.tokens.Token(ctx, c.connection, rejected)
}

// Exchange is for the activity log, which is yet to come: nothing of a payload is kept until then.
func (c *callbacks) Exchange(context.Context, connector.Exchange) {}

// Progress tells the person what a connection waits for.
func (c *callbacks) Progress(_ context.Context, p connector.Progress) {
	if c.service.opts.Progress != nil {
		c.service.opts.Progress(engine.Event{Message: c.connection + ": " + p.What, Wait: p.Wait})
	}
}

func isNotFound(err error) bool { return errors.Is(err, store.ErrNotFound) }
