package sandbox

import (
	"math/big"
	"net/http"
)

// The payment types that close an invoice [OA26 InvoicePaymentApi.PaymentType]; 1 is a part, 4 a bank charge.
const (
	paymentComplete = 2
	paymentRounding = 3
)

// payInvoice books a payment. It changes the invoice, and not the order that the invoice came from.
func (c *company) payInvoice(k *call) error {
	inv, err := c.byPath(k, "customerinvoices", "CustomerInvoice")
	if err != nil {
		return err
	}
	pay, err := c.read(k, schemas["InvoicePaymentApi"])
	if err != nil {
		return err
	}
	if err := c.checkPayment(inv, pay); err != nil {
		return err
	}
	remaining := sub(inv.number("RemainingAmountInvoiceCurrency"), pay.number("PaymentAmount"))
	switch pay.integer("PaymentType") {
	case paymentComplete, paymentRounding:
		remaining = new(big.Rat) // the difference is booked away
	}
	c.setRemaining(inv, remaining)
	inv.with("PaymentDate", pay.get("PaymentDate"), "ModifiedUtc", c.stamp())
	inv.extra = invoiceExtra{paid: true}
	c.created(k, pay)
	return nil
}

func (c *company) checkPayment(inv, pay *record) error {
	if c.table("bankaccounts").byID[pay.str("CompanyBankAccountId")] == nil {
		return unknownReference("BankAccount", pay.str("CompanyBankAccountId"))
	}
	if date, _ := pay.time("PaymentDate"); date.After(c.today()) {
		return fail(http.StatusBadRequest, codeFutureDate, "FutureDateCannotBeSetException - PaymentDate cannot be in the future.")
	}
	if pay.str("PaymentCurrency") != inv.str("CurrencyCode") {
		return invalid("PaymentCurrency", "Invalid", "PaymentCurrency %s is not the invoice's currency %s.", pay.str("PaymentCurrency"), inv.str("CurrencyCode"))
	}
	if pay.number("DomesticPaymentAmount").Sign() != 0 && inv.str("CurrencyCode") == c.env.Set["currency"] {
		return fail(http.StatusBadRequest, codeDomesticAmount, "NoDomesticAmountAllowedOnDomesticInvoicesException - DomesticPaymentAmount is for invoices in foreign currency.")
	}
	left, amount := inv.number("RemainingAmountInvoiceCurrency"), pay.number("PaymentAmount")
	switch {
	case left.Sign() == 0:
		return cannotChange("The invoice is already paid.")
	case amount.Sign() != left.Sign():
		return invalid("PaymentAmount", "Range", "PaymentAmount must have the sign of the remaining amount %s.", newNum(left).text)
	case pay.integer("PaymentType") != paymentComplete && new(big.Rat).Abs(amount).Cmp(new(big.Rat).Abs(left)) > 0:
		return invalid("PaymentAmount", "Range", "PaymentAmount is more than the remaining amount %s.", newNum(left).text)
	}
	return nil
}

// setRemaining writes what is left to pay, in both currencies, and the customer's sum of it.
func (c *company) setRemaining(inv *record, left *big.Rat) {
	before := inv.number("RemainingAmount")
	inv.set("RemainingAmountInvoiceCurrency", newNum(left))
	inv.set("RemainingAmount", numOf(mul(left, inv.number("CurrencyRate")), 2))
	c.refreshOverdue([]*record{inv})
	if customer := c.table("customers").byID[inv.str("CustomerId")]; customer != nil {
		customer.set("UnpaidInvoicesAmount", newNum(add(customer.number("UnpaidInvoicesAmount"), sub(inv.number("RemainingAmount"), before))))
	}
}

// voidInvoice credits an invoice that has neither payments nor credits: a credit invoice that mirrors it is booked, and
// nothing is left to pay on either. That voiding works by a credit invoice is our reading of CreditedBy [?].
func (c *company) voidInvoice(k *call) error {
	inv, err := c.byPath(k, "customerinvoices", "CustomerInvoice")
	if err != nil {
		return err
	}
	x, _ := inv.extra.(invoiceExtra)
	if x.paid || len(inv.list("CreditedBy")) > 0 || inv.str("ReferringInvoiceId") != "" || inv.boolean("IsCreditInvoice") {
		return cannotChange("An invoice with payments or credits cannot be voided.")
	}
	credit := inv.clone()
	now := c.stamp()
	credit.with("Id", c.newID(), "InvoiceNumber", c.number("invoice"), "VoucherId", c.newID(), "IsCreditInvoice", true,
		"ReferringInvoiceId", inv.str("Id"), "CreatedFromOrderId", nil, "InvoiceDate", c.today(), "DueDate", c.today(), "CreatedUtc", now, "ModifiedUtc", now)
	for _, name := range []string{"TotalAmount", "TotalVatAmount", "TotalRoundings", "TotalAmountInvoiceCurrency", "TotalVatAmountInvoiceCurrency"} {
		credit.set(name, newNum(neg(inv.number(name))))
	}
	for _, v := range credit.list("VatSpecification") {
		v.with("AmountInvoiceCurrency", newNum(neg(v.number("AmountInvoiceCurrency"))), "VatAmountInvoiceCurrency", newNum(neg(v.number("VatAmountInvoiceCurrency"))))
	}
	for _, row := range credit.list("Rows") {
		row.set("Id", c.newID())
	}
	credit.with("RemainingAmount", zero, "RemainingAmountInvoiceCurrency", zero, "PaymentStatus", int64(paymentPaid))
	c.table("customerinvoices").add(credit)
	c.setRemaining(inv, new(big.Rat))
	inv.with("CreditedBy", []*record{newRecord(schemas["CreditedByApi"]).with("CreditInvoiceId", credit.str("Id"))}, "ModifiedUtc", c.stamp())
	if v, _ := param(k.r.URL.Query(), "updateStock"); v == "true" {
		for _, row := range inv.list("Rows") {
			c.moveStock(row.str("ArticleId"), row.number("Quantity"), zero.r)
		}
	}
	c.reply(k, http.StatusOK, inv)
	return nil
}
