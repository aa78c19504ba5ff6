package connector

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	emulator "github.com/pomost/pomost/plugins/eaccounting/sandbox"
	"github.com/pomost/pomost/plugins/eaccounting/spec"
	"github.com/pomost/pomost/sdk/conformance"
	sdk "github.com/pomost/pomost/sdk/connector"
	"github.com/pomost/pomost/sdk/decimal"
	"github.com/pomost/pomost/sdk/record"
	"github.com/pomost/pomost/sdk/sandbox"
)

func TestMain(m *testing.M) { os.Exit(conformance.Main(m)) }

func TestConformance(t *testing.T) {
	t.Parallel()
	conform(t, nil)
}

func TestConformanceDialects(t *testing.T) {
	t.Parallel()
	for _, group := range dialectGroups {
		t.Run(group, func(t *testing.T) { t.Parallel(); conform(t, map[string]string{"dialect": group}) })
	}
}

// dialectGroups are the dialects of the sandbox in groups that go together: each is under the whole suite, in a time that is bearable.
var dialectGroups = []string{
	"swagger2020",
	"null_stamps,dates_with_time,case_sensitive,no_list_filters,amount_excl_vat,prices_four_places,drafts_numbered,rows_unsorted,conflict_409",
	"stamp_seconds,since_exclusive,stock_moves_stamps,incl_vat_reversed,vat_per_line,prices_two_places,credit_rows_negative,strict_fields,retry_after",
	"empty_writes,modules_unnamed,amounts_kept,customers_tidied",
}

// TestDialectsAreAllUnderTheSuite wants every dialect of the sandbox in a group.
func TestDialectsAreAllUnderTheSuite(t *testing.T) {
	var grouped []string
	for _, g := range dialectGroups {
		grouped = append(grouped, strings.Split(g, ",")...)
	}
	for _, s := range emulator.System().Settings {
		if s.Key != "dialect" {
			continue
		}
		want := slices.Sorted(slices.Values(s.Values[1:])) // without the default one
		if got := slices.Sorted(slices.Values(grouped)); !slices.Equal(got, want) {
			t.Errorf("under the suite: %v, the sandbox has %v", got, want)
		}
	}
}

func conform(t *testing.T, set map[string]string) {
	conformance.Run(t, conformance.Options{
		Connector:  New(),
		Start:      func(t *testing.T) *sandbox.Running { return startSandbox(t, set) },
		Settings:   settingsFor,
		SmallPages: sdk.Settings{"page_size": "3"},
		Objects:    samples(set["dialect"]),
		MayBeEmpty: mayBeEmpty,
	})
}

// mayBeEmpty are the lists that come from the company's own work, and those that 2020 did not have.
var mayBeEmpty = []string{"customer_labels", "article_labels", "projects", "cost_centers", "price_lists", "discount_agreements"}

func startSandbox(t *testing.T, set map[string]string) *sandbox.Running {
	t.Helper()
	run, err := sandbox.Start(t.Context(), judged(t, emulator.System(), set["dialect"]), sandbox.Options{Set: maps.Clone(set)})
	if err != nil {
		t.Fatal(err)
	}
	return run
}

func settingsFor(info sandbox.Info) sdk.Settings {
	return sdk.Settings{"base_url": info.BaseURL, "authorize_url": info.AuthorizeURL, "token_url": info.TokenURL}
}

