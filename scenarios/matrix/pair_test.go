package matrix

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"
	"github.com/stretchr/testify/require"

	"dpilab/dpi"
	"dpilab/dpi/packet"
	"dpilab/rules"
)

var (
	inEnd     = netip.MustParseAddrPort("198.51.100.2:40000")
	outEnd    = netip.MustParseAddrPort("203.0.113.34:443")
	farEnd    = netip.MustParseAddrPort("203.0.113.99:443")
	testStart = time.Unix(1_700_000_000, 0)
	insides   = map[netip.Addr]bool{inEnd.Addr(): true}
)

func framed(ip []byte) []byte {
	frame := make([]byte, 12, 14+len(ip))
	kind := uint16(etherIPv4)
	if len(ip) > 0 && ip[0]>>4 == 6 {
		kind = etherIPv6
	}
	return append(binary.BigEndian.AppendUint16(frame, kind), ip...)
}

// at makes a packet that was seen so many milliseconds after the start.
func at(t testing.TB, ms float64, ip []byte) *seen {
	s := newSeen(testStart.Add(time.Duration(ms*1e6)), framed(ip), insides)
	require.NotNil(t, s)
	return s
}

func tcpUp(seq uint32, flags uint8, payload string) []byte {
	return packet.AppendTCP(nil, inEnd, outEnd, seq, 1, flags, 64, []byte(payload))
}

func tcpDown(seq uint32, flags uint8, payload string) []byte {
	return packet.AppendTCP(nil, outEnd, inEnd, seq, 1, flags, 60, []byte(payload))
}

func udpUp(to netip.AddrPort, payload string) []byte {
	return packet.AppendUDP(nil, inEnd, to, 64, []byte(payload))
}

func eventOf(kind dpi.EventKind, dir rules.Direction, m rules.Mechanism, at time.Duration) dpi.Event {
	return dpi.Event{Kind: kind, Dir: dir, Time: at, Flow: dpi.FlowID{Transport: packet.TCP, Inside: inEnd, Outside: outEnd},
		Rule: &rules.Rule{Name: "a-rule", Do: rules.Do{Mechanism: m}}}
}

// story pairs what two ends have seen, and says in a line what each packet was and what the box did to it.
func story(t testing.TB, inside, outside []*seen, events ...dpi.Event) string {
	var lines []string
	for _, track := range tracksOf(inside, outside, events) {
		track.pair(testStart, testStart.Add(time.Hour))
		f := track.flow(testStart, nil, true)
		lines = append(lines, fmt.Sprintf("%s up %d down %d dropped %d", f.Server, f.Up, f.Down, f.Dropped))
		for _, p := range f.Packets {
			line := fmt.Sprintf("%v %s", map[bool]string{true: ">", false: "<"}[p.Up], p.What)
			if p.Did != "" {
				line += " " + p.Did
			}
			if p.Rule != "" {
				line += " by " + p.Rule
			}
			lines = append(lines, line)
		}
	}
	return strings.Join(lines, "\n")
}

// A segment that was dropped and sent again is told from the one that came through, though both have the same bytes.
func TestSentAgain(t *testing.T) {
	require.Equal(t, strings.TrimSpace(`
203.0.113.34:443 up 4 down 1 dropped 1
> SYN
< SYN/ACK
> data 4 dropped by a-rule
> data 4 again
> FIN`), story(t,
		[]*seen{at(t, 0, tcpUp(9, packet.SYN, "")), at(t, 7, tcpDown(50, packet.SYN|packet.ACK, "")), at(t, 8, tcpUp(10, packet.ACK, "zzzz")), at(t, 208, tcpUp(10, packet.ACK, "zzzz")), at(t, 300, tcpUp(14, packet.FIN|packet.ACK, ""))},
		[]*seen{at(t, 2, tcpUp(9, packet.SYN, "")), at(t, 5, tcpDown(50, packet.SYN|packet.ACK, "")), at(t, 210, tcpUp(10, packet.ACK, "zzzz")), at(t, 302, tcpUp(14, packet.FIN|packet.ACK, ""))},
		eventOf(dpi.EventDrop, rules.Up, rules.MechanismDrop, 9*time.Millisecond)))
}

// One large segment before the box is several behind it; what is missing of it was dropped.
func TestLargeSegments(t *testing.T) {
	whole := strings.Repeat("a", 1000) + strings.Repeat("b", 1000)
	for rest, want := range map[bool]string{true: "< data 2000", false: "< data 2000 dropped by a-rule"} {
		var events []dpi.Event
		if !rest {
			events = append(events, eventOf(dpi.EventDrop, rules.Down, rules.MechanismDrop, 5*time.Millisecond))
		}
		inside := []*seen{at(t, 6, tcpDown(1, packet.ACK, whole[:1000]))}
		if rest {
			inside = append(inside, at(t, 7, tcpDown(1001, packet.ACK, whole[1000:])))
		}
		require.Contains(t, story(t, inside, []*seen{at(t, 5, tcpDown(1, packet.ACK, whole))}, events...), want)
	}
	// And the other way round: two before it, one behind it.
	require.Contains(t, story(t, []*seen{at(t, 6, tcpDown(1, packet.ACK, whole))},
		[]*seen{at(t, 5, tcpDown(1, packet.ACK, whole[:1000])), at(t, 5.1, tcpDown(1001, packet.ACK, whole[1000:]))}), "down 2 dropped 0")
}

