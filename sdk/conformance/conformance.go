// Package conformance is the definition of "connector": one suite that every connector passes against its own sandbox.
//
// A connector's test file states how to start the sandbox and how to make sample records, and calls Run. What is tested
// follows from what the connector declares in Describe; nothing is skipped by hand. It works on the Go interface, so
// the same test serves a connector in this process and one behind the plugin protocol.
package conformance

import (
	"context"
	"flag"
	"fmt"
	"net/url"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/pomost/pomost/sdk/connector"
	"github.com/pomost/pomost/sdk/record"
	"github.com/pomost/pomost/sdk/sandbox"
)

// Options say what to test and how.
type Options struct {
	// Connector is the one under test: the connector's own value, or the host's view of its plugin process.
	Connector connector.Connector
	// Start starts a fresh sandbox without records. Every subtest has its own; Run closes them.
	Start func(t *testing.T) *sandbox.Running
	// Settings are the settings with which the connector reaches that sandbox.
	Settings func(sandbox.Info) connector.Settings
	// Local is for a connector whose system is reached without a network, such as a folder of files, in place of Start and Settings: it
	// makes a fresh system without records. What is about requests (tokens, exchanges, lost answers) does not arise then.
	Local func(t *testing.T) Local
	// SmallPages are settings added where paging is tested, so that a few records need several pages.
	SmallPages connector.Settings
	// Objects are the objects with their samples. An object that Describe names and this list does not fails the test.
	Objects []Samples
	// Only restricts the suite to some of its parts (Describe, Read, Find …), for further runs against variants of the sandbox
	// that differ in nothing else; empty is all.
	Only []string
	// NoRight names the lists for which the sandbox's grant lacks the right; they must say so.
	NoRight []string
	// MayBeEmpty are the lists that a fresh company leaves empty.
	MayBeEmpty []string
}

// Local is a system without a network.
type Local struct {
	// Settings reach it.
	Settings connector.Settings
	// Break makes it unreachable: it is not there any more.
	Break func()
}

// Samples make the records of one object. Records are made by Env.Schema, the object's discovered schema.
type Samples struct {
	Object string
	// Prepare makes what the samples refer to, once for each sandbox; it may be nil.
	Prepare func(e *Env)
	// New makes the i-th valid record to create: its values are such as the system answers them again, and another i
	// means another key, reference and value of each field in Describe's Find. Required where the object can be created.
	New func(e *Env, i int) record.Record
	// Seed brings n records into the system past the connector and returns their keys; for objects without create.
	Seed func(e *Env, n int) []string
	// Touch changes a record past the connector so that its change must be read; for objects without update.
	Touch func(e *Env, key string)
	// Changed tells whether a record shows what Touch did; required with Touch.
	Changed func(r record.Record) bool
	// Change states the fields to change in an update, without the key. Required where the object can be updated.
	Change func(e *Env) record.Record
	// Bad is a record that the system refuses, and the field that the refusal must name ("": none named by the system).
	Bad func(e *Env) (record.Record, string)
	// Shared is a field of Find that two records may have in common; "" where there is none.
	Shared string
	// Hostile are legal values, hard to quote, for text fields of Find that New may be given.
	Hostile map[string][]string
	// Stamp is the field by which Read's records are ordered, "" where the system shows none.
	Stamp string
	// Volatile are fields that may differ after an update that does not state them.
	Volatile []string
	// Same decides whether a stored value is what was sent, where Equal is too strict; it may be nil.
	Same func(field string, sent, stored record.Value) bool
	// ReadCall, FindCall, CreateCall and UpdateCall are the requests behind the methods, as faults match them:
	// "GET /v2/orders". FaultObject is the fault's object, for systems with one path for all.
	ReadCall, FindCall, CreateCall, UpdateCall string
	FaultObject                                string
	// Lacks are fields that this sandbox does not have (an older build, another variant): what is sent in them is not
	// stored, and Find by them must answer cannot-tell, since such a record may be there.
	Lacks []string
	// Resweeps says that records without a change stamp come with every read, so that a read without a change is not empty.
	Resweeps bool
	// CannotFind says that this sandbox cannot be asked for the object: Find must answer cannot-tell, and Read must fail.
	CannotFind bool
	// Blind says that an answer to a create does not hold the key; it is then found by the reference.
	Blind bool
	// Silent and SilentUpdate say that an answer to a create or to an update has no body at all, so that there is none to be cut.
	Silent, SilentUpdate bool
}

