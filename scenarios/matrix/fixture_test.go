package matrix

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

var update = flag.Bool("update", false, "write the golden files anew")

// golden compares with a file of testdata.
func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	file := filepath.Join("testdata", name)
	if *update {
		require.NoError(t, os.MkdirAll("testdata", 0o755))
		require.NoError(t, os.WriteFile(file, got, 0o644))
	}
	want, err := os.ReadFile(file)
	require.NoError(t, err)
	require.Equal(t, string(want), string(got))
}

// small is a result that has a cell of every sort, two tools by three policies.
func small() *Result {
	all := built([]string{"curl", "xray-reality"}, []string{"2022-paper", "2025-freeze", "2026-home"})
	random := rand.New(rand.NewPCG(3, 4))
	set := func(i int, s Status, reached, tries int, why string) *Cell {
		c := &all.Cells[i]
		c.Status, c.Reached, c.Tries, c.Why, c.Flakes, c.Interval = s, reached, tries, why, min(reached, tries-reached), nil
		if c.Flakes > 0 {
			c.Interval = &[2]float64{0.21, 0.94}
		}
		c.Handshake, c.FirstByte, c.Goodput = Spread{}, Spread{}, Spread{}
		if reached > 0 {
			c.Handshake, c.FirstByte, c.Goodput = Spread{61.2, 58.1, 70.4}, Spread{92.5, 88, 101.3}, Spread{21.4e6, 19.8e6, 22.7e6}
		}
		c.Runs = nil
		for i := range tries {
			c.Runs = append(c.Runs, builtRun(random, c, i))
		}
		return c
	}
	const names = "rule twitter-names (2022-paper): reset in place of the server's packets. Source: IMC22 (P)"
	set(0, Blocked, 0, 3, names)
	set(1, Degraded, 2, 3, "reached in 2 of 3 tries")
	set(2, Leak, 3, 3, "1 question for x.com left the client in the clear")
	set(3, Open, 3, 3, "")
	set(4, Broken, 0, 3, "does not work without a box: xray exited with 23")
	c := set(5, Skipped, 0, 0, "xray is not installed")
	c.Reference, c.Direct = Spread{}, Spread{}
	return all
}

// full is as large as a result gets: 60 tools by 28 policies.
func full() *Result {
	tools := []string{"direct", "curl", "curl-http3", "chromium", "firefox", "xray-reality", "xray-reality-xhttp", "xray-ws", "xray-grpc", "xray-trojan",
		"xray-shadowsocks-2022", "sing-box-hysteria2", "sing-box-tuic", "sing-box-anytls", "sing-box-shadowtls", "wireguard-go", "openvpn-udp", "openvpn-tcp",
		"openvpn-tls-crypt", "shadowsocks-libev", "obfs4", "doh", "dot", "whatsmeow", "telegram", "desync"}
	for i := 1; len(tools) < 60; i++ {
		tools = append(tools, fmt.Sprintf("desync-split-%d", i))
	}
	return built(tools, strings.Fields(`2021-twitter 2022-isp 2022-paper 2022-quic-names 2022-quic 2023-vpn 2024-ech 2024-youtube-1 2024-youtube-2
		2024-youtube-4 2024-youtube-5 2024-youtube 2025-calls 2025-freeze 2025-home 2025-tls-rate 2025-whatsapp 2025-whitelist-beeline 2026-dns
		2026-fingerprint 2026-home 2026-quic-moscow 2026-quic 2026-whatsapp 2026-whitelist-megafon 2026-whitelist-mts worst-whitelist worst`))
}

// built is a result of chance, always the same.
func built(tools, policies []string) *Result {
	random := rand.New(rand.NewPCG(1, 2))
	r := &Result{
		Schema: SchemaName, Dpilab: "v0.6.0", Started: time.Date(2026, 11, 26, 10, 0, 0, 0, time.UTC), Seconds: 754.3, Seed: 1, Repeat: 3, Kernel: "6.18.5",
	}
	for _, name := range tools {
		r.Tools = append(r.Tools, Tool{Name: name, About: "what " + name + " is about", Link: "https://example.org/" + name, Version: name + " 1.8.24 (go1.26)"})
	}
	for _, name := range policies {
		date := "2025-06-01"
		if len(name) > 4 && name[0] == '2' {
			date = name[:4] + "-03-10"
		}
		r.Phases = append(r.Phases, Phase{
			Scenario: "every-policy", Name: name, Policy: name, Date: date, About: "what " + name + " does", Chance: strings.Contains(name, "freeze"),
			Proofs: []Proof{
				{Probe: "X", Expected: "reset after ClientHello", Outcome: "reset after ClientHello (12 ms)", Held: true},
				{Probe: "Max", Control: true, Expected: "ok", Outcome: "ok (41 ms)", Held: true},
			},
		})
	}
	for i := range r.Tools {
		for j := range r.Phases {
			r.Cells = append(r.Cells, builtCell(random, r, i, j))
		}
	}
	return r
}

