package packet

import (
	"encoding/binary"
	"testing"

	"github.com/google/gopacket/layers"
	"github.com/stretchr/testify/require"
)

func TestOptions(t *testing.T) {
	for name, c := range map[string]struct {
		options []byte
		want    Options
	}{
		"none":      {nil, Options{}},
		"of a SYN":  {[]byte{2, 4, 5, 180, 4, 2, 8, 10, 0, 0, 1, 2, 0, 0, 0, 0, 1, 3, 3, 7}, Options{true, 258, true, 7, false}},
		"of data":   {[]byte{1, 1, 8, 10, 255, 255, 255, 255, 0, 0, 0, 1}, Options{HasTimestamp: true, Timestamp: 1<<32 - 1}},
		"MD5":       {append([]byte{1, 1, 19, 18}, make([]byte, 16)...), Options{MD5: true}},
		"too large": {[]byte{3, 3, 200}, Options{HasScale: true, Scale: 14}},
		"after end": {[]byte{0, 19, 2}, Options{}},
		"cut off":   {[]byte{3, 3, 7, 19, 18, 0}, Options{HasScale: true, Scale: 7}},
		"no length": {[]byte{1, 19}, Options{}},
		"length 0":  {[]byte{8, 0, 19, 2}, Options{}},
		"length 1":  {[]byte{8, 1, 19, 2}, Options{}},
		"odd size":  {[]byte{8, 4, 0, 1, 3, 4, 1, 1}, Options{}},
		"twice":     {[]byte{3, 3, 1, 3, 3, 2}, Options{HasScale: true, Scale: 1}},
	} {
		p := Packet{TCPOptions: c.options}
		require.Equal(t, c.want, p.Options(), name)
	}
}

// FuzzOptions compares with gopacket where that accepts the options, and allocates nothing.
func FuzzOptions(f *testing.F) {
	f.Add([]byte{2, 4, 5, 180, 4, 2, 8, 10, 0, 0, 1, 2, 0, 0, 0, 0, 1, 3, 3, 7})
	f.Add(append([]byte{1, 1, 19, 18}, make([]byte, 16)...))
	f.Add([]byte{8, 0, 19, 2})
	f.Fuzz(func(t *testing.T, options []byte) {
		if len(options) > 40 {
			options = options[:40]
		}
		header := make([]byte, tcpLen, 60)
		header = append(header, options...)
		for len(header)%4 != 0 {
			header = append(header, 0)
		}
		header[tcpOffset] = byte(len(header) / 4 << 4)
		p := Packet{TCPOptions: header[tcpLen:]}
		got := p.Options()
		var twin layers.TCP
		if twin.DecodeFromBytes(header, discard{}) != nil {
			return
		}
		var want Options
		for i := len(twin.Options) - 1; i >= 0; i-- {
			switch x := twin.Options[i]; {
			case x.OptionType == 8 && len(x.OptionData) == 8:
				want.HasTimestamp, want.Timestamp = true, binary.BigEndian.Uint32(x.OptionData)
			case x.OptionType == 3 && len(x.OptionData) == 1:
				want.HasScale, want.Scale = true, min(x.OptionData[0], 14)
			case x.OptionType == 19:
				want.MD5 = true
			}
		}
		require.Equal(t, want, got)
	})
}

// discard takes what gopacket tells about a packet.
type discard struct{}

func (discard) SetTruncated() {}

func TestOptionsAllocateNothing(t *testing.T) {
	p := Packet{TCPOptions: []byte{2, 4, 5, 180, 4, 2, 8, 10, 0, 0, 1, 2, 0, 0, 0, 0, 1, 3, 3, 7}}
	require.Zero(t, testing.AllocsPerRun(100, func() { p.Options() }))
}
