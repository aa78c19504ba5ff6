package sandbox

import (
	"errors"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/pomost/pomost/sdk/sandbox"
)

// call is one request on its way through a handler.
type call struct {
	w  http.ResponseWriter
	r  *http.Request
	id string // of the path, lower case; "" where the path has none
	// second is the second id of a path that has two.
	second string
	body   []byte
}

// route is one path of the API with its methods. "{id}" stands for one segment.
type route struct {
	path    []string
	methods map[string]handler
}

// handler is a method with the scopes of which any one is needed.
type handler struct {
	scopes []string
	do     func(*call) error
}

var (
	salesRead      = []string{"ea:sales", "ea:sales_readonly"}
	salesWrite     = []string{"ea:sales"}
	salesPurchase  = []string{"ea:sales", "ea:sales_readonly", "ea:purchase", "ea:purchase_readonly"}
	purchaseRead   = []string{"ea:purchase", "ea:purchase_readonly"}
	accountingRead = []string{"ea:accounting", "ea:accounting_readonly"}
)

// laterCalls were not there in 2020 (facts section 11).
var laterCalls = map[string]bool{
	"POST deliverymethods": true, "POST deliveryterms": true, "POST orders/{id}/converteddrafttoorder": true, "POST orders/{id}/completed": true,
	"POST orders/{id}/voided": true, "POST customerinvoices/{id}/void": true, "PUT quotes/{id}": true, "GET currencies/exchangerate": true,
	"GET salespricelists": true, "POST salespricelists": true, "GET salespricelists/prices": true, "GET salespricelists/prices/{id}": true,
	"GET salespricelists/prices/{id}/{articleId}": true, "GET salespricelists/{id}": true, "PUT salespricelists/{id}": true, "DELETE salespricelists/{id}": true,
	"PUT salespricelists/{id}/prices": true, "GET discountagreements": true, "GET discountagreements/{id}": true,
}

