package connector

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/go-plugin"
	"google.golang.org/grpc"

	connectorv1 "github.com/pomost/pomost/proto/connector/v1"
)

// Sandbox runs a connector's sandbox with the arguments after "sandbox" until ctx ends; it returns the exit status.
type Sandbox func(ctx context.Context, args []string, stdout, stderr io.Writer) int

// Main is the whole main function of a connector's binary: started by a host it serves c, with the argument "sandbox" it
// runs the sandbox (nil: there is none), else it says what it is. It does not return.
func Main(c Connector, sandbox Sandbox) {
	os.Exit(run(c, sandbox, os.Args, os.Stdout, os.Stderr))
}

func run(c Connector, sandbox Sandbox, args []string, stdout, stderr io.Writer) int {
	switch {
	case len(args) > 1 && args[1] == "sandbox" && sandbox != nil:
		ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
		defer stop()
		return sandbox(ctx, args[2:], stdout, stderr)
	case len(args) == 1 && os.Getenv(connectorv1.CookieKey) == connectorv1.CookieValue:
		Serve(c)
		return 0
	}
	d, name := c.Describe(), filepath.Base(args[0])
	// The host looks for these words to tell a wrong handshake from a crash.
	fmt.Fprintf(stderr, "%s %s is a connector of Pomost for %s. It is started by pomost, not by hand.\n", name, d.Version, d.Title)
	if sandbox != nil {
		fmt.Fprintf(stderr, "To run an emulator of %s for trials: %s sandbox [--help]\n", d.Title, name)
	}
	return 2
}

// Serve serves a connector to the host that started this process and returns when the host has ended it. It ends the
// process itself when the host is gone.
func Serve(c Connector) {
	s := newService(c)
	go s.exitWithoutHost()
	plugin.Serve(&plugin.ServeConfig{
		HandshakeConfig: plugin.HandshakeConfig{
			MagicCookieKey:   connectorv1.CookieKey,
			MagicCookieValue: connectorv1.CookieValue,
		},
		VersionedPlugins: map[int]plugin.PluginSet{
			connectorv1.ProtocolVersion: {"connector": &servedPlugin{service: s}},
		},
		GRPCServer: newGRPCServer,
		Logger:     hclog.NewNullLogger(),
	})
	s.shutdown()
}

// shutdownTime bounds how long a plugin whose host ends it waits for its calls to return.
const shutdownTime = time.Second

// exitWithoutHost ends the process when no host opens the Host stream, or when that stream ends: nobody is there to
// hear what calls still do.
func (s *service) exitWithoutHost() {
	select {
	case <-s.host.opened:
	case <-time.After(connectorv1.HostTimeout):
		fmt.Fprintln(os.Stderr, "no host opened the Host stream")
		os.Exit(3)
	}
	<-s.host.gone
	s.shutdown()
	os.Exit(0)
}

func newGRPCServer(opts []grpc.ServerOption) *grpc.Server {
	return grpc.NewServer(append(opts,
		grpc.MaxRecvMsgSize(connectorv1.MaxMessage),
		grpc.MaxSendMsgSize(connectorv1.MaxMessage),
		grpc.InitialWindowSize(connectorv1.Window),
		grpc.InitialConnWindowSize(4*connectorv1.Window),
		grpc.ReadBufferSize(128<<10),
		grpc.WriteBufferSize(128<<10),
	)...)
}

// servedPlugin puts the service on go-plugin's server.
type servedPlugin struct {
	plugin.NetRPCUnsupportedPlugin
	service *service
}

// GRPCServer implements plugin.GRPCPlugin.
func (p *servedPlugin) GRPCServer(_ *plugin.GRPCBroker, s *grpc.Server) error {
	connectorv1.RegisterConnectorServiceServer(s, p.service)
	return nil
}

// GRPCClient implements plugin.GRPCPlugin; a connector is never the client.
func (p *servedPlugin) GRPCClient(context.Context, *plugin.GRPCBroker, *grpc.ClientConn) (any, error) {
	return nil, fmt.Errorf("a connector serves and does not call")
}

var _ plugin.GRPCPlugin = (*servedPlugin)(nil)
