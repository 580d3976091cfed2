package inspect

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/hex"
	"net"
	"testing"
	"time"

	"github.com/quic-go/quic-go"
	"github.com/stretchr/testify/require"
)

const allQUIC = ReadQUICv1 | ReadQUICv2 | ReadQUICDraft29

func TestKeysOfEachVersion(t *testing.T) {
	// RFC 9001, appendix A.1; RFC 9369, appendix A.1; draft-ietf-quic-tls-29, appendix A.1: one connection id for all.
	dcid := unhex(t, "8394c8f03e515708")
	for i, want := range [][3]string{
		{"1f369613dd76d5467730efcbe3b1a22d", "fa044b2f42a3fd3b46fb255c", "9f50449e04a0e810283a1e9933adedd2"},
		{"8b1a0bc121284290a29e0971b5cd045d", "91f73e2351d8fa91660e909f", "45b95e15235d6f45a6b19cbcb0294ba9"},
		{"175257a31eb09dea9366d8bb79ad80ba", "6b26114b9cba2b63a9e8dd4f", "9ddd12c994c0698b89374a9c077a3077"},
	} {
		v := &quicVersions[i]
		client := expandLabel(hmacSHA256([]byte(v.salt), dcid), "client in", 32)
		key, iv, hp := expandLabel(client, v.key, 16), expandLabel(client, v.iv, 12), expandLabel(client, v.hp, 16)
		require.Equal(t, want, [3]string{hex.EncodeToString(key[:16]), hex.EncodeToString(iv[:12]), hex.EncodeToString(hp[:16])})
	}
}

func TestInitialOfRFC9369(t *testing.T) {
	// Appendix A.2: the ClientHello of RFC 9001 in an Initial of version 2.
	plain := append(unhex(t, rfcHello), make([]byte, 1162-245)...)
	datagram := sealInitial(initialSpec{dcid: unhex(t, "8394c8f03e515708"), number: 2, numberLen: 4, plain: plain, version: &quicVersions[1]})
	require.Equal(t, "d76b3343cf088394c8f03e5157080000449ea0c95e82ffe67b6abcdb4298b485", hex.EncodeToString(datagram[:32]), "as in the RFC")

	q := QUIC{Options: QUICOptions{Versions: ReadQUICv2}}
	require.Equal(t, Yes, q.Datagram(datagram))
	require.Equal(t, "example.com", string(q.Hello.SNI))
}

func TestOnlyVersionsThatAreAskedFor(t *testing.T) {
	hello := goHello(t, "blocked.example")[recordHeader:]
	for i := range quicVersions {
		v := &quicVersions[i]
		datagram := sealInitial(initialSpec{dcid: []byte("12345678"), numberLen: 1, plain: cryptoFrame(0, hello), version: v})
		for asked := range allQUIC + 1 {
			want := asked&v.member != 0 || asked == 0 && v.number == QUICv1
			q := QUIC{Options: QUICOptions{Versions: asked}}
			require.Equal(t, want, q.Datagram(datagram) == Yes, "%x of %b", v.number, asked)
			require.False(t, q.Unreadable)

			// Broken, it is unreadable where it would be read, and none of the box's business elsewhere.
			broken := bytes.Clone(datagram)
			broken[len(broken)-1] ^= 1
			require.Equal(t, No, q.Datagram(broken))
			require.Equal(t, want, q.Unreadable, "%x of %b", v.number, asked)
		}
	}

	// A flow may go on in another version, after a version negotiation or compatible with the first (RFC 9369, section 4).
	q := QUIC{Options: QUICOptions{Versions: allQUIC}}
	for _, i := range []int{0, 1, 2, 1, 0} {
		spec := initialSpec{dcid: []byte("12345678"), numberLen: 1, plain: cryptoFrame(0, hello), version: &quicVersions[i]}
		require.Equal(t, Yes, q.Datagram(sealInitial(spec)))
	}
}

// quicGoDatagrams gives the datagrams that quic-go sends before it hears anything.
func quicGoDatagrams(t *testing.T, version quic.Version) [][]byte {
	t.Helper()
	server, err := net.ListenPacket("udp", "127.0.0.1:0")
	require.NoError(t, err)
	defer func() { _ = server.Close() }()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	go func() {
		_, _ = quic.DialAddr(ctx, server.LocalAddr().String(), &tls.Config{ServerName: "blocked.example", NextProtos: []string{"h3"}},
			&quic.Config{Versions: []quic.Version{version}})
	}()
	var datagrams [][]byte
	buffer := make([]byte, 2000)
	for range 2 {
		require.NoError(t, server.SetReadDeadline(time.Now().Add(10*time.Second)))
		n, _, err := server.ReadFrom(buffer)
		require.NoError(t, err)
		datagrams = append(datagrams, bytes.Clone(buffer[:n]))
	}
	return datagrams
}

func TestQUICGoInBothVersions(t *testing.T) {
	for version, member := range map[quic.Version]QUICVersions{quic.Version1: ReadQUICv1, quic.Version2: ReadQUICv2} {
		q := QUIC{Options: QUICOptions{Versions: member}}
		r := No
		for _, datagram := range quicGoDatagrams(t, version) {
			number, ok := QUICVersion(datagram)
			require.True(t, ok)
			require.Equal(t, uint32(version), number)
			if r = q.Datagram(datagram); r == Yes {
				break
			}
			require.Equal(t, More, r)
		}
		require.Equal(t, Yes, r)
		require.Equal(t, "blocked.example", string(q.Hello.SNI))
		require.Equal(t, "q13d", string(q.Hello.JA4(nil, 'q')[:4]))
	}
}

