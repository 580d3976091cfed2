package craft

import (
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"dpilab/dpi/inspect"
)

func source() *rand.Rand { return rand.New(rand.NewPCG(1, 2)) }

// The fingerprints are those that the captures of the real clients have: dpi/inspect/testdata/fingerprints.txt.
func TestFingerprints(t *testing.T) {
	for f, want := range map[Fingerprint]string{
		Chrome:  "t13d1516h2_8daaf6152771_d8a2da3f94cd",
		Firefox: "t13d1715h2_5b57614c22b0_5c2c66f702b0",
		Safari:  "t13d2014h2_a09f3c656075_14788d8d241b",
		Go:      "t13d1312h2_f57a46bbacb6_ab7e3b40a677",
	} {
		m, ok := Hello{Name: "blocked.example", Fingerprint: f}.Message(source())
		require.True(t, ok)
		stream, name := Records(m, nil, "")
		require.Equal(t, "blocked.example", string(stream[name:name+15]))
		var parser inspect.TLS
		require.Equal(t, inspect.Yes, parser.ClientHello(stream), f)
		require.Equal(t, want, string(parser.Hello.JA4(nil, 't')), f)
	}
	for _, name := range []string{"", "blocked.example"} {
		b, ok := DTLSHello{Name: name, Fingerprint: "pion"}.Datagram(source())
		require.True(t, ok)
		var parser inspect.DTLS
		require.Equal(t, inspect.Yes, parser.Datagram(b))
		if name != "" {
			require.Equal(t, "dd2d080600_df5057009e57_861c66034698", string(parser.Hello.JA4(nil, 'd')))
		}
	}
}

func TestHellos(t *testing.T) {
	for name, h := range map[string]Hello{
		"plain": {Name: "a.example"}, "sized": {Name: "a.example", Size: 5919}, "sized chrome": {Name: "a.example", Size: 2000, Fingerprint: Chrome},
		"1.2": {Name: "a.example", TLS12: true}, "grease": {Name: "a.example", GREASE: true}, "ech": {Name: "a.example", ECH: 200},
		"extension": {Name: "a.example", Extensions: []Extension{{0xfe02, make([]byte, 20)}}},
		"random":    {Name: "a.example", Garbled: GarbledRandom}, "ciphers": {Name: "a.example", Garbled: GarbledCipherValues},
	} {
		m, ok := h.Message(source())
		require.True(t, ok, name)
		if h.Size > 0 {
			require.Len(t, m.Bytes, h.Size)
		}
		stream, at := Records(m, []int{100, 30}, "")
		require.NotZero(t, at)
		var parser inspect.TLS
		require.Equal(t, inspect.Yes, parser.ClientHello(stream), name)
		require.Equal(t, "a.example", string(parser.Hello.SNI), name)
		require.Equal(t, h.ECH > 0 || h.Fingerprint == Chrome, parser.Hello.ECH, name)
		require.Equal(t, 3, parser.Hello.Records, name)
	}
	_, ok := Hello{Size: 100}.Message(source())
	require.False(t, ok)
}

// IMC21: each of these fields, broken, hid the name from the box, or the field does not matter.
func TestGarbled(t *testing.T) {
	for _, g := range AllGarbled {
		m, _ := Hello{Name: "a.example", Garbled: g}.Message(source())
		stream, _ := Records(m, nil, g)
		var parser inspect.TLS
		got := parser.ClientHello(stream) == inspect.Yes && string(parser.Hello.SNI) == "a.example"
		require.Equal(t, g == GarbledRandom || g == GarbledCipherValues, got, g)
	}
}

func TestInitials(t *testing.T) {
	all := inspect.QUICOptions{Versions: inspect.ReadQUICv1 | inspect.ReadQUICv2 | inspect.ReadQUICDraft29}
	for _, v := range []uint32{QUICv1, QUICv2, QUICDraft29} {
		for name, q := range map[string]Initial{
			"one": {}, "three": {Datagrams: 3}, "frames": {Frames: 4, Shuffled: true}, "both": {Frames: 3, Shuffled: true, Datagrams: 2},
			"small": {Size: 400}, "outside": {Size: 1300, Outside: 60},
		} {
			q.Version, q.Hello.Name = v, "a.example"
			payloads := q.Payloads(source())
			require.NotEmpty(t, payloads)
			var parser inspect.QUIC
			parser.Options = all
			for i, b := range payloads {
				size := q.Size
				if size == 0 {
					size = 1200
				}
				require.Len(t, b, size)
				want := inspect.More
				if i == len(payloads)-1 {
					want = inspect.Yes
				}
				require.Equal(t, want, parser.Datagram(b), "%s %x", name, v)
			}
			require.Equal(t, "a.example", string(parser.Hello.SNI))
		}
	}
	var parser inspect.QUIC
	require.NotEqual(t, inspect.Yes, parser.Datagram(Initial{Version: QUICv1, Flipped: true}.Payloads(source())[0]))
}

