package tui

import (
	"strings"
	"testing"

	tea "charm.land/bubbletea/v2"

	"github.com/pomost/pomost/tui/tuitest"
)

// TestMouse: the mouse is the terminal's until a key or a flag takes it; then the wheel moves and a click chooses, on every page with a list.
func TestMouse(t *testing.T) {
	d := drive(t, 80, 24, nil)
	if d.m.View().MouseMode != tea.MouseModeNone {
		t.Error("the mouse is taken, and text cannot be selected")
	}
	d.keys("M")
	d.shows("M gives the mouse back for selecting text.")
	if d.m.View().MouseMode != tea.MouseModeCellMotion {
		t.Error("the mouse is not taken")
	}
	// click points at the line that has a text.
	click := func(text string) {
		t.Helper()
		for y, l := range strings.Split(d.screen(), "\n") {
			if strings.Contains(l, text) {
				d.send(tea.MouseClickMsg{X: 10, Y: y, Button: tea.MouseLeft})
				return
			}
		}
		t.Fatalf("%q is not on the screen:\n%s", text, d.screen())
	}
	// here is the line that is chosen.
	here := func(want string) {
		t.Helper()
		for _, l := range strings.Split(d.screen(), "\n") {
			if strings.Contains(l, "▌") {
				if !strings.Contains(l, want) {
					t.Errorf("chosen is %q, want %s", l, want)
				}
				return
			}
		}
		t.Errorf("nothing is chosen:\n%s", d.screen())
	}
	click("invoices")
	here("invoices")
	click("next run") // the heading is no line
	here("invoices")
	d.send(tea.MouseWheelMsg{Button: tea.MouseWheelDown})
	here("returns")
	d.send(tea.MouseWheelMsg{Button: tea.MouseWheelUp})
	here("invoices")
	click("shop → books  every") // below the list
	here("invoices")
	click("orders  ")
	d.keys("enter")
	click("match_ambiguous")
	here("match_ambiguous")
	d.keys("h")
	click("04:42:00")
	here("04:42:00")
	d.keys("esc i")
	click("1011")
	here("1011")
	click("an article is missing") // a heading
	here("1011")
	d.keys("/")
	d.text("10")
	d.keys("enter")
	click("1013")
	here("1013")
	d.keys("esc esc v")
	click("1104")
	here("1104")
	d.keys("esc esc c")
	click("trial")
	here("trial")
	d.keys(":")
	d.send(tea.MouseWheelMsg{Button: tea.MouseWheelDown})
	click("Check every connection") // a dialog lets no click through
	d.keys("esc")
	here("trial")
	d.keys("M")
	d.shows("it selects text")
	if d = drive(t, 80, 24, func(o *Options, _ *tuitest.World) { o.Mouse = true }); d.m.View().MouseMode != tea.MouseModeCellMotion {
		t.Error("--mouse does not take the mouse")
	}
}
