package sandbox

import (
	"bytes"
	"net/http"
)

// confirmDraft makes an ongoing order of a draft; it gets its number then.
func (c *company) confirmDraft(k *call) error {
	r, err := c.orderIn(k, "converted to an order", statusDraft)
	if err != nil {
		return err
	}
	if !c.dialect.draftsNumbered {
		r.set("Number", c.number("order"))
	}
	r.with("Status", int64(statusOngoing), "ModifiedUtc", c.stamp())
	c.reserve(r, 1)
	c.reply(k, http.StatusOK, r)
	return nil
}

// completeOrder ships an ongoing order.
func (c *company) completeOrder(k *call) error {
	r, err := c.orderIn(k, "completed", statusOngoing)
	if err != nil {
		return err
	}
	c.ship(r)
	r.set("ModifiedUtc", c.stamp())
	c.reply(k, http.StatusOK, r)
	return nil
}

// voidShipment makes a shipped order ongoing again; not one whose rest became an order of its own (4028).
func (c *company) voidShipment(k *call) error {
	r, err := c.orderIn(k, "voided", statusShipped)
	if err != nil {
		return err
	}
	if x, _ := r.extra.(orderExtra); x.backOrdered {
		return fail(http.StatusBadRequest, codeHasBackOrders, "OrderCannotBeVoidedException - The order has back orders.")
	}
	for _, row := range r.list("Rows") {
		c.moveStock(row.str("ArticleId"), row.number("DeliveredQuantity"), zero.r)
		row.set("DeliveredQuantity", zero)
	}
	r.with("Status", int64(statusOngoing), "ShippedDateTime", nil, "ModifiedUtc", c.stamp())
	c.reserve(r, 1)
	c.sumOrder(r)
	c.reply(k, http.StatusOK, r)
	return nil
}

// backOrder ships what is delivered of an order and makes an ongoing order, with a number of its own, of the rest. The
// first order keeps the quantities that were ordered. The answer is the new order.
func (c *company) backOrder(k *call) error {
	r, err := c.orderIn(k, "back-ordered", statusOngoing, statusShipped)
	if err != nil {
		return err
	}
	rest := r.clone()
	var rows []*record
	delivered := false
	for _, row := range rest.list("Rows") {
		open := sub(row.number("Quantity"), row.number("DeliveredQuantity"))
		delivered = delivered || row.number("DeliveredQuantity").Sign() != 0
		if row.boolean("IsTextRow") || open.Sign() == 0 {
			continue
		}
		row.with("Id", c.newID(), "Quantity", newNum(open), "DeliveredQuantity", zero)
		if amount := fixedDiscount(row); amount != nil && row.number("Quantity").Sign() != 0 {
			// The discount in money stays with the first delivery.
			row.with("IsDiscountInFixedAmount", false, "DiscountFixedAmount", nil)
		}
		row.set("Amount", newNum(rowAmount(row.number("UnitPrice"), open, row.number("DiscountPercentage"), fixedDiscount(row))))
		rows = append(rows, row)
	}
	if x, _ := r.extra.(orderExtra); len(rows) == 0 || !delivered || x.backOrdered {
		return cannotChange("A back order needs rows of which a part is delivered and a part is not.")
	}
	if r.integer("Status") == statusOngoing {
		c.ship(r)
	}
	r.extra = orderExtra{backOrdered: true}
	r.set("ModifiedUtc", c.stamp())
	rest.with("Id", c.newID(), "Status", int64(statusOngoing), "ShippedDateTime", nil, "Rows", rows)
	rest.extra = nil
	c.enterOrder(rest)
	c.sumOrder(rest)
	c.table("orders").add(rest)
	c.reply(k, http.StatusOK, rest)
	return nil
}

// convertOrder makes an invoice of an order, which is booked at once, and ships the order if it was not.
func (c *company) convertOrder(k *call) error {
	r, err := c.orderIn(k, "converted to an invoice", statusOngoing, statusShipped)
	if err != nil {
		return err
	}
	if len(bytes.TrimSpace(k.body)) > 0 { // the 2020 call has no body
		if _, err := c.read(k, schemas["OrderConversionApi"]); err != nil {
			return err
		}
	}
	inv, err := c.invoiceOrder(r)
	if err != nil {
		return err
	}
	c.reply(k, http.StatusOK, inv)
	return nil
}

// orderIn finds the order of the path if it is in one of the states.
func (c *company) orderIn(k *call, what string, states ...int64) (*record, error) {
	r, err := c.byPath(k, "orders", "Order")
	if err != nil {
		return nil, err
	}
	for _, s := range states {
		if r.integer("Status") == s {
			return r, nil
		}
	}
	return nil, cannotChange("An order of status %d cannot be %s.", r.integer("Status"), what)
}

// ship marks the order as shipped. Where no delivered quantity was entered, all of it goes.
func (c *company) ship(r *record) {
	c.reserve(r, -1)
	deliverAll(r)
	for _, row := range r.list("Rows") {
		c.moveStock(row.str("ArticleId"), neg(row.number("DeliveredQuantity")), zero.r)
	}
	r.with("Status", int64(statusShipped), "ShippedDateTime", c.env.Now().UTC())
	c.sumOrder(r)
}

// deliverAll enters the ordered quantities as delivered where none is.
func deliverAll(r *record) {
	for _, row := range r.list("Rows") {
		if row.number("DeliveredQuantity").Sign() != 0 {
			return
		}
	}
	for _, row := range r.list("Rows") {
		row.set("DeliveredQuantity", row.get("Quantity"))
	}
}
