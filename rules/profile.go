package rules

import "time"

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
	Flows       int           // flows remembered at once
	Full        Full          // packets of more flows than those
	FailClosed  bool          // packets are lost when the box does not keep up or is dead; the real ones fail open (TDOC)
}

// Full is what a box does with a packet whose flow it does not know, while it remembers as many as it can.
type Full uint8

// FullFails: the packet is lost where FailClosed is set, and else passes unseen, as FullPasses has it. FullEvicts: another flow gives way, and
// the packet opens its own. The one that would be forgotten soonest does, as far as was known when it was last looked for: among many
// half-open ones, one of those. A flow that a rule hit gives way only where a number of others that were looked at are hit as well,
// so that a flood does not lift a block (choice); it then starts over with its next packet. What a rule holds beyond the flow, for a pair
// or a server, stays in any case.
const (
	FullFails Full = iota
	FullPasses
	FullDrops
	FullEvicts
)

// LosesUnseen tells whether packets of flows that find no room are lost.
func (p *Profile) LosesUnseen() bool {
	return p.Full == FullDrops || p.Full == FullFails && p.FailClosed
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
