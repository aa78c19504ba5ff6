package conformance

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pomost/pomost/sdk/connector"
	"github.com/pomost/pomost/sdk/record"
)

// drawer is a system without a network: a few slips in memory.
type drawer struct {
	mu    sync.Mutex
	slips map[string]string
	order []string
	gone  bool
}

// drawers are found by a setting, as folders are by their path.
var drawers sync.Map

var slipSchema = record.MustSchema("slips", record.Field{Name: "key", Type: record.Scalar(record.KindText), Required: true},
	record.Field{Name: "text", Type: record.Scalar(record.KindText)})

// drawerConnector is the connector for it, right or broken in one way.
type drawerConnector struct{ broken string }

func (c drawerConnector) Describe() connector.Description {
	d := connector.Description{
		Name: "drawer", Title: "Drawer", Version: "1", SettleTime: time.Second,
		Settings: []connector.Setting{{Key: "drawer", Label: "Drawer", Help: "which", Type: connector.SettingText, Required: true},
			{Key: "settle_time", Label: "Settle time", Help: "how long", Type: connector.SettingDuration, Default: "1s"}},
		Objects: []connector.Object{{Name: "slips", Title: "Slips", Key: "key", Read: connector.ReadScan, Find: []string{"key"}, Create: true,
			Idempotence: connector.IdempotenceUniqueKey, BatchWrite: 10}},
	}
	if c.broken == "speaks of hosts" {
		d.HostSettings = []string{"drawer"}
	}
	return d
}

func (drawerConnector) Authorize(context.Context, connector.AuthorizeRequest) (connector.AuthorizeResponse, error) {
	return connector.AuthorizeResponse{}, errors.New("no consent")
}

func (c drawerConnector) Open(_ context.Context, s connector.Settings, h connector.Host) (connector.Connection, []connector.Problem) {
	if problems := s.Validate(c.Describe().Settings); len(problems) > 0 {
		return nil, problems
	}
	d, _ := drawers.Load(s["drawer"])
	return &drawerConnection{c.broken, d.(*drawer)}, nil
}

type drawerConnection struct {
	broken string
	d      *drawer
}

var errGone = &connector.Error{Cause: connector.CauseUnavailable, Message: "the drawer is gone", Remedy: "put it back", Retryable: true}

func (c *drawerConnection) there(ctx context.Context, blind string) error {
	if ctx.Err() == nil && c.d.gone && c.broken != blind {
		return errGone
	}
	return ctx.Err()
}

func (c *drawerConnection) Check(ctx context.Context) ([]connector.CheckResult, error) {
	return []connector.CheckResult{{Name: "drawer", Title: "The drawer is there", OK: true}}, c.there(ctx, "check passes")
}

func (c *drawerConnection) Discover(_ context.Context, object string) (*record.Schema, error) {
	if object != "slips" {
		return nil, errors.New("no such object")
	}
	return slipSchema, nil
}

func (c *drawerConnection) List(context.Context, string) ([]connector.ListItem, error) {
	return nil, errors.New("no such list")
}

