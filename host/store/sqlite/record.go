package sqlite

import (
	"context"
	"encoding/json"
	"strings"

	"github.com/pomost/pomost/host/store"
)

// Records implements store.Store.
func (s *Store) Records(ctx context.Context, f store.RecordFilter) ([]store.Record, error) {
	records, err := s.records(ctx, f)
	if err != nil {
		return nil, s.fail("read remembered records", err)
	}
	return records, nil
}

func (s *Store) records(ctx context.Context, f store.RecordFilter) ([]store.Record, error) {
	var where []string
	var args []any
	if f.Flow != "" {
		ids, ok, err := s.lanes(ctx, f.Flow)
		if err != nil || !ok {
			return nil, err
		}
		where, args = append(where, "flow IN (SELECT value FROM json_each(?))"), append(args, ids)
	}
	for _, w := range []struct{ column, text string }{{"cause", f.Cause}} {
		if w.text == "" {
			continue
		}
		id, ok, err := s.known(ctx, w.text)
		if err != nil || !ok {
			return nil, err
		}
		where, args = append(where, w.column+" = ?"), append(args, id)
	}
	if len(f.Statuses) > 0 {
		ids := []int64{}
		for _, status := range f.Statuses {
			id, ok, err := s.known(ctx, string(status))
			if err != nil {
				return nil, err
			}
			if ok {
				ids = append(ids, id)
			}
		}
		where, args = append(where, "status IN (SELECT value FROM json_each(?))"), append(args, list(ids))
	}
	if len(f.Keys) > 0 {
		where, args = append(where, "key IN (SELECT value FROM json_each(?))"), append(args, list(f.Keys))
	}
	query := "SELECT flow, status, cause, attempts, since, updated, date, key, label, reason, remedy, source, revision FROM record"
	if len(where) > 0 {
		query += " WHERE " + strings.Join(where, " AND ")
	}
	var records []store.Record
	var names [][3]int64
	err := s.query(ctx, query+" ORDER BY since, id", func(row scanner) error {
		var r store.Record
		var ids [3]int64
		var since, updated int64
		var source []byte
		if err := row.Scan(&ids[0], &ids[1], &ids[2], &r.Attempts, &since, &updated, &r.Date, &r.Key, &r.Label, &r.Reason, &r.Remedy, &source, &r.Revision); err != nil {
			return err
		}
		r.Since, r.Updated, r.Source = fromMicros(since), fromMicros(updated), toFingerprint(source)
		records, names = append(records, r), append(names, ids)
		return nil
	}, args...)
	for i := 0; err == nil && i < len(records); i++ {
		r := &records[i]
		err = s.words(ctx, names[i][:], &r.Flow, (*string)(&r.Status), &r.Cause)
	}
	return records, err
}

// list is a JSON list for json_each, so that one prepared statement serves any count.
func list[T any](values []T) string {
	b, err := json.Marshal(values)
	if err != nil {
		panic(err) // numbers and texts always marshal
	}
	return string(b)
}

// setRecord inserts or replaces a remembered record. While status and cause stay, its first time stays and the attempts are counted
// up; otherwise both begin anew.
func (t *tx) setRecord(r store.Record) error {
	ids, err := t.namesOf(r.Flow, string(r.Status), r.Cause)
	if err != nil {
		return err
	}
	if r.Since.IsZero() {
		r.Since = r.Updated
	}
	if r.Updated.IsZero() {
		r.Updated = r.Since
	}
	return t.exec(`INSERT INTO record (flow, status, cause, attempts, since, updated, date, key, label, reason, remedy, source, revision) VALUES (?, ?, ?, 1, ?, ?, ?, ?, ?, ?, ?, ?, ?)
		ON CONFLICT (flow, key) DO UPDATE SET
			attempts = iif(status = excluded.status AND cause = excluded.cause, attempts + 1, 1),
			since = iif(status = excluded.status AND cause = excluded.cause, since, excluded.since),
			status = excluded.status, cause = excluded.cause, updated = excluded.updated, date = excluded.date,
			label = excluded.label, reason = excluded.reason, remedy = excluded.remedy, source = excluded.source, revision = excluded.revision`,
		ids[0], ids[1], ids[2], micros(r.Since), micros(r.Updated), int64(r.Date), r.Key, r.Label, r.Reason, r.Remedy, fingerprint(r.Source), r.Revision)
}

func (t *tx) forgetRecord(r store.Record) error {
	return t.exec("DELETE FROM record WHERE flow = (SELECT id FROM name WHERE text = ?) AND key = ?", r.Flow, r.Key)
}
