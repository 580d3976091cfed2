package inspect

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// What tshark finds in the captures: the server names of the client's flows, in order of the flows.
var tlsNames = map[string][]string{
	"chromium_default":             {"blocked.example"},
	"chromium_tcp":                 {"blocked.example"},
	"chromium_tcp_sni_in_segment1": {"blocked.example"},
	"chromium_tcp_sni_in_segment2": {"blocked.example", "blocked.example"},
	"curl":                         {"blocked.example"},
	"curl_http11":                  {"blocked.example"},
	"curl_tls12":                   {"blocked.example"},
	"doh_curl":                     {"dns.example", "dns.example", "blocked.example"},
	"dot_kdig":                     {"dns.example"},
	"firefox":                      {"blocked.example", "blocked.example"},
	"firefox_quic":                 {"blocked.example"},
	"gnutls":                       {"blocked.example"},
	"go_tls":                       {"blocked.example"},
	"openssl":                      {"blocked.example"},
	"sb_anytls":                    {"allowed.example"},
	"sb_fragment":                  {"blocked.example"},
	"sb_record_fragment":           {"blocked.example"},
	"sb_shadowtls":                 {"allowed.example"},
	"sb_trojan_utls":               {"allowed.example"},
	"ss_libev_obfs_tls":            {"allowed.example"},
	"utls_chrome":                  {"blocked.example"},
	"utls_chrome120":               {"blocked.example"},
	"utls_firefox":                 {"blocked.example"},
	"utls_ios":                     {"blocked.example"},
	"utls_random":                  {"blocked.example"},
	"utls_safari":                  {"blocked.example"},
	"wa_web":                       {"web.whatsapp.com"},
	"xray_fragment":                {"blocked.example"},
	"xray_fragment_tcp":            {"blocked.example"},
	"xray_reality":                 {"allowed.example"},
	"xray_trojan":                  {"allowed.example"},
	"xray_vless_tls_grpc":          {"allowed.example"},
	"xray_vless_tls_ws":            {"allowed.example"},
	"xray_vless_tls_xhttp":         {"allowed.example"},
	"chromium_socks":               {"blocked.example"},
}

var quicNames = map[string][]string{
	"chromium_default": {"blocked.example", "blocked.example"},
	"chromium_quic":    {"blocked.example"},
	"firefox":          {"blocked.example"},
	"firefox_quic":     {"blocked.example"},
	"h3_quicgo":        {"blocked.example"},
	"sb_hysteria2":     {"allowed.example"},
	"sb_tuic":          {"allowed.example"},
}

var whatsAppFiles = map[string]bool{"wa_tcp_443": true, "wa_tcp_5222": true}

// TestEveryCapture holds every inspector to what tshark says, on every flow of every capture, and on both sides of it.
func TestEveryCapture(t *testing.T) {
	for _, file := range captures(t) {
		name := strings.TrimSuffix(filepath.Base(file), ".pcap")
		t.Run(name, func(t *testing.T) {
			var overTLS, overQUIC []string
			whatsApp := false
			for _, f := range capture(t, name) {
				if f.tcp {
					sni, is := requireTCPFlow(t, f)
					if sni != "" {
						overTLS = append(overTLS, sni)
					}
					whatsApp = whatsApp || is
				} else if sni := requireUDPFlow(t, f); sni != "" {
					overQUIC = append(overQUIC, sni)
				}
			}
			require.Equal(t, tlsNames[name], overTLS)
			require.Equal(t, quicNames[name], overQUIC)
			require.Equal(t, whatsAppFiles[name], whatsApp)
		})
	}
}

// requireTCPFlow grows the stream segment by segment, as the engine does.
func requireTCPFlow(t *testing.T, f *flow) (sni string, whatsApp bool) {
	t.Helper()
	var parser TLS
	var stream []byte
	result := More
	for _, segment := range f.parts {
		stream = append(stream, segment...)
		if result = parser.ClientHello(stream); result != More {
			break
		}
	}
	if result == Yes {
		require.True(t, f.client)
		sni = string(parser.Hello.SNI)
		require.LessOrEqual(t, parser.Hello.Length, len(stream))
	}
	_, isHTTP := HTTPRequest(f.stream())
	require.Equal(t, No, isHTTP)
	require.Equal(t, result == Yes && IsTLSRecord(stream), result == Yes)
	whatsApp = WhatsApp(f.parts[0]) == Yes
	require.False(t, whatsApp && !f.client)
	return sni, whatsApp
}

func requireUDPFlow(t *testing.T, f *flow) (sni string) {
	t.Helper()
	var q QUIC
	for i, datagram := range f.parts {
		r := q.Datagram(datagram)
		if !f.client {
			require.Equal(t, No, r, "the server's Initials have other keys")
		}
		if r == Yes && sni == "" {
			require.True(t, q.Hello.HasSNI)
			sni = string(q.Hello.SNI)
			require.LessOrEqual(t, i, 2, "the name is in the first Initials")
		}
		require.False(t, STUN(datagram))
		_, _, isQuery := DNSQuery(datagram, nil)
		require.Equal(t, f.dstPort == 53, isQuery)
	}
	return sni
}

// TestStrangersAreNothing is the negative of all inspectors: tunnels whose first packets look like nothing.
func TestStrangersAreNothing(t *testing.T) {
	for _, name := range []string{
		"obfs4", "obfs4_iat1", "ss_libev", "xray_ss2022", "xray_vmess", "xray_vless_plain", "tg_abridged", "tg_obf2",
		"openvpn_tcp", "openvpn_tcp443_tlscrypt", "openvpn_udp", "openvpn_udp_tlsauth", "openvpn_udp_tlscrypt", "wireguard_go",
	} {
		for _, f := range capture(t, name) {
			first := f.parts[0]
			var parser TLS
			var q QUIC
			_, isHTTP := HTTPRequest(first)
			_, _, isDNS := DNSQuery(first, nil)
			require.Equal(t, No, parser.ClientHello(first), name)
			require.Equal(t, No, isHTTP, name)
			require.Equal(t, No, WhatsApp(first), name)
			require.Equal(t, No, q.Datagram(first), name)
			require.False(t, isDNS || STUN(first) || IsTLSRecord(first) || IsSOCKS(first) || IsHTTPProxy(first), name)
			_, isLong := QUICVersion(first)
			require.False(t, isLong && !f.tcp, name)
		}
	}
}
