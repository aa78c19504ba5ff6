package sandbox

import (
	"encoding/json"
	"fmt"
	"math/big"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	kit "github.com/pomost/pomost/sdk/sandbox"
)

func (s *site) sum(rows []map[string]any, name string) string {
	sum := new(big.Rat)
	for _, r := range rows {
		sum.Add(sum, rat(fmt.Sprint(r[name])))
	}
	return sum.FloatString(2)
}

// Every page comes to nothing in the ledger, and what its debtor owes is an open item until somebody pays it.
func TestLedgerAndOpenItems(t *testing.T) {
	s := open(t)
	n := s.debtor("Jansen", "")
	page := func(number string) part {
		return part{"DJ_PAGE", pageFields + ",CRED_DAYS:N", [][]any{{"1", "700", n, number, "2026-11-01", "", "Webshop", "False", "14"}}}
	}
	s.post("2026-11-01", "DJ2", page("26000001"), part{"DJ_LINE", pageLineFields, [][]any{{"1", "1", "8000", "Plank", "-25.01", "1", "-5.25"}, {"2", "1", "8010", "Brood", "-10", "2", "-0.9"}}})
	s.post("2026-11-01", "DJ2", page("26000002"), part{"DJ_LINE", pageLineFields, [][]any{{"1", "1", "8000", "Credit", "25.01", "1", "5.25"}}})
	entries := s.get("GJ1", "BookDate=2026-01-01")["TRANSACT"]
	if got := s.sum(entries, "AMOUNT"); got != "0.00" || len(entries) != 8 {
		t.Fatalf("%d entries come to %s", len(entries), got)
	}
	for account, want := range map[string]string{"8000": "0.00", "8010": "-10.00", "1600": "-0.90", "1210": "10.90"} {
		if got := s.sum(s.get("GJ1", append(filter("1", "ACCT_NR", "Equal", "C", account), "BookDate=2026-01-01")...)["TRANSACT"], "AMOUNT"); got != want {
			t.Errorf("account %s: %s, want %s", account, got, want)
		}
	}
	item := func(number string) map[string]any {
		rows := s.get("OI1", filter("1", "INV_NR", "Equal", "C", number)...)["OPENITEM"]
		if len(rows) != 1 {
			t.Fatalf("%d open items of %s", len(rows), number)
		}
		return rows[0]
	}
	if i := item("26000001"); i["SUB_INV"] != pad(n, 10)+"26000001"+"    " && i["SUB_INV"] != pad(n, 10)+"26000001" || i["ITEM_REST"] != 41.16 || i["ITEM_AGE"] != 19.0 || i["ITEM_EXPDS"] != 5.0 || i["DATE_PAID"] != "" {
		t.Errorf("open item: %v", i)
	}
	s.post("", "GL1", part{"LEDGER", "ACCT_NR:C,ACCT_NAME:C", [][]any{{"1100", "Bank"}}})
	s.post("", "DJ1", part{"DAILY", "DJ_CODE:C,DJ_NAME:C", [][]any{{"100", "Bank"}}})
	s.post("2026-11-10", "DJ2", part{"DJ_PAGE", "DJ_CODE:C,TRN_DATE:T,HDR_DESC:C", [][]any{{"100", "2026-11-10", "Afschrift"}}},
		part{"DJ_LINE", "ACCT_NR:C,SUB_NR:C,INV_NR:C,AMOUNT:N", [][]any{{"1210", n, "26000001", "-41.16"}, {"1100", nil, nil, "41.16"}}})
	if i := item("26000001"); i["ITEM_REST"] != 0.0 || i["DATE_PAID"] != "2026-11-10T00:00:00" || i["ITEM_PAID"] != 41.16 {
		t.Errorf("paid: %v", i)
	}
	s.post("2026-11-01", "DJ2", part{"DJ_PAGE", "DJ_CODE:C,SUB_NR:C,INV_NR:C,TRN_DATE:T,HDR_DESC:C,NO_POST:L", [][]any{{"700", n, "26000003", "2026-11-01", "Concept", "True"}}},
		part{"DJ_LINE", "ACCT_NR:C,AMOUNT:N", [][]any{{"8000", "-1"}}})
	if len(s.get("OI1", filter("1", "INV_NR", "Equal", "C", "26000003")...)["OPENITEM"]) != 0 {
		t.Error("a page that is not posted has an open item")
	}
}