// Env is one sandbox with a connection to it.
type Env struct {
	T       *testing.T
	Options Options
	Sandbox *sandbox.Running // nil where Options.Local made the system
	Local   Local
	Host    *Host
	Conn    connector.Connection
	Object  connector.Object
	Samples Samples
	Schema  *record.Schema
	// Refs is for Prepare to keep what New needs.
	Refs map[string]string

	settings connector.Settings // with which Conn was opened
}

// Run runs the suite.
func Run(t *testing.T, o Options) {
	d := o.Connector.Describe()
	if o.Local != nil && (d.OAuth != nil || len(d.HostSettings) > 0 || len(d.Limits) > 0 || o.Start != nil) {
		t.Fatal("a connector that speaks of hosts, tokens or rate limits needs a sandbox: give Start, not Local")
	}
	part := func(t *testing.T, name string, offered bool, test func(t *testing.T)) {
		if offered && (len(o.Only) == 0 || slices.Contains(o.Only, name)) {
			t.Run(name, test)
		}
	}
	part(t, "Describe", true, func(t *testing.T) { testDescribe(t, o) })
	part(t, "Authorize", true, func(t *testing.T) { testAuthorize(t, o) })
	part(t, "Open", true, func(t *testing.T) { testOpen(t, o) })
	part(t, "Check", true, func(t *testing.T) { testCheck(t, o) })
	part(t, "List", true, func(t *testing.T) { testLists(t, o) })
	part(t, "Honesty", true, func(t *testing.T) { testHonesty(t, o) })
	for _, obj := range d.Objects {
		i := slices.IndexFunc(o.Objects, func(s Samples) bool { return s.Object == obj.Name })
		if i < 0 {
			t.Errorf("object %s has no samples: every object that Describe names must be tested", obj.Name)
			continue
		}
		s := o.Objects[i]
		t.Run(obj.Name, func(t *testing.T) {
			t.Parallel()
			part(t, "Discover", true, func(t *testing.T) { testDiscover(t, o, obj, s) })
			part(t, "Read", obj.Read != connector.ReadNone, func(t *testing.T) { t.Parallel(); testRead(t, o, obj, s) })
			part(t, "Find", len(obj.Find) > 0, func(t *testing.T) { t.Parallel(); testFind(t, o, obj, s) })
			part(t, "Create", obj.Create, func(t *testing.T) { t.Parallel(); testCreate(t, o, obj, s) })
			part(t, "Update", obj.Update, func(t *testing.T) { t.Parallel(); testUpdate(t, o, obj, s); testUpdateFaults(t, o, obj, s) })
		})
	}
}

// Main is for TestMain of a connector's tests: os.Exit(conformance.Main(m)). Most of the suite's time is waiting (for
// retries and rate limits), so more subtests run beside each other than there are processors; -parallel still decides
// where it is given. A goroutine that outlives its connection fails the tests.
func Main(m *testing.M) int {
	flag.Parse()
	given := false
	flag.Visit(func(f *flag.Flag) { given = given || f.Name == "test.parallel" })
	if !given {
		if err := flag.Set("test.parallel", "64"); err != nil {
			panic(err) // the testing package always has this flag
		}
	}
	code := m.Run()
	if code == 0 {
		if err := goleak.Find(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
	}
	return code
}

// callTimeout bounds each call of the suite, so that a hung connector fails instead of hanging the test.
const callTimeout = 60 * time.Second

func callContext(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), callTimeout)
	t.Cleanup(cancel)
	return ctx
}

