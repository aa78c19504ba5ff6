package wire

import (
	"errors"
	"fmt"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/tinylib/msgp/msgp"
	"pgregory.net/rapid"

	"github.com/pomost/pomost/sdk/decimal"
	"github.com/pomost/pomost/sdk/record"
)

var (
	rowSchema = record.MustSchema("row",
		record.Field{Name: "Article", Type: record.Scalar(record.KindText), Length: 25, Upper: true},
		record.Field{Name: "Quantity", Type: record.Scalar(record.KindDecimal), Decimals: 3},
	)
	orderSchema = record.MustSchema("order",
		record.Field{Name: "Number", Type: record.Scalar(record.KindInteger), ReadOnly: true},
		record.Field{Name: "Name", Type: record.Scalar(record.KindText), Label: "Naam", Personal: true, Required: true},
		record.Field{Name: "Total", Type: record.Scalar(record.KindDecimal), Decimals: -1},
		record.Field{Name: "Date", Type: record.Scalar(record.KindDate)},
		record.Field{Name: "Changed", Type: record.Scalar(record.KindInstant), Custom: true},
		record.Field{Name: "Paid", Type: record.Scalar(record.KindBool)},
	)
	nestedSchema = record.MustSchema("nested",
		record.Field{Name: "Rows", Type: record.ListOf(rowSchema)},
		record.Field{Name: "First", Type: record.Type{Kind: record.KindRecord, Record: rowSchema}},
		record.Field{Name: "Raw", Type: record.Scalar(record.KindBytes)},
	)
)

func order(n int) record.Record {
	r := record.New(orderSchema)
	r.MustSet("Number", record.Integer(int64(n)))
	r.MustSet("Name", record.Text("Bakkerij De Vries & Zn."))
	r.MustSet("Total", record.Decimal(decimal.New(123456+int64(n), 2)))
	r.MustSet("Date", record.OfDate(record.NewDate(2026, 11, 23)))
	r.MustSet("Changed", record.Instant(time.Unix(1795464900, 123456789)))
	r.MustSet("Paid", record.Bool(n%2 == 0))
	return r
}

// anyType and anyValue draw schemas and values that fit them.
func anyType(t *rapid.T, depth int) record.Type {
	kinds := []record.Kind{record.KindText, record.KindInteger, record.KindDecimal, record.KindBool, record.KindDate, record.KindInstant, record.KindBytes}
	if depth < 3 {
		kinds = append(kinds, record.KindList, record.KindRecord)
	}
	k := rapid.SampledFrom(kinds).Draw(t, "kind")
	switch k {
	case record.KindList:
		elem := anyType(t, depth+1)
		return record.Type{Kind: k, Elem: &elem}
	case record.KindRecord:
		return record.Type{Kind: k, Record: anySchema(t, depth+1)}
	}
	return record.Scalar(k)
}

func anySchema(t *rapid.T, depth int) *record.Schema {
	var fields []record.Field
	for i := range rapid.IntRange(0, 4).Draw(t, "fields") {
		fields = append(fields, record.Field{
			Name: fmt.Sprintf("f%s%d", rapid.String().Draw(t, "name"), i), Type: anyType(t, depth),
			Label: rapid.String().Draw(t, "label"), Length: rapid.IntRange(0, 5000).Draw(t, "length"), Decimals: rapid.IntRange(-1, 9).Draw(t, "decimals"),
			Required: rapid.Bool().Draw(t, "required"), ReadOnly: rapid.Bool().Draw(t, "ro"), Personal: rapid.Bool().Draw(t, "personal"),
			Custom: rapid.Bool().Draw(t, "custom"), Upper: rapid.Bool().Draw(t, "upper"), Role: rapid.SampledFrom([]string{"", fmt.Sprint("role", i)}).Draw(t, "role"),
		})
	}
	return record.MustSchema(rapid.String().Draw(t, "schema"), fields...)
}

