package desync

import (
	"crypto/tls"
	"fmt"
	"net"
)

// TLS makes the client's side of TLS with crypto/tls, its handshake not begun, and with a ClientHello as the strategy says. It keeps config.
func (d *Dialer) TLS(c net.Conn, config *tls.Config) (net.Conn, error) {
	return tls.Client(c, d.strategy.Config(config)), nil
}

// Config gives a configuration of TLS whose ClientHello is as x25519, tls12 and padding say: config itself, when none of them does. Every
// name of a protocol that padding adds is refused by servers, so http/1.1 joins them where config had none.
func (s Strategy) Config(config *tls.Config) *tls.Config {
	if s.padding == 0 && !s.x25519 && !s.tls12 {
		return config
	}
	config = config.Clone()
	if s.x25519 {
		config.CurvePreferences = []tls.CurveID{tls.X25519, tls.CurveP256, tls.CurveP384, tls.CurveP521}
	}
	if s.tls12 {
		config.MaxVersion = tls.VersionTLS12
	}
	if s.padding == 0 {
		return config
	}
	all := append([]string(nil), config.NextProtos...)
	if len(all) == 0 {
		all = []string{"http/1.1"}
	}
	for left := s.padding; left > 0; {
		size := min(left, 256) // with the byte of its length
		if rest := left - size; rest == 1 {
			size-- // a name is not empty
		}
		name := fmt.Sprintf("%d%0*d", len(all), 255, 0)[:max(1, size-1)]
		all = append(all, name)
		left -= size
	}
	config.NextProtos = all
	return config
}