// Delivered orders are in the history, not among the orders, and there by the columns of the joined header.
func TestOrderHistory(t *testing.T) {
	s := open(t, "dialect=order_history,so_rich")
	n := s.debtor("Jansen", "")
	s.article("A", "1.25")
	s.post("2026-11-02", "SO1", order(n, "2026-11-02", "OLD-1"), line("A", 2, "1.25"))
	s.post("2026-11-02", "SO1", order(n, "2026-11-20", "NEW-1"), line("A", 3, "1.25"))
	same(t, column1(s.get("SO1", "BookDate=2026-01-01")["SO_HDR"], "COMMENT1"), "NEW-1")
	found := s.get("ALH", append(filter("1", "hst_ah.comment1", "Equal", "C", "OLD-1"), "BookDate=2026-01-01", "Fields=rec_id,art_code,hst_ah.comment1,hst_ah.hdr_type,hst_ah.dc_name", "SortFields=hst_ah.del_date", "SortOrder=descending")...)["HST_AL"]
	if len(found) != 1 || found[0]["HST_AH_COMMENT1"] != "OLD-1" || found[0]["HST_AH_HDR_TYPE"] != 1.0 || found[0]["HST_AH_DC_NAME"] != "Jansen" {
		t.Fatalf("history: %v", found)
	}
	if l := s.get("AKH", "BookDate=2026-01-01")["ART_LINE"]; len(l) != 1 || l[0]["ART_AMT"] != 2.5 {
		t.Errorf("article lines: %v", l)
	}
	if a := s.get("AK1")["ARTICLE"]; a[0]["QTY_TECH"] != -2.0 {
		t.Errorf("the shelf: %v", a)
	}
	saved, err := s.c.Snapshot()
	if err != nil {
		t.Fatal(err)
	}
	again := open(t, "dialect=order_history,so_rich")
	if err := again.c.Restore(saved); err != nil || again.raw("ALH", "BookDate=2026-01-01") != s.raw("ALH", "BookDate=2026-01-01") {
		t.Errorf("after a restart the history differs (%v)", err)
	}
	dot := open(t, "dialect=joined_dot")
	contains(t, s.raw("ALH", "BookDate=2026-01-01", "Fields=hst_ah.dc_name"), `"HST_AH_DC_NAME"`)
	contains(t, dot.raw("DBF"), "HST_AL")
	if strings.Contains(dot.raw("FLD", "PageSize=1000"), "HST_AH.DC_NAME") {
		t.Error("the dictionary shows the columns of a joined table as its own")
	}
}

func TestRelationsAndProjects(t *testing.T) {
	s := open(t)
	s.post("", "AR1", part{"CONTACT", "ACCT_NR:C,SRC_CODE:C,ACCT_NAME:C,CRED_SHOW:L", [][]any{{"1210", "-", "Ook leverancier", "True"}, {"1210", "-", "Klant", "False"}}})
	same(t, column1(s.get("AP1")["CONTACT"], "ACCT_NAME"), "Ook leverancier")
	if n := len(s.get("CON")["CONTACT"]); n != 2 {
		t.Errorf("%d relations", n)
	}
	s.post("", "PJ1", part{"PROJECTS", "PROJ_CODE:C,PROJ_DESC:C", [][]any{{"P1", "Verbouwing"}}})
	same(t, column1(s.get("PJ1")["PROJECTS"], "PROJ_CODE"), "P1")
	s.post("", "AG1", part{"ART_GRP", "AG_CODE:C,AG_DESC:C", [][]any{{"HOUT", "Hout"}}})
	same(t, column1(s.get("AG1")["ART_GRP"], "AG_DESC"), "Hout")
	n := s.debtor("Jansen", "")
	contains(t, s.refusedPost("2026-03-01", "DJ2", part{"DJ_PAGE", "DJ_CODE:C,SUB_NR:C,TRN_DATE:T,HDR_DESC:C,PROJ_CODE:C", [][]any{{"700", n, "2026-03-01", "x", "P2"}}},
		part{"DJ_LINE", "ACCT_NR:C,AMOUNT:N", [][]any{{"8000", "-1"}}}), "Project 'P2'")
}

