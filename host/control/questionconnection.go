package control

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/pomost/pomost/host/flow"
	"github.com/pomost/pomost/host/home"
	"github.com/pomost/pomost/host/token"
	"github.com/pomost/pomost/sdk/connector"
)

// connection asks for one connection: one that there is, to be used as it is or corrected, or a new one.
func (q *questionnaire) connection(ctx context.Context, system string) (name string, ok bool, err error) {
	i := slices.IndexFunc(q.catalog.Connectors, func(c CatalogConnector) bool { return c.Name == system })
	c := q.catalog.Connectors[i]
	begin, ok := q.which(c)
	if !ok {
		return "", false, nil
	}
	question := Question{ID: askConnection + system, Kind: QuestionForm, Title: q.t("Connection to %s", c.Title),
		Text: q.t("What the system gave you when you registered with it. Secrets are kept encrypted in the home, and shown to nobody.")}
	free := system
	for n := 2; q.force.Connections[free].Connector != ""; n++ {
		free = fmt.Sprintf("%s%d", system, n)
	}
	there := q.force.Connections[begin]
	if c.Registration != "" {
		question.Text += " " + q.t("Not registered yet?") + " " + q.t(c.Registration)
	}
	field := Field{Key: "name", Label: q.t("Name"), Help: q.t("How you call it: small letters, digits, - and _."), Type: string(connector.SettingText), Value: free, Required: true, Max: 63}
	if begin != "" { // whoever has one is registered
		question.Text = q.t("It is there already: go on to use it as it is, or correct what is wrong. With another name it becomes a further connection.")
		field.Value = begin
	}
	question.Fields = append(question.Fields, field)
	for _, f := range c.Settings {
		if v, set := there.Settings[f.Key]; set {
			f.Value = v
		}
		question.Fields = append(question.Fields, f)
	}
	for _, f := range c.Secrets {
		if f.Key == token.RefreshToken { // comes from the consent
			continue
		}
		f.Secret = true
		if q.kept[begin][f.Key] {
			f.Required, f.Help = false, q.t("Left empty, the one that is kept stays.")
		}
		question.Fields = append(question.Fields, f)
	}
	var failed error
	ok = q.ask(question, func(a Answer) []flow.Problem {
		name = strings.TrimSpace(wordOf(a.Fields["name"]))
		if other := q.force.Connections[name].Connector; other != "" && other != system {
			return []flow.Problem{{Path: "name", Message: q.t("is the name of a connection to %s", q.title(other)), Remedy: q.t("choose another name")}}
		}
		conf, secrets := flow.Connection{Connector: system, Settings: map[string]string{}}, map[string]string{}
		for _, f := range c.Settings {
			v := settingText(a.Fields[f.Key])
			if _, given := a.Fields[f.Key]; !given {
				v = q.force.Connections[name].Settings[f.Key]
			}
			if v != "" && v != wordOf(f.Value) {
				conf.Settings[f.Key] = v
			}
		}
		for _, f := range c.Secrets {
			if v := strings.TrimSpace(wordOf(a.Fields[f.Key])); v != "" {
				secrets[f.Key] = v
			}
		}
		var problems []flow.Problem
		problems, failed = q.enforce(ctx, name, conf, secrets)
		return problems
	})
	return name, ok && failed == nil, failed
}

// which asks where there are several connections to a system. It answers the one that the form begins with, "" for a new one. One that these very
// answers brought into force is no choice beside itself.
func (q *questionnaire) which(c CatalogConnector) (name string, ok bool) {
	const fresh = "a new connection"
	own := strings.TrimSpace(wordOf(q.answers.Values[askConnection+c.Name].Fields["name"]))
	var there []string
	for _, n := range sortedKeys(q.force.Connections) {
		if q.force.Connections[n].Connector == c.Name && n != own {
			there = append(there, n)
		}
	}
	id := askWhich + c.Name
	if _, answered := q.answers.Values[id]; !answered && len(there) < 2 {
		if len(there) == 1 {
			return there[0], true
		}
		if q.force.Connections[own].Connector == c.Name {
			return own, true
		}
		return "", true
	}
	if q.force.Connections[own].Connector == c.Name {
		there = append(there, own)
	}
	field := Field{Key: "connection", Label: q.t("Connection"), Type: string(connector.SettingChoice), Required: true, Value: there[0]}
	for _, n := range append(there, fresh) {
		field.Options = append(field.Options, Option{Value: n, Label: n})
	}
	field.Options[len(there)].Label = q.t("a new connection")
	ok = q.ask(Question{ID: id, Kind: QuestionForm, Title: q.t("Connection to %s", c.Title), Text: q.t("There are several connections to it. Which one is meant?"), Fields: []Field{field}},
		func(a Answer) []flow.Problem {
			switch chosen := wordOf(a.Fields["connection"]); {
			case chosen == fresh:
			case slices.Contains(there, chosen):
				name = chosen
			default:
				return []flow.Problem{{Path: "connection", Message: q.t("choose one of the connections")}}
			}
			return nil
		})
	return name, ok
}

