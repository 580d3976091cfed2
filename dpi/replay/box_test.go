package replay

import (
	"bytes"
	"fmt"
	"net/netip"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"dpilab/dpi"
	"dpilab/dpi/packet"
	"dpilab/rules"
)

// Without prefixes the opener is inside; in midstream reasons are weaker one after another.
func TestSides(t *testing.T) {
	private, public, other := addrPort("192.168.1.2:40000"), addrPort("203.0.113.10:443"), addrPort("198.51.100.9:50000")
	type seen struct{ client, server string }
	for name, c := range map[string]struct {
		inside  []netip.Prefix
		packets [][]byte
		last    seen // flow
		opened  string
	}{
		"SYN":               {nil, [][]byte{tcp(public, private, 1, packet.SYN, "")}, seen{public.String(), private.String()}, "inside"},
		"SYN/ACK":           {nil, [][]byte{tcp(public, private, 1, packet.SYN|packet.ACK, "")}, seen{private.String(), public.String()}, "inside"},
		"first datagram":    {nil, [][]byte{udp(other, private, "x")}, seen{other.String(), private.String()}, "inside"},
		"a server's answer": {nil, [][]byte{udp(public, private, "x")}, seen{private.String(), public.String()}, "inside"},
		"known opener": {nil, [][]byte{tcp(other, public, 1, packet.SYN, ""), tcp(private, netip.AddrPortFrom(other.Addr(), 9), 1, packet.ACK, "x")},
			seen{"198.51.100.9:9", private.String()}, "inside"},
		"private address": {nil, [][]byte{tcp(other, private, 1, packet.ACK, "x")}, seen{private.String(), other.String()}, "inside"},
		"higher port":     {nil, [][]byte{tcp(public, other, 1, packet.ACK, "x")}, seen{other.String(), public.String()}, "inside"},
		"sender":          {nil, [][]byte{tcp(other, netip.AddrPortFrom(public.Addr(), 5222), 1, packet.ACK, "x")}, seen{other.String(), "203.0.113.10:5222"}, "inside"},
		"prefix": {[]netip.Prefix{netip.MustParsePrefix("203.0.113.0/24")}, [][]byte{tcp(private, public, 1, packet.SYN, "")},
			seen{private.String(), public.String()}, "outside"},
	} {
		f := plainPcap()
		for _, p := range c.packets {
			f.add(ethernet(p))
		}
		r, _ := replay(t, f.data, Options{Policy: policyOf(t, hitsNone), Inside: c.inside})
		last := r.Flows[len(r.Flows)-1]
		require.Equal(t, c.last, seen{last.Client, last.Server}, name)
		require.Equal(t, c.opened, last.Opened, name)
	}
	r, _ := replay(t, plainPcap().add(ethernet(tcp(other, public, 1, packet.SYN, ""))).data,
		Options{Policy: policyOf(t, hitsNone), Inside: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}})
	require.EqualValues(t, 1, r.Totals.Beside)
}

// A 5-tuple that is used again is another flow; a SYN that is sent again is not.
func TestUsedAgain(t *testing.T) {
	f := plainPcap()
	for _, seq := range []uint32{1, 1, 77} {
		f.add(ethernet(tcp(client, server, seq, packet.SYN, ""))).add(ethernet(tcp(server, client, 5, packet.SYN|packet.ACK, "")))
	}
	r, _ := replay(t, f.data, Options{Policy: policyOf(t, hitsNone)})
	require.Len(t, r.Flows, 2)
	require.EqualValues(t, 2, r.Flows[0].Down.Packets)
	require.EqualValues(t, 1, r.Flows[1].Down.Packets)
}

// scripted is a box that does what a test says.
type scripted struct {
	t       *testing.T
	handle  func(now time.Duration, p dpi.Packet) []dpi.Verdict
	advance func(now time.Duration) []dpi.Verdict
	times   []time.Duration
}

func (s *scripted) Handle(now time.Duration, p dpi.Packet, out []dpi.Verdict) []dpi.Verdict {
	s.times = append(s.times, now)
	return append(out, s.handle(now, p)...)
}

func (s *scripted) Advance(now time.Duration, out []dpi.Verdict) []dpi.Verdict {
	if n := len(s.times); n > 0 {
		require.GreaterOrEqual(s.t, now, s.times[n-1])
	}
	if s.advance == nil {
		return out
	}
	return append(out, s.advance(now)...)
}

