package activity

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/pomost/pomost/host/store"
)

// KindUnreadable is the kind of a payload that is there and cannot be opened; its body tells why.
const KindUnreadable = "unreadable"

// Payloads returns what is kept beside lines, by the line's ID. What went with its day's key is missing without a word; what is damaged
// is told of in its place.
func (l Log) Payloads(ctx context.Context, s store.Store, lines []store.LogLine) (map[int64][]Payload, error) {
	ids := make([]int64, len(lines))
	byID := make(map[int64]store.LogLine, len(lines))
	for i, line := range lines {
		ids[i], byID[line.ID] = line.ID, line
	}
	slices.Sort(ids)
	kept, err := s.Slices(ctx, ids)
	if err != nil {
		return nil, fmt.Errorf("read what is kept beside the log: %w", err)
	}
	out := map[int64][]Payload{}
	for _, k := range kept {
		list, err := l.Open(byID[k.Log], k)
		if l.Keys.Dropped(err) {
			continue
		}
		if err != nil {
			list = []Payload{{Kind: KindUnreadable, Body: mustJSON(err.Error())}}
		}
		out[k.Log] = append(out[k.Log], list...)
	}
	return out, nil
}

// Subject is a record whose story is asked for.
type Subject struct {
	Flow, Key string
	// Origins are where records of the flow come from, and where their counterparts are.
	Origins []Origin
}

// Origin is an object of one connection whose records a flow carries to another one.
type Origin struct{ Connection, Object, Destination string }

// maxAttempts bounds the lines of one story; the newest stay.
const maxAttempts = 500

// Find returns the key of a record by its key or by what people call it; name itself where nothing is known of either.
func (l Log) Find(ctx context.Context, s store.Store, flow, name string) (string, error) {
	recs, err := s.Records(ctx, store.RecordFilter{Flow: flow})
	if err != nil {
		return "", fmt.Errorf("read remembered records: %w", err)
	}
	byLabel := ""
	for _, r := range recs {
		if r.Key == name {
			return name, nil
		}
		if r.Label == name {
			byLabel = r.Key
		}
	}
	if byLabel != "" {
		return byLabel, nil
	}
	for _, f := range []store.LogFilter{{Flow: flow, Key: name}, {Flow: flow, LabelHash: l.LabelHash(name)}} {
		if f.Key == "" && f.LabelHash == 0 {
			continue
		}
		f.Newest, f.Limit = true, 1
		lines, err := s.Log(ctx, f)
		if err != nil {
			return "", fmt.Errorf("read the log: %w", err)
		}
		if len(lines) > 0 {
			return lines[0].Key, nil
		}
	}
	return name, nil
}

// Story tells everything that is known of one record.
func (l Log) Story(ctx context.Context, s store.Store, of Subject) (Story, error) {
	out := Story{Flow: of.Flow, Key: of.Key, Status: "unknown", Links: []StoryLink{}, Fields: []FieldOrigin{}, Attempts: []Attempt{}, Open: []OpenEffect{}}
	if err := l.attempts(ctx, s, &out); err != nil {
		return out, err
	}
	if err := links(ctx, s, of, &out); err != nil {
		return out, err
	}
	intents, err := s.Intents(ctx, of.Flow)
	if err != nil {
		return out, fmt.Errorf("read intents: %w", err)
	}
	for _, i := range intents {
		if i.Key != of.Key {
			continue
		}
		look := i.Settled
		if look.IsZero() {
			look = i.NotAfter
		}
		out.Status = string(store.RecordPending)
		out.Open = append(out.Open, OpenEffect{Object: i.Object, Action: i.Action, State: string(i.State), Reference: i.Reference, Opened: i.Opened, LookAgain: look})
	}
	known, err := s.Records(ctx, store.RecordFilter{Flow: of.Flow, Keys: []string{of.Key}})
	if err != nil {
		return out, fmt.Errorf("read remembered records: %w", err)
	}
	for _, r := range known {
		out.Status, out.Cause, out.Reason, out.Remedy = string(r.Status), r.Cause, r.Reason, r.Remedy
		out.Since, out.Tries = r.Since, r.Attempts
		if r.Label != "" {
			out.Label = r.Label
		}
	}
	return out, nil
}

