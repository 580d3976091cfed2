package desync

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"dpilab/lab"
	"dpilab/lab/probe"
	"dpilab/rules"
)

// through is the way of a strategy.
func through(l *lab.Lab, text string) probe.From {
	d := Must(text).Dialer(l.Host("client").Do)
	return probe.From{Host: l.Host("client"), Via: probe.Via{Dial: d.DialContext, ListenPacket: d.ListenPacket, TLS: d.TLS}}
}

// character is what gets past a policy.
type character struct {
	policy  string
	text    string // of a policy that does not ship
	probe   func(string) probe.Probe
	host    string
	blocked probe.Kind
	opens   []string
	fails   []string
}

func (c *character) open() (*rules.Policy, error) {
	if c.text != "" {
		return rules.Parse(c.policy+".yaml", []byte(c.text), nil)
	}
	return rules.Open(c.policy)
}

// Policies and what is known to get past them, in their years. blocked is what a client without a strategy sees, and with one that does
// not help.
var characters = []character{
	{
		// No reassembly: a cut of any kind hides the name (IMC22, O055-O058, O097), and so does another record (O063), or a first packet of
		// more than 100 bytes that is nothing known (O061, O062), whatever keeps the server from taking it. A fake hello does not (O060, IMC21).
		policy: "2022-paper", probe: probe.HTTPS, host: "twitter.com", blocked: probe.Reset,
		opens: []string{
			"", // a hello of today has two segments
			"x25519; split 1", "x25519; split midsni", "x25519; tlsrec midsni", "x25519; tlsrec midsni; split midsni", "x25519; padding 2000",
			"x25519; ipfrag 64", "x25519; ipfrag 64 reverse", "x25519; alert", "x25519; mss 88", "x25519; fake random 200 ttl auto",
			"x25519; fake random 101 badsum", "x25519; fake random 101 badseq", "x25519; fake random 101 md5sig", "x25519; fake random 101 ts",
		},
		fails: []string{"x25519", "x25519; fake random 100 ttl auto", "x25519; fake sni max.ru ttl auto", "x25519; fake sni max.ru badseq"},
	},
	{
		// Segments are joined, and records are; not both cut at once, unless each segment is a record (FOCI25-data: O125-O127, O228, O229), nor
		// 5.9 KB in five segments (O230). A fake in the hello's place settles the flow (O060), by an old timestamp as well (O074).
		policy: "2024-ech", probe: probe.HTTPS, host: "twitter.com", blocked: probe.Silent,
		opens: []string{"x25519; tlsrec midsni; split 9 midsni-2 -20", "padding 5000", "x25519; fake sni max.ru ttl auto", "x25519; fake sni max.ru ts"},
		fails: []string{"x25519", "", "x25519; split midsni", "x25519; tlsrec midsni", "x25519; tlsrec midsni; split midsni", "x25519; padding 2000"},
	},
	{
		// Segments are joined, records are not (XRAY#5969).
		policy: "2026-home", probe: probe.HTTPS, host: "twitter.com", blocked: probe.Silent,
		opens: []string{"x25519; tlsrec midsni", "x25519; tlsrec midsni; split midsni", "padding 5000"},
		fails: []string{"", "x25519; split midsni", "x25519; padding 2000"},
	},
	{
		// The provider's own filter reads one segment of HTTP, and knows names without a dot behind them (the profile's trailing dot).
		policy: "2022-isp", probe: probe.HTTP, host: "rutracker.org", blocked: probe.BlockPage,
		opens: []string{"split midhost", "disorder midhost", "hostdot", "fake random 200 ttl auto", "ipfrag 40"},
		fails: []string{"", "hostcase", "hostspell hoSt", "domcase", "hosttab", "hostnospace", "hostspace"},
	},
	{
		// A reader of certificates, one segment at a time (ZAP-doc): it does not care how the client wrote the name (O008), sees nothing in TLS 1.3
		// (O215), and misses what comes in pieces (O214).
		policy: "certificates", probe: probe.HTTPS, host: "twitter.com", blocked: probe.Silent,
		text: `{policy: certificates, date: 2024-06-01, about: names in certificates, profile: {reassembly: none}, rules: [
  {rule: names, when: {certificate: [twitter.com], protocol: tls}, do: {drop: both, residual: 40s}, source: {ref: ZAP-doc, confidence: C}}]}`,
		opens: []string{"x25519", "x25519; tls12; mss 88", "x25519; tls12; window 64; split 1"},
		fails: []string{"x25519; tls12", "x25519; tls12; tlsrec midsni"},
	},
	{
		// A box that hits the attempt to hide (B16) finds each fake, and nothing odd about the real packets.
		policy: "tricks", probe: probe.HTTPS, host: "example.org", blocked: probe.Silent,
		text: `{policy: tricks, date: 2025-12-27, about: fakes, profile: {fooled by: {checksum: false, sequence: false, md5: false, timestamp: false, ttl: 8}},
  rules: [{rule: fakes, when: {trick: [fake, window, checksum, md5, timestamp, ttl, repeated id]}, do: {drop: both, residual: 40s},
  source: {ref: "BYE#335", confidence: C}}]}`,
		opens: []string{
			"", "split 1 midsni -1", "disorder midsni", "tlsrec midsni; split 9", "oob midsni", "alert", "mss 88", "window 1152",
		},
		fails: []string{
			"fake ttl auto", "fake badsum", "fake badseq", "fake md5sig", "fake ts", "fake random 50 badsum; split midsni",
		},
	},
	{
		// QUIC by its version: not from port 443 (O104), not after a first datagram that is none (O107, O245), and not in fragments (NTC1823/11).
		policy: "2022-paper", probe: probe.HTTP3, host: "twitter.com", blocked: probe.Silent,
		opens: []string{"sport 443", "udpfake short 620", "udpfake random 100 ttl auto", "udpfrag 8"},
		fails: []string{"", "udpfake sni max.ru"},
	},
	{
		// QUIC by its name: a first datagram that is not listed clears the flow (O118, O243), the source port does not matter.
		policy: "2026-quic", probe: probe.HTTP3, host: "twitter.com", blocked: probe.Silent,
		opens: []string{"udpfake sni max.ru", "udpfake sni max.ru ttl auto", "udpfake short 620"},
		fails: []string{"", "sport 443"},
	},
}

