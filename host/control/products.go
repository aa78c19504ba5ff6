package control

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/pomost/pomost/host/engine"
	"github.com/pomost/pomost/host/engine/decide"
	"github.com/pomost/pomost/host/flow"
	"github.com/pomost/pomost/sdk/connector"
	"github.com/pomost/pomost/sdk/decimal"
)

// prepareProducts makes a flow of products ready.
func prepareProducts(ctx context.Context, p *preparation) ([]*engine.Flow, error) {
	r, s, lane := p.recipe, *p.settings.Products, p.recipe.Lanes[0]
	schemas, err := p.schemas(ctx)
	if err != nil {
		return nil, err
	}
	src, dst := p.end(lane.From), p.end(r.Write[lane.Write].System)
	target := r.Write[lane.Write].Marked(s.Marks).With(s.Attributes)
	for _, problem := range r.ValidateTarget(lane.Write, target, schemas[r.Source], schemas[r.Destination]) {
		if field, _, _ := strings.Cut(problem.Path, "."); s.Attributes[field] != "" { // what is wrong with the recipe's own was told
			problem.Path = "settings.attributes." + field
			p.problems = append(p.problems, problem)
		}
	}
	read := schemas[lane.From][r.LaneRead(lane).Object]
	for _, field := range sortedKeys(s.Filter) {
		if _, ok := read.Index(field); !ok {
			p.problems = append(p.problems, flow.Problem{Path: "settings.filter." + field, Message: read.Name + " has no such field in this account", Remedy: "name a field of " + src.name})
		}
	}
	k := &decide.Items{Settings: s, UnitList: r.Lists.Units, OwnCoding: true}
	for _, rule := range target.Rules() {
		if slices.Contains(rule.From, "sending.coding") && rule.Mark == flow.MarkUpdate {
			k.OwnCoding = false
		}
	}
	if err := p.itemFacts(ctx, k, src, dst); err != nil {
		return nil, err
	}
	k.PriceDecimals = r.Facts.PriceDecimals.In(schemas[r.Destination][r.Facts.PriceDecimals.Object])
	m := &decide.Masters{Recipe: r, Lane: lane, Kind: k, Write: target, Schemas: schemas[r.Destination], Create: true, Update: true, Conflict: decide.ConflictWins, Hash: p.hash}
	return []*engine.Flow{p.lane(lane, m)}, nil
}

// itemFacts reads what decisions about products depend on: currencies, the basis of prices, VAT rates, codings and units.
func (p *preparation) itemFacts(ctx context.Context, k *decide.Items, src, dst opened) error {
	r, s := p.recipe, k.Settings
	var err error
	if k.SourceCurrency, _, err = fact(ctx, src, r.Facts.SourceCurrency); err != nil {
		return err
	}
	if k.Currency, _, err = fact(ctx, dst, r.Facts.Currency); err != nil {
		return err
	}
	k.Gross = s.PriceBasis == "gross"
	if s.PriceBasis == "auto" {
		basis, known, err := fact(ctx, src, r.Lists.PriceBasis)
		if err != nil {
			return err
		}
		k.Gross, k.BasisAssumed = basis == "true", !known
	}
	rates, err := items(ctx, src, r.Lists.VATRates.List)
	if err != nil {
		return err
	}
	k.VATRates = map[string]decimal.Decimal{}
	for _, it := range rates {
		if d, err := decimal.Parse(it.Attributes[r.Lists.VATRates.Attribute]); err == nil {
			k.VATRates[decide.Fold(it.ID)] = d
		}
	}
	codings, err := items(ctx, dst, r.Lists.Codings.List)
	if err != nil {
		return err
	}
	for _, it := range codings {
		rate, err := decimal.Parse(it.Attributes[r.Lists.Codings.Rate])
		if it.Attributes[r.Lists.Codings.Active] != "true" || err != nil {
			continue
		}
		kind := it.Attributes[r.Lists.Codings.Type]
		if kind == r.Lists.Codings.Goods || kind == r.Lists.Codings.Service {
			k.Codings = append(k.Codings, decide.Coding{Key: it.ID, Name: it.Name, Rate: rate, Service: kind == r.Lists.Codings.Service})
		}
	}
	if k.Units, err = items(ctx, dst, r.Lists.Units.List); err != nil {
		return err
	}
	for i, row := range s.Codings {
		named := slices.ContainsFunc(k.Codings, func(c decide.Coding) bool {
			return strings.EqualFold(c.Key, row.Coding) || decide.Fold(c.Name) == decide.Fold(row.Coding)
		})
		if row.Coding != "" && !named {
			p.problems = append(p.problems, flow.Problem{Path: fmt.Sprintf("settings.codings[%d].coding", i), Message: dst.name + " has no active coding " + row.Coding,
				Remedy: "use one of " + names(codings)})
		}
	}
	for _, from := range sortedKeys(s.Units) {
		if _, ok := flow.Item(k.Units, s.Units[from], r.Lists.Units.Names...); !ok {
			p.problems = append(p.problems, flow.Problem{Path: "settings.units." + from, Message: dst.name + " has no unit " + s.Units[from], Remedy: "use one of " + names(k.Units)})
		}
	}
	return nil
}

// items reads a reference list; without a name it is empty.
func items(ctx context.Context, o opened, list string) ([]connector.ListItem, error) {
	if list == "" {
		return nil, nil
	}
	out, err := o.connection.List(ctx, list)
	if err != nil {
		return nil, at(o.name, fmt.Errorf("list %s: %w", list, err))
	}
	return out, nil
}

// names lists the items of a list for a message, the first of many.
func names(list []connector.ListItem) string {
	const most = 20
	var out []string
	for _, it := range list[:min(len(list), most)] {
		out = append(out, it.Name)
	}
	if len(list) > most {
		out = append(out, "…")
	}
	return strings.Join(out, ", ")
}
