package sqlite

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/pomost/pomost/host/store"
)

// SaveRun implements store.Store.
func (s *Store) SaveRun(ctx context.Context, r store.Run) error {
	counts, err := json.Marshal(r.Counts)
	if err != nil {
		return err
	}
	return s.change(ctx, "save a run", func(t *tx) error {
		flow, err := t.name(r.Flow)
		if err != nil {
			return err
		}
		if err := t.exec(`INSERT INTO run (id, flow, trigger, status, started, ended, counts, error) VALUES (?, ?, ?, ?, ?, ?, ?, ?)
			ON CONFLICT (id) DO UPDATE SET flow = excluded.flow, trigger = excluded.trigger, status = excluded.status, started = excluded.started,
			ended = excluded.ended, counts = excluded.counts, error = excluded.error`,
			r.ID, flow, r.Trigger, r.Status, micros(r.Started), micros(r.Ended), string(counts), r.Error); err != nil {
			return err
		}
		return t.exec("DELETE FROM run WHERE seq <= (SELECT max(seq) FROM run) - ?", maxRuns)
	})
}

// Runs implements store.Store.
func (s *Store) Runs(ctx context.Context, flow string, limit int) ([]store.Run, error) {
	query, args := "SELECT id, flow, trigger, status, started, ended, counts, error FROM run", []any{}
	if flow != "" {
		ids, ok, err := s.lanes(ctx, flow)
		if err != nil || !ok {
			return nil, s.fail("read runs", err)
		}
		query, args = query+" WHERE flow IN (SELECT value FROM json_each(?))", append(args, ids)
	}
	query += " ORDER BY started DESC, seq DESC LIMIT ?"
	if limit <= 0 {
		limit = -1
	}
	var runs []store.Run
	var flows []int64
	err := s.query(ctx, query, func(row scanner) error {
		var r store.Run
		var flow, started, ended int64
		var counts string
		if err := row.Scan(&r.ID, &flow, &r.Trigger, &r.Status, &started, &ended, &counts, &r.Error); err != nil {
			return err
		}
		r.Started, r.Ended = fromMicros(started), fromMicros(ended)
		runs, flows = append(runs, r), append(flows, flow)
		return json.Unmarshal([]byte(counts), &runs[len(runs)-1].Counts)
	}, append(args, limit)...)
	for i := 0; err == nil && i < len(runs); i++ {
		runs[i].Flow, err = s.word(ctx, flows[i])
	}
	if err != nil {
		return nil, s.fail("read runs", err)
	}
	return runs, nil
}

// Cursor implements store.Store.
func (s *Store) Cursor(ctx context.Context, flow, object string) ([]byte, error) {
	var value []byte
	err := s.query(ctx, `SELECT value FROM cursor WHERE flow = (SELECT id FROM name WHERE text = ?) AND object = (SELECT id FROM name WHERE text = ?)`,
		func(row scanner) error {
			err := row.Scan(&value)
			value = blob(value) // an empty cursor is not the same as none
			return err
		}, flow, object)
	if err != nil {
		return nil, s.fail("read a cursor", err)
	}
	return value, nil
}

func (t *tx) setCursor(c store.Cursor) error {
	ids, err := t.namesOf(c.Flow, c.Object)
	if err != nil {
		return err
	}
	if c.Value == nil {
		return t.exec("DELETE FROM cursor WHERE flow = ? AND object = ?", ids[0], ids[1])
	}
	return t.exec("INSERT INTO cursor (flow, object, value) VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET value = excluded.value", ids[0], ids[1], c.Value)
}

// SavePlan implements store.Store.
func (s *Store) SavePlan(ctx context.Context, p store.Plan) error {
	items, err := json.Marshal(p.Items)
	if err != nil {
		return err
	}
	return s.change(ctx, "save a plan", func(t *tx) error {
		if err := t.exec(`INSERT INTO plan (id, flow, created, revision, items) VALUES (?, ?, ?, ?, ?)
			ON CONFLICT (id) DO UPDATE SET flow = excluded.flow, created = excluded.created, revision = excluded.revision, items = excluded.items`,
			p.ID, p.Flow, micros(p.Created), p.Revision, items); err != nil {
			return err
		}
		return t.exec("DELETE FROM plan WHERE seq <= (SELECT max(seq) FROM plan) - ?", maxPlans)
	})
}

// Plan implements store.Store.
func (s *Store) Plan(ctx context.Context, id string) (store.Plan, error) {
	p := store.Plan{}
	err := s.query(ctx, "SELECT id, flow, created, revision, items FROM plan WHERE id = ?", func(row scanner) error {
		var created int64
		var items []byte
		if err := row.Scan(&p.ID, &p.Flow, &created, &p.Revision, &items); err != nil {
			return err
		}
		p.Created = fromMicros(created)
		return json.Unmarshal(items, &p.Items)
	}, id)
	if err == nil && p.ID == "" {
		err = fmt.Errorf("plan %s: %w", id, store.ErrNotFound)
	}
	if err != nil {
		return store.Plan{}, s.fail("read a plan", err)
	}
	return p, nil
}