// samples of a dialect. The eAccounting of 2020 had no notes on articles and no buyer's reference on orders [SW20].
func samples(dialect string) []conformance.Samples {
	lacks := map[string][]string{}
	if strings.Contains(dialect, "swagger2020") {
		lacks = map[string][]string{"articles": {"Note"}, "orders": {"BuyersOrderReference"}}
	}
	silent := strings.Contains(dialect, "empty_writes")
	shared := "BuyersOrderReference" // in a silent system it is what a new order is told by
	if silent {
		shared = ""
	}
	var customerSame func(string, record.Value, record.Value) bool
	if strings.Contains(dialect, "customers_tidied") {
		// Capitals and lost spaces are the system's own doing.
		bare := func(v record.Value) string { return strings.ReplaceAll(strings.ToUpper(v.AsText()), " ", "") }
		customerSame = func(_ string, sent, stored record.Value) bool {
			return sent.Equal(stored) || bare(sent) != "" && bare(sent) == bare(stored)
		}
	}
	return []conformance.Samples{
		{
			Object: "customers", Silent: silent, SilentUpdate: silent || strings.Contains(dialect, "swagger2020"), Stamp: "ChangedUtc", Shared: "EmailAddress", Resweeps: strings.Contains(dialect, "null_stamps"), Same: customerSame,
			Prepare: func(e *conformance.Env) { e.Refs["terms"] = listItem(e, "terms_of_payment") },
			New: func(e *conformance.Env, i int) record.Record {
				return fill(e, "Name", text("Jansen & Zn. %d", i), "CustomerNumber", text("K%d", 5000+i), "EmailAddress", text("jansen%d@voorbeeld.test", i),
					"InvoiceAddress1", text("Kade %d", i), "InvoiceCity", text("Delft"), "InvoicePostalCode", text("2611 AB"), "InvoiceCountryCode", text("NL"),
					"TermsOfPaymentId", text("%s", e.Refs["terms"]), "IsPrivatePerson", record.Bool(i%2 == 0), "IsActive", record.Bool(true),
					"Note", text("line one\nline \"two\" <b>"), "DiscountPercentage", dec("0.125"), "VatNumber", text("NL%09dB01", i), "CorporateIdentityNumber", text("%08d", i))
			},
			Change: func(e *conformance.Env) record.Record {
				return fill(e, "Telephone", text("+31 15 555 01 23"), "InvoiceCity", text("'s-Hertogenbosch"), "DiscountPercentage", dec("0.05"), "InvoiceCountryCode", text("BE"))
			},
			Bad: func(e *conformance.Env) (record.Record, string) {
				r := fill(e, "Name", text("Bad"), "InvoiceCity", text("Delft"), "InvoicePostalCode", text("2611 AB"), "InvoiceCountryCode", text("QQ"),
					"TermsOfPaymentId", text("%s", e.Refs["terms"]), "IsPrivatePerson", record.Bool(false))
				return r, "InvoiceCountryCode"
			},
			Hostile:  map[string][]string{"CustomerNumber": {"O'B&+%/#?", "''", "50% + 1"}, "EmailAddress": {"o'brien+a&b@voorbeeld.test", "é'\"<x>@voorbeeld.test"}},
			ReadCall: "GET /v2/customers", FindCall: "GET /v2/customers", CreateCall: "POST /v2/customers", UpdateCall: "PUT /v2/customers",
		},
		{
			Object: "articles", Silent: silent, SilentUpdate: silent || strings.Contains(dialect, "swagger2020"), Stamp: "ChangedUtc", Volatile: []string{"NetPriceWithDiscount", "StockBalanceAvailable", "StockBalanceManuallyChangedUtc"}, Lacks: lacks["articles"], // follows NetPrice
			Prepare: func(e *conformance.Env) {
				e.Refs["unit"], e.Refs["coding"] = listItem(e, "units"), listItem(e, "article_codings")
			},
			New: func(e *conformance.Env, i int) record.Record {
				return fill(e, "Number", text("ART-%d", i), "Name", text("Stoel nr %d", i), "CodingId", text("%s", e.Refs["coding"]), "UnitId", text("%s", e.Refs["unit"]),
					"IsActive", record.Bool(true), "NetPrice", dec("10.10"), "GrossPrice", dec("12.22"), "Note", text("é Ł 😀"), "StockBalance", dec("7"),
					"Barcodes", barcode(e.Schema, fmt.Sprintf("87123456%05d", i)))
			},
			Change: func(e *conformance.Env) record.Record {
				return fill(e, "Name", text("Stoel (nieuw)"), "NetPrice", dec("0.30"), "StockBalance", dec("0"))
			},
			Bad: func(e *conformance.Env) (record.Record, string) {
				return fill(e, "Number", text("BAD"), "Name", text("Bad"), "CodingId", text("%s", e.Refs["coding"]), "UnitId", text("%s", e.Refs["unit"]),
					"IsActive", record.Bool(true), "NetPrice", dec("-5")), "NetPrice"
			},
			Hostile:  map[string][]string{"Number": {"O'B&+%/#?", "a,b;c", "50% 'x'"}},
			ReadCall: "GET /v2/articles", FindCall: "GET /v2/articles", CreateCall: "POST /v2/articles", UpdateCall: "PUT /v2/articles",
		},
		{
			Object: "orders", Stamp: "ModifiedUtc", Shared: shared, Silent: silent, SilentUpdate: silent || strings.Contains(dialect, "swagger2020"), Lacks: lacks["orders"],
			Volatile: []string{"Rows"}, // an update gives them other ids; TestOrderUpdateKeepsRows looks at the rest
			Prepare:  prepareDocuments,
			New: func(e *conformance.Env, i int) record.Record {
				rows, _ := e.Schema.Field("Rows")
				row := func(pairs ...any) record.Value {
					return record.Nested(build(rows.Type.Elem.Record, pairs...))
				}
				return fill(e, "CustomerId", text("%s", e.Refs["customer"]), "CurrencyCode", text("EUR"), "OrderDate", day("2026-11-20"), "DeliveryDate", day("2026-12-31"),
					"Status", record.Integer(2), "BuyersOrderReference", text("WEB-%d", 1000+i), "YourReference", text("A. Bezoeker"), "Rows", record.List(
						row("LineNumber", record.Integer(0), "ArticleId", text("%s", e.Refs["article"]), "Quantity", dec("3"), "UnitPrice", dec("10.10"), "DiscountPercentage", dec("0.1")),
						row("LineNumber", record.Integer(1), "IsTextRow", record.Bool(true), "Text", text("Bel eerst aan")),
					))
			},
			Touch:   func(e *conformance.Env, key string) { ship(e, key) },
			Changed: func(r record.Record) bool { n, _ := r.Get("Status").AsInteger(); return n == 3 },
			Change: func(e *conformance.Env) record.Record {
				return fill(e, "OurReference", text("Balie"), "DeliveryDate", day("2027-01-15"), "DeliveryCity", text("Den Haag"))
			},
			Bad: func(e *conformance.Env) (record.Record, string) {
				return fill(e, "CustomerId", text("%s", e.Refs["customer"]), "CurrencyCode", text("QQQ"), "OrderDate", day("2026-11-20"), "Status", record.Integer(2)), "CurrencyCode"
			},
			Hostile:  map[string][]string{"BuyersOrderReference": {"PO'1&2+3%", "a or b eq 'c'"}},
			ReadCall: "GET /v2/orders", FindCall: "GET /v2/orders", CreateCall: "POST /v2/orders", UpdateCall: "PUT /v2/orders",
		},
		{
			Object: "customerinvoices", Stamp: "ModifiedUtc",
			Prepare: prepareDocuments,
			Seed: func(e *conformance.Env, n int) []string {
				var keys []string
				for i := range n {
					order := post(e, "/orders", map[string]any{"CustomerId": e.Refs["customer"], "CurrencyCode": "EUR", "OrderDate": "2026-11-20", "Status": 2,
						"Rows": []any{map[string]any{"ArticleId": e.Refs["article"], "Quantity": i + 1, "UnitPrice": 10}}})
					ship(e, order)
					keys = append(keys, post(e, "/orders/"+order+"/convert", map[string]any{}))
				}
				return keys
			},
			Touch: func(e *conformance.Env, key string) {
				post(e, "/customerinvoices/"+key+"/payments", map[string]any{"CompanyBankAccountId": e.Refs["bank"], "PaymentDate": "2026-11-20",
					"PaymentAmount": 1, "PaymentCurrency": "EUR", "PaymentType": 1})
			},
			Changed: func(r record.Record) bool {
				total, _ := r.Get("TotalAmountInvoiceCurrency").AsDecimal()
				left, _ := r.Get("RemainingAmountInvoiceCurrency").AsDecimal()
				return left.Cmp(total) < 0
			},
			ReadCall: "GET /v2/customerinvoices", FindCall: "GET /v2/customerinvoices",
		},
		{
			Object: "customerinvoicedrafts", Shared: "BuyersOrderReference",
			Prepare: prepareDocuments,
			Seed: func(e *conformance.Env, n int) []string {
				var keys []string
				for i := range n {
					keys = append(keys, post(e, "/customerinvoicedrafts", draft(e, i, "")))
				}
				return keys
			},
			Touch: func(e *conformance.Env, key string) {
				e.Host.Call("PUT", "/customerinvoicedrafts/"+key, nil, draft(e, 0, "touched"))
			},
			Changed:  func(r record.Record) bool { return r.Get("YourReference").AsText() == "touched" },
			ReadCall: "GET /v2/customerinvoicedrafts", FindCall: "GET /v2/customerinvoicedrafts",
		},
		{
			Object:  "quotes",
			Prepare: prepareDocuments,
			Seed: func(e *conformance.Env, n int) []string {
				var keys []string
				for i := range n {
					keys = append(keys, post(e, "/quotes", map[string]any{"CustomerId": e.Refs["customer"],
						"Rows": []any{map[string]any{"ArticleId": e.Refs["article"], "Quantity": i + 1, "UnitPrice": 10}}}))
				}
				return keys
			},
			Touch:    func(e *conformance.Env, key string) { e.Host.Call("PUT", "/quotes/"+key+"/accept", nil, nil) },
			Changed:  func(r record.Record) bool { n, _ := r.Get("Status").AsInteger(); return n == 2 },
			ReadCall: "GET /v2/quotes", FindCall: "GET /v2/quotes",
		},
		labels("customerlabels", silent, strings.Contains(dialect, "swagger2020")),
		labels("articlelabels", silent, strings.Contains(dialect, "swagger2020")),
	}
}

