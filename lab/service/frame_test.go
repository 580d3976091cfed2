package service

import (
	"bytes"
	"io"
	"runtime"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestReadOpening(t *testing.T) {
	for name, c := range map[string]struct {
		in      string
		routing string
		err     error
		rest    string // what must not have been read
	}{
		"plain":            {in: "WA\x06\x03rest", rest: "rest"},
		"dictionary":       {in: "WA\x06\x02"},
		"routed":           {in: "ED\x00\x01\x00\x00\x03abcWA\x06\x03rest", routing: "abc", rest: "rest"},
		"empty routing":    {in: "ED\x00\x01\x00\x00\x00WA\x06\x03"},
		"TLS":              {in: "\x16\x03\x01\x02\x00", err: errOpening, rest: "\x01\x02\x00"},
		"HTTP":             {in: "GET / HTTP/1.1", err: errOpening, rest: "T / HTTP/1.1"},
		"version":          {in: "WA\x05\x03", err: errOpening},
		"not routed":       {in: "ED\x00\x02\x00\x00\x03abc", err: errOpening, rest: "abc"},
		"routing too long": {in: "ED\x00\x01\xff\xff\xffabc", err: errOpening, rest: "abc"},
		"no header behind": {in: "ED\x00\x01\x00\x00\x03abcXY", err: errOpening},
		"empty":            {err: io.EOF},
		"cut":              {in: "W", err: io.ErrUnexpectedEOF},
		"cut in version":   {in: "WA\x06", err: io.ErrUnexpectedEOF},
		"cut in routing":   {in: "ED\x00\x01\x00\x00\x03ab", err: io.ErrUnexpectedEOF},
	} {
		t.Run(name, func(t *testing.T) {
			r := bytes.NewReader([]byte(c.in))
			header, routing, err := readOpening(r)
			require.ErrorIs(t, err, c.err)
			if c.err == nil {
				require.Equal(t, "WA\x06", string(header[:3]))
				require.Equal(t, c.routing, string(routing))
			}
			rest, _ := io.ReadAll(r)
			require.Equal(t, c.rest, string(rest))
		})
	}
}

func TestFrameLimits(t *testing.T) {
	largest, err := appendFrame(nil, make([]byte, maxFrame))
	require.NoError(t, err)
	back, err := readFrame(bytes.NewReader(largest), maxFrame)
	require.NoError(t, err)
	require.Len(t, back, maxFrame)
	_, err = appendFrame(nil, make([]byte, 16<<20))
	require.ErrorIs(t, err, errFrame)
	_, err = readFrame(bytes.NewReader(largest), maxHandshake)
	require.ErrorIs(t, err, errFrame)
	_, err = readFrame(bytes.NewReader([]byte{0, 0, 5, 'a'}), maxFrame)
	require.ErrorIs(t, err, io.ErrUnexpectedEOF)
}

// A length alone must not make the server set memory aside.
func TestFrameMemoryGrowsWithTheData(t *testing.T) {
	in := []byte{0xff, 0xff, 0xff, 1, 2, 3}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for range 100 {
		_, err := readFrame(bytes.NewReader(in), maxFrame)
		require.ErrorIs(t, err, io.ErrUnexpectedEOF)
	}
	runtime.ReadMemStats(&after)
	require.Less(t, (after.TotalAlloc-before.TotalAlloc)/100, uint64(256<<10))
}

func TestFieldBytes(t *testing.T) {
	msg := []byte{0x08, 0x96, 0x01}                       // 1: varint
	msg = appendField(msg, 2, []byte("old"))              // 2: bytes, overridden below
	msg = append(msg, 0x1d, 1, 2, 3, 4)                   // 3: 32 bits
	msg = append(msg, 0x21, 1, 2, 3, 4, 5, 6, 7, 8)       // 4: 64 bits
	msg = append(msg, 0xaa, 0x06, 0x01, 'x')              // 101: bytes, two-byte tag
	msg = appendField(msg, 2, bytes.Repeat(msg[:1], 300)) // two-byte length
	value, ok, err := fieldBytes(msg, 2)
	require.NoError(t, err)
	require.True(t, ok)
	require.Len(t, value, 300)
	_, ok, err = fieldBytes(msg, 5)
	require.NoError(t, err)
	require.False(t, ok)
	for name, bad := range map[string][]byte{
		"no length": {0x12}, "short": {0x12, 5, 'a'}, "huge": {0x12, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1},
		"overlong": {0x12, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1}, "group": {0x13}, "field 0": {0x02, 0},
		"varint": {0x08, 0x80}, "32 bits": {0x1d, 1}, "64 bits": {0x21, 1},
	} {
		_, _, err := fieldBytes(bad, 2)
		require.ErrorIs(t, err, errProtobuf, name)
	}
}

func TestJoinPartsChecksSizes(t *testing.T) {
	hello := appendField(nil, helloEphemeral, make([]byte, 32))
	msg := appendField(nil, fieldClientHello, hello)
	got, err := joinParts(msg, fieldClientHello, part{helloEphemeral, keySize})
	require.NoError(t, err)
	require.Len(t, got, 32)
	for _, p := range []part{{helloEphemeral, 31}, {helloStatic, 0}} {
		_, err = joinParts(msg, fieldClientHello, p)
		require.ErrorIs(t, err, errProtobuf)
	}
	_, err = joinParts(msg, fieldServerHello)
	require.ErrorIs(t, err, errProtobuf)
}

func FuzzReadOpening(f *testing.F) {
	f.Add([]byte("WA\x06\x03"))
	f.Add([]byte("ED\x00\x01\x00\x00\x03abcWA\x06\x03"))
	f.Fuzz(func(t *testing.T, in []byte) {
		header, routing, err := readOpening(bytes.NewReader(in))
		if err != nil {
			return
		}
		out := appendOpening(nil, routing)
		if len(routing) == 0 && in[0] == 'E' {
			return // written without the prefix
		}
		require.Equal(t, in[:len(out)-1], out[:len(out)-1]) // but for the dictionary's version
		require.Equal(t, in[len(out)-1], header[3])
	})
}

func FuzzReadFrame(f *testing.F) {
	f.Add([]byte{0, 0, 3, 'a', 'b', 'c'}, 10)
	f.Fuzz(func(t *testing.T, in []byte, limit int) {
		body, err := readFrame(bytes.NewReader(in), limit)
		if err != nil {
			return
		}
		require.LessOrEqual(t, len(body), limit)
		out, err := appendFrame(nil, body)
		require.NoError(t, err)
		require.True(t, bytes.HasPrefix(in, out))
	})
}

func FuzzFieldBytes(f *testing.F) {
	f.Add(appendField(nil, 2, appendField(nil, 1, make([]byte, 32))), 2)
	f.Add([]byte{0x08, 0x96, 0x01, 0x1d, 1, 2, 3, 4}, 3)
	f.Fuzz(func(t *testing.T, in []byte, field int) {
		value, ok, err := fieldBytes(in, field)
		if err != nil || !ok {
			require.Nil(t, value)
			return
		}
		require.True(t, len(value) == 0 || bytes.Contains(in, value))
	})
}
