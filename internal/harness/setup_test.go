package harness_test

import (
	"context"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pomost/pomost/host/control"
	"github.com/pomost/pomost/internal/harness"
	kit "github.com/pomost/pomost/sdk/sandbox"
)

// wizard answers the questions of a set-up as a person would, and notes what it was asked.
type wizard struct {
	t       *testing.T
	w       *harness.World
	api     *control.Service
	answers control.Answers
	asked   []string
	step    control.Step
}

func (z *wizard) next() {
	z.t.Helper()
	step, err := z.api.Question(z.t.Context(), z.answers)
	if err != nil {
		z.t.Fatalf("after %v: %v", z.asked, err)
	}
	z.step = step
	if step.Question != nil {
		z.asked = append(z.asked, step.Question.ID)
		if step.Number < 1 || step.Total < step.Number {
			z.t.Errorf("%s is question %d of %d", step.Question.ID, step.Number, step.Total)
		}
	}
}

func (z *wizard) answer(id string, fields map[string]any) {
	z.t.Helper()
	if z.step.Question == nil || z.step.Question.ID != id {
		z.t.Fatalf("asked for %+v, want %s", z.step.Question, id)
	}
	z.answers.Values[id] = control.Answer{Fields: fields}
	z.answers.Order = append(z.answers.Order, id)
	z.next()
}

// consent goes to the system's page and brings back the address that it leads to.
func (z *wizard) consent(connection string) {
	z.t.Helper()
	res, err := z.api.Authorize(z.t.Context(), control.AuthorizeRequest{Connection: connection, RedirectURL: "http://127.0.0.1:1/callback"})
	if err != nil {
		z.t.Fatal(err)
	}
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	req, err := http.NewRequestWithContext(z.t.Context(), http.MethodGet, res.URL, nil)
	if err != nil {
		z.t.Fatal(err)
	}
	resp, err := client.Do(req)
	if err != nil {
		z.t.Fatal(err)
	}
	_ = resp.Body.Close()
	if _, err := z.api.Consent(z.t.Context(), control.ConsentRequest{Connection: connection, State: res.State, Answer: resp.Header.Get("Location")}); err != nil {
		z.t.Fatal(err)
	}
}

