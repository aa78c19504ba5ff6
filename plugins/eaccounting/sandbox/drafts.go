package sandbox

import (
	"bytes"
	"math/big"
	"net/http"
	"strconv"
)

// draftRowFields are what a draft's row hands to the invoice's.
var draftRowFields = []string{"ArticleId", "Text", "UnitPrice", "DiscountPercentage", "IsDiscountInFixedAmount", "DiscountFixedAmount", "Quantity", "IsWorkCost",
	"CostCenterItemId1", "CostCenterItemId2", "CostCenterItemId3", "ProjectId"}

func (c *company) createDraft(k *call) error {
	r, err := c.read(k, schemas["CustomerInvoiceDraftApi"])
	if err != nil {
		return err
	}
	if err := c.prepareDraft(r, nil); err != nil {
		return err
	}
	c.table("customerinvoicedrafts").add(r.with("Id", c.newID(), "CreatedUtc", c.stamp()))
	c.created(k, r)
	return nil
}

// updateDraft replaces a draft. It shows no change stamp: nothing but its content tells that it changed.
func (c *company) updateDraft(k *call) error {
	old, err := c.byPath(k, "customerinvoicedrafts", "CustomerInvoiceDraft")
	if err != nil {
		return err
	}
	r, err := c.read(k, old.schema)
	if err != nil {
		return err
	}
	if c.form.old {
		r.keepNew(old)
	}
	if err := c.prepareDraft(r, old); err != nil {
		return err
	}
	r.copyFields(old, "Id", "CreatedUtc")
	c.table("customerinvoicedrafts").put(old, r)
	c.updated(k, r)
	return nil
}

func (c *company) deleteDraft(k *call) error {
	r, err := c.byPath(k, "customerinvoicedrafts", "CustomerInvoiceDraft")
	if err != nil {
		return err
	}
	c.table("customerinvoicedrafts").remove(r)
	k.w.WriteHeader(http.StatusOK)
	return nil
}

// prepareDraft computes a draft as the invoice that it would become. It has no number: that comes with the booking.
func (c *company) prepareDraft(r, old *record) error {
	customer := c.table("customers").byID[r.str("CustomerId")]
	if customer == nil {
		return unknownReference("Customer", r.str("CustomerId"))
	}
	r.set("IncludesVat", c.includesVat(customer))
	if old != nil && old.str("CustomerId") == r.str("CustomerId") {
		r.copyFields(old, "IncludesVat")
	}
	for i, row := range r.list("Rows") {
		if err := checkConstruction(customer, row, "Rows["+strconv.Itoa(i)+"]."); err != nil {
			return err
		}
	}
	inv := c.draftInvoice(r, customer)
	if err := c.composeInvoice(inv, customer); err != nil {
		return err
	}
	r.with("InvoiceCurrencyCode", inv.get("CurrencyCode"), "TotalAmount", inv.get("TotalAmountInvoiceCurrency"),
		"TotalVatAmount", inv.get("TotalVatAmountInvoiceCurrency"), "TotalRoundings", inv.get("TotalRoundings"), "TotalAmountBaseCurrency", inv.get("TotalAmount"),
		"TotalVatAmountBaseCurrency", inv.get("TotalVatAmount"))
	r.set("ReverseChargeOnConstructionServices", customer.get("ReverseChargeOnConstructionServices"))
	r.copyFields(inv, "InvoiceAddress1", "InvoiceAddress2", "InvoicePostalCode", "InvoiceCity", "InvoiceCountryCode", "DeliveryCustomerName", "DeliveryAddress1",
		"DeliveryAddress2", "DeliveryPostalCode", "DeliveryCity", "DeliveryCountryCode", "TermsOfPaymentId", "CustomerNumber", "CustomerName", "CustomerIsPrivatePerson")
	if v := r.str("DeliveryCustomerName"); v != "" {
		r.set("DeliveryCustomerName", cut(v, 50)) // a draft's is shorter than the customer's
	}
	r.set("InvoiceCustomerName", customer.get("Name"))
	if r.list("Rows") == nil {
		r.set("Rows", []*record{})
	}
	computed := inv.list("Rows")
	for i, row := range r.list("Rows") {
		given := row.wasGiven("LineNumber")
		row.set("Id", c.newID())
		if !given || row.get("LineNumber") == nil {
			row.set("LineNumber", int64(i))
		}
		row.copyFields(computed[i], "IsServiceArticle", "UnitId", "ArticleNumber", "IsTextRow", "Text", "UnitPrice", "VatRate", "PurchasePrice", "FreightCosts", "Amount",
			"UnitAbbreviation", "UnitAbbreviationEnglish")
		row.given = nil
	}
	r.given = nil
	return nil
}

