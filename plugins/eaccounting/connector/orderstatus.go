package connector

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"time"

	sdk "github.com/pomost/pomost/sdk/connector"
	"github.com/pomost/pomost/sdk/record"
)

// The statuses of an order [OA26 OrderApi.Status].
const (
	orderDraft    = 1
	orderOngoing  = 2
	orderShipped  = 3
	orderInvoiced = 4
)

var orderStatusNames = map[int64]string{orderDraft: "a draft", orderOngoing: "ongoing", orderShipped: "shipped", orderInvoiced: "invoiced"}

// orderSteps are the calls that change an order's status, by the status that it has and the one that it gets [OA26]. Those of 2020 had one
// only; there the status is written with the order.
var orderSteps = map[[2]int64]struct {
	action string
	body   string // "" for none
	first  bool   // there in 2020 too [SW20]
}{
	{orderDraft, orderOngoing}:    {action: "converteddrafttoorder"},
	{orderOngoing, orderShipped}:  {action: "completed"},
	{orderShipped, orderOngoing}:  {action: "voided"},
	{orderOngoing, orderInvoiced}: {action: "convert", body: "{}", first: true},
	{orderShipped, orderInvoiced}: {action: "convert", body: "{}", first: true},
}

// noSteps is what a connection learns where the calls are not there.
const noSteps = "orders: statuses are written with the order"

// step changes an order's status where an update states another one; done is false where it does not. It is a call of its own, so that
// nothing else can be stated with it: one of two calls could be refused, and half of an update is worse than none.
func (c *connection) step(ctx context.Context, o *object, now, stated record.Record, raw []byte, notAfter time.Time) (res sdk.WriteResult, done bool) {
	to, ok := stated.Get("Status").AsInteger()
	from, known := now.Get("Status").AsInteger()
	if !ok || !known || from == to {
		return res, false
	}
	rest := record.New(stated.Schema)
	copy(rest.Values, stated.Values)
	rest.MustSet("Status", record.Absent())
	s, possible := orderSteps[[2]int64{from, to}]
	switch {
	case !holdsAll(o.schema.Name, now, rest):
		return refused(&sdk.Error{Cause: sdk.CauseInvalidValue, Field: "Status", Message: o.label(now) + ": its status cannot be changed together with other fields",
			Remedy: "change the fields first, then the status by itself"}), true
	case !possible:
		return refused(&sdk.Error{Cause: sdk.CauseInvalidValue, Field: "Status",
			Message: fmt.Sprintf("%s is %s and cannot become %s at once", o.label(now), orderStatusNames[from], orderStatusNames[to]), Remedy: "go through the statuses between"}), true
	}
	if to == orderShipped && c.backOrders && partlyDelivered(now) {
		s.action, s.body, s.first = "backorder", "", true
	}
	id := now.Get(o.Key).AsText()
	if !s.first && c.knows(noSteps) {
		return c.stepByPut(ctx, o, id, raw, from, to, notAfter), true
	}
	var body []byte
	if s.body != "" {
		body = []byte(s.body)
	}
	resp, err := c.call(ctx, http.MethodPost, o.path+"/"+url.PathEscape(id)+"/"+s.action, nil, body, notAfter, o.label(now))
	if err != nil {
		if resp != nil && resp.Status == http.StatusNotFound && sdk.AsError(err).Code != "3000" && !s.first {
			c.learn(noSteps)
			return c.stepByPut(ctx, o, id, raw, from, to, notAfter), true
		}
		return failed(err), true
	}
	return c.stepped(ctx, o, id), true
}

// stepByPut writes the status with the order, as it is done where the calls are not there. It only goes forward.
func (c *connection) stepByPut(ctx context.Context, o *object, id string, raw []byte, from, to int64, notAfter time.Time) sdk.WriteResult {
	if to < from {
		return refused(&sdk.Error{Cause: sdk.CauseRefused, Field: "Status", Message: "this eAccounting cannot take back that an order was shipped", Remedy: "do it in eAccounting itself"})
	}
	body, err := o.merge(raw, map[string]any{"Status": json.Number(fmt.Sprint(to))})
	if err != nil {
		return notDone(unreadable(o.path+" "+id, err))
	}
	if _, err := c.call(ctx, http.MethodPut, o.path+"/"+url.PathEscape(id), nil, body, notAfter, o.path+" "+id); err != nil {
		return failed(err)
	}
	return c.stepped(ctx, o, id)
}

// stepped answers the order as it is after a step: some calls answer another document [OA26: convert the invoice].
func (c *connection) stepped(ctx context.Context, o *object, id string) sdk.WriteResult {
	after, told := c.readBack(ctx, o, id)
	if !told {
		after = record.New(o.schema)
		after.MustSet(o.Key, record.Text(id))
	}
	return sdk.WriteResult{Outcome: sdk.OutcomeUpdated, Record: after}
}

// partlyDelivered tells whether of some row a part was delivered and a part was not, or of some rows all and of others nothing.
func partlyDelivered(order record.Record) bool {
	some, open := false, false
	for _, v := range order.Get("Rows").AsList() {
		row, _ := v.AsRecord()
		delivered, _ := row.Get("DeliveredQuantity").AsDecimal()
		ordered, _ := row.Get("Quantity").AsDecimal()
		some = some || delivered.Sign() != 0
		open = open || delivered.Cmp(ordered) < 0
	}
	return some && open
}
