package schedule

import (
	"context"
	"sync"
	"time"
)

// Clock tells and spends time.
type Clock interface {
	Now() time.Time
	// Sleep returns after d, or earlier with the context's error.
	Sleep(ctx context.Context, d time.Duration) error
}

// Run runs a flow once and tells whether that failed. It returns soon after the context ends.
type Run func(ctx context.Context, flow string) (failed bool)

// idle is how long the loop sleeps at most: a clock that was set is noticed within this time.
const idle = time.Minute

// Loop runs flows by their schedules, one run of a flow at a time and at most Most flows side by side. Its methods may be called
// concurrently.
type Loop struct {
	clock Clock
	run   Run
	most  int

	mu      sync.Mutex
	since   time.Time
	flows   map[string]*Flow
	under   int // runs that this loop started and that are under way
	alive   time.Time
	stopped bool
	wake    context.CancelFunc // ends the sleep
	woken   bool
}

// New returns a Loop with no flows; it starts nothing before Start.
func New(clock Clock, most int, run Run) *Loop {
	return &Loop{clock: clock, run: run, most: max(1, most), since: clock.Now(), flows: map[string]*Flow{}}
}

// Plan is what a configuration says of one flow.
type Plan struct {
	Name   string
	Every  time.Duration
	Paused bool
}

// Set puts the flows of a configuration into force. What is known of a flow that stays is kept; one that a person resumes is run soon.
func (l *Loop) Set(plans []Plan) {
	l.mu.Lock()
	defer l.mu.Unlock()
	next := map[string]*Flow{}
	for _, p := range plans {
		f := l.flows[p.Name]
		if f == nil {
			f = &Flow{Name: p.Name}
		}
		if f.Paused && !p.Paused { // a person who resumes wants to see it go
			f.Began, f.Failures = time.Time{}, 0
			l.since = l.clock.Now()
		}
		f.Every, f.Paused = p.Every, p.Paused
		next[p.Name] = f
	}
	l.flows = next
	l.stir()
}

// Ran tells the loop of a run that is over, whoever started it: the next one counts from it.
func (l *Loop) Ran(flow string, began, ended time.Time, failed bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	f := l.flows[flow]
	if f == nil {
		return
	}
	f.Began, f.Ended = began, ended
	if f.Failures++; !failed {
		f.Failures = 0
	}
	l.stir()
}

// Next is when a flow runs next by its schedule; zero when it does not, or is just running.
func (l *Loop) Next(flow string) time.Time {
	l.mu.Lock()
	defer l.mu.Unlock()
	if f := l.flows[flow]; f != nil {
		return Next(*f, l.since)
	}
	return time.Time{}
}

// Alive tells whether the loop looked at the clock lately.
func (l *Loop) Alive() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return !l.stopped && !l.alive.IsZero() && l.clock.Now().Sub(l.alive) < 2*idle
}

// Start runs flows until ctx ends, then waits for the runs under way, whose contexts have ended too.
func (l *Loop) Start(ctx context.Context) {
	var runs sync.WaitGroup
	defer runs.Wait()
	defer func() {
		l.mu.Lock()
		l.stopped = true
		l.mu.Unlock()
	}()
	for ctx.Err() == nil {
		sleep, wait := l.step(ctx, &runs)
		_ = l.clock.Sleep(sleep, wait) // ended early where there is news
		l.mu.Lock()
		l.wake()
		l.wake = nil
		l.mu.Unlock()
	}
}

// step starts what is due, and says how long to sleep, in a context that news end.
func (l *Loop) step(ctx context.Context, runs *sync.WaitGroup) (context.Context, time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := l.clock.Now()
	l.alive = now
	flows := make([]Flow, 0, len(l.flows))
	for _, f := range l.flows {
		flows = append(flows, *f)
	}
	due, next := Due(flows, l.since, now)
	for _, name := range due {
		if l.under >= l.most {
			break // the end of a run is news
		}
		f := l.flows[name]
		f.Running = true
		l.under++
		runs.Go(func() { l.one(ctx, name) })
	}
	wait := idle
	if !next.IsZero() {
		wait = min(wait, next.Sub(now))
	}
	sleep, cancel := context.WithCancel(ctx)
	l.wake = cancel
	if l.woken {
		l.woken = false
		cancel()
	}
	return sleep, wait
}

func (l *Loop) one(ctx context.Context, name string) {
	began := l.clock.Now()
	failed := l.run(ctx, name)
	ended := l.clock.Now()
	l.mu.Lock()
	l.under--
	if f := l.flows[name]; f != nil {
		f.Running = false
	}
	l.mu.Unlock()
	l.Ran(name, began, ended, failed)
}

// stir wakes the loop; its lock is held.
func (l *Loop) stir() {
	if l.wake != nil {
		l.wake()
		return
	}
	l.woken = true
}
