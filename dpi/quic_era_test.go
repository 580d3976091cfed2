package dpi

import (
	"net/netip"
	"testing"

	"github.com/stretchr/testify/require"

	"dpilab/rules"
)

func initialOf(name string, version uint32) []byte {
	return initial{version: version, frames: cryptoFrame(0, helloOf(nameExtension(name)))}.seal()
}

// B10 (ValdikSS on quic@ietf, N4P#108, C): version 1, port 443 and not from port 443, 1001 bytes of payload or more.
func TestQUICOf2022(t *testing.T) {
	rule := blocks(rules.Condition{QUIC: []rules.QUICVersion{rules.QUICv1}, Size: []rules.Range{{Min: 1001, Max: 65535}},
		Port: []rules.Range{{Min: 443, Max: 443}}, SourcePort: []rules.Range{{Min: 0, Max: 442}, {Min: 444, Max: 65535}}})
	long := func(n int, version ...byte) []byte {
		return append(append([]byte{0xc0}, version...), make([]byte, n-1-len(version))...)
	}
	for _, c := range []struct {
		name        string
		first       []byte
		source, dst uint16
		want        Action
	}{
		{"O101: 1,001 bytes", long(1001, 0, 0, 0, 1), 5000, 443, Drop},
		{"O102: 1,000 bytes", long(1000, 0, 0, 0, 1), 5000, 443, Accept},
		{"O103: another port", long(1200, 0, 0, 0, 1), 5000, 8443, Accept},
		{"O104: from port 443", long(1200, 0, 0, 0, 1), 443, 443, Accept},
		{"O105: a version that nobody speaks", long(1200, 0xba, 0xba, 0xba, 0xba), 5000, 443, Accept},
		{"O106: version 2", long(1200, 0x6b, 0x33, 0x43, 0xcf), 5000, 443, Accept},
		{"O249: draft 29", initialOf("any.example", 0xff00001d), 5000, 443, Accept},
		{"a real one", initialOf("any.example", 1), 5000, 443, Drop},
	} {
		w := reads(t, nil, rule)
		w.client = netip.AddrPortFrom(w.client.Addr(), c.source)
		w.server = netip.AddrPortFrom(w.server.Addr(), c.dst)
		require.Equal(t, c.want, w.udp(rules.Up, c.first).Action, c.name)
		require.Equal(t, c.want, w.udp(rules.Up, initialOf("any.example", 1)).Action, "%s: what follows fares as the first", c.name)
	}
	w := reads(t, nil, rule).flow()
	require.Equal(t, Accept, w.udp(rules.Up, []byte{0x40, 1, 2, 3, 4}).Action, "O107 (ZAP#115)")
	require.Equal(t, Accept, w.udp(rules.Up, long(1200, 0, 0, 0, 1)).Action)
	w = reads(t, nil, rule).flow()
	require.Equal(t, Accept, w.udp(rules.Down, long(1200, 0, 0, 0, 1)).Action, "O246: from outside")
}

// O249 (NTC1823/12-13, C): draft 29 on the lines that knew it.
func TestQUICVersionFacts(t *testing.T) {
	for version, want := range map[uint32]rules.QUICVersion{1: rules.QUICv1, 0x6b3343cf: rules.QUICv2, 0xff00001d: rules.QUICDraft} {
		for _, v := range []rules.QUICVersion{rules.QUICNone, rules.QUICv1, rules.QUICv2, rules.QUICDraft, rules.QUICOther} {
			w := reads(t, nil, blocks(rules.Condition{QUIC: []rules.QUICVersion{v}})).flow()
			require.Equal(t, v == want, w.udp(rules.Up, initialOf("a.example", version)).Action == Drop)
		}
	}
}

