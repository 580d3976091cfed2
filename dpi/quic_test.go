package dpi

import (
	"os"
	"testing"
	"time"

	"github.com/google/gopacket"
	"github.com/google/gopacket/layers"
	"github.com/google/gopacket/pcapgo"
	"github.com/stretchr/testify/require"

	"dpilab/dpi/packet"
	"dpilab/rules"
)

// captured gives the IP packets of a capture of a real client, in order.
func captured(t testing.TB, name string) [][]byte {
	t.Helper()
	f, err := os.Open("inspect/testdata/" + name + ".pcap")
	require.NoError(t, err)
	defer f.Close()
	r, err := pcapgo.NewReader(f)
	require.NoError(t, err)
	var out [][]byte
	for {
		data, _, err := r.ReadPacketData()
		if err != nil {
			return out
		}
		p := gopacket.NewPacket(data, layers.LinkTypeEthernet, gopacket.NoCopy)
		if n := p.NetworkLayer(); n != nil && r.LinkType() == layers.LinkTypeEthernet {
			out = append(out, data[14:])
		}
	}
}

// replay gives the actions on a capture's packets of one transport, DNS left out; the client is inside.
func replay(t testing.TB, e *Engine, now *time.Duration, data [][]byte, transport uint8) (actions []Action) {
	var p packet.Packet
	for _, d := range data {
		if p.Decode(d) != nil || p.Protocol != transport || p.SrcPort == 53 || p.DstPort == 53 {
			continue
		}
		dir := rules.Down
		if packet.AddrOf(p.Src).String() == "198.51.100.2" {
			dir = rules.Up
		}
		*now += time.Millisecond
		v := e.Handle(*now, Packet{Dir: dir, Data: d}, nil)
		actions = append(actions, v[0].Action)
	}
	return actions
}

// B11 (FOCI26): real QUIC stacks spread the name over two Initials; the first passes, from the completing one on nothing does.
func TestQUICOfRealClients(t *testing.T) {
	const policy = "- {rule: quic, when: {sni: blocked.example, protocol: quic}, do: {drop: both, residual: 420s, refresh: true}, source: {ref: FOCI26, confidence: P}}\n"
	for _, name := range []string{"h3_quicgo", "chromium_quic", "firefox_quic"} {
		now := time.Hour
		actions := replay(t, New(Options{Policy: policyOf(t, policy)}), &now, captured(t, name), packet.UDP)
		require.Contains(t, actions, Drop, name)
		passed := 0
		for passed < len(actions) && actions[passed] == Accept {
			passed++
		}
		require.LessOrEqual(t, passed, 2, name)
		clean := New(Options{Policy: policyOf(t, "- {rule: q, when: {sni: other.example}, do: {drop: both}, source: {ref: choice}}\n")})
		require.NotContains(t, replay(t, clean, &now, captured(t, name), packet.UDP), Drop, name)
	}
}

// O113, O114 (FOCI26): 420 seconds, and every packet starts them again.
func TestQUICResidualIsRefreshed(t *testing.T) {
	const policy = "- {rule: quic, when: {sni: blocked.example, protocol: quic}, do: {drop: both, residual: 420s, refresh: true}, source: {ref: FOCI26, confidence: P}}\n"
	e := New(Options{Policy: policyOf(t, policy)})
	now := time.Hour
	data := captured(t, "h3_quicgo")
	replay(t, e, &now, data, packet.UDP)
	one := func() Action {
		d := packet.AppendUDP(nil, clientIn(t, data), serverIn(t, data), 64, []byte{0x40, 1, 2})
		return e.Handle(now, Packet{Dir: rules.Up, Data: d}, nil)[0].Action
	}
	now += 300 * time.Second
	require.Equal(t, Drop, one())
	now += 419 * time.Second
	require.Equal(t, Drop, one())
	now += 421 * time.Second
	require.Equal(t, Accept, one())
}

// WhatsApp's opening as its library sends it, and real ClientHellos of two segments.
func TestRealTCPClients(t *testing.T) {
	const policy = "profile: {reassembly: {tcp: true}}\n---\n" +
		"- {rule: chat, when: {protocol: whatsapp}, do: {drop: both}, source: {ref: choice}}\n" +
		"- {rule: name, when: {sni: blocked.example}, do: {drop: both}, source: {ref: choice}}\n"
	for name, want := range map[string]bool{
		"wa_tcp_443": true, "wa_tcp_5222": true, "curl": true, "firefox": true, "chromium_tcp_sni_in_segment2": true, "go_tls": true,
		"obfs4": false, "ss_libev": false, "openvpn_tcp": false, "xray_vmess": false, "tg_obf2": false,
	} {
		now := time.Hour
		actions := replay(t, New(Options{Policy: policyOf(t, policy)}), &now, captured(t, name), packet.TCP)
		if want {
			require.Contains(t, actions, Drop, name)
		} else {
			require.NotContains(t, actions, Drop, name)
		}
	}
}
