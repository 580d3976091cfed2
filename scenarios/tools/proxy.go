package tools

import (
	"bufio"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"sync/atomic"
	"syscall"
	"time"

	"dpilab/lab"
)

// proxy is a client of a SOCKS5 or HTTP proxy. Any goroutine.
type proxy struct {
	at, user, password string
	client             *lab.Host

	answered atomic.Int64 // connections that it opened
	received atomic.Int64 // bytes that came over them
}

// dialSOCKS opens a connection as RFC 1928 has it, with the password of RFC 1929 where there is one.
func (p *proxy) dialSOCKS(ctx context.Context, _, address string) (net.Conn, error) {
	return p.dial(ctx, func(c net.Conn) (io.Reader, error) {
		_, err := p.socks(c, socksConnect, address)
		return c, err
	})
}

// dialHTTP opens a connection by CONNECT: RFC 9110, 9.3.6.
func (p *proxy) dialHTTP(ctx context.Context, _, address string) (net.Conn, error) {
	return p.dial(ctx, func(c net.Conn) (io.Reader, error) { return p.connect(c, address) })
}

// dial connects to the proxy and lets ask speak to it. The error of a proxy that cannot be reached is not one of the network's.
func (p *proxy) dial(ctx context.Context, ask func(net.Conn) (io.Reader, error)) (net.Conn, error) {
	c, err := p.client.DialContext(ctx, "tcp", p.at)
	if err != nil {
		return nil, fmt.Errorf("the proxy cannot be reached: %v", err) // not %w: it is not the site that refuses
	}
	stop := context.AfterFunc(ctx, func() { c.SetDeadline(time.Unix(1, 0)) })
	r, err := ask(c)
	if !stop() && err == nil {
		err = context.Cause(ctx)
	}
	if err != nil {
		c.Close()
		if ctx.Err() != nil {
			err = ctx.Err()
		}
		return nil, err
	}
	p.answered.Add(1)
	return &proxied{c, r, &p.received}, nil
}

// proxied counts what comes, the first of which may have come with the proxy's answer.
type proxied struct {
	net.Conn
	r        io.Reader
	received *atomic.Int64
}

// Read is the connection's.
func (c *proxied) Read(b []byte) (int, error) {
	n, err := c.r.Read(b)
	c.received.Add(int64(n))
	return n, err
}

// CloseWrite is the connection's.
func (c *proxied) CloseWrite() error { return c.Conn.(*net.TCPConn).CloseWrite() }

// socksErrors are the answers of RFC 1928, section 6, as the errors that a client without a proxy would see.
var socksErrors = map[byte]error{
	1: errors.New("general failure"), 2: syscall.EACCES, 3: syscall.ENETUNREACH, 4: syscall.EHOSTUNREACH, 5: syscall.ECONNREFUSED, 6: syscall.ETIMEDOUT,
	7: errors.New("command not supported"), 8: errors.New("type of address not supported"),
}

// Commands of RFC 1928, section 4.
const (
	socksConnect   = 1
	socksAssociate = 3
)

// socks greets the proxy and has it do something for an address. It gives the address that the proxy names.
func (p *proxy) socks(c net.Conn, command byte, address string) (netip.AddrPort, error) {
	if err := p.greet(c); err != nil {
		return netip.AddrPort{}, err
	}
	request, err := appendAddress([]byte{5, command, 0}, address)
	if err != nil {
		return netip.AddrPort{}, err
	}
	head := make([]byte, 4) // version, answer, reserved, type of address
	if err := exchange(c, request, head[:3]); err != nil {
		return netip.AddrPort{}, err
	}
	if head[0] != 5 || head[1] != 0 {
		err, ok := socksErrors[head[1]]
		if !ok || head[0] != 5 {
			err = fmt.Errorf("% x", head[:3])
		}
		return netip.AddrPort{}, fmt.Errorf("the proxy on %s answers: %w", p.at, err)
	}
	at, err := readAddress(c)
	if err != nil {
		return at, fmt.Errorf("the proxy on %s answers: %w", p.at, early(err))
	}
	return at, nil
}

// greet agrees on how the client says who it is, and says it.
func (p *proxy) greet(c net.Conn) error {
	method := byte(0)
	if p.user != "" {
		method = 2
	}
	answer := make([]byte, 2)
	if err := exchange(c, []byte{5, 1, method}, answer); err != nil {
		return err
	}
	if answer[0] != 5 || answer[1] != method {
		return fmt.Errorf("the proxy on %s answers % x to the greeting, expected 05 %02x", p.at, answer, method)
	}
	if method == 2 {
		login := append([]byte{1, byte(len(p.user))}, p.user...)
		login = append(append(login, byte(len(p.password))), p.password...)
		if err := exchange(c, login, answer); err != nil {
			return err
		}
		if answer[1] != 0 {
			return fmt.Errorf("the proxy on %s does not take the password", p.at)
		}
	}
	return nil
}

// exchange sends a message and reads an answer of known length.
func exchange(c net.Conn, message, answer []byte) error {
	if _, err := c.Write(message); err != nil {
		return early(err)
	}
	_, err := io.ReadFull(c, answer)
	return early(err)
}

// early names what an end of the connection means here.
func early(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return errors.New("the proxy closed the connection before it answered")
	}
	if errors.Is(err, syscall.ECONNRESET) {
		return errors.New("the proxy reset the connection before it answered")
	}
	return err
}

func (p *proxy) connect(c net.Conn, address string) (io.Reader, error) {
	request := "CONNECT " + address + " HTTP/1.1\r\nHost: " + address + "\r\n"
	if p.user != "" {
		request += "Proxy-Authorization: Basic " + base64.StdEncoding.EncodeToString([]byte(p.user+":"+p.password)) + "\r\n"
	}
	if _, err := io.WriteString(c, request+"\r\n"); err != nil {
		return nil, early(err)
	}
	r := bufio.NewReader(c)
	resp, err := http.ReadResponse(r, &http.Request{Method: http.MethodConnect})
	if err != nil {
		return nil, early(err)
	}
	if resp.StatusCode/100 != 2 {
		return nil, fmt.Errorf("the proxy on %s answers %s", p.at, resp.Status)
	}
	return r, nil
}
