package setup

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	tea "charm.land/bubbletea/v2"
	"go.uber.org/goleak"

	"github.com/pomost/pomost/host/control"
	"github.com/pomost/pomost/tui/tuitest"
	"github.com/pomost/pomost/tui/ui"
)

var _ = flag.Bool("update", false, "write the golden frames anew")

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// world is one whose questions are those of tuitest, with a consent that takes only the right address.
func world() *tuitest.World {
	w := tuitest.NewWorld()
	consented := false
	w.Ask = tuitest.Questions(func() bool { return consented })
	w.Consented = func(r control.ConsentRequest) (control.ConsentResult, error) {
		if !strings.Contains(r.Answer, "code=42") {
			return control.ConsentResult{}, &control.Failure{Message: "the address has no code", Remedy: "copy the whole address of the page, with what stands behind the question mark"}
		}
		consented = true
		return control.ConsentResult{Connection: r.Connection, Message: "the connection may read and write now"}, nil
	}
	return w
}

func begin(t testing.TB, w *tuitest.World, width, height int) (*tuitest.Driver, *Page) {
	t.Helper()
	p := New(tuitest.Env(t, w))
	t.Cleanup(p.Close)
	d := tuitest.Drive(t, p, width, height)
	d.Settle()
	return d, p
}

// keys presses keys, each after what the one before it led to.
func keys(d *tuitest.Driver, names string) {
	d.T.Helper()
	for name := range strings.FieldsSeq(names) {
		d.Key(name)
		d.Settle()
	}
}

func asked(d *tuitest.Driver, p *Page, id string) {
	d.T.Helper()
	q := p.walk.Step.Question
	if p.state != asking || q == nil || q.ID != id {
		d.T.Fatalf("it does not ask %s:\n%s", id, d.Screen())
	}
}

// upTo answers everything before a question in the plainest way.
func upTo(d *tuitest.Driver, p *Page, id string) {
	d.T.Helper()
	for range 20 {
		q := p.walk.Step.Question
		if q == nil || q.ID == id {
			return
		}
		switch q.ID {
		case "connection:shop":
			keys(d, "down")
			d.Type("my-client")
			keys(d, "down")
			d.Send(tea.PasteMsg{Content: tuitest.Secret})
			keys(d, "ctrl+s")
		case "consent:shop":
			d.Send(tea.PasteMsg{Content: "http://127.0.0.1/callback?code=42&\n state=x"})
			keys(d, "enter")
		case "flow:orders:tax":
			keys(d, "ctrl+s")
		default:
			keys(d, "enter")
		}
		if q == p.walk.Step.Question {
			d.T.Fatalf("it stays at %s:\n%s", q.ID, d.Screen())
		}
	}
}

func TestWholeWay(t *testing.T) {
	w := world()
	var request control.ConfigRequest
	w.Applied = func(r control.ConfigRequest) (control.ApplyResult, error) {
		request = r
		return control.ApplyResult{Revision: 8, Applied: true}, nil
	}
	d, p := begin(t, w, 80, 24)
	for i, id := range tuitest.Asked {
		if i == 3 { // the consent is no question any more
			continue
		}
		upTo(d, p, id)
		asked(d, p, id)
	}
	upTo(d, p, "")
	if p.state != review {
		t.Fatalf("it does not come to the review:\n%s", d.Screen())
	}
	if want := "the connection may read and write now"; len(d.Toasts) != 1 || d.Toasts[0].Text != want {
		t.Fatalf("the consent says %v", d.Toasts)
	}
	keys(d, "ctrl+s")
	if len(d.Asked) != 1 || request.Config != "" {
		t.Fatal("it goes live without asking")
	}
	if ask := d.Asked[0]; ask.YesKey == "ctrl+s" || !strings.Contains(ask.Text, "3 changes") {
		t.Fatalf("it asks %+v", ask)
	}
	d.Do(d.Asked[0].Do())
	d.Settle()
	if request.Revision != 7 || request.Secrets["shop"]["client_secret"] != tuitest.Secret || !strings.Contains(request.Config, "connections:") {
		t.Fatalf("what is applied: revision %d, %d secrets", request.Revision, len(request.Secrets))
	}
	if p.state != applied || p.Leave() != "" || !strings.Contains(d.Screen(), "revision 8") {
		t.Fatalf("it is not in force:\n%s", d.Screen())
	}
	if screen := d.Screen(); !strings.Contains(screen, "begins now") || strings.Contains(screen, "run now") {
		t.Fatalf("it does not tell that the flows begin:\n%s", screen)
	}
	w.Change(func(w *tuitest.World) { // without a schedule somebody has to say so
		for i := range w.State.Flows {
			w.State.Flows[i].Schedule = ""
		}
	})
	d.Do(p.apply())
	d.Settle()
	keys(d, "r")
	if screen := d.Screen(); !strings.Contains(screen, "orders: 12 read, 9 created") {
		t.Fatalf("the first run is not told:\n%s", screen)
	}
	keys(d, "enter")
	if d.Backs != 1 {
		t.Fatal("the page is not left")
	}
}

