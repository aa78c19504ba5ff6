package tui

import (
	"slices"
	"testing"

	"github.com/pomost/pomost/tui/tuitest"
	"github.com/pomost/pomost/tui/words"
)

// TestBindings looks at the bindings of every page: each has a key and a sentence, no key does two things, and every label is said in
// every language.
func TestBindings(t *testing.T) {
	for _, keys := range []string{"", "down enter", "down enter h", "down enter v", "down enter v enter", "down enter v /", "i", "i /", "i / a enter", "down enter i G d", "down enter i G d tab", "i enter", "c", "d", "n", "s", "l"} {
		for _, readOnly := range []bool{false, true} {
			d := drive(t, 80, 24, func(o *Options, _ *tuitest.World) { o.ReadOnly = readOnly })
			d.keys(keys)
			taken := map[string]string{}
			for _, b := range slices.Concat(d.m.top().Bindings(), d.m.globals()) {
				what := b.Help
				if what == "" {
					what = b.Label
				}
				if len(b.Keys) == 0 || what == "" {
					t.Errorf("after %q: %+v has no key or no word", keys, b)
				}
				if !b.Hidden && b.Label == "" {
					t.Errorf("after %q: %q has no label for the bar", keys, what)
				}
				for _, k := range b.Keys {
					// The page's own key comes first: only what a filter does with esc may stand before a global one.
					if other, ok := taken[k]; ok && k != "esc" {
						t.Errorf("after %q: the key %s does %q and %q", keys, k, other, what)
					}
					taken[k] = what
				}
				for _, lang := range words.Languages[1:] {
					c, err := words.New(lang)
					if err != nil {
						t.Fatal(err)
					}
					for _, text := range []string{b.Label, b.Help} {
						if text != "" && !c.Knows(text) {
							t.Errorf("%s lacks %q", lang, text)
						}
					}
				}
				if b.Disabled != nil && b.Disabled() == "" && b.Do == nil {
					t.Errorf("after %q: %q does nothing and gives no reason", keys, what)
				}
			}
		}
	}
}

// TestKeysOfAPerson: a file of keys changes what works, what the bar shows, and what the help says.
func TestKeysOfAPerson(t *testing.T) {
	d := drive(t, 80, 24, nil)
	if b := d.m.top().Bindings()[1]; b.Keys[0] != "r" {
		t.Fatalf("the second binding is %v", b.Keys)
	}
	d = drive(t, 80, 24, func(o *Options, _ *tuitest.World) { o.KeysFile = "testdata/keys.yaml" })
	d.shows("ctrl+r run")
	d.keys("down r")
	d.called()
	d.keys("ctrl+r")
	d.called("Run [orders]")
}
