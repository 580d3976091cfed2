package nfq

import (
	"errors"
	"fmt"

	"dpilab/rules"

	"golang.org/x/sys/unix"
)

// injector puts packets of the box's own on the wire. They do not pass the forward hook, so the box does not see
// them. It belongs to one goroutine; each worker has its own.
type injector interface {
	learn(p *Packet, d rules.Direction)
	send(d rules.Direction, packet []byte) error
	close() error
}

var (
	errNotIP       = errors.New("nfq: a packet to send is not IP")
	errNoNeighbour = errors.New("nfq: no packet came from the side to send to, so no frame address is known")
)

// openInjector opens its sockets in the thread's network namespace.
func openInjector(p ports) (injector, error) {
	if p.bridge != 0 {
		return openFrames(p)
	}
	return openRaw()
}

// frames sends Ethernet frames on the ports of the bridge.
type frames struct {
	fd         int
	ports      ports
	neighbours neighbours
	up, down   unix.SockaddrLinklayer
	frame      []byte
}

func openFrames(p ports) (*frames, error) {
	fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_CLOEXEC, 0) // protocol 0: receives nothing
	if err != nil {
		return nil, fmt.Errorf("nfq: packet socket: %w", err)
	}
	return &frames{fd: fd, ports: p, up: unix.SockaddrLinklayer{Ifindex: p.outside}, down: unix.SockaddrLinklayer{Ifindex: p.inside}}, nil
}

func (f *frames) learn(p *Packet, d rules.Direction) {
	if !p.HasMAC {
		return
	}
	if src, _, _, ok := addresses(p.Data); ok {
		from, _ := sides(d)
		f.neighbours.learn(src, from, p.MAC)
	}
}

func (f *frames) send(d rules.Direction, packet []byte) error {
	src, dst, v6, ok := addresses(packet)
	if !ok {
		return errNotIP
	}
	from, to := sides(d)
	dstMAC, ok := f.neighbours.find(dst, to)
	if !ok {
		return errNoNeighbour
	}
	srcMAC, ok := f.neighbours.find(src, from)
	if !ok {
		srcMAC = f.ports.insideMAC
		if from == rules.SideOutside {
			srcMAC = f.ports.outsideMAC
		}
	}
	f.frame = append(append(f.frame[:0], dstMAC[:]...), srcMAC[:]...)
	f.frame = append(f.frame, 0x08, 0x00)
	if v6 {
		f.frame[12], f.frame[13] = 0x86, 0xdd
	}
	f.frame = append(f.frame, packet...)
	at := &f.up
	if d == rules.Down {
		at = &f.down
	}
	return unix.Sendto(f.fd, f.frame, unix.MSG_DONTWAIT, at)
}

func (f *frames) close() error { return unix.Close(f.fd) }

// sides are where a packet of this direction comes from and goes to.
func sides(d rules.Direction) (from, to rules.Side) {
	if d == rules.Down {
		return rules.SideOutside, rules.SideInside
	}
	return rules.SideInside, rules.SideOutside
}

// raw sends IP packets by the namespace's routes, which decide the direction.
type raw struct {
	v4, v6 int
	to4    unix.SockaddrInet4
	to6    unix.SockaddrInet6
}

func openRaw() (*raw, error) {
	v4, err := unix.Socket(unix.AF_INET, unix.SOCK_RAW|unix.SOCK_CLOEXEC, unix.IPPROTO_RAW)
	if err != nil {
		return nil, fmt.Errorf("nfq: raw socket: %w", err)
	}
	v6, err := unix.Socket(unix.AF_INET6, unix.SOCK_RAW|unix.SOCK_CLOEXEC, unix.IPPROTO_RAW)
	if errors.Is(err, unix.EAFNOSUPPORT) {
		return &raw{v4: v4, v6: -1}, nil // a kernel without IPv6 routes none either
	}
	if err != nil {
		_ = unix.Close(v4)
		return nil, fmt.Errorf("nfq: raw IPv6 socket: %w", err)
	}
	return &raw{v4: v4, v6: v6}, nil
}

func (r *raw) learn(*Packet, rules.Direction) {}

func (r *raw) send(_ rules.Direction, packet []byte) error {
	_, dst, v6, ok := addresses(packet)
	if !ok {
		return errNotIP
	}
	if v6 {
		r.to6.Addr = dst
		return unix.Sendto(r.v6, packet, unix.MSG_DONTWAIT, &r.to6)
	}
	r.to4.Addr = [4]byte(dst[:4])
	return unix.Sendto(r.v4, packet, unix.MSG_DONTWAIT, &r.to4)
}

func (r *raw) close() error {
	err := unix.Close(r.v4)
	if r.v6 >= 0 {
		err = errors.Join(err, unix.Close(r.v6))
	}
	return err
}
