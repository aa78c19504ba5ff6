package sandbox

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
)

func TestCompaniesNeedNoCompanyHeader(t *testing.T) {
	s := open(t)
	s.header = nil
	var list []struct{ Id, Description, Code string }
	if err := json.Unmarshal([]byte(s.call("GET", "/Companies", "")), &list); err != nil {
		t.Fatal(err)
	}
	if len(list) != 1 || list[0].Id != CompanyID || list[0].Code != CompanyCode {
		t.Fatalf("companies: %+v", list)
	}
	contains(t, message(s.call("GET", "/accountviewdata?BusinessObject=AR1", "")), "x-company")
	s.header = map[string]string{"X-Company": "00000000-0000-0000-0000-000000000000"}
	contains(t, message(s.call("GET", "/accountviewdata?BusinessObject=AR1", "")), "onderneming")
}

func TestScopes(t *testing.T) {
	s := open(t)
	s.scopes = []string{scopeRead}
	contains(t, s.refusedPost("", "AG1", part{"ART_GRP", "AG_CODE:C", [][]any{{"HOUT"}}}), scopeUpdate)
	s.scopes = []string{scopeUpdate}
	contains(t, s.refused("VA1"), scopeRead)
}

func TestDutchCompany(t *testing.T) {
	s := open(t)
	same(t, column1(s.get("GL1")["LEDGER"], "ACCT_NR"), "1210", "1600", "8000", "8010", "8020", "8050", "8990")
	same(t, column1(s.get("gl1", filter("1", "ACCT_Name", "Equal", "C", "Debiteuren")...)["LEDGER"], "ACCT_NR"), "1210")
	var rates []string
	for _, r := range s.get("VA1")["VAT"] {
		rates = append(rates, fmt.Sprint(r["VAT_CODE"], "=", r["VAT_PCT"]))
	}
	same(t, rates, "1 =21", "2 =9", "3 =0")
	dj := s.get("DJ1")["DAILY"]
	if len(dj) != 1 || dj[0]["DJ_NAME"] != "Verkoopboek" || dj[0]["GROSS_FLG"] != false || dj[0]["DJ_TYPEV"] != "Verkoop" {
		t.Fatalf("daybooks: %v", dj)
	}
	same(t, column1(s.get("ADL")["ADM_LIST"], "ADM_CODE"), "DEMO2025", "DEMO2026", "DEMO2027")
	per := s.get("PER", "BookDate=2027-05-05")["ADM_PER"]
	if len(per) != 12 || per[1]["BEG_DATE"] != "2027-02-01T00:00:00" || per[1]["END_DATE"] != "2027-02-28T00:00:00" {
		t.Fatalf("periods: %v", per)
	}
	if n := len(s.get("AR1")["CONTACT"]) + len(s.get("AK1")["ARTICLE"]); n != 0 {
		t.Fatalf("%d debtors and articles in an empty company", n)
	}
	contains(t, s.raw("AR1"), `"CONTACT":[]`, `"USR_LINK":[]`)
	contains(t, s.raw("CMP1"), `"COMP_LN":[]`, "sandbox-secret")
	if g := open(t, "entry=gross").get("DJ1")["DAILY"][0]["GROSS_FLG"]; g != true {
		t.Fatal("entry=gross does not set GROSS_FLG")
	}
	same(t, column1(open(t, "country=SE").get("VA1")["VAT"], "VAT_CODE"), "1", "2", "3", "4")
}

func TestNamesWithoutCase(t *testing.T) {
	s := open(t)
	body := s.call("GET", "/AccountViewData?businessobject=va1&FIELDS=Vat.vat_code,vat_PCT&pagesize=1", "")
	if body != `{"VAT":[{"VAT_CODE":"1 ","VAT_PCT":21,"EXT_KEY":0}]}` {
		t.Fatal(body)
	}
}

