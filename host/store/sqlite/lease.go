package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/pomost/pomost/host/store"
)

// Acquire implements store.Store.
func (s *Store) Acquire(ctx context.Context, name, holder string, now, until time.Time) (store.Lease, error) {
	l := store.Lease{Name: name, Holder: holder, Until: until.UTC()}
	if name == "" || holder == "" {
		return store.Lease{}, errors.New("a lease needs a name and a holder")
	}
	err := s.change(ctx, "take a lease", func(t *tx) error {
		var by string
		var ends int64
		err := t.row("SELECT holder, term, until FROM lease WHERE name = ?", []any{name}, &by, &l.Term, &ends)
		if err != nil && !errors.Is(err, sql.ErrNoRows) {
			return err
		}
		if by != "" && ends > micros(now) {
			return &store.HeldError{Name: name, Holder: by, Until: fromMicros(ends)}
		}
		l.Term++
		return t.exec(`INSERT INTO lease (name, holder, term, until) VALUES (?, ?, ?, ?)
			ON CONFLICT DO UPDATE SET holder = excluded.holder, term = excluded.term, until = excluded.until`, name, holder, l.Term, micros(until))
	})
	if err != nil {
		return store.Lease{}, err
	}
	return l, nil
}

// Renew implements store.Store. A lease that ran out but that nobody else took is still held under its term.
func (s *Store) Renew(ctx context.Context, l store.Lease, until time.Time) error {
	return s.change(ctx, "renew a lease", func(t *tx) error {
		n, err := t.changed("UPDATE lease SET until = ? WHERE name = ? AND term = ? AND holder = ? AND holder <> ''", micros(until), l.Name, l.Term, l.Holder)
		if err == nil && n == 0 {
			err = fmt.Errorf("lease %s: %w", l.Name, store.ErrLost)
		}
		return err
	})
}

// Release implements store.Store.
func (s *Store) Release(ctx context.Context, l store.Lease) error {
	return s.change(ctx, "give a lease back", func(t *tx) error {
		return t.exec("UPDATE lease SET holder = '', until = 0 WHERE name = ? AND term = ? AND holder = ?", l.Name, l.Term, l.Holder)
	})
}

// ReleaseAll implements store.Store.
func (s *Store) ReleaseAll(ctx context.Context) error {
	return s.change(ctx, "free all leases", func(t *tx) error { return t.exec("UPDATE lease SET holder = '', until = 0 WHERE holder <> ''") })
}

// held proves inside a transaction that a lease is still held under its term.
func (t *tx) held(l store.Lease) error {
	if l == (store.Lease{}) {
		return nil
	}
	var n int
	if err := t.row("SELECT count(*) FROM lease WHERE name = ? AND term = ? AND holder = ? AND holder <> ''", []any{l.Name, l.Term, l.Holder}, &n); err != nil {
		return err
	}
	if n == 0 {
		return fmt.Errorf("lease %s: %w", l.Name, store.ErrLost)
	}
	return nil
}
