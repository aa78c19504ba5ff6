// Command table reads what `go test -bench` prints, takes the median of each figure, and writes one table: how fast each room is
// beside its target, and how many calls an order costs beside the least possible.
package main

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/pomost/pomost/sdk/decimal"
)

func main() {
	if err := write(os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "table:", err)
		os.Exit(1)
	}
}

// line is one line of the table of speeds.
type line struct {
	bench, unit string // as go test prints them
	label       string
	target      string // of DESIGN section 9, "" where it names none
}

// lines are the figures in the order of a record's way. A unit "1/ns" turns ns/op into a rate.
var lines = []line{
	{"Pack", "records/s", "wire form: encode, records/s", ""},
	{"Unpack", "records/s", "wire form: decode, records/s", ""},
	{"Call", "ns/op", "one empty call to a plugin, ns", ""},
	{"PluginToPlugin", "records/s", "plugin → host → plugin, records/s", "1,000,000"},
	{"CanonOrder", "1/ns", "one order mapped to its canonical form, orders/s", "500,000"},
	{"Function", "records/s", "one WASM function through its worker (split_street), records/s", "250,000"},
	{"Start/warm", "ns/op", "start to the first answer of a function, compiled before, ns", "500,000,000"},
	{"Start/cold", "ns/op", "the same where it is compiled first, ns", "2,000,000,000"},
	{"Decide", "records/s", "decisions alone, orders/s", ""},
	{"Commit", "1/ns", "store: link and log line of a record, records/s", "20,000"},
	{"Intent/one", "1/ns", "store: durable intents, one after another, intents/s", ""},
	{"Intent/sixteen", "1/ns", "store: durable intents, sixteen at once, intents/s", "20,000"},
	{"Links", "1/ns", "store: look-ups of links, links/s", "300,000"},
	{"Orders/in_process", "orders/s", "first run: debtors, addresses and orders written, orders/s", ""},
	{"Orders/plugins", "orders/s", "the same through plugin processes, orders/s", ""},
	{"Unchanged/in_process", "records/s", "second run: all read, nothing written, records/s", "300,000"},
	{"Unchanged/plugins", "records/s", "the same through plugin processes, records/s", "300,000"},
}

// figures are all values of a benchmark by unit.
type figures map[string]map[string][]decimal.Decimal

func write(in io.Reader, out io.Writer) error {
	f, about, left, err := read(in)
	if err != nil {
		return err
	}
	if len(f) == 0 {
		return fmt.Errorf("there are no figures in what go test printed")
	}
	fmt.Fprintf(out, "Median of %d. %s\n\n", f.turns(), strings.Join(about, ", "))
	columns(out, "measured", "target", "what")
	shown := map[string]bool{}
	for _, l := range lines {
		v, ok := f.value(l.bench, l.unit)
		if !ok {
			continue
		}
		shown[l.bench] = true
		columns(out, whole(v), orDash(l.target), l.label)
	}
	for _, name := range keys(f) {
		if v, ok := f.value(name, "ns/op"); ok && !shown[name] && !v.IsZero() {
			columns(out, whole(v), "-", name+", ns")
		}
	}
	f.calls(out)
	for _, l := range left {
		fmt.Fprintln(out, l)
	}
	return nil
}

// columns writes two figures to the right of their columns, and what they are.
func columns(out io.Writer, measured, beside, what string) {
	fmt.Fprintf(out, "%14s %12s  %s\n", measured, beside, what)
}

