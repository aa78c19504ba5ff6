package decide

import (
	"fmt"
	"slices"
	"strings"

	"github.com/pomost/pomost/host/flow"
	"github.com/pomost/pomost/sdk/connector"
	"github.com/pomost/pomost/sdk/record"
)

// Verification words, as links keep them.
const (
	Verified             = "verified"
	VerifiedDiffers      = "differs"
	VerifiedUnverifiable = "unverifiable"
	VerifiedNotYet       = "not yet" // written; the run ended before what was booked was compared
)

// party is whom the destination's order is booked on.
type party struct {
	customer  record.Record // canonical, as in the source
	key       string        // the debtor's key; "" while an action is to create it
	invoiceTo string        // the debtor who gets the invoice
	vatCode   string        // the debtor's VAT code there, "" when it has none or it is not told
	taxCode   string        // the VAT code that a new debtor gets for this order's rows
	email     string        // what a new debtor is recognised by
	shared    bool          // a default or collective debtor: the person goes into the delivery address
	action    *Action
}

// party matches the order's customer: by the default debtor's setting, by link, then by e-mail.
func (s *order) party() (party, *Decision) {
	var p party
	fail := func(cause, reason, remedy string) (party, *Decision) {
		d := hold(s.d, cause, reason, remedy)
		return p, &d
	}
	cust, d := s.customer()
	if d != nil || s.pending() && cust.Schema == nil {
		return p, d
	}
	p.customer = cust
	email := strings.TrimSpace(cust.Get("email").String())
	collective := slices.Contains(s.Settings.CollectiveCustomers, cust.Get("number").String())
	guest := email == "" || collective
	if def := s.Settings.DefaultDebtor; def != "" && (guest || s.Settings.DefaultDebtorFor == "all") {
		p.shared = true
		debtor, d := s.debtorByKey(def)
		if d != nil || debtor.Schema == nil {
			return p, d
		}
		return s.book(p, debtor)
	}
	if collective {
		return fail("match_none", "its buyer is a collective customer without a debtor of its own", "set default_debtor for the flow")
	}
	l, known := s.link(LinkNeed{Object: s.Recipe.Read["customer"].Object, Key: cust.Get("key").String()})
	if !known {
		return p, nil
	}
	if l.Key != "" {
		debtor, d := s.debtorByKey(l.Key)
		if d != nil || debtor.Schema == nil {
			return p, d
		}
		p, d = s.book(p, debtor)
		if d == nil {
			d = s.update(&p, debtor, &l)
		}
		return p, d
	}
	if email == "" {
		return fail("match_none", "its buyer has no e-mail address to be recognised by", "set default_debtor for buyers without e-mail, or give the customer one in the source")
	}
	debtors, d := s.debtorsByEmail(email)
	if d != nil || debtors == nil && s.pending() {
		return p, d
	}
	switch len(debtors) {
	case 0:
		if d := s.elsewhere("email", spellings(email), email); d != nil || s.pending() {
			return p, d
		}
		return s.create(p, email)
	case 1:
		raw := debtors[0]
		p, d = s.book(p, raw)
		if d == nil {
			d = s.update(&p, raw, nil)
		}
		return p, d
	default:
		var keys []string
		for _, r := range debtors {
			keys = append(keys, r.Get(s.Recipe.Back["debtor"].Key).String())
		}
		return fail("match_ambiguous", "several debtors have its buyer's e-mail address: "+strings.Join(keys, ", "),
			"leave the address with one of them in the destination, then retry")
	}
}

// customer reads the order's customer from the source.
func (s *order) customer() (record.Record, *Decision) {
	obj := s.Recipe.Read["customer"]
	key := s.text("customer")
	if key == "" {
		d := hold(s.d, "customer_missing", "the order names no customer", "complete the order in the source")
		return record.Record{}, &d
	}
	ans, ok := s.find(Lookup{Side: Source, Object: obj.Object, Fields: []Field{{obj.Find["key"], key}}})
	if !ok {
		return record.Record{}, nil
	}
	if ans.Status != connector.Found || len(ans.Records) != 1 {
		d := hold(s.d, "customer_missing", "its customer cannot be found in the source", "check whether the customer was deleted")
		return record.Record{}, &d
	}
	cust, holds := s.Recipe.Canon("customer", ans.Records[0])
	if len(holds) > 0 {
		d := s.holdFor(holds[0])
		return record.Record{}, &d
	}
	return cust, nil
}

