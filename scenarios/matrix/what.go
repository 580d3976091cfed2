package matrix

import (
	"fmt"
	"strings"

	"github.com/miekg/dns"

	"dpilab/dpi"
	"dpilab/dpi/inspect"
	"dpilab/dpi/packet"
)

// openingBytes is how much of a stream's beginning is looked at for a name.
const openingBytes = 16 << 10

// namer says what the packets of one flow are, in the order in which they came.
type namer struct {
	id    dpi.FlowID
	tls   inspect.TLS
	quic  inspect.QUIC
	dtls  inspect.DTLS
	ways  [2]streamState
	named bool // the client's opening is known
	first bool // the first datagram was looked at
}

// streamState is how far one direction of a TCP flow has come.
type streamState struct {
	begun  bool
	next   uint32 // the sequence number behind all that was seen
	stream []byte // contiguous, from the first byte on
	base   uint32 // of stream
}

func newNamer(id dpi.FlowID) *namer {
	n := &namer{id: id}
	n.quic.Options.Versions = inspect.ReadQUICv1 | inspect.ReadQUICv2 | inspect.ReadQUICDraft29
	return n
}

// name says in a few words what a packet is.
func (n *namer) name(c *crossing) string {
	switch {
	case c.Fragment:
		return fmt.Sprintf("fragment at %d, %d bytes", c.FragOffset, len(c.Data)-c.Transport)
	case c.tcp():
		return n.segment(c)
	case c.HasTransport:
		return n.datagram(c)
	case c.Protocol == packet.ICMP, c.Protocol == packet.ICMPv6:
		return icmpName(c.seen)
	}
	return fmt.Sprintf("protocol %d, %d bytes", c.Protocol, len(c.Payload))
}

const unreachable = "ICMP unreachable"

func icmpName(s *seen) string {
	if len(s.Payload) == 0 {
		return "ICMP"
	}
	kind := s.Payload[0]
	v6 := s.Protocol == packet.ICMPv6
	switch {
	case !v6 && kind == 8, v6 && kind == 128:
		return "ping"
	case !v6 && kind == 0, v6 && kind == 129:
		return "ping answer"
	case !v6 && kind == 3, v6 && kind == 1:
		return unreachable
	case !v6 && kind == 11, v6 && kind == 3:
		return "ICMP time exceeded"
	case v6 && kind == 2:
		return "ICMP packet too big"
	}
	return fmt.Sprintf("ICMP type %d", kind)
}

// segment says what a TCP segment is.
func (n *namer) segment(c *crossing) string {
	w := &n.ways[c.way()]
	end := c.Seq + uint32(len(c.Payload))
	switch {
	case c.Flags&packet.RST != 0:
		return "RST"
	case c.Flags&packet.SYN != 0:
		what := "SYN"
		if c.Flags&packet.ACK != 0 {
			what = "SYN/ACK"
		}
		if w.begun {
			return what + " again"
		}
		w.begun, w.base, w.next = true, c.Seq+1, c.Seq+1
		return what
	case len(c.Payload) == 0 && c.Flags&packet.FIN != 0:
		return "FIN"
	case len(c.Payload) == 0:
		return "ACK"
	}
	what := fmt.Sprintf("data %d", len(c.Payload))
	fresh := int32(end-w.next) > 0 || !w.begun
	if opening := n.opening(w, c); opening != "" {
		what = opening
	}
	if fresh {
		w.next, w.begun = end, true
	} else {
		what += " again"
	}
	if c.Flags&packet.FIN != 0 {
		what += ", FIN"
	}
	return what
}

