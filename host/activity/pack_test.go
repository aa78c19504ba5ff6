package activity

import (
	"encoding/json"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestPack(t *testing.T) {
	list := []Payload{RecordPayload(KindIn, "order", order(t)), {Kind: KindOut, Object: "SO1", Body: json.RawMessage("null"), Cut: true}}
	got, err := unpack(pack(list))
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(list, got); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
	var many []Payload
	for i := range maxPayloads + 5 {
		many = append(many, Payload{Kind: KindExchange, Body: json.RawMessage(fmt.Sprint(i))})
	}
	if got, err := unpack(pack(many)); err != nil || len(got) != maxPayloads {
		t.Errorf("%d payloads, %v", len(got), err)
	}
	if p, err := unpack(pack(nil)); err != nil || len(p) != 0 {
		t.Errorf("none: %v, %v", p, err)
	}
	for _, bad := range [][]byte{nil, {}, {0}, {2, 1, 2}, {packed}, {packed, 0xff, 0xff}, pack(list)[:20], pack([]Payload{{Body: json.RawMessage("1")}})} {
		if p, err := unpack(bad); err == nil {
			t.Errorf("%x is taken for %v", bad, p)
		}
	}
}

// Whatever stands in the file, reading it ends, in bounds, with payloads that can be shown or an error.
func FuzzUnpack(f *testing.F) {
	f.Add(pack([]Payload{{Kind: KindIn, Object: "order", Body: json.RawMessage(`{"a":[1,2]}`)}}))
	f.Add(pack(nil))
	f.Add([]byte{packed, 0x01, 0x00})
	f.Fuzz(func(t *testing.T, b []byte) {
		list, err := unpack(b)
		if err != nil {
			return
		}
		if len(list) > maxPayloads {
			t.Fatalf("%d payloads", len(list))
		}
		for _, p := range list {
			if !json.Valid(p.Body) || p.Kind == "" {
				t.Fatalf("not to be shown: %+v", p)
			}
		}
		if again, err := unpack(pack(list)); err != nil || len(again) != len(list) {
			t.Fatalf("it does not come back: %v", err)
		}
	})
}

func BenchmarkPack(b *testing.B) {
	list := []Payload{RecordPayload(KindIn, "order", order(b)), RecordPayload(KindOut, "SO1", order(b)), RecordPayload(KindAnswer, "SO1", order(b))}
	n := 0
	for b.Loop() {
		n = len(pack(list))
	}
	b.ReportMetric(float64(n), "bytes")
}
