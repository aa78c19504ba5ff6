package function

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/pomost/pomost/sdk/decimal"
	"github.com/pomost/pomost/sdk/record"
)

func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == WorkerCommand {
		os.Exit(Serve(os.Stdin, os.Stdout))
	}
	if dir := os.Getenv("POMOST_TEST_HOST"); dir != "" {
		hang(dir)
	}
	var err error
	if guestDir, err = os.MkdirTemp("", "pomost-guests-"); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	code := m.Run()
	os.RemoveAll(guestDir)
	if code == 0 {
		if err := goleak.Find(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			code = 1
		}
	}
	os.Exit(code)
}

var (
	guestOnce sync.Once
	guestDir  string // of this test's run
	guestErr  error
)

// shipped returns the folder with the functions of the product, and one for compiled code.
func shipped(t testing.TB) (modules, cache string) {
	t.Helper()
	if raceEnabled {
		t.Skip("compiling takes a minute under the race detector, and shows it nothing that other tests do not")
	}
	guests(t)
	return filepath.Join(guestDir, "shipped"), filepath.Join(guestDir, "cache-shipped")
}

// guests compiles the modules of the tests once and returns the folder of those that misbehave and one for compiled code, which the
// tests share.
func guests(t testing.TB) (modules, cache string) {
	t.Helper()
	guestOnce.Do(func() {
		for name, dir := range map[string]string{"modules/guest": "testdata/guest", "shipped/split_street": "../../functions/split_street"} {
			cmd := exec.Command("go", "build", "-buildmode=c-shared", "-trimpath", "-ldflags=-s -w", "-o", filepath.Join(guestDir, name+suffix), "./"+dir)
			cmd.Env = append(os.Environ(), "GOOS=wasip1", "GOARCH=wasm", "CGO_ENABLED=0")
			if out, err := cmd.CombinedOutput(); err != nil {
				guestErr = fmt.Errorf("%s: %w\n%s", name, err, out)
				return
			}
		}
	})
	if guestErr != nil {
		t.Fatal(guestErr)
	}
	return filepath.Join(guestDir, "modules"), filepath.Join(guestDir, "cache")
}

func open(t testing.TB, change func(*Options)) *Pool {
	t.Helper()
	modules, cache := guests(t)
	opts := Options{Shipped: modules, Cache: cache}
	if change != nil {
		change(&opts)
	}
	p, err := New(opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := p.Close(); err != nil {
			t.Error(err)
		}
	})
	return p
}

func texts(name string, values ...string) Column {
	c := Column{Name: name}
	for _, v := range values {
		c.Values = append(c.Values, record.Text(v))
	}
	return c
}

func TestCall(t *testing.T) {
	p := open(t, nil)
	out, errs, err := p.Call(t.Context(), "upper", []Column{texts("text", "a", "fail", "ß", "panic", "nil", "bad", "z")})
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"A", "", "SS", "", "", "", "Z"}
	want[2] = strings.ToUpper("ß")
	for i, w := range want {
		if got := out[0].Values[i].AsText(); got != w {
			t.Errorf("row %d: %q, want %q", i, got, w)
		}
	}
	for i, w := range map[int]string{1: "no capitals today", 3: "panic: at the disco", 4: "nil pointer", 5: "the output text is no valid UTF-8"} {
		if errs[i] == nil || !strings.Contains(errs[i].Error(), w) || !strings.Contains(errs[i].Error(), "upper (version 1.2.3)") {
			t.Errorf("row %d: %v, want %s", i, errs[i], w)
		}
		if !out[0].Values[i].IsAbsent() {
			t.Errorf("row %d has an error and a value", i)
		}
	}
	for _, i := range []int{0, 2, 6} {
		if errs[i] != nil {
			t.Errorf("row %d: %v", i, errs[i])
		}
	}
}

