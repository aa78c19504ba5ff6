package realdata

import (
	"encoding/json"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/pomost/pomost/internal/harness"
)

// TestChinook: a media shop with customers in 24 countries and no dirt but that of the world: buyers outside the Union who
// pay no VAT, prices with VAT for private persons, payments in dollars, post codes that are missing, years that the books do not have.
func TestChinook(t *testing.T) {
	t.Parallel()
	tr := chinook(t, dataSet(t, "chinook"))
	w := world(t, "2022,2023,2024,2025:closed,2026", map[string]string{"prices_incl_vat": "on"})
	tr.load(t, w)

	// A careful first day: no article for roundings, so what cannot be booked to the cent is held.
	c := checker{t: t, w: w, trade: tr, years: []int{2022, 2023, 2024, 2025, 2026}}
	c.apply(map[string]any{"collective_account": "1210"})
	c.run("first run")
	c.wants("currency", "no_administration", "amounts_differ", "length", "product_missing", "match_ambiguous", "blocked")
	c.sums()

	c.apply(map[string]any{"collective_account": "1210", "rounding_article": "AFRONDING"})
	c.run("with an article for roundings")
	c.lacks("amounts_differ")
	c.sums()
	c.nothingMore()
}

func chinook(t *testing.T, dir string) *trade {
	t.Helper()
	var people []struct {
		CustomerID                                                                     int `json:"CustomerId"`
		FirstName, LastName, Company, Address, City, Country, PostalCode, Phone, Email string
	}
	var invoices []struct {
		InvoiceID   int `json:"InvoiceId"`
		CustomerID  int `json:"CustomerId"`
		InvoiceDate string
	}
	var lines []struct {
		InvoiceID           int `json:"InvoiceId"`
		TrackID             int `json:"TrackId"`
		UnitPrice, Quantity json.Number
	}
	var tracks []struct {
		TrackID   int `json:"TrackId"`
		Name      string
		UnitPrice json.Number
	}
	readJSON(t, filepath.Join(dir, "Customer.json"), &people)
	readJSON(t, filepath.Join(dir, "Invoice.json"), &invoices)
	readJSON(t, filepath.Join(dir, "InvoiceLine.json"), &lines)
	readJSON(t, filepath.Join(dir, "Track.min.json"), &tracks)

	tr := &trade{extra: []string{"AFRONDING"}}
	currency := map[int]string{}
	for _, p := range people {
		c := customer{number: strconv.Itoa(1000 + p.CustomerID), name: p.FirstName + " " + p.LastName, email: p.Email, street: p.Address, postCode: p.PostalCode,
			city: p.City, country: country(t, p.Country), phone: p.Phone}
		if p.Company != "" {
			c.company, c.contact, c.name = true, c.name, p.Company
		}
		if c.postCode == "" {
			c.postCode = "-" // eAccounting demands one
		}
		currency[p.CustomerID] = "EUR"
		if c.country == "US" {
			currency[p.CustomerID] = "USD"
		}
		tr.customers = append(tr.customers, c)
		// The bookkeeper knows every fifth already, writes addresses her own way, and has two who share one.
		switch {
		case p.CustomerID == 10:
			tr.debtors = append(tr.debtors, harness.Object{"ACCT_NAME": clip(c.name, 40), "MAIL_BUS": c.email}, harness.Object{"ACCT_NAME": "Second " + clip(c.name, 30), "MAIL_BUS": strings.ToUpper(c.email)})
		case p.CustomerID == 15:
			tr.debtors = append(tr.debtors, harness.Object{"ACCT_NAME": clip(c.name, 40), "MAIL_BUS": c.email, "REC_BLK": true})
		case p.CustomerID%5 == 0:
			tr.debtors = append(tr.debtors, harness.Object{"ACCT_NAME": clip(c.name, 40), "MAIL_BUS": strings.ToUpper(c.email), "CNT_CODE": c.country})
		}
	}
	sold := map[int]bool{}
	byInvoice := map[int][]row{}
	number := map[int]string{}
	names := map[int]string{}
	for _, tk := range tracks {
		number[tk.TrackID] = strconv.Itoa(tk.TrackID)
		if tk.TrackID%60 == 0 {
			number[tk.TrackID] = clip(tk.Name, 40) // a shop that began with titles for numbers
		}
		names[tk.TrackID] = tk.Name
	}
	for _, l := range lines {
		sold[l.TrackID] = true
		byInvoice[l.InvoiceID] = append(byInvoice[l.InvoiceID], row{article: number[l.TrackID], text: names[l.TrackID], quantity: l.Quantity, price: l.UnitPrice})
	}
	for _, tk := range tracks {
		if sold[tk.TrackID] {
			tr.articles = append(tr.articles, article{number: number[tk.TrackID], name: tk.Name, price: tk.UnitPrice.String(), rate: "21", books: tk.TrackID%500 != 1})
		}
	}
	for _, i := range invoices {
		o := order{reference: strconv.Itoa(i.InvoiceID), date: i.InvoiceDate[:10], customer: strconv.Itoa(1000 + i.CustomerID), currency: currency[i.CustomerID],
			rows: byInvoice[i.InvoiceID]}
		o.status, o.actions = fate(len(tr.orders))
		tr.orders = append(tr.orders, o)
	}
	return tr
}

// fate deals out the statuses in which a shop's orders are at any moment.
func fate(n int) (status int, actions []string) {
	switch n % 12 {
	case 3:
		return 1, nil // a draft, not wanted yet
	case 5:
		return 1, []string{"converteddrafttoorder"}
	case 7:
		return 2, []string{"completed"}
	case 8:
		return 3, nil
	case 9, 10:
		return 2, []string{"completed", "convert"}
	case 11:
		return 2, []string{"completed", "voided"} // the shipment is taken back
	}
	return 2, nil
}
