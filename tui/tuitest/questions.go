package tuitest

import (
	"fmt"
	"slices"
	"strings"

	"github.com/pomost/pomost/host/control"
	"github.com/pomost/pomost/host/flow"
)

// Asked are the questions that Questions asks, in their order, where everything is answered in the plainest way.
var Asked = []string{"pair", "connection:shop", "consent:shop", "check:shop", "flows", "flow:orders:date", "flow:orders:tax", "flow:stock:formula", "schedule", "plan:orders"}

// Questions is a question-and-answer machine as the service has it, in small: what is asked depends on the answers alone. consented tells
// whether the consent was given.
func Questions(consented func() bool) func(control.Answers) (control.Step, error) {
	return func(a control.Answers) (control.Step, error) {
		m := machine{a: a}
		if a.Flow != "" {
			m.settings()
		} else {
			m.setup(consented())
		}
		s := m.step
		s.Number, s.Total = m.number, max(len(Asked), m.number)
		if a.Flow != "" {
			s.Total = 1
		}
		if s.Question == nil {
			s.Done, s.Config, s.Command = true, exported, "pomost apply -f pomost.yaml"
			s.Changes = []flow.Difference{{Path: "connections.shop.settings.company", To: "DEMO"}, {Path: "flows.orders.settings.start_date", From: "2026-07-01", To: "2026-10-01"},
				{Path: "flows.stock", From: "accountview-eaccounting/stock"}}
			if a.Flow != "" {
				s.Changes = s.Changes[1:2]
			} else {
				s.Secrets = map[string]map[string]string{"shop": {"client_secret": fmt.Sprint(a.Values["connection:shop"].Fields["client_secret"])}}
			}
		}
		return s, nil
	}
}

type machine struct {
	a      control.Answers
	number int
	step   control.Step
}

// ask tells whether the question is answered well; check returns what is wrong with the answer.
func (m *machine) ask(q control.Question, check func(map[string]any) []flow.Problem) bool {
	m.number++
	given, ok := m.a.Values[q.ID]
	if ok && given.Skipped {
		return q.Skippable
	}
	if ok && check != nil {
		m.step.Problems = check(given.Fields)
		ok = len(m.step.Problems) == 0
	}
	if !ok {
		m.step.Question = &q
	}
	return ok
}

