package tuitest

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/pomost/pomost/host/activity"
	"github.com/pomost/pomost/host/control"
	"github.com/pomost/pomost/host/engine"
	"github.com/pomost/pomost/host/store"
)

// exported is the configuration in force.
const exported = `version: 1
connections:
  shop:
    connector: eaccounting
    settings: {base_url: "https://eaccountingapi.vismaonline.com/v2"}
  books:
    connector: accountview
    settings: {company: "DEMO", time_zone: Europe/Amsterdam}
flows:
  orders:
    recipe: accountview-eaccounting/orders
    source: shop
    destination: books
    schedule: 5m
`

// NewWorld makes a world on a Monday afternoon in November 2026.
func NewWorld() *World {
	now := time.Date(2026, 11, 23, 14, 5, 0, 0, time.UTC)
	w := &World{changed: make(chan struct{}), Time: now, Stories: map[string]activity.Story{}, Plans: map[string]control.PlanResult{}}
	w.State = control.StatusResult{Version: "0.1.0", Home: "/var/lib/pomost", Daemon: true, PID: 4711, Started: now.Add(-50 * time.Hour), Revision: 7,
		Flows: flows(now), Connections: connections()}
	w.Remember = records(now)
	for _, r := range w.Remember {
		w.Stories[r.Key] = story(now, r)
	}
	for i := range 120 {
		w.Lines = append(w.Lines, line(now.Add(time.Duration(i-120)*17*time.Second), int64(i)+1))
	}
	for _, f := range w.State.Flows {
		w.Plans[f.Name] = plan(f.Name)
	}
	w.History = runs(now, w.State.Flows)
	w.Diagnosis = diagnosis()
	w.Checks = checks()
	w.Systems = catalog()
	return w
}

func flows(now time.Time) []control.FlowStatus {
	ago := func(d time.Duration) time.Time { return now.Add(-d) }
	run := func(id, trigger, status string, started, took time.Duration, c store.Counts, message string) *control.RunInfo {
		r := &control.RunInfo{ID: id, Trigger: trigger, Status: status, Started: ago(started), Counts: c}
		if took > 0 {
			r.Ended = r.Started.Add(took)
		}
		if status == "failed" {
			r.Error = message
		} else {
			r.Message = message
		}
		return r
	}
	const pair = "accountview-eaccounting/"
	return []control.FlowStatus{
		{Name: "customers", Recipe: pair + "customers", Title: "Customers", Kind: "customer", Source: "shop", Destination: "books", Schedule: "1h", State: control.FlowPaused, Paused: true,
			LastSuccess: ago(26 * time.Hour), LastRun: run("r-cust-1", "schedule", "done", 26*time.Hour, 41*time.Second, store.Counts{Read: 212, Updated: 3, Unchanged: 209}, "")},
		{Name: "invoices", Recipe: pair + "orders", Title: "Orders", Kind: "order", Source: "shop", Destination: "books", Schedule: "15m", State: control.FlowWaiting, Waiting: 1,
			LastSuccess: ago(19 * time.Minute), NextRun: now.Add(11 * time.Minute), LastRun: run("r-inv-1", "schedule", "done", 19*time.Minute, 8*time.Second, store.Counts{Read: 4, Created: 3, Held: 1}, ""),
			Causes: map[string]int{"unknown_outcome": 1}},
		{Name: "orders", Recipe: pair + "orders", Title: "Orders", Kind: "order", Source: "shop", Destination: "books", Schedule: "5m", State: control.FlowHeld, Held: 5, Failed: 2, Watched: 3,
			LastSuccess: ago(3 * time.Minute), NextRun: now.Add(2 * time.Minute), LastRun: run("r-ord-1", "schedule", "done", 3*time.Minute, 12*time.Second, store.Counts{Read: 31, Created: 22, Updated: 2, Skipped: 3, Held: 3, Failed: 1}, ""),
			Causes: map[string]int{"product_missing": 3, "match_ambiguous": 1, "unknown_outcome": 1, "unavailable": 2}},
		{Name: "orders-sweden", Recipe: pair + "orders", Title: "Orders", Kind: "order", Source: "shop-se", Destination: "books", Schedule: "5m", State: control.FlowFailing,
			LastSuccess: ago(49 * time.Hour), NextRun: now.Add(4 * time.Minute), LastRun: run("r-swe-1", "schedule", "failed", time.Minute, 2*time.Second, store.Counts{}, "connection shop-se: the consent has ended; authorize it again")},
		{Name: "products", Recipe: pair + "products", Title: "Products", Kind: "product", Source: "books", Destination: "shop", Schedule: "30m", State: control.FlowRunning,
			LastSuccess: ago(31 * time.Minute), LastRun: run("r-prod-1", "schedule", "done", 31*time.Minute, 65*time.Second, store.Counts{Read: 1840, Updated: 12, Unchanged: 1828}, ""),
			Running: run("r-prod-2", "schedule", "running", 40*time.Second, 0, store.Counts{Read: 1204, Updated: 7, Unchanged: 1197}, "reading articles")},
		{Name: "returns", Recipe: pair + "orders", Title: "Orders", Kind: "order", Source: "shop", Destination: "books", State: control.FlowNew},
		{Name: "stock", Recipe: pair + "stock", Title: "Stock", Kind: "stock", Source: "books", Destination: "shop", Schedule: "10m", State: control.FlowOK,
			LastSuccess: ago(6 * time.Minute), NextRun: now.Add(4 * time.Minute), LastRun: run("r-stock-1", "schedule", "done", 6*time.Minute, 30*time.Second, store.Counts{Read: 1840, Updated: 9, Unchanged: 1831}, "")},
	}
}