// TestEveryKind: what goes through a function that changes nothing comes back as it was, and so do null and absent.
func TestEveryKind(t *testing.T) {
	p := open(t, nil)
	day, err := record.ParseDate("2024-02-29")
	if err != nil {
		t.Fatal(err)
	}
	first, err := record.ParseDate("0001-01-01")
	if err != nil {
		t.Fatal(err)
	}
	last, err := record.ParseDate("9999-12-31")
	if err != nil {
		t.Fatal(err)
	}
	columns := []Column{
		{"text", []record.Value{record.Text(""), record.Text("żółć 🛒"), record.Null(), record.Absent(), record.Text("\x00")}},
		{"integer", []record.Value{record.Integer(-1 << 63), record.Integer(1<<63 - 1), record.Null(), record.Absent(), record.Integer(0)}},
		{"decimal", []record.Value{record.Decimal(decimal.MustParse("-0.05")), record.Decimal(decimal.MustParse("12345678901234567890123456789012345678")), record.Null(), record.Absent(), record.Decimal(decimal.Zero)}},
		{"bool", []record.Value{record.Bool(true), record.Bool(false), record.Null(), record.Absent(), record.Bool(true)}},
		{"date", []record.Value{record.OfDate(first), record.OfDate(last), record.Null(), record.Absent(), record.OfDate(day)}},
	}
	out, errs, err := p.Call(t.Context(), "same", columns)
	if err != nil {
		t.Fatal(err)
	}
	for i, c := range columns {
		for row := range c.Values {
			if errs[row] != nil {
				t.Errorf("row %d: %v", row, errs[row])
			}
			if got := out[i].Values[row]; !got.Equal(c.Values[row]) || out[i].Name != c.Name {
				t.Errorf("%s, row %d: %s %v, want %v", c.Name, row, got.Kind(), got, c.Values[row])
			}
		}
	}
}

// TestManyRows: more rows than one batch holds come back in their order, with their errors.
func TestManyRows(t *testing.T) {
	p := open(t, nil)
	c := Column{Name: "text"}
	for i := range 2*batchRows + 7 {
		s := fmt.Sprint("row ", i)
		if i%999 == 0 {
			s = "fail"
		}
		c.Values = append(c.Values, record.Text(s))
	}
	out, errs, err := p.Call(t.Context(), "upper", []Column{c})
	if err != nil || len(out[0].Values) != len(c.Values) || len(errs) != len(c.Values) {
		t.Fatal(err, len(errs))
	}
	for i := range c.Values {
		if (errs[i] != nil) != (i%999 == 0) || errs[i] == nil && out[0].Values[i].AsText() != fmt.Sprint("ROW ", i) {
			t.Fatal(i, errs[i], out[0].Values[i])
		}
	}
	if out, errs, err := p.Call(t.Context(), "upper", []Column{{Name: "text"}}); err != nil || len(errs) != 0 || len(out) != 1 {
		t.Error("no rows:", err, errs, out)
	}
}

// TestHostile: whatever a function does, the call ends in time with an error that names it, and the next call gets a fresh worker.
func TestHostile(t *testing.T) {
	p := open(t, func(o *Options) { o.Timeout = 2 * time.Second; o.Memory = 32 << 20 })
	for word, want := range map[string]struct {
		reason Reason
		text   string
	}{
		"grow":    {Memory, "memory"},
		"exit":    {Trap, "exit"},
		"recurse": {"", ""},
		"huge":    {"", ""},
		"hang":    {Deadline, "2s"},
	} {
		_, errs, err := p.Call(t.Context(), "hostile", []Column{texts("text", "-", word)})
		if word == "huge" && err == nil {
			t.Errorf("%s: %v", word, errs)
			continue
		}
		var f *Failed
		if !errors.As(err, &f) {
			t.Errorf("%s: %v", word, err)
			continue
		}
		if want.reason != "" && f.Reason != want.reason || !strings.Contains(f.Message, want.text) {
			t.Errorf("%s: %s: %s", word, f.Reason, f.Message)
		}
		if f.Function != "hostile" || f.Version != "1.2.3" || f.Module != "guest" || f.Cause() != "function_failed" || f.Remedy() == "" {
			t.Errorf("%s: %+v", word, f)
		}
		out, errs, err := p.Call(t.Context(), "hostile", []Column{texts("text", "count")})
		if err != nil || errs[0] != nil || out[0].Values[0].AsText() != "1" {
			t.Errorf("after %s: %v %v %v", word, out, errs, err)
		}
	}
}

