package control

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/pomost/pomost/host/activity"
	controlv1 "github.com/pomost/pomost/proto/control/v1"
)

// Bounds of talking to a daemon.
const (
	helloTime = 5 * time.Second  // for the first answer: a daemon that hangs is told from one that works
	stopTime  = 20 * time.Second // for the result of a run that was asked to stop
)

// Client is an API whose other end is a running daemon. Safe for concurrent use.
type Client struct {
	conn *grpc.ClientConn
	rpc  controlv1.ControlServiceClient
}

var _ API = (*Client)(nil)

// ErrNoDaemon tells that nobody listens at a socket.
var ErrNoDaemon = errors.New("no daemon answers")

// Dial connects to the daemon at a socket. Where nobody listens the error is ErrNoDaemon, at once; a daemon that listens and does not
// answer is another failure. Close the Client.
func Dial(ctx context.Context, socket, version string) (*Client, error) {
	if !answers(ctx, socket) {
		return nil, ErrNoDaemon
	}
	conn, err := grpc.NewClient("passthrough:///pomost", grpc.WithTransportCredentials(insecure.NewCredentials()), // the file's rights are the credentials
		grpc.WithContextDialer(func(ctx context.Context, _ string) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, "unix", socket)
		}),
		grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(maxReply), grpc.MaxCallSendMsgSize(maxRequest)), grpc.WithDisableServiceConfig(), grpc.WithDisableRetry())
	if err != nil {
		return nil, err
	}
	c := &Client{conn: conn, rpc: controlv1.NewControlServiceClient(conn)}
	hello, cancel := context.WithTimeout(ctx, helloTime)
	defer cancel()
	if _, err := c.rpc.Hello(hello, &controlv1.HelloRequest{Version: version}); err != nil {
		return nil, errors.Join(transport(ctx, err), conn.Close())
	}
	return c, nil
}

// Close ends the connection.
func (c *Client) Close() error { return c.conn.Close() }

// answered is any response with an answer.
type answered interface{ GetAnswer() *controlv1.Answer }

// unary reads the answer of one call into v, which may be nil.
func unary[R answered](ctx context.Context, res R, err error, v any) error {
	if err != nil {
		return transport(ctx, err)
	}
	return open(res.GetAnswer(), v)
}

// streamed calls yield with each document of a stream until it ends.
func streamed[T any, R answered](ctx context.Context, recv func() (R, error), yield func(T) error) error {
	for {
		res, err := recv()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return transport(ctx, err)
		}
		var v T
		if err := open(res.GetAnswer(), &v); err != nil {
			return err
		}
		if err := yield(v); err != nil {
			return err
		}
	}
}

// Status implements API.
func (c *Client) Status(ctx context.Context) (out StatusResult, err error) {
	res, err := c.rpc.Status(ctx, &controlv1.StatusRequest{})
	err = unary(ctx, res, err, &out)
	return out, err
}

// Watch implements API.
func (c *Client) Watch(ctx context.Context, yield func(StatusResult) error) error {
	call, cancel := context.WithCancel(ctx)
	defer cancel()
	s, err := c.rpc.Watch(call, &controlv1.WatchRequest{})
	if err != nil {
		return transport(ctx, err)
	}
	return streamed(ctx, s.Recv, yield)
}

// part is a piece of an answer that comes with progress.
type part interface {
	answered
	GetEvent() []byte
}

// Run implements API.
func (c *Client) Run(ctx context.Context, flows []string, progress func(Event)) RunResult {
	return c.run(ctx, &controlv1.RunRequest{What: &controlv1.RunRequest_Flows{Flows: &controlv1.RunFlows{Names: flows}}}, progress)
}

// RunPlan implements API.
func (c *Client) RunPlan(ctx context.Context, id string, progress func(Event)) RunResult {
	return c.run(ctx, &controlv1.RunRequest{What: &controlv1.RunRequest_Plan{Plan: id}}, progress)
}

// Retry implements API.
func (c *Client) Retry(ctx context.Context, req RetryRequest, progress func(Event)) RunResult {
	return c.run(ctx, &controlv1.RunRequest{What: &controlv1.RunRequest_Retry{Retry: &controlv1.RunRetry{Flows: req.Flows, Keys: req.Keys, Cause: req.Cause}}}, progress)
}