// B11: whose Initials are read, and what is made of one that cannot be: dropped in May 2022 (NTC1823/38, /42, C), let be since
// June or July (NTC1823/69, C).
func TestInitialsThatAreRead(t *testing.T) {
	const name = "blocked.example"
	message := helloOf(nameExtension(name))
	good := initialOf(name, 1)
	spring := func(p *rules.Profile) { p.QUIC.Assemble, p.QUIC.Padding = false, false }
	all := func(p *rules.Profile) {
		p.QUIC.Versions = []rules.QUICVersion{rules.QUICv1, rules.QUICv2, rules.QUICDraft}
	}
	mixed := append(cryptoFrame(40, message[40:]), cryptoFrame(0, message[:40])...)
	for _, c := range []struct {
		name    string
		profile func(*rules.Profile)
		data    []byte
		want    rules.HelloKind
	}{
		{"version 1", nil, good, rules.HelloNamed},
		{"O251: a byte flipped", nil, scrambled(good, 600), rules.HelloUnreadable},
		{"O252: padded outside of the packet, later", nil, append(append([]byte(nil), good...), make([]byte, 80)...), rules.HelloNamed},
		{"O252: padded outside of the packet, May 2022", spring, append(append([]byte(nil), good...), make([]byte, 80)...), rules.HelloUnreadable},
		{"O253: frames out of order, later", nil, initial{frames: mixed}.seal(), rules.HelloNamed},
		{"O253: frames out of order, May 2022", spring, initial{frames: mixed}.seal(), rules.HelloUnreadable},
		{"O106: version 2 on a box for version 1", nil, initialOf(name, 0x6b3343cf), rules.HelloNone},
		{"version 2", all, initialOf(name, 0x6b3343cf), rules.HelloNamed},
		{"draft 29", all, initialOf(name, 0xff00001d), rules.HelloNamed},
		{"no version at all", func(p *rules.Profile) { p.QUIC.Versions = nil }, good, rules.HelloNone},
	} {
		for _, kind := range []rules.HelloKind{rules.HelloNone, rules.HelloNamed, rules.HelloUnreadable} {
			w := reads(t, c.profile, blocks(rules.Condition{Hello: []rules.HelloKind{kind}})).flow()
			require.Equal(t, kind == c.want, w.udp(rules.Up, c.data).Action == Drop, "%s: %s", c.name, kind)
		}
		named := reads(t, c.profile, blocks(rules.Condition{SNI: []string{name}})).flow()
		require.Equal(t, c.want == rules.HelloNamed, named.udp(rules.Up, c.data).Action == Drop, c.name)
	}
}

// NTC1823/61 (A): a hello is looked for in so many datagrams. One with none of it in between does no harm.
func TestDatagramsOfAHello(t *testing.T) {
	message := helloOf(nameExtension("blocked.example"), extension(21, make([]byte, 60)))
	part := func(i int) []byte {
		end := min(20*i+20, len(message))
		return initial{number: byte(i), frames: cryptoFrame(20*i, message[20*i:end])}.seal()
	}
	n := (len(message) + 19) / 20
	for bound := 1; bound <= n+1; bound++ {
		w := reads(t, func(p *rules.Profile) { p.QUIC.Datagrams = bound }, blocks(rules.Condition{SNI: []string{"blocked.example"}})).flow()
		for i := range n - 1 {
			require.Equal(t, Accept, w.udp(rules.Up, part(i)).Action)
			require.Equal(t, Accept, w.udp(rules.Down, answer).Action)
		}
		require.Equal(t, bound >= n, w.udp(rules.Up, part(n-1)).Action == Drop, "%d of %d", bound, n)
	}
	w := reads(t, nil, blocks(rules.Condition{SNI: []string{"blocked.example"}})).flow()
	early := append([]byte{0xd0, 0, 0, 0, 1, 0, 0, 2}, 1, 2)
	require.Equal(t, Accept, w.udp(rules.Up, initial{frames: cryptoFrame(0, message[:40])}.seal()).Action)
	require.Equal(t, Accept, w.udp(rules.Up, early).Action, "0-RTT")
	require.Equal(t, Drop, w.udp(rules.Up, initial{number: 1, frames: cryptoFrame(40, message[40:])}.seal()).Action)
}

// O118, O242, O243 (FOCI26-data, P): a clean first datagram clears the flow for most names, and not for some.
func TestCleanFirstDatagram(t *testing.T) {
	again := blocks(rules.Condition{SNI: []string{"nordvpn.com"}})
	again.Again = true
	w := reads(t, nil, blocks(rules.Condition{SNI: []string{"play.google.com"}}), again)
	for _, first := range [][]byte{initialOf("allowed.example", 1), {0x40, 1, 2, 3}} {
		for name, want := range map[string]Action{"play.google.com": Accept, "nordvpn.com": Drop, "other.example": Accept} {
			w.flow()
			v := w.udp(rules.Up, first)
			require.Equal(t, Accept, v.Action)
			require.Equal(t, OffloadNone, v.Offload, "it is still read")
			require.Equal(t, Accept, w.udp(rules.Down, answer).Action)
			require.Equal(t, want, w.udp(rules.Up, initial{id: 9, frames: cryptoFrame(0, helloOf(nameExtension(name)))}.seal()).Action, name)
		}
	}
	// In two datagrams.
	w.flow().udp(rules.Up, initialOf("allowed.example", 1))
	m := helloOf(nameExtension("nordvpn.com"))
	require.Equal(t, Accept, w.udp(rules.Up, initial{id: 9, frames: cryptoFrame(0, m[:50])}.seal()).Action)
	require.Equal(t, Drop, w.udp(rules.Up, initial{id: 9, number: 1, frames: cryptoFrame(50, m[50:])}.seal()).Action)
	// A rule that cannot hit this flow does not keep it.
	again.When.Port = []rules.Range{{Min: 8443, Max: 8443}}
	w = reads(t, nil, again).flow()
	require.Equal(t, OffloadPass, w.udp(rules.Up, initialOf("allowed.example", 1)).Offload)
}