func (m *machine) setup(consented bool) {
	form := func(id, title, text string, fields ...control.Field) control.Question {
		return control.Question{ID: id, Kind: control.QuestionForm, Title: title, Text: text, Fields: fields}
	}
	if !m.ask(form("pair", "Which systems?", "Records travel between two systems. What travels, and which way, is asked later.", control.Field{Key: "pair", Label: "Systems",
		Type: "choice", Required: true, Options: []control.Option{{Value: "a+e", Label: "AccountView and Visma eAccounting"}, {Value: "csv+e", Label: "A folder of CSV files and Visma eAccounting"}}, Value: "a+e"}), nil) {
		return
	}
	if !m.ask(form("connection:shop", "Connection to Visma eAccounting", "What the system gave you when you registered with it. Secrets are kept encrypted in the home, and shown to nobody.",
		control.Field{Key: "name", Label: "Name", Help: "How you call it: small letters, digits, - and _.", Type: "text", Required: true, Max: 63, Value: "shop"},
		control.Field{Key: "client_id", Label: "Client ID", Type: "text", Required: true},
		control.Field{Key: "client_secret", Label: "Client secret", Help: "It stands beside the client ID in the portal for developers.", Type: "text", Secret: true, Required: true},
		control.Field{Key: "base_url", Label: "Address of the API", Type: "url", Value: "https://eaccountingapi.vismaonline.com/v2", Advanced: true},
		control.Field{Key: "settle_time", Label: "Settle time", Help: "How long a request without an answer may still land.", Type: "duration", Value: "2m", Advanced: true}),
		func(f map[string]any) []flow.Problem {
			if name, _ := f["name"].(string); strings.ContainsFunc(name, func(r rune) bool { return r == ' ' }) {
				return []flow.Problem{{Path: "name", Message: "a name has no spaces", Remedy: "write shop-nl"}}
			}
			return nil
		}) {
		return
	}
	if !consented && !m.ask(control.Question{ID: "consent:shop", Kind: control.QuestionConsent, Connection: "shop", Title: "Consent at Visma eAccounting"}, nil) {
		return
	}
	if !m.ask(control.Question{ID: "check:shop", Kind: control.QuestionCheck, Connection: "shop", Title: "What Visma eAccounting allows", Skippable: true, Text: "Each right and function that the flows need.",
		Checks: []control.CheckItem{{Name: "api", Title: "the API answers", OK: true}, {Name: "orders", Title: "orders may be read", OK: true},
			{Name: "stock", Title: "the stock module is on", OK: true, Warning: true, Message: "it is off: stock can be reported, and not kept", Remedy: "switch it on under Settings, or leave the flow stock out"},
			{Name: "api-use", Title: "the company has the API", Message: "the company's edition has no API: " + Nasty, Remedy: "ask Visma for the edition Pro"}}}, nil) {
		return
	}
	if !m.ask(form("flows", "What should travel?", "", control.Field{Key: "flows", Label: "Flows", Type: "choices", Required: true, Value: []any{"orders", "stock"}, Options: []control.Option{
		{Value: "orders", Label: "Orders from eAccounting become sales orders in AccountView", Help: "The customer comes along where it is not there yet."},
		{Value: "stock", Label: "Stock of AccountView is shown in eAccounting"}, {Value: "products", Label: "Products of AccountView become articles in eAccounting"},
		{Value: "customers", Label: "Customers are kept alike on both sides"}}}), func(f map[string]any) []flow.Problem {
		if list, _ := f["flows"].([]any); len(list) == 0 {
			return []flow.Problem{{Path: "flows", Message: "choose at least one"}}
		}
		return nil
	}) {
		return
	}
	chosen, _ := m.a.Values["flows"].Fields["flows"].([]any)
	if slices.Contains(chosen, any("orders")) {
		date := form("flow:orders:date", "Orders", "From which document date on? Everything before is left alone.", control.Field{Key: "start_date", Label: "Start date", Type: "date", Value: "2026-10-01",
			Proposed: true, Why: "the first day of this quarter", Help: "Orders with an earlier date are left alone."})
		date.Skippable, date.Example = true, []string{"order 1001 of 2026-11-21 would be sent", "order 988 of 2026-09-30 would be left alone"}
		tax := form("flow:orders:tax", "Orders", "VAT: these combinations occur in your sales. Which AccountView code is each?", control.Field{Key: "tax_codes", Label: "VAT codes", Type: "table",
			Columns: []control.Field{{Key: "country", Label: "Country", Type: "text", Max: 2}, {Key: "rate", Label: "Percent", Type: "decimal", Required: true},
				{Key: "code", Label: "VAT code", Type: "choice", Required: true, Options: []control.Option{{Value: "1", Label: "1  21 %"}, {Value: "2", Label: "2  9 %"}, {Value: "3", Label: "3  0 %, EU"}}}},
			Value: []any{map[string]any{"country": "NL", "rate": "21", "code": "1"}, map[string]any{"country": "NL", "rate": "9", "code": "2"}}, Proposed: true, Why: "by rate"})
		tax.Skippable = true
		if !m.ask(date, nil) || !m.ask(tax, nil) {
			return
		}
	}
	if slices.Contains(chosen, any("stock")) {
		formula := form("flow:stock:formula", "Stock", "Some of your articles, with each of their quantities in AccountView. Which one should the shop see?",
			control.Field{Key: "formula", Label: "Quantity", Type: "choice", Required: true, Value: "available_minus_reserved", Proposed: true, Why: "the reservations are counted from the open sales orders",
				Options: []control.Option{
					{Value: "available_minus_reserved", Label: "available, less reserved         18          7"}, {Value: "available", Label: "available                        20          7"},
					{Value: "technical", Label: "on the shelf                     25          7"}, {Value: "own", Label: "an expression of your own"}}},
			control.Field{Key: "formula_own", Label: "Expression", Help: "An expression of available, technical and reserved.", Type: "text", DependsOn: "formula", Equals: "own"})
		formula.Example = []string{"                                MOK-1001  BOEK-1002", "Aantal beschikbaar (QTY_AVAIL)        20          7", "Aantal technisch (QTY_TECH)           25          7",
			"reserved (open sales orders)           2          0", "MOK-1001: Mok " + Nasty, "BOEK-1002: Moestuinboek"}
		if !m.ask(formula, nil) {
			return
		}
	}
	schedule := form("schedule", "How often?", "A running daemon (`pomost serve`) looks for what is new at this interval. Skipped, the flows run when you say so.",
		control.Field{Key: "schedule", Label: "Every", Help: "30s, 5m or 2h.", Type: "duration", Value: "5m", Proposed: true, Why: "soon enough"})
	schedule.Skippable = true
	if !m.ask(schedule, nil) {
		return
	}
	m.ask(control.Question{ID: "plan:orders", Kind: control.QuestionPlan, Flow: "orders", Title: "What would happen: orders", Skippable: true,
		Text: "Nothing has been written yet. This is what the first run would do.", Example: []string{"3 × create order", "  1001  121.00 EUR", "  1002  54.50 EUR", "1 × hold: product_missing", "  1003  article " + Nasty}}, nil)
}

