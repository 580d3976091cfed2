package lists

import (
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/encoding/protowire"
)

// message joins fields of a protobuf message.
func message(fields ...[]byte) (m []byte) {
	for _, f := range fields {
		m = append(m, f...)
	}
	return m
}

func text(number protowire.Number, s string) []byte {
	return protowire.AppendString(protowire.AppendTag(nil, number, protowire.BytesType), s)
}

func number(number protowire.Number, n uint64) []byte {
	return protowire.AppendVarint(protowire.AppendTag(nil, number, protowire.VarintType), n)
}

func sub(number protowire.Number, fields ...[]byte) []byte {
	return text(number, string(message(fields...)))
}

func site(kind uint64, value string, attributes ...string) []byte {
	var fields [][]byte
	if kind != 0 { // proto3 leaves zeros out
		fields = append(fields, number(1, kind))
	}
	fields = append(fields, text(2, value))
	for _, a := range attributes {
		fields = append(fields, sub(3, text(1, a), number(2, 1)))
	}
	return sub(2, fields...)
}

func network(ip string, bits uint64) []byte {
	return sub(2, text(1, string(netip.MustParseAddr(ip).AsSlice())), number(2, bits))
}

func siteList() []byte {
	return message(
		sub(1, text(1, "GOOGLE"), site(2, "google.example"), site(3, "www.google.example"), site(3, "Alone.example", "ads"), site(0, "googl"),
			site(2, "пример.example", "cn", "ads"), site(1, "^r$"), site(9, "x"), site(2, "bad..example"), protowire.AppendTag(nil, 99, protowire.Fixed32Type), []byte{1, 2, 3, 4}),
		sub(1, text(4, "other"), site(2, "other.example")),
	)
}

func ipList() []byte {
	return message(
		sub(1, text(1, "RU"), network("192.0.2.0", 25), network("192.0.2.128", 25), network("2001:db8::", 32), network("198.51.100.7", 24), network("::ffff:203.0.113.0", 120),
			sub(2, text(1, "abc"), number(2, 8)), network("192.0.2.0", 33)),
		sub(1, text(1, "NOT"), network("192.0.2.0", 24), number(3, 1)),
	)
}

// importing writes a file of that name and imports it.
func importing(t testing.TB, name string, data []byte, o Options) (*Result, map[string]string, error) {
	t.Helper()
	file := filepath.Join(t.TempDir(), name)
	require.NoError(t, os.WriteFile(file, data, 0o644))
	o.MaxErrors = 100
	r, err := Import(t.Context(), []string{file}, o)
	requireSums(t, &r.Report)
	return r, outcome(t, r, err), err
}

func TestGeoSite(t *testing.T) {
	r, out, err := importing(t, "geosite.dat", siteList(), Options{Tags: []string{"google"}})
	require.NoError(t, err)
	require.Equal(t, GeoSite, r.Report.Sources[0].Format)
	require.Equal(t, "# by dpilab lists import from geosite.dat (geosite) tag google\n=alone.example\ngoogle.example\nxn--e1afmkfd.example\n*googl*\nregexp:^r$\n", out["want.domains"])
	require.Equal(t, 1, r.Report.Covered)
	require.Equal(t, 2, r.Report.Bad)
	require.Equal(t, "GOOGLE", r.Report.Problems[0].List)
	require.Equal(t, 7, r.Report.Problems[0].Line)
	require.Contains(t, r.Report.Problems[0].Text, "type 9")
	require.Contains(t, r.Report.Problems[1].String(), "geosite.dat: GOOGLE, entry 8: found a label of 0 letters")

	_, out, err = importing(t, "g.dat", siteList(), Options{Tags: []string{"google"}, Attributes: []string{"@ads", "@-cn"}})
	require.NoError(t, err)
	require.Equal(t, "# by dpilab lists import from g.dat (geosite) tag google attribute @ads,@-cn\n=alone.example\n", out["want.domains"])

	_, _, err = importing(t, "geosite.dat", siteList(), Options{})
	require.ErrorContains(t, err, "has 2 lists: choose with --tag (google, other)")
	_, _, err = importing(t, "geosite.dat", siteList(), Options{Tags: []string{"other", "nosuch"}})
	require.ErrorContains(t, err, `has no list "nosuch": it has google, other`)
	_, _, err = importing(t, "geosite.dat", siteList()[:100], Options{Tags: []string{"google"}})
	require.ErrorContains(t, err, "broken behind list 0")
}

