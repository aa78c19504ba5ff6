package connector

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime/debug"
	"sync"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/status"

	connectorv1 "github.com/pomost/pomost/proto/connector/v1"
	"github.com/pomost/pomost/sdk/record"
	"github.com/pomost/pomost/sdk/wire"
)

// service speaks the protocol for a Connector. It holds the open connections and nothing else.
type service struct {
	connectorv1.UnimplementedConnectorServiceServer
	c       Connector
	host    *hostLink
	schemas wire.SchemaCache

	mu    sync.Mutex
	conns map[string]*openConnection
}

// openConnection is a connection with the calls that use it.
type openConnection struct {
	Connection
	ctx    context.Context // ends when the connection is to be closed
	cancel context.CancelFunc
	calls  sync.WaitGroup
}

func newService(c Connector) *service {
	return &service{c: c, host: newHostLink(), conns: map[string]*openConnection{}}
}

// closeTime bounds how long closing waits for the calls of a connection to return.
const closeTime = 5 * time.Second

// close ends the connection's calls, waits for them within bounds, and closes it.
func (o *openConnection) close(bound time.Duration) (err error) {
	o.cancel()
	done := make(chan struct{})
	go func() { o.calls.Wait(); close(done) }()
	select {
	case <-done:
	case <-time.After(bound):
	}
	defer guard(&err, "Close")
	return o.Close()
}

// shutdown closes all connections at once, within shutdownTime.
func (s *service) shutdown() {
	s.mu.Lock()
	conns := s.conns
	s.conns = map[string]*openConnection{}
	s.mu.Unlock()
	var wg sync.WaitGroup
	for _, o := range conns {
		wg.Go(func() { _ = o.close(shutdownTime) }) // nobody is left to hear of an error
	}
	wg.Wait()
}

// guard turns a panic of the connector into an error of the call; its stack goes to stderr, which the host keeps.
func guard(err *error, call string) {
	if p := recover(); p != nil {
		fmt.Fprintf(os.Stderr, "panic: %v (in %s)\n%s", p, call, debug.Stack())
		*err = callError(&Error{
			Cause:   CausePluginFailed,
			Message: fmt.Sprintf("the connector panicked in %s: %v", call, p),
			Remedy:  "This is a fault of the connector: report it to its author.",
		})
	}
}

// begin prepares a call: its connection, and a context that ends with the caller or the connection and knows its number.
func (s *service) begin(ctx context.Context, call *connectorv1.Call) (*openConnection, context.Context, func(), error) {
	s.mu.Lock()
	o := s.conns[call.GetConnection()]
	if o != nil {
		o.calls.Add(1)
	}
	s.mu.Unlock()
	if o == nil {
		return nil, nil, nil, callError(&Error{Cause: CausePluginFailed, Retryable: true,
			Message: fmt.Sprintf("the connection %q is not open in the connector", call.GetConnection())})
	}
	ctx, cancel := context.WithCancel(context.WithValue(ctx, callKey{}, call.GetId()))
	stop := context.AfterFunc(o.ctx, cancel)
	return o, ctx, func() { stop(); cancel(); o.calls.Done() }, nil
}

// failed is the status of a method's error: "cancelled" only where the caller did cancel.
func failed(ctx context.Context, err error) error {
	if e := ctx.Err(); e != nil && errors.Is(err, e) {
		return status.FromContextError(e).Err()
	}
	return callError(err)
}

// Host implements the call of that name.
func (s *service) Host(stream grpc.BidiStreamingServer[connectorv1.HostRequest, connectorv1.HostResponse]) error {
	return s.host.serve(stream)
}

// Describe implements the call of that name.
func (s *service) Describe(context.Context, *connectorv1.DescribeRequest) (_ *connectorv1.DescribeResponse, err error) {
	defer guard(&err, "Describe")
	return descriptionToProto(s.c.Describe()), nil
}

// Authorize implements the call of that name.
func (s *service) Authorize(ctx context.Context, r *connectorv1.AuthorizeRequest) (_ *connectorv1.AuthorizeResponse, err error) {
	defer guard(&err, "Authorize")
	a, err := s.c.Authorize(ctx, AuthorizeRequest{
		Settings: r.GetSettings(), ClientID: r.GetClientId(), RedirectURL: r.GetRedirectUrl(), State: r.GetState(), Challenge: r.GetChallenge(),
	})
	if err != nil {
		return nil, failed(ctx, err)
	}
	return &connectorv1.AuthorizeResponse{Url: a.URL}, nil
}

