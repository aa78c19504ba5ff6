//go:build unix

// Package terminal drives the built binary in a real terminal, tmux, as a person does: it presses keys and reads the screen.
package terminal

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
	"unicode/utf8"
)

// patience is how long something may take to appear on the screen.
const patience = 60 * time.Second

// bin is the folder of the built binaries.
var bin string

func TestMain(m *testing.M) { os.Exit(testMain(m)) }

func testMain(m *testing.M) int {
	if _, err := exec.LookPath("tmux"); err != nil && os.Getenv("CI") == "" {
		fmt.Println("SKIPPED: there is no tmux, in which the screens are driven (Debian: apt-get install tmux)")
		return 0
	}
	if bin = os.Getenv("POMOST_BIN"); bin != "" {
		return m.Run()
	}
	dir, err := os.MkdirTemp("", "pomost-bin-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	bin = dir
	for name, pkg := range map[string]string{"pomost": ".", "pomost-connector-accountview": "./plugins/accountview", "pomost-connector-eaccounting": "./plugins/eaccounting"} {
		cmd := exec.Command("go", "build", "-o", filepath.Join(dir, name), pkg)
		cmd.Dir, cmd.Env = "../..", append(os.Environ(), "CGO_ENABLED=0")
		if out, err := cmd.CombinedOutput(); err != nil {
			fmt.Fprintf(os.Stderr, "go build %s: %v\n%s", pkg, err, out)
			return 1
		}
	}
	cmd := exec.Command("go", "build", "-buildmode=c-shared", "-o", filepath.Join(dir, "functions", "split_street.wasm"), "./functions/split_street")
	cmd.Dir, cmd.Env = "../..", append(os.Environ(), "CGO_ENABLED=0", "GOOS=wasip1", "GOARCH=wasm")
	if out, err := cmd.CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "go build split_street: %v\n%s", err, out)
		return 1
	}
	return m.Run()
}

// place is a home with two sandboxes and a configuration.
type place struct {
	t       *testing.T
	dir     string
	env     []string
	secrets []string
}

func newPlace(t *testing.T) *place {
	// The name is short: the path of a socket may have 107 bytes.
	dir, err := os.MkdirTemp("", "pomost-e2e-") //nolint:usetesting // t.TempDir is longer
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	p := &place{t: t, dir: dir}
	p.env = append(os.Environ(), "POMOST_HOME="+filepath.Join(dir, "home"), "XDG_RUNTIME_DIR="+dir, "LANG=C.UTF-8", "LC_ALL=", "NO_COLOR=", "TERM=xterm-256color")
	return p
}

// sandbox starts a system with the demo's data.
func (p *place) sandbox(name, connector string, args ...string) (info map[string]string) {
	p.t.Helper()
	cmd := exec.Command(filepath.Join(bin, "pomost"), append([]string{"sandbox", connector, "--data", "demo"}, args...)...)
	cmd.Env = p.env
	out, err := cmd.StdoutPipe()
	if err != nil {
		p.t.Fatal(err)
	}
	p.start(cmd)
	line, err := bufio.NewReader(out).ReadBytes('\n')
	if err != nil {
		p.t.Fatalf("sandbox %s: %v", name, err)
	}
	if err := json.Unmarshal(line, &info); err != nil {
		p.t.Fatal(err)
	}
	for _, k := range []string{"client_id", "client_secret", "refresh_token"} {
		p.env = append(p.env, strings.ToUpper(name+"_"+k)+"="+info[k])
	}
	p.secrets = append(p.secrets, info["client_secret"], info["refresh_token"])
	return info
}

// start starts a process that ends with the test.
func (p *place) start(cmd *exec.Cmd) (stop func()) {
	p.t.Helper()
	if err := cmd.Start(); err != nil {
		p.t.Fatal(err)
	}
	stop = sync.OnceFunc(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		timer := time.AfterFunc(20*time.Second, func() { _ = cmd.Process.Kill() })
		defer timer.Stop()
		_ = cmd.Wait()
	})
	p.t.Cleanup(stop)
	return stop
}

// pomost runs a command to its end.
func (p *place) pomost(args ...string) (out string, code int) {
	p.t.Helper()
	cmd := exec.Command(filepath.Join(bin, "pomost"), args...)
	cmd.Env = p.env
	b, err := cmd.CombinedOutput()
	var exit *exec.ExitError
	switch {
	case errors.As(err, &exit):
		code = exit.ExitCode()
	case err != nil:
		p.t.Fatalf("pomost %v: %v", args, err)
	}
	return string(b), code
}

