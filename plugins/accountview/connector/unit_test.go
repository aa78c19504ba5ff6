package connector

import (
	"encoding/json"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	sdk "github.com/pomost/pomost/sdk/connector"
	"github.com/pomost/pomost/sdk/record"
)

// Whatever a value holds, it stays one parameter with that value.
func TestQueryKeepsHostileValuesInTheirPlace(t *testing.T) {
	t.Parallel()
	for _, v := range []string{"a&BusinessObject=GJ1", "a=b", "a+b", "{^2019-01-31}", "a'b\"c", "a\nb", "%41", "#x", "a;b", "é Ł 😀", "\x00", "^{}[]", "a b "} {
		q := &query{object: "AR1", fields: []string{"SUB_NR", "ACCT_NAME"}, bookDate: "2026-01-02", pageSize: 200, lastKey: v,
			filters: []filter{{"ACCT_NAME", "Equal", 'C', v}, {"CNG_DATE", "DateOnOrAfterDate", 'T', "{^2026-01-02 00:00:00}"}}, any: true}
		text := q.encode()
		if strings.ContainsAny(text, " +{}^\"'<>") {
			t.Errorf("%q: not all is encoded: %s", v, text)
		}
		got, err := url.ParseQuery(text)
		if err != nil {
			t.Fatal(err)
		}
		want := url.Values{"BusinessObject": {"AR1"}, "PageSize": {"200"}, "LastKey": {v}, "Fields": {"SUB_NR,ACCT_NAME"}, "BookDate": {"2026-01-02"}, "MatchAnyFilter": {"true"},
			"FilterControlSource1": {"ACCT_NAME"}, "FilterOperator1": {"Equal"}, "FilterValueType1": {"C"}, "FilterValue1": {v},
			"FilterControlSource2": {"CNG_DATE"}, "FilterOperator2": {"DateOnOrAfterDate"}, "FilterValueType2": {"T"}, "FilterValue2": {"{^2026-01-02 00:00:00}"}}
		if got.Encode() != want.Encode() {
			t.Errorf("%q:\n%s\nwant\n%s", v, got.Encode(), want.Encode())
		}
		if got.Has("Filter") {
			t.Error("the free Filter expression is never used")
		}
	}
}

func TestCheckKey(t *testing.T) {
	t.Parallel()
	for v, ok := range map[string]bool{"info@example.nl": true, "O'Brien": true, "": false, "  ": false, "a\nb": false, "\x00": false, "a\xff": false, strings.Repeat("x", 255): false} {
		if got := checkKey(v) == ""; got != ok {
			t.Errorf("checkKey(%.20q) = %q", v, checkKey(v))
		}
	}
}

func TestParseAnswer(t *testing.T) {
	t.Parallel()
	a, err := parseAnswer([]byte("\xef\xbb\xbf" + `{"Contact":{"sub_nr":"10001     ","ACCT_NAME":"x"},"USR_LINK":[]}`))
	if err != nil {
		t.Fatal(err)
	}
	if rows := a.rows("CONTACT"); len(rows) != 1 || rows[0].text("SUB_NR") != "10001" || rows[0].raw("SUB_NR") != "10001     " {
		t.Errorf("%+v", rows)
	}
	if len(a.rows("ARTICLE")) != 0 {
		t.Error("a missing key is an empty table")
	}
	for _, bad := range []string{"", "<html>", "[]", "{", `{"CONTACT":[1]}`, `{} {}`, "null x"} {
		if _, err := parseAnswer([]byte(bad)); err == nil {
			t.Errorf("%q was read as an answer", bad)
		}
	}
}

