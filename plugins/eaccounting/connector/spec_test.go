package connector

import (
	"net/http"
	"strings"
	"testing"

	emulator "github.com/pomost/pomost/plugins/eaccounting/sandbox"
	"github.com/pomost/pomost/plugins/eaccounting/spec"
	"github.com/pomost/pomost/sdk/conformance"
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

// The judge sees what passes between a caller and the sandbox: a broken request of the connector's kind is found, one of a test's is not.
func TestJudgeBites(t *testing.T) {
	t.Parallel()
	j := &spec.Judge{Played: spec.G2026, Caller: ours}
	run, err := sandbox.Start(t.Context(), j.Watch(emulator.System()), sandbox.Options{})
	if err != nil {
		t.Fatal(err)
	}
	host := conformance.NewHost(t, run.Info)
	broken := map[string]any{"Name": "a", "Colour": "blue"}
	host.Call("POST", "/customerlabels", nil, broken)
	if found := j.Findings(); len(found) > 0 {
		t.Errorf("%q", found)
	}
	host.Call("POST", "/customerlabels", http.Header{"User-Agent": {"pomost"}}, broken)
	if found := j.Findings(); len(found) != 1 || !strings.Contains(found[0], "Colour is no field of CustomerLabelApi") {
		t.Errorf("%q", found)
	}
	if requests, answers := j.Judged(); requests != 1 || answers != 2 {
		t.Errorf("%d requests and %d answers were judged", requests, answers)
	}
	if err := run.Close(); err != nil {
		t.Error(err)
	}
}
