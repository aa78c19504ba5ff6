// Package commands tests the built binaries as a user and a script see them: each file of testdata is a story of commands, run
// against real sandbox processes.
//
// Beside testscript's own, these commands exist:
//
//	pomost CODE ARGS...                   runs pomost and wants the exit code
//	sandbox NAME CONNECTOR FLAGS...       starts a sandbox; $NAME_BASE_URL, $NAME_CLIENT_ID … are the words of its first line
//	stop NAME                             ends it
//	config FILE KEY=VALUE...              writes a configuration for the sandboxes shop and books; KEY is shop.X, books.X or orders.X
//	article NAME CODE [PRICE]             makes an article through the API
//	order EMAIL ARTICLE QUANTITY          makes an order in shop, and its customer; $ORDER is its id, $NUMBER its number
//	api NAME METHOD PATH [FILE]           calls the API raw, under a consent of its own
//	count NAME OBJECT N [FIELD=VALUE]     wants so many records there
//	calls NAME N METHOD PATH [OBJECT]     wants so many such calls in the sandbox's log
//	waitfor NAME METHOD PATH              waits until such a call is in the sandbox's log
//	json PATH VALUE                       wants a value in the JSON on stdout: flows.0.created 1; PATH.len is a length
//	[!] ready                             waits until the home's daemon answers, or until none does
//	eventually WORD ARGS...               runs pomost until the word is in what it prints
//	nosecrets                             wants no secret of a sandbox in any output so far, nor in any file of the home
package commands

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// bin is the folder of the built binaries.
var bin string

func TestMain(m *testing.M) { os.Exit(testMain(m)) }

func testMain(m *testing.M) int {
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

func TestCommands(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir: "testdata",
		Setup: func(e *testscript.Env) error {
			w := &world{dir: e.WorkDir, boxes: map[string]*box{}}
			e.Values[worldKey{}] = w
			e.Defer(w.close)
			home := filepath.Join(e.WorkDir, "home")
			e.Setenv("HOME", filepath.Join(e.WorkDir, "user"))
			e.Setenv("POMOST_HOME", home)
			e.Setenv("BIN", bin)
			e.Setenv("PATH", bin+string(os.PathListSeparator)+os.Getenv("PATH"))
			return nil
		},
		Cmds: map[string]func(ts *testscript.TestScript, neg bool, args []string){
			"pomost": cmdPomost, "sandbox": cmdSandbox, "stop": cmdStop, "config": cmdConfig, "article": cmdArticle, "order": cmdOrder,
			"api": cmdAPI, "waitfor": cmdWaitFor, "count": cmdCount, "calls": cmdCalls, "json": cmdJSON, "nosecrets": cmdNoSecrets, "ready": cmdReady, "eventually": cmdEventually,
		},
	})
}

// TestASandboxDoesNotOutliveUs kills pomost as nothing can be caught: the sandbox that it runs ends too.
func TestASandboxDoesNotOutliveUs(t *testing.T) {
	cmd := exec.Command(filepath.Join(bin, "pomost"), "sandbox", "accountview")
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(out).ReadBytes('\n')
	if err != nil {
		t.Fatal(err)
	}
	var info map[string]string
	if err := json.Unmarshal(line, &info); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Process.Kill()
	_ = cmd.Wait()
	for end := time.Now().Add(5 * time.Second); ; time.Sleep(50 * time.Millisecond) {
		resp, err := client.Get(info["base_url"])
		if err != nil {
			return
		}
		resp.Body.Close()
		if time.Now().After(end) {
			t.Fatal("the sandbox is still there")
		}
	}
}

type worldKey struct{}

// world is one script's.
type world struct {
	dir     string
	boxes   map[string]*box
	secrets []string
	outputs bytes.Buffer
}

func worldOf(ts *testscript.TestScript) *world { return ts.Value(worldKey{}).(*world) }

func (w *world) close() {
	for _, b := range w.boxes {
		b.end()
	}
}

func want(ts *testscript.TestScript, ok bool, usage string) {
	if !ok {
		ts.Fatalf("usage: %s", usage)
	}
}

