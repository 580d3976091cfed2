package dpi

import (
	"math/rand/v2"
	"testing"

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
		{"two records, two segments", [][]byte{records[:35], records[35:]}, [4]bool{false, false, false, true}},
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

// pieces against its slow twin: a byte array with a mark for each byte that was filled first.
func TestPiecesAgainstTwin(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	limit := &rules.Reassembly{TCP: true, Bytes: 256, Segments: 40}
	for range 3000 {
		var s pieces
		var data [256]byte
		var filled [256]bool
		for range 20 {
			offset, n := r.IntN(200), 1+r.IntN(56)
			b := make([]byte, n)
			for i := range b {
				b[i] = byte(r.Uint32())
			}
			if !s.add(offset, b, limit) {
				break // too many gaps: given up
			}
			for i, x := range b {
				if !filled[offset+i] {
					data[offset+i], filled[offset+i] = x, true
				}
			}
			n = 0
			for n < len(filled) && filled[n] {
				n++
			}
			require.Equal(t, data[:n], append([]byte{}, s.ready()...))
		}
	}
}

func FuzzPieces(f *testing.F) {
	f.Add([]byte{0, 3, 5, 9, 2, 4})
	f.Fuzz(func(t *testing.T, moves []byte) {
		var s pieces
		limit := &rules.Reassembly{TCP: true, Bytes: 300, Segments: 64}
		for i := 0; i+1 < len(moves); i += 2 {
			if !s.add(int(moves[i]), make([]byte, moves[i+1]), limit) {
				return
			}
			require.LessOrEqual(t, len(s.ready()), 300)
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
