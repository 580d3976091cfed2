package inspect

import (
	"context"
	"crypto/tls"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// goHello gives the bytes that crypto/tls sends first for a server name ("" for none).
func goHello(t testing.TB, name string) []byte {
	t.Helper()
	client, server := net.Pipe()
	defer func() { _ = server.Close() }()
	go func() {
		_ = tls.Client(client, &tls.Config{ServerName: name, InsecureSkipVerify: true, MinVersion: tls.VersionTLS12}).Handshake()
	}()
	header := make([]byte, recordHeader)
	_, err := io.ReadFull(server, header)
	require.NoError(t, err)
	body := make([]byte, binary.BigEndian.Uint16(header[3:]))
	_, err = io.ReadFull(server, body)
	require.NoError(t, err)
	return append(header, body...)
}

var errSeen = errors.New("seen")

// crypto/tls as the slow, obvious twin: the name that its server reads in the stream; ok is false when it reads no hello.
func twinHello(stream []byte) (name string, ok bool) {
	client, server := net.Pipe()
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	go func() {
		_, _ = client.Write(stream)
		_ = client.Close()
	}()
	_ = tls.Server(server, &tls.Config{GetConfigForClient: func(info *tls.ClientHelloInfo) (*tls.Config, error) {
		name, ok = info.ServerName, true
		return nil, errSeen
	}}).HandshakeContext(ctx)
	_ = server.Close()
	return name, ok
}

// cutRecords spreads the content of a stream's only record over records of at most n bytes.
func cutRecords(hello []byte, n int) []byte {
	var out []byte
	for body := hello[recordHeader:]; len(body) > 0; {
		piece := body[:min(n, len(body))]
		out = append(out, hello[:3]...)
		out = binary.BigEndian.AppendUint16(out, uint16(len(piece)))
		out = append(out, piece...)
		body = body[len(piece):]
	}
	return out
}

func TestClientHelloOfGo(t *testing.T) {
	hello := goHello(t, "Blocked.Example")
	var parser TLS
	require.Equal(t, Yes, parser.ClientHello(hello))
	require.Equal(t, "Blocked.Example", string(parser.Hello.SNI), "as on the wire")
	require.Equal(t, Hello{
		SNI: parser.Hello.SNI, HasSNI: true, Version: tls.VersionTLS12, Records: 1, Length: len(hello),
		suites: parser.Hello.suites, extensions: parser.Hello.extensions,
	}, parser.Hello)

	// What follows the hello is no part of it.
	require.Equal(t, Yes, parser.ClientHello(append(hello, 23, 3, 3, 0, 1, 0)))
	require.Equal(t, len(hello), parser.Hello.Length)

	require.Equal(t, Yes, parser.Handshake(hello[recordHeader:]))
	require.Equal(t, "Blocked.Example", string(parser.Hello.SNI))
	require.Equal(t, len(hello)-recordHeader, parser.Hello.Length)
}

func TestClientHelloWithoutName(t *testing.T) {
	var parser TLS
	require.Equal(t, Yes, parser.ClientHello(goHello(t, "")))
	require.False(t, parser.Hello.HasSNI)
	require.Nil(t, parser.Hello.SNI)
}

func TestClientHelloPrefixes(t *testing.T) {
	for _, stream := range [][]byte{goHello(t, "blocked.example"), cutRecords(goHello(t, "blocked.example"), 100)} {
		var parser TLS
		for n := range stream {
			require.Equal(t, More, parser.ClientHello(stream[:n]), "%d bytes", n)
		}
	}
}

func TestClientHelloOverRecords(t *testing.T) {
	hello := goHello(t, "blocked.example")
	for _, n := range []int{1, 2, 3, 4, 5, 63, 100, 1000} {
		stream := cutRecords(hello, n)
		content := len(hello) - recordHeader
		var parser TLS
		require.Equal(t, Yes, parser.ClientHello(stream))
		require.Equal(t, "blocked.example", string(parser.Hello.SNI))
		require.Equal(t, (content+n-1)/n, parser.Hello.Records)
		require.Equal(t, len(stream), parser.Hello.Length)
		name, ok := twinHello(stream)
		require.True(t, ok || n < 40, "crypto/tls bounds useless records")
		if ok {
			require.Equal(t, name, string(parser.Hello.SNI))
		}
	}

	// While more is needed, Records says how many were begun, so that a profile that joins none can give up.
	stream := cutRecords(hello, 100)
	var parser TLS
	require.Equal(t, More, parser.ClientHello(stream[:105]))
	require.Equal(t, 1, parser.Hello.Records)
	require.Equal(t, More, parser.ClientHello(stream[:106]))
	require.Equal(t, 2, parser.Hello.Records)
}

func TestClientHelloECH(t *testing.T) {
	for name, want := range map[string]bool{"chromium_tcp": true, "firefox": true, "curl": false, "openssl": false} {
		f := captured(t, name, true)
		var parser TLS
		require.Equal(t, Yes, parser.ClientHello(f.stream()))
		require.Equal(t, want, parser.Hello.ECH, name)
	}
}

func TestSingBoxCutsTheRecord(t *testing.T) {
	f := captured(t, "sb_record_fragment", true)
	require.Len(t, f.parts[0], 522)
	var parser TLS
	require.Equal(t, Yes, parser.ClientHello(f.parts[0]))
	require.Equal(t, 2, parser.Hello.Records)
	require.Equal(t, 522, parser.Hello.Length)
}

// Where the fields of a hello by crypto/tls stand; the session id has 32 bytes.
const (
	atSessionID = recordHeader + handshakeHeader + 2 + 32
	atSuites    = atSessionID + 1 + 32
)

// TestScrambledFields: spec B06 (IMC21, P; observation O069). Each of these fields, when broken, evades.
func TestScrambledFields(t *testing.T) {
	hello := goHello(t, "blocked.example")
	at := strings.Index(string(hello), "blocked.example")
	for name, change := range map[string]func(b []byte){
		"content type":                 func(b []byte) { b[0] ^= 0xff },
		"record version":               func(b []byte) { b[1] ^= 0xff },
		"record length 0":              func(b []byte) { b[3], b[4] = 0, 0 },
		"record length over 2^14":      func(b []byte) { b[3] = 0x41 },
		"record shorter than hello":    func(b []byte) { b[4]-- },
		"handshake type":               func(b []byte) { b[5] ^= 0xff },
		"handshake length below hello": func(b []byte) { b[8]-- },
		"handshake length over 16 KiB": func(b []byte) { b[6] = 1 },
		"session id length":            func(b []byte) { b[atSessionID] ^= 0xff },
		"session id one shorter":       func(b []byte) { b[atSessionID]-- },
		"cipher suites length":         func(b []byte) { b[atSuites] ^= 0xff },
		"cipher suites length odd":     func(b []byte) { b[atSuites+1] ^= 1 },
		"name type":                    func(b []byte) { b[at-3] = 1 },
		"name length":                  func(b []byte) { b[at-1]++ },
		"name length 0":                func(b []byte) { b[at-1] = 0 },
		"list length":                  func(b []byte) { b[at-4]-- },
		"extension length":             func(b []byte) { b[at-6] ^= 1 },
	} {
		broken := append([]byte(nil), hello...)
		change(broken)
		// What follows the hello must not rescue it.
		var parser TLS
		require.Equal(t, No, parser.ClientHello(append(broken, hello...)), name)
	}

	// Another extension type hides the name, in an otherwise good hello.
	broken := append([]byte(nil), hello...)
	broken[at-8] = 0x7f
	var parser TLS
	require.Equal(t, Yes, parser.ClientHello(broken))
	require.False(t, parser.Hello.HasSNI)
}

func TestOtherRecordFirstHidesTheHello(t *testing.T) {
	// Spec B05 (IMC21, P): a ChangeCipherSpec record before the hello, in the same packet, evades.
	var parser TLS
	require.Equal(t, No, parser.ClientHello(append([]byte{20, 3, 3, 0, 1, 1}, goHello(t, "blocked.example")...)))
	alert := []byte{21, 3, 3, 0, 2, 2, 40}
	require.Equal(t, No, parser.ClientHello(alert))
	require.True(t, IsTLSRecord(alert))
}

func TestNameLengths(t *testing.T) {
	label := strings.Repeat("a", 63)
	longest := strings.Join([]string{label, label, label, label}, ".") // 255 bytes
	hello := goHello(t, longest)
	var parser TLS
	require.Equal(t, Yes, parser.ClientHello(hello))
	require.Equal(t, longest, string(parser.Hello.SNI))

	hello = goHello(t, longest+"b")
	require.Equal(t, No, parser.ClientHello(hello))
}

func TestHelloWithoutExtensions(t *testing.T) {
	hello := append([]byte{22, 3, 1, 0, 45, 1, 0, 0, 41, 3, 1}, make([]byte, 39)...)
	copy(hello[atSessionID:], []byte{0, 0, 2, 0, 47, 1, 0})
	var parser TLS
	require.Equal(t, Yes, parser.ClientHello(hello[:50]))
	require.False(t, parser.Hello.HasSNI)
}

// TestHelloAgreesWithGo compares with crypto/tls on every captured hello and on mutations of one.
func TestHelloAgreesWithGo(t *testing.T) {
	for name := range tlsNames {
		for _, f := range capture(t, name) {
			var parser TLS
			if !f.tcp || parser.ClientHello(f.stream()) != Yes {
				continue
			}
			sni := string(parser.Hello.SNI)
			if got, ok := twinHello(f.stream()[:parser.Hello.Length]); ok {
				require.Equal(t, got, sni, name)
			} else {
				require.Equal(t, "ss_libev_obfs_tls", name, "crypto/tls reads all hellos but the fake one")
			}
		}
	}
	hello := goHello(t, "blocked.example")
	var parser TLS
	agreed := 0
	for i := recordHeader; i < min(len(hello), 400); i++ {
		broken := append([]byte(nil), hello...)
		broken[i] ^= 1
		if got, ok := twinHello(broken); ok && parser.ClientHello(broken) == Yes {
			require.Equal(t, got, string(parser.Hello.SNI), "byte %d", i)
			agreed++
		}
	}
	require.Greater(t, agreed, 100)
}

func TestClientHelloDoesNotAllocate(t *testing.T) {
	one := goHello(t, "blocked.example")
	many := cutRecords(one, 100)
	parser := new(TLS)
	require.Zero(t, testing.AllocsPerRun(100, func() {
		_ = parser.ClientHello(one)
		_ = parser.ClientHello(many)
		_ = parser.ClientHello(many[:300])
		_ = parser.Handshake(one[recordHeader:])
	}))
}
