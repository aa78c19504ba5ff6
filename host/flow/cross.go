package flow

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"
)

// Check tests what lies between the parts of a configuration: that recipes and connections exist and fit one another, that the flows'
// settings are those of their recipes, and that no two flows give one destination the same references. The error is a
// UsageErrors.
func (c Config) Check(recipes fs.FS) error {
	var errs UsageErrors
	fail := func(path, message, remedy string) { errs = append(errs, c.Problem(path, message, remedy)) }
	type claim struct{ destination, reference, prefix string }
	claims := map[claim]string{}
	for _, name := range keys(c.Flows) {
		f, at := c.Flows[name], join("flows", name)
		r, err := LoadRecipe(recipes, f.Recipe)
		switch {
		case errors.Is(err, ErrNoRecipe):
			fail(at+".recipe", "there is no recipe "+clip(f.Recipe), suggest(f.Recipe, RecipeNames(recipes)))
		case err != nil:
			fail(at+".recipe", "the recipe "+f.Recipe+" is broken: "+err.Error(), "install the program, or the plugin that brings the recipe, again")
		}
		for _, side := range []struct{ key, connection string }{{"source", f.Source}, {"destination", f.Destination}} {
			conn, ok := c.Connections[side.connection]
			if !ok {
				fail(join(at, side.key), "there is no connection "+clip(side.connection), suggest(side.connection, keys(c.Connections)))
				continue
			}
			if r == nil {
				continue
			}
			want := r.Source
			if side.key == "destination" {
				want = r.Destination
			}
			if len(r.Lanes) > 1 && c.Connections[f.Source].Connector == r.Destination && c.Connections[f.Destination].Connector == r.Source {
				continue // where records travel both ways, either system may be called the source
			}
			if conn.Connector != want {
				fail(join(at, side.key), fmt.Sprintf("the recipe %s wants a connection of the connector %s, %s is one of %s", r.Name, want, side.connection, conn.Connector),
					"name another connection, or another recipe")
			}
		}
		if r == nil {
			continue
		}
		for _, p := range r.Adopt(f) {
			fail(join(at+".mapping", p.Path), p.Message, p.Remedy)
		}
		settings, problems := r.ParseSettings(f.Settings)
		for _, p := range problems {
			fail(join(at+".settings", p.Path), p.Message, p.Remedy)
		}
		if settings.Orders == nil || len(problems) > 0 {
			continue
		}
		// Prefixes that differ in letter case alone are one to a person who searches.
		key := claim{f.Destination, settings.Orders.Reference, strings.ToLower(settings.Orders.ReferencePrefix)}
		if other, taken := claims[key]; taken {
			fail(at, fmt.Sprintf("the flows %s and %s give their orders in %s the same references", other, name, f.Destination),
				"set a different reference_prefix for one of them")
			continue
		}
		claims[key] = name
	}
	return errs.err()
}
