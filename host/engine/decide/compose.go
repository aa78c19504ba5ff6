package decide

import (
	"slices"
	"strings"

	"github.com/pomost/pomost/host/flow"
	"github.com/pomost/pomost/sdk/connector"
	"github.com/pomost/pomost/sdk/record"
)

// compose puts the order's own record behind the actions for its customer and address.
func (s *order) compose(p party, delivery place, lines []record.Record) Decision {
	if p.action != nil {
		s.d.Actions = append(s.d.Actions, *p.action)
	}
	if delivery.action != nil {
		s.d.Actions = append(s.d.Actions, *delivery.action)
	}
	s.d.Relied = []Relied{{"debtor", keyOrNew(p.key)}, {"debtor", keyOrNew(p.invoiceTo)}, {"address", "home"}}
	if delivery.key != "" || delivery.action != nil {
		s.d.Relied[2].Key = keyOrNew(delivery.key)
	}
	target := s.Recipe.Write["order"]
	schema := s.Schemas[target.Object]
	ref := s.reference()
	debtor := record.New(flow.PartySchema)
	debtor.MustSet("key", record.Text(p.key))
	debtor.MustSet("invoice_to", record.Text(p.invoiceTo))
	debtor.MustSet("delivery_code", record.Text(delivery.key))
	sending, held := s.sending(p.customer)
	if held != nil {
		return s.holdFor(*held)
	}
	from := flow.Context{"order": s.doc, "customer": p.customer, "debtor": debtor, "sending": sending, flow.SourceContext: s.raw}
	mapped := s.mapped(target, from, lines, schema)
	if s.pending() {
		return s.need(s.d)
	}
	if len(mapped.Holds) > 0 {
		return s.holdFor(mapped.Holds[0])
	}
	s.warn(mapped.Warnings)
	for _, name := range sortedNames(s.Settings.Constants) {
		v, err := flow.ConvertText(s.Settings.Constants[name], schema, name)
		if err != nil {
			return hold(s.d, "invalid_value", "the constant "+name+" does not fit: "+err.Error(), "correct the setting constants")
		}
		mapped.Record.MustSet(name, v)
	}
	s.d.Main = withoutParty(mapped)
	expect := Booked(s.Recipe, mapped.Record)
	var refs []Ref
	for _, r := range mapped.Refs {
		switch r.Path {
		case "debtor.key", "debtor.invoice_to":
			if p.action != nil && p.action.Action == connector.Create {
				refs = append(refs, Ref{r.Field, p.action.Step})
			}
		case "debtor.delivery_code":
			if delivery.action != nil {
				refs = append(refs, Ref{r.Field, delivery.action.Step})
			}
		}
	}
	if p.action != nil && p.action.Action == connector.Create {
		expect["debtor"] = "@" + p.action.Step
	}
	s.d.Actions = append(s.d.Actions, Action{
		Step: "order", Action: connector.Create, Object: target.Object, Record: mapped.Record, Refs: refs,
		Identity: "reference:" + ref, Lookup: s.booked(ref), KeyField: s.Recipe.Back["booked"].Key, Expect: expect, Document: true,
		Link: LinkNeed{Object: s.Recipe.Read["order"].Object, Key: s.text("key")}, Kind: "order",
		Changes: changes(mapped.Record, refs), Origins: s.origins(target, from, lines, mapped.Record),
	})
	s.d.Verdict = Act
	return s.d
}

func keyOrNew(key string) string {
	if key == "" {
		return "new"
	}
	return key
}

// withoutParty is the fingerprint of an outgoing order without the keys of its debtor and address.
func withoutParty(m flow.Mapped) record.Fingerprint {
	r := record.Record{Schema: m.Record.Schema, Values: slices.Clone(m.Record.Values)}
	for _, ref := range m.Refs {
		if strings.HasPrefix(ref.Path, "debtor.") {
			r.MustSet(ref.Field, record.Absent())
		}
	}
	return record.FingerprintOf(r)
}

func (s *order) warn(ws []flow.Warning) {
	for _, w := range ws {
		if text := w.Field + ": " + w.Message; !slices.Contains(s.d.Warnings, text) {
			s.d.Warnings = append(s.d.Warnings, text)
		}
	}
}

func changes(r record.Record, refs []Ref) []Change {
	var out []Change
	for i, v := range r.Values {
		c := Change{Field: r.Schema.Fields[i].Name, To: v.String()}
		given := !v.IsAbsent()
		for _, ref := range refs {
			if ref.Field == c.Field {
				c.To, given = "("+ref.Step+")", true
			}
		}
		if given {
			out = append(out, c)
		}
	}
	return out
}

func sortedNames[V any](m map[string]V) []string {
	names := make([]string, 0, len(m))
	for n := range m {
		names = append(names, n)
	}
	slices.Sort(names)
	return names
}
