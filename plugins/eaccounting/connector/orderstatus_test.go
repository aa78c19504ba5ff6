package connector

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	emulator "github.com/pomost/pomost/plugins/eaccounting/sandbox"
	"github.com/pomost/pomost/sdk/conformance"
	sdk "github.com/pomost/pomost/sdk/connector"
	"github.com/pomost/pomost/sdk/record"
	"github.com/pomost/pomost/sdk/sandbox"
)

// office is a connection to a sandbox with a customer, an article and an order of two rows, of which the first is delivered in part.
type office struct {
	t    *testing.T
	conn sdk.Connection
	e    *conformance.Env
	run  *sandbox.Running
}

func newOffice(t *testing.T, set map[string]string, settings sdk.Settings) *office {
	t.Helper()
	run, err := sandbox.Start(t.Context(), judged(t, emulator.System(), set["dialect"]), sandbox.Options{Set: set})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { run.Close() })
	host := conformance.NewHost(t, run.Info)
	all := settingsFor(run.Info)
	maps.Copy(all, settings)
	c, problems := New().Open(t.Context(), all, host)
	if len(problems) > 0 {
		t.Fatalf("%+v", problems)
	}
	t.Cleanup(func() { c.Close() })
	e := &conformance.Env{T: t, Host: host, Conn: c, Refs: map[string]string{}}
	prepareDocuments(e)
	return &office{t, c, e, run}
}

// order makes an order past the connector and answers its id. delivered is of the first row's three; "all" is all of both.
func (o *office) order(status int, delivered string) string {
	o.t.Helper()
	second := "0"
	if delivered == "all" {
		delivered, second = "3", "2"
	}
	row := func(line int, quantity, delivered string) map[string]any {
		return map[string]any{"LineNumber": line, "IsTextRow": false, "IsWorkCost": false, "EligibleForReverseChargeOnVat": false, "ArticleId": o.e.Refs["article"],
			"Quantity": exact(quantity), "DeliveredQuantity": exact(delivered), "UnitPrice": exact("10")}
	}
	return post(o.e, "/orders", map[string]any{"CustomerId": o.e.Refs["customer"], "CurrencyCode": "EUR", "OrderDate": "2026-11-20", "Status": status, "EuThirdParty": false,
		"ReverseChargeOnConstructionServices": false, "RotReducedInvoicingType": 0, "BuyersOrderReference": "W-1", "Rows": []any{row(0, "3", delivered), row(1, "2", second)}})
}

func exact(s string) any { return json.Number(s) }

func (o *office) read(id string) record.Record {
	o.t.Helper()
	r, err := o.conn.Find(o.t.Context(), sdk.FindRequest{Object: "orders", Keys: []sdk.Key{{Fields: []sdk.KeyField{{Name: "Id", Value: record.Text(id)}}}}})
	if err != nil || r[0].Status != sdk.Found {
		o.t.Fatalf("order %s: %+v, %v", id, r, err)
	}
	return r[0].Records[0]
}

func (o *office) update(id string, pairs ...any) sdk.WriteResult {
	o.t.Helper()
	r := build(schemaOf("OrderApi"), append([]any{"Id", record.Text(id)}, pairs...)...)
	var got []sdk.WriteResult
	err := o.conn.Write(o.t.Context(), sdk.WriteRequest{Object: "orders", Action: sdk.Update, Records: []record.Record{r}, NotAfter: time.Now().Add(time.Minute)},
		func(w sdk.WriteResult) error { got = append(got, w); return nil })
	if err != nil || len(got) != 1 {
		o.t.Fatalf("%v, %v", got, err)
	}
	return got[0]
}

// calls are the writes to orders since n, without ids.
func (o *office) calls(n int) (out []string) {
	for _, c := range o.run.Log()[n:] {
		if c.Method != "GET" && strings.HasPrefix(c.Path, "/v2/orders") {
			path := strings.Split(strings.TrimPrefix(c.Path, "/v2/orders"), "/")
			out = append(out, c.Method+" "+path[len(path)-1])
		}
	}
	return out
}

