package sandbox

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	kit "github.com/pomost/pomost/sdk/sandbox"
)

// killed is what a kill at this moment leaves behind: the state file and its journal as they are.
func killed(t *testing.T, state string) string {
	t.Helper()
	to := filepath.Join(t.TempDir(), "state")
	for _, suffix := range []string{"", ".journal"} {
		b, err := os.ReadFile(state + suffix)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(to+suffix, b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return to
}

func snapshotOf(t *testing.T, c *company) string {
	t.Helper()
	b, err := c.Snapshot()
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// bustle does everything that the API can do to a company, and what it refuses.
func bustle(w *wire, round string) {
	label := w.do(201, "POST", "/customerlabels", obj{"Name": "Shop"})
	w.do(200, "PUT", "/customerlabels/"+label["Id"].(string), obj{"Name": "Web shop", "name": "Twice"})
	w.do(201, "POST", "/articlelabels", obj{"Name": "Cups"})
	w.do(200, "POST", "/deliverymethods", obj{"Name": "Bicycle"})
	list := w.do(201, "POST", "/salespricelists", obj{"Name": "Friends", "CurrencyCode": "EUR"})
	world := &world{c: w.c}
	cu := w.do(201, "POST", "/customers", world.customerBody(obj{"CustomerLabels": []obj{{"Id": label["Id"], "Name": "Web shop"}}}))
	w.do(400, "POST", "/customers", world.customerBody(obj{"CustomerNumber": cu["CustomerNumber"]})) // takes no id
	w.do(200, "PUT", "/customers/"+cu["Id"].(string), world.customerBody(obj{"Note": "changed"}))
	gone := w.do(201, "POST", "/customers", world.customerBody())
	w.do(200, "DELETE", "/customers/"+gone["Id"].(string), nil)
	w.do(404, "GET", "/customers/"+gone["Id"].(string), nil) // an error has an id, and a read is not written down
	a := w.do(201, "POST", "/articles", world.articleBody("MUG"+round, "21", obj{"IsStock": true}))
	w.do(200, "PUT", "/salespricelists/"+list["Id"].(string)+"/prices", []obj{{"ArticleId": a["Id"], "NetPrice": json.Number("7.5")}})
	order := func(changes ...obj) string {
		rows := []obj{row(a, "3", "10", obj{"DeliveredQuantity": json.Number("1")}), {"IsTextRow": true, "Text": "x"}}
		return w.do(201, "POST", "/orders", orderBody(cu, rows, changes...))["Id"].(string)
	}
	w.do(200, "POST", "/orders/"+order()+"/backorder", nil)
	draft := order(obj{"Status": 1})
	w.do(400, "POST", "/orders/"+draft+"/completed", nil)
	w.do(200, "POST", "/orders/"+draft+"/converteddrafttoorder", nil)
	w.do(200, "POST", "/orders/"+draft+"/completed", nil)
	w.do(200, "POST", "/orders/"+draft+"/voided", nil)
	w.do(200, "DELETE", "/orders/"+draft, nil)
	invoice := w.do(200, "POST", "/orders/"+order()+"/convert", nil)["Id"].(string)
	w.do(200, "POST", "/customerinvoices/"+invoice+"/void?updateStock=true", nil)
	open := w.do(200, "POST", "/orders/"+order()+"/convert", nil)
	w.do(201, "POST", "/customerinvoices/"+open["Id"].(string)+"/payments", obj{"CompanyBankAccountId": w.c.table("bankaccounts").order[0].str("Id"), "PaymentDate": open["InvoiceDate"],
		"PaymentAmount": json.Number("1"), "PaymentCurrency": "EUR", "PaymentType": 1})
	sale := draftBody(cu, a)
	sales := w.do(201, "POST", "/customerinvoicedrafts", sale)["Id"].(string)
	w.do(200, "PUT", "/customerinvoicedrafts/"+sales, merged(sale, obj{"YourReference": "again"}))
	w.do(201, "POST", "/customerinvoicedrafts/"+sales+"/convert", nil)
	w.do(200, "DELETE", "/customerinvoicedrafts/"+w.do(201, "POST", "/customerinvoicedrafts", sale)["Id"].(string), nil)
	settings := w.do(200, "GET", "/companysettings", nil)
	w.do(200, "PUT", "/companysettings", merged(settings, obj{"UsesMoss": true}))
	sent := w.do(201, "POST", "/quotedrafts", obj{"CustomerId": cu["Id"], "CurrencyCode": "EUR", "QuoteDate": "2026-06-10", "EuThirdParty": false, "Rows": []obj{row(a, "1", "10")}})
	w.do(200, "PUT", "/quotedrafts/"+sent["Id"].(string)+"/convert", nil)
	quote := w.do(201, "POST", "/quotes", obj{"CustomerId": cu["Id"], "CurrencyCode": "EUR", "QuoteDate": "2026-06-10", "EuThirdParty": false, "Rows": []obj{row(a, "1", "10")}})["Id"].(string)
	w.do(200, "PUT", "/quotes/"+quote+"/accept", nil)
	w.do(200, "POST", "/quotes/"+quote+"/converttoorder", obj{})
	w.do(201, "POST", "/projects", obj{"Number": "P" + round, "Name": "Project", "StartDate": "2026-01-01", "Status": 1})
	centre := w.c.table("costcenters").order[0].str("Id")
	w.do(201, "POST", "/costcenteritems", obj{"CostCenterId": centre, "Name": "One", "ShortName": "1", "IsActive": true})
}

// A sandbox that is killed has after its next start all that it had answered, to the last id and stamp, and the tokens.
func TestKillLosesNothingAnswered(t *testing.T) {
	state := filepath.Join(t.TempDir(), "state")
	set := map[string]string{"module.stock": "on"}
	w := open(t, kit.Options{StateFile: state, Set: set}, nil)
	for _, round := range []string{"1", "2", "3"} {
		bustle(w, round)
	}
	want := snapshotOf(t, w.c)
	after := killed(t, state)
	again := open(t, kit.Options{StateFile: after, Set: set}, nil)
	if got := snapshotOf(t, again.c); got != want {
		t.Errorf("after a kill:\n%s", difference(got, want))
	}
	again.token = w.token // what was given out before still works
	bustle(again, "4")
	want = snapshotOf(t, again.c)
	// Killed before it was stopped once, with a line that was half written.
	twice := killed(t, after)
	f, err := os.OpenFile(twice+".journal", os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteString(`{"time":"2026-`); err != nil {
		t.Fatal(err)
	}
	f.Close()
	third := open(t, kit.Options{StateFile: twice, Set: set}, nil)
	if got := snapshotOf(t, third.c); got != want {
		t.Errorf("after the second kill:\n%s", difference(got, want))
	}
	// Ids go on after a restart and never come twice.
	seen := map[string]bool{}
	bustle(third, "5")
	for name, table := range third.c.tables {
		for _, r := range table.order {
			if id := name + r.str("Id"); seen[id] {
				t.Errorf("the id %s is there twice", id)
			} else {
				seen[id] = true
			}
		}
	}
	old := killed(t, twice)
	b, err := os.ReadFile(old)
	if err != nil {
		t.Fatal(err)
	}
	cut := strings.Index(string(b), `,"ids":{`)
	end := cut + strings.Index(string(b[cut:]), `}`) + 1
	if err := os.WriteFile(old, append(b[:cut:cut], b[end:]...), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := kit.Start(t.Context(), System(), kit.Options{StateFile: old, Set: set}); err == nil || !strings.Contains(err.Error(), "remove the file") {
		t.Errorf("the state of an older sandbox was taken: %v", err)
	}
}

// difference shows where two texts part.
func difference(got, want string) string {
	n := 0
	for n < len(got) && n < len(want) && got[n] == want[n] {
		n++
	}
	from := max(0, n-200)
	return fmt.Sprintf("got  …%s\nwant …%s", got[from:min(len(got), n+200)], want[from:min(len(want), n+200)])
}

// What a lively company does by itself outlives a kill too, and goes on after it without an order coming twice.
func TestLiveAfterRestart(t *testing.T) {
	w := newWorld(t, "data=demo")
	turn := func(w *world, n int) {
		t.Helper()
		w.now = w.now.Add(time.Second)
		if err := w.c.Live(n); err != nil {
			t.Fatal(err)
		}
	}
	for n := range 10 {
		turn(w, n+1)
	}
	saved := snapshotOf(t, w.c)
	restarted := newWorld(t, "data=demo")
	restarted.now = w.now
	if err := restarted.c.Restore([]byte(saved)); err != nil {
		t.Fatal(err)
	}
	for n := range 10 {
		turn(w, n+11)
		turn(restarted, n+1) // the kit counts from 1 again
	}
	if got, want := snapshotOf(t, restarted.c), snapshotOf(t, w.c); got != want {
		t.Errorf("after a restart:\n%s", difference(got, want))
	}
	if n := len(w.c.table("orders").order); n != len(w.c.table("orders").byID) {
		t.Errorf("%d orders have %d ids", n, len(w.c.table("orders").byID))
	}
}

// A change to a company of 100,000 records writes down the change, not the company: the work of a call is bounded.
func TestStateOfHundredThousand(t *testing.T) {
	state := filepath.Join(t.TempDir(), "state")
	w := open(t, kit.Options{StateFile: state}, func(c *company) {
		labels := c.table("articlelabels")
		for i := range 100_000 {
			labels.add(newRecord(labels.schema).with("Id", c.newID(), "Name", fmt.Sprint("Label ", i)))
		}
	})
	file, err := os.Stat(state)
	if err != nil {
		t.Fatal(err)
	}
	size := func() int64 {
		i, err := os.Stat(state + ".journal")
		if err != nil {
			t.Fatal(err)
		}
		return i.Size()
	}
	const calls, most = 200, 2 << 10
	before := size()
	for i := range calls {
		w.do(201, "POST", "/articlelabels", obj{"Name": fmt.Sprint("New ", i)})
	}
	if grown := size() - before; grown == 0 || grown > calls*most {
		t.Errorf("%d changes wrote %d bytes", calls, grown)
	}
	now, err := os.Stat(state)
	if err != nil {
		t.Fatal(err)
	}
	if !os.SameFile(file, now) || now.Size() != file.Size() {
		t.Error("a change wrote the whole state")
	}
}
