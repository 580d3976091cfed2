package service

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/tls"
	"encoding/hex"
	"io"
	"net"
	"net/http"
	"testing"
	"time"

	"filippo.io/edwards25519/field"
	"github.com/coder/websocket"
	"github.com/stretchr/testify/require"
)

// First packets of a real client and its server, from samples/wa_tcp_443.pcap (tshark, tcp.payload).
const (
	capturedHello      = "5741060300002412220a204a929ae7d2ef4ddd90914e24b05910b03ecf86c627f40733bcba49374a5ba739"
	capturedServerSize = 350 // 3 bytes of length and a frame of 347
)

func startChat(t *testing.T) *Server {
	s, err := ServeChat(t.Context(), listen(t), nil)
	require.NoError(t, err)
	return running(t, s)
}

// Ours differs from the real client's first packet in the key only, and comes in one write.
func TestFirstPacketIsTheRealOnes(t *testing.T) {
	captured, err := hex.DecodeString(capturedHello)
	require.NoError(t, err)
	here, there := net.Pipe()
	defer there.Close()
	go DialChat(soon(t), here)
	buf := make([]byte, 1024)
	n, err := there.Read(buf)
	require.NoError(t, err)
	require.Equal(t, len(captured), n)
	require.Equal(t, captured[:n-keySize], buf[:n-keySize])
	require.NotEqual(t, captured[n-keySize:], buf[n-keySize:n])
}

// The server takes the captured packet, and its answer has the size of the captured one.
func TestServerTakesTheCapturedHello(t *testing.T) {
	captured, err := hex.DecodeString(capturedHello)
	require.NoError(t, err)
	c := dialTCP(t, startChat(t).Addr())
	c.Write(captured)
	c.SetReadDeadline(time.Now().Add(10 * time.Second))
	frame, err := readFrame(c, maxFrame)
	require.NoError(t, err)
	require.Equal(t, capturedServerSize, len(frame)+3)
	hello, err := joinParts(frame, fieldServerHello, part{helloEphemeral, 32}, part{helloStatic, 48}, part{helloPayload, 241 + 16})
	require.NoError(t, err)
	require.Len(t, hello, 32+48+241+16)
}

func TestChat(t *testing.T) {
	noLeaks(t)
	s := startChat(t)
	for _, routing := range [][]byte{nil, {1, 2, 3}, make([]byte, maxRouting)} {
		chat, err := DialChatRouted(soon(t), dialTCP(t, s.Addr()), routing)
		require.NoError(t, err)
		require.Positive(t, chat.FirstByte)
		require.GreaterOrEqual(t, chat.Handshake, chat.FirstByte)
		for _, size := range []int{0, 1, 100, 1 << 16, 200_000} {
			msg := make([]byte, size)
			rand.Read(msg)
			rtt, err := chat.Echo(soon(t), msg)
			require.NoError(t, err, size)
			require.Positive(t, rtt)
		}
		_, err = chat.Echo(soon(t), make([]byte, maxFrame-15))
		require.ErrorIs(t, err, errFrame)
		if routing == nil {
			_, err = chat.Echo(soon(t), make([]byte, maxFrame-16))
			require.NoError(t, err)
		}
		require.NoError(t, chat.Close())
	}
	_, err := DialChatRouted(soon(t), dialTCP(t, s.Addr()), make([]byte, maxRouting+1))
	require.Error(t, err)
}

func TestChatOverTLSAndThroughAProxy(t *testing.T) {
	noLeaks(t)
	ca := newCA(t)
	s, err := ServeChat(t.Context(), tls.NewListener(listen(t), ca.TLS()), nil)
	require.NoError(t, err)
	running(t, s)
	proxy := running(t, Forward(t.Context(), listen(t), func(ctx context.Context) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "tcp", s.Addr().String())
	}))
	conn := tls.Client(dialTCP(t, proxy.Addr()), &tls.Config{RootCAs: ca.Pool(), ServerName: "g.whatsapp.net"})
	chat, err := DialChat(soon(t), conn)
	require.NoError(t, err)
	_, err = chat.Echo(soon(t), []byte("hello"))
	require.NoError(t, err)
	require.NoError(t, chat.Close())
}

// The server cuts off what is no chat: at the first bytes, on a bad frame, on a bad key, on a forged message.
func TestChatServerRefusesBadInput(t *testing.T) {
	noLeaks(t)
	s := startChat(t)
	for name, in := range map[string][]byte{
		"TLS":             {0x16, 3, 1, 2, 0, 1, 0},
		"HTTP":            []byte("GET / HTTP/1.1\r\n\r\n"),
		"oversize frame":  append(appendOpening(nil, nil), 0xff, 0xff, 0xff),
		"no protobuf":     append(appendOpening(nil, nil), 0, 0, 1, 0xff),
		"empty handshake": append(appendOpening(nil, nil), 0, 0, 0),
		"zero key":        append(append(appendOpening(nil, nil), 0, 0, 36, 0x12, 34, 0x0a, 32), make([]byte, 32)...),
	} {
		t.Log(name)
		c := dialTCP(t, s.Addr())
		c.Write(in)
		ends(t, c)
	}
	raw := dialTCP(t, s.Addr())
	_, err := DialChat(soon(t), raw)
	require.NoError(t, err)
	raw.Write([]byte{0, 0, 17, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17})
	ends(t, raw)

	chat, err := DialChat(soon(t), dialTCP(t, s.Addr()))
	require.NoError(t, err)
	half := dialTCP(t, s.Addr()) // half-open: an opening and no more
	half.Write([]byte("WA"))
	closes(t, s)
	ends(t, half)
	_, err = chat.Echo(soon(t), []byte("x"))
	require.Error(t, err)
	_, again := chat.Echo(soon(t), []byte("x"))
	require.Equal(t, err, again)
}

