package nfq

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	nfqueue "github.com/florianl/go-nfqueue/v2"
	"github.com/mdlayher/netlink"
	"golang.org/x/sys/unix"
)

// reference is the Queue over go-nfqueue: a goroutine of the library reads, and a channel hands the packets over.
type reference struct {
	nf        *nfqueue.Nfqueue
	number    uint16
	buffer    int
	cancel    context.CancelFunc
	from      chan Packet
	wake      chan struct{}
	packets   []Packet
	err       error
	overflows atomic.Uint64
	refused   atomic.Uint64
}

func openReference(c QueueConfig) (*reference, error) {
	config := nfqueue.Config{
		NetNS: max(c.NetNS, 0), NfQueue: c.Number, Copymode: nfqueue.NfQnlCopyPacket,
		MaxQueueLen: uint32(c.Length), MaxPacketLen: uint32(c.CopyRange),
	}
	if c.FailOpen {
		config.Flags = nfqueue.NfQaCfgFlagFailOpen
	}
	nf, err := nfqueue.Open(&config)
	if err != nil {
		return nil, fmt.Errorf("nfq: open queue %d with go-nfqueue: %w", c.Number, err)
	}
	buffer := 0
	if raw, err := nf.Con.SyscallConn(); err == nil {
		_ = raw.Control(func(fd uintptr) { buffer = setReceiveBuffer(int(fd), c.buffer()) })
	}
	ctx, cancel := context.WithCancel(context.Background())
	q := &reference{nf: nf, number: c.Number, buffer: buffer, cancel: cancel, from: make(chan Packet, batchSize), wake: make(chan struct{}, 1)}
	err = nf.RegisterWithErrorFunc(ctx,
		func(a nfqueue.Attribute) int { return q.packet(ctx, &a) },
		func(err error) int { return q.failed(ctx, err) })
	if err == nil {
		return q, nil
	}
	cancel()
	_ = nf.Close()
	return nil, inNetNS(c.NetNS, func() error { return bindError(c.Number, err) })
}

// packet is called by the library's goroutine for each packet.
func (q *reference) packet(ctx context.Context, a *nfqueue.Attribute) int {
	if a.PacketID == nil {
		return 0
	}
	p := Packet{ID: *a.PacketID, In: value(a.InDev), Out: value(a.OutDev), PhysIn: value(a.PhysInDev), PhysOut: value(a.PhysOutDev)}
	if a.Payload != nil {
		p.Data = *a.Payload
	}
	if p.Length = value(a.CapLen); p.Length == 0 {
		p.Length = uint32(len(p.Data))
	}
	if a.HwAddr != nil && len(*a.HwAddr) == len(p.MAC) {
		p.HasMAC = true
		copy(p.MAC[:], *a.HwAddr)
	}
	select {
	case q.from <- p:
		return 0
	case <-ctx.Done():
		return 1
	}
}

// failed is called by the library's goroutine when it could not read, or was answered with an error.
func (q *reference) failed(ctx context.Context, err error) int {
	switch {
	case ctx.Err() != nil:
		return 1
	case errors.Is(err, unix.ENOBUFS):
		q.overflows.Add(1)
	case errors.Is(err, unix.ENOENT): // a verdict for a packet that is gone
		q.refused.Add(1)
	}
	return 0
}

func value(p *uint32) uint32 {
	if p == nil {
		return 0
	}
	return *p
}

// Receive implements Queue.
func (q *reference) Receive() ([]Packet, error) {
	q.packets = q.packets[:0]
	select {
	case p := <-q.from:
		q.packets = append(q.packets, p)
	default:
		select {
		case p := <-q.from:
			q.packets = append(q.packets, p)
		case <-q.wake:
			return nil, nil
		case <-time.After(tick * time.Millisecond):
			return nil, nil
		}
	}
	for len(q.packets) < batchSize {
		select {
		case p := <-q.from:
			q.packets = append(q.packets, p)
			continue
		default:
		}
		break
	}
	return q.packets, nil
}

// Verdict implements Queue.
func (q *reference) Verdict(id uint32, accept bool, mark uint32, data []byte) {
	if len(data) > maxReplaced {
		q.refused.Add(1)
		accept, data = false, nil
	}
	verdict := nfqueue.NfDrop
	if accept {
		verdict = nfqueue.NfAccept
	}
	var options []nfqueue.VerdictOption
	if mark != 0 {
		options = append(options, nfqueue.WithMark(mark))
	}
	if data != nil {
		options = append(options, nfqueue.WithAlteredPacket(data))
	}
	if err := q.nf.SetVerdictWithOption(id, verdict, options...); err != nil {
		q.err = errors.Join(q.err, fmt.Errorf("nfq: verdict for queue %d: %w", q.number, err))
	}
}

// Flush implements Queue: the verdicts are with the kernel already.
func (q *reference) Flush() (err error) {
	err, q.err = q.err, nil
	return err
}

// Wake implements Queue.
func (q *reference) Wake() {
	select {
	case q.wake <- struct{}{}:
	default:
	}
}

// CopyRange implements Queue.
func (q *reference) CopyRange(bytes int) error {
	header := appendMessage(nil, typeConfig, flagRequest, q.number)[16:] // the package adds that of netlink
	_, err := q.nf.Con.Send(netlink.Message{
		Header: netlink.Header{Type: typeConfig, Flags: netlink.Request}, Data: append(header, copyParams(bytes)...),
	})
	return err
}

// Buffer implements Queue.
func (q *reference) Buffer() int { return q.buffer }

// Overflows implements Queue.
func (q *reference) Overflows() (overflows, refused uint64) {
	return q.overflows.Load(), q.refused.Load()
}

// Close implements Queue.
func (q *reference) Close() error {
	q.cancel()
	return q.nf.Close()
}