// makeRoutes lists every path with its scopes (facts sections 6 and 11).
func (c *company) makeRoutes() []route {
	var out []route
	add := func(path string, methods map[string]handler) {
		if c.dialect.swagger2020 {
			maps.DeleteFunc(methods, func(method string, _ handler) bool { return laterCalls[method+" "+path] })
			if len(methods) == 0 {
				return
			}
		}
		out = append(out, route{strings.Split(path, "/"), methods})
	}
	// readable adds the list and the single record of a table.
	readable := func(name, what string, scopes []string, more map[string]handler, one map[string]handler) {
		all := map[string]handler{"GET": {scopes, func(k *call) error { return c.list(k, c.table(name).schema, c.table(name).order) }}}
		for m, h := range more {
			all[m] = h
		}
		add(name, all)
		single := map[string]handler{"GET": {scopes, func(k *call) error { return c.one(k, name, what) }}}
		for m, h := range one {
			single[m] = h
		}
		add(name+"/{id}", single)
	}
	readable("customers", "Customer", salesRead,
		map[string]handler{"POST": {salesWrite, c.createCustomer}},
		map[string]handler{"PUT": {salesWrite, c.updateCustomer}, "DELETE": {salesWrite, c.deleteCustomer}})
	add("articles", map[string]handler{"GET": {salesRead, c.listArticles}, "POST": {salesWrite, c.createArticle}})
	add("articles/{id}", map[string]handler{"GET": {salesRead, c.oneArticle}, "PUT": {salesWrite, c.updateArticle}})
	readable("articleaccountcodings", "ArticleAccountCoding", salesRead, nil, nil)
	readable("units", "Unit", salesRead, nil, nil)
	readable("termsofpayments", "TermsOfPayment", salesPurchase, nil, nil)
	readable("bankaccounts", "BankAccount", purchaseRead, nil, nil)
	years := accountingRead
	if c.dialect.swagger2020 { // then those of sales would do as well
		years = slices.Concat(salesRead, accountingRead)
	}
	readable("fiscalyears", "FiscalYear", years, nil, nil)
	readable("vatcodes", "VatCode", accountingRead, nil, nil)
	readable("deliverymethods", "DeliveryMethod", salesRead, map[string]handler{"POST": {salesWrite, c.createSimple("deliverymethods", http.StatusOK)}}, nil)
	readable("deliveryterms", "DeliveryTerm", salesRead, map[string]handler{"POST": {salesWrite, c.createSimple("deliveryterms", http.StatusCreated)}}, nil)
	for name, what := range map[string]string{"customerlabels": "CustomerLabel", "articlelabels": "ArticleLabel"} {
		readable(name, what, salesRead,
			map[string]handler{"POST": {salesWrite, c.createSimple(name, http.StatusCreated)}},
			map[string]handler{"PUT": {salesWrite, c.updateSimple(name, what)}, "DELETE": {salesWrite, c.deleteSimple(name, what)}})
	}

	order := func(h func(*call) error) handler { return handler{salesWrite, c.needsOrders(h)} }
	add("orders", map[string]handler{
		"GET":  {salesRead, c.needsOrders(func(k *call) error { return c.list(k, c.table("orders").schema, c.table("orders").order) })},
		"POST": order(c.createOrder),
	})
	add("orders/{id}", map[string]handler{
		"GET": {salesRead, c.needsOrders(func(k *call) error { return c.one(k, "orders", "Order") })},
		"PUT": order(c.updateOrder), "DELETE": order(c.deleteOrder),
	})
	for action, do := range map[string]func(*call) error{
		"converteddrafttoorder": c.confirmDraft, "completed": c.completeOrder, "voided": c.voidShipment,
		"backorder": c.backOrder, "convert": c.convertOrder,
	} {
		add("orders/{id}/"+action, map[string]handler{"POST": order(do)})
	}

	add("customerinvoices", map[string]handler{"GET": {salesRead, c.listInvoices}, "POST": {salesWrite, c.createInvoice}})
	add("customerinvoices/{id}", map[string]handler{"GET": {salesRead, c.oneInvoice}})
	add("customerinvoices/{id}/payments", map[string]handler{"POST": {salesWrite, c.payInvoice}})
	add("customerinvoices/{id}/void", map[string]handler{"POST": {salesWrite, c.voidInvoice}})

	add("customerinvoicedrafts", map[string]handler{
		"GET": {salesRead, func(k *call) error {
			return c.list(k, c.table("customerinvoicedrafts").schema, c.table("customerinvoicedrafts").order)
		}},
		"POST": {salesWrite, c.createDraft},
	})
	add("customerinvoicedrafts/{id}", map[string]handler{
		"GET": {salesRead, func(k *call) error { return c.one(k, "customerinvoicedrafts", "CustomerInvoiceDraft") }},
		"PUT": {salesWrite, c.updateDraft}, "DELETE": {salesWrite, c.deleteDraft},
	})
	add("customerinvoicedrafts/{id}/convert", map[string]handler{"POST": {salesWrite, c.convertDraft}})
	c.addQuoteRoutes(add)
	c.addPriceRoutes(add)
	c.addDimensionRoutes(add)

	add("currencies/exchangerate", map[string]handler{"GET": {salesPurchase, c.exchange}})
	add("currencies", map[string]handler{"GET": {salesPurchase, func(k *call) error { return c.list(k, schemas["CurrencyApi"], c.currencies) }}})
	add("countries", map[string]handler{"GET": {salesRead, func(k *call) error { return c.list(k, schemas["CountryApi"], c.countries) }}})
	add("countries/{id}", map[string]handler{"GET": {salesRead, c.oneCountry}})
	add("accounts", map[string]handler{"GET": {accountingRead, func(k *call) error { return c.list(k, schemas["AccountApi"], c.accounts("")) }}})
	add("accounts/{id}", map[string]handler{"GET": {accountingRead, c.accountsOfYear}})
	add("companysettings", map[string]handler{"GET": {salesRead, c.readSettings}, "PUT": {salesWrite, c.updateSettings}})
	return out
}

func (c *company) addQuoteRoutes(add func(string, map[string]handler)) {
	read := func(h func(*call) error) handler { return handler{salesRead, c.needsOrders(h)} }
	write := func(h func(*call) error) handler { return handler{salesWrite, c.needsOrders(h)} }
	for path, drafts := range map[string]bool{"quotes": false, "quotedrafts": true} {
		status := int64(quoteOngoing)
		if drafts {
			status = quoteDraft
		}
		add(path, map[string]handler{"GET": read(c.listQuotes(drafts)), "POST": write(c.createQuote(status))})
		add(path+"/{id}", map[string]handler{"GET": read(c.oneQuote(drafts)), "PUT": write(c.updateQuote(drafts)), "DELETE": write(c.deleteQuote(drafts))})
	}
	add("quotedrafts/{id}/convert", map[string]handler{"PUT": write(c.sendDraft)})
	add("quotes/{id}/accept", map[string]handler{"PUT": write(c.acceptQuote)})
	add("quotes/{id}/converttoorder", map[string]handler{"POST": write(c.quoteToOrder)})
	add("quotes/{id}/converttocustomerinvoice", map[string]handler{"POST": write(c.quoteToInvoice)})
}