func runScripted(t *testing.T, data []byte, s *scripted, ng bool) (*Report, []frame) {
	t.Helper()
	s.t = t
	from, err := open(bytes.NewReader(data))
	require.NoError(t, err)
	var out bytes.Buffer
	x := newRun(from, &Options{Policy: policyOf(t, hitsNone), Out: &out, PCAPNG: ng, Flows: 100}, [2]repair{})
	x.engine = s
	require.NoError(t, x.all(t.Context()))
	x.drain()
	r := x.finish(nil)
	require.NoError(t, x.out.finish())
	return r, framesOf(t, out.Bytes())
}

// A packet that the box holds comes out when it lets go, with that time, changed or not, after those that came meanwhile.
func TestHeld(t *testing.T) {
	second := ethernet(udp(client, server, "second"))
	data := plainPcap().add(ethernet(udp(client, server, "first"))).add(second).at(10 * time.Second).add(second).data
	for _, ng := range []bool{false, true} {
		s := &scripted{handle: func(_ time.Duration, p dpi.Packet) []dpi.Verdict {
			if p.ID == 1 {
				return nil
			}
			return []dpi.Verdict{{ID: p.ID}}
		}}
		held := true
		s.advance = func(now time.Duration) []dpi.Verdict {
			if now < 5*time.Second || !held {
				return nil
			}
			held = false
			return []dpi.Verdict{{ID: 1}}
		}
		r, out := runScripted(t, data, s, ng)
		require.EqualValues(t, 1, r.Totals.Late)
		require.EqualValues(t, 3, r.Totals.Accepted)
		require.Len(t, out, 3)
		require.Equal(t, string(second), out[0].data)
		require.Contains(t, out[1].data, "first")
		after := time.Duration(out[1].at - out[0].at)
		require.GreaterOrEqual(t, after, 5*time.Second-time.Millisecond)
		require.Less(t, after, 5*time.Second+2*heldStep)
		require.Equal(t, 10*time.Second-time.Millisecond, time.Duration(out[2].at-out[0].at))
	}
	// One that is never let go is said to be so.
	never := &scripted{handle: func(time.Duration, dpi.Packet) []dpi.Verdict { return nil }}
	r, out := runScripted(t, data, never, false)
	require.Empty(t, out)
	require.EqualValues(t, 3, r.Totals.Held)
	require.Contains(t, fmt.Sprint(r.Notes), "3 packets are still held")
}

// Packets of the box's own go under the link header of their direction: as the flow's packets have it, or the other way round.
func TestSent(t *testing.T) {
	back := append(append(append([]byte(nil), frameHead[6:12]...), frameHead[:6]...), 8, 0)
	behind := append([]byte{9, 9, 9, 9, 9, 9}, back[6:]...)
	forged := tcp(server, client, 1, packet.RST, "")
	data := plainPcap().add(ethernet(tcp(client, server, 1, packet.SYN, ""))).add(append(append([]byte(nil), behind...), tcp(server, client, 1, packet.SYN|packet.ACK, "")...)).data
	s := &scripted{handle: func(_ time.Duration, p dpi.Packet) []dpi.Verdict {
		return []dpi.Verdict{{ID: p.ID, Action: dpi.Drop}, {Action: dpi.Send, Dir: rules.Down, Data: forged}}
	}}
	r, out := runScripted(t, data, s, false)
	require.EqualValues(t, 2, r.Totals.Sent)
	require.EqualValues(t, 2, r.Flows[0].Down.PacketsOut)
	require.Len(t, out, 2)
	require.Equal(t, string(back)+string(forged), out[0].data)
	require.Equal(t, string(behind)+string(forged), out[1].data)
}

// Time does not go back for the box, nor out of what it can count; what comes out has the file's times.
func TestClock(t *testing.T) {
	p := ethernet(udp(client, server, "x"))
	data := plainPcap().add(p).at(-5 * time.Second).add(p).at(time.Second).add(p).data
	s := &scripted{handle: func(_ time.Duration, p dpi.Packet) []dpi.Verdict { return []dpi.Verdict{{ID: p.ID}} }}
	r, out := runScripted(t, data, s, false)
	require.Equal(t, []time.Duration{0, 0, time.Second}, s.times)
	require.EqualValues(t, 1, r.Totals.Earlier)
	require.Equal(t, 6*time.Second, time.Duration(out[2].at-out[1].at))
}

