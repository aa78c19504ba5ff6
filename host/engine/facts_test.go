package engine

import (
	"slices"
	"testing"

	"github.com/pomost/pomost/host/engine/decide"
	"github.com/pomost/pomost/sdk/connector"
	"github.com/pomost/pomost/sdk/record"
)

// TestWrittenDropsWhatItMayHaveChanged: an answer that is kept too long is a lie, one that is dropped for nothing is a call.
func TestWrittenDropsWhatItMayHaveChanged(t *testing.T) {
	schema := record.MustSchema("AR1", record.Field{Name: "SUB_NR", Type: record.Scalar(record.KindText)},
		record.Field{Name: "MAIL_BUS", Type: record.Scalar(record.KindText)}, record.Field{Name: "CITY", Type: record.Scalar(record.KindText)})
	debtor := func(pairs ...string) record.Record {
		r := record.New(schema)
		for i := 0; i < len(pairs); i += 2 {
			r.MustSet(pairs[i], record.Text(pairs[i+1]))
		}
		return r
	}
	look := func(field, value string) decide.Lookup {
		return decide.Lookup{Side: decide.Destination, Object: "AR1", Fields: []decide.Field{{Name: field, Value: value}}}
	}
	known := map[string]struct {
		look  decide.Lookup
		found []record.Record
	}{
		"a@x by mail": {look("MAIL_BUS", "A@x"), []record.Record{debtor("SUB_NR", "1  ", "MAIL_BUS", "a@x")}},
		"b@x by mail": {look: look("MAIL_BUS", "b@x")},
		"1 by number": {look("SUB_NR", "1"), []record.Record{debtor("SUB_NR", "1", "MAIL_BUS", "a@x")}},
		"2 by number": {look: look("SUB_NR", "2")},
		"orders":      {look: decide.Lookup{Side: decide.Destination, Object: "SO1", Fields: []decide.Field{{Name: "COMMENT1", Value: "7"}}}},
		"the source":  {look: decide.Lookup{Side: decide.Source, Object: "AR1", Fields: []decide.Field{{Name: "SUB_NR", Value: "1"}}}},
	}
	for name, tt := range map[string]struct {
		action decide.Action
		key    string
		drops  []string
	}{
		"a new debtor":              {decide.Action{Action: connector.Create, Record: debtor("MAIL_BUS", "b@x")}, "2", []string{"b@x by mail", "2 by number"}},
		"one without an address":    {decide.Action{Action: connector.Create, Record: debtor("CITY", "Utrecht")}, "3", []string{"a@x by mail", "b@x by mail"}},
		"an update beside the mail": {decide.Action{Action: connector.Update, Record: debtor("SUB_NR", "1", "CITY", "Utrecht")}, "1", []string{"a@x by mail", "1 by number"}},
		"a mail that moves":         {decide.Action{Action: connector.Update, Record: debtor("SUB_NR", "1", "MAIL_BUS", "B@X")}, "1", []string{"a@x by mail", "b@x by mail", "1 by number"}},
		"another debtor's city":     {decide.Action{Action: connector.Update, Record: debtor("SUB_NR", "9", "CITY", "Utrecht")}, "9", nil},
	} {
		k := newKnowledge(nil, nil)
		for _, a := range known {
			k.asked[a.look.ID()] = a.look
			k.facts.Answers[a.look.ID()] = decide.Answer{Records: a.found}
		}
		tt.action.Object, tt.action.KeyField = "AR1", "SUB_NR"
		k.written(tt.action, tt.key)
		for what, a := range known {
			_, kept := k.facts.Answers[a.look.ID()]
			if kept == slices.Contains(tt.drops, what) {
				t.Errorf("%s: the answer of %s is kept: %v", name, what, kept)
			}
		}
	}
}
