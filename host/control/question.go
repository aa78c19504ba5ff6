package control

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/pomost/pomost/host/flow"
	"github.com/pomost/pomost/host/home"
	"github.com/pomost/pomost/sdk/connector"
)

// The IDs of questions, or what they begin with.
const (
	askPair       = "pair"
	askWhich      = "which:"      // and the connector
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
	said, err := s.speech(a.Language)
	if err != nil {
		return Step{}, err
	}
	q := &questionnaire{service: s, catalog: catalog, speech: said, answers: a, secrets: map[string]map[string]string{}, kept: map[string]map[string]bool{}, now: s.opts.Clock.Now()}
	err = s.reading(ctx, func(st *home.State) error {
		var err error
		if q.force, q.revision, err = configIn(ctx, st); err != nil {
			return err
		}
		return q.secretsOf(ctx, st, sortedKeys(q.force.Connections))
	})
	if err != nil && !isNotApplied(err) {
		return Step{}, err
	}
	q.config = q.force
	q.config.Version, q.config.Connections, q.config.Flows = flow.Version, maps.Clone(q.force.Connections), maps.Clone(q.force.Flows)
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
	if err != nil {
		q.speech.step(&q.step)
		return q.step, err
	}
	step := q.step
	if step.Question == nil {
		step, err = q.done()
	} else {
		step.Number, step.Total = q.number, max(q.total, q.number)
		q.speech.step(&step)
	}
	switch {
	case err != nil || a.Flow != "":
	case len(a.Values) == 0:
		step.Draft = s.draft(q.revision)
	default:
		// An answer can have put a connection into force.
		revision := int64(0)
		err := s.reading(ctx, func(st *home.State) (err error) { _, revision, err = configIn(ctx, st); return err })
		if err == nil || isNotApplied(err) {
			step.Kept = s.keepDraft(a, catalog, revision)
		}
	}
	return step, err
}

