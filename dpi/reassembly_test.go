package dpi

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"dpilab/dpi/inspect"
	"dpilab/rules"
)

// B14, B15, B43: which cuts of a hello which profile sees through.
func TestCutsAgainstProfiles(t *testing.T) {
	const name = "blocked.example"
	whole, records := hello(name), hello(name, 30)
	long := append(hello(name)[:0:0], paddedHello(name, 5919)...)
	profiles := []struct{ name, profile string }{
		{"none", "none"},
		{"tcp", "{tcp: true}"},
		{"tcp and records", "{tcp: true, records: true}"},
		{"both", "{tcp: true, records: true, both: true}"},
	}
	cuts := []struct {
		name     string
		segments [][]byte
		blocked  [4]bool // by the profiles above
	}{
		{"uncut", [][]byte{whole}, [4]bool{true, true, true, true}},
		{"two segments, inside the name", [][]byte{whole[:70], whole[70:]}, [4]bool{false, true, true, true}},
		{"byte by byte at first", [][]byte{whole[:1], whole[1:2], whole[2:]}, [4]bool{false, true, true, true}},
		{"two records in one segment", [][]byte{records}, [4]bool{false, false, true, true}},
		{"two records, a segment each", [][]byte{records[:35], records[35:]}, [4]bool{false, false, true, true}},
		{"two records, one of them cut", [][]byte{records[:50], records[50:]}, [4]bool{false, false, false, true}},
		{"five segments", [][]byte{whole[:10], whole[10:20], whole[20:30], whole[30:40], whole[40:]}, [4]bool{}},
		{"5,919 bytes in five packets", split(long, 1388), [4]bool{}},
	}
	for i, p := range profiles {
		for _, c := range cuts {
			w := newWire(t, "profile: {reassembly: "+p.profile+"}\n---\n"+b43).connect()
			last := Accept
			for _, s := range c.segments {
				last = w.up(s)
			}
			require.Equal(t, c.blocked[i], last == Drop, "%s against %s", c.name, p.name)
		}
	}
}

func TestSegmentsOutOfOrder(t *testing.T) {
	h := hello("blocked.example")
	w := newWire(t, "profile: {reassembly: {tcp: true}}\n---\n"+b43).connect()
	at := w.seq[0]
	require.Equal(t, Accept, w.tcp(rules.Up, ack, at+60, h[60:]).Action)
	require.Equal(t, Accept, w.tcp(rules.Up, ack, at+20, h[20:60]).Action)
	require.Equal(t, Drop, w.tcp(rules.Up, ack, at, h[:20]).Action)
}

// A fake hello at the real one's place in the stream hides it from a box that reassembles (O060, 2024-25: works on many
// lines), and not from one that takes each packet by itself (IMC21).
func TestFakeAtTheSameSequenceNumber(t *testing.T) {
	for profile, want := range map[string]Action{"{tcp: true}": Accept, "none": Drop} {
		w := newWire(t, "profile: {reassembly: "+profile+"}\n---\n"+b43).connect()
		at := w.seq[0]
		w.tcp(rules.Up, ack, at, hello("allowed.example"))
		require.Equal(t, want, w.tcp(rules.Up, ack, at, hello("blocked.example")).Action, profile)
	}
}

// A box that believes the last copy is not hidden from by a fake that came before, but by one that comes after (choice: the other side of
// the switch).
func TestLastCopyIsBelieved(t *testing.T) {
	last := func(p *rules.Profile) { p.Reassembly.TCP, p.Reassembly.Last = true, true }
	rule := blocks(rules.Condition{SNI: []string{"blocked.example"}})
	h, fake := hello("blocked.example"), hello("allowed.example")
	for profile, want := range map[string]Action{"first": Accept, "last": Drop} {
		change := joinsTCP
		if profile == "last" {
			change = last
		}
		w := reads(t, change, rule).connect()
		at := w.seq[0]
		require.Equal(t, Accept, w.tcp(rules.Up, ack, at, fake).Action)
		require.Equal(t, want, w.tcp(rules.Up, ack, at, h).Action, "the whole hello, %s", profile)
		// The fake's part with the name waits behind a hole, the real one follows.
		w = reads(t, change, rule).connect()
		at = w.seq[0]
		require.Equal(t, Accept, w.tcp(rules.Up, ack, at+40, fake[40:]).Action)
		require.Equal(t, Accept, w.tcp(rules.Up, ack, at+40, h[40:]).Action)
		require.Equal(t, want, w.tcp(rules.Up, ack, at, h[:40]).Action, "a part, %s", profile)
	}
}

