package connector

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pomost/pomost/plugins/accountview/sandbox"
	"github.com/pomost/pomost/sdk/conformance"
	sdk "github.com/pomost/pomost/sdk/connector"
	"github.com/pomost/pomost/sdk/decimal"
	"github.com/pomost/pomost/sdk/record"
	kit "github.com/pomost/pomost/sdk/sandbox"
)

func TestMain(m *testing.M) { os.Exit(conformance.Main(m)) }

// tick is a clock that is a second on at each look, so that stamps of AccountView, which have seconds, differ.
func tick() func() time.Time {
	var mu sync.Mutex
	now := time.Now().Add(-time.Hour)
	return func() time.Time {
		mu.Lock()
		defer mu.Unlock()
		now = now.Add(time.Second)
		return now
	}
}

func start(t *testing.T, dialect string, set ...string) *kit.Running {
	t.Helper()
	values := map[string]string{"dialect": dialect}
	for i := 0; i+1 < len(set); i += 2 {
		values[set[i]] = set[i+1]
	}
	run, err := kit.Start(context.Background(), sandbox.System(), kit.Options{Set: values, Now: tick()})
	if err != nil {
		t.Fatal(err)
	}
	return run
}

func settingsFor(info kit.Info) sdk.Settings {
	return sdk.Settings{"base_url": info.BaseURL, "authorize_url": info.AuthorizeURL, "token_url": info.TokenURL, "company": "DEMO",
		"settle_time": "6s", "change_look_back": "0s"}
}

// post sends rows past the connector; an error message in the body fails the test.
func post(e *conformance.Env, object, table string, fields []string, values ...any) map[string]any {
	e.T.Helper()
	defs := []map[string]string{{"Name": "RowId", "FieldType": "C"}}
	for _, f := range fields {
		name, typ, _ := strings.Cut(f, ":")
		defs = append(defs, map[string]string{"Name": name, "FieldType": typ})
	}
	body := map[string]any{"BusinessObject": object,
		"Table":     map[string]any{"Definition": map[string]any{"Name": table, "Fields": defs}},
		"TableData": map[string]any{"Data": map[string]any{"Rows": []any{map[string]any{"Values": append([]any{"1"}, values...)}}}}}
	raw := e.Host.Call("POST", "/accountviewdata", http.Header{"X-Company": {sandbox.CompanyID}}, body)
	var out map[string]any
	if err := json.Unmarshal(raw, &out); err != nil {
		e.T.Fatal(err)
	}
	if m, ok := out["ErrorMessage"]; ok {
		e.T.Fatalf("POST %s: %v", object, m)
	}
	return out
}

func set(r *record.Record, pairs ...any) {
	for i := 0; i+1 < len(pairs); i += 2 {
		var v record.Value
		switch x := pairs[i+1].(type) {
		case string:
			v = record.Text(x)
		case decimal.Decimal:
			v = record.Decimal(x)
		case record.Date:
			v = record.OfDate(x)
		case bool:
			v = record.Bool(x)
		case record.Value:
			v = x
		}
		r.MustSet(pairs[i].(string), v)
	}
}

// debtor makes a debtor with the given number past the connector, once.
func debtor(e *conformance.Env, number string) string {
	if e.Refs["debtor "+number] == "" {
		post(e, "AR1", "CONTACT", []string{"SUB_NR:C", "ACCT_NR:C", "SRC_CODE:C", "ACCT_NAME:C"}, number, "1210", "-", "Debiteur "+number)
		e.Refs["debtor "+number] = "made"
	}
	return number
}

func dec(s string) decimal.Decimal { return decimal.MustParse(s) }

var testDate = record.Date(time.Now().Unix() / 86400)