// open starts a sandbox and connects to it, without an object.
func open(t *testing.T, o Options, extra connector.Settings) *Env {
	t.Helper()
	e := &Env{T: t, Options: o, Refs: map[string]string{}}
	var settings connector.Settings
	if o.Local != nil {
		e.Local = o.Local(t)
		e.Host, settings = NewHost(t, sandbox.Info{}), e.Local.Settings
	} else {
		e.Sandbox = o.Start(t)
		t.Cleanup(func() {
			if err := e.Sandbox.Close(); err != nil {
				t.Errorf("close the sandbox: %v", err)
			}
		})
		e.Host, settings = NewHost(t, e.Sandbox.Info), o.Settings(e.Sandbox.Info)
	}
	settings = withDefaults(o.Connector.Describe(), settings)
	for k, v := range extra {
		settings[k] = v
	}
	e.settings = settings
	conn, problems := o.Connector.Open(callContext(t), settings, e.Host)
	if len(problems) > 0 {
		t.Fatalf("Open has problems: %+v", problems)
	}
	t.Cleanup(func() {
		if err := conn.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
	})
	e.Conn = conn
	return e
}

// openObject is open with an object's schema and what its samples need.
func openObject(t *testing.T, o Options, obj connector.Object, s Samples, extra connector.Settings) *Env {
	t.Helper()
	e := open(t, o, extra)
	e.Object, e.Samples = obj, s
	schema, err := e.Conn.Discover(callContext(t), obj.Name)
	if err != nil {
		t.Fatalf("Discover %s: %v", obj.Name, err)
	}
	e.Schema = schema
	if s.Prepare != nil {
		s.Prepare(e)
	}
	return e
}

// withDefaults fills the defaults in, as the host does.
func withDefaults(d connector.Description, s connector.Settings) connector.Settings {
	out := connector.Settings{}
	for _, set := range d.Settings {
		if set.Default != "" {
			out[set.Key] = set.Default
		}
	}
	for k, v := range s {
		out[k] = v
	}
	return out
}

// faults sets faults of the object; a failure of the kit is a mistake in the samples.
func (e *Env) faults(fs ...sandbox.Fault) {
	e.T.Helper()
	for i := range fs {
		if fs[i].Object == "" {
			fs[i].Object = e.Samples.FaultObject
		}
		if fs[i].Match == "" {
			e.T.Fatalf("%s has no call for this fault in its samples: %+v", e.Samples.Object, fs[i])
		}
	}
	if err := e.Sandbox.SetFaults(fs); err != nil {
		e.T.Fatal(err)
	}
}

func (e *Env) lacks(field string) bool { return slices.Contains(e.Samples.Lacks, field) }

// calm removes all faults.
func (e *Env) calm() {
	if e.Sandbox == nil {
		return
	}
	if err := e.Sandbox.SetFaults(nil); err != nil {
		e.T.Fatal(err)
	}
}

// calls are the API calls so far, without those for tokens; none where there is no network.
func (e *Env) calls() []sandbox.Call {
	if e.Sandbox == nil {
		return nil
	}
	u, err := url.Parse(e.Sandbox.Info.TokenURL)
	if err != nil {
		e.T.Fatal(err)
	}
	return slices.DeleteFunc(e.Sandbox.Log(), func(c sandbox.Call) bool {
		path, _, _ := strings.Cut(c.Path, "?")
		return strings.EqualFold(path, u.Path)
	})
}

// writes counts the calls that may change something.
func (e *Env) writes() int {
	n := 0
	for _, c := range e.calls() {
		if c.Method != "GET" && c.Method != "HEAD" {
			n++
		}
	}
	return n
}

// seed makes n records and returns their keys in the order made.
func (e *Env) seed(n int) []string {
	e.T.Helper()
	if e.Samples.Seed != nil {
		return e.Samples.Seed(e, n)
	}
	keys := make([]string, 0, n)
	for i := range n {
		keys = append(keys, e.create(e.Samples.New(e, i)))
	}
	return keys
}

// create makes a record through the connector and returns its key.
func (e *Env) create(r record.Record) string {
	e.T.Helper()
	got := e.write(connector.Create, time.Time{}, r)
	if len(got) != 1 || got[0].Outcome != connector.OutcomeCreated {
		e.T.Fatalf("create %s: %s", r, describe(got))
	}
	return e.keyOf(r, got[0])
}

