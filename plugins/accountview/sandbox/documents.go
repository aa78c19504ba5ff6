package sandbox

import (
	"fmt"
	"math/big"
	"strings"
)

// debtor finds a debtor for a document and refuses a blocked one.
func (tx *transaction) debtor(number, label string, forOrder bool) (*row, *fault) {
	r := tx.c.find("CONTACT", number, tx.year)
	def := tx.c.defs["CONTACT"]
	switch {
	case r == nil:
		return nil, refuse("%s %s bestaat niet.", label, quote(number))
	case r.get(def.f("REC_BLK")) != "":
		return nil, refuse("%s %s is geblokkeerd.", label, quote(number))
	case forOrder && r.get(def.f("BLK_SP")) != "":
		return nil, refuse("%s %s is geblokkeerd voor orders.", label, quote(number))
	}
	return r, nil
}

// checkOrder holds a sales order (SO1) against the rules. Only what the one known client sends is asked for [C PHP].
func (tx *transaction) checkOrder(d *draft) *fault {
	if err := firstFault(d.require("RPL_INV", "Factuurdebiteur"), d.require("ORD_DATE", "Orderdatum")); err != nil {
		return err
	}
	debtor, err := tx.debtor(d.get("RPL_INV"), "Debiteur", true)
	if err != nil {
		return err
	}
	if d.get("RPL_DEL") == "" {
		d.set("RPL_DEL", d.get("RPL_INV"))
	} else if _, err := tx.debtor(d.get("RPL_DEL"), "Verzenddebiteur", true); err != nil {
		return err
	}
	if d.get("DEL_DATE") == "" {
		d.set("DEL_DATE", d.get("ORD_DATE"))
	}
	if code := d.get("DEL_CODE"); code != "" {
		addr := tx.c.find("DEL_ADDR", code, tx.year)
		if addr == nil || fold(addr.get(tx.c.defs["DEL_ADDR"].f("SUB_NR"))) != fold(d.get("RPL_DEL")) {
			return refuse("Afleveradres %s bestaat niet bij debiteur %s.", quote(code), quote(d.get("RPL_DEL")))
		}
	}
	if err := firstFault(tx.exists(d, "COST_CODE", "COST", "Kostenplaats"), tx.exists(d, "PROJ_CODE", "PROJECTS", "Project")); err != nil {
		return err
	}
	for _, l := range d.lines {
		if err := tx.checkOrderLine(d, l, debtor); err != nil {
			return err
		}
	}
	if f := d.def.field("ORD_TOT"); f != nil {
		d.row.set(f, tx.orderTotal(d, debtor))
	}
	return nil
}

func (tx *transaction) checkOrderLine(d, l *draft, debtor *row) *fault {
	c := tx.c
	if err := l.require("ART_CODE", "Artikelcode"); err != nil {
		return err
	}
	article := c.find("ARTICLE", l.get("ART_CODE"), tx.year)
	if article == nil {
		return refuse("Artikel %s bestaat niet.", quote(l.get("ART_CODE")))
	}
	if f := c.defs["ARTICLE"].field("K1_BLOK"); f != nil && article.get(f) != "" {
		return refuse("Artikel %s is geblokkeerd.", quote(l.get("ART_CODE")))
	}
	if !l.gave(l.def.f("ORD_QTY")) || l.get("ORD_QTY") == "" {
		return refuse("Aantal moet worden ingevoerd bij artikel %s.", quote(l.get("ART_CODE")))
	}
	px := l.def.f("ART_PX")
	if !l.gave(px) || l.row.get(px) == "" {
		l.row.set(px, article.get(c.defs["ARTICLE"].f("PX_SELL")))
	}
	if pct := debtor.get(c.defs["CONTACT"].f("DISC_PCT")); c.dialect["debtor_discount"] && pct != "" {
		share := new(big.Rat).Sub(rat("1"), new(big.Rat).Quo(rat(pct), rat("100")))
		l.row.set(px, decimalText(share.Mul(share, rat(l.row.get(px))), px.dec))
	}
	if l.get("DEL_DATE") == "" {
		l.set("DEL_DATE", d.get("DEL_DATE"))
	}
	return firstFault(tx.exists(l, "VAT_CODE", "VAT", "BTW-code"), tx.exists(l, "COST_CODE", "COST", "Kostenplaats"))
}

