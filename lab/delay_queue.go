package lab

import (
	"encoding/binary"
	"fmt"

	"golang.org/x/sys/unix"
)

// The netfilter queue of a delay line: it learns of packets without their content and accepts them in order. dpi/nfq has
// the queue reader for packets that are looked at; this one is a tenth of it and needs none of what that does.

// linux/netfilter/nfnetlink_queue.h
const (
	nfqMsgPacket       = unix.NFNL_SUBSYS_QUEUE << 8
	nfqMsgConfig       = unix.NFNL_SUBSYS_QUEUE<<8 | 2
	nfqMsgVerdictBatch = unix.NFNL_SUBSYS_QUEUE<<8 | 3

	nfqAttrPacket  = 1
	nfqAttrVerdict = 2

	nfqCfgCommand = 1
	nfqCfgParams  = 2
	nfqCfgLength  = 3
	nfqCfgMask    = 4
	nfqCfgFlags   = 5

	nfqCommandBind = 1
	nfqCopyMeta    = 1
	nfqFlagGSO     = 4 // large packets are queued whole
	nfqAccept      = 1
)

const lineNumber = 0 // of the queue, in a namespace of its own

type lineQueue struct {
	fd      int
	buf     []byte
	verdict []byte
}

// openLineQueue binds the queue in the namespace of the calling thread.
func openLineQueue() (*lineQueue, error) {
	fd, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_RAW|unix.SOCK_CLOEXEC, unix.NETLINK_NETFILTER)
	if err != nil {
		return nil, fmt.Errorf("open netfilter netlink: %w", err)
	}
	q := &lineQueue{fd: fd, buf: make([]byte, 64<<10)}
	if err := q.configure(); err != nil {
		q.close()
		return nil, fmt.Errorf("bind netfilter queue: %w", asFeature(err, "netfilter queues (CONFIG_NETFILTER_NETLINK_QUEUE)"))
	}
	payload := binary.BigEndian.AppendUint32(nil, nfqAccept)
	q.verdict = message(nfqMsgVerdictBatch, unix.NLM_F_REQUEST, attribute(nil, nfqAttrVerdict, binary.BigEndian.AppendUint32(payload, 0)))
	return q, nil
}

func (q *lineQueue) configure() error {
	if err := unix.Bind(q.fd, &unix.SockaddrNetlink{Family: unix.AF_NETLINK}); err != nil {
		return err
	}
	// What does not fit the socket is dropped by the kernel, packet and all: make room, and want no error about it.
	_ = unix.SetsockoptInt(q.fd, unix.SOL_SOCKET, unix.SO_RCVBUF, 8<<20)
	if err := unix.SetsockoptInt(q.fd, unix.SOL_NETLINK, unix.NETLINK_NO_ENOBUFS, 1); err != nil {
		return err
	}
	u32 := func(v uint32) []byte { return binary.BigEndian.AppendUint32(nil, v) }
	for _, attrs := range [][]byte{
		attribute(nil, nfqCfgCommand, []byte{nfqCommandBind, 0, 0, 0}),
		attribute(nil, nfqCfgParams, append(u32(0), nfqCopyMeta)),
		attribute(nil, nfqCfgLength, u32(lineLength)),
		attribute(attribute(nil, nfqCfgFlags, u32(nfqFlagGSO)), nfqCfgMask, u32(nfqFlagGSO)),
	} {
		if err := q.send(message(nfqMsgConfig, unix.NLM_F_REQUEST|unix.NLM_F_ACK, attrs)); err != nil {
			return err
		}
		if err := q.acknowledged(); err != nil {
			return err
		}
	}
	return nil
}

// acknowledged waits for the answer to a configuration message, over packets that are already coming in: the rule is
// older than the queue, so a packet may be lost here, but only before Build returns.
func (q *lineQueue) acknowledged() error {
	for {
		n, _, err := unix.Recvfrom(q.fd, q.buf, 0)
		switch {
		case err == unix.EINTR:
			continue
		case err != nil:
			return err
		case n >= 20 && binary.NativeEndian.Uint16(q.buf[4:]) == unix.NLMSG_ERROR:
			if e := int32(binary.NativeEndian.Uint32(q.buf[16:])); e != 0 {
				return unix.Errno(-e)
			}
			return nil
		}
	}
}

// receive takes every packet that is there.
func (q *lineQueue) receive(f func(id uint32)) error {
	for {
		n, _, err := unix.Recvfrom(q.fd, q.buf, unix.MSG_DONTWAIT)
		switch {
		case err == unix.EAGAIN:
			return nil
		case err == unix.EINTR:
			continue
		case err != nil:
			return fmt.Errorf("read netfilter queue: %w", err)
		}
		for b := q.buf[:n]; len(b) >= 20; {
			size := int(binary.NativeEndian.Uint32(b))
			if size < 20 || size > len(b) {
				break
			}
			if binary.NativeEndian.Uint16(b[4:]) == nfqMsgPacket {
				if id, ok := packetID(b[20:size]); ok {
					f(id)
				}
			}
			b = b[min(align(size), len(b)):]
		}
	}
}

// packetID finds the packet's id among the attributes of a packet message.
func packetID(b []byte) (uint32, bool) {
	for len(b) >= 4 {
		size := int(binary.NativeEndian.Uint16(b))
		if size < 4 || size > len(b) {
			return 0, false
		}
		if binary.NativeEndian.Uint16(b[2:]) == nfqAttrPacket && size >= 8 {
			return binary.BigEndian.Uint32(b[4:]), true
		}
		b = b[min(align(size), len(b)):]
	}
	return 0, false
}

// acceptUpTo accepts the packet with this id and all that came before it.
func (q *lineQueue) acceptUpTo(id uint32) error {
	binary.BigEndian.PutUint32(q.verdict[len(q.verdict)-4:], id)
	err := q.send(q.verdict)
	if err != nil {
		return fmt.Errorf("accept packets: %w", err)
	}
	return nil
}

func (q *lineQueue) send(m []byte) error {
	for {
		err := unix.Sendto(q.fd, m, 0, &unix.SockaddrNetlink{Family: unix.AF_NETLINK})
		if err != unix.EINTR {
			return err
		}
	}
}

func (q *lineQueue) close() { unix.Close(q.fd) }

func align(n int) int { return (n + 3) &^ 3 }

// attribute appends a netlink attribute.
func attribute(b []byte, kind uint16, data []byte) []byte {
	b = binary.NativeEndian.AppendUint16(b, uint16(4+len(data)))
	b = binary.NativeEndian.AppendUint16(b, kind)
	b = append(b, data...)
	return append(b, make([]byte, align(len(data))-len(data))...)
}

// message makes a netfilter netlink message for the line's queue.
func message(kind, flags uint16, attrs []byte) []byte {
	b := binary.NativeEndian.AppendUint32(nil, uint32(20+len(attrs)))
	b = binary.NativeEndian.AppendUint16(b, kind)
	b = binary.NativeEndian.AppendUint16(b, flags)
	b = append(b, make([]byte, 10)...) // sequence, port, family, version
	b = binary.BigEndian.AppendUint16(b, lineNumber)
	return append(b, attrs...)
}
