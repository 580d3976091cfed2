package desync

import "time"

// Strategy is what is done to a connection's first bytes. Parse makes it and nothing changes it, so any goroutine may use it. The
// zero Strategy does nothing.
type Strategy struct {
	window, mss int
	syn         *payload

	x25519, tls12   bool
	padding, alerts int
	records         []place
	http            httpChange

	fakes    []fake
	cuts     []place
	order    order
	firstTTL hopLimit // of the first segment, with inOrder
	oob      *place
	overlap  int
	delay    time.Duration
	fragment fragment

	udpFakes    []fake
	udpFragment fragment
	sourcePort  int
}

// order is the way in which the segments go out.
type order byte

const (
	inOrder  order = iota
	reversed       // the last one first
	expiring       // in order, the first with a TTL that does not reach the server
)

// hopLimit is a TTL: 0 that of the socket, auto one less than it takes to reach the server.
type hopLimit int

const auto hopLimit = -1

// fragment says how a packet is cut into two IP fragments; at 0 it is not.
type fragment struct {
	at      int // bytes of the IP payload in the first
	reverse bool
}

// fake is a packet that the server is not to take.
type fake struct {
	payload  payload
	ttl      hopLimit
	badSum   bool
	seq, ack int32 // added to what would be right
	stamp    int32 // the same, of the timestamp
	md5      bool
	noAck    bool
	times    int // 1 or more
}

// rejected tells whether something keeps a TCP server from taking the fake.
func (f fake) rejected() bool {
	return f.ttl != 0 || f.badSum || f.seq != 0 || f.ack != 0 || f.stamp != 0 || f.md5 || f.noAck
}

// httpChange is what is done to a request.
type httpChange struct {
	spell                                string // of the header's name; "": as it is
	domcase, dot, tab, noSpace, twoSpace bool
	methodSpace                          bool
}

// usesAuto tells whether the number of hops must be known, for TCP or for UDP.
func (s Strategy) usesAuto(udp bool) bool {
	fakes := s.fakes
	if udp {
		fakes = s.udpFakes
	}
	for _, f := range fakes {
		if f.ttl == auto {
			return true
		}
	}
	return !udp && s.firstTTL == auto
}

// usesRaw tells whether a TCP connection's first bytes need packets that the kernel would not make.
func (s Strategy) usesRaw() bool {
	return len(s.fakes) > 0 || len(s.cuts) > 0 || s.oob != nil || s.overlap > 0 || s.fragment.at > 0
}
