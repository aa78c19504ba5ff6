package sandbox

import (
	"fmt"
	"math/big"
	"net/http"
	"net/url"
	"time"
)

// Payment states of an invoice [OA26 CustomerInvoiceApi.PaymentStatus].
const (
	paymentPaid    = 0
	paymentUnpaid  = 1
	paymentOverdue = 2
)

// listInvoices takes modifiedSinceUtc beside the usual parameters [OA26].
func (c *company) listInvoices(k *call) error {
	all := c.table("customerinvoices").order
	c.refreshOverdue(all)
	q, err := url.ParseQuery(k.r.URL.RawQuery)
	if err != nil {
		return badQuery("the query string cannot be read")
	}
	if text, ok := param(q, "modifiedSinceUtc"); ok {
		since, valid := parseTime(text)
		if !valid {
			return badDate("'%s' is not a valid date", text)
		}
		var kept []*record
		for _, r := range all {
			if t, ok := r.time("ModifiedUtc"); ok && (t.After(since) || t.Equal(since) && !c.dialect.sinceExclusive) {
				kept = append(kept, r)
			}
		}
		all = kept
	}
	return c.list(k, schemas["CustomerInvoiceApi"], all)
}

func (c *company) oneInvoice(k *call) error {
	r, err := c.byPath(k, "customerinvoices", "CustomerInvoice")
	if err != nil {
		return err
	}
	c.refreshOverdue([]*record{r})
	c.reply(k, http.StatusOK, r)
	return nil
}

// refreshOverdue lets the passing of time show: an open invoice past its due date is overdue. That is no change of the
// invoice and does not move ModifiedUtc.
func (c *company) refreshOverdue(list []*record) {
	today := c.today()
	for _, r := range list {
		due, ok := r.time("DueDate")
		status := int64(paymentUnpaid)
		switch {
		case r.number("RemainingAmountInvoiceCurrency").Sign() == 0:
			status = paymentPaid
		case ok && due.Before(today):
			status = paymentOverdue
		}
		r.set("PaymentStatus", status)
	}
}

func (c *company) createInvoice(k *call) error {
	r, err := c.read(k, schemas["CustomerInvoiceApi"])
	if err != nil {
		return err
	}
	customer := c.table("customers").byID[r.str("CustomerId")]
	if customer == nil {
		return unknownReference("Customer", r.str("CustomerId"))
	}
	if id := r.str("CreatedFromDraftId"); id != "" { // the draft is booked as it stands [OA26]
		draft := c.table("customerinvoicedrafts").byID[id]
		if draft == nil {
			return unknownReference("CustomerInvoiceDraft", id)
		}
		if r, err = c.bookDraft(draft); err != nil {
			return err
		}
		c.created(k, r)
		return nil
	}
	if len(r.list("Rows")) == 0 {
		return invalid("Rows", "Required", "The Rows field is required.")
	}
	if err := c.bookInvoice(r, customer); err != nil {
		return err
	}
	c.takeFromStock(r)
	c.created(k, r)
	return nil
}

// invoiceOrder books the invoice of an order: what was delivered, or all of it.
func (c *company) invoiceOrder(order *record) (*record, error) {
	shipped := order.integer("Status") == statusShipped
	deliverAll(order)
	inv := newRecord(schemas["CustomerInvoiceApi"])
	inv.copyFields(order, "CustomerId", "EuThirdParty", "RotReducedInvoicingType", "Persons", "OurReference", "YourReference", "BuyersOrderReference",
		"InvoiceAddress1", "InvoiceAddress2", "InvoicePostalCode", "InvoiceCity", "InvoiceCountryCode", "InvoiceCustomerName",
		"DeliveryCustomerName", "DeliveryAddress1", "DeliveryAddress2", "DeliveryPostalCode", "DeliveryCity", "DeliveryCountryCode",
		"DeliveryMethodName", "DeliveryMethodCode", "DeliveryTermName", "DeliveryTermCode", "DeliveryDate", "TermsOfPaymentId",
		"CurrencyCode", "IncludesVat")
	inv.set("CreatedFromOrderId", order.str("Id"))
	var rows []*record
	for _, from := range order.list("Rows") {
		row := newRecord(schemas["CustomerInvoiceRowApi"])
		row.given = make([]bool, len(row.vals))
		row.given[row.schema.at("UnitPrice")] = true
		row.copyFields(from, "ArticleId", "Text", "UnitPrice", "DiscountPercentage", "IsDiscountInFixedAmount", "DiscountFixedAmount",
			"IsWorkCost", "CostCenterItemId1", "CostCenterItemId2", "CostCenterItemId3", "ProjectId")
		row.set("Quantity", from.get("DeliveredQuantity"))
		rows = append(rows, row)
	}
	inv.set("Rows", rows)
	customer := c.table("customers").byID[order.str("CustomerId")]
	if err := c.bookInvoice(inv, customer); err != nil {
		return nil, err
	}
	if !shipped {
		c.ship(order)
	}
	order.with("Status", int64(statusInvoiced), "ModifiedUtc", c.stamp())
	return inv, nil
}