// attempts reads the lines of a record with what is kept beside them.
func (l Log) attempts(ctx context.Context, s store.Store, out *Story) error {
	lines, err := s.Log(ctx, store.LogFilter{Flow: out.Flow, Key: out.Key, Limit: maxAttempts, Newest: true})
	if err != nil {
		return fmt.Errorf("read the log: %w", err)
	}
	kept, err := l.Payloads(ctx, s, lines)
	if err != nil {
		return err
	}
	made := map[string][]FieldOrigin{} // by object: as it was last sent
	var objects []string
	for _, line := range lines {
		if err := takeOrigins(kept, line.ID, made, &objects); err != nil {
			return err
		}
		if label := l.LabelOf(line); label != "" {
			out.Label = label
		}
		out.Attempts = append(out.Attempts, Attempt{Time: line.Time, Run: line.Run, Step: line.Step, Action: line.Action, Object: line.Object, Outcome: line.Outcome,
			Result: line.Result, Cause: line.Cause, Message: line.Message, Millis: line.Millis, Payloads: kept[line.ID]})
		for _, p := range kept[line.ID] {
			if p.Kind == KindIn {
				out.Source, out.SourceTime = &p, line.Time
			}
		}
	}
	for _, o := range objects {
		out.Fields = append(out.Fields, made[o]...)
	}
	return nil
}

// takeOrigins takes what tells of the origin of fields out of the payloads of a line.
func takeOrigins(kept map[int64][]Payload, line int64, made map[string][]FieldOrigin, objects *[]string) error {
	var rest []Payload
	for _, p := range kept[line] {
		if p.Kind != KindFields {
			rest = append(rest, p)
			continue
		}
		var fields []FieldOrigin
		if err := json.Unmarshal(p.Body, &fields); err != nil {
			return fmt.Errorf("read the origins of the fields of line %d: %w", line, err)
		}
		if made[p.Object] == nil {
			*objects = append(*objects, p.Object)
		}
		made[p.Object] = fields
	}
	if len(kept[line]) > 0 {
		kept[line] = rest
	}
	return nil
}

// links finds the counterparts of a record, and those of what was made on its way (its customer).
func links(ctx context.Context, s store.Store, of Subject, out *Story) error {
	seen := map[int64]bool{}
	for _, o := range of.Origins {
		there := func(e store.End) bool { return e.Connection == o.Destination }
		look := func(ends []store.End, other string, main bool) error {
			found, err := s.Links(ctx, ends, other)
			if err != nil {
				return fmt.Errorf("read links: %w", err)
			}
			for _, l := range found {
				if l.ID == 0 || seen[l.ID] {
					continue
				}
				seen[l.ID] = true
				to := l.B
				if !there(to) {
					to = l.A
				}
				out.Links = append(out.Links, StoryLink{Kind: l.Kind, Connection: to.Connection, Object: to.Object, Key: to.Key, Verified: l.Verified, Since: l.Created})
				if main {
					out.Status = StatusLinked
				}
			}
			return nil
		}
		if err := look([]store.End{{Connection: o.Connection, Object: o.Object, Key: out.Key}}, o.Destination, true); err != nil {
			return err
		}
		var made []store.End
		for _, a := range out.Attempts {
			if e := (store.End{Connection: o.Destination, Object: a.Object, Key: a.Result}); a.Result != "" && a.Object != "" && !slices.Contains(made, e) {
				made = append(made, e)
			}
		}
		if len(made) == 0 {
			continue
		}
		if err := look(made, o.Connection, false); err != nil {
			return err
		}
	}
	return nil
}

// StatusLinked is the status of a record that has its counterpart and waits for nothing.
const StatusLinked = "linked"
