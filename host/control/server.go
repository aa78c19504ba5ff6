package control

import (
	"context"
	"encoding/json"
	"os"
	"sync"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/timestamppb"

	controlv1 "github.com/pomost/pomost/proto/control/v1"
)

// eventsKept is how many pieces of progress wait for a client that reads slowly; further ones are left out, so that no run waits for it.
const eventsKept = 64

// server answers the control API with an API. All calls end when base does.
type server struct {
	controlv1.UnimplementedControlServiceServer
	api  API
	base context.Context
}

// newServer returns a server of the control API; calls end when base does.
func newServer(base context.Context, api API) *grpc.Server {
	s := &server{api: api, base: base}
	g := grpc.NewServer(grpc.MaxRecvMsgSize(maxRequest), grpc.MaxSendMsgSize(maxReply), grpc.MaxConcurrentStreams(200),
		grpc.UnaryInterceptor(func(ctx context.Context, req any, _ *grpc.UnaryServerInfo, next grpc.UnaryHandler) (any, error) {
			ctx, end := s.until(ctx)
			defer end()
			return next(ctx, req)
		}),
		grpc.StreamInterceptor(func(srv any, ss grpc.ServerStream, _ *grpc.StreamServerInfo, next grpc.StreamHandler) error {
			ctx, end := s.until(ss.Context())
			defer end()
			return next(srv, &stream{ServerStream: ss, ctx: ctx})
		}))
	controlv1.RegisterControlServiceServer(g, s)
	return g
}

// until is a context that ends with the server's too.
func (s *server) until(ctx context.Context) (context.Context, func()) {
	ctx, cancel := context.WithCancel(ctx)
	stop := context.AfterFunc(s.base, cancel)
	return ctx, func() {
		stop()
		cancel()
	}
}

// stream is a stream with another context.
type stream struct {
	grpc.ServerStream
	ctx context.Context
}

// Context implements grpc.ServerStream.
func (s *stream) Context() context.Context { return s.ctx }

// Hello implements the protocol.
func (s *server) Hello(ctx context.Context, _ *controlv1.HelloRequest) (*controlv1.HelloResponse, error) {
	st, err := s.api.Status(ctx)
	if err != nil {
		return nil, status.Error(codes.Unavailable, AsFailure(err).Error())
	}
	return &controlv1.HelloResponse{Version: st.Version, Home: st.Home, Pid: int32(os.Getpid())}, nil
}

// Status implements the protocol.
func (s *server) Status(ctx context.Context, _ *controlv1.StatusRequest) (*controlv1.StatusResponse, error) {
	res, err := s.api.Status(ctx)
	return &controlv1.StatusResponse{Answer: answer(res, err)}, nil
}

// Watch implements the protocol.
func (s *server) Watch(_ *controlv1.WatchRequest, ss grpc.ServerStreamingServer[controlv1.WatchResponse]) error {
	err := s.api.Watch(ss.Context(), func(st StatusResult) error { return ss.Send(&controlv1.WatchResponse{Answer: answer(st, nil)}) })
	return s.over(ss.Context(), err, func(err error) error { return ss.Send(&controlv1.WatchResponse{Answer: answer(nil, err)}) })
}

// over ends a stream that went on until something ended it: by the client's word, by the server's end, or with a failure to be told.
func (s *server) over(ctx context.Context, err error, tell func(error) error) error {
	switch {
	case err == nil:
		return nil
	case s.base.Err() != nil:
		return status.Error(codes.Unavailable, "Pomost is stopping")
	case ctx.Err() != nil:
		return status.FromContextError(ctx.Err()).Err()
	}
	return tell(err)
}

// progress sends pieces of progress beside whatever runs; end returns when all are sent.
func progress(send func(event []byte) error) (tell func(Event), end func()) {
	events := make(chan Event, eventsKept)
	done := make(chan struct{})
	go func() {
		defer close(done)
		for e := range events {
			text, err := json.Marshal(e)
			if err != nil || send(text) != nil {
				continue // the client is gone: what is left is taken away
			}
		}
	}()
	var once sync.Mutex
	last, closed := Event{}, false
	var sent time.Time
	return func(e Event) {
			once.Lock()
			defer once.Unlock()
			if closed || e.Message == last.Message && time.Since(sent) < 50*time.Millisecond {
				return
			}
			select {
			case events <- e:
				last, sent = e, time.Now()
			default:
			}
		}, func() {
			once.Lock()
			closed = true
			close(events)
			once.Unlock()
			<-done
		}
}

// half ends a context when the client closes its side.
func half(ctx context.Context, recv func() error) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(ctx)
	go func() {
		for recv() == nil { // further messages have no meaning
		}
		cancel()
	}()
	return ctx, cancel
}

