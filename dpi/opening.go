package dpi

import (
	"dpilab/dpi/inspect"
	"dpilab/rules"
)

// openOther takes the first segment for what it is, and tells whether that ends the reading. An unknown one of some length does; after
// TLS, CONNECT or SOCKS the box keeps looking (IMC21, P). That the other protocols end it is a choice: they hold no hello.
func (e *Engine) openOther(f *flow, c *rules.Compiled, data []byte, segments int) (over bool) {
	switch looks := inspect.TCPProtocol(data); {
	case isHello(data):
		e.sawUnreadable(f, rules.ProtocolTLS)
		e.awaitCertificate(f, c)
		return false
	case segments > 1: // of these, only what one segment shows is known
	case looks == inspect.LooksSOCKS, looks == inspect.LooksProxy:
		e.saw(f, protocolOf[looks])
		return false
	case looks != inspect.LooksNone:
		e.saw(f, protocolOf[looks])
		return true
	case inspect.STUN(data):
		e.saw(f, rules.ProtocolSTUN)
		return true
	case e.openHTTP(f, c, data):
		return true
	}
	e.saw(f, rules.ProtocolNone)
	return len(data) >= c.Profile.Unknown && !keepsLooking(data)
}

// openHTTP reads the first request of a connection. Only the first segment is read (HTTP24, P): a Host that is not in it is none.
func (e *Engine) openHTTP(f *flow, c *rules.Compiled, data []byte) bool {
	host, r := inspect.HTTPRequest(data)
	if r == inspect.No {
		return false
	}
	e.sawRequest(f, c, host)
	if r == inspect.More {
		e.sawTrick(f, c, rules.TrickSplit)
	}
	return true
}

func (e *Engine) sawRequest(f *flow, c *rules.Compiled, host []byte) {
	e.saw(f, rules.ProtocolHTTP)
	e.name, f.facts.Name = host, c.Name(host)
}

func keepsLooking(data []byte) bool {
	return inspect.IsTLSRecord(data) || inspect.IsHTTPProxy(data) || inspect.IsSOCKS(data)
}

// isHello tells a handshake record that no parser understands from one that begins the server's flight.
func isHello(data []byte) bool {
	const handshake, serverHello = 22, 2
	return inspect.IsTLSRecord(data) && data[0] == handshake && (len(data) < 6 || data[5] != serverHello)
}

// protocolOf gives the protocols that their first payload shows the name that rules use.
var protocolOf = [...]rules.Protocol{
	inspect.LooksTLS:        rules.ProtocolTLS,
	inspect.LooksDTLS:       rules.ProtocolDTLS,
	inspect.LooksWireGuard:  rules.ProtocolWireGuard,
	inspect.LooksOpenVPN:    rules.ProtocolOpenVPN,
	inspect.LooksBitTorrent: rules.ProtocolBitTorrent,
	inspect.LooksIKE:        rules.ProtocolIKE,
	inspect.LooksL2TP:       rules.ProtocolL2TP,
	inspect.LooksSSH:        rules.ProtocolSSH,
	inspect.LooksSOCKS:      rules.ProtocolSOCKS,
	inspect.LooksProxy:      rules.ProtocolProxy,
}