// bookInvoice checks an invoice, computes it and books it: it gets its number and cannot change any more.
func (c *company) bookInvoice(r, customer *record) error {
	if r.str("CreatedFromOrderId") == "" && r.str("CreatedFromDraftId") == "" && r.str("CreatedFromQuoteId") == "" {
		r.with("CurrencyCode", customer.get("CurrencyCode"), "IncludesVat", c.includesVat(customer))
	}
	if err := c.composeInvoice(r, customer); err != nil {
		return err
	}
	if err := c.fillInvoiceDates(r); err != nil {
		return err
	}
	now := c.stamp()
	number := c.number("invoice")
	r.with("Id", c.newID(), "InvoiceNumber", number, "VoucherNumber", fmt.Sprint("A", number), "VoucherId", c.newID(),
		"CreatedUtc", now, "ModifiedUtc", now, "CustomerEmail", customer.get("EmailAddress"), "SendType", int64(0))
	r.given = nil
	c.refreshOverdue([]*record{r})
	c.table("customerinvoices").add(r)
	customer.set("LastInvoiceDate", r.get("InvoiceDate"))
	customer.set("UnpaidInvoicesAmount", newNum(add(customer.number("UnpaidInvoicesAmount"), r.number("RemainingAmount"))))
	return nil
}

// fillInvoiceDates sets what is missing, and refuses a date in no fiscal year or in a locked period.
func (c *company) fillInvoiceDates(r *record) error {
	date, ok := r.time("InvoiceDate")
	if !ok {
		date = c.today()
		r.set("InvoiceDate", date)
	}
	if _, ok := r.time("DueDate"); !ok {
		r.set("DueDate", dueDate(date, c.table("termsofpayments").byID[r.str("TermsOfPaymentId")]))
	}
	year := c.table("fiscalyears").find(func(y *record) bool {
		from, _ := y.time("StartDate")
		to, _ := y.time("EndDate")
		return !date.Before(from) && !date.After(to)
	})
	if year == nil {
		return fail(http.StatusBadRequest, codeNoFiscalYear, "FiscalYearDoesNotExistException - There is no fiscal year for %s.", date.Format(dateLayout))
	}
	if locked, ok := c.settings.time("AccountingLockedTo"); ok && !date.After(locked) {
		return fail(http.StatusBadRequest, codeLockedPeriod, "CannotBookkeepInvoiceException - The period of %s is locked.", date.Format(dateLayout))
	}
	return nil
}

// dueDate adds the terms to the invoice date; type 1 counts from the end of the month [OA26].
func dueDate(date time.Time, terms *record) time.Time {
	if terms.integer("TermsOfPaymentTypeId") == 1 {
		date = time.Date(date.Year(), date.Month()+1, 0, 0, 0, 0, 0, time.UTC)
	}
	return date.AddDate(0, 0, int(terms.integer("NumberOfDays")))
}

