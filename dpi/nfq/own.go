package nfq

import (
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"unsafe"

	"golang.org/x/sys/unix"
)

const (
	batchSize   = 128      // packets of one receive; 64 cost a tenth more processor time on bulk traffic, 256 no less (choice)
	verdictRoom = 64 << 10 // verdicts are sent when this is full, or at Flush
	maxReplaced = 0xffff - attrHeader
)

// own is the fast Queue. It reads with recvmmsg and sends many verdict messages at once, one for a whole run of accepted packets.
type own struct {
	fd        int
	number    uint16
	buffer    int
	headers   []mmsghdr
	buffers   [][]byte
	packets   []Packet
	run       run
	out       []byte
	err       error // of a verdict, until Flush
	overflows atomic.Uint64
	refused   atomic.Uint64

	mu     sync.Mutex // of closed: no Wake to a descriptor that is another's by now
	closed bool
}

type mmsghdr struct {
	hdr unix.Msghdr
	len uint32
	_   [4]byte
}

var kernelAddress = unix.RawSockaddrNetlink{Family: unix.AF_NETLINK}

// ownRoom is the largest message: a whole packet, and more than all other attributes need.
const ownRoom = maxCopyRange + 1024

func newOwn(fd int, number uint16, room int) *own {
	q := &own{
		fd: fd, number: number,
		headers: make([]mmsghdr, batchSize), buffers: make([][]byte, batchSize),
		packets: make([]Packet, 0, batchSize), out: make([]byte, 0, verdictRoom),
	}
	vectors := make([]unix.Iovec, batchSize)
	for i := range q.buffers {
		q.buffers[i] = make([]byte, room) // of which only what is used costs memory
		vectors[i].Base = &q.buffers[i][0]
		vectors[i].SetLen(len(q.buffers[i]))
		q.headers[i].hdr.Iov = &vectors[i]
		q.headers[i].hdr.SetIovlen(1)
	}
	return q
}

// Receive implements Queue.
func (q *own) Receive() ([]Packet, error) {
	q.run.received(q.packets)
	q.packets = q.packets[:0]
	for {
		n, _, e := unix.Syscall6(unix.SYS_RECVMMSG, uintptr(q.fd), uintptr(unsafe.Pointer(&q.headers[0])), batchSize, unix.MSG_WAITFORONE, 0, 0)
		switch e {
		case 0:
			for i := range int(n) {
				q.datagram(q.buffers[i][:q.headers[i].len])
			}
			return q.packets, nil
		case unix.EAGAIN:
			return nil, nil
		case unix.EINTR:
		case unix.ENOBUFS: // what was there before the overflow still is
			q.overflows.Add(1)
		default:
			return nil, fmt.Errorf("nfq: read queue %d: %w", q.number, e)
		}
	}
}

// datagram decodes what one receive gave: one packet, by how the kernel sends them.
func (q *own) datagram(b []byte) {
	for len(b) > 0 {
		m, rest, err := next(b)
		if err != nil {
			return
		}
		b = rest
		switch m.typ {
		case typePacket:
			q.packet(m.body)
		case unix.NLMSG_ERROR:
			if e, err := errno(m.body); err == nil && e != 0 {
				q.refused.Add(1)
			}
		}
	}
}

func (q *own) packet(body []byte) {
	q.packets = append(q.packets, Packet{}) // no growth: one packet a datagram
	p := &q.packets[len(q.packets)-1]
	if err := p.decode(body); err != nil {
		p.Data = nil // with its id known, the daemon still decides it
		if p.ID == 0 {
			q.packets = q.packets[:len(q.packets)-1]
		}
	}
}

// Verdict implements Queue.
func (q *own) Verdict(id uint32, accept bool, mark uint32, data []byte) {
	if len(data) > maxReplaced {
		q.refused.Add(1)
		accept, data = false, nil
	}
	if q.run.decided(q.packets, id) && accept && mark == 0 && data == nil {
		q.run.add(id)
		return
	}
	if len(q.out) > 0 && len(q.out)+len(data)+128 > verdictRoom {
		q.err = errors.Join(q.err, q.send())
	}
	q.out = q.run.appendTo(q.out, q.number)
	q.out = appendVerdict(q.out, q.number, id, accept, mark, data)
}

// Flush implements Queue.
func (q *own) Flush() error {
	q.out = q.run.appendTo(q.out, q.number)
	err := q.send()
	if q.err != nil {
		err, q.err = errors.Join(q.err, err), nil
	}
	return err
}

func (q *own) send() error {
	if len(q.out) == 0 {
		return nil
	}
	e := sendTo(q.fd, q.out)
	q.out = q.out[:0]
	if e != 0 {
		return fmt.Errorf("nfq: verdicts for queue %d: %w", q.number, e)
	}
	return nil
}

// sendTo is sendto(2) to the kernel, without the allocation of a Sockaddr. The scheduler is not told of the call, which works for up to a
// millisecond and does not sleep: it would take the worker's place in the program away, and the worker would wait for another.
func sendTo(fd int, b []byte) unix.Errno {
	for {
		_, _, e := unix.RawSyscall6(unix.SYS_SENDTO, uintptr(fd), uintptr(unsafe.Pointer(&b[0])), uintptr(len(b)), 0,
			uintptr(unsafe.Pointer(&kernelAddress)), unsafe.Sizeof(kernelAddress))
		if e != unix.EINTR {
			return e
		}
	}
}

// Wake implements Queue: the acknowledgement of an empty request is a message to receive.
func (q *own) Wake() {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.closed {
		return
	}
	b := appendMessage(nil, unix.NLMSG_NOOP, flagRequest|flagAck, 0)
	sendTo(q.fd, finish(b, 0))
}

// CopyRange implements Queue. The kernel answers only if it refuses.
func (q *own) CopyRange(bytes int) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.closed {
		return ErrClosed
	}
	b := append(appendMessage(nil, typeConfig, flagRequest, q.number), copyParams(bytes)...)
	if e := sendTo(q.fd, finish(b, 0)); e != 0 {
		return e
	}
	return nil
}

// Buffer implements Queue.
func (q *own) Buffer() int { return q.buffer }

// Overflows implements Queue.
func (q *own) Overflows() (overflows, refused uint64) { return q.overflows.Load(), q.refused.Load() }

// Close implements Queue.
func (q *own) Close() error {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.closed {
		return nil
	}
	q.closed = true
	return unix.Close(q.fd)
}