func status(r record.Record) int64 {
	n, _ := r.Get("Status").AsInteger()
	return n
}

// TestOrderStatuses walks through every pair of statuses: the API's own call where there is one, a refusal without a call where there is none.
func TestOrderStatuses(t *testing.T) {
	for _, dialect := range []string{"default", "swagger2020", "empty_writes", "strict_fields"} {
		t.Run(dialect, func(t *testing.T) {
			o := newOffice(t, map[string]string{"dialect": dialect}, nil)
			old := dialect == "swagger2020"
			tried := 0
			for from := int64(orderDraft); from <= orderInvoiced; from++ {
				for to := int64(orderDraft); to <= orderInvoiced; to++ {
					id := o.order(int(min(from, orderShipped)), "0")
					if from == orderInvoiced {
						o.e.Host.Call("POST", "/orders/"+id+"/convert", nil, map[string]any{})
					}
					n := len(o.run.Log())
					res := o.update(id, "Status", record.Integer(to))
					step, possible := orderSteps[[2]int64{from, to}]
					what := fmt.Sprintf("%d to %d: %v %v, %v", from, to, res.Outcome, res.Err, o.calls(n))
					switch {
					case from == to:
						if res.Outcome != sdk.OutcomeUnchanged || len(o.calls(n)) != 0 {
							t.Errorf("%s, want unchanged", what)
						}
					case !possible:
						if res.Outcome != sdk.OutcomeRefused || res.Err.Field != "Status" || res.Err.Remedy == "" || len(o.calls(n)) != 0 {
							t.Errorf("%s, want refused here", what)
						}
					case old && to < from:
						if res.Outcome != sdk.OutcomeRefused || status(o.read(id)) != from {
							t.Errorf("%s, want refused", what)
						}
					default:
						calls := o.calls(n)
						tried += len(calls) - 1
						if res.Outcome != sdk.OutcomeUpdated || status(res.Record) != to || status(o.read(id)) != to || len(calls) == 0 || !old && !slices.Equal(calls, []string{"POST " + step.action}) {
							t.Errorf("%s, the order has %d", what, status(o.read(id)))
						}
					}
				}
			}
			if old && tried != 1 || !old && tried != 0 {
				t.Errorf("%d calls more than steps: what is not there is tried once", tried)
			}
			// An invoiced order has its invoice, and cannot be changed any more.
			id := o.order(orderOngoing, "0")
			o.update(id, "Status", record.Integer(orderInvoiced))
			found, err := o.conn.Find(t.Context(), sdk.FindRequest{Object: "customerinvoices", Keys: []sdk.Key{{Fields: []sdk.KeyField{{Name: "CreatedFromOrderId", Value: record.Text(id)}}}}})
			if err != nil || !old && (found[0].Status != sdk.Found || len(found[0].Records) != 1) {
				t.Errorf("the invoice of the order: %+v, %v", found, err)
			}
			if res := o.update(id, "OurReference", text("late")); res.Outcome != sdk.OutcomeRefused || res.Err.Cause != sdk.CauseRefused {
				t.Errorf("a change of an invoiced order: %+v", res)
			}
		})
	}
}

// TestOrderStatusAlone: half of an update is worse than none, so a status goes by itself.
func TestOrderStatusAlone(t *testing.T) {
	o := newOffice(t, nil, nil)
	id := o.order(orderOngoing, "0")
	n := len(o.run.Log())
	if res := o.update(id, "Status", record.Integer(orderShipped), "OurReference", text("x")); res.Outcome != sdk.OutcomeRefused || res.Err.Field != "Status" || len(o.calls(n)) != 0 {
		t.Errorf("%+v, %v", res, o.calls(n))
	}
	// What is stated and stands already is no change.
	if res := o.update(id, "Status", record.Integer(orderShipped), "BuyersOrderReference", text("W-1")); res.Outcome != sdk.OutcomeUpdated {
		t.Errorf("%+v", res)
	}
	if err := o.run.SetFaults([]sandbox.Fault{{Match: "POST /v2/orders", Do: "lost-reply"}}); err != nil {
		t.Fatal(err)
	}
	if res := o.update(id, "Status", record.Integer(orderInvoiced)); res.Outcome != sdk.OutcomeUnknown {
		t.Errorf("an invoice whose answer was lost: %+v", res)
	}
	if res := o.update(id, "Status", record.Integer(orderInvoiced)); res.Outcome != sdk.OutcomeUnchanged {
		t.Errorf("asked for again: %+v", res)
	}
}

