package control

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"sync"
	"time"

	"github.com/pomost/pomost/host/activity"
	"github.com/pomost/pomost/host/home"
	"github.com/pomost/pomost/host/schedule"
)

// Bounds of a daemon's life.
const (
	stopGrace  = 8 * time.Second // for calls under way when it is told to stop
	pruneEvery = time.Hour
	// mostWaiting is how many flows the schedule starts at a time. All but sideBySide of them wait for their turn: flows that wait for one
	// connection leave the places to those of others.
	mostWaiting = 64
)

// ServeOptions set a daemon up.
type ServeOptions struct {
	// Listen is the loopback address of health and metrics; "" is none.
	Listen string
	// Log gets a line for whatever happens, without secrets; nil is none.
	Log func(line string)
	// Ready is called once, when flows are run and commands are answered.
	Ready func(Serving)
}

// Serving is what a daemon says of itself when it is ready.
type Serving struct {
	PID    int    `json:"pid"`
	Home   string `json:"home"`
	Socket string `json:"socket"`
	// Listen is the address of health and metrics; "" where there is none.
	Listen string `json:"listen,omitempty"`
	Flows  int    `json:"flows"`
}

// daemon is what a Service has more while this process is a daemon.
type daemon struct {
	service *Service
	opts    ServeOptions
	started time.Time
	loop    *schedule.Loop
	meters  *meters

	// work is the context of all that the daemon does; it ends when the daemon is told to stop.
	work    context.Context
	cancel  context.CancelFunc
	running sync.WaitGroup // what start began

	mu   sync.Mutex
	said map[string]string // the last line about each flow's runs
	runs int               // of those that start began, how many are not over
}

// Serve is the daemon: it holds the home, runs flows by their schedules and answers the control API, until ctx ends. Then it lets what is
// under way come to its end, in some seconds.
func (s *Service) Serve(ctx context.Context, opts ServeOptions) (err error) {
	if opts.Log == nil {
		opts.Log = func(string) {}
	}
	if err := loopbackOnly(opts.Listen); err != nil {
		return err
	}
	h, err := home.Open(s.opts.Home, home.Options{Getenv: s.opts.Getenv})
	if err != nil {
		return err
	}
	if d, ok := h.Daemon(); ok && answers(ctx, d.Socket) {
		return &Failure{Cause: "locked", Message: fmt.Sprintf("the home %s has a daemon already: process %d, since %s", h.Dir(), d.PID, d.Started.Local().Format(time.DateTime)),
			Remedy: "use that one, or end it first", exit: ExitFailed}
	}
	release, err := s.Hold(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, release()) }()
	k, leave := s.holding()
	defer leave()
	d := &daemon{service: s, opts: opts, started: s.opts.Clock.Now().UTC().Truncate(time.Second), meters: newMeters(s), said: map[string]string{}}
	d.work, d.cancel = context.WithCancel(ctx)
	defer d.cancel()
	d.loop = schedule.New(s.opts.Clock, mostWaiting, d.run)
	s.mu.Lock()
	s.daemon = d
	s.mu.Unlock()
	defer func() {
		s.mu.Lock()
		s.daemon = nil
		s.mu.Unlock()
	}()
	s.works.onEnd(d.ended)
	defer s.works.onEnd(nil)
	l, end, err := h.Listen(ctx, k.lock, home.Daemon{PID: os.Getpid(), Version: s.opts.Version, Started: d.started}, s.opts.Getenv)
	if err != nil {
		return err
	}
	defer end()
	return d.serve(ctx, h, l)
}

// serve runs everything that a daemon does beside each other, and ends it together.
func (d *daemon) serve(ctx context.Context, h *home.Home, l net.Listener) error {
	work := d.work
	var all sync.WaitGroup
	defer all.Wait()
	defer d.finish()
	defer d.cancel()
	ready := Serving{PID: os.Getpid(), Home: h.Dir(), Socket: l.Addr().String()}
	web, err := d.listen(work)
	if err != nil {
		d.log("health and metrics are not served: %v", err)
	} else if web != nil {
		ready.Listen = web.address
		all.Go(func() { web.serve(work) })
	}
	ready.Flows = d.reload()
	server := newServer(work, d.service)
	failed := make(chan error, 1)
	all.Go(func() { failed <- server.Serve(l) })
	all.Go(func() { d.loop.Start(work) })
	all.Go(func() { d.prune(work) })
	notify("READY=1")
	if d.opts.Ready != nil {
		d.opts.Ready(ready)
	}
	select {
	case <-ctx.Done():
		d.log("stopping")
		err = nil
	case err = <-failed:
		err = fmt.Errorf("the control API ended: %w", err)
	}
	notify("STOPPING=1")
	d.cancel() // runs, watchers and followers end by that
	late := time.AfterFunc(stopGrace, server.Stop)
	server.GracefulStop()
	late.Stop()
	return err
}

