package cli

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/pomost/pomost/host/activity"
)

func TestStoryText(t *testing.T) {
	at := time.Date(2026, 11, 3, 12, 0, 0, 0, time.Local)
	payload := func(kind, body string) activity.Payload {
		return activity.Payload{Kind: kind, Object: "SO1", Body: json.RawMessage(body)}
	}
	source := payload(activity.KindIn, `{"Id":"k1","Number":1001,"Rows":[{"Text":"Fiets"},{"Text":"Bel\u001b[31m"}],"Note":null}`)
	source.Cut = true
	story := activity.Story{Flow: "orders", Key: "k1", Label: "1001", Status: "failed", Cause: "refused", Reason: "the period is closed", Remedy: "open it, then retry",
		Since: at, Tries: 2, Source: &source, SourceTime: at,
		Links:  []activity.StoryLink{{Kind: "customer", Connection: "books", Object: "AR1", Key: "10007", Verified: "verified"}},
		Open:   []activity.OpenEffect{{Object: "SO1", Action: "create", State: "unknown", Reference: "1001", LookAgain: at.Add(time.Minute)}},
		Fields: []activity.FieldOrigin{{Object: "SO1", Field: "REF", Value: "W1001", Rule: "text with prefix", Function: "prefix 1.0", Overridden: true, From: []activity.FieldValue{{Field: "Number", Value: "1001"}}}},
		Attempts: []activity.Attempt{{Time: at, Action: "create", Object: "SO1", Outcome: "refused", Cause: "refused", Millis: 41, Payloads: []activity.Payload{
			payload(activity.KindOut, `{"REF":"W1001","DATE":"2026-11-03"}`), payload(activity.KindAnswer, `{"REF":"W1001","code":"12"}`),
			payload(activity.KindExchange, `{"method":"POST","url":"https://x/SO1","status":400,"millis":40,"response":{"error":"closed"}}`)}}},
	}
	want := `orders · 1001  (k1)
failed · refused · since 2026-11-03 12:00 · 2 attempts
  the period is closed
  → open it, then retry
  customer: books AR1 10007  verified
  open: create SO1 1001: its outcome is not known; looked for again after 12:01:00

What came  2026-11-03 12:00:00
  Id           k1
  Number       1001
  Rows.1.Text  Fiets
  Rows.2.Text  Bel�[31m
  …            it was longer

What makes each field now
  SO1.REF  W1001  ← text with prefix by prefix 1.0  (Number=1001)  set in the flow

What was done
  2026-11-03 12:00:00  create SO1  refused  refused  41 ms
            sent        answered
      REF   W1001       W1001
      DATE  2026-11-03
      code              12
      POST https://x/SO1 → 400, 40 ms: {"error":"closed"}
`
	var b strings.Builder
	storyText(cleanWriter{&b}, story)
	if d := cmp.Diff(want, b.String()); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
	b.Reset()
	storyText(&b, activity.Story{Flow: "orders", Key: "k9", Status: "unknown"})
	if !strings.Contains(b.String(), "Nothing is remembered of it") {
		t.Errorf("an unknown record: %s", b.String())
	}
}
