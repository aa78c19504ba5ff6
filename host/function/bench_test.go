package function

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/pomost/pomost/sdk/record"
)

// BenchmarkFunction is the shipped function through its worker, batches of 1,000.
func BenchmarkFunction(b *testing.B) {
	modules, cache := shipped(b)
	p := open(b, func(o *Options) { o.Shipped, o.Cache = modules, cache })
	columns := []Column{{Name: "street"}, {Name: "country"}}
	streets := []string{"Plein 1944 12-A", "Kerkstraat 45", "Straße des 17. Juni 135a", "Storgatan 12 B lgh 1102", "ul. 3 Maja 12/4"}
	countries := []string{"NL", "BE", "DE", "SE", "PL"}
	for i := range batchRows {
		columns[0].Values = append(columns[0].Values, record.Text(streets[i%5]))
		columns[1].Values = append(columns[1].Values, record.Text(countries[i%5]))
	}
	if _, _, err := p.Call(b.Context(), "split_street", columns); err != nil {
		b.Fatal(err)
	}
	n := 0
	for b.Loop() {
		if _, _, err := p.Call(b.Context(), "split_street", columns); err != nil {
			b.Fatal(err)
		}
		n += batchRows
	}
	b.ReportMetric(float64(n)/b.Elapsed().Seconds(), "records/s")
}

// BenchmarkStart is from nothing to the first answer, with the code compiled before and without.
func BenchmarkStart(b *testing.B) {
	modules, cache := shipped(b)
	first := func(cache string) {
		p, err := New(Options{Shipped: modules, Cache: cache})
		if err != nil {
			b.Fatal(err)
		}
		if _, _, err := p.Call(b.Context(), "split_street", []Column{texts("street", "Kerkstraat 45"), texts("country", "BE")}); err != nil {
			b.Fatal(err)
		}
		if err := p.Close(); err != nil {
			b.Fatal(err)
		}
	}
	b.Run("warm", func(b *testing.B) {
		first(cache)
		for b.Loop() {
			first(cache)
		}
	})
	b.Run("cold", func(b *testing.B) {
		dir := b.TempDir()
		n := 0
		for b.Loop() {
			n++
			cold := filepath.Join(dir, fmt.Sprint(n))
			first(cold)
			os.RemoveAll(cold)
		}
	})
}
