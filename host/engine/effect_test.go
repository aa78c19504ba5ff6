package engine

import (
	"testing"

	"github.com/pomost/pomost/host/engine/decide"
	"github.com/pomost/pomost/sdk/connector"
	"github.com/pomost/pomost/sdk/record"
)

// What a system says is kept in the log and the inbox; what was sent to it must not come along.
func TestWhatIsKeptNamesNoPerson(t *testing.T) {
	text := record.Scalar(record.KindText)
	row := record.MustSchema("row", record.Field{Name: "TO", Type: text, Personal: true})
	s := record.MustSchema("AR1", record.Field{Name: "ACCT_NAME", Type: text, Personal: true}, record.Field{Name: "MAIL_BUS", Type: text, Personal: true},
		record.Field{Name: "ACCT_NR", Type: text}, record.Field{Name: "ROWS", Type: record.ListOf(row)})
	r, n := record.New(s), record.New(row)
	n.MustSet("TO", record.Text("Piet de Boer"))
	r.MustSet("ACCT_NAME", record.Text("Jan Jansen"))
	r.MustSet("MAIL_BUS", record.Text("Jan Jansen <jan@example.nl>"))
	r.MustSet("ACCT_NR", record.Text("9999"))
	r.MustSet("ROWS", record.List(record.Nested(n)))
	got := about(decide.Action{Object: "AR1", Record: r}, &connector.Error{Message: `"Jan Jansen <jan@example.nl>" of Jan Jansen, to Piet de Boer: account 9999 is unknown`})
	if want := `AR1: "…" of …, to …: account 9999 is unknown`; got != want {
		t.Errorf("%s\nwant %s", got, want)
	}
}
