package connector

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	connectorv1 "github.com/pomost/pomost/proto/connector/v1"
	"github.com/pomost/pomost/sdk/connector"
	"github.com/pomost/pomost/sdk/decimal"
	"github.com/pomost/pomost/sdk/record"
)

// The test binary is the plugin as well: started under the name pomost-connector-WHAT it plays WHAT. The name is all that
// reaches a plugin, since nothing else is inherited.
func TestMain(m *testing.M) {
	if what, ok := strings.CutPrefix(filepath.Base(os.Args[0]), binaryPrefix); ok {
		play(what)
		return
	}
	if dir := os.Getenv("POMOST_TEST_HOST"); dir != "" {
		beHost(dir)
		return
	}
	goleak.VerifyTestMain(m)
}

func play(what string) {
	switch what {
	case "good", "other", "bench":
		connector.Main(&fake{name: what}, nil)
	case "slow-start":
		time.Sleep(300 * time.Millisecond)
		connector.Main(&fake{name: what}, nil)
	case "hang":
		time.Sleep(time.Hour)
	case "rubbish":
		fmt.Println("Hello, I am \x1b[31mnot\x1b[0m a plugin")
		fmt.Fprintln(os.Stderr, "some more words")
		time.Sleep(time.Hour)
	case "exit3":
		fmt.Fprintln(os.Stderr, "licence file not found")
		os.Exit(3)
	case "silent":
		os.Exit(0)
	case "protocol9":
		fmt.Println("1|9|unix|/nowhere|grpc|")
		time.Sleep(time.Hour)
	case "liar":
		fmt.Println("1|1|unix|/nowhere|grpc|")
		time.Sleep(time.Hour)
	case "deaf": // listens and never answers
		path := filepath.Join(os.Getenv("PLUGIN_UNIX_SOCKET_DIR"), "s")
		if _, err := net.Listen("unix", path); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		fmt.Printf("1|1|unix|%s|grpc|\n", path)
		time.Sleep(time.Hour)
	case "cookie":
		os.Unsetenv(connectorv1.CookieKey)
		connector.Main(&fake{name: what}, nil)
	default:
		fmt.Fprintln(os.Stderr, "the test knows no plugin", what)
		os.Exit(9)
	}
}

var (
	fakeRow = record.MustSchema("row",
		record.Field{Name: "Article", Type: record.Scalar(record.KindText)},
		record.Field{Name: "Quantity", Type: record.Scalar(record.KindDecimal)},
	)
	fakeOrder = record.MustSchema("order",
		record.Field{Name: "Number", Type: record.Scalar(record.KindInteger)},
		record.Field{Name: "Name", Type: record.Scalar(record.KindText), Label: "Naam", Personal: true},
		record.Field{Name: "Total", Type: record.Scalar(record.KindDecimal), Decimals: 2},
		record.Field{Name: "Date", Type: record.Scalar(record.KindDate)},
		record.Field{Name: "Changed", Type: record.Scalar(record.KindInstant)},
		record.Field{Name: "Paid", Type: record.Scalar(record.KindBool)},
		record.Field{Name: "Raw", Type: record.Scalar(record.KindBytes)},
		record.Field{Name: "Rows", Type: record.ListOf(fakeRow)},
		record.Field{Name: "Nothing", Type: record.Scalar(record.KindText)},
		record.Field{Name: "Unsaid", Type: record.Scalar(record.KindText)},
	)
	benchOrder = record.MustSchema("bench", fakeOrder.Fields[:6]...)
)

func fakeRecord(n int) record.Record {
	row := record.New(fakeRow)
	row.MustSet("Article", record.Text("A-1"))
	row.MustSet("Quantity", record.Decimal(decimal.MustParse("2.5")))
	r := record.New(fakeOrder)
	r.MustSet("Number", record.Integer(int64(n)))
	r.MustSet("Name", record.Text("Żółw B.V."))
	r.MustSet("Total", record.Decimal(decimal.MustParse("1234.56")))
	r.MustSet("Date", record.OfDate(record.NewDate(2026, 11, 23)))
	r.MustSet("Changed", record.Instant(time.Unix(1795464900, 5)))
	r.MustSet("Paid", record.Bool(true))
	r.MustSet("Raw", record.Bytes([]byte{0, 255}))
	r.MustSet("Rows", record.List(record.Nested(row), record.Nested(row)))
	r.MustSet("Nothing", record.Null())
	return r
}

