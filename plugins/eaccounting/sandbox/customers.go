package sandbox

import (
	"fmt"
	"net/http"
	"strings"
)

func (c *company) createCustomer(k *call) error {
	r, err := c.read(k, schemas["CustomerApi"])
	if err != nil {
		return err
	}
	if err := c.prepareCustomer(r, nil); err != nil {
		return err
	}
	r.set("Id", c.newID())
	c.table("customers").add(r)
	c.created(k, r)
	return nil
}

// updateCustomer replaces the customer: what the body leaves out becomes null or the default [SBX].
func (c *company) updateCustomer(k *call) error {
	old, err := c.byPath(k, "customers", "Customer")
	if err != nil {
		return err
	}
	r, err := c.read(k, old.schema)
	if err != nil {
		return err
	}
	if err := c.prepareCustomer(r, old); err != nil {
		return err
	}
	r.copyFields(old, "Id", "LastInvoiceDate", "UnpaidInvoicesAmount")
	if c.form.old {
		r.keepNew(old)
	}
	c.table("customers").put(old, r)
	c.updated(k, r)
	return nil
}

// keepNew keeps the fields that a caller of the 2020 API cannot know.
func (r *record) keepNew(old *record) {
	for i, f := range r.schema.fields {
		if f.new {
			r.vals[i] = old.vals[i]
		}
	}
}

// prepareCustomer checks a customer as it was read and fills in what the server knows. old is nil for a new one.
func (c *company) prepareCustomer(r, old *record) error {
	r.given = nil
	if err := c.checkCustomer(r, old); err != nil {
		return err
	}
	terms := c.table("termsofpayments").byID[r.str("TermsOfPaymentId")]
	if terms == nil {
		return unknownReference("TermsOfPayment", r.str("TermsOfPaymentId"))
	}
	r.set("TermsOfPayment", terms.clone())
	labels, err := c.embed("customerlabels", "CustomerLabel", r.list("CustomerLabels"))
	if err != nil {
		return err
	}
	r.set("CustomerLabels", labels)
	if r.str("CurrencyCode") == "" {
		r.set("CurrencyCode", c.env.Set["currency"])
	}
	if r.str("InvoiceCountryCode") == "" {
		r.set("InvoiceCountryCode", c.settings.str("CountryCode"))
	}
	number, err := c.customerNumber(r.str("CustomerNumber"), old)
	if err != nil {
		return err
	}
	r.set("CustomerNumber", number)
	if c.dialect.customersTidied {
		tidyCustomer(r)
	}
	r.set("ChangedUtc", c.stamp())
	return nil
}

// tidyCustomer is what the dialect customers_tidied makes of a customer.
func tidyCustomer(r *record) {
	if name := []rune(r.str("Name")); len(name) > 30 {
		r.set("Name", strings.TrimSpace(string(name[:30])))
	}
	r.set("InvoiceCity", strings.ToUpper(r.str("InvoiceCity")))
	for _, f := range []string{"InvoicePostalCode", "Telephone", "MobilePhone"} {
		if v := r.str(f); v != "" {
			r.set(f, strings.ReplaceAll(v, " ", ""))
		}
	}
}

