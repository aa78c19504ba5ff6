package engine

import (
	"context"
	"sync"

	"github.com/pomost/pomost/host/activity"
	"github.com/pomost/pomost/host/engine/decide"
	"github.com/pomost/pomost/host/store"
	"github.com/pomost/pomost/sdk/connector"
	"github.com/pomost/pomost/sdk/record"
)

// Recorder seals what the activity log keeps beside its lines. What it cannot seal is left out and told of: no order waits for its log.
type Recorder interface {
	Label(line *store.LogLine, label string) error
	Seal(line store.LogLine, payloads []activity.Payload) (store.Slice, error)
}

// Bounds of the raw exchanges that are kept: of one effect, and of the failures of one run.
const (
	maxExchanges = 8
	maxFailures  = 20
)

// trail is what a run has at hand for the activity log.
type trail struct {
	seen     map[string]*seen // the records of the batch at hand, by key
	effect   *exchanges       // of the effect under way
	failures *exchanges       // of everything else: what failed
	told     bool             // that something could not be kept

	mu   sync.Mutex
	late []late // exchanges that were reported after their line was kept
}

// seen is a record as it came.
type seen struct {
	rec   record.Record
	label string
	kept  bool // it stands beside an earlier line of this run
}

type late struct {
	line    store.LogLine
	payload activity.Payload
}

func newTrail() *trail {
	return &trail{seen: map[string]*seen{}, failures: &exchanges{most: maxFailures, failed: true}}
}

// saw remembers a record that is being decided.
func (t *trail) saw(key string, rec record.Record, label string) {
	if s := t.seen[key]; s != nil { // again in this batch: kept stays
		s.rec, s.label = rec, label
		return
	}
	t.seen[key] = &seen{rec: rec, label: label}
}

// next forgets the records of the batch before.
func (t *trail) next() { clear(t.seen) }

// exchanges gathers the requests and answers of one effect, or those of a run that failed.
type exchanges struct {
	most   int
	failed bool // only those that failed
	trail  *trail

	mu   sync.Mutex
	list []activity.Payload
	n    int            // all that came
	line *store.LogLine // the line that holds them, once it is kept: what comes then is late
}

type exchangesKey struct{}

// Observe takes in a raw exchange of a connection for the activity log; ctx is that of the call that it belongs to, or descends from
// it. clean takes secrets out of what is kept, which is little: reads that went well are not. It neither waits nor fails.
func Observe(ctx context.Context, connection string, x connector.Exchange, clean func(connector.Exchange) connector.Exchange) {
	e, ok := ctx.Value(exchangesKey{}).(*exchanges)
	if !ok || e.failed && x.Error == "" && x.Status < 400 {
		return
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.n++; e.n > e.most {
		return
	}
	p := activity.ExchangePayload(connection, clean(x))
	if e.line == nil {
		e.list = append(e.list, p)
		return
	}
	e.trail.mu.Lock()
	defer e.trail.mu.Unlock()
	e.trail.late = append(e.trail.late, late{*e.line, p})
}

// watch gives the calls of one effect a place for their exchanges.
func (t *trail) watch(ctx context.Context) context.Context {
	t.effect = &exchanges{most: maxExchanges, trail: t}
	return context.WithValue(ctx, exchangesKey{}, t.effect)
}

// take returns what came so far.
func (e *exchanges) take() []activity.Payload {
	e.mu.Lock()
	defer e.mu.Unlock()
	list := e.list
	e.list = nil
	return list
}

// kept says which line holds the exchanges: those that a plugin reports only now follow it.
func (e *exchanges) kept(line store.LogLine) {
	if line.ID == 0 {
		return
	}
	rest := e.take()
	e.mu.Lock()
	defer e.mu.Unlock()
	e.line = &line
	e.trail.mu.Lock()
	defer e.trail.mu.Unlock()
	for _, p := range rest {
		e.trail.late = append(e.trail.late, late{line, p})
	}
}

// note puts beside a line of a change what people call its record, the record as it came (once a run), and the payloads.
func (r *run) note(ch *store.Change, i int, payloads ...activity.Payload) {
	if r.Recorder == nil || i >= len(ch.Log) {
		return
	}
	line := &ch.Log[i]
	at := r.trail.seen[line.Key]
	label := ""
	if at != nil {
		label = at.label
	}
	for _, rec := range ch.Records {
		if rec.Key == line.Key && rec.Label != "" {
			label = rec.Label
		}
	}
	if err := r.Recorder.Label(line, label); err != nil {
		r.unkept(err)
	}
	if at != nil && !at.kept {
		at.kept = true
		payloads = append([]activity.Payload{activity.RecordPayload(activity.KindIn, r.flow.Decider.Object(), at.rec)}, payloads...)
	}
	if len(payloads) > 0 {
		r.seal(ch, *line, store.Slice{Line: i}, payloads)
	}
	r.trail.mu.Lock()
	behind := r.trail.late
	r.trail.late = nil
	r.trail.mu.Unlock()
	for _, l := range behind {
		r.seal(ch, l.line, store.Slice{Log: l.line.ID}, []activity.Payload{l.payload})
	}
}

func (r *run) seal(ch *store.Change, line store.LogLine, at store.Slice, payloads []activity.Payload) {
	s, err := r.Recorder.Seal(line, payloads)
	if err != nil {
		r.unkept(err)
		return
	}
	s.Line, s.Log = at.Line, at.Log
	ch.Slices = append(ch.Slices, s)
}

// unkept tells once a run that the activity log has gaps, and why.
func (r *run) unkept(err error) {
	if !r.trail.told {
		r.trail.told = true
		r.tell("the activity log cannot keep what is sent: "+err.Error(), 0)
	}
}

// sent is what the log keeps of an effect: what was sent, what was answered, and the raw exchanges so far.
func (r *run) sent(a decide.Action, res connector.WriteResult) []activity.Payload {
	if r.Recorder == nil {
		return nil
	}
	list := []activity.Payload{activity.RecordPayload(activity.KindOut, a.Object, a.Record)}
	if a.Origins != nil {
		var fields []activity.FieldOrigin
		for _, o := range a.Origins() {
			f := activity.FieldOrigin{Object: a.Object, Field: o.Field, Value: o.Value, Rule: o.Rule, Function: o.Function, Overridden: o.Overridden, From: []activity.FieldValue{}}
			for _, v := range o.From {
				f.From = append(f.From, activity.FieldValue{Field: v.Path, Value: v.Value})
			}
			fields = append(fields, f)
		}
		list = append(list, activity.OriginsPayload(a.Object, fields))
	}
	if res.Record.Schema != nil {
		list = append(list, activity.RecordPayload(activity.KindAnswer, a.Object, res.Record))
	}
	if res.Err != nil {
		list = append(list, activity.ErrorPayload(a.Object, res.Err))
	}
	return append(list, r.trail.effect.take()...)
}