func benchRecords(n int) []record.Record {
	out := make([]record.Record, n)
	for i := range out {
		out[i] = record.Record{Schema: benchOrder, Values: fakeRecord(i).Values[:6]}
	}
	return out
}

// fake is a connector whose connection does what the setting "do" says.
type fake struct{ name string }

func (f *fake) Describe() connector.Description {
	return connector.Description{
		Name: f.name, Title: "Fake", Version: "1.2.3",
		Settings: []connector.Setting{{Key: "do", Label: "Do", Type: connector.SettingChoice, Values: []string{"a", "b"}, Required: true, DependsOn: "x", Equals: "y"}},
		Secrets:  []connector.Setting{{Key: "pin", Secret: true, Plugin: true}},
		Objects: []connector.Object{{Name: "order", Title: "Order", Key: "Number", Read: connector.ReadCursor, Find: []string{"Name"}, Create: true, Undo: true,
			Idempotence: connector.IdempotenceReference, Reference: "Name", BatchWrite: 10}},
		Lists:        []string{"vat"},
		Limits:       []connector.Limit{{Requests: 600, Per: time.Minute, PerEndpoint: true}},
		OAuth:        &connector.OAuth{Scopes: []string{"a b"}, BaseSetting: "base_url", Style: "header"},
		SettleTime:   90 * time.Second,
		HostSettings: []string{"base_url"},
	}
}

func (f *fake) Authorize(_ context.Context, r connector.AuthorizeRequest) (connector.AuthorizeResponse, error) {
	if r.ClientID == "" {
		return connector.AuthorizeResponse{}, &connector.Error{Cause: connector.CauseInvalidValue, Field: "client_id", Message: "missing"}
	}
	return connector.AuthorizeResponse{URL: "https://x/?state=" + r.State + "&c=" + r.Challenge + "&r=" + r.RedirectURL}, nil
}

func (f *fake) Open(_ context.Context, s connector.Settings, h connector.Host) (connector.Connection, []connector.Problem) {
	switch s["do"] {
	case "wrong":
		return nil, []connector.Problem{{Setting: "do", Message: "is wrong", Remedy: "set it right"}, {Setting: "x", Message: "too"}}
	case "panic-open":
		panic("in Open")
	}
	return &fakeConnection{do: s["do"], settings: s, host: h}, nil
}

type fakeConnection struct {
	do       string
	settings connector.Settings
	host     connector.Host
	mu       sync.Mutex
	writes   int
}

func die() {
	p, _ := os.FindProcess(os.Getpid())
	_ = p.Kill()
	select {}
}

func (c *fakeConnection) Check(ctx context.Context) ([]connector.CheckResult, error) {
	switch c.do {
	case "panic":
		panic("on purpose\x1b[31m")
	case "die":
		fmt.Fprintln(os.Stderr, "the end is near, pin "+c.settings["pin"])
		time.Sleep(50 * time.Millisecond)
		die()
	case "go-panic":
		go func() { panic("in the background") }()
		select {}
	case "hang":
		select {} // obeys no context
	case "slow": // longer than the call's time-out, with signs of life
		for range 6 {
			time.Sleep(100 * time.Millisecond)
			c.host.Progress(ctx, connector.Progress{What: "still here"})
		}
	case "wait":
		c.host.Progress(ctx, connector.Progress{What: "rate limit", Wait: time.Second})
		time.Sleep(600 * time.Millisecond)
	case "freeze":
		p, _ := os.FindProcess(os.Getpid())
		_ = p.Signal(stopSignal)
		time.Sleep(time.Hour)
	case "error":
		return nil, fmt.Errorf("wrapped: %w", &connector.Error{Cause: connector.CauseRights, Code: "4006", Message: "no scope \xff", Field: "F", Remedy: "ask", Retryable: true, After: 7 * time.Second})
	case "plain-error":
		return nil, errors.New("just so")
	case "context":
		<-ctx.Done()
		return nil, ctx.Err()
	case "inspect":
		return c.inspect(), nil
	case "child":
		return startChild()
	}
	return []connector.CheckResult{{Name: "a", Title: "A", OK: true, Warning: true, Cause: connector.CauseRights, Message: c.settings["message"], Remedy: "r"}}, nil
}

