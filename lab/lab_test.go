package lab

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// build builds a topology for one test. "subscriber", or YAML text that begins with a line break.
func build(t *testing.T, text string) *Lab {
	t.Helper()
	live(t)
	var topology *Topology
	var err error
	if text[0] == '\n' {
		topology, err = ParseTopology("test.yaml", []byte(text))
	} else {
		topology, err = OpenTopology(text)
	}
	require.NoError(t, err)
	start := time.Now()
	l, err := Build(t.Context(), topology, Options{})
	require.NoError(t, err)
	t.Logf("%d namespaces, %d veth pairs built in %v", len(l.spaces), len(l.segments), time.Since(start).Round(time.Millisecond))
	t.Cleanup(func() { require.NoError(t, l.Close()) })
	return l
}

// echo answers every TCP connection to the host with what it sends, and gives the address.
func echo(t *testing.T, h *Host, a netip.Addr) string {
	t.Helper()
	l, err := h.Listen(t.Context(), "tcp", netip.AddrPortFrom(a, 7).String())
	require.NoError(t, err)
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				buf := make([]byte, 64<<10)
				for {
					n, err := c.Read(buf)
					if err != nil {
						return
					}
					if _, err := c.Write(buf[:n]); err != nil {
						return
					}
				}
			}()
		}
	}()
	return l.Addr().String()
}

func talk(ctx context.Context, h *Host, addr string) error {
	c, err := h.DialContext(ctx, "tcp", addr)
	if err != nil {
		return err
	}
	defer c.Close()
	if _, err := fmt.Fprint(c, "hello"); err != nil {
		return err
	}
	buf := make([]byte, 5)
	if _, err := c.Read(buf); err != nil {
		return err
	}
	if string(buf) != "hello" {
		return fmt.Errorf("echo is %q", buf)
	}
	return nil
}

func TestEveryHostReachesEveryOther(t *testing.T) {
	l := build(t, "subscriber")
	addrs := map[string][]string{}
	for _, h := range l.Hosts() {
		for _, a := range h.Addrs() {
			addrs[h.Name] = append(addrs[h.Name], echo(t, h, a))
		}
	}
	for _, from := range l.Hosts() {
		for to, all := range addrs {
			require.Len(t, all, 2)
			for _, a := range all {
				ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
				require.NoError(t, talk(ctx, from, a), "%s to %s", from.Name, to)
				cancel()
			}
		}
	}
}

func TestDialNeedsAnAddress(t *testing.T) {
	l := build(t, pair(""))
	_, err := l.Host("a").DialContext(t.Context(), "tcp", "example.org:80")
	require.ErrorContains(t, err, "resolve the name first")
}

func TestDialHonoursItsContext(t *testing.T) {
	l := build(t, pair("delay: 1s"))
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	start := time.Now()
	_, err := l.Host("a").DialContext(ctx, "tcp", "192.0.2.2:7")
	var timeout net.Error
	require.ErrorAs(t, err, &timeout)
	require.True(t, timeout.Timeout())
	require.Less(t, time.Since(start), 2*time.Second)
}

// pair is the smallest topology: a and b on one link with further keys.
func pair(keys string) string {
	return `
topology: pair
hosts: {a: {}, b: {}}
links:
  - link: wire
    ends: {a: [192.0.2.1/30, "2001:db8::1/64"], b: [192.0.2.2/30, "2001:db8::2/64"]}
    ` + keys
}
