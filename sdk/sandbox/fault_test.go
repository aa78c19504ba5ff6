package sandbox

import (
	"errors"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"
)

// things tells how often POST /things was done.
func (c *client) things(tok string) string {
	a := c.call("GET", "/count", tok)
	return strings.TrimPrefix(strings.Split(a.body, ",")[0], `{"n":`)
}

const postThings = "POST /api/v1/things"

func TestFaults(t *testing.T) {
	for _, tc := range []struct {
		do     string
		status int // of the faulty call; 0: the connection closed
		done   string
		logged int
		body   string
	}{
		{"status:503", 503, "0", 503, ""},
		{"status:429", 429, "0", 429, ""},
		{"drop", 0, "0", 0, ""},
		{"lost-reply", 0, "1", 201, ""},
		{"garbage", 502, "0", 502, "<html>"},
		{"expire-token", 401, "", 401, ""},
		{"delay:20ms", 201, "1", 201, ""},
	} {
		t.Run(tc.do, func(t *testing.T) {
			c := start(t, Options{Faults: []Fault{{Match: strings.ToLower(postThings), Do: tc.do}}})
			tok := c.access()
			a := c.call("POST", "/things", tok)
			if a.status != tc.status || (tc.status == 0) != (a.err != nil) || !strings.Contains(a.body, tc.body) {
				t.Errorf("got %d %q %v", a.status, a.body, a.err)
			}
			log := c.run.Log()
			if last := log[len(log)-1]; last.Fault != tc.do || last.Status != tc.logged {
				t.Errorf("logged %+v", last)
			}
			if tc.done == "" {
				if a := c.call("GET", "/count", tok); a.status != 401 {
					t.Errorf("the token still works: %d", a.status)
				}
				return
			}
			if got := c.things(tok); got != tc.done {
				t.Errorf("done %s times, want %s", got, tc.done)
			}
			if a := c.call("POST", "/things", tok); a.status != 201 {
				t.Errorf("the next call: %d %v", a.status, a.err)
			}
		})
	}
}

func TestFaultLate(t *testing.T) {
	c := start(t, Options{Faults: []Fault{{Match: postThings, Do: "late:100ms"}}})
	tok := c.access()
	if a := c.call("POST", "/things", tok); a.err == nil {
		t.Fatalf("answered: %d", a.status)
	}
	if got := c.things(tok); got != "0" {
		t.Errorf("done at once: %s", got)
	}
	deadline := time.Now().Add(5 * time.Second)
	for c.things(tok) != "1" {
		if time.Now().After(deadline) {
			t.Fatal("never done")
		}
		time.Sleep(10 * time.Millisecond)
	}
}

func TestCloseGivesUpLateCalls(t *testing.T) {
	c := start(t, Options{Faults: []Fault{{Match: postThings, Do: "late:1h"}, {Match: "GET /api/v1/slow", Do: "delay:1h"}}})
	tok := c.access()
	c.call("POST", "/things", tok)
	slow := make(chan answer, 1)
	go func() { slow <- c.call("GET", "/slow", tok) }()
	arrived := func() bool {
		book := c.run.server.faults
		book.mu.Lock()
		defer book.mu.Unlock()
		return book.armed[1].seen > 0
	}
	for !arrived() {
		time.Sleep(time.Millisecond)
	}
	begin := time.Now()
	if err := c.run.Close(); err != nil || time.Since(begin) > 5*time.Second {
		t.Errorf("Close took %v: %v", time.Since(begin), err)
	}
	if a := <-slow; a.err == nil {
		t.Errorf("the delayed call was answered: %d", a.status)
	}
}

func TestFaultTruncate(t *testing.T) {
	c := start(t, Options{Faults: []Fault{{Match: postThings, Do: "truncate"}}})
	tok := c.access()
	a := c.call("POST", "/things", tok)
	if a.status != 201 || !errors.Is(a.err, io.ErrUnexpectedEOF) || !strings.HasPrefix(a.body, `{"n"`) {
		t.Errorf("got %d %q %v", a.status, a.body, a.err)
	}
	if got := c.things(tok); got != "1" {
		t.Errorf("done %s times", got)
	}
}

func TestFaultDelayIsDoneThoughTheCallerLeft(t *testing.T) {
	c := start(t, Options{Faults: []Fault{{Match: postThings, Do: "delay:150ms"}}})
	tok := c.access()
	patient := c.http
	c.http = &http.Client{Timeout: 30 * time.Millisecond, Transport: &http.Transport{DisableKeepAlives: true}}
	if a := c.call("POST", "/things", tok); a.err == nil {
		t.Fatal("the call was not cut off")
	}
	c.http = patient
	time.Sleep(300 * time.Millisecond)
	if got := c.things(tok); got != "1" {
		t.Errorf("done %s times", got)
	}
}

func TestFaultRevokeRefresh(t *testing.T) {
	c := start(t, Options{Faults: []Fault{{Match: "GET /api/v1/things", Do: "revoke-refresh"}, {Match: "POST /api/v1/token", Skip: 2, Do: "revoke-refresh"}}})
	first := c.refresh(c.run.Info.RefreshToken)
	if a := c.call("GET", "/things", first.field("access_token")); a.status != 200 {
		t.Errorf("the call itself must go on: %d", a.status)
	}
	if a := c.refresh(first.field("refresh_token")); a.field("error") != "invalid_grant" {
		t.Errorf("the refresh token still works: %d %s", a.status, a.body)
	}
	if a := c.refresh(c.run.server.auth.seed([]string{"read", "offline"})); a.field("error") != "invalid_grant" {
		t.Errorf("revoked by its own token call: %d %s", a.status, a.body)
	}
}

func TestFaultsCountIndependently(t *testing.T) {
	c := start(t, Options{Faults: []Fault{
		{Match: postThings, Skip: 1, Times: 2, Do: "status:503"},
		{Match: postThings, Skip: 2, Do: "status:500"},
		{Match: postThings, Skip: 3, Do: "status:418"},
		{Match: "POST /api/v1/other", Times: -1, Do: "status:507"},
	}})
	tok := c.access()
	var got []int
	for range 5 {
		got = append(got, c.call("POST", "/things/7", tok).status)
	}
	// The second entry is due at the third call as well, where the first one wins: its count is then spent.
	if want := []int{201, 503, 503, 418, 201}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	for range 3 {
		if a := c.call("POST", "/other", tok); a.status != 507 {
			t.Errorf("times -1 must last: %d", a.status)
		}
	}
	if err := c.run.SetFaults(nil); err != nil {
		t.Fatal(err)
	}
	if a := c.call("POST", "/other", tok); a.status != 201 {
		t.Errorf("after SetFaults(nil): %d", a.status)
	}
	if err := c.run.SetFaults([]Fault{{Match: "x", Do: "drop"}}); err == nil {
		t.Error("a wrong fault was taken")
	}
}

func TestFaultObjectNarrows(t *testing.T) {
	c := start(t, Options{Faults: []Fault{{Match: postThings, Object: "so1", Do: "status:503"}}})
	tok := c.access()
	if a := c.call("POST", "/things?object=AR1", tok); a.status != 201 {
		t.Errorf("another object: %d", a.status)
	}
	if a := c.call("POST", "/things?object=SO1", tok); a.status != 503 {
		t.Errorf("the object: %d", a.status)
	}
}
