package control

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/pomost/pomost/host/engine"
	"github.com/pomost/pomost/host/engine/decide"
	"github.com/pomost/pomost/host/flow"
	"github.com/pomost/pomost/host/store"
	"github.com/pomost/pomost/sdk/connector"
	"github.com/pomost/pomost/sdk/decimal"
	"github.com/pomost/pomost/sdk/record"
)

// prepareStock makes a flow of stock ready.
func prepareStock(ctx context.Context, p *preparation) ([]*engine.Flow, error) {
	r, s, lane := p.recipe, *p.settings.Stock, p.recipe.Lanes[0]
	schemas, err := p.schemas(ctx)
	if err != nil {
		return nil, err
	}
	src, dst := p.end(lane.From), p.end(r.Write[lane.Write].System)
	k := &decide.Levels{Settings: s, Decimals: r.Facts.QuantityDecimals.In(schemas[r.Destination][r.Facts.QuantityDecimals.Object])}
	counts, _, err := fact(ctx, dst, r.Lists.CountsStock)
	if err != nil {
		return nil, err
	}
	k.Counts = counts == "true"
	read := r.LaneRead(lane)
	has := func(quantity string) bool { return offers(read, quantity, schemas[lane.From][read.Object]) }
	for _, word := range s.Formula.Words() {
		switch {
		case slices.Contains(s.Own(), word):
			if f, ok := schemas[lane.From][read.Object].Field(word); !ok || f.Type.Kind != record.KindDecimal && f.Type.Kind != record.KindInteger {
				p.problems = append(p.problems, flow.Problem{Path: "settings.formula", Message: src.name + " has no number " + word + " in " + read.Object, Remedy: "name another field"})
			}
		case !has(word) && word != "reserved":
			p.problems = append(p.problems, flow.Problem{Path: "settings.formula", Message: src.name + " has no quantity " + word + " of its articles", Remedy: "choose another formula"})
		}
	}
	stock := &stockFacts{preparation: p, kind: k, source: src, destination: dst}
	// The order in which reservations are looked for: a field, else the open sales orders, else it is for a person to say.
	if s.Needs("reserved") && !has("reserved") {
		if stock.reserving = r.Read["reserving"]; stock.reserving == nil || !readable(src, stock.reserving.Object) {
			p.problems = append(p.problems, noReservations(src.name, "it has no field for them"))
		} else {
			k.Whole = !tellsSent(stock.reserving, schemas[lane.From][stock.reserving.Object])
		}
	}
	if s.InFlight {
		stock.waiting = r.Back["waiting"]
	}
	m := &decide.Masters{Recipe: r, Lane: lane, Kind: k, Write: r.Write[lane.Write], Schemas: schemas[r.Destination], Update: true, Conflict: decide.ConflictWins, Look: k.Counts, Hash: p.hash}
	f := p.lane(lane, m)
	f.Scan, f.Prepare = true, stock.gather
	return []*engine.Flow{f}, nil
}

// noReservations is the configuration's problem where nobody can tell what is reserved: to guess would count it twice or not at all.
func noReservations(source, why string) flow.Problem {
	return flow.Problem{Path: "settings.formula", Message: "the quantities reserved for sales orders cannot be read from " + source + ": " + why,
		Remedy: "say formula: available if the available quantity is already without them, or formula: free"}
}

// offers tells whether an account has what fills a field of a canonical record.
func offers(o *flow.Object, field string, schema *record.Schema) bool {
	for _, rule := range o.Rules() {
		if rule.Field == field {
			return slices.ContainsFunc(rule.From, func(path string) bool { _, ok := schema.Field(path); return ok })
		}
	}
	return false
}

// tellsSent tells whether an account shows of order lines what has left.
func tellsSent(o *flow.Object, schema *record.Schema) bool {
	for _, rule := range o.Rules() {
		if rule.Rows == nil {
			continue
		}
		for _, inner := range rule.Rows.Mapping.Rules() {
			if inner.Field == "sent" && len(inner.From) == 1 {
				_, ok := schema.Field(rule.Rows.From + strings.TrimPrefix(inner.From[0], rule.Rows.As))
				return ok
			}
		}
	}
	return false
}

func readable(o opened, object string) bool {
	return slices.ContainsFunc(o.description.Objects, func(d connector.Object) bool { return d.Name == object && d.Read != connector.ReadNone })
}

// stockFacts finds out, at the start of each run, what stock depends on beside the articles.
type stockFacts struct {
	*preparation
	kind                *decide.Levels
	source, destination opened
	// reserving are the source's orders, nil where a field has the reservations; waiting the destination's, nil where they do not matter.
	reserving, waiting *flow.Object
}

// gather implements engine.Flow.Prepare.
func (s *stockFacts) gather(ctx context.Context) error {
	if s.reserving != nil {
		reserved, err := s.reserved(ctx)
		if err != nil {
			return err
		}
		s.kind.Reserved = reserved
	}
	if s.waiting == nil || s.kind.Counts {
		return nil
	}
	waiting, err := s.inFlight(ctx)
	if err != nil {
		return err
	}
	s.kind.Waiting = waiting
	return nil
}

