package storetest

import (
	"fmt"
	"maps"
	"testing"

	"github.com/pomost/pomost/host/store"
)

// a link between customer n of the shop and debtor n of the books.
func link(n int) store.Link {
	return store.Link{A: end("shop", "customer", n), B: end("books", "AR1", n), Kind: "customer", Source: fingerprintOf(fmt.Sprint(n)),
		Sent: map[string]string{"ACCT_NAME": "a1b2"}, Observed: map[string]string{"ACCT_NAME": "A1B2", "TEL": ""},
		Verified: "verified", Created: at(1), Updated: at(1)}
}

func put(t *testing.T, s store.Store, links ...store.Link) {
	t.Helper()
	ok(t, s.Commit(t.Context(), store.Change{Links: links}))
}

func linkOf(t *testing.T, s store.Store, e store.End, other string) store.Link {
	t.Helper()
	links := must(s.Links(t.Context(), []store.End{e}, other))(t)
	if len(links) != 1 {
		t.Fatalf("%d links for one end", len(links))
	}
	return links[0]
}

func linksFromBothEnds(t *testing.T, s store.Store) {
	l := link(1)
	put(t, s, l, link(2))
	fromA := linkOf(t, s, l.A, "books")
	if fromA.ID == 0 {
		t.Fatal("no link from the source's end")
	}
	l.ID = fromA.ID
	same(t, "link from A", fromA, l)
	same(t, "link from B", linkOf(t, s, l.B, "shop"), l)
	for name, e := range map[string]struct {
		end   store.End
		other string
	}{
		"another key":              {end("shop", "customer", 3), "books"},
		"another object":           {store.End{Connection: "shop", Object: "order", Key: l.A.Key}, "books"},
		"another connection":       {store.End{Connection: "shop2", Object: "customer", Key: l.A.Key}, "books"},
		"another pair":             {l.A, "books2"},
		"its own connection":       {l.A, "shop"},
		"B's end from its own":     {l.B, "books"},
		"keys differ by case":      {store.End{Connection: "shop", Object: "customer", Key: "CUSTOMER-1"}, "books"},
		"keys differ by a space":   {store.End{Connection: "shop", Object: "customer", Key: l.A.Key + " "}, "books"},
		"no key":                   {store.End{Connection: "shop", Object: "customer"}, "books"},
		"a connection nobody knew": {store.End{Connection: "x", Object: "y", Key: "z"}, "w"},
	} {
		same(t, name, linkOf(t, s, e.end, e.other), store.Link{})
	}
	ends := []store.End{end("shop", "customer", 9), end("shop", "customer", 2), l.B, l.A, l.A}
	var ids []int64
	for _, x := range must(s.Links(t.Context(), ends, "books"))(t) {
		ids = append(ids, x.ID)
	}
	same(t, "IDs in the order of the ends", ids, []int64{0, linkOf(t, s, link(2).A, "books").ID, 0, l.ID, l.ID})
	same(t, "links of no ends", must(s.Links(t.Context(), nil, "books"))(t), []store.Link{})
}

func linksAreReplaced(t *testing.T, s store.Store) {
	put(t, s, link(1))
	before := linkOf(t, s, link(1).A, "books")

	l := link(1) // without its ID: the same two records
	l.Created, l.Updated, l.Source, l.Sent, l.Observed, l.Verified = at(9), at(9), fingerprintOf("new"), nil, map[string]string{"X": "y"}, "differs"
	put(t, s, l)
	want := l // what other flows remember in it stays
	want.ID, want.Created, want.Sent = before.ID, before.Created, before.Sent
	want.Observed = maps.Clone(before.Observed)
	want.Observed["X"] = "y"
	same(t, "link put again", linkOf(t, s, l.A, "books"), want)

	moved := link(1) // the bookkeeper merged the debtor: the same source record, another destination
	moved.B.Key = "AR1-77"
	put(t, s, moved)
	moved.ID = before.ID
	same(t, "moved link from A", linkOf(t, s, moved.A, "books"), moved)
	same(t, "moved link from B", linkOf(t, s, moved.B, "shop"), moved)
	same(t, "nothing left at the old B", linkOf(t, s, link(1).B, "shop"), store.Link{})

	turned := moved // now the books are the source
	turned.ID, turned.A, turned.B, turned.Updated = 0, moved.B, moved.A, at(12)
	put(t, s, turned)
	turned.ID = before.ID
	same(t, "turned link from its A", linkOf(t, s, turned.A, "shop"), turned)
	same(t, "turned link from its B", linkOf(t, s, turned.B, "books"), turned)

	byID := link(5)
	byID.ID = before.ID
	put(t, s, byID)
	same(t, "link put by its ID", linkOf(t, s, byID.B, "shop"), byID)
	same(t, "nothing left at the old ends", linkOf(t, s, turned.A, "shop"), store.Link{})

	unknown := link(6)
	unknown.ID = 4711
	is(t, s.Commit(t.Context(), store.Change{Links: []store.Link{unknown}}), store.ErrNotFound)
}

// Many customers may hang on one collective debtor, and one record may have links into several connections.
func linksOfOneEnd(t *testing.T, s store.Store) {
	one, two := link(1), link(2)
	two.B = one.B
	elsewhere := link(1)
	elsewhere.B.Connection = "archive"
	invoice := link(1)
	invoice.A.Object = "invoice"
	invoice.B = end("books", "DJ2", 1)
	put(t, s, one, two, elsewhere, invoice)
	same(t, "first customer", linkOf(t, s, one.A, "books").B, one.B)
	same(t, "second customer", linkOf(t, s, two.A, "books").B, one.B)
	same(t, "the debtor's oldest", linkOf(t, s, one.B, "shop").A, one.A)
	same(t, "into the archive", linkOf(t, s, one.A, "archive").B, elsewhere.B)
	same(t, "another object", linkOf(t, s, invoice.A, "books").B, invoice.B)
	own := link(8)
	own.A, own.B = one.B, end("shop", "customer", 8)
	put(t, s, own)
	same(t, "the one it is the source of", linkOf(t, s, one.B, "shop").B, own.B)
}

func linksByTheThousand(t *testing.T, s store.Store) {
	const n = 2500
	var links []store.Link
	var ends []store.End
	for i := range n {
		l := link(i)
		links = append(links, l)
		if i%2 == 0 {
			ends = append(ends, l.A)
		} else {
			ends = append(ends, store.End{Connection: "shop", Object: "customer", Key: fmt.Sprint("missing ", i)})
		}
	}
	put(t, s, links...)
	for i, l := range must(s.Links(t.Context(), ends, "books"))(t) {
		if (i%2 == 0) != (l.ID != 0 && l.A == ends[i]) {
			t.Fatalf("end %d: %+v", i, l)
		}
	}
}
