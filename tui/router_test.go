package tui

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	tea "charm.land/bubbletea/v2"
	"go.uber.org/goleak"

	"github.com/pomost/pomost/host/control"
	"github.com/pomost/pomost/tui/page"
	"github.com/pomost/pomost/tui/tuitest"
	"github.com/pomost/pomost/tui/ui"
)

func (d *driver) shows(texts ...string) {
	d.t.Helper()
	s := d.screen()
	for _, text := range texts {
		if !strings.Contains(s, text) {
			d.t.Errorf("%q is not on the screen:\n%s", text, s)
		}
	}
}

func (d *driver) hides(texts ...string) {
	d.t.Helper()
	s := d.screen()
	for _, text := range texts {
		if strings.Contains(s, text) {
			d.t.Errorf("%q is on the screen:\n%s", text, s)
		}
	}
}

func (d *driver) called(want ...string) {
	d.t.Helper()
	if got := d.world.Calls(); !slices.Equal(got, want) {
		d.t.Errorf("the calls are %q, want %q", got, want)
	}
}

func (d *driver) trail() string {
	var titles []string
	for _, p := range d.m.stack[1:] {
		titles = append(titles, ui.Clean(p.Title()))
	}
	return strings.Join(titles, " › ")
}

// TestWays walks to each page and back: esc always goes one step back, and never out of the program.
func TestWays(t *testing.T) {
	for _, tc := range []struct{ keys, trail string }{
		{"enter", "orders-sweden"},
		{"down enter", "orders"},
		{"down enter v", "orders › plan"},
		{"down enter h", "orders › runs"},
		{"down enter h down enter", "orders › runs › log orders"},
		{"down enter i", "orders › records"},
		{"down enter i enter", "orders › records › 1007 Żółć 株式会社 👩👩👧 e\u0301 txt"},
		{"down enter i enter l", "orders › records › 1007 Żółć 株式会社 👩👩👧 e\u0301 txt › log orders5f0c-1007"},
		{"down enter i G d", "orders › records › decide on 1013"},
		{"i", "records of all flows"},
		{"i enter", "records of all flows › 1007 Żółć 株式会社 👩👩👧 e\u0301 txt"},
		{"c", "connections"},
		{"c down down down o", "connections › consent of shop-se"},
		{"d", "doctor"},
		{"n", "set-up"},
		{"s", "settings of orders-sweden"},
		{"l", "log orders-sweden"},
	} {
		t.Run(tc.keys, func(t *testing.T) {
			d := drive(t, 80, 24, nil)
			d.keys(tc.keys)
			d.screen()
			if got := d.trail(); got != tc.trail {
				t.Fatalf("the trail is %q, want %q", got, tc.trail)
			}
			for n := len(d.m.stack); n > 1; n-- {
				d.keys("esc")
				if len(d.m.stack) != n-1 {
					t.Fatalf("esc left %d pages of %d", len(d.m.stack), n)
				}
			}
			d.keys("esc alt+esc")
			if d.quit || len(d.m.stack) != 1 {
				t.Error("esc left the program")
			}
			d.keys("q")
			if !d.quit {
				t.Error("q on the first page does not quit")
			}
		})
	}
}

// TestEscTwice: two presses that the terminal gives as one go two steps back.
func TestEscTwice(t *testing.T) {
	d := drive(t, 80, 24, nil)
	d.keys("down enter i alt+esc")
	if got := d.trail(); got != "" {
		t.Errorf("the trail is %q", got)
	}
}

func TestActionsOfAFlow(t *testing.T) {
	d := drive(t, 80, 24, nil)
	d.keys("down r")
	d.called("Run [orders]")
	d.shows("orders: 12 read, 9 created, 2 updated, 1 held")
	d.keys("p")
	d.refresh()
	d.called("Run [orders]", "Pause orders")
	d.keys("?")
	d.shows("Let the flow run by its schedule again")
	d.keys("esc p")
	d.refresh()
	d.called("Run [orders]", "Pause orders", "Resume orders")

	d.keys("enter x") // it does not run: the key says why it does nothing
	d.shows("orders does not run now")
	d.keys("esc down down enter x")
	d.shows("Stop the run of products?")
	d.keys("x enter space")
	d.shows("Stop the run of products?") // the key that asked does not answer, and enter neither
	d.keys("y")
	d.called("Run [orders]", "Pause orders", "Resume orders", "Stop products")
}

