package schedule

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"
	"pgregory.net/rapid"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var noon = time.Date(2026, 11, 3, 12, 0, 0, 0, time.UTC)

func at(d time.Duration) time.Time { return noon.Add(d) }

func TestNext(t *testing.T) {
	const m = time.Minute
	for _, tc := range []struct {
		name       string
		flow       Flow
		from, till time.Duration // of noon; till 0 is never
	}{
		{"no schedule", Flow{}, 0, 0},
		{"paused", Flow{Every: m, Paused: true}, 0, 0},
		{"running", Flow{Every: m, Running: true, Began: at(-m)}, 0, 0},
		{"the first soon after the start", Flow{Every: time.Hour}, 0, soon},
		{"the first within its interval", Flow{Every: time.Second}, 0, time.Second},
		{"from one begin to the next", Flow{Every: 10 * m, Began: at(0), Ended: at(m)}, 10 * m, 10*m + 30*time.Second},
		{"no pile behind a long run", Flow{Every: m, Began: at(0), Ended: at(10 * m)}, 10*m + rest, 10*m + rest + 1},
		{"one failure waits its interval", Flow{Every: 5 * m, Began: at(0), Ended: at(m), Failures: 1}, 6 * m, 6*m + 1},
		{"failures back off", Flow{Every: m, Began: at(0), Ended: at(0), Failures: 4}, 8 * m, 8*m + 1},
		{"up to a bound", Flow{Every: m, Began: at(0), Ended: at(0), Failures: 1000}, backoffMost, backoffMost + 1},
		{"but not below its own interval", Flow{Every: time.Hour, Began: at(0), Ended: at(0), Failures: 1000}, time.Hour, time.Hour + 3*m},
		{"a short interval that fails is not hammered", Flow{Every: time.Second, Began: at(0), Ended: at(0), Failures: 1}, backoffMin, backoffMin + 1},
	} {
		tc.flow.Name = "orders"
		got := Next(tc.flow, noon)
		switch {
		case tc.till == 0 && !got.IsZero():
			t.Errorf("%s: runs at %s", tc.name, got)
		case tc.till > 0 && (got.Before(at(tc.from)) || !got.Before(at(tc.till))):
			t.Errorf("%s: runs after %s, want between %s and %s", tc.name, got.Sub(noon), tc.from, tc.till)
		}
	}
}

// TestManyFlowsAreSpread: flows of one interval do not all begin at one moment.
func TestManyFlowsAreSpread(t *testing.T) {
	seen := map[time.Time]bool{}
	for i := range 50 {
		seen[Next(Flow{Name: fmt.Sprintf("flow%d", i), Every: time.Hour, Began: noon, Ended: noon}, noon)] = true
	}
	if len(seen) < 40 {
		t.Errorf("50 flows begin at %d moments", len(seen))
	}
}

// TestDue: what is due is never in the future, what is not due is never in the past, and nothing that may not run is named.
func TestDue(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		now := at(time.Duration(rapid.Int64Range(0, int64(time.Hour)).Draw(t, "now")))
		var flows []Flow
		for i := range rapid.IntRange(0, 8).Draw(t, "flows") {
			f := Flow{Name: fmt.Sprint(i), Every: time.Duration(rapid.Int64Range(0, int64(10*time.Minute)).Draw(t, "every")),
				Paused: rapid.Bool().Draw(t, "paused"), Running: rapid.Bool().Draw(t, "running"), Failures: rapid.IntRange(0, 9).Draw(t, "failures")}
			if rapid.Bool().Draw(t, "ran") {
				f.Began = now.Add(-time.Duration(rapid.Int64Range(0, int64(time.Hour)).Draw(t, "began")))
				f.Ended = f.Began.Add(time.Duration(rapid.Int64Range(0, int64(time.Minute)).Draw(t, "took")))
			}
			flows = append(flows, f)
		}
		due, next := Due(flows, noon, now)
		if !next.IsZero() && !next.After(now) {
			t.Fatalf("the next is at %s, now is %s", next, now)
		}
		for _, f := range flows {
			when := Next(f, noon)
			is := slices.Contains(due, f.Name)
			if want := !when.IsZero() && !when.After(now); is != want {
				t.Fatalf("%+v: due %v, want %v", f, is, want)
			}
			if is && (f.Paused || f.Running || f.Every == 0) {
				t.Fatalf("%+v is due", f)
			}
		}
	})
}

type realClock struct{}

func (realClock) Now() time.Time { return time.Now() }
func (realClock) Sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}

// recorder is what ran, when, and how much at a time.
type recorder struct {
	mu    sync.Mutex
	began map[string][]time.Duration
	now   map[string]int
	most  int
	twice bool
	start time.Time
	take  time.Duration
	fail  func(flow string, n int) bool
}

func (r *recorder) run(ctx context.Context, flow string) bool {
	r.mu.Lock()
	r.began[flow] = append(r.began[flow], time.Since(r.start))
	n := len(r.began[flow])
	r.now[flow]++
	total := 0
	for _, k := range r.now {
		total += k
	}
	r.most, r.twice = max(r.most, total), r.twice || r.now[flow] > 1
	r.mu.Unlock()
	_ = realClock{}.Sleep(ctx, r.take)
	r.mu.Lock()
	r.now[flow]--
	r.mu.Unlock()
	return r.fail != nil && r.fail(flow, n)
}