// runs are the histories of the flows: what their states say, and before that an hour of runs.
func runs(now time.Time, flows []control.FlowStatus) map[string][]control.RunInfo {
	out := map[string][]control.RunInfo{}
	for _, f := range flows {
		for _, r := range []*control.RunInfo{f.Running, f.LastRun} {
			if r != nil {
				out[f.Name] = append(out[f.Name], *r)
			}
		}
	}
	at := now.Add(-8 * time.Minute)
	for i := range 12 {
		r := control.RunInfo{ID: fmt.Sprintf("r-ord-0-%d", i), Trigger: "schedule", Status: "done", Started: at, Ended: at.Add(9 * time.Second), Counts: store.Counts{Read: i, Created: i}}
		switch i {
		case 1:
			r.Trigger, r.Status, r.Error = "command", "failed", "books did not answer for 60 s: "+Nasty
		case 3:
			r.Trigger, r.Status, r.Error, r.Ended = "retry", "stopped", "context canceled", at.Add(time.Hour+2*time.Second)
		case 5:
			r.Trigger = "plan"
		}
		out["orders"] = append(out["orders"], r)
		at = at.Add(-5*time.Minute - time.Duration(i)*3*time.Hour)
	}
	for i, r := range []string{"to_eaccounting", "to_accountview"} { // records travel both ways
		out["customers"] = append(out["customers"], control.RunInfo{ID: "r-cust-0" + fmt.Sprint(i), Lane: r, Trigger: "schedule", Status: "done", Started: now.Add(-27 * time.Hour), Ended: now.Add(-27*time.Hour + 40*time.Second)})
	}
	return out
}

func connections() []control.ConnectionStatus {
	return []control.ConnectionStatus{
		{Name: "archive", Connector: "accountview", Title: "AccountView", State: "unknown"},
		{Name: "books", Connector: "accountview", Title: "AccountView", State: "ok"},
		{Name: "shop", Connector: "eaccounting", Title: "Visma eAccounting", State: "ok"},
		{Name: "shop-se", Connector: "eaccounting", Title: "Visma eAccounting", State: "revoked", Message: "the system has ended the consent", Remedy: "authorize the connection again"},
		{Name: "trial", Connector: "eaccounting", Title: "Visma eAccounting", State: "unauthorized", Message: "nobody has consented yet", Remedy: "authorize the connection"},
	}
}

func records(now time.Time) []control.RecordInfo {
	rec := func(key, label, status, cause, reason, remedy string, attempts int, since time.Duration) control.RecordInfo {
		return control.RecordInfo{Flow: "orders", Key: key, Label: label, Status: status, Cause: cause, Reason: reason, Remedy: remedy, Attempts: attempts, Since: now.Add(-since)}
	}
	list := []control.RecordInfo{
		rec("5f0c-1001", "1001", "held", "product_missing", "article BLUE-42 does not exist in books", "make the article in AccountView, or name another in the shop", 3, 50*time.Minute),
		rec("5f0c-1002", "1002", "held", "product_missing", "article BLUE-42 does not exist in books", "make the article in AccountView, or name another in the shop", 3, 48*time.Minute),
		rec("5f0c-1007", "1007 "+Nasty, "held", "product_missing", "article "+Nasty+" does not exist in books", "make the article in AccountView", 1, 12*time.Minute),
		rec("5f0c-1011", "1011", "held", "match_ambiguous", "2 debtors have the e-mail of this order: 10023 and 10877", "choose the right debtor, or clear the e-mail of the other", 1, 3*time.Hour),
		rec("5f0c-1013", "1013", "held", "unknown_outcome", "the answer to creating the sales order was lost, and the order cannot be looked up", "look for reference 1013 in AccountView and say what you found", 2, 26*time.Hour),
		rec("5f0c-0990", "990", "failed", "unavailable", "books did not answer for 60 s", "it is tried again by the next run", 4, 7*time.Minute),
		rec("5f0c-0991", "991", "failed", "unavailable", "books did not answer for 60 s", "it is tried again by the next run", 4, 7*time.Minute),
		rec("5f0c-1020", "1020", "watched", "", "the order is a draft", "", 1, 5*time.Hour),
		rec("5f0c-1021", "1021", "watched", "", "the invoice is not paid", "", 2, 30*time.Hour),
		rec("5f0c-1022", "1022", "watched", "", "the invoice is not paid", "", 2, 31*time.Hour),
	}
	waiting := rec("77aa-2001", "INV-2001", "held", "unknown_outcome", "the answer to creating the daybook page was lost; it is looked up at 14:07", "wait, or look for invoice INV-2001 yourself", 1, 4*time.Minute)
	waiting.Flow = "invoices"
	return append(list, waiting)
}

