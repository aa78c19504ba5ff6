package cli

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/pomost/pomost/host/control"
	"github.com/pomost/pomost/tui/tuitest"
)

// interview answers the questions of a small world with these lines, and returns what was shown and what was applied.
func interview(t *testing.T, answers control.Answers, headless bool, lines ...string) (shown string, applied *control.ConfigRequest, q *questions, err error) {
	t.Helper()
	w := tuitest.NewWorld()
	consented := headless
	w.Ask = tuitest.Questions(func() bool { return consented })
	w.Consented = func(r control.ConsentRequest) (control.ConsentResult, error) {
		if !strings.Contains(r.Answer, "code=42") {
			return control.ConsentResult{}, &control.Failure{Message: "the address has no code", Remedy: "copy the whole address"}
		}
		consented = true
		return control.ConsentResult{Connection: r.Connection}, nil
	}
	w.Applied = func(r control.ConfigRequest) (control.ApplyResult, error) {
		applied = &r
		return control.ApplyResult{Revision: 8, Applied: true}, nil
	}
	var out bytes.Buffer
	a := &app{ctx: t.Context(), stdout: &out, stderr: &out, out: cleanWriter{&out}, errs: cleanWriter{&out}, output: outputText}
	q = &questions{app: a, api: unheard{w}, in: newLineReader(strings.NewReader(strings.Join(lines, "\n") + "\n")), headless: headless}
	q.walk.Load(answers)
	_, err = q.run()
	if strings.Contains(out.String(), tuitest.Secret) {
		t.Fatalf("a secret is shown:\n%s", out.String())
	}
	return out.String(), applied, q, err
}

// unheard is a world whose consents nobody hears of by listening.
type unheard struct{ *tuitest.World }

// Authorize implements control.API.
func (u unheard) Authorize(ctx context.Context, req control.AuthorizeRequest) (control.AuthorizeResult, error) {
	r, err := u.World.Authorize(ctx, req)
	r.RedirectURL = "https://pomost.example/callback"
	return r, err
}

// The plainest way through all questions, up to the schedule.
var plainest = []string{"", "", "my-client", tuitest.Secret, "", "http://127.0.0.1/?code=42", "", "", "", "", "", ""}

func TestSetupByLines(t *testing.T) {
	shown, applied, q, err := interview(t, control.Answers{}, false, append(plainest, "", "", "yes")...)
	if err != nil || applied == nil {
		t.Fatalf("it does not come to an end: %v\n%s", err, shown)
	}
	if applied.Revision != 7 || applied.Secrets["shop"]["client_secret"] != tuitest.Secret {
		t.Fatalf("what is applied: revision %d, %d secrets", applied.Revision, len(applied.Secrets))
	}
	for _, want := range []string{"[1/10] Which systems?", "1  AccountView and Visma eAccounting", "Client secret (not shown): ", "https://identity.example/connect/authorize",
		"FAIL  the company has the API", "order 1001 of 2026-11-21 would be sent", "Start date: proposed, the first day of this quarter", "NL, 21, 1",
		"  Aantal technisch (QTY_TECH)           25          7", "  1  available, less reserved         18          7", "Quantity: proposed, the reservations are counted from the open sales orders",
		"~ flows.orders.settings.start_date", "  flows:", "Put this into force?"} {
		if !strings.Contains(shown, want) {
			t.Errorf("%q is not shown", want)
		}
	}
	want := map[string]any{"formula": "available_minus_reserved"}
	if diff := cmp.Diff(want, q.walk.Answers().Values["flow:stock:formula"].Fields); diff != "" {
		t.Errorf("stock (-want +got):\n%s", diff)
	}
	if got := q.walk.Answers().Values["connection:shop"].Fields["settle_time"]; got != "2m" {
		t.Errorf("what is rarely needed and was not asked is %v", got)
	}
	if t.Failed() {
		t.Log(shown)
	}
}

