package sqlite

import (
	"context"
	"slices"
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
		if last, err = t.insert(`INSERT INTO log (time, key_hash, flow, step, action, object, outcome, cause, millis, run, key, result, message, label, label_hash)
			VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
			micros(l.Time), hash, ids[0], ids[1], ids[2], ids[3], ids[4], ids[5], l.Millis, l.Run, l.Key, l.Result, l.Message, blob(l.Label), l.LabelHash); err != nil {
			return err
		}
		l.ID = last
		prune = prune || last%pruneEvery == 0
	}
	if !prune {
		return nil
	}
	if err := t.exec("DELETE FROM log WHERE id IN (SELECT id FROM log WHERE id <= ? ORDER BY id LIMIT ?)", last-keep, max(pruneMost, 2*len(lines))); err != nil {
		return err
	}
	// A slice goes with its line, if it has not gone with its day.
	return t.exec(`DELETE FROM slice WHERE id IN (SELECT id FROM slice WHERE id < (SELECT min(id) FROM log) * ? ORDER BY id LIMIT ?)`,
		store.MaxSlices, max(pruneMost, 2*len(lines)))
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
		ids, ok, err := s.lanes(ctx, f.Flow)
		if err != nil || !ok {
			return nil, err
		}
		where, args = append(where, "flow IN (SELECT value FROM json_each(?))"), append(args, ids)
	}
	for _, w := range []struct{ column, text string }{{"cause", f.Cause}, {"outcome", f.Outcome}} {
		if w.text == "" {
			continue
		}
		id, ok, err := s.known(ctx, w.text)
		if err != nil || !ok {
			return nil, err
		}
		where, args = append(where, w.column+" = ?"), append(args, id)
	}
	// That a hash is not 0 lets the planner use the index, which leaves lines without one out.
	const byKey, byLabel = "key_hash = ? AND key_hash <> 0 AND key = ?", "label_hash = ? AND label_hash <> 0"
	switch {
	case f.Key != "" && f.LabelHash != 0:
		where = append(where, "id IN (SELECT id FROM log WHERE "+byKey+" UNION SELECT id FROM log WHERE "+byLabel+")")
		args = append(args, hash64(f.Key), f.Key, f.LabelHash)
	case f.Key != "":
		where, args = append(where, byKey), append(args, hash64(f.Key), f.Key)
	case f.LabelHash != 0:
		where, args = append(where, byLabel), append(args, f.LabelHash)
	}
	if !f.Since.IsZero() {
		where, args = append(where, "time >= ?"), append(args, micros(f.Since))
	}
	if !f.Until.IsZero() {
		where, args = append(where, "time < ?"), append(args, micros(f.Until))
	}
	order := "id"
	if f.Newest {
		order = "id DESC"
	}
	limit := f.Limit
	if limit <= 0 {
		limit = -1
	}
	var lines []store.LogLine
	var names [][6]int64
	err := s.query(ctx, `SELECT id, time, flow, step, action, object, outcome, cause, millis, run, key, result, message, label, label_hash FROM log WHERE `+
		strings.Join(where, " AND ")+` ORDER BY `+order+` LIMIT ?`, func(row scanner) error {
		var l store.LogLine
		var ids [6]int64
		var at int64
		if err := row.Scan(&l.ID, &at, &ids[0], &ids[1], &ids[2], &ids[3], &ids[4], &ids[5], &l.Millis, &l.Run, &l.Key, &l.Result, &l.Message, &l.Label, &l.LabelHash); err != nil {
			return err
		}
		l.Time = fromMicros(at)
		lines, names = append(lines, l), append(names, ids)
		return nil
	}, append(args, limit)...)
	if f.Newest {
		slices.Reverse(lines)
		slices.Reverse(names)
	}
	for i := 0; err == nil && i < len(lines); i++ {
		l := &lines[i]
		err = s.words(ctx, names[i][:], &l.Flow, &l.Step, &l.Action, &l.Object, &l.Outcome, &l.Cause)
	}
	return lines, err
}
