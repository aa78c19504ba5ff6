package decide

import (
	"slices"
	"strings"
	"unicode"

	"github.com/pomost/pomost/host/flow"
	"github.com/pomost/pomost/sdk/connector"
	"github.com/pomost/pomost/sdk/record"
)

// place is where the goods go: the key of a delivery address, or the action that makes one; neither when they go to the debtor's own
// address.
type place struct {
	key    string
	action *Action
}

// delivery finds or plans the delivery address: only where it differs from the billing address, and the same one is used again.
func (s *order) delivery(p party) (place, *Decision) {
	billing, to := s.sub("billing"), s.sub("delivery")
	if emptyAddress(billing) {
		billing, _ = p.customer.Get("address").AsRecord()
	}
	if emptyAddress(to) {
		to = record.Record{}
	}
	if p.shared {
		// The debtor is not the buyer: the person goes into a delivery address in any case.
		if emptyAddress(to) {
			to = billing
		}
	} else if emptyAddress(to) || sameAddress(billing, to) {
		return place{}, nil
	}
	if emptyAddress(to) {
		return place{}, nil
	}
	to = named(to, billing, p.customer)
	target := s.Recipe.Write["address"]
	debtor := record.New(flow.PartySchema)
	debtor.MustSet("key", record.Text(p.key))
	from := flow.Context{"address": to, "customer": p.customer, "debtor": debtor, "order": s.doc}
	mapped := s.mapped(target, from, nil, s.Schemas[target.Object])
	if len(mapped.Holds) > 0 {
		d := s.holdFor(mapped.Holds[0])
		return place{}, &d
	}
	s.warn(mapped.Warnings)
	wanted, holds := s.Recipe.Canon("address", mapped.Record)
	if len(holds) > 0 {
		d := s.holdFor(holds[0])
		return place{}, &d
	}
	obj := s.Recipe.Back["address"]
	look := Lookup{Side: Destination, Object: obj.Object, Fields: []Field{{obj.Find["debtor"], p.key}}, Around: s.d.Date}
	var refs []Ref
	identity := "address:" + p.key
	if p.action != nil && p.action.Action == connector.Create {
		// A debtor that is yet to be made has no addresses.
		for _, r := range mapped.Refs {
			if r.Path == "debtor.key" {
				refs = append(refs, Ref{r.Field, p.action.Step})
			}
		}
		look.Fields[0].Value = "@" + p.action.Step
		identity = "address:" + p.action.Identity
	} else {
		ans, ok := s.find(look)
		if !ok {
			return place{}, nil
		}
		for _, r := range ans.Records {
			have, holds := s.Recipe.Canon("address", r)
			if len(holds) == 0 && SameAddress(have, wanted) {
				return place{key: have.Get("key").String()}, nil
			}
		}
		if ans.Status == connector.CannotTell {
			return place{}, s.untold(ans, "delivery addresses")
		}
	}
	return place{action: &Action{
		Step: "address", Action: connector.Create, Object: target.Object, Record: mapped.Record, Refs: refs,
		Identity: identity + ":" + addressText(wanted), Lookup: look, KeyField: obj.Key,
		Expect:  map[string]string{"address": addressText(wanted)},
		Changes: changes(mapped.Record, refs), Origins: s.origins(target, from, nil, mapped.Record),
	}}, nil
}

// named puts a name on a delivery address that has none.
func named(a, billing, customer record.Record) record.Record {
	if !a.Get("name").IsEmpty() {
		return a
	}
	out := record.Record{Schema: a.Schema, Values: append([]record.Value(nil), a.Values...)}
	for _, v := range []record.Value{billing.Get("name"), customer.Get("name")} {
		if !v.IsEmpty() {
			out.MustSet("name", v)
			break
		}
	}
	return out
}

func emptyAddress(a record.Record) bool {
	for _, f := range []string{"address1", "address2", "post_code", "city"} {
		if !a.Get(f).IsEmpty() {
			return false
		}
	}
	return true
}

// sameAddress compares two addresses of the source: the name counts only where both have one.
func sameAddress(a, b record.Record) bool {
	if n, m := Fold(a.Get("name").String()), Fold(b.Get("name").String()); n != "" && m != "" && n != m {
		return false
	}
	return place5(a) == place5(b)
}

// SameAddress compares a canonical delivery address that the destination has with a wanted one, by all five parts. A letter that the
// destination cannot hold comes back as a question mark, which stands for any letter beyond ASCII.
func SameAddress(have, want record.Record) bool {
	h, w := []rune(addressText(have)), []rune(addressText(want))
	return slices.EqualFunc(h, w, func(a, b rune) bool { return a == b || a == '?' && b > unicode.MaxASCII })
}

func addressText(d record.Record) string {
	a, _ := d.Get("address").AsRecord()
	return Fold(a.Get("name").String()) + "|" + place5(a)
}

func place5(a record.Record) string {
	street := strings.Trim(a.Get("address1").String()+", "+a.Get("address2").String(), ", ")
	return Fold(street) + "|" + strings.ReplaceAll(Fold(a.Get("post_code").String()), " ", "") + "|" + Fold(a.Get("city").String()) + "|" +
		Fold(a.Get("country").String())
}