func TestGeoIP(t *testing.T) {
	r, out, err := importing(t, "geoip.dat", ipList(), Options{Countries: []string{"ru"}})
	require.NoError(t, err)
	require.Equal(t, GeoIP, r.Report.Sources[0].Format)
	require.Equal(t, "# by dpilab lists import from geoip.dat (geoip) country ru\n192.0.2.0/24\n198.51.100.0/24\n203.0.113.0/24\n2001:db8::/32\n", out["want.prefixes"])
	require.Equal(t, 1, r.Report.Merged)
	require.Equal(t, 2, r.Report.Bad)
	require.Equal(t, []string{"1 entry " + noteCut}, r.Report.Notes)

	r, _, err = importing(t, "geoip.dat", ipList(), Options{Countries: []string{"NOT", "RU"}})
	require.NoError(t, err)
	require.Equal(t, 1, r.Report.NotExpressible)
	require.Contains(t, r.Report.Inexpressible[0].String(), "geoip.dat: NOT: is about every address that is not in it")
}

// prefixList are the networks of a MaxMind DB in tests, with what is said of each.
type mmdbNetwork struct {
	prefix string
	data   []byte
}

// mmdbFile writes a MaxMind DB, as the format's specification has it.
func mmdbFile(t testing.TB, recordBits int, six bool, networks []mmdbNetwork) []byte {
	type node [2]int // below 0: data -1-n; 0: nothing
	tree := []node{{}}
	var data []byte
	offsets := map[string]int{}
	for _, n := range networks {
		p := netip.MustParsePrefix(n.prefix)
		address, bits := p.Addr().AsSlice(), p.Bits()
		if six && p.Addr().Is4() {
			address, bits = append(make([]byte, 12), address...), bits+96
		}
		if _, ok := offsets[string(n.data)]; !ok {
			offsets[string(n.data)] = len(data)
			data = append(data, n.data...)
		}
		at := 0
		for i := range bits {
			side := address[i/8] >> (7 - i%8) & 1
			switch {
			case i == bits-1:
				tree[at][side] = -1 - offsets[string(n.data)]
			case tree[at][side] == 0:
				tree = append(tree, node{})
				tree[at][side] = len(tree) - 1
				at = len(tree) - 1
			default:
				require.Positive(t, tree[at][side])
				at = tree[at][side]
			}
		}
	}
	var out []byte
	for _, n := range tree {
		var r [2]uint32
		for i, next := range n {
			switch {
			case next < 0:
				r[i] = uint32(len(tree) + treeGap - 1 - next)
			case next == 0:
				r[i] = uint32(len(tree))
			default:
				r[i] = uint32(next)
			}
		}
		switch recordBits {
		case 24:
			out = append(out, byte(r[0]>>16), byte(r[0]>>8), byte(r[0]), byte(r[1]>>16), byte(r[1]>>8), byte(r[1]))
		case 28:
			out = append(out, byte(r[0]>>16), byte(r[0]>>8), byte(r[0]), byte(r[0]>>24)<<4|byte(r[1]>>24), byte(r[1]>>16), byte(r[1]>>8), byte(r[1]))
		default:
			out = append(out, byte(r[0]>>24), byte(r[0]>>16), byte(r[0]>>8), byte(r[0]), byte(r[1]>>24), byte(r[1]>>16), byte(r[1]>>8), byte(r[1]))
		}
	}
	version := uint64(4)
	if six {
		version = 6
	}
	out = append(out, make([]byte, treeGap)...)
	out = append(out, data...)
	out = append(out, "\xab\xcd\xefMaxMind.com"...)
	return append(out, mmdbMapOf("binary_format_major_version", mmdbNumber(mmdbUint16, 2), "ip_version", mmdbNumber(mmdbUint16, version),
		"node_count", mmdbNumber(mmdbUint32, uint64(len(tree))), "record_size", mmdbNumber(mmdbUint16, uint64(recordBits)), "database_type", mmdbText("test"))...)
}

func mmdbText(s string) []byte {
	if len(s) >= 29 {
		return append([]byte{mmdbString<<5 | 29, byte(len(s) - 29)}, s...)
	}
	return append([]byte{byte(mmdbString<<5 | len(s))}, s...)
}

func mmdbNumber(kind byte, n uint64) []byte {
	var b []byte
	for ; n > 0; n >>= 8 {
		b = slices.Insert(b, 0, byte(n))
	}
	if kind > 7 {
		return append([]byte{byte(len(b)), kind - 7}, b...)
	}
	return append([]byte{kind<<5 | byte(len(b))}, b...)
}

// mmdbMapOf takes keys and encoded values in turn.
func mmdbMapOf(pairs ...any) []byte {
	out := []byte{byte(mmdbMap<<5 | len(pairs)/2)}
	for i := 0; i < len(pairs); i += 2 {
		out = append(out, mmdbText(pairs[i].(string))...)
		out = append(out, pairs[i+1].([]byte)...)
	}
	return out
}