func TestDictionary(t *testing.T) {
	s := open(t)
	a := s.get("FLD", filter("1", "DBF_NAME", "Contains", "C", "VAT     ")...)
	if n := len(a["DCT_FLD"]); n != 19 {
		t.Fatalf("VAT has %d fields, want the 19 of the vendor's dictionary", n)
	}
	if a["DCT_FLD"][18]["DCT_FLD_Id"] != 18.0 {
		t.Fatal("DCT_FLD_Id does not count rows")
	}
	name := s.get("FLD", "Filter=dct_fld.dbf_name='CONTACT'", "FilterControlSource1=field_name", "FilterValue1=acct_name")["DCT_FLD"]
	if len(name) != 1 || name[0]["FIELD_LEN"] != 40.0 || name[0]["INP_MAND"] != true || name[0]["FIELD_TYPE"] != "C" || name[0]["FLD_DESC"] != "Bedrijfsnaam" {
		t.Fatalf("ACCT_NAME: %v", name)
	}
	tables := s.get("DBF", "Filter=!EMPTY(dct_file.obj_code) AND dct_file.dbf_type=2", "Fields=dct_file.obj_code,dct_file.dbf_name")["DCT_FILE"]
	if !strings.Contains(fmt.Sprint(tables), "DBF_NAME:SO_HDR   OBJ_CODE:SO1") {
		t.Fatalf("tables: %v", tables)
	}
	// The sandbox answers the dictionary at both places, as clients ask for it.
	contains(t, s.call("GET", "/accountviewdata?businessobject=dbf", ""), "DCT_FILE")
	contains(t, message(s.call("GET", "/accountviewsystemdata?businessobject=AR1", "")), "bestaat niet")
	// Paging by LastKey goes on where the last page ended.
	p1 := s.get("FLD", "PageSize=100")["DCT_FLD"]
	p2 := s.get("FLD", "PageSize=100", "LastKey="+fmt.Sprint(p1[99]["DCT_FLD_Id"]))["DCT_FLD"]
	if p2[0]["DCT_FLD_Id"] != 100.0 {
		t.Fatalf("second page starts at %v", p2[0]["DCT_FLD_Id"])
	}
}

func TestDialectsShowInDictionary(t *testing.T) {
	has := func(s *site, table, fieldName string) bool {
		return len(s.get("FLD", "Filter=dbf_name='"+table+"' AND field_name='"+fieldName+"'")["DCT_FLD"]) == 1
	}
	plain, rich := open(t), open(t, "dialect=so_rich,reservations,no_qty_avail,article_rich")
	for _, f := range []string{"SO_HDR.EXT_ID", "SO_LINE.VAT_CODE", "SO_HDR.A8_INV_NR", "ARTICLE.K1_AFGEZ", "ARTICLE.K1_STREEPC"} {
		table, name, _ := strings.Cut(f, ".")
		if has(plain, table, name) || !has(rich, table, name) {
			t.Errorf("%s is in the wrong dialect", f)
		}
	}
	if !has(plain, "ARTICLE", "QTY_AVAIL") || has(rich, "ARTICLE", "QTY_AVAIL") {
		t.Error("QTY_AVAIL is in the wrong dialect")
	}
	label := rich.get("FLD", "FilterControlSource1=fld_desc", "FilterOperator1=Contains", "FilterValue1=Gereserveerd")["DCT_FLD"]
	if len(label) != 1 || label[0]["REC_CUST"] != true {
		t.Errorf("reservation field by its label: %v", label)
	}
}

func TestObjectLists(t *testing.T) {
	s := open(t)
	contains(t, s.call("GET", "/accountviewbusinessobjects", ""), `"Code":"SO1"`, `"UpdateAllowed":true`)
	contains(t, s.call("GET", "/AccountViewSystemBusinessObjects", ""), `"Code":"FLD"`)
	if strings.Contains(open(t, "module.orders=off").call("GET", "/accountviewbusinessobjects", ""), "SO1") {
		t.Fatal("SO1 is offered without the order module")
	}
}

