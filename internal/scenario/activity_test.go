package scenario

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/pomost/pomost/host/activity"
	"github.com/pomost/pomost/host/control"
	"github.com/pomost/pomost/internal/harness"
)

// The story of an order that was held, then carried over: by its number, with what came, was sent and was answered; and nothing of it
// readable in the files of the home.
func TestStoryOfAnOrder(t *testing.T) {
	t.Parallel()
	const email, name = "jan.de.tester@example.nl", "Jansen-Vermeer"
	w := newWorld(t, map[string]string{})
	steps := func(list ...string) {
		t.Helper()
		for _, line := range list {
			if err := w.do(line); err != nil {
				t.Fatalf("%s: %v\n%s", line, err, w.out.String())
			}
		}
	}
	why := func(key string) activity.Story {
		t.Helper()
		story, err := w.Service.Why(t.Context(), harness.Flow, key)
		if err != nil {
			t.Fatal(err)
		}
		return story
	}
	steps("ea POST articles MUG", "ea POST customers jan {Name: "+name+", EmailAddress: "+email+"}",
		"ea POST orders o1 {CustomerId: $jan, Rows: [1 MUG 10.00]}", "run")
	held := why("1")
	if held.Status != "held" || held.Cause != "product_missing" || held.Label != "1" || held.Key == "1" || held.Remedy == "" || len(held.Links) != 0 {
		t.Errorf("held: %+v", held)
	}
	if held.Source == nil || !strings.Contains(string(held.Source.Body), w.vars["jan"]) {
		t.Errorf("what came: %+v", held.Source)
	}

	steps("av POST AK1 MUG", "retry")
	done := why(held.Key)
	if done.Status != activity.StatusLinked || done.Cause != "" || done.Label != "1" || len(done.Open) != 0 {
		t.Errorf("carried over: %+v", done)
	}
	if kinds := linkKinds(done); !strings.Contains(kinds, "order:SO1:26000001") || !strings.Contains(kinds, "customer:AR1:10001") {
		t.Errorf("links %s", kinds)
	}
	var outcomes, kinds []string
	for _, a := range done.Attempts {
		outcomes = append(outcomes, strings.TrimSpace(a.Object+" "+a.Outcome))
		for _, p := range a.Payloads {
			kinds = append(kinds, p.Kind+" "+p.Object)
		}
	}
	if got := strings.Join(outcomes, ", "); got != "held, AR1 created, SO1 created, verified" {
		t.Errorf("attempts: %s", got)
	}
	want := "in orders, in orders, out AR1, answer AR1, exchange books, out SO1, answer SO1, exchange books, answer SO1"
	if got := strings.Join(kinds, ", "); got != want {
		t.Errorf("kept: %s\nwant: %s", got, want)
	}
	if all := mustJSON(done); !strings.Contains(all, email) || !strings.Contains(all, name) || !strings.Contains(all, "/accountviewdata") {
		t.Error("what was sent to the debtor is not there")
	}

	seen := 0
	err := w.Service.Logs(t.Context(), control.LogsRequest{Flow: harness.Flow, Record: "1", Outcome: "created", Payloads: true}, func(e control.LogEntry) error {
		if seen++; e.Label != "1" || e.ID == 0 || len(e.Payloads) == 0 {
			t.Errorf("log line %+v", e)
		}
		return nil
	})
	if err != nil || seen != 2 {
		t.Errorf("%d lines, %v", seen, err)
	}
	for _, bad := range []control.LogsRequest{{Flow: "ordres"}, {Cause: "product_mising"}, {Outcome: "creatd"}} {
		err := w.Service.Logs(t.Context(), bad, func(control.LogEntry) error { return errors.New("a line") })
		if f := control.AsFailure(err); f == nil || f.Exit() != control.ExitUsage || !strings.Contains(f.Remedy, "did you mean") {
			t.Errorf("%+v: %v", bad, err)
		}
	}
	unreadable(t, filepath.Join(w.Home(), "data"), email, name, w.EA.Info.ClientSecret, w.AV.Info.ClientSecret, w.EA.Info.RefreshToken)
}

func linkKinds(s activity.Story) string {
	var list []string
	for _, l := range s.Links {
		list = append(list, l.Kind+":"+l.Object+":"+l.Key)
	}
	return strings.Join(list, " ")
}

// unreadable proves that none of the words stands in a file of a folder.
func unreadable(t *testing.T, dir string, words ...string) {
	t.Helper()
	files, err := os.ReadDir(dir)
	if err != nil || len(files) == 0 {
		t.Fatal("no files: ", err)
	}
	for _, f := range files {
		data, err := os.ReadFile(filepath.Join(dir, f.Name()))
		if err != nil {
			t.Fatal(err)
		}
		for _, word := range words {
			if word == "" || bytes.Contains(data, []byte(word)) {
				t.Errorf("%s holds %q", f.Name(), word)
			}
		}
	}
}

// A follower sees what is there, then what a run adds, beside that run and without its lock, and ends with its context.
func TestFollowTheLog(t *testing.T) {
	t.Parallel()
	w := newWorld(t, map[string]string{})
	for _, line := range []string{"ea POST articles MUG", "av POST AK1 MUG", "ea POST customers jan {Name: Jan, EmailAddress: jan@example.nl}",
		"ea POST orders o1 {CustomerId: $jan, Rows: [1 MUG 10.00]}", "run", "ea POST orders o2 {CustomerId: $jan, Rows: [2 MUG 10.00]}"} {
		if err := w.do(line); err != nil {
			t.Fatal(err)
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	ran := false
	var outcomes []string
	var last int64
	err := w.Service.Logs(ctx, control.LogsRequest{Flow: harness.Flow, Last: 2, Follow: true}, func(e control.LogEntry) error {
		if e.ID <= last {
			t.Errorf("line %d after %d", e.ID, last)
		}
		last = e.ID
		outcomes = append(outcomes, e.Outcome)
		switch {
		case e.Outcome == "run done" && !ran:
			ran = true
			return w.do("run")
		case e.Outcome == "run done":
			cancel()
		}
		return nil
	})
	if got := strings.Join(outcomes, ", "); err != nil || got != "verified, run done, created, verified, run done" {
		t.Errorf("%s, %v", got, err)
	}
}
