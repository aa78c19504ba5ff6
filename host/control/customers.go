package control

import (
	"context"
	"fmt"
	"slices"
	"sort"
	"strings"

	"github.com/pomost/pomost/host/engine"
	"github.com/pomost/pomost/host/engine/decide"
	"github.com/pomost/pomost/host/flow"
	"github.com/pomost/pomost/sdk/connector"
	"github.com/pomost/pomost/sdk/record"
)

// prepareCustomers makes a flow of customers ready: one lane, or both with that of the flow's source first, whose word counts where both
// sides changed a field.
func prepareCustomers(ctx context.Context, p *preparation) ([]*engine.Flow, error) {
	s := *p.settings.Customers
	p.recipe = p.recipe.Marked(s.Marks)
	schemas, err := p.schemas(ctx)
	if err != nil {
		return nil, err
	}
	companies, err := p.companies(ctx)
	if err != nil {
		return nil, err
	}
	terms, err := p.terms(ctx, s)
	if err != nil {
		return nil, err
	}
	collective := p.collective()
	lanes := map[string]*decide.Masters{}
	for _, l := range p.recipe.Lanes {
		from, to := p.end(l.From), p.other(l.From)
		t := terms[l.From]
		m := &decide.Masters{Recipe: p.recipe, Lane: l, Write: p.recipe.Write[l.Write], Create: s.Create, Update: s.Update,
			Schemas: schemas[p.recipe.Write[l.Write].System], Conflict: decide.ConflictYields, Newest: s.Conflict == flow.ConflictNewest,
			Kind: &decide.Customers{Recipe: p.recipe, Lane: l, Settings: s, From: companies[l.From], To: companies[p.recipe.Write[l.Write].System],
				Terms: t.own, DefaultTerms: t.standard, Collective: collective[from.name], CollectiveThere: collective[to.name]},
			Hash: func(v record.Value) string { return p.state.Vault.HashKey("value", v.String()) }}
		switch {
		case s.Conflict == flow.ConflictHold:
			m.Conflict = decide.ConflictHold
		case from.name == p.source.name:
			m.Conflict = decide.ConflictWins
		}
		lanes[l.Name] = m
	}
	var used []flow.Lane
	for _, l := range p.recipe.Lanes {
		if s.Direction == flow.DirectionBoth || s.Direction == l.Name || s.Direction == "" && p.end(l.From).name == p.source.name {
			used = append(used, l)
		}
		for _, other := range p.recipe.Lanes {
			// The lane the other way is known even where it is not used: what came from there is no news.
			if other.Name != l.Name {
				lanes[l.Name].Reverse = lanes[other.Name]
			}
		}
	}
	sort.SliceStable(used, func(i, j int) bool {
		return p.end(used[i].From).name == p.source.name && p.end(used[j].From).name != p.source.name
	})
	useless := p.useless(s, used)
	var flows []*engine.Flow
	for _, l := range used {
		m := lanes[l.Name]
		m.Kind.(*decide.Customers).Useless = useless
		flows = append(flows, p.lane(l, m))
	}
	if len(flows) == 2 {
		flows[0].Crosses, flows[1].Crosses, flows[1].Second = flows[1].Name, flows[0].Name, true
	}
	return flows, nil
}

// other is the connection that is not the system's.
func (p *preparation) other(system string) opened {
	if p.end(system).name == p.source.name {
		return p.destination
	}
	return p.source
}

// companies finds out what both companies are; one that does not tell its country is taken for the other's neighbour.
func (p *preparation) companies(ctx context.Context) (map[string]decide.Company, error) {
	r := p.recipe
	out := map[string]decide.Company{}
	for system, facts := range map[string][2]flow.ListFact{
		r.Source: {r.Facts.SourceCountry, r.Facts.SourceCurrency}, r.Destination: {r.Facts.Country, r.Facts.Currency},
	} {
		country, _, err := fact(ctx, p.end(system), facts[0])
		if err != nil {
			return nil, err
		}
		currency, _, err := fact(ctx, p.end(system), facts[1])
		if err != nil {
			return nil, err
		}
		out[system] = decide.Company{Country: country, Currency: currency}
	}
	for system, other := range map[string]string{r.Source: r.Destination, r.Destination: r.Source} {
		if c := out[system]; c.Country == "" {
			c.Country = out[other].Country
			out[system] = c
		}
	}
	return out, nil
}