func (d *daemon) log(format string, args ...any) { d.opts.Log(fmt.Sprintf(format, args...)) }

// run is one run by the schedule. One that a person started just now counts as it.
func (d *daemon) run(ctx context.Context, flow string) (failed bool) {
	if d.service.works.running(flow) != nil {
		return false
	}
	res := d.service.run(ctx, nil, scheduled(flow))
	return res.Error != nil && !isStopped(res.Error)
}

// ended takes note of a run that is over.
func (d *daemon) ended(e Ended) {
	d.meters.ended(e)
	if e.Trigger != "schedule" { // what the schedule started, the loop sees itself
		d.loop.Ran(e.Flow, e.Started, e.Ended, e.Err != nil && !isStopped(e.Err))
	}
	c := e.Result.Counts
	line := fmt.Sprintf("%s: %s: %d read, %d created, %d updated, %d held, %d failed", e.Result.Name, e.Result.Status, c.Read, c.Created, c.Updated, c.Held, c.Failed)
	if e.Err != nil {
		f := AsFailure(e.Err)
		line = fmt.Sprintf("%s: %s: %s → %s", e.Result.Name, e.Result.Status, f.Error(), f.Remedy)
	}
	d.mu.Lock()
	again := d.said[e.Result.Name] == line
	d.said[e.Result.Name] = line
	d.mu.Unlock()
	// Runs that do nothing, and what is held and is read again, are worth no line each time.
	if c.Created+c.Updated > 0 || !again && (e.Err != nil || c.Held+c.Failed > 0) {
		d.log("%s", line)
	}
}

// reload gives the configuration in force to the schedule, and returns how many flows it has one for.
func (d *daemon) reload() int {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	n := 0
	err := d.service.reading(ctx, func(st *home.State) error {
		c, _, err := configIn(ctx, st)
		if err != nil {
			return err
		}
		paused, err := st.Store.Paused(ctx)
		if err != nil {
			return err
		}
		var plans []schedule.Plan
		for _, name := range sortedKeys(c.Flows) {
			p := schedule.Plan{Name: name, Every: c.Flows[name].Every(), Paused: !paused[name].IsZero()}
			if p.Every > 0 {
				n++
			}
			plans = append(plans, p)
		}
		d.loop.Set(plans)
		return nil
	})
	if err != nil {
		d.log("the configuration cannot be read: %v", err)
	}
	return n
}

func (d *daemon) nextRun(flow string) time.Time { return d.loop.Next(flow) }

// prune drops what the activity log keeps no longer, also while no flow runs.
func (d *daemon) prune(ctx context.Context) {
	for d.service.opts.Clock.Sleep(ctx, pruneEvery) == nil {
		err := d.service.reading(ctx, func(st *home.State) error {
			c, _, err := configIn(ctx, st)
			if err != nil {
				return err
			}
			return activity.Prune(ctx, st.Store, st.Vault, d.service.opts.Clock.Now(), c.KeepDays)
		})
		if err != nil && ctx.Err() == nil {
			d.log("%v", err)
		}
	}
}

// answers tells whether somebody listens at a socket.
func answers(ctx context.Context, socket string) bool {
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	c, err := (&net.Dialer{}).DialContext(ctx, "unix", socket)
	if err != nil {
		return false
	}
	_ = c.Close()
	return true
}

// notify tells systemd how this service is, where it asks (sd_notify).
func notify(state string) {
	socket := os.Getenv("NOTIFY_SOCKET")
	if socket == "" {
		return
	}
	if socket[0] == '@' {
		socket = "\x00" + socket[1:]
	}
	c, err := net.DialUnix("unixgram", nil, &net.UnixAddr{Name: socket, Net: "unixgram"})
	if err != nil {
		return // nobody waits for it
	}
	defer c.Close()
	_, _ = c.Write([]byte(state))
}
