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
	When   Condition // joined by and
	Unless Condition // the zero Condition excepts nothing; otherwise a flow that meets all of it is not hit
	Do     Do
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
	MechanismReset                     // rewrite what the server sends into RST/ACK
	MechanismPolice                    // token bucket, excess dropped
	MechanismCapacity                  // each packet passes with a probability
	MechanismRedirect                  // DNS queries go to another resolver, answers come back as from the first
	MechanismLearn                     // remember the server's address and port, act on it later
)

var mechanismNames = [...]string{"pass", "drop", "reset", "police", "capacity", "redirect", "learn"}

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

// Do is a mechanism with its own few words; a field that the mechanism does not know is zero.
type Do struct {
	Mechanism Mechanism
	Direction Direction     // drop: which packets are dropped
	After     Range         // drop: packets of the flow, both directions, that still pass after the one that decided
	Residual  time.Duration // how long the 5-tuple stays hit, from the deciding packet; 0: as long as the flow is remembered
	Refresh   bool          // every further packet of the flow starts Residual again
	Rate      int64         // police: bytes a second of IP packets, in each direction a bucket of its own
	Burst     int64         // police: bytes that a full bucket holds
	Capacity  int           // capacity: 0 to 100, the chance of a packet in percent
	Resolver  []netip.Addr  // redirect: at most one IPv4 and one IPv6 address
	Delay     time.Duration // learn: from the first sight of a server to Then
	Then      *Do           // learn: what new flows to the learnt address and port get
}

// Profile is how a box sees and remembers. Parse gives every field its default.
type Profile struct {
	Reassembly  Reassembly
	Originator  bool          // rules that read payload act only on flows opened from inside (IMC21, IMC22)
	Inspect     Range         // packets with payload that are looked at when the first one opened a known protocol (IMC21: 15 to 20)
	Unknown     int           // bytes: a first payload of at least this size that opens nothing known ends inspection (IMC21: 101)
	TCPIdle     time.Duration // a TCP flow is forgotten after this long without a packet
	UDPIdle     time.Duration
	OtherIdle   time.Duration
	TrailingDot bool    // a trailing dot in a name is ignored; the 2021 boxes took it for another name (IMC21)
	Miss        float64 // chance that a flow is not looked at, 0 to 1
	Flows       int     // flows remembered at once; more pass unseen
	FailClosed  bool    // packets are lost when the box does not keep up or is dead; the real ones fail open (TDOC)
}

// Reassembly says which cuts of a ClientHello a box sees through.
type Reassembly struct {
	TCP      bool // segments are joined
	Records  bool // TLS records are joined
	Both     bool // a hello that is cut both ways is joined as well; the 2025 boxes joined each alone (FOCI25)
	Bytes    int  // of stream that are kept
	Segments int  // with payload that are kept
}

// Condition is what a rule looks for: the fields are joined by and, the values of one field by or.
// The zero Condition asks for nothing.
type Condition struct {
	SNI, Host, Query []string // names of lists, or patterns as in a list
	To, From         []string // names of lists, or prefixes
	Protocol         []Protocol
	Transport        []Transport
	Port             []Range
	Opened           Side
}
