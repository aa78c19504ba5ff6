package control

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/pomost/pomost/host/flow"
	"github.com/pomost/pomost/host/home"
	"github.com/pomost/pomost/sdk/connector"
)

// flow asks for the settings of a flow: those that a person is asked about one by one, or all of them on one page.
func (q *questionnaire) flow(ctx context.Context, name string, all bool) (bool, error) {
	conf := q.config.Flows[name]
	recipe, err := flow.LoadRecipe(q.service.recipes, conf.Recipe)
	if err != nil {
		return false, err
	}
	settings := map[string]any{}
	maps.Copy(settings, conf.Settings)
	choices, found := q.lookUp(ctx, conf, recipe)
	take := func(keys []string) func(Answer) []flow.Problem {
		return func(a Answer) []flow.Problem {
			next, fields := maps.Clone(settings), a.Fields
			own := recipe.Kind == stockKind && fields[formulaKey] == ownFormula
			if recipe.Kind == stockKind {
				fields = formulaAnswer(fields)
			}
			for _, k := range keys {
				if v, given := fields[k]; given && !a.Skipped {
					if delete(next, k); !blank(v) {
						next[k] = v
					}
				}
			}
			_, problems := recipe.ParseSettings(next)
			problems = slices.DeleteFunc(problems, func(p flow.Problem) bool {
				return !slices.ContainsFunc(keys, func(k string) bool {
					return p.Path == k || strings.HasPrefix(p.Path, k+".") || strings.HasPrefix(p.Path, k+"[")
				})
			})
			if len(problems) == 0 {
				settings = next
			}
			for i := range problems { // it stands where it was typed
				if own && problems[i].Path == formulaKey {
					problems[i].Path = formulaOwn
				}
			}
			return problems
		}
	}
	page := Question{Kind: QuestionForm, Title: recipe.Title, Flow: name, Skippable: !all}
	var keys []string
	for _, s := range recipe.Settings {
		if s.Planned || !all && !wizards(s) {
			continue
		}
		if !all && found[s.Key] {
			q.total--
			continue
		}
		fields := []Field{q.field(name, s, settings, choices)}
		formula := recipe.Kind == stockKind && s.Key == formulaKey
		if formula {
			fields = q.formulaFields(fields[0])
		}
		if all {
			page.Fields, keys = append(page.Fields, fields...), append(keys, s.Key)
			continue
		}
		one := page
		for i := range fields { // a page with one question hides nothing
			fields[i].Advanced = false
		}
		one.ID, one.Text, one.Fields = askFlow+name+":"+s.Key, s.Question, fields
		if q.ask(one, take([]string{s.Key})) {
			continue
		}
		if formula {
			q.formulaQuestion(q.levels(ctx, name, conf, recipe))
		}
		q.propose(ctx, conf, recipe, s, &q.step.Question.Fields[0])
		return false, nil
	}
	if all {
		page.ID, page.Text = askFlow+name, q.t("All settings of the flow %s. What is left empty has its default.", name)
		if !q.ask(page, take(keys)) {
			return false, nil
		}
	}
	conf.Settings = settings
	if len(settings) == 0 {
		conf.Settings = nil
	}
	q.config.Flows[name] = conf
	return true, nil
}

// wizards tells whether the wizard asks for a setting: where there is nothing to choose it does not.
func wizards(s flow.Setting) bool {
	return s.Question != "" && !s.Planned && (s.Type != connector.SettingChoice || len(recipeField(s).Options) > 1)
}

// questions counts what a flow may be asked for, so that a person sees how far this is.
func (q *questionnaire) questions(name string) (n int) {
	recipe, err := flow.LoadRecipe(q.service.recipes, q.config.Flows[name].Recipe)
	if err != nil {
		return 0
	}
	for _, s := range recipe.Settings {
		if wizards(s) {
			n++
		}
	}
	return n
}

// field is a setting as the form asks for it, with the value in force, what is proposed, or its default.
func (q *questionnaire) field(name string, s flow.Setting, settings map[string]any, choices map[string][]Option) Field {
	f := recipeField(s)
	f.DependsOn, f.Equals = "", "" // the other field stands on another page
	if options := choices[s.Key]; len(options) > 0 {
		if f.Options = options; f.Type == FieldText {
			f.Type = FieldChoice
		}
	}
	if v, set := settings[s.Key]; set {
		f.Value = v
	} else if other, v := q.elsewhere(name, s); other != "" {
		f.Value, f.Proposed, f.Why = v, true, q.t("as in the flow %s", other)
	} else if s.Type == connector.SettingDate && s.Question != "" {
		month := (int(q.now.Month())-1)/3*3 + 1
		f.Value, f.Proposed, f.Why = fmt.Sprintf("%d-%02d-01", q.now.Year(), month), true, q.t("the first day of this quarter")
	}
	return f
}