// inspect tells what the plugin can see of its host.
func (c *fakeConnection) inspect() []connector.CheckResult {
	wd, _ := os.Getwd()
	files, _ := os.ReadDir(".")
	var fds []string
	entries, _ := os.ReadDir("/proc/self/fd")
	for _, e := range entries {
		to, err := os.Readlink("/proc/self/fd/" + e.Name())
		if err == nil {
			fds = append(fds, to)
		}
	}
	stdin, _ := os.Readlink("/proc/self/fd/0")
	var names []string
	for _, f := range files {
		names = append(names, f.Name())
	}
	all, _ := json.Marshal(map[string]any{"env": os.Environ(), "args": os.Args, "wd": wd, "files": names, "fds": fds, "stdin": stdin, "settings": c.settings, "pgid": pgid()})
	return []connector.CheckResult{{Name: "seen", Message: string(all)}}
}

func startChild() ([]connector.CheckResult, error) {
	cmd := exec.Command("/bin/sleep", "3600")
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	return []connector.CheckResult{{Name: strconv.Itoa(cmd.Process.Pid)}}, nil
}

func (c *fakeConnection) Discover(_ context.Context, object string) (*record.Schema, error) {
	if object != "order" {
		return nil, &connector.Error{Cause: connector.CauseRefused, Message: "no such object " + object}
	}
	return fakeOrder, nil
}

func (c *fakeConnection) List(ctx context.Context, list string) ([]connector.ListItem, error) {
	if list == "callbacks" {
		token, err := c.host.Token(ctx, "old")
		if err != nil {
			return nil, err
		}
		_, err = c.host.Token(ctx, "dead")
		e := connector.AsError(err)
		c.host.Exchange(ctx, connector.Exchange{Start: time.Unix(5, 6), Duration: time.Second, Method: "GET", URL: "https://x/ä", Status: 201, Response: []byte{0xff}})
		c.host.Progress(ctx, connector.Progress{What: "page 3", Wait: time.Second})
		// The stream keeps its order: once this answer is there, the reports are.
		if _, err := c.host.Token(ctx, "again"); err != nil {
			return nil, err
		}
		return []connector.ListItem{{Name: token}, {Name: fmt.Sprintf("%s: %s (%s)", e.Cause, e.Message, e.Remedy)}}, nil
	}
	return []connector.ListItem{{ID: "1", Name: list, Attributes: map[string]string{"rate": "21"}}, {ID: "2"}}, nil
}

func (c *fakeConnection) Read(ctx context.Context, req connector.ReadRequest, yield func(connector.Batch) error) error {
	if c.do == "bench" {
		all := benchRecords(1000)
		n, _ := strconv.Atoi(c.settings["batches"])
		for range n {
			if err := yield(connector.Batch{Schema: benchOrder, Records: all, Cursor: []byte("x")}); err != nil {
				return err
			}
		}
		return nil
	}
	start, _ := strconv.Atoi(string(req.Cursor))
	for n := start; n < 5; n++ {
		if c.do == "die" && n == 3 {
			die()
		}
		if c.do == "hang" && n == 3 {
			select {}
		}
		if c.do == "panic" && n == 3 {
			panic("in Read")
		}
		b := connector.Batch{Schema: fakeOrder, Records: []record.Record{fakeRecord(n)}, Cursor: []byte(strconv.Itoa(n + 1))}
		if n == 2 { // no safe point yet
			b.Cursor = nil
		}
		if err := yield(b); err != nil {
			return fmt.Errorf("stopped: %w", err)
		}
	}
	if c.do == "large" {
		return yield(connector.Batch{Schema: benchOrder, Records: benchRecords(25_000), Cursor: []byte("end")})
	}
	// An empty batch moves the cursor on.
	return yield(connector.Batch{Cursor: []byte(fmt.Sprintf("%s %s %d %v", req.Object, req.LookBack, req.BatchSize, req.Where))})
}