// prepareInvoiceRow fills a row; a text row, which has no article, is no line of the totals.
func (c *company) prepareInvoiceRow(doc, customer, row *record, b buyer, i int) (*line, error) {
	at := fmt.Sprintf("Rows[%d].", i)
	row.with("Id", c.newID(), "LineNumber", int64(i))
	given := row.wasGiven("UnitPrice")
	row.given = nil
	if row.str("ArticleId") == "" {
		if row.str("Text") == "" {
			return nil, invalid(at+"Text", "Required", "A row without an article needs a text.")
		}
		row.with("IsTextRow", true, "UnitPrice", zero, "Quantity", zero, "DiscountPercentage", zero)
		return nil, nil
	}
	article := c.table("articles").byID[row.str("ArticleId")]
	if article == nil {
		return nil, unknownReference("Article", row.str("ArticleId"))
	}
	if err := c.checkDimensions(row); err != nil {
		return nil, err
	}
	coding := c.table("articleaccountcodings").byID[article.str("CodingId")]
	unit := c.table("units").byID[article.str("UnitId")]
	if row.str("Text") == "" {
		row.set("Text", article.get("Name"))
	}
	price := row.number("UnitPrice")
	if !given || (price.Sign() == 0 && doc.boolean("ReplaceUnitPriceWhenZero")) {
		price = article.number(map[bool]string{true: "GrossPrice", false: "NetPrice"}[doc.boolean("IncludesVat")])
	}
	price = round(price, c.pricePlaces(customer, doc.str("CurrencyCode")))
	rate := c.chargedRate(b, article, coding)
	amount := rowAmount(price, row.number("Quantity"), row.number("DiscountPercentage"), fixedDiscount(row))
	net := amount
	if doc.boolean("IncludesVat") {
		net = round(quo(amount, add(one, percent(rate))), 2)
	}
	row.with("ArticleNumber", article.get("Number"), "IsServiceArticle", article.boolean("IsServiceArticle"), "UnitId", article.get("UnitId"),
		"UnitAbbreviation", unit.get("Abbreviation"), "UnitAbbreviationEnglish", unit.get("AbbreviationEnglish"), "UnitPrice", newNum(price),
		"VatRate", coding.get("VatRatePercent"), "PercentVat", coding.get("VatRatePercent"), "Amount", newNum(amount), "AmountNoVat", newNum(net),
		"PurchasePrice", article.get("PurchasePrice"), "FreightCosts", article.get("FreightCosts"))
	return &line{amount: amount, rate: rate}, nil
}

// sumInvoice writes the totals. A credit invoice's are negative, whatever the sign of its rows: only the remaining
// amount's sign was measured [SBX].
func (c *company) sumInvoice(r *record, t totals) {
	if t.total.Sign() < 0 {
		r.set("IsCreditInvoice", true)
	}
	sign := one
	if r.boolean("IsCreditInvoice") && t.total.Sign() > 0 {
		sign = big.NewRat(-1, 1)
	}
	rate := r.number("CurrencyRate")
	home := func(v *big.Rat) *num { return numOf(mul(v, rate), 2) }
	total, vat, roundings := mul(t.total, sign), mul(t.vat, sign), mul(t.roundings, sign)
	r.with("TotalAmountInvoiceCurrency", newNum(total), "TotalVatAmountInvoiceCurrency", newNum(vat), "TotalAmount", home(total),
		"TotalVatAmount", home(vat), "TotalRoundings", home(roundings), "RemainingAmountInvoiceCurrency", newNum(total), "RemainingAmount", home(total))
	spec := []*record{}
	for _, g := range t.groups {
		spec = append(spec, newRecord(schemas["CustomerInvoiceVatApi"]).with("AmountInvoiceCurrency", newNum(mul(g.net, sign)),
			"VatAmountInvoiceCurrency", newNum(mul(g.vat, sign)), "VatPercent", newNum(g.rate)))
	}
	r.set("VatSpecification", spec)
	if c.dialect.creditRows && sign.Sign() < 0 {
		for _, row := range r.list("Rows") {
			for _, name := range []string{"Quantity", "Amount", "AmountNoVat"} {
				row.set(name, newNum(neg(row.number(name))))
			}
		}
	}
}
