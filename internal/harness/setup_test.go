package harness_test

import (
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pomost/pomost/host/control"
	"github.com/pomost/pomost/host/flow"
	"github.com/pomost/pomost/internal/harness"
	"github.com/pomost/pomost/sdk/decimal"
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

func newWizard(t *testing.T, av, ea kit.Options) *wizard {
	t.Helper()
	dir := t.TempDir()
	w, err := harness.New(t.Context(), harness.Options{Dir: dir, EA: ea, AV: av})
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
	// Who has no client id yet is told how to get one.
	if want := map[string]string{"eaccounting": "developer.vismaonline.com", "accountview": "Applicatie toevoegen"}[strings.TrimPrefix(id, "connection:")]; !strings.Contains(z.step.Question.Text, want) {
		z.t.Errorf("%s does not tell how to register: %s", id, z.step.Question.Text)
	}
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
	z := newWizard(t, demoData(), demoData())
	z.next()
	for _, name := range []string{"books", "shop"} {
		switch z.step.Question.ID {
		case "connection:accountview":
			z.system(name, z.w.AV, map[string]any{"company": "DEMO"})
		case "connection:eaccounting":
			z.system(name, z.w.EA, nil)
		}
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
			if !f.Proposed || f.Value != "1210" || !strings.Contains(f.Why, "that are there") {
				t.Errorf("the account that the debtors have is not proposed: %+v", f)
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

// field returns a field of the present question.
func (z *wizard) field(key string) control.Field {
	z.t.Helper()
	if z.step.Question != nil {
		for _, f := range z.step.Question.Fields {
			if f.Key == key {
				return f
			}
		}
	}
	z.t.Fatalf("no field %s: %+v", key, z.step.Question)
	return control.Field{}
}

// TestSetupComesBack: who comes back finds the connections that there are, and can correct them; their secrets need not be typed again.
func TestSetupComesBack(t *testing.T) {
	z := newWizard(t, demoData(), demoData())
	z.next()
	z.system("books", z.w.AV, map[string]any{"company": "DEMO", "page_size": "150"})
	z.consent("books")

	back := func() { // nothing is kept but what is in force
		z.answers = control.Answers{Values: map[string]control.Answer{}}
		z.next()
		if z.step.Question == nil || z.step.Question.ID != "connection:accountview" {
			t.Fatalf("who comes back is asked %+v", z.step.Question)
		}
	}
	given := func() map[string]any {
		out := map[string]any{}
		for _, f := range z.step.Question.Fields {
			if out[f.Key] = f.Value; f.Secret {
				if f.Required || f.Value != nil {
					t.Errorf("a secret that is kept is asked for: %+v", f)
				}
				delete(out, f.Key)
			}
		}
		return out
	}
	back()
	if z.field("name").Value != "books" || z.field("company").Value != "DEMO" || z.field("page_size").Value != "150" {
		t.Errorf("the form does not begin with what is in force: %+v", z.step.Question.Fields)
	}
	z.answer("connection:accountview", given())
	if z.step.Question == nil || z.step.Question.ID != "check:books" {
		t.Fatalf("a connection with a consent leads to %+v, %v", z.step.Question, z.step.Problems)
	}

	// A secret that was wrong is corrected; another host ends the consent, which is asked for anew at once.
	back()
	fields := given()
	fields["client_secret"] = "another"
	z.answer("connection:accountview", fields)
	if z.step.Question == nil || z.step.Question.ID != "check:books" {
		t.Fatalf("a corrected secret leads to %+v, %v", z.step.Question, z.step.Problems)
	}
	back()
	fields = given()
	fields["base_url"], fields["token_url"], fields["authorize_url"] = "http://localhost:1/api/v3", "", ""
	z.answer("connection:accountview", fields)
	if z.step.Question == nil || z.step.Question.ID != "consent:books" {
		t.Fatalf("another host leads to %+v, %v", z.step.Question, z.step.Problems)
	}

	// Another name is a further connection; the name of another system's connection is taken.
	back()
	fields = given()
	fields["name"], fields["client_id"], fields["client_secret"] = "books2", "id", "secret"
	z.answer("connection:accountview", fields)
	if z.step.Question == nil || z.step.Question.ID != "consent:books2" {
		t.Fatalf("a further connection leads to %+v, %v", z.step.Question, z.step.Problems)
	}
	z.answers = control.Answers{Values: map[string]control.Answer{}}
	z.next()
	if f := z.field("connection"); z.step.Question.ID != "which:accountview" || len(f.Options) != 3 {
		t.Fatalf("with several connections it asks %+v", z.step.Question)
	}
	z.answer("which:accountview", map[string]any{"connection": "books"})
	fields = given()
	fields["base_url"] = z.w.AV.Info.BaseURL
	fields["client_secret"] = z.w.AV.Info.ClientSecret
	z.answer("connection:accountview", fields)
	z.consent("books")
	z.next()
	z.answer("check:books", nil)
	if z.step.Question == nil || z.step.Question.ID != "connection:eaccounting" {
		t.Fatalf("asked for %+v", z.step.Question)
	}
	z.answer("connection:eaccounting", map[string]any{"name": "books", "client_id": "a", "client_secret": "b"})
	if len(z.step.Problems) != 1 || z.step.Problems[0].Path != "name" || !strings.Contains(z.step.Problems[0].Message, "AccountView") {
		t.Fatalf("the name of another system's connection leads to %+v, %v", z.step.Question, z.step.Problems)
	}
}

// TestSetupStock: the question for the quantity shows real articles, each quantity by the name that the system gives it, and what each formula
// would make of them. Where nobody can tell what is reserved, nothing is proposed.
func TestSetupStock(t *testing.T) {
	for name, tc := range map[string]struct {
		dialect     string
		value       any // that stands in the field
		why         string
		shown, none string // in the example
	}{
		"a field":               {"reservations", flow.DefaultFormula, "the reservations are in Gereserveerd", "Gereserveerd", "sales orders"},
		"counted from orders":   {"", flow.DefaultFormula, "the reservations are counted from the open sales orders", "reserved (open sales orders)", "Gereserveerd"},
		"nobody can tell":       {"so1_unreadable", nil, "", "what is reserved for sales orders cannot be read", "Gereserveerd"},
		"one quantity the less": {"no_qty_avail", nil, "", "(QTY_TECH)", "QTY_AVAIL"},
	} {
		t.Run(name, func(t *testing.T) {
			av := demoData()
			if tc.dialect != "" {
				av.Set = map[string]string{"dialect": tc.dialect}
			}
			z := newWizard(t, av, demoData())
			z.both()
			z.answer("flows", map[string]any{"flows": []any{"stock"}})
			if z.step.Question.ID != "flow:stock:formula" {
				t.Fatalf("asked for %+v", z.step.Question)
			}
			f, example := z.field("formula"), strings.Join(z.step.Question.Example, "\n")
			if f.Value != tc.value || f.Proposed != (tc.why != "") || !strings.Contains(f.Why, tc.why) {
				t.Errorf("proposed: %v, %v, %s", f.Value, f.Proposed, f.Why)
			}
			if !strings.Contains(example, tc.shown) || strings.Contains(example, tc.none) {
				t.Errorf("the example is\n%s", example)
			}
			// An expression of one's own is checked at its field, and kept as the setting.
			z.answer("flow:stock:formula", map[string]any{"formula": "own", "formula_own": "avialable - 1"})
			if len(z.step.Problems) != 1 || z.step.Problems[0].Path != "formula_own" || z.field("formula_own").Value != "avialable - 1" {
				t.Fatalf("a wrong expression leads to %+v, %v", z.step.Question, z.step.Problems)
			}
			z.answer("flow:stock:formula", map[string]any{"formula": "own", "formula_own": "technical - 1"})
			if z.step.Question == nil || z.step.Question.ID != "schedule" { // whether eAccounting shall count is no question where it cannot
				t.Fatalf("asked for %+v, %v", z.step.Question, z.step.Problems)
			}
			z.answer("schedule", nil)
			z.answer("plan:stock", nil)
			if !strings.Contains(z.step.Config, `formula: "technical - 1"`) {
				t.Errorf("the file is\n%s", z.step.Config)
			}
		})
	}
	t.Run("what differs comes first", func(t *testing.T) {
		z := newWizard(t, demoData(), demoData())
		if _, err := z.w.AV.InsertWithLines(t.Context(), "SO1", "2026-11-02", harness.Object{"RPL_INV": "10001", "ORD_DATE": "2026-11-02T00:00:00", "DEL_DATE": "2026-11-02T00:00:00"},
			harness.Object{"ART_CODE": "BOEK-1003", "ORD_QTY": 5, "ART_PX": 1, "DEL_DATE": "2026-11-02T00:00:00"}); err != nil {
			t.Fatal(err)
		}
		z.both()
		z.answer("flows", map[string]any{"flows": []any{"stock"}})
		example := z.step.Question.Example
		if codes := strings.Fields(example[0]); len(codes) < 2 || codes[0] != "BOEK-1003" {
			t.Fatalf("the example is\n%s", strings.Join(example, "\n"))
		}
		first := func(line, label string) string {
			rest, ok := strings.CutPrefix(line, label)
			if !ok {
				t.Fatalf("%q is not %s", line, label)
			}
			return strings.Fields(rest)[0]
		}
		available := first(example[1], "Aantal beschikbaar (QTY_AVAIL)")
		reserved := first(example[5], "reserved (open sales orders)")
		shown := first(z.field("formula").Options[0].Label, "available, less reserved")
		if reserved != "5" || !decimal.MustParse(available).Sub(decimal.MustParse("5")).Equal(decimal.MustParse(shown)) {
			t.Errorf("%s available and %s reserved come to %s", available, reserved, shown)
		}
	})
	t.Run("the source is away", func(t *testing.T) {
		z := newWizard(t, demoData(), demoData())
		z.both()
		if err := z.w.AV.AddFault(kit.Fault{Match: "GET /api/v3/accountviewdata", Times: 1000, Do: "status:403"}); err != nil {
			t.Fatal(err)
		}
		z.answer("flows", map[string]any{"flows": []any{"stock"}})
		if q := z.step.Question; q == nil || q.ID != "flow:stock:formula" || len(q.Example) != 1 || !strings.Contains(q.Example[0], "books") || len(q.Fields[0].Options) != 6 || q.Fields[0].Proposed {
			t.Fatalf("it asks %+v", q)
		}
	})
	t.Run("eAccounting counts", func(t *testing.T) {
		ea := demoData()
		ea.Set = map[string]string{"module.stock": "on"}
		z := newWizard(t, demoData(), ea)
		z.both()
		z.answer("flows", map[string]any{"flows": []any{"stock"}})
		if z.step.Question.ID != "flow:stock:manage_stock" {
			t.Fatalf("asked for %+v", z.step.Question)
		}
	})
}

// both sets both connections up, up to the question for the flows.
func (z *wizard) both() {
	z.t.Helper()
	z.next()
	z.system("books", z.w.AV, map[string]any{"company": "DEMO"})
	z.consent("books")
	z.next()
	z.answer("check:books", nil)
	z.system("shop", z.w.EA, nil)
	z.consent("shop")
	z.next()
	z.answer("check:shop", nil)
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

// TestSetupGoesOn: whoever leaves a set-up before its end goes on where it was, without a secret being kept for it. What came into force since makes
// that pointless.
func TestSetupGoesOn(t *testing.T) {
	z := newWizard(t, demoData(), demoData())
	z.next()
	z.both()
	z.answer("flows", map[string]any{"flows": []any{"orders"}})
	left := z.step.Question.ID
	if !z.step.Kept {
		t.Error("the answers are not kept")
	}
	anew := func() *control.Answers {
		t.Helper()
		z.answers = control.Answers{Values: map[string]control.Answer{}}
		z.next()
		return z.step.Draft
	}
	draft := anew()
	if draft == nil {
		t.Fatal("nothing was kept")
	}
	text, err := json.Marshal(draft)
	if err != nil {
		t.Fatal(err)
	}
	kept, err := os.ReadFile(filepath.Join(filepath.Dir(z.w.Home()), "wizard", "setup.json"))
	if err != nil {
		t.Fatal(err)
	}
	for _, secret := range []string{z.w.EA.Info.ClientSecret, z.w.AV.Info.ClientSecret, z.w.EA.Info.ClientID} {
		if strings.Contains(string(text), secret) || strings.Contains(string(kept), secret) {
			t.Errorf("a secret is kept: %s", kept)
		}
	}
	z.answers = *draft
	z.next()
	if z.step.Question == nil || z.step.Question.ID != left {
		t.Fatalf("it goes on with %+v, it was left at %s", z.step.Question, left)
	}
	if _, err := z.api.ApplyConfig(t.Context(), control.ConfigRequest{Config: "version: 1\nkeep_days: 30\n", File: "pomost.yaml"}); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(filepath.Dir(z.w.Home()), "wizard", "setup.json")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the answers stay on the disk: %v", err)
	}
	if draft := anew(); draft != nil {
		t.Errorf("what came into force since was overlooked: %+v", draft)
	}
}