// TestMemoryIsWatched: a worker that takes more than it may is killed by its parent, whatever the module's own bound says.
func TestMemoryIsWatched(t *testing.T) {
	if residentMemory(os.Getpid()) == 0 {
		t.Skip("the memory of a process cannot be read here")
	}
	p := open(t, nil)
	m := p.list()[0]
	w, err := m.take(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer m.drop(w)
	b := appendColumn(appendHead(nil, 1, 1), record.KindText, []record.Value{record.Text("hang")}, nil)
	_, err = w.call(t.Context(), limits{time.Minute, 1 << 20}, 2, b)
	var f *failure
	if !errors.As(err, &f) || f.Reason != Memory || !strings.Contains(f.Message, "more than the 1 that") {
		t.Error(err)
	}
}

// TestSameInputSameOutput: no clock, no waiting, no randomness, no files, no environment.
func TestSameInputSameOutput(t *testing.T) {
	t.Setenv("POMOST_SECRET", "hunter22")
	ask := func(words ...string) string {
		p := open(t, nil)
		out, errs, err := p.Call(t.Context(), "hostile", []Column{texts("text", words...)})
		if err != nil || errs[0] != nil {
			t.Fatal(err, errs)
		}
		var all []string
		for _, v := range out[0].Values {
			all = append(all, v.AsText())
		}
		return strings.Join(all, ",")
	}
	first := ask("look", "sleep", "random", "stderr")
	if !strings.HasPrefix(first, "0 0 true,1970-01-01,") {
		t.Error(first)
	}
	if again := ask("look", "sleep", "random", "stderr"); again != first {
		t.Errorf("%s, then %s", first, again)
	}
}

func TestTheContextIsObeyed(t *testing.T) {
	p := open(t, nil)
	ctx, cancel := context.WithCancel(t.Context())
	time.AfterFunc(200*time.Millisecond, cancel)
	if _, _, err := p.Call(ctx, "hostile", []Column{texts("text", "hang")}); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	// Close ends what hangs.
	p = open(t, nil)
	got := make(chan error)
	started := make(chan struct{})
	go func() {
		_, _, err := p.Call(context.Background(), "upper", []Column{texts("text", "a")})
		close(started)
		if err == nil {
			_, _, err = p.Call(context.Background(), "hostile", []Column{texts("text", "hang")})
		}
		got <- err
	}()
	<-started
	if err := p.Close(); err != nil {
		t.Error(err)
	}
	if err := <-got; !errors.Is(err, errClosed) {
		t.Error(err)
	}
}

func TestWhatCannotBeCalled(t *testing.T) {
	p := open(t, nil)
	var unknown *UnknownError
	if _, _, err := p.Call(t.Context(), "nothing", nil); !errors.As(err, &unknown) || !strings.Contains(unknown.Remedy(), "upper") {
		t.Error(err)
	}
	if _, err := p.Describe(t.Context(), "nothing"); !errors.As(err, &unknown) {
		t.Error(err)
	}
	for what, columns := range map[string][]Column{"needs the column text": {texts("tekst", "a")}, "takes 1 columns": {texts("text", "a"), texts("more", "b")}} {
		if _, _, err := p.Call(t.Context(), "upper", columns); err == nil || !strings.Contains(err.Error(), what) {
			t.Error(err)
		}
	}
	_, errs, err := p.Call(t.Context(), "upper", []Column{{"text", []record.Value{record.Integer(1), record.Text("a")}}})
	if err != nil || errs[0] == nil || !strings.Contains(errs[0].Error(), "integer is given where text is taken") || errs[1] != nil {
		t.Error(err, errs)
	}
	var failed *Failed
	if _, _, err := p.Call(t.Context(), "upper", []Column{texts("text", strings.Repeat("x", maxBytes))}); !errors.As(err, &failed) || failed.Reason != TooLarge {
		t.Error(err)
	}
	s, err := p.Describe(t.Context(), "upper")
	if err != nil || s.String() != "upper(text text) → (text text)" || s.Version != "1.2.3" || len(s.Hash) != 64 {
		t.Errorf("%+v %v", s, err)
	}
}

// TestManyAtOnce: calls from everywhere share the workers.
func TestManyAtOnce(t *testing.T) {
	p := open(t, func(o *Options) { o.Workers = 2; o.Idle = time.Millisecond })
	var wg sync.WaitGroup
	for i := range 20 {
		wg.Go(func() {
			word := fmt.Sprint("w", i)
			out, _, err := p.Call(t.Context(), "upper", []Column{texts("text", word)})
			if err != nil || out[0].Values[0].AsText() != strings.ToUpper(word) {
				t.Error(out, err)
			}
		})
	}
	wg.Wait()
}

// TestIdleWorkersEnd: memory is given back when nothing is to do.
func TestIdleWorkersEnd(t *testing.T) {
	p := open(t, func(o *Options) { o.Idle = time.Millisecond })
	if _, _, err := p.Call(t.Context(), "upper", []Column{texts("text", "a")}); err != nil {
		t.Fatal(err)
	}
	m := p.list()[0]
	for {
		w := <-m.slots
		m.slots <- w
		if w == nil {
			return
		}
		select {
		case <-w.gone:
		case <-t.Context().Done():
			t.Fatal("it is still there")
		case <-time.After(time.Millisecond):
		}
	}
}

// hang is a host that calls a function which does not answer, and says which process it waits for.
func hang(dir string) {
	p, err := New(Options{Shipped: dir, Cache: filepath.Join(filepath.Dir(dir), "cache"), Timeout: time.Minute})
	if err != nil {
		panic(err)
	}
	w, err := p.list()[0].take(context.Background())
	if err != nil {
		panic(err)
	}
	fmt.Println(w.cmd.Process.Pid)
	b := appendColumn(appendHead(nil, 1, 1), record.KindText, []record.Value{record.Text("hang")}, nil)
	_, err = w.call(context.Background(), limits{time.Minute, 0}, 2, b)
	panic(err)
}

// TestNoOrphans: a worker does not outlive its host, even when the host is killed while the worker is busy.
func TestNoOrphans(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("elsewhere a worker ends by itself, when its module lets it")
	}
	modules, _ := guests(t)
	host := exec.CommandContext(t.Context(), os.Args[0])
	host.Env = append(os.Environ(), "POMOST_TEST_HOST="+modules)
	out, err := host.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := host.Start(); err != nil {
		t.Fatal(err)
	}
	var pid int
	if _, err := fmt.Fscan(out, &pid); err != nil || residentMemory(pid) == 0 {
		t.Fatal(pid, err)
	}
	if err := host.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = host.Wait()
	for residentMemory(pid) > 0 { // a zombie has no memory
		select {
		case <-t.Context().Done():
			t.Fatal("the worker is still there")
		case <-time.After(time.Millisecond):
		}
	}
}

// TestWorkersDoNotMultiply: a binary that does not serve as a worker must not start more of its kind.
func TestWorkersDoNotMultiply(t *testing.T) {
	t.Setenv(workerMark, "1")
	if _, err := New(Options{}); err == nil {
		t.Error("a worker has workers")
	}
}

func TestFramesAreBounded(t *testing.T) {
	var b bytes.Buffer
	if err := writeFrame(&b, 'x', make([]byte, maxFrame)); !errors.Is(err, errFrameSize) || b.Len() > 0 {
		t.Error(err, b.Len())
	}
	for _, head := range []string{"\x00\x00\x00\x00x", "\xff\xff\xff\xffx", "\x05\x00\x00\x00xabc"} {
		if _, _, err := readFrame(strings.NewReader(head), nil); err == nil {
			t.Errorf("%q is taken", head)
		}
	}
}
