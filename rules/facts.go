package rules

// Class names the set of lists (and of values written in a rule itself) that a name or an address belongs to.
// The zero Class is "in none of them". A Class has a meaning only for the Compiled that gave it, and names and addresses
// have classes of their own: do not compare them.
//
// The low half numbers a set that was put together by Compile: what a name or an address is in by its suffix or prefix.
// The high half is a bit for each list that the name is in by a pattern with a star or a keyword, and for each big list.
type Class uint64

func makeClass(set, wild uint32) Class { return Class(wild)<<32 | Class(set) }

func (c Class) set() uint32  { return uint32(c) }
func (c Class) wild() uint32 { return uint32(c >> 32) }

// Fact is one thing that can be known of a flow; a set of them is a FactSet.
type Fact uint8

// The facts that a rule can ask for; those that have a Class come first.
const (
	FactSNI Fact = iota
	FactHost
	FactQuery
	FactCertificate
	FactJA3
	FactJA4
	FactTo
	FactFrom
	FactProtocol
	FactPort
	FactSourcePort
	FactTransport
	FactOpened
	FactHello
	FactECH
	FactQUIC
	FactSize
	FactSigns
	factCount
)

// FactSet is a set of facts, a bit each.
type FactSet uint32

// Has tells whether f is in the set.
func (s FactSet) Has(f Fact) bool { return s&(1<<f) != 0 }

// With returns the set with f in it.
func (s FactSet) With(f Fact) FactSet { return s | 1<<f }

// AllFacts is every fact: a flow whose inspection is over knows them all.
const AllFacts FactSet = 1<<factCount - 1

// Facts is what is known of one flow, in the form that Compiled.Match reads. The zero value knows nothing.
//
// A fact that is Known and zero is known to be absent: a flow whose inspection ended without a server name has
// FactSNI in Known and SNI zero. A fact that is not Known may still turn up.
type Facts struct {
	Known       FactSet
	Transport   Transport
	Protocol    Protocol
	Opened      Side
	Hello       HelloKind
	ECH         bool // the ClientHello has an encrypted_client_hello extension, real or GREASE
	QUIC        QUICVersion
	Again       bool   // only rules that are asked again count: the flow was cleared before
	Port        uint16 // of the outside end; 0 where the transport has none
	SourcePort  uint16 // of the inside end
	Size        uint16 // bytes of the flow's first payload, as it came in one packet
	SNI         Class  // server name of a TLS or QUIC ClientHello
	Host        Class  // of an HTTP request
	Query       Class  // name asked for in a DNS query
	Certificate Class  // a name in the server's certificate, which TLS up to 1.2 shows
	JA3, JA4    Class  // fingerprints of the ClientHello, classed like names
	To          Class  // address of the outside end
	From        Class  // address of the inside end
	Signs       uint64 // seen so far, as Compiled.Signs numbers them. A sign counts as soon as it is there; FactSigns is Known when no more can come
	Lost        uint64 // draws of chance that the flow lost, as Compiled.Chances numbers them: their rules are not for it
}

// HelloKind is what became of reading a flow's ClientHello, of TLS or QUIC.
type HelloKind uint8

// HelloNone, once known, means that nothing looked like one. HelloUnreadable is one that the profile's box cannot read: a
// handshake record or an Initial that it does not understand, or that is cut in a way it does not see through.
const (
	HelloNone HelloKind = iota
	HelloNamed
	HelloUnnamed
	HelloUnreadable
	helloCount = iota
)

var helloNames = [...]string{"none", "named", "unnamed", "unreadable"}

// String gives the word that policy files use.
func (h HelloKind) String() string { return word(helloNames[:], int(h)) }

// QUICVersion is the version in the long header of a flow's first datagram.
type QUICVersion uint8

// QUICNone, once known, means that the first datagram has no long header. QUICDraft is any of the IETF's drafts (ff0000xx).
const (
	QUICNone QUICVersion = iota
	QUICv1
	QUICv2
	QUICDraft
	QUICOther
	quicCount = iota
)

var quicNames = [...]string{"none", "v1", "v2", "draft", "other"}

// String gives the word that policy files use.
func (q QUICVersion) String() string { return word(quicNames[:], int(q)) }

// Protocol is what an inspector took a flow for.
type Protocol uint8

// The protocols that inspectors tell apart. ProtocolNone, once known, means "nothing we know".
const (
	ProtocolNone Protocol = iota
	ProtocolTLS
	ProtocolQUIC
	ProtocolHTTP
	ProtocolDNS
	ProtocolSTUN
	ProtocolWhatsApp
	ProtocolDTLS
	ProtocolWireGuard
	ProtocolOpenVPN
	ProtocolBitTorrent // uTP as well
	ProtocolIKE
	ProtocolL2TP
	ProtocolSSH
	ProtocolSOCKS
	ProtocolProxy // an HTTP CONNECT
	protocolCount = iota
)

var protocolNames = [...]string{"none", "tls", "quic", "http", "dns", "stun", "whatsapp",
	"dtls", "wireguard", "openvpn", "bittorrent", "ike", "l2tp", "ssh", "socks", "proxy"}

// String gives the word that policy files use.
func (p Protocol) String() string { return word(protocolNames[:], int(p)) }

// Transport is the protocol above IP, in the words of policy files.
type Transport uint8

// The transports that a rule can ask for.
const (
	TransportOther Transport = iota
	TransportTCP
	TransportUDP
	TransportICMP  // ICMP and ICMPv6
	transportCount = iota
)

var transportNames = [...]string{"other", "tcp", "udp", "icmp"}

// String gives the word that policy files use.
func (t Transport) String() string { return word(transportNames[:], int(t)) }

// Side is one end of a flow as the box sees it.
type Side uint8

// Inside is the subscriber's side. SideUnknown is the opener of a flow that was picked up in its middle.
const (
	SideUnknown Side = iota
	SideInside
	SideOutside
	sideCount = iota
)

var sideNames = [...]string{"unknown", "inside", "outside"}

// String gives the word that policy files use.
func (s Side) String() string { return word(sideNames[:], int(s)) }

func word(names []string, i int) string {
	if i < len(names) {
		return names[i]
	}
	return "?"
}
