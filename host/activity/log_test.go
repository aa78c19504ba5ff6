package activity_test

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/pomost/pomost/host/activity"
	"github.com/pomost/pomost/host/store"
	"github.com/pomost/pomost/host/store/sqlite"
	"github.com/pomost/pomost/host/vault"
	"github.com/pomost/pomost/sdk/record"
)

var noon = time.Date(2026, 11, 3, 12, 0, 0, 0, time.UTC)

const (
	email  = "anna.de.vries@example.nl"
	secret = "tok-5f1c9a77e0"
)

type world struct {
	t     *testing.T
	dir   string
	store *sqlite.Store
	vault *vault.Vault
	log   activity.Log
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{t: t, dir: t.TempDir()}
	var err error
	if w.vault, err = vault.Open(filepath.Join(w.dir, "keys"), true); err != nil {
		t.Fatal(err)
	}
	if w.store, err = sqlite.Open(t.Context(), filepath.Join(w.dir, "pomost.db"), w.vault); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = w.store.Close() })
	w.log = activity.Log{Keys: w.vault}
	return w
}

// keep writes a line with its label and what is kept beside it, and returns the line as it is read back.
func (w *world) keep(ch store.Change, label string, payloads ...activity.Payload) store.LogLine {
	w.t.Helper()
	line := &ch.Log[0]
	if err := w.log.Label(line, label); err != nil {
		w.t.Fatal(err)
	}
	if len(payloads) > 0 {
		s, err := w.log.Seal(*line, payloads)
		if err != nil {
			w.t.Fatal(err)
		}
		ch.Slices = append(ch.Slices, s)
	}
	if err := w.store.Commit(w.t.Context(), ch); err != nil {
		w.t.Fatal(err)
	}
	lines, err := w.store.Log(w.t.Context(), store.LogFilter{After: line.ID - 1, Limit: 1})
	if err != nil || len(lines) != 1 {
		w.t.Fatal(lines, err)
	}
	return lines[0]
}

func (w *world) payloads(lines ...store.LogLine) map[int64][]activity.Payload {
	w.t.Helper()
	out, err := w.log.Payloads(w.t.Context(), w.store, lines)
	if err != nil {
		w.t.Fatal(err)
	}
	return out
}

func payload(kind, object, body string) activity.Payload {
	return activity.Payload{Kind: kind, Object: object, Body: json.RawMessage(body)}
}

func line(at time.Time, key, step, outcome string) store.LogLine {
	return store.LogLine{Time: at, Flow: "orders", Run: "r1", Key: key, Step: step, Outcome: outcome}
}

