package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/pomost/pomost/host/activity"
	"github.com/pomost/pomost/host/control"
	"github.com/pomost/pomost/host/flow"
	"github.com/pomost/pomost/host/store"
)

const hostile = "a\x1b[31mb\x07\r\x9bc\u009bd\u202ee\u2066f\x7f\x00é→\tg"

func TestTextCannotSteerATerminal(t *testing.T) {
	var b bytes.Buffer
	w := cleanWriter{&b}
	n, err := w.Write([]byte("one\n" + hostile + "\n"))
	if err != nil || n != len("one\n"+hostile+"\n") {
		t.Fatalf("wrote %d, %v", n, err)
	}
	for _, r := range b.String() {
		if r != '\n' && r != '\uFFFD' && steers(r) {
			t.Errorf("%U comes through", r)
		}
	}
	if got := b.String(); !strings.HasPrefix(got, "one\n") || !strings.Contains(got, "é→") || strings.Count(got, "\n") != 2 {
		t.Errorf("harmless text is changed: %q", got)
	}
}

func TestJSONCannotSteerATerminal(t *testing.T) {
	body, err := json.Marshal(map[string]string{"x": hostile})
	if err != nil {
		t.Fatal(err)
	}
	safe := safeJSON(body)
	if bytes.IndexFunc(safe, steers) >= 0 {
		t.Errorf("%q", safe)
	}
	var before, after map[string]string
	if json.Unmarshal(body, &before) != nil || json.Unmarshal(safe, &after) != nil || before["x"] != after["x"] {
		t.Errorf("the value changed from %q to %q", before["x"], after["x"])
	}
}

func TestDataStaysOnItsLine(t *testing.T) {
	line := logText(control.LogEntry{LogLine: store.LogLine{Time: time.Unix(0, 0), Flow: "orders", Key: "1\n2026-01-01 forged", Outcome: "held", Message: "a\tb\r\nc\u2028d"}, Label: "1\n2"})
	if strings.ContainsAny(strings.TrimSuffix(line, "\n"), "\n\r\t\u2028") {
		t.Errorf("%q", line)
	}
}

// What is kept of a record stands below its line, each part on one line of its own.
func TestLogTextShowsPayloads(t *testing.T) {
	e := control.LogEntry{LogLine: store.LogLine{Time: time.Unix(0, 0), Flow: "orders", Key: "k1", Step: "order", Action: "create", Object: "SO1", Outcome: "created", Result: "55", Millis: 7}, Label: "1001",
		Payloads: []activity.Payload{{Kind: "in", Object: "order", Body: json.RawMessage("{\n\"a\": 1}")}, {Kind: "out", Object: "SO1", Body: json.RawMessage("{}"), Cut: true}}}
	got := strings.SplitN(logText(e), "  ", 2)[1]
	if want := "orders  1001 (k1)  create SO1  created 55  7 ms\n    in order  { \"a\": 1}\n    out SO1  {} … it was longer\n"; got != want {
		t.Errorf("got  %q\nwant %q", got, want)
	}
}

func newApp(output string) (*app, *bytes.Buffer, *bytes.Buffer) {
	var out, errs bytes.Buffer
	return &app{ctx: context.Background(), stdout: &out, stderr: &errs, out: cleanWriter{&out}, errs: cleanWriter{&errs}, output: output}, &out, &errs
}

func TestErrorsAreToldOnce(t *testing.T) {
	many := flow.UsageErrors{
		{File: "f.yaml", Line: 3, Column: 5, Path: "a.b", Message: "is wrong", Remedy: "mend it"},
		{Path: "c", Message: "is missing"},
	}
	a, out, errs := newApp(outputText)
	if err := a.finish(control.RecordsResult{}, many, control.ExitDone, nil); !errors.Is(err, exitError(2)) {
		t.Errorf("exit %v", err)
	}
	if want := "pomost: f.yaml:3:5: a.b: is wrong\n  → mend it\npomost: c: is missing\n"; errs.String() != want || out.Len() > 0 {
		t.Errorf("stderr %q, stdout %q", errs, out)
	}

	a, out, errs = newApp(outputJSON)
	if err := a.finish(control.RecordsResult{Records: []control.RecordInfo{}}, many, control.ExitDone, nil); !errors.Is(err, exitError(2)) {
		t.Errorf("exit %v", err)
	}
	var got struct {
		Records  []any
		Problems []problem
		Error    map[string]string
	}
	if err := json.Unmarshal(out.Bytes(), &got); err != nil {
		t.Fatalf("%v in %s", err, out)
	}
	if got.Records == nil || len(got.Problems) != 2 || got.Problems[0].Line != 3 || got.Error["cause"] != "usage" || errs.Len() > 0 {
		t.Errorf("%s", out)
	}
	for _, key := range []string{"connection", "record", "cause", "message", "remedy"} {
		if _, ok := got.Error[key]; !ok {
			t.Errorf("the error has no %s", key)
		}
	}

	a, out, _ = newApp(outputJSON)
	if err := a.finish(nil, errors.New("it broke"), control.ExitDone, nil); !errors.Is(err, exitError(1)) {
		t.Errorf("exit %v", err)
	}
	if !strings.HasPrefix(out.String(), `{"error":{`) || strings.Count(out.String(), "\n") != 1 {
		t.Errorf("%s", out)
	}
}