// elsewhere finds what another flow says for a setting whose values are from the same list: who answered it once need not think again.
func (q *questionnaire) elsewhere(name string, s flow.Setting) (other string, value any) {
	if s.Options == "" {
		return "", nil
	}
	for _, n := range sortedKeys(q.config.Flows) {
		if v, set := q.config.Flows[n].Settings[s.Key]; set && n != name && !blank(v) {
			return n, v
		}
	}
	return "", nil
}

// Bounds of what is read to propose a value.
const (
	usageTime   = 15 * time.Second
	usageLooked = 2000
)

// propose puts the value into a field that most records of the system have already, where most of them agree.
func (q *questionnaire) propose(ctx context.Context, conf flow.Flow, recipe *flow.Recipe, s flow.Setting, f *Field) {
	at := strings.Split(s.MostUsed, ".")
	if len(at) != 3 || !blank(f.Value) {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, usageTime)
	defer cancel()
	times, of := map[string]int{}, 0
	err := q.service.within(ctx, func(_ *home.State, w *workshop) error {
		o, err := q.end(ctx, w, conf, recipe, at[0])
		if err != nil {
			return err
		}
		return o.connection.Read(ctx, connector.ReadRequest{Object: at[1]}, func(b connector.Batch) error {
			for _, rec := range b.Records {
				times[strings.TrimSpace(rec.Get(at[2]).String())]++
				if of++; of == usageLooked {
					return errEnough
				}
			}
			return nil
		})
	})
	if err != nil && !errors.Is(err, errEnough) {
		return // the person knows it without us
	}
	for value, n := range times {
		known := len(f.Options) == 0 || slices.ContainsFunc(f.Options, func(o Option) bool { return o.Value == value })
		if value != "" && known && 2*n > of {
			f.Value, f.Proposed, f.Why = value, true, q.t("as %d of %d that are there", n, of)
		}
	}
}

// end opens the connection of one side of a recipe: where records travel both ways, the flow may call them the other way round.
func (q *questionnaire) end(ctx context.Context, w *workshop, conf flow.Flow, recipe *flow.Recipe, side string) (opened, error) {
	system, name := recipe.Source, conf.Destination
	if side == "destination" {
		system = recipe.Destination
	}
	if q.config.Connections[conf.Source].Connector == system {
		name = conf.Source
	}
	return w.connect(ctx, name)
}

// lookUp asks the systems, where they can be asked, for the values that their own lists offer for settings, and finds out which settings need no
// person's word.
func (q *questionnaire) lookUp(ctx context.Context, conf flow.Flow, recipe *flow.Recipe) (choices map[string][]Option, found map[string]bool) {
	choices, found = map[string][]Option{}, map[string]bool{}
	_ = q.service.within(ctx, func(_ *home.State, w *workshop) error { // without an answer there are no options: the field takes any text
		list := func(side, list string) []connector.ListItem {
			if list == "" {
				return nil
			}
			o, err := q.end(ctx, w, conf, recipe, side)
			if err != nil {
				return nil
			}
			items, _ := o.connection.List(ctx, list)
			return items
		}
		for _, s := range recipe.Settings {
			side, name, _ := strings.Cut(s.Options, ".")
			items := list(side, name)
			if len(items) > maxOptions {
				continue
			}
			for _, it := range items {
				label := it.ID
				if it.Name != "" && it.Name != it.ID {
					label += "  " + it.Name
				}
				choices[s.Key] = append(choices[s.Key], Option{Value: it.ID, Label: label})
			}
		}
		switch recipe.Kind {
		case "orders":
			_, found["price_basis"] = recipe.Facts.PriceBasis.From(list("destination", recipe.Facts.PriceBasis.List))
		case "products":
			_, found["price_basis"] = recipe.Lists.PriceBasis.From(list("source", recipe.Lists.PriceBasis.List))
		case stockKind: // a destination that counts its stock itself takes no quantity; one that does not has nothing to be managed
			counts, known := recipe.Lists.CountsStock.From(list("destination", recipe.Lists.CountsStock.List))
			found[formulaKey], found["manage_stock"] = counts == "true", known && counts != "true"
		}
		return nil
	})
	return choices, found
}

// maxOptions bounds a list that is offered.
const maxOptions = 500
