package probe

import (
	"context"
	"encoding/binary"
	"net"
	"net/netip"
	"time"

	"golang.org/x/net/icmp"
	"golang.org/x/net/ipv4"
	"golang.org/x/net/ipv6"
)

// Words of a traceroute.
const (
	MaxHops   = 16  // how far a traceroute goes
	SilentHop = "*" // one that does not answer
)

// tracePort is the first of the ports that traceroute has always used; hop n gets the n-th.
const tracePort = 33434

// traceroute sends a datagram with every TTL at once and collects who answers. A box that bridges does not answer.
func (a *attempt) traceroute(ctx context.Context) Outcome {
	to, bad := a.address(ctx)
	if bad != nil {
		return *bad
	}
	errs, err := a.icmpSocket(to)
	if err != nil {
		return failed(err)
	}
	defer errs.Close()
	pc, err := a.listenPacket(ctx, to)
	if err != nil {
		return failed(err)
	}
	defer pc.Close()
	a.story.add("sends datagrams with every TTL to %s", to)
	port := pc.LocalAddr().(*net.UDPAddr).Port
	start := time.Now()
	for ttl := 1; ttl <= MaxHops; ttl++ {
		if to.Is6() {
			err = ipv6.NewPacketConn(pc).SetHopLimit(ttl)
		} else {
			err = ipv4.NewPacketConn(pc).SetTTL(ttl)
		}
		if err != nil {
			return failed(err)
		}
		if _, err := pc.WriteTo([]byte("dpilab"), &net.UDPAddr{IP: to.AsSlice(), Port: tracePort + ttl - 1}); err != nil {
			return refusal(err, time.Since(start))
		}
	}
	errs.SetReadDeadline(start.Add(a.Timeout))
	defer context.AfterFunc(ctx, func() { errs.SetReadDeadline(time.Unix(1, 0)) })()
	path := trace{target: to}
	buf := make([]byte, 1500)
	for !path.complete() {
		m, from, err := readICMP(errs, icmpProtocol(to), buf)
		if err != nil {
			break
		}
		if ttl, ok := expiredTTL(m, to, port); ok {
			path.add(ttl, from)
		}
	}
	if !path.reached() {
		return Outcome{Kind: NoAnswer, After: time.Since(start), Hops: path.names(a.nameOf)}
	}
	return Outcome{Kind: OK, After: time.Since(start), Hops: path.names(a.nameOf)}
}

// trace is who answered to which TTL.
type trace struct {
	target netip.Addr
	by     [MaxHops + 1]netip.Addr
	last   int // the least TTL with which the target was reached, 0: none yet
}

func (t *trace) add(ttl int, from netip.Addr) {
	t.by[ttl] = from
	if from == t.target && (t.last == 0 || ttl < t.last) {
		t.last = ttl
	}
}

func (t *trace) reached() bool { return t.last > 0 }

// complete tells whether the target and everyone before it have answered.
func (t *trace) complete() bool {
	if !t.reached() {
		return false
	}
	for ttl := 1; ttl < t.last; ttl++ {
		if !t.by[ttl].IsValid() {
			return false
		}
	}
	return true
}

// names gives the way up to the target, or up to the last one who answered.
func (t *trace) names(nameOf func(netip.Addr) string) []string {
	end := t.last
	for ttl := MaxHops; end == 0 && ttl > 0; ttl-- {
		if t.by[ttl].IsValid() {
			end = ttl
		}
	}
	var names []string
	for ttl := 1; ttl <= end; ttl++ {
		name := SilentHop
		if from := t.by[ttl]; from.IsValid() {
			if name = nameOf(from); name == "" {
				name = from.String()
			}
		}
		names = append(names, name)
	}
	return names
}

// expiredTTL tells which of our datagrams an ICMP error is about.
func expiredTTL(m *icmp.Message, to netip.Addr, port int) (int, bool) {
	var inner []byte
	switch body := m.Body.(type) {
	case *icmp.TimeExceeded:
		inner = body.Data
	case *icmp.DstUnreach:
		inner = body.Data
	}
	header := 40
	if to.Is4() && len(inner) > 0 {
		header = int(inner[0]&15) * 4
	}
	if len(inner) < header+4 {
		return 0, false
	}
	ttl := int(binary.BigEndian.Uint16(inner[header+2:])) - tracePort + 1
	ours := int(binary.BigEndian.Uint16(inner[header:])) == port
	return ttl, ours && 1 <= ttl && ttl <= MaxHops
}