// Tables whose names nobody's code shows are there in one dialect only, under names that must be found out.
func TestCodeTables(t *testing.T) {
	contains(t, open(t).refused("BC1"), "bestaat niet")
	s := open(t, "dialect=code_tables")
	label := s.get("DBF", append(filter("1", "dbf_desc", "Contains", "C", "etalingscondities"), "Fields=obj_code,dbf_name")...)["DCT_FILE"]
	if len(label) != 1 || label[0]["OBJ_CODE"] != "BC1" {
		t.Fatalf("by its label: %v", label)
	}
	s.post("", "BC1", part{"BETCOND", "DISC_CODE:C,DISC_DESC:C,CRED_DAYS:N", [][]any{{"30", "30 dagen netto", "30"}}})
	if len(s.get("BC1")["BETCOND"]) != 1 {
		t.Error("the row is lost")
	}
}

// The variants of what is unknown about filters, pages and answers.
func TestReadingDialects(t *testing.T) {
	names := func(dialect string, query ...string) []string {
		s := open(t, "dialect="+dialect)
		for _, n := range []string{"Alfa", "Alfabet", "Bravo"} {
			s.debtor(n, "")
		}
		return column1(s.get("AR1", query...)["CONTACT"], "ACCT_NAME")
	}
	same(t, names("equal_prefix", filter("1", "ACCT_NAME", "Equal", "C", "Alfa")...), "Alfa", "Alfabet")
	same(t, names("default", filter("1", "ACCT_NAME", "Equal", "C", "Alfa")...), "Alfa")
	same(t, names("padded_filters", filter("1", "SUB_NR", "Equal", "C", "10001")...))
	same(t, names("padded_filters", filter("1", "SUB_NR", "Equal", "C", "10001     ")...), "Alfa")
	either := append(append(filter("1", "ACCT_NAME", "Equal", "C", "Alfa"), filter("2", "ACCT_NAME", "Equal", "C", "Bravo")...), "MatchAnyFilter=true")
	same(t, names("default", either...), "Alfa", "Bravo")
	same(t, names("no_match_any", either...))
	same(t, names("default", "LastKey=10001", "PageSize=1"), "Alfabet")
	same(t, names("no_last_key", "LastKey=10001", "PageSize=1"), "Alfa")

	for dialect, want := range map[string]string{"default": "2026-01-01T00:00:00", "short_dates": "2026-01-01"} {
		if per := open(t, "dialect="+dialect).get("PER", "BookDate=2026-05-05", "Fields=BEG_DATE")["ADM_PER"]; per[0]["BEG_DATE"] != want {
			t.Errorf("%s: %v", dialect, per[0])
		}
	}
	s := open(t, "dialect=lines_nested")
	n := s.debtor("Jansen", "")
	s.article("A", "1")
	s.post("2026-01-02", "SO1", order(n, "2026-01-02", "R1"), line("A", 2, "1.25"))
	var nested struct {
		SO_HDR []struct{ SO_LINE []map[string]any }
	}
	if err := json.Unmarshal([]byte(s.raw("SO1")), &nested); err != nil || len(nested.SO_HDR) != 1 || len(nested.SO_HDR[0].SO_LINE) != 1 {
		t.Errorf("%s (%v)", s.raw("SO1"), err)
	}
}

