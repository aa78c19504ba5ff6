package record

import (
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/pomost/pomost/sdk/decimal"
)

var row = MustSchema("row", Field{Name: "Article", Type: Scalar(KindText)}, Field{Name: "Quantity", Type: Scalar(KindDecimal)})

var order = MustSchema("order",
	Field{Name: "Id", Type: Scalar(KindText)}, Field{Name: "Number", Type: Scalar(KindInteger)}, Field{Name: "Date", Type: Scalar(KindDate)},
	Field{Name: "Paid", Type: Scalar(KindBool)}, Field{Name: "Changed", Type: Scalar(KindInstant)}, Field{Name: "Seal", Type: Scalar(KindBytes)},
	Field{Name: "First", Type: Type{Kind: KindRecord, Record: row}}, Field{Name: "Rows", Type: ListOf(row)},
)

func sample() Record {
	r, n := New(order), New(row)
	n.MustSet("Article", Text("MUG"))
	n.MustSet("Quantity", Decimal(decimal.MustParse("1.50")))
	r.MustSet("Id", Text("a"))
	r.MustSet("Number", Integer(7))
	r.MustSet("Date", OfDate(NewDate(2026, 12, 31)))
	r.MustSet("Paid", Bool(true))
	r.MustSet("Changed", Instant(time.Date(2026, 11, 23, 20, 0, 0, 5, time.FixedZone("CET", 3600))))
	r.MustSet("Seal", Bytes([]byte{1, 2}))
	r.MustSet("First", Nested(n))
	r.MustSet("Rows", List(Nested(n)))
	return r
}

// A document's date is what is written: no zone and no time shifts it, wherever the program runs.
func TestADateNeverShifts(t *testing.T) {
	for _, zone := range []string{"UTC", "Europe/Stockholm", "Pacific/Auckland", "America/Anchorage"} {
		local, err := time.LoadLocation(zone)
		if err != nil {
			t.Skipf("no zone %s here: %v", zone, err)
		}
		old := time.Local
		time.Local = local
		for _, text := range []string{"2027-01-01", "2027-01-01T00:00:00", "2027-01-01T23:59:59Z", "2027-01-01T00:00:00+13:00", "2027-01-01 08:00:00"} {
			d, err := ParseDate(text)
			if err != nil || d.String() != "2027-01-01" || d.Year() != 2027 {
				t.Errorf("in %s %s is %s, %v", zone, text, d, err)
			}
		}
		time.Local = old
	}
	for _, text := range []string{"", "2027", "2027-13-01", "2027-02-29", "01-01-2027", "2027-01-01x", "20270101"} {
		if d, err := ParseDate(text); err == nil {
			t.Errorf("%q is taken for %s", text, d)
		}
	}
}

func TestDatesAreDays(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d := Date(rapid.Int32Range(-700000, 2900000).Draw(t, "days"))
		if y := d.Time().Year(); y < 1 || y > 9999 {
			return // written with another number of digits
		}
		back, err := ParseDate(d.String())
		if err != nil || back != d || NewDate(d.Time().Date()) != d {
			t.Fatalf("%d → %s → %d, %v", d, d, back, err)
		}
	})
}

func TestAbsentIsNotNull(t *testing.T) {
	r := New(order)
	if !r.Get("Id").IsAbsent() || !r.Get("Nothing").IsAbsent() || Null().IsAbsent() || Null().Equal(Absent()) {
		t.Error("absent and null are mixed up")
	}
	empty := FingerprintOf(r)
	r.MustSet("Id", Null())
	if FingerprintOf(r) == empty {
		t.Error("null leaves the fingerprint as absent does")
	}
	for _, v := range []Value{Absent(), Null(), Text(""), Text(" \t")} {
		if !v.IsEmpty() {
			t.Errorf("%v is not empty", v)
		}
	}
	if Integer(0).IsEmpty() || Bool(false).IsEmpty() {
		t.Error("zero and false are something")
	}
}

func TestKindsAreKept(t *testing.T) {
	r := sample()
	for field, v := range map[string]Value{"Id": Integer(1), "Number": Text("7"), "Rows": Text("x"), "Nothing": Text("x")} {
		if err := r.Set(field, v); err == nil || !strings.Contains(err.Error(), field) {
			t.Errorf("%s took %s: %v", field, v.Kind(), err)
		}
	}
	bad := Record{Schema: row, Values: []Value{Integer(1)}}
	if err := r.Set("Rows", List(Nested(bad))); err == nil {
		t.Error("a row took a number for its article")
	}
	if v := r.Path("First.Quantity"); v.String() != "1.5" {
		t.Errorf("First.Quantity is %s", v)
	}
	if v := r.Path("Id.x"); !v.IsAbsent() {
		t.Errorf("a path through a text found %s", v)
	}
	if f, ok := order.Field("Rows.Quantity"); !ok || f.Type.Kind != KindDecimal {
		t.Errorf("Rows.Quantity: %+v %v", f, ok)
	}
	if at, _ := r.Get("Changed").AsInstant(); at.Location() != time.UTC || at.Hour() != 19 {
		t.Errorf("an instant is not UTC: %s", at)
	}
	if _, ok := r.Get("Id").AsInteger(); ok {
		t.Error("a text is an integer")
	}
	if d, ok := r.Get("Number").AsDecimal(); !ok || d.String() != "7" {
		t.Error("an integer is no number")
	}
}

