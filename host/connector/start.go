package connector

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/go-plugin"
	"github.com/hashicorp/go-plugin/runner"
	"google.golang.org/grpc"

	"github.com/pomost/pomost/host/child"
	connectorv1 "github.com/pomost/pomost/proto/connector/v1"
)

// start starts a plugin and speaks the first words with it. It takes no context: it is bounded by StartTimeout, and what
// it begins it ends.
func start(s *slot) (*instance, error) {
	o := &s.m.opts
	dir, err := s.m.dir.sub()
	if err != nil {
		return nil, fmt.Errorf("a folder for the connector %s: %w", s.name, err)
	}
	binary, err := s.m.open(s.name, dir)
	if err != nil {
		_ = os.RemoveAll(dir)
		return nil, err
	}
	i := &instance{
		slot: s, name: s.name, words: &child.LastWords{}, dir: dir, started: time.Now(),
		done: make(chan struct{}), out: make(chan *connectorv1.HostRequest, maxTokenRequests), calls: map[uint64]*call{},
	}
	i.ctx, i.cancel = context.WithCancelCause(context.Background()) // a process outlives the call that starts it
	var toKill atomic.Pointer[process]
	i.client = plugin.NewClient(&plugin.ClientConfig{
		HandshakeConfig:  plugin.HandshakeConfig{MagicCookieKey: connectorv1.CookieKey, MagicCookieValue: connectorv1.CookieValue},
		VersionedPlugins: map[int]plugin.PluginSet{connectorv1.ProtocolVersion: {"connector": &calledPlugin{}}},
		AllowedProtocols: []plugin.Protocol{plugin.ProtocolGRPC},
		AutoMTLS:         true,
		SkipHostEnv:      true,
		// Ours ends first: it covers the whole start and kills the group.
		StartTimeout:     o.StartTimeout + time.Second,
		UnixSocketConfig: &plugin.UnixSocketConfig{TempDir: dir},
		Stderr:           i.words,
		SyncStdout:       i.words,
		SyncStderr:       i.words,
		Logger:           hclog.NewNullLogger(),
		GRPCDialOptions: []grpc.DialOption{
			grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(connectorv1.MaxMessage), grpc.MaxCallSendMsgSize(connectorv1.MaxMessage)),
			grpc.WithInitialWindowSize(connectorv1.Window),
			grpc.WithInitialConnWindowSize(4 * connectorv1.Window),
			grpc.WithReadBufferSize(128 << 10),
			grpc.WithWriteBufferSize(128 << 10),
			grpc.WithDisableServiceConfig(),
		},
		RunnerFunc: func(_ hclog.Logger, cmd *exec.Cmd, _ string) (runner.Runner, error) {
			p, err := newProcess(s.m.spawn, binary, cmd, dir, o.Env)
			if err != nil {
				return nil, err
			}
			i.proc = p
			toKill.Store(p)
			return p, nil
		},
	})
	var late atomic.Bool
	deadline := time.AfterFunc(o.StartTimeout, func() {
		late.Store(true)
		i.cancel(errHung)
		if p := toKill.Load(); p != nil {
			_ = p.Kill(context.Background())
		}
	})
	err = i.handshake()
	if deadline.Stop(); err == nil && late.Load() {
		err = errHung
	}
	if err != nil {
		err = i.explain(err, late.Load())
		if i.proc == nil {
			_ = os.RemoveAll(dir)
			_ = binary.Close()
			return nil, err
		}
		i.stop(err)
		<-i.done
		return nil, err
	}
	i.up.Store(true)
	i.work.Add(1)
	go i.watch()
	return i, nil
}

// handshake starts the process, opens the Host stream and asks the plugin to describe itself: only a plugin that answers
// counts as started.
func (i *instance) handshake() error {
	protocol, err := i.client.Client()
	if err != nil {
		return err
	}
	raw, err := protocol.Dispense("connector")
	if err != nil {
		return err
	}
	i.rpc = raw.(connectorv1.ConnectorServiceClient)
	stream, err := i.rpc.Host(i.ctx)
	if err != nil {
		return err
	}
	i.work.Add(1)
	go i.talk(stream)
	d, err := i.rpc.Describe(i.ctx, &connectorv1.DescribeRequest{})
	if err != nil {
		return err
	}
	i.description, err = descriptionFromProto(d)
	return err
}