func TestSince(t *testing.T) {
	zone := time.FixedZone("here", 3600)
	now := time.Date(2026, 11, 23, 20, 0, 0, 0, zone)
	for text, want := range map[string]time.Time{
		"90m":                  now.Add(-90 * time.Minute),
		"7d":                   now.Add(-7 * 24 * time.Hour),
		"0.5d":                 now.Add(-12 * time.Hour),
		"2026-11-01":           time.Date(2026, 11, 1, 0, 0, 0, 0, zone),
		"2026-11-01 08:30":     time.Date(2026, 11, 1, 8, 30, 0, 0, zone),
		"2026-11-01T08:30:00Z": time.Date(2026, 11, 1, 8, 30, 0, 0, time.UTC),
	} {
		if got, err := parseTime("since", text, now); err != nil || !got.Equal(want) {
			t.Errorf("%s: %v, %v; want %v", text, got, err, want)
		}
	}
	for _, text := range []string{"", "soon", "-1h", "-1d", "2026-13-01", "d", "5"} {
		if got, err := parseTime("since", text, now); err == nil {
			t.Errorf("%q is taken for %v", text, got)
		}
	}
}

func TestProgressIsRareWithoutATerminal(t *testing.T) {
	var b bytes.Buffer
	p := newProgress(&b)
	for range 1000 {
		p.event(control.Event{Flow: "orders", Counts: store.Counts{Read: 1}})
	}
	if b.Len() > 0 {
		t.Errorf("%q", b.String())
	}
	p.event(control.Event{Flow: "orders", Message: "waiting \x1b[2J for it", Wait: time.Second})
	p.event(control.Event{Flow: "orders", Message: "waiting \x1b[2J for it", Wait: time.Second})
	if got := b.String(); strings.Count(got, "\n") != 1 || !strings.Contains(got, "(1s)") || strings.Contains(got, "\x1b") {
		t.Errorf("%q", got)
	}
	p.end()
	p.event(control.Event{Message: "too late"})
	if strings.Contains(b.String(), "too late") {
		t.Error("something is shown after the end")
	}
}

func TestProgressRewritesItsLineOnATerminal(t *testing.T) {
	var b bytes.Buffer
	p := newProgress(&b)
	p.terminal = true
	p.event(control.Event{Flow: "orders", Message: strings.Repeat("long ", 40)})
	line := strings.TrimPrefix(b.String(), "\r\x1b[K")
	if strings.Contains(line, "\n") || len([]rune(line)) > 78 {
		t.Errorf("%q would break", line)
	}
	p.end()
	if !strings.HasSuffix(b.String(), "\r\x1b[K") {
		t.Errorf("the line stays: %q", b.String())
	}
}

func TestSandboxArguments(t *testing.T) {
	a, _, _ := newApp(outputText)
	name, rest, _, err := a.sandboxArgs([]string{"eaccounting", "--data", "demo", "--output", "json", "--home=/x", "--set", "country=SE"})
	if err != nil || name != "eaccounting" || strings.Join(rest, " ") != "--data demo --set country=SE" || a.output != outputJSON || a.home != "/x" {
		t.Errorf("%s %v %v %+v", name, rest, err, a)
	}
	if _, _, _, err := a.sandboxArgs([]string{"eaccounting", "--output"}); err == nil {
		t.Error("a flag without its value is taken")
	}
}
