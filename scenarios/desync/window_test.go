package desync

import (
	"io"
	"net/netip"
	"testing"

	"github.com/google/gopacket/layers"
	"github.com/stretchr/testify/require"
)

// The server's answer comes in pieces until the client has written a second time. 576 is half of 1152, which is what Linux sends at most to
// a window of that size.
func TestWindow(t *testing.T) {
	l := subscriber(t)
	const size, port = 3000, 4000
	in, err := l.Host("neutral").Listen(t.Context(), "tcp", ":4000")
	require.NoError(t, err)
	defer in.Close()
	go func() {
		for {
			c, err := in.Accept()
			if err != nil {
				return
			}
			b := make([]byte, 5)
			for range 2 {
				io.ReadFull(c, b)
				c.Write(make([]byte, size*len(b)))
				b = b[:4]
			}
			c.Close()
		}
	}()
	exchange := func(text string) (far []int) { // sizes of the server's segments, -1 for the client's second write
		all := capture(t, l, func() {
			d := Must(text).Dialer(l.Host("client").Do)
			c, err := d.DialContext(t.Context(), "tcp", netip.AddrPortFrom(l.Host("neutral").Addr4(), port).String())
			require.NoError(t, err)
			defer c.Close()
			_, err = c.Write([]byte("first"))
			require.NoError(t, err)
			_, err = io.ReadFull(c, make([]byte, 5*size))
			require.NoError(t, err)
			_, err = c.Write([]byte("next"))
			require.NoError(t, err)
			n, err := io.Copy(io.Discard, c)
			require.NoError(t, err)
			require.Equal(t, int64(4*size), n)
		}, "access")
		for _, p := range all {
			tcp, ok := p.TransportLayer().(*layers.TCP)
			if !ok || len(tcp.Payload) == 0 {
				continue
			}
			if tcp.SrcPort == port {
				far = append(far, len(tcp.Payload))
			} else if string(tcp.Payload) == "next" {
				far = append(far, -1)
			}
		}
		require.NotEmpty(t, far, text)
		return far
	}
	for text, first := range map[string]int{"window 1152": 576, "window 64; split 1": 64, "mss 200": 188} {
		far := exchange(text)
		for try := 0; first == 64 && far[0] != first && try < 5; try++ {
			far = exchange(text) // the kernel sent again meanwhile, and said how large its window is
		}
		if text == "mss 200" { // an interface cuts several segments out of one packet
			require.Zero(t, far[0]%first, text)
		} else {
			require.Equal(t, first, far[0], text)
		}
		if text != "window 1152" {
			continue
		}
		largest := 0
		for i, n := range far {
			if n < 0 {
				for _, n := range far[i:] {
					largest = max(largest, n)
				}
				break
			}
			require.LessOrEqual(t, n, 576)
		}
		require.Greater(t, largest, 576, "the window opens")
	}
}