// labels are those of customers or of articles, which differ in nothing.
func labels(object string, silent, old bool) conformance.Samples {
	return conformance.Samples{
		Object: object, Silent: silent, SilentUpdate: silent || old, Shared: map[bool]string{false: "Name"}[silent],
		New: func(e *conformance.Env, i int) record.Record {
			return fill(e, "Name", text("Webshop %d", i), "Description", text("made by hand\n%d", i))
		},
		Change: func(e *conformance.Env) record.Record { return fill(e, "Description", text("what's \"new\"")) },
		Bad: func(e *conformance.Env) (record.Record, string) {
			return fill(e, "Name", text("%s", strings.Repeat("x", 51))), "Name"
		},
		Hostile:  map[string][]string{"Name": {"O'B&+%/#?", "a or b eq 'c'"}},
		ReadCall: "GET /v2/" + object, FindCall: "GET /v2/" + object, CreateCall: "POST /v2/" + object, UpdateCall: "PUT /v2/" + object,
	}
}

func draft(e *conformance.Env, i int, yours string) map[string]any {
	return map[string]any{"CustomerId": e.Refs["customer"], "EuThirdParty": false, "RotReducedInvoicingType": 0, "BuyersOrderReference": fmt.Sprintf("WEB-%d", 1000+i), "YourReference": yours,
		"Rows": []any{map[string]any{"IsTextRow": false, "ReversedConstructionServicesVatFree": false, "ArticleId": e.Refs["article"], "Quantity": i + 1, "UnitPrice": 10}}}
}