// A copy of the data tells nobody what it kept.
func TestNothingReadableInTheFile(t *testing.T) {
	w := newWorld(t)
	body := `{"Email":"` + email + `","Name":"Anna de Vries","Token":"` + secret + `"}`
	l := w.keep(store.Change{Log: []store.LogLine{line(noon, "k1", "debtor", "created")}}, email, payload("in", "customer", body), payload("exchange", "books", body))
	if got := w.payloads(l)[l.ID]; len(got) != 2 || string(got[1].Body) != body {
		t.Fatalf("kept %v", got)
	}
	if got := w.log.LabelOf(l); got != email {
		t.Fatalf("the label came back as %q", got)
	}
	if err := w.store.Close(); err != nil {
		t.Fatal(err)
	}
	seen := 0
	for _, name := range []string{"pomost.db", "pomost.db-wal"} {
		data, err := os.ReadFile(filepath.Join(w.dir, name))
		if os.IsNotExist(err) {
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		seen += len(data)
		for _, word := range []string{email, "anna.de", secret, "Anna", "customer"} {
			if bytes.Contains(data, []byte(word)) {
				t.Errorf("%s holds %q", name, word)
			}
		}
		if name == "pomost.db" && !bytes.Contains(data, []byte("k1")) {
			t.Error("the key is not there: this test looks at the wrong file")
		}
	}
	if seen == 0 {
		t.Error("there is no file")
	}
}

func TestRetentionDropsKeyAndSlices(t *testing.T) {
	w := newWorld(t)
	var lines []store.LogLine
	for _, days := range []int{-91, -90, 0} {
		at := noon.AddDate(0, 0, days)
		lines = append(lines, w.keep(store.Change{Log: []store.LogLine{line(at, "k1", "order", "created")}}, "1001", payload("out", "SO1", `{"n":1}`)))
	}
	keys := func() (names []string) {
		list, err := os.ReadDir(filepath.Join(w.dir, "keys", vault.DayFolder))
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range list {
			names = append(names, e.Name())
		}
		return names
	}
	if n := len(keys()); n != 3 {
		t.Fatalf("%d keys", n)
	}
	for range 2 { // the second time there is nothing left to do
		if err := activity.Prune(t.Context(), w.store, w.vault, noon, 0); err != nil {
			t.Fatal(err)
		}
	}
	if d := cmp.Diff([]string{"2026-08-05.key", "2026-11-03.key"}, keys()); d != "" {
		t.Errorf("keys (-want +got):\n%s", d)
	}
	ids := []int64{lines[0].ID, lines[1].ID, lines[2].ID}
	if kept, err := w.store.Slices(t.Context(), ids); err != nil || len(kept) != 2 || kept[0].Log != ids[1] {
		t.Errorf("kept %v, %v", kept, err)
	}
	left, err := w.store.Log(t.Context(), store.LogFilter{Key: "k1"})
	if err != nil || len(left) != 3 {
		t.Errorf("%d lines are left, %v", len(left), err)
	}
	if w.log.LabelOf(left[0]) != "" || w.log.LabelOf(left[2]) != "1001" {
		t.Errorf("labels %q, %q", w.log.LabelOf(left[0]), w.log.LabelOf(left[2]))
	}
}

// Without its key a day cannot be read, also where its slices are still there: in a back-up, or when pruning was broken off.
func TestDroppedKey(t *testing.T) {
	w := newWorld(t)
	old := w.keep(store.Change{Log: []store.LogLine{line(noon, "k1", "order", "created")}}, "1001", payload("in", "order", `{"n":1}`))
	young := w.keep(store.Change{Log: []store.LogLine{line(noon.AddDate(0, 0, 1), "k1", "order", "verified")}}, "1001", payload("answer", "SO1", `{"n":2}`))
	if _, err := w.vault.DropDays(record.NewDate(2026, 11, 4)); err != nil {
		t.Fatal(err)
	}
	if got := w.payloads(old, young); len(got[old.ID]) != 0 || len(got[young.ID]) != 1 {
		t.Errorf("got %v", got)
	}
	if story := w.story("k1"); len(story.Attempts) != 2 || story.Source != nil || len(story.Attempts[1].Payloads) != 1 {
		t.Errorf("the story is %+v", story)
	}
}

// A slice that was moved beside another record does not open there.
func TestSliceBelongsToItsLine(t *testing.T) {
	w := newWorld(t)
	mine := line(noon, "k1", "order", "created")
	s, err := w.log.Seal(mine, []activity.Payload{payload("in", "order", `{"n":1}`)})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.log.Open(mine, s); err != nil {
		t.Fatal(err)
	}
	for _, other := range []store.LogLine{line(noon, "k2", "order", "created"), line(noon, "k1", "debtor", "created"), {Time: noon}} {
		if p, err := w.log.Open(other, s); err == nil {
			t.Errorf("beside %+v it opens as %v", other, p)
		}
	}
	damaged := s
	damaged.Body = s.Body[:len(s.Body)-1]
	ch := store.Change{Log: []store.LogLine{mine}, Slices: []store.Slice{damaged}}
	kept := w.keep(ch, "")
	if got := w.payloads(kept)[kept.ID]; len(got) != 1 || got[0].Kind != activity.KindUnreadable {
		t.Errorf("damage is told as %v", got)
	}
}

func TestLabelHash(t *testing.T) {
	w := newWorld(t)
	if a, b := w.log.LabelHash("A-1001 "), w.log.LabelHash(" a-1001"); a != b || a == 0 {
		t.Errorf("%d and %d", a, b)
	}
	if w.log.LabelHash("  ") != 0 || w.log.LabelHash("1001") == w.log.LabelHash("1002") {
		t.Error("labels are mixed up")
	}
	if w.log.LabelHash("1001") == newWorld(t).log.LabelHash("1001") {
		t.Error("the hash is not keyed")
	}
}

func (w *world) story(name string) activity.Story {
	w.t.Helper()
	ctx := w.t.Context()
	key, err := w.log.Find(ctx, w.store, "orders", name)
	if err != nil {
		w.t.Fatal(err)
	}
	story, err := w.log.Story(ctx, w.store, activity.Subject{Flow: "orders", Key: key, Origins: []activity.Origin{{Connection: "shop", Object: "order", Destination: "books"}}})
	if err != nil {
		w.t.Fatal(err)
	}
	return story
}

// A held record's story: what came, the debtor that was made on its way, what was refused, what waits for whom.
func TestStoryOfAHeldRecord(t *testing.T) {
	w := newWorld(t)
	ctx := t.Context()
	came := payload("in", "order", `{"Id":"k1","Number":1001}`)
	first := line(noon, "k1", "debtor", "created")
	first.Object, first.Action, first.Result, first.Millis = "AR1", "create", "10007", 40
	w.keep(store.Change{Log: []store.LogLine{first}, Links: []store.Link{{A: store.End{Connection: "shop", Object: "customer", Key: "c1"},
		B: store.End{Connection: "books", Object: "AR1", Key: "10007"}, Kind: "customer", Verified: "verified", Created: noon}}}, "1001", came, payload("out", "AR1", `{"Name":"A"}`))
	second := line(noon.Add(time.Second), "k1", "order", "refused")
	second.Object, second.Action, second.Cause, second.Message = "SO1", "create", "period_locked", "period 11 is closed"
	w.keep(store.Change{Log: []store.LogLine{second}, Records: []store.Record{{Flow: "orders", Key: "k1", Status: store.RecordFailed, Cause: "period_locked",
		Reason: "period 11 is closed", Remedy: "open it, then retry", Since: noon, Updated: noon, Label: "1001"}}}, "1001", payload("out", "SO1", `{"Ref":"1001"}`), payload("answer", "SO1", `{"cause":"period_locked"}`))
	w.keep(store.Change{Log: []store.LogLine{line(noon, "k2", "order", "created")}}, "1002", payload("in", "order", `{"Id":"k2"}`)) // another record's
	id, err := w.store.OpenIntent(ctx, store.Intent{Flow: "orders", Key: "k1", Connection: "books", Object: "SO1", Action: "create", Reference: "1001", Opened: noon, NotAfter: noon.Add(time.Minute)})
	if err != nil {
		t.Fatal(err)
	}
	want := activity.Story{Flow: "orders", Key: "k1", Label: "1001", Status: "failed", Cause: "period_locked", Reason: "period 11 is closed", Remedy: "open it, then retry",
		Since: noon, Tries: 1, Source: &came, SourceTime: noon,
		Links: []activity.StoryLink{{Kind: "customer", Connection: "books", Object: "AR1", Key: "10007", Verified: "verified", Since: noon}},
		Attempts: []activity.Attempt{
			{Time: noon, Run: "r1", Step: "debtor", Action: "create", Object: "AR1", Outcome: "created", Result: "10007", Millis: 40, Payloads: []activity.Payload{came, payload("out", "AR1", `{"Name":"A"}`)}},
			{Time: noon.Add(time.Second), Run: "r1", Step: "order", Action: "create", Object: "SO1", Outcome: "refused", Cause: "period_locked", Message: "period 11 is closed",
				Payloads: []activity.Payload{payload("out", "SO1", `{"Ref":"1001"}`), payload("answer", "SO1", `{"cause":"period_locked"}`)}},
		},
		Open: []activity.OpenEffect{{Object: "SO1", Action: "create", State: "open", Reference: "1001", Opened: noon, LookAgain: noon.Add(time.Minute)}},
	}
	for _, name := range []string{"k1", "1001"} { // by its key and by its number
		if d := cmp.Diff(want, w.story(name), cmpopts.EquateEmpty()); d != "" {
			t.Errorf("story of %s (-want +got):\n%s", name, d)
		}
	}

	// Once it is carried over, its link says so, and the number is still found in the log.
	done := line(noon.Add(time.Minute), "k1", "order", "created")
	done.Object, done.Result = "SO1", "55"
	w.keep(store.Change{Log: []store.LogLine{done}, Forget: []store.Record{{Flow: "orders", Key: "k1"}}, Settle: []store.Settlement{{ID: id, State: store.IntentDone, ResultKey: "55"}},
		Links: []store.Link{{A: store.End{Connection: "shop", Object: "order", Key: "k1"}, B: store.End{Connection: "books", Object: "SO1", Key: "55"}, Kind: "order", Verified: "not yet", Created: noon}}}, "1001")
	story := w.story("1001")
	if story.Status != activity.StatusLinked || story.Key != "k1" || len(story.Links) != 2 || story.Links[0].Key != "55" || len(story.Open) != 0 || story.Cause != "" {
		t.Errorf("the story is %+v", story)
	}
	if story := w.story("nobody knows it"); story.Status != "unknown" || len(story.Attempts) != 0 || story.Key != "nobody knows it" {
		t.Errorf("an unknown record: %+v", story)
	}
}

// Pruning gives way between its chunks.
func TestPruneObeysItsContext(t *testing.T) {
	w := newWorld(t)
	for range 3 {
		ch := store.Change{}
		for i := range 500 {
			ch.Log = append(ch.Log, line(noon.AddDate(-1, 0, 0), "k", "order", "created"))
			ch.Slices = append(ch.Slices, store.Slice{Line: i, Day: 1, Body: []byte("x")})
		}
		if err := w.store.Commit(t.Context(), ch); err != nil {
			t.Fatal(err)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := activity.Prune(ctx, w.store, w.vault, noon, 0); err == nil {
		t.Error("it went on to the end")
	}
	if err := activity.Prune(t.Context(), w.store, w.vault, noon, 0); err != nil {
		t.Fatal(err)
	}
	if n, err := w.store.DropSlices(t.Context(), 2, 1); n != 0 || err != nil {
		t.Errorf("%d are left, %v", n, err)
	}
}

func TestWords(t *testing.T) {
	for _, list := range [][]string{activity.Causes, activity.Outcomes} {
		seen := map[string]bool{}
		for _, w := range list {
			if seen[w] || strings.TrimSpace(w) != w || w == "" {
				t.Errorf("%q", w)
			}
			seen[w] = true
		}
	}
}
