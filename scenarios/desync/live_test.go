package desync

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/netip"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"dpilab/lab"
)

// subscriber is the shipped lab without its services. It lives as long as the test.
func subscriber(t *testing.T) *lab.Lab {
	t.Helper()
	if err := lab.Missing(); err != nil {
		t.Skip(err)
	}
	top, err := lab.OpenTopology("subscriber")
	require.NoError(t, err)
	l, err := lab.Build(t.Context(), top, lab.Options{})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, l.Close()) })
	return l
}

// keeper is a server that keeps what the client of each port sent.
func keeper(t *testing.T, h *lab.Host) (port uint16, got func(port uint16) []byte) {
	t.Helper()
	in, err := h.Listen(t.Context(), "tcp", ":0")
	require.NoError(t, err)
	t.Cleanup(func() { in.Close() })
	type stream struct {
		port uint16
		data []byte
	}
	all := make(chan stream, 100)
	go func() {
		for {
			c, err := in.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				b, _ := io.ReadAll(c)
				if len(b) > 0 { // not the search for the server's distance
					all <- stream{addrPort(c.RemoteAddr()).Port(), b}
				}
			}()
		}
	}()
	seen := map[uint16][]byte{}
	return addrPort(in.Addr()).Port(), func(port uint16) []byte {
		for deadline := time.After(10 * time.Second); seen[port] == nil; {
			select {
			case s := <-all:
				seen[s.port] = s.data
			case <-deadline:
				return nil
			}
		}
		return seen[port]
	}
}

// each strategy of TCP that changes packets or the bytes of the stream in no way.
var faithful = []string{
	"", "split 3", "split sni+1 midsni -5", "split 3 midsni; delay 20ms", "disorder midsni", "disorder 1 midsni", "disorder midsni ttl 1",
	"fake badsum", "fake ttl auto", "fake ttl 2", "fake badseq", "fake badack", "fake md5sig", "fake ts", "fake datanoack",
	"fake random 600 ttl auto badsum badseq md5sig times 3; disorder midsni", "ipfrag 64", "ipfrag 64 reverse", "oob midsni", "oob 1; disorder midsni",
	"seqovl 100; split midsni", "syndata", "syndata zeros 16; split 1", "window 1152", "mss 88",
}

// The server gets the stream that the client wrote, to the last byte, over both families, whatever packets carried it.
func TestStreamArrives(t *testing.T) {
	l := subscriber(t)
	server := l.Host("neutral")
	port, got := keeper(t, server)
	first, rest := hello(t, "x.com"), bytes.Repeat([]byte("0123456789"), 3000)
	type sent struct {
		text string
		port uint16
	}
	out := make(chan sent, 100)
	var group errgroup.Group
	group.SetLimit(8)
	for _, text := range faithful {
		for _, to := range []netip.Addr{server.Addr4(), server.Addr6()} {
			group.Go(func() error {
				c, err := Must(text).Dialer(l.Host("client").Do).DialContext(t.Context(), "tcp", netip.AddrPortFrom(to, port).String())
				if err != nil {
					return fmt.Errorf("%s: %w", text, err)
				}
				defer c.Close()
				for _, b := range [][]byte{first, rest[:1], rest[1:]} {
					if n, err := c.Write(b); err != nil || n < len(b) {
						return fmt.Errorf("%s: %d of %d bytes: %w", text, n, len(b), err)
					}
				}
				out <- sent{text + " " + to.String(), addrPort(c.LocalAddr()).Port()}
				if err := c.(interface{ CloseWrite() error }).CloseWrite(); err != nil {
					return err
				}
				_, err = io.Copy(io.Discard, c)
				return err
			})
		}
	}
	require.NoError(t, group.Wait())
	close(out)
	for s := range out {
		require.True(t, bytes.Equal(append(bytes.Clone(first), rest...), got(s.port)), s.text)
	}
}

// A first write of any length, in pieces that fill the kernel's queue.
func TestLongWriteArrives(t *testing.T) {
	l := subscriber(t)
	server := l.Host("x")
	port, got := keeper(t, server)
	b := bytes.Repeat([]byte("0123456789abcde"), 20_000)
	for _, text := range []string{"split 1", "disorder 1 -1", "mss 88; split 1"} {
		c, err := Must(text).Dialer(l.Host("client").Do).DialContext(t.Context(), "tcp", netip.AddrPortFrom(server.Addr4(), port).String())
		require.NoError(t, err)
		defer c.Close()
		n, err := c.Write(b)
		require.NoError(t, err, text)
		require.Equal(t, len(b), n)
		require.NoError(t, c.(*conn).CloseWrite())
		require.True(t, bytes.Equal(b, got(addrPort(c.LocalAddr()).Port())), text)
	}
}

func TestDialErrors(t *testing.T) {
	l := subscriber(t)
	d := Must("fake ttl auto; split 1").Dialer(l.Host("client").Do)
	_, err := d.DialContext(t.Context(), "tcp", "x.com:443")
	require.EqualError(t, err, `desync: "x.com:443" is no IP address and port`)
	_, err = d.DialContext(t.Context(), "udp", "203.0.113.34:443")
	require.EqualError(t, err, "desync: udp: only TCP is dialled; datagrams are ListenPacket's")
	_, err = d.DialContext(t.Context(), "tcp", "198.51.100.1:9")
	require.EqualError(t, err, "desync: ttl auto: 198.51.100.1 is one hop away: nothing dies before it that passes a box")
	_, err = Must("udpfake ttl auto").Dialer(l.Host("client").Do).ListenPacket(t.Context(), &net.UDPAddr{IP: net.IPv4(198, 51, 100, 1), Port: 9})
	require.ErrorContains(t, err, "198.51.100.1 is one hop away")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = d.DialContext(ctx, "tcp", "203.0.113.34:443")
	require.ErrorIs(t, err, context.Canceled)

	c, err := Must("split 1").Dialer(l.Host("client").Do).DialContext(t.Context(), "tcp", keeperAddr(t, l))
	require.NoError(t, err)
	require.NoError(t, c.Close())
	_, err = c.Write([]byte("late"))
	require.ErrorIs(t, err, net.ErrClosed)
	require.Error(t, c.Close())
}

func keeperAddr(t *testing.T, l *lab.Lab) string {
	port, _ := keeper(t, l.Host("x"))
	return netip.AddrPortFrom(l.Host("x").Addr4(), port).String()
}
