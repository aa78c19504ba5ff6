package decide

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/pomost/pomost/host/flow"
	"github.com/pomost/pomost/host/store"
	"github.com/pomost/pomost/sdk/connector"
	"github.com/pomost/pomost/sdk/record"
)

// Masters decides about master data, customers and products alike: a record of the source has one counterpart in the destination,
// which is made, recognised, and kept in step with it field by field. What differs between the kinds is in MasterKind. It does not change during a
// run.
type Masters struct {
	Recipe *flow.Recipe
	Lane   flow.Lane
	Kind   MasterKind
	// Write is the lane's target, with the marks that the flow's settings give its fields.
	Write *flow.Target
	// Schemas are the destination's discovered schemas by object.
	Schemas map[string]*record.Schema
	// Create and Update allow to make records, and to change those that exist.
	Create, Update bool
	// Conflict is what becomes of a field that was changed on both sides; Newest gives the word to the side that was changed last,
	// where both tell, and leaves the rest to Conflict.
	Conflict Conflict
	Newest   bool
	// Reverse is the lane the other way, nil where there is none: its baseline is kept so that nothing comes back as an echo.
	Reverse *Masters
	// Look has each counterpart looked at, also where the source has nothing new to say: what is wanted is a report of differences.
	Look bool
	// Hash gives the short keyed hash of a value, as links keep it.
	Hash func(record.Value) string
}

// master is one decision in the making.
type master struct {
	*Masters
	asker
	d          Decision
	raw, canon record.Record
}

// Decide says what is to become of one source record.
func (m *Masters) Decide(src record.Record, facts *Facts) Decision {
	s := master{Masters: m, asker: asker{facts: facts}, raw: src}
	canon, holds := m.Recipe.Canon(m.Lane.Read, src)
	s.canon = canon
	s.d.Label, s.d.Source = m.Kind.Label(canon), unstamped(canon)
	if k, ok := m.Kind.(Surrounded); ok {
		s.d.Source = unstamped(k.Surrounded(canon))
	}
	if s.d.Label == "" {
		s.d.Label = m.Key(src)
	}
	if len(holds) > 0 {
		return s.held(holds[0])
	}
	if why := m.Kind.Wanted(canon, src); why != "" {
		s.d.Verdict, s.d.Reason = Skip, why
		return s.d
	}
	link, known := s.link(m.linkNeed(src))
	if !known {
		return s.need(s.d)
	}
	mapped, warnings, held := m.mapped(&s.asker, canon, src)
	switch {
	case s.pending():
		return s.need(s.d)
	case held != nil:
		return s.held(*held)
	}
	s.d.Warnings = warnings
	for _, w := range mapped.Warnings {
		s.d.Warnings = append(s.d.Warnings, w.Field+": "+w.Message)
	}
	s.d.Main = record.FingerprintOf(mapped.Record)
	// What a killed run wrote and did not read back is looked at once more.
	if !m.Look && link.Key != "" && link.Verified != VerifiedNotYet && link.Sent[m.memory()] == m.print(mapped.Record) {
		s.d.Verdict, s.d.Found, s.d.Reason = Unchanged, link.Key, "nothing has changed since it was carried over to "+link.Key
		return s.d
	}
	var existing record.Record
	if link.Key != "" {
		existing, held = s.linked(link.Key)
	} else {
		existing, held = s.match()
	}
	switch {
	case held != nil:
		return s.held(*held)
	case s.pending():
		return s.need(s.d)
	case existing.Schema == nil:
		return s.create(mapped)
	}
	return s.update(existing, mapped, link)
}

func (s *master) held(h flow.Hold) Decision { return hold(s.d, h.Cause, h.Message, h.Remedy) }

// mapped makes the outgoing record.
func (m *Masters) mapped(a *asker, canon, src record.Record) (flow.Mapped, []string, *flow.Hold) {
	ctx, warnings, held := m.Kind.Context(&Ask{a}, canon, src)
	if held != nil || a.pending() {
		return flow.Mapped{}, nil, held
	}
	ctx[flow.SourceContext] = src
	return a.mapped(m.Write, ctx, nil, m.Schemas[m.Write.Object]), warnings, nil
}

