package control

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/pomost/pomost/host/engine/decide"
	"github.com/pomost/pomost/host/flow"
	"github.com/pomost/pomost/sdk/connector"
)

// orderTables resolves the translation tables of a flow of orders with the source's reference lists, and checks the others against the
// destination's.
func (p *preparation) orderTables(ctx context.Context, o *decide.Orders) error {
	s, r := o.Settings, o.Recipe
	if target := r.Write["order"]; s.Discounts == "field" && !decide.Shows(&target.Mapping, o.Schemas[target.Object], "line.discount_percent") {
		p.problems = append(p.problems, flow.Problem{Path: "settings.discounts", Message: "rows of " + target.Object + " have no field for a discount in this account",
			Remedy: "use price or line"})
	}
	if len(s.PaymentTerms)+len(s.PaymentMethods) > 0 {
		list, err := items(ctx, p.source, r.Terms.List)
		if err != nil {
			return err
		}
		// How something is paid counts where the terms themselves are not listed, so it comes first and is overwritten.
		o.Terms = &decide.Codes{Setting: "payment_terms", What: "terms of payment", By: map[string]string{}, Names: nameOf(list)}
		p.translate(o.Terms, list, "payment_methods", s.PaymentMethods, r.Lists.Methods)
		p.translate(o.Terms, list, "payment_terms", s.PaymentTerms, nil)
		if len(s.PaymentTerms) == 0 {
			o.Terms.Setting = "payment_methods"
		}
	}
	if len(s.ShippingMethods) > 0 {
		list, err := items(ctx, p.source, r.Lists.Deliveries.List)
		if err != nil {
			return err
		}
		o.Deliveries = &decide.Codes{Setting: "shipping_methods", What: "ways of delivery", By: map[string]string{}, Names: nameOf(list)}
		p.translate(o.Deliveries, list, "shipping_methods", s.ShippingMethods, r.Lists.Deliveries.Names)
		for k, code := range s.ShippingMethods { // orders keep the words of ways that are gone from the list
			o.Deliveries.By[decide.Fold(k)] = code
		}
	}
	return p.listed(ctx)
}

// nameOf tells how the items of a list are called.
func nameOf(items []connector.ListItem) map[string]string {
	out := map[string]string{}
	for _, it := range items {
		out[decide.Fold(it.ID)] = it.Name
	}
	return out
}

// translate adds what a setting says of the items of a list, each by its key, its name or some of its attributes.
func (p *preparation) translate(to *decide.Codes, items []connector.ListItem, setting string, table map[string]string, attributes []string) {
	for _, word := range sortedKeys(table) {
		found := false
		for _, it := range items {
			called := []string{it.ID, it.Name}
			for _, a := range attributes {
				called = append(called, it.Attributes[a])
			}
			if !slices.ContainsFunc(called, func(s string) bool { return decide.Fold(s) == decide.Fold(word) }) {
				continue
			}
			found = true
			for _, s := range []string{it.ID, it.Name} {
				to.By[decide.Fold(s)] = table[word]
			}
		}
		if !found {
			p.problems = append(p.problems, flow.Problem{Path: "settings." + setting + "." + word, Message: p.source.name + " has no " + to.What + " of that name",
				Remedy: "use one of " + names(items)})
		}
	}
}

// listed checks the rows of tables against the reference lists that their columns name: a wrong one would show up only with the first record that
// it fits. A list that cannot be read proves nothing wrong.
func (p *preparation) listed(ctx context.Context) error {
	read := map[string][]connector.ListItem{}
	for _, s := range p.recipe.Settings {
		rows, many := p.config.Settings[s.Key].([]any)
		if one, given := p.config.Settings[s.Key]; given && !many {
			rows = []any{one} // a list of one may be written as the one
		}
		for _, col := range s.Fields {
			side, list, ok := strings.Cut(col.Options, ".")
			if !s.Rows || !ok || len(rows) == 0 {
				continue
			}
			end := p.end(p.recipe.Source)
			if side == "destination" {
				end = p.end(p.recipe.Destination)
			}
			have, known := read[col.Options]
			if !known {
				var err error
				if have, err = items(ctx, end, list); err != nil && !proves(err) {
					return err
				}
				read[col.Options] = have
			}
			for i, row := range rows {
				fields, _ := row.(map[string]any)
				given, ok := fields[col.Key]
				if !ok || len(have) == 0 {
					continue
				}
				word := strings.TrimSpace(fmt.Sprint(given))
				if !slices.ContainsFunc(have, func(it connector.ListItem) bool { return strings.EqualFold(strings.TrimSpace(it.ID), word) }) {
					p.problems = append(p.problems, flow.Problem{Path: fmt.Sprintf("settings.%s[%d].%s", s.Key, i, col.Key), Message: fmt.Sprintf("%s has no %s %q", end.name, col.Label, word),
						Remedy: "use one that " + end.name + " has: " + some(have)})
				}
			}
		}
	}
	return nil
}

// proves tells an answer that the list cannot be had from the lack of one.
func proves(err error) bool {
	var e *connector.Error
	return errors.As(err, &e) && e.Cause != connector.CauseUnavailable && e.Cause != connector.CauseRateLimited && e.Cause != connector.CauseCredentials
}

// some names the first items of a list.
func some(items []connector.ListItem) string {
	var out []string
	for _, it := range items[:min(len(items), 12)] {
		out = append(out, strings.TrimSpace(it.ID+" "+it.Name))
	}
	if len(items) > len(out) {
		out = append(out, "…")
	}
	return strings.Join(out, ", ")
}
