package sandbox

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	kit "github.com/pomost/pomost/sdk/sandbox"
)

// answerOf calls the company without any expectation but those that always hold: valid JSON, and an error body or tables.
func answerOf(t *testing.T, c *company, r *http.Request) {
	t.Helper()
	r.Header.Set("x-company", CompanyID)
	r = r.WithContext(kit.WithGrant(r.Context(), kit.Grant{Scopes: []string{scopeRead, scopeUpdate}}))
	w := httptest.NewRecorder()
	c.ServeHTTP(w, r)
	var body map[string]any
	if err := json.Unmarshal(w.Body.Bytes(), &body); err != nil {
		t.Fatalf("status %d, not JSON: %v: %.200s", w.Code, err, w.Body)
	}
	if m, failed := body["ErrorMessage"]; failed && m == "" {
		t.Fatal("an error without a message")
	}
}

func FuzzQuery(f *testing.F) {
	for _, q := range []string{
		"BusinessObject=AR1&PageSize=2&PageNumber=2&Fields=contact.sub_nr,*&SortFields=acct_name&SortOrder=Descending",
		"businessobject=so1&bookdate=2026-01-01&lastkey=26000001",
		"BusinessObject=AR1&FilterControlSource1=MAIL_BUS&FilterOperator1=Equal&FilterValueType1=C&FilterValue1='a',\"b\",[c]&FilterIsListOfValues1=true",
		"BusinessObject=SO1&FilterControlSource1=so_line.ord_qty&FilterOperator1=42&FilterValue1={^2026-01-31 12:00:00}&MatchAnyFilter=true",
		"BusinessObject=FLD&Filter=!EMPTY(dct_fld.pky_tbl) AND (dct_fld.field_len>=10 AND field_type='C')&LastKey=3",
		"BusinessObject=DBF&Filter=dct_file.dbf_type=2 AND(EMPTY(obj_code))",
		"BusinessObject=AK1&FilterControlSource1=px_sell&FilterOperator1=GreaterThan&FilterValueType1=N&FilterValue1=-1.5e2",
	} {
		f.Add(q)
	}
	s := open(f, "dialect=so_rich")
	n := s.debtor("Jansen", "a@b.example")
	s.article("A", "1")
	s.post("2026-01-02", "SO1", order(n, "2026-01-02", "R1"), line("A", 2, "1.25"))
	f.Fuzz(func(t *testing.T, query string) {
		r := httptest.NewRequest(http.MethodGet, "/accountviewdata", nil)
		r.URL.RawQuery = query
		answerOf(t, s.c, r)
	})
}

func FuzzEnvelope(f *testing.F) {
	for _, e := range []map[string]any{
		envelopeOf("2026-01-02", "SO1", order("10001", "2026-01-02", "R1"), line("A", 2, "1.25")),
		envelopeOf("", "AR1", part{"CONTACT", debtorFields, [][]any{{"1", "1210", "-", "N", nil, "NL"}}}),
		envelopeOf("2026-03-01T00:00:00.000Z", "DJ2", part{"DJ_PAGE", pageFields, [][]any{{"1", "700", "10001", "1", "2026-03-01", "3", "x", "False"}}},
			part{"DJ_LINE", pageLineFields, [][]any{{"1", "1", "8000", "x", "-25.00", "1", nil}}}),
		envelopeOf("", "PER", part{"ADM_PER", "PERIOD:N,BEG_DATE:T,END_DATE:T", [][]any{{13, "2026-12-31", "2026-12-31"}}}),
	} {
		f.Add(encode(f, e), false)
		e["id"] = "10001"
		f.Add(encode(f, e), true)
	}
	s := open(f, "dialect=so_rich")
	s.debtorOnly("Jansen")
	s.post("", "AK1", part{"ARTICLE", "ART_CODE:C", [][]any{{"A"}}})
	before, err := s.c.Snapshot()
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, body string, put bool) {
		if err := s.c.Restore(before); err != nil {
			t.Fatal(err)
		}
		s := &site{t: t, c: s.c, scopes: s.scopes, header: s.header}
		method := http.MethodPost
		if put {
			method = http.MethodPut
		}
		answerOf(t, s.c, httptest.NewRequest(method, "/accountviewdata", strings.NewReader(body)))
		for _, object := range []string{"AR1", "SO1", "DJ2", "PER"} {
			s.get(object, "BookDate=2026-01-01")
		}
	})
}