func TestBackKeepsAnswers(t *testing.T) {
	d, p := begin(t, world(), 80, 24)
	upTo(d, p, "flow:orders:date")
	keys(d, "ctrl+u")
	d.Type("2026-09-01")
	keys(d, "enter")
	asked(d, p, "flow:orders:tax")
	keys(d, "esc")
	asked(d, p, "flow:orders:date")
	if screen := d.Screen(); !strings.Contains(screen, "2026-09-01") || strings.Contains(screen, "≈ proposed") {
		t.Fatalf("the answer is not kept:\n%s", screen)
	}
	keys(d, "esc")
	asked(d, p, "flows")
	if screen := d.Screen(); !strings.Contains(screen, "[x] Orders") {
		t.Fatalf("the answer is not kept:\n%s", screen)
	}
	// Without orders their questions fall away; with them again, only they are asked, and with what was answered.
	keys(d, "space enter")
	asked(d, p, "flow:stock:formula")
	keys(d, "esc")
	asked(d, p, "flows")
	keys(d, "up up up space enter")
	asked(d, p, "flow:orders:tax")
	answers := p.walk.Answers()
	if got := answers.Values["flow:orders:date"].Fields["start_date"]; got != "2026-09-01" {
		t.Fatalf("the date is asked anew, or lost: %v", got)
	}
	for range 8 {
		keys(d, "esc")
	}
	asked(d, p, "pair")
	for _, b := range p.Bindings() {
		if b.Keys[0] == "esc" {
			t.Fatal("at the first question esc does not leave the page")
		}
	}
	if !strings.Contains(p.Leave(), "lost") {
		t.Fatalf("leaving does not warn: %q", p.Leave())
	}
}

// TestGoesOn: a set-up that was left goes on where it was, and leaving it warns of nothing, since the answers are kept.
func TestGoesOn(t *testing.T) {
	w := world()
	ask := w.Ask
	var kept *control.Answers
	w.Ask = func(a control.Answers) (control.Step, error) {
		step, err := ask(a)
		if len(a.Values) == 0 {
			step.Draft = kept
		} else {
			kept, step.Kept = &a, true
		}
		return step, err
	}
	d, p := begin(t, w, 80, 24)
	keys(d, "enter")
	asked(d, p, "connection:shop")
	keys(d, "esc")
	asked(d, p, "pair") // whoever goes back is not led forward again
	upTo(d, p, "flow:orders:date")
	if p.Leave() != "" {
		t.Errorf("leaving warns: %s", p.Leave())
	}
	d, p = begin(t, w, 80, 24)
	asked(d, p, "flow:orders:date")
	keys(d, "esc")
	asked(d, p, "flows")
	if screen := d.Screen(); !strings.Contains(screen, "[x] Orders") {
		t.Errorf("going back does not lead through the answers:\n%s", screen)
	}
	for range 8 { // back to the very first question, it does not go on by itself again
		keys(d, "esc")
	}
	asked(d, p, "pair")
}

