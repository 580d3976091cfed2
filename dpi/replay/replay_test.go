package replay

import (
	"bytes"
	"encoding/json"
	"flag"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/gopacket/pcapgo"
	"github.com/stretchr/testify/require"

	"dpilab/rules"
)

var update = flag.Bool("update", false, "write the golden files")

const captures = "../inspect/testdata/"

func policyOf(t testing.TB, text string) *rules.Compiled {
	t.Helper()
	p, err := rules.Parse("mine.yaml", []byte("policy: mine\ndate: 2026-01-01\nabout: a test\n"+text), fstest.MapFS{})
	require.NoError(t, err)
	c, err := p.Compile()
	require.NoError(t, err)
	return c
}

func shipped(t testing.TB, name string) *rules.Compiled {
	t.Helper()
	p, err := rules.Shipped(name)
	require.NoError(t, err)
	c, err := p.Compile()
	require.NoError(t, err)
	return c
}

// The policies of the tests keep the flow table small: each run makes one.
const (
	small     = "profile: {flows: 1000, reassembly: {tcp: true}}\n"
	hitsNone  = small + `rules: [{rule: none, when: {sni: nosuch.example}, do: {drop: both}, source: {ref: choice}}]`
	resets    = small + `rules: [{rule: blocked, when: {sni: blocked.example, transport: tcp}, do: {reset: server packet}, source: {ref: choice}}]`
	redirects = small + `rules: [{rule: dns, when: {protocol: dns, transport: udp}, do: {redirect: [192.0.2.53]}, source: {ref: choice}}]`
	coin      = small + `rules: [{rule: half, when: {transport: [tcp, udp]}, do: {capacity: 50}, source: {ref: choice}}]`
)

func capture(t testing.TB, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(captures + name + ".pcap")
	require.NoError(t, err)
	return data
}

// replay runs a capture, and gives the report and what came out.
func replay(t testing.TB, data []byte, o Options) (*Report, []byte) {
	t.Helper()
	var out bytes.Buffer
	o.Out = &out
	r, err := Run(t.Context(), bytes.NewReader(data), o)
	require.NoError(t, err)
	return r, out.Bytes()
}

// Real captures against policies that ship and against one mechanism each, as people see it.
func TestGolden(t *testing.T) {
	for name, c := range map[string]struct {
		file   string
		policy *rules.Compiled
	}{
		"wa_tcp_443-2026-whatsapp":  {"wa_tcp_443", shipped(t, "2026-whatsapp")},
		"wa_tcp_5222-2026-whatsapp": {"wa_tcp_5222", shipped(t, "2026-whatsapp")},
		"wa_web-2026-whatsapp":      {"wa_web", shipped(t, "2026-whatsapp")},
		"wa_web-2025-home":          {"wa_web", shipped(t, "2025-home")},
		"curl-reset":                {"curl", policyOf(t, resets)},
		"dns_udp-redirect":          {"dns_udp", policyOf(t, redirects)},
	} {
		t.Run(name, func(t *testing.T) {
			r, _ := replay(t, capture(t, c.file), Options{Policy: c.policy, Seed: 1, Story: true})
			r.Capture = c.file + ".pcap"
			var out bytes.Buffer
			require.NoError(t, r.WriteTable(&out, TableOptions{Verbose: true}))
			file := filepath.Join("testdata", name+".golden")
			if *update {
				require.NoError(t, os.WriteFile(file, out.Bytes(), 0o644))
			}
			want, err := os.ReadFile(file)
			require.NoError(t, err)
			require.Equal(t, string(want), out.String())
		})
	}
}

// What no rule hits comes out byte for byte, in every capture that there is.
func TestUntouchedIsCopied(t *testing.T) {
	files, err := filepath.Glob(captures + "*.pcap")
	require.NoError(t, err)
	require.Greater(t, len(files), 50)
	policy := policyOf(t, hitsNone)
	for _, file := range files {
		in, err := os.ReadFile(file)
		require.NoError(t, err)
		r, out := replay(t, in, Options{Policy: policy})
		require.True(t, bytes.Equal(in, out), file)
		require.Zero(t, r.Totals.Hit)
		require.Equal(t, r.Totals.Packets, r.Totals.Accepted+r.Totals.NotIP+r.Totals.Beside)
		require.Zero(t, r.Totals.Broken)

		// As pcapng, twice: the second time byte for byte too.
		_, ng := replay(t, in, Options{Policy: policy, PCAPNG: true})
		_, again := replay(t, ng, Options{Policy: policy})
		require.True(t, bytes.Equal(ng, again), file)
		require.Equal(t, framesOf(t, in), framesOf(t, ng), file)
	}
}

// frame is a packet as gopacket's readers give it.
type frame struct {
	at     int64
	length int
	data   string
}

// framesOf reads a capture by gopacket, which is another implementation.
func framesOf(t testing.TB, data []byte) (all []frame) {
	t.Helper()
	var next func() (frame, error)
	if r, err := pcapgo.NewReader(bytes.NewReader(data)); err == nil {
		next = func() (frame, error) {
			b, ci, err := r.ReadPacketData()
			return frame{ci.Timestamp.UnixNano(), ci.Length, string(b)}, err
		}
	} else {
		r, err := pcapgo.NewNgReader(bytes.NewReader(data), pcapgo.NgReaderOptions{WantMixedLinkType: true})
		require.NoError(t, err)
		next = func() (frame, error) {
			b, ci, err := r.ReadPacketData()
			return frame{ci.Timestamp.UnixNano(), ci.Length, string(b)}, err
		}
	}
	for {
		f, err := next()
		if err == io.EOF {
			return all
		}
		require.NoError(t, err)
		all = append(all, f)
	}
}