// TestSelectionStaysByName moves a flow to another place under the selection.
func TestSelectionStaysByName(t *testing.T) {
	d := drive(t, 80, 24, nil)
	d.keys("down down")
	d.world.Change(func(w *tuitest.World) {
		w.Flow("orders-sweden").State = control.FlowOK
		w.Flow("stock").State = control.FlowFailing
	})
	d.refresh()
	d.keys("enter")
	if got := d.trail(); got != "invoices" {
		t.Errorf("the selection went to %q", got)
	}
}

func TestReadOnly(t *testing.T) {
	d := drive(t, 80, 24, func(o *Options, _ *tuitest.World) { o.ReadOnly = true })
	for _, keys := range []string{"down r", "p", "s", "n", "enter r", "p", "esc i r", "R", "tab r", "esc c o", "esc : r u n space n o w enter"} {
		d.keys(keys)
		d.screen()
	}
	d.called()
	if res := d.m.kit.API.Run(t.Context(), []string{"orders"}, nil); res.Error == nil || res.Error.Cause != "read_only" {
		t.Errorf("the API behind the screens runs a flow: %+v", res)
	}
	for _, err := range []error{d.m.kit.API.Stop(t.Context(), "orders"), d.m.kit.API.Pause(t.Context(), "orders"), d.m.kit.API.Resume(t.Context(), "orders")} {
		if err == nil {
			t.Error("the API behind the screens changes something")
		}
	}
}

func TestPlanIsPerformedAfterAQuestion(t *testing.T) {
	d := drive(t, 80, 24, nil)
	d.keys("down enter v")
	d.keys("tab tab")
	d.shows("[update 1]", "DEL_DATE", "2026-11-20 → 2026-11-27")
	d.hides("1101")
	d.keys("f")
	d.shows("Created: 2. Updated: 1. Linked: 1. Left alone: 1. Waiting", "for a person: 1.")
	d.keys("n")
	d.called("Plan orders")
	d.keys("f f enter y")
	d.called("Plan orders", "RunPlan plan-orders")
	if got := d.trail(); got != "orders" {
		t.Errorf("after the plan the trail is %q", got)
	}
}

func TestRecords(t *testing.T) {
	d := drive(t, 80, 24, nil)
	d.keys("i")
	d.shows("[held 6]", "failed 2", "watched 3", "an article is missing")
	d.keys("space space r")
	d.called("Retry [orders] [5f0c-1002 5f0c-1007] ")
	d.keys("R")
	d.shows("3 records of orders are read afresh")
	d.keys("R y")
	d.called("Retry [orders] [5f0c-1002 5f0c-1007] ", "Retry [orders] [] product_missing")
	d.keys("d")
	d.shows("there is nothing to decide")

	d.keys("/")
	d.text("lost")
	d.shows("2 of 6")
	d.hides("BLUE-42")
	d.keys("enter down")
	d.shows("2 of 6")
	d.keys("esc")
	d.shows("BLUE-42")
	d.keys("tab tab r")
	d.shows("it waits for its status")
}

