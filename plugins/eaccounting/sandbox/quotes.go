package sandbox

import "net/http"

// Quote statuses [SW20 QuoteApi.Status].
const (
	quoteDraft    = 0
	quoteOngoing  = 1
	quoteApproved = 2
	quoteInvoiced = 3
)

var quoteRowFields = []string{"ArticleId", "Text", "UnitPrice", "DiscountPercentage", "Quantity", "CostCenterItemId1", "CostCenterItemId2", "CostCenterItemId3", "ProjectId"}

// quotesIn are the quotes of the one list or of the other: /quotes has those that were sent or converted, /quotedrafts the drafts.
func (c *company) quotesIn(drafts bool) []*record {
	var out []*record
	for _, r := range c.table("quotes").order {
		if (r.integer("Status") == quoteDraft) == drafts {
			out = append(out, r)
		}
	}
	return out
}

func (c *company) listQuotes(drafts bool) func(*call) error {
	return func(k *call) error { return c.list(k, schemas["QuoteApi"], c.quotesIn(drafts)) }
}

func (c *company) quoteIn(k *call, drafts bool) (*record, error) {
	r, err := c.byPath(k, "quotes", "Quote")
	if err == nil && (r.integer("Status") == quoteDraft) != drafts {
		return nil, unknownPath("Quote", k.id)
	}
	return r, err
}

func (c *company) oneQuote(drafts bool) func(*call) error {
	return func(k *call) error {
		r, err := c.quoteIn(k, drafts)
		if err != nil {
			return err
		}
		c.reply(k, http.StatusOK, r)
		return nil
	}
}

func (c *company) createQuote(status int64) func(*call) error {
	return func(k *call) error {
		r, err := c.read(k, schemas["QuoteApi"])
		if err != nil {
			return err
		}
		if err := c.prepareQuote(r); err != nil {
			return err
		}
		r.with("Id", c.newID(), "Status", status, "CreatedUtc", c.stamp())
		if status != quoteDraft {
			r.set("Number", c.number("quote"))
		}
		c.table("quotes").add(r)
		c.created(k, r)
		return nil
	}
}

func (c *company) updateQuote(drafts bool) func(*call) error {
	return func(k *call) error {
		old, err := c.quoteIn(k, drafts)
		if err != nil {
			return err
		}
		if old.integer("Status") > quoteOngoing {
			return cannotChange("A quote of status %d cannot be changed.", old.integer("Status"))
		}
		r, err := c.read(k, old.schema)
		if err != nil {
			return err
		}
		if err := c.prepareQuote(r); err != nil {
			return err
		}
		r.copyFields(old, "Id", "Status", "Number", "CreatedUtc", "ApprovedDate")
		c.table("quotes").put(old, r)
		c.updated(k, r)
		return nil
	}
}

func (c *company) deleteQuote(drafts bool) func(*call) error {
	return func(k *call) error {
		r, err := c.quoteIn(k, drafts)
		if err != nil {
			return err
		}
		if r.integer("Status") == quoteInvoiced {
			return fail(http.StatusBadRequest, codeCannotDelete, "CanNotBeDeletedException - An invoiced quote cannot be deleted.")
		}
		c.table("quotes").remove(r)
		k.w.WriteHeader(http.StatusOK)
		return nil
	}
}

// prepareQuote computes a quote; addresses and terms are the customer's own, which the specification lets nobody write.
func (c *company) prepareQuote(r *record) error {
	customer := c.table("customers").byID[r.str("CustomerId")]
	if customer == nil {
		return unknownReference("Customer", r.str("CustomerId"))
	}
	if r.get("QuoteDate") == nil {
		r.set("QuoteDate", c.today())
	}
	r.set("IncludesVat", c.includesVat(customer))
	inv := c.quoteInvoice(r, customer)
	if err := c.composeInvoice(inv, customer); err != nil {
		return err
	}
	terms := c.table("termsofpayments").byID[inv.str("TermsOfPaymentId")]
	r.with("CurrencyCode", inv.get("CurrencyCode"), "CurrencyRate", inv.get("CurrencyRate"), "TotalAmount", inv.get("TotalAmountInvoiceCurrency"),
		"VatAmount", inv.get("TotalVatAmountInvoiceCurrency"), "RoundingsAmount", inv.get("TotalRoundings"), "CustomerIsPrivatePerson", customer.get("IsPrivatePerson"),
		"IsDomestic", customer.str("InvoiceCountryCode") == c.country.code, "TermsOfPayment", terms.clone(), "InvoiceCustomerName", customer.get("Name"))
	r.copyFields(inv, "InvoiceAddress1", "InvoiceAddress2", "InvoicePostalCode", "InvoiceCity", "InvoiceCountryCode", "DeliveryCustomerName", "DeliveryAddress1",
		"DeliveryAddress2", "DeliveryPostalCode", "DeliveryCity", "DeliveryCountryCode")
	if r.list("Rows") == nil {
		r.set("Rows", []*record{})
	}
	computed := inv.list("Rows")
	for i, row := range r.list("Rows") {
		row.copyFields(computed[i], "LineNumber", "IsTextRow", "Text", "UnitPrice")
		row.given = nil
	}
	r.given = nil
	return nil
}

