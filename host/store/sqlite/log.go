package sqlite

import (
	"context"
	"strings"

	"github.com/pomost/pomost/host/store"
)

// pruneEvery is how many new lines it takes until old ones are looked for. More are removed at a time than came, so that a log
// whose bound was lowered shrinks, but never so many that one commit takes long.
const pruneEvery, pruneMost = 1000, 5000

func (t *tx) appendLog(lines []store.LogLine, keep int64) error {
	var last int64
	prune := false
	for i := range lines {
		l := &lines[i]
		ids, err := t.namesOf(l.Flow, l.Step, l.Action, l.Object, l.Outcome, l.Cause)
		if err != nil {
			return err
		}
		var hash int64
		if l.Key != "" {
			hash = hash64(l.Key)
		}
		if last, err = t.insert(`INSERT INTO log (time, key_hash, flow, step, action, object, outcome, cause, millis, run, key, result, message)
			VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
			micros(l.Time), hash, ids[0], ids[1], ids[2], ids[3], ids[4], ids[5], l.Millis, l.Run, l.Key, l.Result, l.Message); err != nil {
			return err
		}
		prune = prune || last%pruneEvery == 0
	}
	if !prune {
		return nil
	}
	return t.exec("DELETE FROM log WHERE id IN (SELECT id FROM log WHERE id <= ? ORDER BY id LIMIT ?)", last-keep, max(pruneMost, 2*len(lines)))
}

// Log implements store.Store.
func (s *Store) Log(ctx context.Context, f store.LogFilter) ([]store.LogLine, error) {
	lines, err := s.log(ctx, f)
	if err != nil {
		return nil, s.fail("read the log", err)
	}
	return lines, nil
}

func (s *Store) log(ctx context.Context, f store.LogFilter) ([]store.LogLine, error) {
	where, args := []string{"id > ?"}, []any{f.After}
	if f.Flow != "" {
		id, ok, err := s.known(ctx, f.Flow)
		if err != nil || !ok {
			return nil, err
		}
		where, args = append(where, "flow = ?"), append(args, id)
	}
	if f.Key != "" {
		// The second condition lets the planner use the index, which leaves lines without a key out.
		where, args = append(where, "key_hash = ? AND key_hash <> 0 AND key = ?"), append(args, hash64(f.Key), f.Key)
	}
	if !f.Since.IsZero() {
		where, args = append(where, "time >= ?"), append(args, micros(f.Since))
	}
	limit := f.Limit
	if limit <= 0 {
		limit = -1
	}
	var lines []store.LogLine
	var names [][6]int64
	err := s.query(ctx, `SELECT id, time, flow, step, action, object, outcome, cause, millis, run, key, result, message FROM log WHERE `+
		strings.Join(where, " AND ")+` ORDER BY id LIMIT ?`, func(row scanner) error {
		var l store.LogLine
		var ids [6]int64
		var at int64
		if err := row.Scan(&l.ID, &at, &ids[0], &ids[1], &ids[2], &ids[3], &ids[4], &ids[5], &l.Millis, &l.Run, &l.Key, &l.Result, &l.Message); err != nil {
			return err
		}
		l.Time = fromMicros(at)
		lines, names = append(lines, l), append(names, ids)
		return nil
	}, append(args, limit)...)
	for i := 0; err == nil && i < len(lines); i++ {
		l := &lines[i]
		err = s.words(ctx, names[i][:], &l.Flow, &l.Step, &l.Action, &l.Object, &l.Outcome, &l.Cause)
	}
	return lines, err
}
