// Package probe tries things from a host of a lab, as a client would, and says what came of them.
package probe

import (
	"context"
	"crypto/tls"
	"net"
	"time"

	"dpilab/lab"
)

// Type is what a probe tries: the key that a scenario file gives it by.
type Type string

// Kind is what happened to a probe, in the word that expectations and reports use.
type Kind string

// Probe is one thing that a client tries. The constructors give it the usual values.
type Probe struct {
	Name string
	Type Type
	Host string // a domain name, which the resolver is asked for; a host of the lab, or an address
}

// Outcome is what came of a probe. The zero Outcome is none.
type Outcome struct {
	Kind      Kind
	Detail    string
	Handshake time.Duration // from the first packet (or the first byte to a proxy) to the end of the TLS, QUIC or chat handshake; 0: none
	FirstByte time.Duration // from the same instant to the first byte of the answer
}

// From is where probes are tried.
type From struct {
	Host     *lab.Host
	Services *lab.Services
	Via      Via
}

// Via is the way that connections take, where it is not the host's own. The zero value is the host's own.
type Via struct {
	// Dial opens a TCP connection to "name:port" or "address:port". nil: the host's own.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
	// ListenPacket opens a UDP socket for datagrams to the address. nil: the host's own.
	ListenPacket func(ctx context.Context, to net.Addr) (net.PacketConn, error)
	// Resolves says that the far end of Dial resolves names: the client then asks no resolver.
	Resolves bool
	// TLS makes the client's side of TLS, its handshake not begun; the connection that it gives may have HandshakeContext. nil: crypto/tls.
	TLS func(c net.Conn, config *tls.Config) (net.Conn, error)
	// Resolver is the DNS server that is asked in place of the host's: "address:port". "": the host's.
	Resolver string
}

// Try tries the probe once. ctx ends it early, and the outcome is then worth nothing. Any goroutine.
func (p Probe) Try(ctx context.Context, from From) Outcome { return Outcome{} }
