package tui

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	tea "charm.land/bubbletea/v2"

	"github.com/pomost/pomost/host/control"
	"github.com/pomost/pomost/tui/tuitest"
	"github.com/pomost/pomost/tui/ui"
)

// TestAnything presses keys at random, resizes, pastes and lets the world change: nothing panics, and every frame is as large as its window.
func TestAnything(t *testing.T) {
	keys := []string{"enter", "esc", "tab", "shift+tab", "up", "down", "left", "right", "home", "end", "pgup", "pgdown", "space", "backspace", "delete", "ctrl+p", "ctrl+u", "ctrl+w", "ctrl+a", "ctrl+s",
		"?", ":", "/", "!", "~", "r", "p", "i", "l", "s", "c", "n", "d", "v", "x", "f", "a", "e", "g", "G", "R", "y", "o", "j", "k", "N", "ż", "株", "1", "h", "S", "T", "M"}
	rounds := 18
	if testing.Short() {
		rounds = 10
	}
	for seed := range uint64(rounds) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			r := rand.New(rand.NewPCG(seed, 4))
			d := drive(t, 80, 24, func(o *Options, w *tuitest.World) {
				o.Lang = []string{"en", "pl", "nl"}[seed%3]
				o.ASCII, o.ReadOnly, o.Hosted = seed%5 == 0, seed%7 == 0, seed%4 == 0
				w.State.Flows[0].Name, w.State.Flows[0].LastRun.Message = tuitest.Nasty, tuitest.Nasty
				w.State.Connections[0].Name, w.State.Connections[1].Message = tuitest.Nasty, tuitest.Nasty
			})
			for range 120 {
				switch r.IntN(40) {
				case 0:
					d.send(tea.WindowSizeMsg{Width: 1 + r.IntN(200), Height: 1 + r.IntN(60)})
				case 1:
					d.send(tea.PasteMsg{Content: tuitest.Nasty + "\n" + tuitest.Secret[:4]})
				case 2:
					d.world.Change(func(w *tuitest.World) {
						w.Down = nil
						if r.IntN(3) == 0 {
							w.Down = tuitest.ErrDown
						}
						for i := range w.State.Flows {
							w.State.Flows[i].State = []string{control.FlowFailing, control.FlowHeld, control.FlowOK, control.FlowRunning, "odd"}[r.IntN(5)]
						}
						if r.IntN(10) == 0 {
							w.State.Flows, w.State.Connections, w.Remember = nil, nil, nil
						}
					})
					d.refresh()
				case 3:
					d.later(time.Duration(r.IntN(9000)) * time.Millisecond)
					d.send(tick{})
				case 4:
					d.send(ui.Ask{Title: tuitest.Nasty, Text: tuitest.Nasty, Yes: "yes", Name: []string{"", "x"}[r.IntN(2)]})
				case 5:
					d.send(ui.Toast{Text: tuitest.Nasty, Failure: r.IntN(2) == 0})
				case 6:
					d.send(tea.MouseWheelMsg{Button: []tea.MouseButton{tea.MouseWheelUp, tea.MouseWheelDown, tea.MouseWheelLeft}[r.IntN(3)]})
				case 7:
					d.send(tea.MouseClickMsg{X: r.IntN(200), Y: r.IntN(60), Button: tea.MouseLeft})
				default:
					d.keys(keys[r.IntN(len(keys))])
				}
				checkFrame(t, d.m.frame(), d.m.width, d.m.height)
			}
		})
	}
}

// TestEverySize draws every page in every small window.
func TestEverySize(t *testing.T) {
	for _, keys := range []string{"", "down enter", "down enter h", "down enter v", "down enter v enter", "i", "down enter i G d", "i enter e", "c a", "d", "?", ":", "down enter v f"} {
		d := drive(t, 80, 24, nil)
		d.keys(keys)
		for h := 1; h <= 30; h++ {
			for _, w := range []int{1, 2, 7, 39, 40, 41, 59, 60, 80, 99, 100, 133} {
				d.send(tea.WindowSizeMsg{Width: w, Height: h})
				checkFrame(t, d.m.frame(), w, h)
			}
		}
	}
}

// TestColours: the themes differ in colour only, and without colour there is none.
func TestColours(t *testing.T) {
	frame := func(change func(*Options, *tuitest.World), msgs ...tea.Msg) string {
		d := drive(t, 80, 24, change)
		for _, m := range msgs {
			d.send(m)
		}
		return d.m.frame()
	}
	plain := frame(func(o *Options, _ *tuitest.World) {
		o.Getenv = func(k string) string { return map[string]string{"NO_COLOR": "1"}[k] }
	})
	dark := frame(nil)
	for name, other := range map[string]string{"light": frame(nil, tea.BackgroundColorMsg{Color: white{}}), "sixteen colours": frame(nil, tea.ColorProfileMsg{Profile: 3})} {
		if other == dark {
			t.Errorf("%s looks like dark", name)
		}
	}
	if colour.MatchString(plain) {
		t.Errorf("NO_COLOR has colours: %q", colour.FindString(plain))
	}
	if !colour.MatchString(dark) {
		t.Error("dark has no colours")
	}
	ascii := frame(func(o *Options, _ *tuitest.World) {
		o.Getenv = func(k string) string { return map[string]string{"TERM": "dumb"}[k] }
	})
	for _, r := range ascii {
		if r > 127 {
			t.Fatalf("TERM=dumb draws %q", r)
		}
	}
}
