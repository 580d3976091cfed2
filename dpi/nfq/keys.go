package nfq

import (
	"github.com/google/nftables"
	"github.com/google/nftables/binaryutil"
	"github.com/google/nftables/expr"
	"golang.org/x/sys/unix"
)

// family is what the rules of IPv4 and of IPv6 differ in.
type family struct {
	suffix   string // of its sets and chains
	nfproto  byte
	src, dst uint32 // offsets in the IP header
	size     uint32 // of an address
	address  nftables.SetDatatype
}

var families = []family{
	{"4", unix.NFPROTO_IPV4, 12, 16, 4, nftables.TypeIPAddr},
	{"6", unix.NFPROTO_IPV6, 8, 24, 16, nftables.TypeIP6Addr},
}

// keyType is source and destination address, protocol, source and destination port.
func (f *family) keyType() nftables.SetDatatype {
	return nftables.MustConcatSetType(f.address, f.address, nftables.TypeInetProto, nftables.TypeInetService, nftables.TypeInetService)
}

const firstRegister = 8 // NFT_REG32_00: 4 bytes each

// key loads the packet's 5-tuple into the registers from firstRegister on; back loads that of its answers.
// Only for packets that guards let through.
func (f *family) key(back bool) []expr.Any {
	src, dst, sport, dport := f.src, f.dst, uint32(0), uint32(2)
	if back {
		src, dst, sport, dport = dst, src, dport, sport
	}
	words := f.size / 4
	return []expr.Any{
		load(expr.PayloadBaseNetworkHeader, src, f.size, firstRegister),
		load(expr.PayloadBaseNetworkHeader, dst, f.size, firstRegister+words),
		&expr.Meta{Key: expr.MetaKeyL4PROTO, Register: firstRegister + 2*words},
		load(expr.PayloadBaseTransportHeader, sport, 2, firstRegister+2*words+1),
		load(expr.PayloadBaseTransportHeader, dport, 2, firstRegister+2*words+2),
	}
}

// guards are the conditions, one list for TCP and one for UDP, under which the bytes that key reads are ports. A
// fragment has none to rely on: later ones carry data there, and the first one must stay with them. IPv6 packets
// with any extension header are left out, fragments among them.
func (f *family) guards() [][]expr.Any {
	var all [][]expr.Any
	for _, protocol := range []byte{unix.IPPROTO_TCP, unix.IPPROTO_UDP} {
		g := metaIs(expr.MetaKeyNFPROTO, []byte{f.nfproto})
		if f.nfproto == unix.NFPROTO_IPV4 {
			g = append(g, f.fragment(expr.CmpOpEq)...)
		}
		all = append(all, append(g, f.protocol(expr.CmpOpEq, protocol)...))
	}
	return all
}

// fragment compares the flags and the offset of an IPv4 packet with those of a whole one: CmpOpNeq holds for fragments.
func (f *family) fragment(op expr.CmpOp) []expr.Any {
	return []expr.Any{
		load(expr.PayloadBaseNetworkHeader, 6, 2, 1),
		&expr.Bitwise{SourceRegister: 1, DestRegister: 1, Len: 2, Mask: []byte{0x3f, 0xff}, Xor: []byte{0, 0}},
		&expr.Cmp{Op: op, Register: 1, Data: []byte{0, 0}},
	}
}

const (
	flagSYN = 0x02
	flagACK = 0x10
	finRST  = 0x01 | 0x04
)

// bareSYN is for TCP packets, and holds for those with SYN and without ACK, RST and FIN.
func bareSYN() []expr.Any { return flags(flagACK|flagSYN|finRST, flagSYN) }

// flags is for TCP packets, and holds for those whose flags in the mask are these; with none, for those that have one of the mask.
func flags(mask, are byte) []expr.Any {
	op := expr.CmpOpEq
	if are == 0 {
		op = expr.CmpOpNeq
	}
	return []expr.Any{
		load(expr.PayloadBaseTransportHeader, 13, 1, 1),
		&expr.Bitwise{SourceRegister: 1, DestRegister: 1, Len: 1, Mask: []byte{mask}, Xor: []byte{0}},
		&expr.Cmp{Op: op, Register: 1, Data: []byte{are}},
	}
}

// small holds for packets that are not longer than an IP header without options and a TCP header with all of its options.
func (f *family) small() []expr.Any {
	most := byte(20 + 60)
	if f.nfproto == unix.NFPROTO_IPV6 {
		most = 40 + 60
	}
	return []expr.Any{&expr.Meta{Key: expr.MetaKeyLEN, Register: 1},
		&expr.Byteorder{SourceRegister: 1, DestRegister: 1, Op: expr.ByteorderHton, Len: 4, Size: 4},
		&expr.Cmp{Op: expr.CmpOpLte, Register: 1, Data: []byte{0, 0, 0, most}}}
}

func load(base expr.PayloadBase, offset, length, register uint32) expr.Any {
	return &expr.Payload{OperationType: expr.PayloadLoad, Base: base, Offset: offset, Len: length, DestRegister: register}
}

func metaIs(key expr.MetaKey, value []byte) []expr.Any {
	return []expr.Any{&expr.Meta{Key: key, Register: 1}, &expr.Cmp{Op: expr.CmpOpEq, Register: 1, Data: value}}
}

// markHas holds when the packet has our mark with this bit.
func markHas(bit uint32) []expr.Any {
	return []expr.Any{
		&expr.Meta{Key: expr.MetaKeyMARK, Register: 1},
		&expr.Bitwise{SourceRegister: 1, DestRegister: 1, Len: 4, Mask: u32(bit), Xor: u32(0)},
		&expr.Cmp{Op: expr.CmpOpNeq, Register: 1, Data: u32(0)},
	}
}

func u32(v uint32) []byte { return binaryutil.NativeEndian.PutUint32(v) }

// named is an interface name as the kernel compares it.
func named(name string) []byte {
	b := make([]byte, unix.IFNAMSIZ)
	copy(b, name)
	return b
}