// ship makes an ongoing order a shipped one as all generations know it: by writing its status.
func ship(e *conformance.Env, order string) {
	var m map[string]any
	if err := json.Unmarshal(e.Host.Call("GET", "/orders/"+order, nil, nil), &m); err != nil {
		e.T.Fatal(err)
	}
	drop(m, "OrderApi")
	m["Status"] = 3
	e.Host.Call("PUT", "/orders/"+order, nil, m)
}

// drop takes what is read-only out of a record that is sent back.
func drop(m map[string]any, schema string) {
	for name, f := range spec.Of(spec.G2026).Schemas[schema] {
		if f.ReadOnly {
			delete(m, name)
		}
		if rows, ok := m[name].([]any); ok {
			for _, r := range rows {
				if row, ok := r.(map[string]any); ok {
					drop(row, strings.TrimSuffix(f.Type, "[]"))
				}
			}
		}
	}
}

// barcode is the list of one bar code.
func barcode(s *record.Schema, code string) record.Value {
	f, _ := s.Field("Barcodes")
	return record.List(record.Nested(build(f.Type.Elem.Record, "Barcode", text("%s", code), "BarcodeType", record.Integer(0))))
}

func prepareDocuments(e *conformance.Env) {
	e.Refs["customer"] = post(e, "/customers", map[string]any{"Name": "Bezoeker BV", "InvoiceCity": "Delft", "InvoicePostalCode": "2611 AB",
		"TermsOfPaymentId": listItem(e, "terms_of_payment"), "IsPrivatePerson": false, "IsActive": true})
	e.Refs["article"] = post(e, "/articles", map[string]any{"Number": "A1", "Name": "Stoel", "IsActive": true,
		"CodingId": listItem(e, "article_codings"), "UnitId": listItem(e, "units"), "NetPrice": 10})
	e.Refs["bank"] = listItem(e, "bank_accounts")
}

