package sandbox

import (
	"fmt"
	"net/http"
	"strings"
	"time"
)

// fillBasics gives the company what every one has after its start-up guide: settings, codings, units, terms, years, one
// bank account. Their ids are the same at every start.
func (c *company) fillBasics() error {
	c.countries = makeCountries()
	for _, code := range currencyCodes {
		c.currencies = append(c.currencies, newRecord(schemas["CurrencyApi"]).with("Code", code))
	}
	c.addTerms()
	c.addCodings()
	for _, u := range []struct{ code, name, english, short, shortEnglish string }{
		{"C62", "stuk", "piece", "st", "pcs"}, {"HUR", "uur", "hour", "uur", "h"}, {"KGM", "kilogram", "kilogram", "kg", "kg"},
		{"MTR", "meter", "metre", "m", "m"}, {"BX", "doos", "box", "ds", "box"},
	} {
		name, short := u.name, u.short
		if c.country.code != "NL" {
			name, short = u.english, u.shortEnglish
		}
		c.add("units", u.code, "Name", name, "Code", u.code, "Abbreviation", short, "AbbreviationEnglish", u.shortEnglish)
	}
	for _, m := range []struct{ code, dutch, english string }{{"POST", "Pakketpost", "Parcel post"}, {"PICKUP", "Afhalen", "Pick-up"}} {
		c.add("deliverymethods", m.code, "Name", c.local(m.dutch, m.english), "NameEnglish", m.english, "Code", m.code)
	}
	for _, m := range []struct{ code, name string }{{"DAP", "Delivered at place"}, {"EXW", "Ex works"}} {
		c.add("deliveryterms", m.code, "Name", m.name, "Code", m.code)
	}
	years, err := yearsOf(c.env.Set["years"], c.today().Year())
	if err != nil {
		return err
	}
	for _, y := range years {
		c.add("fiscalyears", fmt.Sprint(y), "StartDate", time.Date(y, 1, 1, 0, 0, 0, 0, time.UTC), "EndDate", time.Date(y, 12, 31, 0, 0, 0, 0, time.UTC))
	}
	c.add("bankaccounts", "main", "BankAccountType", int64(1), "BankAccountTypeDescription", "ChequeAccount", "Bban", "0417164300",
		"Iban", "NL91ABNA0417164300", "Name", "Bank", "IsActive", true, "LedgerAccountNumber", c.country.bank,
		"IsDefaultChequeAccount", true, "CurrencyCode", c.env.Set["currency"], "ModifiedUtc", c.stamp())
	c.numbers = map[string]int64{"customer": 1001, "order": 1, "invoice": 1, "article": 1, "quote": 1, "pricelist": 2}
	c.addDimensions()
	c.addPriceLists()
	c.makeSettings()
	return nil
}

// add puts a record of the basics into its table.
func (c *company) add(tableName, key string, pairs ...any) *record {
	t := c.table(tableName)
	r := newRecord(t.schema).with("Id", c.fixedUUID(tableName, key)).with(pairs...)
	t.add(r)
	return r
}

func (c *company) local(dutch, english string) string {
	if c.country.code == "NL" {
		return dutch
	}
	return english
}

// termsDays are the normal terms by days; termsOther the types 1 to 5 [OA26 TermsOfPaymentTypeId].
var (
	termsDays  = []int64{30, 14, 7, 60, 0}
	termsOther = []struct{ dutch, english string }{
		{"Einde maand", "Current month"}, {"Contant", "Cash"}, {"Kaartbetaling", "Card payment"},
		{"Digitale portemonnee", "Digital wallet"}, {"Betaalprovider", "Payment service provider"},
	}
)

func (c *company) addTerms() {
	for _, days := range termsDays {
		c.add("termsofpayments", fmt.Sprint("days", days), "Name", c.local(fmt.Sprintf("%d dagen netto", days), fmt.Sprintf("%d days net", days)),
			"NameEnglish", fmt.Sprintf("%d days net", days), "NumberOfDays", days, "TermsOfPaymentTypeId", int64(0),
			"TermsOfPaymentTypeText", "Normal", "AvailableForSales", true, "AvailableForPurchase", true)
	}
	for i, t := range termsOther {
		c.add("termsofpayments", fmt.Sprint("type", i+1), "Name", c.local(t.dutch, t.english), "NameEnglish", t.english,
			"TermsOfPaymentTypeId", int64(i+1), "TermsOfPaymentTypeText", t.english, "AvailableForSales", true)
	}
}

