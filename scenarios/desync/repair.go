package desync

import (
	"encoding/binary"
	"fmt"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Of linux/tcp.h; golang.org/x/sys has the options, not these values.
const (
	repairOff  = -1 // without the window probe that 0 sends
	repairOn   = 1
	queueRecv  = 1
	queueSend  = 2
	infoStamps = 1 // in tcp_info's options
)

// queuePause is the time between two looks at a full queue, queuePatience the longest that it may stay full.
const (
	queuePause    = 5 * time.Millisecond
	queuePatience = 10 * time.Second
)

// ledger is what the kernel knows of a connection, as far as packets of ours must agree with it.
type ledger struct {
	seq, ack uint32
	window   uint16 // as it stands in packets
	stamps   bool   // timestamps were agreed on
	stamp    uint32 // the clock of the client's timestamps
	mss      int    // most data in a segment, its options taken off
}

// repair runs f while the kernel takes the socket's queues as they are told.
func repair(fd int, f func() error) error {
	if err := unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_REPAIR, repairOn); err != nil {
		return fmt.Errorf("desync: TCP_REPAIR, which needs CAP_NET_ADMIN in the network's user namespace: %w", err)
	}
	err := f()
	if off := unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_REPAIR, repairOff); err == nil {
		err = off
	}
	return err
}

// readLedger reads the state of an open connection.
func readLedger(fd int) (l ledger, err error) {
	var info, window []byte
	err = repair(fd, func() error {
		for _, q := range []struct {
			queue int
			to    *uint32
		}{{queueRecv, &l.ack}, {queueSend, &l.seq}} {
			if err := unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_REPAIR_QUEUE, q.queue); err != nil {
				return err
			}
			n, err := unix.GetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_QUEUE_SEQ)
			if err != nil {
				return err
			}
			*q.to = uint32(n)
		}
		window, err = sockopt(fd, unix.TCP_REPAIR_WINDOW, 20)
		return err
	})
	if err != nil {
		return l, fmt.Errorf("desync: reading the connection's state: %w", err)
	}
	if info, err = sockopt(fd, unix.TCP_INFO, 24); err != nil {
		return l, fmt.Errorf("desync: TCP_INFO: %w", err)
	}
	l.stamps = info[5]&infoStamps != 0
	scale := info[6] >> 4
	l.window = uint16(min(binary.NativeEndian.Uint32(window[12:])>>scale, 0xffff))
	l.mss = int(binary.NativeEndian.Uint32(info[16:]))
	stamp, err := unix.GetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_TIMESTAMP)
	l.stamp = uint32(stamp)
	return l, err
}

// sockopt reads an option of TCP that is a structure.
func sockopt(fd, option, size int) ([]byte, error) {
	b := make([]byte, size)
	n := uint32(size)
	_, _, e := unix.Syscall6(unix.SYS_GETSOCKOPT, uintptr(fd), unix.IPPROTO_TCP, uintptr(option),
		uintptr(unsafe.Pointer(&b[0])), uintptr(unsafe.Pointer(&n)), 0)
	if e != 0 {
		return nil, e
	}
	if int(n) < size {
		return nil, fmt.Errorf("the kernel gives %d bytes of %d", n, size)
	}
	return b, nil
}

// enter puts data into the kernel's queue as if it were sent. With urgent, its last byte is. A queue that is full empties as the server
// acknowledges; it is waited for for a time.
func enter(fd int, data []byte, urgent bool) error {
	flags := unix.MSG_DONTWAIT | unix.MSG_NOSIGNAL
	if urgent {
		flags |= unix.MSG_OOB
	}
	for until := time.Now().Add(queuePatience); ; time.Sleep(queuePause) {
		err := repair(fd, func() error {
			if err := unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_REPAIR_QUEUE, queueSend); err != nil {
				return err
			}
			n, err := unix.SendmsgN(fd, data, nil, nil, flags)
			data = data[max(n, 0):]
			return err
		})
		if err == nil && len(data) > 0 {
			err = unix.EAGAIN
		}
		switch {
		case err == nil:
			return nil
		case err != unix.EAGAIN || time.Now().After(until):
			return fmt.Errorf("desync: %d bytes are left that the kernel's queue does not take: %w", len(data), err)
		}
	}
}

// openWith gives a socket that is not connected its first sequence number.
func openWith(fd int, seq uint32) error {
	return repair(fd, func() error {
		if err := unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_REPAIR_QUEUE, queueSend); err != nil {
			return err
		}
		return unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_QUEUE_SEQ, int(int32(seq)))
	})
}
