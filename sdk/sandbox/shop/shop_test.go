package shop

import (
	"crypto/sha256"
	"encoding/hex"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode/utf8"
)

// golden is the hash of the demo's shop. It changes only on purpose: tests and docs of other packages count its records.
const golden = "4eb36d7157b5daeef4194dd234cfb693165bb8c5952e6d9b1d809e75a073dbe8"

func encode(t *testing.T, s *Shop) string {
	t.Helper()
	b, err := s.Encode()
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestGenerateIsDeterministic(t *testing.T) {
	a, b := encode(t, Generate(Options{Seed: 7})), encode(t, Generate(Options{Seed: 7}))
	if a != b {
		t.Fatal("the same seed gave different shops")
	}
	if a == encode(t, Generate(Options{Seed: 8})) {
		t.Fatal("another seed gave the same shop")
	}
	sum := sha256.Sum256([]byte(encode(t, Generate(Options{Seed: 1}))))
	if got := hex.EncodeToString(sum[:]); got != golden {
		t.Errorf("the shop of seed 1 changed: hash %s, want %s", got, golden)
	}
}

func TestEveryShopIsValid(t *testing.T) {
	for seed := range uint64(40) {
		for _, o := range []Options{{}, {Customers: 1, Articles: 1, Orders: 1}, {Customers: 500, Articles: 700, Orders: 900, Year: 2024, PricesInclVAT: true}} {
			o.Seed = seed
			s := Generate(o)
			if err := s.Validate(); err != nil {
				t.Fatalf("seed %d, %+v: %v", seed, o, err)
			}
			if want := max(orDefault(o.Orders, 300), minOrders); len(s.Orders) != want {
				t.Fatalf("seed %d: %d orders, want %d", seed, len(s.Orders), want)
			}
			if want := max(orDefault(o.Customers, 120), minCustomers); len(s.Customers) != want {
				t.Fatalf("seed %d: %d customers, want %d", seed, len(s.Customers), want)
			}
			if want := max(orDefault(o.Articles, 80), minArticles); len(s.Articles) != want {
				t.Fatalf("seed %d: %d articles, want %d", seed, len(s.Articles), want)
			}
			checkLimits(t, s)
		}
	}
}

// checkLimits asserts what the systems can hold at all: eAccounting's lengths and decimals [fields.md OrderApi, ArticleApi,
// CustomerApi]. A shop whose records its own system would refuse is of no use to either sandbox.
func checkLimits(t *testing.T, s *Shop) {
	t.Helper()
	short := func(what, text string, limit int) {
		if n := utf8.RuneCountInString(text); n > limit {
			t.Errorf("%s %q has %d characters, more than %d", what, text, n, limit)
		}
	}
	address := func(a *Address) {
		if a != nil {
			short("delivery name", a.Name, 100)
			short("delivery address", a.Address1, 50)
			short("delivery city", a.City, 50)
			short("delivery post code", a.PostCode, 10)
		}
	}
	home := map[string]bool{}
	for _, c := range s.Customers {
		home[c.Key] = c.Country == s.Country
		short("name", c.Name, 50)
		short("address", c.Address1, 50)
		short("city", c.City, 50)
		short("post code", c.PostCode, 10)
		short("e-mail", c.Email, 255)
		short("phone", c.Phone, 50)
		short("VAT number", c.VATNumber, 20)
		short("chamber number", c.ChamberNumber, 20)
		address(c.Delivery)
	}
	for _, a := range s.Articles {
		short("article number", a.Number, 40)
		short("article name", a.Name, 50)
	}
	for _, o := range s.Orders {
		short("reference", o.Reference, 35)
		short("your reference", o.YourReference, 100)
		address(o.Delivery)
		for _, r := range o.Rows {
			places, limit := decimals(r.UnitPrice), 2
			if !home[o.Customer] || o.Currency != s.Currency {
				limit = 4
			}
			if places > limit {
				t.Errorf("order %s: unit price %s has more than %d decimals", o.Key, r.UnitPrice, limit)
			}
			if decimals(r.Quantity) > 4 || decimals(r.DiscountPercent) > 2 || decimals(r.FixedDiscount) > 2 {
				t.Errorf("order %s: a row has too many decimals: %+v", o.Key, r)
			}
		}
		if len(o.Rows) == 0 {
			t.Errorf("order %s has no rows", o.Key)
		}
	}
}

func decimals(s string) int {
	_, frac, _ := strings.Cut(s, ".")
	return len(frac)
}

// TestTheYearIsBelievable counts what every year must have, so that no trap of the domain is missing from the demo.
func TestTheYearIsBelievable(t *testing.T) {
	for seed := range uint64(10) {
		s := Generate(Options{Seed: seed})
		count := map[string]int{}
		customers, emails, bought := map[string]Customer{}, map[string]int{}, map[string]int{}
		for _, c := range s.Customers {
			customers[c.Key] = c
			count["country "+c.Country]++
			if c.Company {
				count["company"]++
			}
			if c.Email == "" && !c.Collective {
				count["guest"]++
			}
			if c.Email != strings.ToLower(c.Email) {
				count["odd e-mail"]++
			}
			if c.Email != "" {
				emails[strings.ToLower(c.Email)]++
			}
			if len(c.Email) > 50 {
				count["long e-mail"]++
			}
			if c.InBooks {
				count["in books"]++
			}
			if c.Delivery != nil {
				count["delivery"]++
			}
			if utf8.RuneCountInString(c.Name) == 50 {
				count["name of 50"]++
			}
			if c.Company && c.VATNumber != "" {
				count["VAT number"]++
			}
		}
		articles := map[string]Article{}
		for _, a := range s.Articles {
			articles[a.Number] = a
			count["rate "+a.VATPercent]++
			if !a.InBooks {
				count["missing article"]++
			}
		}
		var months [13]int
		for _, o := range s.Orders {
			d, err := time.Parse(time.DateOnly, o.Date)
			if err != nil || d.Year() != 2026 {
				t.Fatalf("order %s of %s: %v", o.Key, o.Date, err)
			}
			if o.DeliveryDate != "" && o.DeliveryDate < o.Date {
				t.Errorf("order %s is delivered before it is made", o.Key)
			}
			months[d.Month()]++
			bought[o.Customer]++
			count["status "+o.Status]++
			count["day "+o.Date[5:]]++
			if o.Paid {
				count["paid"]++
			}
			if o.Currency != "EUR" {
				count["foreign currency"]++
			}
			if customers[o.Customer].Collective {
				count["collective"]++
				if o.Delivery == nil {
					t.Errorf("order %s of the collective customer does not say who buys", o.Key)
				}
			}
			if o.IncludesVAT {
				t.Errorf("order %s includes VAT although the shop's prices do not", o.Key)
			}
			for _, r := range o.Rows {
				switch {
				case r.TextRow:
					count["text row"]++
				case strings.HasPrefix(r.Quantity, "-"):
					count["credit row"]++
				case r.Article == Freight || r.Article == FreightAbroad:
					count["freight row"]++
				case !articles[r.Article].InBooks:
					count["missing article sold"]++
				}
				if len(r.Article) > 15 {
					count["long article sold"]++
				}
				if r.DiscountPercent != "" {
					count["percent"]++
				}
				if r.FixedDiscount != "" {
					count["fixed discount"]++
				}
			}
		}
		for _, n := range emails {
			if n == 2 {
				count["shared e-mail"]++
			}
		}
		for _, n := range bought {
			if n > 3 {
				count["repeat customer"]++
			}
		}
		debtors := map[string]int{}
		for _, d := range s.Books.Debtors {
			if d.Blocked {
				count["blocked"]++
			}
			if d.Email != "" {
				debtors[strings.ToLower(d.Email)]++
			}
		}
		for _, n := range debtors {
			if n > 1 {
				count["debtor twice"]++
			}
		}
		for what, bounds := range map[string][2]int{
			"country NL": {75, 110}, "country BE": {2, 25}, "country DE": {2, 20}, "country FR": {2, 12}, "country SE": {2, 12},
			"country PL": {2, 12}, "country NO": {2, 12}, "company": {35, 75}, "guest": {3, 16}, "odd e-mail": {5, 40}, "shared e-mail": {1, 1},
			"long e-mail": {1, 1}, "in books": {25, 75}, "delivery": {2, 15}, "name of 50": {1, 1}, "VAT number": {20, 70},
			"rate 21": {30, 60}, "rate 9": {20, 40}, "rate 0": {2, 2}, "missing article": {4, 4},
			"status draft": {3, 25}, "status ongoing": {15, 70}, "status shipped": {20, 90}, "status invoiced": {150, 270}, "paid": {100, 260},
			"day 01-01": {2, 9}, "day 12-31": {2, 9}, "foreign currency": {1, 1}, "collective": {2, 25}, "repeat customer": {15, 60},
			"text row": {5, 40}, "credit row": {3, 25}, "freight row": {60, 220}, "missing article sold": {4, 8}, "long article sold": {2, 2},
			"percent": {15, 150}, "fixed discount": {2, 20}, "blocked": {1, 1}, "debtor twice": {1, 1},
		} {
			if n := count[what]; n < bounds[0] || n > bounds[1] {
				t.Errorf("seed %d: %s: %d, want %d to %d", seed, what, n, bounds[0], bounds[1])
			}
		}
		if summer := months[7] + months[8]; months[12] < months[7] || months[11]+months[12] < summer {
			t.Errorf("seed %d: no season in %v", seed, months[1:])
		}
	}
}

func TestPricesIncludingVAT(t *testing.T) {
	s := Generate(Options{Seed: 3, PricesInclVAT: true})
	company := map[string]bool{}
	for _, c := range s.Customers {
		company[c.Key] = c.Company
	}
	gross := map[string]string{}
	for _, a := range s.Articles {
		gross[a.Number] = a.GrossPrice
	}
	for _, o := range s.Orders {
		if o.IncludesVAT == company[o.Customer] {
			t.Errorf("order %s: includes VAT %v, company %v", o.Key, o.IncludesVAT, company[o.Customer])
		}
		for _, r := range o.Rows {
			if o.IncludesVAT && !r.TextRow && r.UnitPrice != gross[r.Article] {
				t.Errorf("order %s: %s costs %s, want the price on the site, %s", o.Key, r.Article, r.UnitPrice, gross[r.Article])
			}
		}
	}
}

func TestSaveAndLoad(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "new", "shop")
	s := Generate(Options{Seed: 5})
	if err := s.Save(dir); err != nil {
		t.Fatal(err)
	}
	back, err := Load(dir)
	if err != nil {
		t.Fatal(err)
	}
	if encode(t, back) != encode(t, s) {
		t.Error("what was loaded is not what was saved")
	}
	if left, _ := filepath.Glob(filepath.Join(dir, "*")); len(left) != 1 {
		t.Errorf("Save left %v", left)
	}
}

