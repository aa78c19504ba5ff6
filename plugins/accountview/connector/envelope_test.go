package connector

import (
	"encoding/json"
	"strings"
	"testing"

	sdk "github.com/pomost/pomost/sdk/connector"
	"github.com/pomost/pomost/sdk/record"
)

// The envelope is that of the clients (facts section 5): RowId and HeaderId, FieldType T for dates, no Z, numbers by their
// exact text, only fields that a row states, null where another line states more.
func TestEnvelope(t *testing.T) {
	t.Parallel()
	s := orderShape(t)
	c := &connection{cfg: &config{zone: inZone(t, "Pacific/Auckland")}}
	line := func(pairs ...any) record.Value {
		l := record.New(s.detail.schema)
		set(&l, pairs...)
		return record.Nested(l)
	}
	r := record.New(s.schema)
	set(&r, "ORD_DATE", day("2027-01-01"), "RPL_INV", "a10001 ", "COMMENT1", `WEB-1 "x" & <y>`, "COMMENT2", "een\ntwee", "DEL_CODE", record.Null(), "PD_AMT", record.Null(),
		"SO_LINE", record.List(line("ART_CODE", "plank", "ORD_QTY", dec("2.25"), "ART_PX", dec("12.4999")), line("ART_CODE", "VERZEND", "ORD_QTY", dec("1"), "ART_PX", dec("0"), "DEL_DATE", day("2027-01-05"))))
	body, refused := c.body(s, r, day("2027-01-01"), "", "")
	if refused != nil {
		t.Fatal(refused)
	}
	want := `{"BookDate":"2027-01-01T00:00:00","BusinessObject":"SO1",` +
		`"Table":{"Definition":{"Name":"SO_HDR","Fields":[{"Name":"RowId","FieldType":"C"},{"Name":"ORD_DATE","FieldType":"T"},{"Name":"RPL_INV","FieldType":"C"},{"Name":"DEL_CODE","FieldType":"C"},{"Name":"COMMENT1","FieldType":"C"},{"Name":"COMMENT2","FieldType":"C"},{"Name":"PD_AMT","FieldType":"N"}]},` +
		`"DetailDefinitions":[{"Name":"SO_LINE","Fields":[{"Name":"RowId","FieldType":"C"},{"Name":"HeaderId","FieldType":"C"},{"Name":"ART_CODE","FieldType":"C"},{"Name":"ORD_QTY","FieldType":"N"},{"Name":"ART_PX","FieldType":"N"},{"Name":"DEL_DATE","FieldType":"T"}]}]},` +
		`"TableData":{"Data":{"Rows":[{"Values":["1","2027-01-01T00:00:00","A10001","","WEB-1 \"x\" & <y>","een\ntwee",null]}]},` +
		`"DetailData":[{"Rows":[{"Values":["1","1","PLANK",2.25,12.4999,null]},{"Values":["2","1","VERZEND",1,0,"2027-01-05T00:00:00"]}]}]}}`
	if got := strings.TrimSpace(string(body)); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestEnvelopeOfAnUpdateAndOfLogicals(t *testing.T) {
	t.Parallel()
	head := fallback("CONTACT", "")
	if err := head.seal(); err != nil {
		t.Fatal(err)
	}
	s := &shape{object: objects()[0], head: head, schema: head.schema}
	for jsonLogicals, want := range map[bool]string{false: `["1","10001",500,"True"]`, true: `["1","10001",500,true]`} {
		c := &connection{cfg: &config{jsonLogicals: jsonLogicals}}
		r := record.New(s.schema)
		set(&r, "SUB_NR", "10001", "REC_BLK", true, "CRED_LIM", record.Integer(500))
		body, refused := c.body(s, r, day("2026-05-01"), "SUB_NR", "10001")
		if refused != nil {
			t.Fatal(refused)
		}
		var e map[string]json.RawMessage
		if err := json.Unmarshal(body, &e); err != nil {
			t.Fatal(err)
		}
		if string(e["id"]) != `"10001"` || strings.Contains(string(body), "Detail") {
			t.Errorf("%s", body)
		}
		if !strings.Contains(string(body), want) {
			t.Errorf("%s, want values %s", body, want)
		}
	}
}

// What AccountView could not keep is refused before it is sent, with the field.
func TestRefusedBeforeSending(t *testing.T) {
	t.Parallel()
	s := orderShape(t)
	c := &connection{cfg: &config{zone: inZone(t, "Europe/Amsterdam")}}
	for name, set1 := range map[string]struct {
		field string
		value any
		line  bool
		cause sdk.Cause
	}{
		"too long":         {"COMMENT1", strings.Repeat("ł", 41), false, sdk.CauseLength},
		"exactly fits":     {"COMMENT1", strings.Repeat("ł", 40), false, ""},
		"line too long":    {"ART_CODE", strings.Repeat("A", 16), true, sdk.CauseLength},
		"control":          {"COMMENT1", "a\x00b", false, sdk.CauseInvalidValue},
		"newline in C":     {"COMMENT1", "a\nb", false, sdk.CauseInvalidValue},
		"decimals":         {"ART_PX", dec("1.23456"), true, sdk.CauseInvalidValue},
		"written by it":    {"ORD_NR", "1", false, sdk.CauseInvalidValue},
		"no UTF-8":         {"COMMENT1", "a\xff", false, sdk.CauseInvalidValue},
		"memo may be long": {"COMMENT2", strings.Repeat("x", 5000), false, ""},
	} {
		l := record.New(s.detail.schema)
		set(&l, "ART_CODE", "A", "ORD_QTY", dec("1"))
		r := record.New(s.schema)
		set(&r, "ORD_DATE", day("2026-05-01"), "RPL_INV", "1")
		if set1.line {
			set(&l, set1.field, set1.value)
		} else {
			set(&r, set1.field, set1.value)
		}
		set(&r, "SO_LINE", record.List(record.Nested(l)))
		_, refused := c.body(s, r, day("2026-05-01"), "", "")
		switch {
		case set1.cause == "" && refused != nil:
			t.Errorf("%s: %v", name, refused)
		case set1.cause != "" && (refused == nil || refused.Cause != set1.cause || refused.Field != set1.field):
			t.Errorf("%s: %+v", name, refused)
		}
	}
}