// opening says what the beginning of a stream is that the segment adds to, "" when it says nothing. What was dropped counts: it is what
// the end said.
func (n *namer) opening(w *streamState, c *crossing) string {
	at := int(int32(c.Seq - w.base))
	if !w.begun || at < 0 || at > len(w.stream) || len(w.stream) > openingBytes || c.sent {
		return ""
	}
	if more := at + len(c.Payload) - len(w.stream); more > 0 {
		w.stream = append(w.stream, c.Payload[len(c.Payload)-more:]...)
	}
	if !c.up {
		return serverOpening(w.stream, at)
	}
	if n.named && at > 0 {
		return ""
	}
	switch n.tls.ClientHello(w.stream) {
	case inspect.Yes:
		n.named = true
		return strings.TrimSpace("ClientHello " + string(n.tls.Hello.SNI))
	case inspect.More:
		return fmt.Sprintf("ClientHello, a part of %d", len(c.Payload))
	}
	if host, r := inspect.HTTPRequest(w.stream); r == inspect.Yes {
		n.named = true
		return strings.TrimSpace("HTTP request " + string(host))
	}
	if at == 0 {
		if n.id.Outside.Port() == 53 && len(c.Payload) > 2 {
			return dnsName(c.Payload[2:])
		}
		if inspect.WhatsApp(w.stream) == inspect.Yes {
			return "WhatsApp opening"
		}
		if l := inspect.TCPProtocol(c.Payload); l != inspect.LooksNone {
			return fmt.Sprintf("%s %d", l, len(c.Payload))
		}
	}
	return ""
}

// serverOpening says what a server's first bytes are.
func serverOpening(stream []byte, at int) string {
	const handshake, hello = 22, 2
	switch {
	case at == 0 && len(stream) > 5 && stream[0] == handshake && stream[1] == 3 && stream[5] == hello:
		return fmt.Sprintf("ServerHello %d", len(stream))
	case at == 0 && len(stream) > 12 && string(stream[:5]) == "HTTP/":
		return "HTTP answer " + strings.TrimSpace(string(stream[9:12]))
	}
	return ""
}

// datagram says what a UDP packet is.
func (n *namer) datagram(c *crossing) string {
	what := fmt.Sprintf("data %d", len(c.Payload))
	if n.id.Outside.Port() == 53 {
		if name := dnsName(c.Payload); name != "" {
			return name
		}
	}
	_, long := inspect.QUICVersion(c.Payload)
	if !c.up {
		if long {
			return fmt.Sprintf("QUIC handshake %d", len(c.Payload))
		}
		return what
	}
	switch n.quic.Datagram(c.Payload) {
	case inspect.Yes:
		return strings.TrimSpace("QUIC Initial " + string(n.quic.Hello.SNI))
	case inspect.More:
		return fmt.Sprintf("QUIC Initial, a part of %d", len(c.Payload))
	}
	if long {
		return fmt.Sprintf("QUIC handshake %d", len(c.Payload))
	}
	if n.dtls.Datagram(c.Payload) == inspect.Yes {
		return strings.TrimSpace("DTLS ClientHello " + string(n.dtls.Hello.SNI))
	}
	if inspect.STUN(c.Payload) {
		return fmt.Sprintf("STUN %d", len(c.Payload))
	}
	if l := inspect.UDPProtocol(c.Payload); !n.first && l != inspect.LooksNone {
		what = fmt.Sprintf("%s %d", l, len(c.Payload))
	}
	n.first = true
	return what
}

// dnsName says what a DNS message is: "DNS? x.com A", "DNS x.com: NXDOMAIN", "DNS x.com: 203.0.113.34"; "" when it is none.
func dnsName(message []byte) string {
	var m dns.Msg
	if err := m.Unpack(message); err != nil || len(m.Question) != 1 {
		return ""
	}
	q := m.Question[0]
	name := strings.ToLower(strings.TrimSuffix(q.Name, "."))
	if !m.Response {
		return fmt.Sprintf("DNS? %s %s", name, dns.TypeToString[q.Qtype])
	}
	if m.Rcode != dns.RcodeSuccess {
		return fmt.Sprintf("DNS %s: %s", name, dns.RcodeToString[m.Rcode])
	}
	var answers []string
	for _, rr := range m.Answer {
		switch rr := rr.(type) {
		case *dns.A:
			answers = append(answers, rr.A.String())
		case *dns.AAAA:
			answers = append(answers, rr.AAAA.String())
		}
	}
	if len(answers) == 0 {
		return fmt.Sprintf("DNS %s: nothing", name)
	}
	return fmt.Sprintf("DNS %s: %s", name, strings.Join(answers, ", "))
}
