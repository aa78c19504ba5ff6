package sqlite

import (
	"fmt"
	"testing"
	"time"

	"github.com/pomost/pomost/host/store"
)

// batch is what n records of a run leave behind: link and log line each, one cursor.
func batch(from, n int) store.Change {
	c := store.Change{Cursors: []store.Cursor{{Flow: "orders", Object: "order", Value: fmt.Append(nil, from+n)}}}
	for i := from; i < from+n; i++ {
		key := fmt.Sprintf("%08x-0000-4000-8000-%012x", uint32(i*2654435761), i) // as random as a GUID
		c.Links = append(c.Links, store.Link{A: store.End{Connection: "shop", Object: "order", Key: key}, B: store.End{Connection: "books", Object: "SO1", Key: fmt.Sprint(i)},
			Kind: "order", Created: time.Now()})
		c.Log = append(c.Log, store.LogLine{Time: time.Now(), Flow: "orders", Run: "r1", Key: key, Action: "create", Object: "SO1", Outcome: "created", Result: fmt.Sprint(i)})
	}
	return c
}

// BenchmarkCommit is per record, in batches of 1,000.
func BenchmarkCommit(b *testing.B) {
	s := testStore(b)
	for done := 0; done < b.N; done += 1000 {
		if err := s.Commit(b.Context(), batch(done, min(1000, b.N-done))); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkCommitSlices is BenchmarkCommit with what was sent and answered beside each line, as large as an order's.
func BenchmarkCommitSlices(b *testing.B) {
	s := testStore(b)
	body := make([]byte, 1200)
	for done := 0; done < b.N; done += 1000 {
		c := batch(done, min(1000, b.N-done))
		for i := range c.Log {
			c.Slices = append(c.Slices, store.Slice{Line: i, Day: 20_760, Body: body})
		}
		if err := s.Commit(b.Context(), c); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkDropSlices is one chunk of pruning: how long a writer may have to wait for it.
func BenchmarkDropSlices(b *testing.B) {
	body := make([]byte, 1200)
	s := testStore(b)
	left := 0
	for b.Loop() {
		b.StopTimer()
		for ; left < 500; left += 1000 {
			c := store.Change{Log: make([]store.LogLine, 1000)}
			for i := range c.Log {
				c.Slices = append(c.Slices, store.Slice{Line: i, Day: 1, Body: body})
			}
			if err := s.Commit(b.Context(), c); err != nil {
				b.Fatal(err)
			}
		}
		b.StartTimer()
		n, err := s.DropSlices(b.Context(), 2, 500)
		if err != nil || n != 500 {
			b.Fatal(n, err)
		}
		left -= n
	}
}

// BenchmarkLinks is per end, 1,000 a call, of 100,000.
func BenchmarkLinks(b *testing.B) {
	s := testStore(b)
	var ends []store.End
	for from := 0; from < 100_000; from += 10_000 {
		c := batch(from, 10_000)
		for _, l := range c.Links[:100] {
			ends = append(ends, l.A)
		}
		if err := s.Commit(b.Context(), store.Change{Links: c.Links}); err != nil {
			b.Fatal(err)
		}
	}
	b.ResetTimer()
	for done := 0; done < b.N; done += len(ends) {
		if _, err := s.Links(b.Context(), ends, "books"); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkIntent is one durable intent and its settlement, by one worker and by sixteen that share commits.
func BenchmarkIntent(b *testing.B) {
	once := func(b *testing.B, s *Store) error {
		id, err := s.OpenIntent(b.Context(), store.Intent{Flow: "orders", Connection: "books", Object: "SO1", Opened: time.Now()})
		if err != nil {
			return err
		}
		return s.Commit(b.Context(), store.Change{Settle: []store.Settlement{{ID: id, State: store.IntentDone}}})
	}
	b.Run("one", func(b *testing.B) {
		s := testStore(b)
		for b.Loop() {
			if err := once(b, s); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("sixteen", func(b *testing.B) {
		s := testStore(b)
		b.SetParallelism(8)
		b.RunParallel(func(p *testing.PB) {
			for p.Next() {
				if err := once(b, s); err != nil {
					b.Error(err)
				}
			}
		})
	})
}