// Start implements API.
func (c *Client) Start(ctx context.Context, req StartRequest, progress func(Event)) RunResult {
	m := &controlv1.RunRequest{Detach: true}
	switch {
	case len(req.Flows) > 0:
		m.What = &controlv1.RunRequest_Flows{Flows: &controlv1.RunFlows{Names: req.Flows}}
	case req.Plan != "":
		m.What = &controlv1.RunRequest_Plan{Plan: req.Plan}
	case req.Retry != nil:
		m.What = &controlv1.RunRequest_Retry{Retry: &controlv1.RunRetry{Flows: req.Retry.Flows, Keys: req.Retry.Keys, Cause: req.Retry.Cause}}
	}
	res := RunResult{Flows: []FlowResult{}}
	call, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	late := time.AfterFunc(helloTime, cancel)
	s, err := c.rpc.Run(call)
	if err == nil {
		err = s.Send(m)
	}
	if err == nil {
		_, err = s.Header() // the daemon has it: from now on it goes on without us
	}
	late.Stop()
	if err != nil && !errors.Is(err, io.EOF) { // after EOF, Recv tells why
		res.Error = AsFailure(transport(context.WithoutCancel(ctx), err))
		return res
	}
	defer context.AfterFunc(ctx, cancel)()
	switch err := collect(ctx, s.Recv, progress, &res); {
	case err != nil && ctx.Err() != nil:
		return leftAlone(ctx.Err())
	case err != nil:
		res.Error = AsFailure(err)
	}
	return res
}

func (c *Client) run(ctx context.Context, req *controlv1.RunRequest, progress func(Event)) RunResult {
	res := RunResult{Flows: []FlowResult{}}
	call, end := lasting(ctx)
	defer end()
	s, err := c.rpc.Run(call)
	if err == nil {
		err = s.Send(req)
	}
	if err != nil && !errors.Is(err, io.EOF) { // after EOF, Recv tells why
		res.Error = AsFailure(transport(ctx, err))
		return res
	}
	defer closing(ctx, s.CloseSend)()
	if err := collect(ctx, s.Recv, progress, &res); err != nil {
		res.Error = AsFailure(err)
	}
	return res
}

// Plan implements API.
func (c *Client) Plan(ctx context.Context, flow string, progress func(Event)) (out PlanResult, err error) {
	call, end := lasting(ctx)
	defer end()
	s, err := c.rpc.Plan(call)
	if err == nil {
		err = s.Send(&controlv1.PlanRequest{Flow: flow})
	}
	if err != nil && !errors.Is(err, io.EOF) {
		return out, transport(ctx, err)
	}
	defer closing(ctx, s.CloseSend)()
	err = collect(ctx, s.Recv, progress, &out)
	return out, err
}

// lasting is a context that outlives its parent by the time in which a daemon should have stopped what it was asked to stop.
func lasting(ctx context.Context) (context.Context, func()) {
	call, cancel := context.WithCancel(context.WithoutCancel(ctx))
	stop := context.AfterFunc(ctx, func() { time.AfterFunc(stopTime, cancel) })
	return call, func() {
		stop()
		cancel()
	}
}

// closing closes our side of a call when ctx ends; the call itself goes on until the result is there.
func closing(ctx context.Context, closeSend func() error) (end func()) {
	stop := context.AfterFunc(ctx, func() { _ = closeSend() }) // if that fails, the answer is an error as well
	return func() { stop() }
}

// collect passes progress on and reads the answer.
func collect[R part](ctx context.Context, recv func() (R, error), progress func(Event), v any) error {
	for {
		res, err := recv()
		if err != nil {
			return transport(ctx, err)
		}
		if a := res.GetAnswer(); a != nil {
			return open(a, v)
		}
		var e Event
		if progress != nil && json.Unmarshal(res.GetEvent(), &e) == nil {
			progress(e)
		}
	}
}

// Stop implements API.
func (c *Client) Stop(ctx context.Context, flow string) error {
	res, err := c.rpc.Stop(ctx, &controlv1.StopRequest{Flow: flow})
	return unary(ctx, res, err, nil)
}

// Pause implements API.
func (c *Client) Pause(ctx context.Context, flow string) error {
	res, err := c.rpc.Pause(ctx, &controlv1.PauseRequest{Flow: flow})
	return unary(ctx, res, err, nil)
}

// Resume implements API.
func (c *Client) Resume(ctx context.Context, flow string) error {
	res, err := c.rpc.Resume(ctx, &controlv1.ResumeRequest{Flow: flow})
	return unary(ctx, res, err, nil)
}

// Runs implements API.
func (c *Client) Runs(ctx context.Context, req RunsRequest) (out RunsResult, err error) {
	res, err := c.rpc.Runs(ctx, &controlv1.RunsRequest{Flow: req.Flow, Last: int64(req.Last)})
	err = unary(ctx, res, err, &out)
	return out, err
}