func (c *company) quoteInvoice(r, customer *record) *record {
	inv := c.invoiceOf(r, quoteRowFields...)
	inv.with("CurrencyCode", customer.get("CurrencyCode"), "IncludesVat", r.get("IncludesVat"), "InvoiceDate", nil, "DueDate", nil, "CurrencyRate", nil)
	return inv
}

// sendDraft makes a quote of a quote draft.
func (c *company) sendDraft(k *call) error {
	r, err := c.quoteIn(k, true)
	if err != nil {
		return err
	}
	r.with("Status", int64(quoteOngoing), "Number", c.number("quote"))
	c.updated(k, r)
	return nil
}

func (c *company) acceptQuote(k *call) error {
	r, err := c.quoteIn(k, false)
	if err != nil {
		return err
	}
	if r.integer("Status") != quoteOngoing {
		return cannotChange("A quote of status %d cannot be accepted.", r.integer("Status"))
	}
	r.with("Status", int64(quoteApproved), "ApprovedDate", c.today())
	k.w.WriteHeader(http.StatusOK) // the specification names no answer
	return nil
}

// quoteToOrder makes an order, or with type 0 a draft of one [SW20 QuoteConversionApi]. What becomes of the quote's status is not
// documented [?]: an ongoing one is approved by it.
func (c *company) quoteToOrder(k *call) error {
	r, err := c.quoteIn(k, false)
	if err != nil {
		return err
	}
	if r.integer("Status") == quoteInvoiced {
		return cannotChange("An invoiced quote cannot become an order.")
	}
	conversion, err := c.read(k, schemas["QuoteConversionApi"])
	if err != nil {
		return err
	}
	order := newRecord(schemas["OrderApi"])
	order.copyFields(r, "CustomerId", "CurrencyCode", "EuThirdParty", "RotReducedInvoicingType", "Persons")
	order.with("OrderDate", c.today(), "CreatedFromQuoteId", r.get("Id"), "Status", int64(statusDraft))
	if conversion.integer("Type") == 1 {
		order.set("Status", int64(statusOngoing))
	}
	var rows []*record
	for i, from := range r.list("Rows") {
		row := newRecord(schemas["OrderRowApi"])
		row.given = make([]bool, len(row.vals))
		row.given[row.schema.at("UnitPrice")] = true
		row.copyFields(from, quoteRowFields...)
		row.with("LineNumber", int64(i), "IsTextRow", from.boolean("IsTextRow"))
		rows = append(rows, row)
	}
	order.set("Rows", rows)
	if err := c.prepareOrder(order, nil); err != nil {
		return err
	}
	order.set("Id", c.newID())
	c.enterOrder(order)
	c.table("orders").add(order)
	if r.integer("Status") == quoteOngoing {
		r.with("Status", int64(quoteApproved), "ApprovedDate", c.today())
	}
	c.reply(k, http.StatusOK, order)
	return nil
}

func (c *company) quoteToInvoice(k *call) error {
	r, err := c.quoteIn(k, false)
	if err != nil {
		return err
	}
	if r.integer("Status") == quoteInvoiced {
		return cannotChange("The quote is invoiced already.")
	}
	customer := c.table("customers").byID[r.str("CustomerId")]
	inv := c.quoteInvoice(r, customer)
	inv.set("CreatedFromQuoteId", r.get("Id"))
	if err := c.bookInvoice(inv, customer); err != nil {
		return err
	}
	c.takeFromStock(inv)
	r.set("Status", int64(quoteInvoiced))
	c.reply(k, http.StatusOK, inv)
	return nil
}
