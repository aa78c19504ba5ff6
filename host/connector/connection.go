package connector

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"sync"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/pomost/pomost/host/child"
	connectorv1 "github.com/pomost/pomost/proto/connector/v1"
	"github.com/pomost/pomost/sdk/connector"
	"github.com/pomost/pomost/sdk/record"
	"github.com/pomost/pomost/sdk/wire"
)

// connection is a connector.Connection whose other end is in a plugin process, this one or the next.
type connection struct {
	slot     *slot
	id       string
	settings connector.Settings
	host     connector.Host

	mu     sync.Mutex
	openIn *instance // where it is open
	closed bool
}

func newConnection(s *slot, id string, settings connector.Settings, host connector.Host) *connection {
	return &connection{slot: s, id: id, settings: maps.Clone(settings), host: host}
}

// session is one call on a live process in which the connection is open.
type session struct {
	c      *connection
	inst   *instance
	call   *call
	head   *connectorv1.Call
	ctx    context.Context
	caller context.Context
	what   string
	finish func()
}

// begin registers a call on a live process.
func (c *connection) begin(caller context.Context, what string) (*session, error) {
	inst, err := c.ready(caller)
	if err != nil {
		return nil, err
	}
	return c.session(caller, caller, inst, what), nil
}

// ready returns a live process in which the connection is open.
func (c *connection) ready(caller context.Context) (*instance, error) {
	inst, err := c.slot.instance(caller)
	if err != nil {
		return nil, err
	}
	problems, err := c.openOn(caller, inst)
	if err != nil {
		return nil, err
	}
	if len(problems) > 0 {
		p := problems[0]
		return nil, &connector.Error{Cause: connector.CausePluginFailed, Field: p.Setting, Message: p.Message, Remedy: p.Remedy}
	}
	return inst, nil
}

// session registers a call. parent is what its context descends from: the caller's, or one that outlives it a little.
func (c *connection) session(caller, parent context.Context, inst *instance, what string) *session {
	s := &session{c: c, inst: inst, caller: caller, what: what}
	s.call, s.ctx, s.finish = inst.newCall(parent, c.id)
	s.head = &connectorv1.Call{Connection: c.id, Id: s.call.id}
	return s
}

// open opens the connection in the current process.
func (c *connection) open(ctx context.Context) ([]connector.Problem, error) {
	inst, err := c.slot.instance(ctx)
	if err != nil {
		return nil, err
	}
	return c.openOn(ctx, inst)
}

func (c *connection) openOn(ctx context.Context, inst *instance) ([]connector.Problem, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return nil, pluginFailed("the connection "+c.id+" is closed", "", false, nil)
	}
	if c.openIn == inst {
		return nil, nil
	}
	for _, list := range [][]connector.Setting{inst.description.Settings, inst.description.Secrets} {
		for _, s := range list {
			if s.Secret || s.Plugin {
				inst.words.Hide(c.settings[s.Key])
			}
		}
	}
	s := c.session(ctx, ctx, inst, "Open")
	defer s.finish()
	out, err := inst.rpc.Open(s.ctx, &connectorv1.OpenRequest{Call: s.head, Settings: c.settings})
	if err != nil {
		return nil, s.failure(err)
	}
	if len(out.GetProblems()) > 0 {
		return problemsFromProto(out.GetProblems()), nil
	}
	c.openIn = inst
	return nil, nil
}

// failure turns a failed call into what the SDK promises: the connector's own error, the end of the caller's context, or
// a failed plugin.
func (s *session) failure(err error) error {
	st := status.Convert(err)
	for _, d := range st.Details() {
		if e, ok := d.(*connectorv1.Error); ok {
			return errorFromProto(e)
		}
	}
	if e := s.caller.Err(); e != nil {
		return fmt.Errorf("%s of %s: %w", s.what, s.c.id, e)
	}
	return s.brokenBy(st)
}

