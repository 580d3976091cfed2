package dpi

import (
	"encoding/binary"
	"testing"

	"github.com/stretchr/testify/require"

	"dpilab/rules"
)

// reads is a wire around a box with these rules; change, if any, edits its profile.
func reads(t *testing.T, change func(*rules.Profile), all ...rules.Rule) *wire {
	t.Helper()
	p := rules.Policy{Profile: rules.DefaultProfile(), Rules: all}
	p.Profile.Flows = 1000
	if change != nil {
		change(&p.Profile)
	}
	c, err := p.Compile()
	require.NoError(t, err)
	return wireOf(t, c)
}

// blocks is a rule that drops all of a flow.
func blocks(when rules.Condition) rules.Rule {
	return rules.Rule{Name: "one", When: when, Do: rules.Do{Mechanism: rules.MechanismDrop}, Source: rules.Source{Ref: "choice"}}
}

func joinsTCP(p *rules.Profile) { p.Reassembly.TCP = true }

// extension is one of a ClientHello.
func extension(id uint16, body []byte) []byte {
	return append(binary.BigEndian.AppendUint16(binary.BigEndian.AppendUint16(nil, id), uint16(len(body))), body...)
}

func nameExtension(name string) []byte {
	n := len(name)
	return extension(0, append([]byte{0, byte(n + 3), 0, 0, byte(n)}, name...))
}

// helloOf is a ClientHello message with these extensions, without a record.
func helloOf(extensions ...[]byte) []byte {
	var all []byte
	for _, x := range extensions {
		all = append(all, x...)
	}
	body := append([]byte{3, 3}, make([]byte, 32)...)
	body = append(body, 0, 0, 2, 0x13, 0x01, 1, 0)
	body = append(binary.BigEndian.AppendUint16(body, uint16(len(all))), all...)
	return append([]byte{1, 0, byte(len(body) >> 8), byte(len(body))}, body...)
}

func record(message []byte) []byte {
	return append([]byte{22, 3, 1, byte(len(message) >> 8), byte(len(message))}, message...)
}

func scrambled(b []byte, at int) []byte {
	b = append([]byte(nil), b...)
	b[at] ^= 0x55
	return b
}

// What became of the ClientHello decides where it could not be read (B13, O085: BYE#356, A; B17 phase 3: NTC8055/113, C).
func TestHelloKinds(t *testing.T) {
	whole := hello("blocked.example")
	for _, c := range []struct {
		name     string
		profile  func(*rules.Profile)
		segments [][]byte
		want     rules.HelloKind
	}{
		{"with a name", nil, [][]byte{whole}, rules.HelloNamed},
		{"without a name", nil, [][]byte{record(helloOf())}, rules.HelloUnnamed},
		{"a request", nil, [][]byte{[]byte("GET / HTTP/1.1\r\nHost: a\r\n\r\n")}, rules.HelloNone},
		{"noise", nil, [][]byte{{0x99, 1, 2}}, rules.HelloNone},
		{"O068: the handshake type scrambled", nil, [][]byte{scrambled(whole, 5)}, rules.HelloUnreadable},
		{"O067: the content type scrambled", nil, [][]byte{scrambled(whole, 0)}, rules.HelloNone},
		{"cut, and segments are not joined", nil, [][]byte{whole[:40]}, rules.HelloUnreadable},
		{"two records, and records are not joined", joinsTCP, [][]byte{hello("blocked.example", 30)}, rules.HelloUnreadable},
		{"cut, and segments are joined", joinsTCP, [][]byte{whole[:40], whole[40:]}, rules.HelloNamed},
		{"longer than what is kept", joinsTCP, split(paddedHello("blocked.example", 5919), 1388), rules.HelloUnreadable},
	} {
		for _, kind := range []rules.HelloKind{rules.HelloNone, rules.HelloNamed, rules.HelloUnnamed, rules.HelloUnreadable} {
			w := reads(t, c.profile, blocks(rules.Condition{Hello: []rules.HelloKind{kind}})).connect()
			last := Accept
			for _, s := range c.segments {
				last = w.up(s)
			}
			require.Equal(t, kind == c.want, last == Drop, "%s: %s", c.name, kind)
		}
	}
}

// A hello that never ends is unreadable once the box stops waiting for it.
func TestHelloThatNeverEnds(t *testing.T) {
	w := reads(t, func(p *rules.Profile) { p.Reassembly.TCP, p.Inspect = true, rules.Range{Min: 4, Max: 4} },
		blocks(rules.Condition{Hello: []rules.HelloKind{rules.HelloUnreadable}})).connect()
	require.Equal(t, Accept, w.up(hello("blocked.example")[:40]))
	for range 2 {
		require.Equal(t, Accept, w.down(answer))
	}
	require.Equal(t, Drop, w.down(answer))
	// What waits and is no hello is not one that cannot be read.
	require.Equal(t, Accept, w.connect().up([]byte("W")))
	for range 4 {
		require.Equal(t, Accept, w.down(answer))
	}
	require.Equal(t, Accept, w.tcp(rules.Up, ack, w.seq[0]+50, answer).Action)
}

