package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync/atomic"
	"time"

	"github.com/apernet/OpenGFW/io"
	nfqueue "github.com/florianl/go-nfqueue"
	"golang.org/x/sys/unix"

	"dpilab/dpi"
	"dpilab/dpi/nfq"
)

const (
	wholePacket   = 0xffff
	receiveBuffer = 8 << 20 // bytes; what dpilab's reader asks for
)

// packetIO is OpenGFW's io.PacketIO on one queue. The engine calls SetVerdict from its workers.
type packetIO struct {
	queue   *nfqueue.Nfqueue
	offload bool
	attach  func() error  // makes the kernel queue packets; called once the queue is bound, or its first packets would disturb that
	tried   chan struct{} // closed after that, or after a failure

	packets, accepted, dropped, rewritten atomic.Uint64
	refused, overflows                    atomic.Uint64
}

var _ io.PacketIO = (*packetIO)(nil)

func openPacketIO(c config) (*packetIO, error) {
	q, err := nfqueue.Open(&nfqueue.Config{
		NfQueue: uint16(c.queue), MaxPacketLen: wholePacket, MaxQueueLen: uint32(c.length),
		Copymode: nfqueue.NfQnlCopyPacket, Flags: nfqueue.NfQaCfgFlagFailOpen,
	})
	if err != nil {
		return nil, fmt.Errorf("open queue %d: %w", c.queue, err)
	}
	if err := q.Con.SetReadBuffer(receiveBuffer); err != nil {
		return nil, errors.Join(fmt.Errorf("receive buffer of queue %d: %w", c.queue, err), q.Close())
	}
	return &packetIO{queue: q, offload: !c.noOffload, tried: make(chan struct{})}, nil
}

// queued is an io.Packet.
type queued struct {
	id, stream uint32
	at         time.Time
	data       []byte
}

func (p *queued) StreamID() uint32     { return p.stream }
func (p *queued) Timestamp() time.Time { return p.at }
func (p *queued) Data() []byte         { return p.data }

// Register implements io.PacketIO.
func (o *packetIO) Register(ctx context.Context, take io.PacketCallback) error {
	defer close(o.tried) // the engine calls Register once
	err := o.queue.RegisterWithErrorFunc(ctx,
		func(a nfqueue.Attribute) int { return code(o.receive(&a, take)) },
		func(err error) int {
			switch {
			case errors.Is(err, unix.ENOBUFS):
				o.overflows.Add(1)
				return 0
			case errors.Is(err, unix.ENOENT): // a verdict for a packet that is gone
				o.refused.Add(1)
				return 0
			}
			return code(ctx.Err() == nil && take(nil, err))
		})
	if err != nil {
		return err
	}
	return o.attach()
}

// code is what go-nfqueue wants to hear: 0 to go on.
func code(goOn bool) int {
	if goOn {
		return 0
	}
	return 1
}

func (o *packetIO) receive(a *nfqueue.Attribute, take io.PacketCallback) bool {
	if a.PacketID == nil {
		return true
	}
	o.packets.Add(1)
	p := &queued{id: *a.PacketID, at: time.Now()}
	if a.Payload == nil || len(*a.Payload) == 0 {
		_ = o.SetVerdict(p, io.VerdictAccept, nil)
		return true
	}
	p.data = *a.Payload
	p.stream = streamID(p.data)
	return take(p, nil)
}

// SetVerdict implements io.PacketIO. Its error, which the engine does not look at, is counted.
func (o *packetIO) SetVerdict(of io.Packet, v io.Verdict, data []byte) error {
	p, ok := of.(*queued)
	if !ok {
		return &io.ErrInvalidPacket{Err: fmt.Errorf("a %T", of)}
	}
	d := decision(v)
	switch d.Action {
	case dpi.Rewrite:
		o.rewritten.Add(1)
	case dpi.Drop:
		o.dropped.Add(1)
	default:
		o.accepted.Add(1)
	}
	accept, mark := nfq.KernelVerdict(&d, o.offload)
	verdict := nfqueue.NfDrop
	if accept {
		verdict = nfqueue.NfAccept
	}
	var err error
	switch {
	case d.Action == dpi.Rewrite:
		err = o.queue.SetVerdictModPacket(p.id, verdict, data)
	case mark != 0:
		err = o.queue.SetVerdictWithMark(p.id, verdict, int(mark))
	default:
		err = o.queue.SetVerdict(p.id, verdict)
	}
	if err != nil {
		o.refused.Add(1)
	}
	return err
}

// decision puts OpenGFW's verdict in dpilab's words.
func decision(v io.Verdict) dpi.Verdict {
	switch v {
	case io.VerdictAcceptModify:
		return dpi.Verdict{Action: dpi.Rewrite}
	case io.VerdictAcceptStream:
		return dpi.Verdict{Action: dpi.Accept, Offload: dpi.OffloadPass}
	case io.VerdictDrop:
		return dpi.Verdict{Action: dpi.Drop}
	case io.VerdictDropStream:
		return dpi.Verdict{Action: dpi.Drop, Offload: dpi.OffloadDrop}
	}
	return dpi.Verdict{Action: dpi.Accept}
}

// ProtectedDialContext implements io.PacketIO. The box's namespace has no address: a rule that looks names up gets an error.
func (o *packetIO) ProtectedDialContext(ctx context.Context, network, address string) (net.Conn, error) {
	return new(net.Dialer).DialContext(ctx, network, address)
}

// SetCancelFunc implements io.PacketIO.
func (o *packetIO) SetCancelFunc(context.CancelFunc) error { return nil }

// Close implements io.PacketIO.
func (o *packetIO) Close() error { return o.queue.Close() }
