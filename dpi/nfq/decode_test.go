package nfq

import (
	"encoding/binary"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

// packetMessage is a packet message as the kernel builds it.
func packetMessage(id uint32, data []byte) []byte {
	b := appendMessage(nil, typePacket, 0, 5)
	b = appendAttr(b, attrPacketHeader, append(binary.BigEndian.AppendUint32(nil, id), 0x08, 0x00, 2)) // protocol, hook
	b = appendAttr32(b, attrIn, 11)
	b = appendAttr32(b, attrOut, 12)
	b = appendAttr32(b, attrPhysIn, 13)
	b = appendAttr32(b, attrPhysOut, 14)
	b = appendAttr(b, attrHardware, []byte{0, 6, 0, 0, 2, 4, 6, 8, 10, 12, 0, 0})
	b = appendAttr32(b, attrLength, 1500)
	b = appendAttr(b, attrPayload, data)
	return finish(b, 0)
}

func TestDecode(t *testing.T) {
	m, rest, err := next(packetMessage(7, []byte("an odd payload")))
	require.NoError(t, err)
	require.Empty(t, rest)
	require.Equal(t, uint16(typePacket), m.typ)
	var p Packet
	require.NoError(t, p.decode(m.body))
	require.Equal(t, Packet{ID: 7, In: 11, Out: 12, PhysIn: 13, PhysOut: 14, MAC: [6]byte{2, 4, 6, 8, 10, 12}, HasMAC: true,
		Data: []byte("an odd payload"), Length: 1500}, p)
	require.Equal(t, len(p.Data), cap(p.Data), "appending to Data must not reach what follows")

	require.NoError(t, p.decode(packetMessage(8, nil)[16:]))
	require.Equal(t, uint32(8), p.ID)
	require.Empty(t, p.Data)
}

// Messages whose lengths lie are refused; the id survives when it came first, so that the packet can be decided.
func TestDecodeRefuses(t *testing.T) {
	whole := packetMessage(7, []byte("payload!"))
	for cut := range len(whole) {
		_, _, err := next(whole[:cut])
		require.ErrorIs(t, err, errMessage, "cut to %d", cut)
	}
	short := binary.NativeEndian.AppendUint32(nil, 15)
	_, _, err := next(append(short, make([]byte, 20)...))
	require.ErrorIs(t, err, errMessage)

	var p Packet
	body := whole[16:]
	require.ErrorIs(t, p.decode(body[:len(body)-1]), errMessage)
	require.Equal(t, uint32(7), p.ID)
	require.ErrorIs(t, p.decode(nil), errMessage)
	require.ErrorIs(t, p.decode(body[:4]), errMessage, "no id")
	for _, bad := range [][]byte{
		appendAttr(nil, attrPacketHeader, []byte{1, 2}),
		appendAttr(nil, attrIn, []byte{1, 2, 3}),
		appendAttr(nil, attrHardware, []byte{0, 6}),
		appendAttr(nil, attrHardware, []byte{0, 9, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8}),
		{3, 0, 1, 0},
		{200, 0, 1, 0},
		{1},
	} {
		require.ErrorIs(t, p.decode(append(make([]byte, 4), bad...)), errMessage)
	}
}

func TestErrno(t *testing.T) {
	e, err := errno(binary.NativeEndian.AppendUint32(nil, uint32(0xffffffff))) // -1
	require.NoError(t, err)
	require.Equal(t, unix.EPERM, e)
	_, err = errno([]byte{1})
	require.ErrorIs(t, err, errMessage)
}

// A verdict is laid out as nfnetlink_queue.h says: 16 bytes of netlink, 4 of nfnetlink with the queue, and attributes.
func TestVerdictMessage(t *testing.T) {
	b := appendVerdict([]byte("before"), 0x0102, 9, true, markBase|markPass, []byte("12345"))[6:]
	m, rest, err := next(b)
	require.NoError(t, err)
	require.Empty(t, rest)
	require.Equal(t, uint16(typeVerdict), m.typ)
	require.Equal(t, []byte{0, 0, 1, 2}, m.body[:4])
	require.Equal(t, []byte{0, 0, 0, 1, 0, 0, 0, 9}, m.body[8:16])
	require.Equal(t, binary.BigEndian.AppendUint32(nil, markBase|markPass), m.body[20:24])
	require.Equal(t, []byte("12345\x00\x00\x00"), m.body[28:])
	require.Equal(t, uint16(9), binary.NativeEndian.Uint16(m.body[24:]), "the attribute's length is that of the data")

	require.Len(t, appendVerdict(nil, 0, 9, false, 0, nil), msgHeader+attrHeader+8)
}

func TestParseQueues(t *testing.T) {
	all, err := parseQueues("    0   1234     3 2 65531     5     6    77  1\n  200 4294960000     0 2    68     0     0        0  1\n")
	require.NoError(t, err)
	require.Equal(t, []kernelQueue{{0, 1234, 5, 6, 77}, {200, 4294960000, 0, 0, 0}}, all)
	_, err = parseQueues("nonsense\n")
	require.ErrorContains(t, err, queueTable)
}

// Whatever bytes come, decoding ends, stays within them, and agrees with itself.
func FuzzMessages(f *testing.F) {
	f.Add(packetMessage(7, []byte("payload")))
	f.Add(append(packetMessage(1, nil), packetMessage(2, make([]byte, 33))...))
	f.Add(finish(append(appendMessage(nil, unix.NLMSG_ERROR, 0, 0), 0xff, 0xff), 0))
	f.Fuzz(func(t *testing.T, b []byte) {
		q := newOwn(-1, 0, 64)
		q.datagram(b)
		for i := range q.packets {
			p := &q.packets[i]
			require.NotZero(t, p.ID)
			require.LessOrEqual(t, len(p.Data), len(b))
			require.Equal(t, len(p.Data), cap(p.Data))
			_, _, _, _ = addresses(p.Data)
		}
		for rest := b; len(rest) > 0; {
			m, after, err := next(rest)
			if err != nil {
				return
			}
			require.Less(t, len(after), len(rest))
			if e, err := errno(m.body); err == nil {
				_ = e.Error()
			}
			rest = after
		}
	})
}

func BenchmarkDecode(b *testing.B) {
	m := packetMessage(7, make([]byte, 1500))
	var p Packet
	b.ReportAllocs()
	for b.Loop() {
		n, _, err := next(m)
		if err != nil || p.decode(n.body) != nil {
			b.Fatal("refused")
		}
	}
}

func BenchmarkVerdict(b *testing.B) {
	out := make([]byte, 0, verdictRoom)
	b.ReportAllocs()
	for b.Loop() {
		out = appendVerdict(out[:0], 1, 7, true, markBase|markPass, nil)
	}
}

// Whatever the table looks like, reading it ends, and a line that is read is one that says so.
func FuzzParseQueues(f *testing.F) {
	f.Add("    0   1234     3 2 65531     5     6    77  1\n")
	f.Add("1 2 3 4 5 6 7\n")
	f.Add("70000 1 1 1 1 1 1 1 1\n")
	f.Fuzz(func(t *testing.T, table string) {
		all, err := parseQueues(table)
		if err == nil {
			require.Len(t, all, len(slices.Collect(strings.Lines(table))))
		}
	})
}