func cmdPomost(ts *testscript.TestScript, neg bool, args []string) {
	want(ts, !neg && len(args) > 0, "pomost CODE ARGS...")
	code, err := strconv.Atoi(args[0])
	ts.Check(err)
	for i := range args {
		args[i] = escaped(args[i])
	}
	err = ts.Exec(filepath.Join(bin, "pomost"), args[1:]...)
	w := worldOf(ts)
	w.outputs.WriteString(ts.ReadFile("stdout"))
	w.outputs.WriteString(ts.ReadFile("stderr"))
	var exit *exec.ExitError
	got := 0
	if errors.As(err, &exit) {
		got = exit.ExitCode()
	} else {
		ts.Check(err)
	}
	if got != code {
		ts.Fatalf("exit code %d, want %d", got, code)
	}
}

// box is a running sandbox.
type box struct {
	connector string
	info      map[string]string
	log       string
	cmd       *exec.Cmd
	once      sync.Once
	token     string
}

func (b *box) end() {
	b.once.Do(func() {
		_ = b.cmd.Process.Signal(syscall.SIGTERM)
		timer := time.AfterFunc(20*time.Second, func() { _ = b.cmd.Process.Kill() })
		defer timer.Stop()
		_ = b.cmd.Wait()
	})
}

func cmdSandbox(ts *testscript.TestScript, neg bool, args []string) {
	want(ts, !neg && len(args) > 1, "sandbox NAME CONNECTOR FLAGS...")
	w, name := worldOf(ts), args[0]
	if old := w.boxes[name]; old != nil {
		old.end()
	}
	b := &box{connector: args[1], log: filepath.Join(w.dir, name+".log")}
	b.cmd = exec.Command(filepath.Join(bin, "pomost"), append([]string{"sandbox", args[1], "--log", b.log}, args[2:]...)...)
	b.cmd.Dir = w.dir
	var words bytes.Buffer
	b.cmd.Stderr = &words
	out, err := b.cmd.StdoutPipe()
	ts.Check(err)
	ts.Check(b.cmd.Start())
	w.boxes[name] = b
	line, err := bufio.NewReader(out).ReadBytes('\n')
	if err != nil {
		b.end()
		ts.Fatalf("sandbox %s: %v: %s", name, err, words.String())
	}
	ts.Check(json.Unmarshal(line, &b.info))
	for k, v := range b.info {
		ts.Setenv(strings.ToUpper(name+"_"+k), v)
	}
	w.secrets = append(w.secrets, b.info["client_secret"], b.info["refresh_token"])
}

func cmdStop(ts *testscript.TestScript, neg bool, args []string) {
	want(ts, !neg && len(args) == 1, "stop NAME")
	boxOf(ts, args[0]).end()
}

func boxOf(ts *testscript.TestScript, name string) *box {
	b := worldOf(ts).boxes[name]
	if b == nil {
		ts.Fatalf("there is no sandbox %s", name)
	}
	return b
}

// cmdConfig writes a configuration; a value stands in it as YAML, an empty one removes the key.
func cmdConfig(ts *testscript.TestScript, neg bool, args []string) {
	want(ts, !neg && len(args) > 0, "config FILE KEY=VALUE...")
	w := worldOf(ts)
	settings := map[string]map[string]string{
		"shop":   {"settle_time": "1s"},
		"books":  {"settle_time": "1s", "time_zone": "Europe/Amsterdam"},
		"orders": {"order_status": "[ongoing, shipped, invoiced]", "collective_account": `"1210"`},
	}
	for _, name := range []string{"shop", "books"} {
		if b := w.boxes[name]; b != nil {
			settings[name]["base_url"] = strconv.Quote(b.info["base_url"])
			if name == "books" {
				settings[name]["company"] = strconv.Quote(b.info["company"])
			}
		}
	}
	for _, kv := range args[1:] {
		key, value, ok := strings.Cut(kv, "=")
		section, key, ok2 := strings.Cut(key, ".")
		want(ts, ok && ok2 && settings[section] != nil, "config FILE KEY=VALUE..., KEY being shop.X, books.X or orders.X")
		settings[section][key] = value
	}
	var b strings.Builder
	b.WriteString("version: 1\nconnections:\n")
	for _, name := range []string{"shop", "books"} {
		connector := map[string]string{"shop": "eaccounting", "books": "accountview"}[name]
		upper := strings.ToUpper(name)
		fmt.Fprintf(&b, "  %s:\n    connector: %s\n    secrets: {client_id: \"env:%s_CLIENT_ID\", client_secret: \"env:%s_CLIENT_SECRET\", refresh_token: \"env:%s_REFRESH_TOKEN\"}\n    settings:\n",
			name, connector, upper, upper, upper)
		writeSettings(&b, settings[name])
	}
	b.WriteString("flows:\n  orders:\n    recipe: accountview-eaccounting/orders\n    source: shop\n    destination: books\n    settings:\n")
	writeSettings(&b, settings["orders"])
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), []byte(b.String()), 0o644))
}

