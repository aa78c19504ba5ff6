package connectorv1

import "time"

// The handshake and the bounds that both sides of the protocol keep. connector.proto states them for other languages.
const (
	ProtocolVersion = 1
	CookieKey       = "POMOST_CONNECTOR"
	// CookieValue only tells a connector that it was started by a host; it protects nothing, mutual TLS does.
	CookieValue = "2f6d0c3e9b1a4f7d8a5c6e1b7d904a3c"

	MaxMessage = 24 << 20

	Heartbeat        = 3 * time.Second
	HeartbeatTimeout = 15 * time.Second
	// HostTimeout is how long a plugin waits for the Host stream after its handshake.
	HostTimeout = 30 * time.Second

	// Window is the flow-control window per stream: room for one frame on its way while another is worked on.
	Window = 4 << 20
)
