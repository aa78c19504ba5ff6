package decide

import (
	"fmt"
	"slices"
	"strings"
	"unicode"

	"github.com/pomost/pomost/host/flow"
	"github.com/pomost/pomost/sdk/connector"
	"github.com/pomost/pomost/sdk/record"
)

// Conflict says what becomes of a field that was changed on both sides since it was last carried over.
type Conflict string

// The policies for conflicts.
const (
	ConflictWins   Conflict = "wins"   // this lane's source has the word
	ConflictYields Conflict = "yields" // the destination has it: the other lane carries its value over
	ConflictHold   Conflict = "hold"   // a person has it
)

// comparison is what is asked about a record of the destination that exists already: which of its fields are to be written.
type comparison struct {
	target *flow.Target
	schema *record.Schema
	mapped flow.Mapped
	// current is the record as the destination has it, link what is remembered of it.
	current  record.Record
	link     Link
	conflict Conflict
	// name is how the record is called in messages: "debtor 10001".
	name string
	hash func(record.Value) string
	// leave tells that a field of this very record is not to be touched, back that the destination's value would be carried back as just what
	// the source has, unread that the source has nothing but what was written to it and not yet read back; each may be nil.
	leave, back, unread func(flow.Rule) bool
}

// compared is the answer.
type compared struct {
	// out holds the fields to write, changes the same for a plan.
	out     record.Record
	changes []Change
	// pending are the paths of rules whose fields were changed in the destination and left as they are: news for the other lane.
	pending []string
	// changed tells that somebody changed in the destination what was written there.
	changed bool
	// kept are the fields that were left to the destination in a conflict: what the source says of them was not carried over.
	kept []string
	// hold is why nothing can be written.
	hold *flow.Hold
}

// Memory is the name under which a link remembers a field: its object and the field, so that flows in both directions and of several kinds
// share one link.
func Memory(object, field string) string { return object + "." + field }

// compare decides field by field. A field is written only where the source has something new to say: its value differs from the destination's, and
// from what was last sent. So the bookkeeper's own later change stays, and nothing comes back as an echo (promise 5).
func (c comparison) compare() compared {
	res := compared{out: record.New(c.schema)}
	for _, rule := range c.target.Rules() {
		if rule.RestOf != "" {
			continue // it goes with the field before
		}
		parts := c.parts(rule)
		next, current := parts[0].next, parts[0].current
		if rule.Follows != "" {
			if res.out.Get(rule.Follows).IsAbsent() || next.IsAbsent() || same(next, current) || blank(next) && blank(current) {
				continue
			}
			res.out.MustSet(rule.Field, next)
			res.changes = append(res.changes, Change{Field: rule.Field, From: current.String(), To: next.String()})
			continue
		}
		if next.IsEmpty() {
			// What the destination has and the source lacks is the other lane's to carry over, unless it was seen before.
			if c.unread != nil && !blank(current) && parts[0].observed != c.hash(current) {
				res.pending = append(res.pending, rule.Paths()...)
			}
			continue
		}
		if c.agree(rule, parts) {
			continue
		}
		// Changed in the destination since we looked; where we never did, what was sent may merely look different there.
		theirs, said := false, parts[0].sent != ""
		for _, p := range parts {
			theirs = theirs || p.observed != "" && p.observed != c.hash(p.current)
			said = said && p.sent == c.hash(p.next)
		}
		theirs = theirs || parts[0].observed == "" && said && !altered(next, current)
		if theirs && (said || rule.Mark == flow.MarkCreate || rule.Mark == flow.MarkNever || rule.Mark == flow.MarkWhenEmpty) {
			res.changed = res.changed || said
			res.pending = append(res.pending, rule.Paths()...)
		}
		if said || c.leave != nil && c.leave(rule) {
			continue
		}
		switch rule.Mark {
		case flow.MarkCreate, flow.MarkNever:
			continue
		case flow.MarkWhenEmpty:
			if !blank(current) {
				if rule.Differs == "hold" {
					res.hold = &flow.Hold{Cause: "conflict", Field: rule.Field, Message: fmt.Sprintf("%s of %s differs from the source", rule.Field, c.name),
						Remedy: "make both the same, then retry"}
					return res
				}
				continue
			}
		}
		if !current.IsEmpty() && slices.Contains(c.mapped.Assumed, rule.Field) {
			continue // what nobody stated replaces nothing
		}
		if theirs && c.unread != nil && c.unread(rule) {
			c.yield(&res, rule, parts)
			continue
		}
		if theirs && parts[0].sent != "" {
			switch c.conflict {
			case ConflictYields:
				c.yield(&res, rule, parts)
				continue
			case ConflictHold:
				res.hold = &flow.Hold{Cause: "conflict", Field: rule.Field,
					Message: fmt.Sprintf("%s of %s was changed on both sides since it was last carried over", rule.Field, c.name), Remedy: "make both the same, then retry"}
				return res
			}
		}
		for _, p := range parts {
			res.out.MustSet(p.field, p.next)
			if !same(p.next, p.current) {
				res.changes = append(res.changes, Change{Field: p.field, From: p.current.String(), To: p.next.String()})
			}
		}
	}
	for _, h := range c.mapped.Holds {
		if out := res.out.Get(h.Field); out.IsAbsent() && !updates(c.target.Rules(), h.Field) {
			continue // a field that an update does not touch cannot hold it
		}
		if h.Missing && !c.current.Get(h.Field).IsEmpty() {
			continue // what the source lacks the destination has
		}
		res.hold = &h
		return res
	}
	return res
}

