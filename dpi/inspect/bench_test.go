package inspect

import (
	"crypto/tls"
	"testing"
)

func BenchmarkClientHello(b *testing.B) {
	chromium := captured(b, "chromium_tcp", true).stream()
	for name, stream := range map[string][]byte{
		"chromium":          chromium,
		"chromium half":     chromium[:1448],
		"in records of 100": cutRecords(goHello(b, "blocked.example"), 100),
		"stranger":          captured(b, "obfs4", true).parts[0],
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			parser := new(TLS)
			for b.Loop() {
				_ = parser.ClientHello(stream)
			}
		})
	}
}

func BenchmarkQUIC(b *testing.B) {
	for _, name := range []string{"chromium_quic", "h3_quicgo"} {
		parts := captured(b, name, false).parts[:2]
		b.Run(name+" new flow", func(b *testing.B) {
			b.ReportAllocs()
			q := new(QUIC)
			for b.Loop() {
				q.Reset()
				_ = q.Datagram(parts[0])
				_ = q.Datagram(parts[1])
			}
		})
		b.Run(name+" keys known", func(b *testing.B) {
			b.ReportAllocs()
			q := new(QUIC)
			for b.Loop() {
				_ = q.Datagram(parts[0])
			}
		})
	}
	b.Run("stranger", func(b *testing.B) {
		b.ReportAllocs()
		payload := &flow{parts: [][]byte{append([]byte{1, 0, 0, 0}, make([]byte, 144)...)}}
		q := new(QUIC)
		for b.Loop() {
			_ = q.Datagram(payload.parts[0])
		}
	})
}

func BenchmarkHTTPRequest(b *testing.B) {
	b.ReportAllocs()
	request := []byte("GET /index.html HTTP/1.1\r\nUser-Agent: curl/8\r\nAccept: */*\r\nHost: blocked.example\r\n\r\n")
	for b.Loop() {
		_, _ = HTTPRequest(request)
	}
}

func BenchmarkDNSQuery(b *testing.B) {
	b.ReportAllocs()
	payload, buf := query(b, "www.blocked.example.", nil), make([]byte, 0, maxName)
	for b.Loop() {
		_, _, _ = DNSQuery(payload, buf)
	}
}

func BenchmarkSTUN(b *testing.B) {
	b.ReportAllocs()
	payload := []byte("\x00\x01\x00\x04\x21\x12\xa4\x42123456789012attr")
	for b.Loop() {
		_ = STUN(payload)
	}
}

func BenchmarkWhatsApp(b *testing.B) {
	b.ReportAllocs()
	payload := captured(b, "wa_tcp_443", true).parts[0]
	for b.Loop() {
		_ = WhatsApp(payload)
	}
}

func BenchmarkFingerprint(b *testing.B) {
	hello := helloOf(b, captured(b, "utls_chrome", true))
	dst := make([]byte, 0, 64)
	b.Run("JA3", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			dst = hello.JA3(dst[:0])
		}
	})
	b.Run("JA4", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			dst = hello.JA4(dst[:0], 't')
		}
	})
}

func BenchmarkLooks(b *testing.B) {
	for name, payload := range map[string][]byte{
		"stranger": captured(b, "obfs4", true).parts[0],
		"openvpn":  capture(b, "openvpn_udp")[0].parts[0],
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				_, _ = UDPProtocol(payload), TCPProtocol(payload)
			}
		})
	}
}

func BenchmarkCertificate(b *testing.B) {
	flight := serverFlight(b, certificateOf(b, certificateSpec{common: "a.example", names: manyNames(30)}), tls.VersionTLS12)
	c, names := new(Certificate), 0
	b.ReportAllocs()
	for b.Loop() {
		_ = c.Flight(flight)
		for range c.Names {
			names++
		}
	}
}

func BenchmarkDTLS(b *testing.B) {
	body := wideHello(300)
	datagram := dtlsRecordOf(0, dtlsFragmentOf(0, body, 0, len(body)))
	d := new(DTLS)
	b.ReportAllocs()
	for b.Loop() {
		d.Reset()
		_ = d.Datagram(datagram)
	}
}
