package tools

import (
	"bytes"
	"io"
	"net"
	"net/netip"
	"testing"

	"github.com/stretchr/testify/require"
)

// FuzzAddress: what a proxy sends as an address never ends the program, and an address that is understood is written as it was read.
func FuzzAddress(f *testing.F) {
	f.Add([]byte{1, 203, 0, 113, 34, 1, 187})
	f.Add([]byte{3, 5, 'x', '.', 'c', 'o', 'm', 0, 80})
	f.Add(append(append([]byte{4}, netip.MustParseAddr("2001:db8::1").AsSlice()...), 0, 53))
	f.Fuzz(func(t *testing.T, data []byte) {
		r := bytes.NewReader(data)
		at, err := readAddress(r)
		if err != nil || !at.Addr().IsValid() {
			return
		}
		again, err := appendAddress(nil, at.String())
		require.NoError(t, err)
		back, err := readAddress(bytes.NewReader(again))
		require.NoError(t, err)
		require.Equal(t, at, back)
	})
}

func TestWhatProxiesAnswer(t *testing.T) {
	for name, c := range map[string]struct {
		answer []byte
		want   string
	}{
		"another protocol": {[]byte("HTTP/1.1 400"), "the proxy on P answers 48 54 to the greeting, expected 05 00"},
		"refused":          {[]byte{5, 0, 5, 5, 0}, "the proxy on P answers: connection refused"},
		"unknown":          {[]byte{5, 0, 5, 99, 0}, "the proxy on P answers: 05 63 00"},
		"no such address":  {[]byte{5, 0, 5, 0, 0, 9}, "the proxy on P answers: found an address of the type 9, expected 1, 3 or 4"},
		"cut short":        {[]byte{5, 0, 5, 0, 0, 1, 0}, "the proxy on P answers: the proxy closed the connection before it answered"},
		"nothing":          {nil, "the proxy closed the connection before it answered"},
		"a name":           {[]byte{5, 0, 5, 0, 0, 3, 1, 'a', 0, 80}, ""},
	} {
		near, far := net.Pipe()
		go func() {
			go io.Copy(io.Discard, far)
			far.Write(c.answer)
			far.Close()
		}()
		_, err := (&proxy{at: "P"}).socks(near, socksConnect, "x.com:443")
		near.Close()
		if c.want == "" {
			require.NoError(t, err, name)
		} else {
			require.EqualError(t, err, c.want, name)
		}
	}
}
