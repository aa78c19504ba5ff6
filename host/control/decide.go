package control

import (
	"context"
	"fmt"
	"os/user"
	"slices"
	"strings"
	"time"

	"github.com/pomost/pomost/host/activity"
	"github.com/pomost/pomost/host/flow"
	"github.com/pomost/pomost/host/home"
	"github.com/pomost/pomost/host/store"
	"github.com/pomost/pomost/sdk/connector"
)

// The words of DecideRequest.Decision.
const (
	DecideSent   = "sent"
	DecideAbsent = "absent"
	DecideLink   = "link"
	DecideSkip   = "skip"
)

// Decisions are all of them.
var Decisions = []string{DecideSent, DecideAbsent, DecideLink, DecideSkip}

// decideTerm bounds how long a decision may take.
const decideTerm = time.Minute

// maxNote bounds what a person writes beside a decision.
const maxNote = 500

// decision is a person's word on one record, being carried out.
type decision struct {
	req     DecideRequest
	config  flow.Flow
	systems map[string]string // the connectors of the flow's connections
	recipe  *flow.Recipe
	lane    string
	record  store.Record
	intents []store.Intent
	now     time.Time
	change  store.Change
	message string
}

// Decide implements API. It waits for a run of the flow that is under way, and works under the flow's lease as runs do.
func (s *Service) Decide(ctx context.Context, req DecideRequest) (DecideResult, error) {
	res := DecideResult{Flow: req.Flow, Key: req.Key, Decision: req.Decision}
	if err := checkDecision(req); err != nil {
		return res, err
	}
	if err := s.knownFlow(ctx, req.Flow); err != nil {
		return res, err
	}
	leave, err := s.works.turn(ctx, flowOf(req.Flow))
	if err != nil {
		return res, err
	}
	defer leave()
	err = s.writing(ctx, func(st *home.State) (err error) {
		d, err := s.decision(ctx, st, req)
		if err != nil {
			return err
		}
		now := s.opts.Clock.Now()
		lease, err := st.Store.Acquire(ctx, "flow:"+flowOf(req.Flow), holder(), now, now.Add(decideTerm))
		if err != nil {
			return err
		}
		defer func() {
			if e := st.Store.Release(context.WithoutCancel(ctx), lease); err == nil {
				err = e
			}
		}()
		d.change.Lease, d.now = lease, now
		if err := d.carryOut(ctx, st.Store); err != nil {
			return err
		}
		d.change.Log = []store.LogLine{{Time: now, Flow: d.record.Flow, Key: d.record.Key, Action: req.Decision, Object: d.target().Object, Outcome: "decided",
			Result: req.Result, Cause: d.record.Cause, Message: d.word()}}
		// Without its label the line is still found by the record's key.
		_ = activity.Log{Keys: st.Vault}.Label(&d.change.Log[0], d.record.Label)
		res.Key, res.Message = d.record.Key, d.message
		return st.Store.Commit(ctx, d.change)
	})
	if err == nil {
		s.changed()
	}
	return res, err
}

func checkDecision(req DecideRequest) error {
	switch {
	case !slices.Contains(Decisions, req.Decision):
		return unknownWord("decision", req.Decision, Decisions)
	case req.Key == "":
		return usage("no record is named", "`pomost records` shows those that wait")
	case (req.Decision == DecideSent || req.Decision == DecideLink) && strings.TrimSpace(req.Result) == "":
		return usage("the key of the destination's record is missing", "name the record that it became or belongs to")
	case (req.Decision == DecideAbsent || req.Decision == DecideSkip) && req.Result != "":
		return usage("the decision %s names no record of the destination", "leave it out", req.Decision)
	case len(req.Note) > maxNote:
		return usage("the note is longer than %d bytes", "make it shorter", maxNote)
	}
	return nil
}

// decision finds the record that is decided about, with what is open of it.
func (s *Service) decision(ctx context.Context, st *home.State, req DecideRequest) (*decision, error) {
	d := &decision{req: req}
	c, _, err := configIn(ctx, st)
	if err != nil {
		return nil, err
	}
	d.config = c.Flows[flowOf(req.Flow)]
	d.systems = map[string]string{}
	for _, name := range []string{d.config.Source, d.config.Destination} {
		d.systems[name] = c.Connections[name].Connector
	}
	if d.recipe, err = s.recipe(d.config.Recipe); err != nil {
		return nil, err
	}
	all, err := st.Store.Records(ctx, store.RecordFilter{Statuses: append(slices.Clone(waiting), store.RecordSkipped)})
	if err != nil {
		return nil, err
	}
	var found []store.Record
	for _, r := range chosen(all, []string{req.Key}) {
		if r.Flow == req.Flow || flowOf(r.Flow) == req.Flow {
			found = append(found, r)
		}
	}
	switch len(found) {
	case 0:
		return nil, usage("no record %s of the flow %s is held or failed", "`pomost records` shows those that are", req.Key, req.Flow)
	case 1:
	default:
		return nil, usage("several records are called %s: their keys are %s and %s", "name the key", req.Key, found[0].Key, found[1].Key)
	}
	d.record = found[0]
	if _, lane, ok := strings.Cut(d.record.Flow, ":"); ok {
		d.lane = lane
	}
	open, err := st.Store.Intents(ctx, d.record.Flow)
	for _, i := range open {
		if i.Key == d.record.Key {
			d.intents = append(d.intents, i)
		}
	}
	return d, err
}

// way is the lane of the recipe that the record travels.
func (d *decision) way() flow.Lane {
	for _, l := range d.recipe.Lanes {
		if l.Name == d.lane {
			return l
		}
	}
	return flow.Lane{}
}