// The same file, policy and seed give the same; another seed another.
func TestSeed(t *testing.T) {
	policy, in := policyOf(t, coin), capture(t, "firefox")
	text := func(seed uint64) (string, string) {
		r, out := replay(t, in, Options{Policy: policy, Seed: seed, Story: true, PCAPNG: true, Marked: true})
		var b bytes.Buffer
		require.NoError(t, r.WriteJSON(&b))
		return b.String(), string(out)
	}
	r1, o1 := text(1)
	r2, o2 := text(1)
	require.Equal(t, r1, r2)
	require.Equal(t, o1, o2)
	_, o3 := text(2)
	require.NotEqual(t, o1, o3)
}

// Every policy that ships goes over every capture: no packet is lost from the sums, and two runs are alike.
func TestEverything(t *testing.T) {
	files, err := filepath.Glob(captures + "*.pcap")
	require.NoError(t, err)
	for _, name := range rules.ShippedNames() {
		p, err := rules.Shipped(name)
		require.NoError(t, err)
		p.Profile.Flows = 1000
		policy, err := p.Compile()
		require.NoError(t, err)
		for _, file := range files {
			in, err := os.ReadFile(file)
			require.NoError(t, err)
			r, out := replay(t, in, Options{Policy: policy, Seed: 5})
			s := &r.Totals
			require.Equal(t, s.Box, s.Accepted+s.Dropped+s.Rewritten+s.Held, file)
			require.Equal(t, s.Packets, s.Box+s.NotIP+s.Beside+s.Unknown, file)
			require.Len(t, framesOf(t, out), int(s.Packets-s.Dropped-s.Held+s.Sent), file)
			var up, down Traffic
			for _, f := range r.Flows {
				up.Packets, up.PacketsOut = up.Packets+f.Up.Packets, up.PacketsOut+f.Up.PacketsOut
				down.Packets, down.PacketsOut = down.Packets+f.Down.Packets, down.PacketsOut+f.Down.PacketsOut
			}
			require.Equal(t, s.Box, up.Packets+down.Packets, file)
			require.Equal(t, s.Accepted+s.Rewritten+s.Sent, up.PacketsOut+down.PacketsOut, file)
		}
	}
}

// Dropped packets are absent, or marked; every packet of the capture is somewhere in the sums.
func TestDropped(t *testing.T) {
	in := capture(t, "curl")
	o := Options{Policy: shipped(t, "2026-whatsapp")}
	r, out := replay(t, in, o)
	require.EqualValues(t, 3, r.Totals.Accepted)
	require.Equal(t, framesOf(t, in)[:3], framesOf(t, out))
	require.Equal(t, r.Totals.Packets, r.Totals.Accepted+r.Totals.Dropped)
	require.Equal(t, r.Totals.Dropped, r.Flows[0].Up.Dropped+r.Flows[0].Down.Dropped)

	o.PCAPNG, o.Marked = true, true
	_, out = replay(t, in, o)
	require.Equal(t, framesOf(t, in), framesOf(t, out))
	require.Equal(t, 17, bytes.Count(out, []byte("dpilab: dropped by rule meta-addresses (2026-whatsapp), drop")))

	o.PCAPNG = false
	_, err := Run(t.Context(), bytes.NewReader(in), Options{Policy: o.Policy, Out: io.Discard, Marked: true})
	require.ErrorIs(t, err, ErrMarked)
}

// A server's packet comes out as RST/ACK of 40 bytes, at its own time, under its own link header.
func TestRewritten(t *testing.T) {
	in := capture(t, "curl")
	r, out := replay(t, in, Options{Policy: policyOf(t, resets)})
	before, after := framesOf(t, in), framesOf(t, out)
	require.Len(t, after, len(before))
	require.NotZero(t, r.Totals.Rewritten)
	n := 0
	for i := range before {
		require.Equal(t, before[i].at, after[i].at)
		require.Equal(t, before[i].data[:14], after[i].data[:14])
		if before[i].data != after[i].data {
			n++
			require.Len(t, after[i].data, 54)
			require.Equal(t, byte(0x14), after[i].data[47])
		}
	}
	require.EqualValues(t, r.Totals.Rewritten, n)
}

func TestJSON(t *testing.T) {
	r, _ := replay(t, capture(t, "wa_tcp_443"), Options{Policy: shipped(t, "2026-whatsapp"), Seed: 3})
	var b bytes.Buffer
	require.NoError(t, r.WriteJSON(&b))
	var back Report
	d := json.NewDecoder(strings.NewReader(b.String()))
	d.DisallowUnknownFields()
	require.NoError(t, d.Decode(&back))
	require.Equal(t, "whatsapp-chat", back.Flows[3].Verdicts[0].Rule)
	require.EqualValues(t, 10, back.Flows[3].Verdicts[0].Frame)
	require.Equal(t, map[string]int{"dns": 3}, back.Untouched)
	require.Equal(t, Caveat, back.Caveat)
}
