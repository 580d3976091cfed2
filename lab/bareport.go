package lab

import (
	"errors"
	"fmt"
	"net"
	"time"

	"golang.org/x/sys/unix"

	"dpilab/dpi/trace"
)

// barePort is an interface without an IP stack: whole frames, by a packet socket. Sending and receiving may be on two goroutines.
type barePort struct {
	fd    int
	to    unix.SockaddrLinklayer
	frame []byte // of sending
	buf   []byte // of receiving
}

const etherHeader = 14

// barePortTick is how long a bare port waits for a frame at most.
const barePortTick = 20 * time.Millisecond

// openBarePort opens an interface of the thread's namespace.
func openBarePort(name string) (*barePort, error) {
	i, err := net.InterfaceByName(name)
	if err != nil {
		return nil, err
	}
	fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("open packet socket: %w", asFeature(err, "packet sockets (CONFIG_PACKET)"))
	}
	_ = unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUF, 16<<20) // as much as the machine allows
	tick := unix.NsecToTimeval(int64(barePortTick))
	err = errors.Join(
		unix.SetsockoptTimeval(fd, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &tick),
		unix.SetsockoptInt(fd, unix.SOL_PACKET, unix.PACKET_IGNORE_OUTGOING, 1),
		unix.Bind(fd, &unix.SockaddrLinklayer{Protocol: bigEndian16(unix.ETH_P_ALL), Ifindex: i.Index}),
	)
	if err != nil {
		_ = unix.Close(fd)
		return nil, fmt.Errorf("bind a packet socket to %s: %w", name, err)
	}
	return &barePort{fd: fd, to: unix.SockaddrLinklayer{Ifindex: i.Index}, buf: make([]byte, etherHeader+pathMTU)}, nil
}

// send puts an IP packet on the wire, in a frame from one end's address to the other's.
func (b *barePort) send(packet []byte, from trace.End) error {
	if len(packet) == 0 {
		return errors.New("an empty packet")
	}
	b.frame = append(append(b.frame[:0], pathMAC[from.Other()]...), pathMAC[from]...)
	if packet[0]>>4 == 6 {
		b.frame = append(b.frame, 0x86, 0xdd)
	} else {
		b.frame = append(b.frame, 0x08, 0x00)
	}
	b.frame = append(b.frame, packet...)
	return b.write(b.frame)
}

func (b *barePort) write(frame []byte) error {
	for {
		if err := unix.Sendto(b.fd, frame, 0, &b.to); err != unix.EINTR {
			return err
		}
	}
}

// receive gives a copy of the next IP packet; EAGAIN when none comes for a tick, or none is there now.
func (b *barePort) receive(wait bool) ([]byte, error) {
	frame, err := b.read(wait)
	if err != nil {
		return nil, err
	}
	return append([]byte(nil), frame[etherHeader:]...), nil
}

// read is receive with the frame, valid until the next call.
func (b *barePort) read(wait bool) ([]byte, error) {
	flags := 0
	if !wait {
		flags = unix.MSG_DONTWAIT
	}
	for {
		n, _, err := unix.Recvfrom(b.fd, b.buf, flags)
		switch {
		case err == unix.EINTR, err == unix.ENETDOWN:
			continue
		case err != nil:
			return nil, err
		}
		if n <= etherHeader {
			continue
		}
		if t := [2]byte(b.buf[12:14]); t == [2]byte{0x08, 0x00} || t == [2]byte{0x86, 0xdd} {
			return b.buf[:n], nil
		}
	}
}

func (b *barePort) close() error { return unix.Close(b.fd) }
