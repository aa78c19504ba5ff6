package sandbox

import (
	"strings"
	"sync"
	"time"
)

// rateLimiter lets a client make at most limit calls to one endpoint within any 60 seconds.
type rateLimiter struct {
	limit int
	now   func() time.Time

	mu    sync.Mutex
	calls map[string][]time.Time
}

const rateWindow = time.Minute

// maxEndpoints bounds the counters; beyond it those without a call in the window are dropped.
const maxEndpoints = 10_000

// take counts a call, or says how long the caller has to wait. A refused call is not counted.
func (l *rateLimiter) take(client, path string) (wait time.Duration, ok bool) {
	if l.limit <= 0 {
		return 0, true
	}
	key := client + " " + endpointOf(path)
	now := l.now()
	l.mu.Lock()
	defer l.mu.Unlock()
	calls := l.calls[key]
	first := 0
	for first < len(calls) && now.Sub(calls[first]) >= rateWindow {
		first++
	}
	calls = calls[first:]
	if len(calls) >= l.limit {
		l.calls[key] = calls
		return rateWindow - now.Sub(calls[0]), false
	}
	l.calls[key] = append(calls, now)
	if len(l.calls) > maxEndpoints {
		for k, c := range l.calls {
			if now.Sub(c[len(c)-1]) >= rateWindow {
				delete(l.calls, k)
			}
		}
	}
	return 0, true
}

// endpointOf is the path without case and with its ids left out, so that /orders/1 and /orders/2 share one limit and
// the map of limits cannot grow with the number of records.
func endpointOf(path string) string {
	parts := strings.Split(strings.ToLower(path), "/")
	for i, p := range parts {
		if looksLikeID(p) {
			parts[i] = "*"
		}
	}
	return strings.Join(parts, "/")
}

func looksLikeID(s string) bool {
	if s == "" {
		return false
	}
	digits, hyphens, others := 0, 0, 0
	for _, r := range s {
		switch {
		case r >= '0' && r <= '9':
			digits++
		case r == '-':
			hyphens++
		case r < 'a' || r > 'f':
			others++
		}
	}
	return others == 0 && (digits == len(s) || hyphens == 4)
}
