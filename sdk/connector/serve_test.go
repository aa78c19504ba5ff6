package connector

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"
	"google.golang.org/grpc/test/bufconn"

	connectorv1 "github.com/pomost/pomost/proto/connector/v1"
	"github.com/pomost/pomost/sdk/record"
	"github.com/pomost/pomost/sdk/wire"
)

// served is a connector that is as small as can be; its connection waits for its context in Check.
type served struct{ opened chan *servedConnection }

func (s *served) Describe() Description {
	return Description{Name: "served", Title: "Served", Version: "1"}
}

func (s *served) Authorize(context.Context, AuthorizeRequest) (AuthorizeResponse, error) {
	return AuthorizeResponse{}, errors.New("no")
}

func (s *served) Open(_ context.Context, _ Settings, host Host) (Connection, []Problem) {
	c := &servedConnection{host: host, closed: make(chan struct{})}
	s.opened <- c
	return c, nil
}

type servedConnection struct {
	host   Host
	closed chan struct{}
}

func (c *servedConnection) Check(ctx context.Context) ([]CheckResult, error) {
	<-ctx.Done()
	return nil, ctx.Err()
}

func (c *servedConnection) Discover(context.Context, string) (*record.Schema, error) {
	return nil, nil
}

func (c *servedConnection) List(context.Context, string) ([]ListItem, error) { return nil, nil }

func (c *servedConnection) Read(context.Context, ReadRequest, func(Batch) error) error { return nil }

func (c *servedConnection) Find(context.Context, FindRequest) ([]FindResult, error) { return nil, nil }

func (c *servedConnection) Write(_ context.Context, req WriteRequest, yield func(WriteResult) error) error {
	for range req.Records {
		if err := yield(WriteResult{Outcome: OutcomeCreated}); err != nil {
			return err
		}
	}
	return nil
}

func (c *servedConnection) Close() error { close(c.closed); return nil }

// dial serves a connector in this process and returns a raw client: what a host of another make could send.
func dial(t *testing.T) (*service, *served, connectorv1.ConnectorServiceClient) {
	t.Helper()
	c := &served{opened: make(chan *servedConnection, 4)}
	s := newService(c)
	server := newGRPCServer(nil)
	connectorv1.RegisterConnectorServiceServer(server, s)
	l := bufconn.Listen(1 << 20)
	go func() { _ = server.Serve(l) }()
	conn, err := grpc.NewClient("passthrough:x", grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithContextDialer(func(ctx context.Context, _ string) (net.Conn, error) { return l.DialContext(ctx) }))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close(); server.Stop() })
	return s, c, connectorv1.NewConnectorServiceClient(conn)
}

func detail(err error) *connectorv1.Error {
	for _, d := range status.Convert(err).Details() {
		if e, ok := d.(*connectorv1.Error); ok {
			return e
		}
	}
	return nil
}

func TestOpenAgainAndCloseEndCalls(t *testing.T) {
	_, c, rpc := dial(t)
	call := &connectorv1.Call{Connection: "a", Id: 1}
	if _, err := rpc.Check(t.Context(), &connectorv1.CheckRequest{Call: call}); detail(err).GetCause() != string(CausePluginFailed) {
		t.Errorf("a connection that is not open: %v", err)
	}
	if _, err := rpc.Open(t.Context(), &connectorv1.OpenRequest{Call: call}); err != nil {
		t.Fatal(err)
	}
	first := <-c.opened
	ended := make(chan error, 1)
	go func() {
		_, err := rpc.Check(t.Context(), &connectorv1.CheckRequest{Call: call})
		ended <- err
	}()
	time.Sleep(20 * time.Millisecond)
	if _, err := rpc.Open(t.Context(), &connectorv1.OpenRequest{Call: call}); err != nil {
		t.Fatal(err)
	}
	<-first.closed
	if err := <-ended; status.Code(err) != codes.Canceled {
		t.Errorf("a call of the old connection: %v", err)
	}
	if _, err := rpc.Close(t.Context(), &connectorv1.CloseRequest{Call: call}); err != nil {
		t.Error(err)
	}
	<-(<-c.opened).closed
	if _, err := rpc.Close(t.Context(), &connectorv1.CloseRequest{Call: call}); err != nil {
		t.Errorf("closing twice: %v", err)
	}
}

