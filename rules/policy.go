package rules

import (
	"net/netip"
	"time"
)

// Policy is a policy file as written: what a box needs, dated. It is plain data; Compile makes it fast.
type Policy struct {
	Name    string // "policy:", the file's name without its ending
	Date    string // ISO date from which the policy describes the real thing
	About   string
	File    string // where it was read from, for messages
	Profile Profile
	Rules   []Rule // in the order in which they win: own rules, then those of the policy it extends
	lists   map[string]*List
}

// Rule is one thing to look for and what to do then.
type Rule struct {
	Name   string
	When   Condition   // joined by and
	Unless []Condition // a flow that meets one of them is not hit; a zero Condition excepts nothing
	Do     Do
	Chance Chance // of the flows that the rule is for; the zero Chance is all of them
	Again  bool   // asked again with each further hello or request of a flow, even one that an earlier packet cleared (FOCI26)
	Source Source
	Policy string // the policy that the rule was written in
	Line   int    // where, in that policy's file
	file   string
}

// Source says where a behaviour is known from.
type Source struct {
	Ref        string // keys of docs and papers, or "choice" for a value of our own
	Confidence string // P, P2, C, D, A, MEM, or "choice"
}

// String is the source as messages show it: "IMC22 (P)" or "choice".
func (s Source) String() string {
	if s.Ref == s.Confidence || s.Confidence == "" {
		return s.Ref
	}
	return s.Ref + " (" + s.Confidence + ")"
}

// Mechanism is what a rule does to a flow.
type Mechanism uint8

// The mechanisms.
const (
	MechanismPass     Mechanism = iota // let the flow be, and look no further
	MechanismDrop                      // drop packets of one or both directions
	MechanismReset                     // rewrite what the server sends into RST/ACK, or send resets to both ends
	MechanismPolice                    // token bucket, excess dropped
	MechanismCapacity                  // each packet passes with a probability
	MechanismRedirect                  // DNS queries go to another resolver, answers come back as from the first
	MechanismLearn                     // remember the server's address and port, act on it later
	MechanismFreeze                    // drop, after a count that began with the flow's first packet
	MechanismAnswer                    // DNS queries are answered by the box
	MechanismPage                      // an HTTP request is answered with a redirect to a stub page, its server reset
	MechanismLimit                     // more than so many flows of a kind in a window: all of that kind are dropped for a time
)

var mechanismNames = [...]string{"pass", "drop", "reset", "police", "capacity", "redirect", "learn", "freeze", "answer", "page", "limit"}

// String gives the word that policy files use.
func (m Mechanism) String() string { return word(mechanismNames[:], int(m)) }

// Direction says which packets of a flow a mechanism touches. The zero value is both.
type Direction uint8

// Up is from the inside to the outside.
const (
	Both Direction = iota
	Up
	Down
)

var directionNames = [...]string{"both", "up", "down"}

// String gives the word that policy files use.
func (d Direction) String() string { return word(directionNames[:], int(d)) }

// Range is a closed range of whole numbers, such as the packets that still pass.
type Range struct{ Min, Max int }

// Unit is what a Count counts.
type Unit uint8

// UnitPayload counts packets with payload; UnitData those that carry data of the protocol: application data of TLS and DTLS,
// transport data of WireGuard, P_DATA of OpenVPN, and packets with payload of any other. UnitBytes counts payload bytes.
const (
	UnitPackets Unit = iota
	UnitPayload
	UnitData
	UnitBytes
)

// Count is an amount of traffic: drawn from the range for each flow. The zero Count is nothing.
type Count struct {
	Range
	Unit      Unit
	Direction Direction // whose packets are counted; Both: their sum
}

// Start says with which packet a mechanism begins.
type Start uint8

// StartPacket is the packet that decided; the others wait for the first packet, from that one on, that has payload or carries
// data in the sense of UnitData.
const (
	StartPacket Start = iota
	StartPayload
	StartData
)

// Hold says what a residual block covers.
type Hold uint8

// HoldFlow is the 5-tuple. HoldPair is all between the two addresses. HoldServer is all to the outside address, from anyone.
const (
	HoldFlow Hold = iota
	HoldPair
	HoldServer
)

// Chance is a share of flows, and how it is drawn. The zero Chance is every flow.
type Chance struct {
	Share float64 // above 0, to 1; 0 in the zero Chance
	Of    ChanceOf
}

// ChanceOf is what a draw belongs to. A coin falls anew for each flow that opens; the others are hashes with the box's
// seed: the same 5-tuple, client, or server port always fares alike.
type ChanceOf uint8

// The kinds of draw.
const (
	ChanceCoin ChanceOf = iota
	ChanceFlow
	ChanceClient
	ChancePort
)

