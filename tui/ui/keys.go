package ui

import (
	_ "embed"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"slices"
	"strings"

	tea "charm.land/bubbletea/v2"
	"github.com/goccy/go-yaml"
)

//go:embed keys.yaml
var keysFile []byte

// maxKeys bounds a file of keys: it is written by hand.
const maxKeys = 64 << 10

// Keys are the keys of each action, by page.
type Keys struct {
	pages map[string]map[string][]string
}

// DefaultKeys are those that come with the program.
func DefaultKeys() Keys {
	k, err := parseKeys(keysFile)
	if err != nil {
		panic("the embedded keys.yaml: " + err.Error()) // a test reads it
	}
	return k
}

var defaultKeys = DefaultKeys()

// ReadKeys puts the file's keys over the default ones; a file that is not there changes nothing. Names that no page has, and one key for
// two actions of a page, are mistakes.
func ReadKeys(name string) (Keys, error) {
	info, err := os.Stat(name)
	if errors.Is(err, fs.ErrNotExist) {
		return DefaultKeys(), nil
	}
	if err == nil && info.Size() > maxKeys {
		err = fmt.Errorf("it has %d bytes; %d are allowed", info.Size(), maxKeys)
	}
	var text []byte
	if err == nil {
		text, err = os.ReadFile(name)
	}
	if err != nil {
		return Keys{}, fmt.Errorf("read the keys from %s: %w", name, err)
	}
	own, err := parseKeys(text)
	if err != nil {
		return Keys{}, fmt.Errorf("%s: %w", name, err)
	}
	k := DefaultKeys()
	for page, actions := range own.pages {
		for action, keys := range actions {
			if _, ok := k.pages[page][action]; !ok {
				return Keys{}, fmt.Errorf("%s: there is no action %s.%s", name, page, action)
			}
			if len(keys) == 0 {
				return Keys{}, fmt.Errorf("%s: %s.%s has no key; every action needs one", name, page, action)
			}
			k.pages[page][action] = keys
		}
	}
	if twice := k.Twice(); len(twice) > 0 {
		return Keys{}, fmt.Errorf("%s: %s", name, strings.Join(twice, "; "))
	}
	return k, nil
}

func parseKeys(text []byte) (Keys, error) {
	var k Keys
	if err := yaml.Unmarshal(text, &k.pages); err != nil {
		return k, fmt.Errorf("read the keys: %w", err)
	}
	return k, nil
}

// Of are the keys of an action on a page. An action that no file names has none, which a test of the pages finds.
func (k Keys) Of(page, action string) []string {
	if k.pages == nil {
		k = defaultKeys
	}
	return k.pages[page][action]
}

// Twice names every key that does two things on one page, with the keys that work everywhere.
func (k Keys) Twice() []string {
	var out []string
	for _, page := range slices.Sorted(maps.Keys(k.pages)) {
		taken := map[string]string{}
		contexts := []string{page}
		if page != "global" {
			contexts = append(contexts, "global")
		}
		for _, context := range contexts {
			for _, action := range slices.Sorted(maps.Keys(k.pages[context])) {
				for _, key := range k.pages[context][action] {
					name := context + "." + action
					if other, ok := taken[key]; ok {
						out = append(out, fmt.Sprintf("the key %s does %s and %s", key, other, name))
					}
					taken[key] = name
				}
			}
		}
	}
	return out
}

// Bind makes the binding of an action with the keys that stand for it in Keys.
func (e Env) Bind(page, action, label, help string, do func() tea.Cmd) Binding {
	return Binding{Keys: e.Keys.Of(page, action), Label: label, Help: help, Do: do}
}

// Changing is a binding that changes something: read-only mode refuses it with the reason.
func (e Env) Changing(b Binding) Binding {
	if !e.ReadOnly {
		return b
	}
	b.Disabled = func() string { return e.Words.T("this window only looks: it was started with --read-only") }
	return b
}

// ListBindings are the keys that move in a list; they stand in the help only.
func (e Env) ListBindings(t *Table) []Binding {
	move := func(action, help string, f func()) Binding {
		b := e.Bind("list", action, "", help, func() tea.Cmd { f(); return nil })
		b.Hidden = true
		return b
	}
	list := []Binding{
		move("up", "One line up", func() { t.Move(-1) }),
		move("down", "One line down", func() { t.Move(1) }),
		move("page_up", "One page up", func() { t.Move(-t.page()) }),
		move("page_down", "One page down", func() { t.Move(t.page()) }),
		move("top", "To the first line", func() { t.Move(-len(t.rows)) }),
		move("bottom", "To the last line", func() { t.Move(len(t.rows)) }),
	}
	if !t.Sortable() {
		return list
	}
	sort := e.Bind("list", "sort", "sort", "Sort by the next column; behind the last one as it was", func() tea.Cmd { t.SortNext(); return nil })
	reverse := e.Bind("list", "sort_reverse", "turn round", "Turn the order round", func() tea.Cmd { t.SortReverse(); return nil })
	if !t.Sorted() {
		reverse.Disabled = func() string {
			return e.Words.T("it is sorted by no column: press %s first", KeyName(e.Keys.Of("list", "sort")[0]))
		}
	}
	sort.Hidden, reverse.Hidden = true, true
	return append(list, sort, reverse)
}

// KeyName is how the bar and the help write a key.
func KeyName(key string) string {
	switch key {
	case "up":
		return "↑"
	case "down":
		return "↓"
	case "pgdown":
		return "pgdn"
	}
	return key
}
