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
	"github.com/pomost/pomost/host/token"
	"github.com/pomost/pomost/sdk/connector"
)

// The IDs of questions, or what they begin with.
const (
	askPair       = "pair"
	askConnection = "connection:" // and the connector
	askConsent    = "consent:"    // and the connection
	askCheck      = "check:"
	askFlows      = "flows"
	askFlow       = "flow:" // and flow:setting
	askSchedule   = "schedule"
	askPlan       = "plan:"
)

// proposedSchedule is what the wizard proposes.
const proposedSchedule = "5m"

// Question implements API. Connections are put into force as soon as they are described, since a person's consent belongs to them; flows only
// when the caller applies what comes out at the end.
func (s *Service) Question(ctx context.Context, a Answers) (Step, error) {
	catalog, err := s.Catalog(ctx)
	if err != nil {
		return Step{}, err
	}
	q := &questionnaire{service: s, catalog: catalog, answers: a, secrets: map[string]map[string]string{}, now: s.opts.Clock.Now()}
	err = s.reading(ctx, func(st *home.State) error {
		var err error
		if q.force, q.revision, err = configIn(ctx, st); err != nil {
			return err
		}
		q.consented = map[string]bool{}
		for name := range q.force.Connections {
			have, err := st.Store.Secrets(ctx, name)
			if err != nil {
				return err
			}
			q.consented[name] = have[token.RefreshToken] != ""
		}
		return nil
	})
	if err != nil && !isNotApplied(err) {
		return Step{}, err
	}
	q.config = flow.Config{Version: flow.Version, Connections: maps.Clone(q.force.Connections), Flows: maps.Clone(q.force.Flows)}
	if q.config.Connections == nil {
		q.config.Connections = map[string]flow.Connection{}
	}
	if q.config.Flows == nil {
		q.config.Flows = map[string]flow.Flow{}
	}
	if a.Flow != "" {
		err = q.settings(ctx)
	} else {
		err = q.setup(ctx)
	}
	if err != nil || q.step.Question != nil {
		q.step.Number, q.step.Total = q.number, max(q.total, q.number)
		return q.step, err
	}
	return q.done()
}

// questionnaire asks one question after the other until one is not answered yet.
type questionnaire struct {
	service  *Service
	catalog  CatalogResult
	answers  Answers
	now      time.Time
	force    flow.Config // in force
	revision int64
	// consented are the connections in force that have a token.
	consented map[string]bool
	// config is what the answers lead to.
	config        flow.Config
	secrets       map[string]map[string]string
	touched       []string // connections that the answers name
	number, total int
	step          Step
}

// ask asks a question unless it is answered well: problems tells what is wrong with the answer. It reports whether to go on.
func (q *questionnaire) ask(question Question, take func(Answer) []flow.Problem) bool {
	q.number++
	given, ok := q.answers.Values[question.ID]
	if ok && given.Skipped && !question.Skippable {
		ok = false
	}
	if ok {
		given.Fields = plainFields(given.Fields)
		problems := take(given)
		if len(problems) == 0 {
			return true
		}
		q.step.Problems = problems
		for i := range question.Fields { // what was typed stays in the form, but for secrets
			if v, typed := given.Fields[question.Fields[i].Key]; typed && !question.Fields[i].Secret {
				question.Fields[i].Value = v
			}
		}
	}
	q.step.Question = &question
	return false
}

// setup asks for everything, from nothing to a pair that is alive.
func (q *questionnaire) setup(ctx context.Context) error {
	source, destination, ok := q.pair()
	if !ok {
		return nil
	}
	q.total = 2*3 + 4
	var ends []string
	for _, c := range []string{source, destination} {
		name, ok, err := q.connection(ctx, c)
		if err != nil || !ok {
			return err
		}
		ends = append(ends, name)
	}
	for _, name := range ends {
		if ok, err := q.ready(ctx, name); err != nil || !ok {
			return err
		}
	}
	flows, ok := q.flows(source, destination, ends)
	if !ok {
		return nil
	}
	for _, name := range flows {
		if ok, err := q.flow(ctx, name, false); err != nil || !ok {
			return err
		}
	}
	if !q.schedule(flows) {
		return nil
	}
	for _, name := range flows {
		if ok, err := q.plan(ctx, name); err != nil || !ok {
			return err
		}
	}
	return nil
}

