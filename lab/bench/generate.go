package bench

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"runtime"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// makeConnections opens connections, one after the other on each of Workers, at most Rate a second in all: connect, a hello with one of Names, the reply, and a
// reset. Done and Failed count them, Took is the time from the first to the last, Times are those of the ones that worked. A connection
// ends with a reset because its port would otherwise be waiting for a minute, and there are only 28,000.
func makeConnections(j job) (answer, error) {
	all, err := hellos(j.Names)
	if err != nil {
		return answer{}, err
	}
	type share struct {
		took   []time.Duration
		failed int
		err    error
	}
	shares := make([]share, j.Workers)
	start := time.Now()
	var wait sync.WaitGroup
	for w := range shares {
		wait.Go(func() {
			s := &shares[w]
			s.took = make([]time.Duration, 0, 1<<16)
			for i := w; time.Since(start) < j.For; i += j.Workers {
				if j.Rate > 0 {
					time.Sleep(time.Until(start.Add(time.Duration(i) * time.Second / time.Duration(j.Rate))))
				}
				began := time.Now()
				if err := connectOnce(j, all[i%len(all)], 2*time.Second); err != nil {
					s.failed, s.err = s.failed+1, err
					continue
				}
				s.took = append(s.took, time.Since(began))
			}
		})
	}
	wait.Wait()
	x := answer{Took: time.Since(start)}
	var took []time.Duration
	for _, s := range shares {
		x.Failed += s.failed
		took = append(took, s.took...)
		if s.err != nil {
			x.Why = append(x.Why, s.err.Error())
		}
	}
	x.Done, x.Times = len(took), newTimes(took)
	return x, nil
}

// connectOnce makes one connection and waits for the reply.
func connectOnce(j job, hello []byte, patience time.Duration) error {
	c, err := dial(j.To, portConnections)
	if err != nil {
		return err
	}
	defer c.Close()
	_ = c.SetLinger(0)
	if err := c.SetDeadline(time.Now().Add(patience)); err != nil {
		return err
	}
	if _, err := c.Write(hello); err != nil {
		return err
	}
	return readReply(c)
}

// tryPatience is how long a reply may take before a name counts as blocked. On a busy machine it takes milliseconds.
const tryPatience = 500 * time.Millisecond

// tryNames makes a connection for each of Names, all at once: Open says which got their reply, Why what became of the others.
func tryNames(j job) (answer, error) {
	all, err := hellos(j.Names)
	if err != nil {
		return answer{}, err
	}
	x := answer{Open: make([]bool, len(all)), Why: make([]string, len(all))}
	var wait sync.WaitGroup
	for i := range all {
		wait.Go(func() {
			if err := connectOnce(j, all[i], tryPatience); err != nil {
				x.Why[i] = err.Error()
				return
			}
			x.Open[i] = true
		})
	}
	wait.Wait()
	return x, nil
}

// takeStream opens one connection with the first of Names as its hello's, and reads for so long: Bytes in Took, from the first byte on.
func takeStream(j job) (answer, error) {
	h, err := hello(j.Names[0])
	if err != nil {
		return answer{}, err
	}
	c, err := dial(j.To, portBulk)
	if err != nil {
		return answer{}, err
	}
	defer c.Close()
	_ = c.SetLinger(0)
	if _, err := c.Write(h); err != nil {
		return answer{}, err
	}
	b := make([]byte, 256<<10)
	_ = c.SetReadDeadline(time.Now().Add(3 * time.Second))
	n, err := c.Read(b)
	if err != nil {
		return answer{}, fmt.Errorf("no first byte: %w", err)
	}
	start := time.Now()
	x := answer{Bytes: int64(n)}
	_ = c.SetReadDeadline(start.Add(j.For))
	for {
		n, err := c.Read(b)
		x.Bytes += int64(n)
		if errors.Is(err, os.ErrDeadlineExceeded) {
			x.Took = time.Since(start)
			return x, nil
		}
		if err != nil {
			return x, err
		}
	}
}

// echoSize is the payload of a datagram that is sent for its time.
const echoSize = 64

// askEcho sends datagrams to and fro, one after the other, for so long: Times of those that came back, Failed those that did not.
func askEcho(j job) (answer, error) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return answer{}, err
	}
	defer unix.Close(fd)
	patience := unix.NsecToTimeval(int64(200 * time.Millisecond))
	if err := unix.SetsockoptTimeval(fd, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &patience); err != nil {
		return answer{}, err
	}
	if err := unix.Connect(fd, &unix.SockaddrInet4{Port: portEcho, Addr: j.To.As4()}); err != nil {
		return answer{}, err
	}
	var x answer
	out, in := make([]byte, echoSize), make([]byte, echoSize)
	took := make([]time.Duration, 0, 1<<18)
	start := time.Now()
	for n := uint64(1); time.Since(start) < j.For; n++ {
		binary.BigEndian.PutUint64(out, n)
		sent := time.Now()
		if _, err := unix.Write(fd, out); err != nil {
			return x, err
		}
		var err error = unix.EINTR
		for err == unix.EINTR || err == nil && binary.BigEndian.Uint64(in) < n { // one that came too late is not this one
			_, err = unix.Read(fd, in)
		}
		switch err {
		case nil:
			took = append(took, time.Since(sent))
		case unix.EAGAIN:
			x.Failed++
		default:
			return x, err
		}
	}
	x.Done, x.Took, x.Times = len(took), time.Since(start), newTimes(took)
	return x, nil
}