// memory is the name under which a link remembers what this lane last made of the whole record.
func (m *Masters) memory() string {
	return "@" + m.Recipe.Kind + ":" + m.Lane.Name + ">" + m.Write.Object
}

func (m *Masters) print(mapped record.Record) string {
	return m.Hash(record.Text(record.FingerprintOf(mapped).String()))
}

// unstamped is the fingerprint of a record without the stamp of its change.
func unstamped(canon record.Record) record.Fingerprint {
	r := record.Record{Schema: canon.Schema, Values: slices.Clone(canon.Values)}
	if i, ok := r.Schema.Index("changed"); ok && i < len(r.Values) {
		r.Values[i] = record.Absent()
	}
	return record.FingerprintOf(r)
}

// linked reads the counterpart that is remembered.
func (s *master) linked(key string) (record.Record, *flow.Hold) {
	back, w := s.Recipe.LaneBack(s.Lane), s.Kind.Words()
	ans, ok := s.find(Lookup{Side: Destination, Object: back.Object, Fields: []Field{{back.Find["key"], key}}})
	switch {
	case !ok:
		return record.Record{}, nil
	case ans.Status == connector.CannotTell:
		return record.Record{}, unanswered(ans, w.Target+" "+key)
	case len(ans.Records) == 0:
		return record.Record{}, &flow.Hold{Cause: w.Missing, Message: fmt.Sprintf("it was carried over to %s %s, which is no longer there", w.Target, key),
			Remedy: "restore it, or say with `pomost decide` what it belongs to"}
	}
	return ans.Records[0], nil
}

// match looks for the counterpart by its keys. A record without a schema: there is none.
func (s *master) match() (record.Record, *flow.Hold) {
	keys, held := s.Kind.Keys(s.canon)
	if held != nil {
		return record.Record{}, held
	}
	back, w := s.Recipe.LaneBack(s.Lane), s.Kind.Words()
	var all []record.Record
	var names, called []string
	for _, k := range keys {
		found, held := s.candidates(back, k)
		if held != nil {
			return record.Record{}, held
		}
		if s.pending() {
			continue // the other keys are asked for in the same round
		}
		if others := s.sharing(k); len(others) > 0 && len(names) == 0 {
			return record.Record{}, &flow.Hold{Cause: "match_ambiguous", Message: fmt.Sprintf("it has the same %s as %s, so nobody can tell whose %s is meant",
				strings.ReplaceAll(k.By, "_", " "), strings.Join(others, ", "), w.Target), Remedy: "leave it with one of them, or recognise them by something else (setting match)"}
		}
		if s.pending() {
			continue
		}
		for _, r := range found {
			if key := strings.TrimSpace(r.Get(back.Key).String()); !slices.Contains(names, key) {
				all, names, called = append(all, r), append(names, key), append(called, s.called(r, key))
			}
		}
		if len(found) > 0 && !k.With {
			break
		}
	}
	switch {
	case s.pending() || len(all) == 0:
		return record.Record{}, nil
	case len(all) > 1:
		return record.Record{}, &flow.Hold{Cause: "match_ambiguous", Message: fmt.Sprintf("several records could be its %s: %s", w.Target, strings.Join(called, ", ")),
			Remedy: "make them differ in the destination, or say with `pomost decide` which one it is"}
	}
	return all[0], nil
}

// called is how people call a record of the destination: by its number where that is not its key.
func (s *master) called(existing record.Record, key string) string {
	canon, _ := s.Recipe.Canon(s.Lane.Back, existing)
	if label := s.Kind.Label(canon); label != "" && label != key {
		return label + " (" + key + ")"
	}
	return key
}

// sharing are the source's other records that have a key which must be one's own.
func (s *master) sharing(k MatchKey) []string {
	if k.Sole == nil {
		return nil
	}
	ans, ok := s.find(*k.Sole)
	if !ok || ans.Status != connector.Found {
		return nil // the source does not tell: what it has is compared in the destination in any case
	}
	return k.Others(ans.Records)
}