// settings asks for the settings of a flow that there is, all at once.
func (q *questionnaire) settings(ctx context.Context) error {
	if _, ok := q.config.Flows[q.answers.Flow]; !ok {
		return usage("there is no flow %s", "name one of the flows that were applied", q.answers.Flow)
	}
	q.total = 1
	_, err := q.flow(ctx, q.answers.Flow, true)
	return err
}

// pair asks which systems belong together.
func (q *questionnaire) pair() (source, destination string, ok bool) {
	titles := map[string]string{}
	for _, c := range q.catalog.Connectors {
		titles[c.Name] = c.Title
	}
	field := Field{Key: "pair", Label: "Systems", Help: "Which two systems are to be connected?", Type: string(connector.SettingChoice), Required: true}
	for _, r := range q.catalog.Recipes {
		value := pairOf(r)
		if titles[r.Source] == "" || titles[r.Destination] == "" || slices.ContainsFunc(field.Options, func(o Option) bool { return o.Value == value }) {
			continue
		}
		a, b, _ := strings.Cut(value, "+")
		field.Options = append(field.Options, Option{Value: value, Label: titles[a] + " and " + titles[b]})
	}
	if len(field.Options) > 0 {
		field.Value = field.Options[0].Value
	}
	ok = q.ask(Question{ID: askPair, Kind: QuestionForm, Title: "Which systems?", Text: "Records travel between two systems. What travels, and which way, is asked later.", Fields: []Field{field}},
		func(a Answer) []flow.Problem {
			v, _ := a.Fields["pair"].(string)
			if !slices.ContainsFunc(field.Options, func(o Option) bool { return o.Value == v }) {
				return []flow.Problem{{Path: "pair", Message: "choose one of the pairs"}}
			}
			source, destination, _ = strings.Cut(v, "+")
			return nil
		})
	return source, destination, ok
}

// pairOf names the two systems of a recipe, whichever way its records travel.
func pairOf(r CatalogRecipe) string {
	pair := []string{r.Source, r.Destination}
	slices.Sort(pair)
	return strings.Join(pair, "+")
}

