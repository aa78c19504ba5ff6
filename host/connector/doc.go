// Package connector starts connector plugins, keeps them alive and speaks to them. What it hands out implements
// connector.Connector and connector.Connection of the SDK, so that the engine never sees a process, protobuf or gRPC.
//
// Each connection has a process of its own: a crash, a hang or a leak hurts only that connection, and no process holds
// secrets of another. A process starts when it is first called, is restarted with growing pauses when it dies, and is
// left alone after a crash loop. It inherits nothing: no environment, no descriptors, no standard input, a private
// working folder. On Linux it dies with the host even when the host is killed; elsewhere it notices that the Host stream
// has ended and leaves by itself.
package connector
