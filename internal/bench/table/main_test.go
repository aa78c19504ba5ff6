package main

import (
	"bytes"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const printed = `goos: linux
goarch: amd64
pkg: github.com/pomost/pomost/sdk/wire
cpu: Some Processor
BenchmarkPack-2     	    1000	   1500000 ns/op	  1000000.5 records/s	 12 B/op	 1 allocs/op
BenchmarkPack-2     	    1000	    900000 ns/op	  3000000 records/s	 12 B/op	 1 allocs/op
BenchmarkPack-2     	    1000	   1100000 ns/op	  2000000 records/s	 12 B/op	 1 allocs/op
PASS
BenchmarkCommit-2   	   10000	     40000 ns/op
BenchmarkSandbox/x-2	   10000	      1234.5 ns/op
BenchmarkOrders/in_process-2	1	0.5 made.AV.POST.SO1/order	0.25 least.AV.POST.SO1/order	2 made.AV.all/order	1.25 least.AV.all/order	0.0100 made.AV.once/order	0.0100 least.AV.once/order	100 orders/s
--- SKIP: BenchmarkOrders/plugins
    run_test.go:5: LEFT OUT: no binaries
ok  	github.com/pomost/pomost/sdk/wire	1.234s
`

func TestTable(t *testing.T) {
	var out bytes.Buffer
	if err := write(strings.NewReader(printed), &out); err != nil {
		t.Fatal(err)
	}
	want := `Median of 3. amd64, Some Processor, 2 cores

      measured       target  what
     2,000,000            -  wire form: encode, records/s
        25,000       20,000  store: link and log line of a record, records/s
           100            -  first run: debtors, addresses and orders written, orders/s
         1,235            -  Sandbox/x, ns

calls an order        least  what
         2.000        1.250  AccountView: all
         0.500        0.250    POST SO1
         0.010        0.010    asked once a run
LEFT OUT: no binaries
`
	if diff := cmp.Diff(want, out.String()); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

func TestTableOfNothing(t *testing.T) {
	for name, text := range map[string]string{
		"no figures": "PASS\nok\n", "a failure": printed + "FAIL	github.com/pomost/pomost/x	0.1s\n", "a figure that is none": "BenchmarkX-2 1 a lot ns/op\n",
	} {
		if err := write(strings.NewReader(text), &bytes.Buffer{}); err == nil {
			t.Errorf("%s makes a table", name)
		}
	}
}
