package connector

import (
	"fmt"
	"testing"

	sdk "github.com/pomost/pomost/sdk/connector"
	"github.com/pomost/pomost/sdk/record"
	kit "github.com/pomost/pomost/sdk/sandbox"
)

// days asks for an order of each day of a month, and of one in the year before.
func days(month string) sdk.FindRequest {
	req := sdk.FindRequest{Object: Orders}
	for i := 1; i <= 28; i++ {
		req.Keys = append(req.Keys, sdk.Key{Fields: []sdk.KeyField{{Name: "COMMENT1", Value: record.Text(fmt.Sprint("WEB-", i))}}, Around: day(fmt.Sprintf("%s-%02d", month, i))})
	}
	return req
}

func TestOneYearIsLookedUpTogether(t *testing.T) {
	t.Parallel()
	b := openBed(t, "default", nil)
	for reference, date := range map[string]string{"WEB-3": "2026-03-03", "WEB-4": "2025-12-04", "WEB-5": "2027-01-05"} {
		if got := b.write(sdk.WriteRequest{Object: Orders, Action: sdk.Create, Records: []record.Record{newOrder(b, reference, date)}}); got.Outcome != sdk.OutcomeCreated {
			t.Fatalf("%+v", got)
		}
	}
	if s, known, err := b.conn.administration(t.Context(), day("2026-03-03")); err != nil || !known || s.from != day("2026-01-01") || s.to != day("2026-12-31") {
		t.Fatalf("the administration of 2026 is %+v, %v, %v", s, known, err)
	}
	before := b.requests("GET", "SO1")
	req := days("2026-03")
	req.Keys = append(req.Keys, sdk.Key{Fields: []sdk.KeyField{{Name: "COMMENT1", Value: record.Text("WEB-3")}}, Around: day("2028-03-01")})
	res, err := b.conn.Find(t.Context(), req)
	if err != nil {
		t.Fatal(err)
	}
	for i, r := range res[:28] {
		want := sdk.AbsentEverywhere
		if i+1 >= 3 && i+1 <= 5 {
			want = sdk.Found
		}
		if r.Status != want {
			t.Errorf("WEB-%d: status %d, want %d: %s", i+1, r.Status, want, r.Reason)
		}
	}
	if r := res[28]; r.Status != sdk.CannotTell || r.Cause != sdk.CauseNoAdministration {
		t.Errorf("a year that is not there: %+v", r)
	}
	// Three years, a few requests each: 20 keys go together. One for each day and year would be 84.
	if n := b.requests("GET", "SO1") - before; n > 20 {
		t.Errorf("%d requests for 28 days of one year", n)
	}
	if n := b.requests("GET", "PER"); n > 2 {
		t.Errorf("the periods were asked for %d times", n)
	}
}

// Where the periods cannot be read, each date is asked for by itself, as before.
func TestWithoutPeriods(t *testing.T) {
	t.Parallel()
	b := openBed(t, "default", nil)
	if got := b.write(sdk.WriteRequest{Object: Orders, Action: sdk.Create, Records: []record.Record{newOrder(b, "WEB-3", "2026-03-03")}}); got.Outcome != sdk.OutcomeCreated {
		t.Fatalf("%+v", got)
	}
	b.fault(kit.Fault{Match: "GET /api/v3/accountviewdata", Object: "PER", Do: "status:403", Times: -1})
	res, err := b.conn.Find(t.Context(), days("2026-03"))
	if err != nil {
		t.Fatal(err)
	}
	for i, r := range res {
		if want := map[bool]sdk.FindStatus{true: sdk.Found, false: sdk.AbsentEverywhere}[i+1 == 3]; r.Status != want {
			t.Errorf("WEB-%d: status %d, want %d: %s", i+1, r.Status, want, r.Reason)
		}
	}
}

// The new year is made some day in January; until then the lists are those of the latest one.
func TestListsBeforeTheNewYearIsMade(t *testing.T) {
	t.Parallel()
	b := openBed(t, "default", nil, "years=2019,2020")
	items, err := b.conn.List(t.Context(), ListDaybooks)
	if err != nil || len(items) == 0 {
		t.Fatalf("%v, %v", items, err)
	}
}
