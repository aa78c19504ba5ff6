package ui

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode"

	tea "charm.land/bubbletea/v2"
	"pgregory.net/rapid"
)

// plainWords says texts as they are.
type plainWords struct{}

func (plainWords) Language() string { return "en" }

func (plainWords) T(text string, args ...any) string {
	if len(args) == 0 {
		return text
	}
	return fmt.Sprintf(text, args...)
}

func TestClean(t *testing.T) {
	for in, want := range map[string]string{
		"plain":                         "plain",
		"Żółć 株式会社":                     "Żółć 株式会社",
		"a\tb\r\nc":                     "a b  c",
		"\x1b[31mred\x1b[0m":            "red",
		"\x1b]0;title\x07x":             "x",
		"\u202eevil\u2066":              "evil",
		"👩\u200d👩\u200d👧":               "👩👩👧",
		"👍🏽 ❤\ufe0f 🇳🇱":                 "👍 ❤ NL",
		"\x00\x7f\u0085bell\a":          "bell",
		"broken \xff utf":               "broken \uFFFD utf",
		"zero\u200bwidth soft\u00adhyp": "zerowidth softhyp",
	} {
		if got := Clean(in); got != want {
			t.Errorf("Clean(%q) = %q, want %q", in, got, want)
		}
	}
}

// TestCleanTextSteersNothing: whatever comes, no control byte is left, and cutting and padding keep the width.
func TestCleanTextSteersNothing(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := Clean(string(rapid.SliceOf(rapid.Byte()).Draw(t, "bytes")) + rapid.String().Draw(t, "text"))
		for _, r := range s {
			if unicode.IsControl(r) || unicode.Is(unicode.Cf, r) {
				t.Fatalf("%q is left in %q", r, s)
			}
		}
		if again := Clean(s); again != s {
			t.Fatalf("cleaned twice it differs: %q, %q", s, again)
		}
		n := rapid.IntRange(0, 30).Draw(t, "width")
		if w := Width(Cut(s, n)); w > n {
			t.Fatalf("Cut(%q, %d) has %d cells", s, n, w)
		}
		for _, p := range []string{Pad(s, n), PadLeft(s, n)} {
			if w := Width(p); w != n {
				t.Fatalf("padded to %d, %q has %d cells", n, p, w)
			}
		}
		for _, l := range Wrap(s, max(n, 2)) {
			if w := Width(l); w > max(n, 2) {
				t.Fatalf("wrapped at %d, %q has %d cells", n, l, w)
			}
		}
	})
}

func TestTimes(t *testing.T) {
	now := time.Date(2026, 11, 23, 14, 5, 0, 0, time.UTC)
	for ago, want := range map[time.Duration]string{0: "just now", 59 * time.Second: "just now", 90 * time.Second: "1 min ago", 5 * time.Hour: "5 h ago", 47 * time.Hour: "47 h ago", 72 * time.Hour: "3 days ago", -time.Hour: "just now"} {
		if got := Ago(plainWords{}, now, now.Add(-ago)); got != want {
			t.Errorf("%v ago is %q, want %q", ago, got, want)
		}
	}
	for in, want := range map[time.Duration]string{-time.Second: "now", time.Second: "in 1 s", 59500 * time.Millisecond: "in 60 s", 61 * time.Second: "in 2 min", 3 * time.Hour: "in 3 h", 49 * time.Hour: "in 2 days"} {
		if got := In(plainWords{}, now, now.Add(in)); got != want {
			t.Errorf("in %v is %q, want %q", in, got, want)
		}
	}
	if got := Ago(plainWords{}, now, time.Time{}) + In(plainWords{}, now, time.Time{}) + Moment(now, time.Time{}); got != "never" {
		t.Errorf("no time is %q", got)
	}
	for d, want := range map[time.Duration]string{0: "0:00", 41 * time.Second: "0:41", 3723 * time.Second: "1:02:03"} {
		if got := Took(d); got != want {
			t.Errorf("%v took %q, want %q", d, got, want)
		}
	}
	if got := Moment(now, now.Add(-time.Hour)) + " " + Moment(now, now.AddDate(0, 0, -1)); got != "13:05:00 2026-11-22 14:05" {
		t.Errorf("moments are %q", got)
	}
	if got := Thousands(0) + Thousands(-999) + " " + Thousands(1234567) + " " + Thousands(-1000); got != "0-999 1,234,567 -1,000" {
		t.Errorf("thousands are %q", got)
	}
}

func rows(ids ...string) []Row {
	var out []Row
	for _, id := range ids {
		out = append(out, Row{ID: id, Heading: strings.HasPrefix(id, "#"), Cells: []Cell{{Text: id}, {Text: "more of " + id}}})
	}
	return out
}

