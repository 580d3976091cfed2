package inspect

import (
	"bytes"
	"crypto/md5"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestFingerprintsOfTheCaptures compares with other programs' fingerprints; testdata/fingerprints.txt says whose.
func TestFingerprintsOfTheCaptures(t *testing.T) {
	golden, err := os.ReadFile("testdata/fingerprints.txt")
	require.NoError(t, err)
	read := map[string][]*flow{}
	lines := 0
	for line := range strings.Lines(string(golden)) {
		if strings.HasPrefix(line, "#") {
			continue
		}
		lines++
		var name, transport, ja3, ja4 string
		var port uint16
		_, err := fmt.Sscan(line, &name, &transport, &port, &ja3, &ja4)
		require.NoError(t, err)
		if read[name] == nil {
			read[name] = capture(t, name)
		}
		at := slices.IndexFunc(read[name], func(f *flow) bool {
			return f.client && f.srcPort == port && f.tcp == (transport == "t")
		})
		require.GreaterOrEqual(t, at, 0, line)
		hello := helloOf(t, read[name][at])
		require.Equal(t, ja3, string(hello.JA3(nil)), line)
		require.Equal(t, ja4, string(hello.JA4(nil, transport[0])), line)
	}
	require.Greater(t, lines, 40)
}

func helloOf(t testing.TB, f *flow) *Hello {
	t.Helper()
	if f.tcp {
		parser := new(TLS)
		require.Equal(t, Yes, parser.ClientHello(f.stream()))
		return &parser.Hello
	}
	q := new(QUIC)
	for _, datagram := range f.parts {
		if q.Datagram(datagram) == Yes {
			return &q.Hello
		}
	}
	require.FailNow(t, "no hello")
	return nil
}

func TestChromeOfJune2026(t *testing.T) {
	// Spec B22: the JA4 that was blocked from 22 May 2026 (TD#30733, TELEMT#617, C), and Firefox's, which passed.
	require.Equal(t, "t13d1516h2_8daaf6152771_d8a2da3f94cd", string(helloOf(t, captured(t, "utls_chrome", true)).JA4(nil, 't')))
	require.Equal(t, "t13d1715h2_5b57614c22b0_5c2c66f702b0", string(helloOf(t, captured(t, "utls_firefox", true)).JA4(nil, 't')))
}

// makeHello puts a handshake message together. A list of nil leaves the extensions out.
func makeHello(version uint16, suites []uint16, extensions []ext) []byte {
	body := binary.BigEndian.AppendUint16(nil, version)
	body = append(body, make([]byte, 33)...) // random, no session
	body = append(body, list16(suites)...)
	body = append(body, 1, 0)
	if extensions != nil {
		var block []byte
		for _, e := range extensions {
			block = binary.BigEndian.AppendUint16(block, e.id)
			block = append(binary.BigEndian.AppendUint16(block, uint16(len(e.body))), e.body...)
		}
		body = append(binary.BigEndian.AppendUint16(body, uint16(len(block))), block...)
	}
	return append([]byte{typeClientHello, 0, byte(len(body) >> 8), byte(len(body))}, body...)
}

type ext struct {
	id   uint16
	body []byte
}

func list16(numbers []uint16) []byte {
	b := binary.BigEndian.AppendUint16(nil, uint16(2*len(numbers)))
	for _, n := range numbers {
		b = binary.BigEndian.AppendUint16(b, n)
	}
	return b
}

func alpn(protocol string) ext {
	b := binary.BigEndian.AppendUint16(nil, uint16(len(protocol)+1))
	return ext{extALPN, append(append(b, byte(len(protocol))), protocol...)}
}

func TestJA4Shapes(t *testing.T) {
	// The rules of FoxIO's technical_details/JA4.md, one by one.
	sum := func(s string) string { h := sha256.Sum256([]byte(s)); return hex.EncodeToString(h[:6]) }
	many := make([]uint16, 120)
	for i := range many {
		many[i] = uint16(0xc000 + i)
	}
	for name, c := range map[string]struct {
		version    uint16
		suites     []uint16
		extensions []ext
		want       string
	}{
		"nothing":         {0x0301, []uint16{0x2f}, nil, "t10i010000_" + sum("002f") + "_000000000000"},
		"GREASE only":     {0x0303, []uint16{0x0a0a, 0xfafa}, []ext{{0x1a1a, nil}}, "t12i000000_000000000000_000000000000"},
		"only ALPN":       {0x0303, []uint16{0x2f}, []ext{alpn("h2")}, "t12i0101h2_" + sum("002f") + "_000000000000"},
		"sorted":          {0x0303, []uint16{0x35, 0x2f}, []ext{{0x17, nil}, {5, nil}}, "t12i020200_" + sum("002f,0035") + "_" + sum("0005,0017")},
		"signatures":      {0x0303, []uint16{0x2f}, []ext{{extSignatures, list16([]uint16{0x0804, 0x3a3a, 0x0403})}}, "t12i010100_" + sum("002f") + "_" + sum("000d_0804,0403")},
		"99 at most":      {0x0303, many, []ext{}, "t12i990000_" + ja4b(many) + "_000000000000"},
		"TLS 1.3":         {0x0303, []uint16{0x2f}, []ext{{extVersions, []byte{6, 0x7a, 0x7a, 3, 3, 3, 4}}}, "t13i010100_" + sum("002f") + "_" + sum("002b")},
		"only GREASE":     {0x0302, []uint16{0x2f}, []ext{{extVersions, []byte{2, 0x7a, 0x7a}}}, "t11i010100_" + sum("002f") + "_" + sum("002b")},
		"DTLS 1.3":        {0xfefd, []uint16{0x2f}, []ext{{extVersions, []byte{6, 0xfe, 0xff, 0xfe, 0xfc, 0xfe, 0xfd}}}, "td3i010100_" + sum("002f") + "_" + sum("002b")},
		"DTLS 1.0":        {0xfeff, []uint16{0x2f}, nil, "td1i010000_" + sum("002f") + "_000000000000"},
		"SSL 3":           {0x0300, []uint16{0x2f}, nil, "ts3i010000_" + sum("002f") + "_000000000000"},
		"SSL 2":           {0x0002, []uint16{0x2f}, nil, "ts2i010000_" + sum("002f") + "_000000000000"},
		"unknown version": {0x1234, []uint16{0x2f}, nil, "t00i010000_" + sum("002f") + "_000000000000"},
		"empty ALPN":      {0x0303, []uint16{0x2f}, []ext{{extALPN, []byte{0, 0}}}, "t12i010100_" + sum("002f") + "_000000000000"},
		"broken ALPN":     {0x0303, []uint16{0x2f}, []ext{{extALPN, []byte{0, 9, 2, 'h'}}}, "t12i010100_" + sum("002f") + "_000000000000"},
	} {
		var parser TLS
		require.Equal(t, Yes, parser.Handshake(makeHello(c.version, c.suites, c.extensions)), name)
		require.Equal(t, c.want, string(parser.Hello.JA4(nil, 't')), name)
	}
	for protocol, want := range map[string]string{
		"h2": "h2", "http/1.1": "h1", "x": "xx", "Z9": "Z9", "\xab": "ab", " ": "20", "\xab\xcd": "ad", " a": "21", "0\xab": "3b", "a ": "60",
		"01\xab\xcd": "3d", "0\xab\xcd1": "01",
	} {
		var parser TLS
		require.Equal(t, Yes, parser.Handshake(makeHello(0x0303, []uint16{0x2f}, []ext{alpn(protocol)})))
		got := parser.Hello.JA4(nil, 'q')
		require.Len(t, got, 36)
		require.Equal(t, "q12i0101"+want, string(got[:10]), "%q", protocol)
	}
}

func ja4b(list []uint16) string {
	var all []string
	for _, n := range list {
		all = append(all, fmt.Sprintf("%04x", n))
	}
	slices.Sort(all)
	h := sha256.Sum256([]byte(strings.Join(all, ",")))
	return hex.EncodeToString(h[:6])
}

func TestJA3Shapes(t *testing.T) {
	sum := func(s string) string { h := md5.Sum([]byte(s)); return hex.EncodeToString(h[:]) }
	for want, message := range map[string][]byte{
		"769,47-53,,,":               makeHello(0x0301, []uint16{47, 53}, nil),
		"771,4865,10-11-5,29-23,0-1": makeHello(0x0303, []uint16{0x0a0a, 4865}, []ext{{0x2a2a, nil}, {10, list16([]uint16{0x3a3a, 29, 23})}, {11, []byte{2, 0, 1}}, {5, nil}}),
		"771,47,10-11,,":             makeHello(0x0303, []uint16{47}, []ext{{10, []byte{0, 9, 0}}, {11, nil}}), // broken lists are empty ones
	} {
		var parser TLS
		require.Equal(t, Yes, parser.Handshake(message))
		require.Equal(t, sum(want), string(parser.Hello.JA3(nil)), want)
	}
}

func TestNoFingerprintOfEndlessLists(t *testing.T) {
	most, extensions := make([]uint16, maxListed), []ext{}
	for i := range most {
		most[i] = uint16(i)
		extensions = append(extensions, ext{uint16(100 + i), nil})
	}
	over := append(most[:maxListed:maxListed], 1)
	fingerprints := func(suites []uint16, extensions []ext) (ja3, ja4 int) {
		var parser TLS
		require.Equal(t, Yes, parser.Handshake(makeHello(0x0303, suites, extensions)))
		return len(parser.Hello.JA3(nil)), len(parser.Hello.JA4(nil, 't'))
	}
	for _, c := range []struct {
		suites     []uint16
		extensions []ext
		ja3, ja4   int
	}{
		{most, extensions, 32, 36},
		{over, nil, 0, 0},
		{most, append(extensions, ext{5, nil}), 0, 0},
		{most, []ext{{extGroups, list16(over)}, {extSignatures, list16(most)}}, 0, 36},
		{most, []ext{{extGroups, list16(most)}, {extSignatures, list16(over)}}, 32, 0},
	} {
		ja3, ja4 := fingerprints(c.suites, c.extensions)
		require.Equal(t, c.ja3, ja3)
		require.Equal(t, c.ja4, ja4)
	}
}

func TestExtension(t *testing.T) {
	var parser TLS
	require.Equal(t, Yes, parser.Handshake(makeHello(0x0303, []uint16{47}, []ext{{5, nil}, {0xfe02, make([]byte, 20)}, {0xfe02, nil}})))
	// Spec B22: the FakeTLS of April 2026 by extension 0xfe02 with 20 bytes (TD PR30513, C).
	length, ok := parser.Hello.Extension(0xfe02)
	require.True(t, ok)
	require.Equal(t, 20, length, "the first of two")
	length, ok = parser.Hello.Extension(5)
	require.True(t, ok)
	require.Zero(t, length)
	_, ok = parser.Hello.Extension(0xfe0d)
	require.False(t, ok)
	_, ok = new(Hello).Extension(0)
	require.False(t, ok)
}

func TestFingerprintsDoNotAllocate(t *testing.T) {
	for _, stream := range [][]byte{captured(t, "chromium_tcp", true).stream(), cutRecords(goHello(t, "blocked.example"), 100)} {
		parser, dst := new(TLS), make([]byte, 0, 128)
		require.Zero(t, testing.AllocsPerRun(100, func() {
			_ = parser.ClientHello(stream)
			dst = parser.Hello.JA3(dst[:0])
			dst = parser.Hello.JA4(dst, 't')
			_, _ = parser.Hello.Extension(0xfe02)
		}))
		require.Len(t, dst, 32+36)
	}
}

func FuzzFingerprint(f *testing.F) {
	f.Add(goHello(f, "blocked.example")[recordHeader:])
	f.Add(captured(f, "utls_chrome", true).stream()[recordHeader:])
	f.Add(makeHello(0x0303, []uint16{0x0a0a}, []ext{alpn("h2"), {extVersions, []byte{2, 3, 4}}, {10, []byte{0, 9}}}))
	f.Fuzz(func(t *testing.T, message []byte) {
		var parser TLS
		if parser.Handshake(message) != Yes {
			return
		}
		dst := parser.Hello.JA4([]byte("dst"), 't')
		require.Contains(t, []int{3, 3 + 36}, len(dst))
		require.True(t, bytes.HasPrefix(dst, []byte("dst")))
		require.Contains(t, []int{0, 32}, len(parser.Hello.JA3(nil)))
		_, ok := parser.Hello.Extension(extServerName)
		require.Equal(t, parser.Hello.HasSNI, ok)
		_, ok = parser.Hello.Extension(extECH)
		require.Equal(t, parser.Hello.ECH, ok)
	})
}