func TestReadValue(t *testing.T) {
	t.Parallel()
	zone := inZone(t, "Europe/Amsterdam")
	for _, c := range []struct {
		in   any
		typ  byte
		want string // kind and text, "" for unreadable
	}{
		{"10001     ", 'C', "text 10001"}, {"   ", 'C', "null "}, {json.Number("7"), 'C', "text 7"},
		{json.Number("12.50"), 'Y', "decimal 12.5"}, {"12.50", 'N', "decimal 12.5"}, {json.Number("1e2"), 'N', "decimal 100"}, {"12,50", 'N', ""}, {"", 'N', "null "},
		{json.Number("5"), 'I', "integer 5"}, {"5", 'I', "integer 5"}, {json.Number("5.0"), 'I', "integer 5"}, {json.Number("5.5"), 'I', ""},
		{true, 'L', "bool true"}, {"False", 'L', "bool false"}, {".T.", 'L', "bool true"}, {json.Number("0"), 'L', "bool false"}, {"perhaps", 'L', ""},
		{"2026-01-01T00:00:00", 'D', "date 2026-01-01"}, {"2026-01-01T23:30:00Z", 'D', "date 2026-01-01"}, {"2026-01-01", 'D', "date 2026-01-01"}, {"", 'D', "null "},
		{"1899-12-30T00:00:00", 'D', "null "}, {"0001-01-01T00:00:00", 'T', "null "}, {"31-01-2026", 'D', ""},
		{"2026-07-01T12:00:00", 'T', "instant 2026-07-01T10:00:00Z"}, {"2026-07-01T12:00:00Z", 'T', "instant 2026-07-01T12:00:00Z"}, {true, 'N', ""}, {[]any{}, 'C', ""},
	} {
		v, ok := readValue(c.in, c.typ, zone)
		got := ""
		if ok {
			got = v.Kind().String() + " " + v.String()
		}
		if got != c.want {
			t.Errorf("%v as %c: %q, want %q", c.in, c.typ, got, c.want)
		}
	}
}

