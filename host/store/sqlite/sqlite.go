// Package sqlite keeps the state of one home in an SQLite file (modernc.org/sqlite). One handle writes, in transactions that
// are durable before the call returns (WAL, synchronous FULL); a pool of its own reads and never waits for the writer.
package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"sync"
	"time"

	_ "modernc.org/sqlite" // the driver "sqlite"

	"github.com/pomost/pomost/host/store"
	"github.com/pomost/pomost/host/vault"
)

// Limits on what is kept; the oldest goes first.
const (
	DefaultLogLines = 1_000_000 // lines of the log
	maxPlans        = 100       // plans
	maxRuns         = 100_000   // runs
	maxIntents      = 2_000_000 // intents with a final state; open ones always stay
)

// Store implements store.Store.
type Store struct {
	path     string
	cipher   vault.Cipher
	readonly bool
	logLines int64

	read  *sql.DB
	write *writer // nil when read-only
	names *names

	mu     sync.Mutex
	stmts  map[string]*sql.Stmt // of the read pool
	closed bool
}

var _ store.Store = (*Store)(nil)

// Option changes how a store is opened.
type Option func(*Store)

// WithLogLines bounds the log to so many lines.
func WithLogLines(n int64) Option { return func(s *Store) { s.logLines = max(n, 1) } }

// Open opens the state for reading and writing, makes it when there is none and brings its schema up to date. A schema newer than
// this program's is refused with store.CodeNewer, and the file stays as it is. Secrets are encrypted with the cipher; it may
// be nil where no secrets are kept.
func Open(ctx context.Context, path string, cipher vault.Cipher, opts ...Option) (*Store, error) {
	s := newStore(path, cipher, opts)
	made, err := createFile(path)
	if err != nil {
		return nil, s.fail("open", err)
	}
	if !made {
		// Looked at through a handle that cannot write, so that a newer file stays untouched to the byte.
		if err := s.checkSchema(ctx, true); err != nil {
			return nil, err
		}
	}
	if err := s.migrate(ctx); err != nil {
		return nil, err
	}
	if s.write, err = openWriter(ctx, s.dsn("rw", false), s.names); err != nil {
		return nil, s.fail("open", err)
	}
	if err := s.openRead(ctx); err != nil {
		s.write.close()
		return nil, err
	}
	return s, nil
}

// OpenReadOnly opens the state for commands that only read, beside a process that may be writing. Methods that change something
// fail. Where nothing was applied yet it fails with store.CodeNotApplied and makes no file.
func OpenReadOnly(ctx context.Context, path string, cipher vault.Cipher) (*Store, error) {
	s := newStore(path, cipher, nil)
	s.readonly = true
	if info, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) || (err == nil && info.Size() == 0) {
		return nil, notApplied(path)
	} else if err != nil {
		return nil, s.fail("open", err)
	}
	if err := regular(path); err != nil {
		return nil, s.fail("open", err)
	}
	if err := s.checkSchema(ctx, false); err != nil {
		return nil, err
	}
	if err := s.openRead(ctx); err != nil {
		return nil, err
	}
	return s, nil
}

func notApplied(path string) error {
	return &store.Error{Code: store.CodeNotApplied, Message: "nothing was applied yet in " + filepath.Dir(path),
		Remedy: "run `pomost apply -f FILE` first, or name another home with --home"}
}

func newStore(path string, cipher vault.Cipher, opts []Option) *Store {
	s := &Store{path: path, cipher: cipher, logLines: DefaultLogLines, stmts: map[string]*sql.Stmt{}}
	for _, o := range opts {
		o(s)
	}
	s.names = newNames()
	return s
}

// createFile makes an empty file that only its owner can read; SQLite gives its journal the same rights.
func createFile(path string) (made bool, err error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return false, regular(path)
	}
	if err != nil {
		return false, err
	}
	return true, f.Close()
}

// regular refuses what is no file; SQLite would call it a fault of the disk.
func regular(path string) error {
	info, err := os.Stat(path)
	if err == nil && !info.Mode().IsRegular() {
		err = &fs.PathError{Op: "open", Path: path, Err: fs.ErrPermission}
	}
	return err
}

// dsn is the address of the database. mode is "ro" or "rw". Every connection waits for locks, keeps foreign keys and
// syncs each commit; a transaction takes the write lock at its start, since one that asks for it later is refused at once.
func (s *Store) dsn(mode string, queryOnly bool) string {
	q := url.Values{"mode": {mode}, "_txlock": {"immediate"}}
	q.Add("_pragma", "busy_timeout(10000)")
	if mode != "ro" {
		q.Add("_pragma", "journal_mode(WAL)")
		q.Add("_pragma", "synchronous(FULL)")
		q.Add("_pragma", "journal_size_limit(16777216)")
	}
	q.Add("_pragma", "foreign_keys(1)")
	q.Add("_pragma", "temp_store(MEMORY)")
	if queryOnly {
		q.Add("_pragma", "cache_size(-4000)")
		q.Add("_pragma", "query_only(1)")
	} else {
		q.Add("_pragma", "cache_size(-8000)")
	}
	return (&url.URL{Scheme: "file", Opaque: (&url.URL{Path: s.path}).EscapedPath(), RawQuery: q.Encode()}).String()
}

// openRead opens the pool of readers. A file that another process may be writing is opened so that nothing can be written.
func (s *Store) openRead(ctx context.Context) error {
	mode := "rw"
	if s.readonly {
		mode = "ro"
	}
	db, err := sql.Open("sqlite", s.dsn(mode, true))
	if err != nil {
		return s.fail("open", err)
	}
	db.SetMaxOpenConns(4)
	db.SetMaxIdleConns(4)
	db.SetConnMaxIdleTime(time.Minute)
	s.read = db
	if err := s.names.load(ctx, db); err != nil {
		return errors.Join(s.fail("open", err), db.Close())
	}
	return nil
}

// prepared returns a statement of the read pool; each text is prepared once.
func (s *Store) prepared(ctx context.Context, query string) (*sql.Stmt, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil, errClosed
	}
	if st := s.stmts[query]; st != nil {
		return st, nil
	}
	st, err := s.read.PrepareContext(ctx, query)
	if err != nil {
		return nil, err
	}
	s.stmts[query] = st
	return st, nil
}

// query runs a prepared statement of the read pool and calls scan for each row.
func (s *Store) query(ctx context.Context, query string, scan func(scanner) error, args ...any) error {
	st, err := s.prepared(ctx, query)
	if err != nil {
		return err
	}
	rows, err := st.QueryContext(ctx, args...)
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

type scanner interface{ Scan(dest ...any) error }

// Check proves that the file is whole; it reads all of it.
func (s *Store) Check(ctx context.Context) error {
	var answer string
	err := s.query(ctx, "PRAGMA integrity_check(1)", func(r scanner) error { return r.Scan(&answer) })
	if err == nil && answer != "ok" {
		err = &store.Error{Code: store.CodeCorrupt, Message: fmt.Sprintf("the state file %s is damaged (%s)", s.path, answer), Remedy: remedyCorrupt}
	}
	return s.fail("check", err)
}

// Close waits for a running change and closes the file.
func (s *Store) Close() error {
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		return nil
	}
	s.closed = true
	var errs []error
	for _, st := range s.stmts {
		errs = append(errs, st.Close())
	}
	s.mu.Unlock()
	errs = append(errs, s.read.Close())
	if s.write != nil {
		// Last, so that its closing folds the journal into the file.
		errs = append(errs, s.write.close())
	}
	return s.fail("close", errors.Join(errs...))
}
