package sqlite

import (
	"bufio"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/pomost/pomost/host/store"
)

// crashChild is the child of TestKill: it commits in a loop and prints each number once it is acknowledged.
func crashChild() bool {
	path := os.Getenv("POMOST_TEST_CRASH")
	if path == "" {
		return false
	}
	ctx := context.Background()
	s, err := Open(ctx, path, nil)
	if err != nil {
		fmt.Println("open:", err)
		os.Exit(1)
	}
	value, err := s.Cursor(ctx, "orders", "order")
	if err != nil {
		fmt.Println("cursor:", err)
		os.Exit(1)
	}
	n, _ := strconv.Atoi(string(value))
	for n++; ; n++ {
		if err := s.crashStep(ctx, n); err != nil {
			fmt.Println("step:", err)
			os.Exit(1)
		}
		fmt.Println(n)
	}
}

// crashStep does number n: an intent, then its outcome with link, log line and cursor.
func (s *Store) crashStep(ctx context.Context, n int) error {
	key := strconv.Itoa(n)
	id, err := s.OpenIntent(ctx, store.Intent{Flow: "orders", Key: key, Connection: "books", Object: "SO1", Opened: time.Now()})
	if err != nil {
		return err
	}
	return s.Commit(ctx, store.Change{
		Links:   []store.Link{{A: store.End{Connection: "shop", Object: "order", Key: key}, B: store.End{Connection: "books", Object: "SO1", Key: "B" + key}}},
		Settle:  []store.Settlement{{ID: id, State: store.IntentDone, ResultKey: "B" + key}},
		Cursors: []store.Cursor{{Flow: "orders", Object: "order", Value: []byte(key)}},
		Log:     []store.LogLine{{Time: time.Now(), Flow: "orders", Key: key, Outcome: "created"}},
	})
}

// Nothing that was acknowledged is lost when the process is killed, cursor and links never part, and the file stays whole.
func TestKill(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	random := rand.New(rand.NewPCG(seed, 1))
	t.Logf("seed %d", seed)
	path := filepath.Join(t.TempDir(), "pomost.db")
	total := 0
	for kill := range 20 {
		acknowledged := runAndKill(t, path, time.Duration(10+random.IntN(90))*time.Millisecond)
		total = max(total, acknowledged)
		s, err := Open(t.Context(), path, nil)
		if err != nil {
			t.Fatalf("after kill %d: %v", kill, err)
		}
		checkAfterKill(t, s, acknowledged)
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if total == 0 {
		t.Error("no child ever acknowledged anything")
	}
	t.Logf("%d commits over 20 kills", total)
}

// runAndKill runs a child until some time after its first acknowledgement and returns its last one.
func runAndKill(t *testing.T, path string, after time.Duration) (last int) {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), "POMOST_TEST_CRASH="+path)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var timer *time.Timer
	for lines := bufio.NewScanner(out); lines.Scan(); {
		n, err := strconv.Atoi(lines.Text())
		if err != nil {
			t.Fatalf("the child says %q", lines.Text())
		}
		last = n
		if timer == nil {
			timer = time.AfterFunc(after, func() { cmd.Process.Kill() })
		}
	}
	_ = cmd.Wait() // killed: its status says so
	if timer != nil {
		timer.Stop()
	}
	return last
}

func checkAfterKill(t *testing.T, s *Store, acknowledged int) {
	t.Helper()
	ctx := t.Context()
	if err := s.Check(ctx); err != nil {
		t.Fatal(err)
	}
	value, err := s.Cursor(ctx, "orders", "order")
	if err != nil {
		t.Fatal(err)
	}
	cursor, _ := strconv.Atoi(string(value))
	if cursor < acknowledged || cursor > acknowledged+1 {
		t.Errorf("cursor at %d, %d was acknowledged", cursor, acknowledged)
	}
	ends := make([]store.End, cursor+1)
	for n := range ends {
		ends[n] = store.End{Connection: "shop", Object: "order", Key: strconv.Itoa(n + 1)}
	}
	links, err := s.Links(ctx, ends, "books")
	if err != nil {
		t.Fatal(err)
	}
	for n, l := range links {
		if (n < cursor) != (l.ID != 0 && l.B.Key == "B"+ends[n].Key) {
			t.Fatalf("cursor at %d, link %d: %+v", cursor, n+1, l)
		}
	}
	lines, err := s.Log(ctx, store.LogFilter{})
	if err != nil {
		t.Fatal(err)
	}
	if len(lines) != cursor {
		t.Errorf("%d log lines, cursor at %d", len(lines), cursor)
	}
}
