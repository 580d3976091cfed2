package trace

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// Every trace that ships holds at virtual time.
func TestShipped(t *testing.T) {
	require.NotEmpty(t, Names())
	for _, name := range Names() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			x, err := Find(name)
			require.NoError(t, err)
			holds(t, x)
		})
	}
}

// Those of testdata use more of the language than any observation needs.
func TestLanguage(t *testing.T) {
	files, err := filepath.Glob("testdata/*.trace")
	require.NoError(t, err)
	require.NotEmpty(t, files)
	for _, file := range files {
		t.Run(file, func(t *testing.T) {
			t.Parallel()
			x, err := Load(file)
			require.NoError(t, err)
			holds(t, x)
		})
	}
}

func holds(t *testing.T, x *Trace) {
	t.Helper()
	r, err := Run(t.Context(), x, NewVirtual)
	require.NoError(t, err)
	var script strings.Builder
	require.NoError(t, r.WriteScript(&script))
	require.True(t, r.OK(), script.String())
}

const head = "source x  confidence choice  policy 2025-home\n"

func parse(t *testing.T, text string) *Trace {
	t.Helper()
	x, err := Parse("x.trace", []byte(head+text), osFiles{})
	require.NoError(t, err)
	return x
}

// Each of these expects something that does not happen: no expectation may be so loose that it cannot fail.
func TestExpectationsCanFail(t *testing.T) {
	const hit = "handshake\n> hello x.com\n"
	for _, text := range []string{
		"> syn => dropped", "> syn => held", "> syn => rst,ack", "> syn => rewritten", "> syn => expired", "> syn => hit x-tls",
		"> syn => 2 passed", "> data 100 cut 50 => 1 passed", "> data 100 cut 50 => 3..4 passed", "> data 100 cut 50 => 1 passed, then dropped",
		"> syn => 50 % passed", "> syn => passed ttl 63", "> syn => passed seq 1", "> syn => released", "> syn => passed, + rst", "> syn <= rst",
		"> syn <= 302", "> syn => passed to 203.0.113.9", "> data 100 => 99 B passed", "> 10 x data 100 every 10ms => goodput 1..9 B/s", "> 10 x data 100 every 10ms => rate 1..2 mbit",
		"wait 1s => released", "repeat 2 => 3 passed\n  > syn\n  < syn,ack", "repeat 2 => 1 passed, then dropped\n  > data 10",
		hit + "< data 100", hit + "< data 100 => passed", hit + "< data 100 => dropped", hit + "< data 100 => rst", hit + "< data 100 => rst,ack len 1",
		hit + "< data 100 => rst,ack seq 7", hit + "< data 100 => rst,ack ttl 63", hit + "< data 100 => rst,ack to 192.0.2.1", hit + "< data 100 cut 50 => 1 rst,ack",
		hit + "< data 100 => rst,ack, no hit <= rst", "handshake\n> hello x.com => no hit", "repeat 4\n  > syn => 0..90 % passed",
		"flow udp\n> quic initial x.com => passed", "flow udp\n> quic initial x.com => 1 passed",
	} {
		r, err := Run(t.Context(), parse(t, text), NewVirtual)
		require.NoError(t, err, text)
		require.False(t, r.OK(), text)
	}
}

// The same seed gives the same bytes, another one others.
func TestDeterministic(t *testing.T) {
	text := "handshake\n> hello x.com fingerprint chrome cut sni\n< random 500\nflow\n> quic initial a.example datagrams 2 frames 3 shuffled\nflow udp\n> dtls hello a.example fingerprint random\n"
	sent := func(seed string) (all []string) {
		_, err := Run(t.Context(), parse(t, "seed "+seed+"\n"+text), func(s Setup) (Path, error) {
			p, err := NewVirtual(s)
			return recorder{p, &all}, err
		})
		require.NoError(t, err)
		return all
	}
	require.Equal(t, sent("7"), sent("7"))
	require.NotEqual(t, sent("7"), sent("8"))
}

type recorder struct {
	Path
	all *[]string
}

func (r recorder) Send(batch []Sent) ([]Output, error) {
	for _, s := range batch {
		*r.all = append(*r.all, string(s.Data))
	}
	return r.Path.Send(batch)
}

// Errors say where, and what to do.
func TestErrors(t *testing.T) {
	for text, want := range map[string]string{
		"> sny":                       `x.trace:2:3: found "sny", expected flags, a payload or an option; did you mean "syn"?`,
		"> data":                      "x.trace:2:7: found the end of the line, expected a number of bytes from 0 to 65536",
		"> data 10 => past":           `x.trace:2:14: found "past"`,
		"> data 10 cut x":             `x.trace:2:15: found "x", expected a place such as 200`,
		"> hello a.example garbled x": "x.trace:2:27: found \"x\"",
		"  > syn":                     "x.trace:2:1: found an indented line, expected with:",
		"> syn\nrepeat 2\n> ack":      "x.trace:3: found no indented line behind repeat",
		"flow a b":                    `x.trace:2:8: found "b"`,
		"wait long":                   `x.trace:2:6: found "long", expected a time`,
		"> data 50 fragments at x":    `x.trace:2:24: found "x", expected multiples of 8`,
		"> data 10 overlap 3":         "expected cut with overlap",
		"> data 10 with zeros":        "expected bytes A..B",
		"each p\n  > syn":             "x.trace:2:7: found the end of the line, expected values",
		"polic 2025-home\n> syn":      `x.trace:2:1: found "polic"`,
		"box isp nosuch\n> syn":       "x.trace:2:9: nosuch: no policy of this name ships",
		"policy 2025-home with:\n  profile:\n    flows: x\n> syn": "x.trace:4:12: ",
		"path client, box, servr\n> syn":                          "x.trace:2:1: found path",
		"seed 1 source x\n> syn":                                  "expected two spaces between fields",
		"> text \"abc":                                            "x.trace:2:8: found a text without a closing quote",
		"> syn <= rust":                                           `x.trace:2:10: found "rust"`,
		"> hello a.example size 30 => passed, and more":           `x.trace:2:38: found "and"`,
	} {
		_, err := Parse("x.trace", []byte(head+text), osFiles{})
		require.ErrorContains(t, err, want, text)
		require.NotContains(t, err.Error(), "\n")
	}
	for text, want := range map[string]string{
		"> hello a.example size 30":                 "x.trace:2: a hello of this kind has",
		"> again":                                   "x.trace:2: found again, expected a packet of this side before it",
		"flow server nosuch":                        `x.trace:2:13: found server "nosuch"`,
		"> udp data 1\n> tcp data 1":                "x.trace:3: found a packet of another transport",
		"> data 100 fragments 80":                   "cannot be cut like this",
		"flow again A":                              "expected a flow of that name",
		"> quic initial a.example size 50 frames 2": "too small",
	} {
		_, err := Run(t.Context(), parse(t, text), NewVirtual)
		require.ErrorContains(t, err, want, text)
	}
}
