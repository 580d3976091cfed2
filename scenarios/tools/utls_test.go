package tools

import (
	"context"
	"crypto/tls"
	"net"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"dpilab/lab/service"
)

// A ClientHello of chance is answered each time, and every other as well.
func TestEachParrotShakesHands(t *testing.T) {
	ca, err := service.NewCA()
	require.NoError(t, err)
	for name := range parrots {
		for range map[bool]int{true: 20, false: 1}[strings.HasPrefix(name, "randomized")] {
			near, far := net.Pipe()
			server := tls.Server(far, ca.TLS("h2", "http/1.1"))
			go server.Handshake()
			c, err := parrot(name)(near, &tls.Config{ServerName: "x.com", RootCAs: ca.Pool(), NextProtos: []string{"h2", "http/1.1"}})
			require.NoError(t, err)
			require.NoError(t, c.(interface {
				HandshakeContext(context.Context) error
			}).HandshakeContext(t.Context()), name)
			near.Close()
			far.Close()
		}
	}
}
