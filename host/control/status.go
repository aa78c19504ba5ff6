package control

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"time"

	"github.com/pomost/pomost/host/flow"
	"github.com/pomost/pomost/host/home"
	"github.com/pomost/pomost/host/store"
	"github.com/pomost/pomost/host/token"
)

// How often a watcher is told: at once where something changed, but not more often than watchMost; and watchLeast is how often it is
// looked for changes that another process made.
const (
	watchMost  = 250 * time.Millisecond
	watchLeast = 2 * time.Second
)

// lookedBack is how many runs are looked at for the last one that ended well.
const lookedBack = 200

// Status implements API.
func (s *Service) Status(ctx context.Context) (StatusResult, error) {
	h, err := home.Open(s.opts.Home, home.Options{Getenv: s.opts.Getenv, ReadOnly: true})
	if err != nil {
		return StatusResult{}, err
	}
	res := StatusResult{Version: s.opts.Version, Home: h.Dir(), Time: s.opts.Clock.Now(), Flows: []FlowStatus{}, Connections: []ConnectionStatus{}}
	s.mu.Lock()
	d := s.daemon
	s.mu.Unlock()
	if d != nil {
		res.Daemon, res.PID, res.Started = true, os.Getpid(), d.started
	}
	err = s.reading(ctx, func(st *home.State) error {
		c, revision, err := configIn(ctx, st)
		if err != nil {
			return err
		}
		res.Revision = revision
		if res.Flows, err = s.flowsStatus(ctx, h, st, c, d); err != nil {
			return err
		}
		res.Connections, err = s.connectionsStatus(ctx, st, c)
		return err
	})
	if isNotApplied(err) {
		err = nil
	}
	return res, err
}

func (s *Service) flowsStatus(ctx context.Context, h *home.Home, st *home.State, c flow.Config, d *daemon) ([]FlowStatus, error) {
	counts, err := st.Store.RecordCounts(ctx)
	if err != nil {
		return nil, err
	}
	paused, err := st.Store.Paused(ctx)
	if err != nil {
		return nil, err
	}
	out := []FlowStatus{}
	for _, name := range sortedKeys(c.Flows) {
		conf := c.Flows[name]
		f := FlowStatus{Name: name, Recipe: conf.Recipe, Source: conf.Source, Destination: conf.Destination, Schedule: conf.Schedule,
			Paused: !paused[name].IsZero(), Running: s.works.running(name)}
		lanes := []string{name}
		if r, err := s.recipe(conf.Recipe); err == nil {
			f.Title, f.Kind = r.Title, r.Kind
			for _, l := range r.Lanes {
				if l.Name != "" {
					lanes = append(lanes, name+":"+l.Name)
				}
			}
		}
		for _, n := range counts {
			if flowOf(n.Flow) == name {
				f.take(n)
			}
		}
		for _, lane := range lanes {
			if err := f.runs(ctx, st.Store, lane, func() bool { return s.runsElsewhere(h) }); err != nil {
				return nil, err
			}
		}
		if d != nil {
			f.NextRun = d.nextRun(name)
		}
		f.State = f.state()
		out = append(out, f)
	}
	return out, nil
}

// runsElsewhere tells whether another process works on the home: only then is a run that has not ended under way.
func (s *Service) runsElsewhere(h *home.Home) bool {
	if k, leave := s.holding(); k != nil {
		leave()
		return false
	}
	_, locked := h.Holder()
	return locked
}

func (f *FlowStatus) take(n store.RecordCount) {
	switch n.Status {
	case store.RecordHeld:
		f.Held += n.Count
	case store.RecordFailed:
		f.Failed += n.Count
	case store.RecordPending:
		f.Waiting += n.Count
	case store.RecordWatched:
		f.Watched += n.Count
		return
	default:
		return
	}
	if f.Causes == nil {
		f.Causes = map[string]int{}
	}
	f.Causes[n.Cause] += n.Count
}

// runs looks at the runs of one lane: the newest that ended, the newest that ended well, and the one under way.
func (f *FlowStatus) runs(ctx context.Context, st store.Store, lane string, elsewhere func() bool) error {
	runs, err := st.Runs(ctx, lane, 2)
	if err != nil {
		return err
	}
	if len(runs) > 0 && runs[0].Status == "running" && f.Running == nil && elsewhere() {
		f.Running = infoOf(runs[0])
	}
	for _, n := range []int{2, lookedBack} {
		if n > 2 && len(runs) == 2 { // no success among the newest: look further back
			if runs, err = st.Runs(ctx, lane, n); err != nil {
				return err
			}
		}
		for _, r := range runs {
			if r.Ended.IsZero() {
				continue
			}
			if f.LastRun == nil || r.Ended.After(f.LastRun.Ended) {
				f.LastRun = infoOf(r)
			}
			if r.Status == "done" {
				if r.Ended.After(f.LastSuccess) {
					f.LastSuccess = r.Ended
				}
				return nil
			}
		}
	}
	return nil
}

