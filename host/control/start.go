package control

import (
	"context"
	"sync"
)

// mostStarted is how many runs that were started may be under way or wait for their turn at a time.
const mostStarted = 64

// StartRequest says what is to be run: flows, a plan, or remembered records. One of them is given.
type StartRequest struct {
	Flows []string
	Plan  string // its ID
	Retry *RetryRequest
}

// Start implements API.
func (s *Service) Start(ctx context.Context, req StartRequest, progress func(Event)) RunResult {
	s.mu.Lock()
	d := s.daemon
	s.mu.Unlock()
	if d == nil {
		return s.perform(ctx, req, progress)
	}
	tell, mute := audible(progress)
	defer mute()
	result := make(chan RunResult, 1)
	if err := d.start(func(work context.Context) { result <- s.perform(work, req, tell) }); err != nil {
		return RunResult{Flows: []FlowResult{}, Error: AsFailure(err)}
	}
	select {
	case res := <-result:
		return res
	case <-ctx.Done():
	}
	if d.work.Err() != nil { // it ends now, and how is worth being told
		return <-result
	}
	return leftAlone(ctx.Err())
}

// perform runs what a request names, until ctx ends.
func (s *Service) perform(ctx context.Context, req StartRequest, progress func(Event)) RunResult {
	switch {
	case len(req.Flows) > 0:
		return s.Run(ctx, req.Flows, progress)
	case req.Plan != "":
		return s.RunPlan(ctx, req.Plan, progress)
	case req.Retry != nil:
		return s.Retry(ctx, *req.Retry, progress)
	}
	return RunResult{Flows: []FlowResult{}, Error: nothingNamed()}
}

func nothingNamed() *Failure {
	return usage("nothing is named that is to be run", "name flows, a plan, or records")
}

// leftAlone is what a started run answers to whoever stops waiting for it.
func leftAlone(err error) RunResult {
	return RunResult{Flows: []FlowResult{}, Error: &Failure{Cause: "left_alone", Message: "nobody waits for this run any more; it goes on", Remedy: "`pomost logs -f` shows what it does",
		exit: ExitFailed, err: err}}
}

// audible passes progress on until mute returns: a run may outlive whoever listened to it.
func audible(progress func(Event)) (tell func(Event), mute func()) {
	if progress == nil {
		return nil, func() {}
	}
	var mu sync.Mutex
	over := false
	return func(e Event) {
			mu.Lock()
			defer mu.Unlock()
			if !over {
				progress(e)
			}
		}, func() {
			mu.Lock()
			defer mu.Unlock()
			over = true
		}
}

// start begins work that belongs to the daemon, and not to whoever asked for it: its context ends with the daemon.
func (d *daemon) start(do func(ctx context.Context)) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	switch {
	case d.work.Err() != nil:
		return errReleased
	case d.runs >= mostStarted:
		return &Failure{Cause: "busy", Message: "too many runs wait for their turn already", Remedy: "wait until some are over, or stop them", exit: ExitFailed}
	}
	d.runs++
	d.running.Go(func() {
		defer func() {
			d.mu.Lock()
			d.runs--
			d.mu.Unlock()
		}()
		do(d.work)
	})
	return nil
}

// finish waits for the work that start began. The daemon's context has ended: nothing new begins.
func (d *daemon) finish() {
	d.mu.Lock()   // whoever was just beginning is counted now
	d.mu.Unlock() //nolint:staticcheck // that is all that the lock is for
	d.running.Wait()
}