func anyValue(t *rapid.T, typ record.Type) record.Value {
	switch rapid.IntRange(0, 9).Draw(t, "emptiness") {
	case 0:
		return record.Absent()
	case 1:
		return record.Null()
	}
	switch typ.Kind {
	case record.KindText:
		return record.Text(rapid.String().Draw(t, "text"))
	case record.KindInteger:
		return record.Integer(rapid.Int64().Draw(t, "integer"))
	case record.KindDecimal:
		return record.Decimal(decimal.New(rapid.Int64().Draw(t, "coefficient"), rapid.Int32Range(-10, 20).Draw(t, "scale")))
	case record.KindBool:
		return record.Bool(rapid.Bool().Draw(t, "bool"))
	case record.KindDate:
		return record.OfDate(record.Date(rapid.Int32Range(minDay, maxDay).Draw(t, "date")))
	case record.KindInstant:
		return record.Instant(time.Unix(rapid.Int64Range(minSecond, maxSecond).Draw(t, "second"), rapid.Int64Range(0, 999_999_999).Draw(t, "nano")))
	case record.KindBytes:
		return record.Bytes(rapid.SliceOf(rapid.Byte()).Draw(t, "bytes"))
	case record.KindList:
		values := []record.Value{}
		for range rapid.IntRange(0, 3).Draw(t, "elements") {
			values = append(values, anyValue(t, *typ.Elem))
		}
		return record.List(values...)
	}
	return record.Nested(anyRecord(t, typ.Record))
}

func anyRecord(t *rapid.T, s *record.Schema) record.Record {
	r := record.New(s)
	for i, f := range s.Fields {
		r.Values[i] = anyValue(t, f.Type)
	}
	r.Values = r.Values[:rapid.IntRange(0, len(r.Values)).Draw(t, "stated")]
	return r
}

// Everything that can be built goes over the wire unchanged, alone and in frames, and keeps its fingerprint.
func TestRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := anySchema(t, 0)
		tree, err := AppendSchema(nil, s)
		if err != nil {
			t.Fatal(err)
		}
		s2, err := DecodeSchema(tree)
		if err != nil {
			t.Fatal(err)
		}
		if again, err := AppendSchema(nil, s2); err != nil || string(again) != string(tree) {
			t.Fatalf("the schema changes on its way: %v", err)
		}
		records := []record.Record{anyRecord(t, s), anyRecord(t, s)}
		one, err := AppendRecord([]byte("before"), records[0])
		if err != nil {
			t.Fatal(err)
		}
		got, rest, err := ReadRecord(append(one[6:], "behind"...), s2)
		if err != nil || string(rest) != "behind" {
			t.Fatalf("%v, left %q", err, rest)
		}
		if record.FingerprintOf(got) != record.FingerprintOf(records[0]) {
			t.Fatalf("%s became %s", records[0], got)
		}
		frame, n, err := Pack(nil, s, records)
		if err != nil || n != 2 {
			t.Fatalf("packed %d: %v", n, err)
		}
		all, err := Unpack(frame, s2, n)
		if err != nil {
			t.Fatal(err)
		}
		for i := range all {
			if !record.Nested(all[i]).Equal(record.Nested(records[i])) {
				t.Fatalf("%s became %s", records[i], all[i])
			}
		}
	})
}

func TestMismatches(t *testing.T) {
	other := record.MustSchema("other", record.Field{Name: "Elsewhere", Type: record.Scalar(record.KindText)})
	elsewhere := record.New(other)
	elsewhere.MustSet("Elsewhere", record.Text("x"))
	wrong := func(field int, v record.Value) record.Record {
		r := order(1)
		r.Values[field] = v
		return r
	}
	list := make([]record.Value, MaxList+1)
	for name, c := range map[string]struct {
		r    record.Record
		kind error
		say  string
	}{
		"no schema":         {record.Record{}, ErrMismatch, "without a schema"},
		"kind":              {wrong(0, record.Text("1")), ErrMismatch, "Number: is text, want integer"},
		"UTF-8":             {wrong(1, record.Text("\xff")), ErrMismatch, "Name: not valid UTF-8"},
		"long text":         {wrong(1, record.Text(strings.Repeat("x", MaxText+1))), ErrLimit, "Name: a text of"},
		"early date":        {wrong(3, record.OfDate(minDay-1)), ErrMismatch, "Date"},
		"late instant":      {wrong(4, record.Instant(time.Unix(maxSecond+1, 0))), ErrMismatch, "Changed"},
		"too many values":   {record.Record{Schema: rowSchema, Values: make([]record.Value, 3)}, ErrMismatch, "3 values for 2 fields"},
		"long list":         {record.Record{Schema: nestedSchema, Values: []record.Value{record.List(list...)}}, ErrLimit, "Rows: a list of"},
		"nested of another": {record.Record{Schema: nestedSchema, Values: []record.Value{{}, record.Nested(elsewhere)}}, ErrMismatch, "First: a record of another schema"},
		"path": {record.Record{Schema: nestedSchema, Values: []record.Value{record.List(record.Null(), record.Nested(record.Record{
			Schema: rowSchema, Values: []record.Value{{}, record.Integer(1)}}))}}, ErrMismatch, "Rows[1].Quantity: is integer, want decimal"},
	} {
		_, err := AppendRecord(nil, c.r)
		if !errors.Is(err, c.kind) || !strings.Contains(err.Error(), c.say) {
			t.Errorf("%s: %v, want %q", name, err, c.say)
		}
	}
}