// Run implements the protocol.
func (s *server) Run(ss grpc.BidiStreamingServer[controlv1.RunRequest, controlv1.RunResponse]) error {
	req, err := ss.Recv()
	if err != nil {
		return err
	}
	ctx, cancel := half(ss.Context(), func() error { _, err := ss.Recv(); return err })
	defer cancel()
	tell, end := progress(func(e []byte) error {
		return ss.Send(&controlv1.RunResponse{Part: &controlv1.RunResponse_Event{Event: e}})
	})
	var res RunResult
	what := StartRequest{Flows: req.GetFlows().GetNames(), Plan: req.GetPlan()}
	if r := req.GetRetry(); r != nil {
		what.Retry = &RetryRequest{Flows: r.GetFlows(), Keys: r.GetKeys(), Cause: r.GetCause()}
	}
	_, planned := req.GetWhat().(*controlv1.RunRequest_Plan)
	switch {
	case req.GetDetach():
		if err := ss.SendHeader(nil); err != nil { // the client need not stay from now on
			end()
			return err
		}
		res = s.api.Start(ctx, what, tell)
	case planned:
		res = s.api.RunPlan(ctx, what.Plan, tell)
	case what.Retry != nil:
		res = s.api.Retry(ctx, *what.Retry, tell)
	case req.GetWhat() == nil:
		res = RunResult{Flows: []FlowResult{}, Error: nothingNamed()}
	default:
		res = s.api.Run(ctx, what.Flows, tell)
	}
	end()
	var failed error
	if res.Error != nil {
		failed, res.Error = res.Error, nil
	}
	return ss.Send(&controlv1.RunResponse{Part: &controlv1.RunResponse_Answer{Answer: answer(res, failed)}})
}

// Plan implements the protocol.
func (s *server) Plan(ss grpc.BidiStreamingServer[controlv1.PlanRequest, controlv1.PlanResponse]) error {
	req, err := ss.Recv()
	if err != nil {
		return err
	}
	ctx, cancel := half(ss.Context(), func() error { _, err := ss.Recv(); return err })
	defer cancel()
	tell, end := progress(func(e []byte) error {
		return ss.Send(&controlv1.PlanResponse{Part: &controlv1.PlanResponse_Event{Event: e}})
	})
	res, err := s.api.Plan(ctx, req.GetFlow(), tell)
	end()
	return ss.Send(&controlv1.PlanResponse{Part: &controlv1.PlanResponse_Answer{Answer: answer(res, err)}})
}

// Stop implements the protocol.
func (s *server) Stop(ctx context.Context, r *controlv1.StopRequest) (*controlv1.StopResponse, error) {
	return &controlv1.StopResponse{Answer: answer(nil, s.api.Stop(ctx, r.GetFlow()))}, nil
}

// Pause implements the protocol.
func (s *server) Pause(ctx context.Context, r *controlv1.PauseRequest) (*controlv1.PauseResponse, error) {
	return &controlv1.PauseResponse{Answer: answer(nil, s.api.Pause(ctx, r.GetFlow()))}, nil
}

// Resume implements the protocol.
func (s *server) Resume(ctx context.Context, r *controlv1.ResumeRequest) (*controlv1.ResumeResponse, error) {
	return &controlv1.ResumeResponse{Answer: answer(nil, s.api.Resume(ctx, r.GetFlow()))}, nil
}

// Runs implements the protocol.
func (s *server) Runs(ctx context.Context, r *controlv1.RunsRequest) (*controlv1.RunsResponse, error) {
	res, err := s.api.Runs(ctx, RunsRequest{Flow: r.GetFlow(), Last: int(r.GetLast())})
	return &controlv1.RunsResponse{Answer: answer(res, err)}, nil
}

// Records implements the protocol.
func (s *server) Records(ctx context.Context, r *controlv1.RecordsRequest) (*controlv1.RecordsResponse, error) {
	res, err := s.api.Records(ctx, RecordsRequest{Flow: r.GetFlow(), Status: r.GetStatus(), Keys: r.GetKeys(), Cause: r.GetCause()})
	return &controlv1.RecordsResponse{Answer: answer(res, err)}, nil
}

// Decide implements the protocol.
func (s *server) Decide(ctx context.Context, r *controlv1.DecideRequest) (*controlv1.DecideResponse, error) {
	res, err := s.api.Decide(ctx, DecideRequest{Flow: r.GetFlow(), Key: r.GetKey(), Decision: r.GetDecision(), Result: r.GetResult(), Note: r.GetNote()})
	return &controlv1.DecideResponse{Answer: answer(res, err)}, nil
}

