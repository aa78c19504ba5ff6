package realdata

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/pomost/pomost/internal/harness"
)

// trade is a data set as a shop and its bookkeeper would have entered it.
type trade struct {
	customers []customer
	articles  []article
	orders    []order
	// debtors are those that the bookkeeper has already, by the fields of CONTACT; extra are articles of the bookkeeper's own.
	debtors []harness.Object
	extra   []string
	// twins are article numbers that eAccounting refused because another has them in other letters, and how they were entered then.
	twins map[string]string
}

type customer struct {
	number, name, email, street, postCode, city, country, phone, contact string
	company                                                              bool
}

type article struct {
	number, name, price, rate string
	// books: the bookkeeper has the article too.
	books bool
}

type order struct {
	reference, date, customer, currency string
	status                              int      // as posted: 1 draft, 2 ongoing, 3 shipped
	actions                             []string // of the API, afterwards
	rows                                []row
}

type row struct {
	article, text   string
	quantity, price json.Number
	discount        json.Number // fraction
	comment         bool
}

// loader enters a trade into both systems through their APIs.
type loader struct {
	t     *testing.T
	w     *harness.World
	ids   map[string]string // customers and articles: number → Id
	calls int
}

func (l *loader) shop(method, path string, body any) harness.Object {
	l.t.Helper()
	answer, err := l.w.EA.Call(l.t.Context(), method, path, body)
	if err != nil {
		l.t.Fatalf("eAccounting refuses the data: %v", err)
	}
	l.calls++
	return answer
}

// load enters everything, then restarts both systems with the limits that they have in life.
func (tr *trade) load(t *testing.T, w *harness.World) {
	t.Helper()
	l := &loader{t: t, w: w, ids: map[string]string{}}
	tr.twins = map[string]string{}
	l.customers(tr)
	l.articles(tr)
	l.orders(tr)
	l.books(tr)
	for _, s := range []*harness.System{w.EA, w.AV} {
		if err := s.Restart(t.Context(), 0); err != nil {
			t.Fatal(err)
		}
	}
	t.Logf("entered by %d calls to eAccounting: %d customers, %d articles, %d orders", l.calls, len(tr.customers), len(tr.articles), len(tr.orders))
}

// pick is the Id of the first record of a list for which the fields are so.
func (l *loader) pick(path string, want map[string]string) string {
	l.t.Helper()
	list, err := l.w.EA.All(l.t.Context(), path)
	if err != nil {
		l.t.Fatal(err)
	}
	for _, r := range list {
		fits := true
		for k, v := range want {
			fits = fits && fmt.Sprint(r[k]) == v
		}
		if fits {
			return fmt.Sprint(r["Id"])
		}
	}
	l.t.Fatalf("no %s with %v", path, want)
	return ""
}

func (l *loader) customers(tr *trade) {
	terms := l.pick("/termsofpayments", map[string]string{"NumberOfDays": "30"})
	for _, c := range tr.customers {
		body := harness.Object{"CustomerNumber": c.number, "Name": clip(c.name, 50), "InvoiceAddress1": clip(c.street, 50), "InvoicePostalCode": c.postCode,
			"InvoiceCity": c.city, "InvoiceCountryCode": c.country, "EmailAddress": c.email, "Telephone": c.phone, "ContactPersonName": c.contact,
			"IsPrivatePerson": !c.company, "IsActive": true, "TermsOfPaymentId": terms}
		for k, v := range body {
			if v == "" && !slices.Contains([]string{"InvoicePostalCode", "InvoiceCity"}, k) {
				delete(body, k)
			}
		}
		l.ids["customer "+c.number] = fmt.Sprint(l.shop(http.MethodPost, "/customers", body)["Id"])
	}
}

func (l *loader) articles(tr *trade) {
	unit := l.pick("/units", map[string]string{"Code": "C62"})
	codings := map[string]string{}
	for _, a := range tr.articles {
		if codings[a.rate] == "" {
			codings[a.rate] = l.pick("/articleaccountcodings", map[string]string{"VatRatePercent": a.rate, "Type": "Goods"})
		}
		body := harness.Object{"Number": a.number, "Name": clip(a.name, 50), "NetPrice": json.Number(a.price), "CodingId": codings[a.rate], "UnitId": unit, "IsActive": true}
		answer, err := l.w.EA.Call(l.t.Context(), http.MethodPost, "/articles", body)
		var refused *harness.Refusal
		if errors.As(err, &refused) && strings.Contains(refused.Body, "already exists") {
			// The data has 47559b beside 47559B; eAccounting takes only one. Whoever enters such data adds something.
			tr.twins[a.number] = a.number + "-2"
			body["Number"] = tr.twins[a.number]
			answer, err = l.w.EA.Call(l.t.Context(), http.MethodPost, "/articles", body)
		}
		if err != nil {
			l.t.Fatalf("eAccounting refuses article %q: %v", a.number, err)
		}
		l.calls++
		l.ids["article "+a.number] = fmt.Sprint(answer["Id"])
	}
}

