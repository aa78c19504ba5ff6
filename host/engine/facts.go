package engine

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/pomost/pomost/host/engine/decide"
	"github.com/pomost/pomost/host/flow"
	"github.com/pomost/pomost/host/store"
	"github.com/pomost/pomost/sdk/connector"
	"github.com/pomost/pomost/sdk/record"
)

// knowledge is what a run has found out so far, and how it finds out more.
type knowledge struct {
	flow  *Flow
	store store.Store
	facts decide.Facts
	asked map[string]decide.Lookup
}

func newKnowledge(f *Flow, s store.Store) *knowledge {
	k := &knowledge{flow: f, store: s}
	k.forget()
	return k
}

// forget drops everything, so that the next decision asks afresh.
func (k *knowledge) forget() {
	k.facts = decide.Facts{Answers: map[string]decide.Answer{}, Links: map[decide.LinkNeed]decide.Link{}, Calls: flow.Results{}}
	k.asked = map[string]decide.Lookup{}
}

// decide asks the decider about records until it needs nothing more, gathering the look-ups of all of them into few calls.
func (k *knowledge) decide(ctx context.Context, recs []record.Record) ([]decide.Decision, error) {
	out := make([]decide.Decision, len(recs))
	open := make([]int, len(recs))
	for i := range recs {
		open[i] = i
	}
	for round := 0; len(open) > 0; round++ {
		if round == maxRounds {
			return nil, fmt.Errorf("record %s: no decision after %d rounds of look-ups", k.flow.Decider.Key(recs[open[0]]), maxRounds)
		}
		var lookups []decide.Lookup
		var links []decide.LinkNeed
		var calls []flow.Call
		var still []int
		for _, i := range open {
			out[i] = k.flow.Decider.Decide(recs[i], &k.facts)
			if out[i].Verdict == decide.NeedMore {
				lookups = append(lookups, out[i].Lookups...)
				links = append(links, out[i].Links...)
				calls = append(calls, out[i].Calls...)
				still = append(still, i)
			}
		}
		if err := k.links(ctx, links); err != nil {
			return nil, err
		}
		if err := k.find(ctx, lookups); err != nil {
			return nil, err
		}
		if err := k.call(ctx, calls); err != nil {
			return nil, err
		}
		open = still
	}
	return out, nil
}

func (k *knowledge) links(ctx context.Context, needs []decide.LinkNeed) error {
	var ask []decide.LinkNeed
	var ends []store.End
	for _, n := range needs {
		if _, known := k.facts.Links[n]; !known {
			k.facts.Links[n] = decide.Link{}
			ask = append(ask, n)
			ends = append(ends, store.End{Connection: k.flow.Source.Name, Object: n.Object, Key: n.Key})
		}
	}
	if len(ends) == 0 {
		return nil
	}
	found, err := k.store.Links(ctx, ends, k.flow.Destination.Name)
	if err != nil {
		return fmt.Errorf("read links: %w", err)
	}
	for i, l := range found {
		if l.ID == 0 {
			continue
		}
		other := l.B
		if l.B.Connection == k.flow.Source.Name && l.B.Object == ask[i].Object && l.B.Key == ask[i].Key {
			other = l.A
		}
		k.facts.Links[ask[i]] = decide.Link{Key: other.Key, Source: l.Source, Sent: l.Sent, Observed: l.Observed, Verified: l.Verified}
	}
	return nil
}

// find asks both sides, many keys a call, each question once.
func (k *knowledge) find(ctx context.Context, lookups []decide.Lookup) error {
	type group struct {
		side   decide.Side
		object string
	}
	groups := map[group][]decide.Lookup{}
	var order []group
	for _, l := range lookups {
		id := l.ID()
		if _, known := k.facts.Answers[id]; known {
			continue
		}
		if _, asked := k.asked[id]; asked {
			continue
		}
		k.asked[id] = l
		g := group{l.Side, l.Object}
		if groups[g] == nil {
			order = append(order, g)
		}
		groups[g] = append(groups[g], l)
	}
	for _, g := range order {
		end := k.flow.Source
		if g.side == decide.Destination {
			end = k.flow.Destination
		}
		for rest := groups[g]; len(rest) > 0; {
			part := rest[:min(findSize, len(rest))]
			rest = rest[len(part):]
			answers, err := k.ask(ctx, end, g.object, part)
			if err != nil {
				return err
			}
			for i, a := range answers {
				k.facts.Answers[part[i].ID()] = a
			}
		}
	}
	return nil
}

