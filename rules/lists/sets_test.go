package lists

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// matches is the slow twin: whether an entry of a list describes a name.
func matches(entry, name string) bool {
	switch f, text := own(entry); f {
	case formTree:
		return name == text || strings.HasSuffix(name, "."+text)
	case formUnder:
		return strings.HasSuffix(name, "."+text)
	case formExact:
		return name == text
	case formEnds:
		return strings.HasSuffix(name, text)
	case formStarts:
		return strings.HasPrefix(name, text)
	case formContains:
		return strings.Contains(name, text)
	}
	return false
}

// entriesOf are the entries of a set, in order.
func entriesOf(d *domains) (all []string) {
	for e := range d.each {
		all = append(all, string(e))
	}
	return all
}

func matched(entries []string, name string) bool {
	return slices.ContainsFunc(entries, func(e string) bool { return matches(e, name) })
}

// Whatever goes in, the same names are described, nothing that is kept could be left out, and everything is counted.
func TestDomainsTwin(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	labels := []string{"a", "b", "a-b", "ab", "0", "_"}
	name := func() string {
		n := 1 + rng.IntN(4)
		parts := make([]string, n)
		for i := range parts {
			parts[i] = labels[rng.IntN(len(labels))]
		}
		return strings.Join(parts, ".")
	}
	for range 500 {
		var d domains
		var entries []string
		for range 1 + rng.IntN(30) {
			f, text := form(1+rng.IntN(3)), name()
			d.add(f, text)
			entries = append(entries, f.written(text))
		}
		c := d.compact()
		for range rng.IntN(20) { // sets grow on after duplicates were taken out
			f, text := form(1+rng.IntN(3)), name()
			d.add(f, text)
			entries = append(entries, f.written(text))
		}
		if rng.IntN(2) == 0 {
			d.pack()
		}
		later := d.compact()
		c.add(later)
		kept := entriesOf(&d)
		require.Equal(t, len(entries), len(kept)+c.Duplicates+c.Covered+c.Merged)
		for range 100 {
			n := name()
			require.Equal(t, matched(entries, n), matched(kept, n), "%s in %v and %v", n, entries, kept)
		}
		for i, e := range kept {
			f, text := own(e)
			others := slices.Delete(slices.Clone(kept), i, i+1)
			whole := matched(others, text) && matched(others, "zz."+text)
			alone := matched(others, text)
			under := matched(others, "zz."+text)
			switch f {
			case formTree:
				require.False(t, whole, "%s of %v", e, kept)
			case formExact:
				require.False(t, alone, "%s of %v", e, kept)
			case formUnder:
				require.False(t, under, "%s of %v", e, kept)
			}
		}
		require.Zero(t, d.compact())
		require.Equal(t, kept, entriesOf(&d))
	}
}

// The same addresses are in a small world, and no two prefixes could be one.
func TestPrefixesTwin(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	for range 500 {
		var p prefixes
		var all []netip.Prefix
		for range 1 + rng.IntN(30) {
			base := "192.0.2.0"
			bits := 24
			if rng.IntN(2) == 0 {
				base, bits = "2001:db8::", 120
			}
			a := netip.MustParseAddr(base).AsSlice()
			a[len(a)-1] = byte(rng.IntN(256))
			addr, _ := netip.AddrFromSlice(a)
			x := netip.PrefixFrom(addr, bits+rng.IntN(9)).Masked()
			p.add(x)
			all = append(all, x)
		}
		c := p.compact()
		require.Equal(t, len(all), len(p.all)+c.Duplicates+c.Covered+c.Merged)
		in := func(set []netip.Prefix, a netip.Addr) bool {
			return slices.ContainsFunc(set, func(x netip.Prefix) bool { return x.Contains(a) })
		}
		for _, base := range []string{"192.0.2.0", "2001:db8::"} {
			a := netip.MustParseAddr(base)
			for range 256 {
				require.Equal(t, in(all, a), in(p.all, a), "%s in %v and %v", a, all, p.all)
				a = a.Next()
			}
		}
		for i, x := range p.all {
			for _, y := range p.all[i+1:] {
				require.False(t, x.Overlaps(y))
				_, one := joined(x, y)
				require.False(t, one, "%s and %s", x, y)
			}
		}
	}
}

func TestRanged(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 6))
	ends := [][2]string{{"0.0.0.0", "255.255.255.255"}, {"::", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"}, {"::ffff:192.0.2.1", "192.0.2.1"},
		{"2001:db8::ffff:ffff", "2001:db8::1:0:0"}}
	for range 200 {
		a, b := rng.IntN(1<<16), rng.IntN(1<<16)
		if a > b {
			a, b = b, a
		}
		ends = append(ends, [2]string{fmt.Sprintf("198.18.%d.%d", a>>8, a&255), fmt.Sprintf("198.18.%d.%d", b>>8, b&255)})
	}
	for _, e := range ends {
		from, to := netip.MustParseAddr(e[0]), netip.MustParseAddr(e[1])
		next, n := from.Unmap(), 0
		require.NoError(t, ranged(from, to, func(p netip.Prefix) {
			require.Equal(t, next, p.Addr())
			require.Equal(t, p, p.Masked())
			next = lastOf(p).Next()
			n++
		}), e)
		require.Equal(t, to.Unmap().Next(), next, e)
		require.LessOrEqual(t, n, 2*from.BitLen())
	}
}
