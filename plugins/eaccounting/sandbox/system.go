// Package sandbox emulates a company in Visma eAccounting (Spiris Bokföring & Fakturering): its REST API v2 as the
// vendor's specifications and clients show it.
//
// Marks at facts: [OA26] the OpenAPI of September 2026, [SW20] the swagger of June 2020, [DOC] the vendor's developer
// pages, [SBX] measured by others against the vendor's own sandbox. Where these leave a question open, the choice made
// here is said at its place, and a dialect offers another one where it matters to a caller.
package sandbox

import (
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/pomost/pomost/sdk/sandbox"
)

// companyID is the CompanyIdentifier of the sandbox's company.
const companyID = "7d4c0f1e-52a6-4b38-9c1d-e0a1c5b0de01"

// defaultRate is the vendor's limit of calls a minute, per client and endpoint [DOC rate-limits].
const defaultRate = 600

// System describes eAccounting to the sandbox kit.
func System() sandbox.System {
	return sandbox.System{
		Name: "eaccounting", BasePath: "/v2", AuthorizePath: "/connect/authorize", TokenPath: "/connect/token", RevokePath: "/connect/revocation",
		CompanyID: companyID,
		Settings: []sandbox.Setting{
			{Key: "country", Default: "NL", Values: countryCodes(), Help: "the company's country: codings, VAT rates, time zone"},
			{Key: "currency", Default: "EUR", Values: currencyCodes, Help: "the company's currency"},
			{Key: "prices_incl_vat", Default: "off", Values: []string{"off", "on"}, Help: "documents of private customers have IncludesVat"},
			{Key: "rounding", Default: "0", Values: []string{"0", "1"}, Help: "1: totals are rounded to whole units of the company's currency"},
			{Key: "module.stock", Default: "off", Values: []string{"off", "on"}, Help: "the stock module: StockBalance is read-only and moves by documents"},
			{Key: "variant", Default: "pro", Values: variantNames(), Help: "the product variant"},
			{Key: "years", Check: checkYears, Help: "the fiscal years, separated by commas; empty: from three years ago to next year"},
			{Key: "locked_to", Check: checkDay, Help: "the day up to which the books are locked; empty: none"},
			{Key: "status", Default: "active", Values: []string{"active", "inactive", "read_only"}, Help: "the state of the company"},
			{Key: "user", Default: "full", Values: []string{"full", "read_only"}, Help: "what the user who consents may do in the company"},
			{Key: "dialect", Default: "default", Values: dialectNames(), List: true, Help: "plausible variants of what is unknown, separated by commas"},
		},
		Scopes:       []string{"ea:api", "ea:sales", "ea:purchase", "ea:accounting", "offline_access"},
		KnownScopes:  []string{"ea:api", "ea:sales", "ea:sales_readonly", "ea:purchase", "ea:purchase_readonly", "ea:accounting", "ea:accounting_readonly", "vls:api", "offline_access", "openid", "profile", "email"},
		OfflineScope: "offline_access",
		TokenLife:    time.Hour,
		RefreshLife:  2 * 365 * 24 * time.Hour, // [CLIENT, ?]
		DefaultRate:  defaultRate,
		Replays:      true,
		RateLimited:  rateLimited,
		Unauthorized: unauthorized,
		Garbage:      garbage,
		StatusError:  statusError,
		New:          newCompany,
	}
}

func checkYears(value string) error {
	_, err := yearsOf(value, 2000)
	return err
}

func checkDay(value string) error {
	if value == "" {
		return nil
	}
	if _, err := time.Parse(dateLayout, value); err != nil {
		return fmt.Errorf("%q is no day such as 2026-12-31", value)
	}
	return nil
}

// yearsOf reads the setting years; this is the present one.
func yearsOf(value string, this int) ([]int, error) {
	if value == "" {
		return []int{this - 3, this - 2, this - 1, this, this + 1}, nil
	}
	var out []int
	for text := range strings.SplitSeq(value, ",") {
		year, err := strconv.Atoi(strings.TrimSpace(text))
		if err != nil || year < 1900 || year > 2200 {
			return nil, fmt.Errorf("%q is no year", text)
		}
		out = append(out, year)
	}
	slices.Sort(out)
	return slices.Compact(out), nil
}

// variants are the product variants with their numbers [OA26 CompanySettingsApi.ProductVariant].
var variants = []struct {
	name   string
	number int64
	orders bool // has orders [SW20: Pro, Standard, Invoicing]
}{
	{"standard", 1, true}, {"invoicing", 2, true}, {"bookkeeping", 3, false}, {"solo", 4, false}, {"pro", 5, true},
}

func variantNames() []string {
	out := make([]string, 0, len(variants))
	for _, v := range variants {
		out = append(out, v.name)
	}
	return out
}

// garbage is what a gateway in front of the API says when nothing behind it answers.
func garbage(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/html")
	w.WriteHeader(http.StatusBadGateway)
	fmt.Fprint(w, strings.TrimSpace(`
<html>
<head><title>502 Bad Gateway</title></head>
<body>
<center><h1>502 Bad Gateway</h1></center>
<hr><center>Microsoft-Azure-Application-Gateway/v2</center>
</body>
</html>`)+"\r\n")
}