// orderTotal is what the customer will pay. VAT is found from the line's code, else the debtor's, else the article's,
// else code 1; it is rounded per rate over the document, or per line by dialect. A gross company has VAT in its prices.
func (tx *transaction) orderTotal(d *draft, debtor *row) string {
	c := tx.c
	total := new(big.Rat)
	byRate := map[string]*big.Rat{}
	for _, l := range d.lines {
		amount := new(big.Rat).Mul(rat(l.get("ORD_QTY")), rat(l.get("ART_PX")))
		if f := l.def.field("DISC_PCT"); f != nil {
			off := new(big.Rat).Sub(rat("100"), rat(l.row.get(f)))
			amount.Mul(amount, off.Quo(off, rat("100")))
		}
		amount = round(amount, 2)
		total.Add(total, amount)
		if c.gross {
			continue
		}
		rate := tx.lineRate(l, debtor)
		if c.dialect["vat_per_line"] {
			total.Add(total, round(percent(amount, rate), 2))
			continue
		}
		if byRate[rate] == nil {
			byRate[rate] = new(big.Rat)
		}
		byRate[rate].Add(byRate[rate], amount)
	}
	for rate, net := range byRate {
		total.Add(total, round(percent(net, rate), 2))
	}
	return decimalText(total, 2)
}

func percent(amount *big.Rat, rate string) *big.Rat {
	p := new(big.Rat).Mul(amount, rat(rate))
	return p.Quo(p, rat("100"))
}

func (tx *transaction) lineRate(l *draft, debtor *row) string {
	c := tx.c
	code := "1"
	article := c.find("ARTICLE", l.get("ART_CODE"), tx.year)
	if article.vat != "" {
		code = article.vat
	}
	if f := c.defs["ARTICLE"].field("K1_BTW"); f != nil && article.get(f) != "" {
		code = article.get(f)
	}
	if v := debtor.get(c.defs["CONTACT"].f("VAT_CODE")); v != "" {
		code = v
	}
	if f := l.def.field("VAT_CODE"); f != nil && l.row.get(f) != "" {
		code = l.row.get(f)
	}
	vat := c.find("VAT", code, tx.year)
	if vat == nil {
		return "0"
	}
	return vat.get(c.defs["VAT"].f("VAT_PCT"))
}

// checkPage holds a daybook page (DJ2) against the rules: known daybook, accounts and codes, a date in an open period of
// the year, and a balance. A page with a debtor balances itself on the debtor; one without must come to nothing.
func (tx *transaction) checkPage(d *draft) *fault {
	c := tx.c
	if err := firstFault(
		d.require("DJ_CODE", "Dagboekcode"), tx.exists(d, "DJ_CODE", "DAILY", "Dagboek"),
		d.require("HDR_DESC", "Omschrijving bladzijde"), tx.exists(d, "COST_CODE", "COST", "Kostenplaats"), tx.exists(d, "PROJ_CODE", "PROJECTS", "Project"),
	); err != nil {
		return err
	}
	vatNumber := ""
	if sub := d.get("SUB_NR"); sub != "" {
		debtor, err := tx.debtor(sub, "Debiteur", false)
		if err != nil {
			return err
		}
		vatNumber = debtor.get(c.defs["CONTACT"].f("VAT_NR"))
	} else if tx.salesDaybook(d.get("DJ_CODE")) {
		return refuse("Debiteur/Crediteur moet worden ingevoerd.")
	}
	if d.get("TRN_DATE") == "" && len(d.lines) > 0 {
		d.set("TRN_DATE", d.lines[0].get("TRN_DATE"))
	}
	if d.get("TRN_DATE") == "" {
		d.set("TRN_DATE", tx.pageDate(d.get("PERIOD")))
	}
	if err := firstFault(d.require("TRN_DATE", "Mutatiedatum"), tx.checkPagePeriod(d)); err != nil {
		return err
	}
	if len(d.lines) == 0 {
		return refuse("De dagboekbladzijde heeft geen regels.")
	}
	sum, vat := new(big.Rat), new(big.Rat)
	for _, l := range d.lines {
		if err := tx.checkPageLine(d, l, vatNumber); err != nil {
			return err
		}
		sum.Add(sum, rat(l.get("AMOUNT")))
		vat.Add(vat, rat(l.get("VAT_AMT")))
	}
	sum.Add(sum, vat)
	if d.get("SUB_NR") == "" && sum.Sign() != 0 {
		return refuse("De dagboekbladzijde is niet in balans (verschil %s).", decimalText(sum, 2))
	}
	d.set("PAGE_AMT", decimalText(sum.Neg(sum), 2))
	d.set("PAGE_VAT", decimalText(vat.Neg(vat), 2))
	return nil
}

// pageDate is the date of a page that states none, as a client sends it with a period [C GO]: today where that fits, else the period's
// last day. Which date AccountView takes is not known.
func (tx *transaction) pageDate(period string) string {
	per := tx.c.defs["ADM_PER"]
	today := tx.c.stamp()[:10] + "T00:00:00"
	last := ""
	for _, r := range tx.c.tables["ADM_PER"].rows {
		if r.year != tx.year || period != "" && period != "0" && r.get(per.f("PERIOD")) != period {
			continue
		}
		last = r.get(per.f("END_DATE"))
		if today >= r.get(per.f("BEG_DATE")) && today <= last {
			return today
		}
	}
	return last
}

