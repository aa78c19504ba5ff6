package tui

import (
	"flag"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"
	"time"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/vt"

	"github.com/pomost/pomost/host/control"
	"github.com/pomost/pomost/tui/page"
	"github.com/pomost/pomost/tui/tuitest"
	"github.com/pomost/pomost/tui/ui"
)

var update = flag.Bool("update", false, "write the golden frames anew")

// driver drives the router without a program around it: commands run at once, in order, and the clock stands still.
type driver struct {
	t     testing.TB
	m     *model
	world *tuitest.World
	quit  bool
	clip  string
}

// drive starts the screens on a world.
func drive(t testing.TB, width, height int, change func(*Options, *tuitest.World)) *driver {
	t.Helper()
	w := tuitest.NewWorld()
	opts := Options{Lang: "en", Getenv: func(string) string { return "" }, Factory: fakeFactory()}
	if change != nil {
		change(&opts, w)
	}
	m, err := newModel(t.Context(), w, opts)
	if err != nil {
		t.Fatal(err)
	}
	m.kit.Now = w.Now
	m.beat = func() tea.Cmd { return nil }
	d := &driver{t: t, m: m, world: w}
	d.send(tea.WindowSizeMsg{Width: width, Height: height})
	d.run(m.Init())
	d.refresh()
	return d
}

// refresh gives the screens the world's state, as the watch does.
func (d *driver) refresh() {
	s, err := d.world.Status(d.t.Context())
	if err != nil {
		d.send(lostMsg{since: d.world.Now(), err: err})
		return
	}
	d.send(ui.Status{StatusResult: s})
}

func (d *driver) send(msg tea.Msg) { d.run(d.m.update(msg)) }

func (d *driver) run(cmd tea.Cmd) {
	if cmd == nil {
		return
	}
	msg := cmd()
	if msg == nil {
		return
	}
	if v := reflect.ValueOf(msg); v.Kind() == reflect.Slice && v.Type().ConvertibleTo(commands) {
		for i := range v.Len() {
			c, _ := v.Index(i).Interface().(tea.Cmd)
			d.run(c)
		}
		return
	}
	switch v := reflect.ValueOf(msg); {
	case v.Type() == reflect.TypeFor[tea.QuitMsg]():
		d.quit = true
	case v.Kind() == reflect.String && strings.Contains(v.Type().Name(), "lipboard"):
		d.clip = v.String()
	case strings.HasPrefix(v.Type().PkgPath(), "charm.land/bubbletea") && v.Type() != reflect.TypeFor[tea.KeyPressMsg]():
	default:
		d.send(msg)
	}
}

// special are keys that are no text.
var special = map[string]rune{"enter": tea.KeyEnter, "esc": tea.KeyEscape, "tab": tea.KeyTab, "up": tea.KeyUp, "down": tea.KeyDown, "left": tea.KeyLeft, "right": tea.KeyRight,
	"home": tea.KeyHome, "end": tea.KeyEnd, "pgup": tea.KeyPgUp, "pgdown": tea.KeyPgDown, "backspace": tea.KeyBackspace, "delete": tea.KeyDelete, "f1": tea.KeyF1}

func press(name string) tea.KeyPressMsg {
	var k tea.Key
	for {
		switch {
		case strings.HasPrefix(name, "ctrl+"):
			k.Mod |= tea.ModCtrl
			name = name[5:]
			continue
		case strings.HasPrefix(name, "alt+"):
			k.Mod |= tea.ModAlt
			name = name[4:]
			continue
		case strings.HasPrefix(name, "shift+"):
			k.Mod |= tea.ModShift
			name = name[6:]
			continue
		}
		break
	}
	switch code, ok := special[name]; {
	case ok:
		k.Code = code
	case name == "space":
		k.Code, k.Text = ' ', " "
	default:
		k.Code = []rune(name)[0]
		if k.Mod == 0 {
			k.Text = name
		}
	}
	return tea.KeyPressMsg(k)
}

// keys presses keys, named as in keys.yaml and separated by blanks.
func (d *driver) keys(names string) {
	for name := range strings.FieldsSeq(names) {
		d.send(press(name))
	}
}

func (d *driver) text(s string) {
	for _, r := range s {
		if r == ' ' {
			d.keys("space")
			continue
		}
		d.keys(string(r))
	}
}

// later lets time pass.
func (d *driver) later(by time.Duration) {
	d.world.Change(func(w *tuitest.World) { w.Time = w.Time.Add(by) })
}

// screen is what a terminal of that size shows, as a terminal understands the frame.
func (d *driver) screen() string {
	d.t.Helper()
	frame := d.m.frame()
	checkFrame(d.t, frame, d.m.width, d.m.height)
	e := vt.NewEmulator(d.m.width, d.m.height)
	defer e.Close()
	if _, err := e.Write([]byte(strings.ReplaceAll(frame, "\n", "\r\n"))); err != nil {
		d.t.Fatal(err)
	}
	lines := strings.Split(e.String(), "\n")
	for i, l := range lines {
		lines[i] = strings.TrimRight(l, " ")
	}
	return strings.Join(lines, "\n") + "\n"
}

// checkFrame says what every frame has to keep.
func checkFrame(t testing.TB, frame string, width, height int) {
	t.Helper()
	lines := strings.Split(frame, "\n")
	if len(lines) != height {
		t.Fatalf("the frame has %d lines, the window %d:\n%s", len(lines), height, frame)
	}
	for i, l := range lines {
		if w := ui.Width(l); w != width {
			t.Fatalf("line %d is %d cells wide, the window %d: %q", i, w, width, l)
		}
	}
	if strings.Contains(frame, tuitest.Secret) {
		t.Fatalf("a secret is on the screen:\n%s", frame)
	}
}

// golden compares the screen with a file.
func (d *driver) golden(name string) {
	d.t.Helper()
	got := d.screen()
	file := filepath.Join("testdata", name+".txt")
	if *update {
		if err := os.MkdirAll("testdata", 0o755); err != nil {
			d.t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			d.t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(file)
	if err != nil {
		d.t.Fatal(err)
	}
	if got != string(want) {
		d.t.Errorf("%s differs; look at it, and write it anew with -update\ngot:\n%s\nwant:\n%s", file, got, want)
	}
}

// fakeFactory stands in for the pages of other packages.
func fakeFactory() page.Factory {
	return page.Factory{
		Logs:     func(_ ui.Env, req control.LogsRequest) ui.Page { return note("log " + req.Flow + req.Record) },
		Setup:    func(ui.Env) ui.Page { return note("set-up") },
		Settings: func(_ ui.Env, flow string) ui.Page { return note("settings of " + flow) },
		Consent:  func(_ ui.Env, connection string) ui.Page { return note("consent of " + connection) },
	}
}

type note string

func (note) Init() tea.Cmd          { return nil }
func (note) Update(tea.Msg) tea.Cmd { return nil }
func (n note) View(int, int) string { return string(n) }
func (n note) Title() string        { return string(n) }
func (note) Bindings() []ui.Binding { return nil }
func (note) Typing() bool           { return false }
func (note) Leave() string          { return "" }

// colour is an SGR sequence that sets a colour.
var colour = regexp.MustCompile(`\x1b\[(?:[\d;]*;)?(?:3[0-8]|4[0-8]|9[0-7]|10[0-7])[\d;:]*m`)

// white is a light background.
type white struct{}

func (white) RGBA() (r, g, b, a uint32) { return 0xffff, 0xffff, 0xffff, 0xffff }