func TestProblemsAndSkip(t *testing.T) {
	d, p := begin(t, world(), 80, 24)
	keys(d, "enter")
	asked(d, p, "connection:shop")
	keys(d, "ctrl+s")
	if screen := d.Screen(); !strings.Contains(screen, "✗ this is needed") || len(p.walk.Answers().Values) != 1 {
		t.Fatalf("an empty form goes on:\n%s", screen)
	}
	d.Type("id")
	keys(d, "down")
	d.Send(tea.PasteMsg{Content: tuitest.Secret})
	keys(d, "up up ctrl+u")
	d.Type("my shop")
	keys(d, "ctrl+s")
	asked(d, p, "connection:shop")
	screen := d.Screen()
	if !strings.Contains(screen, "a name has no spaces: write shop-nl") || !strings.Contains(screen, "▌Name *") {
		t.Fatalf("the problem is not at its field:\n%s", screen)
	}
	if got, _ := p.form.Values()["client_secret"].(string); got != tuitest.Secret {
		t.Fatal("the secret has to be typed again")
	}
	keys(d, "ctrl+u")
	d.Type("shop")
	keys(d, "ctrl+s")
	upTo(d, p, "schedule")
	keys(d, "ctrl+k")
	asked(d, p, "plan:orders")
	if !p.walk.Answers().Values["schedule"].Skipped {
		t.Fatal("it is not skipped")
	}
}

func TestConsent(t *testing.T) {
	w := world()
	d, p := begin(t, w, 80, 24)
	upTo(d, p, "consent:shop")
	if screen := d.Screen(); !strings.Contains(screen, "https://identity.example/connect/authorize") {
		t.Fatalf("the address is not shown:\n%s", screen)
	}
	keys(d, "ctrl+y")
	if !strings.HasPrefix(d.Clip, "https://identity.example/") {
		t.Fatalf("the copy is %q", d.Clip)
	}
	d.Type("http://127.0.0.1/?error=denied")
	keys(d, "enter")
	if screen := d.Screen(); !strings.Contains(screen, "the address has no code") || !strings.Contains(screen, "copy the whole address") {
		t.Fatalf("a wrong answer is not explained:\n%s", screen)
	}
	keys(d, "ctrl+u")
	d.Send(tea.PasteMsg{Content: "http://127.0.0.1/?code=42"})
	keys(d, "enter")
	asked(d, p, "check:shop")

	page := NewConsent(tuitest.Env(t, w), "books")
	defer page.Close()
	d = tuitest.Drive(t, page, 60, 20)
	d.Settle()
	d.Send(tea.PasteMsg{Content: "code=42"})
	keys(d, "enter")
	if d.Backs != 1 || len(d.Toasts) != 1 {
		t.Fatalf("the page is not left: %d, %v\n%s", d.Backs, d.Toasts, d.Screen())
	}
}

