package bench

import (
	"errors"
	"net/netip"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// pourSize is the payload of a datagram that is poured; with its headers it is pourSize+28.
const pourSize = 972

// pour sends datagrams of Count flows for so long, half of them to each of the policed ports, each flow at twice its rate.
func pour(j job) (answer, error) {
	type flow struct {
		fd   int
		next time.Duration
		gap  time.Duration
	}
	flows := make([]flow, j.Count)
	defer func() {
		for _, f := range flows {
			if f.fd > 0 {
				unix.Close(f.fd)
			}
		}
	}()
	for i := range flows {
		port, rate := portSlow, rateSlow
		if i%2 == 1 {
			port, rate = portFast, rateFast
		}
		fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
		if err != nil {
			return answer{}, err
		}
		gap := (pourSize + 28) * time.Second / time.Duration(2*rate)
		flows[i] = flow{fd, gap * time.Duration(i) / time.Duration(j.Count), gap}
		if err := unix.Connect(fd, &unix.SockaddrInet4{Port: port, Addr: j.To.As4()}); err != nil {
			return answer{}, err
		}
	}
	b := make([]byte, pourSize)
	var x answer
	for start := time.Now(); ; time.Sleep(time.Millisecond) {
		now := time.Since(start)
		if now > j.For {
			return x, nil
		}
		for i := range flows {
			for f := &flows[i]; f.next < now; f.next += f.gap {
				if _, err := unix.Write(f.fd, b); err != nil && !errors.Is(err, unix.ENOBUFS) {
					return x, err
				}
				x.Done++
			}
		}
	}
}

// sink counts the bytes of IP packets that come to a port, by the port that they come from.
type sink struct {
	mu    sync.Mutex
	bytes map[uint32]int64 // by port<<16 | source port
}

var (
	poured    = sink{bytes: map[uint32]int64{}}
	pouredFor = time.Now()
)

func (s *sink) open(to netip.Addr, port int) error {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return err
	}
	_ = unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUF, 8<<20)
	if err := unix.Bind(fd, &unix.SockaddrInet4{Port: port, Addr: to.As4()}); err != nil {
		return err
	}
	go func() {
		b := make([]byte, 2048)
		for {
			n, from, err := unix.Recvfrom(fd, b, 0)
			if err == unix.EINTR {
				continue
			}
			if err != nil {
				return
			}
			s.mu.Lock()
			s.bytes[uint32(port)<<16|uint32(from.(*unix.SockaddrInet4).Port)] += int64(n) + 28
			s.mu.Unlock()
		}
	}()
	return nil
}

// countPoured gives what came to the sinks so far: Counts by flow, and Took, the time since the process began.
func countPoured(job) (answer, error) {
	poured.mu.Lock()
	defer poured.mu.Unlock()
	x := answer{Took: time.Since(pouredFor), Counts: map[uint32]int64{}}
	for flow, n := range poured.bytes {
		x.Counts[flow] = n
	}
	return x, nil
}
