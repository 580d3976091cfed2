package inspect

import (
	"bytes"
	"encoding/binary"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestLooksOfTheCaptures: the tunnels are known by the client's first payload, and nothing else is taken for anything.
func TestLooksOfTheCaptures(t *testing.T) {
	want := map[string]Looks{
		"openvpn_tcp": LooksOpenVPN, "openvpn_tcp443_tlscrypt": LooksOpenVPN, "openvpn_udp": LooksOpenVPN,
		"openvpn_udp_tlsauth": LooksOpenVPN, "openvpn_udp_tlscrypt": LooksOpenVPN,
		"wireguard_go": LooksWireGuard, "chromium_socks": LooksNone, // its capture is of the tunnel behind the proxy
	}
	for _, file := range captures(t) {
		name := strings.TrimSuffix(filepath.Base(file), ".pcap")
		var got Looks
		for _, f := range capture(t, name) {
			for i, part := range f.parts {
				looks := UDPProtocol(part)
				if f.tcp {
					looks = TCPProtocol(part)
				}
				if looks != LooksNone {
					require.True(t, f.client && i == 0, "%s: packet %d", name, i)
					got = looks
				}
			}
		}
		require.Equal(t, want[name], got, name)
	}
}

// TestDataOfTheCaptures counts the client's packets that are taken for data in its first flow, as tshark does.
func TestDataOfTheCaptures(t *testing.T) {
	for name, c := range map[string]struct {
		looks        Looks
		first, count int // index of the first, and how many there are
	}{
		"openvpn_udp":             {LooksOpenVPN, 6, 14},
		"openvpn_udp_tlsauth":     {LooksOpenVPN, 7, 15},
		"openvpn_udp_tlscrypt":    {LooksOpenVPN, 7, 15},
		"openvpn_tcp":             {LooksOpenVPN, 6, 10},
		"openvpn_tcp443_tlscrypt": {LooksOpenVPN, 7, 12},
		"wireguard_go":            {LooksWireGuard, 1, 12},
		"curl":                    {LooksTLS, 2, 3},
		"curl_tls12":              {LooksTLS, 2, 3},
	} {
		for _, f := range capture(t, name) {
			if !f.client {
				continue
			}
			first, count := -1, 0
			for i, part := range f.parts {
				if f.tcp && IsTCPData(c.looks, part) || !f.tcp && IsUDPData(c.looks, part) {
					if first < 0 {
						first = i
					}
					count++
				}
			}
			require.Equal(t, []int{c.first, c.count}, []int{first, count}, name)
			break
		}
	}
}

// Openings of protocols that no capture has, each from its specification.
func openings() map[Looks][][]byte {
	ike := func(next, version, exchange, flags byte) []byte {
		b := append([]byte("spi-of-i"), make([]byte, 8)...)
		b = append(b, next, version, exchange, flags, 0, 0, 0, 0, 0, 0, 0, 40)
		return append(b, make([]byte, 12)...)
	}
	l2tp := func(version byte) []byte {
		b := []byte{0xc8, version, 0, 28, 0, 0, 0, 0, 0, 0, 0, 0, 0x80, 8, 0, 0, 0, 0, 0, 1}
		return append(b, 0x80, 8, 0, 0, 0, 2, 1, 0) // protocol version
	}
	syn := []byte{0x41, 0, 0x12, 0x34, 1, 2, 3, 4, 0, 0, 0, 0, 0, 16, 0, 0, 0, 1, 0, 0}
	extended := append(bytes.Clone(syn), 0, 8, 0, 0, 0, 0, 0, 0, 0, 0)
	extended[1] = 2
	v3 := append([]byte{0x50}, "session."...)
	v3 = append(v3, 0x0f, 0, 0, 1, 0x6b, 5, 0x0a, 8)
	v3 = append(v3, make([]byte, 32+5+290)...)
	binary.BigEndian.PutUint16(v3[len(v3)-2:], 290)
	udp := map[Looks][][]byte{
		LooksIKE:        {ike(33, 0x20, 34, 8), append(make([]byte, 4), ike(33, 0x20, 34, 8)...), ike(1, 0x10, 2, 0), ike(1, 0x10, 4, 0)},
		LooksL2TP:       {l2tp(2), l2tp(3)},
		LooksBitTorrent: {syn, extended, []byte("d1:ad2:id20:abcdefghij0123456789e1:q4:ping1:t2:aa1:y1:qe"), []byte("\x00\x00\x04\x17\x27\x10\x19\x80\x00\x00\x00\x00\x12\x34\x56\x78")},
		LooksOpenVPN:    {v3},
		LooksWireGuard:  {append([]byte{1, 0, 0, 0}, make([]byte, 144)...)},
		LooksDTLS:       {dtlsRecordOf(0, dtlsFragmentOf(0, makeHello(0xfefd, []uint16{47}, nil)[handshakeHeader:], 0, 41))},
	}
	return udp
}

func streams() map[Looks][][]byte {
	return map[Looks][][]byte{
		LooksSSH:        {[]byte("SSH-2.0-OpenSSH_9.6\r\n"), []byte("SSH-1.99-x\n")},
		LooksBitTorrent: {[]byte("\x13BitTorrent protocol\x00\x00\x00\x00\x00\x10\x00\x05")},
		LooksSOCKS:      {{5, 1, 0}, {5, 2, 0, 2}, []byte("\x04\x01\x01\xbb\xcb\x00\x71\x0auser\x00")},
		LooksProxy:      {[]byte("CONNECT blocked.example:443 HTTP/1.1\r\nHost: blocked.example:443\r\n\r\n")},
		LooksOpenVPN:    {append([]byte{0, 14, 0x38}, "session.\x00\x00\x00\x00\x00"...)},
	}
}

func TestOpenings(t *testing.T) {
	for want, payloads := range openings() {
		for i, payload := range payloads {
			require.Equal(t, want, UDPProtocol(payload), "%v %d", want, i)
			require.Equal(t, LooksNone, UDPProtocol(payload[:len(payload)-1]), "%v %d: cut", want, i)
			if want != LooksDTLS { // where more records may follow
				require.Equal(t, LooksNone, UDPProtocol(append(bytes.Clone(payload), 0xaa)), "%v %d: more", want, i)
			}
		}
	}
	for want, payloads := range streams() {
		for i, payload := range payloads {
			require.Equal(t, want, TCPProtocol(payload), "%v %d", want, i)
			require.Equal(t, LooksNone, TCPProtocol(payload[:2]), "%v %d: cut", want, i)
			require.Equal(t, LooksNone, UDPProtocol(payload), "%v %d", want, i)
		}
	}
}

func TestOpeningsThatAreBroken(t *testing.T) {
	change := func(payload []byte, at int, value byte) []byte {
		b := bytes.Clone(payload)
		b[at] = value
		return b
	}
	all := openings()
	for name, payload := range map[string][]byte{
		"IKE without initiator":          make([]byte, 40),
		"IKE with responder":             change(all[LooksIKE][0], 15, 1),
		"IKE response":                   change(all[LooksIKE][0], 19, 0x20),
		"IKE length":                     change(all[LooksIKE][0], 27, 39),
		"IKE version 3":                  change(all[LooksIKE][0], 17, 0x30),
		"L2TP tunnel 1":                  change(all[LooksL2TP][0], 5, 1),
		"L2TP hidden type":               change(all[LooksL2TP][0], 12, 0xc0),
		"L2TP hello":                     change(all[LooksL2TP][0], 19, 6),
		"uTP data":                       change(all[LooksBitTorrent][0], 0, 0x01),
		"uTP with delay":                 change(all[LooksBitTorrent][0], 11, 1),
		"uTP extension that is not":      change(all[LooksBitTorrent][0], 1, 2),
		"spec B27's pattern":             append([]byte{1, 0}, make([]byte, 30)...),
		"WireGuard reserved (AmneziaWG)": change(all[LooksWireGuard][0], 1, 7),
		"WireGuard answer":               change(all[LooksWireGuard][0], 0, 2),
		"OpenVPN key 1":                  append([]byte{0x39}, "session.\x00\x00\x00\x00\x00"...),
		"OpenVPN without session":        append([]byte{0x38}, make([]byte, 13)...),
		"OpenVPN message 1":              append([]byte{0x38}, "session.\x00\x00\x00\x00\x01"...),
		"OpenVPN wrapped length":         change(all[LooksOpenVPN][0], len(all[LooksOpenVPN][0])-1, 1),
		"OpenVPN with random":            append([]byte{0x38}, bytes.Repeat([]byte{0x77}, 53)...),
		"DTLS in epoch 1":                change(all[LooksDTLS][0], 4, 1),
		"DTLS ServerHello":               change(all[LooksDTLS][0], 13, 2),
		"empty":                          nil,
	} {
		require.Equal(t, LooksNone, UDPProtocol(payload), name)
	}
	for name, payload := range map[string][]byte{
		"banner of 3": []byte("SSH-3.0-x"), "OpenVPN length": append([]byte{0, 15, 0x38}, "session.\x00\x00\x00\x00\x00"...), "empty": nil,
	} {
		require.Equal(t, LooksNone, TCPProtocol(payload), name)
	}
}

func TestIsData(t *testing.T) {
	data := append([]byte{4, 0, 0, 0}, make([]byte, 28)...)
	require.True(t, IsUDPData(LooksWireGuard, data), "a keepalive")
	require.False(t, IsUDPData(LooksWireGuard, data[:31]))
	require.False(t, IsUDPData(LooksWireGuard, append(data, 0)), "padded to 16")
	require.False(t, IsUDPData(LooksOpenVPN, data))
	require.False(t, IsUDPData(LooksIKE, data))
	require.True(t, IsUDPData(LooksOpenVPN, append([]byte{openVPNDataV1<<3 | 5}, data...)))

	record := append([]byte{dtlsApplicationData, 0xfe, 0xfd, 0, 1}, make([]byte, 20)...)
	require.True(t, IsUDPData(LooksDTLS, record))
	record[4] = 0
	require.False(t, IsUDPData(LooksDTLS, record), "no keys")
	// RFC 9147, section 4: 001 C S L, and the low bits of the epoch: 2 is the handshake's, 3 the data's.
	require.False(t, IsUDPData(LooksDTLS, append([]byte{0x2e}, make([]byte, 20)...)))
	require.True(t, IsUDPData(LooksDTLS, append([]byte{0x2f}, make([]byte, 20)...)))

	require.True(t, IsTCPData(LooksTLS, []byte{23, 3, 3, 0, 20}))
	require.False(t, IsTCPData(LooksTLS, []byte{20, 3, 3, 0, 1, 1}))
	require.False(t, IsTCPData(LooksOpenVPN, []byte{0xff, 0xff, 0x48}))
	require.False(t, IsTCPData(LooksSSH, []byte{23, 3, 3, 0, 20}))
}

func TestLooksString(t *testing.T) {
	require.Equal(t, "wireguard", LooksWireGuard.String())
	require.Equal(t, "proxy", LooksProxy.String())
	require.Equal(t, "?", Looks(99).String())
}

func TestLooksDoNotAllocate(t *testing.T) {
	var all [][]byte
	for _, payloads := range openings() {
		all = append(all, payloads...)
	}
	for _, payloads := range streams() {
		all = append(all, payloads...)
	}
	require.Zero(t, testing.AllocsPerRun(100, func() {
		for _, payload := range all {
			_, _ = UDPProtocol(payload), TCPProtocol(payload)
			_, _ = IsUDPData(LooksDTLS, payload), IsTCPData(LooksOpenVPN, payload)
		}
	}))
}

func FuzzLooks(f *testing.F) {
	for _, payloads := range openings() {
		for _, payload := range payloads {
			f.Add(payload)
		}
	}
	for _, payloads := range streams() {
		for _, payload := range payloads {
			f.Add(payload)
		}
	}
	for _, name := range []string{"openvpn_udp", "openvpn_udp_tlsauth", "openvpn_udp_tlscrypt", "wireguard_go"} {
		f.Add(capture(f, name)[0].parts[0])
	}
	f.Fuzz(func(t *testing.T, payload []byte) {
		udp := UDPProtocol(payload)
		require.NotEqual(t, "?", udp.String())
		_ = TCPProtocol(payload)
		for l := LooksNone; l <= LooksProxy; l++ {
			_ = IsTCPData(l, payload)
			if IsUDPData(l, payload) {
				require.NotEqual(t, l, udp, "an opening carries no data")
			}
		}
		var d DTLS
		require.Equal(t, udp == LooksDTLS, IsDTLS(payload))
		if d.Datagram(payload) != No {
			require.True(t, IsDTLS(payload))
		}
	})
}