func TestLoadRefuses(t *testing.T) {
	for name, tc := range map[string]struct{ content, want string }{
		"unknown member":   {`{"customer":[]}`, `unknown field "customer"`},
		"two shops":        {`{} {}`, "something follows"},
		"no such customer": {`{"orders":[{"key":"1","customer":"x","date":"2026-01-01","status":"draft"}]}`, `order "1": there is no customer "x"`},
		"float text":       {`{"articles":[{"number":"A","net_price":"1e3","gross_price":"1","vat_percent":"21"}]}`, `article "A": net_price: "1e3"`},
		"number":           {`{"articles":[{"number":"A","net_price":12.5}]}`, "cannot unmarshal number"},
		"bad date":         {`{"customers":[{"key":"x"}],"orders":[{"key":"1","customer":"x","date":"2026-02-30","status":"draft"}]}`, `"2026-02-30" is not a date`},
		"paid draft":       {`{"customers":[{"key":"x"}],"orders":[{"key":"1","customer":"x","date":"2026-02-03","status":"draft","paid":true}]}`, "paid but not invoiced"},
		"key twice":        {`{"customers":[{"key":"x"},{"key":"x"}]}`, `customer "x"`},
		"default debtor":   {`{"books":{"debtors":[],"default_debtor":"9"}}`, `no debtor "9"`},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			if err := os.WriteFile(filepath.Join(dir, FileName), []byte(tc.content), 0o600); err != nil {
				t.Fatal(err)
			}
			if _, err := Load(dir); err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("error %v, want one that says %q", err, tc.want)
			}
		})
	}
	if _, err := Load(t.TempDir()); err == nil || !strings.Contains(err.Error(), FileName) {
		t.Errorf("a folder without a shop: %v", err)
	}
}

