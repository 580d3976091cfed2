package rules

import (
	"net/netip"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestShippedPoliciesCompile(t *testing.T) {
	require.Subset(t, ShippedNames(), []string{
		"2021-twitter", "2022-paper", "2022-quic", "2023-vpn", "2024-youtube", "2024-ech", "2025-freeze", "2025-whitelist-beeline", "2025-tls-rate",
		"2025-whatsapp", "2026-whatsapp", "2026-home", "2026-fingerprint", "2026-whitelist-megafon", "2026-whitelist-mts", "2026-dns", "worst", "worst-whitelist",
	})
	for _, name := range ShippedNames() {
		t.Run(name, func(t *testing.T) {
			p, err := Shipped(name)
			require.NoError(t, err)
			_, err = p.Compile()
			require.NoError(t, err)
			require.Regexp(t, `^20\d\d-\d\d-\d\d$`, p.Date)
		})
	}
}

// What each shipped policy does to the flows of the flagship scenario.
func TestShippedPoliciesDecide(t *testing.T) {
	const meta, other, resolver = "203.0.113.5", "198.51.100.7", "203.0.113.80"
	for _, c := range []struct {
		flow                         string
		protocol                     Protocol
		sni, to                      string
		port                         uint16
		home, calls, slow, full, dns string // the rule; empty: let be
	}{
		{"X over TLS", ProtocolTLS, "x.com", other, 443, "x-tls", "x-tls", "x-tls", "x-tls", "x-tls"},
		{"X's pictures", ProtocolTLS, "pbs.twimg.com", other, 443, "x-tls", "x-tls", "x-tls", "x-tls", "x-tls"},
		{"X over QUIC", ProtocolQUIC, "x.com", other, 443, "x-quic", "x-quic", "x-quic", "x-quic", "x-quic"},
		{"call", ProtocolSTUN, "", meta, 3478, "", "meta-calls", "meta-calls", "meta-addresses", "meta-addresses"},
		{"call elsewhere", ProtocolSTUN, "", other, 3478, "", "", "", "", ""},
		{"web", ProtocolTLS, "web.whatsapp.com", meta, 443, "", "", "whatsapp-web-tls", "whatsapp-names-tls", "whatsapp-names-tls"},
		{"web over QUIC", ProtocolQUIC, "web.whatsapp.com", meta, 443, "", "", "whatsapp-web-quic", "whatsapp-names-quic", "whatsapp-names-quic"},
		{"web elsewhere", ProtocolTLS, "web.whatsapp.com", other, 443, "", "", "whatsapp-web-tls", "whatsapp-names-tls", "whatsapp-names-tls"},
		{"media", ProtocolTLS, "mmg.whatsapp.net", meta, 443, "", "", "meta-slow", "whatsapp-names-tls", "whatsapp-names-tls"},
		{"chat", ProtocolWhatsApp, "", meta, 5222, "", "", "meta-slow", "whatsapp-chat", "whatsapp-chat"},
		{"chat, odd port", ProtocolWhatsApp, "", meta, 4244, "", "", "meta-slow", "meta-addresses", "meta-addresses"},
		{"chat by proxy", ProtocolWhatsApp, "", other, 8443, "", "", "", "whatsapp-proxies", "whatsapp-proxies"},
		{"allowed name", ProtocolTLS, "st.max.ru", meta, 443, "", "", "", "", ""},
		{"unknown to Meta", ProtocolNone, "", meta, 443, "", "", "meta-slow", "meta-addresses", "meta-addresses"},
		{"Max", ProtocolTLS, "max.ru", other, 443, "", "", "", "", ""},
		{"public resolver", ProtocolDNS, "", resolver, 53, "", "", "", "", "public-resolvers"},
		{"other resolver", ProtocolDNS, "", other, 53, "", "", "", "", ""},
	} {
		for policy, want := range map[string]string{
			"2025-home": c.home, "2025-calls": c.calls, "2025-whatsapp": c.slow, "2026-whatsapp": c.full, "2026-dns": c.dns,
		} {
			p, err := Shipped(policy)
			require.NoError(t, err)
			box, err := p.Compile()
			require.NoError(t, err)
			f := Facts{Known: AllFacts, Opened: SideInside, Protocol: c.protocol, Port: c.port, Transport: TransportTCP}
			if carriers[c.protocol] == 1<<TransportUDP || c.protocol == ProtocolSTUN {
				f.Transport = TransportUDP
			}
			f.SNI, f.To = box.Name([]byte(c.sni)), box.Addr(netip.MustParseAddr(c.to))
			got := ""
			if i := box.Match(&f); i >= 0 {
				got = box.Rules[i].Name
			}
			require.Equal(t, want, got, "%s in %s", c.flow, policy)
		}
	}
}

// DNS over TCP stays as it was (N4P#657).
func TestDNSOverTCPIsLetBe(t *testing.T) {
	p, err := Shipped("2026-dns")
	require.NoError(t, err)
	c, err := p.Compile()
	require.NoError(t, err)
	f := Facts{Known: AllFacts, Protocol: ProtocolDNS, Port: 53, Transport: TransportTCP, To: c.Addr(netip.MustParseAddr("2001:db8:d8::53"))}
	require.Equal(t, -1, c.Match(&f))
	f.Transport = TransportUDP
	require.Equal(t, "public-resolvers", c.Rules[c.Match(&f)].Name)
}

func TestWhatsAppNames(t *testing.T) {
	p, err := Shipped("2026-whatsapp")
	require.NoError(t, err)
	c, err := p.Compile()
	require.NoError(t, err)
	for _, name := range []string{"web.whatsapp.com", "g.whatsapp.net", "wa.me", "media-arn2-1.cdn.whatsapp.net", "whatsapp-plus.info"} {
		require.NotZero(t, c.Name([]byte(name)), name)
	}
	for _, name := range []string{"mywhatsapp.com", "example.com", "whatsapp.example"} {
		require.Zero(t, c.Name([]byte(name)), name)
	}
}
