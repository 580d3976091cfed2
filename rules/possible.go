package rules

// carriers are the transports of each protocol, as far as the inspectors look.
var carriers = [protocolCount]uint32{
	ProtocolNone:       1<<transportCount - 1,
	ProtocolTLS:        1 << TransportTCP,
	ProtocolQUIC:       1 << TransportUDP,
	ProtocolHTTP:       1 << TransportTCP,
	ProtocolDNS:        1 << TransportUDP,
	ProtocolSTUN:       1<<TransportTCP | 1<<TransportUDP,
	ProtocolWhatsApp:   1 << TransportTCP,
	ProtocolDTLS:       1 << TransportUDP,
	ProtocolWireGuard:  1 << TransportUDP,
	ProtocolOpenVPN:    1<<TransportTCP | 1<<TransportUDP,
	ProtocolBitTorrent: 1<<TransportTCP | 1<<TransportUDP,
	ProtocolIKE:        1 << TransportUDP,
	ProtocolL2TP:       1 << TransportUDP,
	ProtocolSSH:        1 << TransportTCP,
	ProtocolSOCKS:      1 << TransportTCP,
	ProtocolProxy:      1 << TransportTCP,
}

// flows are the kinds of flow that a condition leaves.
type flows struct {
	protocols, transports uint32
	ports                 []Range
}

func (f flows) dns() bool {
	return f.protocols == 1<<ProtocolDNS ||
		f.transports == 1<<TransportUDP && len(f.ports) == 1 && f.ports[0] == Range{53, 53}
}

const (
	anyProtocol  = 1<<protocolCount - 1
	anyTransport = 1<<transportCount - 1
	withPorts    = 1<<TransportTCP | 1<<TransportUDP
	withHello    = 1<<ProtocolTLS | 1<<ProtocolQUIC | 1<<ProtocolDTLS
)

// trickFlows are the flows that can show each trick.
var trickFlows = [TrickCount]flows{
	TrickSplit:     {1<<ProtocolTLS | 1<<ProtocolHTTP, 1 << TransportTCP, nil},
	TrickRecords:   {1 << ProtocolTLS, 1 << TransportTCP, nil},
	TrickID:        {anyProtocol, withPorts, nil},
	TrickWindow:    {anyProtocol, 1 << TransportTCP, nil},
	TrickChecksum:  {anyProtocol, withPorts, nil},
	TrickMD5:       {anyProtocol, 1 << TransportTCP, nil},
	TrickTimestamp: {anyProtocol, 1 << TransportTCP, nil},
	TrickTTL:       {anyProtocol, withPorts, nil},
	TrickFake:      {anyProtocol, withPorts, nil},
	TrickEncrypted: {1 << ProtocolNone, withPorts, nil},
}

// narrow leaves of f what a key of a condition can hold for.
func (f *flows) narrow(protocols, transports uint32) {
	f.protocols &= protocols
	f.transports &= transports
	carried := uint32(0)
	for p, carriers := range carriers {
		if f.protocols&(1<<p) != 0 {
			carried |= carriers
		}
	}
	f.transports &= carried
	for p, carriers := range carriers {
		if carriers&f.transports == 0 {
			f.protocols &^= 1 << p
		}
	}
}

func bitsOf[T ~uint8](values []T) (b uint32) {
	for _, v := range values {
		b |= 1 << v
	}
	return b
}

// possible gives the flows that the condition leaves, and why there are none.
func (c *Condition) possible() (f flows, why string) {
	f = flows{anyProtocol, anyTransport, c.Port}
	if more(c.SNI, c.Host, c.Query) {
		return f, "a flow has only one of sni, host and query"
	}
	if why := c.helloPossible(); why != "" {
		return f, why
	}
	hello := len(c.SNI)+len(c.JA3)+len(c.JA4)+len(c.Extension) > 0 || c.ECH != nil && *c.ECH ||
		len(c.Hello) > 0 && bitsOf(c.Hello)&(1<<HelloNone) == 0
	for _, x := range []struct {
		asked                 bool
		protocols, transports uint32
		why                   string
	}{
		{hello, withHello, anyTransport, ""},
		{len(c.Host) > 0, 1 << ProtocolHTTP, anyTransport, ""},
		{len(c.Query) > 0, 1 << ProtocolDNS, anyTransport, ""},
		{len(c.Certificate) > 0, 1 << ProtocolTLS, anyTransport, "certificates are read in tls"},
		{len(c.Protocol) > 0, bitsOf(c.Protocol), anyTransport,
			"sni and all of a hello are read in tls, quic and dtls, host in http, query in dns, certificates in tls"},
		{len(c.Transport) > 0, anyProtocol, bitsOf(c.Transport), "the protocol does not run over that transport"},
		{len(c.Port)+len(c.SourcePort) > 0, anyProtocol, withPorts, "that transport has no ports"},
		{len(c.Size)+len(c.Payload)+len(c.Hello)+len(c.Trick) > 0, anyProtocol, withPorts, "the payload of that transport is not read"},
		{len(c.QUIC) > 0 && bitsOf(c.QUIC)&(1<<QUICNone) == 0, 1<<ProtocolQUIC | 1<<ProtocolNone, 1 << TransportUDP,
			"a flow with a version of QUIC is quic, or nothing known, over udp"},
		{len(c.Trick) > 0, tricks(c.Trick).protocols, tricks(c.Trick).transports, "such flows cannot show that trick"},
	} {
		if x.asked {
			f.narrow(x.protocols, x.transports)
		}
		if f.protocols == 0 || f.transports == 0 {
			return f, x.why
		}
	}
	return f, ""
}

// more tells whether more than one has words.
func more(all ...[]string) bool {
	n := 0
	for _, words := range all {
		if len(words) > 0 {
			n++
		}
	}
	return n > 1
}

// helloPossible says which keys do not go with the kinds of hello that are asked for.
func (c *Condition) helloPossible() string {
	kinds := bitsOf(c.Hello)
	switch {
	case kinds == 0:
	case len(c.SNI) > 0 && kinds&(1<<HelloNamed) == 0:
		return "only a named hello has an sni"
	case kinds&(1<<HelloNamed|1<<HelloUnnamed) != 0:
	case len(c.JA3)+len(c.JA4)+len(c.Extension) > 0 || c.ECH != nil && *c.ECH:
		return "fingerprints and extensions are of a hello that can be read: named or unnamed"
	}
	return ""
}

func tricks(all []Trick) (f flows) {
	for _, t := range all {
		f.protocols |= trickFlows[t].protocols
		f.transports |= trickFlows[t].transports
	}
	return f
}

// readsPayload tells whether the condition asks for what only payload shows.
func (c *Condition) readsPayload() bool {
	return len(c.SNI)+len(c.Host)+len(c.Query)+len(c.Certificate)+len(c.JA3)+len(c.JA4)+len(c.Protocol)+
		len(c.Hello)+len(c.QUIC)+len(c.Size)+len(c.Extension)+len(c.Payload)+len(c.Trick) > 0 || c.ECH != nil
}

// readsHello tells whether the condition asks for what further hellos and requests of a flow show anew.
func (c *Condition) readsHello() bool {
	return len(c.SNI)+len(c.Host)+len(c.JA3)+len(c.JA4)+len(c.Hello)+len(c.Extension) > 0 || c.ECH != nil
}
