package sandbox

import (
	"fmt"
	"testing"
	"time"
)

// TestHundredThousand keeps calls to a large company about as cheap as those to a small one. Writes are compared with a small company's, since
// a machine can be slow as a whole: while a number was looked for from end to end, a create took a hundred times as long.
func TestHundredThousand(t *testing.T) {
	const most = 40
	small, large := costs(t, 100), costs(t, 100_000)
	for what, c := range large {
		t.Logf("%s: %v among 100,000, %v among 100", what, c, small[what])
	}
	if large["a create"] > most*small["a create"]+time.Millisecond || large["an update"] > most*small["an update"]+5*time.Millisecond {
		t.Errorf("writes slow down: %v, %v among few", large, small)
	}
	if large["a look-up by number"] > 5*time.Second || large["a page of changes"] > 5*time.Second {
		t.Errorf("lists are slow: %v", large)
	}
}

// costs are the times of a call to a company of so many customers, the shortest of several.
func costs(t *testing.T, customers int) map[string]time.Duration {
	w := newWorld(t)
	w.judge = nil
	all := w.c.table("customers")
	original := all.byID[w.customer()["Id"].(string)]
	for i := range customers {
		r := original.clone()
		r.with("Id", w.c.newID(), "CustomerNumber", fmt.Sprint("N", i), "ChangedUtc", w.c.stamp())
		all.add(r)
	}
	out := map[string]time.Duration{}
	took := func(what string, calls int, do func(i int)) {
		for i := range calls {
			begin := time.Now()
			do(i)
			if d := time.Since(begin); i == 0 || d < out[what] {
				out[what] = d
			}
		}
	}
	var last obj
	took("a create", 20, func(int) { last = w.customer() })
	took("an update", 20, func(i int) {
		w.ok(200, "PUT", "/customers/"+fmt.Sprint(last["Id"]), w.customerBody(obj{"Note": fmt.Sprint(i)}))
	})
	took("a look-up by number", 3, func(i int) { w.filtered("/customers", fmt.Sprintf("CustomerNumber eq 'N%d'", 7*i)) })
	stamp, _ := all.order[customers/2].time("ChangedUtc")
	took("a page of changes", 2, func(int) {
		w.ok(200, "GET", "/customers?$pagesize=1000&$orderby=ChangedUtc&$filter=ChangedUtc%20ge%20"+stamp.Format(instantLayout), nil)
	})
	return out
}
