package lab

import (
	"errors"
	"fmt"
	"time"

	"golang.org/x/sys/unix"

	"dpilab/dpi/trace"
)

const (
	// markerTime is how long a marker may take; on an idle machine it is a tenth of a millisecond.
	markerTime = 10 * time.Second
	// closedTime is how long packets have on a path that a dead box closes, where no marker comes through.
	closedTime = 20 * time.Millisecond
)

// Send implements trace.Path. Each packet is decided before the next one is sent, by a marker behind it: so every box meets them in
// the order of the batch, also where the kernel lets those of a passed flow overtake others that wait for a box. A packet that is late
// makes the next pause shorter.
func (p *Path) Send(batch []trace.Sent) ([]trace.Output, error) {
	err := p.onProcessor(func() error {
		due := p.now()
		for i, s := range batch {
			var err error
			if due, err = p.pause(due, s.After); err != nil {
				return err
			}
			if err := p.ports[s.From].send(s.Data, s.From); err != nil {
				return fmt.Errorf("send packet %d of the batch: %w", i+1, err)
			}
			settled := p.mark
			if i == len(batch)-1 || batch[i+1].From != s.From {
				settled = p.settle
			}
			if err := settled(s.From); err != nil {
				return err
			}
		}
		return nil
	})
	return p.take(), err
}

// Wait implements trace.Path.
func (p *Path) Wait(d time.Duration) ([]trace.Output, error) {
	err := p.onProcessor(func() error {
		if _, err := p.pause(p.now(), d); err != nil {
			return err
		}
		return p.settle(trace.Client)
	})
	return p.take(), err
}

func (p *Path) take() []trace.Output {
	out := p.out
	p.out = nil
	return out
}

// settle returns when the boxes have decided everything that was sent from an end, and what they sent of their own has
// come out. A marker that arrives says that all before it was decided; another one the other way does it for what boxes
// sent back. What a box sends can make the next box send something: so there are as many rounds as boxes.
func (p *Path) settle(from trace.End) error {
	for range max(1, len(p.boxes)) {
		if err := errors.Join(p.mark(from), p.mark(from.Other())); err != nil {
			return err
		}
	}
	return nil
}

// mark sends a marker from an end and takes what comes out at the other until it arrives.
func (p *Path) mark(from trace.End) error {
	for _, b := range p.boxes {
		if b.box.blocks() {
			time.Sleep(closedTime)
			return errors.Join(p.drain(trace.Client), p.drain(trace.Server))
		}
	}
	number := p.marker.next()
	if err := p.ports[from].send(p.marker.packet(number), from); err != nil {
		return fmt.Errorf("send a marker: %w", err)
	}
	at := from.Other()
	for deadline := time.Now().Add(markerTime); ; {
		data, err := p.ports[at].receive(true)
		switch {
		case errors.Is(err, unix.EAGAIN) && time.Now().Before(deadline):
			continue
		case errors.Is(err, unix.EAGAIN):
			return errors.Join(fmt.Errorf("the path does not settle: a marker did not arrive within %v", markerTime), p.failed())
		case err != nil:
			return err
		}
		n, ok := p.marker.read(data)
		if !ok {
			p.out = append(p.out, trace.Output{At: at, Data: data})
		}
		if ok && n == number {
			return nil
		}
	}
}

// failed gives the errors of boxes that ended.
func (p *Path) failed() error {
	var errs []error
	for _, b := range p.boxes {
		errs = append(errs, b.box.Close())
	}
	return errors.Join(errs...)
}

// drain takes what is there.
func (p *Path) drain(at trace.End) error {
	for {
		data, err := p.ports[at].receive(false)
		if errors.Is(err, unix.EAGAIN) {
			return nil
		}
		if err != nil {
			return err
		}
		if _, ok := p.marker.read(data); !ok {
			p.out = append(p.out, trace.Output{At: at, Data: data})
		}
	}
}
