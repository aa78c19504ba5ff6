package sandbox

import "net/http"

// invoiceOf makes the invoice that a draft or a quote would become, with its rows as they stand there; nothing is booked.
func (c *company) invoiceOf(doc *record, rowFields ...string) *record {
	inv := newRecord(schemas["CustomerInvoiceApi"])
	inv.given = make([]bool, len(inv.vals))
	for i, f := range inv.schema.fields {
		j, ok := doc.schema.index[f.name]
		if ok && f.name != "Id" && doc.schema.fields[j].kind == f.kind && f.kind != kindObjects && f.kind != kindObject {
			inv.vals[i] = doc.vals[j]
		}
	}
	var rows []*record
	for _, from := range doc.list("Rows") {
		row := newRecord(schemas["CustomerInvoiceRowApi"])
		row.given = make([]bool, len(row.vals))
		row.given[row.schema.at("UnitPrice")] = from.get("UnitPrice") != nil
		row.copyFields(from, rowFields...)
		rows = append(rows, row)
	}
	inv.set("Rows", rows)
	inv.set("Persons", doc.get("Persons"))
	return inv
}

// composeInvoice computes an invoice: what it takes from the customer, its rows and its sums.
func (c *company) composeInvoice(r, customer *record) error {
	fillFromCustomer(r, customer)
	if err := c.checkDocument(r); err != nil {
		return err
	}
	if err := checkDeduction(r); err != nil {
		return err
	}
	if !r.wasGiven("CurrencyRate") || r.number("CurrencyRate").Sign() <= 0 {
		r.set("CurrencyRate", newNum(c.exchangeRate(r.str("CurrencyCode"))))
	}
	var lines []line
	b := buyerOf(customer, r)
	for i, row := range r.list("Rows") {
		l, err := c.prepareInvoiceRow(r, customer, row, b, i)
		if err != nil {
			return err
		}
		if l != nil {
			lines = append(lines, *l)
		}
	}
	c.sumInvoice(r, computeTotals(lines, r.boolean("IncludesVat"), c.dialect.vatPerLine, c.roundsTotal(r.str("CurrencyCode"))))
	return nil
}

// checkDimensions refuses a row for a project or a cost centre that is not there, has ended (5005) or is not active (5006).
func (c *company) checkDimensions(row *record) error {
	if id := row.str("ProjectId"); id != "" {
		p := c.table("projects").byID[id]
		if p == nil {
			return unknownReference("Project", id)
		}
		if p.integer("Status") == projectFinished {
			return fail(http.StatusBadRequest, codeProjectEnded, "ProjectEndedException - The project %s has ended.", p.str("Number"))
		}
	}
	for _, name := range []string{"CostCenterItemId1", "CostCenterItemId2", "CostCenterItemId3"} {
		id := row.str(name)
		if id == "" {
			continue
		}
		_, item := c.costCenterItem(id)
		if item == nil {
			return unknownReference("CostCenterItem", id)
		}
		if !item.boolean("IsActive") {
			return fail(http.StatusBadRequest, codeInactiveCenter, "InactiveCostCenterException - The cost center item %s is inactive.", item.str("ShortName"))
		}
	}
	return nil
}
