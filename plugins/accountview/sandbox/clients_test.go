package sandbox

import (
	"fmt"
	"strings"
	"testing"
)

// What clients that are in use send and take, word by word; a sandbox that refuses it would be stricter than the system.

// A Go client decodes answers into types that take nothing else than these members, sends every parameter with an empty value, and
// counts the rows of a header itself [C GO].
func TestAsTheGoClient(t *testing.T) {
	s := open(t)
	n := s.debtor("Jansen", "")
	for object, members := range map[string]string{
		"VA1": "EXT_KEY", "GL1": "EXT_KEY", "DJ1": "EXT_KEY", "ADL": "EXT_KEY", "CON": "EXT_KEY", "CMP1": "COMP_HDR_Id EXT_KEY", "AR1": "CONTACT_Id EXT_KEY",
		"FLD": "DCT_FLD_Id", "DBF": "",
	} {
		a := s.get(object, "PageSize=20", "FilterIsListOfValues1=false", "FilterIsListOfValues2=false")
		for table, rows := range a {
			if len(rows) == 0 {
				continue
			}
			var extra []string
			for _, name := range []string{table + "_Id", "EXT_KEY"} {
				if _, there := rows[0][name]; there {
					extra = append(extra, name)
				}
			}
			if got := strings.Join(extra, " "); got != members {
				t.Errorf("%s: rows of %s have %q beside their columns, want %q", object, table, got, members)
			}
		}
	}
	if _, there := s.get("CON")["USR_LINK"]; there {
		t.Error("CON brings a related table along")
	}
	a := s.post("2026-03-01", "DJ2", part{"DJ_PAGE", "DJ_CODE:C,SUB_NR:C,TRN_DATE:T,HDR_DESC:C", [][]any{{"700", n, "2026-03-01T13:37:37.450Z", "zonder RowId"}}},
		part{"DJ_LINE", "ACCT_NR:C,AMOUNT:N,HeaderId:C", [][]any{{"8000", -12.1, "1"}, {"8010", 12.1, "1"}}})
	if len(a["DJ_LINE"]) != 2 {
		t.Errorf("%v", a)
	}
	// Its own test sends a period and no date.
	s.post("2026-03-01", "DJ2", part{"DJ_PAGE", "DJ_CODE:C,HDR_DESC:C,PERIOD:N,SUB_NR:C,INV_NR:C", [][]any{{"700", "TEST", 4, n, "00005"}}},
		part{"DJ_LINE", "ACCT_NR:C,AMOUNT:N,REC_ID:C,HeaderId:C", [][]any{{"8000", 12.1, "REC_ID", "1"}, {"8000", -12.1, "REC_ID", "1"}}})
	if p := s.get("DJ2", append(filter("1", "INV_NR", "Equal", "C", "00005"), "BookDate=2026-01-01")...)["DJ_PAGE"]; len(p) != 1 || p[0]["TRN_DATE"] != "2026-04-30T00:00:00" {
		t.Errorf("%v", p)
	}
}

