package sandbox

import (
	"bytes"
	"fmt"
	"io"
	"iter"
	"maps"
	"net/http"
	"strings"
	"time"

	kit "github.com/pomost/pomost/sdk/sandbox"
)

// company is the state of one company and answers its calls. The kit calls it from one goroutine at a time.
type company struct {
	id       string
	country  string
	currency string
	gross    bool
	cp1252   bool
	orders   bool
	dialect  dialects
	years    []administration
	closed   map[string]bool // periods, as 2026-01
	noRight  map[string]bool // by business object: true for all of it, false for writing alone
	now      func() time.Time
	zone     *time.Location
	defs     map[string]*tableDef
	tables   map[string]*table
	count    counters
}

// counters are the numbers given out last.
type counters struct {
	Debtor int         `json:"debtor"`
	Record int         `json:"record"`
	Order  map[int]int `json:"order"` // by year
	Page   map[int]int `json:"page"`
}

func newCompany(env kit.Env) (*company, error) {
	zone, err := time.LoadLocation("Europe/Amsterdam")
	if err != nil {
		return nil, fmt.Errorf("time zone of AccountView: %w", err)
	}
	c := &company{
		id: env.CompanyID, country: env.Set["country"], currency: env.Set["currency"], gross: env.Set["entry"] == "gross",
		cp1252: env.Set["codepage"] == "1252", orders: env.Set["module.orders"] != "off", dialect: dialects{},
		now: env.Now, zone: zone, tables: map[string]*table{},
		count: counters{Debtor: 10000, Order: map[int]int{}, Page: map[int]int{}},
	}
	for name := range strings.SplitSeq(env.Set["dialect"], ",") {
		c.dialect[strings.TrimSpace(name)] = true
	}
	if c.years, err = parseYears(env.Set["years"]); err != nil {
		return nil, err
	}
	if c.closed, err = parsePeriods(env.Set["closed_periods"]); err != nil {
		return nil, err
	}
	if c.noRight, err = parseRights(env.Set["no_right"]); err != nil {
		return nil, err
	}
	if c.defs, err = loadDictionary(c.dialect); err != nil {
		return nil, err
	}
	for name, def := range c.defs {
		c.tables[name] = newTable(def)
	}
	if err := c.seed(); err != nil {
		return nil, err
	}
	return c, c.fill(env.Data)
}

func keysOf[K comparable, V any](m map[K]V) iter.Seq[K] { return maps.Keys(m) }

// ServeHTTP answers a call below /api/v3. Paths are matched without case [C].
func (c *company) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var out bytes.Buffer
	f := c.answer(&out, r)
	if f == nil {
		w.Header().Set("Content-Type", "application/json; charset=utf-8")
		_, _ = w.Write(out.Bytes()) // buffered by the kit
		return
	}
	status := http.StatusOK
	if c.dialect["http_errors"] || f == emptyAnswer {
		status = f.status
	}
	writeFault(w, status, f.msg)
}

func (c *company) answer(out *bytes.Buffer, r *http.Request) *fault {
	c.deliver()
	path := strings.ToLower(strings.Trim(r.URL.Path, "/"))
	method := r.Method
	grant := kit.GrantOf(r.Context())
	if path == "companies" && method == http.MethodGet {
		if !grant.Has(scopeRead, scopeUpdate, scopeDelete) {
			return forbidden("De toepassing heeft geen recht (scope) %s.", scopeRead)
		}
		return c.listCompanies(out)
	}
	switch path {
	case "accountviewdata", "accountviewsystemdata", "accountviewbusinessobjects", "accountviewsystembusinessobjects":
	default:
		return missing("De bron %s bestaat niet.", quote(r.URL.Path))
	}
	if id := strings.TrimSpace(r.Header.Get("x-company")); id == "" {
		return refuse("De header x-company ontbreekt.")
	} else if !strings.EqualFold(strings.Trim(id, "{}"), c.id) {
		return refuse("De onderneming %s bestaat niet of is niet aan deze gebruiker gekoppeld.", quote(id))
	}
	switch {
	case method == http.MethodGet:
		if !grant.Has(scopeRead) {
			return forbidden("De toepassing heeft geen recht (scope) %s.", scopeRead)
		}
		if strings.HasSuffix(path, "businessobjects") {
			return c.listObjects(out, path == "accountviewsystembusinessobjects")
		}
		return c.read(out, r.URL.RawQuery, path == "accountviewsystemdata")
	case path == "accountviewdata" && (method == http.MethodPost || method == http.MethodPut):
		if !grant.Has(scopeUpdate) {
			return forbidden("De toepassing heeft geen recht (scope) %s.", scopeUpdate)
		}
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return refuse("De aanvraag kan niet worden gelezen.")
		}
		return c.write(out, body, method == http.MethodPut)
	}
	return &fault{status: http.StatusMethodNotAllowed, msg: "De methode " + method + " wordt hier niet ondersteund."}
}

