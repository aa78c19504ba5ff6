package connector

import (
	"maps"
	"net/url"
	"strings"
	"testing"

	sdk "github.com/pomost/pomost/sdk/connector"
	"github.com/pomost/pomost/sdk/record"
)

func listOf(t *testing.T, b *bed, name string) []sdk.ListItem {
	t.Helper()
	items, err := b.conn.List(t.Context(), name)
	if err != nil {
		t.Fatal(err)
	}
	return items
}

// What nobody's code shows is found by its label, or named by hand, or not there; never guessed.
func TestListsFoundInTheDirectory(t *testing.T) {
	t.Parallel()
	const terms, ship = "BC1", "VM1"
	fill := func(b *bed) {
		post(b.Env, terms, "BETCOND", []string{"DISC_CODE:C", "DISC_DESC:C", "CRED_DAYS:N"}, "30", "30 dagen netto", "30")
		post(b.Env, ship, "VERVOER", []string{"X_CODE:C", "X_TEKST:C"}, "DHL", "Pakket")
	}
	b := openBed(t, "code_tables", nil)
	fill(b)
	if got := listOf(t, b, ListPaymentTerms); len(got) != 1 || got[0].ID != "30" || got[0].Name != "30 dagen netto" || got[0].Attributes["days"] != "30" {
		t.Errorf("%+v", got)
	}
	if got := listOf(t, b, ListShippingMethods); len(got) != 1 || got[0].ID != "DHL" || got[0].Name != "Pakket" {
		t.Errorf("by the columns' labels: %+v", got)
	}
	check := checkOf(t, b)["lists"]
	if !check.OK || !strings.Contains(check.Message, "payment conditions: BC1 (found") || !strings.Contains(check.Message, "not found: payment methods (list_payment_methods)") {
		t.Errorf("%+v", check)
	}
	plain := openBed(t, "default", nil)
	if got := listOf(t, plain, ListPaymentTerms); len(got) != 0 || plain.requests("GET", terms) != 0 {
		t.Errorf("%+v", got)
	}
	hand := openBed(t, "code_tables", sdk.Settings{"list_payment_methods": "vm1/vervoer/x_code/x_tekst"})
	fill(hand)
	if got := listOf(t, hand, ListPaymentMethods); len(got) != 1 || got[0].ID != "DHL" {
		t.Errorf("by hand: %+v", got)
	}
	if _, problems := New().Open(t.Context(), sdk.Settings{"company": "X", "list_warehouses": "MG1"}, plainHost{}); len(problems) != 1 || problems[0].Setting != "list_warehouses" {
		t.Errorf("%+v", problems)
	}
}

// Two tables that could be meant are none.
func TestUnsureList(t *testing.T) {
	t.Parallel()
	f := serve(t, nil, func(_ string, q url.Values, _ string) (int, string) {
		if q.Get("BusinessObject") == "DBF" {
			return 200, `{"DCT_FILE":[{"DBF_NAME":"A","DBF_DESC":"Magazijnen","OBJ_CODE":"MA"},{"DBF_NAME":"B","DBF_DESC":"Magazijn","OBJ_CODE":"MB"},{"DBF_NAME":"C","DBF_DESC":"Betalingscondities","OBJ_CODE":""}]}`
		}
		return 200, `{}`
	})
	for _, list := range []string{ListWarehouses, ListPaymentTerms} {
		if got, err := f.conn.List(t.Context(), list); err != nil || len(got) != 0 {
			t.Errorf("%s: %+v, %v", list, got, err)
		}
	}
	k := &checks{}
	f.conn.checkLists(t.Context(), k)
	if !k.list[0].Warning || !strings.Contains(k.list[0].Message, "warehouses could be MA/A Magazijnen or MB/B Magazijn") {
		t.Errorf("%+v", k.list)
	}
}

func TestOpenItems(t *testing.T) {
	t.Parallel()
	b := openBed(t, "default", nil)
	debtor(b.Env, "10079")
	r := page(b.schema(Pages), "26000001", "10079")
	if got := b.write(sdk.WriteRequest{Object: Pages, Action: sdk.Create, Records: []record.Record{r}}); got.Outcome != sdk.OutcomeCreated {
		t.Fatalf("%+v", got)
	}
	got := listOf(t, b, ListOpenItems)
	want := map[string]string{"amount": "41.16", "open": "41.16", "term": "30", "overdue": "0"}
	if len(got) == 1 {
		delete(got[0].Attributes, "days") // counted by the calendar there
	}
	if len(got) != 1 || got[0].ID != "10079     26000001" || got[0].Name != "26000001" || !maps.Equal(got[0].Attributes, want) {
		t.Errorf("%+v", got)
	}
}

func TestListsOfMasterData(t *testing.T) {
	t.Parallel()
	b := openBed(t, "default", nil)
	post(b.Env, "AG1", "ART_GRP", []string{"AG_CODE:C", "AG_DESC:C"}, "HOUT", "Hout")
	post(b.Env, "CC1", "COST", []string{"COST_CODE:C"}, "WEB")
	post(b.Env, "PJ1", "PROJECTS", []string{"PROJ_CODE:C", "PROJ_DESC:C", "BEG_DATE:T"}, "P1", "Verbouwing", "2026-01-05")
	for list, want := range map[string]sdk.ListItem{ListArticleGroups: {ID: "HOUT", Name: "Hout"}, ListCostCentres: {ID: "WEB", Name: "WEB"}, ListProjects: {ID: "P1", Name: "Verbouwing"}} {
		got := listOf(t, b, list)
		if len(got) != 1 || got[0].ID != want.ID || got[0].Name != want.Name {
			t.Errorf("%s: %+v", list, got)
		}
	}
	if got := listOf(t, b, ListProjects); got[0].Attributes["begin"] != "2026-01-05" {
		t.Errorf("%+v", got)
	}
}
