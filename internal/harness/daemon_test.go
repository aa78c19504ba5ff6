package harness

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/pomost/pomost/host/control"
	"github.com/pomost/pomost/host/home"
	kit "github.com/pomost/pomost/sdk/sandbox"
)

// TestOneDaemonAHome: a second one says who is there, at once.
func TestOneDaemonAHome(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.serve(t)
	began := time.Now()
	second := control.New(control.Options{Home: w.home, Command: "pomost serve", Getenv: w.secret, Plugins: func() (control.Plugins, error) { return InProcess{}, nil }})
	err := second.Serve(t.Context(), control.ServeOptions{})
	f := control.AsFailure(err)
	if err == nil || f.Cause != "locked" || f.Exit() != control.ExitFailed || !strings.Contains(f.Message, "has a daemon already: process ") || time.Since(began) > 5*time.Second {
		t.Errorf("%v", err)
	}
}

// TestSocketIsForItsUserAlone: the rights of the files are what guards the control API.
func TestSocketIsForItsUserAlone(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.serve(t)
	h, err := home.Open(w.home, home.Options{ReadOnly: true})
	if err != nil {
		t.Fatal(err)
	}
	d, _ := h.Daemon()
	for path, want := range map[string]os.FileMode{d.Socket: 0o600, filepath.Dir(d.Socket): 0o700} {
		info, err := os.Stat(path)
		if err != nil || info.Mode().Perm() != want {
			t.Errorf("%s: %v, %v; want %v", path, info.Mode(), err, want)
		}
	}
}

// TestScheduleFires: a flow with a schedule runs by itself, not while it is paused.
func TestScheduleFires(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	api := w.serve(t)
	s := &story{T: t, World: w, api: api}
	w.Schedule = "1s"
	_, err := api.ApplyConfig(t.Context(), s.config(map[string]any{"collective_account": "1210"}))
	s.ok(err)
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	enough := errors.New("enough")
	err = api.Watch(ctx, func(st control.StatusResult) error {
		if f := st.Flows[0]; f.LastRun != nil && f.LastRun.Trigger == "schedule" && !f.NextRun.IsZero() {
			return enough
		}
		return nil
	})
	if !errors.Is(err, enough) {
		t.Fatal(err)
	}
	s.ok(api.Pause(t.Context(), Flow))
	if f := s.status().Flows[0]; !f.Paused || !f.NextRun.IsZero() {
		t.Errorf("%+v", f)
	}
}

// TestTwoRunsOfOneFlow: the second waits for the first, says so, and is well.
func TestTwoRunsOfOneFlow(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	api := w.serve(t)
	s := &story{T: t, World: w, api: api}
	_, err := api.ApplyConfig(t.Context(), s.config(map[string]any{"collective_account": "1210"}))
	s.ok(err)
	s.order("A1", true)
	s.ok(s.EA.AddFault(kit.Fault{Match: "GET /v2/orders", Times: 1, Do: "delay:1s"}))
	waited := make(chan string, 100)
	results := make(chan control.RunResult, 2)
	for range 2 {
		go func() {
			results <- api.Run(t.Context(), []string{Flow}, func(e control.Event) {
				if strings.Contains(e.Message, "waiting for a run") {
					waited <- e.Message
				}
			})
		}()
	}
	created, ids := 0, map[string]bool{}
	for range 2 {
		res := <-results
		if res.Error != nil {
			t.Fatal(res.Error)
		}
		created += res.Flows[0].Created
		ids[res.Flows[0].Run] = true
	}
	if created != 1 || len(ids) != 2 || len(waited) != 1 {
		t.Errorf("%d created by %d runs, %d waited", created, len(ids), len(waited))
	}
}

// TestApplyDuringARun: a run that would go on with what is no longer in force is ended, and every record gets another look.
func TestApplyDuringARun(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	api := w.serve(t)
	s := &story{T: t, World: w, api: api}
	_, err := api.ApplyConfig(t.Context(), s.config(map[string]any{"collective_account": "1210"}))
	s.ok(err)
	s.order("A1", true)
	s.ok(s.EA.AddFault(kit.Fault{Match: "GET /v2/orders", Times: 1, Do: "delay:30s"}))
	result := make(chan control.RunResult, 1)
	go func() { result <- api.Run(t.Context(), []string{Flow}, nil) }()
	enough := errors.New("enough")
	if err := api.Watch(t.Context(), func(st control.StatusResult) error {
		if r := st.Flows[0].Running; r != nil && r.Status == "running" {
			return enough
		}
		return nil
	}); !errors.Is(err, enough) {
		t.Fatal(err)
	}
	res, err := api.ApplyConfig(t.Context(), s.config(map[string]any{"collective_account": "1210", "reference_prefix": "W-"}))
	s.ok(err)
	if res.Revision != 2 {
		t.Errorf("%+v", res)
	}
	if ran := <-result; ran.Error == nil || ran.Error.Cause != "stopped" {
		t.Errorf("%+v", ran)
	}
	s.ok(s.EA.ClearFaults())
	if res := api.Run(t.Context(), []string{Flow}, nil); res.Error != nil || res.Flows[0].Created != 1 {
		t.Errorf("%+v", res)
	}
}

