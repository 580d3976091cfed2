package inspect

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// What is read of real Initials is the same without the instructions.
func TestQUICWithoutFastAES(t *testing.T) {
	needFastAES(t)
	defer func() { fastAES = true }()
	for _, name := range []string{"chromium_quic", "firefox_quic", "h3_quicgo"} {
		var fast, slow QUIC
		for _, datagram := range captured(t, name, false).parts {
			fastAES = true
			want := fast.Datagram(datagram)
			fastAES = false
			require.Equal(t, want, slow.Datagram(datagram), name)
			require.Equal(t, fast.Unreadable, slow.Unreadable)
		}
		require.Equal(t, "blocked.example", string(slow.Hello.SNI))
		require.Equal(t, fast.Hello, slow.Hello)
	}
	fastAES = false
	TestQUICAllocations(t)
}
