package inspect

import (
	"strings"
	"testing"

	"github.com/miekg/dns"
	"github.com/stretchr/testify/require"
)

// cuts gives some lengths of proper prefixes: the short ones and a spread of the long ones.
func cuts(n int) []int {
	var all []int
	for i := 0; i < n; i += 1 + i/16 {
		all = append(all, i)
	}
	if n > 0 {
		all = append(all, n-1)
	}
	return all
}

func FuzzTLS(f *testing.F) {
	hello := goHello(f, "blocked.example")
	f.Add(hello)
	f.Add(cutRecords(hello, 60))
	for _, name := range []string{"curl_tls12", "sb_record_fragment", "openssl", "obfs4"} {
		f.Add(captured(f, name, true).parts[0])
	}
	f.Fuzz(func(t *testing.T, stream []byte) {
		var parser, again TLS
		r := parser.ClientHello(stream)
		if r != Yes {
			if r == More {
				require.NotEqual(t, Yes, again.ClientHello(stream[:len(stream)/2]))
			}
			return
		}
		require.LessOrEqual(t, parser.Hello.Length, len(stream))
		require.LessOrEqual(t, len(parser.Hello.SNI), maxName)
		require.Equal(t, parser.Hello.HasSNI, len(parser.Hello.SNI) > 0)
		for _, n := range cuts(parser.Hello.Length) {
			require.Equal(t, More, again.ClientHello(stream[:n]), "%d of %d", n, parser.Hello.Length)
		}
		require.Equal(t, Yes, again.ClientHello(stream[:parser.Hello.Length]))
		require.Equal(t, parser.Hello, again.Hello)
		if parser.Hello.Records == 1 {
			require.Equal(t, Yes, again.ClientHello(cutRecords(stream[:parser.Hello.Length], 7)), "cutting records changes nothing")
			require.Equal(t, string(parser.Hello.SNI), string(again.Hello.SNI))
		}
	})
}

func FuzzQUIC(f *testing.F) {
	for _, name := range []string{"chromium_quic", "h3_quicgo", "firefox_quic"} {
		f.Add(captured(f, name, false).parts[0], []byte("plain"))
	}
	f.Add([]byte{}, cryptoFrame(0, goHello(f, "blocked.example")[recordHeader:]))
	f.Fuzz(func(t *testing.T, datagram, plain []byte) {
		var q QUIC
		before := string(datagram)
		r := q.Datagram(datagram)
		require.Equal(t, before, string(datagram))
		require.Equal(t, r == Yes, q.Hello.Length > 0)

		require.False(t, q.Unreadable && r != No)
		for i := range quicVersions {
			other := QUIC{Options: QUICOptions{Versions: quicVersions[i].member, Lone: true, Bare: i > 0}}
			require.NotEqual(t, More, other.Datagram(datagram), "a lone frame is all there is")
		}

		// Frames that a fuzzer can reach only below the encryption.
		plain = append(plain[:min(len(plain), 8000):min(len(plain), 8000)], make([]byte, 4)...)
		sealed := sealInitial(initialSpec{dcid: []byte("12345678"), numberLen: 2, plain: plain})
		q.Reset()
		r = q.Datagram(sealed)
		require.LessOrEqual(t, q.length, maxCrypto)
		require.Equal(t, r, q.Datagram(sealed), "a repeated Initial changes nothing")
		if r == Yes {
			require.LessOrEqual(t, q.Hello.Length, q.length)
		}
	})
}

func FuzzHTTP(f *testing.F) {
	f.Add([]byte("GET http://a@b:80/x HTTP/1.1\r\nHost: header.example\r\n\r\n"))
	f.Add([]byte("CONNECT [::1]:443 HTTP/1.1\r\n\r\n"))
	f.Add([]byte("POST / HTTP/1.0\nA: b\nhost:x\n\n"))
	f.Fuzz(func(t *testing.T, payload []byte) {
		_, _, _ = IsTLSRecord(payload), IsSOCKS(payload), IsHTTPProxy(payload)
		host, r := HTTPRequest(payload)
		if r != Yes {
			require.Nil(t, host)
			return
		}
		require.NotContains(t, string(host), "\n")
		for _, n := range cuts(len(payload)) {
			early, r := HTTPRequest(payload[:n])
			require.NotEqual(t, No, r)
			if r == Yes {
				require.Equal(t, host, early, "once known, the host stays")
			}
		}
	})
}

func FuzzDNS(f *testing.F) {
	f.Add(query(f, "blocked.example.", nil))
	f.Add(query(f, ".", func(m *dns.Msg) { m.SetEdns0(1232, false) }))
	f.Fuzz(func(t *testing.T, payload []byte) {
		name, qtype, ok := DNSQuery(payload, nil)
		message := new(dns.Msg)
		if !ok || message.Unpack(payload) != nil {
			return
		}
		require.LessOrEqual(t, len(name), 253)
		require.False(t, message.Response)
		require.Len(t, message.Question, 1)
		require.Equal(t, message.Question[0].Qtype, qtype)
		if asked := message.Question[0].Name; !strings.Contains(asked, `\`) { // the twin escapes
			require.Equal(t, lowerASCII(strings.TrimSuffix(asked, ".")), string(name))
		}
	})
}

func lowerASCII(s string) string {
	b := []byte(s)
	for i := range b {
		b[i] = lower(b[i])
	}
	return string(b)
}

func FuzzSTUN(f *testing.F) {
	f.Add([]byte("\x00\x01\x00\x04\x21\x12\xa4\x42123456789012attr"))
	f.Fuzz(func(t *testing.T, payload []byte) {
		if STUN(payload) {
			require.Zero(t, len(payload)%4)
			require.False(t, STUN(payload[:len(payload)-1]))
			require.False(t, STUN(append(payload[:len(payload):len(payload)], 0)))
		}
	})
}

func FuzzWhatsApp(f *testing.F) {
	f.Add([]byte("WA\x06\x03\x00\x00\x24"))
	f.Add([]byte("ED\x00\x01\x00\x00\x02xxWA\x06\x03"))
	f.Fuzz(func(t *testing.T, payload []byte) {
		if WhatsApp(payload) != Yes {
			return
		}
		yes := false
		for n := range min(len(payload), 2000) {
			r := WhatsApp(payload[:n])
			require.NotEqual(t, No, r)
			require.False(t, yes && r != Yes, "once Yes, it stays")
			yes = r == Yes
		}
	})
}
