// Package ui is what the pages of the terminal UI are made of: the contract of a page, bindings as data, styles by meaning, and
// the words of the person's language.
package ui

import (
	"context"
	"time"

	tea "charm.land/bubbletea/v2"

	"github.com/pomost/pomost/host/control"
)

// Page is one screen. The router gives it messages and a rectangle, and shows its title and bindings. A page does no I/O in Update:
// it returns a command, whose message comes back to it. It changes its own state in place.
type Page interface {
	// Init is called each time the page comes to the front; its command loads what the page shows.
	Init() tea.Cmd
	// Update handles a message that the router did not handle itself. Keys that stand in Bindings come as their action instead.
	Update(msg tea.Msg) tea.Cmd
	// View draws the page into width × height cells: exactly height lines at most, none wider than width.
	View(width, height int) string
	// Title is the page's part of the trail at the top.
	Title() string
	// Bindings are the keys that work here, in the order in which the bar shows them.
	Bindings() []Binding
	// Typing tells that keys are text for a field now: only keys with ctrl, esc, tab and enter are bindings then.
	Typing() bool
	// Leave is asked before the page is left by esc: it returns "" when it may be left, else what would be lost.
	Leave() string
}

// Binding is one key with what it does. The bar, the help and the documentation are made of them.
type Binding struct {
	Keys []string // as tea.KeyPressMsg.String() tells them; the first one is shown
	// Label is the word in the bar, Help the sentence in the help; both go through Words.
	Label, Help string
	// Hidden bindings stand in the help only.
	Hidden bool
	// Disabled returns why the key does nothing now, "" when it works. nil: it always works.
	Disabled func() string
	Do       func() tea.Cmd
}

// Closer is a page that owns something that must end with it, like a stream. Close is called once, when the page leaves the stack.
type Closer interface{ Close() }

// Env is what every page needs. It is handed over by value: when the styles change, a Themed page gets the new ones.
type Env struct {
	// Ctx ends with the program; every call of the API takes it or a child of it.
	Ctx    context.Context
	API    control.API
	Styles Styles
	Words  Words
	// Keys are the keys of each action; the zero value has the keys that come with the program.
	Keys Keys
	// ReadOnly refuses whatever would change something.
	ReadOnly bool
	// Hosted tells that no daemon runs: the program itself runs the flows while it is open.
	Hosted bool
	// Now is the clock; tests stop it.
	Now func() time.Time
}

// Listed is a page with a list that a click can choose from.
type Listed interface{ List() *Table }

// Themed is a page that wants to know when the styles change, as they do once the terminal has told its background.
type Themed interface{ SetStyles(Styles) }

// Messages between pages and the router.
type (
	// Push opens a page above the present one; esc comes back.
	Push struct{ Page Page }
	// Replace puts a page in the place of the present one.
	Replace struct{ Page Page }
	// Back leaves the present page.
	Back struct{}
	// Toast shows a sentence for some seconds; Failure marks it as one.
	Toast struct {
		Text    string
		Failure bool
	}
	// Ask puts a question over the page. The key that answers yes is never the one that asked; a dialog takes no key for a short time after
	// it opened by itself.
	Ask struct {
		Title, Text string
		// Yes is the word of the action, YesKey the key for it. Name, when set, must be typed instead.
		Yes, YesKey, Name string
		Do                func() tea.Cmd
	}
	// Status is the newest state of everything, from the router's watch.
	Status struct {
		control.StatusResult
		// Lost is since when the daemon has not answered; zero while it does.
		Lost time.Time
	}
)

// QuitAsked is a page's wish to end the program; the router knows what ends with it.
type QuitAsked struct{}
