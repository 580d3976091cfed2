package desync

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"math/big"
	"net/netip"
	"testing"
	"time"

	"github.com/google/gopacket"
	"github.com/google/gopacket/layers"
	"github.com/stretchr/testify/require"

	"dpilab/dpi/inspect"
)

// serverConfig has a certificate that nobody trusts.
func serverConfig(t *testing.T) *tls.Config {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	require.NoError(t, err)
	return &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}, NextProtos: []string{"http/1.1"}}
}

var ends4 = [2]netip.AddrPort{netip.MustParseAddrPort("198.51.100.2:40000"), netip.MustParseAddrPort("203.0.113.34:443")}
var ends6 = [2]netip.AddrPort{netip.MustParseAddrPort("[2001:db8::1]:40000"), netip.MustParseAddrPort("[2001:db8::2]:443")}

func decode(t *testing.T, b []byte) gopacket.Packet {
	t.Helper()
	first := layers.LayerTypeIPv4
	if b[0]>>4 == 6 {
		first = layers.LayerTypeIPv6
	}
	return gopacket.NewPacket(b, first, gopacket.Default)
}

// sumOK asks gopacket for the checksum.
func sumOK(t *testing.T, p gopacket.Packet) bool {
	t.Helper()
	var want, got uint16
	set := func(l interface {
		SetNetworkLayerForChecksum(gopacket.NetworkLayer) error
		gopacket.SerializableLayer
	}, read func() *uint16, payload []byte) {
		got = *read()
		require.NoError(t, l.SetNetworkLayerForChecksum(p.NetworkLayer()))
		buffer := gopacket.NewSerializeBuffer()
		require.NoError(t, gopacket.SerializeLayers(buffer, gopacket.SerializeOptions{ComputeChecksums: true}, l, gopacket.Payload(payload)))
		want = *read()
	}
	switch l := p.TransportLayer().(type) {
	case *layers.TCP:
		set(l, func() *uint16 { return &l.Checksum }, l.Payload)
	case *layers.UDP:
		set(l, func() *uint16 { return &l.Checksum }, l.Payload)
	default:
		require.Fail(t, "no transport", p)
	}
	return want == got
}

func TestPackets(t *testing.T) {
	for _, ends := range [][2]netip.AddrPort{ends4, ends6} {
		for _, bad := range []bool{false, true} {
			g := segment{from: ends[0], to: ends[1], seq: 7, ack: 9, flags: flagACK | flagPSH, window: 500, options: []byte{1, 1, 1, 0}, data: []byte("hello"), badSum: bad}
			all := packets(ends[0].Addr(), ends[1].Addr(), protocolTCP, 3, g.bytes(), fragment{})
			require.Len(t, all, 1)
			p := decode(t, all[0])
			require.Nil(t, p.ErrorLayer())
			tcp := p.TransportLayer().(*layers.TCP)
			require.Equal(t, "hello", string(tcp.Payload))
			require.Equal(t, []any{uint32(7), uint32(9), uint16(500), true, true}, []any{tcp.Seq, tcp.Ack, tcp.Window, tcp.ACK, tcp.PSH})
			require.Equal(t, !bad, sumOK(t, p))

			all = packets(ends[0].Addr(), ends[1].Addr(), protocolUDP, 3, datagram(ends[0], ends[1], []byte("odd"), bad), fragment{})
			p = decode(t, all[0])
			require.Equal(t, "odd", string(p.TransportLayer().LayerPayload()))
			require.Equal(t, !bad, sumOK(t, p))
		}
	}
}

func TestFragments(t *testing.T) {
	payload := []byte("0123456789abcdefghij")
	all := packets(ends4[0].Addr(), ends4[1].Addr(), protocolUDP, 3, payload, fragment{at: 8, reverse: true})
	require.Len(t, all, 2)
	last, first := decode(t, all[0]).NetworkLayer().(*layers.IPv4), decode(t, all[1]).NetworkLayer().(*layers.IPv4)
	require.Equal(t, "89abcdefghij", string(last.Payload))
	require.Equal(t, uint16(1), last.FragOffset)
	require.Equal(t, layers.IPv4MoreFragments, first.Flags)
	require.Equal(t, first.Id, last.Id)
	require.NotZero(t, first.Id)

	all = packets(ends6[0].Addr(), ends6[1].Addr(), protocolUDP, 3, payload, fragment{at: 16})
	require.Len(t, all, 2)
	for i, b := range all {
		f := decode(t, b).Layer(layers.LayerTypeIPv6Fragment).(*layers.IPv6Fragment)
		require.Equal(t, i == 0, f.MoreFragments)
		require.Equal(t, uint16(2*i), f.FragmentOffset)
		require.Equal(t, layers.IPProtocolUDP, f.NextHeader)
	}
	require.Len(t, packets(ends6[0].Addr(), ends6[1].Addr(), protocolUDP, 3, payload, fragment{at: 24}), 1, "nothing behind the cut")
}

// The box's own reader takes the fake for an Initial: keys, frames and tag are right.
func TestInitial(t *testing.T) {
	b, err := fakeInitial("max.ru")
	require.NoError(t, err)
	require.Len(t, b, initialSize)
	require.True(t, isInitial(b))
	var q inspect.QUIC
	require.Equal(t, inspect.Yes, q.Datagram(b))
	require.Equal(t, "max.ru", string(q.Hello.SNI))
	b[len(b)-1] ^= 1
	q.Reset()
	require.Equal(t, inspect.No, q.Datagram(b))

	b = payload{kind: payloadShort, size: 620}.plain()
	require.Len(t, b, 620)
	require.Equal(t, byte(0x40), b[0]&0xc0)
	require.False(t, isInitial(b))
	require.True(t, isInitial([]byte{0xd3, 0x6b, 0x33, 0x43, 0xcf}), "version 2")
	require.False(t, isInitial([]byte{0xe3, 0, 0, 0, 1}), "a Handshake packet")
}
