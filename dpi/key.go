package dpi

import (
	"encoding/binary"
	"math/bits"
	"net/netip"

	"dpilab/dpi/packet"
	"dpilab/rules"
)

// address is an IP address as package packet has it, in two words: what is compared and hashed by words is to be written by words.
type address [2]uint64

func addressOf(b [16]byte) (a address) {
	a.read(&b)
	return a
}

func (a *address) read(b *[16]byte) {
	a[0], a[1] = binary.LittleEndian.Uint64(b[:8]), binary.LittleEndian.Uint64(b[8:])
}

func (a address) bytes() (b [16]byte) {
	binary.LittleEndian.PutUint64(b[:8], a[0])
	binary.LittleEndian.PutUint64(b[8:], a[1])
	return b
}

// addr is packet.AddrOf: IPv4, which most are, without a detour by sixteen bytes, which would be read before they are written.
func (a address) addr() netip.Addr {
	if v := uint32(a[1] >> 32); a[0] == 0 && uint32(a[1]) == 0xffff0000 {
		return netip.AddrFrom4([4]byte{byte(v), byte(v >> 8), byte(v >> 16), byte(v >> 24)})
	}
	return packet.AddrOf(a.bytes())
}

// key names a flow. The box knows which side a packet comes from, so one key serves both directions.
type key struct {
	inside, outside         address
	insidePort, outsidePort uint16
	transport               uint8
}

func keyOf(p *packet.Packet, dir rules.Direction) (k key) {
	k.read(p, dir)
	return k
}

// read makes k the key of a packet's flow, in its place: a copy would be read back before it is written.
func (k *key) read(p *packet.Packet, dir rules.Direction) {
	k.transport = p.Protocol
	if dir == rules.Up {
		k.inside.read(&p.Src)
		k.outside.read(&p.Dst)
		k.insidePort, k.outsidePort = p.SrcPort, p.DstPort
		return
	}
	k.inside.read(&p.Dst)
	k.outside.read(&p.Src)
	k.insidePort, k.outsidePort = p.DstPort, p.SrcPort
}

func (k *key) id() FlowID {
	return FlowID{
		Transport: k.transport,
		Inside:    netip.AddrPortFrom(k.inside.addr(), k.insidePort),
		Outside:   netip.AddrPortFrom(k.outside.addr(), k.outsidePort),
	}
}

// rest is what is not an address, in one word.
func (k *key) rest() uint64 {
	return uint64(k.insidePort)<<24 | uint64(k.outsidePort)<<8 | uint64(k.transport)
}

// same is ==, by words.
func (k *key) same(o *key) bool {
	return k.inside == o.inside && k.outside == o.outside && k.rest() == o.rest()
}

// hash mixes the key with a seed of the engine's own, so that nobody outside can aim at one place: not by a factor that is 0 either, for
// the seed is in all of them. The addresses are mixed side by side, as in wyhash (public domain): one multiplication waits for no other.
func (k *key) hash(seed uint64) uint64 {
	turned := bits.RotateLeft64(seed, 32)
	inside := mix(seed^k.inside[0]^0x9e3779b97f4a7c15, turned^k.inside[1])
	outside := mix(turned^k.outside[0], seed^k.outside[1]^0xd6e8feb86659fd93)
	return mix(inside^bits.RotateLeft64(outside, 1), turned^k.rest()^0xa0761d6478bd642f)
}

func mix(a, b uint64) uint64 {
	hi, lo := bits.Mul64(a, b)
	return hi ^ lo
}
