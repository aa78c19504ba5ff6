package scenario

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"strings"
	"testing"
	"time"
	"unicode"

	"github.com/pomost/pomost/internal/harness"
	kit "github.com/pomost/pomost/sdk/sandbox"
)

// twin is a customer of both systems, as a test edits it on either side.
type twin struct{ id, number string }

// pairs are fields that travel both ways, by their names in eAccounting and AccountView, with values to choose from.
var pairs = []struct {
	ea, av string
	values []string
}{
	{"Name", "ACCT_NAME", []string{"Bakkerij Smit", "Łódź & Zonen", "De Vries en Partners Groothandel", "jansen houthandel", "O'Brien \"B\" Trading"}},
	{"InvoiceAddress1", "ADDRESS1", []string{"Kade 1", "Dorpsstraat 12 bis", "Burgemeester van der Veldestraat 118, achterhuis, 3e etage", "Plein 1944 nr. 5"}},
	{"InvoiceCity", "CITY", []string{"Utrecht", "'s-Hertogenbosch", "Ørsta", "DEN HAAG"}},
	{"InvoicePostalCode", "POST_CODE", []string{"3511 AB", "1234AB", "9999ZZ", "1000 aa"}},
	{"EmailAddress", "MAIL_BUS", []string{"info@smit.example", "Verkoop@Vries.example", "a@b.example"}},
}

// TestCustomersBothWays edits customers at random on either side between runs. After a run that ends, nothing is left to write; an edit of one
// side has arrived on the other; an edit of both follows the setting conflict; edits of different fields are both kept.
func TestCustomersBothWays(t *testing.T) {
	for i, c := range []struct{ source, conflict, ea, av string }{
		{"shop", "source", "default", "default"},
		{"books", "source", "default", "default"},
		{"shop", "newest", "default", "default"},
		{"books", "newest", "stamp_seconds", "echo_none"},
		{"shop", "source", "customers_tidied", "contact_tidied"},
		{"books", "newest", "customers_tidied", "contact_tidied,put_clears"},
		{"shop", "source", "null_stamps", "http_errors"},
	} {
		t.Run(fmt.Sprintf("%s_%s_%s_%s", c.source, c.conflict, c.ea, c.av), func(t *testing.T) {
			t.Parallel()
			seed := uint64(i + 1)
			w := bothWays(t, c.source, c.conflict, c.ea, c.av)
			rnd := rand.New(rand.NewPCG(seed, 7))
			var twins []twin
			for n := range 4 {
				w.makeTwin(n, rnd)
			}
			w.settled("first contact")
			twins = w.twins()
			if len(twins) != 8 {
				t.Fatalf("seed %d: %d pairs of customers, want 8", seed, len(twins))
			}
			for round := range 8 {
				type edit struct{ ea, av string }
				edits := map[string]edit{} // by number and field: what was entered on each side, "" for nothing
				first := rnd.IntN(2)       // the side that is edited first
				for turn := range 2 {
					if err := w.Later(t.Context(), time.Minute); err != nil {
						t.Fatal(err)
					}
					for _, tw := range twins {
						p := pairs[rnd.IntN(len(pairs))]
						value := p.values[rnd.IntN(len(p.values))]
						if p.ea == "EmailAddress" {
							value = tw.number + "." + value
						}
						if rnd.IntN(2) == 0 {
							continue
						}
						at := tw.number + " " + p.ea
						e := edits[at]
						if (turn == 0) == (first == 0) {
							if w.editShop(tw, p.ea, value) {
								e.ea = value
							}
						} else if w.editBooks(tw, p.av, value) {
							e.av = value
						}
						edits[at] = e
					}
				}
				w.settled(fmt.Sprintf("seed %d, round %d", seed, round))
				for _, tw := range twins {
					ea, av := w.shop(tw.id), w.books(tw.number)
					for _, p := range pairs {
						have, there := fmt.Sprint(ea[p.ea]), strings.TrimSpace(fmt.Sprint(av[p.av]))
						if p.ea == "InvoiceAddress1" && ea["InvoiceAddress2"] != nil && ea["InvoiceAddress2"] != "" {
							have += ", " + fmt.Sprint(ea["InvoiceAddress2"])
						}
						if !alike(have, there) {
							t.Errorf("seed %d, round %d: customer %s: %s is %q in the shop and %q in the books", seed, round, tw.number, p.ea, have, there)
						}
						e := edits[tw.number+" "+p.ea]
						want := e.ea
						shopWins := c.conflict == "source" && c.source == "shop" || c.conflict == "newest" && first == 1
						if e.av != "" && (e.ea == "" || !shopWins) {
							want = e.av
						}
						if want != "" && !alike(have, want) {
							t.Errorf("seed %d, round %d: customer %s: %s is %q; entered were %q in the shop and %q in the books (shop wins: %v)", seed, round, tw.number, p.ea, have, e.ea, e.av, shopWins)
						}
					}
				}
				if t.Failed() {
					return
				}
			}
		})
	}
}

// alike compares what a system may have cut, put into capitals or written with other spaces.
func alike(a, b string) bool {
	plain := func(s string) []rune {
		return []rune(strings.Map(func(r rune) rune {
			if unicode.IsLetter(r) || unicode.IsDigit(r) {
				return unicode.ToLower(r)
			}
			return -1
		}, s))
	}
	x, y := plain(a), plain(b)
	n := min(len(x), len(y))
	return string(x[:n]) == string(y[:n]) && (n > 20 || len(x) == len(y))
}

// customersWorld is a world with a flow of customers.
type customersWorld struct {
	*harness.World
	t *testing.T
}