// B18 (FOCI25-data, P): the name and an ECH extension together, on TLS and on QUIC.
func TestECH(t *testing.T) {
	yes := true
	rule := blocks(rules.Condition{SNI: []string{"cloudflare-ech.com"}, ECH: &yes})
	ech := extension(0xfe0d, make([]byte, 32))
	for _, c := range []struct {
		name  string
		hello []byte
		want  Action
	}{
		{"both", helloOf(nameExtension("cloudflare-ech.com"), ech), Drop},
		{"the name alone", helloOf(nameExtension("cloudflare-ech.com")), Accept},
		{"ECH with another name", helloOf(nameExtension("allowed.example"), ech), Accept},
		{"O237: ECH without a name", helloOf(ech), Accept},
	} {
		require.Equal(t, c.want, reads(t, nil, rule).connect().up(record(c.hello)), c.name)
		require.Equal(t, c.want, reads(t, nil, rule).flow().udp(rules.Up, initial{frames: cryptoFrame(0, c.hello)}.seal()).Action, c.name)
	}
}

// B22 (TD PR30513, O158, O159): an extension of this number and length.
func TestExtensionSign(t *testing.T) {
	rule := blocks(rules.Condition{Extension: []rules.Extension{{ID: 0xfe02, Length: 20}}})
	for id, lengths := range map[uint16]map[int]Action{0xfe02: {20: Drop, 21: Accept}, 0xfe0d: {20: Accept, 32: Accept}} {
		for n, want := range lengths {
			h := record(helloOf(nameExtension("any.example"), extension(id, make([]byte, n))))
			w := reads(t, nil, rule).connect()
			require.Equal(t, want, w.up(h), "%#x, %d bytes", id, n)
			if want == Accept {
				require.Equal(t, Drop, w.up(record(helloOf(extension(0xfe02, make([]byte, 20))))), "a second hello counts by itself")
			}
		}
	}
	any := blocks(rules.Condition{Extension: []rules.Extension{{ID: 0xfe02, Length: -1}}})
	require.Equal(t, Drop, reads(t, nil, any).connect().up(record(helloOf(extension(0xfe02, nil)))))
}

// B22 (TD#30733, O160, O161): the fingerprint of a hello. The values are computed by hand from the hello that helloOf builds.
func TestFingerprints(t *testing.T) {
	h := hello("any.example")
	w := reads(t, nil, blocks(rules.Condition{JA4: []string{"no.fingerprint"}, SNI: []string{"x.example"}})).connect()
	w.up(h)
	ja4 := string(w.engine.ja4)
	require.Regexp(t, "^t13d010200_[0-9a-f]{12}_[0-9a-f]{12}$", ja4)
	require.Equal(t, Drop, reads(t, nil, blocks(rules.Condition{JA4: []string{ja4}})).connect().up(h))
	require.Equal(t, Accept, reads(t, nil, blocks(rules.Condition{JA4: []string{ja4}})).connect().up(record(helloOf())))
	require.Equal(t, Drop, reads(t, nil, blocks(rules.Condition{JA4: []string{"q" + ja4[1:]}})).flow().
		udp(rules.Up, initial{frames: cryptoFrame(0, h[5:])}.seal()).Action)
}

// B16 (ZAP#170, C): on some ranges any split first request is reset, whatever its name; a whole one is not.
func TestSplitIsNoticed(t *testing.T) {
	rule := blocks(rules.Condition{Trick: []rules.Trick{rules.TrickSplit}})
	request := []byte("GET / HTTP/1.1\r\nHost: allowed.example\r\n\r\n")
	for _, profile := range []func(*rules.Profile){nil, joinsTCP} {
		for _, whole := range [][]byte{hello("allowed.example"), request} {
			require.Equal(t, Accept, reads(t, profile, rule).connect().up(whole))
			require.Equal(t, Drop, reads(t, profile, rule).connect().up(whole[:20]))
		}
	}
	// The end first.
	w, h := reads(t, joinsTCP, rule).connect(), hello("allowed.example")
	require.Equal(t, Accept, w.tcp(rules.Up, ack, w.seq[0]+20, h[20:]).Action)
	require.Equal(t, Drop, w.tcp(rules.Up, ack, w.seq[0], h[:20]).Action)

	records := blocks(rules.Condition{Trick: []rules.Trick{rules.TrickRecords}})
	require.Equal(t, Accept, reads(t, nil, records).connect().up(h))
	require.Equal(t, Drop, reads(t, nil, records).connect().up(hello("allowed.example", 30)))
}
