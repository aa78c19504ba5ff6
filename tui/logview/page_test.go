package logview

import (
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
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

func TestMain(m *testing.M) { goleak.VerifyTestMain(m, goleak.IgnoreTopFunction("os/signal.loop")) }

// log opens the log of a world and waits for the lines that are there.
func log(t testing.TB, w *tuitest.World, req control.LogsRequest, width, height int) (*tuitest.Driver, *Page) {
	t.Helper()
	p := New(tuitest.Env(t, w), req)
	p.pace = pace{time.Microsecond, time.Millisecond, time.Millisecond}
	p.Story = func(flow, key string) ui.Page { return New(p.env, control.LogsRequest{Flow: flow, Record: key}) }
	t.Cleanup(p.Close)
	d := tuitest.Drive(t, p, width, height)
	return d, p
}

// full opens a log and waits for its n lines.
func full(t testing.TB, w *tuitest.World, n, width, height int) (*tuitest.Driver, *Page) {
	t.Helper()
	d, p := log(t, w, control.LogsRequest{}, width, height)
	have(d, p, n)
	_ = d.Screen()
	return d, p
}

func have(d *tuitest.Driver, p *Page, n int) {
	d.T.Helper()
	d.Until(fmt.Sprintf("%d lines", n), func() bool { return p.buffer.len()+p.buffer.dropped >= n })
}

// TestATimeThatIsOver: the log of a run that ended is read once, to its end, and nothing has broken off then.
func TestATimeThatIsOver(t *testing.T) {
	w := tuitest.NewWorld()
	from := w.Lines[10].Time
	d, p := log(t, w, control.LogsRequest{Since: from, Until: from.Add(time.Minute)}, 80, 24)
	have(d, p, 4)
	p.readers.Wait() // nobody reads on
	if _, broken := p.stream.waiting(); broken != nil || p.buffer.len() != 4 {
		t.Errorf("%d lines, %v", p.buffer.len(), broken)
	}
}

func TestFollow(t *testing.T) {
	w := tuitest.NewWorld()
	d, p := full(t, w, 120, 80, 24)
	first := func() string { return strings.Split(d.Screen(), "\n")[0] }
	if !strings.Contains(first(), "following") {
		t.Fatalf("it does not begin by following: %s", first())
	}
	d.Keys("up up")
	place, _ := p.buffer.current()
	row := p.row
	w.Flood(128)
	have(d, p, 248)
	if !strings.Contains(first(), "paused — 128 new ↓") {
		t.Fatalf("going up does not pause: %s", first())
	}
	if at, _ := p.buffer.current(); at != place || p.row != row && p.row != row-2 {
		t.Fatalf("new lines moved the place from line %d row %d to line %d row %d", place, row, at, p.row)
	}
	d.Key("end")
	if !strings.Contains(first(), "following") || p.buffer.here() != 247 {
		t.Fatalf("end does not follow again: %s", first())
	}
	d.Keys("k k")
	d.Keys("j j")
	if !p.buffer.follow {
		t.Fatal("reaching the newest line does not follow again")
	}
	d.Send(tea.MouseWheelMsg{Button: tea.MouseWheelUp})
	if p.buffer.follow {
		t.Fatal("the wheel does not pause")
	}
	d.Key("G")
	d.Key("space")
	w.Flood(5)
	d.Until("5 lines wait", func() bool { n, _ := p.stream.waiting(); return n == 5 })
	if !strings.Contains(first(), "frozen — 5 new ↓") || p.buffer.len() != 248 {
		t.Fatalf("it is not frozen: %s", first())
	}
	d.Key("space")
	if !strings.Contains(first(), "following") || p.buffer.len() != 253 {
		t.Fatalf("it does not thaw: %s", first())
	}
}

func TestSearchAndFilter(t *testing.T) {
	w := tuitest.NewWorld()
	d, p := full(t, w, 120, 80, 24)
	d.Key("/")
	d.Type("blue-42")
	d.Key("enter")
	screen := d.Screen()
	held := 0
	for _, l := range w.Lines {
		if l.Cause == "product_missing" && l.Message != tuitest.Nasty {
			held++
		}
	}
	if want := fmt.Sprintf("search blue-42 %d/%d", held, held); !strings.Contains(screen, want) {
		t.Fatalf("the search does not tell %q:\n%s", want, screen)
	}
	d.Key("n")
	if p.buffer.foundAt() != 1 {
		t.Fatalf("n at the last one goes to %d, not round to the first", p.buffer.foundAt())
	}
	d.Key("N")
	place, _ := p.buffer.current()
	d.Key("&")
	d.Type("cause:product_missing !flow:stock")
	d.Key("enter")
	screen = d.Screen()
	if at, _ := p.buffer.current(); p.buffer.line(place).Flow != "stock" && at != place {
		t.Fatalf("the filter moved the place from %d to %d", place, at)
	}
	if !strings.Contains(screen, fmt.Sprintf("%d/120", p.buffer.count())) || strings.Contains(screen, "stock ") {
		t.Fatalf("the filter is not told, or does not hide:\n%s", screen)
	}
	d.Key("esc")
	if !p.buffer.search.Empty() || p.buffer.filter.Empty() {
		t.Fatal("the first esc does not end the search alone")
	}
	d.Key("esc")
	if !p.buffer.filter.Empty() {
		t.Fatal("the second esc does not end the filter")
	}
	if at, _ := p.buffer.current(); at != place {
		t.Fatalf("after the filter one stands on %d, not on %d again", at, place)
	}
	for _, b := range p.Bindings() {
		if b.Keys[0] == "esc" {
			t.Fatal("a third esc would not leave the page")
		}
	}
	d.Key("f")
	d.Type("re:[")
	if !strings.Contains(d.Screen(), "no regular expression") {
		t.Fatalf("a wrong expression is not told:\n%s", d.Screen())
	}
	d.Key("enter")
	if !p.buffer.filter.Empty() || p.Typing() {
		t.Fatal("a wrong expression is kept")
	}
	d.Key("f")
	d.Send(tea.PasteMsg{Content: "q\nflow:orders"})
	if got := p.input.Value(); got != "q flow:orders" {
		t.Fatalf("the paste became %q", got)
	}
	d.Key("esc")
	d.Send(tea.PasteMsg{Content: "fLnN"})
	if p.Typing() || p.loading || !p.buffer.filter.Empty() {
		t.Fatal("a paste is read as keys")
	}
}

func TestDetailsAndCopy(t *testing.T) {
	w := tuitest.NewWorld()
	w.Lines[119].Payloads = append(w.Lines[119].Payloads, w.Lines[0].Payloads...)
	d, p := full(t, w, 120, 120, 40)
	d.Key("enter")
	d.Until("the payloads are there", func() bool { return p.details != nil && !p.details.loading })
	if screen := d.Screen(); !strings.Contains(screen, "what came in · orders") || !strings.Contains(screen, `"CustomerName": "Jansen"`) {
		t.Fatalf("the details do not show the payload:\n%s", screen)
	}
	d.Key("Y")
	d.Until("a copy", func() bool { return d.Clip != "" })
	if !strings.Contains(d.Clip, `"CustomerName": "Jansen"`) || !strings.Contains(d.Clip, `"id": 120`) {
		t.Fatalf("the copy is %s", d.Clip)
	}
	d.Width, d.Height = 80, 24
	_ = d.Screen()
	d.Keys("J J K")
	if p.details.top != 1 {
		t.Fatalf("the details scrolled to %d of %d", p.details.top, p.details.last)
	}
	d.Key("up")
	d.Until("the details went with the line", func() bool { return p.details.entry.ID == 119 && !p.details.loading })
	d.Key("esc")
	if p.details != nil {
		t.Fatal("esc does not close the details")
	}
	d.Clip = ""
	d.Key("y")
	d.Until("a copy", func() bool { return d.Clip != "" })
	if strings.ContainsAny(d.Clip, "\n\x1b") || !strings.Contains(d.Clip, "5f0c-0119") {
		t.Fatalf("the copy is %q", d.Clip)
	}
	d.Key("o")
	d.Until("the story opens", func() bool { return len(d.Pushed) == 1 })
	if title := d.Pushed[0].Title(); !strings.Contains(title, "5f0c-0119") {
		t.Fatalf("the story is of %s", title)
	}
}

func TestNextProblemAndMarks(t *testing.T) {
	d, p := full(t, tuitest.NewWorld(), 120, 80, 24)
	d.Key("E")
	n, _ := p.buffer.current()
	if l := p.buffer.line(n); !l.bad() || n >= 119 {
		t.Fatalf("E goes to line %d, which is %s", n, l.Outcome)
	}
	d.Key("m")
	if !strings.Contains(d.Screen(), "── mark ") {
		t.Fatalf("the mark is not drawn:\n%s", d.Screen())
	}
	d.Keys("home E")
	if !strings.Contains(d.Screen(), "nothing went wrong above here") {
		t.Fatalf("there is no problem above, and it is not told:\n%s", d.Screen())
	}
	d.Key("e")
	n, _ = p.buffer.current()
	if n != 3 {
		t.Fatalf("e goes to line %d, the first problem is 3", n)
	}
}

func TestSinceAndToggles(t *testing.T) {
	w := tuitest.NewWorld()
	d, p := full(t, w, 120, 80, 24)
	d.Key("2")
	have(d, p, 17)
	if screen := d.Screen(); !strings.Contains(screen, "last 5 minutes") || p.buffer.len() > 18 {
		t.Fatalf("the last 5 minutes have %d lines:\n%s", p.buffer.len(), screen)
	}
	d.Keys("t w")
	if screen := d.Screen(); !strings.Contains(screen, "time ago") || !strings.Contains(screen, "wrapped") || !strings.Contains(screen, "min ago") {
		t.Fatalf("the toggles are not told:\n%s", screen)
	}
	d.Key("t")
	if screen := d.Screen(); !strings.Contains(screen, "UTC") || !strings.Contains(screen, "Z ") {
		t.Fatalf("UTC is not told:\n%s", screen)
	}
	d.Key("0")
	have(d, p, 120)
}

// flood adds many lines and takes them in.
func TestFloodAndEarlier(t *testing.T) {
	w := tuitest.NewWorld()
	w.Flood(keep + 4_000)
	w.Change(func(w *tuitest.World) {
		for i := range w.Lines {
			w.Lines[i].Time = w.Time.Add(time.Duration(i-len(w.Lines)) * time.Millisecond * 10)
		}
	})
	d, p := full(t, w, begin, 80, 24)
	d.Key("home")
	if screen := d.Screen(); !strings.Contains(screen, "earlier lines are in the store; L loads them") {
		t.Fatalf("it is not told that there is more:\n%s", screen)
	}
	place, _ := p.here()
	d.Key("L")
	d.Until("earlier lines", func() bool { return p.buffer.len() > begin })
	if at, _ := p.here(); at.ID != place.ID {
		t.Fatalf("loading moved the place from %d to %d", place.ID, at.ID)
	}
	d.Key("L")
	d.Until("earlier lines", func() bool { return p.buffer.len() == keep })
	if !p.left || !strings.Contains(d.Screen(), "looking back") {
		t.Fatalf("the newest lines went, and it is not told:\n%s", d.Screen())
	}
	d.Key("L")
	d.Until("all", func() bool { return !p.loading })
	d.Key("G")
	have(d, p, begin)
	if p.left || !p.buffer.follow || p.buffer.line(p.buffer.next-1).ID != int64(len(w.Lines)) {
		t.Fatal("G does not come back to the newest lines")
	}
	w.Flood(keep)
	have(d, p, begin+keep)
	if screen := d.Screen(); !strings.Contains(screen, "2,000 dropped") {
		t.Fatalf("what was dropped is not told:\n%s", screen)
	}
	d.Key("home")
	if screen := d.Screen(); !strings.Contains(screen, "… 2,000 earlier lines dropped; L loads from the store") {
		t.Fatalf("what was dropped is not told at the top:\n%s", screen)
	}
}

func TestReconnect(t *testing.T) {
	w := tuitest.NewWorld()
	d, p := full(t, w, 120, 80, 24)
	p.stream.pace.retryFirst = time.Millisecond
	w.Change(func(w *tuitest.World) { w.Down = errors.New("the daemon does not answer") })
	d.Until("the end is told", func() bool { return strings.Contains(d.Screen(), "stream ended — reconnecting") })
	w.Change(func(w *tuitest.World) { w.Down = nil })
	w.Flood(3)
	have(d, p, 123)
	if screen := d.Screen(); strings.Contains(screen, "reconnecting") {
		t.Fatalf("it is back, and still says otherwise:\n%s", screen)
	}
	ids := map[int64]bool{}
	for n := p.buffer.first; n < p.buffer.next; n++ {
		if id := p.buffer.line(n).ID; ids[id] {
			t.Fatalf("line %d came twice", id)
		}
		ids[p.buffer.line(n).ID] = true
	}
}

func TestFrames(t *testing.T) {
	for _, size := range [][2]int{{80, 24}, {120, 40}, {60, 20}} {
		for name, keys := range map[string]string{
			"follow": "", "paused": "up up up m up", "search": "/ a r t i c l e enter", "typing": "& c a u s e : p", "filter": "f h e l d enter",
			"details": "up up enter", "wrap": "w t up", "nothing": "f x y z z y",
		} {
			t.Run(fmt.Sprintf("%s-%dx%d", name, size[0], size[1]), func(t *testing.T) {
				d, p := full(t, tuitest.NewWorld(), 120, size[0], size[1])
				d.Keys(keys)
				d.Until("the payloads are there", func() bool { return p.details == nil || !p.details.loading })
				_ = d.Screen()
				d.Golden(fmt.Sprintf("%s-%dx%d", name, size[0], size[1]))
			})
		}
	}
}

// TestRandom presses random keys at random sizes: no panic, no line too wide, whatever comes.
func TestRandom(t *testing.T) {
	keys := strings.Fields("up down pgup pgdown home end enter esc space / & f n N e E t w m y Y o L 0 1 2 3 4 J K tab x : ! ~ re: [ backspace left")
	for seed := range uint64(4) {
		r := rand.New(rand.NewPCG(seed, 1))
		w := tuitest.NewWorld()
		d, p := full(t, w, 120, 80, 24)
		var done []string
		for range 150 {
			switch k := r.IntN(24); k {
			case 0:
				w.Flood(r.IntN(40))
			case 1:
				d.Width, d.Height = 1+r.IntN(130), 1+r.IntN(45)
			case 2:
				d.Send(tea.PasteMsg{Content: "held\x1b[31m" + tuitest.Nasty})
			default:
				key := keys[r.IntN(len(keys))]
				done = append(done, key)
				if len(key) > 1 && (key == "re:") {
					d.Send(tea.PasteMsg{Content: key})
				} else {
					d.Key(key)
				}
			}
			d.Pump()
			d.Screen()
			if t.Failed() {
				t.Fatalf("seed %d: %v", seed, done)
			}
		}
		p.Close()
	}
}

// BenchmarkFlood is one frame of a flood of 10,000 lines a second: it must stay under 5 ms.
func BenchmarkFlood(b *testing.B) {
	w := tuitest.NewWorld()
	w.Flood(keep)
	p := New(tuitest.Env(b, w), control.LogsRequest{})
	for _, e := range w.Lines {
		p.buffer.push(e)
	}
	filter, err := ui.ParseFilter("!unchanged", fields...)
	if err != nil {
		b.Fatal(err)
	}
	p.buffer.setFilter(filter)
	search, err := ui.ParseFilter("article", fields...)
	if err != nil {
		b.Fatal(err)
	}
	p.buffer.setSearch(search)
	next := 0
	for b.Loop() {
		for range 10_000 / 30 {
			p.buffer.push(w.Lines[next%len(w.Lines)])
			next++
		}
		if len(p.View(120, 40)) == 0 {
			b.Fatal("nothing is drawn")
		}
	}
	if per := b.Elapsed() / time.Duration(b.N); per > 5*time.Millisecond && os.Getenv("POMOST_BENCH") != "" {
		b.Fatalf("a frame takes %s", per)
	}
}
