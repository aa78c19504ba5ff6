package conformance

import (
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/pomost/pomost/sdk/connector"
	"github.com/pomost/pomost/sdk/decimal"
	"github.com/pomost/pomost/sdk/record"
	"github.com/pomost/pomost/sdk/sandbox"
)

func TestMain(m *testing.M) { os.Exit(Main(m)) }

const brokenEnv = "POMOST_TEST_BROKEN"

func options(broken string) Options {
	return Options{
		Connector: noteConnector{broken},
		Start: func(t *testing.T) *sandbox.Running {
			run, err := sandbox.Start(t.Context(), notesSystem(), sandbox.Options{})
			if err != nil {
				t.Fatal(err)
			}
			return run
		},
		Settings:   func(i sandbox.Info) connector.Settings { return connector.Settings{"base_url": i.BaseURL} },
		SmallPages: connector.Settings{"page_size": "3"},
		Objects: []Samples{{
			Object: "notes", Stamp: "Changed", Shared: "Ref",
			New: func(e *Env, i int) record.Record {
				r := record.New(e.Schema)
				r.MustSet("Ref", record.Text(fmt.Sprintf("R%d-%d", i, i)))
				r.MustSet("Title", record.Text("a title"))
				r.MustSet("Amount", record.Decimal(decimal.MustParse("12345678.91")))
				return r
			},
			Change: func(e *Env) record.Record {
				r := record.New(e.Schema)
				r.MustSet("Title", record.Text("another title"))
				return r
			},
			Bad: func(e *Env) (record.Record, string) {
				r := record.New(e.Schema)
				r.MustSet("Title", record.Text(""))
				return r, "Title"
			},
			Hostile:  map[string][]string{"Ref": {"a'b&c=d", "%41+"}},
			ReadCall: "GET /api/notes", FindCall: "GET /api/notes", CreateCall: "POST /api/notes", UpdateCall: "PUT /api/notes",
		}},
	}
}

func TestRun(t *testing.T) { Run(t, options("")) }

// TestBrokenChild is the suite on a broken connector; TestBroken runs it in a process of its own and wants it to fail.
func TestBrokenChild(t *testing.T) {
	broken := os.Getenv(brokenEnv)
	if broken == "" {
		t.Skip("only a child of TestBroken")
	}
	Run(t, options(broken))
}

func TestBroken(t *testing.T) {
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	// Way of being broken → the subtest that must find it.
	for broken, where := range map[string]string{
		"describe changes":       "Describe",
		"one problem at a time":  "Open",
		"check passes always":    "Check/revoked",
		"no remedy":              "Check/unavailable",
		"tells the token":        "Check/unavailable",
		"list order":             "List/colours",
		"first page only":        "notes/Read/all_once_in_order",
		"doubles":                "notes/Read/all_once_in_order",
		"wrong order":            "notes/Read/all_once_in_order",
		"ignores the batch size": "notes/Read/all_once_in_order",
		"no cursor":              "notes/Read/all_once_in_order",
		"cursor ahead":           "notes/Read/cursor",
		"cursor of the end":      "notes/Read/resume",
		"no look-back":           "notes/Read/cursor",
		"does not stop":          "notes/Read/stops",
		"ends quietly":           "notes/Read/stops",
		"absent when unsure":     "notes/Find/never_absent_after_garbage",
		"trusts the filter":      "notes/Find/found_and_absent",
		"mixes the answers":      "notes/Find/found_and_absent",
		"one match only":         "notes/Find/several_match",
		"does not escape":        "notes/Find/hostile",
		"sends again":            "notes/Create/unknown_after_lost-reply",
		"unknown is refused":     "notes/Create/unknown_after_drop",
		"unknown is created":     "notes/Create/unknown_after_status:503",
		"ignores not_after":      "notes/Create/too_late",
		"stops at a bad record":  "notes/Create/one_bad_record_stops_only_itself",
		"floats":                 "notes/Create/stored_as_sent",
		"empties the rest":       "notes/Update/leaves_other_fields_alone",
	} {
		t.Run(broken, func(t *testing.T) {
			t.Parallel()
			cmd := exec.CommandContext(t.Context(), exe, "-test.run", "^TestBrokenChild$/^"+strings.ReplaceAll(where, "/", "$/^")+"$", "-test.v")
			cmd.Env = append(os.Environ(), brokenEnv+"="+broken)
			out, err := cmd.CombinedOutput()
			if err == nil {
				t.Errorf("the suite does not notice a connector that is broken so:\n%s", out)
			} else if !strings.Contains(string(out), "--- FAIL: TestBrokenChild/"+where) || strings.Contains(string(out), "panic:") {
				t.Errorf("it failed elsewhere than in %s: %v\n%s", where, err, out)
			}
		})
	}
}