// A table of 100,000 records is read page by page in time that grows with its rows and not with their square: a page in the middle does
// not look at what lies before it.
func TestHundredThousand(t *testing.T) {
	if testing.Short() {
		t.Skip("makes 100,000 records")
	}
	s := open(t)
	const n = 100_000
	seed := s.c.seeder()
	for i := range n {
		seed.add("ARTICLE", "ART_CODE", fmt.Sprintf("ART-%06d", i), "PX_SELL", "1.25")
	}
	if seed.err != nil {
		t.Fatal(seed.err)
	}
	began := time.Now()
	last, pages := "", 0
	for {
		rows := s.get("AK1", "Fields=ART_CODE", "PageSize=1000", "LastKey="+last)["ARTICLE"]
		if len(rows) == 0 {
			break
		}
		last = strings.TrimSpace(rows[len(rows)-1]["ART_CODE"].(string))
		pages++
	}
	t.Logf("%d pages in %s", pages, time.Since(began))
	if pages != n/1000 || last != "ART-099999" {
		t.Errorf("%d pages, the last key is %s", pages, last)
	}
	p, _ := parseParams(queryOf([]string{"BusinessObject=AK1", "PageSize=10", "LastKey=ART-099000"}))
	q, refused := s.c.parseQuery(findObject("AK1"), p)
	if refused != nil {
		t.Fatal(refused)
	}
	if rows, _, ok := s.c.nextPage(q, s.c.tables["ARTICLE"]); !ok || len(rows) != 10 {
		t.Errorf("a page in the middle looks at all rows before it (%t, %d rows)", ok, len(rows))
	}
}

// A browser application gets its access token in the fragment, and no refresh token with it.
func TestConsentOfABrowser(t *testing.T) {
	_, w := start(t, kit.Options{})
	client := http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	resp, err := client.Get(w.info.AuthorizeURL + "?" + url.Values{"response_type": {"token"}, "client_id": {w.info.ClientID}, "redirect_uri": {"http://127.0.0.1:1/app"}, "scope": {scopeRead}, "state": {"s1"}}.Encode())
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	_, fragment, _ := strings.Cut(resp.Header.Get("Location"), "#")
	got, err := url.ParseQuery(fragment)
	if err != nil || got.Get("token_type") != "Bearer" || got.Get("state") != "s1" || got.Get("refresh_token") != "" {
		t.Fatalf("%s: %v", resp.Header.Get("Location"), err)
	}
	w.token = got.Get("access_token")
	if status, _, body := w.do("GET", "/Companies", ""); status != 200 || !strings.Contains(body, CompanyID) {
		t.Errorf("%d %s", status, body)
	}
	if _, _, body := w.do("POST", "/accountviewdata", encode(t, envelopeOf("", "AG1", part{"ART_GRP", "AG_CODE:C", [][]any{{"X"}}}))); !strings.Contains(body, "scope") {
		t.Errorf("writing without the scope: %s", body)
	}
}

// The user's rights per function: not at all, or reading alone.
func TestRights(t *testing.T) {
	s := open(t, "no_right=AR1,AK1:write")
	contains(t, s.refused("AR1"), "geen recht")
	s.get("AK1")
	contains(t, s.refusedPost("", "AK1", part{"ARTICLE", "ART_CODE:C", [][]any{{"A"}}}), "geen recht")
	contains(t, s.call("GET", "/accountviewbusinessobjects", ""), `{"Code":"AK1","Description":"Artikelen","InsertAllowed":false`)
	for _, bad := range []string{"NOPE", "AR1:read"} {
		if checkRights(bad) == nil {
			t.Errorf("%s is taken", bad)
		}
	}
}

// Companies of each country have its rates, and a VAT number that fits its field and says which country it is of.
func TestCountries(t *testing.T) {
	for country, rates := range map[string]string{"NL": "21 9 0", "BE": "21 12 6 0", "DE": "19 7 0", "NO": "25 15 12 0", "PL": "23 8 5 0", "SE": "25 12 6 0"} {
		s := open(t, "country="+country, "currency=XYZ")
		var got []string
		for _, r := range s.get("VA1")["VAT"] {
			got = append(got, fmt.Sprint(r["VAT_PCT"]))
		}
		if strings.Join(got, " ") != rates {
			t.Errorf("%s: %v", country, got)
		}
		company := s.get("CMP1", "Fields=VAT_NR")["COMP_HDR"][0]["VAT_NR"].(string)
		if !strings.HasPrefix(company, country) || len(company) > 14 {
			t.Errorf("%s: VAT number %s", country, company)
		}
		if daybook := s.get("DJ1")["DAILY"][0]; daybook["CUR_CODE"] != "XYZ" {
			t.Errorf("%s: %v", country, daybook)
		}
	}
}
