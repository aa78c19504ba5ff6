package connector

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/pomost/pomost/sdk/connector"
)

func TestAlteredBinaryIsRefused(t *testing.T) {
	t.Parallel()
	self, _ := os.Executable()
	b, err := os.ReadFile(self)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	path := filepath.Join(dir, binaryPrefix+"good")
	if err := os.WriteFile(path, b, 0o700); err != nil {
		t.Fatal(err)
	}
	m := manager(t, func(o *Options) { o.Dir = dir })
	c := open(t, m, connector.Settings{"do": "die"})
	if _, err := c.Check(t.Context()); !strings.Contains(err.Error(), "ended unexpectedly") {
		t.Fatal(err)
	}
	// A second start of the same binary is fine.
	if _, err := c.List(t.Context(), "x"); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Check(t.Context()); !strings.Contains(err.Error(), "ended unexpectedly") {
		t.Fatal(err)
	}
	b = append(b, 0)
	if err := os.WriteFile(path+".new", b, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(path+".new", path); err != nil {
		t.Fatal(err)
	}
	for range 3 { // a refusal is not a crash: no backoff, no quarantine
		_, err = c.List(t.Context(), "x")
		if e := typed(t, err); e.Retryable || !strings.Contains(e.Message, "is not the expected one") {
			t.Fatalf("%+v", e)
		}
	}
	if pinned, err := New(Options{Checksums: map[string]string{"good": strings.Repeat("00", 32)}, Dir: dir, RuntimeDir: shortDir(t)}); err != nil {
		t.Fatal(err)
	} else {
		if _, err := pinned.Connector(t.Context(), "good"); err == nil || !strings.Contains(err.Error(), "want 000000000000…") {
			t.Error(err)
		}
		pinned.Close()
	}
	if _, err := New(Options{Checksums: map[string]string{"good": "00"}}); err == nil {
		t.Error("a short checksum is accepted")
	}
}

func TestNothingIsInherited(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("looks into /proc")
	}
	canary := filepath.Join(t.TempDir(), "canary-file")
	f, err := os.Create(canary)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for i := range 20 {
		t.Setenv(fmt.Sprintf("CANARY_%d", i), "canary-env")
	}
	m := manager(t, nil)
	c := open(t, m, connector.Settings{"do": "inspect"})
	checks, err := c.Check(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(checks[0].Message, "canary") || strings.Contains(checks[0].Message, "CANARY") {
		t.Errorf("the plugin sees %s", checks[0].Message)
	}
	var seen struct {
		Env, Args, Files, FDs []string
		WD, Stdin             string
		PGID                  int
	}
	if err := json.Unmarshal([]byte(checks[0].Message), &seen); err != nil {
		t.Fatal(err)
	}
	for _, e := range seen.Env {
		if name, _, _ := strings.Cut(e, "="); !strings.HasPrefix(name, "PLUGIN_") && name != "POMOST_CONNECTOR" {
			t.Errorf("in its environment: %s", name)
		}
	}
	if len(seen.Args) != 1 || seen.Stdin != "/dev/null" || !strings.HasPrefix(seen.WD, m.dir.path) || seen.PGID != pid(t, m) {
		t.Errorf("%+v", seen)
	}
	info, err := os.Stat(m.dir.path)
	if err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("%v %v", info, err)
	}
	err = filepath.WalkDir(seen.WD, func(path string, _ os.DirEntry, err error) error {
		if len(path) > 107 {
			t.Errorf("%s is longer than a socket's path may be", path)
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
}

func TestChildrenOfPluginDieWithIt(t *testing.T) {
	m := manager(t, nil)
	c := open(t, m, connector.Settings{"do": "child"})
	checks, err := c.Check(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	child, _ := strconv.Atoi(checks[0].Name)
	if err := m.Close(); err != nil {
		t.Fatal(err)
	}
	awaitGone(t, child)
}

// beHost is a host in a process of its own, which the test kills.
func beHost(dir string) {
	m, err := New(Options{Dir: dir, RuntimeDir: os.Getenv("POMOST_TEST_RUNTIME")})
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	for i := range 3 {
		if _, _, err := m.Connection(context.Background(), fmt.Sprint(i), "good", connector.Settings{}, nil); err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
	}
	for _, s := range m.Status() {
		fmt.Println(s.PID)
	}
	fmt.Println("ready")
	select {}
}

func TestPluginsDieWithTheirHost(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("asks for processes the unix way")
	}
	self, _ := os.Executable()
	runtimeDir := shortDir(t)
	cmd := exec.Command(self)
	cmd.Env = append(os.Environ(), "POMOST_TEST_HOST="+plugins(t, "good"), "POMOST_TEST_RUNTIME="+runtimeDir)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var pids []int
	lines := bufio.NewScanner(out)
	for lines.Scan() && lines.Text() != "ready" {
		p, err := strconv.Atoi(lines.Text())
		if err != nil {
			t.Fatal(lines.Text())
		}
		pids = append(pids, p)
	}
	if len(pids) != 3 {
		t.Fatalf("%d plugins", len(pids))
	}
	_ = cmd.Process.Signal(syscall.SIGKILL)
	_, _ = io.Copy(io.Discard, out)
	_ = cmd.Wait()
	for _, p := range pids {
		awaitGone(t, p)
	}
	// What the dead host left is swept by the next one, what a living one has is not.
	before, _ := os.ReadDir(runtimeDir)
	a, err := New(Options{RuntimeDir: runtimeDir, Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	b, err := New(Options{RuntimeDir: runtimeDir, Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	after, _ := os.ReadDir(runtimeDir)
	if len(before) != 1 || len(after) != 2 || after[0].Name() == before[0].Name() || after[1].Name() == before[0].Name() {
		t.Errorf("before %v, after %v", before, after)
	}
	a.Close()
	b.Close()
	if left, _ := os.ReadDir(runtimeDir); len(left) != 0 {
		t.Errorf("left: %v", left)
	}
}

func TestTooLongRuntimePath(t *testing.T) {
	long := filepath.Join(t.TempDir(), strings.Repeat("x", 100))
	if err := os.Mkdir(long, 0o700); err != nil {
		t.Fatal(err)
	}
	if _, err := New(Options{RuntimeDir: long, Dir: t.TempDir()}); err == nil || !strings.Contains(err.Error(), "too long") {
		t.Error(err)
	}
	if left, _ := os.ReadDir(long); len(left) != 0 {
		t.Errorf("left: %v", left)
	}
}
