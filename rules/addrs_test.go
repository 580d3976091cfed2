package rules

import (
	"encoding/binary"
	"math/rand/v2"
	"net/netip"
	"slices"
	"strconv"
	"testing"

	"github.com/gaissmai/bart"
	"github.com/stretchr/testify/require"
)

// edgeNumbers are those at which arithmetic goes wrong.
var edgeNumbers = []uint64{0, 1, 1 << 31, 1<<32 - 1, 1 << 63, 1<<64 - 1, 0x20010db800000000, 0x20010db8ffffffff}

// diceAddr gives addresses near each other and near the ends.
func diceAddr(r *rand.Rand) netip.Addr {
	high, low := edgeNumbers[r.IntN(len(edgeNumbers))], edgeNumbers[r.IntN(len(edgeNumbers))]
	if r.IntN(2) == 0 {
		low += uint64(r.IntN(8)) - 4
	}
	if r.IntN(4) == 0 {
		high ^= 1 << r.IntN(64)
	}
	var b [16]byte
	binary.BigEndian.PutUint64(b[:], high)
	binary.BigEndian.PutUint64(b[8:], low)
	if r.IntN(2) == 0 {
		return netip.AddrFrom4([4]byte(b[12:]))
	}
	return netip.AddrFrom16(b).Unmap()
}

// The intervals say of every address which of some prefixes it lies in, as netip says it.
func TestAddrsAgreeWithPrefixes(t *testing.T) {
	for seed := range uint64(400) {
		r := rand.New(rand.NewPCG(seed, 4))
		b := addrsBuilder{classes: newClasses()}
		var all []netip.Prefix
		for i := range 1 + r.IntN(60) {
			a := diceAddr(r)
			p, err := a.Prefix(r.IntN(a.BitLen() + 1))
			require.NoError(t, err)
			if i > 0 && r.IntN(3) == 0 { // within, around or the same as another
				p, err = all[r.IntN(i)].Addr().Prefix(r.IntN(all[0].Addr().BitLen()+1) % 33)
				require.NoError(t, err)
			}
			all = append(all, p)
			b.add(p, b.classes.single(uint32(i)))
		}
		x := b.build()
		for range 200 {
			a := diceAddr(r)
			if r.IntN(2) == 0 {
				a = all[r.IntN(len(all))].Addr()
			}
			for _, a := range []netip.Addr{a, a.Prev(), a.Next()} {
				var want []uint32
				for i, p := range all {
					if p.Contains(a) {
						want = append(want, uint32(i))
					}
				}
				require.Equal(t, want, x.classes.members[x.class(a).set()], "seed %d: %s in %v", seed, a, all)
			}
		}
	}
}

// The same in great numbers, against another implementation.
func TestAddrsAgreeWithBart(t *testing.T) {
	all := manyPrefixes(60_000)
	b, table := addrsBuilder{classes: newClasses()}, bart.Table[uint32]{}
	for i, p := range all {
		b.add(p, b.classes.single(uint32(i%4)))
		own, _ := table.Get(p)
		table.Insert(p, own|1<<(i%4))
	}
	x := b.build()
	for _, a := range askedAddrs(all, 20_000) {
		var want []uint32
		seen := uint32(0)
		for _, v := range table.Supernets(netip.PrefixFrom(a, a.BitLen())) {
			seen |= v
		}
		for class := range uint32(4) {
			if seen&(1<<class) != 0 {
				want = append(want, class)
			}
		}
		require.Equal(t, want, x.classes.members[x.class(a).set()], "%s", a)
	}
}

func TestAddrsOfNothing(t *testing.T) {
	b := addrsBuilder{classes: newClasses()}
	x := b.build()
	require.Zero(t, x.class(netip.Addr{}))
	require.Zero(t, x.class(netip.MustParseAddr("255.255.255.255")))
	b.add(netip.MustParsePrefix("::/0"), b.classes.single(0))
	b.add(netip.MustParsePrefix("192.0.2.0/24"), b.classes.single(1))
	x = b.build()
	require.Zero(t, x.class(netip.Addr{}), "no address is not ::")
	require.NotZero(t, x.class(netip.MustParseAddr("::")))
	require.Equal(t, x.class(netip.MustParseAddr("192.0.2.1")), x.class(netip.MustParseAddr("::ffff:192.0.2.1%eth0")))
}

