package commands

import (
	"bufio"
	"bytes"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// cmdReady waits until the home's daemon answers, or, negated, until none does.
func cmdReady(ts *testscript.TestScript, neg bool, args []string) {
	want(ts, len(args) == 0, "[!] ready")
	file := filepath.Join(ts.Getenv("POMOST_HOME"), "run", "daemon.json")
	for end := time.Now().Add(20 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		var d struct {
			Socket string `json:"socket"`
		}
		text, err := os.ReadFile(file)
		if err == nil {
			err = json.Unmarshal(text, &d)
		}
		if err == nil {
			var c net.Conn
			if c, err = net.Dial("unix", d.Socket); err == nil {
				c.Close()
			}
		}
		if (err == nil) != neg {
			return
		}
		if time.Now().After(end) {
			ts.Fatalf("the daemon answers: %v (%v)", neg, err)
		}
	}
}

// cmdEventually runs pomost until a word is in what it prints.
func cmdEventually(ts *testscript.TestScript, neg bool, args []string) {
	want(ts, !neg && len(args) > 1, "eventually WORD ARGS...")
	for end := time.Now().Add(30 * time.Second); ; time.Sleep(100 * time.Millisecond) {
		err := ts.Exec(filepath.Join(bin, "pomost"), args[1:]...)
		if err == nil && strings.Contains(ts.ReadFile("stdout"), args[0]) {
			return
		}
		if time.Now().After(end) {
			ts.Fatalf("%q does not come: %v", args[0], err)
		}
	}
}

// started is a process of pomost whose stderr is read line by line.
type started struct {
	*exec.Cmd
	t     *testing.T
	out   bytes.Buffer
	in    io.WriteCloser
	lines *bufio.Scanner
}

func start(t *testing.T, dir string, args ...string) *started {
	t.Helper()
	s := &started{Cmd: exec.Command(filepath.Join(bin, "pomost"), args...), t: t}
	s.Env = append(os.Environ(), "POMOST_HOME="+filepath.Join(dir, "home"), "XDG_RUNTIME_DIR="+dir)
	s.Dir, s.Stdout = dir, &s.out
	errs, err := s.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if s.in, err = s.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	s.lines = bufio.NewScanner(errs)
	if err := s.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Process.Kill() })
	return s
}

// line returns the first line of stderr with a word in it.
func (s *started) line(word string) string {
	s.t.Helper()
	for s.lines.Scan() {
		if strings.Contains(s.lines.Text(), word) {
			return strings.TrimSpace(s.lines.Text())
		}
	}
	s.t.Fatalf("%s: no line with %q", strings.Join(s.Args[1:], " "), word)
	return ""
}

// end waits for the process and returns what it printed.
func (s *started) end(code int) string {
	s.t.Helper()
	for s.lines.Scan() {
		s.t.Log(s.lines.Text())
	}
	_ = s.Wait()
	if got := s.ProcessState.ExitCode(); got != code {
		s.t.Errorf("%s: exit code %d, want %d", strings.Join(s.Args[1:], " "), got, code)
	}
	return s.out.String()
}

// TestAuthorize consents as a person does: with a browser that is led back to a listener of ours, and by pasting the address.
func TestAuthorize(t *testing.T) {
	for _, name := range []string{"eaccounting", "accountview"} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			box := exec.Command(filepath.Join(bin, "pomost"), "sandbox", name)
			out, err := box.StdoutPipe()
			if err != nil {
				t.Fatal(err)
			}
			if err := box.Start(); err != nil {
				t.Fatal(err)
			}
			defer func() {
				_ = box.Process.Signal(os.Interrupt)
				_ = box.Wait()
			}()
			var info map[string]string
			if err := json.NewDecoder(out).Decode(&info); err != nil {
				t.Fatal(err)
			}
			config := "version: 1\nconnections:\n  it:\n    connector: " + name + "\n    settings: {base_url: \"" + info["base_url"] + "\"" + companyOf(name, info) + "}\n" +
				"    secrets: {client_id: \"file:id\", client_secret: \"file:secret\"}\n"
			for file, text := range map[string]string{"p.yaml": config, "id": info["client_id"], "secret": info["client_secret"]} {
				if err := os.WriteFile(filepath.Join(dir, file), []byte(text), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			start(t, dir, "apply", "-f", "p.yaml").end(0)
			if got := start(t, dir, "connection", "check", "it", "--output", "json").end(3); !strings.Contains(got, `"cause":"credentials"`) {
				t.Errorf("before the consent: %s", got)
			}

			// The page leads back to a listener: the person sees the word there, and pastes nothing.
			l, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			address := "http://" + l.Addr().String() + "/callback"
			l.Close()
			a := start(t, dir, "connection", "authorize", "it", "--redirect-url", address)
			a.line("redirect_uri=")
			if resp, err := client.Get(address + "?code=1&state=another"); err != nil || resp.StatusCode != http.StatusBadRequest {
				t.Errorf("a forged answer: %v, %v", resp, err)
			}
			if got := a.end(3); got != "" {
				t.Errorf("a forged answer: %s", got)
			}
			a = start(t, dir, "connection", "authorize", "it", "--redirect-url", address)
			page := a.line("redirect_uri=")
			follow := &http.Client{Timeout: 20 * time.Second}
			resp, err := follow.Get(page)
			if err != nil {
				t.Fatal(err)
			}
			body, _ := io.ReadAll(resp.Body)
			resp.Body.Close()
			if resp.StatusCode != http.StatusOK || !strings.Contains(string(body), "Pomost is authorised") {
				t.Errorf("%d %s", resp.StatusCode, body)
			}
			if got := a.end(0); !strings.Contains(got, "is authorised") || !strings.Contains(got, "Its company is ") {
				t.Errorf("%s", got)
			}
			start(t, dir, "connection", "check", "it").end(0)
			if got := start(t, dir, "connection", "ls").end(0); !strings.HasPrefix(got, "it  ") || !strings.Contains(got, "  ok") || strings.Contains(got, "until about") != (name == "eaccounting") {
				t.Errorf("connection ls: %s", got)
			}
			if got := start(t, dir, "connection", "ls", "--output", "json").end(0); !strings.Contains(got, `"consent_since":"2`) {
				t.Errorf("connection ls: %s", got)
			}

			// By pasting, after a wrong answer.
			a = start(t, dir, "connection", "authorize", "it", "--redirect-url", "https://localhost:1/callback", "--output", "json")
			page = a.line("redirect_uri=")
			_, _ = io.WriteString(a.in, "https://localhost:1/callback?state=x&error=access_denied\n")
			a.line("another consent")
			stay := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
			if resp, err = stay.Get(page); err != nil {
				t.Fatal(err)
			}
			resp.Body.Close()
			back, err := url.Parse(resp.Header.Get("Location"))
			if err != nil {
				t.Fatal(err)
			}
			_, _ = io.WriteString(a.in, back.String()+"\n")
			if got := a.end(0); !strings.Contains(got, `"connection":"it"`) {
				t.Errorf("%s", got)
			}
			start(t, dir, "connection", "check", "it").end(0)

			// Nobody pastes anything.
			a = start(t, dir, "connection", "authorize", "it", "--redirect-url", "https://localhost:1/callback", "--output", "json")
			a.in.Close()
			if got := a.end(2); !strings.Contains(got, "no answer was given") {
				t.Errorf("%s", got)
			}
		})
	}
}

func companyOf(name string, info map[string]string) string {
	if name == "accountview" {
		return ", company: \"" + info["company"] + "\""
	}
	return ""
}
