package bench

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"net"
	"net/netip"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"dpilab/dpi/packet"
	"dpilab/dpi/trace/craft"
)

// floodKinds are the floods, in the order in which they come: SYNs, first fragments of datagrams that never end, Initials with random
// connection ids, random bytes behind an IP header; and SYNs at boxes that remember few flows, one that fails then as its profile says,
// and one where the oldest flows give way.
var floodKinds = []string{"syn", "fragments", "initials", "random", "full", "evicts"}

const (
	floodInterface = "wire"
	floodBatch     = 64
)

// floodTo is where floods go: to the server's interface, but to an address that nobody has, so that what gets through ends there.
var floodTo = netip.MustParseAddr("198.18.0.3")

// makeFlood sends packets of the kind that is the first of Names, Rate a second at most, past the host's IP stack: Done in Took.
func makeFlood(j job) (answer, error) {
	r := rand.New(rand.NewPCG(5, 6))
	next, err := floodOf(j.Names[0], r)
	if err != nil {
		return answer{}, err
	}
	i, err := net.InterfaceByName(floodInterface)
	if err != nil {
		return answer{}, err
	}
	fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return answer{}, err
	}
	defer unix.Close(fd)
	if err := unix.Bind(fd, &unix.SockaddrLinklayer{Ifindex: i.Index}); err != nil {
		return answer{}, err
	}
	b := newBatch(i.HardwareAddr, j.To)
	var x answer
	start := time.Now()
	for {
		now := time.Since(start)
		if x.Took = now; now > j.For {
			return x, nil
		}
		if ahead := time.Duration(x.Done)*time.Second/time.Duration(j.Rate) - now; ahead > time.Millisecond {
			time.Sleep(ahead)
		}
		for k := range floodBatch {
			b.fill(k, next)
		}
		n, _, e := unix.Syscall6(unix.SYS_SENDMMSG, uintptr(fd), uintptr(unsafe.Pointer(&b.headers[0])), floodBatch, 0, 0, 0)
		switch e {
		case 0:
			x.Done += int(n)
		case unix.EINTR, unix.EAGAIN, unix.ENOBUFS:
		default:
			return x, e
		}
	}
}

// batch are the frames that go out together.
type batch struct {
	headers [floodBatch]struct {
		hdr unix.Msghdr
		len uint32
		_   [4]byte
	}
	vectors [floodBatch]unix.Iovec
	frames  [floodBatch][]byte
}

// newBatch makes frames from one hardware address to that of a host of the lab, which ends with its IPv4 address.
func newBatch(from net.HardwareAddr, to netip.Addr) *batch {
	b := &batch{}
	for i := range b.frames {
		f := append(make([]byte, 0, 2048), 2, 0)
		f = append(f, to.AsSlice()...)
		f = append(f, from...)
		b.frames[i] = append(f, 0x08, 0x00)
		b.vectors[i].Base = &b.frames[i][0]
		b.headers[i].hdr.Iov = &b.vectors[i]
		b.headers[i].hdr.SetIovlen(1)
	}
	return b
}

const etherHeader = 14

// fill puts the next packet into a frame.
func (b *batch) fill(i int, next func([]byte) []byte) {
	b.frames[i] = next(b.frames[i][:etherHeader])
	b.vectors[i].Base = &b.frames[i][0]
	b.vectors[i].SetLen(len(b.frames[i]))
}

// floodOf gives what appends one packet after the other.
func floodOf(kind string, r *rand.Rand) (func([]byte) []byte, error) {
	someone := func() netip.AddrPort {
		n := r.Uint32()
		return netip.AddrPortFrom(netip.AddrFrom4([4]byte{198, 19, byte(n >> 8), byte(n)}), uint16(n>>16)|1024)
	}
	server := netip.AddrPortFrom(floodTo, portConnections)
	switch kind {
	case "syn", "full", "evicts":
		return func(b []byte) []byte {
			return packet.AppendTCP(b, someone(), server, r.Uint32(), 0, packet.SYN, 64, nil)
		}, nil
	case "fragments":
		// The first 8 bytes of a datagram, whose other fragments never come.
		return func(b []byte) []byte {
			at := len(b)
			b = packet.AppendUDP(b, someone(), server, 64, nil)
			binary.BigEndian.PutUint16(b[at+4:], uint16(r.Uint32()))
			b[at+6], b[at+7] = 0x20, 0
			return sealed(b, at)
		}, nil
	case "initials":
		var all [][]byte
		for i := range uint64(pairs) {
			q := craft.Initial{Hello: craft.Hello{Name: "flood.example"}, Version: craft.QUICv1}
			all = append(all, q.Payloads(rand.New(rand.NewPCG(7, i)))...)
		}
		return func(b []byte) []byte {
			payload := all[r.IntN(len(all))]
			binary.BigEndian.PutUint64(payload[6:], r.Uint64()) // another connection id: another key, under which nothing decrypts
			return packet.AppendUDP(b, someone(), server, 64, payload)
		}, nil
	case "random":
		payload := make([]byte, 1400)
		return func(b []byte) []byte {
			at := len(b)
			p := payload[:r.IntN(600)]
			for i := 0; i+8 <= len(p); i += 8 {
				binary.LittleEndian.PutUint64(p[i:], r.Uint64())
			}
			to := netip.AddrPortFrom(floodTo, uint16(r.Uint32()))
			b = packet.AppendUDP(b, someone(), to, 64, p)
			b[at+9] = []byte{packet.UDP, packet.TCP, byte(r.Uint32())}[r.IntN(3)] // what was a UDP header is TCP's, or nobody's
			return sealed(b, at)
		}, nil
	}
	return nil, fmt.Errorf("no flood is called %q", kind)
}

// sealed makes the checksum of the IPv4 header at a place right.
func sealed(b []byte, at int) []byte {
	h := b[at : at+20]
	h[10], h[11] = 0, 0
	sum := uint32(0)
	for i := 0; i < len(h); i += 2 {
		sum += uint32(binary.BigEndian.Uint16(h[i:]))
	}
	sum = sum>>16 + sum&0xffff
	binary.BigEndian.PutUint16(h[10:], ^uint16(sum>>16+sum&0xffff))
	return b
}
