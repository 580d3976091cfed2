package nfq

import (
	"dpilab/rules"

	"github.com/google/nftables/expr"
	"golang.org/x/sys/unix"
)

// outside loads the address of a packet's outside end.
func (f *family) outside(dir rules.Direction) []expr.Any {
	at := f.dst
	if dir == rules.Down {
		at = f.src
	}
	return []expr.Any{load(expr.PayloadBaseNetworkHeader, at, f.size, firstRegister)}
}

// outsidePort loads the port of a packet's outside end.
func outsidePort(dir rules.Direction) expr.Any {
	at := uint32(2)
	if dir == rules.Down {
		at = 0
	}
	return load(expr.PayloadBaseTransportHeader, at, 2, firstRegister)
}

// unclear are conditions, each for packets of which the rules cannot tell what the engine makes of them: fragments, IPv6 extension
// headers, and IPv4 addresses in IPv6 packets, which to the engine are those of IPv4 (choice: it names flows so).
func (f *family) unclear(dir rules.Direction) [][]expr.Any {
	if f.nfproto == unix.NFPROTO_IPV4 {
		return [][]expr.Any{{load(expr.PayloadBaseNetworkHeader, 6, 2, 1),
			&expr.Bitwise{SourceRegister: 1, DestRegister: 1, Len: 2, Mask: []byte{0x3f, 0xff}, Xor: []byte{0, 0}},
			&expr.Cmp{Op: expr.CmpOpNeq, Register: 1, Data: []byte{0, 0}}}}
	}
	var all [][]expr.Any
	for _, next := range []byte{unix.IPPROTO_HOPOPTS, unix.IPPROTO_ROUTING, unix.IPPROTO_FRAGMENT, unix.IPPROTO_AH, unix.IPPROTO_DSTOPTS} {
		all = append(all, f.protocol(expr.CmpOpEq, next))
	}
	mapped := []byte{10: 0xff, 11: 0xff}
	for at, end := range map[uint32]rules.Direction{f.dst: rules.Up, f.src: rules.Down} {
		if dir == end || dir == rules.Both {
			all = append(all, []expr.Any{load(expr.PayloadBaseNetworkHeader, at, uint32(len(mapped)), 1), &expr.Cmp{Op: expr.CmpOpEq, Register: 1, Data: mapped}})
		}
	}
	return all
}

// protocol compares what the IP header says to follow it.
func (f *family) protocol(op expr.CmpOp, protocol byte) []expr.Any {
	at := uint32(6)
	if f.nfproto == unix.NFPROTO_IPV4 {
		at = 9
	}
	return []expr.Any{load(expr.PayloadBaseNetworkHeader, at, 1, 1), &expr.Cmp{Op: op, Register: 1, Data: []byte{protocol}}}
}

// transports are conditions, one of which holds for TCP and UDP packets of the transports in the set; nil holds for both.
func (f *family) transports(set uint32) (conditions [][]expr.Any) {
	tcp, udp := set == 0 || set&(1<<rules.TransportTCP) != 0, set == 0 || set&(1<<rules.TransportUDP) != 0
	switch {
	case tcp && udp:
		return [][]expr.Any{nil}
	case tcp:
		return [][]expr.Any{f.protocol(expr.CmpOpEq, unix.IPPROTO_TCP)}
	case udp:
		return [][]expr.Any{f.protocol(expr.CmpOpEq, unix.IPPROTO_UDP)}
	}
	return nil
}