// The fingerprint sees every value, by field name: neither the order of fields nor a field that was added changes it.
func TestFingerprint(t *testing.T) {
	base := FingerprintOf(sample())
	fields := append([]Field{{Name: "New", Type: Scalar(KindText)}}, order.Fields...)
	for i, j := 0, len(fields)-1; i < j; i, j = i+1, j-1 {
		fields[i], fields[j] = fields[j], fields[i]
	}
	other := New(MustSchema("turned", fields...))
	for _, f := range order.Fields {
		other.MustSet(f.Name, sample().Get(f.Name))
	}
	if FingerprintOf(other) != base {
		t.Error("the order of fields, or an absent one, changes the fingerprint")
	}
	changed := map[string]Value{"Id": Text("b"), "Number": Integer(8), "Date": OfDate(NewDate(2027, 1, 1)), "Paid": Bool(false),
		"Changed": Instant(time.Date(2026, 11, 23, 19, 0, 0, 6, time.UTC)), "Seal": Bytes([]byte{1}), "First": Null(), "Rows": List()}
	seen := map[Fingerprint]string{base: "the sample"}
	for field, v := range changed {
		r := sample()
		r.MustSet(field, v)
		f := FingerprintOf(r)
		if twin, ok := seen[f]; ok {
			t.Errorf("another %s has the fingerprint of %s", field, twin)
		}
		seen[f] = field
	}
	if !Decimal(decimal.MustParse("1.50")).Equal(Decimal(decimal.MustParse("1.5"))) || Decimal(decimal.MustParse("1")).Equal(Integer(1)) || Text("1").Equal(Integer(1)) {
		t.Error("values are the same by kind and content")
	}
}

func TestSchemasAreChecked(t *testing.T) {
	deep := MustSchema("leaf", Field{Name: "a", Type: Scalar(KindText)})
	var err error
	for range MaxDepth + 2 {
		if deep, err = NewSchema("nest", Field{Name: "in", Type: Type{Kind: KindRecord, Record: deep}}); err != nil {
			break
		}
	}
	if err == nil {
		t.Error("a schema may be nested without end")
	}
	for what, f := range map[string][]Field{
		"a name twice":          {{Name: "a", Type: Scalar(KindText)}, {Name: "a", Type: Scalar(KindText)}},
		"no name":               {{Type: Scalar(KindText)}},
		"null as a type":        {{Name: "a", Type: Scalar(KindNull)}},
		"a list of nothing":     {{Name: "a", Type: Scalar(KindList)}},
		"a record of no schema": {{Name: "a", Type: Scalar(KindRecord)}},
	} {
		if _, err := NewSchema("bad", f...); err == nil {
			t.Errorf("%s is taken", what)
		}
	}
}

// A role stands for the field that has it, wherever a name may stand.
func TestRole(t *testing.T) {
	fields := []Field{{Name: "CODE", Type: Scalar(KindText)}, {Name: "K1_STREEPC", Type: Scalar(KindText), Role: "ean"}}
	literal := &Schema{Name: "t", Fields: fields}
	for _, s := range []*Schema{MustSchema("t", fields...), literal} {
		r := New(s)
		r.MustSet("@ean", Text("8712345678906"))
		if r.Get("K1_STREEPC").AsText() != "8712345678906" || r.Path("@ean").AsText() != "8712345678906" {
			t.Errorf("%s", r)
		}
		if f, ok := s.Field("@ean"); !ok || f.Name != "K1_STREEPC" {
			t.Errorf("%+v", f)
		}
		if _, ok := s.Index("@unit"); ok {
			t.Error("a role that no field has is found")
		}
	}
	for _, bad := range [][]Field{
		{{Name: "@x", Type: Scalar(KindText)}},
		{{Name: "a", Type: Scalar(KindText), Role: "ean"}, {Name: "b", Type: Scalar(KindText), Role: "ean"}},
	} {
		if _, err := NewSchema("t", bad...); err == nil {
			t.Errorf("%+v is taken", bad)
		}
	}
}
