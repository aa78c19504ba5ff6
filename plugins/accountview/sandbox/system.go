// Package sandbox emulates one company in AccountView behind the AccountView.net Web API.
//
// It follows /facts: what clients and dictionary dumps show is done as they show it; what is unknown is one plausible
// reading by default and another in a dialect (--set dialect=…). Tables and fields are in dictionary.tsv. It shares
// nothing with the connector, so that the two cannot merely agree.
package sandbox

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
	_ "time/tzdata" // stamps are in Dutch local time, on machines without a zone database as well

	kit "github.com/pomost/pomost/sdk/sandbox"
)

// The scopes seen in clients [C PHP, NG].
const (
	scopeRead   = "readaccountviewdata"
	scopeUpdate = "updateaccountviewdata"
	scopeDelete = "deleteaccountviewdata"
)

// CompanyID is the Id of the company in /companies, which calls carry as x-company; its Code is CompanyCode.
const (
	CompanyID   = "3f0c2d6a-9a51-4e0e-8f63-2f5d7b1c9e10"
	CompanyCode = "DEMO"
)

// dialects are the names that --set dialect holds.
type dialects map[string]bool

// dialectNames are the plausible variants of what the facts leave open; several can be combined.
var dialectNames = []string{
	"default",
	"http_errors",         // errors come as 4xx instead of 200
	"empty_404",           // a read that finds nothing answers 404 [PAS treats it so]
	"so1_unreadable",      // SO1 takes orders but cannot be read
	"echo_none",           // a write answers {}
	"px2",                 // prices keep 2 decimals, rounded without a word
	"qty2",                // ordered quantities keep 2 decimals, rounded without a word
	"year_masters",        // a debtor, address or article exists from the year on in which it was made
	"so_rich",             // SO_HDR and SO_LINE have the fields of their sister tables
	"article_rich",        // ARTICLE has EAN, texts, unit, VAT code and a block, as custom fields
	"article_two_eans",    // ARTICLE has a second field that is labelled as a bar code
	"so_sent",             // SO_LINE has the quantity that was sent, as a custom field
	"reservations",        // ARTICLE has the quantity reserved for sales orders, as a custom field
	"no_qty_avail",        // ARTICLE lacks QTY_AVAIL
	"single_object",       // a lone row comes as an object instead of an array of one
	"missing_key",         // an empty table is left out of the answer
	"put_clears",          // a PUT empties the fields that it omits
	"case_sensitive_mail", // Equal on MAIL_BUS minds the case
	"foreign_vat",         // a domestic VAT code is refused for a debtor whose VAT number is foreign
	"debtor_discount",     // the debtor's own discount is taken off the price of an order line
	"contact_tidied",      // debtors are stored with names and places in capitals, addresses cut at 30 characters, telephones without spaces
	"order_history",       // an order leaves SO1 for the history on the day after its delivery date
	"joined_dot",          // columns of a joined table are answered as TABLE.FIELD
	"code_tables",         // payment conditions, shipping methods and warehouses have tables, under made-up names
	"equal_prefix",        // Equal on a text finds what begins with the value
	"padded_filters",      // Equal on a key finds it only by its full width
	"no_match_any",        // MatchAnyFilter is ignored: all filters must hold
	"no_last_key",         // LastKey is ignored
	"lines_nested",        // lines come inside their header
	"strict_fields",       // a column that does not exist is refused instead of left out of the answer
	"short_dates",         // dates are answered without a time
	"retry_after",         // a 429 says how long to wait
	"vat_per_line",        // order totals round the VAT of each line
}

// System describes the AccountView sandbox to the kit.
func System() kit.System {
	tellsWait := false // dialect retry_after, once the company is made
	return kit.System{
		Name:          "accountview",
		BasePath:      "/api/v3",
		AuthorizePath: "/ams/authorize.aspx",
		TokenPath:     "/api/v3/token",
		CompanyID:     CompanyID,
		Settings: []kit.Setting{
			{Key: "country", Default: "NL", Values: slices.Sorted(keysOf(vatRates)), Help: "country of the company; sets its VAT codes"},
			{Key: "currency", Default: "EUR", Help: "currency of the company, ISO code", Check: checkCurrency},
			{Key: "years", Default: "2025,2026,2027", Help: "year administrations; 2025:closed takes no documents", Check: checkYears},
			{Key: "entry", Default: "net", Values: []string{"net", "gross"}, Help: "prices without or with VAT (GROSS_FLG of daybook 700)"},
			{Key: "codepage", Default: "utf8", Values: []string{"utf8", "1252"}, Help: "1252: other characters become question marks"},
			{Key: "closed_periods", Default: "", Help: "periods that take no daybook pages, as in 2026-01,2026-02", Check: checkPeriods},
			{Key: "module.orders", Default: "on", Values: []string{"on", "off"}, Help: "the order module (SO1)"},
			{Key: "no_right", Default: "", Help: "functions that the user may not use, as in SO1,DJ2:write,FLD; with :write they may be read", Check: checkRights},
			{Key: "dialect", Default: "default", Values: dialectNames, List: true, Help: "variants of what is unknown, comma separated"},
		},
		Scopes:       []string{scopeRead, scopeUpdate},
		KnownScopes:  []string{scopeRead, scopeUpdate, scopeDelete},
		TokenLife:    time.Hour,
		Replays:      true,
		Implicit:     true, // a browser application asks so [C NG]
		Unauthorized: unauthorized,
		Garbage:      garbage,
		StatusError:  statusError,
		RateLimited: func(w http.ResponseWriter, r *http.Request, wait time.Duration) {
			if tellsWait {
				w.Header().Set("Retry-After", strconv.Itoa(int((wait+time.Second-1)/time.Second)))
			}
			statusError(w, r, http.StatusTooManyRequests)
		},
		ObjectOf: objectOf,
		New: func(env kit.Env) (kit.Company, error) {
			tellsWait = env.Has("dialect", "retry_after")
			c, err := newCompany(env)
			if err != nil {
				return nil, err
			}
			return c, nil
		},
	}
}

