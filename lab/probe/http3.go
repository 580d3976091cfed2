package probe

import (
	"context"
	"io"
	"net"
	"net/netip"
	"sync/atomic"
	"time"

	"github.com/quic-go/quic-go"
	"github.com/quic-go/quic-go/http3"

	"dpilab/lab"
)

// http3 gets a page over QUIC, or many bytes, whose rate it measures in quiet.
func (a *attempt) http3(ctx context.Context) Outcome {
	to, bad := a.address(ctx)
	if bad != nil {
		return *bad
	}
	addr := net.UDPAddrFromAddrPort(netip.AddrPortFrom(to, lab.PortHTTPS))
	pc, err := a.listenPacketVia(ctx, addr)
	if err != nil {
		return failed(err)
	}
	defer pc.Close()
	counter := &countedPackets{PacketConn: pc}
	transport := &quic.Transport{Conn: counter}
	defer transport.Close()

	var m measure
	stage, start := StageInitial, time.Now()
	a.dialled = start
	a.story.add("sends an Initial to %s", addr)
	err = func() error {
		dialCtx, cancel := context.WithTimeout(ctx, a.Timeout)
		defer cancel()
		conn, err := transport.Dial(dialCtx, addr, a.tlsConfig(http3.NextProtoH3), a.quicConfig())
		if err != nil {
			return err
		}
		defer conn.CloseWithError(0, "")
		a.handshake = a.since()
		a.story.add("handshake done, sends the request")
		stage, start = StageRequest, time.Now()
		counter.bytes.Store(0) // what answers a request is large, too
		h3 := (&http3.Transport{}).NewClientConn(conn)
		if a.Type == TypeDownload {
			if err := a.quiet(ctx); err != nil {
				return err
			}
			start = time.Now()
			return a.fetch(ctx, h3, "https://"+bracket(a.Probe.Host)+a.measured(), m.reading(a.Bytes, a.For))
		}
		getCtx, cancel := context.WithTimeout(ctx, a.Timeout)
		defer cancel()
		return a.fetch(getCtx, h3, "https://"+bracket(a.Probe.Host)+a.Path, func(body io.Reader) error {
			_, err := io.Copy(io.Discard, io.LimitReader(body, maxPage))
			return err
		})
	}()
	switch {
	case err == nil && a.Type == TypeDownload:
		return a.transferred(m.bytes, m.took)
	case err == nil:
		return Outcome{Kind: OK}
	}
	took, bytes := time.Since(start), counter.bytes.Load()
	switch {
	case took < a.Timeout*9/10: // it said something before the time was up
		return failed(err)
	case bytes == 0:
		return Outcome{Kind: Silent, Stage: stage, After: took}
	}
	return Outcome{Kind: Stalled, Stage: stage, After: took, Bytes: bytes}
}

// quicConfig lets a connection that measures a rate wait for quiet, and give up when nothing has come for the timeout.
func (a *attempt) quicConfig() *quic.Config {
	c := &quic.Config{HandshakeIdleTimeout: a.Timeout}
	if a.Type == TypeDownload {
		c.MaxIdleTimeout, c.KeepAlivePeriod = a.Timeout, a.Timeout/3
	}
	return c
}

// minInitial is the least size of a datagram with a server's Initial that carries anything but an ACK (RFC 9000, 14.1).
const minInitial = 1200

// countedPackets counts what comes in. The ACK of the first part of a ClientHello that needs two datagrams is no answer to it.
type countedPackets struct {
	net.PacketConn
	bytes atomic.Int64
}

// ReadFrom is the connection's.
func (c *countedPackets) ReadFrom(b []byte) (int, net.Addr, error) {
	n, from, err := c.PacketConn.ReadFrom(b)
	if n >= minInitial || c.bytes.Load() > 0 {
		c.bytes.Add(int64(n))
	}
	return n, from, err
}