// A Ruby client asks for columns that do not exist beside those that do, and pages by the key of its last row [C RB].
func TestAsTheRubyClient(t *testing.T) {
	s := open(t)
	s.post("", "PJ1", part{"PROJECTS", "PROJ_CODE:C,PROJ_DESC:C", [][]any{{"P1", "Verbouwing"}, {"P2", "Nieuwbouw"}}})
	first := s.get("PJ1", "PageSize=1", "BookDate=2026-01-01", "Fields=projects.rec_id, projects.proj_code,projects.sub_nr,projects.proj_desc,project.pro_stat,projects.beg_date,projects.end_date")["PROJECTS"]
	same(t, column1(first, "PROJ_DESC"), "Verbouwing")
	second := s.get("PJ1", "PageSize=1", "lastKey="+fmt.Sprint(first[0]["PROJ_CODE"]), "Fields=projects.proj_code")["PROJECTS"]
	same(t, column1(second, "PROJ_CODE"), "P2")
	s.get("AKH", "BookDate=2026-01-01", "Fields=art_line.rec_id, art_line.art_desc1, art_line.proj_code, art_line.art_line_id, art_line.art_code, art_line.art_date")
	same(t, column1(s.get("FLD", "PageSize=200", "Fields=dct_fld.field_name,dct_fld.field_le n,dct_fld.desc_fld,dct_fld.field_type", "Filter=dct_fld.dbf_name='ART_GRP'")["DCT_FLD"][:1], "FIELD_TYPE"), "C")
	tables := s.get("dbf", "PageSize=1000", "Fields=dct_file.obj_code,dct_file.dbf_des c,dct_file.dbf_name", "Filter=!EMPTY(dct_file.obj_code) AND dct_file.dbf_type=2")["DCT_FILE"]
	if len(tables) < 15 {
		t.Errorf("%d tables", len(tables))
	}
	s.get("PER", "PageSize=200", "Fields=*", "BookDate=")
	s.get("ap1", "PageSize=200", "Fields=contact.sub_nr, contact.src_code, contact.acct_name", "BookDate=")
	s.get("GJ1", "PageSize=400", "BookDate=2026-01-01",
		"Fields=transact.acct_nr,transact.sub_nr,transact.cost_code,transact.proj_code,transact.src_type,transact.src_id,transact.rec_id,transact.trn_date,transact.trn_desc,transact.amount,transact.period")
	contains(t, open(t, "dialect=strict_fields").refused("AKH", "Fields=art_line.art_line_id"), "komt niet voor")
}

// A PHP client writes members in small letters, row numbers as numbers, dates with a Z and prices as its division leaves them; it reads
// without Fields and without a date [C PHP].
func TestAsThePHPClient(t *testing.T) {
	s := open(t)
	n := s.debtor("Jansen", "jan@example.nl")
	s.article("MUG", "10")
	s.post("", "AG1", part{"ART_GRP", "AG_CODE:C,AG_DESC:C", [][]any{{"HOUT", "Hout"}}})
	body := strings.ReplaceAll(encode(t, envelopeOf("2026-03-01T23:30:00.000Z", "SO1",
		part{"SO_HDR", "RowId:C,INV_DATE:T,RPL_INV:C,DEL_DATE:T,COMMENT1:C,ORD_DATE:T,RPL_DEL:C,TO_EMAIL:C,PD_AMT:N",
			[][]any{{1, "2026-03-01T23:30:00.000Z", n, "2026-03-01T23:30:00.000Z", "100000124", "2026-03-01T23:30:00.000Z", n, "jan@example.nl", 1.5}}},
		part{"SO_LINE", "RowId:C,HeaderId:C,DEL_DATE:T,ART_CODE:C,ORD_QTY:N,ART_PX:N", [][]any{{1, 1, "2026-03-01T23:30:00.000Z", "MUG", "3.0000", 8.264462809917355}}})), `"Name":"`, `"name":"`)
	s.decode(s.call("POST", "/accountviewdata", body))
	got := s.get("SO1", "BookDate=2026-03-01")
	if h, l := got["SO_HDR"][0], got["SO_LINE"][0]; h["ORD_DATE"] != "2026-03-01T00:00:00" || l["ART_PX"] != 8.2645 || l["ORD_QTY"] != 3.0 {
		t.Errorf("%v %v", h, l)
	}
	all := s.get("AK1", "PageNumber=1", "PageSize=10", "FilterControlSource1=CNG_DATE", "FilterOperator1=DateOnOrAfterDate", "FilterValueType1=T", "FilterValue1={^2020-01-31 12:00:00}", "FilterIsListOfValues1=false")
	if a := all["ARTICLE"]; len(a) != 1 || a[0]["ART_DESC1"] != "Artikel MUG" || a[0]["QTY_AVAIL"] != 0.0 || a[0]["PX_SELL"] != 10.0 {
		t.Errorf("%v", all)
	}
	group := s.get("AG1", append(filter("1", "AG_CODE", "Equal", "C", "HOUT"), "PageSize=1", "FilterIsListOfValues1=false")...)["ART_GRP"]
	same(t, column1(group, "AG_DESC"), "Hout")
	found := s.get("AR1", append(filter("1", "MAIL_BUS", "Equal", "C", "jan@example.nl"), "PageSize=1", "FilterIsListOfValues1=false")...)["CONTACT"]
	same(t, column1(found, "SUB_NR"), n)
}
