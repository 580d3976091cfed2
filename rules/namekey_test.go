package rules

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// FuzzNameKey: the words of eight bytes give what byte for byte gives.
func FuzzNameKey(f *testing.F) {
	f.Add([]byte("www.Example.COM"))
	f.Add([]byte(""))
	f.Add([]byte("..a..[`@Z{."))
	f.Add([]byte(strings.Repeat("abcdefghijklmn.", 17)))
	f.Add([]byte("\x80.\xae\xff./.\x2d\x2f"))
	f.Fuzz(func(t *testing.T, name []byte) {
		if len(name) > longestAsked {
			name = name[:longestAsked]
		}
		var k nameKey
		k.set(name)
		want := lower(string(name))
		require.Equal(t, want, string(k.name()))
		for end := range len(want) + 1 {
			require.Equal(t, strings.LastIndexByte(want[:end], '.')+1, k.label(end), "%q to %d", want, end)
		}
		k.cutDot()
		want = strings.TrimSuffix(want, ".")
		require.Equal(t, want, string(k.name()))
		require.Equal(t, strings.LastIndexByte(want, '.')+1, k.label(k.n))
	})
}

// Where the labels end is part of the hash.
func TestHashKnowsLabels(t *testing.T) {
	all := map[uint64]string{}
	for _, name := range []string{"", "a", "a.b", "ab", "abcdefgh", "abcdefgh.a", "a.abcdefgh", "aabcdefgh", "abcdefgha", ".", "..", ".a", "a.", "\x00", "a\x00"} {
		var k nameKey
		h, _ := k.of([]byte(name))
		require.NotContains(t, all, h, "%q", name)
		all[h] = name
	}
}