func writeSettings(b *strings.Builder, settings map[string]string) {
	for k, v := range settings {
		if v != "" {
			fmt.Fprintf(b, "      %s: %s\n", k, v)
		}
	}
}

// cmdCalls counts calls in a sandbox's log.
func cmdCalls(ts *testscript.TestScript, neg bool, args []string) {
	want(ts, !neg && (len(args) == 4 || len(args) == 5), "calls NAME N METHOD PATH [OBJECT]")
	n, err := strconv.Atoi(args[1])
	ts.Check(err)
	if got, log := calls(ts, args[0], args[2:]...); got != n {
		ts.Fatalf("%d calls of %s, want %d in\n%s", got, strings.Join(args[2:], " "), n, log)
	}
}

func calls(ts *testscript.TestScript, name string, what ...string) (n int, log string) {
	data, err := os.ReadFile(boxOf(ts, name).log)
	ts.Check(err)
	for line := range strings.Lines(string(data)) {
		if !strings.HasSuffix(line, "\n") {
			break // it is being written
		}
		var call struct{ Method, Path, Object string }
		ts.Check(json.Unmarshal([]byte(line), &call))
		if call.Method == what[0] && strings.HasPrefix(call.Path, what[1]) && (len(what) == 2 || call.Object == what[2]) {
			n++
		}
	}
	return n, string(data)
}

func cmdWaitFor(ts *testscript.TestScript, neg bool, args []string) {
	want(ts, !neg && len(args) == 3, "waitfor NAME METHOD PATH")
	for end := time.Now().Add(20 * time.Second); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		if n, _ := calls(ts, args[0], args[1:]...); n > 0 {
			return
		}
	}
	ts.Fatalf("no such call in 20 s")
}

// cmdJSON looks a value up in the one JSON value on stdout; with ! it must be another one, or missing.
func cmdJSON(ts *testscript.TestScript, neg bool, args []string) {
	want(ts, len(args) == 2 || len(args) == 1, "json PATH [VALUE]")
	dec := json.NewDecoder(strings.NewReader(ts.ReadFile("stdout")))
	dec.UseNumber()
	var v any
	ts.Check(dec.Decode(&v))
	if dec.More() {
		ts.Fatalf("stdout has more than one JSON value")
	}
	got, ok := walk(v, strings.Split(args[0], "."))
	if len(args) == 1 {
		if ok == neg {
			ts.Fatalf("%s is there: %v", args[0], ok)
		}
		return
	}
	text := fmt.Sprint(got)
	if _, isText := got.(string); !isText {
		raw, err := json.Marshal(got)
		ts.Check(err)
		text = string(raw)
	}
	if (ok && text == args[1]) == neg {
		ts.Fatalf("%s is %s (found: %v)", args[0], text, ok)
	}
}

func walk(v any, path []string) (any, bool) {
	for _, step := range path {
		switch x := v.(type) {
		case map[string]any:
			e, ok := x[step]
			if !ok {
				return nil, false
			}
			v = e
		case []any:
			if step == "len" {
				v = json.Number(strconv.Itoa(len(x)))
				continue
			}
			i, err := strconv.Atoi(step)
			if err != nil || i < 0 || i >= len(x) {
				return nil, false
			}
			v = x[i]
		default:
			return nil, false
		}
	}
	return v, true
}

func cmdNoSecrets(ts *testscript.TestScript, neg bool, args []string) {
	want(ts, !neg && len(args) == 0, "nosecrets")
	w := worldOf(ts)
	if len(w.secrets) == 0 {
		ts.Fatalf("no sandbox was started, so there is no secret")
	}
	look := func(what string, data []byte) {
		for _, s := range w.secrets {
			if bytes.Contains(data, []byte(s)) {
				ts.Fatalf("%s holds a secret", what)
			}
		}
	}
	look("an output", w.outputs.Bytes())
	ts.Check(filepath.WalkDir(ts.Getenv("POMOST_HOME"), func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := os.ReadFile(path)
		look(path, data)
		return err
	}))
}
