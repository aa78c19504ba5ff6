// Package harness sets a whole flow up in one process, for tests and benchmarks of the whole: the two sandboxes, spoken to
// through their own APIs, and a Service with a home of its own between them. The connectors run in this process or, where a
// folder with their binaries is given, as the plugins that they are.
package harness

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/pomost/pomost/host/control"
	"github.com/pomost/pomost/host/home"
	"github.com/pomost/pomost/host/store"
	avconnector "github.com/pomost/pomost/plugins/accountview/connector"
	avsandbox "github.com/pomost/pomost/plugins/accountview/sandbox"
	eaconnector "github.com/pomost/pomost/plugins/eaccounting/connector"
	easandbox "github.com/pomost/pomost/plugins/eaccounting/sandbox"
	"github.com/pomost/pomost/plugins/eaccounting/spec"
	"github.com/pomost/pomost/sdk/connector"
	kit "github.com/pomost/pomost/sdk/sandbox"
)

// Flow is the name of the flow that a World has where nothing else is said.
const Flow = "orders"

// FlowSetup is a flow beside or in place of that of orders.
type FlowSetup struct {
	// Recipe is its name below accountview-eaccounting: orders, customers, products, stock.
	Recipe string
	// Source is shop or books.
	Source   string
	Settings map[string]any
	Mapping  map[string]any // rules of its own
}

// Options set a World up.
type Options struct {
	// Dir takes the home, the configuration and the sandboxes' state; it must exist.
	Dir string
	// EA and AV are the sandboxes' flags. Without a state file they get one in Dir, so that they can be restarted.
	EA, AV kit.Options
	// Today is when both systems' clocks start; zero is now.
	Today time.Time
	// Connectors is a folder of connectors' binaries to be started as plugins; "" runs the connectors in this process.
	Connectors string
	// Judged holds what is asked of eAccounting and what its sandbox answers against the vendor's specification; Close tells what contradicts.
	Judged bool
}

// World is both systems and the Pomost between them.
type World struct {
	EA, AV  *System
	Service *control.Service
	// EASettings and AVSettings are the settings of the two connections besides their addresses; a change counts from the next Apply.
	EASettings, AVSettings map[string]string
	// Schedule is that of all flows, "" for none; a change counts from the next Apply.
	Schedule string
	// Flows are further flows by their names. Where there are any, Apply with nil settings leaves that of orders out.
	Flows map[string]FlowSetup

	opts  Options
	home  string
	flows []string
	ahead atomic.Int64 // of the systems' clocks before the real one
	judge *spec.Judge  // nil where nobody judges
}

// New starts a World with nothing applied. Close must be called in any case.
func New(ctx context.Context, opts Options) (*World, error) {
	w := &World{opts: opts, home: filepath.Join(opts.Dir, "home"), EASettings: map[string]string{"settle_time": "2s"},
		AVSettings: map[string]string{"settle_time": "2s", "company": avsandbox.CompanyCode}}
	if !opts.Today.IsZero() {
		w.ahead.Store(int64(time.Until(opts.Today)))
	}
	var err error
	ea := easandbox.System()
	if opts.Judged {
		w.judge = &spec.Judge{Played: spec.G2026, Caller: func(r *http.Request) bool { return r.UserAgent() == "pomost" }}
		if strings.Contains(opts.EA.Set["dialect"], "swagger2020") {
			w.judge.Played = spec.G2020
		}
		ea = w.judge.Watch(ea)
	}
	if w.EA, err = w.start(ctx, ea, opts.EA); err != nil {
		return nil, err
	}
	if w.AV, err = w.start(ctx, avsandbox.System(), opts.AV); err != nil {
		return nil, errors.Join(err, w.EA.Close())
	}
	o := control.Options{Home: w.home, Connectors: opts.Connectors, Command: "harness", Getenv: w.secret, Functions: functions.open}
	if opts.Connectors == "" {
		o.Plugins = func() (control.Plugins, error) { return InProcess{}, nil }
	}
	w.Service = control.New(o)
	return w, nil
}

func (w *World) start(ctx context.Context, sys kit.System, o kit.Options) (*System, error) {
	if o.StateFile == "" {
		o.StateFile = filepath.Join(w.opts.Dir, sys.Name+".state")
	}
	if o.Now == nil {
		o.Now = func() time.Time { return time.Now().Add(time.Duration(w.ahead.Load())) }
	}
	return Start(ctx, sys, o)
}

// Later moves both systems' clocks on. Tokens end by that; the callers get new ones.
func (w *World) Later(ctx context.Context, d time.Duration) error {
	w.ahead.Add(int64(d))
	return errors.Join(w.EA.Consent(ctx), w.AV.Consent(ctx))
}

// Home is the folder that Pomost keeps its state in.
func (w *World) Home() string { return w.home }

// Close stops both sandboxes. Where somebody judges, what contradicts the specification is an error.
func (w *World) Close() error {
	err := errors.Join(w.EA.Close(), w.AV.Close())
	if w.judge != nil {
		for _, f := range w.judge.Findings() {
			err = errors.Join(err, fmt.Errorf("against the specification of eAccounting: %s", f))
		}
	}
	return err
}

func (w *World) secret(name string) string {
	return map[string]string{
		"EA_ID": w.EA.Info.ClientID, "EA_SECRET": w.EA.Info.ClientSecret, "EA_TOKEN": w.EA.Info.RefreshToken,
		"AV_ID": w.AV.Info.ClientID, "AV_SECRET": w.AV.Info.ClientSecret, "AV_TOKEN": w.AV.Info.RefreshToken,
	}[name]
}

