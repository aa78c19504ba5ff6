package decide

import (
	"fmt"
	"slices"
	"strings"

	"github.com/pomost/pomost/host/flow"
	"github.com/pomost/pomost/sdk/connector"
	"github.com/pomost/pomost/sdk/record"
)

// Orders is everything that decisions about orders depend on beside the record and the facts: the flow's settings and what was
// discovered of both accounts. It does not change during a run.
type Orders struct {
	Recipe   *flow.Recipe
	Settings flow.OrderSettings
	// Schemas are the destination's discovered schemas by object.
	Schemas map[string]*record.Schema
	// Currency is the destination company's, Country the source company's; "" when they do not tell.
	Currency, Country string
	// CurrencyAssumed: the destination does not tell its currency, the source company's was taken.
	CurrencyAssumed bool
	// Gross: the destination's prices include VAT. Decimals that its prices and quantities keep.
	Gross                           bool
	PriceDecimals, QuantityDecimals int32
	// BasisAssumed: whether the prices include VAT could not be read, net was taken.
	BasisAssumed bool
	// CountryThere is the destination company's country; the source company's where it does not tell.
	CountryThere string
	// Terms translate terms of payment, Deliveries ways of delivery; nil where the flow has no table.
	Terms, Deliveries *Codes
	// CardTerms are the keys of payment terms that a card or wallet pays at once.
	CardTerms map[string]bool
	// Hash gives the short keyed hash of a value, as links keep it.
	Hash func(record.Value) string
}

// order is one decision in the making.
type order struct {
	*Orders
	asker
	d   Decision
	doc record.Record // canonical
	raw record.Record // as the source gave it
}

// Decide says what is to become of one source record.
func (o *Orders) Decide(src record.Record, facts *Facts) Decision {
	s := order{Orders: o, asker: asker{facts: facts}, raw: src}
	canon, holds := o.Recipe.Canon("order", src)
	s.doc = canon
	s.d.Label = s.text("number")
	if s.d.Label == "" {
		s.d.Label = s.text("key")
	}
	s.d.Date, _ = canon.Get("date").AsDate()
	s.d.Source = relevant(canon)
	if len(holds) > 0 {
		return s.holdFor(holds[0])
	}
	for _, step := range []func() (Decision, bool){s.known, s.wanted, s.special, s.paid, s.exists} {
		if d, done := step(); done {
			return d
		}
	}
	return s.build()
}

// Key is the source key of a source record, "" when it has none.
func (o *Orders) Key(src record.Record) string {
	return src.Get(o.Recipe.Read["order"].Key).String()
}

// relevant is the fingerprint of what an amendment could concern: not the status, the number that a draft gets with it, nor the stamp
// of the change.
func relevant(canon record.Record) record.Fingerprint {
	r := record.Record{Schema: canon.Schema, Values: slices.Clone(canon.Values)}
	for _, name := range []string{"status", "number", "changed", "back_order"} {
		if i, ok := r.Schema.Index(name); ok && i < len(r.Values) {
			r.Values[i] = record.Absent()
		}
	}
	return record.FingerprintOf(r)
}

func (s *order) text(field string) string { return strings.TrimSpace(s.doc.Get(field).String()) }

func (s *order) flag(field string) bool { return s.doc.Get(field).AsBool() }

func (s *order) sub(field string) record.Record {
	r, _ := s.doc.Get(field).AsRecord()
	return r
}

func (s *order) holdFor(h flow.Hold) Decision { return hold(s.d, h.Cause, h.Message, h.Remedy) }

// untold holds an order because a look-up got no answer: by the cause that the connector tells, else for want of the right to read.
func (s *order) untold(ans Answer, what string) *Decision {
	cause, remedy := ans.Cause, "see the reason, then retry"
	switch cause {
	case "", connector.CauseRights:
		cause, remedy = connector.CauseRights, "give the connection the right to read "+what
	case connector.CauseNoAdministration:
		remedy = "create the administration of that year in the destination, then retry"
	case connector.CauseInvalidValue:
		remedy = "correct the value in the source"
	}
	d := hold(s.d, string(cause), what+" cannot be read: "+ans.Reason, remedy)
	return &d
}

func (s *order) final(v Verdict, reason string) (Decision, bool) {
	s.d.Verdict, s.d.Reason = v, reason
	return s.d, true
}

// known ends the decision for a record that has a link: it was sent.
func (s *order) known() (Decision, bool) {
	if d, set := s.Settings.StartDate, s.Settings.StartDate != nil; set && s.d.Date < *d {
		return s.final(Skip, "dated before the start date "+d.String())
	}
	l, ok := s.link(LinkNeed{Object: s.Recipe.Read["order"].Object, Key: s.text("key")})
	if !ok {
		return s.need(s.d), true
	}
	if l.Key == "" {
		return s.d, false
	}
	s.d.Found = l.Key
	if l.Verified == VerifiedDiffers || l.Verified == VerifiedNotYet && l.Source == s.d.Source {
		return s.compareAgain(l), true
	}
	if l.Source == s.d.Source || l.Source == (record.Fingerprint{}) {
		return s.final(Unchanged, "already sent as "+l.Key)
	}
	if s.Settings.Edited == "hold" {
		return hold(s.d, "changed_after_sending", "it was changed in the source after it was sent as "+l.Key,
			"make the change in "+l.Key+" by hand"), true
	}
	return s.final(Unchanged, "already sent as "+l.Key+"; its later change is ignored (setting edited)")
}

