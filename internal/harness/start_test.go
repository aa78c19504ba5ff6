package harness

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/pomost/pomost/host/control"
	kit "github.com/pomost/pomost/sdk/sandbox"
)

// slow makes the next reading of orders take its time, until release is called.
func (s *story) slow() (release func()) {
	s.Helper()
	s.ok(s.EA.AddFault(kit.Fault{Match: "GET /v2/orders", Times: 1, Do: "delay:60s"}))
	return func() {
		s.Helper()
		s.ok(s.EA.ClearFaults())
	}
}

// until watches with an API until the flow is as it should be.
func (s *story) until(api control.API, what string, is func(control.FlowStatus) bool) control.FlowStatus {
	s.Helper()
	ctx, cancel := context.WithTimeout(s.Context(), 30*time.Second)
	defer cancel()
	enough := errors.New("enough")
	var last control.FlowStatus
	err := api.Watch(ctx, func(st control.StatusResult) error {
		if last = st.Flows[0]; is(last) {
			return enough
		}
		return nil
	})
	if !errors.Is(err, enough) {
		s.Fatalf("it never came to this: %s: %v: %+v", what, err, last)
	}
	return last
}

func underWay(f control.FlowStatus) bool { return f.Running != nil && f.Running.ID != "" }

// start starts a run and returns how to stop waiting for it.
func (s *story) start(api control.API) (leave context.CancelFunc, result chan control.RunResult) {
	ctx, cancel := context.WithCancel(s.Context())
	result = make(chan control.RunResult, 1)
	go func() { result <- api.Start(ctx, control.StartRequest{Flows: []string{Flow}}, nil) }()
	return cancel, result
}

// started: who started a run and stays gets its result; who goes leaves it to the daemon, where there is one.
func (s *story) started() {
	var events []control.Event
	res := s.api.Start(s.Context(), control.StartRequest{Flows: []string{Flow}}, func(e control.Event) { events = append(events, e) })
	if res.Error != nil || len(res.Flows) != 1 || res.Flows[0].Status != "done" || len(events) == 0 {
		s.Fatalf("%+v, %d events", res, len(events))
	}
	s.fails(s.api.Start(s.Context(), control.StartRequest{}, nil).Error, control.ExitUsage, "usage", "nothing is named")
	s.fails(s.api.Start(s.Context(), control.StartRequest{Flows: []string{"order"}}, nil).Error, control.ExitUsage, "usage", "did you mean orders?")
	s.fails(s.api.Start(s.Context(), control.StartRequest{Plan: "nonsense"}, nil).Error, control.ExitUsage, "usage", "there is no plan nonsense")
	s.fails(s.api.Start(s.Context(), control.StartRequest{Retry: &control.RetryRequest{Cause: "refusd"}}, nil).Error, control.ExitUsage, "usage", "did you mean refused?")

	release := s.slow()
	leave, result := s.start(s.api)
	s.until(s.api, "it runs", underWay)
	leave()
	left := <-result
	if !s.status().Daemon {
		if left.Error == nil || left.Error.Cause != "stopped" {
			s.Errorf("where no daemon is, it ends with its caller: %+v", left)
		}
		release()
		return
	}
	s.fails(left.Error, control.ExitFailed, "left_alone")
	if f := s.status().Flows[0]; f.Running == nil {
		s.Errorf("it ended with who started it: %+v", f)
	}
	s.ok(s.api.Stop(s.Context(), Flow))
	f := s.until(s.api, "it is over", func(f control.FlowStatus) bool { return f.Running == nil })
	if f.LastRun.Status != "stopped" || f.LastRun.Trigger != "command" {
		s.Errorf("%+v", f.LastRun)
	}
	release()
}