// Open implements the call of that name.
func (s *service) Open(ctx context.Context, r *connectorv1.OpenRequest) (_ *connectorv1.OpenResponse, err error) {
	defer guard(&err, "Open")
	id := r.GetCall().GetConnection()
	ctx = context.WithValue(ctx, callKey{}, r.GetCall().GetId())
	settings := Settings(r.GetSettings())
	if settings == nil {
		settings = Settings{}
	}
	conn, problems := s.c.Open(ctx, settings, &remoteHost{link: s.host, connection: id})
	out := &connectorv1.OpenResponse{}
	for _, p := range problems {
		out.Problems = append(out.Problems, &connectorv1.Problem{Setting: wireText(p.Setting), Message: wireText(p.Message), Remedy: wireText(p.Remedy)})
	}
	if len(problems) > 0 {
		return out, nil
	}
	if conn == nil {
		return nil, callError(errors.New("Open gave neither a connection nor a problem"))
	}
	o := &openConnection{Connection: conn}
	o.ctx, o.cancel = context.WithCancel(context.Background()) // a connection outlives the call that opens it
	s.mu.Lock()
	old := s.conns[id]
	s.conns[id] = o
	s.mu.Unlock()
	if old != nil {
		_ = old.close(closeTime) // what the old one says no longer matters
	}
	return out, nil
}

// Close implements the call of that name.
func (s *service) Close(_ context.Context, r *connectorv1.CloseRequest) (*connectorv1.CloseResponse, error) {
	id := r.GetCall().GetConnection()
	s.mu.Lock()
	o := s.conns[id]
	delete(s.conns, id)
	s.mu.Unlock()
	if o != nil {
		if err := o.close(closeTime); err != nil {
			return nil, callError(err)
		}
	}
	return &connectorv1.CloseResponse{}, nil
}

// Check implements the call of that name.
func (s *service) Check(ctx context.Context, r *connectorv1.CheckRequest) (_ *connectorv1.CheckResponse, err error) {
	defer guard(&err, "Check")
	o, ctx, done, err := s.begin(ctx, r.GetCall())
	if err != nil {
		return nil, err
	}
	defer done()
	results, err := o.Check(ctx)
	if err != nil {
		return nil, failed(ctx, err)
	}
	out := &connectorv1.CheckResponse{}
	for _, c := range results {
		out.Results = append(out.Results, &connectorv1.CheckResult{
			Name: wireText(c.Name), Title: wireText(c.Title), Ok: c.OK, Warning: c.Warning,
			Cause: string(c.Cause), Message: wireText(c.Message), Remedy: wireText(c.Remedy),
		})
	}
	return out, nil
}

// Discover implements the call of that name.
func (s *service) Discover(ctx context.Context, r *connectorv1.DiscoverRequest) (_ *connectorv1.DiscoverResponse, err error) {
	defer guard(&err, "Discover")
	o, ctx, done, err := s.begin(ctx, r.GetCall())
	if err != nil {
		return nil, err
	}
	defer done()
	schema, err := o.Discover(ctx, r.GetObject())
	if err != nil {
		return nil, failed(ctx, err)
	}
	packed, err := wire.AppendSchema(nil, schema)
	if err != nil {
		return nil, callError(fmt.Errorf("the schema of %s: %w", r.GetObject(), err))
	}
	return &connectorv1.DiscoverResponse{Schema: packed}, nil
}

// List implements the call of that name.
func (s *service) List(ctx context.Context, r *connectorv1.ListRequest) (_ *connectorv1.ListResponse, err error) {
	defer guard(&err, "List")
	o, ctx, done, err := s.begin(ctx, r.GetCall())
	if err != nil {
		return nil, err
	}
	defer done()
	items, err := o.List(ctx, r.GetList())
	if err != nil {
		return nil, failed(ctx, err)
	}
	out := &connectorv1.ListResponse{}
	for _, i := range items {
		item := &connectorv1.ListItem{Id: wireText(i.ID), Name: wireText(i.Name)}
		if len(i.Attributes) > 0 {
			item.Attributes = make(map[string]string, len(i.Attributes))
			for k, v := range i.Attributes {
				item.Attributes[wireText(k)] = wireText(v)
			}
		}
		out.Items = append(out.Items, item)
	}
	return out, nil
}