// settings are those of a flow: one page with every type of field.
func (m *machine) settings() {
	m.ask(control.Question{ID: "flow:" + m.a.Flow, Kind: control.QuestionForm, Title: "Orders from eAccounting become sales orders in AccountView", Flow: m.a.Flow,
		Text: "All settings of the flow " + m.a.Flow + ". What is left empty has its default.", Fields: EveryField()}, func(f map[string]any) []flow.Problem {
		if f["reference_prefix"] == "X" {
			return []flow.Problem{{Path: "reference_prefix", Message: "X is taken by the flow orders-sweden", Remedy: "choose another"}, {Path: "tax_codes[1].rate", Message: "7 % does not exist"},
				{Path: "nowhere", Message: "something else is wrong"}}
		}
		return nil
	})
}

// EveryField is a form with a field of every type.
func EveryField() []control.Field {
	statuses := []control.Option{{Value: "draft", Label: "draft"}, {Value: "ongoing", Label: "ongoing"}, {Value: "shipped", Label: "shipped"}, {Value: "invoiced", Label: "invoiced"}}
	return []control.Field{
		{Key: "order_status", Label: "Order status", Help: "The statuses in which an order is sent.", Type: "choices", Options: statuses, Value: "ongoing, shipped, invoiced"},
		{Key: "only_paid", Label: "Only paid orders", Type: "bool", Value: "false"},
		{Key: "card_counts_as_paid", Label: "Card counts as paid", Type: "bool", DependsOn: "only_paid", Equals: "true"},
		{Key: "start_date", Label: "Start date", Type: "date", Value: "2026-07-01"},
		{Key: "reference", Label: "Reference", Type: "choice", Options: []control.Option{{Value: "number", Label: "the order's number"}, {Value: "id", Label: "the order's key"}}, Value: "number"},
		{Key: "reference_prefix", Label: "Prefix of the reference", Type: "text", Max: 10},
		{Key: "token", Label: "Token", Type: "text", Secret: true},
		{Key: "limit", Label: "Credit limit", Type: "decimal", Value: "1000.00"},
		{Key: "buffer", Label: "Buffer", Type: "integer"},
		{Key: "shipping", Label: "Shipping costs", Type: "group", Columns: []control.Field{{Key: "articles", Label: "articles", Type: "texts", Help: "Articles of the shop that are freight."}, {Key: "article", Label: "article", Type: "text"}},
			Value: map[string]any{"articles": []any{"FREIGHT", "POST"}, "article": "900"}},
		{Key: "payment_terms", Label: "Payment terms", Type: "table", Value: map[string]any{"14 days": "14", "30 days": "30"}},
		{Key: "tax_codes", Label: "VAT codes", Type: "table", Columns: []control.Field{{Key: "country", Label: "Country", Type: "text", Max: 2}, {Key: "rate", Label: "Percent", Type: "decimal"}, {Key: "code", Label: "Code", Type: "text"}},
			Value: []any{map[string]any{"country": "NL", "rate": "21", "code": "1"}, map[string]any{"country": "NL", "rate": "7", "code": "2"}}},
		{Key: "constants", Label: "Constants", Help: "A value that every order gets.", Type: "table", Advanced: true},
		{Key: "callback", Label: "Address", Type: "url", Advanced: true},
		{Key: "wait", Label: "Wait", Type: "duration", Advanced: true, Value: "2m"},
	}
}
