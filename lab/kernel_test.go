package lab

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"net/netip"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"dpilab/dpi/nfq"
	"dpilab/dpi/packet"
	"dpilab/dpi/trace"
	"dpilab/rules"
)

// ruleText is a policy of one rule.
func ruleText(text string) string {
	return "rules:\n  - {rule: r, " + text + ", source: {ref: choice}}\n"
}

// kernelPolicies are those under which the kernel decides a part by itself, each in its way.
var kernelPolicies = map[string]string{
	"block":         ruleText(`when: {to: [203.0.113.0/29, "2001:db8:2::/125"]}, do: {drop: both}`),
	"block up":      ruleText(`when: {to: [203.0.113.0/28, "2001:db8:2::/64"]}, do: {drop: up}`),
	"block down":    ruleText(`when: {to: [203.0.113.0/28, "2001:db8:2::/64"]}, do: {drop: down}`),
	"block unless":  ruleText(`when: {to: [203.0.113.0/28, "2001:db8:2::/64"]}, unless: {to: [203.0.113.9, "2001:db8:2::9"]}, do: {drop: both}`),
	"block of TCP":  ruleText(`when: {to: 203.0.113.0/28, transport: tcp}, do: {drop: both}`),
	"blocks, name":  "rules:\n  - {rule: b, when: {to: [198.18.5.0/24, '2001:db8:3::/48']}, do: {drop: up}, source: {ref: choice}}\n  - {rule: n, when: {sni: bad.example, port: 443}, do: {drop: both}, source: {ref: choice}}\n",
	"name, block":   "rules:\n  - {rule: n, when: {sni: good.example}, do: pass, source: {ref: choice}}\n  - {rule: b, when: {to: 198.18.5.0/24}, do: {drop: both}, source: {ref: choice}}\n",
	"name":          ruleText(`when: {sni: bad.example, transport: tcp}, do: {reset: server packet, residual: 75s}`),
	"freeze":        ruleText(`when: {to: [203.0.113.9, "2001:db8:2::9"], transport: tcp, port: 443}, do: {freeze: both, after: 3 payload packets}`),
	"freeze, ban":   ruleText(`when: {to: [203.0.113.9, "2001:db8:2::9"], transport: tcp}, do: {freeze: both, after: 3 payload packets, ban: 10m, hold: server}`),
	"learn":         ruleText(`when: {sni: bad.example}, do: {learn: server port, after: 5m, then: {drop: both}}`),
	"hold":          ruleText(`when: {sni: bad.example}, do: {drop: up, residual: 60s, hold: pair}`),
	"held":          "profile: {fragments: {hold: true, max: 45, timeout: 5s}}\n" + ruleText(`when: {to: [203.0.113.0/29, "2001:db8:2::/125"]}, do: {drop: both}`),
	"met in middle": "profile: {mid-stream: passes}\n" + ruleText(`when: {to: [203.0.113.0/29]}, do: {drop: both}`),
	"one way":       "profile: {sees: up}\n" + ruleText(`when: {to: [203.0.113.0/28, "2001:db8:2::/64"]}, do: {drop: both}`),
	"protocol":      ruleText(`when: {protocol: tls, port: 443}, do: {drop: both, after: 2 packets}`),
}

// skips are those of them that need not see all TCP and UDP.
var skips = map[string]bool{"block": true, "block up": true, "block down": true, "block unless": true, "block of TCP": true, "blocks, name": true,
	"freeze": true, "freeze, ban": true, "held": true, "met in middle": true, "one way": true, "protocol": true, "name": true, "name, block": true}

var kernels = []nfq.Kernel{nfq.KernelOffload, nfq.KernelAll, nfq.KernelAll &^ nfq.KernelOffload, nfq.KernelAll &^ nfq.KernelBlocks, nfq.KernelAll &^ nfq.KernelSkips}

// What comes out of a box is the same whatever the kernel decides by itself.
func TestKernelDecidesAsTheEngine(t *testing.T) {
	for name, text := range kernelPolicies {
		t.Run(name, func(t *testing.T) {
			policy := policyOf(t, text)
			batch := packetsOf(rand.New(rand.NewPCG(1, 1)), 200, false)
			var want [][]trace.Output
			for _, k := range append([]nfq.Kernel{0}, kernels...) {
				p := openPath(t, PathOptions{Without: nfq.KernelAll &^ k, Skip: true, unwatched: true}, trace.Element{Policy: policy})
				got := outputs(t, p, batch, nil)
				if want == nil {
					want = got
				}
				same(t, want, got, batch, k)
				n, err := p.boxes[0].box.Counters()
				require.NoError(t, err)
				need := policy.Need()
				require.Equal(t, k.Has(nfq.KernelBlocks) && len(need.Blocks) > 0, n.Blocked > 0, "%v: %+v", k, n)
				require.Equal(t, k.Has(nfq.KernelSkips) && skips[name], n.Skipped > 0, "%v: %+v", k, n)
				require.NoError(t, p.Close())
			}
		})
	}
}

