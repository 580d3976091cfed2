package desync

import (
	"crypto/rand"
	"crypto/tls"
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"strings"
)

// payload is what a fake carries.
type payload struct {
	kind payloadKind
	name string // sni
	size int    // random, zeros, short
	hex  string // even
}

type payloadKind string

const (
	payloadName   payloadKind = "sni"
	payloadRandom payloadKind = "random"
	payloadZeros  payloadKind = "zeros"
	payloadShort  payloadKind = "short"
	payloadHex    payloadKind = "hex"
)

// maxPayload fits into one packet with all options.
const maxPayload = 1400

var defaultPayload = payload{kind: payloadName, name: "www.w3.org"} // (choice), as GoodbyeDPI's

func (p payload) String() string {
	switch p.kind {
	case payloadName:
		return "sni " + p.name
	case payloadHex:
		return "hex " + p.hex
	}
	return fmt.Sprintf("%s %d", p.kind, p.size)
}

// stream makes the payload for TCP; request says that the client is about to send an HTTP request.
func (p payload) stream(request bool) ([]byte, error) {
	switch {
	case p.kind != payloadName:
		return p.plain(), nil
	case request:
		return []byte("GET / HTTP/1.1\r\nHost: " + p.name + "\r\nUser-Agent: Mozilla/5.0\r\nAccept: */*\r\n\r\n"), nil
	}
	return fakeHello(p.name)
}

// datagram makes the payload for UDP.
func (p payload) datagram() ([]byte, error) {
	if p.kind == payloadName {
		return fakeInitial(p.name)
	}
	return p.plain(), nil
}

func (p payload) plain() []byte {
	if p.kind == payloadHex {
		b, _ := hex.DecodeString(p.hex) // checked when it was read
		return b
	}
	b := make([]byte, p.size)
	if p.kind != payloadZeros {
		rand.Read(b)
	}
	if p.kind == payloadShort {
		b[0] = 0x40 | b[0]&0x3f
	}
	return b
}

var errRecorded = errors.New("the ClientHello is written")

// recorder keeps what is written to it first.
type recorder struct {
	net.Conn // nil: crypto/tls writes before it asks anything else
	written  []byte
}

func (r *recorder) Write(b []byte) (int, error) {
	r.written = append(r.written, b...)
	return 0, errRecorded
}

func (r *recorder) Close() error { return nil }

// fakeConfig makes hellos that fit into one packet: without the large key of X25519MLKEM768.
func fakeConfig(name string, protocols ...string) *tls.Config {
	return &tls.Config{
		ServerName: strings.TrimSuffix(name, "."), NextProtos: protocols, MinVersion: tls.VersionTLS12,
		CurvePreferences: []tls.CurveID{tls.X25519, tls.CurveP256},
	}
}

// fakeHello is a ClientHello of crypto/tls for a name, with its record.
func fakeHello(name string) ([]byte, error) {
	r := &recorder{}
	if err := tls.Client(r, fakeConfig(name, "h2", "http/1.1")).Handshake(); !errors.Is(err, errRecorded) {
		return nil, fmt.Errorf("desync: a ClientHello for %q: %w", name, err)
	}
	return r.written, nil
}
