package inspect

import (
	"bytes"
	"context"
	"encoding/binary"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/pion/dtls/v3"
	dtlsnet "github.com/pion/dtls/v3/pkg/net"
	"github.com/stretchr/testify/require"
)

// dtlsFragmentOf gives a piece of the body of a ClientHello, with its header.
func dtlsFragmentOf(message int, body []byte, from, to int) []byte {
	b := []byte{typeClientHello, byte(len(body) >> 16), byte(len(body) >> 8), byte(len(body)), byte(message >> 8), byte(message)}
	b = append(b, byte(from>>16), byte(from>>8), byte(from), byte((to-from)>>16), byte((to-from)>>8), byte(to-from))
	return append(b, body[from:to]...)
}

// dtlsRecordOf gives a plain record of handshake.
func dtlsRecordOf(number int, content ...[]byte) []byte {
	all := bytes.Join(content, nil)
	b := []byte{typeHandshake, 0xfe, 0xfd, 0, 0, 0, 0, 0, 0, 0, byte(number)}
	return append(binary.BigEndian.AppendUint16(b, uint16(len(all))), all...)
}

// tapped notes what is written.
type tapped struct {
	net.Conn
	mu      *sync.Mutex
	written *[][]byte
}

func (c tapped) Write(b []byte) (int, error) {
	c.mu.Lock()
	*c.written = append(*c.written, bytes.Clone(b))
	c.mu.Unlock()
	return c.Conn.Write(b)
}

// pionFlow gives the datagrams of both sides of a handshake and of one message of the client, by pion, whose DTLS
// Snowflake uses.
func pionFlow(t *testing.T, name string) (up, down [][]byte) {
	t.Helper()
	var mu sync.Mutex
	left, right := net.Pipe()
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	answered := make(chan error, 1)
	go func() {
		server, err := dtls.ServerWithOptions(dtlsnet.PacketConnFromConn(tapped{right, &mu, &down}), right.RemoteAddr(),
			dtls.WithCertificates(certificateOf(t, certificateSpec{common: name})))
		if err == nil {
			_, err = server.Read(make([]byte, 100))
		}
		answered <- err
	}()
	client, err := dtls.ClientWithOptions(dtlsnet.PacketConnFromConn(tapped{left, &mu, &up}), left.RemoteAddr(),
		dtls.WithServerName(name), dtls.WithInsecureSkipVerify(true))
	require.NoError(t, err)
	require.NoError(t, client.HandshakeContext(ctx))
	_, err = client.Write([]byte("hello"))
	require.NoError(t, err)
	require.NoError(t, <-answered)
	mu.Lock()
	defer mu.Unlock()
	return up[:len(up):len(up)], down[:len(down):len(down)]
}

func TestDTLSOfPion(t *testing.T) {
	up, down := pionFlow(t, "blocked.example")
	require.True(t, IsDTLS(up[0]))
	require.Equal(t, LooksDTLS, UDPProtocol(up[0]))
	var d DTLS
	hellos, data := 0, 0
	for _, datagram := range up {
		if IsUDPData(LooksDTLS, datagram) {
			data++
		}
		if d.Datagram(datagram) != Yes {
			require.False(t, IsDTLS(datagram))
			continue
		}
		hellos++
		require.Equal(t, "blocked.example", string(d.Hello.SNI))
		require.Equal(t, uint16(0xfefd), d.Hello.Version)
		require.Equal(t, 1, d.Hello.Records)
		// Of pion 3.1.5, as tshark 4.0.17 shows the hello: JA3, and the lists that JA4 is made of. Spec B31, rule R5, is about
		// the hello of pion's default settings.
		require.Equal(t, "dfd22933a19691bf73910f63b955f0a3", string(d.Hello.JA3(nil)))
		require.Equal(t, "dd2d080600_df5057009e57_861c66034698", string(d.Hello.JA4(nil, 'd')))
		_, ok := d.Hello.Extension(extGroups)
		require.True(t, ok)
	}
	require.Equal(t, 2, hellos, "one without the cookie, one with it")
	require.Equal(t, 1, data)
	for _, datagram := range down {
		require.Equal(t, No, d.Datagram(datagram))
		require.Equal(t, LooksNone, UDPProtocol(datagram))
	}
}

// wideHello is a hello of DTLS with a cookie and a name, of a few hundred bytes.
func wideHello(padding int) []byte {
	message := makeHello(0xfefd, []uint16{0xc02b, 47}, []ext{
		{extServerName, append([]byte{0, 18, 0, 0, 15}, "blocked.example"...)}, {21, make([]byte, padding)},
	})
	body := message[handshakeHeader:]
	withCookie := append(bytes.Clone(body[:35]), 3, 'c', 'k', 'y')
	return append(withCookie, body[35:]...)
}

