//go:build unix

package terminal

import (
	"context"
	"io"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// answers are what is typed at each prompt of `pomost setup`, by what stands before it; where a prompt is not among them, enter is pressed.
type answers map[string][]string

// take is the next answer to a prompt.
func (a answers) take(prompt string) string {
	for label, list := range a {
		if strings.HasPrefix(prompt, label) && len(list) > 0 {
			a[label] = list[1:]
			return list[0]
		}
	}
	return ""
}

var consentLink = regexp.MustCompile(`http://\S+state=\S+`)

// TestSetUpLineByLine goes from an empty home to orders that have been carried over by `pomost setup`, answering line by line. A wrong account is put right
// on the way.
func TestSetUpLineByLine(t *testing.T) {
	p := newPlace(t)
	shop, books := p.sandbox("shop", "eaccounting"), p.sandbox("books", "accountview")
	ctx, cancel := context.WithTimeout(t.Context(), 2*patience)
	defer cancel()
	cmd := exec.CommandContext(ctx, filepath.Join(bin, "pomost"), "setup")
	cmd.Env = p.env
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	said, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	var result strings.Builder
	cmd.Stdout = &result
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines := answers{
		"Company": {books["company"]}, "API key": {books["client_id"]}, "API secret": {books["client_secret"]},
		"Client id": {shop["client_id"]}, "Client secret": {shop["client_secret"]},
		"Address of the API":  {books["base_url"], shop["base_url"]},
		"Redirect address":    {"http://127.0.0.1:" + freePort(t) + "/callback"},
		"Also ":               {"yes", ""}, // fields of AccountView that are rarely needed: its address is among them
		"Start date":          {"2026-01-01"},
		"Collective account":  {"9999", "1210"},
		"Put this into force": {"yes"},
	}
	var all strings.Builder
	buf, asked, consents := make([]byte, 64<<10), 0, 0
	for {
		n, err := said.Read(buf)
		all.Write(buf[:n])
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		text := all.String()
		if links := consentLink.FindAllString(text, -1); len(links) > consents && strings.HasSuffix(text, "\n") {
			// The first one comes back by itself, the second leads to a page that does not load.
			if consents++; consents == 1 {
				browse(t, links[0])
				continue
			}
			if _, err := io.WriteString(in, landing(t, links[1])+"\n"); err != nil {
				t.Fatal(err)
			}
			continue
		}
		prompt := text[strings.LastIndexByte(text, '\n')+1:]
		if !strings.HasSuffix(prompt, ": ") {
			continue
		}
		answer := lines.take(prompt)
		if asked++; asked > 150 {
			t.Fatalf("it asks without end:\n%s", text)
		}
		if _, err := io.WriteString(in, answer+"\n"); err != nil {
			t.Fatalf("%v\n%s", err, text)
		}
		all.WriteString("«" + answer + "»\n")
	}
	if err := cmd.Wait(); err != nil {
		t.Fatalf("%v\n%s", err, all.String())
	}
	for _, want := range []string{"Collective account: proposed, as 48 of 48 that are there", "9999 is none of the choices", "× create: Sales orders", "flows.orders.schedule"} {
		if !strings.Contains(all.String(), want) {
			t.Errorf("it never says %q:\n%s", want, all.String())
		}
	}
	if !strings.Contains(result.String(), "revision") {
		t.Errorf("what came of it: %s", result.String())
	}
	if out, code := p.pomost("run", "orders"); code != 4 || !strings.Contains(out, "done") {
		t.Errorf("the first run: exit code %d\n%s", code, out)
	}
}