func (c *company) draftInvoice(r, customer *record) *record {
	inv := c.invoiceOf(r, draftRowFields...)
	inv.with("CurrencyCode", customer.get("CurrencyCode"), "IncludesVat", r.get("IncludesVat"), "CreatedFromDraftId", nil, "CurrencyRate", nil)
	return inv
}

// convertDraft books a draft. The totals that the caller expects, where it gives any, must be those of the draft; what the system says
// otherwise is not documented [?].
func (c *company) convertDraft(k *call) error {
	r, err := c.byPath(k, "customerinvoicedrafts", "CustomerInvoiceDraft")
	if err != nil {
		return err
	}
	if len(bytes.TrimSpace(k.body)) > 0 {
		expected, err := c.read(k, schemas["CustomerInvoiceDraftValidationApi"])
		if err != nil {
			return err
		}
		if err := checkExpected(r, expected); err != nil {
			return err
		}
	}
	inv, err := c.bookDraft(r)
	if err != nil {
		return err
	}
	c.created(k, inv)
	return nil
}

func checkExpected(r, expected *record) error {
	for want, have := range map[string]string{"TotalAmountInvoiceCurrency": "TotalAmount", "TotalVatAmountInvoiceCurrency": "TotalVatAmount", "TotalRoundingsInvoiceCurrency": "TotalRoundings"} {
		if expected.get(want) != nil && expected.number(want).Cmp(r.number(have)) != 0 {
			return invalid(want, "Invalid", "%s is expected to be %s and is %s.", want, newNum(expected.number(want)).text, newNum(r.number(have)).text)
		}
	}
	for i, row := range expected.list("Rows") {
		at := "Rows[" + strconv.Itoa(i) + "]."
		var mine *record
		for _, m := range r.list("Rows") {
			if m.integer("LineNumber") == row.integer("LineNumber") {
				mine = m
			}
		}
		if mine == nil {
			return invalid(at+"LineNumber", "Invalid", "There is no row with LineNumber %d.", row.integer("LineNumber"))
		}
		name := map[bool]string{true: "TotalAmountIncVatInvoiceCurrency", false: "TotalAmountNoVatInvoiceCurrency"}[r.boolean("IncludesVat")]
		amount := rowAmount(mine.number("UnitPrice"), mine.number("Quantity"), mine.number("DiscountPercentage"), fixedDiscount(mine))
		if row.get(name) != nil && row.number(name).Cmp(amount) != 0 {
			return invalid(at+name, "Invalid", "%s is expected to be %s and is %s.", name, newNum(row.number(name)).text, newNum(amount).text)
		}
	}
	return nil
}

// bookDraft makes the invoice of a draft, which is gone then.
func (c *company) bookDraft(r *record) (*record, error) {
	customer := c.table("customers").byID[r.str("CustomerId")]
	inv := c.draftInvoice(r, customer)
	inv.set("CreatedFromDraftId", r.get("Id"))
	if err := c.bookInvoice(inv, customer); err != nil {
		return nil, err
	}
	c.table("customerinvoicedrafts").remove(r)
	c.takeFromStock(inv)
	return inv, nil
}

// takeFromStock takes what an invoice without an order sells.
func (c *company) takeFromStock(inv *record) {
	for _, row := range inv.list("Rows") {
		c.moveStock(row.str("ArticleId"), neg(row.number("Quantity")), new(big.Rat))
	}
}