// Find implements the call of that name.
func (s *service) Find(ctx context.Context, r *connectorv1.FindRequest) (_ *connectorv1.FindResponse, err error) {
	defer guard(&err, "Find")
	o, ctx, done, err := s.begin(ctx, r.GetCall())
	if err != nil {
		return nil, err
	}
	defer done()
	req := FindRequest{Object: r.GetObject(), Keys: make([]Key, len(r.GetKeys()))}
	for i, k := range r.GetKeys() {
		req.Keys[i].Around = record.Date(k.GetAround())
		for _, f := range k.GetFields() {
			v, err := wire.ReadValue(f.GetValue())
			if err != nil {
				return nil, callError(fmt.Errorf("key %d, field %s: %w", i+1, f.GetName(), err))
			}
			req.Keys[i].Fields = append(req.Keys[i].Fields, KeyField{Name: f.GetName(), Value: v})
		}
	}
	results, err := o.Find(ctx, req)
	if err != nil {
		return nil, failed(ctx, err)
	}
	out := &connectorv1.FindResponse{}
	var w wire.Writer
	for i, f := range results {
		one := &connectorv1.FindResult{Reason: wireText(f.Reason), Cause: wireText(string(f.Cause))}
		switch f.Status {
		case Found:
			one.Status = connectorv1.FindStatus_FIND_STATUS_FOUND
		case AbsentEverywhere:
			one.Status = connectorv1.FindStatus_FIND_STATUS_ABSENT
		}
		for _, scope := range f.Scopes {
			one.Scopes = append(one.Scopes, wireText(scope))
		}
		if len(f.Records) > 0 {
			found := f.Records[:min(len(f.Records), MaxFound)]
			schema, packed, n, err := w.Frame(found[0].Schema, found)
			if err != nil {
				return nil, callError(fmt.Errorf("what was found for key %d: %w", i+1, err))
			}
			if n < len(found) {
				return nil, callError(fmt.Errorf("what was found for key %d is too large", i+1))
			}
			one.Rows = &connectorv1.Rows{Schema: schema, Count: uint32(n), Records: packed}
		}
		out.Results = append(out.Results, one)
	}
	return out, nil
}

// Read implements the call of that name.
func (s *service) Read(r *connectorv1.ReadRequest, stream grpc.ServerStreamingServer[connectorv1.ReadResponse]) (err error) {
	defer guard(&err, "Read")
	o, ctx, done, err := s.begin(stream.Context(), r.GetCall())
	if err != nil {
		return err
	}
	defer done()
	req := ReadRequest{Object: r.GetObject(), Cursor: r.Cursor, LookBack: r.GetLookBack().AsDuration(), BatchSize: int(r.GetBatchSize())}
	for _, c := range r.GetWhere() {
		v, err := wire.ReadValue(c.GetValue())
		if err != nil {
			return callError(fmt.Errorf("condition on %s: %w", c.GetField(), err))
		}
		req.Where = append(req.Where, Condition{Field: c.GetField(), Op: c.GetOp(), Value: v})
	}
	var w wire.Writer
	err = o.Read(ctx, req, func(b Batch) error {
		if err := ctx.Err(); err != nil {
			return err
		}
		return sendBatch(stream, &w, b)
	})
	if err != nil {
		return failed(ctx, err)
	}
	return nil
}

// sendBatch sends a batch in as many frames as it needs; only the last carries the cursor.
func sendBatch(stream grpc.ServerStreamingServer[connectorv1.ReadResponse], w *wire.Writer, b Batch) error {
	schema, records := b.Schema, b.Records
	if schema == nil && len(records) > 0 {
		schema = records[0].Schema
	}
	for {
		m := &connectorv1.ReadResponse{}
		if len(records) > 0 {
			tree, packed, n, err := w.Frame(schema, records)
			if err != nil {
				return err
			}
			m.Rows = &connectorv1.Rows{Schema: tree, Count: uint32(n), Records: packed}
			records = records[n:]
		}
		if len(records) == 0 {
			m.Cursor = b.Cursor
			return stream.Send(m)
		}
		if err := stream.Send(m); err != nil {
			return err
		}
	}
}

// Undo implements the call of that name.
func (s *service) Undo(ctx context.Context, r *connectorv1.UndoRequest) (_ *connectorv1.UndoResponse, err error) {
	defer guard(&err, "Undo")
	o, ctx, done, err := s.begin(ctx, r.GetCall())
	if err != nil {
		return nil, err
	}
	defer done()
	var result WriteResult
	if u, ok := o.Connection.(Undoer); ok {
		result, err = u.Undo(ctx, UndoRequest{Object: r.GetObject(), Key: r.GetKey(), NotAfter: timeFromProto(r.GetNotAfter())})
		if err != nil {
			return nil, failed(ctx, err)
		}
	} else {
		result = WriteResult{Outcome: OutcomeRefused, Err: &Error{Cause: CauseRefused, Message: "This connector cannot take back what it wrote."}}
	}
	var w wire.Writer
	m, _ := packResults(&w, []WriteResult{result})
	return &connectorv1.UndoResponse{Result: m}, nil
}

var _ connectorv1.ConnectorServiceServer = (*service)(nil)