// read gathers the figures; about says on what machine they were taken, left what was left out and why.
func read(in io.Reader) (f figures, about, left []string, err error) {
	f = figures{}
	s := bufio.NewScanner(in)
	s.Buffer(nil, 1<<20)
	for s.Scan() {
		text := strings.TrimSpace(s.Text())
		fields := strings.Fields(text)
		switch {
		case strings.HasPrefix(text, "cpu: ") || strings.HasPrefix(text, "goarch: "):
			if what := strings.SplitN(text, ": ", 2)[1]; !slices.Contains(about, what) {
				about = append(about, what)
			}
		case strings.HasPrefix(text, "FAIL") || strings.HasPrefix(text, "--- FAIL"):
			return nil, nil, nil, fmt.Errorf("a benchmark failed: %s", text)
		case strings.Contains(text, "LEFT OUT:"):
			if l := text[strings.Index(text, "LEFT OUT:"):]; !slices.Contains(left, l) {
				left = append(left, l)
			}
		case len(fields) >= 4 && strings.HasPrefix(fields[0], "Benchmark"):
			name, cores := benchName(fields[0])
			if cores != "" && !slices.Contains(about, cores+" cores") {
				about = append(about, cores+" cores")
			}
			if f[name] == nil {
				f[name] = map[string][]decimal.Decimal{}
			}
			for i := 2; i+1 < len(fields); i += 2 {
				v, err := decimal.Parse(fields[i])
				if err != nil {
					return nil, nil, nil, fmt.Errorf("%s: %w", text, err)
				}
				f[name][fields[i+1]] = append(f[name][fields[i+1]], v)
			}
		}
	}
	return f, about, left, s.Err()
}

// benchName splits BenchmarkPack-2 into the name and the number of cores.
func benchName(s string) (name, cores string) {
	s = strings.TrimPrefix(s, "Benchmark")
	if i := strings.LastIndexByte(s, '-'); i > 0 && strings.Trim(s[i+1:], "0123456789") == "" {
		return s[:i], s[i+1:]
	}
	return s, ""
}

// turns is how often the benchmarks ran.
func (f figures) turns() int {
	n := 0
	for _, units := range f {
		for _, values := range units {
			n = max(n, len(values))
		}
	}
	return n
}

// value is the median of a figure.
func (f figures) value(name, unit string) (decimal.Decimal, bool) {
	if unit == "1/ns" {
		v, ok := f.value(name, "ns/op")
		if !ok || v.IsZero() {
			return v, false
		}
		v, err := decimal.New(1_000_000_000, 0).Quo(v, 0)
		return v, err == nil
	}
	values := slices.Clone(f[name][unit])
	if len(values) == 0 {
		return decimal.Zero, false
	}
	slices.SortFunc(values, decimal.Decimal.Cmp)
	return values[len(values)/2], true
}

// systems are the two sides as the units name them.
var systems = []struct{ short, name string }{{"AV", "AccountView"}, {"EA", "eAccounting"}}

// calls writes what an order costs in calls: the units are made.SIDE.METHOD.OBJECT/order and least.SIDE….
func (f figures) calls(out io.Writer) {
	const bench = "Orders/in_process"
	if len(f[bench]) == 0 {
		return
	}
	fmt.Fprintln(out)
	columns(out, "calls an order", "least", "what")
	for _, s := range systems {
		row := func(subject, label string) {
			made, ok := f.value(bench, "made."+s.short+"."+subject+"/order")
			if !ok {
				return
			}
			least, _ := f.value(bench, "least."+s.short+"."+subject+"/order")
			columns(out, made.StringFixed(3), least.StringFixed(3), label)
		}
		row("all", s.name+": all")
		for _, unit := range keys(f[bench]) {
			subject, ok := strings.CutPrefix(strings.TrimSuffix(unit, "/order"), "made."+s.short+".")
			if ok && subject != "all" && subject != "once" {
				row(subject, "  "+strings.Replace(subject, ".", " ", 1))
			}
		}
		row("once", "  asked once a run")
	}
}

func keys[V any](m map[string]V) []string {
	out := make([]string, 0, len(m))
	for k := range m {
		out = append(out, k)
	}
	slices.Sort(out)
	return out
}

func orDash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}

// whole writes a figure without decimals, in groups of three digits.
func whole(v decimal.Decimal) string {
	s := v.StringFixed(0)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}
