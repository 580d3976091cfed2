package dpi

import (
	"bytes"
	"encoding/binary"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"dpilab/dpi/packet"
	"dpilab/rules"
)

// The first payload says what a flow is (B24 to B28), whatever its port.
func TestProtocols(t *testing.T) {
	ike := append(bytes.Repeat([]byte{7}, 8), make([]byte, 8)...)
	ike = append(ike, 33, 0x20, 34, 0x08, 0, 0, 0, 0, 0, 0, 0, 32)
	ike = append(ike, 0, 0, 0, 4)
	dtls := helloOf(nameExtension("blocked.example"))
	dtls = append(append(append([]byte{}, dtls[:4+2+32+1]...), 0), dtls[4+2+32+1:]...) // an empty cookie
	n := len(dtls) - 4
	fragment := append([]byte{1, 0, byte(n >> 8), byte(n), 0, 0, 0, 0, 0, 0, byte(n >> 8), byte(n)}, dtls[4:]...)
	fragment[12], fragment[13] = 0xfe, 0xfd
	datagram := append([]byte{22, 0xfe, 0xff, 0, 0, 0, 0, 0, 0, 0, 0}, binary.BigEndian.AppendUint16(nil, uint16(len(fragment)))...)
	datagram = append(datagram, fragment...)
	stun := append([]byte{0, 1, 0, 0, 0x21, 0x12, 0xa4, 0x42}, make([]byte, 12)...)
	for _, c := range []struct {
		want  rules.Protocol
		udp   bool
		first []byte
	}{
		{rules.ProtocolTLS, false, hello("a.example")},
		{rules.ProtocolHTTP, false, requestOf("a.example")},
		{rules.ProtocolWhatsApp, false, []byte("WA\x06\x03 and a key")},
		{rules.ProtocolSSH, false, []byte("SSH-2.0-OpenSSH_9.6\r\n")},
		{rules.ProtocolSOCKS, false, []byte{5, 1, 0}},
		{rules.ProtocolProxy, false, []byte("CONNECT a.example:443 HTTP/1.1\r\n\r\n")},
		{rules.ProtocolBitTorrent, false, []byte("\x13BitTorrent protocol" + string(make([]byte, 48)))},
		{rules.ProtocolSTUN, false, stun},
		{rules.ProtocolNone, false, []byte{0x99, 1}},
		{rules.ProtocolQUIC, true, initialOf("a.example", 1)},
		{rules.ProtocolSTUN, true, stun},
		{rules.ProtocolWireGuard, true, append([]byte{1, 0, 0, 0}, make([]byte, 144)...)},
		{rules.ProtocolIKE, true, ike},
		{rules.ProtocolDTLS, true, datagram},
		{rules.ProtocolNone, true, []byte{0x99, 1}},
	} {
		for p := range rules.ProtocolProxy + 1 {
			w := reads(t, nil, blocks(rules.Condition{Protocol: []rules.Protocol{p}}))
			got := Accept
			if c.udp {
				got = w.flow().udp(rules.Up, c.first).Action
			} else {
				got = w.connect().up(c.first)
			}
			require.Equal(t, p == c.want, got == Drop, "%s: taken for %s", c.want, p)
		}
	}
	named := reads(t, nil, blocks(rules.Condition{SNI: []string{"blocked.example"}})).flow()
	require.Equal(t, Drop, named.udp(rules.Up, datagram).Action, "a name in DTLS")
	banner := reads(t, nil, blocks(rules.Condition{Protocol: []rules.Protocol{rules.ProtocolSSH}})).connect()
	require.Equal(t, Drop, banner.down([]byte("SSH-2.0-server\r\n")), "the server speaks first")
}

// What programs send, as they send it.
func TestProtocolsOfRealPrograms(t *testing.T) {
	for name, want := range map[string]struct {
		protocol  rules.Protocol
		transport uint8
	}{
		"wireguard_go":            {rules.ProtocolWireGuard, packet.UDP},
		"openvpn_udp":             {rules.ProtocolOpenVPN, packet.UDP},
		"openvpn_udp_tlsauth":     {rules.ProtocolOpenVPN, packet.UDP},
		"openvpn_udp_tlscrypt":    {rules.ProtocolOpenVPN, packet.UDP},
		"openvpn_tcp":             {rules.ProtocolOpenVPN, packet.TCP},
		"openvpn_tcp443_tlscrypt": {rules.ProtocolOpenVPN, packet.TCP},
		"h3_quicgo":               {rules.ProtocolQUIC, packet.UDP},
		"sb_hysteria2":            {rules.ProtocolQUIC, packet.UDP},
	} {
		w := reads(t, nil, blocks(rules.Condition{Protocol: []rules.Protocol{want.protocol}}))
		now := time.Hour
		require.Contains(t, replay(t, w.engine, &now, captured(t, name), want.transport), Drop, name)
	}
}