// keyOf is the key of a record just created: from the answer, or looked up where the system is silent.
func (e *Env) keyOf(sent record.Record, res connector.WriteResult) string {
	e.T.Helper()
	if res.Record.Schema != nil {
		if k := res.Record.Get(e.Object.Key); !k.IsEmpty() {
			return k.String()
		}
	}
	if !e.Samples.Blind {
		e.T.Fatalf("a created %s came back without its key %s", e.Object.Name, e.Object.Key)
	}
	ref := lostKey(e.Object)
	found := e.find(ref, sent.Get(ref))
	if found.Status != connector.Found || len(found.Records) != 1 {
		e.T.Fatalf("a created %s is not found by %s: %s", e.Object.Name, ref, describeFind(found))
	}
	return found.Records[0].Get(e.Object.Key).String()
}

// lostKey is the field by which a create without an answer is looked up.
func lostKey(obj connector.Object) string {
	if obj.Reference != "" {
		return obj.Reference
	}
	return obj.Key
}

func (e *Env) write(a connector.Action, notAfter time.Time, rs ...record.Record) []connector.WriteResult {
	e.T.Helper()
	got, err := e.tryWrite(a, notAfter, rs...)
	if err != nil {
		e.T.Fatalf("Write: %v", err)
	}
	if len(got) != len(rs) {
		e.T.Fatalf("Write answered %d results for %d records", len(got), len(rs))
	}
	return got
}

func (e *Env) tryWrite(a connector.Action, notAfter time.Time, rs ...record.Record) ([]connector.WriteResult, error) {
	var got []connector.WriteResult
	err := e.Conn.Write(callContext(e.T), connector.WriteRequest{Object: e.Object.Name, Action: a, Records: rs, NotAfter: notAfter},
		func(r connector.WriteResult) error { got = append(got, r); return nil })
	return got, err
}

func (e *Env) find(field string, v record.Value) connector.FindResult {
	e.T.Helper()
	res := e.findAll(connector.Key{Fields: []connector.KeyField{{Name: field, Value: v}}})
	return res[0]
}

func (e *Env) findAll(keys ...connector.Key) []connector.FindResult {
	e.T.Helper()
	res, err := e.Conn.Find(callContext(e.T), connector.FindRequest{Object: e.Object.Name, Keys: keys})
	if err != nil {
		e.T.Fatalf("Find %v: %v", keys, err)
	}
	if len(res) != len(keys) {
		e.T.Fatalf("Find answered %d results for %d keys", len(res), len(keys))
	}
	return res
}

// byKey reads one record by its own key, which must be findable.
func (e *Env) byKey(key string) record.Record {
	e.T.Helper()
	v, err := keyValue(e.Schema, e.Object.Key, key)
	if err != nil {
		e.T.Fatal(err)
	}
	res := e.find(e.Object.Key, v)
	if res.Status != connector.Found || len(res.Records) != 1 {
		e.T.Fatalf("%s %s: %s", e.Object.Name, key, describeFind(res))
	}
	return res.Records[0]
}

// readAll reads from a cursor to the end.
func (e *Env) readAll(cursor []byte, lookBack time.Duration, batch int) (recs []record.Record, last []byte, batches int, err error) {
	last = cursor
	err = e.Conn.Read(callContext(e.T), connector.ReadRequest{Object: e.Object.Name, Cursor: cursor, LookBack: lookBack, BatchSize: batch},
		func(b connector.Batch) error {
			batches++
			for _, r := range b.Records {
				if r.Schema == nil {
					r.Schema = b.Schema
				}
				recs = append(recs, r)
			}
			if b.Cursor != nil {
				last = b.Cursor
			}
			if batch > 0 && len(b.Records) > batch {
				e.T.Errorf("a batch holds %d records, at most %d were asked for", len(b.Records), batch)
			}
			return nil
		})
	return recs, last, batches, err
}
