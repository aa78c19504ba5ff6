package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"sync"
)

// names knows the words of the table name. They are only ever added, so what is known stays true; a process that only reads
// learns of new ones when it meets them.
type names struct {
	mu   sync.RWMutex
	ids  map[string]int64
	text map[int64]string
}

type named struct {
	text string
	id   int64
}

func newNames() *names {
	return &names{ids: map[string]int64{"": 0}, text: map[int64]string{0: ""}}
}

func (n *names) learn(list []named) {
	if len(list) == 0 {
		return
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, x := range list {
		n.ids[x.text], n.text[x.id] = x.id, x.text
	}
}

// load reads all names.
func (n *names) load(ctx context.Context, db *sql.DB) error {
	rows, err := db.QueryContext(ctx, "SELECT id, text FROM name")
	if err != nil {
		return err
	}
	defer rows.Close()
	var list []named
	for rows.Next() {
		var x named
		if err := rows.Scan(&x.id, &x.text); err != nil {
			return err
		}
		list = append(list, x)
	}
	n.learn(list)
	return rows.Err()
}

func (n *names) id(text string) (int64, bool) {
	n.mu.RLock()
	defer n.mu.RUnlock()
	id, ok := n.ids[text]
	return id, ok
}

// name returns the number of a word and makes one if need be.
func (t *tx) name(text string) (int64, error) {
	if id, ok := t.w.names.id(text); ok {
		return id, nil
	}
	for _, x := range t.named {
		if x.text == text {
			return x.id, nil
		}
	}
	x := named{text: text}
	err := t.row("SELECT id FROM name WHERE text = ?", []any{text}, &x.id)
	if errors.Is(err, sql.ErrNoRows) {
		x.id, err = t.insert("INSERT INTO name (text) VALUES (?)", text)
	}
	if err != nil {
		return 0, err
	}
	t.named = append(t.named, x)
	return x.id, nil
}

// namesOf returns the numbers of several words.
func (t *tx) namesOf(texts ...string) ([]int64, error) {
	ids := make([]int64, len(texts))
	for i, text := range texts {
		var err error
		if ids[i], err = t.name(text); err != nil {
			return nil, err
		}
	}
	return ids, nil
}

// known returns the number of a word for a query; false: no row can have it.
func (s *Store) known(ctx context.Context, text string) (int64, bool, error) {
	if id, ok := s.names.id(text); ok {
		return id, true, nil
	}
	var id int64
	err := s.query(ctx, "SELECT id FROM name WHERE text = ?", func(r scanner) error { return r.Scan(&id) }, text)
	if err != nil || id == 0 {
		return 0, false, err
	}
	s.names.learn([]named{{text: text, id: id}})
	return id, true, nil
}

// lanes returns the numbers of a flow and of its lanes, as one JSON list for a query; ok is false where there is none.
func (s *Store) lanes(ctx context.Context, flow string) (ids string, ok bool, err error) {
	var found []int64
	err = s.query(ctx, "SELECT id FROM name WHERE text = ? OR text > ? AND text < ?", func(r scanner) error {
		var id int64
		if err := r.Scan(&id); err != nil {
			return err
		}
		found = append(found, id)
		return nil
	}, flow, flow+":", flow+";") // ';' is the character behind ':'
	return list(found), len(found) > 0, err
}

// word returns the word behind a number that was read.
func (s *Store) word(ctx context.Context, id int64) (string, error) {
	s.names.mu.RLock()
	text, ok := s.names.text[id]
	s.names.mu.RUnlock()
	if ok {
		return text, nil
	}
	found := false
	err := s.query(ctx, "SELECT text FROM name WHERE id = ?", func(r scanner) error { found = true; return r.Scan(&text) }, id)
	if err == nil && !found {
		err = fmt.Errorf("name %d is missing", id)
	}
	if err == nil {
		s.names.learn([]named{{text: text, id: id}})
	}
	return text, err
}

// words replaces the numbers that were read by their words.
func (s *Store) words(ctx context.Context, ids []int64, into ...*string) error {
	for i, p := range into {
		var err error
		if *p, err = s.word(ctx, ids[i]); err != nil {
			return err
		}
	}
	return nil
}
