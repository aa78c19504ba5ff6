package control

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/pomost/pomost/host/home"
	"github.com/pomost/pomost/recipes"
)

func TestTheShippedDemonstrationIsReadable(t *testing.T) {
	plan, err := loadDemo(recipes.FS)
	if err != nil {
		t.Fatal(err)
	}
	if len(plan.Sandboxes) != 2 || len(plan.Counts) == 0 {
		t.Fatalf("%+v", plan)
	}
	for _, c := range plan.Counts {
		if _, known := plan.Sandboxes[c.Of]; !known || c.Path == "" || c.List == "" || c.Page == "" {
			t.Errorf("%+v", c)
		}
		if _, known := (FlowResult{}).number(c.Is); c.Is != "" && !known {
			t.Errorf("%s: is %q, which is no count of a run", c.Name, c.Is)
		}
	}
}

// rawSystem answers two pages of records, under a consent.
func rawSystem(t *testing.T) *sandboxProcess {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /authorize", func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, r.URL.Query().Get("redirect_uri")+"?code=c1", http.StatusFound)
	})
	mux.HandleFunc("POST /token", func(w http.ResponseWriter, r *http.Request) {
		if r.PostFormValue("code") != "c1" || r.PostFormValue("client_secret") != "s" {
			http.Error(w, "{}", http.StatusBadRequest)
			return
		}
		_, _ = w.Write([]byte(`{"access_token":"t"}`))
	})
	mux.HandleFunc("GET /things", func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "Bearer t" || r.Header.Get("x-company") != "C" {
			http.Error(w, "", http.StatusUnauthorized)
			return
		}
		page := map[string]string{"1": `[{"id":"a"},{"id":"b"}]`, "2": `[{"id":"b"}]`}[r.URL.Query().Get("page")]
		if page == "" {
			page = "[]"
		}
		_, _ = w.Write([]byte(`{"List":` + page + `}`))
	})
	srv := httptest.NewServer(mux)
	t.Cleanup(srv.Close)
	return &sandboxProcess{info: map[string]string{"base_url": srv.URL, "authorize_url": srv.URL + "/authorize", "token_url": srv.URL + "/token",
		"client_id": "i", "client_secret": "s", "company": "C"}}
}

func TestDemoComparesCounts(t *testing.T) {
	count := func(expected int, is string, live bool) DemoResult {
		plan := demoPlan{Counts: []demoCount{{Name: "things", Of: "box", Flow: "f", Is: is, Path: "/things", Page: "page", List: "List",
			Headers: map[string]string{"x-company": "${box.company}"}, Distinct: "missing"}}}
		r := DemoResult{Flows: []FlowResult{{Name: "f"}}, Sandboxes: map[string]map[string]int{}}
		r.Flows[0].Created, r.Flows[0].Read = expected, expected
		if err := r.count(context.Background(), plan, map[string]*sandboxProcess{"box": rawSystem(t)}, live); err != nil {
			t.Fatal(err)
		}
		return r
	}
	if r := count(3, "created", false); !r.Agree || r.Exit() != ExitDone || r.Sandboxes["box"]["things"] != 3 {
		t.Errorf("%+v", r)
	}
	if r := count(2, "created", false); r.Agree || r.Exit() != ExitFailed {
		t.Errorf("a lost record is not noticed: %+v", r)
	}
	// While a live shop is counted, buyers go on: what came since is told, and no difference. Nothing may be missing.
	if r := count(2, "read", true); !r.Agree || r.Counts[0].Since != 1 {
		t.Errorf("%+v", r.Counts)
	}
	for _, r := range []DemoResult{count(4, "read", true), count(2, "created", true), count(2, "read", false)} {
		if r.Agree || r.Counts[0].Since != 0 {
			t.Errorf("%+v", r.Counts)
		}
	}
}

func TestDemoFindsDoubles(t *testing.T) {
	plan := demoPlan{Counts: []demoCount{{Name: "things", Of: "box", Path: "/things", Page: "page", List: "List", Headers: map[string]string{"x-company": "C"}, Distinct: "id"}}}
	r := DemoResult{Sandboxes: map[string]map[string]int{}}
	if err := r.count(context.Background(), plan, map[string]*sandboxProcess{"box": rawSystem(t)}, false); err != nil {
		t.Fatal(err)
	}
	if r.Agree || r.Counts[0].Twice != 1 {
		t.Errorf("%+v", r.Counts)
	}
}

// script puts a shell script in a connector's place.
func script(t *testing.T, name, text string) *Service {
	t.Helper()
	if runtime.GOOS == "windows" {
		t.Skip("needs a shell")
	}
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, connectorPrefix+name), []byte("#!/bin/sh\n"+text+"\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	return New(Options{Connectors: dir, Home: filepath.Join(t.TempDir(), "home")})
}

func TestSandboxEndsWithItsChild(t *testing.T) {
	t.Setenv("POMOST_CANARY", "secret")
	s := script(t, "x", `echo "$@ $POMOST_CANARY"; echo words >&2; exit 7`)
	var out, errs strings.Builder
	code, err := s.Sandbox(context.Background(), "x", []string{"--data", "demo"}, &out, &errs)
	if err != nil || code != 7 || out.String() != "sandbox --data demo \n" || errs.String() != "words\n" {
		t.Errorf("%d %v %q %q", code, err, out.String(), errs.String())
	}
	if _, err := s.Sandbox(context.Background(), "y", nil, &out, &errs); AsFailure(err).Exit() != ExitUsage || AsFailure(err).Remedy != "did you mean x?" {
		t.Errorf("%v", AsFailure(err).Remedy)
	}
	if _, err := os.Stat(s.opts.Home); err == nil {
		t.Error("the home was made")
	}
}

func TestSandboxPassesTheEndOn(t *testing.T) {
	s := script(t, "x", `trap 'echo saved; exit 0' TERM; echo ready; while :; do sleep 0.05; done`)
	ctx, cancel := context.WithCancel(context.Background())
	out := newFirstLine()
	go func() { <-out.first; cancel() }()
	code, err := s.Sandbox(ctx, "x", nil, out, &lastBytes{})
	if err != nil || code != ExitDone {
		t.Errorf("%d %v", code, err)
	}
}

func TestDemoSaysWhySandboxesDoNotStart(t *testing.T) {
	for text, want := range map[string]string{
		`echo "no such port" >&2; exit 1`: "no such port",
		`echo hello; exec sleep 5`:        "first line",
	} {
		_, err := script(t, "x", text).startSandbox(context.Background(), "x", nil)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", text, err)
		}
	}
}

func TestALockedHomeNamesItsHolder(t *testing.T) {
	dir := t.TempDir()
	h, err := home.Open(dir, home.Options{})
	if err != nil {
		t.Fatal(err)
	}
	lock, err := h.Lock(context.Background(), time.Second, "pomost run orders")
	if err != nil {
		t.Fatal(err)
	}
	defer lock.Release()
	st, err := h.OpenState(context.Background(), lock) // a home in which something was applied
	if err != nil {
		t.Fatal(err)
	}
	if err := st.Close(); err != nil {
		t.Fatal(err)
	}
	res := New(Options{Home: dir, LockWait: 100 * time.Millisecond}).Run(context.Background(), []string{"orders"}, nil)
	if res.Exit() != ExitFailed || res.Error == nil || !strings.Contains(res.Error.Message, "pomost run orders") || res.Error.Remedy == "" {
		t.Errorf("%+v", res.Error)
	}
	text, err := json.Marshal(res)
	if err != nil || !strings.HasPrefix(string(text), `{"flows":[],`) {
		t.Errorf("%s", text)
	}
}