func TestPolicies(t *testing.T) {
	l := subscriber(t)
	services, err := l.Serve(t.Context())
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, services.Close()) })
	for _, c := range characters {
		p, err := c.open()
		require.NoError(t, err, c.policy)
		compiled, err := p.Compile()
		require.NoError(t, err)
		box, err := l.StartBox("box", lab.BoxOptions{Policy: compiled, Seed: 1})
		require.NoError(t, err)
		goal := c.probe(c.host)
		if c.host == "rutracker.org" {
			goal.Address = "neutral"
		}
		try := func(text string, patience time.Duration) probe.Outcome {
			p := goal
			p.Timeout = patience
			return p.Try(t.Context(), through(l, text))
		}
		var group errgroup.Group
		group.SetLimit(10)
		outcomes := make([]probe.Outcome, len(c.opens)+len(c.fails))
		for i, text := range append(append([]string(nil), c.opens...), c.fails...) {
			patience := 10 * time.Second
			if i >= len(c.opens) {
				patience = 700 * time.Millisecond
			}
			group.Go(func() error { outcomes[i] = try(text, patience); return nil })
		}
		require.NoError(t, group.Wait())
		require.NoError(t, box.Close())
		for i, text := range c.opens {
			require.Equal(t, probe.OK, outcomes[i].Kind, "%s: %q\n%s", c.policy, text, outcomes[i].Story())
		}
		for i, text := range c.fails {
			o := outcomes[len(c.opens)+i]
			require.Equal(t, c.blocked, o.Kind, "%s: %q\n%s", c.policy, text, o.Story())
		}
	}
}
