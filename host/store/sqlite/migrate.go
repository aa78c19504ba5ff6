package sqlite

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/pressly/goose/v3"

	"github.com/pomost/pomost/host/store"
)

//go:embed migrations/*.sql
var migrations embed.FS

// schemaVersion is the newest migration of this program.
const schemaVersion = 3

// checkSchema looks at the schema's version without changing the file. migrating tells whether an older one is welcome.
func (s *Store) checkSchema(ctx context.Context, migrating bool) (err error) {
	address := s.dsn("ro", true)
	if _, err := os.Stat(s.path + "-wal"); migrating && errors.Is(err, fs.ErrNotExist) {
		// Under the lock and without a journal nothing can change meanwhile: then not even empty journal files are made.
		address += "&immutable=1"
	}
	db, err := sql.Open("sqlite", address)
	if err != nil {
		return s.fail("look at the schema", err)
	}
	defer func() { err = s.fail("look at the schema", errors.Join(err, db.Close())) }()
	db.SetMaxOpenConns(1)
	var ours, tables int
	if err := db.QueryRowContext(ctx, `SELECT count(*) FILTER (WHERE name = 'goose_db_version'), count(*) FROM sqlite_schema WHERE type = 'table'`).
		Scan(&ours, &tables); err != nil {
		return err
	}
	if ours == 0 {
		switch {
		case tables > 0:
			return &store.Error{Code: store.CodeCorrupt, Message: "the file " + s.path + " is a database of another program",
				Remedy: "name another home with --home"}
		case !migrating:
			return notApplied(s.path)
		}
		return nil
	}
	var version int64
	if err := db.QueryRowContext(ctx, `SELECT coalesce(max(version_id), 0) FROM goose_db_version WHERE is_applied`).Scan(&version); err != nil {
		return err
	}
	switch {
	case version > schemaVersion:
		return &store.Error{Code: store.CodeNewer,
			Message: fmt.Sprintf("the state in %s has schema %d and was written by a newer Pomost; this one knows schema %d and leaves it untouched", s.path, version, schemaVersion),
			Remedy:  "use the newer Pomost, or name another home with --home"}
	case version < schemaVersion && !migrating && version == 0:
		return notApplied(s.path)
	case version < schemaVersion && !migrating:
		return &store.Error{Code: store.CodeOlder,
			Message: fmt.Sprintf("the state in %s has schema %d, this Pomost reads schema %d", s.path, version, schemaVersion),
			Remedy:  "run a command that writes, such as `pomost apply`, which brings it up to date"}
	}
	return nil
}

// migrate brings the schema up to date on a handle of its own; each step is one transaction.
func (s *Store) migrate(ctx context.Context) (err error) {
	db, err := sql.Open("sqlite", s.dsn("rw", false))
	if err != nil {
		return s.fail("bring the schema up to date", err)
	}
	defer func() { err = s.fail("bring the schema up to date", errors.Join(err, db.Close())) }()
	db.SetMaxOpenConns(1)
	files, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return err
	}
	p, err := goose.NewProvider(goose.DialectSQLite3, db, files, goose.WithDisableGlobalRegistry(true), goose.WithLogger(goose.NopLogger()))
	if err != nil {
		return err
	}
	_, err = p.Up(ctx)
	return err
}
