package sqlite

import (
	"context"

	"github.com/pomost/pomost/host/store"
	"github.com/pomost/pomost/sdk/record"
)

// slicesAsked bounds the lines of one query.
const slicesAsked = 1000

// putSlices keeps slices beside lines of this change or of an earlier one. A line that is gone, or has all it may have, keeps none.
func (t *tx) putSlices(slices []store.Slice, lines []store.LogLine) error {
	next := map[int64]int64{}
	for _, s := range slices {
		log := s.Log
		if log == 0 {
			if s.Line < 0 || s.Line >= len(lines) {
				continue
			}
			log = lines[s.Line].ID
		}
		id, known := next[log]
		if !known {
			id = log * store.MaxSlices
			if s.Log != 0 {
				var there int
				if err := t.row("SELECT count(*) FROM log WHERE id = ?", []any{log}, &there); err != nil {
					return err
				}
				if there == 0 {
					continue
				}
				if err := t.row("SELECT coalesce(max(id) + 1, ?) FROM slice WHERE id >= ? AND id < ?", []any{id, id, id + store.MaxSlices}, &id); err != nil {
					return err
				}
			}
		}
		next[log] = id + 1
		if id >= (log+1)*store.MaxSlices {
			continue
		}
		if err := t.exec("INSERT INTO slice (id, day, body) VALUES (?, ?, ?)", id, int64(s.Day), blob(s.Body)); err != nil {
			return err
		}
	}
	return nil
}

// Slices implements store.Store.
func (s *Store) Slices(ctx context.Context, logs []int64) ([]store.Slice, error) {
	var out []store.Slice
	for len(logs) > 0 {
		part := logs[:min(slicesAsked, len(logs))]
		logs = logs[len(part):]
		err := s.query(ctx, `SELECT slice.id, day, body FROM json_each(?) AS line JOIN slice ON slice.id >= line.value * ? AND slice.id < (line.value + 1) * ? ORDER BY slice.id`,
			func(row scanner) error {
				var x store.Slice
				var id int64
				if err := row.Scan(&id, &x.Day, &x.Body); err != nil {
					return err
				}
				x.Log = id / store.MaxSlices
				out = append(out, x)
				return nil
			}, list(part), store.MaxSlices, store.MaxSlices)
		if err != nil {
			return nil, s.fail("read slices", err)
		}
	}
	return out, nil
}

// DropSlices implements store.Store. Its commit holds up whoever writes for no longer than limit rows take.
func (s *Store) DropSlices(ctx context.Context, before record.Date, limit int) (dropped int, err error) {
	err = s.change(ctx, "drop old slices", func(t *tx) error {
		n, err := t.changed("DELETE FROM slice WHERE id IN (SELECT id FROM slice WHERE day < ? LIMIT ?)", int64(before), limit)
		dropped = int(n)
		return err
	})
	if err != nil {
		return 0, err
	}
	return dropped, nil
}