// apply puts a configuration with an orders flow into force; the shop's sandbox gets the arguments.
func (p *place) apply(args ...string) {
	p.t.Helper()
	shop, books := p.sandbox("shop", "eaccounting", args...), p.sandbox("books", "accountview")
	file := filepath.Join(p.dir, "pomost.yaml")
	config := fmt.Sprintf(`version: 1
connections:
  shop:
    connector: eaccounting
    settings: {base_url: %q}
    secrets: {client_id: "env:SHOP_CLIENT_ID", client_secret: "env:SHOP_CLIENT_SECRET", refresh_token: "env:SHOP_REFRESH_TOKEN"}
  books:
    connector: accountview
    settings: {base_url: %q, company: %q, time_zone: Europe/Amsterdam}
    secrets: {client_id: "env:BOOKS_CLIENT_ID", client_secret: "env:BOOKS_CLIENT_SECRET", refresh_token: "env:BOOKS_REFRESH_TOKEN"}
flows:
  orders:
    recipe: accountview-eaccounting/orders
    source: shop
    destination: books
    settings: {order_status: [ongoing, shipped, invoiced], collective_account: "1210"}
    schedule: 1h
`, shop["base_url"], books["base_url"], books["company"])
	if err := os.WriteFile(file, []byte(config), 0o600); err != nil {
		p.t.Fatal(err)
	}
	if out, code := p.pomost("apply", "-f", file); code != 0 {
		p.t.Fatalf("apply: exit code %d\n%s", code, out)
	}
	if out, code := p.pomost("pause", "orders"); code != 0 { // it runs when a key says so
		p.t.Fatalf("pause: exit code %d\n%s", code, out)
	}
}

// serve starts a daemon and waits until it is ready.
func (p *place) serve() (stop func()) {
	p.t.Helper()
	cmd := exec.Command(filepath.Join(bin, "pomost"), "serve", "--listen", "")
	cmd.Env = p.env
	out, err := cmd.StdoutPipe()
	if err != nil {
		p.t.Fatal(err)
	}
	stop = p.start(cmd)
	if line, err := bufio.NewReader(out).ReadString('\n'); err != nil {
		p.t.Fatalf("serve: %v: %s", err, line)
	}
	return stop
}

// terminal is a window with the screens in it.
type terminal struct {
	p      *place
	socket string
}

// open opens a window and runs pomost in it.
func (p *place) open(width, height int, args ...string) *terminal {
	p.t.Helper()
	t := &terminal{p: p, socket: filepath.Join(p.dir, "tmux")}
	command := filepath.Join(bin, "pomost") + " " + strings.Join(args, " ") + `; echo "it ended with exit code $?"; exec cat`
	t.tmux("-f", "/dev/null", "new-session", "-d", "-x", fmt.Sprint(width), "-y", fmt.Sprint(height), command)
	p.t.Cleanup(func() { t.tmux("kill-server") })
	return t
}

func (t *terminal) tmux(args ...string) string {
	t.p.t.Helper()
	cmd := exec.Command("tmux", append([]string{"-S", t.socket}, args...)...)
	cmd.Env = t.p.env
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.p.t.Fatalf("tmux %v: %v\n%s", args, err, out)
	}
	return string(out)
}

// keys presses keys, as tmux names them.
func (t *terminal) keys(names ...string) {
	t.p.t.Helper()
	t.tmux(append([]string{"send-keys"}, names...)...)
}

func (t *terminal) screen() string {
	t.p.t.Helper()
	s := t.tmux("capture-pane", "-p")
	for _, secret := range t.p.secrets {
		if strings.Contains(s, secret) {
			t.p.t.Fatalf("a secret is on the screen:\n%s", s)
		}
	}
	return s
}

// wait waits until all texts are on the screen, and returns it.
func (t *terminal) wait(texts ...string) string {
	t.p.t.Helper()
	var s string
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(30 * time.Millisecond) {
		s = t.screen()
		missing := false
		for _, text := range texts {
			missing = missing || !strings.Contains(s, text)
		}
		if !missing {
			return s
		}
	}
	t.p.t.Fatalf("%q did not appear; the screen is\n%s", texts, s)
	return ""
}