func (l *loader) orders(tr *trade) {
	for _, o := range tr.orders {
		var rows []harness.Object
		for i, r := range o.rows {
			line := harness.Object{"LineNumber": i + 1, "IsTextRow": r.comment, "IsWorkCost": false, "EligibleForReverseChargeOnVat": false}
			if r.text != "" {
				line["Text"] = clip(r.text, 250)
			}
			if !r.comment {
				line["ArticleId"], line["Quantity"], line["UnitPrice"] = l.ids["article "+r.article], r.quantity, r.price
				if r.discount != "" {
					line["DiscountPercentage"] = r.discount
				}
			}
			rows = append(rows, line)
		}
		made := l.shop(http.MethodPost, "/orders", harness.Object{"CustomerId": l.ids["customer "+o.customer], "CurrencyCode": o.currency, "OrderDate": o.date,
			"Status": o.status, "EuThirdParty": false, "RotReducedInvoicingType": 0, "ReverseChargeOnConstructionServices": false,
			"BuyersOrderReference": o.reference, "Rows": rows})
		for _, action := range o.actions {
			l.shop(http.MethodPost, fmt.Sprintf("/orders/%s/%s", made["Id"], action), nil)
		}
	}
}

// codeLength is how long an article's code may be in AccountView.
const codeLength = 15

// books enters what the bookkeeper has: the articles that can be had there, and some debtors.
func (l *loader) books(tr *trade) {
	seen := map[string]bool{}
	var list []harness.Object
	add := func(code, name, price string) {
		code = strings.ToUpper(strings.TrimSpace(code))
		if !seen[code] && utf8.RuneCountInString(code) <= codeLength {
			seen[code] = true
			list = append(list, harness.Object{"ART_CODE": code, "ART_DESC1": clip(name, 40), "PX_SELL": price})
		}
	}
	for _, a := range tr.articles {
		if a.books {
			number := a.number
			if other := tr.twins[number]; other != "" {
				number = other
			}
			add(number, a.name, a.price)
		}
	}
	for _, code := range tr.extra {
		add(code, code, "0")
	}
	for chunk := range slices.Chunk(list, 500) {
		l.insert("AK1", chunk...)
	}
	for _, d := range tr.debtors {
		for k, v := range map[string]string{"ACCT_NR": "1210", "SRC_CODE": "-", "CNT_CODE": "NL"} {
			if d[k] == nil {
				d[k] = v
			}
		}
		l.insert("AR1", d)
	}
}

func (l *loader) insert(object string, rows ...harness.Object) {
	l.t.Helper()
	if _, err := l.w.AV.Insert(l.t.Context(), object, "", rows...); err != nil {
		l.t.Fatalf("AccountView refuses the data: %v", err)
	}
}

// clip shortens as a person does who types until the field is full.
func clip(s string, n int) string {
	s = strings.TrimSpace(s)
	if r := []rune(s); len(r) > n {
		s = strings.TrimSpace(string(r[:n]))
	}
	return s
}

// countries are the names that both sets use.
var countries = map[string]string{
	"Argentina": "AR", "Australia": "AU", "Austria": "AT", "Belgium": "BE", "Brazil": "BR", "Canada": "CA", "Chile": "CL", "Czech Republic": "CZ",
	"Denmark": "DK", "EIRE": "IE", "Finland": "FI", "France": "FR", "Germany": "DE", "Hungary": "HU", "India": "IN", "Ireland": "IE", "Italy": "IT",
	"Japan": "JP", "Lithuania": "LT", "Netherlands": "NL", "Norway": "NO", "Poland": "PL", "Portugal": "PT", "Spain": "ES", "Sweden": "SE",
	"USA": "US", "United Kingdom": "GB",
}

func country(t *testing.T, name string) string {
	t.Helper()
	code := countries[name]
	if code == "" {
		t.Fatalf("the data has a country %q that the test does not know", name)
	}
	return code
}

// world starts both systems without a limit of calls, for loading.
func world(t *testing.T, years string, shop map[string]string) *harness.World {
	t.Helper()
	o := harness.Options{Dir: t.TempDir()}
	o.EA.Rate, o.AV.Rate = -1, -1
	o.EA.Set, o.AV.Set = shop, map[string]string{"years": years}
	w, err := harness.New(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := w.Close(); err != nil {
			t.Error(err)
		}
	})
	return w
}