func TestHostStream(t *testing.T) {
	s, c, rpc := dial(t)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	stream, err := rpc.Host(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if err := stream.Send(&connectorv1.HostRequest{}); err != nil {
		t.Fatal(err)
	}
	<-s.host.opened
	second, err := rpc.Host(ctx)
	if err == nil {
		_, err = second.Recv()
	}
	if status.Code(err) != codes.FailedPrecondition {
		t.Errorf("a second Host stream: %v", err)
	}
	if _, err := rpc.Open(ctx, &connectorv1.OpenRequest{Call: &connectorv1.Call{Connection: "a"}}); err != nil {
		t.Fatal(err)
	}
	host := (<-c.opened).host
	token := make(chan string, 1)
	go func() {
		got, err := host.Token(context.WithValue(ctx, callKey{}, uint64(42)), "old")
		if err != nil {
			got = err.Error()
		}
		token <- got
	}()
	m, err := stream.Recv()
	if err != nil || m.GetToken().GetRejected() != "old" || m.GetCall().GetConnection() != "a" || m.GetCall().GetId() != 42 {
		t.Fatalf("%v %v", m, err)
	}
	// An answer that nobody waits for is passed over.
	for _, id := range []uint64{m.GetId() + 7, m.GetId(), m.GetId()} {
		if err := stream.Send(&connectorv1.HostRequest{Id: id, Answer: &connectorv1.HostRequest_Token{Token: "new"}}); err != nil {
			t.Fatal(err)
		}
	}
	if got := <-token; got != "new" {
		t.Error(got)
	}
	// Reports never block for ever, even when the host does not listen; what waits for an answer ends with the stream.
	go func() { _, err := host.Token(t.Context(), ""); token <- err.Error() }()
	time.Sleep(20 * time.Millisecond)
	cancel()
	<-s.host.gone
	if got := <-token; got != "the host is gone" {
		t.Error(got)
	}
	for range 2 * queued {
		host.Progress(t.Context(), Progress{What: "x"})
		host.Exchange(t.Context(), Exchange{})
	}
}

func TestWriteRefusesWhatItCannotRead(t *testing.T) {
	_, c, rpc := dial(t)
	call := &connectorv1.Call{Connection: "a"}
	if _, err := rpc.Open(t.Context(), &connectorv1.OpenRequest{Call: call}); err != nil {
		t.Fatal(err)
	}
	<-c.opened
	head := &connectorv1.WriteHead{Call: call, Action: connectorv1.Action_ACTION_CREATE}
	schema, err := wire.AppendSchema(nil, record.MustSchema("t", record.Field{Name: "a", Type: record.Scalar(record.KindText)}))
	if err != nil {
		t.Fatal(err)
	}
	good := &connectorv1.Rows{Schema: schema, Count: 1, Records: []byte{0x91, 0xa1, 'x'}}
	for name, messages := range map[string][]*connectorv1.WriteRequest{
		"no head":       {{Rows: good}},
		"no action":     {{Head: &connectorv1.WriteHead{Call: call}}},
		"no connection": {{Head: &connectorv1.WriteHead{Action: connectorv1.Action_ACTION_CREATE}}},
		"no schema":     {{Head: head}, {Rows: &connectorv1.Rows{Count: 1, Records: []byte{0x90}}}},
		"rubbish":       {{Head: head}, {Rows: &connectorv1.Rows{Schema: schema, Count: 1, Records: []byte{0xff}}}},
		"wrong count":   {{Head: head}, {Rows: &connectorv1.Rows{Schema: schema, Count: 1 << 31, Records: []byte{0x90}}}},
	} {
		stream, err := rpc.Write(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range messages {
			_ = stream.Send(m)
		}
		_ = stream.CloseSend()
		if m, err := stream.Recv(); err == nil || errors.Is(err, io.EOF) {
			t.Errorf("%s: %v %v", name, m, err)
		}
	}
	// After a stop nothing is written any more, and each record is told so.
	stream, err := rpc.Write(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range []*connectorv1.WriteRequest{{Head: head}, {Rows: good}} {
		if err := stream.Send(m); err != nil {
			t.Fatal(err)
		}
	}
	if m, err := stream.Recv(); err != nil || m.GetOutcomes()[0] != connectorv1.Outcome_OUTCOME_CREATED {
		t.Errorf("%v %v", m, err)
	}
	if err := stream.Send(&connectorv1.WriteRequest{Stop: true, Rows: good}); err != nil {
		t.Fatal(err)
	}
	m, err := stream.Recv()
	if err != nil || m.GetOutcomes()[0] != connectorv1.Outcome_OUTCOME_REFUSED || !m.GetErrors()[0].GetError().GetRetryable() {
		t.Errorf("%v %v", m, err)
	}
	_ = stream.CloseSend()
	if _, err := stream.Recv(); !errors.Is(err, io.EOF) {
		t.Error(err)
	}
	if _, err := rpc.Discover(t.Context(), &connectorv1.DiscoverRequest{Call: call, Object: "x"}); !strings.Contains(err.Error(), "no schema") {
		t.Errorf("Discover without a schema: %v", err)
	}
}

func TestRunWithoutHost(t *testing.T) {
	var out, errs bytes.Buffer
	c := &served{}
	if code := run(c, nil, []string{"/x/pomost-connector-served"}, &out, &errs); code != 2 ||
		!strings.Contains(errs.String(), "pomost-connector-served 1 is a connector of Pomost for Served") || strings.Contains(errs.String(), "sandbox") {
		t.Errorf("%d %s", code, errs.String())
	}
	sandbox := func(_ context.Context, args []string, stdout, _ io.Writer) int {
		_, _ = io.WriteString(stdout, strings.Join(args, "+"))
		return 7
	}
	if code := run(c, sandbox, []string{"x", "sandbox", "--data", "demo"}, &out, &errs); code != 7 || out.String() != "--data+demo" {
		t.Errorf("%d %s", code, out.String())
	}
	errs.Reset()
	// The cookie alone does not make it a plugin: a host gives no arguments.
	t.Setenv(connectorv1.CookieKey, connectorv1.CookieValue)
	if code := run(c, sandbox, []string{"x", "--help"}, &out, &errs); code != 2 || !strings.Contains(errs.String(), "x sandbox [--help]") {
		t.Errorf("%d %s", code, errs.String())
	}
}

func TestTextsForTheWire(t *testing.T) {
	long := strings.Repeat("x", maxText-1) + "ż"
	if got := wireText(long); !strings.HasSuffix(got, "x…") || len(got) > maxText+3 {
		t.Errorf("%d bytes, %q", len(got), got[len(got)-5:])
	}
	if got := wireText("a\xffb"); got != "a\uFFFDb" {
		t.Errorf("%q", got)
	}
	if e := errorToProto(AsError(errors.New("x"))); e.GetMessage() != "x" || e.GetCause() != "plugin_failed" {
		t.Errorf("%v", e)
	}
}