// What comes out of the box and never went in is its own, unless an event says that it changed something.
func TestBoxesOwn(t *testing.T) {
	before := []*seen{at(t, 5, tcpDown(1, packet.ACK, strings.Repeat("a", 2000)))}
	behind := []*seen{at(t, 6, tcpDown(1, packet.RST|packet.ACK, "")), at(t, 6.1, tcpDown(1001, packet.RST|packet.ACK, ""))}
	require.Equal(t, "203.0.113.34:443 up 0 down 1 dropped 0\n< data 2000 rewritten by a-rule",
		story(t, behind, before, eventOf(dpi.EventRewrite, rules.Down, rules.MechanismReset, 5*time.Millisecond)))
	require.Equal(t, "203.0.113.34:443 up 0 down 1 dropped 1\n< data 2000 dropped by a-rule\n< RST sent by a-rule\n< RST sent by a-rule",
		story(t, behind, before, eventOf(dpi.EventSend, rules.Down, rules.MechanismReset, 5*time.Millisecond), eventOf(dpi.EventDrop, rules.Down, rules.MechanismReset, 5*time.Millisecond)))
}

// A flow that the box leads elsewhere is one flow, with its packets rewritten.
func TestRedirected(t *testing.T) {
	e := eventOf(dpi.EventRewrite, rules.Up, rules.MechanismRedirect, time.Millisecond)
	e.Flow.Transport = packet.UDP
	down := func(from netip.AddrPort) []byte { return packet.AppendUDP(nil, from, inEnd, 60, []byte("answer")) }
	require.Equal(t, "203.0.113.34:443 up 1 down 1 dropped 0\n> data 8 rewritten by a-rule\n< data 6 rewritten", story(t,
		[]*seen{at(t, 0, udpUp(outEnd, "question")), at(t, 9, down(outEnd))},
		[]*seen{at(t, 2, udpUp(farEnd, "question")), at(t, 7, down(farEnd))}, e))
}

// What went in last and did not come out yet is not called dropped, unless an event says so.
func TestOnTheWay(t *testing.T) {
	for dropped, events := range map[string][]dpi.Event{"": nil, "dropped": {eventOf(dpi.EventDrop, rules.Up, rules.MechanismDrop, time.Second)}} {
		tracks := tracksOf([]*seen{at(t, 1000, tcpUp(1, packet.ACK, "x"))}, nil, events)
		tracks[0].pair(testStart, testStart.Add(990*time.Millisecond))
		require.Equal(t, dropped, tracks[0].flow(testStart, nil, true).Packets[0].Did)
	}
}

// What a server of UDP still sends to a client that is gone, and the answer to it, are no flows of the try.
func TestLeftover(t *testing.T) {
	gone := packet.AppendUDP(nil, outEnd, inEnd, 60, []byte("late"))
	sorry := packet.AppendUDP(nil, inEnd, outEnd, 64, []byte("\x03\x03")) // as ICMP: type 3, code 3
	sorry[9] = packet.ICMP
	sorry[20], sorry[21] = 3, 3
	packet.SealHeader(sorry[:20])
	tracks := tracksOf([]*seen{at(t, 2, gone), at(t, 3, sorry)}, []*seen{at(t, 1, gone), at(t, 4, sorry)}, nil)
	require.Len(t, tracks, 2)
	for _, x := range tracks {
		require.True(t, x.leftover(), x.id)
	}
	for _, x := range tracksOf([]*seen{at(t, 1, udpUp(outEnd, "x")), at(t, 2, tcpUp(1, packet.ACK, "x"))}, nil, nil) {
		require.False(t, x.leftover(), x.id)
	}
}

// Long flows keep their beginning, their end, and what the box touched.
func TestLongFlow(t *testing.T) {
	var inside, outside []*seen
	for i := range 500 {
		inside = append(inside, at(t, float64(i), tcpUp(uint32(i), packet.ACK, "x")))
		if i != 300 {
			outside = append(outside, at(t, float64(i)+2, tcpUp(uint32(i), packet.ACK, "x")))
		}
	}
	tracks := tracksOf(inside, outside, []dpi.Event{eventOf(dpi.EventDrop, rules.Up, rules.MechanismDrop, 300*time.Millisecond)})
	tracks[0].pair(testStart, testStart.Add(time.Hour))
	f := tracks[0].flow(testStart, nil, true)
	require.Equal(t, []int{500, 1, firstKept + 1 + lastKept}, []int{f.Up, f.Dropped, len(f.Packets)})
	require.Equal(t, "dropped", f.Packets[firstKept].Did)
	require.InDelta(t, 499, f.Packets[len(f.Packets)-1].MS, 0.01)
}