// reserved adds up what the source's open sales orders still reserve, by article.
func (s *stockFacts) reserved(ctx context.Context) (map[string]decimal.Decimal, error) {
	out := map[string]decimal.Decimal{}
	err := s.source.connection.Read(ctx, connector.ReadRequest{Object: s.reserving.Object}, func(b connector.Batch) error {
		for _, rec := range b.Records {
			order, holds := s.recipe.Canon("reserving", rec)
			if len(holds) > 0 {
				return fmt.Errorf("order %s: %s", rec.Get(s.reserving.Key), holds[0].Message)
			}
			if order.Get("rows").IsAbsent() {
				return flowProblems(s.name, "", []flow.Problem{noReservations(s.source.name, "its sales orders come without their lines")})
			}
			add(out, order)
		}
		return nil
	})
	if err == nil {
		return out, nil
	}
	if e := connector.AsError(err); e.Cause == connector.CauseRights || e.Cause == connector.CauseRefused {
		return nil, flowProblems(s.name, "", []flow.Problem{noReservations(s.source.name, e.Error())})
	}
	return nil, at(s.source.name, fmt.Errorf("read %s: %w", s.reserving.Object, err))
}

// add counts the quantities of an order that have not left yet.
func add(sums map[string]decimal.Decimal, order record.Record) {
	for _, v := range order.Get("rows").AsList() {
		row, _ := v.AsRecord()
		open, ok := row.Get("quantity").AsDecimal()
		if sent, told := row.Get("sent").AsDecimal(); told {
			open = open.Sub(sent)
		}
		if key := decide.ArticleKey(row.Get("article").String()); ok && key != "" && open.Sign() > 0 {
			sums[key] = sums[key].Add(open)
		}
	}
}

// inFlight adds up what the destination has sold in orders that the source does not have yet, by article: those under way or shipped that are not
// linked, and invoiced ones that a flow of orders still keeps as held, failed or watched. Orders from before that flow's start date are not ours.
func (s *stockFacts) inFlight(ctx context.Context) (map[string]decimal.Decimal, error) {
	out := map[string]decimal.Decimal{}
	since, kept, err := s.ordersFlows(ctx)
	if err != nil {
		return nil, err
	}
	req := connector.ReadRequest{Object: s.waiting.Object, Where: statuses(s.waiting, since, len(kept) == 0)}
	err = s.destination.connection.Read(ctx, req, func(b connector.Batch) error {
		var open []record.Record
		var ends []store.End
		for _, rec := range b.Records {
			order, holds := s.recipe.Canon("waiting", rec)
			if len(holds) > 0 {
				return fmt.Errorf("order %s: %s", rec.Get(s.waiting.Key), holds[0].Message)
			}
			key, status := order.Get("key").String(), order.Get("status").String()
			if date, ok := order.Get("date").AsDate(); ok && since != nil && date < *since {
				continue
			}
			if status == "ongoing" || status == "shipped" || status == "invoiced" && kept[key] {
				open = append(open, order)
				ends = append(ends, store.End{Connection: s.destination.name, Object: s.waiting.Object, Key: key})
			}
		}
		links, err := s.state.Store.Links(ctx, ends, s.source.name)
		if err != nil {
			return fmt.Errorf("read links: %w", err)
		}
		for i, order := range open {
			if links[i].ID == 0 {
				add(out, order)
			}
		}
		return nil
	})
	if err != nil {
		return nil, at(s.destination.name, fmt.Errorf("read %s, whose quantities are under way (setting in_flight): %w", s.waiting.Object, err))
	}
	return out, nil
}

// ordersFlows tells of the flows that carry the destination's orders to the source: the earliest start date, nil where one has none, and the keys
// of the orders that they remember as not carried over.
func (s *stockFacts) ordersFlows(ctx context.Context) (since *record.Date, kept map[string]bool, err error) {
	kept = map[string]bool{}
	first := true
	for _, name := range sortedKeys(s.workshop.config.Flows) {
		conf := s.workshop.config.Flows[name]
		if conf.Source != s.destination.name || conf.Destination != s.source.name {
			continue
		}
		r, err := flow.LoadRecipe(s.service.recipes, conf.Recipe)
		if err != nil {
			return nil, nil, err
		}
		settings, _ := r.ParseSettings(conf.Settings)
		if settings.Orders == nil {
			continue
		}
		switch start := settings.Orders.StartDate; {
		case first:
			since = start
		case since != nil && (start == nil || *start < *since):
			since = start
		}
		first = false
		remembered, err := s.state.Store.Records(ctx, store.RecordFilter{Flow: name,
			Statuses: []store.RecordStatus{store.RecordHeld, store.RecordFailed, store.RecordWatched, store.RecordPending}})
		if err != nil {
			return nil, nil, fmt.Errorf("read remembered records: %w", err)
		}
		for _, rec := range remembered {
			kept[rec.Key] = true
		}
	}
	return since, kept, nil
}

// statuses narrow what is read to orders that can be open, as far as the recipe's words for statuses are numbers of the system in a row, and to
// those since a date.
func statuses(o *flow.Object, since *record.Date, onlyOpen bool) []connector.Condition {
	var out []connector.Condition
	for _, rule := range o.Rules() {
		if len(rule.From) != 1 {
			continue
		}
		switch rule.Field {
		case "date":
			if since != nil {
				out = append(out, connector.Condition{Field: rule.From[0], Op: "ge", Value: record.OfDate(*since)})
			}
		case "status":
			var low, high int64
			for raw, word := range rule.Table {
				n, err := strconv.ParseInt(raw, 10, 64)
				if err != nil {
					return out
				}
				if word == "ongoing" || word == "shipped" || word == "invoiced" && !onlyOpen {
					if low == 0 || n < low {
						low = n
					}
					high = max(high, n)
				}
			}
			out = append(out, connector.Condition{Field: rule.From[0], Op: "ge", Value: record.Integer(low)}, connector.Condition{Field: rule.From[0], Op: "le", Value: record.Integer(high)})
		}
	}
	return out
}
