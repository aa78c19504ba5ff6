package control

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/pomost/pomost/host/engine"
	"github.com/pomost/pomost/host/store"
)

// sideBySide is how many flows run at a time in one process; further ones wait.
const sideBySide = 4

// works is what is under way in this process: which flows run, who listens, and who waits.
type works struct {
	slots chan struct{}

	mu      sync.Mutex
	gates   map[string]*gate
	current map[*work]struct{}
	changed chan struct{} // closed and replaced when something changed
	ended   func(Ended)
}

// gate keeps two runs of one flow, or two that write to one connection, apart.
type gate struct {
	turn  chan struct{}
	users int
}

// work is one run or plan under way.
type work struct {
	flow     string
	run      bool // not a plan
	progress func(Event)
	cancel   context.CancelFunc

	// Guarded by works.mu.
	waits bool            // for its turn
	ends  map[string]bool // its connections
	info  RunInfo
}

// Ended is a run that is over, as those are told who watch over runs.
type Ended struct {
	Flow    string
	Trigger string
	Result  FlowResult
	Started time.Time
	Ended   time.Time
	Err     error
}

func newWorks() *works {
	return &works{slots: make(chan struct{}, sideBySide), gates: map[string]*gate{}, current: map[*work]struct{}{}, changed: make(chan struct{})}
}

// enter waits until no other run of a flow is under way, nor any that writes to the same connections, and a place is free. wait is called
// where it must be waited for. What a run has looked up in a destination stays true for as long as it relies on it only while nobody else
// writes there: see docs/decisions/0011. Connections are taken in their order, so that no two runs wait for each other.
func (ws *works) enter(ctx context.Context, flow string, writes []string, wait func()) (leave func(), err error) {
	var outs []func()
	leave = func() {
		for _, out := range slices.Backward(outs) {
			out()
		}
	}
	names := []string{flow}
	for _, c := range slices.Compact(slices.Sorted(slices.Values(writes))) {
		names = append(names, "connection "+c)
	}
	for _, name := range names {
		out, err := ws.turnOf(ctx, name, wait)
		if err != nil {
			leave()
			return nil, err
		}
		outs = append(outs, out)
	}
	if err := take(ctx, ws.slots, wait); err != nil {
		leave()
		return nil, err
	}
	outs = append(outs, func() { <-ws.slots })
	return leave, nil
}

// turn waits until no run of a flow is under way, and keeps new ones from beginning until leave is called.
func (ws *works) turn(ctx context.Context, flow string) (leave func(), err error) {
	return ws.turnOf(ctx, flow, func() {})
}

func (ws *works) turnOf(ctx context.Context, flow string, wait func()) (leave func(), err error) {
	ws.mu.Lock()
	g := ws.gates[flow]
	if g == nil {
		g = &gate{turn: make(chan struct{}, 1)}
		ws.gates[flow] = g
	}
	g.users++
	ws.mu.Unlock()
	forget := func() {
		ws.mu.Lock()
		defer ws.mu.Unlock()
		if g.users--; g.users == 0 {
			delete(ws.gates, flow)
		}
	}
	if err := take(ctx, g.turn, wait); err != nil {
		forget()
		return nil, err
	}
	return func() {
		<-g.turn
		forget()
	}, nil
}

// take takes a place in a channel. wait is called once if it must be waited for.
func take(ctx context.Context, places chan struct{}, wait func()) error {
	select {
	case places <- struct{}{}:
		return nil
	default:
	}
	wait()
	select {
	case places <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// begin notes that a run or plan is under way; end must be called.
func (ws *works) begin(w *work) (end func()) {
	ws.mu.Lock()
	ws.current[w] = struct{}{}
	ws.mu.Unlock()
	ws.change()
	return func() {
		ws.mu.Lock()
		delete(ws.current, w)
		ws.mu.Unlock()
		ws.change()
	}
}

// change wakes those who watch.
func (ws *works) change() {
	ws.mu.Lock()
	defer ws.mu.Unlock()
	close(ws.changed)
	ws.changed = make(chan struct{})
}

// wake is closed at the next change.
func (ws *works) wake() <-chan struct{} {
	ws.mu.Lock()
	defer ws.mu.Unlock()
	return ws.changed
}

// running returns what is known of the run of a flow that is under way, nil where none is.
func (ws *works) running(flow string) *RunInfo {
	ws.mu.Lock()
	defer ws.mu.Unlock()
	for w := range ws.current {
		if w.flow == flow && w.run && !w.waits {
			info := w.info
			return &info
		}
	}
	return nil
}

// turnCame notes that a run waits no more.
func (ws *works) turnCame(w *work, now time.Time) {
	ws.mu.Lock()
	w.waits, w.info.Started = false, now
	ws.mu.Unlock()
	ws.change()
}

// stop ends the run of a flow gracefully, and on wish those that wait for their turn.
func (ws *works) stop(flow string, waiting bool) {
	ws.mu.Lock()
	defer ws.mu.Unlock()
	for w := range ws.current {
		if w.flow == flow && w.run && (waiting || !w.waits) {
			w.cancel()
		}
	}
}

// uses notes that a work waits for what a connection tells.
func (ws *works) uses(w *work, connections ...string) {
	ws.mu.Lock()
	defer ws.mu.Unlock()
	for _, c := range connections {
		w.ends[c] = true
	}
}

// engineEvent takes a run's progress in and passes it on.
func (ws *works) engineEvent(w *work) func(engine.Event) {
	return func(e engine.Event) {
		ws.mu.Lock()
		w.info.ID, w.info.Counts = e.Run, e.Counts
		if e.Message != "" {
			w.info.Message = e.Message
		} else if e.Wait == 0 {
			w.info.Message = ""
		}
		ws.mu.Unlock()
		ws.change()
		if w.progress != nil {
			w.progress(Event{Flow: e.Flow, Run: e.Run, Counts: e.Counts, Message: e.Message, Wait: e.Wait})
		}
	}
}

// connectionEvent passes what a connection does or waits for on to all who use it just now.
func (ws *works) connectionEvent(connection string, message string, wait time.Duration) {
	ws.mu.Lock()
	var listeners []func(Event)
	for w := range ws.current {
		if !w.ends[connection] {
			continue
		}
		w.info.Message = connection + ": " + message
		if w.progress != nil {
			listeners = append(listeners, w.progress)
		}
	}
	ws.mu.Unlock()
	ws.change()
	for _, tell := range listeners {
		tell(Event{Message: connection + ": " + message, Wait: wait})
	}
}

// onEnd sets who is told of runs that are over.
func (ws *works) onEnd(f func(Ended)) {
	ws.mu.Lock()
	defer ws.mu.Unlock()
	ws.ended = f
}

func (ws *works) over(e Ended) {
	ws.mu.Lock()
	f := ws.ended
	ws.mu.Unlock()
	if f != nil {
		f(e)
	}
}

// infoOf is a stored run as it is shown.
func infoOf(r store.Run) *RunInfo {
	return &RunInfo{ID: r.ID, Trigger: r.Trigger, Status: r.Status, Started: r.Started, Ended: r.Ended, Counts: r.Counts, Error: r.Error}
}
