package connector

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/pomost/pomost/sdk/connector"
)

// slot is the place of one plugin process: it starts it when it is needed, again after a death, and not at all after too
// many.
type slot struct {
	m    *Manager
	name string
	// starting is held by whoever starts the process; a channel, so that waiting for it ends with a context.
	starting chan struct{}

	mu         sync.Mutex
	current    *instance
	taken      bool
	user       *connection
	closed     bool
	crashes    []time.Time // within CrashWindow
	deaths     int
	row        int // deaths in a row without a healthy time between
	notBefore  time.Time
	quarantine *connector.Error
	lastError  string
	lastWords  []string
}

func newSlot(m *Manager, name string) *slot {
	return &slot{m: m, name: name, starting: make(chan struct{}, 1)}
}

// claim takes the slot for a connection.
func (s *slot) claim() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.taken || s.closed {
		return false
	}
	s.taken = true
	return true
}

// setUser tells which connection the process works for; nil gives the slot back.
func (s *slot) setUser(c *connection) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.user, s.taken = c, c != nil
}

func (s *slot) connection(id string) *connection {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.user != nil && s.user.id == id {
		return s.user
	}
	return nil
}

// instance returns the running process, started if need be.
func (s *slot) instance(ctx context.Context) (*instance, error) {
	if inst, err := s.running(); inst != nil || err != nil {
		return inst, err
	}
	select {
	case s.starting <- struct{}{}:
		defer func() { <-s.starting }()
	case <-ctx.Done():
		return nil, fmt.Errorf("start the connector %s: %w", s.name, ctx.Err())
	}
	inst, err := s.running()
	if inst != nil || err != nil {
		return inst, err
	}
	if err := s.pause(ctx); err != nil {
		return nil, err
	}
	inst, err = start(s)
	if err != nil {
		s.died(nil, err)
		return nil, err
	}
	s.m.setDescribed(s.name, inst.description)
	s.m.opts.Log.Info("connector started", "connector", s.name, "pid", inst.proc.pid())
	if !s.use(inst) {
		inst.stop(errClosed)
		<-inst.done
		return nil, errClosed
	}
	return inst, nil
}

// running returns the live process, nil when it is to be started, an error when it may not be.
func (s *slot) running() (*instance, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.closed:
		return nil, errClosed
	case s.quarantine != nil:
		return nil, s.quarantine
	case s.current != nil && s.current.ctx.Err() == nil:
		return s.current, nil
	}
	return nil, nil
}

func (s *slot) use(inst *instance) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return false
	}
	s.current = inst
	return true
}

// pause waits until the backoff after the last death is over, if the caller can wait so long.
func (s *slot) pause(ctx context.Context) error {
	s.mu.Lock()
	wait, last, old := time.Until(s.notBefore), s.lastError, s.current
	s.mu.Unlock()
	if old != nil {
		<-old.done // killed already: only its cleaning up is waited for
	}
	if wait <= 0 {
		return nil
	}
	if wait > s.m.opts.StartTimeout {
		return &connector.Error{Cause: connector.CausePluginFailed, Retryable: true, After: wait,
			Message: fmt.Sprintf("The connector %s is started again in %s; it died: %s", s.name, wait.Round(time.Second), last)}
	}
	t := time.NewTimer(wait)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("start the connector %s: %w", s.name, ctx.Err())
	}
}

// died counts a death: inst is nil when the process did not even start.
func (s *slot) died(inst *instance, cause error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return
	}
	o, now := &s.m.opts, time.Now()
	if inst != nil {
		s.lastWords = inst.words.All()
		if now.Sub(inst.started) > o.CrashWindow {
			s.row = 0
		}
	}
	s.deaths++
	s.lastError = cause.Error()
	if e := connector.AsError(cause); inst == nil && !e.Retryable {
		return // the binary is not as it should be: neither waiting nor counting helps, and a person may mend it any time
	}
	backoff := min(o.BackoffMin<<min(s.row, 10), o.BackoffMax)
	s.row++
	// ±20 %, so that plugins that died together do not come back together.
	s.notBefore = now.Add(backoff - backoff/5 + rand.N(2*backoff/5+1))
	s.crashes = append(s.crashes, now)
	for len(s.crashes) > 0 && now.Sub(s.crashes[0]) > o.CrashWindow {
		s.crashes = s.crashes[1:]
	}
	if len(s.crashes) >= o.CrashLimit {
		s.quarantine = pluginFailed(
			fmt.Sprintf("The connector %s died %d times within %s and is not started any more. The last time: %s", s.name, len(s.crashes), o.CrashWindow, cause),
			"Look at its last words, update or repair the connector, then restart Pomost.", false, nil)
		o.Log.Error("connector quarantined", "connector", s.name, "cause", cause)
		return
	}
	o.Log.Warn("connector died", "connector", s.name, "cause", cause, "restart_in", time.Until(s.notBefore).Round(time.Millisecond))
}

func (s *slot) release() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.quarantine, s.crashes, s.row, s.notBefore = nil, nil, 0, time.Time{}
}

// close ends the process for good.
func (s *slot) close() {
	s.mu.Lock()
	s.closed = true
	inst, user := s.current, s.user
	s.mu.Unlock()
	if user != nil {
		_ = user.Close() // the process ends in any case
	}
	s.starting <- struct{}{} // a start under way ends by itself first
	if inst != nil {
		inst.stop(errClosed)
		<-inst.done
	}
}

func (s *slot) status() Status {
	s.mu.Lock()
	defer s.mu.Unlock()
	st := Status{Connector: s.name, Deaths: s.deaths, Quarantined: s.quarantine != nil, LastError: s.lastError, LastWords: s.lastWords}
	if s.user != nil {
		st.Connection = s.user.id
	}
	if s.current != nil && s.current.ctx.Err() == nil {
		st.PID = s.current.proc.pid()
		st.LastWords = s.current.words.All()
	}
	return st
}
