package probe

import (
	"context"
	"net"
	"net/netip"
	"sync/atomic"
	"time"

	"golang.org/x/net/icmp"
	"golang.org/x/net/ipv4"
	"golang.org/x/net/ipv6"
	"golang.org/x/sys/unix"
)

const (
	pings     = 3
	pingEvery = 100 * time.Millisecond
)

// icmpSocket opens a raw socket for ICMP of the address's family.
func (a *attempt) icmpSocket(to netip.Addr) (*icmp.PacketConn, error) {
	network, local := "ip4:icmp", "0.0.0.0"
	if to.Is6() {
		network, local = "ip6:ipv6-icmp", "::"
	}
	var c *icmp.PacketConn
	err := a.From.Host.Do(func() (err error) {
		c, err = icmp.ListenPacket(network, local)
		return err
	})
	return c, err
}

// icmpProtocol is the number of ICMP of the address's family.
func icmpProtocol(to netip.Addr) uint8 {
	if to.Is6() {
		return unix.IPPROTO_ICMPV6
	}
	return unix.IPPROTO_ICMP
}

// readICMP gives the next message and whom it is from.
func readICMP(c *icmp.PacketConn, protocol uint8, buf []byte) (*icmp.Message, netip.Addr, error) {
	for {
		n, from, err := c.ReadFrom(buf)
		if err != nil {
			return nil, netip.Addr{}, err
		}
		m, err := icmp.ParseMessage(int(protocol), buf[:n])
		if err != nil {
			continue
		}
		addr, _ := netip.AddrFromSlice(from.(*net.IPAddr).IP)
		return m, addr.Unmap(), nil
	}
}

// ping sends echo requests and is content with one answer.
func (a *attempt) ping(ctx context.Context) Outcome {
	to, bad := a.address(ctx)
	if bad != nil {
		return *bad
	}
	c, err := a.icmpSocket(to)
	if err != nil {
		return failed(err)
	}
	defer c.Close()
	protocol := icmpProtocol(to)
	a.note(Socket{Transport: protocol, To: to})
	a.story.add("sends echo requests to %s", to)

	start := time.Now()
	c.SetDeadline(start.Add(a.Timeout))
	defer context.AfterFunc(ctx, func() { c.SetDeadline(time.Unix(1, 0)) })()
	var request icmp.Type = ipv4.ICMPTypeEcho
	if to.Is6() {
		request = ipv6.ICMPTypeEchoRequest
	}
	id := echoID()
	pinging, stop := context.WithCancel(ctx)
	defer stop()
	go func() {
		for seq := range pings {
			m := icmp.Message{Type: request, Body: &icmp.Echo{ID: id, Seq: seq, Data: make([]byte, 56)}}
			if b, err := m.Marshal(nil); err == nil {
				c.WriteTo(b, &net.IPAddr{IP: to.AsSlice()})
			}
			select {
			case <-pinging.Done():
				return
			case <-time.After(pingEvery):
			}
		}
	}()
	buf := make([]byte, 1500)
	for {
		m, from, err := readICMP(c, protocol, buf)
		if err != nil {
			return Outcome{Kind: NoAnswer, After: time.Since(start)}
		}
		echo, ok := m.Body.(*icmp.Echo)
		if ok && from == to && echo.ID == id && (m.Type == ipv4.ICMPTypeEchoReply || m.Type == ipv6.ICMPTypeEchoReply) {
			return Outcome{Kind: OK, After: time.Since(start)}
		}
	}
}

var echoes atomic.Uint32

// echoID differs between probes that run side by side: a raw socket sees the answers of all.
func echoID() int { return int(uint16(echoes.Add(1))) }
