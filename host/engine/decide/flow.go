package decide

import (
	"github.com/pomost/pomost/host/flow"
	"github.com/pomost/pomost/host/store"
	"github.com/pomost/pomost/sdk/connector"
	"github.com/pomost/pomost/sdk/record"
)

// Object is the source's object that is read.
func (o *Orders) Object() string { return o.Recipe.Read["order"].Object }

// Words are how orders are called.
func (o *Orders) Words() Words {
	return Words{Kind: "order", Target: "order", Missing: string(connector.CauseConflict),
		Taken: "its reference belongs to %s, which was made from another record: %s", TakenRemedy: "give each order a reference of its own, or set reference: number"}
}

// Observed is what a link is to remember of a pair of records. Where Calls are wanted first, it is asked for again with their results.
type Observed struct {
	Sent, Observed map[string]string
	Calls          []flow.Call
}

// Observed is nothing: an order is not kept in step after it was sent.
func (o *Orders) Observed(_, _ record.Record, _ []string, _ flow.Results) Observed { return Observed{} }

// Target is the destination's object that an order becomes.
func (o *Orders) Target() string { return o.Recipe.Write["order"].Object }

// Where narrows what is read to documents from the start date on.
func (o *Orders) Where() []connector.Condition {
	if o.Settings.StartDate == nil {
		return nil
	}
	for _, r := range o.Recipe.Read["order"].Rules() {
		if r.Field == "date" && len(r.From) == 1 {
			return []connector.Condition{{Field: r.From[0], Op: "ge", Value: record.OfDate(*o.Settings.StartDate)}}
		}
	}
	return nil
}

// ByKey is the look-up of an order in the source.
func (o *Orders) ByKey(key string) Lookup {
	obj := o.Recipe.Read["order"]
	return Lookup{Side: Source, Object: obj.Object, Fields: []Field{{obj.Key, key}}}
}

// Trigger is an object of the source whose records name the order they concern.
type Trigger struct {
	Object string
	Key    func(record.Record) string
}

// Triggers are the invoices where only paid orders travel: a payment changes the invoice and not the order.
func (o *Orders) Triggers() []Trigger {
	if !o.Settings.OnlyPaid {
		return nil
	}
	return []Trigger{{Object: o.Recipe.Read["invoice"].Object, Key: func(r record.Record) string {
		inv, _ := o.Recipe.Canon("invoice", r)
		return inv.Get("order").String()
	}}}
}

// Found reads what a look-up of a step's effect found.
func (o *Orders) Found(step string, rec record.Record) (string, map[string]string) {
	switch step {
	case "order":
		b, _ := o.Recipe.Canon("booked", rec)
		return b.Get("key").String(), Booked(o.Recipe, rec)
	case "address":
		a, _ := o.Recipe.Canon("address", rec)
		return a.Get("key").String(), map[string]string{"address": addressText(a)}
	default:
		d, _ := o.Recipe.Canon("debtor", rec)
		return d.Get("key").String(), nil
	}
}

// Again is the look-up of an order by the reference and date that its intent keeps.
func (o *Orders) Again(i store.Intent) (Lookup, bool) {
	if i.Step != "order" {
		return Lookup{}, false
	}
	date, err := record.ParseDate(i.Expect["date"])
	if err != nil {
		date = 0
	}
	obj := o.Recipe.Back["booked"]
	return Lookup{Side: Destination, Object: obj.Object, Fields: []Field{{obj.Find["reference"], i.Reference}}, Around: date}, true
}
