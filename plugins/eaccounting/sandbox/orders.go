package sandbox

import (
	"fmt"
	"math/big"
	"net/http"
)

// Order statuses [OA26 OrderApi.Status].
const (
	statusDraft    = 1
	statusOngoing  = 2
	statusShipped  = 3
	statusInvoiced = 4
)

func (c *company) createOrder(k *call) error {
	r, err := c.read(k, schemas["OrderApi"])
	if err != nil {
		return err
	}
	if r.integer("Status") == statusInvoiced {
		return cannotChange("An order becomes invoiced by converting it.")
	}
	if err := c.prepareOrder(r, nil); err != nil {
		return err
	}
	r.set("Id", c.newID())
	c.enterOrder(r)
	c.table("orders").add(r)
	c.created(k, r)
	return nil
}

// enterOrder gives a new order its stamps and, when it is no draft, its number.
func (c *company) enterOrder(r *record) {
	now := c.stamp()
	r.with("CreatedUtc", now, "ModifiedUtc", now)
	if r.integer("Status") != statusDraft || c.dialect.draftsNumbered {
		r.set("Number", c.number("order"))
	}
	if r.integer("Status") != statusDraft {
		c.reserve(r, 1)
	}
	if r.integer("Status") == statusShipped {
		c.ship(r)
	}
}

// updateOrder replaces an order that is not invoiced. Its status may stay or go one step forward.
func (c *company) updateOrder(k *call) error {
	old, err := c.byPath(k, "orders", "Order")
	if err != nil {
		return err
	}
	r, err := c.read(k, old.schema)
	if err != nil {
		return err
	}
	from, to := old.integer("Status"), r.integer("Status")
	switch {
	case from == statusInvoiced:
		return cannotChange("The order is invoiced and cannot be changed.")
	case to == statusInvoiced:
		return cannotChange("An order becomes invoiced by converting it.")
	case to != from && to != from+1:
		return cannotChange("An order of status %d cannot get status %d.", from, to)
	}
	if c.form.old {
		r.keepNew(old)
	}
	if err := c.prepareOrder(r, old); err != nil {
		return err
	}
	r.copyFields(old, "Id", "CreatedUtc", "Number")
	r.extra = old.extra
	r.set("ModifiedUtc", c.stamp())
	if from == statusOngoing {
		c.reserve(old, -1)
	}
	if from == statusDraft && to == statusOngoing && !c.dialect.draftsNumbered {
		r.set("Number", c.number("order"))
	}
	if to == statusOngoing || (from == statusOngoing && to == statusShipped) {
		c.reserve(r, 1)
	}
	if from == statusOngoing && to == statusShipped {
		c.ship(r)
	}
	c.table("orders").put(old, r)
	c.updated(k, r)
	return nil
}

func (c *company) deleteOrder(k *call) error {
	r, err := c.byPath(k, "orders", "Order")
	if err != nil {
		return err
	}
	switch r.integer("Status") {
	case statusShipped, statusInvoiced:
		return fail(http.StatusBadRequest, codeCannotDelete, "CanNotBeDeletedException - A shipped or invoiced order cannot be deleted.")
	case statusOngoing:
		c.reserve(r, -1)
	}
	c.table("orders").remove(r)
	k.w.WriteHeader(http.StatusOK)
	return nil
}

// customerDefaults are the fields of a document that come from the customer where it gives none: document field,
// customer field.
var customerDefaults = [][2]string{
	{"DeliveryCustomerName", "DeliveryCustomerName"}, {"DeliveryAddress1", "DeliveryAddress1"}, {"DeliveryAddress2", "DeliveryAddress2"},
	{"DeliveryPostalCode", "DeliveryPostalCode"}, {"DeliveryCity", "DeliveryCity"}, {"DeliveryCountryCode", "DeliveryCountryCode"},
	{"InvoiceAddress1", "InvoiceAddress1"}, {"InvoiceAddress2", "InvoiceAddress2"}, {"InvoiceCity", "InvoiceCity"},
	{"InvoiceCountryCode", "InvoiceCountryCode"}, {"InvoicePostalCode", "InvoicePostalCode"}, {"InvoiceCustomerName", "Name"},
	{"TermsOfPaymentId", "TermsOfPaymentId"},
}

