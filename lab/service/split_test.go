package service

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"
)

// One port, two protocols, told apart by the first byte; a third is cut off.
func TestSplit(t *testing.T) {
	noLeaks(t)
	l := listen(t)
	web, wa := NewInlet(l.Addr()), NewInlet(l.Addr())
	running(t, ServeHTTP(t.Context(), web, WebOptions{}))
	chats, err := ServeChat(t.Context(), wa, nil)
	require.NoError(t, err)
	running(t, chats)
	s := running(t, Split(t.Context(), l, func(first byte) *Inlet {
		return map[byte]*Inlet{'G': web, 'W': wa}[first]
	}))

	chat, err := DialChat(soon(t), dialTCP(t, s.Addr()))
	require.NoError(t, err)
	defer chat.Close()
	_, err = chat.Echo(soon(t), []byte("hello"))
	require.NoError(t, err)
	tr := &http.Transport{}
	t.Cleanup(tr.CloseIdleConnections)
	resp, err := tr.RoundTrip(must(http.NewRequestWithContext(soon(t), "GET", "http://"+s.Addr().String()+"/ip", nil)))
	require.NoError(t, err)
	resp.Body.Close()
	require.Equal(t, 200, resp.StatusCode)
	other := dialTCP(t, s.Addr())
	other.Write([]byte{0x16, 3, 1})
	ends(t, other)
}

// Nobody accepts from the inlet: Close comes to an end all the same.
func TestSplitClosesWithoutAnAcceptor(t *testing.T) {
	noLeaks(t)
	l := listen(t)
	chosen := make(chan struct{})
	s := Split(t.Context(), l, func(byte) *Inlet {
		close(chosen)
		return NewInlet(l.Addr())
	})
	c := dialTCP(t, s.Addr())
	c.Write([]byte("x"))
	<-chosen
	closes(t, s)
	ends(t, c)
}