// questionnaire asks one question after the other until one is not answered yet.
type questionnaire struct {
	service  *Service
	catalog  CatalogResult
	speech   speech
	answers  Answers
	now      time.Time
	force    flow.Config // in force
	revision int64
	// kept are the keys of the secrets of the connections in force; a refresh token is there after a consent.
	kept map[string]map[string]bool
	// config is what the answers lead to.
	config        flow.Config
	secrets       map[string]map[string]string
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
	q.total = 2*3 + 3 // beside the questions of the flows
	var ends []string
	for _, c := range []string{source, destination} {
		name, ok, err := q.connection(ctx, c)
		if err != nil || !ok {
			return err
		}
		ends = append(ends, name)
		if ok, err := q.ready(ctx, name); err != nil || !ok {
			return err
		}
	}
	flows, ok := q.flows(source, destination, ends)
	if !ok {
		return nil
	}
	q.total = q.number + 1 + len(flows)
	for _, name := range flows {
		q.total += q.questions(name)
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
	field := Field{Key: "pair", Label: q.t("Systems"), Help: q.t("Which two systems are to be connected?"), Type: string(connector.SettingChoice), Required: true}
	for _, r := range q.catalog.Recipes {
		value := pairOf(r)
		if titles[r.Source] == "" || titles[r.Destination] == "" || slices.ContainsFunc(field.Options, func(o Option) bool { return o.Value == value }) {
			continue
		}
		a, b, _ := strings.Cut(value, "+")
		field.Options = append(field.Options, Option{Value: value, Label: q.t("%s and %s", titles[a], titles[b])})
	}
	if len(field.Options) > 0 {
		field.Value = field.Options[0].Value
	}
	if len(field.Options) == 1 { // there is nothing to choose
		return strings.Cut(field.Options[0].Value, "+")
	}
	ok = q.ask(Question{ID: askPair, Kind: QuestionForm, Title: q.t("Which systems?"), Text: q.t("Records travel between two systems. What travels, and which way, is asked later."), Fields: []Field{field}},
		func(a Answer) []flow.Problem {
			v, _ := a.Fields["pair"].(string)
			if !slices.ContainsFunc(field.Options, func(o Option) bool { return o.Value == v }) {
				return []flow.Problem{{Path: "pair", Message: q.t("choose one of the pairs")}}
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

// flows asks what should travel.
func (q *questionnaire) flows(source, destination string, ends []string) (names []string, ok bool) {
	field := Field{Key: "flows", Label: q.t("Flows"), Help: q.t("What should travel?"), Type: string(connector.SettingChoices), Required: true}
	by := map[string]CatalogRecipe{}
	var all, begin, there []any
	for _, r := range q.catalog.Recipes {
		if pairOf(r) == source+"+"+destination && by[r.Kind].Name == "" {
			by[r.Kind] = r
			field.Options = append(field.Options, Option{Value: r.Kind, Label: r.Title})
			all = append(all, r.Kind)
			if r.Kind == "orders" { // a person who begins begins with these
				begin = []any{r.Kind}
			}
			if q.force.Flows[r.Kind].Recipe == r.Name {
				there = append(there, r.Kind)
			}
		}
	}
	slices.SortStableFunc(field.Options, func(a, b Option) int { return kindOrder(a.Value) - kindOrder(b.Value) })
	if field.Value = all; len(there) > 0 {
		field.Value = there
	} else if len(begin) > 0 {
		field.Value = begin
	}
	ok = q.ask(Question{ID: askFlows, Kind: QuestionForm, Title: q.t("What should travel?"), Fields: []Field{field}}, func(a Answer) []flow.Problem {
		for _, w := range wordsOf(a.Fields["flows"]) {
			if by[w].Name == "" {
				return []flow.Problem{{Path: "flows", Message: q.t("there is no flow %s", w)}}
			}
			names = append(names, w)
		}
		if len(names) == 0 {
			return []flow.Problem{{Path: "flows", Message: q.t("choose at least one")}}
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

// kindOrder is the order in which kinds of flows are offered.
func kindOrder(kind string) int {
	return slices.Index([]string{"orders", stockKind, "products", "customers"}, kind)
}

// schedule asks how often.
func (q *questionnaire) schedule(flows []string) bool {
	return q.ask(Question{ID: askSchedule, Kind: QuestionForm, Title: q.t("How often?"), Skippable: true,
		Text:   q.t("A running daemon (`pomost serve`) looks for what is new at this interval. Skipped, the flows run when you say so."),
		Fields: []Field{{Key: "schedule", Label: q.t("Every"), Help: q.t("30s, 5m or 2h."), Type: string(connector.SettingDuration), Value: proposedSchedule, Proposed: true, Why: q.t("soon enough, and well within what the systems allow")}}},
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
				return []flow.Problem{{Path: "schedule", Message: q.t("is no time between two runs"), Remedy: q.t("write it as 30s, 5m or 2h")}}
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
	question := Question{ID: id, Kind: QuestionPlan, Flow: name, Title: q.t("What would happen: %s", name),
		Text: q.t("Nothing has been written yet. This is what the first run would do.")}
	res, err := q.service.rehearse(ctx, q.config, name)
	f := AsFailure(err)
	switch {
	case ctx.Err() != nil:
		return false, ctx.Err()
	case f != nil:
		question.Checks = []CheckItem{{Name: "plan", Title: q.t("the plan"), Cause: f.Cause, Message: f.Error(), Remedy: f.Remedy}}
	default:
		question.Example = q.planLines(res)
	}
	return q.ask(question, nil), nil
}

// maxPlanExamples is how many actions of each kind a plan shows.
const maxPlanExamples = 3

// planWords are what a plan does with records.
var planWords = map[string]string{"create": "create: %s", "update": "update: %s", "link": "link: %s", "skip": "leave out: %s"}

// planLines sums a plan up: counts, and examples of each action.
func (q *questionnaire) planLines(res PlanResult) []string {
	type group struct {
		word     string
		count    int
		labels   []string // of those that say nothing more
		examples []string
	}
	groups := map[string]*group{}
	for _, a := range res.Actions {
		word := q.t(planWords[a.Action], q.service.known.object(a.Object))
		if a.Action == "hold" {
			word = q.t("hold: %s", a.Cause)
		}
		g := groups[word]
		if g == nil {
			g = &group{word: word}
			groups[word] = g
		}
		if g.count++; g.count > maxPlanExamples {
			continue
		}
		more := strings.TrimSpace(a.Reason + "  " + a.Proof)
		if more == "" {
			g.labels = append(g.labels, a.Label)
			continue
		}
		g.examples = append(g.examples, "  "+a.Label+"  "+more)
	}
	var out []string
	for _, w := range sortedKeys(groups) {
		g := groups[w]
		line := fmt.Sprintf("%d × %s", g.count, w)
		if len(g.labels) > 0 {
			line += q.t(", as for %s", strings.Join(g.labels, ", "))
		}
		out = append(append(out, line), g.examples...)
	}
	if len(out) == 0 {
		out = []string{q.t("there is nothing to carry over")}
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
