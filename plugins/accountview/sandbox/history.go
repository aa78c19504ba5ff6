package sandbox

import "math/big"

// salesType is HDR_TYPE of sales in the history [C NG]; 2 is purchases.
const salesType = "1"

// deliver is the dialect order_history: an order leaves SO1 for the history on the day after its delivery date. What it
// reserved leaves the shelf.
func (c *company) deliver() {
	if !c.dialect["order_history"] {
		return
	}
	today := c.stamp()[:10]
	t := c.tables["SO_HDR"]
	due := t.def.f("DEL_DATE")
	var gone []*row
	for _, r := range t.rows {
		if d := r.get(due); d != "" && d[:10] < today {
			gone = append(gone, r)
		}
	}
	for _, r := range gone {
		t.remove(r)
		c.archive(r)
	}
}

// archive writes an order's lines into ALH and AKH.
func (c *company) archive(order *row) {
	so, soLine := c.defs["SO_HDR"], c.defs["SO_LINE"]
	hst, lines := c.tables["HST_AL"], c.tables["ART_LINE"]
	copied := func(to *row, def *tableDef, from *row, of *tableDef, name, as string) {
		if f, source := def.field(as), of.field(name); f != nil && source != nil {
			to.set(f, from.get(source))
		}
	}
	for _, l := range order.lines {
		h := &row{year: order.year}
		h.set(hst.def.f("REC_ID"), l.get(soLine.f("REC_ID"))) // the same however often it is done again
		h.set(hst.def.f("HST_AH.HDR_TYPE"), salesType)
		for _, name := range []string{"DEL_DATE", "ORD_NR", "ORD_DATE", "RPL_INV", "RPL_DEL", "COMMENT1", "EXT_ID"} {
			copied(h, hst.def, order, so, name, "HST_AH."+name)
		}
		if debtor := c.find("CONTACT", order.get(so.f("RPL_DEL")), order.year); debtor != nil {
			copied(h, hst.def, debtor, c.defs["CONTACT"], "ACCT_NAME", "HST_AH.DC_NAME")
		}
		for name, as := range map[string]string{"ART_CODE": "ART_CODE", "ART_DESC1": "ART_DESC1", "ORD_QTY": "ART_QTY", "ART_PX": "ART_PX"} {
			copied(h, hst.def, l, soLine, name, as)
		}
		hst.insert(h)
		a := &row{year: order.year}
		a.set(lines.def.f("REC_ID"), l.get(soLine.f("REC_ID")))
		a.set(lines.def.f("HDR_TYPE"), salesType)
		copied(a, lines.def, order, so, "DEL_DATE", "ART_DATE")
		for name, as := range map[string]string{"ART_CODE": "ART_CODE", "ART_DESC1": "ART_DESC1", "ORD_QTY": "ART_QTY", "ART_PX": "ART_PX", "COST_CODE": "COST_CODE"} {
			copied(a, lines.def, l, soLine, name, as)
		}
		quantity := rat(l.get(soLine.f("ORD_QTY")))
		a.set(lines.def.f("ART_AMT"), decimalText(new(big.Rat).Mul(quantity, rat(l.get(soLine.f("ART_PX")))), 2))
		lines.insert(a)
		article := c.find("ARTICLE", l.get(soLine.f("ART_CODE")), order.year)
		if article == nil {
			continue
		}
		for _, name := range []string{"QTY_TECH", "K1_AFGEZ"} {
			if f := c.defs["ARTICLE"].field(name); f != nil {
				article.set(f, decimalText(new(big.Rat).Sub(rat(article.get(f)), quantity), f.dec))
			}
		}
	}
}
