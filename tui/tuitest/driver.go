package tuitest

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/ansi"
	"github.com/charmbracelet/x/vt"

	"github.com/pomost/pomost/tui/ui"
)

// update tells whether golden frames are to be written anew: each test package has the flag -update.
func update() bool {
	f := flag.Lookup("update")
	return f != nil && f.Value.String() == "true"
}

// English says every text as it is.
type English struct{}

// Language implements ui.Words.
func (English) Language() string { return "en" }

// T implements ui.Words.
func (English) T(text string, args ...any) string {
	if len(args) == 0 {
		return text
	}
	return fmt.Sprintf(text, args...)
}

// Env is what a page gets in tests: the world, plain styles, English, and a clock that stands still.
func Env(t testing.TB, w *World) ui.Env {
	return ui.Env{Ctx: t.Context(), API: w, Styles: ui.NewStyles(ui.Theme{Plain: true}), Words: English{}, Now: w.Now}
}

// Driver drives one page as the router would. Commands run in goroutines; their messages come to the page in Until and Settle.
type Driver struct {
	T             testing.TB
	Page          ui.Page
	Width, Height int
	// What the page asked the router and the terminal for, the newest last.
	Toasts []ui.Toast
	Asked  []ui.Ask
	Pushed []ui.Page
	Backs  int
	Clip   string

	messages chan tea.Msg
	running  int
}

// Drive begins a page.
func Drive(t testing.TB, p ui.Page, width, height int) *Driver {
	d := &Driver{T: t, Page: p, Width: width, Height: height, messages: make(chan tea.Msg, 64)}
	d.Do(p.Init())
	return d
}

// Do runs a command.
func (d *Driver) Do(cmd tea.Cmd) {
	if cmd == nil {
		return
	}
	d.running++
	go func() {
		msg := cmd()
		select {
		case d.messages <- msg:
		case <-d.T.Context().Done():
		}
	}()
}

// Until hands messages to the page until a condition holds.
func (d *Driver) Until(what string, holds func() bool) {
	d.T.Helper()
	late := time.NewTimer(10 * time.Second)
	defer late.Stop()
	for !holds() {
		select {
		case msg := <-d.messages:
			d.running--
			d.take(msg)
		case <-late.C:
			d.T.Fatalf("it never came to this: %s\n%s", what, d.Screen())
		}
	}
}

// Settle hands messages to the page until no command runs.
func (d *Driver) Settle() {
	d.T.Helper()
	d.Until("no command runs", func() bool { return d.running == 0 })
}

func (d *Driver) take(msg tea.Msg) {
	switch msg := msg.(type) {
	case nil:
	case ui.Toast:
		d.Toasts = append(d.Toasts, msg)
	case ui.Ask:
		d.Asked = append(d.Asked, msg)
	case ui.Push:
		d.Pushed = append(d.Pushed, msg.Page)
	case ui.Replace:
		d.Pushed = append(d.Pushed, msg.Page)
	case ui.Back:
		d.Backs++
	default:
		v := reflect.ValueOf(msg)
		if commands := reflect.TypeFor[[]tea.Cmd](); v.Kind() == reflect.Slice && v.Type().ConvertibleTo(commands) {
			for i := range v.Len() {
				c, _ := v.Index(i).Interface().(tea.Cmd)
				d.Do(c)
			}
			return
		}
		if v.Kind() == reflect.String && strings.Contains(v.Type().Name(), "lipboard") {
			d.Clip = v.String()
			return
		}
		d.Do(d.Page.Update(msg))
	}
}

// Send gives the page a message.
func (d *Driver) Send(msg tea.Msg) { d.take(msg) }

// Key presses one key, named as in keys.yaml. It tells whether the key was a binding that works, or went to the page as it is.
func (d *Driver) Key(name string) {
	d.T.Helper()
	k := Press(name)
	pressed := k.String()
	if !d.Page.Typing() || strings.HasPrefix(pressed, "ctrl+") || slices.Contains([]string{"esc", "tab", "shift+tab", "enter"}, pressed) {
		for _, b := range d.Page.Bindings() {
			if slices.Contains(b.Keys, pressed) {
				if b.Disabled != nil {
					if why := b.Disabled(); why != "" {
						d.Toasts = append(d.Toasts, ui.Toast{Text: why})
						return
					}
				}
				if b.Do != nil {
					d.Do(b.Do())
				}
				return
			}
		}
	}
	d.Do(d.Page.Update(k))
}