func TestRecordLimits(t *testing.T) {
	big := record.MustSchema("big", record.Field{Name: "a", Type: record.Scalar(record.KindBytes)}, record.Field{Name: "b", Type: record.Scalar(record.KindBytes)}, record.Field{Name: "c", Type: record.Scalar(record.KindBytes)})
	half := record.Bytes(make([]byte, MaxText))
	if _, err := AppendRecord(nil, record.Record{Schema: big, Values: []record.Value{half, half}}); !errors.Is(err, ErrLimit) {
		t.Errorf("a record over the limit: %v", err)
	}
	// By hand, what the encoder refuses to write.
	b := msgp.AppendArrayHeader(nil, 3)
	for range 3 {
		b = msgp.AppendBytes(b, make([]byte, MaxText))
	}
	if _, _, err := ReadRecord(b, big); !errors.Is(err, ErrLimit) {
		t.Errorf("a record over the limit is read: %v", err)
	}
	if _, err := Unpack(b, big, 1); !errors.Is(err, ErrLimit) {
		t.Errorf("a record over the limit is unpacked: %v", err)
	}
	deep := record.Scalar(record.KindText)
	for range record.MaxDepth + 1 {
		deep = record.Type{Kind: record.KindList, Elem: &deep}
		copied := *deep.Elem
		deep.Elem = &copied
	}
	if _, err := AppendSchema(nil, &record.Schema{Name: "deep", Fields: []record.Field{{Name: "a", Type: deep}}}); err == nil {
		t.Error("a schema that is too deep is packed")
	}
}

// Hostile lengths must not cost memory: a few bytes that claim a lot allocate next to nothing.
func TestNoAllocationByClaim(t *testing.T) {
	list := record.MustSchema("t", record.Field{Name: "v", Type: record.ListOf(rowSchema)})
	inputs := [][]byte{
		{0x91, 0xdd, 0xff, 0xff, 0xff, 0xff},
		{0x91, 0xdd, 0x00, 0x01, 0x86, 0xa0, 0xc0},
		{0xdd, 0xff, 0xff, 0xff, 0xff},
		{0x91, 0xc9, 0x7f, 0xff, 0xff, 0xff, 0x02},
		{0x91, 0xdb, 0xff, 0xff, 0xff, 0xff},
	}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for range 100 {
		for _, in := range inputs {
			if _, _, err := ReadRecord(in, list); err == nil {
				t.Fatalf("%x is accepted", in)
			}
			if _, err := Unpack(in, list, MaxBatch); err == nil {
				t.Fatalf("%x is accepted", in)
			}
			if _, err := DecodeSchema(in); err == nil {
				t.Fatalf("%x is accepted as a schema", in)
			}
		}
	}
	runtime.ReadMemStats(&after)
	if used := after.TotalAlloc - before.TotalAlloc; used > 8<<20 {
		t.Errorf("%d bytes allocated for refused input", used)
	}
}

func TestFramesSplitAndShareSchemas(t *testing.T) {
	records := make([]record.Record, MaxBatch+5)
	for i := range records {
		records[i] = order(i)
	}
	var w Writer
	r := Reader{Schemas: &SchemaCache{}}
	var got []record.Record
	for frames := 0; len(records) > 0; frames++ {
		schema, packed, n, err := w.Frame(orderSchema, records)
		if err != nil {
			t.Fatal(err)
		}
		if (len(schema) > 0) != (frames == 0) {
			t.Errorf("frame %d has a schema of %d bytes", frames, len(schema))
		}
		part, err := r.Frame(schema, packed, uint32(n))
		if err != nil {
			t.Fatal(err)
		}
		got, records = append(got, part...), records[n:]
	}
	if len(got) != MaxBatch+5 {
		t.Fatalf("%d records", len(got))
	}
	for i, g := range got {
		if n, _ := g.Get("Number").AsInteger(); n != int64(i) {
			t.Fatalf("record %d is %s", i, g)
		}
	}
	tree, _ := AppendSchema(nil, orderSchema)
	a, _ := r.Schemas.Decode(tree)
	if b, _ := r.Schemas.Decode(tree); a != b {
		t.Error("the same schema is decoded twice")
	}
	for i := range 2 * cachedSchemas { // older ones are forgotten, the cache does not grow
		other, _ := AppendSchema(nil, record.MustSchema(fmt.Sprint("s", i)))
		if _, err := r.Schemas.Decode(other); err != nil {
			t.Fatal(err)
		}
	}
	if len(r.Schemas.entries) != cachedSchemas {
		t.Errorf("%d schemas cached", len(r.Schemas.entries))
	}
	if _, err := (&Reader{}).Frame(nil, []byte{0x90}, 1); err == nil {
		t.Error("records before any schema are accepted")
	}
}