// TestHealth: what a monitor asks on this machine.
func TestHealth(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ctx, cancel := context.WithCancel(t.Context())
	ready, ended := make(chan control.Serving, 1), make(chan error, 1)
	go func() {
		ended <- w.Service.Serve(ctx, control.ServeOptions{Listen: "127.0.0.1:0", Ready: func(s control.Serving) { ready <- s }})
	}()
	defer func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	}()
	serving := <-ready
	s := &story{T: t, World: w, api: w.Service}
	_, err := w.Service.ApplyConfig(t.Context(), s.config(map[string]any{"collective_account": "1210"}))
	s.ok(err)
	s.order("A1", true)
	s.order("A2", false)
	if res := w.Service.Run(t.Context(), []string{Flow}, nil); res.Error != nil {
		t.Fatal(res.Error)
	}
	client := &http.Client{Timeout: 10 * time.Second}
	defer client.CloseIdleConnections()
	get := func(path string) (int, string) {
		t.Helper()
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+serving.Listen+path, nil)
		s.ok(err)
		resp, err := client.Do(req)
		s.ok(err)
		defer resp.Body.Close()
		body, err := io.ReadAll(resp.Body)
		s.ok(err)
		return resp.StatusCode, string(body)
	}
	for _, path := range []string{"/healthz", "/readyz"} {
		if code, body := get(path); code != http.StatusOK {
			t.Errorf("%s: %d %s", path, code, body)
		}
	}
	if code, _ := get("/"); code != http.StatusNotFound {
		t.Errorf("/: %d", code)
	}
	_, body := get("/metrics")
	for _, line := range []string{`pomost_runs_total{flow="orders",lane="",outcome="done"} 1`, `pomost_records_total{flow="orders",lane="",outcome="created"} 1`,
		`pomost_records_total{flow="orders",lane="",outcome="held"} 1`, `pomost_records_held{flow="orders"} 1`, `pomost_records_failed{flow="orders"} 0`,
		`pomost_last_success_timestamp_seconds{flow="orders"} `, `pomost_lag_seconds{flow="orders"} `, `pomost_run_seconds{flow="orders",lane=""} `} {
		if !strings.Contains(body, line) {
			t.Errorf("no %s in\n%s", line, body)
		}
	}
	// A second daemon, for another home, finds the address in use: it says so, and works without.
	other, err := New(t.Context(), Options{Dir: t.TempDir()})
	s.ok(err)
	defer other.Close()
	second, stop := context.WithCancel(t.Context())
	lines := make(chan string, 10)
	again := make(chan control.Serving, 1)
	over := make(chan error, 1)
	go func() {
		over <- other.Service.Serve(second, control.ServeOptions{Listen: serving.Listen, Log: func(line string) { lines <- line }, Ready: func(s control.Serving) { again <- s }})
	}()
	if got := <-again; got.Listen != "" {
		t.Errorf("%+v", got)
	}
	if line := <-lines; !strings.Contains(line, "health and metrics are not served") {
		t.Errorf("%s", line)
	}
	stop()
	if err := <-over; err != nil {
		t.Error(err)
	}
}

// TestAKilledDaemonIsNoDaemon: its words are still there, and nobody answers.
func TestAKilledDaemonIsNoDaemon(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if _, err := control.Dial(t.Context(), filepath.Join(dir, "none.sock"), ""); !errors.Is(err, control.ErrNoDaemon) {
		t.Errorf("%v", err)
	}
	// One that listens and does not answer is told from it, soon.
	l, err := net.Listen("unix", filepath.Join(dir, "s"))
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	if _, err := control.Dial(ctx, filepath.Join(dir, "s"), ""); err == nil || errors.Is(err, control.ErrNoDaemon) {
		t.Errorf("%v", err)
	}
}

// TestFlowsIntoOneSystemTakeTurns: an order and its customer travel in two flows that are run at the same time. Both want the same debtor;
// there is one.
func TestFlowsIntoOneSystemTakeTurns(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	api := w.serve(t)
	s := &story{T: t, World: w, api: api}
	w.Flows = map[string]FlowSetup{"customers": {Recipe: "customers", Source: "shop", Settings: map[string]any{"direction": "to_accountview", "collective_account": "1210"}}}
	_, err := api.ApplyConfig(t.Context(), s.config(map[string]any{"collective_account": "1210"}))
	s.ok(err)
	const n = 12
	for i := range n {
		s.order(fmt.Sprintf("A%d", i), true)
	}
	results := make(chan control.RunResult, 2)
	for _, flow := range []string{Flow, "customers"} {
		go func() { results <- api.Run(t.Context(), []string{flow}, nil) }()
	}
	for range 2 {
		if res := <-results; res.Error != nil || res.Flows[0].Held+res.Flows[0].Failed > 0 {
			t.Errorf("%+v", res)
		}
	}
	debtors, err := s.AV.Call(t.Context(), http.MethodGet, "/accountviewdata?BusinessObject=AR1&PageSize=1000", nil)
	s.ok(err)
	rows, _ := debtors["CONTACT"].([]any)
	seen := map[string]int{}
	for _, r := range rows {
		if o, ok := r.(Object); ok {
			seen[fmt.Sprint(o["MAIL_BUS"])]++
		}
	}
	for i := range n {
		if mail := fmt.Sprintf("A%d@example.nl", i); seen[mail] != 1 {
			t.Errorf("%d debtors have the address %s", seen[mail], mail)
		}
	}
}
