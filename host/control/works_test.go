package control

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pomost/pomost/host/flow"
)

// TestTurns: one run of a flow at a time, several flows side by side up to a bound, and whoever gives up leaves nothing behind.
func TestTurns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ws := newWorks()
		waited := 0
		enter := func(flow string) func() {
			t.Helper()
			leave, err := ws.enter(t.Context(), flow, []string{"to " + flow}, func() { waited++ })
			if err != nil {
				t.Fatal(err)
			}
			return leave
		}
		first := enter("orders")
		enter("stock")()
		if waited != 0 {
			t.Errorf("other flows waited %d times", waited)
		}
		short, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := ws.enter(short, "orders", nil, func() { waited++ }); !errors.Is(err, context.DeadlineExceeded) || waited != 1 {
			t.Errorf("a second run of the flow began: %v", err)
		}
		time.AfterFunc(time.Minute, first)
		began := time.Now()
		enter("orders")()
		if time.Since(began) != time.Minute {
			t.Errorf("it waited %s", time.Since(began))
		}
		// Another flow that writes to the same connection waits too, and two that write to both do not wait for each other for ever.
		orders, err := ws.enter(t.Context(), "orders", []string{"books"}, func() {})
		if err != nil {
			t.Fatal(err)
		}
		time.AfterFunc(time.Minute, orders)
		began = time.Now()
		done := make(chan struct{})
		for _, both := range [][]string{{"shop", "books"}, {"books", "shop"}} {
			go func() {
				defer func() { done <- struct{}{} }()
				out, err := ws.enter(t.Context(), both[0], both, func() {})
				if err != nil {
					t.Error(err)
					return
				}
				time.Sleep(time.Second)
				out()
			}()
		}
		<-done
		<-done
		if got := time.Since(began); got != time.Minute+2*time.Second {
			t.Errorf("one after the other they took %s", got)
		}
		var leave []func()
		for i := range sideBySide {
			leave = append(leave, enter(fmt.Sprint(i)))
		}
		short, cancel = context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := ws.enter(short, "one more", nil, func() {}); err == nil {
			t.Errorf("%d runs side by side", sideBySide+1)
		}
		// Whoever only keeps a flow still needs no place.
		out, err := ws.turn(t.Context(), "one more")
		if err != nil {
			t.Fatal(err)
		}
		out()
		for _, l := range leave {
			l()
		}
		if len(ws.gates) > 0 || len(ws.slots) > 0 {
			t.Errorf("left behind: %v, %d places", ws.gates, len(ws.slots))
		}
	})
}

// TestFailuresTravel: what is wrong is told by a daemon's client as it is without one.
func TestFailuresTravel(t *testing.T) {
	for _, err := range []error{
		usage("there is no flow %s", "name another", "x"),
		&Failure{Connection: "shop", Record: "1", Cause: "unavailable", Message: "down", Remedy: "wait", exit: ExitUnreachable},
		flow.UsageErrors{{File: "x.yaml", Line: 3, Column: 4, Path: "a.b", Message: "is wrong", Remedy: "mend it"}},
		flow.UsageErrors{{File: "x.yaml", Line: 3, Path: "a", Message: "is wrong"}, {Path: "b", Message: "too", Remedy: "mend both"}},
		context.Canceled, errors.New("plain"),
	} {
		back := open(answer(nil, err), nil)
		was, is := AsFailure(err), AsFailure(back)
		if was.Exit() != is.Exit() || was.Cause != is.Cause || was.Error() != is.Error() || was.Remedy != is.Remedy || was.Connection != is.Connection || was.Record != is.Record {
			t.Errorf("%+v comes back as %+v", was, is)
		}
		var before, after flow.UsageErrors
		if errors.As(err, &before) != errors.As(back, &after) || before.Error() != after.Error() {
			t.Errorf("%v comes back as %v", before, after)
		}
	}
	var res RunResult
	if err := open(answer(RunResult{Flows: []FlowResult{{Name: "orders"}}}, nil), &res); err != nil || len(res.Flows) != 1 {
		t.Errorf("%+v %v", res, err)
	}
}

func TestMetricsAreForThisMachineAlone(t *testing.T) {
	for address, ok := range map[string]bool{"": true, "127.0.0.1:0": true, "localhost:9464": true, "[::1]:9464": true, "127.3.2.1:1": true,
		"0.0.0.0:9464": false, ":9464": false, "[::]:1": false, "192.168.1.2:9464": false, "example.com:80": false, "9464": false} {
		err := loopbackOnly(address)
		if (err == nil) != ok || err != nil && AsFailure(err).Exit() != ExitUsage {
			t.Errorf("%q: %v", address, err)
		}
	}
}

func TestCodeOfAnAnswer(t *testing.T) {
	for text, want := range map[string]string{
		"abc": "abc", " abc\n": "abc", "https://x/cb?code=abc&state=s": "abc", "https://x/cb?state=s&code=a%2Fb#frag": "a/b", "code=abc&state=s": "abc", "code=abc": "abc",
		"https://x/cb?code=abc": "", "https://x/cb?code=abc&state=t": "", "https://x/cb": "", "https://x/cb?state=s": "", "": "", "a b": "",
		"https://x/cb?error=access_denied&state=s": "", "error=invalid_scope&state=s": "",
	} {
		got, err := codeOf(ConsentRequest{Connection: "shop", State: "s", Answer: text})
		if got != want || (err == nil) != (want != "") {
			t.Errorf("%q: %q, %v", text, got, err)
		}
	}
}
