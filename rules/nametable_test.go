package rules

import (
	"encoding/binary"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// asked looks a whole name up.
func (t *nameTable) asked(name string) []byte {
	var k nameKey
	h, depth := k.of([]byte(name))
	at := t.find(h, k.name())
	if at < 0 || !t.has(depth) {
		return nil
	}
	return t.entries[at : at+t.width]
}

// A table says what a map says, of any number of names, with doubles or without.
func TestNameTableIsAMap(t *testing.T) {
	for seed, n := range []int{0, 1, 2, 5, 100, 5000, 50_000} {
		r := rand.New(rand.NewPCG(uint64(seed), 6))
		table, want := nameTable{width: 4}, map[string]uint32{}
		for range n {
			name := string(appendName(nil, r.IntN(n)))
			want[name]++
			table.add([]byte(strings.ToUpper(name)), 1, 0, 0, 0)
		}
		require.NoError(t, table.build(func(into, value []byte) {
			binary.LittleEndian.PutUint32(into, binary.LittleEndian.Uint32(into)+binary.LittleEndian.Uint32(value))
		}))
		require.Equal(t, len(want), table.count)
		for i := range 2 * n {
			name := string(appendName(nil, i))
			value := table.asked(name)
			require.Equal(t, want[name] > 0, value != nil, "%q", name)
			if value != nil {
				require.Equal(t, want[name], binary.LittleEndian.Uint32(value), "%q", name)
			}
		}
		table.each(func(value, name []byte) {
			require.Equal(t, want[string(name)], binary.LittleEndian.Uint32(value), "%q", name)
			delete(want, string(name))
		})
		require.Empty(t, want)
	}
}

func TestNameTableHoldsAnyName(t *testing.T) {
	table := nameTable{width: 1}
	names := []string{"", ".", "..", "a..b", strings.Repeat("a", 255), strings.Repeat(".", 255), strings.Repeat("a.", 100) + "b", "\x00", "\xff\xfe"}
	for i, name := range names {
		table.add([]byte(name), byte(i))
	}
	require.NoError(t, table.build(func([]byte, []byte) { t.Error("there are no doubles") }))
	for i, name := range names[:8] {
		require.Equal(t, []byte{byte(i)}, table.asked(name), "%q", name)
	}
	require.Nil(t, table.asked("a"))
	require.Nil(t, table.asked(strings.Repeat("a.", 100)))
}

// Names whose hashes are alike are refused: they would make a lookup slow.
func TestNameTableRefusesOneBucket(t *testing.T) {
	table := nameTable{width: 1}
	var k nameKey
	for i := 0; table.count < 2000; i++ {
		name := append(appendName(nil, i), strings.Repeat("x", 40)...)
		if h, _ := k.of(name); h>>55 == 0 { // the first of 500 buckets
			table.add(name, 0)
		}
	}
	require.ErrorContains(t, table.build(nil), "their hashes are alike")
}
