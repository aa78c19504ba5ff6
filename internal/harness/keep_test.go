package harness

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pomost/pomost/host/control"
)

// ahead is a clock that goes so much before the real one, and waits for nothing.
type ahead time.Duration

func (a ahead) Now() time.Time                                 { return time.Now().Add(time.Duration(a)) }
func (ahead) Sleep(ctx context.Context, _ time.Duration) error { return ctx.Err() }

// TestKeepDays: what came and was sent is kept for as many days as the configuration says, and the lines of the log stay.
func TestKeepDays(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s := &story{T: t, World: w, api: w.Service}
	apply := func(days string) {
		t.Helper()
		req := s.config(map[string]any{"collective_account": "1210"})
		req.Config = "{" + days + req.Config[1:] // JSON is YAML
		_, err := w.Service.ApplyConfig(t.Context(), req)
		s.ok(err)
	}
	apply("")
	id := s.order("A1", true)
	if res := w.Service.Run(t.Context(), []string{Flow}, nil); res.Error != nil || res.Flows[0].Created != 1 {
		t.Fatalf("%+v", res)
	}
	later := control.New(control.Options{Home: w.home, Command: "harness", Getenv: w.secret, Functions: functions.open, Clock: ahead(72 * time.Hour),
		Plugins: func() (control.Plugins, error) { return InProcess{}, nil }})
	for _, c := range []struct {
		days string
		kept bool
	}{{"", true}, {`"keep_days": 5,`, true}, {`"keep_days": 2,`, false}} {
		apply(c.days)
		if res := later.Run(t.Context(), []string{Flow}, nil); res.Error != nil {
			t.Fatalf("%+v", res)
		}
		why, err := later.Why(t.Context(), Flow, id)
		s.ok(err)
		if (why.Source != nil) != c.kept || len(why.Attempts) == 0 {
			t.Errorf("keep_days %q: the source's record is kept: %t, attempts: %d", c.days, why.Source != nil, len(why.Attempts))
		}
	}
}

// TestSettingsLeaveTheRest: whoever changes a flow's settings by questions is shown that change alone, and the file has all that is in force.
func TestSettingsLeaveTheRest(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s := &story{T: t, World: w, api: w.Service}
	req := s.config(map[string]any{"collective_account": "1210"})
	req.Config = `{"keep_days": 30,` + req.Config[1:]
	_, err := w.Service.ApplyConfig(t.Context(), req)
	s.ok(err)
	step, err := w.Service.Question(t.Context(), control.Answers{Flow: Flow, Values: map[string]control.Answer{
		"flow:" + Flow: {Fields: map[string]any{"reference_prefix": "W-"}}}})
	s.ok(err)
	if !step.Done || len(step.Changes) != 1 || !strings.HasSuffix(step.Changes[0].Path, ".reference_prefix") || !strings.Contains(step.Config, "keep_days: 30") {
		t.Errorf("%+v", step)
	}
}

// TestRefusedConsentDoesNotGoOn: a check that was refused for its credentials says nothing of how long they last.
func TestRefusedConsentDoesNotGoOn(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, good := range []bool{true, false} {
		if !good {
			w.AV.Info.RefreshToken = "spent elsewhere"
		}
		if err := w.Apply(t.Context(), map[string]any{"collective_account": "1210"}); err != nil {
			t.Fatal(err)
		}
		res, err := w.Service.Check(t.Context(), []string{"books"})
		if err != nil {
			t.Fatal(err)
		}
		goesOn := slices.ContainsFunc(res.Connections[0].Checks, func(i control.CheckItem) bool { return i.Name == "consent" })
		if res.Connections[0].OK != good || goesOn != good {
			t.Errorf("well: %t, %+v", good, res.Connections[0])
		}
	}
}