func TestTableSelection(t *testing.T) {
	tb := NewTable(Column{Width: 5}, Column{Width: 10, Priority: 1})
	check := func(what, want string) {
		t.Helper()
		if got := tb.Selected(); got != want {
			t.Errorf("%s: selected is %q, want %q", what, got, want)
		}
	}
	check("empty", "")
	tb.Move(1)
	tb.SetRows(rows("#x", "a", "b", "#y", "c"))
	check("first", "a")
	tb.Move(2)
	check("over a heading", "c")
	tb.Move(-1)
	check("back over it", "b")
	tb.SetRows(rows("#y", "z", "c", "#x", "b", "a"))
	check("by name", "b")
	tb.SetRows(rows("#y", "z", "c", "#x", "a"))
	check("what is there now", "a")
	tb.Move(-99)
	check("top", "z")
	tb.Move(99)
	check("bottom", "a")
	tb.Mark()
	tb.MarkAll()
	if len(tb.Marked) != 3 {
		t.Errorf("%d are marked", len(tb.Marked))
	}
	tb.SetRows(rows("#y", "z"))
	if len(tb.Marked) != 1 || !tb.Marked["z"] {
		t.Errorf("marked is %v", tb.Marked)
	}
	tb.SetRows(nil)
	check("empty again", "")
	tb.Mark()
}

// TestTableView: the selected row is always seen, lines are as wide as asked, and hidden columns go by their priority.
func TestTableView(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		tb := NewTable(Column{Title: "one", Width: rapid.IntRange(1, 20).Draw(t, "w1")}, Column{Title: "two", Width: rapid.IntRange(1, 20).Draw(t, "w2"), Grow: 1, Priority: 2},
			Column{Title: "three", Width: rapid.IntRange(1, 20).Draw(t, "w3"), Grow: 3, Priority: 1, Right: true})
		var list []Row
		for i := range rapid.IntRange(1, 50).Draw(t, "rows") {
			list = append(list, Row{ID: fmt.Sprintf("row%02d", i), Heading: i > 0 && rapid.IntRange(0, 5).Draw(t, "kind") == 0, Cells: []Cell{{Text: fmt.Sprintf("%02d", i)}, {Text: Clean(rapid.String().Draw(t, "cell"))}, {Text: "3"}}})
		}
		tb.SetRows(list)
		for range rapid.IntRange(1, 12).Draw(t, "moves") {
			tb.Move(rapid.IntRange(-20, 20).Draw(t, "by"))
			w, h := rapid.IntRange(4, 90).Draw(t, "width"), rapid.IntRange(1, 20).Draw(t, "height")
			view := tb.View(NewStyles(Theme{Plain: true}), w, h)
			lines := strings.Split(view, "\n")
			if len(lines) > h {
				t.Fatalf("%d lines of %d", len(lines), h)
			}
			seen := false
			for _, l := range lines {
				if Width(l) != w {
					t.Fatalf("%q has %d cells of %d", l, Width(l), w)
				}
				seen = seen || strings.Contains(l, SymbolHere)
			}
			if !seen {
				t.Fatalf("the selected row %s is not seen:\n%s", tb.Selected(), view)
			}
		}
	})
	tb := NewTable(Column{Title: "one", Width: 10}, Column{Title: "two", Width: 10, Priority: 2}, Column{Title: "three", Width: 10, Priority: 1})
	tb.SetRows(rows("a"))
	for width, want := range map[int]string{40: "one two three", 30: "one three", 20: "one"} {
		head, _, _ := strings.Cut(tb.View(NewStyles(Theme{Plain: true}), width, 5), "\n")
		if got := strings.Join(strings.Fields(strings.ReplaceAll(strings.ReplaceAll(head, "\x1b[m", ""), "\x1b[1m", "")), " "); got != want {
			t.Errorf("at %d the columns are %q, want %q", width, got, want)
		}
	}
}

func key(s string) tea.KeyPressMsg {
	for name, code := range map[string]rune{"left": tea.KeyLeft, "right": tea.KeyRight, "home": tea.KeyHome, "end": tea.KeyEnd, "backspace": tea.KeyBackspace, "delete": tea.KeyDelete} {
		if s == name {
			return tea.KeyPressMsg{Code: code}
		}
	}
	if rest, ok := strings.CutPrefix(s, "ctrl+"); ok {
		return tea.KeyPressMsg{Code: rune(rest[0]), Mod: tea.ModCtrl}
	}
	return tea.KeyPressMsg{Code: []rune(s)[0], Text: s}
}

func TestInput(t *testing.T) {
	for _, tc := range []struct{ start, keys, want string }{
		{"", "ż ó ł w", "żółw"},
		{"abc", "left left X", "aXbc"},
		{"abc", "home delete end backspace", "b"},
		{"one two", "ctrl+w", "one "},
		{"one two", "ctrl+u", ""},
		{"one two", "left ctrl+w", "one o"},
		{"", "backspace delete left right x", "x"},
	} {
		var i Input
		i.Set(tc.start)
		for k := range strings.FieldsSeq(tc.keys) {
			i.Key(key(k))
		}
		if i.Value() != tc.want {
			t.Errorf("%q then %s is %q, want %q", tc.start, tc.keys, i.Value(), tc.want)
		}
	}
	var i Input
	i.Insert("two\nlines\x1b[2J" + strings.Repeat("x", 2*maxInput))
	if !strings.HasPrefix(i.Value(), "two lines") || len(i.Value()) > maxInput {
		t.Errorf("pasted was %.40q with %d bytes", i.Value(), len(i.Value()))
	}
	for w := range 30 {
		for _, focus := range []bool{true, false} {
			if got := Width(i.View(NewStyles(Theme{}), w, focus)); got != w {
				t.Errorf("drawn in %d cells it has %d", w, got)
			}
		}
	}
}

