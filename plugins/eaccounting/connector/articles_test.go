package connector

import (
	"context"
	"sync"
	"testing"

	"github.com/pomost/pomost/sdk/conformance"
	sdk "github.com/pomost/pomost/sdk/connector"
	"github.com/pomost/pomost/sdk/record"
	"github.com/pomost/pomost/sdk/sandbox"
)

// shelf is a sandbox with one article and a connection to it.
func shelf(t *testing.T, set map[string]string) (*conformance.Env, *sandbox.Running, string) {
	t.Helper()
	run := startSandbox(t, set)
	t.Cleanup(func() {
		if err := run.Close(); err != nil {
			t.Error(err)
		}
	})
	host := conformance.NewHost(t, run.Info)
	conn, problems := New().Open(t.Context(), settingsFor(run.Info), host)
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	t.Cleanup(func() { _ = conn.Close() })
	schema, err := conn.Discover(t.Context(), "articles")
	if err != nil {
		t.Fatal(err)
	}
	e := &conformance.Env{T: t, Sandbox: run, Host: host, Conn: conn, Schema: schema, Refs: map[string]string{}}
	id := post(e, "/articles", map[string]any{"Number": "A1", "Name": "Stoel", "IsActive": true, "CodingId": listItem(e, "article_codings"), "UnitId": listItem(e, "units"),
		"NetPrice": 10, "Barcodes": []any{map[string]any{"Barcode": "8712345678906", "BarcodeType": 0}}})
	return e, run, id
}

func change(ctx context.Context, e *conformance.Env, id string, pairs ...any) (sdk.WriteResult, error) {
	var out sdk.WriteResult
	req := sdk.WriteRequest{Object: "articles", Action: sdk.Update, Records: []record.Record{fill(e, append([]any{"Id", record.Text(id)}, pairs...)...)}}
	err := e.Conn.Write(ctx, req, func(r sdk.WriteResult) error { out = r; return nil })
	return out, err
}

// A PUT carries all fields of an article: two flows that change one at the same time keep each other's.
func TestUpdatesOfOneArticleKeepEachOther(t *testing.T) {
	t.Parallel()
	e, run, id := shelf(t, nil)
	// Each writes late: without a turn all would have read the article before any wrote it.
	if err := run.SetFaults([]sandbox.Fault{{Match: "PUT /v2/articles", Times: -1, Do: "delay:50ms"}}); err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for _, pairs := range [][]any{{"StockBalance", dec("7")}, {"NetPrice", dec("11"), "GrossPrice", dec("13.31")}, {"NameEnglish", record.Text("Chair")}} {
		wg.Go(func() {
			if res, err := change(t.Context(), e, id, pairs...); err != nil || res.Outcome != sdk.OutcomeUpdated {
				t.Errorf("%v: %+v %v", pairs, res.Err, err)
			}
		})
	}
	wg.Wait()
	found, err := e.Conn.Find(t.Context(), sdk.FindRequest{Object: "articles", Keys: []sdk.Key{{Fields: []sdk.KeyField{{Name: "Barcodes.Barcode", Value: record.Text("8712345678906")}}}}})
	if err != nil || len(found[0].Records) != 1 {
		t.Fatal(found, err)
	}
	r := found[0].Records[0]
	if r.Get("StockBalance").String() != "7" || r.Get("NetPrice").String() != "11" || r.Get("GrossPrice").String() != "13.31" || r.Get("NameEnglish").AsText() != "Chair" {
		t.Errorf("%s", r)
	}
}