// candidates are the records that one key finds, compared exactly.
func (s *master) candidates(back *flow.Object, k MatchKey) ([]record.Record, *flow.Hold) {
	var out []record.Record
	var seen []string
	for _, v := range k.Values {
		ans, ok := s.find(Lookup{Side: Destination, Object: back.Object, Fields: []Field{{back.Find[k.By], v}}})
		if !ok {
			continue
		}
		if ans.Status == connector.CannotTell {
			return nil, unanswered(ans, s.Kind.Words().Target+"s")
		}
		for _, r := range ans.Records {
			canon, holds := s.Recipe.Canon(s.Lane.Back, r)
			key := strings.TrimSpace(r.Get(back.Key).String())
			if len(holds) == 0 && k.Same(canon) && !slices.Contains(seen, key) {
				out, seen = append(out, r), append(seen, key)
			}
		}
	}
	return out, nil
}

// unanswered holds a record because a look-up got no answer.
func unanswered(ans Answer, what string) *flow.Hold {
	cause, remedy := ans.Cause, "see the reason, then retry"
	if cause == "" || cause == connector.CauseRights {
		cause, remedy = connector.CauseRights, "give the connection the right to read "+what
	}
	return &flow.Hold{Cause: string(cause), Message: what + " cannot be read: " + ans.Reason, Remedy: remedy}
}

// create makes the counterpart.
func (s *master) create(mapped flow.Mapped) Decision {
	w := s.Kind.Words()
	if !s.Create {
		if s.d.Verdict, s.d.Reason = Skip, w.None; w.None == "" {
			s.d.Reason = "there is no " + w.Target + " for it, and none is to be made (setting create)"
		}
		return s.d
	}
	if maker, ok := s.Kind.(Maker); ok {
		warnings, skip, held := maker.Make(s.canon, mapped.Record)
		s.d.Warnings = append(s.d.Warnings, warnings...)
		switch {
		case held != nil:
			return s.held(*held)
		case skip != "":
			s.d.Verdict, s.d.Reason = Skip, skip
			return s.d
		}
	}
	if len(mapped.Holds) > 0 {
		return s.held(mapped.Holds[0])
	}
	back := s.Recipe.LaneBack(s.Lane)
	look := Lookup{Side: Destination, Object: back.Object, Fields: s.trace(back, mapped.Record)}
	if look.Fields == nil {
		// Promise 1: an answer that is lost must not make a second one.
		return hold(s.d, "match_none", "a new "+w.Target+" could not be recognised again: what it is recognised by is not among what would be sent",
			"complete the record, or choose something else to recognise it by")
	}
	out := stated(mapped.Record)
	s.d.Relied = []Relied{{w.Kind, keyOrNew("")}}
	s.d.Actions = []Action{{
		Step: w.Kind, Action: connector.Create, Object: s.Write.Object, Record: out, Identity: s.Kind.Identity(s.canon),
		KeyField: back.Key, Lookup: look, VerifyBy: back.Find["key"], Expect: amounts(mapped.Record),
		Link: s.linkNeed(s.raw), Kind: w.Kind, Sent: s.sent(mapped.Record, nil), Seen: s.seen(s.raw, nil), Changes: changes(out, nil),
		Origins: s.madeOf(out),
	}}
	s.d.Verdict = Act
	return s.d
}

// stated is a record without what would only empty fields, which a new one has none of.
func stated(r record.Record) record.Record {
	out := record.Record{Schema: r.Schema, Values: slices.Clone(r.Values)}
	for i, v := range out.Values {
		if v.Kind() == record.KindNull {
			out.Values[i] = record.Absent()
		}
	}
	return out
}

// trace is the first key by which what is about to be made is found again: one that goes along with it.
func (s *master) trace(back *flow.Object, out record.Record) []Field {
	keys, _ := s.Kind.Keys(s.canon)
	for _, k := range keys {
		field := back.Find[k.By]
		for _, sent := range Leaves(out, field) {
			if slices.ContainsFunc(k.Values, func(v string) bool { return v != "" && Fold(v) == Fold(sent.String()) }) {
				return []Field{{field, sent.String()}}
			}
		}
	}
	return nil
}

