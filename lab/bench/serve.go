package bench

import (
	"context"
	"io"
	"net"
	"runtime"
	"strconv"

	"golang.org/x/sys/unix"
)

// serve opens the server's ports, for as long as the process lives.
func serve(j job) (answer, error) {
	for port, answer := range map[int]func(*net.TCPConn){portConnections: reply, portBulk: stream} {
		lc := net.ListenConfig{Control: withCongestion}
		lc.SetMultipathTCP(false)
		l, err := lc.Listen(context.Background(), "tcp", net.JoinHostPort(j.To.String(), strconv.Itoa(port)))
		if err != nil {
			return answerTo(err)
		}
		go func() {
			for {
				c, err := l.Accept()
				if err != nil {
					return
				}
				go func() {
					defer c.Close()
					answer(c.(*net.TCPConn))
				}()
			}
		}()
	}
	for _, port := range []int{portSlow, portFast} {
		if err := poured.open(j.To, port); err != nil {
			return answerTo(err)
		}
	}
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return answerTo(err)
	}
	if err := unix.Bind(fd, &unix.SockaddrInet4{Port: portEcho, Addr: j.To.As4()}); err != nil {
		return answerTo(err)
	}
	go echo(fd)
	return answer{}, nil
}

func answerTo(err error) (answer, error) { return answer{}, err }

// readHello takes a whole hello.
func readHello(c *net.TCPConn) error {
	var b [helloSize]byte
	_, err := io.ReadFull(c, b[:])
	return err
}

var replyBytes [replySize]byte

// reply answers hellos, and whatever else has their length, until the client closes.
func reply(c *net.TCPConn) {
	for readHello(c) == nil {
		if _, err := c.Write(replyBytes[:]); err != nil {
			return
		}
	}
}

// readReply takes a whole reply.
func readReply(c *net.TCPConn) error {
	var b [replySize]byte
	_, err := io.ReadFull(c, b[:])
	return err
}

// stream answers a hello with bytes until the client closes.
func stream(c *net.TCPConn) {
	if readHello(c) != nil {
		return
	}
	b := make([]byte, 128<<10)
	for {
		if _, err := c.Write(b); err != nil {
			return
		}
	}
}

// echo sends datagrams back, on a thread that waits in the kernel: no scheduler of ours is part of the time that they take.
func echo(fd int) {
	runtime.LockOSThread()
	b := make([]byte, 2048)
	for {
		n, from, err := unix.Recvfrom(fd, b, 0)
		if err == unix.EINTR {
			continue
		}
		if err != nil {
			return
		}
		_ = unix.Sendto(fd, b[:n], 0, from)
	}
}