func TestDecide(t *testing.T) {
	for _, tc := range []struct {
		name, keys, typed, then, want string
	}{
		{"sent", "down enter i G d ctrl+s", " 70012 ", "ctrl+s y", "Decide orders 5f0c-1013 sent 70012"},
		{"absent", "down enter i G d down ctrl+s y", "", "", "Decide orders 5f0c-1013 absent "},
		{"skip", "down enter i G d down down down ctrl+s y", "", "", "Decide orders 5f0c-1013 skip "},
		{"link", "down enter i G k d ctrl+s", "10023", "ctrl+s y", "Decide orders 5f0c-1011 link 10023"},
		{"not without a number", "down enter i G d ctrl+s ctrl+s ctrl+s y", "", "", ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			d := drive(t, 80, 24, nil)
			d.keys(tc.keys)
			d.text(tc.typed)
			d.keys(tc.then)
			var want []string
			if tc.want != "" {
				want = []string{tc.want}
				if got := d.trail(); got != "orders › records" {
					t.Errorf("after the decision the trail is %q", got)
				}
			}
			d.called(want...)
		})
	}
}

func TestStory(t *testing.T) {
	d := drive(t, 80, 40, nil)
	d.keys("i down enter")
	d.shows("held: an article is missing", "split_street(DeliveryAddress1", "▸ what was sent · SO1")
	d.hides(`"ORD_NR"`)
	d.keys("tab tab enter")
	d.shows("▾ what was sent · SO1", `"ORD_NR": "1001"`)
	d.keys("space e e y")
	if !strings.Contains(d.clip, "held: an article is missing") || strings.Contains(d.clip, "\x1b") {
		t.Errorf("copied was %q", d.clip)
	}
	d.keys("r")
	d.called("Retry [orders] [5f0c-1002] ")
}

func TestDaemonIsLostAndComesBack(t *testing.T) {
	d := drive(t, 80, 24, nil)
	d.keys("down enter")
	d.world.Change(func(w *tuitest.World) { w.Down = tuitest.ErrDown })
	d.refresh()
	d.shows("daemon unreachable since 14:05:00", "31 read") // the screen stays
	d.keys("r")
	d.shows("connection refused")
	d.later(time.Hour)
	d.send(tick{})
	d.shows("connection refused") // a failure stays until a key is pressed
	d.keys("down")
	d.hides("connection refused")
	d.world.Change(func(w *tuitest.World) { w.Down = nil })
	d.refresh()
	d.hides("unreachable")
	d.shows("✓ daemon")
}

// TestDialogThatOpensByItself takes no key while somebody is typing.
func TestDialogThatOpensByItself(t *testing.T) {
	d := drive(t, 80, 24, nil)
	done := 0
	ask := ui.Ask{Title: "Really?", Yes: "do it", YesKey: "y", Do: func() tea.Cmd { done++; return nil }}
	d.send(ask)
	for range 3 {
		d.later(200 * time.Millisecond)
		d.keys("y esc")
	}
	d.shows("Really?")
	if done > 0 {
		t.Fatal("typing answered the dialog")
	}
	d.later(grace)
	d.keys("y")
	d.hides("Really?")
	if done != 1 {
		t.Errorf("it was done %d times", done)
	}

	d.send(ask)
	for range 9 { // who never stops typing is heard in the end
		d.later(200 * time.Millisecond)
		d.keys("y")
	}
	if done != 2 {
		t.Errorf("it was done %d times", done)
	}

	ask.Name = "orders"
	d.send(ask)
	d.later(grace)
	d.keys("y enter")
	d.keys("backspace")
	d.send(tea.PasteMsg{Content: "orders"})
	if done != 2 {
		t.Error("a wrong name was enough")
	}
	d.keys("enter")
	if done != 3 {
		t.Error("the name was not enough")
	}
}

func TestQuitWhereNoDaemonRuns(t *testing.T) {
	d := drive(t, 80, 24, func(o *Options, _ *tuitest.World) { o.Hosted = true })
	d.keys("q")
	d.shows("No daemon runs", "products. It stops as soon as")
	d.keys("q esc")
	if d.quit {
		t.Fatal("q answered its own question")
	}
	d.keys("q y")
	if !d.quit {
		t.Error("y did not quit")
	}
	d.quit = false
	d.keys("ctrl+c ctrl+c")
	if !d.quit {
		t.Error("ctrl+c twice did not quit")
	}
}