// connection asks for one connection: one that there is, or a new one.
func (q *questionnaire) connection(ctx context.Context, system string) (name string, ok bool, err error) {
	i := slices.IndexFunc(q.catalog.Connectors, func(c CatalogConnector) bool { return c.Name == system })
	c := q.catalog.Connectors[i]
	question := Question{ID: askConnection + system, Kind: QuestionForm, Title: "Connection to " + c.Title,
		Text: "What the system gave you when you registered with it. Secrets are kept encrypted in the home, and shown to nobody."}
	const use, fresh = "use", "a new connection"
	// A connection that these very answers brought into force is no choice beside itself.
	given := q.answers.Values[question.ID].Fields
	own := ""
	if _, chosen := given[use]; !chosen {
		own = strings.TrimSpace(wordOf(given["name"]))
	}
	var there []string
	for _, n := range sortedKeys(q.force.Connections) {
		if q.force.Connections[n].Connector == system && n != own {
			there = append(there, n)
		}
	}
	settings := q.force.Connections[system].Settings
	if len(there) > 0 {
		f := Field{Key: use, Label: "Connection", Help: "One that there is already, or a new one.", Type: string(connector.SettingChoice), Required: true, Value: there[0]}
		for _, n := range append(slices.Clone(there), fresh) {
			f.Options = append(f.Options, Option{Value: n, Label: n})
		}
		question.Fields = append(question.Fields, f)
	}
	only := func(f Field) Field { // asked for a new one only
		if len(there) > 0 {
			f.DependsOn, f.Equals = use, fresh
		}
		return f
	}
	free := system
	for n := 2; q.force.Connections[free].Connector != ""; n++ {
		free = fmt.Sprintf("%s%d", system, n)
	}
	question.Fields = append(question.Fields, only(Field{Key: "name", Label: "Name", Help: "How you call it: small letters, digits, - and _.", Type: string(connector.SettingText), Value: free, Required: true, Max: 63}))
	for _, f := range c.Settings {
		if v, set := settings[f.Key]; set {
			f.Value = v
		}
		question.Fields = append(question.Fields, only(f))
	}
	for _, f := range c.Secrets {
		if f.Key == token.RefreshToken { // comes from the consent
			continue
		}
		f.Secret = true
		question.Fields = append(question.Fields, only(f))
	}
	var failed error
	ok = q.ask(question, func(a Answer) []flow.Problem {
		if chosen, _ := a.Fields[use].(string); len(there) > 0 && own == "" && chosen != fresh {
			if !slices.Contains(there, chosen) {
				return []flow.Problem{{Path: use, Message: "choose one of the connections"}}
			}
			name = chosen
			return nil
		}
		name, _ = a.Fields["name"].(string)
		name = strings.TrimSpace(name)
		conf, secrets := flow.Connection{Connector: system, Settings: map[string]string{}}, map[string]string{}
		for _, f := range c.Settings {
			if v := settingText(a.Fields[f.Key]); v != "" && v != wordOf(f.Value) {
				conf.Settings[f.Key] = v
			}
		}
		for _, f := range c.Secrets {
			if v := strings.TrimSpace(wordOf(a.Fields[f.Key])); v != "" {
				secrets[f.Key] = v
			}
		}
		problems, err := q.enforce(ctx, name, conf, secrets)
		failed = err
		return problems
	})
	if name != "" {
		q.touched = append(q.touched, name)
	}
	return name, ok && failed == nil, failed
}

// enforce puts a connection into force, unless it is just so already. Problems are those of the form's fields.
func (q *questionnaire) enforce(ctx context.Context, name string, conf flow.Connection, secrets map[string]string) ([]flow.Problem, error) {
	q.config.Connections[name], q.secrets[name] = conf, secrets
	one := flow.Config{Version: flow.Version, Connections: map[string]flow.Connection{name: conf}, Flows: map[string]flow.Flow{}}
	text, err := one.YAML()
	if err != nil {
		return nil, err
	}
	_, err = q.service.ApplyConfig(ctx, ConfigRequest{Config: string(text), File: "setup", Secrets: map[string]map[string]string{name: secrets}})
	return problemsBelow(err, "connections."+name)
}

// problemsBelow makes problems of a form of what is wrong with a configuration, and leaves other errors as they are.
func problemsBelow(err error, path string) ([]flow.Problem, error) {
	f := AsFailure(err)
	if f == nil {
		return nil, nil
	}
	if f.exit != ExitUsage {
		return nil, err
	}
	var out []flow.Problem
	var all flow.UsageErrors
	if one := (*flow.UsageError)(nil); !errors.As(err, &all) && errors.As(err, &one) {
		all = flow.UsageErrors{one}
	}
	for _, u := range all {
		at := strings.TrimPrefix(strings.TrimPrefix(u.Path, path), ".")
		for _, part := range []string{"settings.", "secrets."} {
			at = strings.TrimPrefix(at, part)
		}
		if at == "" || strings.HasPrefix(u.Path, "connections") && !strings.HasPrefix(u.Path, path) {
			at = "name"
		}
		out = append(out, flow.Problem{Path: at, Message: u.Message, Remedy: u.Remedy})
	}
	if len(out) == 0 {
		out = append(out, flow.Problem{Message: f.Message, Remedy: f.Remedy})
	}
	return out, nil
}

