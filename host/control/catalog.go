package control

import (
	"context"
	"io/fs"
	"slices"
	"strings"

	"github.com/pomost/pomost/host/flow"
	"github.com/pomost/pomost/sdk/connector"
)

// Catalog implements API.
func (s *Service) Catalog(ctx context.Context) (CatalogResult, error) {
	res := CatalogResult{Connectors: []CatalogConnector{}, Recipes: []CatalogRecipe{}}
	err := s.plugins(func(m Plugins) error {
		for _, name := range s.Connectors() {
			c, err := m.Connector(ctx, name)
			if err != nil {
				return err
			}
			d := c.Describe()
			s.known.keep(d)
			one := CatalogConnector{Name: d.Name, Title: d.Title, Version: d.Version, Consent: d.OAuth != nil, Settings: fieldsOf(d.Settings), Secrets: fieldsOf(d.Secrets)}
			if d.OAuth != nil {
				one.Registration = d.OAuth.Registration
			}
			res.Connectors = append(res.Connectors, one)
		}
		return nil
	})
	if err != nil {
		return res, err
	}
	paths, err := fs.Glob(s.recipes, "*/*/recipe.yaml")
	if err != nil {
		return res, err
	}
	slices.Sort(paths)
	for _, p := range paths {
		r, err := flow.LoadRecipe(s.recipes, strings.TrimSuffix(p, "/recipe.yaml"))
		if err != nil {
			return res, err
		}
		c := CatalogRecipe{Name: r.Name, Kind: r.Kind, Title: r.Title, Source: r.Source, Destination: r.Destination, Settings: []Field{}}
		for _, set := range r.Settings {
			if !set.Planned {
				c.Settings = append(c.Settings, recipeField(set))
			}
		}
		res.Recipes = append(res.Recipes, c)
	}
	return res, nil
}

func fieldsOf(settings []connector.Setting) []Field {
	out := []Field{}
	for _, s := range settings {
		out = append(out, fieldOf(s))
	}
	return out
}

// fieldOf is a setting as a form asks for it.
func fieldOf(s connector.Setting) Field {
	f := Field{Key: s.Key, Label: s.Label, Help: s.Help, Type: string(s.Type), Required: s.Required, Secret: s.Secret, Advanced: s.Advanced,
		DependsOn: s.DependsOn, Equals: s.Equals}
	if s.Default != "" {
		f.Value = s.Default
	}
	for _, v := range s.Values {
		f.Options = append(f.Options, Option{Value: v, Label: v})
	}
	return f
}

// recipeField is a recipe's setting as a form asks for it: values that do not work yet are no options.
func recipeField(s flow.Setting) Field {
	f := fieldOf(s.Setting)
	f.Max = s.Max
	for i, o := range f.Options {
		if label := s.Labels[o.Value]; label != "" {
			f.Options[i].Label = label
		}
	}
	if s.Default != "" { // typed, as a configuration states it
		switch s.Type {
		case connector.SettingBool:
			f.Value = s.Default == "true"
		case connector.SettingChoices, connector.SettingTexts:
			list := []any{}
			for w := range strings.SplitSeq(s.Default, ",") {
				list = append(list, strings.TrimSpace(w))
			}
			f.Value = list
		}
	}
	f.Options = slices.DeleteFunc(f.Options, func(o Option) bool { return slices.Contains(s.PlannedValues, o.Value) })
	for _, c := range s.Fields {
		f.Columns = append(f.Columns, recipeField(c))
	}
	if len(f.Columns) > 0 { // a setting with keys of its own is one record, not rows
		f.Type = FieldGroup
	}
	return f
}
