package sqlite

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"

	"github.com/pomost/pomost/host/store"
)

const linkColumns = `id, a_hash, b_hash, a_connection, a_object, b_connection, b_object, kind, verified, created, updated, a_key, b_key, source, sent, observed`

// linksAsked bounds the ends of one query.
const linksAsked = 1000

type linkRow struct {
	link           store.Link
	aHash, bHash   int64
	names          [6]int64
	sent, observed []byte
}

func (r *linkRow) scan(row scanner) error {
	var created, updated int64
	var source []byte
	l := &r.link
	if err := row.Scan(&l.ID, &r.aHash, &r.bHash, &r.names[0], &r.names[1], &r.names[2], &r.names[3], &r.names[4], &r.names[5],
		&created, &updated, &l.A.Key, &l.B.Key, &source, &r.sent, &r.observed); err != nil {
		return err
	}
	l.Created, l.Updated, l.Source = fromMicros(created), fromMicros(updated), toFingerprint(source)
	return nil
}

// resolve fills in the words. It runs after the rows are read, so that it may query itself.
func (r *linkRow) resolve(ctx context.Context, s *Store) (err error) {
	l := &r.link
	if err := s.words(ctx, r.names[:], &l.A.Connection, &l.A.Object, &l.B.Connection, &l.B.Object, &l.Kind, &l.Verified); err != nil {
		return err
	}
	if l.Sent, err = unpack(r.sent); err != nil {
		return err
	}
	l.Observed, err = unpack(r.observed)
	return err
}

func endHash(e store.End, other string) int64 { return hash64(e.Connection, e.Object, e.Key, other) }

// Links implements store.Store. Where several links hang on one end (many customers on one collective debtor), the one that has the
// end as its A is answered, else the oldest.
func (s *Store) Links(ctx context.Context, ends []store.End, other string) ([]store.Link, error) {
	links := make([]store.Link, len(ends))
	for from := 0; from < len(ends); from += linksAsked {
		to := min(from+linksAsked, len(ends))
		if err := s.linksOf(ctx, ends[from:to], other, links[from:to]); err != nil {
			return nil, s.fail("look links up", err)
		}
	}
	return links, nil
}

func (s *Store) linksOf(ctx context.Context, ends []store.End, other string, links []store.Link) error {
	hashes := make([]int64, len(ends))
	at := make(map[int64][]int, len(ends))
	for i, e := range ends {
		hashes[i] = endHash(e, other)
		at[hashes[i]] = append(at[hashes[i]], i)
	}
	rows, err := s.linkRows(ctx, "a_hash", hashes)
	if err != nil {
		return err
	}
	for _, r := range rows {
		for _, i := range at[r.aHash] {
			if links[i].ID == 0 && r.link.A == ends[i] && r.link.B.Connection == other {
				links[i] = r.link
			}
		}
	}
	var rest []int64 // those that are no link's A
	for h, ends := range at {
		if links[ends[0]].ID == 0 {
			rest = append(rest, h)
		}
	}
	if rows, err = s.linkRows(ctx, "b_hash", rest); err != nil {
		return err
	}
	for _, r := range rows {
		for _, i := range at[r.bHash] {
			if links[i].ID == 0 && r.link.B == ends[i] && r.link.A.Connection == other {
				links[i] = r.link
			}
		}
	}
	return nil
}

// linkRows reads the rows with the given hashes, oldest first. The numbers go as one JSON list, so that one prepared statement
// serves any count.
func (s *Store) linkRows(ctx context.Context, column string, hashes []int64) ([]*linkRow, error) {
	if len(hashes) == 0 {
		return nil, nil
	}
	list, err := json.Marshal(hashes)
	if err != nil {
		return nil, err
	}
	var rows []*linkRow
	err = s.query(ctx, fmt.Sprintf(`SELECT %s FROM link WHERE %s IN (SELECT value FROM json_each(?)) ORDER BY id`, linkColumns, column),
		func(row scanner) error {
			r := &linkRow{}
			rows = append(rows, r)
			return r.scan(row)
		}, string(list))
	if err != nil {
		return nil, err
	}
	for _, r := range rows {
		if err := r.resolve(ctx, s); err != nil {
			return nil, err
		}
	}
	return rows, nil
}

