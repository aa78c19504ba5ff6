package sandbox

import (
	_ "embed"
	"math/big"
	"slices"
	"strings"
	"time"
)

//go:embed countries.tsv
var countryTable string

// country is what the company's country decides.
type country struct {
	code string
	zone *time.Location
	// rates are the VAT rates of its codings, the standard rate first.
	rates []string
	// revenue is the first revenue account; each coding has one of its own after it.
	bank, receivables, vatAccount, revenue int64
}

// standardRates are the VAT rates that a private buyer in another country of the Union pays under OSS: the country's
// standard rate at the end of 2026. The keys are the members of the Union.
var standardRates = map[string]string{
	"AT": "20", "BE": "21", "BG": "20", "HR": "25", "CY": "19", "CZ": "21", "DK": "25", "EE": "24", "FI": "25.5",
	"FR": "20", "DE": "19", "GR": "24", "HU": "27", "IE": "23", "IT": "22", "LV": "21", "LT": "21", "LU": "17", "MT": "18",
	"NL": "21", "PL": "23", "PT": "23", "RO": "21", "SK": "23", "SI": "22", "ES": "21", "SE": "25",
}

// homeRates are the rates of the codings where there are more than the standard rate and zero.
var homeRates = map[string][]string{
	"NL": {"21", "9", "0"}, "SE": {"25", "12", "6", "0"}, "NO": {"25", "15", "12", "0"}, "FI": {"25.5", "13.5", "10", "0"},
	"BE": {"21", "12", "6", "0"}, "DE": {"19", "7", "0"}, "FR": {"20", "10", "5.5", "0"}, "PL": {"23", "8", "5", "0"},
	"GB": {"20", "5", "0"}, "DK": {"25", "0"},
}

var zones = map[string]string{
	"NL": "Europe/Amsterdam", "SE": "Europe/Stockholm", "NO": "Europe/Oslo", "FI": "Europe/Helsinki", "DK": "Europe/Copenhagen",
	"BE": "Europe/Brussels", "DE": "Europe/Berlin", "FR": "Europe/Paris", "PL": "Europe/Warsaw", "GB": "Europe/London",
}

// countryCodes are the countries that a company may have.
func countryCodes() []string {
	var out []string
	for c := range standardRates {
		out = append(out, c)
	}
	for c := range homeRates {
		if !slices.Contains(out, c) {
			out = append(out, c)
		}
	}
	slices.Sort(out)
	return out
}

func countryRules(code string) country {
	c := country{code: code, zone: time.UTC, rates: homeRates[code], bank: 1930, receivables: 1510, vatAccount: 2610, revenue: 3000}
	if code == "NL" {
		c.bank, c.receivables, c.vatAccount, c.revenue = 1100, 1300, 1500, 8000
	}
	if c.rates == nil {
		c.rates = []string{standardRates[code], "0"}
	}
	// A machine without time zones still gets a sandbox; only "today" can then be off around midnight.
	if zone, err := time.LoadLocation(zones[code]); err == nil {
		c.zone = zone
	}
	return c
}

func inUnion(code string) bool { return standardRates[code] != "" }

// currencyCodes are the currencies that the company knows, with euroRates to tell their worth.
var currencyCodes = []string{
	"AUD", "BGN", "BRL", "CAD", "CHF", "CNY", "CZK", "DKK", "EUR", "GBP", "HKD", "HUF", "IDR", "ILS", "INR", "ISK", "JPY",
	"KRW", "MXN", "MYR", "NOK", "NZD", "PHP", "PLN", "RON", "SEK", "SGD", "THB", "TRY", "USD", "ZAR",
}

// euroRates is roughly what one unit is worth in euros: enough for an amount in base currency to differ as it should.
var euroRates = map[string]string{
	"EUR": "1", "SEK": "0.0875", "NOK": "0.085", "DKK": "0.134", "GBP": "1.15", "USD": "0.92", "CHF": "1.05", "PLN": "0.235",
	"CZK": "0.04", "HUF": "0.0025", "RON": "0.2", "BGN": "0.511", "ISK": "0.0067", "AUD": "0.6", "CAD": "0.66", "NZD": "0.55",
	"JPY": "0.006", "ZAR": "0.049", "CNY": "0.127", "HKD": "0.118", "INR": "0.0107", "BRL": "0.165", "MXN": "0.049",
	"IDR": "0.000057", "ILS": "0.25", "KRW": "0.00066", "MYR": "0.205", "PHP": "0.016", "SGD": "0.69", "THB": "0.027", "TRY": "0.026",
}

// exchangeRate is how many units of the company's currency one unit of code is worth, to six places.
func (c *company) exchangeRate(code string) *big.Rat {
	home := c.env.Set["currency"]
	if code == home {
		return one
	}
	return round(quo(mustRat(euroRates[code]), mustRat(euroRates[home])), 6)
}

func knownCurrency(code string) bool { return euroRates[code] != "" }

// makeCountries reads the list of countries.
func makeCountries() []*record {
	var out []*record
	for line := range strings.Lines(countryTable) {
		code, name, ok := strings.Cut(strings.TrimSpace(line), "\t")
		if !ok || code[0] == '#' {
			continue
		}
		out = append(out, newRecord(schemas["CountryApi"]).with("Code", code, "Name", name, "IsEuMember", inUnion(code)))
	}
	return out
}
