package sandbox

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	kit "github.com/pomost/pomost/sdk/sandbox"
)

// Each dialect is what its name says, and the default is not.
func TestDialects(t *testing.T) {
	const number = "drafts_numbered"
	for name, ask := range map[string]func(*world) string{
		number: func(w *world) string {
			o := w.ok(201, "POST", "/orders", orderBody(w.customer(), []obj{row(w.article("A", "21"), "1", "10")}, obj{"Status": 1}))
			was := fmt.Sprint(o["Number"])
			o = w.ok(200, "POST", "/orders/"+fmt.Sprint(o["Id"])+"/converteddrafttoorder", nil)
			return was + " " + fmt.Sprint(o["Number"])
		},
		"prices_two_places": func(w *world) string {
			o := orderBody(w.customer(obj{"InvoiceCountryCode": "BE"}), []obj{row(w.article("A", "21"), "1", "1.2345")})
			return fmt.Sprint(firstRow(w.ok(201, "POST", "/orders", o))["UnitPrice"])
		},
		"prices_four_places": func(w *world) string {
			o := orderBody(w.customer(), []obj{row(w.article("A", "21"), "1", "1.2345")})
			return fmt.Sprint(firstRow(w.ok(201, "POST", "/orders", o))["UnitPrice"])
		},
		"amounts_kept": func(w *world) string {
			o := orderBody(w.customer(), []obj{row(w.article("A", "21"), "1", "10")}, obj{"Amount": 99})
			return fmt.Sprint(w.ok(201, "POST", "/orders", o)["Amount"])
		},
		"rows_unsorted": func(w *world) string {
			a := w.article("A", "21")
			o := orderBody(w.customer(), []obj{row(a, "1", "10", obj{"LineNumber": 0}), row(a, "2", "10", obj{"LineNumber": 1})})
			return fmt.Sprint(firstRow(w.ok(201, "POST", "/orders", o))["LineNumber"])
		},
		"credit_rows_negative": func(w *world) string {
			inv := w.ok(201, "POST", "/customerinvoices", obj{"CustomerId": w.customer()["Id"], "IsCreditInvoice": true, "Rows": []obj{row(w.article("A", "21"), "2", "10")}})
			return fmt.Sprint(firstRow(inv)["Quantity"], " of ", inv["TotalAmountInvoiceCurrency"])
		},
		"conflict_409": func(w *world) string {
			w.article("A", "21")
			return fmt.Sprint(w.call("POST", "/articles", w.articleBody("A", "21")).status)
		},
		"strict_fields": func(w *world) string {
			return fmt.Sprint(w.call("POST", "/customers", w.customerBody(obj{"Nonsense": 1})).status, w.call("POST", "/customers", w.customerBody(obj{"ChangedUtc": "2026-01-01"})).status)
		},
		"empty_writes": func(w *world) string { return w.call("POST", "/customers", w.customerBody()).raw },
		"modules_unnamed": func(w *world) string {
			w.c.env.Set["module.stock"] = "on"
			w.c.makeSettings()
			return fmt.Sprint(w.ok(200, "GET", "/companysettings", nil)["ActivatedModules"])
		},
		"since_exclusive": func(w *world) string {
			inv := w.ok(201, "POST", "/customerinvoices", obj{"CustomerId": w.customer()["Id"], "Rows": []obj{row(w.article("A", "21"), "2", "10")}})
			return fmt.Sprint(len(w.list("/customerinvoices?modifiedSinceUtc=" + fmt.Sprint(inv["ModifiedUtc"]))))
		},
		"stock_moves_stamps": func(w *world) string {
			w.c.env.Set["module.stock"] = "on"
			a := w.article("A", "21", obj{"IsStock": true})
			w.ok(201, "POST", "/orders", orderBody(w.customer(), []obj{row(a, "2", "10")}))
			return fmt.Sprint(later(w.ok(200, "GET", "/articles/"+fmt.Sprint(a["Id"]), nil), a, "ChangedUtc"))
		},
	} {
		got, plain := ask(newWorld(t, "dialect="+name)), ask(newWorld(t))
		want := map[string][2]string{
			number: {"1 1", "<nil> 1"}, "prices_two_places": {"1.23", "1.2345"}, "prices_four_places": {"1.2345", "1.23"}, "amounts_kept": {"99", "12.1"},
			"rows_unsorted": {"1", "0"}, "credit_rows_negative": {"-2 of -24.2", "2 of -24.2"}, "conflict_409": {"409", "400"}, "strict_fields": {"400 400", "201 201"},
			"modules_unnamed":    {"[api_standard sales_standard order_standard]", "[api_standard sales_standard order_standard stock_standard]"},
			"since_exclusive":    {"0", "1"},
			"stock_moves_stamps": {"true", "false"},
		}[name]
		if name == "empty_writes" {
			want = [2]string{"", plain}
		}
		if got != want[0] || plain != want[1] || got == plain {
			t.Errorf("%s: %q, want %q; without it %q, want %q", name, got, want[0], plain, want[1])
		}
	}
}

// A 429 has its seconds in the text, or in the header.
func TestTooManyRequestsDialect(t *testing.T) {
	for dialect, want := range map[string]string{"default": "Try again in 1 seconds.", "retry_after": "quota exceeded!"} {
		sys := System()
		sys.New = func(kit.Env) (kit.Company, error) { return nil, nil } //nolint:nilnil // nothing is asked of it
		run, err := kit.Start(t.Context(), sys, kit.Options{Set: map[string]string{"dialect": dialect}, Faults: []kit.Fault{{Match: "GET /v2/units", Do: "status:429"}}})
		if err != nil {
			t.Fatal(err)
		}
		resp, err := http.Get(run.Info.BaseURL + "/units")
		if err != nil {
			t.Fatal(err)
		}
		var body obj
		if err := json.NewDecoder(resp.Body).Decode(&body); err != nil {
			t.Error(err)
		}
		resp.Body.Close()
		http.DefaultClient.CloseIdleConnections()
		if text := fmt.Sprint(body["DeveloperErrorMessage"]); !strings.HasSuffix(text, want) {
			t.Errorf("%s: %q, want %q", dialect, text, want)
		}
		if h := resp.Header.Get("Retry-After"); (h != "") != (dialect == "retry_after") {
			t.Errorf("%s: Retry-After %q", dialect, h)
		}
		if err := run.Close(); err != nil {
			t.Error(err)
		}
	}
	rec := httptest.NewRecorder()
	rateLimited(rec, httptest.NewRequest(http.MethodGet, "/", nil), 54500*time.Millisecond)
	if !strings.Contains(rec.Body.String(), "Try again in 55 seconds.") {
		t.Errorf("%s", rec.Body)
	}
}

// TestDialectsAreDocumented wants the page of this system to name each dialect as it is.
func TestDialectsAreDocumented(t *testing.T) {
	page, err := os.ReadFile("../../../docs/eaccounting.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range dialects {
		if row := "| `" + d.name + "` | " + d.what + " |\n"; !strings.Contains(string(page), row) {
			t.Errorf("docs/eaccounting.md lacks: %s", row)
		}
	}
}
