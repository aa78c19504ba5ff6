package tui

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/pomost/pomost/host/control"
	"github.com/pomost/pomost/tui/page"
	"github.com/pomost/pomost/tui/tuitest"
	"github.com/pomost/pomost/tui/ui"
)

// TestKeySheet keeps docs/keys.md as the bindings are; -update writes it anew.
func TestKeySheet(t *testing.T) {
	const file = "../docs/keys.md"
	var b strings.Builder
	b.WriteString("# Keys of the terminal UI\n\nMade from the bindings by `go test ./tui -run TestKeySheet -update`. Other keys go into `keys.yaml` in the home folder, in the form of\n[tui/ui/keys.yaml](../tui/ui/keys.yaml); `?` shows what works where you are.\n")
	table := func(title string, bindings []ui.Binding) {
		fmt.Fprintf(&b, "\n## %s\n\n| key | what it does |\n|---|---|\n", title)
		for _, k := range bindings {
			var keys []string
			for _, name := range k.Keys {
				keys = append(keys, "`"+ui.KeyName(name)+"`")
			}
			what := k.Help
			if what == "" {
				what = k.Label
			}
			fmt.Fprintf(&b, "| %s | %s |\n", strings.Join(keys, " "), what)
		}
	}
	// Without a factory: the log, the set-up and the settings are those of the program.
	d := drive(t, 80, 24, func(o *Options, _ *tuitest.World) { o.Factory = page.Factory{} })
	d.keys("down enter") // a second page: esc is one of the keys
	table("Everywhere", d.m.globals())
	list := d.m.env().ListBindings(ui.NewTable())
	table("Lists", list)
	own := func(keys string) []ui.Binding {
		d := drive(t, 80, 24, nil)
		d.keys(keys)
		return slices.DeleteFunc(d.m.top().Bindings(), func(b ui.Binding) bool {
			return slices.ContainsFunc(list, func(l ui.Binding) bool { return slices.Equal(l.Keys, b.Keys) })
		})
	}
	for _, p := range []struct{ title, keys string }{
		{"First page", ""}, {"Flow", "down enter"}, {"Runs of a flow", "down enter h"}, {"Plan", "down enter v"}, {"Records", "i"}, {"Decision", "down enter i G d"}, {"Story of a record", "i enter"}, {"Connections", "c"}, {"Doctor", "d"},
	} {
		table(p.title, own(p.keys))
	}
	log := d.m.kit.Factory.Logs(d.m.kit.Env, control.LogsRequest{})
	table("Log", log.Bindings())
	closePage(log)

	if *update {
		if err := os.WriteFile(file, []byte(b.String()), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if string(text) != b.String() {
		t.Errorf("%s is not what the bindings are: write it anew with -update", file)
	}
}