func (c *drawerConnection) Read(ctx context.Context, req connector.ReadRequest, yield func(connector.Batch) error) error {
	c.d.mu.Lock()
	keys := slices.Clone(c.d.order)
	c.d.mu.Unlock()
	if err := c.there(ctx, "reads nothing where it is gone"); err != nil {
		return err
	}
	size := max(req.BatchSize, 1)
	for chunk := range slices.Chunk(keys, size) {
		b := connector.Batch{Schema: slipSchema}
		for _, k := range chunk {
			b.Records = append(b.Records, c.d.record(k))
		}
		if err := yield(b); err != nil {
			return err
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
	}
	return ctx.Err()
}

func (d *drawer) record(key string) record.Record {
	d.mu.Lock()
	defer d.mu.Unlock()
	r := record.New(slipSchema)
	r.MustSet("key", record.Text(key))
	r.MustSet("text", record.Text(d.slips[key]))
	return r
}

func (c *drawerConnection) Find(ctx context.Context, req connector.FindRequest) ([]connector.FindResult, error) {
	if req.Object != "slips" {
		return nil, errors.New("no such object")
	}
	if err := c.there(ctx, "absent where it is gone"); err != nil {
		return nil, err
	}
	var out []connector.FindResult
	for _, k := range req.Keys {
		if k.Fields[0].Name != "key" {
			return nil, errors.New("no such field")
		}
		key := k.Fields[0].Value.AsText()
		c.d.mu.Lock()
		_, ok := c.d.slips[key]
		c.d.mu.Unlock()
		if ok && !c.d.gone {
			out = append(out, connector.FindResult{Status: connector.Found, Records: []record.Record{c.d.record(key)}})
		} else {
			out = append(out, connector.FindResult{Status: connector.AbsentEverywhere, Scopes: []string{"the drawer"}})
		}
	}
	return out, nil
}

func (c *drawerConnection) Write(ctx context.Context, req connector.WriteRequest, yield func(connector.WriteResult) error) error {
	if req.Object != "slips" {
		return errors.New("no such object")
	}
	for _, r := range req.Records {
		if err := c.there(ctx, "writes where it is gone"); err != nil {
			return err
		}
		if err := yield(c.put(r, req)); err != nil {
			return err
		}
	}
	return nil
}

func (c *drawerConnection) put(r record.Record, req connector.WriteRequest) connector.WriteResult {
	refuse := func(cause connector.Cause, field string) connector.WriteResult {
		return connector.WriteResult{Outcome: connector.OutcomeRefused, Err: &connector.Error{Cause: cause, Field: field, Message: "no", Remedy: "another", Retryable: cause == connector.CauseUnavailable}}
	}
	c.d.mu.Lock()
	defer c.d.mu.Unlock()
	key := r.Get("key").AsText()
	if _, twice := c.d.slips[key]; twice {
		return refuse(connector.CauseConflict, "key")
	}
	if !req.NotAfter.IsZero() && time.Now().After(req.NotAfter) {
		return refuse(connector.CauseUnavailable, "")
	}
	if key == "" {
		return refuse(connector.CauseInvalidValue, "key")
	}
	c.d.slips[key], c.d.order = r.Get("text").AsText(), append(c.d.order, key)
	return connector.WriteResult{Outcome: connector.OutcomeCreated, Record: r}
}

func (c *drawerConnection) Close() error { return nil }

func localOptions(broken string) Options {
	return Options{
		Connector: drawerConnector{broken},
		Local: func(t *testing.T) Local {
			d := &drawer{slips: map[string]string{}}
			drawers.Store(t.Name(), d)
			return Local{Settings: connector.Settings{"drawer": t.Name()}, Break: func() { d.gone = true }}
		},
		Objects: []Samples{{
			Object: "slips", Hostile: map[string][]string{"key": {"a'b&c=d"}},
			New: func(e *Env, i int) record.Record {
				r := record.New(e.Schema)
				r.MustSet("key", record.Text(strings.Repeat("k", i+1)+"-"+strings.Repeat("z", i+1)))
				r.MustSet("text", record.Text("a text"))
				return r
			},
			Bad: func(e *Env) (record.Record, string) { return record.New(e.Schema), "key" },
		}},
	}
}

func TestRunLocal(t *testing.T) { Run(t, localOptions("")) }

// TestBrokenLocalChild is the suite on a broken connector; TestBrokenLocal runs it in a process of its own and wants it to fail.
func TestBrokenLocalChild(t *testing.T) {
	broken := os.Getenv(brokenEnv)
	if broken == "" {
		t.Skip("only a child of TestBrokenLocal")
	}
	Run(t, localOptions(broken))
}

func TestBrokenLocal(t *testing.T) {
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	for broken, where := range map[string]string{
		"speaks of hosts":                "",
		"check passes":                   "/Check/unavailable",
		"reads nothing where it is gone": "/slips/Read/unavailable",
		"absent where it is gone":        "/slips/Find/never_absent_after_it_is_gone",
		"writes where it is gone":        "/slips/Create/refused_where_it_is_gone",
	} {
		t.Run(broken, func(t *testing.T) {
			t.Parallel()
			cmd := exec.CommandContext(t.Context(), exe, "-test.run", "^TestBrokenLocalChild"+strings.ReplaceAll(where, "/", "$/^")+"$", "-test.v")
			cmd.Env = append(os.Environ(), brokenEnv+"="+broken)
			out, err := cmd.CombinedOutput()
			if err == nil {
				t.Errorf("the suite does not notice a connector that is broken so:\n%s", out)
			} else if !strings.Contains(string(out), "--- FAIL: TestBrokenLocalChild"+where) || strings.Contains(string(out), "panic:") {
				t.Errorf("it failed elsewhere than in %s: %v\n%s", where, err, out)
			}
		})
	}
}
