package connector

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hashicorp/go-plugin"

	"github.com/pomost/pomost/host/child"
	connectorv1 "github.com/pomost/pomost/proto/connector/v1"
	"github.com/pomost/pomost/sdk/connector"
	"github.com/pomost/pomost/sdk/wire"
)

// instance is one running plugin process. It lives until stop is called, by whoever notices first that it is dead or
// must die; its context then ends with the reason.
type instance struct {
	slot        *slot
	name        string
	client      *plugin.Client
	proc        *process
	words       *child.LastWords
	rpc         connectorv1.ConnectorServiceClient
	description connector.Description
	schemas     wire.SchemaCache
	started     time.Time
	dir         string

	ctx    context.Context
	cancel context.CancelCauseFunc
	up     atomic.Bool // started with success
	once   sync.Once
	work   sync.WaitGroup // its goroutines
	done   chan struct{}  // closed when nothing of it is left

	out chan *connectorv1.HostRequest // to the Host stream

	mu    sync.Mutex
	calls map[uint64]*call
	past  [16]*call // the last ones that ended, see about
	ended int       // how many
}

// stop kills the process and its group and cleans up, once. It returns at once; done tells the end.
func (i *instance) stop(reason error) { i.once.Do(func() { i.end(reason) }) }

// fail is stop for a process that died or must die: it counts.
func (i *instance) fail(reason error) {
	i.once.Do(func() {
		if i.up.Load() { // before that, start reports the failure
			i.slot.died(i, reason)
		}
		i.end(reason)
	})
}

func (i *instance) end(reason error) {
	i.cancel(reason)
	go func() {
		defer close(i.done)
		_ = i.proc.Kill(context.Background())
		// With the process dead this only waits for its remains; without that it would wait for an answer of a plugin
		// that may be hung.
		i.client.Kill()
		i.work.Wait()
		_ = os.RemoveAll(i.dir) // removed with the whole runtime folder if it fails
		_ = i.proc.binary.Close()
	}()
}

// watch notices the end of the process.
func (i *instance) watch() {
	defer i.work.Done()
	select {
	case <-i.ctx.Done():
	case <-i.proc.exited:
		i.fail(i.deathOf("ended unexpectedly (" + i.proc.state + ")"))
	}
}

// deathOf is the typed error of a death, with the plugin's last words.
func (i *instance) deathOf(how string) *connector.Error {
	message := fmt.Sprintf("The connector %s %s.", i.name, how)
	if last := i.words.String(); last != "" {
		message += " Its last words: " + last
	}
	return pluginFailed(message, "It is started again by itself. If this happens again, update the connector or report it to its author.", true, nil)
}

// talk runs the Host stream: heartbeats both ways, requests of the plugin, answers to it.
func (i *instance) talk(stream connectorv1.ConnectorService_HostClient) {
	defer i.work.Done()
	heard := make(chan struct{}, 1)
	i.work.Add(1)
	go i.listen(stream, heard)
	o := &i.slot.m.opts
	beat := time.NewTicker(o.Heartbeat)
	defer beat.Stop()
	silence := time.NewTimer(o.HeartbeatTimeout)
	defer silence.Stop()
	for {
		m := &connectorv1.HostRequest{} // a heartbeat
		select {
		case <-i.ctx.Done():
			return
		case <-heard:
			silence.Reset(o.HeartbeatTimeout)
			continue
		case <-silence.C:
			i.fail(i.deathOf(fmt.Sprintf("hung: no sign of life for %s; it was killed", o.HeartbeatTimeout)))
			return
		case m = <-i.out:
		case <-beat.C:
		}
		if err := stream.Send(m); err != nil {
			i.lost()
			return
		}
	}
}

// lost is called when the stream has broken: the process is dead, or as good as. Its exit status, if there is one soon,
// says more than the broken stream.
func (i *instance) lost() {
	select {
	case <-i.ctx.Done():
	case <-i.proc.exited: // watch tells
		<-i.ctx.Done()
	case <-time.After(time.Second):
		i.fail(i.deathOf("broke off the connection to Pomost; it was killed"))
	}
}

func (i *instance) listen(stream connectorv1.ConnectorService_HostClient, heard chan<- struct{}) {
	defer i.work.Done()
	tokens := make(chan struct{}, maxTokenRequests)
	for {
		m, err := stream.Recv()
		if err != nil {
			i.lost()
			return
		}
		select {
		case heard <- struct{}{}:
		default:
		}
		i.serve(m, tokens)
	}
}

// maxTokenRequests bounds the token requests of one plugin that are served at the same time.
const maxTokenRequests = 64