// orderShape is an order as the built-in tables know it.
func orderShape(t *testing.T) *shape {
	t.Helper()
	f := serve(t, nil, func(string, url.Values, string) (int, string) {
		return 200, `{"ErrorType":"AccountViewError","ErrorNumbers":null,"ErrorMessage":"Geen recht op het gegevenswoordenboek."}`
	})
	s, err := f.conn.shape(t.Context(), Orders)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestLinesBelongToTheirHeader(t *testing.T) {
	t.Parallel()
	s := orderShape(t)
	for name, c := range map[string]struct {
		body string
		want string // articles by order
	}{
		"by id":           {`{"SO_HDR":[{"ORD_NR":"1","SO_HDR_Id":0},{"ORD_NR":"2","SO_HDR_Id":1}],"SO_LINE":[{"ART_CODE":"B","SO_HDR_Id":1},{"ART_CODE":"A","SO_HDR_Id":0}]}`, "1:A 2:B"},
		"header no id":    {`{"SO_HDR":[{"ORD_NR":"1"},{"ORD_NR":"2"}],"SO_LINE":[{"ART_CODE":"B","so_hdr_id":"1"},{"ART_CODE":"A","so_hdr_id":"0"}]}`, "1:A 2:B"},
		"single objects":  {`{"SO_HDR":{"ORD_NR":"1","SO_HDR_Id":0},"SO_LINE":{"ART_CODE":"A","SO_HDR_Id":0}}`, "1:A"},
		"one header":      {`{"SO_HDR":[{"ORD_NR":"1"}],"SO_LINE":[{"ART_CODE":"A"},{"ART_CODE":"B"}]}`, "1:A,B"},
		"nested":          {`{"SO_HDR":[{"ORD_NR":"1","SO_LINE":[{"ART_CODE":"A"}]}]}`, "1:A"},
		"no lines told":   {`{"SO_HDR":[{"ORD_NR":"1"}]}`, "1:?"},
		"lines unlinked":  {`{"SO_HDR":[{"ORD_NR":"1"},{"ORD_NR":"2"}],"SO_LINE":[{"ART_CODE":"A"},{"ART_CODE":"B"}]}`, "1:? 2:?"},
		"prefixed fields": {`{"SO_HDR":[{"SO_HDR.ORD_NR":"1"}],"SO_LINE":[{"SO_LINE.ART_CODE":"A"}]}`, "1:A"},
	} {
		a, err := parseAnswer([]byte(c.body))
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, r := range s.records(a, time.UTC) {
			lines := "?"
			if v := r.Get("SO_LINE"); !v.IsAbsent() {
				var codes []string
				for _, l := range v.AsList() {
					n, _ := l.AsRecord()
					codes = append(codes, n.Get("ART_CODE").String())
				}
				lines = strings.Join(codes, ",")
			}
			got = append(got, r.Get("ORD_NR").String()+":"+lines)
		}
		if strings.Join(got, " ") != c.want {
			t.Errorf("%s: %v, want %s", name, got, c.want)
		}
	}
}

func TestClassify(t *testing.T) {
	t.Parallel()
	for message, want := range map[string]sdk.Cause{
		"Zoekcode moet worden ingevoerd.":                                                  sdk.CauseInvalidValue,
		"Er is geen administratie voor boekjaar 2028.":                                     sdk.CauseNoAdministration,
		"Administration not found for this date":                                           sdk.CauseNoAdministration,
		"De administratie van boekjaar 2025 is afgesloten.":                                sdk.CausePeriodLocked,
		"The period is closed":                                                             sdk.CausePeriodLocked,
		"De administratie is exclusief in gebruik door BEHEER.":                            sdk.CauseUnavailable,
		"Debiteur '10001' is geblokkeerd voor orders.":                                     sdk.CauseBlocked,
		"Debiteur 10001 bestaat niet.":                                                     sdk.CauseCustomerMissing,
		"Factuurdebiteur: debiteur onbekend":                                               sdk.CauseCustomerMissing,
		"Artikel 'ABC' bestaat niet.":                                                      sdk.CauseProductMissing,
		"Article ABC not found":                                                            sdk.CauseProductMissing,
		"BTW-code 9 bestaat niet.":                                                         sdk.CauseVATCodeMissing,
		"Verzamelrekening '9999' bestaat niet.":                                            sdk.CauseAccountMissing,
		"De valuta USD is onbekend.":                                                       sdk.CauseCurrency,
		"Artikelcode 'A' bestaat al.":                                                      sdk.CauseConflict,
		"De kredietlimiet van debiteur 10001 wordt overschreden.":                          sdk.CauseCreditLimit,
		"ACCT_NAME: de waarde is te lang (41 tekens, maximaal 40).":                        sdk.CauseLength,
		"De toepassing heeft geen recht (scope) updateaccountviewdata.":                    sdk.CauseRights,
		"De module Verkooporders is niet actief: business-object SO1 is niet beschikbaar.": sdk.CauseRights,
		"De onderneming 'x' bestaat niet of is niet aan deze gebruiker gekoppeld.":         sdk.CauseRights,
		"BTW-code 1 is niet geschikt voor buitenlandse debiteuren.":                        sdk.CauseInvalidValue,
		"Iets wat niemand kent.":                                                           sdk.CauseRefused,
	} {
		if p, _ := classify(message); p.cause != want {
			t.Errorf("%q is %s, want %s", message, p.cause, want)
		}
	}
}

func TestFaultField(t *testing.T) {
	t.Parallel()
	contact := fallback("CONTACT", "")
	for message, want := range map[string]string{
		"Zoekcode moet worden ingevoerd.": "SRC_CODE", "ACCT_NAME: de waarde is te lang": "ACCT_NAME", "Verzamelrekening '9' bestaat niet.": "ACCT_NR",
		"Plaats is te lang": "CITY", "Er is iets mis.": "", "Het veld NO_SUCH is onbekend": "",
	} {
		if got := faultField(message, contact, nil); got != want {
			t.Errorf("%q blames %q, want %q", message, got, want)
		}
	}
}

func TestJudge(t *testing.T) {
	t.Parallel()
	const own = `{"ErrorType":"AccountViewError","ErrorNumbers":[17],"ErrorMessage":"Zoekcode moet worden ingevoerd."}`
	const html = "<html><h1>502</h1></html>"
	for _, c := range []struct {
		status int
		body   string
		read   sdk.Cause   // "" is an answer
		write  sdk.Outcome // created stands for a success
	}{
		{200, `{"CONTACT":[]}`, "", sdk.OutcomeCreated},
		{200, `{"ErrorType":null,"ErrorNumbers":null,"ErrorMessage":""}`, "", sdk.OutcomeCreated},
		{200, own, sdk.CauseInvalidValue, sdk.OutcomeRefused},
		{400, own, sdk.CauseInvalidValue, sdk.OutcomeRefused},
		{500, own, sdk.CauseInvalidValue, sdk.OutcomeRefused},
		{200, `{"errormessage":"Time-out van de On Premises Gateway"}`, sdk.CauseUnavailable, sdk.OutcomeUnknown},
		{200, `{"Message":"An error has occurred."}`, sdk.CauseUnavailable, sdk.OutcomeUnknown},
		{400, `{"Message":"The request is invalid."}`, sdk.CauseRefused, sdk.OutcomeRefused},
		{200, html, sdk.CauseUnavailable, sdk.OutcomeUnknown},
		{200, "", sdk.CauseUnavailable, sdk.OutcomeCreated},
		{404, "", "", sdk.OutcomeUnknown},
		{404, `{"CONTACT":[]}`, "", sdk.OutcomeUnknown},
		{404, html, sdk.CauseUnavailable, sdk.OutcomeUnknown},
		{404, `{"ErrorMessage":"Er zijn geen gegevens gevonden."}`, "", sdk.OutcomeRefused},
		{404, `{"Message":"No HTTP resource was found that matches the request URI"}`, sdk.CauseRefused, sdk.OutcomeRefused},
		{401, `{"Message":"Authorization has been denied for this request."}`, sdk.CauseCredentials, sdk.OutcomeRefused},
		{403, `{"ErrorMessage":"Mag niet."}`, sdk.CauseRights, sdk.OutcomeRefused},
		{302, html, sdk.CauseUnavailable, sdk.OutcomeUnknown},
		{408, `{"ErrorMessage":"Te laat."}`, sdk.CauseRefused, sdk.OutcomeUnknown},
	} {
		resp := &sdk.Response{Status: c.status, Body: []byte(c.body)}
		_, err := judgeRead(resp)
		if got := causeOf(err); got != c.read {
			t.Errorf("read %d %s: %q, want %q", c.status, c.body, got, c.read)
		}
		_, res := judgeWrite(resp, "AR1")
		got := sdk.OutcomeCreated
		if res != nil {
			got = res.Outcome
		}
		if got != c.write {
			t.Errorf("write %d %s: outcome %d, want %d", c.status, c.body, got, c.write)
		}
	}
	for body, want := range map[string]bool{own: true, html: false, `{"ErrorMessage":"Interne fout."}`: false, `{"ErrorMessage":"gateway time-out"}`: false} {
		if answered(&sdk.Response{Status: 500, Body: []byte(body)}) != want {
			t.Errorf("a 500 with %s counts as an answer: %t", body, !want)
		}
	}
}

func TestSettings(t *testing.T) {
	t.Parallel()
	_, problems := parseSettings(sdk.Settings{
		"base_url": "ftp://x", "page_size": "5000", "settle_time": "soon", "time_zone": "Mars/Base", "object_orders": "so 1", "object_debtors": "AR1/CONTACT/LINES",
		"extra_fields": "CONTACT.LNK_ACCT, nonsense", "update_mode": "sometimes", "compny": "DEMO",
	})
	var keys []string
	for _, p := range problems {
		keys = append(keys, p.Setting)
		if p.Message == "" || p.Remedy == "" {
			t.Errorf("%+v", p)
		}
		if p.Setting == "compny" && !strings.Contains(p.Remedy, "company") {
			t.Errorf("%+v does not name the nearest setting", p)
		}
	}
	slices.Sort(keys)
	want := []string{"base_url", "company", "compny", "extra_fields", "object_debtors", "object_orders", "page_size", "settle_time", "time_zone", "update_mode"}
	if !slices.Equal(keys, want) {
		t.Errorf("problems %v, want %v", keys, want)
	}
	c, problems := parseSettings(sdk.Settings{"company": "x", "object_orders": "so2/ord_hdr/ord_line"})
	if len(problems) > 0 || c.objects[Orders].code != "SO2" || c.objects[Orders].table != "ORD_HDR" || c.objects[Orders].lines != "ORD_LINE" || c.base != vendorBase {
		t.Errorf("%+v %+v", c, problems)
	}
}

func TestChooseCompany(t *testing.T) {
	t.Parallel()
	list := []company{{ID: "guid-1", Code: "VBV  ", Description: "Voorbeeld"}, {ID: "guid-2", Code: "TWEE"}, {ID: "guid-3", Code: "twee"}}
	for want, id := range map[string]string{"vbv": "guid-1", "{GUID-2}": "guid-2", "TWEE": "", "none": ""} {
		got, err := chooseCompany(list, want)
		switch {
		case id == "" && (err == nil || causeOf(err) != sdk.CauseRights):
			t.Errorf("%s: %v, %v", want, got, err)
		case id != "" && (err != nil || got.ID != id):
			t.Errorf("%s: %v, %v", want, got, err)
		}
	}
}

// Local stamps repeat an hour in autumn: the look-back grows by it until the cursor lies behind it.
func TestLookBackOverTheClockChange(t *testing.T) {
	t.Parallel()
	zone := inZone(t, "Europe/Amsterdam")
	for _, c := range []struct{ since, now, want string }{
		{"2026-10-25T02:30:00", "2026-10-25T12:00:00Z", "2026-10-24T23:30:00"}, // before or in the hour: two hours and one
		{"2026-10-26T12:00:00", "2026-10-26T12:00:00Z", "2026-10-26T10:00:00"},
		{"2026-03-29T12:00:00", "2026-03-29T12:00:00Z", "2026-03-29T10:00:00"},
		{"", "2026-03-29T12:00:00Z", ""},
	} {
		now, err := time.Parse(time.RFC3339, c.now)
		if err != nil {
			t.Fatal(err)
		}
		conn := &connection{cfg: &config{zone: zone, lookBack: 2 * time.Hour}, now: func() time.Time { return now }}
		if got := conn.lookBack(c.since, time.Minute); got != c.want {
			t.Errorf("%s at %s: %s, want %s", c.since, c.now, got, c.want)
		}
	}
}

func TestDecimalsOf(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		typ  byte
		mask string
		want int
	}{{'Y', "=av.active_admin.cur_mask", 4}, {'N', "99.99", 2}, {'N', "9999999999", 0}, {'N', "", -1}, {'N', "=av.active_admin.disc_mask", -1}, {'B', "", -1}, {'I', "", 0}, {'N', "9,999.99", 2}} {
		if got := decimalsOf(c.typ, c.mask); got != c.want {
			t.Errorf("%c %q: %d, want %d", c.typ, c.mask, got, c.want)
		}
	}
}

