package scenario

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/pomost/pomost/internal/harness"
	"github.com/pomost/pomost/sdk/decimal"
	kit "github.com/pomost/pomost/sdk/sandbox"
)

// stocked is what a test entered of one article in AccountView.
type stocked struct{ price, available, reserved string }

// TestItemsUnderFaults edits prices and quantities at random between runs of the products and the stock flow, while writes to eAccounting fail
// in all ways. Once nothing fails any more, both systems agree to the cent and to the piece, no article is there twice, and another run neither
// writes nor looks at an article.
func TestItemsUnderFaults(t *testing.T) {
	for i, dialects := range [][2]string{{"default", "reservations,article_rich"}, {"no_list_filters", "reservations,article_rich,px2,http_errors"}, {"stamp_seconds", "reservations,missing_key,single_object"}} {
		t.Run(dialects[0]+"_"+dialects[1], func(t *testing.T) {
			t.Parallel()
			rnd := rand.New(rand.NewPCG(uint64(i+1), 3))
			w, err := harness.New(t.Context(), harness.Options{Dir: t.TempDir(), Judged: true, Today: time.Date(2026, 6, 15, 10, 0, 0, 0, time.UTC),
				EA: kit.Options{Set: map[string]string{"dialect": dialects[0]}}, AV: kit.Options{Set: map[string]string{"dialect": dialects[1]}}})
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() {
				if err := w.Close(); err != nil {
					t.Error(err)
				}
			})
			w.EASettings["settle_time"] = "100ms"
			w.Flows = map[string]harness.FlowSetup{"products": {Recipe: "products", Source: "books"}, "stock": {Recipe: "stock", Source: "books"}}
			if err := w.Apply(t.Context(), nil); err != nil {
				t.Fatal(err)
			}
			articles := map[string]stocked{}
			for round := range 5 {
				if err := w.Later(t.Context(), time.Minute); err != nil {
					t.Fatal(err)
				}
				for n := range 6 {
					code := fmt.Sprintf("ART%d", n)
					a, there := articles[code]
					if there && rnd.IntN(2) == 0 {
						continue
					}
					a.price, a.available, a.reserved = fmt.Sprintf("%d.%02d", rnd.IntN(100), rnd.IntN(100)), fmt.Sprint(rnd.IntN(50)), fmt.Sprint(rnd.IntN(5))
					fields := harness.Object{"PX_SELL": a.price, "QTY_AVAIL": a.available, "K1_AFGEZ": a.reserved}
					if there {
						_, err = w.AV.Change(t.Context(), "AK1", code, "", fields)
					} else {
						fields["ART_CODE"], fields["ART_DESC1"] = code, "Article "+code
						_, err = w.AV.Insert(t.Context(), "AK1", "", fields)
					}
					if err != nil {
						t.Fatal(err)
					}
					articles[code] = a
				}
				for _, do := range []string{"lost-reply", "drop", "status:503", "truncate", "garbage"} {
					if rnd.IntN(2) == 0 {
						continue
					}
					f := kit.Fault{Match: []string{"POST /v2/articles", "PUT /v2/articles"}[rnd.IntN(2)], Skip: rnd.IntN(3), Times: 1, Do: do}
					if err := w.EA.AddFault(f); err != nil {
						t.Fatal(err)
					}
				}
				w.Service.Run(t.Context(), w.Names(), nil) // whatever becomes of it
				if err := w.EA.ClearFaults(); err != nil {
					t.Fatal(err)
				}
				// What was refused for a passing reason is taken up again by itself; what waits for a person after a lost answer is none here.
				for _, quiet := range []bool{false, true} {
					av, ea := len(w.AV.Log()), len(w.EA.Log())
					res := w.Service.Run(t.Context(), w.Names(), nil)
					if res.Error != nil || res.Exit() != 0 {
						records, _ := w.Records(t.Context())
						t.Fatalf("round %d: exit %d, %v %+v", round, res.Exit(), res.Error, records)
					}
					if !quiet {
						continue
					}
					for _, c := range w.EA.Calls(ea) {
						if harness.Subject(c) == "articles" {
							t.Errorf("round %d: a run without news calls %s %s", round, c.Method, c.Path)
						}
					}
					if writes := w.AV.Writes(av); len(writes) > 0 {
						t.Errorf("round %d: wrote %v into the books", round, writes)
					}
				}
				agree(t, w, articles)
			}
		})
	}
}

// agree compares eAccounting's articles with what was entered.
func agree(t *testing.T, w *harness.World, articles map[string]stocked) {
	t.Helper()
	all, err := w.EA.All(t.Context(), "/articles")
	if err != nil {
		t.Fatal(err)
	}
	if len(all) != len(articles) {
		t.Errorf("%d articles, want %d", len(all), len(articles))
	}
	for _, got := range all {
		a := articles[fmt.Sprint(got["Number"])]
		net := decimal.MustParse(a.price)
		gross := net.Mul(decimal.MustParse("1.21")).Round(2)
		shelf := decimal.MustParse(a.available).Sub(decimal.MustParse(a.reserved))
		if shelf.Sign() < 0 {
			shelf = decimal.Zero
		}
		for field, want := range map[string]decimal.Decimal{"NetPrice": net, "GrossPrice": gross, "StockBalance": shelf} {
			if have := decimal.MustParse(fmt.Sprint(got[field])); !have.Equal(want) {
				t.Errorf("%v: %s is %s, want %s", got["Number"], field, have, want)
			}
		}
	}
}

// TestStockCallsNothingForWhatIsUnchanged counts: many articles, of which one changed, cost the look-up and the write of that one.
func TestStockCallsNothingForWhatIsUnchanged(t *testing.T) {
	t.Parallel()
	w := newWorld(t, map[string]string{"stock": "formula: available\nin_flight: false"})
	for n := range 30 {
		code := fmt.Sprintf("A%d", n)
		if err := w.do("ea POST articles " + code); err != nil {
			t.Fatal(err)
		}
		if err := w.do("av POST AK1 " + code + " {QTY_AVAIL: 5}"); err != nil {
			t.Fatal(err)
		}
	}
	run := func() []string {
		since := len(w.EA.Log())
		if res := w.Service.Run(t.Context(), w.Names(), nil); res.Exit() != 0 {
			t.Fatalf("exit %d: %v", res.Exit(), res.Error)
		}
		var calls []string
		for _, c := range w.EA.Calls(since) {
			if harness.Subject(c) == "articles" {
				calls = append(calls, c.Method)
			}
		}
		return calls
	}
	run()
	if calls := run(); len(calls) != 0 {
		t.Errorf("nothing changed, and there were calls: %v", calls)
	}
	if err := w.do("av PUT AK1 A7 {QTY_AVAIL: 6}"); err != nil {
		t.Fatal(err)
	}
	// Looked up, read in the same breath as it is written, read back.
	if calls := strings.Join(run(), " "); calls != strings.Join([]string{http.MethodGet, http.MethodGet, http.MethodPut, http.MethodGet}, " ") {
		t.Errorf("one changed: %s", calls)
	}
}
