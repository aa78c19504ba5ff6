package connector

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	connectorv1 "github.com/pomost/pomost/proto/connector/v1"
)

// hostLink is the plugin's end of the Host stream: requests and reports go out, answers come in, heartbeats go both ways.
type hostLink struct {
	opened chan struct{} // closed when the host has opened the stream
	gone   chan struct{} // closed when the stream has ended
	out    chan *connectorv1.HostResponse

	taken atomic.Bool
	mu    sync.Mutex
	next  uint64
	open  map[uint64]chan *connectorv1.HostRequest
}

// queued bounds what waits to be sent to the host.
const queued = 256

func newHostLink() *hostLink {
	return &hostLink{
		opened: make(chan struct{}),
		gone:   make(chan struct{}),
		out:    make(chan *connectorv1.HostResponse, queued),
		open:   map[uint64]chan *connectorv1.HostRequest{},
	}
}

type hostStream = grpc.BidiStreamingServer[connectorv1.HostRequest, connectorv1.HostResponse]

// serve runs the stream until it ends or the host falls silent.
func (l *hostLink) serve(stream hostStream) error {
	if !l.taken.CompareAndSwap(false, true) {
		return status.Error(codes.FailedPrecondition, "the Host stream is open already")
	}
	close(l.opened)
	defer close(l.gone)

	heard := make(chan struct{}, 1)
	ended := make(chan error, 1)
	go func() { // ends with the stream, which ends when serve returns
		for {
			m, err := stream.Recv()
			if err != nil {
				ended <- err
				return
			}
			l.answer(m)
			select {
			case heard <- struct{}{}:
			default:
			}
		}
	}()
	beat := time.NewTicker(connectorv1.Heartbeat)
	defer beat.Stop()
	silence := time.NewTimer(connectorv1.HeartbeatTimeout)
	defer silence.Stop()
	for {
		m := &connectorv1.HostResponse{} // a heartbeat
		select {
		case <-heard:
			silence.Reset(connectorv1.HeartbeatTimeout)
			continue
		case <-silence.C:
			return status.Error(codes.DeadlineExceeded, "the host is silent")
		case err := <-ended:
			return err
		case m = <-l.out:
		case <-beat.C:
		}
		if err := stream.Send(m); err != nil {
			return err
		}
	}
}

func (l *hostLink) answer(m *connectorv1.HostRequest) {
	l.mu.Lock()
	ch := l.open[m.GetId()]
	delete(l.open, m.GetId())
	l.mu.Unlock()
	if ch != nil {
		ch <- m // has room for the one answer
	}
}

// ask sends a request and waits for its answer.
func (l *hostLink) ask(ctx context.Context, m *connectorv1.HostResponse) (*connectorv1.HostRequest, error) {
	ch := make(chan *connectorv1.HostRequest, 1)
	l.mu.Lock()
	l.next++
	m.Id = l.next
	l.open[m.Id] = ch
	l.mu.Unlock()
	defer func() {
		l.mu.Lock()
		delete(l.open, m.Id)
		l.mu.Unlock()
	}()
	gone := &Error{Cause: CausePluginFailed, Message: "the host is gone", Retryable: true}
	select {
	case l.out <- m:
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-l.gone:
		return nil, gone
	}
	select {
	case a := <-ch:
		return a, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-l.gone:
		return nil, gone
	}
}

// remoteHost is the Host that a connection sees.
type remoteHost struct {
	link       *hostLink
	connection string
}

// callKey finds the number of the call in a context, so that the host knows which call reports progress.
type callKey struct{}

func (h *remoteHost) call(ctx context.Context) *connectorv1.Call {
	id, _ := ctx.Value(callKey{}).(uint64)
	return &connectorv1.Call{Connection: h.connection, Id: id}
}

// Token implements Host.
func (h *remoteHost) Token(ctx context.Context, rejected string) (string, error) {
	a, err := h.link.ask(ctx, &connectorv1.HostResponse{
		Call: h.call(ctx),
		Ask:  &connectorv1.HostResponse_Token{Token: &connectorv1.Token{Rejected: rejected}},
	})
	if err != nil {
		return "", err
	}
	if e := a.GetError(); e != nil {
		return "", errorFromProto(e)
	}
	return a.GetToken(), nil
}

// maxExchangeBody cuts the bodies of an Exchange; exchangeWait bounds how long a report waits for room in the queue.
const (
	maxExchangeBody = 1 << 20
	exchangeWait    = time.Second
)

// Exchange implements Host. A report that finds no room for a second is dropped: the call matters more than its log.
func (h *remoteHost) Exchange(ctx context.Context, x Exchange) {
	m := &connectorv1.HostResponse{Call: h.call(ctx), Ask: &connectorv1.HostResponse_Exchange{Exchange: exchangeToProto(x)}}
	select {
	case h.link.out <- m:
		return
	default:
	}
	wait := time.NewTimer(exchangeWait)
	defer wait.Stop()
	select {
	case h.link.out <- m:
	case <-wait.C:
	case <-h.link.gone:
	}
}

// Progress implements Host. It is dropped when the queue is full: another follows.
func (h *remoteHost) Progress(ctx context.Context, p Progress) {
	m := &connectorv1.Progress{What: wireText(p.What)}
	if p.Wait > 0 {
		m.Wait = durationToProto(p.Wait)
	}
	select {
	case h.link.out <- &connectorv1.HostResponse{Call: h.call(ctx), Ask: &connectorv1.HostResponse_Progress{Progress: m}}:
	default:
	}
}

var _ Host = (*remoteHost)(nil)