func builtCell(random *rand.Rand, r *Result, tool, phase int) Cell {
	p := &r.Phases[phase]
	c := Cell{
		Tool: r.Tools[tool].Name, Policy: p.Policy, Scenario: p.Scenario, Phase: p.Name, Goal: "X through the tool", Status: Open, Reached: 3, Tries: 3,
		Handshake: Spread{61.2, 58.1, 70.4}, FirstByte: Spread{92.5, 88, 101.3}, Goodput: Spread{21.4e6, 19.8e6, 22.7e6},
		Reference: Spread{23.1e6, 22.8e6, 23.4e6}, Direct: Spread{47.2e6, 46.9e6, 47.5e6},
	}
	switch n := random.IntN(20); {
	case n < 5:
		c.Status, c.Reached = Blocked, 0
		c.Why = "rule names (" + p.Policy + "): reset in place of the server's packets. Source: IMC22 (P)"
		c.Handshake, c.FirstByte, c.Goodput = Spread{}, Spread{}, Spread{}
	case n == 5:
		c.Status, c.Reached, c.Flakes, c.Interval = Degraded, 2, 1, &[2]float64{0.21, 0.94}
		c.Why = "reached in 2 of 3 tries: rule freeze (2025-freeze): freeze both after 20 to 25 packets. Source: NTC22 (C)"
	case n == 6:
		c.Status, c.Why = Leak, "1 question for x.com left the client in the clear"
	case n == 7 && tool > 3:
		c.Status, c.Reached, c.Tries, c.Why = Skipped, 0, 0, c.Tool+" is not installed"
		c.Handshake, c.FirstByte, c.Goodput, c.Reference, c.Direct = Spread{}, Spread{}, Spread{}, Spread{}, Spread{}
		return c
	case n == 8:
		c.Status, c.Reached, c.Why = Broken, 0, "does not work without a box: "+c.Tool+" exited with 1"
	}
	for i := range c.Tries {
		c.Runs = append(c.Runs, builtRun(random, &c, i))
	}
	return c
}

func builtRun(random *rand.Rand, c *Cell, i int) Run {
	f := Flow{Transport: "tcp", Client: fmt.Sprintf("198.51.100.2:%d", 40000+i), Server: "203.0.113.34:443", To: "server", Up: 14, Down: 160, UpBytes: 2412, DownBytes: 214312}
	run := Run{Seed: uint64(1 + i), Outcome: "ok (214 ms)", Kind: "ok"}
	reached := i < c.Reached
	if reached {
		run.Handshake, run.FirstByte, run.Goodput = 60+random.Float64()*10, 90+random.Float64()*10, 20e6+random.Float64()*3e6
	} else {
		run.Outcome, run.Kind = "reset after ClientHello (12 ms)", "reset"
		f.Up, f.Down, f.Dropped = 5, 3, 1
		run.Hits = []Hit{{MS: 31.4, Rule: "names", Policy: c.Policy, Mechanism: "reset in place of the server's packets", Source: "IMC22 (P)",
			Flow: "tcp " + f.Client + " → " + f.Server, Name: "x.com", Packet: 4}}
	}
	if i == 0 || i == c.Reached {
		f.Packets = builtPackets(reached)
		run.Log = "[Info] " + c.Tool + " started\n[Warning] failed to process <script>alert('x')</script> & more\n"
	}
	run.Flows = []Flow{f, {Transport: "udp", Client: "198.51.100.2:53211", Server: "192.0.2.53:53", To: "resolver", Up: 1, Down: 1, UpBytes: 61, DownBytes: 92}}
	if c.Status == Leak {
		run.Leaks = []string{"question for x.com to 192.0.2.53"}
	}
	return run
}

func builtPackets(reached bool) []Packet {
	all := []Packet{
		{MS: 10.0, Up: true, Length: 60, What: "SYN"}, {MS: 20.4, Length: 60, What: "SYN/ACK"}, {MS: 30.9, Up: true, Length: 52, What: "ACK"},
		{MS: 31.4, Up: true, Length: 569, What: "ClientHello x.com"},
	}
	if !reached {
		return append(all, Packet{MS: 42.1, Length: 1500, What: "ServerHello", Did: "rewritten", Rule: "names"},
			Packet{MS: 43.0, Up: true, Length: 40, What: "RST", Did: "dropped", Rule: "names"}, Packet{MS: 44, Length: 40, What: "RST/ACK", Did: "sent", Rule: "names"})
	}
	for i := range 30 {
		all = append(all, Packet{MS: 42.1 + float64(i)*0.7, Up: i%5 == 4, Length: 1500, What: "data 1448"})
	}
	return all
}