func samples(dialect string) []conformance.Samples {
	echo, readable := !strings.Contains(dialect, "echo_none"), !strings.Contains(dialect, "so1_unreadable")
	const get, create, put = "GET /api/v3/accountviewdata", "POST /api/v3/accountviewdata", "PUT /api/v3/accountviewdata"
	list := []conformance.Samples{
		{
			Object: Debtors, ReadCall: get, FindCall: get, CreateCall: create, UpdateCall: put, FaultObject: "AR1", Shared: "MAIL_BUS",
			Volatile: []string{"CNG_DATE", "CNG_NR", "CNG_USR"},
			New: func(e *conformance.Env, i int) record.Record {
				r := record.New(e.Schema)
				set(&r, "SRC_CODE", fmt.Sprintf("KLANT%d", i), "ACCT_NAME", fmt.Sprintf("Bakkerij Jansen & Zn. %d", i), "ACCT_NR", "1210", "ADDRESS1", "Dorpsstraat 1",
					"POST_CODE", "1234 AB", "CITY", "'s-Gravenhage", "CNT_CODE", "NL", "MAIL_BUS", fmt.Sprintf("info%d@example.nl", i), "VAT_NR", fmt.Sprintf("NL%09dB01", i),
					"COC_CODE", fmt.Sprintf("%08d", i), "CRED_LIM", record.Integer(500), "SHIP_COMP", true, "DISC_PCT", dec("2.5"))
				return r
			},
			Change: func(e *conformance.Env) record.Record {
				r := record.New(e.Schema)
				set(&r, "CITY", "Ørsta", "TEL_BUS", "0301234567")
				return r
			},
			Bad: func(e *conformance.Env) (record.Record, string) {
				r := record.New(e.Schema)
				set(&r, "SRC_CODE", "X", "ACCT_NAME", "Naam", "ACCT_NR", "9999")
				return r, "ACCT_NR"
			},
			Hostile: map[string][]string{"ACCT_NAME": {"O'Brien \"B\" & [Co]", "A+B {C} ^D%27", "Łódź 50% =x#?"}, "MAIL_BUS": {"o'brien+tag&x=y@example.nl", "{^2019-01-31}@example.nl"}},
		},
		{
			Object: Addresses, FindCall: get, CreateCall: create, FaultObject: "ADDR", Shared: "SUB_NR",
			Prepare: func(e *conformance.Env) {
				for i := range 8 {
					debtor(e, fmt.Sprint(20000+i))
				}
			},
			New: func(e *conformance.Env, i int) record.Record {
				r := record.New(e.Schema)
				set(&r, "SUB_NR", debtor(e, fmt.Sprint(20000+i)), "DEL_NAME", "Magazijn", "ADDRESS1", "Havenweg 2", "POST_CODE", "1234 AC", "CITY", "Utrecht", "CNT_CODE", "NL")
				return r
			},
			Bad: func(e *conformance.Env) (record.Record, string) {
				r := record.New(e.Schema)
				set(&r, "SUB_NR", debtor(e, "29999"), "CITY", strings.Repeat("x", 36))
				return r, "CITY"
			},
		},
		{
			Object: Articles, ReadCall: get, FindCall: get, CreateCall: create, UpdateCall: put, FaultObject: "AK1", Volatile: []string{"CNG_DATE", "CNG_NR", "CNG_USR"},
			New: func(e *conformance.Env, i int) record.Record {
				r := record.New(e.Schema)
				set(&r, "ART_CODE", fmt.Sprintf("ART-%d", i), "ART_DESC1", "Plank 2m", "PX_SELL", dec("12.5075"), "QTY_TECH", dec("25"))
				return r
			},
			Change: func(e *conformance.Env) record.Record {
				r := record.New(e.Schema)
				set(&r, "PX_SELL", dec("13"))
				return r
			},
			Bad: func(e *conformance.Env) (record.Record, string) {
				r := record.New(e.Schema)
				set(&r, "ART_CODE", strings.Repeat("A", 16))
				return r, "ART_CODE"
			},
			Hostile: map[string][]string{"ART_CODE": {"A'B\"C", "A&B=C+D", "{^X}%27#"}},
		},
		{
			Object: Orders, ReadCall: get, FindCall: get, CreateCall: create, FaultObject: "SO1", Shared: "COMMENT1", CannotFind: !readable,
			Prepare: func(e *conformance.Env) {
				debtor(e, "30001")
				post(e, "AK1", "ARTICLE", []string{"ART_CODE:C", "PX_SELL:N"}, "PLANK", "12.50")
				post(e, "AK1", "ARTICLE", []string{"ART_CODE:C", "PX_SELL:N"}, "VERZEND", "6.95")
			},
			New: func(e *conformance.Env, i int) record.Record {
				return order(e.Schema, fmt.Sprintf("WEB-%d", i), "30001")
			},
			Bad: func(e *conformance.Env) (record.Record, string) {
				return order(e.Schema, "WEB-BAD", "39999"), ""
			},
			Hostile: map[string][]string{"COMMENT1": {"WEB'1", `WEB"1`, "WEB+1&x=y", "{^2019-01-31}"}},
		},
		{
			Object: Pages, FindCall: get, CreateCall: create, FaultObject: "DJ2",
			Prepare: func(e *conformance.Env) { debtor(e, "40001") },
			New: func(e *conformance.Env, i int) record.Record {
				return page(e.Schema, fmt.Sprint(1000+i), "40001")
			},
			Bad: func(e *conformance.Env) (record.Record, string) {
				return page(e.Schema, "999", "49999"), ""
			},
			Hostile: map[string][]string{"INV_NR": {"A'B\"C", "A&B=C+D", "{^X}%27#"}},
		},
	}
	if !strings.Contains(dialect, "so_rich") {
		list[3].Lacks = []string{"EXT_ID"}
	}
	for i := range list {
		if strings.Contains(dialect, "codepage=1252") && list[i].Object == Debtors {
			list[i].Hostile["ACCT_NAME"] = list[i].Hostile["ACCT_NAME"][:2] // what is stored with question marks is not found
		}
		if strings.Contains(dialect, "px2") {
			list[i].Same = rounded
		}
		if strings.Contains(dialect, "contact_tidied") && list[i].Object == Debtors {
			list[i].Same = tidied
			delete(list[i].Hostile, "ACCT_NAME") // stored in capitals, it is no longer what is looked for
		}
		if list[i].Blind = !echo; list[i].Blind {
			// Two records made without an answer cannot be told apart by the reference that they share.
			list[i].Shared = map[string]string{Debtors: "ACCT_NAME"}[list[i].Object]
		}
	}
	return list
}

