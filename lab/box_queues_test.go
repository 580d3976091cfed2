package lab

import (
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"dpilab/dpi/nfq"
	"dpilab/rules"
)

// Several queues share the flows of one subscriber: each engine blocks, a reload reaches all of them, and the statistics are of all.
func TestBoxWithSeveralQueues(t *testing.T) {
	const queues, flows = 3, 16
	l, s := subscriberLab(t)
	web := client(l, s)
	b := startBox(t, l, "2025-home", BoxOptions{Queues: queues})
	perEngine := func() (opened [queues]uint64) {
		require.NoError(t, b.attached().Each(func(worker int, _ nfq.Engine) { opened[worker] = b.engines[worker].Stats().Opened }))
		return opened
	}
	for range flows {
		_, err := get(web, "https://x.com/")
		require.ErrorIs(t, err, syscall.ECONNRESET)
		_, err = get(web, "https://max.ru/")
		require.NoError(t, err)
	}
	opened := perEngine()
	sum := uint64(0)
	for _, n := range opened {
		require.Greater(t, n, uint64(flows/queues), opened)
		sum += n
	}
	stats, err := b.Stats()
	require.NoError(t, err)
	require.Equal(t, sum, stats.Opened)
	require.GreaterOrEqual(t, stats.Hit, uint64(flows))

	open, err := rules.Parse("open.yaml", []byte("policy: open\ndate: 2026-01-01\nabout: other names\n"+
		"rules:\n  - {rule: other, when: {sni: other.example}, do: {drop: both}, source: {ref: choice}}\n"), nil)
	require.NoError(t, err)
	compiled, err := open.Compile()
	require.NoError(t, err)
	require.NoError(t, b.SetPolicy(compiled))
	before := perEngine()
	for range flows {
		_, err := get(web, "https://x.com/")
		require.NoError(t, err)
	}
	for i, n := range perEngine() {
		require.Greater(t, n, before[i])
	}
}

// A box whose policy reads no payload gets headers alone; a policy that reads names finds them in flows that open after the reload.
func TestBoxReadsMoreAfterReload(t *testing.T) {
	l, s := subscriberLab(t)
	web := client(l, s)
	compiled := func(rule string) *rules.Compiled {
		p, err := rules.Parse("box.yaml", []byte("policy: box\ndate: 2026-01-01\nabout: one rule\nprofile: {fooled by: {checksum: true}, reassembly: {tcp: true, bytes: 4096, segments: 4}}\n"+
			"rules:\n  - {rule: one, when: {transport: tcp, "+rule+"}, do: {reset: server packet}, source: {ref: choice}}\n"), nil)
		require.NoError(t, err)
		c, err := p.Compile()
		require.NoError(t, err)
		return c
	}
	headers := compiled("to: 192.0.2.1")
	require.False(t, headers.Need().Payload)
	b, err := l.StartBox("box", BoxOptions{Policy: headers, Queues: 2, Without: nfq.KernelAll})
	require.NoError(t, err)
	defer b.Close()
	_, err = get(web, "https://x.com/")
	require.NoError(t, err)
	require.NoError(t, b.SetPolicy(compiled("sni: x.com")))
	_, err = get(web, "https://x.com/")
	require.ErrorIs(t, err, syscall.ECONNRESET)
	_, err = get(web, "https://max.ru/")
	require.NoError(t, err)

	require.NoError(t, b.SetPolicy(headers)) // flows of the policy before may be open
	require.NoError(t, b.Power(false))
	require.NoError(t, b.SetPolicy(compiled("sni: max.ru")))
	require.NoError(t, b.Power(true))
	_, err = get(web, "https://max.ru/")
	require.ErrorIs(t, err, syscall.ECONNRESET)
}
