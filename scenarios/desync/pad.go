package desync

import (
	"crypto/tls"
	"fmt"
	"net"
)

// TLS makes the client's side of TLS with crypto/tls, its handshake not begun, and with a strategy's padding. It keeps config.
func (d *Dialer) TLS(c net.Conn, config *tls.Config) (net.Conn, error) {
	return tls.Client(c, d.strategy.Pad(config)), nil
}

// Pad gives a configuration whose ClientHello is longer by what the step padding says: config itself, when there is none. Every name
// of a protocol that it adds is refused by servers, so http/1.1 joins them where config had none.
func (s Strategy) Pad(config *tls.Config) *tls.Config {
	if s.padding == 0 {
		return config
	}
	config = config.Clone()
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
