package conformance

import (
	"strings"
	"testing"
	"time"

	"github.com/pomost/pomost/sdk/connector"
	"github.com/pomost/pomost/sdk/record"
	"github.com/pomost/pomost/sdk/sandbox"
)

// testUpdateFaults lets every fault meet an update: what may have been done is unknown, what was not done is not there, and what only waits
// goes on.
func testUpdateFaults(t *testing.T, o Options, obj connector.Object, s Samples) {
	for do, done := range map[string]bool{"truncate": true, "late:300ms": true, "drop": false, "status:503": false, "garbage": false} {
		t.Run("unknown after "+do, func(t *testing.T) {
			needsNetwork(t, o)
			if s.SilentUpdate && do == "truncate" {
				t.Skip("an answer without a body cannot be cut")
			}
			t.Parallel()
			e := openObject(t, o, obj, s, nil)
			key := e.seed(1)[0]
			before := e.byKey(key)
			e.faults(sandbox.Fault{Match: s.UpdateCall, Do: do})
			sent := e.writes()
			got := e.write(connector.Update, time.Time{}, e.changeOf(key))
			if got[0].Outcome != connector.OutcomeUnknown {
				t.Fatalf("%s, want unknown", describe(got))
			}
			e.wantNoMoreThan(sent, 1)
			e.calm()
			if !done {
				e.wantAlone(before, e.byKey(key), record.New(e.Schema))
				return
			}
			missing := e.missing(s.Change(e), e.byKey(key))
			for deadline := time.Now().Add(5 * time.Second); len(missing) > 0 && time.Now().Before(deadline); {
				time.Sleep(50 * time.Millisecond) // a late one
				missing = e.missing(s.Change(e), e.byKey(key))
			}
			if len(missing) > 0 {
				t.Errorf("the update was done and does not show: %s", strings.Join(missing, "; "))
			}
		})
	}
	t.Run("goes on after status:429", func(t *testing.T) {
		needsNetwork(t, o)
		t.Parallel()
		e := openObject(t, o, obj, s, nil)
		key := e.seed(1)[0]
		e.faults(sandbox.Fault{Match: s.UpdateCall, Do: "status:429"})
		if got := e.write(connector.Update, time.Time{}, e.changeOf(key)); got[0].Outcome != connector.OutcomeUpdated {
			t.Errorf("%s, want updated", describe(got))
		}
	})
	t.Run("revoked", func(t *testing.T) {
		needsNetwork(t, o)
		t.Parallel()
		e := openObject(t, o, obj, s, nil)
		key := e.seed(1)[0]
		e.revoke()
		got, err := e.tryWrite(connector.Update, time.Time{}, e.changeOf(key))
		if err == nil && len(got) == 1 && got[0].Outcome == connector.OutcomeRefused && got[0].Err != nil {
			err = got[0].Err
		}
		e.wantCause(err, connector.CauseCredentials)
	})
}