func fillFromCustomer(doc, customer *record) {
	for _, d := range customerDefaults {
		if doc.str(d[0]) == "" {
			doc.set(d[0], customer.get(d[1]))
		}
	}
	doc.copyFields(customer, "CustomerNumber")
	doc.with("CustomerName", customer.get("Name"), "CustomerIsPrivatePerson", customer.boolean("IsPrivatePerson"))
}

// prepareOrder checks an order as it was read and computes what the server knows. Whether the server keeps the amounts
// that a caller sends is unknown [?]; here it always computes them.
func (c *company) prepareOrder(r, old *record) error {
	customer := c.table("customers").byID[r.str("CustomerId")]
	if customer == nil {
		return unknownReference("Customer", r.str("CustomerId"))
	}
	if !knownCurrency(r.str("CurrencyCode")) {
		return invalid("CurrencyCode", "Invalid", "CurrencyCode %s is not a valid currency.", r.str("CurrencyCode"))
	}
	fillFromCustomer(r, customer)
	if err := c.checkDocument(r); err != nil {
		return err
	}
	if err := checkDeduction(r); err != nil {
		return err
	}
	c.fillDelivery(r, customer, "deliverymethods", "DeliveryMethod")
	c.fillDelivery(r, customer, "deliveryterms", "DeliveryTerm")
	r.set("IncludesVat", c.includesVat(customer))
	if old != nil && old.str("CustomerId") == r.str("CustomerId") {
		r.copyFields(old, "IncludesVat") // a document keeps the basis of its prices
	}
	rows := r.list("Rows")
	kept := map[string]bool{}
	if old != nil {
		for _, o := range old.list("Rows") {
			kept[o.str("Id")] = true
		}
	}
	for i, row := range rows {
		if err := c.prepareOrderRow(r, customer, row, i); err != nil {
			return err
		}
		if !kept[row.str("Id")] {
			row.set("Id", c.newID())
		}
		kept[row.str("Id")] = false
		row.given = nil
	}
	if rows == nil {
		r.set("Rows", []*record{})
	}
	stated := newRecord(r.schema)
	copy(stated.vals, r.vals)
	c.sumOrder(r)
	for _, name := range []string{"Amount", "VatAmount", "RoundingsAmount"} {
		if c.dialect.amountsKept && r.wasGiven(name) {
			r.copyFields(stated, name)
		}
	}
	r.given = nil
	return nil
}

func (c *company) checkDocument(r *record) error {
	for _, name := range []string{"InvoiceCountryCode", "DeliveryCountryCode"} {
		if v := r.str(name); v != "" && !c.knownCountry(v) {
			return invalid(name, "Invalid", "%s %s is not a valid country code.", name, v)
		}
	}
	if id := r.str("TermsOfPaymentId"); c.table("termsofpayments").byID[id] == nil {
		return unknownReference("TermsOfPayment", id)
	}
	return nil
}

// fillDelivery sets the customer's delivery method or term where the order names none, and the Id of the one it names.
func (c *company) fillDelivery(r, customer *record, tableName, field string) {
	t := c.table(tableName)
	if r.str(field+"Name") == "" && r.str(field+"Code") == "" {
		if m := t.byID[customer.str(field+"Id")]; m != nil {
			r.with(field+"Name", m.get("Name"), field+"Code", m.get("Code"))
		}
	}
	m := t.find(func(m *record) bool {
		return m.str("Code") == r.str(field+"Code") && (r.str(field+"Name") == "" || m.str("Name") == r.str(field+"Name"))
	})
	if m != nil && r.str(field+"Code") != "" {
		r.set(field+"Id", m.str("Id"))
	}
}