// Why implements the protocol.
func (s *server) Why(ctx context.Context, r *controlv1.WhyRequest) (*controlv1.WhyResponse, error) {
	res, err := s.api.Why(ctx, r.GetFlow(), r.GetKey())
	return &controlv1.WhyResponse{Answer: answer(res, err)}, nil
}

// Logs implements the protocol.
func (s *server) Logs(r *controlv1.LogsRequest, ss grpc.ServerStreamingServer[controlv1.LogsResponse]) error {
	req := LogsRequest{Flow: r.GetFlow(), Record: r.GetRecord(), Cause: r.GetCause(), Outcome: r.GetOutcome(), Since: timeOf(r.GetSince()), Until: timeOf(r.GetUntil()),
		After: r.GetAfter(), Last: int(r.GetLast()), Follow: r.GetFollow(), Payloads: r.GetPayloads()}
	err := s.api.Logs(ss.Context(), req, func(e LogEntry) error { return ss.Send(&controlv1.LogsResponse{Answer: answer(e, nil)}) })
	if err == nil && req.Follow && s.base.Err() != nil {
		err = errReleased
	}
	return s.over(ss.Context(), err, func(err error) error { return ss.Send(&controlv1.LogsResponse{Answer: answer(nil, err)}) })
}

// Apply implements the protocol.
func (s *server) Apply(ctx context.Context, r *controlv1.ApplyRequest) (*controlv1.ApplyResponse, error) {
	req := ConfigRequest{Config: r.GetConfig(), File: r.GetFile(), Check: r.GetCheck(), Prune: r.GetPrune(), Revision: r.GetRevision(), Secrets: map[string]map[string]string{}}
	for name, secrets := range r.GetSecrets() {
		req.Secrets[name] = secrets.GetValues()
	}
	for _, p := range r.GetProblems() {
		req.Problems = append(req.Problems, problemFromProto(p))
	}
	res, err := s.api.ApplyConfig(ctx, req)
	return &controlv1.ApplyResponse{Answer: answer(res, err)}, nil
}

// Export implements the protocol.
func (s *server) Export(ctx context.Context, _ *controlv1.ExportRequest) (*controlv1.ExportResponse, error) {
	res, err := s.api.Export(ctx)
	return &controlv1.ExportResponse{Answer: answer(res, err)}, nil
}

// Check implements the protocol.
func (s *server) Check(ctx context.Context, r *controlv1.CheckRequest) (*controlv1.CheckResponse, error) {
	res, err := s.api.Check(ctx, r.GetConnections())
	return &controlv1.CheckResponse{Answer: answer(res, err)}, nil
}

// Doctor implements the protocol.
func (s *server) Doctor(ctx context.Context, _ *controlv1.DoctorRequest) (*controlv1.DoctorResponse, error) {
	res, err := s.api.Doctor(ctx)
	return &controlv1.DoctorResponse{Answer: answer(res, err)}, nil
}

// Authorize implements the protocol.
func (s *server) Authorize(ctx context.Context, r *controlv1.AuthorizeRequest) (*controlv1.AuthorizeResponse, error) {
	res, err := s.api.Authorize(ctx, AuthorizeRequest{Connection: r.GetConnection(), RedirectURL: r.GetRedirectUrl(), ClientID: r.GetClientId(), ClientSecret: r.GetClientSecret()})
	return &controlv1.AuthorizeResponse{Answer: answer(res, err)}, nil
}

// Consent implements the protocol.
func (s *server) Consent(ctx context.Context, r *controlv1.ConsentRequest) (*controlv1.ConsentResponse, error) {
	res, err := s.api.Consent(ctx, ConsentRequest{Connection: r.GetConnection(), State: r.GetState(), Answer: r.GetAnswer()})
	return &controlv1.ConsentResponse{Answer: answer(res, err)}, nil
}

// Catalog implements the protocol.
func (s *server) Catalog(ctx context.Context, _ *controlv1.CatalogRequest) (*controlv1.CatalogResponse, error) {
	res, err := s.api.Catalog(ctx)
	return &controlv1.CatalogResponse{Answer: answer(res, err)}, nil
}

// Question implements the protocol.
func (s *server) Question(ctx context.Context, r *controlv1.QuestionRequest) (*controlv1.QuestionResponse, error) {
	var given Answers
	if err := open(&controlv1.Answer{Json: r.GetAnswers()}, &given); err != nil {
		return nil, status.Error(codes.InvalidArgument, "the answers cannot be read")
	}
	res, err := s.api.Question(ctx, given)
	return &controlv1.QuestionResponse{Answer: answer(res, err)}, nil
}

func timeOf(t *timestamppb.Timestamp) time.Time {
	if t == nil {
		return time.Time{}
	}
	return t.AsTime()
}

var _ controlv1.ControlServiceServer = (*server)(nil)