// source and target are the objects that the record is of, and becomes.
func (d *decision) source() flow.Object {
	if o := d.recipe.LaneRead(d.way()); o != nil {
		return *o
	}
	return flow.Object{}
}

func (d *decision) target() flow.Target {
	if t := d.recipe.Write[d.way().Write]; t != nil {
		return *t
	}
	return flow.Target{}
}

// ends are the connections that the record travels from and to.
func (d *decision) ends() (from, to string) {
	if d.systems[d.config.Destination] == d.way().From {
		return d.config.Destination, d.config.Source
	}
	return d.config.Source, d.config.Destination
}

// main are the open intents on the record's own counterpart; those on what goes before it (a debtor, an address) are settled by the next run.
func (d *decision) main() []store.Intent {
	var out []store.Intent
	for _, i := range d.intents {
		if i.Object == d.target().Object {
			out = append(out, i)
		}
	}
	return out
}

// word is what the log keeps of who decided, and why.
func (d *decision) word() string {
	who := "somebody"
	if u, err := user.Current(); err == nil && u.Username != "" {
		who = u.Username
	}
	text := "decided by " + who
	if d.req.Note != "" {
		text += ": " + clipped(d.req.Note, maxNote)
	}
	return text
}

func (d *decision) carryOut(ctx context.Context, st store.Store) error {
	switch d.req.Decision {
	case DecideAbsent:
		return d.absent()
	case DecideSkip:
		return d.skip()
	}
	return d.bind(ctx, st)
}

// landed refuses to decide about a request that may still be carried out: promise 1 waits for that, and so must a person.
func (d *decision) landed() error {
	for _, i := range d.main() {
		switch {
		case i.State == store.IntentOpen:
			return d.tooEarly("its outcome has not been looked up yet", "run the flow first: it looks")
		case i.State == store.IntentUnknown && d.now.Before(i.Settled):
			return d.tooEarly("the request can still be carried out until "+i.Settled.Local().Format(time.TimeOnly), "wait until then; the next run looks it up by itself")
		}
	}
	return nil
}

func (d *decision) tooEarly(message, remedy string) error {
	return &Failure{Record: d.record.Key, Cause: string(connector.CauseUnknownOutcome), Message: message, Remedy: remedy, exit: ExitFailed}
}

// absent: it was looked for by hand and is not there. It waits for the next run, which sends it; nothing else may send it again.
func (d *decision) absent() error {
	if err := d.landed(); err != nil {
		return err
	}
	open := d.main()
	if len(open) == 0 {
		return usage("the outcome of record %s is known: it was not sent", "mend its cause and `pomost retry %s --record %s`", d.record.Key, d.record.Flow, d.record.Key)
	}
	for _, i := range open {
		d.change.Settle = append(d.change.Settle, store.Settlement{ID: i.ID, State: store.IntentAbsent, Cause: string(connector.CauseUnknownOutcome)})
	}
	rec := d.record
	rec.Status, rec.Cause, rec.Reason = store.RecordPending, string(connector.CauseUnknownOutcome), "a person looked for it in the destination: it is not there"
	rec.Remedy, rec.Updated, rec.Since = "none: the next run sends it", d.now, d.now
	d.change.Records = []store.Record{rec}
	d.message = "the next run sends it"
	return nil
}

// skip: it is not to be carried over, until it changes.
func (d *decision) skip() error {
	if len(d.main()) > 0 {
		return d.tooEarly("whether it was written is not known, so that it cannot be left out", "look for it in the destination, and decide sent or absent first")
	}
	rec := d.record
	rec.Status, rec.Reason, rec.Remedy = store.RecordSkipped, "a person decided to leave it out", "it is taken up again when it changes, or by `pomost retry --record`"
	rec.Updated, rec.Since = d.now, d.now
	d.change.Records = []store.Record{rec}
	d.message = "it is left out until it changes in the source"
	return nil
}

// bind: it was found, or chosen, by hand. It is linked, and never sent.
func (d *decision) bind(ctx context.Context, st store.Store) error {
	if err := d.landed(); err != nil {
		return err
	}
	from, to := d.ends()
	source, target, key := d.source(), d.target(), strings.TrimSpace(d.req.Result)
	if source.Object == "" || target.Object == "" {
		return usage("records of the flow %s cannot be linked by hand", "see its recipe", d.req.Flow)
	}
	here := store.End{Connection: from, Object: source.Object, Key: d.record.Key}
	there := store.End{Connection: to, Object: target.Object, Key: key}
	links, err := st.Links(ctx, []store.End{there}, from)
	if err != nil {
		return err
	}
	for _, l := range links {
		other := l.A
		if other == there {
			other = l.B
		}
		if l.ID != 0 && other != here {
			return &Failure{Record: d.record.Key, Cause: string(connector.CauseConflict), exit: ExitFailed,
				Message: fmt.Sprintf("%s %s belongs to another record already: %s", target.Object, key, other.Key), Remedy: "name the record that belongs to this one"}
		}
	}
	link := store.Link{A: here, B: there, Kind: kindOf(d), Source: d.record.Source, Created: d.now, Updated: d.now}
	for _, i := range d.main() {
		link.Source = i.Source
		d.change.Settle = append(d.change.Settle, store.Settlement{ID: i.ID, State: store.IntentAdopted, ResultKey: key})
	}
	d.change.Links = []store.Link{link}
	d.change.Forget = []store.Record{d.record}
	d.message = fmt.Sprintf("it is linked with %s %s, and is not sent", target.Object, key)
	return nil
}

// kindOf is the word of the flow's subject, as links have it.
func kindOf(d *decision) string {
	switch d.recipe.Kind {
	case "stock":
		return "product"
	default:
		return strings.TrimSuffix(d.recipe.Kind, "s")
	}
}