func (c *company) prepareOrderRow(r, customer, row *record, i int) error {
	at := fmt.Sprintf("Rows[%d].", i)
	if !row.wasGiven("LineNumber") {
		row.set("LineNumber", int64(i))
	}
	if row.boolean("IsTextRow") {
		if row.str("Text") == "" {
			return invalid(at+"Text", "Required", "A text row needs a text of at least one character.")
		}
		row.with("ArticleId", nil, "ArticleNumber", nil, "UnitId", nil, "VatRate", nil, "UnitPrice", zero, "Quantity", zero,
			"DiscountPercentage", zero, "Amount", zero, "IsDiscountInFixedAmount", false, "DiscountFixedAmount", nil)
		return nil
	}
	if row.str("ArticleId") == "" {
		return invalid(at+"ArticleId", "Required", "The ArticleId field is required when IsTextRow is false.")
	}
	article := c.table("articles").byID[row.str("ArticleId")]
	if article == nil {
		return unknownReference("Article", row.str("ArticleId"))
	}
	if err := c.checkDimensions(row); err != nil {
		return err
	}
	coding := c.table("articleaccountcodings").byID[article.str("CodingId")]
	if row.str("Text") == "" {
		row.set("Text", article.get("Name"))
	}
	price := row.number("UnitPrice")
	if !row.wasGiven("UnitPrice") {
		price = article.number(map[bool]string{true: "GrossPrice", false: "NetPrice"}[r.boolean("IncludesVat")])
	}
	row.with("ArticleNumber", article.get("Number"), "UnitId", article.get("UnitId"), "IsServiceArticle", article.boolean("IsServiceArticle"),
		"UnitPrice", numOf(price, c.pricePlaces(customer, r.str("CurrencyCode"))), "PurchasePrice", article.get("PurchasePrice"),
		"FreightCosts", article.get("FreightCosts"))
	// The row shows the rate of the article's coding, whatever this sale carries (DOMAIN C9: unknown).
	row.set("VatRate", coding.get("VatRatePercent"))
	row.set("Amount", newNum(rowAmount(row.number("UnitPrice"), row.number("Quantity"), row.number("DiscountPercentage"), fixedDiscount(row))))
	return nil
}

// fixedDiscount is the row's discount in money, nil where it has none of that kind.
func fixedDiscount(row *record) *big.Rat {
	if !row.boolean("IsDiscountInFixedAmount") {
		return nil
	}
	return row.number("DiscountFixedAmount")
}

// sumOrder computes the order's amounts: by default Amount is what the buyer pays, VAT and roundings included; one
// dialect makes it the sum of the rows (the specification does not say).
func (c *company) sumOrder(r *record) {
	ordered := c.orderTotals(r, "Quantity")
	r.with("Amount", newNum(ordered.total), "VatAmount", newNum(ordered.vat), "RoundingsAmount", newNum(ordered.roundings))
	delivered := c.orderTotals(r, "DeliveredQuantity")
	r.with("DeliveredAmount", newNum(delivered.total), "DeliveredVatAmount", newNum(delivered.vat), "DeliveredRoundingsAmount", newNum(delivered.roundings))
	if c.dialect.amountExclVat {
		r.set("Amount", newNum(sumLines(c.orderLines(r, "Quantity"))))
		r.set("DeliveredAmount", newNum(sumLines(c.orderLines(r, "DeliveredQuantity"))))
	}
}

func sumLines(lines []line) *big.Rat {
	sum := new(big.Rat)
	for _, l := range lines {
		sum = add(sum, l.amount)
	}
	return sum
}

// orderLines are the rows with the given quantity. A fixed discount counts in full as soon as anything is taken.
func (c *company) orderLines(r *record, quantity string) []line {
	customer := c.table("customers").byID[r.str("CustomerId")]
	b := buyerOf(customer, r)
	var out []line
	for _, row := range r.list("Rows") {
		article := c.table("articles").byID[row.str("ArticleId")]
		if article == nil || row.number(quantity).Sign() == 0 {
			continue
		}
		coding := c.table("articleaccountcodings").byID[article.str("CodingId")]
		out = append(out, line{
			amount: rowAmount(row.number("UnitPrice"), row.number(quantity), row.number("DiscountPercentage"), fixedDiscount(row)),
			rate:   c.chargedRate(b, article, coding),
		})
	}
	return out
}

func (c *company) orderTotals(r *record, quantity string) totals {
	return computeTotals(c.orderLines(r, quantity), r.boolean("IncludesVat"), c.dialect.vatPerLine, c.roundsTotal(r.str("CurrencyCode")))
}

// reserve adds (sign 1) or takes back (−1) the reservation of an ongoing order.
func (c *company) reserve(r *record, sign int64) {
	for _, row := range r.list("Rows") {
		open := sub(row.number("Quantity"), row.number("DeliveredQuantity"))
		c.moveStock(row.str("ArticleId"), zero.r, mul(open, big.NewRat(sign, 1)))
	}
}