func TestEmptyKeyIsNotAskedFor(t *testing.T) {
	t.Parallel()
	f := serve(t, nil, func(_ string, q url.Values, _ string) (int, string) { return 200, `{}` })
	got, err := f.conn.Find(t.Context(), sdk.FindRequest{Object: Debtors, Keys: []sdk.Key{{Fields: []sdk.KeyField{{Name: "MAIL_BUS", Value: record.Null()}}}}})
	if err != nil || got[0].Status != sdk.CannotTell || f.sent("AR1") != 0 {
		t.Errorf("%+v, %v, %d requests", got, err, f.sent("AR1"))
	}
}

// An error of AccountView's own that comes with status 500 proves that nothing was done; any other 500 proves nothing.
func TestWriteAnsweredWith500(t *testing.T) {
	t.Parallel()
	for message, want := range map[string]sdk.Outcome{"Verzamelrekening '9' bestaat niet.": sdk.OutcomeRefused, "Interne fout.": sdk.OutcomeUnknown, "Gateway: time-out": sdk.OutcomeUnknown} {
		posts := 0
		f := serve(t, nil, func(_ string, q url.Values, body string) (int, string) {
			if body == "" {
				return 200, `{}`
			}
			posts++
			_, text := refuse(message)
			return 500, text
		})
		s, err := f.conn.Discover(t.Context(), Debtors)
		if err != nil {
			t.Fatal(err)
		}
		r := record.New(s)
		set(&r, "SRC_CODE", "X", "ACCT_NAME", "Y", "ACCT_NR", "9")
		err = f.conn.Write(t.Context(), sdk.WriteRequest{Object: Debtors, Action: sdk.Create, Records: []record.Record{r}}, func(got sdk.WriteResult) error {
			if got.Outcome != want || got.Err == nil || got.Err.Message == "" || got.Err.Remedy == "" {
				t.Errorf("%s: %+v", message, got)
			}
			return nil
		})
		if err != nil || posts != 1 {
			t.Errorf("%v, %d requests", err, posts)
		}
	}
}

