package bench

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pomost/pomost/host/control"
	"github.com/pomost/pomost/internal/harness"
	"github.com/pomost/pomost/sdk/sandbox/shop"
)

// year is the size of the shop whose year is carried over.
var year = shop.Options{Seed: 7, Customers: 200, Articles: 150, Orders: 500}

// pair starts both systems with a year of a shop, and applies the flow.
func pair(b testing.TB, connectors string) *harness.World {
	b.Helper()
	dir := b.TempDir()
	data, err := json.Marshal(shop.Generate(year))
	if err != nil {
		b.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "shop.json"), data, 0o600); err != nil {
		b.Fatal(err)
	}
	o := harness.Options{Dir: dir, Connectors: connectors}
	o.EA.Data, o.AV.Data = dir, dir
	w, err := harness.New(b.Context(), o)
	if err != nil {
		b.Fatal(err)
	}
	if err := w.Apply(b.Context(), map[string]any{"collective_account": "1210"}); err != nil {
		b.Fatal(err)
	}
	return w
}

func run(b *testing.B, w *harness.World) control.FlowResult {
	b.Helper()
	res, err := w.Run(b.Context())
	if err != nil {
		b.Fatal(err)
	}
	if res.Read != year.Orders {
		b.Fatalf("%d of %d orders were read", res.Read, year.Orders)
	}
	return res
}

// binaries is the folder of the connectors' binaries; without them the benchmark is left out.
func binaries(b *testing.B) string {
	b.Helper()
	dir := os.Getenv("POMOST_BIN")
	if dir == "" {
		b.Skip("LEFT OUT: POMOST_BIN names no folder with the connectors' binaries (make bench sets it)")
	}
	if _, err := os.Stat(filepath.Join(dir, "pomost-connector-accountview")); err != nil {
		b.Skipf("LEFT OUT: %v", err)
	}
	return dir
}

// BenchmarkOrders: the first run, which makes debtors, addresses and orders. One turn is a whole year of orders.
func BenchmarkOrders(b *testing.B) {
	for _, mode := range []string{"in_process", "plugins"} {
		b.Run(mode, func(b *testing.B) {
			connectors := ""
			if mode == "plugins" {
				connectors = binaries(b)
			}
			read, calls := 0, map[string]ratio{}
			b.ResetTimer()
			b.StopTimer()
			for range b.N {
				w := pair(b, connectors)
				b.StartTimer()
				res := run(b, w)
				b.StopTimer()
				read += res.Read
				calls = census(b, w, res)
				if err := w.Close(); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(perSecond(read, b), "orders/s")
			b.ReportMetric(0, "ns/op")
			if mode == "in_process" {
				for name, r := range calls {
					b.ReportMetric(r.per(r.made), "made."+name+"/order")
					b.ReportMetric(r.per(r.least), "least."+name+"/order")
				}
			}
		})
	}
}

// BenchmarkUnchanged: everything is read again, and nothing has changed.
func BenchmarkUnchanged(b *testing.B) {
	for _, mode := range []string{"in_process", "plugins"} {
		b.Run(mode, func(b *testing.B) {
			connectors := ""
			if mode == "plugins" {
				connectors = binaries(b)
			}
			w := pair(b, connectors)
			first := run(b, w)
			read := 0
			before := len(w.AV.Log())
			b.ResetTimer()
			for range b.N {
				b.StopTimer()
				if err := w.Rewind(b.Context()); err != nil {
					b.Fatal(err)
				}
				b.StartTimer()
				res := run(b, w)
				read += res.Read
				if res.Unchanged != first.Created+first.Updated+first.Unchanged || res.Held != first.Held {
					b.Fatalf("the second run did something else: %+v after %+v", res, first)
				}
			}
			b.StopTimer()
			if n := w.AV.Writes(before); len(n) > 0 {
				b.Fatalf("the second run wrote %v", n)
			}
			b.ReportMetric(perSecond(read, b), "records/s")
			b.ReportMetric(0, "ns/op")
			if err := w.Close(); err != nil {
				b.Fatal(err)
			}
		})
	}
}

// setup are the calls that a run makes once, however many records it has.
var setup = map[string]bool{"FLD": true, "ADL": true, "PER": true, "CMP1": true, "DJ1": true, "companies": true, "companysettings": true}

// keysAFind is how many keys one look-up takes in both systems as the connectors ask them; pageSize how many records one page has.
const (
	keysAFind = 20
	pageSize  = 1000
)

// ratio is a number of calls that were made and the least that would do, for a number of orders.
type ratio struct{ made, least, orders int }

// census counts the calls by object beside the least possible: one for a document that is written, one for a page that is read,
// one for as many keys as a look-up takes.
func census(b *testing.B, w *harness.World, res control.FlowResult) map[string]ratio {
	b.Helper()
	out := map[string]ratio{}
	add := func(name string, least int) {
		r := out[name]
		r.made++
		r.least, r.orders = least, res.Read
		out[name] = r
	}
	orders, err := w.EA.All(b.Context(), "/orders")
	if err != nil {
		b.Fatal(err)
	}
	customers, articles, places := map[string]bool{}, map[string]bool{}, map[string]bool{}
	for _, o := range orders {
		customers[fmt.Sprint(o["CustomerId"])] = true
		if o["DeliveryAddress1"] != nil && o["DeliveryAddress1"] != o["InvoiceAddress1"] {
			places[fmt.Sprint(o["CustomerId"])] = true
		}
		rows, _ := o["Rows"].([]any)
		for _, r := range rows {
			if n, ok := r.(harness.Object)["ArticleNumber"].(string); ok {
				articles[n] = true
			}
		}
	}
	pages := func(n, size int) int { return (n + size - 1) / size }
	least := map[string]int{
		"EA.GET.orders":    pages(len(orders), pageSize),
		"EA.GET.customers": pages(len(customers), keysAFind),
		"AV.GET.SO1":       pages(len(orders), keysAFind) + pages(res.Created, keysAFind), // is it there already; was it booked right
		"AV.GET.AR1":       pages(len(customers), keysAFind),
		"AV.GET.ADDR":      pages(len(places), keysAFind),
		"AV.GET.AK1":       pages(len(articles), keysAFind),
	}
	for side, s := range map[string]*harness.System{"EA": w.EA, "AV": w.AV} {
		// The census's own reading of all orders comes after the run, as the last calls of its side.
		calls := s.Calls(0)
		if side == "EA" {
			calls = calls[:len(calls)-pages(len(orders), pageSize)]
		}
		writes := s.Writes(0)
		for _, c := range calls {
			subject := harness.Subject(c)
			name := side + "." + c.Method + "." + subject
			switch {
			case setup[subject]:
				add(side+".once", 0)
			case c.Method != "GET":
				add(name, writes[c.Method+" "+subject])
			default:
				add(name, least[name])
			}
			add(side+".all", 0)
		}
		// What is asked once is needed; the least of all is the sum of the least.
		once, all := out[side+".once"], out[side+".all"]
		once.least = once.made
		all.least = once.least
		for name, r := range out {
			if strings.HasPrefix(name, side+".") && name != side+".all" && name != side+".once" {
				all.least += r.least
			}
		}
		out[side+".once"], out[side+".all"] = once, all
	}
	return out
}