// tidied takes a text for the one sent that AccountView has put into capitals or cut without a word.
func tidied(_ string, sent, stored record.Value) bool {
	a, b := strings.ToUpper(sent.AsText()), strings.ToUpper(stored.AsText())
	return sent.Equal(stored) || b != "" && strings.HasPrefix(a, b)
}

// rounded takes a number for the one sent that AccountView has rounded to two decimals without a word.
func rounded(_ string, sent, stored record.Value) bool {
	a, ok := sent.AsDecimal()
	b, same := stored.AsDecimal()
	return ok && same && a.Round(2).Equal(b)
}

func order(s *record.Schema, reference, debtor string) record.Record {
	f, _ := s.Field("SO_LINE")
	lines := make([]record.Value, 2)
	for i := range lines {
		l := record.New(f.Type.Elem.Record)
		set(&l, "ART_CODE", []string{"PLANK", "VERZEND"}[i], "ORD_QTY", dec([]string{"2.25", "1"}[i]), "ART_PX", dec([]string{"12.4999", "0"}[i]), "DEL_DATE", testDate)
		lines[i] = record.Nested(l)
	}
	r := record.New(s)
	set(&r, "ORD_DATE", testDate, "DEL_DATE", testDate, "RPL_INV", debtor, "RPL_DEL", debtor, "COMMENT1", reference, "COMMENT2", "ext. notitie\ntweede regel", "SO_LINE", record.List(lines...))
	if _, rich := s.Field("EXT_ID"); rich {
		set(&r, "EXT_ID", "0123456789ABCDEF"+reference)
	}
	return r
}

// page is a sale of two rates, whose debtor carries the total.
func page(s *record.Schema, number, debtor string) record.Record {
	f, _ := s.Field("DJ_LINE")
	lines := make([]record.Value, 2)
	for i := range lines {
		l := record.New(f.Type.Elem.Record)
		set(&l, "ACCT_NR", []string{"8000", "8010"}[i], "TRN_DESC", "Omzet", "AMOUNT", dec([]string{"-25.01", "-10"}[i]), "VAT_CODE", []string{"1", "2"}[i], "VAT_AMT", dec([]string{"-5.25", "-0.9"}[i]))
		lines[i] = record.Nested(l)
	}
	r := record.New(s)
	set(&r, "DJ_CODE", "700", "SUB_NR", debtor, "INV_NR", number, "TRN_DATE", testDate, "HDR_DESC", "Webshop "+number, "GROSS_FLG", false, "CUR_CODE", "EUR", "CRED_DAYS", dec("30"),
		"COMMENT1", "order 12\ntweede regel", "DJ_LINE", record.List(lines...))
	return r
}

// conformanceDialects cover every variant of the sandbox; those that have nothing to do with each other come together.
var conformanceDialects = []string{"default", "http_errors,missing_key,single_object,so_rich,article_rich,strict_fields", "echo_none,empty_404,case_sensitive_mail,put_clears", "so1_unreadable,http_errors,contact_tidied",
	"year_masters,reservations,no_qty_avail,debtor_discount,vat_per_line,foreign_vat,px2,qty2,retry_after,lines_nested",
	"order_history,so_rich,strict_fields,joined_dot,equal_prefix,padded_filters,article_two_eans,so_sent",
	"no_match_any,no_last_key,short_dates,code_tables,empty_404,codepage=1252",
}

func TestEveryDialectConforms(t *testing.T) {
	all := strings.Split(strings.Join(conformanceDialects, ","), ",")
	for _, s := range sandbox.System().Settings {
		for _, name := range s.Values {
			if s.Key == "dialect" && !slices.Contains(all, name) {
				t.Errorf("the conformance suite does not run in the dialect %s", name)
			}
		}
	}
}

func TestConformance(t *testing.T) {
	for _, dialect := range conformanceDialects {
		t.Run(dialect, func(t *testing.T) {
			t.Parallel()
			conformance.Run(t, conformance.Options{
				Connector: New(),
				Start: func(t *testing.T) *kit.Running {
					if names, foreign := strings.CutSuffix(dialect, ",codepage=1252"); foreign {
						return start(t, names, "codepage", "1252", "entry", "gross", "country", "PL", "currency", "PLN")
					}
					return start(t, dialect)
				},
				Settings: func(info kit.Info) sdk.Settings {
					s := settingsFor(info)
					if strings.Contains(dialect, "padded_filters") {
						s["pad_keys"] = "true"
					}
					if strings.Contains(dialect, "put_clears") {
						s["update_mode"] = "merge" // that auto finds out by itself has a test of its own
					}
					return s
				},
				MayBeEmpty: append(foundNames(), ListCostCentres, ListProjects, ListArticleGroups),
				SmallPages: sdk.Settings{"page_size": "2"},
				Objects:    samples(dialect),
			})
		})
	}
}