func (c *fakeConnection) Find(_ context.Context, req connector.FindRequest) ([]connector.FindResult, error) {
	var out []connector.FindResult
	for _, k := range req.Keys {
		switch v := k.Fields[0].Value; v.Kind() {
		case record.KindInteger:
			n, _ := v.AsInteger()
			out = append(out, connector.FindResult{Status: connector.Found, Records: []record.Record{fakeRecord(int(n))}, Scopes: []string{k.Around.String()}})
		case record.KindText:
			out = append(out, connector.FindResult{Status: connector.AbsentEverywhere, Scopes: []string{"open", "history"}})
		default:
			out = append(out, connector.FindResult{Reason: "cannot ask for " + v.String(), Cause: connector.CauseNoAdministration})
		}
	}
	if c.do == "short" {
		out = out[1:]
	}
	return out, nil
}

func (c *fakeConnection) Write(ctx context.Context, req connector.WriteRequest, yield func(connector.WriteResult) error) error {
	c.mu.Lock()
	c.writes++
	c.mu.Unlock()
	for i, r := range req.Records {
		if i == 2 {
			switch c.do {
			case "die":
				time.Sleep(20 * time.Millisecond) // the answers so far leave
				die()
			case "hang":
				select {}
			case "panic":
				panic("in Write")
			case "error":
				return &connector.Error{Cause: connector.CauseCredentials, Message: "token refused"}
			case "short":
				return nil
			case "obey": // finishes what it has begun and refuses the rest
				<-ctx.Done()
				if err := yield(connector.WriteResult{Outcome: connector.OutcomeCreated}); err != nil {
					return err
				}
				for range req.Records[3:] {
					if err := yield(connector.WriteResult{Outcome: connector.OutcomeRefused, Err: &connector.Error{Cause: connector.CauseUnavailable, Message: "not started", Retryable: true}}); err != nil {
						return err
					}
				}
				return nil
			case "many":
				for range len(req.Records) {
					if err := yield(connector.WriteResult{Outcome: connector.OutcomeCreated}); err != nil {
						return err
					}
				}
			}
		}
		res := connector.WriteResult{Outcome: connector.OutcomeCreated, Record: r}
		switch {
		case c.do == "bench":
			res.Record = record.Record{}
		case c.do == "outcomes" && i == 0:
			res = connector.WriteResult{Outcome: connector.OutcomeUpdated}
		case c.do == "outcomes" && i == 1:
			res = connector.WriteResult{Outcome: connector.OutcomeRefused, Err: &connector.Error{Cause: connector.CauseLength, Message: "too long", Field: "Name", Remedy: "cut"}}
		case c.do == "outcomes" && i == 2:
			res = connector.WriteResult{Err: &connector.Error{Cause: connector.CauseUnknownOutcome, Message: "no answer"}}
		case c.do == "outcomes" && i == 3:
			res = connector.WriteResult{Outcome: connector.OutcomeUnchanged, Record: record.Record{Schema: fakeRow, Values: []record.Value{record.Text(req.NotAfter.UTC().Format(time.RFC3339Nano) + " " + req.Around.String())}}}
		case c.do == "outcomes" && i == 4: // an answer that does not fit its schema must not hide the others
			res.Record = record.Record{Schema: fakeRow, Values: []record.Value{record.Integer(1)}}
		case c.do == "outcomes" && i == 6:
			res = connector.WriteResult{Outcome: connector.OutcomeRefused}
		}
		if err := yield(res); err != nil {
			return err
		}
	}
	return nil
}

func (c *fakeConnection) Undo(ctx context.Context, req connector.UndoRequest) (connector.WriteResult, error) {
	if c.do == "die" {
		die()
	}
	return connector.WriteResult{Outcome: connector.OutcomeRefused, Err: &connector.Error{Cause: connector.CausePeriodLocked, Message: req.Object + " " + req.Key}}, nil
}

func (c *fakeConnection) Close() error { return nil }
