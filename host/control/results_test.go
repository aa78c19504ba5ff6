package control

import (
	"testing"

	"github.com/pomost/pomost/host/engine"
	"github.com/pomost/pomost/sdk/connector"
)

func TestExitOfAConnectionsError(t *testing.T) {
	for name, c := range map[string]struct {
		err  engine.Error
		want int
	}{
		"a company that the user does not have": {engine.Error{Connection: "books", Err: &connector.Error{Cause: connector.CauseRights, Field: "company"}}, ExitUsage},
		"a right that the user does not have":   {engine.Error{Connection: "books", Err: &connector.Error{Cause: connector.CauseRights}}, ExitFailed},
		"a field of a record":                   {engine.Error{Connection: "books", Record: "1", Err: &connector.Error{Cause: connector.CauseRights, Field: "VAT_NR"}}, ExitFailed},
		"a dead token":                          {engine.Error{Connection: "books", Err: &connector.Error{Cause: connector.CauseCredentials}}, ExitUnreachable},
		"a system that is down":                 {engine.Error{Connection: "books", Err: &connector.Error{Cause: connector.CauseUnavailable}}, ExitUnreachable},
	} {
		t.Run(name, func(t *testing.T) {
			if got := AsFailure(&c.err).Exit(); got != c.want {
				t.Errorf("exit %d, want %d", got, c.want)
			}
		})
	}
}
