package probe

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/netip"

	"dpilab/lab"
)

// From is where probes are tried, and by which way. Only Host is required.
type From struct {
	Host     *lab.Host
	Services *lab.Services // nil: those that run in the host's lab
	Via      Via

	// Line is what the client's line carries in bits a second, which a rate is compared with. 0: the host's (Host.Line).
	Line float64
	// OnSocket hears of every socket that the probe itself opens, before its first packet. It is called from the goroutine that
	// tries; two probes that run side by side call it from two. nil: nobody wants to know.
	OnSocket func(Socket)
	// Quiet is called before a rate is measured, and returns when nothing else disturbs it. nil: at once.
	Quiet func(context.Context) error
}

// Socket is one of a probe's, so that what a box does to a flow can be told to be the probe's.
type Socket struct {
	Transport uint8      // the protocol's number in the IP header
	Port      uint16     // the client's; 0 for ICMP
	To        netip.Addr // where it leads
}

// Via is the way that connections take, where it is not the host's own. The zero value is the host's own.
type Via struct {
	// Dial opens a TCP connection to "address:port", or to "name:port" when Resolves is set. It may be called by several probes at a
	// time. An error in whose chain is a syscall.Errno, such as ECONNREFUSED, is understood. nil: the host's own.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
	// ListenPacket opens a UDP socket for datagrams to the address. nil: the host's own; but with a Dial, probes over UDP are skipped,
	// because they would go past it.
	ListenPacket func(ctx context.Context, to net.Addr) (net.PacketConn, error)
	// Resolves says that the far end of Dial resolves names: the client then asks no resolver. Probes over UDP need an address, and ask the
	// resolver by ListenPacket for it.
	Resolves bool
	// TLS makes the client's side of TLS over c, its handshake not begun. What it gives may have HandshakeContext(context.Context) error,
	// without which the first Write shakes hands, and NegotiatedProtocol() string, without which HTTP/1.1 is spoken. nil: crypto/tls.
	TLS func(c net.Conn, config *tls.Config) (net.Conn, error)
	// Resolver is the DNS server that is asked in place of the host's and of the probe's: "address:port". "": theirs.
	Resolver string
}

// Through gives the same place with another way.
func (f From) Through(v Via) From {
	f.Via = v
	return f
}

// check says what is missing to try anything.
func (f *From) check() error {
	if f.Host == nil {
		return errors.New("a probe needs a host of a lab to be tried from: probe.From{Host: l.Host(\"client\")}")
	}
	if f.Services == nil {
		f.Services = f.Host.Lab().Services()
	}
	if f.Services == nil {
		return errors.New("nothing serves in the lab, start its services first: Lab.Serve")
	}
	if f.Line == 0 {
		f.Line = float64(f.Host.Line())
	}
	return nil
}

// carries says why the way cannot carry a probe, "" when it can.
func (v *Via) carries(p *Probe) string {
	if v.Dial == nil {
		return ""
	}
	switch p.Type {
	case TypePing, TypeTraceroute:
		return "the way carries no ICMP"
	case TypeExec:
		return "a program does not take the way"
	case TypeHTTP3, TypeCall, TypeWireGuard:
		if v.ListenPacket == nil {
			return "the way carries no UDP"
		}
	case TypeDownload:
		if v.ListenPacket == nil && p.QUIC {
			return "the way carries no UDP"
		}
	case TypeDNS:
		if v.ListenPacket == nil && !p.TCP {
			return "the way carries no UDP"
		}
	}
	return ""
}