// serve does what the plugin asks of its host. It must not block: heartbeats come in behind it.
func (i *instance) serve(m *connectorv1.HostResponse, tokens chan struct{}) {
	c := i.slot.connection(m.GetCall().GetConnection())
	if c == nil || c.host == nil {
		if m.GetToken() != nil {
			i.answer(m.GetId(), "", pluginFailed("the host knows no such connection", "", false, nil))
		}
		return
	}
	switch ask := m.GetAsk().(type) {
	case *connectorv1.HostResponse_Token:
		select {
		case tokens <- struct{}{}:
		default:
			i.answer(m.GetId(), "", pluginFailed("too many requests for tokens at the same time", "", true, nil))
			return
		}
		i.touch(m.GetCall(), 0)
		i.work.Add(1)
		go func() {
			defer i.work.Done()
			defer func() { <-tokens }()
			token, err := c.host.Token(i.ctx, ask.Token.GetRejected())
			i.words.Hide(token)
			i.touch(m.GetCall(), 0)
			i.answer(m.GetId(), token, err)
		}()
	case *connectorv1.HostResponse_Exchange:
		i.touch(m.GetCall(), 0)
		c.host.Exchange(i.about(m.GetCall()), exchangeFromProto(ask.Exchange))
	case *connectorv1.HostResponse_Progress:
		p := connector.Progress{What: child.Sanitise(ask.Progress.GetWhat()), Wait: min(max(0, ask.Progress.GetWait().AsDuration()), maxWait)}
		i.touch(m.GetCall(), p.Wait)
		c.host.Progress(i.ctx, p)
	}
}

// maxWait bounds the wait that a plugin can announce: a call that waits longer is hung.
const maxWait = 15 * time.Minute

func (i *instance) answer(id uint64, token string, err error) {
	a := &connectorv1.HostRequest{Id: id}
	if err != nil {
		a.Answer = &connectorv1.HostRequest_Error{Error: errorToProto(connector.AsError(err))}
	} else {
		a.Answer = &connectorv1.HostRequest_Token{Token: token}
	}
	select {
	case i.out <- a:
	case <-i.ctx.Done():
	}
}

// errHung is the cause with which a silent call's context ends.
var errHung = errors.New("no answer and no progress")

// call watches one call of the protocol: it must not be silent for longer than the time-out.
type call struct {
	id         uint64
	connection string
	timeout    time.Duration
	values     context.Context // of the caller, for what is reported about the call; it never ends
	mu         sync.Mutex
	timer      *time.Timer
	paused     bool
	ended      bool
}

// newCall registers a call. ctx ends with it, with the instance or with the caller; finish must be called.
func (i *instance) newCall(parent context.Context, connection string) (c *call, ctx context.Context, finish func()) {
	// The deadline of the caller stays here: sent along, the plugin could notice it first, and its answer would look like a
	// failure.
	ctx, cancel := context.WithCancelCause(context.WithoutCancel(parent))
	leave := context.AfterFunc(parent, func() { cancel(context.Cause(parent)) })
	c = &call{id: i.slot.m.callID(), connection: connection, timeout: i.slot.m.opts.CallTimeout, values: context.WithoutCancel(parent)}
	c.timer = time.AfterFunc(c.timeout, func() { cancel(errHung) })
	stop := context.AfterFunc(i.ctx, func() { cancel(context.Cause(i.ctx)) })
	i.mu.Lock()
	i.calls[c.id] = c
	i.mu.Unlock()
	return c, ctx, func() {
		c.mu.Lock()
		c.ended = true
		c.timer.Stop()
		c.mu.Unlock()
		leave()
		stop()
		cancel(nil)
		i.mu.Lock()
		delete(i.calls, c.id)
		i.past[i.ended%len(i.past)] = c
		i.ended++
		i.mu.Unlock()
	}
}

// touch says that the call is alive, and may now be silent for the time-out and extra.
func (c *call) touch(extra time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	// A timer that has fired has ended the context; setting it again does no harm.
	if !c.ended && !c.paused {
		c.timer.Reset(c.timeout + extra)
	}
}

// about is the context of the call that a report is about, with the values of its caller: also of one that has just ended, since
// reports and answers come on streams of their own.
func (i *instance) about(which *connectorv1.Call) context.Context {
	i.mu.Lock()
	defer i.mu.Unlock()
	if c := i.calls[which.GetId()]; c != nil {
		return c.values
	}
	for _, c := range i.past {
		if c != nil && c.id == which.GetId() {
			return c.values
		}
	}
	return i.ctx
}

// pause stops the clock while the host is at work, resume starts it again.
func (c *call) pause() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.paused = true
	c.timer.Stop()
}

func (c *call) resume() {
	c.mu.Lock()
	c.paused = false
	c.mu.Unlock()
	c.touch(0)
}

// touch finds the call that a report is for; one for no particular call counts for all of its connection.
func (i *instance) touch(which *connectorv1.Call, extra time.Duration) {
	i.mu.Lock()
	defer i.mu.Unlock()
	for id, c := range i.calls {
		if id == which.GetId() || which.GetId() == 0 && c.connection == which.GetConnection() {
			c.touch(extra)
		}
	}
}