func (c *company) checkCustomer(r, old *record) error {
	if strings.TrimSpace(r.str("Name")) == "" {
		return invalid("Name", "Required", "The Name field is required.")
	}
	if v := r.str("CurrencyCode"); v != "" && !knownCurrency(v) {
		return invalid("CurrencyCode", "Invalid", "CurrencyCode %s is not a valid currency.", v)
	}
	for _, name := range []string{"InvoiceCountryCode", "DeliveryCountryCode"} {
		if v := r.str(name); v != "" && !c.knownCountry(v) {
			return invalid(name, "Invalid", "%s %s is not a valid country code.", name, v)
		}
	}
	if v := r.str("VatNumber"); v != "" && !validVATNumber(v) {
		return fail(http.StatusBadRequest, codeVatNumber, "InvalidVatNumberException - VatNumber %s is not valid.", v)
	}
	if r.boolean("ReverseChargeOnConstructionServices") && r.str("VatNumber") == "" {
		return invalid("VatNumber", "Required", "VatNumber can not be null or empty when using ReverseChargeOnConstructionServices") // text [SBX]
	}
	if country := r.str("InvoiceCountryCode"); r.boolean("ForceBookkeepVat") && country != c.country.code && inUnion(country) {
		return fail(http.StatusBadRequest, codeForceVatEU, "InvalidForceBookkeepVatException - ForceBookkeepVat cannot be used for EU customers.")
	}
	if cc, _ := r.get("EmailAddresses").([]string); len(cc) > 0 && (len(cc) > 5 || r.str("EmailAddress") == "") {
		return invalid("EmailAddresses", "Invalid", "EmailAddresses takes at most 5 addresses and needs EmailAddress.")
	}
	if r.boolean("DeliveryBasedVat") && (r.str("DeliveryCity") == "" || r.str("DeliveryCountryCode") == "" || r.str("DeliveryPostalCode") == "") {
		return invalid("DeliveryBasedVat", "Invalid", "DeliveryBasedVat needs DeliveryCity, DeliveryCountryCode and DeliveryPostalCode.")
	}
	for _, name := range []string{"DeliveryMethodId", "DeliveryTermId", "SalesPriceListId", "DiscountAgreementId"} {
		tableName := map[string]string{"DeliveryMethodId": "deliverymethods", "DeliveryTermId": "deliveryterms", "SalesPriceListId": "salespricelists",
			"DiscountAgreementId": "discountagreements"}[name]
		if id := r.str(name); id != "" && c.table(tableName).byID[id] == nil {
			return unknownReference(strings.TrimSuffix(name, "Id"), id)
		}
	}
	return nil
}

// validVATNumber is "2-char country + 8-12 alnum" (fields.md); control digits are not looked at.
func validVATNumber(s string) bool {
	if len(s) < 10 || len(s) > 14 {
		return false
	}
	for i, r := range s {
		letter, digit := r >= 'A' && r <= 'Z', r >= '0' && r <= '9'
		if !letter && (i < 2 || !digit) {
			return false
		}
	}
	return true
}

// customerNumber keeps the given number if it is free, or the old one, or takes the next.
func (c *company) customerNumber(given string, old *record) (string, error) {
	t := c.table("customers")
	taken := func(n string) bool {
		r := t.numbered(n)
		return r != nil && r != old
	}
	switch {
	case given != "":
		if taken(given) {
			return "", fail(http.StatusBadRequest, codeConflict, "ConflictException - A customer with CustomerNumber %s already exists.", given)
		}
		return given, nil
	case old != nil:
		return old.str("CustomerNumber"), nil
	}
	for {
		if n := fmt.Sprint(c.number("customer")); !taken(n) {
			return n, nil
		}
	}
}

// embed replaces labels that a body names by their Id with the labels as they are.
func (c *company) embed(tableName, what string, given []*record) ([]*record, error) {
	out := []*record{}
	for _, g := range given {
		id, _ := g.get("Id").(string)
		label := c.table(tableName).byID[id]
		if label == nil {
			label = c.table(tableName).find(func(r *record) bool { return g.str("Name") != "" && r.str("Name") == g.str("Name") })
		}
		if label == nil {
			return nil, unknownReference(what, id)
		}
		out = append(out, label.clone())
	}
	return out, nil
}

func (c *company) deleteCustomer(k *call) error {
	r, err := c.byPath(k, "customers", "Customer")
	if err != nil {
		return err
	}
	for _, name := range []string{"orders", "customerinvoices"} {
		if c.table(name).find(func(d *record) bool { return d.str("CustomerId") == k.id }) != nil {
			return fail(http.StatusBadRequest, codeCannotDelete, "CanNotBeDeletedException - The customer has %s and cannot be deleted.", name)
		}
	}
	c.table("customers").remove(r)
	k.w.WriteHeader(http.StatusOK)
	return nil
}