// brokenBy explains a call that failed without an answer of the connector.
func (s *session) brokenBy(st *status.Status) *connector.Error {
	if errors.Is(context.Cause(s.ctx), errHung) {
		// What hangs may still do things: it is not left alone.
		e := s.inst.deathOf(fmt.Sprintf("hung in %s: %v for %s; it was killed", s.what, errHung, s.call.timeout))
		s.inst.fail(e)
		return e
	}
	switch st.Code() {
	case codes.Unavailable, codes.Canceled:
		// If the transport broke, the reason is known in a moment, with the exit of the process.
		select {
		case <-s.inst.ctx.Done():
		case <-time.After(2 * time.Second):
			return pluginFailed(fmt.Sprintf("%s of the connector %s was broken off.", s.what, s.inst.name), "", true, nil)
		}
		var e *connector.Error
		if errors.As(context.Cause(s.inst.ctx), &e) {
			return e
		}
	case codes.ResourceExhausted:
		return pluginFailed(fmt.Sprintf("%s of the connector %s: a message is over the limit of %d MiB.", s.what, s.inst.name, connectorv1.MaxMessage>>20),
			"Report this to the connector's author.", false, nil)
	}
	return pluginFailed(fmt.Sprintf("%s of the connector %s failed: %s.", s.what, s.inst.name, clip(child.Sanitise(st.Message()))),
		"Report this to the connector's author.", false, nil)
}

// garbled is the error of an answer that breaks the protocol.
func (s *session) garbled(err error) *connector.Error {
	return pluginFailed(fmt.Sprintf("%s of the connector %s gave an answer that breaks the protocol: %v.", s.what, s.inst.name, err),
		"Report this to the connector's author.", false, err)
}

// Check implements connector.Connection.
func (c *connection) Check(ctx context.Context) ([]connector.CheckResult, error) {
	s, err := c.begin(ctx, "Check")
	if err != nil {
		return nil, err
	}
	defer s.finish()
	out, err := s.inst.rpc.Check(s.ctx, &connectorv1.CheckRequest{Call: s.head})
	if err != nil {
		return nil, s.failure(err)
	}
	var results []connector.CheckResult
	for _, r := range out.GetResults() {
		results = append(results, connector.CheckResult{
			Name: child.Sanitise(r.GetName()), Title: child.Sanitise(r.GetTitle()), OK: r.GetOk(), Warning: r.GetWarning(),
			Cause: connector.Cause(r.GetCause()), Message: child.Sanitise(r.GetMessage()), Remedy: child.Sanitise(r.GetRemedy()),
		})
	}
	return results, nil
}

// Discover implements connector.Connection.
func (c *connection) Discover(ctx context.Context, object string) (*record.Schema, error) {
	s, err := c.begin(ctx, "Discover")
	if err != nil {
		return nil, err
	}
	defer s.finish()
	out, err := s.inst.rpc.Discover(s.ctx, &connectorv1.DiscoverRequest{Call: s.head, Object: object})
	if err != nil {
		return nil, s.failure(err)
	}
	schema, err := s.inst.schemas.Decode(out.GetSchema())
	if err != nil {
		return nil, s.garbled(err)
	}
	return schema, nil
}

// List implements connector.Connection.
func (c *connection) List(ctx context.Context, list string) ([]connector.ListItem, error) {
	s, err := c.begin(ctx, "List")
	if err != nil {
		return nil, err
	}
	defer s.finish()
	out, err := s.inst.rpc.List(s.ctx, &connectorv1.ListRequest{Call: s.head, List: list})
	if err != nil {
		return nil, s.failure(err)
	}
	var items []connector.ListItem
	for _, i := range out.GetItems() {
		items = append(items, connector.ListItem{ID: i.GetId(), Name: i.GetName(), Attributes: i.GetAttributes()})
	}
	return items, nil
}