func FuzzAnswer(f *testing.F) {
	for _, s := range []string{`{"SO_HDR":[{"ORD_NR":"1","SO_HDR_Id":0}],"SO_LINE":[{"ORD_QTY":1e5,"SO_HDR_Id":0}]}`, `{"SO_HDR":{"SO_LINE":[{}]}}`, `{"ErrorMessage":"x","ErrorNumbers":[1,"a"]}`, `<html>`, `{"SO_HDR":[{"ORD_DATE":"x","PD_AMT":true}]}`} {
		f.Add([]byte(s))
	}
	head, detail := fallback("SO_HDR", ""), fallback("SO_LINE", "")
	if err := head.seal(); err != nil {
		f.Fatal(err)
	}
	if err := detail.seal(); err != nil {
		f.Fatal(err)
	}
	s := &shape{object: objects()[3], head: head, detail: detail}
	s.schema = record.MustSchema("SO1", append(slices.Clone(head.schema.Fields), record.Field{Name: "SO_LINE", Type: record.ListOf(detail.schema)})...)
	f.Fuzz(func(t *testing.T, b []byte) {
		if a, err := parseAnswer(b); err == nil {
			for _, r := range s.records(a, time.UTC) {
				for i, v := range r.Values {
					if err := record.Conforms(v, s.schema.Fields[i].Type); err != nil {
						t.Errorf("%s: %v", s.schema.Fields[i].Name, err)
					}
				}
			}
		}
		_, _ = judgeRead(&sdk.Response{Status: 200, Body: b})
		_, _ = judgeWrite(&sdk.Response{Status: 500, Body: b}, "x", head)
	})
}
