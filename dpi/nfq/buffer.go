package nfq

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// packetCost is what a packet of 1,500 bytes that waits takes of a receive buffer, in bytes as the kernel counts them (measured on
// Linux 6.18: 2,296). Headers alone take about 1,270, but the copy range may be raised.
const packetCost = 2304

// buffer is the receive buffer that a full queue needs. A queue is made longer than the default for an engine that holds packets: those
// were read, and take no place in the buffer.
func (c *QueueConfig) buffer() int { return min(c.Length, defaultLength) * packetCost }

// setReceiveBuffer asks for room, beyond the system's limit if it may, which is so in the first user namespace only, and returns what it
// got. The kernel doubles what is asked for, and its limit too. NETLINK_NO_ENOBUFS is not set: overflows are to be seen.
func setReceiveBuffer(fd, size int) int {
	if unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUFFORCE, size/2) != nil {
		_ = unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUF, size/2)
	}
	got, err := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUF)
	if err != nil {
		return 0
	}
	return got
}

// QueueState says how a queue was set up.
type QueueState struct {
	Number uint16
	Length int // packets that may wait for a verdict
	Buffer int // the reader's receive buffer, in bytes as the kernel counts them
	Needed int // of it, when as many packets of 1,500 bytes as may wait, but no more than 4096, come faster than they are read
}

// Queues says how the queues were set up, in the order of their numbers. Any goroutine.
func (d *Daemon) Queues() []QueueState {
	var all []QueueState
	for _, w := range d.workers {
		c := w.queueConfig()
		c.defaults()
		all = append(all, QueueState{Number: c.Number, Length: c.Length, Buffer: w.queue.Buffer(), Needed: c.buffer()})
	}
	return all
}

// Shortage says, for people, which receive buffers are smaller than a full queue needs, and what to do; "" when none is. A box works with
// less, but a reader that is late for a moment then misses packets.
func (d *Daemon) Shortage() string {
	var short int
	var worst QueueState
	for _, q := range d.Queues() {
		if q.Buffer < q.Needed {
			short++
			worst = q
		}
	}
	if short == 0 {
		return ""
	}
	return fmt.Sprintf("%d of %d queues have a receive buffer of %d bytes, which holds about %d packets of 1,500 bytes where %d may wait: "+
		"raise the system's limit (sysctl -w net.core.rmem_max=%d) and start again",
		short, len(d.workers), worst.Buffer, worst.Buffer/packetCost, worst.Needed/packetCost, (worst.Needed+1)/2)
}