// debtorByKey reads a debtor that must exist. Without an answer yet the record has no schema.
func (s *order) debtorByKey(key string) (record.Record, *Decision) {
	obj := s.Recipe.Back["debtor"]
	ans, ok := s.find(Lookup{Side: Destination, Object: obj.Object, Fields: []Field{{obj.Find["key"], key}}, Around: s.d.Date})
	if !ok {
		return record.Record{}, nil
	}
	switch {
	case ans.Status == connector.CannotTell:
		return record.Record{}, s.untold(ans, "debtors")
	case len(ans.Records) == 0:
		if d := s.elsewhere("key", []string{key}, key); d != nil || s.pending() {
			return record.Record{}, d
		}
		d := hold(s.d, "customer_missing", "debtor "+key+" does not exist in the destination for the year of "+s.d.Date.String(),
			"create debtor "+key+" there, or correct default_debtor")
		return record.Record{}, &d
	}
	return ans.Records[0], nil
}

// elsewhere holds an order whose debtor is known in the year before or after only: where each year keeps its own master data, one
// that is missing must be exchanged and not made a second time.
func (s *order) elsewhere(by string, values []string, want string) *Decision {
	obj := s.Recipe.Back["debtor"]
	for _, years := range []int{-1, 1} {
		at := shiftYear(s.d.Date, years)
		for _, v := range values {
			ans, ok := s.find(Lookup{Side: Destination, Object: obj.Object, Fields: []Field{{obj.Find[by], v}}, Around: at})
			if !ok {
				continue
			}
			for _, r := range ans.Records {
				if deb, holds := s.Recipe.Canon("debtor", r); len(holds) == 0 && Fold(deb.Get(by).String()) == Fold(want) {
					key := deb.Get("key").String()
					d := hold(s.d, "missing_in_year", fmt.Sprintf("debtor %s is known in the year of %s, but not in that of %s", key, at, s.d.Date),
						"exchange the master data of the years in the destination, then retry")
					d.Recheck = true // a request whose answer was lost may have landed between the two look-ups
					return &d
				}
			}
		}
	}
	return nil
}

// shiftYear is the same day in another year.
func shiftYear(d record.Date, years int) record.Date {
	year, month, day := d.Time().Date()
	return record.NewDate(year+years, month, min(day, 28))
}

// spellings are the ways in which a person would write an e-mail address.
func spellings(email string) []string {
	out := []string{email}
	for _, e := range []string{strings.ToLower(email), strings.ToUpper(email)} {
		if !slices.Contains(out, e) {
			out = append(out, e)
		}
	}
	return out
}

// debtorsByEmail finds the debtors whose e-mail is the same under Fold. The system's own comparison is not relied on: it is asked
// for the spellings that a person would use, and what it answers is compared again.
func (s *order) debtorsByEmail(email string) ([]record.Record, *Decision) {
	obj := s.Recipe.Back["debtor"]
	var out []record.Record
	seen := map[string]bool{}
	for _, e := range spellings(email) {
		ans, ok := s.find(Lookup{Side: Destination, Object: obj.Object, Fields: []Field{{obj.Find["email"], e}}, Around: s.d.Date})
		if !ok {
			continue
		}
		if ans.Status == connector.CannotTell {
			return nil, s.untold(ans, "debtors")
		}
		for _, r := range ans.Records {
			deb, holds := s.Recipe.Canon("debtor", r)
			if len(holds) > 0 {
				d := s.holdFor(holds[0])
				return nil, &d
			}
			key := deb.Get("key").String()
			if Fold(deb.Get("email").String()) == Fold(email) && !seen[key] {
				seen[key] = true
				out = append(out, r)
			}
		}
	}
	return out, nil
}

// book takes a debtor for the order, unless the debtor is blocked.
func (s *order) book(p party, raw record.Record) (party, *Decision) {
	deb, holds := s.Recipe.Canon("debtor", raw)
	if len(holds) > 0 {
		d := s.holdFor(holds[0])
		return p, &d
	}
	p.key = deb.Get("key").String()
	if deb.Get("blocked").AsBool() {
		d := hold(s.d, "blocked", "debtor "+p.key+" is blocked in the destination", "unblock debtor "+p.key+", then retry")
		return p, &d
	}
	if deb.Get("own_discount").AsBool() {
		s.d.Warnings = append(s.d.Warnings, "debtor "+p.key+" has a discount of its own in the destination, which may come on top")
	}
	p.vatCode = strings.TrimSpace(deb.Get("vat_code").String())
	p.invoiceTo = strings.TrimSpace(deb.Get("invoice_to").String())
	if p.invoiceTo == "" {
		p.invoiceTo = p.key
	}
	return p, nil
}

