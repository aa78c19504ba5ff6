package logview

import (
	"fmt"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/pomost/pomost/host/control"
	"github.com/pomost/pomost/tui/ui"
)

func entry(id int64) control.LogEntry {
	e := control.LogEntry{ID: id, Label: fmt.Sprint("N", id)}
	e.Flow = []string{"orders", "stock"}[id&1]
	e.Outcome = []string{"created", "held", "unchanged"}[((id%3)+3)%3]
	return e
}

// TestBuffer compares the ring with a plain list that is filtered afresh each time.
func TestBuffer(t *testing.T) {
	filters := []string{"", "held", "!held", "flow:orders", "~rdr", "re:^stock", "nothing-has-this", "flow:stock created"}
	rapid.Check(t, func(t *rapid.T) {
		const size = 7
		b := newBuffer(size)
		var model []control.LogEntry // what should be there
		filter, search := ui.Filter{}, ui.Filter{}
		newest, oldest := int64(0), int64(1)
		pick := func(label string) ui.Filter {
			f, err := ui.ParseFilter(rapid.SampledFrom(filters).Draw(t, label), fields...)
			if err != nil {
				t.Fatal(err)
			}
			return f
		}
		shown := func(f ui.Filter) (ids []int64) {
			for _, e := range model {
				if l := newLine(e); l.matches(filter) && l.matches(f) {
					ids = append(ids, e.ID)
				}
			}
			return ids
		}
		standing := func() int64 {
			if n, ok := b.current(); ok {
				return b.line(n).ID
			}
			return 0
		}
		t.Repeat(map[string]func(*rapid.T){
			"push": func(*rapid.T) {
				at, here := standing(), b.follow
				newest++
				b.push(entry(newest))
				model = append(model, entry(newest))
				if len(model) > size {
					model = model[1:]
				}
				if kept := slices.Contains(shown(ui.Filter{}), at); !here && kept && standing() != at {
					t.Fatalf("a new line moved the place from %d to %d", at, standing())
				}
			},
			"prepend": func(t *rapid.T) {
				n := rapid.IntRange(0, 4).Draw(t, "older")
				if len(model) == 0 {
					t.Skip("nothing to be older than")
				}
				oldest = model[0].ID - int64(n)
				var older []control.LogEntry
				for id := oldest; id < model[0].ID; id++ {
					older = append(older, entry(id))
				}
				at, gone := standing(), max(len(model)+n-size, 0)
				model = append(older, model...)[:len(model)+n-gone]
				if got := b.prepend(older); got != gone {
					t.Fatalf("%d lines went, want %d", got, gone)
				}
				if slices.Contains(shown(ui.Filter{}), at) && standing() != at {
					t.Fatalf("older lines moved the place from %d to %d", at, standing())
				}
				newest = model[len(model)-1].ID
			},
			"move": func(t *rapid.T) {
				n := rapid.IntRange(-4, 4).Draw(t, "n")
				ids, at := shown(ui.Filter{}), standing()
				b.move(n)
				if len(ids) > 0 {
					i := min(max(slices.Index(ids, at)+n, 0), len(ids)-1)
					if standing() != ids[i] {
						t.Fatalf("%d lines from %d is %d, want %d", n, at, standing(), ids[i])
					}
					if n > 0 && i == len(ids)-1 && !b.follow {
						t.Fatal("the end was reached and is not followed")
					}
				}
			},
			"end":    func(*rapid.T) { b.toEnd() },
			"pause":  func(*rapid.T) { b.pause() },
			"mark":   func(*rapid.T) { b.toggleMark() },
			"filter": func(t *rapid.T) { filter = pick("filter"); b.setFilter(filter) },
			"search": func(t *rapid.T) { search = pick("search"); b.setSearch(search) },
			"filter and back": func(t *rapid.T) {
				at, here := standing(), b.follow
				b.setFilter(pick("passing"))
				b.setFilter(filter)
				if !here && standing() != at {
					t.Fatalf("a filter that came and went moved the place from %d to %d", at, standing())
				}
			},
			"found": func(t *rapid.T) {
				ids := shown(search)
				if ok := b.nextFound(rapid.SampledFrom([]int{-1, 1}).Draw(t, "direction")); !search.Empty() && ok != (len(ids) > 0) {
					t.Fatalf("the search finds %v, and going there says %v", ids, ok)
				} else if ok && !slices.Contains(ids, standing()) {
					t.Fatalf("one stands on %d, which is none of %v", standing(), ids)
				}
			},
			"": func(t *rapid.T) {
				var got []int64
				for i := range b.count() {
					got = append(got, b.line(b.number(i)).ID)
				}
				if want := shown(ui.Filter{}); !slices.Equal(got, want) {
					t.Fatalf("shown are %v, want %v", got, want)
				}
				got = nil
				for _, n := range b.found {
					got = append(got, b.line(n).ID)
				}
				want := shown(search)
				if search.Empty() {
					want = nil
				}
				if !slices.Equal(got, want) {
					t.Fatalf("found are %v, want %v", got, want)
				}
				if len(b.marks) > b.len() {
					t.Fatalf("%d marks on %d lines", len(b.marks), b.len())
				}
				if b.len() > size || len(b.ring) > size {
					t.Fatalf("%d lines are kept", b.len())
				}
				if n := b.news(); n < 0 || n > b.count() || b.follow && n != 0 {
					t.Fatalf("%d of %d lines are new", n, b.count())
				}
				if b.follow && b.count() > 0 && b.here() != b.count()-1 {
					t.Fatalf("it follows and stands on %d of %d", b.here(), b.count())
				}
			},
		})
	})
}
