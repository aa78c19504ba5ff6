package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"sync"
)

// maxGroup bounds how many changes share one commit.
const maxGroup = 256

// writer owns the one connection that writes. A commit costs a sync of the disk, so changes that arrive while one is under way
// wait and then share the next commit: each in a savepoint of its own, so that a refused one takes nothing with it.
// Invariant: a change is answered only after the commit that holds it.
type writer struct {
	db    *sql.DB
	conn  *sql.Conn
	stmts map[string]*sql.Stmt
	names *names

	turn chan struct{} // holds one token: whoever has it leads the next group

	mu     sync.Mutex
	queue  []*change
	closed bool
}

// change is one caller's work. apply runs inside the transaction; it may run while its caller has gone already, in
// which case it is either done whole or not at all.
type change struct {
	ctx   context.Context
	apply func(*tx) error
	err   error
	done  chan struct{}
}

func openWriter(ctx context.Context, dsn string, names *names) (*writer, error) {
	db, err := sql.Open("sqlite", dsn)
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(1)
	conn, err := db.Conn(ctx)
	if err != nil {
		return nil, errors.Join(err, db.Close())
	}
	w := &writer{db: db, conn: conn, stmts: map[string]*sql.Stmt{}, names: names, turn: make(chan struct{}, 1)}
	w.turn <- struct{}{}
	return w, nil
}

// do applies a change and returns once it is durable. When the context ends before the change has started, it is not done;
// after that it is carried through and its true outcome is returned.
func (w *writer) do(ctx context.Context, apply func(*tx) error) error {
	c := &change{ctx: ctx, apply: apply, done: make(chan struct{})}
	w.mu.Lock()
	if w.closed {
		w.mu.Unlock()
		return errClosed
	}
	w.queue = append(w.queue, c)
	w.mu.Unlock()
	for {
		select {
		case <-c.done:
			return c.err
		case <-w.turn:
			group := w.next()
			w.run(group)
			w.turn <- struct{}{}
		case <-ctx.Done():
			if w.withdraw(c) {
				return ctx.Err()
			}
			<-c.done
			return c.err
		}
	}
}

// withdraw takes a change back that no group has taken yet.
func (w *writer) withdraw(c *change) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	i := slices.Index(w.queue, c)
	if i < 0 {
		return false
	}
	w.queue = slices.Delete(w.queue, i, i+1)
	return true
}

// next takes the changes of the next group from the queue.
func (w *writer) next() []*change {
	w.mu.Lock()
	defer w.mu.Unlock()
	n := min(len(w.queue), maxGroup)
	group := w.queue[:n:n]
	w.queue = append([]*change(nil), w.queue[n:]...)
	return group
}

// run carries a group out in one transaction. Nothing in here is cut short by a caller's context: others share the commit.
func (w *writer) run(group []*change) {
	if len(group) == 0 {
		return
	}
	defer func() {
		for _, c := range group {
			close(c.done)
		}
	}()
	// Without a context that ends the driver needs no watcher a statement; the busy timeout bounds the only wait.
	t := &tx{ctx: context.Background(), w: w}
	if err := t.exec("BEGIN IMMEDIATE"); err != nil {
		failAll(group, err)
		return
	}
	applied := false
	for _, c := range group {
		if c.err = c.ctx.Err(); c.err != nil {
			continue
		}
		if c.err = t.one(c.apply, len(group) > 1); c.err == nil {
			applied = true
			continue
		}
		if t.broken != nil {
			t.end(group, t.broken)
			return
		}
	}
	if !applied {
		t.end(group, nil)
		return
	}
	if err := t.exec("COMMIT"); err != nil {
		t.end(group, err)
		return
	}
	w.names.learn(t.named)
}

func failAll(group []*change, err error) {
	for _, c := range group {
		if c.err == nil {
			c.err = err
		}
	}
}

// end rolls the transaction back and fails every change that seemed done in it.
func (t *tx) end(group []*change, err error) {
	if err != nil {
		failAll(group, err)
	}
	// SQLite may have rolled back by itself (disk full); then there is no transaction left, which is as good.
	_ = t.exec("ROLLBACK")
}

// tx is the running transaction as the methods of the store see it.
type tx struct {
	ctx    context.Context
	w      *writer
	named  []named // names made in this transaction; known to others once it is committed
	broken error   // the transaction as a whole cannot go on
}

// one applies one change so that it is all or nothing.
func (t *tx) one(apply func(*tx) error, savepoint bool) error {
	if !savepoint {
		err := apply(t)
		t.broken = err
		return err
	}
	if t.broken = t.exec("SAVEPOINT one"); t.broken != nil {
		return t.broken
	}
	kept := len(t.named)
	err := apply(t)
	if err == nil {
		t.broken = t.exec("RELEASE one")
		return t.broken
	}
	t.named = t.named[:kept]
	if failed(err) {
		t.broken = err
		return err
	}
	if e := t.exec("ROLLBACK TO one"); e != nil {
		t.broken = fmt.Errorf("%w (after %w)", e, err)
	} else if e := t.exec("RELEASE one"); e != nil {
		t.broken = e
	}
	return err
}

func (t *tx) stmt(query string) (*sql.Stmt, error) {
	if st := t.w.stmts[query]; st != nil {
		return st, nil
	}
	st, err := t.w.conn.PrepareContext(t.ctx, query)
	if err != nil {
		return nil, err
	}
	t.w.stmts[query] = st
	return st, nil
}

func (t *tx) exec(query string, args ...any) error {
	_, err := t.execResult(query, args...)
	return err
}

func (t *tx) execResult(query string, args ...any) (sql.Result, error) {
	st, err := t.stmt(query)
	if err != nil {
		return nil, err
	}
	return st.ExecContext(t.ctx, args...)
}

// changed runs a statement and reports how many rows it changed.
func (t *tx) changed(query string, args ...any) (int64, error) {
	res, err := t.execResult(query, args...)
	if err != nil {
		return 0, err
	}
	return res.RowsAffected()
}

// insert runs an insert and returns the new row's id.
func (t *tx) insert(query string, args ...any) (int64, error) {
	res, err := t.execResult(query, args...)
	if err != nil {
		return 0, err
	}
	return res.LastInsertId()
}

// row reads one row; sql.ErrNoRows when there is none.
func (t *tx) row(query string, args []any, dest ...any) error {
	st, err := t.stmt(query)
	if err != nil {
		return err
	}
	return st.QueryRowContext(t.ctx, args...).Scan(dest...)
}

// each calls scan for every row.
func (t *tx) each(query string, scan func(scanner) error, args ...any) error {
	st, err := t.stmt(query)
	if err != nil {
		return err
	}
	rows, err := st.QueryContext(t.ctx, args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		if err := scan(rows); err != nil {
			return err
		}
	}
	return rows.Err()
}

// close waits for the running group and refuses whatever comes later.
func (w *writer) close() error {
	w.mu.Lock()
	w.closed = true
	w.mu.Unlock()
	<-w.turn
	defer func() { w.turn <- struct{}{} }()
	for group := w.next(); len(group) > 0; group = w.next() {
		w.run(group)
	}
	var errs []error
	for _, st := range w.stmts {
		errs = append(errs, st.Close())
	}
	errs = append(errs, w.conn.Close(), w.db.Close())
	return errors.Join(errs...)
}

// change applies a change through the writer and gives its error a meaning.
func (s *Store) change(ctx context.Context, op string, apply func(*tx) error) error {
	if s.write == nil {
		return s.fail(op, errReadOnly)
	}
	return s.fail(op, s.write.do(ctx, apply))
}