// unauthorized is what an ASP.NET Web API says of a dead token; clients look only at the 401 (facts B4).
func unauthorized(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(http.StatusUnauthorized)
	_, _ = io.WriteString(w, `{"Message":"Authorization has been denied for this request."}`)
}

func garbage(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/html")
	w.WriteHeader(http.StatusBadGateway)
	_, _ = io.WriteString(w, "<html><head><title>502 Bad Gateway</title></head>\n<body><h1>502 Bad Gateway</h1>\n"+
		"<p>Visma On Premises Gateway: the server of the customer did not answer.</p></body></html>\n")
}

func statusError(w http.ResponseWriter, _ *http.Request, status int) {
	writeFault(w, status, fmt.Sprintf("De aanvraag kan niet worden verwerkt (%d %s).", status, http.StatusText(status)))
}

// objectOf finds the business object that a call names, in its query or in its body, without case.
func objectOf(r *http.Request, body []byte) string {
	if p, err := parseParams(r.URL.RawQuery); err == nil && p["businessobject"] != "" {
		return strings.ToUpper(strings.TrimSpace(p["businessobject"]))
	}
	if r.Method != http.MethodPost && r.Method != http.MethodPut {
		return ""
	}
	var top struct{ BusinessObject string } // encoding/json matches members without case
	if json.Unmarshal(body, &top) != nil {
		return ""
	}
	return strings.ToUpper(strings.TrimSpace(top.BusinessObject))
}

func checkCurrency(s string) error {
	if len(s) != 3 || strings.Trim(s, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") != "" {
		return fmt.Errorf("%q is not a currency code such as EUR", s)
	}
	return nil
}

func checkRights(s string) error {
	_, err := parseRights(s)
	return err
}

// parseRights reads the functions that the user lacks: true for all of it, false for writing alone.
func parseRights(s string) (map[string]bool, error) {
	out := map[string]bool{}
	for part := range strings.SplitSeq(s, ",") {
		if part = strings.TrimSpace(part); part == "" {
			continue
		}
		code, word, has := strings.Cut(part, ":")
		if findObject(code) == nil || has && word != "write" {
			return nil, fmt.Errorf("%q is not a business object such as SO1 or SO1:write", part)
		}
		out[findObject(code).code] = !has
	}
	return out, nil
}

func checkYears(s string) error {
	_, err := parseYears(s)
	return err
}

func checkPeriods(s string) error {
	_, err := parsePeriods(s)
	return err
}

// administration is one fiscal year of the company (facts 13).
type administration struct {
	year   int
	closed bool
}

func parseYears(s string) ([]administration, error) {
	var out []administration
	for part := range strings.SplitSeq(s, ",") {
		digits, word, has := strings.Cut(strings.TrimSpace(part), ":")
		y, err := strconv.Atoi(digits)
		if err != nil || y < 1990 || y > 2100 || has && word != "closed" {
			return nil, fmt.Errorf("%q is not a year such as 2026 or 2025:closed", part)
		}
		if slices.ContainsFunc(out, func(a administration) bool { return a.year == y }) {
			return nil, fmt.Errorf("year %d is given twice", y)
		}
		out = append(out, administration{year: y, closed: has})
	}
	slices.SortFunc(out, func(a, b administration) int { return a.year - b.year })
	return out, nil
}

func parsePeriods(s string) (map[string]bool, error) {
	out := map[string]bool{}
	for part := range strings.SplitSeq(s, ",") {
		if part = strings.TrimSpace(part); part == "" {
			continue
		}
		if _, err := time.Parse("2006-01", part); err != nil {
			return nil, fmt.Errorf("%q is not a period such as 2026-01", part)
		}
		out[part] = true
	}
	return out, nil
}
