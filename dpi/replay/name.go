package replay

import (
	"strings"

	"dpilab/dpi/inspect"
	"dpilab/dpi/packet"
)

// A flow's name and protocol, for flows that no rule hits, are read by the inspectors of the box, but not with its limits: of a stream's
// first bytes from the side that opened it, in order, whatever the profile could see.
const (
	nameBytes   = 16 << 10
	namePackets = 10
	namerSlots  = 64 // flows whose names are being looked for at a time
)

// namer looks for the name of one flow after another.
type namer struct {
	owner   *flow
	stream  []byte
	next    uint32
	packets int
	quic    inspect.QUIC
	dtls    inspect.DTLS
}

// namers deals namers out; the flow that has had one longest gives it back.
type namers struct {
	slots [namerSlots]*namer
	turn  int
	tls   inspect.TLS
	dns   [256]byte
	ja4   [40]byte
}

// release ends the search for the flow's name.
func (f *flow) release() {
	if f.name != nil {
		f.name.owner, f.name = nil, nil
	}
}

func (n *namers) take(f *flow) *namer {
	slot := &n.slots[n.turn]
	n.turn = (n.turn + 1) % namerSlots
	if *slot == nil {
		*slot = &namer{}
		(*slot).quic.Options.Versions = inspect.ReadQUICv1 | inspect.ReadQUICv2 | inspect.ReadQUICDraft29
	}
	x := *slot
	if x.owner != nil {
		x.owner.release()
	}
	x.owner, x.stream, x.packets = f, x.stream[:0], 0
	x.quic.Reset()
	x.dtls.Reset()
	f.name = x
	return x
}

// look reads a packet from the side that opened the flow.
func (n *namers) look(f *flow, p *packet.Packet) {
	if !p.HasTransport || p.Fragment || len(p.Payload) == 0 || f.looked {
		return
	}
	x := f.name
	if x == nil {
		x = n.take(f)
		x.next = p.Seq
	}
	x.packets++
	protocol, name, more := "", "", false
	if p.Protocol == packet.TCP {
		if skip := x.next - p.Seq; int(skip) < len(p.Payload) {
			room := nameBytes - len(x.stream)
			piece := p.Payload[skip:]
			x.stream = append(x.stream, piece[:min(len(piece), room)]...)
			x.next += uint32(len(piece))
		}
		protocol, name, more = n.stream(f, x.stream)
		more = more && len(x.stream) < nameBytes
	} else {
		protocol, name, more = n.datagram(x, p.Payload)
	}
	f.Protocol = protocol
	if name != "" {
		f.Name = printable(name)
	}
	if !more || x.packets >= namePackets {
		f.looked = true
		f.release()
	}
}

// stream reads the first bytes of a TCP stream.
func (n *namers) stream(f *flow, b []byte) (protocol, name string, more bool) {
	switch n.tls.ClientHello(b) {
	case inspect.Yes:
		f.JA4 = string(n.tls.Hello.JA4(n.ja4[:0], 't'))
		return "tls", string(n.tls.Hello.SNI), false
	case inspect.More:
		if inspect.IsTLSRecord(b) {
			return "tls", "", true
		}
		more = true
	}
	host, r := inspect.HTTPRequest(b)
	switch {
	case r == inspect.Yes:
		return "http", string(host), false
	case inspect.WhatsApp(b) == inspect.Yes:
		return "whatsapp", "", false
	case inspect.TCPProtocol(b) != inspect.LooksNone:
		return inspect.TCPProtocol(b).String(), "", false
	case inspect.IsTLSRecord(b):
		return "tls", "", false
	}
	if _, outside := f.ends(); outside.Port() == 53 && len(b) > 2 {
		if name, _, ok := inspect.DNSQuery(b[2:], n.dns[:]); ok {
			return "dns", string(name), false
		}
	}
	return "", "", more || r == inspect.More || inspect.WhatsApp(b) == inspect.More
}

// datagram reads one of UDP.
func (n *namers) datagram(x *namer, b []byte) (protocol, name string, more bool) {
	if name, _, ok := inspect.DNSQuery(b, n.dns[:]); ok {
		return "dns", string(name), false
	}
	if inspect.STUN(b) {
		return "stun", "", false
	}
	switch x.quic.Datagram(b) {
	case inspect.Yes:
		x.owner.JA4 = string(x.quic.Hello.JA4(n.ja4[:0], 'q'))
		return "quic", string(x.quic.Hello.SNI), false
	case inspect.More:
		return "quic", "", true
	}
	if _, ok := inspect.QUICVersion(b); ok || x.owner.Protocol == "quic" {
		return "quic", "", true
	}
	switch x.dtls.Datagram(b) {
	case inspect.Yes:
		x.owner.JA4 = string(x.dtls.Hello.JA4(n.ja4[:0], 'd'))
		return "dtls", string(x.dtls.Hello.SNI), false
	case inspect.More:
		return "dtls", "", true
	}
	if l := inspect.UDPProtocol(b); l != inspect.LooksNone {
		return l.String(), "", false
	}
	return "", "", false
}

// printable makes a name that stood in a packet fit for a terminal.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if r <= ' ' || r == 0x7f || r > 0x7f && r < 0xa0 || r == '\ufffd' {
			return '?'
		}
		return r
	}, s)
}