// Keys presses keys that are separated by blanks.
func (d *Driver) Keys(names string) {
	d.T.Helper()
	for name := range strings.FieldsSeq(names) {
		d.Key(name)
	}
}

// Type types text, letter by letter.
func (d *Driver) Type(text string) {
	d.T.Helper()
	for _, r := range text {
		if r == ' ' {
			d.Key("space")
			continue
		}
		d.Key(string(r))
	}
}

// Screen is what a terminal shows of the page, as a terminal understands it. It fails where a line has another width than the window, or
// where a secret shows.
func (d *Driver) Screen() string {
	d.T.Helper()
	frame := d.Page.View(d.Width, d.Height)
	lines := strings.Split(frame, "\n")
	if len(lines) > d.Height {
		d.T.Fatalf("the page has %d lines, the window %d:\n%s", len(lines), d.Height, frame)
	}
	for i, l := range lines {
		if w := ui.Width(l); w > d.Width {
			d.T.Fatalf("line %d is %d cells wide, the window %d: %q", i, w, d.Width, l)
		}
	}
	if strings.Contains(ansi.Strip(frame), Secret) { // styles may stand between the letters
		d.T.Fatalf("a secret is on the screen:\n%s", frame)
	}
	e := vt.NewEmulator(d.Width, d.Height)
	defer func() { _ = e.Close() }()
	if _, err := e.Write([]byte(strings.ReplaceAll(frame, "\n", "\r\n"))); err != nil {
		d.T.Fatal(err)
	}
	shown := strings.Split(e.String(), "\n")
	for i, l := range shown {
		shown[i] = strings.TrimRight(l, " ")
	}
	var bar []string
	for _, b := range d.Page.Bindings() {
		if !b.Hidden && len(b.Keys) > 0 {
			bar = append(bar, ui.KeyName(b.Keys[0])+" "+b.Label)
		}
	}
	return strings.Join(shown, "\n") + "\n[" + strings.Join(bar, "  ") + "]\n"
}

// Golden compares the screen with a file of testdata.
func (d *Driver) Golden(name string) {
	d.T.Helper()
	got := d.Screen()
	file := filepath.Join("testdata", name+".txt")
	if update() {
		if err := os.MkdirAll("testdata", 0o750); err != nil {
			d.T.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(got), 0o600); err != nil {
			d.T.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(file)
	if err != nil {
		d.T.Fatal(err)
	}
	if got != string(want) {
		d.T.Errorf("%s differs; look at it, and write it anew with -update\ngot:\n%s\nwant:\n%s", file, got, want)
	}
}

// special are keys that are no text.
var special = map[string]rune{"enter": tea.KeyEnter, "esc": tea.KeyEscape, "tab": tea.KeyTab, "up": tea.KeyUp, "down": tea.KeyDown, "left": tea.KeyLeft, "right": tea.KeyRight,
	"home": tea.KeyHome, "end": tea.KeyEnd, "pgup": tea.KeyPgUp, "pgdown": tea.KeyPgDown, "backspace": tea.KeyBackspace, "delete": tea.KeyDelete, "f1": tea.KeyF1, "f2": tea.KeyF2}

// Press is the message of a key.
func Press(name string) tea.KeyPressMsg {
	var k tea.Key
	for {
		if rest, ok := strings.CutPrefix(name, "ctrl+"); ok {
			k.Mod |= tea.ModCtrl
			name = rest
			continue
		}
		if rest, ok := strings.CutPrefix(name, "shift+"); ok {
			k.Mod |= tea.ModShift
			name = rest
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

// Pump hands over the messages that are there, and waits for none.
func (d *Driver) Pump() {
	for {
		select {
		case msg := <-d.messages:
			d.running--
			d.take(msg)
		default:
			return
		}
	}
}
