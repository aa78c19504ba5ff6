package sandbox

import (
	"fmt"
	"math/big"
	"time"
)

// post enters a daybook page into the ledger (TRANSACT) and its debtor's sale into the open items. The entries of a page come
// to nothing together: what its lines and their VAT amounts do not, its debtor carries.
func (tx *transaction) post(d *draft) {
	if d.get("NO_POST") != "" {
		return
	}
	c := tx.c
	sum := new(big.Rat)
	for _, l := range d.lines {
		sum.Add(sum, tx.enter(d, l, l.get("ACCT_NR"), rat(l.get("AMOUNT")), true))
		if vat := rat(l.get("VAT_AMT")); vat.Sign() != 0 {
			account := ""
			if code := c.find("VAT", l.get("VAT_CODE"), tx.year); code != nil {
				account = code.get(c.defs["VAT"].f("VAT_ACCT"))
			}
			sum.Add(sum, tx.enter(d, l, account, vat, false))
		}
		tx.settle(d, l)
	}
	sub := d.get("SUB_NR")
	if sub == "" {
		return
	}
	total := sum.Neg(sum)
	debtor := c.find("CONTACT", sub, tx.year)
	tx.enter(d, nil, debtor.get(c.defs["CONTACT"].f("ACCT_NR")), total, false)
	if d.get("INV_NR") != "" {
		c.openItem(sub, d.get("INV_NR"), total, d.get("CRED_DAYS"), d.get("TRN_DATE"))
	}
}

// enter writes one entry of the ledger; turnover tells the line's own amount from its VAT. It returns the amount.
func (tx *transaction) enter(d, l *draft, account string, amount *big.Rat, turnover bool) *big.Rat {
	c := tx.c
	t := c.tables["TRANSACT"]
	r := &row{year: tx.year}
	set := func(name, text string) { r.set(t.def.f(name), text) }
	set("REC_ID", c.nextRecord())
	for _, name := range []string{"DJ_CODE", "PAGE_NR", "INV_NR", "SUB_NR", "PERIOD", "TRN_DATE", "CUR_CODE"} {
		set(name, d.get(name))
	}
	set("ACCT_NR", account)
	set("TRN_DESC", d.get("HDR_DESC"))
	set("AMOUNT", decimalText(amount, 2))
	if l != nil {
		for _, name := range []string{"TRN_DESC", "TRN_DATE", "COST_CODE", "PROJ_CODE"} {
			if v := l.get(name); v != "" {
				set(name, v)
			}
		}
		if turnover {
			for _, name := range []string{"VAT_CODE", "VAT_AMT", "BASE_AMT", "TRN_QTY"} {
				set(name, l.get(name))
			}
		}
	}
	t.insert(r)
	return amount
}

// itemKey is the padded key of an open item (facts 14).
func itemKey(debtor, invoice string) string { return pad(debtor, 10) + invoice }

// openItem opens an item or adds to the one with that number.
func (c *company) openItem(debtor, invoice string, amount *big.Rat, days, date string) {
	t := c.tables["OPENITEM"]
	if was := c.find("OPENITEM", itemKey(debtor, invoice), 0); was != nil {
		with := was.clone()
		for _, name := range []string{"DR_AMT", "ITEM_REST"} {
			f := t.def.f(name)
			with.set(f, decimalText(new(big.Rat).Add(rat(was.get(f)), amount), 2))
		}
		t.update(was, with)
		return
	}
	r := &row{since: date}
	set := func(name, text string) { r.set(t.def.f(name), text) }
	set("SUB_INV", itemKey(debtor, invoice))
	set("INV_NR", invoice)
	set("DR_AMT", decimalText(amount, 2))
	set("ITEM_REST", decimalText(amount, 2))
	set("CRED_DAYS", days)
	t.insert(r)
}

// settle takes a payment or a credit from the open item that a line names by its debtor and number.
func (tx *transaction) settle(d, l *draft) {
	c := tx.c
	debtor, invoice := l.get("SUB_NR"), l.get("INV_NR")
	if debtor == "" || invoice == "" {
		return
	}
	was := c.find("OPENITEM", itemKey(debtor, invoice), 0)
	if was == nil {
		return
	}
	def := c.defs["OPENITEM"]
	with := was.clone()
	amount := rat(l.get("AMOUNT"))
	rest := new(big.Rat).Add(rat(was.get(def.f("ITEM_REST"))), amount)
	with.set(def.f("ITEM_REST"), decimalText(rest, 2))
	with.set(def.f("ITEM_PAID"), decimalText(new(big.Rat).Sub(rat(was.get(def.f("ITEM_PAID"))), amount), 2))
	if rest.Sign() == 0 {
		with.set(def.f("DATE_PAID"), d.get("TRN_DATE"))
	}
	c.tables["OPENITEM"].update(was, with)
}

// ageItems brings the days of all open items up to today; the real table computes them when it is read.
func (c *company) ageItems() {
	def := c.defs["OPENITEM"]
	today := c.now().In(c.zone)
	today = time.Date(today.Year(), today.Month(), today.Day(), 0, 0, 0, 0, time.UTC)
	for _, r := range c.tables["OPENITEM"].rows {
		from, err := time.Parse("2006-01-02T15:04:05", r.since)
		if err != nil {
			continue
		}
		age := int(today.Sub(from).Hours() / 24)
		term, _ := rat(r.get(def.f("CRED_DAYS"))).Float64()
		r.set(def.f("ITEM_AGE"), fmt.Sprint(age))
		r.set(def.f("ITEM_EXPDS"), fmt.Sprint(max(0, age-int(term))))
	}
}