// TestConsentComesBack: where the consent leads back to this machine, nothing needs to be pasted.
func TestConsentComesBack(t *testing.T) {
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	w := world()
	w.Redirect = "http://" + l.Addr().String() + "/callback"
	if err := l.Close(); err != nil { // the address is free now
		t.Fatal(err)
	}
	d, p := begin(t, w, 80, 24)
	keys(d, "enter down")
	d.Type("my-client")
	keys(d, "down")
	d.Send(tea.PasteMsg{Content: tuitest.Secret})
	d.Key("ctrl+s")
	d.Until("the consent is asked for", func() bool { return p.consent != nil && p.consent.listening })
	if screen := d.Screen(); !strings.Contains(screen, "comes back here by itself") {
		t.Fatalf("it is not told that nothing needs to be pasted:\n%s", screen)
	}
	came := func(query string) string {
		var text string
		for end := time.Now().Add(10 * time.Second); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
			req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, w.Redirect+query, nil)
			if err != nil {
				t.Error(err)
				return ""
			}
			resp, err := http.DefaultClient.Do(req)
			if err != nil {
				continue // it does not listen yet
			}
			body, _ := io.ReadAll(resp.Body)
			_ = resp.Body.Close()
			text = string(body)
			break
		}
		return text
	}
	browser := func(query string, holds func() bool) string {
		said := make(chan string, 1)
		go func() { said <- came(query) }()
		d.Until("what the browser brought is taken", holds)
		return <-said
	}
	if said := browser("?error=denied", func() bool { return p.consent != nil && p.consent.err != nil }); !strings.Contains(said, "the address has no code") {
		t.Errorf("the browser is told %q", said)
	}
	if said := browser("?code=42", func() bool { q := p.walk.Step.Question; return p.state == asking && q != nil && q.ID == "check:shop" }); !strings.Contains(said, "authorised") {
		t.Errorf("the browser is told %q", said)
	}
	d.Settle() // nothing listens any more

	// Leaving the page ends the listening; goleak would see it.
	page := NewConsent(tuitest.Env(t, w), "books")
	d = tuitest.Drive(t, page, 80, 24)
	d.Until("it listens", func() bool { return page.consent.listening })
	page.Close()
	d.Settle()
}

func TestWaitingAndErrors(t *testing.T) {
	w := world()
	gate := make(chan struct{})
	ask := w.Ask
	w.Ask = func(a control.Answers) (control.Step, error) {
		if len(a.Values) == 1 {
			<-gate
		}
		return ask(a)
	}
	d, p := begin(t, w, 80, 24)
	d.Key("enter")
	if screen := d.Screen(); !strings.Contains(screen, "… 0:00") {
		t.Fatalf("it does not tell that it waits:\n%s", screen)
	}
	d.Key("esc")
	asked(d, p, "pair")
	if n := len(p.walk.Answers().Values); n != 0 {
		t.Fatalf("%d answers count after stopping", n)
	}
	close(gate)
	d.Settle()
	asked(d, p, "pair") // the late answer changes nothing
	w.Change(func(w *tuitest.World) { w.Down = errors.New("the daemon does not answer") })
	keys(d, "enter")
	if screen := d.Screen(); p.state != failed || !strings.Contains(screen, "the daemon does not answer") {
		t.Fatalf("the error is not told:\n%s", screen)
	}
	w.Change(func(w *tuitest.World) { w.Down = nil })
	keys(d, "enter")
	asked(d, p, "connection:shop")
}

func TestConflict(t *testing.T) {
	w := world()
	w.Applied = func(r control.ConfigRequest) (control.ApplyResult, error) {
		if r.Revision != w.State.Revision {
			return control.ApplyResult{}, &control.Failure{Cause: "conflict", Message: "revision 8 is in force, and the change was made on revision 7", Remedy: "look at it again"}
		}
		return control.ApplyResult{Revision: 9}, nil
	}
	p := NewSettings(tuitest.Env(t, w), "orders")
	defer p.Close()
	d := tuitest.Drive(t, p, 80, 24)
	d.Settle()
	keys(d, "ctrl+s")
	if p.state != review {
		t.Fatalf("it is no review:\n%s", d.Screen())
	}
	w.Change(func(w *tuitest.World) { w.State.Revision = 8 })
	keys(d, "ctrl+s")
	d.Do(d.Asked[0].Do())
	d.Settle()
	if screen := d.Screen(); p.state != failed || !strings.Contains(screen, "revision 8 is in force") || !strings.Contains(screen, "Your answers are kept") {
		t.Fatalf("the conflict is not told:\n%s", screen)
	}
	keys(d, "enter ctrl+s")
	d.Do(d.Asked[1].Do())
	d.Settle()
	if p.state != applied {
		t.Fatalf("it is not in force:\n%s", d.Screen())
	}
}

