package lab

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"os"
	"sync/atomic"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// snapLength is how many bytes of a packet are kept: all, for large segments are at most 64 KiB and a header.
const snapLength = 128 << 10

// tap is a packet socket on one interface, which sees what comes in and what goes out.
type tap struct {
	node    string
	packets uint64 // read after stop
	file    *os.File
	conn    syscall.RawConn
	ending  atomic.Bool
	done    chan struct{}
	err     error // of reading; read after done

	buf     []byte
	control []byte
}

func (h *Host) openTap(name string) (*tap, error) {
	t := &tap{node: h.Name, done: make(chan struct{}), buf: make([]byte, snapLength), control: make([]byte, 256)}
	err := h.Do(func() error {
		i, err := net.InterfaceByName(name)
		if err != nil {
			return err
		}
		// Protocol 0 takes nothing yet, so that no packet of another interface gets in before Bind.
		fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
		if err != nil {
			return fmt.Errorf("open packet socket: %w", asFeature(err, "packet sockets (CONFIG_PACKET)"))
		}
		t.file = os.NewFile(uintptr(fd), name)
		_ = unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUF, 16<<20) // as much as the machine allows
		if err := unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_TIMESTAMPNS, 1); err != nil {
			return fmt.Errorf("ask for timestamps: %w", err)
		}
		if err := unix.Bind(fd, &unix.SockaddrLinklayer{Protocol: bigEndian16(unix.ETH_P_ALL), Ifindex: i.Index}); err != nil {
			return fmt.Errorf("bind packet socket: %w", err)
		}
		t.conn, err = t.file.SyscallConn()
		return err
	})
	if err != nil {
		if t.file != nil {
			t.file.Close()
		}
		return nil, err
	}
	return t, nil
}

// bigEndian16 gives the number whose bytes in memory are those of v in network order.
func bigEndian16(v uint16) uint16 {
	return binary.NativeEndian.Uint16(binary.BigEndian.AppendUint16(nil, v))
}

// run gives every packet to write, and calls idle when none came for flushEvery. After stop it takes what is still there.
func (t *tap) run(write func(at time.Time, data []byte, length int), idle func()) {
	defer close(t.done)
	for {
		if !t.ending.Load() {
			_ = t.file.SetReadDeadline(time.Now().Add(flushEvery))
			if t.ending.Load() { // stop came between the two lines
				_ = t.file.SetReadDeadline(time.Now())
			}
		}
		err := t.conn.Read(func(fd uintptr) bool { return t.take(int(fd), write) })
		switch {
		case t.err != nil:
			return
		case errors.Is(err, os.ErrDeadlineExceeded):
			if t.ending.Load() {
				// The poller does not read once the deadline is over: take the rest.
				_ = t.conn.Control(func(fd uintptr) { t.take(int(fd), write) })
				return
			}
			idle()
		case err != nil:
			t.err = err
			return
		}
	}
}

// take reads until nothing is left, and then says that it wants to wait; after an error it does not.
func (t *tap) take(fd int, write func(at time.Time, data []byte, length int)) bool {
	for {
		n, controls, _, _, err := unix.Recvmsg(fd, t.buf, t.control, unix.MSG_TRUNC)
		switch {
		case err == unix.EINTR, err == unix.ENETDOWN: // the interface went down: nothing more comes
			continue
		case err == unix.EAGAIN:
			return false
		case err != nil:
			t.err = err
			return true
		}
		t.packets++
		write(timestamp(t.control[:controls]), t.buf[:min(n, len(t.buf))], n)
	}
}

// timestamp reads the kernel's timestamp from the control messages of a packet.
func timestamp(control []byte) time.Time {
	messages, err := unix.ParseSocketControlMessage(control)
	if err != nil {
		return time.Now()
	}
	for _, m := range messages {
		if m.Header.Level == unix.SOL_SOCKET && m.Header.Type == unix.SCM_TIMESTAMPNS && len(m.Data) >= int(unsafe.Sizeof(unix.Timespec{})) {
			ts := *(*unix.Timespec)(unsafe.Pointer(&m.Data[0]))
			return time.Unix(ts.Unix())
		}
	}
	return time.Now()
}

// stop takes what is left and gives the number of packets that the kernel dropped.
func (t *tap) stop() (dropped uint64, err error) {
	t.ending.Store(true)
	_ = t.file.SetReadDeadline(time.Now())
	<-t.done
	controlErr := t.conn.Control(func(fd uintptr) {
		var s *unix.TpacketStats
		if s, err = unix.GetsockoptTpacketStats(int(fd), unix.SOL_PACKET, unix.PACKET_STATISTICS); err == nil {
			dropped = uint64(s.Drops)
		}
	})
	return dropped, errors.Join(t.err, err, controlErr, t.file.Close())
}
