package sqlite

import (
	"context"
	"time"

	"github.com/pomost/pomost/host/store"
)

// RecordCounts implements store.Store.
func (s *Store) RecordCounts(ctx context.Context) ([]store.RecordCount, error) {
	var counts []store.RecordCount
	var names [][3]int64
	err := s.query(ctx, "SELECT flow, status, cause, count(*) FROM record GROUP BY flow, status, cause", func(row scanner) error {
		var c store.RecordCount
		var ids [3]int64
		if err := row.Scan(&ids[0], &ids[1], &ids[2], &c.Count); err != nil {
			return err
		}
		counts, names = append(counts, c), append(names, ids)
		return nil
	})
	for i := 0; err == nil && i < len(counts); i++ {
		c := &counts[i]
		err = s.words(ctx, names[i][:], &c.Flow, (*string)(&c.Status), &c.Cause)
	}
	if err != nil {
		return nil, s.fail("count remembered records", err)
	}
	return counts, nil
}

// Pause implements store.Store.
func (s *Store) Pause(ctx context.Context, flow string, since time.Time) error {
	return s.change(ctx, "pause a flow", func(t *tx) error {
		if since.IsZero() {
			return t.exec("DELETE FROM paused WHERE flow = ?", flow)
		}
		return t.exec("INSERT INTO paused (flow, since) VALUES (?, ?) ON CONFLICT DO NOTHING", flow, micros(since))
	})
}

// Paused implements store.Store.
func (s *Store) Paused(ctx context.Context) (map[string]time.Time, error) {
	out := map[string]time.Time{}
	err := s.query(ctx, "SELECT flow, since FROM paused", func(row scanner) error {
		var flow string
		var since int64
		err := row.Scan(&flow, &since)
		out[flow] = fromMicros(since)
		return err
	})
	if err != nil {
		return nil, s.fail("read which flows are paused", err)
	}
	return out, nil
}
