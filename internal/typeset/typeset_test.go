package typeset

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestTypeset(t *testing.T) {
	require.Equal(t, 3, Letters("a→b"))
	require.Equal(t, "  ", Space(5, "a→b"))
	require.Empty(t, Space(2, "a→b"))
	require.Equal(t, []string{"one two", "threefour", "a"}, Wrap(" one  two threefour\na", 7))
	require.Empty(t, Wrap("  ", 7))
	require.Equal(t, "a, b", Join(", ", "", "a", "", "b"))
}
