package sqlite

import (
	"bytes"
	"context"
	"crypto/sha256"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pomost/pomost/host/store"
)

func wantCode(t *testing.T, err error, code store.Code) {
	t.Helper()
	var e *store.Error
	if !errors.As(err, &e) || e.Code != code || e.Remedy == "" {
		t.Fatalf("got %v (%+v), want code %s with a remedy", err, e, code)
	}
}

func execSQL(t *testing.T, path string, statements ...string) {
	t.Helper()
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range statements {
		if _, err := db.Exec(s); err != nil {
			t.Fatal(err)
		}
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
}

// folder is what lies in a folder, with the hash of each file.
func folder(t *testing.T, dir string) string {
	t.Helper()
	var b strings.Builder
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		text, err := os.ReadFile(path)
		fmt.Fprintf(&b, "%s %x\n", d.Name(), sha256.Sum256(text))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func made(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "pomost.db")
	s, err := Open(t.Context(), path, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestNewerSchemaIsLeftUntouched(t *testing.T) {
	path := made(t)
	execSQL(t, path, fmt.Sprintf("INSERT INTO goose_db_version (version_id, is_applied) VALUES (%d, 1)", schemaVersion+1), "CREATE TABLE of_the_future (x)")
	before := folder(t, filepath.Dir(path))
	_, err := Open(t.Context(), path, nil)
	wantCode(t, err, store.CodeNewer)
	if after := folder(t, filepath.Dir(path)); after != before {
		t.Errorf("before:\n%safter:\n%s", before, after)
	}
	_, err = OpenReadOnly(t.Context(), path, nil)
	wantCode(t, err, store.CodeNewer)
	// A reader may leave an empty journal beside it, as with any file that another process may be writing.
	if after := folder(t, filepath.Dir(path)); !strings.HasPrefix(after, before) {
		t.Errorf("before:\n%safter:\n%s", before, after)
	}
}

func TestOlderSchemaIsNotReadHalf(t *testing.T) {
	path := filepath.Join(t.TempDir(), "pomost.db")
	execSQL(t, path, "CREATE TABLE goose_db_version (id INTEGER PRIMARY KEY, version_id INTEGER NOT NULL, is_applied INTEGER NOT NULL, tstamp TIMESTAMP DEFAULT (datetime('now')))",
		"INSERT INTO goose_db_version (version_id, is_applied) VALUES (0, 1)")
	_, err := OpenReadOnly(t.Context(), path, nil)
	wantCode(t, err, store.CodeNotApplied)
	s, err := Open(t.Context(), path, nil) // the first command died before its first migration
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestMigrationsAreCounted(t *testing.T) {
	files, err := fs.Glob(migrations, "migrations/*.sql")
	if err != nil || len(files) != schemaVersion {
		t.Errorf("%d migrations, schema version %d (%v)", len(files), schemaVersion, err)
	}
}

func TestFilesOfOthers(t *testing.T) {
	dir := t.TempDir()
	garbage, foreign, folderPath := filepath.Join(dir, "garbage.db"), filepath.Join(dir, "foreign.db"), filepath.Join(dir, "folder.db")
	if err := os.WriteFile(garbage, bytes.Repeat([]byte("no database "), 1000), 0o600); err != nil {
		t.Fatal(err)
	}
	execSQL(t, foreign, "CREATE TABLE theirs (x)")
	if err := os.Mkdir(folderPath, 0o700); err != nil {
		t.Fatal(err)
	}
	before := folder(t, dir)
	for path, code := range map[string]store.Code{
		garbage: store.CodeCorrupt, foreign: store.CodeCorrupt, folderPath: store.CodeDenied, filepath.Join(dir, "none", "x.db"): store.CodeDenied,
	} {
		_, err := Open(t.Context(), path, nil)
		wantCode(t, err, code)
	}
	if after := folder(t, dir); after != before {
		t.Errorf("before:\n%safter:\n%s", before, after)
	}
}

func TestReadOnly(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "odd name ?#%41.db")
	_, err := OpenReadOnly(t.Context(), path, nil)
	wantCode(t, err, store.CodeNotApplied)
	if files := folder(t, dir); files != "" {
		t.Errorf("reading made files:\n%s", files)
	}

	v := testVault(t)
	w, err := Open(t.Context(), path, v)
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	r, err := OpenReadOnly(t.Context(), path, v)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	// The writer goes on; the reader sees each commit, names included that were made after it was opened.
	for n := range 3 {
		flow := fmt.Sprint("flow ", n)
		if err := w.Commit(t.Context(), store.Change{Log: []store.LogLine{{Time: time.Now(), Flow: flow, Outcome: flow}},
			Records: []store.Record{{Flow: flow, Key: "1", Status: store.RecordStatus(flow), Since: time.Now()}}}); err != nil {
			t.Fatal(err)
		}
		lines, err := r.Log(t.Context(), store.LogFilter{Flow: flow})
		if err != nil || len(lines) != 1 || lines[0].Outcome != flow {
			t.Errorf("the reader sees %v, %v", lines, err)
		}
		records, err := r.Records(t.Context(), store.RecordFilter{Statuses: []store.RecordStatus{store.RecordStatus(flow)}})
		if err != nil || len(records) != 1 || records[0].Flow != flow {
			t.Errorf("the reader sees %v, %v", records, err)
		}
	}
	if err := r.Commit(t.Context(), store.Change{}); !errors.Is(err, errReadOnly) {
		t.Errorf("a reader's commit: %v", err)
	}
	if err := r.ReleaseAll(t.Context()); !errors.Is(err, errReadOnly) {
		t.Errorf("a reader's ReleaseAll: %v", err)
	}
}

// After a kill the journal is still there and nobody has the file open: a reader must do with what it finds.
func TestReadOnlyAfterKill(t *testing.T) {
	path := filepath.Join(t.TempDir(), "pomost.db")
	n := runAndKill(t, path, 20*time.Millisecond)
	r, err := OpenReadOnly(t.Context(), path, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	checkAfterKill(t, r, n)
}

func TestFileIsPrivate(t *testing.T) {
	s := testStore(t)
	if _, err := s.SaveRevision(t.Context(), store.Revision{}); err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob(s.path + "*")
	if err != nil || len(files) < 2 {
		t.Fatalf("%v, %v", files, err)
	}
	for _, f := range files {
		if info, err := os.Stat(f); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v, %v", f, info, err)
		}
	}
}

func TestDurable(t *testing.T) {
	s := testStore(t)
	for pragma, want := range map[string]string{"journal_mode": "wal", "synchronous": "2", "foreign_keys": "1", "busy_timeout": "10000"} {
		var got string
		if err := s.write.conn.QueryRowContext(t.Context(), "PRAGMA "+pragma).Scan(&got); err != nil || got != want {
			t.Errorf("%s is %s, want %s (%v)", pragma, got, want, err)
		}
	}
	if _, err := s.read.ExecContext(t.Context(), "DELETE FROM log"); err == nil {
		t.Error("the pool of readers can write")
	}
}

func TestSecretsAreSealed(t *testing.T) {
	s := testStore(t)
	const text = "a-refresh-token-in-plain-text"
	if err := s.PutSecrets(t.Context(), "shop", map[string]string{"refresh_token": text}); err != nil {
		t.Fatal(err)
	}
	files, _ := filepath.Glob(s.path + "*")
	for _, f := range files {
		if content, err := os.ReadFile(f); err != nil || bytes.Contains(content, []byte(text)) {
			t.Errorf("%s shows the secret (%v)", f, err)
		}
	}
	other, err := OpenReadOnly(t.Context(), s.path, testVault(t))
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	_, err = other.Secrets(t.Context(), "shop")
	wantCode(t, err, store.CodeSecrets)
	if strings.Contains(err.Error(), text) {
		t.Error(err)
	}
}

// A full disk changes nothing, says so, and the same store goes on once there is room. max_page_count makes SQLite answer as a
// full disk does.
func TestDiskFull(t *testing.T) {
	s := testStore(t)
	ctx := t.Context()
	limit := func(pages int) {
		t.Helper()
		if _, err := s.write.conn.ExecContext(ctx, fmt.Sprint("PRAGMA max_page_count = ", pages)); err != nil {
			t.Fatal(err)
		}
	}
	var pages int
	if err := s.write.conn.QueryRowContext(ctx, "PRAGMA page_count").Scan(&pages); err != nil {
		t.Fatal(err)
	}
	limit(pages + 20)
	message := strings.Repeat("x", 3000)
	done := 0
	commit := func() error {
		return s.Commit(ctx, store.Change{Log: []store.LogLine{{Time: time.Now(), Flow: "orders", Outcome: "created", Message: message}},
			Cursors: []store.Cursor{{Flow: "orders", Object: "order", Value: fmt.Append(nil, done+1)}}})
	}
	var err error
	for ; done < 1000; done++ {
		if err = commit(); err != nil {
			break
		}
	}
	wantCode(t, err, store.CodeDiskFull)
	for range 20 {
		wantCode(t, commit(), store.CodeDiskFull)
	}
	check := func() {
		t.Helper()
		lines, err := s.Log(ctx, store.LogFilter{})
		cursor, e := s.Cursor(ctx, "orders", "order")
		if err = errors.Join(err, e, s.Check(ctx)); err != nil || len(lines) != done || string(cursor) != fmt.Sprint(done) {
			t.Errorf("%d lines, cursor %s, want %d (%v)", len(lines), cursor, done, err)
		}
	}
	check()

	// Many at a time share one transaction; all of them hear of it, and nothing is half done.
	var group sync.WaitGroup
	for range 10 {
		group.Go(func() {
			if err := commit(); store.CodeOf(err) != store.CodeDiskFull {
				t.Errorf("beside others: %v", err)
			}
		})
	}
	group.Wait()
	check()

	limit(1 << 30)
	for range 10 {
		if err := commit(); err != nil {
			t.Fatal(err)
		}
		done++
	}
	check()
}

func TestLogIsBounded(t *testing.T) {
	s := testStore(t, WithLogLines(3000))
	lines := make([]store.LogLine, 700)
	for i := range lines {
		lines[i] = store.LogLine{Time: time.Now(), Flow: "orders", Key: fmt.Sprint(i), Outcome: "unchanged"}
	}
	for n := 1; n <= 20; n++ {
		if err := s.Commit(t.Context(), store.Change{Log: lines}); err != nil {
			t.Fatal(err)
		}
		kept, err := s.Log(t.Context(), store.LogFilter{})
		if err != nil {
			t.Fatal(err)
		}
		if last := int64(n * len(lines)); kept[len(kept)-1].ID != last || len(kept) > 3000+pruneEvery+len(lines) || len(kept) < min(3000, int(last)) {
			t.Fatalf("after %d lines: %d kept, up to %d", last, len(kept), kept[len(kept)-1].ID)
		}
	}
}

func TestPlansAreBounded(t *testing.T) {
	s := testStore(t)
	for n := range maxPlans + 5 {
		if err := s.SavePlan(t.Context(), store.Plan{ID: fmt.Sprint(n), Items: []store.PlanItem{{Key: "1"}}}); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := s.Plan(t.Context(), "4"); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("the fifth plan: %v", err)
	}
	if _, err := s.Plan(t.Context(), "5"); err != nil {
		t.Errorf("the sixth plan: %v", err)
	}
}

// Changes that come together share a commit, and a refused one among them takes nothing with it.
func TestGroup(t *testing.T) {
	s := testStore(t)
	<-s.write.turn // nobody leads, so that all of them gather
	const n = 50
	errs := make([]error, n)
	var group sync.WaitGroup
	for i := range n {
		group.Go(func() {
			c := store.Change{Log: []store.LogLine{{Time: time.Now(), Flow: fmt.Sprint("flow ", i), Outcome: "created"}}}
			if i%5 == 0 {
				c.Settle = []store.Settlement{{ID: 999, State: store.IntentDone}}
			}
			errs[i] = s.Commit(context.Background(), c)
		})
	}
	for waiting := 0; waiting < n; time.Sleep(time.Millisecond) {
		s.write.mu.Lock()
		waiting = len(s.write.queue)
		s.write.mu.Unlock()
	}
	s.write.turn <- struct{}{}
	group.Wait()
	for i, err := range errs {
		if refused := i%5 == 0; refused != errors.Is(err, store.ErrNotFound) || !refused && err != nil {
			t.Errorf("change %d: %v", i, err)
		}
		lines, err := s.Log(t.Context(), store.LogFilter{Flow: fmt.Sprint("flow ", i)})
		if err != nil || (len(lines) == 1) != (i%5 != 0) {
			t.Errorf("change %d left %v, %v", i, lines, err)
		}
	}
}

func TestWaitingChangeIsWithdrawn(t *testing.T) {
	s := testStore(t)
	<-s.write.turn
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	if _, err := s.SaveRevision(ctx, store.Revision{}); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v", err)
	}
	s.write.turn <- struct{}{}
	if n, err := s.SaveRevision(t.Context(), store.Revision{}); n != 1 || err != nil {
		t.Errorf("revision %d, %v", n, err)
	}
}

func TestPack(t *testing.T) {
	for _, m := range []map[string]string{nil, {"": ""}, {"a": "1", "b": strings.Repeat("x", 300), "ü": "\x00"}} {
		got, err := unpack(pack(m))
		if err != nil || fmt.Sprint(got) != fmt.Sprint(m) {
			t.Errorf("%v came back as %v, %v", m, got, err)
		}
	}
	for _, damaged := range []string{"\x01", "\x01a", "\x01a\x05b", "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"} {
		if m, err := unpack([]byte(damaged)); err == nil {
			t.Errorf("%q was read as %v", damaged, m)
		}
	}
}