// TestQuitWhileARunIsUnderWay: with a daemon nothing is asked, since the run goes on. Where this program is the daemon, the run that ends
// with the window is named.
func TestQuitWhileARunIsUnderWay(t *testing.T) {
	d := drive(t, 80, 24, nil)
	d.m.kit.RunFlow("orders")
	d.keys("q")
	if !d.quit || d.m.ending() != nil {
		t.Error("it asks although the daemon has the run")
	}
	hold := make(chan struct{})
	d = drive(t, 80, 24, func(o *Options, w *tuitest.World) { o.Hosted, w.Hold = true, hold })
	cmd := d.m.kit.RunFlow("orders")
	d.keys("q")
	d.shows("orders, products. It stops")
	if d.quit || !slices.Contains(d.m.ending(), "orders") {
		t.Fatal("it did not ask")
	}
	close(hold)
	d.run(cmd)
	d.m.kit.Wait()
	d.keys("esc q")
	d.hides("orders, products. It stops")
}

// TestAKeyBeforeQuitCounts: a run that was asked for right before the window closes begins, though its command is never carried out.
func TestAKeyBeforeQuitCounts(t *testing.T) {
	d := drive(t, 80, 24, nil)
	d.m.update(press("down"))
	d.m.update(press("r"))
	d.keys("q")
	d.m.kit.Wait()
	d.called("Run [orders]")
}

func TestADemonstrationSaysSo(t *testing.T) {
	d := drive(t, 80, 24, func(o *Options, _ *tuitest.World) { o.Hosted, o.Demo = true, true })
	d.shows("» a demonstration: it ends when you quit")
	d.hides("no daemon")
	d.keys("q")
	d.shows("its flows and both", "sandboxes stop")
}

func TestPalette(t *testing.T) {
	d := drive(t, 80, 24, nil)
	d.keys(":")
	d.text("stock run")
	d.keys("enter")
	d.called("Run [stock]")
	d.keys("ctrl+p")
	d.shows("▌ Flow stock: run now") // what was used last stands first
	d.send(tea.PasteMsg{Content: "shop-se\n"})
	d.shows("Connection shop-se: authorize")
	d.keys("enter")
	if got := d.trail(); got != "consent of shop-se" {
		t.Errorf("the trail is %q", got)
	}
	d.keys("? z z z")
	d.shows("nothing matches")
	d.keys("esc esc esc")
	if len(d.m.stack) != 1 {
		t.Errorf("esc left %d pages", len(d.m.stack))
	}
}

// TestPasteIsNoCommand pastes what would be keys.
func TestPasteIsNoCommand(t *testing.T) {
	d := drive(t, 80, 24, nil)
	d.send(tea.PasteMsg{Content: "rpq"})
	d.keys("i /")
	d.send(tea.PasteMsg{Content: "R\x1b[2Jy\n"})
	d.shows("Ry")
	d.called()
	if d.quit {
		t.Error("a paste quit the program")
	}
}

// TestAnswersComeBackToTheirPage leaves a page while it waits: the answer goes nowhere, and not to the page in front.
func TestAnswersComeBackToTheirPage(t *testing.T) {
	d := drive(t, 80, 24, nil)
	p := page.NewPlan(d.m.kit, "orders")
	cmd := d.m.push(p)
	d.m.pop()
	d.run(cmd)
	if _, ok := d.m.top().(*page.Dashboard); !ok || len(d.m.stack) != 1 {
		t.Fatal("the answer opened something")
	}
}

