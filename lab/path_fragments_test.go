package lab

import (
	"encoding/binary"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"dpilab/dpi/nfq"
	"dpilab/dpi/packet"
	"dpilab/dpi/trace"
)

const holding = "profile: {fragments: {hold: true, timeout: 1s}}\n" +
	"rules:\n  - {rule: nine, when: {to: [203.0.113.9/32]}, do: {drop: both}, source: {ref: choice}}\n"

// fragmentsOf cuts a UDP packet into n fragments of 8 bytes, the first with one TTL, the others with another.
func fragmentsOf(id uint16, n int, ttls [2]byte) [][]byte {
	body := udpBytes(8*n - 8)
	var all [][]byte
	for i := range n {
		flags, ttl := uint16(0x2000|i), ttls[0]
		if i > 0 {
			ttl = ttls[1]
		}
		if i == n-1 {
			flags = uint16(i)
		}
		b := ip4(17, ttl, flags, nil, body[8*i:8*i+8])
		binary.BigEndian.PutUint16(b[4:], id)
		packet.SealHeader(b[:20])
		all = append(all, b)
	}
	return all
}

func up(packets ...[]byte) []trace.Sent {
	var batch []trace.Sent
	for _, p := range packets {
		batch = append(batch, trace.Sent{Data: p})
	}
	return batch
}

func at(end trace.End, packets ...[]byte) []trace.Output {
	var out []trace.Output
	for _, p := range packets {
		out = append(out, trace.Output{At: end, Data: p})
	}
	return out
}

// Fragments leave together, unassembled, in the order of their arrival and with the first one's TTL (B34; IMC22, P), however many wait
// meanwhile, and lost ones are given back to the kernel.
func TestPathHoldsFragments(t *testing.T) {
	for name, reader := range map[string]nfq.Reader{"own": nfq.Own, "reference": nfq.GoNFQueue} {
		t.Run(name, func(t *testing.T) {
			p := openPath(t, PathOptions{Reader: reader}, trace.Element{Policy: policyOf(t, holding)})
			send := func(batch []trace.Sent) []trace.Output {
				t.Helper()
				out, err := p.Send(batch)
				require.NoError(t, err)
				return out
			}
			f, want := fragmentsOf(1, 3, [2]byte{64, 10}), fragmentsOf(1, 3, [2]byte{64, 64})
			require.Empty(t, send(up(f[2], f[0])))
			require.Equal(t, at(trace.Server, want[2], want[0], want[1]), send(up(f[1])))
			plain := ip4(17, 64, 0, nil, udpBytes(9))
			require.Equal(t, at(trace.Server, plain), send(up(plain)))

			// After the time, the rest of a packet finds nothing.
			f = fragmentsOf(2, 2, [2]byte{64, 64})
			require.Empty(t, send(up(f[0])))
			waiting := func() uint64 {
				c, err := p.boxes[0].box.Counters()
				require.NoError(t, err)
				require.Zero(t, c.Refused)
				require.Zero(t, c.Overflowed)
				return c.Waiting
			}
			require.Equal(t, uint64(1), waiting())
			out, err := p.Wait(1300 * time.Millisecond)
			require.NoError(t, err)
			require.Empty(t, out)
			require.Zero(t, waiting())
			require.Empty(t, send(up(f[1])))

			// 46 are too many.
			require.Empty(t, send(up(fragmentsOf(3, 46, [2]byte{64, 64})...)))
			require.Len(t, send(up(fragmentsOf(4, 45, [2]byte{64, 64})...)), 45)
		})
	}
}

// Thousands of packets that wait take no other's place in the queue: a queue that is full would pass packets unseen.
func TestPathHoldsManyFragments(t *testing.T) {
	const sets, each = 600, 10
	text := "profile: {fragments: {hold: true, timeout: 1m}}\n" +
		"rules:\n  - {rule: nine, when: {to: [203.0.113.9/32]}, do: {drop: both}, source: {ref: choice}}\n"
	p := openPath(t, PathOptions{}, trace.Element{Policy: policyOf(t, text)})
	var begin, end []trace.Sent
	var want []trace.Output
	for i := range sets {
		f := fragmentsOf(uint16(i+1), each, [2]byte{64, 64})
		begin = append(begin, up(f[:each-1]...)...)
		end = append(end, up(f[each-1])...)
		want = append(want, at(trace.Server, f...)...)
	}
	start := time.Now()
	out, err := p.Send(begin)
	require.NoError(t, err)
	require.Empty(t, out)
	t.Logf("%v a fragment that is held", time.Since(start)/time.Duration(len(begin)))

	nine := ip4(17, 64, 0, nil, udpBytes(9))
	nine[19] = 9
	packet.SealHeader(nine[:20])
	calm := ip4(17, 64, 0, nil, udpBytes(9))
	out, err = p.Send(up(slices.Repeat([][]byte{nine, calm}, 100)...))
	require.NoError(t, err)
	require.Equal(t, slices.Repeat(at(trace.Server, calm), 100), out)

	start = time.Now()
	slices.Reverse(end)
	out, err = p.Send(end)
	require.NoError(t, err)
	t.Logf("%v a set that is released", time.Since(start)/sets)
	require.Len(t, out, len(want))
	for i, o := range out {
		set := sets - 1 - i/each
		require.Equal(t, want[set*each+i%each].Data, o.Data)
	}
}

// The power of a box comes back to a new queue, whose packets have the IDs of former ones: none gets the verdict of a fragment that was
// held before.
func TestPathForgetsFragmentsWithoutPower(t *testing.T) {
	p := openPath(t, PathOptions{}, trace.Element{Policy: policyOf(t, holding)})
	send := func(batch []trace.Sent) []trace.Output {
		t.Helper()
		out, err := p.Send(batch)
		require.NoError(t, err)
		return out
	}
	for id := range uint16(5) {
		f := fragmentsOf(10+id, 2, [2]byte{64, 64})
		require.Empty(t, send(up(f[0])))
	}
	require.NoError(t, p.Power("", false))
	require.NoError(t, p.Power("", true))
	out, err := p.Wait(0)
	require.NoError(t, err)
	require.Len(t, out, 5, "a box that fails open lets go of what it holds")
	var seconds [][]byte
	for id := range uint16(9) {
		f := fragmentsOf(20+id, 2, [2]byte{64, 64})
		require.Empty(t, send(up(f[0])))
		seconds = append(seconds, f[1])
	}
	for id := range uint16(5) {
		f := fragmentsOf(10+id, 2, [2]byte{64, 64})
		require.Empty(t, send(up(f[1])), "the first one is not remembered")
	}
	for _, second := range seconds {
		require.Len(t, send(up(second)), 2)
	}
	c, err := p.boxes[0].box.Counters()
	require.NoError(t, err)
	require.Zero(t, c.Refused)
}