// addPriceRoutes adds price lists and discount agreements. "prices" goes before an id.
func (c *company) addPriceRoutes(add func(string, map[string]handler)) {
	table := func(name string) handler {
		return handler{salesRead, c.needsPro(func(k *call) error { return c.list(k, c.table(name).schema, c.table(name).order) })}
	}
	add("salespricelists", map[string]handler{"GET": table("salespricelists"), "POST": {salesWrite, c.needsPro(c.createPriceList)}})
	add("salespricelists/prices", map[string]handler{"GET": {salesRead, c.needsPro(c.listPrices)}})
	add("salespricelists/prices/{id}", map[string]handler{"GET": {salesRead, c.needsPro(c.listPrices)}})
	add("salespricelists/prices/{id}/{articleId}", map[string]handler{"GET": {salesRead, c.needsPro(c.onePrice)}})
	add("salespricelists/{id}", map[string]handler{
		"GET": {salesRead, c.needsPro(func(k *call) error { return c.one(k, "salespricelists", "SalesPriceList") })},
		"PUT": {salesWrite, c.needsPro(c.updatePriceList)}, "DELETE": {salesWrite, c.needsPro(c.deletePriceList)},
	})
	add("salespricelists/{id}/prices", map[string]handler{"PUT": {salesWrite, c.needsPro(c.setPrices)}})
	add("discountagreements", map[string]handler{"GET": table("discountagreements")})
	add("discountagreements/{id}", map[string]handler{"GET": {salesRead, c.needsPro(func(k *call) error { return c.one(k, "discountagreements", "DiscountAgreement") })}})
}

func (c *company) addDimensionRoutes(add func(string, map[string]handler)) {
	anyRead := slices.Concat(accountingRead, salesRead, purchaseRead)
	booksRead, booksWrite := slices.Concat(accountingRead, salesRead), []string{"ea:accounting", "ea:sales"}
	accounting := []string{"ea:accounting"}
	add("projects", map[string]handler{
		"GET":  {anyRead, func(k *call) error { return c.list(k, c.table("projects").schema, c.table("projects").order) }},
		"POST": {accounting, c.createProject},
	})
	add("projects/{id}", map[string]handler{"GET": {anyRead, func(k *call) error { return c.one(k, "projects", "Project") }}, "PUT": {accounting, c.updateProject}})
	add("costcenters", map[string]handler{"GET": {booksRead, func(k *call) error { return c.list(k, c.table("costcenters").schema, c.table("costcenters").order) }}})
	add("costcenters/{id}", map[string]handler{"PUT": {booksWrite, c.updateCostCenter}})
	add("costcenteritems", map[string]handler{"POST": {booksWrite, c.createCostCenterItem}})
	add("costcenteritems/{id}", map[string]handler{"GET": {booksRead, c.oneCostCenterItem}, "PUT": {booksWrite, c.updateCostCenterItem}})
}

// ServeHTTP finds the route, checks the caller's scopes and turns errors into answers.
func (c *company) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	err := c.dispatch(w, r)
	if err == nil {
		return
	}
	var p *problem
	if !errors.As(err, &p) {
		p = &problem{status: http.StatusInternalServerError, code: codeInternal, text: err.Error()}
	}
	if p.code == codeConflict && c.dialect.conflict409 {
		p.status = http.StatusConflict
	}
	writeProblem(w, p, c.dialect.swagger2020)
}

func (c *company) dispatch(w http.ResponseWriter, r *http.Request) error {
	segments := strings.Split(strings.Trim(strings.ToLower(r.URL.Path), "/"), "/")
	for _, rt := range c.routes {
		ids, ok := rt.match(segments)
		if !ok {
			continue
		}
		h, ok := rt.methods[r.Method]
		if !ok {
			methods := make([]string, 0, len(rt.methods))
			for m := range rt.methods {
				methods = append(methods, m)
			}
			slices.Sort(methods)
			w.Header().Set("Allow", strings.Join(methods, ", "))
			w.WriteHeader(http.StatusMethodNotAllowed)
			return nil
		}
		grant := sandbox.GrantOf(r.Context())
		if !grant.Has("ea:api") || !grant.Has(h.scopes...) {
			return fail(http.StatusForbidden, codeNoScope, "NoAccessToScopesException - Requires any of the following scopes: %s.", strings.Join(h.scopes, ", "))
		}
		if err := c.admits(r.Method, rt.path); err != nil {
			return err
		}
		body, err := readBody(r)
		if err != nil {
			return err
		}
		return h.do(&call{w: w, r: r, id: ids[0], second: ids[1], body: body})
	}
	w.WriteHeader(http.StatusNotFound)
	return nil
}

// match returns the ids of a path of this route, at most two.
func (rt route) match(segments []string) (ids [2]string, ok bool) {
	if len(segments) != len(rt.path) {
		return ids, false
	}
	n := 0
	for i, p := range rt.path {
		switch {
		case p[0] == '{':
			ids[n] = segments[i]
			n++
		case p != segments[i]:
			return ids, false
		}
	}
	return ids, true
}

// needsOrders refuses the order resource in variants that have none.
func (c *company) needsOrders(h func(*call) error) func(*call) error {
	return func(k *call) error {
		for _, v := range variants {
			if v.name == c.env.Set["variant"] && !v.orders {
				return fail(http.StatusForbidden, codeWrongVariant, "ForbiddenRequestException - No access due to product variant %s.", v.name)
			}
		}
		return h(k)
	}
}