// putLink inserts or replaces a link. One without an ID replaces the link between the same two records, whichever of them was the
// source, or the one from the same source record into the same connection; its ID and time of creation stay.
func (t *tx) putLink(l store.Link) error {
	ids, err := t.namesOf(l.A.Connection, l.A.Object, l.B.Connection, l.B.Object, l.Kind, l.Verified)
	if err != nil {
		return err
	}
	aHash, bHash := endHash(l.A, l.B.Connection), endHash(l.B, l.A.Connection)
	if l.ID == 0 {
		if l.ID, err = t.findLink(l, aHash, bHash, ids); err != nil {
			return err
		}
	}
	// What other flows of the pair remember of these two records stays.
	if l.ID != 0 {
		if err := t.each("SELECT a_key, b_key, sent, observed FROM link WHERE id = ?", func(r scanner) error {
			var a, b string
			var sent, observed []byte
			if err := r.Scan(&a, &b, &sent, &observed); err != nil {
				return err
			}
			if (a != l.A.Key || b != l.B.Key) && (a != l.B.Key || b != l.A.Key) {
				return nil
			}
			if err := keep(&l.Sent, sent); err != nil {
				return err
			}
			return keep(&l.Observed, observed)
		}, l.ID); err != nil {
			return err
		}
	}
	if l.Updated.IsZero() {
		l.Updated = l.Created
	}
	if l.Created.IsZero() {
		l.Created = l.Updated
	}
	values := []any{aHash, bHash, ids[0], ids[1], ids[2], ids[3], ids[4], ids[5], micros(l.Updated), l.A.Key, l.B.Key,
		fingerprint(l.Source), pack(l.Sent), pack(l.Observed)}
	if l.ID == 0 {
		return t.exec(`INSERT INTO link (a_hash, b_hash, a_connection, a_object, b_connection, b_object, kind, verified, updated, a_key, b_key, source, sent, observed, created)
			VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`, append(values, micros(l.Created))...)
	}
	n, err := t.changed(`UPDATE link SET a_hash = ?, b_hash = ?, a_connection = ?, a_object = ?, b_connection = ?, b_object = ?, kind = ?, verified = ?, updated = ?,
		a_key = ?, b_key = ?, source = ?, sent = ?, observed = ? WHERE id = ?`, append(values, l.ID)...)
	if err == nil && n == 0 {
		err = fmt.Errorf("link %d: %w", l.ID, store.ErrNotFound)
	}
	return err
}

// keep adds to m what is stored and m does not say.
func keep(m *map[string]string, stored []byte) error {
	before, err := unpack(stored)
	if err != nil || before == nil {
		return err
	}
	maps.Copy(before, *m)
	*m = before
	return nil
}

// findLink returns the ID of the link that l replaces, 0 for none.
func (t *tx) findLink(l store.Link, aHash, bHash int64, ids []int64) (int64, error) {
	var same, turned int64
	err := t.each(`SELECT id FROM link WHERE a_hash = ? AND a_key = ? AND a_connection = ? AND a_object = ? AND b_connection = ? ORDER BY id LIMIT 1`,
		func(r scanner) error { return r.Scan(&same) }, aHash, l.A.Key, ids[0], ids[1], ids[2])
	if err != nil || same != 0 {
		return same, err
	}
	err = t.each(`SELECT id FROM link WHERE a_hash = ? AND a_key = ? AND b_key = ? AND a_connection = ? AND a_object = ? AND b_connection = ? AND b_object = ? LIMIT 1`,
		func(r scanner) error { return r.Scan(&turned) }, bHash, l.B.Key, l.A.Key, ids[2], ids[3], ids[0], ids[1])
	return turned, err
}
