package tools_test

import (
	"context"
	"errors"
	"io"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/gopacket/pcapgo"
	"github.com/stretchr/testify/require"

	"dpilab/dpi/packet"
	"dpilab/lab"
	"dpilab/lab/probe"
	"dpilab/rules"
	"dpilab/scenarios/tools"
)

// few are the variants that a short run tries.
var few = []string{"xray/reality", "sing-box/hysteria2", "sing-box/tls-fragment"}

// shippedBy gives the variants of definitions whose programs are here; a short run those of few.
func shippedBy(t *testing.T, names ...string) (all []*tools.Tool) {
	t.Helper()
	for _, name := range names {
		variants, err := tools.Open(name)
		require.NoError(t, err)
		for _, v := range variants {
			if missing := v.Missing(); missing != nil {
				t.Logf("%s is left out: %s", v.Name, strings.Join(missing, "; "))
				continue
			}
			if !testing.Short() || slices.Contains(few, v.Name) {
				all = append(all, v)
			}
		}
	}
	if all == nil {
		t.Skipf("nothing of %s is installed", strings.Join(names, ", "))
	}
	return all
}

// carried tells whether a download came to its end, at whatever rate: what is so short is not fast.
func carried(o probe.Outcome) bool { return o.Kind == probe.OK || o.Kind == probe.Throttled }

// internet is the lab that tools are tried in.
type internet struct {
	*lab.Lab
	services *lab.Services
}

func openInternet(t *testing.T) internet {
	t.Helper()
	if err := lab.Missing(); err != nil {
		t.Skip(err)
	}
	topology, err := lab.OpenTopology("internet")
	require.NoError(t, err)
	l, err := lab.Build(t.Context(), topology, lab.Options{})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, l.Close()) })
	services, err := l.Serve(t.Context())
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, services.Close()) })
	return internet{l, services}
}

// open starts a tool, its client part for the probe, and ends it with the test.
func (i internet) open(ctx context.Context, t *testing.T, tool *tools.Tool, p probe.Probe) *tools.Session {
	t.Helper()
	s, err := tool.Open(ctx, tools.Place{
		Lab: i.Lab, Services: i.services, Client: i.Host("client"), Router: i.Host("isp"), Server: i.Host("server"),
		Cover: "www.example.org", Dir: t.TempDir(),
	})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.Close()) })
	require.NoError(t, s.Start(ctx, p), s.Log())
	return s
}

// opened counts the connections and datagrams that left the client, by the address that they went to, and how many of them were for DNS.
func (i internet) opened(t *testing.T, file string) (to map[netip.Addr]int, questions int) {
	t.Helper()
	f, err := os.Open(file)
	require.NoError(t, err)
	defer f.Close()
	r, err := pcapgo.NewNgReader(f, pcapgo.DefaultNgReaderOptions)
	require.NoError(t, err)
	const etherHeader, portDNS = 14, 53
	own := i.Host("client").Addrs()
	to = map[netip.Addr]int{}
	for {
		data, _, err := r.ReadPacketData()
		if errors.Is(err, io.EOF) {
			return to, questions
		}
		require.NoError(t, err)
		var p packet.Packet
		if p.Decode(data[etherHeader:]) != nil || !p.HasTransport || !slices.Contains(own, packet.AddrOf(p.Src)) {
			continue
		}
		opens := p.Protocol == packet.TCP && p.Flags&(packet.SYN|packet.ACK) == packet.SYN
		if !opens && p.Protocol != packet.UDP {
			continue // neighbours, and the ends of connections of the tool before
		}
		to[packet.AddrOf(p.Dst)]++
		if p.DstPort == portDNS {
			questions++
		}
	}
}

// Each way of Xray and sing-box carries a download. What has a server sends nothing to anybody else, questions for names included.
func TestXrayAndSingBoxCarry(t *testing.T) {
	all := shippedBy(t, "xray", "sing-box")
	net := openInternet(t)
	goal := probe.Download("web.whatsapp.com", 200_000)
	site := net.Host("meta")
	for _, tool := range all {
		t.Run(tool.Name, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
			defer cancel()
			dir := t.TempDir()
			capture, err := net.Capture(dir, "access")
			require.NoError(t, err)
			s := net.open(ctx, t, tool, goal)
			o := s.Try(ctx, goal)
			require.NoError(t, s.Used(), s.Log())
			require.NoError(t, s.Stop())
			_, err = capture.Stop()
			require.NoError(t, err)
			require.True(t, carried(o), "%s\n%s", o.Story(), s.Log())

			to, questions := net.opened(t, filepath.Join(dir, "access.pcapng"))
			if tool.Direct {
				require.Positive(t, to[site.Addr4()]+to[site.Addr6()], to)
				return
			}
			require.Zero(t, questions, to)
			server := net.Host("server").Addr4()
			require.Positive(t, to[server])
			delete(to, server)
			require.Empty(t, to)
		})
	}
}

// joined is a box that reads what is cut, by segments, by records and by both, and does so for longer than the 20 packets of the real ones.
const joined = `
policy: joined
date: 2025-07-01
about: 2025-home, with records that are joined, and more packets read
extends: 2025-home
profile:
  reassembly: {tcp: true, records: true, both: true, bytes: 65535, segments: 64}
  inspect: {packets: 100..100}
`

// The boxes of 2025 join segments and not records. Who shows the name of another site is let be.
func TestXrayAndSingBoxMeetBoxes(t *testing.T) {
	shippedBy(t, "xray", "sing-box")
	net := openInternet(t)
	goal := probe.Download("twitter.com", 200_000)
	goal.Timeout = time.Second
	home, err := rules.Open("2025-home")
	require.NoError(t, err)
	whole, err := rules.Parse("joined.yaml", []byte(joined), nil)
	require.NoError(t, err)
	for _, c := range []struct {
		policy *rules.Policy
		tool   string
		open   bool
	}{
		{home, "direct", false},
		{home, "xray/reality", true},
		{home, "xray/fragment", true},
		{home, "sing-box/tls-record-fragment", true},
		{home, "sing-box/tls-fragment", false},
		{whole, "xray/reality", true},
		{whole, "xray/fragment", false},
		{whole, "sing-box/tls-record-fragment", false},
	} {
		t.Run(c.policy.Name+" "+c.tool, func(t *testing.T) {
			if testing.Short() && !slices.Contains(few, c.tool) {
				t.Skip("short")
			}
			all, err := tools.Open(c.tool)
			require.NoError(t, err)
			if missing := all[0].Missing(); missing != nil {
				t.Skip(strings.Join(missing, "; "))
			}
			compiled, err := c.policy.Compile()
			require.NoError(t, err)
			box, err := net.StartBox("box", lab.BoxOptions{Policy: compiled, Seed: 1})
			require.NoError(t, err)
			defer func() { require.NoError(t, box.Close()) }()
			ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
			defer cancel()
			s := net.open(ctx, t, all[0], goal)
			o := s.Try(ctx, goal)
			require.Equal(t, c.open, carried(o), "%s\n%s", o.Story(), s.Log())
		})
	}
}