// Reloads change nothing of that, while flows of the policy before are open, and after they have been forgotten. Two things are different,
// and left out: of a flow that a block dropped from its beginning on nothing is remembered, so what the next policy does not block is
// free at once; and a SYN on a flow that the kernel passed by itself always begins another, under the policy of now.
func TestKernelDecidesAsTheEngineOverReloads(t *testing.T) {
	names := slices.DeleteFunc(slices.Sorted(maps.Keys(kernelPolicies)), func(name string) bool {
		return name == "one way" // which direction a box sees is no matter of flows: it changes for all at once
	})
	for seed := range uint64(3) {
		r := rand.New(rand.NewPCG(seed, 2))
		var policies []*rules.Compiled
		var told []string
		for len(policies) < 4 {
			name := names[r.IntN(len(names))]
			c := policyOf(t, kernelPolicies[name])
			if n := len(policies); n > 0 && !blocksAll(policies[n-1].Need().Blocks, c.Need().Blocks) {
				continue
			}
			told, policies = append(told, name), append(policies, c)
		}
		t.Run(fmt.Sprint(told), func(t *testing.T) {
			batch := packetsOf(r, 300, true)
			var want [][]trace.Output
			for _, k := range []nfq.Kernel{0, nfq.KernelAll, nfq.KernelBlocks | nfq.KernelSkips} {
				p := openPath(t, PathOptions{Without: nfq.KernelAll &^ k, Skip: true, unwatched: true}, trace.Element{Policy: policies[0]})
				got := outputs(t, p, batch, policies[1:])
				if want == nil {
					want = got
				}
				same(t, want, got, batch, k)
				require.NoError(t, p.Close())
			}
		})
	}
}

// blocksAll tells whether what the one blocks is blocked by the other as well, by the same prefixes.
func blocksAll(one, other []rules.Block) bool {
	for _, b := range one {
		for _, p := range b.Prefixes {
			if !slices.ContainsFunc(other, func(x rules.Block) bool {
				return (x.Direction == rules.Both || x.Direction == b.Direction) && slices.Contains(x.Prefixes, p)
			}) {
				return false
			}
		}
	}
	return true
}

// outputs sends the packets one by one, with the policies as reloads in between. Behind the third quarter everything is forgotten.
func outputs(t *testing.T, p *Path, batch []trace.Sent, policies []*rules.Compiled) (all [][]trace.Output) {
	for i, s := range batch {
		if quarter := len(batch) / 4; i%quarter == quarter/2 && i/quarter < len(policies) {
			require.NoError(t, p.SetPolicy("", policies[i/quarter]))
		}
		if i == len(batch)*3/4 {
			out, err := p.Wait(6 * time.Hour)
			require.NoError(t, err)
			require.Empty(t, out)
			if len(policies) > 0 {
				time.Sleep(700 * time.Millisecond) // the kernel goes over to the last policy alone
			}
		}
		out, err := p.Send([]trace.Sent{s})
		require.NoError(t, err)
		all = append(all, out)
	}
	return all
}

func same(t *testing.T, want, got [][]trace.Output, batch []trace.Sent, k nfq.Kernel) {
	for i := range want {
		require.Equal(t, want[i], got[i], "packet %d of %d, %x, with %v", i, len(want), batch[i].Data, k)
	}
}

// Under a policy that blocks a prefix the engine gets none of its packets but fragments, and under one that freezes a prefix it gets only
// that prefix's, what is neither TCP nor UDP, and fragments.
func TestKernelLeavesTheEngineWhatItNeeds(t *testing.T) {
	for name, wants := range map[string]func(a netip.Addr, p *packet.Packet) bool{
		"block": func(a netip.Addr, p *packet.Packet) bool {
			return !netip.MustParsePrefix("203.0.113.0/29").Contains(a) && !netip.MustParsePrefix("2001:db8:2::/125").Contains(a) &&
				p.Protocol != packet.TCP && p.Protocol != packet.UDP
		},
		"freeze": func(a netip.Addr, p *packet.Packet) bool {
			frozen := p.Protocol == packet.TCP && min(p.SrcPort, p.DstPort) == 443 && (a == outsides[0][1] || a == outsides[1][1])
			return frozen || p.Protocol != packet.TCP && p.Protocol != packet.UDP
		},
	} {
		var queued uint64
		batch := packetsOf(rand.New(rand.NewPCG(3, 3)), 200, false)
		for _, s := range batch {
			var p packet.Packet
			require.NoError(t, p.Decode(s.Data))
			outside := p.Dst
			if s.From == trace.Server {
				outside = p.Src
			}
			if p.Fragment || wants(packet.AddrOf(outside), &p) {
				queued++
			}
		}
		p := openPath(t, PathOptions{Without: nfq.KernelOffload, unwatched: true}, trace.Element{Policy: policyOf(t, kernelPolicies[name])})
		before, err := p.boxes[0].box.Counters()
		require.NoError(t, err)
		marks := p.marker.count
		_, err = p.Send(batch)
		require.NoError(t, err)
		n, err := p.boxes[0].box.Counters()
		require.NoError(t, err)
		require.Equal(t, queued, n.Received-before.Received-(p.marker.count-marks), name)
	}
}
