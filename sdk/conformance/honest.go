package conformance

import (
	"context"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pomost/pomost/sdk/connector"
)

// testHonesty checks what holds for every call: each request is reported, no secret is in a report, calls may run beside
// each other, and nothing is asked after Close.
func testHonesty(t *testing.T, o Options) {
	t.Run("exchanges", func(t *testing.T) {
		t.Parallel()
		e := open(t, o, nil)
		if _, err := e.Conn.Check(callContext(t)); err != nil {
			t.Fatal(err)
		}
		want := len(e.calls())
		deadline := time.Now().Add(5 * time.Second) // reports of a plugin process come a moment later
		for len(e.Host.Exchanges()) < want && time.Now().Before(deadline) {
			time.Sleep(10 * time.Millisecond)
		}
		got := e.Host.Exchanges()
		if len(got) != want {
			t.Errorf("%d requests were made, %d reported", want, len(got))
		}
		for _, x := range got {
			if x.Method == "" || x.URL == "" || x.Status == 0 || x.Start.IsZero() {
				t.Errorf("report lacks method, address, status or start: %s %s %d", x.Method, x.URL, x.Status)
			}
			if e.Host.Leaks(x.URL+string(x.Request)+string(x.Response)+x.Error) != "" {
				t.Errorf("the report of %s holds a secret", x.URL)
			}
		}
	})
	t.Run("beside each other", func(t *testing.T) {
		t.Parallel()
		e := open(t, o, nil)
		d := o.Connector.Describe()
		var wg sync.WaitGroup
		for _, obj := range d.Objects {
			for range 3 {
				wg.Go(func() {
					if _, err := e.Conn.Discover(callContext(t), obj.Name); err != nil {
						t.Errorf("Discover %s: %v", obj.Name, err)
					}
					blind := slices.ContainsFunc(o.Objects, func(s Samples) bool { return s.Object == obj.Name && s.CannotFind })
					if obj.Read == connector.ReadNone || blind {
						return
					}
					err := e.Conn.Read(callContext(t), connector.ReadRequest{Object: obj.Name}, func(connector.Batch) error { return nil })
					if err != nil {
						t.Errorf("Read %s: %v", obj.Name, err)
					}
				})
			}
		}
		wg.Wait()
		if n := e.Host.Trades(); o.Local != nil {
			if n != 0 {
				t.Errorf("%d tokens were traded, and there is nothing to trade them for", n)
			}
		} else if n != 1 {
			t.Errorf("%d tokens were traded, one is enough: a connector does not call one rejected that was not", n)
		}
	})
	t.Run("cancelled", func(t *testing.T) {
		t.Parallel()
		e := open(t, o, nil)
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if results, err := e.Conn.Check(ctx); err == nil && allOK(results) {
			t.Error("Check with a context that has ended passed")
		}
		for _, obj := range o.Connector.Describe().Objects {
			if obj.Read == connector.ReadNone {
				continue
			}
			err := e.Conn.Read(ctx, connector.ReadRequest{Object: obj.Name}, func(connector.Batch) error { return nil })
			if err == nil {
				t.Errorf("Read %s with a context that has ended passed", obj.Name)
			} else if strings.Contains(err.Error(), "panic") {
				t.Errorf("Read %s: %v", obj.Name, err)
			}
		}
		if n := len(e.calls()); n > 0 {
			t.Errorf("%d requests were made for calls that had ended", n)
		}
	})
}

func allOK(results []connector.CheckResult) bool {
	for _, r := range results {
		if !r.OK {
			return false
		}
	}
	return true
}