// during runs a loop for a while of a clock that costs no time.
func during(t *testing.T, d time.Duration, take time.Duration, plans []Plan, between func(*Loop)) *recorder {
	r := &recorder{began: map[string][]time.Duration{}, now: map[string]int{}, start: time.Now(), take: take}
	l := New(realClock{}, 4, r.run)
	l.Set(plans)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		l.Start(ctx)
	}()
	if between != nil {
		between(l)
	}
	time.Sleep(d)
	if !l.Alive() {
		t.Error("the loop does not look at its clock")
	}
	cancel()
	<-done
	if l.Alive() {
		t.Error("a loop that ended is alive")
	}
	return r
}

func TestLoopRunsByInterval(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := during(t, time.Hour, time.Second, []Plan{{Name: "often", Every: time.Minute}, {Name: "hourly", Every: 50 * time.Minute}, {Name: "by hand"}}, nil)
		if n := len(r.began["often"]); n < 55 || n > 60 {
			t.Errorf("every minute for an hour: %d runs", n)
		}
		if n := len(r.began["hourly"]); n != 2 {
			t.Errorf("every 50 minutes for an hour: %d runs", n)
		}
		if len(r.began["by hand"]) > 0 || r.twice {
			t.Errorf("%+v", r)
		}
	})
}

// TestLoopIsBounded: of many flows that are due at once four run at a time, and none twice.
func TestLoopIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var plans []Plan
		for i := range 20 {
			plans = append(plans, Plan{Name: fmt.Sprint(i), Every: time.Minute})
		}
		r := during(t, 10*time.Minute, 30*time.Second, plans, nil)
		if r.most != 4 || r.twice {
			t.Errorf("%d at a time, one flow twice: %v", r.most, r.twice)
		}
		for i := range 20 {
			if n := len(r.began[fmt.Sprint(i)]); n < 3 {
				t.Errorf("flow %d ran %d times: it starves", i, n)
			}
		}
	})
}

func TestLoopPausesAndResumes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := during(t, time.Minute, time.Second, []Plan{{Name: "orders", Every: 10 * time.Second}}, func(l *Loop) {
			time.Sleep(time.Minute)
			l.Set([]Plan{{Name: "orders", Every: 10 * time.Second, Paused: true}})
			if !l.Next("orders").IsZero() {
				t.Error("a paused flow has a next run")
			}
			time.Sleep(time.Hour)
			l.Set([]Plan{{Name: "orders", Every: 10 * time.Second}})
		})
		paused, soonAfter := 0, false
		for _, at := range r.began["orders"] {
			if at > time.Minute+time.Second && at < time.Hour+time.Minute {
				paused++
			}
			soonAfter = soonAfter || at >= time.Hour+time.Minute && at <= time.Hour+time.Minute+soon
		}
		if paused > 0 || !soonAfter {
			t.Errorf("%d runs while it was paused; soon after it was resumed: %v", paused, soonAfter)
		}
	})
}

func TestLoopBacksOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := &recorder{began: map[string][]time.Duration{}, now: map[string]int{}, start: time.Now(), fail: func(_ string, n int) bool { return n < 8 }}
		l := New(realClock{}, 1, r.run)
		l.Set([]Plan{{Name: "orders", Every: 10 * time.Second}})
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() {
			defer close(done)
			l.Start(ctx)
		}()
		time.Sleep(time.Hour)
		cancel()
		<-done
		runs := r.began["orders"]
		for i := 2; i < 8 && i < len(runs); i++ {
			if gap, before := runs[i]-runs[i-1], runs[i-1]-runs[i-2]; gap < before {
				t.Errorf("run %d came after %s, the one before after %s", i, gap, before)
			}
		}
		if len(runs) < 20 || runs[len(runs)-1]-runs[len(runs)-2] > 15*time.Second {
			t.Errorf("after it works again it runs as before: %v", runs)
		}
	})
}

// TestARunByHandCounts: the next run by the schedule counts from it.
func TestARunByHandCounts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := New(realClock{}, 1, func(context.Context, string) bool { return false })
		l.Set([]Plan{{Name: "orders", Every: time.Hour}})
		l.Ran("orders", time.Now(), time.Now(), false)
		l.Ran("unknown", time.Now(), time.Now(), false)
		if next := l.Next("orders"); next.Before(time.Now().Add(time.Hour)) {
			t.Errorf("%s", next)
		}
	})
}

// TestStoppingWaitsForRuns: Start returns when the runs under way have ended, whose context has ended.
func TestStoppingWaitsForRuns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ended := false
		l := New(realClock{}, 1, func(ctx context.Context, _ string) bool {
			<-ctx.Done()
			time.Sleep(3 * time.Second)
			ended = true
			return false
		})
		l.Set([]Plan{{Name: "orders", Every: time.Second}})
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(time.Minute, cancel)
		l.Start(ctx)
		if !ended {
			t.Error("a run was left alone")
		}
	})
}
