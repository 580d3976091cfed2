package packet

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"
)

// FuzzDecode holds Decode and DecodeCut to: no panic whatever length is claimed, the same of a cut packet as of the whole one, offsets in range, agreement with gopacket where both accept, and checksums that
// were right before a rewriting are right after it.
func FuzzDecode(f *testing.F) {
	for i, data := range captured(f) {
		if i%7 == 0 {
			f.Add(data, i)
		}
	}
	for _, data := range crafted() {
		f.Add(data, 0)
	}
	f.Fuzz(func(t *testing.T, data []byte, cut int) {
		data = append([]byte(nil), data...)
		var p Packet
		if p.DecodeCut(append([]byte(nil), data...), cut) == nil {
			requireInRange(t, &p, data)
			_, _, _ = p.Options(), p.ChecksumOK(), p.ToRSTACK()
		}
		if p.Decode(data) != nil {
			return
		}
		requireCut(t, data, cut&math.MaxInt)
		requireInRange(t, &p, data)
		if decoded, ok := twin(data); ok {
			requireTwin(t, &p, decoded)
		}
		right := p.ChecksumOK()
		src, dst := p.Src, p.Dst
		p.SetSrc(dst)
		p.SetDst(src)
		if right {
			require.True(t, p.ChecksumOK())
		}
		if out := p.ToRSTACK(); out != nil {
			require.LessOrEqual(t, len(out), len(data))
			require.True(t, p.ChecksumOK())
			kept := p
			require.NoError(t, p.Decode(out))
			require.Equal(t, kept, p)
		}
	})
}
