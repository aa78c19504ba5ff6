package decide

import (
	"slices"
	"strings"

	"github.com/pomost/pomost/host/flow"
	"github.com/pomost/pomost/sdk/record"
)

// carriedBack tells for a rule whether the destination's value would be carried back, by the lane the other way, as just what the source has. What is written alike on both sides needs no better form.
func (s *master) carriedBack(existing, there record.Record, link Link) func(flow.Rule) bool {
	if s.Reverse == nil {
		return nil
	}
	canon, holds := s.Recipe.Canon(s.Reverse.Lane.Read, existing)
	mapped, _, held := s.Reverse.mapped(&asker{facts: s.facts}, canon, existing)
	if len(holds) > 0 || held != nil || mapped.Record.Schema == nil {
		return nil
	}
	return func(rule flow.Rule) bool {
		if rule.Function != "" {
			return false // what a function makes of a text is not in the text
		}
		if s.alike(rule, there) {
			return true
		}
		found := false
		for _, r := range s.Reverse.Write.Rules() {
			if r.Function != "" || r.Mark == flow.MarkCreate || r.Mark == flow.MarkNever || !slices.ContainsFunc(rule.Paths(), func(p string) bool { return slices.Contains(r.Paths(), p) }) || slices.Contains(mapped.Assumed, r.Field) {
				continue
			}
			next, have, memory := mapped.Record.Get(r.Field), s.raw.Get(r.Field), Memory(s.Reverse.Write.Object, r.Field)
			unseen := link.Sent[memory] == s.Hash(next) && link.Observed[memory] == "" && altered(next, have)
			if next.IsEmpty() || !same(next, have) && !unseen {
				return false
			}
			found = true
		}
		return found
	}
}

// alike tells whether both sides have the same in all that a rule takes from the record.
func (s *master) alike(rule flow.Rule, there record.Record) bool {
	paths := rule.Paths()
	if s.canon.Schema != there.Schema || len(paths) == 0 {
		return false
	}
	for _, p := range paths {
		_, path, _ := strings.Cut(p, ".")
		ours := s.canon.Path(path)
		if strings.HasPrefix(p, flow.SettingsContext+".") || ours.IsEmpty() != there.Path(path).IsEmpty() || !ours.IsEmpty() && !same(ours, there.Path(path)) {
			return false
		}
	}
	return true
}

// baseline is what both lanes know of a pair of records that now agree: what was seen in the destination, and what the other lane would
// make of it. pending are the paths of fields whose news the other lane is yet to carry over: those stay open.
func (m *Masters) baseline(a *asker, dest, src record.Record, pending []string) (sent, observed map[string]string) {
	sent, observed = map[string]string{}, m.seen(src, pending)
	for _, r := range m.Write.Rules() {
		if slices.ContainsFunc(r.Paths(), func(p string) bool { return slices.Contains(pending, p) }) {
			continue
		}
		if v := dest.Get(r.Field); !v.IsAbsent() {
			observed[Memory(m.Write.Object, r.Field)] = m.Hash(v)
		}
	}
	if m.Reverse == nil {
		return sent, observed
	}
	canon, holds := m.Recipe.Canon(m.Reverse.Lane.Read, dest)
	if len(holds) > 0 {
		return sent, observed
	}
	// The other way's look-ups are of the other side: what it needs beyond functions stays open until it runs.
	other := &asker{facts: &Facts{Calls: a.facts.Calls}}
	mapped, _, held := m.Reverse.mapped(other, canon, dest)
	a.calls = append(a.calls, other.calls...)
	if held != nil || other.pending() || mapped.Record.Schema == nil {
		return sent, observed
	}
	for _, r := range m.Reverse.Write.Rules() {
		if slices.ContainsFunc(r.Paths(), func(p string) bool { return slices.Contains(pending, p) }) {
			continue
		}
		memory := Memory(m.Reverse.Write.Object, r.Field)
		if v := mapped.Record.Get(r.Field); !v.IsAbsent() {
			sent[memory] = m.Hash(v)
		}
	}
	if len(pending) == 0 {
		sent[m.Reverse.memory()] = m.Reverse.print(mapped.Record)
	}
	return sent, observed
}

// seen is what the source has of the fields that the other lane writes. It is remembered as soon as a record is written, before that is read
// back: so that a change which is made while a run is dead is one that the source made since.
func (m *Masters) seen(src record.Record, pending []string) map[string]string {
	out := map[string]string{}
	if m.Reverse == nil {
		return out
	}
	for _, r := range m.Reverse.Write.Rules() {
		if slices.ContainsFunc(r.Paths(), func(p string) bool { return slices.Contains(pending, p) }) {
			continue
		}
		if v := src.Get(r.Field); !v.IsAbsent() {
			out[Memory(m.Reverse.Write.Object, r.Field)] = m.Hash(v)
		}
	}
	return out
}

// unread tells for a rule whether the other lane wrote to the source all that it takes, and nobody has read it there since: as far as is
// known the source says nothing of its own.
func (s *master) unread(link Link) func(flow.Rule) bool {
	if s.Reverse == nil {
		return nil
	}
	return func(rule flow.Rule) bool {
		found := false
		for _, r := range s.Reverse.Write.Rules() {
			if !slices.ContainsFunc(rule.Paths(), func(p string) bool { return slices.Contains(r.Paths(), p) }) {
				continue
			}
			if memory := Memory(s.Reverse.Write.Object, r.Field); link.Sent[memory] == "" || link.Observed[memory] != "" {
				return false
			}
			found = true
		}
		return found
	}
}
