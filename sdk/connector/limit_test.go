package connector

import (
	"context"
	"sync"
	"testing"
	"time"
)

// clocked is a limiter on a clock that the test moves.
func clocked(requests int, window time.Duration) (*Limiter, *time.Time) {
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	l := NewLimiter(requests, window)
	l.now = func() time.Time { return now }
	return l, &now
}

func TestLimiterWindow(t *testing.T) {
	l, now := clocked(20, time.Minute) // 19 of them
	for i := range 19 {
		if d := l.reserve("a"); d != 0 {
			t.Fatalf("request %d waits %v", i, d)
		}
		*now = now.Add(time.Second)
	}
	if d := l.reserve("a"); d != 41*time.Second {
		t.Errorf("request 20 waits %v, want until the first one is a minute old", d)
	}
	if d := l.reserve("b"); d != 0 {
		t.Errorf("another endpoint waits %v", d)
	}
	*now = now.Add(41 * time.Second)
	if d := l.reserve("a"); d != 0 {
		t.Errorf("after that it waits %v", d)
	}
	if d := l.reserve("a"); d != time.Second {
		t.Errorf("the next waits %v, want 1s", d)
	}
}

func TestLimiterNeverCrosses(t *testing.T) {
	l, now := clocked(600, time.Minute)
	var starts []time.Time
	for len(starts) < 3000 {
		if d := l.reserve("x"); d > 0 {
			*now = now.Add(d)
			continue
		}
		starts = append(starts, *now)
		*now = now.Add(time.Millisecond)
	}
	for i := 600; i < len(starts); i++ {
		if starts[i].Sub(starts[i-600]) < time.Minute {
			t.Fatalf("requests %d to %d lie within a minute", i-600, i)
		}
	}
	if took := starts[len(starts)-1].Sub(starts[0]); took > 6*time.Minute {
		t.Errorf("3000 requests took %v, the limit would allow about 5m", took)
	}
}

func TestLimiterPause(t *testing.T) {
	l, now := clocked(100, time.Minute)
	l.Pause("a", 30*time.Second)
	l.Pause("a", 10*time.Second) // a shorter one does not lift it
	if d := l.reserve("a"); d != 30*time.Second {
		t.Errorf("paused endpoint waits %v, want 30s", d)
	}
	if d := l.reserve("b"); d != 0 {
		t.Errorf("another endpoint waits %v", d)
	}
	*now = now.Add(30 * time.Second)
	if d := l.reserve("a"); d != 0 {
		t.Errorf("after the pause it waits %v", d)
	}
}

func TestLimiterWait(t *testing.T) {
	var none *Limiter
	if err := none.Wait(t.Context(), "a", nil); err != nil {
		t.Errorf("no limiter: %v", err)
	}
	none.Pause("a", time.Hour)
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if err := none.Wait(ended, "a", nil); err == nil {
		t.Error("no limiter lets a call start whose context has ended")
	}
	l := NewLimiter(1, time.Hour)
	if err := l.Wait(t.Context(), "a", nil); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	var told time.Duration
	if err := l.Wait(ctx, "a", func(d time.Duration) { told = d }); err == nil {
		t.Error("the second request of an hour was let through")
	}
	if told < 59*time.Minute {
		t.Errorf("told to wait %v, want about an hour", told)
	}
	short := NewLimiter(2, 30*time.Millisecond) // 1 in 30 ms
	var wg sync.WaitGroup
	start := time.Now()
	for range 5 {
		wg.Go(func() {
			if err := short.Wait(t.Context(), "a", nil); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if d := time.Since(start); d < 120*time.Millisecond {
		t.Errorf("five starts within %v, want at least four windows", d)
	}
}