// title is how a connector's system is called.
func (q *questionnaire) title(system string) string {
	for _, c := range q.catalog.Connectors {
		if c.Name == system {
			return c.Title
		}
	}
	return system
}

// enforce puts a connection into force, unless it is just so already. Problems are those of the form's fields.
func (q *questionnaire) enforce(ctx context.Context, name string, conf flow.Connection, secrets map[string]string) ([]flow.Problem, error) {
	q.config.Connections[name], q.secrets[name] = conf, secrets
	one := flow.Config{Version: flow.Version, Connections: map[string]flow.Connection{name: conf}, Flows: map[string]flow.Flow{}}
	text, err := one.YAML()
	if err != nil {
		return nil, err
	}
	res, err := q.service.ApplyConfig(ctx, ConfigRequest{Config: string(text), File: "setup", Secrets: map[string]map[string]string{name: secrets}})
	if err == nil && res.Applied { // another host ends a consent
		err = q.service.reading(ctx, func(st *home.State) error { return q.secretsOf(ctx, st, []string{name}) })
		return nil, err
	}
	return problemsBelow(err, "connections."+name)
}

// secretsOf looks which secrets of connections are kept.
func (q *questionnaire) secretsOf(ctx context.Context, st *home.State, names []string) error {
	for _, name := range names {
		have, err := st.Store.Secrets(ctx, name)
		if err != nil {
			return err
		}
		q.kept[name] = map[string]bool{}
		for key, v := range have {
			q.kept[name][key] = v != ""
		}
	}
	return nil
}

// consented tells whether a connection has a token.
func (q *questionnaire) consented(name string) bool { return q.kept[name][token.RefreshToken] }

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
	title := q.title(conf.Connector)
	wants := slices.ContainsFunc(q.catalog.Connectors, func(c CatalogConnector) bool { return c.Name == conf.Connector && c.Consent })
	consent := Question{ID: askConsent + name, Kind: QuestionConsent, Connection: name, Title: q.t("Consent at %s", title),
		Text: q.t("Open the address, sign in at %s, and allow Pomost to work for you. The page then leads back: paste the address that it leads to.", title)}
	if wants && !q.consented(name) {
		q.ask(consent, func(Answer) []flow.Problem { return []flow.Problem{{Message: q.t("the consent is not complete yet")}} })
		return false, nil
	}
	if wants {
		q.number++ // an older consent will do
	}
	if _, seen := q.answers.Values[askCheck+name]; seen {
		q.number++
		return true, nil
	}
	res, err := q.service.Check(ctx, []string{name})
	if err != nil {
		return false, err
	}
	// Only now may it come out that the consent has ended, since it was taken back or belongs to another address.
	if wants {
		if err := q.service.reading(ctx, func(st *home.State) error { return q.secretsOf(ctx, st, []string{name}) }); err != nil {
			return false, err
		}
		if refused := q.service.known.refused(name); refused != nil || !q.consented(name) {
			message := q.t("the consent has ended, or belongs to another address")
			if refused != nil {
				message = refused.Message
			}
			q.number--
			q.ask(consent, func(Answer) []flow.Problem { return nil })
			q.step.Question, q.step.Problems = &consent, []flow.Problem{{Message: message}}
			return false, nil
		}
	}
	return q.ask(Question{ID: askCheck + name, Kind: QuestionCheck, Connection: name, Title: q.t("What %s allows", title),
		Text: q.t("Each right and function that the flows need."), Checks: res.Connections[0].Checks}, nil), nil
}
