package connector

import (
	"net/http"
	"strings"
	"testing"

	"github.com/pomost/pomost/plugins/eaccounting/spec"
	"github.com/pomost/pomost/sdk/sandbox"
)

// judged puts the vendor's specification between the connector and the sandbox: every request of the connector and every answer of the sandbox
// is held against it, and what contradicts fails the test.
func judged(t *testing.T, sys sandbox.System, dialect string) sandbox.System {
	j := &spec.Judge{Played: generation(dialect), Caller: ours}
	t.Cleanup(func() {
		for _, f := range j.Findings() {
			t.Errorf("against the specification: %s", f)
		}
	})
	return j.Watch(sys)
}

func generation(dialect string) spec.Generation {
	if strings.Contains(dialect, "swagger2020") {
		return spec.G2020
	}
	return spec.G2026
}

// ours tells the connector's requests from those by which tests bring records in.
func ours(r *http.Request) bool { return r.UserAgent() == "pomost" }
