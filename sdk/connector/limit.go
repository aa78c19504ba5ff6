package connector

import (
	"context"
	"sync"
	"time"
)

// Limiter keeps requests within a number per window, for each endpoint on its own, by remembering when the last ones
// started: a sliding window, so that a short run is not slowed down and a long one approaches the limit without crossing
// it. A nil Limiter allows everything. Safe for concurrent use.
type Limiter struct {
	n      int
	window time.Duration

	mu        sync.Mutex
	endpoints map[string]*endpoint
	now       func() time.Time
}

type endpoint struct {
	starts []time.Time // ring of the last n starts
	next   int
	paused time.Time // no start before
}

// NewLimiter allows 95 % of the given requests per window for each endpoint; the rest is left for other users of the same
// client.
func NewLimiter(requests int, window time.Duration) *Limiter {
	return &Limiter{n: max(1, requests*95/100), window: window, endpoints: map[string]*endpoint{}, now: time.Now}
}

// Wait returns when a request to the endpoint may start, and counts it. waiting is told before each wait of a second or
// more. It fails only when the context ends.
func (l *Limiter) Wait(ctx context.Context, key string, waiting func(time.Duration)) error {
	if l == nil {
		return ctx.Err()
	}
	for {
		d := l.reserve(key)
		if d <= 0 {
			return ctx.Err()
		}
		if d >= time.Second && waiting != nil {
			waiting(d)
		}
		t := time.NewTimer(d)
		select {
		case <-ctx.Done():
			t.Stop()
			return ctx.Err()
		case <-t.C:
		}
	}
}

// Pause lets no request to the endpoint start for d: the system said so to one caller, and all obey.
func (l *Limiter) Pause(key string, d time.Duration) {
	if l == nil {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	e := l.endpoint(key)
	if until := l.now().Add(d); until.After(e.paused) {
		e.paused = until
	}
}

func (l *Limiter) endpoint(key string) *endpoint {
	e := l.endpoints[key]
	if e == nil {
		e = &endpoint{starts: make([]time.Time, l.n)}
		l.endpoints[key] = e
	}
	return e
}

// reserve counts a start now and returns 0, or returns how long to wait and counts nothing.
func (l *Limiter) reserve(key string) time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	e, now := l.endpoint(key), l.now()
	if d := e.paused.Sub(now); d > 0 {
		return d
	}
	if oldest := e.starts[e.next]; !oldest.IsZero() {
		if d := oldest.Add(l.window).Sub(now); d > 0 {
			return d
		}
	}
	e.starts[e.next] = now
	e.next = (e.next + 1) % l.n
	return 0
}
