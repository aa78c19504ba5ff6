package sandbox

import (
	"fmt"
	"testing"
	"time"
)

// TestHundredThousand keeps calls to a large company as cheap as those to a small one; the bounds are far above what is measured, and far
// below what they were when a number was looked for from end to end.
func TestHundredThousand(t *testing.T) {
	w := newWorld(t)
	w.judge = nil
	first := w.c.table("customers")
	original := first.byID[w.customer()["Id"].(string)]
	for i := range 100_000 {
		r := original.clone()
		r.with("Id", newUUID(), "CustomerNumber", fmt.Sprint("N", i), "ChangedUtc", w.c.stamp())
		first.add(r)
	}
	took := func(what string, most time.Duration, calls int, do func(i int)) {
		begin := time.Now()
		for i := range calls {
			do(i)
		}
		each := time.Since(begin) / time.Duration(calls)
		t.Logf("%s: %v", what, each)
		if each > most {
			t.Errorf("%s takes %v, want at most %v", what, each, most)
		}
	}
	var last obj
	took("a create", 2*time.Millisecond, 100, func(int) { last = w.customer() })
	took("an update", 5*time.Millisecond, 100, func(i int) {
		w.ok(200, "PUT", "/customers/"+fmt.Sprint(last["Id"]), w.customerBody(obj{"Note": fmt.Sprint(i)}))
	})
	took("a look-up by number", 200*time.Millisecond, 5, func(i int) { w.filtered("/customers", fmt.Sprintf("CustomerNumber eq 'N%d'", 777*i)) })
	stamp, _ := first.order[50_000].time("ChangedUtc")
	took("a page of changes", 400*time.Millisecond, 3, func(int) {
		w.ok(200, "GET", "/customers?$pagesize=1000&$orderby=ChangedUtc&$filter=ChangedUtc%20ge%20"+stamp.Format(instantLayout), nil)
	})
}
