package harness

import (
	"context"
	"encoding/json"
	"errors"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/pomost/pomost/host/control"
	"github.com/pomost/pomost/host/flow"
	"github.com/pomost/pomost/host/home"
)

// TestMappingMeetsTheAccounts: rules of a flow's own are checked when they are applied, against what both accounts have.
func TestMappingMeetsTheAccounts(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	apply := func(check bool, rules map[string]any) (control.ApplyResult, error) {
		w.Flows = map[string]FlowSetup{"web": {Recipe: "orders", Source: "shop", Settings: map[string]any{"collective_account": "1210"}, Mapping: map[string]any{"order": rules}}}
		file, err := w.Configure(nil)
		if err != nil {
			t.Fatal(err)
		}
		return w.Service.Apply(t.Context(), control.ApplyRequest{File: file, Check: check})
	}
	refused := func(err error, field, why string) {
		t.Helper()
		var wrong flow.UsageErrors
		if !errors.As(err, &wrong) || !slices.ContainsFunc(wrong, func(e *flow.UsageError) bool {
			return strings.HasPrefix(e.Path, "flows.web.mapping.order."+field) && e.Line > 0 && strings.Contains(e.Message, why)
		}) || control.AsFailure(err).Exit() != control.ExitUsage {
			t.Errorf("%s: %v, want %q", field, err, why)
		}
	}
	none := func() {
		t.Helper()
		if names, err := w.Service.Flows(t.Context()); err != nil || len(names) > 0 {
			t.Errorf("in force: %v, %v", names, err)
		}
	}
	// Wrong in these accounts: nothing is in force then.
	_, err := apply(false, map[string]any{"EXT_NO": map[string]any{"const": "web"}})
	refused(err, "EXT_NO", "no such field")
	_, err = apply(false, map[string]any{"DEL_DATE": map[string]any{"expression": "order.total * 2"}})
	refused(err, "DEL_DATE", "a decimal cannot become a date")
	_, err = apply(false, map[string]any{"SO_LINE.ART_PX": map[string]any{"from": "order.date"}})
	refused(err, "SO_LINE.ART_PX", "a date cannot become a decimal")
	none()
	// Right.
	r, err := apply(false, map[string]any{"COMMENT2": map[string]any{"from": "order.number"}})
	if err != nil || !r.Applied || len(r.Notes) > 0 {
		t.Fatalf("%+v, %v", r, err)
	}
	// A look says the same, and stores nothing.
	_, err = apply(true, map[string]any{"EXT_NO": map[string]any{"const": "web"}})
	refused(err, "EXT_NO", "no such field")
	// What cannot be asked keeps nothing from being put into force.
	if err := w.AV.Close(); err != nil {
		t.Fatal(err)
	}
	next, err := apply(false, map[string]any{"EXT_NO": map[string]any{"const": "web"}})
	if err != nil || next.Revision != r.Revision+1 || len(next.Notes) != 1 || !strings.Contains(next.Notes[0], "the flow web was not checked") {
		t.Fatalf("%+v, %v", next, err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := w.Service.Apply(ctx, control.ApplyRequest{File: w.opts.Dir + "/pomost.yaml"}); err == nil {
		t.Error("an apply that was broken off is done")
	}
}

// TestRefusedFileChangesNoSecrets: a file that its mapping makes wrong leaves the tokens and secrets of connections in force as they were, also of
// one that it would lead to another host.
func TestRefusedFileChangesNoSecrets(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	apply := func(host, secret, field string, check bool) ([]string, error) {
		w.Flows = map[string]FlowSetup{"web": {Recipe: "orders", Source: "shop", Settings: map[string]any{"collective_account": "1210"},
			Mapping: map[string]any{"order": map[string]any{field: map[string]any{"const": "web"}}}}}
		file, err := w.Configure(nil)
		if err != nil {
			t.Fatal(err)
		}
		text, err := os.ReadFile(file)
		var c map[string]any
		if err := errors.Join(err, json.Unmarshal(text, &c)); err != nil {
			t.Fatal(err)
		}
		c["connections"].(map[string]any)["third"] = map[string]any{"connector": "accountview", "settings": map[string]any{"base_url": host, "company": "DEMO"},
			"secrets": map[string]any{"client_id": "env:AV_ID", "client_secret": "env:" + secret, "refresh_token": "env:AV_TOKEN"}}
		if text, err = json.Marshal(c); err == nil {
			err = os.WriteFile(file, text, 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
		res, err := w.Service.Apply(t.Context(), control.ApplyRequest{File: file, Check: check})
		return res.Notes, err
	}
	secrets := func() (have map[string]string) {
		t.Helper()
		if err := w.locked(t.Context(), func(st *home.State) (err error) {
			have, err = st.Store.Secrets(t.Context(), "third")
			return err
		}); err != nil {
			t.Fatal(err)
		}
		return have
	}
	if _, err := apply(w.AV.Info.BaseURL, "AV_SECRET", "COMMENT2", false); err != nil {
		t.Fatal(err)
	}
	before := secrets()
	if before["refresh_token"] == "" || before["client_secret"] == "" {
		t.Fatal("the test has nothing to lose")
	}
	if _, err := apply("http://127.0.0.1:1/api/v3", "EA_SECRET", "EXT_NO", false); control.AsFailure(err).Exit() != control.ExitUsage {
		t.Fatalf("%v", err)
	}
	if after := secrets(); !maps.Equal(before, after) {
		t.Error("a refused file changed secrets")
	}
	// A look at a file whose mapping is as it was asks nobody and waits for no lock.
	if err := w.locked(t.Context(), func(*home.State) error {
		notes, err := apply(w.AV.Info.BaseURL, "AV_SECRET", "COMMENT2", true)
		if len(notes) > 0 {
			t.Errorf("%q", notes)
		}
		return err
	}); err != nil {
		t.Error(err)
	}
}
