package connector

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pomost/pomost/sdk/conformance"
	sdk "github.com/pomost/pomost/sdk/connector"
	"github.com/pomost/pomost/sdk/record"
	kit "github.com/pomost/pomost/sdk/sandbox"
)

// bed is a sandbox with a connection to it.
type bed struct {
	*conformance.Env
	t    *testing.T
	conn *connection
}

// openBed opens a sandbox in a dialect; more holds pairs for --set.
func openBed(t *testing.T, dialect string, settings sdk.Settings, more ...string) *bed {
	t.Helper()
	run := start(t, dialect, more...)
	t.Cleanup(func() { _ = run.Close() })
	host := conformance.NewHost(t, run.Info)
	all := settingsFor(run.Info)
	for k, v := range settings {
		all[k] = v
	}
	conn, problems := New().Open(t.Context(), all, host)
	if len(problems) > 0 {
		t.Fatalf("Open: %+v", problems)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return &bed{Env: &conformance.Env{T: t, Sandbox: run, Host: host, Refs: map[string]string{}}, t: t, conn: conn.(*connection)}
}

func (b *bed) schema(object string) *record.Schema {
	b.t.Helper()
	s, err := b.conn.Discover(b.t.Context(), object)
	if err != nil {
		b.t.Fatal(err)
	}
	return s
}

func (b *bed) write(req sdk.WriteRequest) sdk.WriteResult {
	b.t.Helper()
	var got []sdk.WriteResult
	if err := b.conn.Write(b.t.Context(), req, func(r sdk.WriteResult) error { got = append(got, r); return nil }); err != nil {
		b.t.Fatal(err)
	}
	if len(got) != 1 {
		b.t.Fatalf("%d results", len(got))
	}
	return got[0]
}

func (b *bed) find(object, field, value string, around record.Date) sdk.FindResult {
	b.t.Helper()
	r, err := b.conn.Find(b.t.Context(), sdk.FindRequest{Object: object, Keys: []sdk.Key{{Fields: []sdk.KeyField{{Name: field, Value: record.Text(value)}}, Around: around}}})
	if err != nil {
		b.t.Fatal(err)
	}
	return r[0]
}

// requests are the calls of a method to the object so far.
func (b *bed) requests(method, object string) int {
	n := 0
	for _, c := range b.Sandbox.Log() {
		if c.Method == method && c.Object == object {
			n++
		}
	}
	return n
}

func (b *bed) fault(fs ...kit.Fault) {
	b.t.Helper()
	if err := b.Sandbox.SetFaults(fs); err != nil {
		b.t.Fatal(err)
	}
}

// fake is a server that answers as a test says, with a connection to it.
type fake struct {
	mu      sync.Mutex
	queries []url.Values
	conn    *connection
}

type plainHost struct{}

func (plainHost) Token(context.Context, string) (string, error) { return "token", nil }
func (plainHost) Exchange(context.Context, sdk.Exchange)        {}
func (plainHost) Progress(context.Context, sdk.Progress)        {}

// serve starts a fake: answer gets the path's last part and the query (keys as the connector writes them) or the body.
func serve(t *testing.T, settings sdk.Settings, answer func(path string, q url.Values, body string) (int, string)) *fake {
	t.Helper()
	f := &fake{}
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		path := strings.TrimPrefix(r.URL.Path, "/api/v3/")
		if path == "companies" {
			_, _ = io.WriteString(w, `[{"Id":"guid-1","Description":"Voorbeeld BV","Code":"VBV"}]`)
			return
		}
		q := r.URL.Query()
		f.mu.Lock()
		f.queries = append(f.queries, q)
		f.mu.Unlock()
		status, text := answer(path, q, string(body))
		w.WriteHeader(status)
		_, _ = io.WriteString(w, text)
	}))
	t.Cleanup(srv.Close)
	all := sdk.Settings{"base_url": srv.URL + "/api/v3", "company": "vbv"}
	for k, v := range settings {
		all[k] = v
	}
	conn, problems := New().Open(t.Context(), all, plainHost{})
	if len(problems) > 0 {
		t.Fatalf("Open: %+v", problems)
	}
	t.Cleanup(func() { _ = conn.Close() })
	f.conn = conn.(*connection)
	f.conn.http.Attempts = 1
	return f
}

// sent counts the queries for an object.
func (f *fake) sent(object string) (n int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, q := range f.queries {
		if q.Get("BusinessObject") == object {
			n++
		}
	}
	return n
}

func day(s string) record.Date {
	d, err := record.ParseDate(s)
	if err != nil {
		panic(err)
	}
	return d
}

func inZone(t *testing.T, name string) *time.Location {
	t.Helper()
	zone, err := time.LoadLocation(name)
	if err != nil {
		t.Fatal(err)
	}
	return zone
}
