package tools

import (
	"encoding/binary"
	"errors"
	"net/netip"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"dpilab/lab"
)

// watch notes where packets go that leave the host by a link, until the function is called that it gives. Each destination is there once.
func watch(t *testing.T, h *lab.Host, link string) (seen func() map[netip.AddrPort]bool) {
	var fd int
	const all = unix.ETH_P_ALL<<8 | unix.ETH_P_ALL>>8 // in network byte order
	require.NoError(t, h.Do(func() (err error) {
		fd, err = unix.Socket(unix.AF_PACKET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, all)
		if err != nil {
			return err
		}
		index, err := indexOf(fd, link)
		if err != nil {
			return err
		}
		return errors.Join(
			unix.SetsockoptTimeval(fd, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &unix.Timeval{Usec: 50_000}),
			unix.Bind(fd, &unix.SockaddrLinklayer{Protocol: all, Ifindex: index}),
		)
	}))
	found := map[netip.AddrPort]bool{}
	done := make(chan struct{})
	var reader sync.WaitGroup
	reader.Go(func() {
		defer unix.Close(fd)
		b := make([]byte, 1<<16)
		for {
			n, from, err := unix.Recvfrom(fd, b, 0)
			if err != nil {
				select {
				case <-done:
					return
				default:
					continue
				}
			}
			if ll, ok := from.(*unix.SockaddrLinklayer); ok && ll.Pkttype == unix.PACKET_OUTGOING {
				if to, ok := destination(b[:n]); ok {
					found[to] = true
				}
			}
		}
	})
	stop := sync.OnceFunc(func() { close(done); reader.Wait() })
	t.Cleanup(stop)
	return func() map[netip.AddrPort]bool {
		stop()
		return found
	}
}

func indexOf(fd int, name string) (int, error) {
	r, err := unix.NewIfreq(name)
	if err != nil {
		return 0, err
	}
	err = unix.IoctlIfreq(fd, unix.SIOCGIFINDEX, r)
	return int(r.Uint32()), err
}

// destination reads the address of an IP packet without extension headers and, of TCP and UDP, the port.
func destination(b []byte) (to netip.AddrPort, ok bool) {
	var addr netip.Addr
	var protocol byte
	var rest []byte
	switch {
	case len(b) >= 20 && b[0]>>4 == 4 && len(b) >= int(b[0]&15)*4:
		addr, protocol, rest = netip.AddrFrom4([4]byte(b[16:20])), b[9], b[int(b[0]&15)*4:]
	case len(b) >= 40 && b[0]>>4 == 6:
		addr, protocol, rest = netip.AddrFrom16([16]byte(b[24:40])), b[6], b[40:]
	default:
		return to, false
	}
	if (protocol == unix.IPPROTO_TCP || protocol == unix.IPPROTO_UDP) && len(rest) >= 4 {
		return netip.AddrPortFrom(addr, binary.BigEndian.Uint16(rest[2:])), true
	}
	return netip.AddrPortFrom(addr, 0), true
}