// Read implements connector.Connection.
func (c *connection) Read(ctx context.Context, req connector.ReadRequest, yield func(connector.Batch) error) error {
	s, err := c.begin(ctx, "Read")
	if err != nil {
		return err
	}
	defer s.finish()
	m := &connectorv1.ReadRequest{
		Call: s.head, Object: req.Object, Cursor: req.Cursor, LookBack: durationpb.New(req.LookBack), BatchSize: uint32(max(0, req.BatchSize)),
	}
	for _, w := range req.Where {
		v, err := wire.AppendValue(nil, w.Value)
		if err != nil {
			return fmt.Errorf("condition on %s: %w", w.Field, err)
		}
		m.Where = append(m.Where, &connectorv1.Condition{Field: w.Field, Op: w.Op, Value: v})
	}
	stream, err := s.inst.rpc.Read(s.ctx, m)
	if err != nil {
		return s.failure(err)
	}
	r := wire.Reader{Schemas: &s.inst.schemas}
	for {
		out, err := stream.Recv()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return s.failure(err)
		}
		b := connector.Batch{Cursor: out.Cursor}
		if rows := out.GetRows(); rows.GetCount() > 0 {
			if b.Records, err = r.Frame(rows.GetSchema(), rows.GetRecords(), rows.GetCount()); err != nil {
				return s.garbled(err)
			}
			b.Schema = r.Schema()
		}
		s.call.pause() // what the host does with the batch is not the plugin's silence
		err = yield(b)
		s.call.resume()
		if err != nil {
			return err
		}
	}
}

// keysPerFind bounds the keys of one message: their records must fit into one answer.
const keysPerFind = 200

// Find implements connector.Connection.
func (c *connection) Find(ctx context.Context, req connector.FindRequest) ([]connector.FindResult, error) {
	results := make([]connector.FindResult, 0, len(req.Keys))
	for at := 0; at < len(req.Keys); at += keysPerFind {
		part := req
		part.Keys = req.Keys[at:min(len(req.Keys), at+keysPerFind)]
		found, err := c.find(ctx, part)
		if err != nil {
			return nil, err
		}
		results = append(results, found...)
	}
	return results, nil
}

func (c *connection) find(ctx context.Context, req connector.FindRequest) ([]connector.FindResult, error) {
	m := &connectorv1.FindRequest{Object: req.Object}
	for _, k := range req.Keys {
		key := &connectorv1.Key{Around: int32(k.Around)}
		for _, f := range k.Fields {
			v, err := wire.AppendValue(nil, f.Value)
			if err != nil {
				return nil, fmt.Errorf("key field %s: %w", f.Name, err)
			}
			key.Fields = append(key.Fields, &connectorv1.KeyField{Name: f.Name, Value: v})
		}
		m.Keys = append(m.Keys, key)
	}
	s, err := c.begin(ctx, "Find")
	if err != nil {
		return nil, err
	}
	defer s.finish()
	m.Call = s.head
	out, err := s.inst.rpc.Find(s.ctx, m)
	if err != nil {
		return nil, s.failure(err)
	}
	if len(out.GetResults()) != len(req.Keys) {
		return nil, s.garbled(fmt.Errorf("%d results for %d keys", len(out.GetResults()), len(req.Keys)))
	}
	r := wire.Reader{Schemas: &s.inst.schemas}
	results := make([]connector.FindResult, len(req.Keys))
	for i, f := range out.GetResults() {
		if results[i], err = findResult(f, &r); err != nil {
			return nil, s.garbled(fmt.Errorf("key %d: %w", i+1, err))
		}
	}
	return results, nil
}

func findResult(f *connectorv1.FindResult, r *wire.Reader) (connector.FindResult, error) {
	out := connector.FindResult{Reason: child.Sanitise(f.GetReason()), Cause: connector.Cause(child.Sanitise(f.GetCause()))}
	for _, s := range f.GetScopes() {
		out.Scopes = append(out.Scopes, child.Sanitise(s))
	}
	if rows := f.GetRows(); rows.GetCount() > 0 {
		var err error
		if out.Records, err = r.Frame(rows.GetSchema(), rows.GetRecords(), rows.GetCount()); err != nil {
			return out, err
		}
	}
	switch {
	case f.GetStatus() == connectorv1.FindStatus_FIND_STATUS_FOUND && len(out.Records) > 0 && len(out.Records) <= connector.MaxFound:
		out.Status = connector.Found
	case f.GetStatus() == connectorv1.FindStatus_FIND_STATUS_ABSENT && len(out.Records) == 0:
		out.Status = connector.AbsentEverywhere
	case f.GetStatus() != connectorv1.FindStatus_FIND_STATUS_UNSPECIFIED || len(out.Records) > 0:
		return out, fmt.Errorf("status %s with %d records", f.GetStatus(), len(out.Records))
	}
	return out, nil
}

