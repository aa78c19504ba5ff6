package engine

import (
	"testing"

	"github.com/pomost/pomost/host/engine/decide"
	"github.com/pomost/pomost/sdk/connector"
	"github.com/pomost/pomost/sdk/record"
)

// A system that does not obey a filter must not lend a record to another's key.
func TestTheHostComparesKeysAgain(t *testing.T) {
	s := record.MustSchema("AR1", record.Field{Name: "SUB_NR", Type: record.Scalar(record.KindText)})
	debtor := func(key string) record.Record {
		r := record.New(s)
		r.MustSet("SUB_NR", record.Text(key))
		return r
	}
	ask := decide.Lookup{Object: "AR1", Fields: []decide.Field{{Name: "SUB_NR", Value: "a10"}}}
	got := exactly(ask, connector.FindResult{Status: connector.Found, Records: []record.Record{debtor("A1"), debtor("A10 "), debtor("A100")}})
	if got.Status != connector.Found || len(got.Records) != 1 || got.Records[0].Get("SUB_NR").AsText() != "A10 " {
		t.Errorf("%+v", got)
	}
	if got := exactly(ask, connector.FindResult{Status: connector.Found, Records: []record.Record{debtor("A1")}}); got.Status != connector.CannotTell || got.Reason == "" {
		t.Errorf("%+v", got)
	}
	if got := exactly(ask, connector.FindResult{Status: connector.AbsentEverywhere}); got.Status != connector.AbsentEverywhere {
		t.Errorf("%+v", got)
	}
}