// update keeps the counterpart in step, field by field.
func (s *master) update(existing record.Record, mapped flow.Mapped, link Link) Decision {
	w, back := s.Kind.Words(), s.Recipe.LaneBack(s.Lane)
	key := strings.TrimSpace(existing.Get(back.Key).String())
	there, holds := s.Recipe.Canon(s.Lane.Back, existing)
	if len(holds) > 0 {
		return s.held(holds[0])
	}
	if link.Key == "" {
		s.d.Found = key
	}
	skip, held := s.Kind.Check(s.canon, there)
	if r, ok := s.Kind.(Reporter); ok && skip == "" && held == nil {
		skip, held = r.Report(s.canon, s.raw, there)
	}
	switch {
	case held != nil:
		return s.held(*held)
	case skip != "":
		s.d.Verdict, s.d.Reason = Skip, skip
		return s.d
	}
	said := mapped
	if k, ok := s.Kind.(Amender); ok {
		mapped = s.amended(k, there)
	}
	c := comparison{target: s.Write, schema: s.Schemas[s.Write.Object], mapped: mapped, current: existing, link: link, conflict: s.word(there),
		name: strings.TrimSpace(w.Target + " " + cmp.Or(s.Kind.Label(there), key)), hash: s.Hash, back: s.carriedBack(existing, there, link), unread: s.unread(link)}
	if shy, ok := s.Kind.(Shy); ok {
		c.leave = func(r flow.Rule) bool { return shy.Leaves(there, r) }
	}
	var diff compared
	if s.Update {
		if diff = c.compare(); diff.hold != nil {
			return s.held(*diff.hold)
		}
	}
	s.d.Relied = []Relied{{w.Kind, key}}
	sent := s.sent(mapped.Record, diff.kept)
	if _, whole := sent[s.memory()]; whole { // what the source says does not depend on the counterpart
		sent[s.memory()] = s.print(said.Record)
	}
	if len(diff.changes) == 0 {
		s.d.Sent, s.d.Observed = s.baseline(&s.asker, existing, s.raw, diff.pending)
		if s.pending() {
			return s.need(s.d)
		}
		if s.d.Sent == nil {
			s.d.Sent = map[string]string{}
		}
		maps.Copy(s.d.Sent, sent)
		switch {
		case link.Verified != VerifiedNotYet || link.Sent[s.memory()] == "": // the latter is the other lane's to look at
			s.d.Verified = link.Verified
		case diff.changed:
			s.d.Verified = VerifiedUnverifiable
		default:
			s.d.Verified = Verified
		}
		switch {
		case link.Key == "":
			s.d.Verdict, s.d.Reason = Adopt, "it is "+w.Target+" "+key+" already"
		case s.d.Verified != link.Verified || news(s.d.Sent, link.Sent) || news(s.d.Observed, link.Observed):
			s.d.Verdict, s.d.Found, s.d.Reason = Remember, key, w.Target+" "+key+" has it already"
		default:
			s.d.Verdict, s.d.Reason = Unchanged, w.Target+" "+key+" has it already"
		}
		return s.d
	}
	out := diff.out
	if _, ok := out.Schema.Index(s.Write.Key); ok {
		out.MustSet(s.Write.Key, record.Text(key))
	}
	s.d.Actions = []Action{{
		Step: w.Kind, Action: connector.Update, Object: s.Write.Object, Record: out, Key: key, KeyField: back.Key,
		Lookup: Lookup{Side: Destination, Object: back.Object, Fields: []Field{{back.Find["key"], key}}}, VerifyBy: back.Find["key"], Expect: amounts(diff.out),
		Link: s.linkNeed(s.raw), Kind: w.Kind, Sent: sent, Seen: s.seen(s.raw, diff.pending), Pending: diff.pending, Changes: diff.changes,
		Origins: s.madeOf(out),
	}}
	s.d.Verdict = Act
	return s.d
}

