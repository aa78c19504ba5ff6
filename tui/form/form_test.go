package form

import (
	"flag"
	"fmt"
	"strings"
	"testing"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/ansi"
	"github.com/google/go-cmp/cmp"

	"github.com/pomost/pomost/host/control"
	"github.com/pomost/pomost/tui/tuitest"
)

var _ = flag.Bool("update", false, "write the golden frames anew")

// page is a page that is a form and nothing else.
type page struct{ *Form }

func (page) Init() tea.Cmd { return nil }
func (page) Title() string { return "form" }
func (page) Leave() string { return "" }

func fill(t testing.TB, width, height int, fields ...control.Field) (d *tuitest.Driver, f *Form, sent *int) {
	t.Helper()
	f = New(tuitest.Env(t, tuitest.NewWorld()), fields)
	sent = new(int)
	f.Submit = func() tea.Cmd { *sent++; return nil }
	return tuitest.Drive(t, page{f}, width, height), f, sent
}

func values(t *testing.T, f *Form, want map[string]any) {
	t.Helper()
	if diff := cmp.Diff(want, f.Values()); diff != "" {
		t.Errorf("the values (-want +got):\n%s", diff)
	}
}

func TestValuesStayAsTheyAre(t *testing.T) {
	_, f, _ := fill(t, 80, 40, tuitest.EveryField()...)
	values(t, f, map[string]any{
		"order_status": []any{"ongoing", "shipped", "invoiced"}, "only_paid": false, "start_date": "2026-07-01", "reference": "number", "reference_prefix": "", "limit": "1000.00", "buffer": "",
		"shipping":      map[string]any{"articles": []any{"FREIGHT", "POST"}, "article": "900"},
		"payment_terms": map[string]any{"14 days": "14", "30 days": "30"},
		"tax_codes":     []any{map[string]any{"country": "NL", "rate": "21", "code": "1"}, map[string]any{"country": "NL", "rate": "7", "code": "2"}},
		"constants":     map[string]any{}, "callback": "", "wait": "2m",
	})
	if f.Dirty() {
		t.Error("nothing was changed, and it is dirty")
	}
}

func TestDependsOnIsLive(t *testing.T) {
	d, f, _ := fill(t, 80, 40, tuitest.EveryField()...)
	if strings.Contains(d.Screen(), "Card counts") {
		t.Fatal("it is asked before it may be")
	}
	d.Keys("tab space")
	if !strings.Contains(d.Screen(), "Card counts") || f.Values()["card_counts_as_paid"] != false || !f.Dirty() {
		t.Fatalf("it is not asked:\n%s", d.Screen())
	}
	d.Key("space")
	if _, ok := f.Values()["card_counts_as_paid"]; ok || f.Dirty() {
		t.Fatal("it is still answered")
	}
}

func TestErrorsAtTheirFields(t *testing.T) {
	d, f, sent := fill(t, 80, 24, control.Field{Key: "a", Label: "Amount", Type: "decimal"}, control.Field{Key: "n", Label: "Name", Type: "text", Required: true},
		control.Field{Key: "w", Label: "Wait", Type: "duration", Advanced: true})
	d.Type("abc")
	d.Key("down")
	if screen := d.Screen(); !strings.Contains(screen, "abc is no number: write it as 12.50") || strings.Contains(screen, "this is needed") {
		t.Fatalf("what was left is not checked, or what was not is:\n%s", screen)
	}
	d.Keys("up ctrl+u")
	if strings.Contains(d.Screen(), "no number") {
		t.Fatal("the error stays while one corrects it")
	}
	d.Type("12,5")
	d.Keys("ctrl+s")
	if screen := d.Screen(); *sent != 0 || !strings.Contains(screen, "▌Name *") || !strings.Contains(screen, "✗ this is needed") {
		t.Fatalf("the first error has not the cursor:\n%s", screen)
	}
	d.Type("x")
	d.Keys("enter enter down")
	if !strings.Contains(d.Screen(), "Wait") {
		t.Fatalf("the fold does not open:\n%s", d.Screen())
	}
	d.Type("5")
	d.Key("up")
	d.Key("enter") // folded again
	d.Key("ctrl+s")
	if screen := d.Screen(); *sent != 0 || !strings.Contains(screen, "▌Wait") || !strings.Contains(screen, "5 is no length of time") {
		t.Fatalf("an error that is folded away is not shown:\n%s", screen)
	}
	d.Keys("backspace ctrl+s")
	if *sent != 1 {
		t.Fatalf("it is not sent:\n%s", d.Screen())
	}
	values(t, f, map[string]any{"a": "12.5", "n": "x", "w": ""})
	f.SetProblems([]Problem{{"n", "is taken"}, {"", "and more"}, {"w", "is too long"}})
	if screen := d.Screen(); !strings.Contains(screen, "✗ and more") || !strings.Contains(screen, "▌Name *") || !strings.Contains(screen, "is taken") || !strings.Contains(screen, "is too long") {
		t.Fatalf("problems from the other side:\n%s", screen)
	}
}

