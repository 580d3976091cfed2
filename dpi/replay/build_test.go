package replay

import (
	"encoding/binary"
	"net/netip"
	"time"

	"dpilab/dpi/packet"
)

var (
	client = netip.MustParseAddrPort("198.51.100.2:40000")
	server = netip.MustParseAddrPort("203.0.113.10:443")
)

// frameHead is an Ethernet header from the client's machine to the server's.
var frameHead = []byte{2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1, 8, 0}

func ethernet(ip []byte) []byte { return append(append([]byte(nil), frameHead...), ip...) }

func tcp(src, dst netip.AddrPort, seq uint32, flags uint8, payload string) []byte {
	return packet.AppendTCP(nil, src, dst, seq, 1, flags, 64, []byte(payload))
}

func udp(src, dst netip.AddrPort, payload string) []byte {
	return packet.AppendUDP(nil, src, dst, 64, []byte(payload))
}

// pcapFile builds a capture; packets are a millisecond apart.
type pcapFile struct {
	order  binary.AppendByteOrder
	magic  uint32
	link   uint32
	units  uint32
	record int
	data   []byte
	now    time.Duration
}

func newPcap(order binary.AppendByteOrder, magic, link uint32) *pcapFile {
	f := &pcapFile{order: order, magic: magic, link: link, units: 1e6, record: pcapRecord, now: 1_700_000_000 * time.Second}
	switch magic {
	case magicNano:
		f.units = 1e9
	case magicModified:
		f.record = modifiedRecord
	}
	f.u32(magic)
	f.data = order.AppendUint16(f.data, 2)
	f.data = order.AppendUint16(f.data, 4)
	f.u32(0, 0, 262144, link)
	return f
}

func plainPcap() *pcapFile { return newPcap(binary.LittleEndian, magicMicro, linkEthernet) }

func (f *pcapFile) u32(values ...uint32) {
	for _, v := range values {
		f.data = f.order.AppendUint32(f.data, v)
	}
}

func (f *pcapFile) at(now time.Duration) *pcapFile {
	f.now = 1_700_000_000*time.Second + now
	return f
}

func (f *pcapFile) add(frame []byte) *pcapFile { return f.cut(frame, len(frame)) }

// cut adds a packet of which only so much was captured.
func (f *pcapFile) cut(frame []byte, captured int) *pcapFile {
	f.u32(uint32(f.now/time.Second), uint32(f.now%time.Second/(time.Second/time.Duration(f.units))), uint32(captured), uint32(len(frame)))
	f.data = append(f.data, make([]byte, f.record-pcapRecord)...)
	f.data = append(f.data, frame[:captured]...)
	f.now += time.Millisecond
	return f
}

// ngFile builds pcapng.
type ngFile struct {
	order binary.AppendByteOrder
	data  []byte
}

func (f *ngFile) u32(values ...uint32) []byte {
	var b []byte
	for _, v := range values {
		b = f.order.AppendUint32(b, v)
	}
	return b
}

func (f *ngFile) block(kind uint32, body ...[]byte) *ngFile {
	var b []byte
	for _, part := range body {
		b = append(b, part...)
	}
	for len(b)%4 != 0 {
		b = append(b, 0)
	}
	n := uint32(len(b) + blockFrame)
	f.data = append(append(append(f.data, f.u32(kind, n)...), b...), f.u32(n)...)
	return f
}

func (f *ngFile) option(code uint16, value string) []byte {
	b := f.order.AppendUint16(f.order.AppendUint16(nil, code), uint16(len(value)))
	b = append(b, value...)
	for len(b)%4 != 0 {
		b = append(b, 0)
	}
	return b
}

func (f *ngFile) section() *ngFile {
	return f.block(blockSection, f.u32(sectionOrder, 1, 0xffffffff, 0xffffffff), f.option(4, "a test"), f.u32(0))
}

func (f *ngFile) face(link uint16, resolution string) *ngFile {
	head := f.order.AppendUint16(f.order.AppendUint16(nil, link), 0)
	return f.block(blockInterface, head, f.u32(0), f.option(2, "eth0"), f.option(optionResolution, resolution), f.u32(0))
}

func (f *ngFile) packet(face uint32, stamp uint64, frame []byte, options ...[]byte) *ngFile {
	padded := append(append([]byte(nil), frame...), make([]byte, (4-len(frame)%4)%4)...)
	body := [][]byte{f.u32(face, uint32(stamp>>32), uint32(stamp), uint32(len(frame)), uint32(len(frame))), padded}
	return f.block(blockPacket, append(body, options...)...)
}

var client6, server6 = addrPort("[2001:db8::2]:40000"), addrPort("[2001:db8:1::10]:443")

func addrPort(s string) netip.AddrPort { return netip.MustParseAddrPort(s) }

// addrPortOf gives the n-th flow's client.
func addrPortOf(c netip.AddrPort, n int) netip.AddrPort {
	a := c.Addr().As4()
	a[3] += byte(n >> 14)
	return netip.AddrPortFrom(netip.AddrFrom4(a), uint16(2000+n&0x3fff))
}