// LimitKey is a part of what makes flows count together, a bit each.
type LimitKey uint8

// LimitClient is the inside address; LimitServer the outside one, LimitServer24 its /24 (IPv6: /48); LimitSNI the server name as
// it was sent; LimitJA4 the fingerprint.
const (
	LimitClient LimitKey = 1 << iota
	LimitServer
	LimitServer24
	LimitSNI
	LimitJA4
)

// Answer is what the box says to a DNS query.
type Answer uint8

// AnswerAddress gives Do.Addresses of the family that was asked for, and no record if there is none.
const (
	AnswerNXDomain Answer = iota
	AnswerRefused
	AnswerAddress
)

// Do is a mechanism with its own few words; a field that the mechanism does not know is zero.
type Do struct {
	Mechanism  Mechanism
	Direction  Direction     // drop, freeze, capacity: which packets are dropped; reset with Inject: whose end gets an RST (Down: the client)
	After      Count         // drop: what still passes after the packet that decided; freeze: what passes from the flow's first packet on
	From       Start         // drop, reset, police, capacity: with which packet it begins
	Residual   time.Duration // how long Hold stays hit, from the deciding packet; 0: as long as the flow is remembered
	Refresh    bool          // every further packet of the flow starts Residual again
	Hold       Hold          // what Residual covers
	Inject     bool          // reset: RSTs of the box's own to the ends that Direction says, in place of rewritten server packets
	TTL        uint8         // reset with Inject: of those packets; 0: as the other end's last packet had it
	Rate       int64         // police: bytes a second of IP packets, in each direction a bucket of its own
	Burst      int64         // police: bytes that a full bucket holds
	Subscriber bool          // police: one pair of buckets for all flows of an inside address under this rule
	Capacity   int           // capacity: 0 to 100, the chance of a packet in percent
	Resolver   []netip.Addr  // redirect: at most one IPv4 and one IPv6 address
	Answer     Answer        // answer
	Addresses  []netip.Addr  // answer: at most one IPv4 and one IPv6 address
	Page       string        // page: the URL that the client is sent to
	Limit      int           // limit: flows with the same key in Window that are still let be
	Keys       LimitKey      // limit
	Window     time.Duration // limit
	Ban        time.Duration // limit: how long flows of the key are dropped, from the flow that was one too many; freeze: Hold's time after it froze, 0: none
	Delay      time.Duration // learn: from the first sight of a server to Then
	Then       *Do           // learn: what new flows to the learnt address and port get
}

// Profile is how a box sees and remembers. Parse gives every field its default.
type Profile struct {
	Sees        Direction // the packets that come by the box at all; the others it neither sees nor touches. Both: all
	Reassembly  Reassembly
	Fragments   Fragments
	Fooled      Fooled
	Originator  bool      // rules that read payload act only on flows opened from inside (IMC21, IMC22)
	RemoteSYN   bool      // a SYN from outside clears a flow that was opened from inside (IMC22 Fig. 7)
	MidStream   MidStream // TCP flows that do not begin with a SYN
	Inspect     Range     // packets with payload that are looked at when the first one opened a known protocol (IMC21: 15 to 20)
	FirstHello  bool      // the first hello that is read settles the flow (ZAP-doc); otherwise the next ones are read too (IMC21)
	Unknown     int       // bytes: a first payload of at least this size that opens nothing known ends inspection (IMC21: 101)
	QUIC        QUICReading
	HTTPEvery   bool          // every request of a connection is read, not the first one alone (NTC1823/68)
	Encrypted   Encrypted     // what the sign "encrypted" means
	SYNSent     time.Duration // a TCP flow of which only SYNs of one side were seen is forgotten after this long without a packet
	SYNReceived time.Duration // the same when the other side's SYN/ACK was seen as well, and nothing else
	TCPIdle     time.Duration // a TCP flow is forgotten after this long without a packet
	UDPIdle     time.Duration
	OtherIdle   time.Duration
	Closed      time.Duration // how long a TCP flow is remembered after a FIN or RST; 0: as any other (IMC21: neither clears it)
	TrailingDot bool          // a trailing dot in a name is ignored; the 2021 boxes took it for another name (IMC21)
	Miss        Chance        // of flows that are not looked at
	Flows       int           // flows remembered at once; more pass unseen
	FailClosed  bool          // packets are lost when the box does not keep up or is dead; the real ones fail open (TDOC)
}

// MidStream is what a box does with a TCP flow that it meets after its SYN.
type MidStream uint8

// MidStreamOpens: any first packet opens a flow (TDOC 15.2, D).
const (
	MidStreamOpens MidStream = iota
	MidStreamPasses
	MidStreamDrops
)