// ready asks for a person's consent where it is wanted, and shows what the system then says.
func (q *questionnaire) ready(ctx context.Context, name string) (bool, error) {
	conf := q.config.Connections[name]
	i := slices.IndexFunc(q.catalog.Connectors, func(c CatalogConnector) bool { return c.Name == conf.Connector })
	c := q.catalog.Connectors[i]
	if c.Consent {
		if !q.ask(Question{ID: askConsent + name, Kind: QuestionConsent, Connection: name, Title: "Consent at " + c.Title,
			Text: "Open the address, sign in at " + c.Title + ", and allow Pomost to work for you. The page then leads back: paste the address that it leads to."},
			func(Answer) []flow.Problem {
				if !q.consented[name] {
					return []flow.Problem{{Message: "the consent is not complete yet"}}
				}
				return nil
			}) && !q.consented[name] {
			return false, nil
		}
		q.step.Question, q.step.Problems = nil, nil // an older consent will do
	}
	if _, seen := q.answers.Values[askCheck+name]; seen {
		q.number++
		return true, nil
	}
	res, err := q.service.Check(ctx, []string{name})
	if err != nil {
		return false, err
	}
	return q.ask(Question{ID: askCheck + name, Kind: QuestionCheck, Connection: name, Title: "What " + c.Title + " allows", Skippable: true,
		Text: "Each right and function that the flows need.", Checks: res.Connections[0].Checks}, nil), nil
}