// Neighbours of one class are one interval.
func TestNeighboursAreJoined(t *testing.T) {
	b := addrsBuilder{classes: newClasses()}
	for i := range 256 {
		b.add(netip.PrefixFrom(netip.AddrFrom4([4]byte{198, 18, byte(i), 0}), 24), b.classes.single(0))
	}
	require.Len(t, b.build().four.all, 3)
}

// manyPrefixes gives prefixes of the lengths that lists have, three IPv4 to two IPv6.
func manyPrefixes(n int) (all []netip.Prefix) {
	r := rand.New(rand.NewPCG(1, 7))
	for i := range n {
		var b [16]byte
		binary.BigEndian.PutUint64(b[:], r.Uint64())
		binary.BigEndian.PutUint64(b[8:], r.Uint64())
		b[0] %= 224
		a, lengths := netip.AddrFrom4([4]byte(b[:])), []int{24, 24, 24, 22, 23, 21, 20, 19, 16, 32, 32, 32, 28}
		if i%5 >= 3 {
			b[0], b[1] = 0x2a, b[1]%16
			a, lengths = netip.AddrFrom16(b), []int{48, 48, 48, 32, 29, 40, 44, 56, 64, 128}
		}
		p, _ := a.Prefix(lengths[r.IntN(len(lengths))])
		all = append(all, p)
	}
	return all
}

// askedAddrs gives addresses at random within prefixes at random.
func askedAddrs(all []netip.Prefix, n int) (asked []netip.Addr) {
	r := rand.New(rand.NewPCG(2, 7))
	for range n {
		p := all[r.IntN(len(all))]
		b := p.Addr().AsSlice()
		for bit := p.Bits(); bit < 8*len(b); bit++ {
			b[bit/8] |= byte(r.IntN(2)) << (7 - bit%8)
		}
		a, _ := netip.AddrFromSlice(b)
		asked = append(asked, a)
	}
	return asked
}

func compilePrefixes(t testing.TB, all []netip.Prefix) *Compiled {
	p := &Policy{Profile: DefaultProfile(), lists: map[string]*List{"many": {Name: "many", Prefixes: all}}, Rules: []Rule{{When: Condition{To: []string{"many"}}}}}
	c, err := p.Compile()
	require.NoError(t, err)
	return c
}

// BenchmarkPrefix: hot asks for the same few addresses over and over, cold for others each time, out of all prefixes.
func BenchmarkPrefix(b *testing.B) {
	for _, n := range []int{10, 100_000, 1_000_000} {
		b.Run(strconv.Itoa(n), func(b *testing.B) {
			all := manyPrefixes(n)
			c := compilePrefixes(b, all)
			for _, asked := range []struct {
				name  string
				addrs int
			}{{"hot", 256}, {"cold", 1 << 17}} {
				as := askedAddrs(all, asked.addrs)
				b.Run(asked.name, func(b *testing.B) {
					b.ReportAllocs()
					for i := 0; b.Loop(); i++ {
						sink = c.Addr(as[i&(asked.addrs-1)])
					}
				})
			}
		})
	}
}

// BenchmarkLoadPrefixes is the way from a text, in order or not, to a policy that is ready.
func BenchmarkLoadPrefixes(b *testing.B) {
	for _, order := range []string{"sorted", "random"} {
		b.Run("1000000/"+order, func(b *testing.B) {
			all := manyPrefixes(1_000_000)
			if order == "sorted" {
				slices.SortFunc(all, netip.Prefix.Compare)
			}
			var text []byte
			for _, p := range all {
				text = append(p.AppendTo(text), '\n')
			}
			b.ReportAllocs()
			b.SetBytes(int64(len(text)))
			for b.Loop() {
				l, err := parseList("many", "many.prefixes", text)
				require.NoError(b, err)
				compilePrefixes(b, l.Prefixes)
			}
		})
	}
}
