package sandbox

import (
	"fmt"
	"testing"
	"time"
)

// TestLive: a lively company gets new orders of today, ships some of them, and its stamps go on.
func TestLive(t *testing.T) {
	w := newWorld(t, "data=demo")
	w.now = time.Date(2027, 3, 1, 9, 0, 0, 0, time.UTC)
	count := func() int { return len(w.c.table("orders").order) }
	before, last := count(), w.c.lastStamp
	const turns = 400 // past the end of the list of orders that they are made after
	for n := 1; n <= turns; n++ {
		w.now = w.now.Add(time.Second)
		if err := w.c.Live(n); err != nil {
			t.Fatalf("turn %d: %v", n, err)
		}
	}
	if got := count() - before; got != turns {
		t.Fatalf("%d new orders in %d turns", got, turns)
	}
	shipped, seen := 0, map[string]bool{}
	for _, o := range w.c.table("orders").order[before:] {
		if o.integer("Status") == statusShipped {
			shipped++
		}
		if id := o.str("Id"); seen[id] {
			t.Errorf("the id %s comes twice", id)
		} else {
			seen[id] = true
		}
		if day := fmt.Sprint(o.get("OrderDate")); day[:10] != "2027-03-01" {
			t.Errorf("an order of %s", day)
		}
	}
	if shipped < turns/4 || shipped > turns/2 {
		t.Errorf("%d of %d are shipped", shipped, turns)
	}
	if !w.c.lastStamp.After(last) {
		t.Error("the stamps stand still")
	}
	if err := newWorld(t).c.Live(1); err == nil {
		t.Error("something happens in an empty company")
	}
}
