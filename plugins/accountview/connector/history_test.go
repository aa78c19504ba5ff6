package connector

import (
	"net/url"
	"strings"
	"testing"

	sdk "github.com/pomost/pomost/sdk/connector"
	"github.com/pomost/pomost/sdk/record"
)

// An order that was delivered, and is no more among the open ones, is found by its reference all the same.
func TestFindReachesIntoTheHistory(t *testing.T) {
	t.Parallel()
	for _, dialect := range []string{"order_history", "order_history,joined_dot,missing_key,single_object", "order_history,no_match_any,so_rich"} {
		b := openBed(t, dialect, nil)
		r := newOrder(b, "WEB-1", "2026-01-05")
		set(&r, "DEL_DATE", day("2026-01-06"))
		if got := b.write(sdk.WriteRequest{Object: Orders, Action: sdk.Create, Records: []record.Record{r}}); got.Outcome != sdk.OutcomeCreated {
			t.Fatalf("%+v", got)
		}
		for _, around := range []string{"2026-01-05", "2027-01-01", "2025-12-31"} {
			got := b.find(Orders, "COMMENT1", "WEB-1", day(around))
			if got.Status != sdk.Found || len(got.Records) != 1 {
				t.Fatalf("%s, around %s: %+v", dialect, around, got)
			}
			if rec := got.Records[0]; rec.Get("RPL_INV").String() != "30001" || rec.Get("ORD_NR").IsEmpty() || rec.Get("ORD_DATE").String() != "2026-01-05" || len(rec.Get("SO_LINE").AsList()) != 2 {
				t.Errorf("%s: %v", dialect, rec)
			}
		}
		got := b.find(Orders, "COMMENT1", "WEB", day("2026-01-05"))
		if got.Status != sdk.AbsentEverywhere || !strings.Contains(strings.Join(got.Scopes, ";"), "delivered orders (ALH)") {
			t.Errorf("%s: a reference that is the beginning of another one: %+v", dialect, got)
		}
		many := make([]sdk.Key, 30)
		for i := range many {
			many[i] = sdk.Key{Fields: []sdk.KeyField{{Name: "COMMENT1", Value: record.Text([]string{"NONE", "WEB-1"}[i%2])}}, Around: day("2026-01-05")}
		}
		all, err := b.conn.Find(t.Context(), sdk.FindRequest{Object: Orders, Keys: many})
		if err != nil {
			t.Fatal(err)
		}
		for i, r := range all {
			if (r.Status == sdk.Found) != (i%2 == 1) {
				t.Errorf("%s: key %d of many: %+v", dialect, i, r)
			}
		}
	}
}

// A history that is there and cannot be read makes nothing absent.
func TestHistoryThatCannotBeRead(t *testing.T) {
	t.Parallel()
	b := openBed(t, "order_history", sdk.Settings{"object_history": "ZZ9/HST_AL/HST_AH"})
	newOrder(b, "WEB-1", "2026-01-05")
	if got := b.find(Orders, "COMMENT1", "WEB-1", day("2026-01-05")); got.Status != sdk.CannotTell || !strings.Contains(got.Reason, "ZZ9") {
		t.Errorf("%+v", got)
	}
}

// Without the reference's column in the history's dictionary nobody asks there.
func TestNoHistoryToSearch(t *testing.T) {
	t.Parallel()
	b := openBed(t, "default", nil)
	if got := b.find(Orders, "COMMENT1", "WEB-1", day("2026-01-05")); got.Status != sdk.AbsentEverywhere || b.requests("GET", "ALH") != 0 {
		t.Errorf("%+v after %d requests for the history", got, b.requests("GET", "ALH"))
	}
}

// Purchases lie in the same history; one with the same description is no sale.
func TestHistoryOfPurchases(t *testing.T) {
	t.Parallel()
	rows := `{"HST_AH_COMMENT1":"WEB-1","HST_AH_ORD_NR":"P1","HST_AH_HDR_TYPE":2,"HST_AL_Id":0},{"HST_AH_COMMENT1":"WEB-1","HST_AH_ORD_NR":"S1","HST_AH_HDR_TYPE":1,"HST_AL_Id":1}`
	f := serve(t, nil, func(_ string, q url.Values, _ string) (int, string) {
		switch q.Get("BusinessObject") {
		case "FLD":
			if strings.TrimSpace(q.Get("FilterValue1")) == "HST_AH" {
				return 200, `{"DCT_FLD":[{"FIELD_NAME":"COMMENT1","DBF_NAME":"HST_AH","FIELD_TYPE":"C","FIELD_LEN":40},{"FIELD_NAME":"ORD_NR","DBF_NAME":"HST_AH","FIELD_TYPE":"C","FIELD_LEN":10},{"FIELD_NAME":"HDR_TYPE","DBF_NAME":"HST_AH","FIELD_TYPE":"N","FIELD_LEN":1}]}`
			}
		case "ALH":
			if !strings.Contains(q.Get("Fields"), "HST_AH.HDR_TYPE") {
				return 200, `{"ErrorMessage":"the kind was not asked for"}`
			}
			return 200, `{"HST_AL":[` + rows + `]}`
		}
		return 200, `{}`
	})
	got, err := f.conn.Find(t.Context(), sdk.FindRequest{Object: Orders, Keys: []sdk.Key{{Fields: []sdk.KeyField{{Name: "COMMENT1", Value: record.Text("WEB-1")}}}}})
	if err != nil || len(got[0].Records) != 1 || got[0].Records[0].Get("ORD_NR").String() != "S1" || !got[0].Records[0].Get("SO_LINE").IsAbsent() {
		t.Errorf("%+v, %v", got, err)
	}
}
