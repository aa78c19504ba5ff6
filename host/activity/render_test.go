package activity

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/pomost/pomost/sdk/connector"
	"github.com/pomost/pomost/sdk/decimal"
	"github.com/pomost/pomost/sdk/record"
)

var rowSchema = record.MustSchema("row", record.Field{Name: "Text", Type: record.Type{Kind: record.KindText}}, record.Field{Name: "Price", Type: record.Type{Kind: record.KindDecimal}})

var orderSchema = record.MustSchema("order",
	record.Field{Name: "Id", Type: record.Type{Kind: record.KindText}},
	record.Field{Name: "Number", Type: record.Type{Kind: record.KindInteger}},
	record.Field{Name: "Total", Type: record.Type{Kind: record.KindDecimal}},
	record.Field{Name: "Date", Type: record.Type{Kind: record.KindDate}},
	record.Field{Name: "Changed", Type: record.Type{Kind: record.KindInstant}},
	record.Field{Name: "Paid", Type: record.Type{Kind: record.KindBool}},
	record.Field{Name: "Note", Type: record.Type{Kind: record.KindText}},
	record.Field{Name: "Gone", Type: record.Type{Kind: record.KindText}},
	record.Field{Name: "Scan", Type: record.Type{Kind: record.KindBytes}},
	record.Field{Name: "Rows", Type: record.Type{Kind: record.KindList, Elem: &record.Type{Kind: record.KindRecord, Record: rowSchema}}},
)

func order(t testing.TB) record.Record {
	t.Helper()
	price, err := decimal.Parse("12345678901234567890.10")
	if err != nil {
		t.Fatal(err)
	}
	row := record.New(rowSchema)
	row.MustSet("Text", record.Text("Fiets <\"bel\">\n"))
	row.MustSet("Price", record.Decimal(price))
	r := record.New(orderSchema)
	r.MustSet("Id", record.Text("a1"))
	r.MustSet("Number", record.Integer(9007199254740993)) // more than a float holds
	r.MustSet("Total", record.Decimal(price))
	r.MustSet("Date", record.OfDate(record.NewDate(2026, 11, 3)))
	r.MustSet("Changed", record.Instant(time.Date(2026, 11, 3, 12, 0, 0, 500_000_000, time.UTC)))
	r.MustSet("Paid", record.Bool(true))
	r.MustSet("Note", record.Null())
	r.MustSet("Scan", record.Bytes([]byte{0xff, 0}))
	r.MustSet("Rows", record.List(record.Nested(row)))
	return r
}

func TestRecordPayload(t *testing.T) {
	got := RecordPayload(KindIn, "order", order(t))
	want := `{"Id":"a1","Number":9007199254740993,"Total":"12345678901234567890.1","Date":"2026-11-03","Changed":"2026-11-03T12:00:00.5Z","Paid":true,"Note":null,` +
		`"Scan":"/wA=","Rows":[{"Text":"Fiets <\"bel\">\n","Price":"12345678901234567890.1"}]}`
	if string(got.Body) != want || got.Cut || got.Kind != KindIn || got.Object != "order" {
		t.Errorf("got  %s\nwant %s", got.Body, want)
	}
	if b := RecordPayload(KindOut, "x", record.Record{}).Body; string(b) != "{}" {
		t.Errorf("the empty record: %s", b)
	}
}

// Whatever a record holds, what is kept of it is JSON within the bound, and says when it is not all.
func TestRecordPayloadIsBoundedJSON(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r := record.New(orderSchema)
		r.MustSet("Note", record.Text(rapid.String().Draw(t, "note")+strings.Repeat(rapid.SampledFrom([]string{"x", "\"", "\x00", "é", "🚲", "\xff"}).Draw(t, "letter"), rapid.IntRange(0, 20_000).Draw(t, "times"))))
		var rows []record.Value
		for range rapid.IntRange(0, 3000).Draw(t, "rows") {
			row := record.New(rowSchema)
			row.MustSet("Text", record.Text("a row of some length, and \"quotes\""))
			rows = append(rows, record.Nested(row))
		}
		r.MustSet("Rows", record.List(rows...))
		p := RecordPayload(KindIn, "order", r)
		if !json.Valid(p.Body) || len(p.Body) > maxBody {
			t.Fatalf("%d bytes, valid %v", len(p.Body), json.Valid(p.Body))
		}
		var back struct{ Rows []json.RawMessage }
		if err := json.Unmarshal(p.Body, &back); err != nil {
			t.Fatal(err)
		}
		if !p.Cut && len(back.Rows) != len(rows) {
			t.Fatalf("%d of %d rows, and it does not say that it was cut", len(back.Rows), len(rows))
		}
	})
}

