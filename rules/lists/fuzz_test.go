package lists

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// fuzz imports data as a format. Nothing panics, every entry is counted, and what comes out comes out again when it goes in.
func fuzz(f *testing.F, format Format, o Options) {
	goldens, err := filepath.Glob("testdata/*.golden")
	require.NoError(f, err)
	for _, g := range goldens {
		data, err := os.ReadFile(g)
		require.NoError(f, err)
		if !strings.Contains(string(data), "("+format.String()+")\n") { // the header of what comes out
			continue
		}
		_, in, _ := strings.Cut(string(data), "\n-- ")
		_, in, _ = strings.Cut(in, "\n")
		in, _, _ = strings.Cut(in, "-- want")
		f.Add([]byte(in))
		f.Add(packed(f, []byte(in)))
	}
	o.Format, o.MaxErrors, o.MaxMemory = format, 3, 32<<20
	f.Fuzz(func(t *testing.T, data []byte) {
		if len(data) > 1<<16 {
			return
		}
		o := o
		o.Input = bytes.NewReader(data)
		r, err := Import(t.Context(), []string{"-"}, o)
		requireSums(t, &r.Report)
		require.LessOrEqual(t, len(r.Report.Problems), 3)
		if err != nil {
			require.NotContains(t, err.Error(), "\n")
			return
		}
		out := written(t, r)
		for kind, format := range map[string]Format{"want.domains": Plain, "want.exceptions": Plain, "want.prefixes": CIDR} {
			list, ok := out[kind]
			if !ok {
				continue
			}
			again, err := Import(t.Context(), []string{"-"}, Options{Format: format, Input: strings.NewReader(list), MaxErrors: 3})
			require.NoError(t, err)
			require.Empty(t, again.Report.Problems)
			require.Equal(t, again.Report.Read, again.Report.Kept)
			_, was, _ := strings.Cut(list, "\n") // without the header
			for _, l := range written(t, again) {
				_, is, _ := strings.Cut(l, "\n")
				require.Equal(t, was, is)
			}
		}
	})
}

func FuzzPlain(f *testing.F)      { fuzz(f, Plain, Options{}) }
func FuzzHosts(f *testing.F)      { fuzz(f, Hosts, Options{}) }
func FuzzAdBlock(f *testing.F)    { fuzz(f, AdBlock, Options{}) }
func FuzzZapret(f *testing.F)     { fuzz(f, Zapret, Options{}) }
func FuzzV2Fly(f *testing.F)      { fuzz(f, V2Fly, Options{Attributes: []string{"-cn"}}) }
func FuzzCitizenLab(f *testing.F) { fuzz(f, CitizenLab, Options{}) }
func FuzzOONI(f *testing.F)       { fuzz(f, OONI, Options{}) }
func FuzzRKN(f *testing.F)        { fuzz(f, RKN, Options{}) }
func FuzzCIDR(f *testing.F)       { fuzz(f, CIDR, Options{}) }

func FuzzGeoSite(f *testing.F) {
	f.Add(siteList())
	f.Add(siteList()[:100])
	fuzz(f, GeoSite, Options{Tags: []string{"google"}})
}

func FuzzGeoIP(f *testing.F) {
	f.Add(ipList())
	fuzz(f, GeoIP, Options{Countries: []string{"ru", "not"}})
}

func FuzzMMDB(f *testing.F) {
	for i, bits := range []int{24, 28, 32} {
		f.Add(mmdbFile(f, bits, i%2 == 0, []mmdbNetwork{{"192.0.2.0/24", country("RU")}, {"198.18.0.0/15", system(64496)}}))
	}
	fuzz(f, MMDB, Options{Countries: []string{"RU"}, ASNs: []uint32{64496}})
}

// What is found out of any bytes is a format, or an error.
func FuzzDetect(f *testing.F) {
	f.Add("a.txt", []byte("0.0.0.0 ads.example\n"))
	f.Add("dump.csv", []byte("Updated: 2026\n;;\n"))
	f.Add("g.dat", siteList())
	f.Add("g.dat", ipList())
	f.Add("l", []byte("url,category_code\n"))
	f.Fuzz(func(t *testing.T, name string, head []byte) {
		format, err := detect(name, head)
		require.Equal(t, err != nil, format == Detect)
	})
}
