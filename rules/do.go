package rules

import (
	"net/netip"
	"time"
)

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
	Or         Count         // freeze: another such count; the one that is used up first freezes. The zero Count: none
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