// Where only what comes in order is joined, a segment behind a hole ends the reading (disorder: ZAP-doc, C).
func TestOnlyInOrder(t *testing.T) {
	strict := func(p *rules.Profile) { p.Reassembly.TCP, p.Reassembly.Ordered = true, true }
	w, h := reads(t, strict, blocks(rules.Condition{SNI: []string{"blocked.example"}})).connect(), hello("blocked.example")
	require.Equal(t, Accept, w.up(h[:40]))
	require.Equal(t, Drop, w.up(h[40:]))
	for _, from := range []int{40, 20} {
		w.connect()
		at := w.seq[0]
		if from == 20 {
			require.Equal(t, Accept, w.tcp(rules.Up, ack, at, h[:10]).Action)
		}
		require.Equal(t, Accept, w.tcp(rules.Up, ack, at+uint32(from), h[from:]).Action)
		require.Equal(t, Accept, w.tcp(rules.Up, ack, at, h).Action)
	}
}

// B14 (choice of five seconds there): what is kept of a hello is kept for a time.
func TestReassemblyTimeout(t *testing.T) {
	timed := func(p *rules.Profile) { p.Reassembly.TCP, p.Reassembly.Timeout = true, 5*time.Second }
	for wait, want := range map[time.Duration]Action{4 * time.Second: Drop, 5 * time.Second: Accept} {
		w, h := reads(t, timed, blocks(rules.Condition{SNI: []string{"blocked.example"}})).connect(), hello("blocked.example")
		require.Equal(t, Accept, w.up(h[:20]))
		require.Equal(t, Accept, w.wait(wait/2).up(h[20:40]))
		require.Equal(t, want, w.wait(wait/2).up(h[40:]), "from the first segment on")
		require.Equal(t, Drop, w.up(h), "a later hello is read")
	}
	unreadable := reads(t, timed, blocks(rules.Condition{Hello: []rules.HelloKind{rules.HelloUnreadable}})).connect()
	require.Equal(t, Accept, unreadable.up(hello("blocked.example")[:20]))
	require.Equal(t, Drop, unreadable.wait(6*time.Second).up(hello("blocked.example")[20:]))
}

// twinPieces is the slow, obvious pieces: a byte array with a mark for each byte that is there.
type twinPieces struct {
	data   [256]byte
	filled [256]bool
}

func (s *twinPieces) add(offset int, b []byte, last bool) {
	for i, x := range b {
		if last || !s.filled[offset+i] {
			s.data[offset+i], s.filled[offset+i] = x, true
		}
	}
}

func (s *twinPieces) ready() []byte {
	n := 0
	for n < len(s.filled) && s.filled[n] {
		n++
	}
	return s.data[:n]
}

func TestPiecesAgainstTwin(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for _, last := range []bool{false, true} {
		limit := &rules.Reassembly{TCP: true, Bytes: 256, Segments: 40, Last: last}
		for range 3000 {
			var s pieces
			var twin twinPieces
			for range 20 {
				b := make([]byte, 1+r.IntN(56))
				for i := range b {
					b[i] = byte(r.Uint32())
				}
				offset := r.IntN(200)
				if !s.add(offset, b, limit) {
					break // too many gaps: given up
				}
				twin.add(offset, b, last)
				require.Equal(t, twin.ready(), append([]byte{}, s.ready()...))
			}
		}
	}
}

func FuzzPieces(f *testing.F) {
	f.Add([]byte{0, 3, 5, 9, 2, 4}, false)
	f.Add([]byte{9, 30, 0, 3, 5, 9, 2, 4, 0, 12}, true)
	f.Fuzz(func(t *testing.T, moves []byte, last bool) {
		var s pieces
		var twin twinPieces
		limit := &rules.Reassembly{TCP: true, Bytes: 256, Segments: 64, Last: last}
		for i := 0; i+1 < len(moves); i += 2 {
			b := make([]byte, moves[i+1])
			for k := range b {
				b[k] = byte(i + k)
			}
			if !s.add(int(moves[i]), b, limit) {
				return
			}
			twin.add(int(moves[i]), b, last)
			require.Equal(t, twin.ready(), append([]byte{}, s.ready()...))
		}
	})
}

func split(b []byte, n int) (out [][]byte) {
	for len(b) > n {
		out, b = append(out, b[:n]), b[n:]
	}
	return append(out, b)
}

// paddedHello is a hello with a padding extension (RFC 7685) that makes the record n bytes long.
func paddedHello(name string, n int) []byte {
	h := hello(name)
	pad := n - len(h)
	h = append(h, 0, 21, byte((pad-4)>>8), byte(pad-4))
	h = append(h, make([]byte, pad-4)...)
	grow := func(at int) {
		v := int(h[at])<<8 | int(h[at+1])
		h[at], h[at+1] = byte((v+pad)>>8), byte(v+pad)
	}
	grow(3)                          // record
	grow(7)                          // handshake, low 16 bits of 24
	grow(5 + 4 + 2 + 32 + 1 + 4 + 2) // extensions
	var tls inspect.TLS
	if tls.ClientHello(h) != inspect.Yes {
		panic("padded hello is none")
	}
	return h
}