// history: the runs of the story, newest first.
func (s *story) history() {
	all, err := s.api.Runs(s.Context(), control.RunsRequest{Flow: Flow})
	s.ok(err)
	if len(all.Runs) < 5 || all.Runs[0].Status != "stopped" || all.Runs[0].Error == "" || all.Runs[1].Status != "done" || all.Runs[1].Ended.IsZero() {
		s.Fatalf("%+v", all.Runs)
	}
	triggers := map[string]bool{}
	for i, r := range all.Runs {
		triggers[r.Trigger] = true
		if i > 0 && r.Started.After(all.Runs[i-1].Started) {
			s.Errorf("run %d began after the one before it", i)
		}
	}
	if !triggers["retry"] || !triggers["command"] {
		s.Errorf("%v", triggers)
	}
	one, err := s.api.Runs(s.Context(), control.RunsRequest{Flow: Flow, Last: 1})
	s.ok(err)
	if len(one.Runs) != 1 || one.Runs[0].ID != all.Runs[0].ID {
		s.Errorf("%+v", one)
	}
	_, err = s.api.Runs(s.Context(), control.RunsRequest{Flow: "order"})
	s.fails(err, control.ExitUsage, "usage", "did you mean orders?")
}

// TestAStartedRunOutlivesItsClient: one client starts a run and is gone, another one sees it go on and end well.
func TestAStartedRunOutlivesItsClient(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	second := w.serve(t)
	s := &story{T: t, World: w, api: second}
	_, err := second.ApplyConfig(t.Context(), s.config(map[string]any{"collective_account": "1210"}))
	s.ok(err)
	s.order("A1", true)
	release := s.slow()
	first := w.client(t)
	_, result := s.start(first)
	s.until(second, "it runs", underWay)
	s.ok(first.Close())
	if res := <-result; res.Error == nil {
		t.Errorf("a client that is gone got a result: %+v", res)
	}
	// Another one waits behind it. Stop takes both.
	gone, waiting := s.start(second)
	gone() // at once: what is asked for is begun all the same
	s.fails((<-waiting).Error, control.ExitFailed, "left_alone")
	s.ok(second.Stop(t.Context(), Flow))
	s.until(second, "both are over", func(f control.FlowStatus) bool { return f.Running == nil })
	release()
	leave, result := s.start(second)
	leave()
	s.fails((<-result).Error, control.ExitFailed, "left_alone")
	f := s.until(second, "a run ended well", func(f control.FlowStatus) bool { return f.LastRun != nil && f.LastRun.Status == "done" })
	if f.LastRun.Counts.Created != 1 {
		t.Errorf("%+v", f.LastRun)
	}
	runs, err := second.Runs(t.Context(), control.RunsRequest{Flow: Flow})
	s.ok(err)
	var stopped int
	for _, r := range runs.Runs {
		if r.Status == "stopped" {
			stopped++
		}
	}
	if stopped != 1 || len(runs.Runs) != 2 { // the one that waited for its turn never began
		t.Errorf("%+v", runs.Runs)
	}
}

// TestADaemonThatEndsEndsWhatWasStarted: gracefully, and whoever still waits is told.
func TestADaemonThatEndsEndsWhatWasStarted(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ctx, cancel := context.WithCancel(t.Context())
	ready, ended := make(chan control.Serving, 1), make(chan error, 1)
	go func() {
		ended <- w.Service.Serve(ctx, control.ServeOptions{Ready: func(s control.Serving) { ready <- s }})
	}()
	<-ready
	s := &story{T: t, World: w, api: w.Service}
	_, err := w.Service.ApplyConfig(t.Context(), s.config(map[string]any{"collective_account": "1210"}))
	s.ok(err)
	s.slow()
	client := w.client(t)
	defer client.Close()
	_, waited := s.start(client)
	s.until(w.Service, "it runs", underWay)
	leave, left := s.start(w.Service) // it waits for its turn
	leave()
	<-left
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	if res := <-waited; res.Error == nil || res.Error.Cause != "stopped" && res.Error.Cause != "daemon" {
		t.Errorf("%+v", res)
	}
	runs, err := w.Service.Runs(t.Context(), control.RunsRequest{Flow: Flow})
	s.ok(err)
	if len(runs.Runs) != 1 || runs.Runs[0].Status != "stopped" {
		t.Errorf("%+v", runs.Runs)
	}
}
