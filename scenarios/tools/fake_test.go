package tools

import (
	"bufio"
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"os/signal"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"dpilab/lab"
)

// fakeMode is the first argument of the test program when it is to be a tool.
const fakeMode = "fake-tool"

func TestMain(m *testing.M) {
	if len(os.Args) > 2 && os.Args[1] == fakeMode {
		fake(os.Args[2], os.Args[3:])
		return
	}
	lab.Enter()
	os.Exit(m.Run())
}

// fake is a circumvention program: a pair of relays that hide names in a byte-wise complement, a SOCKS or an HTTP proxy before the near
// one; and programs that go wrong.
func fake(mode string, args []string) {
	switch mode {
	case "far": // PORT
		serve(args[0], func(c net.Conn) {
			r := bufio.NewReader(flipped{c})
			to, err := r.ReadString('\n')
			if err != nil {
				return
			}
			join(struct {
				io.Reader
				io.Writer
			}{r, flipped{c}}, strings.TrimSpace(to))
		})
	case "socks", "http": // PORT FAR [PASSWORD]
		fmt.Println("serving on", args[0])
		serve(args[0], func(c net.Conn) {
			r := bufio.NewReader(c)
			to, err := "", error(nil)
			if mode == "http" {
				to, err = askedByHTTP(r, c)
			} else {
				to, err = askedBySOCKS(r, c, args[2:])
			}
			if err != nil {
				return
			}
			far, err := net.Dial("tcp", args[1])
			if err != nil {
				return
			}
			defer far.Close()
			fmt.Fprintf(flipped{far}, "%s\n", to)
			pipe(struct {
				io.Reader
				io.Writer
			}{r, c}, flipped{far})
		})
	case "die": // CODE WORDS
		fmt.Fprintln(os.Stderr, strings.Join(args[1:], " "))
		code, _ := strconv.Atoi(args[0])
		os.Exit(code)
	case "die-later": // PORT
		l, err := net.Listen("tcp", ":"+args[0])
		fmt.Println("bound", err)
		c, _ := l.Accept()
		c.Close()
		fmt.Println("panic: out of luck")
		os.Exit(7)
	case "stubborn": // ignores SIGTERM, has a child in its group and one in a session of its own
		signal.Ignore(syscall.SIGTERM)
		for _, own := range []bool{false, true} {
			child := exec.Command("sleep", "1000")
			child.SysProcAttr = &syscall.SysProcAttr{Setsid: own}
			fmt.Println("child", child.Start())
		}
		time.Sleep(time.Hour)
	case "daemon": // PORT: serves in the background
		child := exec.Command("/proc/self/exe", fakeMode, "far", args[0])
		child.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
		if err := child.Start(); err != nil {
			os.Exit(1)
		}
	}
}

func serve(port string, handle func(net.Conn)) {
	l, err := net.Listen("tcp", ":"+port)
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	for {
		c, err := l.Accept()
		if err != nil {
			return
		}
		go func() {
			defer c.Close()
			handle(c)
		}()
	}
}

// join connects to a name and passes on.
func join(c io.ReadWriter, to string) {
	ctx, cancel := context.WithTimeout(context.Background(), 3*time.Second)
	defer cancel()
	far, err := (&net.Dialer{}).DialContext(ctx, "tcp4", to)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer far.Close()
	pipe(c, far)
}

func pipe(a, b io.ReadWriter) {
	done := make(chan struct{}, 2)
	for _, way := range [][2]io.ReadWriter{{a, b}, {b, a}} {
		go func() {
			io.Copy(struct{ io.Writer }{way[0]}, struct{ io.Reader }{way[1]})
			done <- struct{}{}
		}()
	}
	<-done
}

// flipped hides what crosses the wire.
type flipped struct{ net.Conn }

func (f flipped) Read(b []byte) (int, error) {
	n, err := f.Conn.Read(b)
	for i := range b[:n] {
		b[i] = ^b[i]
	}
	return n, err
}

func (f flipped) Write(b []byte) (int, error) {
	hidden := make([]byte, len(b))
	for i := range b {
		hidden[i] = ^b[i]
	}
	return f.Conn.Write(hidden)
}

func askedByHTTP(r *bufio.Reader, c net.Conn) (string, error) {
	req, err := http.ReadRequest(r)
	if err != nil {
		return "", err
	}
	fmt.Println("asked for", req.Host)
	_, err = io.WriteString(c, "HTTP/1.1 200 OK\r\n\r\n")
	return req.Host, err
}

func askedBySOCKS(r *bufio.Reader, c net.Conn, password []string) (string, error) {
	head := make([]byte, 3)
	if _, err := io.ReadFull(r, head); err != nil {
		return "", err
	}
	if len(password) > 0 {
		c.Write([]byte{5, 2})
		b := make([]byte, 3+len("user")+len(password[0]))
		if _, err := io.ReadFull(r, b); err != nil || !strings.HasSuffix(string(b), "user"+string(byte(len(password[0])))+password[0]) {
			c.Write([]byte{1, 1})
			return "", fmt.Errorf("login % x", b)
		}
		c.Write([]byte{1, 0})
	} else {
		c.Write([]byte{5, 0})
	}
	kind := make([]byte, 4)
	if _, err := io.ReadFull(r, kind); err != nil {
		return "", err
	}
	size, name := 4, false
	if kind[3] == 3 {
		n, err := r.ReadByte()
		if err != nil {
			return "", err
		}
		size, name = int(n), true
	}
	b := make([]byte, size+2)
	if _, err := io.ReadFull(r, b); err != nil {
		return "", err
	}
	host := net.IP(b[:size]).String()
	if name {
		host = string(b[:size])
	}
	if kind[1] == 3 {
		return "", relayDatagrams(c)
	}
	to := net.JoinHostPort(host, strconv.Itoa(int(binary.BigEndian.Uint16(b[size:]))))
	fmt.Println("asked for", to)
	_, err := c.Write([]byte{5, 0, 0, 1, 0, 0, 0, 0, 0, 0})
	return to, err
}

// relayDatagrams passes on what comes for IPv4 addresses, by itself, until the control connection ends.
func relayDatagrams(control net.Conn) error {
	near, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		return err
	}
	defer near.Close()
	far, err := net.ListenUDP("udp4", nil)
	if err != nil {
		return err
	}
	defer far.Close()
	var client atomic.Pointer[net.UDPAddr]
	go func() {
		b := make([]byte, 65536)
		for {
			n, from, err := near.ReadFromUDP(b)
			if err != nil {
				return
			}
			client.Store(from)
			to := net.UDPAddr{IP: net.IP(b[4:8]), Port: int(binary.BigEndian.Uint16(b[8:]))}
			fmt.Println("relays to", &to)
			far.WriteToUDP(b[10:n], &to)
		}
	}()
	go func() {
		b := make([]byte, 65536)
		for {
			n, from, err := far.ReadFromUDP(b)
			if err != nil {
				return
			}
			head := binary.BigEndian.AppendUint16(append([]byte{0, 0, 0, 1}, from.IP.To4()...), uint16(from.Port))
			near.WriteToUDP(append(head, b[:n]...), client.Load())
		}
	}()
	control.Write(binary.BigEndian.AppendUint16([]byte{5, 0, 0, 1, 0, 0, 0, 0}, uint16(near.LocalAddr().(*net.UDPAddr).Port)))
	io.Copy(io.Discard, control)
	return io.EOF
}