func story(now time.Time, r control.RecordInfo) activity.Story {
	in := json.RawMessage(`{"Id":"` + r.Key + `","Number":1001,"CustomerName":"Jansen & Zn B.V.","OrderDate":"2026-11-23","Rows":[{"ArticleNumber":"BLUE-42","Quantity":3,"NetPrice":12.50}]}`)
	out := json.RawMessage(`{"ORD_NR":"1001","SUB_NR":"10023","LINES":[{"ART_CODE":"BLUE-42","ART_QTY":3,"ART_PX":12.50}]}`)
	s := activity.Story{Flow: r.Flow, Key: r.Key, Label: r.Label, Status: r.Status, Cause: r.Cause, Reason: r.Reason, Remedy: r.Remedy,
		Links: []activity.StoryLink{{Kind: "customer", Connection: "books", Object: "AR1", Key: "10023", Verified: "verified", Since: now.Add(-40 * 24 * time.Hour)}},
		Fields: []activity.FieldOrigin{
			{Object: "SO1", Field: "COMMENT1", Value: "1001", Rule: "Number", From: []activity.FieldValue{{Field: "Number", Value: "1001"}}},
			{Object: "SO1", Field: "DEL_ADDR.STREET", Value: "Keizersgracht", Rule: "split_street(DeliveryAddress1, DeliveryCountryCode).name", Function: "split_street 1.0.0", From: []activity.FieldValue{{Field: "DeliveryAddress1", Value: "Keizersgracht 12-bis"}, {Field: "DeliveryCountryCode", Value: "NL"}}},
			{Object: "SO1", Field: "ORD_DATE", Value: "2026-11-23", Rule: "OrderDate", From: []activity.FieldValue{{Field: "OrderDate", Value: "2026-11-23"}}},
			{Object: "SO1", Field: "HDR_DESC", Value: "webshop", Rule: "constant webshop", Overridden: true, From: []activity.FieldValue{}},
		},
		Attempts: []activity.Attempt{
			{Time: now.Add(-50 * time.Minute), Run: "r-ord-0", Step: "read", Outcome: "read", Millis: 120, Payloads: []activity.Payload{{Kind: "in", Object: "orders", Body: in}}},
			{Time: now.Add(-50 * time.Minute), Run: "r-ord-0", Step: "order", Action: "create", Object: "SO1", Outcome: "held", Cause: r.Cause, Message: r.Reason, Millis: 340, Payloads: []activity.Payload{{Kind: "out", Object: "SO1", Body: out}, {Kind: "answer", Object: "SO1", Body: json.RawMessage(`{"error":"` + "unknown article" + `"}`), Cut: true}}},
			{Time: now.Add(-3 * time.Minute), Run: "r-ord-1", Step: "order", Action: "create", Object: "SO1", Outcome: "held", Cause: r.Cause, Message: r.Reason, Millis: 280},
		},
		Open: []activity.OpenEffect{},
	}
	if r.Cause == "unknown_outcome" {
		s.Open = append(s.Open, activity.OpenEffect{Object: "SO1", Action: "create", State: "given_up", Reference: r.Label, Opened: r.Since, LookAgain: r.Since.Add(2 * time.Minute)})
	}
	return s
}

// line is the log's line of that number: the same one each time.
func line(at time.Time, id int64) control.LogEntry {
	flows := []string{"orders", "stock", "products", "orders", "invoices"}
	outcomes := []string{"created", "unchanged", "updated", "created", "held", "unchanged", "failed"}
	l := control.LogEntry{ID: id, Label: fmt.Sprint(1000 + id)}
	l.Time, l.Flow, l.Run, l.Key = at, flows[id%5], fmt.Sprintf("r-%d", id/50), fmt.Sprintf("5f0c-%04d", id)
	l.Outcome, l.Step, l.Object, l.Action, l.Millis = outcomes[id%7], "order", "SO1", "create", 20+id%300
	switch l.Outcome {
	case "held":
		l.Cause, l.Message = "product_missing", "article BLUE-42 does not exist in books"
	case "failed":
		l.Cause, l.Message = "unavailable", "books did not answer for 60 s"
	case "created":
		l.Result = fmt.Sprint(70000 + id)
	}
	if id%40 == 0 {
		l.Message = Nasty
	}
	l.Payloads = []activity.Payload{{Kind: "in", Object: "orders", Body: json.RawMessage(fmt.Sprintf(`{"Number":%d,"CustomerName":"Jansen"}`, 1000+id))}}
	return l
}