func newWizard(t *testing.T) *wizard {
	t.Helper()
	dir := t.TempDir()
	w, err := harness.New(t.Context(), harness.Options{Dir: dir, EA: demoData(), AV: demoData()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = w.Close() })
	// The catalog lists the connectors' binaries; these two stand for the ones in this process.
	bin := filepath.Join(dir, "bin")
	if err := os.Mkdir(bin, 0o700); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"accountview", "eaccounting"} {
		if err := os.WriteFile(filepath.Join(bin, "pomost-connector-"+name), []byte("#!/bin/false\n"), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	api := control.New(control.Options{Home: filepath.Join(dir, "wizard"), Connectors: bin, Command: "test", Plugins: func() (control.Plugins, error) { return harness.InProcess{}, nil }, Functions: harness.Functions})
	return &wizard{t: t, w: w, api: api, answers: control.Answers{Values: map[string]control.Answer{}}}
}

// system answers the question for a connection, first wrongly.
func (z *wizard) system(name string, s *harness.System, more map[string]any) {
	z.t.Helper()
	fields := map[string]any{}
	for _, f := range z.step.Question.Fields { // a form gives what stands in it, an empty list too
		fields[f.Key] = f.Value
		if f.Type == control.FieldTexts && f.Value == nil {
			fields[f.Key] = []any{}
		}
	}
	maps.Copy(fields, map[string]any{"name": name, "base_url": "nonsense", "client_id": s.Info.ClientID, "client_secret": s.Info.ClientSecret})
	for k, v := range more {
		fields[k] = v
	}
	id := z.step.Question.ID
	z.answer(id, fields)
	if z.step.Question == nil || z.step.Question.ID != id || len(z.step.Problems) == 0 || z.step.Problems[0].Path != "base_url" {
		z.t.Fatalf("a wrong address leads to %+v, %v", z.step.Question, z.step.Problems)
	}
	for _, f := range z.step.Question.Fields {
		if f.Secret && f.Value != nil {
			z.t.Errorf("the secret %s comes back: %v", f.Key, f.Value)
		}
		if f.Key == "base_url" && f.Value != "nonsense" {
			z.t.Errorf("what was typed is gone: %v", f.Value)
		}
	}
	fields["base_url"], fields["token_url"], fields["authorize_url"] = s.Info.BaseURL, s.Info.TokenURL, s.Info.AuthorizeURL
	z.answer(id, fields)
}

// TestSetup: from nothing to a live pair by questions alone.
func TestSetup(t *testing.T) {
	z := newWizard(t)
	z.next()
	z.answer("pair", map[string]any{"pair": "accountview+eaccounting"})
	for range 2 {
		switch z.step.Question.ID {
		case "connection:accountview":
			z.system("books", z.w.AV, map[string]any{"company": "DEMO"})
		case "connection:eaccounting":
			z.system("shop", z.w.EA, nil)
		}
	}
	for _, name := range []string{"books", "shop"} {
		if z.step.Question.ID != "consent:"+name {
			t.Fatalf("asked for %s", z.step.Question.ID)
		}
		z.answer("consent:"+name, nil) // before it was given
		if len(z.step.Problems) == 0 {
			t.Fatalf("a consent that was not given leads to %+v", z.step.Question)
		}
		z.consent(name)
		z.next()
		if z.step.Question.ID != "check:"+name || len(z.step.Question.Checks) == 0 {
			t.Fatalf("after the consent: %+v", z.step.Question)
		}
		z.answer("check:"+name, nil)
	}
	z.answer("flows", map[string]any{"flows": []any{"orders"}})
	for z.step.Question != nil && strings.HasPrefix(z.step.Question.ID, "flow:orders:") {
		f := z.step.Question.Fields[0]
		if len(z.step.Question.Fields) != 1 || z.step.Question.Text == "" {
			t.Errorf("%s asks %+v", z.step.Question.ID, z.step.Question)
		}
		switch f.Key {
		case "start_date":
			if !f.Proposed || f.Why == "" {
				t.Errorf("no start date is proposed: %+v", f)
			}
			z.answer(z.step.Question.ID, map[string]any{"start_date": "32 May"})
			if len(z.step.Problems) != 1 || z.step.Problems[0].Path != "start_date" {
				t.Fatalf("a wrong date leads to %v", z.step.Problems)
			}
			z.answer(z.step.Question.ID, map[string]any{"start_date": "2020-01-01"})
		case "default_debtor":
			z.answer(z.step.Question.ID, map[string]any{"default_debtor": "10001"})
		case "collective_account":
			if len(f.Options) == 0 {
				t.Errorf("the ledger accounts are not offered")
			}
			z.answer(z.step.Question.ID, map[string]any{"collective_account": "1210"})
		default:
			z.answers.Values[z.step.Question.ID] = control.Answer{Skipped: true}
			z.next()
		}
	}
	z.answer("schedule", map[string]any{"schedule": "5m"})
	if q := z.step.Question; q == nil || q.ID != "plan:orders" || len(q.Example) < 3 {
		t.Fatalf("the plan: %+v", q)
	}
	z.answer("plan:orders", nil)
	if !z.step.Done || z.step.Config == "" || len(z.step.Changes) == 0 {
		t.Fatalf("at the end: %+v", z.step)
	}
	if strings.Contains(z.step.Config, z.w.EA.Info.ClientSecret) {
		t.Error("the configuration holds a secret")
	}
	if _, err := z.api.ApplyConfig(t.Context(), control.ConfigRequest{Config: z.step.Config, File: "setup", Secrets: z.step.Secrets}); err != nil {
		t.Fatal(err)
	}
	run := z.api.Run(t.Context(), []string{"orders"}, nil)
	if run.Error != nil || len(run.Flows) != 1 || run.Flows[0].Created < 100 {
		t.Errorf("the first run: %+v", run)
	}
	t.Logf("asked %d questions: %v", len(z.asked), z.asked)

	// The same answers lead to the same end, and nothing more is to be changed.
	z.next()
	if !z.step.Done || len(z.step.Changes) != 0 {
		t.Errorf("once more: %+v", z.step)
	}
	settings(t, z)
}

// settings changes one setting of the flow by the form with all of them.
func settings(t *testing.T, z *wizard) {
	z.answers = control.Answers{Flow: "orders", Values: map[string]control.Answer{}}
	z.next()
	q := z.step.Question
	if q == nil || q.ID != "flow:orders" || len(q.Fields) < 10 {
		t.Fatalf("the settings: %+v", q)
	}
	fields := map[string]any{}
	for _, f := range q.Fields {
		fields[f.Key] = f.Value
		if f.Key == "collective_account" && f.Value != "1210" {
			t.Errorf("the value in force is not shown: %+v", f)
		}
	}
	fields["edited"] = "hold"
	z.answer("flow:orders", fields)
	if !z.step.Done {
		t.Fatalf("the settings end with %+v, %v", z.step.Question, z.step.Problems)
	}
	var changed []string
	for _, c := range z.step.Changes {
		changed = append(changed, c.Path)
	}
	if !strings.Contains(strings.Join(changed, " "), "flows.orders.settings.edited") {
		t.Errorf("changes %v", changed)
	}
	if _, err := z.api.Question(context.WithoutCancel(t.Context()), control.Answers{Flow: "ordrs"}); err == nil {
		t.Error("a flow that is not there has settings")
	}
}

func demoData() kit.Options { return kit.Options{Data: "demo"} }
