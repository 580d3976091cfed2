package lab

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"dpilab/dpi"
	"dpilab/dpi/nfq"
	"dpilab/rules"
)

// bucket is what the policer of one direction is to be, fed with its verdicts: rate in bytes a second, burst in bytes. Its method is for
// the goroutine that decides.
type bucket struct {
	rate, burst float64

	level           float64
	since           time.Duration // of the level, on the box's clock
	begun           bool
	first, last     time.Duration
	passed, dropped float64 // bytes
	drops           int
	over, under     float64 // by how many bytes a packet that passed was too large, and one that was dropped was not; the most of all
}

func (b *bucket) decided(now time.Duration, n float64, passed bool) {
	if !b.begun {
		b.begun, b.level, b.since, b.first = true, b.burst, now, now
	}
	b.level = min(b.burst, b.level+b.rate*(now-b.since).Seconds())
	b.since, b.last = now, now
	if !passed {
		b.under = max(b.under, b.level-n)
		b.dropped += n
		b.drops++
		return
	}
	b.over = max(b.over, n-b.level)
	b.level -= n
	b.passed += n
}

// policed watches what an engine decides of the TCP packets that come down.
type policed struct {
	nfq.Engine
	down bucket
}

// Handle implements nfq.Engine.
func (p *policed) Handle(now time.Duration, packet dpi.Packet, out []dpi.Verdict) []dpi.Verdict {
	all := p.Engine.Handle(now, packet, out)
	if b := packet.Data; packet.Dir == rules.Down && (b[0]>>4 == 4 && b[9] == 6 || b[0]>>4 == 6 && b[6] == 6) {
		for _, v := range all[len(out):] {
			if v.ID == packet.ID && v.Action != dpi.Send {
				p.down.decided(now, float64(max(packet.Length, len(b))), v.Action != dpi.Drop)
			}
		}
	}
	return all
}

// What the policer lets through is what its rate says, by loss and without delay (IMC21: 130 to 150 kbit/s): every verdict on a real
// download is that of a bucket which fills by the box's clock. How fast the download is says little: that depends on what TCP makes of
// the losses, and on how busy the machine is.
func TestPolicedRate(t *testing.T) {
	const rate, burst = 125_000, 16_000
	l, s := subscriberLab(t)
	var p *policed
	b := boxOf(t, l, "{rule: r, when: {sni: x.com}, do: {police: 1mbit, burst: 16KB}, source: {ref: choice}}", BoxOptions{
		around: func(e nfq.Engine) nfq.Engine {
			p = &policed{Engine: e, down: bucket{rate: rate, burst: burst}}
			return p
		}})
	n, err := get(client(l, s), "https://x.com/download?bytes=400000")
	require.NoError(t, err)
	c, err := b.Counters()
	require.NoError(t, err)
	require.NoError(t, b.Close())
	d := p.down
	took := (d.last - d.first).Seconds()
	t.Logf("%.0f bytes passed in %.2f s and %.0f were dropped, %.0f kbit/s; over %.0f, under %.0f bytes",
		d.passed, took, d.dropped, d.passed*8/1000/took, d.over, d.under)
	require.NotZero(t, d.drops, "by loss")
	require.GreaterOrEqual(t, c.Dropped, uint64(d.drops))
	require.Greater(t, c.QueuedBytes, uint64(n), "every packet is counted")
	require.Greater(t, d.passed, float64(n))
	require.Less(t, d.passed, burst+rate*took+slack)
	require.Less(t, d.over, float64(slack), "a packet passed that did not fit")
	require.Less(t, d.under, float64(slack), "a packet was dropped that fitted")
}

// slack is for the headers that come down before the rule has decided, which its bucket does not know of.
const slack = 200
