package bench

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// Every name differs from every other, and none is under another: a name beyond a list is not blocked by it.
func TestNames(t *testing.T) {
	const count = 200_000
	seen := make(map[string]bool, count)
	for i := range count {
		name := nameAt(i)
		require.False(t, seen[name], "%s at %d", name, i)
		seen[name] = true
	}
	for name := range seen {
		for rest := name; ; {
			_, after, ok := strings.Cut(rest, ".")
			if !ok {
				break
			}
			require.False(t, seen[after], "%s is under %s", name, after)
			rest = after
		}
		_, err := hello(name)
		require.NoError(t, err)
	}
	require.Equal(t, nameAt(4711), nameAt(4711))
}

func TestSizeName(t *testing.T) {
	for n, want := range map[int]string{10: "10", 100_000: "100k", 1_000_000: "1m", 10_000_000: "10m", 1_500_000: "1500k", 999: "999"} {
		require.Equal(t, want, sizeName(n))
	}
}

// The policy reads, blocks what is in the list and what is under it, and nothing else.
func TestPolicy(t *testing.T) {
	file, err := writePolicy(t.TempDir(), 1000)
	require.NoError(t, err)
	c, err := compile(file)
	require.NoError(t, err)
	require.Len(t, c.Rules, 1)
	none := c.Name([]byte("nothing.example"))
	for i := range 1000 {
		require.NotEqual(t, none, c.Name([]byte(nameAt(i))))
		require.NotEqual(t, none, c.Name([]byte("www."+nameAt(i))))
		require.Equal(t, none, c.Name([]byte(nameAt(1000+i))))
	}
}
