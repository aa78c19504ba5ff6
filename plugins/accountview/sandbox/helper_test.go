package sandbox

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	kit "github.com/pomost/pomost/sdk/sandbox"
)

// site is a company under test, called without the kit in between.
type site struct {
	t      testing.TB
	c      *company
	scopes []string
	header map[string]string
	status int // of the last call
}

var testNow = time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)

func open(t testing.TB, set ...string) *site { return openData(t, "none", set...) }

func openData(t testing.TB, data string, set ...string) *site {
	t.Helper()
	values := map[string]string{}
	for _, s := range System().Settings {
		values[s.Key] = s.Default
	}
	for _, kv := range set {
		k, v, _ := strings.Cut(kv, "=")
		if _, known := values[k]; !known {
			t.Fatalf("no setting %s", k)
		}
		values[k] = v
	}
	clock := testNow
	c, err := newCompany(kit.Env{Set: values, Data: data, CompanyID: CompanyID, Now: func() time.Time {
		clock = clock.Add(time.Second)
		return clock
	}})
	if err != nil {
		t.Fatal(err)
	}
	return &site{t: t, c: c, scopes: []string{scopeRead, scopeUpdate}, header: map[string]string{"x-company": CompanyID}}
}

func (s *site) call(method, path, body string) string {
	s.t.Helper()
	r := httptest.NewRequest(method, path, strings.NewReader(body))
	for k, v := range s.header {
		r.Header.Set(k, v)
	}
	r = r.WithContext(kit.WithGrant(r.Context(), kit.Grant{Scopes: s.scopes}))
	w := httptest.NewRecorder()
	s.c.ServeHTTP(w, r)
	s.status = w.Code
	if !json.Valid(w.Body.Bytes()) {
		s.t.Fatalf("%s %s: not JSON: %s", method, path, w.Body)
	}
	return w.Body.String()
}

type answer map[string][]map[string]any

// message is the ErrorMessage of a body, "" where there is none.
func message(body string) string {
	var e struct{ ErrorMessage string }
	if json.Unmarshal([]byte(body), &e) != nil {
		return "" // a root array
	}
	return e.ErrorMessage
}

func (s *site) raw(object string, query ...string) string {
	s.t.Helper()
	v := url.Values{"BusinessObject": {object}}
	for _, kv := range query {
		k, val, _ := strings.Cut(kv, "=")
		v.Set(k, val)
	}
	path := "/accountviewdata"
	if o := findObject(object); o != nil && o.system {
		path = "/accountviewsystemdata"
	}
	return s.call(http.MethodGet, path+"?"+v.Encode(), "")
}

// get reads rows and fails on an error body.
func (s *site) get(object string, query ...string) answer {
	s.t.Helper()
	return s.decode(s.raw(object, query...))
}

func (s *site) decode(body string) answer {
	s.t.Helper()
	if m := message(body); m != "" {
		s.t.Fatalf("refused: %s", m)
	}
	var a answer
	if err := json.Unmarshal([]byte(body), &a); err != nil {
		s.t.Fatalf("%v in %s", err, body)
	}
	return a
}

// refused makes a read that must fail and returns its message.
func (s *site) refused(object string, query ...string) string {
	s.t.Helper()
	body := s.raw(object, query...)
	m := message(body)
	if m == "" {
		s.t.Fatalf("not refused: %v answered %.300s", query, body)
	}
	return m
}

// filter is the parameters of one numbered filter.
func filter(n, source, op, typ, value string) []string {
	return []string{"FilterControlSource" + n + "=" + source, "FilterOperator" + n + "=" + op, "FilterValueType" + n + "=" + typ, "FilterValue" + n + "=" + value}
}

// part is a table in an envelope: "NAME:T,NAME:T" and its rows.
type part struct {
	table  string
	fields string
	rows   [][]any
}