// post makes something past the connector and returns its Id, "" where it has none. Where a write answers nothing, it is the last of its list,
// which grows at the end.
func post(e *conformance.Env, path string, body any) string {
	b := e.Host.Call("POST", path, nil, body)
	if len(b) == 0 && strings.Count(path, "/") == 1 {
		var list struct{ Data []json.RawMessage }
		if err := json.Unmarshal(e.Host.Call("GET", path+"?$pagesize=1000", nil, nil), &list); err != nil {
			e.T.Fatal(err)
		}
		b = list.Data[len(list.Data)-1]
	}
	if len(b) == 0 {
		return ""
	}
	var m map[string]any
	if err := json.Unmarshal(b, &m); err != nil {
		e.T.Fatal(err)
	}
	id, _ := m["Id"].(string)
	return id
}

func listItem(e *conformance.Env, name string) string {
	items, err := e.Conn.List(e.T.Context(), name)
	if err != nil || len(items) == 0 {
		e.T.Fatalf("list %s: %d items, %v", name, len(items), err)
	}
	return items[0].ID
}

func fill(e *conformance.Env, pairs ...any) record.Record { return build(e.Schema, pairs...) }

func build(s *record.Schema, pairs ...any) record.Record {
	r := record.New(s)
	for i := 0; i < len(pairs); i += 2 {
		r.MustSet(pairs[i].(string), pairs[i+1].(record.Value))
	}
	return r
}

func text(format string, args ...any) record.Value {
	if len(args) == 0 {
		return record.Text(format)
	}
	return record.Text(fmt.Sprintf(format, args...))
}

func dec(s string) record.Value { return record.Decimal(decimal.MustParse(s)) }

func day(s string) record.Value {
	t, err := time.Parse("2006-01-02", s)
	if err != nil {
		panic(err)
	}
	return record.OfDate(record.NewDate(t.Date()))
}