// compareAgain looks at what was booked once more: where it differed, whether it has been put right since; where a run ended before it
// could look, for the first time. What would be sent now is compared with what the destination holds.
func (s *order) compareAgain(l Link) Decision {
	ans, ok := s.find(s.booked(s.reference()))
	twin := *s // what it asks for comes back in its decision
	now := twin.build()
	switch {
	case now.Verdict == NeedMore:
		return now
	case !ok:
		return s.need(s.d)
	case l.Verified == VerifiedNotYet && (ans.Status == connector.CannotTell || now.Verdict != Act):
		// There is nothing to compare with, or nothing would be sent any more: that says nothing about what was booked.
		s.d.Verdict, s.d.Reason, s.d.Verified = Adopt, "what was booked as "+l.Key+" cannot be compared any more", VerifiedUnverifiable
		return s.d
	}
	diff := "what was booked differs from what was sent"
	for _, r := range ans.Records {
		b, _ := s.Recipe.Canon("booked", r)
		if now.Verdict != Act || b.Get("key").String() != l.Key {
			continue
		}
		if diff = Compare(now.Actions[len(now.Actions)-1].Expect, Booked(s.Recipe, r)); diff == "" {
			s.d.Verdict, s.d.Reason, s.d.Verified = Adopt, "what was booked as "+l.Key+" agrees", Verified
			return s.d
		}
	}
	return hold(s.d, "amounts_differ", "it was written as "+l.Key+", but "+diff, "correct "+l.Key+" in the destination, then retry")
}

// wanted applies the filters on the status.
func (s *order) wanted() (Decision, bool) {
	status := s.text("status")
	if slices.Contains(s.Settings.Statuses, status) {
		return s.d, false
	}
	if status == "invoiced" {
		return s.final(Skip, "its status is invoiced, which is not wanted and does not change any more")
	}
	return s.final(Watch, "its status is "+status)
}

// special holds what changes who owes what, by name.
func (s *order) special() (Decision, bool) {
	for _, c := range []struct{ field, what string }{
		{"reverse_charge", "reverse charge on construction services"},
		{"eu_third_party", "EU third party trade"},
		{"tax_reduction", "a tax reduction scheme (ROT, RUT or green technology)"},
	} {
		if s.flag(c.field) {
			return hold(s.d, "special_tax", "it uses "+c.what+", which changes who owes the VAT", "enter this order by hand"), true
		}
	}
	if s.flag("back_order") {
		return hold(s.d, "back_order", "it is a back order of another order", "enter the remaining quantities by hand"), true
	}
	for _, r := range s.rows() {
		if r.Get("is_work").AsBool() {
			return hold(s.d, "special_tax", fmt.Sprintf("row %s is work cost of a tax reduction scheme", r.Get("line")), "enter this order by hand"), true
		}
	}
	if cur := s.text("currency"); s.Currency != "" && !strings.EqualFold(cur, s.Currency) {
		return hold(s.d, "currency", fmt.Sprintf("it is in %s, the destination keeps %s", cur, s.Currency), "enter this order by hand"), true
	}
	return s.d, false
}

// paid applies only_paid: paid lives on the invoice, not on the order.
func (s *order) paid() (Decision, bool) {
	if !s.Settings.OnlyPaid {
		return s.d, false
	}
	if s.Settings.CardCountsAsPaid && s.CardTerms[s.text("payment_terms")] {
		return s.d, false
	}
	obj := s.Recipe.Read["invoice"]
	ans, ok := s.find(Lookup{Side: Source, Object: obj.Object, Fields: []Field{{obj.Find["order"], s.text("key")}}})
	if !ok {
		return s.need(s.d), true
	}
	if ans.Status == connector.CannotTell {
		return *s.untold(ans, "its invoices"), true
	}
	count := 0
	for _, r := range ans.Records {
		inv, holds := s.Recipe.Canon("invoice", r)
		if len(holds) > 0 {
			return s.holdFor(holds[0]), true
		}
		if inv.Get("credit").AsBool() {
			continue
		}
		if inv.Get("credited").AsBool() {
			return s.final(Watch, "its invoice was credited")
		}
		count++
		if rest, ok := inv.Get("remaining").AsDecimal(); !ok || !rest.IsZero() {
			return s.final(Watch, "it is not paid yet")
		}
	}
	if count == 0 {
		return s.final(Watch, "it is not invoiced yet, so it cannot be paid")
	}
	return s.d, false
}