// TestVATNumbers checks numbers that tax offices publish as examples, and that every made one passes the same rule.
func TestVATNumbers(t *testing.T) {
	if got := luhn("4992739871"); got != 6 {
		t.Errorf("luhn: %d, want 6", got)
	}
	r := (&generator{}).rand(9)
	for range 2000 {
		nl := vatNumber(r, "NL")
		if sum := weighted(nl[2:11], 9, 8, 7, 6, 5, 4, 3, 2, -1); sum%11 != 0 {
			t.Fatalf("%s fails the eleven test", nl)
		}
		pl := vatNumber(r, "PL")
		if sum := weighted(pl[2:12], 6, 5, 7, 2, 3, 4, 5, 6, 7, -1); sum%11 != 0 {
			t.Fatalf("%s fails", pl)
		}
		no := vatNumber(r, "NO")
		if sum := weighted(no[2:11], 3, 2, 7, 6, 5, 4, 3, 2, 1); sum%11 != 0 || !strings.HasSuffix(no, "MVA") {
			t.Fatalf("%s fails", no)
		}
		for country, length := range map[string]int{"NL": 14, "BE": 12, "DE": 11, "FR": 13, "SE": 14, "PL": 12, "NO": 14} {
			if v := vatNumber(r, country); len(v) != length || v[:2] != country {
				t.Fatalf("%s is no number of %s", v, country)
			}
		}
		e := ean(r)
		if sum := weighted(e, 1, 3, 1, 3, 1, 3, 1, 3, 1, 3, 1, 3, 1); sum%10 != 0 || len(e) != 13 {
			t.Fatalf("EAN %s fails", e)
		}
	}
}

func TestDecimalText(t *testing.T) {
	for n, want := range map[int64]string{0: "0.00", 5: "0.05", -5: "-0.05", 1995: "19.95", -100: "-1.00"} {
		if got := cents(n); got != want || parseCents(got) != n {
			t.Errorf("cents(%d) = %s, want %s", n, got, want)
		}
	}
	if got := divRound(-5, 2); got != -3 {
		t.Errorf("divRound(-5, 2) = %d, want half away from zero", got)
	}
	if got := scaled("-12.5"); got != -125_000 {
		t.Errorf("scaled(-12.5) = %d", got)
	}
	if got := trimZeros("10.00"); got != "10" {
		t.Errorf("trimZeros(10.00) = %s", got)
	}
}

func BenchmarkGenerate(b *testing.B) {
	for b.Loop() {
		Generate(Options{Seed: 1, Customers: 3000, Articles: 1000, Orders: 10_000})
	}
}
