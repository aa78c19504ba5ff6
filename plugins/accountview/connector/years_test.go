package connector

import (
	"strings"
	"testing"

	sdk "github.com/pomost/pomost/sdk/connector"
	"github.com/pomost/pomost/sdk/record"
)

// newOrder makes a debtor, articles and an order of a date.
func newOrder(b *bed, reference, date string) record.Record {
	debtor(b.Env, "30001")
	if b.Refs["articles"] == "" {
		post(b.Env, "AK1", "ARTICLE", []string{"ART_CODE:C", "PX_SELL:N"}, "PLANK", "12.50")
		post(b.Env, "AK1", "ARTICLE", []string{"ART_CODE:C", "PX_SELL:N"}, "VERZEND", "6.95")
		b.Refs["articles"] = "made"
	}
	r := order(b.schema(Orders), reference, "30001")
	set(&r, "ORD_DATE", day(date))
	return r
}

func TestFindReachesIntoNeighbouringYears(t *testing.T) {
	t.Parallel()
	b := openBed(t, "default", nil)
	if got := b.write(sdk.WriteRequest{Object: Orders, Action: sdk.Create, Records: []record.Record{newOrder(b, "WEB-1", "2025-12-31")}}); got.Outcome != sdk.OutcomeCreated {
		t.Fatalf("%+v", got)
	}
	for around, want := range map[string]sdk.FindStatus{"2025-12-31": sdk.Found, "2026-01-02": sdk.Found, "2026-12-31": sdk.Found, "2027-01-01": sdk.AbsentEverywhere} {
		got := b.find(Orders, "COMMENT1", "WEB-1", day(around))
		if got.Status != want {
			t.Errorf("around %s: status %d, want %d", around, got.Status, want)
		}
		for _, scope := range got.Scopes {
			if !strings.Contains(scope, "SO1") {
				t.Errorf("scope %q does not name the object", scope)
			}
		}
	}
	// 2028 does not exist: 2027 has two scopes.
	if got := b.find(Orders, "COMMENT1", "WEB-1", day("2027-06-01")); len(got.Scopes) != 2 {
		t.Errorf("scopes %q, want those of 2027 and 2026", got.Scopes)
	}
}

func TestOwnYearMissing(t *testing.T) {
	t.Parallel()
	for _, dialect := range []string{"default", "http_errors"} {
		b := openBed(t, dialect, nil)
		got := b.find(Orders, "COMMENT1", "WEB-1", day("2028-01-03"))
		if got.Status != sdk.CannotTell || got.Cause != sdk.CauseNoAdministration || got.Reason == "" {
			t.Errorf("%s: %+v", dialect, got)
		}
		res := b.write(sdk.WriteRequest{Object: Orders, Action: sdk.Create, Records: []record.Record{newOrder(b, "WEB-1", "2028-01-03")}})
		if res.Outcome != sdk.OutcomeRefused || res.Err.Cause != sdk.CauseNoAdministration {
			t.Errorf("%s: %+v", dialect, res)
		}
	}
}

// A value of ours in a message must not read like "no administration": the year would be taken for missing and the
// record for absent.
func TestReferenceThatReadsLikeAMessage(t *testing.T) {
	t.Parallel()
	b := openBed(t, "default", nil)
	const reference = "geen administratie"
	if got := b.write(sdk.WriteRequest{Object: Orders, Action: sdk.Create, Records: []record.Record{newOrder(b, reference, "2026-05-01")}}); got.Outcome != sdk.OutcomeCreated {
		t.Fatalf("%+v", got)
	}
	if got := b.find(Orders, "COMMENT1", reference, day("2026-05-01")); got.Status != sdk.Found {
		t.Errorf("%+v", got)
	}
}

func TestMasterDataOfTheYear(t *testing.T) {
	t.Parallel()
	b := openBed(t, "year_masters", nil)
	r := record.New(b.schema(Debtors))
	set(&r, "SRC_CODE", "X", "ACCT_NAME", "Nieuw in 2027", "ACCT_NR", "1210", "MAIL_BUS", "nieuw@example.nl")
	got := b.write(sdk.WriteRequest{Object: Debtors, Action: sdk.Create, Records: []record.Record{r}, Around: day("2027-01-02")})
	if got.Outcome != sdk.OutcomeCreated {
		t.Fatalf("%+v", got)
	}
	if f := b.find(Debtors, "MAIL_BUS", "nieuw@example.nl", day("2027-03-01")); f.Status != sdk.Found || !strings.Contains(f.Scopes[0], "2027-03-01") {
		t.Errorf("in its year: %+v", f)
	}
	if f := b.find(Debtors, "MAIL_BUS", "nieuw@example.nl", day("2026-12-31")); f.Status != sdk.AbsentEverywhere {
		t.Errorf("in the year before: %+v", f)
	}
}

func TestUpdateOfAMasterMissingInTheYear(t *testing.T) {
	t.Parallel()
	b := openBed(t, "year_masters", nil)
	b.conn.now = tick()
	r := record.New(b.schema(Debtors))
	set(&r, "SRC_CODE", "X", "ACCT_NAME", "Van dit jaar", "ACCT_NR", "1210")
	got := b.write(sdk.WriteRequest{Object: Debtors, Action: sdk.Create, Records: []record.Record{r}})
	key := got.Record.Get("SUB_NR")
	change := record.New(b.schema(Debtors))
	set(&change, "SUB_NR", key, "CITY", "Delft")
	last := shiftYear(b.conn.today(), -1)
	res := b.write(sdk.WriteRequest{Object: Debtors, Action: sdk.Update, Records: []record.Record{change}, Around: last})
	if res.Outcome != sdk.OutcomeRefused || res.Err.Cause != sdk.CauseMissingInYear {
		t.Errorf("%+v", res)
	}
}

func TestShiftYear(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{"2024-02-29": "2025-02-28", "2026-12-31": "2027-12-31", "2027-01-01": "2028-01-01"} {
		if got := shiftYear(day(in), 1).String(); got != want {
			t.Errorf("%s + 1 year = %s, want %s", in, got, want)
		}
	}
}

// The date of a document never shifts with a zone: 1 January stays in its year (DOMAIN C 12).
func TestDatesDoNotShift(t *testing.T) {
	t.Parallel()
	for _, zone := range []string{"Europe/Stockholm", "Pacific/Auckland", "America/Los_Angeles"} {
		b := openBed(t, "default", sdk.Settings{"time_zone": zone})
		b.write(sdk.WriteRequest{Object: Orders, Action: sdk.Create, Records: []record.Record{newOrder(b, "WEB-1", "2027-01-01")}})
		got := b.find(Orders, "COMMENT1", "WEB-1", day("2027-01-01"))
		if got.Status != sdk.Found || got.Records[0].Get("ORD_DATE").String() != "2027-01-01" {
			t.Errorf("%s: %+v", zone, got)
		}
	}
}
