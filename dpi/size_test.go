package dpi

import (
	"testing"
	"unsafe"

	"github.com/stretchr/testify/require"
)

// A million flows are remembered.
func TestFlowIsSmall(t *testing.T) {
	require.LessOrEqual(t, unsafe.Sizeof(flow{}), uintptr(250))
}