func TestOpenings(t *testing.T) {
	r := source()
	for want, all := range map[inspect.Looks][][]byte{
		inspect.LooksWireGuard:  {WireGuard(r, 1, 0)},
		inspect.LooksOpenVPN:    {OpenVPN(r, "reset", 0), OpenVPN(r, "reset tls-auth", 0), OpenVPN(r, "reset tls-crypt", 0), OpenVPN(r, "reset v3", 0)},
		inspect.LooksIKE:        {IKE(r, false, false), IKE(r, true, false), IKE(r, false, true)},
		inspect.LooksL2TP:       {L2TP(r)},
		inspect.LooksBitTorrent: {BitTorrent(r, "utp"), BitTorrent(r, "dht"), BitTorrent(r, "tracker")},
		inspect.LooksNone:       {Data(r, 500), STUN(r, "binding", 0), OpenVPN(r, "server-reset", 0)},
	} {
		for _, b := range all {
			require.Equal(t, want, inspect.UDPProtocol(b), want)
		}
	}
	require.Equal(t, inspect.LooksOpenVPN, inspect.TCPProtocol(Framed(OpenVPN(r, "reset", 0))))
	require.Equal(t, inspect.LooksBitTorrent, inspect.TCPProtocol(BitTorrent(r, "handshake")))
	require.Equal(t, inspect.Yes, inspect.WhatsApp(WhatsApp(r)))
	require.True(t, inspect.STUN(STUN(r, "binding", 0)))
	require.True(t, inspect.STUN(STUN(r, "answer", 0)))
	require.True(t, inspect.IsUDPData(inspect.LooksWireGuard, WireGuard(r, 4, 1000)))
	require.True(t, inspect.IsUDPData(inspect.LooksOpenVPN, OpenVPN(r, "data", 1000)))
	require.True(t, inspect.IsUDPData(inspect.LooksDTLS, DTLSApplication(r, 100)))
	require.True(t, inspect.IsTCPData(inspect.LooksTLS, Application(r, 100)))
}

// B31: the bytes stand where the rules of 2021 and 2022 looked for them.
func TestGroupsInDTLS(t *testing.T) {
	r := source()
	require.Equal(t, "\x1d\x00\x17\x00\x18", string(DTLSServerHello(r, 0x5a)[0x5a:0x5f]))
	for _, at := range []int{0x59, 0x6e} {
		b, ok := DTLSHello{GroupsAt: at}.Datagram(r)
		require.True(t, ok)
		require.Equal(t, groupsList, string(b[at:at+6]))
		require.True(t, inspect.IsDTLS(b))
	}
	for _, f := range []string{"", "pion", "browser", "random"} {
		b, ok := DTLSHello{Name: "a.example", Fingerprint: f}.Datagram(r)
		require.True(t, ok)
		var parser inspect.DTLS
		require.Equal(t, inspect.Yes, parser.Datagram(b), f)
	}
}

func TestCertificate(t *testing.T) {
	for _, size := range []int{0, 4000} {
		b, err := ServerFlight12(source(), []string{"a.example", "b.example"}, size)
		require.NoError(t, err)
		var c inspect.Certificate
		require.Equal(t, inspect.Yes, c.Flight(b))
		var names []string
		c.Names(func(name []byte) bool { names = append(names, string(name)); return true })
		require.Contains(t, names, "a.example")
		require.Contains(t, names, "b.example")
		if size > 0 {
			require.InDelta(t, size, len(b), 300)
		}
	}
	var c inspect.Certificate
	require.Equal(t, inspect.No, c.Flight(ServerFlight13(source(), 3000)))
}
