package dpi

import (
	"dpilab/dpi/inspect"
	"dpilab/rules"
)

// isData tells whether the packet at hand carries data of the flow's protocol, in the sense of rules.UnitData. A segment of TLS does
// when it begins with a record of application data: so the server's first flight, which ends with such records, does not, and
// neither does the client's last of the handshake, which begins with another (B22: silence comes after the handshake).
func (e *Engine) isData(f *flow) bool {
	payload := e.pkt.Payload
	if e.pkt.PayloadLength == 0 {
		return false
	}
	switch f.facts.Protocol {
	case rules.ProtocolTLS:
		return inspect.IsTCPData(inspect.LooksTLS, payload)
	case rules.ProtocolDTLS:
		return inspect.IsUDPData(inspect.LooksDTLS, payload)
	case rules.ProtocolWireGuard:
		return inspect.IsUDPData(inspect.LooksWireGuard, payload)
	case rules.ProtocolOpenVPN:
		if f.transport() == rules.TransportUDP {
			return inspect.IsUDPData(inspect.LooksOpenVPN, payload)
		}
		return inspect.IsTCPData(inspect.LooksOpenVPN, payload)
	}
	return true
}