// Who waits for a turn gives up with the context, and what was not sent was not done.
func TestUpdateGivesUpItsTurn(t *testing.T) {
	t.Parallel()
	e, _, id := shelf(t, nil)
	o, err := objectByName("articles")
	if err != nil {
		t.Fatal(err)
	}
	conn, ok := e.Conn.(*connection)
	if !ok {
		t.Fatalf("%T", e.Conn)
	}
	done, err := conn.turn(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if res, _ := change(ctx, e, id, "StockBalance", dec("7")); res.Outcome != sdk.OutcomeRefused {
		t.Errorf("%+v", res)
	}
	done()
	if res, err := change(t.Context(), e, id, "StockBalance", dec("7")); err != nil || res.Outcome != sdk.OutcomeUpdated {
		t.Errorf("%+v %v", res, err)
	}
}

// Whether eAccounting counts its stock itself is told by its modules.
func TestCompanyTellsStockModule(t *testing.T) {
	t.Parallel()
	for set, want := range map[string]string{"on": "true", "off": "false"} {
		e, _, _ := shelf(t, map[string]string{"module.stock": set})
		items, err := e.Conn.List(t.Context(), "company")
		if err != nil || items[0].Attributes["stock_module"] != want {
			t.Errorf("%s: %v %v", set, items, err)
		}
	}
	if (company{ActivatedModules: []string{"sales_standard"}}).countsStock() || !(company{ActivatedModules: []string{"Stock_Pro"}}).countsStock() {
		t.Error("countsStock")
	}
}

// goods is a coding of goods.
func goods(e *conformance.Env) record.Value {
	items, err := e.Conn.List(e.T.Context(), "article_codings")
	if err != nil {
		e.T.Fatal(err)
	}
	for _, it := range items {
		if it.Attributes["type"] == "Goods" {
			return record.Text(it.ID)
		}
	}
	e.T.Fatal("no coding of goods")
	return record.Value{}
}

// An article that eAccounting counts takes no quantity: nothing is sent. Where only the answer shows it, that is a refusal too, not a success.
func TestQuantityThatIsNotTaken(t *testing.T) {
	t.Parallel()
	e, run, id := shelf(t, map[string]string{"module.stock": "on"})
	puts := func() int {
		n := 0
		for _, c := range run.Log() {
			if c.Method == "PUT" {
				n++
			}
		}
		return n
	}
	for i, step := range []struct {
		pairs   []any
		outcome sdk.Outcome
		puts    int
	}{
		{[]any{"StockBalance", dec("7")}, sdk.OutcomeRefused, 1},                                      // sent, since nothing showed the module
		{[]any{"StockBalance", dec("7"), "Name", record.Text("Kruk")}, sdk.OutcomeUpdated, 1},         // the name was written
		{[]any{"CodingId", goods(e), "IsStock", record.Bool(true)}, sdk.OutcomeUpdated, 1},            // now it shows
		{[]any{"StockBalance", dec("7")}, sdk.OutcomeRefused, 0},                                      // not even sent
		{[]any{"StockBalance", dec("0"), "NameEnglish", record.Text("Stool")}, sdk.OutcomeUpdated, 1}, // what it has
	} {
		before := puts()
		res, err := change(t.Context(), e, id, step.pairs...)
		if err != nil || res.Outcome != step.outcome || puts()-before != step.puts {
			t.Errorf("%d: %v: %+v %v with %d writes, want %v with %d", i, step.pairs, res.Err, err, puts()-before, step.outcome, step.puts)
		}
		if step.outcome == sdk.OutcomeRefused && (res.Err.Field != "StockBalance" || res.Err.Remedy == "" || res.Err.Retryable) {
			t.Errorf("%d: %+v", i, res.Err)
		}
	}
}

// Check finds the stock module by its name, or by an article that only the module can have; and it writes nothing.
func TestCheckFindsStockModule(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		set     map[string]string
		isStock bool
		warns   bool
	}{
		"named":           {map[string]string{"module.stock": "on"}, false, true},
		"under no name":   {map[string]string{"module.stock": "on", "dialect": "modules_unnamed"}, true, true},
		"no sign":         {map[string]string{"module.stock": "on", "dialect": "modules_unnamed"}, false, false},
		"off":             {nil, false, false},
		"off, unfiltered": {map[string]string{"dialect": "modules_unnamed"}, false, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e, run, id := shelf(t, c.set)
			if c.isStock {
				if res, err := change(t.Context(), e, id, "CodingId", goods(e), "IsStock", record.Bool(true)); err != nil || res.Outcome != sdk.OutcomeUpdated {
					t.Fatal(res, err)
				}
			}
			before := len(run.Log())
			got := checks(t, e.Conn)["stock_quantities"]
			if !got.OK || got.Warning != c.warns || c.warns && got.Remedy == "" {
				t.Errorf("%+v", got)
			}
			for _, call := range run.Log()[before:] {
				if call.Method != "GET" && call.Path != "/connect/token" {
					t.Errorf("Check made %s %s", call.Method, call.Path)
				}
			}
			items, err := e.Conn.List(t.Context(), "company")
			if err != nil || (items[0].Attributes["stock_module"] == "true") != c.warns {
				t.Errorf("%v %v", items, err)
			}
		})
	}
}