// A later version may add parts to fields and schemas; this one passes over them.
func TestSchemaOfLaterVersion(t *testing.T) {
	b := msgp.AppendArrayHeader(nil, 3)
	b = msgp.AppendString(b, "t")
	b = msgp.AppendArrayHeader(b, 1)
	b = msgp.AppendArrayHeader(b, 8)
	b = msgp.AppendString(b, "a")
	b = msgp.AppendUint8(msgp.AppendArrayHeader(b, 1), uint8(record.KindText))
	b = msgp.AppendString(b, "")
	b = msgp.AppendInt(b, 5)
	b = msgp.AppendInt(b, 0)
	b = msgp.AppendInt(b, 1<<10|flagUpper)
	b = msgp.AppendString(b, "ean")
	b = msgp.AppendMapHeader(b, 1)
	b = msgp.AppendString(b, "new")
	b = msgp.AppendInt(b, 1)
	b = msgp.AppendString(b, "more")
	s, err := DecodeSchema(b)
	if err != nil {
		t.Fatal(err)
	}
	if f, _ := s.Field("a"); f.Length != 5 || !f.Upper || f.Required || f.Role != "ean" {
		t.Errorf("%+v", f)
	}
}

// Whatever the bytes, reading ends in an error or in a record that can be packed and read again.
func FuzzReadRecord(f *testing.F) {
	for _, r := range []record.Record{order(1), record.New(nestedSchema)} {
		b, err := AppendRecord(nil, r)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b, uint8(1))
	}
	row := record.New(rowSchema)
	row.MustSet("Article", record.Text("A"))
	nested := record.New(nestedSchema)
	nested.MustSet("Rows", record.List(record.Nested(row), record.Null()))
	b, _ := AppendRecord(nil, nested)
	f.Add(b, uint8(2))
	f.Fuzz(func(t *testing.T, b []byte, n uint8) {
		for _, s := range []*record.Schema{orderSchema, nestedSchema} {
			r, rest, err := ReadRecord(b, s)
			if err != nil {
				var typed *Error
				if !errors.As(err, &typed) {
					t.Fatalf("%v is not an *Error", err)
				}
			} else {
				packed, err := AppendRecord(nil, r)
				if err != nil {
					t.Fatalf("read but not packed: %v", err)
				}
				again, _, err := ReadRecord(packed, s)
				if err != nil || !record.Nested(again).Equal(record.Nested(r)) {
					t.Fatalf("%s became %s: %v", r, again, err)
				}
				if len(rest) > len(b) {
					t.Fatal("more bytes are left than there were")
				}
			}
			if records, err := Unpack(b, s, int(n)); err == nil && len(records) != int(n) {
				t.Fatalf("%d records, want %d", len(records), n)
			}
		}
		if v, err := ReadValue(b); err == nil {
			if _, err := AppendValue(nil, v); err != nil {
				t.Fatalf("read but not packed: %v", err)
			}
		}
	})
}

func FuzzSchema(f *testing.F) {
	for _, s := range []*record.Schema{orderSchema, nestedSchema} {
		b, err := AppendSchema(nil, s)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		s, err := DecodeSchema(b)
		if err != nil {
			var typed *Error
			if !errors.As(err, &typed) {
				t.Fatalf("%v is not an *Error", err)
			}
			return
		}
		packed, err := AppendSchema(nil, s)
		if err != nil {
			t.Fatalf("read but not packed: %v", err)
		}
		if _, err := DecodeSchema(packed); err != nil {
			t.Fatalf("packed but not read: %v", err)
		}
	})
}

func batch(n int) []record.Record {
	records := make([]record.Record, n)
	for i := range records {
		records[i] = order(i)
	}
	return records
}

// Six fields a record, batches of 1,000.
func BenchmarkPack(b *testing.B) {
	records := batch(1000)
	var buf []byte
	b.ReportAllocs()
	for b.Loop() {
		var err error
		if buf, _, err = Pack(buf[:0], orderSchema, records); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.N)*1000/b.Elapsed().Seconds(), "records/s")
}

func BenchmarkUnpack(b *testing.B) {
	packed, n, err := Pack(nil, orderSchema, batch(1000))
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Unpack(packed, orderSchema, n); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.N)*1000/b.Elapsed().Seconds(), "records/s")
}