func TestFilters(t *testing.T) {
	s := open(t)
	for _, d := range [][]any{
		{"A1", "Alfa BV", "Info@Alfa.example", "12.5", true, "2026-01-31"}, {"B2", "Bravo", "b@x.example", "0", false, "2026-02-01"},
		{"C3", "Charlie, Zn", "info@alfa.example", "-3", "TRUE", nil},
	} {
		s.post("", "AR1", part{"CONTACT", "ACCT_NR:C,SUB_NR:C,SRC_CODE:C,ACCT_NAME:C,MAIL_BUS:C,DISC_PCT:N,SHIP_COMP:L,MAND_DATE:T", [][]any{append([]any{"1210", d[0], "-"}, d[1:]...)}})
	}
	list := func(query ...string) []string { return column1(s.get("AR1", query...)["CONTACT"], "SUB_NR") }
	same(t, list(filter("1", "SUB_NR", "Equal", "C", "a1  ")...), "A1")
	same(t, list(filter("1", "contact.mail_bus", "equal", "C", "INFO@alfa.example")...), "A1", "C3")
	same(t, list(filter("1", "ACCT_NAME", "Equal", "C", "bravo")...))
	same(t, list(filter("1", "ACCT_NAME", "Contains", "C", "rav")...), "B2")
	same(t, list(filter("1", "SUB_NR", "NotEqual", "C", "B2")...), "A1", "C3")
	same(t, list(filter("1", "DISC_PCT", "NotEqual", "N", "0")...), "A1", "C3")
	same(t, list(filter("1", "DISC_PCT", "GreaterThan", "N", "0")...), "A1")
	same(t, list(filter("1", "DISC_PCT", "LessThan", "N", "12.50")...), "B2", "C3")
	same(t, list(filter("1", "DISC_PCT", "Equal", "N", "12.500")...), "A1")
	same(t, list(filter("1", "SHIP_COMP", "Equal", "L", "True")...), "A1", "C3")
	same(t, list(filter("1", "MAND_DATE", "DateOnOrAfterDate", "D", "{^2026-02-01}")...), "B2")
	same(t, list(filter("1", "MAND_DATE", "43", "T", "{^2026-01-31 00:00:00}")...), "A1")
	same(t, list(append(filter("1", "SUB_NR", "Equal", "C", "A1"), filter("2", "SUB_NR", "Equal", "C", "B2")...)...))
	same(t, list(append(filter("1", "SUB_NR", "Equal", "C", "A1"), append(filter("7", "SUB_NR", "Equal", "C", "B2"), "MatchAnyFilter=true")...)...), "A1", "B2")
	same(t, list(append(filter("1", "SUB_NR", "Equal", "C", "'A1', C3"), "FilterIsListOfValues1=true")...), "A1", "C3")
	same(t, list(append(filter("1", "ACCT_NAME", "Equal", "C", `"Charlie, Zn",[Bravo]`), "FilterIsListOfValues1=1")...), "B2", "C3")
	same(t, list("Filter=contact.disc_pct >= 0 AND contact.sub_nr='B2'"), "B2")
	same(t, list("Filter=(contact.mand_date >= {^2026-01-01} AND contact.mand_date <= {^2026-01-31})"), "A1")
	same(t, list("SortFields=DISC_PCT"), "C3", "B2", "A1")
	same(t, list("SortFields=contact.disc_pct", "SortOrder=Descending"), "A1", "B2", "C3")
	same(t, list("SortOrder=descending", "PageSize=2"), "C3", "B2")

	// Characters that clients leave raw in a query.
	body := s.call("GET", "/accountviewdata?BusinessObject=AR1&Fields=SUB_NR&FilterControlSource1=MAND_DATE&FilterOperator1=DateOnOrAfterDate&FilterValueType1=D&FilterValue1={^2026-02-01}", "")
	contains(t, body, `"SUB_NR":"B2        "`)

	strict := open(t, "dialect=case_sensitive_mail")
	strict.debtor("X", "Info@x.example")
	if n := len(strict.get("AR1", filter("1", "MAIL_BUS", "Equal", "C", "info@x.example")...)["CONTACT"]); n != 0 {
		t.Fatal("the mail look-up does not mind the case")
	}
}

