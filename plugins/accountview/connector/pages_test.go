package connector

import (
	"strings"
	"testing"

	sdk "github.com/pomost/pomost/sdk/connector"
	"github.com/pomost/pomost/sdk/record"
)

// What cannot be a posting is refused before AccountView sees it.
func TestPageMustAddUp(t *testing.T) {
	t.Parallel()
	b := openBed(t, "default", nil)
	s := b.schema(Pages)
	debtor(b.Env, "10077")
	lines := func(r record.Record, change func(l *record.Record)) record.Record {
		list := r.Get("DJ_LINE").AsList()
		l, _ := list[0].AsRecord()
		change(&l)
		list[0] = record.Nested(l)
		r.MustSet("DJ_LINE", record.List(list...))
		return r
	}
	for name, c := range map[string]struct {
		rec   record.Record
		field string
		says  string
	}{
		"no debtor and no balance": {func() record.Record { r := page(s, "501", ""); r.MustSet("SUB_NR", record.Absent()); return r }(), "AMOUNT", "differ by -41.16"},
		"a code without an amount": {lines(page(s, "502", "10077"), func(l *record.Record) { l.MustSet("VAT_AMT", record.Absent()) }), "VAT_AMT", "line 1"},
		"half a cent":              {lines(page(s, "503", "10077"), func(l *record.Record) { l.MustSet("AMOUNT", record.Decimal(dec("-1.005"))) }), "AMOUNT", "whole cents"},
		"no number":                {func() record.Record { r := page(s, "504", "10077"); r.MustSet("INV_NR", record.Absent()); return r }(), "INV_NR", "needs INV_NR"},
		"no lines":                 {func() record.Record { r := page(s, "505", "10077"); r.MustSet("DJ_LINE", record.List()); return r }(), "DJ_LINE", "no lines"},
	} {
		got := b.write(sdk.WriteRequest{Object: Pages, Action: sdk.Create, Records: []record.Record{c.rec}})
		if got.Outcome != sdk.OutcomeRefused || got.Err.Field != c.field || !strings.Contains(got.Err.Message, c.says) {
			t.Errorf("%s: %v %+v", name, got.Outcome, got.Err)
		}
	}
	if n := b.requests("POST", "DJ2"); n != 0 {
		t.Errorf("%d pages were sent", n)
	}
}

// What was booked is read back with its lines and totals, also where another daybook or year has a page with the same number.
func TestPageReadsBack(t *testing.T) {
	t.Parallel()
	b := openBed(t, "default", nil, "years", "2025,2026,2027")
	s := b.schema(Pages)
	debtor(b.Env, "10078")
	for _, at := range []string{"2025-06-01", "2026-06-01"} {
		r := page(s, "77", "10078")
		r.MustSet("TRN_DATE", record.OfDate(day(at)))
		if got := b.write(sdk.WriteRequest{Object: Pages, Action: sdk.Create, Records: []record.Record{r}}); got.Outcome != sdk.OutcomeCreated {
			t.Fatalf("%+v", got)
		}
	}
	got := b.find(Pages, "INV_NR", "77", day("2026-06-01"))
	if len(got.Records) != 2 {
		t.Fatalf("%+v: want the pages of both years", got)
	}
	for _, r := range got.Records {
		total, _ := r.Get("PAGE_AMT").AsDecimal()
		if !total.Equal(dec("41.16")) || len(r.Get("DJ_LINE").AsList()) != 2 || r.Get("PAGE_NR").IsEmpty() {
			t.Errorf("%v", r)
		}
	}
}