// emptyAnswer is the 404 of the dialect empty_404, whatever http_errors says.
var emptyAnswer = missing("Er zijn geen gegevens gevonden.")

// object finds a business object that this company has.
func (c *company) object(code string) *object {
	obj := findObject(code)
	if obj == nil || c.defs[obj.table] == nil {
		return nil
	}
	return obj
}

func (c *company) read(out *bytes.Buffer, rawQuery string, system bool) *fault {
	p, err := parseParams(rawQuery)
	if err != nil {
		return err
	}
	code := p["businessobject"]
	if strings.TrimSpace(code) == "" {
		return refuse("De parameter BusinessObject ontbreekt.")
	}
	obj := c.object(code)
	if obj == nil || system && !obj.system {
		return missing("Het business-object %s bestaat niet.", quote(code))
	}
	if c.noRight[obj.code] {
		return forbidden("U hebt geen recht op de functie %s (%s).", obj.desc, obj.code)
	}
	if obj.orders {
		if !c.orders {
			return forbidden("De module Verkooporders is niet actief: business-object %s is niet beschikbaar.", obj.code)
		}
		if c.dialect["so1_unreadable"] {
			return refuse("Het business-object %s kan niet worden gelezen.", obj.code)
		}
	}
	q, err := c.parseQuery(obj, p)
	if err != nil {
		return err
	}
	if obj.table == "OPENITEM" {
		c.ageItems()
	}
	rows, first := c.run(q)
	if len(rows) == 0 && c.dialect["empty_404"] {
		return emptyAnswer
	}
	c.render(out, q, rows, first)
	return nil
}

// bookYear returns the year administration that BookDate chooses. Without one (clients stopped sending it) that is
// today's; where that does not exist, the last one before today, else the first.
func (c *company) bookYear(bookDate string) (int, *fault) {
	bookDate = strings.TrimSpace(bookDate)
	if bookDate == "" {
		year := c.years[0].year
		for _, a := range c.years {
			if a.year <= c.now().In(c.zone).Year() {
				year = a.year
			}
		}
		return year, nil
	}
	d, ok := parseISO(bookDate)
	if !ok {
		return 0, refuse("BookDate: %s is geen datum.", quote(bookDate))
	}
	for _, a := range c.years {
		if a.year == d.Year() {
			return a.year, nil
		}
	}
	return 0, refuse("Er is geen administratie voor boekjaar %d (missing administration).", d.Year())
}

func (c *company) yearClosed(year int) bool {
	for _, a := range c.years {
		if a.year == year {
			return a.closed
		}
	}
	return true
}

// visible says whether a row is in the administration of that year.
func (c *company) visible(def *tableDef, r *row, year int) bool {
	switch def.scope {
	case yearly:
		return r.year == year
	case master:
		return r.year <= year
	}
	return true
}

// find returns the row with that key in that year, nil where there is none.
func (c *company) find(table, key string, year int) *row {
	t := c.tables[table]
	for _, r := range t.lookup(t.def.key, key) {
		if c.visible(t.def, r, year) {
			return r
		}
	}
	return nil
}

// stamp is the present moment as AccountView writes it: local time without a zone.
func (c *company) stamp() string { return c.now().In(c.zone).Format("2006-01-02T15:04:05") }

func (c *company) nextRecord() string {
	c.count.Record++
	return fmt.Sprintf("%010d", c.count.Record)
}