func TestDTLSFragments(t *testing.T) {
	body := wideHello(300)
	n := len(body)
	first := dtlsRecordOf(0, dtlsFragmentOf(0, body, 0, 120))
	second := dtlsRecordOf(1, dtlsFragmentOf(0, body, 100, 200))
	third := dtlsRecordOf(2, dtlsFragmentOf(0, body, 200, n))
	var d DTLS
	for _, step := range []struct {
		datagram []byte
		want     Result
	}{{third, More}, {first, More}, {first, More}, {second, Yes}, {third, Yes}} {
		require.Equal(t, step.want, d.Datagram(step.datagram))
	}
	require.Equal(t, "blocked.example", string(d.Hello.SNI))
	require.Equal(t, handshakeHeader+n, d.Hello.Length)

	// Several records in a datagram, several fragments in a record, and an alert that ends the reading.
	d.Reset()
	require.Equal(t, Yes, d.Datagram(bytes.Join([][]byte{first, second, third, {21, 0xfe, 0xfd}}, nil)))
	require.Equal(t, 3, d.Hello.Records)
	d.Reset()
	require.Equal(t, Yes, d.Datagram(dtlsRecordOf(0, dtlsFragmentOf(0, body, 0, 50), dtlsFragmentOf(0, body, 50, n))))
	require.Equal(t, 1, d.Hello.Records)

	// Another message number begins anew.
	d.Reset()
	require.Equal(t, More, d.Datagram(first))
	require.Equal(t, More, d.Datagram(dtlsRecordOf(3, dtlsFragmentOf(1, body, 100, n))))
	require.Equal(t, Yes, d.Datagram(dtlsRecordOf(4, dtlsFragmentOf(1, body, 0, 100))))
}

func TestDTLSIsBounded(t *testing.T) {
	var d DTLS
	most := wideHello(maxCrypto)
	most = wideHello(maxCrypto - (len(most) - maxCrypto) - handshakeHeader)
	require.Len(t, most, maxCrypto-handshakeHeader)
	require.Equal(t, Yes, d.Datagram(dtlsRecordOf(0, dtlsFragmentOf(0, most, 0, len(most)))))
	long := wideHello(maxCrypto)
	require.Equal(t, No, d.Datagram(dtlsRecordOf(0, dtlsFragmentOf(0, long, 0, 1000))))
}

func TestNoDTLSHello(t *testing.T) {
	body := wideHello(0)
	good := dtlsRecordOf(0, dtlsFragmentOf(0, body, 0, len(body)))
	change := func(at int, value byte) []byte {
		b := bytes.Clone(good)
		b[at] = value
		return b
	}
	var d DTLS
	require.Equal(t, Yes, d.Datagram(good))
	for name, datagram := range map[string][]byte{
		"empty": nil, "cut": good[:len(good)-1], "alert": change(0, 21), "version 1.3": change(2, 0xfc), "TLS": change(1, 3), "epoch 1": change(4, 1),
		"ServerHello": change(13, 2), "fragment beyond the message": change(24, good[24]+1), "record too short": change(12, 20),
		"suites odd": change(13+12+39+1, 3), "empty record": dtlsRecordOf(0),
	} {
		var d DTLS
		require.Equal(t, No, d.Datagram(datagram), name)
	}
}

func TestDTLSDoesNotAllocate(t *testing.T) {
	body := wideHello(300)
	first, second := dtlsRecordOf(0, dtlsFragmentOf(0, body, 0, 120)), dtlsRecordOf(1, dtlsFragmentOf(0, body, 120, len(body)))
	d := new(DTLS)
	require.Zero(t, testing.AllocsPerRun(100, func() {
		d.Reset()
		_ = d.Datagram(first)
		_ = d.Datagram(second)
	}))
	require.Equal(t, Yes, d.Datagram(second))
}

func FuzzDTLS(f *testing.F) {
	body := wideHello(30)
	whole := dtlsRecordOf(0, dtlsFragmentOf(0, body, 0, len(body)))
	f.Add(whole, []byte{})
	f.Add(dtlsRecordOf(0, dtlsFragmentOf(1, body, 40, len(body))), dtlsRecordOf(0, dtlsFragmentOf(1, body, 0, 50)))
	f.Fuzz(func(t *testing.T, first, second []byte) {
		var d, again DTLS
		before := string(first) + string(second)
		for _, datagram := range [][]byte{first, second} {
			r := d.Datagram(datagram)
			require.LessOrEqual(t, d.length, maxCrypto)
			if r == Yes {
				require.LessOrEqual(t, d.Hello.Length, maxCrypto)
				require.Equal(t, Yes, d.Datagram(datagram), "a repeated datagram changes nothing")
			}
		}
		require.Equal(t, before, string(first)+string(second))
		if again.Datagram(first) == Yes {
			sni := string(again.Hello.SNI)
			d.Reset()
			require.Equal(t, Yes, d.Datagram(first))
			require.Equal(t, sni, string(d.Hello.SNI))
		}
	})
}
