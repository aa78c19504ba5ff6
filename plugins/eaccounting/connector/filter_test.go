package connector

import (
	"net/url"
	"strings"
	"testing"
	"time"

	sdk "github.com/pomost/pomost/sdk/connector"
	"github.com/pomost/pomost/sdk/record"
)

func TestLiteral(t *testing.T) {
	s := schemaOf("OrderApi")
	for i, c := range []struct {
		field string
		v     record.Value
		want  string // "" cannot be asked
	}{
		{"BuyersOrderReference", text("A1"), "'A1'"},
		{"BuyersOrderReference", text("O'Brien"), "'O''Brien'"},
		{"BuyersOrderReference", text("' or 1 eq 1 or '"), "''' or 1 eq 1 or '''"},
		{"BuyersOrderReference", text(`a&b=c#d%%27\`), `'a&b=c#d%%27\'`},
		{"BuyersOrderReference", text("a\nb"), ""},
		{"BuyersOrderReference", text("a\x00b"), ""},
		{"BuyersOrderReference", text("\xff"), ""},
		{"BuyersOrderReference", text("%s", strings.Repeat("é", 401)), ""},
		{"BuyersOrderReference", text(""), ""},
		{"BuyersOrderReference", record.Null(), ""},
		{"BuyersOrderReference", record.Integer(12), "'12'"},
		{"Id", text("00000000-1111-4222-8333-44444444ABCD"), "00000000-1111-4222-8333-44444444abcd"},
		{"Id", text("00000000-1111-4222-8333-44444444444x"), ""},
		{"Id", text("' or true or '"), ""},
		{"Number", record.Integer(1042), "1042"},
		{"Number", text(" 1042 "), "1042"},
		{"Number", text("1042 or true"), ""},
		{"Number", text("99999999999"), ""},
		{"OrderDate", day("2026-01-31"), "2026-01-31T00:00:00Z"},
		{"ModifiedUtc", record.Instant(time.Date(2026, 1, 31, 1, 2, 3, 1000, time.UTC)), "2026-01-31T01:02:03.000001Z"},
		{"Amount", dec("1.50"), "1.5"},
		{"EuThirdParty", record.Bool(true), "true"},
	} {
		f, _ := s.Field(c.field)
		got, ok := literal(f, c.v)
		if ok != (c.want != "") || ok && got != c.want {
			t.Errorf("%d: %s %q: %q, %v, want %q", i, c.field, c.v, got, ok, c.want)
		}
	}
}

func FuzzLiteral(f *testing.F) {
	for _, s := range []string{"", "'", "a''b", "' or '1' eq '1", "\\'", "\u2019"} {
		f.Add(s)
	}
	field := record.Field{Name: "X", Type: record.Scalar(record.KindText)}
	f.Fuzz(func(t *testing.T, s string) {
		lit, ok := literal(field, record.Text(s))
		if !ok {
			return
		}
		// Inside the outer quotes every quote must be one of a pair: nothing ends the text early.
		inner := strings.ReplaceAll(lit[1:len(lit)-1], "''", "")
		if lit[0] != '\'' || lit[len(lit)-1] != '\'' || strings.Contains(inner, "'") || strings.ReplaceAll(lit[1:len(lit)-1], "''", "'") != s {
			t.Errorf("%q becomes %q", s, lit)
		}
	})
}

func TestEncodeQuery(t *testing.T) {
	q := url.Values{"$filter": {"Name eq 'a+b & c$d%24'"}, "$page": {"1"}}
	got := encodeQuery(q)
	if strings.Contains(got, "%24page") || strings.Contains(got, " ") {
		t.Errorf("query %s", got)
	}
	back, err := url.ParseQuery(got)
	if err != nil || back.Get("$filter") != q.Get("$filter") || back.Get("$page") != "1" {
		t.Errorf("%s comes back as %v, %v", got, back, err)
	}
}

func TestMatches(t *testing.T) {
	s := schemaOf("CustomerApi")
	mail, _ := s.Field("EmailAddress")
	for have, want := range map[string]bool{"Anna@X.nl": true, " anna@x.nl ": true, "anna@x.n": false, "": false, "aanna@x.nl": false} {
		if got := matches(mail, record.Text(have), record.Text("anna@x.nl")); got != want {
			t.Errorf("%q matches: %v, want %v", have, got, want)
		}
	}
	if matches(mail, record.Absent(), record.Text("")) {
		t.Error("a missing address matches an empty one")
	}
}

// Many keys go into few requests, and no address grows beyond what is taken on its way.
func TestFindBounds(t *testing.T) {
	run := startSandbox(t, nil)
	defer run.Close()
	c, host := connect(t, run.Info)
	defer c.Close()
	var keys []sdk.Key
	for i := range 100 {
		ref := strings.Repeat("é'", 15) + text("%d", i).AsText()
		keys = append(keys, sdk.Key{Fields: []sdk.KeyField{{Name: "BuyersOrderReference", Value: record.Text(ref)}}})
	}
	got, err := c.Find(t.Context(), sdk.FindRequest{Object: "orders", Keys: keys})
	if err != nil {
		t.Fatal(err)
	}
	for i, r := range got {
		if r.Status != sdk.AbsentEverywhere {
			t.Errorf("key %d: %+v", i, r)
		}
	}
	for _, x := range host.Exchanges() {
		if len(x.URL) > 2000 {
			t.Errorf("an address of %d characters", len(x.URL))
		}
	}
	keys = keys[:0]
	for i := range 100 {
		keys = append(keys, sdk.Key{Fields: []sdk.KeyField{{Name: "Number", Value: record.Integer(int64(i))}}})
	}
	before := len(run.Log())
	if _, err := c.Find(t.Context(), sdk.FindRequest{Object: "orders", Keys: keys}); err != nil {
		t.Fatal(err)
	}
	if n := len(run.Log()) - before; n != 5 {
		t.Errorf("100 keys took %d requests, want 5", n)
	}
}
