package nfq

import (
	"sync/atomic"
	"testing"
	"time"

	"dpilab/dpi"
	"dpilab/rules"

	"github.com/stretchr/testify/require"
)

// readers runs a test with either reader.
func readers(t *testing.T, f func(t *testing.T, r Reader)) {
	for _, r := range []Reader{Own, GoNFQueue} {
		t.Run(r.String(), func(t *testing.T) { f(t, r) })
	}
}

// Under a policy that reads no payload the engines get headers and the length. From CopyWhole on they get whole packets, under load and
// on an idle box; not one that is cut comes after it.
func TestCopyWhole(t *testing.T) {
	readers(t, func(t *testing.T, r Reader) {
		const size = 1000
		w := newWire(t, true)
		w.echo(4)
		c := w.config(nil)
		var cut, whole, wrong, late atomic.Int64
		var changed atomic.Bool
		c.Engines = func(int) Engine {
			return &fake{handle: func(p dpi.Packet) dpi.Verdict {
				isCut := len(p.Data) < p.Length
				switch {
				case p.Length < headerRange:
					return accept(p)
				case p.Length != 28+size || isCut && len(p.Data) != headerRange:
					wrong.Add(1)
				case isCut && changed.Load():
					late.Add(1)
				case isCut:
					cut.Add(1)
					time.Sleep(200 * time.Microsecond) // so that some always wait
				default:
					whole.Add(1)
				}
				return accept(p)
			}}
		}
		c.Reader, c.Queues, c.QueueLength, c.Need = r, 2, 200, rules.Need{Everything: true}
		d := w.start(c)
		stop := make(chan struct{})
		done := make(chan struct{})
		u := w.dialUDP(4)
		go func() { // keeps both queues busy
			defer close(done)
			text := make([]byte, size)
			other := w.dialUDP(4)
			for {
				select {
				case <-stop:
					return
				default:
				}
				for range 20 {
					_, _ = u.Write(text)
					_, _ = other.Write(text)
				}
				time.Sleep(time.Millisecond)
			}
		}()
		require.Eventually(t, func() bool { return cut.Load() > 100 }, patience, time.Millisecond)
		require.NoError(t, d.CopyWhole())
		changed.Store(true)
		n := whole.Load()
		require.Eventually(t, func() bool { return whole.Load() > n+100 }, patience, time.Millisecond)
		close(stop)
		<-done
		require.Zero(t, wrong.Load())
		require.Zero(t, late.Load())
		require.NoError(t, d.CopyWhole(), "nothing to do")
		require.NoError(t, d.Close())
		require.NoError(t, d.CopyWhole(), "is so already")
	})
}

func TestCopyWholeOfAnIdleBox(t *testing.T) {
	readers(t, func(t *testing.T, r Reader) {
		w := newWire(t, true)
		c := w.config(accept)
		c.Reader, c.Need = r, rules.Need{Everything: true}
		d := w.start(c)
		require.NoError(t, d.CopyWhole())
		require.NoError(t, d.Close())
		d, err := Open(c)
		require.NoError(t, err)
		require.NoError(t, d.Close())
		require.ErrorIs(t, d.CopyWhole(), ErrClosed)
	})
}

// What is copied at first follows from the need, unless it is said.
func TestFirstCopyRange(t *testing.T) {
	for _, c := range []struct {
		said    int
		payload bool
		want    int
	}{{0, true, 0}, {0, false, headerRange}, {200, false, 200}, {200, true, 200}} {
		x := Config{CopyRange: c.said, Need: rules.Need{Everything: true, Payload: c.payload}}
		require.Equal(t, c.want, x.copyRange())
	}
}
