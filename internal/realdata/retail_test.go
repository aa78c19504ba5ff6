package realdata

import (
	"encoding/json"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/pomost/pomost/internal/harness"
)

// TestOnlineRetail: four days of a real gift shop, with all its dirt: credit invoices (C…), negative quantities, stock
// corrections at no price and without a customer, articles that are none (POST, D, M, C2, gift_0001_50), numbers that differ
// only in their letters' case, descriptions that are empty or a question mark, orders of 592 rows.
func TestOnlineRetail(t *testing.T) {
	t.Parallel()
	tr := onlineRetail(t, dataSet(t, "online-retail"))
	w := world(t, "2010,2011", nil)
	tr.load(t, w)
	if len(tr.twins) == 0 {
		t.Error("the data has article numbers that differ only in case, but eAccounting took them all")
	}

	c := checker{t: t, w: w, trade: tr, years: []int{2010, 2011}}
	c.apply(map[string]any{"collective_account": "1210", "collective_customers": []any{guest}})
	c.run("first run")
	c.wants("match_none", "product_missing")
	c.sums()

	// The bookkeeper reads the inbox, sets what it asks for, and the rest goes.
	c.settings["default_debtor"] = c.debtor("DIVERSEN")
	c.settings["shipping"] = map[string]any{"articles": []any{"POST", "DOT", "C2"}, "article": "VERZEND"}
	c.freight = map[string]string{"POST": "VERZEND", "DOT": "VERZEND", "C2": "VERZEND"}
	c.apply(c.settings)
	c.run("with a debtor for guests and an article for freight")
	c.wants("product_missing")
	c.lacks("match_none")
	c.sums()
	c.nothingMore()
}

// guest is the number of the shop's customer for sales without a name.
const guest = "GASTEN"

func onlineRetail(t *testing.T, dir string) *trade {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "data", "retail-data", "by-day", "*.csv"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no files in %s: %v", dir, err)
	}
	slices.Sort(files)
	tr := &trade{extra: []string{"VERZEND"}}
	tr.customers = append(tr.customers, customer{number: guest, name: "Losse verkoop", postCode: "-", city: "-", country: "NL"})
	tr.debtors = append(tr.debtors, harness.Object{"ACCT_NAME": "DIVERSEN"})
	have, at := map[string]bool{}, map[string]int{}
	articleAt := map[string]int{}
	seen := map[string]int{}
	for _, file := range files {
		for _, line := range readCSV(t, file) {
			number, buyer, invoice := line["StockCode"], strings.TrimSuffix(line["CustomerID"], ".0"), line["InvoiceNo"]
			if buyer == "" {
				buyer = guest
			} else if !have[buyer] {
				c := customer{number: buyer, name: "Klant " + buyer, email: "klant" + buyer + "@shop.example", street: "Straat " + buyer[2:], postCode: "-",
					city: line["Country"], country: home(t, line["Country"]), company: buyer[len(buyer)-1] == '7'}
				if n := len(have); n%10 == 9 {
					c.email = "" // the shop never asked
				} else if n%4 == 0 {
					tr.debtors = append(tr.debtors, harness.Object{"ACCT_NAME": c.name, "MAIL_BUS": strings.ToUpper(c.email), "CNT_CODE": c.country})
				}
				tr.customers = append(tr.customers, c)
			}
			have[buyer] = true
			name := strings.TrimSpace(line["Description"])
			i, known := articleAt[number]
			if !known {
				i, articleAt[number] = len(tr.articles), len(tr.articles)
				tr.articles = append(tr.articles, article{number: number, price: line["UnitPrice"], rate: rateOf(name), books: !noArticle(number)})
			}
			if tr.articles[i].name == "" || tr.articles[i].name == "?" {
				tr.articles[i].name = name
			}
			n, known := at[invoice]
			if !known {
				n, at[invoice] = len(tr.orders), len(tr.orders)
				o := order{reference: invoice, date: line["InvoiceDate"][:10], customer: buyer, currency: "EUR"}
				o.status, o.actions = fate(n)
				tr.orders = append(tr.orders, o)
			}
			r := row{article: number, text: name, quantity: json.Number(line["Quantity"]), price: json.Number(line["UnitPrice"])}
			// What the data has in it: counted, so that a smaller excerpt cannot make the test say less.
			for what, is := range map[string]bool{"a negative quantity": strings.HasPrefix(line["Quantity"], "-"), "a price of nothing": strings.Trim(line["UnitPrice"], "0.") == "",
				"a credit line": strings.HasPrefix(invoice, "C"), "a line without a customer": buyer == guest, "no article": noArticle(number), "no description": name == "" || name == "?"} {
				if is {
					seen[what]++
				}
			}
			tr.orders[n].rows = append(tr.orders[n].rows, r)
		}
	}
	for i := range tr.articles {
		if a := &tr.articles[i]; a.name == "" || a.name == "?" {
			a.name, a.books = "onbekend "+a.number, false // nobody enters an article without knowing what it is
		}
	}
	if len(seen) != 6 {
		t.Errorf("the data has only %v", seen)
	}
	t.Logf("%d lines: %v", len(tr.orders), seen)
	return tr
}

// noArticle: the numbers of goods begin with five digits; POST, D, M and the like are the shop's own words.
func noArticle(number string) bool {
	_, err := strconv.Atoi(number[:min(5, len(number))])
	return err != nil || len(number) < 5
}

// rateOf gives some goods the low rate, so that most orders have two.
func rateOf(name string) string {
	for _, word := range []string{"BOOK", "CARD", "CHOC", "TEA ", "COFFEE", "CAKE", "MAGIC"} {
		if strings.Contains(name, word) {
			return "9"
		}
	}
	return "21"
}

// home moves the shop from Britain to the Netherlands, where the sandbox's company is, so that its sales at home bear VAT.
func home(t *testing.T, name string) string {
	t.Helper()
	if name == "United Kingdom" {
		return "NL"
	}
	return country(t, name)
}