// Fragments is the queue of IP fragments (IMC22, P).
type Fragments struct {
	Hold    bool          // fragments wait until their set is complete, and leave unassembled
	Max     int           // fragments of a packet; a set with more is lost
	CopyTTL bool          // all leave with the TTL of the one at offset 0
	Timeout time.Duration // of an incomplete set, from its first fragment; then it is lost
	Discard bool          // a duplicate or an overlap loses the set; otherwise the later fragment is lost
	Inspect bool          // what complete sets hold is read as if it had come in one packet
	Sets    int           // sets held at once
}

// Fooled says which packets that no server accepts are read like any others. The zero value is fooled by none that it could tell.
type Fooled struct {
	Checksum  bool // packets with a wrong TCP or UDP checksum
	Sequence  bool // segments outside the window
	MD5       bool // segments with a TCP MD5 option (RFC 2385) that the handshake did not have
	Timestamp bool // segments with a TCP timestamp older than one seen before
	TTL       int  // packets are read whatever their TTL; above 0: those with a lower one than this are not
}

// QUICReading is how a box reads Initials.
type QUICReading struct {
	Versions  []QUICVersion // whose Initials are decrypted
	Assemble  bool          // CRYPTO frames are put together, from several and out of order; otherwise only one at offset 0 is read
	Padding   bool          // zero bytes behind the QUIC packet do no harm; otherwise such a datagram is unreadable (NTC1823/42)
	Datagrams int           // of a flow that are read until a hello is there
}

// Encrypted is the heuristic for fully encrypted tunnels with TLS inside (N4P#363, C): a flow that opens nothing known, whose
// client sent at least Packets packets of at least Size bytes of payload, and whose server sent more packets with payload
// than the client did.
type Encrypted struct{ Packets, Size int }

// Reassembly says which cuts of a ClientHello a box sees through.
type Reassembly struct {
	TCP      bool          // segments are joined
	Records  bool          // TLS records are joined
	Both     bool          // records that are themselves cut across segments are joined as well; the 2025 boxes did not (FOCI25-data)
	Bytes    int           // of stream that are kept
	Segments int           // with payload that are kept
	Last     bool          // where segments overlap, the last copy is believed, not the first
	Ordered  bool          // only segments that come in order are joined; one behind a gap ends the reading of the flow
	Timeout  time.Duration // from the first segment that is kept to the end of the hello; 0: as long as the flow is remembered
}

// Condition is what a rule looks for: the fields are joined by and, the values of one field by or.
// The zero Condition asks for nothing.
type Condition struct {
	SNI, Host, Query []string // names of lists, or patterns as in a list
	Certificate      []string // the same; the server's certificate has such a name
	JA3, JA4         []string // the same, of fingerprints
	To, From         []string // names of lists, or prefixes
	Protocol         []Protocol
	Transport        []Transport
	Port, SourcePort []Range
	Opened           Side
	Hello            []HelloKind
	ECH              *bool
	QUIC             []QUICVersion
	Size             []Range     // bytes of the first payload
	Extension        []Extension // of the ClientHello
	Payload          []Payload   // of one packet that is looked at, either way
	Trick            []Trick
}

// Extension is an extension of a ClientHello.
type Extension struct {
	ID     uint16
	Length int // bytes of its content; -1: any
}

// Payload is what stands at places of one packet's payload; all of its stretches must be there.
type Payload struct {
	Stretches string // as a file has them: "0: 16 fe fd, 90: 1d 00 17"
}

// Stretch is bytes at an offset of a packet's payload.
type Stretch struct {
	At    int
	Bytes []byte
}

// Trick is a way to hide from a box, or the look of something that hides, that a box may notice (B16, B23).
type Trick uint8

// TrickSplit: the first request or hello came in more than one segment. TrickRecords: the hello came in more than one TLS record.
// TrickID: two packets with payload from inside have the same IP-ID, which is not 0. TrickWindow, TrickChecksum, TrickMD5, TrickTimestamp, TrickTTL: a
// packet with payload from inside that a server would not accept, or that may not reach it, as Fooled tells them apart (TTL: below
// 16 and lower than the flow's first packet had it by more than 4: choice). TrickFake: one of these, and it held a ClientHello or an Initial.
// TrickEncrypted: Profile.Encrypted.
const (
	TrickSplit Trick = iota
	TrickRecords
	TrickID
	TrickWindow
	TrickChecksum
	TrickMD5
	TrickTimestamp
	TrickTTL
	TrickFake
	TrickEncrypted
	TrickCount = iota
)

var trickNames = [...]string{"split", "records", "repeated id", "window", "checksum", "md5", "timestamp", "ttl", "fake", "encrypted"}

// String gives the word that policy files use.
func (t Trick) String() string { return word(trickNames[:], int(t)) }