func TestHandshakeFromASlowClient(t *testing.T) {
	here, there := net.Pipe()
	defer there.Close()
	keys, err := NewChatKeys()
	require.NoError(t, err)
	served := make(chan error, 1)
	go func() { served <- serveChat(here, keys) }()
	captured, err := hex.DecodeString(capturedHello)
	require.NoError(t, err)
	for i := range captured {
		_, err := there.Write(captured[i : i+1])
		require.NoError(t, err)
	}
	_, err = readFrame(there, maxFrame)
	require.NoError(t, err)
	there.Close()
	require.Error(t, <-served)

	quiet, _ := net.Pipe()
	_, _, err = acceptChat(patient{quiet, 10 * time.Millisecond}, keys)
	require.ErrorContains(t, err, "timeout")
}

// Silence is told from a stall: nothing at all came, or something did.
func TestDialChatToASilentAndAStallingServer(t *testing.T) {
	noLeaks(t)
	for _, answer := range []string{"", "\x00\x01"} {
		here, there := net.Pipe()
		ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
		go func() {
			there.Read(make([]byte, 100))
			io.WriteString(there, answer)
		}()
		_, err := DialChat(ctx, here)
		cancel()
		require.ErrorIs(t, err, context.DeadlineExceeded)
		if answer == "" {
			require.ErrorIs(t, err, ErrNoAnswer)
		} else {
			require.NotErrorIs(t, err, ErrNoAnswer)
		}
		there.Close()
	}
	here, there := net.Pipe()
	there.Close()
	_, err := DialChat(soon(t), here)
	require.ErrorIs(t, err, ErrNoAnswer)
}

// The whole server, handed any bytes: it ends, and does not panic.
func FuzzChatHandshake(f *testing.F) {
	captured, err := hex.DecodeString(capturedHello)
	require.NoError(f, err)
	f.Add(captured)
	f.Add(append([]byte("ED\x00\x01\x00\x00\x01a"), captured...))
	keys, err := NewChatKeys()
	require.NoError(f, err)
	f.Fuzz(func(t *testing.T, in []byte) {
		_, _, err := acceptChat(struct {
			io.Reader
			io.Writer
		}{bytes.NewReader(in), io.Discard}, keys)
		require.Error(t, err) // no input can finish a handshake without the keys
	})
}

// WhatsApp's web client speaks the same chat inside a WebSocket.
func TestChatInAWebSocket(t *testing.T) {
	noLeaks(t)
	ca := newCA(t)
	keys, err := NewChatKeys()
	require.NoError(t, err)
	s := running(t, ServeHTTPS(t.Context(), listen(t), ca, WebOptions{Chat: keys}))
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: ca.Pool(), ServerName: "web.whatsapp.com"}}}
	defer client.CloseIdleConnections()
	ws, _, err := websocket.Dial(soon(t), "wss://"+s.Addr().String()+"/ws/chat", &websocket.DialOptions{HTTPClient: client})
	require.NoError(t, err)
	ws.SetReadLimit(1 << 20)
	chat, err := DialChat(soon(t), websocket.NetConn(t.Context(), ws, websocket.MessageBinary))
	require.NoError(t, err)
	_, err = chat.Echo(soon(t), make([]byte, 100_000))
	require.NoError(t, err)
	closes(t, s) // with the chat open
	_, err = chat.Echo(soon(t), []byte("x"))
	require.Error(t, err)
}

// A certificate is signed as clients check it: the signature is Ed25519's under the key that belongs to the X25519 one.
func TestChainIsSigned(t *testing.T) {
	keys, err := NewChatKeys()
	require.NoError(t, err)
	intermediate, _, err := fieldBytes(keys.chain, chainIntermediate)
	require.NoError(t, err)
	details, _, err := fieldBytes(intermediate, certDetails)
	require.NoError(t, err)
	signature, _, err := fieldBytes(intermediate, certSignature)
	require.NoError(t, err)
	require.True(t, ed25519.Verify(edwards(t, keys.Root), details, signature))
	details[len(details)-1] ^= 1
	require.False(t, ed25519.Verify(edwards(t, keys.Root), details, signature))
}

// edwards gives the Ed25519 key of an X25519 one: y = (u - 1) / (u + 1), its sign 0 (RFC 7748, 4.1).
func edwards(t *testing.T, x [32]byte) ed25519.PublicKey {
	u, err := new(field.Element).SetBytes(x[:])
	require.NoError(t, err)
	one := new(field.Element).One()
	above, below := new(field.Element).Subtract(u, one), new(field.Element).Add(u, one)
	return new(field.Element).Multiply(above, below.Invert(below)).Bytes()
}
