package inspect

import (
	"bufio"
	"bytes"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestHTTPRequest(t *testing.T) {
	for _, c := range []struct {
		request string
		host    string
		want    Result
	}{
		{"GET / HTTP/1.1\r\nHost: blocked.example\r\n\r\n", "blocked.example", Yes},
		{"GET / HTTP/1.1\r\nHost: blocked.example\r\n", "blocked.example", Yes}, // the rest does not matter
		{"GET / HTTP/1.1\nhOST:Blocked.Example:8080\t\n\n", "Blocked.Example", Yes},
		{"POST /a?b HTTP/1.0\r\nAccept: */*\r\nHost: [2001:db8::1]:80\r\n\r\n", "2001:db8::1", Yes},
		{"GET http://absolute.example:80/x HTTP/1.1\r\nHost: header.example\r\n\r\n", "absolute.example", Yes},
		{"GET http://user:pass@absolute.example?x HTTP/1.1\r\nHost: header.example\r\n\r\n", "absolute.example", Yes},
		{"GET /redirect?to=http://other.example/ HTTP/1.1\r\nHost: header.example\r\n\r\n", "header.example", Yes},
		{"CONNECT tunnel.example:443 HTTP/1.1\r\n\r\n", "tunnel.example", Yes},
		{"OPTIONS * HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", "a", Yes},
		{"GET / HTTP/1.0\r\n\r\n", "", Yes},
		{"GET / HTTP/1.1\r\nHost : blocked.example\r\n\r\n", "", Yes},         // a space hides the header
		{"GET / HTTP/1.1\r\nX: a\r\n Host: blocked.example\r\n\r\n", "", Yes}, // a continuation is no header
		{"", "", More},
		{"GE", "", More},
		{"GET / HTTP/1.1\r\nHost: blocked.exam", "", More},
		{"\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", "", No},
		{"get / HTTP/1.1\r\nHost: a\r\n\r\n", "", No},
		{"GET  / HTTP/1.1\r\nHost: a\r\n\r\n", "", No},
		{"GET / HTTP/1.x\r\nHost: a\r\n\r\n", "", No},
		{"GET /\r\n", "", No},
		{"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "", No},
		{"SSH-2.0-OpenSSH\r\n", "", No},
		{"A \x00\x01\x02", "", No},
		{"GET /" + strings.Repeat("a", maxHTTPHeader), "", No},
		{"GET / HTTP/1.1\r\n" + strings.Repeat("A: b\r\n", 3000) + "Host: late\r\n", "", No},
	} {
		host, r := HTTPRequest([]byte(c.request))
		require.Equal(t, c.want, r, "%.60q", c.request)
		require.Equal(t, c.host, string(host), "%.60q", c.request)
	}
}

func TestHTTPRequestAgreesWithNetHTTP(t *testing.T) {
	for _, host := range []string{"blocked.example", "Blocked.Example", "a.b:81", "[2001:db8::1]", "[2001:db8::1]:8080", "192.0.2.1"} {
		for _, target := range []string{"/", "/x?y=z", "http://abs.example/", "http://abs.example:81"} {
			request := []byte("GET " + target + " HTTP/1.1\r\nUser-Agent: x\r\nHost: " + host + "\r\n\r\n")
			parsed, err := http.ReadRequest(bufio.NewReader(bytes.NewReader(request)))
			require.NoError(t, err)
			got, r := HTTPRequest(request)
			require.Equal(t, Yes, r)
			require.Equal(t, string(cutPort([]byte(parsed.Host))), string(got))
		}
	}
}

func TestFirstPayloads(t *testing.T) {
	connect := "CONNECT blocked.example:443 HTTP/1.1\r\nHost: blocked.example\r\n\r\n"
	for _, c := range []struct {
		payload           string
		tls, socks, proxy bool
	}{
		{"\x17\x03\x03\x40\x11data", true, false, false},
		{"\x16\x03\x01\x00\x00", false, false, false},
		{"\x16\x02\x00\x00\x05", false, false, false},
		{"\x16\x03\x01\x00", false, false, false},
		{"\x05\x01\x00", false, true, false},
		{"\x05\x02\x00\x02", false, true, false},
		{"\x05\x02\x00\x02\x01", false, false, false},
		{"\x05\x00", false, false, false},
		{"\x04\x01\x01\xbb\xcb\x00\x71\x0auser\x00", false, true, false},
		{"\x04\x01\x01\xbb\xcb\x00\x71\x0auser", false, false, false},
		{connect, false, false, true},
		{connect[:20], false, false, false},
		{"GET / HTTP/1.1\r\n\r\n", false, false, false},
		{"", false, false, false},
	} {
		payload := []byte(c.payload)
		require.Equal(t, [3]bool{c.tls, c.socks, c.proxy}, [3]bool{IsTLSRecord(payload), IsSOCKS(payload), IsHTTPProxy(payload)}, "%q", c.payload)
	}
}

func TestHTTPDoesNotAllocate(t *testing.T) {
	request := []byte("GET http://user@absolute.example:80/x HTTP/1.1\r\nHost: header.example\r\n\r\n")
	plain := []byte("GET /x HTTP/1.1\r\nAccept: */*\r\nHost: [2001:db8::1]:8080\r\n\r\n")
	require.Zero(t, testing.AllocsPerRun(100, func() {
		_, _ = HTTPRequest(request)
		_, _ = HTTPRequest(plain)
		_ = IsHTTPProxy(plain) || IsSOCKS(plain) || IsTLSRecord(plain)
	}))
}