func TestBadQueries(t *testing.T) {
	s := open(t, "dialect=strict_fields")
	for _, q := range [][]string{
		{"Fields=NOPE"}, {"Fields=ledger.acct_nr"}, {"PageSize=0"}, {"PageSize=x"}, {"PageNumber=2"}, {"BookDate=2031-01-01"}, {"BookDate=rubbish"},
		filter("1", "NOPE", "Equal", "C", "x"), filter("1", "SUB_NR", "Like", "C", "x"), filter("1", "SUB_NR", "Equal", "N", "1"),
		filter("1", "DISC_PCT", "Equal", "N", "1e999"), filter("1", "DISC_PCT", "Contains", "N", "1"), filter("1", "CNG_DATE", "Equal", "T", "2026-01-01"),
		filter("1", "SUB_NR", "DateOnOrAfterDate", "C", "x"), {"FilterOperator1=Equal"}, {"MatchAnyFilter=perhaps"}, {"SortFields=NOPE"}, {"SortOrder=up"},
		{"Filter=SUB_NR LIKE 'x'"}, {"Filter=contact.sub_nr='1' OR contact.sub_nr='2'"}, {"Filter=SUB_NR = "}, {"Filter=(SUB_NR='1'"}, {"Filter=disc_pct='1'"},
		append(filter("1", "SUB_NR", "Equal", "C", "'A1"), "FilterIsListOfValues1=true"),
	} {
		s.refused("AR1", q...)
	}
	s.refused("XX9")
	contains(t, s.refused("AR1", "BookDate=2031-01-01"), "2031", "missing administration")
	contains(t, message(s.call("GET", "/accountviewdata", "")), "BusinessObject")
	contains(t, message(s.call("GET", "/accountviewdata?BusinessObject=%zz", "")), "parameters")
	contains(t, message(s.call("GET", "/accountviewnothing", "")), "bestaat niet")
	contains(t, message(s.call("DELETE", "/accountviewdata", "")), "DELETE")
	if s.status != http.StatusOK {
		t.Fatalf("errors come with %d by default, want 200", s.status)
	}
	h := open(t, "dialect=http_errors")
	h.refused("AR1", "SortFields=NOPE")
	if h.status != http.StatusBadRequest {
		t.Fatalf("http_errors answers %d", h.status)
	}
	h.refused("XX9")
	if h.status != http.StatusNotFound {
		t.Fatalf("http_errors answers %d for an unknown object", h.status)
	}
	e := open(t, "dialect=empty_404")
	e.refused("AR1")
	if e.status != http.StatusNotFound {
		t.Fatalf("empty_404 answers %d", e.status)
	}
}

func TestPaging(t *testing.T) {
	s := open(t)
	var rows [][]any
	for i := range 25 {
		rows = append(rows, []any{"1210", "-", fmt.Sprintf("Naam %02d", i)})
	}
	s.post("", "AR1", part{"CONTACT", "ACCT_NR:C,SRC_CODE:C,ACCT_NAME:C", rows})
	var byPage, byKey []string
	for page := 1; ; page++ {
		got := s.get("AR1", "PageSize=10", fmt.Sprintf("PageNumber=%d", page), "Fields=sub_nr")["CONTACT"]
		byPage = append(byPage, column1(got, "SUB_NR")...)
		if len(got) < 10 {
			break
		}
	}
	for key := ""; ; {
		got := s.get("AR1", "PageSize=5", "LastKey="+key, "Fields=sub_nr")["CONTACT"]
		byKey = append(byKey, column1(got, "SUB_NR")...)
		if len(got) < 5 {
			break
		}
		key = got[4]["SUB_NR"].(string)
	}
	if len(byPage) != 25 || strings.Join(byPage, ",") != strings.Join(byKey, ",") || byPage[0] != "10001" || byPage[24] != "10025" {
		t.Fatalf("by page %v, by key %v", byPage, byKey)
	}
	contains(t, s.raw("AR1", "PageSize=10", "PageNumber=9"), `"CONTACT":[]`)
	if m := open(t, "dialect=missing_key").raw("AR1"); m != "{}" {
		t.Fatalf("missing_key answers %s", m)
	}
	one := open(t, "dialect=single_object")
	one.debtorOnly("Enkel")
	contains(t, one.raw("AR1", "Fields=acct_name"), `{"CONTACT":{"ACCT_NAME":"Enkel"`)
}

func (s *site) debtorOnly(name string) {
	s.t.Helper()
	if m := message(s.rawPost("", "AR1", part{"CONTACT", debtorFields, [][]any{{"1", "1210", "-", name, "", "NL"}}})); m != "" {
		s.t.Fatal(m)
	}
}
