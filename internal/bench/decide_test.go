package bench

import (
	"context"
	"testing"

	"github.com/pomost/pomost/host/engine/decide"
	"github.com/pomost/pomost/host/flow"
	"github.com/pomost/pomost/internal/harness"
	"github.com/pomost/pomost/recipes"
	"github.com/pomost/pomost/sdk/connector"
	"github.com/pomost/pomost/sdk/record"
)

// tokens is a host that only hands out a token.
type tokens string

func (t tokens) Token(context.Context, string) (string, error) { return string(t), nil }
func (tokens) Exchange(context.Context, connector.Exchange)    {}
func (tokens) Progress(context.Context, connector.Progress)    {}

func open(b testing.TB, name string, s connector.Settings, t string) connector.Connection {
	b.Helper()
	c, problems, err := harness.InProcess{}.Connection(b.Context(), name, name, s, tokens(t))
	if err != nil || len(problems) > 0 {
		b.Fatal(err, problems)
	}
	b.Cleanup(func() { _ = c.Close() })
	return c
}

// BenchmarkDecide: decisions alone, all that they need being known: the status, the customer's match, the products, the price rule
// with its proof, the mapping.
func BenchmarkDecide(b *testing.B) {
	d, orders, facts := known(b)
	b.ResetTimer()
	for range b.N { // one turn is the whole year
		for _, o := range orders {
			d.Decide(o, facts)
		}
	}
	b.ReportMetric(perSecond(b.N*len(orders), b), "records/s")
}

// TestDecide: what the benchmark measures are decisions, and not questions for more.
func TestDecide(t *testing.T) { known(t) }

// known is a year of orders, and all that is needed to decide them.
func known(b testing.TB) (*decide.Orders, []record.Record, *decide.Facts) {
	b.Helper()
	w := pair(b, "")
	b.Cleanup(func() {
		if err := w.Close(); err != nil {
			b.Error(err)
		}
	})
	shop := open(b, "eaccounting", connector.Settings{"base_url": w.EA.Info.BaseURL, "token_url": w.EA.Info.TokenURL}, w.EA.Token)
	books := open(b, "accountview", connector.Settings{"base_url": w.AV.Info.BaseURL, "token_url": w.AV.Info.TokenURL, "company": "DEMO"}, w.AV.Token)
	recipe, err := flow.LoadRecipe(recipes.FS, "accountview-eaccounting/orders")
	if err != nil {
		b.Fatal(err)
	}
	settings, problems := recipe.ParseSettings(map[string]any{"collective_account": "1210"})
	if len(problems) > 0 {
		b.Fatal(problems)
	}
	d := &decide.Orders{Recipe: recipe, Settings: *settings.Orders, Schemas: map[string]*record.Schema{}, Currency: "EUR", Country: "NL", PriceDecimals: 4, QuantityDecimals: 4,
		Hash: func(v record.Value) string { return v.String() }}
	for _, object := range []string{"AR1", "ADDR", "AK1", "SO1"} {
		if d.Schemas[object], err = books.Discover(b.Context(), object); err != nil {
			b.Fatal(err)
		}
	}
	var orders []record.Record
	if err := shop.Read(b.Context(), connector.ReadRequest{Object: "orders", BatchSize: 1000}, func(batch connector.Batch) error {
		orders = append(orders, batch.Records...)
		return nil
	}); err != nil {
		b.Fatal(err)
	}
	facts := &decide.Facts{Answers: map[string]decide.Answer{}, Links: map[decide.LinkNeed]decide.Link{}, Calls: flow.Results{}}
	verdicts := learn(b, d, orders, facts, map[decide.Side]connector.Connection{decide.Source: shop, decide.Destination: books})
	if verdicts[decide.Act] < len(orders)/2 {
		b.Fatalf("of %d orders only %d would be carried over", len(orders), verdicts[decide.Act])
	}
	return d, orders, facts
}

// learn asks both systems until every order can be decided.
func learn(b testing.TB, d *decide.Orders, orders []record.Record, facts *decide.Facts, sides map[decide.Side]connector.Connection) map[decide.Verdict]int {
	b.Helper()
	for range 12 {
		verdicts := map[decide.Verdict]int{}
		type group struct {
			side   decide.Side
			object string
		}
		ask := map[group][]decide.Lookup{}
		for _, o := range orders {
			dec := d.Decide(o, facts)
			verdicts[dec.Verdict]++
			for _, l := range dec.Lookups {
				g := group{l.Side, l.Object}
				ask[g] = append(ask[g], l)
			}
			for _, n := range dec.Links {
				facts.Links[n] = decide.Link{}
			}
			for _, c := range dec.Calls { // as for a street that the function leaves whole; its own speed is measured in host/function
				facts.Calls[c.ID()] = flow.Result{Version: "1", Outputs: map[string]record.Value{"name": c.Args[0], "number": record.Text(""), "addition": record.Text("")}}
			}
		}
		if verdicts[decide.NeedMore] == 0 {
			return verdicts
		}
		for g, lookups := range ask {
			req := connector.FindRequest{Object: g.object}
			for _, l := range lookups {
				key := connector.Key{Around: l.Around}
				for _, f := range l.Fields {
					key.Fields = append(key.Fields, connector.KeyField{Name: f.Name, Value: record.Text(f.Value)})
				}
				req.Keys = append(req.Keys, key)
			}
			results, err := sides[g.side].Find(b.Context(), req)
			if err != nil {
				b.Fatal(err)
			}
			for i, r := range results {
				facts.Answers[lookups[i].ID()] = decide.Answer{Status: r.Status, Records: r.Records, Scopes: r.Scopes, Reason: r.Reason, Cause: r.Cause}
			}
		}
	}
	b.Fatal("the orders cannot be decided")
	return nil
}
