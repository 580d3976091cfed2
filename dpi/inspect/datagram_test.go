package inspect

import (
	"strings"
	"testing"

	"github.com/miekg/dns"
	"github.com/pion/stun/v3"
	"github.com/stretchr/testify/require"
)

func query(t testing.TB, name string, change func(*dns.Msg)) []byte {
	t.Helper()
	message := new(dns.Msg)
	message.SetQuestion(name, dns.TypeAAAA)
	if change != nil {
		change(message)
	}
	packed, err := message.Pack()
	require.NoError(t, err)
	return packed
}

func TestDNSQuery(t *testing.T) {
	label := strings.Repeat("A", 63)
	longest := label + "." + label + "." + label + "." + label[:61] + "."
	for _, asked := range []string{"Blocked.Example.", ".", "xn--e1afmkfd.xn--p1ai.", longest} {
		for _, change := range []func(*dns.Msg){nil, func(m *dns.Msg) { m.SetEdns0(1232, true) }} {
			name, qtype, ok := DNSQuery(query(t, asked, change), nil)
			require.True(t, ok, asked)
			require.Equal(t, strings.ToLower(strings.TrimSuffix(asked, ".")), string(name))
			require.Equal(t, dns.TypeAAAA, qtype)
		}
	}
}

func TestDNSQueryOfTheCapture(t *testing.T) {
	for _, f := range capture(t, "dns_udp") {
		name, qtype, ok := DNSQuery(f.parts[0], nil)
		require.Equal(t, f.client, ok, "an answer is no query")
		if ok {
			require.Equal(t, "blocked.example", string(name))
			require.Equal(t, dns.TypeA, qtype)
		}
	}
	stream := captured(t, "dns_tcp", true).stream()
	name, _, ok := DNSQuery(stream[2:], nil)
	require.True(t, ok)
	require.Equal(t, "blocked.example", string(name))
}

func TestDNSQueryRefuses(t *testing.T) {
	good := query(t, "blocked.example.", nil)
	with := func(at int, values ...byte) []byte {
		b := append([]byte(nil), good...)
		copy(b[at:], values)
		return b
	}
	tooLong := append(append([]byte(nil), good[:dnsHeader]...), []byte(strings.Repeat("\x3f"+strings.Repeat("a", 63), 4)+"\x00\x00\x01\x00\x01")...)
	for name, payload := range map[string][]byte{
		"answer": with(2, 0x80), "opcode update": with(2, 0x28), "no question": with(4, 0, 0), "two questions": with(4, 0, 2),
		"an answer section": with(7, 1), "an authority": with(9, 1), "compressed": with(dnsHeader, 0xc0, 12),
		"label beyond data": with(dnsHeader, 63), "dot in a label": with(dnsHeader+3, '.'), "name of 256": tooLong,
		"no class": good[:len(good)-1], "no end of name": good[:len(good)-5], "header only": good[:dnsHeader], "empty": nil,
	} {
		_, _, ok := DNSQuery(payload, nil)
		require.False(t, ok, name)
	}
}

func TestSTUN(t *testing.T) {
	request := stun.MustBuild(stun.TransactionID, stun.BindingRequest, stun.NewSoftware("x"), stun.Fingerprint).Raw
	require.True(t, STUN(request))
	require.True(t, STUN(stun.MustBuild(stun.TransactionID, stun.BindingSuccess).Raw))
	change := func(at int, value byte) []byte {
		b := append([]byte(nil), request...)
		b[at] = value
		return b
	}
	for name, payload := range map[string][]byte{
		"cookie": change(4, 0), "top bits": change(0, 0x40), "length": change(3, request[3]+4), "odd length": append(change(3, request[3]+1), 0),
		"cut": request[:len(request)-4], "trailing": append(change(0, 0), 0, 0, 0, 0), "short": request[:19], "empty": nil,
	} {
		require.False(t, STUN(payload), name)
	}
}

func TestWhatsApp(t *testing.T) {
	for payload, want := range map[string]Result{
		"":                                   More,
		"W":                                  More,
		"WA\x06":                             More,
		"WA\x06\x03":                         Yes,
		"WA\x05\x02\x00\x00\x24rest":         Yes,
		"WAIT":                               No,
		"WB":                                 No,
		"ED":                                 More,
		"ED\x00\x01\x00\x00\x02xxWA\x06":     More,
		"ED\x00\x01\x00\x00\x02xxWA\x06\x03": Yes,
		"ED\x00\x01\x00\x00\x00WA\x06\x03":   Yes,
		"ED\x00\x01\x01\x00\x00":             No, // 64 KiB of routing
		"ED\x00\x02":                         No,
		"GET / HTTP/1.1":                     No,
	} {
		require.Equal(t, want, WhatsApp([]byte(payload)), "%q", payload)
	}
	// Spec B44: 43 bytes, 57 41 06 03.
	first := captured(t, "wa_tcp_5222", true).parts[0]
	require.Len(t, first, 43)
	require.Equal(t, Yes, WhatsApp(first))
	require.Equal(t, No, WhatsApp(captured(t, "wa_web", true).parts[0]), "the web client is TLS")
}

func TestDatagramsDoNotAllocate(t *testing.T) {
	packed := query(t, "blocked.example.", nil)
	buf := make([]byte, 0, maxName)
	require.Zero(t, testing.AllocsPerRun(100, func() {
		_, _, _ = DNSQuery(packed, buf)
		_ = STUN(packed)
		_ = WhatsApp(packed)
		_, _ = QUICVersion(packed)
	}))
}

func TestResultString(t *testing.T) {
	require.Equal(t, []string{"no", "more", "yes", "?"}, []string{No.String(), More.String(), Yes.String(), Result(9).String()})
}