func TestLoneFrame(t *testing.T) {
	hello := goHello(t, "blocked.example")[recordHeader:]
	n := len(hello)
	seal := func(plain ...[]byte) []byte {
		all := append(bytes.Join(plain, nil), make([]byte, 20)...)
		return sealInitial(initialSpec{dcid: []byte("12345678"), numberLen: 1, plain: all})
	}
	q := QUIC{Options: QUICOptions{Lone: true}}
	for name, c := range map[string]struct {
		datagram []byte
		want     Result
	}{
		"whole":                    {seal(cryptoFrame(0, hello)), Yes},
		"after padding and a ping": {seal(make([]byte, 9), []byte{framePing}, cryptoFrame(0, hello)), Yes},
		"with a later frame":       {seal(cryptoFrame(0, hello), cryptoFrame(n, []byte("x"))), Yes},
		"first half":               {seal(cryptoFrame(0, hello[:n/2])), No},
		"second half":              {seal(cryptoFrame(n/2, hello[n/2:])), No},
		"both, in order":           {seal(cryptoFrame(0, hello[:n/2]), cryptoFrame(n/2, hello[n/2:])), No},
		"twice from 0":             {seal(cryptoFrame(0, hello[:n/2]), cryptoFrame(0, hello)), No},
	} {
		require.Equal(t, c.want, q.Datagram(c.datagram), name)
		require.Equal(t, c.want == No, q.Unreadable, name)
	}
	require.Equal(t, Yes, q.Datagram(seal(cryptoFrame(0, hello))))
	require.Equal(t, "blocked.example", string(q.Hello.SNI))

	// NTC1823/69 (C): real stacks scatter the hello, and the box of spring 2022 could not read them. The same box with
	// assembly does.
	for _, name := range []string{"chromium_quic", "firefox_quic", "h3_quicgo"} {
		q.Reset()
		for _, datagram := range captured(t, name, false).parts[:2] {
			require.NotEqual(t, Yes, q.Datagram(datagram), name)
		}
	}
}

func TestBareDatagram(t *testing.T) {
	hello := goHello(t, "blocked.example")[recordHeader:]
	packet := sealInitial(initialSpec{dcid: []byte("12345678"), numberLen: 1, plain: cryptoFrame(0, hello)})
	padded := append(bytes.Clone(packet), make([]byte, 300)...)
	behind := append(bytes.Clone(packet), 0x40, 1, 2, 3) // a packet with a short header
	bare, tolerant := QUIC{Options: QUICOptions{Bare: true}}, QUIC{}
	for _, c := range []struct {
		datagram []byte
		want     Result
	}{{packet, Yes}, {padded, No}, {behind, Yes}, {append(bytes.Clone(packet), packet...), Yes}} {
		bare.Reset()
		require.Equal(t, c.want, bare.Datagram(c.datagram))
		require.Equal(t, c.want == No, bare.Unreadable)
		require.Equal(t, Yes, tolerant.Datagram(c.datagram))
	}
}

func TestUnreadable(t *testing.T) {
	hello := goHello(t, "blocked.example")[recordHeader:]
	good := sealInitial(initialSpec{dcid: []byte("12345678"), numberLen: 1, plain: cryptoFrame(0, hello)})
	change := func(at int, value byte) []byte {
		b := bytes.Clone(good)
		b[at] = value
		return b
	}
	seal := func(plain []byte) []byte {
		return sealInitial(initialSpec{dcid: []byte("12345678"), numberLen: 1, plain: append(plain, make([]byte, 40)...)})
	}
	for name, c := range map[string]struct {
		datagram   []byte
		unreadable bool
	}{
		"good": {good, false}, "incomplete": {seal(cryptoFrame(0, hello[:50])), false}, "no CRYPTO yet": {seal([]byte{framePing}), false},
		"flipped": {change(len(good)-1, good[len(good)-1]^1), true}, "connection id of 21": {change(5, 21), true}, "cut": {good[:len(good)-1], true},
		"header only": {good[:5], true}, "zeros": {append(bytes.Clone(good[:6]), make([]byte, 1200)...), true},
		"forbidden frame": {seal([]byte{0x1e}), true}, "ServerHello": {seal(cryptoFrame(0, append([]byte{2}, hello[1:]...))), true},
		"empty": {nil, false}, "short header": {change(0, 0x40), false}, "no fixed bit": {change(0, good[0]&^0x40), false},
		"0-RTT": {change(0, 0xd0), false}, "handshake": {change(0, 0xe0), false}, "retry": {change(0, 0xf0), false},
		"another version": {change(4, 9), false}, "version negotiation": {change(4, 0), false}, "four bytes": {good[:4], false},
	} {
		var q QUIC
		r := q.Datagram(c.datagram)
		require.Equal(t, c.unreadable, q.Unreadable, name)
		require.False(t, q.Unreadable && r != No, name)
		q.Datagram(nil)
		require.False(t, q.Unreadable, "%s: it is of the last datagram", name)
	}
}

func TestOptionsDoNotAllocate(t *testing.T) {
	hello := goHello(t, "blocked.example")[recordHeader:]
	datagram := sealInitial(initialSpec{dcid: []byte("12345678"), numberLen: 1, plain: cryptoFrame(0, hello), version: &quicVersions[1]})
	q := &QUIC{Options: QUICOptions{Versions: allQUIC, Lone: true, Bare: true}}
	dst := make([]byte, 0, 100)
	require.Equal(t, Yes, q.Datagram(datagram))
	require.Zero(t, testing.AllocsPerRun(100, func() {
		_ = q.Datagram(datagram)
		dst = q.Hello.JA4(dst[:0], 'q')
	}))
}