// flows asks what should travel.
func (q *questionnaire) flows(source, destination string, ends []string) (names []string, ok bool) {
	field := Field{Key: "flows", Label: "Flows", Help: "What should travel?", Type: string(connector.SettingChoices), Required: true}
	by := map[string]CatalogRecipe{}
	var all []any
	for _, r := range q.catalog.Recipes {
		if pairOf(r) == source+"+"+destination && by[r.Kind].Name == "" {
			by[r.Kind] = r
			field.Options = append(field.Options, Option{Value: r.Kind, Label: r.Title})
			all = append(all, r.Kind)
		}
	}
	field.Value = all
	ok = q.ask(Question{ID: askFlows, Kind: QuestionForm, Title: "What should travel?", Fields: []Field{field}}, func(a Answer) []flow.Problem {
		for _, w := range wordsOf(a.Fields["flows"]) {
			if by[w].Name == "" {
				return []flow.Problem{{Path: "flows", Message: "there is no flow " + w}}
			}
			names = append(names, w)
		}
		if len(names) == 0 {
			return []flow.Problem{{Path: "flows", Message: "choose at least one"}}
		}
		return nil
	})
	connections := map[string]string{source: ends[0], destination: ends[1]}
	for _, n := range names {
		f := q.config.Flows[n]
		if f.Recipe != by[n].Name {
			f = flow.Flow{Recipe: by[n].Name}
		}
		f.Source, f.Destination = connections[by[n].Source], connections[by[n].Destination]
		q.config.Flows[n] = f
	}
	return names, ok
}

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
		if s.Planned || !all && (s.Question == "" || found[s.Key]) {
			continue
		}
		fields := []Field{q.field(s, settings, choices)}
		formula := recipe.Kind == stockKind && s.Key == formulaKey
		if formula {
			fields = formulaFields(fields[0])
		}
		if all {
			page.Fields, keys = append(page.Fields, fields...), append(keys, s.Key)
			continue
		}
		if f := fields[0]; f.Type == FieldChoice && len(f.Options) == 1 {
			continue // there is nothing to choose
		}
		one := page
		one.ID, one.Text, one.Fields = askFlow+name+":"+s.Key, s.Question, fields
		q.total = max(q.total, q.number+2)
		if q.ask(one, take([]string{s.Key})) {
			continue
		}
		if formula {
			q.levels(ctx, name, conf, recipe).formulaQuestion(q.step.Question)
		}
		return false, nil
	}
	if all {
		page.ID, page.Text = askFlow+name, "All settings of the flow "+name+". What is left empty has its default."
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

// field is a setting as the form asks for it, with the value in force, what is proposed, or its default.
func (q *questionnaire) field(s flow.Setting, settings map[string]any, choices map[string][]Option) Field {
	f := recipeField(s)
	f.DependsOn, f.Equals = "", "" // the other field stands on another page
	if options := choices[s.Key]; len(options) > 0 {
		f.Options = options
	}
	if v, set := settings[s.Key]; set {
		f.Value = v
	} else if s.Type == connector.SettingDate && s.Question != "" {
		month := (int(q.now.Month())-1)/3*3 + 1
		f.Value, f.Proposed, f.Why = fmt.Sprintf("%d-%02d-01", q.now.Year(), month), true, "the first day of this quarter"
	}
	return f
}

// lookUp asks the systems, where they can be asked, for the values that their own lists offer for settings, and finds out which settings need no
// person's word.
func (q *questionnaire) lookUp(ctx context.Context, conf flow.Flow, recipe *flow.Recipe) (choices map[string][]Option, found map[string]bool) {
	choices, found = map[string][]Option{}, map[string]bool{}
	_ = q.service.within(ctx, func(_ *home.State, w *workshop) error { // without an answer there are no options: the field takes any text
		// The recipe's sides: where records travel both ways, the flow may call them the other way round.
		list := func(system, list string) []connector.ListItem {
			name := conf.Destination
			if q.config.Connections[conf.Source].Connector == system {
				name = conf.Source
			}
			if list == "" {
				return nil
			}
			o, err := w.connect(ctx, name)
			if err != nil {
				return nil
			}
			items, _ := o.connection.List(ctx, list)
			return items
		}
		for _, s := range recipe.Settings {
			side, name, _ := strings.Cut(s.Options, ".")
			system := recipe.Source
			if side == "destination" {
				system = recipe.Destination
			}
			items := list(system, name)
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
			_, found["price_basis"] = recipe.Facts.PriceBasis.From(list(recipe.Destination, recipe.Facts.PriceBasis.List))
		case stockKind: // a destination that counts its stock itself takes no quantity; one that does not has nothing to be managed
			counts, known := recipe.Lists.CountsStock.From(list(recipe.Destination, recipe.Lists.CountsStock.List))
			found[formulaKey], found["manage_stock"] = counts == "true", known && counts != "true"
		}
		return nil
	})
	return choices, found
}

// maxOptions bounds a list that is offered.
const maxOptions = 500

// schedule asks how often.
func (q *questionnaire) schedule(flows []string) bool {
	return q.ask(Question{ID: askSchedule, Kind: QuestionForm, Title: "How often?", Skippable: true,
		Text:   "A running daemon (`pomost serve`) looks for what is new at this interval. Skipped, the flows run when you say so.",
		Fields: []Field{{Key: "schedule", Label: "Every", Help: "30s, 5m or 2h.", Type: string(connector.SettingDuration), Value: proposedSchedule, Proposed: true, Why: "soon enough, and well within what the systems allow"}}},
		func(a Answer) []flow.Problem {
			v := strings.TrimSpace(wordOf(a.Fields["schedule"]))
			if a.Skipped {
				v = ""
			}
			for _, n := range flows {
				f := q.config.Flows[n]
				f.Schedule = v
				q.config.Flows[n] = f
			}
			text, err := q.config.YAML()
			if err == nil {
				_, err = flow.ParseConfig(text, "")
			}
			if err != nil {
				return []flow.Problem{{Path: "schedule", Message: "is no time between two runs", Remedy: "write it as 30s, 5m or 2h"}}
			}
			return nil
		})
}

// plan shows what a flow would do, before it is in force.
func (q *questionnaire) plan(ctx context.Context, name string) (bool, error) {
	id := askPlan + name
	if _, seen := q.answers.Values[id]; seen {
		q.number++
		return true, nil
	}
	question := Question{ID: id, Kind: QuestionPlan, Flow: name, Title: "What would happen: " + name, Skippable: true,
		Text: "Nothing has been written yet. This is what the first run would do."}
	res, err := q.service.rehearse(ctx, q.config, name)
	f := AsFailure(err)
	switch {
	case ctx.Err() != nil:
		return false, ctx.Err()
	case f != nil:
		question.Checks = []CheckItem{{Name: "plan", Title: "the plan", Cause: f.Cause, Message: f.Error(), Remedy: f.Remedy}}
	default:
		question.Example = planLines(res)
	}
	return q.ask(question, nil), nil
}

// maxPlanExamples is how many actions of each kind a plan shows.
const maxPlanExamples = 3

// planLines sums a plan up: counts, and examples of each action.
func planLines(res PlanResult) []string {
	count, shown := map[string]int{}, map[string][]string{}
	for _, a := range res.Actions {
		word := a.Action + " " + a.Object
		if a.Action == "hold" {
			word = "hold: " + a.Cause
		}
		if count[word]++; count[word] > maxPlanExamples {
			continue
		}
		line := "  " + a.Label
		if a.Reason != "" {
			line += "  " + a.Reason
		}
		if a.Proof != "" {
			line += "  " + a.Proof
		}
		shown[word] = append(shown[word], line)
	}
	var out []string
	for _, w := range sortedKeys(count) {
		out = append(out, fmt.Sprintf("%d × %s", count[w], w))
		out = append(out, shown[w]...)
	}
	if len(out) == 0 {
		out = []string{"there is nothing to carry over"}
	}
	return out
}

// done is the configuration that the answers led to.
func (q *questionnaire) done() (Step, error) {
	text, err := q.config.YAML()
	if err != nil {
		return Step{}, err
	}
	changes := flow.Diff(q.force, q.config)
	if changes == nil {
		changes = []flow.Difference{}
	}
	secrets := map[string]map[string]string{}
	for name, s := range q.secrets {
		if len(s) > 0 {
			secrets[name] = s
		}
	}
	return Step{Done: true, Number: q.number, Total: q.number, Config: string(text), Changes: changes, Command: "pomost apply -f pomost.yaml", Secrets: secrets}, nil
}

// plainFields makes of what a form or a protocol gave what a configuration holds.
func plainFields(fields map[string]any) map[string]any {
	out := make(map[string]any, len(fields))
	for k, v := range fields {
		out[k] = plainValue(v)
	}
	return out
}

func plainValue(v any) any {
	switch x := v.(type) {
	case int:
		return fmt.Sprint(x)
	case []string:
		out := make([]any, len(x))
		for i := range x {
			out[i] = x[i]
		}
		return out
	case []any:
		out := make([]any, len(x))
		for i := range x {
			out[i] = plainValue(x[i])
		}
		return out
	case map[string]string:
		out := make(map[string]any, len(x))
		for k, e := range x {
			out[k] = e
		}
		return out
	case map[string]any:
		return plainFields(x)
	}
	return v
}

// blank tells whether a field was left empty.
func blank(v any) bool {
	switch x := v.(type) {
	case nil:
		return true
	case string:
		return strings.TrimSpace(x) == ""
	case []any:
		return len(x) == 0
	case map[string]any:
		return len(x) == 0
	}
	return false
}

func wordOf(v any) string {
	switch x := v.(type) {
	case nil:
		return ""
	case string:
		return x
	}
	return fmt.Sprint(v)
}

// settingText is a value as a connection's settings state it: a list is parted by commas.
func settingText(v any) string {
	if list, ok := v.([]any); ok {
		return strings.Join(wordsOf(list), ", ")
	}
	return strings.TrimSpace(wordOf(v))
}

func wordsOf(v any) []string {
	switch x := v.(type) {
	case string:
		var out []string
		for w := range strings.SplitSeq(x, ",") {
			if w = strings.TrimSpace(w); w != "" {
				out = append(out, w)
			}
		}
		return out
	case []any:
		var out []string
		for _, e := range x {
			out = append(out, wordOf(e))
		}
		return out
	}
	return nil
}