// reference is what the destination's order is found by.
func (s *order) reference() string {
	var ref string
	switch s.Settings.Reference {
	case "buyers_reference":
		ref = s.text("buyers_reference")
	case "id":
		ref = s.text("id")
	default:
		ref = s.text("number")
	}
	if ref == "" {
		ref = s.text("id")
	}
	return s.Settings.ReferencePrefix + ref
}

func (s *order) booked(reference string) Lookup {
	obj := s.Recipe.Back["booked"]
	return Lookup{Side: Destination, Object: obj.Object, Fields: []Field{{obj.Find["reference"], reference}}, Around: s.d.Date}
}

// external is the look-up by what no other order has, where the destination has a field for it: a reference can be edited there.
func (s *order) external() (Lookup, bool) {
	obj, id := s.Recipe.Back["booked"], s.text("external")
	field := obj.Find["external"]
	schema := s.Schemas[obj.Object]
	if field == "" || id == "" || schema == nil {
		return Lookup{}, false
	}
	_, has := schema.Field(field)
	return Lookup{Side: Destination, Object: obj.Object, Fields: []Field{{field, id}}, Around: s.d.Date}, has
}

// exists looks for the order in the destination by its reference, and by its own id where that is kept there: either one that finds it
// counts, whatever the other says. "Cannot tell" does not hold the order: our own memory says that it was never attempted; what remains open
// is said.
func (s *order) exists() (Decision, bool) {
	ref := s.reference()
	ans, ok := s.find(s.booked(ref))
	var own Answer
	if l, has := s.external(); has {
		var known bool
		own, known = s.find(l)
		ok = ok && known
	}
	if !ok {
		// The rest needs the customer and the products whatever the answer is, so they are asked for at once.
		return s.d, false
	}
	if ans.Status == connector.CannotTell {
		s.d.Warnings = append(s.d.Warnings, "the destination's orders cannot be read back, so an order typed there by hand would not be noticed: "+ans.Reason)
	}
	var keys []string
	for _, r := range ans.Records {
		b, holds := s.Recipe.Canon("booked", r)
		if len(holds) > 0 {
			return s.holdFor(holds[0]), true
		}
		if Fold(b.Get("reference").String()) != Fold(ref) {
			continue
		}
		date, _ := b.Get("date").AsDate()
		if date != s.d.Date {
			return hold(s.d, "conflict", fmt.Sprintf("order %s in the destination has the reference %s, but the date %s", b.Get("key"), ref, date),
				"give this flow a reference_prefix, or correct the reference of "+b.Get("key").String()), true
		}
		keys = append(keys, b.Get("key").String())
	}
	why := "an order with its reference exists already: "
	for _, r := range own.Records {
		b, holds := s.Recipe.Canon("booked", r)
		key := b.Get("key").String()
		if len(holds) > 0 || Fold(b.Get("external").String()) != Fold(s.text("external")) || slices.Contains(keys, key) {
			continue
		}
		why = "it exists already, under the reference " + b.Get("reference").String() + " instead of " + ref + ": "
		keys = append(keys, key)
	}
	switch len(keys) {
	case 0:
		return s.d, false
	case 1:
		s.d.Found = keys[0]
		return s.final(Adopt, why+keys[0])
	default:
		return hold(s.d, "match_ambiguous", "several orders have its reference: "+strings.Join(keys, ", "), "delete the superfluous ones, then retry"), true
	}
}

// build matches the customer and the products, prices the rows and makes the graph of actions.
func (s *order) build() Decision {
	party, partyHeld := s.party()
	goods, productsHeld := s.products()
	if s.pending() {
		// Whether the order exists already comes before every reason to hold it.
		return s.need(s.d)
	}
	if partyHeld != nil {
		return *partyHeld
	}
	if productsHeld != nil {
		return *productsHeld
	}
	priced, lines, held := s.price(goods)
	if held != nil {
		return *held
	}
	if h := s.taxCodes(&party, lines, priced.Exempt); h != nil {
		return s.holdFor(*h)
	}
	if party.action != nil && party.action.Action == connector.Create && party.taxCode != "" {
		if party, held = s.create(party, party.email); held != nil { // once more, with its VAT code
			return *held
		}
	}
	s.d.Proof = &priced.Proof
	if s.CurrencyAssumed {
		s.d.Warnings = append(s.d.Warnings, "the destination does not tell its currency: "+s.Currency+" is assumed")
	}
	if s.BasisAssumed {
		s.d.Warnings = append(s.d.Warnings, "whether the destination's prices include VAT cannot be read: without VAT is assumed (setting price_basis)")
	}
	s.d.Warnings = append(s.d.Warnings, priced.Warnings...)
	delivery, deliveryHeld := s.delivery(party)
	if s.pending() {
		return s.need(s.d)
	}
	if deliveryHeld != nil {
		return *deliveryHeld
	}
	return s.compose(party, delivery, lines)
}
