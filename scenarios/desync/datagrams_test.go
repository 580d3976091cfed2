package desync

import (
	"fmt"
	"net"
	"net/netip"
	"testing"
	"time"

	"github.com/google/gopacket/layers"
	"github.com/stretchr/testify/require"

	"dpilab/dpi/inspect"
)

// A fake with the TTL that was found out crosses the link of the box and dies before the server's.
func TestAutoTTL(t *testing.T) {
	l := subscriber(t)
	server := l.Host("neutral")
	port, got := keeper(t, server)
	in, err := server.ListenPacket(t.Context(), "udp", ":4433")
	require.NoError(t, err)
	defer in.Close()
	real := make(chan int, 10)
	go func() {
		for b := make([]byte, 100); ; {
			n, from, err := in.ReadFrom(b)
			if err != nil {
				close(real)
				return
			}
			if n == 1 { // the search's
				in.WriteTo(b[:n], from)
			} else {
				real <- n
			}
		}
	}()
	for _, to := range []netip.Addr{server.Addr4(), server.Addr6()} {
		d := Must("fake zeros 11 ttl auto; udpfake zeros 13 ttl auto").Dialer(l.Host("client").Do)
		all := capture(t, l, func() {
			c, err := d.DialContext(t.Context(), "tcp", netip.AddrPortFrom(to, port).String())
			require.NoError(t, err)
			defer c.Close()
			_, err = c.Write([]byte("real"))
			require.NoError(t, err)
			require.NoError(t, c.(*conn).CloseWrite())
			require.Equal(t, "real", string(got(addrPort(c.LocalAddr()).Port())))

			far := &net.UDPAddr{IP: to.AsSlice(), Port: 4433}
			p, err := d.ListenPacket(t.Context(), far)
			require.NoError(t, err)
			defer p.Close()
			_, err = p.WriteTo([]byte("real"), far)
			require.NoError(t, err)
			require.Equal(t, 4, <-real)
		}, "uplink", "neutral")
		count := map[string]int{}
		for _, p := range all {
			if transport := p.TransportLayer(); transport != nil {
				if n := len(transport.LayerPayload()); n == 11 || n == 13 {
					count[fmt.Sprint(p.on, " ", n)]++
				}
			}
		}
		require.Equal(t, map[string]int{"isp/uplink 11": 1, "isp/uplink 13": 1, "border/uplink 11": 1, "border/uplink 13": 1}, count)
	}
}

// Fakes go before the first datagram and no other, Initials go out in fragments, and the server gets all that it should.
func TestDatagramsOnTheWire(t *testing.T) {
	l := subscriber(t)
	server := l.Host("neutral")
	in, err := server.ListenPacket(t.Context(), "udp", ":443")
	require.NoError(t, err)
	defer in.Close()
	initial, err := fakeInitial("x.com")
	require.NoError(t, err)
	for _, to := range []netip.Addr{server.Addr4(), server.Addr6()} {
		far := &net.UDPAddr{IP: to.AsSlice(), Port: 443}
		all := capture(t, l, func() {
			p, err := Must("udpfake sni max.ru ttl 2; udpfake short 620 badsum times 2; udpfrag 8; sport 443").Dialer(l.Host("client").Do).ListenPacket(t.Context(), far)
			require.NoError(t, err)
			defer p.Close()
			for _, b := range [][]byte{initial, []byte("later")} {
				n, err := p.WriteTo(b, far)
				require.NoError(t, err)
				require.Equal(t, len(b), n)
				got := make([]byte, 2000)
				require.NoError(t, in.SetReadDeadline(time.Now().Add(10*time.Second)))
				n, from, err := in.ReadFrom(got)
				require.NoError(t, err)
				require.Equal(t, b, got[:n])
				require.Equal(t, uint16(443), addrPort(from).Port())
			}
		}, "access")
		var have []string
		for _, p := range all {
			if at, size, more, ok := fragmentOf(p); ok {
				have = append(have, fmt.Sprintf("frag %d..%d more %t", at, at+size, more))
				continue
			}
			udp, ok := p.TransportLayer().(*layers.UDP)
			if !ok {
				continue
			}
			name := ""
			if q := new(inspect.QUIC); q.Datagram(udp.Payload) == inspect.Yes {
				name = string(q.Hello.SNI)
			}
			ttl := 64
			if ip, ok := p.NetworkLayer().(*layers.IPv4); ok {
				ttl = int(ip.TTL)
			}
			if ip, ok := p.NetworkLayer().(*layers.IPv6); ok {
				ttl = int(ip.HopLimit)
			}
			// The socket's own leaves its checksum to the interface.
			have = append(have, fmt.Sprintf("%d %s ttl %d sum %t", len(udp.Payload), name, ttl, len(udp.Payload) == 5 || sumOK(t, p)))
		}
		require.Equal(t, []string{
			"1200 max.ru ttl 2 sum true", "620  ttl 64 sum false", "620  ttl 64 sum false",
			"frag 0..8 more true", "frag 8..1208 more false", "5  ttl 64 sum true",
		}, have)
	}
}