func TestSetupWays(t *testing.T) {
	for name, tc := range map[string]struct {
		lines   []string
		id, key string
		want    any
		skipped bool
		shown   string
	}{
		"a choice by its number":      {lines: []string{"2"}, id: "pair", key: "pair", want: "csv+e"},
		"a choice by its label":       {lines: []string{"a folder of csv files and visma eaccounting"}, id: "pair", key: "pair", want: "csv+e"},
		"a wrong choice is asked":     {lines: []string{"3", "1"}, id: "pair", key: "pair", want: "a+e", shown: "! 3 is none of the choices"},
		"help":                        {lines: []string{"", "?", "x"}, id: "pair", key: "pair", want: "a+e", shown: "How you call it: small letters"},
		"what is needed":              {lines: []string{"", "", "", "id"}, id: "pair", key: "pair", want: "a+e", shown: "! this is needed"},
		"a problem is told":           {lines: []string{"", "my shop", "id", "s", "", "shop", "", "", ""}, id: "connection:shop", key: "name", want: "shop", shown: "! name: a name has no spaces"},
		"rarely needed":               {lines: []string{"", "shop", "id", "s", "yes", "", "90s", "code=42"}, id: "connection:shop", key: "settle_time", want: "90s"},
		"some by numbers":             {lines: append(append([]string{}, plainest[:7]...), "1, 3"), id: "flows", key: "flows", want: []any{"orders", "products"}},
		"back keeps the answer":       {lines: append(append([]string{}, plainest[:8]...), "2026-08-01", "<", "", ""), id: "flow:orders:date", key: "start_date", want: "2026-08-01"},
		"a date that is none":         {lines: append(append([]string{}, plainest[:8]...), "31-12-2026", "2026-12-31"), id: "flow:orders:date", key: "start_date", want: "2026-12-31", shown: "! 31-12-2026 is no date: write it as 2026-01-31"},
		"a question is left out":      {lines: append(append([]string{}, plainest[:8]...), "-"), id: "flow:orders:date", skipped: true},
		"rows":                        {lines: append(append([]string{}, plainest[:9]...), "NL, 21, 9", "DE,19,3", "BE,x,1", ""), id: "flow:orders:tax", key: "tax_codes", want: []any{map[string]any{"country": "DE", "rate": "19", "code": "3"}}, shown: "VAT code: 9 is none of the choices"},
		"a wrong consent may be told": {lines: append(append([]string{}, plainest[:5]...), "denied", "http://x/?code=42", "", "2"), id: "flows", key: "flows", want: []any{"stock"}, shown: "the address has no code"},
		"an expression":               {lines: append(append([]string{}, plainest[:10]...), "an expression of your own", "technical - 1"), id: "flow:stock:formula", key: "formula_own", want: "technical - 1"},
		"back from the consent":       {lines: append(append([]string{}, plainest[:5]...), "<", "shop2", "", "", "", "http://x/?code=42"), id: "connection:shop", key: "name", want: "shop2"},
	} {
		t.Run(name, func(t *testing.T) {
			shown, _, q, err := interview(t, control.Answers{}, false, tc.lines...)
			if err == nil || !strings.Contains(err.Error(), "ended here") || control.AsFailure(err).Exit() != control.ExitUsage {
				t.Fatalf("the end of the answers is told as %v", err)
			}
			a, ok := q.walk.Answers().Values[tc.id]
			if !ok || a.Skipped != tc.skipped {
				t.Fatalf("%s is answered: %v, left out: %v\n%s", tc.id, ok, a.Skipped, shown)
			}
			if diff := cmp.Diff(tc.want, a.Fields[tc.key]); diff != "" {
				t.Errorf("the answer (-want +got):\n%s\n%s", diff, shown)
			}
			if !strings.Contains(shown, tc.shown) {
				t.Errorf("%q is not shown:\n%s", tc.shown, shown)
			}
		})
	}
}

// TestSetupEndsInAConsent: where the lines end while a browser is waited for, nobody would answer what comes next.
func TestSetupEndsInAConsent(t *testing.T) {
	w := tuitest.NewWorld()
	w.Ask = tuitest.Questions(func() bool { return false })
	var out bytes.Buffer
	a := &app{ctx: t.Context(), stdout: &out, stderr: &out, out: cleanWriter{&out}, errs: cleanWriter{&out}, output: outputText}
	lines := strings.Join(plainest[:5], "\n") + "\n"
	for name, api := range map[string]control.API{"pasted": unheard{w}, "heard of by listening": heard{w}} {
		q := &questions{app: a, api: api, in: newLineReader(strings.NewReader(lines))}
		done := make(chan error, 1)
		go func() {
			_, err := q.run()
			done <- err
		}()
		select {
		case err := <-done:
			if f := control.AsFailure(err); f == nil || f.Exit() != control.ExitUsage || !strings.Contains(f.Error(), "ended here") || !strings.Contains(err.Error(), "Consent at") {
				t.Errorf("%s: the end is told as %v", name, err)
			}
		case <-time.After(20 * time.Second):
			t.Fatalf("%s: it waits on", name)
		}
	}
}

// heard is a world whose consents are heard of at an address of this machine.
type heard struct{ *tuitest.World }

// Authorize implements control.API.
func (h heard) Authorize(ctx context.Context, req control.AuthorizeRequest) (control.AuthorizeResult, error) {
	r, err := h.World.Authorize(ctx, req)
	r.RedirectURL = "http://127.0.0.1:0/callback"
	return r, err
}

func TestSetupSaysNo(t *testing.T) {
	_, applied, _, err := interview(t, control.Answers{}, false, append(plainest, "", "", "maybe", "no")...)
	if applied != nil || control.AsFailure(err) == nil || control.AsFailure(err).Exit() != control.ExitFailed {
		t.Fatalf("applied %v, err %v", applied, err)
	}
}

func TestSetupHeadless(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "answers.yaml")
	if err := os.WriteFile(filepath.Join(dir, "secret"), []byte(tuitest.Secret+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	write := func(text string) {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("values:\n  connection:shop:\n    fields: {name: shop, client_id: 12345678901234567890.10, client_secret: \"file:secret\"}\n  schedule: {skipped: true}\n")
	answers, err := readAnswers(file)
	if err != nil {
		t.Fatal(err)
	}
	shown, applied, q, err := interview(t, answers, true)
	if err != nil || applied == nil || applied.Secrets["shop"]["client_secret"] != tuitest.Secret {
		t.Fatalf("it does not come to an end: %v\n%s", err, shown)
	}
	if got := q.walk.Answers().Values["connection:shop"].Fields["client_id"]; got != "12345678901234567890.10" {
		t.Errorf("a number became %v", got)
	}
	if !strings.Contains(shown, "pair.pair: as proposed") {
		t.Errorf("it is not told what was taken as proposed:\n%s", shown)
	}
	_, applied, _, err = interview(t, control.Answers{}, true)
	if f := control.AsFailure(err); applied != nil || f == nil || f.Exit() != control.ExitUsage || !strings.Contains(f.Error(), "client_id is needed") {
		t.Errorf("a missing answer is told as %v", err)
	}
	for _, text := range []string{"values: [1]", "valeus: {}", "values: {a: {fields: {b: !!binary x}}}", "{", "values: {a: {fields: {b: \"file:missing\"}}}"} {
		write(text)
		if _, err := readAnswers(file); err == nil || control.AsFailure(err).Exit() != control.ExitUsage {
			t.Errorf("%q is read: %v", text, err)
		}
	}
}
