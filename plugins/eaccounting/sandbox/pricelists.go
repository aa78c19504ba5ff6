package sandbox

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
)

// mostPrices is how many rows one call may set [OA26].
const mostPrices = 1000

// needsPro refuses what only the variant Pro has (facts section 6).
func (c *company) needsPro(h func(*call) error) func(*call) error {
	return func(k *call) error {
		if v := c.env.Set["variant"]; v != "pro" {
			return fail(http.StatusForbidden, codeWrongVariant, "ForbiddenRequestException - No access due to product variant %s.", v)
		}
		return h(k)
	}
}

// addPriceLists gives a company of the variant Pro what it begins with: the standard list and one agreement, which the API lets nobody make.
func (c *company) addPriceLists() {
	c.indexPrices()
	if c.env.Set["variant"] != "pro" {
		return
	}
	c.add("salespricelists", "standard", "Name", c.local("Standaard", "Standard"), "Number", int64(1), "CurrencyCode", c.env.Set["currency"], "IsStandard", true,
		"IsActive", true, "ChangedUtc", c.stamp())
	c.add("discountagreements", "regulars", "Name", c.local("Vaste klanten", "Regulars"), "Number", int64(1), "IsActive", true, "ChangedUtc", c.stamp())
}

func (c *company) createPriceList(k *call) error {
	r, err := c.read(k, schemas["SalesPriceListApi"])
	if err != nil {
		return err
	}
	if err := c.preparePriceList(r); err != nil {
		return err
	}
	r.with("Id", c.newID(), "Number", c.number("pricelist"))
	c.table("salespricelists").add(r)
	c.created(k, r)
	return nil
}

func (c *company) preparePriceList(r *record) error {
	if strings.TrimSpace(r.str("Name")) == "" {
		return invalid("Name", "Required", "The Name field is required.")
	}
	if r.str("CurrencyCode") == "" {
		r.set("CurrencyCode", c.env.Set["currency"])
	}
	if !knownCurrency(r.str("CurrencyCode")) {
		return invalid("CurrencyCode", "Invalid", "CurrencyCode %s is not a valid currency.", r.str("CurrencyCode"))
	}
	if r.get("IsActive") == nil {
		r.set("IsActive", true)
	}
	r.set("ChangedUtc", c.stamp())
	r.given = nil
	return nil
}

func (c *company) updatePriceList(k *call) error {
	old, err := c.byPath(k, "salespricelists", "SalesPriceList")
	if err != nil {
		return err
	}
	r, err := c.read(k, old.schema)
	if err != nil {
		return err
	}
	if err := c.preparePriceList(r); err != nil {
		return err
	}
	r.copyFields(old, "Id", "Number", "IsStandard")
	c.table("salespricelists").put(old, r)
	c.updated(k, r)
	return nil
}

func (c *company) deletePriceList(k *call) error {
	r, err := c.byPath(k, "salespricelists", "SalesPriceList")
	if err != nil {
		return err
	}
	used := c.table("customers").find(func(m *record) bool { return m.str("SalesPriceListId") == k.id })
	if r.boolean("IsStandard") || used != nil {
		return fail(http.StatusBadRequest, codeCannotDelete, "CanNotBeDeletedException - The price list is in use.")
	}
	c.table("salespricelists").remove(r)
	c.prices = c.pricesOf("", k.id)
	c.indexPrices()
	k.w.WriteHeader(http.StatusOK)
	return nil
}

// pricesOf are the prices of one list, or with "" of all but one.
func (c *company) pricesOf(list, but string) []*record {
	var out []*record
	for _, p := range c.prices {
		if (list == "" || p.str("SalesPriceListId") == list) && p.str("SalesPriceListId") != but {
			out = append(out, p)
		}
	}
	return out
}

func (c *company) listPrices(k *call) error {
	if k.id != "" && c.table("salespricelists").byID[k.id] == nil {
		return unknownPath("SalesPriceList", k.id)
	}
	return c.list(k, schemas["SalesPriceListRowApi"], c.pricesOf(k.id, ""))
}

func (c *company) onePrice(k *call) error {
	if p := c.price(k.id, k.second); p != nil {
		c.reply(k, http.StatusOK, p)
		return nil
	}
	return unknownPath("SalesPriceListRow", k.second)
}

func (c *company) price(list, article string) *record { return c.priceOf[[2]string{list, article}] }

func (c *company) indexPrices() {
	c.priceOf = map[[2]string]*record{}
	for _, p := range c.prices {
		c.priceOf[[2]string{p.str("SalesPriceListId"), p.str("ArticleId")}] = p
	}
}