// Names are the flows that were applied last, sorted.
func (w *World) Names() []string { return w.flows }

// Apply applies a configuration with both connections, the orders flow with these settings, and the further flows.
func (w *World) Apply(ctx context.Context, settings map[string]any) error {
	file, err := w.Configure(settings)
	if err != nil {
		return err
	}
	_, err = w.Service.Apply(ctx, control.ApplyRequest{File: file})
	return err
}

// Configure writes the configuration file that Apply applies, and returns its name.
func (w *World) Configure(settings map[string]any) (string, error) {
	side := func(s *System, name, env string, more map[string]string) map[string]any {
		set := map[string]string{"base_url": s.Info.BaseURL, "token_url": s.Info.TokenURL}
		maps.Copy(set, more)
		return map[string]any{"connector": name, "settings": set,
			"secrets": map[string]any{"client_id": "env:" + env + "_ID", "client_secret": "env:" + env + "_SECRET", "refresh_token": "env:" + env + "_TOKEN"}}
	}
	flows := map[string]any{}
	if settings != nil || len(w.Flows) == 0 {
		flows[Flow] = map[string]any{"recipe": "accountview-eaccounting/orders", "source": "shop", "destination": "books", "settings": settings}
	}
	for name, f := range w.Flows {
		destination := map[string]string{"shop": "books", "books": "shop"}[f.Source]
		one := map[string]any{"recipe": "accountview-eaccounting/" + f.Recipe, "source": f.Source, "destination": destination, "settings": f.Settings}
		if len(f.Mapping) > 0 {
			one["mapping"] = f.Mapping
		}
		flows[name] = one
	}
	for _, f := range flows {
		if f, ok := f.(map[string]any); ok && w.Schedule != "" {
			f["schedule"] = w.Schedule
		}
	}
	w.flows = slices.Sorted(maps.Keys(flows))
	config := map[string]any{
		"version": 1,
		"connections": map[string]any{
			"shop":  side(w.EA, "eaccounting", "EA", w.EASettings),
			"books": side(w.AV, "accountview", "AV", w.AVSettings),
		},
		"flows": flows,
	}
	data, err := json.MarshalIndent(config, "", "  ") // JSON is YAML
	if err != nil {
		return "", err
	}
	file := filepath.Join(w.opts.Dir, "pomost.yaml")
	return file, os.WriteFile(file, data, 0o600)
}

// Run runs the flow once and answers what it did.
func (w *World) Run(ctx context.Context) (control.FlowResult, error) {
	res := w.Service.Run(ctx, []string{Flow}, nil)
	if res.Error != nil {
		return control.FlowResult{}, fmt.Errorf("%w (to do: %s)", res.Error, res.Error.Remedy)
	}
	if len(res.Flows) != 1 {
		return control.FlowResult{}, fmt.Errorf("%d flows ran", len(res.Flows))
	}
	return res.Flows[0], nil
}

// Records returns all that is remembered: held, failed and watched records.
func (w *World) Records(ctx context.Context) ([]control.RecordInfo, error) {
	var all []control.RecordInfo
	for _, name := range w.flows {
		for _, status := range []string{"", string(store.RecordWatched)} {
			res, err := w.Service.Records(ctx, control.RecordsRequest{Flow: name, Status: status})
			if err != nil {
				return nil, err
			}
			all = append(all, res.Records...)
		}
	}
	return all, nil
}

// Rewind forgets how far the flow has read, as after a restored back-up of the source.
func (w *World) Rewind(ctx context.Context) error {
	cursors := []store.Cursor{{Flow: Flow, Object: "orders"}, {Flow: Flow, Object: "customerinvoices"}}
	for name, f := range w.Flows {
		switch f.Recipe {
		case "customers":
			cursors = append(cursors, store.Cursor{Flow: name + ":to_accountview", Object: "customers"}, store.Cursor{Flow: name + ":to_eaccounting", Object: "AR1"})
		default:
			cursors = append(cursors, store.Cursor{Flow: name, Object: "AK1"})
		}
	}
	return w.locked(ctx, func(st *home.State) error { return st.Store.Commit(ctx, store.Change{Cursors: cursors}) })
}

// locked opens the home's state, with nobody else writing it meanwhile.
func (w *World) locked(ctx context.Context, f func(*home.State) error) (err error) {
	h, err := home.Open(w.home, home.Options{})
	if err != nil {
		return err
	}
	lock, err := h.Lock(ctx, time.Second, "harness")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, lock.Release()) }()
	st, err := h.OpenState(ctx, lock)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, st.Close()) }()
	return f(st)
}

// InProcess opens the connectors without processes of their own.
type InProcess struct{}

// Connector implements control.Plugins.
func (InProcess) Connector(_ context.Context, name string) (connector.Connector, error) {
	switch name {
	case "eaccounting":
		return eaconnector.New(), nil
	case "accountview":
		return avconnector.New(), nil
	}
	return nil, fmt.Errorf("there is no connector %s", name)
}

// Connection implements control.Plugins.
func (p InProcess) Connection(ctx context.Context, _, name string, s connector.Settings, h connector.Host) (connector.Connection, []connector.Problem, error) {
	c, err := p.Connector(ctx, name)
	if err != nil {
		return nil, nil, err
	}
	conn, problems := c.Open(ctx, s, h)
	return conn, problems, nil
}

// Close implements control.Plugins.
func (InProcess) Close() error { return nil }