func TestRank(t *testing.T) {
	best := func(query string, texts ...string) string {
		found, least := "", 1<<30
		for _, text := range texts {
			if score, ok := Rank(text, query); ok && score < least {
				found, least = text, score
			}
		}
		return found
	}
	for query, want := range map[string]string{"orders run": "Flow orders: run now", "ofr": "Open for records", "stock": "Flow stock: open", "xyz": ""} {
		if got := best(query, "The record is ordered by somebody", "Flow orders: open", "Flow orders: run now", "Flow stock: open", "Open for records"); got != want {
			t.Errorf("%q finds %q, want %q", query, got, want)
		}
	}
}

func TestKeys(t *testing.T) {
	if twice := DefaultKeys().Twice(); len(twice) > 0 {
		t.Errorf("the keys that come with the program clash: %v", twice)
	}
	for name, tc := range map[string]struct{ text, want string }{
		"own":        {"dashboard:\n  run: [ctrl+r, F]\n", ""},
		"missing":    {"", ""},
		"unknown":    {"dashboard:\n  fly: [x]\n", "there is no action dashboard.fly"},
		"page":       {"cockpit:\n  run: [x]\n", "there is no action cockpit.run"},
		"clash":      {"dashboard:\n  run: [p]\n", "the key p does dashboard.pause and dashboard.run"},
		"everywhere": {"flow:\n  run: [\"?\"]\n", "the key ? does flow.run and global.help"},
		"none":       {"dashboard:\n  run: []\n", "dashboard.run has no key"},
		"no yaml":    {"dashboard: [", "read the keys"},
		"too large":  {strings.Repeat("# x\n", maxKeys/4+1), "are allowed"},
	} {
		file := filepath.Join(t.TempDir(), "keys.yaml")
		if name != "missing" {
			if err := os.WriteFile(file, []byte(tc.text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		k, err := ReadKeys(file)
		switch {
		case tc.want == "" && err != nil, tc.want != "" && (err == nil || !strings.Contains(err.Error(), tc.want)):
			t.Errorf("%s: the error is %v, want %q", name, err, tc.want)
		case name == "own" && (k.Of("dashboard", "run")[0] != "ctrl+r" || k.Of("flow", "run")[0] != "r"):
			t.Errorf("own keys are %v", k)
		}
	}
	if (Keys{}).Of("global", "help")[0] != "?" {
		t.Error("the zero value has no keys")
	}
}

// TestTableSorts: by the columns that offer it and are seen, either way, below their headings; the selection stays with its row.
func TestTableSorts(t *testing.T) {
	table := NewTable(Column{Title: "name", Width: 6, Order: Up}, Column{Title: "why", Width: 4}, Column{Title: "since", Width: 5, Order: Down, Priority: 1})
	row := func(id, name string, since int64) Row {
		return Row{ID: id, Cells: []Cell{{Text: name}, {Text: "x"}, {Text: "ago", Rank: since}}}
	}
	rows := []Row{row("a", "1001", 5), {ID: "h", Heading: true}, row("b", "990", 7), row("c", "B-2", 9), row("d", "b-010", 8), row("e", "b-2", 8)}
	order := func() string {
		var ids []string
		for _, r := range table.rows {
			ids = append(ids, r.ID)
		}
		return strings.Join(ids, "")
	}
	table.SetRows(rows)
	table.Select("d")
	st := NewStyles(Theme{Plain: true})
	table.View(st, 40, 10)
	for i, want := range []string{"ahbced", "ahcdeb", "ahbcde", "ahbced"} { // the column between them offers no sorting
		table.SortNext()
		if order() != want || table.Selected() != "d" {
			t.Errorf("%d: %s, want %s; %s is selected", i, order(), want, table.Selected())
		}
	}
	table.SortReverse()
	table.SetRows(rows)
	if head, _, _ := strings.Cut(table.View(st, 40, 10), "\n"); order() != "ahdceb" || !strings.Contains(head, "name ▼") {
		t.Errorf("turned round it is %s below %q", order(), head)
	}
	table.View(st, 14, 10) // the last column is hidden: it is not sorted by
	table.SortNext()
	if table.SortReverse(); table.Sorted() || order() != "ahbcde" {
		t.Errorf("%s", order())
	}
	if !table.Sortable() || NewTable(Column{Title: "x"}).Sortable() {
		t.Error("which tables can be sorted")
	}
	if natural("a007", "a7") != 0 || natural("a", "a1") >= 0 || natural("10", "9") <= 0 {
		t.Error("numbers in texts")
	}
}
