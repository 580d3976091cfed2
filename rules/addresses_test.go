package rules

import (
	"net/netip"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// Stand-ins are documentation and benchmark addresses only, and no address stands for two organisations.
func TestShippedAddresses(t *testing.T) {
	data, err := policies.ReadFile("policies/lists/addresses.table")
	require.NoError(t, err)
	a, err := ParseAddresses("addresses.table", data)
	require.NoError(t, err)
	require.Equal(t, a.Names(), ShippedAddresses().Names())
	require.Equal(t, []netip.Prefix{netip.MustParsePrefix("203.0.113.0/27"), netip.MustParsePrefix("2001:db8:fb::/48")}, a.Prefixes("meta"))
	require.Nil(t, a.Prefixes("nobody"))
	var lab []netip.Prefix
	for _, s := range []string{"192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24", "198.18.0.0/15", "2001:db8::/32"} {
		lab = append(lab, netip.MustParsePrefix(s))
	}
	owner := map[netip.Prefix]string{}
	for _, name := range a.Names() {
		for _, p := range a.Prefixes(name) {
			inLab := false
			for _, l := range lab {
				inLab = inLab || l.Contains(p.Addr()) && l.Bits() <= p.Bits()
			}
			require.True(t, inLab, "%s has %s", name, p)
			for other, who := range owner {
				require.False(t, p.Overlaps(other), "%s of %s and %s of %s", p, name, other, who)
			}
			owner[p] = name
		}
	}
}

func TestAddressErrors(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{"a 192.0.2.0/24\nb", `x.table:2: found "b" without a prefix, expected at least one behind it`},
		{"a 192.0.2.0/24\na 192.0.3.0/24", `x.table:2: found "a" a second time, expected all its prefixes in one line`},
		{"192.0.2.0/24", `x.table:1: found "192.0.2.0/24", expected a name of small letters, digits and hyphens`},
		{"A 192.0.2.0/24", `x.table:1: found "A", expected a name of small letters, digits and hyphens`},
		{"a 192.0.2.1/24", `x.table:1: found "192.0.2.1/24", which has bits behind the prefix, expected 192.0.2.0/24`},
		{"a x.example", `x.table:1: found "x.example", expected a prefix or an address`},
		{"# nothing\n", "x.table:1: found no entry, expected at least one"},
	} {
		_, err := ParseAddresses("x.table", []byte(c.text))
		require.EqualError(t, err, c.want)
	}
}

// A list may have several organisations, and a user's table changes what the shipped policies mean.
func TestAddressLists(t *testing.T) {
	const lists = `
lists: {hosters: {addresses: [hetzner, ovh]}, meta: {addresses: meta}}
rules:
  - {rule: hosters, when: {to: hosters}, do: {drop: both}, source: {ref: choice}}
  - {rule: meta, when: {to: meta}, do: {drop: both}, source: {ref: choice}}
`
	match := func(address string) int {
		c := compile(t, lists)
		return c.Match(&Facts{Known: AllFacts, To: c.Addr(netip.MustParseAddr(address))})
	}
	require.Equal(t, 0, match("198.18.32.9"))
	require.Equal(t, 0, match("198.18.34.9"))
	require.Equal(t, 1, match("2001:db8:fb::1"))
	require.Equal(t, -1, match("198.18.33.9"))

	file := filepath.Join(t.TempDir(), "mine.table")
	require.NoError(t, os.WriteFile(file, []byte("\ufeffovh 198.51.100.0/25 2001:db8:1::/48 # mine\r\n\r\nmy-own 192.0.2.0/24\r\n"), 0o644))
	t.Cleanup(func() { ownAddresses.Store(nil) })
	require.NoError(t, UseAddresses(file))
	require.Equal(t, 0, match("198.51.100.3"))
	require.Equal(t, 0, match("198.18.32.9"), "other lines stay")
	require.Equal(t, -1, match("198.18.34.9"))
	require.EqualError(t, UseAddresses("no.table"), "no.table: cannot read the addresses: no such file or directory")
}