// yield leaves a field to the destination: the other lane carries its value over.
func (comparison) yield(res *compared, rule flow.Rule, parts []part) {
	res.pending = append(res.pending, rule.Paths()...)
	for _, p := range parts {
		res.kept = append(res.kept, p.field)
	}
}

// part is one field of a text that may be divided between several.
type part struct {
	field          string
	next, current  record.Value
	sent, observed string
}

// parts are the field of a rule and those that take what it has no room for: they are one text, and are written together.
func (c comparison) parts(rule flow.Rule) []part {
	var out []part
	for _, r := range c.target.Rules() {
		if r.Field == rule.Field || r.RestOf == rule.Field {
			memory := Memory(c.target.Object, r.Field)
			out = append(out, part{r.Field, c.mapped.Record.Get(r.Field), c.current.Get(r.Field), c.link.Sent[memory], c.link.Observed[memory]})
		}
	}
	return out
}

// agree tells whether source and destination say the same: as it stands, written as we would write it, or because what the destination has
// would be carried back as just what the source has (a name that is longer there, for example).
func (c comparison) agree(rule flow.Rule, parts []part) bool {
	if len(parts) == 1 && (same(parts[0].next, parts[0].current) || same(parts[0].next, rule.Tidy(parts[0].current))) {
		return true
	}
	if len(parts) > 1 {
		var next, current []string
		for _, p := range parts {
			next, current = append(next, p.next.String()), append(current, p.current.String())
		}
		if unbroken(next) == unbroken(current) {
			return true
		}
	}
	return c.back != nil && c.back(rule)
}

// unbroken is a text without the marks at which it may have been divided.
func unbroken(lines []string) string {
	return Fold(strings.ReplaceAll(strings.Join(lines, " "), ",", " "))
}

// altered tells whether a system may have made found of what was sent: cut it, changed its letters' case, its spaces and marks, or put a
// question mark where it has no letter.
func altered(sent, found record.Value) bool {
	plain := func(v record.Value) []rune {
		return []rune(strings.Map(func(r rune) rune {
			if unicode.IsLetter(r) || unicode.IsDigit(r) || r == '?' {
				return unicode.ToLower(r)
			}
			return -1
		}, v.String()))
	}
	s, f := plain(sent), plain(found)
	if len(f) == 0 || len(f) > len(s) {
		return false
	}
	return slices.EqualFunc(s[:len(f)], f, func(a, b rune) bool { return a == b || b == '?' && a > unicode.MaxASCII })
}

// updates tells whether a field is written to records that exist.
func updates(rules []flow.Rule, field string) bool {
	i := slices.IndexFunc(rules, func(r flow.Rule) bool { return r.Field == field })
	return i >= 0 && rules[i].Mark == flow.MarkUpdate
}

// same tells whether a value that would be sent says nothing new: texts by Fold, numbers by their amount, records by the fields that are
// stated (absent means "leave alone"), lists element by element.
func same(next, current record.Value) bool {
	switch next.Kind() {
	case record.KindRecord:
		n, _ := next.AsRecord()
		c, ok := current.AsRecord()
		if !ok {
			return false
		}
		for _, name := range n.Names() {
			if v := n.Get(name); !v.IsAbsent() && !same(v, c.Get(name)) {
				return false
			}
		}
		return true
	case record.KindList:
		return slices.EqualFunc(next.AsList(), current.AsList(), same)
	}
	if a, ok := next.AsDecimal(); ok {
		b, ok := current.AsDecimal()
		return ok && a.Cmp(b) == 0
	}
	return Fold(next.String()) == Fold(current.String())
}

// Unseen forgets what was observed of the fields that an action changes: until they are read back nobody knows what became of them there.
func Unseen(a Action) map[string]string {
	if a.Action != connector.Update || a.Document {
		return nil
	}
	out := make(map[string]string, len(a.Changes))
	for _, c := range a.Changes {
		out[Memory(a.Object, c.Field)] = ""
	}
	return out
}

// remembered hashes the fields of a record, as a link keeps them.
func remembered(object string, r record.Record, hash func(record.Value) string) map[string]string {
	out := map[string]string{}
	for _, n := range r.Names() {
		if v := r.Get(n); !v.IsAbsent() {
			out[Memory(object, n)] = hash(v)
		}
	}
	return out
}

// blank tells that a field of the destination is not filled: an empty list is not either.
func blank(v record.Value) bool {
	return v.IsEmpty() || v.Kind() == record.KindList && len(v.AsList()) == 0
}