func plan(flow string) control.PlanResult {
	return control.PlanResult{ID: "plan-" + flow, Flow: flow, Actions: []engine.Planned{
		{Key: "5f0c-1101", Label: "1101", Action: "create", Object: "SO1", Reason: "new order", Proof: "3 × 12.50 = 37.50, VAT 21 % 7.88, total 45.38: agrees", Changes: []engine.PlannedChange{
			{Field: "COMMENT1", To: "1101"}, {Field: "SUB_NR", To: "10023"}, {Field: "ORD_DATE", To: "2026-11-23"}}},
		{Key: "5f0c-1102", Label: "1102", Action: "create", Object: "SO1", Reason: "new order, new debtor", Changes: []engine.PlannedChange{{Field: "COMMENT1", To: "1102"}, {Field: "debtor.ACCT_NAME", To: Nasty}}, Warnings: []string{"the debtor has a discount of 5 % in AccountView"}},
		{Key: "5f0c-1103", Label: "1103", Action: "update", Object: "SO1", Reason: "the delivery date changed", Changes: []engine.PlannedChange{{Field: "DEL_DATE", From: "2026-11-20", To: "2026-11-27"}}},
		{Key: "5f0c-1104", Label: "1104", Action: "link", Object: "SO1", Reason: "the order is there already, typed by hand"},
		{Key: "5f0c-1105", Label: "1105", Action: "skip", Object: "SO1", Reason: "the order is a draft"},
		{Key: "5f0c-1106", Label: "1106", Action: "hold", Object: "SO1", Cause: "product_missing", Reason: "article BLUE-42 does not exist in books"},
	}}
}

func checks() map[string]control.ConnectionCheck {
	good := func(name string) control.ConnectionCheck {
		return control.ConnectionCheck{Name: name, OK: true, Checks: []control.CheckItem{{Name: "reach", Title: "The system answers", OK: true}, {Name: "company", Title: "The company is found", OK: true, Message: "DEMO, Demo B.V."}}}
	}
	bad := control.ConnectionCheck{Name: "shop-se", Checks: []control.CheckItem{{Name: "reach", Title: "The system answers", OK: true}, {Name: "consent", Title: "Somebody has consented", Cause: "credentials", Message: "the system has ended the consent", Remedy: "authorize the connection again"}}}
	return map[string]control.ConnectionCheck{"archive": good("archive"), "books": good("books"), "shop": good("shop"), "shop-se": bad,
		"trial": {Name: "trial", Checks: []control.CheckItem{{Name: "consent", Title: "Somebody has consented", Cause: "credentials", Message: "nobody has consented yet", Remedy: "authorize the connection"}}}}
}

func diagnosis() control.DoctorResult {
	return control.DoctorResult{Sections: []control.DoctorGroup{
		{Name: "machine", Title: "This machine", Checks: []control.CheckItem{{Name: "clock", Title: "The clock is right", OK: true}, {Name: "disk", Title: "Space for the home", OK: true, Warning: true, Message: "1.2 GB are left", Remedy: "make room before the log grows"}}},
		{Name: "daemon", Title: "The daemon", Checks: []control.CheckItem{{Name: "runs", Title: "It runs", OK: true, Message: "since two days"}}},
		{Name: "connection:shop-se", Title: "Connection shop-se", Checks: []control.CheckItem{{Name: "consent", Title: "Somebody has consented", Cause: "credentials", Message: "the system has ended the consent", Remedy: "authorize the connection again"}}},
	}}
}

func catalog() control.CatalogResult {
	text := func(key, label string) control.Field { return control.Field{Key: key, Label: label, Type: "text"} }
	return control.CatalogResult{
		Connectors: []control.CatalogConnector{
			{Name: "accountview", Title: "AccountView", Version: "0.1.0", Consent: true, Settings: []control.Field{text("company", "Company")}, Secrets: []control.Field{{Key: "client_secret", Label: "Client secret", Type: "text", Secret: true}}},
			{Name: "eaccounting", Title: "Visma eAccounting", Version: "0.1.0", Consent: true, Settings: []control.Field{}, Secrets: []control.Field{{Key: "client_secret", Label: "Client secret", Type: "text", Secret: true}}},
		},
		Recipes: []control.CatalogRecipe{{Name: "accountview-eaccounting/orders", Kind: "order", Title: "Orders", Source: "eaccounting", Destination: "accountview", Settings: []control.Field{}}},
	}
}
