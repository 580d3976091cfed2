package desync

import (
	"fmt"
	"net/netip"

	"golang.org/x/sys/unix"
)

// rawSocket sends packets with their IP header, from the network in which it was opened. It is closed once, by its owner.
type rawSocket struct {
	fd int
	to unix.Sockaddr
}

func openRaw(to netip.Addr) (*rawSocket, error) {
	r := &rawSocket{}
	family := unix.AF_INET
	if to.Is4() {
		r.to = &unix.SockaddrInet4{Addr: to.As4()}
	} else {
		family = unix.AF_INET6
		r.to = &unix.SockaddrInet6{Addr: to.As16()}
	}
	var err error
	if r.fd, err = unix.Socket(family, unix.SOCK_RAW|unix.SOCK_CLOEXEC, unix.IPPROTO_RAW); err != nil {
		return nil, fmt.Errorf("desync: a raw socket, which needs CAP_NET_RAW in the network's user namespace: %w", err)
	}
	return r, nil
}

func (r *rawSocket) send(all [][]byte) error {
	for _, p := range all {
		if err := unix.Sendto(r.fd, p, 0, r.to); err != nil {
			return fmt.Errorf("desync: sending a packet of %d bytes: %w", len(p), err)
		}
	}
	return nil
}

func (r *rawSocket) close() {
	if r != nil {
		unix.Close(r.fd)
	}
}