func bothWays(t *testing.T, source, conflict, ea, av string) *customersWorld {
	w, err := harness.New(t.Context(), harness.Options{Dir: t.TempDir(), Judged: true, Today: time.Date(2026, 6, 15, 10, 0, 0, 0, time.UTC),
		EA: kit.Options{Set: map[string]string{"dialect": ea}}, AV: kit.Options{Set: map[string]string{"dialect": av}}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := w.Close(); err != nil {
			t.Error(err)
		}
	})
	w.Flows = map[string]harness.FlowSetup{"customers": {Recipe: "customers", Source: source, Settings: map[string]any{
		"direction": "both", "collective_account": "1210", "conflict": conflict}}}
	if err := w.Apply(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	return &customersWorld{w, t}
}

func (w *customersWorld) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

// makeTwin makes one customer on each side.
func (w *customersWorld) makeTwin(n int, rnd *rand.Rand) {
	terms, err := w.EA.All(w.t.Context(), "/termsofpayments")
	w.must(err)
	pick := func(i int) string { return pairs[i].values[rnd.IntN(len(pairs[i].values))] }
	_, err = w.EA.Call(w.t.Context(), http.MethodPost, "/customers", harness.Object{"Name": pick(0), "InvoiceAddress1": "Kade 1", "InvoicePostalCode": pick(3),
		"InvoiceCity": pick(2), "InvoiceCountryCode": "NL", "IsPrivatePerson": n%2 == 0, "IsActive": true, "TermsOfPaymentId": terms[0]["Id"], "EmailAddress": fmt.Sprintf("shop%d@a.example", n)})
	w.must(err)
	_, err = w.AV.Insert(w.t.Context(), "AR1", "", harness.Object{"ACCT_NR": "1210", "SRC_CODE": "X", "ACCT_NAME": pick(0), "ADDRESS1": pick(1), "POST_CODE": pick(3),
		"CITY": pick(2), "CNT_CODE": "NL", "MAIL_BUS": fmt.Sprintf("books%d@a.example", n)})
	w.must(err)
}

// settled runs until a run writes nothing, which must be the second one.
func (w *customersWorld) settled(what string) {
	w.t.Helper()
	for n := range 2 {
		av, ea := len(w.AV.Log()), len(w.EA.Log())
		res := w.Service.Run(w.t.Context(), []string{"customers"}, nil)
		if res.Error != nil {
			w.t.Fatalf("%s: %v", what, res.Error)
		}
		for _, f := range res.Flows {
			if f.Held+f.Failed > 0 {
				records, _ := w.Records(w.t.Context())
				w.t.Fatalf("%s: %+v %+v", what, f, records)
			}
		}
		if n == 1 {
			if a, b := w.AV.Writes(av), w.EA.Writes(ea); len(a)+len(b) > 0 {
				w.t.Fatalf("%s: the second run wrote %v in the books and %v in the shop", what, a, b)
			}
		}
	}
}

// twins pairs the customers of both systems by their e-mail addresses.
func (w *customersWorld) twins() []twin {
	all, err := w.EA.All(w.t.Context(), "/customers")
	w.must(err)
	body, err := w.AV.Call(w.t.Context(), http.MethodGet, "/accountviewdata?BusinessObject=AR1", nil)
	w.must(err)
	var out []twin
	for _, c := range all {
		for _, d := range rows(body["CONTACT"]) {
			if strings.EqualFold(fmt.Sprint(c["EmailAddress"]), strings.TrimSpace(fmt.Sprint(d["MAIL_BUS"]))) {
				out = append(out, twin{fmt.Sprint(c["Id"]), strings.TrimSpace(fmt.Sprint(d["SUB_NR"]))})
			}
		}
	}
	return out
}

func (w *customersWorld) shop(id string) harness.Object {
	c, err := w.EA.Call(w.t.Context(), http.MethodGet, "/customers/"+id, nil)
	w.must(err)
	return c
}

func (w *customersWorld) books(number string) map[string]any {
	body, err := w.AV.Call(w.t.Context(), http.MethodGet, "/accountviewdata?BusinessObject=AR1", nil)
	w.must(err)
	for _, d := range rows(body["CONTACT"]) {
		if strings.TrimSpace(fmt.Sprint(d["SUB_NR"])) == number {
			return d
		}
	}
	w.t.Fatalf("debtor %s is gone", number)
	return nil
}

// editShop enters a value in the shop; false where it is there already.
func (w *customersWorld) editShop(tw twin, field, value string) bool {
	c := w.shop(tw.id)
	if alike(fmt.Sprint(c[field]), value) || len([]rune(value)) > 50 {
		return false
	}
	c[field] = value
	if field == "InvoiceAddress1" {
		c["InvoiceAddress2"] = nil
	}
	_, err := w.EA.Call(w.t.Context(), http.MethodPut, "/customers/"+tw.id, c)
	w.must(err)
	return true
}

func (w *customersWorld) editBooks(tw twin, field, value string) bool {
	d := w.books(tw.number)
	if alike(fmt.Sprint(d[field]), value) {
		return false
	}
	// Whatever a PUT does with what it leaves out, a person's own edit leaves the rest as it is.
	fields := harness.Object{}
	for _, f := range []string{"ACCT_NR", "SRC_CODE", "ACCT_NAME", "ADDRESS1", "POST_CODE", "CITY", "CNT_CODE", "MAIL_BUS"} {
		fields[f] = d[f]
	}
	fields[field] = value
	_, err := w.AV.Change(w.t.Context(), "AR1", tw.number, "", fields)
	w.must(err)
	return true
}
