package probe

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"

	utls "github.com/refraction-networking/utls"

	"dpilab/lab/service"
)

// Hello is the ClientHello that a probe sends. The zero value is that of Go, whose keys for today's and tomorrow's computers need two
// packets, as in all browsers since 2024.
type Hello string

// The hellos.
const (
	HelloShort   Hello = "short"   // Go's without post-quantum keys: one packet, as everyone sent until 2024
	HelloECH     Hello = "ech"     // the name encrypted, Cloudflare's outside of it; with the key of the lab's servers
	HelloChrome  Hello = "chrome"  // Chrome's (133), as uTLS imitates it
	HelloFirefox Hello = "firefox" // Firefox's (120), as uTLS imitates it
)

// Hellos are all of them.
var Hellos = []Hello{HelloShort, HelloECH, HelloChrome, HelloFirefox}

// parrots are the hellos that uTLS makes.
var parrots = map[Hello]utls.ClientHelloID{HelloChrome: utls.HelloChrome_133, HelloFirefox: utls.HelloFirefox_120}

// Parrot tells whether it imitates a browser's, over TCP alone.
func (h Hello) Parrot() bool {
	_, ok := parrots[h]
	return ok
}

// Client makes the client's side of TLS over c with this hello, its handshake not begun: a Via.TLS. The name, the trusted roots and the
// protocols are those of config, which it may change; a parrot offers the protocols of its browser. ECH needs the servers' key in config.
func (h Hello) Client(c net.Conn, config *tls.Config) (net.Conn, error) {
	if id, ok := parrots[h]; ok {
		return Imitate(c, config, id), nil
	}
	if h == HelloECH && config.EncryptedClientHelloConfigList == nil {
		return nil, fmt.Errorf("the hello %q needs the key of the servers (EncryptedClientHelloConfigList)", h)
	}
	return tls.Client(c, h.apply(config, nil)), nil
}

// apply gives the settings of Go's TLS that make the hello. ca may be nil where config has what is needed.
func (h Hello) apply(config *tls.Config, ca *service.CA) *tls.Config {
	switch h {
	case HelloShort:
		config.CurvePreferences = []tls.CurveID{tls.X25519, tls.CurveP256}
	case HelloECH:
		if ca != nil {
			config.EncryptedClientHelloConfigList = ca.ECHConfigs()
		}
	}
	return config
}

// Imitate makes the client's side of TLS over c, its handshake not begun, with the ClientHello of a program that uTLS knows. Of config it takes
// the name, the roots, whether to look at certificates and, where that program has none of its own, the protocols.
func Imitate(c net.Conn, config *tls.Config, id utls.ClientHelloID) net.Conn {
	return &parrot{utls.UClient(c, &utls.Config{
		ServerName: config.ServerName, RootCAs: config.RootCAs, NextProtos: config.NextProtos, InsecureSkipVerify: config.InsecureSkipVerify,
	}, id)}
}

// parrot is a connection of uTLS.
type parrot struct{ *utls.UConn }

// HandshakeContext is the connection's.
func (p *parrot) HandshakeContext(ctx context.Context) error { return p.UConn.HandshakeContext(ctx) }

// NegotiatedProtocol is what both sides agreed on by ALPN.
func (p *parrot) NegotiatedProtocol() string { return p.ConnectionState().NegotiatedProtocol }