func (tx *transaction) salesDaybook(code string) bool {
	def := tx.c.defs["DAILY"]
	r := tx.c.find("DAILY", code, tx.year)
	return r != nil && strings.HasPrefix(strings.ToUpper(r.get(def.f("DJ_TYPEV"))), "VERKOOP")
}

// checkPagePeriod finds the period that holds the date; a given one must be that.
func (tx *transaction) checkPagePeriod(d *draft) *fault {
	date := d.get("TRN_DATE")
	if !strings.HasPrefix(date, fmt.Sprintf("%04d-", tx.year)) {
		return refuse("Mutatiedatum %s valt niet in boekjaar %d.", date[:10], tx.year)
	}
	if tx.c.closed[date[:7]] {
		return refuse("De periode van mutatiedatum %s is geblokkeerd.", date[:10])
	}
	per := tx.c.defs["ADM_PER"]
	for _, r := range tx.c.tables["ADM_PER"].rows {
		if r.year != tx.year || date < r.get(per.f("BEG_DATE")) || date > r.get(per.f("END_DATE")) {
			continue
		}
		number := r.get(per.f("PERIOD"))
		if given := d.get("PERIOD"); given != "" && given != "0" && given != number {
			return refuse("Mutatiedatum %s valt niet in periode %s.", date[:10], given)
		}
		d.set("PERIOD", number)
		return nil
	}
	return refuse("Er is geen periode voor mutatiedatum %s.", date[:10])
}

func (tx *transaction) checkPageLine(d, l *draft, vatNumber string) *fault {
	if err := firstFault(
		l.require("ACCT_NR", "Rekeningnr"), tx.exists(l, "ACCT_NR", "LEDGER", "Rekening"),
		tx.exists(l, "VAT_CODE", "VAT", "BTW-code"), tx.exists(l, "SUB_NR", "CONTACT", "Debiteur"),
		tx.exists(l, "COST_CODE", "COST", "Kostenplaats"), tx.exists(l, "PROJ_CODE", "PROJECTS", "Project"), tx.checkForeign(vatNumber, l.get("VAT_CODE")),
	); err != nil {
		return err
	}
	ledger := tx.c.defs["LEDGER"]
	if r := tx.c.find("LEDGER", l.get("ACCT_NR"), tx.year); r.get(ledger.f("REC_BLK")) != "" {
		return refuse("Rekening %s is geblokkeerd.", quote(l.get("ACCT_NR")))
	}
	if l.get("TRN_DATE") == "" {
		l.set("TRN_DATE", d.get("TRN_DATE"))
	} else if !strings.HasPrefix(l.get("TRN_DATE"), fmt.Sprintf("%04d-", tx.year)) {
		return refuse("Mutatiedatum %s valt niet in boekjaar %d.", l.get("TRN_DATE")[:10], tx.year)
	}
	if code := l.get("VAT_CODE"); code != "" {
		l.set("BASE_AMT", l.get("AMOUNT"))
		if !l.gave(l.def.f("VAT_AMT")) {
			rate := tx.c.find("VAT", code, tx.year).get(tx.c.defs["VAT"].f("VAT_PCT"))
			l.set("VAT_AMT", decimalText(percent(rat(l.get("AMOUNT")), rate), 2))
		}
	}
	return nil
}

// finishLine gives a stored line what depends on its header's number.
func (tx *transaction) finishLine(d, l *draft, i int) {
	switch l.def.name {
	case "DJ_LINE":
		for _, name := range []string{"DJ_CODE", "PAGE_NR"} {
			l.set(name, d.get(name))
		}
		l.set("PAGE_NRV", d.get("PAGE_NR"))
		l.set("REC_ORD", fmt.Sprint(i+1))
		if i == 0 {
			d.set("PAGE_NRV", d.get("PAGE_NR"))
		}
	case "SO_LINE":
		if f := l.def.field("REC_ORD"); f != nil && l.row.get(f) == "" {
			l.row.set(f, fmt.Sprint(i+1))
		}
		tx.reserve(l)
	}
}

// reserve counts an order line's quantity as reserved, where the dialect has a field for it.
func (tx *transaction) reserve(l *draft) {
	def := tx.c.defs["ARTICLE"]
	f := def.field("K1_AFGEZ")
	article := tx.c.find("ARTICLE", l.get("ART_CODE"), tx.year)
	if f == nil || article == nil {
		return
	}
	sum := new(big.Rat).Add(rat(article.get(f)), rat(l.get("ORD_QTY")))
	article.set(f, decimalText(sum, f.dec))
}