// setPrices sets the net prices of up to 1000 articles; the gross ones follow from their codings [OA26: read-only]. All or none are set.
func (c *company) setPrices(k *call) error {
	list, err := c.byPath(k, "salespricelists", "SalesPriceList")
	if err != nil {
		return err
	}
	var raw []json.RawMessage
	if err := json.Unmarshal(k.body, &raw); err != nil {
		return invalid("", "InvalidJson", "The request body is not a valid JSON array: %s", jsonCause(err))
	}
	if len(raw) > mostPrices {
		return invalid("", "Range", "At most %d prices can be set at a time.", mostPrices)
	}
	rd := &reader{old: c.form.old, strict: c.dialect.strictFields}
	var rows []*record
	for i, e := range raw {
		m, err := decodeObject(e)
		if err != nil {
			return invalid(fmt.Sprintf("[%d]", i), "InvalidJson", "The row is not a valid JSON object: %s", jsonCause(err))
		}
		r := rd.object(schemas["SalesPriceListRowApi"], m, fmt.Sprintf("[%d].", i))
		if len(rd.problems) > 0 {
			return invalidFields(rd.problems)
		}
		article := c.table("articles").byID[r.str("ArticleId")]
		if article == nil {
			return unknownReference("Article", r.str("ArticleId"))
		}
		coding := c.table("articleaccountcodings").byID[article.str("CodingId")]
		r.with("SalesPriceListId", k.id, "CurrencyCode", list.get("CurrencyCode"), "ChangedUtc", c.stamp(),
			"GrossPrice", numOf(mul(r.number("NetPrice"), add(one, percent(coding.number("VatRatePercent")))), 2))
		r.given = nil
		rows = append(rows, r)
	}
	for _, r := range rows {
		if old := c.price(k.id, r.str("ArticleId")); old != nil {
			copy(old.vals, r.vals)
			continue
		}
		c.prices = append(c.prices, r)
		c.priceOf[[2]string{k.id, r.str("ArticleId")}] = r
	}
	k.w.WriteHeader(http.StatusOK) // the specification names no answer
	return nil
}

// pricedFor are articles as they cost a customer, for ?customerId=: the price of the customer's list, less the customer's discount. How the
// two go together is not documented [?].
func (c *company) pricedFor(k *call, articles []*record) ([]*record, error) {
	id, ok := param(k.r.URL.Query(), "customerId")
	if !ok || c.form.old {
		return articles, nil
	}
	customer := c.table("customers").byID[strings.ToLower(id)]
	if customer == nil {
		return nil, unknownReference("Customer", id)
	}
	out := make([]*record, 0, len(articles))
	for _, a := range articles {
		a = a.clone()
		if p := c.price(customer.str("SalesPriceListId"), a.str("Id")); p != nil {
			a.copyFields(p, "NetPrice", "GrossPrice")
		}
		a.with("DiscountPercentage", customer.get("DiscountPercentage"),
			"NetPriceWithDiscount", numOf(mul(a.number("NetPrice"), sub(one, customer.number("DiscountPercentage"))), 2))
		out = append(out, a)
	}
	return out, nil
}

func (c *company) listArticles(k *call) error {
	all, err := c.pricedFor(k, c.table("articles").order)
	if err != nil {
		return err
	}
	return c.list(k, schemas["ArticleApi"], all)
}

func (c *company) oneArticle(k *call) error {
	r, err := c.byPath(k, "articles", "Article")
	if err != nil {
		return err
	}
	priced, err := c.pricedFor(k, []*record{r})
	if err != nil {
		return err
	}
	c.reply(k, http.StatusOK, priced[0])
	return nil
}

// exchange tells what one unit of a currency is worth in another.
func (c *company) exchange(k *call) error {
	q := k.r.URL.Query()
	var codes [2]string
	for i, name := range []string{"sourceCurrencyCode", "targetCurrencyCode"} {
		codes[i], _ = param(q, name)
		if !knownCurrency(codes[i]) {
			return badDate("%s '%s' is not a valid currency", name, codes[i])
		}
	}
	day := c.today()
	if text, ok := param(q, "date"); ok {
		t, valid := parseTime(text)
		if !valid {
			return badDate("'%s' is not a valid date", text)
		}
		day = t
	}
	rate := round(quo(mustRat(euroRates[codes[0]]), mustRat(euroRates[codes[1]])), 6)
	c.reply(k, http.StatusOK, newRecord(schemas["ExchangeRateApi"]).with("Date", day, "SourceCurrency", codes[0], "TargetCurrency", codes[1], "Rate", newNum(rate)))
	return nil
}