// calledPlugin gives the client of the service.
type calledPlugin struct {
	plugin.NetRPCUnsupportedPlugin
}

// GRPCServer implements plugin.GRPCPlugin; a host is never the server.
func (*calledPlugin) GRPCServer(*plugin.GRPCBroker, *grpc.Server) error {
	return errors.New("the host calls and does not serve")
}

// GRPCClient implements plugin.GRPCPlugin.
func (*calledPlugin) GRPCClient(_ context.Context, _ *plugin.GRPCBroker, c *grpc.ClientConn) (any, error) {
	return connectorv1.NewConnectorServiceClient(c), nil
}

var _ plugin.GRPCPlugin = (*calledPlugin)(nil)

// What a binary says that was started as a plugin of something else: our own word (sdk/connector.Main) and go-plugin's.
var wrongCookie = []string{"It is started by pomost, not by hand", "These are not meant to be executed directly"}

const forAuthor = "Install a connector that is made for this version of Pomost; if it is, report this to its author."

// explain tells why a start failed.
func (i *instance) explain(err error, late bool) error {
	if i.proc == nil {
		return pluginFailed(fmt.Sprintf("The connector %s cannot be started", i.name), "", true, err)
	}
	i.proc.mu.Lock()
	startErr := i.proc.startErr
	i.proc.mu.Unlock()
	switch {
	case errors.Is(startErr, fs.ErrPermission):
		return pluginFailed(fmt.Sprintf("The connector %s is not executable", i.name), "Run chmod +x on "+i.proc.binary.name+".", false, startErr)
	case errors.Is(startErr, syscall.ENOEXEC):
		return pluginFailed(fmt.Sprintf("The connector %s is no program for this machine", i.name), "Install the connector for this system and processor.", false, startErr)
	case startErr != nil:
		return pluginFailed(fmt.Sprintf("The connector %s cannot be executed", i.name), "Check its binary.", false, startErr)
	case late:
		return i.withWords(fmt.Sprintf("The connector %s hung at its start and was killed after %s.", i.name, i.slot.m.opts.StartTimeout), "Try again; if it stays so, reinstall the connector.", true)
	}
	return i.explainOutput(err)
}

// explainOutput judges by what the plugin printed and how it ended.
func (i *instance) explainOutput(err error) error {
	line := i.proc.firstly.String()
	parts := strings.Split(line, "|")
	if line != "" {
		// Its exit, if there is one, is not the point.
		if len(parts) < 4 {
			return i.withWords(fmt.Sprintf("The connector %s printed something else than its handshake: %q.", i.name, clip(child.Sanitise(line))), forAuthor, false)
		}
		if parts[0] != fmt.Sprint(plugin.CoreProtocolVersion) || parts[1] != fmt.Sprint(connectorv1.ProtocolVersion) {
			return i.withWords(fmt.Sprintf("The connector %s speaks version %s of the protocol, Pomost speaks %d.", i.name, clip(child.Sanitise(parts[1])), connectorv1.ProtocolVersion), forAuthor, false)
		}
		return i.withWords(fmt.Sprintf("The connector %s started but does not talk: %s.", i.name, clip(child.Sanitise(err.Error()))), forAuthor, true)
	}
	_ = i.proc.Kill(context.Background()) // it closed its stdout without a word; nothing more is to come
	state := "it does not end"
	select {
	case <-i.proc.exited:
		state = i.proc.state
	case <-time.After(time.Second):
	}
	for _, said := range i.words.All() {
		for _, sign := range wrongCookie {
			if strings.Contains(said, sign) {
				return i.withWords(fmt.Sprintf("The connector %s does not accept the handshake of this Pomost (wrong cookie; %s).", i.name, state), forAuthor, false)
			}
		}
	}
	return i.withWords(fmt.Sprintf("The connector %s ended at its start (%s).", i.name, state), "Try again; if it stays so, reinstall the connector.", true)
}

func (i *instance) withWords(message, remedy string, retryable bool) error {
	if last := i.words.String(); last != "" {
		message += " Its last words: " + last
	}
	return pluginFailed(message, remedy, retryable, nil)
}

func clip(s string) string {
	if len(s) > 120 {
		return strings.ToValidUTF8(s[:120], "") + "…"
	}
	return s
}