func questionFor(name string, kind uint16) string {
	m := new(dns.Msg).SetQuestion(dns.Fqdn(name), kind)
	data, _ := m.Pack()
	return string(data)
}

// Questions and flows that lead past a tool are found, in either transport and whatever the case; others are let be.
func TestLeaks(t *testing.T) {
	s := site{name: "twitter.com", host: "site", addrs: []netip.Addr{outEnd.Addr()}}
	resolver := netip.MustParseAddrPort("203.0.113.80:53")
	overTCP := func(m string) []byte {
		return packet.AppendTCP(nil, inEnd, resolver, 1, 1, packet.ACK, 64, append(binary.BigEndian.AppendUint16(nil, uint16(len(m))), m...))
	}
	for name, c := range map[string]struct {
		sent []byte
		want string
	}{
		"A":             {udpUp(resolver, questionFor("twitter.com", dns.TypeA)), "a question for twitter.com in the clear, to resolver (203.0.113.80)"},
		"HTTPS, case":   {udpUp(resolver, questionFor("TWITTER.com", dns.TypeHTTPS)), "a question for twitter.com in the clear, to resolver (203.0.113.80)"},
		"below":         {udpUp(resolver, questionFor("_443._https.twitter.com", dns.TypeHTTPS)), "a question for _443._https.twitter.com in the clear, to resolver (203.0.113.80)"},
		"TCP":           {overTCP(questionFor("twitter.com", dns.TypeAAAA)), "a question for twitter.com in the clear, to resolver (203.0.113.80)"},
		"another":       {udpUp(resolver, questionFor("example.org", dns.TypeA)), ""},
		"ends alike":    {udpUp(resolver, questionFor("nottwitter.com", dns.TypeA)), ""},
		"not a message": {udpUp(resolver, "twitter.com"), ""},
		"elsewhere":     {udpUp(farEnd, "x"), ""},
		"flow":          {tcpUp(1, packet.SYN, ""), "a flow to site itself: tcp 198.51.100.2:40000 → 203.0.113.34:443"},
		"QUIC":          {udpUp(outEnd, "x"), "a flow to site itself: udp 198.51.100.2:40000 → 203.0.113.34:443"},
	} {
		p := at(t, 0, c.sent)
		require.Equal(t, c.want, strings.Join(s.leaks([]*seen{p, p}, map[netip.Addr]string{resolver.Addr(): "resolver"}), "; "), name)
	}
}

// FuzzFrames gives any bytes as frames: nothing panics, and what went in unchanged came out.
func FuzzFrames(f *testing.F) {
	f.Add(framed(tcpUp(1, packet.SYN, "")), framed(tcpDown(1, packet.ACK, "x")))
	f.Add(framed(udpUp(netip.MustParseAddrPort("203.0.113.80:53"), questionFor("x.com", dns.TypeA))), framed(tcpUp(2, packet.ACK, "\x16\x03\x01\x00\x05\x01\x00\x00\x01\x00")))
	f.Add([]byte{}, bytes.Repeat([]byte{0}, 14))
	f.Fuzz(func(t *testing.T, a, b []byte) {
		var in, out []*seen
		for i, frame := range [][]byte{a, b, a} {
			if s := newSeen(testStart.Add(time.Duration(i)*time.Second), frame, insides); s != nil {
				in, out = append(in, s), append(out, s)
				question(s)
			}
		}
		for _, track := range tracksOf(in, out, nil) {
			track.in, track.out = [2][]*seen{in, in}, [2][]*seen{out, out}
			track.pair(testStart, testStart.Add(time.Hour))
			for _, p := range track.flow(testStart, nil, true).Packets {
				require.NotEqual(t, "sent", p.Did)
				require.NotEmpty(t, p.What)
			}
		}
	})
}

// Without an event the box did nothing, whatever the two captures have; what its kernel drops of the other direction needs no event of its own.
func TestWithoutEvents(t *testing.T) {
	gone := []*seen{at(t, 5, tcpUp(1, packet.ACK, "x"))}
	require.Equal(t, "203.0.113.34:443 up 1 down 0 dropped 0\n> data 1", story(t, gone, nil))
	require.Equal(t, "203.0.113.34:443 up 1 down 0 dropped 0\n> data 1", story(t, nil, gone))
	require.Equal(t, "203.0.113.34:443 up 1 down 0 dropped 1\n> data 1 dropped by a-rule",
		story(t, gone, nil, eventOf(dpi.EventDrop, rules.Down, rules.MechanismDrop, 4*time.Millisecond)))
}
