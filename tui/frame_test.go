package tui

import (
	"fmt"
	"slices"
	"testing"

	"github.com/pomost/pomost/tui/tuitest"
)

// TestFrames compares what each page looks like in the usual windows with what was looked at before.
func TestFrames(t *testing.T) {
	pages := []struct{ name, keys string }{
		{"dashboard", ""},
		{"dashboard-sorted", "S S T"},
		{"flow", "down enter"},
		{"runs", "down enter h down"},
		{"runs-lanes", "down down down down enter h"},
		{"plan", "down enter v"},
		{"plan-details", "down enter v enter"},
		{"records", "i"},
		{"records-chosen", "i space space"},
		{"records-watched", "i tab tab"},
		{"decide", "down enter i G d"},
		{"story", "i enter"},
		{"story-open", "i enter e"},
		{"connections", "c a"},
		{"doctor", "d"},
		{"help", "?"},
		{"palette", ": o r d"},
		{"question", "down enter v f"},
	}
	for _, size := range [][2]int{{80, 24}, {120, 40}, {60, 20}, {40, 10}} {
		for _, p := range pages {
			if size[0] == 60 && !slices.Contains([]string{"dashboard", "flow", "runs"}, p.name) {
				continue
			}
			name := fmt.Sprintf("%s-%dx%d", p.name, size[0], size[1])
			t.Run(name, func(t *testing.T) {
				d := drive(t, size[0], size[1], nil)
				d.keys(p.keys)
				d.later(toastTime)
				d.m.update(tick{})
				d.golden(name)
			})
		}
	}
	for _, lang := range []string{"pl", "nl"} {
		for _, p := range []struct{ name, keys string }{{"dashboard", ""}, {"flow", "down enter"}, {"runs", "down enter h"}} {
			name := fmt.Sprintf("%s-%s-80x24", p.name, lang)
			t.Run(name, func(t *testing.T) {
				d := drive(t, 80, 24, func(o *Options, _ *tuitest.World) { o.Lang = lang })
				d.keys(p.keys)
				d.golden(name)
			})
		}
	}
	for name, change := range map[string]func(*Options, *tuitest.World){
		"ascii": func(o *Options, _ *tuitest.World) { o.ASCII = true },
		"no-color": func(o *Options, _ *tuitest.World) {
			o.Getenv = func(k string) string { return map[string]string{"NO_COLOR": "1"}[k] }
		},
		"read-only": func(o *Options, _ *tuitest.World) { o.ReadOnly = true },
		"hosted":    func(o *Options, _ *tuitest.World) { o.Hosted = true },
		"empty":     func(_ *Options, w *tuitest.World) { w.State.Flows, w.State.Connections = nil, nil },
		"all-right": func(_ *Options, w *tuitest.World) {
			w.State.Flows, w.State.Connections = w.State.Flows[6:], w.State.Connections[1:3]
		},
	} {
		t.Run(name, func(t *testing.T) { drive(t, 80, 24, change).golden("dashboard-" + name + "-80x24") })
	}
	t.Run("too-small", func(t *testing.T) { drive(t, 30, 6, nil).golden("too-small-30x6") })
}
