package sqlite

import (
	"database/sql"
	"io/fs"
	"path/filepath"
	"testing"

	"github.com/pressly/goose/v3"

	"github.com/pomost/pomost/host/store"
)

// A state of an earlier version is brought up to date with what it holds: its log goes on, and its lines get slices like new ones.
func TestStateOfAnEarlierVersion(t *testing.T) {
	ctx := t.Context()
	path := filepath.Join(t.TempDir(), "pomost.db")
	files, err := fs.Sub(migrations, "migrations")
	if err != nil {
		t.Fatal(err)
	}
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	p, err := goose.NewProvider(goose.DialectSQLite3, db, files, goose.WithDisableGlobalRegistry(true), goose.WithLogger(goose.NopLogger()))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := p.UpTo(ctx, 1); err != nil {
		t.Fatal(err)
	}
	for _, q := range []string{
		`INSERT INTO name (id, text) VALUES (1, 'orders'), (2, 'created')`,
		`INSERT INTO log (time, key_hash, flow, step, action, object, outcome, cause, millis, run, key, result, message) VALUES (1, 7, 1, 0, 0, 0, 2, 0, 0, 'r1', 'k1', '', '')`,
	} {
		if _, err := db.ExecContext(ctx, q); err != nil {
			t.Fatal(err)
		}
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := OpenReadOnly(ctx, path, nil); store.CodeOf(err) != store.CodeOlder {
		t.Fatalf("opened for reading: %v", err)
	}
	s, err := Open(ctx, path, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	lines, err := s.Log(ctx, store.LogFilter{Flow: "orders"})
	if err != nil || len(lines) != 1 || lines[0].Key != "k1" || len(lines[0].Label) != 0 || lines[0].LabelHash != 0 {
		t.Fatalf("lines %+v, %v", lines, err)
	}
	if err := s.Commit(ctx, store.Change{Slices: []store.Slice{{Log: lines[0].ID, Day: 1, Body: []byte("late")}}}); err != nil {
		t.Fatal(err)
	}
	if kept, err := s.Slices(ctx, []int64{lines[0].ID}); err != nil || len(kept) != 1 {
		t.Errorf("kept %v, %v", kept, err)
	}
}

// The slices of lines that are too old go with them.
func TestSlicesGoWithTheirLines(t *testing.T) {
	s, err := Open(t.Context(), filepath.Join(t.TempDir(), "pomost.db"), nil, WithLogLines(1500))
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	for range 4 {
		c := store.Change{Log: make([]store.LogLine, 1000)}
		for i := range c.Log {
			c.Slices = append(c.Slices, store.Slice{Line: i, Day: 1, Body: []byte("x")})
		}
		if err := s.Commit(t.Context(), c); err != nil {
			t.Fatal(err)
		}
	}
	lines, err := s.Log(t.Context(), store.LogFilter{})
	if err != nil {
		t.Fatal(err)
	}
	total, err := s.DropSlices(t.Context(), 2, 1_000_000)
	if err != nil || total != len(lines) || len(lines) >= 4000 {
		t.Errorf("%d slices of %d lines, %v", total, len(lines), err)
	}
}