// TestPartialDelivery: what becomes of the rest is a setting; a back order cannot be taken back (4028).
func TestPartialDelivery(t *testing.T) {
	for _, setting := range []string{"complete", "back_order"} {
		o := newOffice(t, nil, sdk.Settings{"partial_delivery": setting})
		count := func() int {
			n := 0
			err := o.conn.Read(t.Context(), sdk.ReadRequest{Object: "orders"}, func(b sdk.Batch) error { n += len(b.Records); return nil })
			if err != nil {
				t.Fatal(err)
			}
			return n
		}
		for delivered, more := range map[string]int{"0": 0, "1": 1, "all": 0} {
			before := count()
			id := o.order(orderOngoing, delivered)
			res := o.update(id, "Status", record.Integer(orderShipped))
			want := before + 1
			if setting == "back_order" {
				want += more
			}
			if res.Outcome != sdk.OutcomeUpdated || res.Record.Get("Id").AsText() != id || status(o.read(id)) != orderShipped || count() != want {
				t.Errorf("%s, %s delivered: %+v, %d orders, want %d", setting, delivered, res, count(), want)
			}
			if setting == "back_order" && more == 1 {
				if res := o.update(id, "Status", record.Integer(orderOngoing)); res.Outcome != sdk.OutcomeRefused || res.Err.Code != "4028" {
					t.Errorf("an order with a back order was taken back: %+v", res)
				}
			}
		}
	}
}

// TestOrderUpdateKeepsRows: an update that states no rows leaves them as they were, but for their ids; one that states them replaces them, and the
// amounts follow them.
func TestOrderUpdateKeepsRows(t *testing.T) {
	for _, dialect := range []string{"default", "amounts_kept", "strict_fields", "empty_writes", "swagger2020"} {
		o := newOffice(t, map[string]string{"dialect": dialect}, nil)
		id := o.order(orderOngoing, "1")
		before := o.read(id)
		// The answer tells the order as it is stored, also where the system's own answer is empty.
		if res := o.update(id, "OurReference", text("Balie")); res.Outcome != sdk.OutcomeUpdated || res.Record.Get("OurReference").AsText() != "Balie" || res.Record.Get("Number").IsEmpty() {
			t.Fatalf("%s: %+v", dialect, res)
		}
		after := o.read(id)
		for i, v := range before.Get("Rows").AsList() {
			a, _ := v.AsRecord()
			b, _ := after.Get("Rows").AsList()[i].AsRecord()
			for _, f := range a.Schema.Fields {
				if f.Name != "Id" && !a.Get(f.Name).Equal(b.Get(f.Name)) {
					t.Errorf("%s: row %d: %s was %s, is %s", dialect, i, f.Name, a.Get(f.Name), b.Get(f.Name))
				}
			}
		}
		if !before.Get("Amount").Equal(after.Get("Amount")) {
			t.Errorf("%s: the amount was %s, is %s", dialect, before.Get("Amount"), after.Get("Amount"))
		}
		rows, _ := schemaOf("OrderApi").Field("Rows")
		one := record.List(record.Nested(build(rows.Type.Elem.Record, "LineNumber", record.Integer(0), "ArticleId", text("%s", o.e.Refs["article"]), "Quantity", dec("1"), "UnitPrice", dec("10"))))
		res := o.update(id, "Rows", one)
		if got := o.read(id); res.Outcome != sdk.OutcomeUpdated || len(got.Get("Rows").AsList()) != 1 || got.Get("Amount").String() != "10" || got.Get("OurReference").AsText() != "Balie" {
			t.Errorf("%s: %+v; the amount is %s", dialect, res, got.Get("Amount"))
		}
	}
}
