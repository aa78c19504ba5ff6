package decide

import (
	"strings"
	"testing"

	"github.com/pomost/pomost/host/flow"
	"github.com/pomost/pomost/recipes"
	"github.com/pomost/pomost/sdk/connector"
	"github.com/pomost/pomost/sdk/record"
)

// TestExists: an order that stands in the destination under its reference or its own id is never sent, also where one of the two look-ups
// cannot tell.
func TestExists(t *testing.T) {
	recipe, err := flow.LoadRecipe(recipes.FS, "accountview-eaccounting/orders")
	if err != nil {
		t.Fatal(err)
	}
	text := func(name string) record.Field {
		return record.Field{Name: name, Type: record.Scalar(record.KindText)}
	}
	schema := record.MustSchema("SO1", text("ORD_NR"), text("COMMENT1"), text("EXT_ID"), text("RPL_INV"), record.Field{Name: "ORD_DATE", Type: record.Scalar(record.KindDate)},
		record.Field{Name: "SO_LINE", Type: record.ListOf(record.MustSchema("SO_LINE", text("ART_CODE")))})
	day := record.NewDate(2026, 6, 10)
	booked := func(key, reference, id string) record.Record {
		r := record.New(schema)
		for name, v := range map[string]string{"ORD_NR": key, "COMMENT1": reference, "EXT_ID": id} {
			r.MustSet(name, record.Text(v))
		}
		r.MustSet("ORD_DATE", record.OfDate(day))
		return r
	}
	none, mute := Answer{Status: connector.AbsentEverywhere}, Answer{Status: connector.CannotTell, Reason: "no right"}
	found := func(r ...record.Record) Answer { return Answer{Status: connector.Found, Records: r} }
	for name, c := range map[string]struct {
		byReference, byID Answer
		verdict           Verdict // 0: it is not there
		found             string
	}{
		"nowhere":                     {none, none, 0, ""},
		"by its reference":            {found(booked("1", "7", "")), none, Adopt, "1"},
		"by both":                     {found(booked("1", "7", "ab")), found(booked("1", "7", "ab")), Adopt, "1"},
		"by its id alone":             {none, found(booked("1", "edited", "AB ")), Adopt, "1"},
		"one that only begins so":     {none, found(booked("1", "x", "abc")), 0, ""},
		"two of them":                 {found(booked("1", "7", "")), found(booked("2", "edited", "ab")), Hold, ""},
		"where the reference is mute": {mute, found(booked("1", "edited", "ab")), Adopt, "1"},
		"where the id is mute":        {none, mute, 0, ""},
		"where both are mute":         {mute, mute, 0, ""},
	} {
		t.Run(name, func(t *testing.T) {
			doc := record.New(flow.OrderSchema)
			doc.MustSet("number", record.Text("7"))
			doc.MustSet("external", record.Text("ab"))
			facts := &Facts{Answers: map[string]Answer{}}
			s := &order{Orders: &Orders{Recipe: recipe, Schemas: map[string]*record.Schema{"SO1": schema}}, asker: asker{facts: facts}, doc: doc}
			s.d.Date = day
			if _, done := s.exists(); done || len(s.lookups) != 2 {
				t.Fatalf("it asks for %d look-ups", len(s.lookups))
			}
			facts.Answers[s.lookups[0].ID()], facts.Answers[s.lookups[1].ID()] = c.byReference, c.byID
			d, done := s.exists()
			if done != (c.verdict != 0) || done && (d.Verdict != c.verdict || d.Found != c.found) {
				t.Errorf("%t %v %q (%s)", done, d.Verdict, d.Found, d.Reason)
			}
			if warned := strings.Contains(strings.Join(s.d.Warnings, " "), "cannot be read back"); !done && warned != (c.byReference.Status == connector.CannotTell) {
				t.Errorf("warnings %v", s.d.Warnings)
			}
		})
	}
}
