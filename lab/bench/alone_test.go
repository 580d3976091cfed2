package bench

import (
	"net/netip"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"dpilab/dpi/packet"
)

func TestEngineAlone(t *testing.T) {
	file, err := writePolicy(t.TempDir(), names10)
	require.NoError(t, err)
	x, err := timeEngine(job{Policy: file, Names: namesFrom(0, 1), Count: 1000, For: time.Millisecond})
	require.NoError(t, err)
	for _, name := range []string{"known", "known_1m", "new", "hello", "quic"} {
		require.Positive(t, x.Values[name], name)
	}
	_, err = timeEngine(job{Policy: file, Names: namesFrom(names10, 1), Count: 1000, For: time.Millisecond})
	require.ErrorContains(t, err, "the rule hit 0 of", "a name that is not listed is not what is timed")

	x, err = fillFlows(job{Policy: file, Count: 2000})
	require.NoError(t, err)
	require.Positive(t, x.Values["bytes"])
	require.Positive(t, x.Values["pause"])
}

// Packets of flows by number belong to different flows, and those of one number to one.
func TestStrangers(t *testing.T) {
	s := synStranger()
	seen := map[netip.AddrPort]bool{}
	var p packet.Packet
	for _, n := range []int{0, 1, 1<<17 - 1, 1 << 17, 999_999} {
		require.NoError(t, p.Decode(s.from(n).Data))
		from := netip.AddrPortFrom(packet.AddrOf(p.Src), p.SrcPort)
		require.True(t, netip.MustParsePrefix("198.18.0.0/15").Contains(from.Addr()))
		require.False(t, seen[from], from)
		seen[from] = true
	}
	hello, err := helloStrangers("blocked.example")
	require.NoError(t, err)
	quic, err := quicStrangers("blocked.example")
	require.NoError(t, err)
	for _, all := range [][][]stranger{hello, quic} {
		require.Len(t, all, pairs)
		require.NotEqual(t, all[0], all[1])
	}
}

// The policer of a policy with the rates that are expected is exact at virtual time; under one with another rate that is seen.
func TestPoliceAlone(t *testing.T) {
	p := policies{folder: t.TempDir()}
	_, err := p.policing()
	require.NoError(t, err)
	x, err := policeFlows(job{Policy: p.files["policing"], Count: 50, For: 8 * time.Second})
	require.NoError(t, err)
	require.Less(t, x.Values["worst"], 3.0)
	require.Positive(t, x.Values["worst"])
	_, err = p.counting()
	require.NoError(t, err)
	x, err = policeFlows(job{Policy: p.files["counting"], Count: 50, For: time.Second})
	require.NoError(t, err)
	require.Greater(t, x.Values["worst"], 100.0)
}

func TestLookups(t *testing.T) {
	folder := t.TempDir()
	file, err := writePolicy(folder, 1000)
	require.NoError(t, err)
	x, err := timeLookups(job{Policy: file, Count: 1000, For: time.Millisecond, Workers: 2})
	require.NoError(t, err)
	for _, kind := range []string{"hit_cold", "hit_hot", "miss_cold", "miss_hot"} {
		require.Len(t, x.Series[kind], 2, kind)
	}
	_, err = timeLookups(job{Policy: file, Count: 1001, For: time.Millisecond})
	require.Error(t, err, "a name that is not in the list is not found")

	file, err = writePrefixes(folder, 4000)
	require.NoError(t, err)
	x, err = timePrefixes(job{Policy: file, Count: 4000, For: time.Millisecond, Workers: 1})
	require.NoError(t, err)
	for _, kind := range []string{"hit4", "hit6", "miss4", "miss6"} {
		for _, row := range []string{kind + "_cold", kind + "_hot"} {
			require.Len(t, x.Series[row], 1, row)
			require.Positive(t, x.Series[row][0], row)
		}
	}
}

func TestPrefixes(t *testing.T) {
	const count = 1_000_000
	seen := make(map[netip.Prefix]bool, count)
	for i := range count {
		p := prefixAt(i)
		if p != p.Masked() || seen[p] {
			t.Fatalf("%s at %d", p, i)
		}
		seen[p] = true
	}
}

func TestLoadAlone(t *testing.T) {
	if testing.Short() {
		t.Skip("takes long")
	}
	file, err := writePolicy(t.TempDir(), 50_000)
	require.NoError(t, err)
	x, err := loadPolicy(job{Policy: file})
	require.NoError(t, err)
	require.Positive(t, x.Took)
	require.Positive(t, x.Values["peak"])
	_, err = loadPolicy(job{Policy: file + ".not"})
	require.Error(t, err)
}
