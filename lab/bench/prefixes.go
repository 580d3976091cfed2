package bench

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"os"
	"path/filepath"
	"strings"

	"dpilab/rules"
)

// prefixAt gives the prefix with this number, seven of eight of IPv4 as in routing tables. No two are alike, none is in another.
func prefixAt(i int) netip.Prefix {
	if i%8 == 7 {
		a := [16]byte{0x20, 0x01, 0x0d, 0xb8, byte(i >> 24), byte(i >> 16), byte(i >> 8), byte(i)}
		return netip.PrefixFrom(netip.AddrFrom16(a), 64)
	}
	n := uint32(i) * 0x9e3779b1 &^ 0xff >> 1 // below 128.0.0.0; the multiplication keeps them apart by their upper bits
	return netip.PrefixFrom(netip.AddrFrom4([4]byte{byte(n >> 24), byte(n >> 16), byte(n >> 8), byte(n) &^ 0x7f}), 25)
}

// prefixPolicy drops what goes to any prefix of a list.
const prefixPolicy = `policy: prefixes
date: 2026-01-01
about: addresses in prefixes of a list are blocked

lists:
  prefixes: prefixes.prefixes

rules:
  - rule: prefixes
    when: {to: prefixes}
    do: {drop: both}
    source: {ref: choice}
`

// writePrefixes writes a policy over the first count prefixes, and gives its file.
func writePrefixes(folder string, count int) (string, error) {
	var b strings.Builder
	for i := range count {
		b.WriteString(prefixAt(i).String() + "\n")
	}
	file := filepath.Join(folder, "prefixes.yaml")
	if err := os.WriteFile(filepath.Join(folder, "prefixes.prefixes"), []byte(b.String()), 0o644); err != nil {
		return "", err
	}
	return file, os.WriteFile(file, []byte(prefixPolicy), 0o644)
}

// timePrefixes asks for addresses in the first Count prefixes, and in none, at random: nanoseconds each, cold and hot, a value for
// each of Workers rounds.
func timePrefixes(j job) (answer, error) {
	c, err := compile(j.Policy)
	if err != nil {
		return answer{}, err
	}
	asked := askedAddrs(c, j.Count)
	x := answer{Series: map[string][]float64{}}
	for kind, addrs := range asked {
		for _, a := range addrs {
			if (c.Addr(a) == c.Addr(netip.MustParseAddr("255.0.0.1"))) == (kind[:3] == "hit") {
				return x, fmt.Errorf("%s: %s", kind, a)
			}
		}
	}
	for range j.Workers {
		for kind, addrs := range asked {
			coldAndHot(&x, kind, j.For, addrs, func(a netip.Addr) { c.Addr(a) })
		}
	}
	return x, nil
}

// askedAddrs are addresses in prefixes of the list, and beside them.
func askedAddrs(c *rules.Compiled, count int) map[string][]netip.Addr {
	r := rand.New(rand.NewPCG(3, 4))
	all := map[string][]netip.Addr{}
	for range min(coldQueries, 4*count) {
		p := prefixAt(r.IntN(count))
		kind, a := "4", p.Addr().AsSlice()
		if p.Addr().Is6() {
			kind = "6"
		}
		a[len(a)-1] |= byte(r.IntN(0x80))
		in, _ := netip.AddrFromSlice(a)
		a[0] |= 0x80 // no prefix has this bit
		out, _ := netip.AddrFromSlice(a)
		all["hit"+kind] = append(all["hit"+kind], in)
		all["miss"+kind] = append(all["miss"+kind], out)
	}
	return all
}
