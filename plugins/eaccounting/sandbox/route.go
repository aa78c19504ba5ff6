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
	w    http.ResponseWriter
	r    *http.Request
	id   string // of the path, lower case; "" where the path has none
	body []byte
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
	"POST orders/{id}/voided": true, "POST customerinvoices/{id}/void": true, "GET fiscalyears/{id}": true,
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
	readable("articles", "Article", salesRead,
		map[string]handler{"POST": {salesWrite, c.createArticle}},
		map[string]handler{"PUT": {salesWrite, c.updateArticle}})
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

	add("currencies", map[string]handler{"GET": {salesPurchase, func(k *call) error { return c.list(k, schemas["CurrencyApi"], c.currencies) }}})
	add("countries", map[string]handler{"GET": {salesRead, func(k *call) error { return c.list(k, schemas["CountryApi"], c.countries) }}})
	add("countries/{id}", map[string]handler{"GET": {salesRead, c.oneCountry}})
	add("accounts", map[string]handler{"GET": {accountingRead, func(k *call) error { return c.list(k, schemas["AccountApi"], c.accounts("")) }}})
	add("accounts/{id}", map[string]handler{"GET": {accountingRead, c.accountsOfYear}})
	add("companysettings", map[string]handler{"GET": {salesRead, c.readSettings}, "PUT": {salesWrite, c.updateSettings}})
	return out
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
	writeProblem(w, p, c.dialect.swagger2020)
}

func (c *company) dispatch(w http.ResponseWriter, r *http.Request) error {
	segments := strings.Split(strings.Trim(strings.ToLower(r.URL.Path), "/"), "/")
	for _, rt := range c.routes {
		id, ok := rt.match(segments)
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
		body, err := readBody(r)
		if err != nil {
			return err
		}
		return h.do(&call{w: w, r: r, id: id, body: body})
	}
	w.WriteHeader(http.StatusNotFound)
	return nil
}

func (rt route) match(segments []string) (id string, ok bool) {
	if len(segments) != len(rt.path) {
		return "", false
	}
	for i, p := range rt.path {
		switch {
		case p == "{id}":
			id = segments[i]
		case p != segments[i]:
			return "", false
		}
	}
	return id, true
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