// state is the worst that is to be said of a flow.
func (f *FlowStatus) state() string {
	switch {
	case f.LastRun != nil && f.LastRun.Status == "failed":
		return FlowFailing
	case f.Held+f.Failed > 0:
		return FlowHeld
	case f.Waiting > 0:
		return FlowWaiting
	case f.Running != nil:
		return FlowRunning
	case f.Paused:
		return FlowPaused
	case f.LastRun == nil:
		return FlowNew
	}
	return FlowOK
}

// connectionsStatus tells how the connections fare, by what is kept of them alone: no system is asked.
func (s *Service) connectionsStatus(ctx context.Context, st *home.State, c flow.Config) ([]ConnectionStatus, error) {
	out := []ConnectionStatus{}
	for _, name := range sortedKeys(c.Connections) {
		conf := c.Connections[name]
		cs := ConnectionStatus{Name: name, Connector: conf.Connector, Title: s.known.title(conf.Connector), State: "unknown"}
		secrets, err := st.Store.Secrets(ctx, name)
		if err != nil {
			return nil, err
		}
		switch {
		case s.known.noConsent(conf.Connector):
		case secrets[token.AccessToken] != "" && secrets[token.RefreshToken] != "":
			cs.State = "ok"
		case secrets[token.RefreshToken] == "" && (secrets[token.ClientID] != "" || secrets[token.SeedHash] != ""):
			cs.State, cs.Message = "unauthorized", "nobody has consented yet, or its address has changed since"
			cs.Remedy = "`pomost connection authorize " + name + "`"
		}
		if c, ok := token.ConsentOf(s.known.oauth(conf.Connector), secrets); ok {
			cs.ConsentSince, cs.ConsentUntil = timeOrNil(c.Since), timeOrNil(c.Until)
			if cs.State == "ok" {
				cs.Message = c.Short()
			}
			if c.Soon(s.opts.Clock.Now()) {
				cs.Remedy = "`pomost connection authorize " + name + "`"
			}
		}
		if f := s.known.refused(name); f != nil && cs.State != "unauthorized" {
			cs.State, cs.Message, cs.Remedy = "revoked", f.Message, f.Remedy
		}
		out = append(out, cs)
	}
	return out, nil
}

// timeOrNil is a time, nil for none.
func timeOrNil(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}

// Watch implements API.
func (s *Service) Watch(ctx context.Context, yield func(StatusResult) error) error {
	var shown []byte
	for {
		wake := s.works.wake()
		now, err := s.Status(ctx)
		if err != nil {
			return err
		}
		still := now
		still.Time = time.Time{} // that alone is no change
		text, err := json.Marshal(still)
		if err != nil {
			return err
		}
		if !bytes.Equal(text, shown) {
			if err := yield(now); err != nil {
				return err
			}
			shown = text
		}
		if err := pause(ctx, watchMost, nil); err != nil {
			return err
		}
		if err := pause(ctx, watchLeast-watchMost, wake); err != nil {
			return err
		}
	}
}

// pause waits for a time, or until wake is closed.
func pause(ctx context.Context, d time.Duration, wake <-chan struct{}) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-wake:
	case <-t.C:
	}
	return nil
}

// Pause implements API.
func (s *Service) Pause(ctx context.Context, name string) error {
	return s.setPaused(ctx, name, s.opts.Clock.Now())
}

// Resume implements API.
func (s *Service) Resume(ctx context.Context, name string) error {
	return s.setPaused(ctx, name, time.Time{})
}

func (s *Service) setPaused(ctx context.Context, name string, since time.Time) error {
	if err := s.knownFlow(ctx, name); err != nil {
		return err
	}
	err := s.writing(ctx, func(st *home.State) error { return st.Store.Pause(ctx, name, since) })
	if err != nil {
		return err
	}
	s.changed()
	return nil
}

// changed tells whoever watches, and the daemon's schedule, that flows or what is remembered of them changed.
func (s *Service) changed() {
	s.works.change()
	s.mu.Lock()
	d := s.daemon
	s.mu.Unlock()
	if d != nil {
		d.reload()
	}
}
