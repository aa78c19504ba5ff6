// Package schedule says when which flow runs, and starts it then. What is due is decided by a pure function of the clock and of what
// the flows did so far; a loop around it waits, starts and takes note. Nothing of it is kept: after a start everything is due soon.
package schedule

import (
	"cmp"
	"hash/fnv"
	"slices"
	"time"
)

// Bounds of what is decided.
const (
	// soon is within which time after the start the first runs begin.
	soon = 5 * time.Second
	// spread is the most by which flows of one interval are kept apart, as a part of it.
	spread = 20
	// rest is the least time between the end of a run and the next one: a flow whose runs take longer than its interval does not fill the
	// machine, and runs are never piled up.
	rest = time.Second
	// backoffMost is the longest time between two runs of a flow that fails, unless its own interval is longer.
	backoffMost = 15 * time.Minute
	backoffMin  = 10 * time.Second
)

// Flow is what a flow's next run depends on.
type Flow struct {
	Name string
	// Every is the time between two runs, 0 for a flow that is run by hand only.
	Every  time.Duration
	Paused bool
	// Running tells that a run is under way; Began and Ended are of the newest run, zero where there was none since the start.
	Running      bool
	Began, Ended time.Time
	// Failures is how many runs failed in a row.
	Failures int
}

// Next is when a flow is to be run next, given when its schedule began to count; zero when it is not to be run at all.
func Next(f Flow, since time.Time) time.Time {
	if f.Every <= 0 || f.Paused || f.Running {
		return time.Time{}
	}
	if f.Began.IsZero() {
		return since.Add(share(f.Name, min(soon, f.Every)))
	}
	next := f.Began.Add(f.Every + share(f.Name, f.Every/spread))
	if f.Failures > 0 {
		next = later(next, f.Ended.Add(backoff(f)))
	}
	return later(next, f.Ended.Add(rest))
}

// Due are the flows that are to be run now, the most overdue first, and when the next one is; zero when none is.
func Due(flows []Flow, since, now time.Time) (due []string, next time.Time) {
	type at struct {
		name string
		when time.Time
	}
	var list []at
	for _, f := range flows {
		when := Next(f, since)
		switch {
		case when.IsZero():
		case !when.After(now):
			list = append(list, at{f.Name, when})
		case next.IsZero() || when.Before(next):
			next = when
		}
	}
	slices.SortFunc(list, func(a, b at) int { return cmp.Or(a.when.Compare(b.when), cmp.Compare(a.name, b.name)) })
	for _, d := range list {
		due = append(due, d.name)
	}
	return due, next
}

// backoff doubles with each failure in a row.
func backoff(f Flow) time.Duration {
	d := max(f.Every, backoffMin)
	for range min(f.Failures-1, 20) {
		if d *= 2; d >= backoffMost {
			break
		}
	}
	return min(d, max(backoffMost, f.Every))
}

// share is a part of a time that belongs to a name: flows of one interval begin at different moments, each at the same one always.
func share(name string, of time.Duration) time.Duration {
	h := fnv.New32a()
	_, _ = h.Write([]byte(name)) // a hash takes everything
	return time.Duration(int64(of) / 1000 * int64(h.Sum32()%1000))
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}