func TestSecret(t *testing.T) {
	d, f, _ := fill(t, 80, 24, control.Field{Key: "s", Label: "Secret", Type: "text", Secret: true}, control.Field{Key: "x", Label: "X", Type: "text"})
	d.Send(tea.PasteMsg{Content: tuitest.Secret})
	if screen := d.Screen(); !strings.Contains(screen, "••••") { // Screen fails where the secret shows
		t.Fatalf("nothing shows that something was typed:\n%s", screen)
	}
	d.Key("ctrl+r")
	if !strings.Contains(ansi.Strip(f.View(80, 24)), tuitest.Secret) {
		t.Fatal("it cannot be looked at")
	}
	d.Key("down")
	d.Screen() // it hides when one leaves it
	values(t, f, map[string]any{"s": tuitest.Secret, "x": ""})
	d.Keys("up ctrl+u")
	if _, ok := f.Values()["s"]; ok {
		t.Fatal("an empty secret takes the kept one away")
	}
}

func TestChoices(t *testing.T) {
	var options []control.Option
	for i := range 30 {
		options = append(options, control.Option{Value: fmt.Sprint("v", i), Label: fmt.Sprint("Account ", i)})
	}
	d, f, sent := fill(t, 60, 20, control.Field{Key: "one", Label: "One", Type: "choice", Required: true, Options: options, Value: "v3"},
		control.Field{Key: "some", Label: "Some", Type: "choices", Options: options[:4], Value: []any{"v1", "old"}})
	d.Key("enter")
	if screen := d.Screen(); !strings.Contains(screen, "↓ ") || !strings.Contains(screen, "(x) Account 3") {
		t.Fatalf("the list is not open:\n%s", screen)
	}
	d.Type("nt 2")
	if screen := d.Screen(); !strings.Contains(screen, "11 of 30") {
		t.Fatalf("what is typed does not filter:\n%s", screen)
	}
	d.Keys("esc")
	if f.open == nil || f.open.filter.Value() != "" {
		t.Fatal("the first esc does not take the filter away alone")
	}
	d.Type("29")
	d.Keys("enter enter down space enter")
	if f.open != nil || *sent != 0 {
		t.Fatal("a list is open, or the form was sent")
	}
	values(t, f, map[string]any{"one": "v29", "some": []any{"v1", "v2", "old"}})
}

func TestTables(t *testing.T) {
	d, f, _ := fill(t, 80, 24, tuitest.EveryField()...)
	open := func(key string) {
		t.Helper()
		for _, it := range f.items {
			if it.Key == key {
				f.show(it)
				d.Key("enter")
				return
			}
		}
		t.Fatalf("no field %s", key)
	}
	open("tax_codes")
	d.Keys("down tab ctrl+u")
	d.Type("9.0")
	d.Keys("ctrl+n")
	d.Send(tea.PasteMsg{Content: "DE\t19\t3\r\nBE\t6\t4\n"})
	d.Keys("up up up ctrl+d esc")
	if got, want := f.Values()["tax_codes"], []any{map[string]any{"country": "NL", "rate": "9.0", "code": "2"}, map[string]any{"country": "DE", "rate": "19", "code": "3"},
		map[string]any{"country": "BE", "rate": "6", "code": "4"}}; !cmp.Equal(got, want) {
		t.Errorf("rows: %s", cmp.Diff(want, got))
	}
	open("payment_terms")
	d.Keys("ctrl+n")
	d.Type("14 days")
	d.Key("enter")
	d.Type("15")
	d.Keys("esc ctrl+s")
	if screen := d.Screen(); !strings.Contains(screen, "row 3: 14 days stands twice") {
		t.Errorf("what stands twice is not told:\n%s", screen)
	}
	open("shipping.articles")
	d.Keys("ctrl+d end")
	d.Type("-NL")
	d.Key("esc")
	if got, want := f.Values()["shipping"], map[string]any{"articles": []any{"POST-NL"}, "article": "900"}; !cmp.Equal(got, any(want)) {
		t.Errorf("the list: %s", cmp.Diff(any(want), got))
	}
}

func TestPasteIsNeverAKey(t *testing.T) {
	d, f, sent := fill(t, 80, 24, control.Field{Key: "b", Label: "B", Type: "bool"}, control.Field{Key: "c", Label: "C", Type: "choice", Options: []control.Option{{Value: "x"}}})
	before := f.Values()
	for range 3 {
		d.Send(tea.PasteMsg{Content: " \r\n\t\x13y "})
		d.Key("down")
	}
	if *sent != 0 || f.open != nil || !cmp.Equal(before, f.Values()) {
		t.Fatal("a paste did something")
	}
}

func TestFrames(t *testing.T) {
	for _, size := range [][2]int{{80, 24}, {120, 40}, {60, 20}} {
		d, f, _ := fill(t, size[0], size[1], tuitest.EveryField()...)
		for _, it := range f.items {
			if it.Key == "payment_terms" {
				f.show(it)
			}
		}
		d.Key("enter")
		d.Golden(fmt.Sprintf("table-%dx%d", size[0], size[1]))
		d.Keys("esc home ctrl+s")
		f.folded = false
		f.SetProblems([]Problem{{"tax_codes[1].rate", "7 % does not exist"}, {"", "something else is wrong"}, {"shipping.article", "the article does not exist in books"}})
		d.Golden(fmt.Sprintf("problems-%dx%d", size[0], size[1]))
	}
}