// TestMainJourney opens the screens on a daemon, runs a flow, walks to the inbox, to a record's story and to its log, and quits: the daemon
// goes on.
func TestMainJourney(t *testing.T) {
	p := newPlace(t)
	p.apply()
	p.serve()
	w := p.open(100, 30)
	w.wait("✓ daemon", "orders", "shop → books", "r run")
	w.keys("r")
	w.wait("orders: the run has begun")
	w.wait("records wait for you", "! held")
	w.keys("Enter")
	w.wait("Pomost › orders", "Last run", "Settings", "order_status")
	w.keys("h")
	w.wait("Pomost › orders › runs", "✓ done", "hand")
	w.keys("Enter")
	w.wait("log of orders", "run done")
	w.keys("Escape")
	w.wait("what it did", "› runs")
	w.keys("Escape")
	w.wait("Last run", "Settings")
	w.keys("i")
	w.wait("Pomost › orders › records", "[held", "no record matches", "What to do:")
	w.keys("Enter")
	w.wait("records ›", "! held: ", "What was done")
	w.keys("l")
	w.wait("log of ")
	w.keys("Escape")
	w.wait("What was done")

	w.tmux("resize-window", "-x", "60", "-y", "20")
	for line := range strings.Lines(w.wait("What was done")) {
		if n := utf8.RuneCountInString(strings.TrimRight(line, " \n")); n > 60 {
			t.Errorf("a line has %d characters: %q", n, line)
		}
	}
	w.tmux("resize-window", "-x", "30", "-y", "6")
	w.wait("this window is too small", "40×10", "30×6")
	w.tmux("resize-window", "-x", "80", "-y", "24")
	w.wait("What was done")

	w.keys("Escape")
	w.wait("[held")
	w.keys("Escape")
	w.wait("Last run")
	w.keys("Escape")
	w.wait("records wait for you")
	w.keys("?")
	w.wait("What can be done here")
	w.keys("Escape")
	w.wait("Connections  ") // a key right behind Escape would be taken for one with Alt
	w.keys("q")
	w.wait("it ended with exit code 0")
	if out, code := p.pomost("export"); code != 0 {
		t.Errorf("the daemon does not answer after the screens: exit code %d\n%s", code, out)
	}
}

// TestARunOutlivesTheScreens: who starts a run by hand and quits is asked nothing, and the daemon ends the run.
func TestARunOutlivesTheScreens(t *testing.T) {
	p := newPlace(t)
	faults := filepath.Join(p.dir, "faults.json")
	if err := os.WriteFile(faults, []byte(`[{"match":"GET /v2/orders","times":1,"do":"delay:5s"}]`), 0o600); err != nil {
		t.Fatal(err)
	}
	p.apply("--faults", faults)
	p.serve()
	w := p.open(100, 30)
	w.wait("✓ daemon", "orders", "= paused")
	w.keys("r")
	w.wait("orders: the run has begun", "» running")
	w.keys("q")
	w.wait("it ended with exit code 0")
	over := func() bool {
		out, code := p.pomost("logs", "--flow", "orders", "--output", "json")
		if code != 0 {
			t.Fatalf("logs: exit code %d\n%s", code, out)
		}
		if strings.Contains(out, `"run stopped"`) || strings.Contains(out, `"run failed"`) {
			t.Fatalf("the run ended with the screens:\n%s", out)
		}
		return strings.Contains(out, `"run done"`)
	}
	if over() {
		t.Error("the run was over before the screens were: it shows nothing")
	}
	for end := time.Now().Add(patience); !over(); time.Sleep(200 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("the run did not end")
		}
	}
}

// TestTheDaemonGoesAndComesBack keeps the screen while the daemon is away.
func TestTheDaemonGoesAndComesBack(t *testing.T) {
	p := newPlace(t)
	p.apply()
	stop := p.serve()
	w := p.open(100, 24, "--read-only")
	w.wait("looking only", "✓ daemon", "orders")
	stop()
	w.wait("daemon unreachable since", "orders")
	p.serve()
	w.wait("looking only · ✓ daemon", "orders")
	w.keys("q")
	w.wait("it ended with exit code 0")
}

// TestWithoutADaemon: the window is the daemon while it is open, says so, and leaves nothing behind.
func TestWithoutADaemon(t *testing.T) {
	p := newPlace(t)
	w := p.open(80, 24, "--ascii", "--lang", "pl")
	s := w.wait("w tym oknie", "Jeszcze nic nie p") // Polish letters are data; lines and symbols are plain
	for _, r := range s {
		if r >= 0x2190 && r <= 0x27bf {
			t.Errorf("--ascii draws %q", r)
		}
	}
	w.keys("q")
	w.wait("pomost serve")
	w.keys("q", "Enter")
	w.wait("pomost serve")
	w.keys("y")
	w.wait("it ended with exit code 0")
	if out, code := p.pomost(); code != 2 || !strings.Contains(out, "the screens need a terminal") {
		t.Errorf("without a terminal: exit code %d\n%s", code, out)
	}
}
