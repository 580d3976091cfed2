package dpi

import (
	"reflect"
	"runtime"
	"testing"
	"time"
	"unsafe"

	"github.com/stretchr/testify/require"
)

// A million flows are remembered, in 200 bytes each, and the garbage collector finds no pointers in them.
func TestFlowsAreSmall(t *testing.T) {
	require.LessOrEqual(t, unsafe.Sizeof(flow{}), uintptr(176))
	requireNoPointers(t, reflect.TypeFor[flow]())
	if testing.Short() {
		return
	}
	before := heap()
	e := New(Options{Policy: policyOf(t, enginePolicy)})
	million(t, e, time.Hour)
	require.LessOrEqual(t, float64(heap()-before)/1e6, 200.0)
	runtime.KeepAlive(e)
}

func requireNoPointers(t *testing.T, x reflect.Type) {
	switch x.Kind() {
	case reflect.Struct:
		for i := range x.NumField() {
			requireNoPointers(t, x.Field(i).Type)
		}
	case reflect.Array:
		requireNoPointers(t, x.Elem())
	default:
		require.True(t, x.Kind() >= reflect.Bool && x.Kind() <= reflect.Complex128, "%v", x)
	}
}
