package lab

import (
	"fmt"
	"io"
	"net/netip"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func bothAddrs(h *Host) []netip.Addr { return []netip.Addr{h.Addr4(), h.Addr6()} }

func TestRoutersCountAsHops(t *testing.T) {
	l := build(t, "subscriber")
	client := l.Host("client")
	for to, routers := range map[string]int{"isp-dns": 1, "meta": 2, "vk": 3} {
		for _, a := range bothAddrs(l.Host(to)) {
			answers, err := ping(t, client, a, 64, 1)
			require.NoError(t, err, "%s at %s", to, a)
			require.Equal(t, 64-routers, answers[0].ttl, "%s at %s", to, a)
			require.Equal(t, a, answers[0].from)
		}
	}
}

func TestTracerouteShowsEveryRouter(t *testing.T) {
	l := build(t, "subscriber")
	for _, a := range bothAddrs(l.Host("vk")) {
		var path []string
		for ttl := 1; ttl <= 4; ttl++ {
			answers, err := ping(t, l.Host("client"), a, ttl, 1)
			require.NoError(t, err)
			path = append(path, nodeAt(l, answers[0].from))
			require.Equal(t, ttl < 4, answers[0].late)
		}
		require.Equal(t, []string{"isp", "border", "exchange", "vk"}, path, "to %s", a)
	}
}

func nodeAt(l *Lab, a netip.Addr) string {
	for name, h := range l.hosts {
		for _, own := range h.addrs {
			if own == a {
				return name
			}
		}
	}
	return a.String()
}

// The traffic class of routers' answers is not limited: a hundred in a row all come.
func TestRoutersAnswerEveryExpiredPacket(t *testing.T) {
	l := build(t, "subscriber")
	for _, a := range bothAddrs(l.Host("vk")) {
		answers, err := ping(t, l.Host("isp-dns"), a, 1, 100)
		require.NoError(t, err)
		require.Len(t, answers, 100)
	}
}

func TestBoxAddsNoHop(t *testing.T) {
	for _, keys := range []string{"", "box: box", "{box: box, delay: 1ms}"} {
		text := pair(strings.Trim(strings.ReplaceAll(keys, ", ", "\n    "), "{}"))
		if strings.Contains(keys, "box") {
			text = strings.Replace(text, "hosts:", "boxes: {box: {}}\nhosts:", 1)
		}
		l := build(t, text)
		for _, a := range bothAddrs(l.Host("b")) {
			answers, err := ping(t, l.Host("a"), a, 1, 1) // a TTL of 1 reaches a neighbour only
			require.NoError(t, err)
			require.Equal(t, 64, answers[0].ttl)
			require.False(t, answers[0].late)
		}
	}
}

func TestWireHasTwoPortsOnABridge(t *testing.T) {
	l := build(t, "subscriber")
	w := l.Wire("box")
	require.NotNil(t, w)
	require.Nil(t, l.Wire("other"))
	require.Equal(t, "uplink", w.Link)
	require.NoError(t, w.Do(func() error {
		for _, p := range []Port{w.Inside, w.Outside} {
			index, err := os.ReadFile("/proc/sys/net/ipv6/conf/" + p.Name + "/disable_ipv6")
			require.NoError(t, err)
			require.Equal(t, "1\n", string(index), "a port says nothing of its own")
			require.NotZero(t, p.Index)
		}
		forward, err := os.ReadFile("/proc/sys/net/ipv4/ip_forward")
		require.NoError(t, err)
		require.Equal(t, "0\n", string(forward))
		return nil
	}))
	require.NotEqual(t, w.Inside.Index, w.Outside.Index)
}

func TestDelayIsAddedEachWay(t *testing.T) {
	l := build(t, pair("delay: 20ms"))
	for _, a := range bothAddrs(l.Host("b")) {
		answers, err := ping(t, l.Host("a"), a, 64, 20)
		require.NoError(t, err)
		_, _, least := rtts(answers)
		require.GreaterOrEqual(t, least, 40*time.Millisecond)
		require.Less(t, least, 60*time.Millisecond)
	}
}

func TestDelayIsExact(t *testing.T) {
	l := build(t, pair("delay: 5ms"))
	answers, err := ping(t, l.Host("a"), l.Host("b").Addr4(), 64, 200)
	require.NoError(t, err)
	p50, p99, least := rtts(answers)
	t.Logf("5 ms each way: RTT p50 %v, p99 %v, least %v", p50, p99, least)
	require.GreaterOrEqual(t, least, 10*time.Millisecond)
	require.Less(t, p50, 15*time.Millisecond)
}

// send sends size bytes from b to a and gives how long they took, from the first byte to the last.
func send(t *testing.T, l *Lab, size int64) time.Duration {
	t.Helper()
	ln, err := l.Host("b").Listen(t.Context(), "tcp", "192.0.2.2:80")
	require.NoError(t, err)
	defer ln.Close()
	go func() {
		c, err := ln.Accept()
		if err != nil {
			return
		}
		defer c.Close()
		_, _ = io.Copy(c, io.LimitReader(zeros{}, size))
	}()
	c, err := l.Host("a").DialContext(t.Context(), "tcp", "192.0.2.2:80")
	require.NoError(t, err)
	defer c.Close()
	_, err = io.ReadFull(c, make([]byte, 1))
	require.NoError(t, err)
	start := time.Now()
	n, err := io.Copy(io.Discard, c)
	require.NoError(t, err)
	require.Equal(t, size-1, n)
	return time.Since(start)
}

type zeros struct{}

func (zeros) Read(b []byte) (int, error) { clear(b); return len(b), nil }

func TestRateHoldsForTCP(t *testing.T) {
	const size = 3e6 // 1.2 s at 20 mbit
	for _, keys := range []string{"rate: 20mbit", "rate: 20mbit\n    delay: 5ms"} {
		l := build(t, pair(keys))
		took := send(t, l, size)
		t.Logf("%q: %.1f mbit/s", keys, size*8/1e6/took.Seconds())
		require.Greater(t, took, 1100*time.Millisecond, "faster than the rate")
		require.Less(t, took, 8*time.Second)
	}
}

func TestDelayLineCarriesBulk(t *testing.T) {
	const size = 300e6
	for _, delay := range []string{"1ms", "10ms"} {
		l := build(t, pair("delay: "+delay))
		took := send(t, l, size)
		t.Logf("one TCP connection through %s: %.2f Gbit/s", delay, size*8/1e9/took.Seconds())
	}
}

func TestRing(t *testing.T) {
	var r ring
	var next, want uint32
	for range 3000 { // more in than out: it grows while its head is anywhere
		for range 3 {
			r.push(held{id: next})
			next++
		}
		for range 2 {
			require.Equal(t, want, r.first().id)
			r.pop()
			want++
		}
	}
	for ; want < next; want++ {
		require.Equal(t, want, r.first().id)
		r.pop()
	}
	require.Zero(t, r.length())
}

func ExampleTopologyNames() {
	fmt.Println(TopologyNames())
	// Output: [internet subscriber two-filters]
}
