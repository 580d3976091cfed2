package craft

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"strings"

	"github.com/miekg/dns"
)

// Request is an HTTP/1.1 request; target is host/path, or host:port for CONNECT. padding is bytes of a header of its own, body
// bytes of content.
func Request(method, target string, padding, body int) []byte {
	host, path, _ := strings.Cut(target, "/")
	path = "/" + path
	if method == "CONNECT" {
		path = host
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s HTTP/1.1\r\nHost: %s\r\nUser-Agent: trace\r\n", method, path, host)
	if padding > 0 {
		fmt.Fprintf(&b, "X-Pad: %s\r\n", strings.Repeat("p", padding))
	}
	if body > 0 {
		fmt.Fprintf(&b, "Content-Length: %d\r\n", body)
	}
	return append([]byte(b.String()+"\r\n"), strings.Repeat("b", body)...)
}

// Response is an HTTP/1.1 response with a body of n bytes; location may be empty.
func Response(code int, location string, n int) []byte {
	var b strings.Builder
	fmt.Fprintf(&b, "HTTP/1.1 %d X\r\nContent-Type: text/plain\r\nContent-Length: %d\r\n", code, n)
	if location != "" {
		fmt.Fprintf(&b, "Location: %s\r\n", location)
	}
	return append([]byte(b.String()+"\r\n"), strings.Repeat("r", n)...)
}

// Query is a DNS question for a name and a type such as A; nil for an unknown type.
func Query(id uint16, name, kind string) []byte {
	t, ok := dns.StringToType[kind]
	if !ok {
		return nil
	}
	m := new(dns.Msg)
	m.SetQuestion(dns.Fqdn(name), t)
	m.Id = id
	b, err := m.Pack()
	if err != nil {
		return nil
	}
	return b
}

// Answer is the DNS answer to Query with an address, or without one and with a code; nil where that cannot be.
func Answer(id uint16, name, kind string, code int, address netip.Addr) []byte {
	t, ok := dns.StringToType[kind]
	if !ok {
		return nil
	}
	m := new(dns.Msg)
	m.SetQuestion(dns.Fqdn(name), t)
	m.Id, m.Response, m.RecursionAvailable, m.Rcode = id, true, true, code
	h := dns.RR_Header{Name: dns.Fqdn(name), Rrtype: t, Class: dns.ClassINET, Ttl: 60}
	switch {
	case address.Is4():
		m.Answer = append(m.Answer, &dns.A{Hdr: h, A: address.AsSlice()})
	case address.IsValid():
		m.Answer = append(m.Answer, &dns.AAAA{Hdr: h, AAAA: address.AsSlice()})
	}
	b, err := m.Pack()
	if err != nil {
		return nil
	}
	return b
}

// Data gives n bytes that open no protocol.
func Data(r *rand.Rand, n int) []byte {
	b := Random(r, n)
	for i := range min(n, 2) {
		b[i] = 0xd7
	}
	return b
}
