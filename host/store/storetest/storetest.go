// Package storetest is the suite that every implementation of store.Store passes: what it promises, promise by promise.
package storetest

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/pomost/pomost/host/store"
	"github.com/pomost/pomost/sdk/record"
)

// Run runs the suite. open opens the state that belongs to t: the first call with a t makes a new, empty one, a later call with the
// same t opens that one again. The suite closes what it opened.
func Run(t *testing.T, open func(t *testing.T) store.Store) {
	tests := []struct {
		name string
		run  func(t *testing.T, s store.Store)
	}{
		{"revisions", revisions},
		{"secrets", secrets},
		{"leases", leases},
		{"lease guards commit", leaseGuardsCommit},
		{"release all", releaseAll},
		{"runs", runs},
		{"cursors", cursors},
		{"links from both ends", linksFromBothEnds},
		{"links are replaced", linksAreReplaced},
		{"links of one end", linksOfOneEnd},
		{"links by the thousand", linksByTheThousand},
		{"records", records},
		{"record filters", recordFilters},
		{"record counts", recordCounts},
		{"paused flows", pausedFlows},
		{"intents", intents},
		{"intents are serialised", intentsAreSerialised},
		{"intents settle", intentsSettle},
		{"commit is all or nothing", commitIsAllOrNothing},
		{"plans", plans},
		{"log", logLines},
		{"log search", logSearch},
		{"slices", lineSlices},
		{"many slices", manySlices},
		{"hostile texts", hostileTexts},
		{"many at a time", manyAtATime},
		{"one lease for many", oneLeaseForMany},
		{"one identity for many", oneIdentityForMany},
		{"a context that ended", endedContext},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := open(t)
			defer closeStore(t, s)
			tt.run(t, s)
		})
	}
	t.Run("reopened", func(t *testing.T) { reopened(t, open) })
}

func closeStore(t *testing.T, s store.Store) {
	t.Helper()
	if err := s.Close(); err != nil {
		t.Errorf("Close: %v", err)
	}
}

// noon is the time of the suite; stores keep microseconds.
var noon = time.Date(2026, 11, 3, 12, 0, 0, 123456000, time.UTC)

func at(minutes int) time.Time { return noon.Add(time.Duration(minutes) * time.Minute) }

func ok(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func must[T any](v T, err error) func(t *testing.T) T {
	return func(t *testing.T) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

func same(t *testing.T, what string, got, want any) {
	t.Helper()
	if d := cmp.Diff(want, got, cmpopts.EquateEmpty()); d != "" {
		t.Errorf("%s (-want +got):\n%s", what, d)
	}
}

func is(t *testing.T, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Fatalf("got error %v, want %v", err, want)
	}
}

func fingerprintOf(text string) record.Fingerprint {
	return record.FingerprintOfValue(record.Text(text))
}

func end(connection, object string, n int) store.End {
	return store.End{Connection: connection, Object: object, Key: fmt.Sprintf("%s-%d", object, n)}
}