func TestSettings(t *testing.T) {
	p := NewSettings(tuitest.Env(t, world()), "orders")
	defer p.Close()
	d := tuitest.Drive(t, p, 80, 24)
	d.Settle()
	if p.Leave() != "" {
		t.Fatalf("nothing was changed, and leaving warns: %s", p.Leave())
	}
	keys(d, "down down down down")
	d.Type("X")
	if !strings.Contains(p.Leave(), "not in force") {
		t.Fatal("leaving does not warn")
	}
	keys(d, "ctrl+s")
	screen := d.Screen()
	if !strings.Contains(screen, "✗ something else is wrong") || !strings.Contains(screen, "X is taken by the flow orders-sweden") || !strings.Contains(screen, "▌Prefix") {
		t.Fatalf("the problems are not told:\n%s", screen)
	}
}

func TestFrames(t *testing.T) {
	for _, size := range [][2]int{{80, 24}, {120, 40}, {60, 20}} {
		for _, id := range append(tuitest.Asked, "") {
			name := strings.NewReplacer(":", "-").Replace(id)
			if id == "" {
				name = "review"
			}
			t.Run(fmt.Sprintf("%s-%dx%d", name, size[0], size[1]), func(t *testing.T) {
				d, p := begin(t, world(), size[0], size[1])
				upTo(d, p, id)
				d.Golden(fmt.Sprintf("%s-%dx%d", name, size[0], size[1]))
			})
		}
		t.Run(fmt.Sprintf("settings-%dx%d", size[0], size[1]), func(t *testing.T) {
			p := NewSettings(tuitest.Env(t, world()), "orders")
			defer p.Close()
			d := tuitest.Drive(t, p, size[0], size[1])
			d.Settle()
			d.Golden(fmt.Sprintf("settings-%dx%d", size[0], size[1]))
		})
		t.Run(fmt.Sprintf("applied-%dx%d", size[0], size[1]), func(t *testing.T) {
			d, p := begin(t, world(), size[0], size[1])
			upTo(d, p, "")
			d.Do(p.apply())
			d.Settle()
			keys(d, "r")
			d.Golden(fmt.Sprintf("applied-%dx%d", size[0], size[1]))
		})
	}
}

// TestRandom presses random keys at random sizes, in the set-up and in settings: no panic, no line too wide, no secret.
func TestRandom(t *testing.T) {
	names := strings.Fields("up down left right tab shift+tab enter esc space ctrl+s ctrl+k ctrl+n ctrl+d ctrl+r ctrl+u backspace home end pgup pgdown a 1 - . x ctrl+l ctrl+y r")
	for seed := range uint64(4) {
		r := rand.New(rand.NewPCG(seed, 2))
		var p *Page
		if seed%2 == 0 {
			p = New(tuitest.Env(t, world()))
		} else {
			p = NewSettings(tuitest.Env(t, world()), "orders")
		}
		d := tuitest.Drive(t, p, 80, 24)
		d.Settle()
		var done []string
		for range 150 {
			switch r.IntN(20) {
			case 0:
				d.Width, d.Height = 1+r.IntN(130), 1+r.IntN(45)
			case 1:
				d.Send(tea.PasteMsg{Content: "code=42 " + tuitest.Nasty + "\nq\tr"})
			case 2:
				if n := len(d.Asked); n > 0 && r.IntN(3) == 0 {
					d.Do(d.Asked[n-1].Do())
				}
			default:
				done = append(done, names[r.IntN(len(names))])
				d.Key(done[len(done)-1])
			}
			d.Settle()
			d.Screen()
			taken := map[string]bool{}
			for _, b := range p.Bindings() {
				for _, k := range b.Keys {
					if taken[k] {
						t.Fatalf("seed %d: the key %s does two things: %v", seed, k, done)
					}
					taken[k] = true
				}
			}
			if t.Failed() {
				t.Fatalf("seed %d: %v", seed, done)
			}
		}
		p.Close()
	}
}

var _ ui.Page = (*Page)(nil)