// Records implements API.
func (c *Client) Records(ctx context.Context, req RecordsRequest) (out RecordsResult, err error) {
	res, err := c.rpc.Records(ctx, &controlv1.RecordsRequest{Flow: req.Flow, Status: req.Status, Keys: req.Keys, Cause: req.Cause})
	err = unary(ctx, res, err, &out)
	return out, err
}

// Decide implements API.
func (c *Client) Decide(ctx context.Context, req DecideRequest) (out DecideResult, err error) {
	res, err := c.rpc.Decide(ctx, &controlv1.DecideRequest{Flow: req.Flow, Key: req.Key, Decision: req.Decision, Result: req.Result, Note: req.Note})
	err = unary(ctx, res, err, &out)
	return out, err
}

// Why implements API.
func (c *Client) Why(ctx context.Context, flow, key string) (out activity.Story, err error) {
	res, err := c.rpc.Why(ctx, &controlv1.WhyRequest{Flow: flow, Key: key})
	err = unary(ctx, res, err, &out)
	return out, err
}

// Logs implements API.
func (c *Client) Logs(ctx context.Context, req LogsRequest, yield func(LogEntry) error) error {
	call, cancel := context.WithCancel(ctx)
	defer cancel()
	s, err := c.rpc.Logs(call, &controlv1.LogsRequest{Flow: req.Flow, Record: req.Record, Cause: req.Cause, Outcome: req.Outcome, Since: timeTo(req.Since), Until: timeTo(req.Until),
		After: req.After, Last: int64(req.Last), Follow: req.Follow, Payloads: req.Payloads})
	if err == nil {
		err = streamed(ctx, s.Recv, yield)
	} else {
		err = transport(ctx, err)
	}
	if req.Follow && ctx.Err() != nil { // that is how following ends
		return nil
	}
	return err
}

// ApplyConfig implements API.
func (c *Client) ApplyConfig(ctx context.Context, req ConfigRequest) (out ApplyResult, err error) {
	m := &controlv1.ApplyRequest{Config: req.Config, File: req.File, Check: req.Check, Prune: req.Prune, Revision: req.Revision, Secrets: map[string]*controlv1.Secrets{}}
	for name, secrets := range req.Secrets {
		m.Secrets[name] = &controlv1.Secrets{Values: secrets}
	}
	for _, p := range req.Problems {
		m.Problems = append(m.Problems, problemToProto(p))
	}
	res, err := c.rpc.Apply(ctx, m)
	err = unary(ctx, res, err, &out)
	return out, err
}

// Export implements API.
func (c *Client) Export(ctx context.Context) (out ExportResult, err error) {
	res, err := c.rpc.Export(ctx, &controlv1.ExportRequest{})
	err = unary(ctx, res, err, &out)
	return out, err
}

// Check implements API.
func (c *Client) Check(ctx context.Context, connections []string) (out CheckResult, err error) {
	res, err := c.rpc.Check(ctx, &controlv1.CheckRequest{Connections: connections})
	err = unary(ctx, res, err, &out)
	return out, err
}

// Doctor implements API.
func (c *Client) Doctor(ctx context.Context) (out DoctorResult, err error) {
	res, err := c.rpc.Doctor(ctx, &controlv1.DoctorRequest{})
	err = unary(ctx, res, err, &out)
	return out, err
}

// Authorize implements API.
func (c *Client) Authorize(ctx context.Context, req AuthorizeRequest) (out AuthorizeResult, err error) {
	res, err := c.rpc.Authorize(ctx, &controlv1.AuthorizeRequest{Connection: req.Connection, RedirectUrl: req.RedirectURL, ClientId: req.ClientID, ClientSecret: req.ClientSecret})
	err = unary(ctx, res, err, &out)
	return out, err
}

// Consent implements API.
func (c *Client) Consent(ctx context.Context, req ConsentRequest) (out ConsentResult, err error) {
	res, err := c.rpc.Consent(ctx, &controlv1.ConsentRequest{Connection: req.Connection, State: req.State, Answer: req.Answer})
	err = unary(ctx, res, err, &out)
	return out, err
}

// Catalog implements API.
func (c *Client) Catalog(ctx context.Context) (out CatalogResult, err error) {
	res, err := c.rpc.Catalog(ctx, &controlv1.CatalogRequest{})
	err = unary(ctx, res, err, &out)
	return out, err
}

// Question implements API.
func (c *Client) Question(ctx context.Context, a Answers) (out Step, err error) {
	text, err := json.Marshal(a)
	if err != nil {
		return out, err
	}
	res, err := c.rpc.Question(ctx, &controlv1.QuestionRequest{Answers: text})
	err = unary(ctx, res, err, &out)
	return out, err
}

func timeTo(t time.Time) *timestamppb.Timestamp {
	if t.IsZero() {
		return nil
	}
	return timestamppb.New(t)
}
