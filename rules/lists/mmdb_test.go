package lists

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"
	"testing"

	"github.com/oschwald/maxminddb-golang"
	"github.com/stretchr/testify/require"
)

func country(code string) []byte {
	return mmdbMapOf("continent", mmdbMapOf("code", mmdbText("EU")), "country", mmdbMapOf("geoname_id", mmdbNumber(mmdbUint32, 2017370), "iso_code", mmdbText(code)))
}

func system(n uint64) []byte {
	return mmdbMapOf("autonomous_system_number", mmdbNumber(mmdbUint32, n), "autonomous_system_organization", mmdbText("an organisation of some length"))
}

func TestMMDB(t *testing.T) {
	file := mmdbFile(t, 28, true, []mmdbNetwork{
		{"192.0.2.0/24", country("RU")}, {"198.51.100.0/25", country("BY")}, {"198.51.100.128/25", country("RU")},
		{"2001:db8::/33", country("RU")}, {"2001:db8:8000::/33", country("RU")}, {"203.0.113.0/24", mmdbMapOf("country", mmdbText("RU"))},
		{"198.18.0.0/15", mmdbMapOf("asn", mmdbText("AS64496"), "country_code", mmdbText("DE"))}, {"100.64.0.0/10", system(64497)},
	})
	r, out, err := importing(t, "GeoLite2-Country.mmdb", file, Options{Countries: []string{"ru"}})
	require.NoError(t, err)
	require.Equal(t, "# by dpilab lists import from GeoLite2-Country.mmdb (mmdb) country ru\n192.0.2.0/24\n198.51.100.128/25\n203.0.113.0/24\n2001:db8::/32\n", out["want.prefixes"])
	require.Equal(t, 1, r.Report.Merged)

	_, out, err = importing(t, "a.mmdb", packed(t, file), Options{ASNs: []uint32{64496, 64497}, Countries: []string{"BY"}})
	require.NoError(t, err)
	require.Equal(t, "# by dpilab lists import from a.mmdb (mmdb) country BY asn 64496,64497\n100.64.0.0/10\n198.18.0.0/15\n198.51.100.0/25\n", out["want.prefixes"])

	for name, c := range map[string]struct {
		data    []byte
		options Options
		want    string
	}{
		"no choice":   {file, Options{}, "choose with --country or --asn"},
		"no metadata": {file[:100], Options{ASNs: []uint32{1}}, "is no MaxMind DB"},
		"cut tree":    {file[200:], Options{ASNs: []uint32{1}}, "search tree is broken"},
		"nobody":      {file, Options{ASNs: []uint32{1}}, "has no prefix of those that --country and --asn ask for"},
	} {
		_, _, err := importing(t, "a.mmdb", c.data, c.options)
		require.ErrorContains(t, err, c.want, name)
	}
}

// The library of MaxMind's format is the twin: random databases give it the same prefixes.
func TestMMDBTwin(t *testing.T) {
	rng := rand.New(rand.NewPCG(7, 8))
	for i := range 60 {
		six := i%2 == 0
		var all []mmdbNetwork
		var taken prefixes
		for range 1 + rng.IntN(40) {
			a := netip.AddrFrom4([4]byte{198, 18, byte(rng.IntN(4)), byte(rng.IntN(256))})
			bits := 20 + rng.IntN(13)
			if six && rng.IntN(2) == 0 {
				a, bits = netip.AddrFrom16([16]byte{0x20, 1, 0xd, 0xb8, byte(rng.IntN(4))}), 32+rng.IntN(20)
			}
			p := netip.PrefixFrom(a, bits).Masked()
			if slices.ContainsFunc(taken.all, p.Overlaps) {
				continue
			}
			taken.add(p)
			data := country([]string{"RU", "BY", "KZ"}[rng.IntN(3)])
			if rng.IntN(4) == 0 {
				data = system(uint64(rng.IntN(1 << 20)))
			}
			all = append(all, mmdbNetwork{p.String(), data})
		}
		file := mmdbFile(t, []int{24, 28, 32}[i%3], six, all)

		want := map[string]string{}
		lib, err := maxminddb.FromBytes(file)
		require.NoError(t, err)
		networks := lib.Networks(maxminddb.SkipAliasedNetworks)
		for networks.Next() {
			var record struct {
				Country struct {
					Code string `maxminddb:"iso_code"`
				} `maxminddb:"country"`
				ASN uint32 `maxminddb:"autonomous_system_number"`
			}
			n, err := networks.Network(&record)
			require.NoError(t, err)
			want[n.String()] = fmt.Sprint(record.Country.Code, record.ASN)
		}
		require.NoError(t, networks.Err())
		require.Len(t, want, len(all))

		m, err := openMaxmind(file)
		require.NoError(t, err)
		got := map[string]string{}
		require.NoError(t, m.walk(func(p netip.Prefix, place uint32) bool {
			code, asn := m.data.owner(place)
			got[p.String()] = fmt.Sprint(code, asn)
			return true
		}))
		require.Equal(t, want, got)
	}
}

// Keys and values may be pointers.
func TestMMDBPointers(t *testing.T) {
	data := mmdbData(append(country("RU"), mmdbMap<<5|2, mmdbPointer<<5, 12, mmdbPointer<<5, 0)) // too short for its second pair
	code, _ := data.owner(0)
	require.Equal(t, "RU", code)
	at := len(mmdbText("RU"))
	data = mmdbData(slices.Concat(mmdbText("RU"), mmdbText("country_code"), []byte{mmdbMap<<5 | 1, mmdbPointer << 5, byte(at), mmdbPointer << 5, 0}))
	code, _ = data.owner(uint32(at + len(mmdbText("country_code"))))
	require.Equal(t, "RU", code)
}