// laneTerms are terms of payment on their way from one system.
type laneTerms struct {
	own      map[string]string
	standard string
}

// terms resolves the table of terms of payment. The terms of one system are on its list, by name or key; the other's are codes that no list
// tells.
func (p *preparation) terms(ctx context.Context, s flow.CustomerSettings) (map[string]laneTerms, error) {
	r := p.recipe
	to := laneTerms{own: map[string]string{}} // from the recipe's source
	back := laneTerms{own: map[string]string{}}
	end := p.end(r.Source)
	standard, _, err := fact(ctx, end, r.Facts.SourceTerms)
	if err != nil {
		return nil, err
	}
	back.standard = standard
	var items []connector.ListItem
	if len(s.PaymentTerms) > 0 {
		if items, err = end.connection.List(ctx, r.Terms.List); err != nil {
			return nil, at(end.name, fmt.Errorf("list %s: %w", r.Terms.List, err))
		}
	}
	listed := func(word string) (string, bool) {
		for _, it := range items {
			if decide.Fold(it.ID) == decide.Fold(word) || decide.Fold(it.Name) == decide.Fold(word) {
				return it.ID, true
			}
		}
		return "", false
	}
	for _, k := range sortedKeys(s.PaymentTerms) {
		id, code := k, s.PaymentTerms[k]
		key, ok := listed(id)
		if !ok {
			id, code = code, k
			key, ok = listed(id)
		}
		if !ok {
			var names []string
			for _, it := range items {
				names = append(names, it.Name)
			}
			p.problems = append(p.problems, flow.Problem{Path: "settings.payment_terms." + k, Message: "neither side of it is one of the terms of payment of " + end.name,
				Remedy: "use one of " + strings.Join(names, ", ")})
			continue
		}
		to.own[decide.Fold(key)] = code
		if _, taken := back.own[decide.Fold(code)]; !taken {
			back.own[decide.Fold(code)] = key
		}
	}
	return map[string]laneTerms{r.Source: to, r.Destination: back}, nil
}

// collective gathers, by connection, the numbers under which guests buy: the flows of orders of the same two connections know them.
func (p *preparation) collective() map[string][]string {
	out := map[string][]string{}
	for _, name := range sortedKeys(p.workshop.config.Flows) {
		f := p.workshop.config.Flows[name]
		ends := []string{f.Source, f.Destination}
		if !slices.Contains(ends, p.source.name) || !slices.Contains(ends, p.destination.name) {
			continue
		}
		r, err := flow.LoadRecipe(p.service.recipes, f.Recipe)
		if err != nil {
			continue // that flow says so itself
		}
		settings, _ := r.ParseSettings(f.Settings)
		if o := settings.Orders; o != nil {
			out[f.Source] = append(out[f.Source], o.CollectiveCustomers...)
			if o.DefaultDebtor != "" {
				out[f.Destination] = append(out[f.Destination], o.DefaultDebtor)
			}
		}
	}
	return out
}

// useless are the settings that were given and that no lane in use takes anything from.
func (p *preparation) useless(s flow.CustomerSettings, used []flow.Lane) []string {
	var out []string
	for _, c := range []struct {
		setting, path string
		given         bool
	}{
		{"collective_account", "settings.collective_account", s.CollectiveAccount != ""},
		{"tax_codes", "settings.tax_code", len(s.TaxCodes) > 0},
		{"revenue_accounts", "settings.revenue_account", len(s.RevenueAccounts) > 0},
	} {
		takes := slices.ContainsFunc(used, func(l flow.Lane) bool {
			return slices.ContainsFunc(p.recipe.Write[l.Write].Rules(), func(r flow.Rule) bool { return slices.Contains(r.From, c.path) })
		})
		if c.given && !takes {
			out = append(out, c.setting)
		}
	}
	return out
}
