package lab

import (
	"errors"
	"net"
	"net/netip"
	"os"
	"sort"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/net/icmp"
	"golang.org/x/net/ipv4"
	"golang.org/x/net/ipv6"
)

// answer is what came back for an ICMP echo request.
type answer struct {
	from netip.Addr
	ttl  int  // of the answer, as it arrived
	late bool // the TTL of the request ran out on the way
	rtt  time.Duration
}

// ping sends echo requests with this TTL, one after the other, and gives the answers; it stops at the first that is lost.
func ping(t *testing.T, h *Host, to netip.Addr, ttl, count int) ([]answer, error) {
	t.Helper()
	network, local, proto := "ip4:icmp", "0.0.0.0", 1
	if to.Is6() {
		network, local, proto = "ip6:ipv6-icmp", "::", 58
	}
	var c *icmp.PacketConn
	require.NoError(t, h.Do(func() (err error) {
		c, err = icmp.ListenPacket(network, local)
		return err
	}))
	defer c.Close()
	var request icmp.Type = ipv4.ICMPTypeEcho
	if to.Is6() {
		request = ipv6.ICMPTypeEchoRequest
		require.NoError(t, c.IPv6PacketConn().SetHopLimit(ttl))
		require.NoError(t, c.IPv6PacketConn().SetControlMessage(ipv6.FlagHopLimit, true))
	} else {
		require.NoError(t, c.IPv4PacketConn().SetTTL(ttl))
		require.NoError(t, c.IPv4PacketConn().SetControlMessage(ipv4.FlagTTL, true))
	}
	var all []answer
	buf := make([]byte, 1500)
	for seq := range count {
		m := icmp.Message{Type: request, Body: &icmp.Echo{ID: 7, Seq: seq, Data: make([]byte, 56)}}
		b, err := m.Marshal(nil)
		require.NoError(t, err)
		sent := time.Now()
		if _, err := c.WriteTo(b, &net.IPAddr{IP: to.AsSlice()}); err != nil {
			return all, err
		}
		require.NoError(t, c.SetReadDeadline(sent.Add(3*time.Second)))
		for {
			var n, got int
			var from net.Addr
			if to.Is6() {
				var cm *ipv6.ControlMessage
				if n, cm, from, err = c.IPv6PacketConn().ReadFrom(buf); err == nil {
					got = cm.HopLimit
				}
			} else {
				var cm *ipv4.ControlMessage
				if n, cm, from, err = c.IPv4PacketConn().ReadFrom(buf); err == nil {
					got = cm.TTL
				}
			}
			if errors.Is(err, os.ErrDeadlineExceeded) {
				return all, err
			}
			require.NoError(t, err)
			m, err := icmp.ParseMessage(proto, buf[:n])
			require.NoError(t, err)
			a := answer{ttl: got, rtt: time.Since(sent)}
			a.from, _ = netip.AddrFromSlice(from.(*net.IPAddr).IP)
			a.from = a.from.Unmap()
			switch m.Type {
			case ipv4.ICMPTypeEchoReply, ipv6.ICMPTypeEchoReply:
				if m.Body.(*icmp.Echo).Seq != seq {
					continue
				}
			case ipv4.ICMPTypeTimeExceeded, ipv6.ICMPTypeTimeExceeded:
				a.late = true
			default:
				continue
			}
			all = append(all, a)
			break
		}
	}
	return all, nil
}

// rtts gives the median and the 99th percentile of the round-trip times, and the least.
func rtts(answers []answer) (p50, p99, least time.Duration) {
	sort.Slice(answers, func(i, j int) bool { return answers[i].rtt < answers[j].rtt })
	at := func(p int) time.Duration { return answers[min(len(answers)*p/100, len(answers)-1)].rtt }
	return at(50), at(99), at(0)
}