// create plans a new debtor for a customer that the destination does not have.
func (s *order) create(p party, email string) (party, *Decision) {
	if s.Settings.CollectiveAccount == "" {
		d := hold(s.d, "account_missing", "a new debtor needs the collective account, which is not set", "set collective_account for the flow")
		return p, &d
	}
	p.email = email
	target := s.Recipe.Write["debtor"]
	from := s.partyContext(p)
	mapped := s.mapped(target, from, nil, s.Schemas[target.Object])
	if len(mapped.Holds) > 0 {
		d := s.holdFor(mapped.Holds[0])
		return p, &d
	}
	s.warn(mapped.Warnings)
	obj := s.Recipe.Back["debtor"]
	p.action = &Action{
		Step: "debtor", Action: connector.Create, Object: target.Object, Record: stated(mapped.Record),
		Identity: "email:" + Fold(email), KeyField: obj.Key,
		Lookup: Lookup{Side: Destination, Object: obj.Object, Fields: []Field{{obj.Find["email"], email}}, Around: s.d.Date},
		Link:   LinkNeed{Object: s.Recipe.Read["customer"].Object, Key: p.customer.Get("key").String()}, Kind: "customer",
		Origins: s.origins(target, from, nil, mapped.Record),
		Changes: changes(mapped.Record, nil), Sent: remembered(target.Object, mapped.Record, s.Hash),
	}
	return p, nil
}

// partyContext is what a debtor is made from. The tables act on new ones; what they do not know is left to the destination.
func (s *order) partyContext(p party) flow.Context {
	settings := record.New(flow.CustomerSendingSchema)
	put := func(field, value string) {
		if value != "" {
			settings.MustSet(field, record.Text(value))
		}
	}
	settings.MustSet("collective_account", record.Text(s.Settings.CollectiveAccount))
	settings.MustSet("country", record.Text(s.Country))
	settings.MustSet("currency", record.Text(s.Currency))
	terms, _ := s.Terms.code(p.customer.Get("payment_terms").String())
	delivery, _ := s.Deliveries.code(p.customer.Get("delivery_method").String())
	put("payment_terms", terms)
	put("delivery_method", delivery)
	home, _ := p.customer.Get("address").AsRecord()
	country := strings.ToUpper(home.Get("country").String())
	if country == "" {
		country = s.Country
	}
	account, _ := choose(s.Settings.RevenueAccounts, country, partyOf(p.customer), "")
	put("revenue_account", account)
	put("tax_code", p.taxCode)
	return flow.Context{"customer": p.customer, "order": s.doc, "settings": settings}
}

// update plans what of the source's customer may be changed on an existing debtor, by the mark of each field. The bookkeeper's
// own later change stays: a field is written only when the source has something new to say (its hash differs from what was last
// sent), or when it never said anything yet.
func (s *order) update(p *party, raw record.Record, l *Link) *Decision {
	target := s.Recipe.Write["debtor"]
	schema := s.Schemas[target.Object]
	from := s.partyContext(*p)
	mapped := s.mapped(target, from, nil, schema)
	c := comparison{target: target, schema: schema, mapped: mapped, current: raw, name: "debtor " + p.key, hash: s.Hash, conflict: ConflictWins}
	if l != nil {
		c.link = *l
	}
	res := c.compare()
	if res.hold != nil {
		d := s.holdFor(*res.hold)
		return &d
	}
	out, diff := res.out, res.changes
	link := LinkNeed{Object: s.Recipe.Read["customer"].Object, Key: p.customer.Get("key").String()}
	if len(diff) == 0 && l != nil {
		return nil
	}
	if len(diff) > 0 {
		out.MustSet(target.Key, record.Text(p.key))
	}
	p.action = &Action{
		Step: "debtor", Action: connector.Update, Object: target.Object, Record: out, Key: p.key, KeyField: s.Recipe.Back["debtor"].Key,
		Origins: s.origins(target, from, nil, out),
		Link:    link, Kind: "customer", Changes: diff, Sent: remembered(target.Object, mapped.Record, s.Hash),
		Lookup: Lookup{Side: Destination, Object: target.Object, Fields: []Field{{s.Recipe.Back["debtor"].Find["key"], p.key}}, Around: s.d.Date},
	}
	return nil
}