// addCodings makes one coding for goods and one for services of each rate, and the VAT codes beside them.
func (c *company) addCodings() {
	for i, rate := range c.country.rates {
		for j, kind := range []string{"Goods", "Service"} {
			account := c.country.revenue + int64(10*i+5*j)
			c.add("articleaccountcodings", kind+rate, "Name", c.local(map[string]string{"Goods": "Goederen", "Service": "Diensten"}[kind], kind)+" "+rate+"%",
				"NameEnglish", kind+" "+rate+"%", "Type", kind, "VatRate", rate+"%", "IsActive", true, "VatRatePercent", newNum(mustRat(rate)),
				"DomesticSalesSubjectToVatAccountNumber", account, "DomesticSalesVatExemptAccountNumber", account,
				"DomesticSalesVatCodeExemptAccountNumber", account, "ForeignSalesSubjectToMossAccountNumber", c.country.revenue+80,
				"ForeignSalesSubjectToThirdPartySalesAccountNumber", c.country.revenue+81, "ForeignSalesSubjectToVatWithinEuAccountNumber", c.country.revenue+82,
				"ForeignSalesVatExemptOutsideEuAccountNumber", c.country.revenue+83, "ForeignSalesVatExemptWithinEuAccountNumber", c.country.revenue+84,
				"ChangedUtc", c.stamp())
		}
		c.add("vatcodes", rate, "Code", fmt.Sprint(i+1), "Description", "VAT "+rate+"%", "VatRate", newNum(mustRat(rate)))
	}
}

// accounts are the ledger accounts of one fiscal year, or of all.
func (c *company) accounts(year string) []*record {
	type account struct {
		number int64
		name   string
	}
	list := []account{
		{c.country.bank, "Bank"}, {c.country.receivables, c.local("Debiteuren", "Receivables")},
		{c.country.vatAccount, c.local("Af te dragen btw", "VAT payable")},
	}
	for _, k := range c.table("articleaccountcodings").order {
		list = append(list, account{k.integer("DomesticSalesSubjectToVatAccountNumber"), c.local("Omzet ", "Sales ") + k.str("Name")})
	}
	for i, name := range []string{"OSS", "EU third party", "EU with VAT", "outside EU", "EU without VAT"} {
		list = append(list, account{c.country.revenue + 80 + int64(i), c.local("Omzet ", "Sales ") + name})
	}
	var out []*record
	for _, y := range c.table("fiscalyears").order {
		if year != "" && y.str("Id") != year {
			continue
		}
		for _, a := range list {
			out = append(out, newRecord(schemas["AccountApi"]).with("Name", a.name, "Number", fmt.Sprint(a.number), "FiscalYearId", y.str("Id"), "IsActive", true))
		}
	}
	return out
}

func (c *company) accountsOfYear(k *call) error {
	if c.table("fiscalyears").byID[k.id] == nil {
		return unknownPath("FiscalYear", k.id)
	}
	return c.list(k, schemas["AccountApi"], c.accounts(k.id))
}

func (c *company) oneCountry(k *call) error {
	for _, r := range c.countries {
		if strings.EqualFold(r.str("Code"), k.id) {
			c.reply(k, http.StatusOK, r)
			return nil
		}
	}
	return unknownPath("Country", k.id)
}

// createSimple, updateSimple and deleteSimple serve the resources that are no more than a name: labels, delivery
// methods and terms.
func (c *company) createSimple(tableName string, status int) func(*call) error {
	return func(k *call) error {
		t := c.table(tableName)
		r, err := c.read(k, t.schema)
		if err != nil {
			return err
		}
		if r.str("Name") == "" {
			return invalid("Name", "Required", "The Name field is required.")
		}
		r.set("Id", c.newID())
		t.add(r)
		if status == http.StatusCreated {
			c.created(k, r)
			return nil
		}
		c.reply(k, status, r)
		return nil
	}
}

func (c *company) updateSimple(tableName, what string) func(*call) error {
	return func(k *call) error {
		old, err := c.byPath(k, tableName, what)
		if err != nil {
			return err
		}
		r, err := c.read(k, old.schema)
		if err != nil {
			return err
		}
		r.set("Id", k.id)
		c.table(tableName).put(old, r)
		c.updated(k, r)
		return nil
	}
}

func (c *company) deleteSimple(tableName, what string) func(*call) error {
	return func(k *call) error {
		r, err := c.byPath(k, tableName, what)
		if err != nil {
			return err
		}
		c.table(tableName).remove(r)
		k.w.WriteHeader(http.StatusOK)
		return nil
	}
}