func TestExchangePayload(t *testing.T) {
	x := connector.Exchange{Start: time.Date(2026, 11, 3, 12, 0, 0, 0, time.UTC), Duration: 41 * time.Millisecond, Method: "POST", URL: "https://x/v2/orders", Status: 400,
		Request: []byte("{ \"a\": 1.10 }"), Response: []byte("<html>\xff</html>")}
	p := ExchangePayload("books", x)
	want := `{"time":"2026-11-03T12:00:00Z","method":"POST","url":"https://x/v2/orders","status":400,"millis":41,"request":{"a":1.10},"response":"<html>�</html>"}`
	if string(p.Body) != want || p.Cut || p.Object != "books" {
		t.Errorf("got  %s\nwant %s", p.Body, want)
	}
	for _, body := range []string{`{"a":"` + strings.Repeat("b", maxExchange) + `"}`, strings.Repeat("\x01", maxExchange), strings.Repeat("é\xff", maxExchange)} {
		p := ExchangePayload("books", connector.Exchange{Request: []byte(body), Response: []byte(body)})
		if !p.Cut || !json.Valid(p.Body) || len(p.Body) > maxBody {
			t.Errorf("%.8q: cut %v, valid %v, %d bytes", body, p.Cut, json.Valid(p.Body), len(p.Body))
		}
	}
}

func TestErrorPayload(t *testing.T) {
	p := ErrorPayload("SO1", &connector.Error{Cause: connector.CauseRefused, Code: "0x12", Field: "SO_NR", Message: "the number exists"})
	if want := `{"cause":"refused","code":"0x12","field":"SO_NR","message":"the number exists (field SO_NR)"}`; string(p.Body) != want || p.Cut {
		t.Errorf("got %s", p.Body)
	}
	if p := ErrorPayload("SO1", &connector.Error{Message: strings.Repeat("é", maxText)}); !p.Cut || !json.Valid(p.Body) {
		t.Errorf("a long message: %v %.50s", p.Cut, p.Body)
	}
}

func TestScrubber(t *testing.T) {
	var s Scrubber
	s.Hide("s3cr/et+1", "token-abc", "token-abcdef", "ab", "")
	x := s.Clean(connector.Exchange{
		URL: "https://user:hunter22@x/v2/orders?access_token=zzz&token=token-abcdef&q=1", Error: "refused Bearer eyJhbGciOiJIUzI1NiJ9.x-y was s3cr/et+1",
		Request:  []byte(`{"note":"token-abcdef","client_secret" : "quo\"ted", "s":"s3cr\/et+1"}`),
		Response: []byte("basic T-shirts&grant=x&client_secret=s3cr%2Fet%2B1&x=czNjci9ldCsx ab"),
	})
	all := x.URL + x.Error + string(x.Request) + string(x.Response)
	for _, secret := range []string{"hunter22", "zzz", "token-abc", "def", "eyJ", "s3cr", "quo", "ted", "czNj"} {
		if strings.Contains(all, secret) {
			t.Errorf("%q is still there:\n%s", secret, all)
		}
	}
	for _, kept := range []string{"https://", "@x/v2/orders?", "&q=1", "refused", `"note":`, "basic T-shirts", "grant=x", "ab"} {
		if !strings.Contains(all, kept) {
			t.Errorf("%q is gone:\n%s", kept, all)
		}
	}
	if !json.Valid(x.Request) {
		t.Errorf("JSON became %s", x.Request)
	}
	for i := range 3000 {
		s.Hide(strings.Repeat("x", 10) + time.Duration(i).String())
	}
	if len(s.words) > maxWords {
		t.Errorf("%d words", len(s.words))
	}
}

// BenchmarkClean is one exchange of an order's size.
func BenchmarkClean(b *testing.B) {
	var s Scrubber
	s.Hide("client-secret-0123456789", "refresh-0123456789abcdef", "access-0123456789abcdef")
	body := []byte(strings.Repeat(`{"RPL_INV":"10001","ORD_DATE":"2026-06-10","COMMENT1":"1001","TO_EMAIL":"jan@example.nl"},`, 30))
	for b.Loop() {
		s.Clean(connector.Exchange{URL: "https://www.accountview.net/api/v3/accountviewdata", Request: body, Response: body})
	}
}