// TestWatch reaches the daemon again by itself.
func TestWatch(t *testing.T) {
	defer goleak.VerifyNone(t)
	synctest.Test(t, func(t *testing.T) {
		w := tuitest.NewWorld()
		ctx, cancel := context.WithCancel(t.Context())
		messages := make(chan tea.Msg, 100)
		done := make(chan struct{})
		begun := time.Now()
		go func() {
			defer close(done)
			watch(ctx, w, time.Now, func(msg tea.Msg) { messages <- msg })
		}()
		if s, ok := (<-messages).(ui.Status); !ok || len(s.Flows) != 7 {
			t.Fatal("the state did not come first")
		}
		w.Change(func(w *tuitest.World) { w.Down = tuitest.ErrDown })
		for range 5 {
			lost, ok := (<-messages).(lostMsg)
			if !ok || !lost.since.Equal(begun) || !errors.Is(lost.err, tuitest.ErrDown) {
				t.Fatalf("got %+v", lost)
			}
		}
		w.Change(func(w *tuitest.World) { w.Down = nil })
		if s, ok := (<-messages).(ui.Status); !ok || !s.Lost.IsZero() {
			t.Fatal("it did not come back")
		}
		cancel()
		<-done
	})
}

// TestRunsOfAFlow: the history tells why a run did not, follows the one under way, and keeps the chosen run when a new one comes.
func TestRunsOfAFlow(t *testing.T) {
	d := drive(t, 100, 30, nil)
	d.keys("down down down enter") // products, which runs
	d.shows("» running", "1,204 read, 7 updated, 1,197 unchanged · reading articles")
	d.keys("h")
	d.world.Change(func(w *tuitest.World) {
		f := w.Flow("products")
		f.Running = &control.RunInfo{ID: f.Running.ID, Trigger: "schedule", Status: "running", Started: f.Running.Started, Counts: f.Running.Counts, Message: "reading prices"}
	})
	d.refresh()
	d.shows("reading prices")
	d.keys("down")
	d.shows("run r-prod-1 · 13:34:00–13:35:05")
	d.world.Change(func(w *tuitest.World) {
		f := w.Flow("products")
		ended := *f.Running
		ended.Status, ended.Error, ended.Ended = "failed", "shop refused the price", w.Time
		f.Running, f.LastRun = nil, &ended
		w.History["products"] = append([]control.RunInfo{ended}, w.History["products"][1:]...)
	})
	d.refresh()
	d.shows("✗ failed", "shop refused the price", "run r-prod-1 ·")
	d.hides("» running")
	d.keys("up")
	d.shows("run r-prod-2 ·")
	d.world.Change(func(w *tuitest.World) { w.Down = tuitest.ErrDown })
	d.keys("esc h")
	d.shows("The runs could not be read.", "connection refused")
}

// TestSorting: the first page stands worst first until a key says otherwise.
func TestSorting(t *testing.T) {
	d := drive(t, 120, 40, nil)
	stands := func(head, first string) {
		t.Helper()
		lines := strings.Split(d.screen(), "\n")
		if !strings.Contains(lines[4], head) || !strings.Contains(lines[5], first) {
			t.Errorf("want %q with %q first:\n%s", head, first, strings.Join(lines[:12], "\n"))
		}
	}
	d.keys("T")
	d.shows("it is sorted by no column: press S first")
	stands("state        flow           from", "orders-sweden")
	d.keys("down") // orders
	for _, step := range []struct{ head, first string }{{"state ▲", "orders-sweden"}, {"flow ▲", "customers"}, {"from → to ▲", "products"}, {"last success ▲", "returns"},
		{"next run ▲", "products"}, {"last success  next run", "orders-sweden"}} {
		d.keys("S")
		stands(step.head, step.first)
	}
	d.keys("S S T")
	stands("flow ▼", "stock")
	d.refresh()
	d.keys("enter")
	if got := d.trail(); got != "orders" {
		t.Errorf("the selection went to %s", got)
	}
}

// TestAStoppedRunIsNoFailure: somebody wanted it so.
func TestAStoppedRunIsNoFailure(t *testing.T) {
	d := drive(t, 80, 24, func(_ *Options, w *tuitest.World) {
		w.Down = &control.Failure{Cause: "stopped", Message: "flow orders was stopped", Remedy: "nothing is lost: the next run goes on"}
	})
	d.run(d.m.kit.RunFlow("orders"))
	d.shows("It was stopped; nothing is lost, the next run goes on.")
	if d.m.toast.Failure {
		t.Error("it is told as a failure")
	}
}
