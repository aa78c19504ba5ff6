package sandbox

import (
	"math/big"
	"net/http"
	"strings"
)

func (c *company) createArticle(k *call) error {
	r, err := c.read(k, schemas["ArticleApi"])
	if err != nil {
		return err
	}
	if err := c.prepareArticle(r, nil); err != nil {
		return err
	}
	r.set("Id", c.newID())
	c.table("articles").add(r)
	c.created(k, r)
	return nil
}

// updateArticle replaces the article: what the body leaves out becomes null or the default.
func (c *company) updateArticle(k *call) error {
	old, err := c.byPath(k, "articles", "Article")
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
	if err := c.prepareArticle(r, old); err != nil {
		return err
	}
	r.set("Id", k.id)
	c.table("articles").put(old, r)
	c.updated(k, r)
	return nil
}

// prepareArticle checks an article as it was read and fills in what the server knows. old is nil for a new one.
func (c *company) prepareArticle(r, old *record) error {
	if strings.TrimSpace(r.str("Number")) == "" {
		return invalid("Number", "Required", "The Number field is required.")
	}
	same := c.table("articles").numbered(r.str("Number"))
	if same != nil && same != old {
		return fail(http.StatusBadRequest, codeConflict, "ConflictException - An article with Number %s already exists.", r.str("Number"))
	}
	coding := c.table("articleaccountcodings").byID[r.str("CodingId")]
	if coding == nil {
		return unknownReference("ArticleAccountCoding", r.str("CodingId"))
	}
	unit := c.table("units").byID[r.str("UnitId")]
	if unit == nil {
		return unknownReference("Unit", r.str("UnitId"))
	}
	labels, err := c.embed("articlelabels", "ArticleLabel", r.list("ArticleLabels"))
	if err != nil {
		return err
	}
	if err := checkBarcodes(r.list("Barcodes")); err != nil {
		return err
	}
	if v := r.str("CurrencyCode"); v != "" && !knownCurrency(v) {
		return invalid("CurrencyCode", "Invalid", "CurrencyCode %s is not a valid currency.", v)
	}
	r.with("CodingName", coding.str("Name"), "UnitName", unit.str("Name"), "UnitAbbreviation", unit.str("Abbreviation"),
		"ArticleLabels", labels, "IsServiceArticle", coding.str("Type") == "Service")
	fillPrices(r, coding)
	if !r.wasGiven("SendToWebshop") {
		r.set("SendToWebshop", true) // documented default
	}
	if err := c.prepareStock(r, old); err != nil {
		return err
	}
	r.set("CreatedUtc", c.stamp())
	r.set("ChangedUtc", r.get("CreatedUtc"))
	if old != nil {
		r.copyFields(old, "CreatedUtc")
	}
	r.given = nil
	return nil
}

// fillPrices computes the price that was not given from the one that was. How the two relate is not documented; where
// both are given both are kept as sent, even if they do not agree.
func fillPrices(r, coding *record) {
	factor := add(one, percent(coding.number("VatRatePercent")))
	switch {
	case r.wasGiven("NetPrice") && !r.wasGiven("GrossPrice"):
		r.set("GrossPrice", numOf(mul(r.number("NetPrice"), factor), 2))
	case r.wasGiven("GrossPrice") && !r.wasGiven("NetPrice"):
		r.set("NetPrice", numOf(quo(r.number("GrossPrice"), factor), 2))
	}
	r.set("NetPriceWithDiscount", r.get("NetPrice"))
}

func checkBarcodes(list []*record) error {
	if len(list) > 1 {
		return invalid("Barcodes", "Invalid", "Only one barcode is allowed.")
	}
	for _, b := range list {
		if b.integer("BarcodeType") != 0 || b.str("Barcode") == "" {
			return invalid("Barcodes", "Invalid", "A barcode needs a Barcode and BarcodeType 0.")
		}
	}
	return nil
}

// prepareStock keeps the rules of the two kinds of company: without the stock module StockBalance is a plain number that
// the API sets; with it the balance moves by documents only (facts section 6.1).
func (c *company) prepareStock(r, old *record) error {
	balance, reserved := new(big.Rat), new(big.Rat)
	if old != nil {
		balance, reserved = old.number("StockBalance"), old.number("StockBalanceReserved")
	}
	goods := !r.boolean("IsServiceArticle")
	if r.boolean("IsStock") && (!c.stockModule() || !goods) {
		return invalid("IsStock", "Invalid", "IsStock can only be true when the stock module is active and the article coding is of type Goods.")
	}
	if old != nil && old.boolean("IsStock") && balance.Sign() != 0 {
		if !goods {
			return fail(http.StatusBadRequest, codeBalanceService, "StockToServiceNoZeroBalanceException - The article's stock balance is not zero.")
		}
		if !r.boolean("IsStock") {
			return fail(http.StatusBadRequest, codeBalanceStock, "StockToNonStockNoZeroBalanceException - The article's stock balance is not zero.")
		}
	}
	if c.stockModule() {
		r.set("StockBalance", newNum(balance))
	} else if old == nil && r.number("StockBalance").Sign() != 0 || old != nil && r.number("StockBalance").Cmp(balance) != 0 {
		r.set("StockBalanceManuallyChangedUtc", c.env.Now().UTC())
	} else if old != nil {
		r.copyFields(old, "StockBalanceManuallyChangedUtc")
	}
	r.set("StockBalanceReserved", newNum(reserved))
	r.set("ShowStockInformation", r.boolean("IsStock"))
	refreshStock(r)
	return nil
}

// refreshStock derives what follows from balance and reservation.
func refreshStock(r *record) {
	r.set("StockBalanceAvailable", newNum(sub(r.number("StockBalance"), r.number("StockBalanceReserved"))))
	r.set("StockValue", numOf(mul(r.number("StockBalance"), r.number("PurchasePrice")), 2))
}

// moveStock changes balance and reservation of a stock article. Whether that bumps ChangedUtc is unknown; here it does
// not, so that a reader who trusts the stamp for stock is found out; a dialect does.
func (c *company) moveStock(articleID string, balance, reserved *big.Rat) {
	a := c.table("articles").byID[articleID]
	if a == nil || !c.stockModule() || !a.boolean("IsStock") {
		return
	}
	a.set("StockBalance", newNum(add(a.number("StockBalance"), balance)))
	a.set("StockBalanceReserved", newNum(add(a.number("StockBalanceReserved"), reserved)))
	refreshStock(a)
	if c.dialect.stockMovesStamps {
		a.set("ChangedUtc", c.stamp())
	}
}
