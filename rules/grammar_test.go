package rules

import (
	"net/netip"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func parseText(t *testing.T, text string) *Policy {
	t.Helper()
	p, err := Parse("test.yaml", []byte("policy: test\n"+head+text), nil)
	require.NoError(t, err)
	return p
}

// Every key of a condition, beside those of TestParseAll.
func TestParseConditions(t *testing.T) {
	yes, no := true, false
	for when, want := range map[string]Condition{
		`{certificate: [x.com, "*.y.com"]}`:        {Certificate: []string{"x.com", "*.y.com"}},
		`{ja3: E7D705A3286E19EA42F587B344EE6865}`:  {JA3: []string{"e7d705a3286e19ea42f587b344ee6865"}},
		`{ja4: ["t13d*", "*_8daaf6152771_*"]}`:     {JA4: []string{"t13d*", "*_8daaf6152771_*"}},
		`{source port: [53, 1000..2000]}`:          {SourcePort: []Range{{53, 53}, {1000, 2000}}},
		`{hello: [unnamed, unreadable]}`:           {Hello: []HelloKind{HelloUnnamed, HelloUnreadable}},
		`{ech: true, sni: x.com}`:                  {ECH: &yes, SNI: []string{"x.com"}},
		`{ech: false}`:                             {ECH: &no},
		`{quic: [v1, draft]}`:                      {QUIC: []QUICVersion{QUICv1, QUICDraft}},
		`{size: 1001..65535}`:                      {Size: []Range{{1001, 65535}}},
		`{extension: [0xfe0d, 0xFE02/20]}`:         {Extension: []Extension{{0xfe0d, -1}, {0xfe02, 20}}},
		`{payload: "0x5a: 1D 00 17, 0: 16 fe fd"}`: {Payload: []Payload{{"0: 16 fe fd, 90: 1d 00 17"}}},
		`{trick: [repeated id, fake]}`:             {Trick: []Trick{TrickID, TrickFake}},
	} {
		p := parseText(t, "rules: [{rule: one, when: "+when+", do: pass, source: {ref: choice}}]\n")
		require.Equal(t, want, p.Rules[0].When, when)
		_, err := p.Compile()
		require.NoError(t, err)
	}
}

func TestParseRuleKeys(t *testing.T) {
	p := parseText(t, `
rules:
  - {rule: a, when: {sni: x.com}, unless: [{to: 192.0.2.0/24}, {port: 443}], do: pass, chance: 50%, again: true, source: {ref: choice}}
  - {rule: b, when: {sni: x.com}, do: pass, chance: {share: 22%, of: port}, again: false, source: {ref: choice}}
`)
	require.Equal(t, []Condition{{To: []string{"192.0.2.0/24"}}, {Port: []Range{{443, 443}}}}, p.Rules[0].Unless)
	require.Equal(t, Chance{0.5, ChanceCoin}, p.Rules[0].Chance)
	require.True(t, p.Rules[0].Again)
	require.Equal(t, Chance{0.22, ChancePort}, p.Rules[1].Chance)
	require.False(t, p.Rules[1].Again)
}

// Every form of a mechanism, beside those of TestParseAll.
func TestParseMechanisms(t *testing.T) {
	count := func(least, most int, u Unit, d Direction) Count { return Count{Range{least, most}, u, d} }
	for do, want := range map[string]Do{
		`{drop: both, after: 2 data packets}`:                       {Mechanism: MechanismDrop, After: count(2, 2, UnitData, Both)},
		`{drop: both, after: 1 payload packet up}`:                  {Mechanism: MechanismDrop, After: count(1, 1, UnitPayload, Up)},
		`{drop: up, after: 16KB..20KB down}`:                        {Mechanism: MechanismDrop, Direction: Up, After: count(16000, 20000, UnitBytes, Down)},
		`{drop: up, from: data, residual: 10m, hold: pair}`:         {Mechanism: MechanismDrop, Direction: Up, From: StartData, Residual: 10 * time.Minute, Hold: HoldPair},
		`{freeze: both, after: 25 payload packets}`:                 {Mechanism: MechanismFreeze, After: count(25, 25, UnitPayload, Both)},
		`{freeze: down, after: 1424B, ban: 10m, hold: server}`:      {Mechanism: MechanismFreeze, Direction: Down, After: count(1424, 1424, UnitBytes, Both), Ban: 10 * time.Minute, Hold: HoldServer},
		`{reset: both ends, ttl: 52, residual: 75s, refresh: true}`: {Mechanism: MechanismReset, Inject: true, TTL: 52, Residual: 75 * time.Second, Refresh: true},
		`{reset: client, from: payload}`:                            {Mechanism: MechanismReset, Inject: true, Direction: Down, From: StartPayload},
		`{reset: server}`:                                           {Mechanism: MechanismReset, Inject: true, Direction: Up},
		`{police: 650B/s, burst: 1500B, per: subscriber}`:           {Mechanism: MechanismPolice, Rate: 650, Burst: 1500, Subscriber: true},
		`{capacity: 5, direction: up, from: data}`:                  {Mechanism: MechanismCapacity, Capacity: 5, Direction: Up, From: StartData},
		`{limit: 3 flows, per: [client, server/24, sni, ja4], window: 60s, ban: 2m}`: {
			Mechanism: MechanismLimit, Limit: 3, Keys: LimitClient | LimitServer24 | LimitSNI | LimitJA4, Window: time.Minute, Ban: 2 * time.Minute},
		`{limit: 1 flow, per: server, window: 60s, ban: 2m}`: {
			Mechanism: MechanismLimit, Limit: 1, Keys: LimitServer, Window: time.Minute, Ban: 2 * time.Minute},
	} {
		p := parseText(t, "rules: [{rule: one, when: {protocol: tls}, do: "+do+", source: {ref: choice}}]\n")
		require.Equal(t, want, p.Rules[0].Do, do)
	}
	for do, want := range map[string]Do{
		`{answer: nxdomain}`: {Mechanism: MechanismAnswer},
		`{answer: refused}`:  {Mechanism: MechanismAnswer, Answer: AnswerRefused},
		`{answer: ["2001:db8::1", 192.0.2.1]}`: {Mechanism: MechanismAnswer, Answer: AnswerAddress,
			Addresses: []netip.Addr{netip.MustParseAddr("2001:db8::1"), netip.MustParseAddr("192.0.2.1")}},
	} {
		p := parseText(t, "rules: [{rule: one, when: {query: x.com}, do: "+do+", source: {ref: choice}}]\n")
		require.Equal(t, want, p.Rules[0].Do, do)
	}
	p := parseText(t, `rules: [{rule: one, when: {host: x.com}, do: {page: "http://blocked.example/"}, source: {ref: choice}}]`)
	require.Equal(t, Do{Mechanism: MechanismPage, Page: "http://blocked.example/"}, p.Rules[0].Do)
}

// Every key of a profile, with a value that is not the default.
func TestParseProfile(t *testing.T) {
	p := parseText(t, `
profile:
  sees: up
  reassembly: {tcp: true, records: true, both: true, bytes: 1, segments: 2, overlap: last, order: strict, timeout: 5s}
  fragments: {hold: true, max: 24, copy ttl: false, timeout: 30s, duplicate: ignore, inspect: true, sets: 7}
  fooled by: {checksum: false, sequence: false, md5: false, timestamp: false, ttl: 5}
  originator: any
  remote syn: ignored
  mid-stream: drops
  inspect: {packets: 7, unknown: 200}
  quic: {versions: [v1, v2, draft], assemble: false, padding: false, datagrams: 1}
  http: every
  encrypted: {packets: 4, size: 500}
  idle: {syn sent: 1s, syn received: 2s, tcp: 3s, udp: 4s, other: 5s, closed: 6s}
  trailing dot: same
  miss: {share: 30%, of: client}
  flows: 9
  fail: closed
rules: [{rule: one, when: all, do: pass, source: {ref: choice}}]
`)
	require.Equal(t, Profile{
		Sees:       Up,
		Reassembly: Reassembly{TCP: true, Records: true, Both: true, Bytes: 1, Segments: 2, Last: true, Ordered: true, Timeout: 5 * time.Second},
		Fragments:  Fragments{Hold: true, Max: 24, Timeout: 30 * time.Second, Inspect: true, Sets: 7},
		Fooled:     Fooled{TTL: 5},
		MidStream:  MidStreamDrops, Inspect: Range{7, 7}, Unknown: 200,
		QUIC:      QUICReading{Versions: []QUICVersion{QUICv1, QUICv2, QUICDraft}, Datagrams: 1},
		HTTPEvery: true, Encrypted: Encrypted{Packets: 4, Size: 500},
		SYNSent: 1 * time.Second, SYNReceived: 2 * time.Second, TCPIdle: 3 * time.Second, UDPIdle: 4 * time.Second,
		OtherIdle: 5 * time.Second, Closed: 6 * time.Second,
		TrailingDot: true, Miss: Chance{0.3, ChanceClient}, Flows: 9, FailClosed: true,
	}, p.Profile)
}