func (p part) def() map[string]any {
	var fields []map[string]any
	for f := range strings.SplitSeq(p.fields, ",") {
		name, typ, _ := strings.Cut(f, ":")
		fields = append(fields, map[string]any{"Name": name, "FieldType": typ})
	}
	return map[string]any{"Name": p.table, "Fields": fields}
}

func (p part) data() map[string]any {
	rows := []any{}
	for _, r := range p.rows {
		rows = append(rows, map[string]any{"Values": r})
	}
	return map[string]any{"Rows": rows}
}

func envelopeOf(bookDate, object string, head part, details ...part) map[string]any {
	table, data := map[string]any{"Definition": head.def()}, map[string]any{"Data": head.data()}
	var defs, datas []any
	for _, d := range details {
		defs, datas = append(defs, d.def()), append(datas, d.data())
	}
	if defs != nil {
		table["DetailDefinitions"], data["DetailData"] = defs, datas
	}
	return map[string]any{"BookDate": bookDate, "BusinessObject": object, "Table": table, "TableData": data}
}

func encode(t testing.TB, v any) string {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func (s *site) rawPost(bookDate, object string, head part, details ...part) string {
	s.t.Helper()
	return s.call(http.MethodPost, "/accountviewdata", encode(s.t, envelopeOf(bookDate, object, head, details...)))
}

func (s *site) post(bookDate, object string, head part, details ...part) answer {
	s.t.Helper()
	return s.decode(s.rawPost(bookDate, object, head, details...))
}

func (s *site) refusedPost(bookDate, object string, head part, details ...part) string {
	s.t.Helper()
	body := s.rawPost(bookDate, object, head, details...)
	m := message(body)
	if m == "" {
		s.t.Fatalf("not refused: %.300s", body)
	}
	return m
}

func (s *site) rawPut(bookDate, object, id string, head part) string {
	s.t.Helper()
	e := envelopeOf(bookDate, object, head)
	e["id"] = id
	return s.call(http.MethodPut, "/accountviewdata", encode(s.t, e))
}

const (
	debtorFields = "RowId:C,ACCT_NR:C,SRC_CODE:C,ACCT_NAME:C,MAIL_BUS:C,CNT_CODE:C"
	orderFields  = "RowId:C,ORD_DATE:T,RPL_INV:C,COMMENT1:C"
	lineFields   = "RowId:C,HeaderId:C,ART_CODE:C,ORD_QTY:N,ART_PX:N"
)

// debtor inserts one and returns its number.
func (s *site) debtor(name, mail string) string {
	s.t.Helper()
	a := s.post("", "AR1", part{"CONTACT", debtorFields, [][]any{{"1", "1210", "-", name, mail, "NL"}}})
	if len(a["CONTACT"]) == 0 {
		return ""
	}
	return strings.TrimSpace(a["CONTACT"][0]["SUB_NR"].(string))
}

func (s *site) article(code, price string) {
	s.t.Helper()
	s.post("", "AK1", part{"ARTICLE", "ART_CODE:C,ART_DESC1:C,PX_SELL:N", [][]any{{code, "Artikel " + code, price}}})
}

func order(debtor, date, ref string) part {
	return part{"SO_HDR", orderFields, [][]any{{"1", date, debtor, ref}}}
}

func line(article string, qty, price any) part {
	return part{"SO_LINE", lineFields, [][]any{{"1", "1", article, qty, price}}}
}

func column1(rows []map[string]any, name string) []string {
	var out []string
	for _, r := range rows {
		out = append(out, strings.TrimRight(r[name].(string), " "))
	}
	return out
}

func same(t *testing.T, got []string, want ...string) {
	t.Helper()
	if strings.Join(got, "|") != strings.Join(want, "|") {
		t.Fatalf("got %q, want %q", got, want)
	}
}

func contains(t *testing.T, text string, parts ...string) {
	t.Helper()
	for _, p := range parts {
		if !strings.Contains(text, p) {
			t.Fatalf("%q does not say %q", text, p)
		}
	}
}
