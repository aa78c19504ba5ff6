package connector

import (
	"testing"

	sdk "github.com/pomost/pomost/sdk/connector"
	"github.com/pomost/pomost/sdk/record"
	kit "github.com/pomost/pomost/sdk/sandbox"
)

func article(b *bed, code string) record.Record {
	r := record.New(b.schema(Articles))
	set(&r, "ART_CODE", code, "ART_DESC1", "Plank 2m", "AG_CODE", "HOUT", "PX_SELL", dec("12.5"))
	if got := b.write(sdk.WriteRequest{Object: Articles, Action: sdk.Create, Records: []record.Record{r}}); got.Outcome != sdk.OutcomeCreated {
		b.t.Fatalf("%+v", got)
	}
	c := record.New(r.Schema)
	set(&c, "ART_CODE", code, "PX_SELL", dec("13"))
	return c
}

func wantArticle(b *bed, code, price string) {
	b.t.Helper()
	got := b.find(Articles, "ART_CODE", code, 0)
	if got.Status != sdk.Found || got.Records[0].Get("ART_DESC1").String() != "Plank 2m" || got.Records[0].Get("PX_SELL").String() != price {
		b.t.Errorf("article %s: %+v", code, got)
	}
}

// AccountView may empty what a PUT leaves out: it is found out at the first change, put back, and not done again.
func TestAutoUpdateWherePutEmpties(t *testing.T) {
	t.Parallel()
	b := openBed(t, "put_clears", nil)
	one, two := article(b, "A1"), article(b, "A2")
	for code, change := range map[string]record.Record{"A1": one, "A2": two} {
		if got := b.write(sdk.WriteRequest{Object: Articles, Action: sdk.Update, Records: []record.Record{change}}); got.Outcome != sdk.OutcomeUpdated {
			t.Fatalf("%+v", got)
		}
		wantArticle(b, code, "13")
	}
	if n := b.requests("PUT", "AK1"); n != 3 {
		t.Errorf("%d PUTs, want two for the first change and one for the next", n)
	}
}

func TestAutoUpdateWherePutKeeps(t *testing.T) {
	t.Parallel()
	b := openBed(t, "default", nil)
	change := article(b, "A1")
	for range 2 {
		b.write(sdk.WriteRequest{Object: Articles, Action: sdk.Update, Records: []record.Record{change}})
		wantArticle(b, "A1", "13")
	}
	if n := b.requests("PUT", "AK1"); n != 1 {
		t.Errorf("%d PUTs, want one: the second change changes nothing", n)
	}
}

// The first change may lose its answer as well: what it emptied is still known when it is tried again.
func TestAutoUpdateHealsALostPut(t *testing.T) {
	t.Parallel()
	b := openBed(t, "put_clears", nil)
	change := article(b, "A1")
	b.fault(kit.Fault{Match: "PUT /api/v3/accountviewdata", Do: "lost-reply"})
	if got := b.write(sdk.WriteRequest{Object: Articles, Action: sdk.Update, Records: []record.Record{change}}); got.Outcome != sdk.OutcomeUnknown {
		t.Fatalf("%+v", got)
	}
	if got := b.write(sdk.WriteRequest{Object: Articles, Action: sdk.Update, Records: []record.Record{change}}); got.Outcome != sdk.OutcomeUpdated {
		t.Fatalf("%+v", got)
	}
	wantArticle(b, "A1", "13")
}

// Where a PUT empties, one that leaves a needed field out is refused for that field: then all filled fields go.
func TestAutoUpdateOfDebtorWherePutEmpties(t *testing.T) {
	t.Parallel()
	b := openBed(t, "put_clears", nil)
	r := record.New(b.schema(Debtors))
	set(&r, "SRC_CODE", "JANSEN", "ACCT_NAME", "Jansen", "ACCT_NR", "1210", "MAIL_BUS", "info@example.nl")
	key := b.write(sdk.WriteRequest{Object: Debtors, Action: sdk.Create, Records: []record.Record{r}}).Record.Get("SUB_NR")
	change := record.New(r.Schema)
	set(&change, "SUB_NR", key, "CITY", "Delft")
	if got := b.write(sdk.WriteRequest{Object: Debtors, Action: sdk.Update, Records: []record.Record{change}}); got.Outcome != sdk.OutcomeUpdated {
		t.Fatalf("%+v", got)
	}
	got := b.find(Debtors, "MAIL_BUS", "info@example.nl", 0)
	if got.Status != sdk.Found || got.Records[0].Get("CITY").String() != "Delft" {
		t.Errorf("%+v", got)
	}
}
