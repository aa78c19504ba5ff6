package logview

import (
	"context"
	"errors"
	"sync"
	"time"

	tea "charm.land/bubbletea/v2"

	"github.com/pomost/pomost/host/control"
)

// How fast the screen changes at most, and how long a lost stream waits before it asks again.
const (
	frame      = time.Second / 30
	retryFirst = time.Second
	retryMost  = 15 * time.Second
)

var errEnded = errors.New("the log ended")

// pace are the waits of a stream; tests make them short.
type pace struct{ frame, retryFirst, retryMost time.Duration }

// stream reads the log in a goroutine of its own, begins again where it breaks off, and keeps what came until the page takes it. It keeps
// at most twice as many lines as the page shows; older ones are counted and dropped.
type stream struct {
	api    control.API
	ctx    context.Context
	cancel context.CancelFunc
	pace   pace
	keep   int
	news   chan struct{} // holds one token when there is something to take

	mu      sync.Mutex
	pending []control.LogEntry
	dropped int
	broken  error // why the stream ended; nil while it runs
}

// open begins to read; cancel ends it, and the group waits for its end.
func open(ctx context.Context, group *sync.WaitGroup, api control.API, req control.LogsRequest, keep int, p pace) *stream {
	s := &stream{api: api, pace: p, keep: keep, news: make(chan struct{}, 1)}
	s.ctx, s.cancel = context.WithCancel(ctx)
	req.Follow = true
	group.Go(func() { s.read(req) })
	return s
}

func (s *stream) read(req control.LogsRequest) {
	wait := s.pace.retryFirst
	for {
		// A stream that holds for a while is whole again, even if nothing is new.
		mend := time.AfterFunc(s.pace.retryFirst, s.mend)
		err := s.api.Logs(s.ctx, req, func(e control.LogEntry) error {
			req.After, req.Last, req.Since = e.ID, 0, time.Time{}
			wait = s.pace.retryFirst
			s.add(e)
			return s.ctx.Err()
		})
		mend.Stop()
		if s.ctx.Err() != nil {
			return
		}
		if err == nil && !req.Until.IsZero() { // all of a time that is over has come
			return
		}
		s.breakOff(err)
		timer := time.NewTimer(wait)
		select {
		case <-s.ctx.Done():
			timer.Stop()
			return
		case <-timer.C:
		}
		wait = min(2*wait, s.pace.retryMost)
	}
}

func (s *stream) add(e control.LogEntry) {
	s.mu.Lock()
	s.broken = nil
	s.pending = append(s.pending, e)
	if len(s.pending) >= 2*s.keep {
		n := len(s.pending) - s.keep
		s.dropped += n
		s.pending = append(s.pending[:0], s.pending[n:]...)
	}
	s.mu.Unlock()
	s.tell()
}

func (s *stream) mend() {
	s.mu.Lock()
	was := s.broken
	s.broken = nil
	s.mu.Unlock()
	if was != nil {
		s.tell()
	}
}

func (s *stream) breakOff(err error) {
	if err == nil {
		err = errEnded
	}
	s.mu.Lock()
	s.broken = err
	s.mu.Unlock()
	s.tell()
}

func (s *stream) tell() {
	select {
	case s.news <- struct{}{}:
	default:
	}
}

// take returns what came since it was last called, and how many lines had to be dropped before these.
func (s *stream) take() (entries []control.LogEntry, dropped int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	entries, dropped = s.pending, s.dropped
	s.pending, s.dropped = nil, 0
	return entries, dropped
}

// waiting is how many lines are there to be taken, dropped ones included; broken why nothing comes, nil while it does.
func (s *stream) waiting() (n int, broken error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.pending) + s.dropped, s.broken
}

// arrived says that there is something to take.
type arrived struct{ from *stream }

// wait returns a command that ends when there is something to take, and not before the screen may change again; or when ctx ends.
func (s *stream) wait(ctx context.Context) tea.Cmd {
	return func() tea.Msg {
		select {
		case <-s.ctx.Done():
			return nil
		case <-ctx.Done():
			return nil
		case <-s.news:
		}
		timer := time.NewTimer(s.pace.frame)
		defer timer.Stop()
		select {
		case <-s.ctx.Done():
			return nil
		case <-ctx.Done():
			s.tell() // whoever waits next must know
			return nil
		case <-timer.C:
		}
		return arrived{s}
	}
}
