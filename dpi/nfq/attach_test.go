package nfq

import (
	"testing"

	"dpilab/dpi"

	"github.com/stretchr/testify/require"
)

// Another reader decides under the daemon's rules: a flow that it passes for good does not come back, and after Close nothing is queued.
func TestAttach(t *testing.T) {
	w := newWire(t, true)
	w.echo(4)
	u := w.dialUDP(4)
	w.ask(u, "bound by nobody", "bound by nobody")
	c := w.config(nil)
	q, err := OpenQueue(Own, QueueConfig{NetNS: c.NetNS})
	require.NoError(t, err)
	defer q.Close()
	a, err := Attach(c)
	require.NoError(t, err)
	_, err = Attach(c)
	require.ErrorIs(t, err, ErrInUse)
	seen := make(chan int)
	stop := make(chan struct{})
	go func() {
		n := 0
		for {
			select {
			case <-stop:
				seen <- n
				return
			default:
			}
			packets, _ := q.Receive()
			for i := range packets {
				v := dpi.Verdict{Action: dpi.Accept}
				if len(payload(packets[i].Data)) > 0 {
					v.Offload = dpi.OffloadPass
					n++
				}
				accept, mark := KernelVerdict(&v, true)
				q.Verdict(packets[i].ID, accept, mark, nil)
			}
			_ = q.Flush()
		}
	}()
	for range 3 {
		w.ask(u, "hello", "hello")
	}
	close(stop)
	require.Equal(t, 1, <-seen)
	n, err := a.Counters()
	require.NoError(t, err)
	require.EqualValues(t, 5, n.OffloadedPass)
	require.NoError(t, a.Close())
	require.NoError(t, a.Close())
	w.ask(u, "gone", "gone")
}