// Undo implements connector.Undoer. Whether the connector can is in its description; one that cannot refuses.
func (c *connection) Undo(ctx context.Context, req connector.UndoRequest) (connector.WriteResult, error) {
	s, err := c.begin(ctx, "Undo")
	if err != nil {
		return connector.WriteResult{}, err
	}
	defer s.finish()
	out, err := s.inst.rpc.Undo(s.ctx, &connectorv1.UndoRequest{Call: s.head, Object: req.Object, Key: req.Key, NotAfter: timeToProto(req.NotAfter)})
	if err != nil {
		fail := s.failure(err)
		if e := connector.AsError(fail); e.Cause != connector.CausePluginFailed {
			return connector.WriteResult{}, fail
		}
		return unanswered(fail), nil // the request was on its way
	}
	results, err := writeResults(out.GetResult(), &wire.Reader{Schemas: &s.inst.schemas})
	if err == nil && len(results) != 1 {
		err = fmt.Errorf("%d results for one record", len(results))
	}
	if err != nil {
		return unanswered(s.garbled(err)), nil
	}
	return results[0], nil
}

// Close implements connector.Connection. The process stays for the next connection of the same connector.
func (c *connection) Close() error {
	c.mu.Lock()
	inst, was := c.openIn, c.closed
	c.openIn, c.closed = nil, true
	c.mu.Unlock()
	if was {
		return nil
	}
	defer c.slot.setUser(nil)
	if inst == nil || inst.ctx.Err() != nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), c.slot.m.opts.StopGrace)
	defer cancel()
	s := c.session(ctx, ctx, inst, "Close")
	defer s.finish()
	if _, err := inst.rpc.Close(s.ctx, &connectorv1.CloseRequest{Call: s.head}); err != nil {
		return s.failure(err)
	}
	return nil
}

var (
	_ connector.Connection = (*connection)(nil)
	_ connector.Undoer     = (*connection)(nil)
)

// remoteConnector is a connector.Connector whose other end is in plugin processes.
type remoteConnector struct {
	m           *Manager
	name        string
	description connector.Description
}

// Describe implements connector.Connector.
func (r *remoteConnector) Describe() connector.Description { return r.description }

// Authorize implements connector.Connector.
func (r *remoteConnector) Authorize(ctx context.Context, req connector.AuthorizeRequest) (connector.AuthorizeResponse, error) {
	slot, err := r.m.any(r.name)
	if err != nil {
		return connector.AuthorizeResponse{}, err
	}
	inst, err := slot.instance(ctx)
	if err != nil {
		return connector.AuthorizeResponse{}, err
	}
	s := newConnection(slot, r.name, nil, nil).session(ctx, ctx, inst, "Authorize")
	defer s.finish()
	out, err := inst.rpc.Authorize(s.ctx, &connectorv1.AuthorizeRequest{
		Settings: req.Settings, ClientId: req.ClientID, RedirectUrl: req.RedirectURL, State: req.State, Challenge: req.Challenge,
	})
	if err != nil {
		return connector.AuthorizeResponse{}, s.failure(err)
	}
	return connector.AuthorizeResponse{URL: out.GetUrl()}, nil
}

// Open implements connector.Connector. A plugin that fails is a problem with no setting.
func (r *remoteConnector) Open(ctx context.Context, settings connector.Settings, host connector.Host) (connector.Connection, []connector.Problem) {
	c, problems, err := r.m.Connection(ctx, r.m.anonymousID(), r.name, settings, host)
	if err != nil {
		e := connector.AsError(err)
		return nil, []connector.Problem{{Message: e.Error(), Remedy: e.Remedy}}
	}
	if len(problems) > 0 {
		return nil, problems
	}
	return c, nil
}

var _ connector.Connector = (*remoteConnector)(nil)
