package oracle

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"strings"
	"syscall"
	"time"

	"dpilab/lab"
	"dpilab/lab/probe"
)

// grown are the sizes of the fetches: around the 15 to 20 KB at which hosters freeze, and far below and above.
var grown = []int64{4 << 10, 12 << 10, 16 << 10, 20 << 10, 32 << 10, 64 << 10}

// sizes fetches ever more, each time over a connection of its own, until one stands still.
func sizes(ctx context.Context, p *place) (Word, string) {
	for i, n := range grown {
		o := p.download(ctx, hosted, "hetzner", n)
		word := wordOf(o)
		switch {
		case word == Open:
			continue
		case word == Silent && (i > 0 || o.Kind == probe.Stalled):
			return Frozen, fmt.Sprintf("%d KB do not come: %s", n>>10, o)
		}
		return word, fmt.Sprintf("%d KB: %s", n>>10, o)
	}
	return Open, "all come"
}

func allowedSize(ctx context.Context, p *place) (Word, string) {
	o := p.download(ctx, allowed, "hetzner", grown[len(grown)-1])
	return wordOf(o), o.String()
}

func (p *place) download(ctx context.Context, name, host string, n int64) probe.Outcome {
	d := at(probe.Download(name, n), host)
	d.Timeout = patience
	return d.Try(ctx, p.from)
}

// smallWrites sends the body of a request in writes of two bytes, each of which becomes a packet: as few bytes as can be, and more
// than 25 packets.
func smallWrites(ctx context.Context, p *place) (Word, string) {
	return p.post(ctx, 64, func(c net.Conn, body []byte) error {
		for len(body) > 0 {
			if _, err := c.Write(body[:2]); err != nil {
				return err
			}
			body = body[2:]
			time.Sleep(5 * time.Millisecond)
		}
		return nil
	})
}

// upload sends the body as fast as it goes.
func upload(ctx context.Context, p *place) (Word, string) {
	return p.post(ctx, 64<<10, func(c net.Conn, body []byte) error {
		_, err := c.Write(body)
		return err
	})
}

// post sends random bytes to the oracle's server at a hoster, and waits for the answer.
func (p *place) post(ctx context.Context, n int, send func(net.Conn, []byte) error) (Word, string) {
	dialCtx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	raw, err := p.from.Host.DialContext(dialCtx, "tcp4", netip.AddrPortFrom(p.servers.hoster, lab.PortHTTPS).String())
	if err != nil {
		return failure(err, Timeout), err.Error()
	}
	defer raw.Close()
	defer context.AfterFunc(ctx, func() { raw.SetDeadline(time.Unix(1, 0)) })()
	raw.SetDeadline(time.Now().Add(patience))
	c := tls.Client(raw, &tls.Config{ServerName: serverName, RootCAs: p.from.Host.Lab().Services().CA.Pool()})
	if err := c.HandshakeContext(dialCtx); err != nil {
		return failure(err, Silent), "handshake: " + err.Error()
	}
	body := make([]byte, n)
	rand.Read(body) // never fails: crypto/rand
	head := fmt.Sprintf("POST /upload HTTP/1.1\r\nHost: %s\r\nContent-Length: %d\r\nConnection: close\r\n\r\n", serverName, n)
	raw.SetDeadline(time.Now().Add(2 * patience)) // for the writes of a slow machine, and the answer
	_, err = io.WriteString(c, head)
	if err == nil {
		err = send(c, body)
	}
	if err == nil {
		raw.SetDeadline(time.Now().Add(patience))
		err = uploaded(c, n)
	}
	if err != nil {
		return failure(err, Frozen), err.Error()
	}
	return Open, "the server has it all"
}

// uploaded reads the answer, which says how much the server has.
func uploaded(r io.Reader, n int) error {
	answer, err := io.ReadAll(io.LimitReader(r, 4<<10))
	if err != nil {
		return err
	}
	if text := string(answer); !strings.HasPrefix(text, "HTTP/1.1 200 ") || !strings.Contains(text, fmt.Sprint(n)) {
		return fmt.Errorf("the server answers %.40q", text)
	}
	return nil
}

// failure is the word for an error of a connection: when the time was up, that of the stage.
func failure(err error, timedOut Word) Word {
	switch {
	case errors.Is(err, os.ErrDeadlineExceeded), errors.Is(err, context.DeadlineExceeded), errors.Is(err, syscall.ETIMEDOUT):
		return timedOut
	case errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE), errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return Reset
	case errors.Is(err, syscall.ECONNREFUSED):
		return Refused
	}
	return Unknown
}