// The box gets a cut packet in its true length and with a right checksum; what comes out is as cut as before.
func TestCut(t *testing.T) {
	for _, p := range [][]byte{udp(client, server, "hello, hello"), tcp(client6, server6, 1, packet.ACK, "hello, hello")} {
		head := ethernet(p)
		if p[0]>>4 == 6 {
			head[12], head[13] = 0x86, 0xdd
		}
		data := plainPcap().cut(head, len(head)-9).data
		var d packet.Packet
		s := &scripted{handle: func(_ time.Duration, got dpi.Packet) []dpi.Verdict {
			require.NoError(t, d.Decode(got.Data))
			require.Len(t, got.Data, len(p))
			require.True(t, d.ChecksumOK())
			require.Equal(t, "hel\x00", string(d.Payload[:4]))
			return []dpi.Verdict{{ID: got.ID}}
		}}
		r, out := runScripted(t, data, s, false)
		require.EqualValues(t, 1, r.Totals.Cut)
		require.Equal(t, framesOf(t, data), out)
	}
}

// Checksums that a card was to finish are right for the box, and as they were in what comes out; those that a tool made wrong stay wrong.
func TestChecksums(t *testing.T) {
	unfinished := func(p []byte) []byte {
		var d packet.Packet
		require.NoError(t, d.Decode(p))
		for c := 0; c < 1<<16; c++ {
			p[36], p[37] = byte(c>>8), byte(c)
			if d.Unfinished() && !d.ChecksumOK() {
				return ethernet(p)
			}
		}
		require.FailNow(t, "no such checksum")
		return nil
	}
	fake := tcp(client, server, 9, packet.ACK, "fake")
	fake[36] ^= 0x55
	f := plainPcap()
	for i := range 5 {
		f.add(unfinished(tcp(client, server, uint32(i), packet.ACK, "data"))).add(ethernet(tcp(server, client, uint32(i), packet.ACK, "data")))
	}
	data := f.add(ethernet(fake)).data
	right := func(c Checksums) (n int, r *Report) {
		var p packet.Packet
		policy := policyOf(t, hitsNone)
		from, err := open(bytes.NewReader(data))
		require.NoError(t, err)
		o := &Options{Policy: policy, Checksums: c, Flows: 100}
		repairs := [2]repair{}
		switch c {
		case ChecksumsAuto:
			repairs = probe(data, o)
			require.Equal(t, [2]repair{repairUnfinished, repairNone}, repairs)
		case ChecksumsFixed:
			repairs = [2]repair{repairAll, repairAll}
		}
		x := newRun(from, o, repairs)
		x.engine = &scripted{t: t, handle: func(_ time.Duration, got dpi.Packet) []dpi.Verdict {
			require.NoError(t, p.Decode(got.Data))
			if p.ChecksumOK() {
				n++
			}
			return []dpi.Verdict{{ID: got.ID}}
		}}
		require.NoError(t, x.all(t.Context()))
		return n, x.finish(nil)
	}
	n, r := right(ChecksumsAuto)
	require.Equal(t, 10, n)
	require.Contains(t, fmt.Sprint(r.Notes), "packets up have unfinished checksums")
	n, _ = right(ChecksumsAsIs)
	require.Equal(t, 5, n)
	n, _ = right(ChecksumsFixed)
	require.Equal(t, 11, n)
	r, out := replay(t, data, Options{Policy: policyOf(t, hitsNone)})
	require.Equal(t, data, out)
	require.EqualValues(t, 5, r.Totals.Mended)
}

// More flows than are remembered are counted, and all packets still pass.
func TestManyFlows(t *testing.T) {
	f := plainPcap()
	for i := range 300 {
		f.add(ethernet(tcp(netip.AddrPortFrom(client.Addr(), uint16(1000+i%150)), server, uint32(i), packet.SYN, "")))
	}
	r, out := replay(t, f.data, Options{Policy: policyOf(t, hitsNone), Flows: 40})
	require.Equal(t, f.data, out)
	require.Equal(t, 300, r.Totals.Flows)
	require.Equal(t, 260, r.Totals.Forgotten)
	require.Len(t, r.Flows, 40)
	require.Equal(t, map[string]int{"": 300}, r.Untouched)
}