// call has functions called, the same call once.
func (k *knowledge) call(ctx context.Context, calls []flow.Call) error {
	var open []flow.Call
	seen := map[string]bool{}
	for _, c := range calls {
		id := c.ID()
		if _, known := k.facts.Calls[id]; !known && !seen[id] {
			open, seen[id] = append(open, c), true
		}
	}
	if len(open) == 0 {
		return nil
	}
	if k.flow.Call == nil {
		return fmt.Errorf("the function %s cannot be called: there are no functions here", open[0].Function)
	}
	results, err := k.flow.Call(ctx, open)
	if err != nil {
		return fmt.Errorf("call functions: %w", err)
	}
	for i, c := range open {
		k.facts.Calls[c.ID()] = results[i]
	}
	return nil
}

// ask asks one side for many keys of one object.
func (k *knowledge) ask(ctx context.Context, end End, object string, part []decide.Lookup) ([]decide.Answer, error) {
	req := connector.FindRequest{Object: object}
	for _, l := range part {
		key := connector.Key{Around: l.Around}
		for _, f := range l.Fields {
			key.Fields = append(key.Fields, connector.KeyField{Name: f.Name, Value: record.Text(f.Value)})
		}
		req.Keys = append(req.Keys, key)
	}
	results, err := end.Connection.Find(ctx, req)
	if err != nil {
		for _, l := range part {
			delete(k.asked, l.ID())
		}
		return nil, on(k.flow.Name, end, fmt.Errorf("look up %s: %w", object, err))
	}
	out := make([]decide.Answer, len(part))
	for i := range part {
		if i < len(results) { // a missing answer stays CannotTell
			r := exactly(part[i], results[i])
			out[i] = decide.Answer{Status: r.Status, Records: r.Records, Scopes: r.Scopes, Reason: r.Reason, Cause: r.Cause}
		}
	}
	return out, nil
}

// exactly keeps of an answer the records that have the key which was asked for, by the normalisation of decide.Fold: a system that does
// not obey a filter must not lend a record to another's key. Where none has it, nothing is known.
func exactly(l decide.Lookup, r connector.FindResult) connector.FindResult {
	if r.Status != connector.Found {
		return r
	}
	var same []record.Record
	for _, rec := range r.Records {
		if !slices.ContainsFunc(l.Fields, func(f decide.Field) bool {
			return !slices.ContainsFunc(decide.Leaves(rec, f.Name), func(v record.Value) bool { return decide.Fold(v.String()) == decide.Fold(f.Value) })
		}) {
			same = append(same, rec)
		}
	}
	if len(same) == 0 {
		return connector.FindResult{Scopes: r.Scopes, Reason: "what was answered has other keys than were asked for"}
	}
	r.Records = same
	return r
}

// written drops the answers that an effect may have changed: those that hold the record with that key, and those that would find
// it now. What an update does not state it leaves alone, so that it brings the record into no other answer.
func (k *knowledge) written(a decide.Action, key string) {
	rec := record.Record{Schema: a.Record.Schema, Values: slices.Clone(a.Record.Values)}
	_ = rec.Set(a.KeyField, record.Text(key)) // where the object has no such field, nothing is looked up by it either
	for id, l := range k.asked {
		if l.Side != decide.Destination || l.Object != a.Object {
			continue
		}
		holds := slices.ContainsFunc(k.facts.Answers[id].Records, func(r record.Record) bool {
			return strings.TrimSpace(r.Get(a.KeyField).String()) == key
		})
		stated := a.Action == connector.Create || slices.ContainsFunc(l.Fields, func(f decide.Field) bool {
			head, _, _ := strings.Cut(f.Name, ".")
			return !rec.Get(head).IsAbsent()
		})
		if holds || stated && decide.Touches(l, a.Object, rec) {
			delete(k.facts.Answers, id)
			delete(k.asked, id)
		}
	}
}

// drop forgets one answer, so that it is asked again.
func (k *knowledge) drop(l decide.Lookup) {
	delete(k.facts.Answers, l.ID())
	delete(k.asked, l.ID())
}

// linked remembers a link that was just made.
func (k *knowledge) linked(n decide.LinkNeed, l decide.Link) { k.facts.Links[n] = l }