// madeOf tells later what made the fields of a record.
func (s *master) madeOf(out record.Record) func() []flow.Origin {
	ctx, _, held := s.Kind.Context(&Ask{&s.asker}, s.canon, s.raw)
	if held != nil || ctx == nil {
		return nil
	}
	ctx[flow.SourceContext] = s.raw
	return s.origins(s.Write, ctx, nil, out)
}

// amended maps once more, now that the counterpart is known.
func (s *master) amended(k Amender, there record.Record) flow.Mapped {
	ctx, _, _ := s.Kind.Context(&Ask{&s.asker}, s.canon, s.raw) // it gave no reason to hold before
	s.d.Warnings = append(s.d.Warnings, k.Amend(ctx, s.canon, there)...)
	ctx[flow.SourceContext] = s.raw
	return s.asker.mapped(s.Write, ctx, nil, s.Schemas[s.Write.Object])
}

// news tells whether now says something that before did not.
func news(now, before map[string]string) bool {
	for k, v := range now {
		if before[k] != v {
			return true
		}
	}
	return false
}

// word tells who has the word in a conflict.
func (s *master) word(there record.Record) Conflict {
	if s.Newest {
		ours, ok := s.canon.Get("changed").AsInstant()
		theirs, ok2 := there.Get("changed").AsInstant()
		if ok && ok2 && !ours.Equal(theirs) {
			if ours.After(theirs) {
				return ConflictWins
			}
			return ConflictYields
		}
	}
	return s.Conflict
}

// sent is what the link is to remember of what the source says. Fields that were left to the destination in a conflict were not said, and
// while there are any the record as a whole is looked at again.
func (s *master) sent(mapped record.Record, kept []string) map[string]string {
	out := remembered(s.Write.Object, mapped, s.Hash)
	for _, f := range kept {
		delete(out, Memory(s.Write.Object, f))
	}
	if len(kept) == 0 {
		out[s.memory()] = s.print(mapped)
	}
	return out
}

// amounts are what must agree between what was sent and what is found: numbers. Texts may be trimmed, cut or written in capitals there.
func amounts(r record.Record) map[string]string {
	out := map[string]string{}
	for _, n := range r.Names() {
		if d, ok := r.Get(n).AsDecimal(); ok {
			out[n] = d.String()
		}
	}
	return out
}

func (m *Masters) linkNeed(src record.Record) LinkNeed {
	return LinkNeed{Object: m.Object(), Key: m.Key(src)}
}

// Words implements engine.Decider.
func (m *Masters) Words() Words { return m.Kind.Words() }

// Object is the source's object that is read.
func (m *Masters) Object() string { return m.Recipe.LaneRead(m.Lane).Object }

// Target is the destination's object that a record becomes.
func (m *Masters) Target() string { return m.Write.Object }

// Where narrows nothing.
func (m *Masters) Where() []connector.Condition { return nil }

// Key is the source key of a source record, "" when it has none.
func (m *Masters) Key(src record.Record) string {
	return strings.TrimSpace(src.Get(m.Recipe.LaneRead(m.Lane).Key).String())
}

// ByKey is the look-up of a record in the source.
func (m *Masters) ByKey(key string) Lookup {
	obj := m.Recipe.LaneRead(m.Lane)
	return Lookup{Side: Source, Object: obj.Object, Fields: []Field{{obj.Find["key"], key}}}
}

// Triggers are none: what changes a master record is its own change.
func (m *Masters) Triggers() []Trigger { return nil }

// Found reads what a look-up of an effect found.
func (m *Masters) Found(_ string, rec record.Record) (string, map[string]string) {
	return strings.TrimSpace(rec.Get(m.Recipe.LaneBack(m.Lane).Key).String()), amounts(rec)
}

// Again is none: what makes a master record looks it up afresh by its keys first, so the decision itself is the look-up.
func (m *Masters) Again(store.Intent) (Lookup, bool) { return Lookup{}, false }

// Observed is what a link is to remember once what was written is read back: both lanes' baselines.
func (m *Masters) Observed(src, dest record.Record, pending []string, known flow.Results) (o Observed) {
	a := &asker{facts: &Facts{Calls: known}}
	o.Sent, o.Observed = m.baseline(a, dest, src, pending)
	o.Calls = a.calls
	return o
}
