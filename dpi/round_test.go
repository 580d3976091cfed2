package dpi

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// Every member is asked about once a round, whoever is taken out in between.
func TestRound(t *testing.T) {
	var r round[int]
	r.some(3, func(int) bool { t.Fatal("there is nobody"); return true })
	for i := range 100 {
		r.add(i)
	}
	asked := map[int]int{}
	for range 10 {
		r.some(10, func(i int) bool { asked[i]++; return i%3 > 0 })
	}
	require.Len(t, asked, 100)
	require.Len(t, r.all, 66)
	r.some(1000, func(int) bool { return false })
	require.Empty(t, r.all)
}

// A full table takes something new as soon as some of what is in it has expired, and looks at a few to find that out.
func TestSharedTablesMakeRoom(t *testing.T) {
	var m memory[int, string]
	for i := range maxShared {
		until := 10 * time.Minute
		if i%10 == 0 {
			until = time.Minute
		}
		m.put(i, "old", 0, until, false)
	}
	m.put(maxShared, "new", 30*time.Second, time.Hour, false)
	_, ok := m.get(maxShared, 30*time.Second)
	require.False(t, ok, "nothing has expired")
	m.put(maxShared, "new", 2*time.Minute, time.Hour, false)
	_, ok = m.get(maxShared, 2*time.Minute)
	require.True(t, ok)
	require.Len(t, m.names.all, len(m.m))
	m.put(1, "again", 2*time.Minute, time.Hour, true)
	require.Len(t, m.names.all, len(m.m), "a name that is there is entered once")
}
