package connector

import (
	"strconv"
	"testing"

	"github.com/pomost/pomost/sdk/connector"
	"github.com/pomost/pomost/sdk/record"
)

// From a plugin through the host into another plugin: six fields, batches of 1,000. Reading is overlapped with writing, as
// the engine does it: one batch may wait.
func BenchmarkPluginToPlugin(b *testing.B) {
	const perBatch = 1000
	m := manager(b, nil, "good")
	source := open(b, m, connector.Settings{"do": "bench", "batches": strconv.Itoa(b.N)})
	target := open(b, m, connector.Settings{"do": "bench"})
	batches := make(chan []record.Record, 1)
	failed := make(chan error, 1)
	b.ResetTimer()
	go func() {
		defer close(batches)
		failed <- source.Read(b.Context(), connector.ReadRequest{Object: "bench"}, func(batch connector.Batch) error {
			batches <- batch.Records
			return nil
		})
	}()
	n := 0
	for records := range batches {
		if err := target.Write(b.Context(), connector.WriteRequest{Object: "bench", Action: connector.Create, Records: records},
			func(connector.WriteResult) error { n++; return nil }); err != nil {
			b.Fatal(err)
		}
	}
	b.StopTimer()
	if err := <-failed; err != nil || n != b.N*perBatch {
		b.Fatalf("%d results, %v", n, err)
	}
	b.ReportMetric(float64(n)/b.Elapsed().Seconds(), "records/s")
}

// One call with nothing in it: what the protocol costs.
func BenchmarkCall(b *testing.B) {
	m := manager(b, nil, "good")
	c := open(b, m, connector.Settings{})
	for b.Loop() {
		if _, err := c.List(b.Context(), "x"); err != nil {
			b.Fatal(err)
		}
	}
}
